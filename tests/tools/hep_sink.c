/*
 * hep_sink: takes HEP messages and counts them, for measuring who sends them.
 *
 * usage: hep_sink udp|tcp SECONDS      (on 127.0.0.1; ends after so many seconds without a message)
 *
 * Prints its port, and at the end the messages that came whole, and in what time from the first to
 * the last of them.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "hep/hep_message.h"

enum { BATCH = 64, ROOM = 65536, STREAM_ROOM = 1 << 20, BUFFER_BYTES = 32 << 20 };

struct tally {
    uint64_t messages;
    int64_t first_ns, last_ns;
};

static int64_t monotonic_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void note(struct tally *tally, uint64_t messages)
{
    if (messages == 0)
        return;
    tally->last_ns = monotonic_ns();
    if (tally->messages == 0)
        tally->first_ns = tally->last_ns;
    tally->messages += messages;
}

/* False: it is over. */
static bool wait_for(int fd, int timeout_ms)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLIN};
    return poll(&pollfd, 1, timeout_ms) > 0;
}

static void take_datagrams(int fd, int timeout_ms, struct tally *tally)
{
    static uint8_t octets[BATCH][ROOM];
    struct iovec part[BATCH];
    struct mmsghdr header[BATCH];
    while (wait_for(fd, timeout_ms)) {
        for (unsigned i = 0; i < BATCH; i++) {
            part[i] = (struct iovec){octets[i], ROOM};
            header[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &part[i], .msg_iovlen = 1}};
        }
        int count = recvmmsg(fd, header, BATCH, MSG_DONTWAIT, NULL);
        uint64_t whole = 0;
        for (int i = 0; i < count; i++) {
            size_t len;
            struct slice message = slice_of((const char *)octets[i], header[i].msg_len);
            whole += hep_frame(message, &len) == HEP_WHOLE && len == message.len;
        }
        note(tally, whole);
    }
}

/* How much of the octets is whole messages. */
static size_t count_messages(struct slice octets, uint64_t *messages)
{
    size_t at = 0, len;
    while (hep_frame(slice_skip(octets, at), &len) == HEP_WHOLE && len <= octets.len - at) {
        at += len;
        (*messages)++;
    }
    return at;
}

static void take_stream(int fd, int timeout_ms, struct tally *tally)
{
    static char octets[STREAM_ROOM];
    size_t held = 0;
    while (wait_for(fd, timeout_ms)) {
        ssize_t got = recv(fd, octets + held, sizeof octets - held, 0);
        if (got <= 0)
            return;
        held += (size_t)got;
        uint64_t whole = 0;
        size_t done = count_messages(slice_of(octets, held), &whole);
        memmove(octets, octets + done, held - done);
        held -= done;
        note(tally, whole);
    }
}

static int open_socket(bool is_stream, uint16_t *port)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof own;
    int fd = socket(AF_INET, (is_stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
    const int bytes = BUFFER_BYTES;
    if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof own) != 0 ||
        (is_stream && listen(fd, 1) != 0) || getsockname(fd, (struct sockaddr *)&own, &len) != 0)
        return -1;
    /* As root; who is not has what the system allows. */
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
    *port = ntohs(own.sin_port);
    return fd;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: hep_sink udp|tcp SECONDS\n", stderr);
        return 2;
    }
    bool is_stream = strcmp(argv[1], "tcp") == 0;
    int timeout_ms = (int)strtoul(argv[2], NULL, 10) * 1000;
    uint16_t port;
    struct tally tally = {0};
    int fd = open_socket(is_stream, &port);
    if (fd < 0) {
        perror("hep_sink");
        return 1;
    }
    printf("%u\n", port);
    fflush(stdout);
    if (!is_stream) {
        take_datagrams(fd, timeout_ms, &tally);
    } else if (wait_for(fd, timeout_ms)) {
        int stream = accept(fd, NULL, NULL);
        take_stream(stream, timeout_ms, &tally);
        close(stream);
    }
    printf("%" PRIu64 " messages in %.3f s\n", tally.messages,
           (double)(tally.last_ns - tally.first_ns) / 1e9);
    close(fd);
    return 0;
}
