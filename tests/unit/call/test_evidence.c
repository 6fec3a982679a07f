/* What is gathered of an INVITE that nothing answers: the early warning, its hops, where on the
 * mirror it was seen, responses that its client cannot know for its own. */
#include "call_bench.h"

#include "call/call_facts.h"
#include "call/hops.h"

static const struct message plain = {.method = "INVITE"};

static struct transaction *transaction_to(struct bench *b, const char *dst)
{
    struct endpoint endpoint = endpoint_of(dst);
    struct call *call =
        call_table_find(&b->calls.table, slice_str("call-1@example.com"), slice_str("a1"));
    assert_non_null(call);
    for (EACH_TRANSACTION(node, call))
        if (endpoint_eq(&transaction_at(node)->dst, &endpoint))
            return transaction_at(node);
    fail_msg("no transaction to %s", dst);
    return NULL;
}

static void read_facts(struct bench *b, const char *dst, struct unanswered_facts *facts)
{
    const struct transaction *t = transaction_to(b, dst);
    assert_non_null(t->findings);
    call_facts_read(&b->calls, t, t->findings, b->calls.now_ns, facts);
}

/* --- the early warning */

static void test_struggling_at_the_third(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    bench_ladder(b, 0, 500, 2, ~0u, &plain);
    bench_advance(b, 1499);
    assert_int_equal(b->struggling, 0);
    SAY(b, 1500, .method = "INVITE");
    assert_int_equal(b->struggling, 1);
    assert_at(b->warned.time_ns, 1500);
    assert_int_equal(b->warned.invite_unanswered.transmissions, 3);
    assert_int_equal(b->warned.invite_unanswered.waited_ns, 1500 * MS);
    assert_true(strlen(b->warned.id) == EVENT_ID_TEXT_MAX - 1);
    SAY(b, 3500, .method = "INVITE");
    SAY(b, 7500, .method = "INVITE");
    assert_int_equal(b->struggling, 1); /* once */
    bench_advance(b, 40000);
    assert_int_equal(bench_count(b, EVENT_INVITE_UNANSWERED), 1);
    assert_string_not_equal(bench_only(b, EVENT_INVITE_UNANSWERED)->event.id, b->warned.id);
    bench_free(b);
}

/* An answer, a copy at another place, TCP: none of them struggles. */
static void test_not_struggling(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    bench_ladder(b, 0, 500, 2, ~0u, &plain);
    SAY(b, 1400, .status = 100);
    SAY(b, 1500, .method = "INVITE");
    for (int i = 0; i < 5; i++)
        SAY(b, 2000 + 500 * i, .method = "INVITE", .transport = TRANSPORT_TCP, .call = "c2");
    for (int i = 0; i < 5; i++) /* behind a NAT */
        SAY(b, 5000, .method = "INVITE", .call = "c3", .sent_by = ALICE, .from = i ? CAROL : ALICE);
    assert_int_equal(b->struggling, 0);
    bench_free(b);
}

/* A response that went astray answers nothing. */
static void test_struggling_though_misdirected(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    bench_ladder(b, 0, 500, 2, ~0u, &plain);
    SAY(b, 1400, .status = 100, .to = CAROL);
    SAY(b, 1500, .method = "INVITE");
    assert_int_equal(b->struggling, 1);
    bench_free(b);
}

/* --- responses that do not count */

static void test_misdirected(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct unanswered_facts facts;
    SAY(b, 0, .method = "INVITE", .sent_by = "192.168.1.5:5070", .via_params = ";rport");
    SAY(b, 20, .status = 200, .to = "203.0.113.99:5060", .sent_by = "192.168.1.5:5070");
    read_facts(b, GW, &facts);
    assert_int_equal(facts.stray.count, 1);
    assert_int_equal(facts.stray.last_status, 200);
    assert_at(facts.stray.last_ns, 20);
    assert_endpoint(facts.stray.src, GW);
    assert_endpoint(facts.stray.dst, "203.0.113.99:5060");
    assert_endpoint(facts.stray.expected, ALICE); /* RFC 3581: where it came from */
    assert_true(facts.request.asked_rport);
    bench_free(b);
}

static void test_expected_without_rport(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct unanswered_facts facts;
    SAY(b, 0, .method = "INVITE", .sent_by = "192.168.1.5:5070");
    read_facts(b, GW, &facts);
    assert_endpoint(facts.stray.expected, "192.0.2.10:5070");
    assert_int_equal(facts.request.marks, REQUEST_PRIVATE_VIA | REQUEST_PORT_DIFFERS);
    bench_free(b);
}

static void test_mangled_via(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct unanswered_facts facts;
    SAY(b, 0, .method = "INVITE");
    SAY(b, 30, .status = 180, .branch = "other", .ttag = "g");
    read_facts(b, GW, &facts);
    assert_int_equal(facts.mangled.count, 1);
    assert_int_equal(facts.mangled.what, MANGLED_VIA);
    assert_int_equal(facts.mangled.last_status, 180);
    assert_endpoint(facts.mangled.src, GW);
    bench_free(b);
}

/* The other branch of a fork to the same host, whose request was missed: it has another port. */
static void test_other_fork_is_not_mangled(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct unanswered_facts facts;
    SAY(b, 0, .method = "INVITE");
    SAY(b, 30, .status = 180, .branch = "other", .from = "198.51.100.20:5080", .ttag = "g");
    read_facts(b, GW, &facts);
    assert_int_equal(facts.mangled.count, 0);
    bench_free(b);
}

static void test_mangled_call_id(void **state)
{
    static const struct {
        struct message response;
        unsigned mangled;
    } rows[] = {
        {{.status = 200, .call = "rewritten@198.51.100.20"}, 1},
        {{.status = 200, .call = "rewritten", .ftag = "z9"}, 0}, /* another call's */
        {{.status = 200, .call = "rewritten", .cseq = 7}, 0},
        {{.status = 200, .call = "rewritten", .branch = "b7"}, 0},
        {{.status = 200, .call = "rewritten", .from = GW2}, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench *b = bench_new();
        struct unanswered_facts facts;
        struct message response = rows[i].response;
        response.ms = 30;
        response.ttag = "g";
        SAY(b, 0, .method = "INVITE");
        bench_give(b, &response);
        read_facts(b, GW, &facts);
        if (facts.mangled.count != rows[i].mangled)
            fail_msg("row %zu: %u", i, facts.mangled.count);
        if (facts.mangled.count > 0)
            assert_int_equal(facts.mangled.what, MANGLED_CALL_ID);
        bench_free(b);
    }
}

/* --- hops */

static void say_hop(struct bench *b, int64_t ms, const char *from, const char *to, unsigned hop)
{
    char branch[8];
    snprintf(branch, sizeof branch, "h%u", hop);
    SAY(b, ms, .method = "INVITE", .from = from, .to = to, .branch = branch, .upstream = hop);
}

static void test_hops(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct unanswered_facts facts;
    say_hop(b, 0, ALICE, PROXY, 0);
    SAY(b, 5, .status = 100, .from = PROXY, .to = ALICE, .branch = "h0");
    say_hop(b, 10, PROXY, GW, 1);
    say_hop(b, 15, GW, GW2, 2);
    read_facts(b, GW, &facts);
    assert_int_equal(facts.hop.hops, 3);
    assert_false(facts.hop.is_last);
    assert_endpoint(facts.hop.last_src, GW);
    assert_endpoint(facts.hop.last_dst, GW2);
    assert_at(facts.hop.last_sent_ns, 15);
    assert_int_equal(facts.hop.last_status, 0);
    read_facts(b, GW2, &facts);
    assert_true(facts.hop.is_last);
    assert_int_equal(facts.hop.hops, 3);
    bench_free(b);
}

static void test_passed_on_by_others(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct unanswered_facts facts;
    for (int i = 0; i < 3; i++) {
        const char *const calls[] = {"p1", "p2", "p3"};
        SAY(b, 100 * i, .method = "INVITE", .to = PROXY, .call = calls[i]);
        SAY(b, 100 * i + 5, .method = "INVITE", .from = PROXY, .call = calls[i], .branch = "x",
            .upstream = 1);
        SAY(b, 100 * i + 9, .method = "INVITE", .from = PROXY, .call = calls[i], .branch = "x",
            .upstream = 1); /* again: the same one */
    }
    SAY(b, 1000, .method = "INVITE", .to = PROXY);
    read_facts(b, PROXY, &facts);
    assert_int_equal(facts.hop.others_passed_on, 3);
    assert_true(facts.hop.is_last);
    bench_free(b);
}

/* RFC 3261 section 16.7: a proxy whose next hop is silent makes a 408; or it forwards one. */
static void test_who_made_the_408(void **state)
{
    static const struct {
        bool is_passed_on, is_forwarded;
        const char *maker; /* NULL: nobody can tell */
    } rows[] = {{false, false, NULL}, {true, false, PROXY}, {true, true, GW}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench *b = bench_new();
        say_hop(b, 0, ALICE, PROXY, 0);
        SAY(b, 5, .status = 100, .from = PROXY, .branch = "h0");
        if (rows[i].is_passed_on)
            say_hop(b, 10, PROXY, GW, 1);
        if (rows[i].is_forwarded)
            SAY(b, 20000, .status = 408, .to = PROXY, .branch = "h1", .upstream = 1, .ttag = "g");
        SAY(b, 20010, .status = 408, .from = PROXY, .branch = "h0", .ttag = "g");
        SAY(b, 20020, .method = "ACK", .to = PROXY, .branch = "h0", .ttag = "g");
        bench_advance(b, 120000);
        const struct call_ended *ended = bench_ended(b);
        assert_int_equal(ended->final_status, 408);
        if (rows[i].maker)
            assert_endpoint(ended->timeout_made_by.endpoint, rows[i].maker);
        else
            assert_int_equal(ended->timeout_made_by.endpoint.ip.version, 0);
        bench_free(b);
    }
}

/* Credentials that are challenged again and again: a wrong password, where none is accepted. */
static void test_auth_attempts(void **state)
{
    static const struct {
        unsigned challenges, last_status, attempts;
    } rows[] = {{1, 401, 0}, {2, 407, 0}, {3, 401, 2}, {6, 407, 5}, {6, 200, 0}, {6, 403, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench *b = bench_new();
        for (unsigned n = 1; n <= rows[i].challenges; n++) {
            bool is_last = n == rows[i].challenges;
            char branch[8];
            snprintf(branch, sizeof branch, "c%u", n);
            SAY(b, 100 * n, .method = "INVITE", .cseq = n, .branch = branch,
                .lines = n > 1 ? "Authorization: Digest username=\"alice\"\r\n" : "");
            SAY(b, 100 * n + 20, .status = is_last ? rows[i].last_status : 401, .cseq = n,
                .branch = branch, .ttag = "g");
            SAY(b, 100 * n + 40, .method = "ACK", .cseq = n, .branch = branch, .ttag = "g");
        }
        if (rows[i].last_status == 200)
            SAY(b, 5000, .method = "BYE", .cseq = 9, .ttag = "g");
        bench_advance(b, 120000);
        assert_int_equal(bench_ended(b)->final_status, rows[i].last_status);
        assert_int_equal(bench_ended(b)->auth_attempts, rows[i].attempts);
        bench_free(b);
    }
}

/* The same call once more: elsewhere at once, or there again. */
static void test_other_attempts(void **state)
{
    static const struct {
        struct message next;
        bool went_elsewhere, answered_again;
    } rows[] = {
        {{.ms = 4000, .to = GW2, .cseq = 2, .branch = "n"}, true, false},
        {{.ms = 14000, .to = GW2, .cseq = 2, .branch = "n"}, false, false}, /* much later */
        {{.ms = 4000, .to = GW2, .from = CAROL, .cseq = 2, .branch = "n"}, false, false},
        {{.ms = 4000, .cseq = 2, .branch = "n"}, false, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench *b = bench_new();
        struct unanswered_facts facts;
        SAY(b, 0, .method = "INVITE");
        bench_give(b, &rows[i].next);
        SAY(b, 14100, .status = 200, .from = rows[i].next.to, .to = rows[i].next.from, .cseq = 2,
            .branch = "n", .ttag = "g");
        struct transaction *first = NULL;
        struct call *call =
            call_table_find(&b->calls.table, slice_str("call-1@example.com"), slice_str("a1"));
        for (EACH_TRANSACTION(node, call))
            if (transaction_at(node)->cseq == 1)
                first = transaction_at(node);
        assert_non_null(first);
        call_facts_read(&b->calls, first, first->findings, AT(15000), &facts);
        if (facts.hop.went_elsewhere != rows[i].went_elsewhere ||
            facts.hop.answered_again != rows[i].answered_again)
            fail_msg("row %zu", i);
        bench_free(b);
    }
}

/* Credentials of an earlier call show no challenge, nor does a CANCEL after a long ladder. */
static void test_not_inferred(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    const char *line = "Proxy-Authorization: Digest username=\"alice\"\r\n";
    SAY(b, 0, .method = "INVITE", .lines = line);
    SAY(b, 4000, .method = "INVITE", .lines = line, .cseq = 2, .branch = "b2");
    bench_ladder(b, 5000, 500, 6, ~0u, &(struct message){.call = "c2", .branch = "c2"});
    SAY(b, 25000, .method = "CANCEL", .call = "c2", .branch = "c2");
    bench_advance(b, 80000);
    assert_int_equal(bench_count(b, EVENT_INVITE_UNANSWERED), 3);
    assert_int_equal(b->calls.inferred_answers, 0);
    bench_free(b);
}

/* --- where on the mirror */

static void see_at(struct bench *b, int64_t ms, const char *call, uint16_t interface, uint16_t vlan,
                   bool is_copy)
{
    char text[2048];
    const struct message m = {.method = "INVITE", .call = call};
    struct datagram datagram = {
        .time_ns = AT(ms),
        .src = endpoint_of(ALICE),
        .dst = endpoint_of(GW),
        .payload = {.at = text},
        .interface = interface,
        .vlan = {vlan},
        .vlan_count = vlan > 0,
    };
    struct sip_msg *msg = malloc(sizeof *msg);
    assert_non_null(msg);
    datagram.payload.len = message_text(&m, ALICE, GW, text, sizeof text);
    assert_int_equal(sip_msg_parse(datagram.payload, false, msg), SIP_ACCEPTED);
    calls_packet(&b->calls, &datagram.src.ip, AT(ms));
    if (is_copy)
        calls_copy(&b->calls, &datagram, msg);
    else
        calls_message(&b->calls, &datagram, msg);
    free(msg);
}

static struct bench *bench_with_devices(void)
{
    static const char *const names[] = {"eth1", "eth2"};
    struct bench *b = bench_new();
    b->calls.places.names = names;
    b->calls.places.name_count = 2;
    return b;
}

static void test_places(void **state)
{
    (void)state;
    struct bench *b = bench_with_devices();
    struct unanswered_facts facts;
    char call[16];
    for (int i = 0; i < 20; i++) {
        snprintf(call, sizeof call, "q%d", i);
        see_at(b, 100 * i, call, 0, 20, false);
        see_at(b, 100 * i, call, 1, 0, true);
        SAY(b, 100 * i + 10, .status = 200, .call = call, .ttag = "g");
    }
    see_at(b, 5000, "call-1@example.com", 0, 20, false);
    see_at(b, 5000, "nobody's", 1, 0, true);
    read_facts(b, GW, &facts);
    assert_int_equal(facts.hop.seen_count, 1);
    assert_string_equal(facts.hop.seen[0].interface, "eth1");
    assert_int_equal(facts.hop.seen[0].vlan, 20);
    assert_non_null(facts.hop.missing.interface);
    assert_string_equal(facts.hop.missing.interface, "eth2");
    assert_int_equal(facts.hop.missing.vlan, EVENT_NO_VLAN);
    see_at(b, 5500, "call-1@example.com", 1, 0, true);
    read_facts(b, GW, &facts);
    assert_int_equal(facts.hop.seen_count, 2);
    assert_null(facts.hop.missing.interface);
    bench_free(b);
}

/* Interfaces that the others were seen on now and then are missed by nobody. */
static void test_places_that_come_and_go(void **state)
{
    (void)state;
    struct bench *b = bench_with_devices();
    struct unanswered_facts facts;
    char call[16];
    for (int i = 0; i < 20; i++) {
        snprintf(call, sizeof call, "q%d", i);
        see_at(b, 100 * i, call, 0, 0, false);
        if (i % 2)
            see_at(b, 100 * i, call, 1, 0, true);
        SAY(b, 100 * i + 10, .status = 200, .call = call, .ttag = "g");
    }
    see_at(b, 5000, "call-1@example.com", 0, 0, false);
    read_facts(b, GW, &facts);
    assert_null(facts.hop.missing.interface);
    bench_free(b);
}

/* More of them than are told apart are left out, and nothing is said of them. */
static void test_many_places(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct unanswered_facts facts;
    see_at(b, 0, "call-1@example.com", 0, 0, false);
    for (uint16_t vlan = 1; vlan < 100; vlan++)
        see_at(b, 0, "call-1@example.com", 0, vlan, true);
    read_facts(b, GW, &facts);
    assert_int_equal(facts.hop.seen_count, UNANSWERED_PLACES_MAX);
    bench_free(b);
}

/* Of a capture in files it does not matter in which of them a packet is. */
static void test_places_of_files(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct unanswered_facts facts;
    char call[16];
    for (int i = 0; i < 20; i++) {
        snprintf(call, sizeof call, "q%d", i);
        see_at(b, 100 * i, call, 0, 20, false);
        SAY(b, 100 * i + 10, .status = 200, .call = call, .ttag = "g");
    }
    see_at(b, 5000, "call-1@example.com", 1, 20, false);
    read_facts(b, GW, &facts);
    assert_null(facts.hop.missing.interface);
    assert_string_equal(facts.hop.seen[0].interface, "mirror");
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_struggling_at_the_third),
        cmocka_unit_test(test_not_struggling),
        cmocka_unit_test(test_struggling_though_misdirected),
        cmocka_unit_test(test_misdirected),
        cmocka_unit_test(test_expected_without_rport),
        cmocka_unit_test(test_mangled_via),
        cmocka_unit_test(test_other_fork_is_not_mangled),
        cmocka_unit_test(test_mangled_call_id),
        cmocka_unit_test(test_hops),
        cmocka_unit_test(test_passed_on_by_others),
        cmocka_unit_test(test_who_made_the_408),
        cmocka_unit_test(test_auth_attempts),
        cmocka_unit_test(test_other_attempts),
        cmocka_unit_test(test_not_inferred),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_places_that_come_and_go),
        cmocka_unit_test(test_places_of_files),
        cmocka_unit_test(test_many_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
