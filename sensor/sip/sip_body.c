/* Where in a message's body the session description is: plain, or a part of a multipart (RFC 2046).
 */
#include "sip/sip_header.h"
#include "sip/sip_lex.h"
#include "sip/sip_uri.h"

enum {
    NESTING_MAX = 2,  /* multipart in multipart; deeper ones are not looked into */
    BOUNDARY_MAX = 70 /* RFC 2046 section 5.1.1 */
};

/* What a header, of a message or of a body part, says of the body under it. */
struct entity {
    struct slice content_type; /* with its parameters; empty if not given */
    bool encoded;              /* the octets are not the content itself */
    struct slice body;
};

/* "type/subtype", with white space around the slash (RFC 3261 section 25.1, SLASH). */
static bool split_media_type(struct slice content_type, struct slice *type, struct slice *subtype)
{
    struct slice media = slice_head(content_type, slice_find(content_type, ';'));
    size_t slash = slice_find(media, '/');
    *type = slice_trim(slice_head(media, slash));
    *subtype = slice_trim(slice_skip(media, slash + 1));
    return slash < media.len;
}

static bool is_sdp(struct slice content_type)
{
    struct slice type, subtype;
    return split_media_type(content_type, &type, &subtype) &&
           slice_ieq(type, SLICE("application")) && slice_ieq(subtype, SLICE("sdp"));
}

/* The boundary of a multipart whose parts stand for themselves; empty for any other type. */
static struct slice multipart_boundary(struct slice content_type)
{
    struct slice type, subtype, boundary;
    if (!split_media_type(content_type, &type, &subtype) || !slice_ieq(type, SLICE("multipart")) ||
        !(slice_ieq(subtype, SLICE("mixed")) || slice_ieq(subtype, SLICE("alternative"))))
        return SLICE_NONE;
    struct slice params = slice_skip(content_type, slice_find(content_type, ';'));
    if (!sip_param(params, SLICE("boundary"), &boundary) || boundary.len > BOUNDARY_MAX)
        return SLICE_NONE;
    return boundary;
}

/* The next line "--boundary" in the text: where it begins (text.len if there is none), and ends. */
static size_t find_delimiter(struct slice text, struct slice boundary, size_t *end, bool *last)
{
    for (size_t from = 0; from < text.len;) {
        const char *hit = memmem(text.at + from, text.len - from, boundary.at, boundary.len);
        if (!hit)
            break;
        size_t at = (size_t)(hit - text.at);
        if (at >= 2 && text.at[at - 1] == '-' && text.at[at - 2] == '-' &&
            (at == 2 || text.at[at - 3] == '\n')) {
            struct slice behind = slice_skip(text, at + boundary.len);
            size_t line = slice_find(behind, '\n');
            struct slice padding = slice_trim(slice_head(behind, line));
            *last = slice_eq(padding, SLICE("--"));
            *end = text.len - slice_skip(behind, line + 1).len;
            if (*last || padding.len == 0)
                return at - 2;
        }
        from = at + 1;
    }
    *end = text.len;
    return text.len;
}

/* The CRLF in front of a delimiter belongs to it (RFC 2046 section 5.1.1). */
static struct slice without_line_end(struct slice part)
{
    if (part.len > 0 && part.at[part.len - 1] == '\n')
        part.len--;
    if (part.len > 0 && part.at[part.len - 1] == '\r')
        part.len--;
    return part;
}

static struct entity read_part(struct slice part)
{
    struct entity out = {0};
    struct sip_header_reader reader = {.rest = part};
    struct sip_header header;
    for (;;) {
        enum sip_header_line line = sip_header_next(&reader, &header);
        if (line == SIP_LINE_BLANK || line == SIP_LINE_NONE)
            break;
        if (line == SIP_LINE_BROKEN)
            continue;
        if (header.id == SIP_HEADER_CONTENT_TYPE)
            out.content_type = header.value;
        else if (header.id == SIP_HEADER_CONTENT_ENCODING)
            out.encoded |= !slice_ieq(header.value, SLICE("identity"));
        else if (slice_ieq(header.name, SLICE("Content-Transfer-Encoding")))
            out.encoded |= slice_ieq(header.value, SLICE("base64")) ||
                           slice_ieq(header.value, SLICE("quoted-printable"));
    }
    out.body = reader.rest;
    return out;
}

static struct slice find_sdp(const struct entity *entity, int nesting)
{
    if (entity->encoded || entity->body.len == 0)
        return SLICE_NONE;
    if (is_sdp(entity->content_type))
        return entity->body;
    struct slice boundary = multipart_boundary(entity->content_type);
    if (boundary.len == 0 || nesting == NESTING_MAX)
        return SLICE_NONE;
    size_t next;
    bool last = false;
    struct slice rest = entity->body;
    size_t start = find_delimiter(rest, boundary, &next, &last);
    while (start < rest.len && !last) {
        rest = slice_skip(rest, next);
        start = find_delimiter(rest, boundary, &next, &last);
        struct entity part = read_part(without_line_end(slice_head(rest, start)));
        struct slice sdp = find_sdp(&part, nesting + 1);
        if (sdp.len > 0)
            return sdp;
    }
    return SLICE_NONE;
}

struct slice sip_msg_sdp(const struct sip_msg *msg)
{
    if (msg->body.len == 0)
        return SLICE_NONE;
    struct slice encoding = sip_msg_header(msg, SIP_HEADER_CONTENT_ENCODING);
    struct entity entity = {
        .content_type = sip_msg_header(msg, SIP_HEADER_CONTENT_TYPE),
        .encoded = encoding.len > 0 && !slice_ieq(encoding, SLICE("identity")),
        .body = msg->body,
    };
    return find_sdp(&entity, 0);
}
