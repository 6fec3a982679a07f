/*
 * delay_spread: how the delay of packets is spread above that of the fastest (RFC 5481: PDV), in
 * few octets: counts in buckets of a quarter of an octave from 256 us to about 1 s.
 */
#ifndef SIPSPAN_RTP_DELAY_SPREAD_H
#define SIPSPAN_RTP_DELAY_SPREAD_H

#include <stdint.h>

enum { DELAY_SPREAD_BUCKETS = 48 };

/* All zeroes: empty. */
struct delay_spread {
    uint16_t bucket[DELAY_SPREAD_BUCKETS];
};

/* The bucket of a delay: 0 below 256 us, then four for each power of two. */
static inline unsigned delay_spread_bucket(uint64_t delay_ns)
{
    uint64_t units = delay_ns >> 16; /* 65.536 us */
    if (units < 4)
        return 0;
    unsigned octave = 63U - (unsigned)__builtin_clzll(units);
    unsigned at = (octave - 2) * 4 + (unsigned)(units >> (octave - 2) & 3) + 1;
    return at < DELAY_SPREAD_BUCKETS ? at : DELAY_SPREAD_BUCKETS - 1;
}

/* A bucket that is full stays so: it takes 20 minutes of a call's packets to get there. */
static inline void delay_spread_add(struct delay_spread *spread, uint64_t delay_ns)
{
    uint16_t *count = &spread->bucket[delay_spread_bucket(delay_ns)];
    *count = (uint16_t)(*count + (*count != UINT16_MAX));
}

/* Adds all of `part` to `whole`. When a bucket runs over all are halved, which keeps their
 * proportions; what is added later then weighs twice. */
void delay_spread_merge(struct delay_spread *whole, const struct delay_spread *part);
/* Below 262 us it is told as 0. The delay that `ratio` (0 to 1) of all do not exceed, between the
 * ends of its bucket (so within a quarter, or 0.26 ms); at most 0.94 s; 0 of an empty one. */
double delay_spread_percentile_ms(const struct delay_spread *spread, double ratio);

#endif
