#include <stdlib.h>
#include <string.h>

#include "scenario.h"

enum { ICMP_QUOTE_MAX = 528, RTP_HEADER = 12, PAYLOAD_DEFAULT = 160, MEDIA_PORT = 20000 };

/* What every packet of a line has in common. */
struct line {
    struct scenario *s;
    const struct spec *spec;
    struct host *src;
    struct frame frame;
    int64_t time_ns;
    struct transaction *transaction;
    int status;
};

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

static int64_t or_else(int64_t value, int64_t otherwise)
{
    return value >= 0 ? value : otherwise;
}

static struct scenario_frame *add_frame(struct line *l, int64_t time_ns, const uint8_t *bytes,
                                        size_t len)
{
    struct scenario *s = l->s;
    if (s->frame_count == SCENARIO_FRAMES_MAX)
        scenario_fail(s, "more than %d packets", SCENARIO_FRAMES_MAX);
    if (s->frame_count == s->frame_room) {
        s->frame_room = s->frame_room ? 2 * s->frame_room : 256;
        s->frames = must_realloc(s->frames, s->frame_room * sizeof *s->frames);
    }
    struct scenario_frame *f = &s->frames[s->frame_count];
    *f = (struct scenario_frame){.time_ns = time_ns,
                                 .order = s->frame_count++,
                                 .bytes = must_alloc(len),
                                 .len = (uint32_t)len,
                                 .ip_offset = (uint32_t)frame_ip_offset(&l->frame),
                                 .src = l->src,
                                 .transaction = l->transaction,
                                 .status = l->status,
                                 .unseen = l->spec->unseen};
    memcpy(f->bytes, bytes, len);
    return f;
}

static void next_ip_id(struct line *l)
{
    l->frame.ip_id = l->spec->ip_id >= 0 ? (uint16_t)l->spec->ip_id : l->src->next_ip_id++;
}

/* One datagram and its mirror copies. */
static void add_udp(struct line *l, int64_t time_ns, const void *payload, size_t len)
{
    if (len > UDP_PAYLOAD_MAX)
        scenario_fail(l->s, "more than %d octets in a datagram", UDP_PAYLOAD_MAX);
    uint8_t *buf = must_alloc(FRAME_HEADERS_MAX + len);
    uint8_t ttl = l->frame.ttl;
    memcpy(buf + frame_udp_offset(&l->frame), payload, len);
    next_ip_id(l);
    add_frame(l, time_ns, buf, frame_finish_udp(&l->frame, buf, len));
    l->frame.ttl = (uint8_t)or_else(l->spec->copy_ttl, ttl);
    for (int64_t i = 0; i < l->spec->copies; i++) {
        time_ns += or_else(l->spec->copy_after, 500000);
        add_frame(l, time_ns, buf, frame_finish_udp(&l->frame, buf, len))->copy = true;
    }
    l->frame.ttl = ttl;
    free(buf);
}

static void add_repeated(struct line *l, bool ladder, const struct text *payload)
{
    const struct spec *spec = l->spec;
    if (!ladder) {
        add_udp(l, l->time_ns, payload->at, payload->len);
        return;
    }
    int64_t gap = or_else(spec->t1, 500000000);
    int64_t until = or_else(spec->until, 64 * gap);
    if (gap == 0)
        scenario_fail(l->s, "t1=0: a ladder needs an interval");
    int64_t offset = 0;
    for (int64_t sent = 0; offset < until && (spec->count < 0 || sent < spec->count); sent++) {
        add_udp(l, l->time_ns + offset, payload->at, payload->len);
        offset += gap;
        gap *= 2;
        if (spec->t2 >= 0 && gap > spec->t2)
            gap = spec->t2;
    }
}

static void add_sip(struct line *l, bool ladder, struct host *dst, const char *what)
{
    struct message m;
    struct text payload = {0};
    struct host *as = l->spec->as ? scenario_find_host(l->s, l->spec->as) : NULL;
    if (what[0] >= '0' && what[0] <= '9') {
        int64_t status;
        if (text_to_int(what, 699, &status) || status < 100)
            scenario_fail(l->s, "%s: not a status code from 100 to 699", what);
        l->status = (int)status;
        l->transaction = dialogs_response(&l->s->dialogs, l->spec, l->src, dst, as, l->status, &m);
    } else {
        l->transaction = dialogs_request(&l->s->dialogs, l->spec, l->src, dst, as, what, &m);
    }
    message_write(&m, &payload);
    add_repeated(l, ladder, &payload);
    text_fini(&payload);
}

static bool listed(const struct scenario *s, const char *ranges, int64_t index)
{
    for (const char *at = ranges; at && *at;) {
        char *end;
        long long first = strtoll(at, &end, 10), last = first;
        if (*end == '-')
            last = strtoll(end + 1, &end, 10);
        if ((*end && *end != ',') || end == at)
            scenario_fail(s, "gone=%s: not like 3,10-12", ranges);
        if (index >= first && index <= last)
            return true;
        at = *end ? end + 1 : end;
    }
    return false;
}

static void put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void add_rtp(struct line *l)
{
    const struct spec *spec = l->spec;
    if (spec->src_port < 0)
        l->frame.src.port = MEDIA_PORT;
    if (spec->dst_port < 0)
        l->frame.dst.port = MEDIA_PORT;
    size_t len = RTP_HEADER + (size_t)or_else(spec->bytes, PAYLOAD_DEFAULT);
    if (len > UDP_PAYLOAD_MAX)
        scenario_fail(l->s, "bytes: too many for a datagram");
    uint8_t *payload = must_alloc(len);
    memset(payload + RTP_HEADER, 0xd5, len - RTP_HEADER);
    payload[0] = 0x80;
    for (int64_t i = 0; i < or_else(spec->count, 1); i++) {
        uint32_t seq = (uint32_t)(or_else(spec->seq, 1) + i);
        int64_t late =
            spec->jitter > 0 ? (int64_t)(prng_unit(&l->s->prng) * (double)spec->jitter) : 0;
        if (listed(l->s, spec->gone, i))
            continue;
        payload[1] = (uint8_t)(or_else(spec->pt, 0) | (i == 0 ? 0x80 : 0));
        payload[2] = (uint8_t)(seq >> 8);
        payload[3] = (uint8_t)seq;
        put_u32(payload + 4, (uint32_t)(or_else(spec->ts, 0) + i * or_else(spec->step, 160)));
        put_u32(payload + 8, (uint32_t)or_else(spec->ssrc, 0x1234abcd));
        add_udp(l, l->time_ns + i * or_else(spec->interval, 20000000) + late, payload, len);
    }
    free(payload);
}

static void add_other_udp(struct line *l, bool ladder)
{
    struct text payload = {0};
    text_put(&payload, "", 0);
    if (l->spec->payload) {
        text_add(&payload, "%s", l->spec->payload);
    } else {
        /* The first octet must not look like STUN, RTP or text. */
        for (int64_t i = 0; i < or_else(l->spec->bytes, PAYLOAD_DEFAULT); i++)
            text_put(&payload, "\xf0", 1);
    }
    add_repeated(l, ladder, &payload);
    text_fini(&payload);
}

static void add_tcp(struct line *l)
{
    static const char letters[] = "FSRPA";
    uint8_t buf[FRAME_HEADERS_MAX];
    unsigned flags = 0;
    for (const char *at = l->spec->flags ? l->spec->flags : "A"; *at; at++) {
        const char *letter = strchr(letters, *at);
        if (!letter)
            scenario_fail(l->s, "flags=%s: not of S A F R P", l->spec->flags);
        flags |= 1U << (letter - letters);
    }
    next_ip_id(l);
    size_t len = frame_write_tcp(&l->frame, buf, flags, (uint32_t)or_else(l->spec->seq, 1),
                                 (uint32_t)or_else(l->spec->ack, 1));
    add_frame(l, l->time_ns, buf, len);
}

/* The newest packet of that host at that time, in the capture or not. */
static const struct scenario_frame *find_quoted(const struct line *l, const struct host *host)
{
    const struct scenario_frame *best = NULL;
    for (size_t i = 0; i < l->s->frame_count; i++) {
        const struct scenario_frame *f = &l->s->frames[i];
        if (f->src == host && f->time_ns <= l->time_ns && (!best || f->time_ns >= best->time_ns))
            best = f;
    }
    if (!best)
        scenario_fail(l->s, "icmp: nothing from %s before that could be quoted", host->name);
    return best;
}

static void add_icmp(struct line *l, struct host *dst)
{
    static const struct {
        const char *name;
        uint8_t type, code, type6, code6;
    } kinds[] = {{"net", 3, 0, 1, 0},  {"host", 3, 1, 1, 3},   {"protocol", 3, 2, 4, 1},
                 {"port", 3, 3, 1, 4}, {"admin", 3, 13, 1, 1}, {"ttl", 11, 0, 3, 0}};
    const struct spec *spec = l->spec;
    const char *name = spec->kind ? spec->kind : "port";
    const struct host *host = spec->quote ? scenario_find_host(l->s, spec->quote) : dst;
    const struct scenario_frame *quoted = find_quoted(l, host);
    bool v4 = l->frame.src.ip.version == 4;
    size_t len = quoted->len - quoted->ip_offset;
    size_t most = (v4 ? 20 : 40) + (size_t)or_else(spec->quote_bytes, ICMP_QUOTE_MAX);
    if (len > most)
        len = most;
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, name) != 0)
            continue;
        uint8_t *buf = must_alloc(FRAME_HEADERS_MAX + len);
        next_ip_id(l);
        len = frame_write_icmp_error(&l->frame, buf, v4 ? kinds[i].type : kinds[i].type6,
                                     v4 ? kinds[i].code : kinds[i].code6,
                                     quoted->bytes + quoted->ip_offset, len);
        add_frame(l, l->time_ns, buf, len);
        free(buf);
        return;
    }
    scenario_fail(l->s, "kind=%s: not one of net, host, protocol, port, admin, ttl", name);
}

static unsigned scope_of(const struct scenario *s, const char *what)
{
    static const struct {
        const char *word;
        unsigned scope;
    } kinds[] = {{"rtp", SPEC_RTP}, {"udp", SPEC_UDP}, {"tcp", SPEC_TCP}, {"icmp", SPEC_ICMP}};
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].word, what) == 0)
            return kinds[i].scope;
    if (strspn(what, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(what) ||
        strspn(what, "0123456789") == strlen(what))
        return SPEC_SIP;
    scenario_fail(s, "%s: not a METHOD, a status code, or rtp, udp, tcp, icmp", what);
}

void scenario_add_packets(struct scenario *s, int64_t time_ns, bool ladder, struct host *src,
                          struct host *dst, const char *what, char **words, int count)
{
    struct spec spec = src->defaults;
    unsigned scope = scope_of(s, what);
    if (ladder && !(scope & (SPEC_SIP | SPEC_UDP)))
        scenario_fail(s, "ladder: only of SIP messages and udp");
    for (int i = 0; i < count; i++) {
        const char *wrong =
            spec_take(&spec, scope | SPEC_PACKET | (ladder ? SPEC_LADDER : 0), words[i]);
        if (wrong)
            scenario_fail(s, "%s: %s", words[i], wrong);
    }
    struct line l = {.s = s, .spec = &spec, .src = src, .time_ns = time_ns};
    l.frame = (struct frame){.link = s->link, .src = src->at, .dst = dst->at};
    l.frame.ttl = (uint8_t)or_else(spec.ttl, 64);
    read_vlans(s, spec.vlan, &l.frame);
    if (spec.src_port >= 0)
        l.frame.src.port = (uint16_t)spec.src_port;
    if (spec.dst_port >= 0)
        l.frame.dst.port = (uint16_t)spec.dst_port;
    if (scope == SPEC_SIP)
        add_sip(&l, ladder, dst, what);
    else if (scope == SPEC_RTP)
        add_rtp(&l);
    else if (scope == SPEC_UDP)
        add_other_udp(&l, ladder);
    else if (scope == SPEC_TCP)
        add_tcp(&l);
    else
        add_icmp(&l, dst);
}
