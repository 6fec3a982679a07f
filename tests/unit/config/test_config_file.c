#include "load.h"

#include "config/config_file.h"

struct parsed {
    struct config config;
    struct config_loader loader;
    char *err;
};

static struct parsed parse(struct slice text)
{
    struct parsed parsed = {0};
    size_t size;
    FILE *err = open_memstream(&parsed.err, &size);
    assert_non_null(err);
    parsed.loader = (struct config_loader){.config = &parsed.config, .err = err};
    config_file_parse(&parsed.loader, "s.yaml", text);
    fclose(err);
    return parsed;
}

static void parsed_free(struct parsed *parsed)
{
    config_fini(&parsed->config);
    free(parsed->err);
}

/* Exactly one error, which has both parts. */
static void refuses(const char *text, const char *where, const char *what)
{
    struct parsed p = parse(slice_str(text));
    if (p.loader.errors != 1)
        fail_msg("%u errors for:\n%s\n%s", p.loader.errors, text, p.err);
    assert_true(strncmp(p.err, where, strlen(where)) == 0);
    assert_has(p.err, what);
    parsed_free(&p);
}

static void test_every_kind_of_value(void **state)
{
    (void)state;
    struct parsed p = parse(SLICE("filter: udp port 5060\n"
                                  "events: '-'\n"
                                  "report: json\n"
                                  "workers: 4\n"
                                  "listen: off\n"
                                  "sensor_id: s-1\n"
                                  "buffer: 2MiB\n"
                                  "promiscuous: no\n"
                                  "timer_b: 16s\n"
                                  "log_level: debug\n"
                                  "copy_window: 20ms\n"
                                  "sip_ports: [5070, 65535]\n"
                                  "rtp_interval: 5s\n"
                                  "rtp_jitter_threshold: 20ms\n"
                                  "rtp_latency_threshold: 1s\n"
                                  "rtp_loss_threshold: 0.5%\n"
                                  "g711_concealment: true\n"
                                  "interface:\n  - eth1\n  - eth2\n"));
    assert_string_equal(p.err, "");
    assert_int_equal(p.loader.errors, 0);
    assert_string_equal(p.config.filter, "udp port 5060");
    assert_string_equal(p.config.events, "-");
    assert_int_equal(p.config.report, REPORT_JSON);
    assert_int_equal(p.config.workers, 4);
    assert_string_equal(p.config.listen, "");
    assert_string_equal(p.config.sensor_id, "s-1");
    assert_int_equal(p.config.buffer_bytes, 2 << 20);
    assert_false(p.config.promiscuous);
    assert_int_equal(p.config.timer_b_ns, 16000000000);
    assert_int_equal(p.config.log_level, 3);
    assert_int_equal(p.config.copy_window_ns, 20000000);
    assert_int_equal(p.config.rtp_interval_ns, 5000000000);
    assert_int_equal(p.config.rtp_jitter_threshold_ns, 20000000);
    assert_int_equal(p.config.rtp_latency_threshold_ns, 1000000000);
    assert_true(p.config.rtp_loss_threshold == 0.005);
    assert_true(p.config.g711_concealment);
    assert_int_equal(p.config.sip_ports.count, 2);
    assert_int_equal(p.config.sip_ports.item[0], 5070);
    assert_int_equal(p.config.sip_ports.item[1], 65535);
    assert_int_equal(p.config.interface.count, 2);
    assert_string_equal(p.config.interface.item[1], "eth2");
    parsed_free(&p);
}

static void test_nothing_is_valid(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "# only this\n", "---\n", "{}\n", "peers: []\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct parsed p = parse(slice_str(texts[i]));
        assert_string_equal(p.err, "");
        assert_int_equal(p.config.peer_count, 0);
        parsed_free(&p);
    }
}

static void test_one_name_is_a_list(void **state)
{
    (void)state;
    struct parsed p = parse(SLICE("read: a.pcap\n"));
    assert_string_equal(p.err, "");
    assert_int_equal(p.config.read.count, 1);
    assert_string_equal(p.config.read.item[0], "a.pcap");
    parsed_free(&p);
}

static void test_unknown_keys(void **state)
{
    (void)state;
    refuses("\nmemry_limit: 1GiB\n",
            "s.yaml:2: ", "unknown key 'memry_limit'; did you mean 'memory_limit'?\n");
    refuses("broker:\n  names: [a, b]\n", "s.yaml:1: ", "unknown key 'broker'\n");
    refuses("check_config: true\n", "s.yaml:1: ", "'check_config' is for the command line only");
    refuses("config: x\n", "s.yaml:1: ", "'config' is for the command line only");
    refuses("\"a\\e[2J\": 1\n", "s.yaml:1: ", "unknown key 'a?[2J'");
    refuses("<<: {workers: 1}\n", "s.yaml:1: ", "unknown key '<<'");
}

static void test_wrong_values(void **state)
{
    (void)state;
    refuses("# c\nmemory_limit: 12\n",
            "s.yaml:2: memory_limit: '12' is not valid: ", "48MiB to 1TiB");
    refuses("workers: many\n", "s.yaml:1: workers: 'many' is not valid: ", "from 1 to 64");
    refuses("timer_b: 32\n", "s.yaml:1: timer_b: '32' is not valid: ", "ms, s, m or h");
    refuses("rtp_loss_threshold: 1\n", "s.yaml:1: rtp_loss_threshold: '1' is not valid: ",
            "from 0.01% to 100%, as 1% or 0.01");
    refuses("rtp_interval: 10\n", "s.yaml:1: rtp_interval: '10' is not valid: ", "1s to 10m");
    refuses("report: xml\n", "s.yaml:1: report: 'xml' is not valid: ", "text, json or none");
    refuses("promiscuous: maybe\n", "s.yaml:1: promiscuous: 'maybe'", "true or false");
    refuses("listen: :9160\n", "s.yaml:1: listen: ':9160'", "127.0.0.1:9160");
    refuses("events:\n", "s.yaml:1: events: ''", "the name of a file");
    refuses("workers: [1]\n", "s.yaml:1: workers: ", "takes no list or map");
    refuses("workers: {a: 1}\n", "s.yaml:1: workers: ", "takes no list or map");
    refuses("read: [a, {b: c}]\n", "s.yaml:1: read: ", "takes no list or map");
    refuses("workers: 1\nread:\n  - a\n  - ''\n", "s.yaml:4: read: ''", "list");
    refuses("read: []\n", "s.yaml:1: read: ", "empty");
    refuses("read: {a: b}\n", "s.yaml:1: read: ", "takes no list or map");
}

static void test_wrong_shapes(void **state)
{
    (void)state;
    refuses("workers: 1\nreport: json\nworkers: 2\n", "s.yaml:3: workers: ", "first on line 1");
    refuses("- workers\n", "s.yaml:1: ", "key: value");
    refuses("workers\n", "s.yaml:1: ", "key: value");
    refuses("? [a]\n: b\n", "s.yaml:1: ", "cannot be a key");
    refuses("workers: 1\nread: [json\n", "s.yaml:3: not valid YAML: ", "flow sequence");
    refuses("workers: 1\n---\n", "s.yaml:2: not valid YAML: ", "second document");
    refuses("workers: &a 1\n", "s.yaml:1: not valid YAML: ", "anchors");
    refuses("unheard: [[{a: [b, {c: d}]}, [e]], f]\n", "s.yaml:1: ", "'unheard'");
}

static void test_all_errors_are_told(void **state)
{
    (void)state;
    struct parsed p = parse(SLICE("workers: 0\nreprot: x\ntimer_b: soon\nreport: json\n"));
    assert_int_equal(p.loader.errors, 3);
    assert_has(p.err, "s.yaml:1: workers");
    assert_has(p.err, "s.yaml:2: unknown key 'reprot'; did you mean 'report'?");
    assert_has(p.err, "s.yaml:3: timer_b");
    assert_int_equal(p.config.report, REPORT_JSON);
    parsed_free(&p);
}

static void test_not_more_than_twenty(void **state)
{
    (void)state;
    char text[2048];
    size_t len = 0;
    for (int i = 0; i < 50; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "unheard%d: 1\n", i);
    struct parsed p = parse(slice_of(text, len));
    assert_int_equal(p.loader.errors, 20);
    assert_has(p.err, "s.yaml:20: ");
    assert_has_not(p.err, "s.yaml:21: ");
    assert_has(p.err, "first 20 errors");
    parsed_free(&p);
}

static void test_list_limit(void **state)
{
    (void)state;
    char text[1024] = "interface: [d";
    for (int i = 0; i < 64; i++)
        strcat(text, ", d");
    strcat(text, "]\n");
    refuses(text, "s.yaml:1: interface: ", "more than 64");
    snprintf(text, sizeof text, "sip_ports: [5070");
    for (int i = 0; i < CONFIG_PORTS_MAX; i++)
        strcat(text, ", 1");
    strcat(text, "]\n");
    refuses(text, "s.yaml:1: sip_ports: ", "more than 32");
    refuses("sip_ports: 0\n", "s.yaml:1: sip_ports: ", "'0' is not valid: expected a port");
    refuses("sip_ports: [5070, 65536]\n", "s.yaml:1: sip_ports: ", "'65536' is not valid");
}

/* Whatever is cut off, nothing leaks and nothing crashes. */
static void test_every_cut(void **state)
{
    (void)state;
    struct slice text = SLICE("read: [a, 'b']\nlisten: \"[::1]:1\"\npeers:\n"
                              "  - name: x\n    address: [192.0.2.1, 2001:db8::/32]\n"
                              "  - {address: 198.51.100.7, name: y}\n");
    for (size_t len = 0; len <= text.len; len++) {
        char *copy = malloc(len ? len : 1); /* so that a sanitizer sees the first octet past it */
        memcpy(copy, text.at, len);
        struct parsed p = parse(slice_of(copy, len));
        assert_true(len < text.len || p.loader.errors == 0);
        assert_true(len < text.len || p.config.peer_count == 3);
        parsed_free(&p);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_of_value), cmocka_unit_test(test_nothing_is_valid),
        cmocka_unit_test(test_one_name_is_a_list),  cmocka_unit_test(test_unknown_keys),
        cmocka_unit_test(test_wrong_values),        cmocka_unit_test(test_wrong_shapes),
        cmocka_unit_test(test_all_errors_are_told), cmocka_unit_test(test_not_more_than_twenty),
        cmocka_unit_test(test_list_limit),          cmocka_unit_test(test_every_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
