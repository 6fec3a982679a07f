#include "flow/tcp_stream.h"

#include <stdlib.h>

#include "flow/tcp.h"

enum { REST_CAPACITY_MIN = 1024 };

static uint32_t early_len(const struct tcp_early *early)
{
    return (uint32_t)early->segment.payload.len;
}

static size_t early_cost(const struct tcp_early *early)
{
    return sizeof *early + early_len(early);
}

static bool has_room(const struct tcp_room *room, size_t bytes)
{
    return room->used <= room->max && bytes <= room->max - room->used;
}

static void free_early(struct tcp_room *room, struct tcp_early *early)
{
    room->used -= early_cost(early);
    free(early);
}

static struct tcp_early *pop_early(struct tcp_stream *stream)
{
    struct tcp_early *early = stream->early;
    stream->early = early->next;
    stream->early_count--;
    stream->early_bytes -= early_len(early);
    return early;
}

void tcp_stream_drop(struct tcp_stream *stream, struct tcp_room *room)
{
    while (stream->early)
        free_early(room, pop_early(stream));
    tcp_stream_drop_rest(stream, room);
}

void tcp_stream_begin(struct tcp_stream *stream, struct tcp_room *room, uint32_t seq)
{
    tcp_stream_drop(stream, room);
    stream->next = seq;
    stream->has_begun = true;
}

/* One piece, in front of *link. */
static enum tcp_keeping insert_early(struct tcp_stream *stream, struct tcp_room *room,
                                     struct tcp_early **link, uint32_t seq,
                                     const struct datagram *segment, struct slice octets)
{
    if (stream->early_count >= TCP_EARLY_SEGMENTS_MAX ||
        octets.len > TCP_EARLY_BYTES_MAX - stream->early_bytes)
        return TCP_KEPT_FULL;
    size_t bytes = sizeof **link + octets.len;
    struct tcp_early *early = has_room(room, bytes) ? malloc(bytes) : NULL;
    if (!early)
        return TCP_KEPT_NO_ROOM;
    *early = (struct tcp_early){.next = *link, .segment = *segment, .seq = seq};
    memcpy(early->octets, octets.at, octets.len);
    early->segment.payload = slice_of(early->octets, octets.len);
    *link = early;
    room->used += bytes;
    stream->early_count++;
    stream->early_bytes += (uint32_t)octets.len;
    return TCP_KEPT;
}

enum tcp_keeping tcp_stream_keep_early(struct tcp_stream *stream, struct tcp_room *room,
                                       uint32_t seq, const struct datagram *segment)
{
    struct slice left = segment->payload;
    struct tcp_early **link = &stream->early;
    enum tcp_keeping keeping = TCP_KEPT_ALREADY;
    while (left.len > 0) {
        struct tcp_early *early = *link;
        uint32_t step = (uint32_t)left.len;
        if (!early || tcp_seq_behind(seq, early->seq) < 0) {
            if (early && early->seq - seq < step)
                step = early->seq - seq;
            keeping = insert_early(stream, room, link, seq, segment, slice_head(left, step));
            if (keeping != TCP_KEPT)
                return keeping;
        } else {
            uint32_t end = early->seq + early_len(early);
            step = tcp_seq_behind(seq, end) < 0 ? end - seq : 0;
        }
        link = &(*link)->next;
        seq += step;
        left = slice_skip(left, step);
    }
    return keeping;
}

bool tcp_stream_take(struct tcp_stream *stream, uint32_t seq, const struct datagram *segment,
                     struct tcp_turn *turn)
{
    struct tcp_early *early = stream->early;
    if (early && early->seq == stream->next) {
        pop_early(stream);
        *turn = (struct tcp_turn){early->segment.payload, &early->segment, early};
    } else {
        uint32_t skip = stream->next - seq;
        if (!segment || tcp_seq_behind(stream->next, seq) < 0 || skip >= segment->payload.len)
            return false;
        struct slice octets = slice_skip(segment->payload, skip);
        if (early)
            octets = slice_head(octets, early->seq - stream->next);
        *turn = (struct tcp_turn){octets, segment, NULL};
    }
    stream->next += (uint32_t)turn->octets.len;
    return true;
}

void tcp_stream_release(struct tcp_room *room, struct tcp_turn *turn)
{
    if (turn->early)
        free_early(room, turn->early);
    turn->early = NULL;
}

void tcp_stream_go_to(struct tcp_stream *stream, uint32_t seq)
{
    stream->next = seq;
}

bool tcp_stream_keep_rest(struct tcp_stream *stream, struct tcp_room *room, struct slice octets)
{
    size_t needed = stream->rest_len + octets.len;
    if (needed > TCP_UNPARSED_BYTES_MAX)
        return false;
    if (needed > stream->rest_capacity) {
        /* Doubled, so that a message in many segments is copied but a few times. */
        size_t capacity = stream->rest_capacity ? stream->rest_capacity : REST_CAPACITY_MIN;
        while (capacity < needed)
            capacity *= 2;
        char *rest = has_room(room, capacity - stream->rest_capacity)
                         ? realloc(stream->rest, capacity)
                         : NULL;
        if (!rest)
            return false;
        room->used += capacity - stream->rest_capacity;
        stream->rest = rest;
        stream->rest_capacity = (uint32_t)capacity;
    }
    memcpy(stream->rest + stream->rest_len, octets.at, octets.len);
    stream->rest_len = (uint32_t)needed;
    return true;
}

void tcp_stream_drop_rest(struct tcp_stream *stream, struct tcp_room *room)
{
    room->used -= stream->rest_capacity;
    free(stream->rest);
    stream->rest = NULL;
    stream->rest_len = stream->rest_capacity = 0;
}

void tcp_stream_use_rest(struct tcp_stream *stream, struct tcp_room *room, size_t used)
{
    if (used >= stream->rest_len) {
        tcp_stream_drop_rest(stream, room);
        return;
    }
    stream->rest_len -= (uint32_t)used;
    memmove(stream->rest, stream->rest + used, stream->rest_len);
}
