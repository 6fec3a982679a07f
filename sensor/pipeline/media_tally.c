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

enum { JITTER_LIMIT_MS = 300, MOS_LIMIT = 5 };

int media_tally_init(struct media_tally *media)
{
    *media = (struct media_tally){.key = hash_key_random(),
                                  .crossings = {.max = MEDIA_CROSSINGS_MAX},
                                  .one_way_calls = {.max = MEDIA_CALLS_MAX}};
    media->worst = calloc(MEDIA_WORST_MAX, sizeof *media->worst);
    media->pair = calloc(MEDIA_PAIRS_MAX, sizeof *media->pair);
    media->one_way = calloc(MEDIA_ONE_WAY_MAX, sizeof *media->one_way);
    bool is_complete = media->worst && media->pair && media->one_way &&
                       codec_book_init(&media->codecs) == 0 &&
                       media_values_init(&media->jitter_ms, JITTER_LIMIT_MS) == 0;
    for (int scale = 0; is_complete && scale < MOS_SCALE_COUNT; scale++)
        is_complete = media_values_init(&media->mos[scale], MOS_LIMIT) == 0;
    if (is_complete)
        return 0;
    media_tally_fini(media);
    return -ENOMEM;
}

void media_tally_fini(struct media_tally *media)
{
    hash_set_fini(&media->crossings);
    hash_set_fini(&media->one_way_calls);
    codec_book_fini(&media->codecs);
    media_values_fini(&media->jitter_ms);
    for (int scale = 0; scale < MOS_SCALE_COUNT; scale++)
        media_values_fini(&media->mos[scale]);
    free(media->worst);
    free(media->pair);
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

/* --- between which hosts */

static bool is_party(const struct media_party *party, const struct named_endpoint *who)
{
    if (party->name || who->name)
        return party->name && who->name && strcmp(party->name, who->name) == 0;
    return ip_eq(&party->ip, &who->endpoint.ip);
}

static void note_address(struct media_party *party, const struct ip_addr *ip)
{
    party->has_more |= !ip_eq(&party->ip, ip);
    if (memcmp(ip->octets, party->ip.octets, sizeof ip->octets) < 0)
        party->ip = *ip;
}

/* The pair of such a stream, in a full table in place of the one that matters least; NULL: that
 * one matters more. */
static struct media_pair *find_pair(struct media_tally *media, const struct event_stream *stream,
                                    bool is_bad)
{
    struct media_pair *least = &media->pair[0];
    for (size_t i = 0; i < media->pairs; i++) {
        struct media_pair *at = &media->pair[i];
        if (is_party(&at->src, &stream->src) && is_party(&at->dst, &stream->dst))
            return at;
        if (at->bad < least->bad || (at->bad == least->bad && at->streams < least->streams))
            least = at;
    }
    if (media->pairs < MEDIA_PAIRS_MAX) {
        least = &media->pair[media->pairs++];
    } else {
        media->has_other_pairs = true;
        if (least->bad > is_bad)
            return NULL;
    }
    *least = (struct media_pair){
        .src = {.name = stream->src.name, .ip = stream->src.endpoint.ip},
        .dst = {.name = stream->dst.name, .ip = stream->dst.endpoint.ip},
    };
    return least;
}

static void add_to_pair(struct media_tally *media, const struct media_stream *stream)
{
    const struct event_stream *figures = &stream->figures;
    struct media_pair *pair = find_pair(media, figures, stream->faults != 0);
    if (!pair)
        return;
    note_address(&pair->src, &figures->src.endpoint.ip);
    note_address(&pair->dst, &figures->dst.endpoint.ip);
    pair->streams++;
    pair->bad += stream->faults != 0;
    for (int fault = 0; fault < MEDIA_FAULT_COUNT; fault++)
        pair->faults[fault] += stream->faults >> fault & 1;
}

static int compare_parties(const struct media_party *x, const struct media_party *y)
{
    int order = strcmp(x->name ? x->name : "", y->name ? y->name : "");
    return order != 0 ? order : memcmp(x->ip.octets, y->ip.octets, sizeof x->ip.octets);
}

/* Most bad streams first; of as many, those that are a larger part of all. */
static int compare_pairs(const void *a, const void *b)
{
    const struct media_pair *x = a, *y = b;
    if (x->bad != y->bad)
        return x->bad > y->bad ? -1 : 1;
    if (x->streams != y->streams)
        return x->streams < y->streams ? -1 : 1;
    int order = compare_parties(&x->src, &y->src);
    return order != 0 ? order : compare_parties(&x->dst, &y->dst);
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
        media_values_add(&media->jitter_ms, stream->jitter_ms.mean);
    if (stream->mos.is_known)
        media_values_add(&media->mos[media_scale(stream->mos_scale)], stream->mos.mean);
}

static enum media_no_mos why_no_mos(struct media_tally *media, const struct event_stream *stream)
{
    if (stream->mos.is_known)
        return MEDIA_HAS_MOS;
    if (!stream->codec)
        return MEDIA_CODEC_UNKNOWN;
    uint16_t id = codec_book_find(&media->codecs, slice_str(stream->codec), stream->clock_hz);
    const struct codec *codec = codec_at(&media->codecs, id);
    if (codec->kind != CODEC_AUDIO)
        return MEDIA_NOT_SPEECH;
    if (!codec->impairment.is_ie_published)
        return MEDIA_NO_FIGURES;
    if (!codec->impairment.is_published && stream->lost + stream->discarded_adaptive > 0)
        return MEDIA_NO_FIGURES_OF_LOSS;
    return MEDIA_FEW_PACKETS;
}

static void add_stream(struct media_tally *media, const struct rtp_report *report)
{
    struct media_stream stream = {.figures = report->stream, .confidence = report->confidence};
    kept_text(stream.call_id, report->call_id);
    stream.faults = find_faults(media, report);
    stream.badness = find_badness(report, stream.faults);
    stream.no_mos = why_no_mos(media, &report->stream);
    bool is_open = report->confidence == CONFIDENCE_LOW && stream.faults == 0;
    bool is_unjudged = media_is_unjudged(report);
    media->streams++;
    media->of_calls += report->call_id.len > 0;
    media->doubted += report->confidence == CONFIDENCE_LOW;
    media->unjudged += is_unjudged;
    media->open += is_open;
    media->unclear += is_open || (is_unjudged && stream.faults == 0);
    media->bad += stream.faults != 0;
    for (int fault = 0; fault < MEDIA_FAULT_COUNT; fault++)
        media->faults[fault] += stream.faults >> fault & 1;
    add_figures(media, &report->stream);
    keep(media, &stream);
    add_to_pair(media, &stream);
}

static void add_one_way(struct media_tally *media, const struct one_way_audio *told,
                        int64_t told_ns)
{
    media->one_way_audio++;
    hash_set_add(&media->one_way_calls,
                 hash_bytes(&media->key, told->call_id.at, told->call_id.len));
    if (media->one_way_kept == MEDIA_ONE_WAY_MAX)
        return;
    struct media_one_way *kept = &media->one_way[media->one_way_kept++];
    kept->told = *told;
    kept->told_ns = told_ns;
    kept->until_ns = EVENT_NO_TIME;
    kept_text(kept->call_id, told->call_id);
    kept_text(kept->from_uri, told->from_uri);
    kept_text(kept->to_uri, told->to_uri);
    kept->told.call_id = kept->told.from_uri = kept->told.to_uri = SLICE_NONE;
}

/*
 * About when this stream was heard again, if it was after that time. One that began then: exactly.
 * One that went on: in this interval; where the last report alone tells it, in its last seconds,
 * for which there was none.
 */
static int64_t heard_again(const struct rtp_report *report, int64_t since_ns)
{
    const struct event_stream *stream = &report->stream;
    if (stream->ended_ns <= since_ns)
        return EVENT_NO_TIME;
    if (stream->started_ns > since_ns)
        return stream->started_ns;
    if (report->final)
        return stream->ended_ns;
    return report->since_ns > since_ns ? report->since_ns : since_ns;
}

/* Does this stream end a silence that was told of? */
static void note_heard(struct media_tally *media, const struct rtp_report *report)
{
    char call_id[KEPT_TEXT_MAX];
    for (size_t i = 0; i < media->one_way_kept && report->call_id.len > 0; i++) {
        struct media_one_way *silence = &media->one_way[i];
        const struct one_way_audio *told = &silence->told;
        if (silence->until_ns != EVENT_NO_TIME ||
            (!endpoint_eq(&told->src.endpoint, &report->stream.src.endpoint) &&
             !endpoint_eq(&told->dst.endpoint, &report->stream.dst.endpoint)))
            continue;
        kept_text(call_id, report->call_id);
        if (strcmp(call_id, silence->call_id) == 0)
            silence->until_ns = heard_again(report, silence->told_ns);
    }
}

static void add_crossing(struct media_tally *media, const struct rtp_crossing *crossing)
{
    if (crossing->confidence != CONFIDENCE_LOW)
        hash_set_add(&media->crossings,
                     crossing_hash(media, &crossing->stream, (int)crossing->metric));
}

static bool has_no_media(const struct call_ended *call)
{
    return call->final_status / 100 == 2 && call->streams == 0 && call->streams_left_out == 0;
}

void media_tally_event(struct media_tally *media, const struct event *event)
{
    switch (event->type) {
    case EVENT_RTP_REPORT:
        note_heard(media, &event->rtp_report);
        if (event->rtp_report.final)
            add_stream(media, &event->rtp_report);
        break;
    case EVENT_RTP_DEGRADED:
        add_crossing(media, &event->rtp_crossing);
        break;
    case EVENT_ONE_WAY_AUDIO:
        add_one_way(media, &event->one_way_audio, event->time_ns);
        break;
    case EVENT_CALL_ENDED:
        media->calls_without += has_no_media(&event->call_ended);
        break;
    default:
        break;
    }
}

void media_tally_sort(struct media_tally *media)
{
    qsort(media->worst, media->worst_kept, sizeof *media->worst, compare);
    media->least = media->worst_kept > 0 ? media->worst_kept - 1 : 0;
    qsort(media->pair, media->pairs, sizeof *media->pair, compare_pairs);
}
