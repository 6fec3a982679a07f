/* The JSON of what is told of media, octet for octet: the figures under their names, known zeros
 * written, unknown ones absent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "event/event_json.h"

#define S    INT64_C(1000000000)
#define MS   INT64_C(1000000)
#define NOON (INT64_C(1769860800) * S) /* 2026-01-31T12:00:00Z */

#define SRC "{\"ip\":\"192.0.2.1\",\"port\":16384,\"name\":\"trunk-a\"}"
#define DST "{\"ip\":\"198.51.100.2\",\"port\":20124}"

/* An event of these tests: subject is "" or a whole field, data what is in `data`. */
#define LINE(type, subject, data)                                                                  \
    "{\"specversion\":\"1.0\",\"id\":\"0123456789abcdef0123456789abcdef\","                        \
    "\"source\":\"/sipspan/sensor-1\",\"type\":\"" type "\","                                      \
    "\"time\":\"2026-01-31T12:00:10.000000Z\"," subject                                            \
    "\"dataschema\":\"urn:sipspan:events:" type ":1\","                                            \
    "\"datacontenttype\":\"application/json\",\"data\":{" data "}}"
#define SUBJECT "\"subject\":\"c1@example.com\","

#define FULL_STREAM                                                                                \
    "{\"ssrc\":\"0x0234abcd\",\"src\":" SRC ",\"dst\":" DST ",\"codec\":\"PCMU\","                 \
    "\"payload_type\":0,\"clock_rate_hz\":8000,\"started_at\":\"2026-01-31T12:00:00.000000Z\","    \
    "\"ended_at\":\"2026-01-31T12:00:09.980000Z\",\"packets\":496,\"expected\":500,\"lost\":4,"    \
    "\"loss_ratio\":0.008,\"duplicates\":1,\"mirror_copies\":2,\"out_of_order\":3,"                \
    "\"jitter_ms\":{\"mean\":3.123457,\"max\":12.75},\"rtt_ms\":{\"mean\":81.25,\"max\":99.0},"    \
    "\"latency_ms\":40.625,\"latency_source\":\"rtcp_xr\","                                        \
    "\"mos\":{\"mean\":4.3712,\"min\":4.3,\"scale\":\"narrowband\"},\"srtp\":false,"               \
    "\"delay_variation_ms\":{\"p50\":0.0,\"p95\":9.75,\"p99\":14.0},"                              \
    "\"discarded\":{\"fixed_50ms\":5,\"fixed_200ms\":0,\"adaptive\":6},"                           \
    "\"loss_runs\":{\"count\":2,\"longest\":3},"                                                   \
    "\"bursts\":{\"count\":1,\"density\":0.333333,\"gap_density\":0.002},"                         \
    "\"restarts\":7,\"event_packets\":8,\"comfort_noise_packets\":9,"                              \
    "\"far_end\":{\"loss_ratio\":0.011719,\"lost\":10,\"jitter_ms\":5.125},"                       \
    "\"lost_after_tap\":11}"

/* Of a stream of which no more is known than that it was there; the zeros are known. */
#define BARE_STREAM                                                                                \
    "{\"ssrc\":\"0x00000000\",\"src\":{\"ip\":\"2001:db8::1\",\"port\":16384},\"dst\":" DST ","    \
    "\"payload_type\":111,\"started_at\":\"2026-01-31T12:00:00.000000Z\","                         \
    "\"ended_at\":\"2026-01-31T12:00:10.000000Z\",\"packets\":40,\"expected\":40,\"lost\":0,"      \
    "\"loss_ratio\":0.0,\"duplicates\":0,\"mirror_copies\":0,\"out_of_order\":0}"

static const struct named_endpoint SOURCE = {{{{192, 0, 2, 1}, 4}, 16384}, "trunk-a"};
static const struct named_endpoint DESTINATION = {{{{198, 51, 100, 2}, 4}, 20124}, NULL};

static struct event_stream full_stream(void)
{
    return (struct event_stream){
        .ssrc = 0x0234abcd,
        .src = SOURCE,
        .dst = DESTINATION,
        .codec = "PCMU",
        .payload_type = 0,
        .clock_hz = 8000,
        .started_ns = NOON,
        .ended_ns = NOON + 9980 * MS,
        .packets = 496,
        .expected = 500,
        .lost = 4,
        .duplicates = 1,
        .mirror_copies = 2,
        .out_of_order = 3,
        .jitter_ms = {true, 3.1234567, 12.75},
        .rtt_ms = {true, 81.25, 99},
        .mos = {true, 4.3712, 4.3},
        .mos_scale = "narrowband",
        .has_latency = true,
        .latency_ms = 40.625,
        .latency_source = LATENCY_RTCP_XR,
        .has_srtp = true,
        .srtp = false,
        .has_delay_variation = true,
        .delay_variation_p50_ms = 0,
        .delay_variation_p95_ms = 9.75,
        .delay_variation_p99_ms = 14,
        .discarded_50ms = 5,
        .discarded_200ms = 0,
        .discarded_adaptive = 6,
        .has_runs = true,
        .loss_runs = 2,
        .longest_loss_run = 3,
        .bursts = 1,
        .burst_density = 1.0 / 3,
        .gap_density = 0.002,
        .restarts = 7,
        .event_packets = 8,
        .comfort_noise_packets = 9,
        .has_far_end = true,
        .far_end_loss_ratio = 3.0 / 256,
        .far_end_lost = 10,
        .has_far_end_jitter = true,
        .far_end_jitter_ms = 5.125,
        .has_lost_after_tap = true,
        .lost_after_tap = 11,
    };
}

/* What is said to be unknown has figures all the same, which must not be seen. */
static struct event_stream bare_stream(void)
{
    const uint8_t octets[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    return (struct event_stream){
        .src.endpoint = {ip_from_v6(octets), 16384},
        .dst = DESTINATION,
        .payload_type = 111,
        .started_ns = NOON,
        .ended_ns = NOON + 10 * S,
        .packets = 40,
        .expected = 40,
        .jitter_ms = {false, 1, 2},
        .rtt_ms = {false, 1, 2},
        .mos = {false, 1, 2},
        .mos_scale = "wideband",
        .latency_ms = 1,
        .srtp = true,
        .delay_variation_p50_ms = 1,
        .discarded_50ms = 1,
        .gap_density = 1,
        .far_end_lost = 1,
        .far_end_jitter_ms = 1,
        .lost_after_tap = 1,
    };
}

static struct event event_of(enum event_type type)
{
    return (struct event){
        .type = type,
        .time_ns = NOON + 10 * S,
        .id = "0123456789abcdef0123456789abcdef",
    };
}

static struct event full_report(void)
{
    struct event event = event_of(EVENT_RTP_REPORT);
    event.rtp_report = (struct rtp_report){
        .stream = full_stream(),
        .call_id = SLICE("c1@example.com"),
        .interval_ns = 10 * S,
        .since_ns = NOON,
        .confidence = CONFIDENCE_HIGH,
    };
    return event;
}

static void assert_line(const struct event *event, const char *want)
{
    struct json_writer writer;
    json_writer_init(&writer, 1 << 20);
    event_json_put_line(&writer, event, "sensor-1");
    assert_false(writer.failed);
    assert_int_equal(writer.text[writer.len - 1], '\n');
    writer.text[writer.len - 1] = 0;
    assert_string_equal(writer.text, want);
    json_writer_fini(&writer);
}

static void test_report(void **state)
{
    struct event event = full_report();
    (void)state;
    assert_line(&event,
                LINE("sipspan.rtp.report", SUBJECT,
                     "\"stream\":" FULL_STREAM ",\"interval_ms\":10000.0,\"final\":false,"
                     "\"call_id\":\"c1@example.com\",\"since_at\":\"2026-01-31T12:00:00.000000Z\","
                     "\"confidence\":\"high\""));
}

static void test_report_of_no_call(void **state)
{
    struct event event = full_report();
    (void)state;
    event.rtp_report.stream = bare_stream();
    event.rtp_report.call_id = SLICE_NONE;
    event.rtp_report.final = true;
    event.rtp_report.confidence = CONFIDENCE_LOW;
    assert_line(&event,
                LINE("sipspan.rtp.report", "",
                     "\"stream\":" BARE_STREAM ",\"interval_ms\":10000.0,\"final\":true,"
                     "\"since_at\":\"2026-01-31T12:00:00.000000Z\",\"confidence\":\"low\""));
}

/* The part of a report between two texts: nobody says the rest again. */
static void assert_between(const struct event *event, const char *from, const char *to,
                           const char *want)
{
    struct json_writer writer;
    json_writer_init(&writer, 1 << 20);
    event_json_put_line(&writer, event, "sensor-1");
    assert_false(writer.failed);
    writer.text[writer.len - 1] = 0;
    char *begin = strstr(writer.text, from);
    assert_non_null(begin);
    begin += strlen(from);
    char *end = strstr(begin, to);
    assert_non_null(end);
    *end = 0;
    assert_string_equal(begin, want);
    json_writer_fini(&writer);
}

static void test_parts_of_a_stream(void **state)
{
    struct event event = full_report();
    struct event_stream *stream = &event.rtp_report.stream;
    (void)state;
    /* Losses without a burst have no density in bursts. */
    stream->bursts = 0;
    assert_between(&event, "\"loss_runs\":", ",\"restarts\"",
                   "{\"count\":2,\"longest\":3},\"bursts\":{\"count\":0,\"gap_density\":0.002}");
    /* A burst of discards alone. */
    stream->bursts = 1;
    stream->lost = 0;
    stream->loss_runs = stream->longest_loss_run = 0;
    assert_between(&event, "\"loss_runs\":", ",\"restarts\"",
                   "{\"count\":0,\"longest\":0},"
                   "\"bursts\":{\"count\":1,\"density\":0.333333,\"gap_density\":0.002}");
    stream->bursts = 0;
    assert_between(&event, "\"adaptive\":6}", ":7", ",\"restarts\"");
    stream->restarts = 0;
    stream->event_packets = 0;
    stream->comfort_noise_packets = 0;
    stream->has_far_end_jitter = false;
    stream->has_lost_after_tap = false;
    assert_between(&event, "\"adaptive\":6}", ",\"interval_ms",
                   ",\"far_end\":{\"loss_ratio\":0.011719,\"lost\":10}}");
    stream->has_far_end = false;
    stream->has_lost_after_tap = true;
    stream->lost_after_tap = 0;
    assert_between(&event, "\"adaptive\":6}", ",\"interval_ms", ",\"lost_after_tap\":0}");
    stream->srtp = true;
    stream->latency_source = LATENCY_RTCP;
    assert_between(&event, "\"latency_source\":", ",\"delay",
                   "\"rtcp\",\"mos\":{\"mean\":4.3712,\"min\":4.3,\"scale\":\"narrowband\"},"
                   "\"srtp\":true");
    /* Late packets of the interval before, and nothing was expected in this one. */
    stream->packets = 2;
    stream->expected = 0;
    assert_between(&event, ",\"packets\":", ",\"mirror_copies",
                   "2,\"expected\":0,\"lost\":0,\"duplicates\":1");
}

static void test_degraded(void **state)
{
    struct event event = event_of(EVENT_RTP_DEGRADED);
    (void)state;
    event.rtp_crossing = (struct rtp_crossing){
        .metric = RTP_METRIC_JITTER,
        .value = 31.5,
        .threshold = 30,
        .stream = full_stream(),
        .call_id = SLICE("c1@example.com"),
        .since_ns = NOON,
        .confidence = CONFIDENCE_MEDIUM,
    };
    assert_line(&event,
                LINE("sipspan.rtp.degraded", SUBJECT,
                     "\"metric\":\"jitter\",\"value\":31.5,\"threshold\":30.0,"
                     "\"stream\":" FULL_STREAM
                     ",\"call_id\":\"c1@example.com\",\"since_at\":\"2026-01-31T12:00:00.000000Z\","
                     "\"confidence\":\"medium\""));
}

static void test_recovered(void **state)
{
    struct event event = event_of(EVENT_RTP_RECOVERED);
    (void)state;
    event.rtp_crossing = (struct rtp_crossing){
        .metric = RTP_METRIC_LOSS,
        .value = 0,
        .threshold = 0.01,
        .stream = bare_stream(),
        .since_ns = NOON,
        .confidence = CONFIDENCE_HIGH,
    };
    assert_line(&event,
                LINE("sipspan.rtp.recovered", "",
                     "\"metric\":\"loss\",\"value\":0.0,\"threshold\":0.01,\"stream\":" BARE_STREAM
                     ",\"since_at\":\"2026-01-31T12:00:00.000000Z\",\"confidence\":\"high\""));
}

static void test_one_way_audio(void **state)
{
    struct event event = event_of(EVENT_ONE_WAY_AUDIO);
    (void)state;
    event.one_way_audio = (struct one_way_audio){
        .call_id = SLICE("c1@example.com"),
        .from_uri = SLICE("sip:alice@example.com"),
        .to_uri = SLICE("sip:bob@example.net"),
        .src = SOURCE,
        .dst = DESTINATION,
        .is_from_caller = true,
        .is_silent_from_start = true,
        .answered_ns = NOON + 2 * S,
        .since_ns = NOON + 2 * S,
        .silent_ns = 8 * S,
        .heard_packets = 400,
        .confidence = CONFIDENCE_HIGH,
        .summary = "The callee hears nothing.",
        .next_step = "Look there.",
    };
    assert_line(&event,
                LINE("sipspan.call.one_way_audio", SUBJECT,
                     "\"call_id\":\"c1@example.com\",\"from_uri\":\"sip:alice@example.com\","
                     "\"to_uri\":\"sip:bob@example.net\",\"src\":" SRC ",\"dst\":" DST
                     ",\"direction\":\"caller_to_callee\",\"silent_from_start\":true,"
                     "\"answered_at\":\"2026-01-31T12:00:02.000000Z\","
                     "\"since_at\":\"2026-01-31T12:00:02.000000Z\",\"silent_ms\":8000.0,"
                     "\"heard_packets\":400,\"confidence\":\"high\","
                     "\"summary\":\"The callee hears nothing.\",\"next_step\":\"Look there.\""));
    event.one_way_audio.is_from_caller = false;
    event.one_way_audio.is_silent_from_start = false;
    event.one_way_audio.src = (struct named_endpoint){.name = NULL}; /* nobody announced it */
    event.one_way_audio.answered_ns = EVENT_NO_TIME;
    assert_between(&event, "\"to_uri\":\"sip:bob@example.net\",", ",\"silent_ms\"",
                   "\"dst\":" DST ",\"direction\":\"callee_to_caller\","
                   "\"silent_from_start\":false,\"since_at\":\"2026-01-31T12:00:02.000000Z\"");
}

static void test_streams_of_a_call(void **state)
{
    const struct event_stream streams[] = {full_stream(), bare_stream()};
    struct event event = event_of(EVENT_CALL_ENDED);
    (void)state;
    event.call_ended = (struct call_ended){
        .call_id = SLICE("c1@example.com"),
        .state = CALL_STATE_COMPLETED,
        .started_ns = EVENT_NO_TIME,
        .answered_ns = EVENT_NO_TIME,
        .ended_ns = NOON + 10 * S,
        .duration_ns = EVENT_NO_DURATION,
        .first_response_ns = EVENT_NO_DURATION,
        .post_dial_delay_ns = EVENT_NO_DURATION,
        .stream = streams,
        .streams = 2,
        .streams_left_out = 3,
    };
#define CALL_ENDED                                                                                 \
    "\"call_id\":\"c1@example.com\",\"state\":\"completed\","                                      \
    "\"ended_at\":\"2026-01-31T12:00:10.000000Z\""
    assert_line(&event, LINE("sipspan.call.ended", SUBJECT,
                             CALL_ENDED ",\"streams\":[" FULL_STREAM "," BARE_STREAM
                                        "],\"streams_left_out\":3"));
    event.call_ended.streams = 1;
    event.call_ended.streams_left_out = 0;
    assert_line(&event,
                LINE("sipspan.call.ended", SUBJECT, CALL_ENDED ",\"streams\":[" FULL_STREAM "]"));
    event.call_ended.streams = 0;
    assert_line(&event, LINE("sipspan.call.ended", SUBJECT, CALL_ENDED));
}

/* An event that does not fit says so and leaves the lines before it as they were. */
static void test_no_room(void **state)
{
    struct event event = full_report();
    struct json_writer writer;
    (void)state;
    json_writer_init(&writer, 4000);
    event_json_put_line(&writer, &event, "sensor-1");
    assert_false(writer.failed);
    size_t line = writer.len;
    int lines = 1;
    for (; lines < 10; lines++) {
        event_json_put_line(&writer, &event, "sensor-1");
        if (writer.failed)
            break;
    }
    assert_in_range(lines, 2, 4000 / line);
    json_writer_cut(&writer, lines * line);
    for (int i = 1; i < lines; i++)
        assert_memory_equal(writer.text, writer.text + i * line, line);
    json_writer_fini(&writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_report_of_no_call),
        cmocka_unit_test(test_parts_of_a_stream),
        cmocka_unit_test(test_degraded),
        cmocka_unit_test(test_recovered),
        cmocka_unit_test(test_one_way_audio),
        cmocka_unit_test(test_streams_of_a_call),
        cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
