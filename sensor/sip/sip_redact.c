#include "sip/sip_redact.h"

#include <stdbool.h>

#include "base/slice.h"
#include "sip/redact_body.h"
#include "sip/redact_text.h"

/* Within how many multiparts a part may be; what is deeper is not taken apart (redact_mixed). */
enum { PARTS_MAX = 8 };

/* The boundaries of the multiparts that have not ended, the outermost first. */
struct parts {
    struct slice boundary[PARTS_MAX];
    size_t depth;
};

/* --- headers */

/* Behind the quoted string, or at the next ','. */
static size_t end_of_value(struct slice s, size_t at)
{
    if (at >= s.len || s.at[at] != '"')
        return redact_find_any(s, at, ",");
    for (at++; at < s.len && s.at[at] != '"'; at++)
        if (s.at[at] == '\\')
            at++;
    return at < s.len ? at + 1 : s.len;
}

/* The element of the list that begins at `at` ends here: at a ',' outside quotes. */
static size_t end_of_element(struct slice s, size_t at)
{
    while (at < s.len && s.at[at] != ',')
        at = s.at[at] == '"' ? end_of_value(s, at) : at + 1;
    return at;
}

/*
 * "Digest name=value, name=value", or another scheme, and all that comes with it. After a comma yet
 * another may begin, though RFC 3261 wants a header for each.
 */
static void redact_credentials(struct slice value, bool is_digest)
{
    for (size_t at = 0; at < value.len; at++) {
        size_t end = end_of_element(value, at);
        struct slice element = slice_trim(redact_between(value, at, end));
        size_t word = redact_find_any(element, 0, " \t\r\n=");
        size_t rest = redact_skip_blank(element, word);
        bool has_scheme = word > 0 && rest < element.len && element.at[rest] != '=';
        if (has_scheme)
            is_digest = slice_ieq(slice_head(element, word), SLICE("Digest"));
        if (!is_digest)
            redact_star(has_scheme ? slice_skip(element, rest) : element);
        at = end;
    }
    redact_assigned(value, SLICE("response"), false);
    redact_assigned(value, SLICE("rspauth"), false);
}

static bool contains(struct slice s, struct slice word)
{
    return redact_find_word(s, 0, word) < s.len;
}

/* "; boundary=VALUE" of a Content-Type, quoted or not. */
static struct slice find_boundary(struct slice value)
{
    for (size_t at = slice_find(value, ';'); at < value.len;) {
        size_t from = at + 1;
        for (at = from; at < value.len && value.at[at] != ';';)
            at = value.at[at] == '"' ? end_of_value(value, at) : at + 1;
        struct slice parameter = redact_between(value, from, at);
        size_t mark = slice_find(parameter, '=');
        if (!slice_ieq(slice_trim(slice_head(parameter, mark)), SLICE("boundary")))
            continue;
        struct slice found = slice_trim(slice_skip(parameter, mark + 1));
        if (!slice_starts(found, SLICE("\"")))
            return slice_head(found, redact_find_any(found, 0, " \t\r\n"));
        found = slice_skip(found, 1);
        return slice_head(found, slice_find(found, '"'));
    }
    return SLICE_NONE;
}

static void note_type(struct redact_entity *entity, struct slice value)
{
    static const struct slice xml[] = {SLICE("xml"),  SLICE("kpml"),  SLICE("dtmf"),
                                       SLICE("msml"), SLICE("mscml"), SLICE("mediaservercontrol")};
    struct slice type = slice_head(value, slice_find(value, ';'));
    entity->is_multipart |= contains(type, SLICE("multipart"));
    entity->is_digits |= contains(type, SLICE("dtmf")) || contains(type, SLICE("digits")) ||
                         contains(type, SLICE("telephone-event"));
    entity->is_sdp |= contains(type, SLICE("application/sdp"));
    for (size_t i = 0; i < sizeof xml / sizeof xml[0]; i++)
        entity->is_xml |= contains(type, xml[i]);
    entity->is_message |= contains(type, SLICE("message/"));
    entity->is_cpim |= contains(type, SLICE("message/cpim"));
    if (entity->boundary.len == 0)
        entity->boundary = find_boundary(value);
}

static void note_encoding(struct redact_entity *entity, struct slice value)
{
    static const struct slice plain[] = {SLICE("identity"), SLICE("7bit"), SLICE("8bit"),
                                         SLICE("binary")};
    bool is_plain = value.len == 0;
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        is_plain |= slice_ieq(value, plain[i]);
    entity->is_encoded |= !is_plain;
}

static void read_header(struct slice line, struct redact_entity *entity)
{
    size_t colon = slice_find(line, ':');
    struct slice name = slice_trim(slice_head(line, colon));
    struct slice value = slice_trim(slice_skip(line, colon + 1));
    if (slice_ieq(name, SLICE("Authorization")) || slice_ieq(name, SLICE("Proxy-Authorization")))
        redact_credentials(value, false);
    else if (slice_ieq(name, SLICE("Authentication-Info")) ||
             slice_ieq(name, SLICE("Proxy-Authentication-Info")))
        redact_credentials(value, true); /* its parameters, without its name */
    else if (slice_ieq(name, SLICE("Content-Type")) || slice_ieq(name, SLICE("c")))
        note_type(entity, value);
    else if (slice_ieq(name, SLICE("Info-Package")))
        entity->is_digits |= contains(value, SLICE("dtmf"));
    else if (slice_ieq(name, SLICE("Content-Encoding")) || slice_ieq(name, SLICE("e")) ||
             slice_ieq(name, SLICE("Content-Transfer-Encoding")))
        note_encoding(entity, value);
}

/* --- parts */

/*
 * Whether this line begins a part or ends a multipart: "--BOUNDARY" or "--BOUNDARY--", and nothing
 * but blanks behind. Another line with "--" is content. *level is whose boundary it is.
 */
static bool is_delimiter(const struct parts *parts, struct slice line, size_t *level, bool *is_last)
{
    if (parts->depth == 0 || !slice_starts(line, SLICE("--")))
        return false;
    line = slice_skip(line, 2);
    for (size_t i = parts->depth; i-- > 0;) {
        if (!slice_starts(line, parts->boundary[i]))
            continue;
        struct slice rest = slice_trim(slice_skip(line, parts->boundary[i].len));
        *level = i;
        *is_last = slice_eq(rest, SLICE("--"));
        if (rest.len == 0 || *is_last)
            return true;
    }
    return false;
}

static struct slice line_at(struct slice text, size_t at)
{
    return redact_between(text, at, redact_line_end(text, at));
}

/* The body that begins here ends at the next delimiter, or with the text. */
static size_t body_end(const struct parts *parts, struct slice text, size_t at)
{
    size_t level;
    bool is_last;
    if (parts->depth == 0)
        return text.len;
    while (at < text.len && !is_delimiter(parts, line_at(text, at), &level, &is_last))
        at = redact_next_line(text, redact_line_end(text, at));
    return at;
}

/* A header goes on where the next line begins with a space (RFC 3261 section 7.3.1). */
static size_t header_end(struct slice text, size_t at)
{
    for (;;) {
        size_t end = redact_line_end(text, at);
        size_t next = redact_next_line(text, end);
        if (next >= text.len || (text.at[next] != ' ' && text.at[next] != '\t') || end == next)
            return end;
        at = next;
    }
}

/* Returns where their body begins, or the delimiter if that comes first. */
static size_t read_headers(const struct parts *parts, struct slice text, size_t at,
                           struct redact_entity *entity)
{
    /* A message without its blank line: what no header begins with may be SDP. */
    static const struct redact_entity maybe_sdp = {.is_sdp = true};
    size_t level;
    bool is_last;
    while (at < text.len && !is_delimiter(parts, line_at(text, at), &level, &is_last)) {
        size_t end = header_end(text, at);
        struct slice line = redact_between(text, at, end);
        at = redact_next_line(text, end);
        if (line.len == 0)
            break;
        read_header(line, entity);
        redact_body_line(line, &maybe_sdp);
    }
    return at;
}

/*
 * What belongs to a multipart and to none of its parts; all of it, if its boundary is not known or
 * not the one that is used. Any line may be a header, and what one says holds to the end.
 */
static void redact_mixed(struct slice body, struct redact_entity entity)
{
    redact_xml(body);
    for (size_t at = 0; at < body.len;) {
        size_t end = redact_line_end(body, at);
        struct slice line = redact_between(body, at, end);
        if (line.len > 0 && !slice_is_space(line.at[0]))
            read_header(redact_between(body, at, header_end(body, at)), &entity);
        redact_body_line(line, &entity);
        at = redact_next_line(body, end);
    }
}

static void redact_body(struct slice body, const struct redact_entity *entity)
{
    if (entity->is_multipart && !entity->is_encoded) {
        redact_mixed(body, *entity);
        return;
    }
    if (entity->is_xml)
        redact_xml(body);
    for (size_t at = 0; at < body.len;) {
        size_t end = redact_line_end(body, at);
        redact_body_line(redact_between(body, at, end), entity);
        at = redact_next_line(body, end);
    }
}

static size_t skip_empty_lines(struct slice text, size_t at)
{
    while (at < text.len && (text.at[at] == '\r' || text.at[at] == '\n'))
        at++;
    return at;
}

/* Headers from here on, and those of the message that is their body, and so on. */
static size_t read_heads(const struct parts *parts, struct slice text, size_t at,
                         struct redact_entity *entity)
{
    *entity = (struct redact_entity){0};
    at = read_headers(parts, text, at, entity);
    while (entity->is_message && !entity->is_xml && !entity->is_digits && !entity->is_encoded) {
        /* RFC 3862: the headers of CPIM, then those of its content */
        *entity = (struct redact_entity){.is_message = entity->is_cpim};
        at = read_headers(parts, text, skip_empty_lines(text, at), entity);
    }
    return at;
}

void sip_redact(char *message, size_t len)
{
    struct slice text = slice_of(message, len);
    struct parts parts = {.depth = 0};
    struct redact_entity entity;
    bool is_last = false;
    size_t at = skip_empty_lines(text, 0), level;
    while (at < len) {
        if (is_last)
            entity = (struct redact_entity){.is_multipart = true};
        else
            at = read_heads(&parts, text, at, &entity);
        bool has_parts = entity.is_multipart && !entity.is_encoded && entity.boundary.len > 0;
        if (has_parts && parts.depth < PARTS_MAX)
            parts.boundary[parts.depth++] = entity.boundary;
        size_t end = body_end(&parts, text, at);
        redact_body(redact_between(text, at, end), &entity);
        struct slice line = line_at(text, end);
        if (is_delimiter(&parts, line, &level, &is_last))
            parts.depth = is_last ? level : level + 1;
        redact_colons(line);
        at = redact_next_line(text, redact_line_end(text, end));
    }
}
