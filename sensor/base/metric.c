#include "base/metric.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct metrics *metrics_create(void)
{
    return calloc(1, sizeof(struct metrics));
}

static void series_destroy(struct metric *series)
{
    for (unsigned i = 0; i < METRIC_LABELS_MAX; i++)
        free(series->label_values[i]);
    free(series);
}

static void family_destroy(struct metric_family *family)
{
    struct metric *next;
    for (struct metric *series = family->first; series; series = next) {
        next = series->next;
        series_destroy(series);
    }
    free(family);
}

void metrics_destroy(struct metrics *metrics)
{
    if (!metrics)
        return;
    struct metric_family *next;
    for (struct metric_family *family = metrics->first; family; family = next) {
        next = family->next;
        family_destroy(family);
    }
    free(metrics);
}

struct metric_family *metrics_add(struct metrics *metrics, const struct metric_desc *desc)
{
    assert(desc->bucket_count <= METRIC_BUCKETS_MAX);
    struct metric_family *family = calloc(1, sizeof *family);
    if (!family)
        return NULL;
    family->desc = desc;
    if (metrics->last)
        metrics->last->next = family;
    else
        metrics->first = family;
    metrics->last = family;
    return family;
}

struct metric *metric_series(struct metric_family *family, const char *const *label_values)
{
    const struct metric_desc *desc = family->desc;
    struct metric *series = calloc(1, sizeof *series);
    if (!series)
        return NULL;
    series->desc = desc;
    for (unsigned i = 0; i < METRIC_LABELS_MAX && desc->labels[i]; i++) {
        assert(label_values);
        series->label_values[i] = strdup(label_values[i]);
        if (!series->label_values[i]) {
            series_destroy(series);
            return NULL;
        }
    }
    if (family->last)
        family->last->next = series;
    else
        family->first = series;
    family->last = series;
    return series;
}

struct metric *metrics_add_single(struct metrics *metrics, const struct metric_desc *desc)
{
    struct metric_family *family = metrics_add(metrics, desc);
    return family ? metric_series(family, NULL) : NULL;
}

static void store_double(_Atomic uint64_t *to, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    atomic_store_explicit(to, bits, memory_order_relaxed);
}

static double load_double(const _Atomic uint64_t *from)
{
    uint64_t bits = atomic_load_explicit(from, memory_order_relaxed);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void metric_set(struct metric *m, double value)
{
    store_double(&m->value, value);
}

double metric_get(const struct metric *m)
{
    return load_double(&m->value);
}

void metric_observe(struct metric *m, double value)
{
    const struct metric_desc *desc = m->desc;
    /* One NaN would make the sum NaN for the life of the process. */
    if (value != value)
        return;
    unsigned i = 0;
    while (i < desc->bucket_count && value > desc->buckets[i])
        i++;
    uint64_t count = atomic_load_explicit(&m->bucket[i], memory_order_relaxed);
    atomic_store_explicit(&m->bucket[i], count + 1, memory_order_relaxed);
    store_double(&m->sum, load_double(&m->sum) + value);
}
