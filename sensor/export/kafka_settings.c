#include "export/kafka_settings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "spool/spool.h"

enum { OWN_MAX = 16, RECORD_HEADROOM = 64 << 10 };

static const char *const own[] = {
    "enable.idempotence=true",
    "acks=all",
    "message.timeout.ms=0", /* none: what was taken is kept, in its order */
    "linger.ms=50",
    "partitioner=murmur2_random", /* places keys as Java's clients do */
    "reconnect.backoff.max.ms=1000",
    "socket.keepalive.enable=true",
    "statistics.interval.ms=1000",
    "log.queue=true",
    /* More than is ever put: kafka_producer_put counts for itself. */
    "queue.buffering.max.messages=100000",
    "queue.buffering.max.kbytes=65536",
};

/* Takes the text over, which may be NULL. False: memory is out. */
static bool add(struct kafka_settings *settings, char *text)
{
    if (!text)
        return false;
    char *equals = strchr(text, '=');
    *equals = 0;
    settings->item[settings->count++] = (struct kafka_setting){text, equals + 1};
    return true;
}

__attribute__((format(printf, 1, 2))) static char *print(const char *format, ...)
{
    char *text;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    return len < 0 ? NULL : text;
}

static bool add_own(struct kafka_settings *settings, const struct kafka_params *params)
{
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (!add(settings, strdup(own[i])))
            return false;
    return add(settings, print("message.max.bytes=%d", SPOOL_RECORD_MAX + RECORD_HEADROOM)) &&
           add(settings, print("client.id=%s", params->client_id)) &&
           add(settings, print("compression.codec=%s", params->compression));
}

static bool add_brokers(struct kafka_settings *settings, const struct kafka_params *params)
{
    char *list = strdup("bootstrap.servers=");
    for (size_t i = 0; list && i < params->broker_count; i++) {
        char *longer = print("%s%s%s", list, i > 0 ? "," : "", params->brokers[i]);
        free(list);
        list = longer;
    }
    return add(settings, list);
}

bool kafka_settings_make(const struct kafka_params *params, struct kafka_settings *settings,
                         char *error, size_t len)
{
    _Static_assert(sizeof own / sizeof own[0] + 4 <= OWN_MAX, "there is room for ours");
    settings->count = 0;
    settings->item = calloc(OWN_MAX + params->property_count, sizeof *settings->item);
    snprintf(error, len, "out of memory");
    if (!settings->item || !add_own(settings, params) || !add_brokers(settings, params))
        return false;
    for (size_t i = 0; i < params->property_count; i++) {
        struct slice property = slice_str(params->properties[i]);
        if (slice_find(property, '=') == 0 || slice_find(property, '=') == property.len) {
            snprintf(error, len, "kafka_properties: number %zu of them is not NAME=VALUE", i + 1);
            return false;
        }
        if (!add(settings, strdup(params->properties[i])))
            return false;
    }
    return true;
}

void kafka_settings_fini(struct kafka_settings *settings)
{
    for (size_t i = 0; i < settings->count; i++)
        free(settings->item[i].name);
    free(settings->item);
}

bool kafka_setting_is_secret(const char *name)
{
    static const char *const words[] = {"password", "secret", "key",   "pem",
                                        "token",    "config", "creds", "username"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strstr(name, words[i]))
            return true;
    return false;
}
