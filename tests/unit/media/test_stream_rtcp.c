#include "media/stream_rtcp.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define MS    INT64_C(1000000)
#define S     INT64_C(1000000000)
#define NOON  (INT64_C(1700000000) * S) /* of the sensor's clock */
#define CLOCK 8000

enum { REPORTER = 0xb };

/* Ticks of 1/65536 s in so many ms. */
#define TICKS(ms) ((uint32_t)(UINT64_C(65536) * (ms) / 1000))

static void assert_near(double got, double wanted)
{
    if (fabs(got - wanted) > 1e-6)
        fail_msg("%.9f instead of %.9f", got, wanted);
}

/* Of whoever sends nothing but this. */
static const struct stream_rtcp_tap nothing_known = {.started_ns = EVENT_NO_TIME};

static void answer(struct stream_rtcp *rtcp, struct stream_rtcp *reverse, uint32_t lsr,
                   uint32_t dlsr, int64_t now_ns)
{
    const struct rtcp_report_block report = {.lsr = lsr, .dlsr = dlsr};
    stream_rtcp_report(rtcp, reverse, REPORTER, &report, &nothing_known, now_ns);
}

static struct event_stream read_interval(const struct stream_rtcp *rtcp)
{
    struct event_stream figures;
    memset(&figures, 0xff, sizeof figures); /* what it leaves as it is would be seen */
    stream_rtcp_read_interval(rtcp, CLOCK, &figures);
    return figures;
}

static struct event_stream read_life(const struct stream_rtcp *rtcp)
{
    struct event_stream figures;
    memset(&figures, 0xff, sizeof figures);
    stream_rtcp_read_life(rtcp, CLOCK, &figures);
    return figures;
}

static void assert_no_delay(const struct stream_rtcp *rtcp)
{
    struct event_stream interval = read_interval(rtcp), life = read_life(rtcp);
    assert_false(interval.rtt_ms.is_known || interval.has_latency);
    assert_false(life.rtt_ms.is_known || life.has_latency);
}

static void assert_loop(struct event_stream figures, double mean_ms, double max_ms)
{
    assert_true(figures.rtt_ms.is_known);
    assert_near(figures.rtt_ms.mean, mean_ms);
    assert_near(figures.rtt_ms.extreme, max_ms);
    assert_true(figures.has_latency);
    assert_near(figures.latency_ms, mean_ms / 2);
}

/* RFC 3550 figure 2, seen where the sender is: the other half is 0. */
static void figure_2(void **state)
{
    (void)state;
    struct stream_rtcp rtcp;
    stream_rtcp_init(&rtcp);
    const int64_t sent_ns = INT64_C(0xb7052000) * S / 65536;
    const int64_t answered_ns = INT64_C(0xb7108000) * S / 65536;
    stream_rtcp_sender_report(&rtcp, 0xb7052000, sent_ns);
    answer(&rtcp, NULL, 0xb7052000, 0x00054000, answered_ns);
    assert_near((double)rtcp.to_receiver.delay_ns / 1e6, 6125);
    assert_no_delay(&rtcp);
}

/* A is 30 ms from the tap, B 10 ms; B holds 0.5 s, A 0.25 s; B's clock is 5 s ahead of A's. */
static void both_halves(void **state)
{
    (void)state;
    struct stream_rtcp to_b, to_a;
    stream_rtcp_init(&to_b);
    stream_rtcp_init(&to_a);
    const uint32_t ntp_a = 0xb7052000, ntp_b = ntp_a + TICKS(5520);

    stream_rtcp_sender_report(&to_b, ntp_a, NOON);
    int64_t now_ns = NOON + 10 * MS + 500 * MS + 10 * MS;
    stream_rtcp_sender_report(&to_a, ntp_b, now_ns);
    answer(&to_b, &to_a, ntp_a, TICKS(500), now_ns);
    assert_int_equal(to_b.to_receiver.delay_ns, 20 * MS);
    assert_no_delay(&to_b); /* half a loop is none */
    assert_no_delay(&to_a);

    now_ns += 30 * MS + 250 * MS + 30 * MS;
    answer(&to_a, &to_b, ntp_b, TICKS(250), now_ns);
    assert_int_equal(to_a.to_receiver.delay_ns, 60 * MS);
    assert_loop(read_interval(&to_b), 80, 80);
    assert_loop(read_interval(&to_a), 80, 80);
    assert_int_equal(read_interval(&to_b).latency_source, LATENCY_RTCP);

    /* B is 20 ms farther away: 40 more there, and nothing on the other side. */
    stream_rtcp_sender_report(&to_b, ntp_a + TICKS(5000), NOON + 5 * S);
    answer(&to_b, &to_a, ntp_a + TICKS(5000), TICKS(500), NOON + 5 * S + 560 * MS);
    assert_loop(read_interval(&to_b), 100, 120);
    assert_loop(read_interval(&to_a), 100, 120);

    stream_rtcp_next_interval(&to_b);
    assert_false(read_interval(&to_b).rtt_ms.is_known || read_interval(&to_b).has_latency);
    assert_loop(read_life(&to_b), 100, 120);
    assert_loop(read_interval(&to_a), 100, 120);

    stream_rtcp_sender_report(&to_b, ntp_a + TICKS(10000), NOON + 10 * S);
    answer(&to_b, &to_a, ntp_a + TICKS(10000), TICKS(500), NOON + 10 * S + 520 * MS);
    assert_loop(read_interval(&to_b), 80, 80);
    assert_loop(read_life(&to_b), 280.0 / 3, 120);
}

/* B sends no media: A answers its receiver reference times. */
static void receiver_only(void **state)
{
    (void)state;
    struct stream_rtcp rtcp;
    stream_rtcp_init(&rtcp);
    stream_rtcp_sender_report(&rtcp, 100, NOON);
    stream_rtcp_reference(&rtcp, 200, NOON + 520 * MS);
    answer(&rtcp, NULL, 100, TICKS(500), NOON + 520 * MS);
    assert_no_delay(&rtcp);
    struct rtcp_xr_dlrr dlrr = {.lrr = 100, .dlrr = TICKS(250)};
    stream_rtcp_dlrr(&rtcp, NULL, &dlrr, NOON + 830 * MS); /* of a sender report */
    assert_no_delay(&rtcp);
    dlrr.lrr = 200;
    stream_rtcp_dlrr(&rtcp, NULL, &dlrr, NOON + 830 * MS);
    assert_loop(read_life(&rtcp), 80, 80);
    assert_int_equal(read_life(&rtcp).latency_source, LATENCY_RTCP_XR);
}

/* The loop closes with the half that was measured last, whichever way it came. */
static void later_half(void **state)
{
    (void)state;
    struct stream_rtcp to_b, to_a;
    stream_rtcp_init(&to_b);
    stream_rtcp_init(&to_a);
    struct rtcp_xr_dlrr dlrr = {.lrr = 1, .dlrr = TICKS(250)};
    stream_rtcp_reference(&to_b, 1, NOON);
    stream_rtcp_dlrr(&to_b, &to_a, &dlrr, NOON + 290 * MS); /* 40 ms */
    stream_rtcp_sender_report(&to_b, 2, NOON + S);
    answer(&to_b, &to_a, 2, TICKS(500), NOON + S + 520 * MS);
    assert_loop(read_interval(&to_b), 60, 60);
    stream_rtcp_sender_report(&to_a, 3, NOON + 2 * S);
    answer(&to_a, &to_b, 3, TICKS(250), NOON + 2 * S + 310 * MS); /* 60 ms */
    assert_loop(read_interval(&to_b), 70, 80);
    stream_rtcp_sender_report(&to_b, 4, NOON + 3 * S);
    answer(&to_b, &to_a, 4, TICKS(500), NOON + 3 * S + 520 * MS);
    assert_loop(read_interval(&to_a), 220.0 / 3, 80);
}

static void halves_that_are_too_old(void **state)
{
    (void)state;
    for (int64_t apart_s = 29; apart_s <= 31; apart_s += 2) {
        struct stream_rtcp to_b, to_a;
        stream_rtcp_init(&to_b);
        stream_rtcp_init(&to_a);
        stream_rtcp_sender_report(&to_b, 1, NOON);
        answer(&to_b, &to_a, 1, TICKS(500), NOON + 520 * MS);
        stream_rtcp_sender_report(&to_a, 2, NOON + apart_s * S);
        answer(&to_a, &to_b, 2, TICKS(250), NOON + apart_s * S + 520 * MS);
        assert_true(read_life(&to_b).rtt_ms.is_known == (apart_s < 30));
    }
}

/* What an answer may say that is not taken for a delay. */
static void answers_that_cannot_be(void **state)
{
    (void)state;
    static const struct {
        uint32_t lsr, dlsr;
        int64_t after_ns;
        bool is_taken;
    } cases[] = {
        {7, TICKS(500), 520 * MS, true},
        {0, TICKS(500), 520 * MS, false},                       /* no sender report was heard */
        {8, TICKS(500), 520 * MS, false},                       /* of nobody */
        {7, 0, 520 * MS, false},                                /* it does not say */
        {7, TICKS(500), 499 * MS, false},                       /* before it was asked */
        {7, TICKS(500), 500 * MS - 15000, true},                /* so much is its rounding */
        {7, TICKS(500), 10500 * MS, true},                      /**/
        {7, TICKS(500), 10501 * MS, false},                     /* over 10 s */
        {7, TICKS(59000), 59020 * MS, true},                    /**/
        {7, TICKS(61000), 61020 * MS, false},                   /* held for over a minute */
        {7, UINT32_MAX, 65536 * S + 20 * MS, false},            /**/
        {7, UINT32_C(1) << 31 | 1, 32768 * S + 20 * MS, false}, /**/
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct stream_rtcp rtcp;
        stream_rtcp_init(&rtcp);
        stream_rtcp_sender_report(&rtcp, 0, NOON);
        stream_rtcp_sender_report(&rtcp, 7, NOON);
        answer(&rtcp, NULL, cases[i].lsr, cases[i].dlsr, NOON + cases[i].after_ns);
        if ((rtcp.to_receiver.asked != 0) != cases[i].is_taken || rtcp.to_receiver.delay_ns < 0)
            fail_msg("case %zu", i);
    }
}

/* A clock that begins at 0 makes nothing of what was never sent. */
static void answer_to_nothing(void **state)
{
    (void)state;
    struct stream_rtcp rtcp;
    stream_rtcp_init(&rtcp);
    answer(&rtcp, NULL, 0, TICKS(500), 520 * MS);
    assert_int_equal(rtcp.to_receiver.at_ns, 0);
    assert_int_equal(rtcp.to_receiver.delay_ns, 0);
}

/* The last 8 sender reports and 4 reference times are remembered, in whatever order they came. */
static void what_is_remembered(void **state)
{
    (void)state;
    struct stream_rtcp rtcp;
    stream_rtcp_init(&rtcp);
    for (uint32_t i = 1; i <= 20; i++) {
        stream_rtcp_sender_report(&rtcp, i, NOON + i * S);
        stream_rtcp_reference(&rtcp, 100 + i, NOON + i * S);
    }
    for (uint32_t i = 1; i <= 20; i++) {
        rtcp.to_receiver = rtcp.to_sender = (struct stream_rtcp_half){0};
        uint32_t dlsr = TICKS(30000 - i * 1000);
        answer(&rtcp, NULL, i, dlsr, NOON + 30 * S + 20 * MS);
        const struct rtcp_xr_dlrr dlrr = {.lrr = 100 + i, .dlrr = dlsr};
        stream_rtcp_dlrr(&rtcp, NULL, &dlrr, NOON + 30 * S + 40 * MS);
        assert_int_equal(rtcp.to_receiver.asked, i > 12 ? i : 0);
        assert_int_equal(rtcp.to_receiver.delay_ns, i > 12 ? 20 * MS : 0);
        assert_int_equal(rtcp.to_sender.asked, i > 16 ? 100 + i : 0);
        assert_int_equal(rtcp.to_sender.delay_ns, i > 16 ? 40 * MS : 0);
    }
}

static void copies(void **state)
{
    (void)state;
    struct stream_rtcp to_b, to_a;
    stream_rtcp_init(&to_b);
    stream_rtcp_init(&to_a);
    /* The mirror shows all of it twice: the first time counts, and once. */
    for (int64_t copy_ns = 0; copy_ns <= 200000; copy_ns += 200000) {
        stream_rtcp_sender_report(&to_b, 1, NOON + copy_ns);
        stream_rtcp_sender_report(&to_a, 2, NOON + copy_ns);
    }
    for (int64_t copy_ns = 0; copy_ns <= 200000; copy_ns += 200000)
        answer(&to_b, &to_a, 1, TICKS(500), NOON + 520 * MS + copy_ns);
    for (int64_t copy_ns = 0; copy_ns <= 200000; copy_ns += 200000)
        answer(&to_a, &to_b, 2, TICKS(500), NOON + 560 * MS + copy_ns);
    assert_loop(read_interval(&to_b), 80, 80);
    assert_int_equal(to_b.interval.count, 1);

    /* A sender whose clock stands still: the receiver answers the latest report. */
    stream_rtcp_sender_report(&to_b, 1, NOON + 5 * S);
    answer(&to_b, &to_a, 1, TICKS(250), NOON + 5 * S + 270 * MS);
    assert_loop(read_interval(&to_b), 80, 80);
    assert_int_equal(to_b.interval.count, 2);
}

static void told_by_the_far_end(void **state)
{
    (void)state;
    static const uint16_t unbelievable[] = {0, 10001, 65535};
    struct stream_rtcp rtcp;
    stream_rtcp_init(&rtcp);
    for (size_t i = 0; i < sizeof unbelievable / sizeof unbelievable[0]; i++) {
        const struct rtcp_xr_voip voip = {.round_trip_ms = unbelievable[i]};
        stream_rtcp_voip(&rtcp, &voip);
    }
    assert_no_delay(&rtcp);
    struct rtcp_xr_voip voip = {.round_trip_ms = 100};
    stream_rtcp_voip(&rtcp, &voip);
    voip.round_trip_ms = 300;
    stream_rtcp_voip(&rtcp, &voip);
    struct event_stream figures = read_interval(&rtcp);
    assert_false(figures.rtt_ms.is_known);
    assert_true(figures.has_latency);
    assert_near(figures.latency_ms, 100);
    assert_int_equal(figures.latency_source, LATENCY_RTCP_XR);
    stream_rtcp_next_interval(&rtcp);
    assert_false(read_interval(&rtcp).has_latency);
    assert_near(read_life(&rtcp).latency_ms, 100);
    assert_int_equal(read_life(&rtcp).latency_source, LATENCY_RTCP_XR);

    /* What is measured here is better. */
    stream_rtcp_voip(&rtcp, &voip);
    stream_rtcp_sender_report(&rtcp, 1, NOON);
    stream_rtcp_reference(&rtcp, 2, NOON);
    answer(&rtcp, NULL, 1, TICKS(500), NOON + 520 * MS);
    const struct rtcp_xr_dlrr dlrr = {.lrr = 2, .dlrr = TICKS(500)};
    stream_rtcp_dlrr(&rtcp, NULL, &dlrr, NOON + 560 * MS);
    assert_loop(read_interval(&rtcp), 80, 80);
    assert_loop(read_life(&rtcp), 80, 80);
}

/* What was remembered and measured before the clock was set is as old as it was. */
static void clock_step(void **state)
{
    (void)state;
    static const int64_t steps[] = {3600 * S, -3600 * S};
    for (size_t i = 0; i < 2; i++) {
        struct stream_rtcp to_b, to_a;
        stream_rtcp_init(&to_b);
        stream_rtcp_init(&to_a);
        int64_t now_ns = NOON;
        stream_rtcp_sender_report(&to_b, 1, now_ns);
        stream_rtcp_sender_report(&to_b, 2, now_ns);
        stream_rtcp_reference(&to_b, 3, now_ns);
        now_ns += 520 * MS;
        answer(&to_b, &to_a, 1, TICKS(500), now_ns);
        stream_rtcp_sender_report(&to_a, 4, now_ns);
        stream_rtcp_clock_step(&to_b, steps[i]);
        stream_rtcp_clock_step(&to_a, steps[i]);
        now_ns += steps[i] + 310 * MS;
        answer(&to_a, &to_b, 4, TICKS(250), now_ns);
        assert_loop(read_interval(&to_b), 80, 80);

        const struct rtcp_xr_dlrr dlrr = {.lrr = 3, .dlrr = TICKS(750)};
        stream_rtcp_dlrr(&to_b, NULL, &dlrr, now_ns); /* 80 ms */
        assert_loop(read_interval(&to_b), 90, 100);
        stream_rtcp_clock_step(&to_b, steps[i]);
        now_ns += steps[i] + 200 * MS;
        answer(&to_b, NULL, 2, TICKS(1000), now_ns); /* 30 ms */
        assert_loop(read_interval(&to_b), 290.0 / 3, 110);

        /* It does not become fresh again either. */
        stream_rtcp_clock_step(&to_b, steps[i]);
        now_ns += steps[i] + 31 * S;
        answer(&to_b, NULL, 2, TICKS(32000), now_ns);
        assert_int_equal(to_b.interval.count, 3);
    }
}

/* One that loses in front of the tap and behind it, as often as it is told to. */
struct lossy {
    struct stream_rtcp rtcp;
    struct stream_rtcp_tap tap;
    struct rtcp_report_block report; /* as the receiver would write it now */
    uint32_t reporter;
    int64_t now_ns;
};

static void lossy_init(struct lossy *l, bool is_start_seen)
{
    *l = (struct lossy){.now_ns = NOON, .reporter = REPORTER};
    stream_rtcp_init(&l->rtcp);
    l->tap.started_ns = is_start_seen ? NOON : EVENT_NO_TIME;
    l->report.highest_sequence = 4711;
}

/* So many packets at 20 ms; of them `before` are lost in front of the tap, `after` behind it. */
static void lossy_send(struct lossy *l, unsigned packets, unsigned before, unsigned after)
{
    l->now_ns += packets * 20 * MS;
    l->tap.packets += packets - before;
    l->tap.lost += before;
    l->report.highest_sequence += packets;
    l->report.cumulative_lost += (int32_t)(before + after);
    l->report.fraction_lost = (uint8_t)((before + after) * 256 / packets);
}

static void lossy_report(struct lossy *l)
{
    stream_rtcp_report(&l->rtcp, NULL, l->reporter, &l->report, &l->tap, l->now_ns);
}

static void assert_after(struct event_stream figures, uint64_t far_end_lost, uint64_t after)
{
    assert_true(figures.has_far_end);
    assert_int_equal(figures.far_end_lost, far_end_lost);
    assert_true(figures.has_lost_after_tap);
    assert_int_equal(figures.lost_after_tap, after);
}

static void lost_after_tap(void **state)
{
    (void)state;
    struct lossy l;
    lossy_init(&l, true);
    assert_false(read_life(&l.rtcp).has_far_end || read_life(&l.rtcp).has_lost_after_tap);
    lossy_send(&l, 250, 3, 4);
    lossy_report(&l);
    assert_after(read_interval(&l.rtcp), 7, 4);
    assert_near(read_interval(&l.rtcp).far_end_loss_ratio, 7 / 256.0);
    lossy_send(&l, 256, 0, 64);
    lossy_report(&l);
    assert_after(read_interval(&l.rtcp), 71, 68);
    assert_near(read_interval(&l.rtcp).far_end_loss_ratio, 0.25);

    stream_rtcp_next_interval(&l.rtcp);
    struct event_stream figures = read_interval(&l.rtcp);
    assert_false(figures.has_far_end || figures.has_far_end_jitter || figures.has_lost_after_tap);
    assert_after(read_life(&l.rtcp), 71, 68);
    lossy_send(&l, 250, 50, 0);
    lossy_report(&l);
    assert_after(read_interval(&l.rtcp), 50, 0);
    assert_after(read_life(&l.rtcp), 121, 68);
    assert_int_equal(read_life(&l.rtcp).far_end_loss_ratio * 256, 51);
}

/* The first report is the base where nobody saw what was before it. */
static void baseline(void **state)
{
    (void)state;
    for (unsigned late = 0; late < 2; late++) {
        struct lossy l;
        lossy_init(&l, late);
        l.report.cumulative_lost = late ? 0 : 1000;
        lossy_send(&l, late ? 751 : 250, 0, 5); /* the start was seen, over 15 s ago */
        lossy_report(&l);
        assert_false(read_interval(&l.rtcp).has_far_end);
        assert_false(read_interval(&l.rtcp).has_lost_after_tap);
        assert_false(read_life(&l.rtcp).has_lost_after_tap);
        assert_true(read_life(&l.rtcp).has_far_end);
        assert_int_equal(read_life(&l.rtcp).far_end_lost, late ? 5 : 1005);
        lossy_send(&l, 250, 2, 3);
        lossy_report(&l);
        assert_after(read_interval(&l.rtcp), 5, 3);
        assert_after(read_life(&l.rtcp), late ? 10 : 1010, 3);
    }
    struct lossy l;
    lossy_init(&l, true);
    lossy_send(&l, 750, 0, 5);
    lossy_report(&l);
    assert_after(read_life(&l.rtcp), 5, 5);
}

/* A loss in front of the tap that the receiver has not yet told of is not held against it. */
static void reports_lag_behind(void **state)
{
    (void)state;
    struct lossy l;
    lossy_init(&l, true);
    lossy_send(&l, 250, 10, 0);
    l.report.cumulative_lost = 4;
    lossy_report(&l);
    assert_after(read_interval(&l.rtcp), 4, 0);
    stream_rtcp_next_interval(&l.rtcp);
    lossy_send(&l, 250, 0, 0);
    l.report.cumulative_lost = 10;
    lossy_report(&l);
    assert_after(read_interval(&l.rtcp), 6, 0);
    assert_after(read_life(&l.rtcp), 10, 0);
    /* Late packets fill holes behind the tap, as if they had not been lost. */
    lossy_send(&l, 250, 0, 8);
    lossy_report(&l);
    stream_rtcp_next_interval(&l.rtcp);
    l.report.cumulative_lost -= 5;
    lossy_send(&l, 250, 0, 0);
    lossy_report(&l);
    assert_after(read_interval(&l.rtcp), 0, 0);
    assert_after(read_life(&l.rtcp), 13, 3);
    stream_rtcp_next_interval(&l.rtcp);
    lossy_send(&l, 250, 0, 6);
    lossy_report(&l);
    assert_after(read_interval(&l.rtcp), 6, 1); /* with the 8 before: 9 in all */
    assert_after(read_life(&l.rtcp), 19, 9);
}

/* Repeats make RFC 3550's cumulative number of packets lost negative. */
static void fewer_than_none_lost(void **state)
{
    (void)state;
    struct lossy l;
    lossy_init(&l, true);
    lossy_send(&l, 250, 0, 0);
    l.report.cumulative_lost = -0x800000;
    lossy_report(&l);
    assert_after(read_interval(&l.rtcp), 0, 0);
    assert_after(read_life(&l.rtcp), 0, 0);
    lossy_send(&l, 250, 0, 0);
    l.report.cumulative_lost = -3;
    lossy_report(&l);
    assert_after(read_life(&l.rtcp), 0, 0);
}

/* What began anew, or cannot be, is not compared; what follows it is. */
static void reports_that_do_not_follow(void **state)
{
    (void)state;
    enum { OTHER_REPORTER, SEQUENCE_BACK, SEQUENCE_JUMP, MORE_THAN_SENT, FALLEN, CASES };
    for (int what = 0; what < CASES; what++) {
        struct lossy l;
        lossy_init(&l, true);
        lossy_send(&l, 250, 0, 5);
        lossy_report(&l);
        lossy_send(&l, 250, 0, 1);
        l.report.cumulative_lost = 5000;
        lossy_report(&l); /* more than were sent, which is the base of what follows */
        assert_after(read_life(&l.rtcp), 5000, 5);
        stream_rtcp_next_interval(&l.rtcp);
        lossy_send(&l, 250, 0, 100);
        switch (what) {
        case OTHER_REPORTER:
            l.reporter++;
            break;
        case SEQUENCE_BACK:
            l.report.highest_sequence -= 251;
            l.report.cumulative_lost -= 300;
            break;
        case SEQUENCE_JUMP:
            l.report.highest_sequence += 3000;
            break;
        case MORE_THAN_SENT:
            l.report.cumulative_lost += 151;
            break;
        default:
            l.report.cumulative_lost = 7;
            break;
        }
        lossy_report(&l);
        assert_false(read_interval(&l.rtcp).has_far_end ||
                     read_interval(&l.rtcp).has_lost_after_tap);
        lossy_send(&l, 250, 1, 2);
        lossy_report(&l);
        assert_true(read_interval(&l.rtcp).has_lost_after_tap);
        assert_int_equal(read_interval(&l.rtcp).lost_after_tap, 2);
        assert_int_equal(read_life(&l.rtcp).lost_after_tap, 7);
    }
    /* A first report of a stream seen from its start, that says more than was sent. */
    struct lossy l;
    lossy_init(&l, true);
    lossy_send(&l, 250, 5, 246);
    lossy_report(&l);
    assert_false(read_life(&l.rtcp).has_lost_after_tap);
}

/* Fed with anything, for long: no figure leaves its bounds (and no sum its type). */
static void hostile_reports(void **state)
{
    (void)state;
    struct stream_rtcp rtcp, reverse;
    stream_rtcp_init(&rtcp);
    stream_rtcp_init(&reverse);
    struct stream_rtcp_tap tap = {.started_ns = NOON};
    uint32_t random[8] = {1};
    for (unsigned round = 0; round < 200000; round++) {
        for (size_t i = 0; i < 8; i++)
            random[i] = random[(i + 7) % 8] * 1664525 + 1013904223;
        bool is_extreme = random[0] >> 31;
        const struct rtcp_report_block report = {
            .fraction_lost = (uint8_t)(random[1] >> 24),
            .cumulative_lost = is_extreme ? (round % 2 == 0 ? 0x7fffff : -0x800000)
                                          : (int32_t)(random[2] >> 8) - 0x800000,
            .highest_sequence = round * 3000,
            .jitter = is_extreme ? UINT32_MAX : random[4],
            .lsr = random[5] >> 28,
            .dlsr = random[6] >> 8,
        };
        int64_t now_ns = NOON + round * (int64_t)(random[7] >> 8);
        tap.packets += 3000;
        stream_rtcp_sender_report(&rtcp, random[3] >> 28, now_ns);
        stream_rtcp_reference(&reverse, random[3] >> 28, now_ns);
        stream_rtcp_report(&rtcp, &reverse, random[0] >> 30, &report, &tap, now_ns);
        const struct rtcp_xr_dlrr dlrr = {.lrr = random[1] >> 28, .dlrr = random[2] >> 8};
        stream_rtcp_dlrr(&reverse, &rtcp, &dlrr, now_ns);

        struct event_stream figures = read_life(&rtcp);
        assert_true(figures.far_end_loss_ratio >= 0 && figures.far_end_loss_ratio < 1);
        assert_in_range(figures.far_end_lost, 0, 0x7fffff);
        assert_true(!figures.has_far_end_jitter || figures.far_end_jitter_ms <= 10000);
        assert_true(!figures.rtt_ms.is_known ||
                    (figures.rtt_ms.mean >= 0 && figures.rtt_ms.extreme <= 20000));
        assert_true(!figures.has_lost_after_tap || figures.lost_after_tap <= tap.packets);
    }
}

static void far_end_jitter(void **state)
{
    (void)state;
    static const struct {
        uint32_t jitter, clock_hz;
        bool is_known;
        double jitter_ms;
    } cases[] = {
        {160, 8000, true, 20},         {160, 48000, true, 160 / 48.0}, {0, 8000, true, 0},
        {80000, 8000, true, 10000},    {80001, 8000, false, 0},        {160, 0, false, 0},
        {UINT32_MAX, 90000, false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lossy l;
        lossy_init(&l, true);
        lossy_send(&l, 250, 0, 0);
        l.report.jitter = cases[i].jitter;
        lossy_report(&l);
        struct event_stream figures;
        stream_rtcp_read_life(&l.rtcp, cases[i].clock_hz, &figures);
        assert_true(figures.has_far_end);
        assert_int_equal(figures.has_far_end_jitter, cases[i].is_known);
        if (cases[i].is_known)
            assert_near(figures.far_end_jitter_ms, cases[i].jitter_ms);
        stream_rtcp_read_interval(&l.rtcp, cases[i].clock_hz, &figures);
        assert_int_equal(figures.has_far_end_jitter, cases[i].is_known);
    }
}

static void nothing_was_seen(void **state)
{
    (void)state;
    struct event_stream life = read_life(NULL), interval = read_interval(NULL);
    assert_false(life.rtt_ms.is_known || life.has_latency || life.has_far_end ||
                 life.has_far_end_jitter || life.has_lost_after_tap);
    assert_false(interval.rtt_ms.is_known || interval.has_latency || interval.has_far_end ||
                 interval.has_far_end_jitter || interval.has_lost_after_tap);
    struct event_stream untouched;
    memset(&untouched, 0xff, sizeof untouched);
    assert_memory_equal(&life.codec, &untouched.codec,
                        offsetof(struct event_stream, rtt_ms) -
                            offsetof(struct event_stream, codec));
    assert_true(sizeof(struct stream_rtcp) <= 320);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figure_2),
        cmocka_unit_test(both_halves),
        cmocka_unit_test(receiver_only),
        cmocka_unit_test(later_half),
        cmocka_unit_test(halves_that_are_too_old),
        cmocka_unit_test(answers_that_cannot_be),
        cmocka_unit_test(answer_to_nothing),
        cmocka_unit_test(what_is_remembered),
        cmocka_unit_test(copies),
        cmocka_unit_test(told_by_the_far_end),
        cmocka_unit_test(clock_step),
        cmocka_unit_test(lost_after_tap),
        cmocka_unit_test(baseline),
        cmocka_unit_test(reports_lag_behind),
        cmocka_unit_test(fewer_than_none_lost),
        cmocka_unit_test(reports_that_do_not_follow),
        cmocka_unit_test(hostile_reports),
        cmocka_unit_test(far_end_jitter),
        cmocka_unit_test(nothing_was_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
