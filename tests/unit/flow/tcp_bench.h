/* What the tests of TCP share: segments made by hand between two ends, and what came of them. */
#ifndef SIPSPAN_TESTS_FLOW_TCP_BENCH_H
#define SIPSPAN_TESTS_FLOW_TCP_BENCH_H

#include "flow/tcp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MS  INT64_C(1000000)
#define SEC (1000 * MS)
#define T0  (INT64_C(1767225600) * SEC)

enum { CLIENT, SERVER, CLIENT_PORT = 40000, SIP_PORT = 5060 };
enum { TOLD_MAX = 256 };

struct told {
    char *text;
    size_t len;
    struct datagram datagram; /* its payload is not valid */
};

struct tcp_bench {
    struct tcp *tcp;
    int64_t now_ns;
    uint64_t number;
    struct endpoint end[2];
    struct told message[TOLD_MAX];
    size_t messages;
    struct tcp_failure failure[TOLD_MAX];
    size_t failures;
    struct datagram hole;
    size_t holes;
    bool is_cut; /* the segments that are sent */
};

static inline struct endpoint bench_endpoint(uint8_t last, uint16_t port)
{
    return (struct endpoint){ip_from_v4((uint8_t[]){192, 0, 2, last}), port};
}

static bool bench_is_sip_server(void *context, const struct endpoint *endpoint)
{
    (void)context;
    return endpoint->port == SIP_PORT || endpoint->port == 5061;
}

static void bench_on_message(void *context, const struct datagram *message)
{
    struct tcp_bench *bench = context;
    if (bench->messages < TOLD_MAX) {
        struct told *told = &bench->message[bench->messages];
        told->text = malloc(message->payload.len + 1);
        assert_non_null(told->text);
        memcpy(told->text, message->payload.at, message->payload.len);
        told->text[message->payload.len] = 0;
        told->len = message->payload.len;
        told->datagram = *message;
    }
    bench->messages++;
}

static void bench_on_failure(void *context, const struct tcp_failure *failure)
{
    struct tcp_bench *bench = context;
    assert_true(bench->failures < TOLD_MAX);
    bench->failure[bench->failures++] = *failure;
}

static void bench_on_hole(void *context, const struct datagram *segment)
{
    struct tcp_bench *bench = context;
    bench->hole = *segment;
    bench->holes++;
}

static struct tcp_bench *bench_new_of(size_t connections, size_t bytes)
{
    struct tcp_bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    bench->now_ns = T0;
    bench->end[CLIENT] = bench_endpoint(1, CLIENT_PORT);
    bench->end[SERVER] = bench_endpoint(2, SIP_PORT);
    bench->tcp = tcp_create(&(struct tcp_params){
        .connections_max = connections,
        .bytes_max = bytes,
        .setup_ns = 32 * SEC,
        .is_sip_server = bench_is_sip_server,
        .on_message = bench_on_message,
        .on_failure = bench_on_failure,
        .on_hole = bench_on_hole,
        .context = bench,
    });
    assert_non_null(bench->tcp);
    return bench;
}

static inline struct tcp_bench *bench_new(void)
{
    return bench_new_of(1000, 16 << 20);
}

static inline void bench_forget(struct tcp_bench *bench)
{
    for (size_t i = 0; i < bench->messages && i < TOLD_MAX; i++)
        free(bench->message[i].text);
    bench->messages = bench->failures = bench->holes = 0;
}

static void bench_free(struct tcp_bench *bench)
{
    bench_forget(bench);
    tcp_destroy(bench->tcp);
    free(bench);
}

static inline struct tcp_stats bench_stats(const struct tcp_bench *bench)
{
    struct tcp_stats stats;
    tcp_stats(bench->tcp, &stats);
    return stats;
}

/* Time goes on, and what is due is fired. */
static inline void bench_wait(struct tcp_bench *bench, int64_t ns)
{
    bench->now_ns += ns;
    tcp_advance(bench->tcp, bench->now_ns);
}

/* A segment at the bench's time. */
static bool bench_octets(struct tcp_bench *bench, int from, uint8_t flags, uint32_t seq,
                         uint32_t ack, struct slice payload)
{
    /* In memory of its own, so that a read past its end is found. */
    char *octets = malloc(payload.len);
    assert_true(octets || payload.len == 0);
    if (payload.len > 0)
        memcpy(octets, payload.at, payload.len);
    struct datagram segment = {
        .time_ns = bench->now_ns,
        .packet_number = ++bench->number,
        .src = bench->end[from],
        .dst = bench->end[!from],
        .payload = slice_of(octets, payload.len),
        .tcp = {.seq = seq, .ack = ack, .window = 65535, .flags = flags},
        .protocol = 6,
        .ttl = (uint8_t)(from == CLIENT ? 64 : 128),
        .truncated = bench->is_cut,
    };
    bool is_followed = tcp_segment(bench->tcp, &segment);
    free(octets);
    return is_followed;
}

static inline bool bench_text(struct tcp_bench *bench, int from, uint8_t flags, uint32_t seq,
                              uint32_t ack, const char *text)
{
    return bench_octets(bench, from, flags, seq, ack, slice_str(text));
}

/* SYN, SYN with ACK, ACK: the first octets are isn + 1. */
static inline void bench_handshake(struct tcp_bench *bench, uint32_t client_isn,
                                   uint32_t server_isn)
{
    bench_text(bench, CLIENT, TCP_SYN, client_isn, 0, "");
    bench_text(bench, SERVER, TCP_SYN | TCP_ACK, server_isn, client_isn + 1, "");
    bench_text(bench, CLIENT, TCP_ACK, client_isn + 1, server_isn + 1, "");
}

static inline void bench_expect(const struct tcp_bench *bench, size_t index, struct slice want)
{
    assert_true(index < bench->messages);
    assert_int_equal(bench->message[index].len, want.len);
    assert_memory_equal(bench->message[index].text, want.at, want.len);
}

/* "OPTIONS ..." with a number and a body of this length. */
static inline size_t bench_sip(char *to, size_t max, unsigned number, size_t body)
{
    int head = snprintf(to, max,
                        "OPTIONS sip:b%u@example.com SIP/2.0\r\n"
                        "Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK%u\r\n"
                        "CSeq: %u OPTIONS\r\nContent-Length: %zu\r\n\r\n",
                        number, number, number, body);
    assert_true(head > 0 && (size_t)head + body < max);
    for (size_t i = 0; i < body; i++)
        to[(size_t)head + i] = (char)(i % 40 == 38 ? '\r' : i % 40 == 39 ? '\n' : 'a' + i % 26);
    return (size_t)head + body;
}

#endif
