/*
 * rtp_source: the vectors of RFC 3550's formulas worked out by hand (time stamps in units of a
 * clock of 8000), and random traffic against a list of all that was sent.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtp/rtp_source.h"

#define MS INT64_C(1000000)

static struct slab oddities; /* of all of the tests */

struct bench {
    struct rtp_source source;
    struct rtp_record record;
    bool has_begun;
    int64_t start_ns;
    uint16_t first_sequence;
    uint32_t first_timestamp;
};

static void bench_init(struct bench *b, uint16_t sequence, uint32_t timestamp)
{
    *b = (struct bench){
        .start_ns = 1800000000 * INT64_C(1000000000),
        .first_sequence = sequence,
        .first_timestamp = timestamp,
    };
}

/* Packet `index` of a stream of PCMU, 20 ms each, that comes late by so much. */
static enum rtp_taken hear(struct bench *b, unsigned index, double late_ms)
{
    struct rtp_header header = {
        .sequence = (uint16_t)(b->first_sequence + index),
        .timestamp = b->first_timestamp + 160 * index,
        .ssrc = 1,
    };
    int64_t at_ns = b->start_ns + (int64_t)(index * 20 * MS) + (int64_t)(late_ms * (double)MS);
    if (b->has_begun)
        return rtp_source_take(&b->source, &b->record, &header, at_ns, RTP_MEDIA);
    b->has_begun = true;
    rtp_source_begin(&b->source, &b->record, &oddities, &header, at_ns);
    rtp_source_set_type(&b->source, &b->record, 0, 8000);
    return RTP_TAKEN;
}

static double jitter_ms(const struct bench *b)
{
    return b->source.jitter_ns / 1e6;
}

static uint32_t lost(const struct bench *b)
{
    return rtp_source_expected(&b->source, &b->record) - b->source.received;
}

static void assert_near(double got, double expected, double tolerance)
{
    if (fabs(got - expected) > tolerance)
        fail_msg("got %.6f, expected %.6f", got, expected);
}

static void test_perfect(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, 65500, UINT32_MAX - 1000); /* both wrap */
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(hear(&b, i, 0), RTP_TAKEN);
    assert_int_equal(b.source.received, 100);
    assert_int_equal(rtp_source_expected(&b.source, &b.record), 100);
    assert_int_equal(b.source.jitter_count, 99);
    assert_near(jitter_ms(&b), 0, 1e-9);
}

static void test_jitter_vectors(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, 1, 0);
    hear(&b, 0, 0);
    hear(&b, 1, 10);
    assert_near(jitter_ms(&b), 0.625, 1e-9);
    for (unsigned i = 2; i < 100; i++)
        hear(&b, i, i % 2 ? 10 : 0);
    assert_near(jitter_ms(&b), 9.9832, 1e-4);
    assert_near(b.source.jitter_max_ns / 1e6, 9.9832, 1e-4);

    /* A step of 100 ms, then on time again on the new path. */
    bench_init(&b, 1, 0);
    for (unsigned i = 0; i < 10; i++)
        hear(&b, i, 0);
    hear(&b, 10, 100);
    assert_near(jitter_ms(&b), 6.25, 1e-9);
    for (unsigned i = 11; i < 60; i++)
        hear(&b, i, 100);
    assert_near(jitter_ms(&b), 0.2645, 1e-4);

    /* 20.2 ms apart for 20 ms of sound. */
    bench_init(&b, 1, 0);
    for (unsigned i = 0; i < 100; i++)
        hear(&b, i, 0.2 * i);
    assert_near(jitter_ms(&b), 0.1996, 1e-4);
}

static void test_swapped_neighbours(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, 1, 0);
    for (unsigned i = 0; i < 50; i++)
        hear(&b, i, 0);
    /* Each arrives when the other should have. */
    hear(&b, 51, -20);
    hear(&b, 50, 20);
    assert_near(jitter_ms(&b), 3.672, 1e-3); /* also of the last two of a stream */
    assert_int_equal(lost(&b), 0);
    hear(&b, 52, 0);
    assert_near(jitter_ms(&b), 4.692, 1e-3);
    assert_int_equal(rtp_record_odd(&b.record)->counts.out_of_order, 1);
    assert_int_equal(rtp_record_odd(&b.record)->counts.duplicates, 0);
    assert_int_equal(lost(&b), 0);
}

/* Repeats hide no loss (RFC 3550 A.1 would let them). */
static void test_repeats(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, 1, 0);
    for (unsigned i = 0; i < 100; i++) {
        if (i == 40)
            continue;
        hear(&b, i, 0);
        if (i % 30 == 20)
            assert_int_equal(hear(&b, i, 3), RTP_DUPLICATE);
    }
    assert_int_equal(b.source.received, 99);
    assert_int_equal(rtp_record_odd(&b.record)->counts.duplicates, 3);
    assert_int_equal(lost(&b), 1);
    assert_near(jitter_ms(&b), 0, 1e-9);
}

static void test_hole_is_told_once(void **state)
{
    (void)state;
    struct bench b;
    unsigned told = 0;
    bench_init(&b, 65530, 0);
    for (unsigned i = 0; i < 60; i++) {
        if ((i >= 20 && i < 23) || i == 40)
            continue;
        told += hear(&b, i, 0) == RTP_MISSING;
    }
    assert_int_equal(told, 2);
    /* What is only late is not missing. */
    bench_init(&b, 65530, 0);
    for (unsigned i = 0; i < 60; i++)
        assert_int_equal(hear(&b, i == 30 ? 31 : i == 31 ? 30 : i, 0), RTP_TAKEN);
}

static void test_restart(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, 100, 0);
    for (unsigned i = 0; i < 50; i++)
        hear(&b, i, 0);
    b.first_sequence = (uint16_t)(100 + 40000);
    assert_int_equal(hear(&b, 50, 0), RTP_STRAY);
    assert_int_equal(b.source.received, 50);
    for (unsigned i = 51; i < 100; i++)
        assert_int_equal(hear(&b, i, 0), RTP_TAKEN);
    assert_int_equal(b.source.received, 100);
    assert_int_equal(lost(&b), 0);
    assert_int_equal(rtp_record_odd(&b.record)->restarts, 1);
    assert_near(jitter_ms(&b), 0, 1e-9);

    /* A single packet from elsewhere is none. */
    b.first_sequence = 7;
    assert_int_equal(hear(&b, 100, 0), RTP_STRAY);
    b.first_sequence = (uint16_t)(100 + 40000);
    assert_int_equal(hear(&b, 100, 0), RTP_TAKEN);
    b.first_sequence = 7;
    assert_int_equal(hear(&b, 101, 0), RTP_STRAY);
    assert_int_equal(rtp_record_odd(&b.record)->restarts, 1);
    assert_int_equal(lost(&b), 0);
}

/* The beginning is mixed up: what comes second was sent first. */
static void test_before_the_first(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, 0, 0);
    hear(&b, 3, 0);
    hear(&b, 1, 60);
    assert_int_equal(rtp_source_expected(&b.source, &b.record), 3);
    assert_int_equal(lost(&b), 1);
    hear(&b, 4, 0);
    hear(&b, 2, 50);
    assert_int_equal(lost(&b), 0);
    assert_int_equal(rtp_record_odd(&b.record)->counts.out_of_order, 2);
    /* After a second it is something else. */
    for (unsigned i = 5; i < 80; i++)
        hear(&b, i, 0);
    assert_int_equal(hear(&b, 0, 1600), RTP_STRAY);
    assert_int_equal(rtp_source_expected(&b.source, &b.record), 79);
}

/* As long as the window waits for them, packets may come however late; jumps lose all in between.
 */
static void test_far_behind_and_ahead(void **state)
{
    (void)state;
    struct bench b;
    struct loss_runs lost_ones, bad;
    bench_init(&b, 65500, 0);
    for (unsigned i = 0; i < 310; i++)
        if (i != 200 && i != 201)
            hear(&b, i, 0);
    hear(&b, 200, 2200);
    hear(&b, 201, 2200);
    assert_int_equal(lost(&b), 0);
    assert_int_equal(rtp_record_odd(&b.record)->counts.out_of_order, 2);
    assert_int_equal(rtp_record_odd(&b.record)->restarts, 0);
    hear(&b, 309 + 2999, 0);
    hear(&b, 310 + 2999, 0);
    assert_int_equal(lost(&b), 2998);
    rtp_source_runs(&b.source, &b.record, &lost_ones, &bad);
    assert_int_equal(lost_ones.bad, 2998);
    assert_int_equal(lost_ones.runs, 1);
    assert_int_equal(lost_ones.longest, 2998);
    for (unsigned i = 311; i < 600; i++)
        hear(&b, i + 2999, 0);
    rtp_source_runs(&b.source, &b.record, &lost_ones, &bad);
    assert_int_equal(lost_ones.bad, 2998);
    assert_int_equal(lost_ones.runs, 1);
}

static void test_discontinuous(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, 1, 0);
    for (unsigned i = 0; i < 50; i++)
        hear(&b, i, 0);
    assert_false(b.source.flags & RTP_PAUSES);
    /* Silence of 600 ms: the time stamps go on, the sequence does not. */
    struct rtp_header header = {.sequence = 51, .timestamp = 160 * 80, .marker = true};
    rtp_source_take(&b.source, &b.record, &header, b.start_ns + 80 * 20 * MS, RTP_MEDIA);
    assert_int_equal(lost(&b), 0);
    assert_near(jitter_ms(&b), 0, 1e-9);
    assert_true(b.source.flags & RTP_PAUSES);
    /* A talkspurt whose time stamps begin anew. */
    header = (struct rtp_header){.sequence = 52, .timestamp = 0xabcdef12, .marker = true};
    rtp_source_take(&b.source, &b.record, &header, b.start_ns + 100 * 20 * MS, RTP_MEDIA);
    header = (struct rtp_header){.sequence = 53, .timestamp = 0xabcdef12 + 160};
    rtp_source_take(&b.source, &b.record, &header, b.start_ns + 101 * 20 * MS, RTP_MEDIA);
    assert_near(jitter_ms(&b), 0, 1e-9);
    assert_int_equal(lost(&b), 0);
}

static void test_events_are_no_jitter(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, 1, 0);
    for (unsigned i = 0; i < 20; i++)
        hear(&b, i, 0);
    for (unsigned i = 20; i < 60; i++) { /* RFC 4733: the time stamp stands still */
        struct rtp_header header = {.sequence = (uint16_t)(1 + i), .timestamp = 160 * 20};
        rtp_source_take(&b.source, &b.record, &header, b.start_ns + i * 20 * MS, RTP_EVENT);
    }
    for (unsigned i = 60; i < 80; i++)
        hear(&b, i, 0);
    assert_near(jitter_ms(&b), 0, 1e-9);
    assert_false(b.source.flags & RTP_PAUSES); /* it was not silent meanwhile */
    assert_int_equal(b.source.received, 80);
    assert_int_equal(rtp_record_odd(&b.record)->counts.event_packets, 40);
    assert_int_equal(b.source.jitter_count, 39);
    assert_int_equal(lost(&b), 0);
}

static void test_clock(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, 1, 12345);
    uint32_t learned = 0;
    for (unsigned i = 0; i < 60 && learned == 0; i++) {
        struct rtp_header header = {.sequence = (uint16_t)i, .timestamp = 960 * i};
        int64_t at_ns = b.start_ns + i * 20 * MS + (int64_t)(i * 7919 % 5) * MS;
        if (i == 0) {
            rtp_source_begin(&b.source, &b.record, &oddities, &header, at_ns);
            continue;
        }
        rtp_source_take(&b.source, &b.record, &header, at_ns, RTP_MEDIA);
        learned = rtp_source_learn_clock(&b.source, &b.record, &header, at_ns);
        assert_true(learned == 0 || i >= 50);
    }
    assert_int_equal(learned, 48000);
    assert_int_equal(b.source.jitter_count, 0); /* unknown, not 0 ms */

    /* Another clock: jitter goes on in time. */
    bench_init(&b, 1, 0);
    for (unsigned i = 0; i < 100; i++)
        hear(&b, i, i % 2 ? 10 : 0);
    double before_ms = jitter_ms(&b);
    rtp_source_set_type(&b.source, &b.record, 96, 48000);
    struct rtp_header header = {.sequence = 101, .timestamp = 777, .payload_type = 96};
    rtp_source_take(&b.source, &b.record, &header, b.start_ns + 100 * 20 * MS, RTP_MEDIA);
    assert_near(jitter_ms(&b), before_ms, 1e-9);
    header = (struct rtp_header){.sequence = 102, .timestamp = 777 + 960, .payload_type = 96};
    rtp_source_take(&b.source, &b.record, &header, b.start_ns + 101 * 20 * MS, RTP_MEDIA);
    assert_near(jitter_ms(&b), before_ms * 15 / 16, 1e-9);
    bool is_mixed;
    assert_int_equal(rtp_source_main_type(&b.source, &b.record, &is_mixed), 0);
    assert_true(is_mixed);
}

static void test_discards(void **state)
{
    (void)state;
    struct bench b;
    struct loss_runs lost_ones, bad;
    bench_init(&b, 1, 0);
    for (unsigned i = 0; i < 200; i++)
        hear(&b, i, i == 50 ? 60 : i == 100 ? 210 : i == 150 ? 15 : 0);
    assert_int_equal(rtp_record_odd(&b.record)->counts.discarded_50ms, 2);
    assert_int_equal(rtp_record_odd(&b.record)->counts.discarded_200ms, 1);
    assert_int_equal(rtp_record_odd(&b.record)->counts.discarded_adaptive, 2);
    rtp_source_runs(&b.source, &b.record, &lost_ones, &bad);
    assert_int_equal(bad.bad, 2);
    assert_int_equal(bad.runs, 2);

    /* A longer path: after a second the buffers have followed. */
    bench_init(&b, 1, 0);
    for (unsigned i = 0; i < 200; i++)
        hear(&b, i, i < 50 ? 0 : 80);
    assert_int_equal(rtp_record_odd(&b.record)->counts.discarded_50ms, 50);
    assert_int_equal(rtp_record_odd(&b.record)->counts.discarded_200ms, 0);
    assert_true(rtp_record_odd(&b.record)->counts.discarded_adaptive <= 2);
}

static void test_bad_runs(void **state)
{
    (void)state;
    struct bench b;
    struct loss_runs lost_ones, bad;
    bench_init(&b, 1, 0);
    for (unsigned i = 0; i < 1000; i++)
        if (!(i >= 300 && i < 303) && i != 500 && i != 990)
            hear(&b, i, i == 400 ? 100 : 0);
    rtp_source_runs(&b.source, &b.record, &lost_ones, &bad);
    assert_int_equal(bad.bad, 6);
    assert_int_equal(bad.runs, 4);
    assert_int_equal(bad.longest, 3);
    assert_int_equal(lost(&b), 5);
}

/*
 * Random loss, repeats and disorder within what the window holds, against what was really sent and
 * came, many times over.
 */
static void test_random_against_truth(void **state)
{
    (void)state;
    enum { PACKETS = 3000, TRIALS = 60 };
    static uint8_t came[PACKETS];
    srand(4242);
    for (unsigned trial = 0; trial < TRIALS; trial++) {
        struct bench b;
        bench_init(&b, (uint16_t)rand(), (uint32_t)rand());
        memset(came, 0, sizeof came);
        unsigned received = 0, repeats = 0, late = 0, highest = 0, held = 0;
        hear(&b, 0, 0);
        came[0] = 1;
        received = 1;
        for (unsigned i = 1; i < PACKETS; i++) {
            unsigned luck = (unsigned)rand() % 100;
            if (luck < 3 && i < PACKETS - 1)
                continue; /* lost */
            if (luck < 6 && held == 0 && i < PACKETS - 90) {
                held = i; /* comes later */
                continue;
            }
            hear(&b, i, 0);
            came[i] = 1;
            received++;
            highest = i;
            if (luck > 95) {
                unsigned again = i - (unsigned)rand() % (i < 90 ? i : 90);
                repeats += came[again];
                if (came[again])
                    assert_int_equal(hear(&b, again, 0), RTP_DUPLICATE);
            }
            if (held > 0 && highest - held > (unsigned)rand() % 80) {
                hear(&b, held, 20.0 * (highest - held));
                came[held] = 1;
                received++;
                late += held < highest;
                held = 0;
            }
        }
        unsigned gone = 0;
        for (unsigned i = 0; i <= highest; i++)
            gone += !came[i];
        struct loss_runs lost_ones, bad;
        rtp_source_runs(&b.source, &b.record, &lost_ones, &bad);
        assert_int_equal(b.source.received, received);
        assert_int_equal(lost(&b), gone);
        assert_int_equal(rtp_record_odd(&b.record)->counts.duplicates, repeats);
        assert_int_equal(rtp_record_odd(&b.record)->counts.out_of_order, late);
        assert_true(bad.bad >= gone); /* and what is too late to be played */
    }
}

/* Whatever comes, the counts hold together. */
static void test_hostile(void **state)
{
    (void)state;
    struct bench b;
    srand(99);
    bench_init(&b, 0, 0);
    hear(&b, 0, 0);
    for (unsigned i = 0; i < 200000; i++) {
        struct rtp_header header = {
            .sequence = (uint16_t)(rand() % 3 ? (unsigned)b.source.highest + (unsigned)rand() % 4000
                                              : (unsigned)rand()),
            .timestamp = (uint32_t)rand() * 2U,
            .marker = rand() % 2,
        };
        int64_t at_ns = b.start_ns + (int64_t)rand() % 10000 * MS;
        rtp_source_take(&b.source, &b.record, &header, at_ns, (enum rtp_payload)(rand() % 3));
        if (i % 1000 == 0)
            rtp_source_next_interval(&b.source, &b.record);
        assert_true(rtp_source_expected(&b.source, &b.record) >= b.source.received);
        assert_true(isfinite(b.source.jitter_ns) && b.source.jitter_ns >= 0);
    }
}

/* What is as it should be takes none; a loss does, and gives them back. */
static void test_oddities(void **state)
{
    struct bench b;
    size_t used = oddities.used;
    (void)state;
    bench_init(&b, 1, 0);
    for (unsigned i = 0; i < 1000; i++) {
        hear(&b, i, 0);
        if (i % 500 == 499)
            rtp_source_next_interval(&b.source, &b.record);
    }
    assert_int_equal(oddities.used, used);
    hear(&b, 1001, 0);
    rtp_source_next_interval(&b.source, &b.record);
    assert_int_equal(oddities.used, used + 1);
    assert_int_equal(rtp_record_odd(&b.record)->bad_then, 1);
    rtp_source_end(&b.record);
    assert_int_equal(oddities.used, used);
}

static int set_up(void **state)
{
    (void)state;
    return slab_init(&oddities, sizeof(struct rtp_oddities), 1 << 16);
}

static int tear_down(void **state)
{
    (void)state;
    slab_fini(&oddities);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_perfect),
        cmocka_unit_test(test_jitter_vectors),
        cmocka_unit_test(test_swapped_neighbours),
        cmocka_unit_test(test_repeats),
        cmocka_unit_test(test_hole_is_told_once),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_before_the_first),
        cmocka_unit_test(test_far_behind_and_ahead),
        cmocka_unit_test(test_discontinuous),
        cmocka_unit_test(test_events_are_no_jitter),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_discards),
        cmocka_unit_test(test_bad_runs),
        cmocka_unit_test(test_random_against_truth),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_oddities),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
