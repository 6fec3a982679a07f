#include "export/exporter.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "export/event_record.h"
#include "export/exporter_flow.h"
#include "spool/outbox.h"

enum { CLOSE_LOOK_MS = 20, ROOM_LOOK_MS = 1, NAME_LEN = 32 };

#define SECOND_NS INT64_C(1000000000)
/* So long may nothing move before even a file's events are given up. */
#define ROOM_WAIT_NS (30 * SECOND_NS)

struct exporter {
    struct exporter_params params;
    struct outbox *outbox;
    struct exporter_flow flow;
    bool is_started;
    pthread_t thread;
    bool gave_up_waiting;                       /* until there is room again */
    struct json_writer writer;                  /* of the thread that gives events */
    _Atomic uint64_t refused[EVENT_TYPE_COUNT]; /* by the outbox, or too large */
    _Atomic bool must_end, must_hurry;
};

static int64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * SECOND_NS + ts.tv_nsec;
}

/* The folder itself need not be there yet. */
static void resolve(const char *dir, char path[static PATH_MAX])
{
    char text[PATH_MAX], parent[PATH_MAX];
    if (realpath(dir, path))
        return;
    size_t len = (size_t)snprintf(text, sizeof text, "%s%s", dir[0] == '/' ? "" : "./", dir);
    while (len > 1 && len < sizeof text && text[len - 1] == '/')
        text[--len] = 0;
    char *slash = strrchr(text, '/');
    *slash = 0;
    len = (size_t)snprintf(path, PATH_MAX, "%s",
                           realpath(text[0] ? text : "/", parent) ? parent : text);
    if (len == 1)
        len = 0; /* the root has its slash */
    if (len < PATH_MAX)
        snprintf(path + len, PATH_MAX - len, "/%s", slash + 1);
}

/* Two spools are two folders, and what waits for one of them is of no use to the other. */
static void name_outbox(const char *dir, char name[static NAME_LEN])
{
    char path[PATH_MAX];
    resolve(dir, path);
    snprintf(name, NAME_LEN, "kafka.%016" PRIx64, spool_key_hash(slice_str(path)));
}

struct exporter *exporter_open(const struct exporter_params *params, char *error, size_t len)
{
    char name[NAME_LEN];
    struct exporter *exporter = calloc(1, sizeof *exporter);
    if (!exporter) {
        snprintf(error, len, "out of memory");
        return NULL;
    }
    exporter->params = *params;
    json_writer_init(&exporter->writer, SPOOL_RECORD_MAX);
    name_outbox(params->spool.dir, name);
    error[0] = 0;
    exporter->outbox = outbox_open(name, params->outbox_bytes, error, len);
    if (error[0])
        log_warning("%s", error);
    if (!exporter->outbox) {
        log_warning("events of the last moment are lost should the program be killed");
        exporter->outbox = outbox_create(params->outbox_bytes);
    }
    if (!exporter->outbox) {
        snprintf(error, len, "out of memory: no room for events on their way to Kafka");
        exporter_close(exporter);
        return NULL;
    }
    return exporter;
}

static void *run(void *arg)
{
    struct exporter *exporter = arg;
    pthread_setname_np(pthread_self(), "exporter");
    while (!atomic_load_explicit(&exporter->must_end, memory_order_acquire))
        exporter_flow_step(&exporter->flow);
    exporter_flow_finish(&exporter->flow);
    return NULL;
}

bool exporter_start(struct exporter *exporter, char *error, size_t len)
{
    sigset_t all, before;
    if (!exporter_flow_init(&exporter->flow, &exporter->params, exporter->outbox, error, len))
        return false;
    /* The threads inherit the mask: signals are for the main thread. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&exporter->thread, NULL, run, exporter);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    exporter->is_started = rc == 0;
    if (rc != 0)
        snprintf(error, len, "no thread for events to Kafka: %s", strerror(rc));
    return rc == 0;
}

void exporter_hurry(struct exporter *exporter)
{
    atomic_store_explicit(&exporter->must_hurry, true, memory_order_relaxed);
}

static bool is_all_delivered(struct exporter *exporter)
{
    struct outbox_stats outbox;
    outbox_stats(exporter->outbox, &outbox);
    return outbox.queued_bytes == 0 && exporter_flow_is_empty(&exporter->flow);
}

static void wait_delivered(struct exporter *exporter, int timeout_ms)
{
    int64_t begun_ns = now_ns(), end_ns = begun_ns + timeout_ms * INT64_C(1000000);
    bool is_said = false;
    while (!is_all_delivered(exporter) && now_ns() < end_ns &&
           !atomic_load_explicit(&exporter->must_hurry, memory_order_relaxed)) {
        nanosleep(&(struct timespec){.tv_nsec = CLOSE_LOOK_MS * 1000000L}, NULL);
        if (!is_said && now_ns() - begun_ns > SECOND_NS) {
            log_info("waits up to %d s until Kafka has all events; those that it has not by then "
                     "stay in the spool, interrupt to leave them there now",
                     (timeout_ms + 999) / 1000);
            is_said = true;
        }
    }
}

void exporter_finish(struct exporter *exporter, int timeout_ms)
{
    if (!exporter->is_started)
        return;
    wait_delivered(exporter, timeout_ms);
    atomic_store_explicit(&exporter->must_end, true, memory_order_release);
    outbox_wake(exporter->outbox);
    pthread_join(exporter->thread, NULL);
    exporter->is_started = false;
}

void exporter_close(struct exporter *exporter)
{
    if (!exporter)
        return;
    exporter_finish(exporter, 0);
    exporter_flow_fini(&exporter->flow);
    outbox_close(exporter->outbox);
    json_writer_fini(&exporter->writer);
    free(exporter);
}

static bool put_patiently(struct exporter *exporter, const struct slice *record)
{
    int64_t end_ns = now_ns() + ROOM_WAIT_NS;
    while (!exporter->gave_up_waiting && now_ns() < end_ns) {
        nanosleep(&(struct timespec){.tv_nsec = ROOM_LOOK_MS * 1000000L}, NULL);
        if (outbox_put(exporter->outbox, record, 1))
            return true;
    }
    exporter->gave_up_waiting = true;
    return false;
}

static bool put(struct exporter *exporter, const struct slice *record)
{
    if (outbox_put(exporter->outbox, record, 1)) {
        exporter->gave_up_waiting = false;
        return true;
    }
    if (exporter->params.may_wait && put_patiently(exporter, record))
        return true;
    atomic_fetch_add_explicit(&exporter->flow.lost, 1, memory_order_relaxed);
    return false;
}

void exporter_write(struct exporter *exporter, const struct event *event)
{
    json_writer_cut(&exporter->writer, 0);
    struct slice record = event_record_write(event, exporter->params.sensor_id, &exporter->writer);
    if (exporter->writer.failed || !put(exporter, &record))
        atomic_fetch_add_explicit(&exporter->refused[event->type], 1, memory_order_relaxed);
}

void exporter_stats(struct exporter *exporter, struct exporter_stats *out)
{
    struct outbox_stats outbox;
    exporter_flow_stats(&exporter->flow, out);
    outbox_stats(exporter->outbox, &outbox);
    out->queued_bytes = out->spool.bytes + outbox.queued_bytes;
    out->spool.dropped_damaged += outbox.damages;
    for (int type = 0; type < EVENT_TYPE_COUNT; type++)
        out->failed[type] += atomic_load_explicit(&exporter->refused[type], memory_order_relaxed);
}
