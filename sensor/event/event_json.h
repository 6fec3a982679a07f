/*
 * event_json: an event as a CloudEvents 1.0 object in JSON. The only place that knows the names of
 * the fields. Octets that are not UTF-8 become U+FFFD and what is not printable ASCII is escaped
 * (json_writer.h), so that no INVITE can suppress or forge an event.
 */
#ifndef SIPSPAN_EVENT_EVENT_JSON_H
#define SIPSPAN_EVENT_EVENT_JSON_H

#include "event/event.h"
#include "event/json_writer.h"

/*
 * Puts the event in structured mode, on a line of its own with its newline. sensor_id makes the
 * source "/sipspan/SENSOR_ID". writer->failed says that there was no room.
 */
void event_json_put_line(struct json_writer *writer, const struct event *event,
                         const char *sensor_id);

/* The data object alone, the body of an event in binary mode, without a newline. */
void event_json_put_data(struct json_writer *writer, const struct event *event);

/* The Call-ID, where the event is one of a call; octets from the wire. */
struct slice event_json_subject(const struct event *event);

/* What source and dataschema are made of. */
#define EVENT_JSON_SOURCE        "/sipspan/"           /* then the sensor's id */
#define EVENT_JSON_SCHEMA        "urn:sipspan:events:" /* then the type */
#define EVENT_JSON_SCHEMA_SUFFIX ":1"

#endif
