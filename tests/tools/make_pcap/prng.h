/*
 * prng: a small seeded generator (splitmix64), so that the same command makes the same octets
 * anywhere.
 */
#ifndef MAKE_PCAP_PRNG_H
#define MAKE_PCAP_PRNG_H

#include <stdbool.h>
#include <stdint.h>

struct prng {
    uint64_t state;
};

static inline uint64_t prng_next(struct prng *p)
{
    uint64_t z = (p->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 to n - 1; n > 0. The bias of the multiplication is below 2^-32 for every n used here. */
static inline uint32_t prng_below(struct prng *p, uint32_t n)
{
    return (uint32_t)(((prng_next(p) >> 32) * n) >> 32);
}

/* 0 <= result < 1. */
static inline double prng_unit(struct prng *p)
{
    return (double)(prng_next(p) >> 11) * (1.0 / 9007199254740992.0);
}

/* True with this probability, in percent. Draws nothing at 0, so that an unused option changes
 * nothing. */
static inline bool prng_hits(struct prng *p, double percent)
{
    return percent > 0 && prng_unit(p) * 100 < percent;
}

#endif
