/*
 * endpoint: an IP address and a UDP or TCP port, as plain data that can be copied, compared and
 * hashed.
 */
#ifndef SIPSPAN_NET_ENDPOINT_H
#define SIPSPAN_NET_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/slice.h"

/* IPv4 uses the first four octets, the rest are zero. `version` is 4, 6, or 0: no address. */
struct ip_addr {
    uint8_t octets[16];
    uint8_t version;
};

struct endpoint {
    struct ip_addr ip;
    uint16_t port; /* host byte order */
};

/* An address and how many of its leading bits count. */
struct ip_net {
    struct ip_addr ip;
    uint8_t prefix;
};

enum {
    IP_TEXT_MAX = 46,       /* with the terminating NUL */
    ENDPOINT_TEXT_MAX = 54, /* "[address]:65535" with the terminating NUL */
};

static inline bool ip_eq(const struct ip_addr *a, const struct ip_addr *b)
{
    return a->version == b->version && memcmp(a->octets, b->octets, sizeof a->octets) == 0;
}

static inline bool endpoint_eq(const struct endpoint *a, const struct endpoint *b)
{
    return a->port == b->port && ip_eq(&a->ip, &b->ip);
}

struct ip_addr ip_from_v4(const uint8_t octets[4]);
struct ip_addr ip_from_v6(const uint8_t octets[16]);

/* RFC 5952 text for IPv6; "-" for no address. Returns buf. */
const char *ip_format(const struct ip_addr *ip, char buf[static IP_TEXT_MAX]);
/* "192.0.2.1:5060", "[2001:db8::1]:5060". Returns buf. */
const char *endpoint_format(const struct endpoint *e, char buf[static ENDPOINT_TEXT_MAX]);

/* An IPv4 or IPv6 address, the latter also in brackets. False for anything else, names included. */
bool ip_parse(struct slice text, struct ip_addr *out);
/* "192.0.2.1:5060", "[2001:db8::1]:5060"; an IPv6 address needs its brackets. */
bool endpoint_parse(struct slice text, struct endpoint *out);
/* "192.0.2.0/24", "2001:db8::/32", or a bare address (all its bits). Bits past the prefix must be
 * 0. */
bool ip_net_parse(struct slice text, struct ip_net *out);
bool ip_net_contains(const struct ip_net *net, const struct ip_addr *ip);
/* RFC 1918, 6598, 3927, 4193, 4291 (link-local) and loopback: cannot be reached from elsewhere. */
bool ip_is_private(const struct ip_addr *ip);

#endif
