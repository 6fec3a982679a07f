/*
 * call_outcome: what became of a call, read off its transactions and dialogs as its first hop saw
 * it. Pure: looks, changes nothing.
 *
 * The first hop's transactions are those with the fewest Vias from one client (RFC 3261
 * section 16.6: a proxy adds one). A response counts only where it could have reached its client.
 */
#ifndef SIPSPAN_CALL_CALL_OUTCOME_H
#define SIPSPAN_CALL_CALL_OUTCOME_H

#include "call/call.h"

/* RFC 3261 section 17.1.2.2: T4, how long a message may still be under way. */
#define CALL_T4_NS INT64_C(5000000000)

struct call_outcome {
    enum call_phase phase; /* any but ENDED; CLOSING: it ended, the rest below is set */
    enum call_state state;
    uint16_t final_status;
    int64_t ended_ns;
    enum ended_by ended_by;
    int64_t settle_ns; /* how long it may yet go on after ended_ns; LOST: how long nothing came */
    int64_t
        look_again_ns; /* not ended, but will be at this time if nothing comes; CALL_NO_TIME: no */
};

/* timer_b_ns is 64*T1, how long things go on without an answer. */
void call_outcome_read(const struct call *call, int64_t timer_b_ns, int64_t now_ns,
                       struct call_outcome *outcome);

/* The first transaction of the first hop; NULL when the call has none (it was joined in
 * mid-dialog). */
const struct transaction *call_first_transaction(const struct call *call);
bool call_is_first_hop(const struct transaction *first, const struct transaction *transaction);

/* The dialog whose 2xx the first hop saw first, of those that have no BYE if there are; or NULL. */
const struct dialog *call_answered_dialog(const struct call *call);

/* INVITE to the first response of any kind, or EVENT_NO_DURATION. */
int64_t call_first_response_delay(const struct call *call);
/* First INVITE to the first 18x, or final response other than 401, 407 and 3xx; or
 * EVENT_NO_DURATION. */
int64_t call_post_dial_delay(const struct call *call);

/* Fills everything of the event but the names of its endpoints. */
void call_outcome_fill(const struct call *call, const struct call_outcome *outcome,
                       struct call_ended *event);

#endif
