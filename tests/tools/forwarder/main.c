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
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "stream.h"

#define SECOND INT64_C(1000000000)

enum {
    SIDES = 2,
    RULES_MAX = 32,
    STREAMS_MAX = 256,
    WAITING_MAX = 8192,
    FRAME_MAX = 2048,
    BUFFER_BYTES = 16 << 20,
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

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

/* --- what waits: what is due first stands first in the heap */

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

/* --- what comes in */

static const struct rule *rule_for(const struct forwarder *f, unsigned side, const struct udp *udp)
{
    for (const struct rule *rule = f->rules; rule < f->rules + f->rule_count; rule++)
        if (rule->side == side && udp->dst_port >= rule->port_low &&
            udp->dst_port <= rule->port_high)
            return rule;
    return NULL;
}

/* NULL: there are too many. */
static struct stream *stream_for(struct forwarder *f, const struct rule *rule,
                                 const struct udp *udp)
{
    struct stream *stream = f->streams;
    for (; stream < f->streams + f->stream_count; stream++)
        if (stream_has(stream, rule, udp))
            return stream;
    if (f->stream_count == STREAMS_MAX)
        return NULL;
    f->stream_count++;
    stream_begin(stream, rule, udp, f->seed);
    return stream;
}

static void take_frame(struct forwarder *f, unsigned side, struct waiting *w)
{
    struct udp udp;
    const struct rule *rule = udp_read(w->frame, w->bytes, &udp) ? rule_for(f, side, &udp) : NULL;
    w->to = 1 - side;
    w->due_ns = w->in_ns;
    w->stream = NULL;
    w->is_copy = w->is_doubled = false;
    if (!rule) {
        f->straight++;
    } else if (udp_is_rtcp(&udp)) {
        f->rtcp++;
        w->due_ns += rule->delay_ns;
    } else {
        w->stream = stream_for(f, rule, &udp);
        if (!w->stream) {
            f->mishaps++;
            discard(f, w);
            return;
        }
        w->due_ns = stream_decide(w->stream, w->in_ns);
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
        else if (w->stream && !w->is_copy)
            stream_note_sent(w->stream, w->index, w->in_ns, w->due_ns, at_ns);
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
        if (!rule_read(&f.rules[f.rule_count++], argv[i])) {
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
        stream_write(&f.streams[i]);
    printf("{\"straight\": %" PRIu64 ", \"rtcp\": %" PRIu64 ", \"mishaps\": %" PRIu64 "}\n",
           f.straight, f.rtcp, f.mishaps);
    close(f.fd[0]);
    close(f.fd[1]);
    return f.mishaps ? 1 : 0;
}
