#include "udp.h"

#include <linux/if_ether.h>
#include <sys/socket.h>

enum { ETHERNET_BYTES = 14, IPV6_BYTES = 40, UDP_BYTES = 8, PROTOCOL_UDP = 17, RTP_BYTES = 12 };

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

bool udp_read(const uint8_t *frame, uint32_t bytes, struct udp *udp)
{
    const uint8_t *ip = frame + ETHERNET_BYTES;
    uint32_t ip_bytes, address_bytes;
    if (bytes < ETHERNET_BYTES + IPV6_BYTES)
        return false;
    if (get16(frame + 12) == ETH_P_IP && ip[9] == PROTOCOL_UDP && (get16(ip + 6) & 0x3fff) == 0) {
        ip_bytes = (ip[0] & 15U) * 4;
        address_bytes = 4;
        udp->family = AF_INET;
        udp->src = ip + 12;
    } else if (get16(frame + 12) == ETH_P_IPV6 && ip[6] == PROTOCOL_UDP) {
        ip_bytes = IPV6_BYTES;
        address_bytes = 16;
        udp->family = AF_INET6;
        udp->src = ip + 8;
    } else {
        return false;
    }
    if (bytes < ETHERNET_BYTES + ip_bytes + UDP_BYTES)
        return false;
    const uint8_t *header = ip + ip_bytes;
    udp->dst = udp->src + address_bytes;
    udp->src_port = get16(header);
    udp->dst_port = get16(header + 2);
    udp->payload = header + UDP_BYTES;
    udp->payload_bytes = bytes - ETHERNET_BYTES - ip_bytes - UDP_BYTES;
    return true;
}

bool udp_is_rtcp(const struct udp *udp)
{
    return udp->payload_bytes >= 4 && udp->payload[0] >> 6 == 2 && udp->payload[1] >= 192 &&
           udp->payload[1] <= 223;
}

uint32_t udp_ssrc(const struct udp *udp)
{
    const uint8_t *at = udp->payload + 8;
    bool is_rtp = udp->payload_bytes >= RTP_BYTES && udp->payload[0] >> 6 == 2;
    return is_rtp ? (uint32_t)get16(at) << 16 | get16(at + 2) : 0;
}
