#include "spool/spool_state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

struct spool_segment *spool_segment_add(struct spool *spool, uint64_t first)
{
    if (spool->segments == spool->capacity) {
        size_t capacity = spool->capacity ? spool->capacity * 2 : 16;
        struct spool_segment **more = realloc(spool->segment, capacity * sizeof *more);
        if (!more)
            return NULL;
        spool->segment = more;
        spool->capacity = capacity;
    }
    struct spool_segment *segment = calloc(1, sizeof *segment);
    if (segment) {
        spool_index_init(&segment->index, first, &spool->totals);
        spool->segment[spool->segments++] = segment;
    }
    return segment;
}

/* The one that may hold this number: the last that begins at or before it. */
struct spool_segment *spool_segment_find(const struct spool *spool, uint64_t number)
{
    size_t low = 0, high = spool->segments;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (spool->segment[middle]->index.first <= number)
            low = middle + 1;
        else
            high = middle;
    }
    struct spool_segment *segment = low > 0 ? spool->segment[low - 1] : NULL;
    return segment && spool_index_has(&segment->index, number) ? segment : NULL;
}

/* Its file goes, and counts no more. */
static void spool_segment_unlink(struct spool *spool, struct spool_segment *segment)
{
    if (segment->is_gone)
        return;
    if (spool->window_first == segment->index.first)
        spool_window_forget(spool);
    if (segment == spool->active) {
        if (spool->active_fd >= 0)
            close(spool->active_fd);
        spool->active_fd = -1;
        spool->active = NULL;
        spool->block_len = 0;
        spool->retry_ns = 0;
    }
    spool_folder_remove_segment(&spool->folder, segment->index.first);
    spool->bytes -= segment->bytes;
    segment->is_gone = true;
}

void spool_segment_remove(struct spool *spool, struct spool_segment *segment)
{
    size_t i = 0;
    spool_segment_unlink(spool, segment);
    spool_index_detach(&segment->index);
    while (spool->segment[i] != segment)
        i++;
    spool->segments--;
    memmove(&spool->segment[i], &spool->segment[i + 1],
            (spool->segments - i) * sizeof(struct spool_segment *));
    spool_index_fini(&segment->index);
    free(segment);
}

/* What nobody has is lost. What was given may yet be delivered: until that is known, the index
 * stays. */
static void segment_drop(struct spool *spool, struct spool_segment *segment)
{
    struct spool_index *index = &segment->index;
    log_limited(LOG_LEVEL_ERROR, "%s: the spool is full: its %" PRIu32 " oldest events are lost",
                spool->folder.path, index->ungiven);
    atomic_fetch_add(&spool->dropped_full, index->ungiven);
    spool_segment_unlink(spool, segment);
    while (index->ungiven > 0)
        spool_index_confirm(index, spool_index_next(index));
    spool_index_detach(index);
    if (index->unconfirmed == 0)
        spool_segment_remove(spool, segment);
}

void spool_hold_limit(struct spool *spool)
{
    for (size_t i = 0; spool->bytes > spool->bytes_max && i < spool->segments;) {
        struct spool_segment *segment = spool->segment[i];
        if (segment == spool->active)
            break;
        size_t before = spool->segments;
        if (!segment->is_gone)
            segment_drop(spool, segment);
        if (spool->segments == before)
            i++;
    }
}

/* The oldest record that is not confirmed: its segment and its place. */
struct spool_segment *spool_oldest(struct spool *spool, uint32_t *place)
{
    for (size_t i = 0; i < spool->segments; i++) {
        struct spool_segment *segment = spool->segment[i];
        if (!segment->is_gone && segment->index.unconfirmed > 0) {
            *place = spool_index_oldest(&segment->index);
            return segment;
        }
    }
    return NULL;
}
