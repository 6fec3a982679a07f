/*
 * offer_answer: what the two sides of one dialog have agreed on, as seen from outside (RFC 3264).
 *
 * It is told of each message of the dialog that can carry an offer or an answer, and places it:
 *
 *     offer in            answer in               RFC
 *     INVITE              2xx                     3261 section 13.2.1
 *     INVITE              reliable 1xx            3262 section 5
 *     2xx                 ACK                     3261 section 13.2.1 (late offer)
 *     reliable 1xx        PRACK                   3262 section 5 (late offer)
 *     PRACK               2xx of the PRACK        3262 section 5
 *     UPDATE              2xx of the UPDATE       3311 section 5
 *
 * A description in an unreliable 1xx is a preview: media may follow it, the reliable answer binds.
 * Once an INVITE's offer is answered, descriptions in its later responses say nothing new. A
 * rejected offer (491, 488 …) leaves what was agreed. Repeated messages change nothing, and
 * messages that the mirror missed are made up for as far as what follows tells: a 2xx accepts the
 * offer, also without its answer.
 *
 * Of a description it keeps what direction and hold need, and the port, by which its announcement
 * is found again (call/media_map.h has addresses and codecs).
 *
 * Each fork has a dialog, and a struct offer_answer, of its own. Plain data of about 100 octets,
 * without pointers; all zeros is a fresh one. No allocation, no clock. One owner, one thread.
 */
#ifndef SIPSPAN_SDP_OFFER_ANSWER_H
#define SIPSPAN_SDP_OFFER_ANSWER_H

#include "sdp/sdp.h"

enum { OFFER_ANSWER_MEDIA_MAX = 4 }; /* more m= lines are not kept */

/* The caller sent the first INVITE of the dialog, whoever sends this one. */
enum offer_answer_side { SIDE_CALLER, SIDE_CALLEE };

enum offer_answer_carrier {
    CARRIER_INVITE,
    CARRIER_UNRELIABLE_1XX,
    CARRIER_RELIABLE_1XX, /* with Require: 100rel and RSeq */
    CARRIER_INVITE_2XX,
    CARRIER_INVITE_FAILURE, /* 3xx to 6xx */
    CARRIER_ACK,
    CARRIER_PRACK,
    CARRIER_PRACK_2XX,
    CARRIER_PRACK_FAILURE,
    CARRIER_UPDATE,
    CARRIER_UPDATE_2XX,
    CARRIER_UPDATE_FAILURE,
};

/* One message. */
struct offer_answer_step {
    enum offer_answer_side side; /* who sent it */
    enum offer_answer_carrier carrier;
    uint32_t cseq;         /* the number in its CSeq */
    const struct sdp *sdp; /* NULL: it has none, or one that cannot be parsed */
    int64_t time_ns;
};

enum offer_answer_type {
    OFFER_ANSWER_AUDIO,
    OFFER_ANSWER_VIDEO,
    OFFER_ANSWER_IMAGE, /* T.38 */
    OFFER_ANSWER_OTHER,
};

/* One m= section, as in struct sdp_media. */
struct offer_answer_media {
    uint16_t port;         /* where the side receives */
    uint8_t type : 2;      /* enum offer_answer_type */
    uint8_t direction : 2; /* enum sdp_direction */
    bool is_rtp : 1;
    bool disabled : 1;
    bool ice : 1;
    bool zero_address : 1;
} __attribute__((packed)); /* of each call there are up to sixteen */

/* In the order of the m= lines: the media of an answer are those of the offer, one by one. */
struct offer_answer_description {
    uint8_t media_count;
    struct offer_answer_media media[OFFER_ANSWER_MEDIA_MAX];
};

enum offer_answer_role { ROLE_NONE, ROLE_OFFER, ROLE_PREVIEW };

/* Read it with the functions below. */
struct offer_answer {
    int64_t agreed_ns; /* see offer_answer_agreed; the owner moves it where the clock is set */
    struct offer_answer_party {
        uint32_t proposed_cseq;
        uint32_t invite_cseq;       /* of its last INVITE */
        uint32_t request_cseq;      /* of its last PRACK or UPDATE with a description */
        uint8_t proposed_role;      /* enum offer_answer_role */
        uint8_t proposed_in;        /* enum offer_answer_carrier: INVITE, PRACK or UPDATE */
        uint8_t proposed_requester; /* enum offer_answer_side: who sent that request */
        bool has_current : 1;
        bool holds : 1;
        bool invite_seen : 1;
        bool invite_guessed : 1; /* it was not seen itself */
        bool invite_offers : 1;
        bool invite_done : 1; /* its offer is answered, or it had none and will have none */
        bool invite_failed : 1;
        bool request_seen : 1;
        struct offer_answer_description current;
        struct offer_answer_description proposed;
    } party[2]; /* by enum offer_answer_side */
};

_Static_assert(sizeof(struct offer_answer) <= 96, "kept for every dialog");

void offer_answer_init(struct offer_answer *oa);
void offer_answer_saw(struct offer_answer *oa, const struct offer_answer_step *step);

enum offer_answer_state {
    OFFER_ANSWER_NONE,     /* nothing was described yet, or only previewed */
    OFFER_ANSWER_OFFERED,  /* an offer waits for its answer; see offer_answer_current for what holds
                            */
    OFFER_ANSWER_ANSWERED, /* agreed, nothing is pending */
};

enum offer_answer_state offer_answer_state(const struct offer_answer *oa);

/* What the side last agreed to; NULL: nothing yet. */
const struct offer_answer_description *offer_answer_current(const struct offer_answer *oa,
                                                            enum offer_answer_side side);
/* The offer or the preview of the side that is not agreed yet, but where media may arrive; or NULL.
 */
const struct offer_answer_description *offer_answer_proposed(const struct offer_answer *oa,
                                                             enum offer_answer_side side);
/* When a side last agreed to a description, also to the one it had before; 0: never. */
int64_t offer_answer_agreed(const struct offer_answer *oa);

/*
 * The side has put the other on hold: it takes no media in any RTP stream (sendonly, inactive or
 * the address 0.0.0.0; RFC 3264 section 8.4), and not merely because the other offered none.
 */
bool offer_answer_held_by(const struct offer_answer *oa, enum offer_answer_side side);
/* Either side has. */
bool offer_answer_on_hold(const struct offer_answer *oa);

/* The first m= line with sound over RTP that both sides take part in, by what they last said;
 * -1: there is none. */
int offer_answer_audio(const struct offer_answer *oa);
/*
 * Is media of m= line `index` to be expected from `side`, by what both sides last said, agreed or
 * else proposed? Of a side that said nothing yet, sendrecv is assumed.
 */
bool offer_answer_sends(const struct offer_answer *oa, enum offer_answer_side side, unsigned index);

#endif
