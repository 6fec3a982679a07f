/*
 * sink_file: events as NDJSON, appended to a file or to standard output.
 *
 * Lines are collected and written together; sink_file_flush writes what is there. A disk that is
 * full loses events, counted and said, never half a line of a regular file and never the capture.
 * Thread: the one that gives events.
 */
#ifndef SIPSPAN_EXPORT_SINK_FILE_H
#define SIPSPAN_EXPORT_SINK_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

struct sink_file;

/*
 * Opens path for appending; "-" is standard output. NULL, and error filled (what, where, why), if
 * it cannot be opened. sensor_id must outlive the sink.
 */
struct sink_file *sink_file_open(const char *path, const char *sensor_id, char *error, size_t len);
/* Writes what is left. */
void sink_file_close(struct sink_file *sink); /* NULL does nothing */

void sink_file_write(struct sink_file *sink, const struct event *event);
void sink_file_flush(struct sink_file *sink);

/* Whoever read standard output has gone, as "| head" does. A named pipe may get another reader. */
bool sink_file_has_no_reader(const struct sink_file *sink);

/* Events in the file, events lost, octets not yet written. */
struct sink_stats {
    uint64_t written[EVENT_TYPE_COUNT], failed[EVENT_TYPE_COUNT];
    uint64_t queued_bytes;
};
void sink_file_stats(const struct sink_file *sink, struct sink_stats *out);

#endif
