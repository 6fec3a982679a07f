#include "pipeline/outlet_metrics.h"

#include <stdlib.h>

#include "pipeline/metric_families.h"

enum hep_family { HEP_UP, HEP_MESSAGES, HEP_CONNECTS, HEP_ERRORS, HEP_FAMILIES };

static const struct metric_desc hep_families[HEP_FAMILIES] = {
    [HEP_UP] = GAUGE("sipspan_hep_up", "1 while the HEP server takes what is sent to it.", NULL),
    [HEP_MESSAGES] =
        COUNTER("sipspan_hep_messages",
                "HEP messages sent, and dropped because the server was slow or away.", "result"),
    [HEP_CONNECTS] =
        COUNTER("sipspan_hep_connects", "Connections to the HEP server that were made.", NULL),
    [HEP_ERRORS] = COUNTER("sipspan_hep_errors",
                           "Times that the HEP server was not found, refused, or broke off.", NULL),
};

enum sightings_family {
    REDIS_UP,
    REDIS_ERRORS,
    SIGHTINGS,
    QUESTIONS,
    CLOCK_OFFSET,
    SIGHTINGS_FAMILIES
};

static const struct metric_desc sightings_families[SIGHTINGS_FAMILIES] = {
    [REDIS_UP] = GAUGE("sipspan_redis_up", "1 while Redis answers.", NULL),
    [REDIS_ERRORS] = COUNTER("sipspan_redis_errors",
                             "Connections to Redis that were lost or refused, commands too.", NULL),
    [SIGHTINGS] =
        COUNTER("sipspan_sightings",
                "INVITEs and first responses told to the other sensors, and left out.", "result"),
    [QUESTIONS] =
        COUNTER("sipspan_sightings_questions",
                "Unanswered INVITEs that the other sensors were asked about, answers that "
                "came, and verdicts that went on without.",
                "result"),
    [CLOCK_OFFSET] = {.type = METRIC_GAUGE,
                      .name = "sipspan_clock_offset_seconds",
                      .unit = "seconds",
                      .help = "This machine's clock against Redis's; 0 while it is not known."},
};

struct outlet_metrics {
    struct hep_sender *hep;
    struct sightings *sightings;
    struct metric *hep_single[HEP_FAMILIES], *sightings_single[SIGHTINGS_FAMILIES];
    struct metric *hep_sent, *hep_dropped, *hep_queue;
    struct metric *noted, *dropped, *asked, *answered, *late, *sightings_queue;
};

static void add_hep(struct outlet_metrics *m, struct metrics *registry,
                    struct metric_family *queue_bytes, bool *out)
{
    struct metric_family *family[HEP_FAMILIES];
    families_add(registry, hep_families, HEP_FAMILIES, family, m->hep_single, out);
    m->hep_sent = family_series(family[HEP_MESSAGES], "sent", NULL, NULL, out);
    m->hep_dropped = family_series(family[HEP_MESSAGES], "dropped", NULL, NULL, out);
    m->hep_queue = family_series(queue_bytes, "hep", NULL, NULL, out);
}

static void add_sightings(struct outlet_metrics *m, struct metrics *registry,
                          struct metric_family *queue_bytes, bool *out)
{
    struct metric_family *family[SIGHTINGS_FAMILIES];
    families_add(registry, sightings_families, SIGHTINGS_FAMILIES, family, m->sightings_single,
                 out);
    m->noted = family_series(family[SIGHTINGS], "noted", NULL, NULL, out);
    m->dropped = family_series(family[SIGHTINGS], "dropped", NULL, NULL, out);
    m->asked = family_series(family[QUESTIONS], "asked", NULL, NULL, out);
    m->answered = family_series(family[QUESTIONS], "answered", NULL, NULL, out);
    m->late = family_series(family[QUESTIONS], "late", NULL, NULL, out);
    m->sightings_queue = family_series(queue_bytes, "redis", NULL, NULL, out);
}

struct outlet_metrics *outlet_metrics_create(struct metrics *registry,
                                             struct metric_family *queue_bytes,
                                             struct hep_sender *hep, struct sightings *sightings)
{
    bool out = false;
    struct outlet_metrics *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->hep = hep;
    m->sightings = sightings;
    if (hep)
        add_hep(m, registry, queue_bytes, &out);
    if (sightings)
        add_sightings(m, registry, queue_bytes, &out);
    if (out) {
        outlet_metrics_destroy(m);
        return NULL;
    }
    return m;
}

void outlet_metrics_destroy(struct outlet_metrics *metrics)
{
    free(metrics);
}

static void update_hep(struct outlet_metrics *m)
{
    struct hep_sender_stats stats;
    hep_sender_stats(m->hep, &stats);
    metric_set(m->hep_single[HEP_UP], stats.is_up ? 1 : 0);
    counter_show(m->hep_single[HEP_CONNECTS], stats.connects);
    counter_show(m->hep_single[HEP_ERRORS], stats.errors);
    counter_show(m->hep_sent, stats.sent);
    counter_show(m->hep_dropped, stats.dropped);
    metric_set(m->hep_queue, (double)stats.queued_bytes);
}

static void update_sightings(struct outlet_metrics *m)
{
    struct sightings_stats stats;
    sightings_stats(m->sightings, &stats);
    metric_set(m->sightings_single[REDIS_UP], stats.is_up ? 1 : 0);
    counter_show(m->sightings_single[REDIS_ERRORS], stats.errors);
    metric_set(m->sightings_single[CLOCK_OFFSET], stats.clock_offset_s);
    counter_show(m->noted, stats.noted);
    counter_show(m->dropped, stats.dropped);
    counter_show(m->asked, stats.asked);
    counter_show(m->answered, stats.answered);
    counter_show(m->late, stats.late);
    metric_set(m->sightings_queue, (double)stats.queued_bytes);
}

void outlet_metrics_update(struct outlet_metrics *m)
{
    if (m->hep)
        update_hep(m);
    if (m->sightings)
        update_sightings(m);
}
