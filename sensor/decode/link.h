/*
 * link: from a frame to the IP packet in it. Pure.
 *
 * Link types are those of capture files (LINKTYPE_*), and of them only what a mirror port, a Linux
 * "any" device, a tunnel device or a loopback gives.
 */
#ifndef SIPSPAN_DECODE_LINK_H
#define SIPSPAN_DECODE_LINK_H

#include "base/cursor.h"
#include "decode/decode.h"

/*
 * What is left of a packet to decode. Each decoder steps over its own header and ends the layer
 * where its length field does: padding behind that is gone.
 */
struct layer {
    struct cursor bytes;
    size_t cut;      /* octets of it behind `bytes` that were not captured */
    bool open_ended; /* the IP length was 0: offloaded segmentation or a jumbogram, all that is
                        there */
};

/* Network byte order, of octets that are known to be there. */
static inline uint16_t layer_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

/* What to say of a layer that ends before its header does. */
static inline enum decode_verdict layer_too_short(const struct layer *layer, size_t need)
{
    return need - layer->bytes.left <= layer->cut ? DECODE_TRUNCATED : DECODE_MALFORMED;
}

/*
 * Steps over the link header and the VLAN tags. DECODE_OTHER_IP: an IP packet follows, of the
 * version in *version, or of the one that its first octet says if that is 0. Anything else is
 * final. Sets the VLAN fields of *out.
 */
enum decode_verdict link_decode(uint16_t link_type, struct layer *layer, unsigned *version,
                                struct datagram *out);

#endif
