/*
 * hep_sender: SIP messages, RTCP and stream quality as HEP version 3 to Homer, sngrep and the like,
 * over UDP, TCP or TLS. A thread of its own sends what is in its outbox; when the other end is slow
 * or away, new messages are left out and counted. Nothing of this is kept on disk: HEP is for
 * looking on, Kafka for what may not be lost.
 *
 * What it sends was made presentable before (sip/sip_redact.h): no keys, digits, credentials or
 * passwords.
 */
#ifndef SIPSPAN_EXPORT_HEP_SENDER_H
#define SIPSPAN_EXPORT_HEP_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hep/hep_message.h"

struct hep_sender;

struct hep_sender_params {
    const char *to; /* "udp:HOST:PORT", "tcp:…", "tls:…"; without a transport it is UDP, without a
                       port 9060 */
    const char *key;     /* or NULL */
    const char *node;    /* the sensor's id */
    const char *ca_file; /* of the server's certificate; NULL: the system's */
    uint32_t capture_id;
    size_t outbox_bytes; /* taken as half a MiB where it is less */
    /* Who puts may wait, as one who reads files: for room, while the other end takes what comes. */
    bool is_patient;
};

/*
 * Resolves nothing, connects to nothing yet; starts the thread. Keeps nothing that params points
 * to. NULL, and error filled, where `to` is none of these or the certificate cannot be read.
 */
struct hep_sender *hep_sender_start(const struct hep_sender_params *params, char *error,
                                    size_t len);
/* Sends what is there for timeout_ms at most, and half a second; a thread that a look-up of a name
 * holds ends by itself. NULL does nothing. */
void hep_sender_stop(struct hep_sender *sender, int timeout_ms);

/* The thread that captures. The sender adds key, node and capture id. */
void hep_sender_put(struct hep_sender *sender, const struct hep_message *message);

/* From any thread. */
struct hep_sender_stats {
    bool is_up;    /* connected; over UDP: nobody refused anything in the last seconds */
    uint64_t sent; /* messages, handed to the network */
    /* Messages: no room, too large, half sent when the connection broke, still there at the end. */
    uint64_t dropped;
    uint64_t connects;
    uint64_t errors; /* names not found, connections refused or lost, ICMP errors */
    uint64_t queued_bytes;
};
void hep_sender_stats(const struct hep_sender *sender, struct hep_sender_stats *out);

#endif
