#include "sip/sip_start_line.h"

#include "sip/sip_lex.h"
#include "sip/sip_uri.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool starts_with_sip(struct slice s)
{
    return slice_ieq(slice_head(s, 4), SLICE("SIP/"));
}

bool sip_start_line_looks_like(struct slice line)
{
    size_t i = sip_span(line, 0, SIP_CHAR_TOKEN);
    if (i == 0)
        return false;
    if (i == line.len || !is_blank(line.at[i]))
        return starts_with_sip(line);
    const struct slice usual_end = SLICE(" SIP/2.0");
    if (line.len > usual_end.len && slice_eq(slice_skip(line, line.len - usual_end.len), usual_end))
        return true;
    for (; i < line.len; i++)
        if (is_blank(line.at[i]) && starts_with_sip(slice_skip(line, i + 1)))
            return true;
    return false;
}

/* "SIP/2.0 200 OK". The space behind the status is often missing where there is no reason phrase.
 */
static enum sip_refusal parse_status_line(struct slice line, struct sip_msg *msg)
{
    size_t version_end = sip_span_until(line, 0, SIP_CHAR_SPACE);
    if (!slice_ieq(slice_head(line, version_end), SLICE("SIP/2.0")))
        return SIP_BAD_VERSION;
    size_t status_at = sip_skip_space(line, version_end);
    if (status_at == line.len)
        return SIP_BAD_START_LINE;
    size_t status_end = sip_span_until(line, status_at, SIP_CHAR_SPACE);
    struct slice digits = sip_between(line, status_at, status_end);
    uint64_t status;
    if (digits.len != 3 || !slice_to_u64(digits, 699, &status) || status < 100)
        return SIP_BAD_STATUS;
    msg->status = (uint16_t)status;
    msg->reason = slice_trim(slice_skip(line, status_end));
    if (status_at - version_end > 1 || status_end == line.len)
        msg->defects |= SIP_DEFECT_START_LINE_SPACING;
    return SIP_ACCEPTED;
}

static void check_request_uri(struct sip_msg *msg)
{
    struct slice text = msg->request_uri;
    /* RFC 4475 section 3.1.2.7: <> around the Request-URI, which may be ignored. */
    if (text.len > 2 && text.at[0] == '<' && text.at[text.len - 1] == '>') {
        text = sip_between(text, 1, text.len - 1);
        msg->request_uri = text;
        msg->defects |= SIP_DEFECT_BAD_URI;
    }
    struct sip_uri uri;
    if (!sip_uri_parse(text, &uri)) {
        msg->defects |= SIP_DEFECT_BAD_URI;
        return;
    }
    if (!sip_uri_scheme_is_known(&uri))
        msg->defects |= SIP_DEFECT_UNKNOWN_SCHEME;
    /* Escaped headers are not allowed here (RFC 3261 section 19.1.1, RFC 4475 section 3.1.2.11). */
    struct slice behind = slice_skip(text, uri.plain.len);
    if (slice_find(behind, '?') < behind.len)
        msg->defects |= SIP_DEFECT_BAD_URI;
}

/* "INVITE sip:user@example.com SIP/2.0": the version is the last word, the URI what is between. */
static enum sip_refusal parse_request_line(struct slice line, struct sip_msg *msg)
{
    size_t method_end = sip_span(line, 0, SIP_CHAR_TOKEN);
    if (method_end == 0 || method_end == line.len || !is_blank(line.at[method_end]))
        return SIP_BAD_START_LINE;
    msg->method_name = slice_head(line, method_end);
    msg->method = sip_method_from(msg->method_name);

    struct slice words = slice_trim(line);
    if (words.len < line.len)
        msg->defects |= SIP_DEFECT_START_LINE_SPACING;
    size_t version_at = words.len;
    while (version_at > method_end && !is_blank(words.at[version_at - 1]))
        version_at--;
    struct slice version = slice_skip(words, version_at);
    if (!starts_with_sip(version))
        return SIP_BAD_START_LINE;
    if (!slice_ieq(version, SLICE("SIP/2.0")))
        return SIP_BAD_VERSION;
    struct slice gap = sip_between(words, method_end, version_at);
    msg->request_uri = slice_trim(gap);
    if (msg->request_uri.len == 0)
        return SIP_BAD_START_LINE;
    if (gap.len != msg->request_uri.len + 2)
        msg->defects |= SIP_DEFECT_START_LINE_SPACING;
    check_request_uri(msg);
    return SIP_ACCEPTED;
}

enum sip_refusal sip_start_line_parse(struct slice line, struct sip_msg *msg)
{
    msg->method = SIP_METHOD_OTHER;
    msg->is_request = !starts_with_sip(line);
    enum sip_refusal refusal =
        msg->is_request ? parse_request_line(line, msg) : parse_status_line(line, msg);
    if (refusal != SIP_ACCEPTED && !sip_start_line_looks_like(line))
        return SIP_NOT_SIP;
    return refusal;
}
