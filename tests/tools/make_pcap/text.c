#include "text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("make_pcap: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(2);
}

void *must_realloc(void *old, size_t size)
{
    void *p = realloc(old, size ? size : 1);
    if (!p)
        die("out of memory");
    return p;
}

void *must_alloc(size_t size)
{
    return memset(must_realloc(NULL, size), 0, size);
}

char *must_copy(const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        die("out of memory");
    return copy;
}

char *must_format(const char *format, ...)
{
    char *out = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&out, format, args) < 0)
        die("out of memory");
    va_end(args);
    return out;
}

static void make_room(struct text *t, size_t more)
{
    if (t->len + more + 1 <= t->room)
        return;
    size_t room = t->room ? t->room : 256;
    while (room < t->len + more + 1)
        room *= 2;
    t->at = must_realloc(t->at, room);
    t->room = room;
}

void text_put(struct text *t, const void *bytes, size_t len)
{
    make_room(t, len);
    if (len > 0)
        memcpy(t->at + t->len, bytes, len);
    t->len += len;
    t->at[t->len] = '\0';
}

void text_add(struct text *t, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        die("cannot format text");
    make_room(t, (size_t)len);
    vsnprintf(t->at + t->len, (size_t)len + 1, format, again);
    va_end(again);
    t->len += (size_t)len;
}

void text_put_u16(struct text *t, unsigned value)
{
    text_put(t, (const uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

void text_put_u32(struct text *t, uint32_t value)
{
    text_put_u16(t, value >> 16);
    text_put_u16(t, value & 0xffff);
}

void text_fini(struct text *t)
{
    free(t->at);
    *t = (struct text){0};
}

int text_to_ns(const char *text, int64_t *out)
{
    int64_t ns = 0;
    int digits = 0, decimals = -1;
    for (; *text; text++) {
        if (*text == '.' && decimals < 0) {
            decimals = 0;
            continue;
        }
        if (*text < '0' || *text > '9' || decimals == 9 || ns > INT64_MAX / 100)
            return -EINVAL;
        ns = ns * 10 + (*text - '0');
        digits++;
        if (decimals >= 0)
            decimals++;
    }
    for (int i = decimals < 0 ? 0 : decimals; i < 9; i++) {
        if (ns > INT64_MAX / 100)
            return -EINVAL;
        ns *= 10;
    }
    *out = ns;
    return digits > 0 ? 0 : -EINVAL;
}

int text_to_int(const char *text, int64_t max, int64_t *out)
{
    if (*text < '0' || *text > '9')
        return -EINVAL;
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, hex ? 16 : 10);
    if (errno || *end || value > max)
        return -EINVAL;
    *out = value;
    return 0;
}

void json_put_string(FILE *f, const char *s)
{
    fputc('"', f);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            fprintf(f, "\\%c", *s);
        else if ((unsigned char)*s < 0x20)
            fprintf(f, "\\u%04x", (unsigned)*s);
        else
            fputc(*s, f);
    }
    fputc('"', f);
}
