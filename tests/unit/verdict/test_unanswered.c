/* The rules for an INVITE without a response: each one, their order, each step of confidence, the
 * evidence. */
#include "verdict_bench.h"

static void test_pair_one_way(void **state)
{
    (void)state;
    mirror_works();
    for (uint64_t inferred = 1; inferred <= 4; inferred++) {
        peers_inferred_answer(&peers, &alice.ip, &gw.ip);
        struct cause cause = judge();
        assert_cause(cause, CAUSE_MIRROR_ONE_WAY,
                     inferred >= 3 ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM);
        assert_int_equal(find_evidence(&cause, "answered_unseen")->count, inferred);
        assert_non_null(strstr(cause.summary, "trunk-a"));
    }
    /* A response that was seen between the two shows that this direction is mirrored. */
    saw_response(&gw, &alice, TRANSPORT_UDP, 200, "OPTIONS", SENT - 100 * S);
    assert_cause(judge(), CAUSE_DESTINATION_SILENT, CONFIDENCE_MEDIUM);
}

/* Inferred answers of another pair say nothing of this one. */
static void test_one_way_elsewhere(void **state)
{
    (void)state;
    gateway_answered_once();
    for (int i = 0; i < 5; i++)
        peers_inferred_answer(&peers, &carol.ip, &gw.ip);
    assert_cause(judge(), CAUSE_DESTINATION_SILENT, CONFIDENCE_MEDIUM);
}

/* It answered another caller out of sight: what it sends is not mirrored for this one either. */
static void test_host_one_way(void **state)
{
    (void)state;
    saw_response(&carol, &alice, TRANSPORT_UDP, 200, "OPTIONS", S); /* others are heard */
    peers_inferred_answer(&peers, &carol.ip, &gw.ip);
    struct unanswered_facts facts = facts_of(7);
    struct cause cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_MIRROR_ONE_WAY, CONFIDENCE_MEDIUM);
    assert_non_null(strstr(cause.summary, "1 INVITE of others went on"));
    peers_saw_packet(&peers, &gw.ip, 2 * S); /* it is heard after all */
    cause = judge_facts(&facts);
    assert_int_not_equal(cause.code, CAUSE_MIRROR_ONE_WAY);
}

static void test_whole_mirror_one_way(void **state)
{
    (void)state;
    struct cause cause = judge();
    assert_cause(cause, CAUSE_MIRROR_ONE_WAY, CONFIDENCE_LOW);
    assert_non_null(find_evidence(&cause, "no_response_from_anybody"));
    assert_null(find_evidence(&cause, "answered_unseen"));
    const struct endpoint other = {ip_from_v4((const uint8_t[4]){203, 0, 113, 1}), 5060};
    peers_inferred_answer(&peers, &carol.ip, &other.ip);
    peers_inferred_answer(&peers, &carol.ip, &other.ip);
    cause = judge();
    assert_cause(cause, CAUSE_MIRROR_ONE_WAY, CONFIDENCE_MEDIUM);
    assert_says(cause.summary, "No SIP response from anybody has been seen, yet other calls went");
    assert_int_equal(find_evidence(&cause, "answered_unseen")->count, 2);
    /* The same of this destination says more, and of this pair still more. */
    peers_inferred_answer(&peers, &carol.ip, &gw.ip);
    cause = judge();
    assert_says(cause.summary, "Nothing that trunk-a");
    assert_int_equal(find_evidence(&cause, "answered_unseen")->count, 1);
    for (int i = 0; i < 4; i++)
        peers_inferred_answer(&peers, &alice.ip, &gw.ip);
    cause = judge();
    assert_cause(cause, CAUSE_MIRROR_ONE_WAY, CONFIDENCE_HIGH);
    assert_int_equal(find_evidence(&cause, "answered_unseen")->count, 4);
}

static void test_any_response_proves_the_mirror(void **state)
{
    (void)state;
    mirror_works();
    struct cause cause = judge();
    assert_int_not_equal(cause.code, CAUSE_MIRROR_ONE_WAY);
}

/* No SIP response from anybody, but packets of the destination are seen: its direction is mirrored.
 */
static void test_any_packet_proves_the_direction(void **state)
{
    (void)state;
    peers_saw_packet(&peers, &gw.ip, SENT - 5 * S);
    struct cause cause = judge();
    assert_int_not_equal(cause.code, CAUSE_MIRROR_ONE_WAY);
}

static void test_selective(void **state)
{
    (void)state;
    saw_response(&gw, &carol, TRANSPORT_UDP, 404, "OPTIONS", SENT + 3 * S);
    struct cause cause = judge();
    assert_cause(cause, CAUSE_DESTINATION_SELECTIVE, CONFIDENCE_MEDIUM);
    const struct evidence *evidence = find_evidence(&cause, "answered_others");
    assert_non_null(evidence);
    assert_int_equal(evidence->at_ns, SENT + 3 * S);
    assert_int_equal(evidence->status, 404);
    assert_string_equal(evidence->method, "OPTIONS");
    assert_true(endpoint_eq(&evidence->who, &carol));
    /* The operator is told of what and whom. */
    assert_non_null(strstr(cause.summary, "192.0.2.11:5062"));
    assert_non_null(strstr(cause.summary, "404"));
    assert_non_null(strstr(cause.next_step, "192.0.2.10"));
}

/* "Since this request was first sent": the instant itself counts, what was before does not. */
static void test_selective_since_when(void **state)
{
    (void)state;
    saw_response(&gw, &carol, TRANSPORT_UDP, 200, "OPTIONS", SENT - 1);
    assert_cause(judge(), CAUSE_DESTINATION_SILENT, CONFIDENCE_MEDIUM);
    saw_response(&gw, &carol, TRANSPORT_UDP, 200, "OPTIONS", SENT);
    assert_cause(judge(), CAUSE_DESTINATION_SELECTIVE, CONFIDENCE_MEDIUM);
}

/* A destination is an address and a port; what another port answers is another server's. */
static void test_other_port_is_not_selective(void **state)
{
    (void)state;
    saw_response(&gw_tls, &carol, TRANSPORT_UDP, 200, "OPTIONS", SENT + 3 * S);
    struct cause cause = judge();
    assert_cause(cause, CAUSE_UNKNOWN,
                 CONFIDENCE_LOW); /* nor silent: a packet came from the host */
}

static void test_silent_confidence(void **state)
{
    static const struct {
        bool ever_answered, several_callers;
        uint32_t transmissions;
        enum confidence confidence;
    } cases[] = {
        {true, true, 7, CONFIDENCE_HIGH},    {true, true, 5, CONFIDENCE_HIGH},
        {true, false, 7, CONFIDENCE_MEDIUM}, {true, true, 4, CONFIDENCE_LOW},
        {true, true, 1, CONFIDENCE_LOW},     {false, true, 7, CONFIDENCE_LOW},
        {false, false, 7, CONFIDENCE_LOW},   {true, false, 2, CONFIDENCE_LOW},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tear_down(NULL);
        assert_int_equal(set_up(NULL), 0);
        mirror_works();
        if (cases[i].ever_answered)
            gateway_answered_once();
        if (cases[i].several_callers)
            left_unanswered(&peers, &carol.ip, &gw);
        struct unanswered_facts facts = facts_of(cases[i].transmissions);
        struct cause cause = judge_facts(&facts);
        if (cause.code != CAUSE_DESTINATION_SILENT || cause.confidence != cases[i].confidence)
            fail_msg("case %zu: %s, %s", i, cause_code_name(cause.code),
                     confidence_name(cause.confidence));
    }
}

static void test_silent_evidence(void **state)
{
    (void)state;
    gateway_answered_once();
    left_unanswered(&peers, &carol.ip, &gw);
    left_unanswered(&peers, &carol.ip, &gw);
    struct cause cause = judge();
    assert_cause(cause, CAUSE_DESTINATION_SILENT, CONFIDENCE_HIGH);
    const struct evidence *nothing = find_evidence(&cause, "nothing_from_destination");
    assert_non_null(nothing);
    assert_int_equal(nothing->since_ns, SENT);
    assert_true(endpoint_eq(&nothing->who, &gw));
    assert_int_equal(find_evidence(&cause, "last_heard")->at_ns, SENT - 200 * S);
    assert_int_equal(find_evidence(&cause, "others_unanswered_too")->count, 2);
    const struct evidence *ladder = find_evidence(&cause, "transmissions");
    assert_int_equal(ladder->count, 7);
    assert_int_equal(ladder->since_ns, SENT);
    assert_int_equal(ladder->at_ns, SENT + 31 * S + S / 2);
    assert_non_null(strstr(cause.summary, "trunk-a (198.51.100.20:5060)"));
    assert_non_null(strstr(cause.summary, "32 s"));
    assert_non_null(strstr(cause.summary, "7 time"));
}

/* The same caller's INVITEs alone are no second witness. */
static void test_same_caller_again_is_no_witness(void **state)
{
    (void)state;
    gateway_answered_once();
    left_unanswered(&peers, &alice.ip, &gw);
    left_unanswered(&peers, &alice.ip, &gw);
    assert_cause(judge(), CAUSE_DESTINATION_SILENT, CONFIDENCE_MEDIUM);
}

/* Any packet since, of any protocol, a bare TCP ACK included. */
static void test_not_silent(void **state)
{
    (void)state;
    gateway_answered_once();
    peers_saw_packet(&peers, &gw.ip, SENT - 1);
    assert_cause(judge(), CAUSE_DESTINATION_SILENT, CONFIDENCE_MEDIUM);
    peers_saw_packet(&peers, &gw.ip, SENT);
    struct cause cause = judge();
    assert_cause(cause, CAUSE_UNKNOWN, CONFIDENCE_LOW);
    assert_int_equal(find_evidence(&cause, "alive_without_answer")->at_ns, SENT);
}

/* mirror_one_way before selective before silent. */
static void test_order(void **state)
{
    (void)state;
    gateway_answered_once();
    assert_int_equal(judge().code, CAUSE_DESTINATION_SILENT);
    saw_response(&gw, &carol, TRANSPORT_UDP, 200, "OPTIONS", SENT + S);
    assert_int_equal(judge().code, CAUSE_DESTINATION_SELECTIVE);
    peers_inferred_answer(&peers, &alice.ip, &gw.ip);
    assert_int_equal(judge().code, CAUSE_MIRROR_ONE_WAY);
}

/* Where the sensor itself dropped packets it is sure of nothing. */
static void test_sensor_lost_packets(void **state)
{
    struct unanswered_facts facts = facts_of(7);
    (void)state;
    facts.sensor_lost_packets = true;
    gateway_answered_once();
    left_unanswered(&peers, &carol.ip, &gw);
    struct cause cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_DESTINATION_SILENT, CONFIDENCE_LOW);
    assert_non_null(find_evidence(&cause, "sensor_lost_packets"));
}

/* Nothing is known of the destination any more: no crash, and no claim. */
static void test_forgotten_destination(void **state)
{
    struct unanswered_facts facts = facts_of(7);
    (void)state;
    mirror_works();
    facts.dst.endpoint.ip.octets[3] = 77;
    struct cause cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_UNKNOWN, CONFIDENCE_LOW);
}

/* Names of the configuration of any length, IPv6: the sentences stay whole. */
static void test_long_names(void **state)
{
    static const char name[] = "a-trunk-with-a-name-that-is-as-long-as-the-configuration-lets-it";
    const uint8_t octets[16] = {0x20, 0x01, 0x0d, 0xb8, 0x11, 0x11, 0x22, 0x22,
                                0x33, 0x33, 0x44, 0x44, 0x55, 0x55, 0x66, 0x66};
    struct unanswered_facts facts = facts_of(7);
    (void)state;
    facts.dst = (struct named_endpoint){{ip_from_v6(octets), 65535}, name};
    facts.src = (struct named_endpoint){{ip_from_v6(octets), 65534}, name};
    judge_facts(&facts); /* one-way */
    mirror_works();
    judge_facts(&facts); /* unknown */
    peers_saw_request(&peers, &facts.src.endpoint, &facts.dst.endpoint, 0);
    facts.dst.endpoint.ip.octets[15] = 0x67;
    peers_saw_request(&peers, &alice, &facts.dst.endpoint, 0);
    judge_facts(&facts); /* silent */
    peers_inferred_answer(&peers, &facts.src.endpoint.ip, &facts.dst.endpoint.ip);
    judge_facts(&facts); /* one-way between the two */
    saw_response(&facts.dst.endpoint, &facts.src.endpoint, TRANSPORT_UDP, 200, "SUBSCRIBE",
                 SENT + S);
    assert_int_equal(judge_facts(&facts).code, CAUSE_DESTINATION_SELECTIVE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pair_one_way),
        TEST(test_one_way_elsewhere),
        TEST(test_host_one_way),
        TEST(test_whole_mirror_one_way),
        TEST(test_any_response_proves_the_mirror),
        TEST(test_any_packet_proves_the_direction),
        TEST(test_selective),
        TEST(test_selective_since_when),
        TEST(test_other_port_is_not_selective),
        TEST(test_silent_confidence),
        TEST(test_silent_evidence),
        TEST(test_same_caller_again_is_no_witness),
        TEST(test_not_silent),
        TEST(test_order),
        TEST(test_sensor_lost_packets),
        TEST(test_forgotten_destination),
        TEST(test_long_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
