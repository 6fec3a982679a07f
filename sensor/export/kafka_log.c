#include "export/kafka_log.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

/* Of trouble that goes on. */
#define REMIND_NS INT64_C(300000000000)
/* Events that were refused are tried again much sooner. */
#define REFUSED_NS INT64_C(60000000000)

/* What to do. */
static const char *const hints[KAFKA_TROUBLE_COUNT] = {
    [KAFKA_WELL] = "",
    [KAFKA_UNREACHABLE] = "is a broker listening there, and let through?",
    [KAFKA_NAME_UNKNOWN] = "is the broker's name right, and the name server's answer?",
    [KAFKA_LOGIN_REFUSED] =
        "look at user name, password and mechanism in kafka_properties, and the user's rights.",
    [KAFKA_TLS_FAILED] = "look at security.protocol and the certificates in kafka_properties.",
    [KAFKA_STALLED] =
        ("are all brokers up, can the sensor reach the addresses that they advertise, "
         "and are enough replicas in sync?"),
    [KAFKA_FAILED] = "the producer begins anew.",
    [KAFKA_REFUSED] = "look at the topic's settings and the broker's log; they are tried again.",
    [KAFKA_TIME_REFUSED] =
        ("is the clock of this machine right? Look at it, and at message.timestamp.before.max.ms "
         "and .after.max.ms of the topic."),
};

/* "[thrd:main]: BROKER/bootstrap: WORDS (after 3ms in state CONNECT)" */
void kafka_log_clean(const char *words, char reason[static KAFKA_REASON_MAX])
{
    if (strncmp(words, "[thrd:", 6) == 0 && strstr(words, "]: "))
        words = strstr(words, "]: ") + 3;
    static const char bootstrap[] = "/bootstrap";
    const char *cut = strstr(words, bootstrap);
    const char *end = strstr(words, " (after ");
    size_t len = end ? (size_t)(end - words) : strlen(words);
    size_t head = cut && cut < words + len ? (size_t)(cut - words) : len;
    const char *rest = head < len ? cut + sizeof bootstrap - 1 : "";
    size_t rest_len = head < len ? len - head - (sizeof bootstrap - 1) : 0;
    snprintf(reason, KAFKA_REASON_MAX, "%.*s%.*s", (int)head, words, (int)rest_len, rest);
    for (char *c = reason; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
}

bool kafka_log_is_told(const char *facility, const char *words)
{
    static const char *const facilities[] = {"FAIL", "ERROR", "FATAL", "GETPID"};
    for (size_t i = 0; i < sizeof facilities / sizeof facilities[0]; i++)
        if (strcmp(facility, facilities[i]) == 0)
            return true;
    return strstr(words, "enable.gapless.guarantee is experimental") != NULL;
}

void kafka_log_trouble(struct kafka_log *log, enum kafka_trouble trouble, const char *reason,
                       int64_t now_ns)
{
    log->trouble = trouble;
    if (log->was_said[trouble] && now_ns - log->said_ns[trouble] < REMIND_NS)
        return;
    log->was_said[trouble] = true;
    log->said_ns[trouble] = now_ns;
    log_error("Kafka: %s: %s Events wait in the spool", reason, hints[trouble]);
}

void kafka_log_well(struct kafka_log *log)
{
    if (log->trouble != KAFKA_WELL)
        log_info("Kafka: connected again, what waits in the spool is on its way");
    else if (!log->was_well)
        log_info("Kafka: connected");
    memset(log->was_said, 0, sizeof log->was_said);
    log->trouble = KAFKA_WELL;
    log->was_well = true;
}

void kafka_log_events_refused(struct kafka_log *log, enum event_family family, const char *topic,
                              enum kafka_trouble trouble, const char *reason, int64_t now_ns)
{
    char text[2 * KAFKA_REASON_MAX];
    snprintf(text, sizeof text, "events for topic %s are refused: %s", topic, reason);
    log->refused_ns[family] = now_ns;
    kafka_log_trouble(log, trouble, text, now_ns);
}

bool kafka_log_is_refusing(const struct kafka_log *log, int64_t now_ns)
{
    for (int family = 0; family < FAMILY_COUNT; family++)
        if (log->refused_ns[family] != 0 && now_ns - log->refused_ns[family] < REFUSED_NS)
            return true;
    return false;
}

void kafka_log_topic_refused(struct kafka_log *log, enum event_family family, const char *topic,
                             const char *reason)
{
    if (!log->is_topic_refused[family])
        log_error("Kafka: topic %s cannot be written: %s: create it, or give the sensor's user "
                  "the right to write it. Its events wait in the spool",
                  topic, reason);
    log->is_topic_refused[family] = true;
}

void kafka_log_topic_taken(struct kafka_log *log, enum event_family family, const char *topic)
{
    if (log->is_topic_refused[family])
        log_info("Kafka: topic %s can be written again", topic);
    log->is_topic_refused[family] = false;
    log->refused_ns[family] = 0;
}
