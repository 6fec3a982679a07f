/*
 * layer: what is left of a packet to decode, and how one decoder hands it to the next. Pure.
 *
 * Each decoder steps over its own header, ends the layer where its length field does (padding
 * behind that is gone), says in `next` what follows and returns LAYER_GOES_ON. Any other verdict is
 * final.
 */
#ifndef SIPSPAN_DECODE_LAYER_H
#define SIPSPAN_DECODE_LAYER_H

#include "base/cursor.h"
#include "decode/decode.h"

#define LAYER_GOES_ON DECODE_VERDICT_COUNT

enum layer_kind {
    LAYER_ETHERNET, /* a frame */
    LAYER_TYPE,     /* what the Ethernet type in `type` says */
    LAYER_MPLS,     /* a label */
    LAYER_PPPOE,    /* its session header */
    LAYER_PPP,      /* a PPP protocol number, perhaps behind address and control */
    LAYER_IP,       /* of the version in `version`, or of what its first octet says if that is 0 */
};

/*
 * What of a datagram is changed between taking UDP's payload for a tunnel and finding an IP header
 * in it, as it was before.
 */
struct layer_udp {
    uint32_t envelope;
    uint8_t tunnel;
    uint8_t tunnel_depth;
    uint8_t layers;
};

struct layer {
    struct cursor bytes;
    size_t cut;      /* octets of it behind `bytes` that were not captured */
    bool open_ended; /* the IP length was 0: offloaded segmentation or a jumbogram, all that is
                        there */
    bool is_guess;   /* only a UDP port said that there is a tunnel, and no IP header was found yet:
                        `udp` is what it is otherwise */
    uint8_t version;
    uint16_t type;
    enum layer_kind next;
    struct layer_udp udp;
};

/* Network byte order, of octets that are known to be there. */
static inline uint16_t layer_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t layer_u32(const uint8_t *at)
{
    return (uint32_t)layer_u16(at) << 16 | layer_u16(at + 2);
}

/* What to say of a layer that ends before its header does. */
static inline enum decode_verdict layer_too_short(const struct layer *layer, size_t need)
{
    return need - layer->bytes.left <= layer->cut ? DECODE_TRUNCATED : DECODE_MALFORMED;
}

/*
 * Ends the layer after `len` octets: what is behind them is padding, and what is missing of them
 * was not captured. That goes for a packet whose frame is whole but shorter, too: a mirror may cut.
 */
static inline void layer_bound(struct layer *layer, size_t len)
{
    if (len <= layer->bytes.left) {
        layer->bytes.left = len;
        layer->cut = 0;
    } else {
        layer->cut = len - layer->bytes.left;
    }
}

static inline enum decode_verdict layer_go_on(struct layer *layer, enum layer_kind next)
{
    layer->next = next;
    return LAYER_GOES_ON;
}

static inline enum decode_verdict layer_go_on_ip(struct layer *layer, uint8_t version)
{
    layer->version = version;
    return layer_go_on(layer, LAYER_IP);
}

/* Mixes a tunnel's id, or a VLAN's with the kind TUNNEL_COUNT, into the datagram's envelope. */
static inline void layer_mix(struct datagram *out, unsigned kind, uint32_t id)
{
    uint32_t mix = (out->envelope + kind) * 0x9e3779b1;
    mix = ((mix ^ mix >> 15) + id) * 0x85ebca77;
    out->envelope = mix ^ mix >> 13;
}

static inline void layer_enter_tunnel(struct datagram *out, enum tunnel tunnel, uint32_t id)
{
    if (out->tunnel_depth++ == 0)
        out->tunnel = (uint8_t)tunnel;
    layer_mix(out, tunnel, id);
}

#endif
