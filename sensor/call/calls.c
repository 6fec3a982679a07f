#include "call/calls.h"

#include <errno.h>

#include "call/call_events.h"
#include "call/call_outcome.h"
#include "call/invite.h"
#include "call/media_steps.h"

/* Peers and pairs get one part in eight of the memory. */
enum { PEER_MEMORY_SHARE = 8 };

static void close_early(void *context, struct call *call);

int calls_init(struct calls *calls, const struct calls_params *params)
{
    *calls = (struct calls){
        .params = *params,
        .now_ns = CALL_NO_TIME,
        .lost_packet_ns = CALL_NO_TIME,
    };
    uint64_t peer_bytes = params->memory_bytes / PEER_MEMORY_SHARE;
    size_t peers = peer_bytes / (2 * (sizeof(struct peer) + sizeof(struct pair)));
    int error = call_table_init(&calls->table, params->memory_bytes - peer_bytes);
    if (error)
        return error;
    calls->table.close_early = close_early;
    calls->table.context = calls;
    error = peers_init(&calls->peers, 2 * peers, peers);
    if (error)
        call_table_fini(&calls->table);
    return error;
}

void calls_fini(struct calls *calls)
{
    peers_fini(&calls->peers);
    call_table_fini(&calls->table);
}

static void close_early(void *context, struct call *call)
{
    struct calls *calls = context;
    struct call_outcome outcome;
    call_outcome_read(call, calls->params.timer_b_ns, calls->now_ns, &outcome);
    call_events_ended(calls, call, &outcome);
}

/* What the histograms get as soon as it is known, not when the call ends an hour later. */
static void tell_delays(struct calls *calls, struct call *call)
{
    const struct calls_params *params = &calls->params;
    int64_t delay_ns;
    if (params->first_response_seconds && !call->first_response_told &&
        (delay_ns = call_first_response_delay(call)) != EVENT_NO_DURATION) {
        metric_observe(params->first_response_seconds, (double)delay_ns / 1e9);
        call->first_response_told = true;
    }
    if (params->post_dial_delay_seconds && !call->post_dial_delay_told &&
        (delay_ns = call_post_dial_delay(call)) != EVENT_NO_DURATION) {
        metric_observe(params->post_dial_delay_seconds, (double)delay_ns / 1e9);
        call->post_dial_delay_told = true;
    }
}

/* Reads where the call stands now and sets its phase and its timer by that. */
static void settle(struct calls *calls, struct call *call)
{
    if (call->is_told)
        return;
    struct call_outcome outcome;
    call_outcome_read(call, calls->params.timer_b_ns, calls->now_ns, &outcome);
    int64_t deadline_ns = call->last_seen_ns + calls->params.idle_ns;
    if (outcome.phase == PHASE_CLOSING)
        deadline_ns = outcome.ended_ns + outcome.settle_ns;
    else if (outcome.look_again_ns != CALL_NO_TIME)
        deadline_ns = outcome.look_again_ns;
    if (outcome.phase == PHASE_UP) {
        slab_free(&calls->table.media, call->media);
        call->media = NULL;
    }
    call_table_set_phase(&calls->table, call, outcome.phase);
    timer_heap_set_by(&calls->table.timers, &call->timer, deadline_ns);
}

/*
 * Gives a call's event and keeps only what recognises late messages of it; but first each of its
 * INVITEs that still waits gets its Timer B.
 */
static void close_call(struct calls *calls, struct call *call, const struct call_outcome *outcome)
{
    if (!call->is_told)
        call_events_ended(calls, call, outcome);
    call->is_told = true;
    int64_t late_ns = calls->now_ns + calls->params.timer_b_ns + CALL_T4_NS;
    timer_heap_set(&calls->table.timers, &call->timer, late_ns);
    if (call_waiting(call) > 0)
        call_table_set_phase(&calls->table, call, PHASE_CLOSING);
    else
        call_table_retire(&calls->table, call);
}

static void lose_call(struct calls *calls, struct call *call)
{
    struct call_outcome outcome;
    call_outcome_read(call, calls->params.timer_b_ns, calls->now_ns, &outcome);
    outcome.state = CALL_STATE_LOST;
    outcome.ended_ns = call->last_seen_ns;
    outcome.ended_by = ENDED_BY_TIMEOUT;
    close_call(calls, call, &outcome);
}

static void call_timer_fired(struct calls *calls, struct call *call)
{
    if (call->phase == PHASE_ENDED) {
        call_table_remove(&calls->table, call);
        return;
    }
    if (call->is_told) {
        close_call(calls, call, NULL);
        return;
    }
    struct call_outcome outcome;
    call_outcome_read(call, calls->params.timer_b_ns, calls->now_ns, &outcome);
    int64_t idle_ns = call->last_seen_ns + calls->params.idle_ns;
    if (outcome.phase == PHASE_CLOSING && outcome.ended_ns + outcome.settle_ns <= calls->now_ns) {
        close_call(calls, call, &outcome);
    } else if (outcome.phase != PHASE_CLOSING && idle_ns <= calls->now_ns) {
        if (outcome.phase == PHASE_UP) {
            lose_call(calls, call);
        } else {
            calls->expired++;
            call_table_remove(&calls->table, call);
        }
    } else {
        settle(calls, call);
    }
}

static void timer_b_fired(struct calls *calls, struct transaction *t, int64_t deadline_ns)
{
    t->timed_out_ns = deadline_ns;
    call_events_unanswered(calls, t, deadline_ns);
    if (t->call->is_told)
        close_call(calls, t->call, NULL);
    else
        settle(calls, t->call);
}

void calls_advance(struct calls *calls, int64_t now_ns)
{
    struct timer *timer;
    int64_t deadline_ns;
    if (calls->now_ns != CALL_NO_TIME && now_ns < calls->now_ns)
        return;
    while ((timer = timer_heap_pop(&calls->table.timers, now_ns, &deadline_ns)) != NULL) {
        /* A timer sees the time at which it is due, however long nothing came after it. */
        calls->now_ns = deadline_ns > calls->now_ns ? deadline_ns : calls->now_ns;
        if (timer->kind == TIMER_CALL) {
            call_timer_fired(calls, CONTAINER_OF(timer, struct call, timer));
        } else {
            struct transaction *t = CONTAINER_OF(timer, struct transaction, timer_b);
            call_table_wait_is_over(&calls->table, t);
            timer_b_fired(calls, t, deadline_ns);
        }
    }
    calls->now_ns = now_ns;
}

void calls_packet(struct calls *calls, const struct ip_addr *src, int64_t time_ns)
{
    calls_advance(calls, time_ns);
    peers_saw_packet(&calls->peers, src, calls->now_ns);
}

void calls_lost_packets(struct calls *calls)
{
    calls->lost_packet_ns = calls->now_ns;
}

void calls_finish(struct calls *calls)
{
    struct list *closing = &calls->table.phase[PHASE_CLOSING];
    while (!list_is_empty(closing)) {
        struct call *call = CONTAINER_OF(closing->next, struct call, in_phase);
        if (!call->is_told)
            close_early(calls, call);
        call_table_retire(&calls->table, call);
    }
}

/* An INVITE without a To tag begins a call, or goes on with it. */
static struct call *call_of_initial_invite(struct calls *calls, const struct sip_msg *msg,
                                           int64_t now_ns)
{
    struct call *call = call_table_find(&calls->table, msg->call_id, msg->from_tag);
    if (call && (call->phase == PHASE_ENDED || call->is_told)) {
        if (msg->cseq <= call->highest_cseq)
            return call->phase == PHASE_ENDED ? NULL : call; /* late, or from another hop */
        call_table_remove(&calls->table, call);
        call = NULL;
    }
    if (!call)
        call = call_table_add(&calls->table, msg->call_id, msg->from_tag, now_ns);
    return call;
}

/* A call that is met in its middle: by a request that only a dialog has. */
static struct call *join_late(struct calls *calls, const struct sip_msg *msg, int64_t now_ns)
{
    struct call *call = call_table_add(&calls->table, msg->call_id, msg->from_tag, now_ns);
    struct dialog *dialog =
        call_table_dialog(&calls->table, call, call_table_tag_hash(&calls->table, msg->to_tag));
    if (dialog)
        dialog->is_confirmed_unseen = true;
    call->is_direction_unknown = true;
    calls->joined_late++;
    return call;
}

static void hear(struct calls *calls, struct call *call, bool is_caller)
{
    call->last_seen_ns = calls->now_ns;
    call->heard |= is_caller ? HEARD_CALLER : HEARD_CALLEE;
}

/*
 * A call that one request in a dialog made us believe in, and its answer shows that there is none:
 * 481, or 408 of a proxy that reached nobody.
 */
static bool is_refuted(const struct call *call, const struct sip_msg *msg)
{
    return call->is_direction_unknown && call->heard != HEARD_BOTH && !msg->is_request &&
           (msg->status == 481 || msg->status == 408);
}

static void describe_call(struct calls *calls, struct call *call, const struct sip_msg *msg)
{
    if (call->from_uri.len > 0 || call->is_direction_unknown)
        return;
    call->from_uri = call_table_keep(&calls->table, call, msg->from_uri);
    call->to_uri = call_table_keep(&calls->table, call, msg->to_uri);
    if (msg->is_request)
        call->user_agent = call_table_keep(&calls->table, call, msg->user_agent);
}

/* The dialog that a message with both tags belongs to; made if it is new. */
static struct dialog *dialog_of(struct calls *calls, struct call *call, bool from_caller,
                                const struct sip_msg *msg)
{
    struct slice tag = from_caller ? msg->to_tag : msg->from_tag;
    return call_table_dialog(&calls->table, call, call_table_tag_hash(&calls->table, tag));
}

/* The INVITE again with credentials: its predecessors were challenged, seen or not. */
static void infer_challenges(struct calls *calls, struct call *call, const struct transaction *now)
{
    for (EACH_TRANSACTION(node, call)) {
        struct transaction *t = transaction_at(node);
        if (t != now && t->cseq < now->cseq && !t->is_reinvite && ip_eq(&t->src.ip, &now->src.ip) &&
            ip_eq(&t->dst.ip, &now->dst.ip))
            invite_inferred(calls, t);
    }
}

/* A request within a dialog: the INVITE that began it was answered, seen or not. */
static void infer_beginning(struct calls *calls, struct call *call, bool from_caller,
                            const struct datagram *datagram)
{
    const struct ip_addr *client = from_caller ? &datagram->src.ip : &datagram->dst.ip;
    const struct ip_addr *server = from_caller ? &datagram->dst.ip : &datagram->src.ip;
    invite_inferred_beginning(calls, call, client, server);
}

static void handle_invite(struct calls *calls, const struct datagram *datagram,
                          const struct sip_msg *msg)
{
    bool from_caller = true;
    struct call *call;
    if (msg->has_to_tag) {
        call = call_table_find_msg(&calls->table, msg, &from_caller);
        if (!call)
            call = join_late(calls, msg, datagram->time_ns);
        else if (call->phase == PHASE_ENDED)
            return;
    } else {
        call = call_of_initial_invite(calls, msg, datagram->time_ns);
        if (!call)
            return;
    }
    hear(calls, call, from_caller);
    if (msg->has_to_tag)
        infer_beginning(calls, call, from_caller, datagram);
    uint64_t via_hash = call_table_via_hash(&calls->table, &msg->top_via);
    struct transaction *t = call_find_transaction(call, via_hash, msg->cseq);
    if (!t && !(t = call_table_add_transaction(&calls->table, call)))
        return;
    if (!t->has_request) {
        describe_call(calls, call, msg);
        t->via_hash = via_hash;
        t->cseq = msg->cseq;
        t->via_count = msg->via_count;
        invite_describe(calls, t, datagram, msg);
    }
    if (!t->is_reinvite && msg->cseq > call->highest_cseq)
        call->highest_cseq = msg->cseq;
    invite_sent(calls, t, datagram);
    if (t->has_credentials && !t->is_reinvite)
        infer_challenges(calls, call, t);
    media_steps_saw(calls, call, msg->has_to_tag ? dialog_of(calls, call, from_caller, msg) : NULL,
                    from_caller, msg, datagram->time_ns);
    tell_delays(calls, call);
    settle(calls, call);
}

/* A transaction of which only this response was seen so far; its request may yet come, or never. */
static struct transaction *add_unseen(struct calls *calls, struct call *call, uint64_t via_hash,
                                      const struct datagram *datagram, const struct sip_msg *msg,
                                      bool is_reinvite)
{
    struct transaction *t = call_table_add_transaction(&calls->table, call);
    if (!t)
        return NULL;
    t->via_hash = via_hash;
    t->cseq = msg->cseq;
    t->via_count = msg->via_count;
    t->src = datagram->dst;
    t->dst = datagram->src;
    t->is_reinvite = is_reinvite;
    return t;
}

static void note_answer(struct dialog *dialog, struct transaction *t, int64_t now_ns)
{
    if (!dialog->answered_by || t->via_count < dialog->answered_by->via_count) {
        dialog->answered_by = t;
        dialog->answered_ns = now_ns;
        dialog->answers = 0;
    }
    if (dialog->answered_by == t)
        dialog->answers++;
}

/* Does an INVITE of this CSeq wait for the host that sent this response? */
static bool answers_other_branch(const struct call *call, const struct datagram *datagram,
                                 uint32_t cseq)
{
    for (EACH_TRANSACTION(node, call)) {
        const struct transaction *t = transaction_at(node);
        if (t->has_request && t->cseq == cseq && t->first_response_ns == CALL_NO_TIME &&
            ip_eq(&t->dst.ip, &datagram->src.ip))
            return true;
    }
    return false;
}

/* True where it answers what it belongs to. */
static bool handle_invite_response(struct calls *calls, const struct datagram *datagram,
                                   const struct sip_msg *msg)
{
    bool from_caller;
    struct call *call = call_table_find_msg(&calls->table, msg, &from_caller);
    if (call && call->phase == PHASE_ENDED)
        return true;
    if (!call)
        call = call_table_add(&calls->table, msg->call_id, msg->from_tag, datagram->time_ns);
    if (is_refuted(call, msg)) {
        call_table_remove(&calls->table, call);
        return true;
    }
    hear(calls, call, !from_caller);
    uint64_t via_hash = call_table_via_hash(&calls->table, &msg->top_via);
    struct transaction *t = call_find_transaction(call, via_hash, msg->cseq);
    bool answers = (t && t->has_request) || !answers_other_branch(call, datagram, msg->cseq);
    calls->unmatched_responses += !answers;
    if (!t) {
        bool is_reinvite =
            !from_caller ||
            (call->highest_cseq > 0 && msg->cseq > call->highest_cseq && call->phase == PHASE_UP);
        t = add_unseen(calls, call, via_hash, datagram, msg, is_reinvite);
        if (!t)
            return answers;
    }
    describe_call(calls, call, msg);
    if (!invite_responded(calls, t, datagram, msg)) {
        settle(calls, call);
        return false;
    }
    struct dialog *dialog =
        msg->status > 100 && msg->has_to_tag ? dialog_of(calls, call, from_caller, msg) : NULL;
    if (dialog && msg->status >= 200 && msg->status < 300 && !t->is_reinvite)
        note_answer(dialog, t, datagram->time_ns);
    if (dialog)
        media_steps_saw(calls, call, dialog, !from_caller, msg, datagram->time_ns);
    tell_delays(calls, call);
    settle(calls, call);
    return answers;
}

/* The INVITE of this client and CSeq that was refused, where none of that CSeq was accepted; or
 * NULL. */
static struct transaction *find_refused(const struct call *call, const struct ip_addr *client,
                                        uint32_t cseq)
{
    struct transaction *refused = NULL;
    for (EACH_TRANSACTION(node, call)) {
        struct transaction *t = transaction_at(node);
        if (t->cseq != cseq)
            continue;
        if (t->final_status >= 200 && t->final_status < 300)
            return NULL;
        if (t->final_status >= 300 && ip_eq(&t->src.ip, client))
            refused = t;
    }
    return refused;
}

/* RFC 3261 section 17.1.1.3: with the INVITE's branch it acknowledges a failure, else a 2xx. */
static void handle_ack(struct calls *calls, struct call *call, bool from_caller,
                       const struct datagram *datagram, const struct sip_msg *msg)
{
    uint64_t via_hash = call_table_via_hash(&calls->table, &msg->top_via);
    struct transaction *t = call_find_transaction(call, via_hash, msg->cseq);
    if (!t) /* some clients give the ACK of a failure a branch of its own */
        t = find_refused(call, &datagram->src.ip, msg->cseq);
    bool is_of_2xx = !t || (t->final_status >= 200 && t->final_status < 300);
    if (!is_of_2xx) {
        invite_inferred(calls, t);
        if (t->failure_ack_ns == CALL_NO_TIME)
            t->failure_ack_ns = datagram->time_ns;
        return;
    }
    invite_inferred_all(calls, call, &datagram->src.ip, &datagram->dst.ip, msg->cseq);
    struct dialog *dialog = dialog_of(calls, call, from_caller, msg);
    if (!dialog)
        return;
    bool is_of_invite = !dialog->answered_by || dialog->answered_by->cseq == msg->cseq;
    if (from_caller && is_of_invite && dialog->ack_ns == CALL_NO_TIME)
        dialog->ack_ns = datagram->time_ns;
    media_steps_saw(calls, call, dialog, from_caller, msg, datagram->time_ns);
}

static void handle_cancel(struct calls *calls, struct call *call, const struct datagram *datagram,
                          const struct sip_msg *msg)
{
    uint64_t via_hash = call_table_via_hash(&calls->table, &msg->top_via);
    struct transaction *t = call_find_transaction(call, via_hash, msg->cseq);
    if (!t)
        return;
    if (msg->is_request)
        invite_presumed(calls, t);
    if (t->cancel_ns == CALL_NO_TIME)
        t->cancel_ns = datagram->time_ns;
}

/* Was a response seen that makes a dialog? 100 makes none (RFC 3261 section 12.1). */
static bool was_dialog_in_view(const struct call *call)
{
    const struct transaction *first = call_first_transaction(call);
    return first && (first->has_early_response || first->final_status != 0);
}

static void handle_bye(struct calls *calls, struct call *call, bool from_caller,
                       const struct datagram *datagram, const struct sip_msg *msg)
{
    struct dialog *dialog = dialog_of(calls, call, from_caller, msg);
    if (!dialog)
        return;
    /*
     * Only a caller may send BYE in an early dialog (RFC 3261 section 15), and where no response
     * was seen at all the one that made the dialog was missed.
     */
    if (!from_caller || !was_dialog_in_view(call))
        dialog->is_confirmed_unseen = true;
    infer_beginning(calls, call, from_caller, datagram);
    if (dialog->bye_ns == CALL_NO_TIME || dialog->is_bye_guessed) {
        dialog->bye_ns = datagram->time_ns;
        dialog->bye_by = from_caller ? ENDED_BY_CALLER : ENDED_BY_CALLEE;
        dialog->is_bye_guessed = false;
    }
}

/* A response to a BYE whose request was not in view, or comes later. */
static void handle_bye_response(struct calls *calls, struct call *call, bool from_caller,
                                const struct datagram *datagram, const struct sip_msg *msg)
{
    struct dialog *dialog = dialog_of(calls, call, from_caller, msg);
    if (!dialog || dialog->bye_ns != CALL_NO_TIME || msg->status < 200 || msg->status >= 300)
        return;
    dialog->bye_ns = datagram->time_ns;
    dialog->bye_by = from_caller ? ENDED_BY_CALLER : ENDED_BY_CALLEE;
    dialog->is_bye_guessed = true;
}

/* PRACK and UPDATE: there was a response with a To tag before them. */
static void handle_in_dialog(struct calls *calls, struct call *call, bool from_caller,
                             const struct datagram *datagram, const struct sip_msg *msg)
{
    struct dialog *dialog = dialog_of(calls, call, from_caller, msg);
    if (!dialog)
        return;
    if (msg->is_request)
        infer_beginning(calls, call, from_caller, datagram);
    media_steps_saw(calls, call, dialog, msg->is_request ? from_caller : !from_caller, msg,
                    datagram->time_ns);
}

/* Everything else of a call: requests within it, and the responses to them. */
static void handle_other(struct calls *calls, const struct datagram *datagram,
                         const struct sip_msg *msg)
{
    bool from_caller;
    struct call *call = call_table_find_msg(&calls->table, msg, &from_caller);
    bool is_of_dialog =
        msg->is_request && msg->has_to_tag && msg->has_from_tag && msg->method == SIP_BYE;
    if (!call && is_of_dialog)
        call = join_late(calls, msg, datagram->time_ns);
    if (!call)
        return;
    if (is_refuted(call, msg)) {
        call_table_remove(&calls->table, call);
        return;
    }
    hear(calls, call, msg->is_request == from_caller);
    if (call->phase == PHASE_ENDED)
        return;
    if (msg->method == SIP_CANCEL)
        handle_cancel(calls, call, datagram, msg);
    else if (msg->method == SIP_ACK)
        handle_ack(calls, call, from_caller, datagram, msg);
    else if (msg->method == SIP_BYE && msg->is_request)
        handle_bye(calls, call, from_caller, datagram, msg);
    else if (msg->method == SIP_BYE)
        handle_bye_response(calls, call, from_caller, datagram, msg);
    else if ((msg->method == SIP_PRACK || msg->method == SIP_UPDATE) && msg->has_to_tag)
        handle_in_dialog(calls, call, from_caller, datagram, msg);
    settle(calls, call);
}

void calls_message(struct calls *calls, const struct datagram *datagram, const struct sip_msg *msg)
{
    if (msg->is_request) {
        peers_saw_request(&calls->peers, &datagram->src, &datagram->dst, datagram->time_ns);
        if (msg->method == SIP_INVITE)
            handle_invite(calls, datagram, msg);
        else
            handle_other(calls, datagram, msg);
        return;
    }
    bool answers = true;
    if (msg->method == SIP_INVITE)
        answers = handle_invite_response(calls, datagram, msg);
    else
        handle_other(calls, datagram, msg);
    peers_saw_response(&calls->peers, &datagram->src, &datagram->dst, msg->status,
                       sip_method_name(msg->method), answers, calls->now_ns);
}
