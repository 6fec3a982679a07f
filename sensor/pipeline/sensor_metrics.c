#include "pipeline/sensor_metrics.h"

#include <stdlib.h>

#include "pipeline/export_metrics.h"
#include "pipeline/flow_metrics.h"
#include "pipeline/hep_metrics.h"
#include "pipeline/metric_families.h"
#include "pipeline/outlet_metrics.h"
#include "pipeline/rtp_metrics.h"

/* From a LAN's first response to a person who picks up late. */
static const double delay_buckets[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1,
                                       2,     3,    5,     8,    11,  15,  20,  30};

#define DELAY(name_, help_)                                                                        \
    {                                                                                              \
        .type = METRIC_HISTOGRAM, .name = name_, .help = help_, .unit = "seconds",                 \
        .buckets = delay_buckets, .bucket_count = sizeof delay_buckets / sizeof delay_buckets[0]   \
    }

enum family {
    BUILD_INFO,
    REQUESTS,
    RESPONSES,
    MESSAGES,
    UNANSWERED,
    LEFT_TO_OTHERS,
    STRUGGLING,
    SCANNER_UNANSWERED,
    SCANNER_REQUESTS,
    SCANNER_CALLS,
    CONNECTIONS_FAILED,
    CALLS,
    CALLS_ACTIVE,
    INVITES_PENDING,
    INVITES_RETRANSMITTING,
    FIRST_RESPONSE,
    POST_DIAL_DELAY,
    PEER_CALLS,
    PEER_UNANSWERED,
    PEER_CONNECTIONS,
    PEER_CROSSINGS,
    PACKETS,
    BYTES,
    DROPPED,
    NOT_DECODED,
    PARSE_ERRORS,
    STRAY_RESPONSES,
    INFERRED,
    PEERS_FORGOTTEN,
    EVENTS,
    QUEUE_BYTES,
    TRACKED,
    TRACKED_LIMIT,
    EVICTED,
    LAST_PACKET,
    FAMILY_COUNT
};

static const struct metric_desc families[FAMILY_COUNT] = {
    [BUILD_INFO] = {.type = METRIC_INFO,
                    .name = "sipspan_build",
                    .labels = {"version"},
                    .help = "The version that runs."},
    [REQUESTS] =
        COUNTER("sip_requests", "SIP requests seen, retransmissions included, mirror copies not.",
                "method"),
    [RESPONSES] =
        COUNTER("sip_responses", "SIP responses seen, repeats included, mirror copies not.",
                "method", "class"),
    [MESSAGES] = COUNTER("sip_messages", "SIP messages seen, by what carried them.", "transport"),
    [UNANSWERED] = COUNTER(
        "sip_invites_unanswered",
        "INVITE client transactions without a response before Timer B, scanners' apart.", "cause"),
    [LEFT_TO_OTHERS] = COUNTER("sip_invites_unanswered_elsewhere",
                               "INVITEs lost between sensors of which another sensor on the path "
                               "gave the event.",
                               NULL),
    [STRUGGLING] = COUNTER("sip_invites_struggling",
                           "INVITEs that got no response to their third transmission.", NULL),
    [SCANNER_UNANSWERED] =
        COUNTER("sip_scanner_invites_unanswered",
                "INVITEs of scanners without a response, for which nobody is to be called.", NULL),
    [SCANNER_REQUESTS] = COUNTER("sip_scanner_requests",
                                 "Requests that scanners sent, told by how they look.", NULL),
    [SCANNER_CALLS] = COUNTER("sip_scanner_calls", "Calls of scanners that ended.", "state"),
    [CONNECTIONS_FAILED] =
        COUNTER("sip_connections_failed",
                "TCP connections to a SIP port that never got as far as a message.", "reason"),
    [CALLS] = COUNTER("sip_calls", "Calls that ended, scanners' apart.", "state"),
    [CALLS_ACTIVE] = GAUGE("sip_calls_active", "Calls that are established.", NULL),
    [INVITES_PENDING] =
        GAUGE("sip_invites_pending",
              "INVITEs that wait for their first response, but those of scanners.", NULL),
    [INVITES_RETRANSMITTING] = GAUGE(
        "sip_invites_retransmitting",
        "INVITEs without a response that were sent more than once, but those of scanners.", NULL),
    [FIRST_RESPONSE] = DELAY("sip_first_response_seconds",
                             "From a call's INVITE to the first response of any kind."),
    [POST_DIAL_DELAY] = DELAY("sip_post_dial_delay_seconds",
                              "From a call's INVITE to the first 18x, or to the final response."),
    [PEER_CALLS] =
        COUNTER("sip_peer_calls", "Calls that ended, by the named peer that they went to.", "peer",
                "state"),
    [PEER_UNANSWERED] =
        COUNTER("sip_peer_invites_unanswered", "INVITEs that a named peer left without a response.",
                "peer", "cause"),
    [PEER_CONNECTIONS] = COUNTER("sip_peer_connections_failed",
                                 "Connections to a named peer that never got as far as a message.",
                                 "peer", "reason"),
    [PEER_CROSSINGS] =
        COUNTER("rtp_peer_threshold_crossings",
                "Times that a stream from a named peer, or from nobody named to one, got worse "
                "than a threshold.",
                "peer", "metric"),
    [PACKETS] = COUNTER("sipspan_packets", "Packets read, mirror copies included.", NULL),
    [BYTES] = {.type = METRIC_COUNTER,
               .name = "sipspan_captured_bytes",
               .unit = "bytes",
               .help = "Captured bytes of the packets read."},
    [DROPPED] =
        COUNTER("sipspan_packets_dropped",
                "Packets that the sensor did not get to see, by where they were lost.", "where"),
    [NOT_DECODED] = COUNTER("sipspan_packets_left_out",
                            "Packets that were not looked into, by the reason.", "reason"),
    [PARSE_ERRORS] =
        COUNTER("sipspan_parse_errors",
                "Messages that looked like their protocol and could not be read.", "protocol"),
    [STRAY_RESPONSES] =
        COUNTER("sip_responses_stray",
                "Responses to an INVITE that could not have reached its client.", NULL),
    [PEERS_FORGOTTEN] = COUNTER(
        "sipspan_peers_forgotten",
        "Destinations, pairs of hosts, and figures of how a destination answers, dropped to "
        "make room.",
        NULL),
    [INFERRED] = COUNTER(
        "sipspan_answers_unseen",
        "INVITEs that were answered, as what followed shows, out of the sensor's sight.", NULL),
    [EVENTS] = COUNTER("sipspan_events", "Events given.", "type", "sink", "result"),
    [QUEUE_BYTES] = {.type = METRIC_GAUGE,
                     .name = "sipspan_sink_queue_bytes",
                     .unit = "bytes",
                     .labels = {"sink"},
                     .help = "Events that wait to be written."},
    [TRACKED] = GAUGE("sipspan_tracked", "Things that are being followed.", "what"),
    [TRACKED_LIMIT] =
        GAUGE("sipspan_tracked_limit", "How many can be, by the memory limit.", "what"),
    [EVICTED] = COUNTER("sipspan_calls_evicted",
                        "Calls forgotten to make room, by how far they had got.", "phase"),
    [LAST_PACKET] = {.type = METRIC_GAUGE,
                     .name = "sipspan_last_packet_timestamp_seconds",
                     .unit = "seconds",
                     .help = "The latest packet's own time."},
};

enum tracked {
    TRACKED_CALLS,
    TRACKED_TRANSACTIONS,
    TRACKED_DIALOGS,
    TRACKED_PEERS,
    TRACKED_ANNOUNCEMENTS,
    TRACKED_SLABS,
    TRACKED_DATAGRAMS = TRACKED_SLABS,
    TRACKED_CONNECTIONS,
    TRACKED_STREAMS,
    TRACKED_DNS,
    TRACKED_COUNT
};

static const char *const tracked_names[TRACKED_COUNT] = {"calls",
                                                         "transactions",
                                                         "dialogs",
                                                         "peers",
                                                         "media_announcements",
                                                         "fragmented_datagrams",
                                                         "tcp_connections",
                                                         "streams",
                                                         "dns_lookups"};
static const char *const class_names[] = {NULL, "1xx", "2xx", "3xx", "4xx", "5xx", "6xx"};

struct peer_series {
    const char *name;
    struct metric *calls[CALL_STATE_COUNT];
    struct metric *unanswered[CAUSE_CODE_COUNT];
    struct metric *connections[CONNECTION_FAILURE_COUNT];
    struct metric *crossings[RTP_METRIC_COUNT];
};

struct sensor_metrics {
    bool is_incomplete; /* memory was out while it was made */
    struct metric_family *family[FAMILY_COUNT];
    struct metric *single[FAMILY_COUNT]; /* of families without labels */
    struct metric *requests[SIP_METHOD_COUNT];
    struct metric *responses[SIP_METHOD_COUNT][7];
    struct metric *messages[TRANSPORT_COUNT];
    struct metric *unanswered[CAUSE_CODE_COUNT];
    struct metric *connections_failed[CONNECTION_FAILURE_COUNT];
    struct metric *calls[CALL_STATE_COUNT], *scanner_calls[CALL_STATE_COUNT];
    struct metric *dropped_kernel, *dropped_interface;
    struct metric *left_out[DECODE_VERDICT_COUNT];
    struct metric *sip_errors;
    struct metric *events[EVENT_TYPE_COUNT][2]; /* written, failed */
    struct metric *file_queue;
    struct metric *tracked[TRACKED_COUNT], *tracked_limit[TRACKED_COUNT];
    struct metric *evicted[PHASE_COUNT];
    struct flow_metrics *flow;
    struct rtp_metrics *rtp;
    struct hep_metrics *hep;
    struct export_metrics *export;  /* NULL: no events go over the network */
    struct outlet_metrics *outlets; /* NULL: neither HEP nor sightings do */
    struct peer_series *peer;
    size_t peers;
};

static struct metric *series(struct sensor_metrics *m, enum family family, const char *a,
                             const char *b, const char *c)
{
    return family_series(m->family[family], a, b, c, &m->is_incomplete);
}

static void add_traffic(struct sensor_metrics *m)
{
    for (int method = 0; method < SIP_METHOD_COUNT; method++) {
        const char *name = sip_method_name((enum sip_method)method);
        m->requests[method] = series(m, REQUESTS, name, NULL, NULL);
        for (int class = 1; class <= 6; class ++)
            m->responses[method][class] = series(m, RESPONSES, name, class_names[class], NULL);
    }
    for (int transport = 0; transport < TRANSPORT_COUNT; transport++)
        m->messages[transport] =
            series(m, MESSAGES, transport_name((enum transport)transport), NULL, NULL);
    for (int reason = 0; reason < CONNECTION_FAILURE_COUNT; reason++)
        m->connections_failed[reason] =
            series(m, CONNECTIONS_FAILED, connection_failure_name((enum connection_failure)reason),
                   NULL, NULL);
    for (int code = 0; code < CAUSE_CODE_COUNT; code++)
        m->unanswered[code] =
            series(m, UNANSWERED, cause_code_name((enum cause_code)code), NULL, NULL);
    for (int state = 0; state < CALL_STATE_COUNT; state++) {
        const char *name = call_state_name((enum call_state)state);
        m->calls[state] = series(m, CALLS, name, NULL, NULL);
        m->scanner_calls[state] = series(m, SCANNER_CALLS, name, NULL, NULL);
    }
}

static void add_sensor(struct sensor_metrics *m)
{
    struct metric *build = series(m, BUILD_INFO, SIPSPAN_VERSION, NULL, NULL);
    if (build)
        metric_set(build, 1);
    m->dropped_kernel = series(m, DROPPED, "kernel", NULL, NULL);
    m->dropped_interface = series(m, DROPPED, "interface", NULL, NULL);
    for (int verdict = 0; verdict < DECODE_VERDICT_COUNT; verdict++)
        if (tally_is_left_out((enum decode_verdict)verdict))
            m->left_out[verdict] = series(
                m, NOT_DECODED, decode_verdict_name((enum decode_verdict)verdict), NULL, NULL);
    m->sip_errors = series(m, PARSE_ERRORS, "sip", NULL, NULL);
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        const char *name = event_type_name((enum event_type)type);
        m->events[type][0] = series(m, EVENTS, name, "file", "written");
        m->events[type][1] = series(m, EVENTS, name, "file", "failed");
    }
    m->file_queue = series(m, QUEUE_BYTES, "file", NULL, NULL);
    for (int what = 0; what < TRACKED_COUNT; what++) {
        m->tracked[what] = series(m, TRACKED, tracked_names[what], NULL, NULL);
        m->tracked_limit[what] = series(m, TRACKED_LIMIT, tracked_names[what], NULL, NULL);
    }
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        m->evicted[phase] = series(m, EVICTED, call_phase_name((enum call_phase)phase), NULL, NULL);
}

static struct peer_series *find_peer(struct sensor_metrics *m, const char *name)
{
    for (size_t i = 0; name && i < m->peers; i++)
        if (strcmp(m->peer[i].name, name) == 0)
            return &m->peer[i];
    return NULL;
}

/* Several networks may share a name: one set of series each name. */
static void add_peers(struct sensor_metrics *m, const struct peer_names *peers)
{
    for (size_t i = 0; peers && i < peers->count; i++) {
        const char *name = peers->entry[i].name;
        if (find_peer(m, name))
            continue;
        struct peer_series *peer = &m->peer[m->peers++];
        peer->name = name;
        for (int state = 0; state < CALL_STATE_COUNT; state++)
            peer->calls[state] =
                series(m, PEER_CALLS, name, call_state_name((enum call_state)state), NULL);
        for (int code = 0; code < CAUSE_CODE_COUNT; code++)
            peer->unanswered[code] =
                series(m, PEER_UNANSWERED, name, cause_code_name((enum cause_code)code), NULL);
        for (int reason = 0; reason < CONNECTION_FAILURE_COUNT; reason++)
            peer->connections[reason] =
                series(m, PEER_CONNECTIONS, name,
                       connection_failure_name((enum connection_failure)reason), NULL);
        for (int metric = 0; metric < RTP_METRIC_COUNT; metric++)
            peer->crossings[metric] =
                series(m, PEER_CROSSINGS, name, rtp_metric_name((enum rtp_metric)metric), NULL);
    }
}

static bool is_of_peers(enum family family)
{
    return family == PEER_CALLS || family == PEER_UNANSWERED || family == PEER_CONNECTIONS ||
           family == PEER_CROSSINGS;
}

struct sensor_metrics *sensor_metrics_create(struct metrics *registry,
                                             const struct peer_names *peers, bool has_exporter)
{
    struct sensor_metrics *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->peer = calloc(peers && peers->count ? peers->count : 1, sizeof *m->peer);
    if (!m->peer) {
        free(m);
        return NULL;
    }
    for (int i = 0; i < FAMILY_COUNT; i++) {
        if (is_of_peers((enum family)i) && (!peers || peers->count == 0))
            continue;
        m->family[i] = metrics_add(registry, &families[i]);
        if (!families[i].labels[0])
            m->single[i] = series(m, (enum family)i, NULL, NULL, NULL);
    }
    add_traffic(m);
    add_sensor(m);
    add_peers(m, peers);
    m->flow = flow_metrics_create(registry);
    m->rtp = rtp_metrics_create(registry);
    m->hep = hep_metrics_create(registry);
    if (has_exporter)
        m->export = export_metrics_create(registry, m->family[EVENTS], m->family[QUEUE_BYTES]);
    m->is_incomplete |= !m->flow || !m->rtp || !m->hep || (has_exporter && !m->export);
    if (m->is_incomplete) {
        sensor_metrics_destroy(m);
        return NULL;
    }
    return m;
}

bool sensor_metrics_add_outlets(struct sensor_metrics *m, struct metrics *registry,
                                struct hep_sender *hep, struct sightings *sightings)
{
    m->outlets = outlet_metrics_create(registry, m->family[QUEUE_BYTES], hep, sightings);
    return m->outlets != NULL;
}

void sensor_metrics_destroy(struct sensor_metrics *m)
{
    if (m) {
        flow_metrics_destroy(m->flow);
        rtp_metrics_destroy(m->rtp);
        hep_metrics_destroy(m->hep);
        export_metrics_destroy(m->export);
        outlet_metrics_destroy(m->outlets);
        free(m->peer);
    }
    free(m);
}

struct metric *sensor_metrics_first_response(struct sensor_metrics *m)
{
    return m->single[FIRST_RESPONSE];
}

struct metric *sensor_metrics_post_dial_delay(struct sensor_metrics *m)
{
    return m->single[POST_DIAL_DELAY];
}

void sensor_metrics_event(struct sensor_metrics *m, const struct event *event)
{
    struct peer_series *peer;
    rtp_metrics_event(m->rtp, event);
    switch (event->type) {
    case EVENT_INVITE_UNANSWERED:
        peer = find_peer(m, event->invite_unanswered.dst.name);
        if (peer && event->invite_unanswered.scanner.len == 0)
            metric_add(peer->unanswered[event->invite_unanswered.cause.code], 1);
        break;
    case EVENT_CALL_ENDED:
        peer = find_peer(m, event->call_ended.dst.name);
        if (peer && !event->call_ended.is_of_scanner)
            metric_add(peer->calls[event->call_ended.state], 1);
        break;
    case EVENT_CONNECTION_FAILED:
        if ((peer = find_peer(m, event->connection_failed.dst.name)) != NULL)
            metric_add(peer->connections[event->connection_failed.reason], 1);
        break;
    case EVENT_RTP_DEGRADED: /* whose thresholds they are, see media/stream_intervals.c */
        peer = find_peer(m, event->rtp_crossing.stream.src.name);
        if (!peer)
            peer = find_peer(m, event->rtp_crossing.stream.dst.name);
        if (peer)
            metric_add(peer->crossings[event->rtp_crossing.metric], 1);
        break;
    case EVENT_INVITE_STRUGGLING:
    case EVENT_MIRROR_DEGRADED:
    case EVENT_RTP_REPORT:
    case EVENT_RTP_RECOVERED:
    case EVENT_ONE_WAY_AUDIO:
    case EVENT_TYPE_COUNT:
        break;
    }
}

static void update_traffic(struct sensor_metrics *m, const struct tally *tally)
{
    uint64_t refused = 0;
    for (int method = 0; method < SIP_METHOD_COUNT; method++) {
        counter_show(m->requests[method], tally->requests[method]);
        for (int class = 1; class <= 6; class ++)
            counter_show(m->responses[method][class], tally->responses[method][class]);
    }
    for (int transport = 0; transport < TRANSPORT_COUNT; transport++)
        counter_show(m->messages[transport], tally->messages[transport]);
    for (int reason = 0; reason < CONNECTION_FAILURE_COUNT; reason++)
        counter_show(m->connections_failed[reason], tally->connections_failed[reason]);
    for (int code = 0; code < CAUSE_CODE_COUNT; code++)
        counter_show(m->unanswered[code], tally->causes[code] - tally->causes_of_scanners[code]);
    for (int state = 0; state < CALL_STATE_COUNT; state++) {
        counter_show(m->calls[state], tally_calls(tally, (enum call_state)state));
        counter_show(m->scanner_calls[state], tally->calls_of_scanners[state]);
    }
    for (int verdict = 0; verdict < DECODE_VERDICT_COUNT; verdict++)
        if (tally_is_left_out((enum decode_verdict)verdict))
            counter_show(m->left_out[verdict], tally->decoded[verdict]);
    for (int refusal = SIP_NOT_SIP + 1; refusal < SIP_REFUSAL_COUNT; refusal++)
        refused += tally->refused[refusal];
    counter_show(m->sip_errors, refused);
    counter_show(m->single[STRUGGLING], tally->struggling);
    counter_show(m->single[SCANNER_UNANSWERED], tally->of_scanners);
    counter_show(m->single[PACKETS], tally->packets);
    counter_show(m->single[BYTES], tally->bytes);
    if (tally->last_ns != EVENT_NO_TIME)
        metric_set(m->single[LAST_PACKET], (double)tally->last_ns / 1e9);
}

static void update_tables(struct sensor_metrics *m, const struct calls *calls)
{
    const struct call_table *table = &calls->table;
    metric_set(m->single[CALLS_ACTIVE], (double)table->phase_count[PHASE_UP]);
    metric_set(m->single[INVITES_PENDING], (double)table->waiting);
    metric_set(m->single[INVITES_RETRANSMITTING], (double)table->retransmitting);
    counter_show(m->single[STRAY_RESPONSES], calls->stray_responses);
    counter_show(m->single[INFERRED], calls->inferred_answers);
    counter_show(m->single[LEFT_TO_OTHERS], calls->left_to_others);
    counter_show(m->single[PEERS_FORGOTTEN],
                 calls->peers.forgotten + calls->peers.answers.forgotten);
    counter_show(m->single[SCANNER_REQUESTS], scanners_stats(calls->scanners)->requests);
    const struct slab *slabs[TRACKED_SLABS] = {&table->calls, &table->transactions, &table->dialogs,
                                               &calls->peers.peer_slab,
                                               &calls->media_map.announcements};
    for (int what = 0; what < TRACKED_SLABS; what++) {
        metric_set(m->tracked[what], (double)slabs[what]->used);
        metric_set(m->tracked_limit[what], (double)slabs[what]->capacity);
    }
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        counter_show(m->evicted[phase], table->evicted[phase]);
}

static void update_rooms(struct sensor_metrics *m, const struct sensor_sources *sources)
{
    struct defrag_stats defrag = {0};
    struct tcp_stats tcp = {0};
    if (sources->defrag)
        defrag_stats(sources->defrag, &defrag);
    if (sources->tcp)
        tcp_stats(sources->tcp, &tcp);
    metric_set(m->tracked[TRACKED_DATAGRAMS], (double)defrag.waiting);
    metric_set(m->tracked_limit[TRACKED_DATAGRAMS], (double)sources->defrag_max);
    metric_set(m->tracked[TRACKED_CONNECTIONS], (double)tcp.tracked);
    metric_set(m->tracked_limit[TRACKED_CONNECTIONS], (double)sources->tcp_max);
    if (sources->streams) {
        metric_set(m->tracked[TRACKED_STREAMS], (double)streams_tracked(sources->streams));
        metric_set(m->tracked_limit[TRACKED_STREAMS], (double)streams_max(sources->streams));
    }
    if (sources->dns) {
        metric_set(m->tracked[TRACKED_DNS], (double)dns_lookups_tracked(sources->dns));
        metric_set(m->tracked_limit[TRACKED_DNS], (double)dns_lookups_max(sources->dns));
    }
}

static void update_sink(struct sensor_metrics *m, const struct sink_file *sink)
{
    struct sink_stats stats;
    sink_file_stats(sink, &stats);
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        counter_show(m->events[type][0], stats.written[type]);
        counter_show(m->events[type][1], stats.failed[type]);
    }
    metric_set(m->file_queue, (double)stats.queued_bytes);
}

void sensor_metrics_update(struct sensor_metrics *m, const struct sensor_sources *sources)
{
    update_traffic(m, sources->tally);
    update_tables(m, sources->calls);
    update_rooms(m, sources);
    flow_metrics_update(m->flow, sources);
    rtp_metrics_update(m->rtp, sources);
    hep_metrics_update(m->hep, sources);
    counter_show(m->dropped_kernel, sources->capture->dropped_kernel);
    counter_show(m->dropped_interface, sources->capture->dropped_interface);
    if (sources->sink)
        update_sink(m, sources->sink);
    if (m->export && sources->exporter)
        export_metrics_update(m->export, sources->exporter);
    if (m->outlets)
        outlet_metrics_update(m->outlets);
}
