#include "load.h"

static void refuses_load(struct load load, const char *what)
{
    assert_int_equal(load.action, CONFIG_EXIT_USAGE);
    assert_has(load.err, what);
    assert_has(load.err, "try 'sipspan --help'");
    assert_string_equal(load.out, "");
    load_free(&load);
}

#define REFUSES(what, ...) refuses_load(LOAD(__VA_ARGS__), what)

static void test_options(void **state)
{
    (void)state;
    struct load l = LOAD("-r", "a.pcap", "--read", "b.pcap", "--read=-", "--events", "-",
                         "--report", "none", "--workers=2", "--listen", "[::1]:9160", "--sensor-id",
                         "s1", "--memory-limit", "64MiB", "--timer-b", "8s", "--call-idle-timeout",
                         "5m", "--snap-len", "1000", "--buffer", "1MiB", "--promiscuous", "false",
                         "--user", "root", "--log-level", "error");
    assert_string_equal(l.err, "");
    assert_int_equal(l.action, CONFIG_RUN);
    assert_int_equal(l.config.read.count, 3);
    assert_string_equal(l.config.read.item[0], "a.pcap");
    assert_string_equal(l.config.read.item[1], "b.pcap");
    assert_string_equal(l.config.read.item[2], "-");
    assert_string_equal(l.config.events, "-");
    assert_int_equal(l.config.report, REPORT_NONE);
    assert_int_equal(l.config.workers, 2);
    assert_string_equal(l.config.listen, "[::1]:9160");
    assert_string_equal(l.config.sensor_id, "s1");
    assert_int_equal(l.config.memory_limit, 64 << 20);
    assert_int_equal(l.config.timer_b_ns, 8000000000);
    assert_int_equal(l.config.call_idle_timeout_ns, 300000000000);
    assert_int_equal(l.config.snap_len, 1000);
    assert_int_equal(l.config.buffer_bytes, 1 << 20);
    assert_false(l.config.promiscuous);
    assert_string_equal(l.config.user, "root");
    assert_int_equal(l.config.log_level, 0);
    assert_null(l.config.filter);
    load_free(&l);
}

static void test_ports(void **state)
{
    (void)state;
    struct load l = LOAD("-r", "a", "--sip-ports", "5070", "--sip-ports", "8088");
    assert_int_equal(l.config.sip_ports.count, 2);
    assert_int_equal(l.config.sip_ports.item[1], 8088);
    load_free(&l);
    REFUSES("sipspan: --sip-ports: 'sip' is not valid", "-r", "a", "--sip-ports", "sip");
}

static void test_filter(void **state)
{
    (void)state;
    struct load l = LOAD("-i", "eth1", "udp", "port", "5060");
    assert_int_equal(l.action, CONFIG_RUN);
    assert_string_equal(l.config.filter, "udp port 5060");
    assert_string_equal(l.config.interface.item[0], "eth1");
    load_free(&l);
    l = LOAD("udp port 5060", "-r", "a", "--", "and", "-x");
    assert_string_equal(l.config.filter, "udp port 5060 and -x");
    load_free(&l);
    REFUSES("sipspan: FILTER: '' is not valid", "-r", "a", "");
    REFUSES("sipspan: FILTER: 'udp ?[2J' is not valid", "-r", "a", "udp", "\033[2J");
}

static void test_last_one_counts(void **state)
{
    (void)state;
    struct load l =
        LOAD("-r", "a", "--report", "json", "--events", "x", "--report", "none", "--events", "y");
    assert_int_equal(l.config.report, REPORT_NONE);
    assert_string_equal(l.config.events, "y");
    load_free(&l);
}

static void test_misuse(void **state)
{
    (void)state;
    REFUSES("sipspan: no option '--memry-limit'; did you mean '--memory-limit'?\n",
            "--memry-limit=1");
    REFUSES("sipspan: no option '--homer'\n", "--homer");
    REFUSES("sipspan: no option '--re'", "--re", "a");
    REFUSES("sipspan: no option '--peers'", "--peers", "a");
    REFUSES("sipspan: no option '--filter'", "--filter", "a");
    REFUSES("sipspan: no option '-x'\n", "-r", "a", "-x");
    REFUSES("sipspan: no option '-?'\n", "-\033");
    REFUSES("sipspan: --read: give a value: expected FILE\n", "-r");
    REFUSES("sipspan: --events: give a value: expected FILE\n", "-r", "a", "--events");
    REFUSES("sipspan: --report: give a value: expected text|json|none\n", "--report");
    REFUSES("sipspan: --check-config takes no value\n", "--check-config=yes");
    REFUSES("sipspan: --workers: '65' is not valid: expected a whole number from 1 to 64\n", "-r",
            "a", "--workers", "65");
    REFUSES("sipspan: --read: '' is not valid", "--read=");
    REFUSES("sipspan: --report: 'xml' is not valid: expected text, json or none\n", "--report",
            "xml");
}

static void test_one_line_for_misuse(void **state)
{
    (void)state;
    struct load l = LOAD("--workers", "0", "--report", "xml");
    assert_string_equal(l.err,
                        "sipspan: --workers: '0' is not valid: expected a whole number from 1 to "
                        "64\ntry 'sipspan --help'\n");
    load_free(&l);
}

static void test_no_input(void **state)
{
    (void)state;
    REFUSES("give -r FILE to read a capture, or -i DEV", "--report", "json");
    struct load l = load_with(NULL, (const char *const[]){NULL});
    refuses_load(l, "give -r FILE");
    REFUSES("sipspan: -r (read) and -i (interface) exclude one another", "-r", "a", "-i", "eth1");
}

static void test_no_program_name(void **state)
{
    (void)state;
    struct config config;
    char *argv[] = {NULL};
    FILE *null = fopen("/dev/null", "w");
    assert_non_null(null);
    assert_int_equal(config_load(&config, 0, argv, NULL, "v", null, null), CONFIG_EXIT_USAGE);
    config_fini(&config);
    fclose(null);
}

static void test_help_and_version(void **state)
{
    (void)state;
    struct load l = LOAD("-r", "a", "--version");
    assert_int_equal(l.action, CONFIG_EXIT_OK);
    assert_string_equal(l.out, "sipspan 1.2.3\nlibx 4\n");
    assert_string_equal(l.err, "");
    load_free(&l);
    l = LOAD("-V");
    assert_int_equal(l.action, CONFIG_EXIT_OK);
    load_free(&l);
    l = LOAD("--help");
    assert_int_equal(l.action, CONFIG_EXIT_OK);
    assert_has(l.out, "Usage: sipspan");
    assert_string_equal(l.err, "");
    load_free(&l);
    l = LOAD("-Vh");
    assert_has(l.out, "1.2.3");
    load_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_ports),
        cmocka_unit_test(test_filter),
        cmocka_unit_test(test_last_one_counts),
        cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_one_line_for_misuse),
        cmocka_unit_test(test_no_input),
        cmocka_unit_test(test_no_program_name),
        cmocka_unit_test(test_help_and_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
