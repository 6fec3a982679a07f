/*
 * For the tests of what tells of a run: a tally, events to feed it, a pipeline that only holds
 * figures, and what was printed as one text.
 */
#ifndef SIPSPAN_TESTS_PIPELINE_BENCH_H
#define SIPSPAN_TESTS_PIPELINE_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/report.h"

#define S    INT64_C(1000000000)
#define NOON (INT64_C(1769860800) * S) /* 2026-01-31T12:00:00Z */

static inline struct endpoint endpoint_v4(uint8_t c, uint8_t d, uint16_t port)
{
    return (struct endpoint){ip_from_v4((const uint8_t[4]){192, 0, c, d}), port};
}

static inline struct event unanswered_event(struct endpoint src, struct endpoint dst,
                                            enum cause_code code, enum confidence confidence)
{
    struct event event = {
        .type = EVENT_INVITE_UNANSWERED,
        .time_ns = NOON + 32 * S,
        .invite_unanswered =
            {
                .call_id = SLICE("c1@example.com"),
                .from_uri = SLICE("sip:alice@example.com"),
                .to_uri = SLICE("sip:bob@example.net"),
                .src = {src, NULL},
                .dst = {dst, NULL},
                .first_sent_ns = NOON,
                .last_sent_ns = NOON + 31 * S,
                .transmissions = 7,
                .waited_ns = 32 * S,
                .cause = {.code = code, .confidence = confidence, .next_step = "Look there."},
            },
    };
    snprintf(event.invite_unanswered.cause.summary, EVENT_SUMMARY_MAX, "It was %s.",
             cause_code_name(code));
    return event;
}

static inline struct event ended_event(enum call_state state, uint16_t status)
{
    return (struct event){
        .type = EVENT_CALL_ENDED,
        .call_ended = {.call_id = SLICE("c1"),
                       .state = state,
                       .final_status = status,
                       .started_ns = EVENT_NO_TIME,
                       .answered_ns = EVENT_NO_TIME,
                       .ended_ns = NOON,
                       .duration_ns = EVENT_NO_DURATION,
                       .first_response_ns = EVENT_NO_DURATION,
                       .post_dial_delay_ns = EVENT_NO_DURATION},
    };
}

static inline struct event failed_event(struct endpoint src, struct endpoint dst,
                                        enum connection_failure reason, enum confidence confidence)
{
    return (struct event){
        .type = EVENT_CONNECTION_FAILED,
        .connection_failed = {.transport = TRANSPORT_TCP,
                              .src = {src, NULL},
                              .dst = {dst, NULL},
                              .reason = reason,
                              .confidence = confidence,
                              .attempts = 6,
                              .first_ns = NOON,
                              .last_ns = NOON + 31 * S},
    };
}

static inline struct event degraded_event(enum mirror_problem problem, double value)
{
    struct event event = {
        .type = EVENT_MIRROR_DEGRADED,
        .mirror_degraded = {.problem = problem,
                            .value = value,
                            .threshold = 0.2,
                            .since_ns = NOON,
                            .next_step = "Look at the switch."},
    };
    snprintf(event.mirror_degraded.summary, EVENT_SUMMARY_MAX, "It was %.2f.", value);
    return event;
}

/* The last report of a stream of a minute: nothing is wrong with it. */
static inline struct event report_event(struct endpoint src, struct endpoint dst, uint32_t ssrc)
{
    return (struct event){
        .type = EVENT_RTP_REPORT,
        .time_ns = NOON + 60 * S,
        .rtp_report =
            {
                .stream = {.ssrc = ssrc,
                           .src = {src, NULL},
                           .dst = {dst, NULL},
                           .codec = "PCMU",
                           .clock_hz = 8000,
                           .started_ns = NOON,
                           .ended_ns = NOON + 60 * S,
                           .packets = 3000,
                           .expected = 3000,
                           .jitter_ms = {true, 1, 2.5},
                           .mos = {true, 4.41, 4.41},
                           .mos_scale = "narrowband"},
                .call_id = SLICE("c1@example.com"),
                .interval_ns = 10 * S,
                .since_ns = NOON,
                .final = true,
                .confidence = CONFIDENCE_HIGH,
            },
    };
}

/* An interval of the stream of `report` crossed a threshold. */
static inline struct event crossing_event(const struct event *report, enum rtp_metric metric)
{
    return (struct event){
        .type = EVENT_RTP_DEGRADED,
        .time_ns = NOON + 10 * S,
        .rtp_crossing = {.metric = metric,
                         .value = 1,
                         .threshold = 0.5,
                         .stream = report->rtp_report.stream,
                         .call_id = report->rtp_report.call_id,
                         .since_ns = NOON,
                         .confidence = CONFIDENCE_HIGH},
    };
}

static inline struct event one_way_event(void)
{
    return (struct event){
        .type = EVENT_ONE_WAY_AUDIO,
        .time_ns = NOON + 5 * S,
        .one_way_audio = {.call_id = SLICE("c1@example.com"),
                          .from_uri = SLICE("sip:alice@example.com"),
                          .to_uri = SLICE("sip:bob@example.net"),
                          .src = {endpoint_v4(2, 20, 20000), NULL},
                          .dst = {endpoint_v4(2, 1, 10000), NULL},
                          .answered_ns = NOON,
                          .since_ns = NOON,
                          .silent_ns = 5 * S,
                          .heard_packets = 250,
                          .confidence = CONFIDENCE_MEDIUM,
                          .summary = "Bob is not heard.",
                          .next_step = "Look at Bob."},
    };
}

/* That `what` is in the text, wherever its lines break. */
static inline void assert_tells(const char *text, const char *what)
{
    size_t used = 0;
    char *unbroken = malloc(strlen(text) + 1);
    assert_non_null(unbroken);
    for (const char *at = text; *at; at++)
        if ((*at != ' ' && *at != '\n') || used == 0 || unbroken[used - 1] != ' ')
            unbroken[used++] = *at == '\n' ? ' ' : *at;
    unbroken[used] = 0;
    bool is_there = strstr(unbroken, what) != NULL;
    free(unbroken);
    if (!is_there)
        fail_msg("\"%s\" is missing in:\n%s", what, text);
}

/* Only figures: no capture, no fragments, no TCP, no mirror. */
static inline struct pipeline *pipeline_figures(void)
{
    struct pipeline *pipeline = calloc(1, sizeof *pipeline);
    assert_non_null(pipeline);
    assert_int_equal(tally_init(&pipeline->tally, 4096), 0);
    pipeline->calls.scanners = scanners_create(16);
    assert_non_null(pipeline->calls.scanners);
    return pipeline;
}

static inline void pipeline_figures_free(struct pipeline *pipeline)
{
    scanners_destroy(pipeline->calls.scanners);
    tally_fini(&pipeline->tally);
    free(pipeline);
}

#endif
