/* Whether what another sensor did not see was not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sightings/sightings_fitness.h"

#define MS INT64_C(1000000)
#define S  (1000 * MS)

/* The request was sent at FIRST, and is asked for 30 s later. */
#define FIRST (1000 * S)
#define ASKED (FIRST + 30 * S)

static struct sightings_beat well(void)
{
    return (struct sightings_beat){
        .is_there = true,
        .has_offset = true,
        .offset_ns = 3 * MS,
        .up_ns = FIRST - 100 * S,
        .done_ns = ASKED - S,
        .packet_ns = ASKED - S,
        .lost_ns = SIGHTINGS_NEVER,
    };
}

/* Each row is well but for what it names. */
static void test_unfit(void **state)
{
    (void)state;
    struct sightings_beat away = well(), old = well(), behind = well(), late = well(),
                          clockless = well(), fast = well(), slow = well(), near = well(),
                          lost = well(), lost_before = well(), quiet = well(), silent = well(),
                          rests = well();
    away.is_there = false;
    old.done_ns = old.packet_ns = ASKED - 16 * S;
    behind.done_ns = FIRST + 7 * S;
    behind.packet_ns = ASKED;
    late.up_ns = FIRST + S;
    clockless.has_offset = false;
    fast.offset_ns += 101 * MS;
    slow.offset_ns -= 200 * MS;
    near.offset_ns += 100 * MS;
    lost.lost_ns = FIRST + 10 * S;
    lost_before.lost_ns = FIRST - S;
    quiet.packet_ns = FIRST - S;
    silent.packet_ns = SIGHTINGS_NEVER;
    rests.packet_ns = FIRST + 10 * S;
    const struct {
        const char *what;
        const struct sightings_beat *beat;
        const char *unfit;
    } rows[] = {
        {"away", &away, "heartbeat"},
        {"its heartbeat is old", &old, "heartbeat"},
        {"its sightings are behind", &behind, "heartbeat"},
        {"it was away meanwhile", &late, "heartbeat"},
        {"its clock is not known", &clockless, "clock"},
        {"its clock is fast", &fast, "clock"},
        {"its clock is slow", &slow, "clock"},
        {"its clock is near enough", &near, NULL},
        {"it lost packets", &lost, "lost_packets"},
        {"it lost some before", &lost_before, NULL},
        {"it saw nothing since", &quiet, "quiet"},
        {"it never saw anything", &silent, "quiet"},
        {"it saw some in the beginning", &rests, NULL},
    };
    const struct sightings_beat ours = well();
    assert_null(sightings_unfit(&ours, &ours, FIRST, ASKED));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *unfit = sightings_unfit(rows[i].beat, &ours, FIRST, ASKED);
        if (!unfit != !rows[i].unfit || (unfit && strcmp(unfit, rows[i].unfit) != 0))
            fail_msg("%s: %s", rows[i].what, unfit ? unfit : "fit");
    }
    /* This sensor's clock against the other's, whatever Redis's says. */
    struct sightings_beat both = well();
    both.offset_ns = 20 * S;
    assert_null(sightings_unfit(&both, &both, FIRST, ASKED));
    assert_string_equal(sightings_unfit(&ours, &clockless, FIRST, ASKED), "clock");
}

static void test_unfit_self(void **state)
{
    (void)state;
    struct sightings_beat beat = well();
    assert_null(sightings_unfit_self(&beat, FIRST));
    beat.lost_ns = FIRST;
    assert_string_equal(sightings_unfit_self(&beat, FIRST), "lost_packets");
    beat.has_offset = false;
    assert_string_equal(sightings_unfit_self(&beat, FIRST), "clock");
    beat.up_ns = FIRST + 1;
    assert_string_equal(sightings_unfit_self(&beat, FIRST), "heartbeat");
}

/* What goes into Redis comes back, but for what is less than a microsecond. */
static void test_beat_text(void **state)
{
    (void)state;
    struct sightings_beat beat = well(), back;
    struct sightings_beat_text text;
    beat.offset_ns = -120 * MS;
    sightings_beat_format(&beat, &text);
    sightings_beat_init(&back);
    assert_false(back.is_there);
    sightings_beat_read(&back, SLICE("id"), SLICE("17"));
    assert_false(back.is_there);
    for (unsigned i = 0; i < SIGHTINGS_BEAT_FIELDS; i++)
        sightings_beat_read(&back, slice_str(text.field[i].name), slice_str(text.field[i].value));
    assert_true(back.is_there && back.has_offset);
    assert_true(back.offset_ns == beat.offset_ns && back.up_ns == beat.up_ns);
    assert_true(back.done_ns == beat.done_ns && back.packet_ns == beat.packet_ns);
    assert_true(back.lost_ns == SIGHTINGS_NEVER);
    /* Nonsense is left out. */
    static const char *const strange[] = {"", "-", "abc", "1e9", "99999999999999999999999", "--1"};
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++)
        sightings_beat_read(&back, SLICE("up"), slice_str(strange[i]));
    assert_true(back.up_ns == beat.up_ns);
    beat.has_offset = false;
    sightings_beat_format(&beat, &text);
    assert_string_equal(text.field[4].value, "");
}

static const char *const path[] = {"a", "ab", "b"};

static void test_times_text(void **state)
{
    (void)state;
    struct sightings_times at[SIGHTINGS_POINTS_MAX];
    static const struct {
        const char *name, *value;
    } fields[] = {{"a:q", "1000"}, {"ab:r", "2000"}, {"b:q", ""}, {"b:x", "7"},
                  {":q", "9"},     {"q", "9"},       {"", "9"},   {"c:q", "9"}};
    sightings_times_init(at);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        sightings_times_read(at, path, 3, slice_str(fields[i].name), slice_str(fields[i].value));
    assert_true(at[0].request_ns == MS && at[0].response_ns == SIGHTINGS_NEVER);
    assert_true(at[1].request_ns == SIGHTINGS_NEVER && at[1].response_ns == 2 * MS);
    assert_true(at[2].request_ns == SIGHTINGS_NEVER && at[2].response_ns == SIGHTINGS_NEVER);
}

/* --- the proof. Point 0 is this sensor's. */

enum { POINTS = 3 };

static struct sightings_proofs *proofs;
static struct ip_addr gw;

static int set_up(void **state)
{
    (void)state;
    gw = ip_from_v4((const uint8_t[4]){198, 51, 100, 20});
    proofs = sightings_proofs_create(POINTS, 0, 2);
    return proofs ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    sightings_proofs_destroy(proofs);
    return 0;
}

/* Delays in ms; -1: it missed it; -2: its line was down. This sensor's is 10. */
static void sample(const struct ip_addr *dst, int delay_1, int delay_2, int64_t now_ns)
{
    const int delays[POINTS] = {10, delay_1, delay_2};
    struct sightings_times at[SIGHTINGS_POINTS_MAX];
    sightings_times_init(at);
    for (int i = 0; i < POINTS; i++) {
        at[i].is_complete = delays[i] != -2;
        if (delays[i] < 0)
            continue;
        at[i].request_ns = now_ns - 5 * S + i * 70 * MS; /* clocks differ */
        at[i].response_ns = at[i].request_ns + delays[i] * MS;
    }
    sightings_proofs_add(proofs, dst, TRANSPORT_UDP, at, now_ns);
}

static struct sightings_seen look(const struct ip_addr *dst, unsigned point, int64_t now_ns)
{
    struct sightings_seen seen[SIGHTINGS_POINTS_MAX] = {{.request = true}};
    sightings_proofs_look(proofs, dst, TRANSPORT_UDP, now_ns, seen);
    assert_null(seen[0].unfit); /* this sensor needs no proof */
    return seen[point];
}

static void test_sides(void **state)
{
    (void)state;
    assert_string_equal(look(&gw, 1, S).unfit, "unproven");
    sample(&gw, 9, 11, S);
    assert_string_equal(look(&gw, 1, S).unfit, "unproven"); /* once may be chance */
    sample(&gw, 8, 30, 2 * S);
    struct sightings_seen beyond = look(&gw, 1, 3 * S), before = look(&gw, 2, 3 * S);
    assert_true(!beyond.unfit && beyond.is_beyond && beyond.passed_lately);
    assert_true(!before.unfit && !before.is_beyond);
    /* Of another destination, or over another transport, nothing is known. */
    struct ip_addr other = ip_from_v4((const uint8_t[4]){198, 51, 100, 21});
    assert_string_equal(look(&other, 1, 3 * S).unfit, "unproven");
    struct sightings_seen seen[SIGHTINGS_POINTS_MAX] = {{0}};
    sightings_proofs_look(proofs, &gw, TRANSPORT_TCP, 3 * S, seen);
    assert_string_equal(seen[1].unfit, "unproven");
}

static void test_contradictory_sides(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        sample(&gw, i % 2 ? 9 : 11, 10, S);
    assert_string_equal(look(&gw, 1, S).unfit, "unproven");
    assert_string_equal(look(&gw, 2, S).unfit, "unproven"); /* as far as this one */
    for (int i = 0; i < 20; i++)
        sample(&gw, 9, 10, S); /* a path that changed is learned */
    assert_true(look(&gw, 1, S).is_beyond);
}

static void test_proof_ages(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        sample(&gw, 9, 11, S);
    assert_true(look(&gw, 1, S + 300 * S).passed_lately);
    assert_false(look(&gw, 1, S + 301 * S).passed_lately);
    assert_true(look(&gw, 1, S + 86400 * S).is_beyond);
    assert_string_equal(look(&gw, 1, S + 86401 * S).unfit, "unproven");
}

/* One that is beyond and does not see what was answered there has lost it. */
static void test_misses(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        sample(&gw, 9, 11, S);
    sample(&gw, -2, 11, 2 * S); /* its line was down: no word about its mirror */
    assert_null(look(&gw, 1, 2 * S).unfit);
    sample(&gw, -1, 11, 2 * S);
    assert_string_equal(look(&gw, 1, 2 * S).unfit, "lost_packets");
    assert_true(look(&gw, 1, 2 * S).is_beyond);
    assert_null(look(&gw, 1, 603 * S).unfit);
    for (int i = 0; i < 25; i++)
        sample(&gw, 9, 11, 3 * S); /* one in many is little against four sendings */
    assert_null(look(&gw, 1, 3 * S).unfit);
    /* What this sensor itself has not seen whole says nothing. */
    struct sightings_times none[SIGHTINGS_POINTS_MAX];
    sightings_times_init(none);
    for (int i = 0; i < POINTS; i++)
        none[i].is_complete = true;
    for (int i = 0; i < 9; i++)
        sightings_proofs_add(proofs, &gw, TRANSPORT_UDP, none, 3 * S);
    assert_null(look(&gw, 1, 3 * S).unfit);
}

/* The one that was asked for longest ago makes room. */
static void test_room(void **state)
{
    (void)state;
    struct ip_addr other = ip_from_v4((const uint8_t[4]){198, 51, 100, 21}),
                   third = ip_from_v4((const uint8_t[4]){198, 51, 100, 22});
    for (int i = 0; i < 2; i++) {
        sample(&other, 9, 9, S);
        sample(&gw, 9, 9, S);
    }
    assert_true(look(&other, 1, S).is_beyond);
    sample(&third, 9, 9, S);
    assert_true(look(&other, 1, S).is_beyond);
    assert_string_equal(look(&gw, 1, S).unfit, "unproven");
}

static void test_may_accuse(void **state)
{
    (void)state;
    struct sightings_answer answer = {.is_known = true, .points = 2};
    answer.seen[0].request = true;
    answer.seen[1].is_beyond = true;
    assert_true(sightings_may_accuse(&answer));
    answer.seen[1].unfit = "quiet";
    assert_false(sightings_may_accuse(&answer));
    answer.seen[1].response = true; /* whoever saw it saw it */
    assert_true(sightings_may_accuse(&answer));
    answer.seen[0].unfit = "clock";
    assert_false(sightings_may_accuse(&answer));
    answer.seen[0].unfit = answer.seen[1].unfit = NULL;
    answer.seen[1].response = false;
    answer.seen[1].request = true;
    assert_false(sightings_may_accuse(&answer));
    answer.seen[1].request = false;
    answer.is_known = false;
    assert_false(sightings_may_accuse(&answer));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_unfit),      TEST(test_unfit_self), TEST(test_beat_text),
        TEST(test_times_text), TEST(test_sides),      TEST(test_contradictory_sides),
        TEST(test_proof_ages), TEST(test_misses),     TEST(test_room),
        TEST(test_may_accuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
