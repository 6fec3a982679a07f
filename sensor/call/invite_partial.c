#include "call/invite_partial.h"

#include "call/invite.h"

bool invite_partial_is_one(const struct transaction *t, const struct datagram *datagram,
                           const struct sip_msg *msg)
{
    return t->findings && (datagram->incomplete || msg->defects & SIP_DEFECT_TRUNCATED) &&
           (t->first_response_ns == CALL_NO_TIME || t->is_partial);
}

void invite_partial_note(const struct calls *calls, struct transaction *t,
                         const struct datagram *datagram, const struct sip_msg *msg)
{
    struct findings *findings = t->findings;
    struct partial_facts *partial = &findings->partial;
    /* That fragments are missing is known late: it may have been sent again meanwhile. */
    bool is_void = findings->last_sent_ns - datagram->time_ns >= invite_t1_ns(calls);
    if (partial->count++ == 0 || datagram->time_ns >= partial->last_ns) {
        if (msg->status != partial->last_status)
            findings->partial_since_ns = datagram->time_ns;
        partial->last_ns = datagram->time_ns;
        partial->last_status = msg->status;
        partial->what = datagram->incomplete ? PARTIAL_FRAGMENTS : PARTIAL_TRUNCATED;
        partial->src = datagram->src;
        if (is_void)
            findings->void_status = msg->status;
    }
    if (t->is_partial)
        return;
    t->partial_is_void |= is_void;
    t->is_partial = !t->partial_is_void;
}

void invite_partial_sent_again(const struct calls *calls, struct transaction *t, int64_t now_ns)
{
    struct findings *findings = t->findings;
    if (findings && findings->partial.count > 0 &&
        now_ns - findings->partial_since_ns >= invite_t1_ns(calls))
        findings->void_status = findings->partial.last_status;
}

/*
 * The next sending, which Timer A makes as late again as the last one was (RFC 3261 section
 * 17.1.1.2), did not come though there was time for it: its client may have got the whole, and the
 * mirror missed the rest. But not if it went on after a part of the same status: it has no use for
 * such, or is not sent more, and fell silent for another reason.
 */
bool invite_partial_may_be_answer(const struct calls *calls, const struct transaction *t,
                                  int64_t deadline_ns)
{
    const struct findings *findings = t->findings;
    const struct partial_facts *partial = &findings->partial;
    return partial->count > 0 && partial->last_ns >= findings->last_sent_ns &&
           partial->last_status != findings->void_status &&
           2 * (findings->last_sent_ns - t->first_sent_ns + invite_t1_ns(calls)) <=
               deadline_ns - t->first_sent_ns;
}
