/* The mirror's health: what is counted, when each problem is told and told again, and that looking
 * more often changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "verdict/mirror.h"

#define MS   INT64_C(1000000)
#define S    (1000 * MS)
#define NOON (INT64_C(1769860800) * S + 123456789) /* windows begin with the first packet */

enum { TOLD_MAX = 64 };

static struct event told[TOLD_MAX];
static size_t told_count;
static struct peers peers; /* only its conversations are looked at */
static struct mirror *mirror;

static void receive(void *context, const struct event *event)
{
    assert_ptr_equal(context, &told_count);
    assert_in_range(told_count, 0, TOLD_MAX - 1);
    told[told_count++] = *event;
}

static int set_up(void **state)
{
    (void)state;
    told_count = 0;
    peers = (struct peers){0};
    mirror = mirror_create("sensor-1", receive, &told_count);
    return mirror ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    mirror_destroy(mirror);
    mirror = NULL;
    return 0;
}

/* As the pipeline does: the window that is over first. */
static void packet(int64_t time_ns, int64_t latest_ns, bool is_truncated)
{
    mirror_advance(mirror, &peers, latest_ns);
    mirror_stamp(mirror, time_ns, latest_ns);
    mirror_packet(mirror, 0, 0, MIRROR_NO_VLAN, is_truncated);
}

/* One flow of one second, seen once. */
static void flow(uint32_t flow, bool has_hole, int64_t now_ns)
{
    packet(now_ns, now_ns, false);
    mirror_flow(mirror, flow, has_hole, false, now_ns);
}

static struct mirror_figures figures(void)
{
    struct mirror_figures got;
    mirror_figures(mirror, &peers, &got);
    return got;
}

static void assert_told(size_t at, enum mirror_problem problem, double value, int64_t since_ns,
                        int64_t time_ns)
{
    assert_in_range(at, 0, told_count - 1);
    assert_int_equal(told[at].type, EVENT_MIRROR_DEGRADED);
    const struct mirror_degraded *degraded = &told[at].mirror_degraded;
    assert_int_equal(degraded->problem, problem);
    assert_float_equal(degraded->value, value, 1e-9);
    assert_true(degraded->value > degraded->threshold);
    assert_int_equal(degraded->since_ns, since_ns);
    assert_int_equal(told[at].time_ns, time_ns);
    assert_int_equal(strlen(told[at].id), 32);
    assert_true(strlen(degraded->summary) > 20 && strlen(degraded->next_step) > 20);
    assert_null(strchr(degraded->summary, '\n'));
}

static void test_nothing(void **state)
{
    (void)state;
    assert_int_equal(mirror_due_ns(mirror), INT64_MAX);
    mirror_advance(mirror, &peers, NOON);
    mirror_clock_step(mirror, S);
    mirror_finish(mirror, &peers, NOON);
    assert_int_equal(told_count, 0);
    struct mirror_figures got = figures();
    assert_int_equal(got.packets, 0);
    mirror_destroy(NULL);
}

static void test_counts(void **state)
{
    (void)state;
    peers.conversations = (struct peers_conversations){.pairs = 20, .one_way = 3, .proven = 2};
    mirror_stamp(mirror, NOON, NOON);
    for (unsigned kind = 0; kind <= MIRROR_COPY_KINDS; kind++)
        for (unsigned i = 0; i < kind + 1; i++)
            mirror_packet(mirror, kind, 0, 20, kind == 2);
    mirror_stamp(mirror, NOON - 35 * MS, NOON);
    mirror_stamp(mirror, NOON - 1, NOON);
    mirror_stamp(mirror, NOON, NOON);
    mirror_flow(mirror, 1, true, true, NOON);
    mirror_flow(mirror, 1, true, true, NOON); /* each of a flow's holes counts */
    mirror_flow(mirror, 1, true, false, NOON);
    mirror_flow(mirror, 2, false, false, NOON);
    struct mirror_figures got = figures();
    assert_int_equal(got.packets, 15);
    for (uint64_t kind = 1; kind <= MIRROR_COPY_KINDS; kind++)
        assert_int_equal(got.copies[kind - 1], kind + 1);
    assert_int_equal(got.truncated, 3);
    assert_int_equal(got.behind, 2);
    assert_int_equal(got.behind_max_ns, 35 * MS);
    assert_int_equal(got.tcp_holes, 2);
    assert_int_equal(got.rtp_holes, 1);
    assert_int_equal(got.conversations, 20);
    assert_int_equal(got.conversations_one_way, 3);
    assert_int_equal(got.conversations_proven, 2);
}

/* Many at once are as many, of the untagged port. */
static void test_packets_in_a_row(void **state)
{
    struct mirror_port port[2];
    (void)state;
    mirror_stamp(mirror, NOON, NOON);
    mirror_packet(mirror, 0, 3, MIRROR_NO_VLAN, false);
    mirror_packets(mirror, 3, 60);
    mirror_packets(mirror, 4, 7);
    struct mirror_figures got = figures();
    assert_int_equal(got.packets, 68);
    assert_int_equal(got.behind, 0);
    assert_int_equal(mirror_ports(mirror, port, 2), 2);
    assert_int_equal(port[0].interface, 3);
    assert_int_equal(port[0].vlan, MIRROR_NO_VLAN);
    assert_int_equal(port[0].packets, 61);
    assert_int_equal(port[1].packets, 7);
    assert_int_equal(port[1].copies, 0);
}

static void test_ports(void **state)
{
    struct mirror_port port[MIRROR_PORTS_MAX];
    (void)state;
    mirror_stamp(mirror, NOON, NOON);
    assert_int_equal(mirror_ports(mirror, port, MIRROR_PORTS_MAX), 0);
    for (int i = 0; i < 5; i++) {
        mirror_packet(mirror, 0, 0, MIRROR_NO_VLAN, false);
        mirror_packet(mirror, 2, 1, 4095, false);
        mirror_packet(mirror, 0, 1, 4095, false);
    }
    mirror_packet(mirror, 0, 1, MIRROR_NO_VLAN, false);
    assert_int_equal(mirror_ports(mirror, port, MIRROR_PORTS_MAX), 3);
    assert_int_equal(port[0].interface, 1);
    assert_int_equal(port[0].vlan, 4095);
    assert_int_equal(port[0].packets, 10);
    assert_int_equal(port[0].copies, 5);
    assert_int_equal(port[1].interface, 0);
    assert_int_equal(port[1].vlan, MIRROR_NO_VLAN);
    assert_int_equal(port[1].packets, 5);
    assert_int_equal(port[1].copies, 0);
    assert_int_equal(port[2].packets, 1);
    assert_int_equal(mirror_ports(mirror, port, 1), 1);
    assert_int_equal(port[0].packets, 10);
    /* Any number of VLANs: the first are told apart, none is lost. */
    for (uint16_t vlan = 0; vlan < 4095; vlan++)
        mirror_packet(mirror, 1, 7, vlan, false);
    assert_int_equal(mirror_ports(mirror, port, MIRROR_PORTS_MAX), MIRROR_PORTS_MAX);
    struct mirror_figures got = figures();
    uint64_t packets = got.other_ports_packets, copies = got.other_ports_copies;
    assert_int_equal(packets, 4095 - (MIRROR_PORTS_MAX - 3));
    for (int i = 0; i < MIRROR_PORTS_MAX; i++) {
        packets += port[i].packets;
        copies += port[i].copies;
    }
    assert_int_equal(packets, got.packets);
    assert_int_equal(copies, 5 + 4095);
    assert_int_equal(got.copies[0], 4095);
}

/* `cut` of `count` packets, one each ms from the window's start. */
static void cut_window(int64_t start_ns, unsigned count, unsigned cut)
{
    for (unsigned i = 0; i < count; i++)
        packet(start_ns + i * MS, start_ns + i * MS, i < cut);
}

/* A few may be anything. */
static void test_few_truncated(void **state)
{
    (void)state;
    cut_window(NOON, 9, 9);
    mirror_finish(mirror, &peers, NOON + S);
    assert_int_equal(told_count, 0);
}

static void test_truncated(void **state)
{
    (void)state;
    cut_window(NOON, 5000, 50); /* 1% is not over 1% */
    cut_window(NOON + 10 * S, 5000, 55);
    cut_window(NOON + 20 * S, 5000, 2500); /* still: told already */
    cut_window(NOON + 30 * S, 5000, 40);   /* 80% of it: not yet well */
    cut_window(NOON + 40 * S, 5000, 55);
    cut_window(NOON + 50 * S, 5000, 35); /* well */
    cut_window(NOON + 60 * S, 5000, 5000);
    assert_int_equal(told_count, 1);
    mirror_finish(mirror, &peers, NOON + 65 * S);
    assert_int_equal(told_count, 2);
    assert_told(0, MIRROR_TRUNCATED, 0.011, NOON + 10 * S, NOON + 20 * S);
    assert_told(1, MIRROR_TRUNCATED, 1, NOON + 60 * S, NOON + 65 * S);
    assert_string_not_equal(told[0].id, told[1].id);
    assert_non_null(strstr(told[0].mirror_degraded.summary, "55 of 5000"));
    assert_int_equal(figures().told[MIRROR_TRUNCATED], 2);
}

/* `late` of `count` packets are behind by behind_ns. */
static void disorder_window(int64_t start_ns, unsigned count, unsigned late, int64_t behind_ns)
{
    for (unsigned i = 0; i < count; i++) {
        int64_t latest_ns = start_ns + i * MS;
        packet(i < late ? latest_ns - behind_ns : latest_ns, latest_ns, false);
    }
}

static void test_disorder(void **state)
{
    (void)state;
    disorder_window(NOON, 200, 10, 2 * MS);       /* 5% is not over 5% */
    disorder_window(NOON + 10 * S, 200, 200, MS); /* as two links of a mirror are */
    disorder_window(NOON + 20 * S, 99, 99, S);    /* too few to say */
    disorder_window(NOON + 30 * S, 200, 11, MS + 1);
    mirror_finish(mirror, &peers, NOON + 31 * S);
    assert_int_equal(told_count, 1);
    assert_told(0, MIRROR_DISORDER, 0.055, NOON + 30 * S, NOON + 31 * S);
    assert_int_equal(figures().behind_max_ns, S);
}

static void test_one_way(void **state)
{
    (void)state;
    packet(NOON, NOON, false);
    mirror_advance(mirror, &peers, NOON + 10 * S); /* nobody spoke */
    peers.conversations = (struct peers_conversations){.pairs = 10, .one_way = 10};
    packet(NOON + 11 * S, NOON + 11 * S, false); /* silent peers are no fault of the mirror */
    mirror_advance(mirror, &peers, NOON + 20 * S);
    peers.conversations.proven = 2; /* 20% is not over 20% */
    packet(NOON + 21 * S, NOON + 21 * S, false);
    mirror_advance(mirror, &peers, NOON + 30 * S);
    assert_int_equal(told_count, 0);
    peers.conversations.proven = 3;
    packet(NOON + 31 * S, NOON + 31 * S, false);
    mirror_advance(mirror, &peers, NOON + 40 * S);
    packet(NOON + 41 * S, NOON + 41 * S, false);
    mirror_advance(mirror, &peers, NOON + 50 * S); /* told already */
    assert_int_equal(told_count, 1);
    assert_told(0, MIRROR_ONE_WAY, 0.3, NOON, NOON + 40 * S);
    peers.conversations.pairs = 100;
    packet(NOON + 51 * S, NOON + 51 * S, false);
    mirror_advance(mirror, &peers, NOON + 60 * S); /* well again */
    peers.conversations.proven = 100;
    packet(NOON + 61 * S, NOON + 61 * S, false);
    mirror_finish(mirror, &peers, NOON + 61 * S);
    assert_int_equal(told_count, 2);
    assert_told(1, MIRROR_ONE_WAY, 1, NOON, NOON + 61 * S);
    assert_string_not_equal(told[0].id, told[1].id);
}

/* Of many conversations one is enough, where it is certain. */
static void test_certain_one_way(void **state)
{
    (void)state;
    peers.conversations =
        (struct peers_conversations){.pairs = 100, .one_way = 2, .proven = 2, .certain = 0};
    packet(NOON, NOON, false);
    mirror_advance(mirror, &peers, NOON + 10 * S);
    assert_int_equal(told_count, 0);
    peers.conversations.certain = 1;
    packet(NOON + 11 * S, NOON + 11 * S, false);
    mirror_advance(mirror, &peers, NOON + 20 * S);
    packet(NOON + 21 * S, NOON + 21 * S, false);
    mirror_advance(mirror, &peers, NOON + 30 * S);
    assert_int_equal(told_count, 1);
    assert_int_equal(told[0].mirror_degraded.problem, MIRROR_ONE_WAY);
    assert_true(told[0].mirror_degraded.threshold == 0);
}

/* `flows` of the moment from start_ns on, `holed` of them with holes. */
static void loss_moment(int64_t start_ns, unsigned flows, unsigned holed)
{
    for (unsigned i = 0; i < flows; i++) {
        flow(0x1000 * (i + 1), false, start_ns);
        flow(0x1000 * (i + 1), i < holed, start_ns + MIRROR_MOMENT_NS / 2);
        flow(0x1000 * (i + 1), false, start_ns + MIRROR_MOMENT_NS - 1);
        flow(0x1000 * (i + 1), i < holed,
             start_ns + MIRROR_MOMENT_NS - 1); /* twice: the flow counts once */
    }
}

static void test_loss(void **state)
{
    (void)state;
    loss_moment(NOON, 10, 3);         /* 30% is not over 30% */
    loss_moment(NOON + S, 9, 9);      /* too few to be the mirror */
    loss_moment(NOON + 2 * S, 20, 2); /* one path */
    loss_moment(NOON + 10 * S, 10, 3);
    assert_int_equal(told_count, 0);
    loss_moment(NOON + 13 * S, 10, 4); /* by chance, for all that is known by then */
    loss_moment(NOON + 14 * S, 20, 18);
    loss_moment(NOON + 15 * S, 100, 0);
    loss_moment(NOON + 16 * S, 100, 31); /* few missed any before */
    mirror_advance(mirror, &peers, NOON + 20 * S);
    assert_int_equal(told_count, 1);
    assert_told(0, MIRROR_LOSS, 0.9, NOON + 10 * S, NOON + 20 * S);
    assert_non_null(strstr(told[0].mirror_degraded.summary, "18 of the 20 flows"));
    assert_int_equal(figures().shared_losses, 2);
    assert_true(mirror_lost_since(mirror, NOON + 14 * S));
    loss_moment(NOON + 25 * S, 10, 10); /* told already */
    loss_moment(NOON + 32 * S, 5, 5);   /* cannot tell: not well either */
    loss_moment(NOON + 40 * S, 10, 10);
    mirror_advance(mirror, &peers, NOON + 50 * S);
    assert_int_equal(told_count, 1);
    loss_moment(NOON + 50 * S, 10, 2); /* under 80% of it */
    loss_moment(NOON + 60 * S, 10, 10);
    mirror_finish(mirror, &peers, NOON + 61 * S - 1);
    assert_int_equal(told_count, 2);
    assert_told(1, MIRROR_LOSS, 1, NOON + 60 * S, NOON + 61 * S - 1);
    assert_int_equal(figures().shared_losses, 5);
}

/*
 * Every path loses packets at random, so that a flow misses one in three moments of ten: that is
 * chance, however often it comes to four of ten flows, and no fault of the mirror.
 */
static void test_loss_by_chance(void **state)
{
    (void)state;
    srand(1);
    for (unsigned i = 0; i < 600; i++) {
        unsigned holed = 0;
        for (unsigned k = 0; k < 20; k++)
            holed += rand() % 10 < 3;
        loss_moment(NOON + i * MIRROR_MOMENT_NS, 20, holed);
        mirror_advance(mirror, &peers, NOON + i * MIRROR_MOMENT_NS);
    }
    mirror_finish(mirror, &peers, NOON + 60 * S);
    assert_int_equal(told_count, 0);
    assert_int_equal(figures().shared_losses, 0);
    assert_false(mirror_lost_since(mirror, NOON));
    /* All of them at once is not. */
    loss_moment(NOON + 61 * S, 20, 20);
    mirror_finish(mirror, &peers, NOON + 70 * S);
    assert_int_equal(told_count, 1);
}

/* A flow of TCP and one of RTP are two, whatever their numbers. */
static void test_loss_protocols(void **state)
{
    (void)state;
    packet(NOON, NOON, false);
    for (uint32_t i = 0; i < 5; i++) {
        mirror_flow(mirror, i, true, true, NOON);
        mirror_flow(mirror, i, true, false, NOON);
    }
    mirror_finish(mirror, &peers, NOON);
    assert_int_equal(told_count, 1);
    assert_non_null(strstr(told[0].mirror_degraded.summary, "10 of the 10 flows"));
}

/* What the sensor itself lost is not the mirror's. */
static void test_loss_of_the_sensor(void **state)
{
    (void)state;
    loss_moment(NOON, 10, 10);
    mirror_sensor_lost(mirror, 0);
    loss_moment(NOON + S, 10, 10);
    mirror_advance(mirror, &peers, NOON + 10 * S);
    assert_int_equal(told_count, 0);
    assert_int_equal(figures().shared_losses, 0);
    loss_moment(NOON + 10 * S, 10, 10);
    mirror_advance(mirror, &peers, NOON + 20 * S);
    assert_int_equal(told_count, 1);
    assert_int_equal(figures().shared_losses, 1);
}

/* More flows than there is room for, numbers that fall on one place, second after second. */
static void test_loss_bounded(void **state)
{
    (void)state;
    for (int second = 0; second < 3; second++) {
        int64_t now_ns = NOON + second * S;
        packet(now_ns, now_ns, false);
        for (uint32_t i = 0; i < 3 * MIRROR_FLOWS_MAX; i++)
            mirror_flow(mirror, second == 2 ? i << 20 : i, i % 2 == 0, false, now_ns);
    }
    mirror_finish(mirror, &peers, NOON + 3 * S);
    assert_int_equal(told_count, 1);
    assert_told(0, MIRROR_LOSS, 0.5, NOON, NOON + 3 * S);
    assert_non_null(strstr(told[0].mirror_degraded.summary, "2048 of the 4096 flows"));
    assert_int_equal(figures().shared_losses, 3);
}

/* Packets behind their time belong to the window that is open. */
static void test_late_flows(void **state)
{
    (void)state;
    packet(NOON, NOON, false);
    packet(NOON + 10 * S, NOON + 10 * S, false);
    for (uint32_t i = 0; i < 10; i++)
        mirror_flow(mirror, i, true, false, i % 2 ? NOON + 9 * S : INT64_MIN);
    mirror_finish(mirror, &peers, NOON + 10 * S);
    assert_int_equal(told_count, 1);
    assert_told(0, MIRROR_LOSS, 1, NOON + 10 * S, NOON + 10 * S);
}

/* What is noticed while no window is open counts in the next. */
static void test_between_windows(void **state)
{
    (void)state;
    loss_moment(NOON, 10, 0);
    mirror_advance(mirror, &peers, NOON + 10 * S);
    for (int i = 0; i < 10; i++)
        mirror_packet(mirror, 0, 0, MIRROR_NO_VLAN, true);
    mirror_sensor_lost(mirror, 0);
    loss_moment(NOON + 10 * S, 10, 10);
    mirror_finish(mirror, &peers, NOON + 11 * S);
    assert_int_equal(told_count, 1);
    assert_told(0, MIRROR_TRUNCATED, 10.0 / 50, NOON + 10 * S, NOON + 11 * S);
    assert_int_equal(figures().shared_losses, 0);
}

/* After a quiet night windows still lie on the grid of the first packet. */
static void test_quiet(void **state)
{
    (void)state;
    cut_window(NOON, 100, 0);
    int64_t later_ns = NOON + 12345 * S;
    for (int i = 0; i < 10; i++)
        packet(later_ns, later_ns, true);
    assert_int_equal(mirror_due_ns(mirror), NOON + 12350 * S);
    mirror_advance(mirror, &peers, NOON + 12350 * S - 1);
    assert_int_equal(told_count, 0);
    mirror_advance(mirror, &peers, NOON + 12350 * S);
    assert_told(0, MIRROR_TRUNCATED, 1, NOON + 12340 * S, NOON + 12350 * S);
    assert_int_equal(mirror_due_ns(mirror), INT64_MAX);
}

static void all_of_it(int64_t look_every_ns)
{
    for (int64_t now_ns = NOON; now_ns < NOON + 95 * S; now_ns += 17 * MS) {
        int64_t since_ns = now_ns - NOON;
        if (look_every_ns > 0)
            for (int64_t at = now_ns - 17 * MS; at < now_ns; at += look_every_ns)
                mirror_advance(mirror, &peers, at);
        bool is_bad = since_ns / (15 * S) % 2;
        bool is_late = is_bad && since_ns / MS % 3 == 0;
        packet(is_late ? now_ns - 20 * MS : now_ns, now_ns, is_bad && since_ns / MS % 7 == 0);
        for (uint32_t i = 0; i < 4; i++)
            mirror_flow(mirror, (uint32_t)(since_ns / MS + 13 * i) % 40,
                        is_bad && since_ns / MS % 2, false, now_ns);
        peers.conversations =
            (struct peers_conversations){.pairs = 10, .one_way = 5, .proven = is_bad ? 5 : 1};
    }
    mirror_finish(mirror, &peers, NOON + 95 * S);
}

/* The same packets give the same events, however often somebody looks. */
static void test_looking_changes_nothing(void **state)
{
    static struct event first[TOLD_MAX];
    (void)state;
    all_of_it(0);
    size_t count = told_count;
    assert_true(count > 8); /* of each problem, and again */
    for (int problem = 0; problem < MIRROR_PROBLEM_COUNT; problem++)
        assert_true(figures().told[problem] > 1);
    memcpy(first, told, count * sizeof *first);
    tear_down(NULL);
    set_up(NULL);
    all_of_it(MS);
    assert_int_equal(told_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(told[i].id, first[i].id);
        assert_int_equal(told[i].time_ns, first[i].time_ns);
        assert_string_equal(told[i].mirror_degraded.summary, first[i].mirror_degraded.summary);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(told[i].id, told[k].id);
    }
}

static void test_ids_of_sensors(void **state)
{
    (void)state;
    cut_window(NOON, 10, 10);
    mirror_finish(mirror, &peers, NOON + S);
    tear_down(NULL);
    mirror = mirror_create("sensor-2", receive, &told_count);
    cut_window(NOON, 10, 10);
    mirror_finish(mirror, &peers, NOON + S);
    assert_int_equal(told_count, 2);
    assert_string_not_equal(told[0].id, told[1].id);
}

static void test_clock_step(void **state)
{
    (void)state;
    cut_window(NOON, 100, 100);
    mirror_clock_step(mirror, -3600 * S); /* the packets' clock was an hour ahead */
    int64_t start_ns = NOON - 3600 * S;
    assert_int_equal(mirror_due_ns(mirror), start_ns + 10 * S);
    cut_window(start_ns + 5 * S, 100, 100);
    mirror_advance(mirror, &peers, start_ns + 10 * S);
    assert_int_equal(told_count, 1);
    assert_told(0, MIRROR_TRUNCATED, 1, start_ns, start_ns + 10 * S);
    assert_non_null(strstr(told[0].mirror_degraded.summary, "200 of 200"));
}

/* Times of any 64 bits. */
static void test_hostile_times(void **state)
{
    static const int64_t times[] = {INT64_MAX, INT64_MIN + 1, 0, -1, INT64_MAX - S, INT64_MIN + 1};
    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        for (size_t k = 0; k < sizeof times / sizeof times[0]; k++) {
            packet(times[i], times[k], true);
            mirror_flow(mirror, 1, true, true, times[i] < 0 ? 0 : times[i] / 2);
            mirror_clock_step(mirror, times[k]);
        }
    mirror_finish(mirror, &peers, INT64_MAX);
    assert_int_equal(figures().packets, 36);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_nothing),
        TEST(test_counts),
        TEST(test_packets_in_a_row),
        TEST(test_ports),
        TEST(test_truncated),
        TEST(test_few_truncated),
        TEST(test_disorder),
        TEST(test_one_way),
        TEST(test_certain_one_way),
        TEST(test_loss),
        TEST(test_loss_by_chance),
        TEST(test_loss_protocols),
        TEST(test_loss_of_the_sensor),
        TEST(test_loss_bounded),
        TEST(test_late_flows),
        TEST(test_between_windows),
        TEST(test_quiet),
        TEST(test_looking_changes_nothing),
        TEST(test_ids_of_sensors),
        TEST(test_clock_step),
        TEST(test_hostile_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
