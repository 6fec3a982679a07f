/*
 * How a stream begins: as a candidate, until it is believed; how it is joined to a call; and how
 * room is made for it.
 */
#include "media/stream_rtcp.h"
#include "media/streams_table.h"

enum {
    EVENT_OCTETS = 4, /* of an RFC 4733 packet's payload */
    PORT_DNS = 53,
    PORT_QUIC = 443,
    CANDIDATES_SHARE = 8, /* of all streams: one part in so many */
    TYPE_NONE = 0xff,     /* nothing but events or comfort noise was sent so far */
};

/* Time stamps of packets in a row: more than 5 s at 90 kHz is no RTP. */
#define CANDIDATE_TICKS_MAX 450000U
#define CANDIDATE_APART_NS  INT64_C(1000000000)

void streams_set_state(struct streams *streams, struct stream *stream, enum stream_state state)
{
    streams->candidates += (state == STREAM_CANDIDATE) - (stream->state == STREAM_CANDIDATE);
    list_remove(&stream->in_state);
    list_append(&streams->state[state], &stream->in_state);
    stream->state = (uint8_t)state;
}

void streams_free(struct streams *streams, struct stream *stream)
{
    bool was_active = stream_is_told(stream) && !(stream->source.flags & STREAM_IS_QUIET);
    streams->active -= was_active;
    streams->candidates -= stream->state == STREAM_CANDIDATE;
    timer_heap_cancel(&streams->timers, &stream->timer);
    table_remove(&streams->by_number, &stream->node);
    table_remove(&streams->by_src, &stream->by_src);
    table_remove(&streams->by_dst, &stream->by_dst);
    list_remove(&stream->in_state);
    list_remove(&stream->in_call);
    rtp_source_end(&stream->record);
    slab_free(&streams->pasts, stream->past);
    slab_free(&streams->rtcp, stream->rtcp);
    stream->state = STREAM_FREE;
    stream->node.hash = ~stream->node.hash; /* for who has found it and not looked yet */
    slab_free(&streams->streams, stream);
}

static void evict(struct streams *streams, struct stream *stream)
{
    if (stream_is_told(stream)) {
        streams_conclude(streams, stream);
        streams->stats.evicted++;
    } else {
        streams->stats.refused++;
    }
    streams_free(streams, stream);
}

/*
 * Candidates first, unless there are hardly any: else, in a table full of streams that are forged
 * and believed, new ones would push out each other for ever.
 */
static struct stream *make_room(struct streams *streams)
{
    struct list *candidates = &streams->state[STREAM_CANDIDATE];
    struct list *alone = &streams->state[STREAM_ALONE];
    bool is_few = streams->candidates < streams->streams.capacity / CANDIDATES_SHARE;
    struct list *from =
        list_is_empty(alone) || (!is_few && !list_is_empty(candidates)) ? candidates : alone;
    if (list_is_empty(from)) {
        streams->stats.left_out++;
        return NULL;
    }
    evict(streams, CONTAINER_OF(from->next, struct stream, in_state));
    return slab_alloc(&streams->streams);
}

/* What nobody would miss: a candidate, or one that was announced and of which hardly any came. */
static bool is_idle_junk(const struct stream *stream, int64_t now_ns)
{
    return stream->source.received < STREAMS_PACKETS_MIN &&
           now_ns - stream->source.seen_ns > STREAMS_CROWDED_NS;
}

/*
 * Where thousands of streams share an endpoint, which only forged ones do, the latest begun ones
 * that came to nothing make room. `crowd` is how many there were before this one.
 */
static bool make_room_at(struct streams *streams, const struct endpoint *endpoint, unsigned crowd,
                         int64_t now_ns,
                         struct stream *(*next)(const struct streams *streams,
                                                const struct endpoint *endpoint,
                                                const struct stream *after))
{
    if (crowd < STREAMS_PER_ENDPOINT_MAX)
        return true;
    struct stream *at = next(streams, endpoint, NULL);
    for (unsigned i = 0; at && i < STREAMS_WALK_MAX; i++, at = next(streams, endpoint, at)) {
        if (is_idle_junk(at, now_ns)) {
            evict(streams, at);
            return true;
        }
    }
    return false;
}

/* How many streams had begun at this endpoint before: an upper bound of how many there are. */
static unsigned crowd_of(const struct stream *latest, bool is_from)
{
    unsigned crowd = !latest ? 0 : (is_from ? latest->crowd_from : latest->crowd_to) + 1U;
    return crowd < STREAMS_PER_ENDPOINT_MAX ? crowd : STREAMS_PER_ENDPOINT_MAX;
}

uint16_t streams_codec_of(const struct streams *streams, const struct stream *stream,
                          uint8_t payload_type)
{
    const struct streams_joiner *joiner = &streams->params.joiner;
    uint16_t codec = CODEC_NONE;
    if (stream->state == STREAM_JOINED && joiner->codec)
        codec = joiner->codec(joiner->context, stream, payload_type);
    return codec == CODEC_NONE ? codec_book_static(streams->params.codecs, payload_type) : codec;
}

/* What media are sent with from now on. */
void streams_set_codec(struct streams *streams, struct stream *stream, uint8_t payload_type)
{
    stream->codec = streams_codec_of(streams, stream, payload_type);
    uint32_t clock_hz = codec_at(streams->params.codecs, stream->codec)->clock_hz;
    rtp_source_set_type(&stream->source, &stream->record, payload_type, clock_hz);
    if (clock_hz > 0)
        stream->source.flags &= (uint8_t)~STREAM_HAS_NO_CLOCK;
    else
        stream->source.flags |= STREAM_HAS_NO_CLOCK;
}

/* RFC 4733, by its announcement or, where there is none, by its length. */
static bool is_event(const struct streams *streams, uint16_t codec, uint8_t payload_type,
                     const struct datagram *datagram)
{
    if (codec != CODEC_NONE)
        return codec_at(streams->params.codecs, codec)->kind == CODEC_TELEPHONE_EVENT;
    bool is_bare = (datagram->payload.at[0] & 0x1f) == 0; /* no extension, no CSRC */
    return payload_type >= 96 && is_bare && !datagram->truncated &&
           datagram->payload.len == RTP_HEADER_LEN + EVENT_OCTETS;
}

enum rtp_payload streams_payload_of(const struct streams *streams, const struct stream *stream,
                                    uint8_t payload_type, const struct datagram *datagram)
{
    uint16_t codec = streams_codec_of(streams, stream, payload_type);
    if (is_event(streams, codec, payload_type, datagram))
        return RTP_EVENT;
    return codec_at(streams->params.codecs, codec)->kind == CODEC_COMFORT_NOISE ? RTP_COMFORT_NOISE
                                                                                : RTP_MEDIA;
}

void streams_look_for_call(struct streams *streams, struct stream *stream)
{
    const struct streams_joiner *joiner = &streams->params.joiner;
    if (stream->state != STREAM_JOINED && joiner->look)
        joiner->look(joiner->context, stream);
}

/* Ports of protocols that are not RTP, whatever their octets look like. */
static bool is_port_of_others(uint16_t port)
{
    return port == PORT_DNS || port == PORT_QUIC;
}

/* Of a first packet that nobody announced. */
static bool may_be_rtp(const struct datagram *datagram)
{
    return rtp_is_plausible(datagram->payload, datagram->truncated) &&
           !is_port_of_others(datagram->src.port) && !is_port_of_others(datagram->dst.port);
}

static void set_up(struct streams *streams, struct stream *stream, const struct datagram *datagram,
                   const struct rtp_header *header, uint64_t number)
{
    memset(stream, 0, sizeof *stream);
    stream->src = datagram->src;
    stream->dst = datagram->dst;
    stream->ssrc = header->ssrc;
    stream->state = STREAM_FREE;
    stream->agreeing = 1;
    stream->last_timestamp = header->timestamp;
    list_init(&stream->in_state);
    list_init(&stream->in_call);
    rtp_source_begin(&stream->source, &stream->record, &streams->oddities, header,
                     datagram->time_ns);
    stream->source.flags |= STREAM_IS_CANDIDATE;
    if (streams_has_keys(streams, &datagram->src, &datagram->dst))
        stream->has_srtp = stream->is_srtp = true;
    table_insert(&streams->by_number, &stream->node, number);
    table_insert(&streams->by_src, &stream->by_src, streams_endpoint_hash(streams, &stream->src));
    table_insert(&streams->by_dst, &stream->by_dst, streams_endpoint_hash(streams, &stream->dst));
    streams_set_state(streams, stream, STREAM_CANDIDATE);
    timer_heap_set(&streams->timers, &stream->timer, datagram->time_ns + STREAMS_CANDIDATE_IDLE_NS);
}

void streams_begin(struct streams *streams, const struct datagram *datagram,
                   const struct rtp_header *header, uint64_t number)
{
    const struct endpoint *src = &datagram->src, *dst = &datagram->dst;
    unsigned from = crowd_of(streams_next_from(streams, src, NULL), true);
    unsigned to = crowd_of(streams_next_to(streams, dst, NULL), false);
    if (!make_room_at(streams, src, from, datagram->time_ns, streams_next_from) ||
        !make_room_at(streams, dst, to, datagram->time_ns, streams_next_to)) {
        streams->stats.left_out++;
        return;
    }
    struct stream *stream = slab_alloc(&streams->streams);
    if (!stream && !(stream = make_room(streams)))
        return;
    set_up(streams, stream, datagram, header, number);
    stream->crowd_from = (uint16_t)from;
    stream->crowd_to = (uint16_t)to;
    streams_look_for_call(streams, stream);
    if (stream->state != STREAM_JOINED && !may_be_rtp(datagram)) {
        streams_free(streams, stream);
        return;
    }
    enum rtp_payload payload = streams_payload_of(streams, stream, header->payload_type, datagram);
    if (payload == RTP_MEDIA) {
        streams_set_codec(streams, stream, header->payload_type);
    } else {
        stream->source.payload_type = TYPE_NONE;
        struct rtp_counts *counts = &rtp_record_note(&stream->record)->counts;
        counts->event_packets = payload == RTP_EVENT;
        counts->comfort_noise_packets = payload == RTP_COMFORT_NOISE;
        stream->source.flags |= payload == RTP_COMFORT_NOISE ? RTP_SENDS_NOISE : 0;
    }
}

static void believe(struct streams *streams, struct stream *stream, enum stream_state state)
{
    streams_set_state(streams, stream, state);
    if (!(stream->source.flags & STREAM_IS_CANDIDATE))
        return;
    stream->source.flags &= (uint8_t)~STREAM_IS_CANDIDATE;
    streams->stats.begun++;
    streams->stats.packets += stream->source.received;
    stream_intervals_begin(streams, stream);
}

void streams_join(struct streams *streams, struct stream *stream, struct call *call,
                  const struct arena_text *call_id, bool from_callee)
{
    stream->call = call;
    stream->call_id = call_id;
    stream->from_callee = from_callee;
    streams->stats.joined++;
    believe(streams, stream, STREAM_JOINED);
    streams_relearn(streams, stream);
}

void streams_part(struct streams *streams, struct stream *stream)
{
    list_remove(&stream->in_call);
    stream->call = NULL;
    stream->call_id = NULL;
    streams_set_state(streams, stream, STREAM_ALONE);
    if (stream->source.flags & STREAM_IS_QUIET)
        timer_heap_set(&streams->timers, &stream->timer, stream->source.seen_ns + STREAMS_IDLE_NS);
}

void streams_relearn(struct streams *streams, struct stream *stream)
{
    uint8_t payload_type = stream->source.payload_type;
    if (payload_type == TYPE_NONE || streams_codec_of(streams, stream, payload_type) == CODEC_NONE)
        return; /* nothing better is known than its time stamps show */
    streams_set_codec(streams, stream, payload_type);
}

/* Four in sequence, and ten in all: then it is RTP, announced or not. */
void streams_probe(struct streams *streams, struct stream *stream, const struct rtp_header *header,
                   int64_t arrival_ns)
{
    const struct rtp_source *source = &stream->source;
    bool follows = (uint16_t)(header->sequence - (uint16_t)source->highest) == 1 &&
                   header->timestamp - stream->last_timestamp <= CANDIDATE_TICKS_MAX &&
                   arrival_ns - source->seen_ns <= CANDIDATE_APART_NS;
    stream->last_timestamp = header->timestamp;
    if (stream->agreeing < STREAMS_SEQUENTIAL)
        stream->agreeing = follows ? (uint8_t)(stream->agreeing + 1) : 1;
    streams_set_state(streams, stream, STREAM_CANDIDATE); /* the latest */
    if (stream->agreeing >= STREAMS_SEQUENTIAL && source->received + 1 >= STREAMS_PACKETS_MIN)
        believe(streams, stream, STREAM_ALONE);
}
