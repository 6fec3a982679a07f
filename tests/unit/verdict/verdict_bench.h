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

static inline struct cause judge_facts(const struct unanswered_facts *facts)
{
    struct cause cause;
    memset(&cause, 0xa5, sizeof cause);
    unanswered_judge(&peers, facts, &cause);
    /* What every verdict has: two sentences, each whole, and evidence with a name. */
    if (!cause.summary[0] || cause.summary[strlen(cause.summary) - 1] != '.')
        fail_msg("no whole sentence: %s", cause.summary);
    assert_true(cause.next_step[0]);
    assert_true(strlen(cause.summary) < EVENT_SUMMARY_MAX - 1);
    assert_true(strlen(cause.next_step) < EVENT_SUMMARY_MAX - 1);
    assert_true(cause.evidence_count <= EVENT_EVIDENCE_MAX);
    for (unsigned i = 0; i < cause.evidence_count; i++)
        assert_non_null(cause.evidence[i].kind);
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

/* Somebody else answers, so the mirror as a whole works. */
static inline void mirror_works(void)
{
    struct endpoint other = {ip_from_v4((const uint8_t[4]){203, 0, 113, 1}), 5060};
    peers_saw_response(&peers, &other, &carol, 200, "OPTIONS", true, SENT - 300 * S);
}

static inline void gateway_answered_once(void)
{
    peers_saw_response(&peers, &gw, &carol, 200, "OPTIONS", true, SENT - 200 * S);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
