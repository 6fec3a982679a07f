/* Segments that somebody else sent, who guesses: a connection that is up goes on being read. */
#include "tcp_bench.h"

#define ISN 1000u
#define ISS 7000u

static const char message[] = "BYE sip:a@example.com SIP/2.0\r\nl: 0\r\n\r\n";
static const char hello[] = "\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03"
                            "0123456789abcdef0123456789abcdef\x00\x00\x02\x13\x01\x01\x00\x00\x00";

#define OF(bytes) slice_of((bytes), sizeof(bytes) - 1)
enum { MESSAGE = sizeof message - 1 };

struct trunk {
    struct tcp_bench *bench;
    uint32_t said; /* octets of the client's, all acknowledged */
    size_t messages;
};

static struct trunk trunk_up(void)
{
    struct trunk trunk = {.bench = bench_new()};
    bench_handshake(trunk.bench, ISN, ISS);
    return trunk;
}

static uint32_t next_of(const struct trunk *trunk)
{
    return ISN + 1 + trunk->said;
}

static void say_unanswered(struct trunk *trunk, uint32_t messages)
{
    for (uint32_t i = 0; i < messages; i++) {
        bench_octets(trunk->bench, CLIENT, TCP_ACK, next_of(trunk), ISS + 1, OF(message));
        trunk->said += MESSAGE;
        trunk->messages++;
    }
}

/* The real client says so many messages, three seconds apart; the server acknowledges. */
static void say(struct trunk *trunk, uint32_t messages)
{
    for (uint32_t i = 0; i < messages; i++) {
        say_unanswered(trunk, 1);
        bench_wait(trunk->bench, 10 * MS);
        bench_text(trunk->bench, SERVER, TCP_ACK, ISS + 1, next_of(trunk), "");
        bench_wait(trunk->bench, 3 * SEC);
    }
}

static void forge(const struct trunk *trunk, int from, uint8_t flags, uint32_t seq, uint32_t ack,
                  struct slice octets)
{
    bench_octets(trunk->bench, from, flags, seq, ack, octets);
}

static struct tcp_state look(const struct trunk *trunk)
{
    struct tcp_state known;
    const struct tcp_bench *bench = trunk->bench;
    assert_true(tcp_look(bench->tcp, &bench->end[CLIENT], &bench->end[SERVER], &known));
    return known;
}

/* Every message was told, and the connection is up. */
static void expect_all(struct trunk *trunk)
{
    assert_int_equal(trunk->bench->messages, trunk->messages);
    struct tcp_state known = look(trunk);
    assert_false(known.is_reset || known.is_closed);
    assert_int_equal(known.unacknowledged, 0);
    assert_int_equal(trunk->bench->failures, 0);
    bench_free(trunk->bench);
}

/* One segment, as network cards join them, may be larger than what is kept behind a hole. */
static void large_and_early(void **state)
{
    static char large[140000];
    (void)state;
    for (int way = 0; way < 3; way++) {
        struct trunk trunk = trunk_up();
        struct tcp_bench *bench = trunk.bench;
        size_t head = bench_sip(large, sizeof large, 1, 60000);
        bench_sip(large + head, sizeof large - head, 2, 60000);
        say(&trunk, 1);
        if (way == 1) /* in front of what is kept, and behind it */
            forge(&trunk, CLIENT, TCP_ACK, next_of(&trunk) + 300000, ISS + 1, OF(message));
        if (way == 2)
            forge(&trunk, CLIENT, TCP_ACK, next_of(&trunk) + 100, ISS + 1, OF(message));
        forge(&trunk, CLIENT, TCP_ACK, next_of(&trunk) + 5000, ISS + 1, OF(large));
        bench_expect(bench, way == 2 ? 2 : 1, slice_of(large, head));
        bench_wait(bench, 5 * SEC);
        assert_int_equal(bench->messages, way == 0 ? 3 : 4);
        assert_int_equal(bench_stats(bench).holes, way == 0 ? 1 : 2);
        bench_free(bench);
    }
}

static void syn_and_hello(void **state)
{
    (void)state;
    for (uint32_t repeats = 1; repeats <= 3; repeats++) {
        struct trunk trunk = trunk_up();
        say(&trunk, 3);
        for (uint32_t i = 0; i < repeats; i++) {
            uint32_t seq = 0x70000000 + i * 0x3000000;
            forge(&trunk, CLIENT, TCP_SYN, seq, 0, SLICE_NONE);
            forge(&trunk, CLIENT, TCP_ACK, seq + 1, 0, OF(hello));
            forge(&trunk, CLIENT, TCP_ACK, seq + 1 + sizeof hello - 1, 0, OF(hello));
            say(&trunk, 3);
        }
        assert_int_equal(bench_stats(trunk.bench).connections, 1);
        expect_all(&trunk);
    }
}

/* A SYN near the one that is up: what the server acknowledges of that one is not for it. */
static void syn_nearby(void **state)
{
    struct trunk trunk = trunk_up();
    (void)state;
    forge(&trunk, CLIENT, TCP_SYN, ISN - 5, 0, SLICE_NONE);
    say(&trunk, 3);
    assert_int_equal(bench_stats(trunk.bench).connections, 1);
    expect_all(&trunk);
}

static void syn_and_hello_before(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        struct trunk trunk = {.bench = bench_new()};
        forge(&trunk, CLIENT, TCP_SYN, 77, 0, SLICE_NONE);
        forge(&trunk, CLIENT, way == 1 ? TCP_ACK : 0, 78, 0, OF(hello));
        if (way == 2)
            forge(&trunk, SERVER, 0, 500, 0, OF(hello));
        bench_wait(trunk.bench, SEC);
        bench_handshake(trunk.bench, ISN, ISS);
        say(&trunk, 20);
        assert_true(bench_stats(trunk.bench).tls <= bench_stats(trunk.bench).connections);
        expect_all(&trunk);
    }
}

static void tls_lapses(void **state)
{
    struct trunk trunk = {.bench = bench_new()};
    (void)state;
    forge(&trunk, CLIENT, TCP_ACK, ISN + 1, ISS + 1, OF(hello));
    forge(&trunk, SERVER, TCP_ACK, ISS + 1, ISN + 1, OF(hello));
    assert_int_equal(bench_stats(trunk.bench).tls, 1);
    say(&trunk, 2);
    bench_octets(trunk.bench, SERVER, TCP_ACK, ISS + 1, next_of(&trunk), OF(message));
    trunk.messages++;
    assert_int_equal(bench_stats(trunk.bench).tls, 1);
    expect_all(&trunk);
}

static void one_octet_ahead(void **state)
{
    static const uint32_t distance[] = {1, 100, 3000, 60000, 70000, 900000, 1048000};
    (void)state;
    for (size_t i = 0; i < sizeof distance / sizeof distance[0]; i++) {
        struct trunk trunk = trunk_up();
        say(&trunk, 3);
        forge(&trunk, CLIENT, TCP_ACK, next_of(&trunk) + MESSAGE + distance[i], ISS + 1,
              SLICE("X"));
        if (i % 2)
            forge(&trunk, CLIENT, TCP_ACK, next_of(&trunk) + distance[i] / 2, ISS + 1, SLICE("Y"));
        say(&trunk, 1);
        size_t told = trunk.bench->messages;
        say(&trunk, 100);
        /* Where the octet lies, first ones win. */
        assert_true(trunk.bench->messages >= told + 97);
        assert_true(distance[i] < 70000 || trunk.bench->messages == trunk.messages);
        assert_int_equal(look(&trunk).unacknowledged, 0);
        bench_free(trunk.bench);
    }
}

/* Where messages do not begin with segments, the second one in a row shows it. */
static void one_octet_ahead_of_pieces(void **state)
{
    struct trunk trunk = trunk_up();
    struct tcp_bench *bench = trunk.bench;
    (void)state;
    forge(&trunk, CLIENT, TCP_ACK, ISN + 500001, ISS + 1, SLICE("X"));
    bench_wait(bench, 3 * SEC);
    for (uint32_t i = 0; i < 10; i++) {
        bench_octets(bench, CLIENT, TCP_ACK, ISN + 1 + MESSAGE * i, ISS + 1, slice_of(message, 9));
        bench_octets(bench, CLIENT, TCP_ACK, ISN + 10 + MESSAGE * i, ISS + 1,
                     slice_of(message + 9, MESSAGE - 9));
    }
    assert_int_equal(bench->messages, 9);
    bench_free(bench);
}

/* Octets that came late indeed: what was read behind them is not read again. */
static void late_octets(void **state)
{
    struct trunk trunk = trunk_up();
    struct tcp_bench *bench = trunk.bench;
    (void)state;
    for (uint32_t i = 2; i < 5; i++)
        bench_octets(bench, CLIENT, TCP_ACK, ISN + 1 + MESSAGE * i, ISS + 1, OF(message));
    bench_wait(bench, TCP_GAP_NS);
    assert_int_equal(bench->messages, 3);
    for (uint32_t i = 0; i < 6; i++)
        bench_octets(bench, CLIENT, TCP_ACK, ISN + 1 + MESSAGE * i, ISS + 1, OF(message));
    assert_int_equal(bench->messages, 6);
    assert_int_equal(bench_stats(bench).buffered_bytes, 0);
    bench_free(bench);
}

static void jump_and_back(void **state)
{
    struct trunk trunk = trunk_up();
    (void)state;
    say(&trunk, 3);
    for (uint32_t i = 0; i < 5; i++) {
        forge(&trunk, CLIENT, TCP_ACK, 0x40000000 + i * 5000, ISS + 1, SLICE("garbage\r\n"));
        forge(&trunk, CLIENT, TCP_ACK, 0x40000009 + i * 5000, ISS + 1, OF(hello));
        say(&trunk, 2);
    }
    expect_all(&trunk);
}

static void resets_and_ends(void **state)
{
    (void)state;
    for (int way = 0; way < 6; way++) {
        struct trunk trunk = trunk_up();
        say(&trunk, 3);
        uint32_t seq = next_of(&trunk);
        if (way == 0)
            forge(&trunk, SERVER, TCP_RST, ISS + 1 + 90000, 0, SLICE_NONE);
        if (way == 1)
            forge(&trunk, SERVER, TCP_RST, ISS, 0, SLICE_NONE);
        if (way == 2)
            forge(&trunk, CLIENT, TCP_RST, seq + 90000, 0, SLICE_NONE);
        if (way < 3)
            assert_false(look(&trunk).is_reset);
        if (way == 3) { /* that guessed well */
            forge(&trunk, SERVER, TCP_RST, ISS + 1 + 60000, 0, SLICE_NONE);
            assert_true(look(&trunk).is_reset && look(&trunk).reset_is_certain);
            bench_wait(trunk.bench, 2 * SEC);
        }
        if (way == 4) {
            forge(&trunk, CLIENT, TCP_FIN | TCP_ACK, seq, ISS + 1, SLICE_NONE);
            forge(&trunk, SERVER, TCP_FIN | TCP_ACK, ISS + 9000, seq + 1, SLICE_NONE);
            assert_true(look(&trunk).is_closed);
        }
        if (way == 5) {
            forge(&trunk, CLIENT, TCP_FIN | TCP_ACK, seq + 90000, ISS + 1, SLICE_NONE);
            forge(&trunk, SERVER, TCP_FIN | TCP_ACK, ISS + 9000, seq, SLICE_NONE);
            assert_false(look(&trunk).is_closed);
        }
        forge(&trunk, CLIENT, TCP_ACK, seq + 0x50000000, ISS + 1, OF(hello));
        say(&trunk, 30);
        assert_int_equal(bench_stats(trunk.bench).connections, 1);
        expect_all(&trunk);
    }
}

/* Nothing of the server's was ever acknowledged: it cannot be told whether the number is right. */
static void reset_that_cannot_be_checked(void **state)
{
    struct trunk trunk = {.bench = bench_new()};
    (void)state;
    bench_octets(trunk.bench, CLIENT, 0, ISN + 1, 0, OF(message));
    forge(&trunk, SERVER, TCP_RST, 0x31337, 0, SLICE_NONE);
    assert_true(look(&trunk).is_reset);
    assert_false(look(&trunk).reset_is_certain);
    bench_free(trunk.bench);
    trunk = (struct trunk){.bench = bench_new()};
    say(&trunk, 1);
    forge(&trunk, SERVER, TCP_RST, 0x31337, 0, SLICE_NONE);
    assert_false(look(&trunk).is_reset);
    bench_free(trunk.bench);
}

static void acknowledged_by_nobody(void **state)
{
    struct trunk trunk = trunk_up();
    (void)state;
    say(&trunk, 1);
    say_unanswered(&trunk, 1);
    uint32_t end = next_of(&trunk);
    forge(&trunk, SERVER, TCP_ACK, ISS + 1, end + 900000, SLICE_NONE);
    forge(&trunk, SERVER, TCP_ACK, ISS + 1, end + 900000, SLICE_NONE);
    forge(&trunk, SERVER, TCP_ACK, ISS + 1, end + 30000, SLICE_NONE);
    assert_int_equal(look(&trunk).unacknowledged, MESSAGE);
    forge(&trunk, SERVER, TCP_ACK, ISS + 1, end - MESSAGE, SLICE_NONE); /* the server knows less */
    forge(&trunk, SERVER, TCP_ACK, ISS + 1, end + 30000, SLICE_NONE);
    assert_int_equal(look(&trunk).unacknowledged, MESSAGE);
    /* The mirror lost octets: that agrees. */
    forge(&trunk, SERVER, TCP_ACK, ISS + 1, end + 31000, SLICE_NONE);
    assert_int_equal(look(&trunk).unacknowledged, 0);
    bench_free(trunk.bench);
}

static bool is_in_flight(const struct trunk *trunk, int from, uint32_t seq)
{
    const struct tcp_bench *bench = trunk->bench;
    return tcp_is_in_flight(bench->tcp, &bench->end[from], &bench->end[!from], seq);
}

static void in_flight(void **state)
{
    struct trunk trunk = {.bench = bench_new()};
    (void)state;
    assert_false(is_in_flight(&trunk, CLIENT, ISN));
    bench_text(trunk.bench, CLIENT, TCP_SYN, ISN, 0, "");
    assert_true(is_in_flight(&trunk, CLIENT, ISN));
    assert_false(is_in_flight(&trunk, CLIENT, ISN + 1));
    assert_false(is_in_flight(&trunk, SERVER, ISN));
    bench_handshake(trunk.bench, ISN, ISS);
    assert_false(is_in_flight(&trunk, CLIENT, ISN));
    say(&trunk, 1);
    assert_false(is_in_flight(&trunk, CLIENT, next_of(&trunk)));
    uint32_t first = next_of(&trunk);
    say_unanswered(&trunk, 2);
    assert_false(is_in_flight(&trunk, CLIENT, first - 1));
    assert_true(is_in_flight(&trunk, CLIENT, first));
    assert_true(is_in_flight(&trunk, CLIENT, first + 2 * MESSAGE - 1));
    assert_false(is_in_flight(&trunk, CLIENT, first + 2 * MESSAGE));
    bench_text(trunk.bench, SERVER, TCP_ACK, ISS + 1, first + MESSAGE, "");
    assert_false(is_in_flight(&trunk, CLIENT, first));
    assert_true(is_in_flight(&trunk, CLIENT, first + MESSAGE));
    assert_false(is_in_flight(&trunk, SERVER, ISS + 1));
    bench_free(trunk.bench);
}

/* One packet each, with a message in it, and RST for those whose answer is in view. */
static void single_messages_are_not_protected(void **state)
{
    struct tcp_bench *bench = bench_new_of(100, 1 << 20);
    struct tcp_state known;
    (void)state;
    bench_handshake(bench, ISN, ISS);
    bench_octets(bench, CLIENT, TCP_ACK, ISN + 1, ISS + 1, OF(message));
    struct endpoint real = bench->end[CLIENT];
    for (uint16_t port = 1; port < 1000; port++) {
        bench->end[CLIENT].port = port;
        bench_octets(bench, CLIENT, TCP_ACK, 1, 0, OF(message));
        bench_text(bench, SERVER, TCP_RST, 0, 0, "");
    }
    assert_true(tcp_look(bench->tcp, &real, &bench->end[SERVER], &known));
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_and_early),
        cmocka_unit_test(syn_and_hello),
        cmocka_unit_test(syn_nearby),
        cmocka_unit_test(syn_and_hello_before),
        cmocka_unit_test(tls_lapses),
        cmocka_unit_test(one_octet_ahead),
        cmocka_unit_test(one_octet_ahead_of_pieces),
        cmocka_unit_test(late_octets),
        cmocka_unit_test(jump_and_back),
        cmocka_unit_test(resets_and_ends),
        cmocka_unit_test(reset_that_cannot_be_checked),
        cmocka_unit_test(acknowledged_by_nobody),
        cmocka_unit_test(in_flight),
        cmocka_unit_test(single_messages_are_not_protected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
