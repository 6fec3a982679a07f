/*
 * buffer: text that grows on the heap.
 *
 * When memory runs out `failed` is set and stays set, and what is put after is dropped: a renderer
 * may write a whole page and look once. Starts as all zero bytes. One thread.
 */
#ifndef SIPSPAN_HTTP_BUFFER_H
#define SIPSPAN_HTTP_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct buffer {
    char *text; /* not NUL-terminated; NULL while nothing was put */
    size_t len;
    size_t capacity;
    bool failed;
};

void buffer_fini(struct buffer *buffer);

void buffer_put(struct buffer *buffer, const char *bytes, size_t len);
void buffer_printf(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A NUL-terminated string of our own making (never of input). */
static inline void buffer_puts(struct buffer *buffer, const char *text)
{
    buffer_put(buffer, text, strlen(text));
}

/* Makes room for `more` octets after the ones there; NULL if it cannot. Those written are added to
 * len. */
char *buffer_reserve(struct buffer *buffer, size_t more);

#endif
