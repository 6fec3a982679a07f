/*
 * peer_table: who is in the memory of peers: how a peer or a pair is found, begins, and makes room
 * for others. Internal to peer.c, which says what is remembered of them.
 */
#ifndef SIPSPAN_VERDICT_PEER_TABLE_H
#define SIPSPAN_VERDICT_PEER_TABLE_H

#include "verdict/peer.h"

/* NULL: it is not known. */
struct peer *peer_table_host(const struct peers *peers, const struct ip_addr *ip);
struct peer *peer_table_endpoint(const struct peers *peers, const struct endpoint *who);
/* An endpoint and its host are known, and remembered, together. */
struct peer *peer_table_know(struct peers *peers, const struct endpoint *who, int64_t now_ns);
/* It said something: others are forgotten before it. */
void peer_table_heard(struct peers *peers, struct peer *peer);

/* What is known of what x sends to y, and of the way back. False: nothing. */
bool peer_table_pair(const struct peers *peers, const struct ip_addr *x, const struct ip_addr *y,
                     struct pair_direction **to, struct pair_direction **back);
/* Something was seen, or inferred, of what x sends to y: returns what is known of that. */
struct pair_direction *peer_table_count_pair(struct peers *peers, const struct ip_addr *x,
                                             const struct ip_addr *y, struct pair_direction more);

#endif
