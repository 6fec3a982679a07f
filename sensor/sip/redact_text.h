/*
 * redact_text: what the redaction of headers and that of bodies have in common. Positions never
 * leave the slice they were found in.
 */
#ifndef SIPSPAN_SIP_REDACT_TEXT_H
#define SIPSPAN_SIP_REDACT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/* Makes it '*'. It points into what sip_redact was given to write to: no const is written to. */
void redact_star(struct slice text);

static inline struct slice redact_between(struct slice s, size_t from, size_t to)
{
    return slice_of(s.at + from, to - from);
}

static inline size_t redact_skip_blank(struct slice s, size_t at)
{
    while (at < s.len && slice_is_space(s.at[at]))
        at++;
    return at;
}

/* None of `any`, which holds no letters nor digits: nearly all that is read is those. */
static inline bool redact_is_none(char c, const char *any)
{
    char letter = (char)(c | 0x20);
    return (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') || c == 0 || !strchr(any, c);
}

/* The first position from `at` on of one of these characters, or s.len. */
size_t redact_find_any(struct slice s, size_t at, const char *any);

/* The first position from `at` on of the word, in whatever case, or s.len. */
size_t redact_find_word(struct slice s, size_t at, struct slice word);

/* A line ends at CR, LF or both. */
size_t redact_line_end(struct slice text, size_t at);
size_t redact_next_line(struct slice text, size_t end);

/*
 * Of 'NAME = "VALUE"' the value, wherever it is; it may stand without quotes. What the name ends
 * with may be something else's name, too: only a whole name (after a prefix with ':') is meant if
 * `is_whole`, as in XML.
 */
void redact_assigned(struct slice text, struct slice name, bool is_whole);

#endif
