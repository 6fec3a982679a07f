/*
 * What listens there may be broken, or no Redis at all: it holds nobody up and fills no memory. The
 * servers are this test's own, each a thread on a socket in a folder of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "sightings/redis_line.h"
#include "sightings/sightings.h"

enum { DRIPS = 30, DRIP_MS = 100, SLOW_MS = 700, SLOW_REPLIES = 8, FLOOD_MAX = 64 << 20 };

static char folder[64], server[96];
static int listener;
static pthread_t thread;
static bool has_thread;
static size_t flooded;
static _Atomic bool is_gone;

static int64_t clock_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int set_up(void **state)
{
    (void)state;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    memcpy(folder, "/tmp/redis-line-XXXXXX", sizeof "/tmp/redis-line-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(at.sun_path, sizeof at.sun_path, "%s/redis", folder);
    snprintf(server, sizeof server, "unix:%s/redis", folder);
    has_thread = false;
    atomic_store(&is_gone, false);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 5);
}

static int tear_down(void **state)
{
    (void)state;
    if (has_thread)
        pthread_join(thread, NULL);
    close(listener);
    unlink(server + strlen("unix:"));
    return rmdir(folder);
}

static void serve(void *(*behave)(void *))
{
    has_thread = pthread_create(&thread, NULL, behave, NULL) == 0;
    assert_true(has_thread);
}

/* The first command has come. */
static int take_client(void)
{
    char octets[4096];
    int fd = accept(listener, NULL, NULL);
    return fd >= 0 && recv(fd, octets, sizeof octets, 0) > 0 ? fd : -1;
}

static bool say(int fd, const char *octets)
{
    return send(fd, octets, strlen(octets), MSG_NOSIGNAL) == (ssize_t)strlen(octets);
}

static void *drip(void *context)
{
    int fd = take_client();
    say(fd, "$1000\r\n");
    for (int i = 0; i < DRIPS && say(fd, "x"); i++)
        poll(NULL, 0, DRIP_MS);
    close(fd);
    return context;
}

static void *flood(void *context)
{
    char octets[65536];
    int fd = take_client();
    memset(octets, 'x', sizeof octets);
    say(fd, "$400000000\r\n");
    for (ssize_t sent = 0; sent >= 0 && flooded < FLOOD_MAX; flooded += (size_t)sent)
        sent = send(fd, octets, sizeof octets, MSG_NOSIGNAL);
    close(fd);
    return context;
}

static void *announce_items(void *context)
{
    int fd = take_client();
    say(fd, "*100000000\r\n:1\r\n");
    for (int i = 0; i < DRIPS && say(fd, ":1\r\n"); i++)
        poll(NULL, 0, DRIP_MS);
    close(fd);
    return context;
}

/* Whole ones, two in one go and a third in two. */
static void *answer(void *context)
{
    int fd = take_client();
    say(fd, "$3\r\none\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n+thr");
    poll(NULL, 0, 50);
    say(fd, "ee\r\n");
    close(fd);
    return context;
}

/* Nothing is wrong with what it says, but it takes its time. */
static void *answer_slowly(void *context)
{
    int fd = take_client();
    for (int i = 0; i < SLOW_REPLIES && say(fd, ":1\r\n"); i++)
        poll(NULL, 0, SLOW_MS);
    close(fd);
    atomic_store(&is_gone, true);
    return context;
}

static struct redis_line *ask(unsigned times)
{
    char error[REDIS_LINE_ERROR_MAX] = "";
    struct redis_line *line = redis_line_open(server, NULL, NULL, error);
    if (!line)
        fail_msg("%s", error);
    while (times-- > 0)
        redis_line_send(line, (const struct slice[]){SLICE("TIME")}, 1);
    return line;
}

/* The read fails, soon, and says so. */
static void is_refused(const char *words)
{
    struct redis_line_reply reply;
    char error[REDIS_LINE_ERROR_MAX] = "";
    struct redis_line *line = ask(1);
    int64_t began_ms = clock_ms();
    assert_false(redis_line_read(line, &reply, error));
    assert_true(clock_ms() - began_ms < 1500);
    if (!strstr(error, words))
        fail_msg("%s", error);
    redis_line_close(line);
}

static void test_whole_replies(void **state)
{
    (void)state;
    struct redis_line_reply reply;
    char error[REDIS_LINE_ERROR_MAX] = "";
    serve(answer);
    struct redis_line *line = ask(3);
    assert_true(redis_line_read(line, &reply, error));
    assert_true(slice_eq(reply.text, SLICE("one")));
    assert_true(redis_line_read(line, &reply, error));
    assert_int_equal(reply.count, 2);
    assert_true(slice_eq(redis_line_at(&reply, 1), SLICE("b")));
    assert_true(redis_line_read(line, &reply, error));
    assert_true(slice_eq(reply.text, SLICE("three")));
    assert_false(redis_line_read(line, &reply, error));
    redis_line_close(line);
}

static void test_drip(void **state)
{
    (void)state;
    serve(drip);
    is_refused("it does not answer");
}

static void test_flood(void **state)
{
    (void)state;
    serve(flood);
    is_refused("too large");
    pthread_join(thread, NULL);
    has_thread = false;
    assert_true(flooded < 4 << 20);
}

static void test_items_that_never_come(void **state)
{
    (void)state;
    serve(announce_items);
    is_refused("too large");
}

/* Each answer comes in time, all of them take long: the stop does not wait for that, and what the
 * sensor was given is gone when the thread ends. */
static void test_stop(void **state)
{
    (void)state;
    char error[200] = "";
    char *text[] = {strdup(server),       strdup("the fleet's own secret"),
                    strdup("s-outside"),  strdup("outside"),
                    strdup("inside"),     strdup("user"),
                    strdup("open sesame")};
    const char *path[] = {text[3], text[4]};
    serve(answer_slowly);
    const struct sightings_params params = {
        .server = text[0],
        .secret = text[1],
        .sensor_id = text[2],
        .path = path,
        .path_len = 2,
        .point = text[3],
        .user = text[5],
        .password = text[6],
        .outbox_bytes = 64 << 10,
    };
    struct sightings *sightings = sightings_start(&params, error, sizeof error);
    if (!sightings)
        fail_msg("%s", error);
    poll(NULL, 0, 300);
    int64_t began_ms = clock_ms();
    sightings_stop(sightings);
    assert_true(clock_ms() - began_ms < 2000);
    memset(path, 0, sizeof path);
    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++)
        free(text[i]);
    for (int i = 0; i < 1000 && !atomic_load(&is_gone); i++)
        poll(NULL, 0, 10);
    poll(NULL, 0, 500); /* it is told that Redis is away; then the thread frees all by itself */
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_whole_replies),         TEST(test_drip), TEST(test_flood),
        TEST(test_items_that_never_come), TEST(test_stop),
    };
    log_set_level(LOG_LEVEL_WARNING);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
