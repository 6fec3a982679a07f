/*
 * sightings: what several sensors say together. Each notes in Redis (or Valkey) the INVITEs and
 * their first responses that it saw, and asks for those that get no response who else saw them: so
 * the two points are known between which a packet was lost.
 *
 * In Redis lie hashes of Call-IDs under the fleet's own key, never a Call-ID, and expire after 64
 * s. HASH is that of the Call-ID and of the top Via's branch: what is told apart are hops, and a
 * proxy's response on one is none on the next. NAT and firewalls leave both as they are.
 *
 *     sipspan:t:{HASH}:CSEQ  hash: "POINT:q" and "POINT:r" (request, response), each with
 *                            the µs when it was first seen there
 *     sipspan:v:{HASH}:CSEQ  the sensor that gives the verdict: the first to ask for it that could;
 *                            expires after 300 s
 *     sipspan:s:POINT        hash, the heartbeat, see sightings_fitness.h; expires after 15 s
 *
 * A point may only be accused of not having seen something if it is fit: its heartbeat is fresh and
 * it was connected all the while, neither it nor its mirror lost packets, its clock agrees with
 * this one's (100 ms), it has seen packets, and it is proven on which side of this one it lies: of
 * requests to the same destination that were answered (some of them are looked up, at most five a
 * second) it saw both packets, with less time between them than here (beyond: nearer to the
 * destination) or with more, two at least and two in three; and it missed no more than one in 20 of
 * them. Else it is unfit: "heartbeat", "lost_packets", "clock", "quiet", "unproven". Only one that
 * is beyond may be accused.
 *
 * A thread of its own talks to Redis, pipelined, over the 0.14 subset of hiredis. Redis away or
 * slow: sightings wait in a ring of fixed size, are left out and counted when it is full, questions
 * stay unanswered, and verdicts go on without. Everything else: the correlator's thread.
 */
#ifndef SIPSPAN_SIGHTINGS_SIGHTINGS_H
#define SIPSPAN_SIGHTINGS_SIGHTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "net/endpoint.h"
#include "net/transport.h"

struct sightings;

enum {
    SIGHTINGS_POINTS_MAX = 16,
    SIGHTINGS_POINT_NAME_MAX = 32,
    SIGHTINGS_SECRET_MIN = 16,
};

struct sightings_params {
    const char *server;          /* "HOST:PORT", "[ADDRESS]:PORT", "unix:PATH" */
    const char *user, *password; /* or NULL */
    const char *secret;          /* the same for all sensors; hashes Call-IDs */
    const char *sensor_id;
    const char *const *path; /* the points from one end to the other, this sensor's among them */
    size_t path_len;
    const char *point; /* this sensor's */
    size_t outbox_bytes;
};

/* Connects to nothing yet; starts the thread. Keeps nothing that params points to. NULL, and error
 * filled, where something is wrong with them. */
struct sightings *sightings_start(const struct sightings_params *params, char *error, size_t len);
/* Waits 1.5 s at most, whatever Redis does. NULL does nothing. */
void sightings_stop(struct sightings *sightings);

/* An INVITE, or its first response. */
struct sighting {
    struct slice call_id, branch; /* of the top Via; empty: it has none */
    uint32_t cseq;
    enum transport transport;
    struct ip_addr dst; /* where the request goes */
    int64_t time_ns;    /* when it, or the response, was first seen */
};
void sightings_request(struct sightings *sightings, const struct sighting *sighting);
void sightings_response(struct sightings *sightings, const struct sighting *sighting);

/* Shortly before the verdict: who else saw it? The answer comes from sightings_answer, later. */
void sightings_ask(struct sightings *sightings, const struct sighting *sighting, int64_t now_ns);

/* Who saw it. Plain data; the points are the path's. */
struct sightings_answer {
    bool is_known; /* Redis answered in time */
    bool is_ours;  /* this sensor is the one to say what became of it */
    unsigned own, points;
    struct sightings_seen {
        bool request, response;
        bool is_beyond;     /* it is nearer to the destination than this one */
        bool passed_lately; /* others' requests, there, in the last 5 min */
        const char *unfit;  /* why its silence proves nothing, one of the words above, static; NULL:
                               it is fit */
    } seen[SIGHTINGS_POINTS_MAX]; /* in the order of the path */
};
/* Taken: it can be had once. is_known false: none came, or Redis has forgotten the request. */
void sightings_answer(struct sightings *sightings, const struct sighting *sighting,
                      struct sightings_answer *answer);

/* What the heartbeat says of this sensor: packets were seen, the latest then; nothing came, and
 * time passed; packets were lost. */
void sightings_saw_packets(struct sightings *sightings, int64_t time_ns);
void sightings_idle(struct sightings *sightings, int64_t now_ns);
void sightings_lost_packets(struct sightings *sightings, int64_t time_ns);

/* From any thread. */
struct sightings_stats {
    bool is_up;
    uint64_t noted, dropped;        /* sightings: in Redis; no room, refused, or too old */
    uint64_t asked, answered, late; /* questions; late: no answer when the verdict was due */
    uint64_t errors;                /* connections lost or refused, commands refused */
    double clock_offset_s;          /* of this machine's clock against Redis's; 0 while unknown */
    uint64_t queued_bytes;
};
void sightings_stats(struct sightings *sightings, struct sightings_stats *out);

const char *sightings_library_version(void); /* of hiredis: "0.14.1" */

#endif
