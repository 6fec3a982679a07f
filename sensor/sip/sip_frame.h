/*
 * sip_frame: where one SIP message ends on a stream and the next begins (RFC 3261
 * sections 7.5, 18.3 and 20.14, RFC 5626 section 4.4.1 for keep-alives). Pure.
 */
#ifndef SIPSPAN_SIP_SIP_FRAME_H
#define SIPSPAN_SIP_SIP_FRAME_H

#include "base/slice.h"

enum {
    SIP_FRAME_HEADERS_MAX = 65536, /* without their end so far: not SIP */
    SIP_FRAME_MESSAGE_MAX = 65536 + 65536,
    SIP_FRAME_BODY_MAX = 65536,
};

enum sip_frame_verdict {
    SIP_FRAME_MESSAGE,    /* the first `len` octets are one message */
    SIP_FRAME_KEEP_ALIVE, /* the first `len` octets are CR and LF between messages */
    SIP_FRAME_MORE,       /* a message that has not ended; at least `len` octets are needed */
    SIP_FRAME_LOST, /* no message begins here: skip `len` octets (at least 1), and look again */
};

struct sip_frame {
    enum sip_frame_verdict verdict;
    size_t len;
    bool content_length_missing; /* of SIP_FRAME_MESSAGE: taken as without a body */
};

/*
 * Looks at what a stream holds from a point where a message should begin. `searched` is how many of
 * these octets were looked at before without finding the end of the headers (0 the first time): a
 * message that comes octet by octet costs no more than one that comes whole. SIP_FRAME_LOST skips
 * to the next line that looks like a start line, or leaves as much as might become one. A
 * Content-Length that contradicts itself or exceeds SIP_FRAME_BODY_MAX loses the message.
 */
void sip_frame_next(struct slice stream, size_t searched, struct sip_frame *frame);

/*
 * Where a start line begins in octets of which nothing is known (a stream joined in its middle): at
 * the beginning, or after a line end. stream.len where there is none.
 */
size_t sip_frame_find_start(struct slice stream);

/* Does this begin as a request or a status line does? Too short to tell is no. */
bool sip_frame_is_start(struct slice stream);

#endif
