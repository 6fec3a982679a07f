#include "export/event_record.h"

#include <arpa/inet.h>

#include "base/cursor.h"
#include "event/event_json.h"
#include "event/format.h"
#include "event/utf8.h"

enum { RECORD_VERSION = 1 };

enum event_family event_family_of(enum event_type type)
{
    switch (type) {
    case EVENT_CALL_ENDED:
    case EVENT_ONE_WAY_AUDIO:
        return FAMILY_CALLS;
    case EVENT_INVITE_UNANSWERED:
    case EVENT_INVITE_STRUGGLING:
    case EVENT_CONNECTION_FAILED:
        return FAMILY_INVITES;
    case EVENT_RTP_REPORT:
    case EVENT_RTP_DEGRADED:
    case EVENT_RTP_RECOVERED:
        return FAMILY_RTP;
    case EVENT_MIRROR_DEGRADED:
    case EVENT_TYPE_COUNT:
        break;
    }
    return FAMILY_SENSOR;
}

/* A text is begun, put in pieces and ended: only then is its length known. */
static size_t begin_text(struct json_writer *w)
{
    json_put_octets(w, SLICE("\0\0\0\0"));
    return w->len;
}

static void end_text(struct json_writer *w, size_t start)
{
    if (w->failed)
        return;
    uint32_t len = htonl((uint32_t)(w->len - start));
    memcpy(w->text + start - sizeof len, &len, sizeof len);
}

static void put_joined(struct json_writer *w, struct slice a, struct slice b, struct slice c)
{
    size_t start = begin_text(w);
    json_put_octets(w, a);
    json_put_octets(w, b);
    json_put_octets(w, c);
    end_text(w, start);
}

static void put_text(struct json_writer *w, struct slice text)
{
    put_joined(w, text, SLICE_NONE, SLICE_NONE);
}

/* Text from the wire: what JSON would show of it. */
static void put_wire_text(struct json_writer *w, struct slice text)
{
    size_t start = begin_text(w);
    while (text.len > 0) {
        size_t good = 0, len;
        while (good < text.len && (len = utf8_sequence(text.at + good, text.len - good)) > 0)
            good += len;
        json_put_octets(w, slice_head(text, good));
        text = slice_skip(text, good);
        if (text.len > 0) {
            json_put_octets(w, SLICE("\xef\xbf\xbd"));
            text = slice_skip(text, 1);
        }
    }
    end_text(w, start);
}

/* NULL: the event is about no stream. */
static const struct event_stream *stream_of(const struct event *event)
{
    if (event->type == EVENT_RTP_REPORT)
        return &event->rtp_report.stream;
    if (event->type == EVENT_RTP_DEGRADED || event->type == EVENT_RTP_RECOVERED)
        return &event->rtp_crossing.stream;
    return NULL;
}

/* "0x1234abcd 192.0.2.1:4000 192.0.2.2:4002" */
static void put_stream_key(struct json_writer *w, const struct event_stream *stream)
{
    char ssrc[] = "0x00000000 ", src[ENDPOINT_TEXT_MAX], dst[ENDPOINT_TEXT_MAX];
    for (int i = 0; i < 8; i++)
        ssrc[2 + i] = "0123456789abcdef"[stream->ssrc >> (28 - 4 * i) & 15];
    size_t start = begin_text(w);
    json_put_octets(w, slice_str(ssrc));
    json_put_octets(w, slice_str(endpoint_format(&stream->src.endpoint, src)));
    json_put_octets(w, SLICE(" "));
    json_put_octets(w, slice_str(endpoint_format(&stream->dst.endpoint, dst)));
    end_text(w, start);
}

static void put_key(struct json_writer *w, const struct event *event, struct slice subject,
                    const char *sensor_id)
{
    const struct event_stream *stream = stream_of(event);
    if (subject.len > 0)
        put_wire_text(w, subject);
    else if (stream)
        put_stream_key(w, stream);
    else
        put_joined(w, SLICE(EVENT_JSON_SOURCE), slice_str(sensor_id), SLICE_NONE);
}

struct slice event_record_write(const struct event *event, const char *sensor_id,
                                struct json_writer *w)
{
    const char head[] = {RECORD_VERSION, (char)event_family_of(event->type)};
    struct slice type = slice_str(event_type_name(event->type));
    struct slice subject = event_json_subject(event);
    char time[RFC3339_TEXT_MAX];
    json_writer_cut(w, 0);
    json_put_octets(w, slice_of(head, sizeof head));
    put_text(w, type);
    put_text(w, slice_str(event->id));
    put_text(w, slice_str(rfc3339_format(event->time_ns, time)));
    put_joined(w, SLICE(EVENT_JSON_SOURCE), slice_str(sensor_id), SLICE_NONE);
    put_wire_text(w, subject);
    put_joined(w, SLICE(EVENT_JSON_SCHEMA), type, SLICE(EVENT_JSON_SCHEMA_SUFFIX));
    put_key(w, event, subject, sensor_id);
    event_json_put_data(w, event);
    return w->failed ? SLICE_NONE : slice_of(w->text, w->len);
}

static struct slice read_text(struct cursor *c)
{
    struct cursor text = cursor_sub(c, cursor_u32(c));
    return slice_of((const char *)text.at, text.left);
}

static enum event_type type_of_name(struct slice name)
{
    enum event_type type = 0;
    while (type < EVENT_TYPE_COUNT && !slice_eq(name, slice_str(event_type_name(type))))
        type++;
    return type;
}

bool event_record_read(struct slice octets, struct event_record *record)
{
    struct cursor c = cursor_of(octets.at, octets.len);
    uint8_t version = cursor_u8(&c), family = cursor_u8(&c);
    if (version != RECORD_VERSION || family >= FAMILY_COUNT)
        return false;
    record->family = (enum event_family)family;
    record->type_name = read_text(&c);
    record->id = read_text(&c);
    record->time = read_text(&c);
    record->source = read_text(&c);
    record->subject = read_text(&c);
    record->dataschema = read_text(&c);
    record->key = read_text(&c);
    if (c.failed)
        return false;
    record->data = slice_of((const char *)c.at, c.left);
    record->type = type_of_name(record->type_name);
    return record->type_name.len > 0 && record->id.len > 0 && record->source.len > 0 &&
           record->key.len > 0 && record->data.len > 0;
}
