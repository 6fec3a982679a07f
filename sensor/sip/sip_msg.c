#include "sip/sip_msg.h"

#include "sip/sip_header.h"
#include "sip/sip_lex.h"
#include "sip/sip_start_line.h"
#include "sip/sip_uri.h"
#include "sip/sip_via.h"

enum {
    CSEQ_MAX = 0x7fffffff, /* RFC 3261 section 8.1.1.5 */
    MAX_FORWARDS_MAX = 255 /* RFC 3261 section 20.22 */
};

#define BIT(id) (1u << (id))
_Static_assert(SIP_HEADER_ID_COUNT <= 32, "header ids are kept as bits");

/* Header fields that are given once (RFC 3261 section 7.3.1) and must be, for a message to be
 * matched. */
static const uint32_t key_headers =
    BIT(SIP_HEADER_FROM) | BIT(SIP_HEADER_TO) | BIT(SIP_HEADER_CALL_ID) | BIT(SIP_HEADER_CSEQ);
/* Other header fields that are given once. Content-Length is looked at by its number. */
static const uint32_t single_headers =
    BIT(SIP_HEADER_MAX_FORWARDS) | BIT(SIP_HEADER_CONTENT_TYPE) | BIT(SIP_HEADER_EXPIRES) |
    BIT(SIP_HEADER_USER_AGENT) | BIT(SIP_HEADER_SERVER) | BIT(SIP_HEADER_RSEQ) |
    BIT(SIP_HEADER_RACK) | BIT(SIP_HEADER_RETRY_AFTER) | BIT(SIP_HEADER_SESSION_EXPIRES);

struct parse {
    struct sip_msg *msg;
    bool cut;
    uint16_t first[SIP_HEADER_ID_COUNT]; /* index of the first header line with this id, plus 1 */
    uint16_t last[SIP_HEADER_ID_COUNT];  /* of the last one, plus 1 */
    struct slice body;                   /* what follows the blank line */
};

/* The first header with this id, NULL if there is none. */
static const struct sip_header *first_header(const struct parse *p, enum sip_header_id id)
{
    return p->first[id] ? &p->msg->header[p->first[id] - 1] : NULL;
}

/* The second and further lines of a header field. */
static enum sip_refusal check_repeated(struct parse *p, const struct sip_header *header)
{
    uint32_t bit = BIT(header->id);
    if (!(bit & (key_headers | single_headers)))
        return SIP_ACCEPTED;
    if (slice_eq(first_header(p, header->id)->value, header->value))
        p->msg->defects |= SIP_DEFECT_DUPLICATE;
    else if (bit & key_headers)
        return SIP_DUPLICATE_HEADER;
    else
        p->msg->defects |= SIP_DEFECT_BAD_VALUE;
    return SIP_ACCEPTED;
}

/* The header line just written behind the others. */
static enum sip_refusal keep_header(struct parse *p)
{
    const struct sip_header *header = &p->msg->header[p->msg->header_count++];
    p->last[header->id] = p->msg->header_count;
    if (p->first[header->id] != 0)
        return check_repeated(p, header);
    p->first[header->id] = p->msg->header_count;
    return SIP_ACCEPTED;
}

/* All header lines behind the start line. */
static enum sip_refusal read_headers(struct parse *p, struct slice text)
{
    struct sip_msg *msg = p->msg;
    struct sip_header_reader reader = {.rest = text};
    struct sip_header surplus;
    enum sip_refusal refusal = SIP_ACCEPTED;
    while (refusal == SIP_ACCEPTED) {
        bool full = msg->header_count == SIP_HEADERS_MAX;
        enum sip_header_line line =
            sip_header_next(&reader, full ? &surplus : &msg->header[msg->header_count]);
        if (line == SIP_LINE_BLANK)
            break;
        /*
         * A line in which the capture ends may go on in any way: nothing of it can be used. The
         * same for a name in which the sender's own datagram ends: some stacks cut what is too long
         * for them.
         */
        if (line == SIP_LINE_NONE || (reader.unfinished && (p->cut || line == SIP_LINE_BROKEN))) {
            msg->defects |= SIP_DEFECT_NO_BLANK_LINE;
            break;
        }
        refusal = line == SIP_LINE_BROKEN ? SIP_BAD_HEADER : full ? SIP_TOO_LARGE : keep_header(p);
    }
    msg->defects |= reader.defects;
    p->body = reader.rest;
    return refusal;
}

static enum sip_refusal read_vias(struct parse *p)
{
    struct sip_msg *msg = p->msg;
    if (!p->first[SIP_HEADER_VIA])
        return SIP_NO_VIA;
    for (size_t i = p->first[SIP_HEADER_VIA] - 1u; i < p->last[SIP_HEADER_VIA]; i++) {
        if (msg->header[i].id != SIP_HEADER_VIA)
            continue;
        struct sip_via via;
        size_t offset = 0;
        enum sip_via_result result;
        while ((result = sip_via_next(msg->header[i].value, &offset, &via, &msg->defects))) {
            if (result == SIP_VIA_BROKEN) {
                if (msg->via_count == 0)
                    return SIP_BAD_VIA;
                msg->defects |= SIP_DEFECT_BAD_VALUE;
                continue;
            }
            if (msg->via_count == SIP_VIAS_MAX)
                return SIP_TOO_LARGE;
            if (msg->via_count++ == 0)
                msg->top_via = via;
        }
        if (msg->header[i].value.len == 0)
            msg->defects |= SIP_DEFECT_BAD_VALUE;
    }
    if (msg->via_count == 0)
        return SIP_BAD_VIA;
    if (!msg->top_via.has_cookie)
        msg->defects |= SIP_DEFECT_NO_BRANCH;
    return SIP_ACCEPTED;
}

/* Any other words than RFC 3261 section 25.1 allows are compared like it, octet by octet. */
static enum sip_refusal read_call_id(struct parse *p)
{
    const struct sip_header *header = first_header(p, SIP_HEADER_CALL_ID);
    if (!header)
        return SIP_NO_CALL_ID;
    p->msg->call_id = header->value;
    if (header->value.len == 0)
        return SIP_BAD_CALL_ID;
    if (sip_span_until(header->value, 0, SIP_CHAR_SPACE) < header->value.len)
        p->msg->defects |= SIP_DEFECT_BAD_VALUE;
    return SIP_ACCEPTED;
}

static enum sip_refusal read_cseq(struct parse *p)
{
    const struct sip_header *header = first_header(p, SIP_HEADER_CSEQ);
    struct sip_msg *msg = p->msg;
    if (!header)
        return SIP_NO_CSEQ;
    uint64_t number;
    size_t digits;
    if (!sip_leading_number(header->value, CSEQ_MAX, &number, &digits))
        return SIP_BAD_CSEQ;
    size_t method_at = sip_skip_space(header->value, digits);
    struct slice method = slice_skip(header->value, method_at);
    if (method_at == digits || method.len == 0 || !sip_all_of(method, SIP_CHAR_TOKEN))
        return SIP_BAD_CSEQ;
    msg->cseq = (uint32_t)number;
    if (msg->is_request)
        return slice_eq(method, msg->method_name) ? SIP_ACCEPTED : SIP_CSEQ_MISMATCH;
    msg->method_name = method;
    msg->method = sip_method_from(method);
    return SIP_ACCEPTED;
}

/*
 * A name-addr whose display name has a quote that does not end can still be read where only one '<'
 * can begin its URI (RFC 4475 section 3.1.2.6).
 */
static bool read_name_addr(struct slice value, struct sip_name_addr *out, uint32_t *defects)
{
    if (sip_name_addr_parse(value, out))
        return true;
    if (slice_find(value, '"') == value.len)
        return false;
    *defects |= SIP_DEFECT_UNTERMINATED_QUOTE;
    struct slice from_bracket = slice_skip(value, slice_find(value, '<'));
    struct slice behind = slice_skip(from_bracket, 1);
    return slice_find(behind, '<') == behind.len && sip_name_addr_parse(from_bracket, out);
}

/* Words, or one quoted string (RFC 3261 section 25.1, display-name). */
static bool is_display_name(struct slice name)
{
    size_t at = 0;
    if (name.len > 0 && name.at[0] == '"')
        return sip_skip_quoted(name, &at) && at == name.len;
    return sip_all_of(name, SIP_CHAR_TOKEN | SIP_CHAR_SPACE);
}

/* A bare addr-spec has no '?' in it (RFC 3261 section 20.20, RFC 4475 section 3.1.2.13). */
static bool read_address_uri(const struct sip_name_addr *address, struct sip_uri *uri)
{
    return sip_uri_parse(address->uri, uri) &&
           !(address->bare && slice_find(address->uri, '?') < address->uri.len);
}

/* From and To. */
static bool read_party(struct slice value, struct slice *uri, struct slice *tag, uint32_t *defects)
{
    struct sip_name_addr address;
    struct sip_uri parsed;
    if (!read_name_addr(value, &address, defects))
        return false;
    if (!read_address_uri(&address, &parsed))
        *defects |= SIP_DEFECT_BAD_URI;
    else if (!sip_uri_scheme_is_known(&parsed))
        *defects |= SIP_DEFECT_UNKNOWN_SCHEME;
    *uri = parsed.plain;
    bool empty_tag = sip_param(address.params, SLICE("tag"), tag) && tag->len == 0;
    if (empty_tag || !is_display_name(address.display_name))
        *defects |= SIP_DEFECT_BAD_VALUE;
    return true;
}

static enum sip_refusal read_parties(struct parse *p)
{
    struct sip_msg *msg = p->msg;
    const struct sip_header *from = first_header(p, SIP_HEADER_FROM);
    const struct sip_header *to = first_header(p, SIP_HEADER_TO);
    if (!from)
        return SIP_NO_FROM;
    msg->from = from->value;
    if (!read_party(from->value, &msg->from_uri, &msg->from_tag, &msg->defects))
        return SIP_BAD_FROM;
    msg->has_from_tag = msg->from_tag.len > 0;
    if (!to)
        return SIP_NO_TO;
    msg->to = to->value;
    if (!read_party(to->value, &msg->to_uri, &msg->to_tag, &msg->defects))
        return SIP_BAD_TO;
    msg->has_to_tag = msg->to_tag.len > 0;
    return SIP_ACCEPTED;
}

static bool read_contact(struct sip_msg *msg, struct slice value)
{
    struct slice first;
    struct sip_name_addr address;
    struct sip_uri uri;
    if (!sip_list_next(&value, &first))
        return false;
    if (slice_eq(first, SLICE("*")))
        return true;
    if (!read_name_addr(first, &address, &msg->defects))
        return false;
    bool read = read_address_uri(&address, &uri);
    msg->contact_uri = uri.plain;
    return read;
}

static bool read_rseq(struct sip_msg *msg, struct slice value)
{
    uint64_t number;
    if (!slice_to_u64(value, UINT32_MAX, &number) || number == 0)
        return false;
    msg->has_rseq = true;
    msg->rseq = (uint32_t)number;
    return true;
}

/* "776656 1 INVITE" (RFC 3262 section 7.2). */
static bool read_rack(struct sip_msg *msg, struct slice value)
{
    uint64_t rseq, cseq;
    size_t digits;
    if (!sip_leading_number(value, UINT32_MAX, &rseq, &digits))
        return false;
    struct slice rest = slice_skip(value, digits);
    struct slice second = slice_trim(rest);
    if (second.len == rest.len || !sip_leading_number(second, CSEQ_MAX, &cseq, &digits))
        return false;
    msg->has_rack = true;
    msg->rack_rseq = (uint32_t)rseq;
    msg->rack_cseq = (uint32_t)cseq;
    struct slice method = slice_trim(slice_skip(second, digits));
    return method.len > 0 && sip_all_of(method, SIP_CHAR_TOKEN);
}

static void read_require(struct sip_msg *msg, struct slice value)
{
    struct slice tag;
    while (sip_list_next(&value, &tag))
        msg->requires_100rel |= slice_ieq(tag, SLICE("100rel"));
}

static bool has_number(struct slice value, uint64_t max)
{
    uint64_t number;
    size_t digits;
    return sip_leading_number(value, max, &number, &digits);
}

/* "307 agent "text"": three digits and a space (RFC 3261 section 20.43). */
static bool is_warning(struct slice value)
{
    return sip_span(value, 0, SIP_CHAR_DIGIT) == 3 && value.len > 3 &&
           sip_char_is(value.at[3], SIP_CHAR_SPACE);
}

/* A header that a message can be matched without. False if it cannot be read. */
static bool read_minor(struct parse *p, const struct sip_header *header, bool first)
{
    struct sip_msg *msg = p->msg;
    uint64_t number;
    switch (header->id) {
    case SIP_HEADER_CONTACT:
        return !first || read_contact(msg, header->value);
    case SIP_HEADER_MAX_FORWARDS:
        return slice_to_u64(header->value, MAX_FORWARDS_MAX, &number);
    case SIP_HEADER_REQUIRE:
        read_require(msg, header->value);
        return true;
    case SIP_HEADER_RSEQ:
        return !first || read_rseq(msg, header->value);
    case SIP_HEADER_RACK:
        return !first || read_rack(msg, header->value);
    case SIP_HEADER_AUTHORIZATION:
    case SIP_HEADER_PROXY_AUTHORIZATION:
        msg->has_credentials = true;
        return true;
    case SIP_HEADER_EXPIRES:
        return slice_to_u64(header->value, UINT32_MAX, &number);
    case SIP_HEADER_RETRY_AFTER:
    case SIP_HEADER_SESSION_EXPIRES:
        return has_number(header->value, UINT32_MAX);
    case SIP_HEADER_WARNING:
        return is_warning(header->value);
    case SIP_HEADER_REASON:
        return sip_span(header->value, 0, SIP_CHAR_TOKEN) > 0;
    default:
        return true;
    }
}

static void read_minor_headers(struct parse *p)
{
    struct sip_msg *msg = p->msg;
    for (size_t i = 0; i < msg->header_count; i++) {
        const struct sip_header *header = &msg->header[i];
        if (!read_minor(p, header, p->first[header->id] == i + 1))
            msg->defects |= SIP_DEFECT_BAD_VALUE;
    }
    const struct sip_header *agent = first_header(p, SIP_HEADER_USER_AGENT);
    if (!agent && !msg->is_request)
        agent = first_header(p, SIP_HEADER_SERVER);
    if (agent)
        msg->user_agent = agent->value;
    const struct sip_header *type = first_header(p, SIP_HEADER_CONTENT_TYPE);
    if (type)
        msg->content_type = slice_trim(slice_head(type->value, slice_find(type->value, ';')));
    if (msg->is_request && !p->first[SIP_HEADER_MAX_FORWARDS])
        msg->defects |= SIP_DEFECT_NO_MAX_FORWARDS;
    if (msg->method == SIP_METHOD_OTHER)
        msg->defects |= SIP_DEFECT_UNKNOWN_METHOD;
}

/* All that there are must say the same (RFC 4475 section 3.3.9). */
static enum sip_refusal read_content_length(struct parse *p)
{
    struct sip_msg *msg = p->msg;
    for (size_t i = p->first[SIP_HEADER_CONTENT_LENGTH];
         i > 0 && i <= p->last[SIP_HEADER_CONTENT_LENGTH]; i++) {
        const struct sip_header *header = &msg->header[i - 1];
        uint64_t length;
        if (header->id != SIP_HEADER_CONTENT_LENGTH)
            continue;
        if (!slice_to_u64(header->value, SIP_BODY_MAX, &length))
            return SIP_BAD_CONTENT_LENGTH;
        if (msg->has_content_length && length != msg->content_length)
            return SIP_BAD_CONTENT_LENGTH;
        if (msg->has_content_length)
            msg->defects |= SIP_DEFECT_DUPLICATE;
        msg->has_content_length = true;
        msg->content_length = length;
    }
    return SIP_ACCEPTED;
}

/* RFC 3261 section 18.3, of a datagram. */
static enum sip_refusal read_body(struct parse *p)
{
    struct sip_msg *msg = p->msg;
    enum sip_refusal refusal = read_content_length(p);
    if (refusal != SIP_ACCEPTED)
        return refusal;
    if (!msg->has_content_length)
        msg->defects |= SIP_DEFECT_NO_CONTENT_LENGTH;
    else if (msg->content_length > p->body.len && !p->cut)
        msg->defects |= SIP_DEFECT_TRUNCATED;
    else if (msg->content_length < p->body.len)
        msg->defects |= SIP_DEFECT_SURPLUS;
    msg->body = p->body;
    if (msg->has_content_length)
        msg->body = slice_head(p->body, (size_t)msg->content_length);
    /* RFC 3261 section 20.15: a body has a Content-Type. */
    if (msg->body.len > 0 && msg->content_type.len == 0)
        msg->defects |= SIP_DEFECT_BAD_VALUE;
    return msg->defects & SIP_DEFECT_TRUNCATED ? SIP_SHORT_BODY : SIP_ACCEPTED;
}

static void check_octets(struct sip_msg *msg, struct slice header)
{
    unsigned found = sip_octets_check(header);
    if (found & SIP_OCTETS_NUL)
        msg->defects |= SIP_DEFECT_NUL;
    if (found & SIP_OCTETS_NON_UTF8)
        msg->defects |= SIP_DEFECT_NON_UTF8;
}

/* Keep-alives, and what RFC 3261 section 7.5 lets stand in front of a start line. */
static struct slice skip_line_ends(struct slice s)
{
    size_t i = 0;
    while (i < s.len && (s.at[i] == '\r' || s.at[i] == '\n'))
        i++;
    return slice_skip(s, i);
}

/* The first line without CRLF; `text` goes behind it. */
static struct slice take_start_line(struct slice *text, uint32_t *defects)
{
    size_t lf = slice_find(*text, '\n');
    size_t end = lf;
    while (end > 0 && text->at[end - 1] == '\r')
        end--;
    if (lf < text->len && end == lf)
        *defects |= SIP_DEFECT_BARE_LF;
    struct slice line = slice_head(*text, end);
    *text = slice_skip(*text, lf + 1);
    return line;
}

bool sip_msg_looks_like(struct slice datagram)
{
    struct slice text = skip_line_ends(datagram);
    /* RTP, RTCP, STUN, DTLS and most of DNS end here: their first octet is no letter. */
    if (text.len == 0 || !sip_char_is(text.at[0], SIP_CHAR_TOKEN))
        return false;
    uint32_t ignored = 0;
    return sip_start_line_looks_like(take_start_line(&text, &ignored));
}

static enum sip_refusal read_fields(struct parse *p)
{
    enum sip_refusal refusal = read_vias(p);
    if (refusal == SIP_ACCEPTED)
        refusal = read_call_id(p);
    if (refusal == SIP_ACCEPTED)
        refusal = read_cseq(p);
    if (refusal == SIP_ACCEPTED)
        refusal = read_parties(p);
    if (refusal != SIP_ACCEPTED)
        return refusal;
    read_minor_headers(p);
    return read_body(p);
}

enum sip_refusal sip_msg_parse(struct slice datagram, bool cut, struct sip_msg *msg)
{
    memset(msg, 0, offsetof(struct sip_msg, header));
    msg->method = SIP_METHOD_OTHER;
    struct slice text = skip_line_ends(datagram);
    if (text.len < datagram.len)
        msg->defects |= SIP_DEFECT_LEADING_JUNK;
    if (cut)
        msg->defects |= SIP_DEFECT_CUT;
    const char *start = text.at;
    enum sip_refusal refusal = sip_start_line_parse(take_start_line(&text, &msg->defects), msg);
    if (refusal != SIP_ACCEPTED)
        return refusal;
    if (datagram.len > SIP_MESSAGE_MAX)
        return SIP_TOO_LARGE;

    struct parse p = {.msg = msg, .cut = cut};
    refusal = read_headers(&p, text);
    if (refusal != SIP_ACCEPTED)
        return refusal;
    check_octets(msg, slice_of(start, (size_t)(p.body.at - start)));
    return read_fields(&p);
}

bool sip_msg_next_via(const struct sip_msg *msg, struct sip_via_iter *iter, struct sip_via *via)
{
    for (; iter->header < msg->header_count; iter->header++, iter->offset = 0) {
        const struct sip_header *header = &msg->header[iter->header];
        if (header->id != SIP_HEADER_VIA)
            continue;
        uint32_t ignored = 0;
        enum sip_via_result result;
        while ((result = sip_via_next(header->value, &iter->offset, via, &ignored)))
            if (result == SIP_VIA_READ)
                return true;
    }
    return false;
}

struct slice sip_msg_header(const struct sip_msg *msg, enum sip_header_id id)
{
    for (size_t i = 0; i < msg->header_count; i++)
        if (msg->header[i].id == id)
            return msg->header[i].value;
    return SLICE_NONE;
}
