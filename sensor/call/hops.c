#include "call/hops.h"

#include <string.h>

/* Who hunts tries the next target so soon after the last sending to the one before. */
#define SOON_NS INT64_C(10000000000)

enum { STATUS_TIMEOUT = 408 };

static bool passes_on(const struct transaction *from, const struct transaction *to)
{
    return from->has_request && to->has_request && from != to && from->cseq == to->cseq &&
           to->via_count > from->via_count && ip_eq(&from->dst.ip, &to->src.ip);
}

const struct transaction *hops_next(const struct transaction *transaction)
{
    const struct transaction *next = NULL;
    for (EACH_TRANSACTION(node, transaction->call)) {
        const struct transaction *at = transaction_at(node);
        if (passes_on(transaction, at) && (!next || at->via_count < next->via_count))
            next = at;
    }
    return next;
}

const struct transaction *hops_previous(const struct transaction *transaction)
{
    const struct transaction *previous = NULL;
    for (EACH_TRANSACTION(node, transaction->call)) {
        const struct transaction *at = transaction_at(node);
        if (passes_on(at, transaction) && (!previous || at->via_count > previous->via_count))
            previous = at;
    }
    return previous;
}

static bool gave_up_upstream(const struct transaction *transaction)
{
    const struct transaction *previous = hops_previous(transaction);
    return previous && previous->final_status >= 300 &&
           previous->final_ns >= transaction->findings->last_sent_ns;
}

/* Hunting, failover (RFC 3263 section 4.3), a new connection: the same call once more, at once. */
static void read_other_attempts(const struct transaction *transaction, struct hop_facts *facts)
{
    int64_t last_ns = transaction->findings->last_sent_ns;
    for (EACH_TRANSACTION(node, transaction->call)) {
        const struct transaction *at = transaction_at(node);
        if (at == transaction || !at->has_request || at->is_reinvite ||
            !ip_eq(&at->src.ip, &transaction->src.ip) || at->first_sent_ns < last_ns)
            continue;
        if (!endpoint_eq(&at->dst, &transaction->dst))
            facts->went_elsewhere |= at->first_sent_ns - last_ns <= SOON_NS;
        else
            facts->answered_again |= at->first_response_ns != CALL_NO_TIME;
    }
}

void hops_read(const struct transaction *transaction, struct hop_facts *facts)
{
    const struct transaction *last = transaction, *next;
    facts->hops = 1;
    /* Each has more Vias than the one before, and a call few transactions: both ways end. */
    for (const struct transaction *at = transaction; (at = hops_previous(at)) != NULL;)
        facts->hops++;
    while ((next = hops_next(last)) != NULL) {
        last = next;
        facts->hops++;
    }
    facts->last_src = last->src;
    facts->last_dst = last->dst;
    facts->last_sent_ns = last->first_sent_ns;
    facts->last_status = last->first_response_ns != CALL_NO_TIME ? last->last_status : 0;
    facts->is_last = last == transaction;
    facts->gave_up_upstream = gave_up_upstream(transaction);
    read_other_attempts(transaction, facts);
}

/* A next hop, of several forks any, whose 408 came before this one's. */
static const struct transaction *forwarded_from(const struct transaction *transaction)
{
    for (EACH_TRANSACTION(node, transaction->call)) {
        const struct transaction *at = transaction_at(node);
        if (passes_on(transaction, at) && at->final_status == STATUS_TIMEOUT &&
            at->final_ns <= transaction->final_ns)
            return at;
    }
    return NULL;
}

struct endpoint hops_timeout_made_by(const struct transaction *transaction)
{
    const struct transaction *next;
    struct endpoint nobody;
    memset(&nobody, 0, sizeof nobody);
    if (!hops_next(transaction))
        return nobody;
    while ((next = forwarded_from(transaction)) != NULL)
        transaction = next;
    return transaction->dst;
}
