/*
 * websocket: one direction of a WebSocket connection (RFC 6455) that carries SIP (RFC 7118): the
 * upgrade's request or response, then frames, masked or not, fragmented, with control frames in
 * between. Pure: bytes in, what they are out.
 *
 * Text and binary messages both carry SIP (RFC 7118 section 4.2). A compressed message (RSV1 on its
 * first frame, RFC 7692) and one longer than WEBSOCKET_MESSAGE_MAX are left out and counted; the
 * stream goes on behind them. Any other reserved bit is of an extension that nobody knows, and
 * breaks the stream.
 */
#ifndef SIPSPAN_FLOW_WEBSOCKET_H
#define SIPSPAN_FLOW_WEBSOCKET_H

#include <stdint.h>

#include "base/slice.h"

enum {
    WEBSOCKET_MESSAGE_MAX = 65536,
    WEBSOCKET_UPGRADE_MAX = 8192,
    WEBSOCKET_NEED_MAX = 14 + WEBSOCKET_MESSAGE_MAX /* the longest frame that must be there whole */
};

enum websocket_upgrade {
    WEBSOCKET_UPGRADE_NONE,    /* no HTTP, or HTTP that upgrades to nothing of ours, or too long */
    WEBSOCKET_UPGRADE_MORE,    /* it may become one */
    WEBSOCKET_UPGRADE_REQUEST, /* GET with Upgrade: websocket and the sub-protocol "sip" */
    WEBSOCKET_UPGRADE_RESPONSE /* 101 with Upgrade: websocket and no other sub-protocol than sip */
};

/*
 * Does the stream begin with an upgrade to SIP over WebSocket? *len: its octets, if it does. A
 * response that names no sub-protocol is taken: what the request asked for decides.
 */
enum websocket_upgrade websocket_upgrade(struct slice stream, size_t *len);

enum websocket_verdict {
    WEBSOCKET_MESSAGE, /* *message is whole */
    WEBSOCKET_NOTHING, /* a control frame, or a part of a message: step over it */
    WEBSOCKET_MORE,    /* the frame has not ended; `need` octets are needed */
    WEBSOCKET_BROKEN,  /* no frame of RFC 6455: where the next one begins is not known */
};

/* All zeroes: after the upgrade. */
struct websocket {
    uint64_t left;      /* octets of a frame left out that are still to come */
    size_t gathered;    /* octets of a fragmented message, in the caller's buffer */
    uint32_t left_out;  /* messages so far that were compressed or too long */
    bool is_in_message; /* its last frame has not come */
    bool is_skipping;   /* that message is left out */
};

/*
 * The first frame of `stream`. *used: the octets to step over (0 with MORE and BROKEN); of a frame
 * that is left out, as many as there are, and the rest with the calls that follow. A message's
 * octets, unmasked, are written to buffer (WEBSOCKET_MESSAGE_MAX octets, the same one as long as
 * `gathered` is not 0); *message points there. *need: see WEBSOCKET_MORE, at most
 * WEBSOCKET_NEED_MAX.
 */
enum websocket_verdict websocket_next(struct websocket *websocket, struct slice stream,
                                      char *buffer, size_t *used, size_t *need,
                                      struct slice *message);

#endif
