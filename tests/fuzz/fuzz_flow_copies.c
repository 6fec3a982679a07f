/*
 * copies: packets as the input says, one after the other, against a plain list of what came before.
 * The table is far larger than an input has packets, so that it must remember as the list does.
 */
#include <stdlib.h>

#include "flow/copies.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PACKETS_MAX = 48, TABLE_PACKETS = 16384, HEADER_LEN = 8, RTP_OCTETS = 32 };

struct seen {
    struct datagram datagram; /* the first of its copies */
    enum decode_verdict verdict;
};

#define MS        INT64_C(1000000)
#define WINDOW_NS (50 * MS)
#define NOON      (INT64_C(1769860800000) * MS)

/* Few values for each field, so that packets meet. The payload is what follows the header. */
static size_t read_packet(const uint8_t *data, size_t size, int64_t *now_ns, struct seen *out)
{
    static const enum decode_verdict verdicts[] = {DECODE_UDP, DECODE_TCP, DECODE_FRAGMENT,
                                                   DECODE_OTHER_IP};
    struct datagram *d = &out->datagram;
    *out = (struct seen){.verdict = verdicts[data[0] & 3]};
    d->src.ip.version = d->dst.ip.version = data[0] & 4 ? 6 : 4;
    d->src.ip.octets[data[0] & 4 ? 15 : 3] = data[0] >> 3 & 3;
    d->dst.ip.octets[data[0] & 4 ? 15 : 3] = data[0] >> 5 & 3;
    d->src.port = data[1] & 3;
    d->dst.port = data[1] >> 2 & 3;
    d->protocol = out->verdict == DECODE_UDP ? 17 : out->verdict == DECODE_TCP ? 6 : 50;
    d->has_ip_id = d->src.ip.version == 4;
    d->ip_id = d->has_ip_id ? data[1] >> 4 : 0;
    d->ttl = data[2] & 3;
    d->tunnel_depth = data[2] >> 2 & 1;
    d->envelope = data[2] >> 3 & 3;
    if (out->verdict == DECODE_TCP)
        d->tcp = (struct tcp_header){.seq = data[3] & 3,
                                     .ack = data[3] >> 2 & 3,
                                     .window = data[3] >> 4 & 3,
                                     .flags = data[3] >> 6};
    else if (out->verdict == DECODE_FRAGMENT)
        d->fragment = (struct ip_fragment){
            .id = data[3] & 3, .offset = (uint16_t)((data[3] >> 2 & 7) * 8), .more = data[3] >> 7};
    *now_ns += (int8_t)data[4] * MS; /* forwards and back */
    d->time_ns = *now_ns;
    size_t len = data[5] < size - HEADER_LEN ? data[5] : size - HEADER_LEN;
    d->payload = slice_of((const char *)data + HEADER_LEN, len);
    return HEADER_LEN + (data[6] & 1 ? len : 0); /* or the payload is the next packet, too */
}

/* Without the way through the network, and without what the union holds of others. */
static bool is_same(const struct seen *x, const struct seen *y)
{
    const struct datagram *a = &x->datagram, *b = &y->datagram;
    if (x->verdict != y->verdict || !endpoint_eq(&a->src, &b->src) ||
        !endpoint_eq(&a->dst, &b->dst) || a->protocol != b->protocol || a->ip_id != b->ip_id ||
        a->payload.len != b->payload.len)
        return false;
    if (x->verdict == DECODE_TCP &&
        (a->tcp.seq != b->tcp.seq || a->tcp.ack != b->tcp.ack || a->tcp.window != b->tcp.window ||
         a->tcp.flags != b->tcp.flags))
        return false;
    if (x->verdict == DECODE_FRAGMENT &&
        (a->fragment.id != b->fragment.id || a->fragment.offset != b->fragment.offset ||
         a->fragment.more != b->fragment.more))
        return false;
    size_t len = a->payload.len;
    if (x->verdict == DECODE_UDP && len > RTP_OCTETS && (a->payload.at[0] & 0xc0) == 0x80)
        len = RTP_OCTETS;
    return slice_eq(slice_head(a->payload, len), slice_head(b->payload, len));
}

static enum copy_kind expect(const struct seen *first, const struct seen *second)
{
    const struct datagram *a = &first->datagram, *b = &second->datagram;
    if (llabs(b->time_ns - a->time_ns) > WINDOW_NS)
        return COPY_NONE;
    if (a->tunnel_depth != b->tunnel_depth)
        return COPY_TUNNEL;
    if (a->ttl != b->ttl)
        return COPY_ROUTED;
    return a->envelope != b->envelope ? COPY_VLAN : COPY_SAME;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen seen[PACKETS_MAX], packet;
    size_t count = 0;
    int64_t now_ns = NOON;
    struct copies copies;
    if (copies_init(&copies, TABLE_PACKETS, WINDOW_NS))
        return 0;
    while (size >= HEADER_LEN && count < PACKETS_MAX) {
        size_t taken = read_packet(data, size, &now_ns, &packet);
        if (data[7] == 0xff) {
            int64_t step_ns = (int64_t)data[6] * 1000000 * MS;
            copies_clock_step(&copies, step_ns);
            now_ns += step_ns;
            packet.datagram.time_ns += step_ns;
            for (size_t i = 0; i < count; i++)
                seen[i].datagram.time_ns += step_ns;
        }
        data += taken;
        size -= taken;
        size_t i = 0;
        while (i < count && !is_same(&seen[i], &packet))
            i++;
        enum copy_kind expected = i < count ? expect(&seen[i], &packet) : COPY_NONE;
        uint64_t fingerprint = copies_fingerprint(&copies, &packet.datagram, packet.verdict);
        copies_prefetch(&copies, fingerprint);
        if (copies_check(&copies, fingerprint, &packet.datagram) != expected)
            abort();
        if (expected == COPY_NONE)
            seen[i] = packet;
        count += i == count;
    }
    copies_fini(&copies);
    return 0;
}
