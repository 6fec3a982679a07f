/* Calls as a mirror shows them: out of order, one direction of them, from their middle, never to
 * their end. */
#include "call_bench.h"

/* A call's messages in the order of their sending. */
enum { BASIC_MESSAGES = 7 };
static const struct message basic[BASIC_MESSAGES] = {
    {.method = "INVITE"},
    {.status = 100},
    {.status = 180, .ttag = "t1"},
    {.status = 200, .ttag = "t1"},
    {.method = "ACK", .branch = "ack", .ttag = "t1"},
    {.method = "BYE", .branch = "bye", .ttag = "t1", .cseq = 2},
    {.method = "BYE", .branch = "bye", .ttag = "t1", .cseq = 2, .status = 200},
};
static bool goes_to_the_gateway(unsigned i)
{
    return basic[i].status == 0;
}

static const struct call_ended *give_in_order(struct bench *b, const unsigned order[BASIC_MESSAGES],
                                              int64_t gap_ms, bool true_stamps)
{
    for (unsigned place = 0; place < BASIC_MESSAGES; place++) {
        struct message m = basic[order[place]];
        m.ms = gap_ms * (true_stamps ? order[place] : place);
        bench_give(b, &m);
    }
    bench_advance(b, 200000);
    assert_int_equal(bench_count(b, EVENT_INVITE_UNANSWERED), 0);
    return bench_ended(b);
}

static void assert_basic_call(const struct call_ended *e)
{
    assert_state(e, CALL_STATE_COMPLETED);
    assert_int_equal(e->final_status, 200);
    assert_int_equal(e->ended_by, ENDED_BY_CALLER);
    assert_slice(e->from_uri, "sip:+4930555100@example.com");
    assert_slice(e->to_uri, "sip:+4930555001@example.net");
    assert_endpoint(e->src.endpoint, ALICE);
    assert_endpoint(e->dst.endpoint, GW);
    assert_int_equal(e->invite_transmissions, 1);
    assert_true(e->has_ack_missing);
    assert_false(e->ack_missing);
}

/*
 * Two ports' packets reach the mirror in their own order each, but one port's are shown earlier or
 * later than the other's: all 35 ways in which a short call's messages can be shown.
 */
static void test_two_ports_shown_in_any_order(void **state)
{
    (void)state;
    int ways = 0;
    for (unsigned places = 0; places < 1u << BASIC_MESSAGES; places++) {
        if (__builtin_popcount(places) != 3)
            continue; /* where the gateway's three messages come */
        unsigned order[BASIC_MESSAGES], next[2] = {0, 0};
        unsigned place_of[BASIC_MESSAGES];
        for (unsigned place = 0; place < BASIC_MESSAGES; place++) {
            bool to_gateway = places & 1u << place;
            unsigned *at = &next[to_gateway];
            while (goes_to_the_gateway(*at) != to_gateway)
                ++*at;
            place_of[*at] = place;
            order[place] = (*at)++;
        }
        ways++;
        for (int64_t gap_ms = 1; gap_ms <= 7; gap_ms += 6) {
            /* Stamped as shown. */
            struct bench *b = bench_new();
            const struct call_ended *e = give_in_order(b, order, gap_ms, false);
            int64_t pdd_places = (int64_t)place_of[2] - place_of[0];
            int64_t first_places = (int64_t)place_of[1] - place_of[0];
            assert_basic_call(e);
            assert_at(e->started_ns, gap_ms * place_of[0]);
            assert_at(e->answered_ns, gap_ms * place_of[3]);
            assert_at(e->ended_ns, gap_ms * place_of[5]); /* the BYE, not its response */
            assert_int_equal(e->first_response_ns,
                             (first_places > 0 ? first_places : 0) * gap_ms * MS);
            assert_int_equal(e->post_dial_delay_ns,
                             (pdd_places > 0 ? pdd_places : 0) * gap_ms * MS);
            bench_free(b);
            /* With their true stamps, as a capture of two ports in one file has them. */
            b = bench_new();
            e = give_in_order(b, order, gap_ms, true);
            assert_basic_call(e);
            assert_at(e->started_ns, 0);
            assert_at(e->answered_ns, 3 * gap_ms);
            assert_at(e->ended_ns, 5 * gap_ms);
            assert_int_equal(e->first_response_ns, gap_ms * MS);
            assert_int_equal(e->post_dial_delay_ns, 2 * gap_ms * MS);
            bench_free(b);
        }
    }
    assert_int_equal(ways, 35);
}

/* Whatever the order, it is one call, completed, and no INVITE of it waits. */
static void try_all(unsigned order[BASIC_MESSAGES], unsigned fixed, unsigned *tried)
{
    if (fixed == BASIC_MESSAGES) {
        struct bench *b = bench_with(1 << 20, "bench");
        const struct call_ended *e = give_in_order(b, order, 1, true);
        if (e->state != CALL_STATE_COMPLETED)
            fail_msg("%s in the order %u %u %u %u %u %u %u", call_state_name(e->state), order[0],
                     order[1], order[2], order[3], order[4], order[5], order[6]);
        assert_int_equal(b->calls.table.waiting, 0);
        bench_free(b);
        ++*tried;
        return;
    }
    for (unsigned i = fixed; i < BASIC_MESSAGES; i++) {
        unsigned kept = order[fixed];
        order[fixed] = order[i];
        order[i] = kept;
        try_all(order, fixed + 1, tried);
        order[i] = order[fixed];
        order[fixed] = kept;
    }
}

static void test_every_permutation(void **state)
{
    unsigned order[BASIC_MESSAGES] = {0, 1, 2, 3, 4, 5, 6}, tried = 0;
    (void)state;
    try_all(order, 0, &tried);
    assert_int_equal(tried, 5040);
}

/* Up to 50 ms before its request, a response answers it, whatever it is. */
static void test_response_before_its_request(void **state)
{
    static const unsigned statuses[] = {100, 180, 200, 401, 486, 603};
    static const int64_t early_ms[] = {1, 5, 20, 50};
    (void)state;
    for (size_t s = 0; s < sizeof statuses / sizeof statuses[0]; s++)
        for (size_t i = 0; i < sizeof early_ms / sizeof early_ms[0]; i++) {
            struct bench *b = bench_new();
            SAY(b, 1000 - early_ms[i], .status = statuses[s], .ttag = "t1");
            SAY(b, 1000);
            bench_advance(b, 100000);
            assert_int_equal(bench_count(b, EVENT_INVITE_UNANSWERED), 0);
            assert_int_equal(b->calls.table.waiting, 0);
            assert_int_equal(bench_count(b, EVENT_CALL_ENDED), statuses[s] >= 300 ? 1 : 0);
            if (statuses[s] >= 300) {
                const struct call_ended *e = bench_ended(b);
                assert_int_equal(e->final_status, statuses[s]);
                assert_int_equal(e->first_response_ns, 0);
                assert_at(e->started_ns, 1000);
            }
            bench_free(b);
        }
}

/* Only what the caller sends is seen. */
static void test_requests_only(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0);
    SAY(b, 1520, .method = "ACK", .branch = "ack", .ttag = "t1");
    SAY(b, 6000, .method = "BYE", .branch = "bye", .ttag = "t1", .cseq = 2);
    bench_advance(b, 200000);
    assert_int_equal(bench_count(b, EVENT_INVITE_UNANSWERED), 0);
    const struct call_ended *e = bench_ended(b);
    assert_state(e, CALL_STATE_COMPLETED);
    assert_at(e->started_ns, 0);
    assert_at(e->ended_ns, 6000);
    assert_int_equal(e->ended_by, ENDED_BY_CALLER);
    assert_int_equal(e->final_status, 0);
    assert_int_equal(e->answered_ns, EVENT_NO_TIME);
    assert_int_equal(e->duration_ns, EVENT_NO_DURATION);
    assert_int_equal(e->first_response_ns, EVENT_NO_DURATION);
    assert_int_equal(e->post_dial_delay_ns, EVENT_NO_DURATION);
    assert_false(e->ack_missing);
    assert_int_equal(b->calls.inferred_answers, 1);
    bench_free(b);
}

/* Each of what may follow an INVITE that was answered unseen; none of it is an unanswered INVITE.
 */
static void test_answered_unseen(void **state)
{
    static const struct {
        struct message next;
        bool ends; /* in this state */
        enum call_state as;
    } cases[] = {
        {{.method = "CANCEL"}, true, CALL_STATE_CANCELLED},
        {{.method = "ACK", .ttag = "x"}, true, CALL_STATE_FAILED}, /* with the INVITE's branch */
        {{.method = "ACK", .branch = "ack", .ttag = "t1"}, false, CALL_STATE_COUNT},
        {{.method = "BYE", .branch = "bye", .ttag = "t1", .cseq = 2}, true, CALL_STATE_COMPLETED},
        {{.method = "PRACK",
          .branch = "pr",
          .ttag = "t1",
          .cseq = 2,
          .lines = "RAck: 1 1 INVITE\r\n"},
         false,
         CALL_STATE_COUNT},
        {{.method = "BYE", .branch = "gwbye", .from = GW, .to = ALICE, .ftag = "t1", .ttag = "a1"},
         true,
         CALL_STATE_COMPLETED},
        {{.branch = "re", .ttag = "t1", .cseq = 2}, false, CALL_STATE_COUNT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench *b = bench_new();
        SAY(b, 0);
        struct message next = cases[i].next;
        next.ms = 2000;
        bench_give(b, &next);
        bool is_reinvite = next.method == NULL;
        bench_advance(b, is_reinvite ? 33000 : 100000);
        if (bench_count(b, EVENT_INVITE_UNANSWERED) != 0)
            fail_msg("case %zu: the INVITE counts as unanswered", i);
        assert_int_equal(bench_count(b, EVENT_CALL_ENDED), cases[i].ends);
        if (cases[i].ends) {
            assert_state(bench_ended(b), cases[i].as);
            assert_int_equal(bench_ended(b)->final_status, 0);
        }
        bench_free(b);
    }
}

static void test_challenged_unseen(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0);
    SAY(b, 30, .branch = "b2", .cseq = 2, .lines = "Authorization: Digest username=\"a\"\r\n");
    SAY(b, 2000, .branch = "ack", .cseq = 2, .method = "ACK", .ttag = "t1");
    SAY(b, 9000, .branch = "bye", .cseq = 3, .method = "BYE", .ttag = "t1");
    bench_advance(b, 100000);
    assert_int_equal(bench_count(b, EVENT_INVITE_UNANSWERED), 0);
    const struct call_ended *e = bench_ended(b);
    assert_state(e, CALL_STATE_COMPLETED);
    assert_at(e->started_ns, 0);
    bench_free(b);
}

/* Only what the gateway sends is seen. */
static void test_responses_only(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 15, .status = 100);
    SAY(b, 400, .status = 180, .ttag = "t1");
    SAY(b, 1500, .status = 200, .ttag = "t1");
    SAY(b, 6020, .method = "BYE", .branch = "bye", .ttag = "t1", .cseq = 2, .status = 200);
    SAY(b, 20300, .call = "r1", .branch = "r1", .status = 486, .ttag = "r1");
    bench_advance(b, 200000);
    assert_int_equal(bench_count(b, EVENT_INVITE_UNANSWERED), 0);
    assert_int_equal(bench_count(b, EVENT_CALL_ENDED), 2);
    const struct call_ended *up = &b->kept[0].event.call_ended;
    const struct call_ended *busy = &b->kept[1].event.call_ended;
    assert_state(up, CALL_STATE_COMPLETED);
    assert_int_equal(up->final_status, 200);
    assert_at(up->answered_ns, 1500);
    assert_int_equal(up->ended_by, ENDED_BY_CALLER);
    assert_endpoint(up->src.endpoint, ALICE);
    assert_endpoint(up->dst.endpoint, GW);
    assert_state(busy, CALL_STATE_FAILED);
    assert_int_equal(busy->final_status, 486);
    for (int i = 0; i < 2; i++) {
        const struct call_ended *e = &b->kept[i].event.call_ended;
        assert_int_equal(e->started_ns, EVENT_NO_TIME);
        assert_int_equal(e->first_response_ns, EVENT_NO_DURATION);
        assert_int_equal(e->post_dial_delay_ns, EVENT_NO_DURATION);
        assert_int_equal(e->invite_transmissions, 0);
        assert_int_equal(e->user_agent.len, 0); /* Server is the callee's */
    }
    bench_free(b);
}

static void test_joined_by_a_bye(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 1000, .method = "BYE", .branch = "bye", .ttag = "t1", .cseq = 9);
    SAY(b, 1020, .method = "BYE", .branch = "bye", .ttag = "t1", .cseq = 9, .status = 200);
    bench_advance(b, 100000);
    assert_int_equal(bench_count(b, EVENT_INVITE_UNANSWERED), 0);
    const struct call_ended *e = bench_ended(b);
    assert_state(e, CALL_STATE_COMPLETED);
    assert_at(e->ended_ns, 1000);
    /* Who called whom, and all that was before, is not known. */
    assert_int_equal(e->started_ns, EVENT_NO_TIME);
    assert_int_equal(e->answered_ns, EVENT_NO_TIME);
    assert_int_equal(e->duration_ns, EVENT_NO_DURATION);
    assert_int_equal(e->ended_by, ENDED_BY_UNKNOWN);
    assert_int_equal(e->src.endpoint.ip.version, 0);
    assert_int_equal(e->from_uri.len, 0);
    assert_int_equal(e->invite_transmissions, 0);
    bench_free(b);
}

static void test_joined_by_a_reinvite(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 100, .branch = "re", .cseq = 7, .ttag = "t1");
    SAY(b, 120, .branch = "re", .cseq = 7, .ttag = "t1", .status = 200);
    SAY(b, 140, .branch = "ack", .cseq = 7, .ttag = "t1", .method = "ACK");
    assert_int_equal(b->calls.joined_late, 1);
    assert_int_equal(b->calls.table.phase_count[PHASE_UP], 1);
    bench_advance(b, 60000);
    assert_int_equal(b->count, 0);
    bench_bye(b, 70000);
    bench_advance(b, 100000);
    const struct call_ended *e = bench_ended(b);
    assert_state(e, CALL_STATE_COMPLETED);
    assert_int_equal(e->started_ns, EVENT_NO_TIME);
    assert_int_equal(e->answered_ns, EVENT_NO_TIME); /* the 200 answers the re-INVITE */
    assert_int_equal(e->first_response_ns, EVENT_NO_DURATION);
    bench_free(b);
}

/* A SUBSCRIBE's or a MESSAGE's dialog is no call, nor are stray ACKs. */
static void test_other_methods_make_no_call(void **state)
{
    static const char *const methods[] = {"OPTIONS", "REGISTER", "SUBSCRIBE", "NOTIFY",  "MESSAGE",
                                          "INFO",    "ACK",      "CANCEL",    "PUBLISH", "REFER"};
    (void)state;
    struct bench *b = bench_new();
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        SAY(b, (int64_t)i * 100, .method = methods[i], .call = methods[i], .branch = methods[i]);
        SAY(b, (int64_t)i * 100 + 10, .method = methods[i], .call = methods[i],
            .branch = methods[i], .status = 200, .ttag = "t1");
    }
    assert_int_equal(b->calls.table.calls.used, 0);
    bench_advance(b, 3 * IDLE_MS);
    assert_int_equal(b->count, 0);
    bench_free(b);
}

static void test_lost(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0);
    bench_answer(b, 1000);
    /* A session refresh keeps it (RFC 4028). */
    SAY(b, 900000, .method = "UPDATE", .branch = "u", .ttag = "t1", .cseq = 2);
    SAY(b, 900010, .method = "UPDATE", .branch = "u", .ttag = "t1", .cseq = 2, .status = 200);
    bench_advance(b, 900010 + IDLE_MS - 1);
    assert_int_equal(b->count, 0);
    bench_advance(b, 900010 + IDLE_MS);
    const struct call_ended *e = bench_ended(b);
    assert_state(e, CALL_STATE_LOST);
    assert_at(e->ended_ns, 900010);
    assert_int_equal(e->ended_by, ENDED_BY_TIMEOUT);
    assert_int_equal(e->final_status, 200);
    assert_int_equal(e->duration_ns, 899010 * MS);
    bench_advance(b, 10 * IDLE_MS);
    assert_int_equal(b->count, 1);
    assert_int_equal(b->calls.table.calls.used, 0);
    bench_free(b);
}

/* A call that only rang and went quiet gives nothing; lost is what was established. */
static void test_ringing_that_goes_quiet(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0);
    SAY(b, 400, .status = 180, .ttag = "t1");
    bench_advance(b, 2 * IDLE_MS);
    assert_int_equal(b->count, 0);
    assert_int_equal(b->calls.expired, 1);
    assert_int_equal(b->calls.table.calls.used, 0);
    bench_free(b);
}

static struct bench *run_two_kinds(const char *sensor_id, bool twice)
{
    struct bench *b = bench_with(8 << 20, sensor_id);
    for (int i = 0; i < (twice ? 2 : 1); i++) {
        int64_t from_ms = 300000 * i;
        SAY(b, from_ms, .call = "good");
        SAY(b, from_ms + 10, .call = "good", .status = 486, .ttag = "t1");
        bench_ladder(b, from_ms, 500, 7, ~0u, &(struct message){.call = "bad", .branch = "b9"});
        bench_ladder(b, from_ms, 500, 7, ~0u,
                     &(struct message){.call = "bad", .branch = "b8", .to = GW2});
        bench_advance(b, from_ms + 200000);
    }
    return b;
}

/* Ids are of the traffic: the same in each run, another for each event and each sensor. */
static void test_ids(void **state)
{
    (void)state;
    struct bench *a = run_two_kinds("bench", true);
    struct bench *again = run_two_kinds("bench", true);
    struct bench *other = run_two_kinds("another", true);
    assert_int_equal(a->count, 8);
    assert_int_equal(again->count, a->count);
    assert_int_equal(other->count, a->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_int_equal(strlen(a->kept[i].event.id), 32);
        assert_string_equal(a->kept[i].event.id, again->kept[i].event.id);
        assert_int_equal(a->kept[i].event.time_ns, again->kept[i].event.time_ns);
        assert_string_not_equal(a->kept[i].event.id, other->kept[i].event.id);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(a->kept[i].event.id, a->kept[j].event.id);
    }
    bench_free(a);
    bench_free(again);
    bench_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_ports_shown_in_any_order),
        cmocka_unit_test(test_every_permutation),
        cmocka_unit_test(test_response_before_its_request),
        cmocka_unit_test(test_requests_only),
        cmocka_unit_test(test_answered_unseen),
        cmocka_unit_test(test_challenged_unseen),
        cmocka_unit_test(test_responses_only),
        cmocka_unit_test(test_joined_by_a_bye),
        cmocka_unit_test(test_joined_by_a_reinvite),
        cmocka_unit_test(test_other_methods_make_no_call),
        cmocka_unit_test(test_lost),
        cmocka_unit_test(test_ringing_that_goes_quiet),
        cmocka_unit_test(test_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
