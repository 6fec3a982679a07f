#include "sip/sip_header.h"

#include "sip/sip_lex.h"

enum { NAME_LEN_MAX = 19 };

struct header_name {
    struct slice name;
    enum sip_header_id id;
};

#define NAME(text, header_id)                                                                      \
    {                                                                                              \
        {(text), sizeof(text) - 1}, (header_id)                                                    \
    }
/* Ordered by length: the names of one length are tried one after the other. */
static const struct header_name names[] = {
    NAME("To", SIP_HEADER_TO),
    NAME("Via", SIP_HEADER_VIA),
    NAME("From", SIP_HEADER_FROM),
    NAME("CSeq", SIP_HEADER_CSEQ),
    NAME("RSeq", SIP_HEADER_RSEQ),
    NAME("RAck", SIP_HEADER_RACK),
    NAME("Route", SIP_HEADER_ROUTE),
    NAME("Server", SIP_HEADER_SERVER),
    NAME("Reason", SIP_HEADER_REASON),
    NAME("Call-ID", SIP_HEADER_CALL_ID),
    NAME("Contact", SIP_HEADER_CONTACT),
    NAME("Require", SIP_HEADER_REQUIRE),
    NAME("Expires", SIP_HEADER_EXPIRES),
    NAME("Warning", SIP_HEADER_WARNING),
    NAME("Replaces", SIP_HEADER_REPLACES),
    NAME("Supported", SIP_HEADER_SUPPORTED),
    NAME("User-Agent", SIP_HEADER_USER_AGENT),
    NAME("Retry-After", SIP_HEADER_RETRY_AFTER),
    NAME("Max-Forwards", SIP_HEADER_MAX_FORWARDS),
    NAME("Content-Type", SIP_HEADER_CONTENT_TYPE),
    NAME("Record-Route", SIP_HEADER_RECORD_ROUTE),
    NAME("Authorization", SIP_HEADER_AUTHORIZATION),
    NAME("Content-Length", SIP_HEADER_CONTENT_LENGTH),
    NAME("Session-Expires", SIP_HEADER_SESSION_EXPIRES),
    NAME("Content-Encoding", SIP_HEADER_CONTENT_ENCODING),
    NAME("Proxy-Authorization", SIP_HEADER_PROXY_AUTHORIZATION),
};
#undef NAME

/* names[] from first_of_length[n] up to first_of_length[n + 1] have n octets. */
static const uint8_t first_of_length[NAME_LEN_MAX + 2] = {
    [2] = 0,   [3] = 1,   [4] = 2,   [5] = 6,   [6] = 7,   [7] = 9,   [8] = 14,
    [9] = 15,  [10] = 16, [11] = 17, [12] = 18, [13] = 21, [14] = 22, [15] = 23,
    [16] = 24, [17] = 25, [18] = 25, [19] = 25, [20] = 26,
};

/* RFC 3261 section 7.3.3, RFC 4028 section 4; s o u r b a d j n y stand for names that nothing
 * reads. */
static enum sip_header_id id_from_compact(char letter)
{
    switch (slice_lower_char(letter)) {
    case 'v':
        return SIP_HEADER_VIA;
    case 'f':
        return SIP_HEADER_FROM;
    case 't':
        return SIP_HEADER_TO;
    case 'i':
        return SIP_HEADER_CALL_ID;
    case 'm':
        return SIP_HEADER_CONTACT;
    case 'l':
        return SIP_HEADER_CONTENT_LENGTH;
    case 'c':
        return SIP_HEADER_CONTENT_TYPE;
    case 'k':
        return SIP_HEADER_SUPPORTED;
    case 'e':
        return SIP_HEADER_CONTENT_ENCODING;
    case 'x':
        return SIP_HEADER_SESSION_EXPIRES;
    default:
        return SIP_HEADER_OTHER;
    }
}

enum sip_header_id sip_header_id_from(struct slice name)
{
    if (name.len == 1)
        return id_from_compact(name.at[0]);
    if (name.len == 0 || name.len > NAME_LEN_MAX)
        return SIP_HEADER_OTHER;
    for (size_t i = first_of_length[name.len]; i < first_of_length[name.len + 1]; i++) {
        const struct header_name *known = &names[i];
        /* Another first letter, in either case, settles it. */
        if (((known->name.at[0] ^ name.at[0]) & ~0x20) != 0)
            continue;
        if (slice_ieq(name, known->name))
            return known->id;
    }
    return SIP_HEADER_OTHER;
}

/* The line at `at`: its text without CR and LF, and *next where the line after it begins. */
static struct slice read_line(const char *at, const char *end, struct sip_header_reader *reader,
                              const char **next)
{
    const char *lf = memchr(at, '\n', (size_t)(end - at));
    const char *stop = lf ? lf : end;
    reader->unfinished = lf == NULL;
    *next = lf ? lf + 1 : end;
    if (stop > at && stop[-1] == '\r') {
        do
            stop--;
        while (stop > at && stop[-1] == '\r');
    } else if (lf) {
        reader->defects |= SIP_DEFECT_BARE_LF;
    }
    return slice_of(at, (size_t)(stop - at));
}

enum sip_header_line sip_header_next(struct sip_header_reader *reader, struct sip_header *out)
{
    if (reader->rest.len == 0)
        return SIP_LINE_NONE;
    const char *at = reader->rest.at;
    const char *end = at + reader->rest.len;
    const char *next;
    struct slice line = read_line(at, end, reader, &next);
    if (line.len == 0) {
        reader->rest = slice_of(next, (size_t)(end - next));
        return reader->unfinished ? SIP_LINE_NONE : SIP_LINE_BLANK;
    }
    /* A line that begins with white space continues this one (RFC 3261 section 7.3.1). */
    while (next < end && (*next == ' ' || *next == '\t')) {
        struct slice more = read_line(next, end, reader, &next);
        line.len = (size_t)(more.at + more.len - line.at);
    }
    reader->rest = slice_of(next, (size_t)(end - next));

    const char *colon = memchr(line.at, ':', line.len);
    if (!colon || sip_char_is(line.at[0], SIP_CHAR_SPACE))
        return SIP_LINE_BROKEN;
    out->name = slice_trim(slice_of(line.at, (size_t)(colon - line.at)));
    if (out->name.len == 0)
        return SIP_LINE_BROKEN;
    out->value = slice_trim(slice_of(colon + 1, (size_t)(line.at + line.len - colon) - 1));
    out->id = sip_header_id_from(out->name);
    if (out->id == SIP_HEADER_OTHER && !sip_all_of(out->name, SIP_CHAR_TOKEN))
        reader->defects |= SIP_DEFECT_BAD_VALUE;
    return SIP_LINE_HEADER;
}
