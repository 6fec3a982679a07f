/* UDP flows that are none of ours: what they count under, when they are forgotten, who makes room.
 */
#include "udp_sample.h"

#include <stdio.h>

#include "flow/classify.h"
#include "flow/udp_flows.h"

static uint8_t noise[64];

static struct slice noise_of(uint64_t seed)
{
    seed = seed * 2654435761 + 88172645463325252;
    return udp_noise(&seed, noise, sizeof noise);
}

static void packet_at(struct udp_flows *flows, int64_t ms, struct datagram datagram,
                      const char *kind)
{
    datagram.time_ns += ms * MS;
    udp_flows_packet(flows, &datagram, kind);
}

static struct udp_flows_label label_named(const struct udp_flows *flows, const char *name)
{
    struct udp_flows_label label[UDP_FLOWS_LABELS_MAX];
    size_t count = udp_flows_labels(flows, label, UDP_FLOWS_LABELS_MAX);
    for (size_t i = 0; i < count; i++)
        if (strcmp(label[i].name, name) == 0)
            return label[i];
    return (struct udp_flows_label){.flows = 0};
}

static void counts(const struct udp_flows *flows, const char *name, uint64_t flows_expected,
                   uint64_t packets_expected)
{
    struct udp_flows_label label = label_named(flows, name);
    if (label.flows != flows_expected || label.packets != packets_expected)
        fail_msg("%s: %llu flows, %llu packets, not %llu, %llu", name,
                 (unsigned long long)label.flows, (unsigned long long)label.packets,
                 (unsigned long long)flows_expected, (unsigned long long)packets_expected);
}

static void test_both_directions_are_one_flow(void **state)
{
    (void)state;
    struct udp_flows *flows = udp_flows_create(16);
    assert_non_null(flows);
    struct datagram query = udp_packet(40000, 53, DNS_QUERY);
    packet_at(flows, 0, query, NULL);
    packet_at(flows, 1, udp_reversed(query), NULL);
    packet_at(flows, 2, query, NULL);
    counts(flows, "DNS", 1, 3);
    assert_int_equal(udp_flows_tracked(flows), 1);
    /* Each of these is another. */
    packet_at(flows, 3, udp_packet(40001, 53, DNS_QUERY), NULL);
    packet_at(flows, 4, udp_packet(53, 40000, DNS_QUERY), NULL);
    query.src.ip.octets[3] = 7;
    packet_at(flows, 5, query, NULL);
    counts(flows, "DNS", 4, 6);
    assert_int_equal(udp_flows_tracked(flows), 4);
    counts(flows, "unknown", 0, 0);
    udp_flows_destroy(flows);
}

/* The octets of two IPv6 addresses that begin alike, and an IPv4 one that begins an IPv6 one. */
static void test_addresses(void **state)
{
    (void)state;
    struct udp_flows *flows = udp_flows_create(16);
    struct datagram v4 = udp_packet(40000, 9, noise_of(1)), v6 = v4, other = v4;
    v6.src.ip = ip_from_v6((const uint8_t[16]){192, 0, 2, 1});
    v6.dst.ip = ip_from_v6((const uint8_t[16]){198, 51, 100, 2});
    other.src.ip = v6.src.ip;
    other.dst.ip = ip_from_v6((const uint8_t[16]){198, 51, 100, 2, [15] = 1});
    packet_at(flows, 0, v4, "A");
    packet_at(flows, 0, v6, "A");
    packet_at(flows, 0, other, "A");
    packet_at(flows, 0, udp_reversed(other), "A");
    counts(flows, "A", 3, 4);
    udp_flows_destroy(flows);
}

/* What was unknown while nDPI looked moves to its label; what has a kind never does. */
static void test_label_after_some_packets(void **state)
{
    (void)state;
    struct udp_flows *flows = udp_flows_create(16);
    struct datagram datagram = udp_packet(40000, 2427, SLICE_NONE); /* nothing to tell it by */
    packet_at(flows, 0, datagram, NULL);
    packet_at(flows, 1, datagram, "STUN");
    packet_at(flows, 2, datagram, NULL);
    counts(flows, "unknown", 1, 2);
    datagram.payload = MGCP_NOTIFY;
    packet_at(flows, 3, datagram, NULL);
    counts(flows, "unknown", 0, 0);
    counts(flows, "MGCP", 1, 3);
    counts(flows, "STUN", 1, 1);
    /* Once it has its label nobody looks again. */
    datagram.payload = SYSLOG;
    for (int i = 0; i < 20; i++)
        packet_at(flows, 4 + i, datagram, NULL);
    counts(flows, "MGCP", 1, 23);
    packet_at(flows, 30, datagram, "DTLS");
    counts(flows, "DTLS", 1, 1);
    counts(flows, "MGCP", 1, 23);
    udp_flows_destroy(flows);
}

static void test_nobody_knows(void **state)
{
    (void)state;
    struct udp_flows *flows = udp_flows_create(16);
    for (int i = 0; i < CLASSIFY_PACKETS_MAX; i++) {
        packet_at(flows, i, udp_packet(40000, 2427, SLICE_NONE), NULL);
        if (i > 0)
            packet_at(flows, i, udp_packet(40001, 2427, SLICE_NONE), NULL);
    }
    packet_at(flows, 9, udp_packet(40000, 2427, MGCP_NOTIFY), NULL); /* too late */
    packet_at(flows, 9, udp_packet(40001, 2427, MGCP_NOTIFY), NULL); /* just in time */
    counts(flows, "unknown", 1, CLASSIFY_PACKETS_MAX + 1);
    counts(flows, "MGCP", 1, CLASSIFY_PACKETS_MAX);
    udp_flows_destroy(flows);
}

/* After a minute of silence what comes is a new flow. */
static void test_idle(void **state)
{
    (void)state;
    struct udp_flows *flows = udp_flows_create(16);
    packet_at(flows, 0, udp_packet(40000, 2427, MGCP_NOTIFY), NULL);
    packet_at(flows, 60000, udp_packet(40000, 2427, noise_of(1)), NULL);
    counts(flows, "MGCP", 1, 2);
    packet_at(flows, 120001, udp_packet(40000, 2427, noise_of(1)), NULL);
    counts(flows, "MGCP", 1, 2);
    counts(flows, "unknown", 1, 1);
    assert_int_equal(udp_flows_tracked(flows), 1);
    /* Others that are over go when one comes, two at a time. */
    for (uint16_t i = 0; i < 5; i++)
        packet_at(flows, 130000, udp_packet(41000 + i, 9, noise_of(i)), "A");
    assert_int_equal(udp_flows_tracked(flows), 6);
    packet_at(flows, 200001, udp_packet(50000, 9, noise_of(1)), "A");
    assert_int_equal(udp_flows_tracked(flows), 5);
    /* Stamps that go back do not end it, nor make it older than it is. */
    packet_at(flows, 190000, udp_packet(50000, 9, noise_of(1)), "A");
    packet_at(flows, 260001, udp_packet(50000, 9, noise_of(1)), "A");
    counts(flows, "A", 6, 8);
    udp_flows_destroy(flows);
}

static void test_quietest_makes_room(void **state)
{
    (void)state;
    struct udp_flows *flows = udp_flows_create(3);
    struct datagram a = udp_packet(1, 9, noise_of(1)), b = udp_packet(2, 9, noise_of(1)),
                    c = udp_packet(3, 9, noise_of(1)), d = udp_packet(4, 9, noise_of(1));
    packet_at(flows, 0, a, "A");
    packet_at(flows, 1, b, "B");
    packet_at(flows, 2, c, "C");
    packet_at(flows, 3000, a, "A");
    packet_at(flows, 3001, d, "D"); /* b goes */
    assert_int_equal(udp_flows_tracked(flows), 3);
    packet_at(flows, 3002, a, "A");
    packet_at(flows, 3003, c, "C");
    packet_at(flows, 3004, d, "D");
    counts(flows, "A", 1, 3);
    counts(flows, "C", 1, 2);
    counts(flows, "D", 1, 2);
    packet_at(flows, 3005, b, "B");
    counts(flows, "B", 2, 2);
    assert_int_equal(udp_flows_tracked(flows), 3);
    udp_flows_destroy(flows);
}

/* A table of one, whose flow is evicted while nDPI looks at it. */
static void test_evicted_while_looked_at(void **state)
{
    (void)state;
    struct udp_flows *flows = udp_flows_create(1);
    for (uint16_t i = 0; i < 100; i++)
        packet_at(flows, i, udp_packet(10000 + i, 20000, noise_of(i)), NULL);
    counts(flows, "unknown", 100, 100);
    packet_at(flows, 200, udp_packet(40000, 53, DNS_QUERY), NULL);
    counts(flows, "DNS", 1, 1);
    udp_flows_destroy(flows);
    udp_flows_destroy(NULL);
}

/* More flows at once than nDPI looks at: the one that it looks at longest stays unknown. */
static void test_pool_is_exhausted(void **state)
{
    (void)state;
    struct udp_flows *flows = udp_flows_create((size_t)2 * CLASSIFY_FLOWS_MAX);
    for (uint16_t i = 0; i <= CLASSIFY_FLOWS_MAX; i++)
        packet_at(flows, i, udp_packet(10000 + i, 2427, SLICE_NONE), NULL);
    packet_at(flows, 5000, udp_packet(10000, 2427, MGCP_NOTIFY), NULL);
    counts(flows, "MGCP", 0, 0);
    packet_at(flows, 5001, udp_packet(10001, 2427, MGCP_NOTIFY), NULL);
    packet_at(flows, 5002, udp_packet(10000 + CLASSIFY_FLOWS_MAX, 2427, MGCP_NOTIFY), NULL);
    counts(flows, "MGCP", 2, 4);
    counts(flows, "unknown", CLASSIFY_FLOWS_MAX - 1, CLASSIFY_FLOWS_MAX);
    udp_flows_destroy(flows);
}

/* A flood of new flows costs no more than so many looks a second of the packets' clock. */
static void test_looks_of_a_second(void **state)
{
    (void)state;
    struct udp_flows *flows = udp_flows_create(64);
    struct slice payload = noise_of(1);
    for (unsigned i = 0; i < UDP_FLOWS_LOOKS_PER_S; i++)
        packet_at(flows, 0, udp_packet((uint16_t)(10000 + i), 9, payload), NULL);
    packet_at(flows, 999, udp_packet(40000, 53, DNS_QUERY), NULL);
    packet_at(flows, 999, udp_packet(40000, 53, DNS_QUERY), NULL);
    counts(flows, "DNS", 0, 0);
    packet_at(flows, 1000, udp_packet(40001, 53, DNS_QUERY), NULL);
    packet_at(flows, 1000, udp_packet(40000, 53, DNS_QUERY), NULL); /* had its chance */
    counts(flows, "DNS", 1, 1);
    counts(flows, "unknown", UDP_FLOWS_LOOKS_PER_S + 1, UDP_FLOWS_LOOKS_PER_S + 3);
    udp_flows_destroy(flows);
}

static void test_labels_in_order(void **state)
{
    (void)state;
    struct udp_flows *flows = udp_flows_create(64);
    struct udp_flows_label label[UDP_FLOWS_LABELS_MAX];
    assert_int_equal(udp_flows_labels(flows, label, UDP_FLOWS_LABELS_MAX), 0);
    static char names[40][32];
    for (uint16_t i = 0; i < 40; i++) {
        snprintf(names[i], sizeof names[i], "protocol-%02u-of-a-long-name", i);
        for (int packet = 0; packet <= (i == 3 ? 100 : i % 5); packet++)
            packet_at(flows, i, udp_packet(1000 + i, 9, noise_of(1)), names[i]);
    }
    /* Without "unknown", of which there is none. */
    size_t count = udp_flows_labels(flows, label, UDP_FLOWS_LABELS_MAX);
    assert_int_equal(count, UDP_FLOWS_LABELS_MAX - 1);
    assert_string_equal(label[0].name, "protocol-03-of-a-long-n");
    assert_int_equal(label[0].packets, 101);
    assert_string_equal(label[1].name, "other"); /* the last ten of the 40 */
    assert_int_equal(label[1].flows, 10);
    assert_int_equal(label[1].packets, 30);
    assert_string_equal(label[2].name, "protocol-04-of-a-long-n");
    assert_string_equal(label[3].name, "protocol-09-of-a-long-n");
    for (size_t i = 1; i < count; i++)
        assert_true(label[i].packets < label[i - 1].packets ||
                    (label[i].packets == label[i - 1].packets &&
                     strcmp(label[i].name, label[i - 1].name) > 0));
    struct udp_flows_label first[3];
    for (size_t max = 0; max <= 2; max++) {
        memset(first, 0x55, sizeof first);
        assert_int_equal(udp_flows_labels(flows, first, max), max);
        for (size_t i = 0; i < max; i++)
            assert_string_equal(first[i].name, label[i].name);
        assert_int_equal(first[max].name[0], 0x55);
    }
    udp_flows_destroy(flows);
}

/* The clock is set: what is remembered is as old as before. */
static void test_clock_step(void **state)
{
    (void)state;
    const int64_t day_ms = 86400000;
    struct udp_flows *flows = udp_flows_create(4);
    packet_at(flows, 0, udp_packet(40000, 53, DNS_QUERY), NULL);
    udp_flows_clock_step(flows, day_ms * MS);
    packet_at(flows, day_ms + 1, udp_packet(40000, 53, DNS_QUERY), NULL);
    counts(flows, "DNS", 1, 2);
    udp_flows_clock_step(flows, -day_ms * MS);
    packet_at(flows, 2, udp_packet(40000, 53, DNS_QUERY), NULL);
    counts(flows, "DNS", 1, 3);
    /* However often: no sum may overflow. */
    for (int i = 0; i < 100; i++) {
        udp_flows_clock_step(flows, INT64_MIN / 2);
        packet_at(flows, 3, udp_packet((uint16_t)i, 9, noise_of(1)), NULL);
    }
    udp_flows_destroy(flows);
}

/* The same packets give the same labels, in tables whose hashes differ. */
static void test_same_again(void **state)
{
    (void)state;
    struct udp_flows_label label[2][UDP_FLOWS_LABELS_MAX];
    size_t count[2];
    for (int run = 0; run < 2; run++) {
        struct udp_flows *flows = udp_flows_create(300);
        uint64_t seed = 42;
        for (int i = 0; i < 5000; i++) {
            const struct slice payloads[] = {DNS_QUERY, NTP_CLIENT, SYSLOG, noise_of((uint64_t)i)};
            static const uint16_t ports[] = {53, 123, 514, 20000};
            uint64_t random = udp_random(&seed);
            struct datagram datagram = udp_packet(
                (uint16_t)(random % 1000), ports[random >> 20 & 3], payloads[random >> 30 & 3]);
            packet_at(flows, i, random >> 40 & 1 ? datagram : udp_reversed(datagram),
                      random >> 44 & 7 ? NULL : "STUN");
        }
        count[run] = udp_flows_labels(flows, label[run], UDP_FLOWS_LABELS_MAX);
        udp_flows_destroy(flows);
    }
    assert_true(count[0] >= 4);
    assert_int_equal(count[0], count[1]);
    assert_memory_equal(label[0], label[1], count[0] * sizeof label[0][0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_directions_are_one_flow),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_label_after_some_packets),
        cmocka_unit_test(test_nobody_knows),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_quietest_makes_room),
        cmocka_unit_test(test_evicted_while_looked_at),
        cmocka_unit_test(test_pool_is_exhausted),
        cmocka_unit_test(test_looks_of_a_second),
        cmocka_unit_test(test_labels_in_order),
        cmocka_unit_test(test_clock_step),
        cmocka_unit_test(test_same_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
