/* endpoint: addresses, endpoints and networks from text and to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/endpoint.h"
#include "net/socket_address.h"
#include "net/transport.h"

static struct ip_addr ip(const char *text)
{
    struct ip_addr out;
    memset(&out, 0xa5, sizeof out);
    if (!ip_parse(slice_str(text), &out))
        fail_msg("\"%s\" is an address", text);
    return out;
}

static void test_addresses(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"2001:db8::1", "2001:db8::1"},
        {"[2001:DB8:0:0:0:0:0:1]", "2001:db8::1"},
        {"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
        {"::", "::"},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
        {"2001:db8:1:2:3:4:255.255.255.255", "2001:db8:1:2:3:4:ffff:ffff"},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[IP_TEXT_MAX];
        struct ip_addr a = ip(rows[i][0]);
        assert_string_equal(ip_format(&a, text), rows[i][1]);
        assert_int_equal(a.version, strchr(rows[i][1], ':') ? 6 : 4);
    }
    static const uint8_t zeros[12];
    struct ip_addr v4 = ip("192.0.2.1");
    assert_memory_equal(v4.octets + 4, zeros, 12);
    struct ip_addr none = {.version = 0};
    char text[IP_TEXT_MAX];
    assert_string_equal(ip_format(&none, text), "-");
}

static void test_text_that_is_no_address(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "[]",
        "192.0.2",
        "192.0.2.1.1",
        "192.0.2.256",
        "192.0.2.1 ",
        " 192.0.2.1",
        "192.0.2.1:5060",
        "192.0.2.1/24",
        "-1.0.2.1",
        "example.com",
        "2001:db8::1%eth0",
        "2001:db8:::1",
        "2001:db8::1::2",
        "[2001:db8::1",
        "2001:db8::1]",
        "12345::",
        "[[2001:db8::1]]",
        "[",
        "1:2:3:4:5:6:7:8:9",
        "2001:0db8:0000:0000:0000:0000:0000:0001:0000:0000:0000:0000:0000:0000",
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = strlen(rows[i]);
        char *exact = malloc(len > 0 ? len : 1);
        assert_non_null(exact);
        memcpy(exact, rows[i], len);
        struct ip_addr out = {.version = 9};
        if (ip_parse(slice_of(exact, len), &out))
            fail_msg("\"%s\" is no address", rows[i]);
        assert_int_equal(out.version, 9);
        free(exact);
    }
    struct ip_addr out;
    assert_false(ip_parse(SLICE_NONE, &out));
    assert_false(ip_parse(SLICE("192.0.2.1\0"), &out));
    assert_false(ip_parse(SLICE("192.0.2.1\0.5"), &out));
}

/* RFC 3986 section 3.2.2: brackets hold an IPv6 address. */
static void test_brackets_are_for_v6(void **state)
{
    (void)state;
    struct ip_addr out;
    assert_false(ip_parse(SLICE("[192.0.2.1]"), &out));
    assert_true(ip_parse(SLICE("[2001:db8::1]"), &out));
}

static void test_from_octets(void **state)
{
    (void)state;
    static const uint8_t v4[4] = {192, 0, 2, 1};
    static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    struct ip_addr a = ip_from_v4(v4), b = ip("192.0.2.1");
    assert_true(ip_eq(&a, &b));
    a = ip_from_v6(v6);
    b = ip("2001:db8::1");
    assert_true(ip_eq(&a, &b));
}

static void test_equality(void **state)
{
    (void)state;
    struct ip_addr a = ip("192.0.2.1"), b = ip("192.0.2.2"), v6 = ip("c000:201::");
    assert_true(ip_eq(&a, &a));
    assert_false(ip_eq(&a, &b));
    assert_memory_equal(a.octets, v6.octets, 16); /* the version alone tells them apart */
    assert_false(ip_eq(&a, &v6));
    struct endpoint e = {a, 5060}, f = {a, 5061}, g = {b, 5060}, h = {v6, 5060}, same = {a, 5060};
    assert_true(endpoint_eq(&e, &same));
    assert_false(endpoint_eq(&e, &f));
    assert_false(endpoint_eq(&e, &g));
    assert_false(endpoint_eq(&e, &h));
}

static void test_endpoint_text(void **state)
{
    (void)state;
    char text[ENDPOINT_TEXT_MAX];
    struct endpoint e = {ip("192.0.2.1"), 5060};
    assert_string_equal(endpoint_format(&e, text), "192.0.2.1:5060");
    e = (struct endpoint){ip("2001:db8::1"), 0};
    assert_string_equal(endpoint_format(&e, text), "[2001:db8::1]:0");
    /* The longest there is. */
    e = (struct endpoint){ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 65535};
    assert_string_equal(endpoint_format(&e, text),
                        "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
    e = (struct endpoint){ip("::ffff:255.255.255.255"), 65535};
    assert_string_equal(endpoint_format(&e, text), "[::ffff:255.255.255.255]:65535");
}

static void test_endpoint_read(void **state)
{
    (void)state;
    static const char *const good[] = {"192.0.2.1:5060", "[2001:db8::1]:0", "0.0.0.0:65535"};
    static const char *const bad[] = {"",
                                      "5060",
                                      "192.0.2.1",
                                      "192.0.2.1:",
                                      ":5060",
                                      "192.0.2.1:65536",
                                      "192.0.2.1:-1",
                                      "::1:5060",
                                      "[192.0.2.1]:5060",
                                      "localhost:5060",
                                      "[::1]",
                                      "192.0.2.1:5060 "};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct endpoint e = {0};
        char text[ENDPOINT_TEXT_MAX];
        assert_true(endpoint_parse(slice_str(good[i]), &e));
        assert_string_equal(endpoint_format(&e, text), good[i]);
        union socket_address address;
        (void)socket_address_of(&e, &address);
        struct endpoint back = socket_address_endpoint(&address);
        assert_true(endpoint_eq(&back, &e));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct endpoint e;
        if (endpoint_parse(slice_str(bad[i]), &e))
            fail_msg("'%s' was taken", bad[i]);
    }
    union socket_address none = {.any.sa_family = AF_UNIX};
    assert_int_equal(socket_address_endpoint(&none).ip.version, 0);
}

static void test_transport_names(void **state)
{
    (void)state;
    enum transport found;
    for (int transport = 0; transport < TRANSPORT_COUNT; transport++) {
        assert_true(transport_find(slice_str(transport_name((enum transport)transport)), &found));
        assert_int_equal(found, transport);
    }
    assert_true(transport_find(SLICE("wss"), &found));
    assert_int_equal(found, TRANSPORT_WSS);
    assert_false(transport_find(SLICE("unknown"), &found) || transport_find(SLICE(""), &found));
}

static void test_networks(void **state)
{
    (void)state;
    static const struct {
        const char *net, *inside, *outside;
    } rows[] = {
        {"192.0.2.0/24", "192.0.2.255", "192.0.3.0"},
        {"192.0.2.0/25", "192.0.2.127", "192.0.2.128"},
        {"192.0.2.128/25", "192.0.2.128", "192.0.2.127"},
        {"192.0.2.1/32", "192.0.2.1", "192.0.2.0"},
        {"192.0.2.1", "192.0.2.1", "192.0.2.2"},
        {"0.0.0.0/0", "203.0.113.9", "2001:db8::1"},
        {"::/0", "2001:db8::1", "203.0.113.9"},
        {"0.0.0.0/1", "127.255.255.255", "192.0.2.1"},
        {"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
        {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"},
        {"2001:db8::1/128", "2001:db8::1", "2001:db8::"},
        {"2001:db8::1", "2001:db8::1", "2001:db8::2"},
        {"[2001:db8::]/127", "2001:db8::1", "2001:db8::2"},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ip_net net;
        if (!ip_net_parse(slice_str(rows[i].net), &net))
            fail_msg("\"%s\" is a network", rows[i].net);
        struct ip_addr inside = ip(rows[i].inside), outside = ip(rows[i].outside);
        assert_true(ip_net_contains(&net, &inside));
        assert_true(ip_net_contains(&net, &net.ip));
        assert_false(ip_net_contains(&net, &outside));
    }
}

static void test_text_that_is_no_network(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "/",
        "/24",
        "192.0.2.0/",
        "192.0.2.0/33",
        "192.0.2.1/24",
        "192.0.2.128/24",
        "192.0.2.0/-1",
        "192.0.2.0/+24",
        "192.0.2.0/24/24",
        "192.0.2.0/ 24",
        "192.0.2.0/4294967320",
        "2001:db8::/129",
        "2001:db8::1/64",
        "2001:db8::/28",
        "example.com/24",
        "0.0.0.1/0",
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ip_net net = {.prefix = 99};
        bool parsed = ip_net_parse(slice_str(rows[i]), &net);
        if (parsed)
            fail_msg("\"%s\" is no network", rows[i]);
        assert_int_equal(net.prefix, 99);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_text_that_is_no_address),
        cmocka_unit_test(test_brackets_are_for_v6),
        cmocka_unit_test(test_from_octets),
        cmocka_unit_test(test_equality),
        cmocka_unit_test(test_endpoint_text),
        cmocka_unit_test(test_endpoint_read),
        cmocka_unit_test(test_transport_names),
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_text_that_is_no_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
