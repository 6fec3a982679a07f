/*
 * rtp_packet: what shares the ports of media told apart by its first octets (RFC 7983 section 7,
 * RFC 5761 section 4), and the fixed header of RTP (RFC 3550 section 5.1). Pure.
 */
#ifndef SIPSPAN_RTP_RTP_PACKET_H
#define SIPSPAN_RTP_RTP_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum {
    RTP_HEADER_LEN = 12,
    RTP_PAYLOAD_TYPES = 128,
    RTP_TYPE_RTCP_FIRST = 192, /* the second octet of RTCP, RFC 5761 section 4 */
    RTP_TYPE_RTCP_LAST = 223,
};

enum media_protocol {
    MEDIA_RTP,  /* looks like RTP: version 2, not the second octet of RTCP */
    MEDIA_RTCP, /* looks like RTCP */
    MEDIA_STUN,
    MEDIA_ZRTP,
    MEDIA_DTLS,
    MEDIA_TURN, /* a TURN channel's message (RFC 8656 section 12.4) */
    MEDIA_OTHER,
    MEDIA_PROTOCOL_COUNT
};

/* By the octets alone; lengths are held against the datagram's unless a snap length cut it. */
enum media_protocol media_protocol_of(struct slice payload, bool is_truncated);
const char *media_protocol_name(enum media_protocol protocol); /* "RTP" */

struct rtp_header {
    uint32_t timestamp, ssrc;
    uint16_t sequence;
    uint8_t payload_type;
    bool marker;
};

/* What every packet of a stream passes: version 2, no RTCP, the fixed header is there. */
static inline bool rtp_looks_like(struct slice payload)
{
    if (payload.len < RTP_HEADER_LEN)
        return false;
    uint8_t first = (uint8_t)payload.at[0], second = (uint8_t)payload.at[1];
    return first >> 6 == 2 && (second < RTP_TYPE_RTCP_FIRST || second > RTP_TYPE_RTCP_LAST);
}

/* Of a payload that rtp_looks_like. */
static inline void rtp_header_read(struct slice payload, struct rtp_header *header)
{
    const uint8_t *at = (const uint8_t *)payload.at;
    header->marker = at[1] >> 7;
    header->payload_type = at[1] & 0x7f;
    header->sequence = (uint16_t)(at[2] << 8 | at[3]);
    header->timestamp =
        (uint32_t)at[4] << 24 | (uint32_t)at[5] << 16 | (uint32_t)at[6] << 8 | at[7];
    header->ssrc = (uint32_t)at[8] << 24 | (uint32_t)at[9] << 16 | (uint32_t)at[10] << 8 | at[11];
}

/*
 * What else must hold before anything is believed to be RTP that no SDP announced: CSRCs, the
 * header's extension and the padding fit (as far as they were captured), no payload type that
 * aliases RTCP, no more octets than fit 1,500. SRTP encrypts the padding's length: its padded
 * packets are no help.
 */
bool rtp_is_plausible(struct slice payload, bool is_truncated);

#endif
