/* decode/hep: what comes as a HEP message, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "decode/hep.h"
#include "hep/hep_message.h"

static uint8_t octets[2048];

static struct hep_message sip_message(uint8_t protocol)
{
    return (struct hep_message){
        .src = {ip_from_v4((const uint8_t[4]){192, 0, 2, 1}), 5060},
        .dst = {ip_from_v4((const uint8_t[4]){198, 51, 100, 2}), 5061},
        .ip_protocol = protocol,
        .payload_type = HEP_PAYLOAD_SIP,
        .time_ns = 1000000000,
        .payload = SLICE("OPTIONS"),
    };
}

static struct packet packet_of(const struct hep_message *message)
{
    size_t len = hep_write(message, octets, sizeof octets);
    assert_true(len > 0);
    return (struct packet){
        .time_ns = 77,
        .number = 3,
        .bytes = octets,
        .captured_len = (uint32_t)len,
        .wire_len = (uint32_t)len,
        .link_type = HEP_LINK,
        .interface = 2,
    };
}

static void test_message(void **state)
{
    (void)state;
    struct hep_message message = sip_message(HEP_PROTOCOL_TLS);
    message.vlan = 100;
    struct packet packet = packet_of(&message);
    struct datagram d;
    memset(&d, 0xff, sizeof d);
    assert_int_equal(decode_packet(&packet, &d), DECODE_MESSAGE);
    assert_true(endpoint_eq(&d.src, &message.src) && endpoint_eq(&d.dst, &message.dst));
    assert_true(slice_eq(d.payload, message.payload));
    assert_int_equal(d.time_ns, 77); /* not what the sender says */
    assert_int_equal(d.packet_number, 3);
    assert_int_equal(d.interface, 2);
    assert_int_equal(d.transport, TRANSPORT_TLS);
    assert_int_equal(d.vlan_count, 1);
    assert_int_equal(d.vlan[0], 100);
    assert_int_equal(d.envelope, 0);
    assert_false(d.has_ip_id || d.truncated || d.incomplete);
    assert_int_equal(d.tunnel_depth, 0);
    assert_false(decode_is_ip(DECODE_MESSAGE));
    assert_string_equal(decode_verdict_name(DECODE_MESSAGE), "message");
    message.src.ip = message.dst.ip = ip_from_v6((const uint8_t[16]){0x20, 1, 0xd, 0xb8});
    packet = packet_of(&message);
    assert_int_equal(decode_packet(&packet, &d), DECODE_MESSAGE);
    assert_int_equal(d.src.ip.version, 6);
}

static void test_transports(void **state)
{
    (void)state;
    static const struct {
        uint8_t protocol;
        enum transport want;
    } rows[] = {{17, TRANSPORT_UDP},   {6, TRANSPORT_TCP}, {22, TRANSPORT_TLS}, {50, TRANSPORT_WS},
                {132, TRANSPORT_SCTP}, {0, TRANSPORT_UDP}, {99, TRANSPORT_UDP}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct hep_message message = sip_message(rows[i].protocol);
        struct packet packet = packet_of(&message);
        struct datagram d;
        assert_int_equal(decode_packet(&packet, &d), DECODE_MESSAGE);
        assert_int_equal(d.transport, rows[i].want);
        assert_int_equal(d.protocol, rows[i].protocol);
    }
}

static void test_what_is_no_message(void **state)
{
    (void)state;
    struct hep_message message = sip_message(HEP_PROTOCOL_UDP);
    struct packet packet = packet_of(&message);
    struct datagram d;
    packet.wire_len++;
    assert_int_equal(decode_packet(&packet, &d), DECODE_TRUNCATED);
    packet.captured_len++;
    assert_int_equal(decode_packet(&packet, &d), DECODE_MALFORMED);
    packet.captured_len = packet.wire_len = 0;
    assert_int_equal(decode_packet(&packet, &d), DECODE_MALFORMED);
    message.payload_type = HEP_PAYLOAD_RTCP_JSON;
    packet = packet_of(&message);
    assert_int_equal(decode_packet(&packet, &d), DECODE_NOT_IP);
    /* Compressed: the chunk's type says so. */
    message = sip_message(HEP_PROTOCOL_UDP);
    packet = packet_of(&message);
    octets[packet.captured_len - message.payload.len - 3] = 0x10;
    assert_int_equal(decode_packet(&packet, &d), DECODE_MALFORMED);
    message.payload = SLICE_NONE;
    packet = packet_of(&message);
    assert_int_equal(decode_packet(&packet, &d), DECODE_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message),
        cmocka_unit_test(test_transports),
        cmocka_unit_test(test_what_is_no_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
