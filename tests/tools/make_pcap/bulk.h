/*
 * bulk: much traffic of known truth, time-ordered, in memory that depends on the calls at a time
 * alone.
 *
 * Every call is INVITE, 100, 180, 200, ACK, talk, BYE, 200; an unanswered one is the full ladder of
 * RFC 3261 section 17.1.1.2 to a gateway that never speaks; over TCP it is sent once. Mixed: half
 * of them go well in other ways, see bulk_mixed.c. Only documentation addresses are used.
 */
#ifndef MAKE_PCAP_BULK_H
#define MAKE_PCAP_BULK_H

#include <stdbool.h>
#include <stdint.h>

#include "net/endpoint.h"
#include "prng.h"

/* What is mixed in between the calls. */
enum bulk_noise {
    BULK_INVITES,   /* never answered, of strangers */
    BULK_FRAGMENTS, /* never completed */
    BULK_HALF_OPEN, /* TCP: a SYN alone */
    BULK_GAPS,      /* SIP over TCP with a hole that nobody fills */
    BULK_NOISES
};

struct bulk_options {
    const char *out, *truth;   /* truth: NULL for none */
    const char *truth_streams; /* one JSON object a line for each RTP stream; NULL for none */
    bool microseconds, rtp, mixed, tcp; /* tcp: the calls' signalling */
    uint64_t calls, seed, noise[BULK_NOISES];
    uint32_t concurrent;
    double cps;        /* 0: each call takes about 30 s */
    double unanswered; /* percents */
    double loss, copies, duplicates, reorder;
    double jitter_ms;
    int64_t talk_ns; /* from ACK to BYE; 0: at random */
};

void bulk_run(const struct bulk_options *options);

/* bulk_text.c: messages from templates with fields of fixed width: a message is copied, not
 * formatted. */
enum bulk_field {
    FIELD_CALLER_IP,
    FIELD_GATEWAY_IP,
    FIELD_NUMBER, /* of the call, distinct: Call-ID and branches hold it */
    FIELD_KEY,    /* random: the same number never twice in two files */
    FIELD_CALLER, /* telephone numbers */
    FIELD_CALLEE,
    FIELD_CALLER_PORT,
    FIELD_GATEWAY_PORT,
    FIELD_BRANCH, /* one letter of the INVITE's branch */
    FIELD_TAG,    /* one of the To tag */
    FIELD_CSEQ,   /* of the INVITE, one digit */
    FIELD_BYE_CSEQ,
    FIELD_COUNT
};
enum { BULK_FIELD_ROOM = 16, BULK_MESSAGE_MAX = 1800 };

enum bulk_message {
    BULK_INVITE,
    BULK_TRYING,
    BULK_RINGING,
    BULK_OK,
    BULK_ACK,
    BULK_BYE,
    BULK_BYE_OK,
    BULK_CHALLENGE,    /* 401 */
    BULK_INVITE_AGAIN, /* with credentials */
    BULK_BUSY,
    BULK_CANCEL,
    BULK_CANCEL_OK,
    BULK_TERMINATED, /* 487 */
    BULK_ACK_FAILURE,
    BULK_FLOOD,
    BULK_MESSAGE_COUNT
};

struct bulk_fields {
    char text[FIELD_COUNT][BULK_FIELD_ROOM];
};

struct bulk_slot {
    uint16_t offset;
    uint8_t field;
};

struct bulk_template {
    char text[BULK_MESSAGE_MAX];
    uint16_t len;
    uint8_t slot_count;
    struct bulk_slot slots[40];
};

void bulk_compile(struct bulk_template templates[BULK_MESSAGE_COUNT], bool tcp);
/* Addresses must have the width of 192.0.2.100 and 198.51.100.100; ports five digits. */
void bulk_fill(struct bulk_fields *f, uint64_t number, struct prng *prng,
               const struct endpoint *caller, const struct endpoint *gateway);
/* Returns the length; `to` has room for BULK_MESSAGE_MAX. */
uint32_t bulk_render(const struct bulk_template *t, const struct bulk_fields *f, uint8_t *to);

#endif
