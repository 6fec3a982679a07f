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

/* What is known of the transaction itself when Timer B ran out. */
struct unanswered_facts {
    struct named_endpoint src, dst;
    int64_t first_sent_ns, last_sent_ns, gave_up_ns;
    uint32_t transmissions;
    uint32_t strays; /* responses to this very transaction that could not have reached its client */
    int64_t last_stray_ns;
    uint16_t last_stray_status;
    struct endpoint stray_dst; /* where the last of them went */
    enum transport transport;
    struct connection_facts connection; /* only where the transport has one */
    struct icmp_facts icmp;
    uint32_t fragments_lost;  /* sendings of which fragments never passed */
    bool sensor_lost_packets; /* the sensor itself dropped packets while it waited */
};

void unanswered_judge(const struct peers *peers, const struct unanswered_facts *facts,
                      struct cause *cause);

#endif
