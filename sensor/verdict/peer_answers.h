/*
 * peer_answers: how a destination that answers has been answering lately: whom, whom it turned away
 * with 503, and how fast.
 *
 * Kept only of those of which it matters (peer.c): an INVITE was answered, somebody was turned
 * away, or one client after another was answered. Bounded; the one that was quiet longest gives its
 * place to another, and its owner is told by its pointer, which becomes NULL.
 *
 * Thread: the correlator's. Time: ns of the packets' clock.
 */
#ifndef SIPSPAN_VERDICT_PEER_ANSWERS_H
#define SIPSPAN_VERDICT_PEER_ANSWERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slab.h"
#include "net/endpoint.h"
#include "net/transport.h"

struct peers_others;

/* "Lately" is the first of these before now, "usual" the second before that. */
#define ANSWERS_LATELY_NS INT64_C(60000000000)
#define ANSWERS_USUAL_NS  INT64_C(600000000000)
#define ANSWERS_SLOT_NS   INT64_C(60000000000)

enum {
    ANSWERS_CLIENTS = 8,
    ANSWERS_REFUSALS = 8,
    ANSWERS_REFUSALS_EACH = 4, /* of one client: who insists does not hide the others */
    ANSWERS_DELAYS = 64,
    ANSWERS_DELAYS_EACH = 32, /* of one client, for the same reason */
    ANSWERS_SLOTS = 12,       /* those of the usual time, and two that it has not come to yet */
    ANSWERS_SLOT_DELAYS = 16,
    ANSWERS_SLOT_SENDERS = 8,
    ANSWERS_TAGS = 128,
    ANSWERS_CONTROLS = 4,
};

struct peer_answers {
    struct list age;             /* in answers_book.age */
    struct peer_answers **owner; /* points here */

    /* Different ones, without the latest (struct peer has it); ip.version 0: free. */
    struct answered_client {
        struct ip_addr ip;
        enum transport transport;
        int64_t at_ns;
    } client[ANSWERS_CLIENTS];

    struct refused_client {
        struct ip_addr ip; /* version 0: free */
        uint32_t retry_after_s;
        int64_t at_ns;
        bool is_over; /* it was answered otherwise since */
    } refused[ANSWERS_REFUSALS];

    /* What it said last to each of some clients of how much less they are to send (RFC 7339);
     * percent 0: nothing less. */
    struct answers_control {
        struct ip_addr client; /* version 0: free */
        uint8_t percent;
        uint32_t validity_ms;
        int64_t at_ns;
    } control[ANSWERS_CONTROLS];

    /* The latest first responses to INVITEs, refusals left out, each exactly. */
    struct answer_delay {
        struct ip_addr client;
        uint32_t first_us, last_us; /* after the first and after the latest sending */
        int64_t at_ns;
    } delay[ANSWERS_DELAYS];
    uint8_t delay_tag[ANSWERS_DELAYS];   /* of the client; 0: free */
    uint32_t delay_born[ANSWERS_DELAYS]; /* `delays` when it was measured */
    uint32_t delays;                     /* ever */

    /*
     * All of some minutes, each by a fixed number of samples: every one, every second, every fourth
     * and so on of its delays.
     */
    struct answers_slot {
        int64_t since_ns;
        uint32_t count, stride;
        uint32_t samples;
        uint32_t us[ANSWERS_SLOT_DELAYS];
        uint32_t invites, invites_repeated; /* see peer_told.h; refusals are in */
        /* Of these, some clients' own: who repeats comes before who does not. */
        struct answers_sender {
            uint8_t tag; /* 0: free */
            uint32_t invites, invites_repeated;
        } sender[ANSWERS_SLOT_SENDERS];
    } slot[ANSWERS_SLOTS];
    uint64_t slots; /* ever */
};

struct answers_book {
    struct slab slab;
    struct list age; /* quietest first */
    uint64_t forgotten;
};

/* 0 or -ENOMEM. */
int answers_book_init(struct answers_book *book, size_t max);
void answers_book_fini(struct answers_book *book);
/* Makes *owner point to figures of its own, empty at first. Where it does so already, they are the
 * latest now. */
struct peer_answers *answers_book_give(struct answers_book *book, struct peer_answers **owner);
/* *owner becomes NULL. */
void answers_book_take(struct answers_book *book, struct peer_answers **owner);
void answers_book_clock_step(struct answers_book *book, int64_t step_ns);

/* It answered this client, before it answered the one that it answered last. */
void peer_answers_client(struct peer_answers *answers, const struct ip_addr *client,
                         enum transport transport, int64_t at_ns);
void peer_answers_refused(struct peer_answers *answers, const struct ip_addr *client,
                          uint32_t retry_after_s, int64_t now_ns);
/* This client got another final answer, or rings: what it was told by a 503 before is over. */
void peer_answers_served(struct peer_answers *answers, const struct ip_addr *client,
                         int64_t now_ns);
/* The first response to an INVITE, no refusal: so long after its first, and after its latest
 * sending. */
void peer_answers_delay(struct peer_answers *answers, const struct ip_addr *client,
                        int64_t first_ns, int64_t last_ns, int64_t now_ns);

/* A number from 1 to ANSWERS_TAGS for a client. Not secret, so that nothing which is said depends
 * on a key: clients that share one share a limit, and no more than that. */
uint8_t peer_answers_tag(const struct ip_addr *client);

/* The slot of a moment; NULL: it is older than the latest of them, which is where it should be. */
struct answers_slot *peer_answers_slot(struct peer_answers *answers, int64_t at_ns);

/*
 * Adds to *others all that is known here. `latest`, or NULL, is who is counted there already.
 */
void peer_answers_read(const struct peer_answers *answers, const struct ip_addr *client,
                       enum transport transport, const struct ip_addr *latest, int64_t since_ns,
                       int64_t now_ns, struct peers_others *others);

#endif
