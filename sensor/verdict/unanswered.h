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
#include "verdict/peer.h"

/* What is known of the transaction itself when Timer B ran out. */
struct unanswered_facts {
    struct named_endpoint src, dst;
    int64_t first_sent_ns, last_sent_ns, gave_up_ns;
    uint32_t transmissions;
    uint32_t strays; /* responses to this very transaction that could not have reached its client */
    int64_t last_stray_ns;
    uint16_t last_stray_status;
    struct endpoint stray_dst; /* where the last of them went */
    bool sensor_lost_packets;  /* the sensor itself dropped packets while it waited */
};

void unanswered_judge(const struct peers *peers, const struct unanswered_facts *facts,
                      struct cause *cause);

#endif
