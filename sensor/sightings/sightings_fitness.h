/*
 * sightings_fitness: whether what another sensor did not see was not there. Two questions: is it in
 * order itself (its heartbeat), and does what goes to this destination pass it after it passed here
 * (the proof, learned from requests that were answered)?
 *
 * The proof needs no common clock: at each point the time between a request and its first response
 * is that from there to the destination and back, so a point with less of it is beyond this one.
 * One that is known to be beyond and then misses requests that were answered has lost packets.
 *
 * Pure, but for the memory of proofs. Times: ns. Internal to sightings; thread: its own.
 */
#ifndef SIPSPAN_SIGHTINGS_SIGHTINGS_FITNESS_H
#define SIPSPAN_SIGHTINGS_SIGHTINGS_FITNESS_H

#include "sightings/sightings.h"

#define SIGHTINGS_NEVER        INT64_MIN
#define SIGHTINGS_BEAT_AGE_NS  INT64_C(15000000000)
#define SIGHTINGS_CLOCK_MAX_NS INT64_C(100000000)
#define SIGHTINGS_PROOF_AGE_NS INT64_C(86400000000000)
#define SIGHTINGS_MISSED_NS    INT64_C(600000000000)
#define SIGHTINGS_LATELY_NS    INT64_C(300000000000)

/* Samples that agree before a point counts as beyond: one alone may have been delayed. */
enum { SIGHTINGS_VOTES_MIN = 2 };

/* Who misses more than one in so many, the last of them in the last SIGHTINGS_MISSED_NS, is not
 * fit: what is sent four times is missed by one who misses fewer once in 160,000 times. */
enum { SIGHTINGS_MISSED_SHARE = 20 };

/* A heartbeat. Times of the sensor's own clock; SIGHTINGS_NEVER: not yet. */
struct sightings_beat {
    bool is_there;
    bool has_offset;
    int64_t offset_ns; /* of its clock, against Redis's */
    int64_t up_ns;     /* connected to Redis since then without a break */
    int64_t done_ns;   /* all that it saw until then lies in Redis */
    int64_t packet_ns; /* its latest packet */
    int64_t lost_ns;   /* when it last lost packets, or sightings */
};

/* When a point saw request and response; SIGHTINGS_NEVER: it did not. */
struct sightings_times {
    int64_t request_ns, response_ns;
    bool is_complete; /* all that it saw then lies in Redis */
};

/* As it lies in Redis: names and numbers, empty where it is not known; of times the µs. */
enum { SIGHTINGS_BEAT_FIELDS = 5 };
struct sightings_beat_text {
    struct {
        const char *name;
        char value[24];
    } field[SIGHTINGS_BEAT_FIELDS];
};
void sightings_beat_format(const struct sightings_beat *beat, struct sightings_beat_text *text);
/* One that nothing is known of, and a field of it. Strange ones are left out. */
void sightings_beat_init(struct sightings_beat *beat);
void sightings_beat_read(struct sightings_beat *beat, struct slice name, struct slice value);

/* The same for "POINT:q" and "POINT:r". */
void sightings_times_init(struct sightings_times at[static SIGHTINGS_POINTS_MAX]);
void sightings_times_read(struct sightings_times at[static SIGHTINGS_POINTS_MAX],
                          const char *const *path, size_t path_len, struct slice name,
                          struct slice value);

/* Why a request that was first sent at first_ns may have passed it unseen until now_ns; NULL: it
 * would have seen it. ours: this sensor's own heartbeat. */
const char *sightings_unfit(const struct sightings_beat *its, const struct sightings_beat *ours,
                            int64_t first_ns, int64_t now_ns);
/* The same for this sensor itself. */
const char *sightings_unfit_self(const struct sightings_beat *ours, int64_t first_ns);

struct sightings_proofs;

/* For so many destinations; the one that was longest not asked for makes room. NULL: no memory. */
struct sightings_proofs *sightings_proofs_create(unsigned points, unsigned own, size_t capacity);
void sightings_proofs_destroy(struct sightings_proofs *proofs);

/* A request to dst that was answered, in view of this sensor; at: what each point saw of it. */
void sightings_proofs_add(struct sightings_proofs *proofs, const struct ip_addr *dst,
                          enum transport transport, const struct sightings_times *at,
                          int64_t now_ns);
/* What is known of the point seen[i] for requests to dst: sets is_beyond, passed_lately, and unfit
 * where it is NULL and the proof says so. */
void sightings_proofs_look(struct sightings_proofs *proofs, const struct ip_addr *dst,
                           enum transport transport, int64_t now_ns,
                           struct sightings_seen seen[static SIGHTINGS_POINTS_MAX]);

/* Is there a point in the answer whose sight or silence could name where it was lost? */
bool sightings_may_accuse(const struct sightings_answer *answer);

#endif
