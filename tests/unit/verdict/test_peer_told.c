/* What a destination told its clients: to send less, to come back later, to log in; and how many
 * INVITEs it answered only when they were sent again. */
#include "verdict/peer_told.h"

#include "peer_bench.h"

#define MS INT64_C(1000000)
#define S  (1000 * MS)
#define T0 (INT64_C(1767225617) * S)

static struct endpoint server, alice, bob;

static struct peers *with_server(void)
{
    struct peers *peers = peers_new(640, 64);
    server = at(1, 5060);
    alice = at(10, 5060);
    bob = at(11, 5060);
    peers_saw_request(peers, &alice, &server, T0);
    return peers;
}

static struct peers_response to(const struct endpoint *client, uint16_t status, uint64_t request)
{
    return (struct peers_response){.src = server,
                                   .dst = *client,
                                   .status = status,
                                   .method = "INVITE",
                                   .request_hash = request,
                                   .to_credentials = true,
                                   .answers = true};
}

/* Of alice's request, sent at sent_ns and given up 32 s later. */
static struct peers_told told_to_alice(const struct peers *peers, int64_t sent_ns)
{
    struct peers_told told;
    memset(&told, 0x5a, sizeof told);
    peers_read_told(peers, &server, &alice.ip, sent_ns, sent_ns + 32 * S, &told);
    return told;
}

static void says_control_to(struct peers *peers, const struct endpoint *client, uint8_t percent,
                            uint32_t validity_ms, int64_t now_ns)
{
    struct peers_response response = to(client, 200, 1);
    response.has_oc = true;
    response.oc_percent = percent;
    response.oc_validity_ms = validity_ms;
    peers_saw_response(peers, &response, now_ns);
}

static void says_control(struct peers *peers, uint8_t percent, uint32_t validity_ms, int64_t now_ns)
{
    says_control_to(peers, &bob, percent, validity_ms, now_ns);
}

static void test_nothing_told(void **state)
{
    struct peers *peers = with_server();
    const struct peers_told none = {0};
    (void)state;
    struct peers_told told = told_to_alice(peers, T0);
    assert_memory_equal(&told, &none, sizeof told);
    server = at(99, 5060);
    told = told_to_alice(peers, T0);
    assert_memory_equal(&told, &none, sizeof told);
    peers_fini(peers);
}

static void test_control(void **state)
{
    static const struct {
        uint32_t validity_ms;
        int64_t sent_after_ns;
        bool is_active;
    } rows[] = {
        {500, 0, true},
        {500, 28 * S, true}, /* 60 s before it was given up */
        {500, 28 * S + 1, false},
        {500, -1, true}, /* while it waited */
        {90000, 90 * S, true},
        {90000, 90 * S + 1, false},
        {UINT32_MAX, 300 * S, true}, /* for no more than five minutes, whatever it says */
        {UINT32_MAX, 300 * S + 1, false},
        {0, 0, false}, /* RFC 7339 section 4.3: no more */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct peers *peers = with_server();
        says_control(peers, 40, rows[i].validity_ms, T0);
        struct peers_told told = told_to_alice(peers, T0 + rows[i].sent_after_ns);
        if (told.shed_percent != (rows[i].is_active ? 40 : 0))
            fail_msg("row %zu: %u", i, told.shed_percent);
        if (rows[i].is_active) {
            assert_int_equal(told.shed_ns, T0);
            assert_int_equal(told.shed_validity_ms,
                             rows[i].validity_ms < 300000 ? rows[i].validity_ms : 300000);
            assert_true(ip_eq(&told.shed_client, &bob.ip));
        }
        peers_fini(peers);
    }
}

static void test_latest_control(void **state)
{
    struct peers *peers = with_server();
    struct peers_response astray = to(&bob, 200, 1);
    (void)state;
    says_control(peers, 40, 60000, T0);
    says_control(peers, 70, 60000, T0 - S); /* told late */
    assert_int_equal(told_to_alice(peers, T0).shed_percent, 40);
    astray.has_oc = true;
    astray.oc_percent = 90;
    astray.oc_validity_ms = 60000;
    astray.answers = false; /* nobody asked for it */
    peers_saw_response(peers, &astray, T0 + S);
    astray.answers = astray.is_of_scanner = true;
    peers_saw_response(peers, &astray, T0 + S);
    assert_int_equal(told_to_alice(peers, T0 + S).shed_percent, 40);
    peers_clock_step(peers, 1000 * S);
    assert_int_equal(told_to_alice(peers, T0 + 1000 * S).shed_ns, T0 + 1000 * S);
    says_control(peers, 0, 60000, T0 + 1002 * S);
    assert_int_equal(told_to_alice(peers, T0 + 1002 * S).shed_percent, 0);
    peers_fini(peers);
}

/* Each client is told its own. The latest counts, but what this one was told itself comes first. */
static void test_control_of_each(void **state)
{
    struct peers *peers = with_server();
    const struct endpoint carol = at(12, 5060);
    (void)state;
    says_control(peers, 40, 60000, T0);
    says_control_to(peers, &carol, 0, 60000, T0 + S); /* means nobody else */
    struct peers_told told = told_to_alice(peers, T0 + S);
    assert_int_equal(told.shed_percent, 40);
    assert_int_equal(told.overload_clients, 1);
    says_control_to(peers, &carol, 50, 60000, T0 + 2 * S);
    assert_int_equal(told_to_alice(peers, T0 + 2 * S).shed_percent, 50);
    says_control_to(peers, &alice, 10, 60000, T0 + S);
    told = told_to_alice(peers, T0 + 2 * S);
    assert_int_equal(told.shed_percent, 10);
    assert_true(ip_eq(&told.shed_client, &alice.ip));
    assert_int_equal(told.overload_clients, 3);
    assert_true(told.overload_client_too);
    says_control_to(peers, &carol, 0, 60000, T0 + 3 * S);
    says_control_to(peers, &alice, 0, 60000, T0 + 3 * S);
    told = told_to_alice(peers, T0 + 3 * S);
    assert_int_equal(told.shed_percent, 40);
    assert_int_equal(told.overload_clients, 1);
    assert_false(told.overload_client_too);
    for (uint8_t i = 0; i < 8; i++) {
        const struct endpoint other = at((uint8_t)(50 + i), 5060);
        says_control_to(peers, &other, i, 60000, T0 + (4 + i) * S);
    }
    told = told_to_alice(peers, T0 + 12 * S);
    assert_int_equal(told.shed_percent, 7);
    assert_int_equal(told.overload_clients, 4); /* so many are kept */
    peers_fini(peers);
}

static void test_overload_clients(void **state)
{
    struct peers *peers = with_server();
    struct peers_response refusal = to(&bob, 503, 1);
    (void)state;
    peers_saw_response(peers, &refusal, T0);
    peers_saw_response(peers, &refusal, T0 + S);
    says_control(peers, 40, 500, T0 + S);
    struct peers_told told = told_to_alice(peers, T0 + S);
    assert_int_equal(told.overload_clients, 1);
    assert_false(told.overload_client_too);
    refusal.dst = alice;
    peers_saw_response(peers, &refusal, T0 + 2 * S);
    told = told_to_alice(peers, T0 + 2 * S);
    assert_int_equal(told.overload_clients, 2);
    assert_true(told.overload_client_too);
    assert_int_equal(told_to_alice(peers, T0 + 30 * S).overload_clients, 1);
    assert_int_equal(told_to_alice(peers, T0 + 31 * S).overload_clients, 0);
    peers_fini(peers);
}

/* Whoever was answered since is no longer turned away. */
static void test_retry_after_is_over(void **state)
{
    static const struct {
        uint16_t status;
        int64_t at_ns;
        bool is_alice, is_over;
    } rows[] = {
        {200, T0 + S, true, true},  {100, T0 + S, true, false}, {401, T0 + S, true, true},
        {200, T0 - S, true, false}, {503, T0 + S, true, false}, {200, T0 + S, false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct peers *peers = with_server();
        struct peers_response response = to(&alice, 503, 1);
        response.retry_after_s = 600;
        peers_saw_response(peers, &response, T0);
        response = to(rows[i].is_alice ? &alice : &bob, rows[i].status, 2);
        peers_saw_response(peers, &response, rows[i].at_ns);
        if ((told_to_alice(peers, T0 + 2 * S).retry_after_s == 0) != rows[i].is_over)
            fail_msg("row %zu", i);
        peers_fini(peers);
    }
}

static void test_retry_after(void **state)
{
    struct peers *peers = with_server();
    struct peers_response refusal = to(&bob, 503, 1);
    (void)state;
    refusal.retry_after_s = 600;
    peers_saw_response(peers, &refusal, T0);
    assert_int_equal(told_to_alice(peers, T0 + S).retry_after_s, 0);
    refusal.dst = alice;
    refusal.retry_after_s = 0;
    peers_saw_response(peers, &refusal, T0);
    assert_int_equal(told_to_alice(peers, T0 + S).retry_after_s, 0);
    refusal.retry_after_s = 120;
    peers_saw_response(peers, &refusal, T0);
    refusal.retry_after_s = 20;
    peers_saw_response(peers, &refusal, T0 + 30 * S);
    assert_int_equal(told_to_alice(peers, T0 - 1).retry_after_s, 0);
    assert_int_equal(told_to_alice(peers, T0).retry_after_s, 120);
    assert_int_equal(told_to_alice(peers, T0 + 40 * S).retry_after_s, 20);
    assert_int_equal(told_to_alice(peers, T0 + 40 * S).retry_after_ns, T0 + 30 * S);
    assert_int_equal(told_to_alice(peers, T0 + 51 * S).retry_after_s, 120);
    assert_int_equal(told_to_alice(peers, T0 + 51 * S).retry_after_ns, T0);
    assert_int_equal(told_to_alice(peers, T0 + 120 * S + 1).retry_after_s, 0);
    peers_fini(peers);
}

static void test_sendings(void **state)
{
    const struct {
        struct peers_invite invite;
        unsigned invites, repeated;
    } rows[] = {
        {{.is_answered = true, .status = 100}, 1, 0},
        {{.is_answered = true, .status = 404}, 1, 0},
        {{.is_answered = true, .status = 100, .is_repeated = true, .last_delay_ns = 250 * MS},
         1,
         1},
        {{.is_answered = true, .status = 401, .is_repeated = true}, 1, 1},
        /* Late, maybe not lost. */
        {{.is_answered = true, .status = 100, .is_repeated = true, .last_delay_ns = 251 * MS},
         1,
         0},
        {{.is_repeated = true}, 0, 0}, /* who knows why */
        {{.is_answered = true, .status = 100, .transport = TRANSPORT_TCP}, 0, 0},
    };
    struct peers *peers = with_server();
    unsigned invites = 1, repeated = 0;
    struct peers_invite invite = {.client = bob.ip, .server = server, .is_answered = true};
    (void)state;
    peers_saw_invite(peers, &invite, T0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        invite = rows[i].invite;
        invite.client = bob.ip;
        invite.server = server;
        peers_saw_invite(peers, &invite, T0 + (int64_t)i * S);
        invites += rows[i].invites;
        repeated += rows[i].repeated;
        struct peers_told told = told_to_alice(peers, T0 + 20 * S);
        assert_int_equal(told.invites, invites);
        assert_int_equal(told.invites_repeated, repeated);
    }
    assert_int_equal(told_to_alice(peers, T0 + 628 * S).invites, invites); /* 11 minutes ago */
    assert_int_equal(told_to_alice(peers, T0 + 629 * S).invites, 0);
    peers_fini(peers);
}

/* The rest is told without the client that had to repeat the most, even where it comes after more
 * than are counted apart. */
static void test_sendings_of_rest(void **state)
{
    struct peers *peers = with_server();
    struct peers_invite invite = {.server = server, .is_answered = true};
    (void)state;
    invite.client = bob.ip;
    peers_saw_invite(peers, &invite, T0); /* makes it worth to be remembered */
    for (uint8_t i = 0; i < 20; i++) {
        invite.client = at((uint8_t)(100 + i), 5060).ip;
        peers_saw_invite(peers, &invite, T0);
    }
    invite.is_repeated = true;
    peers_saw_invite(peers, &invite, T0);
    for (int i = 0; i < 240; i++) {
        invite.client = alice.ip;
        invite.is_repeated = i % 3 > 0;
        peers_saw_invite(peers, &invite, T0 + i * S);
    }
    invite.is_repeated = true;
    invite.client = bob.ip;
    peers_saw_invite(peers, &invite, T0 + 240 * S);
    struct peers_told told = told_to_alice(peers, T0 + 240 * S);
    assert_int_equal(told.invites, 263);
    assert_int_equal(told.invites_repeated, 162);
    assert_int_equal(told.invites_of_rest, 24); /* alice's first came before she repeated any */
    assert_int_equal(told.invites_repeated_of_rest, 2);
    peers_fini(peers);
}

static void test_login(void **state)
{
    static const struct {
        uint16_t status;
        uint64_t request;
        bool is_options;
        unsigned challenges; /* then */
    } rows[] = {
        {401, 1, false, 1}, {401, 1, false, 1}, /* the same again */
        {407, 2, false, 2}, {200, 9, true, 2},  {401, 9, true, 2},  {100, 3, false, 2},
        {403, 3, false, 2}, {404, 3, false, 2}, {500, 3, false, 2}, {401, 3, false, 3},
        {183, 4, false, 0}, {407, 4, false, 1}, {486, 4, false, 0}, {407, 4, false, 1},
        {603, 4, false, 0}, {401, 4, false, 1}, {200, 4, false, 0},
    };
    struct peers *peers = with_server();
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct peers_response response = to(&alice, rows[i].status, rows[i].request);
        response.is_options = rows[i].is_options;
        peers_saw_response(peers, &response, T0 + (int64_t)i);
        if (between(peers, &alice.ip, &server.ip).challenges != rows[i].challenges)
            fail_msg("row %zu: %u", i, between(peers, &alice.ip, &server.ip).challenges);
        if (i == 9)
            assert_int_equal(between(peers, &alice.ip, &server.ip).challenged_ns, T0 + 9);
        assert_int_equal(between(peers, &server.ip, &alice.ip).challenges, 0);
    }
    for (uint32_t i = 0; i < 10; i++) { /* as every log-in begins */
        struct peers_response response = to(&alice, 401, 100 + i);
        response.to_credentials = false;
        peers_saw_response(peers, &response, T0);
        assert_int_equal(between(peers, &alice.ip, &server.ip).challenges, 0);
    }
    for (uint32_t i = 0; i < 70000; i++) {
        struct peers_response response = to(&alice, 401, i);
        peers_saw_response(peers, &response, T0);
    }
    assert_int_equal(between(peers, &alice.ip, &server.ip).challenges, UINT16_MAX);
    peers_clock_step(peers, S);
    assert_int_equal(between(peers, &alice.ip, &server.ip).challenged_ns, T0 + S);
    peers_fini(peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_told),
        cmocka_unit_test(test_control),
        cmocka_unit_test(test_latest_control),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_sendings),
        cmocka_unit_test(test_login),
        cmocka_unit_test(test_control_of_each),
        cmocka_unit_test(test_overload_clients),
        cmocka_unit_test(test_retry_after_is_over),
        cmocka_unit_test(test_sendings_of_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
