/*
 * spread: how values are spread (percentiles, maximum) in a few kilobytes, however many there are.
 *
 * Counts in buckets of which 32 share each power of two, so a percentile is off by at most 1.6%;
 * count and maximum are exact.
 */
#ifndef SIPSPAN_BASE_SPREAD_H
#define SIPSPAN_BASE_SPREAD_H

#include <stdint.h>

enum { SPREAD_PER_OCTAVE_BITS = 5, SPREAD_BUCKETS = (64 - SPREAD_PER_OCTAVE_BITS + 1) << 5 };

/* An empty spread is all zeroes. */
struct spread {
    uint64_t count, max;
    uint32_t bucket[SPREAD_BUCKETS];
};

void spread_add(struct spread *spread, uint64_t value);
/* The value that `ratio` (0 to 1) of all do not exceed; 0 of an empty one. */
uint64_t spread_percentile(const struct spread *spread, double ratio);

#endif
