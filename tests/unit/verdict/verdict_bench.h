/*
 * A bench for verdicts on INVITEs: a few peers, what is known of one INVITE without a response, and
 * what every verdict must be like.
 */
#ifndef SIPSPAN_TESTS_VERDICT_BENCH_H
#define SIPSPAN_TESTS_VERDICT_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "verdict/unanswered.h"

#define S INT64_C(1000000000)

/* ALICE's INVITE to GW went out at SENT and ran out of time 32 s later. */
#define SENT (1000 * S)

static struct peers peers;
static struct endpoint alice, carol, gw, gw_tls;

static inline int set_up(void **state)
{
    (void)state;
    alice = (struct endpoint){ip_from_v4((const uint8_t[4]){192, 0, 2, 10}), 5060};
    carol = (struct endpoint){ip_from_v4((const uint8_t[4]){192, 0, 2, 11}), 5062};
    gw = (struct endpoint){ip_from_v4((const uint8_t[4]){198, 51, 100, 20}), 5060};
    gw_tls = (struct endpoint){gw.ip, 5061};
    if (peers_init(&peers, 64, 64))
        return -1;
    peers_saw_request(&peers, &alice, &gw, 0);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    peers_fini(&peers);
    return 0;
}

static inline struct unanswered_facts facts_of(uint32_t transmissions)
{
    struct unanswered_facts facts = {
        .src = {alice, NULL},
        .dst = {gw, "trunk-a"},
        .first_sent_ns = SENT,
        .last_sent_ns = SENT + ((S / 2) << (transmissions - 1)) - S / 2,
        .gave_up_ns = SENT + 32 * S,
        .transmissions = transmissions,
    };
    return facts;
}

static inline bool is_same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Two sentences, each whole. */
static inline void check_words(const struct cause *cause)
{
    size_t len = strlen(cause->summary);
    if (len == 0 || cause->summary[len - 1] != '.' || strstr(cause->summary, ".;"))
        fail_msg("no whole sentence: %s", cause->summary);
    if (strstr(cause->summary, " 0 "))
        fail_msg("what is not there is not worth a word: %s", cause->summary);
    assert_true(cause->next_step[0]);
    assert_true(len < EVENT_SUMMARY_MAX - 1);
    assert_true(strlen(cause->next_step) < EVENT_SUMMARY_MAX - 1);
}

/* Each has a name, says something, and says it once. */
static inline void check_evidence(const struct cause *cause, unsigned at)
{
    const struct evidence *evidence = &cause->evidence[at];
    assert_non_null(evidence->kind);
    for (unsigned i = 0; i < at; i++) {
        const struct evidence *other = &cause->evidence[i];
        if (is_same(evidence->kind, other->kind) && is_same(evidence->what, other->what) &&
            is_same(evidence->transport, other->transport) &&
            is_same(evidence->point, other->point) &&
            is_same(evidence->place.interface, other->place.interface))
            fail_msg("%s twice", evidence->kind);
    }
    if (evidence->at_ns == EVENT_NO_TIME && evidence->since_ns == EVENT_NO_TIME &&
        evidence->delay_ns == EVENT_NO_DURATION && evidence->count == 0 && !evidence->what &&
        evidence->who.ip.version == 0 && evidence->octets == 0 && evidence->name.len == 0 &&
        !evidence->place.interface)
        fail_msg("%s says nothing", evidence->kind);
    assert_true(evidence->at_ns == EVENT_NO_TIME || evidence->at_ns >= 0);
    assert_true(evidence->delay_ns == EVENT_NO_DURATION || evidence->delay_ns > 0);
    assert_true(evidence->usual_ns == EVENT_NO_DURATION || evidence->usual_ns > 0);
    assert_true(evidence->place.interface || evidence->place.vlan == EVENT_NO_VLAN);
}

static inline struct cause judge_facts(const struct unanswered_facts *facts)
{
    struct cause cause;
    memset(&cause, 0xa5, sizeof cause);
    unanswered_judge(&peers, facts, &cause);
    check_words(&cause);
    assert_true(cause.evidence_count <= EVENT_EVIDENCE_MAX);
    for (unsigned i = 0; i < cause.evidence_count; i++)
        check_evidence(&cause, i);
    if (cause.code != CAUSE_UNKNOWN)
        assert_true(cause.evidence_count > 0);
    return cause;
}

static inline struct cause judge(void)
{
    struct unanswered_facts facts = facts_of(7);
    return judge_facts(&facts);
}

static inline const struct evidence *find_evidence(const struct cause *cause, const char *kind)
{
    for (unsigned i = 0; i < cause->evidence_count; i++)
        if (strcmp(cause->evidence[i].kind, kind) == 0)
            return &cause->evidence[i];
    return NULL;
}

#define assert_cause(cause, code_, confidence_)                                                    \
    do {                                                                                           \
        assert_string_equal(cause_code_name((cause).code), cause_code_name(code_));                \
        assert_string_equal(confidence_name((cause).confidence), confidence_name(confidence_));    \
    } while (0)

static inline void saw_response(const struct endpoint *src, const struct endpoint *dst,
                                enum transport transport, uint16_t status, const char *method,
                                int64_t at_ns)
{
    const struct peers_response response = {
        .src = *src,
        .dst = *dst,
        .transport = transport,
        .status = status,
        .method = method,
        .is_register = strcmp(method, "REGISTER") == 0,
        .answers = true,
    };
    peers_saw_response(&peers, &response, at_ns);
}

/* Somebody else answers, so the mirror as a whole works. */
static inline void mirror_works(void)
{
    struct endpoint other = {ip_from_v4((const uint8_t[4]){203, 0, 113, 1}), 5060};
    saw_response(&other, &carol, TRANSPORT_UDP, 200, "OPTIONS", SENT - 300 * S);
}

static inline void gateway_answered_once(void)
{
    saw_response(&gw, &carol, TRANSPORT_UDP, 200, "OPTIONS", SENT - 200 * S);
}

/* One of the gateway's other clients. */
static inline struct endpoint client_at(uint8_t number)
{
    return (struct endpoint){ip_from_v4((const uint8_t[4]){192, 0, 2, number}), 5060};
}

/* While ALICE waits it answers so many others. */
static inline void gateway_answers(unsigned others)
{
    for (unsigned i = 0; i < others; i++) {
        struct endpoint client = client_at((uint8_t)(100 + i));
        saw_response(&gw, &client, TRANSPORT_UDP, 200, "INVITE", SENT + (i + 1) * S);
    }
}

/* An INVITE of client's that ran out of time. */
static inline void left_unanswered(struct peers *of, const struct ip_addr *client,
                                   const struct endpoint *server)
{
    const struct peers_invite invite = {.client = *client, .server = *server};
    peers_saw_invite(of, &invite, 0);
}

/* What became of an INVITE of CLIENT's to the gateway. */
static inline void saw_invite(const struct endpoint *client, struct peers_invite invite,
                              int64_t at_ns)
{
    peers_saw_request(&peers, client, &gw, at_ns);
    invite.client = client->ip;
    invite.server = gw;
    peers_saw_invite(&peers, &invite, at_ns);
}

#define assert_says(text, words)                                                                   \
    do {                                                                                           \
        if (!strstr(text, words))                                                                  \
            fail_msg("no \"%s\" in: %s", words, text);                                             \
    } while (0)

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
