#include "http/buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUFFER_FIRST_CAPACITY = 4096 };

void buffer_fini(struct buffer *buffer)
{
    free(buffer->text);
    *buffer = (struct buffer){0};
}

char *buffer_reserve(struct buffer *buffer, size_t more)
{
    if (buffer->failed || more > SIZE_MAX / 2 - buffer->len) {
        buffer->failed = true;
        return NULL;
    }
    if (buffer->len + more > buffer->capacity) {
        size_t capacity = buffer->capacity ? buffer->capacity : BUFFER_FIRST_CAPACITY;
        while (capacity < buffer->len + more)
            capacity *= 2;
        char *text = realloc(buffer->text, capacity);
        if (!text) {
            buffer->failed = true;
            return NULL;
        }
        buffer->text = text;
        buffer->capacity = capacity;
    }
    return buffer->text + buffer->len;
}

void buffer_put(struct buffer *buffer, const char *bytes, size_t len)
{
    if (len == 0)
        return;
    char *to = buffer_reserve(buffer, len);
    if (!to)
        return;
    memcpy(to, bytes, len);
    buffer->len += len;
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    char *to = len < 0 ? NULL : buffer_reserve(buffer, (size_t)len + 1);
    if (to) {
        vsnprintf(to, (size_t)len + 1, format, again);
        buffer->len += (size_t)len;
    } else {
        buffer->failed = true;
    }
    va_end(again);
    va_end(args);
}
