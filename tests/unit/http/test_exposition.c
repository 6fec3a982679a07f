/*
 * exposition: one registry with hostile values, and both formats of it to the octet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "http/exposition.h"

static const double bounds[] = {0.00005, 0.05, 1, 2.5, 100000, 1e6};

static const struct metric_desc info_desc = {.type = METRIC_INFO,
                                             .name = "sipspan_build",
                                             .help = "The program.",
                                             .labels = {"version", "compiler"}};
static const struct metric_desc requests_desc = {.type = METRIC_COUNTER,
                                                 .name = "sip_requests",
                                                 .help =
                                                     "Requests with a \"quote\", \\ and\nlines.",
                                                 .labels = {"method"}};
static const struct metric_desc bytes_desc = {
    .type = METRIC_COUNTER, .name = "rtp_received_bytes", .help = "Octets.", .unit = "bytes"};
static const struct metric_desc active_desc = {
    .type = METRIC_GAUGE, .name = "sip_calls_active", .help = "Calls now.", .labels = {"peer"}};
static const struct metric_desc delay_desc = {.type = METRIC_HISTOGRAM,
                                              .name = "sip_delay_seconds",
                                              .help = "Delays.",
                                              .unit = "seconds",
                                              .labels = {"peer"},
                                              .buckets = bounds,
                                              .bucket_count = 6};
static const struct metric_desc empty_desc = {
    .type = METRIC_GAUGE, .name = "sip_nothing", .help = "No series.", .labels = {"peer"}};

static struct metric *series1(struct metric_family *family, const char *value)
{
    return metric_series(family, &value);
}

static struct metrics *make_registry(void)
{
    struct metrics *metrics = metrics_create();
    metric_series(metrics_add(metrics, &info_desc), (const char *const[]){"0.1.0", "gcc \"12\""});
    struct metric_family *requests = metrics_add(metrics, &requests_desc);
    metric_add(series1(requests, "INVITE"), 3);
    metric_add(series1(requests, "a\"} 1\nevil{x=\"\\"), UINT64_C(18446744073709551615));
    series1(requests, "");
    metrics_add(metrics, &empty_desc);
    metric_add(metrics_add_single(metrics, &bytes_desc), 1500000);
    struct metric_family *active = metrics_add(metrics, &active_desc);
    metric_set(series1(active, "Z\xc3\xbcrich"), 2);
    metric_set(series1(active, "\xff\xc3(\xed\xa0\x80\xf0\x9f\x93"), 0.1 + 0.2);
    metric_set(series1(active, "inf"), -INFINITY);
    metric_set(series1(active, "nan"), NAN);
    struct metric *delay = series1(metrics_add(metrics, &delay_desc), "trunk");
    metric_observe(delay, 0.05);
    metric_observe(delay, 1.25);
    metric_observe(delay, 2000000);
    return metrics;
}

static void renders_as(enum exposition_format format, const char *expected)
{
    struct metrics *metrics = make_registry();
    struct buffer out = {0};
    exposition_put_metrics(&out, format, metrics);
    exposition_put_end(&out, format);
    assert_false(out.failed);
    buffer_put(&out, "", 1);
    assert_string_equal(out.text, expected);
    buffer_fini(&out);
    metrics_destroy(metrics);
}

static void renders_text(void **state)
{
    (void)state;
    renders_as(EXPOSITION_TEXT,
               "# HELP sipspan_build_info The program.\n"
               "# TYPE sipspan_build_info gauge\n"
               "sipspan_build_info{version=\"0.1.0\",compiler=\"gcc \\\"12\\\"\"} 1\n"
               "# HELP sip_requests_total Requests with a \"quote\", \\\\ and\\nlines.\n"
               "# TYPE sip_requests_total counter\n"
               "sip_requests_total{method=\"INVITE\"} 3\n"
               "sip_requests_total{method=\"a\\\"} 1\\nevil{x=\\\"\\\\\"} 18446744073709551615\n"
               "sip_requests_total{method=\"\"} 0\n"
               "# HELP rtp_received_bytes_total Octets.\n"
               "# TYPE rtp_received_bytes_total counter\n"
               "rtp_received_bytes_total 1500000\n"
               "# HELP sip_calls_active Calls now.\n"
               "# TYPE sip_calls_active gauge\n"
               "sip_calls_active{peer=\"Z\xc3\xbcrich\"} 2\n"
               "sip_calls_active{peer=\"\ufffd\ufffd(\ufffd\ufffd\ufffd\ufffd\"} "
               "0.30000000000000004\n"
               "sip_calls_active{peer=\"inf\"} -Inf\n"
               "sip_calls_active{peer=\"nan\"} NaN\n"
               "# HELP sip_delay_seconds Delays.\n"
               "# TYPE sip_delay_seconds histogram\n"
               "sip_delay_seconds_bucket{peer=\"trunk\",le=\"5e-05\"} 0\n"
               "sip_delay_seconds_bucket{peer=\"trunk\",le=\"0.05\"} 1\n"
               "sip_delay_seconds_bucket{peer=\"trunk\",le=\"1\"} 1\n"
               "sip_delay_seconds_bucket{peer=\"trunk\",le=\"2.5\"} 2\n"
               "sip_delay_seconds_bucket{peer=\"trunk\",le=\"100000\"} 2\n"
               "sip_delay_seconds_bucket{peer=\"trunk\",le=\"1e+06\"} 2\n"
               "sip_delay_seconds_bucket{peer=\"trunk\",le=\"+Inf\"} 3\n"
               "sip_delay_seconds_sum{peer=\"trunk\"} 2.0000013e+06\n"
               "sip_delay_seconds_count{peer=\"trunk\"} 3\n");
}

static void renders_openmetrics(void **state)
{
    (void)state;
    renders_as(EXPOSITION_OPENMETRICS,
               "# HELP sipspan_build The program.\n"
               "# TYPE sipspan_build info\n"
               "sipspan_build_info{version=\"0.1.0\",compiler=\"gcc \\\"12\\\"\"} 1\n"
               "# HELP sip_requests Requests with a \\\"quote\\\", \\\\ and\\nlines.\n"
               "# TYPE sip_requests counter\n"
               "sip_requests_total{method=\"INVITE\"} 3\n"
               "sip_requests_total{method=\"a\\\"} 1\\nevil{x=\\\"\\\\\"} 18446744073709551615\n"
               "sip_requests_total{method=\"\"} 0\n"
               "# HELP rtp_received_bytes Octets.\n"
               "# TYPE rtp_received_bytes counter\n"
               "# UNIT rtp_received_bytes bytes\n"
               "rtp_received_bytes_total 1500000\n"
               "# HELP sip_calls_active Calls now.\n"
               "# TYPE sip_calls_active gauge\n"
               "sip_calls_active{peer=\"Z\xc3\xbcrich\"} 2.0\n"
               "sip_calls_active{peer=\"\ufffd\ufffd(\ufffd\ufffd\ufffd\ufffd\"} "
               "0.30000000000000004\n"
               "sip_calls_active{peer=\"inf\"} -Inf\n"
               "sip_calls_active{peer=\"nan\"} NaN\n"
               "# HELP sip_delay_seconds Delays.\n"
               "# TYPE sip_delay_seconds histogram\n"
               "# UNIT sip_delay_seconds seconds\n"
               "sip_delay_seconds_bucket{peer=\"trunk\",le=\"5e-05\"} 0\n"
               "sip_delay_seconds_bucket{peer=\"trunk\",le=\"0.05\"} 1\n"
               "sip_delay_seconds_bucket{peer=\"trunk\",le=\"1.0\"} 1\n"
               "sip_delay_seconds_bucket{peer=\"trunk\",le=\"2.5\"} 2\n"
               "sip_delay_seconds_bucket{peer=\"trunk\",le=\"100000.0\"} 2\n"
               "sip_delay_seconds_bucket{peer=\"trunk\",le=\"1e+06\"} 2\n"
               "sip_delay_seconds_bucket{peer=\"trunk\",le=\"+Inf\"} 3\n"
               "sip_delay_seconds_sum{peer=\"trunk\"} 2.0000013e+06\n"
               "sip_delay_seconds_count{peer=\"trunk\"} 3\n"
               "# EOF\n");
}

static void renders_single_values(void **state)
{
    (void)state;
    static const struct metric_desc cpu = {
        .type = METRIC_COUNTER, .name = "process_cpu_seconds", .help = "Time.", .unit = "seconds"};
    struct buffer out = {0};
    exposition_put_value(&out, EXPOSITION_TEXT, &cpu, 0.000123);
    exposition_put_value(&out, EXPOSITION_OPENMETRICS, &cpu, 123456.5);
    buffer_put(&out, "", 1);
    assert_string_equal(out.text, "# HELP process_cpu_seconds_total Time.\n"
                                  "# TYPE process_cpu_seconds_total counter\n"
                                  "process_cpu_seconds_total 0.000123\n"
                                  "# HELP process_cpu_seconds Time.\n"
                                  "# TYPE process_cpu_seconds counter\n"
                                  "# UNIT process_cpu_seconds seconds\n"
                                  "process_cpu_seconds_total 123456.5\n");
    buffer_fini(&out);
}

/* Every number reads back as the double that it was. */
static void numbers_read_back(void **state)
{
    (void)state;
    static const struct metric_desc desc = {.type = METRIC_GAUGE, .name = "n", .help = "N."};
    const double values[] = {0,        -0.0,   1.0 / 3, 5e-324, 1.7976931348623157e308, 1e-5,
                             9.9999e5, 999999, 1e6 - 1, 0.0001, 123456.78901234567};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        for (int format = EXPOSITION_TEXT; format <= EXPOSITION_OPENMETRICS; format++) {
            struct buffer out = {0};
            exposition_put_value(&out, (enum exposition_format)format, &desc, values[i]);
            buffer_put(&out, "", 1);
            double back = strtod(strstr(out.text, "\nn ") + 3, NULL);
            assert_memory_equal(&back, &values[i], sizeof back);
            buffer_fini(&out);
        }
}

static bool has_program(const char *name)
{
    char command[64];
    snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", name);
    return system(command) == 0;
}

static void promtool_finds_nothing(void **state)
{
    (void)state;
    if (!has_program("promtool"))
        skip();
    struct metrics *metrics = make_registry();
    struct buffer out = {0};
    exposition_put_metrics(&out, EXPOSITION_TEXT, metrics);
    FILE *promtool = popen("promtool check metrics", "w");
    assert_non_null(promtool);
    assert_int_equal(fwrite(out.text, 1, out.len, promtool), out.len);
    assert_int_equal(pclose(promtool), 0);
    buffer_fini(&out);
    metrics_destroy(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renders_text),           cmocka_unit_test(renders_openmetrics),
        cmocka_unit_test(renders_single_values),  cmocka_unit_test(numbers_read_back),
        cmocka_unit_test(promtool_finds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
