#include "sip/redact_body.h"

#include "sip/redact_text.h"

/* --- escapes, in strings of JSON (also of JSON within JSON, so any number of backslashes) */

/* A '\' at `at` is a character of the value ("\/", "\u002b"), not an end of line or of the string.
 */
static bool goes_on(struct slice s, size_t *at)
{
    size_t next = *at;
    while (next < s.len && s.at[next] == '\\')
        next++;
    struct slice escape = slice_skip(s, next);
    bool is_end = slice_istarts(escape, SLICE("u000a")) || slice_istarts(escape, SLICE("u000d"));
    if (escape.len == 0 || is_end || (escape.at[0] != '/' && escape.at[0] != 'u'))
        return false;
    *at = next + 1;
    return true;
}

/* Where the value at `at` ends: at one of these characters, or at an escaped end of line. */
static size_t value_end(struct slice s, size_t at, const char *ends)
{
    while (at < s.len && redact_is_none(s.at[at], ends))
        if (s.at[at] != '\\')
            at++;
        else if (!goes_on(s, &at))
            break;
    return at;
}

/* --- SDP */

/* Of "inline:KEY|2^20|1:4" the key. */
static void star_key(struct slice line, size_t at)
{
    at = redact_skip_blank(line, at);
    redact_star(redact_between(line, at, value_end(line, at, "|; \t\"")));
}

/* "1 SUITE METHOD:KEY;METHOD:KEY PARAMETER=METHOD:KEY": of whatever method. */
static void redact_crypto(struct slice value)
{
    size_t at = redact_find_any(value, redact_skip_blank(value, 0), " \t");
    at = redact_find_any(value, redact_skip_blank(value, at), " \t");
    while (at < value.len) {
        size_t end = redact_find_any(value, at, "; \t");
        size_t colon = at + slice_find(redact_between(value, at, end), ':');
        if (colon < end)
            star_key(value, colon + 1);
        at = end + 1;
    }
}

/* "mikey DATA" */
static void redact_key_mgmt(struct slice value)
{
    size_t name = redact_skip_blank(value, 0);
    size_t data = redact_skip_blank(value, redact_find_any(value, name, " \t"));
    redact_star(slice_skip(value, data < value.len ? data : name));
}

static void redact_attribute(struct slice attribute)
{
    size_t colon = slice_find(attribute, ':');
    struct slice name = slice_trim(slice_head(attribute, colon));
    struct slice value = slice_skip(attribute, colon + 1);
    if (slice_ieq(name, SLICE("crypto")))
        redact_crypto(value);
    else if (slice_ieq(name, SLICE("key-mgmt")))
        redact_key_mgmt(value);
    else if (slice_ieq(name, SLICE("ice-pwd")))
        redact_star(value);
}

/* "clear:KEY", "base64:KEY", "uri:URI", "prompt" */
static void redact_key_field(struct slice value)
{
    size_t colon = slice_find(value, ':');
    if (colon < value.len)
        redact_star(slice_skip(value, colon + 1));
    else if (!slice_ieq(slice_trim(value), SLICE("prompt")))
        redact_star(value);
}

static void redact_field(struct slice name, struct slice value)
{
    name = slice_trim(name);
    if (slice_ieq(name, SLICE("a")))
        redact_attribute(value);
    else if (slice_ieq(name, SLICE("k")))
        redact_key_field(value);
    else if (slice_ieq(name, SLICE("Signal")))
        redact_star(value);
}

static void redact_field_line(struct slice line)
{
    size_t mark = slice_find(line, '=');
    if (mark < line.len)
        redact_field(slice_head(line, mark), slice_skip(line, mark + 1));
}

/* SDP as a string in something else: its lines end with escapes, the last with a quote. */
static void redact_fields_in_strings(struct slice line)
{
    static const struct slice equals = SLICE("\\u003d"); /* as some write all that HTML knows */
    for (size_t at = 0; at < line.len;) {
        size_t end = value_end(line, at, "\"<>");
        struct slice field = redact_between(line, at, end);
        size_t mark = redact_find_word(field, 0, equals);
        if (mark < slice_find(field, '='))
            redact_field(slice_head(field, mark), slice_skip(field, mark + equals.len));
        else
            redact_field_line(field);
        at = end;
        while (at < line.len && line.at[at] == '\\')
            at++;
        struct slice escape = slice_skip(line, at);
        at += escape.len > 4 && slice_istarts(escape, SLICE("u000")) ? 5 : 1;
    }
}

/* --- words and ':' */

/* "5060" is a port, if what comes then may follow a port; an '@' may not. */
static bool is_port(struct slice text, bool is_before_at)
{
    size_t at = 0;
    while (at < text.len && text.at[at] >= '0' && text.at[at] <= '9')
        at++;
    struct slice rest = slice_skip(text, at);
    if (at == 0 || at > 5)
        return false;
    if (rest.len == 0)
        return !is_before_at;
    return rest.at[0] == ';' || rest.at[0] == '?' || slice_istarts(rest, SLICE(",sip"));
}

/*
 * How far a line was looked through already, so that a word repeated without end does not cost its
 * square: there `uri_end` is the next that no URI goes beyond; what is within the values of the
 * attributes before is done.
 */
struct progress {
    size_t uri_end, crypto_end, key_mgmt_end;
};

/*
 * Of "sip:USER:PASSWORD@HOST" (RFC 3261 section 19.1.1) the password, from behind "sip:". It ends
 * at the last '@' before what a host cannot hold: some write theirs unescaped. Where the line ends
 * before any '@', it may have been cut: what is no port was a password.
 */
static void redact_password(struct slice line, size_t at, struct progress *progress)
{
    size_t colon = redact_find_any(line, at, ":@[<>\\\" \t\r\n");
    if (colon >= line.len || line.at[colon] != ':')
        return;
    size_t from = colon + 1;
    if (progress->uri_end < from)
        progress->uri_end = redact_find_any(line, from, "@<>\\\" \t\r\n");
    size_t to = progress->uri_end;
    bool is_at = to < line.len && line.at[to] == '@';
    if ((!is_at && to < line.len) || is_port(redact_between(line, from, to), is_at))
        return;
    for (size_t next = to; next < line.len && line.at[next] == '@';) {
        to = next;
        next = redact_find_any(line, next + 1, "@;?,<>\\\" \t\r\n");
    }
    redact_star(redact_between(line, from, to));
}

static bool is_before(struct slice line, size_t at, struct slice word)
{
    return at >= word.len && slice_ieq(slice_of(line.at + at - word.len, word.len), word);
}

static struct slice value_at(struct slice line, size_t at)
{
    return redact_between(line, at, value_end(line, at, "\"<\r\n"));
}

/* The name of an attribute ends at `at`; it may stand anywhere. */
static void redact_attribute_at(struct slice line, size_t at, struct progress *progress)
{
    if (is_before(line, at, SLICE("ice-pwd"))) {
        redact_star(value_at(line, at + 1));
    } else if (at >= progress->key_mgmt_end && is_before(line, at, SLICE("key-mgmt"))) {
        struct slice value = value_at(line, at + 1);
        progress->key_mgmt_end = at + 1 + value.len;
        redact_key_mgmt(value);
    } else if (at >= progress->crypto_end && is_before(line, at, SLICE("crypto"))) {
        struct slice value = value_at(line, at + 1);
        progress->crypto_end = at + 1 + value.len;
        redact_crypto(value);
    }
}

void redact_colons(struct slice line)
{
    struct progress progress = {0};
    for (size_t at = 0; at < line.len; at++) {
        at += slice_find(redact_between(line, at, line.len), ':');
        if (at >= line.len)
            return;
        if (is_before(line, at, SLICE("inline")))
            star_key(line, at + 1);
        else if (is_before(line, at, SLICE("sip")) || is_before(line, at, SLICE("sips")))
            redact_password(line, at + 1, &progress);
        else
            redact_attribute_at(line, at, &progress);
    }
}

/* --- digits */

/* Digits, or "NAME=VALUE": all but the names, and how long it took. */
static void redact_digits(struct slice line)
{
    size_t mark = redact_find_any(line, 0, "=:");
    struct slice name = slice_trim(slice_head(line, mark));
    bool is_named =
        mark < line.len && (slice_ieq(name, SLICE("Signal")) || slice_ieq(name, SLICE("Duration")));
    if (!is_named)
        redact_star(line);
    else if (slice_ieq(name, SLICE("Signal")))
        redact_star(slice_skip(line, mark + 1));
}

/* The name of the tag that begins behind this '<', without its prefix. */
static struct slice tag_name(struct slice body, size_t at)
{
    struct slice name = redact_between(body, at, redact_find_any(body, at, " \t\r\n</>"));
    size_t colon = slice_find(name, ':');
    return slice_skip(name, colon < name.len ? colon + 1 : 0);
}

/* Where the element ends whose content begins here: at a "</NAME", with a prefix or without. */
static size_t content_end(struct slice body, size_t at, struct slice name)
{
    for (; (at = redact_find_word(body, at, SLICE("</"))) < body.len; at += 2)
        if (slice_ieq(tag_name(body, at + 2), name))
            return at;
    return body.len;
}

/* "<name>dtmf.digits</name><value>123</value>" (RFC 5707), "<digits>123</digits>" */
static void redact_elements(struct slice body)
{
    bool is_dtmf = false;
    size_t at = 0;
    while ((at += slice_find(slice_skip(body, at), '<')) < body.len) {
        struct slice name = tag_name(body, ++at);
        bool is_name = slice_ieq(name, SLICE("name"));
        bool is_secret =
            (is_dtmf && slice_ieq(name, SLICE("value"))) || slice_ieq(name, SLICE("digits"));
        if (!is_name && !is_secret)
            continue;
        at = redact_find_any(body, at, ">");
        if (at >= body.len || body.at[at - 1] == '/')
            continue;
        size_t from = at + 1;
        at = content_end(body, from, name);
        struct slice content = redact_between(body, from, at);
        if (is_secret)
            redact_star(content);
        else
            is_dtmf = redact_find_word(content, 0, SLICE("dtmf")) < content.len ||
                      redact_find_word(content, 0, SLICE("digit")) < content.len;
        at = at < body.len ? at + 2 : at;
    }
}

void redact_xml(struct slice body)
{
    redact_assigned(body, SLICE("digits"), true); /* RFC 4730, RFC 5022 */
    redact_assigned(body, SLICE("digit"), true);  /* RFC 5022's keypress */
    redact_assigned(body, SLICE("dtmf"), true);   /* RFC 6231 */
    redact_elements(body);
}

/* --- all of it */

void redact_body_line(struct slice line, const struct redact_entity *entity)
{
    if (!line.at || line.len == 0)
        return;
    if (entity->is_encoded) {
        redact_star(line);
        return;
    }
    if (entity->is_digits)
        redact_digits(line);
    redact_colons(line);
    redact_field_line(line);
    if (!entity->is_sdp || slice_find(line, '\\') < line.len)
        redact_fields_in_strings(line);
}
