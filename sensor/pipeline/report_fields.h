/*
 * report_fields: the values that the report's JSON is made of. Unknown ones are left out. Internal
 * to the report.
 */
#ifndef SIPSPAN_PIPELINE_REPORT_FIELDS_H
#define SIPSPAN_PIPELINE_REPORT_FIELDS_H

#include <jansson.h>

#include "event/event.h"
#include "event/format.h"
#include "event/json_text.h"

static inline void set_count(json_t *object, const char *key, uint64_t count)
{
    json_object_set_new(object, key, json_integer((json_int_t)count));
}

static inline void set_text(json_t *object, const char *key, const char *text)
{
    if (text && text[0])
        json_object_set_new(object, key, json_text(slice_str(text)));
}

static inline void set_time(json_t *object, const char *key, int64_t time_ns)
{
    char buf[RFC3339_TEXT_MAX];
    if (time_ns != EVENT_NO_TIME)
        set_text(object, key, rfc3339_format(time_ns, buf));
}

static inline void set_real(json_t *object, const char *key, double value)
{
    json_object_set_new(object, key, json_real(value));
}

static inline json_t *endpoint_json(const struct endpoint *endpoint, const char *name)
{
    json_t *object = json_object();
    char ip[IP_TEXT_MAX];
    set_text(object, "ip", ip_format(&endpoint->ip, ip));
    if (endpoint->port != 0)
        set_count(object, "port", endpoint->port);
    set_text(object, "name", name);
    return object;
}

#endif
