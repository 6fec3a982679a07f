#include "verdict/peer.h"

#include "verdict/peer_table.h"
#include "verdict/peer_told.h"

/* RFC 3261 section 21: the first of those that refuse, and 503. */
enum { STATUS_TRYING = 100, STATUS_REDIRECTION = 300, STATUS_SERVICE_UNAVAILABLE = 503 };

const struct peer *peers_find_endpoint(const struct peers *peers, const struct endpoint *who)
{
    return peer_table_endpoint(peers, who);
}

const struct peer *peers_find_host(const struct peers *peers, const struct ip_addr *ip)
{
    return peer_table_host(peers, ip);
}

bool peers_find_pair(const struct peers *peers, const struct ip_addr *client,
                     const struct ip_addr *server, struct pair_view *view)
{
    struct pair_direction *asked, *replied;
    if (!peer_table_pair(peers, client, server, &asked, &replied))
        return false;
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

void peers_know(struct peers *peers, const struct endpoint *who, int64_t now_ns)
{
    peer_table_know(peers, who, now_ns);
}

void peers_saw_request(struct peers *peers, const struct endpoint *src, const struct endpoint *dst,
                       int64_t now_ns)
{
    peer_table_know(peers, dst, now_ns)->was_asked = true;
    peer_table_count_pair(peers, &src->ip, &dst->ip, (struct pair_direction){.messages = 1});
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
    peer_table_heard(peers, host);
}

void peers_saw_response(struct peers *peers, const struct peers_response *response, int64_t now_ns)
{
    const struct endpoint *src = &response->src, *dst = &response->dst;
    peers->responses++;
    struct peer *peer = peer_table_know(peers, src, now_ns);
    note_heard(peers, peer->host, now_ns);
    peer_table_count_pair(peers, &src->ip, &dst->ip, (struct pair_direction){.messages = 1});
    if (response->is_of_scanner)
        return;
    peer->has_answered = true;
    peer->host->has_answered = true;
    peer->responses++;
    peer_table_heard(peers, peer);
    if (response->answers)
        peers_believe_response(peers, response, now_ns);
}

void peers_believe_response(struct peers *peers, const struct peers_response *response,
                            int64_t now_ns)
{
    const struct endpoint *src = &response->src, *dst = &response->dst;
    if (response->is_of_scanner)
        return;
    struct peer *peer = peer_table_know(peers, src, now_ns);
    struct pair_direction *back =
        peer_table_count_pair(peers, &src->ip, &dst->ip, (struct pair_direction){0});
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
    if (peer->answers && response->status > STATUS_TRYING)
        peer_answers_served(peer->answers, &dst->ip, now_ns);
    note_answered_over(peer, response, now_ns);
    note_answered_over(peer->host, response, now_ns);
    note_answer(peers, peer, response, now_ns);
    if (response->is_register && response->status >= 200 && response->status < 300) {
        struct peer *client = peer_table_know(peers, dst, now_ns);
        client->registered_ns = now_ns;
        peer_table_heard(peers, client);
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
    const struct ip_addr *client = &invite->client;
    struct pair_direction *asked, *replied;
    if (peer_table_pair(peers, client, &invite->server.ip, &asked, &replied)) /* else forgotten */
        count_invite(asked, invite);
    struct peer *peer = peer_table_endpoint(peers, &invite->server);
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
    peer_table_count_pair(peers, client, server, (struct pair_direction){.inferred = 1});
    struct peer *host = peer_table_host(peers, server);
    if (host)
        host->answered_unseen++;
}

void peers_inferred_request(struct peers *peers, const struct ip_addr *client,
                            const struct ip_addr *server)
{
    peer_table_count_pair(peers, server, client, (struct pair_direction){.unasked = 1});
}

void peers_passed_on(struct peers *peers, const struct ip_addr *ip)
{
    struct peer *host = peer_table_host(peers, ip);
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
