/*
 * invite_partial: responses to an INVITE of which only a part passed: fragments of them are
 * missing, or their datagram ends within the body. Whether its client has any use for them shows by
 * whether it goes on sending. Internal to the folder.
 */
#ifndef SIPSPAN_CALL_INVITE_PARTIAL_H
#define SIPSPAN_CALL_INVITE_PARTIAL_H

#include "call/calls.h"

/* Is it a part of a response, and was no whole one seen? The request must be in view. */
bool invite_partial_is_one(const struct transaction *transaction, const struct datagram *datagram,
                           const struct sip_msg *msg);
/* Such a part passed. transaction->is_partial: it may be the answer. */
void invite_partial_note(const struct calls *calls, struct transaction *transaction,
                         const struct datagram *datagram, const struct sip_msg *msg);
/* The request was sent again: parts that were there for long enough are no answer. */
void invite_partial_sent_again(const struct calls *calls, struct transaction *transaction,
                               int64_t now_ns);
/* Timer B ran out: may the part that passed last be the answer, after earlier ones were not? */
bool invite_partial_may_be_answer(const struct calls *calls, const struct transaction *transaction,
                                  int64_t deadline_ns);

#endif
