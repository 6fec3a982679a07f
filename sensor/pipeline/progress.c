#include "pipeline/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define SECOND_NS     INT64_C(1000000000)
#define SHOW_EVERY_NS (SECOND_NS / 5)

static int64_t monotonic_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * SECOND_NS + ts.tv_nsec;
}

void progress_start(struct progress *progress, bool is_on)
{
    int64_t now_ns = monotonic_ns();
    *progress =
        (struct progress){.is_on = is_on, .started_ns = now_ns, .next_ns = now_ns + SECOND_NS};
}

void progress_show(struct progress *progress, double share, uint64_t packets)
{
    if (!progress->is_on)
        return;
    int64_t now_ns = monotonic_ns();
    if (now_ns < progress->next_ns)
        return;
    progress->next_ns = now_ns + SHOW_EVERY_NS;
    progress->is_shown = true;
    double seconds = (double)(now_ns - progress->started_ns) / 1e9;
    char left[48] = "";
    if (share > 0.01)
        snprintf(left, sizeof left, ", %.0f s left", seconds / share - seconds);
    if (share >= 0)
        fprintf(stderr, "\r\033[Kreading: %3.0f%%, %" PRIu64 " packets%s", share * 100, packets,
                left);
    else
        fprintf(stderr, "\r\033[Kreading: %" PRIu64 " packets, %.0f s", packets, seconds);
    fflush(stderr);
}

void progress_end(struct progress *progress)
{
    if (progress->is_shown)
        fputs("\r\033[K", stderr);
}
