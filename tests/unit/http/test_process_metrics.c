/*
 * process_metrics: what is told of this very process, and what is left out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "http/process_metrics.h"

static char *render(void)
{
    struct buffer out = {0};
    process_metrics_put(&out, EXPOSITION_TEXT);
    buffer_put(&out, "", 1);
    assert_false(out.failed);
    return out.text;
}

/* -1 if there is no such series. */
static double value_of(const char *name)
{
    char line[64];
    snprintf(line, sizeof line, "\n%s ", name);
    char *text = render();
    const char *at = strstr(text, line);
    double value = at ? strtod(at + strlen(line), NULL) : -1;
    free(text);
    return value;
}

static void tells_of_this_process(void **state)
{
    (void)state;
    /* What ends the name in /proc/self/stat may be in the name. */
    assert_int_equal(prctl(PR_SET_NAME, "a) 9 8 (7)", 0, 0, 0), 0);
    assert_true(value_of("process_cpu_seconds_total") > 0);
    assert_true(value_of("process_cpu_seconds_total") < 60);
    assert_true(value_of("process_threads") == 1);
    double resident = value_of("process_resident_memory_bytes");
    assert_true(resident > 100 * 1024 && resident < 4e9);
    assert_true(value_of("process_virtual_memory_bytes") > resident);
    double age = (double)time(NULL) - value_of("process_start_time_seconds");
    assert_true(age > -5 && age < 300);
    assert_true(value_of("process_heap_bytes") == -1);
}

static void counts_open_files(void **state)
{
    (void)state;
    double before = value_of("process_open_fds");
    assert_true(before >= 0);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(value_of("process_open_fds") == before + 1);
    close(fd);
    assert_true(value_of("process_open_fds") == before);
}

static void tells_limits_where_there_are_some(void **state)
{
    (void)state;
    struct rlimit before;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    limit = before;
    limit.rlim_cur = 200;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(value_of("process_max_fds") == 200);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);

    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    if (before.rlim_max != RLIM_INFINITY)
        skip();
    limit = before;
    limit.rlim_cur = RLIM_INFINITY;
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
    assert_true(value_of("process_virtual_memory_max_bytes") == -1);
    limit.rlim_cur = (rlim_t)1 << 50;
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
    assert_true(value_of("process_virtual_memory_max_bytes") == 1125899906842624.0);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_of_this_process),
        cmocka_unit_test(counts_open_files),
        cmocka_unit_test(tells_limits_where_there_are_some),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
