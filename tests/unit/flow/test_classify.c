/* What nDPI is asked, and what of its answers is taken. */
#include "udp_sample.h"

#include "flow/classify.h"

static uint16_t look(struct classify *classify, struct classify_flow *flow,
                     struct datagram datagram)
{
    return classify_packet(classify, flow, &datagram);
}

/* Of one packet. */
static void is_called(struct classify *classify, const char *name, struct datagram datagram)
{
    struct classify_flow *flow = classify_begin(classify);
    assert_non_null(flow);
    uint16_t protocol = look(classify, flow, datagram);
    classify_end(classify, flow);
    if (protocol == 0)
        fail_msg("%s was not known", name);
    assert_string_equal(classify_name(classify, protocol), name);
}

static struct datagram over_v6(struct datagram datagram)
{
    datagram.src.ip = ip_from_v6((const uint8_t[16]){0x20, 0x01, 0x0d, 0xb8, [15] = 1});
    datagram.dst.ip = ip_from_v6((const uint8_t[16]){0x20, 0x01, 0x0d, 0xb8, [15] = 2});
    return datagram;
}

static void test_known_protocols(void **state)
{
    (void)state;
    const struct {
        const char *name;
        uint16_t port;
        struct slice payload;
    } samples[] = {
        {"DNS", 53, DNS_QUERY},  {"DNS", 53, DNS_QUERY_KNOWN}, {"NTP", 123, NTP_CLIENT},
        {"SNMP", 161, SNMP_GET}, {"SSDP", 1900, SSDP_SEARCH},  {"MGCP", 2427, MGCP_NOTIFY},
        {"Syslog", 514, SYSLOG},
    };
    struct classify *classify = classify_create(4);
    assert_non_null(classify);
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct datagram datagram = udp_packet(40000, samples[i].port, samples[i].payload);
        is_called(classify, samples[i].name, datagram);
        is_called(classify, samples[i].name, over_v6(datagram));
    }
    is_called(classify, "DNS", udp_reversed(udp_packet(40000, 53, DNS_QUERY)));
    classify_destroy(classify);
}

/* nDPI would call the very first packet RTP; it is not asked. */
static void test_rtp_is_not_its_matter(void **state)
{
    (void)state;
    uint8_t rtp[172] = {0x80, 0, 0, 1, 0, 0, 0, 160, 0x12, 0x34, 0x56, 0x78};
    struct classify *classify = classify_create(1);
    struct classify_flow *flow = classify_begin(classify);
    for (uint8_t i = 0; i < CLASSIFY_PACKETS_MAX; i++) {
        rtp[3] = i;
        rtp[7] = (uint8_t)(160 * i);
        struct slice payload = slice_of((const char *)rtp, sizeof rtp);
        assert_int_equal(look(classify, flow, udp_packet(30000, 20000, payload)), 0);
    }
    classify_end(classify, flow);
    classify_destroy(classify);
}

/* Of these flows nDPI calls 4% RTP, Skype, OpenVPN and others; on the last two ports nearly all are
 * STUN and Teredo to it. */
static void test_noise_is_nothing(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252;
    uint8_t buf[256];
    struct classify *classify = classify_create(1);
    for (unsigned i = 0; i < 2000; i++) {
        uint16_t client = (uint16_t)(1024 + udp_random(&seed) % 60000);
        uint16_t server = i % 20 == 0   ? 3478
                          : i % 20 == 1 ? 3544
                                        : (uint16_t)(10000 + udp_random(&seed) % 50000);
        struct classify_flow *flow = classify_begin(classify);
        for (int packet = 0; packet < CLASSIFY_PACKETS_MAX; packet++) {
            struct slice noise = udp_noise(&seed, buf, 12 + udp_random(&seed) % 200);
            struct datagram datagram = udp_packet(client, server, noise);
            uint16_t protocol =
                look(classify, flow, packet % 2 ? udp_reversed(datagram) : datagram);
            if (protocol != 0)
                fail_msg("flow %u, port %u: %s", i, server, classify_name(classify, protocol));
        }
        classify_end(classify, flow);
    }
    classify_destroy(classify);
}

static void test_only_the_first_packets(void **state)
{
    (void)state;
    uint64_t seed = 1;
    uint8_t buf[100];
    struct classify *classify = classify_create(1);
    struct classify_flow *flow = classify_begin(classify);
    for (int i = 1; i < CLASSIFY_PACKETS_MAX; i++)
        assert_int_equal(look(classify, flow, udp_packet(40000, 53, SLICE_NONE)), 0);
    assert_int_not_equal(look(classify, flow, udp_packet(40000, 53, DNS_QUERY)), 0);
    assert_int_equal(look(classify, flow, udp_packet(40000, 53, DNS_QUERY)), 0);
    classify_end(classify, flow);
    /* What was given back is as new. */
    is_called(classify, "DNS", udp_packet(40000, 53, DNS_QUERY));
    flow = classify_begin(classify);
    assert_int_equal(
        look(classify, flow, udp_packet(40000, 20000, udp_noise(&seed, buf, sizeof buf))), 0);
    classify_end(classify, flow);
    classify_destroy(classify);
}

static void test_pool(void **state)
{
    (void)state;
    struct classify *classify = classify_create(2);
    struct classify_flow *a = classify_begin(classify), *b = classify_begin(classify);
    assert_non_null(a);
    assert_non_null(b);
    assert_ptr_not_equal(a, b);
    assert_null(classify_begin(classify));
    classify_end(classify, a);
    a = classify_begin(classify);
    assert_non_null(a);
    assert_null(classify_begin(classify));
    classify_end(classify, a);
    classify_end(classify, b);
    classify_destroy(classify);

    classify = classify_create(SIZE_MAX);
    struct classify_flow *flow[CLASSIFY_FLOWS_MAX];
    for (int i = 0; i < CLASSIFY_FLOWS_MAX; i++) {
        flow[i] = classify_begin(classify);
        assert_non_null(flow[i]);
    }
    assert_null(classify_begin(classify));
    for (int i = 0; i < CLASSIFY_FLOWS_MAX; i++)
        classify_end(classify, flow[i]);
    classify_destroy(classify);
    classify_destroy(NULL);
}

/* Nothing is read or written past its end: for the sanitizers. */
static void test_any_length(void **state)
{
    (void)state;
    uint64_t seed = 2;
    struct classify *classify = classify_create(1);
    static const uint16_t ports[] = {53, 67, 123, 137, 161, 443, 500, 1900, 2427, 5353, 5683, 8801};
    static const size_t lengths[] = {0, 1, 2, 7, 11, 12, 13, 28, 47, 600, 1499, 1500, 1501, 65507};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        for (size_t p = 0; p < 2 * (sizeof ports / sizeof ports[0]); p++) {
            uint8_t *octets = malloc(lengths[i] + 1);
            struct slice noise = udp_noise(&seed, octets, lengths[i]);
            struct datagram datagram = udp_packet(40000, ports[p / 2], noise);
            struct classify_flow *flow = classify_begin(classify);
            look(classify, flow, p % 2 ? over_v6(datagram) : datagram);
            classify_end(classify, flow);
            free(octets);
        }
    classify_destroy(classify);
}

static void test_version(void **state)
{
    (void)state;
    const char *version = classify_library_version();
    assert_true(version[0] >= '4' && version[0] <= '9');
    assert_int_equal(version[1], '.');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_protocols),
        cmocka_unit_test(test_rtp_is_not_its_matter),
        cmocka_unit_test(test_noise_is_nothing),
        cmocka_unit_test(test_only_the_first_packets),
        cmocka_unit_test(test_pool),
        cmocka_unit_test(test_any_length),
        cmocka_unit_test(test_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
