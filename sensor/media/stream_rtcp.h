/*
 * stream_rtcp: what RTCP tells of one stream, from A to B, to somebody in the middle of its path.
 *
 * Round trip: B answers A's sender report with its time stamp (LSR) and how long it held it (DLSR,
 * RFC 3550 section 6.4.1); seen from here that is the way to B and back, half of the loop. The
 * other half, to A and back, comes from the stream in the other direction, or from A's answers to
 * B's receiver reference times where B sends no media (RFC 3611 sections 4.4, 4.5). Only the
 * packets' clock is used; the ends' clocks need not agree with it or with each other. Each half
 * that comes in closes a loop with the latest of the other side, if that is not too old.
 *
 * The far end's own figures are its word, and may be wrong or made up. They are held against what
 * passed here: what is lost after this point is what B says it lost, less what was missing here
 * over the same time.
 *
 * SRTCP hides what is read here: of a stream that is known to be encrypted nothing should come in.
 * Plain data of one owner, no allocation. Time: ns of the packets' clock.
 */
#ifndef SIPSPAN_MEDIA_STREAM_RTCP_H
#define SIPSPAN_MEDIA_STREAM_RTCP_H

#include "event/event.h"
#include "rtp/rtcp_packet.h"

enum { STREAM_RTCP_SENT = 8, STREAM_RTCP_REFERENCES = 4 };

#define STREAM_RTCP_DELAY_MAX_NS INT64_C(10000000000) /* what is longer is not believed */
#define STREAM_RTCP_HELD_MAX_NS  INT64_C(60000000000) /* nor what was held longer */
#define STREAM_RTCP_FRESH_NS     INT64_C(30000000000) /* half a loop waits so long for the other */
#define STREAM_RTCP_START_NS     INT64_C(15000000000) /* a first report so early counts from 0 */

/* Round trips. */
struct stream_rtcp_delays {
    double sum_ms, max_ms; /* measured here */
    double told_sum_ms;    /* told by the far end (XR) */
    uint32_t count;
    uint16_t told;
    bool is_by_xr; /* some were measured by XR's receiver reference times */
};

/* The latest way from here to one end and back. */
struct stream_rtcp_half {
    int64_t at_ns; /* when it was measured */
    int64_t delay_ns;
    uint32_t asked, held; /* by the answer, a copy of which counts nothing; asked 0: unknown */
};

struct stream_rtcp {
    /* Middles of NTP time stamps and when they passed: A's sender reports, B's receiver reference
       times. A middle of 0 is none (RFC 3550 section 6.4.1). */
    int64_t sent_ns[STREAM_RTCP_SENT];
    int64_t reference_ns[STREAM_RTCP_REFERENCES];
    uint32_t sent[STREAM_RTCP_SENT];
    uint32_t reference[STREAM_RTCP_REFERENCES];

    struct stream_rtcp_half to_receiver, to_sender;
    struct stream_rtcp_delays interval, life;

    /* Of the far end's latest report. */
    uint32_t reporter;         /* its SSRC */
    uint32_t highest_sequence; /* of A's, extended */
    uint32_t jitter;           /* in ticks of A's clock */
    uint32_t lost;             /* in all, not below 0 */
    uint8_t fraction_lost;
    bool has_report;
    bool has_span, has_span_life; /* there were two reports to compare, or one and the start */

    uint32_t tap_packets, tap_lost; /* here, when that report passed; modulo 2^32 */
    int64_t lost_in_interval;       /* by its reports */
    int64_t lost_after_tap;         /* below 0 while what was missing here is not reported yet */
    int64_t lost_after_until;       /* the most that the intervals before have told */
};

/* What was counted here of the stream, when a report about it passes. */
struct stream_rtcp_tap {
    uint64_t packets;   /* different ones, in all */
    uint64_t lost;      /* in all */
    int64_t started_ns; /* its first packet; EVENT_NO_TIME: it may have begun before that */
};

void stream_rtcp_init(struct stream_rtcp *rtcp);

/* A's sender report. */
void stream_rtcp_sender_report(struct stream_rtcp *rtcp, uint32_t ntp_middle, int64_t now_ns);
/* B's receiver reference time; for every stream that goes to B. */
void stream_rtcp_reference(struct stream_rtcp *rtcp, uint32_t ntp_middle, int64_t now_ns);

/*
 * B's report block about A's SSRC; `reporter` is B's own. `reverse`: of the stream from B to A, or
 * NULL; a loop that closes is a sample of both. `tap` NULL: only its delay is of use yet.
 */
void stream_rtcp_report(struct stream_rtcp *rtcp, struct stream_rtcp *reverse, uint32_t reporter,
                        const struct rtcp_report_block *report, const struct stream_rtcp_tap *tap,
                        int64_t now_ns);
/* A's answer to a receiver reference time of B's. */
void stream_rtcp_dlrr(struct stream_rtcp *rtcp, struct stream_rtcp *reverse,
                      const struct rtcp_xr_dlrr *dlrr, int64_t now_ns);
/* B's VoIP metrics about A's SSRC. */
void stream_rtcp_voip(struct stream_rtcp *rtcp, const struct rtcp_xr_voip *voip);

/*
 * Writes rtt_ms, latency_ms and its source, far_end_* and lost_after_tap of `figures`, and nothing
 * else; what is unknown as unknown. Over the present interval far_end_lost and lost_after_tap are
 * what was added in it, known where a report came that has one before it, or the stream's start.
 * clock_hz of what A sends, for the far end's jitter; 0: unknown. `rtcp` NULL: all is unknown.
 */
void stream_rtcp_read_interval(const struct stream_rtcp *rtcp, uint32_t clock_hz,
                               struct event_stream *figures);
void stream_rtcp_read_life(const struct stream_rtcp *rtcp, uint32_t clock_hz,
                           struct event_stream *figures);
/* The interval is over, its figures have been read: the next one begins. */
void stream_rtcp_next_interval(struct stream_rtcp *rtcp);
/* The packets' clock was set. */
void stream_rtcp_clock_step(struct stream_rtcp *rtcp, int64_t step_ns);

#endif
