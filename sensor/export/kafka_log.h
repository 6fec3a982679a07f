/*
 * kafka_log: what operators are told of Kafka: one line when something begins to be wrong, with
 * what to do, one when it is well again, and a reminder now and then. Internal to kafka_producer.
 */
#ifndef SIPSPAN_EXPORT_KAFKA_LOG_H
#define SIPSPAN_EXPORT_KAFKA_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "export/event_record.h"

enum kafka_trouble {
    KAFKA_WELL,
    KAFKA_UNREACHABLE,
    KAFKA_NAME_UNKNOWN,  /* the name server does not know the broker */
    KAFKA_LOGIN_REFUSED, /* wrong password, or no right to write at all */
    KAFKA_TLS_FAILED,
    KAFKA_STALLED,      /* connected, and nothing is confirmed */
    KAFKA_FAILED,       /* the producer had to begin anew */
    KAFKA_REFUSED,      /* a broker answers, and does not take events */
    KAFKA_TIME_REFUSED, /* for their timestamps */
    KAFKA_TROUBLE_COUNT
};

enum { KAFKA_REASON_MAX = 256 };

struct kafka_log {
    enum kafka_trouble trouble;
    bool was_well; /* at least once */
    bool is_topic_refused[FAMILY_COUNT];
    int64_t refused_ns[FAMILY_COUNT];   /* its events, as trouble; 0: one was taken since */
    bool was_said[KAFKA_TROUBLE_COUNT]; /* since all was well */
    int64_t said_ns[KAFKA_TROUBLE_COUNT];
};

/* librdkafka's words as an operator's: without what only its authors need, and nothing a terminal
 * would act upon. */
void kafka_log_clean(const char *words, char reason[static KAFKA_REASON_MAX]);

/* A line of librdkafka's own log that comes as an error, too, and is told there, or is of our own
 * doing. */
bool kafka_log_is_told(const char *facility, const char *words);

/* It is wrong: now_ns is monotonic. */
void kafka_log_trouble(struct kafka_log *log, enum kafka_trouble trouble, const char *reason,
                       int64_t now_ns);
/* A broker answers, or took an event. */
void kafka_log_well(struct kafka_log *log);

/* Trouble with one topic's events, which are tried again: all is not well until one of them is
 * taken, or for a minute. */
void kafka_log_events_refused(struct kafka_log *log, enum event_family family, const char *topic,
                              enum kafka_trouble trouble, const char *reason, int64_t now_ns);
bool kafka_log_is_refusing(const struct kafka_log *log, int64_t now_ns);

void kafka_log_topic_refused(struct kafka_log *log, enum event_family family, const char *topic,
                             const char *reason);
void kafka_log_topic_taken(struct kafka_log *log, enum event_family family, const char *topic);

#endif
