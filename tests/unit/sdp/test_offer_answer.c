/*
 * offer_answer: each place where an offer or an answer may stand, hold and resume, rejection,
 * glare, late offers, early media, repeated and missing messages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sdp/offer_answer.h"

static struct offer_answer oa;
static int64_t now;

static int setup(void **state)
{
    (void)state;
    memset(&oa, 0xa5, sizeof oa);
    offer_answer_init(&oa);
    now = 1000;
    return 0;
}

static void saw_sdp(enum offer_answer_side side, enum offer_answer_carrier carrier, uint32_t cseq,
                    const struct sdp *sdp)
{
    now += 1000;
    struct offer_answer_step step = {side, carrier, cseq, sdp, now};
    offer_answer_saw(&oa, &step);
    /* Seen again at once, as from a second mirror port: nothing may change. */
    struct offer_answer before = oa;
    offer_answer_saw(&oa, &step);
    assert_memory_equal(&before, &oa, sizeof oa);
}

/* An audio section at `port` with `direction`; port 0: no description at all. */
static void saw(enum offer_answer_side side, enum offer_answer_carrier carrier, uint32_t cseq,
                unsigned port, const char *direction)
{
    char body[512];
    struct sdp *sdp = malloc(sizeof *sdp);
    assert_non_null(sdp);
    snprintf(body, sizeof body,
             "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n"
             "m=audio %u RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=%s\r\n",
             strcmp(direction, "zero") == 0 ? "0.0.0.0" : "192.0.2.1", port,
             strcmp(direction, "zero") == 0 ? "sendrecv" : direction);
    assert_int_equal(sdp_parse(slice_str(body), sdp), SDP_OK);
    saw_sdp(side, carrier, cseq, port ? sdp : NULL);
    free(sdp);
}

#define A        SIDE_CALLER
#define B        SIDE_CALLEE
#define SENDRECV "sendrecv"

static unsigned port_of(const struct offer_answer_description *d)
{
    if (!d)
        return 0;
    assert_int_equal(d->media_count, 1);
    return d->media[0].port;
}

/* Ports stand for descriptions; 0: none. */
static void assert_agreed(unsigned caller, unsigned callee)
{
    assert_int_equal(port_of(offer_answer_current(&oa, A)), caller);
    assert_int_equal(port_of(offer_answer_current(&oa, B)), callee);
}

static void assert_proposed(unsigned caller, unsigned callee)
{
    assert_int_equal(port_of(offer_answer_proposed(&oa, A)), caller);
    assert_int_equal(port_of(offer_answer_proposed(&oa, B)), callee);
}

static void assert_state(enum offer_answer_state expected)
{
    assert_int_equal(offer_answer_state(&oa), expected);
}

static void establish(void)
{
    saw(A, CARRIER_INVITE, 1, 5000, SENDRECV);
    saw(B, CARRIER_INVITE_2XX, 1, 6000, SENDRECV);
    saw(A, CARRIER_ACK, 1, 0, SENDRECV);
    assert_agreed(5000, 6000);
    assert_proposed(0, 0);
    assert_state(OFFER_ANSWER_ANSWERED);
}

static void test_invite_2xx(void **state)
{
    (void)state;
    assert_state(OFFER_ANSWER_NONE);
    assert_agreed(0, 0);
    saw(A, CARRIER_INVITE, 1, 5000, SENDRECV);
    assert_state(OFFER_ANSWER_OFFERED);
    assert_agreed(0, 0);
    assert_proposed(5000, 0);
    saw(B, CARRIER_UNRELIABLE_1XX, 1, 0, SENDRECV);
    assert_proposed(5000, 0);
    saw(B, CARRIER_INVITE_2XX, 1, 6000, SENDRECV);
    assert_state(OFFER_ANSWER_ANSWERED);
    assert_agreed(5000, 6000);
    assert_proposed(0, 0);
    assert_int_equal(offer_answer_agreed(&oa), now);

    const struct offer_answer_media *m = &offer_answer_current(&oa, B)->media[0];
    assert_int_equal(m->type, OFFER_ANSWER_AUDIO);
    assert_true(m->is_rtp);
    assert_int_equal(offer_answer_audio(&oa), 0);
}

static void test_late_offer(void **state)
{
    (void)state;
    saw(A, CARRIER_INVITE, 1, 0, SENDRECV);
    assert_state(OFFER_ANSWER_NONE);
    saw(B, CARRIER_UNRELIABLE_1XX, 1, 6002, SENDRECV); /* a preview of the offer */
    assert_proposed(0, 6002);
    saw(B, CARRIER_INVITE_2XX, 1, 6000, SENDRECV);
    assert_state(OFFER_ANSWER_OFFERED);
    assert_proposed(0, 6000);
    assert_int_equal(offer_answer_agreed(&oa), 0);
    saw(B, CARRIER_INVITE_2XX, 1, 6000, SENDRECV);
    saw(A, CARRIER_ACK, 1, 5000, SENDRECV);
    assert_state(OFFER_ANSWER_ANSWERED);
    assert_agreed(5000, 6000);
    /* The 200 again, because its ACK was lost, and the ACK again. */
    saw(B, CARRIER_INVITE_2XX, 1, 6000, SENDRECV);
    saw(A, CARRIER_ACK, 1, 5000, SENDRECV);
    assert_state(OFFER_ANSWER_ANSWERED);
    assert_proposed(0, 0);
}

static void test_late_offer_whose_answer_is_missing(void **state)
{
    (void)state;
    saw(A, CARRIER_INVITE, 1, 0, SENDRECV);
    saw(B, CARRIER_INVITE_2XX, 1, 6000, SENDRECV);
    saw(A, CARRIER_ACK, 1, 0, SENDRECV);
    assert_state(OFFER_ANSWER_ANSWERED);
    assert_agreed(0, 6000);
}

static void test_reliable_answer(void **state)
{
    (void)state;
    saw(A, CARRIER_INVITE, 1, 5000, SENDRECV);
    saw(B, CARRIER_RELIABLE_1XX, 1, 6000, SENDRECV);
    assert_state(OFFER_ANSWER_ANSWERED);
    assert_agreed(5000, 6000);
    saw(A, CARRIER_PRACK, 2, 0, SENDRECV);
    saw(B, CARRIER_PRACK_2XX, 2, 0, SENDRECV);
    saw(B, CARRIER_UNRELIABLE_1XX, 1, 6004, SENDRECV);
    /* The 2xx repeats the answer; were it another, it still would not count. */
    saw(B, CARRIER_INVITE_2XX, 1, 6002, SENDRECV);
    saw(A, CARRIER_ACK, 1, 0, SENDRECV);
    assert_state(OFFER_ANSWER_ANSWERED);
    assert_agreed(5000, 6000);
    assert_proposed(0, 0);
}

static void test_reliable_late_offer(void **state)
{
    (void)state;
    saw(A, CARRIER_INVITE, 1, 0, SENDRECV);
    saw(B, CARRIER_RELIABLE_1XX, 1, 6000, SENDRECV);
    assert_state(OFFER_ANSWER_OFFERED);
    assert_proposed(0, 6000);
    saw(B, CARRIER_UNRELIABLE_1XX, 1, 6002, SENDRECV); /* is no offer, so it does not replace it */
    assert_state(OFFER_ANSWER_OFFERED);
    assert_proposed(0, 6000);
    saw(A, CARRIER_PRACK, 2, 5000, SENDRECV);
    assert_state(OFFER_ANSWER_ANSWERED);
    assert_agreed(5000, 6000);
    saw(B, CARRIER_PRACK_2XX, 2, 0, SENDRECV);
    saw(B, CARRIER_INVITE_2XX, 1, 6000, SENDRECV);
    saw(A, CARRIER_ACK, 1, 0, SENDRECV);
    assert_state(OFFER_ANSWER_ANSWERED);
    assert_agreed(5000, 6000);
}

static void test_offer_in_prack(void **state)
{
    (void)state;
    saw(A, CARRIER_INVITE, 1, 5000, SENDRECV);
    saw(B, CARRIER_RELIABLE_1XX, 1, 6000, SENDRECV);
    saw(A, CARRIER_PRACK, 2, 5002, SENDRECV);
    assert_state(OFFER_ANSWER_OFFERED);
    assert_agreed(5000, 6000);
    assert_proposed(5002, 0);
    saw(B, CARRIER_PRACK_2XX, 2, 6002, SENDRECV);
    assert_state(OFFER_ANSWER_ANSWERED);
    assert_agreed(5002, 6002);
    saw(A, CARRIER_PRACK, 2, 5002, SENDRECV);
    assert_state(OFFER_ANSWER_ANSWERED);

    saw(A, CARRIER_PRACK, 3, 5004, SENDRECV);
    saw(B, CARRIER_PRACK_FAILURE, 3, 0, SENDRECV);
    assert_state(OFFER_ANSWER_ANSWERED);
    assert_agreed(5002, 6002);
}

static void test_update(void **state)
{
    (void)state;
    establish();
    /* By the callee, whose CSeq numbers are its own. */
    saw(B, CARRIER_UPDATE, 1, 6002, SENDRECV);
    assert_state(OFFER_ANSWER_OFFERED);
    saw(A, CARRIER_UPDATE_2XX, 1, 5002, SENDRECV);
    assert_state(OFFER_ANSWER_ANSWERED);
    assert_agreed(5002, 6002);
    /* Again, after it was answered. */
    saw(B, CARRIER_UPDATE, 1, 6002, SENDRECV);
    saw(A, CARRIER_UPDATE_2XX, 1, 5002, SENDRECV);
    assert_state(OFFER_ANSWER_ANSWERED);
    /* Without a description: a session refresh. */
    saw(A, CARRIER_UPDATE, 2, 0, SENDRECV);
    saw(B, CARRIER_UPDATE_2XX, 2, 0, SENDRECV);
    assert_agreed(5002, 6002);
    /* Rejected. */
    saw(A, CARRIER_UPDATE, 3, 5004, SENDRECV);
    assert_proposed(5004, 0);
    saw(B, CARRIER_UPDATE_FAILURE, 3, 0, SENDRECV);
    assert_state(OFFER_ANSWER_ANSWERED);
    assert_agreed(5002, 6002);
    assert_proposed(0, 0);
}

static void test_early_media(void **state)
{
    (void)state;
    saw(A, CARRIER_INVITE, 1, 5000, SENDRECV);
    saw(B, CARRIER_UNRELIABLE_1XX, 1, 6000, "sendonly");
    assert_state(OFFER_ANSWER_OFFERED);
    assert_agreed(0, 0);
    assert_proposed(5000, 6000);
    assert_true(offer_answer_sends(&oa, B, 0));
    assert_false(offer_answer_sends(&oa, A, 0));
    assert_false(offer_answer_on_hold(&oa));
    saw(B, CARRIER_UNRELIABLE_1XX, 1, 6002, SENDRECV); /* another announcement server */
    assert_proposed(5000, 6002);
    saw(B, CARRIER_INVITE_2XX, 1, 6004, SENDRECV);
    assert_agreed(5000, 6004);
    assert_proposed(0, 0);
    assert_true(offer_answer_sends(&oa, A, 0));
}

/* Gateways that think the 183 has said it all. */
static void test_2xx_without_answer(void **state)
{
    (void)state;
    saw(A, CARRIER_INVITE, 1, 5000, SENDRECV);
    saw(B, CARRIER_UNRELIABLE_1XX, 1, 6000, SENDRECV);
    saw(B, CARRIER_INVITE_2XX, 1, 0, SENDRECV);
    assert_state(OFFER_ANSWER_ANSWERED);
    assert_agreed(5000, 6000);
    assert_proposed(0, 0);
    /* And where there was no 183, or the body could not be read. */
    saw(A, CARRIER_INVITE, 2, 5002, SENDRECV);
    saw(B, CARRIER_INVITE_2XX, 2, 0, SENDRECV);
    assert_state(OFFER_ANSWER_ANSWERED);
    assert_agreed(5002, 6000);
}

static void test_reinvite_rejected(void **state)
{
    (void)state;
    establish();
    saw(A, CARRIER_INVITE, 2, 5002, "inactive");
    saw(B, CARRIER_UNRELIABLE_1XX, 2, 6002, SENDRECV);
    assert_state(OFFER_ANSWER_OFFERED);
    assert_agreed(5000, 6000);
    saw(B, CARRIER_INVITE_FAILURE, 2, 0, SENDRECV);
    saw(A, CARRIER_ACK, 2, 0, SENDRECV);
    assert_state(OFFER_ANSWER_ANSWERED);
    assert_agreed(5000, 6000);
    assert_proposed(0, 0);
    assert_false(offer_answer_on_hold(&oa));
    /* Late copies of it. */
    saw(A, CARRIER_INVITE, 2, 5002, SENDRECV);
    saw(B, CARRIER_UNRELIABLE_1XX, 2, 6002, SENDRECV);
    saw(A, CARRIER_INVITE, 1, 5000, SENDRECV);
    assert_state(OFFER_ANSWER_ANSWERED);
    assert_proposed(0, 0);
}

static void test_glare(void **state)
{
    (void)state;
    establish();
    saw(A, CARRIER_INVITE, 2, 5002, SENDRECV);
    saw(B, CARRIER_INVITE, 71, 6002, SENDRECV);
    assert_proposed(5002, 6002);
    saw(B, CARRIER_INVITE_FAILURE, 2, 0, SENDRECV);
    assert_proposed(0, 6002);
    assert_state(OFFER_ANSWER_OFFERED);
    saw(A, CARRIER_INVITE_FAILURE, 71, 0, SENDRECV);
    assert_state(OFFER_ANSWER_ANSWERED);
    assert_agreed(5000, 6000);
    /* The second attempt of one of them. */
    saw(B, CARRIER_INVITE, 72, 6004, SENDRECV);
    saw(A, CARRIER_INVITE_2XX, 72, 5004, SENDRECV);
    assert_agreed(5004, 6004);
    assert_state(OFFER_ANSWER_ANSWERED);
}

/* Its rejection was not seen; that it answers another offer says that it was. */
static void test_forgotten_offer(void **state)
{
    (void)state;
    establish();
    saw(B, CARRIER_INVITE, 71, 6002, SENDRECV);
    saw(A, CARRIER_INVITE, 2, 5002, SENDRECV);
    saw(B, CARRIER_INVITE_2XX, 2, 6004, SENDRECV);
    assert_state(OFFER_ANSWER_ANSWERED);
    assert_agreed(5002, 6004);
    assert_proposed(0, 0);
    /* Or it offers anew itself. */
    saw(B, CARRIER_INVITE, 72, 6006, SENDRECV);
    saw(B, CARRIER_INVITE, 73, 0, SENDRECV);
    assert_state(OFFER_ANSWER_ANSWERED);
    assert_proposed(0, 0);
}

static void test_credentials_and_next_target(void **state)
{
    (void)state;
    saw(A, CARRIER_INVITE, 1, 5000, SENDRECV);
    saw(B, CARRIER_INVITE_FAILURE, 1, 0, SENDRECV);
    assert_state(OFFER_ANSWER_NONE);
    assert_proposed(0, 0);
    saw(A, CARRIER_INVITE, 2, 5002, SENDRECV);
    assert_proposed(5002, 0);
    /* 503, and the same request to the next target. */
    saw(B, CARRIER_INVITE_FAILURE, 2, 0, SENDRECV);
    saw(A, CARRIER_INVITE, 2, 5002, SENDRECV);
    assert_state(OFFER_ANSWER_OFFERED);
    saw(B, CARRIER_INVITE_2XX, 2, 6000, SENDRECV);
    assert_agreed(5002, 6000);
}

static void assert_holds(bool caller, bool callee)
{
    assert_int_equal(offer_answer_held_by(&oa, A), caller);
    assert_int_equal(offer_answer_held_by(&oa, B), callee);
    assert_int_equal(offer_answer_on_hold(&oa), caller || callee);
}

static void assert_flows(bool from_caller, bool from_callee)
{
    assert_int_equal(offer_answer_sends(&oa, A, 0), from_caller);
    assert_int_equal(offer_answer_sends(&oa, B, 0), from_callee);
}

static void test_hold_and_resume(void **state)
{
    (void)state;
    static const struct {
        const char *offer, *answer;
        bool holds, from_caller, from_callee;
    } rows[] = {
        {"sendonly", "recvonly", true, true, false},  {SENDRECV, SENDRECV, false, true, true},
        {"inactive", "inactive", true, false, false}, {SENDRECV, SENDRECV, false, true, true},
        {"zero", SENDRECV, true, true, false},        {SENDRECV, SENDRECV, false, true, true},
        {"recvonly", "sendonly", false, false, true}, {SENDRECV, SENDRECV, false, true, true},
    };
    establish();
    assert_holds(false, false);
    assert_flows(true, true);
    for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool held_before = offer_answer_held_by(&oa, A);
        saw(A, CARRIER_INVITE, 2 + i, 5000, rows[i].offer);
        assert_holds(held_before, false); /* not before it is agreed */
        saw(B, CARRIER_INVITE_2XX, 2 + i, 6000, rows[i].answer);
        saw(A, CARRIER_ACK, 2 + i, 0, SENDRECV);
        assert_holds(rows[i].holds, false);
        assert_flows(rows[i].from_caller, rows[i].from_callee);
    }
}

/* RFC 3264 section 8.4: each direction is on hold by itself. */
static void test_hold_by_both(void **state)
{
    (void)state;
    establish();
    saw(A, CARRIER_INVITE, 2, 5000, "sendonly");
    saw(B, CARRIER_INVITE_2XX, 2, 6000, "recvonly");
    assert_holds(true, false);
    saw(B, CARRIER_INVITE, 71, 6000, "inactive");
    saw(A, CARRIER_INVITE_2XX, 71, 5000, "inactive");
    assert_holds(true, true);
    assert_flows(false, false);
    saw(A, CARRIER_INVITE, 3, 5000, "recvonly"); /* A resumes, B does not */
    saw(B, CARRIER_INVITE_2XX, 3, 6000, "sendonly");
    assert_holds(false, true);
    assert_flows(false, true);
    saw(B, CARRIER_UPDATE, 72, 6000, SENDRECV);
    saw(A, CARRIER_UPDATE_2XX, 72, 5000, SENDRECV);
    assert_holds(false, false);
    assert_flows(true, true);
}

/* The one who is held answers inactive: it takes nothing since it is offered nothing. */
static void test_inactive_answer_is_no_hold(void **state)
{
    (void)state;
    establish();
    saw(A, CARRIER_INVITE, 2, 5000, "inactive");
    saw(B, CARRIER_INVITE_2XX, 2, 6000, "inactive");
    assert_holds(true, false);
}

static void test_answer_in_hold(void **state)
{
    (void)state;
    saw(A, CARRIER_INVITE, 1, 5000, SENDRECV);
    saw(B, CARRIER_INVITE_2XX, 1, 6000, "sendonly");
    assert_holds(false, true);
    assert_flows(false, true);
}

/* The mirror missed the beginning. */
static void test_mid_dialog_start(void **state)
{
    (void)state;
    saw(B, CARRIER_INVITE_2XX, 5, 6000, SENDRECV);
    assert_state(OFFER_ANSWER_ANSWERED);
    assert_agreed(0, 6000);
    assert_flows(true, true);               /* for all that is known */
    saw(A, CARRIER_ACK, 5, 5000, SENDRECV); /* so it was a late offer */
    assert_agreed(5000, 6000);

    setup(state);
    saw(A, CARRIER_ACK, 5, 5000, SENDRECV);
    assert_agreed(5000, 0);

    setup(state);
    saw(A, CARRIER_UPDATE_2XX, 9, 5000, SENDRECV);
    assert_agreed(5000, 0);
    saw(B, CARRIER_INVITE_2XX, 4, 0, SENDRECV);
    assert_agreed(5000, 0);
}

/* The mirror showed a response before its request. */
static void test_out_of_order(void **state)
{
    (void)state;
    saw(B, CARRIER_UNRELIABLE_1XX, 1, 6000, SENDRECV);
    saw(A, CARRIER_INVITE, 1, 5000, SENDRECV);
    assert_proposed(5000, 6000);

    setup(state);
    saw(B, CARRIER_INVITE_2XX, 1, 6000, SENDRECV);
    saw(A, CARRIER_INVITE, 1, 5000, SENDRECV);
    assert_state(OFFER_ANSWER_ANSWERED);
    assert_agreed(5000, 6000);

    setup(state);
    saw(B, CARRIER_INVITE_2XX, 1, 6000, SENDRECV);
    saw(A, CARRIER_INVITE, 1, 0, SENDRECV);
    saw(A, CARRIER_ACK, 1, 5000, SENDRECV);
    assert_state(OFFER_ANSWER_ANSWERED);
    assert_agreed(5000, 6000);
}

static const char media_head[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n";

static void saw_body(enum offer_answer_side side, enum offer_answer_carrier carrier, uint32_t cseq,
                     const char *media)
{
    char body[4096];
    struct sdp *sdp = malloc(sizeof *sdp);
    assert_non_null(sdp);
    snprintf(body, sizeof body, "%s%s", media_head, media);
    assert_int_equal(sdp_parse(slice_str(body), sdp), SDP_OK);
    saw_sdp(side, carrier, cseq, sdp);
    free(sdp);
}

/* The media of an answer are those of the offer, by their order. */
static void test_several_media(void **state)
{
    (void)state;
    saw_body(A, CARRIER_INVITE, 1,
             "m=audio 5000 RTP/AVP 0\r\nm=video 5002 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n"
             "m=image 5004 udptl t38\r\nm=audio 5006 RTP/SAVP 0\r\na=sendonly\r\n"
             "m=audio 5008 RTP/AVP 0\r\n");
    saw_body(B, CARRIER_INVITE_2XX, 1,
             "m=audio 6000 RTP/AVP 0\r\nm=video 0 RTP/AVP 99\r\nm=image 6004 udptl t38\r\n"
             "m=audio 6006 RTP/SAVP 0\r\na=recvonly\r\n");
    const struct offer_answer_description *caller = offer_answer_current(&oa, A);
    const struct offer_answer_description *callee = offer_answer_current(&oa, B);
    assert_int_equal(caller->media_count, OFFER_ANSWER_MEDIA_MAX);
    assert_int_equal(callee->media_count, 4);
    assert_int_equal(caller->media[1].type, OFFER_ANSWER_VIDEO);
    assert_int_equal(caller->media[2].type, OFFER_ANSWER_IMAGE);
    assert_true(callee->media[1].disabled);
    assert_int_equal(offer_answer_audio(&oa), 0);
    static const bool from_caller[] = {true, false, true, true, false};
    static const bool from_callee[] = {true, false, true, false, false};
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(offer_answer_sends(&oa, A, i), from_caller[i]);
        assert_int_equal(offer_answer_sends(&oa, B, i), from_callee[i]);
    }
    assert_holds(false, false);
}

/* A fax takes over: there is no RTP stream left that could be on hold. */
static void test_switch_to_fax(void **state)
{
    (void)state;
    establish();
    saw_body(B, CARRIER_INVITE, 71, "m=audio 0 RTP/AVP 0\r\nm=image 6004 udptl t38\r\n");
    saw_body(A, CARRIER_INVITE_2XX, 71, "m=audio 0 RTP/AVP 0\r\nm=image 5004 udptl t38\r\n");
    assert_holds(false, false);
    assert_flows(false, false);
    assert_true(offer_answer_sends(&oa, A, 1));
}

/* WebRTC's placeholder is not the hold of RFC 2543. */
static void test_zero_address_with_ice(void **state)
{
    (void)state;
    const char *media =
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\n"
        "a=rtpmap:111 opus/48000/2\r\n";
    saw_body(A, CARRIER_INVITE, 1, media);
    saw_body(B, CARRIER_INVITE_2XX, 1, media);
    assert_holds(false, false);
    assert_flows(true, true);
}

/* Which m= line is the sound: of both sides, in use, over RTP. */
static void test_where_the_audio_is(void **state)
{
    static const struct {
        const char *offer, *answer;
        int index;
    } rows[] = {
        {"m=audio 5000 RTP/AVP 0\r\n", "m=audio 6000 RTP/AVP 0\r\n", 0},
        {"m=video 5000 RTP/AVP 99\r\nm=audio 5002 RTP/AVP 0\r\n",
         "m=video 6000 RTP/AVP 99\r\nm=audio 6002 RTP/AVP 0\r\n", 1},
        {"m=audio 5000 RTP/AVP 0\r\nm=audio 5002 RTP/SAVP 0\r\n",
         "m=audio 0 RTP/AVP 0\r\nm=audio 6002 RTP/SAVP 0\r\n", 1},
        {"m=audio 0 RTP/AVP 0\r\nm=image 5000 udptl t38\r\n",
         "m=audio 0 RTP/AVP 0\r\nm=image 6000 udptl t38\r\n", -1},
        {"m=audio 5000 RTP/AVP 0\r\n", "", -1},
    };
    (void)state;
    assert_int_equal(offer_answer_audio(&oa), -1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        setup(state);
        saw_body(A, CARRIER_INVITE, 1, rows[i].offer);
        saw_body(B, CARRIER_INVITE_2XX, 1, rows[i].answer);
        assert_int_equal(offer_answer_audio(&oa), rows[i].index);
    }
    setup(state);
    saw(B, CARRIER_INVITE_2XX, 1, 6000, SENDRECV); /* of one side only */
    assert_int_equal(offer_answer_audio(&oa), 0);
}

/* A session refresh (RFC 4028) agrees on the same again; what is refused agrees on nothing. */
static void test_when_it_was_agreed(void **state)
{
    (void)state;
    establish();
    int64_t answered = offer_answer_agreed(&oa);
    saw(A, CARRIER_INVITE, 2, 5000, SENDRECV);
    assert_int_equal(offer_answer_agreed(&oa), answered);
    saw(B, CARRIER_INVITE_FAILURE, 2, 0, SENDRECV);
    assert_int_equal(offer_answer_agreed(&oa), answered);
    saw(A, CARRIER_INVITE, 3, 5000, SENDRECV);
    saw(B, CARRIER_INVITE_2XX, 3, 6000, SENDRECV);
    assert_int_equal(offer_answer_agreed(&oa), now);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_invite_2xx),
        TEST(test_late_offer),
        TEST(test_late_offer_whose_answer_is_missing),
        TEST(test_reliable_answer),
        TEST(test_reliable_late_offer),
        TEST(test_offer_in_prack),
        TEST(test_update),
        TEST(test_early_media),
        TEST(test_2xx_without_answer),
        TEST(test_reinvite_rejected),
        TEST(test_glare),
        TEST(test_forgotten_offer),
        TEST(test_credentials_and_next_target),
        TEST(test_hold_and_resume),
        TEST(test_hold_by_both),
        TEST(test_inactive_answer_is_no_hold),
        TEST(test_answer_in_hold),
        TEST(test_mid_dialog_start),
        TEST(test_out_of_order),
        TEST(test_several_media),
        TEST(test_switch_to_fax),
        TEST(test_zero_address_with_ice),
        TEST(test_where_the_audio_is),
        TEST(test_when_it_was_agreed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
