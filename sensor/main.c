/*
 * main: reads the configuration, builds the pipeline, waits for signals, tears it down.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "capture/capture.h"
#include "capture/privileges.h"
#include "config/config.h"
#include "event/json_text.h"
#include "flow/classify.h"
#include "http/server.h"
#include "outlets.h"
#include "pipeline/pipeline.h"
#include "pipeline/report.h"

enum { EXIT_BADLY = 1, EXIT_USAGE = 2, MESSAGE_MAX = 640 };

/* For the signal handler, which can be told nothing; set once. NULL: nothing has been read yet. */
static struct capture *_Atomic signalled_capture;
/* The same; set while it is waited for. */
static struct outlets *_Atomic signalled_outlets;
static volatile sig_atomic_t is_interrupted;

struct sensor {
    struct config config;
    struct peer_name *peer_names;
    struct capture *capture;
    struct outlets outlets;
    struct metrics *metrics;
    struct pipeline pipeline;
    bool has_pipeline;
    struct http_server *server;
    struct string_list live; /* what is listened to: devices, then addresses for HEP */
    bool is_live;
};

static void on_signal(int number)
{
    (void)number;
    struct capture *capture = signalled_capture;
    struct outlets *outlets = signalled_outlets;
    is_interrupted = 1;
    if (outlets)
        outlets_hurry(outlets);
    if (!capture)
        _exit(0); /* as when standard input has not begun: there is nothing to tell */
    capture_stop(capture);
}

static void install_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN); /* a reader of ours that goes away is a write error, not the end */
}

/* A file's name may hold anything: what a terminal would act on is a question mark. */
static int complain(int status, const char *message)
{
    fputs("sipspan: ", stderr);
    for (const char *at = message; *at; at++)
        fputc((unsigned char)*at < 0x20 || *at == 0x7f ? '?' : *at, stderr);
    fputc('\n', stderr);
    return status;
}

/* By the numbers that packets have as their interface. */
static int name_interfaces(struct sensor *sensor)
{
    const struct string_list *devices = &sensor->config.interface, *hep = &sensor->config.hep;
    struct string_list *live = &sensor->live;
    live->item = calloc(devices->count + hep->count + 1, sizeof *live->item);
    if (!live->item)
        return complain(EXIT_BADLY, "out of memory");
    for (; live->count < devices->count + hep->count; live->count++) {
        size_t i = live->count;
        bool is_device = i < devices->count;
        if (asprintf(&live->item[i], "%s%s", is_device ? "" : "hep:",
                     is_device ? devices->item[i] : hep->item[i - devices->count]) < 0)
            return complain(EXIT_BADLY, "out of memory");
    }
    return 0;
}

static int open_capture(struct sensor *sensor)
{
    const struct config *config = &sensor->config;
    struct capture_error error;
    sensor->is_live = config->interface.count > 0 || config->hep.count > 0;
    if (sensor->is_live)
        sensor->capture = capture_open_live(
            &(struct capture_live_params){
                .devices = (const char *const *)config->interface.item,
                .device_count = config->interface.count,
                .hep = (const char *const *)config->hep.item,
                .hep_count = config->hep.count,
                .hep_key = config->hep_key,
                .filter = config->filter,
                .buffer_bytes = config->buffer_bytes,
                .snap_len = (uint32_t)config->snap_len,
                .promiscuous = config->promiscuous,
            },
            &error);
    else
        sensor->capture = capture_open_files(
            &(struct capture_file_params){
                .paths = (const char *const *)config->read.item,
                .path_count = config->read.count,
                .filter = config->filter,
            },
            &error);
    return sensor->capture ? 0 : complain(error.exit_status, error.text);
}

/* Does it all lie there already, so that nobody waits for the next packet? */
static bool is_all_files(const struct string_list *paths)
{
    struct stat st;
    for (size_t i = 0; i < paths->count; i++) {
        bool is_stdin = strcmp(paths->item[i], "-") == 0;
        if ((is_stdin ? fstat(STDIN_FILENO, &st) : stat(paths->item[i], &st)) != 0 ||
            !S_ISREG(st.st_mode))
            return false;
    }
    return true;
}

static int make_pipeline(struct sensor *sensor)
{
    const struct config *config = &sensor->config;
    sensor->peer_names = calloc(config->peer_count + 1, sizeof *sensor->peer_names);
    sensor->metrics = metrics_create();
    if (!sensor->peer_names || !sensor->metrics)
        return complain(EXIT_BADLY, "out of memory");
    for (size_t i = 0; i < config->peer_count; i++)
        sensor->peer_names[i] = (struct peer_name){
            .net = config->peer[i].net,
            .name = config->peer[i].name,
            .thresholds = config->peer[i].thresholds,
        };
    uint64_t fixed = config_fixed_memory(config);
    struct pipeline_params params = {
        .calls =
            {
                .timer_b_ns = config->timer_b_ns,
                .idle_ns = config->call_idle_timeout_ns,
                .sensor_id = config->sensor_id,
                .names = {sensor->peer_names, config->peer_count},
                .interface_names = (const char *const *)sensor->live.item,
                .interface_name_count = sensor->live.count,
            },
        .capture = sensor->capture,
        .sink = sensor->outlets.file,
        .exporter = sensor->outlets.exporter,
        .hep = sensor->outlets.hep_feed,
        .hep_sender = sensor->outlets.hep_sender,
        .sightings = sensor->outlets.sightings,
        .sensor_path = (const char *const *)config->sensor_path.item,
        .registry = sensor->metrics,
        .memory_bytes = config->memory_limit - fixed,
        .copy_window_ns = config->copy_window_ns,
        .rtp_interval_ns = config->rtp_interval_ns,
        .rtp_thresholds = {.jitter_ms = (double)config->rtp_jitter_threshold_ns / 1e6,
                           .latency_ms = (double)config->rtp_latency_threshold_ns / 1e6,
                           .loss_ratio = config->rtp_loss_threshold},
        .has_concealment = config->g711_concealment,
        .sip_ports = config->sip_ports.item,
        .sip_port_count = config->sip_ports.count,
        .is_live = sensor->is_live,
        .has_hep = config->hep.count > 0,
        .is_prompt = sensor->is_live || !is_all_files(&config->read),
        .shows_progress = !sensor->is_live && isatty(STDERR_FILENO),
    };
    if (pipeline_init(&sensor->pipeline, &params))
        return complain(EXIT_BADLY, "out of memory: lower memory_limit");
    sensor->has_pipeline = true;
    return 0;
}

static bool is_ready(void *arg, char reason[static HTTP_REASON_MAX])
{
    struct sensor *sensor = arg;
    if (atomic_load_explicit(&sensor->pipeline.is_ready, memory_order_relaxed))
        return true;
    snprintf(reason, HTTP_REASON_MAX, "the capture has not begun");
    return false;
}

static int start_server(struct sensor *sensor)
{
    char message[MESSAGE_MAX];
    const char *listen = sensor->config.listen;
    if (!listen && sensor->is_live)
        listen = "127.0.0.1:9160";
    if (!listen || !listen[0])
        return 0;
    sensor->server = http_server_start(
        &(struct http_server_params){
            .listen = listen,
            .metrics = sensor->metrics,
            .version = SIPSPAN_VERSION,
            .ready = is_ready,
            .ready_arg = sensor,
        },
        message, sizeof message);
    return sensor->server ? 0 : complain(EXIT_USAGE, message);
}

static int open_all(struct sensor *sensor)
{
    char message[MESSAGE_MAX];
    int status;
    install_signals();
    if ((status = name_interfaces(sensor)) != 0 || (status = open_capture(sensor)) != 0)
        return status;
    const struct config *config = &sensor->config;
    struct outlets *outlets = &sensor->outlets;
    bool is_live = sensor->is_live;
    if (outlets_open(outlets, config, is_live, message, sizeof message) != 0 ||
        (is_live && privileges_drop(config->user, message, sizeof message) != 0) ||
        outlets_start(outlets, config, is_live, message, sizeof message) != 0)
        return complain(EXIT_USAGE, message);
    if ((status = make_pipeline(sensor)) != 0 || (status = start_server(sensor)) != 0)
        return status;
    signalled_capture = sensor->capture;
    return 0;
}

/* 0, or the exit status when it cannot be written. */
static int print_report(struct sensor *sensor, const char *error)
{
    const struct config *config = &sensor->config;
    bool events_on_stdout = config->events && strcmp(config->events, "-") == 0;
    FILE *out = events_on_stdout ? stderr : stdout;
    /* Live, a report is for whoever ends the capture by hand. */
    if (config->report == REPORT_NONE || (sensor->is_live && !isatty(fileno(out))))
        return 0;
    const struct string_list *inputs = sensor->is_live ? &sensor->live : &config->read;
    struct report_source source = {
        .pipeline = &sensor->pipeline,
        .inputs = (const char *const *)inputs->item,
        .input_count = inputs->count,
        .sensor_id = config->sensor_id,
        .error = error,
    };
    bool is_written = true;
    if (config->report == REPORT_JSON)
        is_written = report_print_json(&source, out);
    else
        report_print_text(&source, out);
    if (fflush(out) != 0 || ferror(out) || !is_written)
        return complain(EXIT_BADLY, "the report cannot be written: is there room, and a reader?");
    return 0;
}

/* After a file: whoever scrapes may take his time. */
static void serve_until_interrupted(void)
{
    sigset_t ours, before;
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigprocmask(SIG_BLOCK, &ours, &before);
    while (!is_interrupted)
        sigsuspend(&before);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

/* Live, a start without a word looks like a hang. */
static void say_where(const struct sensor *sensor)
{
    char endpoint[ENDPOINT_TEXT_MAX] = "";
    const struct config *config = &sensor->config;
    if (!sensor->is_live)
        return;
    if (sensor->server)
        endpoint_format(http_server_endpoint(sensor->server), endpoint);
    for (size_t i = 0; i < sensor->live.count; i++)
        log_info("captures on %s", sensor->live.item[i]);
    if (sensor->server)
        log_info("metrics: http://%s/metrics", endpoint);
    if (!config->events && !sensor->outlets.exporter)
        log_info("no --events: calls show in the metrics only; --events - prints them");
}

static void say_end(const struct sensor *sensor)
{
    const struct tally *tally = &sensor->pipeline.tally;
    const struct capture_stats *stats = &sensor->pipeline.capture_stats;
    uint64_t ended = 0;
    for (int state = 0; state < CALL_STATE_COUNT; state++)
        ended += tally_calls(tally, (enum call_state)state);
    log_info("stopped: %" PRIu64 " packets, %" PRIu64 " calls ended, %" PRIu64
             " INVITEs unanswered, %" PRIu64 " packets dropped",
             tally->packets, ended, tally->unanswered,
             stats->dropped_kernel + stats->dropped_interface);
}

/* Events that Kafka has not by then stay in the spool. */
static void finish_outlets(struct sensor *sensor)
{
    signalled_outlets = &sensor->outlets;
    outlets_finish(&sensor->outlets, &sensor->config);
    signalled_outlets = NULL;
    pipeline_update_metrics(&sensor->pipeline);
}

static int run(struct sensor *sensor)
{
    int status = open_all(sensor);
    if (status != 0)
        return status;
    say_where(sensor);
    pipeline_run(&sensor->pipeline);
    finish_outlets(sensor);
    if (sensor->outlets.file && sink_file_has_no_reader(sensor->outlets.file))
        return 0;
    const struct capture_error *error =
        sensor->pipeline.ended_badly ? capture_last_error(sensor->capture) : NULL;
    const char *cut = error ? error->text : NULL;
    if (!cut && !sensor->is_live && sensor->pipeline.was_stopped)
        cut = "interrupted; the rest of the input was not read";
    status = print_report(sensor, cut);
    if (sensor->is_live)
        say_end(sensor);
    if (outlets_have_lost(&sensor->outlets))
        status = complain(EXIT_BADLY, "events were lost: they could not be written");
    if (error)
        status = complain(error->exit_status, error->text);
    if (sensor->server && !sensor->is_live)
        serve_until_interrupted();
    return status;
}

static void tear_down(struct sensor *sensor)
{
    http_server_stop(sensor->server);
    if (sensor->has_pipeline)
        pipeline_fini(&sensor->pipeline);
    metrics_destroy(sensor->metrics);
    outlets_close(&sensor->outlets);
    capture_close(sensor->capture);
    for (size_t i = 0; i < sensor->live.count; i++)
        free(sensor->live.item[i]);
    free(sensor->live.item);
    free(sensor->peer_names);
    config_fini(&sensor->config);
}

int main(int argc, char **argv)
{
    static struct sensor sensor;
    char version[MESSAGE_MAX];
    snprintf(version, sizeof version,
             "sipspan %s\n%s\nlibmicrohttpd %s\njansson %s\nnDPI %s\nlibrdkafka %s\nhiredis %s",
             SIPSPAN_VERSION, capture_library_version(), http_server_library_version(),
             json_text_library_version(), classify_library_version(), kafka_library_version(),
             sightings_library_version());
    int status = 0;
    switch (config_load(&sensor.config, argc, argv, environ, version, stdout, stderr)) {
    case CONFIG_RUN:
        log_set_level((enum log_level)sensor.config.log_level);
        status = run(&sensor);
        break;
    case CONFIG_EXIT_OK:
        break;
    case CONFIG_EXIT_USAGE:
        status = EXIT_USAGE;
        break;
    }
    tear_down(&sensor);
    return status;
}
