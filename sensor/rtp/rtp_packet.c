#include "rtp/rtp_packet.h"

#include "base/cursor.h"

enum {
    RTCP_HEADER_LEN = 8, /* with the sender's SSRC */

    PAYLOAD_MAX = 1492, /* 1,500 with UDP's header */

    STUN_HEADER_LEN = 20,
    TURN_HEADER_LEN = 4,
    ZRTP_LEN_MIN = 28, /* header, the shortest message, CRC */
    DTLS_HEADER_LEN = 13,
    DTLS_SEALED_MIN = 16, /* RFC 9147 section 4.2.3 */
};

#define STUN_COOKIE UINT32_C(0x2112a442)
#define ZRTP_COOKIE UINT32_C(0x5a525450) /* "ZRTP" */

struct datagram_octets {
    struct cursor at;
    size_t len; /* captured */
    bool is_truncated;
};

/* Whether `len` octets, as a length field tells, can be all of the datagram. */
static bool is_all(const struct datagram_octets *d, size_t len)
{
    return d->is_truncated ? len >= d->len && len <= PAYLOAD_MAX : len == d->len;
}

/* Whether the datagram can have that many octets. */
static bool has_room(const struct datagram_octets *d, size_t len)
{
    return len <= (d->is_truncated ? (size_t)PAYLOAD_MAX : d->len);
}

static bool is_stun(struct datagram_octets d)
{
    uint16_t type = cursor_u16(&d.at), len = cursor_u16(&d.at);
    uint32_t cookie = cursor_u32(&d.at);
    if (d.at.failed || len % 4 != 0 || !is_all(&d, (size_t)STUN_HEADER_LEN + len))
        return false;
    if (cookie == STUN_COOKIE)
        return true;
    /* RFC 3489 had no cookie, and two methods: binding, and shared secret. */
    unsigned method = type & 0xfeef;
    return method == 1 || method == 2;
}

static bool is_zrtp(struct datagram_octets d)
{
    cursor_skip(&d.at, 4);
    uint32_t cookie = cursor_u32(&d.at);
    return !d.at.failed && cookie == ZRTP_COOKIE && (d.is_truncated || d.len >= ZRTP_LEN_MIN);
}

/* DTLS 1.3's encrypted records (RFC 9147 section 4): 0 0 1 C S L E E. */
static bool is_dtls_sealed(struct datagram_octets d)
{
    uint8_t first = cursor_u8(&d.at);
    bool has_cid = first & 0x10, has_len = first & 0x04;
    if (has_cid)
        return false; /* nobody knows how long it is; SNMP begins like that, too */
    cursor_skip(&d.at, first & 0x08 ? 2 : 1);
    size_t len = has_len ? cursor_u16(&d.at) : DTLS_SEALED_MIN;
    size_t header = d.len - d.at.left;
    if (d.at.failed || len < DTLS_SEALED_MIN || !has_room(&d, header + len))
        return false;
    /* Nothing more can be checked, and its first octets are digits and punctuation of ASCII: what
     * follows must at least be no text. */
    const uint8_t *sealed = cursor_take(&d.at, DTLS_SEALED_MIN);
    uint8_t high = 0;
    for (unsigned i = 0; sealed && i < DTLS_SEALED_MIN; i++)
        high |= sealed[i];
    return high & 0x80;
}

static bool is_dtls(struct datagram_octets d)
{
    struct cursor at = d.at;
    uint8_t type = cursor_u8(&at);
    if (type >= 32)
        return is_dtls_sealed(d);
    uint16_t version = cursor_u16(&at);
    cursor_skip(&at, 8); /* epoch and sequence number */
    uint16_t len = cursor_u16(&at);
    /* 20 to 24 in all versions, 26 is DTLS 1.3's ACK; 25 (RFC 9146) has an id of unknown length
     * before its own length. */
    return !at.failed && type <= 26 && (version == 0xfeff || version == 0xfefd) &&
           (type == 25 || has_room(&d, (size_t)DTLS_HEADER_LEN + len));
}

static bool is_turn(struct datagram_octets d)
{
    cursor_skip(&d.at, 2);
    size_t len = (size_t)TURN_HEADER_LEN + cursor_u16(&d.at);
    /* Over UDP it need not be padded to 4 octets, and may be. */
    return !d.at.failed && (is_all(&d, len) || is_all(&d, (len + 3) & ~(size_t)3));
}

static bool is_rtcp(struct datagram_octets d)
{
    cursor_skip(&d.at, 2);
    size_t len = ((size_t)cursor_u16(&d.at) + 1) * 4;
    return d.len >= RTCP_HEADER_LEN && has_room(&d, len);
}

enum media_protocol media_protocol_of(struct slice payload, bool is_truncated)
{
    if (payload.len < 2)
        return MEDIA_OTHER;
    const struct datagram_octets d = {cursor_of(payload.at, payload.len), payload.len,
                                      is_truncated};
    uint8_t first = d.at.at[0], second = d.at.at[1];
    if (first < 4)
        return is_stun(d) ? MEDIA_STUN : MEDIA_OTHER;
    if (first >= 16 && first < 20)
        return is_zrtp(d) ? MEDIA_ZRTP : MEDIA_OTHER;
    if (first >= 20 && first < 64)
        return is_dtls(d) ? MEDIA_DTLS : MEDIA_OTHER;
    if (first >= 64 && first < 80)
        return is_turn(d) ? MEDIA_TURN : MEDIA_OTHER;
    if (first < 128 || first >= 192)
        return MEDIA_OTHER;
    if (second >= RTP_TYPE_RTCP_FIRST && second <= RTP_TYPE_RTCP_LAST)
        return is_rtcp(d) ? MEDIA_RTCP : MEDIA_OTHER;
    return rtp_looks_like(payload) ? MEDIA_RTP : MEDIA_OTHER;
}

const char *media_protocol_name(enum media_protocol protocol)
{
    static const char *const names[MEDIA_PROTOCOL_COUNT] = {
        [MEDIA_RTP] = "RTP",     [MEDIA_RTCP] = "RTCP", [MEDIA_STUN] = "STUN",
        [MEDIA_ZRTP] = "ZRTP",   [MEDIA_DTLS] = "DTLS", [MEDIA_TURN] = "TURN",
        [MEDIA_OTHER] = "other",
    };
    return names[protocol];
}

bool rtp_is_plausible(struct slice payload, bool is_truncated)
{
    if (!rtp_looks_like(payload) || payload.len > PAYLOAD_MAX)
        return false;
    struct cursor at = cursor_of(payload.at, payload.len);
    uint8_t first = cursor_u8(&at), type = cursor_u8(&at) & 0x7f;
    bool has_padding = first & 0x20, has_extension = first & 0x10;
    /* SR to APP without their highest bit (RFC 3550 section 5.1). */
    if (type >= 72 && type <= 76)
        return false;

    size_t header = RTP_HEADER_LEN + (first & 0x0fu) * 4;
    if (has_extension) {
        cursor_skip(&at, header); /* less the two that were read, and the profile's two */
        size_t words = cursor_u16(&at);
        header += 4 + words * 4; /* words: 0 where they were not captured */
    }
    if (is_truncated)
        return header <= PAYLOAD_MAX;
    if (header > payload.len)
        return false;
    uint8_t padding = has_padding ? (uint8_t)payload.at[payload.len - 1] : 0;
    return !has_padding || (padding > 0 && padding <= payload.len - header);
}
