/* Events through shared memory, a spool and a mock cluster: each arrives, in its key's order, and
 * what cannot is counted. */
#include "kafka_bench.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "export/exporter.h"
#include "spool/outbox.h"

enum { KEYS = 20, NUMBERS_MAX = 15000 };

struct bench {
    struct cluster cluster;
    char dir[64];
    struct exporter_params params;
    struct exporter *exporter;
};

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    cluster_open(&bench->cluster);
    snprintf(bench->dir, sizeof bench->dir, "/tmp/sipspan-exporter-XXXXXX");
    assert_non_null(mkdtemp(bench->dir));
    bench->params = (struct exporter_params){
        .sensor_id = "sensor-1",
        .kafka = cluster_params(&bench->cluster),
        .spool = {.dir = bench->dir, .bytes_max = 256 << 20},
        .outbox_bytes = 1 << 20,
        .may_wait = true,
    };
    *state = bench;
    return 0;
}

static void remove_files(const char *folder)
{
    struct dirent *entry;
    char path[512];
    DIR *dir = opendir(folder);
    while (dir && (entry = readdir(dir)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        unlink(path);
    }
    closedir(dir);
    rmdir(folder);
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    exporter_close(bench->exporter);
    remove_files(bench->dir);
    cluster_close(&bench->cluster);
    free(bench);
    return 0;
}

static void start(struct bench *bench)
{
    char error[256];
    bench->exporter = exporter_open(&bench->params, error, sizeof error);
    if (!bench->exporter || !exporter_start(bench->exporter, error, sizeof error))
        fail_msg("%s", error);
}

static void stop(struct bench *bench, int timeout_ms)
{
    exporter_finish(bench->exporter, timeout_ms);
    exporter_close(bench->exporter);
    bench->exporter = NULL;
}

static struct exporter_stats stats_of(struct bench *bench)
{
    struct exporter_stats stats;
    exporter_stats(bench->exporter, &stats);
    return stats;
}

/* A call's end, or a stream's report, with this number; every KEYS-th has the same Call-ID. */
static void give(struct bench *bench, enum event_type type, unsigned number)
{
    char call_id[32];
    struct event event = {.type = type, .time_ns = 0};
    snprintf(call_id, sizeof call_id, "call-%u", number % KEYS);
    snprintf(event.id, sizeof event.id, "%u", number);
    if (type == EVENT_CALL_ENDED)
        event.call_ended = (struct call_ended){
            .call_id = slice_str(call_id),
            .state = CALL_STATE_FAILED,
            .started_ns = EVENT_NO_TIME,
            .answered_ns = EVENT_NO_TIME,
            .ended_ns = EVENT_NO_TIME,
            .duration_ns = EVENT_NO_DURATION,
            .first_response_ns = EVENT_NO_DURATION,
            .post_dial_delay_ns = EVENT_NO_DURATION,
        };
    else
        event.rtp_report = (struct rtp_report){
            .call_id = slice_str(call_id),
            .stream = {.started_ns = EVENT_NO_TIME, .ended_ns = EVENT_NO_TIME},
            .since_ns = EVENT_NO_TIME,
        };
    exporter_write(bench->exporter, &event);
}

static void wait_delivered(struct bench *bench, enum event_type type, uint64_t count)
{
    int64_t end = now_ms() + PATIENCE_MS;
    while (stats_of(bench).delivered[type] < count && now_ms() < end)
        nanosleep(&(struct timespec){.tv_nsec = 1500000}, NULL);
    assert_true(stats_of(bench).delivered[type] >= count);
}

/* How often each number is in the topic; those of one Call-ID come first in their order. */
static void count_numbers(struct bench *bench, const char *topic, unsigned *times)
{
    long before[KEYS];
    struct reader reader = reader_open(&bench->cluster, topic);
    rd_kafka_message_t *message;
    memset(before, -1, sizeof before);
    while ((message = reader_next(&reader)) != NULL) {
        rd_kafka_headers_t *headers;
        const void *id;
        size_t len;
        char text[32];
        assert_int_equal(rd_kafka_message_headers(message, &headers), RD_KAFKA_RESP_ERR_NO_ERROR);
        assert_int_equal(rd_kafka_header_get_last(headers, "ce_id", &id, &len),
                         RD_KAFKA_RESP_ERR_NO_ERROR);
        snprintf(text, sizeof text, "%.*s", (int)len, (const char *)id);
        long number = strtol(text, NULL, 10);
        assert_in_range(number, 0, NUMBERS_MAX - 1);
        if (times[number]++ == 0) {
            if (number < before[number % KEYS])
                fail_msg("%ld comes after %ld", number, before[number % KEYS]);
            before[number % KEYS] = number;
        }
        rd_kafka_message_destroy(message);
    }
    reader_close(&reader);
}

static void all_are_there(struct bench *bench, const char *topic, unsigned numbers, unsigned most)
{
    static unsigned times[NUMBERS_MAX];
    memset(times, 0, sizeof times);
    count_numbers(bench, topic, times);
    for (unsigned i = 0; i < numbers; i++)
        if (times[i] < 1 || times[i] > most)
            fail_msg("%u is there %u times", i, times[i]);
}

static void test_events_arrive_once(void **state)
{
    struct bench *bench = *state;
    start(bench);
    for (unsigned i = 0; i < 2000; i++)
        give(bench, EVENT_CALL_ENDED, i);
    wait_delivered(bench, EVENT_CALL_ENDED, 2000);
    exporter_finish(bench->exporter, PATIENCE_MS);
    struct exporter_stats stats = stats_of(bench);
    assert_int_equal(stats.delivered[EVENT_CALL_ENDED], 2000);
    assert_int_equal(stats.failed[EVENT_CALL_ENDED], 0);
    assert_int_equal(stats.queued_bytes, 0);
    assert_int_equal(stats.spool.records, 0);
    assert_true(stats.kafka.is_up);
    stop(bench, 0);
    all_are_there(bench, "calls", 2000, 1);
}

static void test_what_waits_is_delivered_by_the_next_start(void **state)
{
    struct bench *bench = *state;
    rd_kafka_mock_broker_set_down(bench->cluster.mock, 1);
    start(bench);
    int64_t begun = now_ms();
    for (unsigned i = 0; i < 1000; i++)
        give(bench, EVENT_CALL_ENDED, i);
    assert_true(now_ms() - begun < 1000);
    begun = now_ms();
    exporter_finish(bench->exporter, 300);
    assert_in_range(now_ms() - begun, 300, 5000);
    struct exporter_stats stats = stats_of(bench);
    assert_int_equal(stats.spool.records, 1000);
    assert_int_equal(stats.delivered[EVENT_CALL_ENDED], 0);
    assert_int_equal(stats.failed[EVENT_CALL_ENDED], 0);
    assert_true(stats.queued_bytes > 0);
    stop(bench, 0);
    rd_kafka_mock_broker_set_up(bench->cluster.mock, 1);
    start(bench);
    for (unsigned i = 1000; i < 2000; i++)
        give(bench, EVENT_CALL_ENDED, i);
    wait_delivered(bench, EVENT_CALL_ENDED, 2000);
    stop(bench, PATIENCE_MS);
    all_are_there(bench, "calls", 2000, 1);
}

static void test_hurry_ends_the_wait(void **state)
{
    struct bench *bench = *state;
    rd_kafka_mock_broker_set_down(bench->cluster.mock, 1);
    start(bench);
    give(bench, EVENT_CALL_ENDED, 1);
    int64_t begun = now_ms();
    exporter_hurry(bench->exporter);
    exporter_finish(bench->exporter, PATIENCE_MS);
    assert_true(now_ms() - begun < PATIENCE_MS / 2);
    assert_int_equal(stats_of(bench).spool.records, 1);
}

/* Fatal errors lose what is on its way: it comes again, and nothing overtakes it. */
static void test_order_outlives_failures(void **state)
{
    struct bench *bench = *state;
    start(bench);
    for (unsigned i = 0; i < 6000; i++) {
        give(bench, EVENT_CALL_ENDED, i);
        if (i % 2000 == 500)
            rd_kafka_mock_push_request_errors(bench->cluster.mock, PRODUCE, 1,
                                              RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
        if (i % 2000 == 1500)
            rd_kafka_mock_push_request_errors(bench->cluster.mock, PRODUCE, 1,
                                              RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH);
        if (i % 100 == 0)
            nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    stop(bench, PATIENCE_MS);
    all_are_there(bench, "calls", 6000, 100);
}

static void test_a_refused_topic_waits_and_the_others_go_on(void **state)
{
    struct bench *bench = *state;
    start(bench);
    give(bench, EVENT_RTP_REPORT, 0);
    wait_delivered(bench, EVENT_RTP_REPORT, 1);
    rd_kafka_mock_push_request_errors(bench->cluster.mock, PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    for (unsigned i = 1; i < 10; i++)
        give(bench, EVENT_RTP_REPORT, i);
    int64_t end = now_ms() + PATIENCE_MS;
    while (stats_of(bench).kafka.errors == 0 && now_ms() < end)
        nanosleep(&(struct timespec){.tv_nsec = 1500000}, NULL);
    int64_t refused = now_ms();
    for (unsigned i = 10; i < 20; i++) {
        give(bench, EVENT_RTP_REPORT, i);
        give(bench, EVENT_CALL_ENDED, i - 10);
    }
    wait_delivered(bench, EVENT_CALL_ENDED, 10);
    assert_true(now_ms() - refused < 4500);
    assert_true(stats_of(bench).delivered[EVENT_RTP_REPORT] < 20);
    wait_delivered(bench, EVENT_RTP_REPORT, 20);
    assert_true(now_ms() - refused > 4500);
    assert_int_equal(stats_of(bench).failed[EVENT_RTP_REPORT], 0);
    stop(bench, PATIENCE_MS);
    all_are_there(bench, "rtp", 20, 2);
    all_are_there(bench, "calls", 10, 2);
}

static void test_what_is_never_taken_is_counted(void **state)
{
    struct bench *bench = *state;
    const char *properties[] = {"message.max.bytes=1000"};
    bench->params.kafka.properties = properties;
    bench->params.kafka.property_count = 1;
    start(bench);
    give(bench, EVENT_CALL_ENDED, 0);
    struct event event = {.type = EVENT_MIRROR_DEGRADED, .id = "large"};
    memset(event.mirror_degraded.summary, 'x', EVENT_SUMMARY_MAX - 1);
    memset(event.mirror_degraded.next_step, 'y', EVENT_SUMMARY_MAX - 1);
    exporter_write(bench->exporter, &event);
    give(bench, EVENT_CALL_ENDED, 1);
    wait_delivered(bench, EVENT_CALL_ENDED, 2);
    exporter_finish(bench->exporter, PATIENCE_MS);
    assert_int_equal(stats_of(bench).failed[EVENT_MIRROR_DEGRADED], 1);
    assert_int_equal(stats_of(bench).spool.records, 0);
}

/* More waits than the producer has room for. */
static void test_what_waits_does_not_starve_what_is_new(void **state)
{
    struct bench *bench = *state;
    rd_kafka_mock_broker_set_down(bench->cluster.mock, 1);
    start(bench);
    for (unsigned i = 0; i < 15000; i++)
        give(bench, EVENT_RTP_REPORT, i);
    stop(bench, 0);
    rd_kafka_mock_broker_set_rtt(bench->cluster.mock, 1, 200);
    rd_kafka_mock_broker_set_up(bench->cluster.mock, 1);
    const char *properties[] = {"batch.num.messages=1000", "max.in.flight=1"};
    bench->params.kafka.properties = properties;
    bench->params.kafka.property_count = 2;
    start(bench);
    wait_delivered(bench, EVENT_RTP_REPORT, 1);
    for (unsigned i = 0; i < 10; i++) /* of other topics: no older one of theirs waits */
        give(bench, EVENT_CALL_ENDED, i);
    struct event event = {.type = EVENT_MIRROR_DEGRADED, .id = "new"};
    exporter_write(bench->exporter, &event);
    wait_delivered(bench, EVENT_MIRROR_DEGRADED, 1);
    assert_true(stats_of(bench).delivered[EVENT_RTP_REPORT] < 12000);
    wait_delivered(bench, EVENT_RTP_REPORT, 15000);
    wait_delivered(bench, EVENT_CALL_ENDED, 10);
    stop(bench, PATIENCE_MS);
    all_are_there(bench, "rtp", 15000, 1);
}

/* A live sensor's events are refused and counted when nothing takes them; nothing waits. */
static void test_a_full_outbox_refuses(void **state)
{
    struct bench *bench = *state;
    bench->params.may_wait = false;
    bench->params.outbox_bytes = 64 << 10;
    start(bench);
    exporter_finish(bench->exporter, 0); /* nobody takes */
    for (unsigned i = 0; i < 1000; i++)
        give(bench, EVENT_CALL_ENDED, i);
    uint64_t failed = stats_of(bench).failed[EVENT_CALL_ENDED];
    assert_in_range(failed, 500, 999);
    stop(bench, 0);
    /* The others are there for the next process. */
    bench->params.may_wait = true;
    start(bench);
    wait_delivered(bench, EVENT_CALL_ENDED, 1000 - failed);
    stop(bench, PATIENCE_MS);
    all_are_there(bench, "calls", 1000 - (unsigned)failed, 1);
}

/* What was said on standard error while `what` ran. */
static void say_into(FILE *said, void (*what)(struct bench *bench), struct bench *bench)
{
    int kept = dup(STDERR_FILENO);
    assert_true(kept >= 0 && dup2(fileno(said), STDERR_FILENO) >= 0);
    what(bench);
    dup2(kept, STDERR_FILENO);
    close(kept);
}

static void give_more_than_there_is_room_for(struct bench *bench)
{
    start(bench);
    for (unsigned i = 0; i < 5000; i++)
        give(bench, EVENT_CALL_ENDED, i);
    sleep(2); /* what is lost is looked for each second */
    stop(bench, PATIENCE_MS);
}

static bool says_loss(struct bench *bench)
{
    char text[4096];
    FILE *said = tmpfile();
    assert_non_null(said);
    say_into(said, give_more_than_there_is_room_for, bench);
    rewind(said);
    text[fread(text, 1, sizeof text - 1, said)] = 0;
    fclose(said);
    return strstr(text, "events are lost") != NULL;
}

/* Where somebody waits for room, none is lost, and none is said to be. */
static void test_waiting_for_room_is_no_loss(void **state)
{
    struct bench *bench = *state;
    bench->params.outbox_bytes = 64 << 10;
    assert_false(says_loss(bench));
    all_are_there(bench, "calls", 5000, 1);
    bench->params.may_wait = false;
    assert_true(says_loss(bench));
}

/* The leftover in shared memory is found by the spool's folder, however that is called. */
static void test_what_was_killed_is_found_by_any_name_of_its_spool(void **state)
{
    struct bench *bench = *state;
    char folder[80], other[96], error[256];
    snprintf(folder, sizeof folder, "%s/spool", bench->dir);
    snprintf(other, sizeof other, "%s/./spool/", bench->dir);
    bench->params.spool.dir = folder; /* which is not there yet */
    bench->exporter = exporter_open(&bench->params, error, sizeof error);
    assert_non_null(bench->exporter);
    for (unsigned i = 0; i < 10; i++)
        give(bench, EVENT_CALL_ENDED, i);
    exporter_close(bench->exporter); /* it was never started: as if it was killed */
    bench->params.spool.dir = other;
    start(bench);
    wait_delivered(bench, EVENT_CALL_ENDED, 10);
    stop(bench, PATIENCE_MS);
    all_are_there(bench, "calls", 10, 1);
    remove_files(folder);
}

/* A partition that has no leader keeps what is on its way there for ever. */
static void test_a_refused_topic_and_a_missing_leader_do_not_stop_the_rest(void **state)
{
    struct bench *bench = *state;
    for (int partition = 0; partition < PARTITIONS; partition++)
        rd_kafka_mock_partition_set_leader(bench->cluster.mock, "calls", partition, -1);
    rd_kafka_mock_push_request_errors(bench->cluster.mock, PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    start(bench);
    give(bench, EVENT_RTP_REPORT, 0);
    int64_t end = now_ms() + PATIENCE_MS;
    while (stats_of(bench).kafka.errors == 0 && now_ms() < end)
        nanosleep(&(struct timespec){.tv_nsec = 1500000}, NULL);
    give(bench, EVENT_CALL_ENDED, 0);
    wait_delivered(bench, EVENT_RTP_REPORT, 1);
    struct event event = {.type = EVENT_MIRROR_DEGRADED, .id = "new"};
    exporter_write(bench->exporter, &event);
    wait_delivered(bench, EVENT_MIRROR_DEGRADED, 1);
    for (int partition = 0; partition < PARTITIONS; partition++)
        rd_kafka_mock_partition_set_leader(bench->cluster.mock, "calls", partition, 1);
    wait_delivered(bench, EVENT_CALL_ENDED, 1);
}

/* What the spool dropped was on its way, and does not arrive any more. */
static void test_what_was_dropped_on_its_way_is_counted_at_the_end(void **state)
{
    struct bench *bench = *state;
    bench->params.spool.bytes_max = 64 << 10;
    rd_kafka_mock_broker_set_down(bench->cluster.mock, 1);
    start(bench);
    for (unsigned i = 0; i < 2000; i++)
        give(bench, EVENT_RTP_REPORT, i);
    exporter_finish(bench->exporter, 0);
    struct exporter_stats stats = stats_of(bench);
    assert_int_equal(stats.delivered[EVENT_RTP_REPORT], 0);
    assert_int_equal(stats.failed[EVENT_RTP_REPORT], 0);
    assert_true(stats.spool.dropped_full > 1000);
    assert_int_equal(stats.spool.dropped_full + stats.spool.records, 2000);
}

/* No file may grow: as a full disk. */
static void fail_disk(struct rlimit *before)
{
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, before), 0);
    struct rlimit none = {.rlim_cur = 0, .rlim_max = before->rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
}

/* Without shared memory, what no disk takes ends with the process; what Kafka has does not. */
static void test_what_ends_with_the_process_is_counted(void **state)
{
    struct bench *bench = *state;
    struct rlimit before;
    char error[256];
    struct exporter *other = exporter_open(&bench->params, error, sizeof error);
    assert_non_null(other); /* it has the shared memory */
    start(bench);
    give(bench, EVENT_RTP_REPORT, 0);
    wait_delivered(bench, EVENT_RTP_REPORT, 1);
    fail_disk(&before);
    for (unsigned i = 0; i < 100; i++)
        give(bench, EVENT_RTP_REPORT, i);
    wait_delivered(bench, EVENT_RTP_REPORT, 101);
    rd_kafka_mock_broker_set_down(bench->cluster.mock, 1);
    for (unsigned i = 0; i < 1000; i++)
        give(bench, EVENT_CALL_ENDED, i);
    exporter_finish(bench->exporter, 0);
    struct exporter_stats stats = stats_of(bench);
    setrlimit(RLIMIT_FSIZE, &before);
    exporter_close(other);
    assert_int_equal(stats.delivered[EVENT_CALL_ENDED], 0);
    assert_int_equal(stats.failed[EVENT_RTP_REPORT], 0);
    assert_int_equal(stats.failed[EVENT_CALL_ENDED], 1000);
}

/* As a later version may leave them, in shared memory and in the spool. */
static void test_what_cannot_be_read_is_counted(void **state)
{
    struct bench *bench = *state;
    char name[64], error[256] = "";
    struct slice strange = SLICE("\377 is no version that is known");
    snprintf(name, sizeof name, "kafka.%016llx",
             (unsigned long long)spool_key_hash(slice_str(bench->dir)));
    struct outbox *outbox = outbox_open(name, 1 << 20, error, sizeof error);
    assert_non_null(outbox);
    assert_true(outbox_put(outbox, &strange, 1));
    outbox_close(outbox);
    struct spool *spool = spool_open(&bench->params.spool, error, sizeof error);
    assert_non_null(spool);
    assert_true(spool_append(spool, strange, 1) > 0 && spool_write(spool));
    spool_close(spool);
    start(bench);
    give(bench, EVENT_CALL_ENDED, 0);
    wait_delivered(bench, EVENT_CALL_ENDED, 1);
    exporter_finish(bench->exporter, PATIENCE_MS);
    assert_int_equal(stats_of(bench).spool.dropped_damaged, 2);
    assert_int_equal(stats_of(bench).spool.records, 0);
}

static void test_what_cannot_be_opened_is_said(void **state)
{
    struct bench *bench = *state;
    char error[256] = "";
    const char *properties[] = {"no.such=1"};
    bench->params.kafka.properties = properties;
    bench->params.kafka.property_count = 1;
    bench->exporter = exporter_open(&bench->params, error, sizeof error);
    assert_non_null(bench->exporter);
    assert_false(exporter_start(bench->exporter, error, sizeof error));
    assert_non_null(strstr(error, "no.such"));
    exporter_close(bench->exporter);
    bench->params.kafka.property_count = 0;
    bench->params.spool.dir = "/proc/nowhere";
    bench->exporter = exporter_open(&bench->params, error, sizeof error);
    assert_non_null(bench->exporter);
    assert_false(exporter_start(bench->exporter, error, sizeof error));
    assert_non_null(strstr(error, "/proc/nowhere"));
    exporter_close(bench->exporter);
    bench->exporter = NULL;
    exporter_close(NULL);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_events_arrive_once),
        TEST(test_what_waits_is_delivered_by_the_next_start),
        TEST(test_hurry_ends_the_wait),
        TEST(test_order_outlives_failures),
        TEST(test_a_refused_topic_waits_and_the_others_go_on),
        TEST(test_what_is_never_taken_is_counted),
        TEST(test_what_waits_does_not_starve_what_is_new),
        TEST(test_a_full_outbox_refuses),
        TEST(test_waiting_for_room_is_no_loss),
        TEST(test_what_was_killed_is_found_by_any_name_of_its_spool),
        TEST(test_a_refused_topic_and_a_missing_leader_do_not_stop_the_rest),
        TEST(test_what_was_dropped_on_its_way_is_counted_at_the_end),
        TEST(test_what_ends_with_the_process_is_counted),
        TEST(test_what_cannot_be_read_is_counted),
        TEST(test_what_cannot_be_opened_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
