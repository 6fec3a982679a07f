#include "frame.h"

#include <string.h>

enum {
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    UDP_HEADER = 8,
    TCP_HEADER = 20,
    ICMP_HEADER = 8,
    PROTOCOL_ICMP = 1,
    PROTOCOL_TCP = 6,
    PROTOCOL_UDP = 17,
    PROTOCOL_ICMPV6 = 58,
};

static void put_u16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put_u32(uint8_t *at, uint32_t value)
{
    put_u16(at, value >> 16);
    put_u16(at + 2, value & 0xffff);
}

/*
 * The Internet checksum's sum (RFC 1071) in the host's byte order, eight octets at a time: a
 * generator spends most of its time here. Only the last call of a chain may have an odd length.
 */
static uint64_t sum_octets(uint64_t sum, const uint8_t *at, size_t len)
{
    for (; len >= 8; at += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        sum += (word >> 32) + (word & 0xffffffff);
    }
    if (len > 0) {
        uint8_t rest[8] = {0};
        memcpy(rest, at, len);
        uint64_t word;
        memcpy(&word, rest, sizeof word);
        sum += (word >> 32) + (word & 0xffffffff);
    }
    return sum;
}

static void put_checksum(uint8_t *at, uint64_t sum)
{
    while (sum >> 16)
        sum = (sum >> 16) + (sum & 0xffff);
    uint16_t value = (uint16_t)~sum;
    memcpy(at, &value, sizeof value);
}

static size_t link_length(const struct frame *f)
{
    switch (f->link) {
    case FRAME_NULL:
    case FRAME_LOOP:
        return 4;
    case FRAME_ETHERNET:
        return 14 + 4 * (size_t)f->vlan_count;
    case FRAME_SLL:
        return 16;
    case FRAME_SLL2:
        return 20;
    case FRAME_RAW:
        break;
    }
    return 0;
}

/* A locally administered address that tells the host apart. */
static void put_mac(uint8_t *at, const struct ip_addr *ip)
{
    memset(at, 0, 6);
    at[0] = 0x02;
    if (ip->version == 4)
        memcpy(at + 2, ip->octets, 4);
    else
        memcpy(at + 2, ip->octets + 12, 4);
}

void frame_write_link(const struct frame *f, uint8_t *buf, unsigned type)
{
    uint32_t family = type == ETHERTYPE_IPV4 ? 2 : 24;
    switch (f->link) {
    case FRAME_NULL:
        memcpy(buf, &family, sizeof family);
        break;
    case FRAME_LOOP:
        put_u32(buf, family);
        break;
    case FRAME_ETHERNET:
        put_mac(buf, &f->dst.ip);
        put_mac(buf + 6, &f->src.ip);
        buf += 12;
        for (unsigned i = 0; i < f->vlan_count; i++, buf += 4) {
            put_u16(buf, i + 1 < f->vlan_count ? 0x88a8 : 0x8100);
            put_u16(buf + 2, f->vlan[i]);
        }
        put_u16(buf, type);
        break;
    case FRAME_SLL:
        memset(buf, 0, 16);
        put_u16(buf + 2, 1);
        put_u16(buf + 4, 6);
        put_mac(buf + 6, &f->src.ip);
        put_u16(buf + 14, type);
        break;
    case FRAME_SLL2:
        memset(buf, 0, 20);
        put_u16(buf, type);
        put_u32(buf + 4, 2);
        put_u16(buf + 8, 1);
        buf[11] = 6;
        put_mac(buf + 12, &f->src.ip);
        break;
    case FRAME_RAW:
        break;
    }
}

static void put_link(const struct frame *f, uint8_t *buf)
{
    frame_write_link(f, buf, f->src.ip.version == 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
}

static size_t ip_length(const struct frame *f)
{
    return f->src.ip.version == 4 ? IPV4_HEADER : IPV6_HEADER;
}

/* Writes the IP header for `len` octets behind it; returns the pseudo-header's sum. */
static uint64_t put_ip(const struct frame *f, uint8_t *ip, uint8_t protocol, size_t len)
{
    uint8_t pseudo[8] = {0};
    put_u32(pseudo, (uint32_t)len);
    pseudo[7] = protocol;
    if (f->src.ip.version == 4) {
        memset(ip, 0, IPV4_HEADER);
        ip[0] = 0x45;
        put_u16(ip + 2, (unsigned)(IPV4_HEADER + len));
        put_u16(ip + 4, f->ip_id);
        ip[6] = f->dont_fragment ? 0x40 : 0;
        ip[8] = f->ttl;
        ip[9] = protocol;
        memcpy(ip + 12, f->src.ip.octets, 4);
        memcpy(ip + 16, f->dst.ip.octets, 4);
        put_checksum(ip + 10, sum_octets(0, ip, IPV4_HEADER));
        return sum_octets(sum_octets(0, ip + 12, 8), pseudo, sizeof pseudo);
    }
    memset(ip, 0, 8);
    ip[0] = 0x60;
    put_u16(ip + 4, (unsigned)len);
    ip[6] = protocol;
    ip[7] = f->ttl;
    memcpy(ip + 8, f->src.ip.octets, 16);
    memcpy(ip + 24, f->dst.ip.octets, 16);
    return sum_octets(sum_octets(0, ip + 8, 32), pseudo, sizeof pseudo);
}

size_t frame_ip_offset(const struct frame *f)
{
    return link_length(f);
}

size_t frame_udp_offset(const struct frame *f)
{
    return link_length(f) + ip_length(f) + UDP_HEADER;
}

size_t frame_tcp_offset(const struct frame *f)
{
    return link_length(f) + ip_length(f) + TCP_HEADER;
}

size_t frame_write_ip(const struct frame *f, uint8_t *ip, uint8_t protocol, size_t len)
{
    (void)put_ip(f, ip, protocol, len);
    return ip_length(f);
}

void frame_write_checksum(uint8_t *at, const uint8_t *octets, size_t len)
{
    put_checksum(at, sum_octets(0, octets, len));
}

void frame_refresh_ip(uint8_t *ip)
{
    put_u16(ip + 10, 0);
    frame_write_checksum(ip + 10, ip, IPV4_HEADER);
}

size_t frame_finish_udp(const struct frame *f, uint8_t *buf, size_t len)
{
    uint8_t *ip = buf + link_length(f);
    uint8_t *udp = ip + ip_length(f);
    put_link(f, buf);
    uint64_t sum = put_ip(f, ip, PROTOCOL_UDP, UDP_HEADER + len);
    put_u16(udp, f->src.port);
    put_u16(udp + 2, f->dst.port);
    put_u16(udp + 4, (unsigned)(UDP_HEADER + len));
    put_u16(udp + 6, 0);
    put_checksum(udp + 6, sum_octets(sum, udp, UDP_HEADER + len));
    if (udp[6] == 0 && udp[7] == 0)
        put_u16(udp + 6, 0xffff); /* 0 would say "none" (RFC 768) */
    return frame_udp_offset(f) + len;
}

size_t frame_finish_tcp(const struct frame *f, uint8_t *buf, const struct frame_tcp *tcp,
                        size_t len)
{
    uint8_t *ip = buf + link_length(f);
    uint8_t *header = ip + ip_length(f);
    put_link(f, buf);
    uint64_t sum = put_ip(f, ip, PROTOCOL_TCP, TCP_HEADER + len);
    memset(header, 0, TCP_HEADER);
    put_u16(header, f->src.port);
    put_u16(header + 2, f->dst.port);
    put_u32(header + 4, tcp->seq);
    put_u32(header + 8, tcp->ack);
    header[12] = (TCP_HEADER / 4) << 4;
    header[13] = (uint8_t)tcp->flags;
    put_u16(header + 14, 64240);
    put_checksum(header + 16, sum_octets(sum, header, TCP_HEADER + len));
    return frame_tcp_offset(f) + len;
}

size_t frame_write_icmp_error(const struct frame *f, uint8_t *buf, uint8_t type, uint8_t code,
                              uint16_t mtu, const uint8_t *quoted, size_t quoted_len)
{
    bool v4 = f->src.ip.version == 4;
    uint8_t *ip = buf + link_length(f);
    uint8_t *icmp = ip + ip_length(f);
    put_link(f, buf);
    uint64_t sum = put_ip(f, ip, v4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6, ICMP_HEADER + quoted_len);
    memset(icmp, 0, ICMP_HEADER);
    icmp[0] = type;
    icmp[1] = code;
    icmp[6] = (uint8_t)(mtu >> 8); /* the low half of the second word, in both */
    icmp[7] = (uint8_t)mtu;
    memcpy(icmp + ICMP_HEADER, quoted, quoted_len);
    put_checksum(icmp + 2, sum_octets(v4 ? 0 : sum, icmp, ICMP_HEADER + quoted_len));
    return link_length(f) + ip_length(f) + ICMP_HEADER + quoted_len;
}
