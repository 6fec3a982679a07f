/*
 * decode: from a captured frame to an IP datagram. Pure: no state, no allocation, no clock.
 *
 * Link layers: Ethernet, Linux SLL and SLL2, raw IP, null/loop. 802.1Q and QinQ, up to four tags of
 * type 0x8100, 0x88a8, 0x9100 or 0x9200. IPv4 (RFC 791), IPv6 with extension headers (RFC 8200),
 * UDP (RFC 768). Lengths of the headers are trusted only as far as bytes were captured.
 */
#ifndef SIPSPAN_DECODE_DECODE_H
#define SIPSPAN_DECODE_DECODE_H

#include "net/packet.h"

enum decode_verdict {
    DECODE_UDP,      /* ports and payload are set */
    DECODE_OTHER_IP, /* a whole IP packet that carries something else; addresses, protocol set */
    DECODE_FRAGMENT, /* a fragment of an IP datagram; addresses, protocol (if known) set */
    DECODE_NOT_IP,   /* ARP, LLDP, STP, … */
    DECODE_UNKNOWN_LINK, /* a link type that is not understood */
    DECODE_TRUNCATED,    /* the snap length cut a header */
    DECODE_MALFORMED,    /* a header contradicts itself */
    DECODE_VERDICT_COUNT
};

/* Fills *out as far as the verdict says. Time, number and interface are always copied. */
enum decode_verdict decode_packet(const struct packet *packet, struct datagram *out);

/* "udp", "fragment", …: stable, for metrics and reports. */
const char *decode_verdict_name(enum decode_verdict verdict);

#endif
