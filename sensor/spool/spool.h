/*
 * spool: records on disk until they are confirmed, in the order in which they came. It knows
 * nothing of what is in them but that some belong together (the hash of their key) and must not
 * overtake one another.
 *
 * Segment files NNNNNNNNNNNNNNNN.seg (the number of their first record, hexadecimal) in a folder of
 * their own; spool_segment.h has the format. A segment is closed at segment_bytes and removed once
 * all of its records are confirmed. What is confirmed in a segment that is still there is noted
 * each second, so a process that begins anew, or was killed, gives few records twice and none
 * never. Octets after the last whole record of a segment (cut by a kill, or a full disk) are
 * dropped, and counted; after a damaged record it is read on from the next whole one. A segment of
 * a version that is not known is set aside as NAME.unread, said, and counted.
 *
 * Over its limit the oldest segment goes, confirmed or not: what is lost so is counted. While the
 * disk is full, what was appended and is not written stays in memory, can be given and confirmed,
 * and is written when there is room again; more than one block of it is not taken.
 *
 * Thread: one, the exporter's. Stats: any. A thread of its own waits for the disk.
 */
#ifndef SIPSPAN_SPOOL_SPOOL_H
#define SIPSPAN_SPOOL_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/slice.h"

struct spool;

enum { SPOOL_RECORD_MAX = 1 << 20 };

struct spool_params {
    const char *dir;        /* made if it is not there; must outlive the spool */
    uint64_t bytes_max;     /* of all files; 64 KiB at least. No record is larger than a quarter */
    uint64_t segment_bytes; /* 0: 8 MiB; a quarter of bytes_max and 64 MiB at most */
};

/*
 * For a process that is root and becomes somebody else: makes the folder, before that, and gives it
 * and what an earlier run as root left in it to this user. A folder of somebody else's with other
 * files in it is left alone, and so is one that another process has open. 0, or -errno and what is
 * wrong and what to do.
 */
int spool_prepare(const char *dir, uid_t uid, gid_t gid, char *error, size_t len);
/*
 * Opens and recovers. One process at a time (it locks the folder). NULL, and error filled: what,
 * where, what to do.
 */
struct spool *spool_open(const struct spool_params *params, char *error, size_t len);
void spool_close(struct spool *spool); /* notes what is confirmed, and syncs; NULL does nothing */

/* The hash of a key: the same in every run, as it must be, for it is kept with the record. */
uint64_t spool_key_hash(struct slice key);
/*
 * Appends; written with the next spool_write, or when there is enough of it. The record's number,
 * from 1 on and over restarts, or 0 where it cannot be written (spool_error says why): then the
 * caller has the record still.
 */
uint64_t spool_append(struct spool *spool, struct slice record, uint64_t key_hash);
/* What was appended goes to the kernel, so that a kill does not take it. False: see spool_error. */
bool spool_write(struct spool *spool);
/*
 * And the data to the disk; what is confirmed is noted in its file, which is left to the kernel: a
 * power cut may give some records twice. Call it each second. It does not wait for the disk: a
 * failure of that is told by the next call.
 */
bool spool_sync(struct spool *spool);
/* Of the last failure, for the operator: "/var/lib/sipspan/spool: No space left on device". */
const char *spool_error(const struct spool *spool);

/*
 * The reader's place. It passes over what is confirmed, and over records that were given directly
 * (spool_given) in this process and have not failed since.
 */
struct spool_record {
    uint64_t number, key_hash;
    struct slice octets; /* until the next call */
};
/* The next record to give, and moves on; false: the reader is at the end, or cannot read now. */
bool spool_next(struct spool *spool, struct spool_record *record);
/* The one just read was not taken after all: spool_next gives it again. */
void spool_unread(struct spool *spool);
/*
 * Is the reader behind, so that a new record of this key would overtake one that it has yet to
 * give? May say yes where it need not. Ask before the new one is appended: it waits itself, then.
 */
bool spool_is_behind(const struct spool *spool, uint64_t key_hash);
/* A record that was just appended went out at once, past the reader. */
void spool_given(struct spool *spool, uint64_t number);
/* Delivered, or given up for good: it is never given again. */
void spool_confirm(struct spool *spool, uint64_t number);
/* It was confirmed, or dropped. */
bool spool_is_done(const struct spool *spool, uint64_t number);
/* The reader begins again with the oldest that is not confirmed: after failures, when nothing is on
 * its way. */
void spool_rewind(struct spool *spool);

/* From any thread. */
struct spool_stats {
    uint64_t bytes, records;  /* not confirmed yet */
    uint64_t dropped_full;    /* records: the limit was reached */
    uint64_t dropped_damaged; /* octets that were no whole record, segments of other versions:
                                 times that happened; records of a file that somebody removed */
    uint64_t write_errors;
    int64_t oldest_ns; /* CLOCK_REALTIME when the oldest of them was appended, to the second; 0:
                          there is none */
};
void spool_stats(const struct spool *spool, struct spool_stats *out);

#endif
