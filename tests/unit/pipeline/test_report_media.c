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
    assert_null(strstr(text, "more"));
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
    assert_tells(text, "and 1,200 more lost behind this sensor, as the receiver says: look between "
                       "here and there");
    assert_true(strstr(text, "G729") < strstr(text, "PCMU")); /* the worst first */
    stream->ssrc = 40;
    stream->lost = 1201;
    give(event);
    text = print();
    assert_says(text, "MEDIA  2 of 40 streams were bad: jitter 1, loss 1, ");
    assert_tells(text, "as the receiver says: look on both sides of it");
}

/* What the mirror may have lost is no stream's fault, and is said to be doubtful. */
static void test_doubted(void **state)
{
    struct event event = report(1);
    (void)state;
    event.rtp_report.stream.lost = 1500;
    event.rtp_report.stream.mos.extreme = 1;
    event.rtp_report.confidence = CONFIDENCE_LOW;
    give(event);
    const char *text = print();
    assert_says(text, "MEDIA  the stream was not bad\n");
    assert_tells(text, "1 stream while the mirror or the sensor lost packets: loss and MOS are "
                       "uncertain");
    assert_tells(text, "The mirror or the sensor lost packets meanwhile: it may be no fault of the "
                       "stream's.");
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
    assert_says(text, "\n    loss 0.00% (0 of 0)\n");
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
    for (uint32_t i = 0; i < 2 * MEDIA_WORST_MAX; i++) {
        struct event event = report(1000 + i);
        event.rtp_report.stream.mos.extreme = 2;
        give(event);
    }
    assert_says(print(), "  … and 182 more that were bad (--report json has the worst)\n");
}

static void test_one_way(void **state)
{
    (void)state;
    give(one_way_event());
    assert_string_equal(
        print(), "\nONE-WAY AUDIO  once one direction of a call carried no media\n"
                 "\n"
                 "  sip:alice@example.com to sip:bob@example.net, from 12:00:00 (confidence\n"
                 "    medium), Call-ID c1@example.com\n"
                 "    Bob is not heard.\n"
                 "    Next: Look at Bob.\n");
    for (int i = 0; i < 11; i++)
        give(one_way_event());
    const char *text = print();
    assert_says(text, "ONE-WAY AUDIO  12 times one direction of a call carried no media\n");
    assert_says(text, "  … and 2 more (--report json has all)\n");
    for (int i = 0; i < MEDIA_ONE_WAY_MAX; i++)
        give(one_way_event());
    assert_says(print(), "  … and 34 more (--report json has some)\n");
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
        TEST(test_nothing), TEST(test_good),    TEST(test_without_call), TEST(test_too_short),
        TEST(test_bad),     TEST(test_doubted), TEST(test_unknown),      TEST(test_many),
        TEST(test_one_way), TEST(test_hostile), TEST(test_other_udp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
