#include "sip/sip_uri.h"

#include "sip/sip_lex.h"

enum scheme { SCHEME_NONE, SCHEME_SIP, SCHEME_TEL, SCHEME_OTHER };

static bool is_letter(char c)
{
    char lower = slice_lower_char(c);
    return lower >= 'a' && lower <= 'z';
}

static enum scheme scheme_of(struct slice name)
{
    if (slice_ieq(name, SLICE("sip")) || slice_ieq(name, SLICE("sips")))
        return SCHEME_SIP;
    return slice_ieq(name, SLICE("tel")) ? SCHEME_TEL : SCHEME_OTHER;
}

/* RFC 3986 section 3.1; *length is that of its name. */
static enum scheme find_scheme(struct slice text, size_t *length)
{
    if (text.len > 4 && text.at[3] == ':' && slice_ieq(slice_head(text, 3), SLICE("sip"))) {
        *length = 3;
        return SCHEME_SIP;
    }
    size_t i = 0;
    while (i < text.len && (is_letter(text.at[i]) || sip_char_is(text.at[i], SIP_CHAR_DIGIT) ||
                            text.at[i] == '+' || text.at[i] == '-' || text.at[i] == '.'))
        i++;
    *length = i;
    if (i == 0 || i == text.len || text.at[i] != ':' || !is_letter(text.at[0]))
        return SCHEME_NONE;
    return scheme_of(slice_head(text, i));
}

/*
 * What follows "sip:". A user part may hold ';' and '?' (RFC 4475 section 3.1.1.9), so these end
 * host and port only where no '@' comes behind them. A second '@', which is an error, belongs to
 * the user as long as no parameter has begun.
 */
struct sip_parts {
    size_t at_sign;  /* text.len if there is none */
    size_t host;     /* where host and port begin */
    size_t name_end; /* of what at the beginning of them may be a host's name */
    size_t end;      /* of host and port */
};

static void find_host(struct slice text, size_t from, struct sip_parts *out)
{
    out->host = from;
    out->name_end = sip_span(text, from, SIP_CHAR_HOST);
    out->end = sip_span_until(text, out->name_end, SIP_CHAR_MARK);
}

static void split_sip(struct slice text, struct sip_parts *out)
{
    out->at_sign = slice_find(text, '@');
    find_host(text, out->at_sign < text.len ? out->at_sign + 1 : 0, out);
    while (out->end < text.len && text.at[out->end] == '@') {
        out->at_sign = out->end;
        find_host(text, out->at_sign + 1, out);
    }
}

static bool is_ipv6_reference(struct slice host)
{
    for (size_t i = 1; i + 1 < host.len; i++) {
        char c = slice_lower_char(host.at[i]);
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (c == '%') /* a zone, RFC 6874 */
            return true;
        if (!hex && c != ':' && c != '.')
            return false;
    }
    return host.len >= 4;
}

/* Host and port; of these, `name_len` octets may be a host's name. */
static bool parse_host_port(struct slice text, size_t name_len, struct sip_uri *out)
{
    size_t end = name_len;
    if (text.len > 0 && text.at[0] == '[') {
        end = slice_find(text, ']');
        if (end == text.len)
            return false;
        end++;
        out->host = slice_head(text, end);
        if (!is_ipv6_reference(out->host))
            return false;
    } else {
        out->host = slice_head(text, end);
        if (end == 0)
            return false;
    }
    if (end == text.len)
        return true;
    uint64_t port;
    if (text.at[end] != ':' || !slice_to_u64(slice_skip(text, end + 1), UINT16_MAX, &port) ||
        port == 0)
        return false;
    out->port = (uint16_t)port;
    return true;
}

static bool parse_sip(struct slice rest, const struct sip_parts *parts, struct sip_uri *out)
{
    if (parts->at_sign < rest.len) {
        struct slice user = slice_head(rest, parts->at_sign);
        out->user = slice_head(user, slice_find(user, ':'));
    }
    return parse_host_port(sip_between(rest, parts->host, parts->end),
                           parts->name_end - parts->host, out);
}

/* Of a scheme without userinfo and host, as far as anybody knows here. */
static size_t opaque_end(struct slice text)
{
    size_t i = 0;
    while (i < text.len && text.at[i] != ';' && text.at[i] != '?')
        i++;
    return i;
}

/* `text` has no white space around it. */
static bool read_uri(struct slice text, struct sip_uri *out)
{
    size_t length;
    enum scheme scheme = find_scheme(text, &length);
    if (scheme != SCHEME_SIP) {
        out->plain = slice_trim(slice_head(text, opaque_end(text)));
        if (scheme == SCHEME_NONE || !sip_all_of(text, SIP_CHAR_URI))
            return false;
        out->scheme = slice_head(text, length);
        struct slice rest = slice_skip(out->plain, length + 1);
        if (scheme == SCHEME_TEL)
            out->user = rest;
        return rest.len > 0;
    }
    struct sip_parts parts;
    struct slice rest = slice_skip(text, length + 1);
    split_sip(rest, &parts);
    out->scheme = slice_head(text, length);
    out->plain = slice_trim(slice_head(text, length + 1 + parts.end));
    /* A host's name holds nothing else, anyway. */
    return sip_all_of(slice_head(rest, parts.host), SIP_CHAR_URI) &&
           sip_all_of(slice_skip(rest, parts.name_end), SIP_CHAR_URI) &&
           parse_sip(rest, &parts, out);
}

bool sip_uri_parse(struct slice text, struct sip_uri *out)
{
    *out = (struct sip_uri){0};
    struct slice trimmed = slice_trim(text);
    return read_uri(trimmed, out) && trimmed.len == text.len;
}

bool sip_uri_scheme_is_known(const struct sip_uri *uri)
{
    return scheme_of(uri->scheme) != SCHEME_OTHER;
}

struct slice sip_uri_plain(struct slice uri)
{
    struct sip_uri parsed;
    (void)sip_uri_parse(uri, &parsed);
    return parsed.plain;
}

/*
 * The position of the '<' of a name-addr, v.len for a bare addr-spec. In front of it there may be a
 * quoted string, or words that should have been quoted (RFC 4475 section 3.1.2.15); but a ';'
 * behind a scheme's ':' shows an addr-spec with parameters. False for a quote that does not end.
 */
static bool find_bracket(struct slice v, size_t *bracket)
{
    bool colon = false;
    size_t i = 0;
    while (i < v.len && v.at[i] != '<') {
        if (v.at[i] == '"') {
            if (!sip_skip_quoted(v, &i))
                return false;
            continue;
        }
        if (v.at[i] == ':')
            colon = true;
        if (v.at[i] == ';' && colon)
            i = v.len;
        else
            i++;
    }
    *bracket = i;
    return true;
}

bool sip_name_addr_parse(struct slice value, struct sip_name_addr *out)
{
    *out = (struct sip_name_addr){0};
    struct slice v = slice_trim(value);
    size_t bracket, end;
    if (!find_bracket(v, &bracket))
        return false;
    if (bracket < v.len) {
        size_t length = slice_find(slice_skip(v, bracket), '>');
        if (bracket + length == v.len)
            return false;
        out->display_name = slice_trim(slice_head(v, bracket));
        out->uri = sip_between(v, bracket + 1, bracket + length);
        end = bracket + length + 1;
    } else {
        out->bare = true;
        end = slice_find(v, ';');
        out->uri = slice_trim(slice_head(v, end));
    }
    out->params = slice_skip(v, end);
    out->params = slice_skip(out->params, slice_find(out->params, ';'));
    return sip_skip_space(out->uri, 0) < out->uri.len;
}

bool sip_param(struct slice params, struct slice name, struct slice *value)
{
    struct sip_parameter p;
    for (size_t at = 0; sip_parameter_next(params, &at, &p);) {
        if (slice_ieq(p.name, name)) {
            *value = p.value;
            return true;
        }
    }
    return false;
}
