/* What the report says of the media: the words, when it says nothing, and that no line is wider
 * than a terminal. */
#include "pipeline_bench.h"

#include "pipeline/report_media.h"

static char *printed;
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
    free(printed);
    printed = NULL;
    return 0;
}

/* Columns of UTF-8. */
static size_t columns(const char *line)
{
    size_t count = 0;
    for (; *line && *line != '\n'; line++)
        count += ((unsigned char)*line & 0xc0) != 0x80;
    return count;
}

static const char *print(void)
{
    size_t len;
    free(printed);
    FILE *out = open_memstream(&printed, &len);
    assert_non_null(out);
    media_tally_sort(&media);
    report_media_print(&media, out);
    fclose(out);
    for (const char *line = printed; *line; line += strcspn(line, "\n") + 1)
        if (columns(line) > 80)
            fail_msg("wider than 80 columns: %.120s", line);
    return printed;
}

static void assert_says(const char *text, const char *what)
{
    if (!strstr(text, what))
        fail_msg("\"%s\" is missing in:\n%s", what, text);
}

static struct event report(uint32_t ssrc)
{
    return report_event(endpoint_v4(2, 1, 10000), endpoint_v4(2, 20, 20000), ssrc);
}

static void give(struct event event)
{
    media_tally_event(&media, &event);
}

static void test_nothing(void **state)
{
    (void)state;
    assert_string_equal(print(), "");
}

static void test_good(void **state)
{
    (void)state;
    give(report(1));
    assert_string_equal(
        print(),
        "\nMEDIA  the stream was not bad\n"
        "             1 RTP stream, it is of a call in view\n"
        "         3,000 packets, 0 lost (0.00%)\n"
        "  of each stream the mean           median    worst 5%       worst\n"
        "  jitter in ms                         1.0         1.0         1.0\n"
        "  MOS, narrowband                     4.41        4.41        4.41\n"
        "\n"
        "  PCMU, 192.0.2.1:10000 -> 192.0.2.20:20000\n"
        "    MOS 4.41 (lowest 4.41), loss 0.00% (0 of 3,000), jitter 1.0 ms (highest 2.5)\n"
        "    from 12:00:00 for 60.0 s, SSRC 0x00000001, Call-ID c1@example.com\n");
    for (uint32_t i = 2; i <= 40; i++)
        give(report(i));
    const char *text = print();
    assert_says(text, "MEDIA  no stream was bad\n");
    assert_says(text, "40 RTP streams, all of a call in view\n");
    assert_says(text, "SSRC 0x00000003"); /* some to compare with, not all */
    assert_null(strstr(text, "SSRC 0x00000004"));
    assert_says(text, "\n  … and 37 more (--report json has all)\n");
    for (uint32_t i = 41; i <= MEDIA_WORST_MAX + 1; i++)
        give(report(i));
    assert_says(print(), "\n  … and 62 more (--report json has the worst 64)\n");
}

static void test_without_call(void **state)
{
    struct event event = report(1);
    (void)state;
    event.rtp_report.call_id = SLICE_NONE;
    give(event);
    const char *text = print();
    assert_tells(text,
                 "1 RTP stream without a call in view: the SIP was not seen, or is encrypted");
    assert_says(text, "SSRC 0x00000001, no call in view\n");
    give(report(2));
    assert_says(print(), "2 RTP streams, 1 of a call in view, 1 without one\n");
}

static void test_too_short(void **state)
{
    struct event event = report(1);
    (void)state;
    event.rtp_report.stream.ended_ns = NOON + 5 * S - 1;
    give(event);
    const char *text = print();
    assert_says(text, "MEDIA  cannot tell: the stream was too short\n");
    assert_says(text, "1 stream was too short to be judged (less than half an interval)\n");
    event.rtp_report.stream.ssrc++;
    give(event);
    assert_says(print(), "MEDIA  cannot tell: all streams were too short\n");
    give(report(3));
    assert_says(print(), "MEDIA  no stream was bad\n");
}

static void test_bad(void **state)
{
    struct event event = report(1);
    struct event_stream *stream = &event.rtp_report.stream;
    (void)state;
    for (uint32_t i = 2; i <= 39; i++)
        give(report(i));
    stream->src.name = "pbx";
    stream->dst.name = "trunk-a";
    stream->codec = "G729";
    stream->has_srtp = stream->srtp = true;
    stream->packets = 2850;
    stream->lost = 150;
    stream->duplicates = 12;
    stream->out_of_order = 3;
    stream->jitter_ms = (struct event_figure){true, 41.26, 80.5};
    stream->mos = (struct event_figure){true, 3.1, 2.24};
    stream->discarded_adaptive = 120;
    stream->has_latency = true;
    stream->latency_ms = 179.6;
    stream->has_lost_after_tap = true;
    stream->lost_after_tap = 1200;
    give(crossing_event(&event, RTP_METRIC_LOSS));
    give(crossing_event(&event, RTP_METRIC_JITTER));
    give(event);
    const char *text = print();
    assert_null(strstr(text, " were bad:")); /* nothing to group */
    assert_tells(text,
                 "MEDIA 1 of 39 streams was bad: jitter 1, loss 1, loss behind this sensor 1, "
                 "MOS 1 ");
    assert_says(text, " 116,850 packets, 150 lost (0.13%), 12 doubled, 3 out of order\n");
    assert_says(text, " 1 stream is encrypted (SRTP)");
    assert_says(text, " 1,200 packets were lost behind this sensor, as receivers say (RTCP)\n");
    assert_tells(text, "G729 (SRTP), pbx (192.0.2.1:10000) -> trunk-a (192.0.2.20:20000), bad by "
                       "jitter, loss, loss behind this sensor, MOS ");
    assert_tells(text, "MOS 3.10 (lowest 2.24), loss 5.00% (150 of 3,000), jitter 41.3 ms (highest "
                       "80.5), 120 too late for an adaptive jitter buffer, one way 180 ms ");
    assert_tells(text, "and 1,200 more lost behind this sensor, as the receiver says: look on both "
                       "sides of it");
    assert_true(strstr(text, "G729") < strstr(text, "PCMU")); /* the worst first */
    assert_says(text, "\n  … and 36 more that were not (--report json has all)\n");
    stream->ssrc = 40;
    stream->lost = 0;
    give(event);
    text = print();
    assert_says(text, "MEDIA  2 of 40 streams were bad: jitter 1, loss 1, ");
    assert_tells(text, "as the receiver says: look between here and there");
}

/* A packet or two that the receiver misses are told, and send nobody anywhere. */
static void test_little_lost_behind(void **state)
{
    struct event event = report(1);
    (void)state;
    event.rtp_report.stream.has_lost_after_tap = true;
    event.rtp_report.stream.lost_after_tap = 1;
    give(crossing_event(&event, RTP_METRIC_LOSS));
    give(event);
    const char *text = print();
    assert_says(text, "MEDIA  the stream was bad: loss 1\n");
    assert_tells(text, "loss 0.00% (0 of 3,000), 1 more behind this sensor, jitter 1.0 ms");
    assert_null(strstr(text, "look "));
}

/* Which trunk it is: before ten streams are told one by one. */
static void test_pairs(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 30; i++) {
        struct event event = report(i);
        struct event_stream *stream = &event.rtp_report.stream;
        stream->src.name = i < 14 ? "carrier-a" : NULL;
        stream->src.endpoint.ip =
            ip_from_v4((const uint8_t[4]){198, 51, 100, (uint8_t)(i < 14 ? 17 : i)});
        if (i != 3 && i != 5)
            stream->mos.extreme = 2;
        if (i == 4)
            give(crossing_event(&event, RTP_METRIC_LOSS));
        give(event);
    }
    const char *text = print();
    assert_says(text, "MEDIA  28 of 30 streams were bad: loss 1, MOS 28\n"
                      "  12 of 14 streams from carrier-a (198.51.100.17) to 192.0.2.20 were bad: "
                      "loss\n    1, MOS 12\n"
                      "  the stream from 198.51.100.14 to 192.0.2.20 was bad: MOS 1\n");
    assert_says(text, "  the stream from 198.51.100.17 to 192.0.2.20 was bad: MOS 1\n"
                      "  … and 12 between other hosts\n");
    struct event event = report(31);
    event.rtp_report.stream.mos.extreme = 2;
    event.rtp_report.stream.src.name = "carrier-a";
    give(event);
    assert_says(print(),
                "  13 of 15 streams from carrier-a to 192.0.2.20 were bad: loss 1, MOS 13\n");
    event.rtp_report.stream.src.name = "carrier-b";
    give(event);
    give(event);
    assert_says(print(),
                "  all 2 streams from carrier-b (192.0.2.1) to 192.0.2.20 were bad: MOS 2\n");
}

/* Answered calls that nobody was heard in. */
static void test_calls_without(void **state)
{
    (void)state;
    give(ended_event(CALL_STATE_COMPLETED, 200));
    assert_string_equal(print(), "\nMEDIA  none: 1 answered call had no RTP in view\n");
    give(ended_event(CALL_STATE_COMPLETED, 200));
    assert_string_equal(print(), "\nMEDIA  none: 2 answered calls had no RTP in view\n");
    give(report(1));
    const char *text = print();
    assert_says(text, "MEDIA  the stream was not bad\n");
    assert_says(text, "\n             2 answered calls had no RTP in view\n");
}

/* What the mirror may have lost is no stream's fault, and no stream's praise either. */
static void test_doubted(void **state)
{
    struct event event = report(1);
    (void)state;
    event.rtp_report.stream.lost = 1500;
    event.rtp_report.stream.mos.extreme = 1;
    event.rtp_report.confidence = CONFIDENCE_LOW;
    give(event);
    const char *text = print();
    assert_tells(text, "MEDIA cannot tell: the stream came while the mirror or the sensor lost or "
                       "disordered packets ");
    assert_tells(text, "1 stream while the mirror or the sensor lost or disordered packets: loss, "
                       "jitter and MOS are uncertain ");
    assert_tells(text, "The mirror or the sensor lost or disordered packets meanwhile: it may be "
                       "no fault of the stream's.");
    give(event);
    assert_tells(print(),
                 "MEDIA cannot tell: all 2 streams came while the mirror or the sensor lost or "
                 "disordered packets ");
    struct event other = report(3);
    other.rtp_report.stream.ended_ns = NOON + S;
    give(other);
    assert_tells(print(), "MEDIA cannot tell: all streams were too short, or came while the mirror "
                          "or the sensor lost or disordered packets ");
    give(report(4));
    assert_tells(print(), "MEDIA no stream was bad, but cannot tell for 2 of 4: the mirror or the "
                          "sensor lost or disordered packets ");
    other = report(5);
    other.rtp_report.stream.mos.extreme = 2;
    give(other);
    assert_tells(print(), "MEDIA 1 of 5 streams was bad: MOS 1; cannot tell for 2 more: the mirror "
                          "or the sensor lost or disordered packets ");
}

/* What nobody knows is not said. */
static void test_unknown(void **state)
{
    struct event event = report(1);
    struct event_stream *stream = &event.rtp_report.stream;
    (void)state;
    stream->codec = NULL;
    stream->payload_type = 97;
    stream->jitter_ms.is_known = stream->mos.is_known = false;
    stream->mos_scale = NULL;
    stream->expected = 0;
    give(event);
    const char *text = print();
    assert_null(strstr(text, "of each stream the mean"));
    assert_says(text, "  payload type 97, 192.0.2.1:10000 ->");
    assert_says(text, "\n    no MOS (codec unknown), loss 0.00% (0 of 0)\n");
    stream->codec = "opus";
    stream->clock_hz = 48000;
    give(event);
    assert_says(print(), "\n    no MOS (no published figures for opus), loss 0.00% (0 of 0)\n");
    stream->mos = (struct event_figure){true, 4.3, 4.1};
    stream->mos_scale = "fullband";
    give(event);
    text = print();
    assert_says(text, "  MOS, fullband                       4.30        4.30        4.30\n");
    assert_says(text, "    MOS 4.30 (lowest 4.10, fullband), loss");
}

static void test_many(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < MEDIA_WORST_MAX; i++) {
        struct event event = report(i);
        event.rtp_report.stream.mos.extreme = 2;
        give(event);
    }
    assert_says(print(), "  … and 54 more that were bad (--report json has all)\n");
    assert_says(printed, "  all 64 streams from 192.0.2.1 to 192.0.2.20 were bad: MOS 64\n");
    for (uint32_t i = 0; i < 2 * MEDIA_WORST_MAX; i++) {
        struct event event = report(1000 + i);
        event.rtp_report.stream.mos.extreme = 2;
        give(event);
    }
    assert_says(print(), "  … and 182 more that were bad (--report json has the worst 64)\n");
}

static void test_one_way(void **state)
{
    struct event event = one_way_event(), heard = report(1);
    (void)state;
    give(event);
    assert_string_equal(
        print(), "\nONE-WAY AUDIO  1 call with audio in one direction only\n"
                 "\n"
                 "  sip:alice@example.com to sip:bob@example.net, from 12:00:00 (confidence\n"
                 "    medium), Call-ID c1@example.com\n"
                 "    Bob is not heard.\n"
                 "    Next: Look at Bob.\n");
    give(event);
    assert_says(print(), "ONE-WAY AUDIO  1 call with audio in one direction only, 2 times\n");
    for (size_t i = 0; i < 10; i++) {
        event.one_way_audio.call_id = slice_of(&"abcdefghij"[i], 1);
        give(event);
    }
    const char *text = print();
    assert_says(text, "ONE-WAY AUDIO  11 calls with audio in one direction only, 12 times\n");
    assert_says(text, "  … and 2 more (--report json has all)\n");
    for (int i = 0; i < MEDIA_ONE_WAY_MAX; i++)
        give(event);
    assert_says(print(), "  … and 34 more (--report json has the first 32)\n");
    /* It stands before what it would contradict, and that names it. */
    heard.rtp_report.stream.src = event.one_way_audio.src;
    heard.rtp_report.stream.dst = event.one_way_audio.dst;
    heard.rtp_report.stream.started_ns = NOON + 42 * S;
    heard.rtp_report.call_id = SLICE("c1@example.com");
    give(heard);
    text = print();
    assert_tells(text, "from 12:00:00 until about 12:00:42 (confidence medium)");
    assert_says(text, "MEDIA  the stream was not bad (see also ONE-WAY AUDIO)\n");
    assert_true(strstr(text, "ONE-WAY AUDIO  ") < strstr(text, "MEDIA  "));
}

/* Long names, large counts, whatever octets: 80 columns, and nothing a terminal would act on. */
static void test_hostile(void **state)
{
    static const char name[] = "a-trunk-with-a-name-that-is-as-long-as-the-configuration-lets-it";
    const uint8_t octets[16] = {0x20, 0x01, 0x0d, 0xb8, 0x11, 0x11, 0x22, 0x22,
                                0x33, 0x33, 0x44, 0x44, 0x55, 0x55, 0x66, 0x66};
    const uint64_t large = UINT64_C(18000000000000000000);
    char text[300];
    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i + 1);
    struct event event = report(UINT32_MAX), silent = one_way_event();
    struct event_stream *stream = &event.rtp_report.stream;
    stream->src = stream->dst = (struct named_endpoint){{ip_from_v6(octets), 65535}, name};
    stream->codec = "A\x1b[2J\r\n-CODEC-OF-23-CHARS";
    stream->packets = stream->expected = stream->lost = stream->duplicates = large;
    stream->out_of_order = stream->discarded_adaptive = stream->lost_after_tap = large;
    stream->has_lost_after_tap = stream->has_latency = stream->has_srtp = stream->srtp = true;
    stream->jitter_ms = (struct event_figure){true, 1e12, 1e12};
    stream->latency_ms = 1e12;
    stream->mos = (struct event_figure){true, 1, 1};
    stream->started_ns = INT64_MIN / 2;
    stream->ended_ns = INT64_MAX / 2 - 1;
    event.rtp_report.call_id = slice_of(text, sizeof text);
    for (int metric = 0; metric < RTP_METRIC_COUNT; metric++)
        give(crossing_event(&event, (enum rtp_metric)metric));
    give(event);
    silent.one_way_audio.call_id = silent.one_way_audio.from_uri = silent.one_way_audio.to_uri =
        slice_of(text, sizeof text);
    memset(silent.one_way_audio.summary, 'x', EVENT_SUMMARY_MAX - 1);
    memset(silent.one_way_audio.next_step, '\x07', EVENT_SUMMARY_MAX - 1);
    give(silent);
    print();
    for (const char *at = printed; *at; at++)
        if (*at != '\n')
            assert_in_range((unsigned char)*at, 0x20, 0x7e);
}

static void test_other_udp(void **state)
{
    struct report_figures *figures = calloc(1, sizeof *figures);
    size_t len;
    (void)state;
    assert_non_null(figures);
    FILE *out = open_memstream(&printed, &len);
    report_other_udp_print(figures, out);
    fflush(out);
    assert_int_equal(len, 0);
    for (size_t i = 0; i < UDP_FLOWS_LABELS_MAX; i++) {
        figures->other_udp[i] = (struct udp_flows_label){.flows = 1000 - i, .packets = 2000 - i};
        snprintf(figures->other_udp[i].name, sizeof figures->other_udp[i].name, "LABEL-%zu", i);
    }
    figures->other_udp_labels = UDP_FLOWS_LABELS_MAX;
    figures->other_udp[1].flows = figures->other_udp[1].packets = 1;
    assert_int_equal(report_other_udp(figures), 32 * 2000 - 31 * 32 / 2 - 1998);
    report_other_udp_print(figures, out);
    fclose(out);
    assert_tells(printed, "OTHER UDP LABEL-0 1,000 flows (2,000 packets), LABEL-1 1 flow (1 "
                          "packet), LABEL-2 998 flows");
    assert_tells(printed, "LABEL-31 969 flows (1,969 packets) ");
    for (const char *line = printed; *line; line += strcspn(line, "\n") + 1)
        assert_true(columns(line) <= 80);
    free(figures);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_nothing),   TEST(test_good),      TEST(test_without_call),
        TEST(test_too_short), TEST(test_bad),       TEST(test_little_lost_behind),
        TEST(test_pairs),     TEST(test_doubted),   TEST(test_calls_without),
        TEST(test_unknown),   TEST(test_many),      TEST(test_one_way),
        TEST(test_hostile),   TEST(test_other_udp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
