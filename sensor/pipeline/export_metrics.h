/*
 * export_metrics: the families about what goes to other programs over the network: Kafka and the
 * spool before it. Internal to sensor_metrics.
 */
#ifndef SIPSPAN_PIPELINE_EXPORT_METRICS_H
#define SIPSPAN_PIPELINE_EXPORT_METRICS_H

#include "base/metric.h"

struct export_metrics;
struct exporter;

/* Registers all families, and its series of those that all sinks share. NULL when memory is out. */
struct export_metrics *export_metrics_create(struct metrics *registry, struct metric_family *events,
                                             struct metric_family *queue_bytes);
void export_metrics_destroy(struct export_metrics *metrics);

void export_metrics_update(struct export_metrics *metrics, struct exporter *exporter);

#endif
