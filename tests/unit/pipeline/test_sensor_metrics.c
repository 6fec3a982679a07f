/* The metrics that are promised: their names and labels, there with 0 from the start, and whose
 * figures they show. */
#include "pipeline_bench.h"

#include "pipeline/sensor_metrics.h"

static struct metric_family *find_family(const struct metrics *registry, const char *name)
{
    for (struct metric_family *family = registry->first; family; family = family->next)
        if (strcmp(family->desc->name, name) == 0)
            return family;
    fail_msg("no family %s", name);
    return NULL;
}

/* A series by its label values in order; NULL where there is none. */
static struct metric *find_series(const struct metrics *registry, const char *name, const char *a,
                                  const char *b, const char *c)
{
    const char *const want[] = {a, b, c};
    for (struct metric *m = find_family(registry, name)->first; m; m = m->next) {
        bool same = true;
        for (int i = 0; i < 3; i++)
            same &= want[i] ? m->label_values[i] && strcmp(m->label_values[i], want[i]) == 0
                            : !m->label_values[i];
        if (same)
            return m;
    }
    return NULL;
}

static uint64_t count_of(const struct metrics *registry, const char *name, const char *a,
                         const char *b, const char *c)
{
    struct metric *m = find_series(registry, name, a, b, c);
    if (!m)
        fail_msg("no series %s %s %s %s", name, a ? a : "", b ? b : "", c ? c : "");
    return metric_count(m);
}

static double gauge_of(const struct metrics *registry, const char *name, const char *a)
{
    struct metric *m = find_series(registry, name, a, NULL, NULL);
    if (!m)
        fail_msg("no series %s %s", name, a ? a : "");
    return metric_get(m);
}

struct metrics_bench {
    struct metrics *registry;
    struct sensor_metrics *metrics;
    struct pipeline *pipeline;
};

static struct metrics_bench bench_new(const struct peer_names *peers)
{
    struct metrics_bench bench = {.registry = metrics_create(), .pipeline = pipeline_figures()};
    assert_non_null(bench.registry);
    bench.metrics = sensor_metrics_create(bench.registry, peers, true);
    assert_non_null(bench.metrics);
    return bench;
}

static void bench_free(struct metrics_bench *bench)
{
    pipeline_figures_free(bench->pipeline);
    sensor_metrics_destroy(bench->metrics);
    metrics_destroy(bench->registry);
}

static void update(struct metrics_bench *bench, const struct capture_stats *stats)
{
    const struct pipeline *pipeline = bench->pipeline;
    sensor_metrics_update(bench->metrics, &(struct sensor_sources){
                                              .tally = &pipeline->tally,
                                              .calls = &pipeline->calls,
                                              .capture = stats,
                                              .copies = &pipeline->copies,
                                              .defrag = pipeline->defrag,
                                              .tcp = pipeline->tcp,
                                              .mirror = pipeline->mirror,
                                              .streams = pipeline->streams,
                                              .dns = pipeline->dns,
                                              .defrag_max = 300,
                                              .tcp_max = 400,
                                          });
}

/* Each with its type and labels; "_total" is put on by who renders them. */
static void test_names(void **state)
{
    static const struct {
        const char *name;
        enum metric_type type;
        const char *labels[METRIC_LABELS_MAX];
    } want[] = {
        {"sip_requests", METRIC_COUNTER, {"method"}},
        {"sip_responses", METRIC_COUNTER, {"method", "class"}},
        {"sip_invites_unanswered", METRIC_COUNTER, {"cause"}},
        {"sip_calls", METRIC_COUNTER, {"state"}},
        {"sip_scanner_calls", METRIC_COUNTER, {"state"}},
        {"sip_calls_active", METRIC_GAUGE, {NULL}},
        {"sip_invites_pending", METRIC_GAUGE, {NULL}},
        {"sip_invites_retransmitting", METRIC_GAUGE, {NULL}},
        {"sip_first_response_seconds", METRIC_HISTOGRAM, {NULL}},
        {"sip_post_dial_delay_seconds", METRIC_HISTOGRAM, {NULL}},
        {"sipspan_build", METRIC_INFO, {"version"}},
        {"sipspan_packets", METRIC_COUNTER, {NULL}},
        {"sipspan_packets_dropped", METRIC_COUNTER, {"where"}},
        {"sipspan_parse_errors", METRIC_COUNTER, {"protocol"}},
        {"sipspan_events", METRIC_COUNTER, {"type", "sink", "result"}},
        {"sipspan_sink_queue_bytes", METRIC_GAUGE, {"sink"}},
        {"sip_messages", METRIC_COUNTER, {"transport"}},
        {"sip_connections_failed", METRIC_COUNTER, {"reason"}},
        {"sipspan_mirror_copies", METRIC_COUNTER, {"kind"}},
        {"sipspan_mirror_conversations", METRIC_GAUGE, {NULL}},
        {"sipspan_mirror_conversations_one_way", METRIC_GAUGE, {NULL}},
        {"sipspan_mirror_disordered_packets", METRIC_COUNTER, {NULL}},
        {"sipspan_mirror_truncated_packets", METRIC_COUNTER, {NULL}},
        {"sipspan_mirror_tcp_holes", METRIC_COUNTER, {NULL}},
        {"sipspan_mirror_rtp_holes", METRIC_COUNTER, {NULL}},
        {"sipspan_mirror_shared_losses", METRIC_COUNTER, {NULL}},
        {"rtp_streams_active", METRIC_GAUGE, {NULL}},
        {"rtp_packets", METRIC_COUNTER, {NULL}},
        {"rtp_packets_lost", METRIC_COUNTER, {NULL}},
        {"rtp_jitter_seconds", METRIC_HISTOGRAM, {NULL}},
        {"rtp_round_trip_seconds", METRIC_HISTOGRAM, {NULL}},
        {"rtp_latency_seconds", METRIC_HISTOGRAM, {NULL}},
        {"rtp_loss_ratio", METRIC_HISTOGRAM, {NULL}},
        {"rtp_mos", METRIC_HISTOGRAM, {NULL}},
        {"rtp_mos_wideband", METRIC_HISTOGRAM, {NULL}},
        {"rtp_mos_fullband", METRIC_HISTOGRAM, {NULL}},
        {"rtp_threshold_crossings", METRIC_COUNTER, {"metric"}},
        {"rtp_one_way_audio", METRIC_COUNTER, {NULL}},
        {"sipspan_rtp_streams", METRIC_COUNTER, {NULL}},
        {"sipspan_rtp_candidates_refused", METRIC_COUNTER, {NULL}},
        {"sipspan_rtcp_refused", METRIC_COUNTER, {NULL}},
        {"sipspan_tunnel_packets", METRIC_COUNTER, {"tunnel"}},
        {"sipspan_fragments_datagrams", METRIC_COUNTER, {"result"}},
        {"sipspan_tcp_segments", METRIC_COUNTER, {"of"}},
        {"sipspan_icmp_errors", METRIC_COUNTER, {"meaning"}},
        {"sipspan_dns_lookups", METRIC_COUNTER, {"result"}},
        {"sipspan_tracked", METRIC_GAUGE, {"what"}},
        {"sipspan_tracked_limit", METRIC_GAUGE, {"what"}},
    };
    struct metrics_bench bench = bench_new(NULL);
    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        const struct metric_desc *desc = find_family(bench.registry, want[i].name)->desc;
        assert_int_equal(desc->type, want[i].type);
        for (int l = 0; l < METRIC_LABELS_MAX; l++) {
            assert_int_equal(!desc->labels[l], !want[i].labels[l]);
            if (want[i].labels[l])
                assert_string_equal(desc->labels[l], want[i].labels[l]);
        }
    }
    bench_free(&bench);
}

/* All label values are there before anything happened, so that rates have a beginning. */
static void test_there_from_the_start(void **state)
{
    struct metrics_bench bench = bench_new(NULL);
    (void)state;
    for (int code = 0; code < CAUSE_CODE_COUNT; code++)
        assert_int_equal(count_of(bench.registry, "sip_invites_unanswered",
                                  cause_code_name((enum cause_code)code), NULL, NULL),
                         0);
    for (int i = 0; i < CALL_STATE_COUNT; i++)
        assert_int_equal(
            count_of(bench.registry, "sip_calls", call_state_name((enum call_state)i), NULL, NULL),
            0);
    assert_int_equal(count_of(bench.registry, "sip_responses", "INVITE", "1xx", NULL), 0);
    assert_int_equal(count_of(bench.registry, "sip_responses", "other", "6xx", NULL), 0);
    assert_int_equal(
        count_of(bench.registry, "sipspan_events", "sipspan.call.ended", "file", "failed"), 0);
    assert_null(find_series(bench.registry, "sip_responses", "INVITE", "0xx", NULL));
    for (int i = 0; i < CONNECTION_FAILURE_COUNT; i++)
        assert_int_equal(count_of(bench.registry, "sip_connections_failed",
                                  connection_failure_name((enum connection_failure)i), NULL, NULL),
                         0);
    for (int i = COPY_NONE + 1; i < COPY_KIND_COUNT; i++)
        assert_int_equal(count_of(bench.registry, "sipspan_mirror_copies",
                                  copy_kind_name((enum copy_kind)i), NULL, NULL),
                         0);
    assert_int_equal(count_of(bench.registry, "sipspan_tunnel_packets", "vxlan", NULL, NULL), 0);
    assert_int_equal(count_of(bench.registry, "sipspan_events", "sipspan.sensor.mirror_degraded",
                              "file", "written"),
                     0);
    for (int i = 0; i < RTP_METRIC_COUNT; i++)
        assert_int_equal(count_of(bench.registry, "rtp_threshold_crossings",
                                  rtp_metric_name((enum rtp_metric)i), NULL, NULL),
                         0);
    assert_int_equal(
        count_of(bench.registry, "sipspan_events", "sipspan.rtp.report", "file", "written"), 0);
    assert_null(find_series(bench.registry, "sipspan_packets_left_out", "fragment", NULL, NULL));
    struct metric *build = find_family(bench.registry, "sipspan_build")->first;
    assert_string_equal(build->label_values[0], SIPSPAN_VERSION);
    /* Every family has words for it: one sentence. */
    for (struct metric_family *family = bench.registry->first; family; family = family->next) {
        size_t len = strlen(family->desc->help);
        assert_true(len > 0 && family->desc->help[len - 1] == '.');
        assert_true(family->desc->bucket_count <= METRIC_BUCKETS_MAX);
        for (unsigned i = 1; i < family->desc->bucket_count; i++)
            assert_true(family->desc->buckets[i - 1] < family->desc->buckets[i]);
        const char *unit = family->desc->unit, *name = family->desc->name;
        if (unit)
            assert_string_equal(name + strlen(name) - strlen(unit), unit);
    }
    bench_free(&bench);
}

static void test_update(void **state)
{
    struct metrics_bench bench = bench_new(NULL);
    struct tally *tally = &bench.pipeline->tally;
    struct calls *calls = &bench.pipeline->calls;
    struct capture_stats stats = {.dropped_kernel = 11, .dropped_interface = 12};
    (void)state;
    tally->packets = 100;
    tally->bytes = 5000;
    tally->requests[SIP_INVITE] = 5;
    tally->responses[SIP_BYE][2] = 6;
    tally->causes[CAUSE_DESTINATION_SILENT] = 9;
    tally->causes_of_scanners[CAUSE_DESTINATION_SILENT] = 2;
    tally->of_scanners = 2;
    tally->struggling = 3;
    tally->calls[CALL_STATE_FAILED][486] = 2;
    tally->calls[CALL_STATE_FAILED][0] = 1;
    tally->calls_of_scanners[CALL_STATE_FAILED] = 8;
    tally->refused[SIP_NO_VIA] = 3;
    tally->refused[SIP_BAD_VIA] = 1;
    tally->last_ns = 1500 * S / 1000;
    calls->table.phase_count[PHASE_UP] = 21;
    calls->table.waiting = 22;
    calls->table.retransmitting = 23;
    calls->table.calls.used = 24;
    calls->table.calls.capacity = 1000;
    calls->table.evicted[PHASE_TRYING] = 25;
    for (int twice = 0; twice < 2; twice++) { /* shown again, not added again */
        update(&bench, &stats);
        assert_int_equal(count_of(bench.registry, "sipspan_packets", NULL, NULL, NULL), 100);
        assert_int_equal(count_of(bench.registry, "sip_requests", "INVITE", NULL, NULL), 5);
        assert_int_equal(count_of(bench.registry, "sip_requests", "BYE", NULL, NULL), 0);
        assert_int_equal(count_of(bench.registry, "sip_responses", "BYE", "2xx", NULL), 6);
        assert_int_equal(
            count_of(bench.registry, "sip_invites_unanswered", "destination_silent", NULL, NULL),
            7);
        assert_int_equal(count_of(bench.registry, "sip_invites_struggling", NULL, NULL, NULL), 3);
        assert_int_equal(
            count_of(bench.registry, "sip_scanner_invites_unanswered", NULL, NULL, NULL), 2);
        assert_int_equal(count_of(bench.registry, "sip_calls", "failed", NULL, NULL), 3);
        assert_int_equal(count_of(bench.registry, "sip_scanner_calls", "failed", NULL, NULL), 8);
        assert_int_equal(count_of(bench.registry, "sipspan_parse_errors", "sip", NULL, NULL), 4);
        assert_int_equal(count_of(bench.registry, "sipspan_packets_dropped", "kernel", NULL, NULL),
                         11);
        assert_int_equal(
            count_of(bench.registry, "sipspan_packets_dropped", "interface", NULL, NULL), 12);
        assert_true(gauge_of(bench.registry, "sip_calls_active", NULL) == 21);
        assert_true(gauge_of(bench.registry, "sip_invites_pending", NULL) == 22);
        assert_true(gauge_of(bench.registry, "sip_invites_retransmitting", NULL) == 23);
        assert_true(gauge_of(bench.registry, "sipspan_tracked", "calls") == 24);
        assert_true(gauge_of(bench.registry, "sipspan_tracked_limit", "calls") == 1000);
        assert_true(gauge_of(bench.registry, "sipspan_last_packet_timestamp_seconds", NULL) == 1.5);
    }
    tally->packets = 150;
    calls->table.phase_count[PHASE_UP] = 0;
    update(&bench, &stats);
    assert_int_equal(count_of(bench.registry, "sipspan_packets", NULL, NULL, NULL), 150);
    assert_true(gauge_of(bench.registry, "sip_calls_active", NULL) == 0);
    bench_free(&bench);
}

static void test_flows(void **state)
{
    struct metrics_bench bench = bench_new(NULL);
    struct pipeline *p = bench.pipeline;
    struct capture_stats stats = {0};
    (void)state;
    p->mirror = mirror_create("sensor-1", NULL, NULL);
    p->defrag = defrag_create(&(struct defrag_params){
        .datagrams_max = 8, .bytes_max = 1 << 20, .timeout_ns = DEFRAG_TIMEOUT_NS});
    p->tcp = tcp_create(
        &(struct tcp_params){.connections_max = 8, .bytes_max = 1 << 20, .setup_ns = 32 * S});
    assert_true(p->mirror && p->defrag && p->tcp);
    p->calls.peers.conversations =
        (struct peers_conversations){.pairs = 20, .one_way = 3, .proven = 2};
    p->calls.icmp_tied = 13;
    p->copies.overruns = 14;
    p->tally.tunnels[TUNNEL_GTP_U] = 15;
    p->tally.icmp_errors[ICMP_TOO_BIG] = 16;
    p->tally.messages[TRANSPORT_TCP] = 17;
    p->tally.connections_failed[CONNECTION_TLS_ALERT] = 18;
    mirror_stamp(p->mirror, NOON - 1, NOON);
    mirror_packet(p->mirror, COPY_ROUTED, 0, 0, true);
    mirror_flow(p->mirror, 1, true, true, NOON);
    struct datagram first, fragment = {.time_ns = NOON,
                                       .src = endpoint_v4(2, 1, 0),
                                       .dst = endpoint_v4(2, 2, 0),
                                       .payload = SLICE("0123456789abcdef"),
                                       .fragment = {.id = 7, .more = true},
                                       .protocol = 17};
    struct slice whole;
    assert_false(defrag_add(p->defrag, &fragment, &first, &whole));
    for (int twice = 0; twice < 2; twice++) {
        update(&bench, &stats);
        assert_int_equal(count_of(bench.registry, "sipspan_mirror_copies", "routed", NULL, NULL),
                         1);
        assert_int_equal(count_of(bench.registry, "sipspan_mirror_copies", "same", NULL, NULL), 0);
        assert_int_equal(count_of(bench.registry, "sipspan_mirror_copy_overruns", NULL, NULL, NULL),
                         14);
        assert_true(gauge_of(bench.registry, "sipspan_mirror_conversations", NULL) == 20);
        assert_true(gauge_of(bench.registry, "sipspan_mirror_conversations_one_way", NULL) == 3);
        assert_true(gauge_of(bench.registry, "sipspan_mirror_conversations_one_way_proven", NULL) ==
                    2);
        assert_int_equal(
            count_of(bench.registry, "sipspan_mirror_disordered_packets", NULL, NULL, NULL), 1);
        assert_int_equal(
            count_of(bench.registry, "sipspan_mirror_truncated_packets", NULL, NULL, NULL), 1);
        assert_int_equal(count_of(bench.registry, "sipspan_mirror_tcp_holes", NULL, NULL, NULL), 1);
        assert_int_equal(count_of(bench.registry, "sipspan_mirror_rtp_holes", NULL, NULL, NULL), 0);
        assert_int_equal(count_of(bench.registry, "sipspan_tunnel_packets", "gtp_u", NULL, NULL),
                         15);
        assert_int_equal(count_of(bench.registry, "sipspan_icmp_errors", "too_big", NULL, NULL),
                         16);
        assert_int_equal(count_of(bench.registry, "sipspan_icmp_errors_tied", NULL, NULL, NULL),
                         13);
        assert_int_equal(count_of(bench.registry, "sip_messages", "TCP", NULL, NULL), 17);
        assert_int_equal(
            count_of(bench.registry, "sip_connections_failed", "tls_alert", NULL, NULL), 18);
        assert_int_equal(count_of(bench.registry, "sipspan_fragments", NULL, NULL, NULL), 1);
        assert_true(gauge_of(bench.registry, "sipspan_tracked", "fragmented_datagrams") == 1);
        assert_true(gauge_of(bench.registry, "sipspan_tracked_limit", "fragmented_datagrams") ==
                    300);
        assert_true(gauge_of(bench.registry, "sipspan_tracked_limit", "tcp_connections") == 400);
    }
    defrag_finish(p->defrag);
    update(&bench, &stats);
    assert_true(gauge_of(bench.registry, "sipspan_tracked", "fragmented_datagrams") == 0);
    mirror_destroy(p->mirror);
    defrag_destroy(p->defrag);
    tcp_destroy(p->tcp);
    bench_free(&bench);
}

static struct peer_name peer(const char *net, const char *name)
{
    struct peer_name made = {.name = name};
    assert_true(ip_net_parse(slice_str(net), &made.net));
    return made;
}

/* Two networks of one name are one peer; who has no name is in no series. */
static void test_hep(void **state)
{
    struct metrics_bench bench = bench_new(NULL);
    (void)state;
    struct capture_stats stats = {.hep = {.connections_dropped = 7, .connections = 3}};
    for (int result = 0; result < HEP_RESULT_COUNT; result++)
        stats.hep.received[result] = 10 + (uint64_t)result;
    bench.pipeline->tally.hep_copies = 5;
    update(&bench, &stats);
    for (int result = 0; result < HEP_RESULT_COUNT; result++)
        assert_int_equal(count_of(bench.registry, "sipspan_hep_received",
                                  hep_result_name((enum hep_result)result), NULL, NULL),
                         10 + result);
    assert_int_equal(count_of(bench.registry, "sipspan_hep_copies", NULL, NULL, NULL), 5);
    assert_int_equal(count_of(bench.registry, "sipspan_hep_connections_dropped", NULL, NULL, NULL),
                     7);
    assert_true(gauge_of(bench.registry, "sipspan_hep_connections", NULL) == 3);
    bench_free(&bench);
}

static void test_peers(void **state)
{
    const struct peer_name entries[] = {peer("192.0.2.20", "trunk-a"),
                                        peer("198.51.100.0/24", "trunk-a"),
                                        peer("192.0.2.21", "trunk-b")};
    const struct peer_names names = {entries, 3};
    struct metrics_bench bench = bench_new(&names);
    (void)state;
    struct event event = unanswered_event(endpoint_v4(2, 1, 5060), endpoint_v4(2, 20, 5060),
                                          CAUSE_UNKNOWN, CONFIDENCE_LOW);
    sensor_metrics_event(bench.metrics, &event); /* nameless */
    event.invite_unanswered.dst.name = entries[0].name;
    sensor_metrics_event(bench.metrics, &event);
    event.invite_unanswered.dst.name = entries[1].name;
    sensor_metrics_event(bench.metrics, &event);
    event = ended_event(CALL_STATE_LOST, 200);
    event.call_ended.dst.name = "trunk-b";
    sensor_metrics_event(bench.metrics, &event);
    event = failed_event(endpoint_v4(2, 1, 40000), endpoint_v4(2, 21, 5061), CONNECTION_REFUSED,
                         CONFIDENCE_HIGH);
    sensor_metrics_event(bench.metrics, &event); /* nameless */
    event.connection_failed.dst.name = "trunk-b";
    sensor_metrics_event(bench.metrics, &event);
    event = degraded_event(MIRROR_LOSS, 0.5); /* of nobody */
    sensor_metrics_event(bench.metrics, &event);
    assert_int_equal(
        count_of(bench.registry, "sip_peer_connections_failed", "trunk-b", "refused", NULL), 1);
    assert_int_equal(
        count_of(bench.registry, "sip_peer_invites_unanswered", "trunk-a", "unknown", NULL), 2);
    assert_int_equal(
        count_of(bench.registry, "sip_peer_invites_unanswered", "trunk-b", "unknown", NULL), 0);
    assert_int_equal(count_of(bench.registry, "sip_peer_calls", "trunk-b", "lost", NULL), 1);
    size_t series = 0;
    for (struct metric *m = find_family(bench.registry, "sip_peer_calls")->first; m; m = m->next)
        series++;
    assert_int_equal(series, 2 * CALL_STATE_COUNT);
    bench_free(&bench);
}

static void test_histograms(void **state)
{
    struct metrics_bench bench = bench_new(NULL);
    (void)state;
    struct metric *first = sensor_metrics_first_response(bench.metrics);
    struct metric *delay = sensor_metrics_post_dial_delay(bench.metrics);
    assert_string_equal(first->desc->name, "sip_first_response_seconds");
    assert_string_equal(delay->desc->name, "sip_post_dial_delay_seconds");
    for (unsigned i = 1; i < first->desc->bucket_count; i++)
        assert_true(first->desc->buckets[i - 1] < first->desc->buckets[i]);
    assert_true(first->desc->bucket_count <= METRIC_BUCKETS_MAX);
    bench_free(&bench);
}

static uint64_t observations(const struct metrics *registry, const char *name, double *sum)
{
    const struct metric *m = find_series(registry, name, NULL, NULL, NULL);
    uint64_t count = 0, bits = atomic_load(&m->sum);
    for (unsigned i = 0; i <= m->desc->bucket_count; i++)
        count += atomic_load(&m->bucket[i]);
    memcpy(sum, &bits, sizeof bits);
    return count;
}

static void assert_observed(const struct metrics *registry, const char *name, uint64_t count,
                            double want)
{
    double sum;
    assert_int_equal(observations(registry, name, &sum), count);
    if (sum < want - 1e-9 || sum > want + 1e-9)
        fail_msg("%s: the sum is %f, not %f", name, sum, want);
}

/* One observation for each interval of a stream, of what is known; a last report counts where there
 * was no interval before it, and enough of a stream. */
static void test_streams(void **state)
{
    struct metrics_bench bench = bench_new(NULL);
    const struct metrics *registry = bench.registry;
    (void)state;
    struct event event = report_event(endpoint_v4(2, 1, 10000), endpoint_v4(2, 20, 20000), 1);
    struct event_stream *stream = &event.rtp_report.stream;
    stream->duplicates = 3;
    stream->out_of_order = 4;
    stream->expected = 4000;
    stream->lost = 1000;
    event.rtp_report.final = false;
    sensor_metrics_event(bench.metrics, &event);
    assert_observed(registry, "rtp_jitter_seconds", 1, 0.001);
    assert_observed(registry, "rtp_loss_ratio", 1, 0.25);
    assert_observed(registry, "rtp_mos", 1, 4.41);
    assert_observed(registry, "rtp_round_trip_seconds", 0, 0);
    assert_observed(registry, "rtp_latency_seconds", 0, 0);
    assert_int_equal(count_of(registry, "rtp_packets_duplicated", NULL, NULL, NULL), 0);
    event.rtp_report.final = true; /* it had intervals */
    sensor_metrics_event(bench.metrics, &event);
    assert_observed(registry, "rtp_jitter_seconds", 1, 0.001);
    assert_int_equal(count_of(registry, "rtp_packets_duplicated", NULL, NULL, NULL), 3);
    assert_int_equal(count_of(registry, "rtp_packets_out_of_order", NULL, NULL, NULL), 4);
    stream->ended_ns = NOON + 5 * S - 1; /* it had none */
    stream->rtt_ms = (struct event_figure){true, 300, 400};
    stream->has_latency = true;
    stream->latency_ms = 150;
    stream->jitter_ms.is_known = false;
    stream->mos_scale = "wideband";
    sensor_metrics_event(bench.metrics, &event);
    assert_observed(registry, "rtp_jitter_seconds", 1, 0.001);
    assert_observed(registry, "rtp_round_trip_seconds", 1, 0.3);
    assert_observed(registry, "rtp_latency_seconds", 1, 0.15);
    assert_observed(registry, "rtp_mos", 1, 4.41); /* scales are never mixed */
    assert_observed(registry, "rtp_mos_wideband", 1, 4.41);
    assert_observed(registry, "rtp_mos_fullband", 0, 0);
    stream->packets = 99;
    sensor_metrics_event(bench.metrics, &event);
    assert_observed(registry, "rtp_loss_ratio", 2, 0.5);
    event = one_way_event();
    sensor_metrics_event(bench.metrics, &event);
    assert_int_equal(count_of(registry, "rtp_one_way_audio", NULL, NULL, NULL), 1);
    bench_free(&bench);
}

/* Whose thresholds they are: of who sends, else of who receives. */
static void test_crossings(void **state)
{
    const struct peer_name entries[] = {peer("192.0.2.20", "trunk-a"),
                                        peer("192.0.2.21", "trunk-b")};
    const struct peer_names names = {entries, 2};
    struct metrics_bench bench = bench_new(&names);
    (void)state;
    struct event event = report_event(endpoint_v4(2, 1, 10000), endpoint_v4(2, 20, 20000), 1);
    event = crossing_event(&event, RTP_METRIC_JITTER);
    sensor_metrics_event(bench.metrics, &event); /* nameless */
    event.rtp_crossing.stream.dst.name = "trunk-a";
    sensor_metrics_event(bench.metrics, &event);
    event.rtp_crossing.stream.src.name = "trunk-b";
    sensor_metrics_event(bench.metrics, &event);
    event.type = EVENT_RTP_RECOVERED;
    sensor_metrics_event(bench.metrics, &event);
    assert_int_equal(count_of(bench.registry, "rtp_threshold_crossings", "jitter", NULL, NULL), 3);
    assert_int_equal(count_of(bench.registry, "rtp_threshold_crossings", "loss", NULL, NULL), 0);
    static const char name[] = "rtp_peer_threshold_crossings";
    assert_int_equal(count_of(bench.registry, name, "trunk-a", "jitter", NULL), 1);
    assert_int_equal(count_of(bench.registry, name, "trunk-b", "jitter", NULL), 1);
    assert_int_equal(count_of(bench.registry, name, "trunk-b", "latency", NULL), 0);
    bench_free(&bench);
}

/* What the table of streams counts itself. */
static void test_streams_table(void **state)
{
    struct metrics_bench bench = bench_new(NULL);
    struct codec_book codecs;
    struct capture_stats stats = {0};
    (void)state;
    assert_int_equal(codec_book_init(&codecs), 0);
    struct streams *streams = bench.pipeline->streams =
        streams_create(&(struct streams_params){.memory_bytes = 1 << 20,
                                                .interval_ns = 10 * S,
                                                .sensor_id = "sensor-1",
                                                .codecs = &codecs});
    assert_non_null(streams);
    bench.pipeline->calls.media_map.left_out = 5;
    char rtcp[] = "\x80\xc8\x00\xff"; /* longer than it is */
    struct datagram datagram = {.src = endpoint_v4(2, 1, 10001),
                                .dst = endpoint_v4(2, 20, 20001),
                                .time_ns = NOON,
                                .payload = slice_of(rtcp, 4)};
    streams_rtcp(streams, &datagram);
    update(&bench, &stats);
    update(&bench, &stats);
    assert_int_equal(streams_stats(streams)->rtcp_refused, 1);
    assert_int_equal(count_of(bench.registry, "sipspan_rtcp_refused", NULL, NULL, NULL), 1);
    assert_int_equal(
        count_of(bench.registry, "sipspan_media_announcements_left_out", NULL, NULL, NULL), 5);
    assert_true(gauge_of(bench.registry, "rtp_streams_active", NULL) == 0);
    assert_true(gauge_of(bench.registry, "sipspan_tracked", "streams") == 0);
    assert_true(gauge_of(bench.registry, "sipspan_tracked_limit", "streams") ==
                (double)streams_max(streams));
    assert_true(streams_max(streams) > 0);
    streams_destroy(streams);
    codec_book_fini(&codecs);
    bench_free(&bench);
}

static void say_dns(struct dns_lookups *dns, int64_t at_s, struct slice payload)
{
    struct datagram datagram = {.time_ns = NOON + at_s * S, .payload = payload};
    bool is_response = payload.at[2] & 0x80;
    datagram.src = endpoint_v4(2, 10, 40000);
    datagram.dst = endpoint_v4(2, 53, 53);
    if (is_response) {
        datagram.src = endpoint_v4(2, 53, 53);
        datagram.dst = endpoint_v4(2, 10, 40000);
    }
    dns_lookups_packet(dns, &datagram);
}

/* Of a few names: two with an answer, one with an error, one with neither. */
static void test_dns(void **state)
{
    static const char *const flags[] = {"\x81\x80", "\x81\x80", "\x81\x82"};
    struct metrics_bench bench = bench_new(NULL);
    struct capture_stats stats = {0};
    char query[] = "\1\2\1\0\0\1\0\0\0\0\0\0\1a\7example\0\0\1\0\1";
    (void)state;
    struct dns_lookups *dns = bench.pipeline->dns = dns_lookups_create(1 << 16);
    assert_non_null(dns);
    for (int i = 0; i < 4; i++) {
        query[13]++;
        say_dns(dns, i, slice_of(query, sizeof query - 1));
        if (i == 3)
            continue;
        char response[sizeof query];
        memcpy(response, query, sizeof query);
        memcpy(response + 2, flags[i], 2);
        say_dns(dns, i, slice_of(response, sizeof query - 1));
    }
    say_dns(dns, 9, slice_of(query, sizeof query - 1));
    for (int twice = 0; twice < 2; twice++) {
        update(&bench, &stats);
        const char *name = "sipspan_dns_lookups";
        assert_int_equal(count_of(bench.registry, name, "answered", NULL, NULL), 2);
        assert_int_equal(count_of(bench.registry, name, "failed", NULL, NULL), 1);
        assert_int_equal(count_of(bench.registry, name, "unanswered", NULL, NULL), 1);
        assert_true(gauge_of(bench.registry, "sipspan_tracked", "dns_lookups") == 4);
        assert_true(gauge_of(bench.registry, "sipspan_tracked_limit", "dns_lookups") ==
                    (double)dns_lookups_max(dns));
    }
    dns_lookups_destroy(dns);
    bench_free(&bench);
}

static void test_destroy_nothing(void **state)
{
    (void)state;
    sensor_metrics_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),           cmocka_unit_test(test_there_from_the_start),
        cmocka_unit_test(test_update),          cmocka_unit_test(test_hep),
        cmocka_unit_test(test_flows),           cmocka_unit_test(test_peers),
        cmocka_unit_test(test_histograms),      cmocka_unit_test(test_streams),
        cmocka_unit_test(test_crossings),       cmocka_unit_test(test_streams_table),
        cmocka_unit_test(test_destroy_nothing), cmocka_unit_test(test_dns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
