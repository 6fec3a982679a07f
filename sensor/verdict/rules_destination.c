/* What the destination does for others and did for this caller, while it does not answer here. */
#include "verdict/rules.h"

#include <inttypes.h>

#include "verdict/peer_answers.h"

#define NS_PER_S  1e9
#define NS_PER_MS 1e6

enum { RULES_OTHERS_MANY = 3, RULES_INVITES_MANY = 5 };
/* Ports from here on are given to clients (Linux; RFC 6335 from 49152 on): what answers from one
 * may be another host behind the same NAT. */
enum { EPHEMERAL_PORT_MIN = 32768 };

static bool ever_answered_here(const struct view *view)
{
    return view->endpoint &&
           view->endpoint->answered_over_ns[view->facts->transport] != EVENT_NO_TIME;
}

static bool answered_here_lately(const struct view *view)
{
    return ever_answered_here(view) && view->endpoint->answered_over_ns[view->facts->transport] >=
                                           view->facts->first_sent_ns - RULES_ANSWERED_LATELY_NS;
}

/*
 * The host answers, but over another transport than the one that was asked. A destination that
 * registered is where it registered from: what else answers from its address is another client. And
 * one that used to answer here, and now sends nothing at all, is rather down.
 */
static bool is_asked_wrongly(const struct view *view, enum transport other)
{
    bool is_registered = view->endpoint && view->endpoint->registered_ns != EVENT_NO_TIME;
    return other != TRANSPORT_COUNT && !answered_here_lately(view) && !view->is_passed_on &&
           !is_registered && !(view->is_silent && ever_answered_here(view));
}

static enum confidence trust_wrong_transport(const struct view *view, uint16_t answering_port)
{
    if (answering_port >= EPHEMERAL_PORT_MIN && answering_port != view->facts->dst.endpoint.port)
        return CONFIDENCE_LOW;
    return view->has_long_ladder && !ever_answered_here(view) && !view->is_silent
               ? CONFIDENCE_HIGH
               : CONFIDENCE_MEDIUM;
}

bool rule_wrong_transport(const struct view *view, struct cause *cause)
{
    const struct unanswered_facts *facts = view->facts;
    enum transport other = rules_other_transport(view);
    if (!is_asked_wrongly(view, other))
        return false;
    const char *asked = transport_name(facts->transport), *answers = transport_name(other);
    uint16_t port = view->host->answered_port[other];
    rules_set(cause, CAUSE_WRONG_TRANSPORT, trust_wrong_transport(view, port));
    rules_say(cause->summary,
              "%s answers over %s (port %u), but not over %s: this INVITE, sent %s, got nothing%s.",
              view->dst_text, answers, port, asked, view->times_text,
              ever_answered_here(view) ? "" : ", and the sensor has never seen it answer there");
    rules_say(cause->next_step,
              "Send to it over %s (the trunk's transport; dig NAPTR and SRV of its name), or find "
              "out why its %s does not answer: does it listen (ss %s), does a firewall let %s "
              "through?",
              answers, asked, transport_is_reliable(facts->transport) ? "-ltnp" : "-lunp", asked);
    if (facts->transport == TRANSPORT_TCP && facts->request.octets > RULES_UDP_OCTETS_MAX)
        rules_add_sentence(cause->next_step,
                           "It may be its size (%" PRIu32 " octets) that took it off UDP (RFC 3261 "
                           "18.1.1): offer fewer codecs.",
                           facts->request.octets);
    return true;
}

/* It refuses others for want of capacity, or answers them far later than it used to. */
bool rule_overloaded(const struct view *view, struct cause *cause)
{
    const struct peers_others *others = &view->others;
    char client[IP_TEXT_MAX];
    bool refuses = others->refused > 0;
    if (!refuses && !others->is_slow)
        return false;
    rules_set(cause, CAUSE_DESTINATION_OVERLOADED,
              refuses && (others->is_slow || others->retry_after_s > 0) ? CONFIDENCE_HIGH
                                                                        : CONFIDENCE_MEDIUM);
    if (refuses)
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
    rules_go_on(cause->summary, "; this INVITE, sent %s, got no response", view->times_text);
    rules_say(
        cause->next_step,
        "Look at the load of %s and its limits (top, ss -lunp for full queues; Asterisk: core "
        "show channels, FreeSWITCH: status, Kamailio: kamctl stats), and send it less until "
        "it has recovered: other routes, Retry-After heeded.",
        view->dst_text);
    return true;
}

static enum confidence trust_selective(const struct view *view)
{
    const struct pair_view *pair = &view->pair;
    bool never_answered = pair->answered_ns == EVENT_NO_TIME;
    /* Who stops early and never heard from it may have been answered out of sight. */
    if (!view->has_long_ladder && (view->facts->transmissions < 2 || pair->replies == 0))
        return CONFIDENCE_LOW;
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

/* What it did for this caller before. */
static void say_caller_before(const struct view *view, struct cause *cause)
{
    const struct pair_view *pair = &view->pair;
    int64_t sent_ns = view->facts->first_sent_ns;
    char span[RULES_SPAN_TEXT_MAX];
    if (is_answering_caller(view))
        rules_go_on(cause->summary, "; it answers this caller's other requests (%u)",
                    pair->answered_status);
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
    if (rules_answered_others_ns(view) == EVENT_NO_TIME || view->is_passed_on)
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

/* Nothing at all came from it, of any protocol. */
bool rule_silent(const struct view *view, struct cause *cause)
{
    if (!view->is_silent)
        return false;
    const struct peer *peer = view->endpoint;
    bool several = peer && peer->unanswered > 0 &&
                   (peer->unanswered_callers_differ ||
                    !ip_eq(&peer->unanswered_caller, &view->facts->src.endpoint.ip));
    rules_set(cause, CAUSE_DESTINATION_SILENT,
              !view->has_long_ladder ? CONFIDENCE_LOW
              : several              ? CONFIDENCE_HIGH
                                     : CONFIDENCE_MEDIUM);
    rules_say(
        cause->summary, "%s sent nothing at all for %.0f s, in which this INVITE was sent %s.",
        view->dst_text, (double)(view->facts->gave_up_ns - view->facts->first_sent_ns) / NS_PER_S,
        view->times_text);
    rules_say(cause->next_step,
              "Is %s up and reachable? Ping it and capture at its side (tcpdump -ni any port %u); "
              "look at the firewall and the route between.",
              view->dst_text, view->facts->dst.endpoint.port);
    say_since_when(view, cause);
    say_binding(view, cause);
    return true;
}
