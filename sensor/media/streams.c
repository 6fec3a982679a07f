#include "media/streams.h"

#include <endian.h>
#include <stdlib.h>

#include "media/stream_rtcp.h"
#include "media/streams_table.h"

enum {
    INDEX_BYTES = 80,  /* of tables and timers, a stream */
    MOMENT_SHIFT = 26, /* of a packet's time: 67 ms */
};

static int init_tables(struct streams *streams, size_t streams_max)
{
    return slab_init(&streams->streams, sizeof(struct stream), streams_max) ||
                   slab_init(&streams->oddities, sizeof(struct rtp_oddities), streams_max) ||
                   slab_init(&streams->pasts, sizeof(struct stream_past), streams_max) ||
                   slab_init(&streams->rtcp, sizeof(struct stream_rtcp), streams_max) ||
                   table_init(&streams->by_number) || table_init_dense(&streams->by_src) ||
                   table_init_dense(&streams->by_dst) ||
                   timer_heap_init(&streams->timers, streams_max)
               ? -1
               : 0;
}

struct streams *streams_create(const struct streams_params *params)
{
    struct streams *streams = calloc(1, sizeof *streams);
    if (!streams)
        return NULL;
    streams->params = *params;
    streams->endpoint_key = hash_key_random();
    for (size_t i = 0; i < sizeof streams->key / sizeof streams->key[0]; i++)
        streams->key[i] = hash_key_random().k0;
    for (int state = 0; state < STREAM_STATE_COUNT; state++)
        list_init(&streams->state[state]);
    size_t each = sizeof(struct stream) + sizeof(struct rtp_oddities) + sizeof(struct stream_past) +
                  sizeof(struct stream_rtcp) + INDEX_BYTES;
    if (init_tables(streams, params->memory_bytes / each + 1)) {
        streams_destroy(streams);
        return NULL;
    }
    slab_use_huge_pages(&streams->streams);
    return streams;
}

void streams_destroy(struct streams *streams)
{
    if (!streams)
        return;
    timer_heap_fini(&streams->timers);
    table_fini(&streams->by_dst);
    table_fini(&streams->by_src);
    table_fini(&streams->by_number);
    slab_fini(&streams->rtcp);
    slab_fini(&streams->pasts);
    slab_fini(&streams->oddities);
    slab_fini(&streams->streams);
    free(streams);
}

size_t streams_active(const struct streams *streams)
{
    return streams->active;
}

size_t streams_tracked(const struct streams *streams)
{
    return streams->streams.used;
}

size_t streams_max(const struct streams *streams)
{
    return streams->streams.capacity;
}

const struct streams_stats *streams_stats(const struct streams *streams)
{
    return &streams->stats;
}

/* --- finding */

/* Sixty-four bits of a keyed hash stand for the stream itself. All as it lies in the packet. */
static inline uint64_t fold_number(const struct streams *streams, uint64_t addresses,
                                   uint32_t ports, uint32_t ssrc)
{
    return hash_fold(addresses ^ streams->key[0], ((uint64_t)ports << 32 | ssrc) ^ streams->key[1]);
}

/* Only `ssrc` as it lies in the packet. */
static inline uint64_t number_of(const struct streams *streams, const struct endpoint *src,
                                 const struct endpoint *dst, uint32_t ssrc)
{
    const uint64_t *key = streams->key;
    const uint8_t *from = src->ip.octets, *to = dst->ip.octets;
    uint16_t ports[2] = {htobe16(src->port), htobe16(dst->port)};
    if (src->ip.version == 4) {
        uint8_t both[8];
        memcpy(both, from, 4);
        memcpy(both + 4, to, 4);
        return fold_number(streams, hash_word(both), hash_half_word(ports), ssrc);
    }
    uint64_t hash = hash_fold(hash_word(from) ^ key[2], hash_word(to) ^ key[3]) ^
                    hash_fold(hash_word(from + 8) ^ key[4], hash_word(to + 8) ^ key[5]);
    return fold_number(streams, hash ^ key[6], hash_half_word(ports), ssrc);
}

uint64_t streams_number_v4(const struct streams *streams, uint64_t addresses, uint32_t ports,
                           uint32_t ssrc)
{
    return fold_number(streams, addresses, ports, ssrc);
}

uint64_t streams_number(const struct streams *streams, const struct datagram *datagram)
{
    return number_of(streams, &datagram->src, &datagram->dst,
                     hash_half_word(datagram->payload.at + 8));
}

uint64_t streams_number_of(const struct streams *streams, const struct endpoint *src,
                           const struct endpoint *dst, uint32_t ssrc)
{
    return number_of(streams, src, dst, htobe32(ssrc));
}

void streams_prefetch_slot(const struct streams *streams, uint64_t number)
{
    __builtin_prefetch(&streams->by_number.bucket[number & streams->by_number.mask]);
}

void streams_prefetch_node(const struct streams *streams, uint64_t number)
{
    __builtin_prefetch(streams->by_number.bucket[number & streams->by_number.mask], 1);
}

struct stream *streams_find(const struct streams *streams, uint64_t number)
{
    struct table_node *node = table_first(&streams->by_number, number);
    if (!node)
        return NULL;
    struct stream *stream = stream_of(node);
    __builtin_prefetch((const char *)stream + 64, 1);
    __builtin_prefetch((const char *)stream + 128, 1);
    return stream;
}

/* What was found a moment ago may be gone by now, or there may be one by now. */
static inline struct stream *find(const struct streams *streams, struct stream *found,
                                  uint64_t number)
{
    return found && found->node.hash == number ? found : streams_find(streams, number);
}

/* --- a packet */

/* Another payload type than before. */
static __attribute__((noinline)) enum rtp_payload change_type(struct streams *streams,
                                                              struct stream *stream,
                                                              const struct rtp_header *header,
                                                              const struct datagram *datagram)
{
    enum rtp_payload payload = streams_payload_of(streams, stream, header->payload_type, datagram);
    if (payload != RTP_MEDIA)
        return payload;
    streams_set_codec(streams, stream, header->payload_type);
    rtp_source_learn_anew(&stream->source, &stream->record, header, datagram->time_ns);
    streams_look_for_call(streams, stream);
    return RTP_MEDIA;
}

static __attribute__((noinline)) void take_odd(struct streams *streams, struct stream *stream,
                                               const struct rtp_header *header, int64_t arrival_ns)
{
    if (stream->source.flags & STREAM_IS_CANDIDATE)
        streams_probe(streams, stream, header, arrival_ns);
    if (stream->source.flags & STREAM_IS_QUIET)
        stream_intervals_wake(streams, stream, arrival_ns);
}

static void learn_clock(struct stream *stream, const struct rtp_header *header, int64_t arrival_ns)
{
    uint32_t clock_hz =
        rtp_source_learn_clock(&stream->source, &stream->record, header, arrival_ns);
    if (clock_hz == 0)
        return;
    rtp_source_set_type(&stream->source, &stream->record, stream->source.payload_type, clock_hz);
    stream->source.flags &= (uint8_t)~STREAM_HAS_NO_CLOCK;
}

/* Of a stream that is believed: what it shows, `received` having been counted before it. */
static inline enum streams_verdict note(struct streams *streams, struct rtp_source *source,
                                        enum rtp_taken taken, uint32_t received, int64_t arrival_ns)
{
    streams->stats.packets += source->received - received;
    uint32_t moment = (uint32_t)((uint64_t)arrival_ns >> MOMENT_SHIFT);
    bool is_noted = source->note == moment;
    source->note = moment;
    if (taken == RTP_MISSING)
        return STREAMS_MISSING;
    return is_noted ? STREAMS_NOTED : STREAMS_IN_ORDER;
}

enum streams_verdict streams_rtp(struct streams *streams, struct stream *found,
                                 const struct datagram *datagram, uint64_t number)
{
    struct rtp_header header;
    rtp_header_read(datagram->payload, &header);
    struct stream *stream = find(streams, found, number);
    if (!stream) {
        streams_begin(streams, datagram, &header, number);
        return STREAMS_NOT_BELIEVED;
    }
    struct rtp_source *source = &stream->source;
    enum rtp_payload payload = RTP_MEDIA;
    if (source->flags & STREAM_IS_ODD)
        take_odd(streams, stream, &header, datagram->time_ns);
    if (header.payload_type != source->payload_type)
        payload = change_type(streams, stream, &header, datagram);
    uint32_t received = source->received;
    enum rtp_taken taken =
        rtp_source_take(source, &stream->record, &header, datagram->time_ns, payload);
    if (source->flags & STREAM_HAS_NO_CLOCK && payload == RTP_MEDIA && taken != RTP_DUPLICATE)
        learn_clock(stream, &header, datagram->time_ns);
    if (source->flags & STREAM_IS_CANDIDATE)
        return STREAMS_NOT_BELIEVED;
    return note(streams, source, taken, received, datagram->time_ns);
}

bool streams_expects(const struct stream *found, uint64_t number, uint8_t payload_type)
{
    return found && found->node.hash == number && !(found->source.flags & STREAM_IS_ODD) &&
           found->source.payload_type == payload_type;
}

enum streams_verdict streams_rtp_expected(struct streams *streams, struct stream *stream,
                                          const struct rtp_header *header, int64_t arrival_ns)
{
    struct rtp_source *source = &stream->source;
    uint32_t received = source->received;
    enum rtp_taken taken = rtp_source_take(source, &stream->record, header, arrival_ns, RTP_MEDIA);
    return note(streams, source, taken, received, arrival_ns);
}

void streams_rtp_copy(struct streams *streams, struct stream *found, uint64_t number,
                      bool is_doubtful)
{
    struct stream *stream = find(streams, found, number);
    if (!stream)
        return;
    struct rtp_counts *counts = &rtp_record_note(&stream->record)->counts;
    counts->mirror_copies += !is_doubtful;
    counts->doubtful_copies += is_doubtful;
}

/* --- time */

int64_t streams_due_ns(const struct streams *streams)
{
    return timer_heap_due(&streams->timers);
}

void streams_advance(struct streams *streams, int64_t now_ns)
{
    struct timer *timer;
    int64_t deadline_ns;
    while ((timer = timer_heap_pop(&streams->timers, now_ns, &deadline_ns)) != NULL)
        stream_intervals_timer(streams, CONTAINER_OF(timer, struct stream, timer), deadline_ns);
}

void streams_end(struct streams *streams, struct stream *stream)
{
    streams_free(streams, stream);
}

void streams_finish(struct streams *streams)
{
    for (int state = STREAM_JOINED; state >= STREAM_CANDIDATE; state--) {
        struct list *head = &streams->state[state];
        while (!list_is_empty(head)) {
            struct stream *stream = CONTAINER_OF(head->next, struct stream, in_state);
            if (stream_is_told(stream))
                streams_conclude(streams, stream);
            streams_free(streams, stream);
        }
    }
}

void streams_clock_step(struct streams *streams, int64_t step_ns)
{
    timer_heap_shift(&streams->timers, step_ns);
    for (int state = STREAM_CANDIDATE; state < STREAM_STATE_COUNT; state++) {
        struct list *head = &streams->state[state];
        for (struct list *at = head->next; at != head; at = at->next) {
            struct stream *stream = CONTAINER_OF(at, struct stream, in_state);
            rtp_source_clock_step(&stream->source, &stream->record, step_ns);
            stream->interval_ns += step_ns;
            if (stream->rtcp)
                stream_rtcp_clock_step(stream->rtcp, step_ns);
        }
    }
}
