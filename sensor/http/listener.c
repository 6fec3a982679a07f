#include "http/listener.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "net/socket_address.h"

enum { LISTEN_BACKLOG = 64 };

static int open_socket(const struct endpoint *at, struct endpoint *bound)
{
    union socket_address address;
    socklen_t len = socket_address_of(at, &address);
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
    *bound = socket_address_endpoint(&address);
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
