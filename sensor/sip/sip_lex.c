#include "sip/sip_lex.h"

#define SPACE (SIP_CHAR_SPACE | SIP_CHAR_BREAK)
#define WORD  (SIP_CHAR_TOKEN | SIP_CHAR_URI)
#define NAME  (WORD | SIP_CHAR_HOST)

/* RFC 3261 section 25.1: token, reserved, unreserved; '#' is in the numbers of RFC 3966 as phones
 * write them. */
const uint8_t sip_char_classes[256] = {
    ['\t'] = SPACE,
    ['\n'] = SPACE,
    ['\r'] = SPACE,
    [' '] = SPACE,
    ['!'] = WORD,
    ['#'] = SIP_CHAR_URI,
    ['$'] = SIP_CHAR_URI,
    ['%'] = WORD,
    ['&'] = SIP_CHAR_URI,
    ['\''] = WORD,
    ['('] = SIP_CHAR_URI,
    [')'] = SIP_CHAR_URI,
    ['*'] = WORD,
    ['+'] = WORD,
    [','] = SIP_CHAR_URI | SIP_CHAR_BREAK,
    ['-'] = NAME,
    ['.'] = NAME,
    ['/'] = SIP_CHAR_URI,
    ['0' ... '9'] = NAME | SIP_CHAR_DIGIT,
    [':'] = SIP_CHAR_URI,
    [';'] = SIP_CHAR_URI | SIP_CHAR_BREAK | SIP_CHAR_MARK,
    ['='] = SIP_CHAR_URI,
    ['?'] = SIP_CHAR_URI | SIP_CHAR_MARK,
    ['@'] = SIP_CHAR_URI | SIP_CHAR_MARK,
    ['A' ... 'Z'] = NAME,
    ['['] = SIP_CHAR_URI,
    [']'] = SIP_CHAR_URI,
    ['_'] = NAME,
    ['`'] = SIP_CHAR_TOKEN,
    ['a' ... 'z'] = NAME,
    ['~'] = WORD,
    [0x80 ... 0xff] = SIP_CHAR_URI,
};

/* Both go over most of what there is in a message, so four octets share one look at the end. */
size_t sip_span(struct slice s, size_t at, uint8_t classes)
{
    for (; at + 4 <= s.len; at += 4)
        for (size_t i = 0; i < 4; i++)
            if (!sip_char_is(s.at[at + i], classes))
                return at + i;
    while (at < s.len && sip_char_is(s.at[at], classes))
        at++;
    return at;
}

size_t sip_span_until(struct slice s, size_t at, uint8_t classes)
{
    for (; at + 4 <= s.len; at += 4)
        for (size_t i = 0; i < 4; i++)
            if (sip_char_is(s.at[at + i], classes))
                return at + i;
    while (at < s.len && !sip_char_is(s.at[at], classes))
        at++;
    return at;
}

bool sip_skip_quoted(struct slice s, size_t *at)
{
    size_t start = *at + 1;
    for (size_t from = start;;) {
        size_t quote = from + slice_find(slice_skip(s, from), '"');
        if (quote >= s.len)
            break;
        size_t escapes = 0;
        while (quote - escapes > from && s.at[quote - escapes - 1] == '\\')
            escapes++;
        *at = from = quote + 1;
        if (escapes % 2 == 0)
            return true;
    }
    *at = s.len;
    return false;
}

/* To the next ';' or ',' outside quotes. */
static size_t skip_to_separator(struct slice s, size_t at)
{
    while (at < s.len && s.at[at] != ';' && s.at[at] != ',') {
        if (s.at[at] == '"')
            (void)sip_skip_quoted(s, &at);
        else
            at++;
    }
    return at;
}

/* The value behind "=", at `i`; the position behind it. */
static size_t read_parameter_value(struct slice s, size_t i, struct sip_parameter *out)
{
    size_t start = i;
    if (i >= s.len || s.at[i] != '"') {
        i = sip_span_until(s, i, SIP_CHAR_BREAK);
        out->value = sip_between(s, start, i);
        return i;
    }
    out->unterminated = !sip_skip_quoted(s, &i);
    out->malformed |= out->unterminated;
    out->value = sip_between(s, start + 1, out->unterminated ? i : i - 1);
    return i;
}

bool sip_parameter_next(struct slice s, size_t *at, struct sip_parameter *out)
{
    size_t i = skip_to_separator(s, *at);
    *at = i;
    if (i >= s.len || s.at[i] == ',')
        return false;
    *out = (struct sip_parameter){0};
    i = sip_skip_space(s, i + 1);
    size_t start = i;
    i = sip_span(s, i, SIP_CHAR_TOKEN);
    out->name = sip_between(s, start, i);
    out->malformed = i == start;
    i = sip_skip_space(s, i);
    if (i < s.len && s.at[i] == '=')
        i = read_parameter_value(s, sip_skip_space(s, i + 1), out);
    i = sip_skip_space(s, i);
    *at = skip_to_separator(s, i);
    out->malformed |= *at != i;
    return true;
}

static size_t list_element_end(struct slice s)
{
    size_t i = 0;
    while (i < s.len && s.at[i] != ',') {
        if (s.at[i] == '"') {
            (void)sip_skip_quoted(s, &i);
        } else if (s.at[i] == '<') {
            const char *close = memchr(s.at + i, '>', s.len - i);
            i = close ? (size_t)(close - s.at) + 1 : s.len;
        } else {
            i++;
        }
    }
    return i;
}

bool sip_list_next(struct slice *rest, struct slice *element)
{
    while (rest->len > 0) {
        size_t end = list_element_end(*rest);
        *element = slice_trim(slice_head(*rest, end));
        *rest = slice_skip(*rest, end + 1);
        if (element->len > 0)
            return true;
    }
    return false;
}

bool sip_leading_number(struct slice s, uint64_t max, uint64_t *number, size_t *digits)
{
    *digits = sip_span(s, 0, SIP_CHAR_DIGIT);
    return slice_to_u64(slice_head(s, *digits), max, number);
}

/* The length of the UTF-8 character at the beginning (RFC 3629 section 4), 0 if there is none. */
static size_t utf8_char_len(const uint8_t *p, size_t left)
{
    uint8_t first = p[0];
    if (first < 0x80)
        return 1;
    size_t len = first >= 0xc2 && first <= 0xdf   ? 2
                 : first >= 0xe0 && first <= 0xef ? 3
                 : first >= 0xf0 && first <= 0xf4 ? 4
                                                  : 0;
    if (len == 0 || len > left)
        return 0;
    /* Neither longer than needed nor a surrogate nor past U+10FFFF. */
    uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

static bool is_utf8(struct slice s)
{
    const uint8_t *p = (const uint8_t *)s.at;
    for (size_t i = 0; i < s.len;) {
        size_t len = utf8_char_len(p + i, s.len - i);
        if (len == 0)
            return false;
        i += len;
    }
    return true;
}

typedef int8_t octets16 __attribute__((vector_size(16)));

/* Neither NUL nor past ASCII: positive numbers all. Nearly every header is done with here. */
static bool is_plain(struct slice s)
{
    octets16 block, plain = ~(octets16){0};
    size_t i = 0;
    for (; i + sizeof block <= s.len; i += sizeof block) {
        memcpy(&block, s.at + i, sizeof block);
        plain &= block > 0;
    }
    if (i < s.len) {
        memset(&block, ' ', sizeof block);
        memcpy(&block, s.at + i, s.len - i);
        plain &= block > 0;
    }
    uint64_t halves[2];
    memcpy(halves, &plain, sizeof halves);
    return (halves[0] & halves[1]) == UINT64_MAX;
}

unsigned sip_octets_check(struct slice s)
{
    if (is_plain(s))
        return 0;
    unsigned found = slice_find(s, 0) < s.len ? SIP_OCTETS_NUL : 0;
    return is_utf8(s) ? found : found | SIP_OCTETS_NON_UTF8;
}
