/* The report for machines: one line, JSON for a strict parser, the same figures under their keys.
 */
#include <jansson.h>

#include "pipeline_bench.h"

static json_t *print(const struct pipeline *pipeline, const char *const *inputs, size_t count,
                     const char *error)
{
    char *text = NULL;
    size_t len = 0;
    json_error_t why;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    const struct report_source source = {.pipeline = pipeline,
                                         .inputs = inputs,
                                         .input_count = count,
                                         .sensor_id = "sensor-1",
                                         .error = error};
    assert_true(report_print_json(&source, out));
    fclose(out);
    assert_true(len > 0 && text[len - 1] == '\n' && strchr(text, '\n') == text + len - 1);
    json_t *report = json_loads(text, JSON_REJECT_DUPLICATES, &why);
    if (!report)
        fail_msg("%s: %s", why.text, text);
    free(text);
    return report;
}

/* The value at a path such as "unanswered.destinations.0.dst.ip". */
static json_t *at(json_t *value, const char *path)
{
    char key[64];
    for (const char *rest = path; *rest;) {
        size_t len = strcspn(rest, ".");
        snprintf(key, sizeof key, "%.*s", (int)len, rest);
        value = json_is_array(value) ? json_array_get(value, (size_t)atoi(key))
                                     : json_object_get(value, key);
        rest += len + (rest[len] == '.');
    }
    if (!value)
        fail_msg("%s is missing", path);
    return value;
}

static void assert_count(json_t *report, const char *path, long long want)
{
    assert_true(json_is_integer(at(report, path)));
    assert_int_equal(json_integer_value(at(report, path)), want);
}

static void assert_text(json_t *report, const char *path, const char *want)
{
    assert_true(json_is_string(at(report, path)));
    assert_string_equal(json_string_value(at(report, path)), want);
}

static const char *const one_input[] = {"calls.pcap"};

static void test_empty(void **state)
{
    struct pipeline *p = pipeline_figures();
    (void)state;
    json_t *report = print(p, one_input, 1, NULL);
    assert_text(report, "version", SIPSPAN_VERSION);
    assert_text(report, "sensor_id", "sensor-1");
    assert_text(report, "capture.inputs.0", "calls.pcap");
    assert_count(report, "capture.packets", 0);
    assert_true(json_is_true(at(report, "capture.complete")));
    assert_null(json_object_get(at(report, "capture"), "first_at")); /* unknown: absent */
    assert_null(json_object_get(at(report, "capture"), "error"));
    assert_count(report, "sip.requests", 0);
    assert_count(report, "unanswered.total", 0);
    assert_int_equal(json_array_size(at(report, "unanswered.destinations")), 0);
    assert_count(report, "calls.ended", 0);
    assert_count(report, "calls.states.completed", 0);
    assert_count(report, "times_ms.first_response.calls", 0);
    assert_null(json_object_get(at(report, "times_ms.first_response"), "median"));
    at(report, "left_out");
    assert_count(report, "connections_failed.total", 0);
    assert_count(report, "mirror.copies", 0);
    assert_int_equal(json_array_size(at(report, "mirror.problems")), 0);
    assert_count(report, "carried.tcp.connections", 0);
    assert_count(report, "carried.fragments.reassembled", 0);
    assert_count(report, "carried.icmp.errors_tied", 0);
    assert_count(report, "media.streams", 0);
    assert_count(report, "media.bad_by.loss", 0);
    assert_null(json_object_get(at(report, "media"), "loss_ratio"));
    assert_null(json_object_get(at(report, "media.jitter_ms"), "median"));
    assert_int_equal(json_object_size(at(report, "media.mos")), 0);
    assert_int_equal(json_array_size(at(report, "media.worst")), 0);
    assert_count(report, "media.one_way_audio.total", 0);
    assert_int_equal(json_array_size(at(report, "other_udp")), 0);
    json_decref(report);
    pipeline_figures_free(p);
}

static void test_figures(void **state)
{
    struct pipeline *p = pipeline_figures();
    (void)state;
    p->tally.packets = 7;
    p->tally.bytes = UINT64_C(5000000000);
    p->tally.first_ns = NOON;
    p->tally.last_ns = NOON + S / 4;
    p->tally.requests[SIP_INVITE] = 3;
    p->tally.requests[SIP_METHOD_OTHER] = 1;
    p->tally.responses[SIP_INVITE][1] = 2;
    p->tally.responses[SIP_BYE][2] = 1;
    p->tally.refused[SIP_NO_VIA] = 4;
    p->tally.decoded[DECODE_MALFORMED] = 2;
    p->tally.decoded[DECODE_FRAGMENT] = 9; /* nor that */
    p->tally.decoded[DECODE_ICMP] = 6;
    p->tally.decoded[DECODE_UDP] = 5; /* not left out */
    struct event event = unanswered_event(endpoint_v4(2, 1, 5060), endpoint_v4(2, 20, 5061),
                                          CAUSE_DESTINATION_SELECTIVE, CONFIDENCE_MEDIUM);
    tally_event(&p->tally, &event);
    event = ended_event(CALL_STATE_FAILED, 486);
    event.call_ended.first_response_ns = S / 8;
    tally_event(&p->tally, &event);
    event = ended_event(CALL_STATE_UNANSWERED, 0);
    tally_event(&p->tally, &event);
    p->calls.table.phase_count[PHASE_UP] = 2;
    p->calls.table.phase_count[PHASE_EARLY] = 3;
    p->calls.table.phase_count[PHASE_TRYING] = 4;
    p->calls.table.waiting = 5;
    p->tally.calls_of_scanners[CALL_STATE_FAILED] = 6;
    json_t *report = print(p, one_input, 1, "calls.pcap: cut off");
    assert_true(json_is_false(at(report, "capture.complete")));
    assert_text(report, "capture.error", "calls.pcap: cut off");
    assert_count(report, "capture.bytes", 5000000000);
    assert_text(report, "capture.first_at", "2026-01-31T12:00:00.000000Z");
    assert_text(report, "capture.last_at", "2026-01-31T12:00:00.250000Z");
    assert_count(report, "sip.requests", 4);
    assert_count(report, "sip.responses", 3);
    assert_count(report, "sip.requests_by_method.INVITE", 3);
    assert_count(report, "sip.responses_by_class.1xx", 2);
    assert_count(report, "sip.responses_by_class.2xx", 1);
    assert_count(report, "unanswered.total", 1);
    assert_count(report, "unanswered.causes.destination_selective", 1);
    assert_text(report, "unanswered.destinations.0.dst.ip", "192.0.2.20");
    assert_count(report, "unanswered.destinations.0.dst.port", 5061);
    assert_null(json_object_get(at(report, "unanswered.destinations.0.dst"), "name"));
    assert_text(report, "unanswered.destinations.0.transport", "UDP");
    assert_count(report, "unanswered.destinations.0.invites", 1);
    assert_count(report, "unanswered.destinations.0.transmissions", 7);
    assert_count(report, "unanswered.destinations.0.callers", 1);
    assert_text(report, "unanswered.destinations.0.example.call_id", "c1@example.com");
    assert_text(report, "unanswered.destinations.0.example.confidence", "medium");
    assert_count(report, "calls.ended", 2);
    assert_count(report, "calls.of_scanners", 6);
    assert_count(report, "calls.states.failed", 1);
    assert_count(report, "calls.states.unanswered", 1);
    assert_count(report, "calls.by_final_status.0.final_status", 486);
    assert_text(report, "calls.by_final_status.1.state", "unanswered");
    assert_null(json_object_get(at(report, "calls.by_final_status.1"), "final_status"));
    assert_count(report, "calls.up", 2);
    assert_count(report, "calls.ringing", 3);
    assert_count(report, "calls.without_response", 4);
    assert_count(report, "calls.invites_pending", 5);
    assert_true(json_real_value(at(report, "times_ms.first_response.max")) == 125);
    assert_count(report, "left_out.packets.malformed", 2);
    assert_count(report, "left_out.icmp", 6);
    assert_null(json_object_get(at(report, "left_out.packets"), "fragment"));
    assert_null(json_object_get(at(report, "left_out.packets"), "udp"));
    assert_count(report, "left_out.sip_refused.no_via", 4);
    json_decref(report);
    pipeline_figures_free(p);
}

static void test_mirror(void **state)
{
    struct pipeline *p = pipeline_figures();
    (void)state;
    p->mirror = mirror_create("sensor-1", NULL, NULL);
    assert_non_null(p->mirror);
    p->calls.peers.conversations =
        (struct peers_conversations){.pairs = 20, .one_way = 3, .proven = 2};
    mirror_stamp(p->mirror, NOON, NOON);
    mirror_packet(p->mirror, COPY_NONE, 0, MIRROR_NO_VLAN, true);
    mirror_packet(p->mirror, COPY_VLAN, 1, 20, false);
    mirror_packet(p->mirror, COPY_VLAN, 1, 20, false);
    mirror_stamp(p->mirror, NOON - S / 4, NOON);
    mirror_flow(p->mirror, 1, true, true, NOON);
    p->tally.copies = 2;
    p->tally.tunnels[TUNNEL_VXLAN] = 4711;
    struct event event = degraded_event(MIRROR_DISORDER, 0.5);
    tally_event(&p->tally, &event);
    json_t *report = print(p, one_input, 1, NULL);
    assert_count(report, "mirror.copies", 2);
    assert_count(report, "mirror.copies_by_kind.vlan", 2);
    assert_int_equal(json_object_size(at(report, "mirror.copies_by_kind")), 1);
    assert_count(report, "mirror.ports.0.interface", 1);
    assert_count(report, "mirror.ports.0.vlan", 20);
    assert_count(report, "mirror.ports.0.packets", 2);
    assert_count(report, "mirror.ports.0.copies", 2);
    assert_count(report, "mirror.ports.1.packets", 1);
    assert_null(json_object_get(at(report, "mirror.ports.1"), "vlan"));
    assert_count(report, "mirror.conversations", 20);
    assert_count(report, "mirror.conversations_one_way", 3);
    assert_count(report, "mirror.conversations_answered_unseen", 2);
    assert_count(report, "mirror.disordered_packets", 1);
    assert_true(json_real_value(at(report, "mirror.disorder_max_ms")) == 250);
    assert_count(report, "mirror.truncated_packets", 1);
    assert_count(report, "mirror.tcp_holes", 1);
    assert_count(report, "mirror.rtp_holes", 0);
    assert_count(report, "mirror.tunnels.vxlan", 4711);
    assert_text(report, "mirror.problems.0.problem", "disorder");
    assert_true(json_real_value(at(report, "mirror.problems.0.value")) == 0.5);
    assert_text(report, "mirror.problems.0.since_at", "2026-01-31T12:00:00.000000Z");
    assert_text(report, "mirror.problems.0.next_step", "Look at the switch.");
    json_decref(report);
    mirror_destroy(p->mirror);
    pipeline_figures_free(p);
}

static void test_carried(void **state)
{
    struct pipeline *p = pipeline_figures();
    (void)state;
    p->tally.messages[TRANSPORT_WS] = 5;
    p->tally.unanswered_over[TRANSPORT_TCP] = 6;
    p->tally.icmp_errors[ICMP_PORT_UNREACHABLE] = 7;
    p->calls.icmp_tied = 3;
    struct event event = failed_event(endpoint_v4(2, 1, 40000), endpoint_v4(2, 20, 5061),
                                      CONNECTION_TLS_ALERT, CONFIDENCE_LOW);
    event.connection_failed.dst.name = "trunk-a";
    tally_event(&p->tally, &event);
    json_t *report = print(p, one_input, 1, NULL);
    assert_count(report, "carried.messages.WS", 5);
    assert_int_equal(json_object_size(at(report, "carried.messages")), 1);
    assert_count(report, "carried.unanswered.TCP", 6);
    assert_count(report, "carried.icmp.errors.port_unreachable", 7);
    assert_count(report, "carried.icmp.errors_tied", 3);
    assert_count(report, "connections_failed.total", 1);
    assert_count(report, "connections_failed.reasons.tls_alert", 1);
    assert_text(report, "connections_failed.destinations.0.dst.name", "trunk-a");
    assert_count(report, "connections_failed.destinations.0.connections", 1);
    assert_count(report, "connections_failed.destinations.0.attempts", 6);
    assert_count(report, "connections_failed.destinations.0.server_unheard", 1);
    assert_text(report, "connections_failed.destinations.0.caller_ips.0", "192.0.2.1");
    assert_text(report, "connections_failed.destinations.0.last_at", "2026-01-31T12:00:31.000000Z");
    json_decref(report);
    pipeline_figures_free(p);
}

static void assert_real(json_t *report, const char *path, double want)
{
    double got = json_real_value(at(report, path));
    assert_true(json_is_real(at(report, path)));
    if (got < want - 1e-9 || got > want + 1e-9)
        fail_msg("%s is %f, not %f", path, got, want);
}

/* With two streams, one bad in all ways, one of which little is known. */
static void test_media(void **state)
{
    struct pipeline *p = pipeline_figures();
    (void)state;
    struct event event =
        report_event(endpoint_v4(2, 1, 10000), endpoint_v4(2, 20, 20000), 0x1234abcd);
    struct event_stream *stream = &event.rtp_report.stream;
    stream->dst.name = "trunk-a";
    stream->expected = 3200;
    stream->lost = 200;
    stream->duplicates = 4;
    stream->has_latency = true;
    stream->latency_ms = 180.5;
    stream->latency_source = LATENCY_RTCP_XR;
    stream->rtt_ms = (struct event_figure){true, 361, 400};
    stream->mos = (struct event_figure){true, 3.25, 2.5};
    stream->has_srtp = true;
    stream->has_delay_variation = true;
    stream->discarded_50ms = 7;
    stream->has_lost_after_tap = true;
    stream->lost_after_tap = 120;
    struct event crossing = crossing_event(&event, RTP_METRIC_LOSS);
    tally_event(&p->tally, &crossing);
    tally_event(&p->tally, &event);
    event = report_event(endpoint_v4(2, 3, 10000), endpoint_v4(2, 4, 20000), 7);
    stream->codec = NULL;
    stream->jitter_ms.is_known = stream->mos.is_known = false;
    stream->mos_scale = NULL;
    event.rtp_report.call_id = SLICE_NONE;
    event.rtp_report.confidence = CONFIDENCE_LOW;
    tally_event(&p->tally, &event);
    event = one_way_event();
    tally_event(&p->tally, &event);
    event = ended_event(CALL_STATE_COMPLETED, 200);
    tally_event(&p->tally, &event);
    tally_sort(&p->tally);
    p->udp_flows = udp_flows_create(4);
    assert_non_null(p->udp_flows);
    udp_flows_packet(p->udp_flows,
                     &(struct datagram){.src = endpoint_v4(2, 1, 40000),
                                        .dst = endpoint_v4(2, 2, 3478),
                                        .time_ns = NOON},
                     "STUN");
    json_t *report = print(p, one_input, 1, NULL);
    assert_count(report, "media.streams", 2);
    assert_count(report, "media.streams_with_call", 1);
    assert_count(report, "media.streams_without_call", 1);
    assert_count(report, "media.streams_low_confidence", 1);
    assert_count(report, "media.streams_bad", 1);
    assert_count(report, "media.bad_by.loss", 1);
    assert_count(report, "media.bad_by.mos", 1);
    assert_count(report, "media.bad_by.lost_after_tap", 1);
    assert_count(report, "media.bad_by.jitter", 0);
    assert_int_equal(json_array_size(at(report, "media.bad_pairs")), 1);
    assert_text(report, "media.bad_pairs.0.src.ip", "192.0.2.1");
    assert_text(report, "media.bad_pairs.0.dst.name", "trunk-a");
    assert_text(report, "media.bad_pairs.0.dst.ip", "192.0.2.20");
    assert_count(report, "media.bad_pairs.0.streams", 1);
    assert_count(report, "media.bad_pairs.0.streams_bad", 1);
    assert_count(report, "media.bad_pairs.0.bad_by.loss", 1);
    assert_true(json_is_true(at(report, "media.bad_pairs_complete")));
    assert_count(report, "media.calls_without_media", 1);
    assert_real(report, "media.loss_ratio", 200.0 / 6200);
    assert_count(report, "media.lost_after_tap", 120);
    assert_count(report, "media.jitter_ms.streams", 1);
    assert_real(report, "media.mos.narrowband.p5", 3.25);
    assert_text(report, "media.worst.0.ssrc", "0x1234abcd");
    assert_text(report, "media.worst.0.src.ip", "192.0.2.1");
    assert_text(report, "media.worst.0.dst.name", "trunk-a");
    assert_text(report, "media.worst.0.call_id", "c1@example.com");
    assert_text(report, "media.worst.0.codec", "PCMU");
    assert_text(report, "media.worst.0.ended_at", "2026-01-31T12:01:00.000000Z");
    assert_real(report, "media.worst.0.loss_ratio", 0.0625);
    assert_real(report, "media.worst.0.jitter_ms.max", 2.5);
    assert_real(report, "media.worst.0.rtt_ms.mean", 361);
    assert_real(report, "media.worst.0.latency_ms", 180.5);
    assert_text(report, "media.worst.0.latency_source", "rtcp_xr");
    assert_real(report, "media.worst.0.mos.min", 2.5);
    assert_text(report, "media.worst.0.mos.scale", "narrowband");
    assert_count(report, "media.worst.0.discarded.fixed_50ms", 7);
    assert_true(json_is_false(at(report, "media.worst.0.srtp")));
    assert_count(report, "media.worst.0.lost_after_tap", 120);
    assert_text(report, "media.worst.0.bad_by.0", "loss");
    assert_text(report, "media.worst.0.bad_by.2", "mos");
    assert_text(report, "media.worst.1.confidence", "low");
    static const char *const unknown[] = {
        "call_id", "codec", "jitter_ms",      "rtt_ms",    "latency_ms",
        "mos",     "srtp",  "lost_after_tap", "discarded", "latency_source"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        assert_null(json_object_get(at(report, "media.worst.1"), unknown[i]));
    assert_count(report, "media.one_way_audio.total", 1);
    assert_count(report, "media.one_way_audio.calls", 1);
    assert_null(json_object_get(at(report, "media.one_way_audio.events.0"), "until_at"));
    assert_text(report, "media.one_way_audio.events.0.call_id", "c1@example.com");
    assert_text(report, "media.one_way_audio.events.0.src.ip", "192.0.2.20");
    assert_real(report, "media.one_way_audio.events.0.silent_ms", 5000);
    assert_text(report, "media.one_way_audio.events.0.next_step", "Look at Bob.");
    assert_text(report, "other_udp.0.label", "STUN");
    assert_count(report, "other_udp.0.flows", 1);
    assert_count(report, "other_udp.0.packets", 1);
    json_decref(report);
    udp_flows_destroy(p->udp_flows);
    pipeline_figures_free(p);
}

/* Texts from the wire and from the command line, of any octets. */
static void test_hostile_texts(void **state)
{
    static const char *const inputs[] = {"a\"b\\c\n\xff\xfe.pcap", "-"};
    struct pipeline *p = pipeline_figures();
    char text[256];
    (void)state;
    for (int i = 0; i < 256; i++)
        text[i] = (char)(255 - i);
    struct event event = unanswered_event(endpoint_v4(2, 1, 5060), endpoint_v4(2, 20, 5060),
                                          CAUSE_UNKNOWN, CONFIDENCE_LOW);
    event.invite_unanswered.call_id = slice_of(text, sizeof text);
    event.invite_unanswered.from_uri = slice_of(text + 100, 100);
    event.invite_unanswered.dst.name = "n\"m\xc3\xa4";
    tally_event(&p->tally, &event);
    event = report_event(endpoint_v4(2, 1, 10000), endpoint_v4(2, 20, 20000), 1);
    event.rtp_report.call_id = SLICE("\x1b[2J\"\\\r\n");
    event.rtp_report.stream.codec = "a\"b\x1b";
    tally_event(&p->tally, &event);
    json_t *report = print(p, inputs, 2, "broken \xff\n\"");
    assert_text(report, "capture.inputs.0", "a\"b\\c\n\xef\xbf\xbd\xef\xbf\xbd.pcap");
    assert_text(report, "capture.inputs.1", "-");
    assert_text(report, "capture.error", "broken \xef\xbf\xbd\n\"");
    assert_text(report, "unanswered.destinations.0.dst.name", "n\"m\xc3\xa4");
    assert_text(report, "media.worst.0.call_id", "?[2J\"\\??");
    assert_text(report, "media.worst.0.codec", "a\"b\x1b");
    json_decref(report);
    pipeline_figures_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),         cmocka_unit_test(test_figures),
        cmocka_unit_test(test_mirror),        cmocka_unit_test(test_carried),
        cmocka_unit_test(test_hostile_texts), cmocka_unit_test(test_media),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
