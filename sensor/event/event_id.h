/*
 * event_id: the name of an event, the same whenever the same sensor reads the same traffic again,
 * so that consumers can drop repeats. Pure.
 */
#ifndef SIPSPAN_EVENT_EVENT_ID_H
#define SIPSPAN_EVENT_EVENT_ID_H

#include "event/event.h"

/* What tells an event from every other: its type's name first, then octets of its own. */
struct event_id_part {
    const void *bytes;
    size_t len;
};

static inline struct event_id_part event_id_text(struct slice text)
{
    return (struct event_id_part){text.at, text.len};
}

/* Writes event->id. */
void event_set_id(struct event *event, const struct event_id_part *part, size_t count);

#endif
