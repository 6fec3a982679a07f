/*
 * event_json: an event as a CloudEvents 1.0 object in JSON. The only place that knows the names of
 * the fields; jansson writes the text. Octets that are not UTF-8, and DEL, become U+FFFD, what is
 * not printable ASCII is escaped, so that no INVITE can suppress or forge an event.
 */
#ifndef SIPSPAN_EVENT_EVENT_JSON_H
#define SIPSPAN_EVENT_EVENT_JSON_H

#include <stddef.h>

#include "event/event.h"

struct json_t;

enum { RFC3339_TEXT_MAX = 32 };

/*
 * How JSON is written for json_dumps: on one line, the order of fields kept, and nothing but
 * printable ASCII, so that neither a terminal nor a reader of lines takes an octet from the wire
 * for a command.
 */
#define EVENT_JSON_FLAGS                                                                           \
    (JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15))

/* "2026-01-31T12:00:00.123456Z". Returns buf. */
const char *rfc3339_format(int64_t time_ns, char buf[static RFC3339_TEXT_MAX]);

/*
 * The event in structured mode on one line without a newline; to be freed. NULL when memory is out.
 * sensor_id makes the source "/sipspan/SENSOR_ID".
 */
char *event_json_structured(const struct event *event, const char *sensor_id);

/* A new string with text's octets, repaired to UTF-8. For whoever else writes JSON from the wire.
 */
struct json_t *json_text(struct slice text);

/* The version of jansson that is in use: "2.14". */
const char *event_json_library_version(void);

#endif
