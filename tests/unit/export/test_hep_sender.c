/* HEP on its way out: to servers of this test's own, that read, do not read, go away, come back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "export/hep_sender.h"

enum { WAIT_MS = 20000, SMALL = 700, LARGE = 60000 };

static int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void pause_ms(int ms)
{
    poll(NULL, 0, ms);
}

/* --- servers */

static uint16_t port_of(int fd)
{
    struct sockaddr_in at;
    socklen_t len = sizeof at;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    return ntohs(at.sin_port);
}

/* On this port of the loopback, or any (0). */
static int server_of(int type, uint16_t port, int buffer)
{
    const int on = 1;
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, 4), 0);
    return fd;
}

static bool is_readable(int fd, int timeout_ms)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLIN};
    return poll(&pollfd, 1, timeout_ms) == 1;
}

static int accepted(int fd)
{
    assert_true(is_readable(fd, WAIT_MS));
    int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    assert_true(connection >= 0);
    return connection;
}

/* --- messages, each with its number */

static struct hep_sender *sender_to(const char *to, const char *ca, size_t bytes, bool is_patient)
{
    char error[256] = "";
    const struct hep_sender_params params = {.to = to,
                                             .key = "secret",
                                             .node = "edge-1",
                                             .ca_file = ca,
                                             .capture_id = 7,
                                             .outbox_bytes = bytes,
                                             .is_patient = is_patient};
    struct hep_sender *sender = hep_sender_start(&params, error, sizeof error);
    if (!sender)
        fail_msg("%s", error);
    return sender;
}

static const char *address_of(const char *transport, uint16_t port)
{
    static char text[64];
    snprintf(text, sizeof text, "%s:127.0.0.1:%u", transport, port);
    return text;
}

static void put(struct hep_sender *sender, unsigned number, size_t len)
{
    static char payload[LARGE + 1];
    struct hep_message message = {.ip_protocol = HEP_PROTOCOL_UDP,
                                  .payload_type = HEP_PAYLOAD_SIP,
                                  .time_ns = INT64_C(1700000000000000000),
                                  .payload = slice_of(payload, len)};
    ip_parse(SLICE("192.0.2.1"), &message.src.ip);
    ip_parse(SLICE("198.51.100.1"), &message.dst.ip);
    memset(payload, 'x', len);
    payload[snprintf(payload, 32, "%010u", number)] = ' ';
    hep_sender_put(sender, &message);
}

/* Its number; it must be whole, and say who sent it. */
static unsigned number_of(const void *octets, size_t len, size_t payload)
{
    struct hep_message message;
    assert_int_equal(hep_read(slice_of(octets, len), &message), HEP_WHOLE);
    assert_int_equal(message.payload.len, payload);
    assert_int_equal(message.capture_id, 7);
    assert_true(slice_eq(message.key, SLICE("secret")));
    assert_true(slice_eq(message.node, SLICE("edge-1")));
    return (unsigned)strtoul(message.payload.at, NULL, 10);
}

/* What a stream brings. */
struct reader {
    int fd;
    size_t payload;
    char octets[1 << 17];
    size_t len;
    unsigned messages, last;
};

static void take_messages(struct reader *r)
{
    size_t at = 0, len = 0;
    while (r->len - at >= HEP_HEADER_LEN) {
        assert_int_equal(hep_frame(slice_of(r->octets + at, r->len - at), &len), HEP_WHOLE);
        if (len > r->len - at)
            break;
        unsigned number = number_of(r->octets + at, len, r->payload);
        assert_true(r->messages == 0 || number > r->last); /* in order, none twice */
        r->last = number;
        r->messages++;
        at += len;
    }
    memmove(r->octets, r->octets + at, r->len - at);
    r->len -= at;
}

/* Until there are that many, or the other end closes it: false. */
static bool read_messages(struct reader *r, unsigned messages)
{
    while (r->messages < messages) {
        if (!is_readable(r->fd, WAIT_MS))
            fail_msg("%u messages of %u came", r->messages, messages);
        ssize_t n = recv(r->fd, r->octets + r->len, sizeof r->octets - r->len, 0);
        if (n <= 0)
            return false;
        r->len += (size_t)n;
        take_messages(r);
    }
    return true;
}

static struct hep_sender_stats stats_of(const struct hep_sender *sender)
{
    struct hep_sender_stats stats;
    hep_sender_stats(sender, &stats);
    return stats;
}

#define WAIT_UNTIL(condition)                                                                      \
    do {                                                                                           \
        int64_t end_ = now_ms() + WAIT_MS;                                                         \
        while (!(condition) && now_ms() < end_)                                                    \
            pause_ms(5);                                                                           \
        assert_true(condition);                                                                    \
    } while (0)

/* --- tests */

static void test_places(void **state)
{
    static const char *const good[] = {
        "127.0.0.1", "udp:127.0.0.1:9060", "TCP:localhost",   "tcp:[::1]:9060", "::1",
        "[::1]",     "tcp:2001:db8::1",    "tls:127.0.0.1:1", "127.0.0.1:65535"};
    static const char *const bad[] = {
        "",          "udp:", "udp::9060", "host:",    "host:0",      "host:65536", "host:x",
        "tls:a:1:2", "[::1", "[::1]x:1",  "[host]:1", "http://host", "host name:1"};
    char error[256];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        hep_sender_stop(sender_to(good[i], NULL, 0, false), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        error[0] = 0;
        const struct hep_sender_params params = {.to = bad[i]};
        if (hep_sender_start(&params, error, sizeof error))
            fail_msg("%s is taken", bad[i]);
        assert_non_null(strstr(error, "udp:HOST:PORT"));
    }
    const struct hep_sender_params params = {.to = "tls:localhost", .ca_file = "/nonexistent"};
    assert_null(hep_sender_start(&params, error, sizeof error));
    assert_non_null(strstr(error, "/nonexistent"));
    hep_sender_stop(NULL, 0);
}

static void test_udp(void **state)
{
    enum { COUNT = 2000 };
    char octets[2048];
    (void)state;
    int server = server_of(SOCK_DGRAM, 0, 1 << 22);
    struct hep_sender *sender = sender_to(address_of("udp", port_of(server)), NULL, 1 << 22, false);
    for (unsigned i = 0; i < COUNT; i++) {
        put(sender, i, SMALL);
        while (i % 50 == 49 && stats_of(sender).sent <= i) /* the server's buffer is small */
            pause_ms(1);
        for (unsigned at = i - 49; i % 50 == 49 && at <= i; at++) {
            assert_true(is_readable(server, WAIT_MS));
            ssize_t n = recv(server, octets, sizeof octets, 0);
            assert_int_equal(number_of(octets, (size_t)n, SMALL), at);
        }
    }
    struct hep_sender_stats stats = stats_of(sender);
    assert_true(stats.is_up);
    assert_int_equal(stats.sent, COUNT);
    assert_int_equal(stats.dropped, 0);
    assert_int_equal(stats.errors, 0);
    assert_int_equal(stats.connects, 1);
    assert_int_equal(stats.queued_bytes, 0);
    /* At the end what is there goes out; what no datagram holds does not. */
    put(sender, COUNT, SMALL);
    hep_sender_stop(sender, 1000);
    assert_true(is_readable(server, WAIT_MS));
    ssize_t n = recv(server, octets, sizeof octets, 0);
    assert_int_equal(number_of(octets, (size_t)n, SMALL), COUNT);
    assert_false(is_readable(server, 0));
    close(server);
}

static void test_udp_refused(void **state)
{
    char octets[2048];
    unsigned number = 0;
    (void)state;
    int server = server_of(SOCK_DGRAM, 0, 1 << 16);
    uint16_t port = port_of(server);
    const char *to = address_of("udp", port);
    close(server);
    struct hep_sender *sender = sender_to(to, NULL, 0, false);
    int64_t end = now_ms() + WAIT_MS;
    while ((stats_of(sender).errors < 3 || stats_of(sender).is_up) && now_ms() < end) {
        put(sender, number++, SMALL);
        pause_ms(20);
    }
    assert_true(stats_of(sender).errors >= 3);
    assert_false(stats_of(sender).is_up);
    server = server_of(SOCK_DGRAM, port, 1 << 20);
    while (!stats_of(sender).is_up && now_ms() < end) {
        put(sender, number++, SMALL);
        pause_ms(20);
    }
    assert_true(stats_of(sender).is_up);
    assert_true(is_readable(server, WAIT_MS));
    assert_true(recv(server, octets, sizeof octets, 0) > SMALL);
    hep_sender_stop(sender, 1000);
    close(server);
}

static void test_tcp(void **state)
{
    enum { COUNT = 20000 };
    static struct reader reader;
    (void)state;
    int server = server_of(SOCK_STREAM, 0, 1 << 20);
    struct hep_sender *sender = sender_to(address_of("tcp", port_of(server)), NULL, 1 << 25, false);
    for (unsigned i = 1; i <= COUNT; i++)
        put(sender, i, SMALL);
    reader = (struct reader){.fd = accepted(server), .payload = SMALL};
    assert_true(read_messages(&reader, COUNT));
    assert_int_equal(reader.last, COUNT);
    /* One alone, into the silence. */
    pause_ms(50);
    put(sender, COUNT + 1, SMALL);
    assert_true(read_messages(&reader, COUNT + 1));
    WAIT_UNTIL(stats_of(sender).sent == COUNT + 1);
    assert_true(stats_of(sender).is_up);
    assert_int_equal(stats_of(sender).dropped, 0);
    assert_int_equal(stats_of(sender).connects, 1);
    put(sender, COUNT + 2, SMALL);
    hep_sender_stop(sender, 1000);
    assert_true(read_messages(&reader, COUNT + 2));
    assert_false(read_messages(&reader, COUNT + 3)); /* closed in order */
    close(reader.fd);
    close(server);
}

/* Until nothing more goes out: the other end does not read. */
static void wait_until_stuck(const struct hep_sender *sender)
{
    uint64_t sent;
    do {
        sent = stats_of(sender).sent;
        pause_ms(200);
    } while (stats_of(sender).sent != sent);
}

static void test_tcp_breaks_in_message(void **state)
{
    enum { COUNT = 200 };
    static struct reader reader;
    (void)state;
    int server = server_of(SOCK_STREAM, 0, 4096);
    struct hep_sender *sender = sender_to(address_of("tcp", port_of(server)), NULL, 1 << 25, false);
    for (unsigned i = 1; i <= COUNT; i++)
        put(sender, i, LARGE);
    int connection = accepted(server);
    wait_until_stuck(sender);
    uint64_t sent = stats_of(sender).sent;
    assert_true(sent < COUNT);
    close(connection); /* with octets that nobody read: a reset */
    reader = (struct reader){.fd = accepted(server), .payload = LARGE};
    assert_true(read_messages(&reader, 1));
    assert_int_equal(stats_of(sender).dropped, 1); /* the one that was half sent */
    /* What a batch had before it is counted as sent when the batch ends. */
    assert_in_range(reader.last, sent + 2, sent + 3);
    assert_true(read_messages(&reader, COUNT - reader.last + 1));
    assert_int_equal(reader.last, COUNT);
    WAIT_UNTIL(stats_of(sender).sent == COUNT - 1);
    assert_int_equal(stats_of(sender).connects, 2);
    assert_true(stats_of(sender).errors >= 1);
    hep_sender_stop(sender, 1000);
    close(reader.fd);
    close(server);
}

/* It goes away between messages and comes back later: nothing of what waited is lost. */
static void test_tcp_comes_back(void **state)
{
    static struct reader reader;
    (void)state;
    int server = server_of(SOCK_STREAM, 0, 1 << 20);
    uint16_t port = port_of(server);
    struct hep_sender *sender = sender_to(address_of("tcp", port), NULL, 1 << 22, false);
    put(sender, 1, SMALL);
    reader = (struct reader){.fd = accepted(server), .payload = SMALL};
    assert_true(read_messages(&reader, 1));
    close(server);
    close(reader.fd);
    WAIT_UNTIL(!stats_of(sender).is_up);
    for (unsigned i = 2; i <= 100; i++)
        put(sender, i, SMALL);
    WAIT_UNTIL(stats_of(sender).errors >= 3);
    assert_int_equal(stats_of(sender).sent, 1);
    server = server_of(SOCK_STREAM, port, 1 << 20);
    reader.fd = accepted(server);
    assert_true(read_messages(&reader, 100));
    assert_int_equal(stats_of(sender).dropped, 0);
    WAIT_UNTIL(stats_of(sender).is_up);
    hep_sender_stop(sender, 1000);
    close(reader.fd);
    close(server);
}

static void test_slow_reader(void **state)
{
    enum { COUNT = 20000 };
    static struct reader reader;
    (void)state;
    int server = server_of(SOCK_STREAM, 0, 4096);
    struct hep_sender *sender = sender_to(address_of("tcp", port_of(server)), NULL, 1 << 20, false);
    int64_t begun = now_ms(), longest = 0;
    for (unsigned i = 1; i <= COUNT; i++) {
        int64_t before = now_ms();
        put(sender, i, SMALL);
        longest = now_ms() - before > longest ? now_ms() - before : longest;
    }
    /* It takes what 14 MB of copying takes; nothing in it waits. */
    assert_in_range(now_ms() - begun, 0, 5000);
    assert_in_range(longest, 0, 500);
    reader = (struct reader){.fd = accepted(server), .payload = SMALL};
    wait_until_stuck(sender);
    struct hep_sender_stats stats = stats_of(sender);
    assert_true(stats.dropped > 0);
    assert_true(stats.queued_bytes > 0);
    assert_true(stats.queued_bytes <= 1 << 20);
    /* What was taken up comes, in order and whole. */
    assert_true(read_messages(&reader, COUNT - (unsigned)stats.dropped));
    WAIT_UNTIL(stats_of(sender).sent == COUNT - stats.dropped);
    assert_int_equal(stats_of(sender).dropped, stats.dropped);
    assert_int_equal(stats_of(sender).errors, 0);
    hep_sender_stop(sender, 1000);
    close(reader.fd);
    close(server);
}

static void *read_slowly(void *context)
{
    struct reader *reader = context;
    unsigned more = 0;
    int server = reader->fd;
    reader->fd = accepted(server);
    while (read_messages(reader, more += 100))
        pause_ms(2);
    close(reader->fd);
    return NULL;
}

/* Who reads a file loses nothing to a reader that is slower; one that never reads, or is not there,
 * holds nobody up for long. */
static void test_patience(void **state)
{
    enum { COUNT = 10000 };
    static struct reader reader;
    pthread_t thread;
    (void)state;
    int server = server_of(SOCK_STREAM, 0, 4096);
    reader = (struct reader){.fd = server, .payload = SMALL};
    assert_int_equal(pthread_create(&thread, NULL, read_slowly, &reader), 0);
    struct hep_sender *sender = sender_to(address_of("tcp", port_of(server)), NULL, 0, true);
    for (unsigned i = 1; i <= COUNT; i++)
        put(sender, i, SMALL);
    WAIT_UNTIL(stats_of(sender).sent == COUNT);
    assert_int_equal(stats_of(sender).dropped, 0);
    hep_sender_stop(sender, 1000);
    pthread_join(thread, NULL);
    assert_int_equal(reader.messages, COUNT);
    close(server);

    server = server_of(SOCK_STREAM, 0, 4096);
    uint16_t port = port_of(server);
    close(server);
    sender = sender_to(address_of("tcp", port), NULL, 0, true);
    int64_t begun = now_ms();
    for (unsigned i = 1; i <= COUNT; i++)
        put(sender, i, SMALL);
    assert_in_range(now_ms() - begun, 0, 8000);
    assert_true(stats_of(sender).dropped > 0);
    hep_sender_stop(sender, 0);
}

/* In place of the C library's: of one name the servers keep silent for a while. */
int getaddrinfo(const char *restrict host, const char *restrict port,
                const struct addrinfo *restrict hints, struct addrinfo **restrict out)
{
    int (*others)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    if (strcmp(host, "nothing.invalid") == 0) {
        pause_ms(3000);
        return EAI_AGAIN;
    }
    memcpy(&others, &symbol, sizeof others);
    return others(host, port, hints, out);
}

/* Whoever stops it waits as long as was said, wherever the other end is. */
static void test_stop(void **state)
{
    static const char *const nowhere[] = {"tcp:127.0.0.1:1", "tcp:nothing.invalid:9060"};
    (void)state;
    for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++) {
        struct hep_sender *sender = sender_to(nowhere[i], NULL, 0, false);
        put(sender, 1, SMALL);
        if (i == 0)
            WAIT_UNTIL(stats_of(sender).errors > 0);
        assert_false(stats_of(sender).is_up);
        int64_t begun = now_ms();
        hep_sender_stop(sender, 300);
        assert_in_range(now_ms() - begun, 250, 2000);
    }
    pause_ms(3000); /* the one that was left to itself ends, and nothing leaks */
}

/* --- TLS: the other end is openssl s_server */

static char folder[] = "/tmp/sipspan-hep-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[4][128];
    static unsigned next;
    char *at = path[next++ % 4];
    snprintf(at, sizeof path[0], "%s/%s", folder, name);
    return at;
}

/* A certificate that signs itself, NAME.pem and NAME.key. */
static void make_certificate(const char *name, const char *names)
{
    char command[768];
    snprintf(command, sizeof command,
             "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
             "-keyout %s.key -out %s.pem -days 2 -subj /CN=test -addext subjectAltName=%s "
             "2>/dev/null",
             folder, name, name, names);
    assert_int_equal(system(command), 0);
}

static int set_up_tls(void **state)
{
    (void)state;
    log_set_level((enum log_level) - 1);
    if (!mkdtemp(folder))
        return -1;
    make_certificate("right", "IP:127.0.0.1,DNS:localhost");
    make_certificate("other", "DNS:hep.example.com");
    return 0;
}

static int tear_down_tls(void **state)
{
    static const char *const name[] = {"right.key", "right.pem", "other.key", "other.pem"};
    (void)state;
    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++)
        unlink(in_folder(name[i]));
    return rmdir(folder);
}

struct tls_server {
    pid_t pid;
    int in, out; /* its standard input, held open, and output: what it received */
    uint16_t port;
};

static struct tls_server tls_server_of(const char *certificate, const char *version)
{
    struct tls_server server;
    char accept_at[64], pem[32], key[32];
    int in[2], out[2];
    int probe = server_of(SOCK_STREAM, 0, 4096);
    server.port = port_of(probe);
    close(probe);
    snprintf(accept_at, sizeof accept_at, "127.0.0.1:%u", server.port);
    snprintf(pem, sizeof pem, "%s.pem", certificate);
    snprintf(key, sizeof key, "%s.key", certificate);
    assert_int_equal(pipe2(in, O_CLOEXEC) + pipe2(out, O_CLOEXEC), 0);
    server.pid = fork();
    if (server.pid == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        execlp("openssl", "openssl", "s_server", "-quiet", "-accept", accept_at, "-cert",
               in_folder(pem), "-key", in_folder(key), "-cipher", "ALL:@SECLEVEL=0", version,
               (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    server.in = in[1];
    server.out = out[0];
    return server;
}

static void end_tls_server(struct tls_server *server)
{
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    close(server->in);
    close(server->out);
}

/* read(2) is what a pipe has. */
static bool read_piped(struct reader *r, unsigned messages)
{
    while (r->messages < messages) {
        if (!is_readable(r->fd, WAIT_MS))
            fail_msg("%u messages of %u came", r->messages, messages);
        ssize_t n = read(r->fd, r->octets + r->len, sizeof r->octets - r->len);
        if (n <= 0)
            return false;
        r->len += (size_t)n;
        take_messages(r);
    }
    return true;
}

static void test_tls(void **state)
{
    enum { COUNT = 3000 };
    static struct reader reader;
    static const char *const version[] = {"-tls1_2", "-tls1_3"};
    static const char *const host[] = {"127.0.0.1", "localhost"};
    char to[64];
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct tls_server server = tls_server_of("right", version[i]);
        snprintf(to, sizeof to, "tls:%s:%u", host[i], server.port);
        struct hep_sender *sender = sender_to(to, in_folder("right.pem"), 1 << 23, false);
        for (unsigned n = 1; n <= COUNT; n++)
            put(sender, n, SMALL);
        reader = (struct reader){.fd = server.out, .payload = SMALL};
        assert_true(read_piped(&reader, COUNT));
        WAIT_UNTIL(stats_of(sender).sent == COUNT);
        assert_true(stats_of(sender).is_up);
        assert_int_equal(stats_of(sender).dropped, 0);
        /* It dies, and nobody else does. */
        end_tls_server(&server);
        WAIT_UNTIL(!stats_of(sender).is_up);
        hep_sender_stop(sender, 0);
    }
}

/* Nothing may go to one that is not who it should be, or that speaks what is broken. */
static void test_tls_refused(void **state)
{
    static const struct {
        const char *certificate, *trusted, *version;
    } table[] = {
        {"right", "other.pem", "-tls1_3"}, /* signed by somebody else */
        {"other", "other.pem", "-tls1_3"}, /* of somebody else */
        {"right", "right.pem", "-tls1_1"}, /* a version with known weaknesses */
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct tls_server server = tls_server_of(table[i].certificate, table[i].version);
        struct hep_sender *sender =
            sender_to(address_of("tls", server.port), in_folder(table[i].trusted), 0, false);
        put(sender, 1, SMALL);
        WAIT_UNTIL(stats_of(sender).errors >= 6);
        struct hep_sender_stats stats = stats_of(sender);
        assert_false(stats.is_up);
        assert_int_equal(stats.connects, 0);
        assert_int_equal(stats.sent, 0);
        assert_false(is_readable(server.out, 0));
        hep_sender_stop(sender, 0);
        end_tls_server(&server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_udp),
        cmocka_unit_test(test_udp_refused),
        cmocka_unit_test(test_tcp),
        cmocka_unit_test(test_tcp_breaks_in_message),
        cmocka_unit_test(test_tcp_comes_back),
        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_patience),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_tls_refused),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, set_up_tls, tear_down_tls);
}
