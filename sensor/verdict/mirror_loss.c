#include "verdict/mirror_loss.h"

enum { FLOWS_MIN = 10, PLACE_BITS = 13, NUMBER_MAX = UINT32_MAX >> 2 };

_Static_assert(1 << PLACE_BITS == MIRROR_LOSS_PLACES, "a place is PLACE_BITS of a product");

static void judge_moment(struct mirror_loss *loss)
{
    if (loss->now.flows < FLOWS_MIN)
        return;
    double share = mirror_loss_share(&loss->now);
    loss->shared += share > MIRROR_LOSS_THRESHOLD;
    if (loss->worst.flows == 0 || share > mirror_loss_share(&loss->worst))
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
    loss->shared = 0;
}
