/*
 * mirror: the health of what the mirror port delivers, as figures, and the event that says that it
 * is not well.
 *
 * The sensor's own view comes first: copies, conversations seen in one direction only, packets
 * behind their time, packets cut by a snap length, holes that hit many flows at the same moment.
 * Judged in windows of MIRROR_WINDOW_NS of the packets' clock; a problem is told once when its
 * share goes over the threshold, and can be told again after a window under 80% of it.
 *
 * Thread: the correlator's. Time: ns of the packets' clock.
 */
#ifndef SIPSPAN_VERDICT_MIRROR_H
#define SIPSPAN_VERDICT_MIRROR_H

#include "event/event.h"
#include "verdict/peer.h"

enum {
    MIRROR_COPY_KINDS = 4,   /* same, vlan, routed, tunnel */
    MIRROR_PORTS_MAX = 64,   /* pairs of interface and VLAN counted apart; the rest together */
    MIRROR_FLOWS_MAX = 4096, /* flows told apart within a moment */
    MIRROR_NO_VLAN = 0xffff,
};

#define MIRROR_WINDOW_NS INT64_C(10000000000)
#define MIRROR_MOMENT_NS INT64_C(100000000) /* in which flows miss packets together */

/* What came by one interface and one (outermost) VLAN. */
struct mirror_port {
    uint16_t interface;
    uint16_t vlan; /* MIRROR_NO_VLAN: untagged */
    uint64_t packets, copies;
};

struct mirror_figures {
    uint64_t packets;                   /* IP packets, copies included */
    uint64_t copies[MIRROR_COPY_KINDS]; /* by kind */
    uint64_t other_ports_packets;       /* of ports beyond MIRROR_PORTS_MAX, copies included */
    uint64_t other_ports_copies;
    uint64_t behind; /* packets whose stamp is older than one before them */
    int64_t behind_max_ns;
    uint64_t truncated;
    uint64_t conversations;         /* pairs of hosts that spoke SIP */
    uint64_t conversations_one_way; /* of these, seen in one direction only */
    uint64_t conversations_proven;  /* of these, shown to be answered out of sight */
    uint64_t tcp_holes;             /* in TCP streams whose receiver has what the mirror lacks */
    uint64_t rtp_holes;             /* in RTP streams */
    uint64_t shared_losses;         /* moments in which many flows missed packets together */
    uint64_t told[MIRROR_PROBLEM_COUNT]; /* events */
};

struct mirror;

/* receive: gets the events. sensor_id is copied. NULL: out of memory. */
struct mirror *mirror_create(const char *sensor_id, event_receiver receive, void *context);
void mirror_destroy(struct mirror *mirror);

/*
 * Each packet, IP or not, in this order: mirror_stamp, mirror_packet (of an IP packet), mirror_flow
 * (where it is of a flow). All are cheap. Before them, mirror_advance where mirror_due_ns has come.
 *
 * mirror_stamp: the packet's time, after its clock was read, against the latest so far, its own
 * included. The first one begins the first window.
 */
void mirror_stamp(struct mirror *mirror, int64_t time_ns, int64_t latest_ns);
/* copy_kind 0: no copy; else 1 to MIRROR_COPY_KINDS. vlan MIRROR_NO_VLAN: untagged. */
void mirror_packet(struct mirror *mirror, unsigned copy_kind, uint16_t interface, uint16_t vlan,
                   bool is_truncated);
/*
 * Some IP packets in a row, instead of mirror_stamp and mirror_packet for each: whole, untagged, no
 * copies, none behind its time, in a window that has begun (mirror_due_ns) and is not over.
 */
void mirror_packets(struct mirror *mirror, uint16_t interface, unsigned count);
/* A packet of a flow whose numbering shows holes; flow: any number that tells flows apart. */
void mirror_flow(struct mirror *mirror, uint32_t flow, bool has_hole, bool is_tcp, int64_t now_ns);
/* The sensor itself lost packets: holes of this window are not held against the mirror. */
void mirror_sensor_lost(struct mirror *mirror, int64_t now_ns);
/* Did many flows miss packets at the same moment since then, or the sensor lose some? */
bool mirror_lost_since(const struct mirror *mirror, int64_t since_ns);
/* Were packets out of order, in this window so far or in one that ended since then? */
bool mirror_disordered_since(const struct mirror *mirror, int64_t since_ns);

/*
 * When the window ends that has packets; INT64_MAX: none has. So that the events do not depend on
 * how often somebody looks, whatever else waits for time to pass is to be advanced to this moment,
 * no further, before mirror_advance is called for it.
 */
int64_t mirror_due_ns(const struct mirror *mirror);
/* Closes the window that is over, judges, tells. peers: for the conversations. */
void mirror_advance(struct mirror *mirror, const struct peers *peers, int64_t now_ns);
/* The input ended: the last window is judged. */
void mirror_finish(struct mirror *mirror, const struct peers *peers, int64_t now_ns);
void mirror_clock_step(struct mirror *mirror, int64_t step_ns);

/* All that was counted so far. */
void mirror_figures(const struct mirror *mirror, const struct peers *peers,
                    struct mirror_figures *figures);
/* The ports, most packets first; at most `max`. What came by more than MIRROR_PORTS_MAX is not
 * among them. */
size_t mirror_ports(const struct mirror *mirror, struct mirror_port *port, size_t max);

#endif
