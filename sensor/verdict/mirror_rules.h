/*
 * mirror_rules: what makes a mirror unwell, one rule a problem, each with its words. Pure. Internal
 * to mirror.
 */
#ifndef SIPSPAN_VERDICT_MIRROR_RULES_H
#define SIPSPAN_VERDICT_MIRROR_RULES_H

#include "verdict/mirror_loss.h"

/* What one window showed. */
struct mirror_window {
    uint64_t stamps;  /* packets of any kind */
    uint64_t packets; /* IP packets, copies included */
    uint64_t truncated;
    uint64_t late; /* behind by more than two links of one mirror differ */
    int64_t late_max_ns;
    bool sensor_lost; /* packets itself */
    const struct mirror_loss *loss;
    const struct peers_conversations *conversations; /* of all that is remembered */
};

/* Fills value, threshold and words. False: this window cannot tell. */
bool mirror_rules_judge(const struct mirror_window *window, enum mirror_problem problem,
                        struct mirror_degraded *degraded);

#endif
