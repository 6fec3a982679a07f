/* What the messages of calls, registrations and scanners leave in the memory of peers. */
#include "call_bench.h"

#include "verdict/peer_told.h"

static const struct peer *peer_at(struct bench *b, const char *who)
{
    struct endpoint endpoint = endpoint_of(who);
    return peers_find_endpoint(&b->calls.peers, &endpoint);
}

static struct peers_others others_than(struct bench *b, const char *server, const char *client,
                                       int64_t ms)
{
    struct endpoint to = endpoint_of(server), from = endpoint_of(client);
    struct peers_others others;
    peers_read_others(&b->calls.peers, &to, TRANSPORT_UDP, &from.ip, AT(0), AT(ms), &others);
    return others;
}

static void test_registered(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0, .method = "REGISTER", .from = "192.0.2.10:49152", .to = PROXY);
    SAY(b, 10, .method = "REGISTER", .from = PROXY, .to = "192.0.2.10:49152", .status = 401);
    assert_null(peer_at(b, "192.0.2.10:49152"));
    SAY(b, 20, .method = "REGISTER", .from = PROXY, .to = "192.0.2.10:49152", .status = 200);
    assert_at(peer_at(b, "192.0.2.10:49152")->registered_ns, 20);
    bench_free(b);
}

static void test_retry_after(void **state)
{
    static const struct {
        const char *line;
        uint32_t seconds;
    } cases[] = {
        {"", 0},
        {"Retry-After: 120\r\n", 120},
        {"Retry-After: 18000;duration=3600\r\n", 18000},
        {"Retry-After: 30 (at lunch)\r\n", 30},
        {"Retry-After: 4294967295\r\n", UINT32_MAX},
        {"Retry-After: 4294967296\r\n", 0},
        {"Retry-After: 99999999999999999999999\r\n", 0},
        {"Retry-After: soon\r\n", 0},
        {"Retry-After:\r\n", 0},
        {"Retry-After: -5\r\n", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench *b = bench_new();
        SAY(b, 0, .from = CAROL);
        SAY(b, 10, .to = CAROL, .status = 503, .lines = cases[i].line);
        struct peers_others others = others_than(b, GW, ALICE, 20);
        assert_int_equal(others.refused, 1);
        assert_int_equal(others.retry_after_s, cases[i].seconds);
        assert_int_equal(others.clients, 0);
        bench_free(b);
    }
}

/* What a client puts into its Via comes back, and is no word of the server's; which of the two is
 * shown first does not matter. */
static void test_overload_control(void **state)
{
    static const char *const methods[] = {"INVITE", "OPTIONS"};
    (void)state;
    for (int i = 0; i < 8; i++) {
        bool is_echo = i & 1, is_early = i & 2;
        const char *method = methods[i >> 2];
        struct endpoint gw = endpoint_of(GW), alice = endpoint_of(ALICE);
        struct peers_told told;
        struct bench *b = bench_new();
        const struct message request = {.ms = is_early ? 20 : 0,
                                        .method = method,
                                        .from = CAROL,
                                        .via_params = is_echo ? ";oc=70" : ";oc"};
        if (!is_early)
            bench_give(b, &request);
        SAY(b, 10, .method = method, .to = CAROL, .status = 486, .via_params = ";oc=70");
        if (is_early)
            bench_give(b, &request);
        peers_read_told(&b->calls.peers, &gw, &alice.ip, AT(30), AT(30), &told);
        if (told.shed_percent != (is_echo ? 0 : 70))
            fail_msg("case %d: %u", i, told.shed_percent);
        bench_free(b);
    }
}

/* Three calls of one client, each challenged: that is how every call begins, and no wrong password
 * where nothing was tried. */
static void test_challenges(void **state)
{
    static const char *const branches[] = {"b1", "b2", "b3"};
    (void)state;
    for (int has_credentials = 0; has_credentials < 2; has_credentials++) {
        struct bench *b = bench_new();
        struct endpoint gw = endpoint_of(GW), alice = endpoint_of(ALICE);
        struct pair_view pair;
        const char *lines = has_credentials ? "Authorization: Digest username=\"a\"\r\n" : "";
        for (size_t i = 0; i < 3; i++) {
            SAY(b, 0, .call = branches[i], .branch = branches[i], .lines = lines);
            SAY(b, 10, .call = branches[i], .branch = branches[i], .status = 401);
            SAY(b, 20, .call = branches[i], .branch = branches[i], .status = 401);
        }
        SAY(b, 30, .method = "SUBSCRIBE", .call = "s", .branch = "s", .lines = lines);
        SAY(b, 40, .method = "SUBSCRIBE", .call = "s", .branch = "s", .status = 403);
        assert_true(peers_find_pair(&b->calls.peers, &alice.ip, &gw.ip, &pair));
        assert_int_equal(pair.challenges, has_credentials ? 3 : 0);
        bench_free(b);
    }
}

/* By its words; what answers it counts for nobody else. */
static void test_scanner(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    SAY(b, 0, .method = "OPTIONS", .from = CAROL, .ftag = "3130310131", .call = "o", .branch = "o");
    assert_int_equal(scanners_stats(b->calls.scanners)->requests, 0); /* it tries nobody it names */
    SAY(b, 10, .from = CAROL, .call = "s", .branch = "s",
        .ftag = "2b34393330353535313030"
                "0131323334");
    SAY(b, 20, .to = CAROL, .call = "s", .branch = "s", .status = 404,
        .ftag = "2b34393330353535313030"
                "0131323334");
    assert_int_equal(scanners_stats(b->calls.scanners)->requests, 1);
    assert_int_equal(others_than(b, GW, ALICE, 30).clients, 0);
    assert_false(peer_at(b, GW)->has_answered);
    /* One that nothing answers is told as what it is, and is not counted against anybody. */
    SAY(b, 100, .from = CAROL, .call = "t", .branch = "t",
        .ftag = "2b34393330353535313030"
                "0131323334");
    SAY(b, 110, .call = "u", .branch = "u");
    assert_int_equal(b->calls.table.waiting, 1);
    assert_int_equal(b->calls.table.waiting_of_scanners, 1);
    SAY(b, 120, .call = "u", .branch = "u", .status = 100);
    assert_int_equal(b->calls.table.waiting, 0);
    bench_advance(b, 40000);
    assert_int_equal(b->calls.table.waiting_of_scanners, 0);
    assert_slice(bench_unanswered(b)->scanner, "sipvicious (From tag)");
    assert_int_equal(peer_at(b, GW)->unanswered, 0);
    bench_free(b);
}

/* Thirty INVITEs for as many numbers, each sent once. */
static void scan(struct bench *b, int64_t from_ms, unsigned status)
{
    for (int64_t i = 0; i < 30; i++) {
        char call[30], user[20];
        snprintf(call, sizeof call, "scan-%d-%d", (int)from_ms, (int)i);
        snprintf(user, sizeof user, "%d", 1000 + (int)i);
        SAY(b, from_ms + i * 100, .user = user, .call = call, .branch = call);
        if (status > 0)
            SAY(b, from_ms + i * 100 + 10, .call = call, .branch = call, .status = status,
                .ttag = "t1");
    }
}

/* By how it behaves; its INVITEs are known as a scanner's when they are told of, at the latest. */
static void test_scanner_by_behaviour(void **state)
{
    for (int accepted = 0; accepted < 3; accepted++) {
        struct bench *b = bench_new();
        (void)state;
        if (accepted == 1) {
            SAY(b, -1000, .call = "c");
            SAY(b, -900, .call = "c", .status = 180, .ttag = "t1");
        } else if (accepted == 2) { /* where no response is in view */
            SAY(b, -1100, .call = "c", .branch = "c");
            SAY(b, -1000, .method = "BYE", .call = "c", .ttag = "t1");
        }
        scan(b, 0, 0);
        bench_advance(b, 40000);
        size_t told = 0, ended = 0;
        for (size_t i = 0; i < b->count; i++)
            if (b->kept[i].event.type == EVENT_INVITE_UNANSWERED) {
                assert_int_equal(b->kept[i].event.invite_unanswered.scanner.len > 0, !accepted);
                told++;
            } else if (b->kept[i].event.type == EVENT_CALL_ENDED &&
                       slice_starts(b->kept[i].event.call_ended.call_id, SLICE("scan-"))) {
                assert_int_equal(b->kept[i].event.call_ended.is_of_scanner, !accepted);
                ended++;
            }
        assert_int_equal(told, 30);
        assert_int_equal(ended, 30);
        assert_int_equal(peer_at(b, GW)->unanswered, accepted ? 30 : 0);
        bench_free(b);
    }
}

/* What its next INVITE shows: that it waits for an answer, or that it gets one. */
static void test_no_scanner_after_all(void **state)
{
    for (int is_answered = 0; is_answered < 2; is_answered++) {
        struct bench *b = bench_new();
        const struct call_table *table = &b->calls.table;
        (void)state;
        scan(b, 0, 404);
        SAY(b, 20000, .user = "2000", .call = "n", .branch = "n");
        assert_int_equal(table->waiting, 0);
        assert_int_equal(table->waiting_of_scanners, 1);
        if (is_answered) {
            SAY(b, 20100, .call = "n", .branch = "n", .status = 200, .ttag = "t1");
            SAY(b, 29000, .method = "BYE", .call = "n", .branch = "m", .cseq = 2, .ttag = "t1");
        } else {
            SAY(b, 20500, .user = "2000", .call = "n", .branch = "n");
            assert_int_equal(table->waiting, 1);
            assert_int_equal(table->retransmitting, 1);
        }
        assert_int_equal(table->waiting_of_scanners, 0);
        bench_advance(b, 120000);
        assert_int_equal(table->waiting, 0);
        assert_int_equal(table->retransmitting, 0);
        const struct call_ended *last = &b->kept[b->count - 1].event.call_ended;
        assert_int_equal(b->kept[b->count - 1].event.type, EVENT_CALL_ENDED);
        assert_slice(last->call_id, "n");
        assert_false(last->is_of_scanner);
        bench_free(b);
    }
}

/* A PBX that is refused everything is told as one, until the first call of it rings. */
static void test_refused_and_accepted(void **state)
{
    struct bench *b = bench_new();
    struct endpoint alice = endpoint_of(ALICE);
    (void)state;
    scan(b, 0, 404);
    assert_int_equal(others_than(b, GW, CAROL, 20000).clients, 1);
    assert_int_equal(scanners_source(b->calls.scanners, &alice.ip, AT(20000)).len > 0, 1);
    scan(b, 20000, 180);
    assert_int_equal(scanners_source(b->calls.scanners, &alice.ip, AT(40000)).len > 0, 0);
    scan(b, 60000, 404);
    assert_int_equal(scanners_source(b->calls.scanners, &alice.ip, AT(80000)).len > 0, 0);
    bench_free(b);
}

/* Responses that nobody asked for, as anybody can send them in another's name. */
static void test_unasked(void **state)
{
    static const struct message forged[] = {
        {.method = "OPTIONS", .to = CAROL, .status = 503, .lines = "Retry-After: 60\r\n"},
        {.method = "OPTIONS", .to = CAROL, .status = 200},
        {.to = CAROL, .status = 503, .call = "nobody's"},
        {.to = CAROL, .status = 180, .call = "nobody's", .ttag = "g"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof forged / sizeof forged[0]; i++)
        for (enum transport transport = 0; transport < TRANSPORT_COUNT; transport++) {
            struct bench *b = bench_new();
            struct message m = forged[i];
            m.transport = transport;
            bench_give(b, &m);
            struct peers_others others = others_than(b, GW, ALICE, 20);
            assert_int_equal(others.refused, 0);
            assert_int_equal(others.clients, 0);
            assert_null(peer_at(b, GW)->answered_method);
            assert_int_equal(peer_at(b, GW)->answered_over_ns[transport], CALL_NO_TIME);
            bench_free(b);
        }
    struct bench *b = bench_new();
    SAY(b, 0, .method = "REGISTER", .from = PROXY, .to = GW, .status = 200);
    assert_true(!peer_at(b, GW) || peer_at(b, GW)->registered_ns == CALL_NO_TIME);
    bench_free(b);
}

/* Over a connection its request may be told much later, with all that came behind it: the responses
 * count then, each with its own time. */
static void test_asked_later(void **state)
{
    static const char *const methods[] = {"INVITE", "OPTIONS"};
    (void)state;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        struct bench *b = bench_new();
        const struct message request = {.ms = 0,
                                        .method = methods[i],
                                        .from = CAROL,
                                        .transport = TRANSPORT_TCP,
                                        .told_ms = 2000};
        SAY(b, 10, .method = methods[i], .to = CAROL, .status = 100, .transport = TRANSPORT_TCP);
        SAY(b, 20, .method = methods[i], .to = CAROL, .status = 180, .transport = TRANSPORT_TCP,
            .ttag = "g");
        assert_null(peer_at(b, GW)->answered_method);
        bench_give(b, &request);
        assert_string_equal(peer_at(b, GW)->answered_method, methods[i]);
        assert_int_equal(peer_at(b, GW)->answered_status, 180);
        assert_at(peer_at(b, GW)->answered_over_ns[TRANSPORT_TCP], 20);
        bench_free(b);
    }
}

/* A source whose INVITE is repeated wants an answer, whatever else comes in its name. */
static void test_scanner_in_anothers_name(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    for (int64_t ms = 0; ms < 40000; ms += 4000)
        scan(b, ms, 0);
    bench_ladder(b, 15000, 500, 7, ~0u, &(struct message){.call = "real", .branch = "real"});
    assert_int_equal(b->struggling, 1);
    bench_advance(b, 80000);
    size_t real = 0;
    for (size_t i = 0; i < b->count; i++) {
        const struct invite_unanswered *e = &b->kept[i].event.invite_unanswered;
        if (b->kept[i].event.type == EVENT_INVITE_UNANSWERED && e->transmissions == 7) {
            assert_int_equal(e->scanner.len, 0);
            real++;
        }
    }
    assert_int_equal(real, 1);
    bench_free(b);
}

/* Nor does a later packet make a scanner's INVITE of one. */
static void test_scanner_mark_added(void **state)
{
    struct bench *b = bench_new();
    (void)state;
    bench_ladder(b, 0, 500, 7, ~0u, &(struct message){.ftag = "a1"});
    SAY(b, 31600, .lines = "User-Agent: friendly-scanner\r\n", .from = CAROL);
    bench_advance(b, 80000);
    for (size_t i = 0; i < b->count; i++)
        if (b->kept[i].event.type == EVENT_INVITE_UNANSWERED &&
            b->kept[i].event.invite_unanswered.transmissions == 7)
            assert_int_equal(b->kept[i].event.invite_unanswered.scanner.len, 0);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registered),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_overload_control),
        cmocka_unit_test(test_challenges),
        cmocka_unit_test(test_scanner),
        cmocka_unit_test(test_scanner_by_behaviour),
        cmocka_unit_test(test_no_scanner_after_all),
        cmocka_unit_test(test_refused_and_accepted),
        cmocka_unit_test(test_unasked),
        cmocka_unit_test(test_asked_later),
        cmocka_unit_test(test_scanner_in_anothers_name),
        cmocka_unit_test(test_scanner_mark_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
