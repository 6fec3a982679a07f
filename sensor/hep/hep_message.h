/*
 * hep_message: HEP version 3, the Homer Encapsulation Protocol, as heplify, Kamailio, sngrep and
 * Homer speak it: "HEP3", a length, and chunks of vendor, type and length. Pure: no I/O, no
 * allocation. What is read is a view of the octets.
 *
 * Layout: HEP3 Network Protocol Specification, revision 37, sections 3 and 4. All numbers are
 * big-endian, and all lengths include their headers.
 */
#ifndef SIPSPAN_HEP_HEP_MESSAGE_H
#define SIPSPAN_HEP_HEP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "net/endpoint.h"

enum {
    HEP_PORT = 9060,
    HEP_HEADER_LEN = 6,
    HEP_LEN_MAX = 65535,     /* of a message: its length has 16 bits */
    HEP_OVERHEAD_MAX = 1024, /* what hep_write puts around the payload at most */
    HEP_TEXT_MAX = 256,      /* of an authentication key, a node's name, a correlation id */
};

/* Chunk 0x0b: what the payload is. */
enum hep_payload {
    HEP_PAYLOAD_SIP = 1,
    HEP_PAYLOAD_RTCP_JSON = 5,
    HEP_PAYLOAD_MOS_FULL = 34, /* JSON, the quality of a stream over an interval or its life */
};

/* Chunk 2 is the IANA number of what IP carries, but for what capture agents use where there is
 * none. */
enum {
    HEP_PROTOCOL_TCP = 6,
    HEP_PROTOCOL_UDP = 17,
    HEP_PROTOCOL_TLS = 22,
    HEP_PROTOCOL_WS = 50,
    HEP_PROTOCOL_SCTP = 132,
};

struct hep_message {
    struct endpoint src, dst;
    uint8_t ip_protocol;
    uint8_t payload_type; /* enum hep_payload, or one that nobody here knows */
    bool is_keepalive;    /* a keep-alive timer chunk and no payload */
    bool is_compressed;   /* the payload came in chunk 0x10, gzip or deflate */
    uint16_t vlan;        /* chunk 0x12; 0: none */
    uint32_t capture_id;
    int64_t time_ns;                        /* by the sender's clock, whole µs; 0: none */
    struct slice key, correlation_id, node; /* empty: none */
    struct slice payload;
};

enum hep_verdict {
    HEP_WHOLE,
    HEP_SHORT,   /* of a stream: more octets are needed */
    HEP_INVALID, /* no HEP3, or its lengths do not agree: of a stream nothing after it can be read
                  */
    HEP_MISSING, /* a well-formed message without an address, a type or a payload */
};

/*
 * How long the message at the beginning of a stream is: HEP_WHOLE and *len, also if not all of it
 * is there yet (then len > octets.len); HEP_SHORT below 6 octets; HEP_INVALID.
 */
enum hep_verdict hep_frame(struct slice octets, size_t *len);

/*
 * One whole message; trailing octets make it HEP_INVALID. Of chunks that come twice the last
 * counts; unknown ones are passed over. A keep-alive is HEP_WHOLE without an address, too. Ports,
 * protocol, time and capture id that are not there are 0. *message is filled but where it is
 * HEP_INVALID.
 */
enum hep_verdict hep_read(struct slice octets, struct hep_message *message);

/*
 * Writes message (all but is_compressed, is_keepalive) to out: the octets written, or 0 where they
 * do not fit in `size` or in a HEP message, or where src and dst are not of one IP version. A key
 * or a name above HEP_TEXT_MAX is cut; a correlation id is left out: part of one matches nothing.
 */
size_t hep_write(const struct hep_message *message, uint8_t *out, size_t size);

#endif
