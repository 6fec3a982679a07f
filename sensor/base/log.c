#include "base/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static _Atomic int current_level = LOG_LEVEL_INFO;

static const char *const level_names[] = {"error", "warning", "info", "debug"};

void log_set_level(enum log_level level)
{
    atomic_store(&current_level, (int)level);
}

/* Brokers, servers and senders say what they want: nothing of it may begin a line of its own, or
 * steer a terminal; nor may C1's controls, which UTF-8 writes as C2 80 to C2 9F. */
static void clean(char *line)
{
    for (unsigned char *at = (unsigned char *)line; *at; at++) {
        if (*at < 0x20 || *at == 0x7f)
            *at = '?';
        else if (*at == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f)
            at[0] = at[1] = '?';
    }
}

__attribute__((format(printf, 2, 0))) static void write_line(enum log_level level,
                                                             const char *format, va_list args)
{
    char line[1024];
    vsnprintf(line, sizeof line, format, args);
    clean(line);
    fprintf(stderr, "sipspan: %s: %s\n", level_names[level], line);
}

void log_line(enum log_level level, const char *format, ...)
{
    if ((int)level > atomic_load(&current_level))
        return;
    va_list args;
    va_start(args, format);
    write_line(level, format, args);
    va_end(args);
}

void log_line_limited(struct log_limit *limit, enum log_level level, const char *format, ...)
{
    if ((int)level > atomic_load(&current_level))
        return;
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    int64_t now = (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
    int64_t next = atomic_load(&limit->next_ns);
    if (now < next || !atomic_compare_exchange_strong(&limit->next_ns, &next, now + 1000000000)) {
        atomic_fetch_add(&limit->left_out, 1);
        return;
    }
    va_list args;
    va_start(args, format);
    write_line(level, format, args);
    va_end(args);
    uint64_t left_out = atomic_exchange(&limit->left_out, 0);
    if (left_out > 0)
        log_line(level, "(%" PRIu64 " more such lines were left out)", left_out);
}
