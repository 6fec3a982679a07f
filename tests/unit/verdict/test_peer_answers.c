/* How a destination has been answering others: whom, how often with 503, and how fast. */
#include "peer_bench.h"

#define MS INT64_C(1000000)
#define S  (1000 * MS)

/* Some moment: nothing may depend on where minutes begin. */
#define T0 (INT64_C(1767225617) * S)

static struct endpoint server, alice, bob, carol;

static struct peers *with_server(void)
{
    struct peers *peers = peers_new(640, 64);
    server = at(1, 5060);
    alice = at(10, 5060);
    bob = at(11, 5060);
    carol = at(12, 5060);
    peers_saw_request(peers, &alice, &server, T0);
    return peers;
}

static struct peers_others others_than(const struct peers *peers, const struct endpoint *client,
                                       int64_t since_ns, int64_t now_ns)
{
    struct peers_others others;
    memset(&others, 0x5a, sizeof others);
    peers_read_others(peers, &server, TRANSPORT_UDP, &client->ip, since_ns, now_ns, &others);
    return others;
}

/* An INVITE of client's, answered now after so long. */
static void answers_invite(struct peers *peers, const struct endpoint *client, int64_t delay_ns,
                           int64_t last_delay_ns, int64_t now_ns)
{
    struct peers_invite invite = {.client = client->ip,
                                  .server = server,
                                  .is_answered = true,
                                  .is_repeated = last_delay_ns != delay_ns,
                                  .delay_ns = delay_ns,
                                  .last_delay_ns = last_delay_ns};
    peers_saw_invite(peers, &invite, now_ns);
}

static void test_nothing_known(void **state)
{
    struct peers *peers = with_server();
    struct peers_others others = {.clients = 3};
    struct endpoint unknown = at(99, 5060);
    (void)state;
    assert_false(
        peers_read_others(peers, &unknown, TRANSPORT_UDP, &alice.ip, INT64_MIN, T0, &others));
    assert_int_equal(others.clients, 0);
    assert_false(
        peers_read_others(peers, &server, TRANSPORT_UDP, &alice.ip, INT64_MIN, T0, &others));
    peers_fini(peers);
}

static void test_clients(void **state)
{
    struct peers *peers = with_server();
    (void)state;
    saw_response(peers, &server, &bob, 200, "OPTIONS", true, T0 + S);
    assert_int_equal(others_than(peers, &alice, T0, T0 + 9 * S).clients, 1);
    assert_int_equal(others_than(peers, &alice, T0 + S, T0 + 9 * S).clients, 1);
    assert_int_equal(others_than(peers, &alice, T0 + S + 1, T0 + 9 * S).clients, 0);
    assert_int_equal(others_than(peers, &bob, T0, T0 + 9 * S).clients, 0);
    assert_null(peers_find_endpoint(peers, &server)->answers); /* nothing to be kept for one */
    /* Each once, in whatever order they come; 503, strays and other transports are none. */
    saw_response(peers, &server, &carol, 404, "INVITE", true, T0 + 2 * S);
    saw_response(peers, &server, &bob, 100, "INVITE", true, T0 + 3 * S);
    saw_response(peers, &server, &carol, 180, "INVITE", true, T0 + 4 * S);
    struct endpoint refused = at(13, 5060), astray = at(14, 5060), late = at(15, 5060);
    saw_response(peers, &server, &refused, 503, "INVITE", true, T0 + 5 * S);
    saw_response(peers, &server, &astray, 200, "INVITE", false, T0 + 5 * S);
    assert_int_equal(others_than(peers, &alice, T0, T0 + 9 * S).clients, 2);
    assert_int_equal(others_than(peers, &carol, T0, T0 + 9 * S).clients, 1);
    assert_int_equal(others_than(peers, &alice, T0 + 3 * S + 1, T0 + 9 * S).clients, 1);
    saw_response(peers, &server, &late, 200, "OPTIONS", true, T0 + 3 * S + 1);
    assert_int_equal(others_than(peers, &alice, T0 + 3 * S + 1, T0 + 9 * S).clients, 2);
    assert_true(endpoint_eq(&peers_find_endpoint(peers, &server)->answered_client, &carol));
    struct peers_response over_tcp = {.src = server,
                                      .dst = at(16, 5060),
                                      .transport = TRANSPORT_TCP,
                                      .status = 200,
                                      .method = "INVITE",
                                      .answers = true};
    peers_saw_response(peers, &over_tcp, T0 + 6 * S);
    assert_int_equal(others_than(peers, &alice, T0, T0 + 9 * S).clients, 3);
    struct peers_others others;
    assert_true(peers_read_others(peers, &server, TRANSPORT_TCP, &alice.ip, T0, T0, &others));
    assert_int_equal(others.clients, 1);
    assert_false(others.client_too);
    assert_true(others_than(peers, &carol, T0, T0 + 9 * S).client_too);
    assert_true(others_than(peers, &bob, T0 + 3 * S, T0 + 9 * S).client_too);
    assert_false(others_than(peers, &bob, T0 + 3 * S + 1, T0 + 9 * S).client_too);
    peers_read_others(peers, &server, TRANSPORT_TCP, &over_tcp.dst.ip, T0 + 6 * S, T0, &others);
    assert_true(others.client_too);
    assert_int_equal(others.clients, 0);
    peers_fini(peers);
}

/* Many, who come round: four are counted, and the one that asks does not hide them. */
static void test_many_clients(void **state)
{
    struct peers *peers = with_server();
    (void)state;
    for (int i = 0; i < 100; i++) {
        struct endpoint client = at((uint8_t)(20 + i % 20), 5060);
        saw_response(peers, &server, &client, 200, "OPTIONS", true, T0 + i * S);
        saw_response(peers, &server, &alice, 200, "OPTIONS", true, T0 + i * S);
    }
    assert_int_equal(others_than(peers, &alice, T0, T0 + 100 * S).clients, 4);
    assert_int_equal(others_than(peers, &alice, T0 + 98 * S, T0 + 100 * S).clients, 2);
    assert_int_equal(others_than(peers, &bob, T0 + 98 * S, T0 + 100 * S).clients, 3);
    peers_fini(peers);
}

static void refuses(struct peers *peers, const struct endpoint *client, uint32_t retry_after_s,
                    int64_t now_ns)
{
    const struct peers_response response = {.src = server,
                                            .dst = *client,
                                            .status = 503,
                                            .method = "INVITE",
                                            .answers = true,
                                            .retry_after_s = retry_after_s};
    peers_saw_response(peers, &response, now_ns);
}

static void test_refused(void **state)
{
    struct peers *peers = with_server();
    (void)state;
    refuses(peers, &bob, 120, T0);
    refuses(peers, &carol, 0, T0 + S);
    struct peers_others others = others_than(peers, &alice, T0, T0 + 2 * S);
    assert_int_equal(others.refused, 2);
    assert_int_equal(others.last_refused_ns, T0 + S);
    assert_true(ip_eq(&others.refused_client, &carol.ip));
    assert_int_equal(others.retry_after_s, 120);
    assert_int_equal(others.clients, 0);
    others = others_than(peers, &carol, T0, T0 + 2 * S);
    assert_int_equal(others.refused, 1);
    assert_true(ip_eq(&others.refused_client, &bob.ip));
    /* Of the minute before only. */
    assert_int_equal(others_than(peers, &alice, T0, T0 + 60 * S).refused, 2);
    others = others_than(peers, &alice, T0, T0 + 60 * S + 1);
    assert_int_equal(others.refused, 1);
    assert_int_equal(others.retry_after_s, 0);
    assert_int_equal(others_than(peers, &alice, T0, T0 + 61 * S + 1).refused, 0);
    assert_int_equal(others_than(peers, &alice, T0, T0 - 1).refused, 0);
    /* One who insists hides nobody. */
    refuses(peers, &bob, 30, T0 + 100 * S);
    refuses(peers, &carol, 0, T0 + 101 * S);
    for (int i = 0; i < 1000; i++)
        refuses(peers, &alice, 0, T0 + 102 * S + i * MS);
    assert_int_equal(others_than(peers, &alice, T0, T0 + 110 * S).refused, 2);
    assert_int_equal(others_than(peers, &bob, T0, T0 + 110 * S).refused, 5);
    peers_clock_step(peers, -10 * S);
    assert_int_equal(others_than(peers, &alice, T0, T0 + 100 * S).last_refused_ns, T0 + 91 * S);
    peers_fini(peers);
}

/* Ten minutes in which everybody is answered after usual_ns, then a minute after slow_ns. */
static void slows_down(struct peers *peers, int64_t usual_ns, int64_t slow_ns)
{
    for (int i = 0; i < 600; i += 10)
        answers_invite(peers, i % 20 ? &bob : &carol, usual_ns, usual_ns, T0 + i * S);
    for (int i = 600; i < 660; i += 10)
        answers_invite(peers, &bob, slow_ns, slow_ns, T0 + i * S);
}

static void test_slow(void **state)
{
    static const struct {
        int64_t usual_ms, slow_ms;
        bool is_slow;
    } cases[] = {
        {100, 501, true}, {100, 500, false},  {101, 504, false},  {101, 505, true},
        {10, 450, false}, {0, 600, true},     {400, 1999, false}, {400, 2000, true},
        {30, 30, false},  {1000, 100, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct peers *peers = with_server();
        slows_down(peers, cases[i].usual_ms * MS, cases[i].slow_ms * MS);
        struct peers_others others = others_than(peers, &alice, T0, T0 + 660 * S);
        if (others.is_slow != cases[i].is_slow)
            fail_msg("%d ms after %d ms", (int)cases[i].slow_ms, (int)cases[i].usual_ms);
        if (others.is_slow) {
            assert_int_equal(others.median_ns, cases[i].slow_ms * MS);
            assert_int_equal(others.usual_median_ns, cases[i].usual_ms * MS);
            assert_int_equal(others.delays, 6);
        }
        assert_false(others_than(peers, &bob, T0, T0 + 660 * S).is_slow); /* nobody else */
        peers_clock_step(peers, 3600 * S);
        assert_int_equal(others_than(peers, &alice, T0, T0 + 4260 * S).is_slow, cases[i].is_slow);
        assert_false(others_than(peers, &alice, T0, T0 + 660 * S).is_slow);
        peers_fini(peers);
    }
}

/* Of one client, who may be forged, or of several. */
static void test_slow_to_several(void **state)
{
    struct peers *peers = with_server();
    (void)state;
    for (int i = 0; i < 10; i++)
        answers_invite(peers, i & 1 ? &bob : &carol, 20 * MS, 20 * MS, T0 + i * S);
    for (int i = 0; i < 8; i++)
        answers_invite(peers, &bob, 900 * MS, 900 * MS, T0 + (200 + i) * S);
    answers_invite(peers, &carol, 20 * MS, 20 * MS, T0 + 208 * S);
    answers_invite(peers, &alice, 900 * MS, 900 * MS, T0 + 208 * S);
    assert_true(others_than(peers, &alice, T0, T0 + 210 * S).is_slow);
    assert_false(others_than(peers, &alice, T0, T0 + 210 * S).is_slow_to_several);
    answers_invite(peers, &carol, 900 * MS, 900 * MS, T0 + 209 * S);
    assert_true(others_than(peers, &alice, T0, T0 + 210 * S).is_slow_to_several);
    peers_fini(peers);
}

/* What is not enough to say so. */
static void test_too_few(void **state)
{
    for (int usual = 8; usual < 12; usual++)
        for (int late = 3; late < 7; late++) {
            struct peers *peers = with_server();
            (void)state;
            for (int i = 0; i < usual; i++)
                answers_invite(peers, &bob, 20 * MS, 20 * MS, T0 + i * S);
            for (int i = 0; i < late; i++)
                answers_invite(peers, &bob, 900 * MS, 900 * MS, T0 + (200 + i) * S);
            assert_int_equal(others_than(peers, &alice, T0, T0 + 210 * S).is_slow,
                             usual >= 10 && late >= 5);
            /* Neither is what was long ago, nor what is still to come. */
            assert_false(others_than(peers, &alice, T0, T0 + 270 * S).is_slow);
            assert_false(others_than(peers, &alice, T0, T0 + 190 * S).is_slow);
            peers_fini(peers);
        }
}

/* What was slow for most of ten minutes is usual. */
static void test_gets_used_to_it(void **state)
{
    struct peers *peers = with_server();
    (void)state;
    slows_down(peers, 20 * MS, 800 * MS);
    for (int i = 660; i < 1500; i += 10) {
        answers_invite(peers, &bob, 800 * MS, 800 * MS, T0 + i * S);
        if (i < 900 || i > 1100)
            assert_int_equal(others_than(peers, &alice, T0, T0 + i * S).is_slow, i < 900);
    }
    peers_fini(peers);
}

/* Over UDP who is answered after 500 ms has sent again: was the answer late, or what was asked
 * first lost? */
static void test_repeated(void **state)
{
    for (int is_loss = 0; is_loss < 2; is_loss++) {
        struct peers *peers = with_server();
        (void)state;
        slows_down(peers, 20 * MS, 20 * MS);
        for (int i = 0; i < 20; i++) /* 0.9 s; loss: the second sending, at once */
            answers_invite(peers, &bob, is_loss ? 520 * MS : 900 * MS, is_loss ? 20 * MS : 400 * MS,
                           T0 + (660 + i) * S);
        struct peers_others others = others_than(peers, &alice, T0, T0 + 680 * S);
        assert_int_equal(others.is_slow, !is_loss);
        if (others.is_slow)
            assert_int_equal(others.median_ns, 900 * MS);
        peers_fini(peers);
    }
}

/* A busy one: what is kept are samples, and they tell the same. */
static void test_many_delays(void **state)
{
    struct peers *peers = with_server();
    uint32_t random = 1;
    (void)state;
    for (int i = 0; i < 66000; i++) {
        random = random * 1664525 + 1013904223;
        int64_t delay_ns = (10 + (random >> 24) % 80) * MS; /* 10 to 89, by the median 49 */
        if (i >= 60000)
            delay_ns += 1000 * MS;
        else if (i / 100 % 60 >= 40) /* the end of each minute weighs no more than the rest */
            delay_ns = 400 * MS;
        answers_invite(peers, i % 2 ? &bob : &carol, delay_ns, delay_ns, T0 + (int64_t)i * 10 * MS);
    }
    struct peers_others others = others_than(peers, &alice, T0, T0 + 660 * S);
    assert_true(others.is_slow);
    assert_int_equal(others.delays, 64);
    assert_in_range(others.median_ns / MS, 1035, 1065);
    assert_in_range(others.usual_median_ns / MS, 55, 85); /* three quarters of the 10 to 89 */
    peers_fini(peers);
}

/* Who calls more than all others together does not hide how these are answered. */
static void test_one_busy_client(void **state)
{
    struct peers *peers = with_server();
    (void)state;
    slows_down(peers, 20 * MS, 900 * MS);
    unsigned delays = others_than(peers, &alice, T0, T0 + 660 * S).delays;
    assert_true(delays > 0);
    for (int i = 0; i < 1000; i++)
        answers_invite(peers, &alice, i * MS, i * MS, T0 + 660 * S + i * MS);
    struct peers_others others = others_than(peers, &alice, T0, T0 + 660 * S);
    assert_true(others.is_slow);
    assert_int_equal(others.delays, delays);
    /* Of his own the latest are known. */
    const struct peer *peer = peers_find_endpoint(peers, &server);
    int64_t oldest_us = INT64_MAX;
    unsigned own = 0;
    for (int i = 0; i < ANSWERS_DELAYS; i++) {
        const struct answer_delay *delay = &peer->answers->delay[i];
        if (!ip_eq(&delay->client, &alice.ip))
            continue;
        own++;
        oldest_us = delay->first_us < oldest_us ? delay->first_us : oldest_us;
    }
    assert_int_equal(own, ANSWERS_DELAYS_EACH);
    assert_int_equal(oldest_us / 1000, 1000 - ANSWERS_DELAYS_EACH);
    peers_fini(peers);
}

/* Full: the destination that was quiet longest loses its figures, and only these. */
static void test_room(void **state)
{
    struct peers *peers = with_server();
    struct endpoint busy = server;
    (void)state;
    slows_down(peers, 20 * MS, 900 * MS);
    for (int i = 0; i < 200; i++) {
        server = at((uint8_t)(40 + i), 5080);
        peers_saw_request(peers, &alice, &server, T0 + 660 * S);
        answers_invite(peers, &bob, 20 * MS, 20 * MS, T0 + 660 * S);
        server = busy;
        if (i < 150)
            answers_invite(peers, &bob, 900 * MS, 900 * MS, T0 + 660 * S);
        if (i == 149)
            assert_true(others_than(peers, &alice, T0, T0 + 661 * S).is_slow);
    }
    assert_int_equal(peers->answers.slab.used, peers->answers.slab.capacity);
    assert_int_equal(peers->answers.forgotten, 201 - peers->answers.slab.capacity);
    const struct peer *peer = peers_find_endpoint(peers, &server);
    assert_non_null(peer);
    assert_null(peer->answers);
    assert_false(others_than(peers, &alice, T0, T0 + 661 * S).is_slow);
    peers_fini(peers);
}

/* The figures of a destination that is forgotten go with it, and those of others stay theirs. */
static void test_forgotten_with_its_peer(void **state)
{
    struct peers *peers = peers_new(6, 8);
    (void)state;
    alice = at(10, 5060);
    for (int i = 0; i < 1000; i++) {
        server = at((uint8_t)(i * 7), 5060);
        saw_response(peers, &server, &alice, 200, "OPTIONS", true, T0 + i);
        refuses(peers, &alice, 1, T0 + i);
        unsigned kept = 0;
        for (int heard = 0; heard < 2; heard++)
            for (struct list *node = peers->peer_age[heard].next; node != &peers->peer_age[heard];
                 node = node->next) {
                const struct peer *peer = CONTAINER_OF(node, struct peer, age);
                kept += peer->answers != NULL;
                if (peer->answers)
                    assert_ptr_equal(peer->answers->owner, &peer->answers);
            }
        assert_int_equal(kept, peers->answers.slab.used);
        assert_in_range(kept, 1, 3);
    }
    assert_int_equal(peers->answers.forgotten, 0);
    peers_fini(peers);
}

/* Times of hostile stamps, both ends of what fits. */
static void test_any_time(void **state)
{
    static const int64_t times_ns[] = {INT64_MAX, INT64_MIN, 0, INT64_MIN + 1, INT64_MAX, -1, 5};
    enum { TIMES = sizeof times_ns / sizeof times_ns[0] };
    struct peers *peers = with_server();
    (void)state;
    for (int i = 0; i < TIMES * TIMES; i++) {
        int64_t now_ns = times_ns[i % TIMES], delay_ns = times_ns[i / TIMES];
        answers_invite(peers, &bob, delay_ns, now_ns, now_ns);
        refuses(peers, &carol, UINT32_MAX, now_ns);
        saw_response(peers, &server, i % 2 ? &bob : &carol, 200, "INVITE", true, now_ns);
        for (int k = 0; k < TIMES; k++)
            others_than(peers, &alice, delay_ns, times_ns[k]);
        peers_clock_step(peers, delay_ns);
    }
    peers_fini(peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_known),
        cmocka_unit_test(test_clients),
        cmocka_unit_test(test_many_clients),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_slow),
        cmocka_unit_test(test_slow_to_several),
        cmocka_unit_test(test_too_few),
        cmocka_unit_test(test_gets_used_to_it),
        cmocka_unit_test(test_repeated),
        cmocka_unit_test(test_many_delays),
        cmocka_unit_test(test_one_busy_client),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_forgotten_with_its_peer),
        cmocka_unit_test(test_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
