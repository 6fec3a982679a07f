/* One INVITE client transaction: its ladder, its Timer B, and which responses reach its client. */
#include "call_bench.h"

static int64_t gave_up_ms(struct bench *b)
{
    const struct invite_unanswered *u = bench_unanswered(b);
    struct kept_event *kept = bench_only(b, EVENT_INVITE_UNANSWERED);
    assert_int_equal(u->waited_ns, kept->event.time_ns - u->first_sent_ns);
    return (kept->event.time_ns - EPOCH_NS) / MS;
}

static const struct message plain = {.method = "INVITE"};

/* RFC 3261 section 17.1.1.2: 64*T1, T1 the sender's own where its ladder shows it to be longer. */
static void test_timer_b_follows_t1(void **state)
{
    static const struct {
        int64_t t1_ms, gives_up_ms;
    } cases[] = {{500, 32000}, {1000, 64000}, {2000, 128000}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench *b = bench_new();
        bench_ladder(b, 0, cases[i].t1_ms, 7, ~0u, &plain);
        bench_advance(b, cases[i].gives_up_ms - 1);
        assert_int_equal(b->count, 0);
        bench_advance(b, 400000);
        assert_int_equal(gave_up_ms(b), cases[i].gives_up_ms);
        assert_int_equal(bench_unanswered(b)->transmissions, 7);
        assert_at(bench_unanswered(b)->last_sent_ns, 63 * cases[i].t1_ms);
        bench_free(b);
    }
}

/* A shorter T1 does not bring it forward: 32 s is the least. */
static void test_short_t1(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    bench_ladder(b, 0, 100, 7, ~0u, &plain);
    bench_advance(b, 100000);
    assert_int_equal(gave_up_ms(b), 32000);
    bench_free(b);
}

/* Sendings that the mirror lost must not make T1 look longer: every subset of the ladder with its
 * first. */
static void test_packets_lost_from_the_ladder(void **state)
{
    (void)state;
    for (unsigned mask = 1; mask < 1u << 7; mask += 2) {
        struct bench *b = bench_new();
        bench_ladder(b, 0, 500, 7, mask, &plain);
        bench_advance(b, 400000);
        if (gave_up_ms(b) != 32000)
            fail_msg("sendings 0x%02x: gave up after %d ms", mask, (int)gave_up_ms(b));
        assert_int_equal(bench_unanswered(b)->transmissions, __builtin_popcount(mask));
        bench_free(b);
    }
}

/* A sender's timers and the mirror have some jitter. */
static void test_ladder_with_jitter(void **state)
{
    static const int64_t sent_ms[] = {0, 1012, 3001, 7020, 15008, 31003, 63010};
    struct bench *b = bench_new();
    (void)state;
    for (size_t i = 0; i < sizeof sent_ms / sizeof sent_ms[0]; i++)
        SAY(b, sent_ms[i]);
    bench_advance(b, 400000);
    assert_in_range(gave_up_ms(b), 63000, 66000);
    bench_free(b);
}

static void test_response_ends_the_wait(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0);
    assert_int_equal(b->calls.table.waiting, 1);
    assert_int_equal(b->calls.table.retransmitting, 0);
    SAY(b, 500);
    assert_int_equal(b->calls.table.retransmitting, 1);
    SAY(b, 600, .status = 100);
    assert_int_equal(b->calls.table.waiting, 0);
    assert_int_equal(b->calls.table.retransmitting, 0);
    SAY(b, 1500); /* it had been sent before the 100 arrived */
    assert_int_equal(b->calls.table.waiting, 0);
    bench_advance(b, 100000);
    assert_int_equal(b->count, 0);
    bench_free(b);
}

/* The mirror may copy responses of another call or branch: none of these answers. */
static void test_what_does_not_answer(void **state)
{
    static const struct message others[] = {
        {.status = 200, .ttag = "t1", .call = "another"},
        {.status = 200, .ttag = "t1", .ftag = "another"},
        {.status = 100, .branch = "another", .to = CAROL, .sent_by = CAROL},
        {.status = 200, .method = "OPTIONS", .ttag = "t1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct bench *b = bench_new();
        struct message m = others[i];
        m.ms = 1000;
        SAY(b, 0);
        bench_give(b, &m);
        assert_int_equal(b->calls.table.waiting, 1);
        bench_advance(b, 40000);
        assert_int_equal(gave_up_ms(b), 32000);
        bench_free(b);
    }
}

/* Hosts in a Via compare without case, and 5060 is its port where none is given (RFC 3261
 * section 18.2.2). */
static void test_sent_by_is_compared_as_a_host(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0, .sent_by = "PBX.Example.COM");
    SAY(b, 10, .sent_by = "pbx.example.com:5060", .status = 100,
        .via_params = ";received=192.0.2.10;rport=5060");
    assert_int_equal(b->calls.table.waiting, 0);
    bench_free(b);
}

/* The same branch of another client is another transaction. */
static void test_sent_by_tells_clients_apart(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0);
    SAY(b, 1, .from = CAROL, .call = "call-2");
    SAY(b, 10, .to = CAROL, .call = "call-2", .status = 100);
    bench_advance(b, 60000);
    assert_endpoint(bench_unanswered(b)->src.endpoint, ALICE);
    bench_free(b);
}

#define NATTED "192.0.2.10:49152"

struct port_case {
    const char *what, *via_params, *goes_to;
    bool goes_on; /* the client repeats its request as if nothing had come */
    bool answered;
};

/* RFC 3581 and RFC 3261 section 18.2.2: where a response must go, sent from port 49152 with sent-by
 * 5060. */
static void test_where_a_response_goes(void **state)
{
    static const struct port_case cases[] = {
        {"to the sent-by port, as without rport it must", "", ALICE, false, true},
        {"to the sent-by port, where nobody listens", "", ALICE, true, false},
        {"to the source port all the same", "", NATTED, false, true},
        {"rport asked for and given", ";rport", NATTED, false, true},
        {"rport asked for, sent to the sent-by port", ";rport", ALICE, true, false},
        {"rport asked for, sent to the sent-by port, and silence", ";rport", ALICE, false, false},
        {"to another address", "", "192.0.2.99:5060", true, false},
        {"to another address, and silence", "", "192.0.2.99:5060", false, false},
        {"to another address with rport", ";rport", "192.0.2.99:49152", true, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct port_case *c = &cases[i];
        struct bench *b = bench_new();
        SAY(b, 0, .from = NATTED, .sent_by = ALICE, .via_params = c->via_params);
        SAY(b, 20, .to = c->goes_to, .sent_by = ALICE, .status = 180, .ttag = "t1");
        if (c->goes_on) {
            struct message m = {.from = NATTED, .sent_by = ALICE, .via_params = c->via_params};
            bench_ladder(b, 0, 500, 7, 0x7e, &m);
        }
        bench_advance(b, 100000);
        if (bench_count(b, EVENT_INVITE_UNANSWERED) != (c->answered ? 0 : 1))
            fail_msg("%s: %zu events", c->what, bench_count(b, EVENT_INVITE_UNANSWERED));
        if (!c->answered) {
            const struct cause *cause = &bench_unanswered(b)->cause;
            assert_true(gave_up_ms(b) == 32000);
            assert_int_equal(cause->code, CAUSE_RESPONSE_MISDIRECTED);
            assert_string_equal(cause->evidence[0].kind, "response_elsewhere");
            assert_endpoint(cause->evidence[0].who, c->goes_to);
            assert_int_equal(cause->evidence[0].status, 180);
            /* It counts for nothing in the call either. */
            const struct call_ended *e = bench_ended(b);
            assert_state(e, CALL_STATE_UNANSWERED);
            assert_int_equal(e->first_response_ns, EVENT_NO_DURATION);
            assert_int_equal(e->post_dial_delay_ns, EVENT_NO_DURATION);
            assert_int_equal(e->final_status, 0);
        } else {
            assert_int_equal(b->calls.table.phase_count[PHASE_EARLY], 1);
        }
        bench_free(b);
    }
}

/* The same when the mirror shows the response a few ms early. */
static void test_where_an_early_shown_response_goes(void **state)
{
    static const struct port_case cases[] = {
        {"to the sent-by port, as without rport it must", "", ALICE, false, true},
        {"to the sent-by port, where nobody listens", "", ALICE, true, false},
        {"rport asked for and given", ";rport", NATTED, false, true},
        {"rport asked for, sent to the sent-by port", ";rport", ALICE, true, false},
        {"rport asked for, sent to the sent-by port, and silence", ";rport", ALICE, false, false},
        {"to another address", "", "192.0.2.99:5060", true, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct port_case *c = &cases[i];
        struct bench *b = bench_new();
        struct message m = {.from = NATTED, .sent_by = ALICE, .via_params = c->via_params};
        SAY(b, -5, .to = c->goes_to, .sent_by = ALICE, .status = 486, .ttag = "t1");
        bench_ladder(b, 0, 500, c->goes_on ? 7 : 1, ~0u, &m);
        bench_advance(b, 100000);
        if (bench_count(b, EVENT_INVITE_UNANSWERED) != (c->answered ? 0 : 1))
            fail_msg("%s: %zu events", c->what, bench_count(b, EVENT_INVITE_UNANSWERED));
        assert_state(bench_ended(b), c->answered ? CALL_STATE_FAILED : CALL_STATE_UNANSWERED);
        bench_free(b);
    }
}

/* A response that went astray is not made good by nothing; one that arrives later is. */
static void test_stray_then_answered(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0);
    SAY(b, 20, .to = "192.0.2.99:5060", .sent_by = ALICE, .status = 100);
    assert_int_equal(b->calls.stray_responses, 1);
    SAY(b, 500);
    SAY(b, 520, .status = 486, .ttag = "t1");
    bench_advance(b, 100000);
    assert_int_equal(bench_count(b, EVENT_INVITE_UNANSWERED), 0);
    const struct call_ended *e = bench_ended(b);
    assert_state(e, CALL_STATE_FAILED);
    assert_int_equal(e->first_response_ns, 520 * MS);
    bench_free(b);
}

/* Seen before and after a NAT: one sending, and a response to either address is on its way to the
 * client. */
static void test_seen_on_both_sides_of_a_nat(void **state)
{
    (void)state;
    for (int outside = 0; outside < 2; outside++) {
        struct bench *b = bench_new();
        SAY(b, 0, .from = "10.1.2.3:5060", .sent_by = "10.1.2.3:5060");
        SAY(b, 1, .from = "203.0.113.77:5060", .sent_by = "10.1.2.3:5060");
        SAY(b, 30, .to = outside ? "203.0.113.77:5060" : "10.1.2.3:5060",
            .sent_by = "10.1.2.3:5060", .status = 404, .ttag = "t1");
        bench_advance(b, 100000);
        assert_int_equal(bench_count(b, EVENT_INVITE_UNANSWERED), 0);
        const struct call_ended *e = bench_ended(b);
        assert_state(e, CALL_STATE_FAILED);
        assert_int_equal(e->invite_transmissions, 1);
        bench_free(b);
    }
}

/* RFC 2543: no branch; what else is in the Via and the CSeq tell. */
static void test_client_of_rfc2543(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0, .branch = "", .via_params = ";hidden");
    SAY(b, 10, .branch = "", .status = 180, .ttag = "t1");
    bench_advance(b, 60000);
    assert_int_equal(b->count, 0);
    bench_free(b);
}

static void test_lost_packets_lower_the_confidence(void **state)
{
    (void)state;
    for (int64_t lost_ms = -1000; lost_ms <= 1000; lost_ms += 2000) {
        struct bench *b = bench_new();
        /* Seen to answer before, then silent for two callers: of high confidence. */
        SAY(b, -90000, .call = "opt", .method = "OPTIONS", .branch = "opt");
        SAY(b, -89990, .call = "opt", .method = "OPTIONS", .branch = "opt", .status = 200,
            .ttag = "t");
        bench_ladder(b, -50000, 500, 7, ~0u, &(struct message){.from = CAROL, .call = "call-0"});
        bench_advance(b, -17000);
        assert_int_equal(b->kept[0].event.invite_unanswered.cause.confidence, CONFIDENCE_MEDIUM);
        free(b->kept);
        b->kept = NULL;
        b->count = b->room = 0;
        bench_advance(b, lost_ms < 0 ? lost_ms : -1000);
        if (lost_ms < 0)
            calls_lost_packets(&b->calls);
        bench_ladder(b, 0, 500, 2, ~0u, &plain);
        if (lost_ms > 0)
            calls_lost_packets(&b->calls);
        bench_ladder(b, 0, 500, 7, 0x7c, &plain);
        bench_advance(b, 100000);
        const struct cause *cause = &bench_unanswered(b)->cause;
        assert_int_equal(cause->code, CAUSE_DESTINATION_SILENT);
        assert_int_equal(cause->confidence, lost_ms < 0 ? CONFIDENCE_HIGH : CONFIDENCE_LOW);
        bench_free(b);
    }
}

/* What is kept to tell of an unanswered INVITE goes when it is answered; not while what was taken
 * as its answer may prove to go nowhere. */
static void test_findings_go_with_the_answer(void **state)
{
    (void)state;
    for (int asks = 0; asks < 2; asks++) {
        struct bench *b = bench_new();
        const struct slab *findings = &b->calls.table.findings;
        const char *params = asks ? ";rport" : "";
        SAY(b, 0, .from = NATTED, .sent_by = ALICE, .via_params = params);
        assert_int_equal(findings->used, 1);
        SAY(b, 20, .to = asks ? NATTED : ALICE, .sent_by = ALICE, .status = 180, .ttag = "t1");
        assert_int_equal(findings->used, asks ? 0 : 1);
        SAY(b, 1000, .from = NATTED, .sent_by = ALICE, .via_params = params); /* heard or not */
        assert_int_equal(findings->used, asks ? 0 : 1);
        bench_advance(b, 40000);
        assert_int_equal(bench_count(b, EVENT_INVITE_UNANSWERED), !asks);
        bench_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timer_b_follows_t1),
        cmocka_unit_test(test_short_t1),
        cmocka_unit_test(test_packets_lost_from_the_ladder),
        cmocka_unit_test(test_ladder_with_jitter),
        cmocka_unit_test(test_response_ends_the_wait),
        cmocka_unit_test(test_what_does_not_answer),
        cmocka_unit_test(test_sent_by_is_compared_as_a_host),
        cmocka_unit_test(test_sent_by_tells_clients_apart),
        cmocka_unit_test(test_where_a_response_goes),
        cmocka_unit_test(test_where_an_early_shown_response_goes),
        cmocka_unit_test(test_stray_then_answered),
        cmocka_unit_test(test_seen_on_both_sides_of_a_nat),
        cmocka_unit_test(test_client_of_rfc2543),
        cmocka_unit_test(test_lost_packets_lower_the_confidence),
        cmocka_unit_test(test_findings_go_with_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
