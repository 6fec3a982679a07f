/* UDP packets of well-known protocols, made by their specifications, and of none. */
#ifndef SIPSPAN_TESTS_UNIT_FLOW_UDP_SAMPLE_H
#define SIPSPAN_TESTS_UNIT_FLOW_UDP_SAMPLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/packet.h"

#define MS   INT64_C(1000000)
#define NOON (INT64_C(1769860800000) * MS)

/* RFC 1035 section 4.1: a query for the address of example.com. */
#define DNS_QUERY SLICE("\x1a\x2b\x01\x00\0\1\0\0\0\0\0\0\7example\3com\0\0\1\0\1")
/* A name that nDPI files under its owner: what runs over UDP is DNS all the same. */
#define DNS_QUERY_KNOWN SLICE("\x1a\x2b\x01\x00\0\1\0\0\0\0\0\0\3www\11wikipedia\3org\0\0\1\0\1")
/* RFC 5905 section 7.3: a client's, version 4. */
#define NTP_CLIENT                                                                                 \
    SLICE("\x23\0\6\xec\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"   \
          "\xc5\x02\x04\xec\xec\x42\xee\x92")
/* RFC 1157: GetRequest of sysUpTime.0, community "public". */
#define SNMP_GET                                                                                   \
    SLICE("\x30\x26\x02\x01\x01\x04\x06public\xa0\x19\x02\x01\x05\x02\x01\x00\x02\x01\x00\x30\x0e" \
          "\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x03\x00\x05\x00")
/* UPnP Device Architecture 1.1 section 1.3.2. */
#define SSDP_SEARCH                                                                                \
    SLICE("M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n"        \
          "MX: 1\r\nST: ssdp:all\r\n\r\n")
/* RFC 3435 section 3.2. */
#define MGCP_NOTIFY                                                                                \
    SLICE("RQNT 1200 aaln/1@rgw.example.com MGCP 1.0\r\nX: 0123456789AC\r\nR: l/hd(N)\r\n"         \
          "S: l/rg\r\n")
/* RFC 3164 section 4.1. */
#define SYSLOG SLICE("<34>Oct 11 22:14:15 phone su: 'su root' failed for user on /dev/pts/8")

static inline struct datagram udp_packet(uint16_t client_port, uint16_t server_port,
                                         struct slice payload)
{
    return (struct datagram){
        .time_ns = NOON,
        .src = {ip_from_v4((const uint8_t[4]){192, 0, 2, 1}), client_port},
        .dst = {ip_from_v4((const uint8_t[4]){198, 51, 100, 2}), server_port},
        .payload = payload,
        .ttl = 64,
        .protocol = 17,
    };
}

static inline struct datagram udp_reversed(struct datagram datagram)
{
    struct endpoint src = datagram.src;
    datagram.src = datagram.dst;
    datagram.dst = src;
    return datagram;
}

/* The same each time (xorshift64). */
static inline uint64_t udp_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static inline struct slice udp_noise(uint64_t *seed, uint8_t *buf, size_t len)
{
    for (size_t i = 0; i < len; i++)
        buf[i] = (uint8_t)(udp_random(seed) >> 20);
    return slice_of((const char *)buf, len);
}

#endif
