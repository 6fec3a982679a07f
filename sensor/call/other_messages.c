/* ACK, CANCEL, BYE, PRACK, UPDATE and all else of a call, and the responses to them. */
#include "call/call_outcome.h"
#include "call/invite.h"
#include "call/media_steps.h"
#include "call/messages.h"

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
    struct dialog *dialog = calls_dialog_of(calls, call, from_caller, msg);
    if (!dialog)
        return;
    bool is_of_invite = !dialog->answered_by || dialog->answered_by->cseq == msg->cseq;
    if (from_caller && is_of_invite && dialog->ack_ns == CALL_NO_TIME)
        dialog->ack_ns = datagram->time_ns;
    media_steps_saw(calls, call, dialog, from_caller, datagram, msg);
}

static void handle_cancel(struct calls *calls, struct call *call, const struct datagram *datagram,
                          const struct sip_msg *msg)
{
    uint64_t via_hash = call_table_via_hash(&calls->table, &msg->top_via);
    struct transaction *t = call_find_transaction(call, via_hash, msg->cseq);
    if (!t)
        return;
    if (msg->is_request && !invite_is_insisted_on(t))
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
    struct dialog *dialog = calls_dialog_of(calls, call, from_caller, msg);
    if (!dialog)
        return;
    /*
     * Only a caller may send BYE in an early dialog (RFC 3261 section 15), and where no response
     * was seen at all the one that made the dialog was missed.
     */
    if (!from_caller || !was_dialog_in_view(call))
        dialog->is_confirmed_unseen = true;
    calls_infer_beginning(calls, call, from_caller, datagram);
    /* Who hangs up has a call; where responses are out of sight nothing else shows it. */
    const struct transaction *first = call_first_transaction(call);
    if (from_caller && first && first->has_request && ip_eq(&first->src.ip, &datagram->src.ip))
        scanners_accepted(calls->scanners, &datagram->src.ip, datagram->time_ns);
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
    struct dialog *dialog = calls_dialog_of(calls, call, from_caller, msg);
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
    struct dialog *dialog = calls_dialog_of(calls, call, from_caller, msg);
    if (!dialog)
        return;
    if (msg->is_request)
        calls_infer_beginning(calls, call, from_caller, datagram);
    media_steps_saw(calls, call, dialog, msg->is_request ? from_caller : !from_caller, datagram,
                    msg);
}

/* Everything else of a call: requests within it, and the responses to them. */
void calls_other(struct calls *calls, const struct datagram *datagram, const struct sip_msg *msg)
{
    bool from_caller;
    struct call *call = call_table_find_msg(&calls->table, msg, &from_caller);
    bool is_of_dialog =
        msg->is_request && msg->has_to_tag && msg->has_from_tag && msg->method == SIP_BYE;
    if (!call && is_of_dialog)
        call = calls_join_late(calls, msg, datagram->time_ns);
    if (!call)
        return;
    if (calls_is_refuted(call, msg)) {
        call_table_remove(&calls->table, call);
        return;
    }
    calls_hear(call, msg->is_request == from_caller, datagram->time_ns);
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
    calls_settle(calls, call);
}
