/* Lines on standard error: their form, their level, and at most one a second from one place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

static char said[4096];
static int kept_stderr;
static FILE *into;

static void listen_begin(void)
{
    fflush(stderr);
    kept_stderr = dup(STDERR_FILENO);
    into = tmpfile();
    assert_non_null(into);
    assert_true(dup2(fileno(into), STDERR_FILENO) >= 0);
}

static void listen_end(void)
{
    fflush(stderr);
    dup2(kept_stderr, STDERR_FILENO);
    close(kept_stderr);
    rewind(into);
    said[fread(said, 1, sizeof said - 1, into)] = 0;
    fclose(into);
}

static void test_form(void **state)
{
    (void)state;
    listen_begin();
    log_error("%s: cannot be read: %d", "file", 7);
    log_warning("a warning");
    log_info("an info");
    log_debug("a detail");
    listen_end();
    assert_string_equal(said, "sipspan: error: file: cannot be read: 7\n"
                              "sipspan: warning: a warning\n"
                              "sipspan: info: an info\n");
}

static void test_levels(void **state)
{
    (void)state;
    listen_begin();
    log_set_level(LOG_LEVEL_ERROR);
    log_warning("not this");
    log_error("this");
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("and this");
    log_set_level(LOG_LEVEL_INFO);
    listen_end();
    assert_string_equal(said, "sipspan: error: this\nsipspan: debug: and this\n");
}

static void test_long_line_is_cut(void **state)
{
    char text[3000];
    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    listen_begin();
    log_error("%s", text);
    listen_end();
    assert_in_range(strlen(said), 1000, 1100);
    assert_int_equal(said[strlen(said) - 1], '\n');
}

static void test_nothing_said_steers(void **state)
{
    (void)state;
    listen_begin();
    log_error("%s", "x\nsipspan: error: forged\r\t\033[31m\x7f \xc2\x9b"
                    "2J \xc2\xa0\xc3\xbc \xc2");
    listen_end();
    assert_string_equal(said, "sipspan: error: x?sipspan: error: forged???[31m? ??2J "
                              "\xc2\xa0\xc3\xbc \xc2\n");
}

static void test_limited(void **state)
{
    struct log_limit limit = {0};
    (void)state;
    listen_begin();
    for (int i = 0; i < 100; i++)
        log_line_limited(&limit, LOG_LEVEL_ERROR, "number %d", i);
    listen_end();
    assert_string_equal(said, "sipspan: error: number 0\n");
    /* The next one that goes through says how many did not. */
    atomic_store(&limit.next_ns, 0);
    listen_begin();
    log_line_limited(&limit, LOG_LEVEL_ERROR, "number %d", 100);
    listen_end();
    assert_non_null(strstr(said, "sipspan: error: number 100\n"));
    assert_non_null(strstr(said, "99 more"));
    /* And only once. */
    atomic_store(&limit.next_ns, 0);
    listen_begin();
    log_line_limited(&limit, LOG_LEVEL_ERROR, "number %d", 101);
    listen_end();
    assert_string_equal(said, "sipspan: error: number 101\n");
}

/* What the level leaves out does not count as left out by the limit. */
static void test_limited_below_level(void **state)
{
    struct log_limit limit = {0};
    (void)state;
    listen_begin();
    log_line_limited(&limit, LOG_LEVEL_DEBUG, "a detail");
    log_line_limited(&limit, LOG_LEVEL_DEBUG, "a detail");
    listen_end();
    assert_string_equal(said, "");
    assert_int_equal(atomic_load(&limit.left_out), 0);
}

/* Each place in the code has its own limit. */
static void test_limited_by_place(void **state)
{
    (void)state;
    listen_begin();
    for (int i = 0; i < 3; i++) {
        log_limited(LOG_LEVEL_ERROR, "one");
        log_limited(LOG_LEVEL_ERROR, "two");
    }
    listen_end();
    assert_string_equal(said, "sipspan: error: one\nsipspan: error: two\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_long_line_is_cut),
        cmocka_unit_test(test_nothing_said_steers),
        cmocka_unit_test(test_limited),
        cmocka_unit_test(test_limited_below_level),
        cmocka_unit_test(test_limited_by_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
