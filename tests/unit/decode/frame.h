/*
 * frames for the tests of decode, built by hand: each is decoded whole and as every prefix of
 * itself, out of memory exactly as large as the bytes.
 */
#ifndef SIPSPAN_TESTS_DECODE_FRAME_H
#define SIPSPAN_TESTS_DECODE_FRAME_H

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

#define V4_SRC ((const uint8_t[]){192, 0, 2, 1})
#define V4_DST ((const uint8_t[]){198, 51, 100, 2})
#define V6_SRC ((const uint8_t[16]){0x20, 0x01, 0x0d, 0xb8, [15] = 1})
#define V6_DST ((const uint8_t[16]){0x20, 0x01, 0x0d, 0xb8, [15] = 2})

static inline void put(struct frame *f, const void *bytes, size_t len)
{
    assert_true(f->len + len <= sizeof f->bytes);
    memcpy(f->bytes + f->len, bytes, len);
    f->len += len;
}

static inline void put_u8(struct frame *f, unsigned v)
{
    put(f, &(uint8_t){(uint8_t)v}, 1);
}

static inline void put_u16(struct frame *f, unsigned v)
{
    put_u8(f, v >> 8);
    put_u8(f, v & 0xff);
}

static inline void put_zeros(struct frame *f, size_t n)
{
    while (n-- > 0)
        put_u8(f, 0);
}

static inline void put_ethernet(struct frame *f, unsigned type)
{
    put(f, "\x02\0\0\0\0\x02\x02\0\0\0\0\x01", 12);
    put_u16(f, type);
}

static inline void put_v4(struct frame *f, unsigned protocol, size_t options, unsigned flags_offset,
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
    put(f, V4_SRC, 4);
    put(f, V4_DST, 4);
    while (options-- > 0)
        put_u8(f, 1);
    unsigned sum = 0;
    for (size_t i = f->ip_at; i < f->len; i += 2)
        sum += (unsigned)(f->bytes[i] << 8 | f->bytes[i + 1]);
    sum = ~(sum + (sum >> 16)) & 0xffff;
    f->bytes[f->ip_at + 10] = (uint8_t)(sum >> 8);
    f->bytes[f->ip_at + 11] = (uint8_t)sum;
}

static inline void put_v6(struct frame *f, unsigned next, size_t payload)
{
    f->ip_at = f->len;
    put_u16(f, 0x6000);
    put_u16(f, 0);
    put_u16(f, (unsigned)payload);
    put_u8(f, next);
    put_u8(f, 62);
    put(f, V6_SRC, 16);
    put(f, V6_DST, 16);
}

static inline void put_udp(struct frame *f, const char *payload)
{
    put_u16(f, 5060);
    put_u16(f, 5070);
    put_u16(f, (unsigned)(8 + strlen(payload)));
    put_u16(f, 0x1234); /* wrong, and accepted */
    put(f, payload, strlen(payload));
}

static inline void put_v4_udp(struct frame *f)
{
    put_v4(f, 17, 0, 0x4000, 13);
    put_udp(f, "hello");
}

static inline void put_v6_udp(struct frame *f)
{
    put_v6(f, 17, 13);
    put_udp(f, "hello");
}

/* Decodes the first `captured` octets of a frame that had `wire` of them. */
static inline enum decode_verdict decode_part(const struct frame *f, uint16_t link, size_t captured,
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
    assert_true(out->layers <= DECODE_LAYERS_MAX && out->vlan_count <= VLAN_TAGS_MAX);
    if (decode_is_ip(verdict)) {
        const uint8_t *at = (const uint8_t *)out->payload.at;
        assert_true(at >= exact && out->payload.len <= captured);
        assert_true((size_t)(at - exact) + out->payload.len <= captured);
        /* What the payload points to goes with `exact`: keep the place, in the frame. */
        out->payload.at = (const char *)f->bytes + (at - exact);
    }
    free(exact);
    return verdict;
}

static inline enum decode_verdict decode(const struct frame *f, uint16_t link, struct datagram *out)
{
    return decode_part(f, link, f->len, f->len, out);
}

static inline void assert_hello(const struct datagram *d, unsigned version)
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
static inline void assert_carries_hello(const struct frame *f, uint16_t link, unsigned version)
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

/* Puts a header before what is there. */
static inline void wrap(struct frame *f, const void *header, size_t len)
{
    assert_true(f->len + len <= sizeof f->bytes);
    memmove(f->bytes + len, f->bytes, f->len);
    memcpy(f->bytes, header, len);
    f->len += len;
}

/* The same with one that is built, in a frame of its own. */
static inline void wrap_frame(struct frame *f, const struct frame *header)
{
    wrap(f, header->bytes, header->len);
}

static inline void wrap_ethernet(struct frame *f, unsigned type)
{
    struct frame header = {.len = 0};
    put_ethernet(&header, type);
    wrap_frame(f, &header);
}

/* Outer headers: 203.0.113.1 to .2, 2001:db8:ff::1 to ::2. */
static inline void wrap_v4(struct frame *f, unsigned protocol)
{
    struct frame header = {.len = 0};
    put_v4(&header, protocol, 0, 0x4000, f->len);
    memcpy(header.bytes + 12, "\xcb\0\x71\1\xcb\0\x71\2", 8);
    header.bytes[4] = 0x11; /* another id, and another TTL */
    header.bytes[8] = 9;
    wrap_frame(f, &header);
}

static inline void wrap_v6(struct frame *f, unsigned next)
{
    struct frame header = {.len = 0};
    put_v6(&header, next, f->len);
    header.bytes[8 + 5] = header.bytes[24 + 5] = 0xff;
    header.bytes[7] = 9;
    wrap_frame(f, &header);
}

static inline void wrap_udp(struct frame *f, unsigned src_port, unsigned dst_port)
{
    struct frame header = {.len = 0};
    put_u16(&header, src_port);
    put_u16(&header, dst_port);
    put_u16(&header, (unsigned)(8 + f->len));
    put_u16(&header, 0);
    wrap_frame(f, &header);
}

/* "hello" in UDP in IP of a version. */
static inline struct frame hello(unsigned version)
{
    struct frame f = {.len = 0};
    version == 4 ? put_v4_udp(&f) : put_v6_udp(&f);
    return f;
}

/* The same in an Ethernet frame. */
static inline struct frame hello_frame(unsigned version)
{
    struct frame f = hello(version);
    wrap_ethernet(&f, version == 4 ? 0x0800 : 0x86dd);
    return f;
}

/*
 * A frame that carries "hello" in a tunnel, and every prefix of it. Where a prefix ends before the
 * inner IP header, a tunnel in UDP is not yet known as one.
 */
static inline void assert_tunnels_hello(const struct frame *f, uint16_t link, unsigned version,
                                        enum tunnel tunnel, unsigned depth)
{
    struct datagram d;
    assert_int_equal(decode(f, link, &d), DECODE_UDP);
    assert_hello(&d, version);
    assert_int_equal(d.tunnel, tunnel);
    assert_int_equal(d.tunnel_depth, depth);
    assert_int_not_equal(d.envelope, 0);
    for (size_t captured = 0; captured < f->len; captured++) {
        enum decode_verdict verdict = decode_part(f, link, captured, f->len, &d);
        bool is_inner = verdict == DECODE_UDP && d.src.port == 5060;
        assert_true(verdict == DECODE_TRUNCATED || (verdict == DECODE_UDP && d.truncated));
        assert_int_equal(is_inner, captured + 5 >= f->len);
        verdict = decode_part(f, link, captured, captured, &d);
        assert_true(!decode_is_ip(verdict) || d.truncated);
    }
}

static inline void assert_outer(const struct datagram *d, const char *src, const char *dst)
{
    char text[IP_TEXT_MAX];
    assert_string_equal(ip_format(&d->outer_src, text), src);
    assert_string_equal(ip_format(&d->outer_dst, text), dst);
}

#endif
