/* Connections that are WebSocket or TLS: recognised, followed or left alone. */
#include "tcp_bench.h"

#include <time.h>

#define ISN 1000u
#define ISS 7000u

static const char request[] = "GET / HTTP/1.1\r\nHost: sip.example.com\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n"
                              "Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n";
static const char response[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                               "Connection: Upgrade\r\nSec-WebSocket-Protocol: sip\r\n\r\n";
static const char options[] = "OPTIONS sip:a@example.com SIP/2.0\r\nCSeq: 1 OPTIONS\r\n\r\n";
static const char ok[] = "SIP/2.0 200 OK\r\nCSeq: 1 OPTIONS\r\n\r\n";

#define OF(bytes) slice_of((bytes), sizeof(bytes) - 1)

enum { TEXT = 0x81, TEXT_BEGINS = 0x01, CONTINUED = 0x00, ENDS = 0x80, PING = 0x89 };

/* What one side says, written down and then sent in pieces. */
struct side {
    char octets[400000];
    size_t len, said;
};

static void put(struct side *side, struct slice octets)
{
    assert_true(side->len + octets.len <= sizeof side->octets);
    memcpy(side->octets + side->len, octets.at, octets.len);
    side->len += octets.len;
}

static void put_frame(struct side *side, uint8_t first, bool is_masked, struct slice payload)
{
    static const char mask[] = {0x37, (char)0xfa, 0x21, 0x3d};
    char header[14];
    size_t len = 0;
    header[len++] = (char)first;
    header[len++] = (char)((is_masked ? 0x80 : 0) | (payload.len < 126     ? payload.len
                                                     : payload.len < 65536 ? 126
                                                                           : 127));
    for (int bytes = payload.len < 126 ? 0 : payload.len < 65536 ? 2 : 8; bytes > 0; bytes--)
        header[len++] = (char)((uint64_t)payload.len >> (8 * (bytes - 1)));
    if (is_masked) {
        memcpy(header + len, mask, 4);
        len += 4;
    }
    put(side, slice_of(header, len));
    size_t from = side->len;
    put(side, payload);
    for (size_t i = 0; is_masked && i < payload.len; i++)
        side->octets[from + i] = (char)(side->octets[from + i] ^ mask[i % 4]);
}

/* Segments of so many octets at most. */
static void say(struct tcp_bench *bench, int from, struct side *side, size_t piece)
{
    while (side->said < side->len) {
        size_t left = side->len - side->said, len = left < piece ? left : piece;
        uint32_t seq = (from == CLIENT ? ISN : ISS) + 1 + (uint32_t)side->said;
        bench_octets(bench, from, TCP_ACK, seq, (from == CLIENT ? ISS : ISN) + 1,
                     slice_of(side->octets + side->said, len));
        side->said += len;
    }
}

static struct side *side_new(void)
{
    struct side *side = calloc(1, sizeof *side);
    assert_non_null(side);
    return side;
}

static void both_directions_in_any_pieces(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < 600; piece += piece < 20 ? 1 : 37) {
        struct tcp_bench *bench = bench_new();
        struct side *client = side_new(), *server = side_new();
        bench_handshake(bench, ISN, ISS);
        put(client, OF(request));
        put_frame(client, TEXT, true, OF(options));
        put_frame(client, TEXT, true, SLICE("\r\n\r\n")); /* a keep-alive (RFC 7118 section 6) */
        put_frame(client, TEXT_BEGINS, true, slice_of(options, 20));
        put_frame(client, PING, true, SLICE("ping"));
        put_frame(client, CONTINUED, true, slice_of(options + 20, 10));
        put_frame(client, ENDS, true, slice_str(options + 30));
        put(server, OF(response));
        put_frame(server, TEXT, false, OF(ok));
        say(bench, CLIENT, client, piece);
        say(bench, SERVER, server, piece);
        assert_int_equal(bench->messages, 3);
        bench_expect(bench, 0, OF(options));
        bench_expect(bench, 1, OF(options));
        bench_expect(bench, 2, OF(ok));
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(bench->message[i].datagram.transport, TRANSPORT_WS);
        struct tcp_stats stats = bench_stats(bench);
        assert_int_equal(stats.websocket, 1);
        assert_int_equal(stats.buffered_bytes, 0);
        assert_int_equal(stats.skipped_bytes, 0);
        bench_free(bench);
        free(client);
        free(server);
    }
}

/* Several fragments of messages in two connections at once: each has its own. */
static void messages_gathered_side_by_side(void **state)
{
    struct tcp_bench *bench = bench_new();
    struct side *side = side_new();
    (void)state;
    put(side, OF(request));
    put_frame(side, TEXT_BEGINS, true, slice_of(options, 40));
    size_t half = side->len;
    put_frame(side, ENDS, true, slice_str(options + 40));
    size_t whole = side->len;
    for (int part = 0; part < 2; part++)
        for (uint16_t port = 1; port <= 5; port++) {
            bench->end[CLIENT].port = port;
            side->said = part == 0 ? 0 : half;
            side->len = part == 0 ? half : whole;
            say(bench, CLIENT, side, 100000);
            if (part == 0)
                assert_int_equal(bench_stats(bench).buffered_bytes, port * 65536u);
        }
    assert_int_equal(bench->messages, 5);
    for (size_t i = 0; i < 5; i++)
        bench_expect(bench, i, OF(options));
    assert_int_equal(bench_stats(bench).buffered_bytes, 0);
    bench_free(bench);
    free(side);
}

/* There is no room for the gathered messages of all: the quietest gives way. */
static void gathered_messages_are_bounded(void **state)
{
    enum { ROOM = 200000 };
    struct tcp_bench *bench = bench_new_of(1000, ROOM);
    struct side *side = side_new();
    (void)state;
    put(side, OF(request));
    put_frame(side, TEXT_BEGINS, true, slice_of(options, 40));
    size_t half = side->len;
    put_frame(side, ENDS, true, slice_str(options + 40));
    size_t whole = side->len;
    for (uint16_t port = 1; port <= 50; port++) {
        bench->end[CLIENT].port = port;
        side->said = 0;
        side->len = half;
        say(bench, CLIENT, side, 100000);
        assert_true(bench_stats(bench).buffered_bytes <= ROOM);
    }
    side->len = whole;
    say(bench, CLIENT, side, 100000);
    assert_int_equal(bench->messages, 1);
    bench_expect(bench, 0, OF(options));
    assert_int_equal(bench_stats(bench).dropped_bytes, 47u * 40); /* room is for three */
    bench_free(bench);
    free(side);
}

static void other_port_by_its_upgrade(void **state)
{
    struct tcp_bench *bench = bench_new();
    struct side *client = side_new(), *server = side_new();
    (void)state;
    bench->end[SERVER].port = 8080;
    put(client, OF(request));
    put_frame(client, TEXT, true, OF(options));
    put(server, OF(response));
    put_frame(server, TEXT, false, OF(ok));
    say(bench, CLIENT, client, 100000);
    say(bench, SERVER, server, 100000);
    assert_int_equal(bench->messages, 2);
    assert_int_equal(bench_stats(bench).websocket, 1);
    bench_free(bench);
    free(client);
    free(server);
}

/* Frames cannot be found within octets; at the beginning of a segment they can. */
static void holes_and_middles(void **state)
{
    (void)state;
    for (int masked = 0; masked < 2; masked++) {
        struct tcp_bench *bench = bench_new();
        struct side *side = side_new();
        int from = masked ? CLIENT : SERVER;
        struct slice begin = masked ? OF(request) : OF(response);
        struct slice message = masked ? OF(options) : OF(ok);
        put(side, begin);
        put_frame(side, TEXT, masked, message);
        say(bench, from, side, 100000);
        put_frame(side, TEXT, masked, message);
        side->said += 3; /* never seen */
        say(bench, from, side, 100000);
        put_frame(side, TEXT, masked, message);
        put_frame(side, TEXT, masked, message);
        say(bench, from, side, 100000);
        bench_wait(bench, TCP_GAP_NS);
        assert_int_equal(bench->messages, 3);
        bench_expect(bench, 2, message);
        assert_int_equal(bench_stats(bench).resyncs, 1);
        assert_int_equal(bench_stats(bench).holes, 1);

        /* The upgrade was before the sensor's time. */
        bench->end[CLIENT].port++;
        put_frame(side, TEXT, masked, message);
        side->said += 3;
        say(bench, from, side, 100000);
        put_frame(side, TEXT, masked, message);
        say(bench, from, side, 100000);
        assert_int_equal(bench->messages, 4);
        bench_expect(bench, 3, message);
        assert_int_equal(bench->message[3].datagram.transport, TRANSPORT_WS);
        assert_int_equal(bench_stats(bench).websocket, 2);
        bench_free(bench);
        free(side);
    }
}

static void broken_frames(void **state)
{
    struct tcp_bench *bench = bench_new();
    struct side *side = side_new();
    (void)state;
    put(side, OF(request));
    put_frame(side, 0xb1, true, OF(options)); /* reserved bits */
    put_frame(side, TEXT, true, OF(options)); /* in the same segment: not found */
    say(bench, CLIENT, side, 100000);
    assert_int_equal(bench->messages, 0);
    put_frame(side, TEXT, true, OF(options));
    say(bench, CLIENT, side, 100000);
    bench_expect(bench, 0, OF(options));
    assert_int_equal(bench_stats(bench).resyncs, 1);
    assert_true(bench_stats(bench).skipped_bytes > 2 * OF(options).len);
    bench_free(bench);
    free(side);
}

/* What goes on in the middle of a frame may look like one, and is none. */
static void octets_like_a_frame(void **state)
{
    struct tcp_bench *bench = bench_new();
    struct side *side = side_new();
    (void)state;
    put(side, OF(response));
    say(bench, SERVER, side, 100000);
    side->said = side->len += 50; /* never seen */
    put(side, slice_of("\x81\x7e\x70\x00 and no start line\r\n", 24));
    say(bench, SERVER, side, 100000);
    put_frame(side, TEXT, false, OF(ok));
    say(bench, SERVER, side, 100000);
    bench_wait(bench, TCP_GAP_NS);
    assert_int_equal(bench->messages, 1);
    bench_expect(bench, 0, OF(ok));
    bench_free(bench);
    free(side);
}

/* Room is made while a fragment waits to be kept: the messages told for it are not mixed up. */
static void room_for_a_fragment(void **state)
{
    enum { ROOM = 66000 };
    struct tcp_bench *bench = bench_new_of(1000, ROOM);
    struct side *other = side_new(), *side = side_new();
    (void)state;
    put(other, OF(request));
    say(bench, CLIENT, other, 100000);
    other->said = other->len += 50; /* never seen */
    char padded[1000];
    memset(padded, 'x', sizeof padded);
    memcpy(padded, ok, sizeof ok - 1);
    put_frame(other, TEXT, true, slice_of(padded, sizeof padded));
    say(bench, CLIENT, other, 100000);
    bench->end[CLIENT].port++;
    put(side, OF(request));
    put_frame(side, TEXT_BEGINS, true, slice_of(options, 40));
    say(bench, CLIENT, side, 100000);
    bench_expect(bench, 0, slice_of(padded, sizeof padded));
    put_frame(side, ENDS, true, slice_str(options + 40));
    say(bench, CLIENT, side, 100000);
    bench_expect(bench, 1, OF(options));
    bench_free(bench);
    free(side);
    free(other);
}

static double seconds_of_upgrades(size_t headers)
{
    enum { CONNECTIONS = 40 };
    clock_t begin = clock();
    struct tcp_bench *bench = bench_new();
    for (uint16_t i = 0; i < CONNECTIONS; i++) {
        struct side *client = side_new();
        bench->end[CLIENT].port++;
        bench_handshake(bench, ISN, ISS);
        put(client, slice_of(request, sizeof request - 3));
        for (size_t h = 0; h < headers; h++)
            put(client, SLICE("X-Y: z\r\n"));
        put(client, SLICE("\r\n"));
        put_frame(client, TEXT, true, OF(options));
        say(bench, CLIENT, client, 1);
        assert_int_equal(bench->messages, i + 1u);
        free(client);
    }
    assert_int_equal(bench_stats(bench).websocket, CONNECTIONS);
    bench_free(bench);
    return (double)(clock() - begin) / CLOCKS_PER_SEC;
}

/* An upgrade of nearly all that it may be is read octet by octet as fast as any. */
static void upgrade_octet_by_octet(void **state)
{
    (void)state;
    double few = seconds_of_upgrades(220), many = seconds_of_upgrades(880);
    assert_true(many < 9 * few + 0.1);
}

static const char hello[] = "\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03"
                            "0123456789abcdef0123456789abcdef\x00\x00\x02\x13\x01\x01\x00\x00\x00";
/* A start line in what is encrypted is none. */
static const char data[] = "\x17\x03\x03\x00\x40\r\nOPTIONS sip:a@example.com SIP/2.0\r\n\r\n";

static void tls_is_left_alone(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= 60; piece += 59) {
        struct tcp_bench *bench = bench_new();
        struct side *client = side_new(), *server = side_new();
        bench_handshake(bench, ISN, ISS);
        put(client, OF(hello));
        put(client, OF(data));
        put(server, OF(data));
        say(bench, CLIENT, client, piece);
        say(bench, SERVER, server, piece);
        assert_int_equal(bench->messages, 0);
        assert_int_equal(bench_stats(bench).tls, 1);
        assert_int_equal(bench_stats(bench).buffered_bytes, 0);
        bench_wait(bench, 40 * SEC);
        assert_int_equal(bench->failures, 0);
        bench_free(bench);
        free(client);
        free(server);
    }
}

/* What came too early is not kept when it turns out to be TLS. */
static void tls_out_of_order(void **state)
{
    struct tcp_bench *bench = bench_new();
    (void)state;
    bench_handshake(bench, ISN, ISS);
    bench_octets(bench, CLIENT, TCP_ACK, ISN + sizeof hello, ISS + 1, OF(data));
    bench_octets(bench, CLIENT, TCP_ACK, ISN + 1 + 500, ISS + 1, OF(data));
    bench_octets(bench, SERVER, TCP_ACK, ISS + 500, ISN + 1, OF(data));
    assert_true(bench_stats(bench).buffered_bytes > 0);
    bench_octets(bench, CLIENT, TCP_ACK, ISN + 1, ISS + 1, OF(hello));
    assert_int_equal(bench_stats(bench).tls, 1);
    assert_int_equal(bench_stats(bench).buffered_bytes, 0);
    bench_free(bench);
}

static void tls_is_not_guessed(void **state)
{
    struct tcp_bench *bench = bench_new();
    (void)state;
    /* Met in the middle: application data, an alert or a change of ciphers may be anything. */
    static const struct slice unclear[] = {{data, sizeof data - 1},
                                           {"\x15\x03\x03\x00\x02\x02\x28", 7},
                                           {"\x14\x03\x03\x00\x01\x01", 6}};
    for (int i = 0; i < 3; i++) {
        bench->end[CLIENT].port++;
        bench_octets(bench, CLIENT, TCP_ACK, 1, 1, unclear[i]);
    }
    assert_int_equal(bench_stats(bench).tls, 0);
    assert_int_equal(bench->failures, 0);
    /* In a message, between its octets. */
    bench->end[CLIENT].port++;
    bench_octets(bench, CLIENT, TCP_ACK, 1, 1, slice_of(options, 36));
    bench_octets(bench, CLIENT, TCP_ACK, 37, 1, OF(hello));
    assert_int_equal(bench_stats(bench).tls, 0);
    /* A whole hello at the beginning of a segment is one. */
    bench->end[CLIENT].port++;
    bench_octets(bench, CLIENT, TCP_ACK, 1, 1, SLICE("\x01\x02\x03"));
    bench_octets(bench, CLIENT, TCP_ACK, 4, 1, OF(hello));
    assert_int_equal(bench_stats(bench).tls, 1);
    /* On ports that SIP is not known at, nobody looks. */
    bench->end[SERVER].port = 443;
    assert_false(bench_octets(bench, CLIENT, TCP_ACK, 1, 1, OF(hello)));
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_directions_in_any_pieces),
        cmocka_unit_test(messages_gathered_side_by_side),
        cmocka_unit_test(gathered_messages_are_bounded),
        cmocka_unit_test(other_port_by_its_upgrade),
        cmocka_unit_test(holes_and_middles),
        cmocka_unit_test(broken_frames),
        cmocka_unit_test(octets_like_a_frame),
        cmocka_unit_test(room_for_a_fragment),
        cmocka_unit_test(upgrade_octet_by_octet),
        cmocka_unit_test(tls_is_left_alone),
        cmocka_unit_test(tls_out_of_order),
        cmocka_unit_test(tls_is_not_guessed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
