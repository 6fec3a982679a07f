/* What the sensor remembers of hosts: what each call changes, and what is forgotten when the tables
 * are full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "verdict/peer.h"

static struct endpoint at(uint8_t host, uint16_t port)
{
    return (struct endpoint){ip_from_v4((const uint8_t[4]){192, 0, 2, host}), port};
}

static struct peers *peers_new(size_t max_peers, size_t max_pairs)
{
    static struct peers peers;
    assert_int_equal(peers_init(&peers, max_peers, max_pairs), 0);
    return &peers;
}

/* What was seen between the two; zeroes where they are not known together. */
static struct pair_view between(const struct peers *peers, const struct ip_addr *client,
                                const struct ip_addr *server)
{
    struct pair_view view = {0};
    peers_find_pair(peers, client, server, &view);
    return view;
}

static bool are_known(const struct peers *peers, const struct ip_addr *x, const struct ip_addr *y)
{
    struct pair_view view;
    return peers_find_pair(peers, x, y, &view);
}

static void test_unknown(void **state)
{
    struct peers *peers = peers_new(8, 8);
    struct endpoint who = at(1, 5060);
    (void)state;
    assert_null(peers_find_host(peers, &who.ip));
    assert_null(peers_find_endpoint(peers, &who));
    assert_false(are_known(peers, &who.ip, &who.ip));
    /* A packet alone makes nobody a peer: the table would be full of what is no SIP host. */
    peers_saw_packet(peers, &who.ip, 100);
    assert_null(peers_find_host(peers, &who.ip));
    peers_fini(peers);
}

static void test_request(void **state)
{
    struct peers *peers = peers_new(8, 8);
    struct endpoint client = at(1, 5060), server = at(2, 5070);
    (void)state;
    peers_saw_request(peers, &client, &server, 0);
    const struct peer *host = peers_find_host(peers, &server.ip);
    const struct peer *endpoint = peers_find_endpoint(peers, &server);
    assert_non_null(host);
    assert_non_null(endpoint);
    assert_ptr_not_equal(host, endpoint);
    assert_false(host->has_sent);
    assert_false(host->has_answered);
    assert_null(peers_find_endpoint(peers, &client)); /* a client alone is no destination */
    assert_true(are_known(peers, &client.ip, &server.ip));
    assert_int_equal(between(peers, &client.ip, &server.ip).replies, 0);
    assert_int_equal(between(peers, &client.ip, &server.ip).inferred, 0);
    /* Of the destination any packet counts now. */
    peers_saw_packet(peers, &server.ip, 200);
    assert_true(host->has_sent);
    assert_int_equal(host->last_packet_ns, 200);
    assert_false(host->has_answered);
    peers_fini(peers);
}

/* A request back shows that the mirror carries that direction. */
static void test_request_back(void **state)
{
    struct peers *peers = peers_new(8, 8);
    struct endpoint a = at(1, 5060), b = at(2, 5060);
    (void)state;
    peers_saw_request(peers, &a, &b, 0);
    peers_saw_request(peers, &b, &a, 0);
    assert_int_equal(between(peers, &a.ip, &b.ip).replies, 1);
    assert_int_equal(between(peers, &b.ip, &a.ip).replies, 1); /* of b's own requests, a's */
    peers_fini(peers);
}

static void test_response(void **state)
{
    struct peers *peers = peers_new(8, 8);
    struct endpoint client = at(1, 5060), server = at(2, 5060), other_port = at(2, 5080);
    (void)state;
    peers_saw_request(peers, &client, &server, 0);
    peers_saw_request(peers, &client, &other_port, 0);
    peers_left_unanswered(peers, &client.ip, &server);
    peers_saw_response(peers, &server, &client, 200, "OPTIONS", true, 300);
    const struct peer *peer = peers_find_endpoint(peers, &server);
    assert_true(peer->has_answered);
    assert_int_equal(peer->responses, 1);
    assert_int_equal(peer->last_answer_ns, 300);
    assert_int_equal(peer->answered_status, 200);
    assert_string_equal(peer->answered_method, "OPTIONS");
    assert_true(endpoint_eq(&peer->answered_client, &client));
    assert_int_equal(peer->unanswered, 0); /* since its last answer */
    assert_true(peers_find_host(peers, &server.ip)->has_answered);
    assert_int_equal(peers_find_host(peers, &server.ip)->last_packet_ns, 300);
    assert_false(peers_find_endpoint(peers, &other_port)->has_answered);
    assert_int_equal(between(peers, &client.ip, &server.ip).replies, 1);
    assert_int_equal(peers->responses, 1);
    peers_fini(peers);
}

/* 503 and what answers nothing show that it lives, not that it answers others. */
static void test_what_is_no_answer(void **state)
{
    struct endpoint client = at(1, 5060), server = at(2, 5060);
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct peers *peers = peers_new(8, 8);
        peers_saw_request(peers, &client, &server, 0);
        peers_left_unanswered(peers, &client.ip, &server);
        peers_saw_response(peers, &server, &client, i ? 503 : 200, "INVITE", i == 1, 300);
        const struct peer *peer = peers_find_endpoint(peers, &server);
        assert_null(peer->answered_method);
        assert_int_equal(peer->last_answer_ns, 0);
        assert_int_equal(peer->unanswered, 1);
        assert_true(peers_find_host(peers, &server.ip)->has_sent);
        assert_int_equal(peers_find_host(peers, &server.ip)->last_packet_ns, 300);
        assert_int_equal(between(peers, &client.ip, &server.ip).replies, 1);
        peers_fini(peers);
    }
}

static void test_several_callers(void **state)
{
    struct peers *peers = peers_new(8, 8);
    struct endpoint a = at(1, 5060), b = at(2, 5060), server = at(9, 5060);
    (void)state;
    peers_left_unanswered(peers, &a.ip, &server); /* not known: nothing to tell of */
    assert_null(peers_find_endpoint(peers, &server));
    peers_saw_request(peers, &a, &server, 0);
    peers_left_unanswered(peers, &a.ip, &server);
    peers_left_unanswered(peers, &a.ip, &server);
    const struct peer *peer = peers_find_endpoint(peers, &server);
    assert_int_equal(peer->unanswered, 2);
    assert_false(peer->unanswered_callers_differ);
    peers_left_unanswered(peers, &b.ip, &server);
    assert_true(peer->unanswered_callers_differ);
    peers_left_unanswered(peers, &b.ip, &server);
    assert_true(peer->unanswered_callers_differ);
    assert_int_equal(peer->unanswered, 4);
    /* An answer wipes it; the first INVITE after that has one caller again. */
    peers_saw_response(peers, &server, &a, 404, "INVITE", true, 900);
    assert_int_equal(peer->unanswered, 0);
    assert_false(peer->unanswered_callers_differ);
    peers_left_unanswered(peers, &a.ip, &server);
    assert_false(peer->unanswered_callers_differ);
    peers_fini(peers);
}

static void test_inferred(void **state)
{
    struct peers *peers = peers_new(8, 8);
    struct endpoint a = at(1, 5060), server = at(9, 5060);
    (void)state;
    peers_inferred_answer(peers, &a.ip, &server.ip);
    peers_inferred_answer(peers, &a.ip, &server.ip);
    assert_int_equal(between(peers, &a.ip, &server.ip).inferred, 2);
    assert_int_equal(peers->inferred, 2);
    peers_fini(peers);
}

/* IPv4 and IPv6 addresses of the same octets are two hosts. */
static void test_versions_differ(void **state)
{
    struct peers *peers = peers_new(8, 8);
    struct endpoint client = at(1, 5060), four = at(2, 5060), six = four;
    (void)state;
    six.ip.version = 6;
    peers_saw_request(peers, &client, &four, 0);
    assert_non_null(peers_find_host(peers, &four.ip));
    assert_null(peers_find_host(peers, &six.ip));
    assert_null(peers_find_endpoint(peers, &six));
    peers_fini(peers);
}

/* Ten thousand destinations of a scanner: those quiet longest go, one that is used all the time
 * stays. */
static void test_forgetting(void **state)
{
    struct peers *peers = peers_new(30, 10);
    struct endpoint client = at(1, 5060), used = at(2, 5060);
    (void)state;
    peers_saw_response(peers, &used, &client, 200, "OPTIONS", true, 1);
    for (uint32_t i = 0; i < 10000; i++) {
        uint8_t octets[16] = {0x20, 0x01, 0x0d, 0xb8, [14] = (uint8_t)(i >> 8), (uint8_t)i};
        struct endpoint target = {ip_from_v6(octets), 5060};
        peers_saw_request(peers, &client, &target, 0);
        peers_saw_request(peers, &client, &used, 0);
        assert_non_null(peers_find_host(peers, &target.ip));
        assert_true(are_known(peers, &client.ip, &target.ip));
    }
    assert_int_equal(peers->peer_slab.used, 30);
    assert_int_equal(peers->pair_slab.used, 10);
    assert_int_equal(peers->peer_table.count, 30);
    assert_int_equal(peers->pair_table.count, 10);
    assert_true(peers_find_endpoint(peers, &used)->has_answered);
    assert_true(peers_find_host(peers, &used.ip)->has_answered);
    assert_int_equal(between(peers, &client.ip, &used.ip).replies, 1);
    /* Each target is a host, an endpoint and a pair. */
    assert_int_equal(peers->forgotten, 3 * 10000 + 3 - 40);
    peers_fini(peers);
}

/* Whoever was heard stays, however many who never were come after. */
static void test_silent_ones_are_forgotten_first(void **state)
{
    struct peers *peers = peers_new(16, 8);
    struct endpoint client = at(1, 5060), heard = at(2, 5060);
    (void)state;
    peers_saw_request(peers, &client, &heard, 5);
    peers_saw_response(peers, &heard, &client, 200, "OPTIONS", true, 10);
    for (uint32_t i = 0; i < 1000; i++) {
        uint8_t octets[16] = {0x20, 0x01, 0x0d, 0xb8, [14] = (uint8_t)(i >> 8), (uint8_t)i};
        struct endpoint target = {ip_from_v6(octets), 5060};
        peers_saw_request(peers, &client, &target, 20 + i);
    }
    assert_int_equal(peers_find_host(peers, &heard.ip)->known_since_ns, 5);
    assert_int_equal(peers_find_endpoint(peers, &heard)->last_answer_ns, 10);
    assert_int_equal(between(peers, &client.ip, &heard.ip).replies, 1);
    peers_fini(peers);
}

/* A peer that comes back after it was forgotten begins anew. */
static void test_forgotten_peer_is_fresh(void **state)
{
    struct peers *peers = peers_new(3, 1);
    struct endpoint a = at(1, 5060), b = at(2, 5060);
    (void)state;
    peers_saw_response(peers, &a, &b, 200, "OPTIONS", true, 5);
    for (uint8_t host = 100; host < 110; host++) {
        struct endpoint target = at(host, 5060);
        peers_saw_response(peers, &target, &b, 200, "OPTIONS", true, 9);
    }
    assert_null(peers_find_endpoint(peers, &a));
    peers_saw_request(peers, &b, &a, 0);
    assert_false(peers_find_endpoint(peers, &a)->has_answered);
    assert_int_equal(between(peers, &b.ip, &a.ip).replies, 0);
    peers_fini(peers);
}

static void test_no_memory(void **state)
{
    struct peers peers;
    (void)state;
    assert_true(peers_init(&peers, SIZE_MAX / 4096, 1) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_request_back),
        cmocka_unit_test(test_response),
        cmocka_unit_test(test_what_is_no_answer),
        cmocka_unit_test(test_several_callers),
        cmocka_unit_test(test_inferred),
        cmocka_unit_test(test_versions_differ),
        cmocka_unit_test(test_forgetting),
        cmocka_unit_test(test_silent_ones_are_forgotten_first),
        cmocka_unit_test(test_forgotten_peer_is_fresh),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
