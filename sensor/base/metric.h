/*
 * metric: counters, gauges and histograms that one thread writes and another may read at any time.
 *
 * A `metrics` registry holds families; a family holds its series, one for each set of label values,
 * all made at start so that each is there with 0 from the first scrape. Writing is a relaxed atomic
 * operation by the one thread that owns the series: no lock, no allocation. Reading
 * (http/exposition) takes no lock either: families and series are only ever added before the reader
 * starts.
 *
 * Names follow Prometheus: base units (seconds, bytes, ratio), `_total` is put on counters by the
 * renderer and is not part of `name`. Labels are bounded: never a Call-ID, number, address or SSRC.
 */
#ifndef SIPSPAN_BASE_METRIC_H
#define SIPSPAN_BASE_METRIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { METRIC_LABELS_MAX = 4, METRIC_BUCKETS_MAX = 16 };

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_INFO };

/* What a family is; static data of the module that registers it. */
struct metric_desc {
    enum metric_type type;
    const char *name;                      /* "sip_requests"; of an info: without "_info" */
    const char *help;                      /* one sentence, with its full stop */
    const char *unit;                      /* "seconds", "bytes" or NULL; must end `name` */
    const char *labels[METRIC_LABELS_MAX]; /* unused ones NULL */
    const double *buckets;                 /* upper bounds, ascending, without +Inf */
    unsigned bucket_count;                 /* at most METRIC_BUCKETS_MAX */
};

/* One series. Of a gauge, `value` holds the bits of a double; of a counter, an integer. */
struct metric {
    _Atomic uint64_t value;
    /* Histograms only: counts per bucket (not cumulative; the last is +Inf), and the sum. */
    _Atomic uint64_t bucket[METRIC_BUCKETS_MAX + 1];
    _Atomic uint64_t sum; /* the bits of a double */
    const struct metric_desc *desc;
    char *label_values[METRIC_LABELS_MAX];
    struct metric *next;
};

struct metric_family {
    const struct metric_desc *desc;
    struct metric *first, *last; /* series in the order of their making */
    struct metric_family *next;
};

struct metrics {
    struct metric_family *first, *last;
};

/* The registry; NULL when memory is out. The owner destroys it after the last reader has stopped.
 */
struct metrics *metrics_create(void);
void metrics_destroy(struct metrics *metrics);

/* Adds a family. `desc` must outlive the registry. NULL when memory is out. */
struct metric_family *metrics_add(struct metrics *metrics, const struct metric_desc *desc);
/* Adds a series with these label values (copied), in the order of desc->labels; NULL values for
 * none. */
struct metric *metric_series(struct metric_family *family, const char *const *label_values);
/* A family without labels and its one series, at once. */
struct metric *metrics_add_single(struct metrics *metrics, const struct metric_desc *desc);

static inline void metric_add(struct metric *m, uint64_t n)
{
    uint64_t v = atomic_load_explicit(&m->value, memory_order_relaxed);
    atomic_store_explicit(&m->value, v + n, memory_order_relaxed);
}

static inline uint64_t metric_count(const struct metric *m)
{
    return atomic_load_explicit(&m->value, memory_order_relaxed);
}

void metric_set(struct metric *m, double value);     /* gauges */
double metric_get(const struct metric *m);           /* gauges */
void metric_observe(struct metric *m, double value); /* histograms */

#endif
