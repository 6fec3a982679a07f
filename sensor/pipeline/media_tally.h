/*
 * media_tally: what the report tells of the media: sums over the streams that ended, how many were
 * bad and why, between which hosts, the worst of them, and calls that were heard in one direction
 * only or not at all. All of it from events, bounded, whatever arrives. Thread: the correlator's.
 *
 * A stream is bad when it crossed one of its thresholds (sipspan.rtp.degraded), when MOS was under
 * MEDIA_MOS_BAD in an interval, or when over MEDIA_LOSS_BEHIND_MAX of it was lost between this
 * sensor and its receiver. What is said with low confidence makes no stream bad: there it was the
 * mirror, or the sensor.
 */
#ifndef SIPSPAN_PIPELINE_MEDIA_TALLY_H
#define SIPSPAN_PIPELINE_MEDIA_TALLY_H

#include "base/hash.h"
#include "base/hash_set.h"
#include "event/event.h"
#include "pipeline/kept_text.h"
#include "pipeline/media_values.h"
#include "rtp/codec.h"

enum {
    MEDIA_WORST_MAX = 64,
    MEDIA_ONE_WAY_MAX = 32,
    MEDIA_CROSSINGS_MAX = 1 << 16, /* remembered; what comes after them makes no stream bad */
    MEDIA_FAIR_PACKETS_MIN = 100,  /* of fewer one lost packet is over 1% */
    MEDIA_PAIRS_MAX = 256,         /* beyond it those with the fewest bad streams are let go */
    MEDIA_CALLS_MAX = 1 << 16,     /* with audio in one direction only, told apart */
};

#define MEDIA_MOS_BAD         3.60 /* under it many are dissatisfied (ITU-T G.107 Annex B) */
#define MEDIA_LOSS_BEHIND_MAX 0.01

/* Why a stream is bad. The first are the metrics of enum rtp_metric. */
enum media_fault {
    MEDIA_LOST_BEHIND = RTP_METRIC_COUNT, /* between this sensor and the receiver */
    MEDIA_LOW_MOS,
    MEDIA_FAULT_COUNT
};

/* Why a stream has no MOS. */
enum media_no_mos {
    MEDIA_HAS_MOS,
    MEDIA_CODEC_UNKNOWN,
    MEDIA_NOT_SPEECH,
    MEDIA_NO_FIGURES, /* none are published for its codec */
    MEDIA_NO_FIGURES_OF_LOSS,
    MEDIA_FEW_PACKETS, /* in each of its intervals */
};

/* A stream over its whole life. */
struct media_stream {
    struct event_stream figures;
    char call_id[KEPT_TEXT_MAX]; /* empty: of no call in view */
    enum confidence confidence;
    unsigned faults; /* a bit for each enum media_fault; 0: it was not bad */
    double badness;  /* see media_tally.c */
    enum media_no_mos no_mos;
};

/* One that sends or receives: a peer of the configuration, else a single address. */
struct media_party {
    const char *name; /* NULL: the configuration names none */
    struct ip_addr ip;
    bool has_more; /* of that name; ip is the lowest of them */
};

/* The streams from one host to another. */
struct media_pair {
    struct media_party src, dst;
    uint64_t streams, bad, faults[MEDIA_FAULT_COUNT];
};

/* One event. Its slices are not to be read: they are kept as texts. */
struct media_one_way {
    struct one_way_audio told;
    int64_t told_ns;
    int64_t until_ns; /* about when it was heard again; EVENT_NO_TIME: never, as far as seen */
    char call_id[KEPT_TEXT_MAX], from_uri[KEPT_TEXT_MAX], to_uri[KEPT_TEXT_MAX];
};

struct media_tally {
    uint64_t streams, of_calls; /* that ended; those of a call in view */
    uint64_t encrypted;
    uint64_t doubted;       /* while the mirror or the sensor lost or disordered packets */
    uint64_t unjudged;      /* too short for it */
    uint64_t open;          /* doubted, and not bad as far as can be told */
    uint64_t unclear;       /* the same, or unjudged */
    uint64_t calls_without; /* that were answered and ended, and have no stream in view */
    uint64_t packets, expected, lost, duplicates, mirror_copies, out_of_order;
    uint64_t lost_behind;                     /* as receivers say, of the streams where they do */
    uint64_t bad, faults[MEDIA_FAULT_COUNT];  /* streams; one may have several faults */
    struct media_values jitter_ms;            /* each stream's mean */
    struct media_values mos[MOS_SCALE_COUNT]; /* the same */
    struct media_stream *worst;               /* see media_tally_sort */
    size_t worst_kept, least;                 /* of them, the least bad */
    struct media_pair *pair;                  /* see media_tally_sort */
    size_t pairs;
    bool has_other_pairs; /* some were let go: their streams are in no pair, or not all of them */

    uint64_t one_way_audio;        /* events */
    struct hash_set one_way_calls; /* by Call-ID */
    struct media_one_way *one_way;
    size_t one_way_kept; /* the first of them */

    struct codec_book codecs; /* to tell why there is no MOS */
    struct hash_key key;
    struct hash_set crossings; /* by stream and metric */
};

/* 0 or -ENOMEM. */
int media_tally_init(struct media_tally *media);
void media_tally_fini(struct media_tally *media);

/* An event of any type. */
void media_tally_event(struct media_tally *media, const struct event *event);

/* The worst stream first, and the pair with most bad streams. */
void media_tally_sort(struct media_tally *media);

/* "loss", "lost_after_tap", "mos" */
const char *media_fault_name(enum media_fault fault);

/* A scale of MOS by its name, which is not NULL. */
enum mos_scale media_scale(const char *name);

/* The last report of a stream that had none before: it was over before half an interval. */
static inline bool media_is_unjudged(const struct rtp_report *report)
{
    return report->final &&
           report->stream.ended_ns - report->stream.started_ns < report->interval_ns / 2;
}

#endif
