/*
 * hops: the legs of one INVITE, from the client's first hop to the farthest that is in view (RFC
 * 3261 section 16.6: a proxy adds a Via and keeps Call-ID, From tag and CSeq). Pure: looks, changes
 * nothing. Internal to the folder.
 */
#ifndef SIPSPAN_CALL_HOPS_H
#define SIPSPAN_CALL_HOPS_H

#include "call/call.h"

/* The transaction by which the destination of this one passed its request on; of several the first
 * one. NULL: none was seen. */
const struct transaction *hops_next(const struct transaction *transaction);
/* The transaction of which this one is the next hop; NULL: none was seen. */
const struct transaction *hops_previous(const struct transaction *transaction);

/* Fills in the hops, not the places. The transaction still has its findings. */
void hops_read(const struct transaction *transaction, struct hop_facts *facts);

/*
 * Who made the 408 that this transaction got: its destination, where that passed the request on and
 * got no 408 itself, or one of those behind. Port 0 and no address: the hops in view do not tell.
 */
struct endpoint hops_timeout_made_by(const struct transaction *transaction);

#endif
