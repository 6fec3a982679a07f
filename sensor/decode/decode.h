/*
 * decode: from a captured frame to the innermost IP packet in it. Pure: no state, no allocation, no
 * clock.
 *
 * Link layers: Ethernet, Linux SLL and SLL2, raw IP, PPP, null/loop; up to four VLAN tags of any
 * TPID (IEEE 802.1Q). Tunnels, nested: MPLS (RFC 3032, pseudowires RFC 4448), PPPoE (RFC 2516), GRE
 * (RFC 2784, 2890, 8086), PPTP's too (RFC 2637), ERSPAN I to III, VXLAN (RFC 7348), GENEVE (RFC
 * 8926), GTP-U (3GPP TS 29.281), TZSP, IP in IP (RFC 2003, 2473, 4213). IPv4 (RFC 791), IPv6 with
 * extension headers (RFC 8200), UDP (RFC 768), TCP (RFC 9293). Lengths in headers are trusted only
 * as far as bytes were captured. What looks like a tunnel by its UDP port and holds no IP packet is
 * plain UDP.
 */
#ifndef SIPSPAN_DECODE_DECODE_H
#define SIPSPAN_DECODE_DECODE_H

#include "net/packet.h"

/* Headers of one frame, from the link layer to the transport's; a deeper nest is malformed. */
enum { DECODE_LAYERS_MAX = 16 };

enum decode_verdict {
    DECODE_UDP,
    DECODE_TCP,
    DECODE_ICMP,         /* ICMP or ICMPv6: payload is the message, see icmp.h */
    DECODE_OTHER_IP,     /* a whole IP packet that carries something else */
    DECODE_FRAGMENT,     /* a fragment of an IP datagram; protocol is set where it is known */
    DECODE_NOT_IP,       /* ARP, LLDP, STP, … */
    DECODE_UNKNOWN_LINK, /* a link type that is not understood */
    DECODE_TRUNCATED,    /* the snap length cut a header */
    DECODE_MALFORMED,    /* a header contradicts itself */
    DECODE_MESSAGE,      /* no packet: a whole SIP message that somebody else saw, see hep.h */
    DECODE_VERDICT_COUNT
};

/* Is *out a whole IP packet or a fragment, so that addresses, ttl and payload are set? */
static inline bool decode_is_ip(enum decode_verdict verdict)
{
    return verdict <= DECODE_FRAGMENT;
}

/* Fills *out as far as the verdict says. Time, number and interface are always copied. */
enum decode_verdict decode_packet(const struct packet *packet, struct datagram *out);

/*
 * Goes on with a datagram that was put together from fragments: `first` is its first fragment
 * (offset 0) as decode_packet gave it, `payload` the whole that the IP datagram carries. *out is
 * not *first; it takes over what the outer layers were.
 */
enum decode_verdict decode_reassembled(const struct datagram *first, struct slice payload,
                                       struct datagram *out);

/* "udp", "fragment", …: stable, for metrics and reports. */
const char *decode_verdict_name(enum decode_verdict verdict);

#endif
