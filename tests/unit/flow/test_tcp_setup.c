/* Connections that never got as far as a message: what is told of them, when, and when nothing. */
#include "tcp_bench.h"

#define ISN 1000u
#define ISS 7000u

static const char hello[] = "\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03"
                            "0123456789abcdef0123456789abcdef\x00\x00\x02\x13\x01\x01\x00\x00\x00";
static const char server_hello[] = "\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03"
                                   "0123456789abcdef0123456789abcdef\x00\x13\x01\x00";
static const char fatal_alert[] = "\x15\x03\x03\x00\x02\x02\x28"; /* handshake_failure */
static const char sip[] = "OPTIONS sip:a@example.com SIP/2.0\r\nContent-Length: 0\r\n\r\n";

#define OF(bytes) slice_of((bytes), sizeof(bytes) - 1)

static void say(struct tcp_bench *bench, int from, uint32_t seq, struct slice octets)
{
    bench_octets(bench, from, TCP_ACK | TCP_PSH, seq, from == CLIENT ? ISS + 1 : ISN + 1, octets);
}

static void expect_failure(const struct tcp_bench *bench, enum tcp_failure_reason reason,
                           uint32_t attempts, int64_t first_ns, int64_t last_ns, int64_t at_ns)
{
    assert_int_equal(bench->failures, 1);
    const struct tcp_failure *failure = &bench->failure[0];
    assert_int_equal(failure->reason, reason);
    assert_int_equal(failure->attempts, attempts);
    assert_true(endpoint_eq(&failure->client, &bench->end[CLIENT]));
    assert_true(endpoint_eq(&failure->server, &bench->end[SERVER]));
    assert_int_equal(failure->first_ns, T0 + first_ns);
    assert_int_equal(failure->last_ns, T0 + last_ns);
    assert_int_equal(failure->at_ns, T0 + at_ns);
}

static void refused_by_rst(void **state)
{
    struct tcp_bench *bench = bench_new();
    (void)state;
    bench_text(bench, CLIENT, TCP_SYN, ISN, 0, "");
    bench_wait(bench, SEC);
    bench_text(bench, CLIENT, TCP_SYN, ISN, 0, "");
    bench_wait(bench, 5 * MS);
    /* One that acknowledges something else is of another attempt. */
    bench_text(bench, SERVER, TCP_RST | TCP_ACK, 0, ISN + 2, "");
    bench_text(bench, SERVER, TCP_RST | TCP_ACK, 0, ISN, "");
    assert_int_equal(bench->failures, 0);
    struct tcp_state known;
    assert_true(tcp_look(bench->tcp, &bench->end[CLIENT], &bench->end[SERVER], &known));
    assert_false(known.is_reset);
    bench_text(bench, SERVER, TCP_RST | TCP_ACK, 0, ISN + 1, "");
    expect_failure(bench, TCP_REFUSED, 2, 0, SEC + 5 * MS, SEC + 5 * MS);
    assert_true(tcp_look(bench->tcp, &bench->end[CLIENT], &bench->end[SERVER], &known));
    assert_true(known.is_reset && known.reset_is_certain);
    assert_true(bench->failure[0].server_was_heard);
    assert_false(bench->failure[0].is_tls);
    /* Told once, whatever the client's stack still repeats. */
    bench_text(bench, SERVER, TCP_RST | TCP_ACK, 0, ISN + 1, "");
    bench_text(bench, CLIENT, TCP_SYN, ISN, 0, "");
    bench_text(bench, SERVER, TCP_RST | TCP_ACK, 0, ISN + 1, "");
    bench_wait(bench, 40 * SEC);
    assert_int_equal(bench->failures, 1);
    bench_free(bench);
}

/* RFC 9293 section 3.10.7.3: without ACK it answers no SYN. */
static void not_refused_by_plain_rst(void **state)
{
    struct tcp_bench *bench = bench_new();
    struct tcp_state known;
    (void)state;
    bench_text(bench, CLIENT, TCP_SYN, ISN, 0, "");
    bench_text(bench, SERVER, TCP_RST, 0, 0, "");
    bench_text(bench, SERVER, TCP_RST, 0, ISN + 1, "");
    assert_int_equal(bench->failures, 0);
    assert_true(tcp_look(bench->tcp, &bench->end[CLIENT], &bench->end[SERVER], &known));
    assert_false(known.is_reset || known.is_closed);
    bench_wait(bench, 32 * SEC);
    expect_failure(bench, TCP_NO_ANSWER, 1, 0, 0, 32 * SEC);
    bench_free(bench);
}

/* Data may be on the SYN (RFC 7413), and be acknowledged with it or not. */
static void refused_with_data_on_the_syn(void **state)
{
    (void)state;
    for (uint32_t acked = 0; acked <= 4; acked++) {
        struct tcp_bench *bench = bench_new();
        bench_text(bench, CLIENT, TCP_SYN, ISN, 0, "OPT");
        bench_text(bench, SERVER, TCP_RST | TCP_ACK, 0, ISN + 1 + acked, "");
        assert_int_equal(bench->failures, acked <= 3);
        bench_free(bench);
    }
}

static void refused_again_on_the_same_port(void **state)
{
    struct tcp_bench *bench = bench_new();
    (void)state;
    bench_text(bench, CLIENT, TCP_SYN, ISN, 0, "");
    bench_text(bench, SERVER, TCP_RST | TCP_ACK, 0, ISN + 1, "");
    bench_wait(bench, 2 * SEC);
    bench_text(bench, CLIENT, TCP_SYN, ISN + 500, 0, "");
    bench_wait(bench, 1 * SEC);
    bench_text(bench, CLIENT, TCP_SYN, ISN + 500, 0, "");
    bench_text(bench, SERVER, TCP_RST | TCP_ACK, 0, ISN + 501, "");
    assert_int_equal(bench->failures, 2);
    assert_int_equal(bench->failure[1].attempts, 2);
    assert_int_equal(bench->failure[1].first_ns, T0 + 2 * SEC);
    assert_int_equal(bench->failure[1].last_ns, T0 + 3 * SEC);
    bench_free(bench);
}

static struct icmp_error icmp_about(const struct tcp_bench *bench, enum icmp_meaning meaning)
{
    return (struct icmp_error){
        .time_ns = bench->now_ns,
        .meaning = meaning,
        .src = bench->end[CLIENT],
        .dst = bench->end[SERVER],
        .protocol = 6,
        .has_ports = true,
        .tcp_seq = ISN,
    };
}

static void refused_by_icmp(void **state)
{
    (void)state;
    for (int meaning = 0; meaning < ICMP_MEANING_COUNT; meaning++) {
        bool is_final = meaning == ICMP_PORT_UNREACHABLE || meaning == ICMP_ADMIN_PROHIBITED ||
                        meaning == ICMP_PROTOCOL_UNREACHABLE;
        struct tcp_bench *bench = bench_new();
        bench_text(bench, CLIENT, TCP_SYN, ISN, 0, "");
        bench_wait(bench, 3 * MS);
        struct icmp_error error = icmp_about(bench, (enum icmp_meaning)meaning);
        error.tcp_seq = ISN + 1;
        tcp_icmp(bench->tcp, &error);
        error.tcp_seq = ISN;
        error.protocol = 17;
        tcp_icmp(bench->tcp, &error);
        error.protocol = 6;
        error.has_ports = false;
        tcp_icmp(bench->tcp, &error);
        error.has_ports = true;
        error.src = bench->end[SERVER];
        error.dst = bench->end[CLIENT];
        tcp_icmp(bench->tcp, &error);
        assert_int_equal(bench->failures, 0);
        error = icmp_about(bench, (enum icmp_meaning)meaning);
        tcp_icmp(bench->tcp, &error);
        tcp_icmp(bench->tcp, &error);
        if (is_final) {
            expect_failure(bench, TCP_REFUSED, 1, 0, 3 * MS, 3 * MS);
            assert_false(bench->failure[0].server_was_heard);
        } else {
            assert_int_equal(bench->failures, 0);
        }
        bench_free(bench);
    }
}

static void icmp_about_what_is_up(void **state)
{
    struct tcp_bench *bench = bench_new();
    (void)state;
    bench_handshake(bench, ISN, ISS);
    struct icmp_error error = icmp_about(bench, ICMP_PORT_UNREACHABLE);
    tcp_icmp(bench->tcp, &error);
    bench_wait(bench, 40 * SEC);
    assert_int_equal(bench->failures, 0);
    bench_free(bench);
}

static void no_answer(void **state)
{
    static const int64_t syn_at[] = {0, 1 * SEC, 3 * SEC, 7 * SEC, 15 * SEC, 31 * SEC};
    struct tcp_bench *bench = bench_new();
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        bench_wait(bench, T0 + syn_at[i] - bench->now_ns);
        bench_text(bench, CLIENT, TCP_SYN, ISN, 0, "");
    }
    bench_wait(bench, 999 * MS);
    assert_int_equal(bench->failures, 0);
    bench_wait(bench, 5 * SEC);
    expect_failure(bench, TCP_NO_ANSWER, 6, 0, 31 * SEC, 32 * SEC);
    assert_false(bench->failure[0].server_was_heard);
    /* Linux sends a last one after 63 s. */
    bench_wait(bench, T0 + 63 * SEC - bench->now_ns);
    bench_text(bench, CLIENT, TCP_SYN, ISN, 0, "");
    bench_wait(bench, 100 * SEC);
    assert_int_equal(bench->failures, 1);
    bench_free(bench);
}

/* A client that tries anew before the first attempt has failed: one port, one failure. */
static void no_answer_to_other_sequence_numbers(void **state)
{
    struct tcp_bench *bench = bench_new();
    (void)state;
    bench_text(bench, CLIENT, TCP_SYN, ISN, 0, "");
    bench_wait(bench, 10 * SEC);
    bench_text(bench, CLIENT, TCP_SYN, ISN + 12345, 0, "");
    bench_wait(bench, 22 * SEC);
    expect_failure(bench, TCP_NO_ANSWER, 2, 0, 10 * SEC, 32 * SEC);
    bench_free(bench);

    /* The other one is answered. */
    bench = bench_new();
    bench_text(bench, CLIENT, TCP_SYN, 0x40000000, 0, "");
    bench_handshake(bench, ISN, ISS);
    say(bench, CLIENT, ISN + 1, OF(sip));
    assert_int_equal(bench->messages, 1);
    assert_int_equal(bench_stats(bench).connections, 1);
    bench_free(bench);
}

/* Each of these shows that the SYN was answered, though the mirror has no answer. */
static void answered_out_of_sight(void **state)
{
    static const struct {
        const char *why;
        int from;
        uint8_t flags;
        uint32_t seq, ack;
        const char *text;
        bool answered;
    } rows[] = {
        {"the client's ACK", CLIENT, TCP_ACK, ISN + 1, ISS + 1, "", true},
        {"data from the client", CLIENT, TCP_ACK, ISN + 1, ISS + 1, "x", true},
        {"later data", CLIENT, TCP_ACK, ISN + 1461, ISS + 1, "x", true},
        {"FIN from the client", CLIENT, TCP_ACK | TCP_FIN, ISN + 1, ISS + 1, "", true},
        {"RST to a SYN with ACK", CLIENT, TCP_RST, ISN + 1, 0, "", true},
        {"data from the server", SERVER, TCP_ACK, ISS + 1, ISN + 1, "x", true},
        {"SYN with ACK", SERVER, TCP_SYN | TCP_ACK, ISS, ISN + 1, "", true},
        {"RST to an old connection's ACK", CLIENT, TCP_RST, 99, 0, "", false},
        {"ACK of an old connection", SERVER, TCP_ACK, 5, ISN - 100, "", false},
        {"SYN with another's ACK", SERVER, TCP_SYN | TCP_ACK, ISS, ISN + 2, "", false},
        {"the SYN again", CLIENT, TCP_SYN, ISN, 0, "", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tcp_bench *bench = bench_new();
        bench_text(bench, CLIENT, TCP_SYN, ISN, 0, "");
        bench_text(bench, rows[i].from, rows[i].flags, rows[i].seq, rows[i].ack, rows[i].text);
        bench_wait(bench, 33 * SEC);
        if (bench->failures != !rows[i].answered)
            fail_msg("%s", rows[i].why);
        if (!rows[i].answered) {
            assert_int_equal(bench->failure[0].reason, TCP_NO_ANSWER);
            assert_int_equal(bench->failure[0].server_was_heard, rows[i].from == SERVER);
        }
        bench_free(bench);
    }
}

/* The mirror may show the answer before the question. */
static void answer_before_the_syn(void **state)
{
    struct tcp_bench *bench = bench_new();
    (void)state;
    bench_text(bench, SERVER, TCP_SYN | TCP_ACK, ISS, ISN + 1, "");
    bench_text(bench, CLIENT, TCP_SYN, ISN, 0, "");
    say(bench, CLIENT, ISN + 1, OF(sip));
    assert_int_equal(bench->messages, 1);
    bench_wait(bench, 40 * SEC);
    assert_int_equal(bench->failures, 0);
    assert_int_equal(bench_stats(bench).connections, 1);
    bench_free(bench);
}

static void no_failure_without_a_beginning(void **state)
{
    struct tcp_bench *bench = bench_new();
    (void)state;
    say(bench, CLIENT, ISN, slice_str("something"));
    bench_text(bench, SERVER, TCP_RST, ISS + 1, 0, "");
    bench_wait(bench, 33 * SEC);
    assert_int_equal(bench->failures, 0);
    /* Nor where RST or an ACK alone is all that there is: not even a connection. */
    bench->end[CLIENT].port++;
    assert_false(bench_text(bench, SERVER, TCP_RST | TCP_ACK, 0, ISN + 1, ""));
    assert_false(bench_text(bench, CLIENT, TCP_ACK, ISN + 1, ISS + 1, ""));
    assert_int_equal(bench_stats(bench).tracked, 1);
    bench_free(bench);
}

static void no_failure_after_a_message(void **state)
{
    struct tcp_bench *bench = bench_new();
    (void)state;
    bench_text(bench, CLIENT, TCP_SYN, ISN, 0, "");
    say(bench, CLIENT, ISN + 1, OF(sip));
    bench_text(bench, SERVER, TCP_RST, ISS + 1, 0, "");
    bench_wait(bench, 33 * SEC);
    assert_int_equal(bench->failures, 0);
    bench_free(bench);
}

/* A whole message on the SYN (RFC 7413), of which nobody sees that it arrived. */
static void no_failure_with_a_message_on_the_syn(void **state)
{
    struct tcp_bench *bench = bench_new();
    (void)state;
    bench_octets(bench, CLIENT, TCP_SYN, ISN, 0, OF(sip));
    assert_int_equal(bench->messages, 1);
    bench_wait(bench, 33 * SEC);
    assert_int_equal(bench->failures, 0);
    bench_free(bench);
}

/* A SIP server that connects to something else. */
static void only_sip_servers_fail(void **state)
{
    struct tcp_bench *bench = bench_new();
    (void)state;
    bench->end[CLIENT].port = SIP_PORT;
    bench->end[SERVER].port = 25;
    assert_true(bench_text(bench, CLIENT, TCP_SYN, ISN, 0, ""));
    bench_text(bench, SERVER, TCP_RST | TCP_ACK, 0, ISN + 1, "");
    assert_int_equal(bench->failures, 0);
    bench->end[CLIENT].port = 4711;
    assert_false(bench_text(bench, CLIENT, TCP_SYN, ISN, 0, ""));
    assert_int_equal(bench_stats(bench).other, 1);
    bench_free(bench);
}

static struct tcp_bench *tls_bench(void)
{
    struct tcp_bench *bench = bench_new();
    bench->end[SERVER].port = 5061;
    bench_handshake(bench, ISN, ISS);
    bench_wait(bench, 10 * MS);
    say(bench, CLIENT, ISN + 1, OF(hello));
    return bench;
}

static void tls_silent(void **state)
{
    struct tcp_bench *bench = tls_bench();
    (void)state;
    bench_text(bench, SERVER, TCP_ACK, ISS + 1, ISN + 1 + sizeof hello - 1, "");
    bench_wait(bench, 300 * MS);
    say(bench, CLIENT, ISN + 1, OF(hello));
    bench_wait(bench, 31 * SEC);
    assert_int_equal(bench->failures, 0);
    bench_wait(bench, 10 * SEC);
    expect_failure(bench, TCP_TLS_SILENT, 2, 0, 310 * MS, 32 * SEC);
    assert_true(bench->failure[0].is_tls);
    assert_true(bench->failure[0].server_was_heard);
    assert_int_equal(bench_stats(bench).tls, 1);
    bench_free(bench);
}

static void tls_silent_though_closed(void **state)
{
    struct tcp_bench *bench = tls_bench();
    (void)state;
    bench_text(bench, SERVER, TCP_RST, ISS + 1, 0, "");
    bench_wait(bench, 33 * SEC);
    expect_failure(bench, TCP_TLS_SILENT, 1, 0, 10 * MS, 32 * SEC);
    bench_free(bench);
}

/* One direction is mirrored: only the client's hello is there, not its SYN. */
static void tls_silent_without_syn(void **state)
{
    struct tcp_bench *bench = bench_new();
    (void)state;
    say(bench, CLIENT, ISN + 1, OF(hello));
    bench_wait(bench, 32 * SEC);
    expect_failure(bench, TCP_TLS_SILENT, 1, 0, 0, 32 * SEC);
    assert_false(bench->failure[0].server_was_heard);
    bench_free(bench);
}

/* A hello that had to wait for TCP is given half the time at least. */
static void tls_silent_after_a_late_hello(void **state)
{
    struct tcp_bench *bench = bench_new();
    (void)state;
    bench_handshake(bench, ISN, ISS);
    bench_wait(bench, 30 * SEC);
    say(bench, CLIENT, ISN + 1, OF(hello));
    bench_wait(bench, 16 * SEC - 1);
    assert_int_equal(bench->failures, 0);
    bench_wait(bench, 1);
    expect_failure(bench, TCP_TLS_SILENT, 1, 0, 30 * SEC, 46 * SEC);
    bench_free(bench);
}

static void tls_answered(void **state)
{
    struct tcp_bench *bench = tls_bench();
    (void)state;
    say(bench, SERVER, ISS + 1, OF(server_hello));
    bench_wait(bench, 40 * SEC);
    assert_int_equal(bench->failures, 0);
    bench_free(bench);

    /* Only what the client does next shows it. */
    bench = tls_bench();
    say(bench, CLIENT, ISN + sizeof hello, slice_of("\x14\x03\x03\x00\x01\x01", 6));
    bench_wait(bench, 40 * SEC);
    assert_int_equal(bench->failures, 0);
    assert_int_equal(bench_stats(bench).tls, 1);
    bench_free(bench);

    /* A second hello, which only a server's wish brings about. */
    bench = tls_bench();
    say(bench, CLIENT, ISN + sizeof hello, OF(hello));
    bench_wait(bench, 40 * SEC);
    assert_int_equal(bench->failures, 0);
    bench_free(bench);
}

static void tls_alert(void **state)
{
    struct tcp_bench *bench = tls_bench();
    (void)state;
    bench_wait(bench, 20 * MS);
    say(bench, SERVER, ISS + 1, OF(fatal_alert));
    expect_failure(bench, TCP_TLS_ALERT, 1, 0, 30 * MS, 30 * MS);
    assert_true(bench->failure[0].is_tls);
    say(bench, SERVER, ISS + 1, OF(fatal_alert));
    bench_wait(bench, 40 * SEC);
    assert_int_equal(bench->failures, 1);
    bench_free(bench);

    /* The client's, behind the server's hello. */
    bench = tls_bench();
    say(bench, SERVER, ISS + 1, OF(server_hello));
    say(bench, CLIENT, ISN + sizeof hello, OF(fatal_alert));
    expect_failure(bench, TCP_TLS_ALERT, 1, 0, 10 * MS, 10 * MS);
    bench_free(bench);

    /* In one segment with what comes before it. */
    char both[sizeof server_hello + sizeof fatal_alert];
    memcpy(both, server_hello, sizeof server_hello - 1);
    memcpy(both + sizeof server_hello - 1, fatal_alert, sizeof fatal_alert - 1);
    bench = tls_bench();
    say(bench, SERVER, ISS + 1, slice_of(both, sizeof server_hello + sizeof fatal_alert - 2));
    assert_int_equal(bench->failures, 1);
    bench_free(bench);
}

static void tls_alerts_that_fail_nothing(void **state)
{
    static const char *const alerts[] = {"\x15\x03\x03\x00\x02\x01\x00",  /* close_notify */
                                         "\x15\x03\x03\x00\x02\x01\x70"}; /* unrecognized_name */
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct tcp_bench *bench = tls_bench();
        say(bench, SERVER, ISS + 1, slice_of(alerts[i], 7));
        bench_wait(bench, 40 * SEC);
        assert_int_equal(bench->failures, 0);
        bench_free(bench);
    }
}

/* Who asked for what is not in view. */
static void tls_alert_without_a_beginning(void **state)
{
    struct tcp_bench *bench = bench_new();
    (void)state;
    bench_text(bench, SERVER, TCP_SYN | TCP_ACK, ISS, ISN + 1, "");
    say(bench, SERVER, ISS + 1, OF(fatal_alert));
    assert_int_equal(bench_stats(bench).tls, 1);
    bench_wait(bench, 40 * SEC);
    assert_int_equal(bench->failures, 0);
    bench_free(bench);
}

/* TLS above a TCP that nobody answers is TCP's failure. */
static void tls_on_an_unanswered_syn(void **state)
{
    struct tcp_bench *bench = bench_new();
    (void)state;
    bench_octets(bench, CLIENT, TCP_SYN, ISN, 0, OF(hello));
    bench_wait(bench, 33 * SEC);
    expect_failure(bench, TCP_NO_ANSWER, 1, 0, 0, 32 * SEC);
    bench_free(bench);
}

static void failures_after_a_clock_step(void **state)
{
    struct tcp_bench *bench = bench_new();
    (void)state;
    bench_text(bench, CLIENT, TCP_SYN, ISN, 0, "");
    bench_wait(bench, 10 * SEC);
    tcp_clock_step(bench->tcp, -3600 * SEC);
    bench->now_ns -= 3600 * SEC;
    bench_wait(bench, 21 * SEC);
    assert_int_equal(bench->failures, 0);
    bench_wait(bench, SEC);
    assert_int_equal(bench->failures, 1);
    assert_int_equal(bench->failure[0].first_ns, T0 - 3600 * SEC);
    assert_int_equal(bench->failure[0].at_ns, T0 - 3568 * SEC);
    bench_free(bench);
}

static void nothing_is_told_at_the_end(void **state)
{
    struct tcp_bench *bench = bench_new();
    (void)state;
    bench_text(bench, CLIENT, TCP_SYN, ISN, 0, "");
    tcp_finish(bench->tcp);
    assert_int_equal(bench->failures, 0);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_by_rst),
        cmocka_unit_test(not_refused_by_plain_rst),
        cmocka_unit_test(refused_with_data_on_the_syn),
        cmocka_unit_test(refused_again_on_the_same_port),
        cmocka_unit_test(refused_by_icmp),
        cmocka_unit_test(icmp_about_what_is_up),
        cmocka_unit_test(no_answer),
        cmocka_unit_test(no_answer_to_other_sequence_numbers),
        cmocka_unit_test(answered_out_of_sight),
        cmocka_unit_test(answer_before_the_syn),
        cmocka_unit_test(no_failure_without_a_beginning),
        cmocka_unit_test(no_failure_after_a_message),
        cmocka_unit_test(no_failure_with_a_message_on_the_syn),
        cmocka_unit_test(only_sip_servers_fail),
        cmocka_unit_test(tls_silent),
        cmocka_unit_test(tls_silent_though_closed),
        cmocka_unit_test(tls_silent_without_syn),
        cmocka_unit_test(tls_silent_after_a_late_hello),
        cmocka_unit_test(tls_answered),
        cmocka_unit_test(tls_alert),
        cmocka_unit_test(tls_alerts_that_fail_nothing),
        cmocka_unit_test(tls_alert_without_a_beginning),
        cmocka_unit_test(tls_on_an_unanswered_syn),
        cmocka_unit_test(failures_after_a_clock_step),
        cmocka_unit_test(nothing_is_told_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
