#include "spool/spool_index.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_CAPACITY = 64,
    UNBLOOMED_MAX = 64, /* the latest records are looked through one by one: most of them are given
                           at once, and never enter the filter */
    BLOOM_WORDS = 8,    /* of a block, a line of the cache: one bit in each */
    RECORDS_A_BLOCK = 24, /* 21 bits a record: one in 10000 is taken for another */
};

#define S_NS INT64_C(1000000000)

void spool_index_init(struct spool_index *index, uint64_t first, struct spool_totals *totals)
{
    *index = (struct spool_index){.first = first, .totals = totals};
}

void spool_index_fini(struct spool_index *index)
{
    free(index->entry);
    free(index->confirmed);
    free(index->given);
    free(index->bloom);
    *index = (struct spool_index){.count = 0};
}

static bool get_bit(const uint64_t *bits, uint32_t at)
{
    return bits[at / 64] >> (at % 64) & 1;
}

static void set_bit(uint64_t *bits, uint32_t at)
{
    bits[at / 64] |= UINT64_C(1) << (at % 64);
}

static void clear_bit(uint64_t *bits, uint32_t at)
{
    bits[at / 64] &= ~(UINT64_C(1) << (at % 64));
}

uint32_t spool_index_tag(uint64_t key_hash)
{
    return (uint32_t)(key_hash * UINT64_C(0x9e3779b97f4a7c15) >> 32); /* also of poor hashes */
}

/* Where a tag's block begins in the filter, and its bit in one of the block's words. */
static size_t block_of(const struct spool_index *index, uint32_t tag)
{
    return (tag * (uint64_t)index->bloom_blocks >> 32) * BLOOM_WORDS;
}

static uint64_t bloom_bit(uint32_t tag, unsigned word)
{
    static const uint32_t salt[BLOOM_WORDS] = {0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d,
                                               0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31};
    return UINT64_C(1) << (tag * salt[word] >> 26);
}

static void bloom_add(struct spool_index *index, uint32_t tag)
{
    uint64_t *block = index->bloom + block_of(index, tag);
    for (unsigned i = 0; i < BLOOM_WORDS; i++)
        block[i] |= bloom_bit(tag, i);
}

static bool bloom_has(const struct spool_index *index, uint32_t tag)
{
    const uint64_t *block = index->bloom + block_of(index, tag);
    for (unsigned i = 0; i < BLOOM_WORDS; i++)
        if (!(block[i] & bloom_bit(tag, i)))
            return false;
    return true;
}

/* Makes the filter anew, for so many records. */
static bool bloom_make(struct spool_index *index, uint32_t records)
{
    uint32_t blocks = records / RECORDS_A_BLOCK + 1;
    uint64_t *bloom = calloc((size_t)blocks * BLOOM_WORDS, sizeof *bloom);
    if (!bloom)
        return false;
    free(index->bloom);
    index->bloom = bloom;
    index->bloom_blocks = blocks;
    for (uint32_t i = index->low_ungiven; i < index->bloomed; i++)
        if (!get_bit(index->given, i))
            bloom_add(index, index->entry[i].tag);
    return true;
}

/* The filter takes up what waits below `until`. Without memory for it every key may wait. */
static void bloom_extend(struct spool_index *index, uint32_t until)
{
    for (; index->bloomed < until; index->bloomed++) {
        uint32_t at = index->bloomed;
        if (get_bit(index->given, at))
            continue;
        if (!index->bloom && !bloom_make(index, index->capacity))
            return;
        bloom_add(index, index->entry[at].tag);
    }
}

static void bloom_drop(struct spool_index *index, uint32_t bloomed)
{
    free(index->bloom);
    index->bloom = NULL;
    index->bloomed = bloomed;
}

static bool resize(struct spool_index *index, uint32_t capacity)
{
    size_t words = (capacity + 63) / 64, old_words = (index->capacity + 63) / 64;
    if (capacity < index->capacity)
        index->capacity = capacity;
    struct spool_entry *entry = realloc(index->entry, capacity * sizeof *entry);
    if (entry)
        index->entry = entry;
    uint64_t *confirmed = realloc(index->confirmed, words * sizeof *confirmed);
    if (confirmed)
        index->confirmed = confirmed;
    uint64_t *given = realloc(index->given, words * sizeof *given);
    if (given)
        index->given = given;
    if (!entry || !confirmed || !given)
        return false;
    if (words > old_words) {
        memset(confirmed + old_words, 0, (words - old_words) * sizeof *confirmed);
        memset(given + old_words, 0, (words - old_words) * sizeof *given);
    }
    index->capacity = capacity;
    if (index->bloom) /* as good as it was if there is no memory */
        bloom_make(index, capacity);
    return true;
}

static bool add_place(struct spool_index *index, struct spool_entry entry)
{
    if (index->count == index->capacity &&
        !resize(index, index->capacity ? index->capacity * 2 : FIRST_CAPACITY))
        return false;
    index->entry[index->count++] = entry;
    return true;
}

bool spool_index_add(struct spool_index *index, uint64_t number, struct spool_entry entry,
                     int64_t time_ns)
{
    int64_t time_s = time_ns / S_NS;
    if (index->count == 0)
        index->base_s = time_s;
    int64_t age_s = time_s > index->base_s ? time_s - index->base_s : 0; /* clocks are set back */
    entry.age_s = age_s < UINT32_MAX ? (uint32_t)age_s : UINT32_MAX;
    while (index->first + index->count < number) {
        if (!add_place(index, (struct spool_entry){.offset = entry.offset}))
            return false;
        set_bit(index->given, index->count - 1);
        set_bit(index->confirmed, index->count - 1);
    }
    if (!add_place(index, entry))
        return false;
    index->ungiven++;
    index->unconfirmed++;
    index->totals->ungiven++;
    index->totals->unconfirmed++;
    index->totals->bytes += entry.size;
    if (index->count - index->bloomed > UNBLOOMED_MAX)
        bloom_extend(index, index->count - UNBLOOMED_MAX);
    return true;
}

void spool_index_seal(struct spool_index *index)
{
    bloom_extend(index, index->count);
    if (index->count > 0 && index->count < index->capacity)
        resize(index, index->count);
}

void spool_index_detach(struct spool_index *index)
{
    if (!index->totals)
        return;
    index->totals->ungiven -= index->ungiven;
    index->totals->unconfirmed -= index->unconfirmed;
    for (uint32_t i = 0; i < index->count; i++)
        if (!get_bit(index->confirmed, i))
            index->totals->bytes -= index->entry[i].size;
    index->totals = NULL;
}

/* The first bit that is not set at or after `from`, or count. */
static uint32_t first_clear(const uint64_t *bits, uint32_t from, uint32_t count)
{
    while (from < count) {
        uint64_t clear = ~bits[from / 64] >> (from % 64);
        if (clear) {
            from += (uint32_t)__builtin_ctzll(clear);
            return from < count ? from : count;
        }
        from += 64 - from % 64;
    }
    return count;
}

uint32_t spool_index_next(struct spool_index *index)
{
    return index->low_ungiven = first_clear(index->given, index->low_ungiven, index->count);
}

uint32_t spool_index_oldest(struct spool_index *index)
{
    return index->low_unconfirmed =
               first_clear(index->confirmed, index->low_unconfirmed, index->count);
}

void spool_index_give(struct spool_index *index, uint32_t place)
{
    if (get_bit(index->given, place))
        return;
    set_bit(index->given, place);
    index->ungiven--;
    if (index->totals)
        index->totals->ungiven--;
    if (index->ungiven == 0)
        bloom_drop(index, index->count);
}

void spool_index_take_back(struct spool_index *index, uint32_t place)
{
    if (!get_bit(index->given, place) || get_bit(index->confirmed, place))
        return;
    clear_bit(index->given, place);
    index->ungiven++;
    if (index->totals)
        index->totals->ungiven++;
    if (place < index->low_ungiven)
        index->low_ungiven = place;
    if (place < index->bloomed && index->bloom)
        bloom_add(index, index->entry[place].tag);
    else if (place < index->bloomed)
        index->bloomed = place; /* looked through one by one until it is given again */
}

void spool_index_confirm(struct spool_index *index, uint32_t place)
{
    if (get_bit(index->confirmed, place))
        return;
    spool_index_give(index, place);
    set_bit(index->confirmed, place);
    index->unconfirmed--;
    if (index->totals) {
        index->totals->unconfirmed--;
        index->totals->bytes -= index->entry[place].size;
        index->totals->confirmations++;
    }
}

void spool_index_rewind(struct spool_index *index)
{
    uint32_t bloomed = index->bloomed;
    if (index->totals)
        index->totals->ungiven += index->unconfirmed - index->ungiven;
    index->ungiven = index->unconfirmed;
    if (index->count > 0)
        memcpy(index->given, index->confirmed, (index->count + 63) / 64 * sizeof *index->given);
    index->low_ungiven = 0;
    bloom_drop(index, 0);
    bloom_extend(index, bloomed);
}

bool spool_index_may_wait(const struct spool_index *index, uint64_t key_hash)
{
    uint32_t tag = spool_index_tag(key_hash);
    if (index->ungiven == 0)
        return false;
    if (index->bloom && bloom_has(index, tag))
        return true;
    for (uint32_t i = index->bloomed; i < index->count; i++)
        if (index->entry[i].tag == tag && !get_bit(index->given, i))
            return true;
    return false;
}
