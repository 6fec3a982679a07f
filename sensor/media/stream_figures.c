/* What is told of a stream, out of what was measured. */
#include <math.h>

#include "media/stream_rtcp.h"
#include "media/streams_table.h"
#include "rtp/emodel.h"

enum { MOS_PACKETS_MIN = 100 };

#define NS_PER_MS 1e6

/* What repeats more than half of a stream, packet by packet, is a mirror; what does it now and then
 * is the network, unless it came at once or in another wrapping. */
static void fill_repeats(struct event_stream *figures, const struct rtp_counts *counts)
{
    uint64_t repeated = (uint64_t)counts->mirror_copies + counts->doubtful_copies;
    bool is_mirror = repeated > figures->packets / 2;
    figures->duplicates = counts->duplicates + (is_mirror ? 0 : counts->doubtful_copies);
    figures->mirror_copies = counts->mirror_copies + (is_mirror ? counts->doubtful_copies : 0);
}

static void fill_times(struct event_stream *figures, const struct stream_past *part)
{
    figures->jitter_ms = (struct event_figure){
        .is_known = part->jitter_count > 0,
        .mean = part->jitter_count > 0
                    ? part->jitter_sum_ns / (double)part->jitter_count / NS_PER_MS
                    : 0,
        .extreme = (double)part->jitter_max_ns / NS_PER_MS,
    };
    figures->has_delay_variation = part->jitter_count > 0;
    figures->delay_variation_p50_ms = delay_spread_percentile_ms(&part->spread, 0.5);
    figures->delay_variation_p95_ms = delay_spread_percentile_ms(&part->spread, 0.95);
    figures->delay_variation_p99_ms = delay_spread_percentile_ms(&part->spread, 0.99);
}

/* What an interval and a life have in common. */
static void fill(const struct streams *streams, const struct stream *stream,
                 const struct stream_past *part, uint32_t packets, uint32_t expected,
                 uint8_t payload_type, struct event_stream *figures)
{
    const struct peer_names *names = &streams->params.names;
    const struct codec_book *codecs = streams->params.codecs;
    const struct rtp_source *source = &stream->source;
    *figures = (struct event_stream){
        .ssrc = stream->ssrc,
        .src = {stream->src, peer_names_find(names, &stream->src.ip)},
        .dst = {stream->dst, peer_names_find(names, &stream->dst.ip)},
        .payload_type = payload_type,
        .clock_hz = source->ns_per_tick > 0 ? (uint32_t)lround(1e9 / source->ns_per_tick) : 0,
        .started_ns = stream->record.first_ns,
        .ended_ns = source->seen_ns,
        .packets = packets,
        .expected = expected,
        .lost = expected > packets ? expected - packets : 0,
        .out_of_order = part->counts.out_of_order,
        .discarded_50ms = part->counts.discarded_50ms,
        .discarded_200ms = part->counts.discarded_200ms,
        .discarded_adaptive = part->counts.discarded_adaptive,
        .event_packets = part->counts.event_packets,
        .comfort_noise_packets = part->counts.comfort_noise_packets,
        .has_srtp = stream->has_srtp,
        .srtp = stream->is_srtp,
    };
    uint16_t codec = figures->payload_type == source->payload_type
                         ? stream->codec
                         : streams_codec_of(streams, stream, figures->payload_type);
    if (codec != CODEC_NONE) {
        figures->codec = codec_at(codecs, codec)->name;
        if (codec_at(codecs, codec)->clock_hz > 0)
            figures->clock_hz = codec_at(codecs, codec)->clock_hz;
    }
    fill_repeats(figures, &part->counts);
    fill_times(figures, part);
}

/* Lost on the way and thrown away on arrival are the same to who listens. */
static void fill_mos(const struct streams *streams, const struct stream *stream,
                     const struct loss_runs *bad, struct event_stream *figures)
{
    const struct rtp_oddities *odd = rtp_record_odd(&stream->record);
    const struct codec *codec =
        codec_at(streams->params.codecs, streams_codec_of(streams, stream, figures->payload_type));
    const struct codec_impairment *impairment = &codec->impairment;
    if (figures->expected < MOS_PACKETS_MIN)
        return;
    uint64_t gone = figures->lost + figures->discarded_adaptive;
    double loss_ratio = fmin((double)gone / (double)figures->expected, 1);
    if (!codec_has_mos(codec, loss_ratio))
        return;
    bool is_bare = !streams->params.has_concealment && impairment->bpl_without_concealment > 0;
    struct emodel_input input = {
        .scale = impairment->scale,
        .ie = impairment->ie,
        .bpl = is_bare ? impairment->bpl_without_concealment : impairment->bpl,
        .loss_ratio = loss_ratio,
        .burst_ratio = loss_runs_burst_ratio(bad->bad - odd->bad_then, bad->runs - odd->runs_then,
                                             (uint32_t)figures->expected),
        .one_way_ms = figures->has_latency ? figures->latency_ms : -1,
    };
    double mos = emodel_mos(&input);
    figures->mos = (struct event_figure){true, mos, mos};
    figures->mos_scale = mos_scale_name(impairment->scale);
}

void stream_figures_interval(const struct streams *streams, const struct stream *stream,
                             struct event_stream *figures)
{
    const struct rtp_source *source = &stream->source;
    const struct rtp_record *record = &stream->record;
    struct loss_runs lost, bad;
    bool is_mixed;
    uint8_t type = rtp_source_main_type(source, record, &is_mixed);
    struct stream_past part = {
        .spread = record->spread,
        .counts = rtp_record_odd(record)->counts,
        .jitter_sum_ns = source->jitter_sum_ns,
        .jitter_count = source->jitter_count,
        .jitter_max_ns = source->jitter_max_ns,
    };
    rtp_source_runs(source, record, &lost, &bad);
    fill(streams, stream, &part, source->received - record->received_then,
         rtp_source_expected(source, record) - record->expected_then, type, figures);
    stream_rtcp_read_interval(stream->rtcp, figures->clock_hz, figures);
    if (!is_mixed)
        fill_mos(streams, stream, &bad, figures);
}

static void add_counts(struct rtp_counts *to, const struct rtp_counts *from)
{
    to->duplicates += from->duplicates;
    to->out_of_order += from->out_of_order;
    to->mirror_copies += from->mirror_copies;
    to->doubtful_copies += from->doubtful_copies;
    to->event_packets += from->event_packets;
    to->comfort_noise_packets += from->comfort_noise_packets;
    to->discarded_50ms += from->discarded_50ms;
    to->discarded_200ms += from->discarded_200ms;
    to->discarded_adaptive += from->discarded_adaptive;
}

static void add_type(struct stream_past *past, uint8_t type, uint32_t count)
{
    unsigned at = 0;
    while (at < past->types && past->type[at] != type)
        at++;
    if (at == RTP_TYPES_MAX)
        return;
    past->type[at] = type;
    past->type_count[at] += count;
    if (at == past->types)
        past->types++;
}

static uint32_t count_of_type(const struct stream_past *past, uint8_t type)
{
    for (unsigned i = 0; i < past->types; i++)
        if (past->type[i] == type)
            return past->type_count[i];
    return 0;
}

static void add_types(struct stream_past *past, const struct stream *stream)
{
    struct rtp_type_count types[RTP_TYPES_MAX];
    unsigned count = rtp_source_types(&stream->source, &stream->record, types);
    for (unsigned i = 0; i < count; i++)
        add_type(past, types[i].type, types[i].count);
}

/* Of most packets. */
static uint8_t main_type(const struct stream_past *past, const struct stream *stream)
{
    uint8_t best = stream->source.payload_type;
    for (unsigned i = 0; i < past->types; i++)
        if (past->type_count[i] > count_of_type(past, best))
            best = past->type[i];
    return best;
}

/* Codecs are not mixed, nor are their scales: the MOS is that of the one that was sent most. */
static void keep_mos(struct stream_past *past, const struct event_stream *figures,
                     enum mos_scale scale, bool is_told)
{
    uint8_t type = figures->payload_type;
    double mos = figures->mos.mean;
    if ((past->mos_count > 0 || past->mos_short > 0) && past->mos_type != type) {
        if (count_of_type(past, type) <= count_of_type(past, past->mos_type))
            return;
        past->mos_count = 0;
        past->mos_sum = 0;
    }
    past->mos_type = type;
    past->mos_scale = (uint8_t)scale;
    if (!is_told) {
        past->mos_short = (float)mos;
        return;
    }
    past->mos_min =
        past->mos_count == 0 || mos < (double)past->mos_min ? (float)mos : past->mos_min;
    past->mos_sum += mos;
    past->mos_count++;
}

void stream_figures_keep(struct streams *streams, struct stream *stream,
                         const struct event_stream *figures, bool is_told)
{
    const struct rtp_source *source = &stream->source;
    if (!stream->past) {
        stream->past = slab_alloc(&streams->pasts); /* there is one for each stream */
        *stream->past = (struct stream_past){0};
    }
    struct stream_past *past = stream->past;
    delay_spread_merge(&past->spread, &stream->record.spread);
    add_counts(&past->counts, &rtp_record_odd(&stream->record)->counts);
    past->jitter_sum_ns += source->jitter_sum_ns;
    past->jitter_count += source->jitter_count;
    past->jitter_max_ns = fmaxf(past->jitter_max_ns, source->jitter_max_ns);
    add_types(past, stream);
    uint16_t codec = streams_codec_of(streams, stream, figures->payload_type);
    if (figures->mos.is_known)
        keep_mos(past, figures, codec_at(streams->params.codecs, codec)->impairment.scale, is_told);
    else if (figures->expected >= MOS_PACKETS_MIN)
        past->has_unrated |= codec_at(streams->params.codecs, codec)->impairment.is_ie_published &&
                             !codec_at(streams->params.codecs, codec)->impairment.is_published;
}

static void fill_bursts(const struct stream *stream, uint32_t expected,
                        struct event_stream *figures)
{
    struct loss_runs lost, bad;
    struct loss_runs_figures lie;
    rtp_source_runs(&stream->source, &stream->record, &lost, &bad);
    loss_runs_read(&bad, expected, &lie);
    figures->has_runs = true;
    figures->loss_runs = lost.runs;
    figures->longest_loss_run = lost.longest;
    figures->bursts = lie.bursts;
    figures->burst_density = lie.burst_packets ? (double)lie.burst_bad / lie.burst_packets : 0;
    figures->gap_density = lie.gap_packets ? (double)lie.gap_bad / lie.gap_packets : 0;
}

void streams_read(const struct streams *streams, const struct stream *stream,
                  struct event_stream *figures)
{
    const struct stream_past none = {0}, *past = stream->past ? stream->past : &none;
    uint32_t expected = rtp_source_expected(&stream->source, &stream->record);
    uint8_t type = main_type(past, stream);
    fill(streams, stream, past, stream->source.received, expected, type, figures);
    fill_bursts(stream, expected, figures);
    figures->restarts = rtp_record_odd(&stream->record)->restarts;
    stream_rtcp_read_life(stream->rtcp, figures->clock_hz, figures);
    /* Where the worst intervals cannot be rated, the others' mean would flatter. */
    bool has_mos = past->mos_count > 0 || past->mos_short > 0;
    if (!has_mos || past->has_unrated || past->mos_type != type)
        return;
    figures->mos = past->mos_count > 0
                       ? (struct event_figure){true, past->mos_sum / past->mos_count, past->mos_min}
                       : (struct event_figure){true, past->mos_short, past->mos_short};
    figures->mos_scale = mos_scale_name((enum mos_scale)past->mos_scale);
}
