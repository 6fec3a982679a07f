/*
 * plain: nearly all packets: an Ethernet frame without tags, IPv4 without options, whole UDP, no
 * tunnel. Read where it lies; decode_packet makes of it the datagram that the layers would make.
 * Pure.
 *
 * What is called raw is as it lies in the packet, whatever the order of octets of this machine.
 */
#ifndef SIPSPAN_DECODE_PLAIN_H
#define SIPSPAN_DECODE_PLAIN_H

#include <endian.h>

#include "base/hash.h"
#include "decode/ip.h"
#include "decode/link.h"
#include "decode/tunnel.h"

enum { PLAIN_HEADERS_LEN = IPV4_HEADER_LEN + UDP_HEADER_LEN };

static inline size_t plain_payload_len(const uint8_t *ip)
{
    return layer_u16(ip + IPV4_HEADER_LEN + 4) - (size_t)UDP_HEADER_LEN;
}

/* Its IP header, all octets up to the end of UDP's payload being there; NULL: it is not plain. */
static inline const uint8_t *plain_ip_of(const struct packet *packet)
{
    if (packet->link_type != LINK_ETHERNET ||
        packet->captured_len < LINK_ETHERNET_LEN + PLAIN_HEADERS_LEN)
        return NULL;
    const uint8_t *ip = packet->bytes + LINK_ETHERNET_LEN, *udp = ip + IPV4_HEADER_LEN;
    /* The Ethernet type, version and length of the header; then fragmentation and protocol. */
    if ((hash_half_word(ip - 2) & htobe32(0xffffff00)) != htobe32(ETHERTYPE_IPV4 << 16 | 0x4500) ||
        (hash_half_word(ip + 6) & htobe32(0x3fff00ff)) != htobe32(IP_PROTOCOL_UDP))
        return NULL;
    size_t total_len = layer_u16(ip + 2), udp_len = layer_u16(udp + 4);
    if (total_len > packet->captured_len - LINK_ETHERNET_LEN || udp_len < UDP_HEADER_LEN ||
        udp_len + IPV4_HEADER_LEN > total_len ||
        tunnel_has_ports(layer_u16(udp), layer_u16(udp + 2)))
        return NULL;
    return ip;
}

static inline struct slice plain_payload(const uint8_t *ip)
{
    return slice_of((const char *)ip + PLAIN_HEADERS_LEN, plain_payload_len(ip));
}

/* Source and destination, raw. */
static inline uint64_t plain_addresses(const uint8_t *ip)
{
    return hash_word(ip + 12);
}

/* The same, raw. */
static inline uint32_t plain_ports(const uint8_t *ip)
{
    return hash_half_word(ip + IPV4_HEADER_LEN);
}

static inline uint16_t plain_ip_id(const uint8_t *ip)
{
    return layer_u16(ip + 4);
}

static inline uint8_t plain_ttl(const uint8_t *ip)
{
    return ip[8];
}

#endif
