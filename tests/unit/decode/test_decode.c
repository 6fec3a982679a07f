/*
 * decode: packets built by hand for each link type, tag depth and IP version. Each is decoded whole
 * and as every prefix of itself, out of memory exactly as large as the bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "decode/decode.h"

enum { ETHERNET = 1, RAW = 101, LOOP = 108, SLL = 113, IPV4 = 228, IPV6 = 229, SLL2 = 276 };

/* A frame under construction. */
struct frame {
    uint8_t bytes[2048];
    size_t len;
    size_t ip_at; /* where the last IP header begins */
};

static const uint8_t v4_src[] = {192, 0, 2, 1}, v4_dst[] = {198, 51, 100, 2};
static const uint8_t v6_src[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
static const uint8_t v6_dst[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 2};

static void put(struct frame *f, const void *bytes, size_t len)
{
    assert_true(f->len + len <= sizeof f->bytes);
    memcpy(f->bytes + f->len, bytes, len);
    f->len += len;
}

static void put_u8(struct frame *f, unsigned v)
{
    put(f, &(uint8_t){(uint8_t)v}, 1);
}

static void put_u16(struct frame *f, unsigned v)
{
    put_u8(f, v >> 8);
    put_u8(f, v & 0xff);
}

static void put_zeros(struct frame *f, size_t n)
{
    while (n-- > 0)
        put_u8(f, 0);
}

static void put_ethernet(struct frame *f, unsigned type)
{
    put(f, "\x02\0\0\0\0\x02\x02\0\0\0\0\x01", 12);
    put_u16(f, type);
}

static void put_v4(struct frame *f, unsigned protocol, size_t options, unsigned flags_offset,
                   size_t payload)
{
    f->ip_at = f->len;
    put_u8(f, 0x40 | (unsigned)(5 + options / 4));
    put_u8(f, 0);
    put_u16(f, (unsigned)(20 + options + payload));
    put_u16(f, 0xbeef);
    put_u16(f, flags_offset);
    put_u8(f, 63);
    put_u8(f, protocol);
    put_u16(f, 0);
    put(f, v4_src, 4);
    put(f, v4_dst, 4);
    while (options-- > 0)
        put_u8(f, 1);
}

static void put_v6(struct frame *f, unsigned next, size_t payload)
{
    f->ip_at = f->len;
    put_u16(f, 0x6000);
    put_u16(f, 0);
    put_u16(f, (unsigned)payload);
    put_u8(f, next);
    put_u8(f, 62);
    put(f, v6_src, 16);
    put(f, v6_dst, 16);
}

static void put_udp(struct frame *f, const char *payload)
{
    put_u16(f, 5060);
    put_u16(f, 5070);
    put_u16(f, (unsigned)(8 + strlen(payload)));
    put_u16(f, 0x1234); /* wrong, and accepted */
    put(f, payload, strlen(payload));
}

static void put_v4_udp(struct frame *f)
{
    put_v4(f, 17, 0, 0x4000, 13);
    put_udp(f, "hello");
}

static void put_v6_udp(struct frame *f)
{
    put_v6(f, 17, 13);
    put_udp(f, "hello");
}

/* Decodes the first `captured` octets of a frame that had `wire` of them. */
static enum decode_verdict decode_part(const struct frame *f, uint16_t link, size_t captured,
                                       size_t wire, struct datagram *out)
{
    uint8_t *exact = malloc(captured > 0 ? captured : 1);
    assert_non_null(exact);
    memcpy(exact, f->bytes, captured);
    struct packet packet = {.time_ns = 42,
                            .number = 7,
                            .bytes = exact,
                            .captured_len = (uint32_t)captured,
                            .wire_len = (uint32_t)wire,
                            .link_type = link,
                            .interface = 3};
    memset(out, 0xa5, sizeof *out);
    enum decode_verdict verdict = decode_packet(&packet, out);
    assert_int_equal(out->time_ns, 42);
    assert_int_equal(out->packet_number, 7);
    assert_int_equal(out->interface, 3);
    assert_true(verdict < DECODE_VERDICT_COUNT);
    if (verdict == DECODE_UDP) {
        const uint8_t *at = (const uint8_t *)out->payload.at;
        assert_true(at >= exact && out->payload.len <= captured);
        assert_true((size_t)(at - exact) + out->payload.len <= captured);
        /* What the payload points to goes with `exact`: keep the place, in the frame. */
        out->payload.at = (const char *)f->bytes + (at - exact);
    }
    free(exact);
    return verdict;
}

static enum decode_verdict decode(const struct frame *f, uint16_t link, struct datagram *out)
{
    return decode_part(f, link, f->len, f->len, out);
}

static void assert_hello(const struct datagram *d, unsigned version)
{
    char text[ENDPOINT_TEXT_MAX];
    assert_string_equal(endpoint_format(&d->src, text),
                        version == 4 ? "192.0.2.1:5060" : "[2001:db8::1]:5060");
    assert_string_equal(endpoint_format(&d->dst, text),
                        version == 4 ? "198.51.100.2:5070" : "[2001:db8::2]:5070");
    assert_int_equal(d->protocol, 17);
    assert_int_equal(d->ttl, version == 4 ? 63 : 62);
    assert_int_equal(d->has_ip_id, version == 4);
    assert_int_equal(d->ip_id, version == 4 ? 0xbeef : 0);
    assert_true(slice_eq(d->payload, SLICE("hello")));
    assert_false(d->truncated);
    static const uint8_t zeros[12];
    if (version == 4)
        assert_memory_equal(d->src.ip.octets + 4, zeros, 12);
}

/*
 * A whole packet that ends with "hello" in UDP, then every prefix of it: with a snap length, the
 * headers are DECODE_TRUNCATED and the payload is cut and flagged; nothing is ever read past the
 * prefix.
 */
static void assert_carries_hello(const struct frame *f, uint16_t link, unsigned version)
{
    struct datagram d;
    assert_int_equal(decode(f, link, &d), DECODE_UDP);
    assert_hello(&d, version);
    for (size_t captured = 0; captured < f->len; captured++) {
        enum decode_verdict verdict = decode_part(f, link, captured, f->len, &d);
        if (captured + 5 < f->len) {
            assert_int_equal(verdict, DECODE_TRUNCATED);
        } else {
            assert_int_equal(verdict, DECODE_UDP);
            assert_true(d.truncated);
            assert_int_equal(d.payload.len, captured + 5 - f->len);
        }
        /* A frame that ends there on the wire, too: whatever the verdict, no octet is read past it.
         */
        verdict = decode_part(f, link, captured, captured, &d);
        assert_true(verdict != DECODE_UDP || d.truncated);
    }
}

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
    static const unsigned types[] = {0x88a8, 0x8100, 0x9100, 0x9200, 0x8100};
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
        assert_memory_equal(d.src.ip.octets, v4_src, 4);
        assert_memory_equal(d.dst.ip.octets, v4_dst, 4);
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
        assert_memory_equal(d.src.ip.octets, v6_src, 16);
        assert_memory_equal(d.dst.ip.octets, v6_dst, 16);
    }
}

static void test_other_protocols(void **state)
{
    (void)state;
    struct frame f = {.len = 0};
    struct datagram d;
    put_v4(&f, 6, 0, 0x4000, 20);
    put_zeros(&f, 20);
    assert_int_equal(decode(&f, RAW, &d), DECODE_OTHER_IP);
    assert_int_equal(d.protocol, 6);
    assert_memory_equal(d.src.ip.octets, v4_src, 4);
    assert_int_equal(d.payload.len, 0);
    assert_false(d.truncated);
    assert_int_equal(decode_part(&f, RAW, 30, 40, &d), DECODE_OTHER_IP);
    assert_true(d.truncated);

    f.len = 0;
    put_v6(&f, 59, 0); /* no next header */
    put_zeros(&f, 6);
    assert_int_equal(decode(&f, RAW, &d), DECODE_OTHER_IP);
    assert_int_equal(d.protocol, 59);
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
    assert_false(d.has_ip_id);
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
        cmocka_unit_test(test_datagram_is_reset),
        cmocka_unit_test(test_verdict_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
