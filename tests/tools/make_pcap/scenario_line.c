#include "scenario_line.h"

#include <stdlib.h>
#include <string.h>

static void read_vlans(const struct scenario *s, const char *text, struct frame *f)
{
    while (text && *text) {
        char id[8];
        int64_t value;
        size_t len = strcspn(text, ",");
        snprintf(id, sizeof id, "%.*s", (int)len, text);
        if (len >= sizeof id || text_to_int(id, 4094, &value) || f->vlan_count == FRAME_VLANS_MAX)
            scenario_fail(s, "vlan=%s: not up to %d ids of at most 4094", text, FRAME_VLANS_MAX);
        if (s->link != FRAME_ETHERNET)
            scenario_fail(s, "vlan: only with link=ethernet");
        f->vlan[f->vlan_count++] = (uint16_t)value;
        text += len + (text[len] == ',');
    }
}

static void read_wrap(const struct scenario *s, const char *text, struct wrap *out)
{
    const char *wrong = wrap_parse(text, out);
    if (wrong)
        scenario_fail(s, "%s: %s", text, wrong);
}

struct line line_begin(struct scenario *s, const struct spec *spec, struct host *src,
                       const struct host *dst, int64_t time_ns)
{
    struct line l = {.s = s, .spec = spec, .src = src, .time_ns = time_ns};
    l.frame = (struct frame){.link = FRAME_RAW, .src = src->at, .dst = dst->at};
    l.frame.ttl = (uint8_t)or_else(spec->ttl, 64);
    l.frame.dont_fragment = spec->df;
    read_vlans(s, spec->vlan, &l.frame);
    read_wrap(s, spec->wrap, &l.wrap);
    read_wrap(s, spec->copy_wrap, &l.copy_wrap);
    if (spec->src_port >= 0)
        l.frame.src.port = (uint16_t)spec->src_port;
    if (spec->dst_port >= 0)
        l.frame.dst.port = (uint16_t)spec->dst_port;
    return l;
}

/* A packet on its way through wrap_up(). */
struct placing {
    struct line *line;
    int64_t time_ns;
    const uint8_t *packet;
    size_t packet_len;
    bool copy;
};

static void take_frame(void *context, const uint8_t *bytes, size_t len, size_t index)
{
    const struct placing *p = context;
    const struct line *l = p->line;
    struct scenario *s = l->s;
    if (s->frame_count == SCENARIO_FRAMES_MAX)
        scenario_fail(s, "more than %d packets", SCENARIO_FRAMES_MAX);
    if (s->frame_count == s->frame_room) {
        s->frame_room = s->frame_room ? 2 * s->frame_room : 256;
        s->frames = must_realloc(s->frames, s->frame_room * sizeof *s->frames);
    }
    struct scenario_frame *f = &s->frames[s->frame_count];
    *f = (struct scenario_frame){.time_ns = p->time_ns,
                                 .place_ns = p->time_ns + or_else(l->spec->behind, 0),
                                 .order = s->frame_count++,
                                 .bytes = must_alloc(len),
                                 .len = (uint32_t)len,
                                 .src = l->src,
                                 .copy = p->copy,
                                 .unseen = l->spec->unseen};
    memcpy(f->bytes, bytes, len);
    if (index > 0)
        return;
    f->packet = must_alloc(p->packet_len);
    f->packet_len = (uint32_t)p->packet_len;
    memcpy(f->packet, p->packet, p->packet_len);
    f->transaction = l->transaction;
    f->status = l->status;
}

static void place(struct line *l, int64_t time_ns, const uint8_t *packet, size_t len, bool copy)
{
    const char *other = copy ? l->spec->copy_wrap : NULL;
    struct placing placing = {
        .line = l, .time_ns = time_ns, .packet = packet, .packet_len = len, .copy = copy};
    struct wrap_job job = {.wrap = other ? &l->copy_wrap : &l->wrap,
                           .frame = l->frame,
                           .next_id = &l->s->next_tunnel_id,
                           .take = take_frame,
                           .context = &placing};
    job.frame.link = l->s->link;
    if (other)
        job.frame.vlan_count = 0;
    const char *wrong = wrap_up(&job, packet, len);
    if (wrong)
        scenario_fail(l->s, "%s: %s", other ? other : l->spec->wrap, wrong);
}

static void set_ttl(uint8_t *ip, uint8_t ttl)
{
    if (ip[0] >> 4 == 6) {
        ip[7] = ttl;
        return;
    }
    ip[8] = ttl;
    frame_refresh_ip(ip);
}

/* One packet and its mirror copies. */
static void put_packet(struct line *l, int64_t time_ns, uint8_t *packet, size_t len)
{
    uint16_t tunnel_id = l->s->next_tunnel_id;
    place(l, time_ns, packet, len, false);
    if (l->spec->copy_ttl >= 0)
        set_ttl(packet, (uint8_t)l->spec->copy_ttl);
    for (int64_t i = 0; i < l->spec->copies; i++) {
        time_ns += or_else(l->spec->copy_after, 500000);
        if (!l->spec->copy_wrap)
            l->s->next_tunnel_id = tunnel_id; /* a copy of the tunnel's packet */
        place(l, time_ns, packet, len, true);
    }
}

static void next_ip_id(struct line *l)
{
    if (l->spec->ip_id >= 0)
        l->frame.ip_id = (uint16_t)l->spec->ip_id;
    else
        l->frame.ip_id = l->spec->df ? 0 : l->src->next_ip_id++;
}

void line_put_udp_again(struct line *l, int64_t time_ns, const void *payload, size_t len)
{
    if (len > UDP_PAYLOAD_MAX)
        scenario_fail(l->s, "more than %d octets in a datagram", UDP_PAYLOAD_MAX);
    uint8_t *buf = must_alloc(FRAME_HEADERS_MAX + len);
    memcpy(buf + frame_udp_offset(&l->frame), payload, len);
    put_packet(l, time_ns, buf, frame_finish_udp(&l->frame, buf, len));
    free(buf);
}

void line_put_udp(struct line *l, int64_t time_ns, const void *payload, size_t len)
{
    next_ip_id(l);
    line_put_udp_again(l, time_ns, payload, len);
}

void line_put_tcp(struct line *l, int64_t time_ns, const struct frame_tcp *tcp, const void *payload,
                  size_t len)
{
    if (len > UDP_PAYLOAD_MAX)
        scenario_fail(l->s, "more than %d octets in a segment: segment= cuts", UDP_PAYLOAD_MAX);
    uint8_t *buf = must_alloc(FRAME_HEADERS_MAX + len);
    if (len > 0)
        memcpy(buf + frame_tcp_offset(&l->frame), payload, len);
    next_ip_id(l);
    put_packet(l, time_ns, buf, frame_finish_tcp(&l->frame, buf, tcp, len));
    free(buf);
}

void line_put_icmp(struct line *l, uint8_t type, uint8_t code, uint16_t mtu, const uint8_t *quoted,
                   size_t len)
{
    uint8_t *buf = must_alloc(FRAME_HEADERS_MAX + len);
    next_ip_id(l);
    put_packet(l, l->time_ns, buf,
               frame_write_icmp_error(&l->frame, buf, type, code, mtu, quoted, len));
    free(buf);
}

struct ladder ladder_begin(const struct line *l, int64_t default_t1_ns)
{
    const struct spec *spec = l->spec;
    struct ladder ladder = {.gap_ns = or_else(spec->t1, default_t1_ns),
                            .longest_ns = or_else(spec->t2, INT64_MAX),
                            .left = or_else(spec->count, INT64_MAX)};
    ladder.until_ns = or_else(spec->until, 64 * ladder.gap_ns);
    if (ladder.gap_ns == 0)
        scenario_fail(l->s, "t1=0: a ladder needs an interval");
    return ladder;
}

bool ladder_next(struct ladder *ladder, int64_t *offset_ns)
{
    if (ladder->offset_ns >= ladder->until_ns || ladder->left-- == 0)
        return false;
    *offset_ns = ladder->offset_ns;
    ladder->offset_ns += ladder->gap_ns;
    ladder->gap_ns *= 2;
    if (ladder->gap_ns > ladder->longest_ns)
        ladder->gap_ns = ladder->longest_ns;
    return true;
}
