/*
 * frame: link, IP and transport headers around a payload, with right lengths and checksums.
 *
 * The caller's buffer holds FRAME_HEADERS_MAX octets more than the payload.
 */
#ifndef MAKE_PCAP_FRAME_H
#define MAKE_PCAP_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/endpoint.h"

enum { FRAME_HEADERS_MAX = 128, FRAME_VLANS_MAX = 4, UDP_PAYLOAD_MAX = 65507 };

/* LINKTYPE_ values of a pcap file. */
enum frame_link {
    FRAME_NULL = 0,
    FRAME_ETHERNET = 1,
    FRAME_RAW = 101,
    FRAME_SLL = 113,
    FRAME_SLL2 = 276,
};

enum frame_tcp_flag { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16 };

struct frame {
    enum frame_link link;
    struct endpoint src, dst;       /* of the same IP version */
    uint16_t vlan[FRAME_VLANS_MAX]; /* outermost first; Ethernet only */
    uint8_t vlan_count;
    uint8_t ttl;
    uint16_t ip_id; /* IPv4 */
};

/* Where the IP header begins, and where the payload of UDP does. */
size_t frame_ip_offset(const struct frame *f);
size_t frame_udp_offset(const struct frame *f);

/* Writes the headers around `len` octets that lie at frame_udp_offset(). Returns the frame's
 * length. */
size_t frame_finish_udp(const struct frame *f, uint8_t *buf, size_t len);
/* A segment without payload; flags are TCP_*. */
size_t frame_write_tcp(const struct frame *f, uint8_t *buf, unsigned flags, uint32_t seq,
                       uint32_t ack);
/* ICMP or ICMPv6, by the addresses: an error that quotes the beginning of an IP packet. */
size_t frame_write_icmp_error(const struct frame *f, uint8_t *buf, uint8_t type, uint8_t code,
                              const uint8_t *quoted, size_t quoted_len);

#endif
