/*
 * rtp_source: what is measured of one RTP stream from its packets' headers and their arrival:
 * sequence numbers (RFC 3550 A.1, A.3, with a receive window so that repeats hide no losses),
 * interarrival jitter (A.8, in double precision), delay above that of the fastest packets
 * (RFC 5481), what jitter buffers would throw away, runs and bursts of losses (RFC 3611).
 *
 * struct rtp_source is what every packet touches, two cache lines; struct rtp_record what every
 * stream has besides; struct rtp_oddities what most never need. Counts are of one interval, which
 * the owner reads, adds up and begins anew. Counted from the very first packet; whether it is RTP
 * at all is for the owner to say.
 *
 * Where the sequence jumps by 3,000 and more and goes on there, the source began anew (A.1): what
 * lies between is not lost. Time stamps that jump are no jitter either: by over a second with the
 * marker bit (a talkspurt whose sender restarts its clock), over five without it.
 *
 * Plain data of one owner; nothing is allocated but the oddities, of the owner's slab. Arrival in
 * ns of the packets' clock; may go back a little.
 */
#ifndef SIPSPAN_RTP_RTP_SOURCE_H
#define SIPSPAN_RTP_RTP_SOURCE_H

#include "base/slab.h"
#include "rtp/delay_spread.h"
#include "rtp/loss_runs.h"
#include "rtp/rtp_packet.h"

enum {
    RTP_WINDOW = 128,       /* sequence numbers below the highest that are remembered */
    RTP_MAX_DROPOUT = 3000, /* RFC 3550 A.1 */
    RTP_MAX_MISORDER = 100, /* RFC 3550 A.1; farther behind only what is missing in the window */
    RTP_HOLE_AGE = 4,       /* a packet so far behind that is not there is missing, not late */
    RTP_TYPES_MAX = 4,      /* payload types that are counted apart */
    RTP_DISCARDS_MAX = 8,   /* discarded packets that wait for older ones to be late or lost */
};

struct rtp_source {
    int64_t seen_ns;    /* arrival of the latest packet */
    int64_t timed_ns;   /* arrival of the latest that counts for jitter */
    uint64_t window[2]; /* bit i: `highest - i` was received */
    double ns_per_tick; /* of the RTP clock; 0: unknown, nothing of time is measured */
    double transit_ns;  /* delay of the latest timed packet against the first one's */
    double floor_ns;    /* the least of this interval and the one before */
    double least_ns;    /* the least of this interval */
    double jitter_ns;
    double jitter_sum_ns; /* of its running value over this interval */
    uint32_t jitter_count;
    float jitter_max_ns;
    uint32_t highest;        /* extended sequence number */
    uint32_t timestamp;      /* of the latest timed packet */
    uint32_t received;       /* different ones, in all */
    uint32_t note;           /* the owner's */
    uint16_t timed_sequence; /* of the latest timed packet */
    uint8_t payload_type;    /* of what was sent last, events and comfort noise apart */
    uint8_t flags;           /* enum rtp_source_flag */
};

/* With the node by which its owner finds it, two cache lines. */
_Static_assert(sizeof(struct rtp_source) == 112, "what every packet touches");

enum rtp_source_flag {
    RTP_IS_TIMED = 1,      /* timed_ns, timestamp and transit_ns are set */
    RTP_IS_RESTARTING = 2, /* one packet of another sequence was seen: odd pending_* */
    RTP_PAUSES = 4,        /* it was silent between talkspurts: odd pause_* */
    RTP_SENDS_NOISE = 8,   /* comfort noise, of which little may come for long */
    RTP_IS_LATE = 16,      /* record.late_run is not 0 */
    RTP_FLAGS_OWNER = 32,  /* this bit and those above are the owner's */
};

/* Of an interval, or of several added up. */
struct rtp_counts {
    uint32_t duplicates, out_of_order, mirror_copies;
    uint32_t doubtful_copies; /* made by the mirror or by the network */
    uint32_t event_packets, comfort_noise_packets;
    uint32_t discarded_50ms, discarded_200ms, discarded_adaptive;
};

/* What is out of the ordinary in a stream: where it has some, it has all of this. */
struct rtp_oddities {
    int64_t adaptive_ns;      /* when the adaptive jitter buffer was last changed */
    float adaptive_target_ns; /* and its length then */
    float late_least_ns;      /* of the packets that came too late in a row: the least delay */

    int64_t pause_from_ns, pause_until_ns; /* the latest pause between talkspurts */

    int64_t pending_ns;
    uint32_t pending_timestamp;
    uint16_t pending_sequence;
    uint16_t restarts;
    uint32_t expected_before; /* of the sequences before */

    struct rtp_counts counts;           /* of this interval */
    uint32_t type_count[RTP_TYPES_MAX]; /* packets of each payload type; of the present one: before
                                           it came back */
    uint8_t type[RTP_TYPES_MAX];        /* the present one last */
    uint8_t types, discards;            /* used of the arrays */
    uint32_t discard[RTP_DISCARDS_MAX]; /* not told to `bad` yet, ascending */
    struct loss_runs lost;              /* but for the window */
    struct loss_runs bad;               /* the same, or discarded by an adaptive jitter buffer */
    uint32_t bad_then, runs_then;       /* when this interval began */

    /* From where on the clock is being learned. */
    int64_t learn_ns;
    uint32_t learn_timestamp, learn_received;
};

struct rtp_record {
    uint16_t late_run;          /* packets that came too late in a row */
    struct delay_spread spread; /* of this interval */
    uint8_t type;               /* payload type of the very first packet */
    uint32_t first;             /* extended sequence number where the present sequence began */
    int64_t first_ns;           /* arrival of the very first packet */
    uint32_t first_timestamp;
    uint32_t type_since;                   /* source.received when the present payload type began */
    uint32_t expected_then, received_then; /* when this interval began */
    struct rtp_oddities *odd;              /* NULL: none; see rtp_record_odd */
    struct slab *oddities;                 /* where they come from */
};

/* Never NULL: all zeroes where there are none. */
const struct rtp_oddities *rtp_record_odd(const struct rtp_record *record);
/* To be changed: from now on there are some. */
struct rtp_oddities *rtp_record_note(struct rtp_record *record);

enum rtp_taken {
    RTP_TAKEN,   /* a new packet, in order or late */
    RTP_MISSING, /* the same, and RTP_HOLE_AGE before it one is missing; told once for each hole */
    RTP_DUPLICATE, /* was received before */
    RTP_STRAY,     /* far from the sequence; counts nothing unless the next one follows it */
};

/* The first packet. `oddities` has room for those of every stream. */
void rtp_source_begin(struct rtp_source *source, struct rtp_record *record, struct slab *oddities,
                      const struct rtp_header *header, int64_t arrival_ns);
/* Gives back what it has of the slab. */
void rtp_source_end(struct rtp_record *record);
/*
 * What is sent from now on, and its clock; 0: unknown. Jitter goes on in time, not in ticks; where
 * the clock is another, the next packet is not held against the one before.
 */
void rtp_source_set_type(struct rtp_source *source, struct rtp_record *record, uint8_t payload_type,
                         uint32_t clock_hz);

enum rtp_payload { RTP_MEDIA, RTP_EVENT, RTP_COMFORT_NOISE };

/* One packet more. Only RTP_MEDIA counts for jitter and delay. */
enum rtp_taken rtp_source_take(struct rtp_source *source, struct rtp_record *record,
                               const struct rtp_header *header, int64_t arrival_ns,
                               enum rtp_payload payload);

/* All packets from the first to the highest, of all sequences. */
static inline uint32_t rtp_source_expected(const struct rtp_source *source,
                                           const struct rtp_record *record)
{
    return rtp_record_odd(record)->expected_before + (source->highest - record->first + 1);
}

/*
 * While the clock is unknown, after each packet: the usual rate that its time stamps show within
 * 2%, or 0. Looks every 50 packets, and begins anew where it sees none for long.
 */
uint32_t rtp_source_learn_clock(const struct rtp_source *source, struct rtp_record *record,
                                const struct rtp_header *header, int64_t arrival_ns);
/* The same, from this packet on: its payload type is another. */
void rtp_source_learn_anew(const struct rtp_source *source, struct rtp_record *record,
                           const struct rtp_header *header, int64_t arrival_ns);
/* How many packets of this interval have which payload type, the present one last; how many are
 * given. */
struct rtp_type_count {
    uint8_t type;
    uint32_t count;
};
unsigned rtp_source_types(const struct rtp_source *source, const struct rtp_record *record,
                          struct rtp_type_count types[static RTP_TYPES_MAX]);
/* The payload type of most packets of this interval. *is_mixed: there were several. */
uint8_t rtp_source_main_type(const struct rtp_source *source, const struct rtp_record *record,
                             bool *is_mixed);
/* What is lost and what is bad, with those in the window, as if all that follow were good. */
void rtp_source_runs(const struct rtp_source *source, const struct rtp_record *record,
                     struct loss_runs *lost, struct loss_runs *bad);
/* The interval is over, its figures have been read: the next one begins. */
void rtp_source_next_interval(struct rtp_source *source, struct rtp_record *record);
/* The packets' clock was set. */
void rtp_source_clock_step(struct rtp_source *source, struct rtp_record *record, int64_t step_ns);

#endif
