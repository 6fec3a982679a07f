/*
 * Any octets as a file of the spool: as they are, and with the checksum of each record put right,
 * so that what is behind it is reached. With an odd number of octets they are the note of what is
 * confirmed as well. The corpus: seeds with names come from make_export_corpus.py.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "spool/checksum.h"
#include "spool/spool.h"
#include "spool/spool_segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIRST = 1, LIMIT = 1 << 20 };

static void check(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "broken promise: %s\n", what);
    abort();
}

/* Returns the number of records. */
static unsigned scan(struct slice file)
{
    struct spool_scan scan;
    struct spool_segment_record record, again;
    uint64_t last = FIRST - 1;
    unsigned records = 0;
    const char *end = file.at;
    volatile char sum = 0;
    spool_scan_begin(&scan, file, FIRST, LIMIT);
    while (spool_scan_next(&scan, &record)) {
        check(record.number > last && record.number < LIMIT, "numbers grow, below the limit");
        check(record.octets.at >= end + SPOOL_RECORD_HEAD &&
                  record.octets.at + record.octets.len <= file.at + file.len,
              "records follow one another inside the file");
        check(scan.at == (size_t)(record.octets.at + record.octets.len - file.at),
              "the place is behind the record");
        const char *start = record.octets.at - SPOOL_RECORD_HEAD;
        check(spool_segment_get(slice_of(start, SPOOL_RECORD_HEAD + record.octets.len), &again) &&
                  again.number == record.number && slice_eq(again.octets, record.octets),
              "it is read alone as it is in the file");
        for (size_t i = 0; i < record.octets.len; i++)
            sum = (char)(sum + record.octets.at[i]);
        end = record.octets.at + record.octets.len;
        last = record.number;
        records++;
    }
    check(scan.damages <= records + 1, "a damage is between records, or at the end");
    check(scan.damages > 0 || scan.at == file.len ||
              (records == 0 && file.len <= SPOOL_SEGMENT_HEAD),
          "what is no record is said");
    check(!spool_scan_next(&scan, &record), "an end stays an end");
    return records;
}

static void write_file(const char *dir, const char *name, struct slice octets)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    check(fd >= 0 && write(fd, octets.at, octets.len) == (ssize_t)octets.len, "there is room");
    close(fd);
}

static void remove_file(const char *dir, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    unlink(path);
}

/* The whole spool, twice: what waits is given, and with what is confirmed in between not again. */
static void open_spool(struct slice file, unsigned records)
{
    char dir[] = "/dev/shm/sipspan-fuzz-XXXXXX", error[512];
    struct spool_record record;
    check(mkdtemp(dir) != NULL, "there is a folder");
    const struct spool_params params = {.dir = dir, .bytes_max = 64 << 20};
    write_file(dir, "0000000000000001.seg", file);
    if (file.len % 2 == 1)
        write_file(dir, "confirmed", file);
    struct spool *spool = spool_open(&params, error, sizeof error);
    check(spool != NULL, "it opens");
    unsigned given = 0;
    while (spool_next(spool, &record)) {
        given++;
        spool_confirm(spool, record.number);
    }
    check(given <= records && (file.len % 2 == 1 || given == records ||
                               spool_segment_head(file) == SPOOL_HEAD_VERSION),
          "all that is whole is given");
    uint64_t number = spool_append(spool, SLICE("new"), 1);
    check(number > 0, "numbers go on");
    spool_close(spool);
    spool = spool_open(&params, error, sizeof error);
    check(spool != NULL && spool_next(spool, &record) && record.number == number &&
              slice_eq(record.octets, SLICE("new")) && !spool_next(spool, &record),
          "what was confirmed is not given again, and what was not is");
    spool_confirm(spool, number);
    spool_close(spool);
    remove_file(dir, "0000000000000001.seg.unread");
    remove_file(dir, "confirmed");
    remove_file(dir, "lock");
    check(rmdir(dir) == 0, "nothing stays");
}

static void mend_sums(char *octets, size_t len)
{
    for (size_t at = 0; at + SPOOL_RECORD_HEAD <= len; at++) {
        uint32_t size = 0;
        if (memcmp(octets + at, "\xffre\xfe", 4) != 0)
            continue;
        for (int i = 0; i < 4; i++)
            size = size << 8 | (uint8_t)octets[at + 4 + i];
        if (size > len - at - SPOOL_RECORD_HEAD)
            continue;
        uint32_t sum =
            checksum(checksum(0, octets + at + 4, 28), octets + at + SPOOL_RECORD_HEAD, size);
        for (int i = 0; i < 4; i++)
            octets[at + 32 + i] = (char)(sum >> (24 - 8 * i));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice file = slice_of((const char *)data, size);
    log_set_level((enum log_level) - 1);
    open_spool(file, scan(file));
    char *mended = malloc(size + 1);
    check(mended != NULL, "there is memory");
    memcpy(mended, data, size);
    mend_sums(mended, size);
    file.at = mended;
    open_spool(file, scan(file));
    free(mended);
    return 0;
}
