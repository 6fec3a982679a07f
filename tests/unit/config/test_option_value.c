#include "load.h"

#include <errno.h>

#include "config/option_value.h"
#include "config/options.h"

static const struct option_spec *find(const char *key)
{
    const struct option_spec *option = options_find(slice_str(key));
    assert_non_null(option);
    return option;
}

static void accepts_number(const char *key, const char *text, uint64_t expected)
{
    struct option_value value;
    if (option_value_parse(find(key), slice_str(text), &value) != 0)
        fail_msg("%s: '%s' was refused", key, text);
    assert_null(value.string);
    assert_int_equal(value.number, expected);
}

static void accepts_string(const char *key, const char *text, const char *expected)
{
    struct option_value value;
    if (option_value_parse(find(key), slice_str(text), &value) != 0)
        fail_msg("%s: '%s' was refused", key, text);
    assert_string_equal(value.string, expected);
    free(value.string);
}

static void refuses_slice(const char *key, struct slice text)
{
    struct option_value value = {.number = 77};
    if (option_value_parse(find(key), text, &value) != -EINVAL)
        fail_msg("%s: '%.*s' was taken", key, SLICE_ARGS(text));
    assert_int_equal(value.number, 77);
    assert_null(value.string);
}

static void refuses(const char *key, const char *text)
{
    refuses_slice(key, slice_str(text));
}

static void test_integer(void **state)
{
    (void)state;
    accepts_number("workers", "1", 1);
    accepts_number("workers", "64", 64);
    accepts_number("snap_len", "256", 256);
    accepts_number("snap_len", "262144", 262144);
    static const char *const bad[] = {"0",  "65",  "",    "-1", "+1",   "1.5",
                                      " 1", "0x4", "one", "2 ", "1KiB", "18446744073709551617"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refuses("workers", bad[i]);
    refuses("snap_len", "255");
    refuses("snap_len", "262145");
}

static void test_size(void **state)
{
    (void)state;
    accepts_number("memory_limit", "48MiB", 48ULL << 20);
    accepts_number("memory_limit", "50331648", 48ULL << 20);
    accepts_number("memory_limit", "49152KiB", 48ULL << 20);
    accepts_number("memory_limit", "2 GiB", 2ULL << 30);
    accepts_number("memory_limit", "1TiB", 1ULL << 40);
    accepts_number("memory_limit", "1024GiB", 1ULL << 40);
    accepts_number("buffer", "1MiB", 1ULL << 20);
    accepts_number("buffer", "4GiB", 4ULL << 30);
    refuses("memory_limit", "33554431");
    refuses("memory_limit", "1099511627777");
    refuses("memory_limit", "1025GiB");
    refuses("buffer", "1023KiB");
    refuses("buffer", "5GiB");
    static const char *const bad[] = {"MiB", "64 ", "64MB", "64M", "64mib", "1.5GiB", "64  MiB",
                                      "64MiB ", "-64MiB",
                                      /* 2^64 and 2^44 TiB + 1 TiB: neither may wrap */
                                      "18446744073709551616", "17592186044417TiB", "16777217TiB"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refuses("memory_limit", bad[i]);
}

static void test_duration(void **state)
{
    (void)state;
    accepts_number("timer_b", "1s", 1000000000);
    accepts_number("timer_b", "1000ms", 1000000000);
    accepts_number("timer_b", "32500ms", 32500000000);
    accepts_number("timer_b", "10m", 600000000000);
    accepts_number("call_idle_timeout", "24h", 86400000000000);
    accepts_number("call_idle_timeout", "60s", 60000000000);
    refuses("timer_b", "999ms");
    refuses("timer_b", "601s");
    refuses("call_idle_timeout", "59s");
    refuses("call_idle_timeout", "25h");
    static const char *const bad[] = {"32", "s", "32sec", "32S", "", "1h1m", "5124095577h"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refuses("timer_b", bad[i]);
}

/* In millionths. */
static void test_share(void **state)
{
    (void)state;
    accepts_number("rtp_loss_threshold", "1%", 10000);
    accepts_number("rtp_loss_threshold", "1 %", 10000);
    accepts_number("rtp_loss_threshold", "0.01", 10000);
    accepts_number("rtp_loss_threshold", "0.5%", 5000);
    accepts_number("rtp_loss_threshold", "0.005", 5000);
    accepts_number("rtp_loss_threshold", "0.0100%", 100);
    accepts_number("rtp_loss_threshold", "0.000100", 100);
    accepts_number("rtp_loss_threshold", "0.999999", 999999);
    accepts_number("rtp_loss_threshold", "12.3456%", 123456);
    accepts_number("rtp_loss_threshold", "100%", 1000000);
    accepts_number("rtp_loss_threshold", "100.0000%", 1000000);
    static const char *const bad[] = {
        "1",        "1.0",       "5", /* a share or a percentage? */
        "0",        "0%",        "0.0",       "0.000099",
        "0.0099%",  "100.0001%", "101%",      "100000000000000000001%",
        "",         "%",         " %",        ".",
        ".5",       ".5%",       "0.",        "1.%",
        "1..0%",    "1,5%",      "-1%",       "+1%",
        " 1%",      "1% ",       "1  %",      "1%%",
        "1e-2",     "nan",       "0.0000001", "0.1234567",
        "0.00001%", "one"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refuses("rtp_loss_threshold", bad[i]);
    struct option_value value;
    assert_int_equal(option_value_parse(find("rtp_loss_threshold"), SLICE("2.5%"), &value), 0);
    assert_true(option_value_share(&value) == 0.025);
}

static void test_media_durations(void **state)
{
    (void)state;
    accepts_number("rtp_interval", "1s", 1000000000);
    accepts_number("rtp_interval", "10m", 600000000000);
    refuses("rtp_interval", "999ms");
    refuses("rtp_interval", "601s");
    refuses("rtp_interval", "10");
    accepts_number("rtp_jitter_threshold", "1ms", 1000000);
    accepts_number("rtp_latency_threshold", "10s", 10000000000);
    refuses("rtp_jitter_threshold", "0ms");
    refuses("rtp_latency_threshold", "10001ms");
    accepts_number("g711_concealment", "off", 0);
}

static void test_bool_and_choice(void **state)
{
    (void)state;
    accepts_number("promiscuous", "true", 1);
    accepts_number("promiscuous", "Yes", 1);
    accepts_number("promiscuous", "on", 1);
    accepts_number("promiscuous", "false", 0);
    accepts_number("promiscuous", "no", 0);
    accepts_number("promiscuous", "off", 0);
    refuses("promiscuous", "1");
    refuses("promiscuous", "");
    accepts_number("report", "text", REPORT_TEXT);
    accepts_number("report", "json", REPORT_JSON);
    accepts_number("report", "none", REPORT_NONE);
    accepts_number("log_level", "debug", 3);
    refuses("report", "JSON");
    refuses("report", "tex");
    refuses("report", "");
}

static void test_strings(void **state)
{
    (void)state;
    char name[66];
    memset(name, 'n', 65);
    name[65] = 0;
    refuses("sensor_id", name);
    name[64] = 0;
    accepts_string("sensor_id", name, name);
    accepts_string("sensor_id", "Sensor_1.example-net", "Sensor_1.example-net");
    refuses("sensor_id", "");
    refuses("sensor_id", "a b");
    refuses("sensor_id", "a/b");
    refuses("sensor_id", "s\xc3\xa9");
    accepts_string("events", "-", "-");
    accepts_string("events", "a, b/c.ndjson", "a, b/c.ndjson");
    refuses("events", "");
    refuses_slice("events", slice_of("a\0b", 3));
    accepts_string("filter", "udp\n and port 5060", "udp\n and port 5060");
    refuses("filter", "udp\x1b[2J");
    refuses_slice("filter", slice_of("udp\0", 4));
    accepts_string("read", "a.pcap", "a.pcap");
    refuses("read", "");
}

static void test_address(void **state)
{
    (void)state;
    accepts_string("listen", "off", "");
    accepts_string("listen", "127.0.0.1:9160", "127.0.0.1:9160");
    accepts_string("listen", "0.0.0.0:0", "0.0.0.0:0");
    accepts_string("listen", "[2001:DB8:0::1]:65535", "[2001:db8::1]:65535");
    static const char *const bad[] = {"",
                                      "9160",
                                      ":9160",
                                      "*:9160",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      "127.0.0.1:65536",
                                      "127.0.0.1:-1",
                                      "127.0.0.1:http",
                                      "[127.0.0.1]:9160",
                                      "2001:db8::1:9160",
                                      "[2001:db8::1]",
                                      "[2001:db8::1:9160",
                                      "example.com:9160",
                                      "Off"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refuses("listen", bad[i]);
}

static void test_expected(void **state)
{
    (void)state;
    char buf[OPTION_EXPECTED_MAX];
    assert_string_equal(option_value_range(find("memory_limit"), buf), "48MiB to 1TiB");
    assert_string_equal(option_value_range(find("timer_b"), buf), "1s to 10m");
    assert_string_equal(option_value_range(find("call_idle_timeout"), buf), "1m to 24h");
    assert_string_equal(option_value_range(find("workers"), buf), "1 to 64");
    assert_string_equal(option_value_range(find("rtp_loss_threshold"), buf), "0.01% to 100%");
    assert_string_equal(option_value_expected(find("rtp_loss_threshold"), buf),
                        "a share from 0.01% to 100%, as 1% or 0.01");
    assert_string_equal(option_value_range(find("events"), buf), "");
    assert_string_equal(option_value_expected(find("report"), buf), "text, json or none");
    assert_has(option_value_expected(find("memory_limit"), buf), "48MiB to 1TiB");
    assert_has(option_value_expected(find("memory_limit"), buf), "GiB or TiB");
    assert_has(option_value_expected(find("snap_len"), buf), "256 to 262144, in bytes");
}

static void test_quote(void **state)
{
    (void)state;
    char buf[OPTION_QUOTE_MAX];
    char text[80];
    memset(text, 'x', sizeof text);
    assert_string_equal(option_value_quote(SLICE("a\033[1m\n\xc2\x9b"), buf), "a?[1m???");
    assert_string_equal(option_value_quote(SLICE_NONE, buf), "");
    for (size_t len = 55; len < sizeof text; len++) {
        option_value_quote(slice_of(text, len), buf);
        assert_int_equal(strlen(buf), len < OPTION_QUOTE_MAX ? len : OPTION_QUOTE_MAX - 1);
        assert_true((strstr(buf, "...") != NULL) == (len >= OPTION_QUOTE_MAX));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integer),         cmocka_unit_test(test_size),
        cmocka_unit_test(test_duration),        cmocka_unit_test(test_share),
        cmocka_unit_test(test_media_durations), cmocka_unit_test(test_bool_and_choice),
        cmocka_unit_test(test_strings),         cmocka_unit_test(test_address),
        cmocka_unit_test(test_expected),        cmocka_unit_test(test_quote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
