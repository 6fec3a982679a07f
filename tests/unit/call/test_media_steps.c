/* What a call's messages say of media reaches the offer/answer state of each of its dialogs. */
#include "call_bench.h"

#define SDP(address, port, attributes)                                                             \
    "v=0\r\no=- 1 1 IN IP4 " address "\r\ns=-\r\nc=IN IP4 " address "\r\nt=0 0\r\nm=audio " port   \
    " RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\n" attributes

#define OFFER  SDP("192.0.2.10", "20000", "")
#define ANSWER SDP("198.51.100.20", "30000", "")

static struct call *the_call(struct bench *b)
{
    struct call *call = call_table_find(&b->calls.table, SLICE("call-1@example.com"), SLICE("a1"));
    assert_non_null(call);
    return call;
}

static struct offer_answer *media_of(struct bench *b, const char *tag)
{
    uint64_t hash = call_table_tag_hash(&b->calls.table, slice_str(tag));
    struct dialog *dialog = call_find_dialog(the_call(b), hash);
    assert_non_null(dialog);
    assert_non_null(dialog->media);
    return dialog->media;
}

static void assert_agreed(const struct offer_answer *media, enum offer_answer_side side,
                          unsigned port)
{
    const struct offer_answer_description *now = offer_answer_current(media, side);
    assert_non_null(now);
    assert_int_equal(now->media_count, 1);
    assert_int_equal(now->media[0].port, port);
}

static void assert_both_agreed(struct bench *b)
{
    const struct offer_answer *media = media_of(b, "t1");
    assert_int_equal(offer_answer_state(media), OFFER_ANSWER_ANSWERED);
    assert_agreed(media, SIDE_CALLER, 20000);
    assert_agreed(media, SIDE_CALLEE, 30000);
}

static void test_offer_in_the_invite(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0, .sdp = OFFER);
    assert_non_null(the_call(b)->media);
    assert_int_equal(offer_answer_state(the_call(b)->media), OFFER_ANSWER_OFFERED);
    SAY(b, 10, .status = 100);
    SAY(b, 1000, .status = 200, .ttag = "t1", .sdp = ANSWER);
    SAY(b, 1010, .method = "ACK", .branch = "ack", .ttag = "t1");
    assert_both_agreed(b);
    bench_free(b);
}

static void test_offer_in_the_200(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0);
    SAY(b, 1000, .status = 200, .ttag = "t1", .sdp = ANSWER);
    assert_int_equal(offer_answer_state(media_of(b, "t1")), OFFER_ANSWER_OFFERED);
    SAY(b, 1010, .method = "ACK", .branch = "ack", .ttag = "t1", .sdp = OFFER);
    assert_both_agreed(b);
    bench_free(b);
}

/* RFC 3262: a reliable 183 answers, PRACK and its 200 follow; RFC 3311: UPDATE changes it before
 * the answer. */
static void test_prack_and_update(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0, .sdp = OFFER, .lines = "Supported: 100rel\r\n");
    SAY(b, 10, .status = 100);
    SAY(b, 300, .status = 183, .ttag = "t1", .sdp = ANSWER,
        .lines = "Require: 100rel\r\nRSeq: 7\r\n");
    assert_both_agreed(b);
    SAY(b, 320, .method = "PRACK", .branch = "pr", .ttag = "t1", .cseq = 2,
        .lines = "RAck: 7 1 INVITE\r\n");
    SAY(b, 340, .method = "PRACK", .branch = "pr", .ttag = "t1", .cseq = 2, .status = 200);
    SAY(b, 400, .method = "UPDATE", .branch = "up", .ttag = "t1", .cseq = 3,
        .sdp = SDP("192.0.2.10", "20002", ""));
    assert_int_equal(offer_answer_state(media_of(b, "t1")), OFFER_ANSWER_OFFERED);
    SAY(b, 420, .method = "UPDATE", .branch = "up", .ttag = "t1", .cseq = 3, .status = 200,
        .sdp = SDP("198.51.100.20", "30002", ""));
    assert_agreed(media_of(b, "t1"), SIDE_CALLER, 20002);
    assert_agreed(media_of(b, "t1"), SIDE_CALLEE, 30002);
    SAY(b, 500, .status = 180, .ttag = "t1");
    bench_answer(b, 2000);
    bench_bye(b, 9000);
    bench_advance(b, 100000);
    assert_int_equal(bench_count(b, EVENT_INVITE_UNANSWERED), 0);
    const struct call_ended *e = bench_ended(b);
    assert_state(e, CALL_STATE_COMPLETED);
    assert_int_equal(e->first_response_ns, 10 * MS);
    assert_int_equal(e->post_dial_delay_ns, 300 * MS);
    assert_int_equal(b->calls.table.media.used, 0);
    bench_free(b);
}

/* Descriptions in an unreliable 183 are a preview; each fork has its own. */
static void test_early_media_of_forks(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0, .sdp = OFFER);
    SAY(b, 300, .status = 183, .ttag = "t1", .sdp = ANSWER);
    SAY(b, 310, .status = 183, .ttag = "t2", .sdp = SDP("198.51.100.21", "40000", ""));
    assert_int_equal(offer_answer_state(media_of(b, "t1")), OFFER_ANSWER_OFFERED);
    const struct offer_answer_description *preview =
        offer_answer_proposed(media_of(b, "t2"), SIDE_CALLEE);
    assert_non_null(preview);
    assert_int_equal(preview->media[0].port, 40000);
    SAY(b, 1000, .status = 200, .ttag = "t2", .sdp = SDP("198.51.100.21", "40000", ""));
    assert_int_equal(offer_answer_state(media_of(b, "t2")), OFFER_ANSWER_ANSWERED);
    assert_agreed(media_of(b, "t2"), SIDE_CALLER, 20000);
    assert_null(offer_answer_current(media_of(b, "t1"), SIDE_CALLEE));
    bench_free(b);
}

static void hold(struct bench *b, int64_t ms, unsigned cseq, unsigned status, const char *ours,
                 const char *theirs)
{
    SAY(b, ms, .branch = "re", .cseq = cseq, .ttag = "t1", .sdp = ours);
    SAY(b, ms + 20, .branch = "re", .cseq = cseq, .ttag = "t1", .status = status,
        .sdp = status == 200 ? theirs : NULL);
    SAY(b, ms + 30, .branch = "ackre", .cseq = cseq, .ttag = "t1", .method = "ACK");
}

static void test_hold_and_resume(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0, .sdp = OFFER);
    SAY(b, 1000, .status = 200, .ttag = "t1", .sdp = ANSWER);
    SAY(b, 1010, .method = "ACK", .branch = "ack", .ttag = "t1");
    const char *held = SDP("192.0.2.10", "20000", "a=sendonly\r\n");
    const char *listens = SDP("198.51.100.20", "30000", "a=recvonly\r\n");
    hold(b, 5000, 2, 491, held, listens); /* refused: nothing changes */
    assert_false(offer_answer_on_hold(media_of(b, "t1")));
    hold(b, 8000, 3, 200, held, listens);
    assert_true(offer_answer_held_by(media_of(b, "t1"), SIDE_CALLER));
    hold(b, 11000, 4, 200, OFFER, ANSWER);
    assert_false(offer_answer_on_hold(media_of(b, "t1")));
    assert_both_agreed(b);
    bench_free(b);
}

/* The callee's re-INVITE: its From is the callee's, and the sides must not be swapped. */
static void test_hold_by_the_callee(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0, .sdp = OFFER);
    SAY(b, 1000, .status = 200, .ttag = "t1", .sdp = ANSWER);
    SAY(b, 1010, .method = "ACK", .branch = "ack", .ttag = "t1");
    SAY(b, 5000, .from = GW, .to = ALICE, .branch = "gwre", .ftag = "t1", .ttag = "a1", .cseq = 1,
        .sdp = SDP("198.51.100.20", "30000", "a=sendonly\r\n"));
    SAY(b, 5020, .from = ALICE, .to = GW, .branch = "gwre", .ftag = "t1", .ttag = "a1", .cseq = 1,
        .status = 200, .sdp = SDP("192.0.2.10", "20000", "a=recvonly\r\n"));
    const struct offer_answer *media = media_of(b, "t1");
    assert_int_equal(offer_answer_state(media), OFFER_ANSWER_ANSWERED);
    assert_true(offer_answer_held_by(media, SIDE_CALLEE));
    assert_false(offer_answer_held_by(media, SIDE_CALLER));
    assert_both_agreed(b);
    bench_free(b);
}

/* The 200 is shown before its INVITE: both descriptions are known all the same. */
static void test_answer_shown_before_its_offer(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 995, .status = 200, .ttag = "t1", .sdp = ANSWER);
    SAY(b, 1000, .sdp = OFFER);
    SAY(b, 1010, .method = "ACK", .branch = "ack", .ttag = "t1");
    assert_agreed(media_of(b, "t1"), SIDE_CALLEE, 30000);
    assert_agreed(media_of(b, "t1"), SIDE_CALLER, 20000);
    bench_free(b);
}

/* Garbage for SDP, or none at all: no state, no harm. */
static void test_no_description(void **state)
{
    static const char *const bodies[] = {NULL, "x", "v=0\r\n",
                                         "v=0\r\nm=audio 99999999 RTP/AVP 0\r\n"};
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct bench *b = bench_new();
        SAY(b, 0, .sdp = bodies[i]);
        SAY(b, 1000, .status = 200, .ttag = "t1", .sdp = bodies[i]);
        SAY(b, 1010, .method = "ACK", .branch = "ack", .ttag = "t1", .sdp = bodies[i]);
        struct dialog *dialog = CONTAINER_OF(the_call(b)->dialogs.next, struct dialog, in_call);
        for (int side = 0; dialog->media && side < 2; side++) {
            const struct offer_answer_description *now =
                offer_answer_current(dialog->media, (enum offer_answer_side)side);
            assert_true(!now || now->media_count == 0 || now->media[0].port == 0);
        }
        bench_bye(b, 9000);
        bench_advance(b, 100000);
        assert_state(bench_ended(b), CALL_STATE_COMPLETED);
        assert_int_equal(b->calls.table.media.used, 0);
        bench_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offer_in_the_invite),
        cmocka_unit_test(test_offer_in_the_200),
        cmocka_unit_test(test_prack_and_update),
        cmocka_unit_test(test_early_media_of_forks),
        cmocka_unit_test(test_hold_and_resume),
        cmocka_unit_test(test_hold_by_the_callee),
        cmocka_unit_test(test_answer_shown_before_its_offer),
        cmocka_unit_test(test_no_description),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
