/*
 * tcp_signalling: what the octets of one direction are, once they are in order: SIP messages one
 * behind the other, an upgrade and WebSocket frames with SIP in them, or TLS, which is recognised
 * and not read. Pure but for the buffer of a WebSocket message in several frames.
 *
 * The beginning of a stream tells its kind. Where it was not in view, or octets are missing, the
 * next message is searched: a start line, or at the beginning of a segment a frame that begins
 * with one.
 */
#ifndef SIPSPAN_FLOW_TCP_SIGNALLING_H
#define SIPSPAN_FLOW_TCP_SIGNALLING_H

#include "flow/tcp_stream.h"
#include "flow/websocket.h"

enum tcp_kind { TCP_KIND_UNKNOWN, TCP_KIND_SIP, TCP_KIND_WEBSOCKET, TCP_KIND_TLS };

/* All zeroes: nothing is known; a message should begin here. */
struct tcp_signalling {
    struct websocket websocket;
    char *gathering;           /* WEBSOCKET_MESSAGE_MAX octets: of a message in several frames */
    uint32_t searched, need;   /* see sip_frame_next */
    uint32_t upgrade_searched; /* octets of an upgrade without the blank line that ends it */
    uint8_t kind;              /* enum tcp_kind */
    bool is_beginning;         /* of the connection's octets none was read yet */
    bool is_searching;         /* where a message begins is not known */
    bool is_lost;              /* octets were left out since the last message */
};

enum tcp_octets {
    TCP_OCTETS_MESSAGE, /* *message; step over `used` octets */
    TCP_OCTETS_NOTHING, /* keep-alives, frames without a message, an upgrade: step over */
    TCP_OCTETS_SKIPPED, /* of no use: step over */
    TCP_OCTETS_MORE,    /* to be asked again with the same octets and more behind them */
    TCP_OCTETS_TLS      /* TLS begins here */
};

/*
 * What `stream` begins with; may be empty. To be asked until it says MORE or TLS. scratch:
 * WEBSOCKET_MESSAGE_MAX octets; *message may point there, until the next call.
 */
enum tcp_octets tcp_signalling_next(struct tcp_signalling *signalling, struct tcp_room *room,
                                    struct slice stream, char *scratch, size_t *used,
                                    struct slice *message);

/* After NOTHING: has a message begun in `scratch` that must be kept? False: no room for it. */
bool tcp_signalling_keep(struct tcp_signalling *signalling, struct tcp_room *room,
                         const char *scratch);

/* Does a segment begin with a message, or TLS, whatever the unfinished line before it may be? */
bool tcp_signalling_begins(struct slice payload);
/* With a whole start line? */
bool tcp_signalling_begins_sip(struct slice payload);
/* Does a segment begin with SIP, or with an upgrade to it? Then its connection is of interest. */
bool tcp_signalling_is_ours(struct slice payload);

/* Is `rest`, of which MORE was said, the beginning of a SIP message? */
bool tcp_signalling_is_message(const struct tcp_signalling *signalling, struct slice rest);

/* Octets are missing: goes on where the next message begins. */
void tcp_signalling_lose(struct tcp_signalling *signalling, struct tcp_room *room);
void tcp_signalling_fini(struct tcp_signalling *signalling, struct tcp_room *room);

#endif
