/*
 * findings: what is kept of an INVITE for as long as it may yet be told of as unanswered: the words
 * of its request, and the evidence of why nothing answers it.
 *
 * A transaction has them while its Timer B runs, and on from there where what was taken as its
 * answer may prove none (transaction.port_differs, is_partial); the answered ones, which are nearly
 * all, need no more. Owned by call_table.
 */
#ifndef SIPSPAN_CALL_FINDINGS_H
#define SIPSPAN_CALL_FINDINGS_H

#include "base/arena.h"
#include "net/endpoint.h"
#include "verdict/unanswered.h"

struct findings {
    struct arena arena;
    /* Of the request; in this arena or, where they are the same, in the call's. */
    const struct arena_text *branch, *request_uri, *from_uri, *from_tag, *to_uri, *user_agent;
    const struct arena_text
        *next_hop;        /* the host of its topmost Route; empty: it goes by its URI */
    struct slice scanner; /* what shows that a scanner sent it, static; empty: nothing does */

    int64_t last_sent_ns;
    int64_t first_gap_ns, last_gap_ns; /* of the retransmission ladder; 0: none yet */
    int64_t partial_since_ns;          /* partial: all since then have its last_status */
    uint32_t fragments_lost;           /* of its sendings: fragments of them never passed */
    uint32_t places;                   /* where it was seen, by index in call/places.h */
    uint16_t void_status; /* of the last parts of responses after which it went on; 0: none */
    bool ladder_broken;   /* the gaps between its sendings do not double */
    bool is_told_struggling;
    bool is_asked; /* the other sensors were, who saw it */

    struct request_facts request;
    struct stray_facts stray; /* `expected` is set from the beginning */
    struct mangled_facts mangled;
    struct partial_facts partial;
    struct response_facts response;
    struct icmp_facts icmp; /* errors that quote it; of a connection's, see icmp_ties.h */
};

#endif
