#include "net/socket_address.h"

socklen_t socket_address_of(const struct endpoint *endpoint, union socket_address *address)
{
    *address = (union socket_address){0};
    if (endpoint->ip.version == 6) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons(endpoint->port);
        memcpy(&address->v6.sin6_addr, endpoint->ip.octets, 16);
        return sizeof address->v6;
    }
    address->v4.sin_family = AF_INET;
    address->v4.sin_port = htons(endpoint->port);
    memcpy(&address->v4.sin_addr, endpoint->ip.octets, 4);
    return sizeof address->v4;
}

struct endpoint socket_address_endpoint(const union socket_address *address)
{
    uint8_t octets[16];
    if (address->any.sa_family == AF_INET6) {
        memcpy(octets, &address->v6.sin6_addr, sizeof octets);
        return (struct endpoint){ip_from_v6(octets), ntohs(address->v6.sin6_port)};
    }
    if (address->any.sa_family != AF_INET)
        return (struct endpoint){0};
    memcpy(octets, &address->v4.sin_addr, 4);
    return (struct endpoint){ip_from_v4(octets), ntohs(address->v4.sin_port)};
}
