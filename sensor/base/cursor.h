/*
 * cursor: reads binary fields from bytes of the wire, and cannot leave them.
 *
 * A read past the end returns 0, moves nothing and sets `failed`, which stays set: a parser may
 * read a whole header and look at `failed` once. A length field becomes a cursor of its own
 * (cursor_sub) before what is in it is read.
 */
#ifndef SIPSPAN_BASE_CURSOR_H
#define SIPSPAN_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
    const uint8_t *at;
    size_t left;
    bool failed;
};

static inline struct cursor cursor_of(const void *bytes, size_t len)
{
    return (struct cursor){(const uint8_t *)bytes, len, false};
}

/* The next `n` octets, stepped over; NULL and failed if there are not as many. */
static inline const uint8_t *cursor_take(struct cursor *c, size_t n)
{
    if (c->failed || n > c->left) {
        c->failed = true;
        return NULL;
    }
    const uint8_t *bytes = c->at;
    c->at += n;
    c->left -= n;
    return bytes;
}

static inline void cursor_skip(struct cursor *c, size_t n)
{
    (void)cursor_take(c, n);
}

static inline uint8_t cursor_u8(struct cursor *c)
{
    const uint8_t *b = cursor_take(c, 1);
    return b ? b[0] : 0;
}

/* Network byte order. */
static inline uint16_t cursor_u16(struct cursor *c)
{
    const uint8_t *b = cursor_take(c, 2);
    return (uint16_t)(b ? b[0] << 8 | b[1] : 0);
}

static inline uint32_t cursor_u32(struct cursor *c)
{
    const uint8_t *b = cursor_take(c, 4);
    return b ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3] : 0;
}

/* A cursor over the next `n` octets, which are stepped over here; failed if there are not as many.
 */
static inline struct cursor cursor_sub(struct cursor *c, size_t n)
{
    const uint8_t *b = cursor_take(c, n);
    return b ? (struct cursor){b, n, false} : (struct cursor){NULL, 0, true};
}

#endif
