#include "pipeline/pipeline.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "pipeline/hep_path.h"
#include "pipeline/other_sensors.h"
#include "pipeline/packet_path.h"
#include "pipeline/progress.h"

enum {
    LIVE_WAIT_MS = 100,
    BATCHES_PER_UPDATE = 32, /* of the metrics, when no time passes between them */
    IP_PAYLOAD_MAX = 65535,
};

/* Live packets may lie in the kernel's ring for a moment: the idle clock runs behind by this. */
#define LIVE_LAG_NS     INT64_C(200000000)
#define UPDATE_EVERY_NS INT64_C(500000000)
/* Slower ways of setting a clock (slewing) move it by much less between two looks. */
#define STEP_MIN_NS INT64_C(500000000)

/*
 * How the memory is shared out: one part in so many. Copies are remembered for the window only:
 * what the fastest mirror port brings in it fits the most that they get.
 */
enum {
    CALL_IDS_SHARE = 32,
    CALL_ID_BYTES = 24, /* while their table doubles */
    TCP_SHARE = 8,
    TCP_CONNECTIONS_SHARE = 4, /* of TCP's; the rest for what they keep */
    TCP_CONNECTION_BYTES = 768,
    DEFRAG_SHARE = 16,
    DEFRAG_DATAGRAM_BYTES = 4096, /* that one takes, on average */
    COPIES_SHARE = 16,
    COPY_BYTES = 16,
    COPIES_MAX = 1 << 18,
    STREAMS_SHARE = 4,
    UDP_FLOWS_SHARE = 64,
    UDP_FLOW_BYTES = 128,
    DNS_SHARE = 256,
    DNS_BYTES_MAX = 4 << 20,
};

static uint64_t at_most(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t dns_bytes(uint64_t bytes)
{
    return at_most(bytes / DNS_SHARE, DNS_BYTES_MAX);
}

static int init_media(struct pipeline *pipeline)
{
    const struct pipeline_params *params = &pipeline->params;
    struct media_map *map = &pipeline->calls.media_map;
    if (codec_book_init(&pipeline->codecs))
        return -ENOMEM;
    pipeline->udp_flows = udp_flows_create(params->memory_bytes / UDP_FLOWS_SHARE / UDP_FLOW_BYTES);
    pipeline->streams = streams_create(&(struct streams_params){
        .memory_bytes = params->memory_bytes / STREAMS_SHARE,
        .interval_ns = params->rtp_interval_ns,
        .has_concealment = params->has_concealment,
        .sensor_id = params->calls.sensor_id,
        .names = params->calls.names,
        .thresholds = params->rtp_thresholds,
        .codecs = &pipeline->codecs,
        .joiner = {.context = map, .look = media_map_look, .codec = media_map_codec},
        .receive = packet_path_event,
        .doubts = packet_path_doubts,
        .context = pipeline,
    });
    return pipeline->udp_flows && pipeline->streams ? 0 : -ENOMEM;
}

static int init_rooms(struct pipeline *pipeline)
{
    uint64_t bytes = pipeline->params.memory_bytes;
    const struct calls_params *calls = &pipeline->params.calls;
    uint64_t tcp_bytes = bytes / TCP_SHARE, defrag_bytes = bytes / DEFRAG_SHARE;
    pipeline->defrag_max = defrag_bytes / DEFRAG_DATAGRAM_BYTES;
    pipeline->tcp_max = tcp_bytes / TCP_CONNECTIONS_SHARE / TCP_CONNECTION_BYTES;
    if (copies_init(&pipeline->copies, at_most(bytes / COPIES_SHARE / COPY_BYTES, COPIES_MAX),
                    pipeline->params.copy_window_ns) ||
        hep_path_init(pipeline))
        return -ENOMEM;
    pipeline->nested = malloc(IP_PAYLOAD_MAX);
    pipeline->defrag = defrag_create(&(struct defrag_params){
        .datagrams_max = pipeline->defrag_max,
        .bytes_max = defrag_bytes,
        .timeout_ns = DEFRAG_TIMEOUT_NS,
        .on_incomplete = packet_path_incomplete,
        .context = pipeline,
    });
    pipeline->tcp = tcp_create(&(struct tcp_params){
        .connections_max = pipeline->tcp_max,
        .bytes_max = tcp_bytes - tcp_bytes / TCP_CONNECTIONS_SHARE,
        .setup_ns = calls->timer_b_ns,
        .is_sip_server = packet_path_is_sip_server,
        .on_message = packet_path_message,
        .on_failure = packet_path_failure,
        .on_hole = packet_path_hole,
        .context = pipeline,
    });
    pipeline->mirror = mirror_create(calls->sensor_id, packet_path_event, pipeline);
    pipeline->dns = dns_lookups_create(dns_bytes(bytes));
    return pipeline->nested && pipeline->defrag && pipeline->tcp && pipeline->mirror &&
                   pipeline->dns && init_media(pipeline) == 0
               ? 0
               : -ENOMEM;
}

static void fini_rooms(struct pipeline *pipeline)
{
    streams_destroy(pipeline->streams);
    udp_flows_destroy(pipeline->udp_flows);
    dns_lookups_destroy(pipeline->dns);
    codec_book_fini(&pipeline->codecs);
    mirror_destroy(pipeline->mirror);
    tcp_destroy(pipeline->tcp);
    defrag_destroy(pipeline->defrag);
    free(pipeline->nested);
    hep_path_fini(pipeline);
    copies_fini(&pipeline->copies);
}

static int init_calls(struct pipeline *pipeline)
{
    struct calls_params calls = pipeline->params.calls;
    uint64_t bytes = pipeline->params.memory_bytes;
    calls.memory_bytes = bytes - bytes / TCP_SHARE - bytes / DEFRAG_SHARE - bytes / CALL_IDS_SHARE -
                         bytes / STREAMS_SHARE - bytes / UDP_FLOWS_SHARE - dns_bytes(bytes) -
                         at_most(bytes / COPIES_SHARE, (uint64_t)COPIES_MAX * COPY_BYTES);
    calls.receive = packet_path_event;
    calls.look_at_connection = packet_path_connection;
    calls.look_at_dns = packet_path_dns;
    calls.tell_sensors = pipeline->params.sightings ? other_sensors_tell : NULL;
    calls.look_at_sensors = pipeline->params.sightings ? other_sensors_look : NULL;
    calls.doubts = packet_path_doubts;
    calls.context = pipeline;
    calls.streams = pipeline->streams;
    calls.codecs = &pipeline->codecs;
    calls.first_response_seconds = sensor_metrics_first_response(pipeline->metrics);
    calls.post_dial_delay_seconds = sensor_metrics_post_dial_delay(pipeline->metrics);
    return calls_init(&pipeline->calls, &calls);
}

static int init_metrics(struct pipeline *pipeline)
{
    const struct pipeline_params *params = &pipeline->params;
    pipeline->metrics =
        sensor_metrics_create(params->registry, &params->calls.names, params->exporter != NULL);
    if (!pipeline->metrics)
        return -ENOMEM;
    if (!params->hep_sender && !params->sightings)
        return 0;
    return sensor_metrics_add_outlets(pipeline->metrics, params->registry, params->hep_sender,
                                      params->sightings)
               ? 0
               : -ENOMEM;
}

int pipeline_init(struct pipeline *pipeline, const struct pipeline_params *params)
{
    *pipeline =
        (struct pipeline){.params = *params, .due_ns = INT64_MIN, .flow_key = hash_key_random()};
    if (tally_init(&pipeline->tally, params->memory_bytes / CALL_IDS_SHARE / CALL_ID_BYTES))
        return -ENOMEM;
    if (init_metrics(pipeline) || init_rooms(pipeline) || init_calls(pipeline)) {
        fini_rooms(pipeline);
        sensor_metrics_destroy(pipeline->metrics);
        tally_fini(&pipeline->tally);
        return -ENOMEM;
    }
    return 0;
}

void pipeline_fini(struct pipeline *pipeline)
{
    calls_fini(&pipeline->calls);
    fini_rooms(pipeline);
    sensor_metrics_destroy(pipeline->metrics);
    tally_fini(&pipeline->tally);
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void pipeline_update_metrics(struct pipeline *pipeline)
{
    struct capture_stats stats;
    capture_stats(pipeline->params.capture, &stats);
    if (stats.dropped_kernel > pipeline->capture_stats.dropped_kernel) {
        calls_lost_packets(&pipeline->calls);
        mirror_sensor_lost(pipeline->mirror, pipeline->clock.now_ns);
    }
    other_sensors_update(pipeline);
    pipeline->capture_stats = stats;
    sensor_metrics_update(pipeline->metrics, &(struct sensor_sources){
                                                 .tally = &pipeline->tally,
                                                 .calls = &pipeline->calls,
                                                 .capture = &stats,
                                                 .sink = pipeline->params.sink,
                                                 .exporter = pipeline->params.exporter,
                                                 .copies = &pipeline->copies,
                                                 .defrag = pipeline->defrag,
                                                 .tcp = pipeline->tcp,
                                                 .mirror = pipeline->mirror,
                                                 .streams = pipeline->streams,
                                                 .dns = pipeline->dns,
                                                 .defrag_max = pipeline->defrag_max,
                                                 .tcp_max = pipeline->tcp_max,
                                             });
    atomic_store_explicit(&pipeline->is_ready, true, memory_order_relaxed);
}

/*
 * This machine's clock was set where it moved against the one that only goes on. Packets will show
 * it; if none comes, the time of day does.
 */
static void watch_wall_clock(struct pipeline *pipeline, bool is_idle)
{
    int64_t ahead_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
    int64_t moved_ns = ahead_ns - pipeline->wall_ahead_ns;
    if (pipeline->wall_ahead_ns != 0 && (moved_ns > STEP_MIN_NS || moved_ns < -STEP_MIN_NS))
        packet_clock_expect(&pipeline->clock, moved_ns);
    pipeline->wall_ahead_ns = ahead_ns;
    int64_t step_ns = is_idle ? packet_clock_take_expected(&pipeline->clock) : 0;
    if (step_ns != 0)
        packet_path_clock_step(pipeline, step_ns);
}

/* Brings the figures up to date in time; live, the clock too when nothing comes. */
static void keep_time(struct pipeline *pipeline, bool is_idle, int64_t *next_update_ns)
{
    if (pipeline->params.is_live)
        watch_wall_clock(pipeline, is_idle);
    if (is_idle) {
        packet_path_advance(pipeline, clock_ns(CLOCK_REALTIME) - LIVE_LAG_NS);
        /* A step that comes next is one from here, not from the last packet. */
        if (pipeline->clock.is_running && pipeline->calls.now_ns > pipeline->clock.now_ns)
            pipeline->clock.now_ns = pipeline->calls.now_ns;
    }
    int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
    if (now_ns < *next_update_ns)
        return;
    *next_update_ns = now_ns + UPDATE_EVERY_NS;
    pipeline_update_metrics(pipeline);
}

static void look_at_waiting(void *context, const struct transaction *transaction)
{
    struct pipeline *pipeline = context;
    const struct calls *calls = &pipeline->calls;
    if (transaction->is_of_scanner)
        return; /* nobody is missed there */
    tally_waiting(&pipeline->tally, &transaction->dst,
                  peer_names_find(&calls->params.names, &transaction->dst.ip),
                  transaction->transmissions, calls->now_ns - transaction->first_sent_ns);
}

void pipeline_run(struct pipeline *pipeline)
{
    struct capture *capture = pipeline->params.capture;
    struct progress progress;
    struct packet_batch batch;
    enum capture_status status;
    int64_t next_update_ns = 0;
    unsigned batches = 0;
    progress_start(&progress, pipeline->params.shows_progress);
    pipeline_update_metrics(pipeline);
    while ((status = capture_read(capture, &batch, LIVE_WAIT_MS)) == CAPTURE_PACKETS ||
           status == CAPTURE_IDLE) {
        if (status == CAPTURE_PACKETS)
            packet_path_take(pipeline, &batch);
        other_sensors_time(pipeline, status == CAPTURE_PACKETS);
        const char *notice = capture_notice(capture);
        if (notice)
            log_warning("%s", notice);
        if (pipeline->params.sink && pipeline->params.is_prompt)
            sink_file_flush(pipeline->params.sink);
        if (pipeline->params.sink && sink_file_has_no_reader(pipeline->params.sink))
            break; /* as with "| head": nobody wants the rest */
        if (pipeline->params.is_live || ++batches % BATCHES_PER_UPDATE == 0) {
            keep_time(pipeline, pipeline->params.is_live && status == CAPTURE_IDLE,
                      &next_update_ns);
            progress_show(&progress, capture_progress(capture), pipeline->tally.packets);
        }
    }
    progress_end(&progress);
    const char *notice = capture_notice(capture);
    if (notice)
        log_warning("%s", notice);
    pipeline->ended_badly = status == CAPTURE_FAILED;
    pipeline->was_stopped = status == CAPTURE_END && capture_was_stopped(capture);
    packet_path_finish(pipeline);
    calls_each_waiting(&pipeline->calls, look_at_waiting, pipeline);
    calls_finish(&pipeline->calls);
    streams_finish(pipeline->streams);
    tally_sort(&pipeline->tally);
    if (pipeline->params.sink)
        sink_file_flush(pipeline->params.sink);
    pipeline_update_metrics(pipeline);
}
