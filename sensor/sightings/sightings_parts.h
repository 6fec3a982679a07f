/*
 * sightings_parts: what the two threads of sightings share. Internal to sightings.
 */
#ifndef SIPSPAN_SIGHTINGS_SIGHTINGS_PARTS_H
#define SIPSPAN_SIGHTINGS_SIGHTINGS_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/hash.h"
#include "base/table.h"
#include "sightings/redis_line.h"
#include "sightings/sightings_fitness.h"
#include "spool/outbox.h"

/* A name in Redis, as long as they get. */
enum { SIGHTINGS_KEY_MAX = 80 };

enum sightings_kind { SIGHTINGS_REQUEST, SIGHTINGS_RESPONSE, SIGHTINGS_QUESTION };

/* What goes to the thread. */
struct sightings_record {
    enum sightings_kind kind;
    enum transport transport;
    struct hash_wide hash; /* of Call-ID and branch */
    uint32_t cseq;
    struct ip_addr dst;
    int64_t time_ns; /* when it was first seen */
    int64_t now_ns;  /* of a question: when it was asked */
};

/* What comes back. */
struct sightings_reply {
    struct hash_wide hash;
    uint32_t cseq;
    struct sightings_answer answer;
};

struct sightings {
    struct sightings_params params; /* its texts are these: */
    char *text[5 + SIGHTINGS_POINTS_MAX];
    unsigned texts;
    const char *path[SIGHTINGS_POINTS_MAX];
    unsigned own;
    struct hash_key key; /* the fleet's */
    struct outbox *out, *back;
    pthread_t thread;
    bool has_thread;
    _Atomic bool is_stopped;
    _Atomic bool is_over; /* the thread ended, or nobody waits for its end: the second one frees */

    /* For the heartbeat. clock_ns: everything up to then was looked at. SIGHTINGS_NEVER: not yet.
     */
    _Atomic int64_t packet_ns, clock_ns, lost_ns;

    _Atomic bool is_up, has_offset;
    _Atomic int64_t offset_ns;
    _Atomic uint64_t noted, dropped, asked, answered, late, errors;

    /* Answers that wait for their verdict: the correlator's. */
    struct sightings_kept {
        struct table_node node;
        bool is_used;
        struct sightings_reply reply;
    } * kept;
    size_t next_kept;
    struct table kept_table;
};

/* The thread. context: the struct sightings. */
void *sightings_run(void *context);
void sightings_free(struct sightings *sightings);

/* Sightings that never came to Redis: this sensor's silence proves nothing then. */
void sightings_note_loss(struct sightings *sightings, int64_t time_ns);

#endif
