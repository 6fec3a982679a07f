/* What the destination told its clients before, beside the cause and in its confidence. */
#include "verdict_bench.h"

#define MS    (S / 1000)
#define LATER (SENT + 4000 * S)

static void start_anew(void)
{
    tear_down(NULL);
    assert_int_equal(set_up(NULL), 0);
}

/* It answers carol while the INVITE waits, and asks her for less (percent 0: it does not). */
static void answers_carol(uint8_t percent, int64_t at_ns)
{
    const struct peers_response response = {.src = gw,
                                            .dst = carol,
                                            .transport = TRANSPORT_UDP,
                                            .status = 200,
                                            .method = "INVITE",
                                            .answers = true,
                                            .has_oc = percent > 0,
                                            .oc_percent = percent,
                                            .oc_validity_ms = 500};
    peers_saw_response(&peers, &response, at_ns);
}

static void test_control(void **state)
{
    (void)state;
    answers_carol(70, SENT + 2 * S);
    struct cause cause = judge();
    assert_cause(cause, CAUSE_DESTINATION_SELECTIVE, CONFIDENCE_MEDIUM);
    assert_says(cause.next_step, "asked 192.0.2.11 to leave out 70% of its requests");
    const struct evidence *evidence = find_evidence(&cause, "overload_control");
    assert_int_equal(evidence->count, 70);
    assert_int_equal(evidence->of, 100);
    assert_int_equal(evidence->at_ns, SENT + 2 * S);
    assert_int_equal(evidence->delay_ns, 500 * MS);
    assert_true(ip_eq(&evidence->who.ip, &carol.ip));
}

/* One 503, or slow answers, are no accident then, where more than one client shows it. */
static void test_control_confirms(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        bool is_slow = i & 1, has_control = i & 2;
        start_anew();
        for (int k = 0; k < 25; k++) {
            int64_t delay_ns = is_slow && k >= 20 ? S : 100 * MS;
            saw_invite(&carol,
                       (struct peers_invite){
                           .is_answered = true, .delay_ns = delay_ns, .last_delay_ns = delay_ns},
                       k < 20 ? SENT - 600 * S + 25 * S * k : SENT + k * MS);
        }
        answers_carol(has_control ? 70 : 0, SENT + 2 * S);
        struct peers_response refusal = {
            .src = gw, .dst = client_at(55), .status = 503, .method = "INVITE", .answers = true};
        if (!is_slow || has_control)
            peers_saw_response(&peers, &refusal, SENT + 3 * S);
        struct cause cause = judge();
        assert_cause(cause, CAUSE_DESTINATION_OVERLOADED,
                     has_control ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM);
        assert_int_equal(find_evidence(&cause, "overload_control") != NULL, has_control);
        if (has_control)
            assert_says(cause.summary, "asked 192.0.2.11 for 70% less");
    }
}

static void challenges_alice(unsigned count, int64_t latest_ns)
{
    for (unsigned i = 0; i < count; i++) {
        const struct peers_response response = {.src = gw,
                                                .dst = alice,
                                                .status = 401,
                                                .method = "REGISTER",
                                                .is_register = true,
                                                .request_hash = i,
                                                .to_credentials = true,
                                                .answers = true};
        peers_saw_response(&peers, &response, latest_ns - (count - 1 - i) * S);
    }
}

static void test_challenged(void **state)
{
    static const struct {
        unsigned count;
        int64_t latest_ns;
        bool is_banned;
    } rows[] = {
        {3, LATER - S, true},         {2, LATER - S, false}, {9, LATER - 3600 * S, true},
        {9, LATER - 3601 * S, false}, {3, LATER + S, false}, /* and goes on */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        start_anew();
        answers_carol(0, LATER + 2 * S);
        challenges_alice(rows[i].count, rows[i].latest_ns);
        struct unanswered_facts facts = facts_of(7);
        facts.first_sent_ns += LATER - SENT;
        facts.last_sent_ns += LATER - SENT;
        facts.gave_up_ns += LATER - SENT;
        struct cause cause = judge_facts(&facts);
        assert_int_equal(cause.code, CAUSE_DESTINATION_SELECTIVE);
        const struct evidence *evidence = find_evidence(&cause, "challenged_before");
        if ((evidence != NULL) != rows[i].is_banned)
            fail_msg("row %zu", i);
        if (!evidence)
            continue;
        assert_int_equal(evidence->count, rows[i].count);
        assert_int_equal(evidence->at_ns, rows[i].latest_ns);
        assert_says(cause.summary, "accepted none of them");
        assert_says(cause.next_step, "fail2ban-client unban 192.0.2.10");
        /* Said once, and first; nothing else is to be looked for. */
        assert_null(strstr(cause.summary, "it answered this caller"));
        assert_ptr_equal(strstr(cause.next_step, "A ban after failed log-ins"), cause.next_step);
        assert_null(strstr(cause.next_step, "look for a ban"));
    }
}

/* What answers nobody has banned nobody. */
static void test_challenged_and_silent(void **state)
{
    (void)state;
    for (int others = 0; others < 2; others++) {
        start_anew();
        challenges_alice(3, SENT - 2 * S);
        if (others)
            left_unanswered(&peers, &carol.ip, &gw);
        left_unanswered(&peers, &alice.ip, &gw);
        struct cause cause = judge();
        assert_int_equal(cause.code, CAUSE_DESTINATION_SILENT);
        assert_int_equal(strstr(cause.next_step, "ban after failed") != NULL, !others);
        assert_non_null(find_evidence(&cause, "challenged_before"));
    }
}

static void test_retry_after(void **state)
{
    const struct peers_response refusal = {.src = gw,
                                           .dst = alice,
                                           .status = 503,
                                           .method = "INVITE",
                                           .answers = true,
                                           .retry_after_s = 120};
    (void)state;
    peers_saw_response(&peers, &refusal, SENT - 5 * S);
    answers_carol(0, SENT + 2 * S);
    struct cause cause = judge();
    assert_cause(cause, CAUSE_DESTINATION_SELECTIVE, CONFIDENCE_MEDIUM);
    assert_says(cause.summary, "; 5 s before it had turned this very caller away for 120 s");
    assert_null(strstr(cause.summary, "it answered this caller"));
    assert_ptr_equal(strstr(cause.next_step, "Let 192.0.2.10:5060 heed Retry-After"),
                     cause.next_step);
    assert_says(cause.next_step, "Then look at the log of trunk-a (198.51.100.20:5060)");
    assert_null(strstr(cause.next_step, "ban"));
    assert_non_null(find_evidence(&cause, "retry_after_violated"));
}

/* Fewer than thirty give no figure; half of them, and nobody knows whether this one was lost. */
static void test_losses(void **state)
{
    static const struct {
        unsigned invites, repeated, clients;
        bool is_told, is_doubted;
    } rows[] = {
        {29, 29, 2, false, false}, {30, 0, 2, false, false}, {30, 1, 2, false, false},
        {30, 2, 2, true, false},   {30, 14, 2, true, false}, {30, 30, 2, true, true},
        {30, 30, 1, false, false}, {30, 16, 15, true, true}, {30, 16, 2, true, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct unanswered_facts facts = facts_of(3);
        start_anew();
        saw_response(&gw, &alice, TRANSPORT_UDP, 200, "OPTIONS", SENT - 100 * S);
        for (unsigned k = 0; k < rows[i].invites; k++) {
            const struct endpoint client = client_at((uint8_t)(50 + k % rows[i].clients));
            saw_invite(&client,
                       (struct peers_invite){.is_answered = true,
                                             .is_repeated = k < rows[i].repeated,
                                             .last_delay_ns = 10 * MS},
                       SENT - 300 * S + k * S);
        }
        answers_carol(0, SENT + 2 * S);
        struct cause cause = judge_facts(&facts);
        assert_cause(cause, CAUSE_DESTINATION_SELECTIVE,
                     rows[i].is_doubted ? CONFIDENCE_LOW : CONFIDENCE_MEDIUM);
        const struct evidence *evidence = find_evidence(&cause, "destination_losses");
        assert_int_equal(evidence != NULL, rows[i].is_told);
        if (evidence) {
            assert_int_equal(evidence->count, rows[i].repeated);
            assert_int_equal(evidence->of, rows[i].invites);
        }
        assert_int_equal(strstr(cause.summary, "had to be sent again") != NULL, rows[i].is_doubted);
        assert_int_equal(judge().confidence, CONFIDENCE_MEDIUM); /* a long ladder */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_control),     TEST(test_control_confirms),
        TEST(test_challenged),  TEST(test_challenged_and_silent),
        TEST(test_retry_after), TEST(test_losses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
