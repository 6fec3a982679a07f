#include "decode/tunnel.h"

#include "decode/link.h"

enum {
    GRE_CHECKSUM = 0x8000,
    GRE_ROUTING = 0x4000,
    GRE_KEY = 0x2000,
    GRE_SEQUENCE = 0x1000,
    GRE_ACKNOWLEDGMENT = 0x0080, /* version 1 */
    GRE_VERSION = 0x0007,
};

/* What GRE carries, besides Ethernet types. */
enum {
    GRE_ERSPAN_III = 0x22eb,
    GRE_PPP = 0x880b,
    GRE_WCCP = 0x883e,
    GRE_CMD = 0x8909,    /* Cisco's metadata: the type of what follows comes first */
    GRE_ERSPAN = 0x88be, /* types I and II */
};

enum {
    GRE_LEN = 4,
    GRE_FIELD_LEN = 4, /* of each optional one */
    GRE_ROUTE_LEN = 4, /* of a source route entry's head */
    GRE_ROUTES_MAX = 8,
    ERSPAN_II_LEN = 8,
    ERSPAN_III_LEN = 12,
    ERSPAN_SUBHEADER_LEN = 8,
    WCCP_LEN = 4,
    CMD_LEN = 8,
    VXLAN_LEN = 8,
    GENEVE_LEN = 8,
    GTP_LEN = 8,
    GTP_OPTIONS_LEN = 4,
    GTP_EXTENSIONS_MAX = 8,
    TZSP_LEN = 4,
};

enum decode_verdict tunnel_none(const struct layer *layer, struct datagram *out)
{
    out->payload = slice_of((const char *)layer->bytes.at, layer->bytes.left);
    out->truncated = layer->cut > 0;
    return DECODE_OTHER_IP;
}

/* Type I has no header of its own, and no sequence number in GRE. The id is VLAN and session. */
static enum decode_verdict decode_erspan(struct layer *layer, bool has_header, struct datagram *out)
{
    if (!has_header) {
        layer_enter_tunnel(out, TUNNEL_ERSPAN, 0);
        return layer_go_on(layer, LAYER_ETHERNET);
    }
    const uint8_t *header = cursor_take(&layer->bytes, ERSPAN_II_LEN);
    if (!header)
        return layer_too_short(layer, ERSPAN_II_LEN);
    layer_enter_tunnel(out, TUNNEL_ERSPAN, layer_u32(header) & 0x0fff03ff);
    unsigned version = header[0] >> 4;
    if (version == 1)
        return layer_go_on(layer, LAYER_ETHERNET);
    if (version != 2)
        return DECODE_NOT_IP;

    const uint8_t *rest = cursor_take(&layer->bytes, ERSPAN_III_LEN - ERSPAN_II_LEN);
    if (!rest)
        return layer_too_short(layer, ERSPAN_III_LEN - ERSPAN_II_LEN);
    unsigned flags = layer_u16(rest + 2);
    if ((flags & 1) != 0 && !cursor_take(&layer->bytes, ERSPAN_SUBHEADER_LEN))
        return layer_too_short(layer, ERSPAN_SUBHEADER_LEN);
    switch (flags >> 10 & 0x1f) { /* frame type */
    case 0:
        return layer_go_on(layer, LAYER_ETHERNET);
    case 2:
        return layer_go_on_ip(layer, 0);
    default:
        return DECODE_NOT_IP;
    }
}

/* Version 2 has a redirect header before the packet, version 1 none. */
static enum decode_verdict decode_wccp(struct layer *layer)
{
    if (layer->bytes.left == 0)
        return layer_too_short(layer, 1);
    if (layer->bytes.at[0] >> 4 != 4 && !cursor_take(&layer->bytes, WCCP_LEN))
        return layer_too_short(layer, WCCP_LEN);
    return layer_go_on_ip(layer, 0);
}

/* The key is a payload length and a call id; without a sequence number there is no payload. */
static enum decode_verdict decode_pptp(struct layer *layer, unsigned flags, uint32_t key,
                                       struct datagram *out)
{
    if ((flags & GRE_SEQUENCE) == 0)
        return DECODE_NOT_IP;
    layer_bound(layer, key >> 16);
    layer_enter_tunnel(out, TUNNEL_GRE, key & 0xffff);
    return layer_go_on(layer, LAYER_PPP);
}

/* Source route entries, each with its length; the last is of address family 0 and empty (RFC 1701).
 */
static enum decode_verdict skip_routes(struct layer *layer)
{
    for (unsigned count = 0; count <= GRE_ROUTES_MAX; count++) {
        const uint8_t *entry = cursor_take(&layer->bytes, GRE_ROUTE_LEN);
        if (!entry)
            return layer_too_short(layer, GRE_ROUTE_LEN);
        if (layer_u16(entry) == 0 && entry[3] == 0)
            return LAYER_GOES_ON;
        if (!cursor_take(&layer->bytes, entry[3]))
            return layer_too_short(layer, entry[3]);
    }
    return DECODE_MALFORMED;
}

enum decode_verdict gre_decode(struct layer *layer, struct datagram *out)
{
    const uint8_t *header = layer->bytes.at;
    if (layer->bytes.left < GRE_LEN)
        return layer_too_short(layer, GRE_LEN);
    unsigned flags = layer_u16(header);
    uint16_t type = layer_u16(header + 2);
    unsigned version = flags & GRE_VERSION;
    bool is_pptp = version == 1 && type == GRE_PPP && (flags & GRE_KEY) != 0;
    if (version != 0 && !is_pptp)
        return tunnel_none(layer, out);

    size_t key_at = GRE_LEN + ((flags & (GRE_CHECKSUM | GRE_ROUTING)) != 0 ? GRE_FIELD_LEN : 0);
    size_t len = key_at;
    len += (flags & GRE_KEY) != 0 ? GRE_FIELD_LEN : 0;
    len += (flags & GRE_SEQUENCE) != 0 ? GRE_FIELD_LEN : 0;
    len += is_pptp && (flags & GRE_ACKNOWLEDGMENT) != 0 ? GRE_FIELD_LEN : 0;
    if (!cursor_take(&layer->bytes, len))
        return layer_too_short(layer, len);
    uint32_t key = (flags & GRE_KEY) != 0 ? layer_u32(header + key_at) : 0;
    if ((flags & GRE_ROUTING) != 0) {
        enum decode_verdict verdict = skip_routes(layer);
        if (verdict != LAYER_GOES_ON)
            return verdict;
    }
    if (is_pptp)
        return decode_pptp(layer, flags, key, out);
    if (type == GRE_ERSPAN || type == GRE_ERSPAN_III)
        return decode_erspan(layer, type == GRE_ERSPAN_III || (flags & GRE_SEQUENCE) != 0, out);

    layer_enter_tunnel(out, TUNNEL_GRE, key);
    switch (type) {
    case ETHERTYPE_BRIDGED:
        return layer_go_on(layer, LAYER_ETHERNET);
    case GRE_PPP:
        return layer_go_on(layer, LAYER_PPP);
    case GRE_WCCP:
        return decode_wccp(layer);
    case GRE_CMD: {
        const uint8_t *metadata = cursor_take(&layer->bytes, CMD_LEN);
        if (!metadata)
            return layer_too_short(layer, CMD_LEN);
        layer->type = layer_u16(metadata);
        return layer_go_on(layer, LAYER_TYPE);
    }
    default:
        layer->type = type;
        return layer_go_on(layer, LAYER_TYPE);
    }
}

/*
 * The I flag says that there is a VNI. What is reserved beside it is in use by one vendor or
 * another; in the generic extension, there is a version (0), a flag for a next protocol, and one
 * for OAM.
 */
static bool open_vxlan(struct layer *layer, bool is_generic, struct datagram *out)
{
    const uint8_t *header = cursor_take(&layer->bytes, VXLAN_LEN);
    if (!header || (header[0] & 0x08) == 0 || (is_generic && (header[0] & 0x31) != 0))
        return false;
    layer->next = LAYER_ETHERNET;
    if (is_generic && (header[0] & 0x04) != 0) {
        switch (header[3]) {
        case 1:
            (void)layer_go_on_ip(layer, 4);
            break;
        case 2:
            (void)layer_go_on_ip(layer, 6);
            break;
        case 3:
            break;
        case 5:
            layer->next = LAYER_MPLS;
            break;
        default:
            return false;
        }
    }
    layer_enter_tunnel(out, TUNNEL_VXLAN, layer_u32(header + 4) >> 8);
    return true;
}

static bool open_geneve(struct layer *layer, struct datagram *out)
{
    const uint8_t *header = cursor_take(&layer->bytes, GENEVE_LEN);
    if (!header || header[0] >> 6 != 0 ||
        !cursor_take(&layer->bytes, (size_t)(header[0] & 0x3f) * 4))
        return false;
    layer->type = layer_u16(header + 2);
    layer->next = layer->type == ETHERTYPE_BRIDGED ? LAYER_ETHERNET : LAYER_TYPE;
    layer_enter_tunnel(out, TUNNEL_GENEVE, layer_u32(header + 4) >> 8);
    return true;
}

/* TS 29.281 section 5.2: each begins with its length in fours, and ends with the type of the next.
 */
static bool skip_gtp_extensions(struct cursor *bytes, uint8_t type)
{
    for (unsigned count = 0; type != 0; count++) {
        size_t len = (size_t)cursor_u8(bytes) * 4;
        if (len == 0 || count == GTP_EXTENSIONS_MAX)
            return false;
        const uint8_t *content = cursor_take(bytes, len - 1);
        if (!content)
            return false;
        type = content[len - 2];
    }
    return true;
}

/* A G-PDU of version 1: an IP packet, of the version that its first octet says. */
static bool open_gtp(struct layer *layer, struct datagram *out)
{
    enum { VERSION_1 = 0x30, VERSION_MASK = 0xf8, HAS_EXTENSION = 0x04, HAS_OPTIONS = 0x07 };
    enum { G_PDU = 255 };
    const uint8_t *header = cursor_take(&layer->bytes, GTP_LEN);
    if (!header || (header[0] & VERSION_MASK) != VERSION_1 || header[1] != G_PDU ||
        layer_u16(header + 2) != layer->bytes.left + layer->cut)
        return false;
    if ((header[0] & HAS_OPTIONS) != 0) {
        const uint8_t *options = cursor_take(&layer->bytes, GTP_OPTIONS_LEN);
        if (!options)
            return false;
        uint8_t next = (header[0] & HAS_EXTENSION) != 0 ? options[GTP_OPTIONS_LEN - 1] : 0;
        if (!skip_gtp_extensions(&layer->bytes, next))
            return false;
    }
    layer_enter_tunnel(out, TUNNEL_GTP_U, layer_u32(header + 4));
    (void)layer_go_on_ip(layer, 0);
    return true;
}

/* Version 1, a packet that was received or is to be sent, Ethernet; then tags up to the end's. */
static bool open_tzsp(struct layer *layer, struct datagram *out)
{
    enum { TAG_PADDING = 0, TAG_END = 1 };
    const uint8_t *header = cursor_take(&layer->bytes, TZSP_LEN);
    if (!header || header[0] != 1 || header[1] > 1 || layer_u16(header + 2) != 1)
        return false;
    uint8_t tag;
    while ((tag = cursor_u8(&layer->bytes)) != TAG_END) {
        if (tag != TAG_PADDING)
            cursor_skip(&layer->bytes, cursor_u8(&layer->bytes));
        if (layer->bytes.failed)
            return false;
    }
    layer_enter_tunnel(out, TUNNEL_TZSP, 0);
    layer->next = LAYER_ETHERNET;
    return true;
}

/* RFC 8086; stricter than gre_decode, for the payload may be anything. */
static bool open_gre(struct layer *layer, struct datagram *out)
{
    if (layer->bytes.left < GRE_LEN ||
        (layer_u16(layer->bytes.at) & ~(GRE_CHECKSUM | GRE_KEY | GRE_SEQUENCE)) != 0)
        return false;
    return gre_decode(layer, out) == LAYER_GOES_ON;
}

static bool open_by_port(struct layer *layer, uint16_t src, uint16_t dst, struct datagram *out)
{
    switch (dst) {
    case TUNNEL_PORT_VXLAN:
    case TUNNEL_PORT_VXLAN_LINUX:
        return open_vxlan(layer, false, out);
    case TUNNEL_PORT_VXLAN_GPE:
        return open_vxlan(layer, true, out);
    case TUNNEL_PORT_GENEVE:
        return open_geneve(layer, out);
    case TUNNEL_PORT_TZSP:
        return open_tzsp(layer, out);
    case TUNNEL_PORT_GRE:
        return open_gre(layer, out);
    case TUNNEL_PORT_MPLS:
        layer->next = LAYER_MPLS;
        return true;
    case TUNNEL_PORT_GTP_U:
        return open_gtp(layer, out);
    default:
        return src == TUNNEL_PORT_GTP_U && open_gtp(layer, out);
    }
}

enum decode_verdict tunnel_close_udp(const struct layer *layer, struct datagram *out)
{
    out->envelope = layer->udp.envelope;
    out->tunnel = layer->udp.tunnel;
    out->tunnel_depth = layer->udp.tunnel_depth;
    out->layers = layer->udp.layers;
    return DECODE_UDP;
}

enum decode_verdict tunnel_open_udp(struct layer *layer, struct datagram *out)
{
    struct layer inner = *layer;
    inner.udp = (struct layer_udp){out->envelope, out->tunnel, out->tunnel_depth, out->layers};
    inner.is_guess = true;
    if (!open_by_port(&inner, out->src.port, out->dst.port, out))
        return tunnel_close_udp(&inner, out);
    *layer = inner;
    return LAYER_GOES_ON;
}
