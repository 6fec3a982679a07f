/*
 * rtcp_packet: the figures in an RTCP datagram (RFC 3550 section 6, RFC 5506), with the blocks of
 * RTCP XR (RFC 3611) that tell delay and quality. Pure, without allocation.
 *
 * A reader is set up once over the datagram, which checks that its lengths add up, and then gives
 * one item after the other. Encrypted RTCP (SRTCP) looks like garbage behind its first eight
 * octets: what does not add up is refused as a whole. All values are the far end's word; whoever
 * uses them holds them against reason.
 */
#ifndef SIPSPAN_RTP_RTCP_PACKET_H
#define SIPSPAN_RTP_RTCP_PACKET_H

#include "base/cursor.h"
#include "base/slice.h"

enum rtcp_item_type {
    RTCP_SENDER_INFO,  /* of an SR */
    RTCP_REPORT_BLOCK, /* of an SR or RR */
    RTCP_BYE,
    RTCP_XR_RRTR, /* receiver reference time, RFC 3611 section 4.4 */
    RTCP_XR_DLRR, /* delay since the last receiver report, one sub-block, section 4.5 */
    RTCP_XR_VOIP, /* VoIP metrics, section 4.7 */
};

/* The middle 32 bits of an NTP time stamp are how RTCP refers to it (RFC 3550 section 4). */
struct rtcp_sender_info {
    uint32_t ntp_seconds, ntp_fraction; /* since 1900, and 2^-32 of a second */
    uint32_t ntp_middle;
    uint32_t rtp_timestamp, packets, octets;
};

struct rtcp_report_block {
    uint32_t ssrc; /* of the source that it is about */
    uint8_t fraction_lost;
    int32_t cumulative_lost; /* 24 bits, signed */
    uint32_t highest_sequence;
    uint32_t jitter; /* in units of that source's clock */
    uint32_t lsr, dlsr;
};

struct rtcp_xr_dlrr {
    uint32_t ssrc; /* of the receiver whose RRTR it answers */
    uint32_t lrr, dlrr;
};

/* RFC 3611 section 4.7; the RFC's own units. 127 and 0 mean "unavailable" where the RFC says so. */
struct rtcp_xr_voip {
    uint32_t ssrc; /* of the source that it is about */
    uint8_t loss_rate, discard_rate, burst_density, gap_density;
    uint16_t burst_duration_ms, gap_duration_ms, round_trip_ms, end_system_ms;
    int8_t signal_level, noise_level;
    uint8_t rerl, gmin, r_factor, external_r_factor, mos_lq, mos_cq, rx_config;
    uint16_t jitter_buffer_nominal_ms, jitter_buffer_max_ms, jitter_buffer_absolute_max_ms;
};

struct rtcp_item {
    enum rtcp_item_type type;
    uint32_t sender_ssrc; /* who says so; of a BYE: who leaves (one item for each) */
    union {
        struct rtcp_sender_info sender_info;
        struct rtcp_report_block report;
        struct rtcp_xr_dlrr dlrr;
        struct rtcp_xr_voip voip;
        uint32_t rrtr_ntp_middle;
    };
};

struct rtcp_reader {
    struct cursor packets; /* what follows of the datagram */
    struct cursor body;    /* what follows of the packet that is being read */
    struct cursor block;   /* what follows of the XR block that is being read */
    uint32_t sender_ssrc;
    uint32_t sdes_ssrc; /* whom the source descriptions so far were of first; 0: there were none */
    uint8_t packet_type, count, block_type;
};

/*
 * False: no RTCP that can be read: a version other than 2, a first packet type that may not be
 * first (RFC 3550 section 6.1, RFC 5506), lengths that do not add up to the datagram. What a snap
 * length cut is read as far as it goes.
 */
bool rtcp_reader_init(struct rtcp_reader *reader, struct slice payload, bool is_truncated);
bool rtcp_reader_next(struct rtcp_reader *reader, struct rtcp_item *item);

#endif
