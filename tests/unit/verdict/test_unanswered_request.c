/* The rules that rest on the messages themselves: responses that went astray or were rewritten,
 * fragments of the request, private addresses in it. */
#include "verdict_bench.h"

static struct endpoint nat_port(uint16_t port)
{
    return (struct endpoint){alice.ip, port};
}

static struct unanswered_facts stray_facts_of(struct endpoint went_to, struct endpoint expected)
{
    struct unanswered_facts facts = facts_of(7);
    facts.stray = (struct stray_facts){
        .count = 3,
        .last_ns = SENT + 2 * S,
        .last_status = 180,
        .src = gw,
        .dst = went_to,
        .expected = expected,
    };
    return facts;
}

static void test_misdirected(void **state)
{
    const struct endpoint elsewhere = {ip_from_v4((const uint8_t[4]){192, 0, 2, 99}), 5070};
    struct unanswered_facts facts = stray_facts_of(elsewhere, alice);
    (void)state;
    gateway_answered_once();
    struct cause cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_RESPONSE_MISDIRECTED, CONFIDENCE_HIGH);
    const struct evidence *evidence = find_evidence(&cause, "response_elsewhere");
    assert_int_equal(evidence->count, 3);
    assert_int_equal(evidence->status, 180);
    assert_int_equal(evidence->at_ns, SENT + 2 * S);
    assert_true(endpoint_eq(&evidence->who, &elsewhere));
    assert_true(endpoint_eq(&find_evidence(&cause, "response_expected")->who, &alice));
    assert_says(cause.summary, "trunk-a (198.51.100.20:5060) answered with 180, but to "
                               "192.0.2.99:5070, not to 192.0.2.10:5060");
    assert_says(cause.summary, "it should have gone to 192.0.2.10:5060.");
    assert_says(cause.next_step, "It is trunk-a (198.51.100.20:5060) that sends it there");
    /* From another place than where the request went. */
    facts.stray.src = gw_tls;
    cause = judge_facts(&facts);
    assert_says(cause.summary, "; it came from 198.51.100.20:5061, not from where");
    /* To a name: where it should have gone is not known. */
    facts.stray.expected.ip = (struct ip_addr){0};
    cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_RESPONSE_MISDIRECTED, CONFIDENCE_HIGH);
    assert_null(find_evidence(&cause, "response_expected"));
    assert_null(strstr(cause.summary, "should have gone"));
}

/* It went where the request itself asked for. */
static void test_misdirected_as_asked(void **state)
{
    const struct endpoint sent_by = nat_port(5080);
    struct unanswered_facts facts = stray_facts_of(sent_by, sent_by);
    (void)state;
    gateway_answered_once();
    struct cause cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_RESPONSE_MISDIRECTED, CONFIDENCE_HIGH);
    assert_says(cause.summary, "that is where RFC 3261 18.2.2 sends it: to the port in its Via, "
                               "since it did not ask for rport (RFC 3581).");
    assert_says(cause.next_step, "turn rport on at 192.0.2.10:5060");
    assert_says(cause.next_step, "force_rport");
    facts.request.asked_rport = true;
    cause = judge_facts(&facts);
    assert_says(cause.summary, "sends it, by the Via of the request.");
    assert_says(cause.next_step, "maddr");
}

/* Another port of the client's matters if it asked for rport or goes on sending. */
static void test_when_another_port_matters(void **state)
{
    static const struct {
        uint32_t transmissions;
        bool asked_rport, other_address, matters;
    } cases[] = {
        {1, false, false, false},
        {2, false, false, true},
        {1, true, false, true},
        {1, false, true, true},
    };
    (void)state;
    gateway_answered_once();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct unanswered_facts facts = facts_of(cases[i].transmissions);
        facts.stray = (struct stray_facts){.count = 1, .last_ns = SENT, .last_status = 100};
        facts.stray.dst = cases[i].other_address ? carol : nat_port(5080);
        facts.request.asked_rport = cases[i].asked_rport;
        struct cause cause = judge_facts(&facts);
        if ((cause.code == CAUSE_RESPONSE_MISDIRECTED) != cases[i].matters)
            fail_msg("case %zu: %s", i, cause_code_name(cause.code));
        assert_non_null(find_evidence(&cause, "response_elsewhere"));
    }
}

static void test_mangled(void **state)
{
    struct unanswered_facts facts = facts_of(7);
    (void)state;
    gateway_answered_once();
    facts.fragments_lost = 7;
    facts.mangled = (struct mangled_facts){
        .count = 2,
        .last_ns = SENT + S,
        .last_status = 183,
        .what = MANGLED_VIA,
        .src = gw,
        .dst = alice,
    };
    struct cause cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_RESPONSE_MANGLED, CONFIDENCE_HIGH);
    const struct evidence *evidence = find_evidence(&cause, "response_mangled");
    assert_string_equal(evidence->what, "via");
    assert_int_equal(evidence->status, 183);
    assert_int_equal(evidence->count, 2);
    assert_int_equal(evidence->at_ns, SENT + S);
    assert_true(endpoint_eq(&evidence->who, &gw));
    assert_non_null(find_evidence(&cause, "fragments_lost"));
    assert_says(cause.summary, "answered with 183, but the Via of the response is not");
    assert_says(cause.next_step, "no ip nat service sip");
    facts.mangled.what = MANGLED_CALL_ID;
    cause = judge_facts(&facts);
    assert_string_equal(find_evidence(&cause, "response_mangled")->what, "call_id");
    assert_says(cause.summary, "the Call-ID of the response");
    /* A response that went elsewhere comes first. */
    facts.stray = (struct stray_facts){.count = 1, .last_ns = SENT, .dst = carol};
    cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_RESPONSE_MISDIRECTED, CONFIDENCE_HIGH);
    assert_non_null(find_evidence(&cause, "response_mangled"));
}

/* It answered, however little of it passed: that it answers others, too, is no cause. */
static void test_partial(void **state)
{
    static const struct {
        enum partial what;
        uint32_t transmissions;
        bool is_doubtful;
        enum confidence confidence;
        const char *kind, *summary, *next_step;
    } rows[] = {
        {PARTIAL_FRAGMENTS, 7, false, CONFIDENCE_MEDIUM, "response_fragments_lost",
         "; fragments of its response never passed", "who drops fragments"},
        {PARTIAL_FRAGMENTS, 3, false, CONFIDENCE_LOW, "response_fragments_lost", "(3 times)",
         "0x3fff"},
        {PARTIAL_FRAGMENTS, 7, true, CONFIDENCE_LOW, "response_fragments_lost", "answered with 183",
         "use TCP"},
        {PARTIAL_TRUNCATED, 7, false, CONFIDENCE_MEDIUM, "response_truncated", "18.3",
         "no ip nat service sip"},
    };
    (void)state;
    gateway_answered_once();
    gateway_answers(4);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct unanswered_facts facts = facts_of(rows[i].transmissions);
        facts.partial = (struct partial_facts){
            .count = 2, .last_ns = SENT + S, .last_status = 183, .what = rows[i].what, .src = gw};
        facts.mirror_lost_packets = rows[i].is_doubtful;
        struct cause cause = judge_facts(&facts);
        assert_cause(cause, CAUSE_UNKNOWN, rows[i].confidence);
        assert_says(cause.summary, "trunk-a (198.51.100.20:5060) answered with 183, but 192.0.2.10:"
                                   "5060 went on");
        assert_says(cause.summary, rows[i].summary);
        assert_says(cause.next_step, rows[i].next_step);
        const struct evidence *evidence = find_evidence(&cause, rows[i].kind);
        assert_non_null(evidence);
        assert_int_equal(evidence->count, 2);
        assert_int_equal(evidence->status, 183);
        assert_int_equal(evidence->at_ns, SENT + S);
        assert_true(endpoint_eq(&evidence->who, &gw));
        assert_non_null(find_evidence(&cause, "answered_others"));
    }
}

static void test_response_marks(void **state)
{
    struct unanswered_facts facts = facts_of(7);
    (void)state;
    gateway_answered_once();
    facts.mangled =
        (struct mangled_facts){.count = 1, .last_ns = SENT, .last_status = 180, .src = gw};
    facts.response.marks = RESPONSE_NO_RPORT | RESPONSE_NO_RECEIVED;
    struct cause cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_RESPONSE_MANGLED, CONFIDENCE_HIGH);
    assert_says(cause.summary, "; its Via lacks rport, which was asked for.");
    assert_string_equal(find_evidence(&cause, "response_mark")->what, "no_rport");
    facts.response.marks = RESPONSE_NO_RECEIVED;
    cause = judge_facts(&facts);
    assert_says(cause.summary, "; its Via lacks received.");
    assert_string_equal(find_evidence(&cause, "response_mark")->what, "no_received");
    facts.response = (struct response_facts){RESPONSE_CONTACT, carol};
    cause = judge_facts(&facts);
    assert_says(cause.summary,
                "; its Contact names 192.0.2.11, not the address that it came from.");
    assert_string_equal(find_evidence(&cause, "response_mark")->what, "contact_differs");
    assert_true(endpoint_eq(&find_evidence(&cause, "response_mark")->who, &carol));
}

static void test_truncated(void **state)
{
    struct unanswered_facts facts = facts_of(7);
    (void)state;
    gateway_answered_once();
    gateway_answers(1);
    facts.request.marks = REQUEST_TRUNCATED | REQUEST_ALG_LENGTH;
    struct cause cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_DESTINATION_SELECTIVE, CONFIDENCE_MEDIUM);
    assert_string_equal(find_evidence(&cause, "request_mark")->what, "truncated");
    assert_int_equal(find_evidence(&cause, "sip_alg")->count, 1);
    assert_says(cause.next_step,
                "Its datagram ends before the message does (no blank line, or less "
                "than its Content-Length)");
}

static void test_fragment_lost(void **state)
{
    static const struct {
        uint32_t transmissions, lost;
        bool answers_others;
        enum cause_code code;
        enum confidence confidence;
    } cases[] = {
        {7, 7, true, CAUSE_FRAGMENT_LOST, CONFIDENCE_HIGH},
        {5, 5, true, CAUSE_FRAGMENT_LOST, CONFIDENCE_HIGH},
        {4, 4, true, CAUSE_FRAGMENT_LOST, CONFIDENCE_MEDIUM}, /* 3.5 s */
        {7, 7, false, CAUSE_FRAGMENT_LOST, CONFIDENCE_MEDIUM},
        {2, 2, true, CAUSE_FRAGMENT_LOST, CONFIDENCE_MEDIUM},
        {1, 1, true, CAUSE_FRAGMENT_LOST, CONFIDENCE_LOW},
        /* A whole one was not answered either. */
        {7, 6, true, CAUSE_DESTINATION_SELECTIVE, CONFIDENCE_MEDIUM},
        {7, 6, false, CAUSE_DESTINATION_SILENT, CONFIDENCE_MEDIUM},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tear_down(NULL);
        assert_int_equal(set_up(NULL), 0);
        gateway_answered_once();
        if (cases[i].answers_others)
            gateway_answers(1);
        struct unanswered_facts facts = facts_of(cases[i].transmissions);
        facts.fragments_lost = cases[i].lost;
        struct cause cause = judge_facts(&facts);
        if (cause.code != cases[i].code || cause.confidence != cases[i].confidence)
            fail_msg("case %zu: %s, %s", i, cause_code_name(cause.code),
                     confidence_name(cause.confidence));
        assert_int_equal(find_evidence(&cause, "fragments_lost")->count, cases[i].lost);
        if (cause.code != CAUSE_FRAGMENT_LOST)
            continue;
        assert_says(cause.summary, cases[i].lost == 1 ? "sent once in fragments" : "each time in");
        assert_says(cause.next_step, "'ip[6:2] & 0x3fff != 0 and host 198.51.100.20'");
    }
    struct unanswered_facts facts = facts_of(7);
    facts.fragments_lost = 7;
    facts.dst.endpoint.ip = ip_from_v6((const uint8_t[16]){0x20, 1, 0xd, 0xb8, [15] = 1});
    struct cause cause = judge_facts(&facts);
    assert_says(cause.summary, "This INVITE to trunk-a ([2001:db8::1]:5060) was sent 7 times,");
    assert_says(cause.next_step, "'ip6[6] = 44 and host 2001:db8::1'");
}

/* That it answers what else this caller sends is no word of others. */
static void test_fragment_lost_answers_caller(void **state)
{
    (void)state;
    struct unanswered_facts facts = facts_of(7);
    gateway_answered_once();
    saw_response(&gw, &facts.src.endpoint, TRANSPORT_UDP, 200, "OPTIONS", SENT + S);
    facts.fragments_lost = 7;
    struct cause cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_FRAGMENT_LOST, CONFIDENCE_MEDIUM);
    assert_null(strstr(cause.summary, "others"));
}

static void test_private_address(void **state)
{
    const uint32_t via = REQUEST_PRIVATE_VIA, port = REQUEST_PORT_DIFFERS;
    const struct {
        uint32_t marks;
        bool asked_rport, answered_before;
        unsigned others;
        enum confidence confidence;
        const char *fields; /* NULL: it is something else */
    } cases[] = {
        {via | port, false, false, 3, CONFIDENCE_MEDIUM, "stands in its Via, and"},
        {via | port, false, true, 2, CONFIDENCE_MEDIUM, "stands in its Via, and"},
        {via | port, false, false, 1, CONFIDENCE_MEDIUM, "stands in its Via, and"},
        {via, false, false, 3, CONFIDENCE_MEDIUM, "stands in its Via, and"},
        {via | port, false, false, 0, CONFIDENCE_LOW, "stands in its Via, and"},
        {REQUEST_PRIVATE_CONTACT | port, false, false, 3, CONFIDENCE_LOW,
         "stands in its Contact, and"},
        {REQUEST_PRIVATE_SDP | via, false, false, 3, CONFIDENCE_MEDIUM, "in its Via and SDP, and"},
        {via | REQUEST_PRIVATE_SDP | REQUEST_PRIVATE_CONTACT, false, false, 0, CONFIDENCE_LOW,
         "but the private address 10.0.0.7 stands in its Via and Contact and SDP, and it did not "
         "ask for rport"},
        {via | port, true, false, 3, CONFIDENCE_MEDIUM, NULL},
        {port, false, false, 3, CONFIDENCE_MEDIUM, NULL},
        {REQUEST_ALG_CONTACT, false, false, 3, CONFIDENCE_MEDIUM, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tear_down(NULL);
        assert_int_equal(set_up(NULL), 0);
        gateway_answered_once();
        gateway_answers(cases[i].others);
        if (cases[i].answered_before)
            saw_response(&gw, &alice, TRANSPORT_UDP, 200, "INVITE", SENT - 100 * S);
        struct unanswered_facts facts = facts_of(7);
        facts.request = (struct request_facts){
            .marks = cases[i].marks,
            .asked_rport = cases[i].asked_rport,
            .private_ip = ip_from_v4((const uint8_t[4]){10, 0, 0, 7}),
        };
        struct cause cause = judge_facts(&facts);
        if ((cause.code == CAUSE_PRIVATE_ADDRESS) != (cases[i].fields != NULL) ||
            cause.confidence != cases[i].confidence)
            fail_msg("case %zu: %s, %s", i, cause_code_name(cause.code),
                     confidence_name(cause.confidence));
        if (!cases[i].fields)
            continue;
        assert_says(cause.summary, cases[i].fields);
        assert_null(strstr(cause.summary, "a response to it")); /* nobody knows where to */
        assert_int_equal(strstr(cause.summary, "while those to others were.") != NULL,
                         cases[i].others > 0);
        assert_int_equal(strstr(cause.next_step, "a ban of 192.0.2.10 on 198.51.100.20") != NULL,
                         cases[i].others > 0);
    }
}

/* Contact and SDP alone are no reason for who says nothing to anybody, nor are they a proxy's. */
static void test_private_content(void **state)
{
    const uint32_t content = REQUEST_PRIVATE_CONTACT | REQUEST_PRIVATE_SDP;
    const struct {
        uint32_t marks;
        bool is_relayed, is_alive;
        enum cause_code code;
        enum confidence confidence;
    } cases[] = {
        {content, false, true, CAUSE_PRIVATE_ADDRESS, CONFIDENCE_LOW},
        {content, false, false, CAUSE_DESTINATION_SILENT, CONFIDENCE_MEDIUM},
        {REQUEST_PRIVATE_SDP, false, false, CAUSE_DESTINATION_SILENT, CONFIDENCE_MEDIUM},
        {content, true, true, CAUSE_DESTINATION_SELECTIVE, CONFIDENCE_MEDIUM},
        {content | REQUEST_PRIVATE_VIA, true, true, CAUSE_PRIVATE_ADDRESS, CONFIDENCE_MEDIUM},
        {content | REQUEST_PRIVATE_VIA, false, false, CAUSE_PRIVATE_ADDRESS, CONFIDENCE_LOW},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tear_down(NULL);
        assert_int_equal(set_up(NULL), 0);
        gateway_answered_once();
        if (cases[i].is_alive)
            gateway_answers(1);
        struct unanswered_facts facts = facts_of(7);
        facts.request = (struct request_facts){
            .marks = cases[i].marks,
            .is_relayed = cases[i].is_relayed,
            .private_ip = ip_from_v4((const uint8_t[4]){10, 0, 0, 7}),
        };
        struct cause cause = judge_facts(&facts);
        if (cause.code != cases[i].code || cause.confidence != cases[i].confidence)
            fail_msg("case %zu: %s, %s", i, cause_code_name(cause.code),
                     confidence_name(cause.confidence));
        assert_non_null(find_evidence(&cause, "request_mark"));
        assert_int_equal(strstr(cause.next_step, "The private address 10.0.0.7 in its Contact") !=
                             NULL,
                         cases[i].code != CAUSE_PRIVATE_ADDRESS);
    }
}

static void test_private_address_words(void **state)
{
    struct unanswered_facts facts = facts_of(7);
    (void)state;
    gateway_answered_once();
    facts.request = (struct request_facts){
        .marks = REQUEST_PRIVATE_VIA | REQUEST_PRIVATE_SDP | REQUEST_PORT_DIFFERS |
                 REQUEST_ALG_SDP | REQUEST_ALG_LENGTH,
        .private_ip = ip_from_v4((const uint8_t[4]){10, 0, 0, 7}),
    };
    facts.stray.expected = nat_port(5080); /* known, though no response was seen */
    struct cause cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_PRIVATE_ADDRESS, CONFIDENCE_LOW);
    assert_says(cause.summary, "; a response to it would go to 192.0.2.10:5080");
    assert_says(cause.summary, "; but nothing at all came from 198.51.100.20, for anybody.");
    assert_says(cause.next_step, "first, is 198.51.100.20 up?");
    assert_says(cause.next_step, "shows 2 traits of a SIP ALG");
    assert_int_equal(find_evidence(&cause, "sip_alg")->count, 2);
    assert_null(find_evidence(&cause, "response_expected")); /* none was seen that could go there */
    /* What of the request shows it comes first, each by its name, with the first address. */
    static const char *const whats[] = {"private_via", "private_sdp", "port_differs"};
    for (unsigned i = 0; i < 3; i++) {
        assert_string_equal(cause.evidence[i].kind, "request_mark");
        assert_string_equal(cause.evidence[i].what, whats[i]);
        assert_int_equal(cause.evidence[i].who.ip.version, i == 0 ? 4 : 0);
    }
    assert_non_null(find_evidence(&cause, "nothing_from_destination"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_misdirected),
        TEST(test_misdirected_as_asked),
        TEST(test_when_another_port_matters),
        TEST(test_mangled),
        TEST(test_partial),
        TEST(test_response_marks),
        TEST(test_truncated),
        TEST(test_fragment_lost),
        TEST(test_fragment_lost_answers_caller),
        TEST(test_private_address),
        TEST(test_private_content),
        TEST(test_private_address_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
