/*
 * packet_path: what becomes of each packet of a batch: decoded where it lies, copies left out,
 * fragments put together, TCP put in order, SIP parsed and handed to the calls. Internal to the
 * folder.
 */
#ifndef SIPSPAN_PIPELINE_PACKET_PATH_H
#define SIPSPAN_PIPELINE_PACKET_PATH_H

#include "pipeline/pipeline.h"

void packet_path_take(struct pipeline *pipeline, const struct packet_batch *batch);

/* Time passed without a packet: fires what is due, in every room. */
void packet_path_advance(struct pipeline *pipeline, int64_t now_ns);
/* The packets' clock was set: everything that is remembered moves with it. */
void packet_path_clock_step(struct pipeline *pipeline, int64_t step_ns);
/* The input ended: what waits for a packet that never came is told to the calls. */
void packet_path_finish(struct pipeline *pipeline);

/* What the rooms ask and tell, for pipeline_init. */
bool packet_path_is_sip_server(void *context, const struct endpoint *endpoint);
void packet_path_message(void *context, const struct datagram *message);
void packet_path_failure(void *context, const struct tcp_failure *failure);
void packet_path_hole(void *context, const struct datagram *segment);
void packet_path_incomplete(void *context, const struct defrag_incomplete *incomplete);
void packet_path_connection(void *context, const struct endpoint *client,
                            const struct endpoint *server, struct connection_facts *facts);
void packet_path_dns(void *context, const struct ip_addr *client, struct slice host,
                     const struct ip_addr *dst, int64_t sent_ns, struct dns_facts *facts);
unsigned packet_path_doubts(void *context, int64_t since_ns);
/* Gives an event to everybody who wants it. */
void packet_path_event(void *context, const struct event *event);

#endif
