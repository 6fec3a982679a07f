/* Holes in the numbering of RTP streams: what is one, what is a late packet, a restart, no RTP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flow/rtp_holes.h"

#define OTHER RTP_HOLES_NOT_RTP
#define GOOD  RTP_HOLES_IN_ORDER
#define HOLE  RTP_HOLES_MISSING
#define MS    INT64_C(1000000)
#define NOON  (INT64_C(1769860800000) * MS)

/* The streams of one test. */
struct bench {
    struct rtp_holes holes;
    int64_t now_ns;
    uint32_t flow; /* of the last packet that was RTP */
    unsigned missing;
};

static struct bench *bench_new(void)
{
    static struct bench bench;
    rtp_holes_init(&bench.holes);
    bench.now_ns = NOON;
    bench.flow = 0;
    bench.missing = 0;
    return &bench;
}

static struct datagram rtp(char header[12], uint16_t sequence, uint8_t ssrc)
{
    header[0] = (char)0x80;
    header[1] = 8;
    header[2] = (char)(sequence >> 8);
    header[3] = (char)sequence;
    memset(header + 4, 0, 8);
    header[11] = (char)ssrc;
    return (struct datagram){
        .src = {ip_from_v4((const uint8_t[4]){192, 0, 2, 1}), 40000},
        .dst = {ip_from_v4((const uint8_t[4]){198, 51, 100, 2}), 30000},
        .payload = {header, 12},
        .protocol = 17,
    };
}

static enum rtp_holes_verdict take(struct bench *bench, const struct datagram *d)
{
    struct datagram now = *d;
    now.time_ns = bench->now_ns;
    enum rtp_holes_verdict verdict = rtp_holes_look(&bench->holes, &now, &bench->flow);
    bench->missing += verdict == RTP_HOLES_MISSING;
    return verdict;
}

static enum rtp_holes_verdict hear(struct bench *bench, unsigned sequence, uint8_t ssrc)
{
    char header[12];
    struct datagram d = rtp(header, (uint16_t)sequence, ssrc);
    bench->now_ns += 20 * MS;
    return take(bench, &d);
}

/* `count` packets from `sequence` on, in order, all but those that make it known being good. */
static void hear_in_order(struct bench *bench, unsigned sequence, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(hear(bench, sequence + i, 1), GOOD);
}

static struct bench *bench_believing(unsigned next)
{
    struct bench *bench = bench_new();
    for (unsigned i = 8; i > 0; i--)
        hear(bench, next - i, 1);
    assert_int_equal(bench->missing, 0);
    return bench;
}

static void test_belief(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(hear(bench, 1000 + i, 1), OTHER);
    hear_in_order(bench, 1004, 10);
    assert_int_not_equal(bench->flow, 0);
    uint32_t flow = bench->flow;
    hear_in_order(bench, 1014, 1);
    assert_int_equal(bench->flow, flow);
    assert_int_equal(bench->missing, 0);
}

/* What counts up unevenly is no stream of RTP, whatever it looks like. */
static void test_never_believed(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(hear(bench, i * 2, 1), OTHER);
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(hear(bench, i + i / 4 * 3, 1), OTHER);
}

/* A hole is told once, when four packets after it came; over the wrap too. */
static void test_hole(void **state)
{
    static const unsigned starts[] = {500, 0, 65533, 65535, 32767};
    (void)state;
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        for (unsigned lost = 1; lost < 100; lost++) {
            unsigned next = starts[i] + lost;
            struct bench *bench = bench_believing(starts[i]);
            unsigned told = 0;
            for (unsigned k = 0; k < 8; k++) {
                enum rtp_holes_verdict verdict = hear(bench, next + k, 1);
                assert_int_not_equal(verdict, OTHER);
                if (verdict == HOLE)
                    told = k + 1;
            }
            assert_int_equal(bench->missing, 1);
            assert_int_equal(told, lost >= 4 ? 1 : 5 - lost);
            hear_in_order(bench, next + 8, 20);
        }
}

static void test_two_holes(void **state)
{
    (void)state;
    struct bench *bench = bench_believing(500);
    for (unsigned i = 0; i < 20; i++)
        if (i != 3 && i != 10)
            assert_int_not_equal(hear(bench, 500 + i, 1), OTHER);
    assert_int_equal(bench->missing, 2);
}

/* Late by up to four packets, in any order. */
static void test_late(void **state)
{
    static const unsigned orders[][5] = {{1, 0, 2, 3, 4}, {1, 2, 3, 0, 4}, {3, 2, 1, 0, 4},
                                         {3, 1, 2, 0, 4}, {2, 0, 1, 4, 3}, {0, 1, 1, 0, 2}};
    (void)state;
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        struct bench *bench = bench_believing(65534);
        for (unsigned k = 0; k < 5; k++)
            assert_int_equal(hear(bench, 65534 + orders[i][k], 1), GOOD);
        unsigned next = i + 1 < sizeof orders / sizeof orders[0] ? 5 : 3;
        hear_in_order(bench, 65534 + next, 20);
        assert_int_equal(bench->missing, 0);
    }
}

/* Later than that, it was missing; that it comes at last makes no second hole. */
static void test_too_late(void **state)
{
    (void)state;
    struct bench *bench = bench_believing(500);
    for (unsigned i = 1; i < 6; i++)
        hear(bench, 500 + i, 1);
    assert_int_equal(bench->missing, 1);
    assert_int_equal(hear(bench, 500, 1), GOOD);
    hear_in_order(bench, 506, 20);
    assert_int_equal(bench->missing, 1);
}

static void test_restart(void **state)
{
    static const unsigned jumps[] = {101, 102, 1000, 32768, 65536 - 102};
    (void)state;
    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        struct bench *bench = bench_believing(500);
        unsigned next = 499 + jumps[i];
        for (unsigned k = 0; k < 4; k++)
            assert_int_equal(hear(bench, next + k, 1), OTHER);
        assert_int_equal(hear(bench, next + 4, 1), GOOD);
        assert_int_equal(bench->missing, 0);
    }
    struct bench *bench = bench_believing(500);
    hear(bench, 599, 1); /* a jump by 100 */
    assert_int_equal(bench->missing, 1);
}

/* On hold, some go on counting and some do not. */
static void test_pause(void **state)
{
    (void)state;
    struct bench *bench = bench_believing(500);
    bench->now_ns += 60000 * MS;
    hear_in_order(bench, 500, 5);
    bench->now_ns += 60000 * MS;
    assert_int_equal(hear(bench, 550, 1), OTHER);
    assert_int_equal(bench->missing, 0);
    /* A mirror that stood still for a second and a half made a hole. */
    bench = bench_believing(500);
    bench->now_ns += 1500 * MS;
    assert_int_equal(hear(bench, 576, 1), HOLE);
}

static void test_no_rtp(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    char header[12];
    for (unsigned i = 0; i < 20; i++) {
        struct datagram d = rtp(header, (uint16_t)i, 1);
        d.payload.len = 11;
        assert_int_equal(take(bench, &d), OTHER);
        d.payload = SLICE_NONE;
        assert_int_equal(take(bench, &d), OTHER);
        d = rtp(header, (uint16_t)i, 1);
        header[0] = 0x40;
        assert_int_equal(take(bench, &d), OTHER);
        header[0] = (char)0xc0;
        assert_int_equal(take(bench, &d), OTHER);
        header[0] = (char)0x81; /* RTCP: its length is where RTP's number is */
        for (unsigned type = 192; type <= 223; type++) {
            header[1] = (char)type;
            assert_int_equal(take(bench, &d), OTHER);
        }
    }
    assert_int_equal(bench->flow, 0);
    for (size_t i = 0; i < RTP_HOLES_PLACES; i++)
        assert_int_equal(bench->holes.place[i].stream, 0);
}

/* A payload type with the marker bit is RTP but for those of RTCP. */
static void test_marker(void **state)
{
    (void)state;
    struct bench *bench = bench_believing(500);
    char header[12];
    struct datagram d = rtp(header, 500, 1);
    header[1] = (char)(0x80 | 8);
    assert_int_equal(take(bench, &d), GOOD);
    d = rtp(header, 501, 1);
    header[1] = (char)(0x80 | 101);
    assert_int_equal(take(bench, &d), GOOD);
}

/* Two directions, two SSRCs on the same ports, two hosts: each is a stream of its own. */
static void test_streams_apart(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    uint32_t flows[5];
    for (unsigned i = 0; i < 20; i++)
        for (unsigned s = 0; s < 5; s++) {
            char header[12];
            struct datagram d = rtp(header, (uint16_t)(i + s * 1000), s == 1 ? 2 : 1);
            if (s == 2)
                d.src.port++;
            if (s == 3)
                d.dst.ip.octets[3]++;
            if (s == 4) {
                struct endpoint e = d.src;
                d.src = d.dst;
                d.dst = e;
            }
            assert_int_equal(take(bench, &d), i < 4 ? OTHER : GOOD);
            flows[s] = bench->flow;
        }
    for (unsigned s = 1; s < 5; s++)
        for (unsigned r = 0; r < s; r++)
            assert_int_not_equal(flows[s], flows[r]);
}

/* A hundred thousand made-up streams take no place from one that is watched, and are not believed.
 * When they end, places are free again. */
static void test_flood(void **state)
{
    (void)state;
    struct bench *bench = bench_believing(0);
    char header[12];
    for (unsigned i = 0; i < 100000; i++) {
        struct datagram d = rtp(header, (uint16_t)i, 1);
        d.src.port = 7;
        memcpy(header + 8, &(uint32_t){i * 2654435761U}, 4);
        bench->now_ns += MS / 50;
        assert_int_equal(take(bench, &d), OTHER);
        if (i % 1000 == 999)
            assert_int_equal(hear(bench, i / 1000, 1), GOOD);
    }
    bench->now_ns += 101 * MS;
    unsigned believed = 0;
    for (unsigned i = 0; i < 5; i++)
        for (unsigned ssrc = 2; ssrc < 52; ssrc++) {
            struct datagram d = rtp(header, (uint16_t)i, (uint8_t)ssrc);
            believed += take(bench, &d) == GOOD;
        }
    assert_int_equal(believed, 50);
}

/* The mirror hands over two links: stamps go back a little, and no place is lost by it. */
static void test_stamps_back(void **state)
{
    (void)state;
    struct bench *bench = bench_believing(0);
    for (unsigned i = 0; i < 100; i++) {
        bench->now_ns += i % 2 ? 50 * MS : -50 * MS;
        hear_in_order(bench, i, 1);
    }
    /* A late packet has an older stamp. */
    hear_in_order(bench, 101, 1);
    bench->now_ns -= 40 * MS;
    hear_in_order(bench, 100, 1);
    bench->now_ns = -5 * MS; /* the clock was set */
    hear_in_order(bench, 102, 10);
    assert_int_equal(bench->missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_belief),        cmocka_unit_test(test_never_believed),
        cmocka_unit_test(test_hole),          cmocka_unit_test(test_two_holes),
        cmocka_unit_test(test_late),          cmocka_unit_test(test_too_late),
        cmocka_unit_test(test_restart),       cmocka_unit_test(test_pause),
        cmocka_unit_test(test_no_rtp),        cmocka_unit_test(test_marker),
        cmocka_unit_test(test_streams_apart), cmocka_unit_test(test_flood),
        cmocka_unit_test(test_stamps_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
