/* Numbers, times and addresses as text, against what the C library writes. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "event/format.h"

#define S    INT64_C(1000000000)
#define NOON (INT64_C(1769860800) * S) /* 2026-01-31T12:00:00Z */

enum { ROUNDS = 200000 };

/* xorshift64*: the same numbers in every run. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

/* NUL-terminated. */
static const char *unsigned_text(uint64_t value)
{
    static char text[FORMAT_MAX + 1];
    *format_unsigned(value, text) = 0;
    return text;
}

static const char *millionths_text(int64_t value)
{
    static char text[FORMAT_MAX + 1];
    *format_millionths(value, text) = 0;
    return text;
}

static const char *ip_text(const struct ip_addr *ip)
{
    static char text[FORMAT_MAX + 1];
    *format_ip(ip, text) = 0;
    return text;
}

static void test_unsigned(void **state)
{
    char want[32];
    uint64_t random = 1;
    (void)state;
    assert_string_equal(unsigned_text(0), "0");
    assert_string_equal(unsigned_text(UINT64_MAX), "18446744073709551615");
    for (uint64_t power = 1; power <= UINT64_MAX / 10; power *= 10) /* where a digit is added */
        for (uint64_t value = power - 1; value <= power + 1; value++) {
            snprintf(want, sizeof want, "%" PRIu64, value);
            assert_string_equal(unsigned_text(value), want);
        }
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t value = next_random(&random) >> (i % 64);
        snprintf(want, sizeof want, "%" PRIu64, value);
        assert_string_equal(unsigned_text(value), want);
    }
}

static void test_millionths(void **state)
{
    uint64_t random = 2;
    (void)state;
    assert_string_equal(millionths_text(0), "0.0");
    assert_string_equal(millionths_text(1), "0.000001");
    assert_string_equal(millionths_text(-1), "-0.000001");
    assert_string_equal(millionths_text(100000), "0.1");
    assert_string_equal(millionths_text(123456), "0.123456");
    assert_string_equal(millionths_text(1000000), "1.0");
    assert_string_equal(millionths_text(1500000), "1.5");
    assert_string_equal(millionths_text(INT64_C(32000000000)), "32000.0");
    assert_string_equal(millionths_text(INT64_C(8000123456)), "8000.123456");
    assert_string_equal(millionths_text(INT64_MAX), "9223372036854.775807");
    assert_string_equal(millionths_text(INT64_MIN), "-9223372036854.775808");
    for (int i = 0; i < ROUNDS; i++) {
        char want[40];
        uint64_t value = next_random(&random) >> (1 + i % 63);
        if (i % 3 == 0)
            value -= value % 1000; /* zeros to cut */
        int len =
            snprintf(want, sizeof want, "%" PRIu64 ".%06" PRIu64, value / 1000000, value % 1000000);
        while (want[len - 1] == '0' && want[len - 2] != '.')
            want[--len] = 0;
        assert_string_equal(millionths_text((int64_t)value), want);
    }
}

static void test_ipv4(void **state)
{
    char want[INET_ADDRSTRLEN];
    (void)state;
    for (unsigned octet = 0; octet < 256; octet++) {
        uint8_t octets[4] = {192, (uint8_t)octet, (uint8_t)(255 - octet), (uint8_t)octet};
        struct ip_addr ip = ip_from_v4(octets);
        inet_ntop(AF_INET, octets, want, sizeof want);
        assert_string_equal(ip_text(&ip), want);
    }
}

static void assert_ipv6(const uint8_t octets[16])
{
    char want[INET6_ADDRSTRLEN];
    struct ip_addr ip = ip_from_v6(octets);
    inet_ntop(AF_INET6, octets, want, sizeof want);
    assert_string_equal(ip_text(&ip), want);
}

/* Every pattern of groups that are zero, one, or large: RFC 5952 section 4.2 with its ties. */
static void test_ipv6(void **state)
{
    const unsigned kinds[] = {0, 1, 0xffff};
    uint64_t random = 3;
    (void)state;
    for (unsigned pattern = 0; pattern < 6561; pattern++) {
        uint8_t octets[16];
        for (unsigned i = 0, rest = pattern; i < 8; i++, rest /= 3) {
            octets[2 * i] = (uint8_t)(kinds[rest % 3] >> 8);
            octets[2 * i + 1] = (uint8_t)kinds[rest % 3];
        }
        assert_ipv6(octets);
    }
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t halves[2] = {next_random(&random) & next_random(&random),
                              next_random(&random) >> (i % 64)};
        uint8_t octets[16];
        memcpy(octets, halves, sizeof octets);
        assert_ipv6(octets);
    }
}

static void test_longest_fits(void **state)
{
    uint8_t octets[16];
    char text[FORMAT_MAX];
    (void)state;
    memset(octets, 0xfe, sizeof octets);
    struct ip_addr ip = ip_from_v6(octets);
    assert_true(format_ip(&ip, text) <= text + sizeof text);
    assert_true(format_millionths(INT64_MIN, text) <= text + sizeof text);
}

static void assert_time(int64_t time_ns, const char *want)
{
    char buf[RFC3339_TEXT_MAX];
    assert_ptr_equal(rfc3339_format(time_ns, buf), buf);
    assert_string_equal(buf, want);
}

/* The length is a promise. */
static void test_rfc3339(void **state)
{
    (void)state;
    assert_time(0, "1970-01-01T00:00:00.000000Z");
    assert_time(1, "1970-01-01T00:00:00.000000Z");
    assert_time(999, "1970-01-01T00:00:00.000000Z"); /* down, so that no time is before its cause */
    assert_time(1000, "1970-01-01T00:00:00.000001Z");
    assert_time(S - 1, "1970-01-01T00:00:00.999999Z");
    assert_time(-1, "1969-12-31T23:59:59.999999Z");
    assert_time(-S, "1969-12-31T23:59:59.000000Z");
    assert_time(-S - 1000, "1969-12-31T23:59:58.999999Z");
    assert_time(NOON + 123456789, "2026-01-31T12:00:00.123456Z");
    assert_time(INT64_C(951782400) * S, "2000-02-29T00:00:00.000000Z");
    assert_time(INT64_C(4294967295) * S,
                "2106-02-07T06:28:15.000000Z"); /* the last of a pcap's seconds */
    assert_time(INT64_MAX, "2262-04-11T23:47:16.854775Z");
    assert_time(INT64_MIN + 1, "1677-09-21T00:12:43.145224Z");
}

/* Every day that 64 bits of ns can name. */
static void test_rfc3339_calendar(void **state)
{
    const int64_t day_s = 86400;
    uint64_t random = 4;
    (void)state;
    for (int64_t day = INT64_MIN / S / day_s; day <= INT64_MAX / S / day_s; day++) {
        time_t seconds = (time_t)(day * day_s + (int64_t)(next_random(&random) % 86400));
        struct tm tm;
        char want[RFC3339_TEXT_MAX];
        if (seconds < INT64_MIN / S || seconds >= INT64_MAX / S)
            continue;
        gmtime_r(&seconds, &tm);
        size_t n = strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(want + n, sizeof want - n, ".000001Z");
        assert_time(seconds * S + 1000, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unsigned),
        cmocka_unit_test(test_millionths),
        cmocka_unit_test(test_ipv4),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_longest_fits),
        cmocka_unit_test(test_rfc3339),
        cmocka_unit_test(test_rfc3339_calendar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
