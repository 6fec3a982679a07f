/*
 * hep_connections: HEP over TCP: streams that are cut into messages. Private to capture/.
 *
 * So many at most, each with room for one message of the largest size. When one more comes, the one
 * that was silent longest gives way; one that says nothing for long is closed. After what cannot be
 * read, nothing of a stream can be: it is closed, too.
 *
 * Who has not sent a message that was in order, and with the key, is a stranger: strangers give way
 * first, and what they begin to send has to come soon, so that they cannot drive out the others.
 */
#ifndef SIPSPAN_CAPTURE_HEP_CONNECTIONS_H
#define SIPSPAN_CAPTURE_HEP_CONNECTIONS_H

#include "capture/hep_arrivals.h"

enum { HEP_CONNECTIONS_MAX = 64 };

#define HEP_CONNECTION_IDLE_NS     INT64_C(600000000000)
#define HEP_CONNECTION_STRANGER_NS INT64_C(10000000000)

struct hep_connection {
    int fd; /* -1: free */
    bool is_readable;
    bool is_known; /* no stranger */
    uint16_t interface;
    struct endpoint peer;
    /* Monotonic: when it sent a message that was in order last. Of a stranger: its first octets, or
     * it came. */
    int64_t heard_ns;
    int64_t stamp_ns; /* when the last of its octets came; 0: none did */
    size_t begin, end;
};

struct hep_connections {
    int epoll_fd;
    uint32_t first_id; /* epoll knows a connection by this plus its index */
    struct hep_stats *stats;
    uint8_t (*octets)[HEP_LEN_MAX]; /* of each connection */
    unsigned next;                  /* whose turn it is to be read first */
    struct hep_connection connection[HEP_CONNECTIONS_MAX];
};

/* 0 or -ENOMEM; to be finished either way. */
int hep_connections_init(struct hep_connections *connections, int epoll_fd, uint32_t first_id,
                         struct hep_stats *stats);
void hep_connections_fini(struct hep_connections *connections);

/*
 * Takes in those that wait at the socket, not more at once than strangers may give way to: each is
 * read before it may have to. Octets that were received before stay where they are. 0, or -errno
 * where there is no room for any more in this process or system.
 */
int hep_connections_accept(struct hep_connections *connections, int listener, uint16_t interface,
                           int64_t now_ns);
/* epoll said so of this id. */
void hep_connections_is_readable(struct hep_connections *connections, uint32_t id);
/* Takes whole messages, at most what there is room for. */
void hep_connections_read(struct hep_connections *connections, struct hep_arrivals *arrivals,
                          int64_t now_ns);
/* Closes those over which nothing came for long. The same goes for their octets. */
void hep_connections_drop_idle(struct hep_connections *connections, int64_t now_ns);

#endif
