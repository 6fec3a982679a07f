/* The event of a failed connection: names of its ends, and an id for each client's port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "event/connection_event.h"

#define S INT64_C(1000000000)

static struct connection_failed facts_of(void)
{
    return (struct connection_failed){
        .transport = TRANSPORT_TCP,
        .src.endpoint = {ip_from_v4((const uint8_t[4]){192, 0, 2, 10}), 40001},
        .dst.endpoint = {ip_from_v4((const uint8_t[4]){198, 51, 100, 20}), 5060},
        .reason = CONNECTION_REFUSED,
        .confidence = CONFIDENCE_HIGH,
        .attempts = 2,
        .first_ns = 100 * S,
        .last_ns = 101 * S,
    };
}

static void test_event(void **state)
{
    const struct peer_name name = {
        .net = {ip_from_v4((const uint8_t[4]){198, 51, 100, 20}), 32},
        .name = "trunk-a",
    };
    const struct peer_names names = {&name, 1};
    struct connection_failed facts = facts_of();
    struct event event;
    (void)state;
    memset(&event, 0xa5, sizeof event);
    connection_event_make(&facts, 101 * S + 1, "sensor-1", &names, &event);
    assert_int_equal(event.type, EVENT_CONNECTION_FAILED);
    assert_int_equal(event.time_ns, 101 * S + 1);
    const struct connection_failed *data = &event.connection_failed;
    assert_null(data->src.name);
    assert_string_equal(data->dst.name, "trunk-a");
    assert_true(endpoint_eq(&data->src.endpoint, &facts.src.endpoint));
    assert_int_equal(data->reason, CONNECTION_REFUSED);
    assert_int_equal(data->attempts, 2);
    assert_int_equal(data->first_ns, 100 * S);
    assert_int_equal(data->last_ns, 101 * S);
    assert_int_equal(strlen(event.id), 32);
}

/* Made once, made again, made later: one id. Another port, server, moment: another. */
static void test_id(void **state)
{
    const struct peer_names names = {NULL, 0};
    struct connection_failed facts[7];
    struct event first, again;
    (void)state;
    for (size_t i = 0; i < 7; i++)
        facts[i] = facts_of();
    facts[1].src.endpoint.port++;
    facts[2].src.endpoint.ip.octets[3]++;
    facts[3].dst.endpoint.port++;
    facts[4].dst.endpoint.ip.octets[3]++;
    facts[5].first_ns++;
    facts[6].transport = TRANSPORT_TLS;
    connection_event_make(&facts[0], 110 * S, "s", &names, &first);
    facts[0].attempts++;
    facts[0].last_ns++;
    connection_event_make(&facts[0], 120 * S, "s", &names, &again);
    assert_string_equal(first.id, again.id);
    for (size_t i = 1; i < 7; i++) {
        connection_event_make(&facts[i], 110 * S, "s", &names, &again);
        assert_string_not_equal(first.id, again.id);
    }
    facts[0] = facts_of();
    connection_event_make(&facts[0], 110 * S, "other", &names, &again);
    assert_string_not_equal(first.id, again.id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_event),
        cmocka_unit_test(test_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
