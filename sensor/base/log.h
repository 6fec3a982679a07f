/*
 * log: lines for operators on standard error: what happened, to what, what to do. Never a packet's
 * content. The one mutable global of the program. Any thread.
 *
 * log_limited lets at most one line a second through for each place in the code, and says with the
 * next one how many were left out.
 */
#ifndef SIPSPAN_BASE_LOG_H
#define SIPSPAN_BASE_LOG_H

#include <stdatomic.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(enum log_level level);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

struct log_limit {
    _Atomic int64_t next_ns; /* monotonic time before which lines are left out */
    _Atomic uint64_t left_out;
};

void log_line_limited(struct log_limit *limit, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_limited(level, ...)                                                                    \
    do {                                                                                           \
        static struct log_limit limit_;                                                            \
        log_line_limited(&limit_, level, __VA_ARGS__);                                             \
    } while (0)

#endif
