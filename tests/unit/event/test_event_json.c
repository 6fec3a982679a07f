/* The JSON of events: every field under its name, nothing where nothing is known, any octets from
 * the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "event/event_json.h"

#define S    INT64_C(1000000000)
#define MS   INT64_C(1000000)
#define NOON (INT64_C(1769860800) * S) /* 2026-01-31T12:00:00Z */

static struct endpoint endpoint(uint8_t host, uint16_t port)
{
    return (struct endpoint){ip_from_v4((const uint8_t[4]){192, 0, 2, host}), port};
}

/* Without its newline; to be freed. It must be one line of printable ASCII. */
static char *line_of(const struct event *event)
{
    struct json_writer writer;
    json_writer_init(&writer, 1 << 20);
    event_json_put_line(&writer, event, "sensor-1");
    assert_false(writer.failed);
    assert_int_equal(writer.text[writer.len - 1], '\n');
    for (size_t i = 0; i < writer.len - 1; i++)
        assert_in_range(writer.text[i], 0x20, 0x7e);
    char *line = strndup(writer.text, writer.len - 1);
    json_writer_fini(&writer);
    return line;
}

/* Parsed; it must be what a strict parser takes. */
static json_t *structured(const struct event *event)
{
    json_error_t error;
    char *line = line_of(event);
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!object)
        fail_msg("%s: %s", error.text, line);
    free(line);
    return object;
}

static const char *text_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value))
        fail_msg("%s is no string", key);
    return json_string_value(value);
}

static long long number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value))
        fail_msg("%s is no integer", key);
    return json_integer_value(value);
}

static double ms_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value))
        fail_msg("%s is no number", key);
    return json_number_value(value);
}

/* An unknown value is absent, never 0, null or an empty string, at any depth. */
static void assert_nothing_empty(const json_t *value, const char *key)
{
    const char *name;
    json_t *item;
    size_t i;
    if (json_is_null(value))
        fail_msg("%s is null", key);
    if (json_is_string(value) && json_string_length(value) == 0)
        fail_msg("%s is empty", key);
    json_object_foreach((json_t *)(uintptr_t)value, name, item) assert_nothing_empty(item, name);
    json_array_foreach(value, i, item) assert_nothing_empty(item, key);
}

static struct event full_unanswered(void)
{
    struct event event = {
        .type = EVENT_INVITE_UNANSWERED,
        .time_ns = NOON + 32 * S,
        .id = "0123456789abcdef0123456789abcdef",
        .invite_unanswered =
            {
                .call_id = SLICE("c1@example.com"),
                .branch = SLICE("z9hG4bK1"),
                .from_uri = SLICE("sip:alice@example.com"),
                .from_tag = SLICE("a1"),
                .to_uri = SLICE("sip:bob@example.net"),
                .request_uri = SLICE("sip:bob@192.0.2.2;user=phone"),
                .user_agent = SLICE("Bench 1.0"),
                .cseq = 4711,
                .src = {endpoint(1, 5062), NULL},
                .dst = {endpoint(2, 5060), "trunk-a"},
                .first_sent_ns = NOON,
                .last_sent_ns = NOON + 31 * S + S / 2,
                .transmissions = 7,
                .waited_ns = 32 * S,
                .cause =
                    {
                        .code = CAUSE_DESTINATION_SELECTIVE,
                        .confidence = CONFIDENCE_MEDIUM,
                        .summary = "It answered others.",
                        .next_step = "Look there.",
                        .evidence_count = 2,
                        .evidence = {{.kind = "answered_others",
                                      .at_ns = NOON + S,
                                      .since_ns = EVENT_NO_TIME,
                                      .status = 200,
                                      .method = "OPTIONS",
                                      .who = endpoint(3, 5061)},
                                     {.kind = "transmissions",
                                      .at_ns = EVENT_NO_TIME,
                                      .since_ns = NOON,
                                      .count = 7}},
                    },
            },
    };
    return event;
}

static void test_envelope(void **state)
{
    struct event event = full_unanswered();
    (void)state;
    json_t *object = structured(&event);
    assert_string_equal(text_of(object, "specversion"), "1.0");
    assert_string_equal(text_of(object, "id"), "0123456789abcdef0123456789abcdef");
    assert_string_equal(text_of(object, "source"), "/sipspan/sensor-1");
    assert_string_equal(text_of(object, "type"), "sipspan.invite.unanswered");
    assert_string_equal(text_of(object, "time"), "2026-01-31T12:00:32.000000Z");
    assert_string_equal(text_of(object, "subject"), "c1@example.com");
    assert_string_equal(text_of(object, "datacontenttype"), "application/json");
    assert_true(strlen(text_of(object, "dataschema")) > 0);
    assert_true(json_is_object(json_object_get(object, "data")));
    assert_int_equal(json_object_size(object), 9);
    json_decref(object);
}

static void test_invite_unanswered(void **state)
{
    struct event event = full_unanswered();
    (void)state;
    json_t *object = structured(&event);
    json_t *data = json_object_get(object, "data");
    assert_string_equal(text_of(data, "call_id"), "c1@example.com");
    assert_int_equal(number_of(data, "cseq"), 4711);
    assert_string_equal(text_of(data, "branch"), "z9hG4bK1");
    assert_string_equal(text_of(data, "from_uri"), "sip:alice@example.com");
    assert_string_equal(text_of(data, "from_tag"), "a1");
    assert_string_equal(text_of(data, "to_uri"), "sip:bob@example.net");
    assert_string_equal(text_of(data, "request_uri"), "sip:bob@192.0.2.2;user=phone");
    assert_string_equal(text_of(data, "user_agent"), "Bench 1.0");
    assert_string_equal(text_of(data, "transport"), "UDP");
    json_t *src = json_object_get(data, "src"), *dst = json_object_get(data, "dst");
    assert_string_equal(text_of(src, "ip"), "192.0.2.1");
    assert_int_equal(number_of(src, "port"), 5062);
    assert_null(json_object_get(src, "name"));
    assert_string_equal(text_of(dst, "ip"), "192.0.2.2");
    assert_string_equal(text_of(dst, "name"), "trunk-a");
    assert_string_equal(text_of(data, "first_sent_at"), "2026-01-31T12:00:00.000000Z");
    assert_string_equal(text_of(data, "last_sent_at"), "2026-01-31T12:00:31.500000Z");
    assert_int_equal(number_of(data, "transmissions"), 7);
    assert_true(ms_of(data, "waited_ms") == 32000);
    json_t *cause = json_object_get(data, "cause");
    assert_string_equal(text_of(cause, "code"), "destination_selective");
    assert_string_equal(text_of(cause, "confidence"), "medium");
    assert_string_equal(text_of(cause, "summary"), "It answered others.");
    assert_string_equal(text_of(cause, "next_step"), "Look there.");
    json_t *evidence = json_object_get(cause, "evidence");
    assert_int_equal(json_array_size(evidence), 2);
    json_t *others = json_array_get(evidence, 0), *ladder = json_array_get(evidence, 1);
    assert_string_equal(text_of(others, "kind"), "answered_others");
    assert_string_equal(text_of(others, "at"), "2026-01-31T12:00:01.000000Z");
    assert_int_equal(number_of(others, "status"), 200);
    assert_string_equal(text_of(others, "method"), "OPTIONS");
    assert_string_equal(text_of(json_object_get(others, "who"), "ip"), "192.0.2.3");
    assert_null(json_object_get(others, "since"));
    assert_null(json_object_get(others, "count"));
    assert_int_equal(number_of(ladder, "count"), 7);
    assert_null(json_object_get(ladder, "at"));
    assert_null(json_object_get(ladder, "who"));
    assert_null(json_object_get(ladder, "status"));
    assert_null(json_object_get(ladder, "method"));
    assert_nothing_empty(object, "event");
    json_decref(object);
}

static void test_call_ended(void **state)
{
    const uint8_t octets[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    struct event event = {
        .type = EVENT_CALL_ENDED,
        .time_ns = NOON,
        .id = "x",
        .call_ended =
            {
                .call_id = SLICE("c1"),
                .from_uri = SLICE("sip:a@example.com"),
                .to_uri = SLICE("sip:b@example.com"),
                .user_agent = SLICE("UA"),
                .state = CALL_STATE_COMPLETED,
                .final_status = 200,
                .src = {{ip_from_v6(octets), 5060}, "pbx"},
                .dst = {endpoint(2, 5060), NULL},
                .started_ns = NOON - 10 * S,
                .answered_ns = NOON - 8 * S - 1,
                .ended_ns = NOON - 1000,
                .duration_ns = 8 * S + 123456,
                .first_response_ns = 0,
                .post_dial_delay_ns = 400 * MS,
                .ended_by = ENDED_BY_CALLEE,
                .auth_attempts = 3,
                .has_ack_missing = true,
                .invite_transmissions = 1,
            },
    };
    (void)state;
    json_t *object = structured(&event);
    json_t *data = json_object_get(object, "data");
    assert_string_equal(text_of(object, "type"), "sipspan.call.ended");
    assert_string_equal(text_of(object, "subject"), "c1");
    assert_string_equal(text_of(data, "call_id"), "c1");
    assert_string_equal(text_of(data, "state"), "completed");
    assert_int_equal(number_of(data, "final_status"), 200);
    assert_int_equal(number_of(data, "auth_attempts"), 3);
    assert_string_equal(text_of(json_object_get(data, "src"), "ip"), "2001:db8::1");
    assert_string_equal(text_of(json_object_get(data, "src"), "name"), "pbx");
    assert_string_equal(text_of(json_object_get(data, "dst"), "ip"), "192.0.2.2");
    assert_string_equal(text_of(data, "from_uri"), "sip:a@example.com");
    assert_string_equal(text_of(data, "to_uri"), "sip:b@example.com");
    assert_string_equal(text_of(data, "user_agent"), "UA");
    assert_string_equal(text_of(data, "started_at"), "2026-01-31T11:59:50.000000Z");
    assert_string_equal(text_of(data, "ended_at"), "2026-01-31T11:59:59.999999Z");
    assert_true(ms_of(data, "duration_ms") == 8000.123456);
    assert_true(ms_of(data, "first_response_ms") == 0); /* known: the mirror showed it first */
    assert_true(ms_of(data, "post_dial_delay_ms") == 400);
    assert_string_equal(text_of(data, "ended_by"), "callee");
    assert_true(json_is_false(json_object_get(data, "ack_missing")));
    assert_int_equal(number_of(data, "invite_transmissions"), 1);
    json_decref(object);
    event.call_ended.ack_missing = true;
    object = structured(&event);
    assert_true(json_is_true(json_object_get(json_object_get(object, "data"), "ack_missing")));
    json_decref(object);
}

static void test_connection_failed(void **state)
{
    struct event event = {
        .type = EVENT_CONNECTION_FAILED,
        .time_ns = NOON + 32 * S,
        .id = "x",
        .connection_failed =
            {
                .transport = TRANSPORT_TLS,
                .src = {endpoint(1, 40001), NULL},
                .dst = {endpoint(2, 5061), "trunk-a"},
                .reason = CONNECTION_TLS_SILENT,
                .confidence = CONFIDENCE_LOW,
                .attempts = 6,
                .first_ns = NOON,
                .last_ns = NOON + 31 * S,
            },
    };
    (void)state;
    json_t *object = structured(&event);
    json_t *data = json_object_get(object, "data");
    assert_string_equal(text_of(object, "type"), "sipspan.connection.failed");
    assert_string_equal(text_of(object, "time"), "2026-01-31T12:00:32.000000Z");
    assert_string_equal(text_of(object, "dataschema"),
                        "urn:sipspan:events:sipspan.connection.failed:1");
    assert_null(json_object_get(object, "subject")); /* there is no Call-ID */
    assert_string_equal(text_of(data, "transport"), "TLS");
    assert_string_equal(text_of(json_object_get(data, "src"), "ip"), "192.0.2.1");
    assert_int_equal(number_of(json_object_get(data, "src"), "port"), 40001);
    assert_string_equal(text_of(json_object_get(data, "dst"), "name"), "trunk-a");
    assert_string_equal(text_of(data, "reason"), "tls_silent");
    assert_string_equal(text_of(data, "confidence"), "low");
    assert_int_equal(number_of(data, "attempts"), 6);
    assert_string_equal(text_of(data, "first_at"), "2026-01-31T12:00:00.000000Z");
    assert_string_equal(text_of(data, "last_at"), "2026-01-31T12:00:31.000000Z");
    assert_int_equal(json_object_size(data), 8);
    assert_nothing_empty(object, "event");
    json_decref(object);
}

static void test_mirror_degraded(void **state)
{
    struct event event = {
        .type = EVENT_MIRROR_DEGRADED,
        .time_ns = NOON + 10 * S,
        .id = "x",
        .mirror_degraded =
            {
                .problem = MIRROR_LOSS,
                .value = 0.25,
                .threshold = 0.1,
                .since_ns = NOON,
                .summary = "Many flows miss packets.",
                .next_step = "Look at the mirror port.",
            },
    };
    (void)state;
    json_t *object = structured(&event);
    json_t *data = json_object_get(object, "data");
    assert_string_equal(text_of(object, "type"), "sipspan.sensor.mirror_degraded");
    assert_null(json_object_get(object, "subject"));
    assert_string_equal(text_of(data, "problem"), "loss");
    assert_true(ms_of(data, "value") == 0.25);
    assert_true(ms_of(data, "threshold") == 0.1);
    assert_string_equal(text_of(data, "since_at"), "2026-01-31T12:00:00.000000Z");
    assert_string_equal(text_of(data, "summary"), "Many flows miss packets.");
    assert_string_equal(text_of(data, "next_step"), "Look at the mirror port.");
    assert_int_equal(json_object_size(data), 6);
    json_decref(object);
}

/* Code 0 is a value, too; without an error there is none. */
static void test_icmp_evidence(void **state)
{
    struct event event = full_unanswered();
    struct cause *cause = &event.invite_unanswered.cause;
    (void)state;
    event.invite_unanswered.transport = TRANSPORT_WS;
    cause->code = CAUSE_ICMP_UNREACHABLE;
    cause->evidence[0] = (struct evidence){.kind = "icmp_error",
                                           .at_ns = NOON,
                                           .since_ns = EVENT_NO_TIME,
                                           .count = 3,
                                           .has_icmp = true,
                                           .icmp_type = 3,
                                           .icmp_code = 0,
                                           .who = endpoint(9, 0)};
    json_t *object = structured(&event);
    json_t *data = json_object_get(object, "data");
    json_t *evidence = json_object_get(json_object_get(data, "cause"), "evidence");
    json_t *error = json_array_get(evidence, 0), *ladder = json_array_get(evidence, 1);
    assert_string_equal(text_of(data, "transport"), "WS");
    assert_int_equal(number_of(error, "icmp_type"), 3);
    assert_int_equal(number_of(error, "icmp_code"), 0);
    assert_string_equal(text_of(json_object_get(error, "who"), "ip"), "192.0.2.9");
    assert_null(json_object_get(json_object_get(error, "who"), "port"));
    assert_null(json_object_get(ladder, "icmp_type"));
    assert_null(json_object_get(ladder, "icmp_code"));
    json_decref(object);
}

static void test_unknown_is_absent(void **state)
{
    struct event ended = {
        .type = EVENT_CALL_ENDED,
        .time_ns = NOON,
        .id = "x",
        .call_ended = {.state = CALL_STATE_FAILED,
                       .started_ns = EVENT_NO_TIME,
                       .answered_ns = EVENT_NO_TIME,
                       .ended_ns = EVENT_NO_TIME,
                       .duration_ns = EVENT_NO_DURATION,
                       .first_response_ns = EVENT_NO_DURATION,
                       .post_dial_delay_ns = EVENT_NO_DURATION},
    };
    struct event unanswered = {
        .type = EVENT_INVITE_UNANSWERED,
        .time_ns = NOON,
        .id = "x",
        .invite_unanswered = {.first_sent_ns = EVENT_NO_TIME,
                              .last_sent_ns = EVENT_NO_TIME,
                              .waited_ns = EVENT_NO_DURATION,
                              .cause = {.code = CAUSE_UNKNOWN, .summary = "S.", .next_step = "N."}},
    };
    (void)state;
    json_t *object = structured(&ended);
    assert_nothing_empty(object, "event");
    assert_null(json_object_get(object, "subject"));
    assert_int_equal(json_object_size(json_object_get(object, "data")), 1); /* state */
    json_decref(object);
    object = structured(&unanswered);
    json_t *data = json_object_get(object, "data");
    assert_nothing_empty(object, "event");
    assert_null(json_object_get(object, "subject"));
    assert_int_equal(json_array_size(json_object_get(json_object_get(data, "cause"), "evidence")),
                     0);
    static const char *const absent[] = {
        "call_id",      "branch",        "from_uri", "from_tag", "to_uri",
        "request_uri",  "user_agent",    "src",      "dst",      "first_sent_at",
        "last_sent_at", "transmissions", "waited_ms"};
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
        if (json_object_get(data, absent[i]))
            fail_msg("%s is there", absent[i]);
    json_decref(object);
}

/* No INVITE can forge or suppress an event: quotes, newlines, NUL, escapes of terminals, broken
 * UTF-8. */
static void test_hostile_octets(void **state)
{
    static const char nasty[] = "\",\"forged\":1}\r\n{\"\x1b[2J\x00\x7f\xff\xfe\xc3";
    struct event event = full_unanswered();
    (void)state;
    event.invite_unanswered.call_id = slice_of(nasty, sizeof nasty - 1);
    json_t *object = structured(&event);
    json_t *data = json_object_get(object, "data");
    const json_t *id = json_object_get(data, "call_id");
    static const char want[] =
        "\",\"forged\":1}\r\n{\"\x1b[2J\x00\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd";
    assert_int_equal(json_string_length(id), sizeof want - 1);
    assert_memory_equal(json_string_value(id), want, sizeof want - 1);
    assert_null(json_object_get(object, "forged"));
    assert_null(json_object_get(data, "forged"));
    json_decref(object);
    /* Every single octet, alone and in the middle. */
    for (int c = 0; c < 256; c++) {
        char text[3] = {'a', (char)c, 'b'};
        event.invite_unanswered.user_agent = slice_of(text + 1, 1);
        event.invite_unanswered.from_uri = slice_of(text, 3);
        object = structured(&event);
        json_decref(object);
    }
}

/* Nothing that a terminal acts on, nothing that some readers take for the end of a line. */
static void test_printable_ascii(void **state)
{
    struct event event = full_unanswered();
    (void)state;
    event.invite_unanswered.call_id = SLICE("a\xc2\x9b"
                                            "31m\x7f\xe2\x80\xa8\xe2\x80\xae\x1b[2J\xc3\xbc");
    char *line = line_of(&event);
    assert_non_null(strstr(line, "\\u009B31m\\uFFFD\\u2028\\u202E\\u001B[2J\\u00FC"));
    free(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_envelope),          cmocka_unit_test(test_invite_unanswered),
        cmocka_unit_test(test_call_ended),        cmocka_unit_test(test_connection_failed),
        cmocka_unit_test(test_mirror_degraded),   cmocka_unit_test(test_icmp_evidence),
        cmocka_unit_test(test_unknown_is_absent), cmocka_unit_test(test_hostile_octets),
        cmocka_unit_test(test_printable_ascii),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
