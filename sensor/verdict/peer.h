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
#include "event/event.h"
#include "net/endpoint.h"
#include "net/transport.h"
#include "verdict/peer_answers.h"

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
    enum transport answered_transport;
    const char *answered_method; /* static */
    /* By transport, its latest response other than 503 (EVENT_NO_TIME: none), and from which of the
     * host's ports; of an endpoint its own. */
    int64_t answered_over_ns[TRANSPORT_COUNT];
    uint16_t answered_port[TRANSPORT_COUNT];
    int64_t registered_ns; /* endpoints only: a REGISTER from it got a 2xx, last; EVENT_NO_TIME */
    struct peer_answers *answers; /* endpoints only; NULL: none are needed, or there is no room */
    uint32_t
        answered_octets_max; /* endpoints only: its largest INVITE over UDP that was answered */
    uint64_t responses;
    uint64_t passed_on;       /* hosts only: INVITEs that it passed on to another, as a proxy */
    uint64_t answered_unseen; /* hosts only: requests that it answered, out of the sensor's sight */
    /* INVITEs that it left without a response since its last answer, and whether of several
     * callers. */
    uint64_t unanswered;
    uint64_t unanswered_repeated; /* of these, sent again before they were given up */
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
        int64_t answered_ns;      /* the latest response this way; EVENT_NO_TIME: none */
        uint16_t answered_status; /* of it */
        uint16_t challenges; /* 401 and 407 this way to requests with credentials, each to another,
                                since it last accepted anything but OPTIONS */
        uint64_t challenge_hash;   /* of the request of the latest of these */
        int64_t challenged_ns;     /* when that was; challenges 0: not set */
        uint32_t invites;          /* asked this way, each once; scanners' apart */
        uint32_t invites_repeated; /* of these, answered only after they were sent again */
        uint32_t invites_unanswered;
        uint32_t invites_stopped; /* of these, given up early, as who is answered does */
        /* Where every one of the latest answered INVITEs was seen, a bit each: of the eight that
         * are not full yet, and of the eight before. */
        uint32_t places, places_before;
        uint8_t places_count;
    } a_to_b, b_to_a;
};

/* The same for a client and its server. */
struct pair_view {
    uint64_t replies;         /* SIP messages seen from server to client */
    uint64_t inferred;        /* of the client's transactions */
    int64_t answered_ns;      /* the server's latest response to this client; EVENT_NO_TIME */
    uint16_t answered_status; /* of it */
    /* Requests of the client that had credentials and were challenged all the same since the server
     * last accepted one, and when the latest was. */
    uint16_t challenges;
    int64_t challenged_ns;
    /* Where on the mirror every one of the client's latest answered INVITEs was seen, of some; 0:
     * too few yet. */
    uint32_t places;
    uint64_t invites, invites_repeated, invites_unanswered, invites_stopped; /* of the client's */
};

enum { PEERS_CERTAIN_MIN = 3 };

struct peers {
    struct hash_key key;
    struct table peer_table, pair_table;
    struct slab peer_slab, pair_slab;
    struct answers_book answers;
    struct list peer_age[2], pair_age[2]; /* those that were never heard; the others */
    struct peers_recent *recent;          /* addresses that packets came from */
    struct hash_key recent_key;
    uint64_t next_born;
    uint64_t forgotten; /* peers and pairs dropped because the tables were full */
    uint64_t responses; /* SIP responses from anybody */
    uint64_t inferred;  /* as pair.inferred, over all */
    struct peers_conversations {
        uint64_t pairs;   /* of hosts that spoke SIP, of those remembered; not one with itself */
        uint64_t one_way; /* of these: seen in one direction only */
        uint64_t proven;  /* of these: and requests were answered unseen, so it is the mirror */
        uint64_t certain; /* of these: PEERS_CERTAIN_MIN requests, so no packet more is needed */
    } conversations;
};

/*
 * For so many peers there is one with figures of its answers, and a few more. Who shares out memory
 * by pairs gives each so many peers and octets.
 */
enum {
    PEERS_PER_ANSWERS = 32,
    ANSWERS_MIN = 8,
    PEERS_PER_PAIR = 2,
    PEERS_PAIR_BYTES = PEERS_PER_PAIR * sizeof(struct peer) + sizeof(struct pair) +
                       PEERS_PER_PAIR * sizeof(struct peer_answers) / PEERS_PER_ANSWERS +
                       sizeof(struct table_node *) * 2 * (PEERS_PER_PAIR + 1),
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

/* A SIP response. */
struct peers_response {
    struct endpoint src, dst;
    enum transport transport;
    uint16_t status;
    const char *method;    /* static: of the request */
    uint64_t request_hash; /* of that one, whatever else its client asks */
    bool is_register;      /* the method is REGISTER */
    bool is_options;       /* the method is OPTIONS */
    bool answers;          /* it answers what it belongs to: not astray, not mangled */
    bool is_of_scanner;  /* what it answers came from a scanner: it shows that the host is alive and
                            in sight, not how it answers anybody else */
    bool to_credentials; /* what it answers had some */
    uint32_t retry_after_s; /* RFC 3261 section 20.33; 0: not said */
    /* RFC 7339: so much of what it sends, and for so long, the client is to leave out. */
    bool has_oc;
    uint8_t oc_percent;
    uint32_t oc_validity_ms;
};
void peers_saw_response(struct peers *peers, const struct peers_response *response, int64_t now_ns);
/* One that was seen before what it answers: it does, after all. */
void peers_believe_response(struct peers *peers, const struct peers_response *response,
                            int64_t now_ns);

/* What became of an INVITE, once: at its first response, or when it ran out of time, after its
 * verdict. Scanners' are not told. */
struct peers_invite {
    struct ip_addr client;
    struct endpoint server;
    enum transport transport;
    uint32_t octets;               /* of the request; 0: unknown */
    uint32_t places;               /* where on the mirror it was seen, a bit each; 0: who knows */
    uint16_t status;               /* of the first response; 0: none */
    bool is_answered, is_repeated; /* is_repeated: it was sent more than once until then */
    bool stopped_early;            /* unanswered_stopped_early */
    /* From its first, and from its latest sending to the first response. */
    int64_t delay_ns, last_delay_ns;
};
void peers_saw_invite(struct peers *peers, const struct peers_invite *invite, int64_t now_ns);
/* What followed shows that client's request was answered by server, out of the sensor's sight. */
void peers_inferred_answer(struct peers *peers, const struct ip_addr *client,
                           const struct ip_addr *server);
/* A response of server to client was seen, but never what it answers. */
void peers_inferred_request(struct peers *peers, const struct ip_addr *client,
                            const struct ip_addr *server);
/* A known host was seen to pass an INVITE on. */
void peers_passed_on(struct peers *peers, const struct ip_addr *host);

/* The packets' clock was set: every time here moves by step_ns. */
void peers_clock_step(struct peers *peers, int64_t step_ns);

/* NULL where nothing is known. */
const struct peer *peers_find_host(const struct peers *peers, const struct ip_addr *ip);
const struct peer *peers_find_endpoint(const struct peers *peers, const struct endpoint *who);

/* How a destination has been answering others than this client, if not said otherwise. */
struct peers_others {
    unsigned clients; /* who got an answer other than 503 over this transport since since_ns; at
                         most 4 are counted */
    bool client_too;  /* so did this client */
    unsigned refused; /* 503 to others in the 60 s before now_ns; at most 8, of one client 4 */
    int64_t last_refused_ns;
    struct ip_addr refused_client;
    uint32_t retry_after_s; /* of the latest of these that said so; 0: none did */
    /* The first responses to others' INVITEs, where these were no refusals, take in the 60 s before
     * now_ns, by their median, five times longer than in the 10 min before, and over 500 ms. Then
     * the next are set. */
    bool is_slow;
    int64_t median_ns, usual_median_ns;
    unsigned delays;         /* how many were measured of the former */
    bool is_slow_to_several; /* two clients or more waited so long */
};
/* False where nothing is known of it; *others is all zeroes then. */
bool peers_read_others(const struct peers *peers, const struct endpoint *server,
                       enum transport transport, const struct ip_addr *client, int64_t since_ns,
                       int64_t now_ns, struct peers_others *others);

/* False where the two were never seen together, or are forgotten. */
bool peers_find_pair(const struct peers *peers, const struct ip_addr *client,
                     const struct ip_addr *server, struct pair_view *view);

#endif
