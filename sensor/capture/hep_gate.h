/*
 * hep_gate: which HEP messages are let in: those that can be read, whose sender knows the key, and
 * that carry SIP. Private to capture/.
 */
#ifndef SIPSPAN_CAPTURE_HEP_GATE_H
#define SIPSPAN_CAPTURE_HEP_GATE_H

#include "capture/capture.h"
#include "capture/hep_inflate.h"

struct hep_gate {
    struct slice key; /* empty: everybody is let in */
    struct hep_inflate *inflate;
    struct hep_stats *stats;
};

/*
 * A whole message, as `from` sent it: counted, and what is malformed, unreadable or without the key
 * is said, at most once a second. HEP_ACCEPTED: it is let in, as *octets, of which the payload is
 * never compressed. Where it was, these lie in `room`, of HEP_LEN_MAX octets.
 */
enum hep_result hep_gate_pass(const struct hep_gate *gate, const struct endpoint *from,
                              struct slice *octets, uint8_t *room);

#endif
