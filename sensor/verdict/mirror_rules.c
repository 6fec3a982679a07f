#include "verdict/mirror_rules.h"

#include <inttypes.h>
#include <stdio.h>

/* Fewer are no share of anything. */
enum { STAMPS_MIN = 100, TRUNCATED_MIN = 10 };

static void set_next_step(struct mirror_degraded *degraded, const char *text)
{
    snprintf(degraded->next_step, sizeof degraded->next_step, "%s", text);
}

/*
 * A silent peer is no fault of the mirror: only what was answered unseen counts. A share of all
 * conversations may be so by chance, where packets are lost; one that is certain is enough.
 */
static bool judge_one_way(const struct mirror_window *window, struct mirror_degraded *degraded)
{
    const struct peers_conversations *seen = window->conversations;
    if (seen->pairs == 0)
        return false;
    degraded->value = (double)seen->proven / (double)seen->pairs;
    if (seen->certain > 0)
        degraded->threshold = 0;
    snprintf(degraded->summary, sizeof degraded->summary,
             "%" PRIu64 " of %" PRIu64
             " pairs of SIP hosts went on with their calls though one direction between them was "
             "never seen (%.0f%%): the mirror does not carry it.",
             seen->proven, seen->pairs, degraded->value * 100);
    set_next_step(degraded,
                  "Check that the mirror session copies both directions (rx and tx) of each port, "
                  "not rx only, and that the other path is mirrored too where requests and "
                  "responses take different links.");
    return true;
}

static bool judge_loss(const struct mirror_window *window, struct mirror_degraded *degraded)
{
    const struct mirror_loss *loss = window->loss;
    if (window->sensor_lost || loss->judged == 0)
        return false;
    degraded->value = mirror_loss_share(&loss->worst);
    snprintf(degraded->summary, sizeof degraded->summary,
             "%" PRIu32 " of the %" PRIu32
             " flows seen in a tenth of a second missed packets (%.0f%%); far more than by chance "
             "did in %u such moment%s: what hits so many flows at once was lost on the way to the "
             "sensor, or on a link that all of them share.",
             loss->worst.with_holes, loss->worst.flows, degraded->value * 100, loss->shared,
             loss->shared == 1 ? "" : "s");
    set_next_step(
        degraded,
        "Look at the output drops of the switch's mirror port: rx and tx of busy ports "
        "together may be more than it can send; mirror fewer ports or to a faster one, and "
        "do not trust figures of loss until then.");
    return true;
}

static bool judge_truncated(const struct mirror_window *window, struct mirror_degraded *degraded)
{
    if (window->packets == 0)
        return false;
    if (window->truncated >= TRUNCATED_MIN)
        degraded->value = (double)window->truncated / (double)window->packets;
    snprintf(degraded->summary, sizeof degraded->summary,
             "%" PRIu64 " of %" PRIu64
             " packets were cut by a snap length (%.1f%%): what was cut off of a SIP message "
             "cannot be read.",
             window->truncated, window->packets, degraded->value * 100);
    set_next_step(
        degraded,
        "Capture whole packets (tcpdump -s 0); where a mirror session can cut packets, switch "
        "that off, and give an encapsulated one a path whose MTU holds its header, too.");
    return true;
}

static bool judge_disorder(const struct mirror_window *window, struct mirror_degraded *degraded)
{
    if (window->stamps < STAMPS_MIN)
        return false;
    degraded->value = (double)window->late / (double)window->stamps;
    snprintf(degraded->summary, sizeof degraded->summary,
             "%" PRIu64 " of %" PRIu64
             " packets came after packets with a later stamp (%.1f%%), by up to %.1f ms.",
             window->late, window->stamps, degraded->value * 100,
             (double)window->late_max_ns / 1e6);
    set_next_step(degraded,
                  "Check whether two mirror sessions, links or captures with clocks or queues of "
                  "their own are mixed: give the sensor one session with both directions, or each "
                  "file by itself (-r A -r B), so that they are put in order by time.");
    return true;
}

static const struct rule {
    double threshold;
    bool (*judge)(const struct mirror_window *window, struct mirror_degraded *degraded);
} rules[] = {
    [MIRROR_ONE_WAY] = {0.2, judge_one_way},
    [MIRROR_LOSS] = {MIRROR_LOSS_THRESHOLD, judge_loss},
    [MIRROR_TRUNCATED] = {0.01, judge_truncated},
    [MIRROR_DISORDER] = {0.05, judge_disorder},
};

_Static_assert(sizeof rules / sizeof rules[0] == MIRROR_PROBLEM_COUNT, "each problem has its rule");

bool mirror_rules_judge(const struct mirror_window *window, enum mirror_problem problem,
                        struct mirror_degraded *degraded)
{
    degraded->problem = problem;
    degraded->threshold = rules[problem].threshold;
    return rules[problem].judge(window, degraded);
}
