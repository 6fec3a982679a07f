/*
 * The quick path must not show: the same packets, once as plain Ethernet frames and once without
 * their frames, which it never takes, give the same events and figures.
 */
#include <unistd.h>

#include "pipeline/packet_path.h"
#include "pipeline/quick_path.h"
#include "pipeline_bench.h"

#define MS INT64_C(1000000)

enum {
    ETHERNET = 1,
    RAW = 101,
    FRAME_LEN = 14,
    PAYLOAD_LEN = 172,
    IP_LEN = 28 + PAYLOAD_LEN,
    STREAMS = 20,
    PACKETS = 60000,
};

struct bench {
    struct pipeline pipeline;
    struct metrics *metrics;
    struct sink_file *sink;
    char path[32];
    uint16_t link_type;
    struct packet_batch batch;
    uint8_t frame[PACKET_BATCH_MAX][FRAME_LEN + IP_LEN];
    uint64_t number;
};

static void open_bench(struct bench *b, uint16_t link_type)
{
    char error[256];
    *b = (struct bench){.path = "/tmp/quick_path_XXXXXX", .link_type = link_type};
    int fd = mkstemp(b->path);
    assert_true(fd >= 0);
    close(fd);
    b->metrics = metrics_create();
    b->sink = sink_file_open(b->path, "unit", error, sizeof error);
    assert_non_null(b->metrics);
    assert_non_null(b->sink);
    struct pipeline_params params = {
        .calls = {.timer_b_ns = 32 * S, .idle_ns = 3600 * S, .sensor_id = "unit"},
        .sink = b->sink,
        .registry = b->metrics,
        .memory_bytes = 64 << 20,
        .copy_window_ns = 50 * MS,
        .rtp_interval_ns = 10 * S,
        .rtp_thresholds = {.jitter_ms = 30, .latency_ms = 150, .loss_ratio = 0.01},
    };
    assert_int_equal(pipeline_init(&b->pipeline, &params), 0);
}

static void take_batch(struct bench *b)
{
    packet_path_take(&b->pipeline, &b->batch);
    b->batch.count = 0;
}

static void close_bench(struct bench *b)
{
    pipeline_fini(&b->pipeline);
    sink_file_close(b->sink);
    metrics_destroy(b->metrics);
    unlink(b->path);
}

struct sent {
    int64_t at_ns;
    unsigned stream;
    uint32_t timestamp;
    uint16_t sequence, ip_id, interface;
    uint8_t type, ttl;
    bool marker;
};

static void put(uint8_t *at, uint32_t value, unsigned octets)
{
    for (unsigned i = 0; i < octets; i++)
        at[i] = (uint8_t)(value >> 8 * (octets - 1 - i));
}

static void send(struct bench *b, const struct sent *s)
{
    unsigned i = b->batch.count++;
    uint8_t *frame = b->frame[i], *ip = frame + FRAME_LEN, *rtp = ip + 28;
    memset(frame, 0, sizeof b->frame[i]);
    put(ip - 2, 0x0800, 2);
    put(ip, 0x4500, 2);
    put(ip + 2, IP_LEN, 2);
    put(ip + 4, s->ip_id, 2);
    put(ip + 8, (uint32_t)s->ttl << 8 | 17, 2);
    put(ip + 12, 0xc0000200 + s->stream, 4);
    put(ip + 16, 0xc6336401, 4);
    put(ip + 20, 20000 + s->stream, 2);
    put(ip + 22, 30000, 2);
    put(ip + 24, 8 + PAYLOAD_LEN, 2);
    put(rtp, 0x8000 | (uint32_t)s->marker << 7 | s->type, 2);
    put(rtp + 2, s->sequence, 2);
    put(rtp + 4, s->timestamp, 4);
    put(rtp + 8, 0x1000 + s->stream, 4);
    bool is_framed = b->link_type == ETHERNET;
    b->batch.packet[i] = (struct packet){
        .time_ns = s->at_ns,
        .number = ++b->number,
        .bytes = is_framed ? frame : ip,
        .captured_len = is_framed ? FRAME_LEN + IP_LEN : IP_LEN,
        .wire_len = is_framed ? FRAME_LEN + IP_LEN : IP_LEN,
        .link_type = b->link_type,
        .interface = s->interface,
    };
    if (b->batch.count == PACKET_BATCH_MAX)
        take_batch(b);
}

/* Streams of which some packets are late, lost, doubled, of another type, or begin anew; with
 * `is_wild` the clock does what it likes, too. */
static void talk(struct bench *b, bool is_wild)
{
    srand(7);
    int64_t step_ns = 0;
    struct sent s = {.ttl = 64};
    for (unsigned i = 0; i < PACKETS; i++) {
        unsigned chance = (unsigned)rand() % 1000, round = i / STREAMS;
        if (is_wild && chance == 1)
            step_ns += (int64_t)(rand() % 40000 - 10000) * MS;
        s.at_ns = NOON + step_ns + (int64_t)i * MS + rand() % (chance < 100 ? 60 : 2) * MS;
        s.stream = i % STREAMS;
        s.sequence = (uint16_t)(round + (round > PACKETS / 10 ? 20000 : 0) + 65000);
        s.timestamp = round * 160;
        s.ip_id = (uint16_t)i;
        s.interface = chance == 2;
        s.type = round % 1000 < 20 ? 13 : round % 3000 < 500 ? 8 : 0;
        s.marker = round % 1000 == 20;
        bool is_shared = round % 700 == 650 && s.stream % 2 == 0; /* the mirror lost them */
        if (chance == 3 || (round / 100) % STREAMS == s.stream || is_shared)
            continue;
        if (chance == 4)
            s.sequence--;
        send(b, &s);
        if (chance >= 5 && chance < 12) { /* a mirror copy, or a repeat */
            s.at_ns += MS / 10 * (chance - 5);
            s.ttl = chance < 8 ? 63 : 64;
            s.ip_id = (uint16_t)(s.ip_id + (chance == 11));
            send(b, &s);
            s.ttl = 64;
        }
    }
    take_batch(b);
    packet_path_finish(&b->pipeline);
    calls_finish(&b->pipeline.calls);
    streams_finish(b->pipeline.streams);
    sink_file_flush(b->sink);
}

/* For free(). */
static char *read_all(const char *path, size_t *len)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *len = (size_t)ftell(file);
    rewind(file);
    char *text = malloc(*len + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, *len, file), *len);
    fclose(file);
    return text;
}

static void assert_same_events(const struct bench *a, const struct bench *b)
{
    size_t a_len, b_len;
    char *a_text = read_all(a->path, &a_len), *b_text = read_all(b->path, &b_len);
    assert_int_equal(a_len, b_len);
    assert_true(a_len > 10000);
    assert_memory_equal(a_text, b_text, a_len);
    free(a_text);
    free(b_text);
}

static void assert_same_figures(const struct bench *a, const struct bench *b)
{
    const struct pipeline *x = &a->pipeline, *y = &b->pipeline;
    struct mirror_figures x_mirror, y_mirror;
    struct mirror_port x_port[MIRROR_PORTS_MAX], y_port[MIRROR_PORTS_MAX];
    mirror_figures(x->mirror, &x->calls.peers, &x_mirror);
    mirror_figures(y->mirror, &y->calls.peers, &y_mirror);
    assert_memory_equal(&x_mirror, &y_mirror, sizeof x_mirror);
    assert_true(x_mirror.shared_losses > 0);
    size_t ports = mirror_ports(x->mirror, x_port, MIRROR_PORTS_MAX);
    assert_int_equal(ports, 2);
    assert_int_equal(mirror_ports(y->mirror, y_port, MIRROR_PORTS_MAX), ports);
    assert_memory_equal(x_port, y_port, ports * sizeof *x_port);
    assert_memory_equal(streams_stats(x->streams), streams_stats(y->streams),
                        sizeof(struct streams_stats));
    assert_memory_equal(&x->clock, &y->clock, sizeof x->clock);
    assert_int_equal(x->calls.now_ns, y->calls.now_ns);
    const struct tally *p = &x->tally, *q = &y->tally;
    assert_int_equal(p->packets, q->packets);
    assert_int_equal(p->bytes, q->bytes + p->packets * FRAME_LEN);
    assert_int_equal(p->first_ns, q->first_ns);
    assert_int_equal(p->last_ns, q->last_ns);
    assert_int_equal(p->udp_other, q->udp_other);
    assert_int_equal(p->copies, q->copies);
    assert_true(p->copies > 0);
    assert_memory_equal(p->decoded, q->decoded, sizeof p->decoded);
    assert_memory_equal(p->tunnels, q->tunnels, sizeof p->tunnels);
}

static void compare(bool is_wild)
{
    static struct bench plain, bare;
    open_bench(&plain, ETHERNET);
    open_bench(&bare, RAW);
    talk(&plain, is_wild);
    talk(&bare, is_wild);
    assert_same_events(&plain, &bare);
    assert_same_figures(&plain, &bare);
    close_bench(&plain);
    close_bench(&bare);
}

static void test_same(void **state)
{
    (void)state;
    compare(false);
}

static void test_same_with_a_wild_clock(void **state)
{
    (void)state;
    compare(true);
}

/* Of a stream in order, the quick path takes all that fit, and the other way of the very same
 * packets none. */
static void test_takes(void **state)
{
    static struct bench b;
    struct packet_hint hint[PACKET_BATCH_MAX];
    (void)state;
    for (int framed = 0; framed < 2; framed++) {
        open_bench(&b, framed ? ETHERNET : RAW);
        struct sent s = {.at_ns = NOON, .ttl = 64};
        for (unsigned i = 0; i < 3 * PACKET_BATCH_MAX - 1; i++) {
            send(&b, &s);
            s.at_ns += 20 * MS;
            s.timestamp += 160;
            s.sequence++;
            s.ip_id++;
        }
        unsigned count = b.batch.count;
        assert_int_equal(count, PACKET_BATCH_MAX - 1);
        for (unsigned i = 0; i < count; i++) {
            hint[i] = (struct packet_hint){.ip = NULL};
            assert_int_equal(quick_path_look(&b.pipeline, &b.batch.packet[i], &hint[i]), framed);
            if (framed)
                hint[i].found = streams_find(b.pipeline.streams, hint[i].number);
        }
        uint64_t before = streams_stats(b.pipeline.streams)->packets;
        assert_int_equal(quick_path_take(&b.pipeline, b.batch.packet, hint, count),
                         framed ? count : 0);
        assert_int_equal(streams_stats(b.pipeline.streams)->packets - before, framed ? count : 0);
        close_bench(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_same_with_a_wild_clock),
        cmocka_unit_test(test_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
