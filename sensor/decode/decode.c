#include "decode/decode.h"

#include "decode/hep.h"
#include "decode/ip.h"
#include "decode/label.h"
#include "decode/link.h"
#include "decode/plain.h"
#include "decode/tunnel.h"

enum { TCP_HEADER_LEN = 20 };

/* More than an IP datagram can have: of one whose fragments were cut, nobody knows how much. */
enum { CUT_UNKNOWN = 0x10000 };

/*
 * RFC 768. The checksum is not looked at: where a host mirrors its own traffic, the network card
 * fills it in later.
 */
static enum decode_verdict decode_udp(struct layer *layer, struct datagram *out)
{
    size_t carried = layer->bytes.left + layer->cut;
    const uint8_t *header = cursor_take(&layer->bytes, UDP_HEADER_LEN);
    if (!header)
        return layer_too_short(layer, UDP_HEADER_LEN);
    size_t len = layer_u16(header + 4);
    if (len == 0 && layer->open_ended)
        len = carried;
    if (len < UDP_HEADER_LEN || len > carried)
        return DECODE_MALFORMED;

    layer_bound(layer, len - UDP_HEADER_LEN);
    out->truncated = layer->cut > 0;
    out->src.port = layer_u16(header);
    out->dst.port = layer_u16(header + 2);
    out->payload = slice_of((const char *)layer->bytes.at, layer->bytes.left);
    return tunnel_has_ports(out->src.port, out->dst.port) ? tunnel_open_udp(layer, out)
                                                          : DECODE_UDP;
}

/* RFC 9293 section 3.1; the options are stepped over. */
static enum decode_verdict decode_tcp(struct layer *layer, struct datagram *out)
{
    const uint8_t *header = cursor_take(&layer->bytes, TCP_HEADER_LEN);
    if (!header)
        return layer_too_short(layer, TCP_HEADER_LEN);
    size_t len = (size_t)(header[12] >> 4) * 4;
    if (len < TCP_HEADER_LEN)
        return DECODE_MALFORMED;
    if (!cursor_take(&layer->bytes, len - TCP_HEADER_LEN))
        return layer_too_short(layer, len - TCP_HEADER_LEN);
    out->src.port = layer_u16(header);
    out->dst.port = layer_u16(header + 2);
    out->tcp = (struct tcp_header){.seq = layer_u32(header + 4),
                                   .ack = layer_u32(header + 8),
                                   .window = layer_u16(header + 14),
                                   .flags = header[13]};
    out->payload = slice_of((const char *)layer->bytes.at, layer->bytes.left);
    out->truncated = layer->cut > 0;
    return DECODE_TCP;
}

static enum decode_verdict decode_icmp(const struct layer *layer, uint8_t version,
                                       struct datagram *out)
{
    enum decode_verdict verdict = tunnel_none(layer, out);
    return out->src.ip.version == version ? DECODE_ICMP : verdict;
}

/* By the number of the protocol that IP carries. */
static enum decode_verdict decode_carried(struct layer *layer, struct datagram *out)
{
    if (out->protocol == IP_PROTOCOL_UDP)
        return decode_udp(layer, out);
    switch (out->protocol) {
    case IP_PROTOCOL_TCP:
        return decode_tcp(layer, out);
    case IP_PROTOCOL_ICMP:
        return decode_icmp(layer, 4, out);
    case IP_PROTOCOL_ICMPV6:
        return decode_icmp(layer, 6, out);
    case IP_PROTOCOL_GRE:
        return gre_decode(layer, out);
    case IP_PROTOCOL_IPV4:
        layer_enter_tunnel(out, TUNNEL_IP_IN_IP, 0);
        return layer_go_on_ip(layer, 4);
    case IP_PROTOCOL_IPV6:
        layer_enter_tunnel(out, TUNNEL_6IN4, 0);
        return layer_go_on_ip(layer, 6);
    default:
        return tunnel_none(layer, out);
    }
}

/* What is neither IP nor carried by it. */
static __attribute__((noinline)) enum decode_verdict decode_wrapping(struct layer *layer,
                                                                     struct datagram *out)
{
    switch (layer->next) {
    case LAYER_ETHERNET:
        return link_decode_ethernet(layer, out);
    case LAYER_TYPE:
        return link_decode_type(layer, out);
    case LAYER_MPLS:
        return mpls_decode(layer, out);
    case LAYER_PPPOE:
        return pppoe_decode(layer, out);
    case LAYER_PPP:
        return ppp_decode(layer);
    default:
        return DECODE_MALFORMED;
    }
}

static enum decode_verdict decode_ip_packet(struct layer *layer, struct datagram *out)
{
    enum decode_verdict verdict = ip_decode(layer, out);
    return verdict == LAYER_GOES_ON ? decode_carried(layer, out) : verdict;
}

/* The plain way is link, IP, UDP: it asks as little as possible. */
static enum decode_verdict decode_layers(struct layer *layer, struct datagram *out)
{
    for (;;) {
        bool is_ip = layer->next == LAYER_IP;
        unsigned layers = out->layers + (is_ip ? 2U : 1U); /* IP's header and what it carries */
        if (layers > DECODE_LAYERS_MAX)
            return DECODE_MALFORMED;
        out->layers = (uint8_t)layers;
        enum decode_verdict verdict =
            is_ip ? decode_ip_packet(layer, out) : decode_wrapping(layer, out);
        if (verdict == LAYER_GOES_ON)
            continue;
        if (layer->is_guess && !decode_is_ip(verdict))
            return tunnel_close_udp(layer, out);
        return verdict;
    }
}

/*
 * Endpoints are cleared with their padding, so that they may be hashed as bytes. Field by field:
 * over the whole of it, gcc makes a string instruction that costs as much as the decoding.
 */
static inline void reset_datagram(const struct packet *packet, struct datagram *restrict out)
{
    memset(&out->src, 0, sizeof out->src);
    memset(&out->dst, 0, sizeof out->dst);
    memset(&out->outer_src, 0, sizeof out->outer_src);
    memset(&out->outer_dst, 0, sizeof out->outer_dst);
    memset(out->vlan, 0, sizeof out->vlan);
    out->payload = SLICE_NONE;
    out->time_ns = packet->time_ns;
    out->packet_number = packet->number;
    out->envelope = 0;
    out->transport = TRANSPORT_UDP;
    out->interface = packet->interface;
    out->ip_id = 0;
    out->vlan_count = 0;
    out->ttl = 0;
    out->protocol = 0;
    out->tunnel = TUNNEL_NONE;
    out->tunnel_depth = 0;
    out->layers = 1; /* the link's */
    out->has_ip_id = false;
    out->truncated = false;
    out->incomplete = false;
}

/* Nearly all packets. False: it is something else, and nothing was touched. */
static inline bool decode_plain(const struct packet *packet, struct datagram *restrict out)
{
    const uint8_t *ip = plain_ip_of(packet);
    if (!ip)
        return false;
    /* All is read before anything is written: the compiler then writes each field once. */
    const uint8_t *udp = ip + IPV4_HEADER_LEN;
    uint16_t src_port = layer_u16(udp), dst_port = layer_u16(udp + 2), ip_id = plain_ip_id(ip);
    uint8_t addresses[8], ttl = plain_ttl(ip);
    memcpy(addresses, ip + 12, sizeof addresses);
    struct slice payload = plain_payload(ip);
    reset_datagram(packet, out);
    out->src.ip.version = out->dst.ip.version = 4;
    memcpy(out->src.ip.octets, addresses, 4);
    memcpy(out->dst.ip.octets, addresses + 4, 4);
    out->src.port = src_port;
    out->dst.port = dst_port;
    out->payload = payload;
    out->ip_id = ip_id;
    out->has_ip_id = true;
    out->ttl = ttl;
    out->protocol = IP_PROTOCOL_UDP;
    out->layers = 3;
    return true;
}

static __attribute__((noinline)) enum decode_verdict decode_frame(const struct packet *packet,
                                                                  struct datagram *out)
{
    struct layer layer;
    layer.bytes = cursor_of(packet->bytes, packet->captured_len);
    layer.cut =
        packet->wire_len > packet->captured_len ? packet->wire_len - packet->captured_len : 0;
    layer.is_guess = false;
    reset_datagram(packet, out);
    if (packet->link_type == HEP_LINK)
        return hep_decode(packet, out);
    enum decode_verdict verdict = link_decode(packet->link_type, &layer, out);
    return verdict == LAYER_GOES_ON ? decode_layers(&layer, out) : verdict;
}

enum decode_verdict decode_packet(const struct packet *packet, struct datagram *out)
{
    return decode_plain(packet, out) ? DECODE_UDP : decode_frame(packet, out);
}

enum decode_verdict decode_reassembled(const struct datagram *first, struct slice payload,
                                       struct datagram *out)
{
    struct layer layer = {.bytes = cursor_of(payload.at, payload.len),
                          .cut = first->truncated ? CUT_UNKNOWN : 0};
    *out = *first;
    out->truncated = false;
    out->payload = SLICE_NONE;
    if (out->layers == DECODE_LAYERS_MAX)
        return DECODE_MALFORMED;
    out->layers++;
    enum decode_verdict verdict = ip_decode_reassembled(&layer, out);
    if (verdict == LAYER_GOES_ON)
        verdict = decode_carried(&layer, out);
    return verdict == LAYER_GOES_ON ? decode_layers(&layer, out) : verdict;
}

const char *decode_verdict_name(enum decode_verdict verdict)
{
    switch (verdict) {
    case DECODE_UDP:
        return "udp";
    case DECODE_TCP:
        return "tcp";
    case DECODE_ICMP:
        return "icmp";
    case DECODE_OTHER_IP:
        return "other_ip";
    case DECODE_FRAGMENT:
        return "fragment";
    case DECODE_NOT_IP:
        return "not_ip";
    case DECODE_UNKNOWN_LINK:
        return "unknown_link";
    case DECODE_TRUNCATED:
        return "truncated";
    case DECODE_MALFORMED:
        return "malformed";
    case DECODE_MESSAGE:
        return "message";
    case DECODE_VERDICT_COUNT:
        break;
    }
    return "unknown";
}
