#include "http/process_metrics.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/slice.h"

/* Fields of /proc/PID/stat by their numbers in proc(5), from the first one after the command's
 * name. */
enum {
    STAT_FIRST = 3,
    STAT_NUM_THREADS = 20,
    STAT_STARTTIME = 22, /* clock ticks since boot */
    STAT_VSIZE = 23,     /* bytes */
    STAT_RSS = 24,       /* pages */
};

static const struct metric_desc cpu_desc = {
    .type = METRIC_COUNTER,
    .name = "process_cpu_seconds",
    .help = "Total user and system CPU time spent in seconds.",
    .unit = "seconds",
};
static const struct metric_desc open_fds_desc = {
    .type = METRIC_GAUGE,
    .name = "process_open_fds",
    .help = "Number of open file descriptors.",
};
static const struct metric_desc max_fds_desc = {
    .type = METRIC_GAUGE,
    .name = "process_max_fds",
    .help = "Maximum number of open file descriptors.",
};
static const struct metric_desc virtual_desc = {
    .type = METRIC_GAUGE,
    .name = "process_virtual_memory_bytes",
    .help = "Virtual memory size in bytes.",
    .unit = "bytes",
};
static const struct metric_desc virtual_max_desc = {
    .type = METRIC_GAUGE,
    .name = "process_virtual_memory_max_bytes",
    .help = "Maximum amount of virtual memory available in bytes.",
    .unit = "bytes",
};
static const struct metric_desc resident_desc = {
    .type = METRIC_GAUGE,
    .name = "process_resident_memory_bytes",
    .help = "Resident memory size in bytes.",
    .unit = "bytes",
};
static const struct metric_desc start_time_desc = {
    .type = METRIC_GAUGE,
    .name = "process_start_time_seconds",
    .help = "Start time of the process since unix epoch in seconds.",
    .unit = "seconds",
};
static const struct metric_desc threads_desc = {
    .type = METRIC_GAUGE,
    .name = "process_threads",
    .help = "Number of OS threads in the process.",
};

/* The first octets of a small file of /proc; empty if it cannot be read. */
static struct slice read_head(const char *path, char *to, size_t capacity)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return SLICE_NONE;
    size_t len = 0;
    ssize_t n;
    while (len < capacity && (n = read(fd, to + len, capacity - len)) > 0)
        len += (size_t)n;
    close(fd);
    return slice_of(to, len);
}

/* The next word, and steps over it and the space after it. */
static struct slice take_word(struct slice *text)
{
    struct slice word = slice_head(*text, slice_find(*text, ' '));
    *text = slice_skip(*text, word.len + 1);
    return word;
}

/* The seconds since 1970 at which the system started, from the line "btime N" of /proc/stat. */
static bool read_boot_time(uint64_t *seconds)
{
    /* The line comes after one for each CPU and a long one for the interrupts. */
    enum { STAT_BYTES_MAX = 256 * 1024 };
    char *bytes = malloc(STAT_BYTES_MAX);
    if (!bytes)
        return false;
    struct slice text = read_head("/proc/stat", bytes, STAT_BYTES_MAX);
    bool found = false;
    while (text.len > 0 && !found) {
        struct slice line = slice_head(text, slice_find(text, '\n'));
        text = slice_skip(text, line.len + 1);
        found = slice_starts(line, SLICE("btime ")) &&
                slice_to_u64(slice_skip(line, 6), UINT32_MAX, seconds);
    }
    free(bytes);
    return found;
}

static void put_stat(struct buffer *out, enum exposition_format format)
{
    char bytes[1024];
    struct slice text = read_head("/proc/self/stat", bytes, sizeof bytes);
    /* The command's name is in parentheses and may hold any character, parentheses too. */
    const char *name_end = text.len ? memrchr(text.at, ')', text.len) : NULL;
    if (!name_end)
        return;
    text = slice_skip(text, (size_t)(name_end - text.at) + 2);
    uint64_t field[STAT_RSS + 1] = {0};
    bool known[STAT_RSS + 1] = {false};
    for (unsigned i = STAT_FIRST; i <= STAT_RSS; i++)
        known[i] = slice_to_u64(take_word(&text), UINT64_MAX, &field[i]);

    if (known[STAT_VSIZE])
        exposition_put_value(out, format, &virtual_desc, (double)field[STAT_VSIZE]);
    if (known[STAT_RSS])
        exposition_put_value(out, format, &resident_desc,
                             (double)field[STAT_RSS] * (double)sysconf(_SC_PAGESIZE));
    uint64_t boot;
    if (known[STAT_STARTTIME] && read_boot_time(&boot))
        exposition_put_value(out, format, &start_time_desc,
                             (double)boot +
                                 (double)field[STAT_STARTTIME] / (double)sysconf(_SC_CLK_TCK));
    if (known[STAT_NUM_THREADS])
        exposition_put_value(out, format, &threads_desc, (double)field[STAT_NUM_THREADS]);
}

static void put_open_fds(struct buffer *out, enum exposition_format format)
{
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return;
    unsigned count = 0;
    for (const struct dirent *entry; (entry = readdir(dir));)
        count += isdigit((unsigned char)entry->d_name[0]) != 0;
    closedir(dir);
    /* Without the one that counted. */
    exposition_put_value(out, format, &open_fds_desc, count - 1);
}

static void put_limit(struct buffer *out, enum exposition_format format,
                      const struct metric_desc *desc, int resource)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        exposition_put_value(out, format, desc, (double)limit.rlim_cur);
}

void process_metrics_put(struct buffer *out, enum exposition_format format)
{
    struct timespec cpu;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) == 0)
        exposition_put_value(out, format, &cpu_desc,
                             (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9);
    put_open_fds(out, format);
    put_limit(out, format, &max_fds_desc, RLIMIT_NOFILE);
    put_limit(out, format, &virtual_max_desc, RLIMIT_AS);
    put_stat(out, format);
}
