/*
 * stream: one RTP stream, one SSRC from one endpoint to another (RFC 3550 section 8.2: the address
 * is part of the key), with all that is measured of it.
 *
 * Owned by `streams`, at an address that does not change while it lives. Its source is what every
 * packet touches; the rest is touched when something happens.
 */
#ifndef SIPSPAN_MEDIA_STREAM_H
#define SIPSPAN_MEDIA_STREAM_H

#include "base/arena.h"
#include "base/list.h"
#include "base/slice.h"
#include "base/table.h"
#include "base/timer_heap.h"
#include "net/endpoint.h"
#include "rtp/rtp_source.h"

enum stream_state {
    STREAM_FREE,
    STREAM_CANDIDATE, /* looks like RTP and is not yet believed; told to nobody */
    STREAM_ALONE,     /* believed; of no call in view */
    STREAM_JOINED,    /* of a call */
    STREAM_STATE_COUNT
};

struct call; /* of the layer above, which alone looks into it */

/* What is measured of the intervals that are over. */
struct stream_past {
    struct delay_spread spread;
    struct rtp_counts counts;
    uint32_t type_count[RTP_TYPES_MAX]; /* packets of each payload type */
    uint8_t type[RTP_TYPES_MAX];
    double jitter_sum_ns;
    uint64_t jitter_count;
    float jitter_max_ns;
    float mos_min;
    double mos_sum;
    uint32_t mos_count;
    float mos_short;   /* of an interval that was not told of, where all others are such; 0: none */
    uint8_t mos_type;  /* the payload type that has the MOS; intervals of others are left out */
    uint8_t mos_scale; /* enum mos_scale */
    uint8_t types;     /* used of the arrays above */
    bool has_unrated;  /* an interval whose MOS nobody can tell */
};

struct stream {
    _Alignas(64) struct table_node node; /* by number; with the source two cache lines */
    struct rtp_source source;
    struct rtp_record record;

    struct table_node by_src, by_dst; /* by endpoint */
    struct list in_state;             /* with those of its state, the oldest first */
    struct timer timer;               /* the end of its interval, or of itself */
    struct endpoint src, dst;
    uint32_t ssrc;
    uint32_t last_timestamp;       /* of a candidate */
    uint16_t crowd_from, crowd_to; /* streams that had begun at its endpoints before it */
    uint16_t codec;                /* of source.payload_type, see rtp/codec.h */
    uint8_t state;                 /* enum stream_state */
    uint8_t agreeing;              /* of a candidate: packets in sequence so far */
    int64_t interval_ns;           /* when its present interval began */
    uint8_t degraded;              /* bit for each enum rtp_metric */
    bool has_srtp : 1, is_srtp : 1;
    bool is_concluded : 1;
    bool has_sender_report : 1;
    bool began_before : 1; /* its sender says that it had sent much more than passed here */
    bool from_callee : 1;  /* of a joined one */

    /* Of a joined one. */
    struct list in_call; /* in the order of their first packets */
    struct call *call;
    const struct arena_text *call_id; /* the call's own; lives as long as the stream is joined */

    struct stream_rtcp *rtcp; /* NULL: none was seen */
    struct stream_past
        *past; /* what was measured in the intervals before; NULL: it is in its first */
};

static inline struct slice stream_call_id(const struct stream *stream)
{
    return arena_slice(stream->call_id);
}

_Static_assert(sizeof(struct stream) <= 448, "seven cache lines");

#endif
