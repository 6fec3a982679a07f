#include "http/server.h"

#include <microhttpd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/log.h"
#include "http/buffer.h"
#include "http/exposition.h"
#include "http/listener.h"
#include "http/negotiate.h"
#include "http/process_metrics.h"

enum {
    CONNECTIONS_MAX = 64,
    CONNECTIONS_PER_IP_MAX =
        32, /* several Prometheus, a page or two and a health check on one host */
    CONNECTION_TIMEOUT_S = 30,
    CONNECTION_BYTES_MAX = 32 * 1024,
    TARGET_BYTES_MAX = 2048,
    GZIP_BYTES_MIN = 1024,      /* less costs more than it saves */
    GZIP_WINDOW_BITS = 15 + 16, /* zlib: the largest window, in gzip's format (RFC 1952) */
};

struct http_server {
    struct http_server_params params;
    struct endpoint endpoint;
    struct MHD_Daemon *daemon;
};

/* What of a request's headers decides its answer. */
struct request_headers {
    struct negotiation negotiation;
    bool has_body;
};

struct reply {
    unsigned status;
    const char *content_type;
    bool gzip;   /* if it is worth it */
    bool varies; /* with Accept and Accept-Encoding */
    bool close;
    struct buffer body;
};

struct route {
    const char *path;
    const char *about; /* for the landing page; NULL: not listed there */
    void (*answer)(const struct http_server *server, const struct request_headers *headers,
                   struct reply *reply);
};

static void answer_metrics(const struct http_server *server, const struct request_headers *headers,
                           struct reply *reply)
{
    enum exposition_format format = negotiate_format(&headers->negotiation);
    reply->content_type = exposition_content_type(format);
    reply->gzip = negotiate_gzip(&headers->negotiation);
    reply->varies = true;
    exposition_put_metrics(&reply->body, format, server->params.metrics);
    process_metrics_put(&reply->body, format);
    exposition_put_end(&reply->body, format);
}

static void answer_healthy(const struct http_server *server, const struct request_headers *headers,
                           struct reply *reply)
{
    (void)server;
    (void)headers;
    buffer_puts(&reply->body, "healthy\n");
}

static void answer_ready(const struct http_server *server, const struct request_headers *headers,
                         struct reply *reply)
{
    (void)headers;
    char reason[HTTP_REASON_MAX] = "";
    const struct http_server_params *params = &server->params;
    if (!params->ready || params->ready(params->ready_arg, reason)) {
        buffer_puts(&reply->body, "ready\n");
        return;
    }
    reply->status = MHD_HTTP_SERVICE_UNAVAILABLE;
    buffer_printf(&reply->body, "not ready: %s\n", reason);
}

static void answer_landing(const struct http_server *server, const struct request_headers *headers,
                           struct reply *reply);

static const struct route routes[] = {
    {"/", NULL, answer_landing},
    {"/metrics", "metrics, for Prometheus", answer_metrics},
    {"/-/healthy", "whether the process lives", answer_healthy},
    {"/-/ready", "whether the sensor does its work", answer_ready},
};

enum { ROUTE_COUNT = sizeof routes / sizeof *routes };

static void answer_landing(const struct http_server *server, const struct request_headers *headers,
                           struct reply *reply)
{
    (void)headers;
    reply->content_type = "text/html; charset=utf-8";
    buffer_printf(&reply->body,
                  "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">"
                  "<title>sipspan</title></head>\n<body>\n<h1>sipspan %s</h1>\n<ul>\n",
                  server->params.version);
    for (size_t i = 0; i < ROUTE_COUNT; i++)
        if (routes[i].about)
            buffer_printf(&reply->body, "<li><a href=\"%s\">%s</a>: %s</li>\n", routes[i].path,
                          routes[i].path, routes[i].about);
    buffer_puts(&reply->body, "</ul>\n</body>\n</html>\n");
}

static void answer_not_found(struct reply *reply)
{
    reply->status = MHD_HTTP_NOT_FOUND;
    buffer_puts(&reply->body, "not found; there are:");
    for (size_t i = 0; i < ROUTE_COUNT; i++)
        buffer_printf(&reply->body, " %s", routes[i].path);
    buffer_puts(&reply->body, "\n");
}

static void refuse(struct reply *reply, unsigned status, const char *line)
{
    reply->status = status;
    reply->close = true;
    buffer_puts(&reply->body, line);
}

static bool is_method(const char *method, const char *name)
{
    return slice_eq(slice_str(method), slice_str(name));
}

static void answer(const struct http_server *server, const char *path, const char *method,
                   const struct request_headers *headers, struct reply *reply)
{
    if (!is_method(method, MHD_HTTP_METHOD_GET) && !is_method(method, MHD_HTTP_METHOD_HEAD)) {
        refuse(reply, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD here\n");
        return;
    }
    if (headers->has_body) {
        refuse(reply, MHD_HTTP_BAD_REQUEST, "requests have no body here\n");
        return;
    }
    for (size_t i = 0; i < ROUTE_COUNT; i++)
        if (slice_eq(slice_str(path), slice_str(routes[i].path))) {
            routes[i].answer(server, headers, reply);
            return;
        }
    answer_not_found(reply);
}

/* The body compressed, in its place. False if that failed: the body is then as it was. */
static bool compress_body(struct buffer *body)
{
    z_stream z = {0};
    if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW_BITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    struct buffer packed = {0};
    bool done = false;
    /* zlib counts input in 32 bits. */
    if (body->len <= UINT32_MAX) {
        uLong bound = deflateBound(&z, (uLong)body->len);
        z.next_in = (Bytef *)body->text;
        z.avail_in = (uInt)body->len;
        z.next_out = (Bytef *)buffer_reserve(&packed, bound);
        z.avail_out = (uInt)bound;
        done = z.next_out && deflate(&z, Z_FINISH) == Z_STREAM_END;
        packed.len = z.total_out;
    }
    deflateEnd(&z);
    if (!done) {
        buffer_fini(&packed);
        return false;
    }
    buffer_fini(body);
    *body = packed;
    return true;
}

static bool add_headers(struct MHD_Response *response, const struct reply *reply, bool gzip)
{
    const struct {
        const char *name, *value;
    } headers[] = {
        {"Content-Type", reply->content_type},
        {"Cache-Control", "no-store"},
        {"X-Content-Type-Options", "nosniff"},
        {"Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'"},
        {"Vary", reply->varies ? "Accept, Accept-Encoding" : NULL},
        {"Content-Encoding", gzip ? "gzip" : NULL},
        {"Allow", reply->status == MHD_HTTP_METHOD_NOT_ALLOWED ? "GET, HEAD" : NULL},
        {"Connection", reply->close ? "close" : NULL},
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        if (headers[i].value &&
            MHD_add_response_header(response, headers[i].name, headers[i].value) != MHD_YES)
            return false;
    return true;
}

/* MHD_NO makes libmicrohttpd close the connection without an answer: there is no memory for one. */
static enum MHD_Result send_reply(struct MHD_Connection *connection, struct reply *reply)
{
    if (reply->body.failed) {
        buffer_fini(&reply->body);
        return MHD_NO;
    }
    bool gzip = reply->gzip && reply->body.len > GZIP_BYTES_MIN && compress_body(&reply->body);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(reply->body.len, reply->body.text, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        buffer_fini(&reply->body);
        return MHD_NO;
    }
    enum MHD_Result result = MHD_NO;
    if (add_headers(response, reply, gzip))
        result = MHD_queue_response(connection, reply->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result on_header(void *arg, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    (void)kind;
    struct request_headers *headers = arg;
    struct slice key = slice_str(name);
    struct slice text = slice_str(value);
    if (slice_ieq(key, SLICE("Accept")))
        negotiate_add_accept(&headers->negotiation, text);
    else if (slice_ieq(key, SLICE("Accept-Encoding")))
        negotiate_add_accept_encoding(&headers->negotiation, text);
    else if (slice_ieq(key, SLICE("Transfer-Encoding")) ||
             (slice_ieq(key, SLICE("Content-Length")) && !slice_eq(slice_trim(text), SLICE("0"))))
        headers->has_body = true;
    return MHD_YES;
}

/* What *state of a request is: NULL at first, then one of these. They point to nothing. */
#define STATE_TARGET_TOO_LONG ((void *)1)
#define STATE_ANSWER_NOW      ((void *)2)

/* Sees the whole target, query included, before anything is made of it. What it returns is *state.
 */
static void *on_target(void *arg, const char *target, struct MHD_Connection *connection)
{
    (void)arg;
    (void)connection;
    return slice_str(target).len > TARGET_BYTES_MAX ? STATE_TARGET_TOO_LONG : NULL;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **state)
{
    (void)version;
    (void)upload;
    (void)upload_len;
    struct request_headers headers = {0};
    struct reply reply = {.status = MHD_HTTP_OK, .content_type = "text/plain; charset=utf-8"};
    MHD_get_connection_values(connection, MHD_HEADER_KIND, on_header, &headers);
    if (*state == STATE_TARGET_TOO_LONG) {
        refuse(&reply, MHD_HTTP_URI_TOO_LONG, "the request's target is too long\n");
        return send_reply(connection, &reply);
    }
    /*
     * libmicrohttpd calls once with the headers and again after the body. A body is refused at the
     * first call, before it is read, with the connection closed after the answer: whatever its
     * length was said to be, nothing in it is ever taken for a request. Everything else is answered
     * at the second.
     */
    if (*state != STATE_ANSWER_NOW && !headers.has_body) {
        *state = STATE_ANSWER_NOW;
        return MHD_YES;
    }
    answer(arg, path, method, &headers, &reply);
    return send_reply(connection, &reply);
}

/* Leaves paths as they are sent: a decoded %00 would end them, a decoded %2F would be another path.
 */
static size_t keep_escapes(void *arg, struct MHD_Connection *connection, char *text)
{
    (void)arg;
    (void)connection;
    return slice_str(text).len;
}

__attribute__((format(printf, 2, 0))) static void on_log(void *arg, const char *format,
                                                         va_list args)
{
    (void)arg;
    char line[512];
    vsnprintf(line, sizeof line, format, args);
    struct slice text = slice_trim(slice_str(line));
    log_limited(LOG_LEVEL_DEBUG, "http: %.*s", SLICE_ARGS(text));
}

static struct MHD_Daemon *start_daemon(struct http_server *server, int listen_fd)
{
    /* The thread inherits the mask: signals are for the main thread. */
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, server,
        MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, /* first: the other options may log */
        MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)CONNECTIONS_PER_IP_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONNECTION_TIMEOUT_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES_MAX,
        MHD_OPTION_URI_LOG_CALLBACK, on_target, NULL, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes,
        NULL, MHD_OPTION_END);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return daemon;
}

struct http_server *http_server_start(const struct http_server_params *params, char *error,
                                      size_t error_len)
{
    struct http_server *server = calloc(1, sizeof *server);
    if (!server) {
        snprintf(error, error_len, "cannot start the HTTP server: out of memory");
        return NULL;
    }
    server->params = *params;
    int listen_fd = listener_open(params->listen, &server->endpoint, error, error_len);
    if (listen_fd < 0)
        goto fail;
    /*
     * From here the socket is the daemon's, which closes it when it stops. Where it fails to start,
     * it may have closed it or not: one file left open does less harm than another's closed.
     */
    server->daemon = start_daemon(server, listen_fd);
    if (!server->daemon) {
        char text[ENDPOINT_TEXT_MAX];
        snprintf(
            error, error_len,
            "cannot start the HTTP server on %s: no thread or no file descriptor was left; raise "
            "the limits (ulimit -n, -u)",
            endpoint_format(&server->endpoint, text));
        goto fail;
    }
    return server;
fail:
    free(server);
    return NULL;
}

void http_server_stop(struct http_server *server)
{
    if (!server)
        return;
    MHD_stop_daemon(server->daemon);
    free(server);
}

const struct endpoint *http_server_endpoint(const struct http_server *server)
{
    return &server->endpoint;
}

const char *http_server_library_version(void)
{
    return MHD_get_version();
}
