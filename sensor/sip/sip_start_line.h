/*
 * sip_start_line: the Request-Line or Status-Line of a message (RFC 3261 sections 7.1 and 7.2).
 *
 * Pure. More white space than the grammar has is taken (RFC 4475 sections 3.1.2.8 to 3.1.2.10).
 */
#ifndef SIPSPAN_SIP_SIP_START_LINE_H
#define SIPSPAN_SIP_SIP_START_LINE_H

#include "sip/sip_msg.h"

/* Is this line, or the beginning of one, of the shape of a start line? The version may be any. */
bool sip_start_line_looks_like(struct slice line);

/*
 * Reads a line without its CRLF into is_request, method, method_name, request_uri, status, reason
 * and defects of *msg. SIP_ACCEPTED, or the reason why not.
 */
enum sip_refusal sip_start_line_parse(struct slice line, struct sip_msg *msg);

#endif
