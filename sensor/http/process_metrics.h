/*
 * process_metrics: the process_* metrics that every Prometheus client has, of this process.
 *
 * Read at each scrape. One that the system does not tell truthfully is left out rather than made
 * up: the limits when there is none, the open files when /proc/self/fd may not be read (after a
 * change of user), the start time when /proc/stat is hidden. process_heap_bytes is always left out:
 * no file of /proc knows how much of the memory is the allocator's. Any thread, no state.
 */
#ifndef SIPSPAN_HTTP_PROCESS_METRICS_H
#define SIPSPAN_HTTP_PROCESS_METRICS_H

#include "http/exposition.h"

void process_metrics_put(struct buffer *out, enum exposition_format format);

#endif
