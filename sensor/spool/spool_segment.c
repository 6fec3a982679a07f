#include "spool/spool_segment.h"

#include <endian.h>

#include "base/cursor.h"
#include "spool/checksum.h"
#include "spool/spool.h"

static const char segment_magic[8] = "sipspool";
static const char record_magic[4] = "\xffre\xfe";

enum {
    SEGMENT_VERSION = 1,
    SUMMED = 28,  /* octets of a record's head under its checksum */
    EFFORTS = 16, /* so often the whole of a damaged file may be looked at */
};

void spool_segment_put_head(char to[static SPOOL_SEGMENT_HEAD])
{
    const uint32_t version = htobe32(SEGMENT_VERSION), zero = 0;
    memcpy(to, segment_magic, sizeof segment_magic);
    memcpy(to + 8, &version, sizeof version);
    memcpy(to + 12, &zero, sizeof zero);
}

void spool_segment_put(char *to, const struct spool_segment_record *record)
{
    const uint32_t len = htobe32((uint32_t)record->octets.len);
    const uint64_t word[3] = {htobe64(record->number), htobe64(record->key_hash),
                              htobe64((uint64_t)record->time_ns)};
    memcpy(to, record_magic, sizeof record_magic);
    memcpy(to + 4, &len, sizeof len);
    memcpy(to + 8, word, sizeof word);
    const uint32_t sum =
        htobe32(checksum(checksum(0, to + 4, SUMMED), record->octets.at, record->octets.len));
    memcpy(to + 32, &sum, sizeof sum);
    if (record->octets.len > 0)
        memcpy(to + SPOOL_RECORD_HEAD, record->octets.at, record->octets.len);
}

static uint64_t read_u64(struct cursor *c)
{
    uint64_t high = cursor_u32(c);
    return high << 32 | cursor_u32(c);
}

/* All but the checksum. */
static bool read_head(struct slice octets, struct spool_segment_record *record, uint32_t *sum)
{
    struct cursor c = cursor_of(octets.at, octets.len);
    const uint8_t *magic = cursor_take(&c, sizeof record_magic);
    uint32_t len = cursor_u32(&c);
    record->number = read_u64(&c);
    record->key_hash = read_u64(&c);
    record->time_ns = (int64_t)read_u64(&c);
    *sum = cursor_u32(&c);
    if (!magic || memcmp(magic, record_magic, sizeof record_magic) != 0 || len > SPOOL_RECORD_MAX)
        return false;
    const uint8_t *at = cursor_take(&c, len);
    record->octets = slice_of((const char *)at, len);
    return at != NULL;
}

static bool has_sum(struct slice octets, const struct spool_segment_record *record, uint32_t sum)
{
    uint32_t head = checksum(0, octets.at + 4, SUMMED);
    return checksum(head, record->octets.at, record->octets.len) == sum;
}

bool spool_segment_get(struct slice octets, struct spool_segment_record *record)
{
    uint32_t sum;
    return read_head(octets, record, &sum) && has_sum(octets, record, sum);
}

enum spool_head spool_segment_head(struct slice file)
{
    char whole[SPOOL_SEGMENT_HEAD];
    spool_segment_put_head(whole);
    struct slice magic = slice_of(segment_magic, sizeof segment_magic);
    if (slice_starts(file, slice_of(whole, sizeof whole)))
        return SPOOL_HEAD_OK;
    if (slice_starts(slice_of(whole, sizeof whole), file))
        return SPOOL_HEAD_CUT;
    return slice_starts(file, magic) ? SPOOL_HEAD_VERSION : SPOOL_HEAD_FOREIGN;
}

void spool_scan_begin(struct spool_scan *scan, struct slice file, uint64_t first, uint64_t limit)
{
    bool has_head = spool_segment_head(file) == SPOOL_HEAD_OK;
    *scan = (struct spool_scan){
        .file = file,
        .first = first,
        .number = first,
        .limit = limit,
        .at = has_head ? SPOOL_SEGMENT_HEAD : 0,
        .effort = file.len * EFFORTS,
    };
}

/* The record at an offset, if it may follow what was read. */
static bool read_at(struct spool_scan *scan, size_t at, struct spool_segment_record *record)
{
    struct slice octets = slice_skip(scan->file, at);
    uint32_t sum;
    if (!read_head(octets, record, &sum))
        return false;
    /* A file of this size has no room for more: what an index needs stays bounded. */
    if (record->number < scan->number || record->number >= scan->limit ||
        record->number - scan->first > scan->file.len / SPOOL_RECORD_HEAD)
        return false;
    if (!has_sum(octets, record, sum)) {
        size_t len = SPOOL_RECORD_HEAD + record->octets.len;
        scan->effort -= len < scan->effort ? len : scan->effort;
        return false;
    }
    scan->number = record->number + 1;
    scan->at = at + SPOOL_RECORD_HEAD + record->octets.len;
    return true;
}

bool spool_scan_next(struct spool_scan *scan, struct spool_segment_record *record)
{
    if (read_at(scan, scan->at, record))
        return true;
    if (scan->at == scan->file.len)
        return false;
    scan->damages++;
    size_t at = scan->at;
    while (scan->effort > 0) {
        struct slice rest = slice_skip(scan->file, at + 1);
        const char *hit =
            rest.len > 0 ? memmem(rest.at, rest.len, record_magic, sizeof record_magic) : NULL;
        if (!hit)
            break;
        at = (size_t)(hit - scan->file.at);
        if (read_at(scan, at, record))
            return true;
    }
    scan->file.len = scan->at; /* nothing more is there, and this was said once */
    return false;
}
