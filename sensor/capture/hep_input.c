#include "capture/hep_input.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "capture/capture_backend.h"
#include "capture/hep_connections.h"
#include "net/socket_address.h"

enum {
    LISTEN_BACKLOG = 64,
    /* Some tens of milliseconds of 100,000 messages a second. */
    SOCKET_BUFFER_BYTES = 16 << 20,
    READY_MAX = 32,
    /* What epoll knows the sockets by. */
    ID_DATAGRAMS = 0,
    ID_LISTENERS = HEP_ADDRESSES_MAX,
    ID_CONNECTIONS = 2 * HEP_ADDRESSES_MAX,
};

#define ACCEPT_PAUSE_NS INT64_C(1000000000)

struct hep_address {
    int datagrams, listener; /* sockets; -1: none */
    int64_t paused_until_ns; /* no connection can be accepted before; 0: they can */
    bool is_told;            /* that none can */
    uint16_t port;
    uint16_t interface;
    uint32_t dropped; /* datagrams, as the kernel counts them */
};

struct hep_input {
    int epoll_fd;
    char *key;
    struct capture_stats *stats;
    struct hep_address address[HEP_ADDRESSES_MAX];
    unsigned count;
    unsigned next;                    /* whose datagrams are read first */
    uint8_t (*datagram)[HEP_LEN_MAX]; /* PACKET_BATCH_MAX */
    struct hep_arrivals arrivals;
    struct hep_connections connections;
};

static const char *advice_for(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "; another program listens there: choose another port";
    case EADDRNOTAVAIL:
        return "; this host has no such address: choose one of its own, or 0.0.0.0";
    case EACCES:
    case EPERM:
        return "; ports under 1024 are for root: choose another port";
    default:
        return "";
    }
}

/* A socket of the type, bound; or -errno. */
static int open_socket(const struct endpoint *at, int type, struct endpoint *bound)
{
    union socket_address address;
    socklen_t len = socket_address_of(at, &address);
    int fd = socket(address.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1, bytes = SOCKET_BUFFER_BYTES;
    if (fd < 0)
        return -errno;
    /* As far as this process may: more than the system's limit is for root. */
    if (type == SOCK_DGRAM && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes))
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    /* Of a stream: else a restart would wait for the last connections' TIME_WAIT. Of datagrams it
     * would let two programs share the port. */
    if ((type == SOCK_STREAM && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) ||
        (at->ip.version == 6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0) ||
        bind(fd, &address.any, len) < 0 ||
        (type == SOCK_STREAM && listen(fd, LISTEN_BACKLOG) < 0) ||
        getsockname(fd, &address.any, &len) < 0) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    hep_arrivals_want_stamps(fd);
    *bound = socket_address_endpoint(&address);
    return fd;
}

static int watch(const struct hep_input *input, int fd, uint32_t id)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = id};
    return epoll_ctl(input->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

/* Both, on one port, also where that was left to the system. */
static int open_sockets(struct hep_input *input, const struct endpoint *at)
{
    unsigned index = input->count++;
    struct hep_address *address = &input->address[index];
    struct endpoint bound = {0};
    address->listener = -1;
    address->datagrams = open_socket(at, SOCK_DGRAM, &bound);
    if (address->datagrams < 0)
        return address->datagrams;
    address->port = bound.port;
    address->listener = open_socket(&bound, SOCK_STREAM, &bound);
    if (address->listener < 0)
        return address->listener;
    int rc = watch(input, address->datagrams, ID_DATAGRAMS + index);
    return rc != 0 ? rc : watch(input, address->listener, ID_LISTENERS + index);
}

/* Whose senders are all on this machine. */
static bool is_loopback(const struct ip_addr *ip)
{
    static const struct ip_net v4 = {{.octets = {127}, .version = 4}, 8},
                               v6 = {{.octets = {[15] = 1}, .version = 6}, 128};
    return ip_net_contains(&v4, ip) || ip_net_contains(&v6, ip);
}

static int open_address(struct hep_input *input, const char *text, size_t interface,
                        struct capture_error *error)
{
    struct endpoint at = {0};
    if (!endpoint_parse(slice_str(text), &at)) {
        capture_error_set(error, 2,
                          "cannot listen for HEP on \"%.100s\": not ADDR:PORT; give an address and "
                          "a port, as in 0.0.0.0:%d or [::]:%d",
                          text, HEP_PORT, HEP_PORT);
        return -1;
    }
    int rc = open_sockets(input, &at);
    input->address[input->count - 1].interface = (uint16_t)interface;
    if (rc == 0 && !input->key && !is_loopback(&at.ip))
        log_warning("HEP: anybody who can reach %s can make calls up: set hep_key, or listen on "
                    "127.0.0.1 and let a tunnel end there",
                    text);
    if (rc == 0)
        return 0;
    capture_error_set(error, 2, "cannot listen for HEP on %s: %s%s", text, strerror(-rc),
                      advice_for(-rc));
    return -1;
}

static struct hep_input *create(const struct capture_live_params *params,
                                struct capture_stats *stats)
{
    struct hep_input *input = calloc(1, sizeof *input);
    if (!input)
        return NULL;
    struct hep_arrivals *arrivals = &input->arrivals;
    input->stats = stats;
    input->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int rc =
        hep_connections_init(&input->connections, input->epoll_fd, ID_CONNECTIONS, &stats->hep);
    /* Not touched before they are needed. */
    input->datagram = malloc(sizeof *input->datagram * PACKET_BATCH_MAX);
    arrivals->inflated = malloc(sizeof *arrivals->inflated * PACKET_BATCH_MAX);
    arrivals->gate.inflate = hep_inflate_create();
    arrivals->gate.stats = &stats->hep;
    if (params->hep_key && params->hep_key[0] != '\0') {
        input->key = strdup(params->hep_key);
        arrivals->gate.key = slice_str(input->key);
        rc = input->key ? rc : -ENOMEM;
    }
    if (rc == 0 && input->epoll_fd >= 0 && input->datagram && arrivals->inflated &&
        arrivals->gate.inflate)
        return input;
    hep_input_close(input);
    return NULL;
}

struct hep_input *hep_input_open(const struct capture_live_params *params,
                                 struct capture_stats *stats, struct capture_error *error)
{
    if (params->hep_count > HEP_ADDRESSES_MAX) {
        capture_error_set(error, 2, "%zu addresses for HEP are named, where %d can be listened on",
                          params->hep_count, HEP_ADDRESSES_MAX);
        return NULL;
    }
    struct hep_input *input = create(params, stats);
    if (!input) {
        capture_error_set(error, 1, "cannot listen for HEP: out of memory or descriptors");
        return NULL;
    }
    for (size_t i = 0; i < params->hep_count; i++)
        if (open_address(input, params->hep[i], params->device_count + i, error) != 0) {
            hep_input_close(input);
            return NULL;
        }
    return input;
}

void hep_input_close(struct hep_input *input)
{
    if (!input)
        return;
    hep_connections_fini(&input->connections);
    for (unsigned i = 0; i < input->count; i++) {
        if (input->address[i].datagrams >= 0)
            close(input->address[i].datagrams);
        if (input->address[i].listener >= 0)
            close(input->address[i].listener);
    }
    if (input->epoll_fd >= 0)
        close(input->epoll_fd);
    hep_inflate_destroy(input->arrivals.gate.inflate);
    free(input->arrivals.inflated);
    free(input->datagram);
    free(input->key);
    free(input);
}

/* As many datagrams as there is room for, with one call. */
static void read_datagrams(struct hep_input *input, const struct hep_address *address)
{
    struct hep_arrivals *arrivals = &input->arrivals;
    unsigned room = PACKET_BATCH_MAX - arrivals->count;
    struct mmsghdr message[PACKET_BATCH_MAX];
    struct iovec octets[PACKET_BATCH_MAX];
    union socket_address from[PACKET_BATCH_MAX];
    _Alignas(struct cmsghdr) char control[PACKET_BATCH_MAX][HEP_CONTROL_MAX];
    for (unsigned i = 0; i < room; i++) {
        octets[i] = (struct iovec){input->datagram[arrivals->count + i], HEP_LEN_MAX};
        message[i].msg_hdr = (struct msghdr){
            .msg_name = &from[i],
            .msg_namelen = sizeof from[i],
            .msg_iov = &octets[i],
            .msg_iovlen = 1,
            .msg_control = control[i],
            .msg_controllen = HEP_CONTROL_MAX,
        };
    }
    int got = recvmmsg(address->datagrams, message, room, MSG_DONTWAIT, NULL);
    for (unsigned i = 0; got > 0 && i < (unsigned)got && i < room; i++) {
        struct endpoint peer = socket_address_endpoint(&from[i]);
        (void)hep_arrivals_add(arrivals, &peer, address->interface,
                               hep_arrivals_stamp(&message[i].msg_hdr),
                               slice_of((const char *)octets[i].iov_base, message[i].msg_len));
    }
}

static void watch_listener(const struct hep_input *input, unsigned index, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u32 = ID_LISTENERS + index};
    (void)epoll_ctl(input->epoll_fd, EPOLL_CTL_MOD, input->address[index].listener, &event);
}

/* Where there are no descriptors left, who waits to be accepted would keep the thread awake without
 * end: it looks at other things for a while. */
static void accept_from(struct hep_input *input, unsigned index, int64_t now_ns)
{
    struct hep_address *address = &input->address[index];
    int rc =
        hep_connections_accept(&input->connections, address->listener, address->interface, now_ns);
    if (rc != 0 && !address->is_told)
        log_warning("HEP: no connection can be accepted: %s; tried again until one can",
                    strerror(-rc));
    address->is_told = rc != 0;
    if (rc == 0)
        return;
    address->paused_until_ns = now_ns + ACCEPT_PAUSE_NS;
    watch_listener(input, index, 0);
}

static void end_pauses(struct hep_input *input, int64_t now_ns)
{
    for (unsigned i = 0; i < input->count; i++) {
        struct hep_address *address = &input->address[i];
        if (address->paused_until_ns == 0 || now_ns < address->paused_until_ns)
            continue;
        address->paused_until_ns = 0;
        watch_listener(input, i, EPOLLIN);
    }
}

/* Nothing that was received before is in use any more. */
static void receive(struct hep_input *input, int64_t now_ns)
{
    struct epoll_event ready[READY_MAX];
    bool has_datagrams[HEP_ADDRESSES_MAX] = {false}, has_callers[HEP_ADDRESSES_MAX] = {false};
    struct hep_arrivals *arrivals = &input->arrivals;
    arrivals->first = arrivals->count = 0;
    end_pauses(input, now_ns);
    int count = epoll_wait(input->epoll_fd, ready, READY_MAX, 0);
    hep_connections_drop_idle(&input->connections, now_ns);
    for (int i = 0; i < count; i++) {
        uint32_t id = ready[i].data.u32;
        if (id >= ID_CONNECTIONS)
            hep_connections_is_readable(&input->connections, id);
        else if (id >= ID_LISTENERS)
            has_callers[id - ID_LISTENERS] = true;
        else
            has_datagrams[id - ID_DATAGRAMS] = true;
    }
    /* Streams first: what waits in them is bounded, and none of it is lost. */
    hep_connections_read(&input->connections, arrivals, now_ns);
    for (unsigned i = 0; i < HEP_ADDRESSES_MAX && !hep_arrivals_is_full(arrivals); i++) {
        unsigned at = (input->next + i) % HEP_ADDRESSES_MAX;
        if (has_datagrams[at])
            read_datagrams(input, &input->address[at]);
    }
    input->next = (input->next + 1) % HEP_ADDRESSES_MAX;
    /* Last: by now it is known of those that are there who is one of ours. */
    for (unsigned i = 0; i < input->count; i++)
        if (has_callers[i])
            accept_from(input, i, now_ns);
    hep_arrivals_sort(arrivals);
}

static int64_t wall_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* A stamp from the future is from before the clock was set: waiting for it would be in vain. */
static bool is_due(const struct packet *packet, int64_t until_ns)
{
    return packet->time_ns <= until_ns || packet->time_ns > wall_ns();
}

void hep_input_read(struct hep_input *input, struct packet_batch *batch, unsigned room,
                    int64_t until_ns, int64_t now_ns)
{
    struct hep_arrivals *arrivals = &input->arrivals;
    if (arrivals->first == arrivals->count)
        receive(input, now_ns);
    for (; room > 0 && arrivals->first < arrivals->count && batch->count < PACKET_BATCH_MAX;
         room--) {
        const struct packet *packet = &arrivals->packet[arrivals->first];
        if (!is_due(packet, until_ns))
            return;
        batch->packet[batch->count++] = *packet;
        arrivals->first++;
    }
}

int hep_input_fd(const struct hep_input *input)
{
    return input->arrivals.first < input->arrivals.count ? -1 : input->epoll_fd;
}

void hep_input_update_stats(struct hep_input *input)
{
    for (unsigned i = 0; i < input->count; i++) {
        struct hep_address *address = &input->address[i];
        uint32_t info[SK_MEMINFO_VARS] = {0};
        socklen_t len = sizeof info;
        if (getsockopt(address->datagrams, SOL_SOCKET, SO_MEMINFO, info, &len) != 0)
            continue;
        uint32_t dropped = info[SK_MEMINFO_DROPS];
        input->stats->dropped_kernel += dropped - address->dropped; /* modulo 2^32 */
        address->dropped = dropped;
    }
}

uint16_t hep_input_port(const struct hep_input *input, unsigned address)
{
    return input->address[address].port;
}
