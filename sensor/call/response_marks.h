/*
 * response_marks: what the text of a response shows of why its client did not get it, or cannot
 * know it for its own. Pure. Internal to the folder.
 */
#ifndef SIPSPAN_CALL_RESPONSE_MARKS_H
#define SIPSPAN_CALL_RESPONSE_MARKS_H

#include "call/call.h"
#include "net/packet.h"
#include "sip/sip_msg.h"

/* has_own_via: its top Via is the request's, so nothing rewrote the host in it. */
void response_marks_read(const struct transaction *transaction, const struct datagram *datagram,
                         const struct sip_msg *msg, bool has_own_via, struct response_facts *facts);

#endif
