#include "pipeline/pipeline.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "base/log.h"
#include "pipeline/progress.h"

enum {
    PROTOCOL_ICMP = 1,
    PROTOCOL_ICMPV6 = 58,
    LIVE_WAIT_MS = 100,
    BATCHES_PER_UPDATE = 32, /* of the metrics, when no time passes between them */
};

/* Live packets may lie in the kernel's ring for a moment: the idle clock runs behind by this. */
#define LIVE_LAG_NS     INT64_C(200000000)
#define UPDATE_EVERY_NS INT64_C(500000000)

static void receive(void *context, const struct event *event)
{
    struct pipeline *pipeline = context;
    tally_event(&pipeline->tally, event);
    sensor_metrics_event(pipeline->metrics, event);
    if (pipeline->params.sink)
        sink_file_write(pipeline->params.sink, event);
}

int pipeline_init(struct pipeline *pipeline, const struct pipeline_params *params)
{
    *pipeline = (struct pipeline){.params = *params};
    int error = tally_init(&pipeline->tally, params->call_ids_max);
    if (error)
        return error;
    pipeline->metrics = sensor_metrics_create(params->registry, &params->calls.names);
    if (!pipeline->metrics)
        goto fail;
    struct calls_params calls = params->calls;
    calls.receive = receive;
    calls.context = pipeline;
    calls.first_response_seconds = sensor_metrics_first_response(pipeline->metrics);
    calls.post_dial_delay_seconds = sensor_metrics_post_dial_delay(pipeline->metrics);
    if (calls_init(&pipeline->calls, &calls))
        goto fail;
    return 0;
fail:
    sensor_metrics_destroy(pipeline->metrics);
    tally_fini(&pipeline->tally);
    return -ENOMEM;
}

void pipeline_fini(struct pipeline *pipeline)
{
    calls_fini(&pipeline->calls);
    sensor_metrics_destroy(pipeline->metrics);
    tally_fini(&pipeline->tally);
}

/* What is SIP is decided by looking at it, on any port. */
static void take_udp(struct pipeline *pipeline, const struct datagram *datagram)
{
    struct tally *tally = &pipeline->tally;
    if (!sip_msg_looks_like(datagram->payload)) {
        tally->udp_other++;
        return;
    }
    struct sip_msg msg; /* large, and on purpose not cleared */
    enum sip_refusal refusal = sip_msg_parse(datagram->payload, datagram->truncated, &msg);
    tally->refused[refusal]++;
    if (refusal != SIP_ACCEPTED)
        return;
    tally_message(tally, &msg);
    calls_message(&pipeline->calls, datagram, &msg);
}

/* The packet's time as the sensor takes it; where its clock was set, everything moves first. */
static int64_t read_clock(struct pipeline *pipeline, const struct packet *packet)
{
    int64_t step_ns;
    int64_t time_ns = packet_clock_read(&pipeline->clock, packet->time_ns, &step_ns);
    if (step_ns != 0) {
        log_limited(LOG_LEVEL_WARNING,
                    "packet %" PRIu64 ": the clock of the packets was set by %+.1f s; verdicts on "
                    "what waits now are of low confidence",
                    packet->number, (double)step_ns / 1e9);
        calls_clock_step(&pipeline->calls, step_ns);
    }
    return time_ns;
}

static void take_packet(struct pipeline *pipeline, const struct packet *packet)
{
    struct datagram datagram;
    enum decode_verdict verdict = decode_packet(packet, &datagram);
    tally_packet(&pipeline->tally, packet, verdict);
    datagram.time_ns = read_clock(pipeline, packet);
    switch (verdict) {
    case DECODE_UDP:
        calls_packet(&pipeline->calls, &datagram.src.ip, datagram.time_ns);
        take_udp(pipeline, &datagram);
        break;
    case DECODE_OTHER_IP:
        pipeline->tally.icmp +=
            datagram.protocol == PROTOCOL_ICMP || datagram.protocol == PROTOCOL_ICMPV6;
        calls_packet(&pipeline->calls, &datagram.src.ip, datagram.time_ns);
        break;
    case DECODE_FRAGMENT:
        calls_packet(&pipeline->calls, &datagram.src.ip, datagram.time_ns);
        break;
    default:
        calls_advance(&pipeline->calls, datagram.time_ns);
        break;
    }
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void update(struct pipeline *pipeline)
{
    struct capture_stats stats;
    capture_stats(pipeline->params.capture, &stats);
    if (stats.dropped_kernel > pipeline->capture_stats.dropped_kernel)
        calls_lost_packets(&pipeline->calls);
    pipeline->capture_stats = stats;
    sensor_metrics_update(pipeline->metrics, &pipeline->tally, &pipeline->calls, &stats,
                          pipeline->params.sink);
    atomic_store_explicit(&pipeline->is_ready, true, memory_order_relaxed);
}

/* Live: brings the figures up to date in time, and the clock too when nothing comes. */
static void keep_time(struct pipeline *pipeline, bool is_idle, int64_t *next_update_ns)
{
    if (is_idle) {
        calls_advance(&pipeline->calls, clock_ns(CLOCK_REALTIME) - LIVE_LAG_NS);
        /* A step that comes next is one from here, not from the last packet. */
        if (pipeline->clock.is_running && pipeline->calls.now_ns > pipeline->clock.now_ns)
            pipeline->clock.now_ns = pipeline->calls.now_ns;
    }
    int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
    if (now_ns < *next_update_ns)
        return;
    *next_update_ns = now_ns + UPDATE_EVERY_NS;
    update(pipeline);
}

static void look_at_waiting(void *context, const struct transaction *transaction)
{
    struct pipeline *pipeline = context;
    const struct calls *calls = &pipeline->calls;
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
    update(pipeline);
    while ((status = capture_read(capture, &batch, LIVE_WAIT_MS)) == CAPTURE_PACKETS ||
           status == CAPTURE_IDLE) {
        if (status == CAPTURE_PACKETS)
            for (unsigned i = 0; i < batch.count; i++)
                take_packet(pipeline, &batch.packet[i]);
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
    calls_each_waiting(&pipeline->calls, look_at_waiting, pipeline);
    calls_finish(&pipeline->calls);
    tally_sort(&pipeline->tally);
    if (pipeline->params.sink)
        sink_file_flush(pipeline->params.sink);
    update(pipeline);
}
