#include "call/open_requests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define MS INT64_C(1000000)
#define S  (1000 * MS)
#define T0 (INT64_C(1767225600) * S)

/* Some of what is bounded inside. */
enum { WAYS = 8, BUCKETS = 4096, EARLY_DATAGRAMS = 16, EARLY_ON_STREAMS = 256 };

static struct open_requests requests;
static const struct endpoint client = {{.octets = {[10] = 0xff, 0xff, 192, 0, 2, 10}, .version = 4},
                                       5060};
static const struct endpoint server = {
    {.octets = {[10] = 0xff, 0xff, 198, 51, 100, 20}, .version = 4}, 5060};

static int set_up(void **state)
{
    (void)state;
    return open_requests_init(&requests);
}

static int tear_down(void **state)
{
    (void)state;
    open_requests_fini(&requests);
    return 0;
}

/* A message of OPTIONS number `number`, as far as is looked at here. */
struct message {
    char branch[24];
    struct sip_msg msg;
};

static const struct sip_msg *message(struct message *m, unsigned number)
{
    int len = snprintf(m->branch, sizeof m->branch, "z9hG4bK%u", number);
    m->msg = (struct sip_msg){
        .method = SIP_OPTIONS, .cseq = 1, .top_via.branch = {.at = m->branch, .len = (size_t)len}};
    return &m->msg;
}

static struct datagram from(const struct endpoint *src, enum transport transport, int64_t time_ns)
{
    return (struct datagram){.src = *src,
                             .dst = src == &client ? server : client,
                             .transport = transport,
                             .time_ns = time_ns};
}

static void add(unsigned number, int64_t time_ns)
{
    struct message m;
    struct datagram request = from(&client, TRANSPORT_UDP, time_ns);
    open_requests_add(&requests, &request, message(&m, number));
}

static bool has(unsigned number, int64_t time_ns)
{
    struct message m;
    struct datagram response = from(&server, TRANSPORT_UDP, time_ns);
    return open_requests_find(&requests, &response, message(&m, number)) != 0;
}

static void wait_for(unsigned number, enum transport transport, uint16_t status, int64_t time_ns)
{
    struct message m;
    struct datagram datagram = from(&server, transport, time_ns);
    const struct peers_response response = {.status = status, .transport = transport};
    open_requests_wait(&requests, &datagram, message(&m, number), &response);
}

/* The status of the next that waited for this request; 0: none did. */
static unsigned take(unsigned number, enum transport transport, int64_t time_ns)
{
    struct message m;
    struct datagram request = from(&client, transport, time_ns);
    const struct open_requests_early *early =
        open_requests_take_early(&requests, &request, message(&m, number));
    if (!early)
        return 0;
    assert_int_equal(early->response.transport, transport);
    return early->response.status;
}

static void test_add(void **state)
{
    (void)state;
    assert_false(has(1, T0));
    add(1, T0);
    assert_true(has(1, T0));
    assert_true(has(1, T0 - 100 * MS)); /* the mirror may swap the two */
    assert_false(has(1, T0 - S));
    assert_true(has(1, T0 + 59 * S));
    assert_false(has(1, T0 + 70 * S));
    assert_false(has(2, T0));
    add(1, T0 + 50 * S); /* sent again */
    assert_true(has(1, T0 + 100 * S));
}

/* Only between these two, with this branch, number and method, and from the server. */
static void test_what_must_agree(void **state)
{
    struct message m;
    struct datagram response = from(&server, TRANSPORT_UDP, T0);
    (void)state;
    add(1, T0);
    message(&m, 1);
    m.msg.cseq = 2;
    assert_false(open_requests_find(&requests, &response, &m.msg));
    message(&m, 1);
    m.msg.method = SIP_REGISTER;
    assert_false(open_requests_find(&requests, &response, &m.msg));
    message(&m, 1);
    struct datagram backwards = from(&client, TRANSPORT_UDP, T0);
    assert_false(open_requests_find(&requests, &backwards, &m.msg));
    response.src.port = 5070; /* ports may change on the way */
    assert_true(open_requests_find(&requests, &response, &m.msg));
    response.src.ip.octets[15]++;
    assert_false(open_requests_find(&requests, &response, &m.msg));
}

/* They are those of any of its sendings. */
static void test_marks(void **state)
{
    struct message m;
    struct datagram request = from(&client, TRANSPORT_UDP, T0);
    struct datagram response = from(&server, TRANSPORT_UDP, T0);
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        unsigned marks = OPEN_REQUEST_SEEN | (i & 1 ? OPEN_REQUEST_CREDENTIALS : 0) |
                         (i & 2 ? OPEN_REQUEST_OC : 0);
        message(&m, i);
        m.msg.has_credentials = i & 1;
        m.msg.top_via.has_oc = i & 2;
        assert_int_equal(open_requests_add(&requests, &request, &m.msg), marks);
        assert_int_equal(open_requests_find(&requests, &response, message(&m, i)), marks);
        assert_int_equal(open_requests_add(&requests, &request, message(&m, i)), marks);
        assert_int_equal(open_requests_find(&requests, &response, message(&m, i)), marks);
    }
}

static void test_early(void **state)
{
    (void)state;
    for (enum transport transport = 0; transport < TRANSPORT_COUNT; transport++) {
        int64_t patience_ns = transport == TRANSPORT_UDP ? 100 * MS : 2 * S;
        wait_for(1, transport, 100, T0);
        wait_for(2, transport, 486, T0 + MS);
        wait_for(1, transport, 200, T0 + 2 * MS);
        assert_int_equal(take(3, transport, T0), 0);
        assert_int_equal(take(1, transport, T0 - 5 * S), 100); /* told late, in its own time */
        assert_int_equal(take(1, transport, T0), 200);
        assert_int_equal(take(1, transport, T0), 0);
        assert_int_equal(take(2, transport, T0 + MS + patience_ns), 486);
        wait_for(2, transport, 486, T0);
        assert_int_equal(take(2, transport, T0 + patience_ns + 1), 0);
        assert_int_equal(take(2, transport, T0), 0); /* nor ever again */
    }
}

/* One that waited too long keeps none back that came after it. */
static void test_early_behind_expired(void **state)
{
    (void)state;
    wait_for(1, TRANSPORT_UDP, 100, T0);
    wait_for(1, TRANSPORT_UDP, 180, T0 + 10 * MS);
    wait_for(1, TRANSPORT_UDP, 200, T0 + 90 * MS);
    assert_int_equal(take(1, TRANSPORT_UDP, T0 + 150 * MS), 200);
    assert_int_equal(requests.datagrams.waiting, 0);
}

/* What comes in datagrams, as anybody can send them, costs no connection its own. */
static void test_too_many_wait(void **state)
{
    (void)state;
    wait_for(0, TRANSPORT_TCP, 200, T0);
    for (unsigned i = 0; i <= EARLY_DATAGRAMS; i++)
        wait_for(i, TRANSPORT_UDP, 200, T0);
    assert_int_equal(take(0, TRANSPORT_UDP, T0), 0);
    for (unsigned i = 1; i <= EARLY_DATAGRAMS; i++)
        assert_int_equal(take(i, TRANSPORT_UDP, T0), 200);
    assert_int_equal(take(0, TRANSPORT_TCP, T0), 200);
    for (unsigned i = 0; i <= EARLY_ON_STREAMS; i++)
        wait_for(i, TRANSPORT_WSS, 200, T0);
    assert_int_equal(take(0, TRANSPORT_WSS, T0), 0);
    for (unsigned i = EARLY_ON_STREAMS; i >= 1; i--)
        assert_int_equal(take(i, TRANSPORT_WSS, T0), 200);
    assert_int_equal(requests.streams.waiting, 0);
    assert_int_equal(requests.datagrams.waiting, 0);
}

/* A tick is 2^27 ns, and 2^32 of them are 18 years: at the seam they begin anew. */
static void test_ticks_wrap(void **state)
{
    const int64_t seam_ns = INT64_C(1) << 59;
    (void)state;
    for (int64_t before_ns = 0; before_ns <= 32 * S; before_ns += S / 4) {
        unsigned number = (unsigned)(before_ns / MS);
        add(number, seam_ns - before_ns);
        assert_true(has(number, seam_ns));
        assert_true(has(number, seam_ns + S));
        assert_true(has(number, seam_ns - before_ns + 59 * S));
        assert_false(has(number, seam_ns - before_ns + 70 * S));
    }
}

static void test_clock_step(void **state)
{
    static const int64_t steps[] = {3600 * S, -3600 * S, 400 * (86400 * S), 1};
    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        add(1, T0);
        wait_for(2, TRANSPORT_UDP, 200, T0);
        wait_for(3, TRANSPORT_TCP, 200, T0);
        open_requests_clock_step(&requests, steps[i]);
        assert_true(has(1, T0 + steps[i]));
        assert_true(has(1, T0 + steps[i] + 59 * S));
        assert_false(has(1, T0 + steps[i] + 70 * S));
        assert_false(has(1, T0 + steps[i] - S));
        /* Nobody knows how long these have been waiting. */
        assert_int_equal(take(2, TRANSPORT_UDP, T0 + steps[i]), 0);
        assert_int_equal(take(3, TRANSPORT_TCP, T0 + steps[i]), 0);
        tear_down(NULL);
        assert_int_equal(set_up(NULL), 0);
    }
}

/* Of as many as there are places the older ones are gone, the later ones are not. */
static void test_full_buckets(void **state)
{
    const unsigned places = WAYS * BUCKETS, all = 4 * places;
    unsigned first = 0, latest = 0;
    (void)state;
    for (unsigned i = 0; i < all; i++)
        add(i, T0 + (int64_t)i * 100 * MS / 1000);
    for (unsigned i = 0; i < places / 4; i++) {
        int64_t now_ns = T0 + (int64_t)all * 100 * MS / 1000;
        first += has(i, now_ns);
        latest += has(all - 1 - i, now_ns);
    }
    assert_true(first < places / 4 / 100);
    assert_true(latest > places / 4 * 95 / 100);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_add),           TEST(test_what_must_agree),      TEST(test_early),
        TEST(test_too_many_wait), TEST(test_ticks_wrap),           TEST(test_clock_step),
        TEST(test_full_buckets),  TEST(test_early_behind_expired), TEST(test_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
