/*
 * event_record: an event as it lies in the outbox and in the spool: all that Kafka's message needs,
 * serialised once, on the thread that gives the event. Versioned: a spool may be read by a later
 * program.
 *
 *     octet 0   the version, 1
 *     octet 1   the family (enum event_family)
 *     seven texts, each 4 octets of length (network byte order) and the text: type, id, time,
 *     source, subject, dataschema, key
 *     the rest  the data, JSON
 *
 * Texts are UTF-8: what of a Call-ID is not becomes U+FFFD, in the subject and in the key as in the
 * data.
 */
#ifndef SIPSPAN_EXPORT_EVENT_RECORD_H
#define SIPSPAN_EXPORT_EVENT_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "event/event.h"
#include "event/json_writer.h"

/* Topics, by what events are about. The numbers are part of the format. */
enum event_family {
    FAMILY_CALLS = 0,
    FAMILY_INVITES = 1,
    FAMILY_RTP = 2,
    FAMILY_SENSOR = 3,
    FAMILY_COUNT
};

enum event_family event_family_of(enum event_type type);

/* A view. */
struct event_record {
    enum event_family family;
    enum event_type type;   /* EVENT_TYPE_COUNT: not known to this version; type_name says it */
    struct slice type_name; /* "sipspan.call.ended" */
    struct slice id, time, source, subject; /* as the CloudEvent has them; subject may be empty */
    struct slice dataschema;
    /* Never empty: the Call-ID; without one what keeps those in order that belong together: the
     * SSRC and both endpoints of a stream, else the source. */
    struct slice key;
    struct slice data; /* JSON */
};

/* Serialises: the record's octets are writer's, from its beginning. writer->failed: it does not
 * fit. */
struct slice event_record_write(const struct event *event, const char *sensor_id,
                                struct json_writer *writer);
/* False: these octets are no record of a version that is known. */
bool event_record_read(struct slice octets, struct event_record *record);

#endif
