/*
 * text: a growing string, and the way out of the program for a user's mistake.
 *
 * This is a tool of the tests: what it cannot do it says on standard error, and ends with status 2.
 */
#ifndef MAKE_PCAP_TEXT_H
#define MAKE_PCAP_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Zeroed is empty. `at` is NUL-terminated once anything was added. */
struct text {
    char *at;
    size_t len, room;
};

void text_put(struct text *t, const void *bytes, size_t len);
void text_add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* In network byte order. */
void text_put_u16(struct text *t, unsigned value);
void text_put_u32(struct text *t, uint32_t value);
void text_fini(struct text *t);

/* malloc, realloc and strdup that never return NULL. */
void *must_alloc(size_t size);
void *must_realloc(void *old, size_t size);
char *must_copy(const char *text);
char *must_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One line to standard error, exit status 2. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Seconds with up to nine decimals ("0.020") to nanoseconds. 0, or -EINVAL. */
int text_to_ns(const char *text, int64_t *out);
/* Decimal, or hexadecimal after 0x, up to max. 0, or -EINVAL. */
int text_to_int(const char *text, int64_t max, int64_t *out);

/* A JSON string with its quotes. */
void json_put_string(FILE *f, const char *s);

#endif
