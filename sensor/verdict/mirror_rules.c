#include "verdict/mirror_rules.h"

#include <inttypes.h>
#include <stdio.h>

enum { STAMPS_MIN = 100 };

static const double thresholds[MIRROR_PROBLEM_COUNT] = {
    [MIRROR_ONE_WAY] = 0.2,
    [MIRROR_LOSS] = MIRROR_LOSS_THRESHOLD,
    [MIRROR_TRUNCATED] = 0.01,
    [MIRROR_DISORDER] = 0.05,
};

static void set_next_step(struct mirror_degraded *degraded, const char *text)
{
    snprintf(degraded->next_step, sizeof degraded->next_step, "%s", text);
}

/* A silent peer is no fault of the mirror: only what was answered unseen counts. */
static bool judge_one_way(const struct mirror_window *window, struct mirror_degraded *degraded)
{
    const struct peers_conversations *seen = window->conversations;
    if (seen->pairs == 0)
        return false;
    degraded->value = (double)seen->proven / (double)seen->pairs;
    snprintf(degraded->summary, sizeof degraded->summary,
             "Of %" PRIu64 " conversations between two SIP hosts, %" PRIu64
             " went on though one of their directions was never seen (%.0f%%): the mirror delivers "
             "only half of them.",
             seen->pairs, seen->proven, degraded->value * 100);
    set_next_step(degraded,
                  "Check that the mirror session copies both directions (rx and tx) of each port, "
                  "not rx only, and that the other path is mirrored too where requests and "
                  "responses take different links.");
    return true;
}

static bool judge_loss(const struct mirror_window *window, struct mirror_degraded *degraded)
{
    const struct mirror_loss *loss = window->loss;
    if (window->sensor_lost || loss->worst.flows == 0)
        return false;
    degraded->value = mirror_loss_share(&loss->worst);
    snprintf(degraded->summary, sizeof degraded->summary,
             "%" PRIu32 " of the %" PRIu32
             " flows seen in a tenth of a second missed packets (%.0f%%), and as many at %u such "
             "moments of 10 s: what hits many flows at once was lost on the way to the sensor, "
             "hardly in the network.",
             loss->worst.with_holes, loss->worst.flows, degraded->value * 100, loss->shared);
    set_next_step(degraded,
                  "Look at the output drops of the switch's mirror port: rx and tx of busy ports "
                  "together may be more than it can send. Mirror fewer ports or to a faster one. "
                  "Until then do not trust figures of loss.");
    return true;
}

static bool judge_truncated(const struct mirror_window *window, struct mirror_degraded *degraded)
{
    if (window->packets == 0)
        return false;
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

bool mirror_rules_judge(const struct mirror_window *window, enum mirror_problem problem,
                        struct mirror_degraded *degraded)
{
    static bool (*const rules[MIRROR_PROBLEM_COUNT])(const struct mirror_window *,
                                                     struct mirror_degraded *) = {
        [MIRROR_ONE_WAY] = judge_one_way,
        [MIRROR_LOSS] = judge_loss,
        [MIRROR_TRUNCATED] = judge_truncated,
        [MIRROR_DISORDER] = judge_disorder,
    };
    degraded->problem = problem;
    degraded->threshold = thresholds[problem];
    return rules[problem](window, degraded);
}
