#include "pipeline/report_media.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "pipeline/report_page.h"

enum {
    INDENT = 4,
    STREAMS_SHOWN = 10,
    STREAMS_SHOWN_IF_GOOD = 3, /* so that there is something to compare with */
    PAIRS_SHOWN = 5,
    ONE_WAY_SHOWN = 10,
    LINE_MAX_OCTETS = 1600,
};

#define grouped report_page_count
#define plural  report_page_plural

/* A line that grows; what does not fit is left out. */
struct line {
    char text[LINE_MAX_OCTETS];
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line->text + line->used, sizeof line->text - line->used, format, args);
    va_end(args);
    if (len > 0)
        line->used += (size_t)len < sizeof line->text - line->used
                          ? (size_t)len
                          : sizeof line->text - line->used - 1;
}

static void add_endpoint(struct line *line, const struct named_endpoint *who)
{
    char text[ENDPOINT_TEXT_MAX];
    endpoint_format(&who->endpoint, text);
    if (who->name)
        add(line, "%s (%s)", who->name, text);
    else
        add(line, "%s", text);
}

static void print_indented(FILE *out, const char *text)
{
    report_page_print(out, "    ", INDENT, text);
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part * 100 / (double)whole : 0;
}

/* --- all streams together */

static const char *const fault_words[MEDIA_FAULT_COUNT] = {
    [RTP_METRIC_JITTER] = "jitter", [RTP_METRIC_LATENCY] = "latency",
    [RTP_METRIC_LOSS] = "loss",     [MEDIA_LOST_BEHIND] = "loss behind this sensor",
    [MEDIA_LOW_MOS] = "MOS",
};

/* " loss 2, jitter 1" */
static void add_fault_counts(struct line *line, const uint64_t faults[MEDIA_FAULT_COUNT])
{
    const char *separator = "";
    for (int fault = 0; fault < MEDIA_FAULT_COUNT; fault++) {
        if (faults[fault] == 0)
            continue;
        add(line, "%s %s %s", separator, fault_words[fault], grouped(faults[fault]));
        separator = ",";
    }
}

/* "3 of 40 streams were bad: loss 2, jitter 1; cannot tell for 5 more" */
static void add_bad(struct line *line, const struct media_tally *media)
{
    if (media->streams == 1)
        add(line, "the stream was bad:");
    else if (media->bad == media->streams)
        add(line, "all %s streams were bad:", grouped(media->streams));
    else
        add(line, "%s of %s streams %s bad:", grouped(media->bad), grouped(media->streams),
            plural(media->bad, "was", "were"));
    add_fault_counts(line, media->faults);
    if (media->open > 0)
        add(line, "; cannot tell for %s more: the mirror or the sensor lost or disordered packets",
            grouped(media->open));
}

/* Never more than is known. */
static void add_not_bad(struct line *line, const struct media_tally *media)
{
    bool is_one = media->streams == 1;
    if (media->unjudged == media->streams)
        add(line, "cannot tell: %s",
            is_one ? "the stream was too short" : "all streams were too short");
    else if (media->open == media->streams)
        add(line,
            "cannot tell: %s%s%s came while the mirror or the sensor lost or disordered packets",
            is_one ? "the stream" : "all ", is_one ? "" : grouped(media->streams),
            is_one ? "" : " streams");
    else if (media->unclear == media->streams)
        add(line, "cannot tell: all streams were too short, or came while the mirror or the "
                  "sensor lost or disordered packets");
    else if (media->open > 0)
        add(line,
            "no stream was bad, but cannot tell for %s of %s: the mirror or the sensor lost or "
            "disordered packets",
            grouped(media->open), grouped(media->streams));
    else
        add(line, "%s", is_one ? "the stream was not bad" : "no stream was bad");
}

static void print_verdict(const struct media_tally *media, FILE *out)
{
    struct line line = {.used = 0};
    if (media->streams == 0)
        add(&line, "none: %s answered %s no RTP in view", grouped(media->calls_without),
            plural(media->calls_without, "call had", "calls had"));
    else if (media->bad > 0)
        add_bad(&line, media);
    else
        add_not_bad(&line, media);
    if (media->streams > 0 && media->one_way_audio > 0)
        add(&line, " (see also ONE-WAY AUDIO)");
    report_page_print(out, "\nMEDIA  ", INDENT, line.text);
}

static void add_party(struct line *line, const struct media_party *party)
{
    char ip[IP_TEXT_MAX];
    ip_format(&party->ip, ip);
    if (party->name && party->has_more)
        add(line, "%s", party->name);
    else if (party->name)
        add(line, "%s (%s)", party->name, ip);
    else
        add(line, "%s", ip);
}

/* "12 of 14 streams from trunk-a (198.51.100.17) to 192.0.2.10 were bad: loss 12" */
static void print_pair(const struct media_pair *pair, FILE *out)
{
    struct line line = {.used = 0};
    if (pair->bad == pair->streams && pair->bad == 1)
        add(&line, "the stream from ");
    else if (pair->bad == pair->streams)
        add(&line, "all %s streams from ", grouped(pair->streams));
    else
        add(&line, "%s of %s streams from ", grouped(pair->bad), grouped(pair->streams));
    add_party(&line, &pair->src);
    add(&line, " to ");
    add_party(&line, &pair->dst);
    add(&line, " %s bad:", plural(pair->bad, "was", "were"));
    add_fault_counts(&line, pair->faults);
    report_page_print(out, "  ", INDENT, line.text);
}

/* Which way, and so which trunk, the bad streams came. */
static void print_pairs(const struct media_tally *media, FILE *out)
{
    uint64_t rest = media->bad;
    if (media->bad < 2)
        return;
    for (size_t i = 0; i < media->pairs && i < PAIRS_SHOWN && media->pair[i].bad > 0; i++) {
        print_pair(&media->pair[i], out);
        rest -= media->pair[i].bad;
    }
    if (rest > 0)
        fprintf(out, "  … and %s between other hosts\n", grouped(rest));
}

static void print_totals(const struct media_tally *media, FILE *out)
{
    struct line line = {.used = 0};
    add(&line, "RTP %s", plural(media->streams, "stream", "streams"));
    uint64_t alone = media->streams - media->of_calls;
    if (alone == 0)
        add(&line, ", %s of a call in view", media->streams == 1 ? "it is" : "all");
    else if (media->of_calls == 0)
        add(&line, " without a call in view: the SIP was not seen, or is encrypted");
    else
        add(&line, ", %s of a call in view, %s without one", grouped(media->of_calls),
            grouped(alone));
    report_page_row(out, media->streams, line.text);
    line.used = 0;
    add(&line, "%s", plural(media->packets, "packet", "packets"));
    add(&line, ", %s lost (%.2f%%)", grouped(media->lost), percent(media->lost, media->expected));
    if (media->duplicates > 0)
        add(&line, ", %s doubled", grouped(media->duplicates));
    if (media->out_of_order > 0)
        add(&line, ", %s out of order", grouped(media->out_of_order));
    report_page_row(out, media->packets, line.text);
    report_page_row_of(out, media->encrypted, "stream is", "streams are",
                       "encrypted (SRTP); that does not hide what is measured");
    report_page_row_of(out, media->unjudged, "stream was", "streams were",
                       "too short to be judged (less than half an interval)");
    report_page_row_of(out, media->doubted, "stream", "streams",
                       "while the mirror or the sensor lost or disordered packets: loss, jitter "
                       "and MOS are uncertain");
    report_page_row_of(out, media->lost_behind, "packet was", "packets were",
                       "lost behind this sensor, as receivers say (RTCP)");
    report_page_row_of(out, media->calls_without, "answered call had", "answered calls had",
                       "no RTP in view");
}

static void print_spreads(const struct media_tally *media, FILE *out)
{
    const struct media_values *jitter = &media->jitter_ms;
    bool any = jitter->count > 0;
    for (int scale = 0; scale < MOS_SCALE_COUNT; scale++)
        any |= media->mos[scale].count > 0;
    if (!any)
        return;
    fprintf(out, "  %-28s%12s%12s%12s\n", "of each stream the mean", "median", "worst 5%", "worst");
    if (jitter->count > 0)
        fprintf(out, "  %-28s%12.1f%12.1f%12.1f\n", "jitter in ms", media_values_median(jitter),
                media_values_high_tail(jitter), jitter->highest);
    for (int scale = 0; scale < MOS_SCALE_COUNT; scale++) {
        const struct media_values *mos = &media->mos[scale];
        char what[48];
        if (mos->count == 0)
            continue;
        snprintf(what, sizeof what, "MOS, %s", mos_scale_name((enum mos_scale)scale));
        fprintf(out, "  %-28s%12.2f%12.2f%12.2f\n", what, media_values_median(mos),
                media_values_low_tail(mos), media_values_lowest(mos));
    }
}

/* --- the worst */

/* "bad by loss, MOS" */
static void add_faults(struct line *line, unsigned faults)
{
    const char *separator = ", bad by";
    for (int fault = 0; fault < MEDIA_FAULT_COUNT; fault++) {
        if (!(faults >> fault & 1))
            continue;
        add(line, "%s %s", separator, fault_words[fault]);
        separator = ",";
    }
}

static void add_mos(struct line *line, const struct media_stream *stream)
{
    const struct event_stream *figures = &stream->figures;
    switch (stream->no_mos) {
    case MEDIA_HAS_MOS:
        add(line, "MOS %.2f (lowest %.2f", media_values_round(figures->mos.mean),
            media_values_round(figures->mos.extreme));
        if (media_scale(figures->mos_scale) != MOS_NARROWBAND)
            add(line, ", %s", figures->mos_scale);
        add(line, ")");
        break;
    case MEDIA_CODEC_UNKNOWN:
        add(line, "no MOS (codec unknown)");
        break;
    case MEDIA_NOT_SPEECH:
        add(line, "no MOS (not speech)");
        break;
    case MEDIA_NO_FIGURES:
        add(line, "no MOS (no published figures for %s)", figures->codec);
        break;
    case MEDIA_NO_FIGURES_OF_LOSS:
        add(line, "no MOS (no published figures for %s with loss)", figures->codec);
        break;
    case MEDIA_FEW_PACKETS:
        add(line, "no MOS (too few packets of one codec in an interval)");
        break;
    }
}

/* What the receiver says that it misses, and where to look if that is what is wrong. */
static void print_lost_behind(const struct media_stream *stream, FILE *out)
{
    struct line line = {.used = 0};
    if (!(stream->faults >> MEDIA_LOST_BEHIND & 1))
        return;
    add(&line, "and %s more lost behind this sensor, as the receiver says: look %s",
        grouped(stream->figures.lost_after_tap),
        stream->faults >> RTP_METRIC_LOSS & 1 ? "on both sides of it" : "between here and there");
    print_indented(out, line.text);
}

static void print_figures(const struct media_stream *stream, FILE *out)
{
    const struct event_stream *figures = &stream->figures;
    bool is_behind_bad = stream->faults >> MEDIA_LOST_BEHIND & 1;
    struct line line = {.used = 0};
    add_mos(&line, stream);
    add(&line, ", loss %.2f%% (%s of %s)", percent(figures->lost, figures->expected),
        grouped(figures->lost), grouped(figures->expected));
    if (figures->has_lost_after_tap && figures->lost_after_tap > 0 && !is_behind_bad)
        add(&line, ", %s more behind this sensor", grouped(figures->lost_after_tap));
    if (figures->jitter_ms.is_known)
        add(&line, ", jitter %.1f ms (highest %.1f)", media_values_round(figures->jitter_ms.mean),
            media_values_round(figures->jitter_ms.extreme));
    if (figures->discarded_adaptive > 0)
        add(&line, ", %s too late for an adaptive jitter buffer",
            grouped(figures->discarded_adaptive));
    if (figures->has_latency)
        add(&line, ", one way %.0f ms", figures->latency_ms);
    print_indented(out, line.text);
    if (stream->confidence == CONFIDENCE_LOW)
        print_indented(
            out,
            "The mirror or the sensor lost or disordered packets meanwhile: it may be no fault "
            "of the stream's.");
    print_lost_behind(stream, out);
}

static void print_stream(const struct media_stream *stream, FILE *out)
{
    const struct event_stream *figures = &stream->figures;
    struct line line = {.used = 0};
    char from[32];
    if (figures->codec)
        add(&line, "%s", figures->codec);
    else
        add(&line, "payload type %u", figures->payload_type);
    add(&line, "%s, ", figures->has_srtp && figures->srtp ? " (SRTP)" : "");
    add_endpoint(&line, &figures->src);
    add(&line, " -> ");
    add_endpoint(&line, &figures->dst);
    add_faults(&line, stream->faults);
    fputc('\n', out);
    report_page_print(out, "  ", INDENT, line.text);
    print_figures(stream, out);
    report_page_time(figures->started_ns, false, from, sizeof from);
    line.used = 0;
    add(&line, "from %s for %.1f s, SSRC 0x%08" PRIx32 ", %s%s", from,
        (double)(figures->ended_ns - figures->started_ns) / 1e9, figures->ssrc,
        stream->call_id[0] ? "Call-ID " : "no call in view", stream->call_id);
    print_indented(out, line.text);
}

/* "… and 54 more that were bad, 3 that were not (--report json has the worst 64)" */
static void print_more(uint64_t bad, uint64_t good, bool is_any_bad, uint64_t streams, FILE *out)
{
    struct line line = {.used = 0};
    if (bad + good == 0)
        return;
    add(&line, "… and %s more", grouped(bad > 0 ? bad : good));
    if (bad > 0)
        add(&line, " that %s bad", plural(bad, "was", "were"));
    else if (is_any_bad)
        add(&line, " that %s not", plural(good, "was", "were"));
    if (bad > 0 && good > 0)
        add(&line, ", %s that %s not", grouped(good), plural(good, "was", "were"));
    if (streams <= MEDIA_WORST_MAX)
        add(&line, " (--report json has all)");
    else
        add(&line, " (--report json has the worst %d)", MEDIA_WORST_MAX);
    fputc('\n', out);
    report_page_print(out, "  ", INDENT, line.text);
}

static void print_worst(const struct media_tally *media, FILE *out)
{
    size_t shown = 0;
    uint64_t bad = 0;
    while (shown < media->worst_kept && shown < STREAMS_SHOWN &&
           (media->worst[shown].faults != 0 || shown < STREAMS_SHOWN_IF_GOOD)) {
        bad += media->worst[shown].faults != 0;
        print_stream(&media->worst[shown++], out);
    }
    print_more(media->bad - bad, media->streams - media->bad - (shown - bad), media->bad > 0,
               media->streams, out);
}

/* --- one-way audio */

static void print_one_way(const struct media_one_way *one_way, FILE *out)
{
    struct line line = {.used = 0};
    char since[32], until[32];
    report_page_time(one_way->told.since_ns, false, since, sizeof since);
    add(&line, "%s to %s, from %s", one_way->from_uri[0] ? one_way->from_uri : "unknown",
        one_way->to_uri[0] ? one_way->to_uri : "unknown", since);
    if (one_way->until_ns != EVENT_NO_TIME) {
        report_page_time(one_way->until_ns, false, until, sizeof until);
        add(&line, " until about %s", until);
    }
    add(&line, " (confidence %s), Call-ID %s", confidence_name(one_way->told.confidence),
        one_way->call_id);
    fputc('\n', out);
    report_page_print(out, "  ", INDENT, line.text);
    print_indented(out, one_way->told.summary);
    line.used = 0;
    add(&line, "Next: %s", one_way->told.next_step);
    print_indented(out, line.text);
}

static void print_one_way_audio(const struct media_tally *media, FILE *out)
{
    struct line line = {.used = 0};
    uint64_t calls = media->one_way_calls.count;
    size_t shown = 0;
    if (media->one_way_audio == 0)
        return;
    add(&line, "%s%s %s with audio in one direction only",
        media->one_way_calls.is_full ? "over " : "", grouped(calls),
        plural(calls, "call", "calls"));
    if (media->one_way_audio > calls)
        add(&line, ", %s times", grouped(media->one_way_audio));
    report_page_print(out, "\nONE-WAY AUDIO  ", INDENT, line.text);
    while (shown < media->one_way_kept && shown < ONE_WAY_SHOWN)
        print_one_way(&media->one_way[shown++], out);
    uint64_t rest = media->one_way_audio - shown;
    if (rest > 0 && media->one_way_audio <= MEDIA_ONE_WAY_MAX)
        fprintf(out, "\n  … and %s more (--report json has all)\n", grouped(rest));
    else if (rest > 0)
        fprintf(out, "\n  … and %s more (--report json has the first %d)\n", grouped(rest),
                MEDIA_ONE_WAY_MAX);
}

void report_media_print(const struct media_tally *media, FILE *out)
{
    print_one_way_audio(media, out);
    if (media->streams > 0 || media->calls_without > 0)
        print_verdict(media, out);
    if (media->streams == 0)
        return;
    print_pairs(media, out);
    print_totals(media, out);
    print_spreads(media, out);
    print_worst(media, out);
}

/* "DNS 12 flows (40 packets), STUN 1 flow (2 packets)" */
void report_other_udp_print(const struct report_figures *figures, FILE *out)
{
    struct line line = {.used = 0};
    for (size_t i = 0; i < figures->other_udp_labels; i++) {
        const struct udp_flows_label *label = &figures->other_udp[i];
        add(&line, "%s%s %s %s (%s %s)", i > 0 ? ", " : "", label->name, grouped(label->flows),
            plural(label->flows, "flow", "flows"), grouped(label->packets),
            plural(label->packets, "packet", "packets"));
    }
    if (line.used > 0)
        report_page_print(out, "\nOTHER UDP  ", INDENT, line.text);
}
