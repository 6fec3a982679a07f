/*
 * tunnel: what is in an IP packet and holds a packet itself: GRE (RFC 2784, 2890), with PPTP's
 * version 1 (RFC 2637), ERSPAN and WCCP in it; and in UDP VXLAN (RFC 7348), VXLAN-GPE, GENEVE (RFC
 * 8926), GTP-U (3GPP TS 29.281), TZSP, GRE (RFC 8086) and MPLS (RFC 7510). Pure.
 */
#ifndef SIPSPAN_DECODE_TUNNEL_H
#define SIPSPAN_DECODE_TUNNEL_H

#include "decode/layer.h"

/* GRE of a version that is neither 0 nor PPTP's is not followed: DECODE_OTHER_IP. */
enum decode_verdict gre_decode(struct layer *layer, struct datagram *out);

enum {
    TUNNEL_PORT_GTP_U = 2152,
    TUNNEL_PORT_GRE = 4754,
    TUNNEL_PORT_VXLAN = 4789,
    TUNNEL_PORT_VXLAN_GPE = 4790,
    TUNNEL_PORT_GENEVE = 6081,
    TUNNEL_PORT_MPLS = 6635,
    TUNNEL_PORT_VXLAN_LINUX = 8472, /* Linux' default, from before there was a number */
    TUNNEL_PORT_TZSP = 37008,
};

/* Most packets are no tunnels: this is all that they are asked. GTP-U's may be either port. */
static inline bool tunnel_has_ports(uint16_t src, uint16_t dst)
{
    if (dst > TUNNEL_PORT_VXLAN_LINUX)
        return dst == TUNNEL_PORT_TZSP || src == TUNNEL_PORT_GTP_U;
    switch (dst) {
    case TUNNEL_PORT_GTP_U:
    case TUNNEL_PORT_GRE:
    case TUNNEL_PORT_VXLAN:
    case TUNNEL_PORT_VXLAN_GPE:
    case TUNNEL_PORT_GENEVE:
    case TUNNEL_PORT_MPLS:
    case TUNNEL_PORT_VXLAN_LINUX:
        return true;
    default:
        return src == TUNNEL_PORT_GTP_U;
    }
}

/*
 * `layer` is UDP's payload, *out has the ports and the payload. DECODE_UDP: it is no tunnel, and
 * *out is as it was. Otherwise it is one by its port and its header, and goes on as a guess.
 */
enum decode_verdict tunnel_open_udp(struct layer *layer, struct datagram *out);

/* The guess was wrong: makes *out what it was. */
enum decode_verdict tunnel_close_udp(const struct layer *layer, struct datagram *out);

/* A whole IP packet that carries nothing that is understood. */
enum decode_verdict tunnel_none(const struct layer *layer, struct datagram *out);

#endif
