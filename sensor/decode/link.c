#include "decode/link.h"

enum {
    LINKTYPE_NULL = 0,
    LINKTYPE_ETHERNET = 1,
    LINKTYPE_RAW_LINUX =
        12, /* what libpcap calls raw IP on a device: its own number, not the file's */
    LINKTYPE_RAW_OPENBSD = 14,
    LINKTYPE_RAW = 101,
    LINKTYPE_LOOP = 108,
    LINKTYPE_LINUX_SLL = 113,
    LINKTYPE_IPV4 = 228,
    LINKTYPE_IPV6 = 229,
    LINKTYPE_LINUX_SLL2 = 276,
};

enum {
    ETHERNET_LEN = 14,
    SLL_LEN = 16,
    SLL2_LEN = 20,
    FAMILY_LEN = 4,
    VLAN_TAG_LEN = 4,
    LLC_SNAP_LEN = 8,
};

enum {
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_VLAN = 0x8100,
    ETHERTYPE_IPV6 = 0x86dd,
    ETHERTYPE_SERVICE_VLAN = 0x88a8,
    ETHERTYPE_OLD_QINQ = 0x9100,
    ETHERTYPE_OLDER_QINQ = 0x9200,
    ETHERTYPE_MIN = 0x0600, /* below it the field is the length of an IEEE 802.3 frame */
};

static bool is_vlan(uint16_t type)
{
    return type == ETHERTYPE_VLAN || type == ETHERTYPE_SERVICE_VLAN || type == ETHERTYPE_OLD_QINQ ||
           type == ETHERTYPE_OLDER_QINQ;
}

/* A tag is the type that announced it, two octets of priority and id, and the type of what follows.
 */
static enum decode_verdict skip_vlan_tags(struct layer *layer, uint16_t *type, struct datagram *out)
{
    while (is_vlan(*type) && out->vlan_count < VLAN_TAGS_MAX) {
        const uint8_t *tag = cursor_take(&layer->bytes, VLAN_TAG_LEN);
        if (!tag)
            return layer_too_short(layer, VLAN_TAG_LEN);
        out->vlan[out->vlan_count++] = layer_u16(tag) & 0x0fff;
        *type = layer_u16(tag + 2);
    }
    return DECODE_OTHER_IP;
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

static enum decode_verdict decode_type(struct layer *layer, uint16_t type, unsigned *version,
                                       struct datagram *out)
{
    if (is_vlan(type)) {
        enum decode_verdict verdict = skip_vlan_tags(layer, &type, out);
        if (verdict != DECODE_OTHER_IP)
            return verdict;
    }
    if (type < ETHERTYPE_MIN)
        type = snap_type(layer);
    switch (type) {
    case ETHERTYPE_IPV4:
        *version = 4;
        return DECODE_OTHER_IP;
    case ETHERTYPE_IPV6:
        *version = 6;
        return DECODE_OTHER_IP;
    default:
        return DECODE_NOT_IP;
    }
}

/* A link header of fixed length that holds an Ethernet type at `type_at`. */
static enum decode_verdict decode_typed(struct layer *layer, size_t len, size_t type_at,
                                        unsigned *version, struct datagram *out)
{
    const uint8_t *header = cursor_take(&layer->bytes, len);
    if (!header)
        return layer_too_short(layer, len);
    return decode_type(layer, layer_u16(header + type_at), version, out);
}

/*
 * Four octets with the address family of the system that captured, in its byte order (NULL) or the
 * network's (LOOP). Families are small, so the octets say themselves which it was.
 */
static enum decode_verdict decode_family(struct layer *layer, unsigned *version)
{
    if (layer->bytes.left < FAMILY_LEN)
        return layer_too_short(layer, FAMILY_LEN);
    uint32_t family = cursor_u32(&layer->bytes);
    if (family > 0xffff)
        family = __builtin_bswap32(family);
    switch (family) {
    case 2:
        *version = 4;
        return DECODE_OTHER_IP;
    case 10: /* Linux */
    case 23: /* Windows */
    case 24: /* NetBSD, OpenBSD, BSD/OS */
    case 28: /* FreeBSD, DragonFly */
    case 30: /* Darwin */
        *version = 6;
        return DECODE_OTHER_IP;
    default:
        return DECODE_NOT_IP;
    }
}

enum decode_verdict link_decode(uint16_t link_type, struct layer *layer, unsigned *version,
                                struct datagram *out)
{
    switch (link_type) {
    case LINKTYPE_ETHERNET:
        return decode_typed(layer, ETHERNET_LEN, 12, version, out);
    case LINKTYPE_LINUX_SLL:
        return decode_typed(layer, SLL_LEN, 14, version, out);
    case LINKTYPE_LINUX_SLL2:
        return decode_typed(layer, SLL2_LEN, 0, version, out);
    case LINKTYPE_NULL:
    case LINKTYPE_LOOP:
        return decode_family(layer, version);
    case LINKTYPE_RAW:
    case LINKTYPE_RAW_LINUX:
    case LINKTYPE_RAW_OPENBSD:
        *version = 0;
        return DECODE_OTHER_IP;
    case LINKTYPE_IPV4:
        *version = 4;
        return DECODE_OTHER_IP;
    case LINKTYPE_IPV6:
        *version = 6;
        return DECODE_OTHER_IP;
    default:
        return DECODE_UNKNOWN_LINK;
    }
}
