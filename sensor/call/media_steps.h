/*
 * media_steps: which message is an offer, which an answer (RFC 3264; RFC 3261 section 13.2.1, RFC
 * 3262 section 5, RFC 3311 section 5): feeds a call's SDP to its offer/answer states. Internal to
 * the folder.
 */
#ifndef SIPSPAN_CALL_MEDIA_STEPS_H
#define SIPSPAN_CALL_MEDIA_STEPS_H

#include "call/calls.h"

/* dialog NULL: the initial INVITE, before any To tag. Messages without SDP matter too (a refused
 * offer); of one that is not all there it is not known what it said. */
void media_steps_saw(struct calls *calls, struct call *call, struct dialog *dialog,
                     bool from_caller, const struct datagram *datagram, const struct sip_msg *msg);

#endif
