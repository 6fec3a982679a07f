/* The packets' clock is set while calls are under way: what waits goes on waiting, no more, no
 * less. */
#include "call_bench.h"

static void step(struct bench *b, int64_t ms)
{
    calls_clock_step(&b->calls, ms * MS);
}

static void advance(struct bench *b, int64_t ms)
{
    calls_advance(&b->calls, AT(ms));
}

static void test_unanswered_after_step(void **state)
{
    static const int64_t steps_ms[] = {-3600 * 1000, 86400 * 1000, -15000};
    (void)state;
    for (size_t i = 0; i < sizeof steps_ms / sizeof steps_ms[0]; i++) {
        struct bench *b = bench_new();
        SAY(b, 10000);
        SAY(b, 10500);
        step(b, steps_ms[i]);
        advance(b, 10000 + steps_ms[i] + TIMER_B_MS - 1);
        assert_int_equal(b->count, 0);
        advance(b, 10000 + steps_ms[i] + TIMER_B_MS);
        assert_int_equal(b->count, 1);
        const struct invite_unanswered *e = &b->kept[0].event.invite_unanswered;
        assert_int_equal(b->kept[0].event.type, EVENT_INVITE_UNANSWERED);
        assert_int_equal(e->first_sent_ns, AT(10000 + steps_ms[i]));
        assert_int_equal(e->waited_ns, TIMER_B_MS * MS);
        assert_int_equal(e->transmissions, 2);
        assert_int_equal(e->cause.confidence, CONFIDENCE_LOW); /* how long it was, nobody knows */
        bench_free(b);
    }
}

static const char sdp[] = "v=0\r\no=- 1 1 IN IP4 198.51.100.20\r\ns=-\r\nc=IN IP4 198.51.100.20\r\n"
                          "t=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";

/* Parts of responses before it stay what they were: of no use to the client. */
static void test_partial_over_a_step(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    SAY(b, 0);
    SAY(b, 100, .status = 183, .ttag = "g1", .sdp = sdp, .truncated = true);
    step(b, -500000);
    SAY(b, -499000);
    SAY(b, -498000, .status = 183, .ttag = "g1", .sdp = sdp, .truncated = true);
    step(b, 500000);
    advance(b, TIMER_B_MS);
    assert_int_equal(b->count, 1);
    const struct cause *cause = &b->kept[0].event.invite_unanswered.cause;
    unsigned told = 0;
    for (unsigned i = 0; i < cause->evidence_count; i++) {
        if (strcmp(cause->evidence[i].kind, "response_truncated") != 0)
            continue;
        assert_int_equal(cause->evidence[i].at_ns, AT(2000));
        told += (unsigned)cause->evidence[i].count;
    }
    assert_int_equal(told, 2);
    bench_free(b);
}

static void test_call_over_a_step(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0);
    SAY(b, 1000, .from = GW, .to = ALICE, .status = 200, .ttag = "g1");
    step(b, -500000);
    SAY(b, -498000, .method = "ACK", .ttag = "g1", .branch = "a1");
    SAY(b, -490000, .method = "BYE", .ttag = "g1", .branch = "y1", .cseq = 2);
    advance(b, -480000);
    assert_int_equal(b->count, 1);
    const struct call_ended *e = &b->kept[0].event.call_ended;
    assert_int_equal(e->state, CALL_STATE_COMPLETED);
    assert_int_equal(e->started_ns, AT(-500000));
    assert_int_equal(e->duration_ns, 9000 * MS);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unanswered_after_step),
        cmocka_unit_test(test_partial_over_a_step),
        cmocka_unit_test(test_call_over_a_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
