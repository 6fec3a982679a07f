#include "verdict/peer_told.h"

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

/* Half of T1: who answers later than this after the latest sending is slow, and maybe nothing was
 * lost. */
#define LOST_DELAY_MAX_NS (250 * NS_PER_MS)

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
    if (!is_challenge || (back->challenges > 0 && back->challenge_cseq == response->cseq))
        return; /* the same again */
    if (back->challenges < UINT16_MAX)
        back->challenges++;
    back->challenge_cseq = response->cseq;
    back->challenged_ns = now_ns;
}

void peer_told_control(struct peer_answers *answers, const struct peers_response *response,
                       int64_t now_ns)
{
    if (answers->control.client.version != 0 && now_ns < answers->control.at_ns)
        return; /* told late */
    answers->control = (struct answers_control){
        .client = response->dst.ip,
        .percent = response->oc_validity_ms > 0 ? response->oc_percent : 0,
        .validity_ms = response->oc_validity_ms,
        .at_ns = now_ns,
    };
}

void peer_told_first_sending(struct peer_answers *answers, const struct peers_invite *invite,
                             int64_t now_ns)
{
    struct answers_slot *slot = peer_answers_slot(answers, now_ns);
    if (!slot)
        return;
    slot->invites++;
    slot->invites_repeated += invite->is_repeated && invite->last_delay_ns <= LOST_DELAY_MAX_NS;
}

/* No sum of a stamp from the wire and a time from the wire goes wrong here. */
static bool is_within(int64_t since_ns, int64_t at_ns, int64_t span_ns)
{
    return at_ns >= since_ns && (uint64_t)at_ns - (uint64_t)since_ns <= (uint64_t)span_ns;
}

static void read_control(const struct peer_answers *answers, int64_t sent_ns, int64_t now_ns,
                         struct peers_told *told)
{
    const struct answers_control *control = &answers->control;
    if (control->percent == 0 ||
        (!is_within(control->at_ns, now_ns, ANSWERS_LATELY_NS) &&
         !is_within(control->at_ns, sent_ns, control->validity_ms * NS_PER_MS)))
        return;
    told->shed_percent = control->percent;
    told->shed_validity_ms = control->validity_ms;
    told->shed_ns = control->at_ns;
    told->shed_client = control->client;
}

static void read_retry_after(const struct peer_answers *answers, const struct ip_addr *client,
                             int64_t sent_ns, struct peers_told *told)
{
    for (int i = 0; i < ANSWERS_REFUSALS; i++) {
        const struct refused_client *at = &answers->refused[i];
        if (at->ip.version == 0 || !ip_eq(&at->ip, client) || at->retry_after_s == 0 ||
            !is_within(at->at_ns, sent_ns, at->retry_after_s * NS_PER_S) ||
            (told->retry_after_s > 0 && at->at_ns < told->retry_after_ns))
            continue;
        told->retry_after_s = at->retry_after_s;
        told->retry_after_ns = at->at_ns;
    }
}

static void read_sendings(const struct peer_answers *answers, int64_t now_ns,
                          struct peers_told *told)
{
    for (int i = 0; i < ANSWERS_SLOTS; i++) {
        const struct answers_slot *slot = &answers->slot[i];
        if (!is_within(slot->since_ns, now_ns, ANSWERS_LATELY_NS + ANSWERS_USUAL_NS))
            continue;
        told->invites += slot->invites;
        told->invites_repeated += slot->invites_repeated;
    }
}

void peers_read_told(const struct peers *peers, const struct endpoint *server,
                     const struct ip_addr *client, int64_t sent_ns, int64_t now_ns,
                     struct peers_told *told)
{
    const struct peer *peer = peers_find_endpoint(peers, server);
    *told = (struct peers_told){0};
    if (!peer || !peer->answers)
        return;
    read_control(peer->answers, sent_ns, now_ns, told);
    read_retry_after(peer->answers, client, sent_ns, told);
    read_sendings(peer->answers, now_ns, told);
}
