/*
 * peer_told: what a destination told its clients that bears on why it falls silent later: to send
 * less (RFC 7339), to come back later (Retry-After), to log in; and how many INVITEs it answered
 * only when they were sent again. Kept in peer_answers and in pairs; see peer.h.
 *
 * Thread: the correlator's. Time: ns of the packets' clock.
 */
#ifndef SIPSPAN_VERDICT_PEER_TOLD_H
#define SIPSPAN_VERDICT_PEER_TOLD_H

#include "verdict/peer.h"

/* A response that is believed. `back` is its way between the two hosts. */
void peer_told_login(struct pair_direction *back, const struct peers_response *response,
                     int64_t now_ns);
void peer_told_control(struct peer_answers *answers, const struct peers_response *response,
                       int64_t now_ns);
/* An INVITE over an unreliable transport was answered. */
void peer_told_first_sending(struct peer_answers *answers, const struct peers_invite *invite,
                             int64_t now_ns);

struct peers_told {
    /* So many requests of a hundred a client of its is to leave out, as it said last to this
     * client, or else to another, in the 60 s before now_ns or for a time that was not over when
     * the request was sent; 0: none. */
    uint8_t shed_percent;
    uint32_t shed_validity_ms;
    int64_t shed_ns;
    struct ip_addr shed_client; /* whom it told */
    /* Different clients that it told so, or turned away with 503 in the 60 s before now_ns; and is
     * this one among them? */
    unsigned overload_clients;
    bool overload_client_too;
    /* The client's own 503 with a Retry-After that was not over when the request was sent, nor
     * answered otherwise since; 0: none. */
    uint32_t retry_after_s;
    int64_t retry_after_ns; /* when that was */
    /* The INVITEs over UDP that it answered in the last minutes, anybody's, and how many of them
     * only when they were sent again, soon after that. */
    uint64_t invites, invites_repeated;
    /* The same without the client that had to repeat the most: what one does shows nothing. */
    uint64_t invites_of_rest, invites_repeated_of_rest;
};
/* client sent it a request at sent_ns; all zeroes where nothing is known. */
void peers_read_told(const struct peers *peers, const struct endpoint *server,
                     const struct ip_addr *client, int64_t sent_ns, int64_t now_ns,
                     struct peers_told *told);

#endif
