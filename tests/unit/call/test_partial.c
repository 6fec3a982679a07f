/*
 * Responses of which only a part passed: fragments of them were lost, which is known 5 s later, or
 * their datagram ends within the body. Whether their client got them shows by what it does next.
 * And requests that end within the body.
 */
#include "call_bench.h"

#include "call/call_facts.h"

enum { DEFRAG_MS = 5000, LADDER_MAX = 7 };

static const char sdp[] = "v=0\r\no=- 1 1 IN IP4 198.51.100.20\r\ns=-\r\nc=IN IP4 198.51.100.20\r\n"
                          "t=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";

/* What happens, in the order in which it is told; ends with a message at 0 ms. */
struct story {
    const char *what;
    struct message message[16];
    bool is_unanswered;
    unsigned partial; /* responses that are told with it */
};

#define INVITE_AT(at)                                                                              \
    {                                                                                              \
        .ms = (at)                                                                                 \
    }
#define PARTIAL_AT(at, code)                                                                       \
    {                                                                                              \
        .ms = (at), .told_ms = (at) + DEFRAG_MS, .status = (code), .ttag = "t1", .sdp = sdp,       \
        .incomplete = true                                                                         \
    }
#define TRUNCATED_AT(at, code)                                                                     \
    {                                                                                              \
        .ms = (at), .status = (code), .ttag = "t1", .sdp = sdp, .truncated = true                  \
    }
#define WHOLE_AT(at, code)                                                                         \
    {                                                                                              \
        .ms = (at), .status = (code), .ttag = "t1", .sdp = sdp                                     \
    }
#define ACK_AT(at)                                                                                 \
    {                                                                                              \
        .ms = (at), .method = "ACK", .branch = "ack", .ttag = "t1"                                 \
    }

/* A sending at 0 ms comes before each of them. */
static const struct story stories[] = {
    {"it goes on to the end",
     {INVITE_AT(500), INVITE_AT(1500), INVITE_AT(3500), PARTIAL_AT(600, 200), INVITE_AT(7500),
      INVITE_AT(15500), INVITE_AT(31500)},
     true,
     1},
    {"it went on before the fragments were given up",
     {INVITE_AT(500), INVITE_AT(1500), INVITE_AT(3500), PARTIAL_AT(1600, 200),
      PARTIAL_AT(2100, 200), INVITE_AT(7500), INVITE_AT(15500), INVITE_AT(31500),
      TRUNCATED_AT(31600, 200)},
     true,
     3},
    {"one of them is told before an older one",
     {INVITE_AT(500), INVITE_AT(1500), TRUNCATED_AT(1600, 180), INVITE_AT(3500),
      TRUNCATED_AT(3600, 180), PARTIAL_AT(800, 183), INVITE_AT(7500), INVITE_AT(15500),
      INVITE_AT(31500)},
     true,
     3},
    {"its datagram was cut, and it goes on",
     {TRUNCATED_AT(100, 183), INVITE_AT(500), INVITE_AT(1500), TRUNCATED_AT(1600, 183),
      INVITE_AT(3500), INVITE_AT(7500), INVITE_AT(15500), INVITE_AT(31500)},
     true,
     2},
    {"it was on its way when the first came", {PARTIAL_AT(300, 180), INVITE_AT(500)}, false, 0},
    {"nothing follows", {PARTIAL_AT(300, 180)}, false, 0},
    {"nothing follows a cut one", {TRUNCATED_AT(300, 180)}, false, 0},
    {"it acknowledges", {PARTIAL_AT(300, 200), ACK_AT(6000)}, false, 0},
    {"it acknowledged", {ACK_AT(320), PARTIAL_AT(300, 200)}, false, 0},
    {"a whole one follows",
     {INVITE_AT(500), PARTIAL_AT(300, 180), WHOLE_AT(6000, 200), INVITE_AT(6600)},
     false,
     0},
    {"a whole one follows when it was sent again",
     {TRUNCATED_AT(300, 180), INVITE_AT(500), INVITE_AT(1500), WHOLE_AT(1600, 180)},
     false,
     0},
    {"a whole one comes first",
     {WHOLE_AT(100, 100), TRUNCATED_AT(300, 180), INVITE_AT(500), INVITE_AT(1500)},
     false,
     0},
    {"it falls silent after a later one",
     {TRUNCATED_AT(300, 180), INVITE_AT(500), INVITE_AT(1500), TRUNCATED_AT(2000, 200)},
     false,
     0},
    {"it fell silent before the last one",
     {TRUNCATED_AT(300, 180), INVITE_AT(500), INVITE_AT(1500)},
     true,
     1},
    {"it falls silent after one like those for which it had no use",
     {TRUNCATED_AT(300, 183), INVITE_AT(500), INVITE_AT(1500), TRUNCATED_AT(1600, 183)},
     true,
     2},
    {"so it does where fragments are missing",
     {INVITE_AT(500), INVITE_AT(1500), INVITE_AT(3500), PARTIAL_AT(1600, 200),
      PARTIAL_AT(3600, 200)},
     true,
     2},
    {"the first such was just before another of them",
     {TRUNCATED_AT(100, 180), TRUNCATED_AT(450, 180), INVITE_AT(700), TRUNCATED_AT(720, 180)},
     true,
     3},
    {"it had no use for one of another status before that",
     {TRUNCATED_AT(100, 180), INVITE_AT(700), TRUNCATED_AT(720, 183), INVITE_AT(1700),
      TRUNCATED_AT(1720, 183)},
     true,
     3},
    {"an older one is told after the last one",
     {TRUNCATED_AT(100, 180), INVITE_AT(500), INVITE_AT(1500), TRUNCATED_AT(1600, 200),
      PARTIAL_AT(1450, 183)},
     false,
     0},
    {"it comes when it is given up", {INVITE_AT(500), TRUNCATED_AT(33000, 200)}, true, 0},
};

static void test_stories(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stories / sizeof stories[0]; i++) {
        struct bench *b = bench_new();
        SAY(b, 0, .method = "INVITE");
        for (const struct message *m = stories[i].message; m->ms > 0; m++)
            bench_give(b, m);
        bench_advance(b, 39000);
        bool is_unanswered = bench_count(b, EVENT_INVITE_UNANSWERED) == 1;
        if (is_unanswered != stories[i].is_unanswered || b->calls.table.waiting > 0)
            fail_msg("%s: unanswered %d", stories[i].what, is_unanswered);
        unsigned told = 0;
        const struct invite_unanswered *e = is_unanswered ? bench_unanswered(b) : NULL;
        for (unsigned k = 0; e && k < e->cause.evidence_count; k++)
            if (strncmp(e->cause.evidence[k].kind, "response_", 9) == 0)
                told += (unsigned)e->cause.evidence[k].count;
        if (told != stories[i].partial)
            fail_msg("%s: %u responses are told", stories[i].what, told);
        bench_free(b);
    }
}

/* The call's own event has it as the INVITE's. */
static void test_call_ended(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    SAY(b, 0);
    SAY(b, 300, .status = 200, .ttag = "t1", .sdp = sdp, .truncated = true);
    for (unsigned i = 1; i < LADDER_MAX; i++)
        SAY(b, (500 << i) - 500);
    bench_advance(b, 100000);
    const struct call_ended *e = bench_ended(b);
    assert_state(e, CALL_STATE_UNANSWERED);
    assert_int_equal(e->final_status, 0);
    assert_int_equal(e->answered_ns, EVENT_NO_TIME);
    assert_int_equal(e->first_response_ns, EVENT_NO_DURATION);
    bench_free(b);

    b = bench_new(); /* taken as it is */
    SAY(b, 0);
    SAY(b, 300, .status = 200, .ttag = "t1", .sdp = sdp, .truncated = true);
    SAY(b, 310, .method = "ACK", .branch = "ack", .ttag = "t1");
    assert_int_equal(b->calls.table.findings.used, 0);
    bench_bye(b, 5000);
    bench_advance(b, 100000);
    e = bench_ended(b);
    assert_state(e, CALL_STATE_COMPLETED);
    assert_int_equal(e->final_status, 200);
    assert_at(e->answered_ns, 300);
    assert_int_equal(b->calls.inferred_answers, 0);
    bench_free(b);
}

/* While it may have been answered it does not struggle. */
static void test_struggling(void **state)
{
    (void)state;
    for (int again = 0; again < 2; again++) {
        struct bench *b = bench_new();
        SAY(b, 0);
        SAY(b, 500);
        SAY(b, 600, .status = 180, .ttag = "t1", .sdp = sdp, .truncated = true);
        SAY(b, again ? 1500 : 1000);
        assert_int_equal(b->struggling, again);
        if (again)
            assert_non_null(
                strstr(b->warned.invite_unanswered.cause.summary, "parts of responses"));
        bench_free(b);
    }
}

/* An INVITE that its own datagram cuts waits as any other; its body describes nothing. */
static void test_truncated_request(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    SAY(b, 0, .sdp = sdp, .truncated = true);
    assert_int_equal(b->calls.table.media.used, 0);
    bench_advance(b, 32000);
    const struct cause *cause = &bench_unanswered(b)->cause;
    bool is_marked = false;
    for (unsigned i = 0; i < cause->evidence_count; i++)
        is_marked |= strcmp(cause->evidence[i].kind, "request_mark") == 0 &&
                     strcmp(cause->evidence[i].what, "truncated") == 0;
    assert_true(is_marked);
    bench_free(b);

    b = bench_new(); /* RFC 3261 section 18.3: 400 */
    SAY(b, 0, .sdp = sdp, .truncated = true);
    SAY(b, 20, .status = 400, .ttag = "t1");
    SAY(b, 25, .method = "ACK", .ttag = "t1");
    bench_advance(b, 100000);
    assert_int_equal(bench_count(b, EVENT_INVITE_UNANSWERED), 0);
    assert_state(bench_ended(b), CALL_STATE_FAILED);
    bench_free(b);
}

/* --- where a re-INVITE goes */

/* CAROL is the Contact that ALICE gave; who is told of as the far end; NULL: nobody. */
static void check_far_end(const struct message *reinvite, const char *heard, const char *far_end)
{
    struct bench *b = bench_new();
    struct unanswered_facts facts;
    SAY(b, 0);
    if (heard)
        SAY(b, 5, .from = heard, .to = GW, .branch = "hop", .upstream = 1);
    if (heard)
        SAY(b, 8, .status = 200, .to = heard, .branch = "hop", .upstream = 1, .ttag = "t1");
    bench_answer(b, 10);
    bench_give(b, reinvite);
    struct call *call =
        call_table_find(&b->calls.table, slice_str("call-1@example.com"), slice_str("a1"));
    const struct transaction *t = NULL;
    for (EACH_TRANSACTION(node, call))
        if (transaction_at(node)->cseq == 9)
            t = transaction_at(node);
    assert_non_null(t);
    call_facts_read(&b->calls, t, t->findings, AT(6000), &facts);
    if (far_end)
        assert_endpoint(facts.far_end, far_end);
    else
        assert_int_equal(facts.far_end.ip.version, 0);
    bench_free(b);
}

#define OF_CALLEE .ms = 5000, .from = GW, .ftag = "t1", .ttag = "a1", .cseq = 9, .branch = "r"
#define OF_CALLER .ms = 5000, .from = ALICE, .ttag = "t1", .cseq = 9, .branch = "r"

static void test_far_end(void **state)
{
    (void)state;
    check_far_end(&(struct message){OF_CALLEE, .to = CAROL}, NULL, ALICE);
    check_far_end(&(struct message){OF_CALLER, .to = GW2}, NULL, GW);
    check_far_end(&(struct message){OF_CALLEE, .to = ALICE}, NULL, NULL);
    check_far_end(&(struct message){OF_CALLER, .to = GW}, NULL, NULL);
    /* A proxy that left the way: who it speaks for was heard. */
    check_far_end(&(struct message){OF_CALLEE, .to = CAROL}, CAROL, NULL);
    /* A Route sends it there, not the Contact. */
    check_far_end(&(struct message){OF_CALLER, .to = GW2, .lines = "Route: <sip:192.0.2.1;lr>\r\n"},
                  NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stories),    cmocka_unit_test(test_call_ended),
        cmocka_unit_test(test_struggling), cmocka_unit_test(test_truncated_request),
        cmocka_unit_test(test_far_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
