/* Each case in a child: what is given up does not come back. Skipped where there is nothing to give
 * up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/privileges.h"

/* The value after `key` in /proc/self/status. */
static unsigned long long status_value(const char *key, int base)
{
    char line[256];
    unsigned long long value = ~0ull;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, key, strlen(key)) == 0)
            value = strtoull(line + strlen(key), NULL, base);
    if (f)
        fclose(f);
    return value;
}

static bool holds_nothing(void)
{
    return status_value("CapEff:", 16) == 0 && status_value("CapPrm:", 16) == 0 &&
           status_value("CapInh:", 16) == 0 && status_value("CapAmb:", 16) == 0 &&
           status_value("NoNewPrivs:", 10) == 1;
}

static int run_child(int (*body)(void))
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(body());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int become_nobody(void)
{
    char error[256];
    if (privileges_drop("nobody", error, sizeof error) != 0)
        return 1;
    if (!holds_nothing() || status_value("CapBnd:", 16) != 0)
        return 2;
    if (getuid() == 0 || geteuid() == 0 || getgid() == 0 || getegid() == 0)
        return 3;
    if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0)
        return 4;
    return open("/proc/1/mem", O_RDONLY) >= 0 ? 5 : 0;
}

static void root_becomes_the_user(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(run_child(become_nobody), 0);
}

static int stay_root(void)
{
    char error[256];
    if (privileges_drop("root", error, sizeof error) != 0)
        return 1;
    if (!holds_nothing() || status_value("CapBnd:", 16) != 0)
        return 2;
    return geteuid() == 0 ? 0 : 3;
}

static void root_may_keep_its_uid(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(run_child(stay_root), 0);
}

static int drop_as_nobody(void)
{
    char error[256];
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
        return 1;
    if (privileges_drop("somebody-else", error, sizeof error) != 0)
        return 2;
    return holds_nothing() ? 0 : 3;
}

static void others_only_drop_capabilities(void **state)
{
    (void)state;
    assert_int_equal(run_child(drop_as_nobody), 0);
}

static int name_nobody(void)
{
    char error[256];
    if (privileges_drop("no-such-user", error, sizeof error) != -ENOENT)
        return 1;
    if (!strstr(error, "user no-such-user: there is no such user"))
        return 2;
    return status_value("CapEff:", 16) != 0 ? 0 : 3;
}

static void an_unknown_user_is_told(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(run_child(name_nobody), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(root_becomes_the_user),
        cmocka_unit_test(root_may_keep_its_uid),
        cmocka_unit_test(others_only_drop_capabilities),
        cmocka_unit_test(an_unknown_user_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
