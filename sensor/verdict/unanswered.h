/*
 * unanswered: why an INVITE got no response (the cause, its confidence, the evidence, what to do
 * next).
 *
 * The sensor doubts its own view first: what it cannot see is mirror_one_way, what it cannot know
 * is unknown. One rule a function, tried in the order of the causes; the first that fits wins.
 * Pure, but for reading peers.
 */
#ifndef SIPSPAN_VERDICT_UNANSWERED_H
#define SIPSPAN_VERDICT_UNANSWERED_H

#include "event/event.h"
#include "net/icmp_meaning.h"
#include "verdict/peer.h"

/* What is known of the connection that carried a request. */
struct connection_facts {
    bool is_known; /* it is remembered, and the request went over a connection */
    bool is_reset;
    int64_t reset_ns;
    struct endpoint reset_by;
    bool reset_is_certain;   /* its sequence number agrees with what the other end acknowledged */
    uint32_t unacknowledged; /* octets that the client sent and nobody ever acknowledged */
    uint8_t
        repeats; /* how often TCP sent some of them again, as it does where nothing comes back */
    int64_t unacknowledged_since_ns;
    int64_t last_from_server_ns; /* EVENT_NO_TIME: nothing came from it */
};

/* The ICMP errors that quote the request for certain. */
struct icmp_facts {
    uint32_t count; /* 0: none */
    int64_t first_ns, last_ns;
    struct ip_addr sender; /* of the first; so the rest */
    uint8_t type, code;
    bool is_v6;
    enum icmp_meaning meaning;
    uint16_t mtu; /* 0: not said */
};

/* Responses to this very transaction that could not have reached its client. */
struct stray_facts {
    uint32_t count; /* 0: none, and nothing below is set */
    int64_t last_ns;
    uint16_t last_status;
    struct endpoint src, dst; /* of the last of them */
    /* Where it should have gone by RFC 3261 section 18.2.2 and RFC 3581 section 4, as the request
     * asked for; ip.version 0: to a name, which nobody here resolves. */
    struct endpoint expected;
};

/* What of a response was rewritten, so that its client does not take it for its own. */
enum mangled { MANGLED_VIA, MANGLED_CALL_ID, MANGLED_COUNT };

struct mangled_facts {
    uint32_t count; /* 0: none */
    int64_t last_ns;
    uint16_t last_status;
    enum mangled what;
    struct endpoint src, dst; /* of the last of them */
};

/* What was missing of a response that went to its client, which can have no use for the rest. */
enum partial {
    PARTIAL_FRAGMENTS, /* IP fragments of it never passed */
    PARTIAL_TRUNCATED, /* its datagram ends within the body (RFC 3261 section 18.3) */
    PARTIAL_COUNT
};

/* Responses of which only a part passed, none of them whole, and its client went on repeating. */
struct partial_facts {
    uint32_t count; /* 0: none */
    int64_t last_ns;
    uint16_t last_status;
    enum partial what;
    struct endpoint src; /* so the rest of the last of them */
};

/* What the text of those responses that its client did not get, or not know, shows (bits of
 * response_facts.marks). */
enum response_mark {
    RESPONSE_NO_RPORT = 1 << 0,    /* the request asked for it (RFC 3581 section 4) */
    RESPONSE_NO_RECEIVED = 1 << 1, /* and RFC 3261 section 18.2.1 or RFC 3581 section 4 wants it */
    RESPONSE_CONTACT = 1 << 2,     /* Contact has another address than it came from */
    RESPONSE_MARK_COUNT = 3,
};

struct response_facts {
    uint32_t marks;
    struct endpoint contact; /* the first that was found; port 0: not said */
};

/* What the request's own text shows of the way it came (bits of request_facts.marks). Private and
 * public: ip_is_private. */
enum request_mark {
    /* Private addresses where a peer across the network needs public ones; the packet came from a
     * public one. */
    REQUEST_PRIVATE_VIA = 1 << 0,
    REQUEST_PRIVATE_CONTACT = 1 << 1,
    REQUEST_PRIVATE_SDP = 1 << 2,
    REQUEST_PORT_DIFFERS = 1 << 3, /* Via's sent-by port is not the one that it came from */
    /* What SIP ALGs leave behind. */
    REQUEST_ALG_ADDRESS = 1 << 4, /* Via or Contact have the packet's public address, Call-ID or
                                     From still a private one */
    REQUEST_ALG_LENGTH = 1 << 5,  /* Content-Length is not the length of the body */
    REQUEST_ALG_SDP = 1 << 6,     /* of SDP's o= and c= one is private, the other public */
    REQUEST_ALG_CONTACT = 1 << 7, /* Contact has the packet's address and another port */
    REQUEST_ALG_VIA = 1 << 8,     /* the same Via twice */
    /* Of what a server may drop without a word. */
    REQUEST_MALFORMED = 1 << 9, /* Request-URI, From or To cannot be read, or a header is broken */
    REQUEST_NO_HOPS_LEFT = 1 << 10, /* Max-Forwards is 0 (RFC 3261 section 16.3) */
    REQUEST_TRUNCATED = 1 << 11,    /* its datagram ends before the blank line or within the body */
    REQUEST_ALG_RPORT = 1 << 12,    /* it had rport where it was seen first, and not later on */
    REQUEST_MARK_COUNT = 13,
};

struct request_facts {
    uint32_t octets; /* of the message; 0: unknown */
    uint32_t marks;
    bool asked_rport;          /* RFC 3581 */
    bool is_relayed;           /* more than one Via: Contact and SDP are not its sender's own */
    struct ip_addr private_ip; /* the first that was found; version 0: none */
    struct endpoint bare_src, bare_dst; /* REQUEST_ALG_RPORT: where it was seen without */
};

enum { UNANSWERED_PLACES_MAX = 4 };

/* The same INVITE on other hops, and where on the mirror it was seen. */
struct hop_facts {
    unsigned hops; /* in view, this one included */
    /* The farthest of them, by its Vias; it may be this one. */
    struct endpoint last_src, last_dst;
    int64_t last_sent_ns;
    uint16_t last_status; /* what came back there; 0: nothing */
    bool is_last;         /* this one is it */
    /* Its client, a proxy, gave its own caller a final response after it had sent this last: it
     * gave up in full view. */
    bool gave_up_upstream;
    /* Its client sent the same call elsewhere soon after it had sent this last. */
    bool went_elsewhere;
    bool answered_again; /* the same call was answered there when it was sent anew */
    /* INVITEs of others that last_dst was seen to pass on, while it did not pass on this one. */
    uint64_t others_passed_on;
    struct event_place seen[UNANSWERED_PLACES_MAX]; /* on this hop */
    unsigned seen_count;
    /* Where requests between these two are otherwise seen, too, and this one never was. */
    struct event_place missing;
};

/* What its sender had asked the name servers for just before (RFC 3263). */
struct dns_facts {
    bool is_known;                      /* it had asked for where the request goes to */
    struct slice name;                  /* the name of the worst look-up below */
    const char *type;                   /* "SRV", "NAPTR", "A", "AAAA" */
    unsigned asked, unanswered, failed; /* look-ups; failed: SERVFAIL, NXDOMAIN, REFUSED, … */
    const char *rcode;                  /* of the latest failure: "SERVFAIL"; NULL: none failed */
    int64_t delay_ns;       /* from the first question to the last answer, or to the request */
    bool is_elsewhere;      /* addresses were answered, and the request went to none of them */
    struct endpoint server; /* of the worst look-up */
};

enum { UNANSWERED_POINTS_MAX = 16 };

/* What the other sensors on the path say of it. */
struct sensors_facts {
    unsigned points; /* 0: there are none, or nothing is known */
    unsigned own;    /* the index of this sensor's */
    bool is_ours;    /* this sensor is the one to say where it was lost */
    struct sensors_point {
        const char *name;
        bool saw_request, saw_response;
        bool is_beyond;     /* others' requests to this destination went on there from here */
        bool passed_lately; /* the last of them in the last minutes */
        /* Why what it did not see may have been there: "heartbeat", "lost_packets", "clock",
         * "quiet", "unproven"; of this sensor's own point, too. NULL: it would have been seen. */
        const char *unfit;
    } point[UNANSWERED_POINTS_MAX]; /* in the order of the path */
};

/* What is known of the transaction itself when Timer B ran out. */
struct unanswered_facts {
    struct named_endpoint src, dst;
    int64_t first_sent_ns, last_sent_ns, gave_up_ns;
    uint32_t transmissions;
    enum transport transport;
    struct request_facts request;
    struct stray_facts stray;
    struct mangled_facts mangled;
    struct partial_facts partial;
    struct response_facts response; /* of stray and mangled ones */
    /* A re-INVITE went to the Contact that the far end gave (RFC 3261 section 12.2.1.1): with whom
     * the call was set up, if it is another address (the far end behind a NAT, or a proxy without
     * Record-Route); ip.version 0: it is not. */
    struct endpoint far_end;
    struct connection_facts connection; /* only where the transport has one */
    struct icmp_facts icmp;
    struct hop_facts hop;
    struct dns_facts dns;
    struct sensors_facts sensors;
    uint32_t fragments_lost; /* sendings of which fragments never passed */
    struct slice scanner;    /* what shows that a scanner sent it; empty: nothing does */
    /* The sensor's doubts about its own view while the request waited. */
    bool sensor_lost_packets; /* the sensor itself dropped packets */
    bool mirror_lost_packets; /* many flows missed packets at the same moment */
    bool mirror_is_disordered;
    int64_t watching_since_ns; /* the first packet that was ever seen */
};

/* It went over UDP and was sent once or twice and no more, as who is answered does: neither an ICMP
 * error was the reason, nor a response that its client gave to somebody else, nor that it tried
 * elsewhere. */
bool unanswered_stopped_early(const struct unanswered_facts *facts);

void unanswered_judge(const struct peers *peers, const struct unanswered_facts *facts,
                      struct cause *cause);
/*
 * Before that, at its third transmission: fills confidence, summary and next_step of the cause, no
 * evidence. facts.gave_up_ns is the present.
 */
void unanswered_struggling(const struct peers *peers, const struct unanswered_facts *facts,
                           struct cause *cause);

#endif
