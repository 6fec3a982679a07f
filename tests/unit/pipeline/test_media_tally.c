/* What the report tells of the media: the sums, which streams were bad and why, their order, and
 * that all of it is bounded and the same whatever order it came in. */
#include "pipeline_bench.h"

static struct media_tally media;

static int set_up(void **state)
{
    (void)state;
    return media_tally_init(&media);
}

static int tear_down(void **state)
{
    (void)state;
    media_tally_fini(&media);
    return 0;
}

static struct event report(uint32_t ssrc)
{
    return report_event(endpoint_v4(2, 1, 10000), endpoint_v4(2, 20, 20000), ssrc);
}

static void give(struct event event)
{
    media_tally_event(&media, &event);
}

/* The faults of the only stream that is like this. */
static unsigned faults_of(struct event event)
{
    struct media_tally fresh;
    assert_int_equal(media_tally_init(&fresh), 0);
    media_tally_event(&fresh, &event);
    assert_int_equal(fresh.worst_kept, 1);
    unsigned faults = fresh.worst[0].faults;
    assert_int_equal(fresh.bad, faults != 0);
    media_tally_fini(&fresh);
    return faults;
}

static void test_sums(void **state)
{
    struct event event = report(1);
    (void)state;
    event.rtp_report.final = false; /* intervals are in the last report already */
    give(event);
    assert_int_equal(media.streams, 0);
    event.rtp_report.final = true;
    event.rtp_report.stream.packets = 990;
    event.rtp_report.stream.expected = 1000;
    event.rtp_report.stream.lost = 10;
    event.rtp_report.stream.duplicates = 2;
    event.rtp_report.stream.out_of_order = 3;
    event.rtp_report.stream.mirror_copies = 990;
    event.rtp_report.stream.has_srtp = event.rtp_report.stream.srtp = true;
    event.rtp_report.stream.has_lost_after_tap = true;
    event.rtp_report.stream.lost_after_tap = 5;
    give(event);
    event = report(2);
    event.rtp_report.call_id = SLICE_NONE;
    event.rtp_report.confidence = CONFIDENCE_LOW;
    event.rtp_report.stream.lost_after_tap = 77; /* not known */
    event.rtp_report.stream.ended_ns = NOON + 5 * S - 1;
    give(event);
    assert_int_equal(media.streams, 2);
    assert_int_equal(media.of_calls, 1);
    assert_int_equal(media.encrypted, 1);
    assert_int_equal(media.doubted, 1);
    assert_int_equal(media.unjudged, 1);
    assert_int_equal(media.packets, 3990);
    assert_int_equal(media.expected, 4000);
    assert_int_equal(media.lost, 10);
    assert_int_equal(media.duplicates, 2);
    assert_int_equal(media.out_of_order, 3);
    assert_int_equal(media.mirror_copies, 990);
    assert_int_equal(media.lost_behind, 5);
    assert_int_equal(media.jitter_us.count, 2);
    assert_int_equal(media.bad, 0); /* exactly 1% was lost, and no event said more */
}

static void test_spread_of_mos(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        struct event event = report(i);
        event.rtp_report.stream.mos.mean = i == 0 ? 2.31 : i < 5 ? 3.87 : 4.409;
        give(event);
    }
    struct event event = report(100);
    event.rtp_report.stream.mos = (struct event_figure){true, 4.47, 4.2};
    event.rtp_report.stream.mos_scale = "wideband";
    give(event);
    event.rtp_report.stream.mos.is_known = false;
    event.rtp_report.stream.mos_scale = NULL;
    give(event);
    const struct media_mos *mos = &media.mos[MOS_NARROWBAND];
    assert_int_equal(mos->count, 100);
    assert_true(media_mos_percentile(mos, 0.5) == 4.41);
    assert_true(media_mos_percentile(mos, 0.04) == 3.87);
    assert_true(media_mos_percentile(mos, 0.05) == 4.41);
    assert_true(media_mos_percentile(mos, 0) == 2.31);
    assert_int_equal(media.mos[MOS_WIDEBAND].count, 1);
    assert_true(media_mos_percentile(&media.mos[MOS_WIDEBAND], 0.5) == 4.47);
    assert_int_equal(media.mos[MOS_FULLBAND].count, 0);
}

/* A stream crossed a threshold if an event of its own said so, of whichever interval. */
static void test_crossings(void **state)
{
    struct event first = report(1), second = report(2), third = report(1);
    (void)state;
    third.rtp_report.stream.src.endpoint.port++; /* the same SSRC from elsewhere: another */
    struct event crossing = crossing_event(&first, RTP_METRIC_LOSS);
    give(crossing);
    give(crossing); /* it recovered and came back */
    give(crossing_event(&first, RTP_METRIC_JITTER));
    crossing = crossing_event(&second, RTP_METRIC_LATENCY);
    crossing.rtp_crossing.confidence = CONFIDENCE_LOW; /* it may be the mirror */
    give(crossing);
    crossing = crossing_event(&third, RTP_METRIC_LATENCY);
    crossing.type = EVENT_RTP_RECOVERED;
    give(crossing);
    give(first);
    give(second);
    give(third);
    assert_int_equal(media.streams, 3);
    assert_int_equal(media.bad, 1);
    assert_int_equal(media.faults[RTP_METRIC_LOSS], 1);
    assert_int_equal(media.faults[RTP_METRIC_JITTER], 1);
    assert_int_equal(media.faults[RTP_METRIC_LATENCY], 0);
    assert_int_equal(media.worst[0].faults, 1U << RTP_METRIC_LOSS | 1U << RTP_METRIC_JITTER);
}

static void test_faults(void **state)
{
    struct event event = report(1);
    struct event_stream *stream = &event.rtp_report.stream;
    (void)state;
    assert_int_equal(faults_of(event), 0);
    stream->mos.extreme = 3.60;
    assert_int_equal(faults_of(event), 0);
    stream->mos.extreme = 3.59;
    assert_int_equal(faults_of(event), 1U << MEDIA_LOW_MOS);
    stream->mos_scale = "wideband"; /* of another scale: nobody can say */
    assert_int_equal(faults_of(event), 0);
    stream->mos_scale = "narrowband";
    event.rtp_report.confidence = CONFIDENCE_LOW;
    assert_int_equal(faults_of(event), 0);
    stream->lost_after_tap = 31;
    assert_int_equal(faults_of(event), 0);
    stream->has_lost_after_tap = true; /* the receiver's word, whatever the mirror lost */
    assert_int_equal(faults_of(event), 1U << MEDIA_LOST_BEHIND);
    stream->lost_after_tap = 30;
    assert_int_equal(faults_of(event), 0);
    stream->lost_after_tap = UINT64_MAX;
    stream->packets = MEDIA_FAIR_PACKETS_MIN - 1;
    assert_int_equal(faults_of(event), 0);
}

/* Bad ones first, then by the figure that is worst against what is still good. */
static void test_order(void **state)
{
    struct event event;
    (void)state;
    event = report(10); /* 2: 2% lost */
    event.rtp_report.stream.lost = 60;
    give(event);
    event = report(11); /* 3: jitter of 90 ms */
    event.rtp_report.stream.jitter_ms.mean = 90;
    give(event);
    event = report(12); /* 4: 600 ms one way */
    event.rtp_report.stream.has_latency = true;
    event.rtp_report.stream.latency_ms = 600;
    give(event);
    event = report(13); /* 5% lost, but not by the network */
    event.rtp_report.stream.lost = 150;
    event.rtp_report.confidence = CONFIDENCE_LOW;
    give(event);
    event = report(14); /* over a threshold, and then not for long: 1 */
    give(crossing_event(&event, RTP_METRIC_JITTER));
    give(event);
    event = report(15); /* bad: MOS of 3.17 is twice as far from 4.03 as 3.60 */
    event.rtp_report.stream.mos.extreme = 3.17;
    give(event);
    event = report(16); /* bad: 5% behind this sensor */
    event.rtp_report.stream.has_lost_after_tap = true;
    event.rtp_report.stream.lost_after_tap = 150;
    give(event);
    media_tally_sort(&media);
    static const uint32_t want[] = {16, 15, 14, 12, 11, 10, 13};
    assert_int_equal(media.worst_kept, sizeof want / sizeof want[0]);
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        assert_int_equal(media.worst[i].figures.ssrc, want[i]);
}

/* However many come, in whatever order: the same ones are kept, in the same order. */
static void test_bounded(void **state)
{
    enum { STREAMS = 5000 };
    (void)state;
    for (int backwards = 0; backwards < 2; backwards++) {
        for (uint32_t n = 0; n < STREAMS; n++) {
            uint32_t i = backwards ? STREAMS - 1 - n : n;
            struct event event = report(i);
            event.rtp_report.stream.lost = i / 50; /* 50 with the same loss */
            give(event);
        }
        media_tally_sort(&media);
        assert_int_equal(media.worst_kept, MEDIA_WORST_MAX);
        for (size_t i = 0; i < MEDIA_WORST_MAX; i++) {
            assert_int_equal(media.worst[i].figures.lost, i < 50 ? 99 : 98);
            assert_int_equal(media.worst[i].figures.ssrc, i < 50 ? 4950 + i : 4900 + i - 50);
        }
        assert_int_equal(media.streams, STREAMS);
        media_tally_fini(&media);
        assert_int_equal(media_tally_init(&media), 0);
    }
}

static void test_one_way(void **state)
{
    struct event event = one_way_event();
    (void)state;
    for (int i = 0; i < MEDIA_ONE_WAY_MAX + 8; i++) {
        event.one_way_audio.since_ns = NOON + i;
        give(event);
    }
    assert_int_equal(media.one_way_audio, MEDIA_ONE_WAY_MAX + 8);
    assert_int_equal(media.one_way_kept, MEDIA_ONE_WAY_MAX);
    assert_int_equal(media.one_way[0].told.since_ns, NOON);
    assert_string_equal(media.one_way[0].call_id, "c1@example.com");
    assert_string_equal(media.one_way[0].from_uri, "sip:alice@example.com");
    assert_string_equal(media.one_way[0].to_uri, "sip:bob@example.net");
    assert_string_equal(media.one_way[0].told.summary, "Bob is not heard.");
}

/* The texts of an event are gone when the next one comes. */
static void test_hostile_texts(void **state)
{
    char text[300];
    struct event event = report(1);
    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)i;
    event.rtp_report.call_id = slice_of(text, sizeof text);
    give(event);
    event = one_way_event();
    event.one_way_audio.call_id = slice_of(text, sizeof text);
    event.one_way_audio.from_uri = SLICE("\x1b[2J\x9b\r\nok\x7f");
    event.one_way_audio.to_uri = SLICE_NONE;
    give(event);
    memset(text, '!', sizeof text);
    assert_int_equal(strlen(media.worst[0].call_id), KEPT_TEXT_MAX - 1);
    assert_int_equal(strlen(media.one_way[0].call_id), KEPT_TEXT_MAX - 1);
    for (size_t i = 0; i < KEPT_TEXT_MAX - 1; i++) {
        assert_in_range((unsigned char)media.worst[0].call_id[i], 0x21, 0x7e);
        assert_int_equal(media.worst[0].call_id[i], media.one_way[0].call_id[i]);
    }
    assert_int_equal(media.worst[0].call_id['A'], 'A');
    assert_string_equal(media.one_way[0].from_uri, "?[2J???ok?");
    assert_string_equal(media.one_way[0].to_uri, "");
    assert_int_equal(media.one_way[0].told.call_id.len, 0);
}

static void test_names(void **state)
{
    static const char *const want[MEDIA_FAULT_COUNT] = {"jitter", "latency", "loss",
                                                        "lost_after_tap", "mos"};
    (void)state;
    for (int i = 0; i < MEDIA_FAULT_COUNT; i++)
        assert_string_equal(media_fault_name((enum media_fault)i), want[i]);
    for (int i = 0; i < MOS_SCALE_COUNT; i++)
        assert_int_equal(media_scale(mos_scale_name((enum mos_scale)i)), i);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_sums),    TEST(test_spread_of_mos), TEST(test_crossings),
        TEST(test_faults),  TEST(test_order),         TEST(test_bounded),
        TEST(test_one_way), TEST(test_hostile_texts), TEST(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
