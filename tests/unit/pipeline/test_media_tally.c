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
    assert_int_equal(media.jitter_ms.count, 2);
    assert_int_equal(media.bad, 0); /* exactly 1% was lost, and no event said more */
}

/* The table and the streams beside it say the same: a middle of two lies between them, and both
 * tails are the worse one. */
static void test_spread_of_few(void **state)
{
    struct event event = report(1);
    (void)state;
    event.rtp_report.stream.jitter_ms.mean = 0.352;
    event.rtp_report.stream.mos.mean = 3.5;
    give(event);
    const struct media_values *jitter = &media.jitter_ms, *mos = &media.mos[MOS_NARROWBAND];
    assert_true(media_values_median(jitter) == 0.35 && media_values_high_tail(jitter) == 0.35);
    assert_true(media_values_round(event.rtp_report.stream.jitter_ms.mean) == jitter->highest);
    event.rtp_report.stream.jitter_ms.mean = 1.55;
    event.rtp_report.stream.mos.mean = 4.5;
    give(event);
    assert_float_equal(media_values_median(jitter), 0.95, 1e-9);
    assert_true(media_values_high_tail(jitter) == 1.55 && jitter->highest == 1.55);
    assert_true(media_values_median(mos) == 4);
    assert_true(media_values_low_tail(mos) == 3.5 && media_values_lowest(mos) == 3.5);
}

static void test_spread_of_mos(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        struct event event = report(i);
        event.rtp_report.stream.mos.mean = i == 0 ? 2.31 : i < 5 ? 3.87 : 4.409;
        event.rtp_report.stream.jitter_ms.mean = i < 5 ? 1e9 : i == 5 ? 299.99 : 2;
        give(event);
    }
    struct event event = report(100);
    event.rtp_report.stream.mos = (struct event_figure){true, 4.47, 4.2};
    event.rtp_report.stream.mos_scale = "wideband";
    event.rtp_report.stream.jitter_ms.is_known = false;
    give(event);
    event.rtp_report.stream.mos.is_known = false;
    event.rtp_report.stream.mos_scale = NULL;
    give(event);
    const struct media_values *mos = &media.mos[MOS_NARROWBAND];
    assert_int_equal(mos->count, 100);
    assert_true(media_values_median(mos) == 4.41);
    assert_true(media_values_low_tail(mos) == 3.87); /* five are that low or lower */
    assert_true(media_values_lowest(mos) == 2.31);
    assert_true(media_values_high_tail(&media.jitter_ms) == 300); /* and more */
    assert_true(media.jitter_ms.highest == 1e9);
    assert_true(media_values_median(&media.jitter_ms) == 2);
    assert_int_equal(media.mos[MOS_WIDEBAND].count, 1);
    assert_true(media_values_median(&media.mos[MOS_WIDEBAND]) == 4.47);
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

/* A stream from 198.51.100.`from` (a peer's, if it has a name) to 192.0.2.`to`. */
static struct event between(uint8_t from, const char *name, uint8_t to, uint32_t ssrc)
{
    const uint8_t ip[4] = {198, 51, 100, from};
    struct event event = report(ssrc);
    event.rtp_report.stream.src = (struct named_endpoint){{ip_from_v4(ip), 10000}, name};
    event.rtp_report.stream.dst.endpoint.ip = ip_from_v4((const uint8_t[4]){192, 0, 2, to});
    return event;
}

static struct event bad(struct event event)
{
    event.rtp_report.stream.mos.extreme = 2;
    return event;
}

/* Streams are counted by who sent them and where to: by name, where the configuration has one. */
static void test_pairs(void **state)
{
    char copy[] = "trunk-a";
    (void)state;
    for (int backwards = 0; backwards < 2; backwards++) {
        for (uint32_t n = 0; n < 12; n++) {
            uint32_t i = backwards ? 11 - n : n;
            struct event event = i < 6 ? between((uint8_t)(30 - i), i % 2 ? copy : "trunk-a", 10, i)
                                 : i < 9 ? between(40, NULL, 10, i)
                                         : between(40, NULL, 11, i);
            give(i == 3 || i == 5 || i == 6 || i == 7 || i == 9 ? bad(event) : event);
        }
        media_tally_sort(&media);
        assert_int_equal(media.pairs, 3);
        const struct media_pair *pair = media.pair;
        assert_null(pair[0].src.name); /* two of three, before two of six */
        assert_false(pair[0].src.has_more);
        assert_int_equal(pair[0].streams, 3);
        assert_int_equal(pair[0].bad, 2);
        assert_int_equal(pair[0].faults[MEDIA_LOW_MOS], 2);
        assert_int_equal(pair[0].faults[RTP_METRIC_LOSS], 0);
        assert_string_equal(pair[1].src.name, "trunk-a");
        assert_true(pair[1].src.has_more);
        assert_int_equal(pair[1].src.ip.octets[3], 25); /* the lowest */
        assert_int_equal(pair[1].streams, 6);
        assert_int_equal(pair[1].bad, 2);
        assert_int_equal(pair[2].bad, 1);
        assert_false(media.has_other_pairs);
        media_tally_fini(&media);
        assert_int_equal(media_tally_init(&media), 0);
    }
}

/* However many there are: one with many bad streams is found, however late it comes, and none with
 * a bad stream gives way to one without. */
static void test_many_pairs(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < MEDIA_PAIRS_MAX; i++)
        give(bad(between((uint8_t)(i % 250), NULL, (uint8_t)(i / 250), i)));
    assert_int_equal(media.pairs, MEDIA_PAIRS_MAX);
    assert_false(media.has_other_pairs);
    give(between(1, NULL, 100, 1000));
    assert_true(media.has_other_pairs);
    for (uint32_t i = 0; i < 20; i++)
        give(bad(between(2, NULL, 100, 2000 + i)));
    media_tally_sort(&media);
    assert_int_equal(media.pairs, MEDIA_PAIRS_MAX);
    assert_int_equal(media.pair[0].bad, 20);
    for (size_t i = 1; i < media.pairs; i++)
        assert_int_equal(media.pair[i].bad, 1);
}

static enum media_no_mos why_none(const char *codec, uint32_t clock_hz, uint64_t lost)
{
    struct media_tally fresh;
    struct event event = report(1);
    event.rtp_report.stream.codec = codec;
    event.rtp_report.stream.clock_hz = clock_hz;
    event.rtp_report.stream.lost = lost;
    event.rtp_report.stream.mos.is_known = false;
    event.rtp_report.stream.mos_scale = NULL;
    assert_int_equal(media_tally_init(&fresh), 0);
    media_tally_event(&fresh, &event);
    enum media_no_mos why = fresh.worst[0].no_mos;
    media_tally_fini(&fresh);
    return why;
}

static void test_no_mos(void **state)
{
    (void)state;
    give(report(1));
    assert_int_equal(media.worst[0].no_mos, MEDIA_HAS_MOS);
    assert_int_equal(why_none(NULL, 0, 0), MEDIA_CODEC_UNKNOWN);
    assert_int_equal(why_none("opus", 48000, 0), MEDIA_NO_FIGURES);
    assert_int_equal(why_none("iLBC", 8000, 3), MEDIA_NO_FIGURES);
    assert_int_equal(why_none("L16", 44100, 0), MEDIA_NO_FIGURES);
    assert_int_equal(why_none("X-OURS", 8000, 0), MEDIA_NO_FIGURES);
    assert_int_equal(why_none("no token", 8000, 0), MEDIA_NO_FIGURES);
    assert_int_equal(why_none("H264", 90000, 0), MEDIA_NOT_SPEECH);
    assert_int_equal(why_none("telephone-event", 8000, 0), MEDIA_NOT_SPEECH);
    assert_int_equal(why_none("G722", 8000, 1), MEDIA_NO_FIGURES_OF_LOSS);
    assert_int_equal(why_none("G722", 8000, 0), MEDIA_FEW_PACKETS);
    assert_int_equal(why_none("PCMA", 8000, 50), MEDIA_FEW_PACKETS);
}

/* A call that was answered, ended, and had no stream. */
static void test_calls_without(void **state)
{
    struct event event = ended_event(CALL_STATE_COMPLETED, 200);
    (void)state;
    give(event);
    assert_int_equal(media.calls_without, 1);
    give(ended_event(CALL_STATE_LOST, 202));
    assert_int_equal(media.calls_without, 2);
    give(ended_event(CALL_STATE_FAILED, 486));
    give(ended_event(CALL_STATE_UNANSWERED, 0));
    event.call_ended.streams = 1;
    give(event);
    event.call_ended.streams = 0;
    event.call_ended.streams_left_out = 1;
    give(event);
    assert_int_equal(media.calls_without, 2);
}

/* What is doubtful or too short was neither good nor, of itself, bad. */
static void test_unclear(void **state)
{
    struct event event = report(1);
    (void)state;
    give(event);
    event.rtp_report.confidence = CONFIDENCE_LOW;
    give(event);
    event.rtp_report.stream.ended_ns = NOON + S; /* both */
    give(event);
    event.rtp_report.confidence = CONFIDENCE_HIGH;
    give(event);
    event = report(2);
    event.rtp_report.confidence = CONFIDENCE_LOW;
    give(crossing_event(&event, RTP_METRIC_JITTER)); /* in an interval without doubt */
    give(event);
    assert_int_equal(media.doubted, 3);
    assert_int_equal(media.open, 2);
    assert_int_equal(media.unclear, 3);
    assert_int_equal(media.bad, 1);
}

/* When that silence ended, by what this report tells. */
static int64_t until_of(struct event told, struct event event)
{
    struct media_tally fresh;
    assert_int_equal(media_tally_init(&fresh), 0);
    media_tally_event(&fresh, &told);
    media_tally_event(&fresh, &event);
    int64_t until_ns = fresh.one_way[0].until_ns;
    media_tally_fini(&fresh);
    return until_ns;
}

static void test_until(void **state)
{
    struct event told = one_way_event(), event = report(1);
    struct event_stream *stream = &event.rtp_report.stream;
    (void)state;
    told.time_ns = NOON + 25 * S;
    stream->src = told.one_way_audio.src;
    stream->dst = told.one_way_audio.dst;
    /* It began after that: exactly then. */
    stream->started_ns = NOON + 33 * S;
    assert_int_equal(until_of(told, event), NOON + 33 * S);
    /* It had been there before: in the interval, or at the end. */
    stream->started_ns = NOON;
    assert_int_equal(until_of(told, event), NOON + 60 * S);
    event.rtp_report.final = false;
    event.rtp_report.since_ns = NOON + 40 * S;
    assert_int_equal(until_of(told, event), NOON + 40 * S);
    event.rtp_report.since_ns = NOON + 20 * S;
    assert_int_equal(until_of(told, event), NOON + 25 * S);
    stream->dst.endpoint.port++; /* where it is sent to now */
    assert_int_equal(until_of(told, event), NOON + 25 * S);
    stream->src.endpoint.port++; /* another one: video, say */
    assert_int_equal(until_of(told, event), EVENT_NO_TIME);
    stream->src = told.one_way_audio.dst; /* the other direction */
    stream->dst = told.one_way_audio.src;
    assert_int_equal(until_of(told, event), EVENT_NO_TIME);
    stream->src = told.one_way_audio.src;
    stream->dst = told.one_way_audio.dst;
    stream->ended_ns = NOON + 25 * S; /* it was not heard again */
    assert_int_equal(until_of(told, event), EVENT_NO_TIME);
    stream->ended_ns = NOON + 60 * S;
    event.rtp_report.call_id = SLICE("c2@example.com");
    assert_int_equal(until_of(told, event), EVENT_NO_TIME);
    /* The first report counts. */
    event.rtp_report.call_id = SLICE("c1@example.com");
    give(told);
    give(event);
    event.rtp_report.since_ns = NOON + 50 * S;
    give(event);
    assert_int_equal(media.one_way[0].until_ns, NOON + 25 * S);
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
    assert_int_equal(media.one_way_calls.count, 1);
    event.one_way_audio.call_id = SLICE("c2@example.com");
    give(event);
    assert_int_equal(media.one_way_calls.count, 2);
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
        TEST(test_sums),      TEST(test_spread_of_few), TEST(test_spread_of_mos),
        TEST(test_crossings), TEST(test_faults),        TEST(test_order),
        TEST(test_bounded),   TEST(test_pairs),         TEST(test_many_pairs),
        TEST(test_no_mos),    TEST(test_calls_without), TEST(test_unclear),
        TEST(test_until),     TEST(test_one_way),       TEST(test_hostile_texts),
        TEST(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
