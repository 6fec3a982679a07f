/*
 * The bench with media: RTP is given to a real `struct streams`, whose joiner is the map of the
 * bench's calls, as the pipeline puts them together.
 */
#ifndef SIPSPAN_TESTS_MEDIA_BENCH_H
#define SIPSPAN_TESTS_MEDIA_BENCH_H

#include "call_bench.h"

#define SDP_OF(address, port, media)                                                               \
    "v=0\r\no=- 1 1 IN IP4 " address "\r\ns=-\r\nc=IN IP4 " address "\r\nt=0 0\r\nm=audio " port   \
    " " media

#define PCM    "RTP/AVP 0 8\r\n"
#define OFFER  SDP_OF("192.0.2.10", "20000", PCM)
#define ANSWER SDP_OF("198.51.100.20", "30000", PCM)

/* Where these two receive. */
#define ALICE_RTP "192.0.2.10:20000"
#define GW_RTP    "198.51.100.20:30000"

enum { PACKET_MS = 20, FROM_ALICE = 0xa11ce, FROM_GW = 0x9a7e };

static inline struct bench *bench_new_media_with(uint64_t memory_bytes)
{
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    assert_int_equal(codec_book_init(&bench->codecs), 0);
    bench->streams = streams_create(&(struct streams_params){
        .memory_bytes = memory_bytes,
        .interval_ns = 10000 * MS,
        .sensor_id = "bench",
        .codecs = &bench->codecs,
        .joiner = {&bench->calls.media_map, media_map_look, media_map_codec},
        .receive = bench_receive,
        .context = bench,
    });
    assert_non_null(bench->streams);
    struct calls_params params = bench_params(bench, memory_bytes, "bench");
    params.streams = bench->streams;
    params.codecs = &bench->codecs;
    assert_int_equal(calls_init(&bench->calls, &params), 0);
    return bench;
}

static inline struct bench *bench_new_media(void)
{
    return bench_new_media_with(4 << 20);
}

/* A stream; its packets have the sequence numbers and time stamps of their times. */
struct talk {
    const char *src, *dst;
    uint32_t ssrc;
    uint8_t payload_type;
};

static inline void bench_packet(struct bench *bench, int64_t ms, const struct talk *talk)
{
    char octets[12 + 160] = {0};
    uint16_t sequence = (uint16_t)(ms / PACKET_MS + 1000);
    uint32_t timestamp = (uint32_t)(ms * 8);
    const uint8_t header[12] = {0x80,
                                talk->payload_type,
                                (uint8_t)(sequence >> 8),
                                (uint8_t)sequence,
                                (uint8_t)(timestamp >> 24),
                                (uint8_t)(timestamp >> 16),
                                (uint8_t)(timestamp >> 8),
                                (uint8_t)timestamp,
                                (uint8_t)(talk->ssrc >> 24),
                                (uint8_t)(talk->ssrc >> 16),
                                (uint8_t)(talk->ssrc >> 8),
                                (uint8_t)talk->ssrc};
    memcpy(octets, header, sizeof header);
    struct datagram datagram = {
        .time_ns = AT(ms),
        .src = endpoint_of(talk->src),
        .dst = endpoint_of(talk->dst),
        .payload = slice_of(octets, sizeof octets),
        .transport = TRANSPORT_UDP,
        .protocol = 17,
    };
    streams_advance(bench->streams, AT(ms));
    calls_packet(&bench->calls, &datagram.src.ip, AT(ms));
    streams_rtp(bench->streams, NULL, &datagram, streams_number(bench->streams, &datagram));
}

/* Packets of several streams at once, from from_ms up to, and without, until_ms. */
static inline void bench_talks(struct bench *bench, int64_t from_ms, int64_t until_ms,
                               const struct talk *talk, size_t count)
{
    for (int64_t ms = from_ms; ms < until_ms; ms += PACKET_MS)
        for (size_t i = 0; i < count; i++)
            bench_packet(bench, ms, &talk[i]);
}

#define TALK(bench, from_ms, until_ms, ...)                                                        \
    bench_talks(bench, from_ms, until_ms, (const struct talk[]){__VA_ARGS__},                      \
                sizeof((const struct talk[]){__VA_ARGS__}) / sizeof(struct talk))

#define ALICE_TALKS                                                                                \
    {                                                                                              \
        ALICE_RTP, GW_RTP, FROM_ALICE, 0                                                           \
    }
#define GW_TALKS                                                                                   \
    {                                                                                              \
        GW_RTP, ALICE_RTP, FROM_GW, 0                                                              \
    }

/* The streams first, as the pipeline does it. */
static inline void bench_wait(struct bench *bench, int64_t ms)
{
    streams_advance(bench->streams, AT(ms));
    calls_advance(&bench->calls, AT(ms));
}

/* INVITE at 0, its 200 at 1000, its ACK at 1010. */
static inline void bench_call(struct bench *bench, const char *offer, const char *answer)
{
    SAY(bench, 0, .sdp = offer);
    SAY(bench, 1000, .status = 200, .ttag = "t1", .sdp = answer);
    SAY(bench, 1010, .method = "ACK", .branch = "ack", .ttag = "t1");
}

#endif
