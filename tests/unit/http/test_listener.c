/*
 * listener: where it listens, and what it says when it cannot.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "http/listener.h"

static void takes_a_free_port(void **state)
{
    (void)state;
    char error[256] = "";
    struct endpoint bound;
    int fd = listener_open("127.0.0.1:0", &bound, error, sizeof error);
    assert_true(fd >= 0);
    assert_int_equal(bound.ip.version, 4);
    assert_int_not_equal(bound.port, 0);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);

    char again[ENDPOINT_TEXT_MAX];
    char expected[256];
    endpoint_format(&bound, again);
    assert_int_equal(listener_open(again, &bound, error, sizeof error), -EADDRINUSE);
    snprintf(expected, sizeof expected,
             "cannot listen on %s: Address already in use; another sipspan? choose another with "
             "--listen",
             again);
    assert_string_equal(error, expected);
    close(fd);
}

static void listens_on_ipv6(void **state)
{
    (void)state;
    char error[256] = "";
    struct endpoint bound;
    int fd = listener_open("[::1]:0", &bound, error, sizeof error);
    /* A container may have no IPv6. */
    if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)
        skip();
    assert_true(fd >= 0);
    assert_int_equal(bound.ip.version, 6);
    assert_int_not_equal(bound.port, 0);
    close(fd);
}

static void refuses_what_is_no_address(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "9160",
        ":9160",
        "localhost:9160",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:http",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "::1:9160",
        "[::1]",
        "[127.0.0.1]:9160",
        "127.0.0.1:9160 ",
        "[]:9160",
        "[::1:9160",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char error[256] = "";
        char expected[256];
        struct endpoint bound;
        snprintf(
            expected, sizeof expected,
            "cannot listen on \"%s\": not ADDR:PORT; give --listen an address and a port, as in "
            "127.0.0.1:9160 or [::1]:9160",
            bad[i]);
        assert_int_equal(listener_open(bad[i], &bound, error, sizeof error), -EINVAL);
        assert_string_equal(error, expected);
    }
}

static void says_that_the_address_is_not_here(void **state)
{
    (void)state;
    char error[256] = "";
    struct endpoint bound;
    assert_int_equal(listener_open("192.0.2.1:0", &bound, error, sizeof error), -EADDRNOTAVAIL);
    assert_string_equal(error,
                        "cannot listen on 192.0.2.1:0: Cannot assign requested address; this "
                        "host has no such address: choose one of its own with --listen");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_a_free_port),
        cmocka_unit_test(listens_on_ipv6),
        cmocka_unit_test(refuses_what_is_no_address),
        cmocka_unit_test(says_that_the_address_is_not_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
