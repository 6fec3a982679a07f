/*
 * hep_metrics: the families about SIP that others see and send as HEP. Internal to sensor_metrics.
 */
#ifndef SIPSPAN_PIPELINE_HEP_METRICS_H
#define SIPSPAN_PIPELINE_HEP_METRICS_H

#include "pipeline/sensor_metrics.h"

struct hep_metrics;

/* Registers all families and series. NULL when memory is out. */
struct hep_metrics *hep_metrics_create(struct metrics *registry);
void hep_metrics_destroy(struct hep_metrics *metrics);

void hep_metrics_update(struct hep_metrics *metrics, const struct sensor_sources *sources);

#endif
