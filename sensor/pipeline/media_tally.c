#include "pipeline/media_tally.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What each metric is held against when streams are put in order: the defaults of the thresholds,
 * whatever a peer has, so that all are measured with one measure. */
#define JITTER_BAD_MS  30.0
#define LATENCY_BAD_MS 150.0
#define LOSS_BAD       0.01
/* 4.03: users are satisfied (ITU-T G.107 Annex B). */
#define MOS_GOOD 4.03

int media_tally_init(struct media_tally *media)
{
    *media =
        (struct media_tally){.key = hash_key_random(), .crossings = {.max = MEDIA_CROSSINGS_MAX}};
    media->worst = calloc(MEDIA_WORST_MAX, sizeof *media->worst);
    media->one_way = calloc(MEDIA_ONE_WAY_MAX, sizeof *media->one_way);
    if (media->worst && media->one_way)
        return 0;
    media_tally_fini(media);
    return -ENOMEM;
}

void media_tally_fini(struct media_tally *media)
{
    hash_set_fini(&media->crossings);
    free(media->worst);
    free(media->one_way);
    *media = (struct media_tally){0};
}

const char *media_fault_name(enum media_fault fault)
{
    if ((int)fault < RTP_METRIC_COUNT)
        return rtp_metric_name((enum rtp_metric)fault);
    return fault == MEDIA_LOST_BEHIND ? "lost_after_tap" : "mos";
}

enum mos_scale media_scale(const char *name)
{
    int scale = MOS_SCALE_COUNT - 1;
    while (scale > 0 && strcmp(mos_scale_name((enum mos_scale)scale), name) != 0)
        scale--;
    return (enum mos_scale)scale;
}

/* --- what crossed a threshold */

static uint64_t crossing_hash(const struct media_tally *media, const struct event_stream *stream,
                              int metric)
{
    const struct hash_key *key = &media->key;
    const struct endpoint *src = &stream->src.endpoint, *dst = &stream->dst.endpoint;
    uint64_t hash = hash_bytes(key, src->ip.octets, sizeof src->ip.octets);
    hash = hash_chain(key, hash, &src->port, sizeof src->port);
    hash = hash_chain(key, hash, dst->ip.octets, sizeof dst->ip.octets);
    hash = hash_chain(key, hash, &dst->port, sizeof dst->port);
    hash = hash_chain(key, hash, &stream->ssrc, sizeof stream->ssrc);
    hash = hash_chain(key, hash, &stream->started_ns, sizeof stream->started_ns);
    return hash_chain(key, hash, &metric, sizeof metric);
}

static unsigned crossed(const struct media_tally *media, const struct event_stream *stream)
{
    unsigned faults = 0;
    for (int metric = 0; media->crossings.count > 0 && metric < RTP_METRIC_COUNT; metric++)
        if (hash_set_has(&media->crossings, crossing_hash(media, stream, metric)))
            faults |= 1U << metric;
    return faults;
}

/* --- how bad a stream is */

static double ratio(uint64_t part, uint64_t whole)
{
    return whole > 0 ? fmin((double)part / (double)whole, 1) : 0;
}

static double behind_ratio(const struct event_stream *stream)
{
    return stream->has_lost_after_tap ? ratio(stream->lost_after_tap, stream->expected) : 0;
}

static bool has_narrowband_mos(const struct event_stream *stream)
{
    return stream->mos.is_known && media_scale(stream->mos_scale) == MOS_NARROWBAND;
}

static unsigned find_faults(const struct media_tally *media, const struct rtp_report *report)
{
    const struct event_stream *stream = &report->stream;
    unsigned faults = crossed(media, stream);
    if (stream->packets < MEDIA_FAIR_PACKETS_MIN)
        return faults;
    if (behind_ratio(stream) > MEDIA_LOSS_BEHIND_MAX)
        faults |= 1U << MEDIA_LOST_BEHIND;
    if (report->confidence != CONFIDENCE_LOW && has_narrowband_mos(stream) &&
        stream->mos.extreme < MEDIA_MOS_BAD)
        faults |= 1U << MEDIA_LOW_MOS;
    return faults;
}

/*
 * How many times worse than what is still good: the worst of loss over 1%, mean jitter over 30 ms,
 * one-way latency over 150 ms, loss behind this sensor over 1%, and narrowband MOS of the worst
 * interval, which is 0 at 4.03 and 1 at 3.60. A bad stream has at least 1. Loss, and MOS with it,
 * is left out where it may be the mirror's.
 */
static double find_badness(const struct rtp_report *report, unsigned faults)
{
    const struct event_stream *stream = &report->stream;
    double badness = faults != 0 ? 1 : 0;
    if (report->confidence != CONFIDENCE_LOW || (faults & 1U << RTP_METRIC_LOSS)) {
        badness = fmax(badness, ratio(stream->lost, stream->expected) / LOSS_BAD);
        if (has_narrowband_mos(stream))
            badness = fmax(badness, (MOS_GOOD - stream->mos.extreme) / (MOS_GOOD - MEDIA_MOS_BAD));
    }
    badness = fmax(badness, behind_ratio(stream) / MEDIA_LOSS_BEHIND_MAX);
    if (stream->jitter_ms.is_known)
        badness = fmax(badness, stream->jitter_ms.mean / JITTER_BAD_MS);
    if (stream->has_latency)
        badness = fmax(badness, stream->latency_ms / LATENCY_BAD_MS);
    return badness;
}

static int compare_endpoints(const struct endpoint *x, const struct endpoint *y)
{
    int order = memcmp(x->ip.octets, y->ip.octets, sizeof x->ip.octets);
    return order != 0 ? order : (x->port > y->port) - (x->port < y->port);
}

/* Bad ones before others, the worst first. Ties: what is the same in every run. */
static int compare(const void *a, const void *b)
{
    const struct media_stream *x = a, *y = b;
    const struct event_stream *s = &x->figures, *t = &y->figures;
    if ((x->faults != 0) != (y->faults != 0))
        return x->faults != 0 ? -1 : 1;
    if (x->badness < y->badness || x->badness > y->badness)
        return x->badness > y->badness ? -1 : 1;
    if (s->started_ns != t->started_ns)
        return s->started_ns < t->started_ns ? -1 : 1;
    int order = compare_endpoints(&s->src.endpoint, &t->src.endpoint);
    if (order == 0)
        order = compare_endpoints(&s->dst.endpoint, &t->dst.endpoint);
    return order != 0 ? order : (s->ssrc > t->ssrc) - (s->ssrc < t->ssrc);
}

static void keep(struct media_tally *media, const struct media_stream *stream)
{
    if (media->worst_kept < MEDIA_WORST_MAX)
        media->worst[media->worst_kept++] = *stream;
    else if (compare(stream, &media->worst[media->least]) < 0)
        media->worst[media->least] = *stream;
    else
        return;
    media->least = 0;
    for (size_t i = 1; i < media->worst_kept; i++)
        if (compare(&media->worst[i], &media->worst[media->least]) > 0)
            media->least = i;
}

static void add_mos(struct media_mos *mos, double value)
{
    mos->step[lround((fmin(fmax(value, 1), 5) - 1) * 100)]++;
    mos->count++;
}

double media_mos_percentile(const struct media_mos *mos, double ratio)
{
    uint64_t wanted = (uint64_t)((double)mos->count * ratio), passed = mos->step[0];
    int step = 0;
    while (passed <= wanted && step < MEDIA_MOS_STEPS - 1)
        passed += mos->step[++step];
    return (100 + step) / 100.0;
}

/* --- events */

static void add_figures(struct media_tally *media, const struct event_stream *stream)
{
    media->packets += stream->packets;
    media->expected += stream->expected;
    media->lost += stream->lost;
    media->duplicates += stream->duplicates;
    media->mirror_copies += stream->mirror_copies;
    media->out_of_order += stream->out_of_order;
    media->encrypted += stream->has_srtp && stream->srtp;
    if (stream->has_lost_after_tap)
        media->lost_behind += stream->lost_after_tap;
    if (stream->jitter_ms.is_known)
        spread_add(&media->jitter_us, (uint64_t)fmax(stream->jitter_ms.mean * 1000, 0));
    if (stream->mos.is_known)
        add_mos(&media->mos[media_scale(stream->mos_scale)], stream->mos.mean);
}

static void add_stream(struct media_tally *media, const struct rtp_report *report)
{
    struct media_stream stream = {.figures = report->stream, .confidence = report->confidence};
    kept_text(stream.call_id, report->call_id);
    stream.faults = find_faults(media, report);
    stream.badness = find_badness(report, stream.faults);
    media->streams++;
    media->of_calls += report->call_id.len > 0;
    media->doubted += report->confidence == CONFIDENCE_LOW;
    media->unjudged += media_is_unjudged(report);
    media->bad += stream.faults != 0;
    for (int fault = 0; fault < MEDIA_FAULT_COUNT; fault++)
        media->faults[fault] += stream.faults >> fault & 1;
    add_figures(media, &report->stream);
    keep(media, &stream);
}

static void add_one_way(struct media_tally *media, const struct one_way_audio *told)
{
    media->one_way_audio++;
    if (media->one_way_kept == MEDIA_ONE_WAY_MAX)
        return;
    struct media_one_way *kept = &media->one_way[media->one_way_kept++];
    kept->told = *told;
    kept_text(kept->call_id, told->call_id);
    kept_text(kept->from_uri, told->from_uri);
    kept_text(kept->to_uri, told->to_uri);
    kept->told.call_id = kept->told.from_uri = kept->told.to_uri = SLICE_NONE;
}

void media_tally_event(struct media_tally *media, const struct event *event)
{
    if (event->type == EVENT_RTP_REPORT && event->rtp_report.final)
        add_stream(media, &event->rtp_report);
    else if (event->type == EVENT_RTP_DEGRADED && event->rtp_crossing.confidence != CONFIDENCE_LOW)
        hash_set_add(&media->crossings, crossing_hash(media, &event->rtp_crossing.stream,
                                                      (int)event->rtp_crossing.metric));
    else if (event->type == EVENT_ONE_WAY_AUDIO)
        add_one_way(media, &event->one_way_audio);
}

void media_tally_sort(struct media_tally *media)
{
    qsort(media->worst, media->worst_kept, sizeof *media->worst, compare);
    media->least = media->worst_kept > 0 ? media->worst_kept - 1 : 0;
}
