#include "call/call_outcome.h"

#include "call/hops.h"

/* RFC 3261 sections 21.4.2, 21.4.8 and 21.4.9. */
enum { STATUS_UNAUTHORIZED = 401, STATUS_PROXY_UNAUTHORIZED = 407, STATUS_TIMEOUT = 408 };

/* One may be stale, or meant for a proxy before the one that asks next. */
enum { AUTH_ATTEMPTS_MIN = 2 };

/* After an answer and a BYE only what the mirror shows late can still come; of a stream, what was
 * kept back by a hole. */
#define SETTLE_COMPLETED_NS        INT64_C(1000000000)
#define SETTLE_COMPLETED_STREAM_NS INT64_C(3000000000)

/* When the transaction was first heard of, by its request or else by a response. */
static int64_t seen_first(const struct transaction *t)
{
    return t->has_request ? t->first_sent_ns : t->first_response_ns;
}

static bool is_earlier_hop(const struct transaction *a, const struct transaction *b)
{
    if (a->has_request != b->has_request)
        return a->has_request;
    if (a->via_count != b->via_count)
        return a->via_count < b->via_count;
    return seen_first(a) < seen_first(b);
}

const struct transaction *call_first_transaction(const struct call *call)
{
    const struct transaction *first = NULL;
    for (EACH_TRANSACTION(node, call)) {
        const struct transaction *t = transaction_at(node);
        if (!t->is_reinvite && (!first || is_earlier_hop(t, first)))
            first = t;
    }
    return first;
}

bool call_is_first_hop(const struct transaction *first, const struct transaction *t)
{
    return !t->is_reinvite && t->has_request == first->has_request &&
           t->via_count == first->via_count && ip_eq(&t->src.ip, &first->src.ip);
}

/* What the first hop's transactions say together. */
struct first_hop {
    const struct transaction *first;
    const struct transaction *newest; /* of the highest CSeq, the latest */
    bool has_response, has_early;
    const struct transaction *failed; /* the latest with a final response of 300 or more */
};

static void read_first_hop(const struct call *call, struct first_hop *hop)
{
    *hop = (struct first_hop){.first = call_first_transaction(call)};
    if (!hop->first)
        return;
    for (EACH_TRANSACTION(node, call)) {
        const struct transaction *t = transaction_at(node);
        if (!call_is_first_hop(hop->first, t))
            continue;
        if (!hop->newest || t->cseq > hop->newest->cseq ||
            (t->cseq == hop->newest->cseq && seen_first(t) >= seen_first(hop->newest)))
            hop->newest = t;
        hop->has_response |= t->first_response_ns != CALL_NO_TIME || t->inferred;
        hop->has_early |= t->has_early_response;
        if (t->final_status >= 300 && (!hop->failed || t->final_ns >= hop->failed->final_ns))
            hop->failed = t;
    }
}

static bool is_established(const struct call *call, const struct dialog *dialog,
                           const struct transaction *first)
{
    /* A call that is known from its middle must have been heard from both sides: anybody can send a
     * BYE. */
    if (call->is_direction_unknown && call->heard != HEARD_BOTH)
        return false;
    if (dialog->ack_ns != CALL_NO_TIME || dialog->is_confirmed_unseen)
        return true;
    return dialog->answered_by && first && call_is_first_hop(first, dialog->answered_by);
}

/* Does a transaction beside the newest still wait for its final response (a client that forks)? */
static bool has_pending_sibling(const struct call *call, const struct first_hop *hop)
{
    for (EACH_TRANSACTION(node, call)) {
        const struct transaction *t = transaction_at(node);
        if (t != hop->newest && call_is_first_hop(hop->first, t) && t->cseq == hop->newest->cseq &&
            t->has_early_response && t->final_status == 0 && t->timed_out_ns == CALL_NO_TIME)
            return true;
    }
    return false;
}

/* Did the caller cancel the attempt that this transaction is part of? */
static bool was_cancelled(const struct call *call, const struct first_hop *hop,
                          const struct transaction *attempt)
{
    for (EACH_TRANSACTION(node, call)) {
        const struct transaction *t = transaction_at(node);
        if (call_is_first_hop(hop->first, t) && t->cseq == attempt->cseq &&
            t->cancel_ns != CALL_NO_TIME)
            return true;
    }
    /* A BYE in an early dialog asks for the same (RFC 3261 section 15). */
    for (EACH_DIALOG(node, call))
        if (dialog_at(node)->bye_ns != CALL_NO_TIME && dialog_at(node)->bye_by == ENDED_BY_CALLER)
            return true;
    return false;
}

static void end_with(struct call_outcome *outcome, enum call_state state, int64_t ended_ns,
                     uint16_t status, enum ended_by by, int64_t settle_ns)
{
    *outcome =
        (struct call_outcome){PHASE_CLOSING, state, status, ended_ns, by, settle_ns, CALL_NO_TIME};
}

static bool is_over_stream(const struct call *call)
{
    for (EACH_TRANSACTION(node, call))
        if (transport_is_reliable(transaction_at(node)->transport))
            return true;
    return false;
}

/* Established dialogs decide alone: up while one of them has no BYE. */
static bool read_dialogs(const struct call *call, const struct first_hop *hop,
                         struct call_outcome *outcome)
{
    bool any = false;
    uint16_t status = 0;
    int64_t ended_ns = CALL_NO_TIME;
    enum ended_by by = ENDED_BY_UNKNOWN;
    outcome->phase = PHASE_UP;
    for (EACH_DIALOG(node, call)) {
        const struct dialog *dialog = dialog_at(node);
        if (!is_established(call, dialog, hop->first))
            continue;
        any = true;
        if (dialog->answered_by)
            status = dialog->answered_by->final_status;
        if (dialog->bye_ns == CALL_NO_TIME) {
            outcome->final_status = status;
            return true;
        }
        if (dialog->bye_ns >= ended_ns) {
            ended_ns = dialog->bye_ns;
            by = dialog->bye_by;
        }
    }
    if (any)
        end_with(outcome, CALL_STATE_COMPLETED, ended_ns, status, by,
                 is_over_stream(call) ? SETTLE_COMPLETED_STREAM_NS : SETTLE_COMPLETED_NS);
    return any;
}

/*
 * How long after a failure the same call may go on: a client answers a challenge, follows a
 * redirection or mends what was refused at once, but a person may be asked for a password first.
 */
static int64_t settle_after(uint16_t status, int64_t timer_b_ns)
{
    bool may_retry = status == 401 || status == 407 || status / 100 == 3 || status == 420 ||
                     status == 422 || status == 423;
    return may_retry ? timer_b_ns : CALL_T4_NS;
}

static void read_failure(const struct call *call, const struct first_hop *hop, int64_t timer_b_ns,
                         struct call_outcome *outcome)
{
    bool cancelled = was_cancelled(call, hop, hop->failed);
    uint16_t status = hop->failed->final_status;
    end_with(outcome, cancelled ? CALL_STATE_CANCELLED : CALL_STATE_FAILED, hop->failed->final_ns,
             status, cancelled ? ENDED_BY_CALLER : ENDED_BY_UNKNOWN,
             settle_after(status, timer_b_ns));
}

/* Timer B ran out for the newest attempt; an earlier one may have got a response. */
static void read_timeout(const struct first_hop *hop, struct call_outcome *outcome)
{
    int64_t ended_ns = hop->newest->timed_out_ns;
    if (hop->failed) {
        end_with(outcome, CALL_STATE_FAILED, ended_ns, hop->failed->final_status, ENDED_BY_UNKNOWN,
                 CALL_T4_NS);
    } else if (!hop->has_response) {
        end_with(outcome, CALL_STATE_UNANSWERED, ended_ns, 0, ENDED_BY_TIMEOUT, CALL_T4_NS);
    }
}

static bool is_repeated(const struct call *call)
{
    for (EACH_TRANSACTION(node, call))
        if (transaction_at(node)->timer_b.position > 0 && transaction_at(node)->transmissions > 1)
            return true;
    return false;
}

/* What its transactions and dialogs say, whether or not there is such a call. */
static void read_parts(const struct call *call, const struct first_hop *seen, int64_t timer_b_ns,
                       int64_t now_ns, struct call_outcome *outcome)
{
    const struct first_hop hop = *seen;
    *outcome = (struct call_outcome){.phase = PHASE_TRYING, .look_again_ns = CALL_NO_TIME};
    if (read_dialogs(call, &hop, outcome))
        return;
    outcome->phase = hop.has_response    ? PHASE_EARLY
                     : is_repeated(call) ? PHASE_REPEATED
                                         : PHASE_TRYING;
    const struct transaction *newest = hop.newest;
    if (!newest || has_pending_sibling(call, &hop))
        return;
    if (hop.failed && newest->final_status >= 300) {
        read_failure(call, &hop, timer_b_ns, outcome);
    } else if (newest->timed_out_ns != CALL_NO_TIME) {
        read_timeout(&hop, outcome);
    } else if (newest->failure_ack_ns != CALL_NO_TIME) {
        bool cancelled = was_cancelled(call, &hop, newest);
        end_with(outcome, cancelled ? CALL_STATE_CANCELLED : CALL_STATE_FAILED,
                 newest->failure_ack_ns, 0, cancelled ? ENDED_BY_CALLER : ENDED_BY_UNKNOWN,
                 timer_b_ns);
    } else if (newest->cancel_ns != CALL_NO_TIME) {
        /* The client may forget the INVITE 64*T1 after its CANCEL (RFC 3261 section 9.1). */
        outcome->look_again_ns = newest->cancel_ns + timer_b_ns;
        if (now_ns >= outcome->look_again_ns)
            end_with(outcome, CALL_STATE_CANCELLED, newest->cancel_ns, 0, ENDED_BY_CALLER, 0);
    }
}

void call_outcome_read(const struct call *call, int64_t timer_b_ns, int64_t now_ns,
                       struct call_outcome *outcome)
{
    struct first_hop hop;
    read_first_hop(call, &hop);
    read_parts(call, &hop, timer_b_ns, now_ns, outcome);
    bool is_proven = (hop.first && hop.first->has_request) || call->heard == HEARD_BOTH;
    if (!is_proven && outcome->phase != PHASE_CLOSING)
        outcome->phase = PHASE_UNPROVEN;
}

static int64_t later_by(int64_t from_ns, int64_t to_ns)
{
    return to_ns > from_ns ? to_ns - from_ns : 0;
}

static int64_t first_heard(const struct transaction *t)
{
    return t->first_response_ns;
}

/* What the caller hears of: ringing, or the result where it is no challenge and no redirection. */
static int64_t first_audible(const struct transaction *t)
{
    uint16_t status = t->final_status;
    if (t->ringing_ns != CALL_NO_TIME)
        return t->ringing_ns;
    bool is_result = status != 0 && status != 401 && status != 407 && status / 100 != 3;
    return is_result ? t->final_ns : CALL_NO_TIME;
}

/* From the call's first INVITE to the earliest of what `heard` says of the first hop's
 * transactions. */
static int64_t delay_until(const struct call *call, int64_t (*heard)(const struct transaction *))
{
    const struct transaction *first = call_first_transaction(call);
    int64_t earliest = CALL_NO_TIME;
    if (!first || !first->has_request)
        return EVENT_NO_DURATION;
    for (EACH_TRANSACTION(node, call)) {
        const struct transaction *t = transaction_at(node);
        int64_t heard_ns = call_is_first_hop(first, t) ? heard(t) : CALL_NO_TIME;
        if (heard_ns != CALL_NO_TIME && (earliest == CALL_NO_TIME || heard_ns < earliest))
            earliest = heard_ns;
    }
    return earliest == CALL_NO_TIME ? EVENT_NO_DURATION : later_by(first->first_sent_ns, earliest);
}

int64_t call_first_response_delay(const struct call *call)
{
    return delay_until(call, first_heard);
}

int64_t call_post_dial_delay(const struct call *call)
{
    return delay_until(call, first_audible);
}

/* Of those that the first hop saw answered, the first. */
static const struct dialog *first_answered(const struct call *call, bool is_open)
{
    const struct transaction *first = call_first_transaction(call);
    const struct dialog *earliest = NULL;
    for (EACH_DIALOG(node, call)) {
        const struct dialog *dialog = dialog_at(node);
        if (dialog->answered_by && first && call_is_first_hop(first, dialog->answered_by) &&
            (!is_open || dialog->bye_ns == CALL_NO_TIME) &&
            (!earliest || dialog->answered_ns < earliest->answered_ns))
            earliest = dialog;
    }
    return earliest;
}

const struct dialog *call_answered_dialog(const struct call *call)
{
    const struct dialog *open = first_answered(call, true);
    return open ? open : first_answered(call, false);
}

/* When the first hop saw its first 2xx. */
static int64_t answered_at(const struct call *call)
{
    const struct dialog *dialog = first_answered(call, false);
    return dialog ? dialog->answered_ns : CALL_NO_TIME;
}

/* A 2xx that was repeated and never acknowledged; unknown where neither an ACK nor a repeat was
 * seen. */
static void fill_ack_missing(const struct call *call, const struct transaction *first,
                             struct call_ended *event)
{
    for (EACH_DIALOG(node, call)) {
        const struct dialog *dialog = dialog_at(node);
        if (!dialog->answered_by || !call_is_first_hop(first, dialog->answered_by))
            continue;
        if (dialog->ack_ns != CALL_NO_TIME) {
            event->has_ack_missing = true;
        } else if (dialog->is_answered_again) {
            event->has_ack_missing = event->ack_missing = true;
            return;
        }
    }
}

/* Of the first hop's transactions the latest that got a 408 counts: it ended the call. */
static struct endpoint timeout_made_by(const struct call *call, const struct transaction *first)
{
    const struct transaction *timed_out = NULL;
    for (EACH_TRANSACTION(node, call)) {
        const struct transaction *t = transaction_at(node);
        if (first && call_is_first_hop(first, t) && t->final_status == STATUS_TIMEOUT)
            timed_out = t;
    }
    return timed_out ? hops_timeout_made_by(timed_out) : (struct endpoint){0};
}

static bool is_challenge(uint16_t status)
{
    return status == STATUS_UNAUTHORIZED || status == STATUS_PROXY_UNAUTHORIZED;
}

/* How often its credentials were challenged again; 0: fewer than AUTH_ATTEMPTS_MIN times. */
static uint32_t count_auth_attempts(const struct call *call, const struct transaction *first)
{
    uint32_t attempts = 0;
    for (EACH_TRANSACTION(node, call)) {
        const struct transaction *t = transaction_at(node);
        attempts += first && call_is_first_hop(first, t) && t->has_credentials &&
                    is_challenge(t->final_status);
    }
    return attempts < AUTH_ATTEMPTS_MIN ? 0 : attempts;
}

void call_outcome_fill(const struct call *call, const struct call_outcome *outcome,
                       struct call_ended *event)
{
    const struct transaction *first = call_first_transaction(call);
    *event = (struct call_ended){
        .call_id = arena_slice(call->call_id),
        .from_uri = arena_slice(call->from_uri),
        .to_uri = arena_slice(call->to_uri),
        .user_agent = arena_slice(call->user_agent),
        .state = outcome->state,
        .final_status = outcome->final_status,
        .started_ns = EVENT_NO_TIME,
        .answered_ns = answered_at(call),
        .ended_ns = outcome->ended_ns,
        .duration_ns = EVENT_NO_DURATION,
        .first_response_ns = call_first_response_delay(call),
        .post_dial_delay_ns = call_post_dial_delay(call),
        .ended_by = outcome->ended_by,
        .is_of_scanner = call->is_of_scanner,
    };
    if (first) {
        event->src.endpoint = first->src;
        event->dst.endpoint = first->dst;
    }
    if (first && first->has_request) {
        event->started_ns = first->first_sent_ns;
        event->invite_transmissions = first->transmissions;
    }
    if (event->answered_ns != EVENT_NO_TIME)
        event->duration_ns = later_by(event->answered_ns, outcome->ended_ns);
    if (first)
        fill_ack_missing(call, first, event);
    if (outcome->final_status == STATUS_TIMEOUT)
        event->timeout_made_by.endpoint = timeout_made_by(call, first);
    if (is_challenge(outcome->final_status))
        event->auth_attempts = count_auth_attempts(call, first);
}
