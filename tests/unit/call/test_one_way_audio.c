/* When one direction of a call is silent, what is said of it, and when nothing may be said. */
#include "media_bench.h"

#include "call/one_way_audio.h"

/* Of another call, which shows that the gateway's RTP is in sight. */
#define OTHER_GW                                                                                   \
    {                                                                                              \
        "198.51.100.20:31000", "192.0.2.99:21000", 0x52, 0                                         \
    }

static size_t events(const struct bench *b)
{
    return bench_count(b, EVENT_ONE_WAY_AUDIO);
}

static const struct one_way_audio *only(struct bench *b)
{
    struct kept_event *kept = bench_only(b, EVENT_ONE_WAY_AUDIO);
    struct one_way_audio *e = &kept->event.one_way_audio;
    struct slice *texts[] = {&e->call_id, &e->from_uri, &e->to_uri};
    for (size_t i = 0; i < 3; i++)
        texts[i]->at = kept->text[i];
    return e;
}

static int64_t told_at(struct bench *b)
{
    return bench_only(b, EVENT_ONE_WAY_AUDIO)->event.time_ns;
}

/* The gateway is never heard. Its SIP is, from the same address: so it is not the mirror. */
static void test_silent_from_the_start(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b, OFFER, ANSWER);
    TALK(b, 1020, 6000, ALICE_TALKS);
    bench_wait(b, 5999);
    assert_int_equal(events(b), 0);
    TALK(b, 6000, 20000, ALICE_TALKS);
    const struct one_way_audio *e = only(b); /* once */
    assert_at(told_at(b), 6000);
    assert_false(e->is_from_caller);
    assert_true(e->is_silent_from_start);
    assert_at(e->answered_ns, 1000);
    assert_at(e->since_ns, 1000);
    assert_int_equal(e->silent_ns, 5000 * MS);
    assert_int_equal(e->heard_packets, 249);
    assert_int_equal(e->confidence, CONFIDENCE_MEDIUM);
    assert_endpoint(e->src.endpoint, GW_RTP);
    assert_endpoint(e->dst.endpoint, ALICE_RTP);
    assert_slice(e->call_id, "call-1@example.com");
    assert_slice(e->from_uri, "sip:+4930555100@example.com");
    assert_slice(e->to_uri, "sip:+4930555001@example.net");
    assert_non_null(strstr(e->summary, "callee at " GW_RTP " to " ALICE_RTP " for 5.0 s"));
    assert_non_null(strstr(e->summary, "249 packets"));
    assert_non_null(strstr(e->next_step, "Capture at " GW_RTP));
    bench_bye(b, 20000);
    bench_wait(b, 30000);
    assert_int_equal(events(b), 1);
    bench_free(b);
}

/* The caller of whom only requests were ever seen. */
static void test_silent_caller(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b, OFFER, ANSWER);
    TALK(b, 1020, 7000, GW_TALKS);
    const struct one_way_audio *e = only(b);
    assert_true(e->is_from_caller);
    assert_endpoint(e->src.endpoint, ALICE_RTP);
    assert_endpoint(e->dst.endpoint, GW_RTP);
    assert_int_equal(e->confidence, CONFIDENCE_MEDIUM);
    bench_free(b);
}

/* Other RTP of the silent sender was seen: then the mirror carries it, for certain. */
static void test_sender_is_in_sight(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    SAY(b, -9000, .call = "other", .branch = "other");
    SAY(b, -8000, .call = "other", .branch = "other", .status = 200, .ttag = "o1",
        .sdp = SDP_OF("198.51.100.20", "31000", PCM));
    TALK(b, -7000, -6000, OTHER_GW);
    bench_call(b, OFFER, ANSWER);
    TALK(b, 1020, 7000, ALICE_TALKS);
    assert_int_equal(only(b)->confidence, CONFIDENCE_HIGH);
    bench_free(b);
}

/* The media come from a host of which nothing at all was ever seen: it may be the mirror. */
static void test_sender_was_never_seen(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b, OFFER, SDP_OF("203.0.113.200", "30000", PCM));
    TALK(b, 1020, 20000, {ALICE_RTP, "203.0.113.200:30000", FROM_ALICE, 0});
    bench_bye(b, 20000);
    bench_wait(b, 30000);
    assert_int_equal(events(b), 0);
    bench_free(b);
}

/* A host that is silent call after call and was never heard: it may rather be the mirror. */
static void test_sender_is_always_silent(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    for (int i = 0; i < 5; i++) {
        char call[24];
        int64_t at = 20000 * (int64_t)i;
        snprintf(call, sizeof call, "call-%d", i);
        SAY(b, at, .call = call, .branch = call, .sdp = OFFER);
        SAY(b, at + 1000, .call = call, .branch = call, .status = 200, .ttag = "t1", .sdp = ANSWER);
        TALK(b, at + 1020, at + 8000, {ALICE_RTP, GW_RTP, 100 + (uint32_t)i, 0});
        SAY(b, at + 8000, .call = call, .branch = "bye", .method = "BYE", .cseq = 2, .ttag = "t1");
    }
    assert_int_equal(events(b), 5);
    int calls = 0;
    for (size_t i = 0; i < b->count; i++)
        if (b->kept[i].event.type == EVENT_ONE_WAY_AUDIO) {
            assert_int_equal(b->kept[i].event.one_way_audio.confidence,
                             calls < 3 ? CONFIDENCE_MEDIUM : CONFIDENCE_LOW);
            calls++;
        }
    bench_free(b);
}

/* It was heard, stopped, came back and stopped again: told twice, with what was seen. */
static void test_stops_and_comes_back(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b, OFFER, ANSWER);
    TALK(b, 1020, 4000, ALICE_TALKS, {"198.51.100.20:30333", ALICE_RTP, FROM_GW, 0});
    TALK(b, 4000, 15000, ALICE_TALKS);
    const struct one_way_audio *e = only(b);
    assert_at(told_at(b), 3980 + 5000);
    assert_at(e->since_ns, 3980);
    assert_false(e->is_silent_from_start);
    assert_int_equal(e->confidence, CONFIDENCE_HIGH);
    assert_endpoint(e->src.endpoint, "198.51.100.20:30333"); /* as it was seen */
    assert_non_null(strstr(e->summary, "after 149 packets"));
    assert_non_null(strstr(e->next_step, "does it still send?"));
    TALK(b, 15000, 16000, ALICE_TALKS, {"198.51.100.20:30333", ALICE_RTP, FROM_GW, 0});
    TALK(b, 16000, 30000, ALICE_TALKS);
    assert_int_equal(events(b), 2);
    assert_string_not_equal(b->kept[0].event.id, b->kept[b->count - 1].event.id);
    bench_free(b);
}

/* Both are silent: the mirror, or nobody speaks. A gap of less than 5 s is none. */
static void test_no_silence_of_one(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b, OFFER, ANSWER);
    TALK(b, 1020, 2000, ALICE_TALKS, GW_TALKS);
    bench_wait(b, 60000);
    TALK(b, 60000, 61000, ALICE_TALKS, GW_TALKS);
    TALK(b, 61000, 65900, ALICE_TALKS);
    TALK(b, 65900, 70000, GW_TALKS);
    TALK(b, 70000, 70500, ALICE_TALKS); /* outlasts the other a little, and then nobody speaks */
    bench_wait(b, 120000);
    bench_bye(b, 120000);
    bench_wait(b, 130000);
    assert_int_equal(events(b), 0);
    bench_free(b);
}

/* Its sender pauses between talkspurts (DTX): it is silent because nobody speaks. */
static void test_pauses(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b, OFFER, ANSWER);
    TALK(b, 1020, 2000, ALICE_TALKS, GW_TALKS);
    struct call *call = call_table_find(&b->calls.table, SLICE("call-1@example.com"), SLICE("a1"));
    for (EACH_STREAM(node, call))
        if (stream_at(node)->from_callee)
            stream_at(node)->source.flags |= RTP_PAUSES;
    TALK(b, 2000, 20000, ALICE_TALKS);
    assert_int_equal(events(b), 0);
    bench_free(b);
}

/* RFC 3389: comfort noise stands for all the silence that follows; only one who was never heard is
 * missed. */
static void test_comfort_noise(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b, OFFER, ANSWER);
    TALK(b, 1020, 2000, ALICE_TALKS, GW_TALKS);
    TALK(b, 2000, 2020, ALICE_TALKS, {GW_RTP, ALICE_RTP, FROM_GW, 13});
    TALK(b, 2020, 30000, ALICE_TALKS);
    TALK(b, 30000, 31000, ALICE_TALKS, GW_TALKS);
    TALK(b, 31000, 60000, ALICE_TALKS);
    bench_bye(b, 60000);
    bench_wait(b, 70000);
    assert_int_equal(events(b), 0);
    bench_free(b);
}

/* The callee names the caller's host by mistake and sends from its own, late offer or not. */
static void test_false_address(void **state)
{
    static const struct talk alice = {ALICE_RTP, "203.0.113.30:4376", FROM_ALICE, 0};
    static const struct talk callee = {"203.0.113.30:4376", "192.0.2.10:4376", FROM_GW, 0};
    (void)state;
    for (int is_late = 0; is_late < 2; is_late++)
        for (int is_callee_first = 0; is_callee_first < 2; is_callee_first++) {
            struct bench *b = bench_new_media();
            SAY(b, 0, .sdp = is_late ? NULL : OFFER);
            SAY(b, 1000, .status = 200, .ttag = "t1", .sdp = SDP_OF("192.0.2.10", "4376", PCM));
            SAY(b, 1010, .method = "ACK", .branch = "ack", .ttag = "t1",
                .sdp = is_late ? OFFER : NULL);
            TALK(b, 1020, 1040, is_callee_first ? callee : alice);
            TALK(b, 1040, 20000, alice, callee);
            bench_bye(b, 20000);
            bench_wait(b, 30000);
            assert_int_equal(events(b), 0);
            assert_int_equal(bench_ended(b)->streams, 2);
            bench_free(b);
        }
}

/* The same with nothing to tie the two streams to each other: they go both ways between two hosts,
 * and only their hosts tell. Where that was over before, it is no excuse. */
static void test_both_ways_between_two_hosts(void **state)
{
    static const int64_t until_ms[] = {20000, 5000};
    (void)state;
    for (size_t i = 0; i < sizeof until_ms / sizeof until_ms[0]; i++) {
        struct bench *b = bench_new_media();
        bench_call(b, OFFER, SDP_OF("198.51.100.20", "30000", PCM));
        /* The callee's proxy speaks for it, too, and names a port at the caller's. */
        SAY(b, 1100, .branch = "re", .ttag = "t1", .cseq = 2, .sdp = OFFER);
        SAY(b, 1200, .branch = "re", .ttag = "t1", .cseq = 2, .status = 200,
            .sdp = SDP_OF("192.0.2.10", "30002", PCM));
        SAY(b, 1300, .branch = "re3", .ttag = "t1", .cseq = 3, .sdp = OFFER);
        SAY(b, 1400, .branch = "re3", .ttag = "t1", .cseq = 3, .status = 200, .sdp = ANSWER);
        TALK(b, 1420, until_ms[i], {"198.51.100.20:30008", "192.0.2.10:30002", FROM_GW, 0},
             ALICE_TALKS);
        if (until_ms[i] < 20000) {
            SAY(b, 5000, .branch = "re4", .ttag = "t1", .cseq = 4, .sdp = OFFER);
            SAY(b, 5100, .branch = "re4", .ttag = "t1", .cseq = 4, .status = 200, .sdp = ANSWER);
            TALK(b, 5120, 20000, ALICE_TALKS);
        }
        assert_int_equal(events(b), i);
        bench_bye(b, 20000);
        bench_wait(b, 30000);
        assert_int_equal(events(b), i);
        bench_free(b);
    }
}

/* Both sides name one host. The other is heard across the network: one of the two is elsewhere. On
 * one machine all is well, and the silence is told. */
static void test_from_a_host_to_itself(void **state)
{
    static const char *const sources[] = {"203.0.113.30:20000", ALICE_RTP};
    const struct endpoint alice = endpoint_of(ALICE_RTP);
    (void)state;
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        struct bench *b = bench_new_media();
        bench_call(b, OFFER, SDP_OF("192.0.2.10", "30000", PCM));
        media_map_host(&b->calls.media_map, &alice.ip)->is_heard = true;
        TALK(b, 1020, 20000, {sources[i], "192.0.2.10:30000", FROM_ALICE, 0},
             {sources[i], "192.0.2.10:30000", 77, 0});
        assert_int_equal(events(b), i);
        bench_free(b);
    }
}

/* A gateway that answers from another port than it named, to a caller behind a NAT. */
static void test_answer_from_another_port(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b, SDP_OF("10.0.0.9", "20000", PCM), ANSWER);
    TALK(b, 1020, 20000, {"203.0.113.77:40404", GW_RTP, FROM_ALICE, 0},
         {"198.51.100.20:40000", "203.0.113.77:40404", FROM_GW, 0});
    assert_int_equal(events(b), 0);
    TALK(b, 20000, 30000, {"203.0.113.77:40404", GW_RTP, FROM_ALICE, 0}); /* and then stops */
    assert_false(only(b)->is_from_caller);
    assert_at(only(b)->since_ns, 19980);
    bench_free(b);
}

/* What SDP does not let expect: hold, one direction only, a stream that is switched off, T.38. */
static void test_nothing_is_expected(void **state)
{
    static const struct {
        const char *offer, *answer;
    } rows[] = {
        {SDP_OF("192.0.2.10", "20000", PCM "a=sendonly\r\n"),
         SDP_OF("198.51.100.20", "30000", PCM "a=recvonly\r\n")},
        {SDP_OF("192.0.2.10", "20000", PCM "a=sendonly\r\n"), ANSWER},
        {SDP_OF("192.0.2.10", "20000", PCM),
         SDP_OF("198.51.100.20", "30000", PCM "a=recvonly\r\n")},
        {SDP_OF("0.0.0.0", "20000", PCM), ANSWER},
        {OFFER, SDP_OF("198.51.100.20", "30000", PCM "a=inactive\r\n")},
        {OFFER, SDP_OF("198.51.100.20", "0", PCM)},
        {"v=0\r\nc=IN IP4 192.0.2.10\r\nm=image 20000 udptl t38\r\n",
         "v=0\r\nc=IN IP4 198.51.100.20\r\nm=image 30000 udptl t38\r\n"},
        {OFFER, NULL}, /* where it should come from is not known */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench *b = bench_new_media();
        bench_call(b, rows[i].offer, rows[i].answer);
        TALK(b, 1020, 8000, ALICE_TALKS);
        bench_bye(b, 8000);
        bench_wait(b, 12000);
        assert_int_equal(events(b), 0);
        bench_free(b);
    }
}

/* On hold, without music, and the one who is held talks on. */
static void test_hold_without_music(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b, SDP_OF("192.0.2.10", "20000", PCM "a=sendonly\r\n"),
               SDP_OF("198.51.100.20", "30000", PCM "a=recvonly\r\n"));
    TALK(b, 1020, 8000, GW_TALKS);
    bench_bye(b, 8000);
    bench_wait(b, 12000);
    assert_int_equal(events(b), 0);
    bench_free(b);
}

/* Hold and resume: silence counts from the resume. */
static void test_hold_and_resume(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b, OFFER, ANSWER);
    TALK(b, 1020, 2000, ALICE_TALKS, GW_TALKS);
    SAY(b, 2000, .branch = "h", .ttag = "t1", .cseq = 2,
        .sdp = SDP_OF("192.0.2.10", "20000", PCM "a=sendonly\r\n"));
    SAY(b, 2010, .branch = "h", .ttag = "t1", .cseq = 2, .status = 200,
        .sdp = SDP_OF("198.51.100.20", "30000", PCM "a=recvonly\r\n"));
    TALK(b, 2020, 30000, ALICE_TALKS); /* music */
    assert_int_equal(events(b), 0);
    SAY(b, 30000, .branch = "r", .ttag = "t1", .cseq = 3, .sdp = OFFER);
    SAY(b, 30010, .branch = "r", .ttag = "t1", .cseq = 3, .status = 200, .sdp = ANSWER);
    TALK(b, 30020, 40000, ALICE_TALKS);
    assert_at(told_at(b), 35010);
    assert_at(only(b)->since_ns, 30010);
    bench_free(b);
}

/* What looks like a pause of the sender's was the hold: who falls silent after it is missed. */
static void test_dies_after_hold(void **state)
{
    (void)state;
    for (int is_hold = 0; is_hold < 2; is_hold++) {
        struct bench *b = bench_new_media();
        bench_call(b, OFFER, ANSWER);
        TALK(b, 1020, 2000, ALICE_TALKS, GW_TALKS);
        SAY(b, 2000, .branch = "h", .ttag = "t1", .cseq = 2,
            .sdp = SDP_OF("192.0.2.10", "20000", PCM "a=sendonly\r\n"));
        SAY(b, 2010, .branch = "h", .ttag = "t1", .cseq = 2, .status = 200,
            .sdp = SDP_OF("198.51.100.20", "30000", PCM "a=recvonly\r\n"));
        SAY(b, 9000, .branch = "r", .ttag = "t1", .cseq = 3, .sdp = OFFER);
        SAY(b, 9010, .branch = "r", .ttag = "t1", .cseq = 3, .status = 200, .sdp = ANSWER);
        TALK(b, 9020, 9100, ALICE_TALKS, GW_TALKS);
        struct call *call =
            call_table_find(&b->calls.table, SLICE("call-1@example.com"), SLICE("a1"));
        for (EACH_STREAM(node, call)) {
            struct stream *stream = stream_at(node);
            stream->source.flags |= RTP_PAUSES;
            struct rtp_oddities *odd = rtp_record_note(&stream->record);
            odd->pause_until_ns = stream->source.seen_ns;
            odd->pause_from_ns = is_hold ? stream->record.first_ns : stream->source.seen_ns - 1;
        }
        TALK(b, 9100, 12000, ALICE_TALKS, GW_TALKS);
        TALK(b, 12000, 20000, ALICE_TALKS);
        assert_int_equal(events(b), is_hold);
        bench_free(b);
    }
}

/* Early media are no proof after the answer; before it nothing is told. */
static void test_early_media_only(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    SAY(b, 0, .sdp = OFFER);
    SAY(b, 100, .status = 183, .ttag = "t1", .sdp = ANSWER);
    TALK(b, 120, 20000, GW_TALKS); /* ringing */
    assert_int_equal(events(b), 0);
    SAY(b, 20000, .status = 200, .ttag = "t1", .sdp = ANSWER);
    TALK(b, 20020, 26000, ALICE_TALKS);
    const struct one_way_audio *e = only(b);
    assert_at(told_at(b), 25000);
    assert_false(e->is_from_caller);
    assert_at(e->since_ns, 20000);
    assert_false(e->is_silent_from_start);
    assert_int_equal(e->confidence, CONFIDENCE_HIGH);
    bench_free(b);
}

/* A short call: told at its end, if there was enough of the other direction. */
static void test_short_calls(void **state)
{
    static const struct {
        int64_t talk_from_ms, talk_until_ms, bye_ms;
        bool is_told;
    } rows[] = {
        {1020, 2020, 2100, true},  /* 50 packets, 1.1 s */
        {1020, 2000, 2100, false}, /* 49 */
        {500, 1980, 1990, false},  /* under a second */
        {1020, 5000, 5000, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench *b = bench_new_media();
        SAY(b, 0, .sdp = OFFER);
        SAY(b, 100, .status = 183, .ttag = "t1", .sdp = ANSWER);
        TALK(b, rows[i].talk_from_ms, 1000, ALICE_TALKS);
        SAY(b, 1000, .status = 200, .ttag = "t1", .sdp = ANSWER);
        TALK(b, rows[i].talk_from_ms < 1000 ? 1000 : rows[i].talk_from_ms, rows[i].talk_until_ms,
             ALICE_TALKS);
        bench_bye(b, rows[i].bye_ms);
        bench_wait(b, 20000);
        assert_int_equal(events(b), rows[i].is_told);
        if (rows[i].is_told) {
            assert_at(told_at(b), rows[i].bye_ms);
            assert_at(only(b)->since_ns, 1000);
            assert_true(only(b)->is_silent_from_start);
        }
        bench_free(b);
    }
    /* One packet of it is enough to say nothing. */
    struct bench *b = bench_new_media();
    bench_call(b, OFFER, ANSWER);
    TALK(b, 1020, 1040, GW_TALKS);
    TALK(b, 1040, 4000, ALICE_TALKS);
    bench_bye(b, 4000);
    bench_wait(b, 20000);
    assert_int_equal(events(b), 0);
    bench_free(b);
}

/* The sensor, or the mirror, lost packets meanwhile. */
static void test_doubt(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct bench *b = bench_new_media();
        bench_call(b, OFFER, ANSWER);
        TALK(b, 1020, 2000, ALICE_TALKS, GW_TALKS);
        if (i == 0) /* before the silence: no matter */
            calls_lost_packets(&b->calls);
        TALK(b, 2000, 3000, ALICE_TALKS, GW_TALKS);
        TALK(b, 3000, 5000, ALICE_TALKS);
        if (i == 1)
            calls_lost_packets(&b->calls);
        b->is_doubted = i == 2;
        TALK(b, 5000, 9000, ALICE_TALKS);
        const struct one_way_audio *e = only(b);
        assert_int_equal(e->confidence, i == 0 ? CONFIDENCE_HIGH : CONFIDENCE_LOW);
        assert_int_equal(strstr(e->summary, "not certain") != NULL, i > 0);
        bench_free(b);
    }
}

/* The advice: a private address, no codec in common. */
static void test_advice(void **state)
{
    static const struct {
        const char *offer, *answer, *alice_rtp, *says;
    } rows[] = {
        {SDP_OF("10.1.2.3", "20000", PCM), ANSWER, "203.0.113.7:4444",
         "private address 10.1.2.3:20000"},
        {OFFER, SDP_OF("198.51.100.20", "30000", "RTP/AVP 18\r\n"), ALICE_RTP,
         "no codec in common"},
        {OFFER, ANSWER, ALICE_RTP, "tcpdump -ni any udp port 30000"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench *b = bench_new_media();
        bench_call(b, rows[i].offer, rows[i].answer);
        TALK(b, 1020, 7000, {rows[i].alice_rtp, GW_RTP, FROM_ALICE, 0});
        const struct one_way_audio *e = only(b);
        if (!strstr(e->next_step, rows[i].says))
            fail_msg("%s", e->next_step);
        bench_free(b);
    }
}

/* The caller's SDP is private, and its SIP came through its NAT: the NAT is in sight. */
static void test_silent_behind_a_nat(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b, SDP_OF("10.1.2.3", "20000", PCM), ANSWER);
    TALK(b, 1020, 7000, {GW_RTP, "10.1.2.3:20000", FROM_GW, 0});
    const struct one_way_audio *e = only(b);
    assert_true(e->is_from_caller);
    assert_endpoint(e->src.endpoint, "10.1.2.3:20000");
    assert_int_equal(e->confidence, CONFIDENCE_MEDIUM);
    bench_free(b);
}

/* Of several forks the one that answered counts. */
static void test_fork(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    SAY(b, 0, .sdp = OFFER);
    SAY(b, 100, .status = 183, .ttag = "t2", .sdp = ANSWER);
    SAY(b, 110, .status = 183, .ttag = "t1", .sdp = SDP_OF("198.51.100.21", "30000", PCM));
    TALK(b, 120, 1000, {"198.51.100.21:30000", ALICE_RTP, 0xf1, 0});
    SAY(b, 1000, .status = 200, .ttag = "t2"); /* its 183 has said it all */
    SAY(b, 1010, .method = "ACK", .branch = "ack", .ttag = "t2");
    TALK(b, 1020, 7000, GW_TALKS);
    const struct one_way_audio *e = only(b);
    assert_true(e->is_from_caller);
    assert_endpoint(e->dst.endpoint, GW_RTP);
    bench_free(b);
}

/* Both answered, and the caller gave up the first: the other one counts. */
static void test_fork_with_two_answers(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    SAY(b, 0, .sdp = OFFER);
    SAY(b, 1000, .status = 200, .ttag = "t1", .sdp = SDP_OF("198.51.100.21", "40000", PCM));
    SAY(b, 1010, .method = "ACK", .branch = "ack1", .ttag = "t1");
    SAY(b, 1100, .status = 200, .ttag = "t2", .sdp = ANSWER);
    SAY(b, 1110, .method = "ACK", .branch = "ack2", .ttag = "t2");
    SAY(b, 1120, .method = "BYE", .branch = "bye1", .ttag = "t1", .cseq = 2);
    TALK(b, 1140, 7000, GW_TALKS);
    const struct one_way_audio *e = only(b);
    assert_endpoint(e->dst.endpoint, GW_RTP);
    assert_at(e->answered_ns, 1100);
    assert_at(told_at(b), 6100);
    bench_free(b);
}

/* Both begin long after the answer, one a little before the other. */
static void test_begins_late(void **state)
{
    static const int64_t starts_ms[] = {5800, 9000, 20980, 21020};
    (void)state;
    for (size_t i = 0; i < sizeof starts_ms / sizeof starts_ms[0]; i++)
        for (int is_early = 0; is_early < 2; is_early++) { /* did the first one speak before? */
            struct bench *b = bench_new_media();
            int64_t at = starts_ms[i];
            bench_call(b, OFFER, ANSWER);
            if (is_early)
                TALK(b, 1020, 2000, ALICE_TALKS, GW_TALKS);
            TALK(b, at, at + 1000, ALICE_TALKS);
            TALK(b, at + 1000, at + 20000, ALICE_TALKS, GW_TALKS);
            assert_int_equal(events(b), 0);
            bench_free(b);
        }
}

/* That the first one spoke before the answer, in a stream that is over, does not count. */
static void test_begins_late_after_early_media(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    SAY(b, 0, .sdp = OFFER);
    SAY(b, 100, .status = 183, .ttag = "t1", .sdp = ANSWER);
    TALK(b, 500, 900, {ALICE_RTP, GW_RTP, 0xea, 0});
    SAY(b, 1000, .status = 200, .ttag = "t1", .sdp = ANSWER);
    TALK(b, 5800, 6500, ALICE_TALKS);
    TALK(b, 6500, 20000, ALICE_TALKS, GW_TALKS);
    assert_int_equal(events(b), 0);
    bench_free(b);
}

/* The same, and the other one never comes. */
static void test_never_follows(void **state)
{
    static const int64_t starts_ms[] = {5800, 9000, 20980, 21020};
    (void)state;
    for (size_t i = 0; i < sizeof starts_ms / sizeof starts_ms[0]; i++)
        for (int is_early = 0; is_early < 2; is_early++) {
            struct bench *b = bench_new_media();
            bench_call(b, OFFER, ANSWER);
            if (is_early)
                TALK(b, 1020, 2000, ALICE_TALKS, GW_TALKS);
            TALK(b, starts_ms[i], starts_ms[i] + 12000, ALICE_TALKS);
            assert_int_equal(events(b), 1);
            assert_at(only(b)->since_ns, is_early ? 1980 : 1000);
            bench_free(b);
        }
}

/* Video goes on; the sound does not. */
static void test_video_is_no_sound(void **state)
{
#define VIDEO(port) "m=video " port " RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n"
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b, SDP_OF("192.0.2.10", "20000", PCM VIDEO("20002")),
               SDP_OF("198.51.100.20", "30000", PCM VIDEO("30002")));
    TALK(b, 1020, 7000, ALICE_TALKS, {"198.51.100.20:30002", "192.0.2.10:20002", 0xbeef, 99});
    const struct one_way_audio *e = only(b);
    assert_false(e->is_from_caller);
    assert_endpoint(e->dst.endpoint, ALICE_RTP);
    bench_free(b);
}

/* The clock is set in the middle of a silence: it goes on counting, no more, no less. */
static void test_clock_step(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b, OFFER, ANSWER);
    TALK(b, 1020, 3000, ALICE_TALKS, GW_TALKS);
    TALK(b, 3000, 5000, ALICE_TALKS);
    streams_clock_step(b->streams, -3600000 * MS);
    calls_clock_step(&b->calls, -3600000 * MS);
    TALK(b, 5000 - 3600000, 7900 - 3600000, ALICE_TALKS);
    assert_int_equal(events(b), 0);
    TALK(b, 7900 - 3600000, 9000 - 3600000, ALICE_TALKS);
    assert_at(told_at(b), 2980 + 5000 - 3600000);
    assert_at(only(b)->since_ns, 2980 - 3600000);
    bench_free(b);
}

/* It is set back after a time in which nobody spoke. */
static void test_clock_step_after_quiet(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b, OFFER, ANSWER);
    bench_wait(b, 20000);
    TALK(b, 20020, 40000, ALICE_TALKS, GW_TALKS);
    streams_clock_step(b->streams, -3600000 * MS);
    calls_clock_step(&b->calls, -3600000 * MS);
    TALK(b, 40000 - 3600000, 50000 - 3600000, ALICE_TALKS);
    assert_at(told_at(b), 44980 - 3600000);
    assert_at(only(b)->since_ns, 39980 - 3600000);
    bench_free(b);
}

/* Nobody follows media: nothing is said, nothing breaks. */
static void test_media_are_not_followed(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    bench_call(b, OFFER, ANSWER);
    bench_bye(b, 20000);
    bench_advance(b, 30000);
    assert_int_equal(events(b), 0);
    assert_int_equal(bench_ended(b)->streams, 0);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silent_from_the_start),
        cmocka_unit_test(test_silent_caller),
        cmocka_unit_test(test_sender_is_in_sight),
        cmocka_unit_test(test_sender_was_never_seen),
        cmocka_unit_test(test_sender_is_always_silent),
        cmocka_unit_test(test_stops_and_comes_back),
        cmocka_unit_test(test_no_silence_of_one),
        cmocka_unit_test(test_pauses),
        cmocka_unit_test(test_comfort_noise),
        cmocka_unit_test(test_false_address),
        cmocka_unit_test(test_both_ways_between_two_hosts),
        cmocka_unit_test(test_from_a_host_to_itself),
        cmocka_unit_test(test_answer_from_another_port),
        cmocka_unit_test(test_nothing_is_expected),
        cmocka_unit_test(test_hold_without_music),
        cmocka_unit_test(test_hold_and_resume),
        cmocka_unit_test(test_dies_after_hold),
        cmocka_unit_test(test_early_media_only),
        cmocka_unit_test(test_short_calls),
        cmocka_unit_test(test_doubt),
        cmocka_unit_test(test_advice),
        cmocka_unit_test(test_silent_behind_a_nat),
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_fork_with_two_answers),
        cmocka_unit_test(test_begins_late),
        cmocka_unit_test(test_begins_late_after_early_media),
        cmocka_unit_test(test_never_follows),
        cmocka_unit_test(test_video_is_no_sound),
        cmocka_unit_test(test_clock_step),
        cmocka_unit_test(test_clock_step_after_quiet),
        cmocka_unit_test(test_media_are_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
