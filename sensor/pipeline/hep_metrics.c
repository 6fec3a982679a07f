#include "pipeline/hep_metrics.h"

#include <stdlib.h>

#include "pipeline/metric_families.h"

enum family { RECEIVED, COPIES, CONNECTIONS, CONNECTIONS_DROPPED, FAMILY_COUNT };

static const struct metric_desc families[FAMILY_COUNT] = {
    [RECEIVED] = COUNTER("sipspan_hep_received", "HEP messages, by what became of them.", "result"),
    [COPIES] =
        COUNTER("sipspan_hep_copies",
                "SIP messages that came as HEP and once more, as HEP or on the mirror.", NULL),
    [CONNECTIONS] = GAUGE("sipspan_hep_connections", "TCP connections that bring HEP.", NULL),
    [CONNECTIONS_DROPPED] =
        COUNTER("sipspan_hep_connections_dropped",
                "Of these, closed by the sensor: too many, idle, or not HEP.", NULL),
};

struct hep_metrics {
    struct metric *single[FAMILY_COUNT]; /* of families without labels */
    struct metric *received[HEP_RESULT_COUNT];
};

struct hep_metrics *hep_metrics_create(struct metrics *registry)
{
    struct metric_family *family[FAMILY_COUNT];
    bool out = false;
    struct hep_metrics *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    families_add(registry, families, FAMILY_COUNT, family, m->single, &out);
    for (int result = 0; result < HEP_RESULT_COUNT; result++)
        m->received[result] = family_series(
            family[RECEIVED], hep_result_name((enum hep_result)result), NULL, NULL, &out);
    if (out) {
        hep_metrics_destroy(m);
        return NULL;
    }
    return m;
}

void hep_metrics_destroy(struct hep_metrics *m)
{
    free(m);
}

void hep_metrics_update(struct hep_metrics *m, const struct sensor_sources *sources)
{
    const struct hep_stats *stats = &sources->capture->hep;
    for (int result = 0; result < HEP_RESULT_COUNT; result++)
        counter_show(m->received[result], stats->received[result]);
    counter_show(m->single[COPIES], sources->tally->hep_copies);
    metric_set(m->single[CONNECTIONS], stats->connections);
    counter_show(m->single[CONNECTIONS_DROPPED], stats->connections_dropped);
}
