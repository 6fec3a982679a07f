#include "event/json_writer.h"

#include <stdlib.h>

#include "event/format.h"
#include "event/utf8.h"

/*
 * Each value is followed by a comma; what ends an object or an array, or all, takes the place of
 * the last one.
 */

enum { FIRST_CAPACITY = 4096 };

void json_writer_init(struct json_writer *writer, size_t limit)
{
    *writer = (struct json_writer){.limit = limit};
}

void json_writer_fini(struct json_writer *writer)
{
    free(writer->text);
    *writer = (struct json_writer){.limit = 0};
}

void json_writer_cut(struct json_writer *writer, size_t len)
{
    writer->len = len;
    writer->failed = false;
}

static char *grow(struct json_writer *writer, size_t more)
{
    size_t capacity = writer->capacity ? writer->capacity : FIRST_CAPACITY;
    if (writer->failed || more > writer->limit - writer->len) {
        writer->failed = true;
        return NULL;
    }
    while (capacity < writer->len + more)
        capacity *= 2;
    if (capacity > writer->limit)
        capacity = writer->limit;
    char *text = realloc(writer->text, capacity);
    if (!text) {
        writer->failed = true;
        return NULL;
    }
    writer->text = text;
    writer->capacity = capacity;
    return text + writer->len;
}

/* Where `more` octets can be written; NULL: nowhere. */
static inline char *reserve(struct json_writer *writer, size_t more)
{
    if (__builtin_expect(writer->failed || more > writer->capacity - writer->len, 0))
        return grow(writer, more);
    return writer->text + writer->len;
}

static inline void advance_to(struct json_writer *writer, const char *end)
{
    writer->len = (size_t)(end - writer->text);
}

/* The key and room for a value of `more` octets after it. */
static inline char *put_key(struct json_writer *writer, const char *key, size_t more)
{
    size_t len = key ? strlen(key) : 0;
    char *to = reserve(writer, len + 3 + more);
    if (!to || !key)
        return to;
    *to++ = '"';
    memcpy(to, key, len);
    to += len;
    *to++ = '"';
    *to++ = ':';
    return to;
}

static void begin(struct json_writer *writer, const char *key, char bracket)
{
    char *to = put_key(writer, key, 1);
    if (!to)
        return;
    *to++ = bracket;
    advance_to(writer, to);
}

static void end(struct json_writer *writer, char bracket)
{
    char *to = reserve(writer, 2);
    if (!to)
        return;
    if (to[-1] == ',')
        to--;
    *to++ = bracket;
    *to++ = ',';
    advance_to(writer, to);
}

void json_begin_object(struct json_writer *writer, const char *key)
{
    begin(writer, key, '{');
}

void json_end_object(struct json_writer *writer)
{
    end(writer, '}');
}

void json_begin_array(struct json_writer *writer, const char *key)
{
    begin(writer, key, '[');
}

void json_end_array(struct json_writer *writer)
{
    end(writer, ']');
}

void json_end_line(struct json_writer *writer)
{
    if (!writer->failed)
        writer->text[writer->len - 1] = '\n';
}

void json_put_octets(struct json_writer *writer, struct slice octets)
{
    char *to = reserve(writer, octets.len);
    if (!to || octets.len == 0)
        return;
    memcpy(to, octets.at, octets.len);
    advance_to(writer, to + octets.len);
}

/* Eight octets at once; true also says "perhaps", for what follows one that it is true for. */
static bool needs_escape(const char *at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones * 0x80;
    uint64_t octets;
    memcpy(&octets, at, sizeof octets);
    uint64_t quote = octets ^ ones * '"', backslash = octets ^ ones * '\\';
    return ((octets | (octets + ones) /* DEL and all that is not ASCII */
             | (octets - ones * ' ') | (quote - ones) | (backslash - ones)) &
            tops) != 0;
}

/* How much of the text stands for itself. */
static size_t plain_prefix(struct slice text)
{
    size_t i = 0;
    while (i + 8 <= text.len && !needs_escape(text.at + i))
        i += 8;
    while (i < text.len && text.at[i] >= ' ' && text.at[i] < 0x7f && text.at[i] != '"' &&
           text.at[i] != '\\')
        i++;
    return i;
}

static char *put_u16(unsigned value, char *to)
{
    static const char digits[] = "0123456789ABCDEF";
    *to++ = '\\';
    *to++ = 'u';
    for (int shift = 12; shift >= 0; shift -= 4)
        *to++ = digits[value >> shift & 15];
    return to;
}

/* The code point of a well-formed sequence. */
static uint32_t code_point(const char *at, size_t len)
{
    uint32_t code = (uint8_t)at[0];
    if (len > 1)
        code &= 0xffu >> (len + 1);
    for (size_t i = 1; i < len; i++)
        code = code << 6 | ((uint8_t)at[i] & 0x3f);
    return code;
}

static char *put_escaped(uint32_t code, char *to)
{
    static const char letters[] = "\b\f\n\r\t\"\\", escapes[] = "bfnrt\"\\";
    const char *letter = code != 0 && code < 0x80 ? strchr(letters, (int)code) : NULL;
    if (letter) {
        *to++ = '\\';
        *to++ = escapes[letter - letters];
        return to;
    }
    if (code < 0x10000)
        return put_u16(code, to);
    code -= 0x10000;
    to = put_u16(0xd800 | code >> 10, to);
    return put_u16(0xdc00 | (code & 0x3ff), to);
}

/* The sequence at the start of the text, escaped, and what follows it. */
static struct slice put_one_escaped(struct json_writer *writer, struct slice text)
{
    enum { ESCAPED_MAX = 12, REPLACEMENT = 0xfffd };
    size_t len = utf8_sequence(text.at, text.len);
    char *to = reserve(writer, ESCAPED_MAX);
    if (to)
        advance_to(writer, put_escaped(len > 0 ? code_point(text.at, len) : REPLACEMENT, to));
    return slice_skip(text, len > 0 ? len : 1);
}

void json_put_text(struct json_writer *writer, const char *key, struct slice text)
{
    size_t plain = plain_prefix(text);
    char *to = put_key(writer, key, plain + 3);
    if (!to)
        return;
    *to++ = '"';
    while (plain < text.len) {
        memcpy(to, text.at, plain);
        advance_to(writer, to + plain);
        text = put_one_escaped(writer, slice_skip(text, plain));
        plain = plain_prefix(text);
        to = reserve(writer, plain + 2);
        if (!to)
            return;
    }
    if (plain > 0)
        memcpy(to, text.at, plain);
    to += plain;
    *to++ = '"';
    *to++ = ',';
    advance_to(writer, to);
}

void json_put_unsigned(struct json_writer *writer, const char *key, uint64_t value)
{
    char *to = put_key(writer, key, FORMAT_MAX + 1);
    if (!to)
        return;
    to = format_unsigned(value, to);
    *to++ = ',';
    advance_to(writer, to);
}

void json_put_bool(struct json_writer *writer, const char *key, bool value)
{
    struct slice word = value ? SLICE("true,") : SLICE("false,");
    char *to = put_key(writer, key, word.len);
    if (!to)
        return;
    memcpy(to, word.at, word.len);
    advance_to(writer, to + word.len);
}

void json_put_millionths(struct json_writer *writer, const char *key, int64_t value)
{
    char *to = put_key(writer, key, FORMAT_MAX + 1);
    if (!to)
        return;
    to = format_millionths(value, to);
    *to++ = ',';
    advance_to(writer, to);
}

void json_put_real(struct json_writer *writer, const char *key, double value)
{
    const double integers_from = 0x1p52; /* no double above it has a fraction */
    double magnitude = (value < 0 ? -value : value) * 1e6;
    if (!(magnitude <= 9e18))
        return;
    if (magnitude < integers_from) /* as the hardware rounds: to even */
        magnitude = magnitude + integers_from - integers_from;
    json_put_millionths(writer, key, value < 0 ? -(int64_t)magnitude : (int64_t)magnitude);
}

void json_put_time(struct json_writer *writer, const char *key, int64_t time_ns)
{
    char *to = put_key(writer, key, RFC3339_TEXT_MAX + 2);
    if (!to)
        return;
    *to++ = '"';
    rfc3339_format(time_ns, to);
    to += RFC3339_TEXT_LEN;
    *to++ = '"';
    *to++ = ',';
    advance_to(writer, to);
}

void json_put_ip(struct json_writer *writer, const char *key, const struct ip_addr *ip)
{
    char *to = put_key(writer, key, FORMAT_MAX + 3);
    if (!to)
        return;
    *to++ = '"';
    to = format_ip(ip, to);
    *to++ = '"';
    *to++ = ',';
    advance_to(writer, to);
}

void json_put_hex32(struct json_writer *writer, const char *key, uint32_t value)
{
    char *to = put_key(writer, key, sizeof "\"0x\"," + 8);
    if (!to)
        return;
    memcpy(to, "\"0x", 3);
    to += 3;
    for (int shift = 28; shift >= 0; shift -= 4)
        *to++ = "0123456789abcdef"[value >> shift & 15];
    *to++ = '"';
    *to++ = ',';
    advance_to(writer, to);
}
