#include "rtp/delay_spread.h"

#include <stdbool.h>

#define UNIT_MS 0.065536

/* The least delay of a bucket, in units; of the one after the last: where that ends. */
static uint32_t bucket_floor(unsigned bucket)
{
    if (bucket == 0)
        return 0;
    unsigned octave = (bucket - 1) / 4, quarter = (bucket - 1) % 4;
    return (4 + quarter) << octave;
}

void delay_spread_merge(struct delay_spread *whole, const struct delay_spread *part)
{
    uint32_t sum[DELAY_SPREAD_BUCKETS], most = 0;
    for (unsigned i = 0; i < DELAY_SPREAD_BUCKETS; i++) {
        sum[i] = (uint32_t)whole->bucket[i] + part->bucket[i];
        if (sum[i] > most)
            most = sum[i];
    }
    /* Rounded up: what was seen once or twice is the tail that one looks for. */
    bool is_full = most > UINT16_MAX;
    for (unsigned i = 0; i < DELAY_SPREAD_BUCKETS; i++)
        whole->bucket[i] = (uint16_t)(is_full ? (sum[i] + 1) / 2 : sum[i]);
}

double delay_spread_percentile_ms(const struct delay_spread *spread, double ratio)
{
    uint32_t total = 0;
    for (unsigned i = 0; i < DELAY_SPREAD_BUCKETS; i++)
        total += spread->bucket[i];

    double rank = ratio * total, floor = 0, ceiling = 0, in_bucket = 0;
    uint32_t below = 0;
    for (unsigned i = 0; i < DELAY_SPREAD_BUCKETS && (below == 0 || below < rank); i++) {
        uint16_t count = spread->bucket[i];
        if (count == 0)
            continue;
        floor = bucket_floor(i);
        ceiling = bucket_floor(i + 1);
        in_bucket = (rank - below) / count;
        below += count;
    }
    if (floor == 0)
        return 0; /* too little to be told from none */
    in_bucket = in_bucket < 0 ? 0 : in_bucket > 1 ? 1 : in_bucket;
    return (floor + (ceiling - floor) * in_bucket) * UNIT_MS;
}
