/*
 * decode: the first two octets choose the link type, one more how much the snap length cut. A
 * fragment is taken for the whole of its datagram, and goes on; an ICMP message is read.
 */
#include <stdlib.h>
#include <string.h>

#include "decode/decode.h"
#include "decode/hep.h"
#include "decode/icmp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* Is a slice, if it has anything, a part of `len` octets at `bytes`? */
static bool is_inside(struct slice slice, const void *bytes, size_t len)
{
    const char *begin = (const char *)bytes;
    if (slice.len == 0)
        return true;
    return slice.at >= begin && slice.len <= len && (size_t)(slice.at - begin) <= len - slice.len;
}

static void check_ip(const struct datagram *d, enum decode_verdict verdict)
{
    uint8_t version = d->src.ip.version;
    require((version == 4 || version == 6) && d->dst.ip.version == version);
    require(d->has_ip_id == (version == 4));
    if (verdict != DECODE_UDP && verdict != DECODE_TCP)
        require(d->src.port == 0 && d->dst.port == 0);
    require(verdict != DECODE_UDP || d->protocol == 17);
    require(verdict != DECODE_TCP || d->protocol == 6);
    require(verdict != DECODE_ICMP || d->protocol == (version == 4 ? 1 : 58));
    require(d->outer_src.version == d->outer_dst.version);
    require(d->outer_src.version == 0 || d->tunnel_depth > 0);
    require(d->transport == TRANSPORT_UDP && !d->incomplete);
    require(verdict != DECODE_FRAGMENT || d->fragment.offset % 8 == 0);
    require(verdict != DECODE_FRAGMENT || d->fragment.offset != 0 || d->fragment.more);
}

/* A HEP message: there is no packet of it. */
static void check_message(const struct datagram *d)
{
    uint8_t version = d->src.ip.version;
    require((version == 4 || version == 6) && d->dst.ip.version == version);
    require(d->payload.len > 0 && !d->has_ip_id && d->ttl == 0 && d->tunnel_depth == 0);
    require(d->transport < TRANSPORT_COUNT && !d->incomplete && !d->truncated);
}

static void check(const struct datagram *d, enum decode_verdict verdict, const void *bytes,
                  size_t len)
{
    require(verdict < DECODE_VERDICT_COUNT);
    require(d->packet_number == 1 && d->vlan_count <= VLAN_TAGS_MAX);
    require(d->layers <= DECODE_LAYERS_MAX && d->tunnel_depth < DECODE_LAYERS_MAX);
    require(d->tunnel < TUNNEL_COUNT && (d->tunnel != TUNNEL_NONE) == (d->tunnel_depth > 0));
    require(d->tunnel_depth > 0 || d->vlan_count > 0 || d->envelope == 0);
    if (verdict == DECODE_MESSAGE) {
        require(is_inside(d->payload, bytes, len));
        check_message(d);
    }
    if (decode_is_ip(verdict)) {
        require(is_inside(d->payload, bytes, len));
        check_ip(d, verdict);
    }
}

static void check_icmp(const struct datagram *d)
{
    struct icmp_error error;
    if (!icmp_decode(d, &error))
        return;
    require(error.meaning < ICMP_MEANING_COUNT);
    require(error.src.ip.version == d->src.ip.version && error.is_v6 == (d->src.ip.version == 6));
    require(error.dst.ip.version == d->src.ip.version);
    require(is_inside(error.payload, d->payload.at, d->payload.len));
    require(error.has_ports || (error.src.port == 0 && error.dst.port == 0));
    require(error.has_ports || (error.payload.len == 0 && error.udp_len == 0));
    require(!error.has_ports || error.fragment_offset == 0);
}

/*
 * The plain packet in an Ethernet frame is decoded in one go, without that frame it is not: both
 * ways say the same, but for what they do not set.
 */
static void check_plain(const struct packet *frame, const struct datagram *d,
                        enum decode_verdict verdict)
{
    enum { ETHERNET_LEN = 14 };
    static const uint8_t ipv4[] = {0x08, 0x00};
    if (frame->link_type != 1 || frame->captured_len < ETHERNET_LEN ||
        memcmp(frame->bytes + ETHERNET_LEN - 2, ipv4, sizeof ipv4) != 0)
        return;
    struct packet bare = *frame;
    bare.link_type = 228;
    bare.bytes += ETHERNET_LEN;
    bare.captured_len -= ETHERNET_LEN;
    bare.wire_len -= ETHERNET_LEN;
    struct datagram other;
    require(decode_packet(&bare, &other) == verdict);
    require(memcmp(&other.src, &d->src, sizeof d->src) == 0);
    require(memcmp(&other.dst, &d->dst, sizeof d->dst) == 0);
    require(ip_eq(&other.outer_src, &d->outer_src) && ip_eq(&other.outer_dst, &d->outer_dst));
    require(other.payload.at == d->payload.at && other.payload.len == d->payload.len);
    require(other.envelope == d->envelope && other.ip_id == d->ip_id);
    require(memcmp(other.vlan, d->vlan, sizeof d->vlan) == 0 && other.vlan_count == d->vlan_count);
    require(other.ttl == d->ttl && other.protocol == d->protocol);
    require(other.tunnel == d->tunnel && other.tunnel_depth == d->tunnel_depth);
    require(other.layers == d->layers && other.has_ip_id == d->has_ip_id);
    require(other.truncated == d->truncated && other.incomplete == d->incomplete);
    require(other.time_ns == d->time_ns && other.packet_number == d->packet_number);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t links[] = {0, 1, 12, 14, 101, 108, 113, 228, 229, 276};
    if (size < 3)
        return 0;
    unsigned choice = (unsigned)(data[0] << 8 | data[1]);
    struct packet packet = {
        .number = 1,
        .bytes = data + 3,
        .captured_len = (uint32_t)(size - 3),
        .wire_len = (uint32_t)(size - 3 + data[2]),
        /* All of the 65,536, but the known ones more often. */
        .link_type = choice == 0x7fff  ? HEP_LINK
                     : choice < 0x8000 ? links[choice % 10]
                                       : (uint16_t)(choice - 0x8000),
    };
    struct datagram d;
    enum decode_verdict verdict = decode_packet(&packet, &d);
    check(&d, verdict, packet.bytes, packet.captured_len);
    check_plain(&packet, &d, verdict);
    for (unsigned rounds = 0; verdict == DECODE_FRAGMENT; rounds++) {
        require(rounds < DECODE_LAYERS_MAX);
        struct datagram first = d;
        verdict = decode_reassembled(&first, first.payload, &d);
        check(&d, verdict, first.payload.at, first.payload.len);
    }
    if (verdict == DECODE_ICMP)
        check_icmp(&d);
    return 0;
}
