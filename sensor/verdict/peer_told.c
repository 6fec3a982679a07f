#include "verdict/peer_told.h"

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

/* Half of T1: who answers later than this after the latest sending is slow, and maybe nothing was
 * lost. */
#define LOST_DELAY_MAX_NS (250 * NS_PER_MS)

/* RFC 7339 section 4.3 has 500 ms where nothing is said: who asks for hours is not believed. */
#define CONTROL_VALIDITY_MAX_MS (5 * 60 * 1000)

enum {
    STATUS_TRYING = 100,
    STATUS_UNAUTHORIZED = 401,
    STATUS_FORBIDDEN = 403,
    STATUS_NOT_FOUND = 404,
    STATUS_PROXY_UNAUTHORIZED = 407,
    STATUS_SERVER_FAILURE = 500,
    STATUS_GLOBAL_FAILURE = 600,
};

/* Nobody gets this far whose password is wrong: a 486, too, comes after the challenge. */
static bool is_accepted(uint16_t status)
{
    return status > STATUS_TRYING && status != STATUS_UNAUTHORIZED && status != STATUS_FORBIDDEN &&
           status != STATUS_NOT_FOUND && status != STATUS_PROXY_UNAUTHORIZED &&
           (status < STATUS_SERVER_FAILURE || status >= STATUS_GLOBAL_FAILURE);
}

void peer_told_login(struct pair_direction *back, const struct peers_response *response,
                     int64_t now_ns)
{
    if (response->is_options) /* many answer it to anybody */
        return;
    if (is_accepted(response->status)) {
        back->challenges = 0;
        return;
    }
    bool is_challenge =
        response->status == STATUS_UNAUTHORIZED || response->status == STATUS_PROXY_UNAUTHORIZED;
    if (!is_challenge || !response->to_credentials) /* the first challenge is every log-in's */
        return;
    if (back->challenges > 0 && back->challenge_hash == response->request_hash)
        return; /* the same again */
    if (back->challenges < UINT16_MAX)
        back->challenges++;
    back->challenge_hash = response->request_hash;
    back->challenged_ns = now_ns;
}

/* The client's own; else a free one, else the oldest. */
static struct answers_control *place_of_control(struct peer_answers *answers,
                                                const struct ip_addr *client)
{
    struct answers_control *place = &answers->control[0];
    for (int i = 0; i < ANSWERS_CONTROLS; i++) {
        struct answers_control *at = &answers->control[i];
        if (at->client.version == 0 || ip_eq(&at->client, client))
            return at;
        if (at->at_ns < place->at_ns)
            place = at;
    }
    return place;
}

void peer_told_control(struct peer_answers *answers, const struct peers_response *response,
                       int64_t now_ns)
{
    const struct ip_addr *client = &response->dst.ip;
    uint32_t validity_ms = response->oc_validity_ms;
    uint8_t percent = validity_ms > 0 ? response->oc_percent : 0;
    struct answers_control *control = place_of_control(answers, client);
    bool is_known = ip_eq(&control->client, client);
    if (is_known ? now_ns < control->at_ns /* told late */ : percent == 0)
        return;
    *control = (struct answers_control){
        .client = *client,
        .percent = percent,
        .validity_ms =
            validity_ms < CONTROL_VALIDITY_MAX_MS ? validity_ms : CONTROL_VALIDITY_MAX_MS,
        .at_ns = now_ns,
    };
}

/* Who has to repeat takes the place of one who does not. NULL: there is none. */
static struct answers_sender *place_of_sender(struct answers_slot *slot, uint8_t tag, bool is_lost)
{
    struct answers_sender *place = NULL;
    for (int i = 0; i < ANSWERS_SLOT_SENDERS; i++) {
        struct answers_sender *at = &slot->sender[i];
        if (at->tag == tag)
            return at;
        if (at->tag == 0) {
            place = at;
            break;
        }
        if (is_lost && at->invites_repeated == 0)
            place = at;
    }
    if (place)
        *place = (struct answers_sender){.tag = tag};
    return place;
}

void peer_told_first_sending(struct peer_answers *answers, const struct peers_invite *invite,
                             int64_t now_ns)
{
    struct answers_slot *slot = peer_answers_slot(answers, now_ns);
    if (!slot)
        return;
    bool is_lost = invite->is_repeated && invite->last_delay_ns <= LOST_DELAY_MAX_NS;
    uint8_t tag = peer_answers_tag(&invite->client);
    struct answers_sender *sender = place_of_sender(slot, tag, is_lost);
    slot->invites++;
    slot->invites_repeated += is_lost;
    if (sender) {
        sender->invites++;
        sender->invites_repeated += is_lost;
    }
}

/* No sum of a stamp from the wire and a time from the wire goes wrong here. */
static bool is_within(int64_t since_ns, int64_t at_ns, int64_t span_ns)
{
    return at_ns >= since_ns && (uint64_t)at_ns - (uint64_t)since_ns <= (uint64_t)span_ns;
}

static bool is_active(const struct answers_control *control, int64_t sent_ns, int64_t now_ns)
{
    return control->percent > 0 &&
           (is_within(control->at_ns, now_ns, ANSWERS_LATELY_NS) ||
            is_within(control->at_ns, sent_ns, control->validity_ms * NS_PER_MS));
}

static void read_control(const struct peer_answers *answers, const struct ip_addr *client,
                         int64_t sent_ns, int64_t now_ns, struct peers_told *told)
{
    const struct answers_control *chosen = NULL;
    for (int i = 0; i < ANSWERS_CONTROLS; i++) {
        const struct answers_control *control = &answers->control[i];
        if (!is_active(control, sent_ns, now_ns))
            continue;
        bool is_own = ip_eq(&control->client, client);
        if (is_own || !chosen || control->at_ns > chosen->at_ns)
            chosen = control;
        if (is_own)
            break;
    }
    if (!chosen)
        return;
    told->shed_percent = chosen->percent;
    told->shed_validity_ms = chosen->validity_ms;
    told->shed_ns = chosen->at_ns;
    told->shed_client = chosen->client;
}

static void read_overload(const struct peer_answers *answers, const struct ip_addr *client,
                          int64_t sent_ns, int64_t now_ns, struct peers_told *told)
{
    const struct ip_addr *found[ANSWERS_REFUSALS + ANSWERS_CONTROLS];
    size_t count = 0;
    for (int i = 0; i < ANSWERS_REFUSALS; i++)
        if (answers->refused[i].ip.version != 0 &&
            is_within(answers->refused[i].at_ns, now_ns, ANSWERS_LATELY_NS))
            found[count++] = &answers->refused[i].ip;
    for (int i = 0; i < ANSWERS_CONTROLS; i++)
        if (is_active(&answers->control[i], sent_ns, now_ns))
            found[count++] = &answers->control[i].client;
    for (size_t i = 0; i < count; i++) {
        size_t first = 0;
        while (!ip_eq(found[first], found[i]))
            first++;
        told->overload_clients += first == i;
        told->overload_client_too |= ip_eq(found[i], client);
    }
}

static void read_retry_after(const struct peer_answers *answers, const struct ip_addr *client,
                             int64_t sent_ns, struct peers_told *told)
{
    for (int i = 0; i < ANSWERS_REFUSALS; i++) {
        const struct refused_client *at = &answers->refused[i];
        if (at->ip.version == 0 || !ip_eq(&at->ip, client) || at->retry_after_s == 0 ||
            at->is_over || !is_within(at->at_ns, sent_ns, at->retry_after_s * NS_PER_S) ||
            (told->retry_after_s > 0 && at->at_ns < told->retry_after_ns))
            continue;
        told->retry_after_s = at->retry_after_s;
        told->retry_after_ns = at->at_ns;
    }
}

static void read_sendings(const struct peer_answers *answers, int64_t now_ns,
                          struct peers_told *told)
{
    struct {
        uint64_t invites, repeated;
    } by_tag[ANSWERS_TAGS + 1] = {{0}};
    size_t most = 0;
    for (int i = 0; i < ANSWERS_SLOTS; i++) {
        const struct answers_slot *slot = &answers->slot[i];
        if (!is_within(slot->since_ns, now_ns, ANSWERS_LATELY_NS + ANSWERS_USUAL_NS))
            continue;
        told->invites += slot->invites;
        told->invites_repeated += slot->invites_repeated;
        for (int k = 0; k < ANSWERS_SLOT_SENDERS; k++) {
            by_tag[slot->sender[k].tag].invites += slot->sender[k].invites;
            by_tag[slot->sender[k].tag].repeated += slot->sender[k].invites_repeated;
        }
    }
    for (size_t tag = 1; tag <= ANSWERS_TAGS; tag++)
        if (by_tag[tag].repeated > by_tag[most].repeated)
            most = tag;
    told->invites_of_rest = told->invites - by_tag[most].invites;
    told->invites_repeated_of_rest = told->invites_repeated - by_tag[most].repeated;
}

void peers_read_told(const struct peers *peers, const struct endpoint *server,
                     const struct ip_addr *client, int64_t sent_ns, int64_t now_ns,
                     struct peers_told *told)
{
    const struct peer *peer = peers_find_endpoint(peers, server);
    *told = (struct peers_told){0};
    if (!peer || !peer->answers)
        return;
    read_control(peer->answers, client, sent_ns, now_ns, told);
    read_overload(peer->answers, client, sent_ns, now_ns, told);
    read_retry_after(peer->answers, client, sent_ns, told);
    read_sendings(peer->answers, now_ns, told);
}
