/*
 * exposition: writes metrics in the two formats that Prometheus scrapes, from one registry.
 *
 *   text 0.0.4      the default of the web: "# TYPE sip_calls_total counter"
 *   OpenMetrics 1.0 names a counter's and an info's family without its suffix, has units, "# EOF"
 *                   at the end, and writes numbers that may not be integers as floats: le="1.0"
 *
 * No _created series: Prometheus takes them for series of their own. Families and series come in
 * the order of their making, so that two scrapes differ in values only. Help and label values are
 * escaped, and octets that are not UTF-8 become U+FFFD: one bad value must not cost the scrape.
 *
 * The registry is read with relaxed atomics while its writers go on; a histogram's _count is the
 * sum of the buckets written before it, so the two always agree. One thread an exposition.
 */
#ifndef SIPSPAN_HTTP_EXPOSITION_H
#define SIPSPAN_HTTP_EXPOSITION_H

#include "base/metric.h"
#include "http/buffer.h"

enum exposition_format { EXPOSITION_TEXT, EXPOSITION_OPENMETRICS };

/* The value of Content-Type. */
const char *exposition_content_type(enum exposition_format format);

/* All families of the registry that have a series. */
void exposition_put_metrics(struct buffer *out, enum exposition_format format,
                            const struct metrics *metrics);

/* A family with one series, without labels, that is in no registry: a counter (whose value need not
 * be an integer) or a gauge. */
void exposition_put_value(struct buffer *out, enum exposition_format format,
                          const struct metric_desc *desc, double value);

/* What ends the page, once, after everything else. */
void exposition_put_end(struct buffer *out, enum exposition_format format);

#endif
