#include "pipeline/report_fields.h"
#include "pipeline/report_media.h"

enum { PAIRS_TOLD = 64 };

static json_t *named_json(const struct named_endpoint *who)
{
    return endpoint_json(&who->endpoint, who->name);
}

static void set_ratio(json_t *object, const char *key, uint64_t part, uint64_t whole)
{
    if (whole > 0)
        set_real(object, key, (double)part / (double)whole);
}

static void set_figure(json_t *object, const char *key, const struct event_figure *figure,
                       const char *extreme, const char *scale)
{
    if (!figure->is_known)
        return;
    json_t *value = json_object();
    set_real(value, "mean", figure->mean);
    set_real(value, extreme, figure->extreme);
    set_text(value, "scale", scale);
    json_object_set_new(object, key, value);
}

static json_t *faults_json(unsigned faults)
{
    json_t *names = json_array();
    for (int fault = 0; fault < MEDIA_FAULT_COUNT; fault++)
        if (faults >> fault & 1)
            json_array_append_new(names, json_string(media_fault_name((enum media_fault)fault)));
    return names;
}

static void set_discarded(json_t *object, const struct event_stream *figures)
{
    if (!figures->has_delay_variation)
        return;
    json_t *discarded = json_object();
    set_count(discarded, "fixed_50ms", figures->discarded_50ms);
    set_count(discarded, "fixed_200ms", figures->discarded_200ms);
    set_count(discarded, "adaptive", figures->discarded_adaptive);
    json_object_set_new(object, "discarded", discarded);
}

/* By the names of the stream in the events. */
static json_t *stream_json(const struct media_stream *stream)
{
    const struct event_stream *figures = &stream->figures;
    json_t *object = json_object();
    char ssrc[16];
    snprintf(ssrc, sizeof ssrc, "0x%08x", (unsigned)figures->ssrc);
    set_text(object, "ssrc", ssrc);
    json_object_set_new(object, "src", named_json(&figures->src));
    json_object_set_new(object, "dst", named_json(&figures->dst));
    set_text(object, "call_id", stream->call_id);
    set_text(object, "codec", figures->codec);
    set_count(object, "payload_type", figures->payload_type);
    set_time(object, "started_at", figures->started_ns);
    set_time(object, "ended_at", figures->ended_ns);
    set_count(object, "packets", figures->packets);
    set_count(object, "expected", figures->expected);
    set_count(object, "lost", figures->lost);
    set_ratio(object, "loss_ratio", figures->lost, figures->expected);
    set_count(object, "duplicates", figures->duplicates);
    set_count(object, "mirror_copies", figures->mirror_copies);
    set_count(object, "out_of_order", figures->out_of_order);
    set_figure(object, "jitter_ms", &figures->jitter_ms, "max", NULL);
    set_discarded(object, figures);
    set_figure(object, "rtt_ms", &figures->rtt_ms, "max", NULL);
    if (figures->has_latency) {
        set_real(object, "latency_ms", figures->latency_ms);
        set_text(object, "latency_source", latency_source_name(figures->latency_source));
    }
    set_figure(object, "mos", &figures->mos, "min", figures->mos_scale);
    if (figures->has_srtp)
        json_object_set_new(object, "srtp", json_boolean(figures->srtp));
    if (figures->has_lost_after_tap)
        set_count(object, "lost_after_tap", figures->lost_after_tap);
    set_text(object, "confidence", confidence_name(stream->confidence));
    json_object_set_new(object, "bad_by", faults_json(stream->faults));
    return object;
}

static json_t *one_way_json(const struct media_one_way *one_way)
{
    const struct one_way_audio *told = &one_way->told;
    json_t *object = json_object();
    set_text(object, "call_id", one_way->call_id);
    set_text(object, "from_uri", one_way->from_uri);
    set_text(object, "to_uri", one_way->to_uri);
    json_object_set_new(object, "src", named_json(&told->src));
    json_object_set_new(object, "dst", named_json(&told->dst));
    set_time(object, "since_at", told->since_ns);
    set_time(object, "until_at", one_way->until_ns);
    if (told->silent_ns >= 0)
        set_real(object, "silent_ms", (double)told->silent_ns / 1e6);
    set_text(object, "confidence", confidence_name(told->confidence));
    set_text(object, "summary", told->summary);
    set_text(object, "next_step", told->next_step);
    return object;
}

static json_t *counts_json(const uint64_t faults[MEDIA_FAULT_COUNT])
{
    json_t *object = json_object();
    for (int fault = 0; fault < MEDIA_FAULT_COUNT; fault++)
        set_count(object, media_fault_name((enum media_fault)fault), faults[fault]);
    return object;
}

static json_t *party_json(const struct media_party *party)
{
    json_t *object = json_object();
    char ip[IP_TEXT_MAX];
    set_text(object, "name", party->name);
    if (!party->has_more)
        set_text(object, "ip", ip_format(&party->ip, ip));
    return object;
}

/* Those with bad streams, the most first. */
static json_t *pairs_json(const struct media_tally *media)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < media->pairs && i < PAIRS_TOLD && media->pair[i].bad > 0; i++) {
        const struct media_pair *pair = &media->pair[i];
        json_t *row = json_object();
        json_object_set_new(row, "src", party_json(&pair->src));
        json_object_set_new(row, "dst", party_json(&pair->dst));
        set_count(row, "streams", pair->streams);
        set_count(row, "streams_bad", pair->bad);
        json_object_set_new(row, "bad_by", counts_json(pair->faults));
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *jitter_json(const struct media_values *jitter)
{
    json_t *object = json_object();
    set_count(object, "streams", jitter->count);
    if (jitter->count > 0) {
        set_real(object, "median", media_values_median(jitter));
        set_real(object, "p95", media_values_high_tail(jitter));
        set_real(object, "max", jitter->highest);
    }
    return object;
}

static json_t *mos_json(const struct media_tally *media)
{
    json_t *scales = json_object();
    for (int scale = 0; scale < MOS_SCALE_COUNT; scale++) {
        const struct media_values *mos = &media->mos[scale];
        if (mos->count == 0)
            continue;
        json_t *object = json_object();
        set_count(object, "streams", mos->count);
        set_real(object, "median", media_values_median(mos));
        set_real(object, "p5", media_values_low_tail(mos));
        set_real(object, "min", media_values_lowest(mos));
        json_object_set_new(scales, mos_scale_name((enum mos_scale)scale), object);
    }
    return scales;
}

static json_t *one_way_audio_json(const struct media_tally *media)
{
    json_t *object = json_object();
    json_t *events = json_array();
    for (size_t i = 0; i < media->one_way_kept; i++)
        json_array_append_new(events, one_way_json(&media->one_way[i]));
    set_count(object, "total", media->one_way_audio);
    set_count(object, "calls", media->one_way_calls.count);
    json_object_set_new(object, "events", events);
    return object;
}

json_t *report_media_json(const struct media_tally *media)
{
    json_t *object = json_object();
    json_t *worst = json_array();
    for (size_t i = 0; i < media->worst_kept; i++)
        json_array_append_new(worst, stream_json(&media->worst[i]));
    set_count(object, "streams", media->streams);
    set_count(object, "streams_with_call", media->of_calls);
    set_count(object, "streams_without_call", media->streams - media->of_calls);
    set_count(object, "streams_encrypted", media->encrypted);
    set_count(object, "streams_low_confidence", media->doubted);
    set_count(object, "streams_too_short", media->unjudged);
    set_count(object, "streams_bad", media->bad);
    json_object_set_new(object, "bad_by", counts_json(media->faults));
    json_object_set_new(object, "bad_pairs", pairs_json(media));
    json_object_set_new(object, "bad_pairs_complete", json_boolean(!media->has_other_pairs));
    set_count(object, "calls_without_media", media->calls_without);
    set_count(object, "packets", media->packets);
    set_count(object, "expected", media->expected);
    set_count(object, "lost", media->lost);
    set_ratio(object, "loss_ratio", media->lost, media->expected);
    set_count(object, "lost_after_tap", media->lost_behind);
    set_count(object, "duplicates", media->duplicates);
    set_count(object, "mirror_copies", media->mirror_copies);
    set_count(object, "out_of_order", media->out_of_order);
    json_object_set_new(object, "jitter_ms", jitter_json(&media->jitter_ms));
    json_object_set_new(object, "mos", mos_json(media));
    json_object_set_new(object, "worst", worst);
    json_object_set_new(object, "one_way_audio", one_way_audio_json(media));
    return object;
}

json_t *report_other_udp_json(const struct report_figures *figures)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < figures->other_udp_labels; i++) {
        const struct udp_flows_label *label = &figures->other_udp[i];
        json_t *row = json_object();
        set_text(row, "label", label->name);
        set_count(row, "flows", label->flows);
        set_count(row, "packets", label->packets);
        json_array_append_new(rows, row);
    }
    return rows;
}
