#include "pipeline/media_values.h"

#include <errno.h>
#include <stdlib.h>

int media_values_init(struct media_values *values, unsigned limit)
{
    size_t steps = (size_t)limit * 100 + 1;
    *values = (struct media_values){.steps = steps, .step = calloc(steps, sizeof *values->step)};
    return values->step ? 0 : -ENOMEM;
}

void media_values_fini(struct media_values *values)
{
    free(values->step);
    *values = (struct media_values){0};
}

void media_values_add(struct media_values *values, double value)
{
    double rounded = media_values_round(fmax(value, 0));
    double limit = (double)(values->steps - 1);
    values->step[lround(fmin(rounded * 100, limit))]++;
    values->count++;
    values->highest = fmax(values->highest, rounded);
}

/* Counted from the lowest, which is 1. */
static double at_rank(const struct media_values *values, uint64_t rank)
{
    size_t step = 0;
    uint64_t passed = values->step[0];
    while (passed < rank && step < values->steps - 1)
        passed += values->step[++step];
    return (double)step / 100;
}

static uint64_t tail(const struct media_values *values)
{
    return (values->count + 19) / 20;
}

double media_values_lowest(const struct media_values *values)
{
    return at_rank(values, 1);
}

double media_values_median(const struct media_values *values)
{
    return (at_rank(values, (values->count + 1) / 2) + at_rank(values, values->count / 2 + 1)) / 2;
}

double media_values_low_tail(const struct media_values *values)
{
    return at_rank(values, tail(values));
}

double media_values_high_tail(const struct media_values *values)
{
    return at_rank(values, values->count + 1 - tail(values));
}
