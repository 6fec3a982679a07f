#include "sdp/sdp_parser.h"

enum { CLOCK_HZ_MAX = 1000000, PTIME_MS_MAX = 5000 };

#define NAME(text)                                                                                 \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }

/* RFC 3551 tables 4 and 5. A clock of 0 marks what is not assigned. */
static const struct {
    struct slice codec;
    uint32_t clock_hz;
    uint8_t channels;
} static_types[] = {
    [0] = {NAME("PCMU"), 8000, 1},   [3] = {NAME("GSM"), 8000, 1},
    [4] = {NAME("G723"), 8000, 1},   [5] = {NAME("DVI4"), 8000, 1},
    [6] = {NAME("DVI4"), 16000, 1},  [7] = {NAME("LPC"), 8000, 1},
    [8] = {NAME("PCMA"), 8000, 1},   [9] = {NAME("G722"), 8000, 1},
    [10] = {NAME("L16"), 44100, 2},  [11] = {NAME("L16"), 44100, 1},
    [12] = {NAME("QCELP"), 8000, 1}, [13] = {NAME("CN"), 8000, 1},
    [14] = {NAME("MPA"), 90000, 1},  [15] = {NAME("G728"), 8000, 1},
    [16] = {NAME("DVI4"), 11025, 1}, [17] = {NAME("DVI4"), 22050, 1},
    [18] = {NAME("G729"), 8000, 1},  [25] = {NAME("CelB"), 90000, 1},
    [26] = {NAME("JPEG"), 90000, 1}, [28] = {NAME("nv"), 90000, 1},
    [31] = {NAME("H261"), 90000, 1}, [32] = {NAME("MPV"), 90000, 1},
    [33] = {NAME("MP2T"), 90000, 1}, [34] = {NAME("H263"), 90000, 1},
};

static void set_codec(struct sdp_payload *payload, struct slice codec)
{
    payload->codec = codec;
    payload->telephone_event = slice_ieq(codec, SLICE("telephone-event"));
    payload->comfort_noise = slice_ieq(codec, SLICE("CN"));
}

void sdp_payload_init(struct sdp_payload *payload, uint8_t type)
{
    *payload = (struct sdp_payload){.type = type, .channels = 1};
    if (type >= sizeof static_types / sizeof static_types[0] || static_types[type].codec.len == 0)
        return;
    set_codec(payload, static_types[type].codec);
    payload->clock_hz = static_types[type].clock_hz;
    payload->channels = static_types[type].channels;
}

static struct sdp_payload *find_payload(struct sdp_media *media, uint64_t type)
{
    for (unsigned i = 0; i < media->payload_count; i++)
        if (media->payload[i].type == type)
            return &media->payload[i];
    return NULL;
}

/* "96 opus/48000/2" */
static bool read_rtpmap(struct sdp_parser *p, struct slice text)
{
    uint64_t type;
    struct sdp_payload *payload = NULL;
    if (slice_to_u64(sdp_take_word(&text), 127, &type))
        payload = find_payload(p->media, type);
    struct slice encoding = sdp_take_word(&text);
    struct slice codec = slice_head(encoding, slice_find(encoding, '/'));
    if (!payload || codec.len == 0) {
        p->out->defects |= SDP_DEFECT_RTPMAP;
        return true;
    }
    /* A static type that is spelled out without its clock still has it. */
    uint32_t known_clock = slice_ieq(codec, payload->codec) ? payload->clock_hz : 0;
    set_codec(payload, codec);
    struct slice rate = slice_skip(encoding, codec.len + 1);
    size_t rate_len = slice_find(rate, '/');
    struct slice channels = slice_skip(rate, rate_len + 1);
    uint64_t value;
    if (rate.len == 0)
        p->out->defects |= SDP_DEFECT_RTPMAP;
    if (slice_to_u64(slice_head(rate, rate_len), CLOCK_HZ_MAX, &value) && value > 0) {
        payload->clock_hz = (uint32_t)value;
    } else {
        p->out->defects |= SDP_DEFECT_CLOCK_RATE;
        payload->clock_hz = known_clock;
    }
    if (slice_to_u64(channels, UINT8_MAX, &value) && value > 0)
        payload->channels = (uint8_t)value;
    return true;
}

/* "20"; some write "20.0" or "20 ms". */
static bool read_milliseconds(struct slice text, uint16_t *out)
{
    size_t digits = 0;
    while (digits < text.len && text.at[digits] >= '0' && text.at[digits] <= '9')
        digits++;
    uint64_t value;
    if (!slice_to_u64(slice_head(text, digits), PTIME_MS_MAX, &value) || value == 0)
        return false;
    *out = (uint16_t)value;
    return true;
}

static bool read_ptime(struct sdp_parser *p, struct slice text)
{
    return read_milliseconds(text, &p->media->ptime_ms);
}

static bool read_maxptime(struct sdp_parser *p, struct slice text)
{
    return read_milliseconds(text, &p->media->maxptime_ms);
}

/* "53020" or "53020 IN IP4 192.0.2.1" (RFC 3605) */
static bool read_rtcp(struct sdp_parser *p, struct slice text)
{
    uint64_t port;
    if (!slice_to_u64(sdp_take_word(&text), UINT16_MAX, &port) || port == 0)
        return false;
    p->media->rtcp.port = (uint16_t)port;
    sdp_take_word(&text);
    sdp_take_word(&text);
    struct slice address = sdp_take_word(&text);
    struct ip_addr ip;
    if (address.len == 0)
        return true;
    if (!ip_parse(address, &ip))
        return false;
    p->media->rtcp.ip = ip;
    return true;
}

static bool read_rtcp_mux(struct sdp_parser *p, struct slice text)
{
    (void)text;
    p->media->rtcp_mux = true;
    return true;
}

static bool read_mid(struct sdp_parser *p, struct slice text)
{
    p->media->mid = text;
    return text.len > 0;
}

/* "2882400001 cname:…"; one line an attribute of the source, so most come several times. */
static bool read_ssrc(struct sdp_parser *p, struct slice text)
{
    struct sdp_media *media = p->media;
    uint64_t ssrc;
    if (!slice_to_u64(sdp_take_word(&text), UINT32_MAX, &ssrc))
        return false;
    for (unsigned i = 0; i < media->ssrc_count; i++)
        if (media->ssrc[i] == ssrc)
            return true;
    if (media->ssrc_count < SDP_SSRCS_MAX)
        media->ssrc[media->ssrc_count++] = (uint32_t)ssrc;
    return true;
}

static bool read_ice(struct sdp_parser *p, struct slice text)
{
    (void)text;
    *(p->media ? &p->media->ice : &p->ice) = true;
    return true;
}

static bool read_secure(struct sdp_parser *p, struct slice text)
{
    (void)text;
    *(p->media ? &p->media->secure : &p->secure) = true;
    return true;
}

enum { SLOT_COUNT = 16 };

/* Last letter and length tell the names of the attributes apart. */
#define SLOT(last, length) (((size_t)4 * (last) + (length)) % SLOT_COUNT)

static const struct {
    struct slice name;
    bool for_session;                                      /* else in media sections only */
    bool (*read)(struct sdp_parser *p, struct slice text); /* false: the value cannot be read */
} attributes[SLOT_COUNT] = {
    [SLOT('p', 6)] = {NAME("rtpmap"), false, read_rtpmap},
    [SLOT('e', 9)] = {NAME("candidate"), true, read_ice},
    [SLOT('g', 9)] = {NAME("ice-ufrag"), true, read_ice},
    [SLOT('c', 4)] = {NAME("ssrc"), false, read_ssrc},
    [SLOT('e', 5)] = {NAME("ptime"), false, read_ptime},
    [SLOT('e', 8)] = {NAME("maxptime"), false, read_maxptime},
    [SLOT('p', 4)] = {NAME("rtcp"), false, read_rtcp},
    [SLOT('x', 8)] = {NAME("rtcp-mux"), false, read_rtcp_mux},
    [SLOT('d', 3)] = {NAME("mid"), false, read_mid},
    [SLOT('o', 6)] = {NAME("crypto"), true, read_secure},
    [SLOT('t', 11)] = {NAME("fingerprint"), true, read_secure},
};

static bool read_direction(struct sdp_parser *p, struct slice name)
{
    enum sdp_direction direction;
    if (slice_ieq(name, SLICE("sendrecv")))
        direction = SDP_SENDRECV;
    else if (slice_ieq(name, SLICE("sendonly")))
        direction = SDP_SENDONLY;
    else if (slice_ieq(name, SLICE("recvonly")))
        direction = SDP_RECVONLY;
    else if (slice_ieq(name, SLICE("inactive")))
        direction = SDP_INACTIVE;
    else
        return false;
    *(p->media ? &p->media->direction : &p->direction) = (uint8_t)direction;
    return true;
}

/* "name" or "name:value". Unknown ones are left out, as RFC 8866 section 5.13 asks. */
void sdp_read_attribute(struct sdp_parser *p, struct slice text)
{
    if (p->in_media && !p->media)
        return;
    size_t colon = slice_find(text, ':');
    struct slice name = slice_trim(slice_head(text, colon));
    struct slice value = slice_trim(slice_skip(text, colon + 1));
    if (name.len == 0 || read_direction(p, name))
        return;
    size_t slot = SLOT((uint8_t)name.at[name.len - 1] | 0x20u, name.len);
    if (!slice_ieq(name, attributes[slot].name) || (!p->media && !attributes[slot].for_session))
        return;
    if (!attributes[slot].read(p, value))
        p->out->defects |= SDP_DEFECT_ATTRIBUTE;
}
