/*
 * progress: one line on standard error that tells how far a long file has been read. Nothing is
 * shown in the first second, nor where standard error is no terminal (the caller says).
 */
#ifndef SIPSPAN_PIPELINE_PROGRESS_H
#define SIPSPAN_PIPELINE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool is_on, is_shown;
    int64_t started_ns, next_ns;
};

void progress_start(struct progress *progress, bool is_on);
/* share: 0 to 1, below 0 if unknown. Cheap to call often. */
void progress_show(struct progress *progress, double share, uint64_t packets);
/* Wipes the line. */
void progress_end(struct progress *progress);

#endif
