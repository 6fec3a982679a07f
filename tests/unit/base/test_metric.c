/*
 * metric: the registry keeps what it is given in order, and the three kinds of series count as they
 * should, also while another thread reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/metric.h"

static const double bounds[] = {0.5, 1, 2.5};
static const struct metric_desc counter_desc = {
    .type = METRIC_COUNTER, .name = "sip_calls", .help = "Calls.", .labels = {"state", "side"}};
static const struct metric_desc gauge_desc = {
    .type = METRIC_GAUGE, .name = "sip_calls_active", .help = "Calls now."};
static const struct metric_desc histogram_desc = {.type = METRIC_HISTOGRAM,
                                                  .name = "sip_delay_seconds",
                                                  .help = "Delays.",
                                                  .unit = "seconds",
                                                  .buckets = bounds,
                                                  .bucket_count = 3};

static void keeps_families_and_series_in_order(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_create();
    struct metric_family *calls = metrics_add(metrics, &counter_desc);
    struct metric *active = metrics_add_single(metrics, &gauge_desc);
    char side[] = "caller";
    struct metric *first = metric_series(calls, (const char *const[]){"failed", side});
    struct metric *second = metric_series(calls, (const char *const[]){"completed", "callee"});
    /* The values are the series' own. */
    side[0] = 'X';

    assert_ptr_equal(metrics->first, calls);
    assert_ptr_equal(metrics->first->next, metrics->last);
    assert_null(metrics->last->next);
    assert_ptr_equal(metrics->last->first, active);
    assert_ptr_equal(active->desc, &gauge_desc);
    assert_ptr_equal(calls->first, first);
    assert_ptr_equal(first->next, second);
    assert_ptr_equal(calls->last, second);
    assert_null(second->next);
    assert_string_equal(first->label_values[0], "failed");
    assert_string_equal(first->label_values[1], "caller");
    assert_string_equal(second->label_values[0], "completed");
    assert_null(second->label_values[2]);
    metrics_destroy(metrics);
    metrics_destroy(NULL);
}

static void counts_and_sets(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_create();
    struct metric *counter =
        metric_series(metrics_add(metrics, &counter_desc), (const char *const[]){"failed", "x"});
    struct metric *gauge = metrics_add_single(metrics, &gauge_desc);
    assert_int_equal(metric_count(counter), 0);
    metric_add(counter, 1);
    metric_add(counter, UINT64_C(1) << 40);
    assert_true(metric_count(counter) == (UINT64_C(1) << 40) + 1);
    assert_true(metric_get(gauge) == 0);
    metric_set(gauge, -0.25);
    assert_true(metric_get(gauge) == -0.25);
    metrics_destroy(metrics);
}

static uint64_t bucket(const struct metric *m, unsigned i)
{
    return atomic_load(&m->bucket[i]);
}

static void observes_into_the_bucket_whose_bound_includes_the_value(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_create();
    struct metric *m = metrics_add_single(metrics, &histogram_desc);
    const double values[] = {-1, 0.5, 0.75, 1, 2.5, 2.75, INFINITY, NAN};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (!isinf(values[i]))
            metric_observe(m, values[i]);
    double sum;
    uint64_t bits = atomic_load(&m->sum);
    memcpy(&sum, &bits, sizeof sum);
    assert_true(sum == 6.5);
    metric_observe(m, INFINITY);
    assert_int_equal(bucket(m, 0), 2);
    assert_int_equal(bucket(m, 1), 2);
    assert_int_equal(bucket(m, 2), 1);
    assert_int_equal(bucket(m, 3), 2);
    assert_int_equal(bucket(m, 4), 0);
    metrics_destroy(metrics);
}

enum { ROUNDS = 20000 };

static void *write_rounds(void *arg)
{
    struct metric *const *series = arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        metric_add(series[0], 1);
        metric_set(series[1], i);
        metric_observe(series[2], 1);
    }
    return NULL;
}

static void is_read_while_it_is_written(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_create();
    struct metric *series[] = {
        metric_series(metrics_add(metrics, &counter_desc), (const char *const[]){"a", "b"}),
        metrics_add_single(metrics, &gauge_desc), metrics_add_single(metrics, &histogram_desc)};
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, write_rounds, series), 0);
    uint64_t before = 0;
    while (before < ROUNDS) {
        uint64_t now = metric_count(series[0]);
        assert_true(now >= before);
        before = now;
        double gauge = metric_get(series[1]);
        assert_true(gauge >= 0 && gauge < ROUNDS && gauge == (double)(unsigned)gauge);
    }
    pthread_join(writer, NULL);
    assert_int_equal(bucket(series[2], 1), ROUNDS);
    metrics_destroy(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_families_and_series_in_order),
        cmocka_unit_test(counts_and_sets),
        cmocka_unit_test(observes_into_the_bucket_whose_bound_includes_the_value),
        cmocka_unit_test(is_read_while_it_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
