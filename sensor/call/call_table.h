/*
 * call_table: owns every call, transaction and dialog; finds them, limits them, makes room.
 *
 * Memory is bounded by the capacities. When something is full, room is made by rule, in the order
 * of the phases: calls whose event is given, calls that may be none, those that got no response and
 * were sent once (a flood looks like this), those that ended (their event is given at once), those
 * that are repeated, ringing ones, established ones last; in each group the one that was quiet
 * longest. What is dropped without an event is counted.
 */
#ifndef SIPSPAN_CALL_CALL_TABLE_H
#define SIPSPAN_CALL_CALL_TABLE_H

#include "base/hash.h"
#include "call/call.h"
#include "call/media_map.h"
#include "sip/sip_msg.h"

struct call_table {
    struct hash_key key;
    struct table table;
    struct slab calls, transactions, findings, dialogs, media;
    struct arena_blocks blocks;
    struct list phase[PHASE_COUNT]; /* each from the quietest to the latest */
    size_t phase_count[PHASE_COUNT];
    struct timer_heap timers;
    /* INVITEs without a response whose Timer B runs: scanners' apart, and of the others those that
     * were sent more than once. */
    size_t waiting, waiting_of_scanners, retransmitting;
    uint64_t evicted[PHASE_COUNT];  /* calls dropped to make room, without their event */
    uint64_t evicted_waiting;       /* INVITEs of these whose Timer B ran */
    uint64_t transactions_left_out; /* beyond a call's own limit */
    uint32_t last_born;
    struct media_map *media_map; /* told of what goes; NULL: there is none */
    /* Gives the event of a PHASE_CLOSING call that must make room now. */
    void (*close_early)(void *context, struct call *call);
    void *context;
};

/* Capacities for `bytes` of memory. 0 or -ENOMEM. */
int call_table_init(struct call_table *table, uint64_t bytes);
void call_table_fini(struct call_table *table);

/* The call with this Call-ID and caller's tag, or NULL. */
struct call *call_table_find(struct call_table *table, struct slice call_id, struct slice from_tag);
/*
 * The call that a message belongs to: its From tag is the caller's or, in the other direction, its
 * To tag is. *from_caller says which.
 */
struct call *call_table_find_msg(struct call_table *table, const struct sip_msg *msg,
                                 bool *from_caller);
/* A new call in PHASE_TRYING. Always succeeds: makes room. */
struct call *call_table_add(struct call_table *table, struct slice call_id, struct slice from_tag,
                            int64_t now_ns);
/* Frees what a call holds except what recognises late messages: PHASE_ENDED. */
void call_table_retire(struct call_table *table, struct call *call);
void call_table_remove(struct call_table *table, struct call *call);

/* Stable names, for metrics and reports: "trying". */
const char *call_phase_name(enum call_phase phase);
/* Moves a call to the end of the list of its phase. */
void call_table_set_phase(struct call_table *table, struct call *call, enum call_phase phase);

/* Copies text into the call's arena; empty when the call has its share already. */
const struct arena_text *call_table_keep(struct call_table *table, struct call *call,
                                         struct slice text);

uint64_t call_table_via_hash(const struct call_table *table, const struct sip_via *via);
uint64_t call_table_tag_hash(const struct call_table *table, struct slice tag);

/* The INVITE transaction of this branch, sent-by and CSeq; NULL. */
struct transaction *call_find_transaction(const struct call *call, uint64_t via_hash,
                                          uint32_t cseq);
/* For how many of its INVITEs Timer B runs. */
unsigned call_waiting(const struct call *call);
/* Adds one; NULL when the call has CALL_TRANSACTIONS_MAX. */
struct transaction *call_table_add_transaction(struct call_table *table, struct call *call);
/* Its findings, empty ones where it had none. */
struct findings *call_table_findings(struct call_table *table, struct transaction *transaction);
void call_table_drop_findings(struct call_table *table, struct transaction *transaction);
/* As call_table_keep, into the findings' own arena. */
const struct arena_text *call_table_keep_finding(struct call_table *table,
                                                 struct transaction *transaction,
                                                 struct slice text);
/* Does its Timer B run? */
static inline bool call_table_is_waiting(const struct transaction *transaction)
{
    return transaction->timer_b.position > 0;
}
/* Timer B is set or moved; stopped. Keeps the counts. */
void call_table_wait(struct call_table *table, struct transaction *transaction,
                     int64_t deadline_ns);
void call_table_stop_waiting(struct call_table *table, struct transaction *transaction);
/* Its Timer B has fired. */
void call_table_wait_is_over(struct call_table *table, struct transaction *transaction);
/* A scanner's it is, or is not after all. */
void call_table_set_scanner(struct call_table *table, struct transaction *transaction,
                            bool is_of_scanner);
/* One more transmission of a request. */
void call_table_count_transmission(struct call_table *table, struct transaction *transaction);

struct dialog *call_find_dialog(const struct call *call, uint64_t tag_hash);
/* Finds or adds; NULL when the call has CALL_DIALOGS_MAX. */
struct dialog *call_table_dialog(struct call_table *table, struct call *call, uint64_t tag_hash);
/* The offer/answer state to feed for a dialog (NULL: the call's own, before any dialog); NULL: no
 * room. */
struct offer_answer *call_table_media(struct call_table *table, struct call *call,
                                      struct dialog *dialog);

#endif
