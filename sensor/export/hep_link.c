#include "export/hep_link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/slice.h"
#include "hep/hep_message.h"
#include "net/endpoint.h"

enum { CONNECT_TIMEOUT_MS = 10000, DEAD_TIMEOUT_MS = 30000 };

static struct slice take_transport(struct slice to, enum hep_transport *transport)
{
    static const struct slice name[] = {SLICE("udp:"), SLICE("tcp:"), SLICE("tls:")};
    *transport = HEP_OVER_UDP;
    for (unsigned i = 0; i < sizeof name / sizeof name[0]; i++)
        if (slice_istarts(to, name[i])) {
            *transport = (enum hep_transport)i;
            return slice_skip(to, name[i].len);
        }
    return to;
}

/* "HOST", "HOST:PORT", "[IPV6]:PORT", "IPV6". False: none of these. */
static bool split_host(struct slice text, struct slice *host, struct slice *port)
{
    struct ip_addr ip;
    *port = SLICE_NONE;
    *host = text;
    if (ip_parse(text, &ip) && text.at[0] != '[')
        return true;
    size_t end = text.len > 0 && text.at[0] == '[' ? slice_find(text, ']') + 1 : 0;
    end += slice_find(slice_skip(text, end), ':');
    *host = slice_head(text, end);
    *port = slice_skip(text, end + 1);
    if (host->len > 0 && host->at[0] == '[') {
        if (!ip_parse(*host, &ip) || ip.version != 6)
            return false;
        *host = slice_of(host->at + 1, host->len - 2);
    }
    return host->len > 0 && (end >= text.len || port->len > 0);
}

static bool is_host(struct slice host)
{
    for (size_t i = 0; i < host.len; i++) {
        char c = slice_lower_char(host.at[i]);
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!is_letter && !strchr(".-_:%", c))
            return false;
    }
    return true;
}

bool hep_link_init(struct hep_link *link, const char *to, const char *ca_file, char *error,
                   size_t len)
{
    struct slice host, port;
    uint64_t number = HEP_PORT;
    *link = (struct hep_link){.fd = -1, .state = HEP_LINK_DOWN};
    struct slice text = take_transport(slice_str(to), &link->transport);
    if (!split_host(text, &host, &port) || host.len >= sizeof link->host || !is_host(host) ||
        (port.len > 0 && (!slice_to_u64(port, 65535, &number) || number == 0))) {
        snprintf(error, len, "%s: not a place for HEP; write udp:HOST:PORT, tcp: or tls:", to);
        return false;
    }
    snprintf(link->host, sizeof link->host, "%.*s", SLICE_ARGS(host));
    snprintf(link->port, sizeof link->port, "%u", (unsigned)number);
    if (link->transport == HEP_OVER_TLS)
        link->tls = tls_client_create(ca_file, error, len);
    return link->transport != HEP_OVER_TLS || link->tls;
}

void hep_link_fini(struct hep_link *link)
{
    hep_link_close(link);
    tls_client_destroy(link->tls);
}

void hep_link_close(struct hep_link *link)
{
    if (link->tls)
        tls_client_end(link->tls);
    if (link->fd >= 0)
        close(link->fd);
    if (link->addresses)
        freeaddrinfo(link->addresses);
    link->addresses = link->address = NULL;
    link->fd = -1;
    link->state = HEP_LINK_DOWN;
}

static void fail(struct hep_link *link, const char *why)
{
    snprintf(link->error, sizeof link->error, "%s", why);
    hep_link_close(link);
}

static void handshake(struct hep_link *link)
{
    switch (tls_client_handshake(link->tls)) {
    case TLS_DONE:
        link->state = HEP_LINK_UP;
        link->wants = POLLIN;
        break;
    case TLS_WANTS_READ:
        link->wants = POLLIN;
        break;
    case TLS_WANTS_WRITE:
        link->wants = POLLOUT;
        break;
    case TLS_CLOSED:
        fail(link, "the connection was closed in the TLS handshake");
        break;
    case TLS_FAILED:
        fail(link, tls_client_error(link->tls));
        break;
    }
}

static void set_up(struct hep_link *link)
{
    if (link->addresses)
        freeaddrinfo(link->addresses);
    link->addresses = link->address = NULL;
    link->wants = POLLIN;
    link->state = HEP_LINK_UP;
    if (link->transport != HEP_OVER_TLS)
        return;
    link->state = HEP_LINK_HANDSHAKE;
    if (tls_client_begin(link->tls, link->fd, link->host))
        handshake(link);
    else
        fail(link, tls_client_error(link->tls));
}

/* An end that is gone without a word is noticed by what it does not acknowledge. */
static void set_options(const struct hep_link *link)
{
    const int on = 1, dead_ms = DEAD_TIMEOUT_MS;
    if (link->transport == HEP_OVER_UDP)
        return;
    setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(link->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(link->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms, sizeof dead_ms);
}

/* The address that is tried, or else one after it. */
static void try_addresses(struct hep_link *link, int64_t now_ms)
{
    int error = EADDRNOTAVAIL;
    for (; link->address; link->address = link->address->ai_next) {
        const struct addrinfo *at = link->address;
        if (link->fd >= 0)
            close(link->fd);
        link->fd = socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (link->fd < 0) {
            error = errno;
            continue;
        }
        set_options(link);
        if (connect(link->fd, at->ai_addr, at->ai_addrlen) == 0) {
            set_up(link);
            return;
        }
        error = errno;
        if (error == EINPROGRESS) {
            link->state = HEP_LINK_CONNECTING;
            link->wants = POLLOUT;
            link->deadline_ms = now_ms + CONNECT_TIMEOUT_MS;
            return;
        }
    }
    fail(link, strerror(error));
}

static void begin(struct hep_link *link, int64_t now_ms)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = link->transport == HEP_OVER_UDP ? SOCK_DGRAM : SOCK_STREAM,
        .ai_flags = AI_NUMERICSERV,
    };
    int code = getaddrinfo(link->host, link->port, &hints, &link->addresses);
    if (code != 0) {
        link->addresses = NULL;
        fail(link, code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code));
        return;
    }
    link->address = link->addresses;
    link->deadline_ms = now_ms + CONNECT_TIMEOUT_MS;
    try_addresses(link, now_ms);
}

static void look_at_connect(struct hep_link *link, int64_t now_ms)
{
    struct pollfd pollfd = {.fd = link->fd, .events = POLLOUT};
    int error = 0;
    socklen_t len = sizeof error;
    if (poll(&pollfd, 1, 0) == 0) {
        if (now_ms < link->deadline_ms)
            return;
        error = ETIMEDOUT;
    } else if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) {
        error = errno;
    }
    if (error == 0) {
        link->deadline_ms = now_ms + CONNECT_TIMEOUT_MS;
        set_up(link);
        return;
    }
    link->address = link->address->ai_next;
    if (link->address)
        try_addresses(link, now_ms);
    else
        fail(link, strerror(error));
}

void hep_link_advance(struct hep_link *link, int64_t now_ms)
{
    if (link->state == HEP_LINK_DOWN)
        begin(link, now_ms);
    else if (link->state == HEP_LINK_CONNECTING)
        look_at_connect(link, now_ms);
    else if (link->state == HEP_LINK_HANDSHAKE && now_ms >= link->deadline_ms)
        fail(link, "no answer in the TLS handshake");
    else if (link->state == HEP_LINK_HANDSHAKE)
        handshake(link);
}

static ssize_t write_tls(struct hep_link *link, const void *octets, size_t len)
{
    size_t written = 0;
    switch (tls_client_write(link->tls, octets, len, &written)) {
    case TLS_DONE:
        link->wants = POLLIN;
        return (ssize_t)written;
    case TLS_WANTS_READ:
        link->wants = POLLIN;
        return 0;
    case TLS_WANTS_WRITE:
        link->wants = POLLIN | POLLOUT;
        return 0;
    case TLS_CLOSED:
        fail(link, "the other end closed the connection");
        return -1;
    case TLS_FAILED:
        fail(link, tls_client_error(link->tls));
        return -1;
    }
    return -1;
}

ssize_t hep_link_write(struct hep_link *link, const void *octets, size_t len)
{
    if (link->transport == HEP_OVER_TLS)
        return write_tls(link, octets, len);
    ssize_t written = send(link->fd, octets, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (written > 0) {
        link->wants = POLLIN;
        return written;
    }
    if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS) {
        link->wants = POLLIN | POLLOUT;
        return 0;
    }
    fail(link, strerror(errno));
    return -1;
}

int hep_link_send(struct hep_link *link, struct mmsghdr *datagram, unsigned count)
{
    int sent = sendmmsg(link->fd, datagram, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent >= 0 ? sent : -errno;
}

static int drain_datagrams(const struct hep_link *link)
{
    char octets[512];
    for (;;) {
        if (recv(link->fd, octets, sizeof octets, MSG_DONTWAIT) < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    }
}

static void drain_stream(struct hep_link *link)
{
    char octets[512];
    ssize_t got;
    do
        got = recv(link->fd, octets, sizeof octets, MSG_DONTWAIT);
    while (got > 0);
    if (got == 0)
        fail(link, "the other end closed the connection");
    else if (errno != EAGAIN && errno != EINTR)
        fail(link, strerror(errno));
}

int hep_link_drain(struct hep_link *link)
{
    if (link->transport == HEP_OVER_UDP)
        return drain_datagrams(link);
    if (link->transport == HEP_OVER_TCP) {
        drain_stream(link);
        return 0;
    }
    enum tls_result result = tls_client_drain(link->tls);
    if (result == TLS_CLOSED)
        fail(link, "the other end closed the connection");
    else if (result == TLS_FAILED)
        fail(link, tls_client_error(link->tls));
    return 0;
}
