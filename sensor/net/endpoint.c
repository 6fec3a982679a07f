#include "net/endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>

struct ip_addr ip_from_v4(const uint8_t octets[4])
{
    struct ip_addr ip = {.version = 4};
    memcpy(ip.octets, octets, 4);
    return ip;
}

struct ip_addr ip_from_v6(const uint8_t octets[16])
{
    struct ip_addr ip = {.version = 6};
    memcpy(ip.octets, octets, 16);
    return ip;
}

const char *ip_format(const struct ip_addr *ip, char buf[static IP_TEXT_MAX])
{
    int family = ip->version == 6 ? AF_INET6 : AF_INET;
    if (ip->version == 0 || !inet_ntop(family, ip->octets, buf, IP_TEXT_MAX))
        memcpy(buf, "-", 2);
    return buf;
}

const char *endpoint_format(const struct endpoint *e, char buf[static ENDPOINT_TEXT_MAX])
{
    char ip[IP_TEXT_MAX];
    ip_format(&e->ip, ip);
    snprintf(buf, ENDPOINT_TEXT_MAX, e->ip.version == 6 ? "[%s]:%u" : "%s:%u", ip, e->port);
    return buf;
}

bool ip_parse(struct slice text, struct ip_addr *out)
{
    char buf[IP_TEXT_MAX];
    bool bracketed = text.len >= 2 && text.at[0] == '[' && text.at[text.len - 1] == ']';
    if (bracketed)
        text = slice_of(text.at + 1, text.len - 2);
    if (text.len == 0 || text.len >= sizeof buf || memchr(text.at, 0, text.len))
        return false;
    memcpy(buf, text.at, text.len);
    buf[text.len] = 0;
    struct ip_addr ip = {.version = 4};
    if (bracketed || inet_pton(AF_INET, buf, ip.octets) != 1) {
        ip.version = 6;
        if (inet_pton(AF_INET6, buf, ip.octets) != 1)
            return false;
    }
    *out = ip;
    return true;
}

static bool prefix_covers(const struct ip_net *net, const struct ip_addr *ip)
{
    unsigned whole = net->prefix / 8;
    unsigned rest = net->prefix % 8;
    if (memcmp(net->ip.octets, ip->octets, whole) != 0)
        return false;
    if (rest == 0)
        return true;
    uint8_t mask = (uint8_t)(0xff << (8 - rest));
    return (net->ip.octets[whole] & mask) == (ip->octets[whole] & mask);
}

bool ip_net_parse(struct slice text, struct ip_net *out)
{
    size_t slash = slice_find(text, '/');
    struct ip_net net;
    if (!ip_parse(slice_head(text, slash), &net.ip))
        return false;
    uint64_t prefix = net.ip.version == 4 ? 32 : 128;
    if (slash < text.len && !slice_to_u64(slice_skip(text, slash + 1), prefix, &prefix))
        return false;
    net.prefix = (uint8_t)prefix;
    for (unsigned bit = net.prefix; bit < 128; bit++)
        if (net.ip.octets[bit / 8] & (0x80 >> bit % 8))
            return false;
    *out = net;
    return true;
}

bool ip_net_contains(const struct ip_net *net, const struct ip_addr *ip)
{
    return net->ip.version == ip->version && prefix_covers(net, ip);
}

bool ip_is_private(const struct ip_addr *ip)
{
    static const struct ip_net nets[] = {
        {{.octets = {10}, .version = 4}, 8},         {{.octets = {172, 16}, .version = 4}, 12},
        {{.octets = {192, 168}, .version = 4}, 16},  {{.octets = {100, 64}, .version = 4}, 10},
        {{.octets = {169, 254}, .version = 4}, 16},  {{.octets = {127}, .version = 4}, 8},
        {{.octets = {0xfc}, .version = 6}, 7},       {{.octets = {0xfe, 0x80}, .version = 6}, 10},
        {{.octets = {[15] = 1}, .version = 6}, 128},
    };
    for (size_t i = 0; i < sizeof nets / sizeof nets[0]; i++)
        if (ip_net_contains(&nets[i], ip))
            return true;
    return false;
}

bool endpoint_parse(struct slice text, struct endpoint *out)
{
    const char *colon = text.len ? memrchr(text.at, ':', text.len) : NULL;
    if (!colon)
        return false;
    struct slice ip = slice_head(text, (size_t)(colon - text.at));
    uint64_t port;
    if (!ip_parse(ip, &out->ip) || !slice_to_u64(slice_skip(text, ip.len + 1), UINT16_MAX, &port))
        return false;
    /* Without brackets the last group of an IPv6 address would pass for a port, and the reverse. */
    if ((out->ip.version == 6) != (ip.at[0] == '['))
        return false;
    out->port = (uint16_t)port;
    return true;
}
