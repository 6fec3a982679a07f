#include "flow/rtp_holes.h"

#define MIX_A UINT64_C(0x9e3779b97f4a7c15)
#define MIX_B UINT64_C(0xbf58476d1ce4e5b9)

enum {
    RTP_HEADER_LEN = 12,
    TYPE_RTCP_FIRST = 192, /* RFC 5761 section 4: the second octet of RTCP */
    TYPE_RTCP_LAST = 223,
    WAYS = 4,         /* places that a stream may have: few others have them all */
    AGREEING_MIN = 4, /* packets in order, then a stream is believed */
    JUMP_MAX = 100,   /* sequence numbers; farther is a restart */
    LATE_MAX = 4,     /* sequence numbers; farther behind a packet is not late but missing */
    SEEN_ALL = (1 << LATE_MAX) - 1,
    SILENCE_MS = 2000,       /* then a stream has ended, or paused */
    SILENCE_UNKNOWN_MS = 100 /* the same of one that is not believed yet */
};

void rtp_holes_init(struct rtp_holes *holes)
{
    *holes = (struct rtp_holes){0};
}

static inline uint64_t address_word(const struct ip_addr *ip)
{
    uint64_t high, low;
    memcpy(&high, ip->octets, sizeof high);
    memcpy(&low, ip->octets + 8, sizeof low);
    return high ^ low;
}

/*
 * Not keyed: which streams are watched must be the same each time a capture is read. Who chooses
 * streams that share their places makes the sample smaller, and nothing slower.
 */
static inline uint64_t hash_stream(const struct datagram *datagram, uint32_t ssrc)
{
    uint64_t dst = address_word(&datagram->dst.ip);
    uint64_t addresses = address_word(&datagram->src.ip) ^ (dst << 32 | dst >> 32);
    uint64_t ports = (uint64_t)datagram->src.port << 16 | datagram->dst.port;
    /* Each half behind a constant, then multiplied, and the product folded. */
    unsigned __int128 product =
        (unsigned __int128)(addresses ^ MIX_A) * ((ports << 32 | ssrc) ^ MIX_B);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint32_t silence_ms(const struct rtp_holes_place *place, uint32_t now_ms)
{
    uint32_t forward = now_ms - place->seen_ms, back = place->seen_ms - now_ms;
    return forward < back ? forward : back;
}

static enum rtp_holes_verdict restart(struct rtp_holes_place *place, uint16_t sequence)
{
    place->sequence = sequence;
    place->agreeing = 0;
    place->seen = SEEN_ALL;
    return RTP_HOLES_NOT_RTP;
}

/*
 * The latest packet of a stream, `ahead` of the one before. What is LATE_MAX behind it and was not
 * seen is missing; a hole is told of once, with all that may yet come late.
 */
static enum rtp_holes_verdict go_on(struct rtp_holes_place *place, unsigned ahead)
{
    bool is_missing = ahead > LATE_MAX;
    if (!is_missing) {
        unsigned seen = (unsigned)place->seen << ahead | 1;
        is_missing = seen >> LATE_MAX != (1U << ahead) - 1;
        place->seen = seen & SEEN_ALL;
    }
    if (!is_missing)
        return RTP_HOLES_IN_ORDER;
    place->seen = SEEN_ALL;
    return RTP_HOLES_MISSING;
}

static __attribute__((noinline)) enum rtp_holes_verdict follow(struct rtp_holes_place *place,
                                                               uint16_t sequence, bool was_silent)
{
    uint16_t ahead = (uint16_t)(sequence - place->sequence);
    uint16_t behind = (uint16_t)(place->sequence - sequence);
    bool is_believed = place->agreeing >= AGREEING_MIN;
    if (ahead == 1 && !is_believed) {
        place->sequence = sequence;
        place->agreeing++;
        return place->agreeing >= AGREEING_MIN ? RTP_HOLES_IN_ORDER : RTP_HOLES_NOT_RTP;
    }
    if (!is_believed || (was_silent && ahead != 1) || (ahead > JUMP_MAX && behind > JUMP_MAX))
        return restart(place, sequence);
    if (ahead > JUMP_MAX || ahead == 0) {
        if (behind < LATE_MAX)
            place->seen |= (uint8_t)(1U << behind);
        return RTP_HOLES_IN_ORDER;
    }
    place->sequence = sequence;
    return go_on(place, ahead);
}

static bool is_used(const struct rtp_holes_place *place, uint32_t now_ms)
{
    uint32_t end_ms = place->agreeing < AGREEING_MIN ? SILENCE_UNKNOWN_MS : SILENCE_MS;
    return place->stream != 0 && silence_ms(place, now_ms) <= end_ms;
}

/* Takes the first of the places that nobody uses. */
static __attribute__((noinline)) enum rtp_holes_verdict
begin(struct rtp_holes_place place[WAYS], uint32_t stream, uint16_t sequence, uint32_t now_ms)
{
    int way = 0;
    while (way < WAYS && is_used(&place[way], now_ms))
        way++;
    if (way == WAYS)
        return RTP_HOLES_NOT_RTP;
    place[way].stream = stream;
    place[way].seen_ms = now_ms;
    return restart(&place[way], sequence);
}

enum rtp_holes_verdict rtp_holes_look(struct rtp_holes *holes, const struct datagram *datagram,
                                      uint32_t *flow)
{
    const uint8_t *header = (const uint8_t *)datagram->payload.at;
    if (datagram->payload.len < RTP_HEADER_LEN || header[0] >> 6 != 2 ||
        (header[1] >= TYPE_RTCP_FIRST && header[1] <= TYPE_RTCP_LAST))
        return RTP_HOLES_NOT_RTP;
    uint32_t ssrc;
    memcpy(&ssrc, header + 8, sizeof ssrc);
    uint16_t sequence = (uint16_t)(header[2] << 8 | header[3]);
    uint64_t hash = hash_stream(datagram, ssrc);
    struct rtp_holes_place *place = &holes->place[(hash >> 32) % RTP_HOLES_PLACES / WAYS * WAYS];
    uint32_t stream = (uint32_t)hash | 1;
    uint32_t now_ms = (uint32_t)((uint64_t)datagram->time_ns / 1000000);
    int way = 0;
    while (way < WAYS && place[way].stream != stream)
        way++;
    if (way == WAYS)
        return begin(place, stream, sequence, now_ms);
    place += way;
    *flow = stream;
    /* Nearly always: the next one, and none is missed. It says the same after a silence. */
    if ((uint16_t)(place->sequence + 1) == sequence && place->agreeing >= AGREEING_MIN &&
        place->seen == SEEN_ALL) {
        place->sequence = sequence;
        place->seen_ms = now_ms;
        return RTP_HOLES_IN_ORDER;
    }
    bool was_silent = silence_ms(place, now_ms) > SILENCE_MS;
    place->seen_ms = now_ms;
    return follow(place, sequence, was_silent);
}
