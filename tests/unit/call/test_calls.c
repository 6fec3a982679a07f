/* Whole calls as their caller's hop sees them: what call.ended says of each way in which a call can
 * go. */
#include "call_bench.h"

static void assert_no_unanswered(const struct bench *bench)
{
    assert_int_equal(bench_count(bench, EVENT_INVITE_UNANSWERED), 0);
}

static void test_basic_call(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0);
    SAY(b, 10, .status = 100);
    SAY(b, 400, .status = 180, .ttag = "t1");
    bench_answer(b, 2000);
    bench_bye(b, 12000);
    bench_advance(b, 100000);
    assert_no_unanswered(b);
    const struct call_ended *e = bench_ended(b);
    assert_state(e, CALL_STATE_COMPLETED);
    assert_int_equal(e->final_status, 200);
    assert_slice(e->call_id, "call-1@example.com");
    assert_slice(e->from_uri, "sip:+4930555100@example.com");
    assert_slice(e->to_uri, "sip:+4930555001@example.net");
    assert_slice(e->user_agent, "Bench 1.0");
    assert_endpoint(e->src.endpoint, ALICE);
    assert_endpoint(e->dst.endpoint, GW);
    assert_null(e->src.name);
    assert_at(e->started_ns, 0);
    assert_at(e->answered_ns, 2000);
    assert_at(e->ended_ns, 12000);
    assert_int_equal(e->duration_ns, 10000 * MS);
    assert_int_equal(e->first_response_ns, 10 * MS);
    assert_int_equal(e->post_dial_delay_ns, 400 * MS);
    assert_int_equal(e->ended_by, ENDED_BY_CALLER);
    assert_true(e->has_ack_missing);
    assert_false(e->ack_missing);
    assert_int_equal(e->invite_transmissions, 1);
    bench_free(b);
}

static void test_the_callee_hangs_up(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0);
    SAY(b, 400, .status = 180, .ttag = "t1");
    bench_answer(b, 2000);
    SAY(b, 5000, .method = "BYE", .branch = "gwbye", .from = GW, .to = ALICE, .ftag = "t1",
        .ttag = "a1");
    SAY(b, 5010, .method = "BYE", .branch = "gwbye", .from = ALICE, .to = GW, .ftag = "t1",
        .ttag = "a1", .status = 200);
    bench_advance(b, 100000);
    const struct call_ended *e = bench_ended(b);
    assert_state(e, CALL_STATE_COMPLETED);
    assert_int_equal(e->ended_by, ENDED_BY_CALLEE);
    assert_at(e->ended_ns, 5000);
    assert_endpoint(e->src.endpoint, ALICE);
    bench_free(b);
}

/* The BYE and its repeats get no answer: it ended with the first of them. */
static void test_bye_without_an_answer(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0);
    bench_answer(b, 2000);
    for (int64_t ms = 12000; ms < 44000; ms += 4000)
        SAY(b, ms, .method = "BYE", .branch = "bye", .ttag = "t1", .cseq = 2);
    bench_advance(b, 200000);
    const struct call_ended *e = bench_ended(b);
    assert_state(e, CALL_STATE_COMPLETED);
    assert_at(e->ended_ns, 12000);
    assert_int_equal(e->duration_ns, 10000 * MS);
    bench_free(b);
}

/* RFC 3261 section 17.1.2.2: a BYE's last repeat, 64*T1 after the first, may be under way for T4.
 */
static void test_late_repeats_make_no_second_call(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0);
    bench_answer(b, 2000);
    bench_bye(b, 12000);
    bench_advance(b, 14000);
    assert_int_equal(b->count, 1);
    SAY(b, 48000, .method = "BYE", .branch = "bye", .ttag = "t1", .cseq = 50);
    SAY(b, 48010, .status = 200, .ttag = "t1");
    SAY(b, 48020);
    bench_advance(b, 3 * IDLE_MS);
    assert_int_equal(b->count, 1);
    bench_free(b);
}

static void test_rejected(void **state)
{
    static const unsigned statuses[] = {400, 404, 408, 480, 486, 500, 503, 600, 603};
    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        struct bench *b = bench_new();
        SAY(b, 0);
        SAY(b, 10, .status = 100);
        SAY(b, 300, .status = statuses[i], .ttag = "t1");
        SAY(b, 310, .method = "ACK", .ttag = "t1");
        bench_advance(b, 200000);
        assert_no_unanswered(b);
        const struct call_ended *e = bench_ended(b);
        assert_state(e, CALL_STATE_FAILED);
        assert_int_equal(e->final_status, statuses[i]);
        assert_at(e->ended_ns, 300);
        assert_int_equal(e->answered_ns, EVENT_NO_TIME);
        assert_int_equal(e->duration_ns, EVENT_NO_DURATION);
        assert_int_equal(e->post_dial_delay_ns, 300 * MS);
        assert_false(e->has_ack_missing);
        bench_free(b);
    }
}

/* One attempt is challenged twice, by the server and by a proxy (RFC 3261 section 22). */
static void test_credentials(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0);
    SAY(b, 500);
    SAY(b, 510, .status = 401, .ttag = "x1");
    SAY(b, 520, .method = "ACK", .ttag = "x1");
    SAY(b, 600, .branch = "b2", .cseq = 2, .lines = "Authorization: Digest username=\"a\"\r\n");
    SAY(b, 610, .branch = "b2", .cseq = 2, .status = 407, .ttag = "x2");
    SAY(b, 620, .branch = "b2", .cseq = 2, .method = "ACK", .ttag = "x2");
    /* A person is asked for the password. */
    SAY(b, 20000, .branch = "b3", .cseq = 3,
        .lines = "Proxy-Authorization: Digest username=\"a\"\r\n");
    SAY(b, 20010, .branch = "b3", .cseq = 3, .status = 100);
    SAY(b, 20500, .branch = "b3", .cseq = 3, .status = 180, .ttag = "t1");
    SAY(b, 22000, .branch = "b3", .cseq = 3, .status = 200, .ttag = "t1");
    SAY(b, 22010, .branch = "ack", .cseq = 3, .method = "ACK", .ttag = "t1");
    bench_bye(b, 30000);
    bench_advance(b, 200000);
    assert_no_unanswered(b);
    const struct call_ended *e = bench_ended(b);
    assert_state(e, CALL_STATE_COMPLETED);
    assert_int_equal(e->final_status, 200);
    assert_at(e->started_ns, 0);
    assert_at(e->answered_ns, 22000);
    assert_int_equal(e->first_response_ns, 510 * MS);
    assert_int_equal(e->post_dial_delay_ns, 20500 * MS); /* the challenges are no result */
    assert_int_equal(e->invite_transmissions, 2);        /* of the first INVITE */
    bench_free(b);
}

static void test_challenge_that_is_not_answered(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0);
    SAY(b, 10, .status = 407, .ttag = "x1");
    SAY(b, 20, .method = "ACK", .ttag = "x1");
    bench_advance(b, 200000);
    const struct call_ended *e = bench_ended(b);
    assert_state(e, CALL_STATE_FAILED);
    assert_int_equal(e->final_status, 407);
    assert_int_equal(e->first_response_ns, 10 * MS);
    assert_int_equal(e->post_dial_delay_ns, EVENT_NO_DURATION);
    bench_free(b);
}

static void test_redirection(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0);
    SAY(b, 50, .status = 302, .ttag = "x1");
    SAY(b, 60, .method = "ACK", .ttag = "x1");
    SAY(b, 100, .to = GW2, .branch = "b2", .cseq = 2);
    SAY(b, 700, .from = GW2, .branch = "b2", .cseq = 2, .status = 183, .ttag = "t1");
    SAY(b, 2000, .from = GW2, .branch = "b2", .cseq = 2, .status = 200, .ttag = "t1");
    SAY(b, 2010, .to = GW2, .branch = "ack", .cseq = 2, .method = "ACK", .ttag = "t1");
    SAY(b, 9000, .to = GW2, .branch = "bye", .cseq = 3, .method = "BYE", .ttag = "t1");
    bench_advance(b, 200000);
    assert_no_unanswered(b);
    const struct call_ended *e = bench_ended(b);
    assert_state(e, CALL_STATE_COMPLETED);
    assert_int_equal(e->first_response_ns, 50 * MS);
    assert_int_equal(e->post_dial_delay_ns, 700 * MS);
    assert_int_equal(e->duration_ns, 7000 * MS);
    bench_free(b);
}

static void start_ringing(struct bench *b)
{
    SAY(b, 0);
    SAY(b, 10, .status = 100);
    SAY(b, 400, .status = 180, .ttag = "t1");
}

static void test_cancelled(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    start_ringing(b);
    SAY(b, 6000, .method = "CANCEL");
    SAY(b, 6010, .method = "CANCEL", .status = 200, .ttag = "t1");
    SAY(b, 6020, .status = 487, .ttag = "t1");
    SAY(b, 6030, .method = "ACK", .ttag = "t1");
    bench_advance(b, 200000);
    assert_no_unanswered(b);
    const struct call_ended *e = bench_ended(b);
    assert_state(e, CALL_STATE_CANCELLED);
    assert_int_equal(e->final_status, 487);
    assert_int_equal(e->ended_by, ENDED_BY_CALLER);
    assert_int_equal(e->answered_ns, EVENT_NO_TIME);
    assert_int_equal(e->duration_ns, EVENT_NO_DURATION);
    assert_int_equal(e->post_dial_delay_ns, 400 * MS);
    assert_in_range(e->ended_ns, AT(6000), AT(6030));
    bench_free(b);
}

/* RFC 3261 section 13.3.1: a 487 without a CANCEL is what a lapsed Expires gives. */
static void test_487_without_a_cancel_is_a_failure(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    start_ringing(b);
    SAY(b, 30000, .status = 487, .ttag = "t1");
    SAY(b, 30010, .method = "ACK", .ttag = "t1");
    bench_advance(b, 200000);
    assert_state(bench_ended(b), CALL_STATE_FAILED);
    bench_free(b);
}

/* RFC 3261 section 9.1: without a 487 the client forgets the INVITE 64*T1 after its CANCEL. */
static void test_cancel_without_a_final_response(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    start_ringing(b);
    SAY(b, 6000, .method = "CANCEL");
    SAY(b, 6010, .method = "CANCEL", .status = 200, .ttag = "t1");
    bench_advance(b, 6000 + TIMER_B_MS - 1);
    assert_int_equal(b->count, 0);
    bench_advance(b, 200000);
    assert_no_unanswered(b);
    const struct call_ended *e = bench_ended(b);
    assert_state(e, CALL_STATE_CANCELLED);
    assert_int_equal(e->final_status, 0);
    bench_free(b);
}

/* The 200 and the CANCEL cross: the call is up. */
static void test_cancel_too_late(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    start_ringing(b);
    SAY(b, 6000, .method = "CANCEL");
    SAY(b, 6005, .status = 200, .ttag = "t1");
    SAY(b, 6010, .method = "CANCEL", .status = 200, .ttag = "t1");
    SAY(b, 6015, .method = "ACK", .branch = "ack", .ttag = "t1");
    bench_bye(b, 9000);
    bench_advance(b, 200000);
    const struct call_ended *e = bench_ended(b);
    assert_state(e, CALL_STATE_COMPLETED);
    assert_int_equal(e->final_status, 200);
    assert_int_equal(e->duration_ns, 2995 * MS);
    bench_free(b);
}

/* RFC 3261 section 13.2.2.4: each fork that answers is a dialog, all of them are one call. */
static void test_two_forks_answer(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0);
    SAY(b, 500, .status = 180, .ttag = "t1");
    SAY(b, 600, .status = 180, .ttag = "t2");
    SAY(b, 2000, .status = 200, .ttag = "t1");
    SAY(b, 2005, .status = 200, .ttag = "t2");
    SAY(b, 2020, .method = "ACK", .branch = "ack1", .ttag = "t1");
    SAY(b, 2025, .method = "ACK", .branch = "ack2", .ttag = "t2");
    SAY(b, 2040, .method = "BYE", .branch = "bye2", .ttag = "t2", .cseq = 2);
    bench_advance(b, 11000);
    assert_int_equal(b->count, 0);
    SAY(b, 12000, .method = "BYE", .branch = "bye1", .ttag = "t1", .cseq = 3);
    bench_advance(b, 200000);
    const struct call_ended *e = bench_ended(b);
    assert_state(e, CALL_STATE_COMPLETED);
    assert_at(e->answered_ns, 2000);
    assert_at(e->ended_ns, 12000);
    bench_free(b);
}

static void test_all_forks_refuse(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0);
    SAY(b, 500, .status = 180, .ttag = "t1");
    SAY(b, 600, .status = 180, .ttag = "t2");
    SAY(b, 9000, .status = 486, .ttag = "t2");
    SAY(b, 9010, .method = "ACK", .ttag = "t2");
    bench_advance(b, 200000);
    const struct call_ended *e = bench_ended(b);
    assert_state(e, CALL_STATE_FAILED);
    assert_int_equal(e->final_status, 486);
    assert_int_equal(e->post_dial_delay_ns, 500 * MS);
    bench_free(b);
}

/* A trunk gives up on one gateway after 4 s and takes the next: its INVITE goes on to its own Timer
 * B. */
static void test_failover_after_silence(void **state)
{
    (void)state;
    for (int ends_early = 0; ends_early < 2; ends_early++) {
        struct bench *b = bench_new();
        bench_ladder(b, 0, 500, 4, ~0u, &(struct message){.method = "INVITE"});
        SAY(b, 4000, .to = GW2, .branch = "b2");
        SAY(b, 4010, .from = GW2, .branch = "b2", .status = 100);
        SAY(b, 6000, .from = GW2, .branch = "b2", .status = 200, .ttag = "t1");
        SAY(b, 6010, .to = GW2, .branch = "ack", .method = "ACK", .ttag = "t1");
        int64_t bye_ms = ends_early ? 10000 : 50000;
        SAY(b, bye_ms, .to = GW2, .branch = "bye", .method = "BYE", .ttag = "t1", .cseq = 2);
        bench_advance(b, 200000);
        const struct invite_unanswered *u = bench_unanswered(b);
        assert_endpoint(u->dst.endpoint, GW);
        assert_slice(u->branch, "z9hG4bKb1");
        assert_int_equal(u->transmissions, 4);
        assert_int_equal(u->waited_ns, 32000 * MS);
        const struct call_ended *e = bench_ended(b);
        assert_state(e, CALL_STATE_COMPLETED);
        assert_at(e->started_ns, 0);
        assert_int_equal(e->first_response_ns, 4010 * MS);
        assert_at(e->ended_ns, bye_ms);
        bench_free(b);
    }
}

static void test_failover_after_503(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0);
    SAY(b, 10, .status = 503, .ttag = "x1");
    SAY(b, 20, .method = "ACK", .ttag = "x1");
    SAY(b, 40, .to = GW2, .branch = "b2");
    SAY(b, 60, .from = GW2, .branch = "b2", .status = 180, .ttag = "t1");
    SAY(b, 6000, .from = GW2, .branch = "b2", .status = 200, .ttag = "t1");
    SAY(b, 6010, .to = GW2, .branch = "ack", .method = "ACK", .ttag = "t1");
    SAY(b, 9000, .to = GW2, .branch = "bye", .method = "BYE", .ttag = "t1", .cseq = 2);
    bench_advance(b, 200000);
    assert_no_unanswered(b);
    const struct call_ended *e = bench_ended(b);
    assert_state(e, CALL_STATE_COMPLETED);
    assert_int_equal(e->final_status, 200);
    bench_free(b);
}

/* What a proxy answers upstream is the caller's; that its own INVITE got nothing is an event of its
 * own. */
static void test_408_of_a_proxy(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0, .to = PROXY);
    SAY(b, 10, .from = PROXY, .status = 100);
    bench_ladder(b, 20, 500, 7, ~0u,
                 &(struct message){.from = PROXY, .branch = "p1", .upstream = 1});
    SAY(b, 32030, .from = PROXY, .status = 408, .ttag = "x1");
    SAY(b, 32040, .to = PROXY, .method = "ACK", .ttag = "x1");
    bench_advance(b, 200000);
    const struct invite_unanswered *u = bench_unanswered(b);
    assert_endpoint(u->src.endpoint, PROXY);
    assert_endpoint(u->dst.endpoint, GW);
    assert_int_equal(u->transmissions, 7);
    const struct call_ended *e = bench_ended(b);
    assert_state(e, CALL_STATE_FAILED);
    assert_int_equal(e->final_status, 408);
    assert_endpoint(e->src.endpoint, ALICE);
    assert_endpoint(e->dst.endpoint, PROXY);
    bench_free(b);
}

/* One call over two hops: the first hop's times. */
static void test_proxied_call_is_one_call(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0, .to = PROXY);
    SAY(b, 5, .from = PROXY, .status = 100);
    SAY(b, 7, .from = PROXY, .branch = "p1", .upstream = 1);
    SAY(b, 90, .to = PROXY, .branch = "p1", .upstream = 1, .status = 180, .ttag = "t1");
    SAY(b, 92, .from = PROXY, .status = 180, .ttag = "t1");
    SAY(b, 1000, .to = PROXY, .branch = "p1", .upstream = 1, .status = 200, .ttag = "t1");
    SAY(b, 1002, .from = PROXY, .status = 200, .ttag = "t1");
    SAY(b, 1010, .to = PROXY, .branch = "ack", .method = "ACK", .ttag = "t1");
    SAY(b, 1012, .from = PROXY, .branch = "pack", .upstream = 1, .method = "ACK", .ttag = "t1");
    SAY(b, 8000, .to = PROXY, .branch = "bye", .method = "BYE", .ttag = "t1", .cseq = 2);
    SAY(b, 8002, .from = PROXY, .branch = "pbye", .upstream = 1, .method = "BYE", .ttag = "t1",
        .cseq = 2);
    bench_advance(b, 200000);
    assert_no_unanswered(b);
    const struct call_ended *e = bench_ended(b);
    assert_state(e, CALL_STATE_COMPLETED);
    assert_endpoint(e->src.endpoint, ALICE);
    assert_endpoint(e->dst.endpoint, PROXY);
    assert_at(e->answered_ns, 1002);
    assert_at(e->ended_ns, 8000);
    assert_int_equal(e->first_response_ns, 5 * MS);
    assert_int_equal(e->post_dial_delay_ns, 92 * MS);
    assert_int_equal(e->invite_transmissions, 1);
    bench_free(b);
}

static void test_unanswered(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    bench_ladder(b, 0, 500, 7, ~0u, &(struct message){.method = "INVITE"});
    bench_advance(b, 200000);
    const struct call_ended *e = bench_ended(b);
    assert_state(e, CALL_STATE_UNANSWERED);
    assert_int_equal(e->final_status, 0);
    assert_int_equal(e->ended_by, ENDED_BY_TIMEOUT);
    assert_at(e->started_ns, 0);
    assert_int_equal(e->invite_transmissions, 7);
    assert_int_equal(e->first_response_ns, EVENT_NO_DURATION);
    assert_int_equal(e->post_dial_delay_ns, EVENT_NO_DURATION);
    assert_int_equal(e->answered_ns, EVENT_NO_TIME);
    assert_int_equal(e->duration_ns, EVENT_NO_DURATION);
    const struct invite_unanswered *u = bench_unanswered(b);
    assert_slice(u->call_id, "call-1@example.com");
    assert_slice(u->from_tag, "a1");
    assert_slice(u->request_uri, "sip:+4930555001@198.51.100.20:5060");
    assert_slice(u->from_uri, "sip:+4930555100@example.com");
    assert_slice(u->to_uri, "sip:+4930555001@example.net");
    assert_slice(u->user_agent, "Bench 1.0");
    assert_int_equal(u->cseq, 1);
    assert_at(u->first_sent_ns, 0);
    assert_at(u->last_sent_ns, 31500);
    bench_free(b);
}

/* A response after Timer B takes nothing back and counts for nothing. */
static void test_late_response(void **state)
{
    static const unsigned statuses[] = {100, 180, 200, 480};
    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        struct bench *b = bench_new();
        bench_ladder(b, 0, 500, 7, ~0u, &(struct message){.method = "INVITE"});
        SAY(b, 32500, .status = statuses[i], .ttag = "t1");
        SAY(b, 33000, .status = statuses[i], .ttag = "t1");
        SAY(b, 50000, .status = statuses[i], .ttag = "t1");
        bench_advance(b, 200000);
        assert_int_equal(bench_unanswered(b)->transmissions, 7);
        const struct call_ended *e = bench_ended(b);
        assert_state(e, CALL_STATE_UNANSWERED);
        assert_int_equal(e->final_status, 0);
        assert_int_equal(e->first_response_ns, EVENT_NO_DURATION);
        bench_free(b);
    }
}

static void test_response_just_before_timer_b(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    bench_ladder(b, 0, 500, 7, ~0u, &(struct message){.method = "INVITE"});
    SAY(b, 31999, .status = 480, .ttag = "t1");
    bench_advance(b, 200000);
    assert_no_unanswered(b);
    const struct call_ended *e = bench_ended(b);
    assert_state(e, CALL_STATE_FAILED);
    assert_int_equal(e->first_response_ns, 31999 * MS);
    assert_int_equal(e->invite_transmissions, 7);
    bench_free(b);
}

/* RFC 3261 section 13.3.1.4: a 2xx is repeated until its ACK. */
static void test_ack_missing(void **state)
{
    (void)state;
    for (int acknowledged = 0; acknowledged < 2; acknowledged++) {
        struct bench *b = bench_new();
        SAY(b, 0);
        for (int i = 0; i < 4; i++)
            SAY(b, 1000 + 500 * i, .status = 200, .ttag = "t1");
        if (acknowledged)
            SAY(b, 3000, .method = "ACK", .branch = "ack", .ttag = "t1");
        SAY(b, 33000, .method = "BYE", .branch = "gwbye", .from = GW, .to = ALICE, .ftag = "t1",
            .ttag = "a1");
        bench_advance(b, 200000);
        const struct call_ended *e = bench_ended(b);
        assert_state(e, CALL_STATE_COMPLETED);
        assert_true(e->has_ack_missing);
        assert_int_equal(e->ack_missing, !acknowledged);
        assert_at(e->answered_ns, 1000);
        bench_free(b);
    }
}

/* A re-INVITE is no new call; that it gets a 491 is no failure of the call, nor that it gets
 * nothing. */
static void test_reinvite(void **state)
{
    static const unsigned statuses[] = {200, 491, 0};
    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        struct bench *b = bench_new();
        SAY(b, 0);
        bench_answer(b, 1000);
        SAY(b, 5000, .branch = "re", .cseq = 2, .ttag = "t1");
        if (statuses[i])
            SAY(b, 5100, .branch = "re", .cseq = 2, .ttag = "t1", .status = statuses[i]);
        bench_advance(b, 59000);
        assert_int_equal(bench_count(b, EVENT_CALL_ENDED), 0);
        bench_bye(b, 60000);
        bench_advance(b, 200000);
        assert_int_equal(bench_count(b, EVENT_INVITE_UNANSWERED), statuses[i] ? 0 : 1);
        const struct call_ended *e = bench_ended(b);
        assert_state(e, CALL_STATE_COMPLETED);
        assert_int_equal(e->final_status, 200);
        assert_at(e->answered_ns, 1000);
        assert_at(e->ended_ns, 60000);
        bench_free(b);
    }
}

/* What rings, is up or waits at the end of the input stays open; what has ended gives its event. */
static void test_finish(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0, .call = "waits");
    SAY(b, 0, .call = "rings");
    SAY(b, 10, .call = "rings", .status = 180, .ttag = "t1");
    SAY(b, 0, .call = "up");
    SAY(b, 20, .call = "up", .status = 200, .ttag = "t1");
    SAY(b, 0, .call = "busy");
    SAY(b, 30, .call = "busy", .status = 486, .ttag = "t1");
    calls_finish(&b->calls);
    const struct call_ended *e = bench_ended(b);
    assert_slice(e->call_id, "busy");
    assert_int_equal(b->count, 1);
    assert_int_equal(b->calls.table.phase_count[PHASE_UP], 1);
    assert_int_equal(b->calls.table.phase_count[PHASE_EARLY], 1);
    assert_int_equal(b->calls.table.phase_count[PHASE_TRYING], 1);
    assert_int_equal(b->calls.table.waiting, 1);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_basic_call),
        cmocka_unit_test(test_the_callee_hangs_up),
        cmocka_unit_test(test_bye_without_an_answer),
        cmocka_unit_test(test_late_repeats_make_no_second_call),
        cmocka_unit_test(test_rejected),
        cmocka_unit_test(test_credentials),
        cmocka_unit_test(test_challenge_that_is_not_answered),
        cmocka_unit_test(test_redirection),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_487_without_a_cancel_is_a_failure),
        cmocka_unit_test(test_cancel_without_a_final_response),
        cmocka_unit_test(test_cancel_too_late),
        cmocka_unit_test(test_two_forks_answer),
        cmocka_unit_test(test_all_forks_refuse),
        cmocka_unit_test(test_failover_after_silence),
        cmocka_unit_test(test_failover_after_503),
        cmocka_unit_test(test_408_of_a_proxy),
        cmocka_unit_test(test_proxied_call_is_one_call),
        cmocka_unit_test(test_unanswered),
        cmocka_unit_test(test_late_response),
        cmocka_unit_test(test_response_just_before_timer_b),
        cmocka_unit_test(test_ack_missing),
        cmocka_unit_test(test_reinvite),
        cmocka_unit_test(test_finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
