/*
 * websocket: one direction of a WebSocket connection (RFC 6455) that carries SIP (RFC 7118): the
 * upgrade's request or response, then frames, masked or not, fragmented, with control frames in
 * between. Pure: bytes in, what they are out.
 */
#ifndef SIPSPAN_FLOW_WEBSOCKET_H
#define SIPSPAN_FLOW_WEBSOCKET_H

#include <stdint.h>

#include "base/slice.h"

enum { WEBSOCKET_MESSAGE_MAX = 65536, WEBSOCKET_UPGRADE_MAX = 8192 };

enum websocket_upgrade {
    WEBSOCKET_UPGRADE_NONE,    /* no HTTP, or HTTP that upgrades to nothing of ours */
    WEBSOCKET_UPGRADE_MORE,    /* it may become one */
    WEBSOCKET_UPGRADE_REQUEST, /* GET with Upgrade: websocket and the sub-protocol "sip" */
    WEBSOCKET_UPGRADE_RESPONSE /* 101 with Upgrade: websocket */
};

/* Does the stream begin with an upgrade to SIP over WebSocket? *len: its octets, if it does. */
enum websocket_upgrade websocket_upgrade(struct slice stream, size_t *len);

enum websocket_verdict {
    WEBSOCKET_MESSAGE, /* *message is whole */
    WEBSOCKET_NOTHING, /* a control frame, or a part of a message: step over it */
    WEBSOCKET_MORE,    /* the frame has not ended; `need` octets are needed */
    WEBSOCKET_BROKEN,  /* no frame of RFC 6455, or compressed, or a message too long */
};

/* All zeroes: after the upgrade. */
struct websocket {
    size_t gathered;    /* octets of a fragmented message, in the caller's buffer */
    bool is_in_message; /* its last frame has not come */
    bool is_skipping;   /* a message that is binary data, or too long: left out */
};

/*
 * The first frame of `stream`. *used: the octets to step over (0 with MORE and BROKEN). A message's
 * octets, unmasked, are written to buffer (WEBSOCKET_MESSAGE_MAX octets, the same one until the
 * message has ended); *message points there. *need: see WEBSOCKET_MORE.
 */
enum websocket_verdict websocket_next(struct websocket *websocket, struct slice stream,
                                      char *buffer, size_t *used, size_t *need,
                                      struct slice *message);

#endif
