/*
 * The plain packet (Ethernet, IPv4, UDP) is decoded in one go: whatever its octets are, that must
 * say what the layers say, which decode the same packet where it comes without its frame.
 */
#include "frame.h"

enum { ETHERNET_LEN = 14, HEADERS_LEN = 20 + 8 };

static void assert_same(const struct datagram *a, const struct datagram *b)
{
    assert_memory_equal(&a->src, &b->src, sizeof a->src);
    assert_memory_equal(&a->dst, &b->dst, sizeof a->dst);
    assert_int_equal(a->outer_src.version, b->outer_src.version);
    assert_int_equal(a->outer_dst.version, b->outer_dst.version);
    assert_ptr_equal(a->payload.at, b->payload.at);
    assert_int_equal(a->payload.len, b->payload.len);
    assert_int_equal(a->envelope, b->envelope);
    assert_int_equal(a->transport, b->transport);
    assert_int_equal(a->ip_id, b->ip_id);
    assert_memory_equal(a->vlan, b->vlan, sizeof a->vlan);
    assert_int_equal(a->vlan_count, b->vlan_count);
    assert_int_equal(a->ttl, b->ttl);
    assert_int_equal(a->protocol, b->protocol);
    assert_int_equal(a->tunnel, b->tunnel);
    assert_int_equal(a->tunnel_depth, b->tunnel_depth);
    assert_int_equal(a->layers, b->layers);
    assert_int_equal(a->has_ip_id, b->has_ip_id);
    assert_int_equal(a->truncated, b->truncated);
    assert_int_equal(a->incomplete, b->incomplete);
}

/* Of both, `missing` octets were cut off. */
static void compare(const struct frame *f, size_t missing)
{
    struct frame bare = {.len = f->len - ETHERNET_LEN};
    memcpy(bare.bytes, f->bytes + ETHERNET_LEN, bare.len);
    struct datagram framed, plain;
    enum decode_verdict verdict = decode_part(f, ETHERNET, f->len - missing, f->len, &framed);
    assert_int_equal(decode_part(&bare, IPV4, bare.len - missing, bare.len, &plain), verdict);
    if (!decode_is_ip(verdict))
        return;
    framed.payload.at =
        (const char *)bare.bytes + (framed.payload.at - (const char *)f->bytes - ETHERNET_LEN);
    assert_same(&framed, &plain);
}

static void test_every_octet(void **state)
{
    (void)state;
    for (size_t at = 0; at < HEADERS_LEN; at++) {
        for (unsigned value = 0; value < 256; value++) {
            struct frame f = hello_frame(4);
            f.bytes[ETHERNET_LEN + at] = (uint8_t)value;
            compare(&f, 0);
        }
    }
}

/* Where both octets of a port say so, it is perhaps a tunnel. */
static void test_every_port(void **state)
{
    (void)state;
    for (unsigned port = 0; port < 65536; port++) {
        for (size_t at = 20; at < 24; at += 2) {
            struct frame f = hello_frame(4);
            f.bytes[ETHERNET_LEN + at] = (uint8_t)(port >> 8);
            f.bytes[ETHERNET_LEN + at + 1] = (uint8_t)port;
            compare(&f, 0);
        }
    }
}

/* What IP says, against what UDP says, against what there is. */
static void test_every_length(void **state)
{
    (void)state;
    for (size_t padding = 0; padding <= 18; padding += 6) {
        for (unsigned total_len = 0; total_len < 64; total_len++) {
            for (unsigned udp_len = 0; udp_len < 40; udp_len++) {
                struct frame f = hello_frame(4);
                put_zeros(&f, padding);
                f.bytes[ETHERNET_LEN + 3] = (uint8_t)total_len;
                f.bytes[ETHERNET_LEN + 25] = (uint8_t)udp_len;
                compare(&f, 0);
            }
        }
    }
    for (size_t missing = 0; missing <= HEADERS_LEN + 5; missing++) {
        struct frame f = hello_frame(4);
        compare(&f, missing);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_octet),
        cmocka_unit_test(test_every_port),
        cmocka_unit_test(test_every_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
