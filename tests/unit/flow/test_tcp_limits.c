/* Floods: memory stays within its limits, what is dropped is counted, and real messages get by. */
#include "tcp_bench.h"

#include <time.h>

static const char message[] = "BYE sip:a@example.com SIP/2.0\r\nl: 0\r\n\r\n";

#define OF(bytes) slice_of((bytes), sizeof(bytes) - 1)
enum { MESSAGE = sizeof message - 1 };

/* The client's address and port for a number. */
static void set_client(struct tcp_bench *bench, uint32_t number)
{
    uint8_t octets[4] = {198, 51, 100, (uint8_t)(number >> 16)};
    bench->end[CLIENT] = (struct endpoint){ip_from_v4(octets), (uint16_t)number};
}

static const struct endpoint real_client = {{{192, 0, 2, 77}, 4}, 33333};

/* The next message of a connection that goes on through all of it; counts them. */
static void say_real(struct tcp_bench *bench, uint32_t *said)
{
    struct endpoint client = bench->end[CLIENT];
    bench->end[CLIENT] = real_client;
    bench_octets(bench, CLIENT, TCP_ACK, 1 + *said * MESSAGE, 1, slice_of(message, 10));
    bench_octets(bench, CLIENT, TCP_ACK, 11 + *said * MESSAGE, 1, slice_str(message + 10));
    ++*said;
    bench->end[CLIENT] = client;
}

static void half_open_connections(void **state)
{
    enum { FLOOD = 100000, ROOM = 20000 };
    struct tcp_bench *bench = bench_new_of(ROOM, 1 << 20);
    uint32_t said = 0;
    (void)state;
    for (uint32_t i = 0; i < FLOOD; i++) {
        set_client(bench, i);
        bench_text(bench, CLIENT, TCP_SYN, i * 7919, 0, "");
        if (i % 1000 == 0) {
            say_real(bench, &said);
            /* And one that begins in the flood: its own handshake is not that long. */
            bench->end[CLIENT] = bench_endpoint(9, (uint16_t)(1 + i / 1000));
            bench_handshake(bench, 5, 6);
            bench_octets(bench, CLIENT, TCP_ACK, 6, 7, OF(message));
        }
        bench_wait(bench, 10000);
        assert_true(bench_stats(bench).tracked <= ROOM);
    }
    assert_int_equal(bench->messages, 2 * said);
    struct tcp_stats stats = bench_stats(bench);
    assert_int_equal(stats.connections, FLOOD + said + 1);
    assert_int_equal(stats.evicted, stats.connections - ROOM);
    assert_int_equal(stats.tracked, ROOM);
    assert_int_equal(stats.buffered_bytes, 0);
    /* Those that carried a message are all there. */
    struct tcp_state known;
    assert_true(tcp_look(bench->tcp, &real_client, &bench->end[SERVER], &known));
    for (uint16_t port = 1; port <= said; port++) {
        struct endpoint client = bench_endpoint(9, port);
        assert_true(tcp_look(bench->tcp, &client, &bench->end[SERVER], &known));
    }
    bench_free(bench);
}

/* When there are but connections with messages, the quietest of them goes. */
static void eviction_in_order(void **state)
{
    struct tcp_bench *bench = bench_new_of(3, 1 << 20);
    struct tcp_state known;
    (void)state;
    for (uint16_t port = 1; port <= 3; port++) {
        bench->end[CLIENT].port = port;
        bench_octets(bench, CLIENT, TCP_ACK, 1, 1, OF(message));
        bench_text(bench, SERVER, TCP_ACK, 1, 1 + MESSAGE, "");
    }
    bench->end[CLIENT].port = 1;
    bench_octets(bench, CLIENT, TCP_ACK, 1 + MESSAGE, 1, OF(message));
    bench->end[CLIENT].port = 4;
    bench_octets(bench, CLIENT, TCP_ACK, 1, 1, OF(message)); /* in place of 2 */
    bench_text(bench, SERVER, TCP_ACK, 1, 1 + MESSAGE, "");
    bench->end[CLIENT].port = 5;
    bench_text(bench, CLIENT, TCP_SYN, 1, 0, ""); /* in place of 3 */
    bench->end[CLIENT].port = 6;
    bench_text(bench, CLIENT, TCP_SYN, 1, 0, ""); /* in place of 5 */
    static const bool expected[] = {true, false, false, true, false, true};
    for (uint16_t port = 1; port <= 6; port++) {
        bench->end[CLIENT].port = port;
        assert_int_equal(tcp_look(bench->tcp, &bench->end[CLIENT], &bench->end[SERVER], &known),
                         expected[port - 1]);
    }
    assert_int_equal(bench_stats(bench).evicted, 3);
    bench_free(bench);
}

/* What lies behind the hole of a connection that must go is told before. */
static void evicted_with_something_kept(void **state)
{
    struct tcp_bench *bench = bench_new_of(1, 1 << 20);
    (void)state;
    bench_text(bench, CLIENT, TCP_SYN, 0, 0, "");
    bench_octets(bench, CLIENT, TCP_ACK, 100, 1, OF(message));
    bench->end[CLIENT].port++;
    bench_text(bench, CLIENT, TCP_SYN, 0, 0, "");
    bench_expect(bench, 0, OF(message));
    assert_int_equal(bench_stats(bench).buffered_bytes, 0);
    assert_int_equal(bench_stats(bench).evicted, 1);
    bench_free(bench);
}

static void permanent_gaps(void **state)
{
    enum { FLOOD = 50000, ROOM = 1 << 20 };
    struct tcp_bench *bench = bench_new_of(60000, ROOM);
    uint32_t said = 0;
    size_t most = 0;
    (void)state;
    for (int way = 0; way < 2; way++) { /* slowly: they wait; fast: there is no room to wait */
        for (uint32_t i = 0; i < FLOOD; i++) {
            set_client(bench, i + (uint32_t)way * FLOOD);
            bench_text(bench, CLIENT, TCP_SYN, 0, 0, "");
            bench_octets(bench, CLIENT, TCP_ACK, 500, 1, OF(message));
            bench_octets(bench, CLIENT, TCP_ACK, 2000, 1, slice_of(message, 20));
            if (i % 100 == 0)
                say_real(bench, &said);
            bench_wait(bench, way == 0 ? 3 * MS : 1000);
            size_t kept = bench_stats(bench).buffered_bytes;
            assert_true(kept <= ROOM);
            most = kept > most ? kept : most;
        }
        bench_wait(bench, 5 * SEC);
    }
    assert_true(most > ROOM / 2); /* it was full */
    /* Behind each hole is a message, which is told; the real ones, too. */
    assert_int_equal(bench->messages, 2 * FLOOD + said);
    struct tcp_stats stats = bench_stats(bench);
    assert_int_equal(stats.holes, 4 * FLOOD);
    assert_true(stats.dropped_bytes > 0);
    assert_true(stats.skipped_bytes + stats.dropped_bytes + stats.buffered_bytes > 0);
    bench_free(bench);
}

/* Beginnings of messages that never end. */
static void unfinished_messages(void **state)
{
    enum { FLOOD = 20000, ROOM = 1 << 20 };
    struct tcp_bench *bench = bench_new_of(30000, ROOM);
    uint32_t said = 0;
    (void)state;
    for (uint32_t i = 0; i < FLOOD; i++) {
        set_client(bench, i);
        bench_octets(bench, CLIENT, TCP_ACK, 1, 1, slice_of(message, MESSAGE - 2));
        if (i % 100 == 0)
            say_real(bench, &said);
        assert_true(bench_stats(bench).buffered_bytes <= ROOM);
    }
    assert_int_equal(bench->messages, said);
    assert_true(bench_stats(bench).dropped_bytes > (FLOOD - 2000) * (MESSAGE - 2));
    /* The latest ones are still there, and may end. */
    bench_octets(bench, CLIENT, TCP_ACK, 1 + MESSAGE - 2, 1, SLICE("\r\n"));
    assert_int_equal(bench->messages, said + 1);
    bench_free(bench);
}

/* Whoever is busy keeps what it has; the quiet ones give way, not the one that asks. */
static void the_quietest_makes_room(void **state)
{
    enum { ROOM = 16 * 1024 };
    static char body[1000];
    char head[100];
    struct tcp_bench *bench = bench_new_of(1000, ROOM);
    (void)state;
    memset(body, 'x', sizeof body);
    snprintf(head, sizeof head, "INFO sip:a@example.com SIP/2.0\r\nl: 7000\r\n\r\n");
    uint32_t seq = (uint32_t)strlen(head) + 1;
    bench_text(bench, CLIENT, TCP_ACK, 1, 1, head);
    for (uint16_t i = 0; i < 30; i++) {
        if (i < 7) {
            bench_octets(bench, CLIENT, TCP_ACK, seq, 1, slice_of(body, 900));
            seq += 900;
        }
        bench->end[CLIENT].port = (uint16_t)(100 + i);
        bench_octets(bench, CLIENT, TCP_ACK, 1, 1, slice_of(message, 30));
        bench->end[CLIENT].port = CLIENT_PORT;
        if (i >= 7)
            bench_octets(bench, CLIENT, TCP_ACK, seq - 1, 1, slice_of(body, 1));
        assert_true(bench_stats(bench).buffered_bytes <= ROOM);
    }
    assert_true(bench_stats(bench).dropped_bytes >= 15u * 30);
    bench_octets(bench, CLIENT, TCP_ACK, seq, 1, slice_of(body, 700));
    assert_int_equal(bench->messages, 1);
    /* Alone and too large for the room: it is dropped, and what follows is found. */
    snprintf(head, sizeof head, "INFO sip:a@example.com SIP/2.0\r\nl: 60000\r\n\r\n");
    seq += 700;
    bench_text(bench, CLIENT, TCP_ACK, seq, 1, head);
    seq += (uint32_t)strlen(head);
    for (int i = 0; i < 60; i++, seq += sizeof body)
        bench_octets(bench, CLIENT, TCP_ACK, seq, 1, slice_of(body, sizeof body));
    bench_octets(bench, CLIENT, TCP_ACK, seq, 1, OF(message));
    assert_int_equal(bench->messages, 2);
    bench_expect(bench, 1, OF(message));
    bench_free(bench);
}

/* Who has no room for a message makes none by giving up its own hole. */
static void its_own_hole_makes_no_room(void **state)
{
    static char body[1000];
    char head[100];
    struct tcp_bench *bench = bench_new_of(1000, 6000);
    (void)state;
    memset(body, 'x', sizeof body);
    snprintf(head, sizeof head, "INFO sip:a@example.com SIP/2.0\r\nl: 5000\r\n\r\n");
    uint32_t seq = 1 + (uint32_t)strlen(head);
    bench_text(bench, CLIENT, TCP_ACK, 1, 1, head);
    bench_octets(bench, CLIENT, TCP_ACK, seq + 5000, 1, OF(message));
    for (int i = 0; i < 5; i++, seq += sizeof body) {
        assert_int_equal(bench->messages, 0);
        bench_octets(bench, CLIENT, TCP_ACK, seq, 1, slice_of(body, sizeof body));
    }
    assert_int_equal(bench->messages, 1);
    bench_expect(bench, 0, OF(message));
    assert_int_equal(bench_stats(bench).holes, 0);
    assert_true(bench_stats(bench).dropped_bytes > 4000);
    bench_free(bench);
}

/* One stream with too much behind its hole does not wait any longer. */
static void one_stream_has_its_share(void **state)
{
    static char body[1400];
    struct tcp_bench *bench = bench_new();
    (void)state;
    memset(body, 'x', sizeof body);
    bench_handshake(bench, 0, 0);
    for (uint32_t i = 0; i < 200; i++) {
        bench_octets(bench, CLIENT, TCP_ACK, 1000 + i * 2000, 1, OF(message));
        bench_octets(bench, CLIENT, TCP_ACK, 1000 + i * 2000 + MESSAGE, 1,
                     slice_of(body, sizeof body));
        assert_true(bench_stats(bench).buffered_bytes <
                    (size_t)2 * TCP_EARLY_BYTES_MAX + TCP_UNPARSED_BYTES_MAX);
    }
    assert_true(bench->messages >= 200 - TCP_EARLY_SEGMENTS_MAX);
    bench_wait(bench, TCP_GAP_NS);
    assert_int_equal(bench->messages, 200);
    bench_free(bench);
}

/* No segment costs more for what others are there: a flood is read in linear time. */
static void cost_stays_linear(void **state)
{
    enum { CONNECTIONS = 20000 };
    double seconds[2];
    (void)state;
    for (int round = 0; round < 2; round++) {
        struct tcp_bench *bench = bench_new_of(CONNECTIONS, 1 << 20);
        uint32_t count = round == 0 ? CONNECTIONS : 4 * CONNECTIONS;
        clock_t begin = clock();
        for (uint32_t i = 0; i < count; i++) {
            set_client(bench, i);
            bench_octets(bench, CLIENT, TCP_SYN, 0, 0, SLICE_NONE);
            bench_octets(bench, CLIENT, TCP_ACK, 500, 1, slice_of(message, 20));
        }
        seconds[round] = (double)(clock() - begin) / CLOCKS_PER_SEC;
        bench_free(bench);
    }
    assert_true(seconds[1] < 12 * seconds[0] + 0.2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_open_connections),       cmocka_unit_test(eviction_in_order),
        cmocka_unit_test(evicted_with_something_kept), cmocka_unit_test(permanent_gaps),
        cmocka_unit_test(unfinished_messages),         cmocka_unit_test(the_quietest_makes_room),
        cmocka_unit_test(its_own_hole_makes_no_room),  cmocka_unit_test(one_stream_has_its_share),
        cmocka_unit_test(cost_stays_linear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
