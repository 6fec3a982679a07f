/*
 * streams: what becomes a stream and what does not, its intervals and verdicts, its end, and how
 * room is made. Figures themselves are tested with rtp_source.
 */
#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "media/streams.h"

#define MS    INT64_C(1000000)
#define S     INT64_C(1000000000)
#define START (INT64_C(1800000000) * S)

enum { TOLD_MAX = 64 };

struct bench {
    struct codec_book codecs;
    struct streams *streams;
    struct event told[TOLD_MAX];
    unsigned told_count;
    unsigned doubts;
    /* What the joiner announces; port 0: nothing. */
    struct endpoint announced;
    uint8_t announced_type;
    const char *announced_codec;
    struct list in_call;
};

static const uint8_t alice[4] = {192, 0, 2, 10}, gateway[4] = {198, 51, 100, 20};

static struct endpoint at(const uint8_t octets[4], uint16_t port)
{
    return (struct endpoint){.ip = ip_from_v4(octets), .port = port};
}

static void receive(void *context, const struct event *event)
{
    struct bench *b = context;
    assert_true(b->told_count < TOLD_MAX);
    b->told[b->told_count++] = *event;
}

static unsigned doubts(void *context, int64_t since_ns)
{
    (void)since_ns;
    return ((struct bench *)context)->doubts;
}

static void look(void *context, struct stream *stream)
{
    static const struct arena_text call_id = {{13, 0}, {"c1@192.0.2.10"}};
    struct bench *b = context;
    if (b->announced.port == 0 || !endpoint_eq(&stream->dst, &b->announced))
        return;
    list_append(&b->in_call, &stream->in_call);
    streams_join(b->streams, stream, NULL, &call_id, false);
}

static uint16_t codec(void *context, const struct stream *stream, uint8_t payload_type)
{
    struct bench *b = context;
    (void)stream;
    if (!b->announced_codec || payload_type != b->announced_type)
        return CODEC_NONE;
    return codec_book_find(&b->codecs, slice_str(b->announced_codec), 0);
}

static void bench_open(struct bench *b, uint64_t memory_bytes, struct peer_names names)
{
    *b = (struct bench){0};
    list_init(&b->in_call);
    assert_int_equal(codec_book_init(&b->codecs), 0);
    b->streams = streams_create(&(struct streams_params){
        .memory_bytes = memory_bytes,
        .interval_ns = 10 * S,
        .has_concealment = true,
        .sensor_id = "unit",
        .names = names,
        .thresholds = {.jitter_ms = 30, .latency_ms = 150, .loss_ratio = 0.01},
        .codecs = &b->codecs,
        .joiner = {.context = b, .look = look, .codec = codec},
        .receive = receive,
        .doubts = doubts,
        .context = b,
    });
    assert_non_null(b->streams);
}

static void bench_close(struct bench *b)
{
    streams_destroy(b->streams);
    codec_book_fini(&b->codecs);
}

struct sent {
    struct endpoint src, dst;
    uint32_t ssrc, timestamp;
    uint16_t sequence;
    uint8_t type;
    int64_t at_ns;
};

static enum streams_verdict hear(struct bench *b, const struct sent *s)
{
    char octets[172] = {(char)0x80, (char)s->type, (char)(s->sequence >> 8), (char)s->sequence};
    for (int i = 0; i < 4; i++) {
        octets[4 + i] = (char)(s->timestamp >> (24 - 8 * i));
        octets[8 + i] = (char)(s->ssrc >> (24 - 8 * i));
    }
    struct datagram d = {
        .time_ns = s->at_ns,
        .src = s->src,
        .dst = s->dst,
        .payload = {octets, sizeof octets},
    };
    streams_advance(b->streams, s->at_ns);
    return streams_rtp(b->streams, NULL, &d, streams_number(b->streams, &d));
}

/* `count` packets of PCMU from packet `first` on; with `every` > 0, each such one is missing. */
static void talk(struct bench *b, uint32_t ssrc, unsigned first, unsigned count, unsigned every)
{
    for (unsigned i = first; i < first + count; i++) {
        if (every > 0 && i % every == every - 1)
            continue;
        hear(b, &(struct sent){
                    .src = at(alice, 20000),
                    .dst = at(gateway, 30000),
                    .ssrc = ssrc,
                    .timestamp = 160 * i,
                    .sequence = (uint16_t)i,
                    .at_ns = START + i * 20 * MS,
                });
    }
}

static const struct event *nth(const struct bench *b, enum event_type type, unsigned n)
{
    for (unsigned i = 0; i < b->told_count; i++)
        if (b->told[i].type == type && n-- == 0)
            return &b->told[i];
    return NULL;
}

static void test_believed_after_ten(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 1 << 20, (struct peer_names){0});
    talk(&b, 1, 0, 9, 0);
    assert_int_equal(streams_active(b.streams), 0);
    assert_int_equal(streams_stats(b.streams)->packets, 0);
    talk(&b, 1, 9, 1, 0);
    assert_int_equal(streams_active(b.streams), 1);
    assert_int_equal(streams_stats(b.streams)->packets, 10);
    talk(&b, 1, 10, 90, 0);
    streams_finish(b.streams);
    assert_int_equal(b.told_count, 1);
    const struct rtp_report *report = &b.told[0].rtp_report;
    assert_true(report->final);
    assert_int_equal(report->stream.packets, 100); /* from the very first */
    assert_int_equal(report->stream.started_ns, START);
    assert_int_equal(report->call_id.len, 0);
    assert_string_equal(report->stream.codec, "PCMU");
    assert_false(report->stream.has_srtp);
    bench_close(&b);
}

static void test_random_is_never_believed(void **state)
{
    (void)state;
    struct bench b;
    srand(7);
    bench_open(&b, 1 << 20, (struct peer_names){0});
    for (unsigned i = 0; i < 20000; i++)
        hear(&b, &(struct sent){
                     .src = at(alice, 20000),
                     .dst = at(gateway, 30000),
                     .ssrc = (uint32_t)rand() % 8, /* even where the SSRC repeats */
                     .timestamp = (uint32_t)rand(),
                     .sequence = (uint16_t)rand(),
                     .at_ns = START + i * MS,
                 });
    streams_finish(b.streams);
    assert_int_equal(b.told_count, 0);
    bench_close(&b);
}

static void test_announced_at_once(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 1 << 20, (struct peer_names){0});
    b.announced = at(gateway, 30000);
    talk(&b, 1, 0, 3, 0);
    assert_int_equal(streams_active(b.streams), 1);
    streams_finish(b.streams);
    assert_int_equal(b.told_count, 1);
    assert_int_equal(b.told[0].rtp_report.stream.packets, 3);
    assert_true(slice_eq(b.told[0].rtp_report.call_id, SLICE("c1@192.0.2.10")));
    assert_int_equal(b.told[0].rtp_report.stream.jitter_ms.is_known, true);
    bench_close(&b);
}

static void test_intervals(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 1 << 20, (struct peer_names){0});
    talk(&b, 1, 0, 1250, 0); /* 25 s: two whole intervals, and one of 5 s less a packet */
    streams_advance(b.streams, START + 27 * S);
    assert_int_equal(b.told_count, 2);
    talk(&b, 1, 1250, 1, 0);
    streams_finish(b.streams);
    assert_int_equal(b.told_count, 4);
    for (unsigned i = 0; i < 3; i++) {
        const struct rtp_report *report = &b.told[i].rtp_report;
        assert_false(report->final);
        assert_int_equal(report->since_ns, START + i * 10 * S);
        assert_int_equal(report->stream.packets, i < 2 ? 500 : 251);
        assert_int_equal(b.told[i].time_ns, START + (i < 2 ? (i + 1) * 10 * S : 25 * S));
    }
    assert_true(b.told[3].rtp_report.final);
    assert_int_equal(b.told[3].rtp_report.stream.packets, 1251);
    bench_close(&b);
}

/* A last interval of under 5 s is told of in the final report alone. */
static void test_short_last_interval(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 1 << 20, (struct peer_names){0});
    talk(&b, 1, 0, 700, 0);
    streams_finish(b.streams);
    assert_int_equal(b.told_count, 2);
    assert_true(b.told[1].rtp_report.final);
    assert_int_equal(b.told[1].rtp_report.stream.packets, 700);
    bench_close(&b);
    /* And the same where the time runs out before the input ends. */
    bench_open(&b, 1 << 20, (struct peer_names){0});
    talk(&b, 1, 0, 700, 0);
    streams_advance(b.streams, START + 100 * S);
    assert_int_equal(b.told_count, 2);
    assert_true(b.told[1].rtp_report.final);
    assert_int_equal(b.told[1].time_ns, START + 699 * 20 * MS);
    assert_int_equal(streams_tracked(b.streams), 0);
    bench_close(&b);
}

static void test_crossings(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 1 << 20, (struct peer_names){0});
    talk(&b, 1, 0, 500, 0);
    talk(&b, 1, 500, 500, 50);   /* 2% */
    talk(&b, 1, 1000, 500, 110); /* 0.8 to 1%: neither good nor bad */
    talk(&b, 1, 1500, 501, 0);
    assert_non_null(nth(&b, EVENT_RTP_DEGRADED, 0));
    assert_null(nth(&b, EVENT_RTP_DEGRADED, 1));
    const struct event *bad = nth(&b, EVENT_RTP_DEGRADED, 0),
                       *good = nth(&b, EVENT_RTP_RECOVERED, 0);
    assert_int_equal(bad->rtp_crossing.metric, RTP_METRIC_LOSS);
    assert_int_equal(bad->rtp_crossing.since_ns, START + 10 * S);
    /* The last of the interval is missing: that is seen in the next one. */
    assert_true(bad->rtp_crossing.value == 9 / 499.0);
    assert_true(bad->rtp_crossing.confidence == CONFIDENCE_HIGH);
    assert_non_null(good);
    assert_int_equal(good->rtp_crossing.since_ns, START + 30 * S);
    bench_close(&b);
}

/* What the mirror loses is no loss of a stream's. */
static void test_doubted(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 1 << 20, (struct peer_names){0});
    b.doubts = STREAMS_DOUBT_LOSS;
    talk(&b, 1, 0, 1001, 20);
    assert_null(nth(&b, EVENT_RTP_DEGRADED, 0));
    assert_non_null(nth(&b, EVENT_RTP_REPORT, 0));
    assert_int_equal(nth(&b, EVENT_RTP_REPORT, 0)->rtp_report.confidence, CONFIDENCE_LOW);
    bench_close(&b);
}

static void test_thresholds_of_a_peer(void **state)
{
    (void)state;
    struct bench b;
    struct peer_name names[] = {
        {{ip_from_v4(gateway), 32}, "trunk", {.loss_ratio = 0.05}},
        {{ip_from_v4(alice), 32}, "phone", {.jitter_ms = 5}},
    };
    bench_open(&b, 1 << 20, (struct peer_names){names, 2});
    talk(&b, 1, 0, 501, 50); /* 2%, which the trunk may lose */
    assert_null(nth(&b, EVENT_RTP_DEGRADED, 0));
    assert_string_equal(nth(&b, EVENT_RTP_REPORT, 0)->rtp_report.stream.src.name, "phone");
    talk(&b, 1, 501, 600, 10); /* 10% */
    assert_non_null(nth(&b, EVENT_RTP_DEGRADED, 0));
    bench_close(&b);
}

static void test_quiet_and_back(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 1 << 20, (struct peer_names){0});
    b.announced = at(gateway, 30000);
    talk(&b, 1, 0, 500, 0);
    streams_advance(b.streams, START + 300 * S); /* on hold for five minutes */
    assert_int_equal(streams_active(b.streams), 0);
    assert_int_equal(streams_tracked(b.streams), 1);
    assert_int_equal(b.told_count, 1);
    /* Sequence numbers go on, time stamps do not. */
    for (unsigned i = 500; i < 900; i++)
        hear(&b, &(struct sent){
                     .src = at(alice, 20000),
                     .dst = at(gateway, 30000),
                     .ssrc = 1,
                     .timestamp = 160 * i,
                     .sequence = (uint16_t)i,
                     .at_ns = START + 292 * S + i * 20 * MS,
                 });
    assert_int_equal(streams_active(b.streams), 1);
    streams_finish(b.streams);
    const struct event *last = &b.told[b.told_count - 1];
    assert_true(last->rtp_report.final);
    assert_int_equal(last->rtp_report.stream.packets, 900);
    assert_int_equal(last->rtp_report.stream.lost, 0);
    assert_true(last->rtp_report.stream.jitter_ms.extreme < 0.001);
    bench_close(&b);
}

/* The interval was over by the clock, but a packet of it comes behind its time: it is told once. */
static void test_behind_its_time(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 1 << 20, (struct peer_names){0});
    talk(&b, 1, 0, 100, 0);
    streams_advance(b.streams, START + 10 * S);
    assert_int_equal(b.told_count, 0); /* it may have been the last */
    struct sent late = {
        .src = at(alice, 20000),
        .dst = at(gateway, 30000),
        .ssrc = 1,
        .timestamp = 160 * 100,
        .sequence = 100,
        .at_ns = START + 10 * S - MS,
    };
    hear(&b, &late);
    streams_advance(b.streams, START + 12 * S);
    talk(&b, 1, 650, 300, 0); /* from 13 s on */
    streams_finish(b.streams);
    assert_int_equal(b.told_count, 4); /* two intervals, what the second has lost, and the life */
    assert_int_equal(b.told[0].rtp_report.stream.packets, 101);
    assert_int_equal(b.told[1].rtp_report.since_ns, START + 10 * S);
    assert_int_equal(b.told[1].rtp_report.stream.packets, 300);
    assert_string_not_equal(b.told[0].id, b.told[1].id);
    bench_close(&b);
}

static void test_repeats_and_copies(void **state)
{
    (void)state;
    struct bench b;
    struct datagram d = {.src = at(alice, 20000), .dst = at(gateway, 30000)};
    char octets[16] = {(char)0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    d.payload = slice_of(octets, sizeof octets);
    bench_open(&b, 1 << 20, (struct peer_names){0});
    uint64_t number = streams_number(b.streams, &d);
    talk(&b, 1, 0, 100, 0);
    for (unsigned i = 0; i < 10; i++)
        streams_rtp_copy(b.streams, NULL, number, true);
    for (unsigned i = 0; i < 5; i++)
        streams_rtp_copy(b.streams, NULL, number, false);
    streams_finish(b.streams);
    assert_int_equal(b.told[0].rtp_report.stream.duplicates, 10);
    assert_int_equal(b.told[0].rtp_report.stream.mirror_copies, 5);
    bench_close(&b);
    /* More than half of them: that is a slow mirror. */
    bench_open(&b, 1 << 20, (struct peer_names){0});
    number = streams_number(b.streams, &d);
    talk(&b, 1, 0, 100, 0);
    for (unsigned i = 0; i < 60; i++)
        streams_rtp_copy(b.streams, NULL, number, true);
    streams_finish(b.streams);
    assert_int_equal(b.told[0].rtp_report.stream.duplicates, 0);
    assert_int_equal(b.told[0].rtp_report.stream.mirror_copies, 60);
    bench_close(&b);
}

/* What nearly all packets take instead of streams_rtp. */
static void test_expected(void **state)
{
    (void)state;
    struct bench b;
    char octets[16] = {(char)0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    struct datagram d = {
        .src = at(alice, 20000), .dst = at(gateway, 30000), .payload = {octets, sizeof octets}};
    bench_open(&b, 1 << 20, (struct peer_names){0});
    uint64_t number = streams_number(b.streams, &d);
    uint8_t addresses[8];
    uint16_t ports[2] = {htobe16(20000), htobe16(30000)};
    memcpy(addresses, d.src.ip.octets, 4);
    memcpy(addresses + 4, d.dst.ip.octets, 4);
    assert_int_equal(streams_number_v4(b.streams, hash_word(addresses), hash_half_word(ports),
                                       hash_half_word(octets + 8)),
                     number);
    assert_false(streams_expects(NULL, number, 0));
    talk(&b, 1, 0, 5, 0);
    struct stream *stream = streams_find(b.streams, number);
    assert_non_null(stream);
    assert_false(streams_expects(stream, number, 0)); /* a candidate */
    talk(&b, 1, 5, 95, 0);
    assert_true(streams_expects(stream, number, 0));
    assert_false(streams_expects(stream, number, 8));
    assert_false(streams_expects(stream, number + 1, 0));
    struct rtp_header header = {
        .timestamp = stream->source.timestamp + 160,
        .ssrc = 1,
        .sequence = (uint16_t)(stream->source.highest + 1),
    };
    int64_t at_ns = stream->source.seen_ns + S;
    assert_int_equal(streams_rtp_expected(b.streams, stream, &header, at_ns), STREAMS_IN_ORDER);
    header.sequence++;
    assert_int_equal(streams_rtp_expected(b.streams, stream, &header, at_ns), STREAMS_NOTED);
    assert_int_equal(streams_stats(b.streams)->packets, 102);
    streams_finish(b.streams);
    bench_close(&b);
}

/* Candidates make room first, then streams of no call; those of a call stay. */
static void test_room(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 16 << 10, (struct peer_names){0});
    size_t most = streams_max(b.streams);
    assert_in_range(most, 4, 40);
    b.announced = at(gateway, 30000);
    talk(&b, 1, 0, 20, 0); /* of a call */
    b.announced.port = 0;
    talk(&b, 2, 20, 20, 0); /* of none */
    for (unsigned i = 0; i < 10 * most; i++)
        talk(&b, 100 + i, 40 + i, 1, 0);
    assert_int_equal(streams_tracked(b.streams), most);
    assert_int_equal(streams_active(b.streams), 2);
    assert_int_equal(b.told_count, 0);
    /* Filled up with believed ones. */
    for (unsigned i = 0; i < most; i++)
        talk(&b, 10000 + i, 40 + 10 * (unsigned)most + i, 20, 0);
    assert_int_equal(streams_active(b.streams), most);
    assert_true(streams_stats(b.streams)->evicted >= 1);
    assert_int_equal(b.told_count, streams_stats(b.streams)->evicted);
    talk(&b, 1, 20, 1, 0);                                       /* still there */
    assert_int_equal(streams_stats(b.streams)->begun, 2 + most); /* it did not begin anew */
    bench_close(&b);
}

/* Forged sources at one endpoint: they push out each other, never a stream of a call. */
static void test_forged_sources(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 16 << 20, (struct peer_names){0});
    b.announced = at(gateway, 30000);
    talk(&b, 1, 0, 20, 0);
    b.announced.port = 0;
    for (unsigned i = 0; i < 5000; i++)
        talk(&b, 1000 + i, 20, 1, 0);
    assert_in_range(streams_tracked(b.streams), 1000, 2049);
    assert_true(streams_stats(b.streams)->left_out > 0);
    for (unsigned i = 0; i < 100; i++) /* those before have been silent for a second */
        talk(&b, 9000 + i, 70, 1, 0);
    assert_in_range(streams_tracked(b.streams), 1000, 2049);
    assert_in_range(streams_stats(b.streams)->refused, 64, 200);
    talk(&b, 1, 20, 20, 0);
    assert_int_equal(streams_stats(b.streams)->begun, 1);
    assert_int_equal(streams_stats(b.streams)->packets, 40);
    bench_close(&b);
}

static void test_codec_announced(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 1 << 20, (struct peer_names){0});
    b.announced = at(gateway, 30000);
    b.announced_type = 96;
    b.announced_codec = "OPUS";
    for (unsigned i = 0; i < 20; i++)
        hear(&b, &(struct sent){
                     .src = at(alice, 20000),
                     .dst = at(gateway, 30000),
                     .ssrc = 1,
                     .timestamp = 960 * i,
                     .sequence = (uint16_t)i,
                     .type = 96,
                     .at_ns = START + i * 20 * MS,
                 });
    streams_finish(b.streams);
    assert_string_equal(b.told[0].rtp_report.stream.codec, "opus");
    assert_int_equal(b.told[0].rtp_report.stream.clock_hz, 48000);
    assert_true(b.told[0].rtp_report.stream.jitter_ms.is_known);
    assert_true(b.told[0].rtp_report.stream.jitter_ms.extreme < 0.001);
    assert_false(b.told[0].rtp_report.stream.mos.is_known);
    bench_close(&b);
}

static void test_clock_step(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 1 << 20, (struct peer_names){0});
    talk(&b, 1, 0, 300, 0);
    streams_clock_step(b.streams, -3600 * S);
    for (unsigned i = 300; i < 600; i++)
        hear(&b, &(struct sent){
                     .src = at(alice, 20000),
                     .dst = at(gateway, 30000),
                     .ssrc = 1,
                     .timestamp = 160 * i,
                     .sequence = (uint16_t)i,
                     .at_ns = START - 3600 * S + i * 20 * MS,
                 });
    streams_finish(b.streams);
    const struct event *last = &b.told[b.told_count - 1];
    assert_int_equal(b.told_count, 2);
    assert_int_equal(last->rtp_report.stream.packets, 600);
    assert_true(last->rtp_report.stream.jitter_ms.extreme < 0.001);
    bench_close(&b);
}

/* DTLS between two endpoints, before or during their media: they are encrypted. */
static void test_keying(void **state)
{
    (void)state;
    struct bench b;
    struct datagram d = {.src = at(gateway, 30000), .dst = at(alice, 20000)};
    for (int before = 0; before < 2; before++) {
        bench_open(&b, 1 << 20, (struct peer_names){0});
        if (before)
            streams_saw_keying(b.streams, &d);
        talk(&b, 1, 0, 20, 0);
        if (!before)
            streams_saw_keying(b.streams, &d);
        streams_finish(b.streams);
        assert_true(b.told[0].rtp_report.stream.has_srtp);
        assert_true(b.told[0].rtp_report.stream.srtp);
        bench_close(&b);
    }
}

static void put_u32(char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (char)(value >> (24 - 8 * i));
}

/* RTCP on the next port: sender report of one end, receiver report of the other, half a loop each.
 */
struct far_end {
    uint32_t sent, lost, highest;
};

static void rtcp_of(struct bench *b, bool is_from_alice, uint32_t sender, uint32_t about,
                    uint32_t ntp, uint32_t lsr, struct far_end far_end, int64_t at_ns)
{
    char octets[52] = {(char)0x81, (char)200, 0, 12};
    put_u32(octets + 4, sender);
    put_u32(octets + 8, ntp >> 16);
    put_u32(octets + 12, ntp << 16);
    put_u32(octets + 20, far_end.sent);
    put_u32(octets + 28, about);
    put_u32(octets + 32, far_end.lost);
    put_u32(octets + 36, far_end.highest);
    put_u32(octets + 44, lsr);
    put_u32(octets + 48, 65536 / 2); /* held for half a second */
    struct datagram d = {
        .time_ns = at_ns,
        .src = is_from_alice ? at(alice, 20001) : at(gateway, 30001),
        .dst = is_from_alice ? at(gateway, 30001) : at(alice, 20001),
        .payload = {octets, sizeof octets},
    };
    streams_rtcp(b->streams, &d);
}

static void rtcp(struct bench *b, bool is_from_alice, uint32_t sender, uint32_t about, uint32_t ntp,
                 uint32_t lsr, int64_t at_ns)
{
    rtcp_of(b, is_from_alice, sender, about, ntp, lsr, (struct far_end){0}, at_ns);
}

/* The capture begins in mid-call: what the receiver had lost before is not lost behind the tap. */
static void test_lost_before_the_capture(void **state)
{
    (void)state;
    for (int is_before = 0; is_before < 2; is_before++) {
        struct bench b;
        bench_open(&b, 1 << 20, (struct peer_names){0});
        uint32_t sent = is_before ? 5000 : 0;
        for (unsigned i = 0; i < 12; i++) {
            talk(&b, 1, 50 * i, 50, 0);
            int64_t now_ns = START + 50 * (i + 1) * 20 * MS;
            uint32_t sent_now = sent + 50 * (i + 1), lost = 40 + i;
            if (i >= 4)
                rtcp_of(&b, true, 1, 99, 1 + i, 0, (struct far_end){.sent = sent_now}, now_ns);
            if (i >= 2) /* the receiver speaks first */
                rtcp_of(&b, false, 2, 1, 100 + i, 0,
                        (struct far_end){.lost = lost, .highest = 50 * (i + 1)}, now_ns);
        }
        streams_finish(b.streams);
        const struct event_stream *stream = &b.told[b.told_count - 1].rtp_report.stream;
        assert_true(stream->has_lost_after_tap);
        assert_int_equal(stream->lost_after_tap, is_before ? 7 : 51);
        bench_close(&b);
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, 1 << 20, (struct peer_names){0});
    for (unsigned i = 0; i < 400; i++) {
        struct sent sent = {
            .src = at(alice, 20000),
            .dst = at(gateway, 30000),
            .ssrc = 1,
            .timestamp = 160 * i,
            .sequence = (uint16_t)i,
            .at_ns = START + i * 20 * MS,
        };
        hear(&b, &sent);
        sent.src = at(gateway, 30000);
        sent.dst = at(alice, 20000);
        sent.ssrc = 2;
        hear(&b, &sent);
        if (i == 100)
            rtcp(&b, true, 1, 2, 0x11112222, 0, sent.at_ns);
        if (i == 126) /* 520 ms later: 20 ms to the gateway and back */
            rtcp(&b, false, 2, 1, 0x33334444, 0x11112222, sent.at_ns);
        if (i == 154) /* 560 ms later: 60 ms to alice and back */
            rtcp(&b, true, 1, 2, 0x55556666, 0x33334444, sent.at_ns);
    }
    streams_finish(b.streams);
    for (unsigned i = 0, finals = 0; finals < 2; i++) {
        assert_true(i < b.told_count);
        const struct event_stream *stream = &b.told[i].rtp_report.stream;
        if (!b.told[i].rtp_report.final)
            continue;
        finals++;
        assert_true(stream->rtt_ms.is_known);
        assert_true(stream->rtt_ms.mean > 79.9 && stream->rtt_ms.mean < 80.1);
        assert_true(stream->has_latency);
        assert_true(stream->latency_ms > 39.9 && stream->latency_ms < 40.1);
    }
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_believed_after_ten),
        cmocka_unit_test(test_random_is_never_believed),
        cmocka_unit_test(test_announced_at_once),
        cmocka_unit_test(test_intervals),
        cmocka_unit_test(test_short_last_interval),
        cmocka_unit_test(test_crossings),
        cmocka_unit_test(test_doubted),
        cmocka_unit_test(test_thresholds_of_a_peer),
        cmocka_unit_test(test_quiet_and_back),
        cmocka_unit_test(test_behind_its_time),
        cmocka_unit_test(test_repeats_and_copies),
        cmocka_unit_test(test_expected),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_forged_sources),
        cmocka_unit_test(test_codec_announced),
        cmocka_unit_test(test_clock_step),
        cmocka_unit_test(test_keying),
        cmocka_unit_test(test_lost_before_the_capture),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
