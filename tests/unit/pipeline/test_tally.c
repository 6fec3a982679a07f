#include "pipeline_bench.h"

static struct tally *tally_new(void)
{
    struct tally *tally = malloc(sizeof *tally);
    assert_non_null(tally);
    assert_int_equal(tally_init(tally, 4096), 0);
    return tally;
}

static void tally_free(struct tally *tally)
{
    tally_fini(tally);
    free(tally);
}

static void give(struct tally *tally, struct event event)
{
    tally_event(tally, &event);
}

static void test_packets(void **state)
{
    static const int64_t times[] = {NOON + 5, NOON, NOON + 9, NOON + 7};
    struct tally *tally = tally_new();
    (void)state;
    assert_int_equal(tally->first_ns, EVENT_NO_TIME);
    for (size_t i = 0; i < 4; i++)
        tally_packet(tally,
                     &(struct packet){.time_ns = times[i], .captured_len = 100, .wire_len = 500},
                     i == 3 ? DECODE_FRAGMENT : DECODE_UDP,
                     &(struct datagram){.tunnel = i == 2 ? TUNNEL_VXLAN : TUNNEL_NONE});
    assert_int_equal(tally->packets, 4);
    assert_int_equal(tally->bytes, 400);
    assert_int_equal(tally->first_ns, NOON);
    assert_int_equal(tally->last_ns, NOON + 9);
    assert_int_equal(tally->decoded[DECODE_UDP], 3);
    assert_int_equal(tally->decoded[DECODE_FRAGMENT], 1);
    assert_int_equal(tally->tunnels[TUNNEL_VXLAN], 1);
    assert_int_equal(tally->tunnels[TUNNEL_NONE], 3);
    tally_free(tally);
}

/* What is no IP packet has no tunnel: that field may be anything. */
static void test_not_ip(void **state)
{
    struct tally *tally = tally_new();
    (void)state;
    for (int verdict = 0; verdict < DECODE_VERDICT_COUNT; verdict++)
        tally_packet(tally, &(struct packet){.time_ns = NOON}, (enum decode_verdict)verdict,
                     &(struct datagram){
                         .tunnel = decode_is_ip((enum decode_verdict)verdict) ? TUNNEL_GRE : 0xff});
    assert_int_equal(tally->tunnels[TUNNEL_GRE], 5);
    assert_int_equal(tally->decoded[DECODE_NOT_IP], 1);
    tally_free(tally);
}

/* Many at once are as many. */
static void test_rtp(void **state)
{
    struct tally *tally = tally_new();
    (void)state;
    const struct packet packet[] = {
        {.time_ns = NOON}, {.time_ns = NOON + 5}, {.time_ns = NOON + 9}};
    tally_rtp(tally, packet, 3, 642);
    tally_rtp(tally, &(struct packet){.time_ns = NOON - 1}, 1, 58);
    assert_int_equal(tally->packets, 4);
    assert_int_equal(tally->bytes, 700);
    assert_int_equal(tally->first_ns, NOON - 1);
    assert_int_equal(tally->last_ns, NOON + 9);
    assert_int_equal(tally->decoded[DECODE_UDP], 4);
    assert_int_equal(tally->tunnels[TUNNEL_NONE], 4);
    assert_int_equal(tally->udp_other, 4);
    tally_free(tally);
}

/* Copies are in what was read, and nowhere else. */
static void test_copies(void **state)
{
    struct tally *tally = tally_new();
    (void)state;
    const struct datagram datagram = {.tunnel = TUNNEL_GRE};
    tally_packet(tally, &(struct packet){.time_ns = NOON, .captured_len = 100}, DECODE_UDP,
                 &datagram);
    tally_copy(tally, &(struct packet){.time_ns = NOON + 20, .captured_len = 104});
    tally_copy(tally, &(struct packet){.time_ns = NOON - 20, .captured_len = 104});
    assert_int_equal(tally->packets, 3);
    assert_int_equal(tally->bytes, 308);
    assert_int_equal(tally->first_ns, NOON - 20);
    assert_int_equal(tally->last_ns, NOON + 20);
    assert_int_equal(tally->copies, 2);
    uint64_t sum = tally->copies;
    for (int verdict = 0; verdict < DECODE_VERDICT_COUNT; verdict++)
        sum += tally->decoded[verdict];
    assert_int_equal(sum, tally->packets);
    assert_int_equal(tally->tunnels[TUNNEL_GRE], 1);
    tally_free(tally);
}

static void test_left_out(void **state)
{
    static const bool want[DECODE_VERDICT_COUNT] = {
        [DECODE_OTHER_IP] = true,  [DECODE_NOT_IP] = true,    [DECODE_UNKNOWN_LINK] = true,
        [DECODE_TRUNCATED] = true, [DECODE_MALFORMED] = true,
    };
    (void)state;
    for (int verdict = 0; verdict < DECODE_VERDICT_COUNT; verdict++)
        assert_int_equal(tally_is_left_out((enum decode_verdict)verdict), want[verdict]);
}

static void test_icmp(void **state)
{
    struct tally *tally = tally_new();
    (void)state;
    tally_icmp(tally, &(struct icmp_error){.meaning = ICMP_PORT_UNREACHABLE});
    tally_icmp(tally, &(struct icmp_error){.meaning = ICMP_PARAMETER_PROBLEM});
    tally_icmp(tally, &(struct icmp_error){.meaning = ICMP_PORT_UNREACHABLE});
    assert_int_equal(tally->icmp_errors[ICMP_PORT_UNREACHABLE], 2);
    assert_int_equal(tally->icmp_errors[ICMP_PARAMETER_PROBLEM], 1);
    tally_free(tally);
}

static void test_messages(void **state)
{
    static struct sip_msg msg;
    struct tally *tally = tally_new();
    (void)state;
    msg = (struct sip_msg){.is_request = true,
                           .method = SIP_INVITE,
                           .call_id = SLICE("a"),
                           .defects = SIP_DEFECT_BARE_LF | SIP_DEFECT_UNTERMINATED_QUOTE};
    tally_message(tally, &msg, TRANSPORT_UDP);
    msg.call_id = SLICE("b");
    msg.defects = 0;
    tally_message(tally, &msg, TRANSPORT_UDP);
    msg = (struct sip_msg){.method = SIP_INVITE, .status = 180, .call_id = SLICE("a")};
    tally_message(tally, &msg, TRANSPORT_UDP);
    msg.status = 699;
    tally_message(tally, &msg, TRANSPORT_TCP);
    msg.method = SIP_METHOD_OTHER;
    tally_message(tally, &msg, TRANSPORT_WS);
    assert_int_equal(tally_requests(tally), 2);
    assert_int_equal(tally_responses(tally), 3);
    assert_int_equal(tally->requests[SIP_INVITE], 2);
    assert_int_equal(tally->responses[SIP_INVITE][1], 1);
    assert_int_equal(tally->responses[SIP_INVITE][6], 1);
    assert_int_equal(tally->responses[SIP_METHOD_OTHER][6], 1);
    assert_int_equal(tally->messages[TRANSPORT_UDP], 3);
    assert_int_equal(tally->messages[TRANSPORT_TCP], 1);
    assert_int_equal(tally->messages[TRANSPORT_WS], 1);
    assert_int_equal(tally->messages[TRANSPORT_TLS], 0);
    assert_int_equal(tally->call_ids.count, 2);
    assert_int_equal(tally->defects[0], 1);
    assert_int_equal(tally->defects[16], 1);
    tally_free(tally);
}

static void test_ended(void **state)
{
    struct tally *tally = tally_new();
    (void)state;
    struct event event = ended_event(CALL_STATE_COMPLETED, 200);
    event.call_ended.has_ack_missing = event.call_ended.ack_missing = true;
    event.call_ended.first_response_ns = 0; /* known */
    event.call_ended.post_dial_delay_ns = 3 * S;
    give(tally, event);
    give(tally, ended_event(CALL_STATE_FAILED, 486));
    give(tally, ended_event(CALL_STATE_FAILED, 486));
    give(tally, ended_event(CALL_STATE_FAILED, 699));
    give(tally, ended_event(CALL_STATE_FAILED, 0));
    event = ended_event(CALL_STATE_FAILED, 404);
    event.call_ended.is_of_scanner = event.call_ended.ack_missing = true;
    event.call_ended.first_response_ns = S;
    give(tally, event);
    event.call_ended.state = CALL_STATE_COMPLETED;
    give(tally, event);
    assert_int_equal(tally->calls_of_scanners[CALL_STATE_FAILED], 1);
    assert_int_equal(tally_calls_of_scanners(tally), 2);
    assert_int_equal(tally_calls(tally, CALL_STATE_COMPLETED), 1);
    assert_int_equal(tally_calls(tally, CALL_STATE_FAILED), 4);
    assert_int_equal(tally->calls[CALL_STATE_FAILED][486], 2);
    assert_int_equal(tally->ack_missing, 1);
    assert_int_equal(tally->first_response_us.count, 1);
    assert_int_equal(tally->post_dial_delay_us.max, 3000000);
    tally_free(tally);
}

static void test_destination(void **state)
{
    struct tally *tally = tally_new();
    struct endpoint gw = endpoint_v4(2, 20, 5060);
    (void)state;
    struct event event =
        unanswered_event(endpoint_v4(2, 1, 5060), gw, CAUSE_UNKNOWN, CONFIDENCE_LOW);
    event.invite_unanswered.dst.name = "trunk-a";
    give(tally, event);
    event =
        unanswered_event(endpoint_v4(2, 2, 5060), gw, CAUSE_DESTINATION_SILENT, CONFIDENCE_HIGH);
    event.invite_unanswered.call_id = SLICE("c2");
    event.invite_unanswered.transmissions = 2;
    event.invite_unanswered.first_sent_ns = NOON - S;
    give(tally, event);
    event.invite_unanswered.transmissions = 11;
    event.invite_unanswered.last_sent_ns = NOON + 60 * S;
    give(tally, event);
    /* The same host's other port is another destination. */
    give(tally, unanswered_event(endpoint_v4(2, 1, 5060), endpoint_v4(2, 20, 5061), CAUSE_UNKNOWN,
                                 CONFIDENCE_LOW));
    assert_int_equal(tally->unanswered, 4);
    assert_int_equal(tally->causes[CAUSE_UNKNOWN], 2);
    assert_int_equal(tally->causes[CAUSE_DESTINATION_SILENT], 2);
    assert_int_equal(tally->destinations, 2);
    const struct tally_destination *at = &tally->destination[0];
    assert_true(endpoint_eq(&at->dst, &gw));
    assert_string_equal(at->name, "trunk-a");
    assert_int_equal(at->invites, 3);
    assert_int_equal(at->transmissions, 20);
    assert_int_equal(at->transmissions_min, 2);
    assert_int_equal(at->transmissions_max, 11);
    assert_int_equal(at->callers, 2);
    assert_int_equal(at->first_ns, NOON - S);
    assert_int_equal(at->last_ns, NOON + 60 * S);
    assert_int_equal(at->causes[CAUSE_DESTINATION_SILENT], 2);
    /* The example is one of the highest confidence. */
    assert_int_equal(at->cause.code, CAUSE_DESTINATION_SILENT);
    assert_string_equal(at->call_id, "c2");
    assert_string_equal(at->cause.summary, "It was destination_silent.");
    tally_free(tally);
}

/* The surest cause is told, though it is rare; of those that are as sure the most frequent one. */
static void test_example(void **state)
{
    struct tally *tally = tally_new();
    struct endpoint pbx = endpoint_v4(2, 1, 5060), gw = endpoint_v4(2, 20, 5060);
    const struct tally_destination *at = &tally->destination[0];
    (void)state;
    give(tally, unanswered_event(pbx, gw, CAUSE_UNKNOWN, CONFIDENCE_LOW));
    for (int i = 0; i < 2; i++)
        give(tally, unanswered_event(pbx, gw, CAUSE_DESTINATION_SELECTIVE, CONFIDENCE_LOW));
    assert_int_equal(at->cause.code, CAUSE_DESTINATION_SELECTIVE);
    give(tally, unanswered_event(pbx, gw, CAUSE_ICMP_UNREACHABLE, CONFIDENCE_HIGH));
    for (int i = 0; i < 9; i++)
        give(tally, unanswered_event(pbx, gw, CAUSE_DESTINATION_SILENT, CONFIDENCE_MEDIUM));
    assert_int_equal(at->cause.code, CAUSE_ICMP_UNREACHABLE);
    assert_int_equal(at->cause.confidence, CONFIDENCE_HIGH);
    assert_string_equal(at->cause.summary, "It was icmp_unreachable.");
    assert_int_equal(at->causes[CAUSE_DESTINATION_SILENT], 9);
    tally_free(tally);
}

/* However many INVITEs a scan sends, once each, the trunk that died is told before it, and kept
 * where room is made; so is one over TCP, which repeats by itself. */
static void test_scan(void **state)
{
    struct tally *tally = tally_new();
    struct endpoint pbx = endpoint_v4(2, 1, 5060);
    (void)state;
    struct event event =
        unanswered_event(pbx, endpoint_v4(2, 20, 5060), CAUSE_UNKNOWN, CONFIDENCE_LOW);
    give(tally, event);
    event.invite_unanswered.dst.endpoint.port = 5061;
    event.invite_unanswered.transport = TRANSPORT_TCP;
    event.invite_unanswered.transmissions = 1;
    event.invite_unanswered.first_sent_ns++;
    give(tally, event);
    event.invite_unanswered.transport = TRANSPORT_UDP;
    for (unsigned i = 0; i < 2 * 1500; i++) {
        event.invite_unanswered.dst.endpoint = endpoint_v4(3, 1, (uint16_t)(1000 + i / 2));
        give(tally, event);
    }
    assert_int_equal(tally->destinations, TALLY_DESTINATIONS_MAX);
    assert_int_equal(tally->other_destinations_invites, 2 * (1500 - (TALLY_DESTINATIONS_MAX - 2)));
    assert_false(tally->other_destinations_insist);
    tally_sort(tally);
    assert_int_equal(tally->destination[0].dst.port, 5060);
    assert_int_equal(tally->destination[1].dst.port, 5061);
    assert_int_equal(tally->destination[2].invites, 2);
    tally_free(tally);
}

/* Nothing that a terminal would act on, and cut. */
static void test_hostile_texts(void **state)
{
    char text[300];
    struct tally *tally = tally_new();
    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)i;
    struct event event = unanswered_event(endpoint_v4(2, 1, 5060), endpoint_v4(2, 20, 5060),
                                          CAUSE_UNKNOWN, CONFIDENCE_LOW);
    event.invite_unanswered.call_id = slice_of(text, sizeof text);
    event.invite_unanswered.from_uri = SLICE("\x1b[2J\x9b\r\nok\x7f");
    event.invite_unanswered.to_uri = SLICE_NONE;
    give(tally, event);
    const struct tally_destination *at = &tally->destination[0];
    assert_int_equal(strlen(at->call_id), KEPT_TEXT_MAX - 1);
    for (size_t i = 0; at->call_id[i]; i++)
        assert_in_range((unsigned char)at->call_id[i], 0x20, 0x7e);
    assert_string_equal(at->from_uri, "?[2J???ok?");
    assert_string_equal(at->to_uri, "");
    tally_free(tally);
}

static void test_limits(void **state)
{
    struct tally *tally = tally_new();
    struct endpoint gw = endpoint_v4(2, 20, 5060);
    (void)state;
    for (unsigned i = 0; i < 200; i++)
        give(tally,
             unanswered_event(endpoint_v4(3, (uint8_t)i, 5060), gw, CAUSE_UNKNOWN, CONFIDENCE_LOW));
    assert_int_equal(tally->destination[0].callers, TALLY_CALLERS_MAX);
    assert_int_equal(tally->destination[0].invites, 200);
    for (unsigned i = 0; i < 2000; i++)
        give(tally, unanswered_event(gw, endpoint_v4(2, 21, (uint16_t)(1 + i)), CAUSE_UNKNOWN,
                                     CONFIDENCE_LOW));
    assert_int_equal(tally->destinations, TALLY_DESTINATIONS_MAX);
    assert_int_equal(tally->other_destinations_invites, 2000 - (TALLY_DESTINATIONS_MAX - 1));
    assert_int_equal(tally->unanswered, 2200); /* the total is exact */
    assert_true(tally->other_destinations_insist);
    tally_free(tally);
}

static void test_unanswered_over(void **state)
{
    struct tally *tally = tally_new();
    struct endpoint gw = endpoint_v4(2, 20, 5060);
    (void)state;
    struct event event =
        unanswered_event(endpoint_v4(2, 1, 5060), gw, CAUSE_TCP_REFUSED, CONFIDENCE_HIGH);
    give(tally, event); /* UDP */
    event.invite_unanswered.transport = TRANSPORT_TCP;
    give(tally, event);
    give(tally, event);
    assert_int_equal(tally->unanswered_over[TRANSPORT_UDP], 1);
    assert_int_equal(tally->unanswered_over[TRANSPORT_TCP], 2);
    assert_int_equal(tally->destinations, 2);
    tally_free(tally);
}

static void test_connections_failed(void **state)
{
    struct tally *tally = tally_new();
    struct endpoint gw = endpoint_v4(2, 20, 5061);
    (void)state;
    struct event event =
        failed_event(endpoint_v4(2, 1, 40000), gw, CONNECTION_NO_ANSWER, CONFIDENCE_LOW);
    event.connection_failed.dst.name = "trunk-a";
    give(tally, event);
    event = failed_event(endpoint_v4(2, 1, 40001), gw, CONNECTION_REFUSED, CONFIDENCE_HIGH);
    event.connection_failed.attempts = 1;
    event.connection_failed.first_ns = NOON - S;
    event.connection_failed.last_ns = NOON - S / 2;
    give(tally, event);
    event.connection_failed.src.endpoint = endpoint_v4(2, 2, 40001);
    event.connection_failed.confidence = CONFIDENCE_MEDIUM;
    event.connection_failed.last_ns = NOON + 60 * S;
    give(tally, event);
    event.connection_failed.transport = TRANSPORT_TLS; /* another destination, if you will */
    event.connection_failed.reason = CONNECTION_TLS_SILENT;
    give(tally, event);
    assert_int_equal(tally_connections_failed(tally), 4);
    assert_int_equal(tally->connections_failed[CONNECTION_REFUSED], 2);
    assert_int_equal(tally->connections_failed[CONNECTION_TLS_SILENT], 1);
    assert_int_equal(tally->failing_destinations, 2);
    const struct tally_failing *at = &tally->failing[0];
    assert_true(endpoint_eq(&at->dst, &gw));
    assert_string_equal(at->name, "trunk-a");
    assert_int_equal(at->connections, 3);
    assert_int_equal(at->attempts, 8);
    assert_int_equal(at->hellos, 0);
    assert_int_equal(tally->failing[1].hellos, 1);
    assert_int_equal(at->reasons[CONNECTION_NO_ANSWER], 1);
    assert_int_equal(at->reasons[CONNECTION_REFUSED], 2);
    assert_int_equal(at->doubted, 2);
    assert_int_equal(at->callers, 2);
    assert_int_equal(at->first_ns, NOON - S);
    assert_int_equal(at->last_ns, NOON + 60 * S);
    assert_int_equal(tally->unanswered, 0);
    tally_free(tally);
}

/* A scan of a whole network does not hide the server that refuses its own clients. */
static void test_failing_limits(void **state)
{
    struct tally *tally = tally_new();
    struct endpoint client = endpoint_v4(2, 1, 40000), gw = endpoint_v4(2, 20, 5060);
    (void)state;
    for (unsigned i = 0; i < 50; i++)
        give(tally, failed_event(endpoint_v4(2, (uint8_t)(100 + i), 40000), gw, CONNECTION_REFUSED,
                                 CONFIDENCE_HIGH));
    for (unsigned i = 0; i < 1000; i++)
        give(tally, failed_event(client, endpoint_v4(3, (uint8_t)(i % 250), (uint16_t)(5060 + i)),
                                 CONNECTION_NO_ANSWER, CONFIDENCE_LOW));
    assert_int_equal(tally->failing_destinations, TALLY_FAILING_MAX);
    tally_sort(tally);
    assert_true(endpoint_eq(&tally->failing[0].dst, &gw));
    assert_int_equal(tally->failing[0].connections, 50);
    assert_int_equal(tally->failing[0].callers, TALLY_FAILING_CALLERS_MAX);
    assert_int_equal(tally->other_failing_connections, 1000 - (TALLY_FAILING_MAX - 1));
    assert_int_equal(tally_connections_failed(tally), 1050); /* the total is exact */
    tally_free(tally);
}

static void test_degraded(void **state)
{
    struct tally *tally = tally_new();
    (void)state;
    give(tally, degraded_event(MIRROR_LOSS, 0.4));
    give(tally, degraded_event(MIRROR_LOSS, 0.9));
    give(tally, degraded_event(MIRROR_LOSS, 0.5));
    assert_int_equal(tally->mirror[MIRROR_LOSS].events, 3);
    assert_string_equal(tally->mirror[MIRROR_LOSS].worst.summary, "It was 0.90.");
    assert_int_equal(tally->mirror[MIRROR_ONE_WAY].events, 0);
    tally_free(tally);
}

static void test_sort(void **state)
{
    struct tally *tally = tally_new();
    (void)state;
    for (int destination = 1; destination <= 4; destination++)
        for (int i = 0; i < (destination == 2 ? 9 : destination); i++)
            give(tally, unanswered_event(endpoint_v4(2, 1, 5060),
                                         endpoint_v4(2, 20, (uint16_t)destination), CAUSE_UNKNOWN,
                                         CONFIDENCE_LOW));
    tally_sort(tally);
    static const uint16_t want[] = {2, 4, 3, 1};
    for (int i = 0; i < 4; i++)
        assert_int_equal(tally->destination[i].dst.port, want[i]);
    tally_free(tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packets),
        cmocka_unit_test(test_not_ip),
        cmocka_unit_test(test_rtp),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_left_out),
        cmocka_unit_test(test_icmp),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_ended),
        cmocka_unit_test(test_destination),
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_hostile_texts),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_unanswered_over),
        cmocka_unit_test(test_connections_failed),
        cmocka_unit_test(test_failing_limits),
        cmocka_unit_test(test_degraded),
        cmocka_unit_test(test_sort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
