/* Where no rule fits: the strongest hint that there is. */
#include "verdict/rules.h"

/* The same transport, at another port of the host. */
static bool answers_at_other_port(const struct view *view)
{
    return rules_answered_over(view, view->facts->transport);
}

static void say_strongest_hint(const struct view *view, struct cause *cause)
{
    const struct unanswered_facts *facts = view->facts;
    char words[EVENT_SUMMARY_MAX];
    if (view->is_passed_on)
        rules_say(cause->summary, "%s passed this INVITE on, but sent no response to it.",
                  view->dst_text);
    else if (answers_at_other_port(view))
        rules_say(cause->summary,
                  "%s did not answer this INVITE, but its host does answer over %s at port %u.",
                  view->dst_text, transport_name(facts->transport),
                  view->host->answered_port[facts->transport]);
    else if (view->is_alive)
        rules_say(cause->summary,
                  "%s is alive (packets came from it meanwhile), but this INVITE got no response, "
                  "and nothing that was seen says why.",
                  view->dst_text);
    else
        rules_say(cause->summary, "Nothing that was seen says why %s did not answer.",
                  view->dst_text);
    if (rules_describe_dns(view, words))
        rules_go_on(cause->summary, "; %s", words);
    if (facts->fragments_lost > 0)
        rules_go_on(cause->summary, "; of %u of its sendings fragments never passed",
                    facts->fragments_lost);
    if (view->alg_traits >= RULES_ALG_TRAITS_MIN)
        rules_go_on(cause->summary, "; it shows %u traits of a SIP ALG", view->alg_traits);
}

bool rule_unknown(const struct view *view, struct cause *cause)
{
    const char *listening = transport_is_reliable(view->facts->transport) ? "-ltnp" : "-lunp";
    rules_set(cause, CAUSE_UNKNOWN, CONFIDENCE_LOW);
    say_strongest_hint(view, cause);
    if (view->is_passed_on)
        rules_say(cause->next_step,
                  "Follow it to the next hop, capture there (sngrep), and ask why %s sent not even "
                  "100: is it stateless, did its response get lost?",
                  view->dst_text);
    else if (answers_at_other_port(view))
        rules_say(cause->next_step,
                  "Is %u the right port (the trunk's settings, dig SRV of its name)? If so, does "
                  "a SIP service of %s listen on it (ss %s), and does a firewall let it through?",
                  view->facts->dst.endpoint.port, view->dst_text, listening);
    else
        rules_say(cause->next_step,
                  "Does the SIP service of %s run, and listen on that port (ss %s)? Capture there: "
                  "does the INVITE arrive, and does a response leave?",
                  view->dst_text, listening);
    return true;
}
