/*
 * classify: what nDPI takes a UDP flow for that is none of ours. The only file that sees nDPI.
 *
 * A label for people ("DNS", "IPsec"): it never decides what RTP is, and never guesses by port or
 * address. Asked is only about protocols that run over UDP beside telephones and that nDPI tells by
 * more than an octet or two. At most CLASSIFY_PACKETS_MAX packets of a flow are looked at, and
 * CLASSIFY_FLOWS_MAX flows at once.
 *
 * nDPI is started with the first flow: that takes about 10 ms and 6 MiB. The same packets in the
 * same order give the same labels. Thread: a worker's own.
 */
#ifndef SIPSPAN_FLOW_CLASSIFY_H
#define SIPSPAN_FLOW_CLASSIFY_H

#include "net/packet.h"

enum { CLASSIFY_PACKETS_MAX = 8, CLASSIFY_FLOWS_MAX = 4096 };

struct classify;

/* NULL: out of memory. flows_max: at most CLASSIFY_FLOWS_MAX are used. */
struct classify *classify_create(size_t flows_max);
void classify_destroy(struct classify *classify); /* NULL does nothing */

struct classify_flow; /* a flow that is being looked at; part of the pool */

/* NULL: the pool is empty, or nDPI did not start. To be given back with classify_end. */
struct classify_flow *classify_begin(struct classify *classify);
/*
 * One packet of the flow. Its protocol's number (stable within a run, not 0) once that is known, 0
 * while it is not. Packets past CLASSIFY_PACKETS_MAX are not looked at.
 */
uint16_t classify_packet(struct classify *classify, struct classify_flow *flow,
                         const struct datagram *datagram);
void classify_end(struct classify *classify, struct classify_flow *flow);

/* nDPI's name of a number that classify_packet gave: "DNS". */
const char *classify_name(const struct classify *classify, uint16_t protocol);

/* The version of nDPI that is in use: "4.2.0". */
const char *classify_library_version(void);

#endif
