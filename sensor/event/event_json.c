#include "event/event_json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

const char *rfc3339_format(int64_t time_ns, char buf[static RFC3339_TEXT_MAX])
{
    time_t seconds = time_ns / 1000000000;
    int64_t rest = time_ns % 1000000000;
    if (rest < 0) {
        seconds--;
        rest += 1000000000;
    }
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t n = strftime(buf, RFC3339_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(buf + n, RFC3339_TEXT_MAX - n, ".%06dZ", (int)(rest / 1000));
    return buf;
}

/* The length of the well-formed UTF-8 sequence at the start of text (RFC 3629), 0 if there is none.
 */
static size_t utf8_sequence(const unsigned char *at, size_t left)
{
    if (at[0] < 0x80)
        return at[0] != 0x7f; /* DEL, which JSON lets through and terminals act on */
    size_t n = at[0] >= 0xc2 && at[0] <= 0xdf   ? 2
               : (at[0] & 0xf0) == 0xe0         ? 3
               : at[0] >= 0xf0 && at[0] <= 0xf4 ? 4
                                                : 0;
    if (n == 0 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool surrogate = at[0] == 0xed && at[1] > 0x9f;
    bool beyond = at[0] == 0xf4 && at[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : n;
}

json_t *json_text(struct slice text)
{
    bool has_del = text.len > 0 && memchr(text.at, 0x7f, text.len);
    json_t *plain = has_del ? NULL : json_stringn(text.at ? text.at : "", text.len);
    if (plain)
        return plain;
    char *repaired = malloc(text.len * 3); /* U+FFFD takes three octets */
    if (!repaired)
        return NULL;
    size_t out = 0;
    for (size_t i = 0; i < text.len;) {
        size_t n = utf8_sequence((const unsigned char *)text.at + i, text.len - i);
        if (n == 0) {
            memcpy(repaired + out, "\xef\xbf\xbd", 3);
            out += 3;
            i++;
        } else {
            memcpy(repaired + out, text.at + i, n);
            out += n;
            i += n;
        }
    }
    json_t *value = json_stringn(repaired, out);
    free(repaired);
    return value;
}

static void add_text(json_t *object, const char *key, struct slice text)
{
    if (text.len > 0)
        json_object_set_new(object, key, json_text(text));
}

static void add_string(json_t *object, const char *key, const char *text)
{
    if (text)
        json_object_set_new(object, key, json_string(text));
}

static void add_count(json_t *object, const char *key, uint64_t count)
{
    if (count > 0)
        json_object_set_new(object, key, json_integer((json_int_t)count));
}

static void add_time(json_t *object, const char *key, int64_t time_ns)
{
    char buf[RFC3339_TEXT_MAX];
    if (time_ns != EVENT_NO_TIME)
        add_string(object, key, rfc3339_format(time_ns, buf));
}

static void add_ms(json_t *object, const char *key, int64_t duration_ns)
{
    if (duration_ns >= 0)
        json_object_set_new(object, key, json_real((double)duration_ns / 1e6));
}

static void add_endpoint(json_t *object, const char *key, const struct endpoint *endpoint,
                         const char *name)
{
    char ip[IP_TEXT_MAX];
    if (endpoint->ip.version == 0)
        return;
    json_t *value = json_object();
    add_string(value, "ip", ip_format(&endpoint->ip, ip));
    if (endpoint->port > 0)
        json_object_set_new(value, "port", json_integer(endpoint->port));
    add_string(value, "name", name);
    json_object_set_new(object, key, value);
}

static json_t *evidence_json(const struct evidence *evidence)
{
    json_t *value = json_object();
    add_string(value, "kind", evidence->kind);
    add_time(value, "since", evidence->since_ns);
    add_time(value, "at", evidence->at_ns);
    add_count(value, "count", evidence->count);
    add_string(value, "method", evidence->method);
    add_count(value, "status", evidence->status);
    if (evidence->has_icmp) {
        json_object_set_new(value, "icmp_type", json_integer(evidence->icmp_type));
        json_object_set_new(value, "icmp_code", json_integer(evidence->icmp_code));
    }
    add_endpoint(value, "who", &evidence->who, NULL);
    return value;
}

static json_t *cause_json(const struct cause *cause)
{
    json_t *value = json_object();
    json_t *evidence = json_array();
    add_string(value, "code", cause_code_name(cause->code));
    add_string(value, "confidence", confidence_name(cause->confidence));
    add_string(value, "summary", cause->summary);
    add_string(value, "next_step", cause->next_step);
    for (unsigned i = 0; i < cause->evidence_count; i++)
        json_array_append_new(evidence, evidence_json(&cause->evidence[i]));
    json_object_set_new(value, "evidence", evidence);
    return value;
}

static json_t *invite_unanswered_json(const struct invite_unanswered *e)
{
    json_t *data = json_object();
    add_text(data, "call_id", e->call_id);
    json_object_set_new(data, "cseq", json_integer(e->cseq));
    add_text(data, "branch", e->branch);
    add_text(data, "from_uri", e->from_uri);
    add_text(data, "from_tag", e->from_tag);
    add_text(data, "to_uri", e->to_uri);
    add_text(data, "request_uri", e->request_uri);
    add_text(data, "user_agent", e->user_agent);
    add_string(data, "transport", transport_name(e->transport));
    add_endpoint(data, "src", &e->src.endpoint, e->src.name);
    add_endpoint(data, "dst", &e->dst.endpoint, e->dst.name);
    add_time(data, "first_sent_at", e->first_sent_ns);
    add_time(data, "last_sent_at", e->last_sent_ns);
    add_count(data, "transmissions", e->transmissions);
    add_ms(data, "waited_ms", e->waited_ns);
    json_object_set_new(data, "cause", cause_json(&e->cause));
    return data;
}

static json_t *call_ended_json(const struct call_ended *e)
{
    json_t *data = json_object();
    add_text(data, "call_id", e->call_id);
    add_string(data, "state", call_state_name(e->state));
    add_count(data, "final_status", e->final_status);
    add_endpoint(data, "src", &e->src.endpoint, e->src.name);
    add_endpoint(data, "dst", &e->dst.endpoint, e->dst.name);
    add_text(data, "from_uri", e->from_uri);
    add_text(data, "to_uri", e->to_uri);
    add_text(data, "user_agent", e->user_agent);
    add_time(data, "started_at", e->started_ns);
    add_time(data, "answered_at", e->answered_ns);
    add_time(data, "ended_at", e->ended_ns);
    add_ms(data, "duration_ms", e->duration_ns);
    add_ms(data, "first_response_ms", e->first_response_ns);
    add_ms(data, "post_dial_delay_ms", e->post_dial_delay_ns);
    add_string(data, "ended_by", ended_by_name(e->ended_by));
    if (e->has_ack_missing)
        json_object_set_new(data, "ack_missing", json_boolean(e->ack_missing));
    add_count(data, "invite_transmissions", e->invite_transmissions);
    return data;
}

static json_t *connection_failed_json(const struct connection_failed *e)
{
    json_t *data = json_object();
    add_string(data, "transport", transport_name(e->transport));
    add_endpoint(data, "src", &e->src.endpoint, e->src.name);
    add_endpoint(data, "dst", &e->dst.endpoint, e->dst.name);
    add_string(data, "reason", connection_failure_name(e->reason));
    add_string(data, "confidence", confidence_name(e->confidence));
    add_count(data, "attempts", e->attempts);
    add_time(data, "first_at", e->first_ns);
    add_time(data, "last_at", e->last_ns);
    return data;
}

static json_t *mirror_degraded_json(const struct mirror_degraded *e)
{
    json_t *data = json_object();
    add_string(data, "problem", mirror_problem_name(e->problem));
    json_object_set_new(data, "value", json_real(e->value));
    json_object_set_new(data, "threshold", json_real(e->threshold));
    add_time(data, "since_at", e->since_ns);
    add_string(data, "summary", e->summary);
    add_string(data, "next_step", e->next_step);
    return data;
}

/* The Call-ID, where the event is one of a call. */
static struct slice subject_of(const struct event *event)
{
    switch (event->type) {
    case EVENT_INVITE_UNANSWERED:
        return event->invite_unanswered.call_id;
    case EVENT_CALL_ENDED:
        return event->call_ended.call_id;
    default:
        return SLICE_NONE;
    }
}

static json_t *data_json(const struct event *event)
{
    switch (event->type) {
    case EVENT_INVITE_UNANSWERED:
        return invite_unanswered_json(&event->invite_unanswered);
    case EVENT_CALL_ENDED:
        return call_ended_json(&event->call_ended);
    case EVENT_CONNECTION_FAILED:
        return connection_failed_json(&event->connection_failed);
    case EVENT_MIRROR_DEGRADED:
        return mirror_degraded_json(&event->mirror_degraded);
    default:
        return NULL;
    }
}

char *event_json_structured(const struct event *event, const char *sensor_id)
{
    const char *type = event_type_name(event->type);
    char text[128];
    json_t *object = json_object();
    add_string(object, "specversion", "1.0");
    add_string(object, "id", event->id);
    snprintf(text, sizeof text, "/sipspan/%s", sensor_id);
    add_string(object, "source", text);
    add_string(object, "type", type);
    add_time(object, "time", event->time_ns);
    add_text(object, "subject", subject_of(event));
    snprintf(text, sizeof text, "urn:sipspan:events:%s:1", type);
    add_string(object, "dataschema", text);
    add_string(object, "datacontenttype", "application/json");
    json_object_set_new(object, "data", data_json(event));
    char *line = json_dumps(object, EVENT_JSON_FLAGS);
    json_decref(object);
    return line;
}

const char *event_json_library_version(void)
{
    return jansson_version_str();
}
