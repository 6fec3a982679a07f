#include "sip/sip_msg.h"

#include "sip/sip_fields.h"
#include "sip/sip_lex.h"
#include "sip/sip_start_line.h"
#include "sip/sip_via.h"

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

/* The second and further lines of a header field. */
static enum sip_refusal check_repeated(struct sip_parse *p, const struct sip_header *header)
{
    uint32_t bit = BIT(header->id);
    if (!(bit & (key_headers | single_headers)))
        return SIP_ACCEPTED;
    if (slice_eq(sip_parse_first(p, header->id)->value, header->value))
        p->msg->defects |= SIP_DEFECT_DUPLICATE;
    else if (bit & key_headers)
        return SIP_DUPLICATE_HEADER;
    else
        p->msg->defects |= SIP_DEFECT_BAD_VALUE;
    return SIP_ACCEPTED;
}

/* The header line just written behind the others. */
static enum sip_refusal keep_header(struct sip_parse *p)
{
    const struct sip_header *header = &p->msg->header[p->msg->header_count++];
    p->last[header->id] = p->msg->header_count;
    if (p->first[header->id] != 0)
        return check_repeated(p, header);
    p->first[header->id] = p->msg->header_count;
    return SIP_ACCEPTED;
}

/* All header lines behind the start line. */
static enum sip_refusal read_headers(struct sip_parse *p, struct slice text)
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

/* All that there are must say the same (RFC 4475 section 3.3.9). */
static enum sip_refusal read_content_length(struct sip_parse *p)
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
static enum sip_refusal read_body(struct sip_parse *p)
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

    struct sip_parse p = {.msg = msg, .cut = cut};
    refusal = read_headers(&p, text);
    if (refusal != SIP_ACCEPTED)
        return refusal;
    check_octets(msg, slice_of(start, (size_t)(p.body.at - start)));
    refusal = sip_fields_read(&p);
    return refusal != SIP_ACCEPTED ? refusal : read_body(&p);
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
