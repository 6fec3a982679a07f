/*
 * streams: finds every RTP stream in the UDP packets that pass, measures it (rtp_source.h), judges
 * it interval by interval, and tells of it (sipspan.rtp.*).
 *
 * A packet that looks like RTP and is of no stream in view begins a candidate. It is believed at
 * once where somebody announced it (SDP, through `joiner`), else after STREAMS_SEQUENTIAL packets
 * in sequence and STREAMS_PACKETS_MIN in all (RFC 3550 A.1, stricter); then it counts from its very
 * first packet. Nothing but the octets decides what RTP is. RTCP of a stream, on its own port, the
 * next one or the same (RFC 5761), adds delay and what the far end sees.
 *
 * Streams of a call live until streams_end; others until they were silent for STREAMS_IDLE_NS.
 * Memory: fixed, see streams_create. When it is full, candidates make room first, then the streams
 * without a call that were silent longest, in that order; if all are of calls, a new one is counted
 * and left out. Thread: a worker's own. Time: ns of the packets' clock.
 */
#ifndef SIPSPAN_MEDIA_STREAMS_H
#define SIPSPAN_MEDIA_STREAMS_H

#include "event/event.h"
#include "media/stream.h"
#include "net/packet.h"
#include "net/peer_names.h"
#include "rtp/codec.h"

enum streams_doubt {
    STREAMS_DOUBT_LOSS = 1,  /* lost some */
    STREAMS_DOUBT_TIMES = 2, /* put them out of order */
};

enum { STREAMS_SEQUENTIAL = 4, STREAMS_PACKETS_MIN = 10 };

#define STREAMS_IDLE_NS           INT64_C(30000000000)
#define STREAMS_CANDIDATE_IDLE_NS INT64_C(2000000000)

/* Whoever knows what was announced in SDP. */
struct streams_joiner {
    void *context;
    /*
     * A packet of a stream that is of no call: is it announced? If so the joiner calls
     * streams_join. Asked at a stream's first packet and when it changes its payload type.
     */
    void (*look)(void *context, struct stream *stream);
    /* The codec that the announcements of its call give to this payload type, or CODEC_NONE. */
    uint16_t (*codec)(void *context, const struct stream *stream, uint8_t payload_type);
};

struct streams_params {
    uint64_t memory_bytes; /* for all of its tables */
    int64_t interval_ns;
    bool has_concealment; /* what receives G.711 conceals losses (ITU-T G.711 Appendix I) */
    const char *sensor_id;
    struct peer_names names;
    struct quality_thresholds thresholds; /* where the peer has none */
    struct codec_book *codecs;            /* stays the caller's */
    struct streams_joiner joiner;
    event_receiver receive;
    /* What the sensor or its mirror may have done to the packets since then: enum streams_doubt,
     * or-ed. NULL: nothing. */
    unsigned (*doubts)(void *context, int64_t since_ns);
    void *context; /* of the two */
};

struct streams_stats {
    uint64_t packets; /* of streams that are believed, without repeats and mirror copies */
    uint64_t lost;    /* of intervals and streams that are over */
    uint64_t rtcp;    /* datagrams that could be read */
    uint64_t rtcp_refused;
    uint64_t begun;    /* streams that were believed */
    uint64_t joined;   /* of these, of a call */
    uint64_t refused;  /* candidates that were no RTP after all */
    uint64_t left_out; /* packets of streams for which there was no room */
    uint64_t evicted;  /* streams that made room before they ended */
};

struct streams;

/* NULL: out of memory. */
struct streams *streams_create(const struct streams_params *params);
void streams_destroy(struct streams *streams); /* NULL does nothing */

/* How many there are now that had a packet in their latest interval; how many there can be. */
size_t streams_active(const struct streams *streams);
size_t streams_tracked(const struct streams *streams);
size_t streams_max(const struct streams *streams);
const struct streams_stats *streams_stats(const struct streams *streams);

/*
 * A UDP packet that rtp_looks_like, in steps, so that the memory it needs has time to come: the
 * number of its stream; then, each some packets later, where that is found asked for; where the
 * stream is asked for; the stream found (NULL: not in view); at last the packet itself. What was
 * found is good for as long as `streams` lives, whatever happens in between.
 */
uint64_t streams_number(const struct streams *streams, const struct datagram *datagram);
/* The same of an IPv4 packet: all as it lies in its headers, both addresses (and ports) in a row.
 */
uint64_t streams_number_v4(const struct streams *streams, uint64_t addresses, uint32_t ports,
                           uint32_t ssrc);
void streams_prefetch_slot(const struct streams *streams, uint64_t number);
void streams_prefetch_node(const struct streams *streams, uint64_t number);
struct stream *streams_find(const struct streams *streams, uint64_t number);

/* What a packet shows of the path to the sensor, for the mirror's health; a moment is shorter than
 * the mirror's. */
enum streams_verdict {
    STREAMS_NOT_BELIEVED,
    STREAMS_NOTED,    /* nothing is missing, as it was a moment ago */
    STREAMS_IN_ORDER, /* the same, for the first time in this moment */
    STREAMS_MISSING,  /* sequence numbers some packets before it are missing; told once for each */
};

enum streams_verdict streams_rtp(struct streams *streams, struct stream *found,
                                 const struct datagram *datagram, uint64_t number);
/*
 * Nearly all packets, in two steps: is it of the stream that was found, with nothing about this one
 * that asks for more than measuring? If so, streams_rtp_expected does what streams_rtp would.
 */
bool streams_expects(const struct stream *found, uint64_t number, uint8_t payload_type);
enum streams_verdict streams_rtp_expected(struct streams *streams, struct stream *stream,
                                          const struct rtp_header *header, int64_t arrival_ns);
/* A mirror copy of one. is_doubtful: it may also be the network that doubled it: it is the very
 * same and came later than mirrors do. */
void streams_rtp_copy(struct streams *streams, struct stream *found, uint64_t number,
                      bool is_doubtful);
/* A UDP packet that is RTCP by its octets. */
void streams_rtcp(struct streams *streams, const struct datagram *datagram);
/*
 * Is it RTCP in clear, as far as anybody can tell? Then *call_id is that of the stream that it is
 * about, empty if that is of no call or not in view.
 */
bool streams_read_rtcp(const struct streams *streams, const struct datagram *datagram,
                       struct slice *call_id);
/* DTLS or ZRTP between these two: what RTP there is between them is encrypted. */
void streams_saw_keying(struct streams *streams, const struct datagram *datagram);

/* When something is due; INT64_MAX: nothing is. */
int64_t streams_due_ns(const struct streams *streams);
void streams_advance(struct streams *streams, int64_t now_ns);
/* The input ended: each stream gives its last report. */
void streams_finish(struct streams *streams);
void streams_clock_step(struct streams *streams, int64_t step_ns);

/*
 * For the joiner. A stream that was of no call is of this one now; it is put into `in_call` (by the
 * caller). call_id must live until streams_part or streams_end.
 */
void streams_join(struct streams *streams, struct stream *stream, struct call *call,
                  const struct arena_text *call_id, bool from_callee);
/* It is of no call any more and goes on alone. */
void streams_part(struct streams *streams, struct stream *stream);
/* Its codecs may have been announced anew. */
void streams_relearn(struct streams *streams, struct stream *stream);
/* Its last interval is judged, its last report given; it may still be read. */
void streams_conclude(struct streams *streams, struct stream *stream);
/* Forgets it, after streams_conclude. */
void streams_end(struct streams *streams, struct stream *stream);
/* Its figures over its whole life, after streams_conclude. They point into the codecs. */
void streams_read(const struct streams *streams, const struct stream *stream,
                  struct event_stream *figures);
/* Each stream of no call that comes from this endpoint or goes to it. `look` may join it. */
void streams_each_alone(struct streams *streams, const struct endpoint *endpoint,
                        void (*look)(void *context, struct stream *stream), void *context);
/* The next stream from this endpoint after this one, the latest begun first; after NULL: the first.
 */
struct stream *streams_next_from(const struct streams *streams, const struct endpoint *endpoint,
                                 const struct stream *after);
/* A stream in the other direction between the same two endpoints, the latest to send; or NULL. */
struct stream *streams_reverse(const struct streams *streams, const struct stream *stream);

#endif
