/*
 * spool_segment: the format of one file of the spool. Pure.
 *
 *     8 octets  "sipspool"
 *     4         version, 1
 *     4         0
 *
 * then records, all numbers in network byte order:
 *
 *     4 octets  FF 'r' 'e' FE, octets that no text has
 *     4         length of the octets
 *     8         number, growing
 *     8         hash of the key
 *     8         ns since 1970 when it was appended
 *     4         CRC-32 of the 28 octets before and of the octets that follow
 *
 * A damaged file is read on from the next record that is whole.
 */
#ifndef SIPSPAN_SPOOL_SPOOL_SEGMENT_H
#define SIPSPAN_SPOOL_SPOOL_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum { SPOOL_SEGMENT_HEAD = 16, SPOOL_RECORD_HEAD = 36 };

struct spool_segment_record {
    uint64_t number, key_hash;
    int64_t time_ns;
    struct slice octets;
};

void spool_segment_put_head(char to[static SPOOL_SEGMENT_HEAD]);
/* To room for SPOOL_RECORD_HEAD + octets.len. */
void spool_segment_put(char *to, const struct spool_segment_record *record);
/* The record at the start of these octets; false: there is none, or it is not whole. */
bool spool_segment_get(struct slice octets, struct spool_segment_record *record);

enum spool_head {
    SPOOL_HEAD_OK,
    SPOOL_HEAD_CUT,     /* the file ends in it */
    SPOOL_HEAD_VERSION, /* of a version that is not known */
    SPOOL_HEAD_FOREIGN,
};
enum spool_head spool_segment_head(struct slice file);

/* Reads all of a file. */
struct spool_scan {
    struct slice file;
    uint64_t number, limit; /* the next record's is at least the one and less than the other */
    uint64_t first;
    size_t at;        /* after the latest record */
    size_t effort;    /* octets that may yet be looked at in vain */
    unsigned damages; /* places where octets were no record, the end of the file among them */
};

void spool_scan_begin(struct spool_scan *scan, struct slice file, uint64_t first, uint64_t limit);
/* False: there is no further one. */
bool spool_scan_next(struct spool_scan *scan, struct spool_segment_record *record);

#endif
