#include "flow/websocket.h"

#include "base/cursor.h"
#include "sip/sip_header.h"
#include "sip/sip_lex.h"

/* RFC 6455 section 5.2. */
enum {
    FIN = 0x80,
    RSV1 = 0x40,
    RSV2_RSV3 = 0x30,
    OPCODE = 0x0f,
    CONTROL = 0x08, /* of the opcode */
    MASKED = 0x80,
    LENGTH = 0x7f,
    LENGTH_16 = 126,
    LENGTH_64 = 127,
    CONTROL_LENGTH_MAX = 125,
    MASK_LEN = 4
};
enum { OPCODE_CONTINUATION = 0, OPCODE_BINARY = 2, OPCODE_PONG = 10 };

struct upgrade_headers {
    bool websocket;       /* Upgrade: websocket */
    bool sip;             /* Sec-WebSocket-Protocol names sip */
    bool other_protocols; /* or only others */
};

static bool list_has(struct slice list, struct slice word)
{
    struct slice element;
    while (sip_list_next(&list, &element))
        if (slice_ieq(element, word))
            return true;
    return false;
}

/* HTTP's header lines are written as SIP's are. False if they have not ended. */
static bool read_headers(struct slice *rest, struct upgrade_headers *out)
{
    struct sip_header_reader reader = {.rest = *rest};
    struct sip_header header;
    enum sip_header_line line;
    *out = (struct upgrade_headers){0};
    while ((line = sip_header_next(&reader, &header)) != SIP_LINE_BLANK) {
        if (line == SIP_LINE_NONE)
            return false;
        if (line == SIP_LINE_BROKEN)
            continue;
        if (slice_ieq(header.name, SLICE("Upgrade"))) {
            out->websocket |= list_has(header.value, SLICE("websocket"));
        } else if (slice_ieq(header.name, SLICE("Sec-WebSocket-Protocol"))) {
            out->sip |= list_has(header.value, SLICE("sip"));
            out->other_protocols = !out->sip;
        }
    }
    *rest = reader.rest;
    return true;
}

/* As far as both go. */
static bool may_start(struct slice text, struct slice prefix)
{
    return slice_eq(slice_head(text, prefix.len), slice_head(prefix, text.len));
}

enum websocket_upgrade websocket_upgrade(struct slice stream, size_t *len)
{
    const struct slice get = SLICE("GET "), switching = SLICE("HTTP/1.1 101");
    struct slice head = slice_head(stream, WEBSOCKET_UPGRADE_MAX);
    *len = 0;
    if (!may_start(head, get) && !may_start(head, switching))
        return WEBSOCKET_UPGRADE_NONE;
    size_t lf = slice_find(head, '\n');
    struct slice line = slice_trim(slice_head(head, lf));
    bool is_request = slice_starts(line, get);
    const struct slice version = SLICE(" HTTP/1.1");
    if (lf < head.len && is_request &&
        (line.len < version.len || !slice_eq(slice_skip(line, line.len - version.len), version)))
        return WEBSOCKET_UPGRADE_NONE;
    struct upgrade_headers headers;
    struct slice rest = slice_skip(head, lf + 1);
    if (!read_headers(&rest, &headers))
        return stream.len < WEBSOCKET_UPGRADE_MAX ? WEBSOCKET_UPGRADE_MORE : WEBSOCKET_UPGRADE_NONE;
    if (!headers.websocket || headers.other_protocols || (is_request && !headers.sip))
        return WEBSOCKET_UPGRADE_NONE;
    *len = head.len - rest.len;
    return is_request ? WEBSOCKET_UPGRADE_REQUEST : WEBSOCKET_UPGRADE_RESPONSE;
}

struct frame {
    uint64_t len; /* of the payload */
    size_t header_len;
    const uint8_t *mask; /* NULL: none */
    uint8_t opcode;
    bool fin;
    bool compressed;
};

/* What the first two octets of a frame may be, after what came before. */
static bool is_allowed(const struct websocket *websocket, uint8_t first, uint8_t second)
{
    unsigned opcode = first & OPCODE;
    if (first & RSV2_RSV3)
        return false;
    if (opcode & CONTROL)
        return opcode <= OPCODE_PONG && (first & FIN) && !(first & RSV1) &&
               (second & LENGTH) <= CONTROL_LENGTH_MAX;
    if (opcode == OPCODE_CONTINUATION)
        return websocket->is_in_message && !(first & RSV1);
    return opcode <= OPCODE_BINARY && !websocket->is_in_message;
}

/* A frame's header. On WEBSOCKET_MORE *need is set. */
static enum websocket_verdict read_frame(const struct websocket *websocket, struct slice stream,
                                         struct frame *frame, size_t *need)
{
    struct cursor c = cursor_of(stream.at, stream.len);
    uint8_t first = cursor_u8(&c), second = cursor_u8(&c);
    *need = 2;
    if (c.failed)
        return WEBSOCKET_MORE;
    if (!is_allowed(websocket, first, second))
        return WEBSOCKET_BROKEN;
    *frame = (struct frame){
        .len = second & LENGTH,
        .opcode = first & OPCODE,
        .fin = first & FIN,
        .compressed = first & RSV1,
    };
    size_t length_len = frame->len == LENGTH_16 ? 2 : frame->len == LENGTH_64 ? 8 : 0;
    frame->header_len = 2 + length_len + (second & MASKED ? MASK_LEN : 0);
    *need = frame->header_len;
    if (frame->header_len > stream.len)
        return WEBSOCKET_MORE;
    if (length_len == 2) {
        frame->len = cursor_u16(&c);
    } else if (length_len == 8) {
        uint64_t high = cursor_u32(&c);
        frame->len = high << 32 | cursor_u32(&c);
        if (frame->len >> 63)
            return WEBSOCKET_BROKEN;
    }
    if (second & MASKED)
        frame->mask = cursor_take(&c, MASK_LEN);
    return WEBSOCKET_NOTHING;
}

/* Steps over what is there of a frame that is left out. */
static size_t skip_left(struct websocket *websocket, size_t available)
{
    size_t step = websocket->left < available ? (size_t)websocket->left : available;
    websocket->left -= step;
    return step;
}

static void unmask(char *to, const char *from, size_t len, const uint8_t *mask)
{
    if (!mask) {
        memcpy(to, from, len);
        return;
    }
    for (size_t i = 0; i < len; i++)
        to[i] = (char)((uint8_t)from[i] ^ mask[i % MASK_LEN]);
}

/* Of a message that is to be left out from here on. */
static size_t leave_out(struct websocket *websocket, const struct frame *frame, size_t available)
{
    if (!websocket->is_skipping)
        websocket->left_out++;
    websocket->is_in_message = websocket->is_skipping = !frame->fin;
    websocket->gathered = 0;
    websocket->left = frame->len;
    return frame->header_len + skip_left(websocket, available - frame->header_len);
}

enum websocket_verdict websocket_next(struct websocket *websocket, struct slice stream,
                                      char *buffer, size_t *used, size_t *need,
                                      struct slice *message)
{
    *used = 0;
    *need = 1;
    if (stream.len == 0)
        return WEBSOCKET_MORE;
    if (websocket->left > 0) {
        *used = skip_left(websocket, stream.len);
        return WEBSOCKET_NOTHING;
    }
    struct frame frame;
    enum websocket_verdict verdict = read_frame(websocket, stream, &frame, need);
    if (verdict != WEBSOCKET_NOTHING)
        return verdict;
    bool is_control = frame.opcode & CONTROL;
    if (!is_control && (websocket->is_skipping || frame.compressed ||
                        frame.len > WEBSOCKET_MESSAGE_MAX - websocket->gathered)) {
        *used = leave_out(websocket, &frame, stream.len);
        return WEBSOCKET_NOTHING;
    }
    *need = frame.header_len + (size_t)frame.len;
    if (*need > stream.len)
        return WEBSOCKET_MORE;
    *used = *need;
    if (is_control)
        return WEBSOCKET_NOTHING;
    unmask(buffer + websocket->gathered, stream.at + frame.header_len, (size_t)frame.len,
           frame.mask);
    websocket->gathered += (size_t)frame.len;
    websocket->is_in_message = !frame.fin;
    if (!frame.fin)
        return WEBSOCKET_NOTHING;
    *message = slice_of(buffer, websocket->gathered);
    websocket->gathered = 0;
    return WEBSOCKET_MESSAGE;
}
