/*
 * spool_confirmed: the note of what is confirmed in segments that are still there, in the file
 * "confirmed" of the spool's folder, replaced as a whole. A damaged one counts as none: then all is
 * given again.
 */
#ifndef SIPSPAN_SPOOL_SPOOL_CONFIRMED_H
#define SIPSPAN_SPOOL_SPOOL_CONFIRMED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPOOL_NUMBER_MAX (UINT64_C(1) << 62) /* higher ones are somebody's joke */

struct spool_confirmed {
    uint64_t low;  /* all numbers below it are confirmed */
    uint64_t next; /* the next number to be given to a record */
    char *octets;  /* of the segments, or NULL */
    size_t len;
};

/* False: there is none, or it is damaged (*damaged), or of another version; *confirmed says that
 * nothing is confirmed. */
bool spool_confirmed_load(struct spool_confirmed *confirmed, int dir_fd, bool *damaged);
void spool_confirmed_fini(struct spool_confirmed *confirmed);

/* Of one segment: a view. */
struct spool_confirmed_segment {
    uint64_t low;      /* all places below it are confirmed */
    const char *words; /* and those in these bits */
    uint64_t bits;
};
/* Of the one that begins with the number `first`. */
struct spool_confirmed_segment spool_confirmed_find(const struct spool_confirmed *confirmed,
                                                    uint64_t first);
bool spool_confirmed_has(const struct spool_confirmed_segment *segment, uint64_t place);

/* A segment's bits, before it is saved. What does not fit the file is left out. */
void spool_confirmed_add(struct spool_confirmed *confirmed, uint64_t first, uint32_t count,
                         const uint64_t *bits);
/* 0 or -errno; what is there stays if it fails. */
int spool_confirmed_save(const struct spool_confirmed *confirmed, int dir_fd);

#endif
