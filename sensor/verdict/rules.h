/*
 * rules: what the rules of unanswered.h share: a view of one INVITE that nobody answered, the
 * questions that several of them ask of it, and how they speak. Internal to verdict.
 *
 * A rule looks, and if it fits it sets the cause's code, confidence, summary and next step; the
 * evidence is the same whichever rule fits (evidence.h), and the sensor's doubts about itself are
 * laid over the confidence afterwards (unanswered.c).
 */
#ifndef SIPSPAN_VERDICT_RULES_H
#define SIPSPAN_VERDICT_RULES_H

#include "verdict/peer_told.h"
#include "verdict/unanswered.h"

/* What was answered longer ago than this before the request says nothing about its transport. */
#define RULES_ANSWERED_LATELY_NS INT64_C(600000000000)
/* NATs forget a UDP binding that is idle so long at the earliest (RFC 5626 section 4.4.2). */
#define RULES_BINDING_IDLE_NS INT64_C(30000000000)
/* RFC 3261 section 18.1.1: larger requests belong on a transport with congestion control. */
enum { RULES_UDP_OCTETS_MAX = 1300 };
/* Fewer INVITEs that fell silent early, or pairs seen in one direction only, are no pattern. */
enum { RULES_PATTERN_MIN = 3 };
/* So many traits of a SIP ALG in one request are no coincidence. */
enum { RULES_ALG_TRAITS_MIN = 2 };

/* A sender that waits longer than this for its name servers calls late. */
#define RULES_DNS_SLOW_NS INT64_C(1000000000)

/* Where SIP ALGs are turned off. */
#define RULES_ALG_OFF                                                                              \
    "turn it off there (Cisco IOS: no ip nat service sip udp port 5060; Linux: rmmod nf_nat_sip "  \
    "nf_conntrack_sip)"

enum { RULES_WHO_TEXT_MAX = ENDPOINT_TEXT_MAX + 80, RULES_SPAN_TEXT_MAX = 24 };

/* What the rules look at, looked up once. */
struct view {
    const struct peers *peers;
    const struct unanswered_facts *facts;
    const struct peer *host;     /* the destination's address; NULL: forgotten */
    const struct peer *endpoint; /* address and port; NULL: forgotten */
    struct pair_view pair;       /* no answer and zeroes: forgotten */
    struct peers_others others;  /* since the request was first sent */
    struct peers_told told;      /* before it */
    bool has_long_ladder;        /* sent so often that no single lost packet explains it */
    bool is_alive;               /* any packet came from the host since then */
    bool is_silent;              /* none did, and one would have been noticed */
    bool is_passed_on;           /* the destination sent it on to its own next hop */
    unsigned alg_traits;
    char dst_text[RULES_WHO_TEXT_MAX],
        src_text[RULES_WHO_TEXT_MAX]; /* "trunk-a (192.0.2.1:5060)" */
    char src_ip[IP_TEXT_MAX], dst_ip[IP_TEXT_MAX];
    char times_text[RULES_SPAN_TEXT_MAX]; /* "7 times", "once over TCP" */
};

void rules_view_init(struct view *view, const struct peers *peers,
                     const struct unanswered_facts *facts);

/* The other end of the connection, or what speaks in its name, reset it after the request. */
bool rules_is_refused(const struct unanswered_facts *facts);
/* The request itself, or part of it, is among the octets that were never acknowledged. */
bool rules_is_unacknowledged(const struct unanswered_facts *facts);
/* TCP repeats what an ICMP error stopped: it may have got through after all. */
bool rules_got_through_after_icmp(const struct unanswered_facts *facts);
/* Is it known what became of this very request, whether or not the mirror shows responses? */
bool rules_is_fate_known(const struct unanswered_facts *facts);
/* Requests between these two that were answered out of sight: by the pair, by the destination, or,
 * where nobody was ever seen to answer, by anybody. 0: nothing of the kind. */
uint64_t rules_answered_unseen(const struct view *view);
/* Those between these two that fell silent early, this one included. */
uint64_t rules_stopped_early(const struct view *view);
/* Conversations that are proven to be mirrored in one direction only, and out of how many, this
 * one left out where nothing proves it. */
uint64_t rules_one_way_conversations(const struct view *view, uint64_t *of);
/* The destination's latest answer over the request's transport, if it came since that was sent;
 * else EVENT_NO_TIME. */
int64_t rules_answered_since_ns(const struct view *view);
/* That answer is the one of which the peer remembers the method, the status and to whom. */
bool rules_knows_answer(const struct view *view);
/* Did the host answer over the request's transport lately, from whatever port? */
bool rules_answers_alike(const struct view *view);
/* The transport, and at which port, over which the host answered lately, of those that the request
 * might have taken instead: WS and WSS are for browsers, which have no other. The latest, of the
 * request's own port where there are any. TRANSPORT_COUNT: none, and *port stays. */
enum transport rules_other_transport(const struct view *view, uint16_t *port);
/* Did the host answer over this transport lately, from another port where it is the request's? */
bool rules_answered_over(const struct view *view, enum transport transport);
/* For how long a registered destination had sent nothing, when the request came;
 * EVENT_NO_DURATION: it is not registered, or it cannot be known. */
int64_t rules_binding_idle_ns(const struct view *view);
/* It is longer than every request that was seen to be answered there. */
bool rules_is_largest(const struct view *view);

/* So many of the INVITEs that the destination answered lately are known that their share of those
 * that had to be sent again first can be told, and there were such, of two callers or more; they
 * were the most, whichever caller is left out. */
bool rules_has_losses(const struct view *view);
bool rules_is_mostly_lost(const struct view *view);
/* It challenged this caller's credentials again and again, never let it in, and answered it nothing
 * since. */
bool rules_was_challenged(const struct view *view);
/* What it told, or how much is lost, may be all that there is to it. */
bool rules_is_explained(const struct view *view);
/* It left INVITEs of other callers since its last answer, too. */
bool rules_left_others(const struct view *view);

/* The sensor has been watching for less than a client waits for a response (64*T1). */
bool rules_is_warming_up(const struct unanswered_facts *facts);
/* A look-up of the sender's that failed, got no answer, was slow or told it to go elsewhere. */
bool rules_has_dns_fault(const struct dns_facts *dns);
/* A response was seen by another sensor, though not by this one. */
bool rules_is_answered_elsewhere(const struct sensors_facts *sensors);

void rules_set(struct cause *cause, enum cause_code code, enum confidence confidence);
/* As snprintf, cut in silence: what it is given is bounded, which compilers cannot see. */
__attribute__((format(printf, 3, 4))) void rules_print(char *buf, size_t len, const char *format,
                                                       ...);
/* The same for the texts of causes. */
__attribute__((format(printf, 2, 3))) void rules_say(char *text, const char *format, ...);
/* Before the sentence's full stop, or one more sentence: whole, or not at all if it does not fit.
 */
__attribute__((format(printf, 2, 3))) void rules_go_on(char *text, const char *format, ...);
__attribute__((format(printf, 2, 3))) void rules_add_sentence(char *text, const char *format, ...);
/* "12 s", "5 min", "3 h". Returns buf. */
const char *rules_format_span(int64_t span_ns, char buf[static RULES_SPAN_TEXT_MAX]);
/* What was wrong with the sender's look-ups, no sentence by itself. False: nothing. */
bool rules_describe_dns(const struct view *view, char text[static EVENT_SUMMARY_MAX]);
/* What is said beside every cause. */
void rules_add_hints(const struct view *view, struct cause *cause);
/* Part of that: rules_told.c. */
void rules_add_told(const struct view *view, struct cause *cause);

typedef bool rule(const struct view *view, struct cause *cause);

/* rules_mirror.c */
rule rule_pair_one_way, rule_host_one_way, rule_nobody_answered, rule_port_one_way,
    rule_stopped_early;
/* rules_network.c */
rule rule_icmp, rule_tcp_refused, rule_tcp_no_answer;
/* rules_response.c */
rule rule_misdirected, rule_mangled, rule_partial;
/* rules_request.c */
rule rule_fragment_lost, rule_private_address;
/* rules_sensors.c */
rule rule_lost_between_sensors;
/* rules_destination.c */
rule rule_wrong_transport, rule_overloaded, rule_selective, rule_silent;
/* rules_unknown.c: fits always */
rule rule_unknown;

#endif
