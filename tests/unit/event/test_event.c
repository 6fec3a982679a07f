/* The names that are promised: each value of each enumeration has exactly the name that schemas and
 * rules use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "event/event.h"

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(event_type_name(EVENT_INVITE_UNANSWERED), "sipspan.invite.unanswered");
    assert_string_equal(event_type_name(EVENT_CALL_ENDED), "sipspan.call.ended");
    assert_string_equal(event_type_name(EVENT_CONNECTION_FAILED), "sipspan.connection.failed");
    assert_string_equal(event_type_name(EVENT_MIRROR_DEGRADED), "sipspan.sensor.mirror_degraded");
    assert_string_equal(event_type_name(EVENT_RTP_REPORT), "sipspan.rtp.report");
    assert_string_equal(event_type_name(EVENT_RTP_DEGRADED), "sipspan.rtp.degraded");
    assert_string_equal(event_type_name(EVENT_RTP_RECOVERED), "sipspan.rtp.recovered");
    assert_string_equal(event_type_name(EVENT_ONE_WAY_AUDIO), "sipspan.call.one_way_audio");
    assert_string_equal(cause_code_name(CAUSE_MIRROR_ONE_WAY), "mirror_one_way");
    assert_string_equal(cause_code_name(CAUSE_ICMP_UNREACHABLE), "icmp_unreachable");
    assert_string_equal(cause_code_name(CAUSE_TCP_REFUSED), "tcp_refused");
    assert_string_equal(cause_code_name(CAUSE_TCP_NO_ANSWER), "tcp_no_answer");
    assert_string_equal(cause_code_name(CAUSE_DESTINATION_SELECTIVE), "destination_selective");
    assert_string_equal(cause_code_name(CAUSE_DESTINATION_SILENT), "destination_silent");
    assert_string_equal(cause_code_name(CAUSE_UNKNOWN), "unknown");
    assert_string_equal(confidence_name(CONFIDENCE_LOW), "low");
    assert_string_equal(confidence_name(CONFIDENCE_MEDIUM), "medium");
    assert_string_equal(confidence_name(CONFIDENCE_HIGH), "high");
    assert_string_equal(call_state_name(CALL_STATE_COMPLETED), "completed");
    assert_string_equal(call_state_name(CALL_STATE_FAILED), "failed");
    assert_string_equal(call_state_name(CALL_STATE_CANCELLED), "cancelled");
    assert_string_equal(call_state_name(CALL_STATE_UNANSWERED), "unanswered");
    assert_string_equal(call_state_name(CALL_STATE_LOST), "lost");
    assert_null(ended_by_name(ENDED_BY_UNKNOWN));
    assert_string_equal(ended_by_name(ENDED_BY_CALLER), "caller");
    assert_string_equal(ended_by_name(ENDED_BY_CALLEE), "callee");
    assert_string_equal(ended_by_name(ENDED_BY_TIMEOUT), "timeout");
    assert_string_equal(transport_name(TRANSPORT_UDP), "UDP");
    assert_string_equal(transport_name(TRANSPORT_TCP), "TCP");
    assert_string_equal(transport_name(TRANSPORT_TLS), "TLS");
    assert_string_equal(transport_name(TRANSPORT_WS), "WS");
    assert_string_equal(transport_name(TRANSPORT_WSS), "WSS");
    assert_string_equal(transport_name(TRANSPORT_SCTP), "SCTP");
    assert_string_equal(connection_failure_name(CONNECTION_REFUSED), "refused");
    assert_string_equal(connection_failure_name(CONNECTION_NO_ANSWER), "no_answer");
    assert_string_equal(connection_failure_name(CONNECTION_TLS_ALERT), "tls_alert");
    assert_string_equal(connection_failure_name(CONNECTION_TLS_SILENT), "tls_silent");
    assert_string_equal(mirror_problem_name(MIRROR_ONE_WAY), "one_way");
    assert_string_equal(mirror_problem_name(MIRROR_LOSS), "loss");
    assert_string_equal(mirror_problem_name(MIRROR_TRUNCATED), "truncated");
    assert_string_equal(mirror_problem_name(MIRROR_DISORDER), "disorder");
    assert_string_equal(latency_source_name(LATENCY_RTCP), "rtcp");
    assert_string_equal(latency_source_name(LATENCY_RTCP_XR), "rtcp_xr");
    assert_string_equal(rtp_metric_name(RTP_METRIC_JITTER), "jitter");
    assert_string_equal(rtp_metric_name(RTP_METRIC_LATENCY), "latency");
    assert_string_equal(rtp_metric_name(RTP_METRIC_LOSS), "loss");
}

/* A value that somebody adds without a name would be NULL in every event. */
static void test_every_value_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < EVENT_TYPE_COUNT; i++)
        assert_non_null(event_type_name((enum event_type)i));
    for (int i = 0; i < TRANSPORT_COUNT; i++)
        assert_non_null(transport_name((enum transport)i));
    for (int i = 0; i < CONNECTION_FAILURE_COUNT; i++)
        assert_non_null(connection_failure_name((enum connection_failure)i));
    for (int i = 0; i < MIRROR_PROBLEM_COUNT; i++)
        assert_non_null(mirror_problem_name((enum mirror_problem)i));
    for (int i = 0; i < LATENCY_SOURCE_COUNT; i++)
        assert_non_null(latency_source_name((enum latency_source)i));
    for (int i = 0; i < RTP_METRIC_COUNT; i++)
        assert_non_null(rtp_metric_name((enum rtp_metric)i));
    for (int i = 0; i < CAUSE_CODE_COUNT; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(cause_code_name((enum cause_code)i),
                                    cause_code_name((enum cause_code)j));
    for (int i = 0; i < CALL_STATE_COUNT; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(call_state_name((enum call_state)i),
                                    call_state_name((enum call_state)j));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_every_value_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
