/*
 * label: MPLS with what is below its labels told apart by what it is, PPPoE.
 */
#include "frame.h"

/* Labels 17, 18, … with S on the last. */
static void wrap_labels(struct frame *f, unsigned count)
{
    struct frame header = {.len = 0};
    for (unsigned i = 0; i < count; i++) {
        unsigned label = 17 + i;
        put_u16(&header, label >> 4);
        put_u8(&header, (label & 0x0f) << 4 | (i + 1 == count));
        put_u8(&header, 64);
    }
    wrap_frame(f, &header);
}

static void test_labels(void **state)
{
    (void)state;
    for (unsigned version = 4; version <= 6; version += 2)
        for (unsigned count = 1; count <= 9; count++) {
            struct frame f = hello(version);
            wrap_labels(&f, count);
            wrap_ethernet(&f, count % 2 == 0 ? 0x8847 : 0x8848);
            struct datagram d;
            if (count == 9)
                assert_int_equal(decode(&f, ETHERNET, &d), DECODE_MALFORMED);
            else
                assert_tunnels_hello(&f, ETHERNET, version, TUNNEL_MPLS, 1);
        }
}

/* In VLANs, which are the outermost frame's. */
static void test_labels_in_vlan(void **state)
{
    (void)state;
    struct frame f = hello(4);
    struct datagram d;
    wrap_labels(&f, 2);
    wrap(&f, "\0\x65\x88\x47", 4);
    wrap_ethernet(&f, 0x8100);
    assert_tunnels_hello(&f, ETHERNET, 4, TUNNEL_MPLS, 1);
    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_UDP);
    assert_int_equal(d.vlan_count, 1);
    assert_int_equal(d.vlan[0], 0x65);
    assert_int_equal(d.outer_src.version, 0);
    uint32_t envelope = d.envelope;
    f.bytes[18 + 7]--; /* a TTL is no id */
    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_UDP);
    assert_int_equal(d.envelope, envelope);
    f.bytes[18 + 1]++;
    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_UDP);
    assert_int_not_equal(d.envelope, envelope);
}

/*
 * A frame begins with an address, which is what it is: the first octet of it may be that of a
 * control word, of a channel header, of IPv4 or of IPv6.
 */
static void test_pseudowire(void **state)
{
    (void)state;
    static const char *const words[] = {NULL, "\0\0\0\0", "\0\0\x12\x34"};
    static const char *const addresses[] = {"\0\x1b\x54\1\2\3", "\x02\0\0\0\0\1", "\x10\1\2\3\4\5",
                                            "\x45\0\0\x20\1\2", "\x4f\1\2\3\4\5", "\x60\1\2\3\4\5",
                                            "\x6c\1\2\3\0\x10", "\xd0\1\2\3\4\5", "\0\0\0\0\0\0"};
    for (unsigned word = 0; word < 3; word++)
        for (unsigned i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
            for (unsigned version = 4; version <= 6; version += 2)
                for (unsigned tags = 0; tags < 2; tags++) {
                    struct frame f = hello(version);
                    if (tags > 0)
                        wrap(&f, version == 4 ? "\0\x65\x08\0" : "\0\x65\x86\xdd", 4);
                    wrap_ethernet(&f, tags > 0 ? 0x8100 : version == 4 ? 0x0800 : 0x86dd);
                    memcpy(f.bytes, addresses[i], 6);
                    if (words[word])
                        wrap(&f, words[word], 4);
                    wrap_labels(&f, 2);
                    wrap_ethernet(&f, 0x8847);
                    struct datagram d;
                    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_UDP);
                    assert_hello(&d, version);
                    assert_int_equal(d.tunnel, TUNNEL_MPLS);
                    assert_int_equal(d.vlan_count, 0);
                    for (size_t captured = 0; captured < f.len; captured++) {
                        enum decode_verdict verdict =
                            decode_part(&f, ETHERNET, captured, f.len, &d);
                        /* What is cut and cannot be told apart is taken for the usual. */
                        if (words[word])
                            assert_true(verdict == DECODE_TRUNCATED || verdict == DECODE_UDP);
                        (void)decode_part(&f, ETHERNET, captured, captured, &d);
                    }
                }
}

/* An IPv4 packet of a source that reads like an Ethernet type and what may follow it. */
static void test_ip_like_frame(void **state)
{
    (void)state;
    struct frame f = hello(4);
    struct datagram d;
    static const uint8_t addresses[] = {8, 0, 69, 1, 0, 20, 3, 4};
    unsigned sum = 0;
    memcpy(f.bytes + 12, addresses, sizeof addresses);
    f.bytes[10] = f.bytes[11] = 0;
    for (size_t i = 0; i < 20; i += 2)
        sum += (unsigned)(f.bytes[i] << 8 | f.bytes[i + 1]);
    sum = ~(sum + (sum >> 16)) & 0xffff;
    f.bytes[10] = (uint8_t)(sum >> 8);
    f.bytes[11] = (uint8_t)sum;
    wrap_labels(&f, 1);
    wrap_ethernet(&f, 0x8847);
    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_UDP);
    assert_int_equal(d.payload.len, 5);
    assert_memory_equal(d.src.ip.octets, addresses, 4);
}

static void test_below_labels_without_ip(void **state)
{
    (void)state;
    static const struct {
        const char *octets;
        size_t len;
    } rows[] = {
        {"\x10\0\0\x21\x45\0\0\x20", 8},                              /* a channel, RFC 5586 */
        {"\0\0\0\0\1\x80\xc2\0\0\0\2\0\0\0\0\1\0\x26\x42\x42\3", 21}, /* spanning tree */
        {"\2\0\0\0\0\1\2\0\0\0\0\2\x08\6\0\1\x08\0", 18},             /* ARP, no control word */
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct frame f = {.len = 0};
        struct datagram d;
        put(&f, rows[i].octets, rows[i].len);
        wrap_labels(&f, 1);
        wrap_ethernet(&f, 0x8847);
        assert_int_equal(decode(&f, ETHERNET, &d), DECODE_NOT_IP);
    }
    struct frame f = {.len = 0};
    struct datagram d;
    wrap_labels(&f, 1);
    wrap_ethernet(&f, 0x8847);
    assert_int_equal(decode(&f, ETHERNET, &d), DECODE_MALFORMED);
}

/* RFC 2516 section 4: version and type, code, session, length. */
static void wrap_pppoe(struct frame *f, unsigned version_type, unsigned code)
{
    struct frame header = {.len = 0};
    put_u8(&header, version_type);
    put_u8(&header, code);
    put_u16(&header, 0x1234);
    put_u16(&header, (unsigned)f->len);
    wrap_frame(f, &header);
}

static void test_pppoe(void **state)
{
    (void)state;
    for (unsigned version = 4; version <= 6; version += 2) {
        struct frame f = hello(version);
        wrap(&f, version == 4 ? "\0\x21" : "\0\x57", 2);
        wrap_pppoe(&f, 0x11, 0);
        wrap_ethernet(&f, 0x8864);
        assert_tunnels_hello(&f, ETHERNET, version, TUNNEL_PPPOE, 1);
        /* Its own length bounds what is in it, whatever that says: the rest is padding. */
        f.bytes[14 + 5]--;
        struct datagram d;
        assert_int_equal(decode(&f, ETHERNET, &d), DECODE_UDP);
        assert_true(slice_eq(d.payload, SLICE("hell")));
        assert_true(d.truncated);
    }
    struct frame f = hello(4);
    wrap_labels(&f, 1);
    wrap(&f, "\x02\x81", 2);
    wrap_pppoe(&f, 0x11, 0);
    wrap_ethernet(&f, 0x8864);
    assert_tunnels_hello(&f, ETHERNET, 4, TUNNEL_PPPOE, 2);
}

static void test_pppoe_refused(void **state)
{
    (void)state;
    static const struct {
        unsigned ethernet_type, version_type, code;
        const char *protocol;
        enum decode_verdict verdict;
    } rows[] = {
        {0x8863, 0x11, 9, "\0\x21", DECODE_NOT_IP}, /* discovery */
        {0x8864, 0x11, 9, "\0\x21", DECODE_NOT_IP},
        {0x8864, 0x21, 0, "\0\x21", DECODE_MALFORMED},
        {0x8864, 0x11, 0, "\xc0\x21", DECODE_NOT_IP}, /* link control */
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct frame f = hello(4);
        struct datagram d;
        wrap(&f, rows[i].protocol, 2);
        wrap_pppoe(&f, rows[i].version_type, rows[i].code);
        wrap_ethernet(&f, rows[i].ethernet_type);
        assert_int_equal(decode(&f, ETHERNET, &d), rows[i].verdict);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels),        cmocka_unit_test(test_labels_in_vlan),
        cmocka_unit_test(test_pseudowire),    cmocka_unit_test(test_ip_like_frame),
        cmocka_unit_test(test_pppoe),         cmocka_unit_test(test_below_labels_without_ip),
        cmocka_unit_test(test_pppoe_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
