#include <inttypes.h>
#include <string.h>

#include "pipeline/report.h"
#include "pipeline/report_media.h"
#include "pipeline/report_page.h"
#include "pipeline/report_sections.h"

enum {
    INDENT = 4,
    STATUS_INDENT = 32,
    DESTINATIONS_SHOWN = 20,
    STATUSES_SHOWN = 6,
    LINE_MAX_OCTETS = 800
};

#define grouped     report_page_count
#define plural      report_page_plural
#define format_time report_page_time
#define print_row   report_page_row

static void print_indented(FILE *out, const char *text)
{
    report_page_print(out, "    ", INDENT, text);
}

static void print_span(FILE *out, const struct pipeline *pipeline)
{
    const struct tally *tally = &pipeline->tally;
    uint64_t steps = pipeline->clock.steps;
    char from[32], to[32], line[LINE_MAX_OCTETS];
    if (tally->first_ns == EVENT_NO_TIME)
        return;
    format_time(tally->first_ns, true, from, sizeof from);
    bool same_day = tally->first_ns / 86400000000000 == tally->last_ns / 86400000000000;
    format_time(tally->last_ns, !same_day, to, sizeof to);
    fprintf(out, "%s to %s UTC (%.1f s)\n", from, to,
            (double)(tally->last_ns - tally->first_ns) / 1e9);
    if (steps == 0)
        return;
    snprintf(line, sizeof line,
             "The clock of the packets was set %s%s: durations across that are uncertain",
             steps == 1 ? "once" : grouped(steps), steps == 1 ? "" : " times");
    report_page_print(out, "", INDENT, line);
}

static void print_head(const struct report_source *source, FILE *out)
{
    const struct tally *tally = &source->pipeline->tally;
    char inputs[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < source->input_count && used < sizeof inputs - 1; i++)
        used += (size_t)snprintf(inputs + used, sizeof inputs - used, "%s%s", i ? " " : "",
                                 strcmp(source->inputs[i], "-") == 0 ? "standard input"
                                                                     : source->inputs[i]);
    report_page_print(out, "", INDENT, inputs);
    print_span(out, source->pipeline);
    char line[LINE_MAX_OCTETS];
    snprintf(line, sizeof line, "%s %s; SIP: %s %s, %s %s, %s%s %s", grouped(tally->packets),
             plural(tally->packets, "packet", "packets"), grouped(tally_requests(tally)),
             plural(tally_requests(tally), "request", "requests"), grouped(tally_responses(tally)),
             plural(tally_responses(tally), "response", "responses"),
             tally->call_ids.is_full ? "over " : "", grouped(tally->call_ids.count),
             plural(tally->call_ids.count, "Call-ID", "Call-IDs"));
    report_page_print(out, "", 0, line);
    if (source->error) {
        snprintf(line, sizeof line, "INCOMPLETE: %s", source->error);
        report_page_print(out, "", 0, line);
    }
}

/* The example's cause with its confidence, then how many had others. */
static void print_causes(const struct tally_destination *destination, FILE *out)
{
    char line[LINE_MAX_OCTETS];
    enum cause_code first = destination->cause.code;
    int used = snprintf(line, sizeof line, "Cause: %s (confidence %s)", cause_code_name(first),
                        confidence_name(destination->cause.confidence));
    if (destination->causes[first] < destination->invites)
        used += snprintf(line + used, sizeof line - (size_t)used, " of %s",
                         grouped(destination->causes[first]));
    for (int code = 0; code < CAUSE_CODE_COUNT; code++)
        if (destination->causes[code] > 0 && code != (int)first)
            used += snprintf(line + used, sizeof line - (size_t)used, ", %s of %s",
                             cause_code_name((enum cause_code)code),
                             grouped(destination->causes[code]));
    print_indented(out, line);
}

/* ", each sent 7 times" */
static void format_sendings(const struct tally_destination *destination, char *buf, size_t len)
{
    const char *each = destination->invites > 1 ? "each sent" : "sent";
    uint32_t min = destination->transmissions_min, max = destination->transmissions_max;
    if (min < max)
        snprintf(buf, len, "%s %" PRIu32 " to %" PRIu32 " times", each, min, max);
    else if (max > 1)
        snprintf(buf, len, "%s %" PRIu32 " times", each, max);
    else
        snprintf(buf, len, "%s once%s", each,
                 destination->transport == TRANSPORT_UDP ? "" : " (TCP repeats it by itself)");
}

static void print_destination(const struct tally_destination *destination, FILE *out)
{
    char endpoint[ENDPOINT_TEXT_MAX], from[32], to[32], sendings[64], line[LINE_MAX_OCTETS];
    endpoint_format(&destination->dst, endpoint);
    snprintf(line, sizeof line, "%s%s%s%s %s: %s %s, %s%s %s",
             destination->name ? destination->name : "", destination->name ? " (" : "", endpoint,
             destination->name ? ")" : "", transport_name(destination->transport),
             grouped(destination->invites), plural(destination->invites, "INVITE", "INVITEs"),
             grouped(destination->callers),
             destination->callers == TALLY_CALLERS_MAX ? " or more" : "",
             plural(destination->callers, "caller", "callers"));
    fputc('\n', out);
    report_page_print(out, "  ", INDENT, line);
    format_time(destination->first_ns, false, from, sizeof from);
    format_time(destination->last_ns, false, to, sizeof to);
    format_sendings(destination, sendings, sizeof sendings);
    snprintf(line, sizeof line, "%s to %s, %s", from, to, sendings);
    print_indented(out, line);
    print_causes(destination, out);
    report_print_callers(out, destination->caller, destination->callers, TALLY_CALLERS_MAX);
    snprintf(line, sizeof line, "Example: %s to %s, Call-ID %s", destination->from_uri,
             destination->to_uri, destination->call_id);
    print_indented(out, line);
    print_indented(out, destination->cause.summary);
    snprintf(line, sizeof line, "Next: %s", destination->cause.next_step);
    print_indented(out, line);
}

/* What is said where no INVITE was found unanswered: never more than is known. */
static const char *none_text(const struct pipeline *pipeline, const struct report_figures *figures,
                             char *buf, size_t len)
{
    const struct tally *tally = &pipeline->tally;
    uint64_t requests = tally_requests(tally), responses = tally_responses(tally);
    if (requests == 0 && responses > 0)
        return "cannot tell: only responses were seen, no request; the mirror carries one "
               "direction: check that it copies rx and tx";
    if (requests > 0)
        return tally->pending > 0 ? "none confirmed, but see those that still waited" : "none";
    if (figures->defrag.timed_out > 0) {
        snprintf(buf, len,
                 "cannot tell: no SIP was read, and fragments of %s IP %s are missing (a filter on "
                 "ports drops them)",
                 grouped(figures->defrag.timed_out),
                 plural(figures->defrag.timed_out, "datagram", "datagrams"));
        return buf;
    }
    if (pipeline->capture_stats.filtered > 0)
        return "cannot tell: no SIP was read, the filter left packets out";
    if (report_packets_cut(pipeline, figures) > 0)
        return "cannot tell: no SIP was read, the packets are cut; capture again with "
               "tcpdump -s 0";
    if (figures->tcp.tls > 0)
        return "cannot tell: only encrypted signalling (TLS) was seen, which nobody can read here";
    return "cannot tell: no SIP message was read";
}

/* Too young to be called unanswered, and all that a short capture may have. */
static void print_pending(const struct tally *tally, FILE *out)
{
    char line[LINE_MAX_OCTETS], endpoint[ENDPOINT_TEXT_MAX];
    if (tally->pending == 0)
        return;
    snprintf(line, sizeof line,
             "%s %s (one per hop) had no response yet when the input ended; a longer capture would "
             "tell",
             grouped(tally->pending), plural(tally->pending, "INVITE", "INVITEs"));
    report_page_print(out, "\nSTILL WAITING  ", INDENT, line);
    uint64_t rest = tally->pending;
    for (size_t i = 0; i < tally->pending_destinations && i < DESTINATIONS_SHOWN; i++) {
        const struct tally_pending *pending = &tally->pending_to[i];
        char times[32] = "once";
        if (pending->transmissions_max > 1)
            snprintf(times, sizeof times, "%s%" PRIu32 " times",
                     pending->invites > 1 ? "up to " : "", pending->transmissions_max);
        endpoint_format(&pending->dst, endpoint);
        snprintf(line, sizeof line, "%s%s%s%s: %s %s, sent %s, for %s%.1f s",
                 pending->name ? pending->name : "", pending->name ? " (" : "", endpoint,
                 pending->name ? ")" : "", grouped(pending->invites),
                 plural(pending->invites, "INVITE", "INVITEs"), times,
                 pending->invites > 1 ? "up to " : "", (double)pending->waited_ns / 1e9);
        report_page_print(out, "  ", INDENT, line);
        rest -= pending->invites;
    }
    if (rest > 0)
        fprintf(out, "  … and %s to other destinations\n", grouped(rest));
}

/* Those beyond the shown ones: a scan is told as one. */
static void print_rest(const struct tally *tally, size_t shown, FILE *out)
{
    uint64_t rest = tally->other_destinations_invites;
    bool insist = tally->other_destinations_insist, is_complete = rest == 0;
    for (size_t i = shown; i < tally->destinations; i++) {
        rest += tally->destination[i].invites;
        insist |= tally_insists(&tally->destination[i]);
    }
    if (rest == 0)
        return;
    char line[LINE_MAX_OCTETS];
    snprintf(line, sizeof line, "… and %s %s%s to %s%s more %s (--report json has %s)",
             grouped(rest), plural(rest, "INVITE", "INVITEs"),
             insist ? "" : " sent once and never repeated, as scanners do,",
             is_complete ? "" : "over ", grouped(tally->destinations - shown),
             plural(tally->destinations - shown, "destination", "destinations"),
             is_complete ? "all" : "most");
    fputc('\n', out);
    report_page_print(out, "  ", INDENT, line);
}

static void print_scanners(const struct tally *tally, FILE *out)
{
    char line[LINE_MAX_OCTETS];
    if (tally->of_scanners == 0)
        return;
    snprintf(line, sizeof line,
             "%s of them %s from scanners, whom nobody has to answer: no destination is blamed for "
             "them, and no alarm counts them.",
             grouped(tally->of_scanners), plural(tally->of_scanners, "is", "are"));
    fputc('\n', out);
    report_page_print(out, "  ", INDENT, line);
}

static void print_unanswered(const struct pipeline *pipeline, const struct report_figures *figures,
                             FILE *out)
{
    const struct tally *tally = &pipeline->tally;
    if (tally->unanswered == 0) {
        char line[LINE_MAX_OCTETS];
        report_page_print(out, "\nUNANSWERED INVITES  ", INDENT,
                          none_text(pipeline, figures, line, sizeof line));
        return;
    }
    fprintf(out, "\nUNANSWERED INVITES  %s got no response at all\n", grouped(tally->unanswered));
    size_t shown =
        tally->destinations < DESTINATIONS_SHOWN ? tally->destinations : DESTINATIONS_SHOWN;
    for (size_t i = 0; i < shown; i++)
        print_destination(&tally->destination[i], out);
    print_rest(tally, shown, out);
    print_scanners(tally, out);
}

/* "486: 8, 404: 4": the most frequent first, and how many have none where one is due. */
static void format_statuses(const uint64_t counts[TALLY_STATUS_MAX], bool is_due, char *buf,
                            size_t len)
{
    bool done[TALLY_STATUS_MAX] = {false};
    size_t used = 0;
    buf[0] = 0;
    for (int shown = 0; shown < STATUSES_SHOWN; shown++) {
        int best = -1;
        for (int status = 1; status < TALLY_STATUS_MAX; status++)
            if (counts[status] > 0 && !done[status] && (best < 0 || counts[status] > counts[best]))
                best = status;
        if (best < 0)
            break;
        done[best] = true;
        used += (size_t)snprintf(buf + used, len - used, "%s%d: %s", shown ? ", " : "", best,
                                 grouped(counts[best]));
    }
    for (int status = 1; status < TALLY_STATUS_MAX; status++)
        if (counts[status] > 0 && !done[status]) {
            used += (size_t)snprintf(buf + used, len - used, ", …");
            break;
        }
    if (is_due && counts[0] > 0)
        snprintf(buf + used, len - used, "%sfinal response not seen: %s", used ? ", " : "",
                 grouped(counts[0]));
}

static void print_calls(const struct pipeline *pipeline, FILE *out)
{
    const struct tally *tally = &pipeline->tally;
    const struct call_table *table = &pipeline->calls.table;
    uint64_t ended = 0;
    for (int state = 0; state < CALL_STATE_COUNT; state++)
        ended += tally_calls(tally, (enum call_state)state);
    fprintf(out, "\nCALLS  %s ended", grouped(ended));
    if (tally_calls_of_scanners(tally) > 0)
        fprintf(out, " (%s more of scanners)", grouped(tally_calls_of_scanners(tally)));
    if (ended > 0)
        fputs("                   by final status", out);
    fputc('\n', out);
    for (int state = 0; state < CALL_STATE_COUNT; state++) {
        uint64_t count = tally_calls(tally, (enum call_state)state);
        char statuses[240];
        if (count == 0)
            continue;
        bool is_due = state != CALL_STATE_UNANSWERED && state != CALL_STATE_LOST;
        format_statuses(tally->calls[state], is_due, statuses, sizeof statuses);
        char prefix[64];
        snprintf(prefix, sizeof prefix, "  %-14s%12s%s", call_state_name((enum call_state)state),
                 grouped(count), statuses[0] ? "    " : "");
        report_page_print(out, prefix, STATUS_INDENT, statuses);
    }
    const struct {
        const char *what;
        uint64_t count;
    } open[] = {
        {"still up at the end", table->phase_count[PHASE_UP]},
        {"still ringing at the end", table->phase_count[PHASE_EARLY]},
        {"still without any response at the end",
         table->phase_count[PHASE_TRYING] + table->phase_count[PHASE_REPEATED]},
        {"met in mid-call and heard from one side only", table->phase_count[PHASE_UNPROVEN]},
        {"up already when first seen", pipeline->calls.joined_late},
        {"whose 2xx was repeated and never got an ACK", tally->ack_missing},
    };
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
        if (open[i].count > 0)
            print_row(out, open[i].count, open[i].what);
}

static void print_spread(FILE *out, const char *what, const struct spread *spread)
{
    if (spread->count > 0)
        fprintf(out, "  %-28s%12.1f%12.1f%12.1f\n", what,
                (double)spread_percentile(spread, 0.5) / 1e3,
                (double)spread_percentile(spread, 0.95) / 1e3, (double)spread->max / 1e3);
}

static void print_times(const struct tally *tally, FILE *out)
{
    if (tally->first_response_us.count == 0)
        return;
    fprintf(out, "\nRESPONSE TIMES in ms          %12s%12s%12s\n", "median", "95%", "longest");
    print_spread(out, "to the first response", &tally->first_response_us);
    print_spread(out, "to ringing or the result", &tally->post_dial_delay_us);
}

struct left_out {
    uint64_t count;
    const char *one, *many, *rest; /* as report_page_row_of */
};

/* Those that are no error, or one about nothing that is followed. */
static uint64_t icmp_left_out(const struct pipeline *pipeline)
{
    uint64_t all = pipeline->tally.decoded[DECODE_ICMP], tied = pipeline->calls.icmp_tied;
    return all > tied ? all - tied : 0;
}

static bool are_refused(const struct tally *tally)
{
    for (int refusal = SIP_NOT_SIP; refusal < SIP_REFUSAL_COUNT; refusal++)
        if (tally->refused[refusal] > 0)
            return true;
    return false;
}

static void print_refused(const struct tally *tally, FILE *out)
{
    for (int refusal = SIP_NOT_SIP; refusal < SIP_REFUSAL_COUNT; refusal++)
        report_page_row_of(
            out, tally->refused[refusal], "SIP message that could not be read:",
            "SIP messages that could not be read:", report_refusal_text((enum sip_refusal)refusal));
}

static void print_left_out(const struct pipeline *pipeline, const struct report_figures *figures,
                           FILE *out)
{
    const struct tally *tally = &pipeline->tally;
    const struct calls *calls = &pipeline->calls;
    const struct capture_stats *stats = &pipeline->capture_stats;
    const uint64_t *evicted = calls->table.evicted;
    const char *const packet = "packet was", *const packets = "packets were";
    const struct left_out rows[] = {
        {stats->dropped_kernel, packet, packets, "lost: the sensor was too slow for its buffer"},
        {stats->dropped_interface, packet, packets, "lost by the interface or its driver"},
        {stats->filtered, packet, packets, "left out by the filter"},
        {figures->defrag.overlapping, "IP datagram", "IP datagrams",
         "whose fragments contradict one another"},
        {figures->defrag.refused, "fragment", "fragments",
         "with an impossible offset or length, or too many"},
        {figures->defrag.evicted, "IP datagram", "IP datagrams",
         "in fragments, given up to make room"},
        {figures->tcp.other, "TCP segment", "TCP segments", "of connections without signalling"},
        {figures->tcp.skipped_bytes, "byte", "bytes",
         "of TCP streams, skipped to find the next message"},
        {figures->tcp.dropped_bytes, "byte", "bytes", "of TCP streams, not kept for want of room"},
        {figures->tcp.evicted, "TCP connection,", "TCP connections,",
         "forgotten to make room (memory_limit)"},
        {icmp_left_out(pipeline), "ICMP packet", "ICMP packets", "about no INVITE seen here"},
        {tally->decoded[DECODE_OTHER_IP], "IP packet", "IP packets",
         "of other protocols than UDP, TCP and ICMP"},
        {tally->decoded[DECODE_NOT_IP], "packet that is", "packets that are", "not IP"},
        {tally->decoded[DECODE_UNKNOWN_LINK], "packet", "packets",
         "of a link type that is not understood"},
        {tally->decoded[DECODE_TRUNCATED], packet, packets, "cut short within the headers"},
        {tally->decoded[DECODE_MALFORMED], "packet", "packets", "with contradictory headers"},
        {report_other_udp(figures), "UDP packet that is", "UDP packets that are",
         "neither SIP nor RTP (see OTHER UDP)"},
        {figures->streams.refused, "candidate for an RTP stream was",
         "candidates for RTP streams were", "none after all"},
        {figures->streams.rtcp_refused, "RTCP packet", "RTCP packets",
         "that could not be read: encrypted (SRTCP) or damaged"},
        {figures->streams.left_out, "RTP packet", "RTP packets",
         "of streams for which there was no room (memory_limit)"},
        {figures->streams.evicted, "RTP stream was", "RTP streams were",
         "forgotten to make room (memory_limit)"},
        {calls->media_map.left_out, "description of media (SDP)", "descriptions of media (SDP)",
         "for which there was no room (memory_limit)"},
        {pipeline->clock.outliers, "packet", "packets", "with a stamp far from all around"},
        {calls->stray_responses, "response", "responses", "that could not have reached the client"},
        {calls->unmatched_responses, "response", "responses", "with a Via of no request seen here"},
        {calls->expired, "call", "calls", "that went quiet before an answer"},
        {evicted[PHASE_UNPROVEN] + evicted[PHASE_TRYING], "call, sent once or heard once, was",
         "calls, sent once or heard once, were", "forgotten to make room (memory_limit)"},
        {evicted[PHASE_REPEATED], "call, repeated without a response, was",
         "calls, repeated without a response, were", "forgotten to make room (memory_limit)"},
        {evicted[PHASE_EARLY] + evicted[PHASE_UP], "call, ringing or up, was",
         "calls, ringing or up, were", "forgotten to make room (memory_limit)"},
        {calls->table.transactions_left_out, "INVITE", "INVITEs", "beyond what one call may have"},
    };
    bool any = are_refused(tally);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        any |= rows[i].count > 0;
    if (!any)
        return;
    fputs("\nLEFT OUT, OR NOT UNDERSTOOD\n", out);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        report_page_row_of(out, rows[i].count, rows[i].one, rows[i].many, rows[i].rest);
    print_refused(tally, out);
}

void report_print_text(const struct report_source *source, FILE *out)
{
    const struct pipeline *pipeline = source->pipeline;
    struct report_figures figures;
    report_figures_read(pipeline, &figures);
    print_head(source, out);
    print_unanswered(pipeline, &figures, out);
    print_pending(&pipeline->tally, out);
    report_failed_print(&pipeline->tally, out);
    print_calls(pipeline, out);
    print_times(&pipeline->tally, out);
    report_media_print(&pipeline->tally.media, out);
    report_mirror_print(pipeline, &figures, out);
    report_transport_print(pipeline, &figures, out);
    report_other_udp_print(&figures, out);
    print_left_out(pipeline, &figures, out);
}

const char *report_refusal_text(enum sip_refusal refusal)
{
    static const char *const texts[SIP_REFUSAL_COUNT] = {
        [SIP_ACCEPTED] = "accepted",
        [SIP_NOT_SIP] = "no SIP start line after all",
        [SIP_BAD_START_LINE] = "the start line is broken",
        [SIP_BAD_VERSION] = "not SIP/2.0",
        [SIP_BAD_STATUS] = "the status is not 100 to 699",
        [SIP_BAD_HEADER] = "a header line without a colon or a name",
        [SIP_NO_VIA] = "no Via",
        [SIP_BAD_VIA] = "the top Via cannot be read",
        [SIP_NO_CALL_ID] = "no Call-ID",
        [SIP_BAD_CALL_ID] = "the Call-ID cannot be read",
        [SIP_NO_CSEQ] = "no CSeq",
        [SIP_BAD_CSEQ] = "the CSeq cannot be read",
        [SIP_CSEQ_MISMATCH] = "the CSeq names another method",
        [SIP_NO_FROM] = "no From",
        [SIP_BAD_FROM] = "the From cannot be read",
        [SIP_NO_TO] = "no To",
        [SIP_BAD_TO] = "the To cannot be read",
        [SIP_BAD_CONTENT_LENGTH] = "the Content-Length is impossible",
        [SIP_SHORT_BODY] = "the body is shorter than its Content-Length",
        [SIP_TOO_LARGE] = "more header lines or Vias than any real one",
        [SIP_DUPLICATE_HEADER] = "two From, To, Call-ID or CSeq that differ",
    };
    return texts[refusal];
}
