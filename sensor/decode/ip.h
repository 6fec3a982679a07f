/*
 * ip: from an IP packet to what it carries: IPv4 with options (RFC 791), IPv6 with extension
 * headers (RFC 8200), the IP authentication header (RFC 4302). Pure.
 *
 * At most 8 extension headers of together 512 octets are followed; a longer chain is malformed.
 */
#ifndef SIPSPAN_DECODE_IP_H
#define SIPSPAN_DECODE_IP_H

#include "decode/layer.h"

enum { IPV4_HEADER_LEN = 20, IPV6_HEADER_LEN = 40, UDP_HEADER_LEN = 8 };

enum {
    IP_PROTOCOL_ICMP = 1,
    IP_PROTOCOL_IPV4 = 4,
    IP_PROTOCOL_TCP = 6,
    IP_PROTOCOL_UDP = 17,
    IP_PROTOCOL_IPV6 = 41,
    IP_PROTOCOL_GRE = 47,
    IP_PROTOCOL_ICMPV6 = 58,
};

/*
 * `layer` begins at the IP header. LAYER_GOES_ON: with what IP carries, or it is a fragment. *out
 * is touched with these alone: addresses, ttl, protocol and IP id are then this header's, and what
 * was the outermost header's before is kept as that.
 */
enum decode_verdict ip_decode(struct layer *layer, struct datagram *out);

/* The same for what a datagram put together from fragments carries: extension headers may follow.
 */
enum decode_verdict ip_decode_reassembled(struct layer *layer, struct datagram *out);

/* A chain of IPv6 extension headers. */
struct ip_chain {
    uint8_t protocol; /* of what follows the headers that were stepped over */
    bool is_fragment; /* they end with the header of a fragment, which is no whole packet */
    struct ip_fragment fragment;
};

/*
 * Steps over the extension headers (version 6) or authentication headers (version 4) that
 * chain->protocol announces. LAYER_GOES_ON: as far as they go.
 */
enum decode_verdict ip_skip_chain(struct layer *layer, unsigned version, struct ip_chain *chain);

/* How sure it is that octets are an IP packet: for headers that do not say what follows them. */
enum {
    IP_SCORE_NONE,  /* they are not */
    IP_SCORE_BEGIN, /* the first octet may begin one */
    IP_SCORE_FITS,  /* and the length is not beyond what is there */
    IP_SCORE_SURE   /* and the checksum is right (IPv4), or the length is just that (IPv6) */
};

/* `cut` octets behind the `left` ones were not captured. */
unsigned ip_score(const uint8_t *at, size_t left, size_t cut, unsigned version);

#endif
