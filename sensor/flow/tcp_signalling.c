#include "flow/tcp_signalling.h"

#include <stdlib.h>

#include "base/cursor.h"
#include "flow/tls.h"
#include "sip/sip_frame.h"

enum {
    TLS_TYPE_MIN = 20,
    TLS_TYPE_HANDSHAKE = 22,
    TLS_TYPE_MAX = 23,
    TLS_TELLING = 7,  /* octets that tell every record; none is shorter that matters */
    START_SEEN = 256, /* a line of which so much begins no start line is none */
    FRAME_SEEN = 64,  /* of a frame's payload: enough to tell a start line */
};

static bool has_line(struct slice text)
{
    return slice_find(text, '\n') < text.len;
}

static bool starts_as_tls(struct slice stream)
{
    uint8_t first = (uint8_t)stream.at[0];
    return first >= TLS_TYPE_MIN && first <= TLS_TYPE_MAX;
}

/* In the middle of a stream only a handshake is believed: the rest is too short to tell. */
static bool is_tls(struct slice stream, bool is_beginning)
{
    uint8_t alert;
    switch (tls_recognise(stream, &alert)) {
    case TLS_CLIENT_HELLO:
        return true;
    case TLS_HANDSHAKE:
        return is_beginning || (uint8_t)stream.at[0] == TLS_TYPE_HANDSHAKE;
    case TLS_ALERT:
        return is_beginning;
    default:
        return false;
    }
}

/* A first frame of text or binary data, whose payload begins as SIP does. */
static bool is_sip_frame(struct slice stream)
{
    struct cursor c = cursor_of(stream.at, stream.len);
    uint8_t first = cursor_u8(&c) & 0x7f, second = cursor_u8(&c);
    uint8_t mask[4] = {0};
    char text[FRAME_SEEN];
    cursor_skip(&c, (second & 0x7f) == 126 ? 2 : (second & 0x7f) == 127 ? 8 : 0);
    for (int i = 0; (second & 0x80) && i < 4; i++)
        mask[i] = cursor_u8(&c);
    if (c.failed || (first != 1 && first != 2))
        return false;
    size_t len = 0;
    for (; len < FRAME_SEEN && c.left > 0; len++)
        text[len] = (char)(cursor_u8(&c) ^ mask[len % 4]);
    return sip_frame_is_start(slice_of(text, len));
}

bool tcp_signalling_begins_sip(struct slice payload)
{
    struct slice line = slice_head(payload, slice_find(payload, '\n') + 1);
    return has_line(line) && sip_frame_find_start(line) == 0;
}

bool tcp_signalling_begins(struct slice payload)
{
    if (payload.len == 0)
        return false;
    return tcp_signalling_begins_sip(payload) ||
           (starts_as_tls(payload) && is_tls(payload, false)) || is_sip_frame(payload);
}

bool tcp_signalling_is_ours(struct slice payload)
{
    size_t len;
    return sip_frame_is_start(payload) ||
           (payload.len > 0 && payload.at[0] == 'G' &&
            websocket_upgrade(payload, &len) == WEBSOCKET_UPGRADE_REQUEST);
}

static enum tcp_octets wait_for(struct tcp_signalling *s, size_t octets)
{
    s->need = (uint32_t)octets;
    return TCP_OCTETS_MORE;
}

static bool ends_with_blank_line(struct slice text)
{
    const char *end = text.at + text.len;
    return (text.len >= 2 && end[-1] == '\n' && end[-2] == '\n') ||
           (text.len >= 3 && end[-1] == '\n' && end[-2] == '\r' && end[-3] == '\n');
}

/* Behind its first line it is read once the blank line that ends it is there: whoever sends it
 * octet by octet makes no work. */
static enum websocket_upgrade look_for_upgrade(struct tcp_signalling *s, struct slice stream,
                                               size_t *used)
{
    size_t at = s->upgrade_searched, line = slice_find(stream, '\n');
    bool is_due = at <= line || stream.len >= WEBSOCKET_UPGRADE_MAX;
    while (!is_due && at < stream.len)
        is_due = ends_with_blank_line(slice_head(stream, ++at));
    *used = 0;
    enum websocket_upgrade upgrade =
        is_due ? websocket_upgrade(stream, used) : WEBSOCKET_UPGRADE_MORE;
    s->upgrade_searched = upgrade == WEBSOCKET_UPGRADE_MORE ? (uint32_t)stream.len : 0;
    return upgrade;
}

/* Of a stream whose kind is not known. False: go on with what it is now. */
static bool identify(struct tcp_signalling *s, struct slice stream, size_t *used,
                     enum tcp_octets *octets)
{
    if (starts_as_tls(stream)) {
        if (s->is_beginning && stream.len < TLS_TELLING) {
            *octets = wait_for(s, TLS_TELLING);
            return true;
        }
        if (is_tls(stream, s->is_beginning)) {
            s->kind = TCP_KIND_TLS;
            *octets = TCP_OCTETS_TLS;
            return true;
        }
    }
    switch (look_for_upgrade(s, stream, used)) {
    case WEBSOCKET_UPGRADE_NONE:
        break;
    case WEBSOCKET_UPGRADE_MORE:
        *used = 0;
        *octets = wait_for(s, stream.len + 1);
        return true;
    case WEBSOCKET_UPGRADE_REQUEST:
    case WEBSOCKET_UPGRADE_RESPONSE:
        s->kind = TCP_KIND_WEBSOCKET;
        s->is_searching = false;
        *octets = TCP_OCTETS_NOTHING;
        return true;
    }
    if (s->is_searching && is_sip_frame(stream))
        s->kind = TCP_KIND_WEBSOCKET;
    return false;
}

static enum tcp_octets skip(struct tcp_signalling *s, size_t octets, size_t *used)
{
    s->is_lost = true;
    *used = octets;
    return TCP_OCTETS_SKIPPED;
}

static enum tcp_octets next_sip(struct tcp_signalling *s, struct slice stream, size_t *used,
                                struct slice *message)
{
    if (s->is_searching) {
        size_t start = sip_frame_find_start(stream);
        struct slice line = slice_skip(stream, start);
        s->is_searching = !has_line(line);
        if (start > 0)
            return skip(s, start, used);
        if (s->is_searching)
            return stream.len < START_SEEN || sip_frame_is_start(stream)
                       ? wait_for(s, stream.len + 1)
                       : skip(s, stream.len, used);
    }
    struct sip_frame frame;
    sip_frame_next(stream, s->searched, &frame);
    s->searched = (uint32_t)frame.searched;
    switch (frame.verdict) {
    case SIP_FRAME_MORE:
        return wait_for(s, frame.len);
    case SIP_FRAME_LOST:
        return skip(s, frame.len, used);
    case SIP_FRAME_KEEP_ALIVE:
        *used = frame.len;
        return TCP_OCTETS_NOTHING;
    case SIP_FRAME_MESSAGE:
        break;
    }
    s->kind = TCP_KIND_SIP;
    *used = frame.len;
    *message = slice_head(stream, frame.len);
    return TCP_OCTETS_MESSAGE;
}

static void free_gathering(struct tcp_signalling *s, struct tcp_room *room)
{
    if (s->gathering)
        room->used -= WEBSOCKET_MESSAGE_MAX;
    free(s->gathering);
    s->gathering = NULL;
}

static bool is_blank(struct slice message)
{
    size_t i = 0;
    while (i < message.len && (message.at[i] == '\r' || message.at[i] == '\n'))
        i++;
    return i == message.len;
}

static enum tcp_octets next_frame(struct tcp_signalling *s, struct tcp_room *room,
                                  struct slice stream, char *scratch, size_t *used,
                                  struct slice *message)
{
    size_t need;
    if (s->websocket.gathered == 0)
        free_gathering(s, room);
    if (s->is_searching && stream.len > 0 && !is_sip_frame(stream))
        return skip(s, stream.len, used);
    s->is_searching = s->is_searching && stream.len == 0;
    switch (websocket_next(&s->websocket, stream, s->gathering ? s->gathering : scratch, used,
                           &need, message)) {
    case WEBSOCKET_MORE:
        return wait_for(s, need);
    case WEBSOCKET_BROKEN:
        tcp_signalling_lose(s, room);
        return skip(s, stream.len, used);
    case WEBSOCKET_NOTHING:
        return TCP_OCTETS_NOTHING;
    case WEBSOCKET_MESSAGE:
        break;
    }
    return is_blank(*message) ? TCP_OCTETS_NOTHING : TCP_OCTETS_MESSAGE;
}

enum tcp_octets tcp_signalling_next(struct tcp_signalling *s, struct tcp_room *room,
                                    struct slice stream, char *scratch, size_t *used,
                                    struct slice *message)
{
    enum tcp_octets octets;
    *used = 0;
    if (stream.len < s->need)
        return TCP_OCTETS_MORE;
    s->need = 0;
    if (s->kind == TCP_KIND_UNKNOWN && s->searched == 0 && stream.len > 0 &&
        identify(s, stream, used, &octets)) {
        s->is_beginning = s->is_beginning && *used == 0;
        return octets;
    }
    octets = s->kind == TCP_KIND_WEBSOCKET ? next_frame(s, room, stream, scratch, used, message)
                                           : next_sip(s, stream, used, message);
    s->is_beginning = s->is_beginning && *used == 0;
    return octets;
}

bool tcp_signalling_keep(struct tcp_signalling *s, struct tcp_room *room, const char *scratch)
{
    if (s->websocket.gathered == 0 || s->gathering)
        return true;
    if (room->used > room->max || room->max - room->used < WEBSOCKET_MESSAGE_MAX)
        return false;
    s->gathering = malloc(WEBSOCKET_MESSAGE_MAX);
    if (!s->gathering)
        return false;
    room->used += WEBSOCKET_MESSAGE_MAX;
    memcpy(s->gathering, scratch, s->websocket.gathered);
    return true;
}

bool tcp_signalling_is_message(const struct tcp_signalling *s, struct slice rest)
{
    return s->kind != TCP_KIND_WEBSOCKET && !s->is_searching && sip_frame_is_start(rest);
}

void tcp_signalling_lose(struct tcp_signalling *s, struct tcp_room *room)
{
    free_gathering(s, room);
    s->websocket = (struct websocket){0};
    s->searched = s->need = s->upgrade_searched = 0;
    s->is_beginning = false;
    s->is_searching = s->is_lost = true;
}

void tcp_signalling_fini(struct tcp_signalling *s, struct tcp_room *room)
{
    free_gathering(s, room);
    *s = (struct tcp_signalling){0};
}
