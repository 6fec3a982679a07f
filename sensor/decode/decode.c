#include "decode/decode.h"

#include "decode/ip.h"
#include "decode/link.h"

enum { UDP_HEADER_LEN = 8 };

/*
 * RFC 768. The checksum is not looked at: where a host mirrors its own traffic, the network card
 * fills it in later.
 */
static enum decode_verdict decode_udp(struct layer *layer, struct datagram *out)
{
    size_t carried = layer->bytes.left + layer->cut;
    if (layer->bytes.left < UDP_HEADER_LEN)
        return layer_too_short(layer, UDP_HEADER_LEN);
    uint16_t src_port = cursor_u16(&layer->bytes);
    uint16_t dst_port = cursor_u16(&layer->bytes);
    size_t len = cursor_u16(&layer->bytes);
    cursor_skip(&layer->bytes, 2);
    if (len == 0 && layer->open_ended)
        len = carried;
    if (len < UDP_HEADER_LEN || len > carried)
        return DECODE_MALFORMED;

    size_t payload_len = len - UDP_HEADER_LEN;
    out->truncated = payload_len > layer->bytes.left;
    if (out->truncated)
        payload_len = layer->bytes.left;
    out->src.port = src_port;
    out->dst.port = dst_port;
    out->payload = slice_of((const char *)layer->bytes.at, payload_len);
    return DECODE_UDP;
}

/* By the number of the protocol that IP carries. */
static enum decode_verdict decode_transport(struct layer *layer, struct datagram *out)
{
    switch (out->protocol) {
    case IP_PROTOCOL_UDP:
        return decode_udp(layer, out);
    default:
        out->truncated = layer->cut > 0;
        return DECODE_OTHER_IP;
    }
}

/*
 * Endpoints are cleared with their padding, so that they may be hashed as bytes. Field by field:
 * over the whole of it, gcc makes a string instruction that costs as much as the decoding.
 */
static void reset_datagram(const struct packet *packet, struct datagram *out)
{
    memset(&out->src, 0, sizeof out->src);
    memset(&out->dst, 0, sizeof out->dst);
    memset(out->vlan, 0, sizeof out->vlan);
    out->payload = SLICE_NONE;
    out->time_ns = packet->time_ns;
    out->packet_number = packet->number;
    out->interface = packet->interface;
    out->ip_id = 0;
    out->has_ip_id = false;
    out->vlan_count = 0;
    out->ttl = 0;
    out->protocol = 0;
    out->truncated = false;
}

enum decode_verdict decode_packet(const struct packet *packet, struct datagram *out)
{
    struct layer layer = {cursor_of(packet->bytes, packet->captured_len), 0, false};
    if (packet->wire_len > packet->captured_len)
        layer.cut = packet->wire_len - packet->captured_len;
    reset_datagram(packet, out);

    unsigned version = 0;
    enum decode_verdict verdict = link_decode(packet->link_type, &layer, &version, out);
    if (verdict != DECODE_OTHER_IP)
        return verdict;
    verdict = ip_decode(&layer, version, out);
    if (verdict != DECODE_OTHER_IP)
        return verdict;
    return decode_transport(&layer, out);
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
    case DECODE_VERDICT_COUNT:
        break;
    }
    return "unknown";
}
