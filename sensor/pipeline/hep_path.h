/*
 * hep_path: what is special about SIP messages that others saw and sent as HEP. Internal to the
 * folder.
 *
 * They are no packets of the mirror and say nothing about its health; nor is there a connection, a
 * fragment or an IP id to them. Who is fed both may get a message twice, or from two proxies.
 */
#ifndef SIPSPAN_PIPELINE_HEP_PATH_H
#define SIPSPAN_PIPELINE_HEP_PATH_H

#include "pipeline/pipeline.h"
#include "sip/sip_msg.h"

/* Who saw a message. */
enum hep_origin { HEP_FROM_MIRROR, HEP_FROM_OTHERS };

/* Only where there is HEP; 0 or -ENOMEM. */
int hep_path_init(struct pipeline *pipeline);
void hep_path_fini(struct pipeline *pipeline);

/*
 * The same message, from and to the same, came within the copy window, and one of the two as HEP.
 * It is remembered otherwise.
 */
bool hep_path_is_copy(struct pipeline *pipeline, const struct datagram *message,
                      enum hep_origin origin);

/* Streams are told apart by the topmost Via, where the sender did not. */
void hep_path_set_transport(struct datagram *message, const struct sip_msg *msg);

#endif
