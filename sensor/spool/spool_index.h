/*
 * spool_index: what is kept in memory of the records of one segment: where they lie, which are
 * confirmed, which were given, and which keys wait. Pure; bounded by the segment's size (16 octets
 * and two bits a record, and a Bloom filter for those that wait).
 *
 * A record is named by its place in the segment: its number less the segment's first one.
 */
#ifndef SIPSPAN_SPOOL_SPOOL_INDEX_H
#define SIPSPAN_SPOOL_SPOOL_INDEX_H

#include <stdbool.h>
#include <stdint.h>

/* Over several indexes, which keep it up. */
struct spool_totals {
    uint64_t ungiven;       /* records that are to be given */
    uint64_t unconfirmed;   /* records */
    uint64_t bytes;         /* of these */
    uint64_t confirmations; /* so far */
};

struct spool_entry {
    uint32_t offset, size; /* in the file */
    uint32_t age_s;        /* when it was appended, after `base_s` */
    uint32_t tag;          /* of its key */
};

struct spool_index {
    uint64_t first; /* the number of the record at place 0 */
    int64_t base_s; /* since 1970, of the first record */
    uint32_t count; /* of places, those of lost records among them */
    uint32_t ungiven, unconfirmed;
    struct spool_totals *totals;

    struct spool_entry *entry;
    uint64_t *confirmed, *given; /* bits; what is confirmed counts as given */
    uint32_t capacity;
    uint32_t low_ungiven, low_unconfirmed; /* below these places there is none */
    uint64_t *bloom; /* of the tags of places below `bloomed` that were not given when it grew */
    uint32_t bloom_blocks, bloomed;
};

void spool_index_init(struct spool_index *index, uint64_t first, struct spool_totals *totals);
void spool_index_fini(struct spool_index *index);

/* At the end, with its age to be filled in; numbers that are left out are lost records, confirmed
 * without more. False: no memory. */
bool spool_index_add(struct spool_index *index, uint64_t number, struct spool_entry entry,
                     int64_t time_ns);
uint32_t spool_index_tag(uint64_t key_hash);
/* No more will be added. */
void spool_index_seal(struct spool_index *index);
/* It counts in no totals from here on. */
void spool_index_detach(struct spool_index *index);

/* The first that is to be given, or `count`. */
uint32_t spool_index_next(struct spool_index *index);
void spool_index_give(struct spool_index *index, uint32_t place);
/* It was not given after all; nothing if it is confirmed. */
void spool_index_take_back(struct spool_index *index, uint32_t place);
void spool_index_confirm(struct spool_index *index, uint32_t place);
/* All that is not confirmed is to be given again. */
void spool_index_rewind(struct spool_index *index);

/* May a record with this key wait to be given? False is certain. */
bool spool_index_may_wait(const struct spool_index *index, uint64_t key_hash);

/* The first that is not confirmed, or `count`. */
uint32_t spool_index_oldest(struct spool_index *index);

static inline bool spool_index_has(const struct spool_index *index, uint64_t number)
{
    return number >= index->first && number - index->first < index->count;
}

static inline bool spool_index_is_confirmed(const struct spool_index *index, uint32_t place)
{
    return index->confirmed[place / 64] >> (place % 64) & 1;
}

#endif
