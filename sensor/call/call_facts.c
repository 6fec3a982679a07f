#include "call/call_facts.h"

#include "call/hops.h"
#include "sip/sip_uri.h"

/* Less than the smallest MTU in use behind tunnels. */
enum { WHOLE_OCTETS_MAX = 1300 };

static bool was_before(int64_t time_ns, const struct transaction *t)
{
    return time_ns == CALL_NO_TIME || time_ns < t->first_sent_ns;
}

/* What the sender asked the name servers for: where the topmost Route leads to, or the URI. */
static void read_dns(const struct calls *calls, const struct transaction *t,
                     const struct findings *findings, struct dns_facts *facts)
{
    struct sip_uri uri;
    struct slice host = arena_slice(findings->next_hop);
    if (host.len == 0 && sip_uri_parse(arena_slice(findings->request_uri), &uri))
        host = uri.host;
    if (calls->params.look_at_dns && host.len > 0)
        calls->params.look_at_dns(calls->params.context, &t->src.ip, host, &t->dst.ip,
                                  t->first_sent_ns, facts);
}

bool call_facts_is_in_pieces(const struct transaction *t)
{
    uint32_t octets = t->findings->request.octets;
    return transport_is_reliable(t->transport) || octets == 0 || octets > WHOLE_OCTETS_MAX;
}

static void read_places(const struct calls *calls, const struct transaction *t,
                        const struct findings *findings, struct hop_facts *facts)
{
    struct pair_view pair;
    uint32_t missing = 0;
    if (!call_facts_is_in_pieces(t) &&
        peers_find_pair(&calls->peers, &t->src.ip, &t->dst.ip, &pair))
        missing = pair.places & ~findings->places;
    for (uint32_t left = findings->places; left != 0 && facts->seen_count < UNANSWERED_PLACES_MAX;
         left &= left - 1)
        facts->seen[facts->seen_count++] = places_first(&calls->places, left);
    if (missing != 0)
        facts->missing = places_first(&calls->places, missing);
}

static void read_hops(const struct calls *calls, const struct transaction *t,
                      const struct findings *findings, struct hop_facts *facts)
{
    hops_read(t, facts);
    const struct peer *last = peers_find_host(&calls->peers, &facts->last_dst.ip);
    bool has_answered =
        findings->stray.count > 0 || findings->mangled.count > 0 || findings->partial.count > 0;
    if (last && !has_answered)
        facts->others_passed_on = last->passed_on;
    read_places(calls, t, findings, facts);
}

/* The sensor's doubts about what it saw while the request waited. */
static void read_doubts(const struct calls *calls, const struct transaction *t,
                        struct unanswered_facts *facts)
{
    const struct calls_params *params = &calls->params;
    unsigned doubts = params->doubts ? params->doubts(params->context, t->first_sent_ns) : 0;
    facts->sensor_lost_packets = !was_before(calls->lost_packet_ns, t);
    facts->mirror_lost_packets = doubts & STREAMS_DOUBT_LOSS;
    facts->mirror_is_disordered = doubts & STREAMS_DOUBT_TIMES;
    facts->watching_since_ns = calls->watching_since_ns;
}

/* The request's target by its URI alone: nothing else sends it there. */
static bool is_sent_to_contact(const struct transaction *t, const struct findings *findings)
{
    struct sip_uri uri;
    struct ip_addr ip;
    return t->is_reinvite && arena_slice(findings->next_hop).len == 0 &&
           sip_uri_parse(arena_slice(findings->request_uri), &uri) && ip_parse(uri.host, &ip) &&
           ip_eq(&ip, &t->dst.ip);
}

/*
 * With whom the call was set up: the far end, the NAT before it, or a proxy that did not record its
 * route. None where the target was seen to speak in it, too: then it was such a proxy for certain.
 */
static void read_far_end(const struct transaction *t, const struct findings *findings,
                         struct endpoint *far_end)
{
    const struct endpoint *found = NULL;
    if (!is_sent_to_contact(t, findings))
        return;
    for (EACH_TRANSACTION(node, t->call)) {
        const struct transaction *other = transaction_at(node);
        bool is_answered = other->first_response_ns != CALL_NO_TIME || other->inferred;
        if (other->is_reinvite || !is_answered)
            continue;
        if (ip_eq(&other->src.ip, &t->dst.ip) || ip_eq(&other->dst.ip, &t->dst.ip))
            return;
        if (ip_eq(&other->src.ip, &t->src.ip))
            found = &other->dst;
        else if (ip_eq(&other->dst.ip, &t->src.ip))
            found = &other->src;
    }
    if (found)
        *far_end = *found;
}

struct calls_sighting call_facts_sighting(const struct transaction *t,
                                          const struct findings *findings, int64_t now_ns)
{
    return (struct calls_sighting){
        .call_id = arena_slice(t->call->call_id),
        .branch = arena_slice(findings->branch),
        .cseq = t->cseq,
        .transport = t->transport,
        .dst = t->dst.ip,
        .first_sent_ns = t->first_sent_ns,
        .now_ns = now_ns,
    };
}

void call_facts_read_sensors(const struct calls *calls, const struct transaction *t,
                             const struct findings *findings, int64_t now_ns,
                             struct sensors_facts *facts)
{
    const struct calls_params *params = &calls->params;
    if (!params->look_at_sensors || !findings->is_asked)
        return;
    struct calls_sighting sighting = call_facts_sighting(t, findings, now_ns);
    params->look_at_sensors(params->context, &sighting, facts);
}

void call_facts_read(const struct calls *calls, const struct transaction *t,
                     const struct findings *findings, int64_t now_ns,
                     struct unanswered_facts *facts)
{
    const struct calls_params *params = &calls->params;
    *facts = (struct unanswered_facts){
        .first_sent_ns = t->first_sent_ns,
        .last_sent_ns = findings->last_sent_ns,
        .gave_up_ns = now_ns,
        .transmissions = t->transmissions,
        .transport = t->transport,
        .request = findings->request,
        .stray = findings->stray,
        .mangled = findings->mangled,
        .partial = findings->partial,
        .response = findings->response,
        .fragments_lost = findings->fragments_lost,
        .scanner = findings->scanner,
    };
    icmp_ties_read(&calls->icmp_ties, t, &facts->icmp);
    if (transport_is_reliable(t->transport) && params->look_at_connection)
        params->look_at_connection(params->context, &t->src, &t->dst, &facts->connection);
    read_far_end(t, findings, &facts->far_end);
    read_hops(calls, t, findings, &facts->hop);
    read_dns(calls, t, findings, &facts->dns);
    read_doubts(calls, t, facts);
}
