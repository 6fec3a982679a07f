/*
 * kafka_producer: events to Kafka by librdkafka, the only file that sees it. CloudEvents binary
 * mode: headers ce_*, the value is the data; the key is the record's.
 *
 * Idempotent, acks=all; a message that was taken is retried until it is delivered or known to be
 * undeliverable (no time limit: the spool decides what is too old). Never blocks for long. What
 * operators need to know comes out through kafka_log.h. A fatal error of the producer is mended by
 * making a new one; what was on its way is told as KAFKA_RETRY.
 *
 * A topic may take smaller batches than the broker's default, and then refuses those of many small
 * events: they are told as KAFKA_RETRY and come in smaller ones. KAFKA_NEVER was alone.
 *
 * Thread: the exporter's, but for create and destroy; it also gets the callbacks, inside
 * kafka_producer_poll, _purge, _stop and, for what librdkafka refuses to take, _put. Stats: any.
 */
#ifndef SIPSPAN_EXPORT_KAFKA_PRODUCER_H
#define SIPSPAN_EXPORT_KAFKA_PRODUCER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "export/event_record.h"

struct kafka_producer;

enum kafka_result {
    KAFKA_DELIVERED,
    KAFKA_RETRY, /* it failed, and may work later: order is lost if others of its key went on, so
                    purge and begin again with the oldest */
    KAFKA_TOPIC_REFUSED, /* the topic may not be written, or is not there: as KAFKA_RETRY, but not
                            soon */
    KAFKA_NEVER,         /* the broker will not take this one: too large */
};

/* What became of a message. */
struct kafka_settled {
    uint64_t number;
    enum event_family family;
    enum event_type type;
    enum kafka_result result;
};

struct kafka_params {
    const char *const *brokers; /* "HOST:PORT" */
    size_t broker_count;
    const char *topic[FAMILY_COUNT];
    const char *compression; /* as librdkafka has it: "zstd" */
    const char *const
        *properties; /* "name=value", go to librdkafka as they are and win over what is set here */
    size_t property_count;
    const char *client_id;
    /* Must call nothing of the producer. */
    void (*settled)(void *context, const struct kafka_settled *what);
    void *context;
};

/* All that params points to must outlive it. NULL, and error filled, where a property is wrong; a
 * value is not shown where it may be a secret. */
struct kafka_producer *kafka_producer_create(const struct kafka_params *params, char *error,
                                             size_t len);
/* For good: what is on its way is given up, as kafka_producer_purge does; only the statistics stay.
 */
void kafka_producer_stop(struct kafka_producer *producer);
void kafka_producer_destroy(struct kafka_producer *producer); /* NULL does nothing */

/* True: taken, and settled will be called for it, or was. False: no room; no family gets more than
 * half of it. Numbers have 48 bits. */
bool kafka_producer_put(struct kafka_producer *producer, const struct event_record *record,
                        uint64_t number);
/* Three quarters of the room are taken: the rest is for what is new. */
bool kafka_producer_is_busy(const struct kafka_producer *producer);
/* Calls `settled` for what has been; waits for the first that long. */
void kafka_producer_poll(struct kafka_producer *producer, int timeout_ms);
/*
 * Gives up what is on its way: settled before this returns, most with KAFKA_RETRY; what is not
 * within 5 s is never told: the caller counts from 0.
 */
void kafka_producer_purge(struct kafka_producer *producer);

/* From any thread. */
struct kafka_stats {
    bool is_up;           /* a broker answers, and refuses no events */
    uint64_t on_its_way;  /* messages */
    uint64_t errors;      /* connections lost or refused, logins and events refused … */
    uint64_t restarts;    /* after fatal errors */
    char last_error[256]; /* empty: none */
};
void kafka_producer_stats(struct kafka_producer *producer, struct kafka_stats *out);

const char *kafka_library_version(void); /* "2.0.2" */

#endif
