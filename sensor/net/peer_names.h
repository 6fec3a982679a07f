/*
 * peer_names: the names that the configuration gives to addresses and networks (trunks, gateways).
 * Read-only once made; the most specific network wins.
 */
#ifndef SIPSPAN_NET_PEER_NAMES_H
#define SIPSPAN_NET_PEER_NAMES_H

#include <stddef.h>

#include "net/endpoint.h"

struct peer_name {
    struct ip_net net;
    const char *name; /* owned by the configuration, outlives this */
};

struct peer_names {
    const struct peer_name *entry;
    size_t count;
};

/* The name of an address, or NULL. */
const char *peer_names_find(const struct peer_names *names, const struct ip_addr *ip);

#endif
