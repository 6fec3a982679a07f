/*
 * link: from a frame to the IP packet or the tunnel in it. Pure.
 *
 * Link types are those of capture files (LINKTYPE_*), and of them only what a mirror port, a Linux
 * "any" device, a tunnel device, a PPP link or a loopback gives.
 */
#ifndef SIPSPAN_DECODE_LINK_H
#define SIPSPAN_DECODE_LINK_H

#include "decode/layer.h"

enum { LINK_ETHERNET = 1, LINK_ETHERNET_LEN = 14 };

/* Ethernet types that others ask for, too. */
enum {
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_BRIDGED = 0x6558, /* transparent Ethernet bridging: a whole frame, in a tunnel */
    ETHERTYPE_IPV6 = 0x86dd,
};

/* The header of the link itself, which begins the packet. */
enum decode_verdict link_decode(uint16_t link_type, struct layer *layer, struct datagram *out);

/*
 * An Ethernet frame, and what follows an Ethernet type (layer->type) with its VLAN tags. Only the
 * tags of a frame that is in no tunnel are kept in *out.
 */
enum decode_verdict link_decode_ethernet(struct layer *layer, struct datagram *out);
enum decode_verdict link_decode_type(struct layer *layer, struct datagram *out);

/* Is `at` the beginning of an Ethernet frame with something that is known in it? See ip_score. */
unsigned link_score(const uint8_t *at, size_t left, size_t cut);

#endif
