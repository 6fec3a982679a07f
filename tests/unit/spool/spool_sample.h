/* A spool in a folder of its own, with records that tell their number. */
#ifndef SIPSPAN_TESTS_UNIT_SPOOL_SPOOL_SAMPLE_H
#define SIPSPAN_TESTS_UNIT_SPOOL_SPOOL_SAMPLE_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "spool/spool.h"

struct spool_sample {
    char dir[64], error[512];
    struct spool *spool;
};

static struct spool_sample sample;

static int sample_set_up(void **state)
{
    (void)state;
    log_set_level(getenv("SAMPLE_LOG") ? LOG_LEVEL_DEBUG : (enum log_level) - 1);
    memset(&sample, 0, sizeof sample);
    /* No power is cut here: memory does, and no other's disk is waited for. */
    snprintf(sample.dir, sizeof sample.dir, "%s/sipspan-spool-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    return mkdtemp(sample.dir) ? 0 : -1;
}

static inline const char *sample_path(const char *name)
{
    static char path[8][512]; /* the latest stay */
    static unsigned turn;
    turn = (turn + 1) % 8;
    snprintf(path[turn], sizeof path[turn], "%s/%s", sample.dir, name);
    return path[turn];
}

static int sample_tear_down(void **state)
{
    (void)state;
    spool_close(sample.spool);
    DIR *dir = opendir(sample.dir);
    for (const struct dirent *entry; dir && (entry = readdir(dir)) != NULL;)
        if (entry->d_name[0] != '.' && unlink(sample_path(entry->d_name)) != 0)
            rmdir(sample_path(entry->d_name));
    closedir(dir);
    return rmdir(sample.dir);
}

static inline struct spool *sample_try_open(uint64_t bytes_max, uint64_t segment_bytes)
{
    const struct spool_params params = {
        .dir = sample.dir, .bytes_max = bytes_max, .segment_bytes = segment_bytes};
    sample.spool = spool_open(&params, sample.error, sizeof sample.error);
    return sample.spool;
}

/* For asserts that a helper cannot have: what fails ends the program, also in a child. */
static inline void sample_check(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "not so: %s (%s)\n", what,
            sample.spool ? spool_error(sample.spool) : sample.error);
    abort();
}

static inline struct spool *sample_open(uint64_t bytes_max, uint64_t segment_bytes)
{
    sample_check(sample_try_open(bytes_max, segment_bytes) != NULL, "the spool opens");
    return sample.spool;
}

static inline void sample_close(void)
{
    spool_close(sample.spool);
    sample.spool = NULL;
}

enum { SAMPLE_MAX = 4096 };

/* The record with a number: its octets and its length follow from it. */
static inline struct slice sample_record(uint64_t number, uint32_t len_max)
{
    static char octets[SAMPLE_MAX];
    size_t len = 8 + (size_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> 40) % (len_max - 8);
    memcpy(octets, &number, 8);
    for (size_t i = 8; i < len; i++)
        octets[i] = (char)(number * 7 + i * 13);
    return slice_of(octets, len);
}

static inline bool sample_is_record(struct slice octets, uint64_t number, uint32_t len_max)
{
    return slice_eq(octets, sample_record(number, len_max));
}

static inline struct spool_stats sample_stats(void)
{
    struct spool_stats stats;
    spool_stats(sample.spool, &stats);
    return stats;
}

/* The files whose names end so, and the octets of all of them. */
static inline unsigned sample_files(const char *suffix, uint64_t *bytes)
{
    unsigned count = 0;
    struct stat st;
    DIR *dir = opendir(sample.dir);
    if (bytes)
        *bytes = 0;
    for (const struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
        size_t len = strlen(entry->d_name), tail = strlen(suffix);
        if (len < tail || strcmp(entry->d_name + len - tail, suffix) != 0)
            continue;
        count++;
        if (bytes && stat(sample_path(entry->d_name), &st) == 0)
            *bytes += (uint64_t)st.st_size;
    }
    closedir(dir);
    return count;
}

#endif
