#include "call/quoted_invite.h"

#include "sip/sip_header.h"
#include "sip/sip_lex.h"
#include "sip/sip_start_line.h"
#include "sip/sip_via.h"

enum { CSEQ_MAX = 0x7fffffff };

static void keep_header(const struct sip_header *header, struct quoted_invite *out)
{
    uint32_t ignored = 0;
    size_t offset = 0, digits;
    uint64_t number;
    switch (header->id) {
    case SIP_HEADER_VIA:
        out->has_via = sip_via_next(header->value, &offset, &out->via, &ignored) == SIP_VIA_READ;
        break;
    case SIP_HEADER_CALL_ID:
        if (out->call_id.len == 0)
            out->call_id = header->value;
        break;
    case SIP_HEADER_CSEQ:
        if (!out->has_cseq && sip_leading_number(header->value, CSEQ_MAX, &number, &digits)) {
            out->has_cseq = true;
            out->cseq = (uint32_t)number;
        }
        break;
    default:
        break;
    }
}

enum quoted quoted_invite_read(struct slice quote, struct quoted_invite *out)
{
    *out = (struct quoted_invite){0};
    quote = slice_skip(quote, sip_span(quote, 0, SIP_CHAR_SPACE));
    size_t lf = slice_find(quote, '\n');
    if (lf == quote.len)
        return QUOTED_NOTHING;
    struct sip_msg start; /* large, and on purpose not cleared beyond its fields */
    memset(&start, 0, offsetof(struct sip_msg, header));
    struct slice line = slice_trim(slice_head(quote, lf));
    if (sip_start_line_parse(line, &start) != SIP_ACCEPTED)
        return QUOTED_NOTHING;
    if (!start.is_request || start.method != SIP_INVITE)
        return QUOTED_OTHER;

    struct sip_header_reader reader = {.rest = slice_skip(quote, lf + 1)};
    struct sip_header header;
    enum sip_header_line read;
    bool is_top_via_seen = false; /* the one below it is another hop's */
    while ((read = sip_header_next(&reader, &header)) == SIP_LINE_HEADER ||
           read == SIP_LINE_BROKEN) {
        /* What follows a line end shows whether it is the line's end, or that of a folded one. */
        if (reader.unfinished || reader.rest.len == 0)
            break;
        bool is_via = read == SIP_LINE_HEADER && header.id == SIP_HEADER_VIA;
        if (read == SIP_LINE_HEADER && !(is_via && is_top_via_seen))
            keep_header(&header, out);
        is_top_via_seen |= is_via;
    }
    return QUOTED_INVITE;
}
