/*
 * peer: what each SIP destination has been doing, and what has been seen between each two hosts.
 *
 * This is the memory that a verdict rests on. A peer is an address, or an address with a port; it
 * is known from the first request sent to it or the first response it gave. A pair is a client's
 * and a server's address. Both tables are bounded; those that never said a word are forgotten
 * first, and among them, and then among the others, the one that was quiet longest (to a tenth of a
 * second). Who is not known long enough (known_since_ns) must not be spoken of.
 *
 * Thread: the correlator's. Time comes as an argument, ns of the packets' clock.
 */
#ifndef SIPSPAN_VERDICT_PEER_H
#define SIPSPAN_VERDICT_PEER_H

#include <stdbool.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/slab.h"
#include "base/table.h"
#include "net/endpoint.h"

/* A destination: an endpoint, or the host as a whole. */
struct peer {
    struct table_node node;
    struct list age; /* in peers.peer_age, quietest first */
    int64_t known_since_ns;
    struct endpoint who; /* of a host: port 0 */
    bool is_host;
    uint64_t born;     /* different for every peer there ever was */
    struct peer *host; /* endpoints only; it is still that host if its `born` is host_born */
    uint64_t host_born;
    bool has_sent;          /* any packet at all was seen from it */
    bool was_asked;         /* endpoints only: it was sent a SIP request */
    bool has_answered;      /* gave a SIP response */
    int64_t last_packet_ns; /* of any protocol; hosts only */
    int64_t moved_ns;       /* when a packet last moved it in `age`; hosts only */
    int64_t last_answer_ns; /* SIP response other than 503, to whom and what below */
    struct endpoint answered_client;
    uint16_t answered_status;
    const char *answered_method; /* static */
    uint64_t responses;
    uint64_t answered_unseen; /* hosts only: requests that it answered, out of the sensor's sight */
    /* INVITEs that it left without a response since its last answer, and whether of several
     * callers. */
    uint64_t unanswered;
    struct ip_addr unanswered_caller;
    bool unanswered_callers_differ;
};

/* What was seen between two hosts, each way; `a` is the one whose octets sort first. */
struct pair {
    struct table_node node;
    struct list age;
    struct ip_addr a, b;
    struct pair_direction {
        uint64_t messages; /* SIP messages seen this way */
        uint64_t inferred; /* transactions asked this way that were answered though no response was
                              seen */
        uint64_t unasked;  /* transactions answered this way whose request was never seen */
    } a_to_b, b_to_a;
};

/* The same for a client and its server. */
struct pair_view {
    uint64_t replies;  /* SIP messages seen from server to client */
    uint64_t inferred; /* of the client's transactions */
};

struct peers {
    struct hash_key key;
    struct table peer_table, pair_table;
    struct slab peer_slab, pair_slab;
    struct list peer_age[2], pair_age[2]; /* those that were never heard; the others */
    struct peers_recent *recent;          /* addresses that packets came from; see peer.c */
    struct hash_key recent_key;
    uint64_t next_born;
    uint64_t forgotten; /* peers and pairs dropped because the tables were full */
    uint64_t responses; /* SIP responses from anybody */
    uint64_t inferred;  /* as pair.inferred, over all */
    struct peers_conversations {
        uint64_t pairs;   /* of hosts that spoke SIP, of those remembered; not one with itself */
        uint64_t one_way; /* of these: seen in one direction only */
        uint64_t proven;  /* of these: and requests were answered unseen, so it is the mirror */
    } conversations;
};

/* 0 or -ENOMEM. */
int peers_init(struct peers *peers, size_t max_peers, size_t max_pairs);
void peers_fini(struct peers *peers);

/* Any IP packet, SIP or not: its source, if it is a known host, is alive. To be told before its
 * message. */
void peers_saw_packet(struct peers *peers, const struct ip_addr *src, int64_t now_ns);
/* From now on this is a peer: what it sends is watched. For messages that are told late, before
 * what follows gets their own times. */
void peers_know(struct peers *peers, const struct endpoint *who, int64_t now_ns);
/* A SIP request from src to dst. */
void peers_saw_request(struct peers *peers, const struct endpoint *src, const struct endpoint *dst,
                       int64_t now_ns);
/* A SIP response from src to dst. `answer`: it answers what it belongs to (not astray, not
 * mangled). */
void peers_saw_response(struct peers *peers, const struct endpoint *src, const struct endpoint *dst,
                        uint16_t status, const char *method, bool answer, int64_t now_ns);
/* What followed shows that client's request was answered by server, out of the sensor's sight. */
void peers_inferred_answer(struct peers *peers, const struct ip_addr *client,
                           const struct ip_addr *server);
/* A response of server to client was seen, but never what it answers. */
void peers_inferred_request(struct peers *peers, const struct ip_addr *client,
                            const struct ip_addr *server);
/* An INVITE from client to a known server that ran out of time. To be told after its verdict. */
void peers_left_unanswered(struct peers *peers, const struct ip_addr *client,
                           const struct endpoint *server);

/* The packets' clock was set: every time here moves by step_ns. */
void peers_clock_step(struct peers *peers, int64_t step_ns);

/* NULL where nothing is known. */
const struct peer *peers_find_host(const struct peers *peers, const struct ip_addr *ip);
const struct peer *peers_find_endpoint(const struct peers *peers, const struct endpoint *who);

/* False where the two were never seen together, or are forgotten. */
bool peers_find_pair(const struct peers *peers, const struct ip_addr *client,
                     const struct ip_addr *server, struct pair_view *view);

#endif
