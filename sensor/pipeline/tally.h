/*
 * tally: what the report at the end tells: counts of everything read, of everything left out, the
 * unanswered INVITEs and failed connections grouped by destination, and the media (media_tally.h).
 * Bounded, whatever arrives.
 * Mirror copies are in what was read (packets, bytes, the span of time) and in nothing else.
 * Thread: the correlator's.
 */
#ifndef SIPSPAN_PIPELINE_TALLY_H
#define SIPSPAN_PIPELINE_TALLY_H

#include "base/hash.h"
#include "base/hash_set.h"
#include "base/spread.h"
#include "decode/decode.h"
#include "decode/icmp.h"
#include "event/event.h"
#include "pipeline/kept_text.h"
#include "pipeline/media_tally.h"
#include "sip/sip_msg.h"

enum {
    TALLY_DESTINATIONS_MAX = 1024, /* beyond it those with the fewest are counted together */
    TALLY_CALLERS_MAX = 64,        /* distinct callers remembered of a destination */
    TALLY_PENDING_MAX = 64,
    TALLY_FAILING_MAX = 256, /* as TALLY_DESTINATIONS_MAX */
    TALLY_FAILING_CALLERS_MAX = 16,
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
    /* An example: of the cause with the highest confidence, and of these of the most frequent one.
       Texts are cut. */
    char call_id[KEPT_TEXT_MAX], from_uri[KEPT_TEXT_MAX], to_uri[KEPT_TEXT_MAX];
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

/* The connections to one destination that never got as far as a message. */
struct tally_failing {
    struct endpoint dst;
    const char *name;
    enum transport transport;
    uint64_t connections, attempts;
    uint64_t hellos; /* of the attempts: TLS client hellos, the others are SYNs */
    uint64_t reasons[CONNECTION_FAILURE_COUNT];
    uint64_t doubted; /* of them: the server was never heard, it may be the mirror */
    int64_t first_ns, last_ns;
    struct ip_addr caller[TALLY_FAILING_CALLERS_MAX];
    unsigned callers; /* TALLY_FAILING_CALLERS_MAX: that many or more */
};

/* What was told of one problem of the mirror. */
struct tally_mirror {
    uint64_t events;
    struct mirror_degraded worst; /* the event with the highest value */
};

struct tally {
    uint64_t packets, bytes;   /* copies included; decoded[] and copies add up to packets */
    int64_t first_ns, last_ns; /* EVENT_NO_TIME before the first packet */
    uint64_t copies;
    uint64_t copies_in_fragments; /* datagrams put together that had come before, whole or not */
    uint64_t decoded[DECODE_VERDICT_COUNT];
    uint64_t tunnels[TUNNEL_COUNT]; /* IP packets by their outermost tunnel */
    uint64_t hep_copies;            /* messages that came as HEP and had come before, or reverse */
    uint64_t udp_other;             /* UDP datagrams that do not look like SIP */
    uint64_t icmp_errors[ICMP_MEANING_COUNT];
    uint64_t messages[TRANSPORT_COUNT]; /* accepted ones */
    uint64_t requests[SIP_METHOD_COUNT];
    uint64_t responses[SIP_METHOD_COUNT][7]; /* by class; index 0 unused */
    uint64_t refused[SIP_REFUSAL_COUNT];
    uint64_t defects[SIP_DEFECT_COUNT];
    struct hash_key call_id_key;
    struct hash_set call_ids;

    uint64_t calls[CALL_STATE_COUNT][TALLY_STATUS_MAX];
    uint64_t calls_of_scanners[CALL_STATE_COUNT]; /* beside these */
    uint64_t ack_missing;
    struct spread first_response_us, post_dial_delay_us;
    uint64_t unanswered;
    uint64_t unanswered_over[TRANSPORT_COUNT];
    uint64_t causes[CAUSE_CODE_COUNT];
    /* Of these, scanners': they are of no destination, since nobody is missed there. */
    uint64_t of_scanners, causes_of_scanners[CAUSE_CODE_COUNT];
    uint64_t struggling;                   /* INVITEs that were told of before they were given up */
    struct tally_destination *destination; /* see tally_sort */
    size_t destinations;
    uint64_t other_destinations_invites; /* to those that gave way to worse ones */
    bool other_destinations_insist;      /* as tally_insists, of one of them */
    uint64_t pending;                    /* INVITEs that still wait */
    struct tally_pending pending_to[TALLY_PENDING_MAX];
    size_t pending_destinations;

    uint64_t connections_failed[CONNECTION_FAILURE_COUNT];
    struct tally_failing *failing; /* see tally_sort */
    size_t failing_destinations;
    uint64_t other_failing_connections; /* to those that gave way to ones with more */
    struct tally_mirror mirror[MIRROR_PROBLEM_COUNT];
    struct media_tally media;
};

/* Packets with this verdict are counted and not looked into. */
static inline bool tally_is_left_out(enum decode_verdict verdict)
{
    return verdict == DECODE_OTHER_IP || (!decode_is_ip(verdict) && verdict != DECODE_MESSAGE);
}

/* Somebody wants an answer there. Over UDP scanners send once, who calls repeats; TCP repeats by
 * itself, and who waits cannot be told from who scans. */
static inline bool tally_insists(const struct tally_destination *destination)
{
    return destination->transmissions_max > 1 || destination->transport != TRANSPORT_UDP;
}

/* 0 or -ENOMEM. */
int tally_init(struct tally *tally, size_t call_ids_max);
void tally_fini(struct tally *tally);

/* A packet that is no copy, as decode_packet gave it: not what fragments were put together to. */
void tally_packet(struct tally *tally, const struct packet *packet, enum decode_verdict verdict,
                  const struct datagram *datagram);
/* `count` (not 0) packets of RTP in a row, in no tunnel, in the order of their stamps; `bytes` is
 * what was captured of them. */
void tally_rtp(struct tally *tally, const struct packet *packet, unsigned count, uint64_t bytes);
/* A packet that is a copy of another: instead of tally_packet. */
void tally_copy(struct tally *tally, const struct packet *packet);
/* A message that was accepted; transport: what it came over. */
void tally_message(struct tally *tally, const struct sip_msg *msg, enum transport transport);
/* An ICMP error that could be read. */
void tally_icmp(struct tally *tally, const struct icmp_error *error);
void tally_event(struct tally *tally, const struct event *event);

/* An INVITE that waits, at the end. name: of its destination, or NULL. */
void tally_waiting(struct tally *tally, const struct endpoint *dst, const char *name,
                   uint32_t transmissions, int64_t waited_ns);

/* Orders all three kinds of destinations, and the streams, for the report: the worst first. */
void tally_sort(struct tally *tally);

uint64_t tally_requests(const struct tally *tally);
uint64_t tally_responses(const struct tally *tally);
/* Scanners' apart. */
uint64_t tally_calls(const struct tally *tally, enum call_state state);
uint64_t tally_calls_of_scanners(const struct tally *tally);
uint64_t tally_connections_failed(const struct tally *tally);

#endif
