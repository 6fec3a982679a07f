/*
 * sip_frame: where one SIP message ends on a stream and the next begins (RFC 3261 sections 7.5,
 * 18.3 and 20.14, RFC 5626 section 4.4.1 for keep-alives). Pure.
 *
 * However a stream is cut into pieces, its messages are the same.
 */
#ifndef SIPSPAN_SIP_SIP_FRAME_H
#define SIPSPAN_SIP_SIP_FRAME_H

#include "sip/sip_msg.h"

enum {
    SIP_FRAME_HEADERS_MAX = 65536, /* start line to blank line; without their end so far: not SIP */
    SIP_FRAME_MESSAGE_MAX = SIP_FRAME_HEADERS_MAX + SIP_BODY_MAX,
};

enum sip_frame_verdict {
    SIP_FRAME_MESSAGE,    /* the first `len` octets are one message */
    SIP_FRAME_KEEP_ALIVE, /* the first `len` octets are CR and LF between messages */
    SIP_FRAME_MORE,       /* nothing to tell before the stream holds `len` octets */
    SIP_FRAME_LOST, /* no message begins here: skip `len` octets (at least 1), and look again */
};

struct sip_frame {
    enum sip_frame_verdict verdict;
    size_t len;
    size_t searched; /* of SIP_FRAME_MORE: to be passed with the same stream, grown; otherwise 0 */
    bool content_length_missing; /* of SIP_FRAME_MESSAGE: taken as without a body */
};

/*
 * Looks at what a stream holds from a point where a message should begin. `searched` is what the
 * SIP_FRAME_MORE before said, 0 the first time: a message that comes octet by octet then costs no
 * more than one that comes whole.
 *
 * A line that is not finished is waited for. Lost is a message whose Content-Length is no number of
 * at most 8 digits, exceeds SIP_BODY_MAX or contradicts another one; whose headers exceed
 * SIP_FRAME_HEADERS_MAX; or among whose header lines another start line is: its end is missing.
 * SIP_FRAME_LOST skips to the next line of the shape of a start line, or to the unfinished last
 * line. What sip_msg_parse refuses for other reasons is a message here.
 */
void sip_frame_next(struct slice stream, size_t searched, struct sip_frame *frame);

/*
 * Where a start line begins in octets of which nothing is known (a stream joined in its middle, or
 * after a hole): at the beginning, or after a line end. If there is none: where the last line, not
 * finished, begins; sip_frame_is_start tells one from the other, and until it says so, this is to
 * be asked again when there is more. Stricter than sip_frame_next: the URI must be one, and at the
 * beginning, which may be the middle of a word, the method a known one.
 */
size_t sip_frame_find_start(struct slice stream);

/*
 * Does this begin as a request or a status line does, CR and LF before it aside? A line that is not
 * finished must have come as far as the scheme of its URI (sip, sips, tel), or the status: too
 * short to tell is no.
 */
bool sip_frame_is_start(struct slice stream);

#endif
