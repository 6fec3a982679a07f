#include "decode/label.h"

#include "decode/ip.h"
#include "decode/link.h"

enum { LABEL_LEN = 4, CONTROL_WORD_LEN = 4, PPPOE_LEN = 6 };

enum {
    PPP_IPV4 = 0x0021,
    PPP_IPV6 = 0x0057,
    PPP_MPLS = 0x0281,
    PPP_MPLS_MULTICAST = 0x0283,
};

/* The first nibble of what is below the labels, RFC 4385 and 4928. */
enum { NIBBLE_CONTROL_WORD = 0, NIBBLE_CHANNEL = 1, NIBBLE_IPV4 = 4, NIBBLE_IPV6 = 6 };

/* A frame's first octet is its destination's: it may look like any of the others. */
static enum decode_verdict decode_below_labels(struct layer *layer)
{
    const uint8_t *at = layer->bytes.at;
    size_t left = layer->bytes.left;
    if (left == 0)
        return layer_too_short(layer, 1);
    unsigned nibble = at[0] >> 4;
    unsigned as_frame = link_score(at, left, layer->cut);
    switch (nibble) {
    case NIBBLE_IPV4:
    case NIBBLE_IPV6: {
        unsigned as_ip = ip_score(at, left, layer->cut, nibble);
        if (layer->is_guess && as_ip < IP_SCORE_SURE && as_frame < IP_SCORE_SURE)
            return DECODE_NOT_IP; /* a nibble is no evidence */
        if (as_frame == IP_SCORE_NONE || as_ip > as_frame)
            return layer_go_on_ip(layer, (uint8_t)nibble);
        break;
    }
    case NIBBLE_CONTROL_WORD:
        if (left > CONTROL_WORD_LEN &&
            as_frame > link_score(at + CONTROL_WORD_LEN, left - CONTROL_WORD_LEN, layer->cut))
            break;
        if (!cursor_take(&layer->bytes, CONTROL_WORD_LEN))
            return layer_too_short(layer, CONTROL_WORD_LEN);
        break;
    case NIBBLE_CHANNEL: /* RFC 5586: the pseudowire's own signalling */
        if (as_frame == IP_SCORE_NONE)
            return DECODE_NOT_IP;
        break;
    default:
        break;
    }
    return layer_go_on(layer, LAYER_ETHERNET);
}

enum decode_verdict mpls_decode(struct layer *layer, struct datagram *out)
{
    for (unsigned count = 0; count < MPLS_LABELS_MAX; count++) {
        const uint8_t *label = cursor_take(&layer->bytes, LABEL_LEN);
        if (!label)
            return layer_too_short(layer, LABEL_LEN);
        uint32_t id = layer_u32(label) >> 12;
        if (count == 0)
            layer_enter_tunnel(out, TUNNEL_MPLS, id);
        else
            layer_mix(out, TUNNEL_MPLS, id);
        if ((label[2] & 1) != 0) /* the bottom of the stack */
            return decode_below_labels(layer);
    }
    return DECODE_MALFORMED;
}

enum decode_verdict pppoe_decode(struct layer *layer, struct datagram *out)
{
    const uint8_t *header = cursor_take(&layer->bytes, PPPOE_LEN);
    if (!header)
        return layer_too_short(layer, PPPOE_LEN);
    if (header[0] != 0x11) /* version and type */
        return DECODE_MALFORMED;
    if (header[1] != 0) /* not session data */
        return DECODE_NOT_IP;
    layer_bound(layer, layer_u16(header + 4));
    layer_enter_tunnel(out, TUNNEL_PPPOE, layer_u16(header + 2));
    return ppp_decode(layer);
}

/* Address and control may be there or not, and so may the first octet of the protocol (RFC 1661
 * section 6.5 and 6.6).
 */
enum decode_verdict ppp_decode(struct layer *layer)
{
    const uint8_t *at = layer->bytes.at;
    if (layer->bytes.left > 0 && at[0] == 0xff && !cursor_take(&layer->bytes, 2))
        return layer_too_short(layer, 2);
    if (layer->bytes.left == 0)
        return layer_too_short(layer, 1);
    uint16_t protocol = cursor_u8(&layer->bytes);
    if ((protocol & 1) == 0) { /* the last octet of a protocol is odd */
        if (layer->bytes.left == 0)
            return layer_too_short(layer, 1);
        protocol = (uint16_t)(protocol << 8 | cursor_u8(&layer->bytes));
    }
    switch (protocol) {
    case PPP_IPV4:
        return layer_go_on_ip(layer, 4);
    case PPP_IPV6:
        return layer_go_on_ip(layer, 6);
    case PPP_MPLS:
    case PPP_MPLS_MULTICAST:
        return layer_go_on(layer, LAYER_MPLS);
    default:
        return DECODE_NOT_IP;
    }
}
