/*
 * udp_flows and nDPI behind it: packets as the input says, few endpoints, any port and payload. The
 * labels must add up to what was given, and be the same in two tables whose hashes differ.
 */
#include <stdlib.h>
#include <string.h>

#include "flow/udp_flows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PACKETS_MAX = 48, FLOWS_MAX = 6, HEADER_LEN = 8 };

#define MS   INT64_C(1000000)
#define NOON (INT64_C(1769860800000) * MS)

static const char *const kinds[] = {"STUN", "DTLS", "ZRTP", "a kind whose name is rather long"};

static size_t read_packet(const uint8_t *data, size_t size, int64_t *now_ns, struct datagram *d)
{
    *d = (struct datagram){.protocol = 17};
    d->src.ip.version = d->dst.ip.version = data[0] & 1 ? 6 : 4;
    d->src.ip.octets[3] = data[0] >> 1 & 3;
    d->dst.ip.octets[3] = data[0] >> 3 & 3;
    d->src.port = (uint16_t)(data[1] << 8 | data[2]);
    d->dst.port = (uint16_t)(data[3] << 8 | data[4]);
    *now_ns += (int64_t)(int8_t)data[5] * 500 * MS; /* forwards and back */
    d->time_ns = *now_ns;
    size_t len = (size_t)data[6] * 8 < size - HEADER_LEN ? (size_t)data[6] * 8 : size - HEADER_LEN;
    d->payload = slice_of((const char *)data + HEADER_LEN, len);
    return HEADER_LEN + len;
}

/* The labels must hold each packet once. */
static size_t check_labels(const struct udp_flows *flows, uint64_t packets,
                           struct udp_flows_label label[UDP_FLOWS_LABELS_MAX])
{
    uint64_t sum = 0;
    size_t count = udp_flows_labels(flows, label, UDP_FLOWS_LABELS_MAX);
    for (size_t i = 0; i < count; i++) {
        sum += label[i].packets;
        if (label[i].flows == 0 || label[i].flows > label[i].packets)
            abort();
    }
    if (sum != packets || udp_flows_tracked(flows) > FLOWS_MAX)
        abort();
    return count;
}

/* Two that are given the same, of inputs before this one, too: nDPI takes long to start. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct udp_flows *flows[2];
    static uint64_t packets;
    static int64_t now_ns = NOON;
    struct udp_flows_label label[2][UDP_FLOWS_LABELS_MAX];
    struct datagram datagram;
    for (int i = 0; i < 2; i++)
        if (!flows[i] && !(flows[i] = udp_flows_create(FLOWS_MAX)))
            abort();
    now_ns += 2 * UDP_FLOWS_IDLE_NS; /* what is remembered is over */
    for (int i = 0; size >= HEADER_LEN && i < PACKETS_MAX; i++) {
        size_t taken = read_packet(data, size, &now_ns, &datagram);
        const char *kind = data[7] & 8 ? kinds[data[7] & 3] : NULL;
        udp_flows_packet(flows[0], &datagram, kind);
        udp_flows_packet(flows[1], &datagram, kind);
        data += taken;
        size -= taken;
        packets++;
    }
    size_t count = check_labels(flows[0], packets, label[0]);
    if (check_labels(flows[1], packets, label[1]) != count ||
        memcmp(label[0], label[1], count * sizeof label[0][0]) != 0)
        abort();
    return 0;
}
