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

/* One IP packet. For UDP the ports and the payload are set; for anything else the addresses are. */
struct datagram {
    int64_t time_ns;
    uint64_t packet_number;
    struct endpoint src;
    struct endpoint dst;
    struct slice payload; /* of UDP: without padding, at most the UDP length */
    uint16_t ip_id;       /* IPv4 only, see has_ip_id */
    uint16_t interface;
    uint16_t vlan[VLAN_TAGS_MAX]; /* VLAN ids, outermost first */
    uint8_t vlan_count;
    uint8_t ttl;      /* or hop limit */
    uint8_t protocol; /* IANA number of what IP carries, after IPv6 extension headers */
    bool has_ip_id;
    bool truncated; /* the snap length cut the payload */
};

#endif
