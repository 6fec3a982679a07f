#include "load.h"

#include "config/config_file.h"

static char *parse(struct config *config, const char *text, unsigned *errors)
{
    char *printed;
    size_t size;
    FILE *err = open_memstream(&printed, &size);
    assert_non_null(err);
    struct config_loader loader = {.config = config, .err = err};
    memset(config, 0, sizeof *config);
    config_file_parse(&loader, "s.yaml", slice_str(text));
    fclose(err);
    *errors = loader.errors;
    return printed;
}

static void peer_is(const struct config_peer *peer, const char *name, const char *net)
{
    struct ip_net expected;
    assert_true(ip_net_parse(slice_str(net), &expected));
    assert_string_equal(peer->name, name);
    assert_true(ip_eq(&peer->net.ip, &expected.ip));
    assert_int_equal(peer->net.prefix, expected.prefix);
}

static void refuses(const char *text, const char *where, const char *what)
{
    struct config config;
    unsigned errors;
    char *printed = parse(&config, text, &errors);
    if (errors != 1)
        fail_msg("%u errors for:\n%s\n%s", errors, text, printed);
    assert_true(strncmp(printed, where, strlen(where)) == 0);
    assert_has(printed, what);
    config_fini(&config);
    free(printed);
}

static void test_peers(void **state)
{
    (void)state;
    struct config config;
    unsigned errors;
    char *printed = parse(&config,
                          "peers:\n"
                          "  - name: trunk-a\n"
                          "    address: 192.0.2.0/24\n"
                          "  - address: [198.51.100.7, '2001:db8:1::/48', 2001:db8::9]\n"
                          "    name: PBX 2.example_x\n"
                          "  - {name: trunk-a, address: 203.0.113.128/25}\n",
                          &errors);
    assert_string_equal(printed, "");
    assert_int_equal(config.peer_count, 5);
    peer_is(&config.peer[0], "trunk-a", "192.0.2.0/24");
    peer_is(&config.peer[1], "PBX 2.example_x", "198.51.100.7/32");
    peer_is(&config.peer[2], "PBX 2.example_x", "2001:db8:1::/48");
    peer_is(&config.peer[3], "PBX 2.example_x", "2001:db8::9/128");
    peer_is(&config.peer[4], "trunk-a", "203.0.113.128/25");
    config_fini(&config);
    assert_null(config.peer);
    assert_int_equal(config.peer_count, 0);
    free(printed);
}

static void thresholds_are(const struct quality_thresholds *thresholds, double jitter_ms,
                           double latency_ms, double loss_ratio)
{
    assert_true(thresholds->jitter_ms == jitter_ms);
    assert_true(thresholds->latency_ms == latency_ms);
    assert_true(thresholds->loss_ratio == loss_ratio);
}

static void test_thresholds(void **state)
{
    (void)state;
    struct config config;
    unsigned errors;
    char *printed = parse(&config,
                          "peers:\n"
                          "  - {name: sat, address: 192.0.2.0/24, latency: 1s, loss: 2.5%}\n"
                          "  - jitter: 5ms\n"
                          "    address: [198.51.100.7, 2001:db8::9]\n"
                          "    loss: 0.0001\n"
                          "    name: pbx\n"
                          "  - {name: none, address: 203.0.113.1}\n",
                          &errors);
    assert_string_equal(printed, "");
    assert_int_equal(config.peer_count, 4);
    thresholds_are(&config.peer[0].thresholds, 0, 1000, 0.025);
    thresholds_are(&config.peer[1].thresholds, 5, 0, 0.0001);
    thresholds_are(&config.peer[2].thresholds, 5, 0, 0.0001);
    thresholds_are(&config.peer[3].thresholds, 0, 0, 0);
    config_fini(&config);
    free(printed);
}

static void test_wrong_thresholds(void **state)
{
    (void)state;
    static const struct {
        const char *field, *what;
    } cases[] = {
        {"jitter: 30",
         "jitter '30' is not valid: expected a time from 1ms to 10s, a whole number with "
         "its unit: ms, s, m or h"},
        {"jitter: 1.5s", "jitter '1.5s' is not valid: expected a time from 1ms to 10s, a whole "
                         "number with its unit"},
        {"jitter: 0ms", "jitter '0ms' is not valid: expected a time from 1ms"},
        {"latency: 11s", "latency '11s' is not valid: expected a time from 1ms to 10s"},
        {"latency: [1s]", "latency '' is not valid: expected a time"},
        {"loss: 1", "loss '1' is not valid: expected a share from 0.01% to 100%, as 1% or 0.01"},
        {"loss: {a: 1}", "loss '' is not valid: expected a share"},
        {"loss: 1%\n  loss: 2%", "loss is given twice for one peer"},
        {"mos: 4", "unknown key 'mos'; a peer has 'name' and 'address', and may have 'jitter', "
                   "'latency' and 'loss'"},
    };
    char text[256];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(text, sizeof text, "peers:\n- name: x\n  address: 192.0.2.1\n  %s\n",
                 cases[i].field);
        refuses(text, strchr(cases[i].field, '\n') ? "s.yaml:5: peers: " : "s.yaml:4: peers: ",
                cases[i].what);
    }
}

static void test_wrong_peers(void **state)
{
    (void)state;
    refuses("peers: trunk\n", "s.yaml:1: peers: ", "a list of name and address");
    refuses("peers:\n  name: x\n  address: 192.0.2.1\n", "s.yaml:2: peers: ", "a list of name");
    refuses("peers:\n- trunk\n", "s.yaml:2: peers: ", "{name: trunk-a, address:");
    refuses("peers:\n- [a, b]\n", "s.yaml:2: peers: ", "{name: trunk-a, address:");
    refuses("peers:\n- address: 192.0.2.1\n", "s.yaml:2: peers: ", "no name");
    refuses("peers:\n- name: x\n", "s.yaml:2: peers: ", "no address");
    refuses("peers:\n- name: x\n  address: 192.0.2.1\n  port: 5060\n",
            "s.yaml:4: peers: ", "unknown key 'port'");
    refuses("peers:\n- name: x\n  name: y\n  address: 192.0.2.1\n",
            "s.yaml:3: peers: ", "name is given twice");
    refuses("peers:\n- name: x\n  address: 192.0.2.1\n  address: 192.0.2.2\n",
            "s.yaml:4: peers: ", "address is given twice for one peer");
    refuses("peers:\n- {name: x, address: 192.0.2.1}\n- {name: y, address: 192.0.2.1/32}\n",
            "s.yaml:3: peers: ", "'192.0.2.1/32' is given twice");
    refuses("peers:\n- {name: x, address: []}\n", "s.yaml:2: peers: ", "empty");
    refuses("peers: []\npeers: []\n", "s.yaml:2: peers: ", "first on line 1");
}

static void test_wrong_fields(void **state)
{
    (void)state;
    static const char *const nets[] = {
        "192.0.2.1/24",   "192.0.2.0/33",   "192.0.2",       "example.com",
        "2001:db8::/200", "2001:db8::1/64", "192.0.2.0/",    "''",
        "{a: b}",         "[{a: b}]",       "192.0.2.1:5060"};
    char text[256];
    for (size_t i = 0; i < sizeof nets / sizeof nets[0]; i++) {
        snprintf(text, sizeof text, "peers:\n- name: x\n  address: %s\n", nets[i]);
        refuses(text, "s.yaml:3: peers: address '", "192.0.2.0/24");
    }
    static const char *const names[] = {"''",   "\"a\\nb\"", "a/b", "' a'",
                                        "'a '", "{a: b}",    "[a]", "n\xc3\xb6rd"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(text, sizeof text, "peers:\n- address: 192.0.2.1\n  name: %s\n", names[i]);
        refuses(text, "s.yaml:3: peers: name '", "1 to 64 letters");
    }
}

static void test_name_length(void **state)
{
    (void)state;
    struct config config;
    unsigned errors;
    char name[66];
    char text[256];
    memset(name, 'n', 65);
    name[65] = 0;
    snprintf(text, sizeof text, "peers:\n- address: 192.0.2.1\n  name: %s\n", name);
    refuses(text, "s.yaml:3: peers: name '", "1 to 64 letters");
    name[64] = 0;
    snprintf(text, sizeof text, "peers:\n- address: 192.0.2.1\n  name: %s\n", name);
    char *printed = parse(&config, text, &errors);
    assert_string_equal(printed, "");
    assert_string_equal(config.peer[0].name, name);
    config_fini(&config);
    free(printed);
}

static void test_network_limit(void **state)
{
    (void)state;
    struct config config;
    unsigned errors;
    static char text[65536];
    for (int count = CONFIG_PEERS_MAX; count <= CONFIG_PEERS_MAX + 1; count++) {
        size_t len = (size_t)snprintf(text, sizeof text, "peers:\n- name: x\n  address:\n");
        for (int i = 0; i < count; i++)
            len += (size_t)snprintf(text + len, sizeof text - len, "  - 2001:db8::%x\n", i);
        char *printed = parse(&config, text, &errors);
        assert_int_equal(config.peer_count, CONFIG_PEERS_MAX);
        if (count == CONFIG_PEERS_MAX)
            assert_string_equal(printed, "");
        else
            assert_has(printed, "s.yaml:1028: peers: more than 1024");
        config_fini(&config);
        free(printed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peers),
        cmocka_unit_test(test_thresholds),
        cmocka_unit_test(test_wrong_thresholds),
        cmocka_unit_test(test_wrong_peers),
        cmocka_unit_test(test_wrong_fields),
        cmocka_unit_test(test_name_length),
        cmocka_unit_test(test_network_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
