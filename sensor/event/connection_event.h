/*
 * connection_event: the event of a connection that never got as far as a SIP message. Pure.
 */
#ifndef SIPSPAN_EVENT_CONNECTION_EVENT_H
#define SIPSPAN_EVENT_CONNECTION_EVENT_H

#include "event/event.h"
#include "net/peer_names.h"

/*
 * Fills *event: `facts` with the configuration's names of both ends, the time at which it is told,
 * and an id that no other failure of this client's port has.
 */
void connection_event_make(const struct connection_failed *facts, int64_t told_ns,
                           const char *sensor_id, const struct peer_names *names,
                           struct event *event);

#endif
