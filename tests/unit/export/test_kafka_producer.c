/* Events to a mock cluster, whose brokers go, refuse and come back: what becomes of each is told.
 */
#include "kafka_bench.h"

enum { NUMBERS_MAX = 60000 };

struct bench {
    struct cluster cluster;
    struct kafka_params params;
    struct kafka_producer *producer;
    uint64_t results[4];
    int last[NUMBERS_MAX]; /* result of each number, -1: none yet */
    uint64_t settled;
};

static void on_settled(void *context, const struct kafka_settled *what)
{
    struct bench *bench = context;
    assert_true(what->number < NUMBERS_MAX);
    bench->results[what->result]++;
    bench->last[what->number] = (int)what->result;
    bench->settled++;
}

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    cluster_open(&bench->cluster);
    bench->params = cluster_params(&bench->cluster);
    bench->params.settled = on_settled;
    bench->params.context = bench;
    memset(bench->last, -1, sizeof bench->last);
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    kafka_producer_destroy(bench->producer);
    cluster_close(&bench->cluster);
    free(bench);
    return 0;
}

static struct kafka_producer *make(struct bench *bench)
{
    char error[256];
    bench->producer = kafka_producer_create(&bench->params, error, sizeof error);
    if (!bench->producer)
        fail_msg("%s", error);
    return bench->producer;
}

/* A record with this key; its data say its number. */
static bool put_sized(struct bench *bench, enum event_family family, const char *key,
                      uint64_t number, size_t padding)
{
    static char data[2 << 20];
    int len = snprintf(data, 64, "{\"n\":%llu", (unsigned long long)number);
    memset(data + len, ' ', padding);
    data[(size_t)len + padding] = '}';
    return kafka_producer_put(bench->producer,
                              &(struct event_record){
                                  .family = family,
                                  .type = EVENT_CALL_ENDED,
                                  .type_name = SLICE("sipspan.call.ended"),
                                  .id = SLICE("id-1"),
                                  .time = SLICE("2026-01-01T00:00:00.000000Z"),
                                  .source = SLICE("/sipspan/sensor-1"),
                                  .subject = slice_str(key),
                                  .dataschema = SLICE("urn:sipspan:events:sipspan.call.ended:1"),
                                  .key = slice_str(key),
                                  .data = slice_of(data, (size_t)len + padding + 1),
                              },
                              number);
}

static void put(struct bench *bench, enum event_family family, const char *key, uint64_t number)
{
    if (!put_sized(bench, family, key, number, 0))
        fail_msg("number %llu was not taken", (unsigned long long)number);
}

static void wait_settled(struct bench *bench, uint64_t settled)
{
    int64_t end = now_ms() + PATIENCE_MS;
    while (bench->settled < settled && now_ms() < end)
        kafka_producer_poll(bench->producer, 20);
    if (bench->settled != settled)
        fail_msg("%llu are settled, not %llu", (unsigned long long)bench->settled,
                 (unsigned long long)settled);
}

static void wait_up(struct bench *bench, bool is_up)
{
    struct kafka_stats stats;
    int64_t end = now_ms() + PATIENCE_MS;
    do {
        kafka_producer_poll(bench->producer, 20);
        kafka_producer_stats(bench->producer, &stats);
    } while (stats.is_up != is_up && now_ms() < end);
    assert_int_equal(stats.is_up, is_up);
}

/* Numbers of the topic's messages, each as often as it is there; those of one key (every tenth) in
 * their order, where each counts when it comes first. */
static void count_numbers(const struct bench *bench, const char *topic, unsigned *times,
                          unsigned numbers)
{
    struct reader reader = reader_open(&bench->cluster, topic);
    long before[10] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    rd_kafka_message_t *message;
    while ((message = reader_next(&reader)) != NULL) {
        char text[64];
        snprintf(text, sizeof text, "%.*s", (int)message->len, (const char *)message->payload);
        long number = strtol(text + 5, NULL, 10);
        assert_in_range(number, 0, numbers - 1);
        if (times[number]++ == 0) {
            assert_true(number > before[number % 10]);
            before[number % 10] = number;
        }
        rd_kafka_message_destroy(message);
    }
    reader_close(&reader);
}

static const char *key_of(uint64_t number)
{
    static const char *const keys[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    return keys[number % 10];
}

/* --- the tests */

static void check_header(const rd_kafka_headers_t *headers, const char *name, const char *value)
{
    const void *at;
    size_t len;
    if (rd_kafka_header_get_last(headers, name, &at, &len) != RD_KAFKA_RESP_ERR_NO_ERROR)
        fail_msg("there is no header %s", name);
    assert_int_equal(len, strlen(value));
    assert_memory_equal(at, value, len);
}

static void test_messages_are_as_cloudevents_has_them(void **state)
{
    struct bench *bench = *state;
    struct kafka_stats stats;
    rd_kafka_headers_t *headers;
    make(bench);
    put(bench, FAMILY_INVITES, "call-1@example.net", 7);
    kafka_producer_stats(bench->producer, &stats);
    assert_int_equal(stats.on_its_way, 1);
    wait_settled(bench, 1);
    assert_int_equal(bench->last[7], KAFKA_DELIVERED);
    kafka_producer_stats(bench->producer, &stats);
    assert_int_equal(stats.on_its_way, 0);
    assert_true(stats.is_up);

    struct reader reader = reader_open(&bench->cluster, "invites");
    rd_kafka_message_t *message = reader_next(&reader);
    assert_non_null(message);
    assert_int_equal(message->key_len, strlen("call-1@example.net"));
    assert_memory_equal(message->key, "call-1@example.net", message->key_len);
    assert_int_equal(message->len, 7);
    assert_memory_equal(message->payload, "{\"n\":7}", 7);
    assert_int_equal(rd_kafka_message_headers(message, &headers), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(rd_kafka_header_cnt(headers), 9);
    check_header(headers, "ce_specversion", "1.0");
    check_header(headers, "ce_id", "id-1");
    check_header(headers, "ce_source", "/sipspan/sensor-1");
    check_header(headers, "ce_type", "sipspan.call.ended");
    check_header(headers, "ce_time", "2026-01-01T00:00:00.000000Z");
    check_header(headers, "ce_subject", "call-1@example.net");
    check_header(headers, "ce_dataschema", "urn:sipspan:events:sipspan.call.ended:1");
    check_header(headers, "ce_partitionkey", "call-1@example.net");
    check_header(headers, "content-type", "application/json");
    rd_kafka_message_destroy(message);
    assert_null(reader_next(&reader));
    reader_close(&reader);
}

static void refuses(struct bench *bench, const char *property, const char *expected,
                    const char *never)
{
    char error[256] = "";
    const char *properties[] = {"security.protocol=ssl", property};
    bench->params.properties = properties;
    bench->params.property_count = 2;
    struct kafka_producer *producer = kafka_producer_create(&bench->params, error, sizeof error);
    if (producer)
        fail_msg("%s was taken", property);
    if (!strstr(error, expected))
        fail_msg("%s gave '%s' without '%s'", property, error, expected);
    if (never && strstr(error, never))
        fail_msg("%s gave '%s'", property, error);
}

static void test_wrong_properties_are_named(void **state)
{
    struct bench *bench = *state;
    refuses(bench, "no.such.property=1",
            "kafka_properties: No such configuration property: \"no.such.property\"", NULL);
    refuses(bench, "acks=many", "acks", NULL);
    refuses(bench, "acks=1", "acks", NULL);
    refuses(bench, "sasl.password", "number 2 of them is not NAME=VALUE", NULL);
    refuses(bench, "=swordfish", "number 2 of them is not NAME=VALUE", "swordfish");
    refuses(bench, "swordfish", "number 2 of them is not NAME=VALUE", "swordfish");
    refuses(bench, "ssl.ca.location=/no/such/file", "ssl.ca.location", NULL);
    refuses(bench, "ssl.key.pem=swordfish", "ssl.key.pem", "swordfish");
}

static void test_the_users_properties_win(void **state)
{
    struct bench *bench = *state;
    /* Not idempotent: then acks=1 is fine. */
    const char *properties[] = {"enable.idempotence=false", "acks=1", "client.id=other"};
    bench->params.properties = properties;
    bench->params.property_count = 3;
    make(bench);
    put(bench, FAMILY_CALLS, "a", 1);
    wait_settled(bench, 1);
    assert_int_equal(bench->last[1], KAFKA_DELIVERED);
}

static void test_a_broker_that_comes_back_gets_all_in_order(void **state)
{
    struct bench *bench = *state;
    unsigned times[2000] = {0};
    make(bench);
    rd_kafka_mock_broker_set_down(bench->cluster.mock, 1);
    for (unsigned i = 0; i < 1000; i++)
        put(bench, FAMILY_CALLS, key_of(i), i);
    struct kafka_stats stats = {.errors = 0};
    for (int64_t end = now_ms() + PATIENCE_MS; stats.errors == 0 && now_ms() < end;) {
        kafka_producer_poll(bench->producer, 20);
        kafka_producer_stats(bench->producer, &stats);
    }
    assert_true(stats.errors > 0);
    assert_true(stats.last_error[0] != 0);
    assert_false(stats.is_up);
    assert_int_equal(bench->settled, 0);
    rd_kafka_mock_broker_set_up(bench->cluster.mock, 1);
    for (unsigned i = 1000; i < 2000; i++)
        put(bench, FAMILY_CALLS, key_of(i), i);
    wait_settled(bench, 2000);
    assert_int_equal(bench->results[KAFKA_DELIVERED], 2000);
    count_numbers(bench, "calls", times, 2000);
    for (unsigned i = 0; i < 2000; i++)
        assert_int_equal(times[i], 1);
}

static void test_whether_a_broker_answers_is_known_without_events(void **state)
{
    struct bench *bench = *state;
    make(bench);
    wait_up(bench, true);
    rd_kafka_mock_broker_set_down(bench->cluster.mock, 1);
    put(bench, FAMILY_CALLS, "a", 1);
    wait_up(bench, false);
}

static void test_passing_errors_are_not_told(void **state)
{
    struct bench *bench = *state;
    unsigned times[500] = {0};
    make(bench);
    rd_kafka_mock_push_request_errors(
        bench->cluster.mock, PRODUCE, 4, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND);
    for (unsigned i = 0; i < 500; i++)
        put(bench, FAMILY_CALLS, key_of(i), i);
    wait_settled(bench, 500);
    assert_int_equal(bench->results[KAFKA_DELIVERED], 500);
    count_numbers(bench, "calls", times, 500);
    for (unsigned i = 0; i < 500; i++)
        assert_true(times[i] >= 1); /* the mock appended some before it refused */
}

static void test_a_fatal_error_is_mended(void **state)
{
    struct bench *bench = *state;
    struct kafka_stats stats;
    make(bench);
    put(bench, FAMILY_CALLS, "a", 1);
    wait_settled(bench, 1);
    rd_kafka_mock_push_request_errors(bench->cluster.mock, PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH);
    rd_kafka_mock_push_request_errors(bench->cluster.mock, PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
    for (unsigned i = 2; i < 12; i++)
        put(bench, FAMILY_CALLS, "a", i);
    wait_settled(bench, 11);
    assert_int_equal(bench->results[KAFKA_RETRY], 10);
    int64_t end = now_ms() + PATIENCE_MS;
    for (unsigned i = 2; i < 12; i++)
        while (bench->last[i] != KAFKA_DELIVERED && now_ms() < end)
            if (!put_sized(bench, FAMILY_CALLS, "a", i, 0))
                kafka_producer_poll(bench->producer, 20);
            else
                wait_settled(bench, bench->settled + 1);
    for (unsigned i = 2; i < 12; i++)
        assert_int_equal(bench->last[i], KAFKA_DELIVERED);
    kafka_producer_stats(bench->producer, &stats);
    assert_int_equal(stats.restarts, 1);
}

static void test_a_refused_topic_is_told_as_such(void **state)
{
    struct bench *bench = *state;
    make(bench);
    put(bench, FAMILY_RTP, "a", 1);
    wait_settled(bench, 1);
    rd_kafka_mock_push_request_errors(bench->cluster.mock, PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    put(bench, FAMILY_RTP, "a", 2);
    wait_settled(bench, 2);
    assert_int_equal(bench->last[2], KAFKA_TOPIC_REFUSED);
    /* And when it may be written again, it is. */
    int64_t end = now_ms() + PATIENCE_MS;
    while (bench->last[3] != KAFKA_DELIVERED && now_ms() < end)
        if (!put_sized(bench, FAMILY_RTP, "a", 3, 0))
            kafka_producer_poll(bench->producer, 20);
        else
            wait_settled(bench, bench->settled + 1);
    assert_int_equal(bench->last[3], KAFKA_DELIVERED);
}

static void put_patiently(struct bench *bench, uint64_t number)
{
    int64_t end = now_ms() + PATIENCE_MS;
    while (!put_sized(bench, FAMILY_CALLS, "a", number, 100) && now_ms() < end)
        kafka_producer_poll(bench->producer, 20);
}

/* As where the sensor's clock is ahead: it goes on until somebody sees to it. */
static void test_what_is_refused_again_and_again_is_told(void **state)
{
    struct bench *bench = *state;
    struct kafka_stats stats;
    for (int i = 0; i < 100; i++)
        rd_kafka_mock_push_request_errors(bench->cluster.mock, PRODUCE, 1,
                                          RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP);
    make(bench);
    wait_up(bench, true);
    put(bench, FAMILY_CALLS, "a", 0);
    wait_settled(bench, 1);
    assert_int_equal(bench->results[KAFKA_RETRY], 1);
    kafka_producer_stats(bench->producer, &stats);
    assert_int_equal(stats.errors, 1);
    assert_string_equal(stats.last_error, "Broker: Invalid timestamp");
    /* A broker answers, but that is not all. */
    for (int64_t end = now_ms() + 4000; now_ms() < end;) {
        kafka_producer_poll(bench->producer, 20);
        kafka_producer_stats(bench->producer, &stats);
        assert_false(stats.is_up);
    }
    rd_kafka_mock_clear_request_errors(bench->cluster.mock, PRODUCE);
    put(bench, FAMILY_RTP, "a", 1); /* which says nothing of the other topic */
    wait_settled(bench, 2);
    kafka_producer_stats(bench->producer, &stats);
    assert_false(stats.is_up);
    put(bench, FAMILY_CALLS, "a", 0);
    wait_settled(bench, 3);
    assert_int_equal(bench->results[KAFKA_DELIVERED], 2);
    kafka_producer_stats(bench->producer, &stats);
    assert_true(stats.is_up);
    /* What is given up at the end is no error. */
    assert_int_equal(stats.errors, 1);
    put(bench, FAMILY_CALLS, "a", 2);
    kafka_producer_stop(bench->producer);
    kafka_producer_stats(bench->producer, &stats);
    assert_int_equal(stats.errors, 1);
}

static void test_a_batch_that_is_too_large_comes_in_smaller_ones(void **state)
{
    struct bench *bench = *state;
    make(bench);
    rd_kafka_mock_push_request_errors(bench->cluster.mock, PRODUCE, 2,
                                      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
                                      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    for (unsigned i = 0; i < 10; i++)
        put(bench, FAMILY_CALLS, "a", i);
    wait_settled(bench, 10);
    assert_int_equal(bench->results[KAFKA_RETRY], 10);
    for (unsigned i = 0; i < 10; i++)
        put_patiently(bench, i);
    wait_settled(bench, 20);
    for (unsigned i = 0; i < 10; i++)
        put_patiently(bench, i);
    wait_settled(bench, 30);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(bench->last[i], KAFKA_DELIVERED);
    assert_int_equal(bench->results[KAFKA_NEVER], 0);
}

static void test_what_is_too_large_alone_is_never_taken(void **state)
{
    struct bench *bench = *state;
    int tries = 0;
    make(bench);
    for (; tries < 20 && bench->results[KAFKA_NEVER] == 0; tries++) {
        rd_kafka_mock_push_request_errors(bench->cluster.mock, PRODUCE, 1,
                                          RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
        put_patiently(bench, 1);
        wait_settled(bench, bench->settled + 1);
    }
    assert_in_range(tries, 2, 12);
    assert_int_equal(bench->results[KAFKA_NEVER], 1);
    put_patiently(bench, 2);
    wait_settled(bench, bench->settled + 1);
    assert_int_equal(bench->last[2], KAFKA_DELIVERED);
}

static void test_room_is_bounded_and_shared(void **state)
{
    struct bench *bench = *state;
    struct kafka_stats stats;
    uint64_t taken = 0;
    rd_kafka_mock_broker_set_down(bench->cluster.mock, 1);
    make(bench);
    while (put_sized(bench, FAMILY_CALLS, "a", taken, 2000))
        taken++;
    uint64_t calls = taken;
    assert_in_range(calls, 1000, 20000);
    assert_false(kafka_producer_is_busy(bench->producer));
    while (put_sized(bench, FAMILY_RTP, "a", taken, 2000))
        taken++;
    assert_in_range(taken, 2 * calls - 2, 2 * calls + 2);
    assert_true(kafka_producer_is_busy(bench->producer));
    kafka_producer_stats(bench->producer, &stats);
    assert_int_equal(stats.on_its_way, taken);
    /* All of it is told of before purge returns, and then there is room. */
    kafka_producer_purge(bench->producer);
    assert_int_equal(bench->results[KAFKA_RETRY], taken);
    assert_int_equal(bench->settled, taken);
    assert_false(kafka_producer_is_busy(bench->producer));
    rd_kafka_mock_broker_set_up(bench->cluster.mock, 1);
    put(bench, FAMILY_CALLS, "a", 50000);
    wait_settled(bench, taken + 1);
    assert_int_equal(bench->last[50000], KAFKA_DELIVERED);
}

static void test_destroying_tells_what_was_on_its_way(void **state)
{
    struct bench *bench = *state;
    rd_kafka_mock_broker_set_down(bench->cluster.mock, 1);
    make(bench);
    for (unsigned i = 0; i < 100; i++)
        put(bench, FAMILY_CALLS, "a", i);
    kafka_producer_destroy(bench->producer);
    bench->producer = NULL;
    assert_int_equal(bench->results[KAFKA_RETRY], 100);
    kafka_producer_destroy(NULL);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_messages_are_as_cloudevents_has_them),
        TEST(test_wrong_properties_are_named),
        TEST(test_the_users_properties_win),
        TEST(test_a_broker_that_comes_back_gets_all_in_order),
        TEST(test_whether_a_broker_answers_is_known_without_events),
        TEST(test_passing_errors_are_not_told),
        TEST(test_a_fatal_error_is_mended),
        TEST(test_a_refused_topic_is_told_as_such),
        TEST(test_what_is_refused_again_and_again_is_told),
        TEST(test_a_batch_that_is_too_large_comes_in_smaller_ones),
        TEST(test_what_is_too_large_alone_is_never_taken),
        TEST(test_room_is_bounded_and_shared),
        TEST(test_destroying_tells_what_was_on_its_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
