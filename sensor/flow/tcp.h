/*
 * tcp: TCP connections that carry signalling, seen from the side (RFC 9293): what they say, in
 * order, as SIP messages, and what became of them.
 *
 * State is made only for connections with a port known for SIP (params.is_sip_server), or that
 * begin, in view, with a SIP start line or an upgrade to SIP over WebSocket; all other TCP is
 * counted. Both directions are put in order by sequence number: repeats, overlaps (the first octets
 * win), late and early segments, wrap. Where the mirror missed octets, a direction waits GAP_NS
 * (less when the receiver acknowledges them: they did arrive), then goes on at the next start line.
 * A connection met in its middle begins there, too. TLS is recognised and counted, never guessed
 * at.
 *
 * A message's time is that of the segment that completed it. One that the snap length cut is told
 * as far as it goes, as truncated. Bounded: connections, octets and
 * segments kept of one direction, octets kept of all. When full, the connection that was quiet
 * longest makes room, those first that carried no message or of which one end was never heard.
 * Thread: a worker's own. Time: ns of the packets' clock.
 */
#ifndef SIPSPAN_FLOW_TCP_H
#define SIPSPAN_FLOW_TCP_H

#include "decode/icmp.h"
#include "net/packet.h"

enum {
    TCP_EARLY_BYTES_MAX = 128 * 1024, /* of one direction, kept behind a hole */
    TCP_EARLY_SEGMENTS_MAX = 64,
    TCP_UNPARSED_BYTES_MAX = 256 * 1024, /* of one direction, in order: a message that never ends */
};

#define TCP_GAP_NS       INT64_C(2000000000)   /* a hole that nobody closes */
#define TCP_ACKED_GAP_NS INT64_C(100000000)    /* a hole whose octets were acknowledged */
#define TCP_IDLE_NS      INT64_C(900000000000) /* 15 min without a packet */
#define TCP_LINGER_NS    INT64_C(40000000000)  /* after its end: for verdicts on what it carried */

struct tcp;

/* A connection that never got as far as a message: reason as event.h's enum connection_failure,
 * which this layer does not see. */
enum tcp_failure_reason {
    TCP_REFUSED,    /* the SYN was answered by RST, or by an ICMP error that ends it */
    TCP_NO_ANSWER,  /* SYNs, and nothing that shows that they were answered */
    TCP_TLS_ALERT,  /* an alert in clear before any application data */
    TCP_TLS_SILENT, /* client hellos, and nothing from the server */
    TCP_FAILURE_COUNT
};

struct tcp_failure {
    struct endpoint client, server;
    enum tcp_failure_reason reason;
    bool is_tls;
    bool server_was_heard;     /* any packet of this connection came from it */
    uint32_t attempts;         /* SYNs or client hellos, TCP's repeats included */
    int64_t first_ns, last_ns; /* of the attempt's packets, what ended it included */
    int64_t at_ns;             /* when this is told: refused, or setup_ns after the first packet */
};

/* What is known of the connection that carried a message, for verdicts. */
struct tcp_state {
    bool is_reset; /* RST was seen */
    int64_t reset_ns;
    struct endpoint reset_by;
    bool reset_is_certain;           /* its number agrees with what the other end acknowledged */
    bool is_closed;                  /* both FINs, or RST */
    uint32_t unacknowledged;         /* octets that `from` sent and its peer never acknowledged */
    uint8_t repeats;                 /* how often some of them were sent again; at most 255 */
    int64_t unacknowledged_since_ns; /* when the first of them was sent; INT64_MIN: none */
    int64_t last_from_peer_ns;       /* the peer's latest packet; INT64_MIN: none */
};

struct tcp_params {
    size_t connections_max;
    size_t bytes_max; /* octets kept of all streams */
    int64_t setup_ns; /* 32 s: how long a connection may take to be answered */
    /* Is SIP known there? Asked for both ends of what has no state yet. */
    bool (*is_sip_server)(void *context, const struct endpoint *endpoint);
    /* One SIP message: the segment that completed it, with the message as payload, TCP or WS as
     * transport; `truncated` if its end was cut off. */
    void (*on_message)(void *context, const struct datagram *message);
    void (*on_failure)(void *context, const struct tcp_failure *failure);
    /* The receiver has octets that the mirror never delivered; once a hole. */
    void (*on_hole)(void *context, const struct datagram *segment);
    void *context;
};

struct tcp_stats {
    uint64_t segments;    /* of connections that are followed */
    uint64_t other;       /* segments of all the rest */
    uint64_t connections; /* ever followed */
    uint64_t tls;         /* connections that are TLS */
    uint64_t websocket;   /* connections that are WebSocket */
    uint64_t messages;
    uint64_t repeated;           /* segments without a new octet */
    uint64_t early;              /* segments that came before their turn */
    uint64_t holes;              /* places where octets never came */
    uint64_t holes_acknowledged; /* of these: the receiver has them, the mirror lost them */
    uint64_t resyncs;            /* times that a stream went on at a later start line */
    uint64_t skipped_bytes;      /* octets left out by that */
    uint64_t evicted;            /* connections given up for room */
    uint64_t dropped_bytes;      /* octets not kept for want of room */
    size_t tracked;              /* connections now */
    size_t buffered_bytes;       /* now */
};

/* NULL: out of memory. */
struct tcp *tcp_create(const struct tcp_params *params);
void tcp_destroy(struct tcp *tcp);

/* A packet that decode called DECODE_TCP, its copies left out. True: of a connection followed. */
bool tcp_segment(struct tcp *tcp, const struct datagram *segment);
/* An ICMP error that quotes TCP: it may refuse a SYN. */
void tcp_icmp(struct tcp *tcp, const struct icmp_error *error);
/* When something is due; INT64_MAX: nothing is. */
int64_t tcp_due_ns(const struct tcp *tcp);
/* Fires what is due. Cheap when nothing is. */
void tcp_advance(struct tcp *tcp, int64_t now_ns);
/* The input ended: what lies behind holes is told. Failures that are not due are not. */
void tcp_finish(struct tcp *tcp);
void tcp_clock_step(struct tcp *tcp, int64_t step_ns);

/* The connection between `from` and `to`, or false. */
bool tcp_look(const struct tcp *tcp, const struct endpoint *from, const struct endpoint *to,
              struct tcp_state *state);
/*
 * Is `seq` of an octet, or the SYN, that `from` sent and `to` has not acknowledged (RFC 5927
 * section 4)? Where the acknowledgements are not in view, all that was sent is. False where the
 * connection is not followed or nothing of `from` was seen.
 */
bool tcp_is_in_flight(const struct tcp *tcp, const struct endpoint *from, const struct endpoint *to,
                      uint32_t seq);
void tcp_stats(const struct tcp *tcp, struct tcp_stats *stats);

#endif
