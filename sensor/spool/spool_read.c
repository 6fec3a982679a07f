#include "spool/spool_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

void spool_window_forget(struct spool *spool)
{
    if (spool->window_fd >= 0)
        close(spool->window_fd);
    spool->window_fd = -1;
    spool->window_first = 0;
    spool->window_len = 0;
}

/* Reads so many octets of a file, and no less. 0 or errno. */
static int read_exactly(int fd, char *to, size_t len, uint64_t at)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = pread(fd, to + done, len - done, (off_t)(at + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : EBADMSG;
        done += (size_t)n;
    }
    return 0;
}

/* The descriptor to read a segment by. -1 and errno. */
static int window_open(struct spool *spool, const struct spool_segment *segment)
{
    if (spool->window_first != segment->index.first)
        spool_window_forget(spool);
    if (segment == spool->active)
        return spool->active_fd;
    if (spool->window_fd < 0)
        spool->window_fd =
            spool_folder_open_segment(&spool->folder, segment->index.first, O_RDONLY);
    return spool->window_fd;
}

/* Octets of a segment that are in its file, in the window. 0 or errno. */
static int window_load(struct spool *spool, const struct spool_segment *segment, uint64_t at,
                       size_t len)
{
    uint64_t end = segment == spool->active ? spool->written : segment->bytes;
    size_t more = end - at < SPOOL_BLOCK_BYTES ? (size_t)(end - at) : SPOOL_BLOCK_BYTES;
    int fd = window_open(spool, segment);
    if (fd < 0)
        return errno;
    spool->window_len = 0;
    spool->window_first = segment->index.first;
    if (more < len)
        more = len;
    if (more > spool->window_capacity) {
        char *window = realloc(spool->window, more);
        if (!window)
            return ENOMEM;
        spool->window = window;
        spool->window_capacity = more;
    }
    int error = read_exactly(fd, spool->window, more, at);
    if (error && more > len) { /* what cannot be read may be another record */
        more = len;
        error = read_exactly(fd, spool->window, more, at);
    }
    spool->window_at = at;
    spool->window_len = error ? 0 : more;
    return error;
}

/* 0 or errno; EBADMSG: it is damaged. */
static int read_record(struct spool *spool, const struct spool_segment *segment, uint32_t place,
                       struct spool_segment_record *record)
{
    struct spool_entry entry = segment->index.entry[place];
    const char *at;
    if (segment == spool->active && entry.offset >= spool->written) {
        at = spool->block + (entry.offset - spool->written);
    } else {
        if (spool->window_first != segment->index.first || entry.offset < spool->window_at ||
            entry.offset + entry.size > spool->window_at + spool->window_len) {
            int error = window_load(spool, segment, entry.offset, entry.size);
            if (error)
                return error;
        }
        at = spool->window + (entry.offset - spool->window_at);
    }
    if (!spool_segment_get(slice_of(at, entry.size), record) ||
        record->number != segment->index.first + place)
        return EBADMSG;
    return 0;
}

/* A record, or a whole file, cannot be read, and will not be. */
static void give_up(struct spool *spool, struct spool_segment *segment, uint32_t place, int error)
{
    char name[SPOOL_NAME_MAX];
    spool_folder_name(segment->index.first, name);
    atomic_fetch_add(&spool->dropped_damaged, error == ENOENT ? segment->index.unconfirmed : 1);
    if (error == ENOENT) {
        log_error("%s/%s: somebody removed it: its %" PRIu32 " events are lost", spool->folder.path,
                  name, segment->index.unconfirmed);
        spool_segment_remove(spool, segment);
        spool_publish(spool);
        return;
    }
    log_limited(LOG_LEVEL_ERROR, "%s/%s: an event cannot be read, and is lost: %s",
                spool->folder.path, name,
                error == EBADMSG ? "the file is damaged" : strerror(error));
    spool_confirm(spool, segment->index.first + place);
}

static struct spool_segment *first_to_give(const struct spool *spool)
{
    if (spool->totals.ungiven > 0)
        for (size_t i = 0; i < spool->segments; i++)
            if (spool->segment[i]->index.ungiven > 0)
                return spool->segment[i];
    return NULL;
}

bool spool_next(struct spool *spool, struct spool_record *out)
{
    for (struct spool_segment *segment; (segment = first_to_give(spool)) != NULL;) {
        struct spool_segment_record record;
        uint32_t place = spool_index_next(&segment->index);
        int error = read_record(spool, segment, place, &record);
        if (!error) {
            spool_index_give(&segment->index, place);
            spool->last_number = record.number;
            *out = (struct spool_record){record.number, record.key_hash, record.octets};
            return true;
        }
        if (error != EBADMSG && error != EIO && error != ENOENT)
            return spool_fail(spool, "", error); /* as too many open files: later, perhaps */
        give_up(spool, segment, place, error);
    }
    return false;
}

void spool_unread(struct spool *spool)
{
    struct spool_segment *segment = spool_segment_find(spool, spool->last_number);
    if (segment && !segment->is_gone)
        spool_index_take_back(&segment->index,
                              (uint32_t)(spool->last_number - segment->index.first));
}

bool spool_is_behind(const struct spool *spool, uint64_t key_hash)
{
    if (spool->totals.ungiven > 0)
        for (size_t i = 0; i < spool->segments; i++)
            if (spool_index_may_wait(&spool->segment[i]->index, key_hash))
                return true;
    return false;
}
