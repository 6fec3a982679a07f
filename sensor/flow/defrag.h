/*
 * defrag: puts IP datagrams together from their fragments (RFC 791 section 3.2, RFC 8200 section
 * 4.5, RFC 5722, RFC 8900).
 *
 * Key: source, destination, protocol (IPv4) and id, of the innermost IP header. Fragments come in
 * any order and twice. An exact repeat is ignored, also DEFRAG_REPEAT_NS after the datagram was
 * whole (a mirror's copy); anything else with its id is then a new datagram. IPv6: any other
 * overlap drops the datagram and, for the timeout, all that comes of it; IPv4: an overlap with
 * other octets does. So do octets behind what the last fragment says is the end. Refused: a middle
 * fragment whose length is no multiple of 8, one that is empty or ends past 65,535, a first
 * fragment without its transport header's first 8 octets.
 *
 * Bounded in datagrams, fragments of one, octets and time; when full, the one that waits longest is
 * given up. What is given up, late or for room, is told with what its first fragment said; one that
 * was dropped is not. The key of the table is random. Memory is reserved at start and touched as
 * far as it is needed. Thread: a worker's own. Time: ns of the packets' clock, as an argument.
 */
#ifndef SIPSPAN_FLOW_DEFRAG_H
#define SIPSPAN_FLOW_DEFRAG_H

#include "decode/decode.h"

enum { DEFRAG_FRAGMENTS_MAX = 64 }; /* of one datagram */

#define DEFRAG_TIMEOUT_NS INT64_C(5000000000)
#define DEFRAG_REPEAT_NS  INT64_C(50000000)

struct defrag;

/* A datagram that was given up. */
struct defrag_incomplete {
    const struct datagram *first; /* its first fragment, payload included, or NULL: it never came.
                                     The payload is what IP carries, up to the first hole. Lives
                                     as long as the call. */
    struct ip_addr src, dst;
    uint8_t protocol;
    int64_t first_ns, last_ns; /* of the fragments that came */
    size_t octets;             /* that came */
    size_t total;              /* that it should have; 0: the last fragment never came */
};

struct defrag_params {
    size_t datagrams_max;
    size_t bytes_max;   /* for all, payload and bookkeeping; of less than 1 MiB little is left */
    int64_t timeout_ns; /* after the first that came of a datagram */
    /* Called within defrag_add, _advance and _finish, and may call none of them; NULL: nobody asks.
     */
    void (*on_incomplete)(void *context, const struct defrag_incomplete *incomplete);
    void *context;
};

struct defrag_stats {
    uint64_t fragments;   /* taken */
    uint64_t reassembled; /* datagrams */
    uint64_t timed_out;   /* datagrams that never became whole */
    uint64_t evicted;     /* given up for room */
    uint64_t overlapping; /* datagrams dropped: RFC 5722, or contradicting octets */
    uint64_t refused;     /* fragments: impossible offset or length, too many, of one dropped */
    uint64_t repeated;    /* fragments that were there already */
    size_t waiting;       /* datagrams now */
    size_t bytes;         /* that all this takes now, but for the fixed part */
};

/* Fewer datagrams than datagrams_max where bytes_max does not do for them. NULL: out of memory. */
struct defrag *defrag_create(const struct defrag_params *params);
void defrag_destroy(struct defrag *defrag);

/*
 * A packet that decode called DECODE_FRAGMENT. True: it was the last that was missing; *first is
 * the datagram's first fragment, with the time and number of this last one, and *payload the whole.
 * Both live until the next call. A truncated fragment makes the whole one truncated: its missing
 * octets and what follows them are not in *payload. How long it was nobody knows: it is taken to
 * reach as far as the next fragment that came.
 */
bool defrag_add(struct defrag *defrag, const struct datagram *fragment, struct datagram *first,
                struct slice *payload);

/* When something is due; INT64_MAX: nothing is. */
int64_t defrag_due_ns(const struct defrag *defrag);
/* Gives up what waits since now_ns - timeout, or longer. Cheap when there is nothing to do. */
void defrag_advance(struct defrag *defrag, int64_t now_ns);
/* The input ended: gives up everything that waits, oldest first. */
void defrag_finish(struct defrag *defrag);
void defrag_clock_step(struct defrag *defrag, int64_t step_ns);
void defrag_stats(const struct defrag *defrag, struct defrag_stats *stats);

#endif
