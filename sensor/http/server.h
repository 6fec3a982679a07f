/*
 * server: the sensor's HTTP server: metrics, health and a page that names them.
 *
 *   /metrics     the registry and process_*: text 0.0.4 or OpenMetrics 1.0 by Accept, maybe gzip
 *   /-/healthy   200 while the process lives
 *   /-/ready     200, or 503 and a line that says what is missing
 *   /            a page with links to these
 *
 * GET and HEAD only; a request with a body is refused and its connection closed. Paths match
 * exactly, as they are sent. Everything is answered by one thread of libmicrohttpd's, which reads
 * the registry with relaxed atomics and blocks nobody; it takes no signals. Connections, the time
 * that one may idle and its memory are bounded.
 */
#ifndef SIPSPAN_HTTP_SERVER_H
#define SIPSPAN_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/metric.h"
#include "net/endpoint.h"

enum { HTTP_REASON_MAX = 256 };

struct http_server;

/* What is pointed to must outlive the server. */
struct http_server_params {
    const char *listen;            /* see http/listener.h */
    const struct metrics *metrics; /* complete: nothing is added to it while the server runs */
    const char *version;           /* of the program, for the page */
    /* Whether the sensor does its work; if not, `reason` gets one line on what it waits for. Called
     * by the server's thread at any time. NULL: always ready. */
    bool (*ready)(void *arg, char reason[static HTTP_REASON_MAX]);
    void *ready_arg;
};

/* NULL on failure, and then `error` has a line for the user: what, where and what to do. */
struct http_server *http_server_start(const struct http_server_params *params, char *error,
                                      size_t error_len);
/* Cuts off open connections; when it returns, nobody reads the registry any more. */
void http_server_stop(struct http_server *server);

/* Where it listens: with the port that port 0 became. */
const struct endpoint *http_server_endpoint(const struct http_server *server);

/* The version of libmicrohttpd that is in use: "0.9.75". */
const char *http_server_library_version(void);

#endif
