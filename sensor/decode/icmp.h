/*
 * icmp: errors of ICMP (RFC 792, RFC 1812 section 4.3.2.3) and ICMPv6 (RFC 4443), with the packet
 * that they quote. Pure. Messages that are no errors (echo, neighbour discovery, redirect) are
 * refused.
 */
#ifndef SIPSPAN_DECODE_ICMP_H
#define SIPSPAN_DECODE_ICMP_H

#include "net/icmp_meaning.h"
#include "net/packet.h"

/* A view of the datagram that it was read from. */
struct icmp_error {
    int64_t time_ns;
    struct ip_addr sender; /* who complains: a router, a firewall, the destination itself */
    struct ip_addr told;   /* whom it tells: rightly the quoted packet's source */
    bool is_v6;
    uint8_t type, code;
    enum icmp_meaning meaning;
    uint16_t mtu; /* of ICMP_TOO_BIG; 0: not said */

    /* The quoted packet. Ports are 0 where it is not the datagram's first fragment. */
    struct endpoint src, dst;
    uint8_t protocol;
    uint16_t ip_id;
    bool has_ip_id;
    uint16_t fragment_offset;       /* octets */
    bool has_ports;                 /* 8 octets of UDP or TCP are there */
    uint16_t udp_len, udp_checksum; /* of UDP */
    uint32_t tcp_seq;               /* of TCP */
    struct slice payload;           /* what is quoted of UDP's or TCP's payload; often nothing */
};

/* `datagram` is one that decode called DECODE_ICMP. False: no error, or nothing of use is quoted.
 */
bool icmp_decode(const struct datagram *datagram, struct icmp_error *out);

#endif
