#include "http/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LISTEN_BACKLOG = 64 };

union socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static bool endpoint_parse(struct slice text, struct endpoint *out)
{
    const char *colon = text.len ? memrchr(text.at, ':', text.len) : NULL;
    if (!colon)
        return false;
    struct slice ip = slice_head(text, (size_t)(colon - text.at));
    uint64_t port;
    if (!ip_parse(ip, &out->ip) || !slice_to_u64(slice_skip(text, ip.len + 1), UINT16_MAX, &port))
        return false;
    /* Without brackets the last group of an IPv6 address would pass for a port, and the reverse. */
    if ((out->ip.version == 6) != (ip.at[0] == '['))
        return false;
    out->port = (uint16_t)port;
    return true;
}

static socklen_t address_of(const struct endpoint *e, union socket_address *address)
{
    *address = (union socket_address){0};
    if (e->ip.version == 6) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons(e->port);
        memcpy(&address->v6.sin6_addr, e->ip.octets, 16);
        return sizeof address->v6;
    }
    address->v4.sin_family = AF_INET;
    address->v4.sin_port = htons(e->port);
    memcpy(&address->v4.sin_addr, e->ip.octets, 4);
    return sizeof address->v4;
}

static int open_socket(const struct endpoint *at, struct endpoint *bound)
{
    union socket_address address;
    socklen_t len = address_of(at, &address);
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    /* Else a restart would wait for the last connections' TIME_WAIT. */
    int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(fd, &address.any, len) < 0 || listen(fd, LISTEN_BACKLOG) < 0 ||
        getsockname(fd, &address.any, &len) < 0) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    *bound = *at;
    bound->port = ntohs(at->ip.version == 6 ? address.v6.sin6_port : address.v4.sin_port);
    return fd;
}

static const char *advice_for(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "; another sipspan? choose another with --listen";
    case EADDRNOTAVAIL:
        return "; this host has no such address: choose one of its own with --listen";
    case EACCES:
    case EPERM:
        return "; ports under 1024 are for root: choose another with --listen";
    default:
        return "; choose another with --listen";
    }
}

int listener_open(const char *listen, struct endpoint *bound, char *error, size_t error_len)
{
    struct endpoint at = {0};
    if (!endpoint_parse(slice_str(listen), &at)) {
        snprintf(
            error, error_len,
            "cannot listen on \"%s\": not ADDR:PORT; give --listen an address and a port, as in "
            "127.0.0.1:9160 or [::1]:9160",
            listen);
        return -EINVAL;
    }
    int fd = open_socket(&at, bound);
    if (fd < 0) {
        char text[ENDPOINT_TEXT_MAX];
        snprintf(error, error_len, "cannot listen on %s: %s%s", endpoint_format(&at, text),
                 strerror(-fd), advice_for(-fd));
    }
    return fd;
}
