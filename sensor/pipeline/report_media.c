#include "pipeline/report_media.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "pipeline/report_page.h"

enum {
    INDENT = 4,
    STREAMS_SHOWN = 10,
    STREAMS_SHOWN_IF_GOOD = 3, /* so that there is something to compare with */
    ONE_WAY_SHOWN = 10,
    LINE_MAX_OCTETS = 1600,
    NAMED_TEXT_MAX = 320,
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

/* "3 of 40 streams were bad: loss 2, jitter 1" */
static void print_verdict(const struct media_tally *media, FILE *out)
{
    struct line line = {.used = 0};
    if (media->bad > 0)
        add(&line, "%s of %s %s bad:", grouped(media->bad), grouped(media->streams),
            media->streams == 1 ? "stream was"
            : media->bad == 1   ? "streams was"
                                : "streams were");
    else if (media->unjudged == media->streams)
        add(&line, "cannot tell: %s",
            media->streams == 1 ? "the stream was too short" : "all streams were too short");
    else
        add(&line, "%s", media->streams == 1 ? "the stream was not bad" : "no stream was bad");
    const char *separator = "";
    for (int fault = 0; fault < MEDIA_FAULT_COUNT; fault++) {
        if (media->faults[fault] == 0)
            continue;
        add(&line, "%s %s %s", separator, fault_words[fault], grouped(media->faults[fault]));
        separator = ",";
    }
    report_page_print(out, "\nMEDIA  ", INDENT, line.text);
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
                       "while the mirror or the sensor lost packets: loss and MOS are uncertain");
    report_page_row_of(out, media->lost_behind, "packet was", "packets were",
                       "lost behind this sensor, as receivers say (RTCP)");
}

static void print_spreads(const struct media_tally *media, FILE *out)
{
    const struct spread *jitter = &media->jitter_us;
    bool any = jitter->count > 0;
    for (int scale = 0; scale < MOS_SCALE_COUNT; scale++)
        any |= media->mos[scale].count > 0;
    if (!any)
        return;
    fprintf(out, "  %-28s%12s%12s%12s\n", "of each stream the mean", "median", "worst 5%", "worst");
    if (jitter->count > 0)
        fprintf(out, "  %-28s%12.1f%12.1f%12.1f\n", "jitter in ms",
                (double)spread_percentile(jitter, 0.5) / 1e3,
                (double)spread_percentile(jitter, 0.95) / 1e3, (double)jitter->max / 1e3);
    for (int scale = 0; scale < MOS_SCALE_COUNT; scale++) {
        const struct media_mos *mos = &media->mos[scale];
        char what[48];
        if (mos->count == 0)
            continue;
        snprintf(what, sizeof what, "MOS, %s", mos_scale_name((enum mos_scale)scale));
        fprintf(out, "  %-28s%12.2f%12.2f%12.2f\n", what, media_mos_percentile(mos, 0.5),
                media_mos_percentile(mos, 0.05), media_mos_percentile(mos, 0));
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

static void print_figures(const struct media_stream *stream, FILE *out)
{
    const struct event_stream *figures = &stream->figures;
    struct line line = {.used = 0};
    if (figures->mos.is_known) {
        add(&line, "MOS %.2f (lowest %.2f", figures->mos.mean, figures->mos.extreme);
        if (media_scale(figures->mos_scale) != MOS_NARROWBAND)
            add(&line, ", %s", figures->mos_scale);
        add(&line, "), ");
    }
    add(&line, "loss %.2f%% (%s of %s)", percent(figures->lost, figures->expected),
        grouped(figures->lost), grouped(figures->expected));
    if (figures->jitter_ms.is_known)
        add(&line, ", jitter %.1f ms (highest %.1f)", figures->jitter_ms.mean,
            figures->jitter_ms.extreme);
    if (figures->discarded_adaptive > 0)
        add(&line, ", %s too late for an adaptive jitter buffer",
            grouped(figures->discarded_adaptive));
    if (figures->has_latency)
        add(&line, ", one way %.0f ms", figures->latency_ms);
    print_indented(out, line.text);
    if (stream->confidence == CONFIDENCE_LOW)
        print_indented(out, "The mirror or the sensor lost packets meanwhile: it may be no fault "
                            "of the stream's.");
    if (figures->has_lost_after_tap && figures->lost_after_tap > 0) {
        line.used = 0;
        add(&line, "and %s more lost behind this sensor, as the receiver says: look %s",
            grouped(figures->lost_after_tap),
            figures->lost > figures->lost_after_tap ? "on both sides of it"
                                                    : "between here and there");
        print_indented(out, line.text);
    }
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

static void print_worst(const struct media_tally *media, FILE *out)
{
    size_t shown = 0;
    uint64_t bad = 0;
    while (shown < media->worst_kept && shown < STREAMS_SHOWN &&
           (media->worst[shown].faults != 0 || shown < STREAMS_SHOWN_IF_GOOD)) {
        bad += media->worst[shown].faults != 0;
        print_stream(&media->worst[shown++], out);
    }
    if (media->bad > bad)
        fprintf(out, "\n  … and %s more that %s bad (--report json has %s)\n",
                grouped(media->bad - bad), plural(media->bad - bad, "was", "were"),
                media->bad <= MEDIA_WORST_MAX ? "all" : "the worst");
}

/* --- one-way audio */

static void print_one_way(const struct media_one_way *one_way, FILE *out)
{
    struct line line = {.used = 0};
    char since[32];
    report_page_time(one_way->told.since_ns, false, since, sizeof since);
    add(&line, "%s to %s, from %s (confidence %s), Call-ID %s",
        one_way->from_uri[0] ? one_way->from_uri : "unknown",
        one_way->to_uri[0] ? one_way->to_uri : "unknown", since,
        confidence_name(one_way->told.confidence), one_way->call_id);
    fputc('\n', out);
    report_page_print(out, "  ", INDENT, line.text);
    print_indented(out, one_way->told.summary);
    line.used = 0;
    add(&line, "Next: %s", one_way->told.next_step);
    print_indented(out, line.text);
}

static void print_one_way_audio(const struct media_tally *media, FILE *out)
{
    if (media->one_way_audio == 0)
        return;
    fprintf(out, "\nONE-WAY AUDIO  %s%s one direction of a call carried no media\n",
            media->one_way_audio == 1 ? "once" : grouped(media->one_way_audio),
            media->one_way_audio == 1 ? "" : " times");
    size_t shown = 0;
    while (shown < media->one_way_kept && shown < ONE_WAY_SHOWN)
        print_one_way(&media->one_way[shown++], out);
    if (media->one_way_audio > shown)
        fprintf(out, "\n  … and %s more (--report json has %s)\n",
                grouped(media->one_way_audio - shown),
                media->one_way_audio <= MEDIA_ONE_WAY_MAX ? "all" : "some");
}

void report_media_print(const struct media_tally *media, FILE *out)
{
    if (media->streams > 0) {
        print_verdict(media, out);
        print_totals(media, out);
        print_spreads(media, out);
        print_worst(media, out);
    }
    print_one_way_audio(media, out);
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
