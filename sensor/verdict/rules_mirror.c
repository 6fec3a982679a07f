/* The sensor's own blind spots: what it cannot see it must not judge. */
#include "verdict/rules.h"

#include <inttypes.h>

/* More of the conversations than this in percent are proven one-way: it is the whole port. */
enum { PORT_ONE_WAY_PERCENT = 95 };

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static void advise_both_directions(const struct view *view, struct cause *cause)
{
    rules_say(
        cause->next_step,
        "Check that the mirror (SPAN) port copies both directions (rx and tx) of the port to "
        "%s: on the sensor, tcpdump -ni DEVICE host %s has to show packets of both (DEVICE: the "
        "interface that the mirror comes in on).",
        view->dst_text, view->dst_ip);
}

/* Between these two hosts only requests are mirrored: calls went on though no response was seen. */
bool rule_pair_one_way(const struct view *view, struct cause *cause)
{
    uint64_t unseen = view->pair.inferred;
    if (view->pair.replies > 0 || unseen == 0 || rules_is_fate_known(view->facts))
        return false;
    rules_set(cause, CAUSE_MIRROR_ONE_WAY,
              unseen >= RULES_PATTERN_MIN ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM);
    rules_say(cause->summary,
              "The sensor has seen no SIP from %s to %s, yet %" PRIu64 " earlier INVITE%s went on "
              "as if answered: this direction is not mirrored.",
              view->dst_text, view->src_text, unseen, plural(unseen));
    advise_both_directions(view, cause);
    return true;
}

/* Others were answered by this destination, and yet nothing that it sends was ever seen. */
bool rule_host_one_way(const struct view *view, struct cause *cause)
{
    const struct peer *host = view->host;
    if (!host || host->has_sent || host->answered_unseen == 0 || rules_is_fate_known(view->facts))
        return false;
    rules_set(cause, CAUSE_MIRROR_ONE_WAY, CONFIDENCE_MEDIUM);
    rules_say(cause->summary,
              "Nothing that %s sends has ever been seen, yet %" PRIu64 " INVITE%s of others went "
              "on as if it had answered: its direction is not mirrored.",
              view->dst_text, host->answered_unseen, plural(host->answered_unseen));
    advise_both_directions(view, cause);
    return true;
}

/* Nobody's responses were ever seen, and nothing at all from this destination. */
bool rule_nobody_answered(const struct view *view, struct cause *cause)
{
    bool proven = view->peers->inferred > 0;
    if (view->peers->responses > 0 || (view->host && view->host->has_sent) ||
        rules_is_fate_known(view->facts) || (!proven && view->facts->icmp.count > 0))
        return false;
    rules_set(cause, CAUSE_MIRROR_ONE_WAY, proven ? CONFIDENCE_MEDIUM : CONFIDENCE_LOW);
    rules_say(
        cause->summary,
        proven ? "No SIP response from anybody has been seen, yet other calls went on as if "
                 "answered: one direction is not mirrored, so nothing can be said about %s."
               : "No SIP response from anybody has been seen since the sensor started: it cannot "
                 "tell whether %s is silent or its direction is not mirrored.",
        view->dst_text);
    rules_say(cause->next_step,
              "Check that the mirror (SPAN) port copies both directions (rx and tx), or capture at "
              "%s itself.",
              view->dst_text);
    return true;
}

/* Nearly all conversations go on though one direction of them is never seen. */
bool rule_port_one_way(const struct view *view, struct cause *cause)
{
    uint64_t pairs, one_way = rules_one_way_conversations(view, &pairs);
    if (one_way < RULES_PATTERN_MIN || one_way * 100 <= pairs * PORT_ONE_WAY_PERCENT ||
        view->pair.replies > 0 || (view->host && view->host->has_sent) ||
        rules_is_fate_known(view->facts))
        return false;
    rules_set(cause, CAUSE_MIRROR_ONE_WAY, CONFIDENCE_MEDIUM);
    rules_say(cause->summary,
              "Of %" PRIu64 " pairs of SIP hosts %" PRIu64 " went on with their calls though one "
              "direction between them was never seen: the mirror carries one direction only, and "
              "nothing can be said about %s.",
              pairs, one_way, view->dst_text);
    rules_say(cause->next_step,
              "Check that the mirror (SPAN) session copies both directions (rx and tx) of its "
              "ports, or capture at %s itself.",
              view->dst_text);
    return true;
}

/*
 * INVITEs between these two fall silent before their time, one after the other, and nothing ever
 * comes back: whoever stops repeating has mostly been answered. But some who hunt through trunks
 * stop as early, so it is no proof; and a destination that is heard meanwhile is in view.
 */
bool rule_stopped_early(const struct view *view, struct cause *cause)
{
    uint64_t stopped = rules_stopped_early(view);
    if (stopped < RULES_PATTERN_MIN || view->is_alive || !unanswered_stopped_early(view->facts) ||
        rules_is_fate_known(view->facts))
        return false;
    bool is_heard = view->host && view->host->has_sent;
    rules_set(cause, CAUSE_MIRROR_ONE_WAY, is_heard ? CONFIDENCE_LOW : CONFIDENCE_MEDIUM);
    rules_say(cause->summary,
              "The sensor has never seen SIP from %s to %s, and %" PRIu64 " INVITEs between them "
              "were sent once or twice and no more, as those are that are answered: this direction "
              "seems not to be mirrored.",
              view->dst_text, view->src_text, stopped);
    advise_both_directions(view, cause);
    rules_add_sentence(cause->next_step,
                       "If it does, %s gives up early (its timers, its trunk hunting).",
                       view->src_text);
    return true;
}
