#include "verdict/unanswered.h"

#include "verdict/evidence.h"
#include "verdict/rules.h"

static enum confidence at_most(enum confidence confidence, enum confidence most)
{
    return confidence < most ? confidence : most;
}

/* Does the cause rest on something that was not seen? What was seen itself stays true however much
 * else was missed. */
static bool rests_on_absence(enum cause_code code)
{
    switch (code) {
    case CAUSE_FRAGMENT_LOST:
    case CAUSE_PRIVATE_ADDRESS:
    case CAUSE_WRONG_TRANSPORT:
    case CAUSE_DESTINATION_OVERLOADED:
    case CAUSE_DESTINATION_SELECTIVE:
    case CAUSE_DESTINATION_SILENT:
        return true;
    default:
        return false;
    }
}

/* Was it ever shown that what the destination sends comes by here? By an answer, or because it
 * registered and was heard. */
static bool is_in_view(const struct view *view)
{
    const struct peer *host = view->host, *endpoint = view->endpoint;
    return host && (host->has_answered ||
                    (host->has_sent && endpoint && endpoint->registered_ns != EVENT_NO_TIME));
}

/* The sensor's doubts about its own view, and about who asks. */
static enum confidence doubt(const struct view *view, const struct cause *cause)
{
    const struct unanswered_facts *facts = view->facts;
    if (facts->sensor_lost_packets || facts->scanner.len > 0)
        return CONFIDENCE_LOW;
    bool is_absent = rests_on_absence(cause->code);
    if (!is_absent && cause->code != CAUSE_LOST_BETWEEN_SENSORS) /* which has looked at the rest */
        return cause->confidence;
    if (is_absent &&
        (facts->mirror_lost_packets || facts->hop.answered_again || rules_is_warming_up(facts) ||
         rules_is_answered_elsewhere(&facts->sensors) || !is_in_view(view)))
        return CONFIDENCE_LOW;
    return facts->mirror_is_disordered ? at_most(cause->confidence, CONFIDENCE_MEDIUM)
                                       : cause->confidence;
}

void unanswered_judge(const struct peers *peers, const struct unanswered_facts *facts,
                      struct cause *cause)
{
    /* In the order of the causes; the first that fits. */
    static rule *const rules[] = {
        rule_pair_one_way, rule_host_one_way,    rule_nobody_answered,
        rule_port_one_way, rule_stopped_early,   rule_icmp,
        rule_tcp_refused,  rule_tcp_no_answer,   rule_misdirected,
        rule_mangled,      rule_fragment_lost,   rule_lost_between_sensors,
        rule_partial,      rule_private_address, rule_wrong_transport,
        rule_overloaded,   rule_selective,       rule_silent,
        rule_unknown,
    };
    struct view view;
    rules_view_init(&view, peers, facts);
    *cause = (struct cause){0};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i](&view, cause))
            break;
    cause->confidence = doubt(&view, cause);
    rules_add_hints(&view, cause);
    evidence_collect(&view, cause);
}

/* When it was last heard, if ever. */
static void say_last_heard(const struct view *view, struct cause *cause)
{
    const struct peer *peer = view->endpoint, *host = view->host;
    int64_t now_ns = view->facts->gave_up_ns;
    char span[RULES_SPAN_TEXT_MAX], client[ENDPOINT_TEXT_MAX];
    if (peer && peer->answered_method)
        rules_go_on(cause->summary, "; it last answered %s ago (%s of %s with %u)",
                    rules_format_span(now_ns - peer->last_answer_ns, span), peer->answered_method,
                    endpoint_format(&peer->answered_client, client), peer->answered_status);
    else if (host && host->has_sent)
        rules_go_on(cause->summary,
                    "; packets came from it, the last %s ago, but no answer to anybody",
                    rules_format_span(now_ns - host->last_packet_ns, span));
    else
        rules_go_on(cause->summary, "; nothing that it sends has ever been seen, so it may be the "
                                    "mirror");
}

void unanswered_struggling(const struct peers *peers, const struct unanswered_facts *facts,
                           struct cause *cause)
{
    struct view view;
    rules_view_init(&view, peers, facts);
    *cause = (struct cause){0};
    bool is_seen = view.host && (view.host->has_answered || view.host->has_sent);
    bool is_blind = view.pair.replies == 0 && view.pair.inferred > 0;
    rules_set(cause, CAUSE_UNKNOWN,
              is_seen && !is_blind && !facts->mirror_lost_packets ? CONFIDENCE_MEDIUM
                                                                  : CONFIDENCE_LOW);
    cause->confidence = doubt(&view, cause);
    rules_say(cause->summary, "This INVITE to %s was sent %s within %.1f s and got no response.",
              view.dst_text, view.times_text,
              (double)(facts->last_sent_ns - facts->first_sent_ns) / 1e9);
    if (facts->partial.count > 0)
        rules_go_on(cause->summary, "; but parts of responses to it were seen (%u)",
                    facts->partial.last_status);
    say_last_heard(&view, cause);
    rules_say(
        cause->next_step,
        "If nothing answers it will be given up 32 s after it was first sent. Look at once: do "
        "INVITEs arrive at %s, do responses leave (sngrep, or tcpdump -ni any host %s and port "
        "%u)?",
        view.dst_text, view.src_ip, facts->dst.endpoint.port);
    rules_add_hints(&view, cause);
}
