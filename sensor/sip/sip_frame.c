#include "sip/sip_frame.h"

#include "sip/sip_header.h"
#include "sip/sip_lex.h"
#include "sip/sip_start_line.h"

enum { CONTENT_LENGTH_DIGITS_MAX = 8 };

static size_t skip_line_ends(struct slice s, size_t at)
{
    while (at < s.len && (s.at[at] == '\r' || s.at[at] == '\n'))
        at++;
    return at;
}

/* A finished line, without its LF at `lf` and the CRs before that (as sip_header_next cuts it). */
static struct slice line_between(struct slice text, size_t from, size_t lf)
{
    while (lf > from && text.at[lf - 1] == '\r')
        lf--;
    return sip_between(text, from, lf);
}

/* Where the line is that the octet at `at` belongs to. */
static size_t line_of(struct slice text, size_t at)
{
    const char *lf = at > 0 ? memrchr(text.at, '\n', at) : NULL;
    return lf ? (size_t)(lf - text.at) + 1 : 0;
}

/*
 * The shape of a start line, even a broken one: a message that is refused is better than one that
 * takes the next with it. "Via : SIP/2.0/TCP" has that shape too, but for the colon.
 */
static bool has_start_shape(struct slice line)
{
    size_t behind = sip_skip_space(line, sip_span(line, 0, SIP_CHAR_TOKEN));
    return sip_start_line_looks_like(line) && (behind == line.len || line.at[behind] != ':');
}

/* A start line without fault. */
static bool is_start_line(struct slice line, bool known_method)
{
    struct sip_msg msg;
    memset(&msg, 0, offsetof(struct sip_msg, header));
    return sip_start_line_looks_like(line) && sip_start_line_parse(line, &msg) == SIP_ACCEPTED &&
           !(msg.defects & SIP_DEFECT_BAD_URI) &&
           !(known_method && msg.is_request && msg.method == SIP_METHOD_OTHER);
}

/* The beginning of a line that will be one. */
static bool is_start_of_line(struct slice line)
{
    if (slice_istarts(line, SLICE("SIP/2.0 ")))
        return sip_span(slice_head(line, 11), 8, SIP_CHAR_DIGIT) == 11;
    size_t method_end = sip_span(line, 0, SIP_CHAR_TOKEN);
    if (method_end == 0)
        return false;
    struct slice behind = slice_skip(line, method_end);
    return slice_istarts(behind, SLICE(" sip:")) || slice_istarts(behind, SLICE(" sips:")) ||
           slice_istarts(behind, SLICE(" tel:"));
}

/*
 * The first line from `from` on, the beginning of a line, that has the shape of a start line, or is
 * not finished. One longer than any header is left to whoever looks there.
 */
static size_t next_start(struct slice stream, size_t from)
{
    while ((from = skip_line_ends(stream, from)) < stream.len) {
        struct slice rest = slice_head(slice_skip(stream, from), SIP_FRAME_HEADERS_MAX);
        size_t lf = slice_find(rest, '\n');
        if (lf == rest.len || has_start_shape(line_between(rest, 0, lf)))
            break;
        from += lf + 1;
    }
    return from;
}

static void set_lost(struct sip_frame *frame, size_t len)
{
    *frame = (struct sip_frame){.verdict = SIP_FRAME_LOST, .len = len};
}

/* All Content-Lengths of the header lines must say the same. False: the message is lost. */
static bool read_content_length(struct slice headers, uint64_t *length, bool *missing)
{
    struct sip_header_reader reader = {.rest = slice_skip(headers, slice_find(headers, '\n') + 1)};
    struct sip_header header;
    enum sip_header_line line;
    *missing = true;
    *length = 0;
    while ((line = sip_header_next(&reader, &header)) != SIP_LINE_BLANK && line != SIP_LINE_NONE) {
        uint64_t number;
        if (line != SIP_LINE_HEADER || header.id != SIP_HEADER_CONTENT_LENGTH)
            continue;
        if (header.value.len > CONTENT_LENGTH_DIGITS_MAX ||
            !slice_to_u64(header.value, SIP_BODY_MAX, &number) ||
            (!*missing && number != *length))
            return false;
        *missing = false;
        *length = number;
    }
    return true;
}

/* The headers are whole. */
static void frame_message(struct slice stream, size_t headers_len, struct sip_frame *frame)
{
    uint64_t length;
    bool missing;
    if (!read_content_length(slice_head(stream, headers_len), &length, &missing)) {
        set_lost(frame, next_start(stream, headers_len));
        return;
    }
    *frame = (struct sip_frame){
        .verdict = SIP_FRAME_MESSAGE,
        .len = headers_len + (size_t)length,
        .content_length_missing = missing,
    };
    if (frame->len > stream.len) {
        frame->verdict = SIP_FRAME_MORE;
        frame->searched = headers_len - 1; /* finds the blank line at once */
    }
}

void sip_frame_next(struct slice stream, size_t searched, struct sip_frame *frame)
{
    size_t line_ends = skip_line_ends(stream, 0);
    if (line_ends > 0) {
        *frame = (struct sip_frame){.verdict = SIP_FRAME_KEEP_ALIVE, .len = line_ends};
        return;
    }
    struct slice head = slice_head(stream, SIP_FRAME_HEADERS_MAX);
    searched = searched < head.len ? searched : head.len;
    size_t at = line_of(head, searched);
    size_t lf = searched + slice_find(slice_skip(head, searched), '\n');
    while (lf < head.len) {
        struct slice line = line_between(head, at, lf);
        if (line.len == 0) {
            frame_message(stream, lf + 1, frame);
            return;
        }
        bool first = at == 0;
        if (has_start_shape(line) != first) {
            set_lost(frame, first ? next_start(stream, lf + 1) : at);
            return;
        }
        at = lf + 1;
        lf = at + slice_find(slice_skip(head, at), '\n');
    }
    if (head.len == SIP_FRAME_HEADERS_MAX)
        set_lost(frame, at > 0 ? at : head.len);
    else
        *frame = (struct sip_frame){
            .verdict = SIP_FRAME_MORE, .len = stream.len + 1, .searched = stream.len};
}

size_t sip_frame_find_start(struct slice stream)
{
    size_t from = 0;
    while (from < stream.len) {
        struct slice rest = slice_skip(stream, from);
        size_t lf = slice_find(rest, '\n');
        if (lf == rest.len)
            return lf < SIP_FRAME_HEADERS_MAX ? from : stream.len;
        if (is_start_line(line_between(rest, 0, lf), from == 0))
            break;
        from += lf + 1;
    }
    return from;
}

bool sip_frame_is_start(struct slice stream)
{
    struct slice text = slice_skip(stream, skip_line_ends(stream, 0));
    size_t lf = slice_find(text, '\n');
    return lf < text.len ? is_start_line(line_between(text, 0, lf), false) : is_start_of_line(text);
}
