#include "verdict/mirror_loss.h"

#include <math.h>

/* Before much was seen: in 4 of 20 flows, as a path has it that loses 4% of its packets. */
#define USUAL_FLOWS 20.0
#define USUAL_HOLES 4.0
/* Standard deviations beyond what is usual, and beyond half of the flows. */
#define UNUSUAL  6.0
#define MAJORITY 4.0

enum { FLOWS_MIN = 10, PLACE_BITS = 13, NUMBER_MAX = UINT32_MAX >> 2 };

_Static_assert(1 << PLACE_BITS == MIRROR_LOSS_PLACES, "a place is PLACE_BITS of a product");

/*
 * Paths that lose packets at random make some flows miss one in each moment, now and then many of
 * them: that is chance. More of them than chance would have is shared, and so is most of them.
 */
static bool is_shared(const struct mirror_loss *loss)
{
    double flows = loss->now.flows, holes = loss->now.with_holes;
    double usual = (loss->usual_holes + USUAL_HOLES) / (loss->usual_flows + USUAL_FLOWS);
    double chance = flows * usual + UNUSUAL * sqrt(flows * usual * (1 - usual));
    double most = flows / 2 + MAJORITY * sqrt(flows) / 2;
    return holes > flows * MIRROR_LOSS_THRESHOLD && (holes > chance || holes > most);
}

static void judge_moment(struct mirror_loss *loss)
{
    if (loss->now.flows < FLOWS_MIN)
        return;
    loss->judged++;
    if (!is_shared(loss)) {
        loss->usual_flows += loss->now.flows;
        loss->usual_holes += loss->now.with_holes;
        return;
    }
    loss->shared++;
    if (mirror_loss_share(&loss->now) > mirror_loss_share(&loss->worst))
        loss->worst = loss->now;
}

/* After 2^30 moments, three years, an old mark could be taken for a new one: once, for one flow. */
static __attribute__((noinline)) void next_moment(struct mirror_loss *loss, int64_t since_ns)
{
    judge_moment(loss);
    loss->now = (struct mirror_loss_moment){0};
    loss->start_ns = since_ns - since_ns % MIRROR_MOMENT_NS;
    loss->number = loss->number == NUMBER_MAX ? 1 : loss->number + 1;
}

void mirror_loss_add(struct mirror_loss *loss, uint32_t flow, bool has_hole, bool is_tcp,
                     int64_t since_ns)
{
    if (since_ns - loss->start_ns >= MIRROR_MOMENT_NS)
        next_moment(loss, since_ns);
    uint32_t mark = loss->number << 2 | (uint32_t)is_tcp << 1;
    size_t at = (flow * loss->factor) >> (64 - PLACE_BITS);
    for (; loss->place[at].mark >> 2 == loss->number; at = (at + 1) % MIRROR_LOSS_PLACES) {
        struct mirror_loss_place *place = &loss->place[at];
        if (place->flow != flow || (place->mark & ~1U) != mark)
            continue;
        if (has_hole && !(place->mark & 1)) {
            loss->now.with_holes++;
            place->mark |= 1;
        }
        return;
    }
    if (loss->now.flows == MIRROR_FLOWS_MAX)
        return;
    loss->place[at] = (struct mirror_loss_place){flow, mark | has_hole};
    loss->now.flows++;
    loss->now.with_holes += has_hole;
}

void mirror_loss_end(struct mirror_loss *loss)
{
    next_moment(loss, 0);
}

void mirror_loss_begin(struct mirror_loss *loss)
{
    loss->worst = (struct mirror_loss_moment){0};
    loss->shared = loss->judged = 0;
    loss->usual_flows /= 2;
    loss->usual_holes /= 2;
}
