/* Events as octets: all that a CloudEvent needs comes back out, and nothing but whole records of a
 * known version is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "event/event_json.h"
#include "export/event_record.h"

#define NOON (INT64_C(1769860800) * 1000000000) /* 2026-01-31T12:00:00Z */

static struct json_writer writer;

static int set_up(void **state)
{
    (void)state;
    json_writer_init(&writer, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    json_writer_fini(&writer);
    return 0;
}

static struct event ended(const char *call_id, size_t len)
{
    return (struct event){.type = EVENT_CALL_ENDED,
                          .time_ns = NOON,
                          .id = "0123456789abcdef0123456789abcdef",
                          .call_ended = {.call_id = slice_of(call_id, len),
                                         .state = CALL_STATE_COMPLETED,
                                         .final_status = 200,
                                         .started_ns = NOON,
                                         .answered_ns = EVENT_NO_TIME,
                                         .ended_ns = EVENT_NO_TIME,
                                         .duration_ns = -1,
                                         .first_response_ns = -1,
                                         .post_dial_delay_ns = -1}};
}

static struct event report(const char *call_id)
{
    struct event event = {.type = EVENT_RTP_REPORT, .time_ns = NOON, .id = "77"};
    event.rtp_report.call_id = slice_str(call_id);
    event.rtp_report.stream.ssrc = 0x1234abcd;
    event.rtp_report.stream.src.endpoint.port = 4000;
    event.rtp_report.stream.dst.endpoint.port = 4002;
    ip_parse(SLICE("192.0.2.1"), &event.rtp_report.stream.src.endpoint.ip);
    ip_parse(SLICE("2001:db8::2"), &event.rtp_report.stream.dst.endpoint.ip);
    return event;
}

static struct event_record round_trip(const struct event *event)
{
    struct event_record record;
    struct slice octets = event_record_write(event, "sensor-1", &writer);
    assert_false(writer.failed);
    assert_ptr_equal(octets.at, writer.text);
    assert_true(event_record_read(octets, &record));
    return record;
}

static void assert_slice(struct slice slice, const char *text)
{
    if (!slice_eq(slice, slice_str(text)))
        fail_msg("\"%.*s\" is not \"%s\"", SLICE_ARGS(slice), text);
}

static void test_fields(void **state)
{
    struct event event = ended("c1@example.com", 14);
    struct event_record record = round_trip(&event);
    (void)state;
    assert_int_equal(record.family, FAMILY_CALLS);
    assert_int_equal(record.type, EVENT_CALL_ENDED);
    assert_slice(record.type_name, "sipspan.call.ended");
    assert_slice(record.id, "0123456789abcdef0123456789abcdef");
    assert_slice(record.time, "2026-01-31T12:00:00.000000Z");
    assert_slice(record.source, "/sipspan/sensor-1");
    assert_slice(record.subject, "c1@example.com");
    assert_slice(record.dataschema, "urn:sipspan:events:sipspan.call.ended:1");
    assert_slice(record.key, "c1@example.com");
}

/* The data are what structured mode has, and so is all else. */
static void test_same_as_the_line(void **state)
{
    const struct event events[] = {ended("c1@example.com", 14), ended("\xff\x01\"\xc3\xa9", 5),
                                   report(""), report("c2")};
    (void)state;
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        struct json_writer line;
        json_writer_init(&line, 1 << 20);
        event_json_put_line(&line, &events[i], "sensor-1");
        json_t *object = json_loadb(line.text, line.len, JSON_ALLOW_NUL, NULL);
        struct event_record record = round_trip(&events[i]);
        json_t *data = json_loadb(record.data.at, record.data.len, JSON_ALLOW_NUL, NULL);
        const struct {
            const char *key;
            struct slice value;
        } rows[] = {{"id", record.id},           {"source", record.source},
                    {"type", record.type_name},  {"time", record.time},
                    {"subject", record.subject}, {"dataschema", record.dataschema}};
        assert_non_null(object);
        assert_true(json_equal(data, json_object_get(object, "data")));
        assert_int_equal(record.data.at[record.data.len - 1], '}');
        for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
            const json_t *value = json_object_get(object, rows[k].key);
            struct slice shown =
                value ? slice_of(json_string_value(value), json_string_length(value)) : SLICE_NONE;
            if (!slice_eq(shown, rows[k].value))
                fail_msg("%s of event %zu differs", rows[k].key, i);
        }
        json_decref(data);
        json_decref(object);
        json_writer_fini(&line);
    }
}

static void test_keys(void **state)
{
    struct event stream = report(""), of_call = report("c7");
    struct event mirror = {.type = EVENT_MIRROR_DEGRADED, .time_ns = NOON, .id = "1"};
    struct event broken = ended("a\xc3", 2), no_call_id = ended("", 0);
    struct event_record record = round_trip(&stream);
    (void)state;
    assert_slice(record.key, "0x1234abcd 192.0.2.1:4000 [2001:db8::2]:4002");
    assert_int_equal(record.subject.len, 0);
    assert_slice(round_trip(&of_call).key, "c7");
    assert_slice(round_trip(&mirror).key, "/sipspan/sensor-1");
    assert_slice(round_trip(&broken).key, "a\xef\xbf\xbd");
    assert_slice(round_trip(&broken).subject, "a\xef\xbf\xbd");
    assert_slice(round_trip(&no_call_id).key, "/sipspan/sensor-1");
}

/* Topics go by the first word of a type, but for invites and connections, which share one. */
static void test_families(void **state)
{
    (void)state;
    for (enum event_type type = 0; type < EVENT_TYPE_COUNT; type++) {
        const char *name = event_type_name(type) + strlen("sipspan.");
        enum event_family expected = strncmp(name, "call.", 5) == 0          ? FAMILY_CALLS
                                     : strncmp(name, "invite.", 7) == 0      ? FAMILY_INVITES
                                     : strncmp(name, "connection.", 11) == 0 ? FAMILY_INVITES
                                     : strncmp(name, "rtp.", 4) == 0         ? FAMILY_RTP
                                                                             : FAMILY_SENSOR;
        assert_int_equal(event_family_of(type), expected);
    }
}

static void test_what_does_not_fit(void **state)
{
    struct event event = ended("c1@example.com", 14);
    (void)state;
    size_t len = event_record_write(&event, "sensor-1", &writer).len;
    for (size_t limit = 0; limit <= len + 8; limit++) {
        struct json_writer small;
        struct event_record record;
        json_writer_init(&small, limit);
        struct slice octets = event_record_write(&event, "sensor-1", &small);
        if (small.failed)
            assert_int_equal(octets.len, 0);
        else
            assert_true(octets.len == len && event_record_read(octets, &record));
        assert_true(small.failed || limit >= len);
        json_writer_fini(&small);
    }
    /* The same writer serves after a failure. */
    writer.limit = 8;
    writer.capacity = writer.len = 0;
    free(writer.text);
    writer.text = NULL;
    event_record_write(&event, "sensor-1", &writer);
    assert_true(writer.failed);
    writer.limit = 1 << 20;
    assert_int_equal(event_record_write(&event, "sensor-1", &writer).len, len);
}

static void test_other_versions_and_cuts(void **state)
{
    struct event event = ended("c1@example.com", 14);
    struct event_record record;
    struct slice octets = event_record_write(&event, "sensor-1", &writer);
    (void)state;
    size_t data = round_trip(&event).data.len;
    for (size_t len = 0; len <= octets.len - data; len++) {
        /* Of its own, so that a sanitizer sees the first octet past the end. */
        char *cut = malloc(len + 1);
        assert_non_null(cut);
        memcpy(cut, octets.at, len);
        assert_false(event_record_read(slice_of(cut, len), &record));
        free(cut);
    }
    for (int version = 0; version < 256; version++) {
        writer.text[0] = (char)version;
        assert_int_equal(event_record_read(octets, &record), version == 1);
    }
    writer.text[0] = 1;
    writer.text[1] = FAMILY_COUNT;
    assert_false(event_record_read(octets, &record));
    writer.text[1] = FAMILY_RTP;
    assert_true(event_record_read(octets, &record));
    assert_int_equal(record.family, FAMILY_RTP);
    /* A type of a later version is told by its name. */
    writer.text[6 + strlen("sipspan.call.")] = 'X';
    assert_true(event_record_read(octets, &record));
    assert_int_equal(record.type, EVENT_TYPE_COUNT);
    assert_slice(record.type_name, "sipspan.call.Xnded");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_same_as_the_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_families, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_does_not_fit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_versions_and_cuts, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
