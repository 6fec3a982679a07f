#include "export/kafka_producer.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "export/kafka_log.h"
#include "export/kafka_note.h"
#include "export/kafka_settings.h"

enum {
    MESSAGE_OVERHEAD = 1024, /* what librdkafka needs for one: its headers, its own */
    HEADERS = 9,
    PURGE_WAIT_MS = 5000,
    BATCH_LESS = 4, /* a batch that was too large becomes smaller by this */
};

/* Of messages on their way. */
#define ROOM_BYTES (UINT64_C(24) << 20)

#define SECOND_NS         INT64_C(1000000000)
#define STALLED_NS        (10 * SECOND_NS)
#define RESTART_PAUSE_MIN SECOND_NS
#define RESTART_PAUSE_MAX (30 * SECOND_NS)

struct kafka_producer {
    struct kafka_params params;
    rd_kafka_t *rk; /* NULL: a fatal error took it, and another try is to come */
    rd_kafka_topic_t *topic[FAMILY_COUNT];
    size_t batch_bytes;                         /* largest batch, 0: as configured */
    size_t batch_in_use;                        /* what that is */
    bool must_restart;                          /* with smaller batches */
    uint64_t bytes, family_bytes[FAMILY_COUNT]; /* on their way */
    bool is_all_down;
    bool was_idle_close;   /* what was lost last was a connection that nobody used */
    unsigned ups;          /* statistics in a row that show a broker that answers */
    int64_t last_alive_ns; /* when a message was settled, or the first was put */
    int64_t restart_ns, restart_pause_ns;
    enum kafka_trouble last_trouble;
    struct kafka_log log;
    _Atomic bool is_up;
    _Atomic uint64_t on_its_way, errors, restarts;
    pthread_mutex_t lock; /* of last_error */
    char last_error[KAFKA_REASON_MAX];
};

static int64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * SECOND_NS + ts.tv_nsec;
}

/* --- what became of messages */

static void note_error(struct kafka_producer *producer, const char *reason)
{
    atomic_fetch_add_explicit(&producer->errors, 1, memory_order_relaxed);
    pthread_mutex_lock(&producer->lock);
    snprintf(producer->last_error, sizeof producer->last_error, "%s", reason);
    pthread_mutex_unlock(&producer->lock);
}

/* The broker refuses a batch. Alone in it, it is the message that is too large, or wrong. */
static enum kafka_result refused_batch(struct kafka_producer *producer, bool is_alone)
{
    if (is_alone)
        return KAFKA_NEVER;
    if (!producer->must_restart)
        producer->batch_bytes = producer->batch_in_use / BATCH_LESS + 1;
    producer->must_restart = true;
    return KAFKA_RETRY;
}

static enum kafka_result result_of(struct kafka_producer *producer, rd_kafka_resp_err_t err,
                                   bool is_alone)
{
    switch ((int)err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return KAFKA_DELIVERED;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
        return refused_batch(producer, is_alone);
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS:
        return KAFKA_TOPIC_REFUSED;
    default:
        return KAFKA_RETRY;
    }
}

/* Nothing new are what follows from giving up or from a fatal error, and batches that come again in
 * smaller ones. */
static bool is_news(const struct kafka_producer *producer, rd_kafka_resp_err_t err)
{
    char words[KAFKA_REASON_MAX];
    if (err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT ||
        err == RD_KAFKA_RESP_ERR__FATAL || producer->must_restart)
        return false;
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(producer->rk, words, sizeof words);
    return fatal == RD_KAFKA_RESP_ERR_NO_ERROR || fatal == RD_KAFKA_RESP_ERR__GAPLESS_GUARANTEE;
}

static void say_refused(struct kafka_producer *producer, enum event_family family,
                        rd_kafka_resp_err_t err)
{
    const char *reason = rd_kafka_err2str(err);
    note_error(producer, reason);
    kafka_log_events_refused(&producer->log, family, producer->params.topic[family],
                             err == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP ? KAFKA_TIME_REFUSED
                                                                        : KAFKA_REFUSED,
                             reason, now_ns());
    atomic_store_explicit(&producer->is_up, false, memory_order_relaxed);
}

/* A broker answers; once one takes events, what kept it from that is over, too. */
static void say_well(struct kafka_producer *producer, bool takes_events)
{
    producer->is_all_down = false;
    if (kafka_log_is_refusing(&producer->log, now_ns()))
        return;
    atomic_store_explicit(&producer->is_up, true, memory_order_relaxed);
    if (takes_events ||
        (producer->log.trouble != KAFKA_STALLED && producer->log.trouble != KAFKA_FAILED))
        kafka_log_well(&producer->log);
}

static void say_result(struct kafka_producer *producer, const struct kafka_settled *what,
                       rd_kafka_resp_err_t err, size_t bytes)
{
    const char *topic = producer->params.topic[what->family];
    switch (what->result) {
    case KAFKA_DELIVERED:
        producer->restart_pause_ns = 0;
        kafka_log_topic_taken(&producer->log, what->family, topic);
        say_well(producer, true);
        break;
    case KAFKA_TOPIC_REFUSED:
        note_error(producer, rd_kafka_err2str(err));
        kafka_log_topic_refused(&producer->log, what->family, topic, rd_kafka_err2str(err));
        break;
    case KAFKA_NEVER:
        log_limited(
            LOG_LEVEL_ERROR,
            "Kafka: topic %s does not take an event of %zu bytes (%s): it is lost; if it is too "
            "large, raise the topic's max.message.bytes, or message.max.bytes in kafka_properties",
            topic, bytes, rd_kafka_err2str(err));
        break;
    case KAFKA_RETRY:
        if (is_news(producer, err))
            say_refused(producer, what->family, err);
        break;
    }
}

/* As it lies in a batch, or a little less: the key is in a header, too. */
static size_t size_of(size_t value_len, size_t key_len)
{
    return value_len + 2 * key_len;
}

/* is_alone: in its batch. */
static void settle(struct kafka_producer *producer, const void *packed, rd_kafka_resp_err_t err,
                   size_t bytes, bool is_alone)
{
    struct kafka_settled what = kafka_note_unpack(packed);
    what.result = result_of(producer, err, is_alone);
    say_result(producer, &what, err, bytes);
    producer->params.settled(producer->params.context, &what);
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *context)
{
    struct kafka_producer *producer = context;
    size_t bytes = size_of(message->len, message->key_len);
    (void)rk;
    producer->bytes -= bytes + MESSAGE_OVERHEAD;
    producer->family_bytes[kafka_note_unpack(message->_private).family] -= bytes + MESSAGE_OVERHEAD;
    atomic_fetch_sub_explicit(&producer->on_its_way, 1, memory_order_relaxed);
    producer->last_alive_ns = now_ns();
    settle(producer, message->_private, message->err, bytes, bytes >= producer->batch_in_use);
}

/* --- how the brokers are */

static enum kafka_trouble trouble_of(int err, const char *words)
{
    switch (err) {
    case RD_KAFKA_RESP_ERR__RESOLVE:
        return KAFKA_NAME_UNKNOWN;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
        return KAFKA_LOGIN_REFUSED;
    case RD_KAFKA_RESP_ERR__SSL:
        return KAFKA_TLS_FAILED;
    default:
        return strstr(words, "security.protocol") ? KAFKA_TLS_FAILED : KAFKA_UNREACHABLE;
    }
}

/*
 * One broker of several may go as it likes. That all are down is told once, also when the last
 * closes a connection that was idle: then there is no trouble yet.
 */
static void on_error(rd_kafka_t *rk, int err, const char *words, void *context)
{
    struct kafka_producer *producer = context;
    char reason[KAFKA_REASON_MAX];
    (void)rk;
    if (err == RD_KAFKA_RESP_ERR__FATAL)
        return; /* kafka_producer_poll sees to it */
    if (err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        producer->is_all_down = true;
    } else {
        producer->ups = 0;
        kafka_log_clean(words, reason);
        note_error(producer, reason);
        log_debug("Kafka: %s", reason);
        producer->last_trouble = trouble_of(err, words);
        producer->was_idle_close = strstr(words, "Disconnected (after") != NULL;
    }
    bool is_idle = atomic_load_explicit(&producer->on_its_way, memory_order_relaxed) == 0;
    if (!producer->is_all_down || (producer->was_idle_close && is_idle))
        return;
    atomic_store_explicit(&producer->is_up, false, memory_order_relaxed);
    const char *last = producer->last_error;
    kafka_log_trouble(&producer->log, producer->last_trouble, last[0] ? last : words, now_ns());
}

/*
 * Of librdkafka's statistics only this is of interest: does a broker answer? Twice in a row: one
 * that misses a login answers first, and then hangs up.
 */
static int on_stats(rd_kafka_t *rk, char *json, size_t len, void *context)
{
    static const char up[] = "\"state\":\"UP\"";
    struct kafka_producer *producer = context;
    (void)rk;
    producer->ups = memmem(json, len, up, sizeof up - 1) ? producer->ups + 1 : 0;
    if (producer->ups < 2)
        return 0; /* it frees its text */
    say_well(producer, false);
    return 0;
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *words)
{
    char reason[KAFKA_REASON_MAX];
    (void)rk;
    kafka_log_clean(words, reason);
    if (level == 7 || kafka_log_is_told(facility, words))
        log_debug("Kafka: %s", reason);
    else
        log_limited(level <= 4 ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "Kafka: %s", reason);
}

/* --- the configuration */

static bool set(rd_kafka_conf_t *conf, const char *name, const char *value, char *error, size_t len)
{
    char words[KAFKA_REASON_MAX];
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, words, sizeof words);
    if (result == RD_KAFKA_CONF_OK)
        return true;
    if (result == RD_KAFKA_CONF_INVALID && kafka_setting_is_secret(name))
        snprintf(error, len, "kafka_properties: %s: its value is not valid", name);
    else
        snprintf(error, len, "kafka_properties: %s", words);
    return false;
}

static size_t conf_size(const rd_kafka_conf_t *conf, const char *name)
{
    char text[32] = "";
    size_t len = sizeof text;
    if (rd_kafka_conf_get(conf, name, text, &len) != RD_KAFKA_CONF_OK)
        return 0;
    return (size_t)strtoull(text, NULL, 10);
}

static bool conf_is(const rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char text[32] = "";
    size_t len = sizeof text;
    return rd_kafka_conf_get(conf, name, text, &len) == RD_KAFKA_CONF_OK &&
           strcmp(text, value) == 0;
}

/* What depends on what the user set. */
static bool set_last(struct kafka_producer *producer, rd_kafka_conf_t *conf, char *error,
                     size_t len)
{
    char bytes[32];
    /* A batch that fails for good stops all behind it, which else would overtake it. */
    if (conf_is(conf, "enable.idempotence", "true") &&
        !set(conf, "enable.gapless.guarantee", "true", error, len))
        return false;
    snprintf(bytes, sizeof bytes, "%zu", producer->batch_bytes);
    if (producer->batch_bytes > 0 && !set(conf, "batch.size", bytes, error, len))
        return false;
    producer->batch_in_use = conf_size(conf, "batch.size");
    return true;
}

static rd_kafka_conf_t *make_conf(struct kafka_producer *producer, char *error, size_t len)
{
    struct kafka_settings settings;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool is_good = kafka_settings_make(&producer->params, &settings, error, len);
    for (size_t i = 0; is_good && i < settings.count; i++)
        is_good = set(conf, settings.item[i].name, settings.item[i].value, error, len);
    kafka_settings_fini(&settings);
    if (!is_good || !set_last(producer, conf, error, len)) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    rd_kafka_conf_set_opaque(conf, producer);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_stats_cb(conf, on_stats);
    rd_kafka_conf_set_log_cb(conf, on_log);
    return conf;
}

/* --- its life */

static void end(struct kafka_producer *producer)
{
    for (int family = 0; family < FAMILY_COUNT; family++) {
        if (producer->topic[family])
            rd_kafka_topic_destroy(producer->topic[family]);
        producer->topic[family] = NULL;
    }
    if (producer->rk)
        rd_kafka_destroy(producer->rk);
    producer->rk = NULL;
    producer->bytes = 0;
    memset(producer->family_bytes, 0, sizeof producer->family_bytes);
    atomic_store_explicit(&producer->on_its_way, 0, memory_order_relaxed);
}

static bool begin(struct kafka_producer *producer, char *error, size_t len)
{
    char words[KAFKA_REASON_MAX];
    rd_kafka_conf_t *conf = make_conf(producer, error, len);
    if (!conf)
        return false;
    producer->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, words, sizeof words);
    if (!producer->rk) {
        snprintf(error, len, "Kafka: %s", words);
        rd_kafka_conf_destroy(conf);
        return false;
    }
    rd_kafka_set_log_queue(producer->rk, NULL);
    for (int family = 0; family < FAMILY_COUNT; family++) {
        producer->topic[family] =
            rd_kafka_topic_new(producer->rk, producer->params.topic[family], NULL);
        if (!producer->topic[family]) {
            snprintf(error, len, "Kafka: topic %s: %s", producer->params.topic[family],
                     rd_kafka_err2str(rd_kafka_last_error()));
            end(producer);
            return false;
        }
    }
    producer->must_restart = false;
    return true;
}

struct kafka_producer *kafka_producer_create(const struct kafka_params *params, char *error,
                                             size_t len)
{
    struct kafka_producer *producer = calloc(1, sizeof *producer);
    if (!producer) {
        snprintf(error, len, "out of memory");
        return NULL;
    }
    producer->params = *params;
    pthread_mutex_init(&producer->lock, NULL);
    if (!begin(producer, error, len)) {
        kafka_producer_destroy(producer);
        return NULL;
    }
    return producer;
}

/* Everything that is on its way fails now. */
static void give_up(struct kafka_producer *producer)
{
    if (!producer->rk)
        return;
    rd_kafka_purge(producer->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                     RD_KAFKA_PURGE_F_NON_BLOCKING);
    rd_kafka_flush(producer->rk, PURGE_WAIT_MS);
}

void kafka_producer_stop(struct kafka_producer *producer)
{
    give_up(producer);
    end(producer);
    producer->restart_ns = INT64_MAX;
}

void kafka_producer_destroy(struct kafka_producer *producer)
{
    if (!producer)
        return;
    kafka_producer_stop(producer);
    pthread_mutex_destroy(&producer->lock);
    free(producer);
}

/* At once or, where it may fail the same way again, after a pause that grows. */
static void begin_again(struct kafka_producer *producer, bool at_once)
{
    char error[KAFKA_REASON_MAX];
    end(producer);
    if (at_once && begin(producer, error, sizeof error))
        return;
    if (at_once)
        kafka_log_trouble(&producer->log, KAFKA_FAILED, error, now_ns());
    producer->restart_pause_ns =
        producer->restart_pause_ns == 0 ? RESTART_PAUSE_MIN : 2 * producer->restart_pause_ns;
    if (producer->restart_pause_ns > RESTART_PAUSE_MAX)
        producer->restart_pause_ns = RESTART_PAUSE_MAX;
    producer->restart_ns = now_ns() + producer->restart_pause_ns;
}

/* A producer whose messages were purged has lost count of what the broker has: begin with a new
 * one. */
void kafka_producer_purge(struct kafka_producer *producer)
{
    if (!producer->rk || producer->bytes == 0)
        return;
    give_up(producer);
    begin_again(producer, true);
}

/* --- messages */

static rd_kafka_headers_t *make_headers(const struct event_record *record)
{
    const struct {
        const char *name;
        struct slice value;
    } headers[HEADERS] = {
        {"ce_specversion", SLICE("1.0")},
        {"ce_id", record->id},
        {"ce_source", record->source},
        {"ce_type", record->type_name},
        {"ce_time", record->time},
        {"ce_subject", record->subject},
        {"ce_dataschema", record->dataschema},
        {"ce_partitionkey", record->key},
        {"content-type", SLICE("application/json")},
    };
    rd_kafka_headers_t *made = rd_kafka_headers_new(HEADERS);
    for (int i = 0; i < HEADERS; i++)
        if (headers[i].value.len > 0)
            rd_kafka_header_add(made, headers[i].name, -1, headers[i].value.at,
                                (ssize_t)headers[i].value.len);
    return made;
}

/* librdkafka copies, and changes nothing. */
static void *unconst(const char *octets)
{
    union {
        const char *in;
        void *out;
    } pointer = {.in = octets};
    return pointer.out;
}

static bool has_room(const struct kafka_producer *producer, enum event_family family, size_t bytes)
{
    if (producer->bytes == 0)
        return true;
    return producer->bytes + bytes <= ROOM_BYTES &&
           producer->family_bytes[family] + bytes <= ROOM_BYTES / 2;
}

static void note_taken(struct kafka_producer *producer, enum event_family family, size_t bytes)
{
    if (atomic_fetch_add_explicit(&producer->on_its_way, 1, memory_order_relaxed) == 0)
        producer->last_alive_ns = now_ns();
    producer->bytes += bytes;
    producer->family_bytes[family] += bytes;
}

bool kafka_producer_put(struct kafka_producer *producer, const struct event_record *record,
                        uint64_t number)
{
    size_t bytes = size_of(record->data.len, record->key.len);
    void *packed = kafka_note_pack(number, record->family, record->type);
    if (!producer->rk || producer->must_restart ||
        !has_room(producer, record->family, bytes + MESSAGE_OVERHEAD))
        return false;
    rd_kafka_headers_t *headers = make_headers(record);
    rd_kafka_resp_err_t err =
        rd_kafka_producev(producer->rk, RD_KAFKA_V_RKT(producer->topic[record->family]),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                          RD_KAFKA_V_VALUE(unconst(record->data.at), record->data.len),
                          RD_KAFKA_V_KEY(unconst(record->key.at), record->key.len),
                          RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(packed), RD_KAFKA_V_END);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        note_taken(producer, record->family, bytes + MESSAGE_OVERHEAD);
        return true;
    }
    rd_kafka_headers_destroy(headers);
    if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL || err == RD_KAFKA_RESP_ERR__FATAL)
        return false;
    settle(producer, packed, err, bytes, true);
    return true;
}

bool kafka_producer_is_busy(const struct kafka_producer *producer)
{
    return producer->bytes > ROOM_BYTES / 4 * 3;
}

static void mend_fatal(struct kafka_producer *producer)
{
    char words[KAFKA_REASON_MAX], reason[KAFKA_REASON_MAX];
    rd_kafka_resp_err_t err = rd_kafka_fatal_error(producer->rk, words, sizeof words);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    give_up(producer);
    if (err == RD_KAFKA_RESP_ERR__GAPLESS_GUARANTEE) { /* what failed was told */
        begin_again(producer, true);
        return;
    }
    kafka_log_clean(words, reason);
    note_error(producer, reason);
    enum kafka_trouble trouble = trouble_of((int)err, words);
    kafka_log_trouble(&producer->log, trouble == KAFKA_UNREACHABLE ? KAFKA_FAILED : trouble, reason,
                      now_ns());
    atomic_store_explicit(&producer->is_up, false, memory_order_relaxed);
    atomic_fetch_add_explicit(&producer->restarts, 1, memory_order_relaxed);
    begin_again(producer, false);
}

static void look_for_stall(struct kafka_producer *producer)
{
    if (producer->bytes == 0 || now_ns() - producer->last_alive_ns < STALLED_NS ||
        producer->log.trouble != KAFKA_WELL)
        return;
    const char *last = producer->last_error;
    kafka_log_trouble(&producer->log, KAFKA_STALLED,
                      last[0] ? last : "nothing is confirmed for 10 s", now_ns());
}

void kafka_producer_poll(struct kafka_producer *producer, int timeout_ms)
{
    if (!producer->rk) {
        if (now_ns() >= producer->restart_ns)
            begin_again(producer, true);
        else
            nanosleep(&(struct timespec){.tv_sec = timeout_ms / 1000,
                                         .tv_nsec = timeout_ms % 1000 * 1000000L},
                      NULL);
        return;
    }
    rd_kafka_poll(producer->rk, timeout_ms);
    mend_fatal(producer);
    if (producer->rk && producer->must_restart) {
        give_up(producer);
        begin_again(producer, true);
    }
    look_for_stall(producer);
}

void kafka_producer_stats(struct kafka_producer *producer, struct kafka_stats *out)
{
    *out = (struct kafka_stats){
        .is_up = atomic_load_explicit(&producer->is_up, memory_order_relaxed),
        .on_its_way = atomic_load_explicit(&producer->on_its_way, memory_order_relaxed),
        .errors = atomic_load_explicit(&producer->errors, memory_order_relaxed),
        .restarts = atomic_load_explicit(&producer->restarts, memory_order_relaxed),
    };
    pthread_mutex_lock(&producer->lock);
    memcpy(out->last_error, producer->last_error, sizeof out->last_error);
    pthread_mutex_unlock(&producer->lock);
}

const char *kafka_library_version(void)
{
    return rd_kafka_version_str();
}
