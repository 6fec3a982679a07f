#include "sip/sip_header.h"

#include "sip/sip_lex.h"

enum { SLOT_COUNT = 64 };

/* First and last letter, in lower case, and length tell all the names apart. */
#define SLOT(first, last, length) (((first)*8u + (last) + (length)*15u) % SLOT_COUNT)

struct header_name {
    struct slice name;
    enum sip_header_id id;
};

#define NAME(first, last, text, header_id)                                                         \
    [SLOT(first, last, sizeof(text) - 1)] = {{(text), sizeof(text) - 1}, (header_id)}
static const struct header_name names[SLOT_COUNT] = {
    NAME('t', 'o', "To", SIP_HEADER_TO),
    NAME('v', 'a', "Via", SIP_HEADER_VIA),
    NAME('f', 'm', "From", SIP_HEADER_FROM),
    NAME('c', 'q', "CSeq", SIP_HEADER_CSEQ),
    NAME('r', 'q', "RSeq", SIP_HEADER_RSEQ),
    NAME('r', 'k', "RAck", SIP_HEADER_RACK),
    NAME('r', 'e', "Route", SIP_HEADER_ROUTE),
    NAME('s', 'r', "Server", SIP_HEADER_SERVER),
    NAME('r', 'n', "Reason", SIP_HEADER_REASON),
    NAME('c', 'd', "Call-ID", SIP_HEADER_CALL_ID),
    NAME('c', 't', "Contact", SIP_HEADER_CONTACT),
    NAME('r', 'e', "Require", SIP_HEADER_REQUIRE),
    NAME('e', 's', "Expires", SIP_HEADER_EXPIRES),
    NAME('w', 'g', "Warning", SIP_HEADER_WARNING),
    NAME('r', 's', "Replaces", SIP_HEADER_REPLACES),
    NAME('s', 'd', "Supported", SIP_HEADER_SUPPORTED),
    NAME('u', 't', "User-Agent", SIP_HEADER_USER_AGENT),
    NAME('r', 'r', "Retry-After", SIP_HEADER_RETRY_AFTER),
    NAME('m', 's', "Max-Forwards", SIP_HEADER_MAX_FORWARDS),
    NAME('c', 'e', "Content-Type", SIP_HEADER_CONTENT_TYPE),
    NAME('r', 'e', "Record-Route", SIP_HEADER_RECORD_ROUTE),
    NAME('a', 'n', "Authorization", SIP_HEADER_AUTHORIZATION),
    NAME('c', 'h', "Content-Length", SIP_HEADER_CONTENT_LENGTH),
    NAME('s', 's', "Session-Expires", SIP_HEADER_SESSION_EXPIRES),
    NAME('c', 'g', "Content-Encoding", SIP_HEADER_CONTENT_ENCODING),
    NAME('p', 'n', "Proxy-Authorization", SIP_HEADER_PROXY_AUTHORIZATION),
};
#undef NAME

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

static inline enum sip_header_id find_id(struct slice name)
{
    if (name.len <= 1)
        return name.len == 1 ? id_from_compact(name.at[0]) : SIP_HEADER_OTHER;
    uint8_t first = (uint8_t)name.at[0] | 0x20, last = (uint8_t)name.at[name.len - 1] | 0x20;
    const struct header_name *known = &names[SLOT(first, last, name.len)];
    return slice_ieq(name, known->name) ? known->id : SIP_HEADER_OTHER;
}

enum sip_header_id sip_header_id_from(struct slice name)
{
    return find_id(name);
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
    if (!colon || colon == line.at || slice_is_space(line.at[0]))
        return SIP_LINE_BROKEN;
    struct slice name = slice_of(line.at, (size_t)(colon - line.at));
    while (slice_is_space(name.at[name.len - 1]))
        name.len--;
    out->name = name;
    out->value = slice_trim(slice_of(colon + 1, (size_t)(line.at + line.len - colon) - 1));
    out->id = find_id(name);
    if (out->id == SIP_HEADER_OTHER && !sip_all_of(name, SIP_CHAR_TOKEN))
        reader->defects |= SIP_DEFECT_BAD_VALUE;
    return SIP_LINE_HEADER;
}
