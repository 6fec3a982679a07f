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
    MIRROR_FLOWS_MAX = 4096, /* flows told apart within a second */
    MIRROR_NO_VLAN = 0xffff,
};

#define MIRROR_WINDOW_NS INT64_C(10000000000)

/* What came by one interface and one (outermost) VLAN. */
struct mirror_port {
    uint16_t interface;
    uint16_t vlan; /* MIRROR_NO_VLAN: untagged */
    uint64_t packets, copies;
};

struct mirror_figures {
    uint64_t packets;                   /* IP packets, copies included */
    uint64_t copies[MIRROR_COPY_KINDS]; /* by kind */
    uint64_t behind;                    /* packets whose stamp is older than one before them */
    int64_t behind_max_ns;
    uint64_t truncated;
    uint64_t conversations;              /* pairs of hosts that spoke SIP */
    uint64_t conversations_one_way;      /* of these, seen in one direction only */
    uint64_t conversations_proven;       /* of these, shown to be answered out of sight */
    uint64_t tcp_holes;                  /* octets acknowledged that the mirror never delivered */
    uint64_t rtp_holes;                  /* of the sampled streams */
    uint64_t shared_losses;              /* seconds in which many flows missed packets together */
    uint64_t told[MIRROR_PROBLEM_COUNT]; /* events */
};

struct mirror;

/* receive: gets the events. NULL: out of memory. */
struct mirror *mirror_create(const char *sensor_id, event_receiver receive, void *context);
void mirror_destroy(struct mirror *mirror);

/*
 * One IP packet. copy_kind 0: no copy; else 1 to MIRROR_COPY_KINDS. vlan MIRROR_NO_VLAN: untagged.
 * Called for every packet: cheap.
 */
void mirror_packet(struct mirror *mirror, unsigned copy_kind, uint16_t interface, uint16_t vlan,
                   bool is_truncated);
/* The stamp of each packet against the latest before it. */
void mirror_stamp(struct mirror *mirror, int64_t stamp_ns, int64_t latest_ns);
/* A packet of a flow whose numbering shows holes; flow: any number that tells flows apart. */
void mirror_flow(struct mirror *mirror, uint32_t flow, bool has_hole, bool is_tcp, int64_t now_ns);

/* Time passed: closes windows, judges, tells. peers: for the conversations. */
void mirror_advance(struct mirror *mirror, const struct peers *peers, int64_t now_ns);
/* The input ended: the last window is judged. */
void mirror_finish(struct mirror *mirror, const struct peers *peers, int64_t now_ns);
void mirror_clock_step(struct mirror *mirror, int64_t step_ns);

void mirror_figures(const struct mirror *mirror, const struct peers *peers,
                    struct mirror_figures *figures);
/* The ports, most packets first; at most `max`. */
size_t mirror_ports(const struct mirror *mirror, struct mirror_port *port, size_t max);

#endif
