/* A cluster of librdkafka's own, in this process, and what is in its topics. */
#ifndef SIPSPAN_TESTS_KAFKA_BENCH_H
#define SIPSPAN_TESTS_KAFKA_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "base/log.h"
#include "export/kafka_producer.h"

enum { PATIENCE_MS = 30000, PRODUCE = 0, PARTITIONS = 2 };

static const char *const topics[FAMILY_COUNT] = {"calls", "invites", "rtp", "sensor"};

struct cluster {
    rd_kafka_t *host;
    rd_kafka_mock_cluster_t *mock;
    const char *brokers[1];
};

static inline void cluster_open(struct cluster *cluster)
{
    /* What goes wrong here is said by the tests: LOUD shows what operators would see. */
    log_set_level(getenv("LOUD") ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
    cluster->host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
    assert_non_null(cluster->host);
    cluster->mock = rd_kafka_mock_cluster_new(cluster->host, 1);
    assert_non_null(cluster->mock);
    for (int family = 0; family < FAMILY_COUNT; family++)
        rd_kafka_mock_topic_create(cluster->mock, topics[family], PARTITIONS, 1);
    cluster->brokers[0] = rd_kafka_mock_cluster_bootstraps(cluster->mock);
}

static inline void cluster_close(struct cluster *cluster)
{
    rd_kafka_mock_cluster_destroy(cluster->mock);
    rd_kafka_destroy(cluster->host);
}

static inline struct kafka_params cluster_params(const struct cluster *cluster)
{
    struct kafka_params params = {
        .brokers = cluster->brokers,
        .broker_count = 1,
        .compression = "zstd",
        .client_id = "sensor-1",
    };
    memcpy(params.topic, topics, sizeof topics);
    return params;
}

static inline int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Reads a topic from its beginning. */
struct reader {
    rd_kafka_t *rk;
    rd_kafka_topic_partition_list_t *partitions;
    int ends; /* partitions that are read */
};

static inline struct reader reader_open(const struct cluster *cluster, const char *topic)
{
    struct reader reader = {.ends = 0};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", cluster->brokers[0], NULL, 0);
    rd_kafka_conf_set(conf, "group.id", "test", NULL, 0);
    rd_kafka_conf_set(conf, "enable.partition.eof", "true", NULL, 0);
    reader.rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, NULL, 0);
    assert_non_null(reader.rk);
    reader.partitions = rd_kafka_topic_partition_list_new(PARTITIONS);
    for (int partition = 0; partition < PARTITIONS; partition++)
        rd_kafka_topic_partition_list_add(reader.partitions, topic, partition)->offset =
            RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(reader.rk, reader.partitions);
    return reader;
}

static inline void reader_close(struct reader *reader)
{
    rd_kafka_topic_partition_list_destroy(reader->partitions);
    rd_kafka_consumer_close(reader->rk);
    rd_kafka_destroy(reader->rk);
}

/* The next message, NULL at the end; the caller destroys it. */
static inline rd_kafka_message_t *reader_next(struct reader *reader)
{
    int64_t end = now_ms() + PATIENCE_MS;
    while (reader->ends < PARTITIONS && now_ms() < end) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reader->rk, 100);
        if (message && !message->err)
            return message;
        if (message && message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            reader->ends++;
        if (message)
            rd_kafka_message_destroy(message);
    }
    assert_int_equal(reader->ends, PARTITIONS);
    return NULL;
}

#endif
