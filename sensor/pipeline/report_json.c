#include <stdlib.h>

#include "pipeline/report.h"
#include "pipeline/report_fields.h"
#include "pipeline/report_media.h"
#include "pipeline/report_sections.h"

static json_t *capture_json(const struct report_source *source)
{
    const struct pipeline *pipeline = source->pipeline;
    const struct tally *tally = &pipeline->tally;
    json_t *object = json_object();
    json_t *inputs = json_array();
    for (size_t i = 0; i < source->input_count; i++)
        json_array_append_new(inputs, json_text(slice_str(source->inputs[i])));
    json_object_set_new(object, "inputs", inputs);
    set_count(object, "packets", tally->packets);
    set_count(object, "bytes", tally->bytes);
    set_time(object, "first_at", tally->first_ns);
    set_time(object, "last_at", tally->last_ns);
    json_object_set_new(object, "complete", json_boolean(!source->error));
    set_text(object, "error", source->error);
    return object;
}

static json_t *sip_json(const struct tally *tally)
{
    static const char *const classes[] = {NULL, "1xx", "2xx", "3xx", "4xx", "5xx", "6xx"};
    json_t *object = json_object();
    json_t *methods = json_object();
    json_t *responses = json_object();
    set_count(object, "requests", tally_requests(tally));
    set_count(object, "responses", tally_responses(tally));
    set_count(object, "call_ids", tally->call_ids.count);
    json_object_set_new(object, "call_ids_complete", json_boolean(!tally->call_ids.is_full));
    for (int method = 0; method < SIP_METHOD_COUNT; method++)
        if (tally->requests[method] > 0)
            set_count(methods, sip_method_name((enum sip_method)method), tally->requests[method]);
    for (int class = 1; class <= 6; class ++) {
        uint64_t sum = 0;
        for (int method = 0; method < SIP_METHOD_COUNT; method++)
            sum += tally->responses[method][class];
        if (sum > 0)
            set_count(responses, classes[class], sum);
    }
    json_object_set_new(object, "requests_by_method", methods);
    json_object_set_new(object, "responses_by_class", responses);
    return object;
}

static json_t *causes_json(const uint64_t counts[CAUSE_CODE_COUNT])
{
    json_t *object = json_object();
    for (int code = 0; code < CAUSE_CODE_COUNT; code++)
        if (counts[code] > 0)
            set_count(object, cause_code_name((enum cause_code)code), counts[code]);
    return object;
}

static json_t *callers_json(const struct ip_addr *caller, unsigned count)
{
    json_t *rows = json_array();
    char ip[IP_TEXT_MAX];
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(rows, json_string(ip_format(&caller[i], ip)));
    return rows;
}

static json_t *destination_json(const struct tally_destination *destination)
{
    json_t *object = json_object();
    json_t *example = json_object();
    json_object_set_new(object, "dst", endpoint_json(&destination->dst, destination->name));
    set_text(object, "transport", transport_name(destination->transport));
    set_count(object, "invites", destination->invites);
    set_count(object, "transmissions", destination->transmissions);
    set_count(object, "callers", destination->callers);
    json_object_set_new(object, "caller_ips",
                        callers_json(destination->caller, destination->callers));
    json_object_set_new(object, "callers_complete",
                        json_boolean(destination->callers < TALLY_CALLERS_MAX));
    set_time(object, "first_sent_at", destination->first_ns);
    set_time(object, "last_sent_at", destination->last_ns);
    json_object_set_new(object, "causes", causes_json(destination->causes));
    set_text(example, "call_id", destination->call_id);
    set_text(example, "from_uri", destination->from_uri);
    set_text(example, "to_uri", destination->to_uri);
    set_text(example, "cause", cause_code_name(destination->cause.code));
    set_text(example, "confidence", confidence_name(destination->cause.confidence));
    set_text(example, "summary", destination->cause.summary);
    set_text(example, "next_step", destination->cause.next_step);
    json_object_set_new(object, "example", example);
    return object;
}

static json_t *pending_json(const struct tally *tally)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < tally->pending_destinations; i++) {
        const struct tally_pending *pending = &tally->pending_to[i];
        json_t *row = json_object();
        json_object_set_new(row, "dst", endpoint_json(&pending->dst, pending->name));
        set_count(row, "invites", pending->invites);
        set_count(row, "transmissions_max", pending->transmissions_max);
        json_object_set_new(row, "waited_ms", json_real((double)pending->waited_ns / 1e6));
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *unanswered_json(const struct tally *tally)
{
    json_t *object = json_object();
    json_t *destinations = json_array();
    set_count(object, "total", tally->unanswered);
    set_count(object, "of_scanners", tally->of_scanners);
    json_object_set_new(object, "causes", causes_json(tally->causes));
    for (size_t i = 0; i < tally->destinations; i++)
        json_array_append_new(destinations, destination_json(&tally->destination[i]));
    json_object_set_new(object, "destinations", destinations);
    set_count(object, "pending", tally->pending);
    json_object_set_new(object, "pending_to", pending_json(tally));
    set_count(object, "to_other_destinations", tally->other_destinations_invites);
    return object;
}

static json_t *reasons_json(const uint64_t counts[CONNECTION_FAILURE_COUNT])
{
    json_t *object = json_object();
    for (int reason = 0; reason < CONNECTION_FAILURE_COUNT; reason++)
        if (counts[reason] > 0)
            set_count(object, connection_failure_name((enum connection_failure)reason),
                      counts[reason]);
    return object;
}

static json_t *failing_json(const struct tally_failing *failing)
{
    json_t *object = json_object();
    json_object_set_new(object, "dst", endpoint_json(&failing->dst, failing->name));
    set_text(object, "transport", transport_name(failing->transport));
    set_count(object, "connections", failing->connections);
    set_count(object, "attempts", failing->attempts);
    json_object_set_new(object, "reasons", reasons_json(failing->reasons));
    set_count(object, "server_unheard", failing->doubted);
    set_count(object, "callers", failing->callers);
    json_object_set_new(object, "callers_complete",
                        json_boolean(failing->callers < TALLY_FAILING_CALLERS_MAX));
    json_object_set_new(object, "caller_ips", callers_json(failing->caller, failing->callers));
    set_time(object, "first_at", failing->first_ns);
    set_time(object, "last_at", failing->last_ns);
    return object;
}

static json_t *connections_failed_json(const struct tally *tally)
{
    json_t *object = json_object();
    json_t *destinations = json_array();
    set_count(object, "total", tally_connections_failed(tally));
    json_object_set_new(object, "reasons", reasons_json(tally->connections_failed));
    for (size_t i = 0; i < tally->failing_destinations; i++)
        json_array_append_new(destinations, failing_json(&tally->failing[i]));
    json_object_set_new(object, "destinations", destinations);
    set_count(object, "to_other_destinations", tally->other_failing_connections);
    return object;
}

static json_t *problems_json(const struct tally *tally)
{
    json_t *rows = json_array();
    for (int problem = 0; problem < MIRROR_PROBLEM_COUNT; problem++) {
        const struct tally_mirror *told = &tally->mirror[problem];
        if (told->events == 0)
            continue;
        json_t *row = json_object();
        set_text(row, "problem", mirror_problem_name((enum mirror_problem)problem));
        set_count(row, "events", told->events);
        json_object_set_new(row, "value", json_real(told->worst.value));
        json_object_set_new(row, "threshold", json_real(told->worst.threshold));
        set_time(row, "since_at", told->worst.since_ns);
        set_text(row, "summary", told->worst.summary);
        set_text(row, "next_step", told->worst.next_step);
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *ports_json(const struct report_figures *figures)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < figures->ports; i++) {
        const struct mirror_port *port = &figures->port[i];
        json_t *row = json_object();
        set_count(row, "interface", port->interface);
        if (port->vlan != MIRROR_NO_VLAN)
            set_count(row, "vlan", port->vlan);
        set_count(row, "packets", port->packets);
        set_count(row, "copies", port->copies);
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *mirror_json(const struct pipeline *pipeline, const struct report_figures *figures)
{
    const struct tally *tally = &pipeline->tally;
    const struct mirror_figures *mirror = &figures->mirror;
    json_t *object = json_object();
    json_t *kinds = json_object();
    json_t *tunnels = json_object();
    for (int kind = COPY_NONE + 1; kind < COPY_KIND_COUNT; kind++)
        if (mirror->copies[kind - 1] > 0)
            set_count(kinds, copy_kind_name((enum copy_kind)kind), mirror->copies[kind - 1]);
    for (int tunnel = TUNNEL_NONE + 1; tunnel < TUNNEL_COUNT; tunnel++)
        if (tally->tunnels[tunnel] > 0)
            set_count(tunnels, tunnel_name((enum tunnel)tunnel), tally->tunnels[tunnel]);
    json_object_set_new(object, "problems", problems_json(tally));
    set_count(object, "copies", tally->copies);
    set_count(object, "copies_in_fragments", tally->copies_in_fragments);
    json_object_set_new(object, "copies_by_kind", kinds);
    set_count(object, "copy_overruns", pipeline->copies.overruns);
    json_object_set_new(object, "ports", ports_json(figures));
    set_count(object, "other_ports_packets", mirror->other_ports_packets);
    set_count(object, "other_ports_copies", mirror->other_ports_copies);
    set_count(object, "conversations", mirror->conversations);
    set_count(object, "conversations_one_way", mirror->conversations_one_way);
    set_count(object, "conversations_answered_unseen", mirror->conversations_proven);
    set_count(object, "disordered_packets", mirror->behind);
    json_object_set_new(object, "disorder_max_ms", json_real((double)mirror->behind_max_ns / 1e6));
    set_count(object, "truncated_packets", mirror->truncated);
    set_count(object, "tcp_holes", mirror->tcp_holes);
    set_count(object, "rtp_holes", mirror->rtp_holes);
    set_count(object, "shared_losses", mirror->shared_losses);
    json_object_set_new(object, "tunnels", tunnels);
    return object;
}

static json_t *tcp_json(const struct tcp_stats *tcp)
{
    json_t *object = json_object();
    set_count(object, "connections", tcp->connections);
    set_count(object, "connections_tls", tcp->tls);
    set_count(object, "connections_websocket", tcp->websocket);
    set_count(object, "connections_evicted", tcp->evicted);
    set_count(object, "segments", tcp->segments);
    set_count(object, "segments_repeated", tcp->repeated);
    set_count(object, "segments_early", tcp->early);
    set_count(object, "segments_other", tcp->other);
    set_count(object, "gaps", tcp->holes);
    set_count(object, "gaps_acknowledged", tcp->holes_acknowledged);
    set_count(object, "resyncs", tcp->resyncs);
    set_count(object, "skipped_bytes", tcp->skipped_bytes);
    set_count(object, "dropped_bytes", tcp->dropped_bytes);
    return object;
}

static json_t *fragments_json(const struct defrag_stats *defrag)
{
    json_t *object = json_object();
    set_count(object, "fragments", defrag->fragments);
    set_count(object, "refused", defrag->refused);
    set_count(object, "repeated", defrag->repeated);
    set_count(object, "reassembled", defrag->reassembled);
    set_count(object, "timed_out", defrag->timed_out);
    set_count(object, "evicted", defrag->evicted);
    set_count(object, "overlapping", defrag->overlapping);
    return object;
}

static json_t *by_transport_json(const uint64_t counts[TRANSPORT_COUNT])
{
    json_t *object = json_object();
    for (int transport = 0; transport < TRANSPORT_COUNT; transport++)
        if (counts[transport] > 0)
            set_count(object, transport_name((enum transport)transport), counts[transport]);
    return object;
}

static json_t *carried_json(const struct pipeline *pipeline, const struct report_figures *figures)
{
    const struct tally *tally = &pipeline->tally;
    json_t *object = json_object();
    json_t *icmp = json_object();
    json_t *errors = json_object();
    for (int meaning = 0; meaning < ICMP_MEANING_COUNT; meaning++)
        if (tally->icmp_errors[meaning] > 0)
            set_count(errors, icmp_meaning_name((enum icmp_meaning)meaning),
                      tally->icmp_errors[meaning]);
    json_object_set_new(object, "messages", by_transport_json(tally->messages));
    json_object_set_new(object, "unanswered", by_transport_json(tally->unanswered_over));
    json_object_set_new(object, "tcp", tcp_json(&figures->tcp));
    json_object_set_new(object, "fragments", fragments_json(&figures->defrag));
    set_count(icmp, "packets", tally->decoded[DECODE_ICMP]);
    json_object_set_new(icmp, "errors", errors);
    set_count(icmp, "errors_tied", pipeline->calls.icmp_tied);
    json_object_set_new(object, "icmp", icmp);
    return object;
}

static json_t *calls_json(const struct pipeline *pipeline)
{
    const struct tally *tally = &pipeline->tally;
    const struct call_table *table = &pipeline->calls.table;
    json_t *object = json_object();
    json_t *states = json_object();
    json_t *statuses = json_array();
    uint64_t ended = 0;
    for (int state = 0; state < CALL_STATE_COUNT; state++) {
        uint64_t count = tally_calls(tally, (enum call_state)state);
        const char *name = call_state_name((enum call_state)state);
        ended += count;
        set_count(states, name, count);
        for (int status = 0; status < TALLY_STATUS_MAX; status++) {
            if (tally->calls[state][status] == 0)
                continue;
            json_t *row = json_object();
            set_text(row, "state", name);
            if (status > 0)
                set_count(row, "final_status", (uint64_t)status);
            set_count(row, "calls", tally->calls[state][status]);
            json_array_append_new(statuses, row);
        }
    }
    set_count(object, "ended", ended);
    set_count(object, "of_scanners", tally_calls_of_scanners(tally));
    json_object_set_new(object, "states", states);
    json_object_set_new(object, "by_final_status", statuses);
    set_count(object, "up", table->phase_count[PHASE_UP]);
    set_count(object, "ringing", table->phase_count[PHASE_EARLY]);
    set_count(object, "without_response",
              table->phase_count[PHASE_TRYING] + table->phase_count[PHASE_REPEATED]);
    set_count(object, "unproven", table->phase_count[PHASE_UNPROVEN]);
    set_count(object, "invites_pending", table->waiting);
    set_count(object, "joined_late", pipeline->calls.joined_late);
    set_count(object, "ack_missing", tally->ack_missing);
    return object;
}

static json_t *spread_json(const struct spread *spread)
{
    json_t *object = json_object();
    set_count(object, "calls", spread->count);
    if (spread->count > 0) {
        json_object_set_new(object, "median",
                            json_real((double)spread_percentile(spread, 0.5) / 1e3));
        json_object_set_new(object, "p95",
                            json_real((double)spread_percentile(spread, 0.95) / 1e3));
        json_object_set_new(object, "max", json_real((double)spread->max / 1e3));
    }
    return object;
}

static json_t *left_out_json(const struct pipeline *pipeline, const struct report_figures *figures)
{
    const struct tally *tally = &pipeline->tally;
    const struct calls *calls = &pipeline->calls;
    const struct capture_stats *stats = &pipeline->capture_stats;
    json_t *object = json_object();
    json_t *packets = json_object();
    json_t *refused = json_object();
    json_t *defects = json_object();
    json_t *evicted = json_object();
    for (int verdict = 0; verdict < DECODE_VERDICT_COUNT; verdict++)
        if (tally_is_left_out((enum decode_verdict)verdict) && tally->decoded[verdict] > 0)
            set_count(packets, decode_verdict_name((enum decode_verdict)verdict),
                      tally->decoded[verdict]);
    for (int refusal = SIP_NOT_SIP; refusal < SIP_REFUSAL_COUNT; refusal++)
        if (tally->refused[refusal] > 0)
            set_count(refused, sip_refusal_name((enum sip_refusal)refusal),
                      tally->refused[refusal]);
    for (int bit = 0; bit < SIP_DEFECT_COUNT; bit++)
        if (tally->defects[bit] > 0)
            set_count(defects, sip_defect_name((enum sip_defect)(1 << bit)), tally->defects[bit]);
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        if (calls->table.evicted[phase] > 0)
            set_count(evicted, call_phase_name((enum call_phase)phase),
                      calls->table.evicted[phase]);
    set_count(object, "dropped_kernel", stats->dropped_kernel);
    set_count(object, "dropped_interface", stats->dropped_interface);
    set_count(object, "filtered", stats->filtered);
    set_count(object, "cut_by_snap_length", stats->truncated);
    json_object_set_new(object, "packets", packets);
    set_count(object, "icmp", tally->decoded[DECODE_ICMP]);
    set_count(object, "udp_not_sip", tally->udp_other);
    set_count(object, "rtp_candidates_refused", figures->streams.refused);
    set_count(object, "rtcp_refused", figures->streams.rtcp_refused);
    set_count(object, "rtp_streams_beyond_limit", figures->streams.left_out);
    set_count(object, "rtp_streams_evicted", figures->streams.evicted);
    set_count(object, "media_announcements_beyond_limit", calls->media_map.left_out);
    json_object_set_new(object, "sip_refused", refused);
    json_object_set_new(object, "sip_defects", defects);
    set_count(object, "stamp_outliers", pipeline->clock.outliers);
    set_count(object, "clock_steps", pipeline->clock.steps);
    set_count(object, "stray_responses", calls->stray_responses);
    set_count(object, "unmatched_responses", calls->unmatched_responses);
    set_count(object, "answered_unseen", calls->inferred_answers);
    set_count(object, "calls_expired", calls->expired);
    json_object_set_new(object, "calls_evicted", evicted);
    set_count(object, "invites_evicted", calls->table.evicted_waiting);
    set_count(object, "invites_beyond_call_limit", calls->table.transactions_left_out);
    return object;
}

bool report_print_json(const struct report_source *source, FILE *out)
{
    const struct pipeline *pipeline = source->pipeline;
    struct report_figures figures;
    report_figures_read(pipeline, &figures);
    json_t *report = json_object();
    json_t *times = json_object();
    set_text(report, "version", SIPSPAN_VERSION);
    set_text(report, "sensor_id", source->sensor_id);
    json_object_set_new(report, "capture", capture_json(source));
    json_object_set_new(report, "sip", sip_json(&pipeline->tally));
    json_object_set_new(report, "unanswered", unanswered_json(&pipeline->tally));
    json_object_set_new(report, "connections_failed", connections_failed_json(&pipeline->tally));
    json_object_set_new(report, "calls", calls_json(pipeline));
    json_object_set_new(times, "first_response", spread_json(&pipeline->tally.first_response_us));
    json_object_set_new(times, "post_dial_delay", spread_json(&pipeline->tally.post_dial_delay_us));
    json_object_set_new(report, "times_ms", times);
    json_object_set_new(report, "media", report_media_json(&pipeline->tally.media));
    json_object_set_new(report, "other_udp", report_other_udp_json(&figures));
    json_object_set_new(report, "mirror", mirror_json(pipeline, &figures));
    json_object_set_new(report, "carried", carried_json(pipeline, &figures));
    json_object_set_new(report, "left_out", left_out_json(pipeline, &figures));
    char *text = json_dumps(report, JSON_TEXT_FLAGS);
    json_decref(report);
    if (!text)
        return false;
    fprintf(out, "%s\n", text);
    free(text);
    return true;
}
