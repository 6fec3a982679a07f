#include "capture/capture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "capture/capture_backend.h"

int capture_init(struct capture *capture, const struct capture_backend *backend)
{
    *capture = (struct capture){.backend = backend};
    capture->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return capture->stop_fd < 0 ? -errno : 0;
}

void capture_fini(struct capture *capture)
{
    if (capture->stop_fd >= 0)
        close(capture->stop_fd);
    capture->stop_fd = -1;
}

enum capture_status capture_read(struct capture *capture, struct packet_batch *batch,
                                 int timeout_ms)
{
    batch->count = 0;
    if (capture_is_stopped(capture))
        return CAPTURE_END;
    return capture->backend->read(capture, batch, timeout_ms);
}

void capture_stop(struct capture *capture)
{
    int saved = errno;
    atomic_store(&capture->stopped, true);
    /* Fails only when the counter is full, and then it is readable already. */
    uint64_t one = 1;
    ssize_t n = write(capture->stop_fd, &one, sizeof one);
    (void)n;
    errno = saved;
}

void capture_stats(struct capture *capture, struct capture_stats *out)
{
    if (capture->backend->update_stats)
        capture->backend->update_stats(capture);
    *out = capture->stats;
}

double capture_progress(const struct capture *capture)
{
    return capture->backend->progress ? capture->backend->progress(capture) : -1;
}

const struct capture_error *capture_last_error(const struct capture *capture)
{
    return &capture->error;
}

const char *capture_notice(struct capture *capture)
{
    if (capture->notice_count == 0)
        return NULL;
    const char *text = capture->notice[capture->notice_first];
    capture->notice_first = (capture->notice_first + 1) % CAPTURE_NOTICES_MAX;
    capture->notice_count--;
    return text;
}

void capture_close(struct capture *capture)
{
    if (capture)
        capture->backend->close(capture);
}

void capture_sort(struct packet *packet, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        struct packet moved = packet[i];
        unsigned at = i;
        for (; at > 0 && packet[at - 1].time_ns > moved.time_ns; at--)
            packet[at] = packet[at - 1];
        packet[at] = moved;
    }
}

void capture_add_notice(struct capture *capture, const char *format, ...)
{
    if (capture->notice_count == CAPTURE_NOTICES_MAX)
        return;
    unsigned i = (capture->notice_first + capture->notice_count++) % CAPTURE_NOTICES_MAX;
    va_list args;
    va_start(args, format);
    vsnprintf(capture->notice[i], CAPTURE_NOTICE_MAX, format, args);
    va_end(args);
}

void capture_error_set(struct capture_error *error, int exit_status, const char *format, ...)
{
    error->exit_status = exit_status;
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
}

bool capture_was_stopped(const struct capture *capture)
{
    return capture_is_stopped(capture);
}

const char *hep_result_name(enum hep_result result)
{
    switch (result) {
    case HEP_ACCEPTED:
        return "accepted";
    case HEP_KEEPALIVE:
        return "keepalive";
    case HEP_MALFORMED:
        return "malformed";
    case HEP_WRONG_KEY:
        return "wrong_key";
    case HEP_UNSUPPORTED:
        return "unsupported";
    case HEP_UNREADABLE:
        return "unreadable";
    case HEP_RESULT_COUNT:
        break;
    }
    return "unknown";
}
