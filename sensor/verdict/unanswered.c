#include "verdict/unanswered.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

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
    char times_text[24]; /* "7 times" */
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

static bool has_long_ladder(const struct unanswered_facts *facts)
{
    return facts->transmissions >= LADDER_SENDS_MIN &&
           facts->last_sent_ns - facts->first_sent_ns >= LADDER_SPAN_MIN_NS;
}

/* Between these two hosts only requests are mirrored: calls went on though no response was seen. */
static bool rule_pair_one_way(const struct view *view, struct cause *cause)
{
    if (view->pair.replies > 0 || view->pair.inferred == 0)
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

/* Nobody's responses were ever seen, and nothing at all from this destination. */
static bool rule_mirror_one_way(const struct view *view, struct cause *cause)
{
    if (view->peers->responses > 0 || (view->host && view->host->has_sent))
        return false;
    bool proven = view->peers->inferred > 0;
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

/* It answered others while this one waited. */
static bool rule_selective(const struct view *view, struct cause *cause)
{
    const struct peer *peer = view->endpoint;
    if (!peer || !peer->answered_method || peer->last_answer_ns < view->facts->first_sent_ns)
        return false;
    char client[ENDPOINT_TEXT_MAX];
    endpoint_format(&peer->answered_client, client);
    bool is_repeated = view->facts->transmissions > 1;
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
    struct evidence *evidence = add_evidence(cause, "answered_others");
    evidence->at_ns = peer->last_answer_ns;
    evidence->who = peer->answered_client;
    evidence->method = peer->answered_method;
    evidence->status = peer->answered_status;
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

static void rule_unknown(const struct view *view, struct cause *cause)
{
    set_cause(cause, CAUSE_UNKNOWN, CONFIDENCE_LOW);
    const struct unanswered_facts *facts = view->facts;
    if (facts->strays > 0) {
        char stray[ENDPOINT_TEXT_MAX];
        say(cause->summary,
            "%s answered with %u, but to %s, not to %s where the request came from.",
            view->dst_text, facts->last_stray_status, endpoint_format(&facts->stray_dst, stray),
            view->src_text);
        say(cause->next_step, "Compare Via, rport and received in the request with where the "
                              "response went: NAT or the "
                              "peer's rport setting.");
        struct evidence *evidence = add_evidence(cause, "response_elsewhere");
        evidence->at_ns = facts->last_stray_ns;
        evidence->status = facts->last_stray_status;
        evidence->who = facts->stray_dst;
        evidence->count = facts->strays;
    } else {
        bool alive = view->host && view->host->has_sent &&
                     view->host->last_packet_ns >= facts->first_sent_ns;
        say(cause->summary,
            alive ? "%s is alive (packets came from it meanwhile), but this INVITE got no "
                    "response, and "
                    "nothing that was seen says why."
                  : "Nothing that was seen says why %s did not answer.",
            view->dst_text);
        say(cause->next_step,
            "Does the SIP service of %s run, and listen on that port (ss -lunp)? Capture there: "
            "does "
            "the INVITE arrive, and does a response leave?",
            view->dst_text);
        if (alive) {
            struct evidence *evidence = add_evidence(cause, "alive_without_answer");
            evidence->at_ns = view->host->last_packet_ns;
            evidence->who.ip = facts->dst.endpoint.ip;
        }
    }
    add_ladder(view, cause);
}

void unanswered_judge(const struct peers *peers, const struct unanswered_facts *facts,
                      struct cause *cause)
{
    static bool (*const rules[])(const struct view *, struct cause *) = {
        rule_pair_one_way,
        rule_mirror_one_way,
        rule_selective,
        rule_silent,
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
    if (facts->transmissions == 1)
        snprintf(view.times_text, sizeof view.times_text, "once");
    else
        snprintf(view.times_text, sizeof view.times_text, "%" PRIu32 " times",
                 facts->transmissions);
    *cause = (struct cause){0};

    bool judged = false;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0] && !judged && facts->strays == 0; i++)
        judged = rules[i](&view, cause);
    if (!judged)
        rule_unknown(&view, cause);
    if (facts->sensor_lost_packets) {
        cause->confidence = CONFIDENCE_LOW;
        add_evidence(cause, "sensor_lost_packets")->since_ns = facts->first_sent_ns;
    }
}
