/*
 * listener: a TCP socket that listens on "ADDR:PORT".
 *
 * ADDR is an IPv4 address or an IPv6 address in brackets, never a name: where a sensor listens must
 * not depend on a resolver. Port 0 takes a free one. "[::]" takes IPv4 too where the system says so
 * (net.ipv6.bindv6only, off as a rule).
 */
#ifndef SIPSPAN_HTTP_LISTENER_H
#define SIPSPAN_HTTP_LISTENER_H

#include <stddef.h>

#include "net/endpoint.h"

/*
 * The socket, non-blocking and closed on exec, with the endpoint that it got in *bound; or -errno,
 * and in `error` a line that says what to do. The caller closes it.
 */
int listener_open(const char *listen, struct endpoint *bound, char *error, size_t error_len);

#endif
