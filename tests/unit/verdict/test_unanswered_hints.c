/* What is said beside every cause (hops, places, look-ups, ALG, scanners), the order of the causes
 * where everything is true at once, and the early word on an INVITE that is not answered yet. */
#include "verdict_bench.h"

static struct endpoint hop_at(uint8_t number)
{
    return (struct endpoint){ip_from_v4((const uint8_t[4]){203, 0, 113, number}), 5060};
}

/* A connection that broke, and the call went on over another: nobody is to be blamed for long. */
static void test_answered_again(void **state)
{
    struct unanswered_facts facts = facts_of(7);
    (void)state;
    gateway_answers(3);
    assert_int_not_equal(judge_facts(&facts).confidence, CONFIDENCE_LOW);
    facts.hop.answered_again = true;
    struct cause cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_DESTINATION_SELECTIVE, CONFIDENCE_LOW);
    assert_says(cause.summary, "; the same call was answered there when it was sent anew");
}

static void test_passed_on(void **state)
{
    struct unanswered_facts facts = facts_of(7);
    (void)state;
    gateway_answers(3);
    facts.fragments_lost = 7;
    facts.hop = (struct hop_facts){
        .hops = 3,
        .last_src = hop_at(7),
        .last_dst = hop_at(8),
        .last_sent_ns = SENT + S,
        .last_status = 100,
    };
    /* What it passed on it has got, and did not refuse. */
    struct cause cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_UNKNOWN, CONFIDENCE_LOW);
    assert_says(cause.summary, "trunk-a (198.51.100.20:5060) passed this INVITE on, but sent no "
                               "response to it");
    assert_says(cause.summary, "; it was seen last on 203.0.113.7:5060 -> 203.0.113.8:5060, where "
                               "100 came back.");
    assert_says(cause.next_step, "stateless");
    const struct evidence *hop = find_evidence(&cause, "hop");
    assert_int_equal(hop->count, 3);
    assert_int_equal(hop->status, 100);
    assert_int_equal(hop->at_ns, SENT + S);
    assert_true(endpoint_eq(&hop->who, &facts.hop.last_dst));
    assert_non_null(find_evidence(&cause, "answered_others"));
    /* The farthest one itself: what is known of its destination is the cause. */
    facts.hop.is_last = true;
    facts.hop.last_dst = gw;
    facts.hop.others_passed_on = 4;
    facts.fragments_lost = 0;
    cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_DESTINATION_SELECTIVE, CONFIDENCE_MEDIUM);
    assert_says(cause.summary, "; 198.51.100.20:5060 passed 4 INVITEs of others on, but not this");
    assert_null(strstr(cause.summary, "seen last"));
    assert_int_equal(find_evidence(&cause, "not_passed_on")->count, 4);
}

static void test_places(void **state)
{
    struct unanswered_facts facts = facts_of(7);
    (void)state;
    gateway_answered_once();
    facts.hop = (struct hop_facts){
        .hops = 1,
        .is_last = true,
        .seen = {{"eth1", 20}, {"eth3", EVENT_NO_VLAN}},
        .seen_count = 2,
        .missing.vlan = EVENT_NO_VLAN,
    };
    struct cause cause = judge_facts(&facts);
    assert_null(find_evidence(&cause, "seen_at"));
    assert_null(find_evidence(&cause, "hop"));
    facts.hop.missing.interface = "eth2";
    cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_DESTINATION_SILENT, CONFIDENCE_MEDIUM);
    assert_says(cause.summary,
                "; it was seen at eth1 (VLAN 20), never at eth2, where others pass.");
    assert_int_equal(find_evidence(&cause, "seen_at")->place.vlan, 20);
    assert_string_equal(find_evidence(&cause, "not_seen_at")->place.interface, "eth2");
}

static void test_dns(void **state)
{
    static const struct {
        struct dns_facts dns;
        const char *kind, *words;
        bool has_rcode;
    } cases[] = {
        {{.asked = 2, .failed = 1, .rcode = "SERVFAIL", .type = "SRV", .delay_ns = S},
         "dns_failure",
         "its sender's look-up of sip.example.com (SRV) failed just before (SERVFAIL)",
         true},
        {{.asked = 1, .unanswered = 1, .type = "A", .delay_ns = S},
         "dns_failure",
         "look-up of sip.example.com (A) got no answer from 192.0.2.53:53 just before",
         false},
        {{.asked = 1, .type = "A", .delay_ns = S + S / 2},
         "dns_slow",
         "look-up of sip.example.com (A) took 1.5 s",
         false},
        {{.asked = 1, .type = "A", .delay_ns = S / 10, .is_elsewhere = true},
         "dns_elsewhere",
         "looked sip.example.com up just before, and this is none of the addresses",
         false},
    };
    (void)state;
    mirror_works();
    peers_saw_packet(&peers, &gw.ip, SENT + S);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct unanswered_facts facts = facts_of(7);
        facts.dns = cases[i].dns;
        facts.dns.name = SLICE("sip.example.com");
        facts.dns.server = (struct endpoint){ip_from_v4((const uint8_t[4]){192, 0, 2, 53}), 53};
        struct cause cause = judge_facts(&facts);
        assert_null(find_evidence(&cause, cases[i].kind));
        facts.dns.is_known = true;
        cause = judge_facts(&facts);
        assert_cause(cause, CAUSE_UNKNOWN, CONFIDENCE_LOW);
        assert_says(cause.summary, cases[i].words);
        assert_says(cause.next_step, " sip.example.com @192.0.2.53");
        const struct evidence *evidence = find_evidence(&cause, cases[i].kind);
        assert_true(slice_eq(evidence->name, facts.dns.name));
        assert_string_equal(evidence->what, facts.dns.type);
        assert_true(endpoint_eq(&evidence->who, &facts.dns.server));
        assert_int_equal(find_evidence(&cause, "dns_rcode") != NULL, cases[i].has_rcode);
        for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++)
            if (strcmp(cases[k].kind, cases[i].kind) != 0)
                assert_null(find_evidence(&cause, cases[k].kind));
    }
    /* As it should be. */
    struct unanswered_facts facts = facts_of(7);
    facts.dns = (struct dns_facts){.is_known = true, .asked = 2, .type = "A", .delay_ns = S};
    struct cause cause = judge_facts(&facts);
    assert_null(strstr(cause.summary, "look-up"));
    assert_null(find_evidence(&cause, "dns_slow"));
}

static void test_unknown_hints(void **state)
{
    struct unanswered_facts facts = facts_of(7);
    (void)state;
    saw_response(&gw_tls, &carol, TRANSPORT_UDP, 200, "OPTIONS", SENT + S);
    facts.fragments_lost = 2;
    facts.request.marks = REQUEST_ALG_VIA | REQUEST_ALG_CONTACT | REQUEST_ALG_ADDRESS;
    struct cause cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_UNKNOWN, CONFIDENCE_LOW);
    assert_says(cause.summary, "but its host does answer over UDP at port 5061");
    assert_says(cause.summary, "; of 2 of its sendings fragments never passed");
    assert_says(cause.summary, "; it shows 3 traits of a SIP ALG.");
    assert_string_equal(find_evidence(&cause, "answered_over")->transport, "UDP");
    assert_int_equal(find_evidence(&cause, "answered_over")->who.port, 5061);
    facts.request.marks = REQUEST_ALG_VIA; /* one is none */
    cause = judge_facts(&facts);
    assert_null(strstr(cause.summary, "ALG"));
    assert_null(strstr(cause.next_step, "ALG"));
    assert_int_equal(find_evidence(&cause, "sip_alg")->count, 1);
}

/* Seen at two places, and something between them wrote it anew: one trait is enough. Where nobody
 * says it already, it is to be turned off. */
static void test_rport_taken_out(void **state)
{
    struct unanswered_facts facts = facts_of(7);
    (void)state;
    gateway_answers(3);
    facts.request.marks = REQUEST_ALG_RPORT;
    facts.request.asked_rport = true;
    facts.request.bare_src = carol;
    facts.request.bare_dst = gw;
    struct cause cause = judge_facts(&facts);
    assert_int_equal(find_evidence(&cause, "sip_alg")->count, 1);
    assert_says(cause.next_step,
                "had rport on 192.0.2.10:5060 -> 198.51.100.20:5060, and no more on "
                "192.0.2.11:5062 -> 198.51.100.20:5060: something between took it out");
    assert_says(cause.next_step, "That is what a SIP ALG does: turn it off there (");
    facts.request.bare_src = alice; /* at another place of the same hop */
    cause = judge_facts(&facts);
    assert_says(cause.next_step, "had rport where it was seen first, and no more where");
    facts.request.marks |= REQUEST_ALG_VIA;
    cause = judge_facts(&facts);
    assert_says(cause.next_step, "2 traits of a SIP ALG: turn it off there (");
    assert_null(strstr(strstr(cause.next_step, "turn it off") + 1, "turn it off"));
    facts.request.marks = REQUEST_ALG_RPORT;
    facts.stray = (struct stray_facts){
        .count = 1, .last_ns = SENT, .last_status = 200, .src = gw, .dst = carol};
    cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_RESPONSE_MISDIRECTED, CONFIDENCE_HIGH);
    assert_null(strstr(strstr(cause.next_step, "turn it off") + 1, "turn it off"));
}

/* Only a private Contact that was met at a public address is NAT's or an ALG's for certain. */
static void test_far_end(void **state)
{
    struct unanswered_facts facts = facts_of(7);
    (void)state;
    mirror_works();
    facts.far_end = hop_at(7);
    struct cause cause = judge_facts(&facts);
    assert_says(cause.next_step,
                "went to the Contact that the far end gave, 198.51.100.20, but the call was set up "
                "with 203.0.113.7:5060: that is a proxy without Record-Route");
    assert_says(cause.next_step, "or the Contact is wrong.");
    assert_null(strstr(cause.next_step, "rewrite_contact"));
    assert_true(endpoint_eq(&find_evidence(&cause, "far_end_elsewhere")->who, &facts.far_end));
    facts.dst.endpoint.ip = ip_from_v4((const uint8_t[4]){192, 168, 1, 5});
    cause = judge_facts(&facts);
    assert_says(cause.next_step, "private Contact that the far end gave, 192.168.1.5, but the call "
                                 "was set up with 203.0.113.7:5060");
    assert_says(cause.next_step, "rewrite_contact=yes");
    assert_null(strstr(cause.next_step, "Record-Route"));
    facts.far_end.ip = ip_from_v4((const uint8_t[4]){192, 168, 1, 1});
    cause = judge_facts(&facts);
    assert_says(cause.next_step, "Record-Route");
    assert_null(strstr(cause.next_step, "private"));
}

/* A part of a response to the INVITE itself is no answer to its caller. */
static void test_part_is_no_answer(void **state)
{
    struct unanswered_facts facts = facts_of(7);
    (void)state;
    saw_response(&gw, &alice, TRANSPORT_UDP, 200, "OPTIONS", SENT - S);
    facts.partial = (struct partial_facts){
        .count = 1, .last_ns = SENT, .last_status = 183, .what = PARTIAL_TRUNCATED, .src = gw};
    struct cause cause = judge_facts(&facts);
    assert_int_equal(find_evidence(&cause, "answered_this_caller")->at_ns, SENT - S);
    saw_response(&gw, &alice, TRANSPORT_UDP, 183, "INVITE", SENT);
    cause = judge_facts(&facts);
    assert_null(find_evidence(&cause, "answered_this_caller"));
    facts.partial.count = 0;
    cause = judge_facts(&facts);
    assert_int_equal(find_evidence(&cause, "answered_this_caller")->at_ns, SENT);
}

static void test_scanner(void **state)
{
    struct unanswered_facts facts = facts_of(1);
    (void)state;
    gateway_answers(3);
    facts.scanner = SLICE("friendly-scanner");
    struct cause cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_DESTINATION_SELECTIVE, CONFIDENCE_LOW);
    assert_says(cause.summary, "; a scanner sent it (friendly-scanner).");
    assert_says(cause.next_step, "block 192.0.2.10 at the firewall");
    assert_true(slice_eq(find_evidence(&cause, "scanner")->name, facts.scanner));
    unanswered_struggling(&peers, &facts, &cause);
    assert_int_equal(cause.confidence, CONFIDENCE_LOW);
    assert_says(cause.next_step, "Nobody has to answer a scanner");
}

static struct cause struggle(const struct unanswered_facts *facts)
{
    struct cause cause;
    memset(&cause, 0xa5, sizeof cause);
    unanswered_struggling(&peers, facts, &cause);
    check_words(&cause);
    assert_int_equal(cause.evidence_count, 0);
    return cause;
}

static void test_struggling(void **state)
{
    struct unanswered_facts facts = facts_of(3);
    (void)state;
    facts.gave_up_ns = facts.last_sent_ns;
    struct cause cause = struggle(&facts);
    assert_int_equal(cause.confidence, CONFIDENCE_LOW);
    assert_says(cause.summary,
                "This INVITE to trunk-a (198.51.100.20:5060) was sent 3 times within "
                "1.5 s and got no response; nothing that it sends has ever been seen");
    peers_saw_packet(&peers, &gw.ip, SENT - 5 * S);
    cause = struggle(&facts);
    assert_int_equal(cause.confidence, CONFIDENCE_MEDIUM);
    assert_says(cause.summary,
                "; packets came from it, the last 7 s ago, but no answer to anybody");
    saw_response(&gw, &carol, TRANSPORT_UDP, 200, "OPTIONS", SENT - 8 * S);
    cause = struggle(&facts);
    assert_int_equal(cause.confidence, CONFIDENCE_MEDIUM);
    assert_says(cause.summary,
                "; it last answered 10 s ago (OPTIONS of 192.0.2.11:5062 with 200).");
    assert_says(cause.next_step, "host 192.0.2.10 and port 5060");
    facts.sensor_lost_packets = true;
    assert_int_equal(struggle(&facts).confidence, CONFIDENCE_LOW);
    facts.sensor_lost_packets = false;
    facts.mirror_lost_packets = true;
    assert_int_equal(struggle(&facts).confidence, CONFIDENCE_LOW);
    facts.mirror_lost_packets = false;
    peers_inferred_answer(&peers, &alice.ip, &gw.ip);
    assert_int_equal(struggle(&facts).confidence, CONFIDENCE_LOW);
}

/* Everything that can be true of one INVITE over UDP, and with names as long as they come. */
static struct unanswered_facts everything(void)
{
    static const char name[] = "a-trunk-with-a-name-that-is-as-long-as-the-configuration-lets-it";
    static const char label[] = "very-long-host-name.very-long-host-name.very-long-host-name."
                                "very-long-host-name.very-long-host-name.very-long-host-name.test";
    static const char device[] =
        "/var/spool/captures/of-this-and-that/with-a-long-name-of-a-file.pcap";
    struct unanswered_facts facts = facts_of(7);
    facts.src.name = facts.dst.name = name;
    facts.icmp = (struct icmp_facts){
        .count = 3, .first_ns = SENT, .last_ns = SENT, .sender = carol.ip, .type = 3, .code = 3};
    facts.stray = (struct stray_facts){.count = 1,
                                       .last_ns = SENT,
                                       .last_status = 200,
                                       .src = carol,
                                       .dst = carol,
                                       .expected = alice};
    facts.mangled = (struct mangled_facts){
        .count = 1, .last_ns = SENT, .last_status = 200, .what = MANGLED_CALL_ID, .src = carol};
    facts.partial = (struct partial_facts){
        .count = 1, .last_ns = SENT, .last_status = 200, .what = PARTIAL_TRUNCATED, .src = carol};
    facts.response = (struct response_facts){(1u << RESPONSE_MARK_COUNT) - 1, carol};
    facts.far_end = carol;
    facts.fragments_lost = 7;
    facts.request = (struct request_facts){
        .octets = 60000, .marks = (1u << REQUEST_MARK_COUNT) - 1, .private_ip = alice.ip};
    facts.dns = (struct dns_facts){
        .is_known = true,
        .name = SLICE(label),
        .type = "NAPTR",
        .asked = 9,
        .unanswered = 1,
        .failed = 2,
        .rcode = "SERVFAIL",
        .delay_ns = 9 * S,
        .is_elsewhere = true,
        .server = carol,
    };
    facts.hop = (struct hop_facts){
        .hops = 1,
        .last_src = alice,
        .last_dst = gw,
        .last_sent_ns = SENT,
        .is_last = true,
        .others_passed_on = 1000000,
        .seen = {{"a", 1}, {device, 2}, {"c", 3}, {"d", EVENT_NO_VLAN}},
        .seen_count = UNANSWERED_PLACES_MAX,
        .missing = {device, 4095},
    };
    facts.scanner = SLICE(label);
    facts.sensor_lost_packets = facts.mirror_lost_packets = facts.mirror_is_disordered = true;
    facts.watching_since_ns = SENT + S;
    return facts;
}

/* The gateway answers over every transport, refuses and is slow. */
static void gateway_does_everything(void)
{
    for (enum transport t = 0; t < TRANSPORT_COUNT; t++)
        saw_response(&gw, &carol, t, 200, "SUBSCRIBE", SENT + t * S);
    for (int i = 0; i < 25; i++) {
        int64_t at_ns = SENT + (i < 20 ? -500 + i * 20 : i) * S;
        struct peers_invite invite = {.is_answered = true, .octets = 1200};
        invite.delay_ns = invite.last_delay_ns = i < 20 ? S / 10 : S;
        saw_invite(&carol, invite, at_ns);
    }
    saw_invite(&alice, (struct peers_invite){.is_answered = true, .is_repeated = true}, S);
    const struct peers_response refusal = {.src = gw,
                                           .dst = carol,
                                           .status = 503,
                                           .method = "SUBSCRIBE",
                                           .answers = true,
                                           .retry_after_s = 4000000000};
    peers_saw_response(&peers, &refusal, SENT + 2 * S);
    saw_response(&gw, &alice, TRANSPORT_UDP, 200, "SUBSCRIBE", SENT - S);
    saw_response(&carol, &gw, TRANSPORT_UDP, 200, "REGISTER", SENT - 90 * S);
    left_unanswered(&peers, &carol.ip, &gw);
    left_unanswered(&peers, &alice.ip, &gw);
}

/* The contract's order, one after the other taken away; each verdict has all that was found. */
static void test_order_of_all(void **state)
{
    static const char *const always[] = {
        "request_mark",
        "response_mark",
        "far_end_elsewhere",
        "sip_alg",
        "answered_over",
        "answered_503",
        "slow_answers",
        "answered_others",
        "answered_this_caller",
        "partial_loss",
        "larger_than_answered",
        "others_unanswered_too",
        "registered",
        "dns_failure",
        "dns_rcode",
        "dns_slow",
        "dns_elsewhere",
        "not_passed_on",
        "seen_at",
        "not_seen_at",
        "scanner",
        "sensor_lost_packets",
        "mirror_lost_packets",
        "mirror_disordered",
        "watching_since",
        "transmissions",
    };
    struct unanswered_facts facts = everything();
    (void)state;
    gateway_does_everything();
    enum cause_code codes[CAUSE_CODE_COUNT];
    unsigned count = 0;
    for (unsigned step = 0; step < 6; step++) {
        struct cause cause = judge_facts(&facts);
        codes[count++] = cause.code;
        for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
            if (!find_evidence(&cause, always[i]))
                fail_msg("%s: no %s", cause_code_name(cause.code), always[i]);
        assert_true(cause.evidence_count < EVENT_EVIDENCE_MAX);
        facts.icmp.count = step == 0 ? 0 : facts.icmp.count;
        facts.stray.count = step == 1 ? 0 : facts.stray.count;
        facts.mangled.count = step == 2 ? 0 : facts.mangled.count;
        facts.fragments_lost = step == 3 ? 6 : facts.fragments_lost;
        facts.partial.count = step == 4 ? 0 : facts.partial.count;
    }
    static const enum cause_code order[] = {
        CAUSE_ICMP_UNREACHABLE, CAUSE_RESPONSE_MISDIRECTED,
        CAUSE_RESPONSE_MANGLED, CAUSE_FRAGMENT_LOST,
        CAUSE_UNKNOWN,          CAUSE_PRIVATE_ADDRESS,
    };
    assert_memory_equal(codes, order, sizeof order);
    facts.request.asked_rport = true;
    assert_int_equal(judge_facts(&facts).code, CAUSE_DESTINATION_OVERLOADED);
}

/* The sentences stay whole, whatever is true together. */
static void test_any_together(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 1u << 14; bits++) {
        if (bits % 64 == 0) {
            tear_down(NULL);
            assert_int_equal(set_up(NULL), 0);
            if (bits & 1024)
                gateway_does_everything();
        }
        struct unanswered_facts facts = everything();
        if (bits & 1)
            facts.icmp.count = 0;
        if (bits & 2)
            facts.stray.count = 0;
        if (bits & 4)
            facts.mangled.count = 0;
        if (bits & 8)
            facts.fragments_lost = 3;
        if (bits & 16)
            facts.request.asked_rport = true;
        if (bits & 32)
            facts.hop.hops = 2;
        facts.hop.is_last = !(bits & 32);
        if (bits & 64)
            facts.scanner = SLICE_NONE;
        if (bits & 128)
            facts.transport = TRANSPORT_WSS;
        if (bits & 256)
            facts.dns.failed = 0;
        if (bits & 512)
            facts.stray.expected = facts.stray.dst;
        if (bits & 2048)
            facts.dst.endpoint = (struct endpoint){
                ip_from_v6((const uint8_t[16]){0x20, 1, 0xd, 0xb8, [15] = 0x66}), 65535};
        if (bits & 4096)
            facts.partial.count = 0;
        if (bits & 8192)
            facts.partial.what = PARTIAL_FRAGMENTS;
        struct cause cause = judge_facts(&facts);
        assert_non_null(find_evidence(&cause, "transmissions"));
        unanswered_struggling(&peers, &facts, &cause);
        check_words(&cause);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_answered_again),
        TEST(test_passed_on),
        TEST(test_places),
        TEST(test_dns),
        TEST(test_unknown_hints),
        TEST(test_scanner),
        TEST(test_rport_taken_out),
        TEST(test_far_end),
        TEST(test_part_is_no_answer),
        TEST(test_struggling),
        TEST(test_order_of_all),
        TEST(test_any_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
