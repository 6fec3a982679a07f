/* The rules that compare what the destination does for others, and did before, with what it does
 * not do now. */
#include "verdict_bench.h"

static void start_anew(void)
{
    tear_down(NULL);
    assert_int_equal(set_up(NULL), 0);
}

static void test_wrong_transport(void **state)
{
    static const struct {
        int64_t other_s, here_s; /* when it answered over TCP and over UDP, after SENT */
        uint16_t other_port;
        uint32_t transmissions;
        bool is_alive;
        enum cause_code code;
        enum confidence confidence;
    } cases[] = {
        {1, INT64_MIN, 5060, 7, true, CAUSE_WRONG_TRANSPORT, CONFIDENCE_HIGH},
        {-600, INT64_MIN, 5060, 7, true, CAUSE_WRONG_TRANSPORT, CONFIDENCE_HIGH},
        {-601, INT64_MIN, 5060, 7, true, CAUSE_UNKNOWN, CONFIDENCE_LOW},
        /* It answered here, long ago; or lately. */
        {1, -601, 5060, 7, true, CAUSE_WRONG_TRANSPORT, CONFIDENCE_MEDIUM},
        {1, -600, 5060, 7, true, CAUSE_UNKNOWN, CONFIDENCE_LOW},
        {1, 1, 5060, 7, true, CAUSE_DESTINATION_SELECTIVE, CONFIDENCE_MEDIUM},
        {1, INT64_MIN, 5060, 4, true, CAUSE_WRONG_TRANSPORT, CONFIDENCE_MEDIUM},
        /* At another port: another service, or another host behind a NAT. */
        {1, INT64_MIN, 40000, 7, true, CAUSE_WRONG_TRANSPORT, CONFIDENCE_LOW},
        {1, INT64_MIN, 5061, 7, true, CAUSE_WRONG_TRANSPORT, CONFIDENCE_LOW},
        /* Nothing at all comes from it now. */
        {-100, INT64_MIN, 5060, 7, false, CAUSE_WRONG_TRANSPORT, CONFIDENCE_MEDIUM},
        {-100, -700, 5060, 7, false, CAUSE_DESTINATION_SILENT, CONFIDENCE_MEDIUM},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start_anew();
        const struct endpoint over_tcp = {gw.ip, cases[i].other_port};
        saw_response(&over_tcp, &alice, TRANSPORT_TCP, 200, "OPTIONS", SENT + cases[i].other_s * S);
        if (cases[i].here_s != INT64_MIN)
            saw_response(&gw, &carol, TRANSPORT_UDP, 200, "OPTIONS", SENT + cases[i].here_s * S);
        if (cases[i].is_alive)
            peers_saw_packet(&peers, &gw.ip, SENT + S);
        struct unanswered_facts facts = facts_of(cases[i].transmissions);
        struct cause cause = judge_facts(&facts);
        if (cause.code != cases[i].code || cause.confidence != cases[i].confidence)
            fail_msg("case %zu: %s, %s", i, cause_code_name(cause.code),
                     confidence_name(cause.confidence));
        if (cases[i].code == CAUSE_WRONG_TRANSPORT)
            assert_int_equal(strstr(cause.next_step, "Or is it the port 5060") != NULL,
                             cases[i].other_port != 5060);
        if (cases[i].other_s < -600)
            continue;
        const struct evidence *evidence = find_evidence(&cause, "answered_over");
        assert_string_equal(evidence->transport, "TCP");
        assert_int_equal(evidence->at_ns, SENT + cases[i].other_s * S);
        assert_true(endpoint_eq(&evidence->who, &over_tcp));
    }
}

/* Whoever it answered, others or this caller: one exchange with a stranger may be forged. */
static void test_wrong_transport_to_whom(void **state)
{
    enum { CLIENTS_MAX = 3 };
    static const struct {
        uint8_t client[CLIENTS_MAX]; /* in turn, each once; 10 is the caller */
        int64_t first_s;             /* after SENT */
        enum confidence confidence;
    } cases[] = {
        {{11, 11, 11}, 1, CONFIDENCE_MEDIUM}, {{11, 12}, 1, CONFIDENCE_HIGH},
        {{11, 12, 12}, 1, CONFIDENCE_HIGH},   {{10}, 1, CONFIDENCE_HIGH},
        {{10, 11}, 1, CONFIDENCE_HIGH},       {{11, 12}, -600, CONFIDENCE_HIGH},
        {{11, 12}, -601, CONFIDENCE_MEDIUM},  {{10, 11}, -601, CONFIDENCE_MEDIUM},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start_anew();
        for (int k = 0; k < CLIENTS_MAX && cases[i].client[k] != 0; k++) {
            struct endpoint client = client_at(cases[i].client[k]);
            saw_response(&gw, &client, TRANSPORT_TCP, 200, "OPTIONS",
                         SENT + (cases[i].first_s + k) * S);
        }
        peers_saw_packet(&peers, &gw.ip, SENT + S);
        struct cause cause = judge();
        assert_cause(cause, CAUSE_WRONG_TRANSPORT, cases[i].confidence);
    }
}

static void test_wrong_transport_words(void **state)
{
    struct unanswered_facts facts = facts_of(1);
    (void)state;
    gateway_answers(2);
    facts.transport = TRANSPORT_TCP;
    facts.request.octets = 1400;
    struct cause cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_WRONG_TRANSPORT, CONFIDENCE_HIGH);
    assert_says(cause.summary,
                "This INVITE to trunk-a (198.51.100.20:5060), sent once over TCP, got nothing: "
                "over TCP it was never seen to answer, but its host 198.51.100.20:5060 answers "
                "over UDP.");
    assert_says(cause.next_step, "ss -ltnp");
    assert_says(cause.next_step, "its size (1400 octets)");
    /* Where the connection itself says what happened, that is the cause, and this a hint. */
    facts.connection = (struct connection_facts){
        .is_known = true,
        .unacknowledged = 1400,
        .repeats = 4,
        .unacknowledged_since_ns = SENT,
        .last_from_server_ns = SENT - S,
    };
    cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_TCP_NO_ANSWER, CONFIDENCE_HIGH);
    assert_says(cause.next_step, "It does answer over UDP (port 5060).");
    assert_says(cause.next_step, "With 1400 octets");
    assert_non_null(find_evidence(&cause, "answered_over"));
}

/* Where the host takes the very transport at another port, it is the port that is wrong. */
static void test_wrong_port_is_not_wrong_transport(void **state)
{
    static const struct {
        int64_t alike_s; /* when it answered over UDP at 5080, after SENT */
        enum cause_code code;
        enum confidence confidence;
    } cases[] = {
        {1, CAUSE_UNKNOWN, CONFIDENCE_LOW},
        {-600, CAUSE_UNKNOWN, CONFIDENCE_LOW},
        {-601, CAUSE_WRONG_TRANSPORT, CONFIDENCE_MEDIUM},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start_anew();
        const struct endpoint gw5080 = {gw.ip, 5080};
        saw_response(&gw5080, &carol, TRANSPORT_UDP, 200, "OPTIONS", SENT + cases[i].alike_s * S);
        saw_response(&gw, &carol, TRANSPORT_TCP, 200, "OPTIONS", SENT + 2 * S);
        struct cause cause = judge();
        if (cause.code != cases[i].code || cause.confidence != cases[i].confidence)
            fail_msg("case %zu: %s, %s", i, cause_code_name(cause.code),
                     confidence_name(cause.confidence));
        if (cause.code == CAUSE_UNKNOWN)
            assert_says(cause.next_step, "Is 5060 the right port");
    }
}

/* What answers at the very port says more than another port, though that did so later. */
static void test_wrong_transport_at_this_port(void **state)
{
    const struct endpoint other_port = {gw.ip, 5080};
    (void)state;
    saw_response(&gw, &alice, TRANSPORT_TCP, 200, "OPTIONS", SENT);
    saw_response(&other_port, &carol, TRANSPORT_TCP, 200, "OPTIONS", SENT + S);
    saw_response(&gw_tls, &carol, TRANSPORT_TLS, 200, "OPTIONS", SENT + 2 * S);
    struct cause cause = judge();
    assert_cause(cause, CAUSE_WRONG_TRANSPORT, CONFIDENCE_HIGH);
    assert_says(cause.summary, "its host 198.51.100.20:5060 answers over TCP");
}

/* Browsers have WebSocket alone, and nobody else does. */
static void test_websocket_is_apart(void **state)
{
    struct unanswered_facts facts = facts_of(7);
    (void)state;
    saw_response(&gw, &alice, TRANSPORT_WS, 200, "OPTIONS", SENT + S);
    struct cause cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_UNKNOWN, CONFIDENCE_LOW);
    assert_string_equal(find_evidence(&cause, "answered_over")->transport, "WS");
    facts = facts_of(1);
    facts.transport = TRANSPORT_WSS;
    assert_cause(judge_facts(&facts), CAUSE_WRONG_TRANSPORT, CONFIDENCE_HIGH);
    start_anew();
    saw_response(&gw, &carol, TRANSPORT_UDP, 200, "OPTIONS", SENT + S);
    assert_cause(judge_facts(&facts), CAUSE_UNKNOWN, CONFIDENCE_LOW);
}

/* Of several the one that answered last; and a size that any transport takes is no reason. */
static void test_wrong_transport_of_several(void **state)
{
    struct unanswered_facts facts = facts_of(1);
    (void)state;
    facts.transport = TRANSPORT_TLS;
    facts.request.octets = 1400;
    saw_response(&gw, &carol, TRANSPORT_UDP, 200, "OPTIONS", SENT + S);
    saw_response(&gw, &alice, TRANSPORT_TCP, 200, "OPTIONS", SENT + 2 * S);
    saw_response(&gw, &carol, TRANSPORT_WS, 200, "OPTIONS", SENT);
    struct cause cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_WRONG_TRANSPORT, CONFIDENCE_HIGH);
    assert_says(cause.summary, "over TLS it was never seen to answer, but its host "
                               "198.51.100.20:5060 answers over TCP.");
    assert_null(strstr(cause.next_step, "octets"));
    start_anew();
    facts.transport = TRANSPORT_WS;
    facts.dst.endpoint.port = 40080; /* a server's own, though it is a high one */
    saw_response(&facts.dst.endpoint, &alice, TRANSPORT_WSS, 200, "OPTIONS", SENT + 3 * S);
    assert_cause(judge_facts(&facts), CAUSE_WRONG_TRANSPORT, CONFIDENCE_HIGH);
}

/* A telephone is where it registered from; another one behind its NAT may use TCP. */
static void test_registered_is_not_wrong(void **state)
{
    (void)state;
    saw_response(&carol, &gw, TRANSPORT_UDP, 200, "REGISTER", SENT - 300 * S);
    saw_response(&gw_tls, &carol, TRANSPORT_TLS, 200, "INVITE", SENT + S);
    struct cause cause = judge();
    assert_cause(cause, CAUSE_UNKNOWN, CONFIDENCE_LOW);
    assert_non_null(find_evidence(&cause, "answered_over"));
    assert_int_equal(find_evidence(&cause, "registered")->at_ns, SENT - 300 * S);
    assert_null(find_evidence(&cause, "nat_binding_idle")); /* nobody knows */
}

static void refused(const struct endpoint *client, uint32_t retry_after_s, int64_t at_ns)
{
    const struct peers_response refusal = {
        .src = gw,
        .dst = *client,
        .status = 503,
        .method = "INVITE",
        .answers = true,
        .retry_after_s = retry_after_s,
    };
    peers_saw_response(&peers, &refusal, at_ns);
}

/* INVITEs of others that took so long: twenty in the ten minutes before, and five at the end. */
static void delays(int64_t usual_ms, int64_t late_ms)
{
    const int64_t end = SENT + 32 * S;
    for (int i = 0; i < 25; i++) {
        struct peers_invite invite = {.is_answered = true};
        invite.delay_ns = invite.last_delay_ns = (i < 20 ? usual_ms : late_ms) * (S / 1000);
        int64_t at_ns = i < 20 ? end - 600 * S + 25 * S * i : end - 40 * S + i * S;
        const struct endpoint other = client_at(56), *client = i & 1 ? &other : &carol;
        saw_response(&gw, client, TRANSPORT_UDP, 200, "INVITE", at_ns);
        saw_invite(client, invite, at_ns);
    }
}

static void test_overloaded(void **state)
{
    static const struct {
        int64_t refused_s; /* before the verdict; 0: nobody */
        uint32_t retry_after_s;
        int64_t usual_ms, late_ms;
        bool caller_itself;
        enum cause_code code;
        enum confidence confidence;
    } cases[] = {
        /* It has answered others since. */
        {59, 0, 100, 100, false, CAUSE_DESTINATION_OVERLOADED, CONFIDENCE_LOW},
        {59, 30, 100, 100, false, CAUSE_DESTINATION_OVERLOADED, CONFIDENCE_LOW},
        {10, 0, 100, 100, false, CAUSE_DESTINATION_OVERLOADED, CONFIDENCE_MEDIUM},
        {10, 30, 100, 100, false, CAUSE_DESTINATION_OVERLOADED, CONFIDENCE_MEDIUM},
        {61, 30, 100, 100, false, CAUSE_DESTINATION_SELECTIVE, CONFIDENCE_MEDIUM},
        {59, 30, 100, 100, true, CAUSE_DESTINATION_SELECTIVE, CONFIDENCE_MEDIUM},
        {0, 0, 100, 700, false, CAUSE_DESTINATION_OVERLOADED, CONFIDENCE_MEDIUM},
        {0, 0, 100, 400, false, CAUSE_DESTINATION_SELECTIVE, CONFIDENCE_MEDIUM},
        {0, 0, 200, 700, false, CAUSE_DESTINATION_SELECTIVE, CONFIDENCE_MEDIUM},
        {59, 0, 100, 700, false, CAUSE_DESTINATION_OVERLOADED, CONFIDENCE_HIGH},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start_anew();
        delays(cases[i].usual_ms, cases[i].late_ms);
        if (cases[i].refused_s > 0)
            refused(cases[i].caller_itself ? &alice : &carol, cases[i].retry_after_s,
                    SENT + (32 - cases[i].refused_s) * S);
        struct cause cause = judge();
        if (cause.code != cases[i].code || cause.confidence != cases[i].confidence)
            fail_msg("case %zu: %s, %s", i, cause_code_name(cause.code),
                     confidence_name(cause.confidence));
        const struct evidence *evidence = find_evidence(&cause, "slow_answers");
        assert_int_equal(evidence != NULL, cases[i].late_ms == 700 && cases[i].usual_ms == 100);
        if (!evidence)
            continue;
        assert_in_range(evidence->delay_ns, 690 * (S / 1000), 710 * (S / 1000));
        assert_in_range(evidence->usual_ns, 95 * (S / 1000), 105 * (S / 1000));
        assert_says(cause.summary, "first responses to others took 7");
    }
}

static void test_refusals(void **state)
{
    (void)state;
    refused(&carol, 30, SENT + 2 * S);
    struct endpoint other = client_at(55);
    refused(&other, 0, SENT + 3 * S);
    struct cause cause = judge();
    assert_cause(cause, CAUSE_DESTINATION_OVERLOADED, CONFIDENCE_HIGH);
    const struct evidence *evidence = find_evidence(&cause, "answered_503");
    assert_int_equal(evidence->count, 2);
    assert_int_equal(evidence->at_ns, SENT + 3 * S);
    assert_int_equal(evidence->delay_ns, 30 * S);
    assert_true(ip_eq(&evidence->who.ip, &other.ip));
    assert_says(cause.summary, "answered 2 requests of others with 503 in the last minute, of "
                               "192.0.2.55 most lately (Retry-After: 30 s); this INVITE");
    assert_non_null(find_evidence(&cause, "alive_without_answer"));
    /* Who tries may be refused yet; who is answered is not. */
    saw_response(&gw, &carol, TRANSPORT_UDP, 100, "INVITE", SENT + 4 * S);
    assert_cause(judge(), CAUSE_DESTINATION_OVERLOADED, CONFIDENCE_HIGH);
    saw_response(&gw, &carol, TRANSPORT_UDP, 180, "INVITE", SENT + 5 * S);
    cause = judge();
    assert_cause(cause, CAUSE_DESTINATION_OVERLOADED, CONFIDENCE_LOW);
    assert_says(cause.summary, "; it has given other answers since (INVITE with 180); this INVITE");
    start_anew();
    refused(&other, 0, SENT + 3 * S);
    cause = judge();
    assert_cause(cause, CAUSE_DESTINATION_OVERLOADED, CONFIDENCE_MEDIUM);
    assert_says(cause.summary,
                "answered 1 request of others with 503 in the last minute, of "
                "192.0.2.55 most lately; this INVITE, sent 7 times, got no response.");
    assert_null(strstr(cause.next_step, "Ping it"));
    refused(&other, 0, SENT + 4 * S);
    assert_cause(judge(), CAUSE_DESTINATION_OVERLOADED, CONFIDENCE_MEDIUM);
    refused(&other, 5, SENT + 5 * S); /* one client's exchanges may all be forged */
    assert_cause(judge(), CAUSE_DESTINATION_OVERLOADED, CONFIDENCE_MEDIUM);
    refused(&alice, 0, SENT - 5 * S);
    assert_cause(judge(), CAUSE_DESTINATION_OVERLOADED, CONFIDENCE_HIGH);
}

/* Who stops early may have got a 503 himself that the mirror missed. */
static void test_refusals_and_short_ladders(void **state)
{
    static const enum confidence confidences[] = {CONFIDENCE_LOW, CONFIDENCE_LOW, CONFIDENCE_MEDIUM,
                                                  CONFIDENCE_MEDIUM, CONFIDENCE_HIGH};
    (void)state;
    const struct endpoint other = client_at(55);
    refused(&carol, 30, SENT + 2 * S);
    refused(&other, 30, SENT + 3 * S);
    for (uint32_t i = 0; i < sizeof confidences / sizeof confidences[0]; i++) {
        struct unanswered_facts facts = facts_of(i + 1);
        assert_cause(judge_facts(&facts), CAUSE_DESTINATION_OVERLOADED, confidences[i]);
    }
    delays(100, 700);
    struct unanswered_facts facts = facts_of(1);
    assert_cause(judge_facts(&facts), CAUSE_DESTINATION_OVERLOADED, CONFIDENCE_LOW);
    facts = facts_of(7);
    assert_cause(judge_facts(&facts), CAUSE_DESTINATION_OVERLOADED, CONFIDENCE_HIGH);
}

/* It turned others away, and since the request was sent nothing came from it at all. */
static void test_refused_and_then_silent(void **state)
{
    (void)state;
    const struct endpoint other = client_at(55);
    refused(&carol, 30, SENT - 2 * S);
    refused(&other, 30, SENT - S);
    struct cause cause = judge();
    assert_cause(cause, CAUSE_DESTINATION_OVERLOADED, CONFIDENCE_LOW);
    assert_says(cause.summary, "nor did anything else come from it meanwhile, so it may be down.");
    assert_says(cause.next_step, "Ping it first: is it up at all? Look at the load");
    peers_saw_packet(&peers, &gw.ip, SENT);
    assert_cause(judge(), CAUSE_DESTINATION_OVERLOADED, CONFIDENCE_HIGH);
}

static void test_selective_confidence(void **state)
{
    static const struct {
        unsigned others, invites; /* invites: unanswered before this one */
        uint32_t transmissions;
        bool answered_before, is_large;
        enum confidence confidence;
    } cases[] = {
        {3, 4, 7, false, false, CONFIDENCE_HIGH},   {4, 9, 5, false, false, CONFIDENCE_HIGH},
        {2, 4, 7, false, false, CONFIDENCE_MEDIUM}, {3, 3, 7, false, false, CONFIDENCE_MEDIUM},
        {3, 4, 7, true, false, CONFIDENCE_MEDIUM},  {3, 4, 7, false, true, CONFIDENCE_MEDIUM},
        {3, 4, 4, false, false, CONFIDENCE_LOW}, /* never heard, and gave up: answered unseen? */
        {1, 0, 2, true, false, CONFIDENCE_MEDIUM},  {1, 0, 1, true, false, CONFIDENCE_LOW},
        {1, 0, 1, false, false, CONFIDENCE_LOW},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start_anew();
        saw_invite(&carol, (struct peers_invite){.is_answered = true, .octets = 900}, S);
        gateway_answers(cases[i].others);
        for (unsigned k = 0; k < cases[i].invites; k++)
            saw_invite(&alice, (struct peers_invite){0}, (100 + k) * S);
        if (cases[i].answered_before)
            saw_response(&gw, &alice, TRANSPORT_UDP, 200, "OPTIONS", SENT - 600 * S);
        struct unanswered_facts facts = facts_of(cases[i].transmissions);
        facts.request.octets = cases[i].is_large ? 1301 : 1300;
        struct cause cause = judge_facts(&facts);
        if (cause.code != CAUSE_DESTINATION_SELECTIVE || cause.confidence != cases[i].confidence)
            fail_msg("case %zu: %s, %s", i, cause_code_name(cause.code),
                     confidence_name(cause.confidence));
        assert_int_equal(find_evidence(&cause, "answered_others")->count, cases[i].others);
    }
}

static void test_selective_words(void **state)
{
    struct unanswered_facts facts = facts_of(7);
    (void)state;
    saw_response(&gw, &alice, TRANSPORT_UDP, 404, "INVITE", SENT - 600 * S);
    saw_invite(&alice, (struct peers_invite){.is_answered = true, .is_repeated = true}, S);
    saw_invite(&carol, (struct peers_invite){.is_answered = true, .octets = 1310}, 2 * S);
    gateway_answers(1);
    struct cause cause = judge_facts(&facts);
    assert_says(cause.summary, "; it answered this caller 10 min before (404).");
    assert_says(cause.next_step, "fail2ban-client");
    const struct evidence *before = find_evidence(&cause, "answered_this_caller");
    assert_int_equal(before->status, 404);
    assert_int_equal(before->at_ns, SENT - 600 * S);
    const struct evidence *loss = find_evidence(&cause, "partial_loss");
    assert_int_equal(loss->count, 1);
    assert_int_equal(loss->of, 1);
    /* As large as what was answered: that is not it. */
    facts.request.octets = 1310;
    cause = judge_facts(&facts);
    assert_null(find_evidence(&cause, "larger_than_answered"));
    facts.request.octets = 1600;
    cause = judge_facts(&facts);
    assert_int_equal(find_evidence(&cause, "larger_than_answered")->octets, 1600);
    assert_says(cause.summary, "of its 1600 octets none was ever answered there, only up to 1310");
    assert_says(cause.next_step, "ping -s 1600 198.51.100.20");
    /* Other requests of the very same caller. */
    saw_response(&gw, &alice, TRANSPORT_UDP, 200, "OPTIONS", SENT + 20 * S);
    cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_DESTINATION_SELECTIVE, CONFIDENCE_MEDIUM);
    assert_says(cause.summary,
                "answered other requests of this caller meanwhile (OPTIONS with 200)");
    /* Over TCP, what it says over UDP does not count. */
    saw_response(&gw, &carol, TRANSPORT_TCP, 200, "OPTIONS", SENT + 21 * S);
    cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_DESTINATION_SELECTIVE, CONFIDENCE_MEDIUM);
    assert_says(cause.summary, "answered others meanwhile over UDP, but not this INVITE");
    assert_says(cause.summary, "; it answers this caller's other requests (200)");
    assert_int_equal(find_evidence(&cause, "answered_others")->at_ns, SENT + 20 * S);
    assert_null(find_evidence(&cause, "answered_others")->method);
}

/* No ban, where it answers what else this caller asks; and how long it never has. */
static void test_selective_and_this_caller(void **state)
{
    (void)state;
    saw_invite(&alice, (struct peers_invite){0}, S);
    gateway_answers(1);
    assert_says(judge().summary, "; none of this caller's 2 INVITEs was ever seen answered.");
    saw_response(&gw, &alice, TRANSPORT_UDP, 200, "BYE", SENT + S / 2);
    struct cause cause = judge();
    assert_cause(cause, CAUSE_DESTINATION_SELECTIVE, CONFIDENCE_MEDIUM);
    assert_says(cause.summary, "answered others meanwhile (INVITE of 192.0.2.100:5060 with 200)");
    assert_says(cause.summary, "; it answers this caller's other requests (200).");
    assert_says(cause.next_step, "no ban of its address");
}

/* Since when, and of whom else. */
static void test_silent_since(void **state)
{
    (void)state;
    saw_response(&gw, &carol, TRANSPORT_UDP, 486, "INVITE", SENT - 10800 * S);
    peers_saw_packet(&peers, &gw.ip, SENT - 90 * S);
    struct cause cause = judge();
    assert_says(cause.summary,
                "sent nothing at all for 32 s, in which this INVITE was sent 7 times; it last "
                "answered 3 h before (INVITE of 192.0.2.11:5062 with 486).");
    assert_int_equal(find_evidence(&cause, "last_heard")->at_ns, SENT - 90 * S);
    left_unanswered(&peers, &carol.ip, &gw);
    assert_says(judge().summary, "; 1 other INVITE got no response since either.");
    left_unanswered(&peers, &alice.ip, &gw);
    assert_says(judge().summary, "; 2 other INVITEs got no response since either, of several");
}

/* How long it was repeated, where that was not to the end; and what once alone may mean. */
static void test_silent_ladder(void **state)
{
    struct unanswered_facts facts = facts_of(4);
    (void)state;
    gateway_answered_once();
    assert_says(judge_facts(&facts).summary,
                "for 32 s, in which this INVITE was sent 4 times, all in the first 3.5 s; it");
    facts = facts_of(1);
    struct cause cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_DESTINATION_SILENT, CONFIDENCE_LOW);
    assert_says(cause.summary, "sent once and not repeated, as if it had been answered; it last");
    assert_says(cause.next_step, "does the mirror (SPAN) port copy both directions");
    /* It has another reason not to be repeated. */
    facts.hop.went_elsewhere = true;
    cause = judge_facts(&facts);
    assert_cause(cause, CAUSE_DESTINATION_SILENT, CONFIDENCE_LOW);
    assert_says(cause.summary, "this INVITE was sent once; it last");
    assert_null(strstr(cause.next_step, "mirror"));
}

/* Three short ladders, one after the other, are no burst of loss. */
static void test_silent_to_many(void **state)
{
    static const struct {
        unsigned repeated, once, stopped;
        uint32_t transmissions;
        enum confidence confidence;
    } cases[] = {
        {2, 0, 0, 4, CONFIDENCE_MEDIUM}, {2, 1, 1, 3, CONFIDENCE_MEDIUM},
        {2, 0, 0, 2, CONFIDENCE_LOW},    {2, 0, 0, 1, CONFIDENCE_LOW},
        {1, 9, 0, 4, CONFIDENCE_LOW},    {1, 0, 9, 4, CONFIDENCE_LOW},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start_anew();
        gateway_answered_once();
        unsigned repeated = cases[i].repeated, all = repeated + cases[i].once + cases[i].stopped;
        for (unsigned k = 0; k < all; k++)
            saw_invite(&alice,
                       (struct peers_invite){.is_repeated = k >= cases[i].once,
                                             .stopped_early = k >= cases[i].once + repeated},
                       SENT - (100 - k) * S);
        struct unanswered_facts facts = facts_of(cases[i].transmissions);
        struct cause cause = judge_facts(&facts);
        if (cause.code != CAUSE_DESTINATION_SILENT || cause.confidence != cases[i].confidence)
            fail_msg("case %zu: %s, %s", i, cause_code_name(cause.code),
                     confidence_name(cause.confidence));
        /* An answer, and it is all as before. */
        saw_response(&gw, &carol, TRANSPORT_UDP, 200, "OPTIONS", SENT - S);
        assert_int_equal(judge_facts(&facts).confidence, CONFIDENCE_LOW);
    }
}

/* "Never" is a word for a memory without gaps. */
static void test_never_seen(void **state)
{
    (void)state;
    mirror_works();
    assert_says(judge().summary, "; the sensor has never seen it answer.");
    peers.forgotten = 1;
    assert_null(strstr(judge().summary, "never"));
}

static void test_nat_binding(void **state)
{
    static const struct {
        int64_t idle_s;
        const char *words;
    } cases[] = {
        {29, NULL},
        {30, "may have closed"},
        {59, "idle for 59 s"},
        {60, "has probably closed"},
        {119, "has probably closed"},
        {120, "idle for 2 min, so that its NAT binding, if it is behind one, has most likely"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start_anew();
        saw_response(&carol, &gw, TRANSPORT_UDP, 200, "REGISTER", SENT - 900 * S);
        peers_saw_packet(&peers, &gw.ip, SENT - cases[i].idle_s * S);
        struct cause cause = judge();
        assert_cause(cause, CAUSE_DESTINATION_SILENT, CONFIDENCE_MEDIUM);
        assert_int_equal(find_evidence(&cause, "registered")->at_ns, SENT - 900 * S);
        const struct evidence *idle = find_evidence(&cause, "nat_binding_idle");
        if (!cases[i].words) {
            assert_null(idle);
            continue;
        }
        assert_int_equal(idle->since_ns, SENT - cases[i].idle_s * S);
        assert_int_equal(idle->delay_ns, cases[i].idle_s * S);
        assert_says(cause.summary, "it registered 15 min before");
        assert_says(cause.summary, cases[i].words);
        assert_says(cause.next_step, "qualify_frequency");
        /* Nobody keeps a connection open that way. */
        struct unanswered_facts facts = facts_of(1);
        facts.transport = TRANSPORT_TCP;
        cause = judge_facts(&facts);
        assert_non_null(find_evidence(&cause, "registered"));
        assert_null(find_evidence(&cause, "nat_binding_idle"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_wrong_transport_of_several),
        TEST(test_wrong_transport),
        TEST(test_wrong_transport_to_whom),
        TEST(test_wrong_transport_words),
        TEST(test_wrong_port_is_not_wrong_transport),
        TEST(test_wrong_transport_at_this_port),
        TEST(test_websocket_is_apart),
        TEST(test_registered_is_not_wrong),
        TEST(test_overloaded),
        TEST(test_refusals),
        TEST(test_refusals_and_short_ladders),
        TEST(test_refused_and_then_silent),
        TEST(test_selective_confidence),
        TEST(test_selective_words),
        TEST(test_selective_and_this_caller),
        TEST(test_silent_since),
        TEST(test_silent_ladder),
        TEST(test_silent_to_many),
        TEST(test_never_seen),
        TEST(test_nat_binding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
