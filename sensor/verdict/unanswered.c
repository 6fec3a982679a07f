#include "verdict/unanswered.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A ladder of four sends over 7.5 s (RFC 3261 17.1.1.2 with T1 = 0.5 s) is no lost packet. */
enum { LADDER_SENDS_MIN = 4 };
#define LADDER_SPAN_MIN_NS INT64_C(7500000000)

/* What the rules look at, looked up once. */
struct view {
    const struct peers *peers;
    const struct unanswered_facts *facts;
    const struct peer *host;     /* the destination's address; NULL: forgotten */
    const struct peer *endpoint; /* address and port; NULL: forgotten */
    struct pair_view pair;       /* zeroes: forgotten */
    char dst_text[ENDPOINT_TEXT_MAX + 80];
    char src_text[ENDPOINT_TEXT_MAX + 80];
    char src_ip[IP_TEXT_MAX];
    char times_text[24]; /* "7 times", "once over TCP" */
};

static void name_endpoint(const struct named_endpoint *who, char *buf, size_t len)
{
    char text[ENDPOINT_TEXT_MAX];
    endpoint_format(&who->endpoint, text);
    if (who->name)
        snprintf(buf, len, "%s (%s)", who->name, text);
    else
        snprintf(buf, len, "%s", text);
}

static void set_cause(struct cause *cause, enum cause_code code, enum confidence confidence)
{
    cause->code = code;
    cause->confidence = confidence;
}

__attribute__((format(printf, 2, 3))) static void say(char *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(text, EVENT_SUMMARY_MAX, format, args);
    va_end(args);
}

/* There are fewer kinds than places. */
static struct evidence *add_evidence(struct cause *cause, const char *kind)
{
    assert(cause->evidence_count < EVENT_EVIDENCE_MAX);
    struct evidence *evidence = &cause->evidence[cause->evidence_count++];
    *evidence = (struct evidence){.kind = kind, .at_ns = EVENT_NO_TIME, .since_ns = EVENT_NO_TIME};
    return evidence;
}

static void add_ladder(const struct view *view, struct cause *cause)
{
    struct evidence *ladder = add_evidence(cause, "transmissions");
    ladder->count = view->facts->transmissions;
    ladder->since_ns = view->facts->first_sent_ns;
    ladder->at_ns = view->facts->last_sent_ns;
}

/* Was it sent often enough that no single lost packet explains it? TCP sees to that itself. */
static bool has_long_ladder(const struct unanswered_facts *facts)
{
    return transport_is_reliable(facts->transport) ||
           (facts->transmissions >= LADDER_SENDS_MIN &&
            facts->last_sent_ns - facts->first_sent_ns >= LADDER_SPAN_MIN_NS);
}

/* The other end of the connection, or what speaks in its name, reset it after the request. */
static bool is_refused(const struct unanswered_facts *facts)
{
    const struct connection_facts *connection = &facts->connection;
    return connection->is_known && connection->is_reset &&
           connection->reset_ns >= facts->first_sent_ns &&
           !endpoint_eq(&connection->reset_by, &facts->src.endpoint);
}

/* The request itself, or part of it, is among the octets that were never acknowledged. */
static bool is_unacknowledged(const struct unanswered_facts *facts)
{
    const struct connection_facts *connection = &facts->connection;
    return connection->is_known && connection->unacknowledged > 0 &&
           connection->unacknowledged_since_ns <= facts->first_sent_ns;
}

/* TCP repeats what an ICMP error stopped: it may have got through after all. */
static bool got_through_after_icmp(const struct unanswered_facts *facts)
{
    return facts->connection.is_known && !is_unacknowledged(facts) &&
           facts->connection.last_from_server_ns > facts->icmp.last_ns;
}

/*
 * Does an ICMP error show that no response came, even where responses are out of sight? It does
 * where what was sent last met with one, or where the client went on to the end, as it does when
 * nothing answers. Where it fell silent after a sending that no error followed, that one may have
 * been answered. TCP repeats by itself: there, acknowledgements must be in view.
 */
static bool is_stopped_by_icmp(const struct unanswered_facts *facts)
{
    const struct icmp_facts *icmp = &facts->icmp;
    if (icmp->count == 0 || got_through_after_icmp(facts))
        return false;
    if (transport_is_reliable(facts->transport))
        return facts->connection.is_known && facts->connection.last_from_server_ns != EVENT_NO_TIME;
    return icmp->last_ns >= facts->last_sent_ns || has_long_ladder(facts);
}

/* Is it known what became of this very request, whether or not the mirror shows responses? */
static bool is_fate_known(const struct unanswered_facts *facts)
{
    return is_stopped_by_icmp(facts) || is_refused(facts) || facts->strays > 0;
}

/* Between these two hosts only requests are mirrored: calls went on though no response was seen. */
static bool rule_pair_one_way(const struct view *view, struct cause *cause)
{
    if (view->pair.replies > 0 || view->pair.inferred == 0 || is_fate_known(view->facts))
        return false;
    set_cause(cause, CAUSE_MIRROR_ONE_WAY,
              view->pair.inferred >= 3 ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM);
    say(cause->summary,
        "The sensor has seen no SIP from %s to %s, yet %" PRIu64 " earlier INVITE%s went on as if "
        "answered: this direction is not mirrored.",
        view->dst_text, view->src_text, view->pair.inferred, view->pair.inferred == 1 ? "" : "s");
    say(cause->next_step,
        "Check that the mirror (SPAN) port copies both directions (rx and tx) of the port to %s.",
        view->dst_text);
    add_evidence(cause, "answered_unseen")->count = view->pair.inferred;
    add_ladder(view, cause);
    return true;
}

/* Others were answered by this destination, and yet nothing that it sends was ever seen. */
static bool rule_host_one_way(const struct view *view, struct cause *cause)
{
    const struct peer *host = view->host;
    if (!host || host->has_sent || host->answered_unseen == 0 || is_fate_known(view->facts))
        return false;
    set_cause(cause, CAUSE_MIRROR_ONE_WAY, CONFIDENCE_MEDIUM);
    say(cause->summary,
        "Nothing that %s sends has ever been seen, yet %" PRIu64 " INVITE%s of others went on as "
        "if it had answered: its direction is not mirrored.",
        view->dst_text, host->answered_unseen, host->answered_unseen == 1 ? "" : "s");
    say(cause->next_step,
        "Check that the mirror (SPAN) port copies both directions (rx and tx) of the port to %s.",
        view->dst_text);
    add_evidence(cause, "answered_unseen")->count = host->answered_unseen;
    add_ladder(view, cause);
    return true;
}

/* Nobody's responses were ever seen, and nothing at all from this destination. */
static bool rule_mirror_one_way(const struct view *view, struct cause *cause)
{
    bool proven = view->peers->inferred > 0;
    if (view->peers->responses > 0 || (view->host && view->host->has_sent) ||
        is_fate_known(view->facts) || (!proven && view->facts->icmp.count > 0))
        return false;
    set_cause(cause, CAUSE_MIRROR_ONE_WAY, proven ? CONFIDENCE_MEDIUM : CONFIDENCE_LOW);
    say(cause->summary,
        proven
            ? "No SIP response from anybody has been seen, yet other calls went on as if answered: "
              "one "
              "direction is not mirrored, so nothing can be said about %s."
            : "No SIP response from anybody has been seen since the sensor started: it cannot tell "
              "whether %s is silent or its direction is not mirrored.",
        view->dst_text);
    say(cause->next_step,
        "Check that the mirror (SPAN) port copies both directions (rx and tx), or capture at %s "
        "itself.",
        view->dst_text);
    struct evidence *evidence = add_evidence(cause, "no_response_from_anybody");
    evidence->since_ns = view->facts->first_sent_ns;
    if (proven)
        add_evidence(cause, "answered_unseen")->count = view->peers->inferred;
    add_ladder(view, cause);
    return true;
}

/* What the meanings of ICMP errors are called, and what to do at the one who sent it. */
static const struct icmp_advice {
    const char *words, *advice;
} icmp_advices[ICMP_MEANING_COUNT] = {
    [ICMP_PORT_UNREACHABLE] = {"port unreachable", "does the SIP service run there, and listen on "
                                                   "this port (ss -lntup)? A firewall that rejects "
                                                   "says the same."},
    [ICMP_HOST_UNREACHABLE] =
        {"host unreachable",
         "does it know the way to the destination (routes, ARP), and is that one up?"},
    [ICMP_ADMIN_PROHIBITED] =
        {"administratively prohibited",
         "its firewall or access list refuses this request; let it pass there."},
    [ICMP_PROTOCOL_UNREACHABLE] = {"protocol unreachable",
                                   "nothing there takes this protocol; is it the right address?"},
    [ICMP_TOO_BIG] =
        {"packet too big",
         "the request is larger than its next link takes; raise the MTU there, let the ICMP error "
         "reach "
         "the sender, send smaller INVITEs, or use TCP."},
    [ICMP_TIME_EXCEEDED] = {"time exceeded in transit",
                            "the packet went round until its TTL was used up; look for a routing "
                            "loop (traceroute to the "
                            "destination)."},
    [ICMP_FRAGMENTS_TIMED_OUT] = {"fragment reassembly time exceeded",
                                  "fragments of the request never came there; look for a firewall "
                                  "or NAT before it that drops "
                                  "fragments, send smaller INVITEs, or use TCP."},
    [ICMP_PARAMETER_PROBLEM] = {"parameter problem",
                                "it finds fault with the IP header; capture there, and look at "
                                "what rewrites packets before "
                                "it."},
};

static void add_icmp(const struct view *view, struct cause *cause)
{
    const struct icmp_facts *icmp = &view->facts->icmp;
    struct evidence *evidence = add_evidence(cause, "icmp_error");
    evidence->at_ns = icmp->first_ns;
    evidence->count = icmp->count;
    evidence->who.ip = icmp->sender;
    evidence->has_icmp = true;
    evidence->icmp_type = icmp->type;
    evidence->icmp_code = icmp->code;
}

/* RFC 792 and RFC 4443 tell a network that cannot be reached from a host. */
static const char *icmp_words(const struct icmp_facts *icmp)
{
    bool is_network = icmp->is_v6 ? icmp->type == 1 && icmp->code == 0
                                  : icmp->type == 3 && (icmp->code == 0 || icmp->code == 6 ||
                                                        icmp->code == 11 || icmp->code == 12);
    return icmp->meaning == ICMP_HOST_UNREACHABLE && is_network ? "network unreachable"
                                                                : icmp_advices[icmp->meaning].words;
}

/* An ICMP error quotes this request. */
static bool rule_icmp(const struct view *view, struct cause *cause)
{
    const struct unanswered_facts *facts = view->facts;
    const struct icmp_facts *icmp = &facts->icmp;
    if (icmp->count == 0 || got_through_after_icmp(facts))
        return false;
    const char *advice = icmp_advices[icmp->meaning].advice;
    char sender[IP_TEXT_MAX];
    bool is_itself = ip_eq(&icmp->sender, &facts->dst.endpoint.ip);
    ip_format(&icmp->sender, sender);
    set_cause(cause, CAUSE_ICMP_UNREACHABLE, CONFIDENCE_HIGH);
    say(cause->summary, "%s%s answered with %s %s (%u/%u) to this INVITE to %s, which was sent %s.",
        sender, is_itself ? " itself" : "", icmp->is_v6 ? "ICMPv6" : "ICMP", icmp_words(icmp),
        icmp->type, icmp->code, view->dst_text, view->times_text);
    if (icmp->mtu > 0)
        say(cause->next_step, "Look at %s (MTU %u): %s", sender, icmp->mtu, advice);
    else if (icmp->meaning == ICMP_PORT_UNREACHABLE && !is_itself)
        say(cause->next_step,
            "Look at %s: it is not the destination itself that rejects this port, but a firewall "
            "or NAT on the way; does it know %s?",
            sender, view->dst_text);
    else
        say(cause->next_step, "Look at %s: %s", sender, advice);
    add_icmp(view, cause);
    add_ladder(view, cause);
    return true;
}

static void add_reset(const struct view *view, struct cause *cause)
{
    struct evidence *evidence = add_evidence(cause, "connection_reset");
    evidence->at_ns = view->facts->connection.reset_ns;
    evidence->who = view->facts->connection.reset_by;
}

/* The connection was reset instead of a response. */
static bool rule_tcp_refused(const struct view *view, struct cause *cause)
{
    const struct unanswered_facts *facts = view->facts;
    if (!is_refused(facts))
        return false;
    set_cause(cause, CAUSE_TCP_REFUSED,
              facts->connection.reset_is_certain ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM);
    say(cause->summary, "%s reset the connection %.1f s after this INVITE, instead of a response.",
        view->dst_text, (double)(facts->connection.reset_ns - facts->first_sent_ns) / 1e9);
    say(cause->next_step,
        "Look at the log of the SIP service on %s at that moment: did it end, or does it refuse "
        "%s? Firewalls and load balancers between them reset connections that they do not know.",
        view->dst_text, view->src_ip);
    add_reset(view, cause);
    add_ladder(view, cause);
    return true;
}

static void add_unacknowledged(const struct view *view, struct cause *cause)
{
    struct evidence *evidence = add_evidence(cause, "unacknowledged_octets");
    evidence->since_ns = view->facts->connection.unacknowledged_since_ns;
    evidence->count = view->facts->connection.unacknowledged;
    evidence->who = view->facts->dst.endpoint;
}

/* What was sent was never acknowledged. */
static bool rule_tcp_no_answer(const struct view *view, struct cause *cause)
{
    const struct unanswered_facts *facts = view->facts;
    if (!is_unacknowledged(facts))
        return false;
    bool was_heard = facts->connection.last_from_server_ns != EVENT_NO_TIME;
    set_cause(cause, CAUSE_TCP_NO_ANSWER, was_heard ? CONFIDENCE_HIGH : CONFIDENCE_LOW);
    say(cause->summary, "%s did not even acknowledge the segments that carried this INVITE%s.",
        view->dst_text,
        was_heard ? "" : "; the sensor has seen nothing of this connection from it");
    say(cause->next_step,
        "The connection may be dead without its client knowing: is %s up, and does a firewall or "
        "NAT between forget idle connections? Capture there: tcpdump -ni any tcp port %u",
        view->dst_text, facts->dst.endpoint.port);
    add_unacknowledged(view, cause);
    add_ladder(view, cause);
    return true;
}

static void add_elsewhere(const struct view *view, struct cause *cause)
{
    struct evidence *evidence = add_evidence(cause, "response_elsewhere");
    evidence->at_ns = view->facts->last_stray_ns;
    evidence->status = view->facts->last_stray_status;
    evidence->who = view->facts->stray_dst;
    evidence->count = view->facts->strays;
}

/* A response to this very transaction went elsewhere. */
static bool rule_elsewhere(const struct view *view, struct cause *cause)
{
    const struct unanswered_facts *facts = view->facts;
    char stray[ENDPOINT_TEXT_MAX];
    if (facts->strays == 0)
        return false;
    set_cause(cause, CAUSE_UNKNOWN, CONFIDENCE_LOW);
    say(cause->summary, "%s answered with %u, but to %s, not to %s where the request came from.",
        view->dst_text, facts->last_stray_status, endpoint_format(&facts->stray_dst, stray),
        view->src_text);
    say(cause->next_step, "Compare Via, rport and received in the request with where the response "
                          "went: NAT or the peer's rport setting.");
    add_elsewhere(view, cause);
    add_ladder(view, cause);
    return true;
}

static bool answered_others(const struct view *view)
{
    const struct peer *peer = view->endpoint;
    return peer && peer->answered_method && peer->last_answer_ns >= view->facts->first_sent_ns;
}

static void add_others(const struct view *view, struct cause *cause)
{
    const struct peer *peer = view->endpoint;
    struct evidence *evidence = add_evidence(cause, "answered_others");
    evidence->at_ns = peer->last_answer_ns;
    evidence->who = peer->answered_client;
    evidence->method = peer->answered_method;
    evidence->status = peer->answered_status;
}

/* It answered others while this one waited. */
static bool rule_selective(const struct view *view, struct cause *cause)
{
    const struct peer *peer = view->endpoint;
    if (!answered_others(view))
        return false;
    char client[ENDPOINT_TEXT_MAX];
    endpoint_format(&peer->answered_client, client);
    bool is_repeated =
        view->facts->transmissions > 1 || transport_is_reliable(view->facts->transport);
    set_cause(cause, CAUSE_DESTINATION_SELECTIVE, is_repeated ? CONFIDENCE_MEDIUM : CONFIDENCE_LOW);
    say(cause->summary,
        "%s answered others meanwhile (%s of %s with %u), but not this INVITE, which was sent %s.",
        view->dst_text, peer->answered_method, client, peer->answered_status, view->times_text);
    if (is_repeated)
        say(cause->next_step,
            "Look at the access list, the trunk's source address and fail2ban on %s: is %s allowed "
            "there? Capture there: tcpdump -ni any host %s",
            view->dst_text, view->src_text, view->src_ip);
    else
        say(cause->next_step,
            "It was never repeated, as scanners do and phones do not: if %s is none of yours, it "
            "is "
            "right that nobody answers it.",
            view->src_text);
    add_others(view, cause);
    add_ladder(view, cause);
    return true;
}

/* Nothing at all came from it, of any protocol. */
static bool rule_silent(const struct view *view, struct cause *cause)
{
    const struct peer *host = view->host;
    if (!host || host->known_since_ns > view->facts->first_sent_ns)
        return false; /* forgotten meanwhile, and what it sent with it */
    if (host->has_sent && host->last_packet_ns >= view->facts->first_sent_ns)
        return false;
    bool several = view->endpoint && view->endpoint->unanswered > 0 &&
                   (view->endpoint->unanswered_callers_differ ||
                    !ip_eq(&view->endpoint->unanswered_caller, &view->facts->src.endpoint.ip));
    enum confidence confidence = !host->has_answered || !has_long_ladder(view->facts)
                                     ? CONFIDENCE_LOW
                                 : several ? CONFIDENCE_HIGH
                                           : CONFIDENCE_MEDIUM;
    set_cause(cause, CAUSE_DESTINATION_SILENT, confidence);
    double waited = (double)(view->facts->gave_up_ns - view->facts->first_sent_ns) / 1e9;
    say(cause->summary, "%s sent nothing at all for %.0f s, in which this INVITE was sent %s%s.",
        view->dst_text, waited, view->times_text,
        !host->has_answered && view->peers->forgotten == 0 ? "; the sensor has never seen it answer"
                                                           : "");
    say(cause->next_step,
        "Is %s up and reachable? Ping it and capture at its side: tcpdump -ni any port %u; look at "
        "the "
        "firewall and the route between.",
        view->dst_text, view->facts->dst.endpoint.port);
    struct evidence *evidence = add_evidence(cause, "nothing_from_destination");
    evidence->since_ns = view->facts->first_sent_ns;
    evidence->who = view->facts->dst.endpoint;
    if (host->has_sent)
        add_evidence(cause, "last_heard")->at_ns = host->last_packet_ns;
    if (view->endpoint && view->endpoint->unanswered > 0)
        add_evidence(cause, "others_unanswered_too")->count = view->endpoint->unanswered;
    add_ladder(view, cause);
    return true;
}

static bool rule_unknown(const struct view *view, struct cause *cause)
{
    const struct unanswered_facts *facts = view->facts;
    bool alive =
        view->host && view->host->has_sent && view->host->last_packet_ns >= facts->first_sent_ns;
    set_cause(cause, CAUSE_UNKNOWN, CONFIDENCE_LOW);
    say(cause->summary,
        alive ? "%s is alive (packets came from it meanwhile), but this INVITE got no response, "
                "and nothing that was seen says why."
              : "Nothing that was seen says why %s did not answer.",
        view->dst_text);
    say(cause->next_step,
        "Does the SIP service of %s run, and listen on that port (ss %s)? Capture there: does the "
        "INVITE arrive, and does a response leave?",
        view->dst_text, transport_is_reliable(facts->transport) ? "-ltnp" : "-lunp");
    if (alive) {
        struct evidence *evidence = add_evidence(cause, "alive_without_answer");
        evidence->at_ns = view->host->last_packet_ns;
        evidence->who.ip = facts->dst.endpoint.ip;
    }
    add_ladder(view, cause);
    return true;
}

static bool has_evidence(const struct cause *cause, const char *kind)
{
    for (unsigned i = 0; i < cause->evidence_count; i++)
        if (strcmp(cause->evidence[i].kind, kind) == 0)
            return true;
    return false;
}

/* What speaks for a cause that was not the first to fit, or explains no cause yet. */
static void add_the_rest(const struct view *view, struct cause *cause)
{
    const struct unanswered_facts *facts = view->facts;
    if (facts->icmp.count > 0 && !has_evidence(cause, "icmp_error"))
        add_icmp(view, cause);
    if (facts->connection.is_known && facts->connection.is_reset &&
        facts->connection.reset_ns >= facts->first_sent_ns &&
        !has_evidence(cause, "connection_reset"))
        add_reset(view, cause);
    if (is_unacknowledged(facts) && !has_evidence(cause, "unacknowledged_octets"))
        add_unacknowledged(view, cause);
    if (facts->strays > 0 && !has_evidence(cause, "response_elsewhere"))
        add_elsewhere(view, cause);
    if (answered_others(view) && !has_evidence(cause, "answered_others"))
        add_others(view, cause);
    if (facts->fragments_lost > 0)
        add_evidence(cause, "fragments_lost")->count = facts->fragments_lost;
    if (facts->sensor_lost_packets) {
        cause->confidence = CONFIDENCE_LOW;
        add_evidence(cause, "sensor_lost_packets")->since_ns = facts->first_sent_ns;
    }
}

static void describe_times(const struct unanswered_facts *facts, char *text, size_t len)
{
    const char *over = transport_is_reliable(facts->transport) ? " over " : "";
    const char *transport = *over ? transport_name(facts->transport) : "";
    if (facts->transmissions == 1)
        snprintf(text, len, "once%s%s", over, transport);
    else
        snprintf(text, len, "%" PRIu32 " times%s%s", facts->transmissions, over, transport);
}

void unanswered_judge(const struct peers *peers, const struct unanswered_facts *facts,
                      struct cause *cause)
{
    static bool (*const rules[])(const struct view *, struct cause *) = {
        rule_pair_one_way,  rule_host_one_way, rule_mirror_one_way, rule_icmp,   rule_tcp_refused,
        rule_tcp_no_answer, rule_elsewhere,    rule_selective,      rule_silent, rule_unknown,
    };
    struct view view = {
        .peers = peers,
        .facts = facts,
        .host = peers_find_host(peers, &facts->dst.endpoint.ip),
        .endpoint = peers_find_endpoint(peers, &facts->dst.endpoint),
    };
    peers_find_pair(peers, &facts->src.endpoint.ip, &facts->dst.endpoint.ip, &view.pair);
    name_endpoint(&facts->src, view.src_text, sizeof view.src_text);
    name_endpoint(&facts->dst, view.dst_text, sizeof view.dst_text);
    ip_format(&facts->src.endpoint.ip, view.src_ip);
    describe_times(facts, view.times_text, sizeof view.times_text);
    *cause = (struct cause){0};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i](&view, cause))
            break;
    add_the_rest(&view, cause);
}
