/*
 * streams_table: what the files of `streams` share. Internal to the folder.
 */
#ifndef SIPSPAN_MEDIA_STREAMS_TABLE_H
#define SIPSPAN_MEDIA_STREAMS_TABLE_H

#include "base/hash.h"
#include "base/slab.h"
#include "media/streams.h"

/* At a crowded endpoint a stream of a few packets that was silent for so long makes room. */
#define STREAMS_CROWDED_NS INT64_C(500000000)

/* Owner's bits of rtp_source.flags: any of them set, a packet takes the longer way. */
enum {
    STREAM_IS_CANDIDATE = RTP_FLAGS_OWNER,
    STREAM_IS_QUIET = RTP_FLAGS_OWNER << 1,     /* its latest interval had no packet */
    STREAM_HAS_NO_CLOCK = RTP_FLAGS_OWNER << 2, /* which its time stamps may show */
    STREAM_IS_ODD = STREAM_IS_CANDIDATE | STREAM_IS_QUIET | STREAM_HAS_NO_CLOCK,
};

enum {
    STREAMS_KEYINGS = 1024,
    STREAMS_PER_ENDPOINT_MAX = 2048, /* from one, and to one */
    STREAMS_WALK_MAX = 64,           /* of these, the latest that are looked at for anything */
};

struct streams {
    struct streams_params params;
    struct streams_stats stats;
    uint64_t key[7];              /* of the streams' numbers: random */
    struct hash_key endpoint_key; /* of the other tables */
    struct table by_number, by_src, by_dst;
    struct slab streams, oddities, pasts, rtcp;
    struct list state[STREAM_STATE_COUNT];
    struct timer_heap timers;
    size_t active, candidates;
    /* Pairs of endpoints that exchanged keys, in whichever direction; the latest of each place. */
    uint64_t keying[STREAMS_KEYINGS];
};

static inline struct stream *stream_of(struct table_node *node)
{
    return CONTAINER_OF(node, struct stream, node);
}

static inline bool stream_is_told(const struct stream *stream)
{
    return stream->state != STREAM_CANDIDATE;
}

/* As streams_number; the SSRC as a number, not as it lies in the packet. */
uint64_t streams_number_of(const struct streams *streams, const struct endpoint *src,
                           const struct endpoint *dst, uint32_t ssrc);
uint64_t streams_endpoint_hash(const struct streams *streams, const struct endpoint *endpoint);
/* As streams_next_from, to this endpoint. */
struct stream *streams_next_to(const struct streams *streams, const struct endpoint *endpoint,
                               const struct stream *after);

/* streams_begin.c */
/* The first packet of a stream, if it may be one. */
void streams_begin(struct streams *streams, const struct datagram *datagram,
                   const struct rtp_header *header, uint64_t number);
/* One packet more of a candidate, before it is taken. */
void streams_probe(struct streams *streams, struct stream *stream, const struct rtp_header *header,
                   int64_t arrival_ns);
/* Asks whether it is announced, if it is of no call. */
void streams_look_for_call(struct streams *streams, struct stream *stream);
/* The codec of this payload type, by its call's announcements or as RFC 3551 fixes it. */
uint16_t streams_codec_of(const struct streams *streams, const struct stream *stream,
                          uint8_t payload_type);
/* What kind of payload a packet of another type than before has. */
enum rtp_payload streams_payload_of(const struct streams *streams, const struct stream *stream,
                                    uint8_t payload_type, const struct datagram *datagram);
/* What media are sent with from now on. */
void streams_set_codec(struct streams *streams, struct stream *stream, uint8_t payload_type);
/* To the end of the list of its state. */
void streams_set_state(struct streams *streams, struct stream *stream, enum stream_state state);
/* Frees all that a stream holds. */
void streams_free(struct streams *streams, struct stream *stream);

/* stream_intervals.c */
/* The stream is believed: its intervals begin, with its first packet. */
void stream_intervals_begin(struct streams *streams, struct stream *stream);
/* A packet came after an interval without one. */
void stream_intervals_wake(struct streams *streams, struct stream *stream, int64_t arrival_ns);
/* Its timer has fired. */
void stream_intervals_timer(struct streams *streams, struct stream *stream, int64_t now_ns);

/* stream_figures.c */
/* Of its present interval. */
void stream_figures_interval(const struct streams *streams, const struct stream *stream,
                             struct event_stream *figures);
/* Adds its present interval, which was told of or not, to its past. */
void stream_figures_keep(struct streams *streams, struct stream *stream,
                         const struct event_stream *figures, bool is_told);

/* streams_rtcp.c */
bool streams_has_keys(const struct streams *streams, const struct endpoint *a,
                      const struct endpoint *b);

#endif
