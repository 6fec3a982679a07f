/* The sections of the report about the mirror and what it carries: what they say, when they say
 * nothing, and that no line is wider than a terminal. */
#include "pipeline_bench.h"

#include "pipeline/report_sections.h"

static char *printed;
static struct pipeline *pipeline;
static struct report_figures figures;

static int set_up(void **state)
{
    (void)state;
    pipeline = pipeline_figures();
    figures = (struct report_figures){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pipeline_figures_free(pipeline);
    free(printed);
    printed = NULL;
    return 0;
}

static const char *print(void)
{
    size_t len;
    free(printed);
    FILE *out = open_memstream(&printed, &len);
    assert_non_null(out);
    report_mirror_print(pipeline, &figures, out);
    report_transport_print(pipeline, &figures, out);
    fclose(out);
    for (const char *line = printed; *line; line += strcspn(line, "\n") + 1)
        if (strcspn(line, "\n") > 80)
            fail_msg("wider than 80 columns: %.120s", line);
    return printed;
}

static void assert_says(const char *text, const char *what)
{
    if (!strstr(text, what))
        fail_msg("\"%s\" is missing in:\n%s", what, text);
}

static void test_nothing_read(void **state)
{
    (void)state;
    assert_string_equal(print(), "");
}

static void test_well(void **state)
{
    (void)state;
    pipeline->tally.packets = 1000;
    pipeline->tally.messages[TRANSPORT_UDP] = 900;
    assert_string_equal(print(), "\nMIRROR  cannot tell: no SIP response was seen\n");
    pipeline->tally.responses[SIP_INVITE][2] = 1;
    figures.mirror.conversations = 20;
    assert_string_equal(
        print(),
        "\nMIRROR  well: nothing shows that it loses, cuts or half delivers what is spoken\n");
}

/* Copies and tunnels are how a mirror is, no fault of it. */
static void test_copies(void **state)
{
    (void)state;
    pipeline->tally.packets = 2000;
    pipeline->tally.copies = 500;
    pipeline->tally.tunnels[TUNNEL_VXLAN] = 4711;
    pipeline->tally.tunnels[TUNNEL_6IN4] = 1;
    pipeline->tally.responses[SIP_INVITE][2] = 1;
    figures.mirror.conversations = 1;
    figures.mirror.copies[COPY_SAME - 1] = 300;
    figures.mirror.copies[COPY_ROUTED - 1] = 200;
    const char *text = print();
    assert_says(text, "MIRROR  well");
    assert_says(text, "500 packets were copies of others (25.0% of all): ");
    assert_tells(text, "300 identical, 200 before and after a router ");
    assert_null(strstr(text, "VLAN:"));
    assert_null(strstr(text, "interface"));
    assert_says(text, "4,711 packets came in VXLAN");
    assert_says(text, " 1 packet came in 6in4");
    figures.port[0] = (struct mirror_port){0, MIRROR_NO_VLAN, 1500, 0};
    figures.port[1] = (struct mirror_port){1, 20, 500, 499};
    figures.port[2] = (struct mirror_port){2, MIRROR_NO_VLAN, 2, 1};
    figures.ports = 1;
    assert_null(strstr(print(), "interface")); /* all come the same way */
    figures.ports = 3;
    text = print();
    assert_says(text, "499 on interface 1, VLAN 20, of 500 packets there");
    assert_says(text, "1 on interface 2, untagged, of 2 packets there");
    assert_null(strstr(text, "interface 0"));
    figures.port[1].copies = 500;
    figures.ports = 2;
    assert_says(print(), "all on interface 1, VLAN 20, of 500 packets there");
}

/* Each sign of loss by itself takes the "well" away, and is told below. */
static void test_doubts(void **state)
{
    (void)state;
    uint64_t *const counts[] = {
        &figures.mirror.conversations_one_way,
        &figures.mirror.rtp_holes,
        &figures.mirror.truncated,
        &figures.tcp.holes,
        &figures.defrag.timed_out,
        &pipeline->calls.inferred_answers,
        &pipeline->tally.calls[CALL_STATE_COMPLETED][0],
        &pipeline->tally.decoded[DECODE_TRUNCATED],
    };
    static const char *const rows[] = {
        "1 of 20 conversations had SIP from one side only (dead destinations look so, too) ",
        "1 gap in the voice streams",
        "1 packet was cut short (the headers say more than was captured) ",
        "1 place in TCP streams where bytes never came ",
        "1 IP datagram of which fragments never came ",
        "1 INVITE was answered out of the sensor's sight ",
        "1 call was completed, but the 2xx was never seen ",
        "1 packet was cut short",
    };
    pipeline->tally.packets = 2000;
    pipeline->tally.responses[SIP_INVITE][2] = 1;
    figures.mirror.conversations = 20;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        assert_says(print(), "MIRROR  well");
        *counts[i] = 1;
        const char *text = print();
        assert_says(text, "MIRROR  no fault proven, but:\n             1 ");
        assert_tells(text, rows[i]);
        *counts[i] = 0;
    }
    pipeline->tally.calls[CALL_STATE_COMPLETED][0] = pipeline->calls.joined_late = 2;
    assert_says(print(), "MIRROR  well");
    pipeline->calls.joined_late = 3;      /* one is still up */
    assert_says(print(), "MIRROR  well"); /* their 2xx was before the first packet */
    figures.mirror.behind = 1;
    figures.mirror.behind_max_ns = 1000000;
    assert_says(print(), "MIRROR  well");
    figures.mirror.behind_max_ns++;
    assert_says(print(), "MIRROR  no fault proven, but:\n             1 packet came behind ones");
    figures.mirror.behind_max_ns = 0;
    pipeline->capture_stats.dropped_kernel = 1;
    assert_says(print(), "MIRROR  no fault proven, but packets were lost on this machine");
}

/* What nothing but the mirror can have done, though too little for an event. */
static void test_faults(void **state)
{
    (void)state;
    uint64_t *const counts[] = {&figures.mirror.conversations_proven, &figures.mirror.tcp_holes,
                                &figures.mirror.shared_losses};
    pipeline->tally.packets = 2000;
    figures.mirror.conversations = 20;
    figures.mirror.conversations_one_way = 3;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        assert_says(print(), "MIRROR  cannot tell");
        *counts[i] = 2;
        assert_says(print(), "MIRROR  not quite well:\n");
        *counts[i] = 0;
    }
    figures.mirror.conversations_proven = 2;
    figures.mirror.tcp_holes = 4;
    figures.mirror.shared_losses = 5;
    figures.mirror.rtp_holes = 6;
    figures.mirror.behind = 7;
    figures.mirror.behind_max_ns = 35200000;
    figures.mirror.truncated = 5;
    pipeline->tally.decoded[DECODE_TRUNCATED] = 3;
    pipeline->capture_stats.truncated = 99; /* of the capture's records, not of what is read */
    pipeline->copies.overruns = 9;
    const char *text = print();
    assert_tells(
        text, "look so, too); in 2 of these the other side spoke out of sight: the mirror's fault");
    assert_says(text, "4 times a TCP receiver had what the mirror never delivered");
    assert_says(text, "5 times (of 0.1 s) many streams missed packets at once");
    assert_says(text, "6 gaps in the voice streams");
    assert_says(text, "7 packets came behind ones with a later stamp, by up to 35.2 ms");
    assert_says(text, "8 packets were cut short");
    assert_says(text, "9 packets were forgotten before a copy could have come");
}

static void test_told(void **state)
{
    (void)state;
    pipeline->tally.packets = 2000;
    struct event event = degraded_event(MIRROR_ONE_WAY, 0.25);
    tally_event(&pipeline->tally, &event);
    const char *text = print();
    assert_says(text, "MIRROR  not well: what it does not deliver, nobody can judge\n");
    assert_says(text, "  one_way: It was 0.25.\n    Next: Look at the switch.\n");
    assert_null(strstr(text, "loss:"));
}

static void test_carried(void **state)
{
    (void)state;
    pipeline->tally.packets = 2000;
    pipeline->tally.messages[TRANSPORT_UDP] = 1234;
    assert_null(strstr(print(), "CARRIED BY"));
    pipeline->calls.icmp_tied = 4;
    assert_says(print(), "4 ICMP errors about an INVITE seen here");
    pipeline->tally.messages[TRANSPORT_WS] = 5;
    figures.tcp.connections = 9;
    const char *text = print();
    assert_says(text, "CARRIED BY  UDP 1,234, WS 5\n");
    assert_says(text, "9 TCP connections to SIP ports or with SIP\n");
    figures.tcp.tls = 3;
    figures.tcp.websocket = 2;
    figures.tcp.holes = 1;
    figures.defrag.fragments = 15;
    figures.defrag.reassembled = 7;
    text = print();
    assert_says(text, "9 TCP connections to SIP ports or with SIP, of which\n");
    assert_says(text, "3 are encrypted (TLS): what they say cannot be read");
    assert_says(text, "2 are WebSocket");
    assert_says(text, "7 IP datagrams were put together from fragments");
    pipeline->tally.messages[TRANSPORT_UDP] = pipeline->tally.messages[TRANSPORT_WS] = 0;
    figures.tcp.tls = 1;
    figures.tcp.websocket = 0;
    text = print();
    assert_says(text, "CARRIED BY  no SIP message\n");
    assert_says(text, "9 TCP connections to SIP ports, of which\n");
    assert_says(text, " 1 is encrypted (TLS)");
}

/* As a day of a large carrier has them. */
static void test_large(void **state)
{
    const uint64_t large = 123456789012;
    (void)state;
    pipeline->tally.packets = 2 * large;
    pipeline->tally.copies = large;
    for (int i = 0; i < MIRROR_COPY_KINDS; i++)
        figures.mirror.copies[i] = large;
    for (int i = 0; i < TUNNEL_COUNT; i++)
        pipeline->tally.tunnels[i] = large;
    for (int i = 0; i < TRANSPORT_COUNT; i++)
        pipeline->tally.messages[i] = large;
    for (int i = 0; i < MIRROR_PROBLEM_COUNT; i++) {
        struct event event = degraded_event((enum mirror_problem)i, 1);
        memset(event.mirror_degraded.summary, 'x', EVENT_SUMMARY_MAX - 1);
        memset(event.mirror_degraded.next_step, 'y', EVENT_SUMMARY_MAX - 1);
        tally_event(&pipeline->tally, &event);
    }
    for (int i = 0; i < MIRROR_PORTS_MAX; i++)
        figures.port[i] = (struct mirror_port){UINT16_MAX, 4095, large, large};
    figures.ports = MIRROR_PORTS_MAX;
    figures.mirror.conversations = figures.mirror.conversations_one_way =
        figures.mirror.conversations_proven = figures.mirror.behind = figures.mirror.tcp_holes =
            figures.mirror.rtp_holes = figures.mirror.shared_losses = large;
    figures.mirror.behind_max_ns = INT64_MAX;
    pipeline->copies.overruns = pipeline->capture_stats.truncated = large;
    figures.tcp =
        (struct tcp_stats){.connections = large, .tls = large, .websocket = large, .holes = large};
    assert_true(strlen(print()) < 12000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_read), TEST(test_well), TEST(test_copies),  TEST(test_faults),
        TEST(test_doubts),       TEST(test_told), TEST(test_carried), TEST(test_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
