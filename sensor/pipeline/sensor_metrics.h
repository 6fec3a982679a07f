/*
 * sensor_metrics: every metric family of the sensor but the process's own, and how they get their
 * values.
 *
 * Counters and gauges are brought up to date from the tally and the tables every so often, by the
 * thread that owns those; the histograms are observed where the figure becomes known (call/calls.c,
 * and the events about streams).
 */
#ifndef SIPSPAN_PIPELINE_SENSOR_METRICS_H
#define SIPSPAN_PIPELINE_SENSOR_METRICS_H

#include "base/metric.h"
#include "call/calls.h"
#include "capture/capture.h"
#include "dns/dns_lookups.h"
#include "export/sink_file.h"
#include "flow/copies.h"
#include "flow/defrag.h"
#include "flow/tcp.h"
#include "media/streams.h"
#include "pipeline/tally.h"
#include "verdict/mirror.h"

struct sensor_metrics;
struct exporter;
struct hep_sender;
struct sightings;

/* Whose figures are shown. Those after `capture` may be NULL: what they count stays 0. */
struct sensor_sources {
    const struct tally *tally;
    const struct calls *calls;
    const struct capture_stats *capture;
    const struct sink_file *sink;
    struct exporter *exporter;
    const struct copies *copies;
    const struct defrag *defrag;
    const struct tcp *tcp;
    const struct mirror *mirror;
    const struct streams *streams;
    const struct dns_lookups *dns;
    size_t defrag_max, tcp_max; /* datagrams and connections that there can be at once */
};

/*
 * Registers all families and series; those of Kafka only where events go there. peers may be NULL.
 * NULL when memory is out.
 */
struct sensor_metrics *sensor_metrics_create(struct metrics *registry,
                                             const struct peer_names *peers, bool has_exporter);
/* Adds those of HEP and of the sensors together, where there are any (else NULL). False: out of
 * memory. */
bool sensor_metrics_add_outlets(struct sensor_metrics *metrics, struct metrics *registry,
                                struct hep_sender *hep, struct sightings *sightings);
void sensor_metrics_destroy(struct sensor_metrics *metrics);

struct metric *sensor_metrics_first_response(struct sensor_metrics *metrics);
struct metric *sensor_metrics_post_dial_delay(struct sensor_metrics *metrics);

/* An event was given: what cannot be read off later, by named peer. */
void sensor_metrics_event(struct sensor_metrics *metrics, const struct event *event);

void sensor_metrics_update(struct sensor_metrics *metrics, const struct sensor_sources *sources);

#endif
