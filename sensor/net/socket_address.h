/*
 * socket_address: an endpoint as the system's calls want it, and back.
 */
#ifndef SIPSPAN_NET_SOCKET_ADDRESS_H
#define SIPSPAN_NET_SOCKET_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "net/endpoint.h"

union socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* Fills *address and returns its length. */
socklen_t socket_address_of(const struct endpoint *endpoint, union socket_address *address);
/* No address (version 0) where it is neither IPv4 nor IPv6. */
struct endpoint socket_address_endpoint(const union socket_address *address);

#endif
