/*
 * sdp: a session description (RFC 8866, RFC 4566) as a view of the body that it was parsed from.
 * Pure.
 *
 * It takes what the field writes (LF alone, no final newline, tabs, missing lines, numbers out of
 * range) and notes in `defects` what it had to leave out or guess. Slices point into the body and
 * live as long as that does. Keys (a=crypto) are seen, never kept: all that remains is `secure`.
 *
 * struct sdp is 26 KiB; only as much of it is written as the body needs.
 */
#ifndef SIPSPAN_SDP_SDP_H
#define SIPSPAN_SDP_SDP_H

#include "base/slice.h"
#include "net/endpoint.h"

enum { SDP_MEDIA_MAX = 16, SDP_PAYLOADS_MAX = 64, SDP_SSRCS_MAX = 4 };

enum sdp_verdict {
    SDP_OK,
    SDP_EMPTY,   /* no octet but white space */
    SDP_NOT_SDP, /* neither v=, o=, c= nor m= in it */
};

/* Bit 0: sends; bit 1: receives; as the describing side sees it. */
enum sdp_direction { SDP_INACTIVE = 0, SDP_SENDONLY = 1, SDP_RECVONLY = 2, SDP_SENDRECV = 3 };

enum sdp_defect {
    SDP_DEFECT_LINE_END = 1 << 0,      /* LF or CR alone */
    SDP_DEFECT_NO_FINAL_EOL = 1 << 1,  /* the last line has no end */
    SDP_DEFECT_SPACING = 1 << 2,       /* tabs, or white space at the ends of a line or after "=" */
    SDP_DEFECT_LINE = 1 << 3,          /* a line that is not x=…; left out */
    SDP_DEFECT_VERSION = 1 << 4,       /* does not begin with v=0 */
    SDP_DEFECT_ORIGIN = 1 << 5,        /* o= is missing or incomplete */
    SDP_DEFECT_CONNECTION = 1 << 6,    /* a c= that cannot be read; left out */
    SDP_DEFECT_NO_CONNECTION = 1 << 7, /* an RTP stream without an address */
    SDP_DEFECT_SCOPE = 1 << 8,         /* an IPv6 address with a zone, which is left out */
    SDP_DEFECT_MEDIA_LINE = 1 << 9,    /* an m= without type, port and proto; see `broken` */
    SDP_DEFECT_PORT = 1 << 10,         /* a port that is no number or above 65535; see `broken` */
    SDP_DEFECT_PORT_COUNT = 1 << 11,   /* a number of ports that is impossible; taken as 1 */
    SDP_DEFECT_PAYLOAD_TYPE = 1 << 12, /* no number from 0 to 127, or twice; left out */
    SDP_DEFECT_MORE_PAYLOADS = 1 << 13, /* more than SDP_PAYLOADS_MAX; the rest is left out */
    SDP_DEFECT_MORE_MEDIA = 1 << 14, /* more than SDP_MEDIA_MAX; counted in media_seen, not kept */
    SDP_DEFECT_RTPMAP = 1 << 15,     /* incomplete, or for a payload type that m= does not list */
    SDP_DEFECT_CLOCK_RATE = 1 << 16, /* not 1 to 1,000,000; the clock is unknown */
    SDP_DEFECT_ATTRIBUTE = 1 << 17, /* another known attribute with an unreadable value; left out */
};

/* One payload type (RTP) of a media section, in the order of preference that m= gives. */
struct sdp_payload {
    struct slice
        codec; /* as rtpmap writes it, or RFC 3551's name of a static type; empty: unknown */
    uint32_t clock_hz;    /* 0: unknown */
    uint8_t type;         /* 0 to 127 */
    uint8_t channels;     /* at least 1 */
    bool telephone_event; /* RFC 4733 */
    bool comfort_noise;   /* RFC 3389 */
};

/* One m= section. */
struct sdp_media {
    struct slice type;    /* "audio" */
    struct slice proto;   /* "RTP/AVP" */
    struct slice mid;     /* RFC 5888; empty: none */
    struct slice address; /* of its c= or the session's, without TTL; empty: none */
    struct endpoint rtp;  /* where it receives; ip.version 0: `address` is a name or none */
    struct endpoint rtcp; /* a=rtcp (RFC 3605), else the next port; port 0: there is none */
    uint32_t ssrc[SDP_SSRCS_MAX];
    uint16_t port_count; /* consecutive pairs of RTP and RTCP, nearly always 1 */
    uint16_t ptime_ms;   /* 0: not said */
    uint16_t maxptime_ms;
    uint8_t payload_count;
    uint8_t ssrc_count;
    uint8_t direction; /* enum sdp_direction; its own, else the session's, else sendrecv */
    bool broken;       /* the port cannot be read: the section only holds its place */
    bool disabled;     /* port 0: rejected or switched off (RFC 3264 section 6) */
    bool is_rtp;       /* payload types are only read of these */
    bool secure;       /* SAVP, TLS, a=crypto or a=fingerprint: it may be encrypted */
    bool ice; /* a=candidate or a=ice-ufrag: the address is the default, not the last word */
    bool zero_address; /* 0.0.0.0 or ::, nothing may be sent to it (RFC 3264 section 8.4) */
    bool rtcp_mux;     /* RFC 5761 */
    struct sdp_payload payload[SDP_PAYLOADS_MAX];
};

struct sdp {
    struct slice session_id;      /* of o=, as written; empty: missing */
    struct slice session_version; /* the same */
    struct slice origin_address;  /* the same */
    struct slice address;         /* of the session's c=, without TTL; empty: none */
    uint32_t defects;             /* enum sdp_defect, or-ed */
    unsigned media_count;         /* in `media` */
    unsigned media_seen;          /* in the body */
    struct sdp_media media[SDP_MEDIA_MAX];
};

/* Fills *out unless the verdict is other than SDP_OK; media_count is always set. */
enum sdp_verdict sdp_parse(struct slice body, struct sdp *out);

static inline bool sdp_direction_sends(unsigned direction)
{
    return direction & SDP_SENDONLY;
}

static inline bool sdp_direction_receives(unsigned direction)
{
    return direction & SDP_RECVONLY;
}

#endif
