/* Stamps that jump: what is an outlier, what is a clock that was set, what is time that passed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipeline/packet_clock.h"

#define S    INT64_C(1000000000)
#define HOUR (3600 * S)

static int64_t read_at(struct packet_clock *clock, int64_t stamp_ns, int64_t expected_step_ns)
{
    int64_t step_ns = 1;
    int64_t time_ns = packet_clock_read(clock, stamp_ns, &step_ns);
    assert_int_equal(step_ns, expected_step_ns);
    return time_ns;
}

static void test_as_they_are(void **state)
{
    struct packet_clock clock = {0};
    (void)state;
    assert_int_equal(read_at(&clock, 100 * S, 0), 100 * S);
    assert_int_equal(read_at(&clock, 95 * S, 0), 95 * S); /* mixed up, not set */
    assert_int_equal(clock.now_ns, 100 * S);
    assert_int_equal(read_at(&clock, 200 * HOUR, 0), 200 * HOUR); /* a quiet week */
    assert_int_equal(clock.outliers, 0);
    assert_int_equal(clock.steps, 0);
}

static void test_outliers(void **state)
{
    struct packet_clock clock = {0};
    (void)state;
    read_at(&clock, 10 * HOUR, 0);
    assert_int_equal(read_at(&clock, INT64_MAX, 0), 10 * HOUR);
    assert_int_equal(read_at(&clock, 10 * HOUR + S, 0), 10 * HOUR + S);
    assert_int_equal(read_at(&clock, INT64_MIN, 0), 10 * HOUR + S);
    assert_int_equal(read_at(&clock, INT64_MAX, 0), 10 * HOUR + S); /* these do not agree */
    assert_int_equal(read_at(&clock, 9 * HOUR, 0), 10 * HOUR + S);
    assert_int_equal(read_at(&clock, 10 * HOUR + 2 * S, 0), 10 * HOUR + 2 * S);
    assert_int_equal(clock.outliers, 4);
    assert_int_equal(clock.steps, 0);
}

/* The clock is set back by an hour: from the third packet on it is believed. */
static void test_set_back(void **state)
{
    struct packet_clock clock = {0};
    (void)state;
    read_at(&clock, 10 * HOUR, 0);
    assert_int_equal(read_at(&clock, 9 * HOUR, 0), 10 * HOUR);
    assert_int_equal(read_at(&clock, 9 * HOUR + S, 0), 10 * HOUR);
    assert_int_equal(read_at(&clock, 9 * HOUR + 2 * S, -HOUR + 2 * S), 9 * HOUR + 2 * S);
    assert_int_equal(read_at(&clock, 9 * HOUR + 3 * S, 0), 9 * HOUR + 3 * S);
    assert_int_equal(clock.steps, 1);
    assert_int_equal(clock.outliers, 2);
}

static void test_set_far_ahead(void **state)
{
    struct packet_clock clock = {0};
    (void)state;
    read_at(&clock, HOUR, 0);
    const int64_t far_ns = 100000 * HOUR;
    read_at(&clock, far_ns, 0);
    read_at(&clock, far_ns + S, 0);
    assert_int_equal(read_at(&clock, far_ns + S, far_ns + S - HOUR), far_ns + S);
    assert_int_equal(clock.steps, 1);
}

/* What the kernel had stamped before the step still comes with old stamps. */
static void test_expected(void **state)
{
    struct packet_clock clock = {0};
    (void)state;
    packet_clock_expect(&clock, HOUR); /* nothing runs yet that could step */
    read_at(&clock, HOUR, 0);
    packet_clock_expect(&clock, HOUR);
    assert_int_equal(read_at(&clock, HOUR + S, 0), HOUR + S);
    assert_int_equal(read_at(&clock, 2 * HOUR + 2 * S, HOUR), 2 * HOUR + 2 * S);
    assert_int_equal(read_at(&clock, 2 * HOUR + 3 * S, 0), 2 * HOUR + 3 * S);
    assert_int_equal(clock.steps, 1);
    assert_int_equal(clock.now_ns, 2 * HOUR + 3 * S);

    packet_clock_expect(&clock, -2 * S); /* too little to be seen as a step without being told */
    assert_int_equal(read_at(&clock, 2 * HOUR + S, -2 * S), 2 * HOUR + S);
    assert_int_equal(clock.steps, 2);
}

/* No packet shows the step: whoever keeps time takes it himself, once. */
static void test_expected_without_packets(void **state)
{
    struct packet_clock clock = {0};
    (void)state;
    read_at(&clock, HOUR, 0);
    packet_clock_expect(&clock, 2 * S);
    packet_clock_expect(&clock, HOUR);
    assert_int_equal(packet_clock_take_expected(&clock), HOUR + 2 * S);
    assert_int_equal(packet_clock_take_expected(&clock), 0);
    assert_int_equal(clock.now_ns, 2 * HOUR + 2 * S);
    assert_int_equal(read_at(&clock, 2 * HOUR + 3 * S, 0), 2 * HOUR + 3 * S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_they_are), cmocka_unit_test(test_outliers),
        cmocka_unit_test(test_set_back),    cmocka_unit_test(test_set_far_ahead),
        cmocka_unit_test(test_expected),    cmocka_unit_test(test_expected_without_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
