/*
 * Segments of a few connections on a SIP port, both directions, with room for so little that it
 * has to be made all the time. Whatever they say, what is kept stays within its bounds, is given
 * back in the end, and no message is longer than messages may be.
 *
 * Input: an octet for the room; then for each segment an octet of direction, connection and what is
 * to come of it, one of flags, two for its sequence number (from where its direction is, signed),
 * one for the time since the one before, one of length, and its payload: so many octets of the
 * input, or one of the texts below.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "flow/tcp.h"
#include "flow/websocket.h"
#include "sip/sip_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CONNECTIONS = 4, ROOM_STEP = 2048, PORT = 5060 };
enum { MANY_STEP = 1024, MANY_MAX = 255 * MANY_STEP }; /* more than is kept behind a hole */

#define MS       INT64_C(1000000)
#define EPOCH_NS (INT64_C(1767225600) * 1000 * MS)

/* The first octet of a segment. */
enum {
    CONNECTION = 0x03,
    FROM_SERVER = 0x04,
    IS_TEXT = 0x08,
    IS_MANY = 0x10,
    GO_ON = 0x20,
    CLOCK_STEP = 0x40,
    ICMP = 0x80
};

enum { FORGED_ACK = 0x40 }; /* of the flags */

static const char *const texts[] = {
    "INVITE sip:a@example.com SIP/2.0\r\nContent-Length: 4\r\n\r\nbody",
    "SIP/2.0 200 OK\r\nl: 0\r\n\r\n",
    "OPTIONS sip:a@example.com SIP/2.0\r\nContent-Length: 60000\r\n\r\n",
    "\r\n\r\n",
    "GET / HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: sip\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
    "\x81\x18SIP/2.0 200 OK\r\nl: 0\r\n\r\n",
    "\x01\x18SIP/2.0 200 OK\r\nl: 0\r\n\r\n",
    "\x16\x03\x01\x01\x2f\x01\x01\x01\x2b\x03\x03",
    "\x15\x03\x03",
};

struct run {
    struct tcp *tcp;
    int64_t now_ns;
    uint32_t next[CONNECTIONS][2];
    uint64_t messages, failures, holes;
    uint8_t octets_seen;
};

static void check(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "broken promise: %s\n", what);
    abort();
}

static bool is_sip_server(void *context, const struct endpoint *endpoint)
{
    (void)context;
    return endpoint->port == PORT;
}

static void on_message(void *context, const struct datagram *message)
{
    struct run *run = context;
    struct tcp_state state;
    bool is_ws = message->transport == TRANSPORT_WS;
    check(is_ws || message->transport == TRANSPORT_TCP, "a message has its transport");
    check(message->payload.len > 0, "a message has octets");
    check(message->payload.len <= (size_t)(is_ws ? WEBSOCKET_MESSAGE_MAX : SIP_FRAME_MESSAGE_MAX),
          "a message is bounded");
    const char last = message->payload.at[message->payload.len - 1];
    run->octets_seen ^= (uint8_t)last; /* it can be read to its end */
    check(tcp_look(run->tcp, &message->src, &message->dst, &state), "its connection is known");
    run->messages++;
}

static void on_failure(void *context, const struct tcp_failure *failure)
{
    struct run *run = context;
    check(failure->attempts > 0, "what failed was tried");
    check(failure->server.port == PORT, "only SIP servers fail");
    check(failure->reason <= TCP_TLS_SILENT, "a failure has a reason");
    check(failure->client.ip.octets[3] != failure->server.ip.octets[3], "it has two ends");
    run->failures++;
}

static void on_hole(void *context, const struct datagram *segment)
{
    struct run *run = context;
    check(segment->payload.len > 0, "behind a hole is something");
    run->holes++;
}

static struct endpoint client_of(unsigned connection)
{
    return (struct endpoint){ip_from_v4((uint8_t[]){192, 0, 2, 1}), (uint16_t)(40000 + connection)};
}

static struct slice payload_of(struct cursor *in, uint8_t how, uint8_t len)
{
    static char many[MANY_MAX];
    if (how & IS_TEXT)
        return slice_str(texts[len % (sizeof texts / sizeof texts[0])]);
    if (how & IS_MANY) {
        memset(many, 'Z', sizeof many);
        return slice_of(many, (size_t)len * MANY_STEP);
    }
    size_t octets = len < in->left ? len : in->left;
    return slice_of((const char *)cursor_take(in, octets), octets);
}

static void say_icmp(struct run *run, unsigned connection, uint8_t how)
{
    struct icmp_error error = {
        .time_ns = run->now_ns,
        .meaning = (enum icmp_meaning)(how % ICMP_MEANING_COUNT),
        .src = client_of(connection),
        .dst = {ip_from_v4((uint8_t[]){192, 0, 2, 2}), PORT},
        .protocol = 6,
        .has_ports = true,
        .tcp_seq = run->next[connection][0],
    };
    tcp_icmp(run->tcp, &error);
}

static void say(struct run *run, struct cursor *in)
{
    uint8_t how = cursor_u8(in), flags = cursor_u8(in);
    int16_t distance = (int16_t)cursor_u16(in);
    uint8_t wait = cursor_u8(in), len = cursor_u8(in);
    if (in->failed)
        return;
    unsigned connection = how & CONNECTION, from = how & FROM_SERVER ? 1 : 0;
    run->now_ns += (int64_t)wait * wait * MS;
    tcp_advance(run->tcp, run->now_ns);
    if (how & CLOCK_STEP) {
        int64_t step_ns = distance * INT64_C(1000) * MS;
        run->now_ns += step_ns;
        tcp_clock_step(run->tcp, step_ns);
        distance = 0;
    }
    if (how & ICMP)
        say_icmp(run, connection, flags);
    struct endpoint server = {ip_from_v4((uint8_t[]){192, 0, 2, 2}), PORT};
    struct endpoint client = client_of(connection);
    struct slice payload = payload_of(in, how, len);
    uint32_t *next = run->next[connection];
    /* The farther, the stranger: a sixteenth of the distances is beyond any window. */
    uint32_t seq = next[from] + (uint32_t)(distance % 16 ? distance : distance * 4096);
    uint32_t ack = next[!from] + (flags & FORGED_ACK ? (uint32_t)(distance * 64) : 0);
    char *octets = malloc(payload.len);
    check(octets || payload.len == 0, "there is memory");
    if (payload.len > 0)
        memcpy(octets, payload.at, payload.len);
    struct datagram segment = {
        .time_ns = run->now_ns,
        .src = from ? server : client,
        .dst = from ? client : server,
        .payload = slice_of(octets, payload.len),
        .tcp = {.seq = how & GO_ON ? next[from] : seq, .ack = ack, .flags = flags & 0x3f},
        .protocol = 6,
        .truncated = flags & 0x80,
    };
    tcp_segment(run->tcp, &segment);
    check(!tcp_is_in_flight(run->tcp, &server, &server, seq), "nothing flies where nobody sends");
    run->octets_seen ^= tcp_is_in_flight(run->tcp, &segment.src, &segment.dst, seq);
    free(octets);
    if (how & GO_ON)
        next[from] += (uint32_t)payload.len + (flags & TCP_SYN ? 1 : 0);
}

static void check_stats(const struct run *run, size_t room)
{
    struct tcp_stats stats;
    tcp_stats(run->tcp, &stats);
    check(stats.buffered_bytes <= room, "what is kept is bounded");
    check(stats.tracked < CONNECTIONS, "connections are bounded");
    check(stats.messages == run->messages, "messages are counted");
    check(stats.holes_acknowledged == run->holes, "a hole is told once");
    check(stats.holes_acknowledged <= stats.holes, "an acknowledged hole is one");
    check(run->failures <= stats.connections, "a connection fails once");
    check(stats.tls <= stats.connections && stats.websocket <= stats.connections,
          "a connection is of one kind");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor in = cursor_of(data, size);
    struct run run = {.now_ns = EPOCH_NS};
    struct tcp_stats stats;
    uint8_t steps = cursor_u8(&in);
    size_t room = (size_t)steps * ROOM_STEP;
    run.tcp = tcp_create(&(struct tcp_params){
        .connections_max = CONNECTIONS - 1,
        .bytes_max = room,
        .setup_ns = 32000 * MS,
        .is_sip_server = is_sip_server,
        .on_message = on_message,
        .on_failure = on_failure,
        .on_hole = on_hole,
        .context = &run,
    });
    check(run.tcp != NULL, "there is memory");
    while (in.left > 0 && !in.failed) {
        say(&run, &in);
        check_stats(&run, room);
    }
    if (steps & 1)
        tcp_finish(run.tcp);
    check_stats(&run, room);
    /* Everything ends, and gives back what it kept. */
    tcp_advance(run.tcp, run.now_ns + TCP_IDLE_NS);
    tcp_stats(run.tcp, &stats);
    check(stats.tracked == 0 && stats.buffered_bytes == 0, "nothing is left");
    tcp_destroy(run.tcp);
    return 0;
}
