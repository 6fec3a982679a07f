/*
 * Does what a switch does that mirrors to a distant analyser: reads each frame that arrives on one
 * device and sends it out of another, wrapped in ERSPAN type II: Ethernet, IPv4, GRE with a
 * sequence number, the ERSPAN header, the frame.
 *
 *     erspan_wrap FROM TO PACKETS SECONDS
 *
 * Ends after so many packets, so many seconds, or SIGINT or SIGTERM, whichever comes first, and
 * then says "N wrapped, N lost, N too long". Exit 0 if nothing was lost or too long, 1 if something
 * was, 2 if it cannot start. Needs CAP_NET_RAW and CAP_NET_ADMIN.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    FRAME_MAX = 9000,
    ETHERNET_BYTES = 14,
    IPV4_BYTES = 20,
    GRE_BYTES = 8, /* with the sequence number */
    ERSPAN_BYTES = 8,
    WRAP_BYTES = ETHERNET_BYTES + IPV4_BYTES + GRE_BYTES + ERSPAN_BYTES,
    PROTOCOL_GRE = 47,
    GRE_HAS_SEQUENCE = 0x1000,
    GRE_ERSPAN_II = 0x88be,
    ERSPAN_SESSION = 7,
    BUFFER_BYTES = 64 << 20,
};

static const uint8_t mac_analyser[6] = {2, 0, 0, 0, 0, 2};
static const uint8_t mac_switch[6] = {2, 0, 0, 0, 0, 1};
static const uint8_t ip_analyser[4] = {203, 0, 113, 2};
static const uint8_t ip_switch[4] = {203, 0, 113, 1};

struct counts {
    uint64_t wrapped, lost, too_long;
};

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
    (void)signal_number;
    stopped = 1;
}

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static unsigned ipv4_checksum(const uint8_t *header)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < IPV4_BYTES; i += 2)
        sum += (uint32_t)header[i] << 8 | header[i + 1];
    while (sum > 0xffff)
        sum = (sum >> 16) + (sum & 0xffff);
    return ~sum & 0xffff;
}

/* Writes WRAP_BYTES before a frame of that length. */
static void wrap(uint8_t *at, size_t frame_bytes, uint32_t sequence)
{
    memset(at, 0, WRAP_BYTES);
    memcpy(at, mac_analyser, sizeof mac_analyser);
    memcpy(at + 6, mac_switch, sizeof mac_switch);
    put16(at + 12, ETH_P_IP);

    uint8_t *ip = at + ETHERNET_BYTES;
    ip[0] = 0x45;
    put16(ip + 2, (unsigned)(frame_bytes + WRAP_BYTES - ETHERNET_BYTES));
    put16(ip + 4, sequence & 0xffff);
    ip[8] = 64;
    ip[9] = PROTOCOL_GRE;
    memcpy(ip + 12, ip_switch, sizeof ip_switch);
    memcpy(ip + 16, ip_analyser, sizeof ip_analyser);
    put16(ip + 10, ipv4_checksum(ip));

    uint8_t *gre = ip + IPV4_BYTES;
    put16(gre, GRE_HAS_SEQUENCE);
    put16(gre + 2, GRE_ERSPAN_II);
    put32(gre + 4, sequence);

    uint8_t *erspan = gre + GRE_BYTES;
    put16(erspan, 1 << 12); /* version 1 is type II; VLAN 0 */
    put16(erspan + 2, ERSPAN_SESSION);
}

/* A raw socket on the device; -1 with errno. Protocol 0: for sending only. */
static int open_device(const char *name, unsigned protocol)
{
    const struct sockaddr_ll address = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons((uint16_t)protocol),
        .sll_ifindex = (int)if_nametoindex(name),
    };
    const int buffer_bytes = BUFFER_BYTES;
    if (address.sll_ifindex == 0)
        return -1;
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, protocol ? SO_RCVBUFFORCE : SO_SNDBUFFORCE, &buffer_bytes,
                   sizeof buffer_bytes) < 0 ||
        bind(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Takes what is waiting. */
static void forward(int from, int to, uint64_t packets_max, struct counts *counts)
{
    static uint8_t buffer[WRAP_BYTES + FRAME_MAX];
    while (counts->wrapped < packets_max) {
        struct sockaddr_ll sender;
        socklen_t sender_size = sizeof sender;
        ssize_t size = recvfrom(from, buffer + WRAP_BYTES, FRAME_MAX, MSG_DONTWAIT | MSG_TRUNC,
                                (struct sockaddr *)&sender, &sender_size);
        if (size < 0)
            return;
        if (sender.sll_pkttype == PACKET_OUTGOING)
            continue;
        if (size > FRAME_MAX) {
            counts->too_long++;
            continue;
        }
        wrap(buffer, (size_t)size, (uint32_t)counts->wrapped);
        if (send(to, buffer, WRAP_BYTES + (size_t)size, 0) < 0)
            counts->lost++;
        else
            counts->wrapped++;
    }
}

static void add_kernel_losses(int from, struct counts *counts)
{
    struct tpacket_stats stats;
    socklen_t size = sizeof stats;
    if (getsockopt(from, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0)
        counts->lost += stats.tp_drops;
}

int main(int argc, char **argv)
{
    const struct sigaction action = {.sa_handler = stop};
    if (argc != 5) {
        fputs("usage: erspan_wrap FROM TO PACKETS SECONDS\n", stderr);
        return 2;
    }
    uint64_t packets_max = strtoull(argv[3], NULL, 10);
    double end = seconds_now() + strtod(argv[4], NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    int from = open_device(argv[1], ETH_P_ALL);
    if (from < 0) {
        fprintf(stderr, "erspan_wrap: %s: %s\n", argv[1], strerror(errno));
        return 2;
    }
    int to = open_device(argv[2], 0);
    if (to < 0) {
        fprintf(stderr, "erspan_wrap: %s: %s\n", argv[2], strerror(errno));
        close(from);
        return 2;
    }

    struct counts counts = {0};
    while (!stopped && counts.wrapped < packets_max && seconds_now() < end) {
        struct pollfd waiting = {.fd = from, .events = POLLIN};
        if (poll(&waiting, 1, 200) > 0)
            forward(from, to, packets_max, &counts);
    }
    add_kernel_losses(from, &counts);
    printf("%" PRIu64 " wrapped, %" PRIu64 " lost, %" PRIu64 " too long\n", counts.wrapped,
           counts.lost, counts.too_long);
    close(from);
    close(to);
    return counts.lost || counts.too_long ? 1 : 0;
}
