/*
 * HEP over real sockets on loopback: what is let in, as it was sent, stamped by this machine; what
 * is not, and what senders may try. The senders are this test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Without it next_in would have to point to octets that may be written. */
#define ZLIB_CONST
#include <zlib.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "capture/capture_backend.h"
#include "capture/hep_connections.h"
#include "capture/hep_input.h"

#define MS INT64_C(1000000)
#define S  (1000 * MS)

struct bench {
    struct capture_stats stats;
    struct hep_input *input;
    uint16_t port;
    int64_t now_ns; /* monotonic, as the input is told */
    struct packet_batch batch;
};

static int64_t wall_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * S + ts.tv_nsec;
}

static void open_bench(struct bench *b, const char *key)
{
    static const char *const any = "127.0.0.1:0";
    struct capture_error error = {0};
    struct capture_live_params params = {.hep = &any, .hep_count = 1, .hep_key = key};
    *b = (struct bench){.now_ns = S};
    /* A port that is free for UDP may be another program's for TCP. */
    for (int tries = 0; !b->input && tries < 16; tries++)
        b->input = hep_input_open(&params, &b->stats, &error);
    if (!b->input)
        fail_msg("%s", error.text);
    b->port = hep_input_port(b->input, 0);
}

static int connect_to(uint16_t port, int type)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void send_octets(int fd, const void *octets, size_t len)
{
    assert_int_equal(send(fd, octets, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* A message of SIP with this payload; its clock is a year behind. */
static size_t make(const char *payload, const char *key, uint8_t out[static HEP_LEN_MAX])
{
    struct hep_message message = {
        .src = {ip_from_v4((const uint8_t[4]){192, 0, 2, 1}), 5060},
        .dst = {ip_from_v4((const uint8_t[4]){198, 51, 100, 2}), 5061},
        .ip_protocol = HEP_PROTOCOL_TLS,
        .payload_type = HEP_PAYLOAD_SIP,
        .time_ns = wall_ns() - INT64_C(365) * 24 * 3600 * S,
        .key = slice_str(key),
        .payload = slice_str(payload),
    };
    size_t len = hep_write(&message, out, HEP_LEN_MAX);
    assert_true(len > 0);
    return len;
}

static void send_payload(int fd, const char *payload, const char *key)
{
    uint8_t octets[HEP_LEN_MAX];
    send_octets(fd, octets, make(payload, key, octets));
}

static struct slice payload_of(const struct packet *packet)
{
    struct hep_message message;
    assert_int_equal(packet->link_type, LINK_TYPE_HEP);
    assert_int_equal(packet->captured_len, packet->wire_len);
    assert_int_equal(
        hep_read(slice_of((const char *)packet->bytes, packet->captured_len), &message), HEP_WHOLE);
    return message.payload;
}

/* Reads until something comes, or the deadline is over. */
static unsigned read_some(struct bench *b)
{
    b->batch.count = 0;
    for (int i = 0; i < 1000 && b->batch.count == 0; i++) {
        hep_input_read(b->input, &b->batch, PACKET_BATCH_MAX, INT64_MAX, b->now_ns);
        if (b->batch.count == 0)
            usleep(1000);
    }
    return b->batch.count;
}

/* What comes next is one message with this payload. */
static void reads(struct bench *b, const char *payload)
{
    assert_int_equal(read_some(b), 1);
    struct slice got = payload_of(&b->batch.packet[0]);
    if (!slice_eq(got, slice_str(payload)))
        fail_msg("got %.*s, not %s", SLICE_ARGS(got), payload);
}

/* Nothing comes, for as long as loopback may take. */
static void reads_nothing(struct bench *b)
{
    b->batch.count = 0;
    for (int i = 0; i < 20; i++) {
        hep_input_read(b->input, &b->batch, PACKET_BATCH_MAX, INT64_MAX, b->now_ns);
        assert_int_equal(b->batch.count, 0);
        usleep(1000);
    }
}

/* Until the count is reached. */
static void counts(struct bench *b, enum hep_result result, uint64_t want)
{
    for (int i = 0; i < 1000 && b->stats.hep.received[result] < want; i++) {
        b->batch.count = 0;
        hep_input_read(b->input, &b->batch, PACKET_BATCH_MAX, INT64_MAX, b->now_ns);
        assert_int_equal(b->batch.count, 0);
        usleep(1000);
    }
    assert_int_equal(b->stats.hep.received[result], want);
}

static bool is_closed(int fd)
{
    struct timeval limit = {.tv_sec = 5};
    char octet;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    ssize_t got = recv(fd, &octet, 1, 0);
    return got == 0 || (got < 0 && errno == ECONNRESET);
}

static void takes_datagrams(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, NULL);
    int fd = connect_to(b.port, SOCK_DGRAM);
    int64_t before_ns = wall_ns();
    send_payload(fd, "OPTIONS a", "");
    reads(&b, "OPTIONS a");
    const struct packet *packet = &b.batch.packet[0];
    assert_true(packet->time_ns >= before_ns && packet->time_ns <= wall_ns());
    assert_int_equal(packet->interface, 0);
    /* A burst comes in its order, in batches that are full. */
    enum { BURST = 150 };
    for (int i = 0; i < BURST; i++) {
        char text[20];
        snprintf(text, sizeof text, "OPTIONS %d", i);
        send_payload(fd, text, "a key that nobody asks for");
    }
    for (int i = 0; i < BURST;) {
        assert_true(read_some(&b) > 0);
        for (unsigned k = 0; k < b.batch.count; k++, i++) {
            char text[20];
            snprintf(text, sizeof text, "OPTIONS %d", i);
            assert_true(slice_eq(payload_of(&b.batch.packet[k]), slice_str(text)));
        }
    }
    assert_int_equal(b.stats.hep.received[HEP_ACCEPTED], 1 + BURST);
    close(fd);
    hep_input_close(b.input);
}

static void refuses_what_is_none(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, NULL);
    int fd = connect_to(b.port, SOCK_DGRAM);
    uint8_t octets[HEP_LEN_MAX];
    size_t len = make("OPTIONS a", "", octets);
    send_octets(fd, octets, len - 1); /* cut */
    send_octets(fd, "", 0);
    send_octets(fd, "HEP3", 4);
    send_octets(fd, "\x02\x10\x02\x11", 4); /* version 2 */
    counts(&b, HEP_MALFORMED, 4);
    struct hep_message message;
    assert_int_equal(hep_read(slice_of((char *)octets, len), &message), HEP_WHOLE);
    message.payload_type = HEP_PAYLOAD_RTCP_JSON;
    len = hep_write(&message, octets, sizeof octets);
    send_octets(fd, octets, len);
    counts(&b, HEP_UNSUPPORTED, 1);
    static const char keepalive[] = "HEP3\0\x0e\0\0\0\x0d\0\x08\0\x1e";
    send_octets(fd, keepalive, sizeof keepalive - 1);
    counts(&b, HEP_KEEPALIVE, 1);
    assert_int_equal(b.stats.hep.received[HEP_ACCEPTED], 0);
    close(fd);
    hep_input_close(b.input);
}

static void asks_for_the_key(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "", "s", "secre", "secrets", "Secret", "secretsecret", "xecret", "secrex"};
    struct bench b;
    open_bench(&b, "secret");
    int datagrams = connect_to(b.port, SOCK_DGRAM), stream = connect_to(b.port, SOCK_STREAM);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        send_payload(datagrams, "OPTIONS a", wrong[i]);
        send_payload(stream, "OPTIONS a", wrong[i]);
    }
    counts(&b, HEP_WRONG_KEY, 2 * sizeof wrong / sizeof wrong[0]);
    send_payload(datagrams, "OPTIONS b", "secret");
    reads(&b, "OPTIONS b");
    send_payload(stream, "OPTIONS c", "secret");
    reads(&b, "OPTIONS c");
    close(datagrams);
    close(stream);
    hep_input_close(b.input);
}

static void cuts_streams_into_messages(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, NULL);
    int fd = connect_to(b.port, SOCK_STREAM);
    uint8_t two[2 * HEP_LEN_MAX];
    size_t first = make("OPTIONS a", "", two), len = first + make("OPTIONS b", "", two + first);
    reads_nothing(&b);
    assert_int_equal(b.stats.hep.connections, 1);
    for (size_t i = 0; i < first - 1; i++) {
        send_octets(fd, two + i, 1);
        if (i % 16 == 0)
            usleep(100);
    }
    reads_nothing(&b);
    send_octets(fd, two + first - 1, 10); /* the last of it, and the beginning of the other */
    reads(&b, "OPTIONS a");
    send_octets(fd, two + first + 9, len - first - 9);
    reads(&b, "OPTIONS b");
    /* More than a batch and more than the buffer, in one go. */
    enum { MANY = 500 };
    static uint8_t many[MANY * 400];
    size_t size = 0;
    char text[201];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < MANY; i++) {
        uint8_t one[HEP_LEN_MAX];
        snprintf(text, 12, "OPTIONS %03u", (unsigned)i % 1000U);
        text[11] = 'x';
        size_t one_len = make(text, "", one);
        memcpy(many + size, one, one_len);
        size += one_len;
    }
    send_octets(fd, many, size);
    for (int i = 0; i < MANY;) {
        assert_true(read_some(&b) > 0);
        for (unsigned k = 0; k < b.batch.count; k++, i++) {
            snprintf(text, 12, "OPTIONS %03u", (unsigned)i % 1000U);
            text[11] = 'x';
            assert_true(slice_eq(payload_of(&b.batch.packet[k]), slice_str(text)));
        }
    }
    close(fd);
    reads_nothing(&b);
    assert_int_equal(b.stats.hep.connections, 0);
    assert_int_equal(b.stats.hep.connections_dropped, 0);
    hep_input_close(b.input);
}

/* The largest that there can be, over both. */
static void takes_the_largest(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, NULL);
    int stream = connect_to(b.port, SOCK_STREAM), datagrams = connect_to(b.port, SOCK_DGRAM);
    static char text[HEP_LEN_MAX];
    uint8_t octets[HEP_LEN_MAX];
    size_t overhead = make("x", "", octets) - 1;
    memset(text, 'x', HEP_LEN_MAX - overhead);
    for (int i = 0; i < 3; i++) {
        size_t len = make(text, "", octets);
        assert_int_equal(len, HEP_LEN_MAX);
        send_octets(stream, octets, len);
        reads(&b, text);
    }
    text[65507 - overhead] = '\0'; /* as much as UDP carries */
    send_octets(datagrams, octets, make(text, "", octets));
    reads(&b, text);
    close(stream);
    close(datagrams);
    hep_input_close(b.input);
}

static void hangs_up_on_what_is_no_hep(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, NULL);
    int good = connect_to(b.port, SOCK_STREAM), bad = connect_to(b.port, SOCK_STREAM);
    int shorter = connect_to(b.port, SOCK_STREAM);
    send_payload(bad, "OPTIONS before", "");
    send_octets(bad, "GET / HTTP/1.1\r\n\r\n", 18);
    reads(&b, "OPTIONS before");
    send_octets(shorter, "HEP3\0\5", 6);
    counts(&b, HEP_MALFORMED, 2);
    assert_true(is_closed(bad) && is_closed(shorter));
    assert_int_equal(b.stats.hep.connections, 1);
    assert_int_equal(b.stats.hep.connections_dropped, 2);
    /* A message of its own that cannot be read is no reason: the next begins where it ends. */
    send_octets(good, "HEP3\0\x07x", 7);
    send_payload(good, "OPTIONS after", "");
    reads(&b, "OPTIONS after");
    assert_int_equal(b.stats.hep.received[HEP_MALFORMED], 3);
    close(good);
    close(bad);
    close(shorter);
    hep_input_close(b.input);
}

static void limits_connections(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, NULL);
    int fd[HEP_CONNECTIONS_MAX + 1];
    for (int i = 0; i < HEP_CONNECTIONS_MAX; i++) {
        fd[i] = connect_to(b.port, SOCK_STREAM);
        b.now_ns += S;
        send_payload(fd[i], "OPTIONS a", "");
        reads(&b, "OPTIONS a");
    }
    assert_int_equal(b.stats.hep.connections, HEP_CONNECTIONS_MAX);
    b.now_ns += S;
    send_payload(fd[0], "OPTIONS again", "");
    reads(&b, "OPTIONS again");
    /* The second is silent longest now. */
    fd[HEP_CONNECTIONS_MAX] = connect_to(b.port, SOCK_STREAM);
    b.now_ns += S;
    send_payload(fd[HEP_CONNECTIONS_MAX], "OPTIONS b", "");
    reads(&b, "OPTIONS b");
    assert_true(is_closed(fd[1]));
    assert_int_equal(b.stats.hep.connections, HEP_CONNECTIONS_MAX);
    assert_int_equal(b.stats.hep.connections_dropped, 1);
    /* Those that say nothing for long are closed, but not the one that does. */
    b.now_ns += HEP_CONNECTION_IDLE_NS - S;
    send_payload(fd[0], "OPTIONS c", "");
    reads(&b, "OPTIONS c");
    b.now_ns += 2 * S;
    reads_nothing(&b);
    assert_int_equal(b.stats.hep.connections, 1);
    send_payload(fd[0], "OPTIONS d", "");
    reads(&b, "OPTIONS d");
    for (int i = 0; i <= HEP_CONNECTIONS_MAX; i++)
        close(fd[i]);
    hep_input_close(b.input);
}

/* However many connect, and whatever they send that is not in order. */
static void strangers_give_way(void **state)
{
    (void)state;
    struct bench b;
    uint8_t octets[HEP_LEN_MAX];
    size_t len = make("OPTIONS stranger", "guess", octets);
    open_bench(&b, "secret");
    int proxy = connect_to(b.port, SOCK_STREAM), silent = connect_to(b.port, SOCK_STREAM);
    send_payload(proxy, "OPTIONS a", "secret");
    reads(&b, "OPTIONS a");
    static const char keepalive[] = "HEP3\0\x1a\0\0\0\x0d\0\x08\0\x1e\0\0\0\x0e\0\x0csecret";
    send_octets(silent, keepalive, sizeof keepalive - 1);
    counts(&b, HEP_KEEPALIVE, 1);
    enum { STRANGERS = 3 * HEP_CONNECTIONS_MAX };
    int fd[STRANGERS];
    for (int i = 0; i < STRANGERS; i++) {
        b.now_ns += S / 100;
        fd[i] = connect_to(b.port, SOCK_STREAM);
        send_octets(fd[i], octets, i % 2 == 0 ? len : 4);
        if (i % 50 == 49)
            reads_nothing(&b);
    }
    reads_nothing(&b);
    assert_int_equal(b.stats.hep.connections, HEP_CONNECTIONS_MAX);
    send_payload(proxy, "OPTIONS b", "secret");
    reads(&b, "OPTIONS b");
    send_payload(silent, "OPTIONS c", "secret");
    reads(&b, "OPTIONS c");
    /* One more of ours finds a place among them. */
    int late = connect_to(b.port, SOCK_STREAM);
    send_payload(late, "OPTIONS d", "secret");
    reads(&b, "OPTIONS d");
    for (int i = 0; i < STRANGERS; i++)
        close(fd[i]);
    close(proxy);
    close(silent);
    close(late);
    hep_input_close(b.input);
}

/* What is begun has to come soon, however slowly octets drip in; who says nothing yet may be one
 * who has nothing to tell. */
static void strangers_have_ten_seconds(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, NULL);
    uint8_t octets[HEP_LEN_MAX];
    size_t len = make("OPTIONS late", "", octets);
    int drip = connect_to(b.port, SOCK_STREAM), silent = connect_to(b.port, SOCK_STREAM);
    int known = connect_to(b.port, SOCK_STREAM);
    send_payload(known, "OPTIONS a", "");
    reads(&b, "OPTIONS a");
    send_octets(known, octets, 10);
    for (int i = 0; i < 6; i++) {
        send_octets(drip, octets + i, 1);
        reads_nothing(&b);
        assert_int_equal(b.stats.hep.connections, 3);
        b.now_ns += 2 * S;
    }
    reads_nothing(&b);
    assert_int_equal(b.stats.hep.connections, 2);
    assert_true(is_closed(drip));
    send_octets(silent, octets, 10);
    reads_nothing(&b);
    b.now_ns += 2 * S;
    send_octets(silent, octets + 10, len - 10);
    reads(&b, "OPTIONS late");
    send_octets(known, octets + 10, len - 10);
    reads(&b, "OPTIONS late");
    assert_int_equal(b.stats.hep.connections_dropped, 1);
    close(drip);
    close(silent);
    close(known);
    hep_input_close(b.input);
}

/* Who cannot be accepted does not keep the thread awake, and is accepted when there is room. */
static void rests_without_descriptors(void **state)
{
    (void)state;
    struct bench b;
    struct rlimit before, none;
    open_bench(&b, NULL);
    int fd = connect_to(b.port, SOCK_STREAM);
    send_payload(fd, "OPTIONS a", "");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)fd + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct pollfd pollfd = {.fd = hep_input_fd(b.input), .events = POLLIN};
    assert_int_equal(poll(&pollfd, 1, 1000), 1);
    reads_nothing(&b);
    int is_awake = poll(&pollfd, 1, 20);
    b.now_ns += 2 * S;
    reads_nothing(&b); /* still none */
    is_awake |= poll(&pollfd, 1, 20);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(is_awake, 0);
    assert_int_equal(b.stats.hep.connections, 0);
    b.now_ns += 2 * S;
    reads(&b, "OPTIONS a");
    close(fd);
    hep_input_close(b.input);
}

/* Chunk 0x10 in place of the payload's. */
static size_t compress_payload(struct slice text, int window_bits, uint8_t out[static HEP_LEN_MAX])
{
    uint8_t packed[HEP_LEN_MAX];
    z_stream z = {.next_in = (const Bytef *)text.at,
                  .avail_in = (uInt)text.len,
                  .next_out = packed,
                  .avail_out = sizeof packed};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, window_bits, 9, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t packed_len = sizeof packed - z.avail_out;
    deflateEnd(&z);
    size_t len = make("x", "", out) - 1;
    out[len - 3] = 0x10; /* the type of the last chunk, and the lengths */
    out[len - 2] = (uint8_t)((packed_len + 6) >> 8);
    out[len - 1] = (uint8_t)(packed_len + 6);
    memcpy(out + len, packed, packed_len);
    len += packed_len;
    out[4] = (uint8_t)(len >> 8);
    out[5] = (uint8_t)len;
    return len;
}

static void inflates(void **state)
{
    (void)state;
    static const int window_bits[] = {15 + 16, 15, -15}; /* gzip, zlib, bare */
    static char text[100000];
    struct bench b;
    open_bench(&b, NULL);
    int fd = connect_to(b.port, SOCK_STREAM);
    uint8_t octets[HEP_LEN_MAX];
    memset(text, 'x', sizeof text - 1);
    for (size_t i = 0; i < sizeof window_bits / sizeof window_bits[0]; i++) {
        send_octets(fd, octets, compress_payload(SLICE("OPTIONS packed"), window_bits[i], octets));
        reads(&b, "OPTIONS packed");
        struct slice largest = {text, HEP_LEN_MAX - HEP_OVERHEAD_MAX};
        send_octets(fd, octets, compress_payload(largest, window_bits[i], octets));
        assert_int_equal(read_some(&b), 1);
        assert_true(slice_eq(payload_of(&b.batch.packet[0]), largest));
        largest.len++;
        send_octets(fd, octets, compress_payload(largest, window_bits[i], octets));
        send_octets(fd, octets, compress_payload(slice_str(text), window_bits[i], octets));
        counts(&b, HEP_UNREADABLE, 3 * i + 2);
        size_t len = compress_payload(SLICE("OPTIONS packed"), window_bits[i], octets);
        memset(octets + len - 8, 0xff, 8);
        send_octets(fd, octets, len);
        counts(&b, HEP_UNREADABLE, 3 * i + 3);
    }
    close(fd);
    hep_input_close(b.input);
}

/* What is newer than `until` waits, and is given in the order of its time, whatever brought it. */
static void waits_until_it_is_due(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, NULL);
    int datagrams = connect_to(b.port, SOCK_DGRAM), stream = connect_to(b.port, SOCK_STREAM);
    reads_nothing(&b);
    send_payload(datagrams, "OPTIONS 1", "");
    usleep(2000);
    send_payload(stream, "OPTIONS 2", "");
    usleep(2000);
    int64_t middle_ns = wall_ns();
    usleep(2000);
    send_payload(datagrams, "OPTIONS 3", "");
    usleep(2000);
    assert_true(hep_input_fd(b.input) >= 0);
    b.batch.count = 0;
    hep_input_read(b.input, &b.batch, PACKET_BATCH_MAX, middle_ns - S, b.now_ns);
    assert_int_equal(b.batch.count, 0);
    assert_int_equal(hep_input_fd(b.input), -1);
    hep_input_read(b.input, &b.batch, PACKET_BATCH_MAX, middle_ns, b.now_ns);
    assert_int_equal(b.batch.count, 2);
    assert_true(slice_eq(payload_of(&b.batch.packet[0]), SLICE("OPTIONS 1")));
    assert_true(slice_eq(payload_of(&b.batch.packet[1]), SLICE("OPTIONS 2")));
    assert_true(b.batch.packet[0].time_ns < b.batch.packet[1].time_ns);
    reads(&b, "OPTIONS 3");
    assert_true(hep_input_fd(b.input) >= 0);
    /* No more than there is room for; the rest is not lost. */
    for (int i = 0; i < 3; i++)
        send_payload(datagrams, "OPTIONS 4", "");
    for (int i = 0; i < 3; i++) {
        b.batch.count = 0;
        hep_input_read(b.input, &b.batch, 1, INT64_MAX, b.now_ns);
        assert_int_equal(b.batch.count, 1);
    }
    close(datagrams);
    close(stream);
    hep_input_close(b.input);
}

static void counts_what_the_kernel_dropped(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, NULL);
    int fd = connect_to(b.port, SOCK_DGRAM);
    enum { SENT = 60000 };
    uint8_t octets[HEP_LEN_MAX];
    size_t len = make("OPTIONS a", "", octets);
    for (int i = 0; i < SENT; i++)
        (void)send(fd, octets, len, 0);
    unsigned got = 0;
    for (int quiet = 0; quiet < 50; quiet++) {
        b.batch.count = 0;
        hep_input_read(b.input, &b.batch, PACKET_BATCH_MAX, INT64_MAX, b.now_ns);
        got += b.batch.count;
        quiet = b.batch.count > 0 ? 0 : quiet;
        if (b.batch.count == 0)
            usleep(1000);
    }
    hep_input_update_stats(b.input);
    hep_input_update_stats(b.input);
    assert_true(got < SENT);
    assert_int_equal(got + b.stats.dropped_kernel, SENT);
    close(fd);
    hep_input_close(b.input);
}

static void refuses(const char *text, const char *words)
{
    struct capture_stats stats = {0};
    struct capture_error error = {0};
    struct capture_live_params params = {.hep = &text, .hep_count = 1};
    assert_null(hep_input_open(&params, &stats, &error));
    assert_int_equal(error.exit_status, 2);
    if (!strstr(error.text, words))
        fail_msg("%s", error.text);
}

static void says_why_it_cannot_listen(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, NULL);
    char text[32];
    snprintf(text, sizeof text, "127.0.0.1:%u", b.port);
    refuses(text, "another program listens there");
    refuses("192.0.2.1:9060", "no such address");
    refuses("9060", "not ADDR:PORT");
    refuses("localhost:9060", "not ADDR:PORT");
    hep_input_close(b.input);
    struct capture_stats stats = {0};
    struct capture_error error = {0};
    const char *many[HEP_ADDRESSES_MAX + 1];
    for (int i = 0; i <= HEP_ADDRESSES_MAX; i++)
        many[i] = "127.0.0.1:0";
    struct capture_live_params params = {.hep = many, .hep_count = HEP_ADDRESSES_MAX + 1};
    assert_null(hep_input_open(&params, &stats, &error));
    params.hep_count--;
    params.device_count = 3;
    struct hep_input *input = NULL;
    for (int tries = 0; !input && tries < 16; tries++)
        input = hep_input_open(&params, &stats, &error);
    assert_non_null(input);
    /* Interfaces go on where the devices' end. */
    struct bench last = {.input = input};
    int fd = connect_to(hep_input_port(input, HEP_ADDRESSES_MAX - 1), SOCK_DGRAM);
    send_payload(fd, "OPTIONS a", "");
    reads(&last, "OPTIONS a");
    assert_int_equal(last.batch.packet[0].interface, 3 + HEP_ADDRESSES_MAX - 1);
    close(fd);
    hep_input_close(input);
}

/* What is said when it listens there. */
static bool warns(const char *address, const char *key)
{
    struct capture_stats stats = {0};
    struct capture_error error = {0};
    struct capture_live_params params = {.hep = &address, .hep_count = 1, .hep_key = key};
    struct hep_input *input = NULL;
    char said[1024];
    FILE *into = tmpfile();
    int before = dup(STDERR_FILENO);
    assert_true(into && before >= 0 && dup2(fileno(into), STDERR_FILENO) >= 0);
    log_set_level(LOG_LEVEL_WARNING);
    for (int tries = 0; !input && tries < 16; tries++)
        input = hep_input_open(&params, &stats, &error);
    log_set_level(LOG_LEVEL_ERROR);
    dup2(before, STDERR_FILENO);
    close(before);
    rewind(into);
    said[fread(said, 1, sizeof said - 1, into)] = '\0';
    fclose(into);
    if (!input)
        fail_msg("%s", error.text);
    hep_input_close(input);
    return strstr(said, "can make calls up: set hep_key") && strstr(said, address);
}

static void warns_of_strangers(void **state)
{
    (void)state;
    assert_true(warns("0.0.0.0:0", NULL));
    assert_true(warns("0.0.0.0:0", ""));
    assert_false(warns("0.0.0.0:0", "secret"));
    assert_false(warns("127.0.0.1:0", NULL));
    assert_false(warns("127.1.2.3:0", NULL));
}

static void listens_on_ipv6(void **state)
{
    (void)state;
    static const char *const v6 = "[::1]:0";
    struct capture_error error = {0};
    struct capture_live_params params = {.hep = &v6, .hep_count = 1};
    struct bench b = {.now_ns = S};
    b.input = hep_input_open(&params, &b.stats, &error);
    if (!b.input)
        skip();
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    to.sin6_port = htons(hep_input_port(b.input, 0));
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    send_payload(fd, "OPTIONS a", "");
    reads(&b, "OPTIONS a");
    close(fd);
    hep_input_close(b.input);
    assert_false(warns(v6, NULL));
    assert_true(warns("[::]:0", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_datagrams),
        cmocka_unit_test(refuses_what_is_none),
        cmocka_unit_test(asks_for_the_key),
        cmocka_unit_test(cuts_streams_into_messages),
        cmocka_unit_test(takes_the_largest),
        cmocka_unit_test(hangs_up_on_what_is_no_hep),
        cmocka_unit_test(limits_connections),
        cmocka_unit_test(strangers_give_way),
        cmocka_unit_test(strangers_have_ten_seconds),
        cmocka_unit_test(rests_without_descriptors),
        cmocka_unit_test(inflates),
        cmocka_unit_test(waits_until_it_is_due),
        cmocka_unit_test(counts_what_the_kernel_dropped),
        cmocka_unit_test(says_why_it_cannot_listen),
        cmocka_unit_test(warns_of_strangers),
        cmocka_unit_test(listens_on_ipv6),
    };
    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
