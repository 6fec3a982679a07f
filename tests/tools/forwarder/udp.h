/*
 * udp: a UDP packet in an Ethernet frame, and whether RTP or RTCP is in it.
 */
#ifndef FORWARDER_UDP_H
#define FORWARDER_UDP_H

#include <stdbool.h>
#include <stdint.h>

/* What stands in the headers of a UDP packet in an Ethernet frame. */
struct udp {
    int family;
    const uint8_t *src, *dst, *payload;
    uint16_t src_port, dst_port;
    uint32_t payload_bytes;
};

/* False: the frame has none, or a fragment of one. */
bool udp_read(const uint8_t *frame, uint32_t bytes, struct udp *udp);
bool udp_is_rtcp(const struct udp *udp);
/* 0: it is not RTP. */
uint32_t udp_ssrc(const struct udp *udp);

#endif
