/*
 * mirror_loss: moments in which many flows missed packets together. One network path does that to
 * the flows that take it; a mirror port that is full does it to all of them. A moment is short, so
 * that packets lost here and there by a bad path do not add up to a loss of many: of a stream of 50
 * packets a second, one in a hundred of them lost, four seconds in ten miss one, but one moment in
 * twenty. How many flows miss one by chance is learned from the moments before. Internal to mirror.
 *
 * Flows are told apart in a fixed table that is never cleared: what an older moment left there has
 * another number. Places are found by a secret factor, since streams can be chosen. Plain data;
 * times in ns from the start of whatever the caller counts from.
 */
#ifndef SIPSPAN_VERDICT_MIRROR_LOSS_H
#define SIPSPAN_VERDICT_MIRROR_LOSS_H

#include "verdict/mirror.h"

/* Twice as many places as flows, so that a search is short. */
enum { MIRROR_LOSS_PLACES = 2 * MIRROR_FLOWS_MAX };

#define MIRROR_LOSS_THRESHOLD 0.3

/* The flows of one moment. */
struct mirror_loss_moment {
    uint32_t flows, with_holes;
};

/* All zeroes, but for `number`, which begins at 1, and `factor`: nothing seen. */
struct mirror_loss {
    uint64_t factor;  /* random and odd: who chooses flows cannot choose that they meet */
    int64_t start_ns; /* of the moment that is counted now */
    uint32_t number;  /* of it in the table's marks */
    struct mirror_loss_moment now;
    struct mirror_loss_moment worst; /* of the shared ones of the window */
    unsigned judged;                 /* moments of the window that had enough flows */
    unsigned shared;                 /* of these, in which flows missed packets together */
    double usual_flows, usual_holes; /* in the others, those of earlier windows fading */
    struct mirror_loss_place {
        uint32_t flow;
        uint32_t mark; /* number << 2, the protocol, whether a hole was seen */
    } place[MIRROR_LOSS_PLACES];
};

/* since_ns: from the window's start. A packet of an earlier moment counts in the latest. */
void mirror_loss_add(struct mirror_loss *loss, uint32_t flow, bool has_hole, bool is_tcp,
                     int64_t since_ns);
/* The window is over: its last moment is judged too. Then mirror_loss_begin. */
void mirror_loss_end(struct mirror_loss *loss);
void mirror_loss_begin(struct mirror_loss *loss);

static inline double mirror_loss_share(const struct mirror_loss_moment *moment)
{
    return moment->flows ? (double)moment->with_holes / (double)moment->flows : 0;
}

#endif
