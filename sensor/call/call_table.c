#include "call/call_table.h"

#include <errno.h>

/* What an average call takes: the shares in which the memory is divided. */
enum {
    PER_CALL_TRANSACTIONS = 2,
    PER_CALL_SMALL_BLOCKS = 3,
    CALLS_PER_LARGE_BLOCK = 4,
    CALLS_PER_SPARE_DIALOG = 4,
};

static size_t bytes_per_call(void)
{
    size_t timers = (1 + PER_CALL_TRANSACTIONS) * sizeof(struct timer_entry);
    size_t dialogs = sizeof(struct dialog) + sizeof(struct dialog) / CALLS_PER_SPARE_DIALOG;
    size_t transaction = sizeof(struct transaction) + sizeof(struct findings);
    return sizeof(struct call) + PER_CALL_TRANSACTIONS * transaction + dialogs +
           (size_t)PER_CALL_SMALL_BLOCKS * ARENA_SMALL_BYTES +
           ARENA_LARGE_BYTES / CALLS_PER_LARGE_BLOCK + sizeof(struct offer_answer) + timers +
           2 * sizeof(void *);
}

int call_table_init(struct call_table *table, uint64_t bytes)
{
    size_t calls = bytes / bytes_per_call();
    *table = (struct call_table){.key = hash_key_random()};
    for (int i = 0; i < PHASE_COUNT; i++)
        list_init(&table->phase[i]);
    size_t transactions = PER_CALL_TRANSACTIONS * calls;
    if (calls == 0 || table_init(&table->table) ||
        slab_init(&table->calls, sizeof(struct call), calls) ||
        slab_init(&table->transactions, sizeof(struct transaction), transactions) ||
        slab_init(&table->findings, sizeof(struct findings), transactions) ||
        slab_init(&table->dialogs, sizeof(struct dialog), calls + calls / CALLS_PER_SPARE_DIALOG) ||
        arena_blocks_init(&table->blocks, PER_CALL_SMALL_BLOCKS * calls,
                          calls / CALLS_PER_LARGE_BLOCK + 1) ||
        slab_init(&table->media, sizeof(struct offer_answer), calls) ||
        timer_heap_init(&table->timers, calls + transactions)) {
        call_table_fini(table);
        return -ENOMEM;
    }
    return 0;
}

void call_table_fini(struct call_table *table)
{
    timer_heap_fini(&table->timers);
    slab_fini(&table->media);
    arena_blocks_fini(&table->blocks);
    slab_fini(&table->dialogs);
    slab_fini(&table->findings);
    slab_fini(&table->transactions);
    slab_fini(&table->calls);
    table_fini(&table->table);
}

static struct hash_wide call_hash(const struct call_table *table, struct slice call_id,
                                  struct slice tag)
{
    return hash_two(&table->key, call_id.at, call_id.len, tag.at, tag.len);
}

struct call *call_table_find(struct call_table *table, struct slice call_id, struct slice from_tag)
{
    struct hash_wide hash = call_hash(table, call_id, from_tag);
    struct table_node *node = table_first(&table->table, hash.low);
    for (; node; node = table_next(node)) {
        struct call *call = CONTAINER_OF(node, struct call, node);
        if (call->identity == hash.high)
            return call;
    }
    return NULL;
}

struct call *call_table_find_msg(struct call_table *table, const struct sip_msg *msg,
                                 bool *from_caller)
{
    *from_caller = true;
    struct call *call = call_table_find(table, msg->call_id, msg->from_tag);
    if (!call && msg->has_to_tag) {
        call = call_table_find(table, msg->call_id, msg->to_tag);
        *from_caller = !call;
    }
    return call;
}

void call_table_set_phase(struct call_table *table, struct call *call, enum call_phase phase)
{
    table->phase_count[call->phase]--;
    table->phase_count[phase]++;
    list_remove(&call->in_phase);
    list_append(&table->phase[phase], &call->in_phase);
    call->phase = phase;
}

static void free_parts(struct call_table *table, struct call *call)
{
    if (table->media_map)
        media_map_forget(table->media_map, call);
    while (!list_is_empty(&call->dialogs)) {
        struct dialog *dialog = CONTAINER_OF(call->dialogs.next, struct dialog, in_call);
        list_remove(&dialog->in_call);
        slab_free(&table->media, dialog->media);
        slab_free(&table->dialogs, dialog);
    }
    while (!list_is_empty(&call->transactions)) {
        struct transaction *transaction =
            CONTAINER_OF(call->transactions.next, struct transaction, in_call);
        list_remove(&transaction->in_call);
        call_table_stop_waiting(table, transaction);
        call_table_drop_findings(table, transaction);
        transaction->born = 0; /* for whoever still points to it (sendings.h) */
        slab_free(&table->transactions, transaction);
    }
    slab_free(&table->media, call->media);
    call->media = NULL;
    arena_free(&call->arena, &table->blocks);
    call->call_id = call->from_tag = call->from_uri = call->to_uri = call->user_agent = NULL;
    call->transaction_count = call->dialog_count = call->blocks = 0;
}

void call_table_retire(struct call_table *table, struct call *call)
{
    free_parts(table, call);
    call_table_set_phase(table, call, PHASE_ENDED);
}

void call_table_remove(struct call_table *table, struct call *call)
{
    free_parts(table, call);
    timer_heap_cancel(&table->timers, &call->timer);
    table->phase_count[call->phase]--;
    list_remove(&call->in_phase);
    table_remove(&table->table, &call->node);
    slab_free(&table->calls, call);
}

const char *call_phase_name(enum call_phase phase)
{
    static const char *const names[PHASE_COUNT] = {
        [PHASE_ENDED] = "ended",     [PHASE_UNPROVEN] = "unproven", [PHASE_TRYING] = "trying",
        [PHASE_CLOSING] = "closing", [PHASE_REPEATED] = "repeated", [PHASE_EARLY] = "early",
        [PHASE_UP] = "up",
    };
    return names[phase];
}

/* Drops one call other than `keep`; its hashes stay where it is not a call that is wanted. */
static bool make_room(struct call_table *table, const struct slab *slab, const struct call *keep)
{
    bool wants_call = slab == &table->calls;
    for (int phase = wants_call ? PHASE_ENDED : PHASE_ENDED + 1; phase < PHASE_COUNT; phase++) {
        struct list *node = table->phase[phase].next;
        if (node != &table->phase[phase] && CONTAINER_OF(node, struct call, in_phase) == keep)
            node = node->next;
        if (node == &table->phase[phase])
            continue;
        struct call *call = CONTAINER_OF(node, struct call, in_phase);
        table->evicted_waiting += call_waiting(call);
        if (phase == PHASE_CLOSING && !call->is_told)
            table->close_early(table->context, call);
        else if (phase != PHASE_ENDED && !call->is_told)
            table->evicted[phase]++;
        if (phase == PHASE_CLOSING && !wants_call)
            call_table_retire(table, call);
        else
            call_table_remove(table, call);
        return true;
    }
    return false;
}

/*
 * An object of a slab, room being made for it. A call that goes may hold none of them, so several
 * may have to; at most all of them but the one that asks.
 */
static void *alloc_for(struct call_table *table, struct slab *slab, const struct call *keep)
{
    void *object = slab_alloc(slab);
    while (!object && make_room(table, slab, keep))
        object = slab_alloc(slab);
    return object;
}

struct call *call_table_add(struct call_table *table, struct slice call_id, struct slice from_tag,
                            int64_t now_ns)
{
    struct hash_wide hash = call_hash(table, call_id, from_tag);
    struct call *call = alloc_for(table, &table->calls, NULL);
    *call = (struct call){
        .phase = PHASE_TRYING,
        .timer.kind = TIMER_CALL,
        .identity = hash.high,
        .first_seen_ns = now_ns,
        .last_seen_ns = now_ns,
        .audio_ns = CALL_NO_TIME,
    };
    list_init(&call->transactions);
    list_init(&call->dialogs);
    list_init(&call->streams);
    list_init(&call->in_phase);
    list_append(&table->phase[PHASE_TRYING], &call->in_phase);
    table->phase_count[PHASE_TRYING]++;
    table_insert(&table->table, &call->node, hash.low);
    call->call_id = call_table_keep(table, call, call_id);
    call->from_tag = call_table_keep(table, call, from_tag);
    return call;
}

/* Into an arena of this call, which has so many blocks in all. */
static const struct arena_text *keep_in(struct call_table *table, struct call *call,
                                        struct arena *arena, struct slice text)
{
    uint16_t of_others = (uint16_t)(call->blocks - arena_count(arena));
    uint16_t max_blocks = (uint16_t)(CALL_ARENA_BLOCKS_MAX - of_others);
    const struct arena_text *copy;
    while (!arena_copy(arena, &table->blocks, max_blocks, text, &copy))
        if (arena_count(arena) >= max_blocks || !make_room(table, &table->blocks.small, call))
            break;
    call->blocks = (uint16_t)(of_others + arena_count(arena));
    return copy;
}

const struct arena_text *call_table_keep(struct call_table *table, struct call *call,
                                         struct slice text)
{
    return keep_in(table, call, &call->arena, text);
}

uint64_t call_table_via_hash(const struct call_table *table, const struct sip_via *via)
{
    /* Hosts compare without case (RFC 3261 section 17.2.3 with 19.1.4); a name is at most 255
     * octets. */
    char host[256 + sizeof via->port];
    uint16_t port = via->port ? via->port : 5060;
    size_t len = via->host.len < 256 ? via->host.len : 256;
    for (size_t i = 0; i < len; i++)
        host[i] = slice_lower_char(via->host.at[i]);
    memcpy(host + len, &port, sizeof port);
    return hash_two(&table->key, via->branch.at, via->branch.len, host, len + sizeof port).low;
}

uint64_t call_table_tag_hash(const struct call_table *table, struct slice tag)
{
    return hash_bytes(&table->key, tag.at, tag.len) >> (64 - DIALOG_TAG_BITS);
}

struct transaction *call_find_transaction(const struct call *call, uint64_t via_hash, uint32_t cseq)
{
    for (EACH_TRANSACTION(node, call)) {
        struct transaction *transaction = transaction_at(node);
        if (transaction->via_hash == via_hash && transaction->cseq == cseq)
            return transaction;
    }
    return NULL;
}

unsigned call_waiting(const struct call *call)
{
    unsigned count = 0;
    for (EACH_TRANSACTION(node, call))
        count += call_table_is_waiting(transaction_at(node));
    return count;
}

struct transaction *call_table_add_transaction(struct call_table *table, struct call *call)
{
    if (call->transaction_count >= CALL_TRANSACTIONS_MAX) {
        table->transactions_left_out++;
        return NULL;
    }
    struct transaction *transaction = alloc_for(table, &table->transactions, call);
    if (!transaction)
        return NULL;
    table->last_born += 1 + (table->last_born == UINT32_MAX); /* never 0 */
    *transaction = (struct transaction){
        .call = call,
        .born = table->last_born,
        .timer_b.kind = TIMER_B,
        .first_sent_ns = CALL_NO_TIME,
        .first_response_ns = CALL_NO_TIME,
        .last_response_ns = CALL_NO_TIME,
        .ringing_ns = CALL_NO_TIME,
        .final_ns = CALL_NO_TIME,
        .timed_out_ns = CALL_NO_TIME,
        .cancel_ns = CALL_NO_TIME,
        .failure_ack_ns = CALL_NO_TIME,
    };
    list_append(&call->transactions, &transaction->in_call);
    call->transaction_count++;
    return transaction;
}

struct findings *call_table_findings(struct call_table *table, struct transaction *transaction)
{
    if (!transaction->findings) {
        transaction->findings = slab_alloc(&table->findings); /* there is one for each */
        *transaction->findings = (struct findings){
            .last_sent_ns = CALL_NO_TIME,
            .stray.last_ns = CALL_NO_TIME,
            .mangled.last_ns = CALL_NO_TIME,
        };
    }
    return transaction->findings;
}

void call_table_drop_findings(struct call_table *table, struct transaction *transaction)
{
    if (!transaction->findings)
        return;
    struct arena *arena = &transaction->findings->arena;
    transaction->call->blocks = (uint16_t)(transaction->call->blocks - arena_count(arena));
    arena_free(arena, &table->blocks);
    slab_free(&table->findings, transaction->findings);
    transaction->findings = NULL;
}

const struct arena_text *call_table_keep_finding(struct call_table *table,
                                                 struct transaction *transaction, struct slice text)
{
    return keep_in(table, transaction->call, &transaction->findings->arena, text);
}

/* Adds a waiting one to the counts, or takes it out of them: sign 1 or -1. */
static void weigh(struct call_table *table, const struct transaction *transaction, int sign)
{
    if (transaction->is_of_scanner) {
        table->waiting_of_scanners += sign;
        return;
    }
    table->waiting += sign;
    if (transaction->transmissions > 1)
        table->retransmitting += sign;
}

void call_table_wait(struct call_table *table, struct transaction *transaction, int64_t deadline_ns)
{
    if (!call_table_is_waiting(transaction))
        weigh(table, transaction, 1);
    timer_heap_set(&table->timers, &transaction->timer_b, deadline_ns);
}

void call_table_stop_waiting(struct call_table *table, struct transaction *transaction)
{
    if (!call_table_is_waiting(transaction))
        return;
    timer_heap_cancel(&table->timers, &transaction->timer_b);
    call_table_wait_is_over(table, transaction);
}

void call_table_wait_is_over(struct call_table *table, struct transaction *transaction)
{
    weigh(table, transaction, -1);
}

void call_table_set_scanner(struct call_table *table, struct transaction *transaction,
                            bool is_of_scanner)
{
    bool is_counted = call_table_is_waiting(transaction);
    if (is_counted)
        weigh(table, transaction, -1);
    transaction->is_of_scanner = is_of_scanner;
    if (is_counted)
        weigh(table, transaction, 1);
}

void call_table_count_transmission(struct call_table *table, struct transaction *transaction)
{
    transaction->transmissions++;
    table->retransmitting += call_table_is_waiting(transaction) &&
                             transaction->transmissions == 2 && !transaction->is_of_scanner;
}

struct dialog *call_find_dialog(const struct call *call, uint64_t tag_hash)
{
    for (EACH_DIALOG(node, call)) {
        struct dialog *dialog = dialog_at(node);
        if (dialog->tag_hash == tag_hash)
            return dialog;
    }
    return NULL;
}

struct dialog *call_table_dialog(struct call_table *table, struct call *call, uint64_t tag_hash)
{
    struct dialog *dialog = call_find_dialog(call, tag_hash);
    if (dialog || call->dialog_count >= CALL_DIALOGS_MAX)
        return dialog;
    dialog = alloc_for(table, &table->dialogs, call);
    if (!dialog)
        return NULL;
    *dialog = (struct dialog){
        .tag_hash = tag_hash & ((UINT64_C(1) << DIALOG_TAG_BITS) - 1),
        .answered_ns = CALL_NO_TIME,
        .ack_ns = CALL_NO_TIME,
        .bye_ns = CALL_NO_TIME,
    };
    list_append(&call->dialogs, &dialog->in_call);
    call->dialog_count++;
    return dialog;
}

/* SDP of calls that got no response, as a flood brings it, gives way to that of calls which did. */
static void take_media_from_trying(struct call_table *table)
{
    enum { LOOK_AT_MOST = 32 };
    struct list *node = table->phase[PHASE_TRYING].next;
    for (int i = 0; i < LOOK_AT_MOST && node != &table->phase[PHASE_TRYING]; i++) {
        struct call *call = CONTAINER_OF(node, struct call, in_phase);
        if (call->media) {
            slab_free(&table->media, call->media);
            call->media = NULL;
            return;
        }
        node = node->next;
    }
}

struct offer_answer *call_table_media(struct call_table *table, struct call *call,
                                      struct dialog *dialog)
{
    struct offer_answer **place = dialog ? &dialog->media : &call->media;
    if (*place)
        return *place;
    *place = slab_alloc(&table->media);
    if (!*place && dialog) {
        take_media_from_trying(table);
        *place = slab_alloc(&table->media);
    }
    if (!*place)
        return NULL;
    if (dialog && call->media)
        memcpy(*place, call->media, sizeof **place);
    else
        offer_answer_init(*place);
    return *place;
}
