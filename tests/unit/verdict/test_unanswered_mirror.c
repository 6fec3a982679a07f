/* What the sensor holds against its own view: the gate before all other rules, and what its doubts
 * do to the confidence of a cause. */
#include "verdict/rules.h"
#include "verdict_bench.h"

/* One that fell silent after its first sending, and one that was repeated to the end. */
static void gave_up(unsigned stopped, unsigned repeated)
{
    for (unsigned i = 0; i < stopped + repeated; i++)
        saw_invite(&alice, (struct peers_invite){.stopped_early = i < stopped}, (100 + i) * S);
}

static void test_stopped_early(void **state)
{
    static const struct {
        unsigned stopped;
        uint32_t transmissions;
        bool is_heard, is_alive, was_answered;
        enum cause_code code;
        enum confidence confidence;
    } cases[] = {
        /* With this one three, of a destination never heard. */
        {2, 1, false, false, false, CAUSE_MIRROR_ONE_WAY, CONFIDENCE_MEDIUM},
        {5, 2, false, false, false, CAUSE_MIRROR_ONE_WAY, CONFIDENCE_MEDIUM},
        {5, 3, false, false, false, CAUSE_DESTINATION_SILENT, CONFIDENCE_LOW},
        {1, 1, false, false, false, CAUSE_DESTINATION_SILENT, CONFIDENCE_LOW},
        /* This one was repeated to the end: so nobody answered it. */
        {9, 7, false, false, false, CAUSE_DESTINATION_SILENT, CONFIDENCE_LOW},
        /* What it sends is seen elsewhere: on another path, perhaps. */
        {2, 2, true, false, false, CAUSE_MIRROR_ONE_WAY, CONFIDENCE_LOW},
        {9, 2, true, true, false, CAUSE_UNKNOWN, CONFIDENCE_LOW},
        /* This direction was seen before. */
        {9, 2, true, false, true, CAUSE_DESTINATION_SILENT, CONFIDENCE_LOW},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tear_down(NULL);
        assert_int_equal(set_up(NULL), 0);
        mirror_works();
        gave_up(cases[i].stopped, 0);
        if (cases[i].is_heard)
            peers_saw_packet(&peers, &gw.ip, SENT - 100 * S);
        if (cases[i].was_answered)
            saw_response(&gw, &alice, TRANSPORT_UDP, 200, "OPTIONS", SENT - 100 * S);
        if (cases[i].is_alive)
            peers_saw_packet(&peers, &gw.ip, SENT + S);
        struct unanswered_facts facts = facts_of(cases[i].transmissions);
        struct cause cause = judge_facts(&facts);
        if (cause.code != cases[i].code || cause.confidence != cases[i].confidence)
            fail_msg("case %zu: %s, %s", i, cause_code_name(cause.code),
                     confidence_name(cause.confidence));
        if (cause.code == CAUSE_MIRROR_ONE_WAY)
            assert_int_equal(find_evidence(&cause, "stopped_early")->count, cases[i].stopped + 1);
    }
}

/* Who was told by ICMP stops as well; and over TCP nothing is repeated. */
static void test_not_stopped_early(void **state)
{
    struct unanswered_facts facts = facts_of(1);
    (void)state;
    assert_true(unanswered_stopped_early(&facts));
    facts.icmp.count = 1;
    assert_false(unanswered_stopped_early(&facts));
    facts = facts_of(1);
    facts.transport = TRANSPORT_TCP;
    assert_false(unanswered_stopped_early(&facts));
    facts = facts_of(1);
    facts.hop.gave_up_upstream = true;
    assert_false(unanswered_stopped_early(&facts));
    facts = facts_of(1);
    facts.hop.went_elsewhere = true;
    assert_false(unanswered_stopped_early(&facts));
    facts = facts_of(2);
    assert_true(unanswered_stopped_early(&facts));
    facts = facts_of(3); /* 1.5 s: waited for in vain */
    assert_false(unanswered_stopped_early(&facts));
    facts.last_sent_ns = facts.first_sent_ns + S; /* but not by that timer */
    assert_true(unanswered_stopped_early(&facts));
}

/* So many pairs of hosts whose requests alone are seen, and others whose responses are, too. */
static void conversations(unsigned one_way, unsigned two_way)
{
    for (unsigned i = 0; i < one_way + two_way; i++) {
        struct endpoint client = client_at((uint8_t)(20 + i)), server = {carol.ip, 5060};
        server.ip.octets[2] = 3;
        peers_saw_request(&peers, &client, &server, S);
        if (i < one_way)
            peers_inferred_answer(&peers, &client.ip, &server.ip);
        else
            saw_response(&server, &client, TRANSPORT_UDP, 200, "OPTIONS", 2 * S);
    }
}

static void test_port_one_way(void **state)
{
    static const struct {
        unsigned one_way, two_way;
        enum cause_code code;
    } cases[] = {
        {22, 1, CAUSE_MIRROR_ONE_WAY},     /* 96% without this one */
        {19, 1, CAUSE_DESTINATION_SILENT}, /* 95% */
        {2, 0, CAUSE_DESTINATION_SILENT},
        {3, 0, CAUSE_MIRROR_ONE_WAY},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tear_down(NULL);
        assert_int_equal(set_up(NULL), 0);
        conversations(cases[i].one_way, cases[i].two_way);
        /* Somebody answers who is in no pair: with himself. */
        saw_response(&carol, &carol, TRANSPORT_UDP, 200, "OPTIONS", S);
        struct cause cause = judge();
        if (cause.code != cases[i].code)
            fail_msg("case %zu: %s", i, cause_code_name(cause.code));
        if (cause.code != CAUSE_MIRROR_ONE_WAY)
            continue;
        assert_int_equal(cause.confidence, CONFIDENCE_MEDIUM);
        const struct evidence *evidence = find_evidence(&cause, "one_way_conversations");
        assert_int_equal(evidence->count, cases[i].one_way);
        assert_int_equal(evidence->of, cases[i].one_way + cases[i].two_way);
        /* A packet of the destination shows that its direction is mirrored. */
        peers_saw_packet(&peers, &gw.ip, SENT - S);
        assert_int_equal(judge().code, CAUSE_DESTINATION_SILENT);
    }
}

/* A response that was seen, however it went, shows that this direction is mirrored. */
static void test_gate_and_seen_responses(void **state)
{
    struct unanswered_facts facts = facts_of(7);
    (void)state;
    mirror_works();
    peers_inferred_answer(&peers, &alice.ip, &gw.ip);
    assert_int_equal(judge_facts(&facts).code, CAUSE_MIRROR_ONE_WAY);
    facts.mangled = (struct mangled_facts){.count = 1, .last_ns = SENT, .last_status = 180};
    assert_int_equal(judge_facts(&facts).code, CAUSE_RESPONSE_MANGLED);
    facts = facts_of(7);
    facts.stray =
        (struct stray_facts){.count = 1, .last_ns = SENT, .last_status = 180, .dst = carol};
    assert_int_equal(judge_facts(&facts).code, CAUSE_RESPONSE_MISDIRECTED);
}

enum doubt { SENSOR_LOST, MIRROR_LOST, DISORDERED, WARM_UP, SCANNER, DOUBT_COUNT };

static void doubt(struct unanswered_facts *facts, enum doubt what)
{
    facts->sensor_lost_packets = what == SENSOR_LOST;
    facts->mirror_lost_packets = what == MIRROR_LOST;
    facts->mirror_is_disordered = what == DISORDERED;
    if (what == WARM_UP)
        facts->watching_since_ns = facts->gave_up_ns - 32 * S + 1;
    if (what == SCANNER)
        facts->scanner = SLICE("friendly-scanner");
}

static const char *const doubt_kinds[DOUBT_COUNT] = {
    "sensor_lost_packets", "mirror_lost_packets", "mirror_disordered", "watching_since", "scanner",
};

/* What rests on something that was not seen, at its highest confidence. */
static struct unanswered_facts absence(enum cause_code code)
{
    struct unanswered_facts facts = facts_of(7);
    facts.transport = code == CAUSE_WRONG_TRANSPORT ? TRANSPORT_TLS : TRANSPORT_UDP;
    if (code == CAUSE_FRAGMENT_LOST)
        facts.fragments_lost = 7;
    if (code == CAUSE_PRIVATE_ADDRESS)
        facts.request.marks = REQUEST_PRIVATE_VIA | REQUEST_PORT_DIFFERS;
    if (code == CAUSE_DESTINATION_OVERLOADED) {
        struct peers_response refusal = {.src = gw,
                                         .dst = carol,
                                         .status = 503,
                                         .method = "INVITE",
                                         .answers = true,
                                         .retry_after_s = 30};
        peers_saw_response(&peers, &refusal, SENT + S);
        refusal.dst = client_at(55);
        peers_saw_response(&peers, &refusal, SENT + 2 * S);
    } else if (code == CAUSE_DESTINATION_SILENT) {
        gateway_answered_once();
        left_unanswered(&peers, &carol.ip, &gw);
    } else {
        gateway_answers(3);
    }
    if (code == CAUSE_DESTINATION_SELECTIVE)
        for (int i = 0; i < 4; i++)
            saw_invite(&alice, (struct peers_invite){0}, (100 + i) * S);
    return facts;
}

static void test_doubts_about_absence(void **state)
{
    static const enum cause_code codes[] = {
        CAUSE_FRAGMENT_LOST,          CAUSE_PRIVATE_ADDRESS,       CAUSE_WRONG_TRANSPORT,
        CAUSE_DESTINATION_OVERLOADED, CAUSE_DESTINATION_SELECTIVE, CAUSE_DESTINATION_SILENT,
    };
    static const enum confidence left[DOUBT_COUNT] = {[DISORDERED] = CONFIDENCE_MEDIUM};
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        for (enum doubt what = 0; what < DOUBT_COUNT; what++) {
            tear_down(NULL);
            assert_int_equal(set_up(NULL), 0);
            struct unanswered_facts facts = absence(codes[i]);
            assert_cause(judge_facts(&facts), codes[i],
                         codes[i] == CAUSE_PRIVATE_ADDRESS ? CONFIDENCE_MEDIUM : CONFIDENCE_HIGH);
            doubt(&facts, what);
            struct cause cause = judge_facts(&facts);
            assert_cause(cause, codes[i], left[what]);
            assert_non_null(find_evidence(&cause, doubt_kinds[what]));
        }
}

/* What was seen itself stays true however much else was missed; but not to the sensor's own loss,
 * and nobody is to be called for a scanner. */
static void test_doubts_about_what_was_seen(void **state)
{
    static const enum confidence left[DOUBT_COUNT] = {
        [MIRROR_LOST] = CONFIDENCE_HIGH,
        [DISORDERED] = CONFIDENCE_HIGH,
        [WARM_UP] = CONFIDENCE_HIGH,
    };
    (void)state;
    for (enum doubt what = 0; what < DOUBT_COUNT; what++) {
        struct unanswered_facts facts = facts_of(7);
        doubt(&facts, what);
        facts.mangled = (struct mangled_facts){.count = 1, .last_ns = SENT, .last_status = 180};
        assert_cause(judge_facts(&facts), CAUSE_RESPONSE_MANGLED, left[what]);
        facts.stray = (struct stray_facts){.count = 1, .last_ns = SENT, .dst = carol};
        assert_cause(judge_facts(&facts), CAUSE_RESPONSE_MISDIRECTED, left[what]);
        facts.icmp = (struct icmp_facts){.count = 1, .first_ns = SENT, .last_ns = SENT + 40 * S};
        assert_cause(judge_facts(&facts), CAUSE_ICMP_UNREACHABLE, left[what]);
    }
}

/* Nobody ever saw it answer: then its silence proves nothing. */
static void test_never_in_view(void **state)
{
    struct unanswered_facts facts = facts_of(7);
    (void)state;
    mirror_works();
    facts.fragments_lost = 7;
    assert_cause(judge_facts(&facts), CAUSE_FRAGMENT_LOST, CONFIDENCE_LOW);
    facts.fragments_lost = 0;
    assert_cause(judge_facts(&facts), CAUSE_DESTINATION_SILENT, CONFIDENCE_LOW);
    peers_saw_packet(&peers, &gw.ip, SENT - 50 * S);
    assert_cause(judge_facts(&facts), CAUSE_DESTINATION_SILENT, CONFIDENCE_LOW);
    /* It was heard, and a registrar heard it, too. */
    saw_response(&carol, &gw, TRANSPORT_UDP, 200, "REGISTER", SENT - 50 * S);
    assert_cause(judge_facts(&facts), CAUSE_DESTINATION_SILENT, CONFIDENCE_MEDIUM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_stopped_early),        TEST(test_not_stopped_early),
        TEST(test_port_one_way),         TEST(test_gate_and_seen_responses),
        TEST(test_doubts_about_absence), TEST(test_doubts_about_what_was_seen),
        TEST(test_never_in_view),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
