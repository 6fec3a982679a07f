#include "event/connection_event.h"

#include "event/event_id.h"

void connection_event_make(const struct connection_failed *facts, int64_t told_ns,
                           const char *sensor_id, const struct peer_names *names,
                           struct event *event)
{
    *event = (struct event){
        .type = EVENT_CONNECTION_FAILED,
        .time_ns = told_ns,
        .connection_failed = *facts,
    };
    struct connection_failed *data = &event->connection_failed;
    const struct endpoint *src = &data->src.endpoint, *dst = &data->dst.endpoint;
    data->src.name = peer_names_find(names, &src->ip);
    data->dst.name = peer_names_find(names, &dst->ip);
    const struct event_id_part parts[] = {
        event_id_text(slice_str(sensor_id)),
        event_id_text(slice_str(event_type_name(event->type))),
        event_id_text(slice_str(transport_name(data->transport))),
        {src->ip.octets, sizeof src->ip.octets},
        {&src->port, sizeof src->port},
        {dst->ip.octets, sizeof dst->ip.octets},
        {&dst->port, sizeof dst->port},
        {&data->first_ns, sizeof data->first_ns},
    };
    event_set_id(event, parts, sizeof parts / sizeof parts[0]);
}
