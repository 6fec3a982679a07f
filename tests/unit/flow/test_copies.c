/* Mirror copies: what is one and what is not, each against the same first packet; the window; what
 * hosts without an IP id send; a table that is too small. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flow/copies.h"

#define MS        INT64_C(1000000)
#define WINDOW_NS (50 * MS)
#define NOON      (INT64_C(1769860800000) * MS)

enum { TABLE_PACKETS = 4096 };

static const char INVITE[] = "INVITE sip:bob@example.com SIP/2.0\r\n"
                             "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKnashds8\r\n"
                             "Call-ID: a84b4c76e66710@192.0.2.1\r\nCSeq: 314159 INVITE\r\n\r\n";

static struct copies *table_new(size_t packets, int64_t window_ns)
{
    static struct copies copies;
    assert_int_equal(copies_init(&copies, packets, window_ns), 0);
    return &copies;
}

static struct datagram udp_v4(void)
{
    return (struct datagram){
        .time_ns = NOON,
        .src = {ip_from_v4((const uint8_t[4]){192, 0, 2, 1}), 5060},
        .dst = {ip_from_v4((const uint8_t[4]){198, 51, 100, 2}), 5062},
        .payload = {INVITE, sizeof INVITE - 1},
        .has_ip_id = true,
        .ip_id = 0xbeef,
        .ttl = 64,
        .protocol = 17,
    };
}

static struct datagram udp_v6(void)
{
    struct datagram d = udp_v4();
    d.src.ip = ip_from_v6((const uint8_t[16]){0x20, 0x01, 0x0d, 0xb8, [15] = 1});
    d.dst.ip = ip_from_v6((const uint8_t[16]){0x20, 0x01, 0x0d, 0xb8, [15] = 2});
    d.has_ip_id = false;
    d.ip_id = 0;
    return d;
}

static struct datagram udp_v4_without_id(void)
{
    struct datagram d = udp_v4();
    d.ip_id = 0; /* DF is set: RFC 6864 lets hosts send any constant */
    return d;
}

static struct datagram tcp_v4(void)
{
    struct datagram d = udp_v4();
    d.protocol = 6;
    d.tcp = (struct tcp_header){
        .seq = 0xfffffff0, .ack = 77, .window = 512, .flags = TCP_PSH | TCP_ACK};
    return d;
}

static struct datagram fragment_v6(void)
{
    struct datagram d = udp_v6();
    d.src.port = d.dst.port = 0;
    d.fragment = (struct ip_fragment){.id = 0x12345678, .offset = 1280, .more = true};
    return d;
}

static enum copy_kind look(struct copies *copies, const struct datagram *d,
                           enum decode_verdict verdict)
{
    uint64_t fingerprint = copies_fingerprint(copies, d, verdict);
    copies_prefetch(copies, fingerprint);
    return copies_check(copies, fingerprint, d);
}

static enum copy_kind look_at(struct copies *copies, struct datagram *d, int64_t ms)
{
    d->time_ns = NOON + ms * MS;
    return look(copies, d, DECODE_UDP);
}

/* What becomes of `second` after `first`. */
static enum copy_kind after(const struct datagram *first, const struct datagram *second,
                            enum decode_verdict verdict)
{
    struct copies *copies = table_new(TABLE_PACKETS, WINDOW_NS);
    assert_int_equal(look(copies, first, verdict), COPY_NONE);
    enum copy_kind kind = look(copies, second, verdict);
    copies_fini(copies);
    return kind;
}

static void test_kinds(void **state)
{
    static const struct {
        uint8_t depth, ttl;
        uint32_t envelope;
        enum copy_kind kind;
    } rows[] = {
        {0, 64, 7, COPY_SAME},   {0, 64, 8, COPY_VLAN},   {0, 63, 7, COPY_ROUTED},
        {0, 63, 8, COPY_ROUTED}, {1, 64, 7, COPY_TUNNEL}, {2, 63, 8, COPY_TUNNEL},
        {0, 65, 7, COPY_ROUTED}, {0, 1, 7, COPY_ROUTED},
    };
    (void)state;
    struct datagram first = udp_v4(), second;
    first.envelope = 7;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        second = first;
        second.tunnel_depth = rows[i].depth;
        second.ttl = rows[i].ttl;
        second.envelope = rows[i].envelope;
        assert_int_equal(after(&first, &second, DECODE_UDP), rows[i].kind);
        /* The tunnel's packet may as well come first. */
        assert_int_equal(after(&second, &first, DECODE_UDP), rows[i].kind);
    }
}

/* What the way through a network changes, or the sensor adds. */
static void test_what_does_not_matter(void **state)
{
    (void)state;
    struct datagram first = udp_v4(), second = first;
    second.packet_number = 9;
    second.interface = 3;
    second.vlan_count = 2;
    second.vlan[0] = 100;
    second.layers = 5;
    second.outer_src = second.dst.ip;
    second.outer_dst = second.src.ip;
    second.tunnel = TUNNEL_VXLAN;
    second.time_ns += 1;
    assert_int_equal(after(&first, &second, DECODE_UDP), COPY_SAME);
    /* Another place in memory. */
    char *moved = malloc(sizeof INVITE - 1);
    assert_non_null(moved);
    memcpy(moved, INVITE, sizeof INVITE - 1);
    second.payload.at = moved;
    assert_int_equal(after(&first, &second, DECODE_UDP), COPY_SAME);
    free(moved);
}

static void assert_differ(const struct datagram *first, const struct datagram *second,
                          enum decode_verdict verdict)
{
    assert_int_equal(after(first, first, verdict), COPY_SAME);
    assert_int_equal(after(first, second, verdict), COPY_NONE);
    assert_int_equal(after(second, first, verdict), COPY_NONE);
}

#define ASSERT_MATTERS(make, verdict, change)                                                      \
    do {                                                                                           \
        struct datagram first = make(), d = first;                                                 \
        change;                                                                                    \
        assert_differ(&first, &d, verdict);                                                        \
    } while (0)

static void swap_addresses(struct datagram *d)
{
    struct ip_addr ip = d->src.ip;
    d->src.ip = d->dst.ip;
    d->dst.ip = ip;
}

static void swap_ports(struct datagram *d)
{
    uint16_t port = d->src.port;
    d->src.port = d->dst.port;
    d->dst.port = port;
}

static void test_addresses_matter(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        ASSERT_MATTERS(udp_v4, DECODE_UDP, d.src.ip.octets[i] ^= 1);
        ASSERT_MATTERS(udp_v4, DECODE_UDP, d.dst.ip.octets[i] ^= 0x80);
    }
    for (size_t i = 0; i < 16; i++) {
        ASSERT_MATTERS(udp_v6, DECODE_UDP, d.src.ip.octets[i] ^= 0x80);
        ASSERT_MATTERS(udp_v6, DECODE_UDP, d.dst.ip.octets[i] ^= 1);
    }
    ASSERT_MATTERS(udp_v4, DECODE_UDP, swap_addresses(&d));
    ASSERT_MATTERS(udp_v4, DECODE_UDP, swap_ports(&d));
    ASSERT_MATTERS(udp_v4, DECODE_UDP, (swap_addresses(&d), swap_ports(&d)));
    ASSERT_MATTERS(udp_v6, DECODE_UDP, swap_addresses(&d));
    ASSERT_MATTERS(udp_v6, DECODE_UDP, (swap_addresses(&d), swap_ports(&d)));
}

static void test_headers_matter(void **state)
{
    (void)state;
    ASSERT_MATTERS(udp_v4, DECODE_UDP, d.src.port++);
    ASSERT_MATTERS(udp_v4, DECODE_UDP, d.dst.port++);
    ASSERT_MATTERS(udp_v4, DECODE_UDP, d.ip_id++);
    ASSERT_MATTERS(udp_v4, DECODE_UDP, d.ip_id = 0);
    ASSERT_MATTERS(udp_v4, DECODE_OTHER_IP, d.protocol++);
    ASSERT_MATTERS(udp_v4, DECODE_UDP, d.payload.len--);
    ASSERT_MATTERS(tcp_v4, DECODE_TCP, d.tcp.seq++);
    ASSERT_MATTERS(tcp_v4, DECODE_TCP, d.tcp.ack++);
    ASSERT_MATTERS(tcp_v4, DECODE_TCP, d.tcp.window++);
    ASSERT_MATTERS(tcp_v4, DECODE_TCP, d.tcp.flags |= TCP_FIN);
    ASSERT_MATTERS(tcp_v4, DECODE_TCP, (d.tcp.seq = 77, d.tcp.ack = 0xfffffff0));
    /* A retransmission: all the same but the id. */
    ASSERT_MATTERS(tcp_v4, DECODE_TCP, d.ip_id++);
    ASSERT_MATTERS(fragment_v6, DECODE_FRAGMENT, d.fragment.id++);
    ASSERT_MATTERS(fragment_v6, DECODE_FRAGMENT, d.fragment.offset += 8);
    ASSERT_MATTERS(fragment_v6, DECODE_FRAGMENT, d.fragment.more = false);
}

/* A fragment is not what is put together from it. */
static void test_fragment_and_whole(void **state)
{
    (void)state;
    struct copies *copies = table_new(TABLE_PACKETS, WINDOW_NS);
    struct datagram d = udp_v6();
    d.fragment = (struct ip_fragment){0};
    assert_int_equal(look(copies, &d, DECODE_FRAGMENT), COPY_NONE);
    assert_int_equal(look(copies, &d, DECODE_UDP), COPY_NONE);
    copies_fini(copies);
}

/* Each octet of payloads of every length counts; memory ends where they do. */
static void test_payload_matters(void **state)
{
    (void)state;
    struct copies *copies = table_new(1 << 16, WINDOW_NS);
    struct datagram d = udp_v4();
    for (size_t len = 0; len < 150; len++) {
        char *bytes = calloc(len > 0 ? len : 1, 1);
        assert_non_null(bytes);
        d.payload = slice_of(len > 0 ? bytes : NULL, len);
        assert_int_equal(look(copies, &d, DECODE_UDP), COPY_NONE);
        assert_int_equal(look(copies, &d, DECODE_UDP), COPY_SAME);
        for (size_t i = 0; i < len; i++) {
            bytes[i] = 1;
            assert_int_equal(look(copies, &d, DECODE_UDP), COPY_NONE);
            assert_int_equal(look(copies, &d, DECODE_UDP), COPY_SAME);
            bytes[i] = 0;
        }
        assert_int_equal(look(copies, &d, DECODE_UDP), COPY_SAME);
        bytes[0] = (char)0x80; /* RTP, perhaps a short one */
        assert_int_equal(look(copies, &d, DECODE_UDP), len > 0 ? COPY_NONE : COPY_SAME);
        assert_int_equal(look(copies, &d, DECODE_UDP), COPY_SAME);
        free(bytes);
    }
    copies_fini(copies);
}

static void check_rtp(struct datagram a)
{
    char first[172] = {(char)0x80, 0, 0x12, 0x34}, second[172];
    struct datagram b = a;
    a.payload = slice_of(first, sizeof first);
    b.payload = slice_of(second, sizeof second);
    memcpy(second, first, sizeof second);
    assert_int_equal(after(&a, &b, DECODE_UDP), COPY_SAME);
    /* Silence sounds like silence: the header is what differs. Then comes the voice. */
    for (size_t i = 2; i < 32; i++) {
        second[i] ^= 1;
        assert_differ(&a, &b, DECODE_UDP);
        second[i] ^= 1;
    }
    b.payload.len--;
    assert_differ(&a, &b, DECODE_UDP);
    /* Of what is no RTP, all octets count, and over TCP too. */
    b.payload.len++;
    second[171] = 1;
    assert_int_equal(after(&a, &b, DECODE_UDP), COPY_SAME);
    assert_differ(&a, &b, DECODE_TCP);
    first[0] = second[0] = 0x40;
    assert_differ(&a, &b, DECODE_UDP);
}

static void test_rtp(void **state)
{
    (void)state;
    check_rtp(udp_v4());
    check_rtp(udp_v6());
}

/* The headers of RTP over IPv4, which is hashed in its own way. */
static void test_rtp_headers_matter(void **state)
{
    (void)state;
    char voice[172] = {(char)0x80, 0, 0x12, 0x34};
    struct datagram a = udp_v4();
    a.payload = slice_of(voice, sizeof voice);
    for (int change = 0; change < 11; change++) {
        struct datagram b = a;
        if (change < 4)
            b.src.ip.octets[change] ^= 1;
        else if (change < 8)
            b.dst.ip.octets[change - 4] ^= 1;
        else if (change == 8)
            b.src.port ^= 1;
        else if (change == 9)
            b.dst.port ^= 1;
        else
            b.ip_id ^= 1;
        assert_differ(&a, &b, DECODE_UDP);
    }
    struct datagram b = a;
    b.src = a.dst;
    b.dst = a.src;
    assert_differ(&a, &b, DECODE_UDP);
}

static void test_window(void **state)
{
    struct datagram (*make[])(void) = {udp_v4, udp_v4_without_id, udp_v6};
    static const struct {
        int64_t window_ns, between_ns;
        enum copy_kind kind;
    } rows[] = {
        {50 * MS, 0, COPY_SAME},
        {50 * MS, 20 * MS, COPY_SAME},
        {50 * MS, 50 * MS, COPY_SAME},
        {50 * MS, 50 * MS + MS / 10, COPY_NONE},
        {50 * MS, -20 * MS, COPY_SAME}, /* the later one came first */
        {50 * MS, -50 * MS, COPY_SAME},
        {50 * MS, -50 * MS - MS / 10, COPY_NONE},
        {50 * MS, 100 * MS, COPY_NONE}, /* T1 */
        {50 * MS, INT64_MAX - NOON, COPY_NONE},
        {50 * MS, -NOON, COPY_NONE},
        {5 * MS, 6 * MS, COPY_NONE},
        {COPIES_WINDOW_MAX_NS, 90 * MS, COPY_SAME},
        {INT64_MAX, 90 * MS, COPY_SAME},
        {INT64_MAX, 99 * MS, COPY_NONE}, /* no window reaches the shortest T1 */
    };
    (void)state;
    for (size_t m = 0; m < 3; m++)
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            struct copies *copies = table_new(TABLE_PACKETS, rows[i].window_ns);
            struct datagram first = make[m](), second = first;
            second.time_ns += rows[i].between_ns;
            assert_int_equal(look(copies, &first, DECODE_UDP), COPY_NONE);
            assert_int_equal(look(copies, &second, DECODE_UDP), rows[i].kind);
            copies_fini(copies);
        }
}

/* Of a packet repeated every 40 ms, every other one comes 80 ms after the last that was no copy. */
static void test_no_chain(void **state)
{
    (void)state;
    struct copies *copies = table_new(TABLE_PACKETS, WINDOW_NS);
    struct datagram d = udp_v6();
    for (int64_t i = 0; i < 100; i++)
        assert_int_equal(look_at(copies, &d, i * 40), i % 2 ? COPY_SAME : COPY_NONE);
    /* Nor backwards. */
    for (int64_t i = 0; i < 100; i++)
        assert_int_equal(look_at(copies, &d, 100000 - i * 40), i % 2 ? COPY_SAME : COPY_NONE);
    copies_fini(copies);
}

/* An INVITE sent seven times with T1 = 100 ms, no id, each seen thrice: 20 ms late, and by a link
 * whose packets the mirror hands over earlier though they were stamped later. */
static void test_retransmissions_without_id(void **state)
{
    static const int64_t sent_ms[] = {0, 100, 300, 700, 1500, 3100, 6300};
    static const int64_t copy_ms[][3] = {{0, 20, 20}, {20, 0, 1}, {0, 0, 0}, {49, 0, 25}};
    (void)state;
    for (size_t c = 0; c < 4; c++) {
        struct copies *copies = table_new(TABLE_PACKETS, WINDOW_NS);
        struct datagram d = udp_v4_without_id();
        for (size_t i = 0; i < 7; i++)
            for (size_t k = 0; k < 3; k++) {
                d.ttl = (uint8_t)(64 - k);
                assert_int_equal(look_at(copies, &d, sent_ms[i] + copy_ms[c][k]),
                                 k > 0 ? COPY_ROUTED : COPY_NONE);
            }
        assert_int_equal(copies->overruns, 0);
        copies_fini(copies);
    }
}

/* A host that counts its packets may repeat one at once, and its copies mix with the first's. */
static void test_retransmission_with_id(void **state)
{
    (void)state;
    struct copies *copies = table_new(TABLE_PACKETS, WINDOW_NS);
    struct datagram first = udp_v4(), again = first;
    again.ip_id++;
    assert_int_equal(look_at(copies, &first, 0), COPY_NONE);
    assert_int_equal(look_at(copies, &again, 1), COPY_NONE);
    assert_int_equal(look_at(copies, &first, 2), COPY_SAME);
    assert_int_equal(look_at(copies, &again, 3), COPY_SAME);
    copies_fini(copies);
}

static void test_clock_step(void **state)
{
    static const int64_t steps_ns[] = {3600000 * MS, -3600000 * MS, 86400000 * MS, -NOON, MS / 2};
    (void)state;
    for (size_t i = 0; i < sizeof steps_ns / sizeof steps_ns[0]; i++) {
        struct copies *copies = table_new(64, WINDOW_NS);
        struct datagram d = udp_v6();
        assert_int_equal(look(copies, &d, DECODE_UDP), COPY_NONE);
        copies_clock_step(copies, steps_ns[i]);
        d.time_ns += steps_ns[i] + 20 * MS;
        assert_int_equal(look(copies, &d, DECODE_UDP), COPY_SAME);
        d.time_ns += 60 * MS;
        assert_int_equal(look(copies, &d, DECODE_UDP), COPY_NONE);
        assert_int_equal(copies->overruns, 0);
        copies_fini(copies);
    }
}

/* Four fit into the smallest table: the first of them goes. */
static void test_overruns(void **state)
{
    (void)state;
    struct copies *copies = table_new(1, WINDOW_NS);
    struct datagram d = udp_v4();
    for (uint16_t id = 1; id <= 5; id++) {
        d.ip_id = id;
        assert_int_equal(copies->overruns, 0);
        assert_int_equal(look_at(copies, &d, 0), COPY_NONE);
    }
    assert_int_equal(copies->overruns, 1);
    for (uint16_t id = 5; id >= 2; id--) {
        d.ip_id = id;
        assert_int_equal(look_at(copies, &d, 1), COPY_SAME);
    }
    d.ip_id = 1; /* a copy, but forgotten */
    assert_int_equal(look_at(copies, &d, 1), COPY_NONE);
    assert_int_equal(copies->overruns, 2);
    /* What is older than the window is no loss; nor is one that is seen anew. */
    for (uint16_t id = 10; id < 13; id++) {
        d.ip_id = id;
        assert_int_equal(look_at(copies, &d, 100), COPY_NONE);
    }
    d.ip_id = 1;
    assert_int_equal(look_at(copies, &d, 100), COPY_NONE);
    assert_int_equal(copies->overruns, 2);
    for (uint16_t id = 10; id < 13; id++) {
        d.ip_id = id;
        assert_int_equal(look_at(copies, &d, 101), COPY_SAME);
    }
    copies_fini(copies);
}

/* Places that are free are no packets of 1970. */
static void test_time_zero(void **state)
{
    (void)state;
    struct copies *copies = table_new(64, WINDOW_NS);
    struct datagram d = udp_v4();
    d.time_ns = 0;
    assert_int_equal(look(copies, &d, DECODE_UDP), COPY_NONE);
    assert_int_equal(copies->overruns, 0);
    d.time_ns = -20 * MS;
    assert_int_equal(look(copies, &d, DECODE_UDP), COPY_SAME);
    copies_fini(copies);
}

/* Packets that differ by one bit spread over the whole table. */
static void test_spread(void **state)
{
    enum { PACKETS = 65536, ROOM = 131072 };
    (void)state;
    struct copies *copies = table_new(ROOM, WINDOW_NS);
    struct datagram d = udp_v4();
    for (unsigned i = 0; i < PACKETS; i++) {
        d.ip_id = (uint16_t)i;
        assert_int_equal(look(copies, &d, DECODE_UDP), COPY_NONE);
    }
    /* Two for each bucket of four: by chance (Poisson), 3.76 in a hundred push another one out. */
    assert_in_range(copies->overruns, PACKETS * 34 / 1000, PACKETS * 41 / 1000);
    copies_fini(copies);
}

/* What happens to meet in one sensor does not in another. */
static void test_keys_differ(void **state)
{
    (void)state;
    struct copies a, b;
    struct datagram d = udp_v4();
    assert_int_equal(copies_init(&a, 4, 0), 0);
    assert_int_equal(copies_init(&b, 4, 0), 0);
    assert_true(copies_fingerprint(&a, &d, DECODE_UDP) != copies_fingerprint(&b, &d, DECODE_UDP));
    copies_fini(&a);
    copies_fini(&b);
}

/* Two packets of one stream, as decode_packet makes them; all octets that are looked at differ. */
static void make_plain(uint8_t frame[14 + 28 + 40], uint8_t seed, struct packet *packet)
{
    for (unsigned i = 0; i < 14 + 28 + 40; i++)
        frame[i] = (uint8_t)(seed + 3 * i);
    uint8_t *ip = frame + 14;
    memcpy(ip - 2, "\x08\x00\x45", 3);
    memcpy(ip + 2, (const uint8_t[2]){0, 28 + 40}, 2);
    memcpy(ip + 6, (const uint8_t[4]){0x40, 0, 64, 17}, 4);
    memcpy(ip + 20, (const uint8_t[6]){0x4e, seed, 0x75, 0x30, 0, 8 + 40}, 6);
    ip[28] = 0x80;
    *packet = (struct packet){.time_ns = NOON,
                              .bytes = frame,
                              .captured_len = 14 + 28 + 40,
                              .wire_len = 14 + 28 + 40,
                              .link_type = 1};
}

/* What came by the quick way, its copy may come by the other, and the other way round. */
static void test_plain(void **state)
{
    (void)state;
    struct copies *copies = table_new(TABLE_PACKETS, WINDOW_NS);
    for (unsigned seed = 0; seed < 256; seed += 2) {
        uint8_t frame[14 + 28 + 40];
        struct packet packet;
        struct datagram d;
        make_plain(frame, (uint8_t)seed, &packet);
        assert_int_equal(decode_packet(&packet, &d), DECODE_UDP);
        uint64_t fingerprint = copies_fingerprint(copies, &d, DECODE_UDP);
        assert_int_equal(copies_fingerprint_plain(copies, frame + 14), fingerprint);
        assert_true(copies_add_plain(copies, fingerprint, NOON, 64));
        assert_false(copies_add_plain(copies, fingerprint, NOON, 64));
        assert_int_equal(copies_check(copies, fingerprint, &d), COPY_SAME);
        d.ttl = 63;
        assert_int_equal(copies_check(copies, fingerprint, &d), COPY_ROUTED);
        d.envelope = 7;
        d.ttl = 64;
        assert_int_equal(copies_check(copies, fingerprint, &d), COPY_VLAN);
        /* And first by the other way. */
        make_plain(frame, (uint8_t)(seed + 1), &packet);
        assert_int_equal(decode_packet(&packet, &d), DECODE_UDP);
        fingerprint = copies_fingerprint_plain(copies, frame + 14);
        assert_int_equal(look(copies, &d, DECODE_UDP), COPY_NONE);
        assert_false(copies_add_plain(copies, fingerprint, NOON, 64));
    }
    assert_int_equal(copies->overruns, 0);
    copies_fini(copies);
}

/* The fifth of a bucket pushes out the first, by this way as by the other. */
static void test_plain_overruns(void **state)
{
    (void)state;
    struct copies *copies = table_new(4, WINDOW_NS);
    for (uint64_t i = 1; i <= 5; i++)
        assert_true(copies_add_plain(copies, i, NOON, 64));
    assert_int_equal(copies->overruns, 1);
    assert_true(copies_add_plain(copies, 1, NOON, 64));
    assert_false(copies_add_plain(copies, 3, NOON, 64));
    for (uint64_t i = 11; i <= 14; i++) /* those from before are beyond the window */
        assert_true(copies_add_plain(copies, i, NOON + 2 * WINDOW_NS, 64));
    assert_int_equal(copies->overruns, 2);
    copies_fini(copies);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(copy_kind_name(COPY_NONE), "none");
    assert_string_equal(copy_kind_name(COPY_SAME), "same");
    assert_string_equal(copy_kind_name(COPY_VLAN), "vlan");
    assert_string_equal(copy_kind_name(COPY_ROUTED), "routed");
    assert_string_equal(copy_kind_name(COPY_TUNNEL), "tunnel");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_what_does_not_matter),
        cmocka_unit_test(test_addresses_matter),
        cmocka_unit_test(test_headers_matter),
        cmocka_unit_test(test_fragment_and_whole),
        cmocka_unit_test(test_payload_matters),
        cmocka_unit_test(test_rtp),
        cmocka_unit_test(test_rtp_headers_matter),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_no_chain),
        cmocka_unit_test(test_retransmissions_without_id),
        cmocka_unit_test(test_retransmission_with_id),
        cmocka_unit_test(test_clock_step),
        cmocka_unit_test(test_overruns),
        cmocka_unit_test(test_time_zero),
        cmocka_unit_test(test_spread),
        cmocka_unit_test(test_keys_differ),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_plain_overruns),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
