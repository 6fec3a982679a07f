/*
 * packet and datagram: what capture hands to decode, and what decode makes of it.
 *
 * Both are views. Their bytes belong to the capture back end and live until its next read.
 */
#ifndef SIPSPAN_NET_PACKET_H
#define SIPSPAN_NET_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "net/endpoint.h"
#include "net/transport.h"

enum { PACKET_BATCH_MAX = 64, VLAN_TAGS_MAX = 4 };

/* One captured frame. */
struct packet {
    int64_t time_ns; /* since 1970, of the packet itself; never the wall clock */
    uint64_t number; /* 1-based, in the order in which this sensor read them */
    const uint8_t *bytes;
    uint32_t captured_len;
    uint32_t wire_len; /* as it was on the wire; captured_len < wire_len: cut by the snap length */
    uint16_t
        link_type; /* LINKTYPE_* as in a pcap file (1 Ethernet, 113 SLL, 276 SLL2, 101 raw …) */
    uint16_t interface; /* index of the device or of the file's interface */
};

/* What wraps a packet on its way to the sensor. Stable order: names are in packet.c. */
enum tunnel {
    TUNNEL_NONE,
    TUNNEL_MPLS, /* pseudowires included */
    TUNNEL_PPPOE,
    TUNNEL_GRE,
    TUNNEL_ERSPAN, /* types I to III */
    TUNNEL_VXLAN,  /* GPE included */
    TUNNEL_GENEVE,
    TUNNEL_GTP_U,
    TUNNEL_TZSP,
    TUNNEL_IP_IN_IP, /* 4in4, 4in6 */
    TUNNEL_6IN4,     /* and 6in6 */
    TUNNEL_COUNT
};

/* Where the octets of a fragment belong in the payload of their IP datagram. */
struct ip_fragment {
    uint32_t id;     /* 16 bits of IPv4, 32 of IPv6 */
    uint16_t offset; /* octets */
    bool more;
};

enum { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_PSH = 0x08, TCP_ACK = 0x10 };

struct tcp_header {
    uint32_t seq, ack;
    uint16_t window;
    uint8_t flags; /* TCP_*, the others too */
};

/*
 * One IP packet, the innermost of its frame. src and dst have ports for UDP and TCP. The payload is
 * what UDP or TCP carries; for anything else, and for a fragment, what IP carries.
 */
struct datagram {
    int64_t time_ns;
    uint64_t packet_number;
    struct endpoint src;
    struct endpoint dst;
    struct ip_addr outer_src; /* of the outermost IP header; no address where that is also the */
    struct ip_addr outer_dst; /* innermost */
    struct slice payload;     /* without padding */
    union {
        struct ip_fragment fragment; /* a fragment */
        struct tcp_header tcp;       /* TCP */
    };
    uint32_t envelope; /* differs where VLAN tags, tunnels or their ids do; not over restarts */
    enum transport transport; /* of the SIP message in the payload; of a packet, decode says UDP */
    uint16_t ip_id;           /* IPv4 only, see has_ip_id */
    uint16_t interface;
    uint16_t vlan[VLAN_TAGS_MAX]; /* ids of the outermost Ethernet frame's tags, outermost first */
    uint8_t vlan_count;
    uint8_t ttl;          /* or hop limit */
    uint8_t protocol;     /* IANA number of what IP carries, after IPv6 extension headers */
    uint8_t tunnel;       /* enum tunnel: the outermost */
    uint8_t tunnel_depth; /* how many there are */
    uint8_t layers;       /* decoded so far, of DECODE_LAYERS_MAX */
    bool has_ip_id;
    bool truncated;  /* the snap length cut the payload */
    bool incomplete; /* a SIP message whose end never came: fragments of it were lost */
};

const char *tunnel_name(enum tunnel tunnel); /* "vxlan" */

#endif
