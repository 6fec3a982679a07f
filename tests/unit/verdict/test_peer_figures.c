/* What is remembered of how each destination answers: over what, whom, whose INVITEs and where they
 * were seen. */
#include "peer_bench.h"

/* By transport, and of the host by port too; the latest counts, though one is told late. */
static void test_answered_over(void **state)
{
    struct peers *peers = peers_new(8, 8);
    struct endpoint client = at(1, 5060), sip = at(2, 5060), sips = at(2, 5061);
    (void)state;
    peers_saw_request(peers, &client, &sip, 0);
    const struct peer *peer = peers_find_endpoint(peers, &sip);
    const struct peer *host = peers_find_host(peers, &sip.ip);
    for (int transport = 0; transport < TRANSPORT_COUNT; transport++)
        assert_true(peer->answered_over_ns[transport] == EVENT_NO_TIME);
    struct peers_response response = {
        .src = sips, .dst = client, .transport = TRANSPORT_TLS, .status = 404, .answers = true};
    response.method = "INVITE";
    peers_saw_response(peers, &response, 300);
    saw_response(peers, &sip, &client, 503, "INVITE", true, 310);
    saw_response(peers, &sip, &client, 200, "INVITE", false, 320);
    assert_int_equal(host->answered_over_ns[TRANSPORT_TLS], 300);
    assert_int_equal(host->answered_port[TRANSPORT_TLS], 5061);
    assert_true(host->answered_over_ns[TRANSPORT_UDP] == EVENT_NO_TIME);
    assert_true(peer->answered_over_ns[TRANSPORT_TLS] == EVENT_NO_TIME);
    saw_response(peers, &sip, &client, 100, "INVITE", true, 400);
    saw_response(peers, &sip, &client, 200, "OPTIONS", true, 350);
    assert_int_equal(host->answered_over_ns[TRANSPORT_UDP], 400);
    assert_int_equal(peer->answered_over_ns[TRANSPORT_UDP], 400);
    assert_int_equal(peer->answered_port[TRANSPORT_UDP], 5060);
    assert_int_equal(peer->answered_transport, TRANSPORT_UDP);
    assert_int_equal(peer->answered_status, 100);
    assert_int_equal(peers_find_endpoint(peers, &sips)->answered_transport, TRANSPORT_TLS);
    peers_fini(peers);
}

/* Where a telephone registered is known, though nobody asked it anything. */
static void test_registered(void **state)
{
    struct peers *peers = peers_new(8, 8);
    struct endpoint phone = at(1, 49152), other = at(3, 49153), registrar = at(2, 5060);
    (void)state;
    saw_response(peers, &registrar, &phone, 401, "REGISTER", true, 100);
    assert_null(peers_find_endpoint(peers, &phone));
    saw_response(peers, &registrar, &phone, 200, "REGISTER", true, 200);
    saw_response(peers, &registrar, &other, 200, "OPTIONS", true, 210);
    assert_int_equal(peers_find_endpoint(peers, &phone)->registered_ns, 200);
    assert_non_null(peers_find_host(peers, &phone.ip));
    assert_false(peers_find_endpoint(peers, &phone)->has_answered);
    assert_null(peers_find_endpoint(peers, &other));
    assert_true(peers_find_endpoint(peers, &registrar)->registered_ns == EVENT_NO_TIME);
    /* It is not forgotten for what never said a word, though it was asked in vain. */
    peers_saw_request(peers, &registrar, &phone, 290);
    for (uint8_t host = 100; host < 200; host++) {
        struct endpoint target = at(host, 5060);
        peers_saw_request(peers, &phone, &target, 300);
    }
    assert_int_equal(peers_find_endpoint(peers, &phone)->registered_ns, 200);
    peers_clock_step(peers, 1000);
    assert_int_equal(peers_find_endpoint(peers, &phone)->registered_ns, 1200);
    peers_fini(peers);
}

/* Who answers a scanner is alive, and in sight; how it answers others that does not show. */
static void test_answers_to_scanners(void **state)
{
    struct peers *peers = peers_new(8, 8);
    struct endpoint scanner = at(1, 5060), carol = at(3, 5060), server = at(2, 5060);
    (void)state;
    saw_response(peers, &server, &carol, 200, "INVITE", true, 50);
    const struct peer *peer = peers_find_endpoint(peers, &server);
    const struct peer *host = peers_find_host(peers, &server.ip);
    const struct peer before = *peer;
    left_unanswered(peers, &carol.ip, &server);
    struct peers_response response = {.src = server,
                                      .dst = scanner,
                                      .transport = TRANSPORT_TCP,
                                      .method = "REGISTER",
                                      .is_register = true,
                                      .answers = true,
                                      .is_of_scanner = true};
    for (uint16_t status = 200; status <= 600; status++) {
        response.status = status;
        peers_saw_response(peers, &response, 100 + status);
    }
    assert_int_equal(host->last_packet_ns, 700);
    assert_int_equal(peers->responses, 402);
    assert_int_equal(between(peers, &scanner.ip, &server.ip).replies, 401);
    assert_true(between(peers, &scanner.ip, &server.ip).answered_ns == EVENT_NO_TIME);
    assert_int_equal(peer->unanswered, 1);
    assert_int_equal(peer->responses, 1);
    assert_int_equal(peer->last_answer_ns, 50);
    assert_true(endpoint_eq(&peer->answered_client, &carol));
    assert_memory_equal(peer->answered_over_ns, before.answered_over_ns,
                        sizeof before.answered_over_ns);
    assert_true(host->answered_over_ns[TRANSPORT_TCP] == EVENT_NO_TIME);
    assert_null(peer->answers);
    assert_null(peers_find_endpoint(peers, &scanner));
    peers_fini(peers);
}

static void test_answered_this_client(void **state)
{
    struct peers *peers = peers_new(8, 8);
    struct endpoint a = at(1, 5060), b = at(2, 5060);
    (void)state;
    for (int i = 0; i < 2; i++) { /* either may sort first */
        const struct endpoint *client = i ? &b : &a, *server = i ? &a : &b;
        peers_saw_request(peers, client, server, 0);
        assert_true(between(peers, &client->ip, &server->ip).answered_ns == EVENT_NO_TIME);
        saw_response(peers, server, client, 404, "INVITE", true, 300);
        saw_response(peers, server, client, 200, "INVITE", true, 200);  /* told late */
        saw_response(peers, server, client, 200, "INVITE", false, 400); /* astray */
        assert_int_equal(between(peers, &client->ip, &server->ip).answered_ns, 300);
        assert_int_equal(between(peers, &client->ip, &server->ip).answered_status, 404);
        saw_response(peers, server, client, 503, "INVITE", true, 500);
        assert_int_equal(between(peers, &client->ip, &server->ip).answered_status, 503);
    }
    peers_clock_step(peers, -100);
    assert_int_equal(between(peers, &a.ip, &b.ip).answered_ns, 400);
    assert_int_equal(between(peers, &b.ip, &a.ip).answered_ns, 400);
    peers_fini(peers);
}

static void test_invites(void **state)
{
    struct peers *peers = peers_new(8, 8);
    struct endpoint a = at(1, 5060), b = at(2, 5060), c = at(3, 5060);
    (void)state;
    peers_saw_request(peers, &b, &a, 0);
    const struct peers_invite invites[] = {
        {.is_answered = true, .octets = 900},
        {.is_answered = true, .is_repeated = true, .octets = 1200},
        {.is_answered = true, .octets = 4000, .transport = TRANSPORT_TCP},
        {.octets = 2000},
        {.octets = 2000, .stopped_early = true},
        {.octets = 2000, .is_repeated = true},
        {.octets = 2000, .is_repeated = true, .stopped_early = true},
        {.is_answered = true, .status = 299, .octets = 1000},
        {.is_answered = true, .status = 300, .octets = 1100},
        {.is_repeated = true},
    };
    for (size_t i = 0; i < sizeof invites / sizeof invites[0]; i++) {
        struct peers_invite invite = invites[i];
        invite.client = b.ip;
        invite.server = a;
        peers_saw_invite(peers, &invite, 100);
        invite.client = c.ip; /* was never seen with it */
        peers_saw_invite(peers, &invite, 100);
    }
    struct pair_view view = between(peers, &b.ip, &a.ip);
    assert_int_equal(view.invites, 10);
    assert_int_equal(view.invites_repeated, 1);
    assert_int_equal(view.invites_unanswered, 5);
    assert_int_equal(view.invites_stopped, 2);
    assert_int_equal(between(peers, &a.ip, &b.ip).invites, 0);
    assert_false(are_known(peers, &c.ip, &a.ip));
    const struct peer *peer = peers_find_endpoint(peers, &a);
    assert_int_equal(peer->answered_octets_max, 1200);
    assert_int_equal(peer->unanswered, 10);
    assert_int_equal(peer->unanswered_repeated, 4);
    assert_true(peer->unanswered_callers_differ);
    assert_int_equal(peer->answers->delays, 8); /* not of those that were refused */
    saw_response(peers, &a, &b, 200, "INVITE", true, 200);
    assert_int_equal(peer->unanswered, 0);
    assert_int_equal(peer->unanswered_repeated, 0);
    peers_fini(peers);
}

/* Where INVITEs are always seen is known from eight on; then one that was elsewhere counts at once.
 */
static void test_places(void **state)
{
    struct peers *peers = peers_new(8, 8);
    struct endpoint a = at(1, 5060), b = at(2, 5060);
    struct peers_invite invite = {.client = a.ip, .server = b, .is_answered = true, .places = 7};
    (void)state;
    peers_saw_request(peers, &a, &b, 0);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(between(peers, &a.ip, &b.ip).places, 0);
        invite.places = i == 3 ? 6 : 7;
        peers_saw_invite(peers, &invite, i);
    }
    assert_int_equal(between(peers, &a.ip, &b.ip).places, 6);
    invite.places = 3;
    peers_saw_invite(peers, &invite, 10);
    assert_int_equal(between(peers, &a.ip, &b.ip).places, 2);
    invite.is_answered = false; /* says nothing: it was not seen where it should have been */
    invite.places = 0;
    peers_saw_invite(peers, &invite, 10);
    assert_int_equal(between(peers, &a.ip, &b.ip).places, 2);
    invite.is_answered = true; /* eight elsewhere, and the past is forgotten */
    invite.places = 8;
    for (int i = 0; i < 15; i++)
        peers_saw_invite(peers, &invite, 20);
    assert_int_equal(between(peers, &a.ip, &b.ip).places, 8);
    peers_fini(peers);
}

static void test_passed_on(void **state)
{
    struct peers *peers = peers_new(8, 8);
    struct endpoint a = at(1, 5060), proxy = at(2, 5060);
    (void)state;
    peers_passed_on(peers, &proxy.ip);
    assert_null(peers_find_host(peers, &proxy.ip));
    peers_saw_request(peers, &a, &proxy, 0);
    peers_passed_on(peers, &proxy.ip);
    assert_int_equal(peers_find_host(peers, &proxy.ip)->passed_on, 1);
    peers_fini(peers);
}

/* A flood of INVITEs from forged addresses, to one that answers and to many that do not exist,
 * costs nobody who answered what is known of him. */
static void test_flood(void **state)
{
    struct peers *peers = peers_new(64, 32);
    struct endpoint client = at(1, 5060), server = at(2, 5060);
    struct peers_invite invite = {.client = client.ip, .server = server, .is_answered = true};
    (void)state;
    peers_saw_request(peers, &client, &server, 1);
    saw_response(peers, &server, &client, 200, "INVITE", true, 10);
    peers_saw_invite(peers, &invite, 10);
    invite.is_answered = false;
    for (uint32_t i = 0; i < 200000; i++) {
        uint8_t octets[16] = {
            0x20, 0x01, 0x0d, 0xb8, [13] = (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
        struct endpoint forged = {ip_from_v6(octets), 5060};
        invite.client = forged.ip;
        peers_saw_request(peers, &forged, &server, 20 + i);
        peers_saw_invite(peers, &invite, 20 + i);
        peers_saw_request(peers, &client, &forged, 20 + i);
    }
    assert_int_equal(peers_find_host(peers, &server.ip)->known_since_ns, 1);
    assert_int_equal(peers_find_endpoint(peers, &server)->last_answer_ns, 10);
    assert_int_equal(between(peers, &client.ip, &server.ip).invites, 1);
    assert_int_equal(between(peers, &client.ip, &server.ip).answered_ns, 10);
    assert_int_equal(peers_find_endpoint(peers, &server)->answers->delays, 1);
    assert_int_equal(peers->peer_slab.used, 64);
    assert_int_equal(peers->pair_slab.used, 32);
    assert_int_equal(peers->answers.slab.used, 1);
    peers_fini(peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answered_over),
        cmocka_unit_test(test_registered),
        cmocka_unit_test(test_answers_to_scanners),
        cmocka_unit_test(test_answered_this_client),
        cmocka_unit_test(test_invites),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_passed_on),
        cmocka_unit_test(test_flood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
