#include "decode/ip.h"

enum { IPV4_HEADER_LEN = 20, IPV6_HEADER_LEN = 40, EXTENSIONS_MAX = 8, EXTENSIONS_LEN_MAX = 512 };

enum {
    PROTOCOL_HOP_BY_HOP = 0,
    PROTOCOL_ROUTING = 43,
    PROTOCOL_FRAGMENT = 44,
    PROTOCOL_AH = 51,
    PROTOCOL_DESTINATION = 60,
};

/*
 * Ends the layer after `len` octets: what is behind them is padding, and what is missing of them
 * was not captured. That goes for a packet whose frame is whole but shorter, too: a mirror may cut.
 */
static void bound_layer(struct layer *layer, size_t len)
{
    if (len <= layer->bytes.left) {
        layer->bytes.left = len;
        layer->cut = 0;
    } else {
        layer->cut = len - layer->bytes.left;
    }
}

/*
 * Steps over the extension headers that *protocol announces, and leaves in it what they carry.
 * DECODE_OTHER_IP: whole; DECODE_FRAGMENT: a part of a datagram.
 */
static enum decode_verdict skip_extensions(struct layer *layer, uint8_t *protocol)
{
    size_t total = 0;
    for (unsigned count = 0;; count++) {
        uint8_t type = *protocol;
        if (type != PROTOCOL_HOP_BY_HOP && type != PROTOCOL_ROUTING && type != PROTOCOL_FRAGMENT &&
            type != PROTOCOL_AH && type != PROTOCOL_DESTINATION)
            return DECODE_OTHER_IP;
        const uint8_t *header = cursor_take(&layer->bytes, 8);
        if (!header)
            return layer_too_short(layer, 8);
        size_t len = 8; /* of a fragment header, which has no length field */
        if (type == PROTOCOL_AH)
            len = ((size_t)header[1] + 2) * 4;
        else if (type != PROTOCOL_FRAGMENT)
            len = ((size_t)header[1] + 1) * 8;
        total += len;
        if (total > EXTENSIONS_LEN_MAX || count == EXTENSIONS_MAX)
            return DECODE_MALFORMED;
        if (!cursor_take(&layer->bytes, len - 8))
            return layer_too_short(layer, len - 8);
        *protocol = header[0];
        /* Offset and the M bit; both 0 is an atomic fragment, a whole packet (RFC 6946). */
        if (type == PROTOCOL_FRAGMENT && (layer_u16(header + 2) & 0xfff9) != 0)
            return DECODE_FRAGMENT;
    }
}

static enum decode_verdict decode_v4(struct layer *layer, struct datagram *out)
{
    const uint8_t *header = layer->bytes.at;
    if (layer->bytes.left < IPV4_HEADER_LEN)
        return layer_too_short(layer, IPV4_HEADER_LEN);
    size_t header_len = (size_t)(header[0] & 0x0f) * 4;
    size_t total_len = layer_u16(header + 2);
    layer->open_ended = total_len == 0;
    if (header_len < IPV4_HEADER_LEN || (total_len != 0 && total_len < header_len))
        return DECODE_MALFORMED;
    if (total_len != 0)
        bound_layer(layer, total_len);
    if (!cursor_take(&layer->bytes, header_len))
        return layer_too_short(layer, header_len);

    out->ip_id = layer_u16(header + 4);
    out->has_ip_id = true;
    out->ttl = header[8];
    out->protocol = header[9];
    out->src.ip.version = 4;
    memcpy(out->src.ip.octets, header + 12, 4);
    out->dst.ip.version = 4;
    memcpy(out->dst.ip.octets, header + 16, 4);
    /* Offset and MF; neither the reserved bit nor DF. */
    if ((layer_u16(header + 6) & 0x3fff) != 0)
        return DECODE_FRAGMENT;
    /* The other extension headers are IPv6's alone. */
    return out->protocol == PROTOCOL_AH ? skip_extensions(layer, &out->protocol) : DECODE_OTHER_IP;
}

static enum decode_verdict decode_v6(struct layer *layer, struct datagram *out)
{
    const uint8_t *header = cursor_take(&layer->bytes, IPV6_HEADER_LEN);
    if (!header)
        return layer_too_short(layer, IPV6_HEADER_LEN);
    size_t payload_len = layer_u16(header + 4);
    layer->open_ended = payload_len == 0;
    if (!layer->open_ended)
        bound_layer(layer, payload_len);

    out->protocol = header[6];
    out->ttl = header[7];
    out->src.ip.version = 6;
    memcpy(out->src.ip.octets, header + 8, 16);
    out->dst.ip.version = 6;
    memcpy(out->dst.ip.octets, header + 24, 16);
    return skip_extensions(layer, &out->protocol);
}

enum decode_verdict ip_decode(struct layer *layer, unsigned version, struct datagram *out)
{
    if (layer->bytes.left == 0)
        return layer_too_short(layer, 1);
    unsigned nibble = layer->bytes.at[0] >> 4;
    if (version != 0 && version != nibble)
        return DECODE_MALFORMED;
    switch (nibble) {
    case 4:
        return decode_v4(layer, out);
    case 6:
        return decode_v6(layer, out);
    default:
        return DECODE_MALFORMED;
    }
}
