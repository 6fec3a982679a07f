#include "load.h"

static void test_defaults(void **state)
{
    (void)state;
    struct load l = LOAD("-r", "a");
    assert_int_equal(l.action, CONFIG_RUN);
    assert_string_equal(l.err, "");
    assert_string_equal(l.out, "");
    assert_int_equal(l.config.interface.count, 0);
    assert_null(l.config.filter);
    assert_null(l.config.events);
    assert_int_equal(l.config.report, REPORT_TEXT);
    assert_int_equal(l.config.workers, 0);
    assert_null(l.config.listen);
    assert_string_equal(l.config.user, "nobody");
    assert_int_equal(l.config.buffer_bytes, 64 << 20);
    assert_int_equal(l.config.snap_len, 65535);
    assert_true(l.config.promiscuous);
    assert_int_equal(l.config.memory_limit, 1 << 30);
    assert_int_equal(l.config.timer_b_ns, 32000000000);
    assert_int_equal(l.config.call_idle_timeout_ns, 7200000000000);
    assert_int_equal(l.config.log_level, 2);
    assert_int_equal(l.config.rtp_interval_ns, 10000000000);
    assert_int_equal(l.config.rtp_jitter_threshold_ns, 30000000);
    assert_int_equal(l.config.rtp_latency_threshold_ns, 150000000);
    assert_true(l.config.rtp_loss_threshold == 0.01);
    assert_true(l.config.g711_concealment);
    assert_int_equal(l.config.peer_count, 0);
    load_free(&l);
}

static void test_sensor_id_is_the_host_name(void **state)
{
    (void)state;
    char name[65] = "";
    gethostname(name, sizeof name - 1);
    struct load l = LOAD("-r", "a");
    assert_non_null(l.config.sensor_id);
    assert_int_equal(strlen(l.config.sensor_id), name[0] ? strlen(name) : strlen("sensor"));
    load_free(&l);
}

static void test_precedence(void **state)
{
    (void)state;
    char path[32];
    const char *const env[] = {"SIPSPAN_WORKERS=3", "SIPSPAN_REPORT=json", "HOME=/", NULL};
    load_write_file(path, "workers: 2\nreport: none\nevents: file.ndjson\n");
    struct load l = LOAD_ENV(env, "-c", path, "-r", "a", "--workers", "4");
    assert_string_equal(l.err, "");
    assert_int_equal(l.config.workers, 4);
    assert_int_equal(l.config.report, REPORT_JSON);
    assert_string_equal(l.config.events, "file.ndjson");
    assert_int_equal(l.config.snap_len, 65535);
    load_free(&l);
    l = LOAD_ENV(env, "-r", "a", "-c", path);
    assert_int_equal(l.config.workers, 3);
    load_free(&l);
    l = LOAD("-r", "a", "-c", path);
    assert_int_equal(l.config.workers, 2);
    assert_int_equal(l.config.report, REPORT_NONE);
    load_free(&l);
    unlink(path);
}

static void test_stronger_list_replaces(void **state)
{
    (void)state;
    char path[32];
    const char *const env[] = {"SIPSPAN_READ=c,d", NULL};
    load_write_file(path, "read: [e, f, g]\n");
    struct load l = LOAD_ENV(env, "-c", path);
    assert_int_equal(l.action, CONFIG_RUN);
    assert_int_equal(l.config.read.count, 2);
    assert_string_equal(l.config.read.item[0], "c");
    assert_string_equal(l.config.read.item[1], "d");
    load_free(&l);
    l = LOAD_ENV(env, "-c", path, "-r", "a");
    assert_int_equal(l.config.read.count, 1);
    assert_string_equal(l.config.read.item[0], "a");
    load_free(&l);
    unlink(path);
}

static void test_read_or_interface(void **state)
{
    (void)state;
    char path[32];
    load_write_file(path, "interface: eth1\n");
    struct load l = LOAD("-c", path, "-r", "a");
    assert_int_equal(l.action, CONFIG_RUN);
    assert_int_equal(l.config.read.count, 1);
    assert_int_equal(l.config.interface.count, 0);
    load_free(&l);
    l = LOAD("-c", path);
    assert_int_equal(l.action, CONFIG_RUN);
    assert_string_equal(l.config.interface.item[0], "eth1");
    load_free(&l);
    unlink(path);
    load_write_file(path, "read: a\n");
    l = LOAD("-c", path, "-i", "eth1");
    assert_int_equal(l.config.read.count, 0);
    assert_int_equal(l.config.interface.count, 1);
    load_free(&l);
    unlink(path);
    load_write_file(path, "read: a\ninterface: eth1\n");
    l = LOAD("-c", path);
    assert_int_equal(l.action, CONFIG_EXIT_USAGE);
    assert_has(l.err, path);
    assert_has(l.err, "exclude one another");
    load_free(&l);
    unlink(path);
}

/* HEP is live, with a device or without; a capture has a clock of its own. */
static void test_hep(void **state)
{
    (void)state;
    struct load l = LOAD("--hep", "127.0.0.1:9060", "--hep", "[::1]:9060");
    assert_int_equal(l.action, CONFIG_RUN);
    assert_int_equal(l.config.hep.count, 2);
    assert_string_equal(l.config.hep.item[1], "[::1]:9060");
    uint64_t with = config_fixed_memory(&l.config);
    l.config.hep.count = 0;
    assert_true(with > config_fixed_memory(&l.config));
    l.config.hep.count = 2;
    load_free(&l);
    l = LOAD("--hep", "127.0.0.1:9060", "-i", "eth1");
    assert_int_equal(l.action, CONFIG_RUN);
    load_free(&l);
    l = LOAD("--hep", "127.0.0.1:9060", "-r", "a");
    assert_int_equal(l.action, CONFIG_EXIT_USAGE);
    assert_has(l.err, "-r (read) and --hep exclude one another");
    load_free(&l);
    /* A key is for no command line. */
    l = LOAD("--hep-key", "secret", "--hep", "127.0.0.1:9060");
    assert_int_equal(l.action, CONFIG_EXIT_USAGE);
    load_free(&l);
    char path[32];
    load_write_file(path, "hep: 127.0.0.1:9060\nhep_key: secret\n");
    l = LOAD("-c", path);
    assert_int_equal(l.action, CONFIG_RUN);
    assert_string_equal(l.config.hep_key, "secret");
    load_free(&l);
    l = LOAD("-c", path, "-r", "a");
    assert_int_equal(l.action, CONFIG_RUN);
    assert_int_equal(l.config.hep.count, 0);
    load_free(&l);
    unlink(path);
}

static void test_environment(void **state)
{
    (void)state;
    const char *const bad[] = {"SIPSPAN_WORKERS=99", "SIPSPAN_REPORT=xml", NULL};
    struct load l = LOAD_ENV(bad, "-r", "a");
    assert_int_equal(l.action, CONFIG_EXIT_USAGE);
    assert_has(l.err,
               "sipspan: SIPSPAN_WORKERS: '99' is not valid: expected a whole number from 1 to 64");
    assert_has(l.err, "sipspan: SIPSPAN_REPORT: 'xml'");
    load_free(&l);
    /* It is checked even where the command line wins. */
    l = LOAD_ENV(bad, "-r", "a", "--workers", "1", "--report", "json");
    assert_int_equal(l.action, CONFIG_EXIT_USAGE);
    load_free(&l);
    const char *const empty[] = {"SIPSPAN_WORKERS=", "SIPSPAN_READ=", NULL};
    l = LOAD_ENV(empty, "-r", "a");
    assert_int_equal(l.action, CONFIG_RUN);
    assert_int_equal(l.config.workers, 0);
    load_free(&l);
    const char *const hole[] = {"SIPSPAN_READ=a,,b", NULL};
    l = LOAD_ENV(hole, "--check-config");
    assert_int_equal(l.action, CONFIG_EXIT_USAGE);
    assert_has(l.err, "SIPSPAN_READ: '' is not valid");
    load_free(&l);
}

/* Too short, too long, cut by a control character: whatever is wrong with it. */
static void test_secrets_are_not_repeated(void **state)
{
    (void)state;
    static const char *const keys[] = {"redis_password", "redis_secret", "hep_key", "hep_to_key"};
    static const char *const names[] = {"REDIS_PASSWORD", "REDIS_SECRET", "HEP_KEY", "HEP_TO_KEY"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char text[512], path[32];
        snprintf(text, sizeof text, "%s: \"hush%0300d\"\n", keys[i], 0);
        load_write_file(path, text);
        struct load l = LOAD("-c", path, "-r", "a");
        assert_int_equal(l.action, CONFIG_EXIT_USAGE);
        assert_has(l.err, keys[i]);
        assert_has(l.err, "its value is not valid: expected a text of ");
        assert_has_not(l.err, "hush");
        load_free(&l);
        unlink(path);
        snprintf(text, sizeof text, "SIPSPAN_%s=hush\001", names[i]);
        const char *const variables[] = {text, NULL};
        l = LOAD_ENV(variables, "-r", "a");
        assert_int_equal(l.action, CONFIG_EXIT_USAGE);
        assert_has(l.err, names[i]);
        assert_has_not(l.err, "hush");
        load_free(&l);
    }
    char path[32];
    load_write_file(path, "kafka_properties: [\"sasl.password=hush\\0\"]\n");
    struct load l = LOAD("-c", path, "-r", "a");
    assert_int_equal(l.action, CONFIG_EXIT_USAGE);
    assert_has(l.err, "kafka_properties: its value is not valid");
    assert_has_not(l.err, "hush");
    load_free(&l);
    unlink(path);
}

static void test_unknown_variables_are_harmless(void **state)
{
    (void)state;
    const char *const env[] = {"SIPSPAN_SHARED=/x",
                               "SIPSPAN_MEMRY_LIMIT=1",
                               "SIPSPAN_PEERS=x",
                               "SIPSPAN_",
                               "SIPSPAN_\033[2J=1",
                               "SIPSPANWORKERS=2",
                               "=",
                               "",
                               "SIPSPAN_REPORT=json",
                               NULL};
    struct load l = LOAD_ENV(env, "-r", "a");
    assert_int_equal(l.action, CONFIG_RUN);
    assert_int_equal(l.config.report, REPORT_JSON);
    assert_has(l.err, "SIPSPAN_SHARED in the environment is ignored");
    assert_has(l.err, "SIPSPAN_MEMRY_LIMIT in the environment is ignored; did you mean "
                      "SIPSPAN_MEMORY_LIMIT?");
    assert_has(l.err, "SIPSPAN_PEERS in the environment is ignored");
    assert_has_not(l.err, "\033");
    assert_has_not(l.err, "SIPSPANWORKERS");
    load_free(&l);
}

static void test_check_config(void **state)
{
    (void)state;
    char path[32];
    char expected[128];
    load_write_file(path, "workers: 2\n");
    struct load l = LOAD("--check-config", "-c", path);
    assert_int_equal(l.action, CONFIG_EXIT_OK);
    snprintf(expected, sizeof expected, "%s: configuration is good\n", path);
    assert_string_equal(l.out, expected);
    assert_string_equal(l.err, "");
    load_free(&l);
    unlink(path);
    load_write_file(path, "workers: 2\nmemry_limit: 1GiB\n");
    l = LOAD("-c", path, "--check-config");
    assert_int_equal(l.action, CONFIG_EXIT_USAGE);
    snprintf(expected, sizeof expected,
             "%s:2: unknown key 'memry_limit'; did you mean 'memory_limit'?\n", path);
    assert_string_equal(l.err, expected);
    assert_string_equal(l.out, "");
    load_free(&l);
    unlink(path);
    l = LOAD("--check-config");
    assert_int_equal(l.action, CONFIG_EXIT_OK);
    assert_string_equal(l.out, "configuration is good\n");
    load_free(&l);
}

static void test_files_that_cannot_be_read(void **state)
{
    (void)state;
    struct load l = LOAD("-r", "a", "-c", "/nonexistent/sipspan.yaml");
    assert_int_equal(l.action, CONFIG_EXIT_USAGE);
    assert_string_equal(l.err,
                        "/nonexistent/sipspan.yaml: cannot be read: No such file or directory\n");
    load_free(&l);
    l = LOAD("-r", "a", "-c", "/");
    assert_int_equal(l.action, CONFIG_EXIT_USAGE);
    assert_has(l.err, "/: cannot be read: Is a directory");
    load_free(&l);
    char path[32];
    load_write_file(path, "workers: 1\n");
    assert_int_equal(truncate(path, (1 << 20) + 1), 0);
    l = LOAD("-r", "a", "-c", path);
    assert_int_equal(l.action, CONFIG_EXIT_USAGE);
    assert_has(l.err, "larger than 1024 KiB");
    load_free(&l);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_sensor_id_is_the_host_name),
        cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_stronger_list_replaces),
        cmocka_unit_test(test_read_or_interface),
        cmocka_unit_test(test_hep),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_secrets_are_not_repeated),
        cmocka_unit_test(test_unknown_variables_are_harmless),
        cmocka_unit_test(test_check_config),
        cmocka_unit_test(test_files_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
