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
                     i == 3 ? DECODE_FRAGMENT : DECODE_UDP);
    assert_int_equal(tally->packets, 4);
    assert_int_equal(tally->bytes, 400);
    assert_int_equal(tally->first_ns, NOON);
    assert_int_equal(tally->last_ns, NOON + 9);
    assert_int_equal(tally->decoded[DECODE_UDP], 3);
    assert_int_equal(tally->decoded[DECODE_FRAGMENT], 1);
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
    tally_message(tally, &msg);
    msg.call_id = SLICE("b");
    msg.defects = 0;
    tally_message(tally, &msg);
    msg = (struct sip_msg){.method = SIP_INVITE, .status = 180, .call_id = SLICE("a")};
    tally_message(tally, &msg);
    msg.status = 699;
    tally_message(tally, &msg);
    msg.method = SIP_METHOD_OTHER;
    tally_message(tally, &msg);
    assert_int_equal(tally_requests(tally), 2);
    assert_int_equal(tally_responses(tally), 3);
    assert_int_equal(tally->requests[SIP_INVITE], 2);
    assert_int_equal(tally->responses[SIP_INVITE][1], 1);
    assert_int_equal(tally->responses[SIP_INVITE][6], 1);
    assert_int_equal(tally->responses[SIP_METHOD_OTHER][6], 1);
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
    /* The example is one of the most frequent cause. */
    assert_int_equal(at->cause.code, CAUSE_DESTINATION_SILENT);
    assert_string_equal(at->call_id, "c2");
    assert_string_equal(at->cause.summary, "It was destination_silent.");
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
    assert_int_equal(strlen(at->call_id), TALLY_TEXT_MAX - 1);
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
        cmocka_unit_test(test_packets),       cmocka_unit_test(test_messages),
        cmocka_unit_test(test_ended),         cmocka_unit_test(test_destination),
        cmocka_unit_test(test_hostile_texts), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_sort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
