/*
 * outlet_metrics: what the metrics say of HEP that goes out and of what the sensors tell one
 * another. Only where they are asked for. The correlator's thread. Internal to the folder.
 */
#ifndef SIPSPAN_PIPELINE_OUTLET_METRICS_H
#define SIPSPAN_PIPELINE_OUTLET_METRICS_H

#include "base/metric.h"
#include "export/hep_sender.h"
#include "sightings/sightings.h"

struct outlet_metrics;

/* queue_bytes: sipspan_sink_queue_bytes, which gets their series. NULL: out of memory. */
struct outlet_metrics *outlet_metrics_create(struct metrics *registry,
                                             struct metric_family *queue_bytes,
                                             struct hep_sender *hep, struct sightings *sightings);
void outlet_metrics_destroy(struct outlet_metrics *metrics);
void outlet_metrics_update(struct outlet_metrics *metrics);

#endif
