/* INVITEs over TCP and WebSocket: no ladder, responses over other connections, what is known of the
 * connection; and datagrams of which fragments were lost. */
#include "call_bench.h"

static const struct invite_unanswered *gave_up_at(struct bench *b, int64_t ms)
{
    bench_advance(b, ms - 1);
    assert_int_equal(bench_count(b, EVENT_INVITE_UNANSWERED), 0);
    bench_advance(b, 400000);
    const struct invite_unanswered *e = bench_unanswered(b);
    assert_int_equal(e->waited_ns, ms * MS);
    return e;
}

/* RFC 3261 section 17.1.1.2: Timer A is only set over UDP, Timer B is 64*T1 over any. */
static void test_timer_b(void **state)
{
    static const enum transport transports[] = {TRANSPORT_TCP, TRANSPORT_WS};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct bench *b = bench_new();
        SAY(b, 0, .transport = transports[i]);
        const struct invite_unanswered *e = gave_up_at(b, TIMER_B_MS);
        assert_int_equal(e->transport, transports[i]);
        assert_int_equal(e->transmissions, 1);
        bench_free(b);
        /* A client that repeats all the same, as if with a T1 of 2 s, shows no T1. */
        b = bench_new();
        const struct message m = {.method = "INVITE", .transport = transports[i]};
        bench_ladder(b, 0, 2000, 4, ~0u, &m);
        assert_int_equal(gave_up_at(b, TIMER_B_MS)->transmissions, 4);
        bench_free(b);
    }
}

/* Section 18.2.2: over the same connection, else over a new one to the sent-by port. */
static void test_response_over_another_connection(void **state)
{
    static const char *const sources[] = {"192.0.2.10:5060", "192.0.2.10:49152"};
    static const char *const ends[] = {"192.0.2.10:49152", "192.0.2.10:5060", "192.0.2.10:1"};
    (void)state;
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < 3; k++)
            for (int early = 0; early < 2; early++) {
                struct bench *b = bench_new();
                const struct message invite = {.from = sources[i],
                                               .transport = TRANSPORT_TCP,
                                               .via_params = ";rport",
                                               .sent_by = ALICE};
                const struct message trying = {.ms = 10,
                                               .status = 100,
                                               .to = ends[k],
                                               .transport = TRANSPORT_TCP,
                                               .via_params = ";rport",
                                               .sent_by = ALICE};
                bench_give(b, early ? &trying : &invite);
                bench_give(b, early ? &invite : &trying);
                const struct message again = {.ms = 5000,
                                              .from = sources[i],
                                              .transport = TRANSPORT_TCP,
                                              .via_params = ";rport",
                                              .sent_by = ALICE};
                bench_give(b, &again); /* the response still counts */
                bench_advance(b, 60000);
                assert_int_equal(bench_count(b, EVENT_INVITE_UNANSWERED), 0);
                assert_int_equal(b->calls.stray_responses, 0);
                bench_free(b);
            }
}

/* To another host it is as little an answer as over UDP. */
static void test_response_to_another_host(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0, .transport = TRANSPORT_TCP);
    SAY(b, 10, .transport = TRANSPORT_TCP, .status = 100, .to = CAROL, .sent_by = ALICE);
    const struct invite_unanswered *e = gave_up_at(b, TIMER_B_MS);
    assert_string_equal(e->cause.evidence[0].kind, "response_elsewhere");
    bench_free(b);
}

static void test_call_over_tcp(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0, .transport = TRANSPORT_TCP);
    SAY(b, 10, .transport = TRANSPORT_TCP, .status = 180, .ttag = "t1");
    SAY(b, 2000, .transport = TRANSPORT_TCP, .status = 200, .ttag = "t1");
    SAY(b, 2010, .transport = TRANSPORT_TCP, .method = "ACK", .branch = "ack", .ttag = "t1");
    SAY(b, 9000, .transport = TRANSPORT_TCP, .method = "BYE", .branch = "bye", .ttag = "t1",
        .cseq = 2);
    bench_advance(b, 60000);
    const struct call_ended *e = bench_ended(b);
    assert_state(e, CALL_STATE_COMPLETED);
    assert_int_equal(e->duration_ns, 7000 * MS);
    bench_free(b);
}

/* What is known of the connection when Timer B runs out is what the verdict gets, over UDP nothing.
 */
static void test_connection_facts(void **state)
{
    static const struct {
        enum transport transport;
        struct connection_facts connection;
        enum cause_code code;
    } cases[] = {
        {TRANSPORT_TCP,
         {.is_known = true, .is_reset = true, .reset_ns = AT(100), .last_from_server_ns = AT(100)},
         CAUSE_TCP_REFUSED},
        {TRANSPORT_WS,
         {.is_known = true,
          .unacknowledged = 700,
          .unacknowledged_since_ns = AT(0),
          .last_from_server_ns = AT(-100)},
         CAUSE_TCP_NO_ANSWER},
        {TRANSPORT_TCP, {.is_known = false, .is_reset = true}, CAUSE_WRONG_TRANSPORT},
        {TRANSPORT_UDP,
         {.is_known = true, .is_reset = true, .reset_ns = AT(100)},
         CAUSE_DESTINATION_SILENT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench *b = bench_new();
        b->connection = cases[i].connection;
        b->connection.reset_by = endpoint_of(GW);
        SAY(b, -5000, .method = "OPTIONS", .call = "o", .branch = "o", .ftag = "o");
        SAY(b, -4990, .method = "OPTIONS", .call = "o", .branch = "o", .ftag = "o", .status = 200);
        SAY(b, 0, .transport = cases[i].transport);
        const struct invite_unanswered *e = gave_up_at(b, TIMER_B_MS);
        assert_string_equal(cause_code_name(e->cause.code), cause_code_name(cases[i].code));
        bench_free(b);
    }
    /* Nobody knows of connections: no crash, and no claim. */
    struct bench *b = bench_new();
    b->calls.params.look_at_connection = NULL;
    SAY(b, 0, .transport = TRANSPORT_TCP);
    gave_up_at(b, TIMER_B_MS);
    bench_free(b);
}

static const struct evidence *find_evidence(const struct invite_unanswered *e, const char *kind)
{
    for (unsigned i = 0; i < e->cause.evidence_count; i++)
        if (strcmp(e->cause.evidence[i].kind, kind) == 0)
            return &e->cause.evidence[i];
    return NULL;
}

/* Fragments of each sending were lost: it is known of 5 s later, and was sent all the same. */
static void test_incomplete(void **state)
{
    static const char sdp[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\n"
                              "t=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
    struct bench *b = bench_new();
    struct message m = {.method = "INVITE", .sdp = sdp, .incomplete = true};
    (void)state;
    for (int i = 0; i < 7; i++) {
        m.ms = (500 << i) - 500;
        m.told_ms = m.ms + 5000;
        if (m.told_ms < TIMER_B_MS)
            bench_give(b, &m);
    }
    assert_int_equal(b->calls.table.media.used, 0);
    const struct invite_unanswered *e = gave_up_at(b, TIMER_B_MS);
    assert_at(e->first_sent_ns, 0);
    assert_int_equal(e->transmissions, 6);
    assert_non_null(find_evidence(e, "fragments_lost"));
    assert_int_equal(find_evidence(e, "fragments_lost")->count, 6);
    bench_free(b);
}

/* Its answer came while nobody knew of it yet: it is an answer, and the mirror lost the fragment.
 */
static void test_incomplete_and_answered(void **state)
{
    static const struct message after[] = {
        {.ms = 20, .status = 180, .ttag = "t1"},
        {.ms = 900, .status = 200, .ttag = "t1"},
        {.ms = 910, .method = "ACK", .branch = "ack", .ttag = "t1"},
        {.ms = 1500, .method = "BYE", .branch = "bye", .ttag = "t1", .cseq = 2},
        {.ms = 1510, .method = "BYE", .branch = "bye", .ttag = "t1", .cseq = 2, .status = 200},
    };
    (void)state;
    for (size_t count = 1; count <= sizeof after / sizeof after[0]; count++) {
        struct bench *b = bench_new();
        for (size_t i = 0; i < count; i++)
            bench_give(b, &after[i]);
        SAY(b, 0, .incomplete = true, .told_ms = 5000,
            .sdp = "v=0\r\n0123456789012345678901234567890123456789");
        bench_advance(b, 100000);
        assert_int_equal(bench_count(b, EVENT_INVITE_UNANSWERED), 0);
        assert_int_equal(b->calls.table.waiting, 0);
        assert_int_equal(bench_count(b, EVENT_CALL_ENDED), count >= 4);
        bench_free(b);
    }
}

/* Only the direction of the client is mirrored: what followed shows that it was answered. */
static void test_incomplete_and_answered_unseen(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 1500, .method = "BYE", .branch = "bye", .ttag = "t1", .cseq = 2);
    SAY(b, 0, .incomplete = true, .told_ms = 5000,
        .sdp = "v=0\r\n0123456789012345678901234567890123456789");
    bench_advance(b, 100000);
    assert_int_equal(bench_count(b, EVENT_INVITE_UNANSWERED), 0);
    bench_free(b);
}

static void test_is_sip_server(void **state)
{
    struct bench *b = bench_new();
    struct endpoint gw = endpoint_of(GW), other_port = gw, alice = endpoint_of(ALICE);
    (void)state;
    other_port.port++;
    SAY(b, 0);
    assert_false(calls_is_sip_server(&b->calls, &gw)); /* it was only asked */
    SAY(b, 10, .status = 100);
    assert_true(calls_is_sip_server(&b->calls, &gw));
    assert_false(calls_is_sip_server(&b->calls, &other_port));
    assert_false(calls_is_sip_server(&b->calls, &alice));
    bench_free(b);

    b = bench_new(); /* a response that nobody asked for may be anybody's */
    SAY(b, 0, .status = 200);
    assert_false(calls_is_sip_server(&b->calls, &gw));
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timer_b),
        cmocka_unit_test(test_response_over_another_connection),
        cmocka_unit_test(test_response_to_another_host),
        cmocka_unit_test(test_call_over_tcp),
        cmocka_unit_test(test_connection_facts),
        cmocka_unit_test(test_incomplete),
        cmocka_unit_test(test_incomplete_and_answered),
        cmocka_unit_test(test_incomplete_and_answered_unseen),
        cmocka_unit_test(test_is_sip_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
