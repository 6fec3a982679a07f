/* Which call a stream belongs to, what its payload types mean, and what becomes of it when the call
 * ends. */
#include "media_bench.h"

static struct call *find_call(struct bench *b, const char *call_id)
{
    struct call *call = call_table_find(&b->calls.table, slice_str(call_id), SLICE("a1"));
    assert_non_null(call);
    return call;
}

static struct call *the_call(struct bench *b)
{
    return find_call(b, "call-1@example.com");
}

static size_t count_streams(const struct call *call)
{
    size_t count = 0;
    for (EACH_STREAM(node, call)) {
        assert_ptr_equal(stream_at(node)->call, call);
        assert_int_equal(stream_at(node)->state, STREAM_JOINED);
        count++;
    }
    return count;
}

/* The call's stream with this SSRC. */
static struct stream *stream_of(const struct call *call, uint32_t ssrc)
{
    for (EACH_STREAM(node, call))
        if (stream_at(node)->ssrc == ssrc)
            return stream_at(node);
    fail_msg("the call has no stream %#x", ssrc);
    return NULL;
}

static const char *codec_name(const struct bench *b, const struct stream *stream)
{
    return codec_at(&b->codecs, stream->codec)->name;
}

static void test_announced_before_it_began(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b, OFFER, ANSWER);
    TALK(b, 1020, 1040, ALICE_TALKS, GW_TALKS); /* one packet is enough */
    assert_int_equal(count_streams(the_call(b)), 2);
    const struct stream *alice = stream_of(the_call(b), FROM_ALICE);
    assert_false(alice->from_callee);
    assert_true(stream_of(the_call(b), FROM_GW)->from_callee);
    assert_slice(stream_call_id(alice), "call-1@example.com");
    assert_string_equal(codec_name(b, alice), "PCMU");
    assert_true(alice->has_srtp);
    assert_false(alice->is_srtp);
    assert_int_equal(media_map_last_ns(the_call(b)), AT(1020));
    bench_free(b);
}

/* The mirror shows the answer late; the callee talks before it anyway (RFC 3264 section 5.1). */
static void test_media_before_the_answer(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    SAY(b, 0, .sdp = OFFER);
    TALK(b, 500, 1500, GW_TALKS, ALICE_TALKS);
    /* Alice's comes from where she said, with a payload type of hers; both ends fit. */
    assert_int_equal(count_streams(the_call(b)), 2);
    assert_true(stream_of(the_call(b), FROM_GW)->from_callee);
    assert_false(stream_of(the_call(b), FROM_ALICE)->from_callee);
    SAY(b, 1500, .status = 200, .ttag = "t1", .sdp = ANSWER);
    assert_int_equal(count_streams(the_call(b)), 2);
    bench_free(b);
}

/* Streams that began before the call was seen are the call's from its description on, in the order
 * of their first packets, and from their first packet. */
static void test_streams_that_were_alone(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    TALK(b, 0, 2000, ALICE_TALKS);
    TALK(b, 2000, 4000, ALICE_TALKS, GW_TALKS);
    SAY(b, 4000, .branch = "re", .ttag = "t1", .cseq = 7, .sdp = OFFER);
    SAY(b, 4010, .branch = "re", .ttag = "t1", .cseq = 7, .status = 200, .sdp = ANSWER);
    struct call *call = the_call(b);
    assert_int_equal(count_streams(call), 2);
    assert_int_equal(stream_at(call->streams.next)->ssrc, FROM_ALICE);
    assert_int_equal(stream_at(call->streams.prev)->ssrc, FROM_GW);
    assert_int_equal(stream_of(call, FROM_ALICE)->source.received, 200);
    bench_free(b);
}

/* The caller is behind a NAT: its SDP says 10.0.0.9, its media come from somewhere else; the callee
 * latches. */
static void test_behind_a_nat(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b, SDP_OF("10.0.0.9", "20000", PCM), ANSWER);
    TALK(b, 1020, 1500, {"203.0.113.77:40404", GW_RTP, FROM_ALICE, 0});
    assert_false(stream_of(the_call(b), FROM_ALICE)->from_callee);
    TALK(b, 1500, 2000, {GW_RTP, "203.0.113.77:40404", FROM_GW, 0});
    assert_true(stream_of(the_call(b), FROM_GW)->from_callee);
    bench_free(b);
}

/* Neither end of it was announced, but a stream of the call goes the other way between the two. */
static void test_joined_by_its_reverse(void **state)
{
    static const struct talk to = {"203.0.113.77:40404", GW_RTP, 1, 0};
    static const struct talk back = {GW_RTP, "203.0.113.77:40404", 2, 111};
    (void)state;
    for (int is_first = 0; is_first < 2; is_first++) { /* does the one to be found begin first? */
        struct bench *b = bench_new_media();
        bench_call(b, SDP_OF("10.0.0.9", "20000", PCM), ANSWER);
        if (is_first)
            bench_talks(b, 1020, 1400, &back, 1); /* no description names 111 */
        assert_int_equal(count_streams(the_call(b)), 0);
        bench_talks(b, 1400, 2000, &to, 1);
        bench_talks(b, 2000, 2400, &back, 1);
        assert_int_equal(count_streams(the_call(b)), 2);
        assert_true(stream_of(the_call(b), 2)->from_callee);
        bench_free(b);
    }
}

/* From the right port, but no payload type of the call: it may be anything. */
static void test_source_needs_a_payload_type(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b, OFFER, ANSWER);
    TALK(b, 1020, 1500, {GW_RTP, "203.0.113.99:5000", 7, 111}, {GW_RTP, "203.0.113.99:5002", 8, 8});
    assert_int_equal(count_streams(the_call(b)), 1);
    assert_true(stream_of(the_call(b), 8)->from_callee);
    bench_free(b);
}

/* Payload types mean what the receiver says; they differ between the two, and may change. */
static void test_whose_payload_types(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b,
               SDP_OF("192.0.2.10", "20000",
                      "RTP/AVP 96 97\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:97 iLBC/8000\r\n"),
               SDP_OF("198.51.100.20", "30000", "RTP/AVP 96\r\na=rtpmap:96 AMR-WB/16000\r\n"));
    TALK(b, 1020, 1500, {GW_RTP, ALICE_RTP, 1, 96}, {ALICE_RTP, GW_RTP, 2, 96},
         {ALICE_RTP, GW_RTP, 3, 97}, {ALICE_RTP, GW_RTP, 4, 8}, {ALICE_RTP, GW_RTP, 5, 120});
    struct call *call = the_call(b);
    assert_string_equal(codec_name(b, stream_of(call, 1)), "opus");
    assert_string_equal(codec_name(b, stream_of(call, 2)), "AMR-WB");
    assert_string_equal(codec_name(b, stream_of(call, 3)), "iLBC"); /* as its source has it */
    assert_string_equal(codec_name(b, stream_of(call, 4)), "PCMA"); /* RFC 3551 */
    assert_int_equal(stream_of(call, 5)->codec, CODEC_NONE);
    SAY(b, 2000, .branch = "re", .ttag = "t1", .cseq = 2, .sdp = OFFER);
    SAY(b, 2020, .branch = "re", .ttag = "t1", .cseq = 2, .status = 200,
        .sdp = SDP_OF("198.51.100.20", "30000", "RTP/AVP 96\r\na=rtpmap:96 G726-32/8000\r\n"));
    assert_string_equal(codec_name(b, stream_of(call, 2)), "G726-32");
    bench_free(b);
}

/* A list of more than few payload types stands apart, as long as it is one. */
static void test_many_payload_types(void **state)
{
    struct bench *b = bench_new_media();
    const struct slab *lists = &b->calls.media_map.payloads;
    (void)state;
    bench_call(b,
               SDP_OF("192.0.2.10", "20000",
                      "RTP/AVP 0 8 96 97 98 99 100 101 102 103 104\r\n"
                      "a=rtpmap:104 opus/48000/2\r\n"),
               ANSWER);
    assert_int_equal(lists->used, 1);
    TALK(b, 1020, 1040, {GW_RTP, ALICE_RTP, 1, 104});
    assert_string_equal(codec_name(b, stream_of(the_call(b), 1)), "opus");
    SAY(b, 2000, .branch = "r", .ttag = "t1", .cseq = 2,
        .sdp = SDP_OF("192.0.2.10", "20000", "RTP/AVP 0 104\r\na=rtpmap:104 speex/16000\r\n"));
    assert_int_equal(lists->used, 0);
    assert_string_equal(codec_name(b, stream_of(the_call(b), 1)), "speex");
    SAY(b, 3000, .branch = "r2", .ttag = "t1", .cseq = 3,
        .sdp = SDP_OF("192.0.2.10", "20000", "RTP/AVP 0 8 96 97 98 99 100 101 102 103 104\r\n"));
    assert_int_equal(lists->used, 1);
    SAY(b, 4000, .method = "BYE", .branch = "bye", .ttag = "t1", .cseq = 50);
    SAY(b, 4010, .method = "BYE", .branch = "bye", .ttag = "t1", .cseq = 50, .status = 200);
    bench_wait(b, 10000);
    assert_int_equal(lists->used, 0);
    bench_free(b);
}

/* Another hop's description of the call names what this one does not. */
static void test_payload_type_of_another_hop(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b, SDP_OF("203.0.113.50", "9000", "RTP/AVP 99\r\na=rtpmap:99 speex/16000\r\n"),
               ANSWER);
    TALK(b, 1020, 1500, {ALICE_RTP, GW_RTP, 1, 99});
    assert_string_equal(codec_name(b, stream_of(the_call(b), 1)), "speex");
    bench_free(b);
}

static void test_encrypted(void **state)
{
    static const char *const offers[] = {
        "RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n",
        "RTP/AVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n", /* RFC 8643 */
    };
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct bench *b = bench_new_media();
        char offer[400];
        snprintf(offer, sizeof offer, "%s%s", SDP_OF("192.0.2.10", "20000", ""), offers[i]);
        SAY(b, 0, .sdp = offer);
        TALK(b, 500, 600, GW_TALKS);
        assert_true(stream_of(the_call(b), FROM_GW)->is_srtp); /* for all that is known */
        SAY(b, 1000, .status = 200, .ttag = "t1",
            .sdp = i == 0 ? SDP_OF("198.51.100.20", "30000",
                                   "RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:y\r\n")
                          : ANSWER);
        assert_true(stream_of(the_call(b), FROM_GW)->has_srtp);
        assert_int_equal(stream_of(the_call(b), FROM_GW)->is_srtp, i == 0);
        bench_free(b);
    }
}

/* What announces nothing: port 0, 0.0.0.0, T.38, a name, nonsense. */
static void test_nothing_is_announced(void **state)
{
    static const char *const bodies[] = {
        SDP_OF("192.0.2.10", "0", PCM),
        SDP_OF("0.0.0.0", "20000", PCM),
        "v=0\r\nc=IN IP4 192.0.2.10\r\nm=image 20000 udptl t38\r\n",
        SDP_OF("media.example.com", "20000", PCM),
        "v=0\r\nm=audio\r\n",
        "v=0\r\nc=IN IP4 192.0.2.10\r\nm=audio 99999 RTP/AVP 0\r\n"};
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct bench *b = bench_new_media();
        SAY(b, 0, .sdp = bodies[i]);
        assert_null(the_call(b)->announced);
        assert_int_equal(b->calls.media_map.announcements.used, 0);
        bench_free(b);
    }
}

/* RFC 8866 section 5.14: "20000/2" is 20000 and 20002. */
static void test_consecutive_ports(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    SAY(b, 0, .sdp = SDP_OF("192.0.2.10", "20000/2", PCM));
    TALK(b, 20, 40, {GW_RTP, "192.0.2.10:20000", 1, 0},
         {"198.51.100.20:30002", "192.0.2.10:20002", 2, 0},
         {"198.51.100.20:30001", "192.0.2.10:20001", 3, 0},
         {"198.51.100.20:30004", "192.0.2.10:20004", 4, 0});
    assert_int_equal(count_streams(the_call(b)), 2);
    stream_of(the_call(b), 1);
    stream_of(the_call(b), 2);
    bench_free(b);
}

static void say_of(struct bench *b, int64_t ms, const char *call, const char *method,
                   unsigned status, const char *sdp)
{
    SAY(b, ms, .call = call, .branch = call, .method = method, .status = status,
        .ttag = status > 100 || strcmp(method, "INVITE") != 0 ? "t1" : NULL, .sdp = sdp,
        .cseq = strcmp(method, "BYE") == 0 ? 2 : 1);
}

/* The next call uses the same ports again, while the first one's BYE is settling. */
static void test_ports_used_again(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    say_of(b, 0, "one", "INVITE", 0, OFFER);
    say_of(b, 500, "one", "INVITE", 200, ANSWER);
    TALK(b, 520, 5000, ALICE_TALKS, GW_TALKS);
    say_of(b, 5000, "one", "BYE", 0, NULL);
    say_of(b, 5100, "two", "INVITE", 0, OFFER);
    TALK(b, 5120, 5200, {GW_RTP, ALICE_RTP, 77, 0}); /* early media of the second */
    say_of(b, 5200, "two", "INVITE", 200, ANSWER);
    TALK(b, 5220, 5300, {ALICE_RTP, GW_RTP, 78, 0});
    assert_int_equal(count_streams(find_call(b, "one")), 2);
    assert_int_equal(count_streams(find_call(b, "two")), 2);
    assert_true(stream_of(find_call(b, "two"), 77)->from_callee);
    bench_wait(b, 7000);
    const struct call_ended *e = bench_ended(b);
    assert_slice(e->call_id, "one");
    assert_int_equal(e->streams, 2);
    /* What goes on with the same SSRC after the first one's end is the second's. */
    TALK(b, 7000, 7100, ALICE_TALKS);
    assert_int_equal(count_streams(find_call(b, "two")), 3);
    bench_free(b);
}

/* The end of the first was never seen: the latest announcement counts, but for a stream whose other
 * end only the first knows. */
static void test_ports_of_a_call_without_an_end(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    say_of(b, 0, "one", "INVITE", 0, OFFER);
    say_of(b, 500, "one", "INVITE", 200, ANSWER);
    say_of(b, 60000, "two", "INVITE", 0, OFFER);
    say_of(b, 60500, "two", "INVITE", 200, SDP_OF("198.51.100.21", "40000", PCM));
    TALK(b, 60520, 60600, {"198.51.100.21:40000", ALICE_RTP, 1, 0}, {GW_RTP, ALICE_RTP, 2, 0},
         {"203.0.113.9:7000", ALICE_RTP, 3, 0});
    assert_int_equal(count_streams(find_call(b, "two")), 2);
    stream_of(find_call(b, "two"), 1);
    stream_of(find_call(b, "two"), 3);
    stream_of(find_call(b, "one"), 2);
    bench_free(b);
}

/* The gateway receives at one port and sends from another, to where the caller's media come from
 * behind its NAT: no end of that was announced. With a payload type that no description names, too.
 */
static void test_answer_from_another_port(void **state)
{
    static const struct talk to = {"203.0.113.77:40404", GW_RTP, 1, 0};
    static const struct talk back = {"198.51.100.20:40000", "203.0.113.77:40404", 2, 111};
    (void)state;
    for (int is_first = 0; is_first < 2; is_first++) { /* does the one to be found begin first? */
        struct bench *b = bench_new_media();
        bench_call(b, SDP_OF("10.0.0.9", "20000", PCM), ANSWER);
        if (is_first)
            bench_talks(b, 1020, 1400, &back, 1);
        assert_int_equal(count_streams(the_call(b)), 0);
        bench_talks(b, 1400, 1420, &to, 1);
        assert_int_equal(count_streams(the_call(b)), is_first ? 2 : 1);
        bench_talks(b, 1420, 2400, &back, 1);
        assert_int_equal(count_streams(the_call(b)), 2);
        assert_false(stream_of(the_call(b), 1)->from_callee);
        assert_true(stream_of(the_call(b), 2)->from_callee);
        assert_int_equal(stream_of(the_call(b), 2)->source.received, is_first ? 19 + 49 : 49);
        bench_free(b);
    }
}

/* Both were there before the call was in view; the one that nobody announces was the first. */
static void test_answer_before_the_call(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    TALK(b, 0, 500, {"198.51.100.20:40000", "203.0.113.77:40404", 2, 0});
    TALK(b, 500, 1000, {"203.0.113.77:40404", GW_RTP, 1, 0});
    bench_call(b, SDP_OF("10.0.0.9", "20000", PCM), ANSWER);
    assert_int_equal(count_streams(the_call(b)), 2);
    assert_true(stream_of(the_call(b), 2)->from_callee);
    bench_free(b);
}

/* From another host, to another port, or only the same way: they answer nothing. */
static void test_no_answer(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b, SDP_OF("10.0.0.9", "20000", PCM), ANSWER);
    for (int64_t ms = 1020; ms < 2000; ms += 500)
        TALK(b, ms, ms + 480, {"198.51.100.21:40000", "203.0.113.77:40404", 2, 0},
             {"198.51.100.20:40000", "203.0.113.77:40406", 3, 0},
             {"198.51.100.20:40000", "203.0.113.78:40404", 4, 0},
             {"203.0.113.77:40404", "198.51.100.20:40000", 5, 0},
             {"203.0.113.77:40404", GW_RTP, 1, 0});
    assert_int_equal(count_streams(the_call(b)), 1);
    stream_of(the_call(b), 1);
    bench_free(b);
}

/* A chain of streams each of which answers the one before, all there before the call: of those that
 * nobody announced only the first is taken, and nothing else happens. */
static void test_chain_of_answers(void **state)
{
    struct bench *b = bench_new_media();
    char port[2][2][40]; /* of the other host and the gateway; this link's and the next one's */
    (void)state;
    snprintf(port[0][0], sizeof port[0][0], "203.0.113.77:40404");
    for (unsigned i = 0; i < 40; i++) {
        unsigned from = (i + 1) % 2; /* the first comes from the gateway */
        snprintf(port[from][1], sizeof port[from][1], "%s:%u",
                 from ? "198.51.100.20" : "203.0.113.77", 50000 + 2 * i);
        TALK(b, 0, 400, {port[from][1], port[!from][0], 100 + i, 0});
        memcpy(port[from][0], port[from][1], sizeof port[from][0]);
    }
    bench_call(b, SDP_OF("10.0.0.9", "20000", PCM), ANSWER);
    TALK(b, 1020, 1040, {"203.0.113.77:40404", GW_RTP, 1, 0});
    assert_int_equal(count_streams(the_call(b)), 2);
    assert_true(stream_of(the_call(b), 100)->from_callee);
    bench_free(b);
}

/* The stream that is answered is rather the one from the very port, then one of a call that goes
 * on. */
static void test_which_is_answered(void **state)
{
    static const char *const backs[] = {GW_RTP, "198.51.100.20:30002", "198.51.100.20:40000"};
    static const char *const calls[] = {"one", "two", "two"};
    (void)state;
    for (size_t i = 0; i < sizeof backs / sizeof backs[0]; i++) {
        struct bench *b = bench_new_media();
        say_of(b, 0, "one", "INVITE", 0, SDP_OF("10.0.0.9", "20000", PCM));
        say_of(b, 500, "one", "INVITE", 200, ANSWER);
        say_of(b, 600, "two", "INVITE", 0, SDP_OF("10.0.0.9", "20000", PCM));
        say_of(b, 700, "two", "INVITE", 200, SDP_OF("198.51.100.20", "30002", PCM));
        TALK(b, 720, 900, {"203.0.113.77:40404", "198.51.100.20:30002", 2, 0});
        TALK(b, 900, 1000, {"203.0.113.77:40404", GW_RTP, 1, 0});
        say_of(b, 1000, "one", "BYE", 0, NULL);
        TALK(b, 1020, 1040, {backs[i], "203.0.113.77:40404", 9, 111});
        assert_true(stream_of(find_call(b, calls[i]), 9)->from_callee);
        bench_free(b);
    }
}

/* Both sides name the same host, and one of them is another: what answers a stream of the caller is
 * the callee's, though it goes to where the callee said that it receives. In either order. */
static void test_false_address(void **state)
{
    static const struct talk first = {ALICE_RTP, "203.0.113.30:4376", 1, 0};
    static const struct talk second = {"203.0.113.30:4376", "192.0.2.10:4376", 2, 0};
    (void)state;
    for (int is_swapped = 0; is_swapped < 2; is_swapped++) {
        struct bench *b = bench_new_media();
        bench_call(b, OFFER, SDP_OF("192.0.2.10", "4376", PCM));
        bench_talks(b, 1020, 1040, is_swapped ? &second : &first, 1);
        bench_talks(b, 1040, 1060, is_swapped ? &first : &second, 1);
        assert_int_equal(count_streams(the_call(b)), 2);
        assert_int_equal(stream_of(the_call(b), 1)->from_callee, is_swapped);
        assert_int_equal(stream_of(the_call(b), 2)->from_callee, !is_swapped);
        bench_free(b);
    }
}

/* Two behind one NAT who talk through a relay: its ports tell the two ways from each other. */
static void test_relay_and_one_nat(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    SAY(b, 0, .sdp = SDP_OF("10.0.0.9", "20000", PCM));
    SAY(b, 10, .branch = "hop2", .sdp = SDP_OF("198.51.100.20", "30002", PCM));
    SAY(b, 1000, .branch = "hop2", .status = 200, .ttag = "t1",
        .sdp = SDP_OF("10.0.0.8", "20000", PCM));
    SAY(b, 1010, .status = 200, .ttag = "t1", .sdp = ANSWER);
    TALK(b, 1020, 1040, {"203.0.113.77:41000", GW_RTP, 1, 0},
         {"198.51.100.20:30002", "203.0.113.77:42000", 2, 0},
         {"203.0.113.77:42000", "198.51.100.20:30002", 3, 0}, {GW_RTP, "203.0.113.77:41000", 4, 0});
    for (uint32_t ssrc = 1; ssrc <= 4; ssrc++)
        assert_int_equal(stream_of(the_call(b), ssrc)->from_callee, ssrc > 2);
    bench_free(b);
}

/* A relay with one port for both sides, who are behind one NAT: where both ends were announced it
 * is believed who sends, whatever goes the other way. */
static void test_both_ends_are_announced(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b, OFFER, ANSWER);
    SAY(b, 1100, .branch = "re", .ttag = "t1", .cseq = 2,
        .sdp = SDP_OF("192.0.2.10", "20002", PCM));
    SAY(b, 1200, .branch = "re", .ttag = "t1", .cseq = 2, .status = 200,
        .sdp = SDP_OF("192.0.2.10", "20004", PCM));
    TALK(b, 1220, 1240, {ALICE_RTP, GW_RTP, 1, 0});
    TALK(b, 1240, 1260, {GW_RTP, "192.0.2.10:20004", 2, 0});
    assert_false(stream_of(the_call(b), 1)->from_callee);
    assert_false(stream_of(the_call(b), 2)->from_callee);
    bench_free(b);
}

/* Forks and re-INVITEs without end: the call keeps its latest announcements, and no more. */
static void test_many_announcements(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b, OFFER, ANSWER);
    for (unsigned i = 0; i < 3 * MEDIA_MAP_PER_CALL; i++) {
        char sdp[400], branch[16];
        snprintf(sdp, sizeof sdp, "v=0\r\nc=IN IP4 192.0.2.10\r\nm=audio %u RTP/AVP 0\r\n",
                 40000 + 2 * i);
        snprintf(branch, sizeof branch, "re%u", i);
        SAY(b, 2000 + i, .branch = branch, .ttag = "t1", .cseq = 2 + i, .sdp = sdp);
        assert_true(b->calls.media_map.announcements.used <= MEDIA_MAP_PER_CALL);
    }
    assert_int_equal(b->calls.media_map.announcements.used, MEDIA_MAP_PER_CALL);
    assert_int_equal(b->calls.media_map.table.count, MEDIA_MAP_PER_CALL);
    TALK(b, 3000, 3020, {"198.51.100.20:7777", "192.0.2.10:40094", 1, 0},
         {"198.51.100.20:7779", "192.0.2.10:40064", 2, 0},
         {"198.51.100.20:7781", "192.0.2.10:40062", 3, 0});
    assert_int_equal(count_streams(the_call(b)), 2);
    /* The same again is no new one. */
    SAY(b, 4000, .branch = "again", .ttag = "t1", .cseq = 90,
        .sdp = "v=0\r\nc=IN IP4 192.0.2.10\r\nm=audio 40094 RTP/AVP 0\r\n");
    assert_int_equal(b->calls.media_map.announcements.used, MEDIA_MAP_PER_CALL);
    bench_bye(b, 5000);
    bench_wait(b, 9000);
    assert_int_equal(b->calls.media_map.announcements.used, 0);
    assert_int_equal(b->calls.media_map.table.count, 0);
    bench_free(b);
}

/* More calls than there is room to announce for: counted, and nothing breaks. */
static void test_no_room(void **state)
{
    struct bench *b = bench_new_media_with(64 << 10);
    (void)state;
    for (unsigned i = 0; i < 400; i++) {
        char sdp[2000], call[16];
        int n = snprintf(sdp, sizeof sdp, "v=0\r\nc=IN IP4 192.0.2.10\r\n");
        for (unsigned m = 0; m < MEDIA_MAP_PER_CALL; m++)
            n += snprintf(sdp + n, sizeof sdp - (size_t)n, "m=audio %u RTP/AVP 0\r\n",
                          2000 + 2 * (MEDIA_MAP_PER_CALL * i + m));
        snprintf(call, sizeof call, "call-%u", i);
        SAY(b, i, .call = call, .branch = call, .sdp = sdp);
        size_t announced = 0;
        for (int phase = 0; phase < PHASE_COUNT; phase++) {
            const struct list *head = &b->calls.table.phase[phase];
            for (struct list *at = head->next; at != head; at = at->next) {
                struct media_announcement *a = CONTAINER_OF(at, struct call, in_phase)->announced;
                for (; a; a = a->older)
                    announced++;
            }
        }
        assert_int_equal(announced, b->calls.media_map.announcements.used);
    }
    assert_true(b->calls.media_map.left_out > 0);
    bench_free(b);
}

/* The final reports come just before the call's event, which has the figures. */
static void test_end_of_the_call(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b, OFFER, ANSWER);
    TALK(b, 1020, 7020, GW_TALKS);
    TALK(b, 7020, 9020, ALICE_TALKS, GW_TALKS);
    bench_bye(b, 9020);
    bench_wait(b, 10019);
    assert_int_equal(bench_count(b, EVENT_CALL_ENDED), 0);
    bench_wait(b, 10020);
    const struct call_ended *e = bench_ended(b);
    assert_int_equal(e->streams, 2);
    assert_int_equal(e->streams_left_out, 0);
    assert_int_equal(e->stream[0].ssrc, FROM_GW);
    assert_int_equal(e->stream[0].packets, 400);
    assert_int_equal(e->stream[0].lost, 0);
    assert_endpoint(e->stream[0].src.endpoint, GW_RTP);
    assert_int_equal(e->stream[1].ssrc, FROM_ALICE);
    assert_int_equal(e->stream[1].packets, 100);
    assert_string_equal(e->stream[1].codec, "PCMU");
    assert_int_equal(b->kept[b->count - 1].event.type, EVENT_CALL_ENDED);
    size_t finals = 0;
    for (size_t i = 0; i < b->count; i++)
        finals += b->kept[i].event.type == EVENT_RTP_REPORT && b->kept[i].event.rtp_report.final;
    assert_int_equal(finals, 2);
    assert_int_equal(streams_tracked(b->streams), 0);
    assert_int_equal(b->calls.media_map.announcements.used, 0);
    bench_free(b);
}

static void test_more_streams_than_an_event_tells(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b, OFFER, ANSWER);
    for (unsigned i = 0; i < EVENT_STREAMS_MAX + 3; i++)
        TALK(b, 1100 + 100 * (int64_t)i, 1200 + 100 * (int64_t)i, {GW_RTP, ALICE_RTP, 1 + i, 0});
    bench_bye(b, 9000);
    bench_wait(b, 12000);
    const struct call_ended *e = bench_ended(b);
    assert_int_equal(e->streams, EVENT_STREAMS_MAX);
    assert_int_equal(e->streams_left_out, 3);
    for (unsigned i = 0; i < EVENT_STREAMS_MAX; i++)
        assert_int_equal(e->stream[i].ssrc, 1 + i);
    assert_int_equal(streams_tracked(b->streams), 0);
    bench_free(b);
}

/* A call that is dropped without its event leaves its streams to themselves. */
static void test_dropped_call(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b, OFFER, ANSWER);
    TALK(b, 1020, 3020, GW_TALKS);
    call_table_remove(&b->calls.table, the_call(b));
    assert_int_equal(streams_tracked(b->streams), 1);
    assert_int_equal(b->calls.media_map.announcements.used, 0);
    TALK(b, 3020, 4020, GW_TALKS);
    streams_finish(b->streams);
    const struct rtp_report *report = &b->kept[b->count - 1].event.rtp_report;
    assert_true(report->final);
    assert_int_equal(report->stream.packets, 150);
    assert_int_equal(report->call_id.len, 0);
    bench_free(b);
}

/* Established, and then nothing: five minutes after its media, two hours without any. */
static void test_lost(void **state)
{
    static const struct {
        bool has_media;
        const char *hold; /* the caller's offer at 5 s, before the media end; NULL: none */
        int64_t ended_ms, told_ms;
    } rows[] = {
        {true, NULL, 10000, 310000},
        {false, NULL, 1010, 1010 + IDLE_MS},
        {true, SDP_OF("192.0.2.10", "20000", PCM "a=sendonly\r\n"), 10000, 10000 + IDLE_MS},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench *b = bench_new_media();
        bench_call(b, OFFER, ANSWER);
        if (rows[i].has_media)
            TALK(b, 1020, 5000, GW_TALKS, ALICE_TALKS);
        if (rows[i].hold) {
            SAY(b, 5000, .branch = "re", .ttag = "t1", .cseq = 2, .sdp = rows[i].hold);
            SAY(b, 5010, .branch = "re", .ttag = "t1", .cseq = 2, .status = 200,
                .sdp = SDP_OF("198.51.100.20", "30000", PCM "a=recvonly\r\n"));
        }
        if (rows[i].has_media)
            TALK(b, 5020, 10020, ALICE_TALKS, GW_TALKS);
        bench_wait(b, rows[i].told_ms - 1);
        assert_int_equal(bench_count(b, EVENT_CALL_ENDED), 0);
        bench_wait(b, rows[i].told_ms);
        const struct call_ended *e = bench_ended(b);
        assert_state(e, CALL_STATE_LOST);
        assert_at(e->ended_ns, rows[i].ended_ms);
        assert_at(bench_only(b, EVENT_CALL_ENDED)->event.time_ns, rows[i].told_ms);
        assert_int_equal(e->ended_by, ENDED_BY_TIMEOUT);
        assert_int_equal(e->streams, rows[i].has_media ? 2 : 0);
        bench_free(b);
    }
}

/* The same of a call that was up when it was first seen, of which the answer is not known. */
static void test_lost_after_joining_late(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    SAY(b, 0, .branch = "re", .ttag = "t1", .cseq = 7, .sdp = OFFER);
    SAY(b, 10, .branch = "re", .ttag = "t1", .cseq = 7, .status = 200, .sdp = ANSWER);
    SAY(b, 20, .branch = "ack", .ttag = "t1", .cseq = 7, .method = "ACK");
    TALK(b, 40, 5040, GW_TALKS, ALICE_TALKS);
    bench_wait(b, 305019);
    assert_int_equal(bench_count(b, EVENT_CALL_ENDED), 0);
    bench_wait(b, 305020);
    assert_state(bench_ended(b), CALL_STATE_LOST);
    assert_at(bench_ended(b)->ended_ns, 5020);
    bench_free(b);
}

/* Its media keep a call up without a message, for longer than either time. */
static void test_media_keep_a_call(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b, OFFER, ANSWER);
    for (int64_t ms = 2000; ms < IDLE_MS + 900000; ms += 100000)
        TALK(b, ms, ms + 20, GW_TALKS, ALICE_TALKS);
    assert_int_equal(bench_count(b, EVENT_CALL_ENDED), 0);
    bench_bye(b, IDLE_MS + 900000);
    bench_wait(b, IDLE_MS + 910000);
    assert_state(bench_ended(b), CALL_STATE_COMPLETED);
    bench_free(b);
}

/* A re-INVITE took the media out of the sensor's sight: that they stopped says nothing. */
static void test_media_moved_away(void **state)
{
    struct bench *b = bench_new_media();
    (void)state;
    bench_call(b, OFFER, ANSWER);
    TALK(b, 1020, 5000, GW_TALKS, ALICE_TALKS);
    SAY(b, 5000, .branch = "re", .ttag = "t1", .cseq = 2,
        .sdp = SDP_OF("203.0.113.60", "9000", PCM));
    SAY(b, 5010, .branch = "re", .ttag = "t1", .cseq = 2, .status = 200,
        .sdp = SDP_OF("203.0.113.61", "9000", PCM));
    bench_wait(b, 1000000);
    assert_int_equal(bench_count(b, EVENT_CALL_ENDED), 0);
    bench_bye(b, 1000000);
    bench_wait(b, 1010000);
    assert_state(bench_ended(b), CALL_STATE_COMPLETED);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_announced_before_it_began),
        cmocka_unit_test(test_media_before_the_answer),
        cmocka_unit_test(test_streams_that_were_alone),
        cmocka_unit_test(test_behind_a_nat),
        cmocka_unit_test(test_joined_by_its_reverse),
        cmocka_unit_test(test_source_needs_a_payload_type),
        cmocka_unit_test(test_whose_payload_types),
        cmocka_unit_test(test_many_payload_types),
        cmocka_unit_test(test_payload_type_of_another_hop),
        cmocka_unit_test(test_encrypted),
        cmocka_unit_test(test_nothing_is_announced),
        cmocka_unit_test(test_consecutive_ports),
        cmocka_unit_test(test_ports_used_again),
        cmocka_unit_test(test_ports_of_a_call_without_an_end),
        cmocka_unit_test(test_answer_from_another_port),
        cmocka_unit_test(test_answer_before_the_call),
        cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_chain_of_answers),
        cmocka_unit_test(test_which_is_answered),
        cmocka_unit_test(test_false_address),
        cmocka_unit_test(test_relay_and_one_nat),
        cmocka_unit_test(test_both_ends_are_announced),
        cmocka_unit_test(test_many_announcements),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_end_of_the_call),
        cmocka_unit_test(test_more_streams_than_an_event_tells),
        cmocka_unit_test(test_dropped_call),
        cmocka_unit_test(test_lost),
        cmocka_unit_test(test_lost_after_joining_late),
        cmocka_unit_test(test_media_keep_a_call),
        cmocka_unit_test(test_media_moved_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
