#include "sdp/sdp.h"

#include "sdp/sdp_parser.h"

/* The first comparison is true of nearly all. */
static bool is_of_word(char c)
{
    return (uint8_t)c > ' ' || (c != ' ' && c != '\t');
}

struct slice sdp_take_word(struct slice *s)
{
    const char *begin = s->at, *stop = begin + s->len;
    while (begin < stop && !is_of_word(*begin))
        begin++;
    const char *end = begin;
    while (end < stop && is_of_word(*end))
        end++;
    *s = slice_of(end, (size_t)(stop - end));
    return slice_of(begin, (size_t)(end - begin));
}

/* "192.0.2.1/127" or "2001:db8::1/3": TTL and number of addresses are for multicast. */
static struct slice without_ttl(struct slice address)
{
    return slice_head(address, slice_find(address, '/'));
}

/* A literal address; a zone means nothing outside the host that wrote it. No address for a name. */
static struct ip_addr read_address(struct sdp_parser *p, struct slice text)
{
    struct ip_addr ip = {.version = 0};
    size_t zone = slice_find(text, '%');
    if (zone < text.len)
        p->out->defects |= SDP_DEFECT_SCOPE;
    if (!ip_parse(slice_head(text, zone), &ip))
        ip.version = 0;
    return ip;
}

/*
 * "username sess-id sess-version IN IP4 address", from the right: user names with spaces in them
 * are wrong, and found.
 */
static void read_origin(struct sdp_parser *p, struct slice text)
{
    struct slice last[5]; /* the word with the number n is at n % 5 */
    unsigned words = 0;
    for (struct slice word; (word = sdp_take_word(&text)).len > 0; words++)
        last[words % 5] = word;
    if (words != 6)
        p->out->defects |= SDP_DEFECT_ORIGIN;
    if (words < 6)
        return;
    p->out->session_id = last[words % 5];
    p->out->session_version = last[(words + 1) % 5];
    p->out->origin_address = last[(words + 4) % 5];
}

/* "IN IP4 192.0.2.1". The first one counts: more are for layered multicast. */
static void read_connection(struct sdp_parser *p, struct slice text)
{
    sdp_take_word(&text);
    sdp_take_word(&text);
    struct slice address = without_ttl(sdp_take_word(&text));
    if (address.len == 0) {
        p->out->defects |= SDP_DEFECT_CONNECTION;
        return;
    }
    if (p->in_media && !p->media)
        return;
    struct slice *kept = p->media ? &p->media->address : &p->out->address;
    if (kept->len == 0)
        *kept = address;
}

/* "RTP/AVP", "UDP/TLS/RTP/SAVPF", "TCP/DTLS/SCTP", "udptl", part by part. */
static void read_proto(struct sdp_media *media)
{
    struct slice rest = media->proto;
    while (rest.len > 0) {
        size_t slash = slice_find(rest, '/');
        struct slice part = slice_head(rest, slash);
        media->is_rtp |= slice_ieq(part, SLICE("RTP"));
        media->secure |= slice_ieq(part, SLICE("TLS")) || slice_ieq(part, SLICE("DTLS")) ||
                         slice_istarts(part, SLICE("SAVP"));
        rest = slice_skip(rest, slash + 1);
    }
}

static void read_port(struct sdp_parser *p, struct sdp_media *media, struct slice text)
{
    size_t slash = slice_find(text, '/');
    uint64_t port;
    if (!slice_to_u64(slice_head(text, slash), UINT16_MAX, &port)) {
        p->out->defects |= SDP_DEFECT_PORT;
        media->broken = true;
        return;
    }
    media->rtp.port = (uint16_t)port;
    media->disabled = port == 0;
    uint64_t count = 1;
    if (slash < text.len && (!slice_to_u64(slice_skip(text, slash + 1), UINT16_MAX, &count) ||
                             count == 0 || port + 2 * count - 1 > UINT16_MAX)) {
        p->out->defects |= SDP_DEFECT_PORT_COUNT;
        count = 1;
    }
    media->port_count = (uint16_t)count;
}

static void read_payload_types(struct sdp_parser *p, struct sdp_media *media, struct slice text)
{
    uint64_t seen[2] = {0, 0};
    for (struct slice word; (word = sdp_take_word(&text)).len > 0;) {
        uint64_t type;
        if (!slice_to_u64(word, 127, &type) || (seen[type / 64] >> type % 64 & 1)) {
            p->out->defects |= SDP_DEFECT_PAYLOAD_TYPE;
            continue;
        }
        if (media->payload_count == SDP_PAYLOADS_MAX) {
            p->out->defects |= SDP_DEFECT_MORE_PAYLOADS;
            return;
        }
        seen[type / 64] |= UINT64_C(1) << type % 64;
        sdp_payload_init(&media->payload[media->payload_count++], (uint8_t)type);
    }
}

/* All of a section but its payload types, which payload_count bounds: they are the bulk of it. */
static void init_media(struct sdp_media *media)
{
    memset(media, 0, offsetof(struct sdp_media, payload));
    media->port_count = 1;
    /* Until the end of the body; only then is it known what the session says. */
    media->direction = UINT8_MAX;
}

/* "audio 49170/2 RTP/AVP 0 8 96". A section that cannot be read keeps its place in the order. */
static void read_media(struct sdp_parser *p, struct slice text)
{
    p->in_media = true;
    p->media = NULL;
    p->out->media_seen++;
    if (p->out->media_count == SDP_MEDIA_MAX) {
        p->out->defects |= SDP_DEFECT_MORE_MEDIA;
        return;
    }
    struct sdp_media *media = &p->out->media[p->out->media_count++];
    p->media = media;
    init_media(media);
    media->type = sdp_take_word(&text);
    struct slice port = sdp_take_word(&text);
    media->proto = sdp_take_word(&text);
    if (media->proto.len == 0) {
        p->out->defects |= SDP_DEFECT_MEDIA_LINE;
        media->broken = true;
        return;
    }
    read_proto(media);
    read_port(p, media, port);
    if (media->is_rtp)
        read_payload_types(p, media, text);
}

/* What a section takes over from the session, and what follows from all of its lines together. */
static void finish_media(struct sdp_parser *p, struct sdp_media *media)
{
    static const uint8_t zeros[16];
    if (media->direction == UINT8_MAX)
        media->direction = p->direction;
    media->secure |= p->secure;
    media->ice |= p->ice;
    if (media->address.len == 0)
        media->address = p->out->address;
    media->rtp.ip = read_address(p, media->address);
    media->zero_address =
        media->rtp.ip.version != 0 && memcmp(media->rtp.ip.octets, zeros, 16) == 0;
    if (media->is_rtp && media->address.len == 0 && !media->disabled)
        p->out->defects |= SDP_DEFECT_NO_CONNECTION;
    if (media->disabled || media->broken || !media->is_rtp) {
        media->rtcp = (struct endpoint){.port = 0};
        return;
    }
    if (media->rtcp.port == 0 && media->rtp.port < UINT16_MAX)
        media->rtcp.port = (uint16_t)(media->rtp.port + 1);
    if (media->rtcp.ip.version == 0)
        media->rtcp.ip = media->rtp.ip;
}

static void read_line(struct sdp_parser *p, struct slice line)
{
    struct slice trimmed = slice_trim(line);
    if (trimmed.len < 2 || trimmed.at[1] != '=') {
        if (trimmed.len > 0)
            p->out->defects |= SDP_DEFECT_LINE;
        return;
    }
    struct slice value = slice_trim(slice_skip(trimmed, 2));
    /* "s= " is how a session without a name is to be written. */
    if (trimmed.at[0] != 's' &&
        (value.len + 2 != line.len || (p->has_tab && slice_find(value, '\t') < value.len)))
        p->out->defects |= SDP_DEFECT_SPACING;
    if (!p->known_line && (trimmed.at[0] != 'v' || !slice_eq(value, SLICE("0"))))
        p->out->defects |= SDP_DEFECT_VERSION;
    switch (trimmed.at[0]) {
    case 'v':
        p->known_line = true;
        break;
    case 'o':
        p->known_line = true;
        read_origin(p, value);
        break;
    case 'c':
        p->known_line = true;
        read_connection(p, value);
        break;
    case 'm':
        p->known_line = true;
        read_media(p, value);
        break;
    case 'a':
        sdp_read_attribute(p, value);
        break;
    default:
        break;
    }
}

/* Lines end with CRLF, LF or CR; empty ones say nothing. */
static void read_lines(struct sdp_parser *p, struct slice body)
{
    while (body.len > 0) {
        size_t lf = slice_find(body, '\n');
        struct slice text = slice_head(body, lf);
        if (lf < body.len) {
            if (text.len > 0 && text.at[text.len - 1] == '\r')
                text.len--;
            else
                p->out->defects |= SDP_DEFECT_LINE_END;
        }
        for (size_t cr; (cr = slice_find(text, '\r')) < text.len; text = slice_skip(text, cr + 1)) {
            p->out->defects |= SDP_DEFECT_LINE_END;
            read_line(p, slice_head(text, cr));
        }
        if (lf == body.len && text.len > 0)
            p->out->defects |= SDP_DEFECT_NO_FINAL_EOL;
        read_line(p, text);
        body = slice_skip(body, lf + 1);
    }
}

enum sdp_verdict sdp_parse(struct slice body, struct sdp *out)
{
    memset(out, 0, offsetof(struct sdp, media));
    struct sdp_parser parser = {
        .out = out, .direction = SDP_SENDRECV, .has_tab = slice_find(body, '\t') < body.len};
    if (slice_trim(body).len == 0)
        return SDP_EMPTY;
    read_lines(&parser, body);
    if (!parser.known_line)
        return SDP_NOT_SDP;
    if (out->session_id.len == 0)
        out->defects |= SDP_DEFECT_ORIGIN;
    for (unsigned i = 0; i < out->media_count; i++)
        finish_media(&parser, &out->media[i]);
    return SDP_OK;
}
