#include "export/sink_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "event/event_json.h"

enum { QUEUE_BYTES = 256 * 1024 };

struct sink_file {
    int fd;
    const char *sensor_id;
    char *path;
    bool has_no_reader;
    bool is_regular;          /* can be cut back to its last whole line */
    struct json_writer queue; /* whole lines */
    uint64_t queued_events[EVENT_TYPE_COUNT];
    struct sink_stats stats;
};

struct sink_file *sink_file_open(const char *path, const char *sensor_id, char *error, size_t len)
{
    struct stat st;
    struct sink_file *sink = calloc(1, sizeof *sink);
    if (!sink || !(sink->path = strdup(path))) {
        snprintf(error, len, "out of memory");
        free(sink);
        return NULL;
    }
    json_writer_init(&sink->queue, QUEUE_BYTES);
    sink->sensor_id = sensor_id;
    if (strcmp(path, "-") == 0)
        sink->fd = dup(STDOUT_FILENO);
    else
        sink->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (sink->fd < 0 || fstat(sink->fd, &st) != 0) {
        snprintf(error, len, "%s: cannot be opened for events: %s", path, strerror(errno));
        sink_file_close(sink);
        return NULL;
    }
    sink->is_regular = S_ISREG(st.st_mode);
    return sink;
}

void sink_file_close(struct sink_file *sink)
{
    if (!sink)
        return;
    if (sink->fd >= 0) {
        sink_file_flush(sink);
        close(sink->fd);
    }
    json_writer_fini(&sink->queue);
    free(sink->path);
    free(sink);
}

/* All of it, or none where that can be had: 0 or -errno. */
static int write_all(struct sink_file *sink, const char *bytes, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = write(sink->fd, bytes + done, len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int error = n < 0 ? -errno : -EIO;
            struct stat st;
            if (done > 0 && sink->is_regular && fstat(sink->fd, &st) == 0 &&
                ftruncate(sink->fd, st.st_size - (off_t)done) != 0)
                return error; /* half a line stays; the next reader skips it */
            return error;
        }
        done += (size_t)n;
    }
    return 0;
}

static void settle_queue(struct sink_file *sink, uint64_t counts[EVENT_TYPE_COUNT])
{
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        counts[type] += sink->queued_events[type];
        sink->queued_events[type] = 0;
    }
    json_writer_cut(&sink->queue, 0);
}

void sink_file_flush(struct sink_file *sink)
{
    if (sink->queue.len == 0)
        return;
    int error = write_all(sink, sink->queue.text, sink->queue.len);
    if (error == -EPIPE && strcmp(sink->path, "-") == 0)
        sink->has_no_reader = true;
    else if (error)
        log_limited(LOG_LEVEL_ERROR, "%s: events are lost: %s", sink->path, strerror(-error));
    settle_queue(sink, error ? sink->stats.failed : sink->stats.written);
}

/* Puts the event behind what is queued, all of its line or nothing. */
static bool enqueue(struct sink_file *sink, const struct event *event)
{
    size_t before = sink->queue.len;
    event_json_put_line(&sink->queue, event, sink->sensor_id);
    if (sink->queue.failed) {
        json_writer_cut(&sink->queue, before);
        return false;
    }
    sink->queued_events[event->type]++;
    return true;
}

void sink_file_write(struct sink_file *sink, const struct event *event)
{
    if (enqueue(sink, event))
        return;
    sink_file_flush(sink); /* with the whole queue for it, it may fit */
    if (enqueue(sink, event))
        return;
    log_limited(LOG_LEVEL_ERROR, "%s: an event is lost: it cannot be written as JSON", sink->path);
    sink->stats.failed[event->type]++;
}

void sink_file_stats(const struct sink_file *sink, struct sink_stats *out)
{
    *out = sink->stats;
    out->queued_bytes = sink->queue.len;
}

bool sink_file_has_no_reader(const struct sink_file *sink)
{
    return sink->has_no_reader;
}
