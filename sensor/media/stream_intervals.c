/*
 * A stream's intervals: each that has packets is told of and judged, and added to what is told at
 * its end.
 */
#include "event/event_id.h"
#include "media/stream_rtcp.h"
#include "media/streams_table.h"

/* What a last interval must have to be told of, of intervals that are not shorter themselves. */
#define LAST_MIN_NS INT64_C(5000000000)
/* Under this share of its threshold a metric has recovered. */
#define RECOVERED 0.8

static int64_t interval_end(const struct streams *streams, const struct stream *stream)
{
    return stream->interval_ns + streams->params.interval_ns;
}

static void give(const struct streams *streams, const struct stream *stream, struct event *event,
                 int64_t since_ns, unsigned kind)
{
    const struct event_id_part parts[] = {
        event_id_text(slice_str(streams->params.sensor_id)),
        event_id_text(slice_str(event_type_name(event->type))),
        {stream->src.ip.octets, sizeof stream->src.ip.octets},
        {&stream->src.port, sizeof stream->src.port},
        {stream->dst.ip.octets, sizeof stream->dst.ip.octets},
        {&stream->dst.port, sizeof stream->dst.port},
        {&stream->ssrc, sizeof stream->ssrc},
        {&stream->record.first_ns, sizeof stream->record.first_ns},
        {&since_ns, sizeof since_ns},
        {&kind, sizeof kind},
    };
    event_set_id(event, parts, sizeof parts / sizeof parts[0]);
    streams->params.receive(streams->params.context, event);
}

static unsigned doubts(const struct streams *streams, int64_t since_ns)
{
    return streams->params.doubts ? streams->params.doubts(streams->params.context, since_ns) : 0;
}

static void report(const struct streams *streams, const struct stream *stream,
                   const struct event_stream *figures, int64_t since_ns, int64_t until_ns,
                   bool is_final)
{
    struct event event = {
        .type = EVENT_RTP_REPORT,
        .time_ns = until_ns,
        .rtp_report =
            {
                .stream = *figures,
                .call_id = stream_call_id(stream),
                .interval_ns = streams->params.interval_ns,
                .since_ns = since_ns,
                .final = is_final,
                .confidence = doubts(streams, since_ns) ? CONFIDENCE_LOW : CONFIDENCE_HIGH,
            },
    };
    give(streams, stream, &event, since_ns, is_final);
}

/* --- judging */

static double *threshold_of(struct quality_thresholds *thresholds, enum rtp_metric metric)
{
    return metric == RTP_METRIC_JITTER    ? &thresholds->jitter_ms
           : metric == RTP_METRIC_LATENCY ? &thresholds->latency_ms
                                          : &thresholds->loss_ratio;
}

/* Of the peer that sends, else of the one that receives, else of all. */
static double threshold(const struct streams *streams, const struct stream *stream,
                        enum rtp_metric metric)
{
    const struct peer_name *peers[] = {
        peer_names_entry(&streams->params.names, &stream->src.ip),
        peer_names_entry(&streams->params.names, &stream->dst.ip),
    };
    for (int i = 0; i < 2; i++) {
        struct quality_thresholds own =
            peers[i] ? peers[i]->thresholds : (struct quality_thresholds){0};
        if (*threshold_of(&own, metric) > 0)
            return *threshold_of(&own, metric);
    }
    struct quality_thresholds common = streams->params.thresholds;
    return *threshold_of(&common, metric);
}

/* False: it was not measured in this interval. */
static bool value_of(const struct event_stream *figures, enum rtp_metric metric, unsigned doubted,
                     double *value)
{
    switch (metric) {
    case RTP_METRIC_JITTER:
        *value = figures->jitter_ms.mean;
        return figures->jitter_ms.is_known && !(doubted & STREAMS_DOUBT_TIMES);
    case RTP_METRIC_LATENCY:
        *value = figures->latency_ms;
        return figures->has_latency;
    default:
        /* What the mirror or the sensor lost is no loss of the stream's, nor what it put out of
         * order its jitter. */
        *value = figures->expected ? (double)figures->lost / (double)figures->expected : 0;
        return figures->expected > 0 && !(doubted & STREAMS_DOUBT_LOSS);
    }
}

static void judge(struct streams *streams, struct stream *stream,
                  const struct event_stream *figures, int64_t until_ns)
{
    unsigned doubted = doubts(streams, stream->interval_ns);
    for (int i = 0; i < RTP_METRIC_COUNT; i++) {
        enum rtp_metric metric = (enum rtp_metric)i;
        double value, limit = threshold(streams, stream, metric);
        if (!value_of(figures, metric, doubted, &value))
            continue;
        bool was_degraded = stream->degraded >> metric & 1;
        if (was_degraded ? value >= limit * RECOVERED : value <= limit)
            continue;
        stream->degraded ^= (uint8_t)(1U << metric);
        struct event event = {
            .type = was_degraded ? EVENT_RTP_RECOVERED : EVENT_RTP_DEGRADED,
            .time_ns = until_ns,
            .rtp_crossing =
                {
                    .metric = metric,
                    .value = value,
                    .threshold = limit,
                    .stream = *figures,
                    .call_id = stream_call_id(stream),
                    .since_ns = stream->interval_ns,
                    .confidence = doubted ? CONFIDENCE_LOW : CONFIDENCE_HIGH,
                },
        };
        give(streams, stream, &event, stream->interval_ns, (unsigned)metric);
    }
}

/* --- intervals */

static bool has_packets(const struct stream *stream)
{
    return stream->source.received != stream->record.received_then;
}

/* Enough, should it be the last. */
static bool is_long(const struct streams *streams, const struct stream *stream)
{
    int64_t half_ns = streams->params.interval_ns / 2;
    int64_t min_ns = half_ns < LAST_MIN_NS ? half_ns : LAST_MIN_NS;
    return stream->source.seen_ns - stream->interval_ns >= min_ns;
}

static void close_interval(struct streams *streams, struct stream *stream, int64_t until_ns,
                           bool is_told)
{
    struct event_stream figures;
    stream_figures_interval(streams, stream, &figures);
    if (is_told) {
        report(streams, stream, &figures, stream->interval_ns, until_ns, false);
        judge(streams, stream, &figures, until_ns);
    }
    streams->stats.lost += figures.lost;
    stream_figures_keep(streams, stream, &figures, is_told);
    rtp_source_next_interval(&stream->source, &stream->record);
    if (stream->rtcp)
        stream_rtcp_next_interval(stream->rtcp);
}

void stream_intervals_begin(struct streams *streams, struct stream *stream)
{
    streams->active++;
    stream->interval_ns = stream->record.first_ns;
    timer_heap_set(&streams->timers, &stream->timer, interval_end(streams, stream));
}

void stream_intervals_wake(struct streams *streams, struct stream *stream, int64_t arrival_ns)
{
    int64_t length_ns = streams->params.interval_ns;
    int64_t since_ns = arrival_ns - stream->interval_ns;
    stream->source.flags &= (uint8_t)~STREAM_IS_QUIET;
    streams->active++;
    if (since_ns >= length_ns) { /* else it comes behind its time, and is of this interval yet */
        if (has_packets(stream)) /* now it is known not to be the last */
            close_interval(streams, stream, interval_end(streams, stream), true);
        stream->interval_ns += since_ns / length_ns * length_ns;
    }
    timer_heap_set(&streams->timers, &stream->timer, interval_end(streams, stream));
}

static void fall_quiet(struct streams *streams, struct stream *stream)
{
    stream->source.flags |= STREAM_IS_QUIET;
    streams->active--;
    if (stream->state == STREAM_ALONE)
        timer_heap_set(&streams->timers, &stream->timer, stream->source.seen_ns + STREAMS_IDLE_NS);
}

/* Of one that ends with little, only what comes after it tells whether it was the last. */
static void end_interval(struct streams *streams, struct stream *stream)
{
    int64_t end_ns = interval_end(streams, stream);
    if (!has_packets(stream) || !is_long(streams, stream)) {
        fall_quiet(streams, stream);
        return;
    }
    close_interval(streams, stream, end_ns, true);
    stream->interval_ns = end_ns;
    streams_set_state(streams, stream, (enum stream_state)stream->state); /* the latest of them */
    timer_heap_set(&streams->timers, &stream->timer, interval_end(streams, stream));
}

void stream_intervals_timer(struct streams *streams, struct stream *stream, int64_t now_ns)
{
    uint8_t flags = stream->source.flags;
    if (!(flags & (STREAM_IS_CANDIDATE | STREAM_IS_QUIET))) {
        end_interval(streams, stream);
        return;
    }
    bool is_candidate = flags & STREAM_IS_CANDIDATE;
    int64_t end_ns =
        stream->source.seen_ns + (is_candidate ? STREAMS_CANDIDATE_IDLE_NS : STREAMS_IDLE_NS);
    if (now_ns < end_ns) {
        timer_heap_set(&streams->timers, &stream->timer, end_ns);
        return;
    }
    if (is_candidate)
        streams->stats.refused++;
    else
        streams_conclude(streams, stream);
    streams_free(streams, stream);
}

void streams_conclude(struct streams *streams, struct stream *stream)
{
    struct event_stream figures;
    int64_t until_ns = stream->source.seen_ns;
    if (stream->is_concluded)
        return;
    stream->is_concluded = true;
    close_interval(streams, stream, until_ns, has_packets(stream) && is_long(streams, stream));
    streams_read(streams, stream, &figures);
    report(streams, stream, &figures, stream->record.first_ns, until_ns, true);
}
