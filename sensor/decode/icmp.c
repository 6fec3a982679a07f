#include "decode/icmp.h"

#include "decode/ip.h"

enum {
    ICMP_HEADER_LEN = 8, /* of an error: type, code, checksum, and what the type has there */
    PORTS_LEN = 8,       /* the octets of UDP or TCP that every error quotes */
    TCP_HEADER_LEN = 20,
    TCP_OFFSET_AT = 12,
};

enum {
    V4_UNREACHABLE = 3,
    V4_TIME_EXCEEDED = 11,
    V4_PARAMETER_PROBLEM = 12,
    V6_UNREACHABLE = 1,
    V6_TOO_BIG = 2,
    V6_TIME_EXCEEDED = 3,
    V6_PARAMETER_PROBLEM = 4,
};

static enum icmp_meaning time_meaning(uint8_t code)
{
    return code == 1 ? ICMP_FRAGMENTS_TIMED_OUT : ICMP_TIME_EXCEEDED;
}

/* A code that came later is still an unreachable destination. */
static enum icmp_meaning v4_unreachable(uint8_t code)
{
    switch (code) {
    case 2:
        return ICMP_PROTOCOL_UNREACHABLE;
    case 3:
        return ICMP_PORT_UNREACHABLE;
    case 4:
        return ICMP_TOO_BIG;
    case 9:  /* the network, by RFC 1122's codes */
    case 10: /* the host */
    case 13: /* a filter */
    case 14: /* a precedence that is not allowed */
    case 15: /* or is below the network's */
        return ICMP_ADMIN_PROHIBITED;
    default:
        return ICMP_HOST_UNREACHABLE;
    }
}

static bool v4_meaning(uint8_t type, uint8_t code, enum icmp_meaning *meaning)
{
    switch (type) {
    case V4_UNREACHABLE:
        *meaning = v4_unreachable(code);
        return true;
    case V4_TIME_EXCEEDED:
        *meaning = time_meaning(code);
        return true;
    case V4_PARAMETER_PROBLEM:
        *meaning = ICMP_PARAMETER_PROBLEM;
        return true;
    default:
        return false;
    }
}

static bool v6_meaning(uint8_t type, uint8_t code, enum icmp_meaning *meaning)
{
    switch (type) {
    case V6_UNREACHABLE:
        *meaning = ICMP_HOST_UNREACHABLE;
        if (code == 1)
            *meaning = ICMP_ADMIN_PROHIBITED;
        else if (code == 4)
            *meaning = ICMP_PORT_UNREACHABLE;
        return true;
    case V6_TOO_BIG:
        *meaning = ICMP_TOO_BIG;
        return true;
    case V6_TIME_EXCEEDED:
        *meaning = time_meaning(code);
        return true;
    case V6_PARAMETER_PROBLEM:
        /* A next header that is not known: what IPv4 calls protocol unreachable. */
        *meaning = code == 1 ? ICMP_PROTOCOL_UNREACHABLE : ICMP_PARAMETER_PROBLEM;
        return true;
    default:
        return false;
    }
}

static uint16_t read_mtu(const uint8_t *header, bool is_v6)
{
    if (!is_v6)
        return layer_u16(header + 6);
    uint32_t mtu = layer_u32(header + 4);
    return mtu > UINT16_MAX ? UINT16_MAX : (uint16_t)mtu;
}

/*
 * Ends the quote where the quoted packet ended: what routers append (RFC 4884) is not its payload.
 * A total length that cannot be right, as some hosts quote it in their own byte order, is not used.
 */
static void bound_quote(struct cursor *quote, size_t len)
{
    if (len >= PORTS_LEN && len < quote->left)
        quote->left = len;
}

/* False: not even the addresses are quoted. What is missing behind them is not said. */
static bool quote_v4(struct layer *quote, struct icmp_error *out)
{
    const uint8_t *header = cursor_take(&quote->bytes, IPV4_HEADER_LEN);
    if (!header || header[0] >> 4 != 4)
        return false;
    size_t header_len = (size_t)(header[0] & 0x0f) * 4;
    if (header_len < IPV4_HEADER_LEN)
        return false;
    out->src.ip = ip_from_v4(header + 12);
    out->dst.ip = ip_from_v4(header + 16);
    out->protocol = header[9];
    out->ip_id = layer_u16(header + 4);
    out->has_ip_id = true;
    out->fragment_offset = (uint16_t)(layer_u16(header + 6) << 3);
    cursor_skip(&quote->bytes, header_len - IPV4_HEADER_LEN);
    size_t total_len = layer_u16(header + 2);
    if (total_len > header_len)
        bound_quote(&quote->bytes, total_len - header_len);
    return true;
}

static bool quote_v6(struct layer *quote, struct icmp_error *out)
{
    const uint8_t *header = cursor_take(&quote->bytes, IPV6_HEADER_LEN);
    if (!header || header[0] >> 4 != 6)
        return false;
    out->src.ip = ip_from_v6(header + 8);
    out->dst.ip = ip_from_v6(header + 24);
    out->protocol = header[6];
    bound_quote(&quote->bytes, layer_u16(header + 4));
    return true;
}

/* UDP or TCP of a first fragment, or of a whole packet, as much as there is. */
static void read_transport(struct cursor *quote, struct icmp_error *out)
{
    size_t left = quote->left;
    const uint8_t *header = cursor_take(quote, PORTS_LEN);
    if (!header || (out->protocol != IP_PROTOCOL_UDP && out->protocol != IP_PROTOCOL_TCP))
        return;
    out->has_ports = true;
    out->src.port = layer_u16(header);
    out->dst.port = layer_u16(header + 2);
    size_t header_len = UDP_HEADER_LEN;
    if (out->protocol == IP_PROTOCOL_UDP) {
        out->udp_len = layer_u16(header + 4);
        out->udp_checksum = layer_u16(header + 6);
        if (out->udp_len >= UDP_HEADER_LEN && out->udp_len < left)
            left = out->udp_len;
    } else {
        out->tcp_seq = layer_u32(header + 4);
        if (left <= TCP_OFFSET_AT)
            return;
        header_len = (size_t)(header[TCP_OFFSET_AT] >> 4) * 4;
        if (header_len < TCP_HEADER_LEN)
            return;
    }
    if (header_len < left)
        out->payload = slice_of((const char *)header + header_len, left - header_len);
}

bool icmp_decode(const struct datagram *datagram, struct icmp_error *out)
{
    struct layer quote = {.bytes = cursor_of(datagram->payload.at, datagram->payload.len)};
    const uint8_t *header = cursor_take(&quote.bytes, ICMP_HEADER_LEN);
    bool is_v6 = datagram->src.ip.version == 6;
    enum icmp_meaning meaning;
    if (!header || !(is_v6 ? v6_meaning(header[0], header[1], &meaning)
                           : v4_meaning(header[0], header[1], &meaning)))
        return false;
    *out = (struct icmp_error){
        .time_ns = datagram->time_ns,
        .sender = datagram->src.ip,
        .told = datagram->dst.ip,
        .is_v6 = is_v6,
        .type = header[0],
        .code = header[1],
        .meaning = meaning,
        .mtu = meaning == ICMP_TOO_BIG ? read_mtu(header, is_v6) : 0,
        .payload = SLICE_NONE,
    };
    if (!(is_v6 ? quote_v6(&quote, out) : quote_v4(&quote, out)))
        return false;

    if (out->fragment_offset != 0)
        return true;
    struct ip_chain chain = {.protocol = out->protocol};
    bool is_all_there = ip_skip_chain(&quote, is_v6 ? 6 : 4, &chain) == LAYER_GOES_ON;
    out->protocol = chain.protocol;
    out->fragment_offset = chain.fragment.offset;
    if (is_all_there && out->fragment_offset == 0)
        read_transport(&quote.bytes, out);
    return true;
}
