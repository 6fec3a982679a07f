/*
 * decode: packets built by hand for each link type, tag depth and IP version; TCP, ICMP, fragments.
 */
#include "frame.h"

static void test_ethernet(void **state)
{
    (void)state;
    struct frame f = {.len = 0};
    put_ethernet(&f, 0x0800);
    put_v4_udp(&f);
    assert_carries_hello(&f, ETHERNET, 4);

    f.len = 0;
    put_ethernet(&f, 0x86dd);
    put_v6_udp(&f);
    assert_carries_hello(&f, ETHERNET, 6);
}

static void test_vlan_tags(void **state)
{
    (void)state;
    static const unsigned types[] = {0x88a8, 0x9300, 0x9100, 0x9200, 0x8100};
    for (unsigned depth = 1; depth <= 5; depth++) {
        struct frame f = {.len = 0};
        put_ethernet(&f, types[0]);
        for (unsigned i = 1; i <= depth; i++) {
            put_u16(&f, 0xe000 | (100 + i)); /* with a priority, which is not part of the id */
            put_u16(&f, i < depth ? types[i] : 0x0800);
        }
        put_v4_udp(&f);
        struct datagram d;
        if (depth == 5) {
            assert_int_equal(decode(&f, ETHERNET, &d), DECODE_NOT_IP);
            break;
        }
        assert_carries_hello(&f, ETHERNET, 4);
        assert_int_equal(decode(&f, ETHERNET, &d), DECODE_UDP);
        assert_int_equal(d.vlan_count, depth);
        for (unsigned i = 0; i < depth; i++)
            assert_int_equal(d.vlan[i], 101 + i);
    }
}

static void test_llc_snap(void **state)
{
    (void)state;
    struct frame f = {.len = 0};
    put_ethernet(&f, 8 + 33);
    put(&f, "\xaa\xaa\x03\0\0\0\x08\0", 8);
    put_v4_udp(&f);
    struct datagram d;
    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_UDP);
    assert_hello(&d, 4);
    f.bytes[14] = 0x42; /* spanning tree */
    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_NOT_IP);
}

static void test_cooked(void **state)
{
    (void)state;
    struct frame f = {.len = 0};
    put(&f, "\0\4\0\1\0\6\2\0\0\0\0\1\0\0", 14);
    put_u16(&f, 0x86dd);
    put_v6_udp(&f);
    assert_carries_hello(&f, SLL, 6);

    f.len = 0;
    put(&f, "\0\4\0\1\0\6\2\0\0\0\0\1\0\0", 14);
    put_u16(&f, 0x8100);
    put_u16(&f, 5);
    put_u16(&f, 0x0800);
    put_v4_udp(&f);
    assert_carries_hello(&f, SLL, 4);

    f.len = 0;
    put_u16(&f, 0x0800);
    put(&f, "\0\0\0\0\0\2\0\1\0\6\2\0\0\0\0\1\0\0", 18);
    put_v4_udp(&f);
    assert_carries_hello(&f, SLL2, 4);
}

static void test_raw_ip(void **state)
{
    (void)state;
    struct frame v4 = {.len = 0}, v6 = {.len = 0};
    put_v4_udp(&v4);
    put_v6_udp(&v6);
    static const uint16_t raw[] = {RAW, 12, 14};
    for (unsigned i = 0; i < 3; i++) {
        assert_carries_hello(&v4, raw[i], 4);
        assert_carries_hello(&v6, raw[i], 6);
    }
    assert_carries_hello(&v4, IPV4, 4);
    assert_carries_hello(&v6, IPV6, 6);
    struct datagram d;
    assert_int_equal(decode(&v6, IPV4, &d), DECODE_MALFORMED);
    assert_int_equal(decode(&v4, IPV6, &d), DECODE_MALFORMED);
    v4.bytes[0] = 0x55;
    assert_int_equal(decode(&v4, RAW, &d), DECODE_MALFORMED);
    v4.len = 0;
    assert_int_equal(decode(&v4, RAW, &d), DECODE_MALFORMED);
}

static void test_null_and_loop(void **state)
{
    (void)state;
    static const struct {
        uint8_t family, version;
    } rows[] = {{2, 4}, {10, 6}, {23, 6}, {24, 6}, {28, 6}, {30, 6}};
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (unsigned order = 0; order < 2; order++)
            for (unsigned link = 0; link <= LOOP; link += LOOP) {
                struct frame f = {.len = 0};
                put_zeros(&f, 4);
                f.bytes[order ? 3 : 0] = rows[i].family;
                rows[i].version == 4 ? put_v4_udp(&f) : put_v6_udp(&f);
                assert_carries_hello(&f, (uint16_t)link, rows[i].version);
            }
    struct frame f = {.len = 0};
    struct datagram d;
    put(&f, "\7\0\0\0", 4);
    put_v4_udp(&f);
    assert_int_equal(decode(&f, 0, &d), DECODE_NOT_IP);
}

static void test_other_links_and_types(void **state)
{
    (void)state;
    struct frame f = {.len = 0};
    struct datagram d;
    put_ethernet(&f, 0x0806);
    put_zeros(&f, 46);
    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_NOT_IP);
    assert_int_equal(decode(&f, 105, &d), DECODE_UNKNOWN_LINK);
    /* The type says IPv4, the packet IPv6. */
    f.len = 0;
    put_ethernet(&f, 0x0800);
    put_v6_udp(&f);
    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_MALFORMED);
}

static void test_v4_options(void **state)
{
    (void)state;
    for (size_t options = 4; options <= 40; options += 4) {
        struct frame f = {.len = 0};
        put_ethernet(&f, 0x0800);
        put_v4(&f, 17, options, 0, 13);
        put_udp(&f, "hello");
        assert_carries_hello(&f, ETHERNET, 4);
    }
    struct frame f = {.len = 0};
    struct datagram d;
    put_v4_udp(&f);
    f.bytes[0] = 0x44;
    assert_int_equal(decode(&f, RAW, &d), DECODE_MALFORMED);
    f.bytes[0] = 0x4f; /* 60 octets of header in a total length of 33 */
    assert_int_equal(decode(&f, RAW, &d), DECODE_MALFORMED);
}

static void test_padding_is_cut(void **state)
{
    (void)state;
    struct frame f = {.len = 0};
    struct datagram d;
    put_ethernet(&f, 0x0800);
    put_v4_udp(&f);
    put_zeros(&f, 60 - f.len);
    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_UDP);
    assert_hello(&d, 4);
    /* Cut inside the padding: nothing is missing. */
    assert_int_equal(decode_part(&f, ETHERNET, 50, 60, &d), DECODE_UDP);
    assert_hello(&d, 4);

    f.len = 0;
    put_ethernet(&f, 0x86dd);
    put_v6_udp(&f);
    put_zeros(&f, 9);
    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_UDP);
    assert_hello(&d, 6);
}

static void test_v4_total_length(void **state)
{
    (void)state;
    struct frame f = {.len = 0};
    struct datagram d;
    put_v4_udp(&f);
    /* 0: segmentation was left to the card. Both lengths, then the UDP length alone being right. */
    f.bytes[2] = f.bytes[3] = 0;
    assert_int_equal(decode(&f, RAW, &d), DECODE_UDP);
    assert_hello(&d, 4);
    f.bytes[24] = f.bytes[25] = 0;
    assert_int_equal(decode(&f, RAW, &d), DECODE_UDP);
    assert_hello(&d, 4);
    /* That, with a snap length. */
    assert_int_equal(decode_part(&f, RAW, 30, 33, &d), DECODE_UDP);
    assert_true(d.truncated);
    assert_true(slice_eq(d.payload, SLICE("he")));
    /* Larger than what is there. */
    f.bytes[3] = 200;
    f.bytes[25] = 180;
    assert_int_equal(decode(&f, RAW, &d), DECODE_UDP);
    assert_true(d.truncated);
    assert_true(slice_eq(d.payload, SLICE("hello")));
    /* Smaller than its own header. */
    f.bytes[3] = 19;
    assert_int_equal(decode(&f, RAW, &d), DECODE_MALFORMED);
    /* Too small for a UDP header, cut or not. */
    f.bytes[3] = 27;
    assert_int_equal(decode(&f, RAW, &d), DECODE_MALFORMED);
    assert_int_equal(decode_part(&f, RAW, 24, 33, &d), DECODE_MALFORMED);
}

static void test_udp_length(void **state)
{
    (void)state;
    struct frame f = {.len = 0};
    struct datagram d;
    put_v4_udp(&f);
    uint8_t *len = f.bytes + 25;
    *len = 7;
    assert_int_equal(decode(&f, RAW, &d), DECODE_MALFORMED);
    *len = 0;
    assert_int_equal(decode(&f, RAW, &d), DECODE_MALFORMED);
    *len = 14;
    assert_int_equal(decode(&f, RAW, &d), DECODE_MALFORMED);
    *len = 8;
    assert_int_equal(decode(&f, RAW, &d), DECODE_UDP);
    assert_int_equal(d.payload.len, 0);
    *len = 10; /* less than IP carries: the rest is not UDP's */
    assert_int_equal(decode(&f, RAW, &d), DECODE_UDP);
    assert_true(slice_eq(d.payload, SLICE("he")));
    assert_false(d.truncated);
    /* More than IP carries is a contradiction, also where the capture was cut. */
    *len = 14;
    assert_int_equal(decode_part(&f, RAW, 30, 33, &d), DECODE_MALFORMED);
}

/* The last octet of a header is missing: the snap length's doing, or the frame's own. */
static void test_header_cut_by_one(void **state)
{
    (void)state;
    struct frame f = {.len = 0};
    struct datagram d;
    put_v4(&f, 17, 0, 0, 8);
    put_udp(&f, "");
    assert_int_equal(decode(&f, RAW, &d), DECODE_UDP);
    assert_int_equal(d.payload.len, 0);
    assert_int_equal(decode_part(&f, RAW, 27, 28, &d), DECODE_TRUNCATED);
    f.len = 0;
    put_ethernet(&f, 0x0800);
    assert_int_equal(decode_part(&f, ETHERNET, 13, 14, &d), DECODE_TRUNCATED);
    assert_int_equal(decode_part(&f, ETHERNET, 12, 13, &d), DECODE_MALFORMED);
    assert_int_equal(decode_part(&f, ETHERNET, 13, 13, &d), DECODE_MALFORMED);
}

static void test_v6_jumbogram(void **state)
{
    (void)state;
    struct frame f = {.len = 0};
    struct datagram d;
    put_v6(&f, 0, 0);
    put(&f, "\x11\0\xc2\4\0\1\0\0", 8); /* hop-by-hop with the jumbo payload option */
    size_t udp_at = f.len;
    put_udp(&f, "hello");
    f.bytes[udp_at + 5] = 0;
    assert_int_equal(decode(&f, RAW, &d), DECODE_UDP);
    assert_hello(&d, 6);
}

static void test_v6_extensions(void **state)
{
    (void)state;
    struct frame f = {.len = 0};
    put_ethernet(&f, 0x86dd);
    put_v6(&f, 0, 8 + 24 + 16 + 24 + 8 + 13);
    put(&f, "\x2b\0\1\4\0\0\0\0", 8); /* hop-by-hop → routing */
    put(&f, "\x3c\2\4\0\0\0\0\0", 8); /* routing, 24 octets → destination */
    put_zeros(&f, 16);
    put(&f, "\x33\1\1\4\0\0\0\0", 8); /* destination, 16 octets → authentication */
    put_zeros(&f, 8);
    put(&f, "\x2c\4\0\0\0\0\0\1", 8); /* authentication, (4 + 2) * 4 octets → fragment */
    put_zeros(&f, 16);
    put(&f, "\x11\0\0\0\0\0\0\1", 8); /* an atomic fragment → UDP */
    put_udp(&f, "hello");
    assert_carries_hello(&f, ETHERNET, 6);
}

static void test_v4_authentication_header(void **state)
{
    (void)state;
    struct frame f = {.len = 0};
    put_ethernet(&f, 0x0800);
    put_v4(&f, 51, 0, 0, 24 + 13);
    put(&f, "\x11\4\0\0\0\0\0\1", 8);
    put_zeros(&f, 16);
    put_udp(&f, "hello");
    assert_carries_hello(&f, ETHERNET, 4);
}

static void test_v6_extension_limits(void **state)
{
    (void)state;
    struct datagram d;
    for (unsigned count = 8; count <= 9; count++) {
        struct frame f = {.len = 0};
        put_v6(&f, 60, count * 8 + 13);
        for (unsigned i = 1; i <= count; i++) {
            put_u8(&f, i < count ? 60 : 17);
            put(&f, "\0\1\4\0\0\0\0", 7);
        }
        put_udp(&f, "hello");
        if (count == 8)
            assert_carries_hello(&f, RAW, 6);
        else
            assert_int_equal(decode(&f, RAW, &d), DECODE_MALFORMED);
    }
    for (unsigned len = 512; len <= 520; len += 8) {
        struct frame f = {.len = 0};
        put_v6(&f, 60, len + 13);
        put_u8(&f, 17);
        put_u8(&f, len / 8 - 1);
        put_zeros(&f, len - 2);
        put_udp(&f, "hello");
        assert_int_equal(decode(&f, RAW, &d), len == 512 ? DECODE_UDP : DECODE_MALFORMED);
    }
    /* A header that is longer than the packet. */
    struct frame f = {.len = 0};
    put_v6(&f, 60, 13);
    put(&f, "\x11\4\1\4\0\0\0\0", 8);
    put_zeros(&f, 5);
    assert_int_equal(decode(&f, RAW, &d), DECODE_MALFORMED);
}

static void test_v4_fragments(void **state)
{
    (void)state;
    static const struct {
        unsigned flags_offset;
        enum decode_verdict verdict;
    } rows[] = {
        {0x0000, DECODE_UDP},      {0x4000, DECODE_UDP},      {0x8000, DECODE_UDP},
        {0x2000, DECODE_FRAGMENT}, {0x0001, DECODE_FRAGMENT}, {0x1fff, DECODE_FRAGMENT},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct frame f = {.len = 0};
        struct datagram d;
        put_v4(&f, 17, 0, rows[i].flags_offset, 13);
        put_udp(&f, "hello");
        assert_int_equal(decode(&f, RAW, &d), rows[i].verdict);
        assert_int_equal(d.protocol, 17);
        assert_memory_equal(d.src.ip.octets, V4_SRC, 4);
        assert_memory_equal(d.dst.ip.octets, V4_DST, 4);
        assert_int_equal(d.ip_id, 0xbeef);
    }
}

static void test_v6_fragments(void **state)
{
    (void)state;
    static const struct {
        unsigned offset_more;
        enum decode_verdict verdict;
    } rows[] = {
        {0x0000, DECODE_UDP},      {0x0006, DECODE_UDP}, /* the reserved bits say nothing */
        {0x0001, DECODE_FRAGMENT}, {0x0008, DECODE_FRAGMENT}, {0xfff9, DECODE_FRAGMENT},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct frame f = {.len = 0};
        struct datagram d;
        put_v6(&f, 44, 8 + 13);
        put_u16(&f, 0x1100);
        put_u16(&f, rows[i].offset_more);
        put(&f, "\0\0\0\1", 4);
        put_udp(&f, "hello");
        assert_int_equal(decode(&f, RAW, &d), rows[i].verdict);
        assert_int_equal(d.protocol, 17);
        assert_memory_equal(d.src.ip.octets, V6_SRC, 16);
        assert_memory_equal(d.dst.ip.octets, V6_DST, 16);
    }
}

static void test_other_protocols(void **state)
{
    (void)state;
    struct frame f = {.len = 0};
    struct datagram d;
    put_v4(&f, 132, 0, 0x4000, 20);
    put_zeros(&f, 20);
    assert_int_equal(decode(&f, RAW, &d), DECODE_OTHER_IP);
    assert_int_equal(d.protocol, 132);
    assert_memory_equal(d.src.ip.octets, V4_SRC, 4);
    assert_int_equal(d.payload.len, 20);
    assert_false(d.truncated);
    assert_int_equal(decode_part(&f, RAW, 30, 40, &d), DECODE_OTHER_IP);
    assert_int_equal(d.payload.len, 10);
    assert_true(d.truncated);

    f.len = 0;
    put_v6(&f, 59, 0); /* no next header */
    put_zeros(&f, 6);
    assert_int_equal(decode(&f, RAW, &d), DECODE_OTHER_IP);
    assert_int_equal(d.protocol, 59);
}

/* RFC 9293 section 3.1: sequence, acknowledgment, offset, flags, window, checksum, urgent. */
static void put_tcp(struct frame *f, size_t options, const char *payload)
{
    put(f, "\x13\xc4\x13\xce\x89\xab\xcd\xef\x01\x23\x45\x67", 12);
    put_u8(f, (unsigned)(5 + options / 4) << 4);
    put_u8(f, TCP_ACK | TCP_PSH);
    put(f, "\xfe\xdc\0\0\0\0", 6);
    put_zeros(f, options);
    put(f, payload, strlen(payload));
}

static void test_tcp(void **state)
{
    (void)state;
    for (unsigned version = 4; version <= 6; version += 2)
        for (size_t options = 0; options <= 40; options += 20) {
            struct frame f = {.len = 0};
            struct datagram d;
            size_t carried = 20 + options + 5;
            version == 4 ? put_v4(&f, 6, 0, 0x4000, carried) : put_v6(&f, 6, carried);
            put_tcp(&f, options, "hello");
            put_zeros(&f, 6); /* padding */
            assert_int_equal(decode(&f, RAW, &d), DECODE_TCP);
            assert_int_equal(d.src.port, 5060);
            assert_int_equal(d.dst.port, 5070);
            assert_int_equal(d.tcp.seq, 0x89abcdef);
            assert_int_equal(d.tcp.ack, 0x01234567);
            assert_int_equal(d.tcp.flags, TCP_ACK | TCP_PSH);
            assert_int_equal(d.tcp.window, 0xfedc);
            assert_int_equal(d.protocol, 6);
            assert_true(slice_eq(d.payload, SLICE("hello")));
            assert_false(d.truncated);
            size_t headers = (version == 4 ? 20 : 40) + 20 + options;
            for (size_t captured = 0; captured < headers + 5; captured++) {
                enum decode_verdict verdict = decode_part(&f, RAW, captured, f.len, &d);
                assert_int_equal(verdict, captured < headers ? DECODE_TRUNCATED : DECODE_TCP);
                if (verdict == DECODE_TCP)
                    assert_int_equal(d.payload.len, captured - headers);
                assert_true(verdict != DECODE_TCP || d.truncated);
            }
        }
    /* Offsets below the header's length, and beyond the packet. */
    struct frame f = {.len = 0};
    struct datagram d;
    put_v4(&f, 6, 0, 0, 25);
    put_tcp(&f, 0, "hello");
    f.bytes[32] = 0x40;
    assert_int_equal(decode(&f, RAW, &d), DECODE_MALFORMED);
    f.bytes[32] = 0x70;
    assert_int_equal(decode(&f, RAW, &d), DECODE_MALFORMED);
    f.bytes[3] = 20 + 19; /* what IP carries ends before its header does */
    assert_int_equal(decode(&f, RAW, &d), DECODE_MALFORMED);
    /* A length of 0: segmentation was left to the card. */
    f.bytes[32] = 0x50;
    f.bytes[3] = 0;
    assert_int_equal(decode(&f, RAW, &d), DECODE_TCP);
    assert_true(slice_eq(d.payload, SLICE("hello")));
}

static void test_icmp(void **state)
{
    (void)state;
    struct frame f = {.len = 0};
    struct datagram d;
    put_v4(&f, 1, 0, 0, 8);
    put(&f, "\x08\0\0\0\0\1\0\1", 8);
    put_zeros(&f, 18);
    assert_int_equal(decode(&f, RAW, &d), DECODE_ICMP);
    assert_int_equal(d.payload.len, 8);
    assert_int_equal(d.payload.at[0], 8);
    assert_int_equal(d.src.port, 0);
    assert_int_equal(d.protocol, 1);
    assert_int_equal(decode_part(&f, RAW, 24, f.len, &d), DECODE_ICMP);
    assert_int_equal(d.payload.len, 4);
    assert_true(d.truncated);
    f.bytes[9] = 58; /* each belongs to one version */
    assert_int_equal(decode(&f, RAW, &d), DECODE_OTHER_IP);
    f.len = 0;
    put_v6(&f, 58, 8);
    put(&f, "\x80\0\0\0\0\1\0\1", 8);
    assert_int_equal(decode(&f, RAW, &d), DECODE_ICMP);
    assert_int_equal(d.payload.len, 8);
    f.bytes[6] = 1;
    assert_int_equal(decode(&f, RAW, &d), DECODE_OTHER_IP);
}

/* A tag of a type that nobody assigned, where what follows it is known. */
static void test_odd_tags(void **state)
{
    (void)state;
    struct frame f = hello(4);
    struct datagram d;
    wrap(&f, "\0\x66\x08\0", 4);
    wrap(&f, "\0\x65\x12\x34", 4);
    wrap_ethernet(&f, 0x8100);
    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_UDP);
    assert_hello(&d, 4);
    assert_int_equal(d.vlan_count, 2);
    assert_int_equal(d.vlan[0], 0x65);
    assert_int_equal(d.vlan[1], 0x66);

    f = hello(6);
    wrap(&f, "\0\x66\x86\xdd", 4);
    wrap(&f, "\0\x65\x93\0", 4);
    wrap_ethernet(&f, 0xabcd);
    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_UDP);
    assert_hello(&d, 6);
    assert_int_equal(d.vlan_count, 2);
    f.bytes[14 + 8] = 0x45; /* not the version that the type says */
    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_NOT_IP);
    assert_int_equal(d.vlan_count, 0);

    f = hello(4);
    wrap(&f, "\0\1\x08\0", 4); /* as ARP begins */
    wrap_ethernet(&f, 0x0806);
    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_NOT_IP);
}

/* Cisco's metadata: version 1, length 1, option 1 with group 5; behind a VLAN tag and without. */
static void test_metadata(void **state)
{
    (void)state;
    struct frame f = hello(4);
    struct datagram d;
    wrap(&f, "\1\1\0\1\0\5\x08\0", 8);
    wrap_ethernet(&f, 0x8909);
    assert_carries_hello(&f, ETHERNET, 4);
    f.bytes[13] = 0x0a;
    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_NOT_IP);
    f = hello(6);
    wrap(&f, "\1\1\0\1\0\5\x86\xdd", 8);
    wrap(&f, "\0\x65\x89\x09", 4);
    wrap_ethernet(&f, 0x8100);
    assert_carries_hello(&f, ETHERNET, 6);
    /* Between two tags. */
    f = hello(4);
    wrap(&f, "\0\x66\x08\0", 4);
    wrap(&f, "\1\1\0\1\0\5\x81\0", 8);
    wrap(&f, "\0\x65\x89\x09", 4);
    wrap_ethernet(&f, 0x8100);
    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_UDP);
    assert_int_equal(d.vlan_count, 2);
    assert_int_equal(d.vlan[0], 0x65);
    assert_int_equal(d.vlan[1], 0x66);
}

static void test_ppp_links(void **state)
{
    (void)state;
    for (uint16_t link = 9; link <= 50; link += 41) {
        struct frame f = hello(4);
        wrap(&f, "\0\x21", 2);
        assert_carries_hello(&f, link, 4);
        f = hello(6);
        wrap(&f, "\xff\3\0\x57", 4);
        assert_carries_hello(&f, link, 6);
    }
}

static void test_fragment_fields(void **state)
{
    (void)state;
    struct frame f = {.len = 0};
    struct datagram d;
    put_v4(&f, 17, 4, 0x2000 | 185, 13);
    put_udp(&f, "hello");
    put_zeros(&f, 9);
    assert_int_equal(decode(&f, RAW, &d), DECODE_FRAGMENT);
    assert_int_equal(d.fragment.id, 0xbeef);
    assert_int_equal(d.fragment.offset, 1480);
    assert_true(d.fragment.more);
    assert_int_equal(d.payload.len, 13);
    assert_memory_equal(d.payload.at, f.bytes + 24, 13);
    assert_int_equal(d.src.port, 0);
    assert_false(d.truncated);
    assert_int_equal(decode_part(&f, RAW, 30, f.len, &d), DECODE_FRAGMENT);
    assert_int_equal(d.payload.len, 6);
    assert_true(d.truncated);
    f.bytes[6] = 0x1f;
    f.bytes[7] = 0xff;
    assert_int_equal(decode(&f, RAW, &d), DECODE_FRAGMENT);
    assert_int_equal(d.fragment.offset, 65528);
    assert_false(d.fragment.more);

    f.len = 0;
    put_v6(&f, 0, 8 + 8 + 13);
    put(&f, "\x2c\0\1\4\0\0\0\0", 8); /* hop-by-hop, which each fragment has */
    put(&f, "\x3c\0\x05\xc9\x12\x34\x56\x78", 8);
    put_udp(&f, "hello");
    assert_int_equal(decode(&f, RAW, &d), DECODE_FRAGMENT);
    assert_int_equal(d.fragment.id, 0x12345678);
    assert_int_equal(d.fragment.offset, 1480);
    assert_true(d.fragment.more);
    assert_int_equal(d.protocol, 60);
    assert_int_equal(d.payload.len, 13);
}

/* What is behind the IP header, as it came in fragments and was put together again. */
static enum decode_verdict decode_whole(const struct frame *f, size_t at, struct datagram *first,
                                        struct datagram *out)
{
    struct slice payload = slice_of((const char *)f->bytes + at, f->len - at);
    memset(out, 0xa5, sizeof *out);
    return decode_reassembled(first, payload, out);
}

static void test_reassembled(void **state)
{
    (void)state;
    struct frame f = {.len = 0};
    struct datagram first, d;
    wrap_ethernet(&f, 0x8100);
    put(&f, "\0\x65\x08\0", 4);
    put_v4(&f, 17, 0, 0x2000, 8);
    put_udp(&f, "hello");
    assert_int_equal(decode_part(&f, ETHERNET, f.len - 5, f.len - 5, &first), DECODE_FRAGMENT);
    assert_int_equal(first.payload.len, 8);
    assert_int_equal(decode_whole(&f, 38, &first, &d), DECODE_UDP);
    assert_hello(&d, 4);
    assert_int_equal(d.vlan[0], 0x65);
    assert_int_equal(d.envelope, first.envelope);
    assert_int_equal(d.tunnel_depth, 0);
    assert_int_equal(d.outer_src.version, 0);
    assert_int_equal(d.time_ns, 42);
    assert_int_equal(d.transport, TRANSPORT_UDP);
    /* Not all of it was captured: how much is missing is not known. */
    first.truncated = true;
    f.len -= 2;
    assert_int_equal(decode_whole(&f, 38, &first, &d), DECODE_UDP);
    assert_true(slice_eq(d.payload, SLICE("hel")));
    assert_true(d.truncated);
    first.truncated = false;
    assert_int_equal(decode_whole(&f, 38, &first, &d), DECODE_MALFORMED);
}

/* RFC 8200 section 4.5: headers for the destination alone are in the fragments' payload. */
static void test_reassembled_v6(void **state)
{
    (void)state;
    struct frame f = {.len = 0};
    struct datagram first, d;
    put_v6(&f, 44, 8 + 16);
    put(&f, "\x3c\0\0\1\0\0\0\1", 8);
    put(&f, "\x11\0\1\4\0\0\0\0", 8);
    put_udp(&f, "hello");
    assert_int_equal(decode_part(&f, RAW, 40 + 8 + 16, 40 + 8 + 16, &first), DECODE_FRAGMENT);
    assert_int_equal(first.protocol, 60);
    assert_int_equal(decode_whole(&f, 48, &first, &d), DECODE_UDP);
    assert_hello(&d, 6);
    /* A fragment of what was a fragment is one. */
    first.protocol = 44;
    f.bytes[48] = 17;
    f.bytes[48 + 3] = 1;
    assert_int_equal(decode_whole(&f, 48, &first, &d), DECODE_FRAGMENT);
    assert_int_equal(d.payload.len, 13);
    assert_true(d.layers > first.layers);
    /* But not for ever. */
    first.layers = DECODE_LAYERS_MAX;
    assert_int_equal(decode_whole(&f, 48, &first, &d), DECODE_MALFORMED);
}

/* The tunnel's own packets were fragmented; or the ones in it; or both. */
static void test_reassembled_tunnel(void **state)
{
    (void)state;
    struct frame f = hello_frame(6);
    struct datagram first, d, plain;
    wrap(&f, "\x08\0\0\0\0\0\x7b\0", 8);
    wrap_udp(&f, 49152, 4789);
    wrap_v4(&f, 17);
    assert_int_equal(decode(&f, RAW, &plain), DECODE_UDP);
    f.bytes[6] = 0x20;
    assert_int_equal(decode(&f, RAW, &first), DECODE_FRAGMENT);
    assert_int_equal(first.tunnel_depth, 0);
    assert_int_equal(decode_whole(&f, 20, &first, &d), DECODE_UDP);
    assert_hello(&d, 6);
    assert_outer(&d, "203.0.113.1", "203.0.113.2");
    assert_int_equal(d.tunnel, TUNNEL_VXLAN);
    assert_int_equal(d.tunnel_depth, 1);
    assert_int_equal(d.envelope, plain.envelope);

    f = hello(4);
    f.bytes[6] = 0x20;
    wrap(&f, "\0\0\x08\0", 4);
    wrap_v4(&f, 47);
    assert_int_equal(decode(&f, RAW, &first), DECODE_FRAGMENT);
    assert_int_equal(first.tunnel, TUNNEL_GRE);
    assert_int_equal(first.fragment.id, 0xbeef);
    assert_outer(&first, "203.0.113.1", "203.0.113.2");
    assert_int_equal(decode_whole(&f, 44, &first, &d), DECODE_UDP);
    assert_hello(&d, 4);
    assert_int_equal(d.tunnel, TUNNEL_GRE);
    assert_int_equal(d.tunnel_depth, 1);
    assert_outer(&d, "203.0.113.1", "203.0.113.2");

    f.bytes[6] = 0x20;
    assert_int_equal(decode(&f, RAW, &first), DECODE_FRAGMENT);
    assert_int_equal(first.protocol, 47);
    assert_int_equal(decode_whole(&f, 20, &first, &d), DECODE_FRAGMENT);
    assert_int_equal(d.fragment.id, 0xbeef);
    assert_outer(&d, "203.0.113.1", "203.0.113.2");
}

/* Nothing of the packet before is left in a datagram that is used again. */
static void test_datagram_is_reset(void **state)
{
    (void)state;
    struct frame f = {.len = 0};
    struct datagram d;
    put_ethernet(&f, 0x0806);
    put_zeros(&f, 46);
    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_NOT_IP);
    assert_int_equal(d.vlan_count, 0);
    assert_int_equal(d.src.ip.version, 0);
    assert_int_equal(d.protocol, 0);
    assert_int_equal(d.payload.len, 0);
    assert_int_equal(d.outer_src.version, 0);
    assert_int_equal(d.tunnel, TUNNEL_NONE);
    assert_int_equal(d.tunnel_depth, 0);
    assert_int_equal(d.envelope, 0);
    assert_int_equal(d.transport, TRANSPORT_UDP);
    assert_false(d.has_ip_id);
    assert_false(d.incomplete);
}

static void test_verdict_names(void **state)
{
    (void)state;
    assert_string_equal(decode_verdict_name(DECODE_UDP), "udp");
    for (int a = 0; a < DECODE_VERDICT_COUNT; a++)
        for (int b = 0; b < a; b++)
            assert_string_not_equal(decode_verdict_name(a), decode_verdict_name(b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ethernet),
        cmocka_unit_test(test_vlan_tags),
        cmocka_unit_test(test_llc_snap),
        cmocka_unit_test(test_cooked),
        cmocka_unit_test(test_raw_ip),
        cmocka_unit_test(test_null_and_loop),
        cmocka_unit_test(test_other_links_and_types),
        cmocka_unit_test(test_v4_options),
        cmocka_unit_test(test_padding_is_cut),
        cmocka_unit_test(test_v4_total_length),
        cmocka_unit_test(test_udp_length),
        cmocka_unit_test(test_header_cut_by_one),
        cmocka_unit_test(test_v6_jumbogram),
        cmocka_unit_test(test_v6_extensions),
        cmocka_unit_test(test_v4_authentication_header),
        cmocka_unit_test(test_v6_extension_limits),
        cmocka_unit_test(test_v4_fragments),
        cmocka_unit_test(test_v6_fragments),
        cmocka_unit_test(test_other_protocols),
        cmocka_unit_test(test_tcp),
        cmocka_unit_test(test_icmp),
        cmocka_unit_test(test_odd_tags),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_ppp_links),
        cmocka_unit_test(test_fragment_fields),
        cmocka_unit_test(test_reassembled),
        cmocka_unit_test(test_reassembled_v6),
        cmocka_unit_test(test_reassembled_tunnel),
        cmocka_unit_test(test_datagram_is_reset),
        cmocka_unit_test(test_verdict_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
