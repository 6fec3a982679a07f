#include "sip/redact_text.h"

void redact_star(struct slice text)
{
    char *to;
    memcpy(&to, &text.at, sizeof to);
    if (text.len > 0)
        memset(to, '*', text.len);
}

size_t redact_find_any(struct slice s, size_t at, const char *any)
{
    while (at < s.len && redact_is_none(s.at[at], any))
        at++;
    return at;
}

size_t redact_find_word(struct slice s, size_t at, struct slice word)
{
    const char first = word.at[0] | 0x20; /* roughly: slice_ieq() says it exactly */
    for (; at + word.len <= s.len; at++)
        if ((s.at[at] | 0x20) == first && slice_ieq(slice_of(s.at + at, word.len), word))
            return at;
    return s.len;
}

size_t redact_line_end(struct slice text, size_t at)
{
    while (at < text.len && text.at[at] != '\n' && text.at[at] != '\r')
        at++;
    return at;
}

size_t redact_next_line(struct slice text, size_t end)
{
    if (end + 1 < text.len && text.at[end] == '\r' && text.at[end + 1] == '\n')
        return end + 2;
    return end < text.len ? end + 1 : end;
}

static bool is_name_char(char c)
{
    char lower = slice_lower_char(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
}

void redact_assigned(struct slice text, struct slice name, bool is_whole)
{
    size_t at = 0;
    while ((at = redact_find_word(text, at, name)) < text.len) {
        bool is_other = is_whole && at > 0 && is_name_char(text.at[at - 1]);
        at += name.len;
        size_t from = redact_skip_blank(text, at);
        if (is_other || from >= text.len || text.at[from] != '=')
            continue;
        from = redact_skip_blank(text, from + 1);
        bool is_quoted = from < text.len && (text.at[from] == '"' || text.at[from] == '\'');
        /* In XML it must be quoted: what is not may be anything, so the line goes. */
        const char *bare_ends = is_whole ? ">\"\r\n" : ",;>\" \t\r\n";
        const char ends[] = {is_quoted ? text.at[from] : ',', 0};
        from += is_quoted;
        at = redact_find_any(text, from, is_quoted ? ends : bare_ends);
        while (is_quoted && at < text.len && text.at[at - 1] == '\\')
            at = redact_find_any(text, at + 1, ends);
        redact_star(redact_between(text, from, at));
    }
}
