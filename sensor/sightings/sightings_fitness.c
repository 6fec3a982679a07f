#include "sightings/sightings_fitness.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/table.h"

/* Of a long wait the first quarter has the sendings that count: four in 7.5 s of 32. */
enum { WAIT_SHARE = 4 };

/* What is counted fades, so that a path that changed is learned. */
enum { VOTES_MAX = 16, SAMPLES_MAX = 40 };

/* A destination, over one transport. */
struct proof {
    struct table_node node;
    struct list in_order; /* from the longest not used */
    struct ip_addr dst;
    enum transport transport;
    struct proof_point {
        int64_t seen_ns, missed_ns; /* SIGHTINGS_NEVER */
        uint8_t beyond, before;     /* votes on which side of this sensor it is */
        uint8_t hits, misses;
    } point[];
};

struct sightings_proofs {
    struct hash_key key;
    struct table table;
    struct list in_order;
    unsigned points, own;
    size_t count, capacity, proof_bytes;
    char *room;
};

static int64_t distance(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

const char *sightings_unfit_self(const struct sightings_beat *ours, int64_t first_ns)
{
    if (!ours->is_there || ours->up_ns > first_ns)
        return "heartbeat";
    if (!ours->has_offset)
        return "clock";
    return ours->lost_ns >= first_ns ? "lost_packets" : NULL;
}

const char *sightings_unfit(const struct sightings_beat *its, const struct sightings_beat *ours,
                            int64_t first_ns, int64_t now_ns)
{
    int64_t needed_ns = first_ns + (now_ns - first_ns) / WAIT_SHARE;
    if (!its->is_there || its->done_ns < now_ns - SIGHTINGS_BEAT_AGE_NS ||
        its->done_ns < needed_ns || its->up_ns > first_ns - SIGHTINGS_CLOCK_MAX_NS)
        return "heartbeat";
    if (!its->has_offset || !ours->has_offset ||
        distance(its->offset_ns, ours->offset_ns) > SIGHTINGS_CLOCK_MAX_NS)
        return "clock";
    if (its->lost_ns >= first_ns - SIGHTINGS_CLOCK_MAX_NS)
        return "lost_packets";
    return its->packet_ns < needed_ns ? "quiet" : NULL;
}

struct sightings_proofs *sightings_proofs_create(unsigned points, unsigned own, size_t capacity)
{
    size_t bytes = sizeof(struct proof) + points * sizeof(struct proof_point);
    struct sightings_proofs *proofs = calloc(1, sizeof *proofs);
    if (!proofs)
        return NULL;
    *proofs = (struct sightings_proofs){
        .key = hash_key_random(),
        .points = points,
        .own = own,
        .capacity = capacity,
        .proof_bytes = bytes,
        .room = calloc(capacity, bytes),
    };
    list_init(&proofs->in_order);
    if (!proofs->room || table_init(&proofs->table)) {
        free(proofs->room);
        free(proofs);
        return NULL;
    }
    return proofs;
}

void sightings_proofs_destroy(struct sightings_proofs *proofs)
{
    if (!proofs)
        return;
    table_fini(&proofs->table);
    free(proofs->room);
    free(proofs);
}

static uint64_t hash_of(const struct sightings_proofs *proofs, const struct ip_addr *dst,
                        enum transport transport)
{
    uint64_t hash = hash_chain(&proofs->key, dst->version, dst->octets, sizeof dst->octets);
    return hash_chain(&proofs->key, hash, &transport, sizeof transport);
}

static struct proof *find(struct sightings_proofs *proofs, const struct ip_addr *dst,
                          enum transport transport)
{
    struct table_node *node = table_first(&proofs->table, hash_of(proofs, dst, transport));
    for (; node; node = table_next(node)) {
        struct proof *proof = CONTAINER_OF(node, struct proof, node);
        if (ip_eq(&proof->dst, dst) && proof->transport == transport) {
            list_remove(&proof->in_order);
            list_append(&proofs->in_order, &proof->in_order);
            return proof;
        }
    }
    return NULL;
}

static struct proof *add(struct sightings_proofs *proofs, const struct ip_addr *dst,
                         enum transport transport)
{
    struct proof *proof;
    if (proofs->count < proofs->capacity) {
        proof = (struct proof *)(void *)(proofs->room + proofs->count++ * proofs->proof_bytes);
    } else {
        proof = CONTAINER_OF(proofs->in_order.next, struct proof, in_order);
        list_remove(&proof->in_order);
        table_remove(&proofs->table, &proof->node);
    }
    proof->dst = *dst;
    proof->transport = transport;
    for (unsigned i = 0; i < proofs->points; i++)
        proof->point[i] =
            (struct proof_point){.seen_ns = SIGHTINGS_NEVER, .missed_ns = SIGHTINGS_NEVER};
    list_append(&proofs->in_order, &proof->in_order);
    table_insert(&proofs->table, &proof->node, hash_of(proofs, dst, transport));
    return proof;
}

static void fade(uint8_t *a, uint8_t *b, unsigned max)
{
    if (*a + *b < max)
        return;
    *a /= 2;
    *b /= 2;
}

static void vote(struct proof_point *point, int64_t delay_ns, int64_t own_delay_ns)
{
    if (delay_ns == own_delay_ns)
        return;
    if (delay_ns < own_delay_ns)
        point->beyond++;
    else
        point->before++;
    fade(&point->beyond, &point->before, VOTES_MAX);
}

static bool has_both(const struct sightings_times *at)
{
    return at->request_ns != SIGHTINGS_NEVER && at->response_ns != SIGHTINGS_NEVER;
}

void sightings_proofs_add(struct sightings_proofs *proofs, const struct ip_addr *dst,
                          enum transport transport, const struct sightings_times *at,
                          int64_t now_ns)
{
    const struct sightings_times *own = &at[proofs->own];
    if (!has_both(own))
        return;
    struct proof *proof = find(proofs, dst, transport);
    if (!proof)
        proof = add(proofs, dst, transport);
    for (unsigned i = 0; i < proofs->points; i++) {
        struct proof_point *point = &proof->point[i];
        if (has_both(&at[i])) {
            point->seen_ns = now_ns;
            point->hits++;
            vote(point, at[i].response_ns - at[i].request_ns, own->response_ns - own->request_ns);
        } else if (at[i].is_complete) {
            point->missed_ns = now_ns;
            point->misses++;
        }
        fade(&point->hits, &point->misses, SAMPLES_MAX);
    }
}

/* Two in three at least. */
static bool is_majority(unsigned votes, unsigned others)
{
    return votes >= SIGHTINGS_VOTES_MIN && votes > 2 * others;
}

static bool is_within(int64_t time_ns, int64_t age_ns, int64_t now_ns)
{
    return time_ns != SIGHTINGS_NEVER && now_ns - time_ns <= age_ns;
}

static void look(const struct proof_point *point, int64_t now_ns, struct sightings_seen *seen)
{
    bool is_proven = is_within(point->seen_ns, SIGHTINGS_PROOF_AGE_NS, now_ns);
    bool is_before = is_proven && is_majority(point->before, point->beyond);
    seen->is_beyond = is_proven && is_majority(point->beyond, point->before);
    seen->passed_lately = is_within(point->seen_ns, SIGHTINGS_LATELY_NS, now_ns);
    if (seen->unfit)
        return;
    if (!seen->is_beyond && !is_before)
        seen->unfit = "unproven";
    else if (is_within(point->missed_ns, SIGHTINGS_MISSED_NS, now_ns) &&
             point->misses * SIGHTINGS_MISSED_SHARE > point->hits + point->misses)
        seen->unfit = "lost_packets";
}

void sightings_proofs_look(struct sightings_proofs *proofs, const struct ip_addr *dst,
                           enum transport transport, int64_t now_ns,
                           struct sightings_seen seen[static SIGHTINGS_POINTS_MAX])
{
    static const struct proof_point unknown = {.seen_ns = SIGHTINGS_NEVER,
                                               .missed_ns = SIGHTINGS_NEVER};
    const struct proof *proof = find(proofs, dst, transport);
    for (unsigned i = 0; i < proofs->points; i++)
        if (i != proofs->own)
            look(proof ? &proof->point[i] : &unknown, now_ns, &seen[i]);
}

bool sightings_may_accuse(const struct sightings_answer *answer)
{
    if (!answer->is_known || answer->seen[answer->own].unfit)
        return false;
    for (unsigned i = 0; i < answer->points; i++) {
        const struct sightings_seen *seen = &answer->seen[i];
        if (i != answer->own && seen->is_beyond &&
            (seen->response || (!seen->request && !seen->unfit)))
            return true;
    }
    return false;
}
