/*
 * sip_lex: the characters and the small pieces that SIP's grammar is made of (RFC 3261
 * section 25.1): token, linear white space, quoted-string, parameter, comma-separated list.
 *
 * Pure. Positions are offsets into a slice and never pass its end. Line folding counts as white
 * space everywhere, and so does a CR or LF on its own: a header value is cut out of its lines
 * before.
 */
#ifndef SIPSPAN_SIP_SIP_LEX_H
#define SIPSPAN_SIP_SIP_LEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum {
    SIP_CHAR_SPACE = 1 << 0, /* SP, HTAB, CR, LF */
    SIP_CHAR_TOKEN = 1 << 1, /* of a token */
    SIP_CHAR_DIGIT = 1 << 2,
    SIP_CHAR_HOST = 1 << 3,  /* of a host name or IPv4 address, with the underscore that many use */
    SIP_CHAR_URI = 1 << 4,   /* may stand in a URI; octets past ASCII are let through */
    SIP_CHAR_BREAK = 1 << 5, /* ends an unquoted parameter value: white space, ';' and ',' */
    SIP_CHAR_MARK = 1 << 6   /* divides a URI: '@', ';' and '?' */
};
extern const uint8_t sip_char_classes[256];

static inline bool sip_char_is(char c, uint8_t classes)
{
    return (sip_char_classes[(uint8_t)c] & classes) != 0;
}

/* The first position from `at` on whose character is not (is) of one of the classes, or s.len. */
size_t sip_span(struct slice s, size_t at, uint8_t classes);
size_t sip_span_until(struct slice s, size_t at, uint8_t classes);

/* sip_span() where there is mostly nothing, or one character, to step over. */
static inline size_t sip_skip_space(struct slice s, size_t at)
{
    while (at < s.len && slice_is_space(s.at[at]))
        at++;
    return at;
}

static inline bool sip_all_of(struct slice s, uint8_t classes)
{
    return sip_span(s, 0, classes) == s.len;
}

/* From a position to another one behind it. */
static inline struct slice sip_between(struct slice s, size_t from, size_t to)
{
    return slice_of(s.at + from, to - from);
}

/* `*at` is at a '"' and goes behind the closing one; false, and to the end, if there is none. */
bool sip_skip_quoted(struct slice s, size_t *at);

/* One parameter, ";name" or ";name=value". */
struct sip_parameter {
    struct slice name;
    struct slice value; /* a quoted value without its quotes; empty if there is none */
    bool malformed;     /* no name, something behind the value, or a quote that does not end */
    bool unterminated;  /* the last of these */
};

/*
 * The next parameter from `*at` on, which is moved behind it. False at the end of the text and at a
 * ',' outside quotes, where `*at` then is. What stands before the first ';' is stepped over.
 */
bool sip_parameter_next(struct slice s, size_t *at, struct sip_parameter *out);

/*
 * Takes the next element of a comma-separated list off `rest`, trimmed; empty ones are stepped
 * over. Commas in quotes and in angle brackets do not separate. False when there are no more.
 */
bool sip_list_next(struct slice *rest, struct slice *element);

/* Digits at the beginning: their number, and *digits how many; false for none or more than `max`.
 */
bool sip_leading_number(struct slice s, uint64_t max, uint64_t *number, size_t *digits);

/* What of SIP_OCTETS_* there is in the text. */
enum { SIP_OCTETS_NUL = 1 << 0, SIP_OCTETS_NON_UTF8 = 1 << 1 };
unsigned sip_octets_check(struct slice s);

#endif
