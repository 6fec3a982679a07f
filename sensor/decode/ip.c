#include "decode/ip.h"

enum { EXTENSIONS_MAX = 8, EXTENSIONS_LEN_MAX = 512 };

enum {
    PROTOCOL_HOP_BY_HOP = 0,
    PROTOCOL_ROUTING = 43,
    PROTOCOL_FRAGMENT = 44,
    PROTOCOL_AH = 51,
    PROTOCOL_DESTINATION = 60,
};

static bool is_extension(uint8_t type, unsigned version)
{
    if (version == 4)
        return type == PROTOCOL_AH;
    return type == PROTOCOL_HOP_BY_HOP || type == PROTOCOL_ROUTING || type == PROTOCOL_FRAGMENT ||
           type == PROTOCOL_AH || type == PROTOCOL_DESTINATION;
}

enum decode_verdict ip_skip_chain(struct layer *layer, unsigned version, struct ip_chain *chain)
{
    size_t total = 0;
    for (unsigned count = 0; is_extension(chain->protocol, version); count++) {
        uint8_t type = chain->protocol;
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
        chain->protocol = header[0];
        /* Offset and the M bit; both 0 is an atomic fragment, a whole packet (RFC 6946). */
        if (type == PROTOCOL_FRAGMENT && (layer_u16(header + 2) & 0xfff9) != 0) {
            chain->is_fragment = true;
            chain->fragment = (struct ip_fragment){.id = layer_u32(header + 4),
                                                   .offset = layer_u16(header + 2) & 0xfff8,
                                                   .more = (header[3] & 1) != 0};
            break;
        }
    }
    return LAYER_GOES_ON;
}

/*
 * There is an IP header around this one: it is the outermost unless one was before. Addresses are
 * cleared with their padding, see reset_datagram.
 */
static __attribute__((noinline)) void enter_inner(struct datagram *out)
{
    if (out->outer_src.version == 0) {
        out->outer_src = out->src.ip;
        out->outer_dst = out->dst.ip;
    }
    memset(&out->src, 0, sizeof out->src);
    memset(&out->dst, 0, sizeof out->dst);
    out->ip_id = 0;
    out->has_ip_id = false;
}

static inline void set_addresses(struct datagram *out, uint8_t version, const uint8_t *src,
                                 const uint8_t *dst, size_t len)
{
    if (__builtin_expect(out->src.ip.version != 0, 0))
        enter_inner(out);
    out->src.ip.version = version;
    memcpy(out->src.ip.octets, src, len);
    out->dst.ip.version = version;
    memcpy(out->dst.ip.octets, dst, len);
}

static enum decode_verdict end_fragment(const struct layer *layer,
                                        const struct ip_fragment *fragment, struct datagram *out)
{
    out->fragment = *fragment;
    out->payload = slice_of((const char *)layer->bytes.at, layer->bytes.left);
    out->truncated = layer->cut > 0;
    return DECODE_FRAGMENT;
}

static inline enum decode_verdict end_header(struct layer *layer, uint8_t protocol,
                                             struct datagram *out)
{
    out->protocol = protocol;
    layer->is_guess = false;
    return LAYER_GOES_ON;
}

/* What the headers of a chain lead to, which the caller has stepped over. */
static enum decode_verdict end_chain(struct layer *layer, const struct ip_chain *chain,
                                     struct datagram *out)
{
    out->protocol = chain->protocol;
    return chain->is_fragment ? end_fragment(layer, &chain->fragment, out)
                              : end_header(layer, chain->protocol, out);
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
        layer_bound(layer, total_len);
    if (!cursor_take(&layer->bytes, header_len))
        return layer_too_short(layer, header_len);

    unsigned flags_offset = layer_u16(header + 6);
    bool is_fragment = (flags_offset & 0x3fff) != 0; /* offset and MF; not reserved and DF */
    uint8_t protocol = header[9];
    if (__builtin_expect(protocol == PROTOCOL_AH, 0) && !is_fragment) {
        struct ip_chain chain = {.protocol = protocol};
        enum decode_verdict verdict = ip_skip_chain(layer, 4, &chain);
        if (verdict != LAYER_GOES_ON)
            return verdict;
        protocol = chain.protocol;
    }
    set_addresses(out, 4, header + 12, header + 16, 4);
    out->ip_id = layer_u16(header + 4);
    out->has_ip_id = true;
    out->ttl = header[8];
    out->protocol = protocol;
    if (!is_fragment)
        return end_header(layer, protocol, out);
    const struct ip_fragment fragment = {.id = out->ip_id,
                                         .offset = (uint16_t)(flags_offset << 3),
                                         .more = (flags_offset & 0x2000) != 0};
    return end_fragment(layer, &fragment, out);
}

static void set_v6(const uint8_t *header, struct datagram *out)
{
    set_addresses(out, 6, header + 8, header + 24, 16);
    out->ttl = header[7];
}

static enum decode_verdict decode_v6(struct layer *layer, struct datagram *out)
{
    const uint8_t *header = cursor_take(&layer->bytes, IPV6_HEADER_LEN);
    if (!header)
        return layer_too_short(layer, IPV6_HEADER_LEN);
    size_t payload_len = layer_u16(header + 4);
    layer->open_ended = payload_len == 0;
    if (!layer->open_ended)
        layer_bound(layer, payload_len);

    if (!is_extension(header[6], 6)) {
        set_v6(header, out);
        return end_header(layer, header[6], out);
    }
    struct ip_chain chain = {.protocol = header[6]};
    enum decode_verdict verdict = ip_skip_chain(layer, 6, &chain);
    if (verdict != LAYER_GOES_ON)
        return verdict;
    set_v6(header, out);
    return end_chain(layer, &chain, out);
}

enum decode_verdict ip_decode(struct layer *layer, struct datagram *out)
{
    if (layer->bytes.left == 0)
        return layer_too_short(layer, 1);
    unsigned nibble = layer->bytes.at[0] >> 4;
    if (layer->version != 0 && layer->version != nibble)
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

enum decode_verdict ip_decode_reassembled(struct layer *layer, struct datagram *out)
{
    struct ip_chain chain = {.protocol = out->protocol};
    enum decode_verdict verdict = ip_skip_chain(layer, out->src.ip.version, &chain);
    if (verdict != LAYER_GOES_ON)
        return verdict;
    return end_chain(layer, &chain, out);
}

/* RFC 1071: over a header with a right checksum in it, the sum is all ones. */
static bool has_right_checksum(const uint8_t *header, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i += 2)
        sum += layer_u16(header + i);
    sum = (sum & 0xffff) + (sum >> 16);
    return ((sum & 0xffff) + (sum >> 16)) == 0xffff;
}

unsigned ip_score(const uint8_t *at, size_t left, size_t cut, unsigned version)
{
    if (left == 0 || at[0] >> 4 != version || (version == 4 && (at[0] & 0x0f) < 5))
        return IP_SCORE_NONE;
    if (version == 4) {
        size_t header_len = (size_t)(at[0] & 0x0f) * 4;
        if (left < header_len || layer_u16(at + 2) > left + cut)
            return IP_SCORE_BEGIN;
        return has_right_checksum(at, header_len) ? IP_SCORE_SURE : IP_SCORE_FITS;
    }
    if (left < IPV6_HEADER_LEN)
        return IP_SCORE_BEGIN;
    size_t len = IPV6_HEADER_LEN + (size_t)layer_u16(at + 4);
    if (len > left + cut)
        return IP_SCORE_BEGIN;
    return len == left + cut ? IP_SCORE_SURE : IP_SCORE_FITS;
}
