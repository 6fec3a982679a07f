#include "decode/link.h"

#include "decode/ip.h"

enum {
    LINKTYPE_NULL = 0,
    LINKTYPE_PPP = 9,
    LINKTYPE_RAW_LINUX =
        12, /* what libpcap calls raw IP on a device: its own number, not the file's */
    LINKTYPE_RAW_OPENBSD = 14,
    LINKTYPE_PPP_HDLC = 50,
    LINKTYPE_RAW = 101,
    LINKTYPE_LOOP = 108,
    LINKTYPE_LINUX_SLL = 113,
    LINKTYPE_IPV4 = 228,
    LINKTYPE_IPV6 = 229,
    LINKTYPE_LINUX_SLL2 = 276,
};

enum {
    SLL_LEN = 16,
    SLL2_LEN = 20,
    FAMILY_LEN = 4,
    VLAN_TAG_LEN = 4,
    LLC_SNAP_LEN = 8,
    METADATA_LEN = 6,
    TYPE_LEN = 2,
};

enum {
    ETHERTYPE_ARP = 0x0806,
    ETHERTYPE_VLAN = 0x8100,
    ETHERTYPE_MPLS = 0x8847,
    ETHERTYPE_MPLS_UPSTREAM = 0x8848, /* RFC 5332; multicast, before that */
    ETHERTYPE_PPPOE_SESSION = 0x8864,
    ETHERTYPE_SERVICE_VLAN = 0x88a8,
    ETHERTYPE_METADATA = 0x8909, /* Cisco's: a security group tag on the way between switches */
    ETHERTYPE_OLD_QINQ = 0x9100,
    ETHERTYPE_OLDER_QINQ = 0x9200,
    ETHERTYPE_OLDEST_QINQ = 0x9300,
    ETHERTYPE_MIN = 0x0600, /* below it the field is the length of an IEEE 802.3 frame */
};

static bool is_vlan(uint16_t type)
{
    return type == ETHERTYPE_VLAN || type == ETHERTYPE_SERVICE_VLAN || type == ETHERTYPE_OLD_QINQ ||
           type == ETHERTYPE_OLDER_QINQ || type == ETHERTYPE_OLDEST_QINQ;
}

/* How sure it is that what follows an Ethernet type is what the type says. See ip_score. */
static unsigned type_score(uint16_t type, const uint8_t *at, size_t left, size_t cut)
{
    for (unsigned tags = 0; is_vlan(type); tags++) {
        if (tags == VLAN_TAGS_MAX || left < VLAN_TAG_LEN)
            return IP_SCORE_NONE;
        type = layer_u16(at + 2);
        at += VLAN_TAG_LEN;
        left -= VLAN_TAG_LEN;
    }
    switch (type) {
    case ETHERTYPE_IPV4:
        return ip_score(at, left, cut, 4);
    case ETHERTYPE_IPV6:
        return ip_score(at, left, cut, 6);
    case ETHERTYPE_ARP: /* of hardware addresses that are Ethernet's */
        return left >= 2 && layer_u16(at) == 1 ? IP_SCORE_FITS : IP_SCORE_NONE;
    case ETHERTYPE_PPPOE_SESSION: /* its version and type */
        return left >= 1 && at[0] == 0x11 ? IP_SCORE_FITS : IP_SCORE_NONE;
    case ETHERTYPE_MPLS:
    case ETHERTYPE_MPLS_UPSTREAM:
        return left >= 4 ? IP_SCORE_FITS : IP_SCORE_NONE;
    default:
        return IP_SCORE_NONE;
    }
}

unsigned link_score(const uint8_t *at, size_t left, size_t cut)
{
    if (left < LINK_ETHERNET_LEN)
        return IP_SCORE_NONE;
    return type_score(layer_u16(at + 12), at + LINK_ETHERNET_LEN, left - LINK_ETHERNET_LEN, cut);
}

/* RFC 1042: LLC with both SAPs 0xaa and unnumbered information, then an OUI and an Ethernet type.
 */
static uint16_t snap_type(struct layer *layer)
{
    static const uint8_t ip_over_snap[] = {0xaa, 0xaa, 0x03, 0, 0, 0};
    const uint8_t *llc = cursor_take(&layer->bytes, LLC_SNAP_LEN);
    if (!llc || memcmp(llc, ip_over_snap, sizeof ip_over_snap) != 0)
        return 0;
    return layer_u16(llc + sizeof ip_over_snap);
}

/* Types that are neither IP's nor a tag's for certain. */
static enum decode_verdict decode_other_type(struct layer *layer, uint16_t type)
{
    switch (type) {
    case ETHERTYPE_MPLS:
    case ETHERTYPE_MPLS_UPSTREAM:
        return layer_go_on(layer, LAYER_MPLS);
    case ETHERTYPE_PPPOE_SESSION:
        return layer_go_on(layer, LAYER_PPPOE);
    case ETHERTYPE_METADATA: /* version, length, one option, and the type of what follows */
        if (layer->bytes.left < METADATA_LEN + TYPE_LEN)
            return layer_too_short(layer, METADATA_LEN + TYPE_LEN);
        cursor_skip(&layer->bytes, METADATA_LEN);
        layer->type = cursor_u16(&layer->bytes);
        return layer_go_on(layer, LAYER_TYPE);
    default:
        return DECODE_NOT_IP;
    }
}

/*
 * A tag is the type that announced it, two octets of priority and id, and the type of what follows.
 * Switches let one set any type for that: an unknown one is a tag where something known follows it.
 */
static bool is_odd_tag(const struct layer *layer, uint16_t type)
{
    if (type == ETHERTYPE_ARP || type == ETHERTYPE_MPLS || type == ETHERTYPE_MPLS_UPSTREAM ||
        type == ETHERTYPE_PPPOE_SESSION || type == ETHERTYPE_METADATA ||
        layer->bytes.left < VLAN_TAG_LEN)
        return false;
    const uint8_t *tag = layer->bytes.at;
    return type_score(layer_u16(tag + 2), tag + VLAN_TAG_LEN, layer->bytes.left - VLAN_TAG_LEN,
                      layer->cut) != IP_SCORE_NONE;
}

enum decode_verdict link_decode_type(struct layer *layer, struct datagram *out)
{
    uint16_t type = layer->type;
    bool is_outermost = out->tunnel_depth == 0;
    for (unsigned tags = is_outermost ? out->vlan_count : 0;;) {
        if (type == ETHERTYPE_IPV4)
            return layer_go_on_ip(layer, 4);
        if (type == ETHERTYPE_IPV6)
            return layer_go_on_ip(layer, 6);
        if (type < ETHERTYPE_MIN) {
            type = snap_type(layer);
            if (type < ETHERTYPE_MIN)
                return DECODE_NOT_IP;
            continue;
        }
        if (tags == VLAN_TAGS_MAX || !(is_vlan(type) || is_odd_tag(layer, type)))
            return decode_other_type(layer, type);
        const uint8_t *tag = cursor_take(&layer->bytes, VLAN_TAG_LEN);
        if (!tag)
            return layer_too_short(layer, VLAN_TAG_LEN);
        uint16_t id = layer_u16(tag) & 0x0fff;
        if (is_outermost) {
            out->vlan[tags] = id;
            out->vlan_count = (uint8_t)(tags + 1);
        }
        layer_mix(out, TUNNEL_COUNT, id);
        tags++;
        type = layer_u16(tag + 2);
    }
}

/* A link header of fixed length that holds an Ethernet type at `type_at`. */
static inline enum decode_verdict decode_typed(struct layer *layer, size_t len, size_t type_at,
                                               struct datagram *out)
{
    const uint8_t *header = cursor_take(&layer->bytes, len);
    if (!header)
        return layer_too_short(layer, len);
    uint16_t type = layer_u16(header + type_at);
    if (type == ETHERTYPE_IPV4)
        return layer_go_on_ip(layer, 4);
    if (type == ETHERTYPE_IPV6)
        return layer_go_on_ip(layer, 6);
    layer->type = type;
    return link_decode_type(layer, out);
}

enum decode_verdict link_decode_ethernet(struct layer *layer, struct datagram *out)
{
    return decode_typed(layer, LINK_ETHERNET_LEN, 12, out);
}

/*
 * Four octets with the address family of the system that captured, in its byte order (NULL) or the
 * network's (LOOP). Families are small, so the octets say themselves which it was.
 */
static enum decode_verdict decode_family(struct layer *layer)
{
    if (layer->bytes.left < FAMILY_LEN)
        return layer_too_short(layer, FAMILY_LEN);
    uint32_t family = cursor_u32(&layer->bytes);
    if (family > 0xffff)
        family = __builtin_bswap32(family);
    switch (family) {
    case 2:
        return layer_go_on_ip(layer, 4);
    case 10: /* Linux */
    case 23: /* Windows */
    case 24: /* NetBSD, OpenBSD, BSD/OS */
    case 28: /* FreeBSD, DragonFly */
    case 30: /* Darwin */
        return layer_go_on_ip(layer, 6);
    default:
        return DECODE_NOT_IP;
    }
}

enum decode_verdict link_decode(uint16_t link_type, struct layer *layer, struct datagram *out)
{
    switch (link_type) {
    case LINK_ETHERNET:
        return link_decode_ethernet(layer, out);
    case LINKTYPE_LINUX_SLL:
        return decode_typed(layer, SLL_LEN, 14, out);
    case LINKTYPE_LINUX_SLL2:
        return decode_typed(layer, SLL2_LEN, 0, out);
    case LINKTYPE_NULL:
    case LINKTYPE_LOOP:
        return decode_family(layer);
    case LINKTYPE_PPP:
    case LINKTYPE_PPP_HDLC:
        return layer_go_on(layer, LAYER_PPP);
    case LINKTYPE_RAW:
    case LINKTYPE_RAW_LINUX:
    case LINKTYPE_RAW_OPENBSD:
        return layer_go_on_ip(layer, 0);
    case LINKTYPE_IPV4:
        return layer_go_on_ip(layer, 4);
    case LINKTYPE_IPV6:
        return layer_go_on_ip(layer, 6);
    default:
        return DECODE_UNKNOWN_LINK;
    }
}
