#include <stdlib.h>
#include <string.h>

#include "scenario_line.h"

enum { ICMP_QUOTE_MAX = 528, PAYLOAD_DEFAULT = 160 };

void payload_put_udp(struct line *l, bool ladder, const struct text *payload)
{
    int64_t offset = 0;
    if (!ladder) {
        line_put_udp(l, l->time_ns, payload->at, payload->len);
        return;
    }
    struct ladder times = ladder_begin(l, 500000000);
    while (ladder_next(&times, &offset))
        line_put_udp(l, l->time_ns + offset, payload->at, payload->len);
}

/* Whether TCP carries it. */
static bool by_stream(const struct line *l)
{
    const char *transport = l->spec->transport;
    if (!transport || strcmp(transport, "udp") == 0)
        return false;
    if (strcmp(transport, "tcp") != 0 && strcmp(transport, "ws") != 0)
        scenario_fail(l->s, "transport=%s: not one of udp, tcp, ws", transport);
    return true;
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
    if (by_stream(l)) {
        if (l->status && l->spec->dst_port < 0)
            l->frame.dst.port = l->transaction->src_at.port;
        stream_add(l, dst, ladder, &payload);
    } else {
        payload_put_udp(l, ladder, &payload);
        text_fini(&payload);
    }
}

static void put_hex(const struct line *l, struct text *out)
{
    const char *at = l->spec->hex;
    for (; at[0] && at[1]; at += 2) {
        char digits[] = {'0', 'x', at[0], at[1], '\0'};
        int64_t octet;
        if (text_to_int(digits, UINT8_MAX, &octet))
            break;
        text_put(out, &(uint8_t){(uint8_t)octet}, 1);
    }
    if (*at)
        scenario_fail(l->s, "hex=%s: not pairs of hexadecimal digits", l->spec->hex);
}

static void put_random(struct text *out, uint8_t first, int64_t len, struct prng *prng)
{
    text_put(out, &first, 1);
    for (int64_t i = 1; i < len; i++)
        text_put(out, &(uint8_t){(uint8_t)prng_next(prng)}, 1);
}

static void add_other_udp(struct line *l, bool ladder)
{
    const struct spec *spec = l->spec;
    int64_t bytes = or_else(spec->bytes, PAYLOAD_DEFAULT);
    int64_t begin_ns = l->time_ns, count = ladder ? 1 : or_else(spec->count, 1);
    struct prng prng = {.state = (uint64_t)begin_ns};
    for (int64_t i = 0; i < count; i++) {
        struct text payload = {0};
        text_put(&payload, "", 0);
        if (spec->payload) {
            text_add(&payload, "%s", spec->payload);
        } else if (spec->hex) {
            put_hex(l, &payload);
        } else if (spec->random >= 0) {
            put_random(&payload, (uint8_t)spec->random, bytes, &prng);
        } else {
            /* The first octet must not look like STUN, RTP or text. */
            for (int64_t k = 0; k < bytes; k++)
                text_put(&payload, "\xf0", 1);
        }
        l->time_ns = begin_ns + i * or_else(spec->interval, 20000000);
        payload_put_udp(l, ladder, &payload);
        text_fini(&payload);
    }
}

static void add_tcp(struct line *l)
{
    static const char letters[] = "FSRPA";
    unsigned flags = 0;
    for (const char *at = l->spec->flags ? l->spec->flags : "A"; *at; at++) {
        const char *letter = strchr(letters, *at);
        if (!letter)
            scenario_fail(l->s, "flags=%s: not of S A F R P", l->spec->flags);
        flags |= 1U << (letter - letters);
    }
    const struct frame_tcp tcp = {.flags = flags,
                                  .seq = (uint32_t)or_else(l->spec->seq, 1),
                                  .ack = (uint32_t)or_else(l->spec->ack, 1)};
    line_put_tcp(l, l->time_ns, &tcp, NULL, 0);
}

/* The newest packet of that host at that time, in the capture or not. */
static const struct scenario_frame *find_quoted(const struct line *l, const struct host *host)
{
    const struct scenario_frame *best = NULL;
    for (size_t i = 0; i < l->s->frame_count; i++) {
        const struct scenario_frame *f = &l->s->frames[i];
        if (f->packet && f->src == host && f->time_ns <= l->time_ns &&
            (!best || f->time_ns >= best->time_ns))
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
    } kinds[] = {{"net", 3, 0, 1, 0},         {"host", 3, 1, 1, 3},   {"protocol", 3, 2, 4, 1},
                 {"port", 3, 3, 1, 4},        {"admin", 3, 13, 1, 1}, {"ttl", 11, 0, 3, 0},
                 {"reassembly", 11, 1, 3, 1}, {"too_big", 3, 4, 2, 0}};
    const struct spec *spec = l->spec;
    const char *name = spec->kind ? spec->kind : "port";
    const struct host *host = spec->quote ? scenario_find_host(l->s, spec->quote) : dst;
    const struct scenario_frame *quoted = find_quoted(l, host);
    bool v4 = l->frame.src.ip.version == 4;
    size_t len = quoted->packet_len;
    size_t most = (v4 ? 20 : 40) + (size_t)or_else(spec->quote_bytes, ICMP_QUOTE_MAX);
    if (len > most)
        len = most;
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, name) != 0)
            continue;
        int64_t mtu = strcmp(name, "too_big") == 0 ? or_else(spec->mtu, 1400) : 0;
        line_put_icmp(l, v4 ? kinds[i].type : kinds[i].type6, v4 ? kinds[i].code : kinds[i].code6,
                      (uint16_t)mtu, quoted->packet, len);
        return;
    }
    scenario_fail(l->s, "kind=%s: not one of those that make_pcap --keys lists", name);
}

static unsigned scope_of(const struct scenario *s, const char *what)
{
    static const struct {
        const char *word;
        unsigned scope;
    } kinds[] = {{"rtp", SPEC_RTP},   {"rtcp", SPEC_RTCP},     {"udp", SPEC_UDP}, {"tcp", SPEC_TCP},
                 {"icmp", SPEC_ICMP}, {"stream", SPEC_STREAM}, {"dns", SPEC_DNS}};
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].word, what) == 0)
            return kinds[i].scope;
    if (strspn(what, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(what) ||
        strspn(what, "0123456789") == strlen(what))
        return SPEC_SIP;
    scenario_fail(s, "%s: not a METHOD, a status code, or rtp, rtcp, udp, tcp, icmp, stream, dns",
                  what);
}

void scenario_add_packets(struct scenario *s, int64_t time_ns, bool ladder, struct host *src,
                          struct host *dst, const char *what, char **words, int count)
{
    struct spec spec = src->defaults;
    unsigned scope = scope_of(s, what), also = SPEC_PACKET;
    if (ladder && !(scope & (SPEC_SIP | SPEC_UDP | SPEC_STREAM | SPEC_DNS)))
        scenario_fail(s, "ladder: only of SIP messages, udp, dns and stream");
    if (ladder)
        also |= SPEC_LADDER;
    if (scope & (SPEC_SIP | SPEC_STREAM))
        also |= SPEC_CARRIED;
    if (scope & SPEC_RTCP)
        also |= SPEC_PATH;
    for (int i = 0; i < count; i++) {
        const char *wrong = spec_take(&spec, scope | also, words[i]);
        if (wrong)
            scenario_fail(s, "%s: %s", words[i], wrong);
    }
    struct line l = line_begin(s, &spec, src, dst, time_ns);
    if (scope == SPEC_SIP)
        add_sip(&l, ladder, dst, what);
    else if (scope == SPEC_RTP)
        rtp_add(&l);
    else if (scope == SPEC_RTCP)
        rtcp_add(&l);
    else if (scope == SPEC_UDP)
        add_other_udp(&l, ladder);
    else if (scope == SPEC_TCP)
        add_tcp(&l);
    else if (scope == SPEC_DNS)
        dns_add(&l, ladder);
    else if (scope == SPEC_STREAM)
        stream_add_other(&l, dst, ladder);
    else
        add_icmp(&l, dst);
}
