#include "spool/spool_state.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"

#define RETRY_NS (S_NS / 10) /* after a write that failed */

static bool create_file(struct spool *spool)
{
    uint64_t first = spool->active->index.first;
    spool->active_fd = spool_folder_open_segment(&spool->folder, first, O_RDWR | O_CREAT | O_EXCL);
    if (spool->active_fd >= 0) {
        spool->dir_changed = true;
        return true;
    }
    return false;
}

/* The block after what is written, all of it or nothing. 0 or errno. */
static int write_block(struct spool *spool)
{
    if (spool->active_fd < 0 && !create_file(spool))
        return errno;
    for (size_t done = 0; done < spool->block_len;) {
        ssize_t n = pwrite(spool->active_fd, spool->block + done, spool->block_len - done,
                           (off_t)(spool->written + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int error = n < 0 ? errno : EIO;
            /* A part that stays is written over, or cut off by who recovers it. */
            if (ftruncate(spool->active_fd, (off_t)spool->written) != 0)
                log_limited(LOG_LEVEL_WARNING, "%s: %s", spool->folder.path, strerror(errno));
            return error;
        }
        done += (size_t)n;
    }
    return 0;
}

bool spool_flush(struct spool *spool)
{
    if (spool->block_len == 0)
        return true;
    if (spool->retry_ns != 0 && spool_clock_ns(CLOCK_MONOTONIC_COARSE) < spool->retry_ns)
        return false;
    int error = write_block(spool);
    if (error) {
        atomic_fetch_add(&spool->write_errors, 1);
        spool->retry_ns = spool_clock_ns(CLOCK_MONOTONIC_COARSE) + RETRY_NS;
        return spool_fail(spool, "", error);
    }
    spool->written += spool->block_len;
    spool->block_len = 0;
    spool->retry_ns = 0;
    return true;
}

/* The active segment is closed; its records are written. */
void spool_seal(struct spool *spool)
{
    struct spool_segment *segment = spool->active;
    spool_syncer_post(&spool->syncer, spool->active_fd);
    if (spool->window_first == segment->index.first)
        spool_window_forget(spool); /* it was read through the descriptor that goes */
    spool->active_fd = -1;
    spool->active = NULL;
    spool_index_seal(&segment->index);
    if (segment->index.unconfirmed == 0)
        spool_segment_remove(spool, segment);
}

static bool begin_segment(struct spool *spool)
{
    spool->active = spool_segment_add(spool, spool->next_number);
    if (!spool->active)
        return spool_fail(spool, "", ENOMEM);
    spool->active->bytes = SPOOL_SEGMENT_HEAD;
    spool->bytes += SPOOL_SEGMENT_HEAD;
    spool->written = 0;
    spool_segment_put_head(spool->block);
    spool->block_len = SPOOL_SEGMENT_HEAD;
    return true;
}

/* A segment and a block with room for so many octets. */
static bool make_room(struct spool *spool, size_t need)
{
    struct spool_segment *active = spool->active;
    bool is_full = active && active->index.count > 0 && active->bytes + need > spool->segment_bytes;
    if ((is_full || spool->retry_ns != 0 || spool->block_len + need > SPOOL_BLOCK_BYTES) &&
        !spool_flush(spool))
        return false;
    if (is_full)
        spool_seal(spool);
    return spool->active || begin_segment(spool);
}

uint64_t spool_append(struct spool *spool, struct slice octets, uint64_t key_hash)
{
    size_t need = SPOOL_RECORD_HEAD + octets.len;
    if (octets.len > SPOOL_RECORD_MAX ||
        need + SPOOL_SEGMENT_HEAD > spool->bytes_max / SPOOL_SHARES) {
        spool_fail(spool, "", EMSGSIZE);
        return 0;
    }
    if (!make_room(spool, need))
        return 0;
    struct spool_segment_record record = {.number = spool->next_number,
                                          .key_hash = key_hash,
                                          .time_ns = spool_clock_ns(CLOCK_REALTIME),
                                          .octets = octets};
    struct spool_segment *active = spool->active;
    struct spool_entry entry = {.offset = (uint32_t)active->bytes,
                                .size = (uint32_t)need,
                                .tag = spool_index_tag(key_hash)};
    if (!spool_index_add(&active->index, record.number, entry, record.time_ns)) {
        spool_fail(spool, "", ENOMEM);
        return 0;
    }
    spool_segment_put(spool->block + spool->block_len, &record);
    spool->block_len += need;
    active->bytes += need;
    spool->bytes += need;
    spool->next_number++;
    spool_hold_limit(spool);
    spool_publish(spool);
    return record.number;
}

bool spool_write(struct spool *spool)
{
    bool ok = spool_flush(spool);
    spool_publish_oldest(spool);
    return ok;
}

/* Notes what is confirmed, if that changed. */
bool spool_note_confirmed(struct spool *spool)
{
    uint32_t place;
    struct spool_confirmed confirmed = {.low = spool->next_number, .next = spool->next_number};
    if (spool->noted == spool->totals.confirmations && spool->noted_next == spool->next_number)
        return true;
    struct spool_segment *segment = spool_oldest(spool, &place);
    if (segment)
        confirmed.low = segment->index.first + place;
    for (size_t i = 0; i < spool->segments; i++) {
        const struct spool_index *index = &spool->segment[i]->index;
        if (!spool->segment[i]->is_gone && index->unconfirmed > 0 &&
            index->unconfirmed < index->count)
            spool_confirmed_add(&confirmed, index->first, index->count, index->confirmed);
    }
    int rc = spool_confirmed_save(&confirmed, spool->folder.fd);
    spool_confirmed_fini(&confirmed);
    if (rc != 0) {
        atomic_fetch_add(&spool->write_errors, 1);
        return spool_fail(spool, "/confirmed", -rc);
    }
    spool->noted = spool->totals.confirmations;
    spool->noted_next = spool->next_number;
    return true;
}

/* A copy of the descriptor goes to the syncer, where there is one more. */
static void post_sync(struct spool *spool, int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy >= 0)
        spool_syncer_post(&spool->syncer, copy);
}

bool spool_sync(struct spool *spool)
{
    bool ok = spool_write(spool);
    ok = spool_note_confirmed(spool) && ok;
    /* One round at a time: a disk that takes longer gets the next one later. */
    if (spool_syncer_is_idle(&spool->syncer)) {
        if (spool->active_fd >= 0)
            post_sync(spool, spool->active_fd);
        if (spool->dir_changed)
            post_sync(spool, spool->folder.fd);
        spool->dir_changed = false;
    }
    int error = spool_syncer_error(&spool->syncer);
    if (error) {
        atomic_fetch_add(&spool->write_errors, 1);
        return spool_fail(spool, "", error);
    }
    return ok;
}

const char *spool_error(const struct spool *spool)
{
    return spool->error;
}
