#include <stdlib.h>
#include <string.h>

#include "scenario_line.h"

/*
 * Sequence numbers depend on the order in time, and lines may stand in any: so what a connection
 * carries is kept as items until every line is read.
 */

#define MS            INT64_C(1000000)
#define ACK_AFTER_NS  (MS / 2)
#define PONG_AFTER_NS (3 * MS / 10)
#define AGAIN_NS      (200 * MS)

struct item {
    struct line line;
    struct spec spec;
    unsigned side; /* of the stream: who sends */
    uint64_t order;
    struct text bytes;
    bool message, fin, rst;
    struct ladder ladder; /* TCP's own repetitions, where nothing is acknowledged */
    bool ladder_used;
};

struct stream {
    struct endpoint at[2];
    struct host *host[2];
    struct item **items;
    unsigned count;
};

/* A connection as it is by now. */
struct play {
    struct stream *stream;
    struct line control[2];             /* for handshakes and acknowledgments */
    uint32_t isn[2], next[2], acked[2]; /* acked: how far the other side has acknowledged */
    unsigned client;
    bool open, upgraded, websocket, ended[2];
};

static struct stream *find_stream(struct scenario *s, const struct line *l, struct host *dst,
                                  unsigned *side)
{
    for (unsigned i = 0; i < s->stream_count; i++) {
        struct stream *st = s->streams[i];
        for (*side = 0; *side < 2; (*side)++)
            if (endpoint_eq(&st->at[*side], &l->frame.src) &&
                endpoint_eq(&st->at[!*side], &l->frame.dst))
                return st;
    }
    struct stream *st = must_alloc(sizeof *st);
    st->at[0] = l->frame.src;
    st->at[1] = l->frame.dst;
    st->host[0] = l->src;
    st->host[1] = dst;
    *side = 0;
    s->streams = must_realloc(s->streams, (s->stream_count + 1) * sizeof(struct stream *));
    s->streams[s->stream_count++] = st;
    return st;
}

static struct item *add_item(struct line *l, struct host *dst, bool ladder, struct text *bytes)
{
    struct item *item = must_alloc(sizeof *item);
    struct stream *st = find_stream(l->s, l, dst, &item->side);
    item->line = *l;
    item->spec = *l->spec;
    item->line.spec = &item->spec;
    item->order = st->count;
    item->bytes = *bytes;
    item->ladder_used = ladder && l->spec->noack;
    if (ladder)
        item->ladder = ladder_begin(l, 200 * MS);
    st->items = must_realloc(st->items, (st->count + 1) * sizeof(struct item *));
    st->items[st->count++] = item;
    *bytes = (struct text){0};
    return item;
}

void stream_add(struct line *l, struct host *dst, bool ladder, struct text *bytes)
{
    add_item(l, dst, ladder, bytes)->message = true;
}

void stream_add_other(struct line *l, struct host *dst, bool ladder)
{
    const struct spec *spec = l->spec;
    const char *flags = spec->flags;
    struct text bytes = {0};
    if (!spec->payload + !spec->tls + !flags + !spec->keepalive != 3)
        scenario_fail(l->s, "stream: one of payload, tls, flags and keepalive");
    if (flags && strcmp(flags, "F") != 0 && strcmp(flags, "R") != 0)
        scenario_fail(l->s, "stream flags=%s: F or R", flags);
    if (spec->payload)
        text_add(&bytes, "%s", spec->payload);
    if (spec->tls && !payload_add_tls(&bytes, spec->tls))
        scenario_fail(l->s, "tls=%s: not client_hello, server_hello, alert or data", spec->tls);
    struct item *item = add_item(l, dst, ladder, &bytes);
    item->fin = flags && *flags == 'F';
    item->rst = flags && *flags == 'R';
}

static int by_time(const void *left, const void *right)
{
    const struct item *a = *(struct item *const *)left, *b = *(struct item *const *)right;
    if (a->line.time_ns != b->line.time_ns)
        return a->line.time_ns < b->line.time_ns ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

/* A segment at `ahead` octets past what was sent before. */
static void put_segment(struct play *p, struct line *l, unsigned side, int64_t time_ns,
                        unsigned flags, size_t ahead, const void *bytes, size_t len)
{
    const struct frame_tcp tcp = {.flags = flags,
                                  .seq = p->next[side] + (uint32_t)ahead,
                                  .ack = flags & TCP_ACK ? p->acked[!side] : 0};
    line_put_tcp(l, time_ns, &tcp, bytes, len);
}

static void acknowledge(struct play *p, unsigned side, int64_t time_ns)
{
    p->acked[side] = p->next[side];
    put_segment(p, &p->control[!side], !side, time_ns, TCP_ACK, 0, NULL, 0);
}

static void put_pieces(struct play *p, struct item *item, int64_t time_ns,
                       const struct pieces *pieces, const struct text *bytes)
{
    struct line *l = &item->line;
    struct piece piece;
    for (unsigned n = 0; pieces_next(pieces, bytes->len, &n, &piece);) {
        struct text part = {0};
        text_put(&part, bytes->at + piece.begin, piece.len);
        for (size_t i = 0; i < piece.other; i++)
            part.at[i] ^= 0x15;
        put_segment(p, l, item->side, time_ns + (piece.again ? AGAIN_NS : 0), TCP_PSH | TCP_ACK,
                    piece.begin, part.at, part.len);
        text_fini(&part);
        l->transaction = NULL; /* the truth counts a message once */
    }
}

/* Octets of one side, cut as its line says, and their acknowledgment. */
static void put_data(struct play *p, struct item *item, const struct text *bytes)
{
    struct line *l = &item->line;
    int64_t offset = 0, time_ns = l->time_ns;
    struct pieces pieces = {.size = UINT32_MAX};
    const char *at = item->spec.segment;
    const char *wrong = at ? pieces_parse(&at, &pieces) : NULL;
    if (wrong || (at && *at))
        scenario_fail(l->s, "segment=%s: %s", item->spec.segment, wrong ? wrong : "too much");
    if (pieces.left_out)
        l->transaction = NULL;
    put_pieces(p, item, time_ns, &pieces, bytes);
    while (item->ladder_used && ladder_next(&item->ladder, &offset))
        if (offset > 0)
            put_pieces(p, item, time_ns + offset, &pieces, bytes);
    p->next[item->side] += (uint32_t)bytes->len;
    if (!item->spec.noack)
        acknowledge(p, item->side, time_ns + ACK_AFTER_NS);
}

/* What the connection itself needs, sent by the host's own habits. */
static void put_control(struct play *p, unsigned side, int64_t time_ns, const struct text *bytes)
{
    put_segment(p, &p->control[side], side, time_ns, TCP_PSH | TCP_ACK, 0, bytes->at, bytes->len);
    p->next[side] += (uint32_t)bytes->len;
    acknowledge(p, side, time_ns + ACK_AFTER_NS);
}

static void upgrade(struct play *p, int64_t time_ns)
{
    struct text get = {0}, switched = {0};
    payload_add_upgrade(&get, &p->stream->at[!p->client]);
    payload_add_upgraded(&switched);
    put_control(p, p->client, time_ns, &get);
    put_control(p, !p->client, time_ns + MS, &switched);
    text_fini(&get);
    text_fini(&switched);
}

static void open_connection(struct play *p, const struct item *first)
{
    const struct spec *spec = &first->spec;
    p->client = first->side;
    p->websocket = spec->transport && strcmp(spec->transport, "ws") == 0;
    p->open = true;
    p->ended[0] = p->ended[1] = false;
    for (unsigned i = 0; i < 2; i++)
        p->next[i] = p->acked[i] = p->isn[i];
    if (spec->midstream)
        return;
    int64_t time_ns = first->line.time_ns - (p->websocket ? 6 : 3) * MS;
    if (time_ns < 0)
        scenario_fail(first->line.s, "too early for a handshake of 3 ms, with ws of 6");
    struct line *client = &p->control[p->client], *server = &p->control[!p->client];
    put_segment(p, client, p->client, time_ns, TCP_SYN, 0, NULL, 0);
    p->acked[p->client] = ++p->next[p->client];
    put_segment(p, server, !p->client, time_ns + MS, TCP_SYN | TCP_ACK, 0, NULL, 0);
    p->acked[!p->client] = ++p->next[!p->client];
    put_segment(p, client, p->client, time_ns + 2 * MS, TCP_ACK, 0, NULL, 0);
    if (p->websocket)
        upgrade(p, time_ns + 3 * MS);
}

static void close_connection(struct play *p, struct item *item)
{
    int64_t time_ns = item->line.time_ns;
    put_segment(p, &item->line, item->side, time_ns,
                item->rst ? TCP_RST | TCP_ACK : TCP_FIN | TCP_ACK, 0, NULL, 0);
    p->next[item->side]++;
    p->ended[item->side] = true;
    if (!item->rst && !item->spec.noack)
        acknowledge(p, item->side, time_ns + ACK_AFTER_NS);
    if (item->rst || p->ended[!item->side]) {
        p->open = false;
        for (unsigned i = 0; i < 2; i++)
            p->isn[i] += 0x01000000;
    }
}

static void add_websocket(const struct play *p, const struct item *item, struct text *out)
{
    const struct text *bytes = &item->bytes;
    bool masked = item->side == p->client;
    size_t size = (size_t)or_else(item->spec.ws_frames, (int64_t)bytes->len);
    if (size == 0)
        scenario_fail(item->line.s, "ws_frames=0: frames need octets");
    for (size_t at = 0; at < bytes->len; at += size) {
        bool last = at + size >= bytes->len;
        if (item->spec.ws_ping)
            payload_add_ws_frame(out, WS_PING, true, masked, "beat", 4);
        payload_add_ws_frame(out, at == 0 ? WS_TEXT : WS_CONTINUATION, last, masked, bytes->at + at,
                             last ? bytes->len - at : size);
    }
}

static void answer_pings(struct play *p, const struct item *item)
{
    struct text pong = {0};
    payload_add_ws_frame(&pong, WS_PONG, true, item->side != p->client, "beat", 4);
    put_control(p, !item->side, item->line.time_ns + PONG_AFTER_NS, &pong);
    text_fini(&pong);
}

static bool joined(const struct item *a, const struct item *b)
{
    return a->spec.join && a->side == b->side && a->line.time_ns == b->line.time_ns &&
           b->bytes.len > 0;
}

/* Sends the item at `index` and what is joined to it; returns how many these are. */
static unsigned put_items(struct play *p, unsigned index)
{
    const struct stream *st = p->stream;
    struct item *item = st->items[index];
    struct text bytes = {0};
    unsigned used = 1;
    bool pinged = false;
    if (!p->open)
        open_connection(p, item);
    if (item->fin || item->rst) {
        close_connection(p, item);
        return 1;
    }
    if (item->spec.keepalive) {
        p->next[item->side]--;
        put_segment(p, &item->line, item->side, item->line.time_ns, TCP_ACK, 0, "", 1);
        p->next[item->side]++;
        acknowledge(p, item->side, item->line.time_ns + ACK_AFTER_NS);
        return 1;
    }
    for (;; used++) {
        const struct item *next = st->items[index + used - 1];
        if (p->websocket && next->message)
            add_websocket(p, next, &bytes);
        else
            text_put(&bytes, next->bytes.at, next->bytes.len);
        pinged = pinged || (p->websocket && next->message && next->spec.ws_ping);
        if (index + used == st->count || !joined(item, st->items[index + used]))
            break;
    }
    put_data(p, item, &bytes);
    if (pinged)
        answer_pings(p, item);
    text_fini(&bytes);
    return used;
}

static void play(struct scenario *s, struct stream *st, unsigned index)
{
    struct play p = {.stream = st};
    qsort(st->items, st->count, sizeof(struct item *), by_time);
    for (unsigned i = 0; i < 2; i++) {
        const struct spec *spec = &st->host[i]->defaults;
        p.control[i] = line_begin(s, spec, st->host[i], st->host[!i], 0);
        p.control[i].frame.src = st->at[i];
        p.control[i].frame.dst = st->at[!i];
        p.isn[i] =
            (uint32_t)or_else(spec->isn, (int64_t)(i + 1) * 0x10000000 + (int64_t)index * 0x10000);
    }
    for (unsigned i = 0; i < st->count;)
        i += put_items(&p, i);
}

void streams_finish(struct scenario *s)
{
    for (unsigned i = 0; i < s->stream_count; i++)
        play(s, s->streams[i], i);
}

void streams_fini(struct scenario *s)
{
    for (unsigned i = 0; i < s->stream_count; i++) {
        struct stream *st = s->streams[i];
        for (unsigned k = 0; k < st->count; k++) {
            text_fini(&st->items[k]->bytes);
            free(st->items[k]);
        }
        free(st->items);
        free(st);
    }
    free(s->streams);
}
