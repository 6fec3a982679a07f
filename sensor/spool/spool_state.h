/*
 * spool_state: what the files of the spool share: its segments, what is being written, what is
 * being read. Only for spool*.c.
 *
 *     spool.c           opening, closing, what became of records
 *     spool_segments.c  the list of segments, and the limit
 *     spool_write.c     appending, syncing, the note of what is confirmed
 *     spool_read.c      giving what waits
 */
#ifndef SIPSPAN_SPOOL_SPOOL_STATE_H
#define SIPSPAN_SPOOL_SPOOL_STATE_H

#include <stdatomic.h>
#include <time.h>

#include "spool/spool.h"
#include "spool/spool_folder.h"
#include "spool/spool_index.h"
#include "spool/spool_segment.h"
#include "spool/spool_syncer.h"

enum {
    SPOOL_BLOCK_BYTES = 256 * 1024, /* so much is written, and read, at once */
    SPOOL_SHARES = 4,               /* at least so many segments make up the spool */
};

#define S_NS INT64_C(1000000000)

struct spool_segment {
    struct spool_index index;
    uint64_t bytes; /* of the file, and of what is to be written to it */
    bool is_gone;   /* the file was dropped; what is on its way may still be delivered */
};

struct spool {
    struct spool_folder folder;
    uint64_t bytes_max, segment_bytes;
    struct spool_segment **segment; /* in the order of their numbers */
    size_t segments, capacity;
    struct spool_totals totals;
    uint64_t bytes; /* of all files */
    uint64_t next_number;

    /* The segment that is written to: the last, or NULL. */
    struct spool_segment *active;
    int active_fd;    /* -1: the file is yet to be made */
    uint64_t written; /* octets of the file; the block comes after them */
    char *block;      /* whole records */
    size_t block_len;
    int64_t retry_ns; /* CLOCK_MONOTONIC, after a failure; 0: the last write went well */
    bool dir_changed; /* files were made since the last sync */

    /* What was read of a segment. */
    uint64_t window_first; /* the segment; 0: nothing */
    int window_fd;
    char *window;
    size_t window_capacity, window_len;
    uint64_t window_at;
    uint64_t last_number; /* that spool_next gave */

    uint64_t noted; /* totals.confirmations when it was noted last */
    uint64_t noted_next;
    struct spool_syncer syncer;
    char error[512];
    _Atomic uint64_t stat_bytes, stat_records, dropped_full, dropped_damaged, write_errors;
    _Atomic int64_t stat_oldest_ns;
};

int64_t spool_clock_ns(clockid_t clock);
/* Sets the error, `what` behind the folder's name; false. */
bool spool_fail(struct spool *spool, const char *what, int error);
/* For spool_stats: the counts; and, which takes longer, the age of the oldest record too. */
void spool_publish(struct spool *spool);
void spool_publish_oldest(struct spool *spool);

/* At the end of the list; NULL: no memory. */
struct spool_segment *spool_segment_add(struct spool *spool, uint64_t first);
/* The one that has a record of this number, or NULL. */
struct spool_segment *spool_segment_find(const struct spool *spool, uint64_t number);
/* The one with the oldest record that is not confirmed, and its place; NULL: all are. */
struct spool_segment *spool_oldest(struct spool *spool, uint32_t *place);
/* With its file. */
void spool_segment_remove(struct spool *spool, struct spool_segment *segment);
/* The oldest files go while there is more than may be; not the one that is written to. */
void spool_hold_limit(struct spool *spool);

/* All that was appended is written; false: not now. */
bool spool_flush(struct spool *spool);
/* Nothing more is written to the active segment, whose records are. */
void spool_seal(struct spool *spool);
bool spool_note_confirmed(struct spool *spool);

/* What was read is not needed any more. */
void spool_window_forget(struct spool *spool);

#endif
