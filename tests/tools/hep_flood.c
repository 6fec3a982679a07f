/*
 * hep_flood: sends calls as HEP, at a rate, for measuring who takes them.
 *
 * usage: hep_flood udp|tcp PORT MESSAGES RATE      (to 127.0.0.1; a rate of 0: as fast as it goes)
 *
 * Each call has four messages, INVITE, 200, BYE and 200, among 512 pairs of hosts. Prints how many
 * were sent, and in what time.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "hep/hep_message.h"

enum { BATCH = 32, PAIRS = 512, ROOM = 2048 };

static int64_t monotonic_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static size_t make_text(uint64_t call, unsigned step, char text[static ROOM])
{
    bool is_response = step % 2 == 1;
    const char *method = step < 2 ? "INVITE" : "BYE";
    int len = snprintf(
        text, ROOM,
        "%s%s\r\nVia: SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bK%" PRIu64 "%s\r\n"
        "From: \"Alice\" <sip:alice@example.com>;tag=a%" PRIu64 "\r\n"
        "To: <sip:bob@example.net>%s\r\nCall-ID: %" PRIu64 "@192.0.2.1\r\nCSeq: %d %s\r\n"
        "Contact: <sip:alice@192.0.2.1:5061;transport=tls>\r\nUser-Agent: a flood for tests\r\n"
        "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY\r\nMax-Forwards: 70\r\n"
        "Content-Length: 0\r\n\r\n",
        is_response ? "SIP/2.0 200 OK" : method,
        is_response ? "" : " sip:bob@198.51.100.1:5061;transport=tls SIP/2.0", call, method, call,
        step > 0 ? ";tag=b" : "", call, step < 2 ? 1 : 2, method);
    return (size_t)len;
}

static size_t make_message(uint64_t number, uint8_t out[static ROOM])
{
    char text[ROOM];
    /* Calls of a group go side by side, as they do on a proxy. */
    const uint64_t in_group = UINT64_C(4) * PAIRS;
    uint64_t group = number / in_group, within = number % in_group;
    unsigned step = (unsigned)(within / PAIRS), pair = (unsigned)(within % PAIRS);
    struct endpoint alice = {ip_from_v4((const uint8_t[4]){192, 0, 2, (uint8_t)(pair % 250)}),
                             5061};
    struct endpoint bob = {ip_from_v4((const uint8_t[4]){198, 51, 100, (uint8_t)(pair / 250)}),
                           5061};
    struct hep_message message = {
        .src = step % 2 == 0 ? alice : bob,
        .dst = step % 2 == 0 ? bob : alice,
        .ip_protocol = HEP_PROTOCOL_TLS,
        .payload_type = HEP_PAYLOAD_SIP,
        .time_ns = 1000000000,
        .payload = {text, make_text(group * PAIRS + pair, step, text)},
    };
    return hep_write(&message, out, ROOM);
}

static void wait_until(int64_t at_ns)
{
    int64_t left_ns = at_ns - monotonic_ns();
    if (left_ns > 0)
        nanosleep(
            &(struct timespec){.tv_sec = left_ns / 1000000000, .tv_nsec = left_ns % 1000000000},
            NULL);
}

static bool send_all(int fd, const uint8_t *octets, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, octets, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        octets += sent;
        len -= (size_t)sent;
    }
    return true;
}

static uint64_t flood(int fd, bool is_stream, uint64_t messages, uint64_t rate)
{
    static uint8_t octets[BATCH * ROOM];
    struct iovec iov[BATCH];
    struct mmsghdr headers[BATCH] = {0};
    int64_t began_ns = monotonic_ns();
    for (uint64_t number = 0; number < messages;) {
        unsigned count = 0;
        size_t len = 0;
        for (; count < BATCH && number < messages; count++, number++) {
            size_t one = make_message(number, octets + len);
            iov[count] = (struct iovec){octets + len, one};
            headers[count].msg_hdr = (struct msghdr){.msg_iov = &iov[count], .msg_iovlen = 1};
            len += one;
        }
        if (rate > 0)
            wait_until(began_ns + (int64_t)(number * 1000000000 / rate));
        if (is_stream ? !send_all(fd, octets, len) : sendmmsg(fd, headers, count, 0) != (int)count)
            return number - count;
    }
    return messages;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fputs("usage: hep_flood udp|tcp PORT MESSAGES RATE\n", stderr);
        return 2;
    }
    bool is_stream = strcmp(argv[1], "tcp") == 0;
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, (is_stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        perror("hep_flood");
        return 1;
    }
    int64_t began_ns = monotonic_ns();
    uint64_t sent = flood(fd, is_stream, strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
    double seconds = (double)(monotonic_ns() - began_ns) / 1e9;
    printf("%" PRIu64 " messages in %.3f s, %.0f a second\n", sent, seconds,
           (double)sent / seconds);
    close(fd);
    return 0;
}
