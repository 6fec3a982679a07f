#include "sip/sip_fields.h"

#include "sip/sip_lex.h"
#include "sip/sip_uri.h"
#include "sip/sip_via.h"

enum {
    CSEQ_MAX = 0x7fffffff, /* RFC 3261 section 8.1.1.5 */
    MAX_FORWARDS_MAX = 255 /* RFC 3261 section 20.22 */
};

static enum sip_refusal read_vias(struct sip_parse *p)
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
static enum sip_refusal read_call_id(struct sip_parse *p)
{
    const struct sip_header *header = sip_parse_first(p, SIP_HEADER_CALL_ID);
    if (!header)
        return SIP_NO_CALL_ID;
    p->msg->call_id = header->value;
    if (header->value.len == 0)
        return SIP_BAD_CALL_ID;
    if (sip_span_until(header->value, 0, SIP_CHAR_SPACE) < header->value.len)
        p->msg->defects |= SIP_DEFECT_BAD_VALUE;
    return SIP_ACCEPTED;
}

static enum sip_refusal read_cseq(struct sip_parse *p)
{
    const struct sip_header *header = sip_parse_first(p, SIP_HEADER_CSEQ);
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

static enum sip_refusal read_parties(struct sip_parse *p)
{
    struct sip_msg *msg = p->msg;
    const struct sip_header *from = sip_parse_first(p, SIP_HEADER_FROM);
    const struct sip_header *to = sip_parse_first(p, SIP_HEADER_TO);
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
static bool read_minor(struct sip_parse *p, const struct sip_header *header, bool first)
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

static void read_minor_headers(struct sip_parse *p)
{
    struct sip_msg *msg = p->msg;
    for (size_t i = 0; i < msg->header_count; i++) {
        const struct sip_header *header = &msg->header[i];
        if (!read_minor(p, header, p->first[header->id] == i + 1))
            msg->defects |= SIP_DEFECT_BAD_VALUE;
    }
    const struct sip_header *agent = sip_parse_first(p, SIP_HEADER_USER_AGENT);
    if (!agent && !msg->is_request)
        agent = sip_parse_first(p, SIP_HEADER_SERVER);
    if (agent)
        msg->user_agent = agent->value;
    const struct sip_header *type = sip_parse_first(p, SIP_HEADER_CONTENT_TYPE);
    if (type)
        msg->content_type = slice_trim(slice_head(type->value, slice_find(type->value, ';')));
    if (msg->is_request && !p->first[SIP_HEADER_MAX_FORWARDS])
        msg->defects |= SIP_DEFECT_NO_MAX_FORWARDS;
    if (msg->method == SIP_METHOD_OTHER)
        msg->defects |= SIP_DEFECT_UNKNOWN_METHOD;
}

enum sip_refusal sip_fields_read(struct sip_parse *p)
{
    enum sip_refusal refusal = read_vias(p);
    if (refusal == SIP_ACCEPTED)
        refusal = read_call_id(p);
    if (refusal == SIP_ACCEPTED)
        refusal = read_cseq(p);
    if (refusal == SIP_ACCEPTED)
        refusal = read_parties(p);
    if (refusal == SIP_ACCEPTED)
        read_minor_headers(p);
    return refusal;
}
