/*
 * slice: a view of text that somebody else owns.
 *
 * A slice is a pointer and a length; it is never NUL-terminated and never owns its bytes. It lives
 * as long as the buffer that it points into, so it must not enter a long-lived object: copy it into
 * that object's arena first (arena.h).
 *
 * All functions are pure and safe on an empty slice (`len` 0, `at` possibly NULL).
 */
#ifndef SIPSPAN_BASE_SLICE_H
#define SIPSPAN_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const char *at;
    size_t len;
};

/* A slice of a string literal. */
#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})
#define SLICE_NONE     ((struct slice){NULL, 0})
/* For printf: printf("%.*s", SLICE_ARGS(s)). */
#define SLICE_ARGS(s) (int)(s).len, ((s).at ? (s).at : "")

static inline struct slice slice_of(const char *at, size_t len)
{
    return (struct slice){at, len};
}

/* The slice of a NUL-terminated string of our own making (never of input). */
static inline struct slice slice_str(const char *text)
{
    return (struct slice){text, text ? strlen(text) : 0};
}

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* The first `n` octets are skipped; an empty slice if there are not as many. */
static inline struct slice slice_skip(struct slice s, size_t n)
{
    return n >= s.len ? (struct slice){s.at ? s.at + s.len : NULL, 0}
                      : (struct slice){s.at + n, s.len - n};
}

/* At most the first `n` octets. */
static inline struct slice slice_head(struct slice s, size_t n)
{
    return (struct slice){s.at, n < s.len ? n : s.len};
}

static inline char slice_lower_char(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* slice_ieq() of two that have the same length. */
bool slice_ieq_same_len(const char *a, const char *b, size_t len);

/*
 * Equal but for the case of ASCII letters (RFC 3261 section 7.3.1). Nearly all write a name as its
 * RFC does, so that is compared first: with a literal for `b` it takes a few instructions.
 */
static inline bool slice_ieq(struct slice a, struct slice b)
{
    return slice_eq(a, b) || (a.len == b.len && slice_ieq_same_len(a.at, b.at, a.len));
}

static inline bool slice_starts(struct slice s, struct slice prefix)
{
    return slice_eq(slice_head(s, prefix.len), prefix);
}

static inline bool slice_istarts(struct slice s, struct slice prefix)
{
    return slice_ieq(slice_head(s, prefix.len), prefix);
}

/* The position of the first `c`, or s.len if there is none. */
static inline size_t slice_find(struct slice s, char c)
{
    const char *hit = s.len > 0 ? (const char *)memchr(s.at, c, s.len) : NULL;
    return hit ? (size_t)(hit - s.at) : s.len;
}

/* SP, HTAB, CR or LF. */
static inline bool slice_is_space(char c)
{
    const uint64_t spaces = UINT64_C(1) << ' ' | 1u << '\t' | 1u << '\r' | 1u << '\n';
    return (uint8_t)c <= ' ' && (spaces >> c & 1);
}

/* Without SP, HTAB, CR and LF at both ends. */
static inline struct slice slice_trim(struct slice s)
{
    while (s.len > 0 && slice_is_space(s.at[0])) {
        s.at++;
        s.len--;
    }
    while (s.len > 0 && slice_is_space(s.at[s.len - 1]))
        s.len--;
    return s;
}

/*
 * Digits only, the whole slice, no sign, no space. False if it is empty, holds anything else or
 * exceeds `max`; *out is then untouched. Never wraps: what does not fit 64 bits exceeds every max.
 */
bool slice_to_u64(struct slice s, uint64_t max, uint64_t *out);

#endif
