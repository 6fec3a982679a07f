#include "verdict/peer_table.h"

#include <errno.h>
#include <stdlib.h>

enum { RECENT_BITS = 14, RECENT_PLACES = 1 << RECENT_BITS };

/* A host that sends packets all the time need not move to the end of its list with each. */
#define MOVE_EVERY_NS UINT64_C(100000000)

/*
 * What was looked up for the sources of packets, media included: each address has one place, which
 * it shares with others. A place that holds an address says the truth about it, always: who adds or
 * forgets a host sets it.
 */
struct peers_recent {
    struct ip_addr ip; /* version 0: free */
    struct peer *host; /* NULL: this address is no known host */
};

int peers_init(struct peers *peers, size_t max_peers, size_t max_pairs)
{
    *peers = (struct peers){.key = hash_key_random(), .recent_key = hash_key_random()};
    for (int heard = 0; heard < 2; heard++) {
        list_init(&peers->peer_age[heard]);
        list_init(&peers->pair_age[heard]);
    }
    peers->recent = calloc(RECENT_PLACES, sizeof *peers->recent);
    if (!peers->recent || table_init(&peers->peer_table) || table_init(&peers->pair_table) ||
        slab_init(&peers->peer_slab, sizeof(struct peer), max_peers) ||
        slab_init(&peers->pair_slab, sizeof(struct pair), max_pairs) ||
        answers_book_init(&peers->answers, max_peers / PEERS_PER_ANSWERS + ANSWERS_MIN)) {
        peers_fini(peers);
        return -ENOMEM;
    }
    return 0;
}

void peers_fini(struct peers *peers)
{
    answers_book_fini(&peers->answers);
    slab_fini(&peers->pair_slab);
    slab_fini(&peers->peer_slab);
    table_fini(&peers->pair_table);
    table_fini(&peers->peer_table);
    free(peers->recent);
    peers->recent = NULL;
}

/* A host is not its port 0, from which a packet may come too. */
static uint64_t peer_hash(const struct peers *peers, const struct endpoint *who, bool is_host)
{
    uint8_t key[20] = {[19] = is_host};
    memcpy(key, who->ip.octets, 16);
    key[16] = who->ip.version;
    memcpy(key + 17, &who->port, 2);
    return hash_bytes(&peers->key, key, sizeof key);
}

/* By two secret multipliers; who guessed them would make the look-ups slower, not wrong. */
static struct peers_recent *recent_place(const struct peers *peers, const struct ip_addr *ip)
{
    uint64_t high, low;
    memcpy(&high, ip->octets, sizeof high);
    memcpy(&low, ip->octets + 8, sizeof low);
    uint64_t hash = high * (peers->recent_key.k0 | 1) + low * (peers->recent_key.k1 | 1);
    return &peers->recent[hash >> (64 - RECENT_BITS)];
}

/* Which of two addresses is the pair's `a`. */
static bool sorts_first(const struct ip_addr *x, const struct ip_addr *y)
{
    return memcmp(x->octets, y->octets, sizeof x->octets) <= 0;
}

static uint64_t pair_hash(const struct peers *peers, const struct ip_addr *a,
                          const struct ip_addr *b)
{
    uint8_t key[33];
    memcpy(key, a->octets, 16);
    memcpy(key + 16, b->octets, 16);
    key[32] = a->version;
    return hash_bytes(&peers->key, key, sizeof key);
}

static struct peer *find_peer(const struct peers *peers, const struct endpoint *who, bool is_host,
                              uint64_t hash)
{
    struct table_node *node = table_first(&peers->peer_table, hash);
    for (; node; node = table_next(node)) {
        struct peer *peer = CONTAINER_OF(node, struct peer, node);
        if (peer->is_host == is_host && endpoint_eq(&peer->who, who))
            return peer;
    }
    return NULL;
}

static struct pair *find_pair(const struct peers *peers, const struct ip_addr *a,
                              const struct ip_addr *b, uint64_t hash)
{
    struct table_node *node = table_first(&peers->pair_table, hash);
    for (; node; node = table_next(node)) {
        struct pair *pair = CONTAINER_OF(node, struct pair, node);
        if (ip_eq(&pair->a, a) && ip_eq(&pair->b, b))
            return pair;
    }
    return NULL;
}

struct peer *peer_table_host(const struct peers *peers, const struct ip_addr *ip)
{
    struct endpoint host = {*ip, 0};
    return find_peer(peers, &host, true, peer_hash(peers, &host, true));
}

struct peer *peer_table_endpoint(const struct peers *peers, const struct endpoint *who)
{
    return find_peer(peers, who, false, peer_hash(peers, who, false));
}

bool peer_table_pair(const struct peers *peers, const struct ip_addr *x, const struct ip_addr *y,
                     struct pair_direction **to, struct pair_direction **back)
{
    bool forward = sorts_first(x, y);
    const struct ip_addr *a = forward ? x : y, *b = forward ? y : x;
    struct pair *pair = find_pair(peers, a, b, pair_hash(peers, a, b));
    if (!pair)
        return false;
    *to = forward ? &pair->a_to_b : &pair->b_to_a;
    *back = forward ? &pair->b_to_a : &pair->a_to_b;
    return true;
}

static void touch(struct list age[2], struct list *node, bool is_heard)
{
    list_remove(node);
    list_append(&age[is_heard], node);
}

/* Takes out the one to forget. There is one: the table is full. */
static struct list *take_quietest(struct list age[2])
{
    struct list *node = list_is_empty(&age[0]) ? age[1].next : age[0].next;
    list_remove(node);
    return node;
}

static bool peer_is_heard(const struct peer *peer)
{
    return peer->has_sent || peer->has_answered || peer->registered_ns != EVENT_NO_TIME;
}

static void remember_host(struct peers *peers, const struct ip_addr *ip, struct peer *host)
{
    *recent_place(peers, ip) = (struct peers_recent){*ip, host};
}

static struct peer *know_peer(struct peers *peers, const struct endpoint *who, bool is_host,
                              int64_t now_ns)
{
    uint64_t hash = peer_hash(peers, who, is_host);
    struct peer *peer = find_peer(peers, who, is_host, hash);
    if (peer) {
        touch(peers->peer_age, &peer->age, peer_is_heard(peer));
        return peer;
    }
    peer = slab_alloc(&peers->peer_slab);
    if (!peer) {
        peer = CONTAINER_OF(take_quietest(peers->peer_age), struct peer, age);
        if (peer->is_host)
            remember_host(peers, &peer->who.ip, NULL);
        table_remove(&peers->peer_table, &peer->node);
        answers_book_take(&peers->answers, &peer->answers);
        peers->forgotten++;
    }
    *peer = (struct peer){.who = *who,
                          .is_host = is_host,
                          .born = ++peers->next_born,
                          .known_since_ns = now_ns,
                          .registered_ns = EVENT_NO_TIME};
    for (int transport = 0; transport < TRANSPORT_COUNT; transport++)
        peer->answered_over_ns[transport] = EVENT_NO_TIME;
    list_append(&peers->peer_age[0], &peer->age);
    table_insert(&peers->peer_table, &peer->node, hash);
    if (is_host)
        remember_host(peers, &who->ip, peer);
    return peer;
}

static bool pair_is_heard(const struct pair *pair)
{
    return pair->a_to_b.messages > 0 && pair->b_to_a.messages > 0;
}

/* Adds the pair to peers.conversations, or takes it out of them: sign 1 or -1. */
static void weigh_pair(struct peers *peers, const struct pair *pair, int sign)
{
    const struct pair_direction *seen = &pair->a_to_b, *unseen = &pair->b_to_a;
    if (seen->messages == 0) {
        seen = &pair->b_to_a;
        unseen = &pair->a_to_b;
    }
    /* Between a host and itself no direction can be told from the other. */
    if (seen->messages == 0 || ip_eq(&pair->a, &pair->b))
        return;
    peers->conversations.pairs += sign;
    if (unseen->messages > 0)
        return;
    peers->conversations.one_way += sign;
    if (seen->inferred > 0 || seen->unasked > 0)
        peers->conversations.proven += sign;
    if (seen->inferred >= PEERS_CERTAIN_MIN)
        peers->conversations.certain += sign;
}

static struct pair *know_pair(struct peers *peers, const struct ip_addr *a, const struct ip_addr *b)
{
    uint64_t hash = pair_hash(peers, a, b);
    struct pair *pair = find_pair(peers, a, b, hash);
    if (pair)
        return pair;
    pair = slab_alloc(&peers->pair_slab);
    if (!pair) {
        pair = CONTAINER_OF(take_quietest(peers->pair_age), struct pair, age);
        weigh_pair(peers, pair, -1);
        table_remove(&peers->pair_table, &pair->node);
        peers->forgotten++;
    }
    *pair = (struct pair){
        .a = *a, .b = *b, .a_to_b.answered_ns = EVENT_NO_TIME, .b_to_a.answered_ns = EVENT_NO_TIME};
    list_init(&pair->age);
    table_insert(&peers->pair_table, &pair->node, hash);
    return pair;
}

struct pair_direction *peer_table_count_pair(struct peers *peers, const struct ip_addr *x,
                                             const struct ip_addr *y, struct pair_direction more)
{
    bool forward = sorts_first(x, y);
    struct pair *pair = forward ? know_pair(peers, x, y) : know_pair(peers, y, x);
    struct pair_direction *direction = forward ? &pair->a_to_b : &pair->b_to_a;
    weigh_pair(peers, pair, -1);
    direction->messages += more.messages;
    direction->inferred += more.inferred;
    direction->unasked += more.unasked;
    weigh_pair(peers, pair, 1);
    touch(peers->pair_age, &pair->age, pair_is_heard(pair));
    return direction;
}

static struct peer *know_host(struct peers *peers, const struct ip_addr *ip, int64_t now_ns)
{
    struct endpoint host = {*ip, 0};
    return know_peer(peers, &host, true, now_ns);
}

struct peer *peer_table_know(struct peers *peers, const struct endpoint *who, int64_t now_ns)
{
    struct peer *peer = know_peer(peers, who, false, now_ns);
    if (peer->host && peer->host->born == peer->host_born) {
        touch(peers->peer_age, &peer->host->age, peer_is_heard(peer->host));
        return peer;
    }
    list_remove(&peer->age); /* room for its host must not be made at its own cost */
    peer->host = know_host(peers, &who->ip, now_ns);
    peer->host_born = peer->host->born;
    touch(peers->peer_age, &peer->age, peer_is_heard(peer));
    return peer;
}

void peer_table_heard(struct peers *peers, struct peer *peer)
{
    touch(peers->peer_age, &peer->age, true);
}

void peers_saw_packet(struct peers *peers, const struct ip_addr *src, int64_t now_ns)
{
    const struct peers_recent *recent = recent_place(peers, src);
    if (!ip_eq(&recent->ip, src))
        remember_host(peers, src, peer_table_host(peers, src));
    struct peer *peer = recent->host;
    if (!peer)
        return;
    peer->last_packet_ns = now_ns;
    if (peer->has_sent && (uint64_t)now_ns - (uint64_t)peer->moved_ns < MOVE_EVERY_NS)
        return; /* a time before the last move gives a large difference, and moves it */
    peer->has_sent = true;
    peer->moved_ns = now_ns;
    touch(peers->peer_age, &peer->age, true);
}
