/* Several sensors and a real Redis, which this test starts on a socket in a folder of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sightings/redis_line.h"
#include "sightings/sightings.h"

#define MS INT64_C(1000000)
#define S  (1000 * MS)

enum { SENSORS = 3, CALL_ID_MAX = 64 };

static const char *const path[SENSORS] = {"outside", "dmz", "inside"};
static const char *const ids[SENSORS] = {"s-outside", "s-dmz", "s-inside"};

static char folder[64], server[96], socket_path[80], log_path[80];
static pid_t redis;
static struct ip_addr gw, dead;
static struct sightings *sensor[SENSORS];
static char call_id[CALL_ID_MAX];
static unsigned calls;

static int64_t wall_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * S + ts.tv_nsec;
}

static int64_t steady_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * S + ts.tv_nsec;
}

/* --- Redis */

static void start_redis(const char *password)
{
    redis = fork();
    assert_true(redis >= 0);
    if (redis == 0) {
        const char *argv[] = {
            "redis-server", "--port",    "0",      "--unixsocket",
            socket_path,    "--save",    "",       "--appendonly",
            "no",           "--logfile", log_path, password ? "--requirepass" : NULL,
            password,       NULL};
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    struct stat st;
    for (int i = 0; i < 100 && stat(socket_path, &st) != 0; i++)
        poll(NULL, 0, 50);
    assert_int_equal(stat(socket_path, &st), 0);
}

static void end_redis(void)
{
    if (redis > 0) {
        kill(redis, SIGCONT);
        kill(redis, SIGKILL);
        waitpid(redis, NULL, 0);
    }
    redis = 0;
    unlink(socket_path);
}

static bool has_redis(void)
{
    return system("redis-server --version >/dev/null 2>&1") == 0;
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/sightings-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(socket_path, sizeof socket_path, "%s/redis", folder);
    snprintf(log_path, sizeof log_path, "%s/log", folder);
    snprintf(server, sizeof server, "unix:%s", socket_path);
    gw = ip_from_v4((const uint8_t[4]){198, 51, 100, 20});
    dead = ip_from_v4((const uint8_t[4]){198, 51, 100, 21});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < SENSORS; i++) {
        sightings_stop(sensor[i]);
        sensor[i] = NULL;
    }
    end_redis();
    unlink(log_path);
    rmdir(folder);
    return 0;
}

/* --- the sensors */

static struct sightings_params params_of(int i)
{
    return (struct sightings_params){
        .server = server,
        .secret = "the fleet's own secret",
        .sensor_id = ids[i],
        .path = path,
        .path_len = SENSORS,
        .point = path[i],
        .outbox_bytes = 64 << 10,
    };
}

static void start_sensor(int i, const char *password)
{
    char error[200] = "";
    struct sightings_params params = params_of(i);
    params.password = password;
    sensor[i] = sightings_start(&params, error, sizeof error);
    if (!sensor[i])
        fail_msg("%s", error);
}

static struct sightings_stats stats_of(int i)
{
    struct sightings_stats stats;
    sightings_stats(sensor[i], &stats);
    return stats;
}

/* Time passes, and packets with it. */
static void live(int ms)
{
    for (int64_t end_ns = steady_ns() + ms * MS; steady_ns() < end_ns;) {
        for (int i = 0; i < SENSORS; i++)
            if (sensor[i])
                sightings_saw_packets(sensor[i], wall_ns());
        poll(NULL, 0, 10);
    }
}

static bool wait_for_up(int i, bool is_up, int ms)
{
    for (; stats_of(i).is_up != is_up && ms > 0; ms -= 20)
        live(20);
    return stats_of(i).is_up == is_up;
}

static void start_sensors(void)
{
    for (int i = 0; i < SENSORS; i++)
        start_sensor(i, NULL);
    for (int i = 0; i < SENSORS; i++)
        assert_true(wait_for_up(i, true, 5000));
    live(300);
}

static struct sighting new_call(const struct ip_addr *dst)
{
    snprintf(call_id, sizeof call_id, "call-%u@client.example.com", ++calls);
    return (struct sighting){
        .call_id = slice_str(call_id),
        .branch = SLICE("z9hG4bK1"),
        .cseq = 17,
        .dst = *dst,
        .time_ns = wall_ns(),
    };
}

/* Seen by all: the nearer to the destination, the later the request and the sooner the response. */
static void answered_call(const struct ip_addr *dst, int but)
{
    struct sighting call = new_call(dst);
    int64_t sent_ns = call.time_ns;
    for (int i = 0; i < SENSORS; i++) {
        call.time_ns = sent_ns + i * MS / 10;
        if (i != but)
            sightings_request(sensor[i], &call);
        call.time_ns = sent_ns + 20 * MS - i * MS / 10;
        if (i != but)
            sightings_response(sensor[i], &call);
    }
    live(220);
}

/* So many are looked up some seconds later. */
static void learn_path(const struct ip_addr *dst)
{
    for (int i = 0; i < 5; i++)
        answered_call(dst, -1);
    live(3200);
}

static struct sightings_answer answer_of(int i, const struct sighting *call)
{
    struct sightings_answer answer;
    uint64_t before = stats_of(i).answered;
    sightings_ask(sensor[i], call, wall_ns());
    for (int ms = 0; ms < 2000 && stats_of(i).answered == before; ms += 10)
        live(10);
    sightings_answer(sensor[i], call, &answer);
    return answer;
}

/* --- the tests */

static void test_parameters(void **state)
{
    (void)state;
    static const char *const twice[] = {"a", "b", "a"};
    static const char *const lonely[] = {"outside"};
    static const char *const strange[] = {"outside", "in side"};
    static const char *const lengthy[] = {"outside", "a-name-of-more-than-thirty-two-letters"};
    const struct sightings_params good = params_of(0);
    struct sightings_params bad[] = {good, good, good, good, good, good,
                                     good, good, good, good, good};
    bad[0].secret = "too short";
    bad[1].secret = NULL;
    bad[2].point = "elsewhere";
    bad[3].path = twice;
    bad[4].path = lonely;
    bad[4].path_len = 1;
    bad[5].path = lengthy;
    bad[5].path_len = 2;
    bad[6].server = "tls:redis.example.com:6379";
    bad[7].server = "redis.example.com";
    bad[8].server = "[2001:db8::1:6379";
    bad[9].server = "redis.example.com:0";
    bad[10].path = strange;
    bad[10].path_len = 2;
    static const char *const words[] = {"secret",    "secret",    "point",   "twice",
                                        "2 to 16",   "letters",   "stunnel", "HOST:PORT",
                                        "HOST:PORT", "HOST:PORT", "letters"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char error[200] = "";
        assert_null(sightings_start(&bad[i], error, sizeof error));
        if (!strstr(error, words[i]) || strncmp(error, "redis: ", 7) != 0)
            fail_msg("%zu: %s", i, error);
    }
    assert_null(redis_line_check("[2001:db8::1]:6379"));
    assert_null(redis_line_check("redis.example.com:6379"));
    assert_null(redis_line_check("unix:/run/redis/redis.sock"));
}

static bool has_text(struct slice in, const char *text)
{
    return in.len > 0 && memmem(in.at, in.len, text, strlen(text));
}

/* What lies in Redis, by a client of its own. */
static void test_what_lies_there(void **state)
{
    (void)state;
    char error[REDIS_LINE_ERROR_MAX], key[200];
    struct redis_line_reply reply;
    start_redis(NULL);
    start_sensors();
    answered_call(&gw, -1);
    struct redis_line *line = redis_line_open(server, NULL, NULL, error);
    assert_non_null(line);
    redis_line_send(line, (const struct slice[]){SLICE("KEYS"), SLICE("*")}, 2);
    assert_true(redis_line_read(line, &reply, error));
    assert_int_equal(reply.count, 1 + SENSORS); /* the call, and the heartbeats */
    key[0] = '\0';
    for (size_t i = 0; i < reply.count; i++) {
        struct slice name = redis_line_at(&reply, i);
        assert_false(has_text(name, "call-") || has_text(name, "example"));
        if (slice_starts(name, SLICE("sipspan:t:{")))
            snprintf(key, sizeof key, "%.*s", SLICE_ARGS(name));
        else
            assert_true(slice_starts(name, SLICE("sipspan:s:")));
    }
    assert_int_equal(strlen(key), strlen("sipspan:t:{}:17") + 32);
    redis_line_send(line, (const struct slice[]){SLICE("HGETALL"), slice_str(key)}, 2);
    assert_true(redis_line_read(line, &reply, error));
    assert_int_equal(reply.count, 2 * 2 * SENSORS);
    for (size_t i = 0; i < reply.count; i++)
        assert_false(has_text(redis_line_at(&reply, i), "call-"));
    /* It goes by itself: the smallest time to live of all keys is there, and bounded. */
    const struct slice script[] = {
        SLICE("EVAL"),
        SLICE("local n = 0 for _, k in ipairs(redis.call('KEYS', '*')) do local t = "
              "redis.call('TTL', k) if t < 1 or t > 64 then n = n + 1 end end return tostring(n)"),
        SLICE("0")};
    redis_line_send(line, script, 3);
    assert_true(redis_line_read(line, &reply, error));
    assert_true(slice_eq(reply.text, SLICE("0")));
    redis_line_close(line);
    for (int i = 0; i < SENSORS; i++) {
        assert_int_equal(stats_of(i).noted, 2);
        assert_int_equal(stats_of(i).dropped + stats_of(i).errors, 0);
        assert_true(stats_of(i).clock_offset_s < 0.1 && stats_of(i).clock_offset_s > -0.1);
    }
}

/* The whole of it: who is beyond whom is learned, then what is lost is said by one of them. */
static void test_questions(void **state)
{
    (void)state;
    start_redis(NULL);
    start_sensors();
    learn_path(&gw);
    struct sighting lost = new_call(&gw);
    sightings_request(sensor[0], &lost);
    sightings_request(sensor[1], &lost);
    live(1500);
    struct sightings_answer first = answer_of(0, &lost), second = answer_of(1, &lost), again;
    assert_true(first.is_known && second.is_known);
    assert_true(first.is_ours && !second.is_ours);
    assert_int_equal(first.points, SENSORS);
    assert_int_equal(second.own, 1);
    assert_true(first.seen[0].request && first.seen[1].request && !first.seen[2].request);
    assert_true(first.seen[1].is_beyond && first.seen[2].is_beyond && first.seen[2].passed_lately);
    assert_true(!first.seen[0].unfit && !first.seen[1].unfit && !first.seen[2].unfit);
    assert_true(second.seen[2].is_beyond && !second.seen[0].is_beyond && !second.seen[0].unfit);
    sightings_answer(sensor[0], &lost, &again); /* it was taken */
    assert_false(again.is_known);
    assert_int_equal(stats_of(0).late, 1);
    /* Asked once more it is still the first one's. */
    assert_true(answer_of(0, &lost).is_ours);

    /* Another hop of the same call is another INVITE. */
    struct sighting hop = lost;
    hop.branch = SLICE("z9hG4bK2");
    assert_false(answer_of(0, &hop).is_known);
    /* To where nobody was ever answered nobody is proven, and nobody claims anything. */
    lost = new_call(&dead);
    sightings_request(sensor[0], &lost);
    sightings_request(sensor[1], &lost);
    live(1200);
    first = answer_of(0, &lost);
    second = answer_of(1, &lost);
    assert_true(first.is_ours && second.is_ours);
    assert_string_equal(first.seen[2].unfit, "unproven");

    /* One that lost packets meanwhile. */
    lost = new_call(&gw);
    sightings_request(sensor[0], &lost);
    live(500);
    sightings_lost_packets(sensor[2], wall_ns());
    live(1500);
    first = answer_of(0, &lost);
    assert_string_equal(first.seen[2].unfit, "lost_packets");
    assert_null(first.seen[1].unfit);
    /* One that is gone. */
    sightings_stop(sensor[1]);
    sensor[1] = NULL;
    lost = new_call(&gw);
    sightings_request(sensor[0], &lost);
    live(2500);
    assert_string_equal(answer_of(0, &lost).seen[1].unfit, "heartbeat");
}

/* A mirror that misses what is answered shows itself by that. */
static void test_starved(void **state)
{
    (void)state;
    start_redis(NULL);
    start_sensors();
    for (int i = 0; i < 4; i++)
        answered_call(&gw, -1);
    for (int i = 0; i < 4; i++)
        answered_call(&gw, 1);
    live(3200);
    struct sighting lost = new_call(&gw);
    sightings_request(sensor[0], &lost);
    live(1200);
    struct sightings_answer answer = answer_of(0, &lost);
    assert_true(answer.is_known && answer.seen[1].is_beyond);
    assert_string_equal(answer.seen[1].unfit, "lost_packets");
    assert_null(answer.seen[2].unfit);
}

/* Where Redis forgot, or was away meanwhile, nobody is accused. */
static void test_forgotten(void **state)
{
    (void)state;
    start_redis(NULL);
    start_sensors();
    learn_path(&gw);
    struct sighting lost = new_call(&gw);
    sightings_request(sensor[0], &lost);
    live(300);
    end_redis();
    for (int i = 0; i < SENSORS; i++)
        assert_true(wait_for_up(i, false, 3000));
    start_redis(NULL);
    for (int i = 0; i < SENSORS; i++)
        assert_true(wait_for_up(i, true, 8000));
    live(1200);
    assert_false(answer_of(0, &lost).is_known);
    sightings_request(sensor[0], &lost); /* told again: only this sensor's word is there */
    live(100);
    struct sightings_answer answer = answer_of(0, &lost);
    assert_true(answer.is_known);
    assert_string_equal(answer.seen[0].unfit, "heartbeat");
    assert_string_equal(answer.seen[1].unfit, "heartbeat");
}

/* The longest of many calls, in ns; the clock's own cost is in it. */
static int64_t put_many(int count)
{
    int64_t longest_ns = 0;
    for (int i = 0; i < count; i++) {
        struct sighting call = new_call(&gw);
        int64_t before_ns = steady_ns();
        sightings_request(sensor[0], &call);
        int64_t took_ns = steady_ns() - before_ns;
        longest_ns = took_ns > longest_ns ? took_ns : longest_ns;
    }
    return longest_ns;
}

/* Away, or hanging: who tells of a sighting does not notice, and it is counted. */
static void test_away_and_slow(void **state)
{
    (void)state;
    enum { MANY = 5000 };  /* more than the outbox holds */
    start_sensor(0, NULL); /* Redis is not there yet */
    live(300);
    assert_false(stats_of(0).is_up);
    assert_true(stats_of(0).errors > 0);
    assert_true(put_many(MANY) < 200 * MS);
    uint64_t dropped = stats_of(0).dropped;
    assert_true(dropped > 0 && dropped < MANY);
    struct sighting call = new_call(&gw);
    struct sightings_answer answer;
    sightings_ask(sensor[0], &call, wall_ns());
    sightings_answer(sensor[0], &call, &answer);
    assert_false(answer.is_known);

    start_redis(NULL);
    assert_true(wait_for_up(0, true, 8000));
    for (int i = 0; i < 100 && stats_of(0).queued_bytes > 0; i++)
        live(50);
    assert_int_equal(stats_of(0).noted, MANY - dropped); /* what waited came there */

    kill(redis, SIGSTOP);
    assert_true(put_many(MANY) < 200 * MS);
    assert_true(wait_for_up(0, false, 4000));
    kill(redis, SIGCONT);
    assert_true(wait_for_up(0, true, 8000));
    for (int i = 0; i < 100 && stats_of(0).queued_bytes > 0; i++)
        live(50);
    assert_int_equal(stats_of(0).noted + stats_of(0).dropped, 2 * MANY);
}

static void test_password(void **state)
{
    (void)state;
    start_redis("open sesame");
    start_sensor(0, "close sesame");
    start_sensor(1, NULL);
    start_sensor(2, "open sesame");
    assert_true(wait_for_up(2, true, 5000));
    live(500);
    assert_true(!stats_of(0).is_up && stats_of(0).errors > 0);
    assert_true(stats_of(1).errors > 0);
    answered_call(&gw, -1);
    assert_int_equal(stats_of(2).noted, 2);
    assert_int_equal(stats_of(1).noted, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest without[] = {TEST(test_parameters)};
    const struct CMUnitTest tests[] = {
        TEST(test_what_lies_there), TEST(test_questions),     TEST(test_starved),
        TEST(test_forgotten),       TEST(test_away_and_slow), TEST(test_password),
    };
    signal(SIGPIPE, SIG_IGN);
    int failed = cmocka_run_group_tests(without, NULL, NULL);
    if (!has_redis()) {
        print_error("redis-server is not installed: nothing was tested against it\n");
        return 1;
    }
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
