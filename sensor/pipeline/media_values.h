/*
 * media_values: how values are spread, to a hundredth, so that a report that shows both the values
 * and their spread says the same of both. Bounded, however many there are.
 */
#ifndef SIPSPAN_PIPELINE_MEDIA_VALUES_H
#define SIPSPAN_PIPELINE_MEDIA_VALUES_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

struct media_values {
    uint64_t count;
    double highest; /* rounded */
    size_t steps;
    uint32_t *step; /* how many values each hundredth has; the last one all above it */
};

/* Values from 0 to `limit`; what is above counts as `limit`. 0 or -ENOMEM. */
int media_values_init(struct media_values *values, unsigned limit);
void media_values_fini(struct media_values *values);
void media_values_add(struct media_values *values, double value);

/* A value as it is counted. */
static inline double media_values_round(double value)
{
    return round(value * 100) / 100;
}

/* Of all that were added, of which there is at least one. The tails: 5% of them, and at least one,
 * are that low or lower, that high or higher. */
double media_values_lowest(const struct media_values *values);
double media_values_median(const struct media_values *values);
double media_values_low_tail(const struct media_values *values);
double media_values_high_tail(const struct media_values *values);

#endif
