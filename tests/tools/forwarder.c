/*
 * A bad network: forwards frames between two devices, both ways, and does to RTP what it is told.
 *
 *     forwarder A B SECONDS SEED [RULE]...
 *
 * A RULE is words joined by commas: the side that its packets come from (a or b), the range of
 * their UDP destination ports, then any of
 *     delay=MS         every packet is so late
 *     jitter=MS        and up to so much later, evenly distributed
 *     ordered          though never before one that came before it
 *     loss=PERCENT     so many are dropped by chance
 *     drop_every=N     each Nth is dropped
 *     double=PERCENT   so many are sent twice by chance,
 *     copy=MS          the second time so much later
 *     hold_every=N     each Nth is held back,
 *     hold=MS          by so much
 * as in a,20000-20099,delay=20,jitter=8,loss=3. The first rule that fits holds. RTCP in the range
 * is delayed and nothing else; what is neither counts as RTP with an SSRC of 0. Whatever fits no
 * rule passes at once.
 *
 * Ends after SECONDS, or SIGINT or SIGTERM; then sends what still waits and writes what it did, one
 * JSON object for each RTP stream in the order of their first packets, and one for everything:
 * `dropped` counts packets that came in, `lost` those of them that have a forwarded one before and
 * after them, so that whoever listens behind can know of them; `out_of_order` those sent after one
 * that had come in later (RFC 4737), repeats left out. It takes what comes in for the true order.
 * Exit 0; 1 if packets were lost that should not be; 2 if it cannot start. Needs CAP_NET_RAW and
 * CAP_NET_ADMIN.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <math.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "make_pcap/prng.h"

#define MS     INT64_C(1000000)
#define SECOND INT64_C(1000000000)

enum {
    SIDES = 2,
    RULES_MAX = 32,
    STREAMS_MAX = 256,
    WAITING_MAX = 8192,
    FRAME_MAX = 2048,
    BUFFER_BYTES = 16 << 20,
    ETHERNET_BYTES = 14,
    IPV6_BYTES = 40,
    UDP_BYTES = 8,
    PROTOCOL_UDP = 17,
    RTP_BYTES = 12,
};

struct rule {
    unsigned side;
    uint16_t port_low, port_high;
    int64_t delay_ns, jitter_ns, copy_ns, hold_ns;
    double loss, doubled; /* percents */
    uint64_t drop_every, hold_every;
    bool in_order;
};

struct stream {
    const struct rule *rule;
    int family; /* AF_INET, AF_INET6 */
    uint8_t src[16], dst[16];
    uint16_t src_port, dst_port;
    uint32_t ssrc;
    struct prng prng;
    uint64_t in, forwarded, dropped, lost, doubled, held, out_of_order;
    uint64_t dropped_last; /* since the latest that was not */
    uint64_t highest_out;  /* by the order of coming in, from 1; 0: none yet */
    int64_t last_due_ns;
    int64_t first_out_ns, last_out_ns;
    int64_t late_ns_max; /* sent after it was due */
    double delay_ns_sum;
    int64_t delay_ns_min, delay_ns_max;
};

/* A frame that waits to be sent. */
struct waiting {
    int64_t due_ns, in_ns;
    uint64_t number;       /* equal times: in the order of coming in */
    uint64_t index;        /* in its stream, from 1 */
    struct stream *stream; /* NULL: of none */
    unsigned to;
    bool is_copy, is_doubled; /* is_doubled: it is to be sent once more */
    uint32_t bytes;
    uint8_t frame[FRAME_MAX];
};

/* What stands in the headers of a UDP packet in an Ethernet frame. */
struct udp {
    int family;
    const uint8_t *src, *dst, *payload;
    uint16_t src_port, dst_port;
    uint32_t payload_bytes;
};

struct forwarder {
    int fd[SIDES];
    struct rule rules[RULES_MAX];
    unsigned rule_count;
    uint64_t seed;
    struct stream streams[STREAMS_MAX];
    unsigned stream_count;
    struct waiting pool[WAITING_MAX];
    struct waiting *unused[WAITING_MAX];
    struct waiting *heap[WAITING_MAX];
    unsigned unused_count, heap_count;
    uint64_t numbers, straight, rtcp, mishaps; /* mishaps: what it lost by itself */
};

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
    (void)signal_number;
    stopped = 1;
}

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

/* --- what is told */

static bool take_ports(struct rule *rule, const char *word)
{
    char *end;
    unsigned long low = strtoul(word, &end, 10);
    if (*end != '-')
        return false;
    unsigned long high = strtoul(end + 1, &end, 10);
    if (*end || low > high || high > UINT16_MAX)
        return false;
    rule->port_low = (uint16_t)low;
    rule->port_high = (uint16_t)high;
    return true;
}

static bool take_setting(struct rule *rule, char *word)
{
    char *value = strchr(word, '='), *end;
    if (!value) {
        rule->in_order = strcmp(word, "ordered") == 0;
        return rule->in_order;
    }
    *value++ = 0;
    double number = strtod(value, &end);
    if (end == value || *end || !(number >= 0 && number <= 1e6))
        return false;
    const struct {
        const char *name;
        int64_t *ms;
        double *percent;
        uint64_t *count;
    } settings[] = {
        {"delay", &rule->delay_ns, NULL, NULL},
        {"jitter", &rule->jitter_ns, NULL, NULL},
        {"copy", &rule->copy_ns, NULL, NULL},
        {"hold", &rule->hold_ns, NULL, NULL},
        {"loss", NULL, &rule->loss, NULL},
        {"double", NULL, &rule->doubled, NULL},
        {"drop_every", NULL, NULL, &rule->drop_every},
        {"hold_every", NULL, NULL, &rule->hold_every},
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        if (strcmp(word, settings[i].name) != 0)
            continue;
        if (settings[i].ms)
            *settings[i].ms = (int64_t)(number * MS);
        else if (settings[i].percent)
            *settings[i].percent = number;
        else
            *settings[i].count = (uint64_t)number;
        return true;
    }
    return false;
}

static bool take_rule(struct rule *rule, char *text)
{
    char *word = strsep(&text, ",");
    rule->side = word[0] == 'b';
    if (strcmp(word, "a") != 0 && strcmp(word, "b") != 0)
        return false;
    if (!text || !take_ports(rule, strsep(&text, ",")))
        return false;
    while (text)
        if (!take_setting(rule, strsep(&text, ",")))
            return false;
    return true;
}

/* --- what comes in */

static bool read_udp(const uint8_t *frame, uint32_t bytes, struct udp *udp)
{
    const uint8_t *ip = frame + ETHERNET_BYTES;
    uint32_t ip_bytes, address_bytes;
    if (bytes < ETHERNET_BYTES + IPV6_BYTES)
        return false;
    if (get16(frame + 12) == ETH_P_IP && ip[9] == PROTOCOL_UDP && (get16(ip + 6) & 0x3fff) == 0) {
        ip_bytes = (ip[0] & 15U) * 4;
        address_bytes = 4;
        udp->family = AF_INET;
        udp->src = ip + 12;
    } else if (get16(frame + 12) == ETH_P_IPV6 && ip[6] == PROTOCOL_UDP) {
        ip_bytes = IPV6_BYTES;
        address_bytes = 16;
        udp->family = AF_INET6;
        udp->src = ip + 8;
    } else {
        return false;
    }
    if (bytes < ETHERNET_BYTES + ip_bytes + UDP_BYTES)
        return false;
    const uint8_t *header = ip + ip_bytes;
    udp->dst = udp->src + address_bytes;
    udp->src_port = get16(header);
    udp->dst_port = get16(header + 2);
    udp->payload = header + UDP_BYTES;
    udp->payload_bytes = bytes - ETHERNET_BYTES - ip_bytes - UDP_BYTES;
    return true;
}

static const struct rule *rule_for(const struct forwarder *f, unsigned side, const struct udp *udp)
{
    for (const struct rule *rule = f->rules; rule < f->rules + f->rule_count; rule++)
        if (rule->side == side && udp->dst_port >= rule->port_low &&
            udp->dst_port <= rule->port_high)
            return rule;
    return NULL;
}

static bool is_rtp(const struct udp *udp)
{
    return udp->payload_bytes >= RTP_BYTES && udp->payload[0] >> 6 == 2;
}

static bool is_rtcp(const struct udp *udp)
{
    return udp->payload_bytes >= 4 && udp->payload[0] >> 6 == 2 && udp->payload[1] >= 192 &&
           udp->payload[1] <= 223;
}

/* NULL: there are too many. */
static struct stream *stream_for(struct forwarder *f, const struct rule *rule,
                                 const struct udp *udp)
{
    const uint8_t *at = udp->payload + 8;
    uint32_t ssrc = is_rtp(udp) ? (uint32_t)get16(at) << 16 | get16(at + 2) : 0;
    size_t address_bytes = udp->family == AF_INET ? 4 : 16;
    struct stream *stream = f->streams;
    for (; stream < f->streams + f->stream_count; stream++)
        if (stream->ssrc == ssrc && stream->src_port == udp->src_port &&
            stream->dst_port == udp->dst_port && stream->rule == rule &&
            memcmp(stream->src, udp->src, address_bytes) == 0 &&
            memcmp(stream->dst, udp->dst, address_bytes) == 0)
            return stream;
    if (f->stream_count == STREAMS_MAX)
        return NULL;
    f->stream_count++;
    stream->rule = rule;
    stream->family = udp->family;
    memcpy(stream->src, udp->src, address_bytes);
    memcpy(stream->dst, udp->dst, address_bytes);
    stream->src_port = udp->src_port;
    stream->dst_port = udp->dst_port;
    stream->ssrc = ssrc;
    stream->prng.state = f->seed + (uint64_t)rule->side * 65536 + udp->dst_port;
    return stream;
}

/* --- the heap: what is due first stands first */

static bool is_before(const struct waiting *a, const struct waiting *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->number < b->number;
}

static void push(struct forwarder *f, struct waiting *w)
{
    unsigned at = f->heap_count++;
    w->number = f->numbers++;
    for (; at > 0 && is_before(w, f->heap[(at - 1) / 2]); at = (at - 1) / 2)
        f->heap[at] = f->heap[(at - 1) / 2];
    f->heap[at] = w;
}

static struct waiting *pop(struct forwarder *f)
{
    struct waiting *first = f->heap[0], *last = f->heap[--f->heap_count];
    unsigned at = 0;
    for (unsigned child; (child = 2 * at + 1) < f->heap_count; at = child) {
        if (child + 1 < f->heap_count && is_before(f->heap[child + 1], f->heap[child]))
            child++;
        if (!is_before(f->heap[child], last))
            break;
        f->heap[at] = f->heap[child];
    }
    f->heap[at] = last;
    return first;
}

/* Gives a frame back that was not sent. */
static void discard(struct forwarder *f, struct waiting *w)
{
    f->unused[f->unused_count++] = w;
}

/* --- what becomes of it */

/* When a packet of a stream is to be sent; INT64_MIN: never. */
static int64_t decide(struct stream *stream, int64_t in_ns)
{
    const struct rule *rule = stream->rule;
    bool drops = prng_hits(&stream->prng, rule->loss);
    int64_t due_ns = in_ns + rule->delay_ns;
    stream->in++;
    if (drops || (rule->drop_every && stream->in % rule->drop_every == 0)) {
        stream->dropped++;
        stream->dropped_last += stream->forwarded > 0;
        return INT64_MIN;
    }
    stream->forwarded++;
    stream->lost += stream->dropped_last;
    stream->dropped_last = 0;
    if (rule->jitter_ns)
        due_ns += (int64_t)(prng_unit(&stream->prng) * (double)rule->jitter_ns);
    if (rule->hold_every && stream->in % rule->hold_every == 0) {
        stream->held++;
        return due_ns + rule->hold_ns;
    }
    if (rule->in_order && due_ns < stream->last_due_ns)
        due_ns = stream->last_due_ns;
    stream->last_due_ns = due_ns;
    return due_ns;
}

static void take_frame(struct forwarder *f, unsigned side, struct waiting *w)
{
    struct udp udp;
    const struct rule *rule = read_udp(w->frame, w->bytes, &udp) ? rule_for(f, side, &udp) : NULL;
    w->to = 1 - side;
    w->due_ns = w->in_ns;
    w->stream = NULL;
    w->is_copy = w->is_doubled = false;
    if (!rule) {
        f->straight++;
    } else if (is_rtcp(&udp)) {
        f->rtcp++;
        w->due_ns += rule->delay_ns;
    } else {
        w->stream = stream_for(f, rule, &udp);
        if (!w->stream) {
            f->mishaps++;
            discard(f, w);
            return;
        }
        w->due_ns = decide(w->stream, w->in_ns);
        w->index = w->stream->in;
        if (w->due_ns == INT64_MIN) {
            discard(f, w);
            return;
        }
        w->is_doubled = prng_hits(&w->stream->prng, rule->doubled);
        w->stream->doubled += w->is_doubled;
    }
    push(f, w);
}

/* Takes what is waiting on this side. */
static void receive(struct forwarder *f, unsigned side)
{
    while (f->unused_count > 0) {
        struct waiting *w = f->unused[f->unused_count - 1];
        struct sockaddr_ll sender;
        union {
            struct cmsghdr header;
            uint8_t room[CMSG_SPACE(sizeof(struct timespec))];
        } control;
        struct iovec vector = {w->frame, FRAME_MAX};
        struct msghdr message = {.msg_name = &sender,
                                 .msg_namelen = sizeof sender,
                                 .msg_iov = &vector,
                                 .msg_iovlen = 1,
                                 .msg_control = &control,
                                 .msg_controllen = sizeof control};
        ssize_t size = recvmsg(f->fd[side], &message, MSG_DONTWAIT);
        if (size < 0)
            return;
        if (sender.sll_pkttype == PACKET_OUTGOING)
            continue;
        if (message.msg_flags & MSG_TRUNC) {
            f->mishaps++;
            continue;
        }
        w->bytes = (uint32_t)size;
        w->in_ns = now_ns();
        const struct cmsghdr *stamp = CMSG_FIRSTHDR(&message);
        if (stamp && stamp->cmsg_level == SOL_SOCKET && stamp->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec at;
            memcpy(&at, CMSG_DATA(stamp), sizeof at);
            w->in_ns = at.tv_sec * SECOND + at.tv_nsec;
        }
        f->unused_count--;
        take_frame(f, side, w);
    }
}

/* --- what goes out */

static void note_sent(struct stream *stream, const struct waiting *w, int64_t at_ns)
{
    int64_t delay_ns = at_ns - w->in_ns;
    if (w->is_copy)
        return;
    if (stream->highest_out == 0) {
        stream->first_out_ns = at_ns;
        stream->delay_ns_min = delay_ns;
    }
    if (w->index < stream->highest_out)
        stream->out_of_order++;
    else
        stream->highest_out = w->index;
    stream->last_out_ns = at_ns;
    stream->delay_ns_sum += (double)delay_ns;
    if (delay_ns < stream->delay_ns_min)
        stream->delay_ns_min = delay_ns;
    if (delay_ns > stream->delay_ns_max)
        stream->delay_ns_max = delay_ns;
    if (at_ns - w->due_ns > stream->late_ns_max)
        stream->late_ns_max = at_ns - w->due_ns;
}

/* Sends what is due; returns how long nothing will be, at most a tenth of a second. */
static int64_t send_due(struct forwarder *f)
{
    while (f->heap_count > 0) {
        int64_t at_ns = now_ns(), wait_ns = f->heap[0]->due_ns - at_ns;
        if (wait_ns > 0)
            return wait_ns < SECOND / 10 ? wait_ns : SECOND / 10;
        struct waiting *w = pop(f);
        if (send(f->fd[w->to], w->frame, w->bytes, 0) < 0)
            f->mishaps++;
        else if (w->stream)
            note_sent(w->stream, w, at_ns);
        if (w->is_doubled) { /* so much later than it went out, however late that was */
            w->due_ns = at_ns + w->stream->rule->copy_ns;
            w->is_copy = true;
            w->is_doubled = false;
            push(f, w);
        } else {
            f->unused[f->unused_count++] = w;
        }
    }
    return SECOND / 10;
}

static void forward(struct forwarder *f, int64_t end_ns)
{
    for (;;) {
        int64_t wait_ns = send_due(f);
        const bool is_over = stopped || now_ns() >= end_ns;
        if (is_over && f->heap_count == 0)
            return;
        struct pollfd fds[SIDES] = {{.fd = f->fd[0], .events = POLLIN},
                                    {.fd = f->fd[1], .events = POLLIN}};
        struct timespec wait = {.tv_nsec = (long)wait_ns};
        if (ppoll(fds, is_over ? 0 : SIDES, &wait, NULL) <= 0)
            continue;
        for (unsigned side = 0; side < SIDES; side++)
            if (fds[side].revents & POLLIN)
                receive(f, side);
    }
}

/* --- the account */

static void write_stream(const struct stream *s)
{
    char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
    double sent = s->forwarded ? (double)s->forwarded : 1;
    inet_ntop(s->family, s->src, src, sizeof src);
    inet_ntop(s->family, s->dst, dst, sizeof dst);
    printf("{\"from\": \"%c\", \"src\": {\"ip\": \"%s\", \"port\": %u},"
           " \"dst\": {\"ip\": \"%s\", \"port\": %u}, \"ssrc\": \"0x%08" PRIx32 "\",",
           s->rule->side ? 'b' : 'a', src, s->src_port, dst, s->dst_port, s->ssrc);
    printf(" \"in\": %" PRIu64 ", \"forwarded\": %" PRIu64 ", \"dropped\": %" PRIu64
           ", \"lost\": %" PRIu64 ", \"doubled\": %" PRIu64 ", \"held\": %" PRIu64
           ", \"out_of_order\": %" PRIu64 ",",
           s->in, s->forwarded, s->dropped, s->lost, s->doubled, s->held, s->out_of_order);
    printf(" \"first_out_s\": %.9f, \"last_out_s\": %.9f, \"late_ms_max\": %.3f,"
           " \"delay_ms\": {\"min\": %.3f, \"mean\": %.3f, \"max\": %.3f}}\n",
           (double)s->first_out_ns / 1e9, (double)s->last_out_ns / 1e9,
           (double)s->late_ns_max / 1e6, (double)s->delay_ns_min / 1e6,
           s->delay_ns_sum / sent / 1e6, (double)s->delay_ns_max / 1e6);
}

static void add_kernel_losses(struct forwarder *f)
{
    for (unsigned side = 0; side < SIDES; side++) {
        struct tpacket_stats stats;
        socklen_t size = sizeof stats;
        if (getsockopt(f->fd[side], SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0)
            f->mishaps += stats.tp_drops;
    }
}

/* A raw socket on the device; -1 with errno. */
static int open_device(const char *name)
{
    const struct sockaddr_ll address = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_ALL),
        .sll_ifindex = (int)if_nametoindex(name),
    };
    const int buffer_bytes = BUFFER_BYTES, yes = 1;
    if (address.sll_ifindex == 0)
        return -1;
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes) < 0 ||
        bind(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

/* Before other programs, where that is allowed: it sleeps until something is due. */
static void come_first(void)
{
    const struct sched_param param = {.sched_priority = 10};
    if (sched_setscheduler(0, SCHED_FIFO, &param) < 0)
        fprintf(stderr, "forwarder: no real-time priority: %s\n", strerror(errno));
}

int main(int argc, char **argv)
{
    static struct forwarder f;
    const struct sigaction action = {.sa_handler = stop};
    if (argc < 5 || argc - 5 > RULES_MAX) {
        fputs("usage: forwarder A B SECONDS SEED [RULE]...\n", stderr);
        return 2;
    }
    int64_t end_ns = now_ns() + (int64_t)(strtod(argv[3], NULL) * (double)SECOND);
    f.seed = strtoull(argv[4], NULL, 10);
    for (int i = 5; i < argc; i++) {
        if (!take_rule(&f.rules[f.rule_count++], argv[i])) {
            fprintf(stderr, "forwarder: not a rule, from \"%s\" on\n", argv[i]);
            return 2;
        }
    }
    for (unsigned i = 0; i < WAITING_MAX; i++)
        f.unused[f.unused_count++] = &f.pool[i];
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    for (unsigned side = 0; side < SIDES; side++) {
        f.fd[side] = open_device(argv[1 + side]);
        if (f.fd[side] < 0) {
            fprintf(stderr, "forwarder: %s: %s\n", argv[1 + side], strerror(errno));
            return 2;
        }
    }
    come_first();
    forward(&f, end_ns);

    add_kernel_losses(&f);
    for (unsigned i = 0; i < f.stream_count; i++)
        write_stream(&f.streams[i]);
    printf("{\"straight\": %" PRIu64 ", \"rtcp\": %" PRIu64 ", \"mishaps\": %" PRIu64 "}\n",
           f.straight, f.rtcp, f.mishaps);
    close(f.fd[0]);
    close(f.fd[1]);
    return f.mishaps ? 1 : 0;
}
