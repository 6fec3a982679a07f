#include "verdict/peer.h"

#include <errno.h>
#include <stdlib.h>

#include "verdict/peer_told.h"

enum { RECENT_BITS = 14, RECENT_PLACES = 1 << RECENT_BITS };

/* RFC 3261 section 21: the first of those that refuse, and 503. */
enum { STATUS_REDIRECTION = 300, STATUS_SERVICE_UNAVAILABLE = 503 };

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

const struct peer *peers_find_endpoint(const struct peers *peers, const struct endpoint *who)
{
    return find_peer(peers, who, false, peer_hash(peers, who, false));
}

static struct peer *find_host(const struct peers *peers, const struct ip_addr *ip)
{
    struct endpoint host = {*ip, 0};
    return find_peer(peers, &host, true, peer_hash(peers, &host, true));
}

const struct peer *peers_find_host(const struct peers *peers, const struct ip_addr *ip)
{
    return find_host(peers, ip);
}

bool peers_find_pair(const struct peers *peers, const struct ip_addr *client,
                     const struct ip_addr *server, struct pair_view *view)
{
    bool forward = sorts_first(client, server);
    const struct ip_addr *a = forward ? client : server, *b = forward ? server : client;
    const struct pair *pair = find_pair(peers, a, b, pair_hash(peers, a, b));
    if (!pair)
        return false;
    const struct pair_direction *asked = forward ? &pair->a_to_b : &pair->b_to_a;
    const struct pair_direction *replied = forward ? &pair->b_to_a : &pair->a_to_b;
    *view = (struct pair_view){
        .replies = replied->messages,
        .inferred = asked->inferred,
        .answered_ns = replied->answered_ns,
        .answered_status = replied->answered_status,
        .challenges = replied->challenges,
        .challenged_ns = replied->challenged_ns,
        .places = asked->places_before & (asked->places_count > 0 ? asked->places : UINT32_MAX),
        .invites = asked->invites,
        .invites_repeated = asked->invites_repeated,
        .invites_unanswered = asked->invites_unanswered,
        .invites_stopped = asked->invites_stopped,
    };
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

/* Something was seen, or inferred, of what x sends to y: returns what is known of that. */
static struct pair_direction *count_pair(struct peers *peers, const struct ip_addr *x,
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

/* An endpoint and its host are known, and remembered, together. */
static struct peer *know_endpoint(struct peers *peers, const struct endpoint *who, int64_t now_ns)
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

void peers_saw_packet(struct peers *peers, const struct ip_addr *src, int64_t now_ns)
{
    const struct peers_recent *recent = recent_place(peers, src);
    if (!ip_eq(&recent->ip, src))
        remember_host(peers, src, find_host(peers, src));
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

void peers_know(struct peers *peers, const struct endpoint *who, int64_t now_ns)
{
    know_endpoint(peers, who, now_ns);
}

void peers_saw_request(struct peers *peers, const struct endpoint *src, const struct endpoint *dst,
                       int64_t now_ns)
{
    know_endpoint(peers, dst, now_ns)->was_asked = true;
    count_pair(peers, &src->ip, &dst->ip, (struct pair_direction){.messages = 1});
}

/* An answer other than 503. Not in the order of time where it is told late. */
static void note_answered_over(struct peer *peer, const struct peers_response *response,
                               int64_t now_ns)
{
    if (now_ns < peer->answered_over_ns[response->transport])
        return;
    peer->answered_over_ns[response->transport] = now_ns;
    peer->answered_port[response->transport] = response->src.port;
}

/* The same, of an endpoint: whom it answered, and that it does. */
static void note_answer(struct peers *peers, struct peer *peer,
                        const struct peers_response *response, int64_t now_ns)
{
    const struct ip_addr *client = &response->dst.ip, *last = &peer->answered_client.ip;
    bool is_first = !peer->answered_method, is_late = !is_first && now_ns < peer->last_answer_ns;
    bool is_same = peer->answered_transport == response->transport && ip_eq(last, client);
    peer->unanswered = 0;
    peer->unanswered_repeated = 0;
    peer->unanswered_callers_differ = false;
    if (!is_first && !is_same) {
        struct peer_answers *answers = answers_book_give(&peers->answers, &peer->answers);
        if (is_late)
            peer_answers_client(answers, client, response->transport, now_ns);
        else
            peer_answers_client(answers, last, peer->answered_transport, peer->last_answer_ns);
    }
    if (is_late)
        return;
    peer->last_answer_ns = now_ns;
    peer->answered_client = response->dst;
    peer->answered_status = response->status;
    peer->answered_transport = response->transport;
    peer->answered_method = response->method;
}

/* Whoever sent this is alive and in sight. */
static void note_heard(struct peers *peers, struct peer *host, int64_t now_ns)
{
    host->has_sent = true; /* its packet may have come before it was known */
    if (now_ns > host->last_packet_ns)
        host->last_packet_ns = now_ns;
    touch(peers->peer_age, &host->age, true);
}

void peers_saw_response(struct peers *peers, const struct peers_response *response, int64_t now_ns)
{
    const struct endpoint *src = &response->src, *dst = &response->dst;
    peers->responses++;
    struct peer *peer = know_endpoint(peers, src, now_ns);
    note_heard(peers, peer->host, now_ns);
    count_pair(peers, &src->ip, &dst->ip, (struct pair_direction){.messages = 1});
    if (response->is_of_scanner)
        return;
    peer->has_answered = true;
    peer->host->has_answered = true;
    peer->responses++;
    touch(peers->peer_age, &peer->age, true);
    if (response->answers)
        peers_believe_response(peers, response, now_ns);
}

void peers_believe_response(struct peers *peers, const struct peers_response *response,
                            int64_t now_ns)
{
    const struct endpoint *src = &response->src, *dst = &response->dst;
    if (response->is_of_scanner)
        return;
    struct peer *peer = know_endpoint(peers, src, now_ns);
    struct pair_direction *back = count_pair(peers, &src->ip, &dst->ip, (struct pair_direction){0});
    if (now_ns >= back->answered_ns) {
        back->answered_ns = now_ns;
        back->answered_status = response->status;
    }
    peer_told_login(back, response, now_ns);
    if (response->has_oc)
        peer_told_control(answers_book_give(&peers->answers, &peer->answers), response, now_ns);
    if (response->status == STATUS_SERVICE_UNAVAILABLE) {
        peer_answers_refused(answers_book_give(&peers->answers, &peer->answers), &dst->ip,
                             response->retry_after_s, now_ns);
        return;
    }
    note_answered_over(peer, response, now_ns);
    note_answered_over(peer->host, response, now_ns);
    note_answer(peers, peer, response, now_ns);
    if (response->is_register && response->status >= 200 && response->status < 300) {
        struct peer *client = know_endpoint(peers, dst, now_ns);
        client->registered_ns = now_ns;
        touch(peers->peer_age, &client->age, true);
    }
}

/* So many answered INVITEs make sure where all are seen. */
enum { PLACES_INVITES = 8 };

static void note_places(struct pair_direction *asked, uint32_t places)
{
    asked->places = asked->places_count == 0 ? places : asked->places & places;
    if (++asked->places_count < PLACES_INVITES)
        return;
    asked->places_before = asked->places;
    asked->places_count = 0;
}

static void count_invite(struct pair_direction *asked, const struct peers_invite *invite)
{
    asked->invites++;
    asked->invites_repeated += invite->is_answered && invite->is_repeated;
    asked->invites_unanswered += !invite->is_answered;
    asked->invites_stopped += invite->stopped_early;
    if (invite->is_answered && invite->places != 0)
        note_places(asked, invite->places);
}

static void note_unanswered(struct peer *peer, const struct peers_invite *invite)
{
    if (peer->unanswered > 0 && !ip_eq(&peer->unanswered_caller, &invite->client))
        peer->unanswered_callers_differ = true;
    peer->unanswered_caller = invite->client;
    peer->unanswered++;
    peer->unanswered_repeated += invite->is_repeated && !invite->stopped_early;
}

void peers_saw_invite(struct peers *peers, const struct peers_invite *invite, int64_t now_ns)
{
    const struct ip_addr *client = &invite->client, *server = &invite->server.ip;
    bool forward = sorts_first(client, server);
    const struct ip_addr *a = forward ? client : server, *b = forward ? server : client;
    struct pair *pair = find_pair(peers, a, b, pair_hash(peers, a, b));
    if (pair) /* else it is forgotten */
        count_invite(forward ? &pair->a_to_b : &pair->b_to_a, invite);
    struct peer *peer =
        find_peer(peers, &invite->server, false, peer_hash(peers, &invite->server, false));
    if (!peer)
        return;
    if (!invite->is_answered) {
        note_unanswered(peer, invite);
        return;
    }
    if (invite->transport == TRANSPORT_UDP && invite->octets > peer->answered_octets_max)
        peer->answered_octets_max = invite->octets;
    /* Refusals come at their own speed. */
    if (invite->status < STATUS_REDIRECTION)
        peer_answers_delay(answers_book_give(&peers->answers, &peer->answers), client,
                           invite->delay_ns, invite->last_delay_ns, now_ns);
    if (peer->answers && !transport_is_reliable(invite->transport))
        peer_told_first_sending(peer->answers, invite, now_ns);
}

void peers_inferred_answer(struct peers *peers, const struct ip_addr *client,
                           const struct ip_addr *server)
{
    peers->inferred++;
    count_pair(peers, client, server, (struct pair_direction){.inferred = 1});
    struct peer *host = find_host(peers, server);
    if (host)
        host->answered_unseen++;
}

void peers_inferred_request(struct peers *peers, const struct ip_addr *client,
                            const struct ip_addr *server)
{
    count_pair(peers, server, client, (struct pair_direction){.unasked = 1});
}

void peers_passed_on(struct peers *peers, const struct ip_addr *ip)
{
    struct peer *host = find_host(peers, ip);
    if (host)
        host->passed_on++;
}

bool peers_read_others(const struct peers *peers, const struct endpoint *server,
                       enum transport transport, const struct ip_addr *client, int64_t since_ns,
                       int64_t now_ns, struct peers_others *others)
{
    const struct peer *peer = peers_find_endpoint(peers, server);
    *others = (struct peers_others){0};
    if (!peer || (!peer->answered_method && !peer->answers))
        return false;
    const struct ip_addr *latest = NULL;
    if (peer->answered_method && peer->answered_transport == transport &&
        peer->last_answer_ns >= since_ns) {
        latest = &peer->answered_client.ip;
        others->client_too = ip_eq(latest, client);
        others->clients = !others->client_too;
    }
    if (peer->answers)
        peer_answers_read(peer->answers, client, transport, latest, since_ns, now_ns, others);
    return true;
}

/* What never was stays so. */
static void shift(int64_t *time_ns, int64_t step_ns)
{
    if (*time_ns != EVENT_NO_TIME && __builtin_add_overflow(*time_ns, step_ns, time_ns))
        *time_ns = 0;
}

static void shift_peer(struct peer *peer, int64_t step_ns)
{
    shift(&peer->known_since_ns, step_ns);
    shift(&peer->last_packet_ns, step_ns);
    shift(&peer->moved_ns, step_ns);
    shift(&peer->last_answer_ns, step_ns);
    shift(&peer->registered_ns, step_ns);
    for (int transport = 0; transport < TRANSPORT_COUNT; transport++)
        shift(&peer->answered_over_ns[transport], step_ns);
}

static void shift_pair(struct pair *pair, int64_t step_ns)
{
    shift(&pair->a_to_b.answered_ns, step_ns);
    shift(&pair->b_to_a.answered_ns, step_ns);
    shift(&pair->a_to_b.challenged_ns, step_ns);
    shift(&pair->b_to_a.challenged_ns, step_ns);
}

void peers_clock_step(struct peers *peers, int64_t step_ns)
{
    for (int heard = 0; heard < 2; heard++) {
        struct list *head = &peers->peer_age[heard];
        for (struct list *node = head->next; node != head; node = node->next)
            shift_peer(CONTAINER_OF(node, struct peer, age), step_ns);
        head = &peers->pair_age[heard];
        for (struct list *node = head->next; node != head; node = node->next)
            shift_pair(CONTAINER_OF(node, struct pair, age), step_ns);
    }
    answers_book_clock_step(&peers->answers, step_ns);
}
