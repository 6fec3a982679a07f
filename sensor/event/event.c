#include "event/event.h"

const char *event_type_name(enum event_type type)
{
    static const char *const names[EVENT_TYPE_COUNT] = {
        [EVENT_INVITE_UNANSWERED] = "sipspan.invite.unanswered",
        [EVENT_INVITE_STRUGGLING] = "sipspan.invite.struggling",
        [EVENT_CALL_ENDED] = "sipspan.call.ended",
        [EVENT_CONNECTION_FAILED] = "sipspan.connection.failed",
        [EVENT_MIRROR_DEGRADED] = "sipspan.sensor.mirror_degraded",
        [EVENT_RTP_REPORT] = "sipspan.rtp.report",
        [EVENT_RTP_DEGRADED] = "sipspan.rtp.degraded",
        [EVENT_RTP_RECOVERED] = "sipspan.rtp.recovered",
        [EVENT_ONE_WAY_AUDIO] = "sipspan.call.one_way_audio",
    };
    return names[type];
}

const char *cause_code_name(enum cause_code code)
{
    static const char *const names[CAUSE_CODE_COUNT] = {
        [CAUSE_MIRROR_ONE_WAY] = "mirror_one_way",
        [CAUSE_ICMP_UNREACHABLE] = "icmp_unreachable",
        [CAUSE_TCP_REFUSED] = "tcp_refused",
        [CAUSE_TCP_NO_ANSWER] = "tcp_no_answer",
        [CAUSE_RESPONSE_MISDIRECTED] = "response_misdirected",
        [CAUSE_RESPONSE_MANGLED] = "response_mangled",
        [CAUSE_FRAGMENT_LOST] = "fragment_lost",
        [CAUSE_LOST_BETWEEN_SENSORS] = "lost_between_sensors",
        [CAUSE_PRIVATE_ADDRESS] = "private_address",
        [CAUSE_WRONG_TRANSPORT] = "wrong_transport",
        [CAUSE_DESTINATION_OVERLOADED] = "destination_overloaded",
        [CAUSE_DESTINATION_SELECTIVE] = "destination_selective",
        [CAUSE_DESTINATION_SILENT] = "destination_silent",
        [CAUSE_UNKNOWN] = "unknown",
    };
    return names[code];
}

const char *confidence_name(enum confidence confidence)
{
    static const char *const names[] = {"low", "medium", "high"};
    return names[confidence];
}

const char *call_state_name(enum call_state state)
{
    static const char *const names[CALL_STATE_COUNT] = {
        [CALL_STATE_COMPLETED] = "completed", [CALL_STATE_FAILED] = "failed",
        [CALL_STATE_CANCELLED] = "cancelled", [CALL_STATE_UNANSWERED] = "unanswered",
        [CALL_STATE_LOST] = "lost",
    };
    return names[state];
}

const char *ended_by_name(enum ended_by ended_by)
{
    static const char *const names[] = {NULL, "caller", "callee", "timeout"};
    return names[ended_by];
}

const char *connection_failure_name(enum connection_failure failure)
{
    static const char *const names[CONNECTION_FAILURE_COUNT] = {
        [CONNECTION_REFUSED] = "refused",
        [CONNECTION_NO_ANSWER] = "no_answer",
        [CONNECTION_TLS_ALERT] = "tls_alert",
        [CONNECTION_TLS_SILENT] = "tls_silent",
    };
    return names[failure];
}

const char *mirror_problem_name(enum mirror_problem problem)
{
    static const char *const names[MIRROR_PROBLEM_COUNT] = {
        [MIRROR_ONE_WAY] = "one_way",
        [MIRROR_LOSS] = "loss",
        [MIRROR_TRUNCATED] = "truncated",
        [MIRROR_DISORDER] = "disorder",
    };
    return names[problem];
}

const char *latency_source_name(enum latency_source source)
{
    static const char *const names[LATENCY_SOURCE_COUNT] = {
        [LATENCY_RTCP] = "rtcp",
        [LATENCY_RTCP_XR] = "rtcp_xr",
    };
    return names[source];
}

const char *rtp_metric_name(enum rtp_metric metric)
{
    static const char *const names[RTP_METRIC_COUNT] = {
        [RTP_METRIC_JITTER] = "jitter",
        [RTP_METRIC_LATENCY] = "latency",
        [RTP_METRIC_LOSS] = "loss",
    };
    return names[metric];
}
