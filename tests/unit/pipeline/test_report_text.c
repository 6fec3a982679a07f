/* The report for people: what it says, and that no line is wider than a terminal, whatever was on
 * the wire. */
#include "pipeline_bench.h"

static char *printed;

static const char *print(const struct pipeline *pipeline, const char *const *inputs, size_t count,
                         const char *error)
{
    size_t len;
    free(printed);
    FILE *out = open_memstream(&printed, &len);
    assert_non_null(out);
    const struct report_source source = {.pipeline = pipeline,
                                         .inputs = inputs,
                                         .input_count = count,
                                         .sensor_id = "sensor-1",
                                         .error = error};
    report_print_text(&source, out);
    fclose(out);
    /* Columns, not octets: what begins a character in UTF-8. */
    int column = 0;
    const char *line = printed;
    for (const char *at = printed; *at; at++) {
        if (*at == '\n') {
            line = at + 1;
            column = 0;
        } else if (((unsigned char)*at & 0xc0) != 0x80 && ++column > 80) {
            fail_msg("wider than 80 columns: %.120s", line);
        }
    }
    return printed;
}

static const char *const one_input[] = {"calls.pcap"};

static void assert_says(const char *text, const char *what)
{
    if (!strstr(text, what))
        fail_msg("\"%s\" is missing in:\n%s", what, text);
}

static void test_empty(void **state)
{
    struct pipeline *p = pipeline_figures();
    (void)state;
    const char *text = print(p, one_input, 1, NULL);
    assert_says(text, "calls.pcap");
    assert_says(text, "0 packets");
    assert_says(text, "UNANSWERED INVITES  cannot tell: no SIP message was read");
    assert_null(strstr(text, "INCOMPLETE"));
    assert_null(strstr(text, "LEFT OUT"));
    assert_null(strstr(text, "RESPONSE TIMES"));
    assert_null(strstr(text, "CONNECTIONS THAT FAILED"));
    assert_null(strstr(text, "MIRROR")); /* nothing was read: nothing is said of it */
    assert_null(strstr(text, "CARRIED BY"));
    pipeline_figures_free(p);
}

static void test_figures(void **state)
{
    struct pipeline *p = pipeline_figures();
    (void)state;
    p->tally.packets = 1234567;
    p->tally.requests[SIP_INVITE] = 1;
    p->tally.responses[SIP_INVITE][2] = 4321;
    p->tally.first_ns = NOON;
    p->tally.last_ns = NOON + 90 * S;
    struct event event = unanswered_event(endpoint_v4(2, 1, 5060), endpoint_v4(2, 20, 5060),
                                          CAUSE_DESTINATION_SILENT, CONFIDENCE_HIGH);
    event.invite_unanswered.dst.name = "trunk-a";
    tally_event(&p->tally, &event);
    event = ended_event(CALL_STATE_FAILED, 486);
    event.call_ended.first_response_ns = S / 8;
    tally_event(&p->tally, &event);
    p->tally.refused[SIP_NO_VIA] = 3;
    p->calls.table.phase_count[PHASE_UP] = 2;
    p->calls.stray_responses = 5;
    const char *text = print(p, one_input, 1, "calls.pcap: cut off in packet 7");
    assert_says(text, "1,234,567 packets");
    assert_says(text, "1 request,");
    assert_says(text, "4,321 responses");
    assert_says(text, "2026-01-31 12:00:00 to 12:01:30 UTC (90.0 s)");
    assert_says(text, "INCOMPLETE: calls.pcap: cut off in packet 7");
    assert_says(text, "trunk-a (192.0.2.20:5060)");
    assert_says(text, "1 INVITE, 1 caller");
    assert_says(text, "destination_silent");
    assert_says(text, "confidence high");
    assert_says(text, "It was destination_silent.");
    assert_says(text, "Next: Look there.");
    assert_says(text, "c1@example.com");
    assert_says(text, "486: 1");
    assert_says(text, "2 still up at the end");
    assert_says(text, "125.0");
    assert_says(text, "3 SIP messages that could not be read: no Via");
    assert_says(text, "5 responses that could not have reached the client");
    pipeline_figures_free(p);
}

/* "none" is said only where it is known. */
static void test_none(void **state)
{
    (void)state;
    struct pipeline *p = pipeline_figures();
    p->tally.requests[SIP_INVITE] = 1;
    assert_says(print(p, one_input, 1, NULL), "UNANSWERED INVITES  none\n");
    struct endpoint gw = endpoint_v4(2, 20, 5060);
    tally_waiting(&p->tally, &gw, "trunk-a", 3, 2 * S);
    tally_waiting(&p->tally, &gw, "trunk-a", 6, 16 * S);
    const char *text = print(p, one_input, 1, NULL);
    assert_says(text, "none confirmed");
    assert_says(text, "STILL WAITING  2 INVITEs (one per hop) had no response yet");
    assert_says(text, "trunk-a (192.0.2.20:5060): 2 INVITEs, sent up to 6 times, for up to 16.0 s");
    pipeline_figures_free(p);
    p = pipeline_figures();
    p->tally.responses[SIP_INVITE][2] = 1;
    assert_says(print(p, one_input, 1, NULL), "only responses were seen");
    pipeline_figures_free(p);
    p = pipeline_figures();
    p->capture_stats.filtered = 1;
    assert_says(print(p, one_input, 1, NULL), "the filter left packets out");
    pipeline_figures_free(p);
}

static void fill(uint64_t *counts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        counts[i] = 999999999;
}

static void test_each_left_out_line(void **state)
{
    struct pipeline *p = pipeline_figures();
    (void)state;
    fill(p->tally.decoded, DECODE_VERDICT_COUNT);
    fill(p->tally.refused, SIP_REFUSAL_COUNT);
    p->calls.table.evicted[PHASE_TRYING] = 99999999; /* one row has the sum of two */
    p->calls.table.evicted[PHASE_EARLY] = 99999999;
    p->calls.table.evicted[PHASE_UP] = 999999999;
    p->capture_stats = (struct capture_stats){.filtered = 999999999,
                                              .dropped_kernel = 999999999,
                                              .dropped_interface = 999999999,
                                              .truncated = 999999999};
    p->calls.media_map.left_out = p->calls.stray_responses = p->calls.unmatched_responses =
        999999999;
    p->calls.inferred_answers = p->calls.expired = p->calls.joined_late = 999999999;
    p->calls.table.transactions_left_out = p->tally.ack_missing = 999999999;
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        p->calls.table.phase_count[phase] = 999999999;
    const char *text = print(p, one_input, 1, NULL);
    assert_says(text, "LEFT OUT");
    assert_says(text, "999,999,999 ICMP packets about no INVITE seen here");
    assert_null(strstr(text, "IP fragments, not put together"));
    assert_tells(text, "999,999,999 descriptions of media (SDP) for which there was no room");
    for (int refusal = SIP_NOT_SIP; refusal < SIP_REFUSAL_COUNT; refusal++)
        assert_tells(text, report_refusal_text((enum sip_refusal)refusal));
    pipeline_figures_free(p);
}

static void test_long_names_and_values(void **state)
{
    static const char name[] = "a-trunk-with-a-name-that-is-as-long-as-the-configuration-lets-it";
    const uint8_t octets[16] = {0x20, 0x01, 0x0d, 0xb8, 0x11, 0x11, 0x22, 0x22,
                                0x33, 0x33, 0x44, 0x44, 0x55, 0x55, 0x66, 0x66};
    struct pipeline *p = pipeline_figures();
    char unbroken[400];
    (void)state;
    memset(unbroken, 'x', sizeof unbroken);
    struct event event =
        unanswered_event(endpoint_v4(2, 1, 5060), (struct endpoint){ip_from_v6(octets), 65535},
                         CAUSE_UNKNOWN, CONFIDENCE_LOW);
    event.invite_unanswered.dst.name = name;
    event.invite_unanswered.call_id = slice_of(unbroken, sizeof unbroken);
    event.invite_unanswered.from_uri = slice_of(unbroken, sizeof unbroken);
    event.invite_unanswered.to_uri = slice_of(unbroken, sizeof unbroken);
    event.invite_unanswered.transmissions = UINT32_MAX;
    memset(event.invite_unanswered.cause.summary, 'y', EVENT_SUMMARY_MAX - 1);
    tally_event(&p->tally, &event);
    print(p, one_input, 1, NULL);
    pipeline_figures_free(p);
}

static void test_many_inputs(void **state)
{
    struct pipeline *p = pipeline_figures();
    char path[80];
    const char *inputs[40];
    (void)state;
    memset(path, 'p', sizeof path - 1);
    path[sizeof path - 1] = 0;
    for (int i = 0; i < 40; i++)
        inputs[i] = path + i;
    print(p, inputs, 40,
          "one of them: cut off in the middle of a packet of which only half is there");
    pipeline_figures_free(p);
}

/* As a day of a large carrier has them. */
static void test_large_counts(void **state)
{
    struct pipeline *p = pipeline_figures();
    (void)state;
    p->tally.packets = p->tally.requests[SIP_INVITE] = p->tally.responses[SIP_INVITE][2] =
        123456789;
    p->tally.call_ids.count = (1 << 20);
    p->tally.call_ids.is_full = true;
    for (int status = 400; status < 420; status++)
        p->tally.calls[CALL_STATE_FAILED][status] = 1234567;
    p->tally.calls[CALL_STATE_COMPLETED][200] = 123456789;
    spread_add(&p->tally.first_response_us, UINT64_C(86400000000));
    p->tally.first_ns = 0;
    p->tally.last_ns = INT64_MAX; /* the widest span */
    print(p, one_input, 1, NULL);
    pipeline_figures_free(p);
}

static void test_connections_failed(void **state)
{
    struct pipeline *p = pipeline_figures();
    (void)state;
    struct event event = failed_event(endpoint_v4(2, 1, 40000), endpoint_v4(2, 20, 5061),
                                      CONNECTION_TLS_SILENT, CONFIDENCE_LOW);
    event.connection_failed.transport = TRANSPORT_TLS;
    event.connection_failed.dst.name = "trunk-a";
    tally_event(&p->tally, &event);
    event.connection_failed.reason = CONNECTION_REFUSED;
    event.connection_failed.confidence = CONFIDENCE_HIGH;
    tally_event(&p->tally, &event);
    const char *text = print(p, one_input, 1, NULL);
    assert_says(text, "CONNECTIONS THAT FAILED  2 ended before any SIP");
    assert_says(text, "trunk-a (192.0.2.20:5061) TLS: 2 connections, 6 SYNs, 6 TLS hellos");
    assert_says(text, "12:00:00 to 12:00:31: refused 1, no answer to the TLS client hello 1");
    assert_says(text, "Callers: 192.0.2.1\n");
    assert_says(text, "In 1 of them not one packet came from the server");
    assert_says(text, "Next: Is the service up on that port (ss -ltnp)?");
    assert_says(text, "Next: Is TLS spoken on that port?");
    assert_null(strstr(text, "tcpdump"));
    assert_null(strstr(text, "certificates"));
    for (unsigned i = 0; i < 300; i++)
        for (int reason = 0; reason < CONNECTION_FAILURE_COUNT; reason++) {
            event = failed_event(endpoint_v4(2, (uint8_t)i, 40000),
                                 endpoint_v4(3, 1, (uint16_t)(5060 + i % 30)),
                                 (enum connection_failure)reason, CONFIDENCE_LOW);
            tally_event(&p->tally, &event);
        }
    tally_sort(&p->tally);
    text = print(p, one_input, 1, NULL);
    assert_says(text, "CONNECTIONS THAT FAILED  1,202 ended before any SIP");
    assert_says(text, "192.0.3.1:5060 TCP: 40 connections, 120 SYNs, 120 TLS hellos");
    assert_says(text, "and 5\n    more");
    assert_says(text, "… and 802 to other destinations");
    assert_says(text, "    Not one packet came from the server: ");
    assert_tells(text, "capture there: tcpdump -ni any tcp port 5060 ");
    assert_says(text, "Next: Look at certificates and TLS versions, in both logs.");
    pipeline_figures_free(p);
}

/* Many destinations: the first ones, and how many more there are. */
static void test_many_destinations(void **state)
{
    struct pipeline *p = pipeline_figures();
    (void)state;
    for (unsigned i = 0; i < 1500; i++) {
        struct event event =
            unanswered_event(endpoint_v4(2, 1, 5060), endpoint_v4(2, 20, (uint16_t)(1000 + i)),
                             CAUSE_UNKNOWN, CONFIDENCE_LOW);
        tally_event(&p->tally, &event);
    }
    const char *text = print(p, one_input, 1, NULL);
    assert_says(text, "1,500 got no response at all");
    assert_says(text,
                "… and 1,480 INVITEs to over 1,004 more destinations (--report json has most)");
    assert_true(strlen(text) < 20000);
    pipeline_figures_free(p);
}

/* A scan is told as one, where nothing but a scan is left. */
static void test_scanned_destinations(void **state)
{
    struct pipeline *p = pipeline_figures();
    (void)state;
    for (unsigned i = 0; i < 51; i++) {
        struct event event =
            unanswered_event(endpoint_v4(2, 1, 5060), endpoint_v4(3, 1, 1000 + (uint16_t)i),
                             CAUSE_UNKNOWN, CONFIDENCE_LOW);
        event.invite_unanswered.transmissions = 1;
        for (unsigned j = 0; j < 100; j++)
            tally_event(&p->tally, &event);
    }
    struct event event = unanswered_event(endpoint_v4(2, 1, 5060), endpoint_v4(2, 20, 5060),
                                          CAUSE_DESTINATION_SILENT, CONFIDENCE_HIGH);
    tally_event(&p->tally, &event);
    tally_sort(&p->tally);
    const char *text = print(p, one_input, 1, NULL);
    assert_says(text, "at all\n\n  192.0.2.20:5060 UDP: 1 INVITE, 1 caller\n");
    assert_says(text, "12:00:31, sent 7 times\n");
    assert_says(text, "192.0.3.1:1000 UDP: 100 INVITEs, 1 caller\n");
    assert_says(text, "12:00:31, each sent once\n");
    assert_tells(text, "… and 3,200 INVITEs sent once and never repeated, as scanners do, to 32 "
                       "more destinations (--report json has all)");
    p->tally.other_destinations_invites = 1;
    text = print(p, one_input, 1, NULL);
    assert_says(text, "… and 3,201 INVITEs sent once");
    assert_says(text, "to over");
    p->tally.other_destinations_insist = true;
    assert_null(strstr(print(p, one_input, 1, NULL), "scanners"));
    pipeline_figures_free(p);
}

/* TCP repeats by itself: that an INVITE is sent once says nothing there. */
static void test_sendings(void **state)
{
    struct pipeline *p = pipeline_figures();
    (void)state;
    struct event event = unanswered_event(endpoint_v4(2, 1, 5060), endpoint_v4(2, 20, 5060),
                                          CAUSE_UNKNOWN, CONFIDENCE_LOW);
    event.invite_unanswered.transport = TRANSPORT_TCP;
    event.invite_unanswered.transmissions = 1;
    tally_event(&p->tally, &event);
    assert_says(print(p, one_input, 1, NULL), "12:00:31, sent once (TCP repeats it by itself)\n");
    event.invite_unanswered.transmissions = 3;
    tally_event(&p->tally, &event);
    assert_says(print(p, one_input, 1, NULL), "12:00:31, each sent 1 to 3 times\n");
    pipeline_figures_free(p);
}

static void test_waiting(void **state)
{
    struct pipeline *p = pipeline_figures();
    (void)state;
    p->tally.requests[SIP_INVITE] = 1;
    struct endpoint gw = endpoint_v4(2, 20, 5060);
    tally_waiting(&p->tally, &gw, NULL, 1, S);
    const char *text = print(p, one_input, 1, NULL);
    assert_says(text, "STILL WAITING  1 INVITE (one per hop) had");
    assert_says(text, "  192.0.2.20:5060: 1 INVITE, sent once, for 1.0 s\n");
    for (unsigned i = 0; i < TALLY_PENDING_MAX + 8; i++)
        for (unsigned j = 0; j <= i; j++) {
            gw.port = (uint16_t)(1000 + i);
            tally_waiting(&p->tally, &gw, NULL, 2, S);
        }
    tally_sort(&p->tally);
    text = print(p, one_input, 1, NULL);
    const char *most = strstr(text, "192.0.2.20:1062: 63 INVITEs"),
               *less = strstr(text, ": 62 INV");
    assert_true(most && less && most < less);
    assert_null(strstr(text, "192.0.2.20:5060"));
    assert_says(text, "… and 1,559 to other destinations"); /* 1 + 72 * 73 / 2 - (44 + … + 63) */
    pipeline_figures_free(p);
}

/* A call may have gone well though the mirror missed how it was answered. */
static void test_statuses(void **state)
{
    struct pipeline *p = pipeline_figures();
    (void)state;
    p->tally.packets = 1;
    p->tally.calls[CALL_STATE_COMPLETED][200] = 2;
    p->tally.calls[CALL_STATE_COMPLETED][0] = 3;
    p->tally.calls[CALL_STATE_FAILED][0] = 4;
    p->tally.calls[CALL_STATE_UNANSWERED][0] = 5;
    p->tally.calls_of_scanners[CALL_STATE_UNANSWERED] = 1200;
    const char *text = print(p, one_input, 1, NULL);
    assert_says(text, "  5    200: 2, final response not seen: 3\n");
    assert_says(text, "  4    final response not seen: 4\n");
    assert_says(text, "unanswered               5\n");
    assert_says(text, "CALLS  14 ended (1,200 more of scanners)");
    pipeline_figures_free(p);
}

static void test_clock(void **state)
{
    struct pipeline *p = pipeline_figures();
    (void)state;
    p->tally.first_ns = p->tally.last_ns = NOON;
    assert_null(strstr(print(p, one_input, 1, NULL), "clock"));
    p->clock.steps = 1;
    assert_says(print(p, one_input, 1, NULL),
                "UTC (0.0 s)\nThe clock of the packets was set once: durations across");
    p->clock.steps = 2;
    assert_says(print(p, one_input, 1, NULL), "was set 2 times: ");
    assert_null(strstr(print(p, one_input, 1, NULL), "LEFT OUT"));
    pipeline_figures_free(p);
}

/* No row says "1 packets". */
static void test_singular(void **state)
{
    struct pipeline *p = pipeline_figures();
    (void)state;
    p->capture_stats = (struct capture_stats){.filtered = 1, .dropped_kernel = 1};
    const struct datagram datagram = {
        .src = endpoint_v4(2, 1, 40000), .dst = endpoint_v4(2, 2, 3478), .time_ns = NOON};
    p->tally.decoded[DECODE_NOT_IP] = p->tally.refused[SIP_NO_VIA] = 1;
    p->udp_flows = udp_flows_create(4);
    assert_non_null(p->udp_flows);
    assert_null(strstr(print(p, one_input, 1, NULL), "OTHER UDP"));
    udp_flows_packet(p->udp_flows, &datagram, "STUN");
    const char *text = print(p, one_input, 1, NULL);
    assert_says(text, " 1 packet was left out by the filter\n");
    assert_says(text, " 1 packet was lost: ");
    assert_says(text, " 1 packet that is not IP\n");
    assert_says(text, " 1 UDP packet that is neither SIP nor RTP (see OTHER UDP)\n");
    assert_says(text, "\nOTHER UDP  STUN 1 flow (1 packet)\n");
    assert_says(text, " 1 SIP message that could not be read: no Via\n");
    udp_flows_packet(p->udp_flows, &datagram, "STUN");
    text = print(p, one_input, 1, NULL);
    assert_says(text, " 2 UDP packets that are neither SIP nor RTP");
    assert_says(text, "\nOTHER UDP  STUN 1 flow (2 packets)\n");
    udp_flows_destroy(p->udp_flows);
    pipeline_figures_free(p);
}

/* Where nothing was read, why not: for what is sure, as it is counted, not as it is feared. */
static void test_nothing_to_read(void **state)
{
    struct pipeline *p = pipeline_figures();
    struct defrag *defrag = defrag_create(
        &(struct defrag_params){.datagrams_max = 16, .bytes_max = 1 << 21, .timeout_ns = S});
    (void)state;
    assert_non_null(defrag);
    p->tally.decoded[DECODE_TRUNCATED] = 1;
    assert_says(print(p, one_input, 1, NULL), "cannot tell: no SIP was read, the packets are cut");
    p->defrag = defrag;
    const struct datagram fragment = {
        .src = endpoint_v4(2, 1, 0),
        .dst = endpoint_v4(2, 2, 0),
        .time_ns = NOON,
        .fragment = {.offset = 8, .more = true},
        .payload = SLICE("12345678"),
    };
    struct datagram first;
    struct slice payload;
    assert_false(defrag_add(defrag, &fragment, &first, &payload));
    defrag_finish(defrag);
    assert_tells(print(p, one_input, 1, NULL),
                 "cannot tell: no SIP was read, and fragments of 1 IP datagram are missing");
    p->tally.requests[SIP_INVITE] = 1;
    assert_says(print(p, one_input, 1, NULL), "UNANSWERED INVITES  none\n");
    p->defrag = NULL;
    defrag_destroy(defrag);
    pipeline_figures_free(p);
}

static void test_refusals_have_words(void **state)
{
    (void)state;
    for (int i = 0; i < SIP_REFUSAL_COUNT; i++)
        assert_non_null(report_refusal_text((enum sip_refusal)i));
}

static int tear_down_group(void **state)
{
    (void)state;
    free(printed);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_each_left_out_line),
        cmocka_unit_test(test_long_names_and_values),
        cmocka_unit_test(test_many_inputs),
        cmocka_unit_test(test_large_counts),
        cmocka_unit_test(test_connections_failed),
        cmocka_unit_test(test_many_destinations),
        cmocka_unit_test(test_scanned_destinations),
        cmocka_unit_test(test_sendings),
        cmocka_unit_test(test_waiting),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_singular),
        cmocka_unit_test(test_nothing_to_read),
        cmocka_unit_test(test_refusals_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down_group);
}
