/*
 * What comes as HEP, through the whole pipeline: followed like what the mirror shows, but not as
 * the mirror's; and known again where both bring it.
 */
#include "decode/hep.h"
#include "hep/hep_message.h"
#include "pipeline/packet_path.h"
#include "pipeline_bench.h"

#define MS INT64_C(1000000)

enum { RAW = 101, FROM_ALICE = 1 };

struct bench {
    struct pipeline pipeline;
    struct metrics *metrics;
    struct packet_batch batch;
    uint8_t octets[2048];
    uint64_t number;
    unsigned ended, unanswered, connections_failed;
    enum transport unanswered_over;
};

static struct endpoint alice, bob;

static void receive(void *context, const struct event *event)
{
    struct bench *b = context;
    b->ended += event->type == EVENT_CALL_ENDED;
    b->connections_failed += event->type == EVENT_CONNECTION_FAILED;
    if (event->type == EVENT_INVITE_UNANSWERED) {
        b->unanswered++;
        b->unanswered_over = event->invite_unanswered.transport;
    }
}

static struct bench *open_bench(bool has_hep)
{
    static struct bench bench;
    struct bench *b = &bench;
    *b = (struct bench){.number = 0};
    alice = endpoint_v4(2, 10, 5060);
    bob = endpoint_v4(2, 20, 5060);
    b->metrics = metrics_create();
    assert_non_null(b->metrics);
    struct pipeline_params params = {
        .calls = {.timer_b_ns = 32 * S, .idle_ns = 3600 * S, .sensor_id = "unit"},
        .registry = b->metrics,
        .memory_bytes = 8 << 20,
        .copy_window_ns = 50 * MS,
        .rtp_interval_ns = 10 * S,
        .has_hep = has_hep,
    };
    assert_int_equal(pipeline_init(&b->pipeline, &params), 0);
    b->pipeline.calls.params.receive = receive;
    b->pipeline.calls.params.context = b;
    return b;
}

static void close_bench(struct bench *b)
{
    pipeline_fini(&b->pipeline);
    metrics_destroy(b->metrics);
}

static void take(struct bench *b, uint16_t link_type, int64_t at_ns, size_t len)
{
    b->batch.count = 1;
    b->batch.packet[0] = (struct packet){
        .time_ns = NOON + at_ns,
        .number = ++b->number,
        .bytes = b->octets,
        .captured_len = (uint32_t)len,
        .wire_len = (uint32_t)len,
        .link_type = link_type,
        .interface = link_type == HEP_LINK,
    };
    packet_path_take(&b->pipeline, &b->batch);
}

static void by_hep(struct bench *b, int64_t at_ns, int from, uint8_t protocol, const char *text)
{
    struct hep_message message = {
        .src = from == FROM_ALICE ? alice : bob,
        .dst = from == FROM_ALICE ? bob : alice,
        .ip_protocol = protocol,
        .payload_type = HEP_PAYLOAD_SIP,
        .time_ns = NOON - 3600 * S, /* that clock is an hour behind */
        .payload = slice_str(text),
    };
    take(b, HEP_LINK, at_ns, hep_write(&message, b->octets, sizeof b->octets));
}

static void put(uint8_t *at, uint32_t value, unsigned octets)
{
    for (unsigned i = 0; i < octets; i++)
        at[i] = (uint8_t)(value >> 8 * (octets - 1 - i));
}

static void by_mirror(struct bench *b, int64_t at_ns, int from, const char *text)
{
    const struct endpoint *src = from == FROM_ALICE ? &alice : &bob;
    const struct endpoint *dst = from == FROM_ALICE ? &bob : &alice;
    size_t len = strlen(text);
    uint8_t *ip = b->octets;
    memset(ip, 0, 28);
    put(ip, 0x4500, 2);
    put(ip + 2, (uint32_t)(28 + len), 2);
    put(ip + 4, 1000 + (uint32_t)b->number, 2); /* each packet has an id of its own */
    put(ip + 8, 64 << 8 | 17, 2);
    memcpy(ip + 12, src->ip.octets, 4);
    memcpy(ip + 16, dst->ip.octets, 4);
    put(ip + 20, src->port, 2);
    put(ip + 22, dst->port, 2);
    put(ip + 24, (uint32_t)(8 + len), 2);
    memcpy(ip + 28, text, len);
    take(b, RAW, at_ns, 28 + len);
}

#define INVITE(via)                                                                                \
    "INVITE sip:bob@192.0.2.20 SIP/2.0\r\nVia: SIP/2.0/" via                                       \
    " 192.0.2.10;branch=z9hG4bKi\r\nFrom: <sip:alice@example.com>;tag=a\r\n"                       \
    "To: <sip:bob@example.com>\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
#define FAILURE(via)                                                                               \
    "SIP/2.0 486 Busy\r\nVia: SIP/2.0/" via                                                        \
    " 192.0.2.10;branch=z9hG4bKi\r\nFrom: <sip:alice@example.com>;tag=a\r\n"                       \
    "To: <sip:bob@example.com>;tag=b\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\nContent-Length: "         \
    "0\r\n\r\n"

static uint64_t messages(const struct bench *b, enum transport transport)
{
    return b->pipeline.tally.messages[transport];
}

static void test_transport_is_told_by_the_via(void **state)
{
    (void)state;
    static const struct {
        uint8_t protocol;
        const char *text;
        enum transport want;
    } rows[] = {
        {6, INVITE("TCP"), TRANSPORT_TCP},  {6, INVITE("TLS"), TRANSPORT_TLS},
        {6, INVITE("wss"), TRANSPORT_WSS},  {22, INVITE("TLS"), TRANSPORT_TLS},
        {22, INVITE("WS"), TRANSPORT_WS},   {22, INVITE("WSS"), TRANSPORT_WSS},
        {50, INVITE("WSS"), TRANSPORT_WSS}, {50, INVITE("odd"), TRANSPORT_WS},
        {22, INVITE("UDP"), TRANSPORT_TLS}, {17, INVITE("TLS"), TRANSPORT_UDP},
        {17, INVITE("UDP"), TRANSPORT_UDP}, {132, INVITE("TLS"), TRANSPORT_SCTP},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench *b = open_bench(true);
        by_hep(b, 0, FROM_ALICE, rows[i].protocol, rows[i].text);
        for (int transport = 0; transport < TRANSPORT_COUNT; transport++)
            assert_int_equal(messages(b, (enum transport)transport),
                             transport == (int)rows[i].want);
        close_bench(b);
    }
}

static void test_calls_are_followed(void **state)
{
    (void)state;
    struct bench *b = open_bench(true);
    by_hep(b, 0, FROM_ALICE, HEP_PROTOCOL_TLS, INVITE("TLS"));
    by_hep(b, S, 0, HEP_PROTOCOL_TLS, FAILURE("TLS"));
    packet_path_advance(&b->pipeline, NOON + 60 * S);
    assert_int_equal(b->ended, 1);
    assert_int_equal(b->unanswered, 0);
    close_bench(b);
}

/* No connection is in view: nothing is said of one. */
static void test_silence_over_tls(void **state)
{
    (void)state;
    struct bench *b = open_bench(true);
    by_hep(b, 0, FROM_ALICE, HEP_PROTOCOL_TCP, INVITE("TLS"));
    packet_path_advance(&b->pipeline, NOON + 60 * S);
    assert_int_equal(b->unanswered, 1);
    assert_int_equal(b->unanswered_over, TRANSPORT_TLS);
    assert_int_equal(b->connections_failed, 0);
    close_bench(b);
}

/* It is not the mirror that brings them: late, twice, in one direction, it says nothing of it. */
static void test_mirror_is_left_alone(void **state)
{
    (void)state;
    struct bench *b = open_bench(true);
    by_mirror(b, 0, FROM_ALICE, INVITE("UDP"));
    by_mirror(b, 900 * MS, 0, FAILURE("UDP"));
    for (int i = 0; i < 200; i++) {
        by_hep(b, (i % 2 ? 100 : 800) * MS, FROM_ALICE, 17, INVITE("UDP"));
        by_hep(b, (i % 2 ? 100 : 800) * MS, FROM_ALICE, 17, INVITE("UDP"));
    }
    struct mirror_figures figures;
    mirror_figures(b->pipeline.mirror, &b->pipeline.calls.peers, &figures);
    assert_int_equal(figures.behind, 0);
    for (int kind = 0; kind < MIRROR_COPY_KINDS; kind++)
        assert_int_equal(figures.copies[kind], 0);
    assert_int_equal(b->pipeline.tally.copies, 0);
    assert_int_equal(b->pipeline.tally.decoded[DECODE_MESSAGE], 400);
    close_bench(b);
}

static unsigned transmissions(struct bench *b)
{
    return (unsigned)messages(b, TRANSPORT_UDP);
}

static void test_copies_are_known_again(void **state)
{
    (void)state;
    struct bench *b = open_bench(true);
    by_mirror(b, 0, FROM_ALICE, INVITE("UDP"));
    by_hep(b, 10 * MS, FROM_ALICE, 17, INVITE("UDP")); /* the proxy tells of it a little later */
    assert_int_equal(transmissions(b), 1);
    by_hep(b, 500 * MS, FROM_ALICE, 17, INVITE("UDP")); /* retransmitted: here HEP is first */
    by_mirror(b, 510 * MS, FROM_ALICE, INVITE("UDP"));
    by_hep(b, 515 * MS, FROM_ALICE, 17, INVITE("UDP")); /* and a second proxy tells of it */
    assert_int_equal(transmissions(b), 2);
    assert_int_equal(b->pipeline.tally.hep_copies, 3);
    by_hep(b, 700 * MS, 0, 17, INVITE("UDP"));           /* the other way: not the same */
    by_hep(b, 701 * MS, FROM_ALICE, 17, FAILURE("UDP")); /* nor is another message */
    assert_int_equal(transmissions(b), 4);
    /* The mirror by itself goes by the IP id. */
    by_mirror(b, 800 * MS, FROM_ALICE, INVITE("UDP"));
    by_mirror(b, 820 * MS, FROM_ALICE, INVITE("UDP"));
    assert_int_equal(transmissions(b), 6);
    assert_int_equal(b->pipeline.tally.hep_copies, 3);
    by_hep(b, 871 * MS, FROM_ALICE, 17, INVITE("UDP")); /* out of the window of the first */
    assert_int_equal(transmissions(b), 7);
    close_bench(b);
}

static void test_without_hep_nothing_is_compared(void **state)
{
    (void)state;
    struct bench *b = open_bench(false);
    by_mirror(b, 0, FROM_ALICE, INVITE("UDP"));
    by_mirror(b, 10 * MS, FROM_ALICE, INVITE("UDP"));
    assert_int_equal(transmissions(b), 2);
    assert_null(b->pipeline.messages.bucket);
    close_bench(b);
}

static void test_what_is_no_sip(void **state)
{
    (void)state;
    struct bench *b = open_bench(true);
    by_hep(b, 0, FROM_ALICE, 17, "\r\n\r\n");
    by_hep(b, 1 * S, FROM_ALICE, 17, "INVITE sip:bob SIP/2.0\r\nVia\r\n\r\n");
    assert_int_equal(transmissions(b), 0);
    assert_int_equal(b->pipeline.tally.refused[SIP_NOT_SIP], 1);
    assert_int_equal(b->pipeline.tally.packets, 2);
    close_bench(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transport_is_told_by_the_via),
        cmocka_unit_test(test_calls_are_followed),
        cmocka_unit_test(test_silence_over_tls),
        cmocka_unit_test(test_mirror_is_left_alone),
        cmocka_unit_test(test_copies_are_known_again),
        cmocka_unit_test(test_without_hep_nothing_is_compared),
        cmocka_unit_test(test_what_is_no_sip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
