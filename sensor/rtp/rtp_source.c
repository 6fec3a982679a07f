#include "rtp/rtp_source.h"

#include <math.h>

#include "rtp/rtp_source_types.h"

enum {
    CYCLE = 1 << 16, /* of sequence numbers; the first is in the second, so that none is below 0 */
    LATE_RUN_MAX = 50, /* so many too late in a row: a jitter buffer has begun anew */
    SLOW_RUN_MIN = 3
};

#define EARLY_NS          INT64_C(1000000000) /* so long packets from before the first may come */
#define JUMP_MARKED_NS    1e9                 /* time stamps that begin anew with a talkspurt */
#define JUMP_NS           5e9                 /* or without: more than a network delays */
#define PAUSE_NS          5e8                 /* between talkspurts; longer than any packet */
#define BUFFER_SHORT_NS   5e7                 /* jitter buffers of fixed length */
#define BUFFER_LONG_NS    2e8
#define ADAPTIVE_MIN_NS   4e7 /* and of an adaptive one: two packets of the usual length */
#define ADAPTIVE_MAX_NS   5e8
#define ADAPTIVE_SINKS    1e-2 /* by 10 ms a second */
#define ADAPTIVE_SPARE_NS 1e7  /* more than what was too late asks for */
#define ADAPTIVE_JITTERS  4

const struct rtp_oddities *rtp_record_odd(const struct rtp_record *record)
{
    static const struct rtp_oddities none;
    return record->odd ? record->odd : &none;
}

struct rtp_oddities *rtp_record_note(struct rtp_record *record)
{
    if (!record->odd) {
        record->odd = slab_alloc(record->oddities); /* there are some for each stream */
        *record->odd = (struct rtp_oddities){
            .types = 1,
            .type = {record->type},
            .learn_ns = record->first_ns,
            .learn_timestamp = record->first_timestamp,
            .learn_received = 1,
        };
    }
    return record->odd;
}

void rtp_source_begin(struct rtp_source *source, struct rtp_record *record, struct slab *oddities,
                      const struct rtp_header *header, int64_t arrival_ns)
{
    /* What came before the first packet is none of its holes. */
    *source = (struct rtp_source){
        .seen_ns = arrival_ns,
        .window = {UINT64_MAX, UINT64_MAX},
        .highest = (uint32_t)CYCLE + header->sequence,
        .received = 1,
        .payload_type = header->payload_type,
    };
    *record = (struct rtp_record){
        .first_ns = arrival_ns,
        .first = source->highest,
        .first_timestamp = header->timestamp,
        .type = header->payload_type,
        .oddities = oddities,
    };
}

void rtp_source_end(struct rtp_record *record)
{
    slab_free(record->oddities, record->odd);
    record->odd = NULL;
}

static inline void go_on_timing(struct rtp_source *source, int64_t arrival_ns,
                                struct rtp_header header)
{
    source->timed_ns = arrival_ns;
    source->timestamp = header.timestamp;
    source->timed_sequence = header.sequence;
}

/* From here the next packet's time is measured. */
static void begin_timing(struct rtp_source *source, int64_t arrival_ns, struct rtp_header header)
{
    go_on_timing(source, arrival_ns, header);
    source->flags |= RTP_IS_TIMED;
}

void rtp_source_set_type(struct rtp_source *source, struct rtp_record *record, uint8_t payload_type,
                         uint32_t clock_hz)
{
    double ns_per_tick = clock_hz > 0 ? 1e9 / clock_hz : 0;
    if (ns_per_tick != source->ns_per_tick)
        source->flags &= (uint8_t)~RTP_IS_TIMED;
    source->ns_per_tick = ns_per_tick;
    if (source->received == 1 && clock_hz > 0)
        begin_timing(source, record->first_ns,
                     (struct rtp_header){.timestamp = record->first_timestamp,
                                         .sequence = (uint16_t)source->highest});
    if (payload_type != source->payload_type)
        rtp_source_change_type(source, record, payload_type);
}

/* Discarded packets that are older than this one come before it. */
static void tell_discards(const struct rtp_oddities *odd, struct loss_runs *bad, uint32_t sequence,
                          unsigned *told)
{
    for (; *told < odd->discards && (int32_t)(odd->discard[*told] - sequence) < 0; ++*told)
        loss_runs_bad(bad, odd->discard[*told]);
}

static void forget_discards(struct rtp_oddities *odd, unsigned told)
{
    for (unsigned i = told; i < odd->discards; i++)
        odd->discard[i - told] = odd->discard[i];
    odd->discards = (uint8_t)(odd->discards - told);
}

/* They left the window without having come. */
static __attribute__((noinline)) void lose(struct rtp_record *record, uint32_t sequence,
                                           uint32_t count)
{
    struct rtp_oddities *odd = rtp_record_note(record);
    unsigned told = 0;
    tell_discards(odd, &odd->bad, sequence, &told);
    forget_discards(odd, told);
    loss_runs_bad_row(&odd->bad, sequence, count);
    loss_runs_bad_row(&odd->lost, sequence, count);
}

void rtp_source_runs(const struct rtp_source *source, const struct rtp_record *record,
                     struct loss_runs *lost, struct loss_runs *bad)
{
    const struct rtp_oddities *odd = rtp_record_odd(record);
    unsigned told = 0;
    *lost = odd->lost;
    *bad = odd->bad;
    for (unsigned age = RTP_WINDOW; age-- > 0;) {
        if (source->window[age / 64] >> (age % 64) & 1)
            continue;
        tell_discards(odd, bad, source->highest - age, &told);
        loss_runs_bad(bad, source->highest - age);
        loss_runs_bad(lost, source->highest - age);
    }
    tell_discards(odd, bad, source->highest + 1, &told);
}

/* A jitter buffer has thrown it away. */
static void discard(struct rtp_oddities *odd, uint32_t sequence)
{
    if (odd->discards == RTP_DISCARDS_MAX) {
        loss_runs_bad(&odd->bad, odd->discard[0]);
        forget_discards(odd, 1);
    }
    unsigned at = odd->discards++;
    for (; at > 0 && (int32_t)(odd->discard[at - 1] - sequence) > 0; at--)
        odd->discard[at] = odd->discard[at - 1];
    odd->discard[at] = sequence;
}

/* The length of the adaptive jitter buffer now: at once as long as it has to be, then slowly less,
 * never below what the jitter asks for. */
static double adaptive_length_ns(const struct rtp_source *source, const struct rtp_record *record,
                                 int64_t arrival_ns)
{
    const struct rtp_oddities *odd = rtp_record_odd(record);
    double asked_ns = ADAPTIVE_JITTERS * source->jitter_ns;
    double length_ns =
        (double)odd->adaptive_target_ns - (double)(arrival_ns - odd->adaptive_ns) * ADAPTIVE_SINKS;
    length_ns = fmax(length_ns, fmax(asked_ns, ADAPTIVE_MIN_NS));
    return fmin(length_ns, ADAPTIVE_MAX_NS);
}

static void end_late_run(struct rtp_source *source, struct rtp_record *record)
{
    record->late_run = 0;
    source->flags &= (uint8_t)~RTP_IS_LATE;
}

/*
 * Where all packets come late for a second, the path has become longer: the jitter buffer
 * resynchronises to the fastest of them. Where they come later and later, beyond what any buffer
 * holds, the sender is slow: then to the latest.
 */
static void follow_late_run(struct rtp_source *source, struct rtp_record *record, double above_ns)
{
    struct rtp_oddities *odd = rtp_record_note(record);
    float transit_ns = (float)source->transit_ns;
    if (record->late_run == 0 || transit_ns < odd->late_least_ns)
        odd->late_least_ns = transit_ns;
    record->late_run++;
    source->flags |= RTP_IS_LATE;
    bool is_slow = above_ns > ADAPTIVE_MAX_NS && record->late_run >= SLOW_RUN_MIN &&
                   transit_ns > odd->late_least_ns;
    if (!is_slow && record->late_run < LATE_RUN_MAX)
        return;
    source->floor_ns = source->least_ns = is_slow ? transit_ns : odd->late_least_ns;
    end_late_run(source, record);
}

/* Slower than the fastest by more than the least that a jitter buffer has. */
static __attribute__((noinline)) void
take_late(struct rtp_source *source, struct rtp_record *record, uint32_t sequence, double above_ns)
{
    int64_t arrival_ns = source->seen_ns;
    if (above_ns > BUFFER_SHORT_NS)
        rtp_record_note(record)->counts.discarded_50ms++;
    if (above_ns > BUFFER_LONG_NS)
        rtp_record_note(record)->counts.discarded_200ms++;
    if (above_ns > adaptive_length_ns(source, record, arrival_ns)) {
        struct rtp_oddities *odd = rtp_record_note(record);
        odd->counts.discarded_adaptive++;
        odd->adaptive_target_ns = (float)fmin(above_ns + ADAPTIVE_SPARE_NS, ADAPTIVE_MAX_NS);
        odd->adaptive_ns = arrival_ns;
        discard(odd, sequence);
    }
    if (above_ns > BUFFER_SHORT_NS)
        follow_late_run(source, record, above_ns);
    else
        end_late_run(source, record);
}

/* True: the time stamps began anew, which is no delay. */
static __attribute__((noinline)) bool is_jump(struct rtp_source *source, struct rtp_header header,
                                              int64_t arrival_ns, double off_ns)
{
    double limit_ns = header.marker ? JUMP_MARKED_NS : JUMP_NS;
    if (off_ns <= limit_ns)
        return false;
    begin_timing(source, arrival_ns, header);
    return true;
}

/* Nothing was sent in between, not even events. */
static __attribute__((noinline)) void note_pause(struct rtp_source *source,
                                                 struct rtp_record *record, uint16_t sequence,
                                                 int64_t arrival_ns)
{
    if ((uint16_t)(sequence - source->timed_sequence) != 1)
        return;
    source->flags |= RTP_PAUSES;
    struct rtp_oddities *odd = rtp_record_note(record);
    odd->pause_from_ns = source->timed_ns;
    odd->pause_until_ns = arrival_ns;
}

/* RFC 3550 A.8, in ns. */
static inline void take_time(struct rtp_source *source, struct rtp_record *record,
                             struct rtp_header header, int64_t arrival_ns, uint32_t sequence)
{
    if (!(source->flags & RTP_IS_TIMED)) {
        if (source->ns_per_tick > 0)
            begin_timing(source, arrival_ns, header);
        return;
    }
    double apart_ns = (double)(int32_t)(header.timestamp - source->timestamp) * source->ns_per_tick;
    double longer_ns = (double)(arrival_ns - source->timed_ns) - apart_ns;
    double off_ns = fabs(longer_ns);
    if (off_ns > JUMP_MARKED_NS && is_jump(source, header, arrival_ns, off_ns))
        return;
    if (apart_ns > PAUSE_NS)
        note_pause(source, record, header.sequence, arrival_ns);
    go_on_timing(source, arrival_ns, header);
    source->jitter_ns += (off_ns - source->jitter_ns) * (1.0 / 16);
    source->jitter_sum_ns += source->jitter_ns;
    source->jitter_count++;
    float jitter_ns = (float)source->jitter_ns;
    source->jitter_max_ns = jitter_ns > source->jitter_max_ns ? jitter_ns : source->jitter_max_ns;
    source->transit_ns += longer_ns;
    if (source->transit_ns < source->least_ns) {
        source->least_ns = source->transit_ns;
        if (source->transit_ns < source->floor_ns)
            source->floor_ns = source->transit_ns;
    }
    double above_ns = source->transit_ns - source->floor_ns;
    delay_spread_add(&record->spread, (uint64_t)above_ns);
    if (above_ns > ADAPTIVE_MIN_NS)
        take_late(source, record, sequence, above_ns);
    else if (source->flags & RTP_IS_LATE)
        end_late_run(source, record);
}

static void take_comfort_noise(struct rtp_source *source, struct rtp_record *record)
{
    rtp_record_note(record)->counts.comfort_noise_packets++;
    source->flags |= RTP_SENDS_NOISE;
}

static inline void count(struct rtp_source *source, struct rtp_record *record,
                         struct rtp_header header, int64_t arrival_ns, uint32_t sequence,
                         enum rtp_payload payload)
{
    source->received++;
    if (payload == RTP_MEDIA)
        take_time(source, record, header, arrival_ns, sequence);
    else if (payload == RTP_EVENT)
        rtp_record_note(record)->counts.event_packets++;
    else
        take_comfort_noise(source, record);
}

/* Does a hole begin among the `ahead` packets that have just become RTP_HOLE_AGE old? */
static bool has_hole(uint64_t window, unsigned ahead)
{
    uint64_t begins = ~window & window >> 1; /* bit i + 1 is older */
    return ahead >= 64 - RTP_HOLE_AGE - 1 ||
           (begins >> RTP_HOLE_AGE & ((UINT64_C(1) << ahead) - 1)) != 0;
}

static void lose_row(struct rtp_source *source, struct rtp_record *record, unsigned count)
{
    if (count == 0)
        return;
    lose(record, source->highest + 1 - RTP_WINDOW, count);
    source->highest += count;
}

/* Some packets are missing before this one, or have been overtaken. */
static __attribute__((noinline)) void advance(struct rtp_source *source, struct rtp_record *record,
                                              unsigned ahead)
{
    uint64_t *window = source->window;
    unsigned steps = ahead < RTP_WINDOW ? ahead : RTP_WINDOW;
    for (unsigned i = 0; i < steps; i++) {
        bool is_there = window[1] >> 63;
        window[1] = window[1] << 1 | window[0] >> 63;
        window[0] = window[0] << 1;
        source->highest++;
        if (!is_there)
            lose(record, source->highest - RTP_WINDOW, 1);
    }
    /* Those that never were within the window. */
    lose_row(source, record, ahead - steps);
    window[0] |= 1;
}

/* A packet from before the first one: where the network mixed up the beginning. */
static enum rtp_taken take_before_first(struct rtp_source *source, struct rtp_record *record,
                                        uint32_t sequence, int64_t arrival_ns)
{
    if (rtp_record_odd(record)->restarts > 0 || arrival_ns - record->first_ns > EARLY_NS)
        return RTP_STRAY;
    for (uint32_t i = record->first - 1; i != sequence; i--) {
        uint32_t age = source->highest - i;
        source->window[age / 64] &= ~(UINT64_C(1) << (age % 64));
    }
    record->first = sequence;
    return RTP_TAKEN;
}

static __attribute__((noinline)) enum rtp_taken
take_behind(struct rtp_source *source, struct rtp_record *record, struct rtp_header header,
            int64_t arrival_ns, unsigned behind, enum rtp_payload payload)
{
    uint32_t sequence = source->highest - behind;
    uint64_t *window = &source->window[behind / 64];
    uint64_t bit = UINT64_C(1) << (behind % 64);
    if ((int32_t)(sequence - record->first) < 0) {
        if (take_before_first(source, record, sequence, arrival_ns) != RTP_TAKEN)
            return RTP_STRAY;
    } else if (*window & bit) {
        rtp_record_note(record)->counts.duplicates++;
        return RTP_DUPLICATE;
    }
    *window |= bit;
    rtp_record_note(record)->counts.out_of_order++;
    count(source, record, header, arrival_ns, sequence, payload);
    return RTP_TAKEN;
}

/* The second packet in a row of another sequence: the source began anew with the first of them. */
static void restart(struct rtp_source *source, struct rtp_record *record)
{
    struct rtp_oddities *odd = rtp_record_note(record);
    rtp_source_runs(source, record, &odd->lost, &odd->bad);
    odd->discards = 0;
    odd->expected_before = rtp_source_expected(source, record);
    odd->restarts = (uint16_t)(odd->restarts + (odd->restarts != UINT16_MAX));
    /* Behind all that were before, so that sequence numbers go on rising. */
    uint32_t cycle = (source->highest & ~(uint32_t)(CYCLE - 1)) + 2 * (uint32_t)CYCLE;
    record->first = cycle + odd->pending_sequence;
    source->highest = record->first + 1;
    source->window[0] = source->window[1] = UINT64_MAX;
    source->received++; /* the first of them */
    source->flags &= (uint8_t) ~(RTP_IS_RESTARTING | RTP_IS_TIMED);
    if (source->ns_per_tick > 0)
        begin_timing(source, odd->pending_ns,
                     (struct rtp_header){.timestamp = odd->pending_timestamp,
                                         .sequence = odd->pending_sequence});
    odd->learn_ns = odd->pending_ns;
    odd->learn_timestamp = odd->pending_timestamp;
    odd->learn_received = source->received;
}

static __attribute__((noinline)) enum rtp_taken
take_far(struct rtp_source *source, struct rtp_record *record, struct rtp_header header,
         int64_t arrival_ns, enum rtp_payload payload)
{
    struct rtp_oddities *odd = rtp_record_note(record);
    if (source->flags & RTP_IS_RESTARTING &&
        header.sequence == (uint16_t)(odd->pending_sequence + 1)) {
        restart(source, record);
        count(source, record, header, arrival_ns, source->highest, payload);
        return RTP_TAKEN;
    }
    source->flags |= RTP_IS_RESTARTING;
    odd->pending_sequence = header.sequence;
    odd->pending_timestamp = header.timestamp;
    odd->pending_ns = arrival_ns;
    return RTP_STRAY;
}

/* Late, or a repeat: RFC 3550 A.1's limit, and what is still waited for. */
static bool is_behind(const struct rtp_source *source, const struct rtp_record *record,
                      unsigned behind)
{
    if (behind <= RTP_MAX_MISORDER)
        return true;
    return behind < RTP_WINDOW && !(source->window[behind / 64] >> (behind % 64) & 1) &&
           (int32_t)(source->highest - behind - record->first) >= 0;
}

/* All but the next one of a sequence without a gap in the window. */
static __attribute__((noinline)) enum rtp_taken
take_unusual(struct rtp_source *source, struct rtp_record *record, struct rtp_header header,
             int64_t arrival_ns, enum rtp_payload payload)
{
    unsigned ahead = (uint16_t)(header.sequence - (uint16_t)source->highest);
    if (ahead > 0 && ahead < RTP_MAX_DROPOUT) {
        advance(source, record, ahead);
    } else if (ahead == 0 || is_behind(source, record, CYCLE - ahead)) {
        return take_behind(source, record, header, arrival_ns, (CYCLE - ahead) % CYCLE, payload);
    } else {
        return take_far(source, record, header, arrival_ns, payload);
    }
    source->flags &= (uint8_t)~RTP_IS_RESTARTING;
    count(source, record, header, arrival_ns, source->highest, payload);
    return has_hole(source->window[0], ahead) ? RTP_MISSING : RTP_TAKEN;
}

enum rtp_taken rtp_source_take(struct rtp_source *source, struct rtp_record *record,
                               const struct rtp_header *header, int64_t arrival_ns,
                               enum rtp_payload payload)
{
    source->seen_ns = arrival_ns > source->seen_ns ? arrival_ns : source->seen_ns;
    /* Behind a window without a gap the next one changes nothing of it. */
    if (header->sequence != (uint16_t)(source->highest + 1) ||
        (source->window[0] & source->window[1]) != UINT64_MAX || source->flags & RTP_IS_RESTARTING)
        return take_unusual(source, record, *header, arrival_ns, payload);
    uint32_t sequence = ++source->highest;
    count(source, record, *header, arrival_ns, sequence, payload);
    return RTP_TAKEN;
}

static void begin_counts(struct rtp_oddities *odd, const struct loss_runs *bad)
{
    odd->bad_then = bad->bad;
    odd->runs_then = bad->runs;
    odd->counts = (struct rtp_counts){0};
    odd->type[0] = odd->type[odd->types - 1];
    odd->type_count[0] = 0;
    odd->types = 1;
}

void rtp_source_next_interval(struct rtp_source *source, struct rtp_record *record)
{
    struct loss_runs lost, bad;
    rtp_source_runs(source, record, &lost, &bad);
    if (record->odd || bad.bad > 0)
        begin_counts(rtp_record_note(record), &bad);
    record->expected_then = rtp_source_expected(source, record);
    record->received_then = source->received;
    record->type_since = source->received;
    record->spread = (struct delay_spread){0};
    source->floor_ns = source->least_ns;
    source->least_ns = HUGE_VAL;
    source->jitter_sum_ns = 0;
    source->jitter_count = 0;
    source->jitter_max_ns = 0;
}

void rtp_source_clock_step(struct rtp_source *source, struct rtp_record *record, int64_t step_ns)
{
    struct rtp_oddities *odd = record->odd;
    source->seen_ns += step_ns;
    source->timed_ns += step_ns;
    record->first_ns += step_ns;
    if (!odd)
        return;
    odd->pause_from_ns += step_ns;
    odd->pause_until_ns += step_ns;
    odd->pending_ns += step_ns;
    odd->adaptive_ns += step_ns;
    odd->learn_ns += step_ns;
}
