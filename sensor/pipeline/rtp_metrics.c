#include "pipeline/rtp_metrics.h"

#include <stdlib.h>

#include "pipeline/metric_families.h"

/* Each has what is judged, 30 ms, 150 ms and 1%, among its bounds; MOS those of the classes of
 * ITU-T G.107 Annex B. */
static const double jitter_buckets[] = {0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03,
                                        0.04,  0.05,  0.075, 0.1,  0.15,  0.2,  0.5};
static const double delay_buckets[] = {0.005, 0.01, 0.02, 0.05, 0.075, 0.1,  0.125, 0.15,
                                       0.2,   0.25, 0.3,  0.4,  0.5,   0.75, 1,     2};
static const double loss_buckets[] = {0,    0.001, 0.002, 0.005, 0.01, 0.02,
                                      0.03, 0.05,  0.1,   0.2,   0.5};
static const double mos_buckets[] = {1.5, 2, 2.58, 2.8, 3.1, 3.35, 3.6, 3.8, 4.03, 4.2, 4.34, 4.5};

#define HISTOGRAM(name_, unit_, buckets_, help_)                                                   \
    {                                                                                              \
        .type = METRIC_HISTOGRAM, .name = name_, .help = help_, .unit = unit_,                     \
        .buckets = buckets_, .bucket_count = sizeof buckets_ / sizeof buckets_[0]                  \
    }

enum family {
    ACTIVE,
    PACKETS,
    LOST,
    DUPLICATES,
    OUT_OF_ORDER,
    JITTER,
    ROUND_TRIP,
    LATENCY,
    LOSS_RATIO,
    MOS,
    MOS_OF_WIDEBAND,
    MOS_OF_FULLBAND,
    CROSSINGS,
    ONE_WAY_AUDIO,
    STREAMS,
    STREAMS_OF_CALLS,
    STREAMS_LEFT_OUT,
    STREAMS_EVICTED,
    CANDIDATES_REFUSED,
    RTCP,
    RTCP_REFUSED,
    ANNOUNCEMENTS_LEFT_OUT,
    FAMILY_COUNT
};

_Static_assert(MOS + MOS_WIDEBAND == MOS_OF_WIDEBAND && MOS + MOS_FULLBAND == MOS_OF_FULLBAND,
               "a family for each scale");

static const struct metric_desc families[FAMILY_COUNT] = {
    [ACTIVE] = GAUGE("rtp_streams_active", "RTP streams that had a packet lately.", NULL),
    [PACKETS] = COUNTER("rtp_packets",
                        "RTP packets of these streams, without repeats and mirror copies.", NULL),
    [LOST] =
        COUNTER("rtp_packets_lost",
                "RTP packets that were expected and not seen, of intervals that are over.", NULL),
    [DUPLICATES] = COUNTER(
        "rtp_packets_duplicated",
        "RTP packets that the network or the sender repeated, of streams that ended.", NULL),
    [OUT_OF_ORDER] =
        COUNTER("rtp_packets_out_of_order",
                "RTP packets behind one that was sent after them, of streams that ended.", NULL),
    [JITTER] = HISTOGRAM("rtp_jitter_seconds", "seconds", jitter_buckets,
                         "Mean interarrival jitter (RFC 3550) of an interval of a stream."),
    [ROUND_TRIP] = HISTOGRAM("rtp_round_trip_seconds", "seconds", delay_buckets,
                             "Mean round trip, by RTCP, of an interval of a stream."),
    [LATENCY] = HISTOGRAM("rtp_latency_seconds", "seconds", delay_buckets,
                          "One-way latency of an interval of a stream, an estimate."),
    [LOSS_RATIO] = HISTOGRAM("rtp_loss_ratio", "ratio", loss_buckets,
                             "Packets lost over packets expected of an interval of a stream."),
    [MOS] = HISTOGRAM("rtp_mos", NULL, mos_buckets,
                      "MOS (ITU-T G.107, narrowband) of an interval of a stream."),
    [MOS_OF_WIDEBAND] = HISTOGRAM("rtp_mos_wideband", NULL, mos_buckets,
                                  "MOS (ITU-T G.107.1, wideband) of an interval of a stream."),
    [MOS_OF_FULLBAND] = HISTOGRAM("rtp_mos_fullband", NULL, mos_buckets,
                                  "MOS (ITU-T G.107.2, fullband) of an interval of a stream."),
    [CROSSINGS] = COUNTER("rtp_threshold_crossings",
                          "Times that a stream got worse than a threshold.", "metric"),
    [ONE_WAY_AUDIO] =
        COUNTER("rtp_one_way_audio",
                "Times that one direction of an answered call carried no media.", NULL),
    [STREAMS] = COUNTER("sipspan_rtp_streams", "RTP streams that were found.", NULL),
    [STREAMS_OF_CALLS] =
        COUNTER("sipspan_rtp_streams_joined", "RTP streams that were joined to a call.", NULL),
    [STREAMS_LEFT_OUT] = COUNTER("sipspan_rtp_streams_left_out",
                                 "Packets of RTP streams for which there was no room.", NULL),
    [STREAMS_EVICTED] = COUNTER("sipspan_rtp_streams_evicted",
                                "RTP streams given up before they ended, to make room.", NULL),
    [CANDIDATES_REFUSED] = COUNTER("sipspan_rtp_candidates_refused",
                                   "Flows that looked like RTP at first and were none.", NULL),
    [RTCP] = COUNTER("sipspan_rtcp_packets", "RTCP packets that were read.", NULL),
    [RTCP_REFUSED] = COUNTER("sipspan_rtcp_refused",
                             "RTCP packets that could not be read: encrypted or damaged.", NULL),
    [ANNOUNCEMENTS_LEFT_OUT] =
        COUNTER("sipspan_media_announcements_left_out",
                "Descriptions of media (SDP) for which there was no room.", NULL),
};

struct rtp_metrics {
    struct metric *single[FAMILY_COUNT]; /* of families without labels */
    struct metric *crossings[RTP_METRIC_COUNT];
};

struct rtp_metrics *rtp_metrics_create(struct metrics *registry)
{
    struct metric_family *family[FAMILY_COUNT];
    bool out = false;
    struct rtp_metrics *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    families_add(registry, families, FAMILY_COUNT, family, m->single, &out);
    for (int metric = 0; metric < RTP_METRIC_COUNT; metric++)
        m->crossings[metric] = family_series(
            family[CROSSINGS], rtp_metric_name((enum rtp_metric)metric), NULL, NULL, &out);
    if (out) {
        rtp_metrics_destroy(m);
        return NULL;
    }
    return m;
}

void rtp_metrics_destroy(struct rtp_metrics *m)
{
    free(m);
}

static void observe(struct rtp_metrics *m, const struct event_stream *stream)
{
    if (stream->jitter_ms.is_known)
        metric_observe(m->single[JITTER], stream->jitter_ms.mean / 1e3);
    if (stream->rtt_ms.is_known)
        metric_observe(m->single[ROUND_TRIP], stream->rtt_ms.mean / 1e3);
    if (stream->has_latency)
        metric_observe(m->single[LATENCY], stream->latency_ms / 1e3);
    if (stream->expected > 0)
        metric_observe(m->single[LOSS_RATIO], (double)stream->lost / (double)stream->expected);
    if (stream->mos.is_known)
        metric_observe(m->single[MOS + (int)media_scale(stream->mos_scale)], stream->mos.mean);
}

static void take_report(struct rtp_metrics *m, const struct rtp_report *report)
{
    const struct event_stream *stream = &report->stream;
    if (!report->final || (media_is_unjudged(report) && stream->packets >= MEDIA_FAIR_PACKETS_MIN))
        observe(m, stream);
    if (!report->final)
        return;
    metric_add(m->single[DUPLICATES], stream->duplicates);
    metric_add(m->single[OUT_OF_ORDER], stream->out_of_order);
}

void rtp_metrics_event(struct rtp_metrics *m, const struct event *event)
{
    if (event->type == EVENT_RTP_REPORT)
        take_report(m, &event->rtp_report);
    else if (event->type == EVENT_RTP_DEGRADED)
        metric_add(m->crossings[event->rtp_crossing.metric], 1);
    else if (event->type == EVENT_ONE_WAY_AUDIO)
        metric_add(m->single[ONE_WAY_AUDIO], 1);
}

void rtp_metrics_update(struct rtp_metrics *m, const struct sensor_sources *sources)
{
    counter_show(m->single[ANNOUNCEMENTS_LEFT_OUT], sources->calls->media_map.left_out);
    if (!sources->streams)
        return;
    const struct streams_stats *stats = streams_stats(sources->streams);
    metric_set(m->single[ACTIVE], (double)streams_active(sources->streams));
    counter_show(m->single[PACKETS], stats->packets);
    counter_show(m->single[LOST], stats->lost);
    counter_show(m->single[STREAMS], stats->begun);
    counter_show(m->single[STREAMS_OF_CALLS], stats->joined);
    counter_show(m->single[STREAMS_LEFT_OUT], stats->left_out);
    counter_show(m->single[STREAMS_EVICTED], stats->evicted);
    counter_show(m->single[CANDIDATES_REFUSED], stats->refused);
    counter_show(m->single[RTCP], stats->rtcp);
    counter_show(m->single[RTCP_REFUSED], stats->rtcp_refused);
}
