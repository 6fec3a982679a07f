#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/spread.h"

/* "Off by at most 1.6 %": half of a thirty-second of an octave. */
static void assert_near(uint64_t got, uint64_t want)
{
    double off = want ? ((double)got - (double)want) / (double)want : (double)got;
    if (off > 0.016 || off < -0.016)
        fail_msg("%llu is not near %llu", (unsigned long long)got, (unsigned long long)want);
}

static struct spread spread;

static void test_empty(void **state)
{
    (void)state;
    memset(&spread, 0, sizeof spread);
    assert_int_equal(spread_percentile(&spread, 0.5), 0);
    assert_int_equal(spread_percentile(&spread, 1), 0);
}

static void test_one_value(void **state)
{
    static const uint64_t values[] = {0,         1, 31, 32, 33, 1000, 123456, UINT64_C(1) << 40,
                                      UINT64_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        memset(&spread, 0, sizeof spread);
        spread_add(&spread, values[i]);
        assert_int_equal(spread.count, 1);
        assert_true(spread.max == values[i]);
        assert_near(spread_percentile(&spread, 0), values[i]);
        assert_near(spread_percentile(&spread, 0.5), values[i]);
        assert_near(spread_percentile(&spread, 1), values[i]);
        assert_true(spread_percentile(&spread, 1) <= values[i]); /* never beyond the longest */
    }
}

static void test_percentiles(void **state)
{
    (void)state;
    memset(&spread, 0, sizeof spread);
    for (uint64_t i = 100000; i >= 1; i--)
        spread_add(&spread, i);
    assert_int_equal(spread.count, 100000);
    assert_int_equal(spread.max, 100000);
    for (int percent = 1; percent <= 100; percent++)
        assert_near(spread_percentile(&spread, percent / 100.0), (uint64_t)percent * 1000);
}

static void test_small_values_are_exact(void **state)
{
    (void)state;
    memset(&spread, 0, sizeof spread);
    for (uint64_t i = 0; i < 32; i++)
        spread_add(&spread, i);
    for (int i = 0; i < 32; i++)
        assert_int_equal(spread_percentile(&spread, (i + 0.5) / 32), i);
}

/* The median of two groups is of one of them, not between. */
static void test_two_groups(void **state)
{
    (void)state;
    memset(&spread, 0, sizeof spread);
    for (int i = 0; i < 60; i++)
        spread_add(&spread, 20000);
    for (int i = 0; i < 40; i++)
        spread_add(&spread, 5000000);
    assert_near(spread_percentile(&spread, 0.5), 20000);
    assert_near(spread_percentile(&spread, 0.95), 5000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),       cmocka_unit_test(test_one_value),
        cmocka_unit_test(test_percentiles), cmocka_unit_test(test_small_values_are_exact),
        cmocka_unit_test(test_two_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
