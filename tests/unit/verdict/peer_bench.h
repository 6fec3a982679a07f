/*
 * A bench for what is remembered of peers: a few hosts, and what each says to another.
 */
#ifndef SIPSPAN_TESTS_PEER_BENCH_H
#define SIPSPAN_TESTS_PEER_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "verdict/peer.h"

static inline struct endpoint at(uint8_t host, uint16_t port)
{
    return (struct endpoint){ip_from_v4((const uint8_t[4]){192, 0, 2, host}), port};
}

static inline struct peers *peers_new(size_t max_peers, size_t max_pairs)
{
    static struct peers peers;
    assert_int_equal(peers_init(&peers, max_peers, max_pairs), 0);
    return &peers;
}

/* A response over UDP. */
static inline void saw_response(struct peers *peers, const struct endpoint *src,
                                const struct endpoint *dst, uint16_t status, const char *method,
                                bool answers, int64_t now_ns)
{
    const struct peers_response response = {.src = *src,
                                            .dst = *dst,
                                            .transport = TRANSPORT_UDP,
                                            .status = status,
                                            .method = method,
                                            .is_register = strcmp(method, "REGISTER") == 0,
                                            .answers = answers};
    peers_saw_response(peers, &response, now_ns);
}

/* An INVITE of client's that ran out of time. */
static inline void left_unanswered(struct peers *of, const struct ip_addr *client,
                                   const struct endpoint *server)
{
    const struct peers_invite invite = {.client = *client, .server = *server};
    peers_saw_invite(of, &invite, 0);
}

/* What was seen between the two; zeroes where they are not known together. */
static inline struct pair_view between(const struct peers *peers, const struct ip_addr *client,
                                       const struct ip_addr *server)
{
    struct pair_view view = {0};
    peers_find_pair(peers, client, server, &view);
    return view;
}

static inline bool are_known(const struct peers *peers, const struct ip_addr *x,
                             const struct ip_addr *y)
{
    struct pair_view view;
    return peers_find_pair(peers, x, y, &view);
}

#endif
