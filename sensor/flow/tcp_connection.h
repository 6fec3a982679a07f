/*
 * tcp_connection: what tcp.c and tcp_read.c share, and nobody else: a connection, and all of them.
 */
#ifndef SIPSPAN_FLOW_TCP_CONNECTION_H
#define SIPSPAN_FLOW_TCP_CONNECTION_H

#include "base/hash.h"
#include "base/list.h"
#include "base/slab.h"
#include "base/table.h"
#include "base/timer_heap.h"
#include "flow/tcp_setup.h"
#include "flow/tcp_signalling.h"

/* Octets up to `end` were sent at sent_ns; those before it are another mark's, or acknowledged. */
struct tcp_mark {
    int64_t sent_ns;
    uint32_t end;
};

enum { TCP_MARKS = 4 }; /* the last one grows: when its first octets were sent is what counts */

/* What one end sends. */
struct tcp_direction {
    struct tcp_stream stream;
    struct tcp_signalling signalling;
    int64_t last_ns;     /* its latest packet; TCP_NEVER */
    int64_t progress_ns; /* its latest octets that came in their turn; TCP_NEVER */
    int64_t acked_ns; /* since when the hole in the stream is acknowledged; TCP_NEVER: it is not */
    struct tcp_mark mark[TCP_MARKS];
    uint32_t sent, acked; /* sequence numbers behind the last octet sent, acknowledged */
    uint32_t cut;         /* the sequence number from which on the snap length cut a segment */
    uint32_t stray; /* where a segment ended that was far off; one that goes on there counts */
    uint8_t marks;
    bool has_sent, is_acked, has_stray, has_fin, is_cut;
};

struct tcp_connection {
    struct table_node node;
    struct list in_quiet; /* by its latest packet */
    struct list in_keepers;
    struct timer timer;
    struct endpoint end[2]; /* direction[i] is what end[i] sends */
    struct tcp_direction direction[2];
    struct tcp_setup setup;
    int64_t last_ns;
    int64_t ended_ns; /* both FINs, or RST; TCP_NEVER */
    int64_t reset_ns;
    uint32_t reset_seq;
    uint8_t reset_by; /* index */
    bool is_reset, has_message, is_tls, is_websocket;
};

struct tcp {
    struct tcp_params params;
    struct tcp_stats stats;
    struct hash_key key;
    struct table table;
    struct slab slab;
    struct timer_heap timers;
    struct list quiet[2];   /* connections from the quietest on; [1]: that carried a message */
    struct list keepers[2]; /* of these, those that keep octets */
    struct tcp_room room;
    struct tcp_connection *current; /* whose segment it is: makes room for no other */
    char *scratch[2];               /* of WebSocket messages; [1]: while room is made */
    bool is_making_room;
};

/* tcp_read.c: octets into messages. */

/* The payload of a segment, `seq` that of its first octet. */
void tcp_read_payload(struct tcp *tcp, struct tcp_connection *connection, unsigned from,
                      const struct datagram *segment, uint32_t seq);
/* When the hole in a direction is to be given up; INT64_MAX: it has none. */
int64_t tcp_read_deadline(const struct tcp_direction *direction);
/* The receiver's acknowledgements went on, at `now_ns`. */
void tcp_read_acknowledged(struct tcp_direction *direction, int64_t now_ns);
void tcp_read_skip_hole(struct tcp *tcp, struct tcp_connection *connection, unsigned from);
/* Tells what lies behind holes. The rest of a message stays. */
void tcp_read_flush(struct tcp *tcp, struct tcp_connection *connection);
/* Forgets what is kept. */
void tcp_read_drop(struct tcp *tcp, struct tcp_connection *connection);

/* tcp.c */

/* The connection begins to carry messages. */
void tcp_connection_carries(struct tcp *tcp, struct tcp_connection *connection);
/* A failure, if the server is one of SIP. */
void tcp_connection_fails(struct tcp *tcp, struct tcp_connection *connection,
                          enum tcp_failure_reason reason, int64_t at_ns);

#endif
