/* What the destination does for others and did for this caller, while it does not answer here. */
#include "verdict/rules.h"

#include <inttypes.h>

#include "verdict/peer_answers.h"

#define NS_PER_S  1e9
#define NS_PER_MS 1e6

enum { RULES_OTHERS_MANY = 3, RULES_INVITES_MANY = 5 };
/* One who is turned away may have been meant himself. */
enum { RULES_REFUSED_MANY = 2 };
enum { RULES_ANSWERED_MANY = 2 };
enum { STATUS_TRYING = 100 };

static bool ever_answered_here(const struct view *view)
{
    return view->endpoint &&
           view->endpoint->answered_over_ns[view->facts->transport] != EVENT_NO_TIME;
}

/*
 * The host answers, but over another transport than the one that was asked; if it takes that one,
 * too, at another port, then it is the port that is wrong or dead. A destination that registered is
 * where it registered from: what else answers from its address is another client. And one that used
 * to answer here, and now sends nothing at all, is rather down.
 */
static bool is_asked_wrongly(const struct view *view, enum transport other)
{
    bool is_registered = view->endpoint && view->endpoint->registered_ns != EVENT_NO_TIME;
    return other != TRANSPORT_COUNT && !rules_answers_alike(view) && !view->is_passed_on &&
           !is_registered && !(view->is_silent && ever_answered_here(view));
}

/* One exchange with a stranger may be forged, in both names: it takes this caller, or others. */
static bool is_surely_answering(const struct view *view, enum transport other)
{
    const struct unanswered_facts *facts = view->facts;
    struct peers_others others;
    peers_read_others(view->peers, &facts->dst.endpoint, other, &facts->src.endpoint.ip,
                      facts->first_sent_ns - RULES_ANSWERED_LATELY_NS, facts->gave_up_ns, &others);
    return others.client_too || others.clients >= RULES_ANSWERED_MANY;
}

/* At another port there may be another service; or another host, behind the same NAT. */
static enum confidence trust_wrong_transport(const struct view *view, enum transport other,
                                             uint16_t port)
{
    const struct unanswered_facts *facts = view->facts;
    if (port != facts->dst.endpoint.port)
        return CONFIDENCE_LOW;
    return view->has_long_ladder &&
                   view->host->answered_over_ns[facts->transport] == EVENT_NO_TIME &&
                   !view->is_silent && is_surely_answering(view, other)
               ? CONFIDENCE_HIGH
               : CONFIDENCE_MEDIUM;
}

bool rule_wrong_transport(const struct view *view, struct cause *cause)
{
    const struct unanswered_facts *facts = view->facts;
    struct endpoint answering = {.ip = facts->dst.endpoint.ip};
    char answering_text[ENDPOINT_TEXT_MAX];
    enum transport other = rules_other_transport(view, &answering.port);
    if (!is_asked_wrongly(view, other))
        return false;
    const char *asked = transport_name(facts->transport), *answers = transport_name(other);
    rules_set(cause, CAUSE_WRONG_TRANSPORT, trust_wrong_transport(view, other, answering.port));
    rules_say(
        cause->summary,
        "This INVITE to %s, sent %s, got nothing: over %s it %s, but its host %s answers over "
        "%s.",
        view->dst_text, view->times_text, asked,
        ever_answered_here(view) ? "does not answer any more" : "was never seen to answer",
        endpoint_format(&answering, answering_text), answers);
    rules_say(cause->next_step,
              "Send to it over %s (the trunk's transport; dig NAPTR and SRV of its name), or find "
              "out why its %s does not answer: does it listen (ss %s), does a firewall let %s "
              "through?",
              answers, asked, transport_is_reliable(facts->transport) ? "-ltnp" : "-lunp", asked);
    if (answering.port != facts->dst.endpoint.port)
        rules_add_sentence(cause->next_step, "Or is it the port %u that is wrong?",
                           facts->dst.endpoint.port);
    if (facts->transport == TRANSPORT_TCP && facts->request.octets > RULES_UDP_OCTETS_MAX)
        rules_add_sentence(cause->next_step,
                           "It may be its size (%" PRIu32 " octets) that took it off UDP (RFC 3261 "
                           "18.1.1): offer fewer codecs.",
                           facts->request.octets);
    return true;
}

/* Has it been answering again since it last turned somebody away? Who tries may refuse yet. */
static bool has_recovered(const struct view *view)
{
    const struct peer *peer = view->endpoint;
    return peer && peer->answered_method && peer->answered_status > STATUS_TRYING &&
           peer->last_answer_ns > view->others.last_refused_ns;
}

/* One exchange with a stranger may be forged: it takes this caller, or two others. */
static bool is_surely_overloaded(const struct view *view)
{
    const struct peers_others *others = &view->others;
    const struct peers_told *told = &view->told;
    bool is_said =
        told->shed_percent > 0 ||
        (others->is_slow ? others->refused > 0
                         : others->refused >= RULES_REFUSED_MANY && others->retry_after_s > 0);
    return is_said && (told->overload_client_too || told->overload_clients >= RULES_REFUSED_MANY ||
                       others->is_slow_to_several);
}

/* What turned others away, and then falls silent, may have died as well; and who stops early may
 * have been turned away like them, out of sight. What asks its clients to send less says itself
 * that it is overloaded. */
static enum confidence trust_overloaded(const struct view *view)
{
    const struct peers_others *others = &view->others;
    if (view->is_silent || unanswered_stopped_early(view->facts) ||
        (has_recovered(view) && !others->is_slow))
        return CONFIDENCE_LOW;
    return is_surely_overloaded(view) && view->has_long_ladder ? CONFIDENCE_HIGH
                                                               : CONFIDENCE_MEDIUM;
}

static void say_overload(const struct view *view, struct cause *cause)
{
    const struct peers_others *others = &view->others;
    char client[IP_TEXT_MAX];
    if (others->refused > 0)
        rules_say(cause->summary,
                  "%s answered %s%u request%s of others with 503 in the last minute, of %s most "
                  "lately.",
                  view->dst_text, others->refused < ANSWERS_REFUSALS_EACH ? "" : "at least ",
                  others->refused, others->refused == 1 ? "" : "s",
                  ip_format(&others->refused_client, client));
    else
        rules_say(cause->summary, "%s answers others, but slowly.", view->dst_text);
    if (others->retry_after_s > 0)
        rules_go_on(cause->summary, " (Retry-After: %" PRIu32 " s)", others->retry_after_s);
    if (others->is_slow)
        rules_go_on(cause->summary,
                    "; its first responses to others took %.0f ms (median of %u), usually %.0f ms",
                    (double)others->median_ns / NS_PER_MS, others->delays,
                    (double)others->usual_median_ns / NS_PER_MS);
    if (others->refused > 0 && !others->is_slow && has_recovered(view))
        rules_go_on(cause->summary, "; it has given other answers since (%s with %u)",
                    view->endpoint->answered_method, view->endpoint->answered_status);
    rules_go_on(cause->summary, "; this INVITE, sent %s, got no response", view->times_text);
    if (view->is_silent)
        rules_go_on(cause->summary,
                    ", nor did anything else come from it meanwhile, so it may be down");
}

/* It refuses others for want of capacity, or answers them far later than it used to. */
bool rule_overloaded(const struct view *view, struct cause *cause)
{
    if (view->others.refused == 0 && !view->others.is_slow)
        return false;
    rules_set(cause, CAUSE_DESTINATION_OVERLOADED, trust_overloaded(view));
    say_overload(view, cause);
    rules_say(
        cause->next_step,
        "%sLook at the load of %s and its limits (top, ss -lunp for full queues; Asterisk: core "
        "show channels, FreeSWITCH: status, Kamailio: kamctl stats), and send it less until "
        "it has recovered: other routes, Retry-After heeded.",
        view->is_silent ? "Ping it first: is it up at all? " : "", view->dst_text);
    return true;
}

static enum confidence trust_selective(const struct view *view)
{
    const struct pair_view *pair = &view->pair;
    bool never_answered = pair->answered_ns == EVENT_NO_TIME;
    /* Who stops early and never heard from it may have been answered out of sight. */
    if (!view->has_long_ladder && (view->facts->transmissions < 2 || pair->replies == 0))
        return CONFIDENCE_LOW;
    if (rules_is_mostly_lost(view)) /* it may be loss again, and no choice of the destination's */
        return view->has_long_ladder ? CONFIDENCE_MEDIUM : CONFIDENCE_LOW;
    return never_answered && view->others.clients >= RULES_OTHERS_MANY &&
                   pair->invites + 1 >= RULES_INVITES_MANY &&
                   pair->invites_unanswered == pair->invites && view->has_long_ladder &&
                   !rules_is_largest(view)
               ? CONFIDENCE_HIGH
               : CONFIDENCE_MEDIUM;
}

/* It answered this caller while the INVITE waited. */
static bool is_answering_caller(const struct view *view)
{
    return view->pair.answered_ns != EVENT_NO_TIME &&
           view->pair.answered_ns >= view->facts->first_sent_ns;
}

/* Whom it answered, and what. */
static void say_whom_it_answered(const struct view *view, struct cause *cause)
{
    const struct peer *peer = view->endpoint;
    char client[ENDPOINT_TEXT_MAX];
    if (!rules_knows_answer(view))
        rules_say(cause->summary, "%s answered others meanwhile over %s.", view->dst_text,
                  transport_name(view->facts->transport));
    else if (ip_eq(&peer->answered_client.ip, &view->facts->src.endpoint.ip))
        rules_say(cause->summary,
                  "%s answered other requests of this caller meanwhile (%s with %u).",
                  view->dst_text, peer->answered_method, peer->answered_status);
    else
        rules_say(cause->summary, "%s answered others meanwhile (%s of %s with %u).",
                  view->dst_text, peer->answered_method,
                  endpoint_format(&peer->answered_client, client), peer->answered_status);
    rules_go_on(cause->summary, ", but not this INVITE, which was sent %s", view->times_text);
}

/* Is its latest answer to this caller one that rules_told.c speaks of? */
static bool is_told_of(const struct view *view)
{
    const struct pair_view *pair = &view->pair;
    return (view->told.retry_after_s > 0 && view->told.retry_after_ns == pair->answered_ns) ||
           (rules_was_challenged(view) && pair->challenged_ns == pair->answered_ns);
}

/* What it did for this caller before. */
static void say_caller_before(const struct view *view, struct cause *cause)
{
    const struct pair_view *pair = &view->pair;
    int64_t sent_ns = view->facts->first_sent_ns;
    char span[RULES_SPAN_TEXT_MAX];
    if (is_answering_caller(view))
        rules_go_on(cause->summary, "; it answers this caller's other requests (%u)",
                    pair->answered_status);
    else if (is_told_of(view))
        return;
    else if (pair->answered_ns != EVENT_NO_TIME)
        rules_go_on(cause->summary, "; it answered this caller %s before (%u)",
                    rules_format_span(sent_ns - pair->answered_ns, span), pair->answered_status);
    else if (pair->invites_unanswered > 0)
        rules_go_on(cause->summary,
                    "; none of this caller's %" PRIu64 " INVITEs was ever seen answered",
                    pair->invites + 1);
}

static void advise_selective(const struct view *view, struct cause *cause)
{
    bool is_once =
        view->facts->transmissions == 1 && !transport_is_reliable(view->facts->transport);
    if (is_once)
        rules_say(cause->next_step,
                  "It was never repeated, as scanners do and phones do not: if %s is none of "
                  "yours, it is right that nobody answers it.",
                  view->src_text);
    else if (rules_is_largest(view))
        rules_say(
            cause->next_step,
            "Only smaller INVITEs were answered: ping -s %u %s shows whether the path takes it, "
            "tcpdump -ni any host %s there whether all fragments arrive; offer fewer codecs or "
            "use TCP. Then look at the access list for %s.",
            view->facts->request.octets, view->dst_ip, view->src_ip, view->src_text);
    else if (rules_is_explained(view))
        rules_say(cause->next_step, "%s", ""); /* rules_told.c has it */
    else if (is_answering_caller(view))
        rules_say(
            cause->next_step,
            "It answers this caller, so no ban of its address is the reason: what does the "
            "log of %s say of this INVITE, does it arrive there (tcpdump -ni any host %s), is "
            "it too large for the path, does a flood limit drop it?",
            view->dst_text, view->src_ip);
    else if (view->pair.answered_ns != EVENT_NO_TIME)
        rules_say(
            cause->next_step,
            "It knew this caller: look for a ban since then (fail2ban-client status, iptables "
            "-nL) and at the log of %s. Capture there (tcpdump -ni any host %s).",
            view->dst_text, view->src_ip);
    else
        rules_say(cause->next_step,
                  "Look at the access list, the trunk's source address and fail2ban on %s: is %s "
                  "allowed there? Capture there (tcpdump -ni any host %s).",
                  view->dst_text, view->src_text, view->src_ip);
}

/* It answered others while this one waited. What it passed on, it did not refuse. */
bool rule_selective(const struct view *view, struct cause *cause)
{
    if (rules_answered_since_ns(view) == EVENT_NO_TIME || view->is_passed_on)
        return false;
    rules_set(cause, CAUSE_DESTINATION_SELECTIVE, trust_selective(view));
    say_whom_it_answered(view, cause);
    say_caller_before(view, cause);
    if (rules_is_largest(view))
        rules_go_on(cause->summary,
                    "; of its %" PRIu32 " octets none was ever answered there, only up to %" PRIu32
                    ": fragments or the MTU may be why",
                    view->facts->request.octets, view->endpoint->answered_octets_max);
    advise_selective(view, cause);
    return true;
}

/* When it was last heard, and of how many others it has left since then. */
static void say_since_when(const struct view *view, struct cause *cause)
{
    const struct peer *peer = view->endpoint, *host = view->host;
    int64_t sent_ns = view->facts->first_sent_ns;
    char span[RULES_SPAN_TEXT_MAX], client[ENDPOINT_TEXT_MAX];
    if (peer && peer->answered_method && peer->last_answer_ns < sent_ns)
        rules_go_on(cause->summary, "; it last answered %s before (%s of %s with %u)",
                    rules_format_span(sent_ns - peer->last_answer_ns, span), peer->answered_method,
                    endpoint_format(&peer->answered_client, client), peer->answered_status);
    else if (host->has_sent)
        rules_go_on(cause->summary, "; the last packet from it came %s before",
                    rules_format_span(sent_ns - host->last_packet_ns, span));
    if (!host->has_answered && view->peers->forgotten == 0)
        rules_go_on(cause->summary, "; the sensor has never seen it answer");
    if (peer && peer->unanswered > 0)
        rules_go_on(cause->summary, "; %" PRIu64 " other INVITE%s got no response since either%s",
                    peer->unanswered, peer->unanswered == 1 ? "" : "s",
                    peer->unanswered_callers_differ ? ", of several callers" : "");
}

/* A telephone behind a NAT that has forgotten it (RFC 4787: after 2 minutes at the earliest, in the
 * field after 30 s). */
static void say_binding(const struct view *view, struct cause *cause)
{
    static const struct {
        int64_t idle_ns;
        const char *words;
    } ages[] = {{120 * INT64_C(1000000000), "has most likely closed"},
                {60 * INT64_C(1000000000), "has probably closed"},
                {RULES_BINDING_IDLE_NS, "may have closed"}};
    int64_t idle_ns = rules_binding_idle_ns(view);
    char idle[RULES_SPAN_TEXT_MAX], since[RULES_SPAN_TEXT_MAX];
    if (idle_ns < RULES_BINDING_IDLE_NS)
        return;
    size_t i = 0;
    while (idle_ns < ages[i].idle_ns)
        i++;
    rules_go_on(
        cause->summary,
        "; it registered %s before and was idle for %s, so that its NAT binding, if it is "
        "behind one, %s",
        rules_format_span(view->facts->first_sent_ns - view->endpoint->registered_ns, since),
        rules_format_span(idle_ns, idle), ages[i].words);
    rules_say(cause->next_step,
              "If %s is behind a NAT, keep its binding open: keep-alives at the phone every 25 s, "
              "or OPTIONS from the registrar (Asterisk pjsip: qualify_frequency=25, Kamailio: "
              "nathelper natping_interval). Otherwise: is it on, and does it still answer a ping?",
              view->dst_text);
}

/* A short ladder may be one burst of loss; several of them, one after the other, are not. */
static enum confidence trust_silent(const struct view *view)
{
    const struct peer *peer = view->endpoint;
    if (view->has_long_ladder)
        return rules_left_others(view) ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM;
    return peer && peer->unanswered_repeated + 1 >= RULES_PATTERN_MIN &&
                   view->facts->transmissions > 1 && !unanswered_stopped_early(view->facts)
               ? CONFIDENCE_MEDIUM
               : CONFIDENCE_LOW;
}

/* How often it was sent meanwhile, and if it was given up early, when. */
static void say_ladder(const struct view *view, struct cause *cause)
{
    const struct unanswered_facts *facts = view->facts;
    rules_go_on(cause->summary, ", in which this INVITE was sent %s", view->times_text);
    if (view->has_long_ladder)
        return;
    if (facts->transmissions > 1)
        rules_go_on(cause->summary, ", all in the first %.1f s",
                    (double)(facts->last_sent_ns - facts->first_sent_ns) / NS_PER_S);
    else if (unanswered_stopped_early(facts))
        rules_go_on(cause->summary, " and not repeated, as if it had been answered");
}

/* Nothing at all came from it, of any protocol. */
bool rule_silent(const struct view *view, struct cause *cause)
{
    const struct unanswered_facts *facts = view->facts;
    if (!view->is_silent)
        return false;
    rules_set(cause, CAUSE_DESTINATION_SILENT, trust_silent(view));
    rules_say(cause->summary, "%s sent nothing at all for %.0f s.", view->dst_text,
              (double)(facts->gave_up_ns - facts->first_sent_ns) / NS_PER_S);
    say_ladder(view, cause);
    rules_say(cause->next_step,
              "Is %s up and reachable? Ping it and capture at its side (tcpdump -ni any port %u); "
              "look at the firewall and the route between.",
              view->dst_text, facts->dst.endpoint.port);
    say_since_when(view, cause);
    say_binding(view, cause);
    if (facts->transmissions == 1 && unanswered_stopped_early(facts))
        rules_add_sentence(cause->next_step,
                           "If it was answered after all, does the mirror (SPAN) port copy both "
                           "directions (rx and tx) of the port to it?");
    return true;
}
