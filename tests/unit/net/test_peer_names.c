#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/peer_names.h"

static struct peer_name entry(const char *net, const char *name)
{
    struct peer_name made = {.name = name};
    assert_true(ip_net_parse(slice_str(net), &made.net));
    return made;
}

static const char *name_of(const struct peer_names *names, const char *ip)
{
    struct ip_addr addr;
    assert_true(ip_parse(slice_str(ip), &addr));
    return peer_names_find(names, &addr);
}

static void test_most_specific_wins(void **state)
{
    /* In no order on purpose. */
    const struct peer_name entries[] = {
        entry("198.51.100.0/25", "half"),    entry("198.51.100.20", "gateway"),
        entry("198.51.100.0/24", "carrier"), entry("198.51.100.16/28", "rack"),
        entry("2001:db8::/32", "carrier-6"), entry("2001:db8:0:1::/64", "rack-6"),
    };
    const struct peer_names names = {entries, sizeof entries / sizeof entries[0]};
    (void)state;
    assert_string_equal(name_of(&names, "198.51.100.20"), "gateway");
    assert_string_equal(name_of(&names, "198.51.100.21"), "rack");
    assert_string_equal(name_of(&names, "198.51.100.1"), "half");
    assert_string_equal(name_of(&names, "198.51.100.127"), "half");
    assert_string_equal(name_of(&names, "198.51.100.128"), "carrier");
    assert_null(name_of(&names, "198.51.101.20"));
    assert_string_equal(name_of(&names, "2001:db8:0:1::5"), "rack-6");
    assert_string_equal(name_of(&names, "2001:db8:0:2::5"), "carrier-6");
    assert_null(name_of(&names, "2001:db9::1"));
}

/* 0.0.0.0/0 is every IPv4 address and no IPv6 one. */
static void test_whole_families(void **state)
{
    const struct peer_name entries[] = {entry("0.0.0.0/0", "four")};
    const struct peer_names names = {entries, 1};
    struct ip_addr none = {.version = 0};
    (void)state;
    assert_string_equal(name_of(&names, "203.0.113.9"), "four");
    assert_null(name_of(&names, "2001:db8::1"));
    assert_null(peer_names_find(&names, &none));
}

static void test_no_names(void **state)
{
    const struct peer_names names = {NULL, 0};
    (void)state;
    assert_null(name_of(&names, "192.0.2.1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_most_specific_wins),
        cmocka_unit_test(test_whole_families),
        cmocka_unit_test(test_no_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
