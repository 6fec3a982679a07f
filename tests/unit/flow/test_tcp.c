/* What a connection says, as messages, whatever the mirror makes of its segments. */
#include "tcp_bench.h"

#define ISN 1000u
#define ISS 7000u

static const char first[] = "INVITE sip:a@example.com SIP/2.0\r\nContent-Length: 6\r\n\r\nbody\r\n";
static const char second[] = "ACK sip:a@example.com SIP/2.0\r\nContent-Length: 0\r\n\r\n";
static const char third[] = "BYE sip:a@example.com SIP/2.0\r\nl: 0\r\n\r\n";

enum { FIRST = sizeof first - 1, SECOND = sizeof second - 1, THIRD = sizeof third - 1 };

#define OF(bytes) slice_of((bytes), sizeof(bytes) - 1)

/* `offset`: of the octets of this direction, counted from 0. */
static void say(struct tcp_bench *bench, int from, uint32_t offset, struct slice octets)
{
    uint32_t seq = (from == CLIENT ? ISN : ISS) + 1 + offset;
    bench_octets(bench, from, TCP_ACK | TCP_PSH, seq, (from == CLIENT ? ISS : ISN) + 1, octets);
}

static void acknowledge(struct tcp_bench *bench, int from, uint32_t offset)
{
    uint32_t seq = (from == CLIENT ? ISN : ISS) + 1;
    bench_text(bench, from, TCP_ACK, seq, (from == CLIENT ? ISS : ISN) + 1 + offset, "");
}

static struct tcp_bench *bench_up(void)
{
    struct tcp_bench *bench = bench_new();
    bench_handshake(bench, ISN, ISS);
    return bench;
}

static void expect_nothing_kept(const struct tcp_bench *bench)
{
    assert_int_equal(bench_stats(bench).buffered_bytes, 0);
}

static void one_message_is_one_segment(void **state)
{
    struct tcp_bench *bench = bench_up();
    (void)state;
    bench_wait(bench, 7 * MS);
    say(bench, CLIENT, 0, OF(first));
    bench_expect(bench, 0, OF(first));
    const struct datagram *told = &bench->message[0].datagram;
    assert_int_equal(told->time_ns, T0 + 7 * MS);
    assert_int_equal(told->packet_number, 4);
    assert_int_equal(told->transport, TRANSPORT_TCP);
    assert_int_equal(told->ttl, 64);
    assert_true(endpoint_eq(&told->src, &bench->end[CLIENT]));
    assert_true(endpoint_eq(&told->dst, &bench->end[SERVER]));
    say(bench, SERVER, 0, OF(second));
    bench_expect(bench, 1, OF(second));
    assert_true(endpoint_eq(&bench->message[1].datagram.src, &bench->end[SERVER]));
    expect_nothing_kept(bench);
    struct tcp_stats stats = bench_stats(bench);
    assert_int_equal(stats.segments, 5);
    assert_int_equal(stats.connections, 1);
    assert_int_equal(stats.messages, 2);
    bench_free(bench);
}

static void several_in_one_and_keep_alives(void **state)
{
    struct tcp_bench *bench = bench_up();
    char text[512];
    (void)state;
    int len =
        snprintf(text, sizeof text, "\r\n\r\n%s%s\r\n\r\n%s%.20s", first, second, third, first);
    say(bench, CLIENT, 0, slice_of(text, (size_t)len));
    assert_int_equal(bench->messages, 3);
    bench_expect(bench, 0, OF(first));
    bench_expect(bench, 1, OF(second));
    bench_expect(bench, 2, OF(third));
    assert_true(bench_stats(bench).buffered_bytes >= 20);
    say(bench, CLIENT, (uint32_t)len, slice_str(first + 20));
    bench_expect(bench, 3, OF(first));
    expect_nothing_kept(bench);
    assert_int_equal(bench_stats(bench).resyncs, 0);
    assert_int_equal(bench_stats(bench).skipped_bytes, 0);
    bench_free(bench);
}

static void cut_at_every_boundary(void **state)
{
    char text[sizeof first + sizeof second];
    (void)state;
    snprintf(text, sizeof text, "%s%s", first, second);
    size_t len = strlen(text);
    for (size_t cut = 1; cut < len; cut++) {
        struct tcp_bench *bench = bench_up();
        say(bench, CLIENT, 0, slice_of(text, cut));
        bench_wait(bench, 5 * MS);
        say(bench, CLIENT, (uint32_t)cut, slice_str(text + cut));
        assert_int_equal(bench->messages, 2);
        bench_expect(bench, 0, OF(first));
        bench_expect(bench, 1, OF(second));
        assert_int_equal(bench->message[0].datagram.time_ns, T0 + (cut < FIRST ? 5 * MS : 0));
        expect_nothing_kept(bench);
        bench_free(bench);
    }
}

static void octet_by_octet(void **state)
{
    struct tcp_bench *bench = bench_up();
    static char text[140000];
    (void)state;
    /* As long as they come: 64 KiB of body, and headers of nearly as much. */
    int head = snprintf(text, sizeof text, "OPTIONS sip:a@example.com SIP/2.0\r\nSubject: ");
    memset(text + head, 'x', 60000);
    head += 60000;
    head += snprintf(text + head, 100, "\r\nContent-Length: 65536\r\n\r\n");
    memset(text + head, 'y', 65536);
    size_t len = (size_t)head + 65536;
    for (size_t i = 0; i < len; i++)
        say(bench, CLIENT, (uint32_t)i, slice_of(text + i, 1));
    assert_int_equal(bench->messages, 1);
    bench_expect(bench, 0, slice_of(text, len));
    expect_nothing_kept(bench);
    bench_free(bench);
}

static void in_sequence_numbers_that_wrap(void **state)
{
    struct tcp_bench *bench = bench_new();
    (void)state;
    for (uint32_t isn = (uint32_t)-FIRST - 3; isn != 3; isn++) {
        bench->end[CLIENT].port++;
        bench_handshake(bench, isn, ISS);
        bench_octets(bench, CLIENT, TCP_ACK, isn + 1 + 30, ISS + 1, slice_str(first + 30));
        bench_octets(bench, CLIENT, TCP_ACK, isn + 1, ISS + 1, slice_of(first, 30));
        assert_int_equal(bench->messages, 1);
        bench_expect(bench, 0, OF(first));
        bench_forget(bench);
    }
    expect_nothing_kept(bench);
    bench_free(bench);
}

/* xorshift64*: the same in every run. */
static uint32_t next_random(uint64_t *random, uint32_t below)
{
    *random ^= *random >> 12;
    *random ^= *random << 25;
    *random ^= *random >> 27;
    return (uint32_t)((*random * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % below;
}

struct cut {
    uint32_t at, len;
};

/* Twenty messages in pieces of any size, overlapping, shuffled within a window and doubled. */
static void any_cut_in_any_order(void **state)
{
    enum { MESSAGES = 20, ROUNDS = 300, WINDOW = 24, TEXT_MAX = 40000, CUTS_MAX = 4000 };
    static char text[TEXT_MAX];
    static struct cut cut[CUTS_MAX];
    size_t from[MESSAGES + 1] = {0};
    uint64_t random = 88172645463325252u;
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < MESSAGES; i++)
            from[i + 1] = from[i] + bench_sip(text + from[i], TEXT_MAX - from[i], i,
                                              next_random(&random, 10) == 0 ? 3000 : i * 7);
        uint32_t len = (uint32_t)from[MESSAGES], largest = 1 + next_random(&random, 1460);
        if (largest < 12)
            largest = 12;
        size_t cuts = 0;
        for (uint32_t at = 0; at < len && cuts < CUTS_MAX; cuts++) {
            uint32_t step = 1 + next_random(&random, largest);
            uint32_t before = next_random(&random, 4) == 0 ? next_random(&random, 50) : 0;
            before = before < at ? before : at;
            step = step < len - at ? step : len - at;
            cut[cuts] = (struct cut){at - before, before + step};
            at += step;
        }
        assert_int_equal(cut[cuts - 1].at + cut[cuts - 1].len, len);
        for (size_t i = 0; i < cuts; i++) {
            size_t window_end = (i / WINDOW + 1) * WINDOW;
            window_end = window_end < cuts ? window_end : cuts;
            size_t other = i + next_random(&random, (uint32_t)(window_end - i));
            struct cut swap = cut[i];
            cut[i] = cut[other];
            cut[other] = swap;
        }
        struct tcp_bench *bench = bench_new();
        uint32_t isn = next_random(&random, 2) ? UINT32_MAX - next_random(&random, 9000) : 1;
        bench_handshake(bench, isn, ISS);
        for (size_t i = 0; i < cuts; i++)
            for (uint32_t twice = 0; twice <= (next_random(&random, 5) == 0); twice++)
                bench_octets(bench, CLIENT, TCP_ACK, isn + 1 + cut[i].at, ISS + 1,
                             slice_of(text + cut[i].at, cut[i].len));
        assert_int_equal(bench->messages, MESSAGES);
        for (size_t i = 0; i < MESSAGES; i++)
            bench_expect(bench, i, slice_of(text + from[i], from[i + 1] - from[i]));
        expect_nothing_kept(bench);
        assert_int_equal(bench_stats(bench).holes, 0);
        bench_free(bench);
    }
}

/* A message told late has the time of the latest segment that brought an octet of it. */
static void late_messages_have_their_own_time(void **state)
{
    struct tcp_bench *bench = bench_up();
    char text[512];
    (void)state;
    int len = snprintf(text, sizeof text, "%s%s%s", first, second, third);
    bench_wait(bench, MS);
    say(bench, CLIENT, FIRST + SECOND, OF(third)); /* at 1 ms */
    bench_wait(bench, MS);
    say(bench, CLIENT, FIRST + 10, slice_of(second + 10, SECOND - 10)); /* 2 ms */
    bench_wait(bench, MS);
    assert_int_equal(bench->messages, 0);
    say(bench, CLIENT, 0, slice_of(text, FIRST + 10)); /* 3 ms: closes the hole */
    assert_int_equal(bench->messages, 3);
    bench_expect(bench, 1, OF(second));
    assert_int_equal(bench->message[0].datagram.time_ns, T0 + 3 * MS);
    assert_int_equal(bench->message[1].datagram.time_ns, T0 + 3 * MS);
    assert_int_equal(bench->message[2].datagram.time_ns, T0 + 1 * MS);
    assert_int_equal(bench->message[2].datagram.packet_number, 4);
    assert_int_equal(bench_stats(bench).early, 2);
    assert_true(len > 0);
    bench_free(bench);
}

static void repeats_and_probes(void **state)
{
    struct tcp_bench *bench = bench_up();
    (void)state;
    say(bench, CLIENT, 0, slice_of(first, 20));
    say(bench, CLIENT, 0, slice_of(first, 20));
    say(bench, CLIENT, 19, SLICE("\0"));             /* keep-alive with an old octet */
    say(bench, CLIENT, 19, SLICE(""));               /* and without */
    say(bench, CLIENT, 20, slice_of(first + 20, 1)); /* a probe of a closed window */
    say(bench, CLIENT, 20, slice_of(first + 20, FIRST - 20));
    say(bench, CLIENT, 10, slice_of("################", 16)); /* other octets: not the first */
    assert_int_equal(bench->messages, 1);
    bench_expect(bench, 0, OF(first));
    assert_int_equal(bench_stats(bench).repeated, 3);
    bench_free(bench);
}

static void data_on_the_syn_and_on_the_fin(void **state)
{
    struct tcp_bench *bench = bench_new();
    (void)state;
    bench_octets(bench, CLIENT, TCP_SYN, ISN, 0, slice_of(first, 10));
    bench_text(bench, SERVER, TCP_SYN | TCP_ACK, ISS, ISN + 11, "");
    say(bench, CLIENT, 10, slice_str(first + 10));
    bench_expect(bench, 0, OF(first));
    bench_octets(bench, CLIENT, TCP_ACK | TCP_FIN, ISN + 1 + FIRST, ISS + 1, OF(second));
    bench_expect(bench, 1, OF(second));
    struct tcp_state known;
    assert_true(tcp_look(bench->tcp, &bench->end[CLIENT], &bench->end[SERVER], &known));
    assert_false(known.is_closed);
    bench_text(bench, SERVER, TCP_ACK | TCP_FIN, ISS + 1, ISN + 2 + FIRST + SECOND, "");
    assert_true(tcp_look(bench->tcp, &bench->end[CLIENT], &bench->end[SERVER], &known));
    assert_true(known.is_closed);
    assert_false(known.is_reset);
    assert_int_equal(known.unacknowledged, 0);
    /* It lingers, and is gone. */
    bench_wait(bench, TCP_LINGER_NS - 1);
    assert_int_equal(bench_stats(bench).tracked, 1);
    bench_wait(bench, 1);
    assert_int_equal(bench_stats(bench).tracked, 0);
    assert_false(tcp_look(bench->tcp, &bench->end[CLIENT], &bench->end[SERVER], &known));
    bench_free(bench);
}

static void joined_in_the_middle(void **state)
{
    struct tcp_bench *bench = bench_new();
    char text[512];
    (void)state;
    int len = snprintf(text, sizeof text, "%s%s", first + 40, second);
    say(bench, CLIENT, 40, slice_of(text, (size_t)len));
    assert_int_equal(bench->messages, 1);
    bench_expect(bench, 0, OF(second));
    struct tcp_stats stats = bench_stats(bench);
    assert_int_equal(stats.skipped_bytes, FIRST - 40);
    assert_int_equal(stats.resyncs, 1);
    assert_int_equal(stats.holes, 0);
    say(bench, CLIENT, FIRST + SECOND, OF(third));
    bench_expect(bench, 1, OF(third));
    /* The start line itself in two segments. */
    bench->end[CLIENT].port++;
    say(bench, CLIENT, 40, slice_of(text, FIRST - 40 + 7));
    say(bench, CLIENT, FIRST + 7, slice_str(second + 7));
    bench_expect(bench, 2, OF(second));
    expect_nothing_kept(bench);
    bench_free(bench);
}

static void joined_at_every_octet(void **state)
{
    char text[512];
    (void)state;
    int len = snprintf(text, sizeof text, "%s%s%s", first, second, third);
    for (uint32_t begin = 1; begin < FIRST; begin++) {
        struct tcp_bench *bench = bench_new();
        for (uint32_t at = begin; at < (uint32_t)len; at += 7) {
            size_t left = (size_t)len - at;
            say(bench, CLIENT, at, slice_of(text + at, left < 7 ? left : 7));
        }
        assert_int_equal(bench->messages, 2);
        bench_expect(bench, 0, OF(second));
        bench_expect(bench, 1, OF(third));
        expect_nothing_kept(bench);
        bench_free(bench);
    }
}

/* A body need not end with a line: then only the beginning of a segment tells. */
static void joined_behind_an_unfinished_line(void **state)
{
    struct tcp_bench *bench = bench_new();
    (void)state;
    say(bench, CLIENT, 40, SLICE("the end of a body"));
    say(bench, CLIENT, 57, OF(second));
    bench_expect(bench, 0, OF(second));
    /* A line without an end is not kept. */
    bench->end[CLIENT].port++;
    static char line[100];
    memset(line, 'x', sizeof line);
    for (uint32_t i = 0; i < 100; i++)
        say(bench, CLIENT, 40 + 100 * i, slice_of(line, sizeof line));
    assert_true(bench_stats(bench).buffered_bytes <= 8192);
    /* No message begins in the middle of a word. */
    bench->end[CLIENT].port++;
    say(bench, CLIENT, 40, slice_of(first, 3));
    say(bench, CLIENT, 43, slice_str(first + 3));
    bench_expect(bench, 1, OF(first));
    bench_free(bench);
}

static void other_ports_are_followed_if_they_speak_sip(void **state)
{
    struct tcp_bench *bench = bench_new();
    (void)state;
    bench->end[SERVER].port = 8080;
    assert_false(bench_text(bench, CLIENT, TCP_SYN, ISN, 0, ""));
    assert_false(bench_text(bench, CLIENT, TCP_ACK, ISN + 1, ISS + 1, "GET / HTTP/1.1\r\n\r\n"));
    assert_false(bench_text(bench, CLIENT, TCP_ACK, ISN + 1, ISS + 1, "some text\r\n"));
    assert_int_equal(bench_stats(bench).other, 3);
    assert_int_equal(bench_stats(bench).tracked, 0);
    assert_true(bench_text(bench, CLIENT, TCP_ACK, ISN + 1, ISS + 1, first));
    assert_true(bench_text(bench, SERVER, TCP_ACK, ISS + 1, ISN + 1, "SIP/2.0 200 OK\r\n\r\n"));
    assert_int_equal(bench->messages, 2);
    assert_int_equal(bench_stats(bench).segments, 2);
    bench_free(bench);
}

static void hole_nobody_closes(void **state)
{
    struct tcp_bench *bench = bench_up();
    (void)state;
    say(bench, CLIENT, 0, slice_of(first, 30));
    bench_wait(bench, 10 * MS);
    say(bench, CLIENT, FIRST, OF(second));
    bench_wait(bench, TCP_GAP_NS - 1);
    assert_int_equal(bench->messages, 0);
    bench_wait(bench, 1);
    assert_int_equal(bench->messages, 1);
    bench_expect(bench, 0, OF(second));
    assert_int_equal(bench->message[0].datagram.time_ns, T0 + 10 * MS);
    struct tcp_stats stats = bench_stats(bench);
    assert_int_equal(stats.holes, 1);
    assert_int_equal(stats.holes_acknowledged, 0);
    assert_int_equal(stats.skipped_bytes, 30);
    assert_int_equal(stats.resyncs, 1);
    assert_int_equal(bench->holes, 0);
    expect_nothing_kept(bench);
    /* Too late. */
    say(bench, CLIENT, 30, slice_str(first + 30));
    assert_int_equal(bench->messages, 1);
    say(bench, CLIENT, FIRST + SECOND, OF(third));
    bench_expect(bench, 1, OF(third));
    bench_free(bench);
}

/* As long as a stream goes on in its turn, what came too early is no hole. */
static void a_stream_that_goes_on_has_no_hole(void **state)
{
    struct tcp_bench *bench = bench_up();
    (void)state;
    say(bench, CLIENT, 5 * SECOND, OF(third));
    for (uint32_t i = 0; i < 5; i++) {
        bench_wait(bench, TCP_GAP_NS - MS);
        say(bench, CLIENT, i * SECOND, OF(second));
    }
    assert_int_equal(bench->messages, 6);
    bench_expect(bench, 5, OF(third));
    assert_int_equal(bench_stats(bench).holes, 0);
    bench_free(bench);
}

static void hole_that_is_acknowledged(void **state)
{
    struct tcp_bench *bench = bench_up();
    (void)state;
    say(bench, CLIENT, FIRST, OF(second));
    bench_wait(bench, 20 * MS);
    acknowledge(bench, SERVER, FIRST - 1); /* not past the hole */
    bench_wait(bench, TCP_ACKED_GAP_NS);
    assert_int_equal(bench->messages, 0);
    acknowledge(bench, SERVER, FIRST + SECOND);
    bench_wait(bench, TCP_ACKED_GAP_NS / 2);
    acknowledge(bench, SERVER, FIRST + SECOND);
    bench_wait(bench, TCP_ACKED_GAP_NS / 2 - 1);
    assert_int_equal(bench->messages, 0);
    assert_int_equal(bench->holes, 0);
    bench_wait(bench, 1);
    bench_expect(bench, 0, OF(second));
    assert_int_equal(bench->holes, 1);
    assert_true(endpoint_eq(&bench->hole.src, &bench->end[CLIENT]));
    assert_int_equal(bench->hole.time_ns, T0);
    bench_wait(bench, 5 * SEC);
    assert_int_equal(bench->holes, 1);
    assert_int_equal(bench_stats(bench).holes_acknowledged, 1);
    bench_free(bench);
}

/* The acknowledgement before the segments: a mirror of two directions does that. */
static void acknowledged_before_it_was_seen(void **state)
{
    struct tcp_bench *bench = bench_up();
    (void)state;
    acknowledge(bench, SERVER, FIRST + SECOND);
    bench_wait(bench, 10 * MS);
    say(bench, CLIENT, FIRST, OF(second));
    bench_wait(bench, 50 * MS);
    say(bench, CLIENT, 0, OF(first));
    assert_int_equal(bench->messages, 2);
    struct tcp_state known;
    assert_true(tcp_look(bench->tcp, &bench->end[CLIENT], &bench->end[SERVER], &known));
    assert_int_equal(known.unacknowledged, 0);
    assert_int_equal(known.unacknowledged_since_ns, INT64_MIN);
    bench_wait(bench, 5 * SEC);
    assert_int_equal(bench->holes, 0);
    assert_int_equal(bench_stats(bench).holes, 0);
    bench_free(bench);
}

static void several_holes(void **state)
{
    struct tcp_bench *bench = bench_up();
    (void)state;
    say(bench, CLIENT, 100, OF(first));
    bench_wait(bench, SEC);
    say(bench, CLIENT, 300, OF(second));
    say(bench, CLIENT, 500, OF(third));
    bench_wait(bench, SEC);
    assert_int_equal(bench->messages, 1); /* the second hole is known for one second */
    bench_wait(bench, SEC);
    assert_int_equal(bench->messages, 3);
    assert_int_equal(bench_stats(bench).holes, 3);
    bench_free(bench);
}

static void several_holes_that_are_acknowledged(void **state)
{
    struct tcp_bench *bench = bench_up();
    (void)state;
    say(bench, CLIENT, 100, OF(first));
    say(bench, CLIENT, 300, OF(second));
    say(bench, CLIENT, 500, OF(third));
    acknowledge(bench, SERVER, 300 + SECOND); /* past two of them */
    bench_wait(bench, 90 * MS);
    say(bench, CLIENT, 0, SLICE("\r\n\r\n")); /* the first is not as long as it seemed */
    bench_wait(bench, 90 * MS);
    assert_int_equal(bench->holes, 0);
    bench_wait(bench, 10 * MS);
    assert_int_equal(bench->holes, 2);
    assert_int_equal(bench->messages, 2);
    bench_wait(bench, 2 * SEC);
    assert_int_equal(bench->messages, 3);
    assert_int_equal(bench_stats(bench).holes, 3);
    assert_int_equal(bench_stats(bench).holes_acknowledged, 2);
    bench_free(bench);
}

static void far_off_segments(void **state)
{
    struct tcp_bench *bench = bench_up();
    (void)state;
    say(bench, CLIENT, 0, OF(first));
    say(bench, CLIENT, 0x40000000, OF(second)); /* one alone is a stray */
    say(bench, CLIENT, FIRST, OF(second));
    assert_int_equal(bench->messages, 2);
    /* Two in a row: the mirror was away for long. */
    say(bench, CLIENT, 0x50000000, OF(first));
    say(bench, CLIENT, 0x50000000 + FIRST, OF(third));
    bench_expect(bench, 2, OF(third));
    say(bench, CLIENT, 0x50000000 + FIRST + THIRD, OF(second));
    bench_expect(bench, 3, OF(second));
    assert_int_equal(bench_stats(bench).holes, 1);
    bench_free(bench);
}

/* What the snap length cut off does not come, so nobody waits; what is there is told. */
static void cut_segments(void **state)
{
    struct tcp_bench *bench = bench_up();
    char text[512];
    (void)state;
    int len = snprintf(text, sizeof text, "%s%s", second, first);
    bench->is_cut = true;
    say(bench, CLIENT, 0, slice_of(text, SECOND + 40));
    assert_int_equal(bench->messages, 2);
    bench_expect(bench, 0, OF(second));
    bench_expect(bench, 1, slice_of(first, 40));
    assert_false(bench->message[0].datagram.truncated);
    assert_true(bench->message[1].datagram.truncated);
    acknowledge(bench, SERVER, (uint32_t)len + 200);
    say(bench, CLIENT, (uint32_t)len, SLICE("the middle of a body"));
    bench->is_cut = false;
    say(bench, CLIENT, (uint32_t)len + 100, OF(third));
    bench_expect(bench, 2, OF(third));
    say(bench, CLIENT, (uint32_t)len + 100 + THIRD, OF(second));
    bench_expect(bench, 3, OF(second));
    assert_int_equal(bench->messages, 4);
    assert_int_equal(bench_stats(bench).holes, 2);
    assert_int_equal(bench->holes, 0); /* the mirror lost nothing */
    expect_nothing_kept(bench);
    bench_free(bench);
}

static void what_lies_behind_holes_is_told_at_the_end(void **state)
{
    struct tcp_bench *bench = bench_up();
    (void)state;
    say(bench, CLIENT, 10, OF(second));
    say(bench, CLIENT, 1000, OF(third));
    say(bench, SERVER, 10, OF(first));
    tcp_finish(bench->tcp);
    assert_int_equal(bench->messages, 3);
    bench_free(bench);
}

static void garbage_between_messages(void **state)
{
    struct tcp_bench *bench = bench_up();
    char text[512];
    (void)state;
    int len = snprintf(text, sizeof text, "%sgarbage\r\nmore of it\r\n%s", first, second);
    say(bench, CLIENT, 0, slice_of(text, (size_t)len));
    assert_int_equal(bench->messages, 2);
    bench_expect(bench, 1, OF(second));
    assert_int_equal(bench_stats(bench).skipped_bytes, 21);
    assert_int_equal(bench_stats(bench).resyncs, 1);
    bench_free(bench);
}

static void port_is_used_again(void **state)
{
    struct tcp_bench *bench = bench_up();
    (void)state;
    say(bench, CLIENT, 0, OF(first));
    bench_text(bench, CLIENT, TCP_ACK | TCP_FIN, ISN + 1 + FIRST, ISS + 1, "");
    bench_text(bench, SERVER, TCP_ACK | TCP_FIN, ISS + 1, ISN + 2 + FIRST, "");
    bench_wait(bench, SEC);
    bench_text(bench, SERVER, TCP_ACK | TCP_FIN, ISS + 1, ISN + 2 + FIRST, "");
    bench_wait(bench, SEC);
    bench_handshake(bench, ISN + 5, ISS + 9); /* not far from the old one */
    struct tcp_state known;
    assert_true(tcp_look(bench->tcp, &bench->end[CLIENT], &bench->end[SERVER], &known));
    assert_false(known.is_closed);
    bench_octets(bench, CLIENT, TCP_ACK, ISN + 6, ISS + 10, OF(second));
    bench_expect(bench, 1, OF(second));
    assert_int_equal(bench_stats(bench).connections, 2);
    assert_int_equal(bench_stats(bench).tracked, 1);
    bench_free(bench);
}

/* Its SYN, or its whole handshake, was not in view. */
static void port_is_used_again_out_of_sight(void **state)
{
    struct tcp_state known;
    (void)state;
    for (int with_syn_ack = 0; with_syn_ack < 2; with_syn_ack++) {
        struct tcp_bench *bench = bench_up();
        say(bench, CLIENT, 0, OF(first));
        bench_text(bench, SERVER, TCP_RST, ISS + 1, 0, "");
        uint32_t isn = with_syn_ack ? ISN + 77 : 0x30000000;
        if (with_syn_ack)
            bench_text(bench, SERVER, TCP_SYN | TCP_ACK, 0x50000000, isn + 1, "");
        if (!with_syn_ack) { /* one segment alone may be anybody's */
            bench_octets(bench, CLIENT, TCP_ACK, isn - 9, 0x50000001, SLICE("0123456789"));
            assert_int_equal(bench_stats(bench).connections, 1);
        }
        bench_octets(bench, CLIENT, TCP_ACK, isn + 1, 0x50000001, OF(second));
        bench_expect(bench, 1, OF(second));
        assert_true(tcp_look(bench->tcp, &bench->end[CLIENT], &bench->end[SERVER], &known));
        assert_false(known.is_reset || known.is_closed);
        assert_int_equal(bench_stats(bench).connections, 2);
        bench_free(bench);
    }
}

/* The SYN with ACK tells where both directions begin. */
static void out_of_order_without_the_syn(void **state)
{
    struct tcp_bench *bench = bench_new();
    (void)state;
    bench_text(bench, SERVER, TCP_SYN | TCP_ACK, ISS, ISN + 1, "");
    say(bench, CLIENT, 30, slice_str(first + 30));
    say(bench, CLIENT, 0, slice_of(first, 30));
    bench_expect(bench, 0, OF(first));
    bench_free(bench);
}

/* What a SYN brings that is not of this connection is not read. */
static void a_stranger_on_the_same_ports(void **state)
{
    struct tcp_bench *bench = bench_up();
    (void)state;
    say(bench, CLIENT, 0, OF(first));
    bench_octets(bench, CLIENT, TCP_SYN, ISN + FIRST, 0, OF(third));
    assert_int_equal(bench->messages, 1);
    bench_free(bench);
}

static void the_end_is_the_first_end(void **state)
{
    struct tcp_bench *bench = bench_up();
    (void)state;
    bench_text(bench, CLIENT, TCP_ACK | TCP_FIN, ISN + 1, ISS + 1, "");
    bench_text(bench, SERVER, TCP_ACK | TCP_FIN, ISS + 1, ISN + 2, "");
    bench_wait(bench, 20 * SEC);
    bench_text(bench, SERVER, TCP_ACK | TCP_FIN, ISS + 1, ISN + 2, "");
    bench_wait(bench, 20 * SEC);
    assert_int_equal(bench_stats(bench).tracked, 0);
    bench_free(bench);
}

/* A client that came back on its port after a crash: the old connection was never closed. */
static void port_is_used_again_without_an_end(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        struct tcp_bench *bench = bench_up();
        say(bench, CLIENT, 0, OF(first));
        bench_wait(bench, way == 2 ? 61 * SEC : SEC);
        bench_text(bench, CLIENT, TCP_SYN, 90000000, 0, "");
        assert_int_equal(bench_stats(bench).connections, way == 2 ? 2 : 1);
        if (way != 2) { /* a SYN alone may be anybody's */
            say(bench, CLIENT, FIRST, OF(third));
            bench_expect(bench, 1, OF(third));
        }
        if (way == 0)
            bench_text(bench, SERVER, TCP_ACK, 5555556, 90000001, "");
        if (way == 1)
            bench_text(bench, SERVER, TCP_SYN | TCP_ACK, 5555555, 90000001, "");
        bench_octets(bench, CLIENT, TCP_ACK, 90000001, 5555556, OF(second));
        bench_expect(bench, bench->messages - 1, OF(second));
        assert_int_equal(bench_stats(bench).connections, 2);
        bench_free(bench);
    }
}

static void reset(void **state)
{
    struct tcp_bench *bench = bench_up();
    struct tcp_state known;
    (void)state;
    say(bench, CLIENT, 0, OF(first));
    /* Far outside of any window: somebody guesses. */
    bench_text(bench, SERVER, TCP_RST, ISS + 0x10000000, 0, "");
    assert_true(tcp_look(bench->tcp, &bench->end[CLIENT], &bench->end[SERVER], &known));
    assert_false(known.is_reset || known.is_closed);
    bench_wait(bench, 3 * MS);
    bench_text(bench, SERVER, TCP_RST | TCP_ACK, ISS + 1, ISN + 1 + FIRST, "");
    bench_wait(bench, 3 * MS);
    bench_text(bench, CLIENT, TCP_RST, ISN + 1 + FIRST, 0, "");
    assert_true(tcp_look(bench->tcp, &bench->end[CLIENT], &bench->end[SERVER], &known));
    assert_true(known.is_reset && known.is_closed);
    assert_int_equal(known.reset_ns, T0 + 3 * MS);
    assert_true(endpoint_eq(&known.reset_by, &bench->end[SERVER]));
    bench_wait(bench, 40 * SEC);
    assert_int_equal(bench_stats(bench).tracked, 0);
    bench_free(bench);
}

/* Whoever sends on has not reset it; what the mirror only shows late does not count. */
static void reset_that_was_none(void **state)
{
    struct tcp_bench *bench = bench_up();
    struct tcp_state known;
    (void)state;
    say(bench, CLIENT, 0, OF(first));
    bench_text(bench, SERVER, TCP_RST, ISS + 1 + SECOND, 0, "");
    say(bench, SERVER, 0, OF(second));
    assert_int_equal(bench->messages, 2);
    assert_true(tcp_look(bench->tcp, &bench->end[CLIENT], &bench->end[SERVER], &known));
    assert_true(known.is_reset);
    say(bench, SERVER, SECOND, OF(third));
    assert_int_equal(bench->messages, 3);
    assert_true(tcp_look(bench->tcp, &bench->end[CLIENT], &bench->end[SERVER], &known));
    assert_false(known.is_reset || known.is_closed);
    bench_wait(bench, 100 * SEC);
    assert_int_equal(bench_stats(bench).tracked, 1);
    bench_free(bench);
}

static void reset_in_the_middle(void **state)
{
    struct tcp_bench *bench = bench_new();
    struct tcp_state known;
    (void)state;
    say(bench, CLIENT, 0, OF(first));
    bench_text(bench, SERVER, TCP_RST, ISS + 1, 0, "");
    assert_true(tcp_look(bench->tcp, &bench->end[CLIENT], &bench->end[SERVER], &known));
    assert_true(known.is_reset);
    bench_free(bench);
}

static void idle_connections_go(void **state)
{
    struct tcp_bench *bench = bench_up();
    (void)state;
    bench_wait(bench, TCP_IDLE_NS - 1);
    say(bench, CLIENT, 0, SLICE("\r\n\r\n"));
    bench_wait(bench, TCP_IDLE_NS - 1);
    assert_int_equal(bench_stats(bench).tracked, 1);
    bench_wait(bench, 1);
    assert_int_equal(bench_stats(bench).tracked, 0);
    bench_free(bench);
}

static void octets_never_acknowledged(void **state)
{
    struct tcp_bench *bench = bench_up();
    struct tcp_state known;
    (void)state;
    for (uint32_t i = 0; i < 6; i++) {
        bench_wait(bench, MS);
        say(bench, CLIENT, i * SECOND, OF(second));
        say(bench, CLIENT, i * SECOND, OF(second)); /* a repeat is not sent first */
    }
    assert_true(tcp_look(bench->tcp, &bench->end[CLIENT], &bench->end[SERVER], &known));
    assert_int_equal(known.unacknowledged, 6 * SECOND);
    assert_int_equal(known.unacknowledged_since_ns, T0 + MS);
    assert_int_equal(known.repeats, 6);
    assert_int_equal(known.last_from_peer_ns, T0);
    bench_wait(bench, MS);
    acknowledge(bench, SERVER, 2 * SECOND);
    acknowledge(bench, SERVER, SECOND);     /* an old one */
    acknowledge(bench, SERVER, 0x20000000); /* of octets that were never sent */
    assert_true(tcp_look(bench->tcp, &bench->end[CLIENT], &bench->end[SERVER], &known));
    assert_int_equal(known.unacknowledged, 4 * SECOND);
    assert_int_equal(known.unacknowledged_since_ns, T0 + 3 * MS);
    assert_int_equal(known.repeats, 0); /* since then */
    assert_int_equal(known.last_from_peer_ns, T0 + 7 * MS);
    acknowledge(bench, SERVER, 6 * SECOND);
    assert_true(tcp_look(bench->tcp, &bench->end[CLIENT], &bench->end[SERVER], &known));
    assert_int_equal(known.unacknowledged, 0);
    assert_int_equal(known.unacknowledged_since_ns, INT64_MIN);
    assert_true(tcp_look(bench->tcp, &bench->end[SERVER], &bench->end[CLIENT], &known));
    assert_int_equal(known.unacknowledged, 0);
    bench_free(bench);
}

/* The peer is not in view at all. */
static void unacknowledged_in_one_direction(void **state)
{
    struct tcp_bench *bench = bench_new();
    struct tcp_state known;
    (void)state;
    say(bench, CLIENT, 0, OF(first));
    say(bench, CLIENT, FIRST, OF(second));
    assert_true(tcp_look(bench->tcp, &bench->end[CLIENT], &bench->end[SERVER], &known));
    assert_int_equal(known.unacknowledged, FIRST + SECOND);
    assert_int_equal(known.unacknowledged_since_ns, T0);
    assert_int_equal(known.last_from_peer_ns, INT64_MIN);
    bench_free(bench);
}

static void clock_step(void **state)
{
    struct tcp_bench *bench = bench_up();
    struct tcp_state known;
    (void)state;
    say(bench, CLIENT, 10, OF(second));
    tcp_clock_step(bench->tcp, -1000 * SEC);
    bench->now_ns -= 1000 * SEC;
    bench_wait(bench, TCP_GAP_NS - 1);
    assert_int_equal(bench->messages, 0);
    bench_wait(bench, 1);
    bench_expect(bench, 0, OF(second));
    assert_int_equal(bench->message[0].datagram.time_ns, T0 - 1000 * SEC);
    assert_true(tcp_look(bench->tcp, &bench->end[CLIENT], &bench->end[SERVER], &known));
    assert_int_equal(known.unacknowledged_since_ns, T0 - 1000 * SEC);
    assert_true(tcp_look(bench->tcp, &bench->end[SERVER], &bench->end[CLIENT], &known));
    assert_int_equal(known.last_from_peer_ns, T0 - 1000 * SEC);
    bench_free(bench);
}

static void stamps_at_the_ends_of_time(void **state)
{
    static const int64_t times[] = {INT64_MAX, INT64_MIN, INT64_MAX - 1, INT64_MIN + 1, 0};
    struct tcp_bench *bench = bench_new();
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        bench->now_ns = times[i];
        bench->end[CLIENT].port++;
        bench_text(bench, CLIENT, TCP_SYN, ISN, 0, "");
        say(bench, CLIENT, 10, OF(second));
        acknowledge(bench, SERVER, 1000);
        tcp_advance(bench->tcp, bench->now_ns);
        tcp_advance(bench->tcp, INT64_MAX);
        tcp_clock_step(bench->tcp, times[4 - i]);
    }
    bench_free(bench);
}

static void both_ends_the_same(void **state)
{
    struct tcp_bench *bench = bench_new();
    (void)state;
    bench->end[CLIENT] = bench->end[SERVER];
    bench_handshake(bench, ISN, ISS);
    say(bench, CLIENT, 0, OF(first));
    say(bench, SERVER, 0, OF(second));
    bench_wait(bench, 1000 * SEC);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_message_is_one_segment),
        cmocka_unit_test(several_in_one_and_keep_alives),
        cmocka_unit_test(cut_at_every_boundary),
        cmocka_unit_test(octet_by_octet),
        cmocka_unit_test(in_sequence_numbers_that_wrap),
        cmocka_unit_test(any_cut_in_any_order),
        cmocka_unit_test(late_messages_have_their_own_time),
        cmocka_unit_test(repeats_and_probes),
        cmocka_unit_test(data_on_the_syn_and_on_the_fin),
        cmocka_unit_test(joined_in_the_middle),
        cmocka_unit_test(joined_at_every_octet),
        cmocka_unit_test(joined_behind_an_unfinished_line),
        cmocka_unit_test(other_ports_are_followed_if_they_speak_sip),
        cmocka_unit_test(hole_nobody_closes),
        cmocka_unit_test(a_stream_that_goes_on_has_no_hole),
        cmocka_unit_test(hole_that_is_acknowledged),
        cmocka_unit_test(acknowledged_before_it_was_seen),
        cmocka_unit_test(several_holes),
        cmocka_unit_test(several_holes_that_are_acknowledged),
        cmocka_unit_test(far_off_segments),
        cmocka_unit_test(cut_segments),
        cmocka_unit_test(what_lies_behind_holes_is_told_at_the_end),
        cmocka_unit_test(garbage_between_messages),
        cmocka_unit_test(port_is_used_again),
        cmocka_unit_test(port_is_used_again_without_an_end),
        cmocka_unit_test(port_is_used_again_out_of_sight),
        cmocka_unit_test(out_of_order_without_the_syn),
        cmocka_unit_test(a_stranger_on_the_same_ports),
        cmocka_unit_test(the_end_is_the_first_end),
        cmocka_unit_test(reset),
        cmocka_unit_test(reset_that_was_none),
        cmocka_unit_test(reset_in_the_middle),
        cmocka_unit_test(idle_connections_go),
        cmocka_unit_test(octets_never_acknowledged),
        cmocka_unit_test(unacknowledged_in_one_direction),
        cmocka_unit_test(clock_step),
        cmocka_unit_test(stamps_at_the_ends_of_time),
        cmocka_unit_test(both_ends_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
