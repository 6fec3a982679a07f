#include "verdict/rules.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A ladder of four sends over 7.5 s (RFC 3261 17.1.1.2 with T1 = 0.5 s) is no lost packet. */
enum { LADDER_SENDS_MIN = 4 };
#define S                  INT64_C(1000000000)
#define LADDER_SPAN_MIN_NS INT64_C(7500000000)

/* Three sends over 1.5 s, with some room: two times was an answer waited for in vain. Who is
 * answered sends once, rarely twice. */
enum { REPEATED_SENDS_MIN = 3 };
#define REPEATED_SPAN_MIN_NS INT64_C(1400000000)

/* RFC 3261: 64*T1. */
#define WARM_UP_NS (32 * S)

/* TCP sees itself to it that what is lost is sent again. */
static bool has_long_ladder(const struct unanswered_facts *facts)
{
    return transport_is_reliable(facts->transport) ||
           (facts->transmissions >= LADDER_SENDS_MIN &&
            facts->last_sent_ns - facts->first_sent_ns >= LADDER_SPAN_MIN_NS);
}

bool rules_is_refused(const struct unanswered_facts *facts)
{
    const struct connection_facts *connection = &facts->connection;
    return connection->is_known && connection->is_reset &&
           connection->reset_ns >= facts->first_sent_ns &&
           !endpoint_eq(&connection->reset_by, &facts->src.endpoint);
}

bool rules_is_unacknowledged(const struct unanswered_facts *facts)
{
    const struct connection_facts *connection = &facts->connection;
    return connection->is_known && connection->unacknowledged > 0 &&
           connection->unacknowledged_since_ns <= facts->first_sent_ns;
}

bool rules_got_through_after_icmp(const struct unanswered_facts *facts)
{
    return facts->connection.is_known && !rules_is_unacknowledged(facts) &&
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
    if (icmp->count == 0 || rules_got_through_after_icmp(facts))
        return false;
    if (transport_is_reliable(facts->transport))
        return facts->connection.is_known && facts->connection.last_from_server_ns != EVENT_NO_TIME;
    return icmp->last_ns >= facts->last_sent_ns || has_long_ladder(facts);
}

bool rules_is_fate_known(const struct unanswered_facts *facts)
{
    return is_stopped_by_icmp(facts) || rules_is_refused(facts) || facts->stray.count > 0 ||
           facts->mangled.count > 0 || facts->partial.count > 0;
}

bool unanswered_stopped_early(const struct unanswered_facts *facts)
{
    bool is_repeated = facts->transmissions >= REPEATED_SENDS_MIN &&
                       facts->last_sent_ns - facts->first_sent_ns >= REPEATED_SPAN_MIN_NS;
    return !transport_is_reliable(facts->transport) && !is_repeated && facts->icmp.count == 0 &&
           !facts->hop.gave_up_upstream && !facts->hop.went_elsewhere;
}

uint64_t rules_answered_unseen(const struct view *view)
{
    bool is_heard = view->host && view->host->has_sent;
    if (view->pair.replies == 0 && view->pair.inferred > 0)
        return view->pair.inferred;
    if (view->host && !is_heard && view->host->answered_unseen > 0)
        return view->host->answered_unseen;
    return view->peers->responses == 0 && !is_heard ? view->peers->inferred : 0;
}

uint64_t rules_stopped_early(const struct view *view)
{
    if (view->pair.replies > 0)
        return 0;
    return view->pair.invites_stopped + (unanswered_stopped_early(view->facts) ? 1 : 0);
}

uint64_t rules_one_way_conversations(const struct view *view, uint64_t *of)
{
    const struct peers_conversations *seen = &view->peers->conversations;
    bool is_proven = view->pair.inferred > 0;
    *of = seen->pairs;
    if (view->pair.replies == 0 && !is_proven && seen->pairs > seen->proven)
        --*of;
    return seen->proven;
}

int64_t rules_answered_since_ns(const struct view *view)
{
    if (!view->endpoint)
        return EVENT_NO_TIME;
    int64_t answered_ns = view->endpoint->answered_over_ns[view->facts->transport];
    return answered_ns >= view->facts->first_sent_ns ? answered_ns : EVENT_NO_TIME;
}

bool rules_knows_answer(const struct view *view)
{
    const struct peer *peer = view->endpoint;
    return peer && peer->answered_method && peer->answered_transport == view->facts->transport;
}

/* Is this an answer of theirs that still says something of the transport that it came over? */
static bool answered_lately(const struct view *view, const struct peer *peer,
                            enum transport transport)
{
    return peer && peer->answered_over_ns[transport] != EVENT_NO_TIME &&
           peer->answered_over_ns[transport] >=
               view->facts->first_sent_ns - RULES_ANSWERED_LATELY_NS;
}

bool rules_answers_alike(const struct view *view)
{
    return answered_lately(view, view->endpoint, view->facts->transport) ||
           answered_lately(view, view->host, view->facts->transport);
}

bool rules_answered_over(const struct view *view, enum transport transport)
{
    return answered_lately(view, view->host, transport) &&
           (transport != view->facts->transport ||
            view->host->answered_port[transport] != view->facts->dst.endpoint.port);
}

static bool is_for_browsers(enum transport transport)
{
    return transport == TRANSPORT_WS || transport == TRANSPORT_WSS;
}

enum transport rules_other_transport(const struct view *view, uint16_t *port)
{
    enum transport best = TRANSPORT_COUNT;
    int64_t best_ns = EVENT_NO_TIME;
    bool best_is_here = false;
    for (enum transport t = 0; t < TRANSPORT_COUNT; t++) {
        if (t == view->facts->transport || !rules_answered_over(view, t) ||
            is_for_browsers(t) != is_for_browsers(view->facts->transport))
            continue;
        bool is_here = answered_lately(view, view->endpoint, t);
        const struct peer *peer = is_here ? view->endpoint : view->host;
        if (is_here < best_is_here ||
            (is_here == best_is_here && peer->answered_over_ns[t] <= best_ns))
            continue;
        best = t;
        best_ns = peer->answered_over_ns[t];
        best_is_here = is_here;
        *port = peer->answered_port[t];
    }
    return best;
}

/* What comes from others behind the same NAT would hide how long this one was idle. */
int64_t rules_binding_idle_ns(const struct view *view)
{
    if (!view->is_silent || !view->endpoint || view->endpoint->registered_ns == EVENT_NO_TIME ||
        transport_is_reliable(view->facts->transport))
        return EVENT_NO_DURATION;
    int64_t last_ns = view->endpoint->registered_ns;
    if (view->host->has_sent && view->host->last_packet_ns > last_ns)
        last_ns = view->host->last_packet_ns;
    return last_ns < view->facts->first_sent_ns ? view->facts->first_sent_ns - last_ns
                                                : EVENT_NO_DURATION;
}

bool rules_is_largest(const struct view *view)
{
    const struct peer *peer = view->endpoint;
    return peer && view->facts->transport == TRANSPORT_UDP && peer->answered_octets_max > 0 &&
           view->facts->request.octets > RULES_UDP_OCTETS_MAX &&
           view->facts->request.octets > peer->answered_octets_max;
}

bool rules_left_others(const struct view *view)
{
    const struct peer *peer = view->endpoint;
    return peer && peer->unanswered > 0 &&
           (peer->unanswered_callers_differ ||
            !ip_eq(&peer->unanswered_caller, &view->facts->src.endpoint.ip));
}

bool rules_has_dns_fault(const struct dns_facts *dns)
{
    return dns->is_known && (dns->failed > 0 || dns->unanswered > 0 || dns->is_elsewhere ||
                             dns->delay_ns > RULES_DNS_SLOW_NS);
}

bool rules_is_warming_up(const struct unanswered_facts *facts)
{
    return facts->gave_up_ns - facts->watching_since_ns < WARM_UP_NS;
}

static unsigned count_alg_traits(uint32_t marks)
{
    const uint32_t traits = REQUEST_ALG_ADDRESS | REQUEST_ALG_LENGTH | REQUEST_ALG_SDP |
                            REQUEST_ALG_CONTACT | REQUEST_ALG_VIA | REQUEST_ALG_RPORT;
    return (unsigned)__builtin_popcount(marks & traits);
}

void rules_say(char *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(text, EVENT_SUMMARY_MAX, format, args);
    va_end(args);
}

/* Puts `more` behind the first `len` characters of the text, if there is room for all of it. */
static void append(char *text, size_t len, const char *more)
{
    size_t more_len = strlen(more);
    if (len + more_len + 1 < EVENT_SUMMARY_MAX)
        memcpy(text + len, more, more_len + 1);
}

void rules_go_on(char *text, const char *format, ...)
{
    char more[EVENT_SUMMARY_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(more, sizeof more - 1, format, args);
    va_end(args);
    size_t more_len = strlen(more), len = strlen(text);
    more[more_len] = '.';
    more[more_len + 1] = '\0';
    append(text, len > 0 && text[len - 1] == '.' ? len - 1 : len, more);
}

void rules_add_sentence(char *text, const char *format, ...)
{
    char more[EVENT_SUMMARY_MAX] = " ";
    va_list args;
    va_start(args, format);
    vsnprintf(more + 1, sizeof more - 1, format, args);
    va_end(args);
    append(text, strlen(text), text[0] != '\0' ? more : more + 1);
}

void rules_print(char *buf, size_t len, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(buf, len, format, args);
    va_end(args);
}

const char *rules_format_span(int64_t span_ns, char buf[static RULES_SPAN_TEXT_MAX])
{
    static const struct {
        int64_t below_s, unit_s;
        const char *unit;
    } units[] = {{120, 1, "s"}, {7200, 60, "min"}, {172800, 3600, "h"}, {INT64_MAX, 86400, "d"}};
    int64_t span_s = (span_ns + S / 2) / S;
    if (span_s < 1) {
        rules_print(buf, RULES_SPAN_TEXT_MAX, "less than 1 s");
        return buf;
    }
    size_t i = 0;
    while (span_s >= units[i].below_s)
        i++;
    rules_print(buf, RULES_SPAN_TEXT_MAX, "%" PRId64 " %s", span_s / units[i].unit_s,
                units[i].unit);
    return buf;
}

void rules_set(struct cause *cause, enum cause_code code, enum confidence confidence)
{
    cause->code = code;
    cause->confidence = confidence;
}

static void name_endpoint(const struct named_endpoint *who, char buf[static RULES_WHO_TEXT_MAX])
{
    char text[ENDPOINT_TEXT_MAX];
    endpoint_format(&who->endpoint, text);
    if (who->name)
        rules_print(buf, RULES_WHO_TEXT_MAX, "%s (%s)", who->name, text);
    else
        rules_print(buf, RULES_WHO_TEXT_MAX, "%s", text);
}

static void describe_times(const struct unanswered_facts *facts, char *text, size_t len)
{
    const char *over = transport_is_reliable(facts->transport) ? " over " : "";
    const char *transport = *over ? transport_name(facts->transport) : "";
    if (facts->transmissions == 1)
        rules_print(text, len, "once%s%s", over, transport);
    else
        rules_print(text, len, "%" PRIu32 " times%s%s", facts->transmissions, over, transport);
}

void rules_view_init(struct view *view, const struct peers *peers,
                     const struct unanswered_facts *facts)
{
    const struct endpoint *src = &facts->src.endpoint, *dst = &facts->dst.endpoint;
    *view = (struct view){
        .peers = peers,
        .facts = facts,
        .host = peers_find_host(peers, &dst->ip),
        .endpoint = peers_find_endpoint(peers, dst),
        .has_long_ladder = has_long_ladder(facts),
        .is_passed_on = facts->hop.hops > 1 && !facts->hop.is_last,
        .alg_traits = count_alg_traits(facts->request.marks),
    };
    if (!peers_find_pair(peers, &src->ip, &dst->ip, &view->pair))
        view->pair = (struct pair_view){.answered_ns = EVENT_NO_TIME};
    peers_read_others(peers, dst, facts->transport, &src->ip, facts->first_sent_ns,
                      facts->gave_up_ns, &view->others);
    peers_read_told(peers, dst, &src->ip, facts->first_sent_ns, facts->gave_up_ns, &view->told);
    const struct peer *host = view->host;
    view->is_alive = host && host->has_sent && host->last_packet_ns >= facts->first_sent_ns;
    /* Who was forgotten meanwhile, what it sent went with it. */
    view->is_silent = host && host->known_since_ns <= facts->first_sent_ns && !view->is_alive;
    name_endpoint(&facts->src, view->src_text);
    name_endpoint(&facts->dst, view->dst_text);
    ip_format(&src->ip, view->src_ip);
    ip_format(&dst->ip, view->dst_ip);
    describe_times(facts, view->times_text, sizeof view->times_text);
}
