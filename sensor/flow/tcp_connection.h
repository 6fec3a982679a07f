/*
 * tcp_connection: what tcp.c, tcp_end.c, tcp_progress.c and tcp_read.c share, and nobody else: a
 * connection, and all of them.
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

/* Sequence numbers from `from` up to `to`; none if they are the same. */
struct tcp_range {
    uint32_t from, to;
};

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
    uint32_t ahead; /* acknowledged once beyond all that was seen; believed when that is agreed */
    uint32_t fin;   /* the sequence number of FIN */
    uint32_t stray; /* where a segment ended that was far off; one that goes on there counts */
    uint32_t left;  /* whose turn it was before the stream went on far off */
    struct tcp_range skipped; /* octets that were given up, and may come yet */
    struct tcp_range taken;   /* octets read before the turn was taken back to the skipped ones */
    uint32_t late;            /* where a segment ended that came for the skipped octets */
    uint8_t marks;
    uint8_t
        repeats; /* segments with nothing but octets that wait to be acknowledged; at most 255 */
    bool has_sent, is_acked, has_ahead, has_stray, has_left, has_late, has_fin, is_cut;
    bool has_spoken; /* anything but RST */
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
    bool is_reset, reset_is_certain, has_message, is_tls, is_websocket;
    bool was_tls, was_websocket; /* counted as such */
    bool is_protected;           /* makes room after those that are not: see quiet */
};

struct tcp {
    struct tcp_params params;
    struct tcp_stats stats;
    struct hash_key key;
    struct table table;
    struct slab slab;
    struct timer_heap timers;
    struct list quiet[2];   /* connections from the quietest on; [1]: those with a message of which
                               both ends were heard, so that one packet does not make one */
    struct list keepers[2]; /* of these, those that keep octets */
    struct tcp_room room;
    struct tcp_connection *current; /* whose segment it is: makes room for no other */
    char *scratch[2];               /* of WebSocket messages; [1]: while room is made */
    bool is_making_room;
};

/* tcp_progress.c: what an end sent, and what of it the other one acknowledged. Both may be forged
 * by whoever guesses: what is far from the rest is not believed, or not at once. */

/* Of no octet that this end may send now, as far as is known. */
bool tcp_progress_is_implausible(const struct tcp_direction *direction, uint32_t seq);
/* May RST come with this number? Checked against what the other end acknowledged, if it did. */
bool tcp_progress_may_reset(const struct tcp_direction *direction, uint32_t seq);
/* May FIN? */
bool tcp_progress_may_end(const struct tcp_direction *direction, uint32_t seq);
bool tcp_progress_is_in_flight(const struct tcp_direction *direction, uint32_t seq);
/* The other end's acknowledgement. */
void tcp_progress_acknowledge(struct tcp_direction *acknowledged, uint32_t ack, int64_t now_ns);
/* Remembers when octets were first sent, until they are acknowledged. */
void tcp_progress_send(struct tcp_direction *direction, bool is_tls, uint32_t seq, uint32_t len,
                       int64_t now_ns);
/* What was sent from `seq` on was another's. */
void tcp_progress_go_back(struct tcp_direction *direction, uint32_t seq);

/* tcp_end.c: whether a connection has ended. */

void tcp_end_reset(struct tcp *tcp, struct tcp_connection *connection, unsigned from,
                   const struct datagram *segment);
/* FIN, `seq` its number. */
void tcp_end_fin(struct tcp_connection *connection, unsigned from, uint32_t seq, int64_t now_ns);
/* Any segment but RST and SYN: may show that the connection goes on. */
void tcp_end_reconsider(struct tcp_connection *connection, unsigned from,
                        const struct datagram *segment);

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
/* A segment far off. True: the one before it was, too, and ended where this one begins. */
bool tcp_read_stray(struct tcp_direction *direction, uint32_t seq, size_t len);
/* Forgets what is kept. */
void tcp_read_drop(struct tcp *tcp, struct tcp_connection *connection);

/* tcp.c */

/* A failure, if the server is one of SIP. */
void tcp_connection_fails(struct tcp *tcp, struct tcp_connection *connection,
                          enum tcp_failure_reason reason, int64_t at_ns);

#endif
