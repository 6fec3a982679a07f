/* What the sensor remembers of hosts: what each call changes, and what is forgotten when the tables
 * are full. */
#include "peer_bench.h"

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
    left_unanswered(peers, &client.ip, &server);
    saw_response(peers, &server, &client, 200, "OPTIONS", true, 300);
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
        left_unanswered(peers, &client.ip, &server);
        saw_response(peers, &server, &client, i ? 503 : 200, "INVITE", i == 1, 300);
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
    left_unanswered(peers, &a.ip, &server); /* not known: nothing to tell of */
    assert_null(peers_find_endpoint(peers, &server));
    peers_saw_request(peers, &a, &server, 0);
    left_unanswered(peers, &a.ip, &server);
    left_unanswered(peers, &a.ip, &server);
    const struct peer *peer = peers_find_endpoint(peers, &server);
    assert_int_equal(peer->unanswered, 2);
    assert_false(peer->unanswered_callers_differ);
    left_unanswered(peers, &b.ip, &server);
    assert_true(peer->unanswered_callers_differ);
    left_unanswered(peers, &b.ip, &server);
    assert_true(peer->unanswered_callers_differ);
    assert_int_equal(peer->unanswered, 4);
    /* An answer wipes it; the first INVITE after that has one caller again. */
    saw_response(peers, &server, &a, 404, "INVITE", true, 900);
    assert_int_equal(peer->unanswered, 0);
    assert_false(peer->unanswered_callers_differ);
    left_unanswered(peers, &a.ip, &server);
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
    saw_response(peers, &used, &client, 200, "OPTIONS", true, 1);
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
    saw_response(peers, &heard, &client, 200, "OPTIONS", true, 10);
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
    saw_response(peers, &a, &b, 200, "OPTIONS", true, 5);
    for (uint8_t host = 100; host < 110; host++) {
        struct endpoint target = at(host, 5060);
        saw_response(peers, &target, &b, 200, "OPTIONS", true, 9);
    }
    assert_null(peers_find_endpoint(peers, &a));
    peers_saw_request(peers, &b, &a, 0);
    assert_false(peers_find_endpoint(peers, &a)->has_answered);
    assert_int_equal(between(peers, &b.ip, &a.ip).replies, 0);
    peers_fini(peers);
}

/* Whether an address is known is remembered for the next packet, and must be right then too. */
static void test_packets_follow_the_table(void **state)
{
    struct peers *peers = peers_new(2, 8);
    struct endpoint a = at(1, 5060), b = at(2, 5060), c = at(3, 5060);
    (void)state;
    for (int64_t round = 1; round < 10; round++) {
        int64_t now_ns = round * 1000;
        /* Unknown, then known: from the next packet on it is alive. */
        peers_saw_packet(peers, &a.ip, now_ns);
        peers_saw_packet(peers, &a.ip, now_ns);
        assert_null(peers_find_host(peers, &a.ip));
        peers_saw_request(peers, &c, &a, now_ns);
        assert_false(peers_find_host(peers, &a.ip)->has_sent);
        peers_saw_packet(peers, &a.ip, now_ns + 1);
        peers_saw_packet(peers, &a.ip, now_ns + 2);
        assert_true(peers_find_host(peers, &a.ip)->has_sent);
        assert_int_equal(peers_find_host(peers, &a.ip)->last_packet_ns, now_ns + 2);
        /* Known, then forgotten for another: what it sends is not the other's. */
        peers_saw_request(peers, &c, &b, now_ns);
        assert_null(peers_find_host(peers, &a.ip));
        peers_saw_packet(peers, &a.ip, now_ns + 3);
        assert_false(peers_find_host(peers, &b.ip)->has_sent);
        peers_saw_packet(peers, &b.ip, now_ns + 4);
        assert_int_equal(peers_find_host(peers, &b.ip)->last_packet_ns, now_ns + 4);
    }
    peers_fini(peers);
}

/* Many more addresses than are remembered, half of them known: each packet is its sender's. */
static void test_packets_of_many_hosts(void **state)
{
    enum { HOSTS = 40000, PEERS = 2 * HOSTS };
    struct peers *peers = peers_new(PEERS, HOSTS);
    struct endpoint client = at(1, 5060);
    (void)state;
    for (uint32_t round = 0; round < 3; round++)
        for (uint32_t i = 0; i < HOSTS; i++) {
            uint8_t octets[16] = {0x20, 0x01, 0x0d, 0xb8, [14] = (uint8_t)(i >> 8), (uint8_t)i};
            struct endpoint host = {ip_from_v6(octets), 5060};
            if (round == 0 && i % 2)
                peers_saw_request(peers, &client, &host, 0);
            host.ip.version = i % 4 == 3 ? 4 : 6; /* the same octets, but nobody's */
            peers_saw_packet(peers, &host.ip, (int64_t)round * HOSTS + i);
            host.ip.version = 6;
            const struct peer *peer = peers_find_host(peers, &host.ip);
            assert_int_equal(peer != NULL, i % 2);
            if (peer)
                assert_int_equal(peer->last_packet_ns, i % 4 == 3 ? 0 : (int64_t)round * HOSTS + i);
        }
    peers_fini(peers);
}

/* One that sends media all the time is not forgotten, though hosts that answer once come and go,
 * at any pace that is slower than the table is large in a tenth of a second. */
static void test_packets_keep_a_host(void **state)
{
    struct peers *peers = peers_new(64, 64);
    struct endpoint client = at(1, 5060), media = at(2, 5060);
    int64_t now_ns = 0;
    (void)state;
    saw_response(peers, &media, &client, 200, "OPTIONS", true, 0);
    for (uint32_t i = 0; i < 5000; i++) {
        uint8_t octets[16] = {0x20, 0x01, 0x0d, 0xb8, [14] = (uint8_t)(i >> 8), (uint8_t)i};
        struct endpoint other = {ip_from_v6(octets), 5060};
        now_ns += 5000000;
        saw_response(peers, &other, &client, 200, "OPTIONS", true, now_ns);
        peers_saw_packet(peers, &media.ip, now_ns);
        assert_non_null(peers_find_host(peers, &media.ip));
        assert_int_equal(peers_find_host(peers, &media.ip)->last_packet_ns, now_ns);
        if (i == 2500) { /* and over a clock that was set */
            peers_clock_step(peers, -now_ns);
            now_ns = 0;
        }
    }
    /* When it is quiet, it goes like the others. */
    for (uint8_t host = 100; host < 140; host++) {
        struct endpoint other = at(host, 5060);
        saw_response(peers, &other, &client, 200, "OPTIONS", true, now_ns + 1);
    }
    assert_null(peers_find_host(peers, &media.ip));
    peers_fini(peers);
}

/* Times of hostile stamps, both ends of what fits. */
static void test_packets_at_any_time(void **state)
{
    static const int64_t times_ns[] = {INT64_MAX, INT64_MIN, 0, INT64_MIN, INT64_MAX, -1};
    struct peers *peers = peers_new(8, 8);
    struct endpoint client = at(1, 5060), server = at(2, 5060);
    (void)state;
    peers_saw_request(peers, &client, &server, 0);
    for (size_t i = 0; i < sizeof times_ns / sizeof times_ns[0]; i++) {
        peers_saw_packet(peers, &server.ip, times_ns[i]);
        assert_int_equal(peers_find_host(peers, &server.ip)->last_packet_ns, times_ns[i]);
    }
    peers_clock_step(peers, INT64_MIN);
    peers_saw_packet(peers, &server.ip, 5);
    assert_int_equal(peers_find_host(peers, &server.ip)->last_packet_ns, 5);
    peers_fini(peers);
}

static void assert_conversations(const struct peers *peers, uint64_t pairs, uint64_t one_way,
                                 uint64_t proven)
{
    assert_int_equal(peers->conversations.pairs, pairs);
    assert_int_equal(peers->conversations.one_way, one_way);
    assert_int_equal(peers->conversations.proven, proven);
}

static void test_conversations(void **state)
{
    struct peers *peers = peers_new(16, 16);
    struct endpoint a = at(1, 5060), b = at(2, 5060), c = at(3, 5060), other_port = at(1, 5070);
    (void)state;
    /* Either of the two may sort first. */
    for (int i = 0; i < 2; i++) {
        const struct endpoint *client = i ? &c : &a, *server = i ? &b : &c;
        uint64_t before = i ? 1 : 0;
        peers_saw_request(peers, client, server, 0);
        assert_conversations(peers, before + 1, 1, 0);
        peers_saw_request(peers, client, server, 0);
        assert_conversations(peers, before + 1, 1, 0);
        /* An answer to what was not asked in sight says nothing of the direction that is missing.
         */
        peers_inferred_answer(peers, &server->ip, &client->ip);
        assert_conversations(peers, before + 1, 1, 0);
        peers_inferred_answer(peers, &client->ip, &server->ip);
        assert_conversations(peers, before + 1, 1, 1);
        peers_inferred_answer(peers, &client->ip, &server->ip);
        assert_conversations(peers, before + 1, 1, 1);
        saw_response(peers, server, client, 200, "OPTIONS", true, 0);
        assert_conversations(peers, before + 1, 0, 0);
        peers_inferred_answer(peers, &client->ip, &server->ip);
        assert_conversations(peers, before + 1, 0, 0);
    }
    /* Known only from what is inferred: nobody spoke. Then a response without a request. */
    peers_inferred_answer(peers, &a.ip, &b.ip);
    assert_conversations(peers, 2, 0, 0);
    saw_response(peers, &b, &a, 200, "OPTIONS", true, 0);
    assert_conversations(peers, 3, 1, 0);
    peers_inferred_request(peers, &b.ip, &a.ip); /* the other way round */
    assert_conversations(peers, 3, 1, 0);
    peers_inferred_request(peers, &a.ip, &b.ip);
    assert_conversations(peers, 3, 1, 1);
    peers_saw_request(peers, &a, &b, 0);
    assert_conversations(peers, 3, 0, 0);
    /* Within one host directions look the same. */
    peers_saw_request(peers, &a, &other_port, 0);
    peers_inferred_answer(peers, &a.ip, &a.ip);
    assert_conversations(peers, 3, 0, 0);
    peers_fini(peers);
}

/* After any history the figures are those of the pairs that are remembered. */
static void test_conversations_when_forgetting(void **state)
{
    struct peers *peers = peers_new(64, 6);
    uint32_t random = 1;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        random = random * 1664525 + 1013904223;
        struct endpoint x = at((uint8_t)(random >> 24 & 3), 5060);
        struct endpoint y = at((uint8_t)(4 + (random >> 20 & 3)), 5060);
        bool back = random >> 16 & 1;
        if ((random >> 12 & 3) == 0)
            peers_inferred_answer(peers, back ? &y.ip : &x.ip, back ? &x.ip : &y.ip);
        else
            peers_saw_request(peers, back ? &y : &x, back ? &x : &y, i);
        struct peers_conversations expected = {0};
        for (int heard = 0; heard < 2; heard++)
            for (struct list *node = peers->pair_age[heard].next; node != &peers->pair_age[heard];
                 node = node->next) {
                const struct pair *pair = CONTAINER_OF(node, struct pair, age);
                bool there = pair->a_to_b.messages > 0, here = pair->b_to_a.messages > 0;
                expected.pairs += there || here;
                expected.one_way += there != here;
                expected.proven += (there && !here && pair->a_to_b.inferred > 0) ||
                                   (here && !there && pair->b_to_a.inferred > 0);
            }
        assert_conversations(peers, expected.pairs, expected.one_way, expected.proven);
    }
    assert_true(peers->forgotten > 1000);
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
        cmocka_unit_test(test_packets_follow_the_table),
        cmocka_unit_test(test_packets_of_many_hosts),
        cmocka_unit_test(test_packets_keep_a_host),
        cmocka_unit_test(test_packets_at_any_time),
        cmocka_unit_test(test_conversations),
        cmocka_unit_test(test_conversations_when_forgetting),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
