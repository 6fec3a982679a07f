/*
 * capture_builder: makes captures of every kind in memory, and reads them back through the capture
 * interface. Each packet that it makes can be told from the others: its octets follow from its
 * number.
 */
#ifndef SIPSPAN_TESTS_CAPTURE_BUILDER_H
#define SIPSPAN_TESTS_CAPTURE_BUILDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "capture/capture.h"

struct bytes {
    uint8_t *at;
    size_t len, size;
    bool big_endian;
};

static inline void put(struct bytes *b, const void *from, size_t len)
{
    if (b->len + len > b->size) {
        b->size = (b->len + len) * 2;
        b->at = realloc(b->at, b->size);
        assert_non_null(b->at);
    }
    if (len > 0)
        memcpy(b->at + b->len, from, len);
    b->len += len;
}

static inline void put_uint(struct bytes *b, uint64_t value, unsigned octets)
{
    for (unsigned i = 0; i < octets; i++) {
        unsigned shift = 8 * (b->big_endian ? octets - 1 - i : i);
        uint8_t octet = (uint8_t)(value >> shift);
        put(b, &octet, 1);
    }
}

static inline void put_u16(struct bytes *b, unsigned value)
{
    put_uint(b, value, 2);
}

static inline void put_u32(struct bytes *b, uint64_t value)
{
    put_uint(b, value, 4);
}

static inline void free_bytes(struct bytes *b)
{
    free(b->at);
    *b = (struct bytes){0};
}

static inline uint8_t packet_octet(unsigned seed, size_t i)
{
    return (uint8_t)(seed * 31 + i);
}

static inline void put_packet_octets(struct bytes *b, unsigned seed, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t octet = packet_octet(seed, i);
        put(b, &octet, 1);
    }
}

/* pcap */

static inline void put_pcap_header(struct bytes *b, uint32_t magic, uint32_t link_type)
{
    put_u32(b, magic);
    put_u16(b, 2);
    put_u16(b, 4);
    put_u32(b, 0);
    put_u32(b, 0);
    put_u32(b, 65535);
    put_u32(b, link_type);
}

static inline void put_pcap_packet(struct bytes *b, uint32_t seconds, uint32_t fraction,
                                   unsigned seed, uint32_t captured, uint32_t wire)
{
    put_u32(b, seconds);
    put_u32(b, fraction);
    put_u32(b, captured);
    put_u32(b, wire);
    put_packet_octets(b, seed, captured);
}

/* pcapng: a block is opened, filled and closed, which sets both of its lengths. */

static inline size_t open_block(struct bytes *b, uint32_t type)
{
    size_t start = b->len;
    put_u32(b, type);
    put_u32(b, 0);
    return start;
}

static inline void close_block(struct bytes *b, size_t start)
{
    while (b->len % 4 != start % 4)
        put_uint(b, 0, 1);
    size_t length = b->len - start + 4;
    put_u32(b, length);
    memcpy(b->at + start + 4, b->at + b->len - 4, 4);
}

static inline void put_section(struct bytes *b)
{
    size_t start = open_block(b, 0x0a0d0d0a);
    put_u32(b, 0x1a2b3c4d);
    put_u16(b, 1);
    put_u16(b, 0);
    put_uint(b, UINT64_MAX, 8);
    close_block(b, start);
}

static inline void put_option(struct bytes *b, unsigned code, unsigned len, uint64_t value)
{
    put_u16(b, code);
    put_u16(b, len);
    put_uint(b, value, len);
    while (len++ % 4 != 0)
        put_uint(b, 0, 1);
}

/* resolution below 0: no such option; offset 0: no such option. */
static inline void put_interface(struct bytes *b, unsigned link_type, uint32_t snap_len,
                                 int resolution, int64_t offset_s)
{
    size_t start = open_block(b, 1);
    put_u16(b, link_type);
    put_u16(b, 0);
    put_u32(b, snap_len);
    put_option(b, 13, 1, 4); /* if_fcslen */
    if (resolution >= 0)
        put_option(b, 9, 1, (uint64_t)resolution);
    if (offset_s != 0)
        put_option(b, 14, 8, (uint64_t)offset_s);
    put_option(b, 0, 0, 0);
    close_block(b, start);
}

static inline void put_enhanced(struct bytes *b, uint32_t interface, uint64_t ticks, unsigned seed,
                                uint32_t captured, uint32_t wire)
{
    size_t start = open_block(b, 6);
    put_u32(b, interface);
    put_u32(b, ticks >> 32);
    put_u32(b, ticks & UINT32_MAX);
    put_u32(b, captured);
    put_u32(b, wire);
    put_packet_octets(b, seed, captured);
    while (b->len % 4 != start % 4)
        put_uint(b, 0, 1);
    put_option(b, 2, 4, 1); /* epb_flags */
    put_option(b, 0, 0, 0);
    close_block(b, start);
}

static inline void put_obsolete(struct bytes *b, unsigned interface, uint64_t ticks, unsigned seed,
                                uint32_t captured, uint32_t wire)
{
    size_t start = open_block(b, 2);
    put_u16(b, interface);
    put_u16(b, 0);
    put_u32(b, ticks >> 32);
    put_u32(b, ticks & UINT32_MAX);
    put_u32(b, captured);
    put_u32(b, wire);
    put_packet_octets(b, seed, captured);
    close_block(b, start);
}

static inline void put_simple(struct bytes *b, unsigned seed, uint32_t captured, uint32_t wire)
{
    size_t start = open_block(b, 3);
    put_u32(b, wire);
    put_packet_octets(b, seed, captured);
    close_block(b, start);
}

/* Appends `from` as one gzip member. */
static inline void put_gzip(struct bytes *b, const uint8_t *from, size_t len)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t bound = deflateBound(&z, len);
    uint8_t *out = malloc(bound);
    uint8_t *in = malloc(len + 1);
    assert_true(out && in);
    memcpy(in, from, len);
    z.next_in = in;
    z.avail_in = (uInt)len;
    z.next_out = out;
    z.avail_out = (uInt)bound;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    put(b, out, bound - z.avail_out);
    deflateEnd(&z);
    free(out);
    free(in);
}

/* Files that have no name: the path is good as long as fd is open. */

struct memory_file {
    int fd;
    char path[32];
};

static inline struct memory_file memory_file(const uint8_t *at, size_t len)
{
    struct memory_file file = {.fd = memfd_create("capture", MFD_CLOEXEC)};
    assert_true(file.fd >= 0);
    assert_int_equal(write(file.fd, at, len), (ssize_t)len);
    snprintf(file.path, sizeof file.path, "/proc/self/fd/%d", file.fd);
    return file;
}

static inline struct capture *open_paths(const char *const *paths, size_t count, const char *filter,
                                         struct capture_error *error)
{
    struct capture_file_params params = {.paths = paths, .path_count = count, .filter = filter};
    return capture_open_files(&params, error);
}

/* Reading back: what is left of each packet when its batch is gone. */

enum { READ_MAX = 4096 };

struct read_packet {
    struct packet packet; /* bytes is not valid any more */
    uint8_t first_octet;
    bool octets_follow; /* all octets are those of the seed in the first one */
};

struct read_back {
    size_t count;
    struct read_packet item[READ_MAX];
    enum capture_status end;
    struct capture_error error;
    struct capture_stats stats;
};

static inline void read_rest(struct capture *capture, struct read_back *out)
{
    struct packet_batch batch;
    out->count = 0;
    while ((out->end = capture_read(capture, &batch, 100)) == CAPTURE_PACKETS) {
        assert_in_range(batch.count, 1, PACKET_BATCH_MAX);
        for (unsigned i = 0; i < batch.count && out->count < READ_MAX; i++) {
            const struct packet *p = &batch.packet[i];
            struct read_packet *r = &out->item[out->count++];
            r->packet = *p;
            r->first_octet = p->captured_len > 0 ? p->bytes[0] : 0;
            r->octets_follow = true;
            for (size_t k = 0; k < p->captured_len; k++)
                if (p->bytes[k] != (uint8_t)(r->first_octet + k))
                    r->octets_follow = false;
        }
    }
    if (out->end == CAPTURE_FAILED)
        out->error = *capture_last_error(capture);
    capture_stats(capture, &out->stats);
}

/* Opens what is in memory, and reads it to its end; end is CAPTURE_FAILED too where it cannot be
 * opened. */
static inline struct read_back *read_bytes(const uint8_t *at, size_t len, const char *filter)
{
    struct read_back *out = calloc(1, sizeof *out);
    assert_non_null(out);
    struct memory_file file = memory_file(at, len);
    const char *path = file.path;
    struct capture *capture = open_paths(&path, 1, filter, &out->error);
    if (capture)
        read_rest(capture, out);
    else
        out->end = CAPTURE_FAILED;
    capture_close(capture);
    close(file.fd);
    return out;
}

#endif
