#include "net/icmp_meaning.h"

const char *icmp_meaning_name(enum icmp_meaning meaning)
{
    static const char *const names[ICMP_MEANING_COUNT] = {
        [ICMP_PORT_UNREACHABLE] = "port_unreachable",
        [ICMP_HOST_UNREACHABLE] = "host_unreachable",
        [ICMP_ADMIN_PROHIBITED] = "admin_prohibited",
        [ICMP_PROTOCOL_UNREACHABLE] = "protocol_unreachable",
        [ICMP_TOO_BIG] = "too_big",
        [ICMP_TIME_EXCEEDED] = "time_exceeded",
        [ICMP_FRAGMENTS_TIMED_OUT] = "fragments_timed_out",
        [ICMP_PARAMETER_PROBLEM] = "parameter_problem",
    };
    return names[meaning];
}
