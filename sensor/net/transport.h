/*
 * transport: what carries SIP, by its IANA names in Via (RFC 3261 section 20.42, RFC 7118). It is
 * what was seen on the wire, never what a Via says of itself; only of messages that others saw
 * (decode/hep.h) the Via tells apart what they do not.
 */
#ifndef SIPSPAN_NET_TRANSPORT_H
#define SIPSPAN_NET_TRANSPORT_H

#include <stdbool.h>

#include "base/slice.h"

enum transport {
    TRANSPORT_UDP,
    TRANSPORT_TCP,
    TRANSPORT_TLS,
    TRANSPORT_WS,
    TRANSPORT_WSS,
    TRANSPORT_SCTP,
    TRANSPORT_COUNT
};

const char *transport_name(enum transport transport); /* "UDP" */
/* By that name, in any case. */
bool transport_find(struct slice name, enum transport *out);

/* Carries each request once: no retransmissions of SIP's own (RFC 3261 section 17.1.1.2). */
static inline bool transport_is_reliable(enum transport transport)
{
    return transport != TRANSPORT_UDP;
}

#endif
