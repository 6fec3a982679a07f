/*
 * flow_metrics: the families about what the mirror delivers: copies, tunnels, fragments, TCP, ICMP,
 * DNS, and how well it does. Internal to sensor_metrics.
 */
#ifndef SIPSPAN_PIPELINE_FLOW_METRICS_H
#define SIPSPAN_PIPELINE_FLOW_METRICS_H

#include "pipeline/sensor_metrics.h"

struct flow_metrics;

/* Registers all families and series. NULL when memory is out. */
struct flow_metrics *flow_metrics_create(struct metrics *registry);
void flow_metrics_destroy(struct flow_metrics *metrics);

void flow_metrics_update(struct flow_metrics *metrics, const struct sensor_sources *sources);

#endif
