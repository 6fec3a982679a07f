#include "call/invite.h"

#include "call/call_events.h"
#include "call/call_facts.h"
#include "call/invite_partial.h"
#include "call/request_marks.h"
#include "call/response_marks.h"
#include "sip/sip_uri.h"

/* RFC 3261 section 17.1.1.2: Timer B is 64*T1. */
enum {
    T1_PER_TIMER_B = 64,
    STRUGGLING_TRANSMISSIONS = 3,
    INSISTED_TRANSMISSIONS = 4, /* over 3.5 s: no response takes so long, and is lost as often */
};

/* A sender's T1 is believed up to this (RFC 3261 section 17.1.1.1 allows larger ones on slow
 * links). */
#define T1_MAX_NS INT64_C(4000000000)

/* So long an answer of the other sensors may take. */
#define ASK_BEFORE_NS INT64_C(2000000000)

/* No two sendings of one request are further apart: 64*T1 with the longest T1. */
#define GAP_MAX_NS (T1_PER_TIMER_B * T1_MAX_NS)

int64_t invite_t1_ns(const struct calls *calls)
{
    return calls->params.timer_b_ns / T1_PER_TIMER_B;
}

static const struct arena_text *keep(struct calls *calls, struct transaction *t, struct slice text)
{
    const struct call *call = t->call;
    const struct arena_text *known[] = {call->from_uri, call->from_tag, call->to_uri,
                                        call->user_agent};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (slice_eq(arena_slice(known[i]), text))
            return known[i];
    return call_table_keep_finding(&calls->table, t, text);
}

/* What was taken as reaching the client did not. */
static void void_responses(struct transaction *t)
{
    for (EACH_DIALOG(node, t->call)) {
        struct dialog *dialog = dialog_at(node);
        if (dialog->answered_by == t)
            dialog->answered_by = NULL;
    }
    t->first_response_ns = t->ringing_ns = t->final_ns = t->last_response_ns = CALL_NO_TIME;
    t->final_status = 0;
    t->has_early_response = t->port_differs = t->is_partial = false;
}

/* They went elsewhere. */
static void void_stray_responses(struct calls *calls, struct transaction *t)
{
    calls->stray_responses++;
    if (t->findings) {
        t->findings->stray.count++;
        t->findings->stray.last_ns = t->last_response_ns;
        t->findings->stray.last_status = t->last_status;
    }
    void_responses(t);
}

/* Responses were seen before the request: did they go to where it came from? */
static void judge_early_responses(struct calls *calls, struct transaction *t,
                                  const struct endpoint *went_to)
{
    if (t->first_response_ns == CALL_NO_TIME || endpoint_eq(went_to, &t->src))
        return;
    t->findings->stray.src = t->dst;
    t->findings->stray.dst = *went_to;
    bool is_reliable = transport_is_reliable(t->transport);
    if (!ip_eq(&went_to->ip, &t->src.ip) || (t->asked_rport && !is_reliable))
        void_stray_responses(calls, t);
    else if (!is_reliable)
        t->port_differs = true;
}

/* Where it goes to next, whatever its Request-URI says (RFC 3261 section 8.1.2). */
static struct slice first_route_host(const struct sip_msg *msg)
{
    struct sip_name_addr route;
    struct sip_uri uri;
    struct slice value = sip_msg_header(msg, SIP_HEADER_ROUTE);
    if (value.len == 0 || !sip_name_addr_parse(value, &route) || !sip_uri_parse(route.uri, &uri))
        return SLICE_NONE;
    return uri.host;
}

static void keep_words(struct calls *calls, struct transaction *t, const struct sip_msg *msg)
{
    struct findings *findings = t->findings;
    findings->branch = keep(calls, t, msg->top_via.branch);
    findings->request_uri = keep(calls, t, msg->request_uri);
    findings->from_uri = keep(calls, t, msg->from_uri);
    findings->from_tag = keep(calls, t, msg->from_tag);
    findings->to_uri = keep(calls, t, msg->to_uri);
    findings->user_agent = keep(calls, t, msg->user_agent);
    findings->next_hop = keep(calls, t, first_route_host(msg));
}

static void note_request(struct calls *calls, struct transaction *t,
                         const struct datagram *datagram, const struct sip_msg *msg)
{
    struct findings *findings = t->findings;
    keep_words(calls, t, msg);
    request_marks_read(datagram, msg, &findings->request);
    findings->stray.expected = request_marks_response_target(&t->src, &msg->top_via);
}

/* Nothing is left of it that could be told as unanswered. */
static void drop_findings(struct calls *calls, struct transaction *t)
{
    if (!call_table_is_waiting(t) && !t->port_differs && !t->is_partial)
        call_table_drop_findings(&calls->table, t);
}

void invite_describe(struct calls *calls, struct transaction *t, const struct datagram *datagram,
                     const struct sip_msg *msg)
{
    struct endpoint responses_went_to = t->src;
    t->has_request = true;
    t->is_reinvite = msg->has_to_tag;
    t->has_credentials = msg->has_credentials;
    t->asked_rport = msg->top_via.has_rport;
    t->transport = datagram->transport;
    t->src = datagram->src;
    t->dst = datagram->dst;
    call_table_findings(&calls->table, t);
    note_request(calls, t, datagram, msg);
    judge_early_responses(calls, t, &responses_went_to);
}

/* Does this gap between two sendings double the one before, as Timer A does? A packet may be
 * jittered. */
static bool doubles(int64_t gap_ns, int64_t before_ns)
{
    return gap_ns * 10 >= before_ns * 17 && gap_ns * 10 <= before_ns * 23;
}

/*
 * 64*T1 with the sender's own T1 where a ladder of three sendings shows it to be longer: one gap
 * alone may hide a sending that the mirror lost.
 */
static int64_t timer_b(const struct calls *calls, const struct transaction *t)
{
    const struct findings *findings = t->findings;
    int64_t t1_ns = invite_t1_ns(calls);
    if (t->transmissions >= 3 && !findings->ladder_broken &&
        findings->first_gap_ns > t1_ns + t1_ns / 10)
        t1_ns = findings->first_gap_ns < T1_MAX_NS ? findings->first_gap_ns : T1_MAX_NS;
    else
        return calls->params.timer_b_ns;
    return T1_PER_TIMER_B * t1_ns;
}

/* When to ask the other sensors, so that they have answered when Timer B runs out. */
static int64_t ask_ns(const struct calls *calls, int64_t deadline_ns)
{
    int64_t half_ns = calls->params.timer_b_ns / 2;
    return deadline_ns - (half_ns < ASK_BEFORE_NS ? half_ns : ASK_BEFORE_NS);
}

/* When its timer fires next. Where Timer B turns out to be longer, they are asked once more. */
static int64_t next_deadline(const struct calls *calls, struct transaction *t, int64_t now_ns)
{
    int64_t deadline_ns = t->first_sent_ns + timer_b(calls, t);
    int64_t early_ns = ask_ns(calls, deadline_ns);
    if (!calls->params.tell_sensors)
        return deadline_ns;
    t->findings->is_asked = t->findings->is_asked && early_ns <= now_ns;
    return t->findings->is_asked ? deadline_ns : early_ns;
}

void invite_tell_sensors(struct calls *calls, const struct transaction *t, enum calls_word word,
                         const struct datagram *datagram, const struct sip_msg *msg)
{
    if (!calls->params.tell_sensors)
        return;
    struct calls_sighting sighting = {
        .call_id = msg->call_id,
        .branch = msg->top_via.branch,
        .cseq = msg->cseq,
        .transport = t->transport,
        .dst = t->dst.ip,
        .first_sent_ns = datagram->time_ns,
        .now_ns = datagram->time_ns,
    };
    calls->params.tell_sensors(calls->params.context, word, &sighting);
}

bool invite_asks_sensors(struct calls *calls, struct transaction *t, int64_t now_ns)
{
    if (!calls->params.tell_sensors || t->findings->is_asked)
        return false;
    struct calls_sighting sighting = call_facts_sighting(t, t->findings, now_ns);
    calls->params.tell_sensors(calls->params.context, CALLS_ASK, &sighting);
    t->findings->is_asked = true;
    call_table_wait(&calls->table, t, t->first_sent_ns + timer_b(calls, t));
    return true;
}

static bool is_answered(const struct transaction *t)
{
    return t->first_response_ns != CALL_NO_TIME || t->inferred;
}

static void note_gap(struct findings *findings, int64_t gap_ns)
{
    if (gap_ns > GAP_MAX_NS)
        findings->ladder_broken = true; /* no Timer A waits so long; stamps may hold anything */
    if (findings->ladder_broken)
        return;
    if (findings->first_gap_ns == 0)
        findings->first_gap_ns = gap_ns;
    else if (!doubles(gap_ns, findings->last_gap_ns))
        findings->ladder_broken = true;
    findings->last_gap_ns = gap_ns;
}

static void note_sending(struct transaction *t, const struct datagram *datagram)
{
    struct findings *findings = t->findings;
    int64_t now_ns = datagram->time_ns;
    if (!findings)
        return;
    /* Over a connection there is no Timer A (RFC 3261 section 17.1.1.2). */
    if (findings->last_sent_ns != CALL_NO_TIME && now_ns > findings->last_sent_ns &&
        !transport_is_reliable(t->transport))
        note_gap(findings, now_ns - findings->last_sent_ns);
    if (findings->last_sent_ns == CALL_NO_TIME || now_ns > findings->last_sent_ns)
        findings->last_sent_ns = now_ns;
    findings->fragments_lost += datagram->incomplete;
}

/* Early enough for people to act before the caller gives up: a single lost packet is no reason. */
static void tell_struggling(struct calls *calls, struct transaction *t, int64_t now_ns)
{
    struct findings *findings = t->findings;
    if (!findings || findings->is_told_struggling || findings->scanner.len > 0 ||
        t->transmissions < STRUGGLING_TRANSMISSIONS || !call_table_is_waiting(t) ||
        transport_is_reliable(t->transport))
        return;
    findings->is_told_struggling = true;
    call_events_struggling(calls, t, now_ns);
}

/* Tells the memory of peers what became of it. */
static void remember(struct calls *calls, const struct transaction *t, int64_t now_ns,
                     bool stopped_early)
{
    const struct findings *findings = t->findings;
    if (!findings || findings->scanner.len > 0 || !t->has_request)
        return;
    bool is_answered = t->first_response_ns != CALL_NO_TIME;
    struct peers_invite invite = {
        .client = t->src.ip,
        .server = t->dst,
        .transport = t->transport,
        .octets = findings->request.octets,
        .places = call_facts_is_in_pieces(t) ? 0 : findings->places,
        .status = is_answered ? t->last_status : 0,
        .is_answered = is_answered,
        .is_repeated = t->transmissions > 1,
        .stopped_early = stopped_early,
        .delay_ns = is_answered ? t->first_response_ns - t->first_sent_ns : EVENT_NO_DURATION,
        .last_delay_ns =
            is_answered ? t->first_response_ns - findings->last_sent_ns : EVENT_NO_DURATION,
    };
    peers_saw_invite(&calls->peers, &invite, now_ns);
}

void invite_seen_at(struct calls *calls, struct transaction *t, const struct datagram *datagram)
{
    if (t->findings)
        t->findings->places |= places_bit(&calls->places, datagram);
}

static void infer(struct calls *calls, struct transaction *t, bool is_presumed)
{
    t->inferred = true;
    t->is_presumed = is_presumed;
    calls->inferred_answers += !is_presumed;
    call_table_stop_waiting(&calls->table, t);
    drop_findings(calls, t);
}

void invite_timed_out(struct calls *calls, struct transaction *t, int64_t deadline_ns)
{
    struct findings *findings = t->findings;
    struct unanswered_facts facts;
    if (invite_partial_may_be_answer(calls, t, deadline_ns)) {
        infer(calls, t, true);
        return;
    }
    /* How its source behaves is known better now than when it was sent. */
    if (t->transmissions == 1 && findings->scanner.len == 0)
        findings->scanner = scanners_source(calls->scanners, &t->src.ip, deadline_ns);
    if (findings->scanner.len > 0)
        t->call->is_of_scanner = true;
    t->timed_out_ns = deadline_ns;
    call_events_unanswered(calls, t, deadline_ns, &facts);
    remember(calls, t, deadline_ns, unanswered_stopped_early(&facts));
    drop_findings(calls, t);
}

/* Who sends again wants an answer, as scanners do not: their addresses may be in others' use. */
static void show_insistence(struct calls *calls, struct transaction *t)
{
    struct findings *findings = t->findings;
    if (transport_is_reliable(t->transport))
        return;
    scanners_insists(calls->scanners, &t->src.ip);
    if (findings && slice_eq(findings->scanner, SCANNERS_BEHAVIOUR)) {
        findings->scanner = SLICE_NONE;
        t->call->is_of_scanner = false;
        call_table_set_scanner(&calls->table, t, false);
    }
}

/* It goes on, so what may have answered it did not. */
static void judge_responses_anew(struct calls *calls, struct transaction *t, int64_t now_ns)
{
    invite_partial_sent_again(calls, t, now_ns);
    if ((!t->port_differs && !t->is_partial) || now_ns - t->first_response_ns < invite_t1_ns(calls))
        return;
    t->port_is_void |= t->port_differs;
    t->partial_is_void |= t->is_partial;
    if (t->port_differs)
        void_stray_responses(calls, t);
    else
        void_responses(t);
}

void invite_sent(struct calls *calls, struct transaction *t, const struct datagram *datagram,
                 const struct sip_msg *msg)
{
    int64_t now_ns = datagram->time_ns;
    invite_seen_at(calls, t, datagram);
    if (t->findings)
        request_marks_read_again(datagram, msg, &t->findings->request);
    icmp_ties_sent(&calls->icmp_ties, t, datagram);
    if (!ip_eq(&t->src.ip, &datagram->src.ip) || !ip_eq(&t->dst.ip, &datagram->dst.ip)) {
        /* Seen before and after a NAT, or on two links: one sending, not two. */
        t->other_src = datagram->src.ip;
        return;
    }
    if (t->first_sent_ns == CALL_NO_TIME || now_ns < t->first_sent_ns)
        t->first_sent_ns = now_ns;
    note_sending(t, datagram);
    call_table_count_transmission(&calls->table, t);
    if (t->transmissions > 1)
        show_insistence(calls, t);
    judge_responses_anew(calls, t, now_ns);
    if (!is_answered(t) && t->timed_out_ns == CALL_NO_TIME)
        call_table_wait(&calls->table, t, next_deadline(calls, t, now_ns));
    tell_struggling(calls, t, now_ns);
    drop_findings(calls, t);
}

static bool could_reach_client(const struct transaction *t, const struct datagram *datagram)
{
    if (!t->has_request)
        return true;
    if (!ip_eq(&datagram->dst.ip, &t->src.ip))
        return ip_eq(&datagram->dst.ip, &t->other_src);
    /* Of a connection's: over it or, where it is gone, over a new one to the sent-by port (RFC 3261
     * section 18.2.2). */
    if (transport_is_reliable(t->transport))
        return true;
    /*
     * Without rport a response rightly goes to the sent-by port, on which the client listens or
     * not: that is seen by whether it goes on sending.
     */
    return datagram->dst.port == t->src.port || (!t->asked_rport && !t->port_is_void);
}

static void note_stray(struct calls *calls, struct transaction *t, const struct datagram *datagram,
                       const struct sip_msg *msg)
{
    struct findings *findings = t->findings;
    calls->stray_responses++;
    if (!findings)
        return;
    findings->stray.count++;
    findings->stray.last_ns = datagram->time_ns;
    findings->stray.last_status = msg->status;
    findings->stray.src = datagram->src;
    findings->stray.dst = datagram->dst;
    response_marks_read(t, datagram, msg, true, &findings->response);
}

void invite_mangled(struct transaction *t, const struct datagram *datagram,
                    const struct sip_msg *msg, enum mangled what)
{
    struct findings *findings = t->findings;
    if (!findings)
        return;
    findings->mangled.count++;
    findings->mangled.last_ns = datagram->time_ns;
    findings->mangled.last_status = msg->status;
    findings->mangled.what = what;
    findings->mangled.src = datagram->src;
    findings->mangled.dst = datagram->dst;
    response_marks_read(t, datagram, msg, what != MANGLED_VIA, &findings->response);
}

bool invite_responded(struct calls *calls, struct transaction *t, const struct datagram *datagram,
                      const struct sip_msg *msg)
{
    int64_t now_ns = datagram->time_ns;
    if (!could_reach_client(t, datagram)) {
        note_stray(calls, t, datagram, msg);
        return false;
    }
    if (t->timed_out_ns != CALL_NO_TIME)
        return false; /* its client has given up */
    if (invite_partial_is_one(t, datagram, msg)) {
        invite_partial_note(calls, t, datagram, msg);
        if (!t->is_partial)
            return false;
    } else {
        t->is_partial = false;
    }
    if (t->has_request && !transport_is_reliable(t->transport) &&
        ip_eq(&datagram->dst.ip, &t->src.ip) && datagram->dst.port != t->src.port &&
        t->first_response_ns == CALL_NO_TIME) {
        t->port_differs = true;
        if (t->findings) {
            t->findings->stray.src = datagram->src;
            t->findings->stray.dst = datagram->dst;
        }
    }
    bool is_first = t->first_response_ns == CALL_NO_TIME;
    if (is_first || now_ns < t->first_response_ns)
        t->first_response_ns = now_ns;
    t->last_response_ns = now_ns;
    t->last_status = msg->status;
    if (is_first) {
        invite_tell_sensors(calls, t, CALLS_SAW_RESPONSE, datagram, msg);
        remember(calls, t, now_ns, false);
    }
    if (msg->status >= 180 && msg->status <= 189 && t->ringing_ns == CALL_NO_TIME)
        t->ringing_ns = now_ns;
    if (msg->status > 100 && msg->status < 200)
        t->has_early_response = true;
    if (msg->status >= 200 &&
        (t->final_status == 0 || (msg->status < 300 && t->final_status >= 300))) {
        t->final_status = msg->status;
        t->final_ns = now_ns;
    }
    call_table_stop_waiting(&calls->table, t);
    drop_findings(calls, t);
    return true;
}

static bool can_be_inferred(const struct transaction *t)
{
    return !is_answered(t) && t->has_request && t->timed_out_ns == CALL_NO_TIME;
}

bool invite_is_insisted_on(const struct transaction *t)
{
    return !transport_is_reliable(t->transport) && t->transmissions >= INSISTED_TRANSMISSIONS;
}

void invite_presumed(struct calls *calls, struct transaction *t)
{
    if (can_be_inferred(t))
        infer(calls, t, true);
}

void invite_inferred(struct calls *calls, struct transaction *t)
{
    bool is_new = can_be_inferred(t);
    if (is_new || t->is_presumed)
        peers_inferred_answer(&calls->peers, &t->src.ip, &t->dst.ip);
    calls->inferred_answers += t->is_presumed;
    t->is_presumed = false;
    if (is_new) {
        infer(calls, t, false);
    } else if (t->is_partial) {
        t->is_partial = false;
        drop_findings(calls, t);
    }
}

/* cseq NULL: those that began the call. */
static void infer_each(struct calls *calls, struct call *call, const struct ip_addr *client,
                       const struct ip_addr *server, const uint32_t *cseq)
{
    struct transaction *only = NULL;
    unsigned count = 0;
    for (EACH_TRANSACTION(node, call)) {
        struct transaction *t = transaction_at(node);
        bool is_meant = cseq ? t->cseq == *cseq : !t->is_reinvite;
        if (!t->has_request || !is_meant || !ip_eq(&t->src.ip, client))
            continue;
        only = t;
        count++;
        if (ip_eq(&t->dst.ip, server))
            invite_inferred(calls, t);
    }
    if (count == 1)
        invite_inferred(calls, only);
}

void invite_inferred_all(struct calls *calls, struct call *call, const struct ip_addr *client,
                         const struct ip_addr *server, uint32_t cseq)
{
    infer_each(calls, call, client, server, &cseq);
}

void invite_inferred_beginning(struct calls *calls, struct call *call, const struct ip_addr *client,
                               const struct ip_addr *server)
{
    infer_each(calls, call, client, server, NULL);
}
