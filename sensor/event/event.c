#include "event/event.h"

const char *event_type_name(enum event_type type)
{
    static const char *const names[EVENT_TYPE_COUNT] = {
        [EVENT_INVITE_UNANSWERED] = "sipspan.invite.unanswered",
        [EVENT_CALL_ENDED] = "sipspan.call.ended",
    };
    return names[type];
}

const char *cause_code_name(enum cause_code code)
{
    static const char *const names[CAUSE_CODE_COUNT] = {
        [CAUSE_MIRROR_ONE_WAY] = "mirror_one_way",
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

const char *transport_name(enum transport transport)
{
    static const char *const names[TRANSPORT_COUNT] = {[TRANSPORT_UDP] = "UDP"};
    return names[transport];
}
