#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/progress.h"

static char shown[1024];

/* What standard error gets when `share` and `packets` are shown, as if a second had passed or not.
 */
static const char *show(bool is_on, bool is_due, double share, uint64_t packets)
{
    struct progress progress;
    fflush(stderr);
    int kept = dup(STDERR_FILENO);
    FILE *into = tmpfile();
    assert_non_null(into);
    assert_true(dup2(fileno(into), STDERR_FILENO) >= 0);
    progress_start(&progress, is_on);
    if (is_due) {
        progress.started_ns -= INT64_C(10000000000);
        progress.next_ns = progress.started_ns;
    }
    progress_show(&progress, share, packets);
    progress_show(&progress, share, packets + 1); /* too soon after the one before */
    progress_end(&progress);
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);
    rewind(into);
    shown[fread(shown, 1, sizeof shown - 1, into)] = 0;
    fclose(into);
    return shown;
}

static void test_shown(void **state)
{
    (void)state;
    show(true, true, 0.25, 1234);
    assert_non_null(strstr(shown, " 25%"));
    assert_non_null(strstr(shown, "1234 packets"));
    assert_non_null(strstr(shown, "30 s left"));
    assert_null(strstr(shown, "1235"));
    assert_null(strchr(shown, '\n')); /* one line, wiped at the end */
    assert_string_equal(shown + strlen(shown) - 4, "\r\033[K");
}

static void test_share_unknown(void **state)
{
    (void)state;
    show(true, true, -1, 77);
    assert_non_null(strstr(shown, "77 packets"));
    assert_null(strchr(shown, '%'));
    assert_null(strstr(shown, "left"));
}

static void test_nothing_shown(void **state)
{
    (void)state;
    assert_string_equal(show(true, false, 0.5, 10), ""); /* not in the first second */
    assert_string_equal(show(false, true, 0.5, 10), ""); /* no terminal */
}

/* However little has been read, the estimate is left out rather than wild. */
static void test_edges(void **state)
{
    (void)state;
    show(true, true, 0, 0);
    assert_null(strstr(shown, "left"));
    assert_non_null(strstr(shown, "0%"));
    show(true, true, 1, 5);
    assert_non_null(strstr(shown, "100%"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shown),
        cmocka_unit_test(test_share_unknown),
        cmocka_unit_test(test_nothing_shown),
        cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
