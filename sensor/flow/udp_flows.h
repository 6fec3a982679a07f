/*
 * udp_flows: the UDP flows that are neither SIP nor RTP: counted by what they are, as their octets
 * say (STUN, DTLS, ZRTP, TURN channels: RFC 7983) or as nDPI labels their first packets.
 *
 * A flow is both directions between two endpoints. Flows are remembered for UDP_FLOWS_IDLE_NS, at
 * most `flows_max` of them; when that is full, the one that was quiet longest makes room, to the
 * second. nDPI sees the first CLASSIFY_PACKETS_MAX packets of a flow at most, and of a flood of
 * new flows UDP_FLOWS_LOOKS_PER_S packets a second; when it looks at too many flows at once, it
 * gives up on the one that it looks at longest.
 *
 * Memory: some 140 octets a flow, and 700 for each of the CLASSIFY_FLOWS_MAX at most that are
 * looked at. Thread: a worker's own. Time: ns of the packets' clock.
 */
#ifndef SIPSPAN_FLOW_UDP_FLOWS_H
#define SIPSPAN_FLOW_UDP_FLOWS_H

#include "net/packet.h"

enum {
    UDP_FLOWS_LABELS_MAX = 32, /* "unknown" and "other" among them */
    UDP_FLOWS_LABEL_TEXT_MAX = 24,
    UDP_FLOWS_LOOKS_PER_S = 20000,
};

#define UDP_FLOWS_IDLE_NS INT64_C(60000000000)

struct udp_flows_label {
    char name[UDP_FLOWS_LABEL_TEXT_MAX]; /* "STUN", "DNS", "unknown" */
    uint64_t flows, packets;
};

struct udp_flows;

/* NULL: out of memory. flows_max: at least 1. */
struct udp_flows *udp_flows_create(size_t flows_max);
void udp_flows_destroy(struct udp_flows *flows); /* NULL does nothing */

/*
 * A UDP packet that is neither SIP, RTP nor RTCP. kind: its protocol's name where its octets told
 * it ("STUN", a string that outlives this), NULL where nDPI is to be asked.
 */
void udp_flows_packet(struct udp_flows *flows, const struct datagram *datagram, const char *kind);

/*
 * The labels by number of packets, most first; at most `max`. A packet counts under its kind, one
 * without under its flow's label; a flow under each label that packets of it count under. What has
 * no label, or none yet, is "unknown" (so its numbers may fall); labels for which there is no room
 * are "other".
 */
size_t udp_flows_labels(const struct udp_flows *flows, struct udp_flows_label *label, size_t max);
size_t udp_flows_tracked(const struct udp_flows *flows);
void udp_flows_clock_step(struct udp_flows *flows, int64_t step_ns);

#endif
