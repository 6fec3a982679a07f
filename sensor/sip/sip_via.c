#include "sip/sip_via.h"

#include "sip/sip_lex.h"

enum { OC_PERCENT_MAX = 100, OC_VALIDITY_DEFAULT_MS = 500 };

/* White space, the token there, white space. False if there is none. */
static bool take_token(struct slice s, size_t *at, struct slice *token)
{
    size_t start = sip_skip_space(s, *at);
    size_t end = sip_span(s, start, SIP_CHAR_TOKEN);
    *token = sip_between(s, start, end);
    *at = sip_skip_space(s, end);
    return end > start;
}

static bool take_char(struct slice s, size_t *at, char c)
{
    if (*at >= s.len || s.at[*at] != c)
        return false;
    (*at)++;
    return true;
}

/* "SIP/2.0/UDP" and the white space behind it, with white space around its slashes. */
static bool take_protocol(struct slice s, size_t *at, struct sip_via *via)
{
    const struct slice usual = SLICE("SIP/2.0/");
    struct slice name, version;
    if (slice_starts(slice_skip(s, *at), usual)) {
        *at += usual.len;
        return take_token(s, at, &via->transport);
    }
    return take_token(s, at, &name) && take_char(s, at, '/') && take_token(s, at, &version) &&
           take_char(s, at, '/') && take_token(s, at, &via->transport);
}

/*
 * Where an IPv6 address without its brackets ends, which the grammar forbids and the field writes:
 * two colons or more tell it from a host with a port. 0: there is none.
 */
static size_t bare_ipv6_end(struct slice s, size_t start)
{
    size_t end = start, colons = 0;
    for (; end < s.len; end++) {
        char c = slice_lower_char(s.at[end]);
        if (c == ':')
            colons++;
        else if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f') && c != '.')
            break;
    }
    return colons >= 2 ? end : 0;
}

/* Host, or IPv6reference, and maybe a port. */
static bool take_sent_by(struct slice s, size_t *at, struct sip_via *via, uint32_t *defects)
{
    size_t start = *at, end, bare;
    if (start < s.len && s.at[start] == '[') {
        size_t length = slice_find(slice_skip(s, start), ']');
        if (start + length == s.len)
            return false;
        end = start + length + 1;
    } else if ((bare = bare_ipv6_end(s, start)) > 0) {
        end = bare;
        *defects |= SIP_DEFECT_BAD_VALUE;
    } else {
        end = sip_span(s, start, SIP_CHAR_HOST);
        while (end < s.len && s.at[end] != ':' && !sip_char_is(s.at[end], SIP_CHAR_BREAK))
            end++;
    }
    via->host = sip_between(s, start, end);
    *at = sip_skip_space(s, end);
    if (via->host.len == 0)
        return false;
    if (take_char(s, at, ':')) {
        struct slice digits;
        uint64_t port;
        if (!take_token(s, at, &digits) || !slice_to_u64(digits, UINT16_MAX, &port) || port == 0)
            return false;
        via->port = (uint16_t)port;
    }
    return true;
}

/* RFC 7339 section 4. Whatever is not its grammar says nothing, and is no defect: no message is
 * matched by it, and clients offer it without a value. False: it is meant in another way. */
static bool keep_overload_control(const struct sip_parameter *p, struct sip_via *via)
{
    uint64_t number = 0;
    if (slice_ieq(p->name, SLICE("oc"))) {
        via->has_oc = slice_to_u64(p->value, OC_PERCENT_MAX, &number);
        via->oc_percent = (uint8_t)number;
    } else if (slice_ieq(p->name, SLICE("oc-validity"))) {
        bool is_said = slice_to_u64(p->value, UINT32_MAX, &number);
        via->oc_validity_ms = is_said ? (uint32_t)number : OC_VALIDITY_DEFAULT_MS;
    } else if (slice_ieq(p->name, SLICE("oc-algo"))) {
        return slice_ieq(p->value, SLICE("loss"));
    }
    return true;
}

static void keep_parameter(const struct sip_parameter *p, struct sip_via *via, uint32_t *defects)
{
    if (slice_ieq(p->name, SLICE("branch"))) {
        if (via->branch.len == 0)
            via->branch = p->value;
    } else if (slice_ieq(p->name, SLICE("received"))) {
        if (via->received.len == 0)
            via->received = p->value;
    } else if (slice_ieq(p->name, SLICE("maddr"))) {
        if (via->maddr.len == 0)
            via->maddr = p->value;
    } else if (slice_ieq(p->name, SLICE("rport"))) {
        uint64_t port = 0;
        via->has_rport = true;
        if (p->value.len > 0 && (!slice_to_u64(p->value, UINT16_MAX, &port) || port == 0))
            *defects |= SIP_DEFECT_BAD_VALUE;
        via->rport = (uint16_t)port;
    }
}

static void take_parameters(struct slice s, size_t *at, struct sip_via *via, uint32_t *defects)
{
    struct sip_parameter p;
    bool is_loss = true;
    via->oc_validity_ms = OC_VALIDITY_DEFAULT_MS;
    while (sip_parameter_next(s, at, &p)) {
        if (p.malformed)
            *defects |= SIP_DEFECT_BAD_VALUE;
        if (p.unterminated)
            *defects |= SIP_DEFECT_UNTERMINATED_QUOTE;
        keep_parameter(&p, via, defects);
        is_loss &= keep_overload_control(&p, via);
    }
    via->has_oc &= is_loss;
    const struct slice cookie = SLICE("z9hG4bK");
    via->has_cookie = slice_istarts(via->branch, cookie) && via->branch.len > cookie.len;
}

enum sip_via_result sip_via_next(struct slice value, size_t *offset, struct sip_via *via,
                                 uint32_t *defects)
{
    size_t at = sip_skip_space(value, *offset);
    while (take_char(value, &at, ',')) {
        *defects |= SIP_DEFECT_BAD_VALUE;
        at = sip_skip_space(value, at);
    }
    *offset = at;
    if (at >= value.len)
        return SIP_VIA_NONE;
    *via = (struct sip_via){0};
    bool read = take_protocol(value, &at, via) && take_sent_by(value, &at, via, defects);
    /* Behind host and port come parameters or the next value. */
    read = read && (at >= value.len || value.at[at] == ';' || value.at[at] == ',' ||
                    sip_char_is(value.at[at - 1], SIP_CHAR_SPACE));
    take_parameters(value, &at, via, defects);
    (void)take_char(value, &at, ',');
    *offset = at;
    return read ? SIP_VIA_READ : SIP_VIA_BROKEN;
}
