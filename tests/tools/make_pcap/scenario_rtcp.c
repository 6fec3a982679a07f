#include <string.h>

#include "scenario_line.h"

/*
 * A line is one datagram, and its time is when it passes the sensor. How the hosts' clocks stand,
 * when they sent and received it (host lines: leg=, ntp_ahead=), and so LSR and DLSR, follow from
 * that. The sections are those of RFC 3550 and, of XR, of RFC 3611.
 */

#define NTP_EPOCH_S INT64_C(2208988800)
#define SECOND      INT64_C(1000000000)

enum {
    RTCP_SR = 200,
    RTCP_RR = 201,
    RTCP_SDES = 202,
    RTCP_BYE = 203,
    RTCP_XR = 207,
    XR_RRTR = 4,
    XR_DLRR = 5,
    XR_VOIP = 7,
    NOT_KNOWN = 127,
    CLEAR_OCTETS = 8,
    SRTCP_TRAILER = 14,
    SDES_CNAME = 1,
};

/* The sender's clock when it sent what passes now: 32 bits of seconds, 32 of their fraction. */
static uint64_t ntp_of(const struct line *l)
{
    int64_t ns = or_else(l->s->file.start, SCENARIO_START_NS) + l->time_ns -
                 or_else(l->spec->leg, 0) + or_else(l->spec->ntp_ahead, 0);
    uint64_t fraction = ((uint64_t)(ns % SECOND) << 32) / (uint64_t)SECOND;
    return (uint64_t)(ns / SECOND + NTP_EPOCH_S) << 32 | fraction;
}

static void remember(struct line *l, uint64_t ntp, bool rrtr)
{
    struct scenario *s = l->s;
    s->moments = must_realloc(s->moments, (s->moment_count + 1) * sizeof *s->moments);
    s->moments[s->moment_count++] =
        (struct rtcp_moment){.ssrc = (uint32_t)or_else(l->spec->ssrc, 0x1234abcd),
                             .ntp_middle = (uint32_t)(ntp >> 16),
                             .rrtr = rrtr,
                             .tap_ns = l->time_ns};
}

/* LSR and DLSR, or LRR and DLRR: of the latest that this SSRC sent and that has arrived; 0 and 0
 * where there is none. */
static void add_reference(const struct line *l, uint32_t ssrc, bool rrtr, struct text *out)
{
    const struct rtcp_moment *last = NULL;
    int64_t there_and_back_ns = 2 * or_else(l->spec->leg, 0);
    for (unsigned i = 0; i < l->s->moment_count; i++) {
        const struct rtcp_moment *m = &l->s->moments[i];
        if (m->ssrc == ssrc && m->rrtr == rrtr && m->tap_ns + there_and_back_ns <= l->time_ns &&
            (!last || m->tap_ns > last->tap_ns))
            last = m;
    }
    int64_t held_ns = last ? l->time_ns - last->tap_ns - there_and_back_ns : 0;
    text_put_u32(out, (uint32_t)or_else(rrtr ? SPEC_UNSET : l->spec->lsr,
                                        last ? (int64_t)last->ntp_middle : 0));
    text_put_u32(out, (uint32_t)((held_ns * 65536 + SECOND / 2) / SECOND));
}

/* Begins a packet; its length is set by end_packet. */
static size_t begin_packet(const struct line *l, struct text *out, unsigned count, unsigned type)
{
    size_t begin = out->len;
    text_put_u16(out, (0x80U | count) << 8 | type);
    text_put_u16(out, 0);
    text_put_u32(out, (uint32_t)or_else(l->spec->ssrc, 0x1234abcd));
    return begin;
}

static void end_packet(struct text *out, size_t begin)
{
    size_t words = (out->len - begin) / 4 - 1;
    out->at[begin + 2] = (char)(words >> 8);
    out->at[begin + 3] = (char)words;
}

/* Section 6.4.1. */
static void add_report_block(const struct line *l, struct text *out)
{
    const struct spec *spec = l->spec;
    text_put_u32(out, (uint32_t)spec->report);
    text_put_u32(out, (uint32_t)or_else(spec->fraction, 0) << 24 |
                          ((uint32_t)or_else(spec->lost, 0) & 0xffffff));
    text_put_u32(out, (uint32_t)or_else(spec->highest, 0));
    text_put_u32(out, (uint32_t)or_else(spec->report_jitter, 0));
    add_reference(l, (uint32_t)spec->report, false, out);
}

static void add_report(struct line *l, struct text *out)
{
    const struct spec *spec = l->spec;
    if (!spec->sr && !spec->rr)
        return;
    size_t begin = begin_packet(l, out, spec->report >= 0, spec->sr ? RTCP_SR : RTCP_RR);
    if (spec->sr) {
        uint64_t ntp = ntp_of(l);
        text_put_u32(out, (uint32_t)(ntp >> 32));
        text_put_u32(out, (uint32_t)ntp);
        text_put_u32(out, (uint32_t)or_else(spec->ts, 0));
        text_put_u32(out, (uint32_t)or_else(spec->packets, 0));
        text_put_u32(out, (uint32_t)or_else(spec->octets, 160 * or_else(spec->packets, 0)));
        remember(l, ntp, false);
    }
    if (spec->report >= 0)
        add_report_block(l, out);
    end_packet(out, begin);
}

static void add_sdes(const struct line *l, struct text *out)
{
    if (!l->spec->cname)
        return;
    size_t begin = begin_packet(l, out, 1, RTCP_SDES);
    size_t len = strlen(l->spec->cname);
    if (len > UINT8_MAX)
        scenario_fail(l->s, "cname: too long");
    text_put(out, (uint8_t[]){SDES_CNAME, (uint8_t)len}, 2);
    text_put(out, l->spec->cname, len);
    do {
        text_put(out, "", 1);
    } while ((out->len - begin) % 4);
    end_packet(out, begin);
}

/* XR section 4.7; what no key says is unavailable. */
static void add_voip(const struct line *l, struct text *out)
{
    const struct spec *spec = l->spec;
    uint8_t r = (uint8_t)or_else(spec->voip_r, NOT_KNOWN);
    uint8_t mos = (uint8_t)or_else(spec->voip_mos, NOT_KNOWN);
    text_put_u16(out, XR_VOIP << 8);
    text_put_u16(out, 8);
    text_put_u32(out, (uint32_t)spec->voip);
    text_put_u16(out,
                 (unsigned)(or_else(spec->voip_loss, 0) << 8 | or_else(spec->voip_discard, 0)));
    text_put_u16(out, 0); /* densities */
    text_put_u16(out, 0); /* durations */
    text_put_u16(out, 0);
    text_put_u16(out, (unsigned)or_else(spec->voip_round_trip, 0));
    text_put_u16(out, (unsigned)or_else(spec->voip_end_system, 0));
    text_put(out, (uint8_t[]){NOT_KNOWN, NOT_KNOWN, NOT_KNOWN, 16}, 4); /* levels, RERL, Gmin */
    text_put(out, (uint8_t[]){r, NOT_KNOWN, mos, mos}, 4);
    text_put_u16(out, 0xf000); /* standard concealment, an adaptive buffer */
    text_put_u16(out, 40);     /* its nominal length, and the longest */
    text_put_u16(out, 80);
    text_put_u16(out, 200);
}

static void add_xr(struct line *l, struct text *out)
{
    const struct spec *spec = l->spec;
    if (!spec->rrtr && spec->dlrr < 0 && spec->voip < 0)
        return;
    size_t begin = begin_packet(l, out, 0, RTCP_XR);
    if (spec->rrtr) {
        uint64_t ntp = ntp_of(l);
        text_put_u16(out, XR_RRTR << 8);
        text_put_u16(out, 2);
        text_put_u32(out, (uint32_t)(ntp >> 32));
        text_put_u32(out, (uint32_t)ntp);
        remember(l, ntp, true);
    }
    if (spec->dlrr >= 0) {
        text_put_u16(out, XR_DLRR << 8);
        text_put_u16(out, 3);
        text_put_u32(out, (uint32_t)spec->dlrr);
        add_reference(l, (uint32_t)spec->dlrr, true, out);
    }
    if (spec->voip >= 0)
        add_voip(l, out);
    end_packet(out, begin);
}

/* RFC 3711 section 3.4: behind the first eight octets ciphertext, the E bit with an index, a tag.
 */
static void encrypt(const struct line *l, struct text *bytes)
{
    struct prng prng = {.state = (uint64_t)l->time_ns};
    for (size_t i = 0; i < SRTCP_TRAILER; i++)
        text_put(bytes, "", 1);
    for (size_t i = CLEAR_OCTETS; i < bytes->len; i++)
        bytes->at[i] = (char)prng_next(&prng);
    memcpy(bytes->at + bytes->len - SRTCP_TRAILER, "\x80\0\0\x01", 4);
}

void rtcp_add(struct line *l)
{
    struct text bytes = {0};
    if (l->spec->src_port < 0)
        l->frame.src.port = MEDIA_PORT + 1;
    if (l->spec->dst_port < 0)
        l->frame.dst.port = MEDIA_PORT + 1;
    add_report(l, &bytes);
    add_sdes(l, &bytes);
    add_xr(l, &bytes);
    if (l->spec->bye)
        end_packet(&bytes, begin_packet(l, &bytes, 1, RTCP_BYE));
    if (bytes.len == 0)
        scenario_fail(l->s, "rtcp: one of sr, rr, cname, rrtr, dlrr, voip and bye");
    if (l->spec->encrypted)
        encrypt(l, &bytes);
    line_put_udp(l, l->time_ns, bytes.at, bytes.len);
    text_fini(&bytes);
}
