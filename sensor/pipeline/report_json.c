#include <jansson.h>
#include <stdlib.h>

#include "event/event_json.h"
#include "pipeline/report.h"

static void set_count(json_t *object, const char *key, uint64_t count)
{
    json_object_set_new(object, key, json_integer((json_int_t)count));
}

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text && text[0])
        json_object_set_new(object, key, json_text(slice_str(text)));
}

static void set_time(json_t *object, const char *key, int64_t time_ns)
{
    char buf[RFC3339_TEXT_MAX];
    if (time_ns != EVENT_NO_TIME)
        set_text(object, key, rfc3339_format(time_ns, buf));
}

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

static json_t *callers_json(const struct tally_destination *destination)
{
    json_t *rows = json_array();
    char ip[IP_TEXT_MAX];
    for (unsigned i = 0; i < destination->callers; i++)
        json_array_append_new(rows, json_string(ip_format(&destination->caller[i], ip)));
    return rows;
}

static json_t *destination_json(const struct tally_destination *destination)
{
    char ip[IP_TEXT_MAX];
    json_t *object = json_object();
    json_t *dst = json_object();
    json_t *example = json_object();
    set_text(dst, "ip", ip_format(&destination->dst.ip, ip));
    set_count(dst, "port", destination->dst.port);
    set_text(dst, "name", destination->name);
    json_object_set_new(object, "dst", dst);
    set_text(object, "transport", transport_name(destination->transport));
    set_count(object, "invites", destination->invites);
    set_count(object, "transmissions", destination->transmissions);
    set_count(object, "callers", destination->callers);
    json_object_set_new(object, "caller_ips", callers_json(destination));
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
    char ip[IP_TEXT_MAX];
    for (size_t i = 0; i < tally->pending_destinations; i++) {
        const struct tally_pending *pending = &tally->pending_to[i];
        json_t *row = json_object();
        json_t *dst = json_object();
        set_text(dst, "ip", ip_format(&pending->dst.ip, ip));
        set_count(dst, "port", pending->dst.port);
        set_text(dst, "name", pending->name);
        json_object_set_new(row, "dst", dst);
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
    json_object_set_new(object, "causes", causes_json(tally->causes));
    for (size_t i = 0; i < tally->destinations; i++)
        json_array_append_new(destinations, destination_json(&tally->destination[i]));
    json_object_set_new(object, "destinations", destinations);
    set_count(object, "pending", tally->pending);
    json_object_set_new(object, "pending_to", pending_json(tally));
    set_count(object, "to_other_destinations", tally->other_destinations_invites);
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

static json_t *left_out_json(const struct pipeline *pipeline)
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
        if (verdict != DECODE_UDP && tally->decoded[verdict] > 0)
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
    set_count(object, "icmp", tally->icmp);
    set_count(object, "udp_not_sip", tally->udp_other);
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
    json_t *report = json_object();
    json_t *times = json_object();
    set_text(report, "version", SIPSPAN_VERSION);
    set_text(report, "sensor_id", source->sensor_id);
    json_object_set_new(report, "capture", capture_json(source));
    json_object_set_new(report, "sip", sip_json(&pipeline->tally));
    json_object_set_new(report, "unanswered", unanswered_json(&pipeline->tally));
    json_object_set_new(report, "calls", calls_json(pipeline));
    json_object_set_new(times, "first_response", spread_json(&pipeline->tally.first_response_us));
    json_object_set_new(times, "post_dial_delay", spread_json(&pipeline->tally.post_dial_delay_us));
    json_object_set_new(report, "times_ms", times);
    json_object_set_new(report, "left_out", left_out_json(pipeline));
    char *text = json_dumps(report, EVENT_JSON_FLAGS);
    json_decref(report);
    if (!text)
        return false;
    fprintf(out, "%s\n", text);
    free(text);
    return true;
}
