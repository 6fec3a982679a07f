#include "pipeline/export_metrics.h"

#include <stdlib.h>

#include "export/exporter.h"
#include "pipeline/metric_families.h"

enum family {
    SPOOL_BYTES,
    SPOOL_RECORDS,
    SPOOL_DROPPED,
    SPOOL_ERRORS,
    SPOOL_OLDEST,
    KAFKA_UP,
    KAFKA_ERRORS,
    KAFKA_RESTARTS,
    FAMILIES
};

static const struct metric_desc families[FAMILIES] = {
    [SPOOL_BYTES] = {.type = METRIC_GAUGE,
                     .name = "sipspan_spool_bytes",
                     .unit = "bytes",
                     .help = "Events in the spool that are not delivered yet."},
    [SPOOL_RECORDS] =
        GAUGE("sipspan_spool_records", "Events in the spool that are not delivered yet.", NULL),
    [SPOOL_DROPPED] = COUNTER(
        "sipspan_spool_dropped",
        "Events that the spool had no room for, and places in it that were damaged.", "reason"),
    [SPOOL_ERRORS] = COUNTER("sipspan_spool_errors", "Times that the spool's disk failed.", NULL),
    [SPOOL_OLDEST] = {.type = METRIC_GAUGE,
                      .name = "sipspan_spool_oldest_timestamp_seconds",
                      .unit = "seconds",
                      .help = "When the oldest event of the spool was given; 0: it is empty."},
    [KAFKA_UP] = GAUGE("sipspan_kafka_up", "1 while a broker of Kafka's answers.", NULL),
    [KAFKA_ERRORS] =
        COUNTER("sipspan_kafka_errors",
                "Connections to Kafka that were lost or refused, logins and topics too.", NULL),
    [KAFKA_RESTARTS] = COUNTER("sipspan_kafka_restarts",
                               "Times that the producer began anew after a fatal error.", NULL),
};

struct export_metrics {
    struct metric *single[FAMILIES]; /* of families without labels */
    struct metric *dropped_full, *dropped_damaged;
    struct metric *events[EVENT_TYPE_COUNT][2]; /* written, failed */
    struct metric *queue;
};

struct export_metrics *export_metrics_create(struct metrics *registry, struct metric_family *events,
                                             struct metric_family *queue_bytes)
{
    struct metric_family *family[FAMILIES];
    bool out = false;
    struct export_metrics *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    families_add(registry, families, FAMILIES, family, m->single, &out);
    m->dropped_full = family_series(family[SPOOL_DROPPED], "full", NULL, NULL, &out);
    m->dropped_damaged = family_series(family[SPOOL_DROPPED], "damaged", NULL, NULL, &out);
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        const char *name = event_type_name((enum event_type)type);
        m->events[type][0] = family_series(events, name, "kafka", "written", &out);
        m->events[type][1] = family_series(events, name, "kafka", "failed", &out);
    }
    m->queue = family_series(queue_bytes, "kafka", NULL, NULL, &out);
    if (out) {
        export_metrics_destroy(m);
        return NULL;
    }
    return m;
}

void export_metrics_destroy(struct export_metrics *metrics)
{
    free(metrics);
}

void export_metrics_update(struct export_metrics *m, struct exporter *exporter)
{
    struct exporter_stats stats;
    exporter_stats(exporter, &stats);
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        counter_show(m->events[type][0], stats.delivered[type]);
        counter_show(m->events[type][1], stats.failed[type]);
    }
    metric_set(m->queue, (double)stats.queued_bytes);
    metric_set(m->single[SPOOL_BYTES], (double)stats.spool.bytes);
    metric_set(m->single[SPOOL_RECORDS], (double)stats.spool.records);
    metric_set(m->single[SPOOL_OLDEST], (double)stats.spool.oldest_ns / 1e9);
    counter_show(m->single[SPOOL_ERRORS], stats.spool.write_errors);
    counter_show(m->dropped_full, stats.spool.dropped_full);
    counter_show(m->dropped_damaged, stats.spool.dropped_damaged);
    metric_set(m->single[KAFKA_UP], stats.kafka.is_up ? 1 : 0);
    counter_show(m->single[KAFKA_ERRORS], stats.kafka.errors);
    counter_show(m->single[KAFKA_RESTARTS], stats.kafka.restarts);
}
