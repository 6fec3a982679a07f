/*
 * tcp_stream: one direction of a TCP connection, put in order by its sequence numbers (RFC 9293
 * section 3.4), which wrap. Pure bookkeeping: it knows no time and no meaning.
 *
 * Octets in their turn are handed on where they lie in the packet. Kept are only those that came
 * before their turn (`early`, each piece with the segment that it came in) and the unfinished end
 * of what came in its turn (`rest`). Of two segments that say different things about one octet, the
 * first one wins. What is kept counts in a tcp_room that all streams share; its owner makes room
 * when that is full.
 */
#ifndef SIPSPAN_FLOW_TCP_STREAM_H
#define SIPSPAN_FLOW_TCP_STREAM_H

#include "net/packet.h"

struct tcp_room {
    size_t used, max; /* octets, bookkeeping included */
};

struct tcp_early {
    struct tcp_early *next;
    struct datagram segment; /* its payload is `octets` */
    uint32_t seq;            /* of the first octet */
    char octets[];
};

/* All zeroes: not begun. */
struct tcp_stream {
    struct tcp_early *early; /* in order, no octet twice, none before its turn */
    char *rest;
    uint32_t rest_len, rest_capacity;
    uint32_t early_bytes, early_count;
    uint32_t next; /* the sequence number whose turn it is */
    bool has_begun;
};

/* Octets in their turn, and the segment that brought them. */
struct tcp_turn {
    struct slice octets;
    const struct datagram *segment;
    struct tcp_early *early; /* where they were kept, if they were */
};

enum tcp_keeping {
    TCP_KEPT,
    TCP_KEPT_ALREADY, /* all of it is there */
    TCP_KEPT_FULL,    /* this direction has its share: its hole must be given up */
    TCP_KEPT_NO_ROOM
};

/* How far `seq` is behind `of`: RFC 9293's comparison modulo 2^32. */
static inline int32_t tcp_seq_behind(uint32_t seq, uint32_t of)
{
    return (int32_t)(seq - of);
}

/* What is kept is given back; the turn is that of `seq`. */
void tcp_stream_begin(struct tcp_stream *stream, struct tcp_room *room, uint32_t seq);
/* Gives back all that is kept. */
void tcp_stream_drop(struct tcp_stream *stream, struct tcp_room *room);
static inline bool tcp_stream_keeps(const struct tcp_stream *stream)
{
    return stream->early || stream->rest;
}

/* A segment before its turn, `seq` that of its payload's first octet. */
enum tcp_keeping tcp_stream_keep_early(struct tcp_stream *stream, struct tcp_room *room,
                                       uint32_t seq, const struct datagram *segment);
/*
 * The next octets whose turn it is, out of what was kept and of this segment (NULL: only of what
 * was kept); the turn goes on behind them. To be released before the next are taken. False: none.
 */
bool tcp_stream_take(struct tcp_stream *stream, uint32_t seq, const struct datagram *segment,
                     struct tcp_turn *turn);
void tcp_stream_release(struct tcp_room *room, struct tcp_turn *turn);
/* The turn is that of `seq` now: not behind the first early octet. */
void tcp_stream_go_to(struct tcp_stream *stream, uint32_t seq);

/* Appends to the rest. False: no room, or more than TCP_UNPARSED_BYTES_MAX. */
bool tcp_stream_keep_rest(struct tcp_stream *stream, struct tcp_room *room, struct slice octets);
/* Takes the first octets off the rest. */
void tcp_stream_use_rest(struct tcp_stream *stream, struct tcp_room *room, size_t used);
void tcp_stream_drop_rest(struct tcp_stream *stream, struct tcp_room *room);

#endif
