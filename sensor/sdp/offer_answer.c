#include "sdp/offer_answer.h"

static enum offer_answer_side other(enum offer_answer_side side)
{
    return side == SIDE_CALLER ? SIDE_CALLEE : SIDE_CALLER;
}

void offer_answer_init(struct offer_answer *oa)
{
    memset(oa, 0, sizeof *oa);
}

static enum offer_answer_type type_of(struct slice name)
{
    if (slice_ieq(name, SLICE("audio")))
        return OFFER_ANSWER_AUDIO;
    if (slice_ieq(name, SLICE("video")))
        return OFFER_ANSWER_VIDEO;
    return slice_ieq(name, SLICE("image")) ? OFFER_ANSWER_IMAGE : OFFER_ANSWER_OTHER;
}

static void describe(struct offer_answer_description *out, const struct sdp *sdp)
{
    *out = (struct offer_answer_description){0};
    for (unsigned m = 0; m < sdp->media_count && m < OFFER_ANSWER_MEDIA_MAX; m++) {
        const struct sdp_media *from = &sdp->media[m];
        out->media[out->media_count++] = (struct offer_answer_media){
            .port = from->rtp.port,
            .type = (unsigned)type_of(from->type) & 3u,
            .direction = (unsigned)from->direction & 3u,
            .is_rtp = from->is_rtp,
            .disabled = from->disabled,
            .ice = from->ice,
            .zero_address = from->zero_address,
        };
    }
}

/* With ICE, 0.0.0.0 only says that the address is yet to be found (RFC 8840). */
static bool receives(const struct offer_answer_media *media)
{
    return !media->disabled && sdp_direction_receives(media->direction) &&
           (!media->zero_address || media->ice);
}

static bool sends(const struct offer_answer_media *media)
{
    return !media->disabled && sdp_direction_sends(media->direction);
}

enum { NO_RTP, REFUSES, TAKES };

/* Does it take media in any RTP stream that is switched on? */
static int intake(const struct offer_answer_description *description)
{
    int result = NO_RTP;
    for (unsigned i = 0; i < description->media_count; i++) {
        const struct offer_answer_media *media = &description->media[i];
        if (!media->is_rtp || media->disabled)
            continue;
        if (receives(media))
            return TAKES;
        result = REFUSES;
    }
    return result;
}

static bool sends_any(const struct offer_answer_description *description)
{
    for (unsigned i = 0; i < description->media_count; i++)
        if (description->media[i].is_rtp && sends(&description->media[i]))
            return true;
    return false;
}

static bool proposes(const struct offer_answer_party *party, enum offer_answer_role role,
                     enum offer_answer_carrier in, enum offer_answer_side requester, uint32_t cseq)
{
    return party->proposed_role == role && party->proposed_in == in &&
           party->proposed_requester == requester && party->proposed_cseq == cseq;
}

static void drop_proposal(struct offer_answer_party *party)
{
    party->proposed_role = ROLE_NONE;
    party->proposed.media_count = 0;
}

static void propose(struct offer_answer *oa, const struct offer_answer_step *step,
                    enum offer_answer_role role, enum offer_answer_carrier in,
                    enum offer_answer_side requester)
{
    struct offer_answer_party *party = &oa->party[step->side];
    party->proposed_role = (uint8_t)role;
    party->proposed_in = (uint8_t)in;
    party->proposed_requester = (uint8_t)requester;
    party->proposed_cseq = step->cseq;
    describe(&party->proposed, step->sdp);
}

static void adopt_proposal(struct offer_answer *oa, struct offer_answer_party *party,
                           int64_t time_ns)
{
    party->current = party->proposed;
    oa->agreed_ns = time_ns;
    party->has_current = true;
    drop_proposal(party);
}

/*
 * One side's description, whatever the other's is. What the side itself had still proposed is then
 * settled, too: nobody may answer, or offer anew, while an offer of its own is pending.
 */
static void settle_alone(struct offer_answer *oa, const struct offer_answer_step *step)
{
    struct offer_answer_party *party = &oa->party[step->side];
    drop_proposal(party);
    describe(&party->current, step->sdp);
    oa->agreed_ns = step->time_ns;
    party->has_current = true;
    party->holds = intake(&party->current) == REFUSES;
}

/*
 * The side of `step` answers, or at least accepts, what the other offered in this transaction.
 * Without a description its preview is the answer; without that, the offer alone is known.
 */
static void answer(struct offer_answer *oa, const struct offer_answer_step *step,
                   enum offer_answer_carrier in, enum offer_answer_side requester, uint32_t cseq)
{
    struct offer_answer_party *answerer = &oa->party[step->side];
    struct offer_answer_party *offerer = &oa->party[other(step->side)];
    if (proposes(offerer, ROLE_OFFER, in, requester, cseq)) {
        adopt_proposal(oa, offerer, step->time_ns);
        offerer->holds = intake(&offerer->current) == REFUSES;
    }
    bool held = answerer->holds;
    if (step->sdp)
        settle_alone(oa, step);
    else if (proposes(answerer, ROLE_PREVIEW, in, requester, cseq))
        adopt_proposal(oa, answerer, step->time_ns);
    else
        return;
    /* One that is offered nothing takes nothing: then it holds only if it did before. */
    bool refuses = intake(&answerer->current) == REFUSES;
    answerer->holds = refuses && (held || !offerer->has_current || sends_any(&offerer->current));
}

static void drop_transaction(struct offer_answer *oa, enum offer_answer_carrier in,
                             enum offer_answer_side requester, uint32_t cseq)
{
    for (unsigned side = 0; side < 2; side++) {
        struct offer_answer_party *party = &oa->party[side];
        if (proposes(party, ROLE_OFFER, in, requester, cseq) ||
            proposes(party, ROLE_PREVIEW, in, requester, cseq))
            drop_proposal(party);
    }
}

static void begin_invite(struct offer_answer_party *party, uint32_t cseq, bool offers)
{
    party->invite_seen = true;
    party->invite_cseq = cseq;
    party->invite_offers = offers;
    party->invite_done = false;
    party->invite_failed = false;
    party->invite_guessed = false;
}

static void saw_invite(struct offer_answer *oa, const struct offer_answer_step *step)
{
    struct offer_answer_party *party = &oa->party[step->side];
    if (party->invite_guessed && step->cseq == party->invite_cseq) {
        /* The mirror showed its response first. Without an offer, the answer is yet to come in the
         * ACK. */
        if (step->sdp) {
            settle_alone(oa, step);
            party->invite_guessed = false;
        }
        return;
    }
    if (party->invite_seen && step->cseq <= party->invite_cseq) {
        /* After a failure at the start, the same request may go to the next target (RFC 3263
         * section 4.3); in a dialog, it is a late copy. */
        bool next_target = party->invite_failed && step->cseq == party->invite_cseq &&
                           !oa->party[SIDE_CALLER].has_current &&
                           !oa->party[SIDE_CALLEE].has_current;
        if (!next_target)
            return;
    }
    /* What became of the INVITE before was not seen. */
    if (party->invite_seen)
        drop_transaction(oa, CARRIER_INVITE, step->side, party->invite_cseq);
    begin_invite(party, step->cseq, step->sdp != NULL);
    if (step->sdp)
        propose(oa, step, ROLE_OFFER, CARRIER_INVITE, step->side);
}

/* Is it about an INVITE that is over, or older than the last one? */
static bool is_late(const struct offer_answer_party *requester, uint32_t cseq)
{
    return requester->invite_seen && (cseq < requester->invite_cseq ||
                                      (cseq == requester->invite_cseq &&
                                       (requester->invite_done || requester->invite_failed)));
}

static bool is_known(const struct offer_answer_party *requester, uint32_t cseq)
{
    return requester->invite_seen && cseq == requester->invite_cseq;
}

static void saw_preview(struct offer_answer *oa, const struct offer_answer_step *step)
{
    enum offer_answer_side requester = other(step->side);
    if (!step->sdp || is_late(&oa->party[requester], step->cseq) ||
        oa->party[step->side].proposed_role == ROLE_OFFER)
        return;
    propose(oa, step, ROLE_PREVIEW, CARRIER_INVITE, requester);
}

/* The first reliable response with a description, or the 2xx. */
static void saw_reliable_response(struct offer_answer *oa, const struct offer_answer_step *step)
{
    enum offer_answer_side requester = other(step->side);
    struct offer_answer_party *party = &oa->party[requester];
    bool final = step->carrier == CARRIER_INVITE_2XX;
    if (is_late(party, step->cseq) || (!step->sdp && !final))
        return;
    if (!is_known(party, step->cseq)) {
        /* Whether the INVITE had an offer is not known; as most have, this is taken for its answer.
         */
        begin_invite(party, step->cseq, true);
        party->invite_guessed = true;
    }
    if (party->invite_offers) {
        answer(oa, step, CARRIER_INVITE, requester, step->cseq);
        party->invite_done = true;
    } else if (step->sdp) {
        propose(oa, step, ROLE_OFFER, CARRIER_INVITE, requester);
    }
}

static void saw_invite_failure(struct offer_answer *oa, const struct offer_answer_step *step)
{
    enum offer_answer_side requester = other(step->side);
    drop_transaction(oa, CARRIER_INVITE, requester, step->cseq);
    if (is_known(&oa->party[requester], step->cseq))
        oa->party[requester].invite_failed = true;
}

static void saw_ack(struct offer_answer *oa, const struct offer_answer_step *step)
{
    struct offer_answer_party *party = &oa->party[step->side];
    bool late = is_late(party, step->cseq);
    if (late && !(party->invite_guessed && is_known(party, step->cseq)))
        return;
    if (late || !is_known(party, step->cseq)) {
        /* The INVITE was not seen, so the 2xx may have been the offer. */
        if (!step->sdp)
            return;
        settle_alone(oa, step);
        begin_invite(party, step->cseq, false);
        party->invite_done = true;
    } else if (!party->invite_offers) {
        if (proposes(&oa->party[other(step->side)], ROLE_OFFER, CARRIER_INVITE, step->side,
                     step->cseq))
            answer(oa, step, CARRIER_INVITE, step->side, step->cseq);
        party->invite_done = true;
    }
}

/* A PRACK or UPDATE with a description: new, or a repetition of one that was placed? */
static bool is_new_request(struct offer_answer_party *party, const struct offer_answer_step *step)
{
    if (!step->sdp || (party->request_seen && step->cseq <= party->request_cseq))
        return false;
    party->request_seen = true;
    party->request_cseq = step->cseq;
    return true;
}

static void saw_prack(struct offer_answer *oa, const struct offer_answer_step *step)
{
    struct offer_answer_party *party = &oa->party[step->side];
    const struct offer_answer_party *peer = &oa->party[other(step->side)];
    if (!is_new_request(party, step))
        return;
    if (party->invite_seen &&
        proposes(peer, ROLE_OFFER, CARRIER_INVITE, step->side, party->invite_cseq)) {
        answer(oa, step, CARRIER_INVITE, step->side, party->invite_cseq);
        party->invite_done = true;
    } else {
        propose(oa, step, ROLE_OFFER, CARRIER_PRACK, step->side);
    }
}

static void saw_update(struct offer_answer *oa, const struct offer_answer_step *step)
{
    if (is_new_request(&oa->party[step->side], step))
        propose(oa, step, ROLE_OFFER, CARRIER_UPDATE, step->side);
}

/* The 2xx of a PRACK or UPDATE. */
static void saw_request_2xx(struct offer_answer *oa, const struct offer_answer_step *step,
                            enum offer_answer_carrier in)
{
    enum offer_answer_side requester = other(step->side);
    if (proposes(&oa->party[requester], ROLE_OFFER, in, requester, step->cseq))
        answer(oa, step, in, requester, step->cseq);
    else if (is_new_request(&oa->party[requester], step))
        settle_alone(oa, step); /* the request was not seen */
}

void offer_answer_saw(struct offer_answer *oa, const struct offer_answer_step *step)
{
    switch (step->carrier) {
    case CARRIER_INVITE:
        saw_invite(oa, step);
        break;
    case CARRIER_UNRELIABLE_1XX:
        saw_preview(oa, step);
        break;
    case CARRIER_RELIABLE_1XX:
    case CARRIER_INVITE_2XX:
        saw_reliable_response(oa, step);
        break;
    case CARRIER_INVITE_FAILURE:
        saw_invite_failure(oa, step);
        break;
    case CARRIER_ACK:
        saw_ack(oa, step);
        break;
    case CARRIER_PRACK:
        saw_prack(oa, step);
        break;
    case CARRIER_UPDATE:
        saw_update(oa, step);
        break;
    case CARRIER_PRACK_2XX:
        saw_request_2xx(oa, step, CARRIER_PRACK);
        break;
    case CARRIER_UPDATE_2XX:
        saw_request_2xx(oa, step, CARRIER_UPDATE);
        break;
    case CARRIER_PRACK_FAILURE:
        drop_transaction(oa, CARRIER_PRACK, other(step->side), step->cseq);
        break;
    case CARRIER_UPDATE_FAILURE:
        drop_transaction(oa, CARRIER_UPDATE, other(step->side), step->cseq);
        break;
    }
}

enum offer_answer_state offer_answer_state(const struct offer_answer *oa)
{
    const struct offer_answer_party *caller = &oa->party[SIDE_CALLER];
    const struct offer_answer_party *callee = &oa->party[SIDE_CALLEE];
    if (caller->proposed_role == ROLE_OFFER || callee->proposed_role == ROLE_OFFER)
        return OFFER_ANSWER_OFFERED;
    return caller->has_current || callee->has_current ? OFFER_ANSWER_ANSWERED : OFFER_ANSWER_NONE;
}

const struct offer_answer_description *offer_answer_current(const struct offer_answer *oa,
                                                            enum offer_answer_side side)
{
    return oa->party[side].has_current ? &oa->party[side].current : NULL;
}

const struct offer_answer_description *offer_answer_proposed(const struct offer_answer *oa,
                                                             enum offer_answer_side side)
{
    return oa->party[side].proposed_role != ROLE_NONE ? &oa->party[side].proposed : NULL;
}

int64_t offer_answer_agreed(const struct offer_answer *oa)
{
    return oa->agreed_ns;
}

bool offer_answer_held_by(const struct offer_answer *oa, enum offer_answer_side side)
{
    return oa->party[side].holds;
}

bool offer_answer_on_hold(const struct offer_answer *oa)
{
    return offer_answer_held_by(oa, SIDE_CALLER) || offer_answer_held_by(oa, SIDE_CALLEE);
}

/* What the side last said, agreed or else proposed; or NULL. */
static const struct offer_answer_description *latest(const struct offer_answer *oa,
                                                     enum offer_answer_side side)
{
    const struct offer_answer_description *current = offer_answer_current(oa, side);
    return current ? current : offer_answer_proposed(oa, side);
}

static bool has_audio(const struct offer_answer_description *description, unsigned index)
{
    if (index >= description->media_count)
        return false;
    const struct offer_answer_media *media = &description->media[index];
    return media->is_rtp && !media->disabled && media->type == OFFER_ANSWER_AUDIO;
}

int offer_answer_audio(const struct offer_answer *oa)
{
    const struct offer_answer_description *caller = latest(oa, SIDE_CALLER);
    const struct offer_answer_description *callee = latest(oa, SIDE_CALLEE);
    for (unsigned i = 0; i < OFFER_ANSWER_MEDIA_MAX; i++)
        if ((caller || callee) && (!caller || has_audio(caller, i)) &&
            (!callee || has_audio(callee, i)))
            return (int)i;
    return -1;
}

bool offer_answer_sends(const struct offer_answer *oa, enum offer_answer_side side, unsigned index)
{
    const struct offer_answer_description *own = latest(oa, side);
    const struct offer_answer_description *peer = latest(oa, other(side));
    if (!own && !peer)
        return false;
    if (own && (index >= own->media_count || !sends(&own->media[index])))
        return false;
    return !peer || (index < peer->media_count && receives(&peer->media[index]));
}
