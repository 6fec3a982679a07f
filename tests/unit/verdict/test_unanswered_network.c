/* The rules that rest on what the network says of a request: ICMP errors, its connection, lost
 * fragments. */
#include "verdict_bench.h"

/* A router's word on the request, as calls tie it. */
static struct icmp_facts icmp_of(uint8_t type, uint8_t code, enum icmp_meaning meaning,
                                 int64_t at_ns)
{
    return (struct icmp_facts){
        .count = 1,
        .first_ns = at_ns,
        .last_ns = at_ns,
        .sender = ip_from_v4((const uint8_t[4]){203, 0, 113, 1}),
        .type = type,
        .code = code,
        .meaning = meaning,
    };
}

static void test_icmp(void **state)
{
    static const struct {
        uint8_t type, code;
        enum icmp_meaning meaning;
        const char *summary, *next_step;
    } cases[] = {
        {3, 0, ICMP_HOST_UNREACHABLE, "ICMP network unreachable (3/0)", "ARP"},
        {3, 6, ICMP_HOST_UNREACHABLE, "ICMP network unreachable (3/6)", "ARP"},
        {3, 11, ICMP_HOST_UNREACHABLE, "ICMP network unreachable (3/11)", "ARP"},
        {3, 12, ICMP_HOST_UNREACHABLE, "ICMP network unreachable (3/12)", "ARP"},
        {3, 1, ICMP_HOST_UNREACHABLE, "203.0.113.1 answered with ICMP host unreachable (3/1)",
         "ARP"},
        {3, 3, ICMP_PORT_UNREACHABLE, "ICMP port unreachable (3/3)", "firewall or NAT"},
        {3, 13, ICMP_ADMIN_PROHIBITED, "ICMP administratively prohibited (3/13)", "firewall"},
        {3, 2, ICMP_PROTOCOL_UNREACHABLE, "ICMP protocol unreachable (3/2)", "address"},
        {3, 4, ICMP_TOO_BIG, "ICMP packet too big (3/4)", "MTU 1400"},
        {11, 0, ICMP_TIME_EXCEEDED, "ICMP time exceeded in transit (11/0)", "routing loop"},
        {11, 1, ICMP_FRAGMENTS_TIMED_OUT, "ICMP fragment reassembly time exceeded (11/1)",
         "fragments"},
        {12, 0, ICMP_PARAMETER_PROBLEM, "ICMP parameter problem (12/0)", "IP header"},
    };
    (void)state;
    gateway_answered_once();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct unanswered_facts facts = facts_of(7);
        facts.icmp = icmp_of(cases[i].type, cases[i].code, cases[i].meaning, SENT + S / 10);
        facts.icmp.count = 5;
        facts.icmp.mtu = cases[i].meaning == ICMP_TOO_BIG ? 1400 : 0;
        struct cause cause = judge_facts(&facts);
        assert_cause(cause, CAUSE_ICMP_UNREACHABLE, CONFIDENCE_HIGH);
        if (!strstr(cause.summary, cases[i].summary) || !strstr(cause.summary, "trunk-a"))
            fail_msg("%s", cause.summary);
        if (!strstr(cause.next_step, cases[i].next_step))
            fail_msg("%s", cause.next_step);
        const struct evidence *evidence = find_evidence(&cause, "icmp_error");
        assert_non_null(evidence);
        assert_true(evidence->has_icmp);
        assert_int_equal(evidence->icmp_type, cases[i].type);
        assert_int_equal(evidence->icmp_code, cases[i].code);
        assert_int_equal(evidence->count, 5);
        assert_int_equal(evidence->at_ns, SENT + S / 10);
        assert_true(ip_eq(&evidence->who.ip, &facts.icmp.sender));
        assert_non_null(find_evidence(&cause, "transmissions"));
    }
    /* The destination itself, over IPv6. */
    struct unanswered_facts facts = facts_of(7);
    facts.icmp = icmp_of(1, 4, ICMP_PORT_UNREACHABLE, SENT);
    facts.icmp.sender = gw.ip;
    facts.icmp.is_v6 = true;
    struct cause cause = judge_facts(&facts);
    assert_non_null(strstr(cause.summary, "198.51.100.20 itself answered with ICMPv6 port "
                                          "unreachable (1/4) to this INVITE to trunk-a "
                                          "(198.51.100.20:5060), which"));
    assert_non_null(strstr(cause.next_step, "listen"));
    facts.icmp = icmp_of(1, 0, ICMP_HOST_UNREACHABLE, SENT);
    facts.icmp.is_v6 = true;
    assert_says(judge_facts(&facts).summary, "ICMPv6 network unreachable (1/0)");
    facts.icmp.code = 3;
    assert_says(judge_facts(&facts).summary, "ICMPv6 host unreachable (1/3)");
}

/* It is more certain than what the destination does to others, and than a response gone astray. */
static void test_icmp_before_the_others(void **state)
{
    struct unanswered_facts facts = facts_of(7);
    (void)state;
    facts.icmp = icmp_of(3, 13, ICMP_ADMIN_PROHIBITED, SENT);
    facts.stray.count = 1;
    facts.stray.last_status = 180;
    facts.stray.last_ns = SENT;
    facts.stray.dst = carol;
    facts.fragments_lost = 3;
    saw_response(&gw, &carol, TRANSPORT_UDP, 200, "OPTIONS", SENT + S);
    struct cause cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_ICMP_UNREACHABLE, CONFIDENCE_HIGH);
    /* What lost is evidence all the same. */
    assert_non_null(find_evidence(&cause, "response_elsewhere"));
    assert_int_equal(find_evidence(&cause, "answered_others")->status, 200);
    assert_int_equal(find_evidence(&cause, "fragments_lost")->count, 3);
}

/* That nobody was ever seen answering is no reason for doubt where an ICMP error came back. */
static void test_icmp_on_a_new_mirror(void **state)
{
    struct unanswered_facts facts = facts_of(1);
    (void)state;
    assert_cause(judge_facts(&facts), CAUSE_MIRROR_ONE_WAY, CONFIDENCE_LOW);
    facts.icmp = icmp_of(3, 1, ICMP_HOST_UNREACHABLE, SENT + S);
    assert_cause(judge_facts(&facts), CAUSE_ICMP_UNREACHABLE, CONFIDENCE_HIGH);
}

/*
 * Where responses are known to be out of sight, a client that fell silent after a sending which no
 * error followed may have been answered.
 */
static void test_icmp_and_a_blind_mirror(void **state)
{
    static const struct {
        uint32_t sends;
        int64_t last_error_ns; /* after SENT */
        enum cause_code code;
    } cases[] = {
        {1, S / 10, CAUSE_ICMP_UNREACHABLE}, /* the only one met with it */
        {2, S / 10, CAUSE_MIRROR_ONE_WAY},   /* the second may have got through */
        {2, S / 2, CAUSE_ICMP_UNREACHABLE},  /* at the moment of the second */
        {4, S / 10, CAUSE_MIRROR_ONE_WAY},   /* 3.5 s */
        {5, S / 10, CAUSE_ICMP_UNREACHABLE}, /* it went on: nothing answered it */
        {7, 31 * S + S, CAUSE_ICMP_UNREACHABLE},
    };
    (void)state;
    for (int whole = 0; whole < 2; whole++) {
        tear_down(NULL);
        assert_int_equal(set_up(NULL), 0);
        if (whole)
            peers_inferred_answer(&peers, &carol.ip, &gw_tls.ip);
        else
            mirror_works();
        peers_inferred_answer(&peers, whole ? &carol.ip : &alice.ip, &gw.ip);
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            struct unanswered_facts facts = facts_of(cases[i].sends);
            facts.icmp = icmp_of(3, 1, ICMP_HOST_UNREACHABLE, SENT + S / 10);
            facts.icmp.last_ns = SENT + cases[i].last_error_ns;
            struct cause cause = judge_facts(&facts);
            if (cause.code != cases[i].code)
                fail_msg("case %zu: %s", i, cause_code_name(cause.code));
            assert_non_null(find_evidence(&cause, "icmp_error"));
        }
    }
}

static struct unanswered_facts tcp_facts(void)
{
    struct unanswered_facts facts = facts_of(1);
    facts.transport = TRANSPORT_TCP;
    facts.connection = (struct connection_facts){
        .is_known = true,
        .last_from_server_ns = SENT + S,
    };
    return facts;
}

static void test_tcp_refused(void **state)
{
    struct unanswered_facts facts = tcp_facts();
    (void)state;
    gateway_answered_once();
    facts.connection.is_reset = facts.connection.reset_is_certain = true;
    facts.connection.reset_ns = SENT + 1500 * S / 1000;
    facts.connection.reset_by = gw;
    struct cause cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_TCP_REFUSED, CONFIDENCE_HIGH);
    assert_non_null(strstr(cause.summary, "reset the connection 1.5 s after"));
    const struct evidence *evidence = find_evidence(&cause, "connection_reset");
    assert_int_equal(evidence->at_ns, facts.connection.reset_ns);
    assert_true(endpoint_eq(&evidence->who, &gw));
    /* A reset came back: no doubt about the mirror, whatever was inferred before. */
    peers_inferred_answer(&peers, &alice.ip, &gw.ip);
    assert_cause(judge_facts(&facts), CAUSE_TCP_REFUSED, CONFIDENCE_HIGH);
    /* Unacknowledged, too: it is refused. */
    facts.connection.unacknowledged = 100;
    facts.connection.unacknowledged_since_ns = SENT;
    cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_TCP_REFUSED, CONFIDENCE_HIGH);
    assert_non_null(find_evidence(&cause, "unacknowledged_octets"));
    /* Anybody may have sent one whose number nothing confirms. */
    facts.connection.reset_is_certain = false;
    assert_cause(judge_facts(&facts), CAUSE_TCP_REFUSED, CONFIDENCE_MEDIUM);
}

/* The client's own reset is its giving up; one before the request was another connection's. */
static void test_not_refused(void **state)
{
    struct unanswered_facts facts = tcp_facts();
    (void)state;
    gateway_answered_once();
    facts.connection.is_reset = true;
    facts.connection.reset_ns = SENT + 20 * S;
    facts.connection.reset_by = alice;
    struct cause cause = judge_facts(&facts);
    assert_int_not_equal(cause.code, CAUSE_TCP_REFUSED);
    assert_non_null(find_evidence(&cause, "connection_reset"));
    facts.connection.reset_by = gw;
    facts.connection.reset_ns = SENT - 1;
    cause = judge_facts(&facts);
    assert_int_not_equal(cause.code, CAUSE_TCP_REFUSED);
    assert_null(find_evidence(&cause, "connection_reset"));
    facts.connection.reset_ns = SENT;
    facts.connection.is_known = false;
    assert_int_not_equal(judge_facts(&facts).code, CAUSE_TCP_REFUSED);
}

static void test_tcp_no_answer(void **state)
{
    struct unanswered_facts facts = tcp_facts();
    (void)state;
    gateway_answered_once();
    facts.connection.unacknowledged = 812;
    facts.connection.unacknowledged_since_ns = SENT;
    facts.connection.last_from_server_ns = SENT - 30 * S;
    /* TCP did not send it again: the mirror may have missed its acknowledgement. */
    assert_cause(judge_facts(&facts), CAUSE_TCP_NO_ANSWER, CONFIDENCE_MEDIUM);
    facts.connection.repeats = 1;
    struct cause cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_TCP_NO_ANSWER, CONFIDENCE_HIGH);
    const struct evidence *evidence = find_evidence(&cause, "unacknowledged_octets");
    assert_int_equal(evidence->count, 812);
    assert_int_equal(evidence->since_ns, SENT);
    /* Nothing of this connection ever came from it: it may as well be the mirror. */
    facts.connection.last_from_server_ns = EVENT_NO_TIME;
    assert_cause(judge_facts(&facts), CAUSE_TCP_NO_ANSWER, CONFIDENCE_LOW);
    peers_inferred_answer(&peers, &alice.ip, &gw.ip);
    assert_int_equal(judge_facts(&facts).code, CAUSE_MIRROR_ONE_WAY);
}

/* What is unacknowledged was sent after the request, which was acknowledged. */
static void test_acknowledged(void **state)
{
    struct unanswered_facts facts = tcp_facts();
    (void)state;
    gateway_answered_once();
    facts.connection.unacknowledged = 812;
    facts.connection.unacknowledged_since_ns = SENT + 1;
    assert_int_not_equal(judge_facts(&facts).code, CAUSE_TCP_NO_ANSWER);
}

/* Where acknowledgements are in view, an error that nothing followed shows that it went no further;
 * where they are not, it may have got through. */
static void test_icmp_over_tcp_and_a_blind_mirror(void **state)
{
    struct unanswered_facts facts = tcp_facts();
    (void)state;
    mirror_works();
    peers_inferred_answer(&peers, &alice.ip, &gw.ip);
    facts.icmp = icmp_of(3, 1, ICMP_HOST_UNREACHABLE, SENT + 2 * S);
    assert_int_equal(judge_facts(&facts).code, CAUSE_ICMP_UNREACHABLE);
    facts.connection.last_from_server_ns = EVENT_NO_TIME;
    assert_int_equal(judge_facts(&facts).code, CAUSE_MIRROR_ONE_WAY);
    facts.connection = (struct connection_facts){.last_from_server_ns = SENT};
    assert_int_equal(judge_facts(&facts).code, CAUSE_MIRROR_ONE_WAY);
}

static void gateway_answered_over_tcp(void)
{
    saw_response(&gw, &carol, TRANSPORT_TCP, 200, "OPTIONS", SENT - 200 * S);
}

/* TCP went on after an ICMP error and got through: the error is no cause. */
static void test_icmp_over_tcp(void **state)
{
    struct unanswered_facts facts = tcp_facts();
    (void)state;
    gateway_answered_over_tcp();
    peers_saw_packet(&peers, &gw.ip, SENT + S);
    facts.icmp = icmp_of(3, 1, ICMP_HOST_UNREACHABLE, SENT + S / 10);
    struct cause cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_UNKNOWN, CONFIDENCE_LOW);
    assert_non_null(find_evidence(&cause, "icmp_error"));
    facts.icmp.last_ns = SENT + 2 * S;
    assert_cause(judge_facts(&facts), CAUSE_ICMP_UNREACHABLE, CONFIDENCE_HIGH);
    facts.icmp.last_ns = SENT + S / 10;
    facts.connection.unacknowledged = 812;
    facts.connection.unacknowledged_since_ns = SENT;
    assert_cause(judge_facts(&facts), CAUSE_ICMP_UNREACHABLE, CONFIDENCE_HIGH);
    facts.connection.is_known = false;
    assert_cause(judge_facts(&facts), CAUSE_ICMP_UNREACHABLE, CONFIDENCE_HIGH);
}

/* Over TCP each request is sent once: that is no scanner's mark, and no short ladder. */
static void test_words_and_confidence_over_tcp(void **state)
{
    struct unanswered_facts facts = tcp_facts();
    (void)state;
    gateway_answered_over_tcp();
    struct cause cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_DESTINATION_SILENT, CONFIDENCE_MEDIUM);
    assert_non_null(strstr(cause.summary, "sent once over TCP"));
    peers_saw_packet(&peers, &gw.ip, SENT + S);
    cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_UNKNOWN, CONFIDENCE_LOW);
    assert_non_null(strstr(cause.next_step, "ss -ltnp"));
    saw_response(&gw, &carol, TRANSPORT_WS, 200, "OPTIONS", SENT + S);
    facts.transport = TRANSPORT_WS;
    cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_DESTINATION_SELECTIVE, CONFIDENCE_MEDIUM);
    assert_non_null(strstr(cause.summary, "sent once over WS"));
    assert_null(strstr(cause.next_step, "scanners"));
}

/* Whatever is known together: there is room for the evidence, each kind once, and a whole sentence.
 */
static void test_all_together(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 1u << 11; bits++) {
        tear_down(NULL);
        assert_int_equal(set_up(NULL), 0);
        struct unanswered_facts facts = bits & 1 ? tcp_facts() : facts_of(7);
        if (bits & 2)
            facts.icmp = icmp_of(3, 1, ICMP_HOST_UNREACHABLE, SENT + (bits & 4 ? -S : S));
        if (bits & 1) {
            facts.connection.is_reset = bits & 8;
            facts.connection.reset_ns = SENT + S;
            facts.connection.reset_by = bits & 4 ? alice : gw;
            facts.connection.unacknowledged = bits & 16 ? 10 : 0;
            facts.connection.unacknowledged_since_ns = SENT;
        } else {
            facts.fragments_lost = bits & 8;
        }
        facts.stray.count = bits & 32 ? 1 : 0;
        facts.sensor_lost_packets = bits & 64;
        if (bits & 128)
            left_unanswered(&peers, &carol.ip, &gw);
        if (bits & 256)
            peers_inferred_answer(&peers, &alice.ip, &gw.ip);
        if (bits & 512)
            gateway_answered_once();
        if (bits & 1024)
            saw_response(&gw, &carol, TRANSPORT_UDP, 200, "OPTIONS", SENT + S);
        struct cause cause = judge_facts(&facts);
        for (unsigned i = 0; i < cause.evidence_count; i++)
            for (unsigned k = 0; k < i; k++)
                assert_string_not_equal(cause.evidence[i].kind, cause.evidence[k].kind);
        if (bits & 2)
            assert_non_null(find_evidence(&cause, "icmp_error"));
        if (bits & 32)
            assert_non_null(find_evidence(&cause, "response_elsewhere"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_icmp),
        TEST(test_icmp_before_the_others),
        TEST(test_icmp_on_a_new_mirror),
        TEST(test_icmp_and_a_blind_mirror),
        TEST(test_tcp_refused),
        TEST(test_not_refused),
        TEST(test_tcp_no_answer),
        TEST(test_acknowledged),
        TEST(test_icmp_over_tcp_and_a_blind_mirror),
        TEST(test_icmp_over_tcp),
        TEST(test_words_and_confidence_over_tcp),
        TEST(test_all_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
