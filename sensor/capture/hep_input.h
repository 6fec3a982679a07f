/*
 * hep_input: SIP that others see in clear (a proxy behind TLS) and send as HEP version 3 over UDP
 * or TCP: a source of packets beside the devices. Private to capture/; pcap_live reads it.
 *
 * A packet is a whole HEP message (LINK_TYPE_HEP), let in by hep_gate. Its time is when it arrived
 * here; what the sender says of time is not read. Its interface is the place of the address it came
 * to, after those of the devices.
 *
 * Memory: fixed, 64 datagrams, 64 inflated messages and 64 connections of 64 KiB, touched as they
 * are used. What waits for its turn waits in the kernel.
 */
#ifndef SIPSPAN_CAPTURE_HEP_INPUT_H
#define SIPSPAN_CAPTURE_HEP_INPUT_H

#include "capture/capture.h"

enum { HEP_ADDRESSES_MAX = 16 };

struct hep_input;

/* Binds and listens. stats->hep is kept up to date. NULL, and *error says why. */
struct hep_input *hep_input_open(const struct capture_live_params *params,
                                 struct capture_stats *stats, struct capture_error *error);
void hep_input_close(struct hep_input *input);

/*
 * Adds what came until `until_ns` (of the time of day), at most `room` packets and what the batch
 * still holds. Their octets live until the next call. now_ns: monotonic.
 */
void hep_input_read(struct hep_input *input, struct packet_batch *batch, unsigned room,
                    int64_t until_ns, int64_t now_ns);

/*
 * To wait for: a descriptor that becomes readable; -1 while something has been received and only
 * has to become old enough.
 */
int hep_input_fd(const struct hep_input *input);

/* Counts what the kernel had no room for. */
void hep_input_update_stats(struct hep_input *input);

/* The port of the address, as bound: for whoever asked for port 0. */
uint16_t hep_input_port(const struct hep_input *input, unsigned address);

#endif
