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

enum frame_ethertype { ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_IPV6 = 0x86dd };

/* LINKTYPE_ values of a pcap file. */
enum frame_link {
    FRAME_NULL = 0,
    FRAME_ETHERNET = 1,
    FRAME_RAW = 101,
    FRAME_LOOP = 108,
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
    uint16_t ip_id;     /* IPv4 */
    bool dont_fragment; /* IPv4 */
};

struct frame_tcp {
    unsigned flags; /* TCP_* */
    uint32_t seq, ack;
};

/* Where the IP header begins, and where the payloads of UDP and TCP do. */
size_t frame_ip_offset(const struct frame *f);
size_t frame_udp_offset(const struct frame *f);
size_t frame_tcp_offset(const struct frame *f);

/* Writes the headers around `len` octets that lie at frame_udp_offset() or frame_tcp_offset().
 * Returns the frame's length. */
size_t frame_finish_udp(const struct frame *f, uint8_t *buf, size_t len);
size_t frame_finish_tcp(const struct frame *f, uint8_t *buf, const struct frame_tcp *tcp,
                        size_t len);
/* ICMP or ICMPv6, by the addresses: an error that quotes the beginning of an IP packet; mtu: where
 * the type has one (RFC 1191, RFC 4443 section 3.2), else 0. */
size_t frame_write_icmp_error(const struct frame *f, uint8_t *buf, uint8_t type, uint8_t code,
                              uint16_t mtu, const uint8_t *quoted, size_t quoted_len);

/* The pieces, for what is not UDP, TCP or ICMP. */
void frame_write_link(const struct frame *f, uint8_t *buf, unsigned ethertype);
/* The IP header alone, for `len` octets behind it; returns its length. */
size_t frame_write_ip(const struct frame *f, uint8_t *ip, uint8_t protocol, size_t len);
/* Sets the IPv4 header's own checksum; RFC 1071 over `len` octets, where `at` points. */
void frame_refresh_ip(uint8_t *ip);
void frame_write_checksum(uint8_t *at, const uint8_t *octets, size_t len);

#endif
