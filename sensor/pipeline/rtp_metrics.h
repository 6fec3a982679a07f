/*
 * rtp_metrics: the families about RTP streams and what was made of them. Internal to
 * sensor_metrics.
 *
 * A histogram has one observation for each interval of a stream that was told of and in which the
 * figure was known; a stream that was over before its first interval had one counts with its last
 * report. MOS has a family for each scale: they do not compare.
 */
#ifndef SIPSPAN_PIPELINE_RTP_METRICS_H
#define SIPSPAN_PIPELINE_RTP_METRICS_H

#include "pipeline/sensor_metrics.h"

struct rtp_metrics;

/* Registers all families and series. NULL when memory is out. */
struct rtp_metrics *rtp_metrics_create(struct metrics *registry);
void rtp_metrics_destroy(struct rtp_metrics *metrics);

/* An event of any type. */
void rtp_metrics_event(struct rtp_metrics *metrics, const struct event *event);

void rtp_metrics_update(struct rtp_metrics *metrics, const struct sensor_sources *sources);

#endif
