/*
 * metric_families: how the sensor's families of metrics are written down and kept up to date.
 * Internal to what keeps them.
 */
#ifndef SIPSPAN_PIPELINE_METRIC_FAMILIES_H
#define SIPSPAN_PIPELINE_METRIC_FAMILIES_H

#include "base/metric.h"

#define COUNTER(name_, help_, ...)                                                                 \
    {                                                                                              \
        .type = METRIC_COUNTER, .name = name_, .help = help_, .labels = { __VA_ARGS__ }            \
    }
#define GAUGE(name_, help_, ...)                                                                   \
    {                                                                                              \
        .type = METRIC_GAUGE, .name = name_, .help = help_, .labels = { __VA_ARGS__ }              \
    }
#define COUNTER_BYTES(name_, help_)                                                                \
    {                                                                                              \
        .type = METRIC_COUNTER, .name = name_, .help = help_, .unit = "bytes"                      \
    }

/* A series with up to three label values. *is_incomplete is set when memory is out. */
static inline struct metric *family_series(struct metric_family *family, const char *a,
                                           const char *b, const char *c, bool *is_incomplete)
{
    const char *values[METRIC_LABELS_MAX] = {a, b, c};
    struct metric *series = family ? metric_series(family, values) : NULL;
    *is_incomplete |= !series;
    return series;
}

/* Adds families, of which those without labels get their one series in `single`. */
static inline void families_add(struct metrics *registry, const struct metric_desc *desc, int count,
                                struct metric_family **family, struct metric **single,
                                bool *is_incomplete)
{
    for (int i = 0; i < count; i++) {
        family[i] = metrics_add(registry, &desc[i]);
        if (!desc[i].labels[0])
            single[i] = family_series(family[i], NULL, NULL, NULL, is_incomplete);
    }
}

/* A counter of ours shows a count that is kept elsewhere. */
static inline void counter_show(struct metric *counter, uint64_t total)
{
    metric_add(counter, total - metric_count(counter));
}

#endif
