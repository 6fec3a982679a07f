/*
 * tally: what the report at the end tells: counts of everything read, of everything left out, and
 * the unanswered INVITEs grouped by destination. Bounded, whatever arrives. Thread: the
 * correlator's.
 */
#ifndef SIPSPAN_PIPELINE_TALLY_H
#define SIPSPAN_PIPELINE_TALLY_H

#include "base/hash.h"
#include "base/hash_set.h"
#include "base/spread.h"
#include "decode/decode.h"
#include "event/event.h"
#include "sip/sip_msg.h"

enum {
    TALLY_DESTINATIONS_MAX = 1024, /* beyond it those with the fewest are counted together */
    TALLY_CALLERS_MAX = 64,        /* distinct callers remembered of a destination */
    TALLY_PENDING_MAX = 64,
    TALLY_TEXT_MAX = 128,
    TALLY_STATUS_MAX = 700,
};

/* The unanswered INVITEs to one destination. */
struct tally_destination {
    struct endpoint dst;
    const char *name;
    enum transport transport;
    uint64_t invites, transmissions;
    uint32_t transmissions_min, transmissions_max;
    int64_t first_ns, last_ns;
    uint64_t causes[CAUSE_CODE_COUNT];
    struct ip_addr caller[TALLY_CALLERS_MAX];
    unsigned callers; /* TALLY_CALLERS_MAX: that many or more */
    /* An example, of its most frequent cause. Texts are cut. */
    char call_id[TALLY_TEXT_MAX], from_uri[TALLY_TEXT_MAX], to_uri[TALLY_TEXT_MAX];
    struct cause cause;
};

/* INVITEs to one destination that still waited for a response when the input ended. */
struct tally_pending {
    struct endpoint dst;
    const char *name;
    uint64_t invites;
    uint32_t transmissions_max;
    int64_t waited_ns; /* the longest of them */
};

struct tally {
    uint64_t packets, bytes;
    int64_t first_ns, last_ns; /* EVENT_NO_TIME before the first packet */
    uint64_t decoded[DECODE_VERDICT_COUNT];
    uint64_t udp_other; /* UDP that does not look like SIP */
    uint64_t requests[SIP_METHOD_COUNT];
    uint64_t responses[SIP_METHOD_COUNT][7]; /* by class; index 0 unused */
    uint64_t refused[SIP_REFUSAL_COUNT];
    uint64_t defects[SIP_DEFECT_COUNT];
    struct hash_key call_id_key;
    struct hash_set call_ids;

    uint64_t calls[CALL_STATE_COUNT][TALLY_STATUS_MAX];
    uint64_t ack_missing;
    struct spread first_response_us, post_dial_delay_us;
    uint64_t unanswered;
    uint64_t causes[CAUSE_CODE_COUNT];
    struct tally_destination *destination; /* see tally_sort */
    size_t destinations;
    uint64_t pending; /* INVITEs that still wait */
    struct tally_pending pending_to[TALLY_PENDING_MAX];
    size_t pending_destinations;
    uint64_t icmp; /* packets of ICMP and ICMPv6 */
    uint64_t other_destinations_invites; /* to those that gave way to ones with more */
};

/* 0 or -ENOMEM. */
int tally_init(struct tally *tally, size_t call_ids_max);
void tally_fini(struct tally *tally);

void tally_packet(struct tally *tally, const struct packet *packet, enum decode_verdict verdict);
void tally_message(struct tally *tally, const struct sip_msg *msg);
void tally_event(struct tally *tally, const struct event *event);

/* An INVITE that waits, at the end. name: of its destination, or NULL. */
void tally_waiting(struct tally *tally, const struct endpoint *dst, const char *name,
                   uint32_t transmissions, int64_t waited_ns);

/* Orders the destinations for the report: the most unanswered INVITEs first. */
void tally_sort(struct tally *tally);

uint64_t tally_requests(const struct tally *tally);
uint64_t tally_responses(const struct tally *tally);
uint64_t tally_calls(const struct tally *tally, enum call_state state);

#endif
