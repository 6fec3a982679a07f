/*
 * kafka_settings: the properties that librdkafka is given, ours and then the user's, which win.
 * Internal to kafka_producer.
 */
#ifndef SIPSPAN_EXPORT_KAFKA_SETTINGS_H
#define SIPSPAN_EXPORT_KAFKA_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "export/kafka_producer.h"

struct kafka_setting {
    char *name; /* owns both: one text, cut at the '=' */
    const char *value;
};

struct kafka_settings {
    struct kafka_setting *item; /* in the order in which they are to be set */
    size_t count;
};

/* False, and error filled: a property is not NAME=VALUE, or memory is out. */
bool kafka_settings_make(const struct kafka_params *params, struct kafka_settings *settings,
                         char *error, size_t len);
void kafka_settings_fini(struct kafka_settings *settings);

/* May the property's value not be shown? Judged by its name. */
bool kafka_setting_is_secret(const char *name);

#endif
