/* Runs, bursts and gaps: the example of RFC 3611, and random patterns held against the definition
 * of section 4.7.2 applied to the whole sequence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "rtp/loss_runs.h"

enum { PATTERN_MAX = 2000 };

/* Each octet a packet: '1' is good. */
static struct loss_runs_figures take(struct loss_runs *runs, const char *pattern, size_t len,
                                     uint32_t first)
{
    *runs = (struct loss_runs){0};
    for (size_t i = 0; i < len; i++)
        if (pattern[i] != '1')
            loss_runs_bad(runs, first + (uint32_t)i);
    struct loss_runs_figures figures;
    loss_runs_read(runs, (uint32_t)len, &figures);
    return figures;
}

/* RFC 3611 section 4.7.2 prints a pattern of 64 packets that has 63, and a loss rate of 5%. */
static void test_rfc3611_example(void **state)
{
    (void)state;
    static const char pattern[] = "11110111111111111111111X111X1011110111111111111111111X111111111";
    assert_int_equal(strlen(pattern), 63);
    struct loss_runs runs;
    struct loss_runs_figures figures = take(&runs, pattern, strlen(pattern), 1);
    assert_int_equal(runs.bad, 6);
    assert_int_equal(runs.runs, 6);
    assert_int_equal(runs.longest, 1);
    assert_int_equal(figures.bursts, 1);
    assert_int_equal(figures.burst_packets, 12);
    assert_int_equal(figures.burst_bad, 4);
    assert_int_equal(figures.gap_packets, 51);
    assert_int_equal(figures.gap_bad, 2);
    assert_int_equal(figures.burst_bad * 256 / figures.burst_packets, 85);
    assert_int_equal(figures.gap_bad * 256 / figures.gap_packets, 10);
}

/* 15 good ones hold a burst together, 16 part it. */
static void test_gmin(void **state)
{
    (void)state;
    struct loss_runs runs;
    struct loss_runs_figures figures = take(&runs, "0111111111111111011", 19, 7);
    assert_int_equal(figures.bursts, 1);
    assert_int_equal(figures.burst_packets, 17);
    assert_int_equal(figures.gap_packets, 2);
    figures = take(&runs, "01111111111111111011", 20, 7);
    assert_int_equal(figures.bursts, 0);
    assert_int_equal(figures.gap_packets, 20);
    assert_int_equal(figures.gap_bad, 2);
}

static void test_ends(void **state)
{
    (void)state;
    struct loss_runs runs;
    struct loss_runs_figures figures = take(&runs, "1111", 4, 0);
    assert_int_equal(figures.bursts, 0);
    assert_int_equal(figures.gap_packets, 4);
    assert_int_equal(figures.gap_bad, 0);
    /* All bad, from the very first number. */
    figures = take(&runs, "0000", 4, 0);
    assert_int_equal(figures.bursts, 1);
    assert_int_equal(figures.burst_packets, 4);
    assert_int_equal(figures.burst_bad, 4);
    assert_int_equal(figures.gap_packets, 0);
    assert_int_equal(runs.runs, 1);
    assert_int_equal(runs.longest, 4);
    /* What is read may go on. */
    loss_runs_bad(&runs, 4);
    loss_runs_read(&runs, 5, &figures);
    assert_int_equal(figures.bursts, 1);
    assert_int_equal(figures.burst_packets, 5);
    assert_int_equal(runs.runs, 1);
    assert_int_equal(runs.longest, 5);
}

/* The definition, on the whole sequence at once: pairs of bad ones with fewer than 16 good between
 * them are of one burst; what is in no burst is gap. */
static struct loss_runs_figures reference(const char *pattern, size_t len, uint32_t *runs,
                                          uint32_t *longest)
{
    static char in_burst[PATTERN_MAX];
    memset(in_burst, 0, len);
    for (size_t i = 0; i < len; i++) {
        for (size_t j = i + 1; pattern[i] == '0' && j < len && j <= i + LOSS_RUNS_GMIN; j++)
            if (pattern[j] == '0')
                memset(in_burst + i, 1, j - i + 1);
    }
    struct loss_runs_figures figures = {0};
    uint32_t run = 0;
    *runs = *longest = 0;
    for (size_t i = 0; i < len; i++) {
        bool is_bad = pattern[i] == '0';
        figures.bursts += in_burst[i] && (i == 0 || !in_burst[i - 1]);
        *(in_burst[i] ? &figures.burst_packets : &figures.gap_packets) += 1;
        *(in_burst[i] ? &figures.burst_bad : &figures.gap_bad) += is_bad;
        run = is_bad ? run + 1 : 0;
        *runs += run == 1;
        *longest = run > *longest ? run : *longest;
    }
    return figures;
}

static void test_random_patterns(void **state)
{
    (void)state;
    uint32_t seed = 0x2545f491;
    static char pattern[PATTERN_MAX];
    for (unsigned round = 0; round < 3000; round++) {
        size_t len = 1 + (seed >> 8) % PATTERN_MAX;
        uint32_t loss = 1u << (20 + round % 12); /* of 2^32: from 1 in 4096 to a half */
        uint32_t stay = round % 3 * 0x50000000u; /* how likely a bad one is followed by another */
        bool was_bad = false;
        for (size_t i = 0; i < len; i++) {
            seed ^= seed << 13;
            seed ^= seed >> 17;
            seed ^= seed << 5;
            was_bad = seed < (was_bad && stay > loss ? stay : loss);
            pattern[i] = was_bad ? '0' : '1';
        }
        struct loss_runs runs;
        uint32_t expected_runs, longest;
        /* Some of them over the end of 32 bits. */
        struct loss_runs_figures figures =
            take(&runs, pattern, len, round % 5 ? seed : UINT32_MAX - 10);
        struct loss_runs_figures truth = reference(pattern, len, &expected_runs, &longest);
        assert_memory_equal(&figures, &truth, sizeof truth);
        assert_int_equal(runs.bad, truth.burst_bad + truth.gap_bad);
        assert_int_equal(runs.runs, expected_runs);
        assert_int_equal(runs.longest, longest);
    }
}

/* What is told twice or backwards is the next one. */
static void test_out_of_order(void **state)
{
    (void)state;
    struct loss_runs runs = {0};
    static const uint32_t told[] = {100, 100, 50, 101};
    for (size_t i = 0; i < 4; i++)
        loss_runs_bad(&runs, told[i]);
    assert_int_equal(runs.bad, 4);
    assert_int_equal(runs.runs, 1);
    assert_int_equal(runs.longest, 4);
    struct loss_runs_figures figures;
    /* Told of fewer packets than were bad: no figure falls below nothing. */
    loss_runs_read(&runs, 2, &figures);
    assert_int_equal(figures.burst_packets, 4);
    assert_int_equal(figures.gap_packets, 0);
    loss_runs_bad(&runs, 1000);
    loss_runs_read(&runs, 2, &figures);
    assert_int_equal(figures.gap_bad, 1);
    assert_int_equal(figures.gap_packets, 1);
}

static void assert_ratio(uint32_t bad, uint32_t runs, uint32_t expected, double ratio)
{
    double value = loss_runs_burst_ratio(bad, runs, expected);
    if (!(fabs(value - ratio) < 1e-9))
        fail_msg("%f is not %f", value, ratio);
}

static void test_burst_ratio(void **state)
{
    (void)state;
    assert_ratio(0, 0, 500, 1);
    assert_ratio(0, 0, 0, 1);
    assert_ratio(10, 10, 500, 1);         /* alone, less than random has it */
    assert_ratio(20, 5, 500, 4 * 0.96);   /* runs of 4 */
    assert_ratio(100, 50, 1000, 2 * 0.9); /* the two-state model: 1 / (p + q), p 1/18, q 1/2 */
    assert_ratio(100, 50, 1000, 1 / (1.0 / 18 + 0.5));
    assert_ratio(100, 1, 1000, 8);     /* as long as it gets */
    assert_ratio(5, 0, 500, 5 * 0.99); /* all of a run that began before */
    assert_ratio(500, 1, 500, 1);      /* all */
    assert_ratio(600, 1, 500, 1);
}

/* Random loss has a burst ratio of 1. */
static void test_random_loss(void **state)
{
    (void)state;
    uint32_t seed = 77777, count = 200000;
    struct loss_runs runs = {0};
    for (uint32_t i = 0; i < count; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        if (seed % 5 == 0)
            loss_runs_bad(&runs, i);
    }
    assert_true(runs.bad > count / 6);
    assert_true(loss_runs_burst_ratio(runs.bad, runs.runs, count) < 1.02);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc3611_example),
        cmocka_unit_test(test_gmin),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_random_patterns),
        cmocka_unit_test(test_out_of_order),
        cmocka_unit_test(test_burst_ratio),
        cmocka_unit_test(test_random_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
