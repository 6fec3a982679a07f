#include "event/event_json.h"

/* The add_ functions leave out what is unknown. */

static void add_text(struct json_writer *w, const char *key, struct slice text)
{
    if (text.len > 0)
        json_put_text(w, key, text);
}

static void add_string(struct json_writer *w, const char *key, const char *text)
{
    if (text)
        json_put_text(w, key, slice_str(text));
}

static void add_count(struct json_writer *w, const char *key, uint64_t count)
{
    if (count > 0)
        json_put_unsigned(w, key, count);
}

static void add_time(struct json_writer *w, const char *key, int64_t time_ns)
{
    if (time_ns != EVENT_NO_TIME)
        json_put_time(w, key, time_ns);
}

/* A ns is a millionth of a ms. */
static void add_ms(struct json_writer *w, const char *key, int64_t duration_ns)
{
    if (duration_ns >= 0)
        json_put_millionths(w, key, duration_ns);
}

static void add_ratio(struct json_writer *w, const char *key, uint64_t part, uint64_t whole)
{
    if (whole > 0)
        json_put_real(w, key, (double)part / (double)whole);
}

static void add_endpoint(struct json_writer *w, const char *key, const struct endpoint *endpoint,
                         const char *name)
{
    if (endpoint->ip.version == 0)
        return;
    json_begin_object(w, key);
    json_put_ip(w, "ip", &endpoint->ip);
    add_count(w, "port", endpoint->port);
    add_string(w, "name", name);
    json_end_object(w);
}

static void add_named(struct json_writer *w, const char *key, const struct named_endpoint *named)
{
    add_endpoint(w, key, &named->endpoint, named->name);
}

static void add_figure(struct json_writer *w, const char *key, const struct event_figure *figure)
{
    if (!figure->is_known)
        return;
    json_begin_object(w, key);
    json_put_real(w, "mean", figure->mean);
    json_put_real(w, "max", figure->extreme);
    json_end_object(w);
}

static void put_evidence(struct json_writer *w, const struct evidence *evidence)
{
    json_begin_object(w, NULL);
    add_string(w, "kind", evidence->kind);
    add_time(w, "since", evidence->since_ns);
    add_time(w, "at", evidence->at_ns);
    add_count(w, "count", evidence->count);
    add_count(w, "of", evidence->of);
    add_string(w, "what", evidence->what);
    add_string(w, "point", evidence->point);
    add_text(w, "name", evidence->name);
    add_string(w, "method", evidence->method);
    add_count(w, "status", evidence->status);
    add_string(w, "transport", evidence->transport);
    add_ms(w, "delay_ms", evidence->delay_ns);
    add_ms(w, "usual_ms", evidence->usual_ns);
    add_count(w, "octets", evidence->octets);
    if (evidence->has_icmp) {
        json_put_unsigned(w, "icmp_type", evidence->icmp_type);
        json_put_unsigned(w, "icmp_code", evidence->icmp_code);
    }
    add_endpoint(w, "who", &evidence->who, NULL);
    if (evidence->place.interface) {
        add_string(w, "interface", evidence->place.interface);
        if (evidence->place.vlan != EVENT_NO_VLAN)
            json_put_unsigned(w, "vlan", evidence->place.vlan);
    }
    json_end_object(w);
}

static void put_cause(struct json_writer *w, const struct cause *cause)
{
    json_begin_object(w, "cause");
    add_string(w, "code", cause_code_name(cause->code));
    add_string(w, "confidence", confidence_name(cause->confidence));
    add_string(w, "summary", cause->summary);
    add_string(w, "next_step", cause->next_step);
    json_begin_array(w, "evidence");
    for (unsigned i = 0; i < cause->evidence_count; i++)
        put_evidence(w, &cause->evidence[i]);
    json_end_array(w);
    json_end_object(w);
}

/* What is said of an INVITE before and when it is given up. */
static void put_invite(struct json_writer *w, const struct invite_unanswered *e)
{
    add_text(w, "call_id", e->call_id);
    json_put_unsigned(w, "cseq", e->cseq);
    add_text(w, "branch", e->branch);
    add_text(w, "from_uri", e->from_uri);
    add_text(w, "from_tag", e->from_tag);
    add_text(w, "to_uri", e->to_uri);
    add_text(w, "request_uri", e->request_uri);
    add_text(w, "user_agent", e->user_agent);
    add_string(w, "transport", transport_name(e->transport));
    add_named(w, "src", &e->src);
    add_named(w, "dst", &e->dst);
    add_time(w, "first_sent_at", e->first_sent_ns);
    add_time(w, "last_sent_at", e->last_sent_ns);
    add_count(w, "transmissions", e->transmissions);
    add_ms(w, "waited_ms", e->waited_ns);
    add_text(w, "scanner", e->scanner);
}

static void put_invite_unanswered(struct json_writer *w, const struct invite_unanswered *e)
{
    put_invite(w, e);
    put_cause(w, &e->cause);
}

static void put_invite_struggling(struct json_writer *w, const struct invite_unanswered *e)
{
    put_invite(w, e);
    add_string(w, "confidence", confidence_name(e->cause.confidence));
    add_string(w, "summary", e->cause.summary);
    add_string(w, "next_step", e->cause.next_step);
}

static void put_mos(struct json_writer *w, const struct event_stream *stream)
{
    if (!stream->mos.is_known)
        return;
    json_begin_object(w, "mos");
    json_put_real(w, "mean", stream->mos.mean);
    json_put_real(w, "min", stream->mos.extreme);
    add_string(w, "scale", stream->mos_scale);
    json_end_object(w);
}

static void put_delay_variation(struct json_writer *w, const struct event_stream *stream)
{
    if (!stream->has_delay_variation)
        return;
    json_begin_object(w, "delay_variation_ms");
    json_put_real(w, "p50", stream->delay_variation_p50_ms);
    json_put_real(w, "p95", stream->delay_variation_p95_ms);
    json_put_real(w, "p99", stream->delay_variation_p99_ms);
    json_end_object(w);
    json_begin_object(w, "discarded");
    json_put_unsigned(w, "fixed_50ms", stream->discarded_50ms);
    json_put_unsigned(w, "fixed_200ms", stream->discarded_200ms);
    json_put_unsigned(w, "adaptive", stream->discarded_adaptive);
    json_end_object(w);
}

/* How losses and discards lie together; nothing is said where there are none. */
static void put_bursts(struct json_writer *w, const struct event_stream *stream)
{
    if (!stream->has_runs || (stream->lost == 0 && stream->bursts == 0))
        return;
    json_begin_object(w, "loss_runs");
    json_put_unsigned(w, "count", stream->loss_runs);
    json_put_unsigned(w, "longest", stream->longest_loss_run);
    json_end_object(w);
    json_begin_object(w, "bursts");
    json_put_unsigned(w, "count", stream->bursts);
    if (stream->bursts > 0)
        json_put_real(w, "density", stream->burst_density);
    json_put_real(w, "gap_density", stream->gap_density);
    json_end_object(w);
}

static void put_far_end(struct json_writer *w, const struct event_stream *stream)
{
    if (stream->has_far_end) {
        json_begin_object(w, "far_end");
        json_put_real(w, "loss_ratio", stream->far_end_loss_ratio);
        json_put_unsigned(w, "lost", stream->far_end_lost);
        if (stream->has_far_end_jitter)
            json_put_real(w, "jitter_ms", stream->far_end_jitter_ms);
        json_end_object(w);
    }
    if (stream->has_lost_after_tap)
        json_put_unsigned(w, "lost_after_tap", stream->lost_after_tap);
}

static void put_stream(struct json_writer *w, const char *key, const struct event_stream *stream)
{
    json_begin_object(w, key);
    json_put_hex32(w, "ssrc", stream->ssrc);
    add_named(w, "src", &stream->src);
    add_named(w, "dst", &stream->dst);
    add_string(w, "codec", stream->codec);
    json_put_unsigned(w, "payload_type", stream->payload_type);
    add_count(w, "clock_rate_hz", stream->clock_hz);
    add_time(w, "started_at", stream->started_ns);
    add_time(w, "ended_at", stream->ended_ns);
    json_put_unsigned(w, "packets", stream->packets);
    json_put_unsigned(w, "expected", stream->expected);
    json_put_unsigned(w, "lost", stream->lost);
    add_ratio(w, "loss_ratio", stream->lost, stream->expected);
    json_put_unsigned(w, "duplicates", stream->duplicates);
    json_put_unsigned(w, "mirror_copies", stream->mirror_copies);
    json_put_unsigned(w, "out_of_order", stream->out_of_order);
    add_figure(w, "jitter_ms", &stream->jitter_ms);
    add_figure(w, "rtt_ms", &stream->rtt_ms);
    if (stream->has_latency) {
        json_put_real(w, "latency_ms", stream->latency_ms);
        add_string(w, "latency_source", latency_source_name(stream->latency_source));
    }
    put_mos(w, stream);
    if (stream->has_srtp)
        json_put_bool(w, "srtp", stream->srtp);
    put_delay_variation(w, stream);
    put_bursts(w, stream);
    add_count(w, "restarts", stream->restarts);
    add_count(w, "event_packets", stream->event_packets);
    add_count(w, "comfort_noise_packets", stream->comfort_noise_packets);
    put_far_end(w, stream);
    json_end_object(w);
}

static void put_call_ended(struct json_writer *w, const struct call_ended *e)
{
    add_text(w, "call_id", e->call_id);
    add_string(w, "state", call_state_name(e->state));
    add_count(w, "final_status", e->final_status);
    add_named(w, "src", &e->src);
    add_named(w, "dst", &e->dst);
    add_text(w, "from_uri", e->from_uri);
    add_text(w, "to_uri", e->to_uri);
    add_text(w, "user_agent", e->user_agent);
    add_time(w, "started_at", e->started_ns);
    add_time(w, "answered_at", e->answered_ns);
    add_time(w, "ended_at", e->ended_ns);
    add_ms(w, "duration_ms", e->duration_ns);
    add_ms(w, "first_response_ms", e->first_response_ns);
    add_ms(w, "post_dial_delay_ms", e->post_dial_delay_ns);
    add_named(w, "timeout_made_by", &e->timeout_made_by);
    add_count(w, "auth_attempts", e->auth_attempts);
    add_string(w, "ended_by", ended_by_name(e->ended_by));
    if (e->is_of_scanner)
        json_put_bool(w, "of_scanner", true);
    if (e->has_ack_missing)
        json_put_bool(w, "ack_missing", e->ack_missing);
    add_count(w, "invite_transmissions", e->invite_transmissions);
    if (e->streams > 0) {
        json_begin_array(w, "streams");
        for (unsigned i = 0; i < e->streams; i++)
            put_stream(w, NULL, &e->stream[i]);
        json_end_array(w);
    }
    add_count(w, "streams_left_out", e->streams_left_out);
}

static void put_connection_failed(struct json_writer *w, const struct connection_failed *e)
{
    add_string(w, "transport", transport_name(e->transport));
    add_named(w, "src", &e->src);
    add_named(w, "dst", &e->dst);
    add_string(w, "reason", connection_failure_name(e->reason));
    add_string(w, "confidence", confidence_name(e->confidence));
    add_count(w, "attempts", e->attempts);
    add_time(w, "first_at", e->first_ns);
    add_time(w, "last_at", e->last_ns);
}

static void put_mirror_degraded(struct json_writer *w, const struct mirror_degraded *e)
{
    add_string(w, "problem", mirror_problem_name(e->problem));
    json_put_real(w, "value", e->value);
    json_put_real(w, "threshold", e->threshold);
    add_time(w, "since_at", e->since_ns);
    add_string(w, "summary", e->summary);
    add_string(w, "next_step", e->next_step);
}

static void put_rtp_report(struct json_writer *w, const struct rtp_report *e)
{
    put_stream(w, "stream", &e->stream);
    add_ms(w, "interval_ms", e->interval_ns);
    json_put_bool(w, "final", e->final);
    add_text(w, "call_id", e->call_id);
    add_time(w, "since_at", e->since_ns);
    add_string(w, "confidence", confidence_name(e->confidence));
}

static void put_rtp_crossing(struct json_writer *w, const struct rtp_crossing *e)
{
    add_string(w, "metric", rtp_metric_name(e->metric));
    json_put_real(w, "value", e->value);
    json_put_real(w, "threshold", e->threshold);
    put_stream(w, "stream", &e->stream);
    add_text(w, "call_id", e->call_id);
    add_time(w, "since_at", e->since_ns);
    add_string(w, "confidence", confidence_name(e->confidence));
}

static void put_one_way_audio(struct json_writer *w, const struct one_way_audio *e)
{
    add_text(w, "call_id", e->call_id);
    add_text(w, "from_uri", e->from_uri);
    add_text(w, "to_uri", e->to_uri);
    add_named(w, "src", &e->src);
    add_named(w, "dst", &e->dst);
    add_string(w, "direction", e->is_from_caller ? "caller_to_callee" : "callee_to_caller");
    json_put_bool(w, "silent_from_start", e->is_silent_from_start);
    add_time(w, "answered_at", e->answered_ns);
    add_time(w, "since_at", e->since_ns);
    add_ms(w, "silent_ms", e->silent_ns);
    add_count(w, "heard_packets", e->heard_packets);
    add_string(w, "confidence", confidence_name(e->confidence));
    add_string(w, "summary", e->summary);
    add_string(w, "next_step", e->next_step);
}

struct slice event_json_subject(const struct event *event)
{
    switch (event->type) {
    case EVENT_INVITE_UNANSWERED:
    case EVENT_INVITE_STRUGGLING:
        return event->invite_unanswered.call_id;
    case EVENT_CALL_ENDED:
        return event->call_ended.call_id;
    case EVENT_RTP_REPORT:
        return event->rtp_report.call_id;
    case EVENT_RTP_DEGRADED:
    case EVENT_RTP_RECOVERED:
        return event->rtp_crossing.call_id;
    case EVENT_ONE_WAY_AUDIO:
        return event->one_way_audio.call_id;
    case EVENT_CONNECTION_FAILED:
    case EVENT_MIRROR_DEGRADED:
    case EVENT_TYPE_COUNT:
        break;
    }
    return SLICE_NONE;
}

static void put_data(struct json_writer *w, const char *key, const struct event *event)
{
    json_begin_object(w, key);
    switch (event->type) {
    case EVENT_INVITE_STRUGGLING:
        put_invite_struggling(w, &event->invite_unanswered);
        break;
    case EVENT_INVITE_UNANSWERED:
        put_invite_unanswered(w, &event->invite_unanswered);
        break;
    case EVENT_CALL_ENDED:
        put_call_ended(w, &event->call_ended);
        break;
    case EVENT_CONNECTION_FAILED:
        put_connection_failed(w, &event->connection_failed);
        break;
    case EVENT_MIRROR_DEGRADED:
        put_mirror_degraded(w, &event->mirror_degraded);
        break;
    case EVENT_RTP_REPORT:
        put_rtp_report(w, &event->rtp_report);
        break;
    case EVENT_RTP_DEGRADED:
    case EVENT_RTP_RECOVERED:
        put_rtp_crossing(w, &event->rtp_crossing);
        break;
    case EVENT_ONE_WAY_AUDIO:
        put_one_way_audio(w, &event->one_way_audio);
        break;
    case EVENT_TYPE_COUNT:
        break;
    }
    json_end_object(w);
}

void event_json_put_data(struct json_writer *w, const struct event *event)
{
    put_data(w, NULL, event);
    if (!w->failed)
        w->len--; /* the comma that follows every value */
}

/* One text of three, cut if it is longer than ours ever are. */
static void put_joined(struct json_writer *w, const char *key, struct slice a, struct slice b,
                       struct slice c)
{
    char text[256];
    size_t len = 0;
    const struct slice parts[] = {a, b, c};
    for (size_t i = 0; i < 3; i++) {
        struct slice part = slice_head(parts[i], sizeof text - len);
        if (part.len > 0)
            memcpy(text + len, part.at, part.len);
        len += part.len;
    }
    json_put_text(w, key, slice_of(text, len));
}

void event_json_put_line(struct json_writer *w, const struct event *event, const char *sensor_id)
{
    struct slice type = slice_str(event_type_name(event->type));
    json_begin_object(w, NULL);
    json_put_text(w, "specversion", SLICE("1.0"));
    add_string(w, "id", event->id);
    put_joined(w, "source", SLICE(EVENT_JSON_SOURCE), slice_str(sensor_id), SLICE_NONE);
    json_put_text(w, "type", type);
    add_time(w, "time", event->time_ns);
    add_text(w, "subject", event_json_subject(event));
    put_joined(w, "dataschema", SLICE(EVENT_JSON_SCHEMA), type, SLICE(EVENT_JSON_SCHEMA_SUFFIX));
    json_put_text(w, "datacontenttype", SLICE("application/json"));
    put_data(w, "data", event);
    json_end_object(w);
    json_end_line(w);
}
