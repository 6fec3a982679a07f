/*
 * icmp_meaning: what an error of ICMP (RFC 792, 1812) or ICMPv6 (RFC 4443) says, whichever version
 * says it; for texts, rules and counts.
 */
#ifndef SIPSPAN_NET_ICMP_MEANING_H
#define SIPSPAN_NET_ICMP_MEANING_H

enum icmp_meaning {
    ICMP_PORT_UNREACHABLE,
    ICMP_HOST_UNREACHABLE, /* or its network */
    ICMP_ADMIN_PROHIBITED,
    ICMP_PROTOCOL_UNREACHABLE,
    ICMP_TOO_BIG,             /* fragmentation needed, packet too big */
    ICMP_TIME_EXCEEDED,       /* the TTL ran out: a routing loop */
    ICMP_FRAGMENTS_TIMED_OUT, /* the destination missed a fragment */
    ICMP_PARAMETER_PROBLEM,
    ICMP_MEANING_COUNT
};

const char *icmp_meaning_name(enum icmp_meaning meaning); /* "port_unreachable" */

#endif
