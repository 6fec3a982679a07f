/*
 * outbox: records on their way from the thread that captures to one that talks to the outside,
 * which may be slow, away or full. A ring of octets of fixed size, without locks: whoever puts
 * never waits; when it is full the new record is left out, and counted.
 *
 * One thread puts, one takes. One that was opened by name lies in shared memory and outlives the
 * process: what was put and not taken when it was killed is there for the next one of that name (it
 * does not outlive the machine's restart). A record that was cut by the kill, or by anything else,
 * is dropped: each has its checksum.
 */
#ifndef SIPSPAN_SPOOL_OUTBOX_H
#define SIPSPAN_SPOOL_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct outbox;

/* For `bytes` octets, rounded up to a power of two, in this process's own memory. NULL: no memory.
 */
struct outbox *outbox_create(size_t bytes);
/*
 * The same by name, letters and digits and '.', '-', '_'. Where another process has it open, or it
 * is somebody else's, or shared memory cannot be had: NULL, and what is wrong in `error`. A
 * leftover of another format, or damaged, is begun anew, and said in `error` (which is empty
 * otherwise); one of another size with records in it keeps its size until it was emptied.
 *
 * It belongs to who the process is then; it stays open when the process becomes another user.
 */
struct outbox *outbox_open(const char *name, size_t bytes, char *error, size_t len);
/* Removes the name if all was taken. NULL does nothing. */
void outbox_close(struct outbox *outbox);

/* The putter. The parts become one record. False: it is full, or the record is larger than a
 * quarter of it. Wakes the taker if that sleeps. */
bool outbox_put(struct outbox *outbox, const struct slice *part, size_t parts);

/* The taker. The oldest record, contiguous, until outbox_take; false: there is none. */
bool outbox_peek(struct outbox *outbox, struct slice *record);
/* One after the other without taking any: *at, 0 for the oldest, moves on with each. After
 * outbox_take it begins at 0 again. */
bool outbox_peek_on(struct outbox *outbox, uint64_t *at, struct slice *record);
/* The oldest `records` are done with. */
void outbox_take(struct outbox *outbox, unsigned records);
/* Sleeps until there is a record, outbox_wake is called, or the time is over. True: there is one.
 */
bool outbox_wait(struct outbox *outbox, int timeout_ms);
/*
 * For a taker that polls other descriptors as well: take all there is, poll this one with them,
 * then call outbox_wait with 0 before anything else is looked at. Readable once there may be
 * something new since that call.
 */
int outbox_fd(struct outbox *outbox);
/* From any thread. */
void outbox_wake(struct outbox *outbox);

/* What is in it is there for the next process: it was opened by name. */
bool outbox_is_shared(const struct outbox *outbox);

/* From any thread. */
struct outbox_stats {
    uint64_t put, refused; /* records; refused: there was no room */
    uint64_t recovered;    /* left by a process before this one */
    uint64_t damages;      /* times that what it left was no record */
    uint64_t queued_bytes;
};
void outbox_stats(const struct outbox *outbox, struct outbox_stats *out);

#endif
