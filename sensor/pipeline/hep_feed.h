/*
 * hep_feed: what goes out as HEP of what passes: each SIP message that was parsed, without mirror
 * copies, its secrets made asterisks in a copy (sip/sip_redact.h); each RTCP datagram that is not
 * encrypted, as JSON with the names and the raw units of heplify; each report of a stream as JSON
 * with the names of RTP agents. Media and their quality carry the Call-ID as correlation id.
 *
 * The correlator's thread; nothing here waits.
 */
#ifndef SIPSPAN_PIPELINE_HEP_FEED_H
#define SIPSPAN_PIPELINE_HEP_FEED_H

#include "event/event.h"
#include "export/hep_sender.h"
#include "media/streams.h"
#include "net/packet.h"

struct hep_feed;

/* The sender stays the caller's. NULL: out of memory. */
struct hep_feed *hep_feed_create(struct hep_sender *sender);
void hep_feed_destroy(struct hep_feed *feed); /* NULL does nothing */

/* A SIP message, of whatever transport. */
void hep_feed_message(struct hep_feed *feed, const struct datagram *message);
/* RTCP; `streams` knows what call it is about. */
void hep_feed_rtcp(struct hep_feed *feed, const struct streams *streams,
                   const struct datagram *datagram);
/* Takes sipspan.rtp.report, and passes over the others. */
void hep_feed_event(struct hep_feed *feed, const struct event *event);

#endif
