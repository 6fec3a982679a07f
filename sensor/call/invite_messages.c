/* INVITE requests and the responses to them. */
#include "call/call_outcome.h"
#include "call/hops.h"
#include "call/invite.h"
#include "call/media_steps.h"
#include "call/messages.h"

/* An INVITE without a To tag begins a call, or goes on with it. */
static struct call *call_of_initial_invite(struct calls *calls, const struct sip_msg *msg,
                                           int64_t sent_ns)
{
    struct call *call = call_table_find(&calls->table, msg->call_id, msg->from_tag);
    if (call && (call->phase == PHASE_ENDED || call->is_told)) {
        if (msg->cseq <= call->highest_cseq || sent_ns <= call->last_seen_ns)
            return call->phase == PHASE_ENDED ? NULL : call; /* late, or from another hop */
        /* Dialled again. An INVITE of the old call that still waits keeps it, behind the new one.
         */
        if (call_waiting(call) == 0)
            call_table_remove(&calls->table, call);
        call = NULL;
    }
    if (!call)
        call = call_table_add(&calls->table, msg->call_id, msg->from_tag, sent_ns);
    return call;
}

static bool has_request(const struct call *call)
{
    for (EACH_TRANSACTION(node, call))
        if (transaction_at(node)->has_request)
            return true;
    return false;
}

/* By its first INVITE or, as far as they tell, by responses that are shown before it. */
static void describe_call(struct calls *calls, struct call *call, const struct sip_msg *msg)
{
    if (call->is_direction_unknown || has_request(call))
        return;
    if (!call->from_uri) {
        call->from_uri = call_table_keep(&calls->table, call, msg->from_uri);
        call->to_uri = call_table_keep(&calls->table, call, msg->to_uri);
    }
    if (msg->is_request)
        call->user_agent = call_table_keep(&calls->table, call, msg->user_agent);
}

/*
 * The INVITE again with credentials: its predecessors to the same place that had none were
 * challenged, seen or not. Not those that were repeated for long, as what is answered is not: then
 * the credentials are of an earlier call.
 */
static void infer_challenges(struct calls *calls, struct call *call, const struct transaction *now)
{
    for (EACH_TRANSACTION(node, call)) {
        struct transaction *t = transaction_at(node);
        if (t != now && t->cseq < now->cseq && !t->is_reinvite && !t->has_credentials &&
            ip_eq(&t->src.ip, &now->src.ip) && endpoint_eq(&t->dst, &now->dst) &&
            !invite_is_insisted_on(t))
            invite_inferred(calls, t);
    }
}

/*
 * The INVITE is shown after what followed it: an ACK or a BYE of a dialog, of which no answer was
 * seen, came later than it and shows that it was answered.
 */
static void infer_from_dialogs(struct calls *calls, struct call *call, const struct transaction *t)
{
    for (EACH_DIALOG(node, call)) {
        const struct dialog *dialog = dialog_at(node);
        if (!dialog->answered_by &&
            (dialog->ack_ns >= t->first_sent_ns || dialog->bye_ns >= t->first_sent_ns)) {
            invite_inferred_beginning(calls, call, &t->src.ip, &t->dst.ip);
            return;
        }
    }
}

/* The host that it comes from passed it on: that is known of it then, once for each. */
static void note_hop(struct calls *calls, const struct transaction *t)
{
    if (t->transmissions == 0 && t->via_count > 1 && hops_previous(t))
        peers_passed_on(&calls->peers, &t->src.ip);
}

void calls_invite(struct calls *calls, const struct datagram *datagram, const struct sip_msg *msg,
                  struct slice scanner)
{
    bool from_caller = true;
    struct call *call;
    if (msg->has_to_tag) {
        call = call_table_find_msg(&calls->table, msg, &from_caller);
        if (!call)
            call = calls_join_late(calls, msg, datagram->time_ns);
        else if (call->phase == PHASE_ENDED)
            return;
    } else {
        call = call_of_initial_invite(calls, msg, datagram->time_ns);
        if (!call)
            return;
    }
    calls_hear(call, from_caller, datagram->time_ns);
    if (msg->has_to_tag)
        calls_infer_beginning(calls, call, from_caller, datagram);
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
        t->findings->scanner = scanner; /* anybody can send it again in another's name */
        call->is_of_scanner = scanner.len > 0;
        call->is_scanner_guessed = slice_eq(scanner, SCANNERS_BEHAVIOUR);
        call_table_set_scanner(&calls->table, t, scanner.len > 0);
        invite_tell_sensors(calls, t, CALLS_SAW_REQUEST, datagram, msg);
    }
    if (!t->is_reinvite && msg->cseq > call->highest_cseq)
        call->highest_cseq = msg->cseq;
    note_hop(calls, t);
    invite_sent(calls, t, datagram, msg);
    if (!t->is_reinvite)
        infer_from_dialogs(calls, call, t);
    if (t->has_credentials && !t->is_reinvite)
        infer_challenges(calls, call, t);
    media_steps_saw(calls, call,
                    msg->has_to_tag ? calls_dialog_of(calls, call, from_caller, msg) : NULL,
                    from_caller, datagram, msg);
    calls_tell_delays(calls, call);
    calls_settle(calls, call);
}

void calls_copy(struct calls *calls, const struct datagram *datagram, const struct sip_msg *msg)
{
    bool from_caller;
    if (!msg->is_request || msg->method != SIP_INVITE)
        return;
    struct call *call = call_table_find_msg(&calls->table, msg, &from_caller);
    struct transaction *t = NULL;
    if (call)
        t = call_find_transaction(call, call_table_via_hash(&calls->table, &msg->top_via),
                                  msg->cseq);
    if (t)
        invite_seen_at(calls, t, datagram);
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
    t->transport = datagram->transport;
    t->is_reinvite = is_reinvite;
    return t;
}

static void note_answer(struct dialog *dialog, struct transaction *t, int64_t now_ns)
{
    if (!dialog->answered_by || t->via_count < dialog->answered_by->via_count) {
        dialog->answered_by = t;
        dialog->answered_ns = now_ns;
        dialog->is_answered_again = false;
    } else if (dialog->answered_by == t) {
        dialog->is_answered_again = true;
    }
}

/* The INVITE of this CSeq that waits for the host that sent this response; NULL: none does. */
static struct transaction *find_other_branch(const struct call *call,
                                             const struct datagram *datagram, uint32_t cseq)
{
    for (EACH_TRANSACTION(node, call)) {
        struct transaction *t = transaction_at(node);
        if (t->has_request && t->cseq == cseq && t->first_response_ns == CALL_NO_TIME &&
            ip_eq(&t->dst.ip, &datagram->src.ip))
            return t;
    }
    return NULL;
}

/*
 * A response of no transaction in view. Between the very endpoints of one that waits, its Via was
 * rewritten; a proxy's other fork to the same host has another port at one end.
 */
static void note_mangled_via(struct transaction *waiting, const struct datagram *datagram,
                             const struct sip_msg *msg)
{
    if (endpoint_eq(&waiting->dst, &datagram->src) && endpoint_eq(&waiting->src, &datagram->dst))
        invite_mangled(waiting, datagram, msg, MANGLED_VIA);
}

/* A response of no call in view with the Via of an INVITE that waits: its Call-ID was rewritten. */
static void note_mangled_call_id(struct calls *calls, const struct datagram *datagram,
                                 const struct sip_msg *msg)
{
    uint64_t via_hash = call_table_via_hash(&calls->table, &msg->top_via);
    struct transaction *t =
        msg->top_via.has_cookie ? icmp_ties_find(&calls->icmp_ties, via_hash, msg->cseq) : NULL;
    if (t && call_table_is_waiting(t) &&
        slice_eq(arena_slice(t->findings->from_tag), msg->from_tag) &&
        ip_eq(&t->dst.ip, &datagram->src.ip))
        invite_mangled(t, datagram, msg, MANGLED_CALL_ID);
}

/* True where it answers what it belongs to. */
bool calls_invite_response(struct calls *calls, const struct datagram *datagram,
                           const struct sip_msg *msg)
{
    bool from_caller;
    struct call *call = call_table_find_msg(&calls->table, msg, &from_caller);
    if (call && call->phase == PHASE_ENDED)
        return true;
    if (!call) {
        note_mangled_call_id(calls, datagram, msg);
        call = call_table_add(&calls->table, msg->call_id, msg->from_tag, datagram->time_ns);
    }
    if (calls_is_refuted(call, msg)) {
        call_table_remove(&calls->table, call);
        return false;
    }
    calls_hear(call, !from_caller, datagram->time_ns);
    uint64_t via_hash = call_table_via_hash(&calls->table, &msg->top_via);
    struct transaction *t = call_find_transaction(call, via_hash, msg->cseq);
    bool is_asked = t && t->has_request;
    struct transaction *other = is_asked ? NULL : find_other_branch(call, datagram, msg->cseq);
    calls->unmatched_responses += other != NULL;
    if (other)
        note_mangled_via(other, datagram, msg);
    if (!t) {
        bool is_reinvite =
            !from_caller ||
            (call->highest_cseq > 0 && msg->cseq > call->highest_cseq && call->phase == PHASE_UP);
        t = add_unseen(calls, call, via_hash, datagram, msg, is_reinvite);
        if (!t)
            return is_asked;
    }
    describe_call(calls, call, msg);
    if (!invite_responded(calls, t, datagram, msg)) {
        calls_settle(calls, call);
        return false;
    }
    struct dialog *dialog = msg->status > 100 && msg->has_to_tag
                                ? calls_dialog_of(calls, call, from_caller, msg)
                                : NULL;
    if (dialog && msg->status >= 200 && msg->status < 300 && !t->is_reinvite) {
        note_answer(dialog, t, datagram->time_ns);
        call->is_of_scanner &= !call->is_scanner_guessed;
    }
    if (dialog)
        media_steps_saw(calls, call, dialog, !from_caller, datagram, msg);
    calls_tell_delays(calls, call);
    calls_settle(calls, call);
    return is_asked;
}
