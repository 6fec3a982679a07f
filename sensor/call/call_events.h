/*
 * call_events: gives the events of calls, with ids that are the same whenever the same sensor reads
 * the same traffic again. Internal to the folder.
 */
#ifndef SIPSPAN_CALL_CALL_EVENTS_H
#define SIPSPAN_CALL_CALL_EVENTS_H

#include "call/call_outcome.h"
#include "call/calls.h"

/* Timer B ran out at deadline_ns: the verdict and the event, unless another sensor gives it. facts:
 * what they rest on. */
void call_events_unanswered(struct calls *calls, const struct transaction *transaction,
                            int64_t deadline_ns, struct unanswered_facts *facts);
/* It was sent for the third time at now_ns, and nothing has answered it. It has its findings. */
void call_events_struggling(struct calls *calls, const struct transaction *transaction,
                            int64_t now_ns);
/* The call ended as the outcome says: its streams' last reports, and its event. They are forgotten
 * then. */
void call_events_ended(struct calls *calls, struct call *call, const struct call_outcome *outcome);

#endif
