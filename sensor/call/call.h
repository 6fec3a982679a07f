/*
 * call: the objects that a call is made of, as seen from outside.
 *
 * A call is one Call-ID and one From tag. It has INVITE client transactions (RFC 3261
 * section 17.1.1, one for each hop, redirection, repetition with credentials, re-INVITE) and
 * dialogs (one for each To tag that answered, so several when it forked). Nothing here is drawn
 * from a single message: what became of the call is read off its transactions and dialogs
 * (call_outcome.h) whenever one of them changes, so that the order in which a mirror shows the
 * packets matters little.
 *
 * All of it is owned by call_table; strings live in the call's arena. Thread: the correlator's.
 */
#ifndef SIPSPAN_CALL_CALL_H
#define SIPSPAN_CALL_CALL_H

#include "base/arena.h"
#include "base/list.h"
#include "base/table.h"
#include "base/timer_heap.h"
#include "call/findings.h"
#include "event/event.h"
#include "net/endpoint.h"
#include "sdp/offer_answer.h"

#define CALL_NO_TIME EVENT_NO_TIME

enum {
    CALL_TRANSACTIONS_MAX = 64, /* of one call; more are counted and left out */
    CALL_DIALOGS_MAX = 32,
    DIALOG_TAG_BITS = 56,
    CALL_ARENA_BLOCKS_MAX = 48, /* with those of its transactions' findings */
};

/* What a timer of the correlator belongs to (timer.kind). */
enum call_timer { TIMER_CALL, TIMER_B };

/* An INVITE client transaction, and what reached its client. Times: CALL_NO_TIME until seen. */
struct transaction {
    struct list in_call;
    struct timer timer_b; /* set while the request waits for its first response */
    struct call *call;
    uint64_t via_hash;         /* of the top Via's branch and sent-by */
    struct findings *findings; /* NULL: no need of any */
    uint32_t born; /* different for all that can be remembered; 0: it is none any more */
    uint32_t cseq;
    uint32_t transmissions;
    struct endpoint src, dst;
    struct ip_addr other_src; /* the same request seen from elsewhere: before or after a NAT */
    enum transport transport : 8;

    bool has_request : 1; /* false: only responses to it were seen */
    bool is_reinvite : 1; /* has a To tag */
    bool has_credentials : 1;
    bool asked_rport : 1;        /* RFC 3581 */
    bool inferred : 1;           /* what followed shows that it was answered, unseen */
    bool is_presumed : 1;        /* that is no proof */
    bool has_early_response : 1; /* any 101 to 199 */
    bool port_differs : 1;       /* responses went to another port, unasked: void if it goes on */
    bool port_is_void : 1;       /* shown: what goes to that port does not reach the client */
    bool is_of_scanner : 1;      /* see call_table_set_scanner */
    bool is_partial : 1;         /* of its responses only parts passed: void if it goes on */
    bool partial_is_void : 1;    /* shown: its client has no use for such parts */

    uint16_t via_count;
    uint16_t final_status; /* 0: none */
    uint16_t last_status;

    int64_t first_sent_ns;

    /* Responses that could have reached the client. */
    int64_t first_response_ns;
    int64_t ringing_ns; /* first 180 to 189 */
    int64_t final_ns;   /* first final one */
    int64_t last_response_ns;

    int64_t timed_out_ns;   /* when Timer B ran out, and the event was given */
    int64_t cancel_ns;      /* CANCEL with this branch, or a response to one */
    int64_t failure_ack_ns; /* ACK with this branch: a final response of 300 or more reached the
                               client */
};

/* A dialog, early or confirmed (RFC 3261 section 12). */
struct dialog {
    struct list in_call;
    uint64_t tag_hash : DIALOG_TAG_BITS; /* of the callee's tag */
    enum ended_by bye_by : 4;
    bool is_bye_guessed : 1;         /* only its 2xx was seen so far */
    bool is_confirmed_unseen : 1;    /* something that only a confirmed dialog has was seen, not its
                                        2xx */
    bool is_answered_again : 1;      /* its 2xx was seen there more than once */
    struct transaction *answered_by; /* the transaction with the fewest Vias that showed its 2xx */
    int64_t answered_ns;             /* its first 2xx there */
    int64_t ack_ns;                  /* ACK of a 2xx */
    int64_t bye_ns;
    struct offer_answer *media; /* NULL: no SDP seen, or no room */
};

/*
 * Where a call stands; also the order in which room is made (call_table.h): what a flood can make
 * with the fewest packets goes first.
 */
enum call_phase {
    PHASE_ENDED,    /* its event is given; kept for a while to recognise what comes late */
    PHASE_UNPROVEN, /* no INVITE that began it and only one side were seen: maybe there is no such
                       call */
    PHASE_TRYING,   /* no response could have reached the caller, who sent once */
    PHASE_CLOSING,  /* it ended, but might yet go on (credentials, another target) */
    PHASE_REPEATED, /* as TRYING, and the caller repeats it, as Timer A has it */
    PHASE_EARLY,    /* some response did reach the caller */
    PHASE_UP,       /* established */
    PHASE_COUNT
};

/* Who of a call has been heard (bits of call.heard). */
enum { HEARD_CALLER = 1, HEARD_CALLEE = 2, HEARD_BOTH = 3 };

struct call {
    struct table_node node;
    struct list in_phase;
    struct timer timer;
    uint64_t identity; /* with node.hash the 128 bits of a hash of Call-ID and From tag */
    struct arena arena;
    const struct arena_text *call_id, *from_tag, *from_uri, *to_uri, *user_agent;
    struct list transactions, dialogs;
    uint16_t transaction_count, dialog_count;
    uint16_t blocks; /* of its arena and its transactions' */
    uint8_t heard;   /* who sent something of it */
    enum call_phase phase : 8;
    uint32_t highest_cseq; /* of the caller's initial INVITEs */
    /* By enum offer_answer_side: how many packets had come from it when it was said to be silent,
     * and one; 0: it never was. */
    uint32_t told_silent[2];
    bool was_quiet : 1;          /* neither direction was heard when it was last looked at */
    bool is_of_scanner : 1;      /* its INVITE looks like a scanner's */
    bool is_scanner_guessed : 1; /* by how its source behaves, which an answer refutes */
    bool is_told : 1; /* PHASE_CLOSING: its event is given, an INVITE of it still waits */
    bool is_direction_unknown : 1; /* first seen in mid-dialog: who called whom cannot be told */
    bool first_response_told : 1, post_dial_delay_told : 1; /* to the histograms */
    int64_t first_seen_ns, last_seen_ns;
    struct offer_answer *media; /* the offer of the initial INVITE, until a dialog takes it over */
    struct list streams;        /* in the order of their first packets; see media_map.h */
    struct media_announcement *announced; /* the latest; NULL: none */
    int64_t audio_ns; /* no silence of one direction counts before it; CALL_NO_TIME: see there */
};

/* for (EACH_TRANSACTION(node, call)) { struct transaction *t = transaction_at(node); … } */
#define EACH_TRANSACTION(node, call)                                                               \
    struct list *node = (call)->transactions.next;                                                 \
    node != &(call)->transactions;                                                                 \
    node = node->next
#define EACH_DIALOG(node, call)                                                                    \
    struct list *node = (call)->dialogs.next;                                                      \
    node != &(call)->dialogs;                                                                      \
    node = node->next

static inline struct transaction *transaction_at(struct list *node)
{
    return CONTAINER_OF(node, struct transaction, in_call);
}

static inline struct dialog *dialog_at(struct list *node)
{
    return CONTAINER_OF(node, struct dialog, in_call);
}

#endif
