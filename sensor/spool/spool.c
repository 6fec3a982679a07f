#include "spool/spool.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "spool/spool_state.h"

enum { BYTES_MIN = 64 * 1024, SEGMENT_BYTES = 8 << 20 };

int64_t spool_clock_ns(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return ts.tv_sec * S_NS + ts.tv_nsec;
}

bool spool_fail(struct spool *spool, const char *what, int error)
{
    snprintf(spool->error, sizeof spool->error, "%s%s: %s", spool->folder.path, what,
             strerror(error));
    return false;
}

void spool_publish(struct spool *spool)
{
    atomic_store_explicit(&spool->stat_bytes, spool->totals.bytes, memory_order_relaxed);
    atomic_store_explicit(&spool->stat_records, spool->totals.unconfirmed, memory_order_relaxed);
}

void spool_publish_oldest(struct spool *spool)
{
    uint32_t place;
    int64_t ns = 0;
    struct spool_segment *segment = spool_oldest(spool, &place);
    if (segment)
        ns = (segment->index.base_s + segment->index.entry[place].age_s) * S_NS;
    atomic_store_explicit(&spool->stat_oldest_ns, ns, memory_order_relaxed);
    spool_publish(spool);
}

void spool_given(struct spool *spool, uint64_t number)
{
    struct spool_segment *segment = spool_segment_find(spool, number);
    if (segment)
        spool_index_give(&segment->index, (uint32_t)(number - segment->index.first));
}

void spool_confirm(struct spool *spool, uint64_t number)
{
    struct spool_segment *segment = spool_segment_find(spool, number);
    if (!segment)
        return;
    spool_index_confirm(&segment->index, (uint32_t)(number - segment->index.first));
    /* Also one that is written to, if it could not be: so a full or bad disk holds nothing up. */
    if (segment->index.unconfirmed == 0 && (segment != spool->active || spool->retry_ns != 0))
        spool_segment_remove(spool, segment);
    spool_publish(spool);
}

bool spool_is_done(const struct spool *spool, uint64_t number)
{
    const struct spool_segment *segment = spool_segment_find(spool, number);
    return !segment ||
           spool_index_is_confirmed(&segment->index, (uint32_t)(number - segment->index.first));
}

void spool_rewind(struct spool *spool)
{
    uint64_t lost = 0;
    for (size_t i = spool->segments; i-- > 0;) {
        struct spool_segment *segment = spool->segment[i];
        if (segment->is_gone) {
            lost += segment->index.unconfirmed;
            spool_segment_remove(spool, segment);
        } else {
            spool_index_rewind(&segment->index);
        }
    }
    if (lost == 0)
        return;
    atomic_fetch_add(&spool->dropped_full, lost);
    log_limited(LOG_LEVEL_ERROR,
                "%s: the spool was full: %" PRIu64 " events that were on their way are lost",
                spool->folder.path, lost);
}

uint64_t spool_key_hash(struct slice key)
{
    static const struct hash_key fixed = {0x7369707370616e31ULL, 0x73706f6f6c2d6b31ULL};
    return hash_bytes(&fixed, key.at, key.len);
}

/* One of the files that are there; those before it are recovered. */
static bool recover_segment(struct spool *spool, const struct spool_confirmed *confirmed,
                            uint64_t first, uint64_t limit, char *error, size_t len)
{
    struct spool_recovered found;
    if (limit <= confirmed->low) {
        spool_folder_remove_segment(&spool->folder, first);
        return true;
    }
    struct spool_segment *segment = spool_segment_add(spool, first);
    if (!segment) {
        snprintf(error, len, "%s: out of memory", spool->folder.path);
        return false;
    }
    enum spool_recovery recovery =
        spool_folder_recover(&spool->folder, confirmed, limit, &segment->index, &found, error, len);
    if (recovery == SPOOL_RECOVERY_FAILED)
        return false;
    if (found.next > spool->next_number)
        spool->next_number = found.next;
    atomic_fetch_add(&spool->dropped_damaged, found.damages);
    segment->bytes = recovery == SPOOL_RECOVERY_OK ? found.bytes : 0;
    spool->bytes += segment->bytes;
    segment->is_gone = recovery == SPOOL_RECOVERY_NONE; /* the file is seen to already */
    if (segment->index.unconfirmed == 0)
        spool_segment_remove(spool, segment);
    spool_hold_limit(spool);
    return true;
}

static bool recover_all(struct spool *spool, const struct spool_confirmed *confirmed, char *error,
                        size_t len)
{
    uint64_t *first;
    size_t count;
    int64_t said_ns = spool_clock_ns(CLOCK_MONOTONIC_COARSE);
    if (!spool_folder_list(&spool->folder, &first, &count, error, len))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        ok = recover_segment(spool, confirmed, first[i], i + 1 < count ? first[i + 1] : UINT64_MAX,
                             error, len);
        if (spool_clock_ns(CLOCK_MONOTONIC_COARSE) - said_ns > 2 * S_NS) {
            said_ns = spool_clock_ns(CLOCK_MONOTONIC_COARSE);
            log_info("%s: %zu of %zu files are read", spool->folder.path, i + 1, count);
        }
    }
    free(first);
    return ok;
}

static bool recover(struct spool *spool, char *error, size_t len)
{
    struct spool_confirmed confirmed;
    bool damaged;
    spool_confirmed_load(&confirmed, spool->folder.fd, &damaged);
    if (damaged) {
        log_warning("%s/confirmed is damaged: events that wait are sent again, if they were",
                    spool->folder.path);
    }
    spool->next_number = confirmed.next;
    bool ok = recover_all(spool, &confirmed, error, len);
    spool_confirmed_fini(&confirmed);
    if (ok && spool->totals.unconfirmed > 0)
        log_info("%" PRIu64 " events of an earlier run wait in %s", spool->totals.unconfirmed,
                 spool->folder.path);
    spool_publish_oldest(spool);
    return ok;
}

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
    return value < low ? low : value > high ? high : value;
}

static void spool_free(struct spool *spool)
{
    spool_window_forget(spool);
    if (spool->active_fd >= 0)
        close(spool->active_fd);
    spool_syncer_fini(&spool->syncer);
    for (size_t i = 0; i < spool->segments; i++) {
        spool_index_fini(&spool->segment[i]->index);
        free(spool->segment[i]);
    }
    spool_folder_close(&spool->folder);
    free(spool->segment);
    free(spool->window);
    free(spool->block);
    free(spool);
}

struct spool *spool_open(const struct spool_params *params, char *error, size_t len)
{
    struct spool *spool = calloc(1, sizeof *spool);
    if (!spool) {
        snprintf(error, len, "%s: out of memory", params->dir);
        return NULL;
    }
    spool->active_fd = spool->window_fd = spool->folder.fd = spool->folder.lock_fd = -1;
    spool->bytes_max = params->bytes_max > BYTES_MIN ? params->bytes_max : BYTES_MIN;
    uint64_t segment_max = spool->bytes_max / SPOOL_SHARES;
    spool->segment_bytes =
        clamp(params->segment_bytes ? params->segment_bytes : SEGMENT_BYTES, SPOOL_SEGMENT_HEAD,
              segment_max < SPOOL_SEGMENT_MAX ? segment_max : SPOOL_SEGMENT_MAX);
    spool_syncer_init(&spool->syncer);
    spool->block =
        malloc(SPOOL_BLOCK_BYTES + SPOOL_SEGMENT_HEAD + SPOOL_RECORD_HEAD + SPOOL_RECORD_MAX);
    if (!spool->block)
        snprintf(error, len, "%s: out of memory", params->dir);
    else if (spool_folder_open(&spool->folder, params->dir, error, len) &&
             recover(spool, error, len))
        return spool;
    spool_free(spool);
    return NULL;
}

void spool_close(struct spool *spool)
{
    if (!spool)
        return;
    if (spool->active && spool->active->index.unconfirmed == 0)
        spool_segment_remove(spool, spool->active);
    spool->retry_ns = 0; /* there is no later time to try */
    if (!spool_flush(spool))
        log_error("%s: the latest events could not be written to it", spool->error);
    else if (spool->active)
        spool_seal(spool);
    if (!spool_note_confirmed(spool))
        log_warning("%s: some events will be sent again", spool->error);
    spool_syncer_post(&spool->syncer, fcntl(spool->folder.fd, F_DUPFD_CLOEXEC, 0));
    spool_free(spool);
}

void spool_stats(const struct spool *spool, struct spool_stats *out)
{
    *out = (struct spool_stats){
        .bytes = atomic_load_explicit(&spool->stat_bytes, memory_order_relaxed),
        .records = atomic_load_explicit(&spool->stat_records, memory_order_relaxed),
        .dropped_full = atomic_load_explicit(&spool->dropped_full, memory_order_relaxed),
        .dropped_damaged = atomic_load_explicit(&spool->dropped_damaged, memory_order_relaxed),
        .write_errors = atomic_load_explicit(&spool->write_errors, memory_order_relaxed),
        .oldest_ns = atomic_load_explicit(&spool->stat_oldest_ns, memory_order_relaxed),
    };
}
