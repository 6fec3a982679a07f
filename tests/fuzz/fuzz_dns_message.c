/*
 * dns_message: what is read must hold together; what is read of a message whose end is missing is
 * how the whole begins. Then the same octets as packets of a few hosts, for the look-ups: those of
 * two tables, whose hashes differ, must tell the same.
 */
#include <stdlib.h>

#include "dns/dns_lookups.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PACKET_HEADER = 4, MEMORY_BYTES = 4096 };

#define MS   INT64_C(1000000)
#define NOON (INT64_C(1769860800000) * MS)

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_name(const char *name)
{
    size_t len = strnlen(name, DNS_NAME_MAX);
    require(len < DNS_NAME_MAX);
    for (size_t i = 0; i < len; i++)
        require(name[i] > ' ' && name[i] <= '~' && (name[i] < 'A' || name[i] > 'Z'));
}

static void check_message(struct slice payload)
{
    static struct dns_message whole, cut;
    memset(&whole, 0xa5, sizeof whole);
    if (!dns_message_read(payload, &whole))
        return;
    check_name(whole.name);
    require(whole.targets <= DNS_TARGETS_MAX && whole.addresses <= DNS_ADDRESSES_MAX);
    require(whole.is_response || (whole.targets == 0 && whole.addresses == 0));
    require((whole.targets_v4 | whole.targets_v6) >> whole.targets == 0);
    for (unsigned i = 0; i < whole.targets; i++)
        check_name(whole.target[i]);
    for (unsigned i = 0; i < whole.addresses; i++)
        require(whole.address[i].version == 4 || whole.address[i].version == 6);
    (void)dns_type_name(whole.type);
    (void)dns_rcode_name(whole.rcode);

    /* The same octets, with their end behind what can be read. */
    char *head = malloc(payload.len);
    require(head);
    memcpy(head, payload.at, payload.len);
    bool is_read = dns_message_read(slice_of(head, payload.len - payload.len / 4 - 1), &cut);
    free(head);
    if (is_read)
        require(cut.id == whole.id && cut.type == whole.type && cut.targets <= whole.targets &&
                cut.addresses <= whole.addresses);
}

/* A packet: who, which way, how much later, how long. */
static size_t read_packet(const uint8_t *data, size_t size, int64_t *now_ns, struct datagram *d)
{
    const uint8_t version = data[0] & 1 ? 6 : 4;
    struct endpoint client = {{.octets = {192, 0, 2, data[0] >> 1 & 1}, .version = version}, 40000};
    struct endpoint server = {{.octets = {192, 0, 2, 53 + (data[0] >> 2 & 3)}, .version = version},
                              DNS_PORT};
    *now_ns += (int64_t)(int8_t)data[1] * 50 * MS; /* forwards and back */
    size_t len = (size_t)(data[2] << 8 | data[3]) % (size - PACKET_HEADER + 1);
    *d = (struct datagram){.time_ns = *now_ns,
                           .payload = slice_of((const char *)data + PACKET_HEADER, len)};
    bool is_response = len > 2 && d->payload.at[2] & 0x80;
    d->src = is_response ? server : client;
    d->dst = is_response ? client : server;
    return PACKET_HEADER + len;
}

static void check_ties(struct dns_lookups *const lookups[2], const struct datagram *d)
{
    static struct dns_message m;
    struct dns_tie tie[2];
    if (!dns_message_read(d->payload, &m))
        return;
    const struct ip_addr *client = m.is_response ? &d->dst.ip : &d->src.ip;
    const struct ip_addr *dst = m.addresses > 0 ? &m.address[0] : &d->src.ip;
    struct slice host = slice_str(m.name);
    while (host.len > 0 && host.at[0] == '_')
        host = slice_skip(host, slice_find(host, '.') + 1);
    bool is_tied = dns_lookups_find(lookups[0], client, host, dst, d->time_ns, &tie[0]);
    require(dns_lookups_find(lookups[1], client, host, dst, d->time_ns, &tie[1]) == is_tied);
    if (!is_tied)
        return;
    check_name(tie[0].name);
    require(strcmp(tie[0].name, tie[1].name) == 0 && tie[0].type == tie[1].type &&
            tie[0].asked == tie[1].asked && tie[0].unanswered == tie[1].unanswered &&
            tie[0].failed == tie[1].failed && tie[0].delay_ns == tie[1].delay_ns &&
            tie[0].is_elsewhere == tie[1].is_elsewhere && tie[0].rcode == tie[1].rcode &&
            endpoint_eq(&tie[0].server, &tie[1].server));
    require(tie[0].asked > 0 && tie[0].unanswered + tie[0].failed <= tie[0].asked);
    require(tie[0].delay_ns >= 0 && tie[0].server.port == DNS_PORT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dns_lookups *lookups[2] = {dns_lookups_create(MEMORY_BYTES),
                                      dns_lookups_create(MEMORY_BYTES)};
    struct datagram datagram;
    int64_t now_ns = NOON;
    require(lookups[0] && lookups[1]);
    while (size >= PACKET_HEADER) {
        size_t taken = read_packet(data, size, &now_ns, &datagram);
        check_message(datagram.payload);
        for (int i = 0; i < 2; i++)
            dns_lookups_packet(lookups[i], &datagram);
        check_ties(lookups, &datagram);
        require(dns_lookups_tracked(lookups[0]) <= dns_lookups_max(lookups[0]));
        data += taken;
        size -= taken;
    }
    for (int i = 0; i < 2; i++)
        dns_lookups_destroy(lookups[i]);
    return 0;
}
