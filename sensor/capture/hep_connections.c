#include "capture/hep_connections.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/log.h"
#include "net/socket_address.h"

/* What one connection may bring before it is the next one's turn. */
enum { READS_PER_TURN = 4 };

int hep_connections_init(struct hep_connections *connections, int epoll_fd, uint32_t first_id,
                         struct hep_stats *stats)
{
    connections->epoll_fd = epoll_fd;
    connections->first_id = first_id;
    connections->stats = stats;
    for (unsigned i = 0; i < HEP_CONNECTIONS_MAX; i++)
        connections->connection[i].fd = -1;
    /* Not touched before a connection needs it. */
    connections->octets = malloc(sizeof *connections->octets * HEP_CONNECTIONS_MAX);
    return connections->octets ? 0 : -ENOMEM;
}

/* What it has given stays where it is until the place is used again. */
static void close_connection(struct hep_connections *connections, struct hep_connection *connection)
{
    close(connection->fd); /* epoll forgets it by that */
    connection->fd = -1;
    connections->stats->connections--;
}

void hep_connections_fini(struct hep_connections *connections)
{
    for (unsigned i = 0; i < HEP_CONNECTIONS_MAX; i++)
        if (connections->connection[i].fd >= 0)
            close_connection(connections, &connections->connection[i]);
    free(connections->octets);
}

static void drop(struct hep_connections *connections, struct hep_connection *connection,
                 const char *why)
{
    char text[ENDPOINT_TEXT_MAX];
    log_limited(LOG_LEVEL_WARNING, "HEP from %s: its connection is closed, %s",
                endpoint_format(&connection->peer, text), why);
    connections->stats->connections_dropped++;
    close_connection(connections, connection);
}

static bool gives_way_before(const struct hep_connection *a, const struct hep_connection *b)
{
    return a->is_known != b->is_known ? b->is_known : a->heard_ns < b->heard_ns;
}

/* A free place, or that of whom nothing was heard for longest: of strangers, if there are any. */
static struct hep_connection *make_room(struct hep_connections *connections)
{
    struct hep_connection *first = &connections->connection[0];
    for (unsigned i = 0; i < HEP_CONNECTIONS_MAX; i++) {
        struct hep_connection *connection = &connections->connection[i];
        if (connection->fd < 0)
            return connection;
        if (gives_way_before(connection, first))
            first = connection;
    }
    drop(connections, first, "as there are too many and it was silent longest");
    return first;
}

static void add(struct hep_connections *connections, int fd, const union socket_address *address,
                uint16_t interface, int64_t now_ns)
{
    struct hep_connection *connection = make_room(connections);
    uint32_t id = connections->first_id + (uint32_t)(connection - connections->connection);
    int on = 1;
    hep_arrivals_want_stamps(fd);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    if (epoll_ctl(connections->epoll_fd, EPOLL_CTL_ADD, fd,
                  &(struct epoll_event){.events = EPOLLIN, .data.u32 = id}) != 0) {
        close(fd);
        return;
    }
    connections->stats->connections++;
    *connection = (struct hep_connection){
        .fd = fd,
        .is_readable = true, /* perhaps; so it is read before it can have to give way */
        .interface = interface,
        .peer = socket_address_endpoint(address),
        .heard_ns = now_ns,
    };
}

/* At least one, as known ones give way, too, when there are no others. */
static unsigned count_places(const struct hep_connections *connections)
{
    unsigned count = 0;
    for (unsigned i = 0; i < HEP_CONNECTIONS_MAX; i++)
        count += connections->connection[i].fd < 0 || !connections->connection[i].is_known;
    return count > 0 ? count : 1;
}

int hep_connections_accept(struct hep_connections *connections, int listener, uint16_t interface,
                           int64_t now_ns)
{
    for (unsigned places = count_places(connections); places > 0; places--) {
        union socket_address address = {0};
        socklen_t len = sizeof address;
        int fd = accept4(listener, &address.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
            continue;
        if (fd < 0)
            return errno == EAGAIN ? 0 : -errno;
        add(connections, fd, &address, interface, now_ns);
    }
    return 0;
}

void hep_connections_is_readable(struct hep_connections *connections, uint32_t id)
{
    connections->connection[id - connections->first_id].is_readable = true;
}

/* The sender is one of ours: it knows the key, and writes what can be read. */
static bool is_in_order(enum hep_result result)
{
    return result != HEP_WRONG_KEY && result != HEP_MALFORMED;
}

/* False: no HEP message can come of this stream any more. */
static bool take_messages(struct hep_connections *connections, struct hep_connection *connection,
                          struct hep_arrivals *arrivals, int64_t now_ns)
{
    const char *octets = (const char *)connections->octets[connection - connections->connection];
    while (!hep_arrivals_is_full(arrivals)) {
        size_t len;
        struct slice rest = {octets + connection->begin, connection->end - connection->begin};
        enum hep_verdict verdict = hep_frame(rest, &len);
        if (verdict == HEP_INVALID) {
            arrivals->gate.stats->received[HEP_MALFORMED]++;
            drop(connections, connection, "as what it sends is not HEP version 3");
            return false;
        }
        if (verdict == HEP_SHORT || len > rest.len)
            return true;
        connection->begin += len;
        if (is_in_order(hep_arrivals_add(arrivals, &connection->peer, connection->interface,
                                         connection->stamp_ns, slice_head(rest, len)))) {
            connection->is_known = true;
            connection->heard_ns = now_ns;
        }
    }
    return true;
}

/*
 * Room for more behind what waits. What was given on lies before that, and is in use: it is moved
 * over only in a turn's first read, when nothing has been.
 */
static bool receive(struct hep_connections *connections, struct hep_connection *connection,
                    int64_t now_ns)
{
    uint8_t *octets = connections->octets[connection - connections->connection];
    _Alignas(struct cmsghdr) char control[HEP_CONTROL_MAX];
    struct iovec room = {octets + connection->end, HEP_LEN_MAX - connection->end};
    struct msghdr message = {
        .msg_iov = &room,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof control,
    };
    if (room.iov_len == 0)
        return false;
    ssize_t got = recvmsg(connection->fd, &message, MSG_DONTWAIT);
    if (got > 0) {
        connection->end += (size_t)got;
        if (connection->stamp_ns == 0)
            connection->heard_ns = now_ns;
        connection->stamp_ns = hep_arrivals_stamp(&message);
        return true;
    }
    connection->is_readable = false;
    if (got == 0 || (errno != EAGAIN && errno != EINTR))
        close_connection(connections, connection);
    return false;
}

static void read_connection(struct hep_connections *connections, struct hep_connection *connection,
                            struct hep_arrivals *arrivals, int64_t now_ns)
{
    uint8_t *octets = connections->octets[connection - connections->connection];
    size_t waiting = connection->end - connection->begin;
    if (connection->begin > 0 && waiting > 0)
        memmove(octets, octets + connection->begin, waiting);
    connection->begin = 0;
    connection->end = waiting;
    if (!take_messages(connections, connection, arrivals, now_ns) || !connection->is_readable)
        return;
    for (unsigned i = 0; i < READS_PER_TURN && !hep_arrivals_is_full(arrivals); i++)
        if (!receive(connections, connection, now_ns) ||
            !take_messages(connections, connection, arrivals, now_ns))
            return;
}

void hep_connections_read(struct hep_connections *connections, struct hep_arrivals *arrivals,
                          int64_t now_ns)
{
    for (unsigned i = 0; i < HEP_CONNECTIONS_MAX && !hep_arrivals_is_full(arrivals); i++) {
        unsigned at = (connections->next + i) % HEP_CONNECTIONS_MAX;
        if (connections->connection[at].fd >= 0)
            read_connection(connections, &connections->connection[at], arrivals, now_ns);
    }
    connections->next = (connections->next + 1) % HEP_CONNECTIONS_MAX;
}

void hep_connections_drop_idle(struct hep_connections *connections, int64_t now_ns)
{
    for (unsigned i = 0; i < HEP_CONNECTIONS_MAX; i++) {
        struct hep_connection *connection = &connections->connection[i];
        int64_t silent_ns = connection->fd >= 0 ? now_ns - connection->heard_ns : 0;
        /* Who only connected may be one of ours that has nothing to tell yet: it would lose its
         * first message. */
        bool has_begun = !connection->is_known && connection->stamp_ns != 0;
        if (has_begun && silent_ns > HEP_CONNECTION_STRANGER_NS)
            drop(connections, connection, "as what it sent in ten seconds was nothing in order");
        else if (silent_ns > HEP_CONNECTION_IDLE_NS)
            drop(connections, connection, "as nothing came over it for ten minutes");
    }
}
