/* What the network itself says of a request: ICMP errors that quote it, its connection. */
#include "verdict/rules.h"

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
bool rule_icmp(const struct view *view, struct cause *cause)
{
    const struct unanswered_facts *facts = view->facts;
    const struct icmp_facts *icmp = &facts->icmp;
    if (icmp->count == 0 || rules_got_through_after_icmp(facts))
        return false;
    const char *advice = icmp_advices[icmp->meaning].advice;
    char sender[IP_TEXT_MAX];
    bool is_itself = ip_eq(&icmp->sender, &facts->dst.endpoint.ip);
    ip_format(&icmp->sender, sender);
    rules_set(cause, CAUSE_ICMP_UNREACHABLE, CONFIDENCE_HIGH);
    rules_say(cause->summary,
              "%s%s answered with %s %s (%u/%u) to this INVITE to %s, which was sent %s.", sender,
              is_itself ? " itself" : "", icmp->is_v6 ? "ICMPv6" : "ICMP", icmp_words(icmp),
              icmp->type, icmp->code, view->dst_text, view->times_text);
    if (icmp->mtu > 0)
        rules_say(cause->next_step, "Look at %s (MTU %u): %s", sender, icmp->mtu, advice);
    else if (icmp->meaning == ICMP_PORT_UNREACHABLE && !is_itself)
        rules_say(
            cause->next_step,
            "Look at %s: it is not the destination itself that rejects this port, but a firewall "
            "or NAT on the way; does it know %s?",
            sender, view->dst_text);
    else
        rules_say(cause->next_step, "Look at %s: %s", sender, advice);
    return true;
}

/* A request over a connection that came to nothing, where another transport works. */
static void advise_other_transport(const struct view *view, struct cause *cause)
{
    uint16_t port = 0;
    enum transport other = rules_other_transport(view, &port);
    if (other == TRANSPORT_COUNT)
        return;
    rules_add_sentence(cause->next_step, "It does answer over %s (port %u).", transport_name(other),
                       port);
    if (other == TRANSPORT_UDP && view->facts->request.octets > RULES_UDP_OCTETS_MAX)
        rules_add_sentence(cause->next_step,
                           "With %u octets this INVITE had to leave UDP (RFC 3261 18.1.1): offer "
                           "fewer codecs, or let TCP in there.",
                           view->facts->request.octets);
}

/* The connection was reset instead of a response. */
bool rule_tcp_refused(const struct view *view, struct cause *cause)
{
    const struct unanswered_facts *facts = view->facts;
    if (!rules_is_refused(facts))
        return false;
    rules_set(cause, CAUSE_TCP_REFUSED,
              facts->connection.reset_is_certain ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM);
    rules_say(cause->summary,
              "%s reset the connection %.1f s after this INVITE, instead of a response.",
              view->dst_text, (double)(facts->connection.reset_ns - facts->first_sent_ns) / 1e9);
    rules_say(
        cause->next_step,
        "Look at the log of the SIP service on %s at that moment: did it end, or does it refuse "
        "%s? Firewalls and load balancers between them reset connections that they do not know.",
        view->dst_text, view->src_ip);
    advise_other_transport(view, cause);
    return true;
}

/* What was sent was never acknowledged. */
bool rule_tcp_no_answer(const struct view *view, struct cause *cause)
{
    const struct unanswered_facts *facts = view->facts;
    if (!rules_is_unacknowledged(facts))
        return false;
    bool was_heard = facts->connection.last_from_server_ns != EVENT_NO_TIME;
    /* Without a repetition it may be the acknowledgement that the mirror missed. */
    rules_set(cause, CAUSE_TCP_NO_ANSWER,
              !was_heard                       ? CONFIDENCE_LOW
              : facts->connection.repeats == 0 ? CONFIDENCE_MEDIUM
                                               : CONFIDENCE_HIGH);
    rules_say(cause->summary,
              "%s did not even acknowledge the segments that carried this INVITE%s.",
              view->dst_text,
              was_heard ? "" : "; the sensor has seen nothing of this connection from it");
    rules_say(
        cause->next_step,
        "The connection may be dead without its client knowing: is %s up, and does a firewall or "
        "NAT between forget idle connections? Capture there (tcpdump -ni any tcp port %u).",
        view->dst_text, facts->dst.endpoint.port);
    advise_other_transport(view, cause);
    return true;
}
