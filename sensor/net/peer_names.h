/*
 * peer_names: the names that the configuration gives to addresses and networks (trunks, gateways),
 * and what is asked of their media.
 * Read-only once made; the most specific network wins.
 */
#ifndef SIPSPAN_NET_PEER_NAMES_H
#define SIPSPAN_NET_PEER_NAMES_H

#include <stddef.h>

#include "net/endpoint.h"

/* From where on media are bad; 0: not set. */
struct quality_thresholds {
    double jitter_ms, latency_ms; /* latency: one way */
    double loss_ratio;
};

struct peer_name {
    struct ip_net net;
    const char *name; /* owned by the configuration, outlives this */
    struct quality_thresholds thresholds;
};

struct peer_names {
    const struct peer_name *entry;
    size_t count;
};

/* The name of an address, or NULL. */
const char *peer_names_find(const struct peer_names *names, const struct ip_addr *ip);
/* The entry that names it, or NULL. */
const struct peer_name *peer_names_entry(const struct peer_names *names, const struct ip_addr *ip);

#endif
