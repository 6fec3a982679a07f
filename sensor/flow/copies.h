/*
 * copies: recognises packets that the mirror delivered twice (rx and tx of a port mirrored, two
 * VLANs, both sides of a router, plain and in a tunnel).
 *
 * A copy has the addresses, the IP id, the transport header and the payload of a packet seen within
 * the window; what a way through the network changes (TTL, DSCP, VLAN, tunnel, MAC, checksums) only
 * says what kind of copy it is. A retransmission has another IP id or, where hosts send none (IPv6,
 * DF with id 0) or always the same, comes later than the window: SIP repeats a message after T1, of
 * which 100 ms is the shortest in use. The window counts, both ways, from the packet that came
 * first; a copy does not prolong it. What TCP repeats faster, without an IP id (an empty ACK), is
 * taken for a copy; it tells nothing new.
 *
 * Of RTP (or what begins so) the first 32 octets and the length stand for the payload. The key of
 * the fingerprint is random, so that nobody can make two packets that differ in what it covers look
 * like copies. Memory: fixed, see copies_init. Thread: a worker's own. Time: ns of the packets'
 * clock.
 */
#ifndef SIPSPAN_FLOW_COPIES_H
#define SIPSPAN_FLOW_COPIES_H

#include <stddef.h>

#include "decode/decode.h"

enum copy_kind {
    COPY_NONE,
    COPY_SAME,   /* the very same: both directions of a link or a switch are mirrored */
    COPY_VLAN,   /* other VLAN tags */
    COPY_ROUTED, /* another TTL: before and after a router */
    COPY_TUNNEL, /* in a tunnel and out of it */
    COPY_KIND_COUNT
};

/* A longer window would reach the shortest T1. */
#define COPIES_WINDOW_MAX_NS INT64_C(90000000)

enum { COPIES_RTP_OCTETS = 32 }; /* header and enough of the voice to tell two packets apart */

struct copies {
    uint64_t key[4]; /* random */
    struct copies_bucket *bucket;
    size_t mask;
    uint32_t window_ticks;
    uint64_t stepped_ns; /* by how much the clock was set, in all: the table knows nothing of it */
    int64_t age_ns;      /* of the latest copy: how long after the packet that came first */
    /* Packets forgotten before the window was over: copies may have been missed. */
    uint64_t overruns;
};

/*
 * Remembers `packets` packets (rounded down to a power of two, 4 at least), 16 octets each.
 * window_ns: 0 to COPIES_WINDOW_MAX_NS; more is taken as that. 0 or -ENOMEM.
 */
int copies_init(struct copies *copies, size_t packets, int64_t window_ns);
void copies_fini(struct copies *copies);

/*
 * Of an IP packet (decode_is_ip): what a copy shares with it. Reads the payload. To be followed by
 * copies_prefetch and, a few packets later, by copies_check.
 */
uint64_t copies_fingerprint(const struct copies *copies, const struct datagram *datagram,
                            enum decode_verdict verdict);
void copies_prefetch(const struct copies *copies, uint64_t fingerprint);

/* COPY_NONE: it is the first of its kind, and is remembered. */
enum copy_kind copies_check(struct copies *copies, uint64_t fingerprint,
                            const struct datagram *datagram);

/*
 * The same of a plain packet (decode/plain.h) of RTP with COPIES_RTP_OCTETS of payload or more, by
 * its IP header. copies_add_plain is true where it is the first of its kind, and is remembered;
 * false: it may be a copy, which copies_check knows, and nothing was touched.
 */
uint64_t copies_fingerprint_plain(const struct copies *copies, const uint8_t *ip);
bool copies_add_plain(struct copies *copies, uint64_t fingerprint, int64_t time_ns, uint8_t ttl);

/* The packets' clock was set: what is remembered moves with it. */
void copies_clock_step(struct copies *copies, int64_t step_ns);

const char *copy_kind_name(enum copy_kind kind); /* "routed" */

#endif
