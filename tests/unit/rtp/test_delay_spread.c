/* Spread of delays: buckets, percentiles held against exact ones, adding up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <math.h>

#include "rtp/delay_spread.h"

#define MS      UINT64_C(1000000)
#define SAMPLES 20000

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void test_buckets(void **state)
{
    (void)state;
    assert_int_equal(delay_spread_bucket(0), 0);
    assert_int_equal(delay_spread_bucket(262143), 0);
    assert_int_equal(delay_spread_bucket(262144), 1);
    assert_int_equal(delay_spread_bucket(524287), 4);
    assert_int_equal(delay_spread_bucket(524288), 5);
    assert_int_equal(delay_spread_bucket(UINT64_MAX), DELAY_SPREAD_BUCKETS - 1);
    unsigned last = 0;
    for (uint64_t ns = 0; ns < 1200 * MS; ns += 10000) {
        unsigned bucket = delay_spread_bucket(ns);
        assert_true(bucket == last || bucket == last + 1);
        last = bucket;
    }
    assert_int_equal(last, DELAY_SPREAD_BUCKETS - 1);
}

static void test_empty_and_one(void **state)
{
    (void)state;
    struct delay_spread spread = {{0}};
    assert_true(delay_spread_percentile_ms(&spread, 0.5) == 0);
    assert_true(delay_spread_percentile_ms(&spread, 1) == 0);

    delay_spread_add(&spread, 20 * MS);
    for (unsigned i = 0; i <= 4; i++)
        assert_true(fabs(delay_spread_percentile_ms(&spread, i / 4.0) - 20) <= 0.25 * 20);
    /* Beyond the last bucket: its end. */
    delay_spread_add(&spread, 5000 * MS);
    double most = delay_spread_percentile_ms(&spread, 1);
    assert_true(most > 900 && most < 1000);
}

/* A hundred in one bucket lie evenly in it. */
static void test_interpolation(void **state)
{
    (void)state;
    struct delay_spread spread = {{0}};
    for (unsigned i = 0; i < 100; i++)
        delay_spread_add(&spread, 17 * MS); /* 16.777 to 20.972 ms */
    double floor = 256 * 0.065536, ceiling = 320 * 0.065536;
    assert_true(fabs(delay_spread_percentile_ms(&spread, 0) - floor) < 1e-9);
    assert_true(fabs(delay_spread_percentile_ms(&spread, 0.5) - (floor + ceiling) / 2) < 1e-9);
    assert_true(fabs(delay_spread_percentile_ms(&spread, 1) - ceiling) < 1e-9);
    /* Those of a bucket further up begin there, however few are between. */
    delay_spread_add(&spread, 300 * MS);
    assert_true(delay_spread_percentile_ms(&spread, 0.99) <= ceiling);
    assert_true(delay_spread_percentile_ms(&spread, 1) > 250);
}

/* Of several shapes of delay: within a bucket of the exact percentile (nearest rank). */
static void test_against_exact(void **state)
{
    (void)state;
    static uint64_t delay[SAMPLES];
    static const double ratios[] = {0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1};
    uint32_t seed = 0x5eed1234;
    for (unsigned shape = 0; shape < 5; shape++) {
        struct delay_spread spread = {{0}};
        for (unsigned i = 0; i < SAMPLES; i++) {
            double u = (next_random(&seed) + 1.0) / 4294967297.0, ms = 0;
            switch (shape) {
            case 0: /* even */
                ms = 80 * u;
                break;
            case 1: /* a long tail */
                ms = fmin(-12 * log(u), 900);
                break;
            case 2: /* two humps */
                ms = u < 0.93 ? 3 * u : 150 + 100 * (u - 0.93);
                break;
            case 3: /* nearly none */
                ms = 0.2 * u * u;
                break;
            default: /* all the same */
                ms = 33.3;
            }
            delay[i] = (uint64_t)(ms * 1e6);
            delay_spread_add(&spread, delay[i]);
        }
        qsort(delay, SAMPLES, sizeof delay[0], compare);
        double before = 0;
        for (size_t r = 0; r < sizeof ratios / sizeof ratios[0]; r++) {
            size_t rank = (size_t)ceil(ratios[r] * SAMPLES - 1e-9);
            double exact = (double)delay[rank - 1] / 1e6;
            double value = delay_spread_percentile_ms(&spread, ratios[r]);
            assert_true(fabs(value - exact) <= fmax(0.25 * exact, 0.2622));
            assert_true(value >= before);
            before = value;
        }
        /* Where many lie evenly, the interpolation is far better than the bucket. */
        if (shape == 0)
            assert_true(fabs(delay_spread_percentile_ms(&spread, 0.5) - 40) < 1);
    }
}

static void test_full_bucket(void **state)
{
    (void)state;
    struct delay_spread spread = {{0}};
    for (unsigned i = 0; i < 70000; i++)
        delay_spread_add(&spread, 10 * MS);
    assert_int_equal(spread.bucket[delay_spread_bucket(10 * MS)], UINT16_MAX);
}

static void test_merge(void **state)
{
    (void)state;
    struct delay_spread whole = {{0}}, part = {{0}};
    for (unsigned i = 0; i < 300; i++)
        delay_spread_add(&part, i % 3 ? 10 * MS : 100 * MS);
    delay_spread_merge(&whole, &part);
    assert_memory_equal(&whole, &part, sizeof whole);

    /* A day of such intervals: never full, in proportion, and a rare bucket is not forgotten. */
    struct delay_spread rare = {{0}};
    delay_spread_add(&rare, 500 * MS);
    delay_spread_merge(&whole, &rare);
    unsigned often = delay_spread_bucket(10 * MS), seldom = delay_spread_bucket(100 * MS);
    for (unsigned i = 1; i < 8640; i++) {
        delay_spread_merge(&whole, &part);
        double ratio = (double)whole.bucket[often] / whole.bucket[seldom];
        assert_true(fabs(ratio - 2) < 0.001);
    }
    assert_true(whole.bucket[often] >= 32767);
    assert_int_equal(whole.bucket[delay_spread_bucket(500 * MS)], 1);
    assert_true(fabs(delay_spread_percentile_ms(&whole, 0.5) - 10) <= 2.5);
    assert_true(fabs(delay_spread_percentile_ms(&whole, 0.9) - 100) <= 25);
}

static void test_merge_of_full_ones(void **state)
{
    (void)state;
    struct delay_spread whole = {{[3] = UINT16_MAX, [40] = 1}};
    struct delay_spread part = {{[3] = UINT16_MAX, [20] = UINT16_MAX}};
    delay_spread_merge(&whole, &part);
    assert_int_equal(whole.bucket[3], UINT16_MAX);
    assert_int_equal(whole.bucket[20], 32768);
    assert_int_equal(whole.bucket[40], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buckets),
        cmocka_unit_test(test_empty_and_one),
        cmocka_unit_test(test_interpolation),
        cmocka_unit_test(test_against_exact),
        cmocka_unit_test(test_full_bucket),
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_merge_of_full_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
