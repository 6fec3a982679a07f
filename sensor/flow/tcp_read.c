#include "flow/tcp_connection.h"

/* The later one of two segments that brought a message's octets; `other` may be NULL. */
static const struct datagram *later(const struct datagram *segment, const struct datagram *other)
{
    return other && other->time_ns > segment->time_ns ? other : segment;
}

static void drop_octets(struct tcp *tcp, struct tcp_direction *direction, size_t octets)
{
    tcp->stats.dropped_bytes += octets + direction->stream.rest_len;
    tcp_stream_drop_rest(&direction->stream, &tcp->room);
    tcp_signalling_lose(&direction->signalling, &tcp->room);
}

/* Everything that another connection keeps: what lies behind holes is told, the rest dropped. */
static bool make_room(struct tcp *tcp)
{
    if (tcp->is_making_room)
        return false;
    for (int carries = 0; carries < 2; carries++) {
        struct list *head = &tcp->keepers[carries], *node = head->next;
        if (node != head && CONTAINER_OF(node, struct tcp_connection, in_keepers) == tcp->current)
            node = node->next;
        if (node == head)
            continue;
        struct tcp_connection *c = CONTAINER_OF(node, struct tcp_connection, in_keepers);
        tcp->is_making_room = true;
        tcp_read_flush(tcp, c);
        for (int i = 0; i < 2; i++)
            if (c->direction[i].stream.rest || c->direction[i].signalling.gathering)
                drop_octets(tcp, &c->direction[i], c->direction[i].signalling.websocket.gathered);
        tcp->is_making_room = false;
        list_remove(&c->in_keepers);
        return true;
    }
    return false;
}

static bool keep_rest(struct tcp *tcp, struct tcp_stream *stream, struct slice octets)
{
    while (!tcp_stream_keep_rest(stream, &tcp->room, octets))
        if (stream->rest_len + octets.len > TCP_UNPARSED_BYTES_MAX || !make_room(tcp))
            return false;
    return true;
}

/* A WebSocket message that goes on in a later frame. */
static void keep_gathered(struct tcp *tcp, struct tcp_direction *direction)
{
    struct tcp_signalling *signalling = &direction->signalling;
    const char *scratch = tcp->scratch[tcp->is_making_room];
    while (!tcp_signalling_keep(signalling, &tcp->room, scratch))
        if (!make_room(tcp)) {
            tcp->stats.dropped_bytes += signalling->websocket.gathered;
            tcp_signalling_lose(signalling, &tcp->room);
            return;
        }
}

static void tell(struct tcp *tcp, struct tcp_connection *c, struct tcp_signalling *signalling,
                 struct slice payload, const struct datagram *segment, bool is_cut)
{
    struct datagram message = *segment;
    message.payload = payload;
    message.transport = signalling->kind == TCP_KIND_WEBSOCKET ? TRANSPORT_WS : TRANSPORT_TCP;
    message.truncated = is_cut;
    message.incomplete = false;
    tcp->stats.messages++;
    tcp->stats.resyncs += signalling->is_lost;
    signalling->is_lost = false;
    if (!c->has_message)
        c->has_message = c->setup.is_over = true;
    tcp->params.on_message(tcp->params.context, &message);
}

/* `octets` begin with the segment, or go on in it. */
static void read_tls(struct tcp *tcp, struct tcp_connection *c, unsigned from, uint32_t seq,
                     struct slice octets, int64_t now_ns)
{
    if (!c->is_tls) {
        c->is_tls = true;
        tcp->stats.tls += !c->was_tls;
        c->was_tls = true;
    }
    if (tcp_setup_tls(&c->setup, from, seq, octets, now_ns))
        tcp_connection_fails(tcp, c, TCP_TLS_ALERT, now_ns);
}

/*
 * Octets in order, their last one the one before stream.next; the first `kept` of them waited, and
 * came with `with` at the latest (NULL: before this segment). Returns how many are done with.
 */
static size_t read_octets(struct tcp *tcp, struct tcp_connection *c, unsigned from,
                          struct slice octets, size_t kept, const struct datagram *segment,
                          const struct datagram *with)
{
    struct tcp_direction *direction = &c->direction[from];
    struct tcp_signalling *signalling = &direction->signalling;
    for (size_t at = 0;;) {
        size_t used;
        struct slice message, stream = slice_skip(octets, at);
        switch (tcp_signalling_next(signalling, &tcp->room, stream,
                                    tcp->scratch[tcp->is_making_room], &used, &message)) {
        case TCP_OCTETS_MORE:
            return at;
        case TCP_OCTETS_TLS:
            read_tls(tcp, c, from, direction->stream.next - (uint32_t)stream.len, stream,
                     segment->time_ns);
            return octets.len;
        case TCP_OCTETS_MESSAGE:
            tell(tcp, c, signalling, message, at < kept ? later(segment, with) : segment, false);
            break;
        case TCP_OCTETS_NOTHING:
            keep_gathered(tcp, direction);
            break;
        case TCP_OCTETS_SKIPPED:
            tcp->stats.skipped_bytes += used;
            break;
        }
        if (signalling->kind == TCP_KIND_WEBSOCKET && !c->is_websocket) {
            c->is_websocket = true;
            tcp->stats.websocket += !c->was_websocket;
            c->was_websocket = true;
        }
        at += used;
    }
}

/* The octets behind these were cut off by the snap length, and will never come. */
static void take_cut(struct tcp *tcp, struct tcp_connection *c, unsigned from,
                     const struct datagram *segment)
{
    struct tcp_direction *direction = &c->direction[from];
    struct tcp_stream *stream = &direction->stream;
    struct slice rest = slice_of(stream->rest, stream->rest_len);
    if (tcp_signalling_is_message(&direction->signalling, rest))
        tell(tcp, c, &direction->signalling, rest, segment, true);
    else
        tcp->stats.skipped_bytes += rest.len;
    tcp_stream_drop_rest(stream, &tcp->room);
    tcp_signalling_lose(&direction->signalling, &tcp->room);
    direction->is_cut = true;
    direction->cut = stream->next;
}

static bool is_cut_here(const struct tcp_direction *direction)
{
    return direction->is_cut && direction->cut == direction->stream.next;
}

/* Octets whose turn it is. */
static void take_turn(struct tcp *tcp, struct tcp_connection *c, unsigned from,
                      const struct tcp_turn *turn, const struct datagram *with)
{
    struct tcp_direction *direction = &c->direction[from];
    struct tcp_stream *stream = &direction->stream;
    struct tcp_signalling *signalling = &direction->signalling;
    struct slice octets = turn->octets;
    if (stream->rest_len > 0 && signalling->is_searching && tcp_signalling_begins(octets)) {
        tcp->stats.skipped_bytes += stream->rest_len;
        tcp_stream_drop_rest(stream, &tcp->room);
        tcp_signalling_lose(signalling, &tcp->room);
    }
    size_t kept = stream->rest_len;
    if (kept > 0 && !keep_rest(tcp, stream, octets)) {
        drop_octets(tcp, direction, 0);
        kept = 0;
    }
    if (kept > 0)
        octets = slice_of(stream->rest, stream->rest_len);
    size_t used = read_octets(tcp, c, from, octets, kept, turn->segment, with);
    if (kept > 0)
        tcp_stream_use_rest(stream, &tcp->room, used);
    else if (used < octets.len && !keep_rest(tcp, stream, slice_skip(octets, used)))
        drop_octets(tcp, direction, octets.len - used);
    const struct slice *payload = &turn->segment->payload;
    if (c->is_tls)
        tcp_read_drop(tcp, c);
    else if (turn->segment->truncated &&
             turn->octets.at + turn->octets.len == payload->at + payload->len)
        take_cut(tcp, c, from, turn->segment);
}

/* The message that was going on is lost. */
static void lose_rest(struct tcp *tcp, struct tcp_direction *direction)
{
    tcp->stats.skipped_bytes += direction->stream.rest_len;
    tcp_stream_drop_rest(&direction->stream, &tcp->room);
    tcp_signalling_lose(&direction->signalling, &tcp->room);
}

static bool has_octets(const struct tcp_range *range)
{
    return range->from != range->to;
}

/* The turn comes to octets that were read before it was taken back. */
static void step_over_taken(struct tcp *tcp, struct tcp_direction *direction)
{
    struct tcp_stream *stream = &direction->stream;
    struct tcp_range taken = direction->taken;
    if (!has_octets(&taken) || tcp_seq_behind(stream->next, taken.from) < 0)
        return;
    direction->taken = (struct tcp_range){0};
    bool is_free = !stream->early || tcp_seq_behind(stream->early->seq, taken.to) >= 0;
    if (is_free && tcp_seq_behind(stream->next, taken.to) < 0) {
        lose_rest(tcp, direction);
        tcp_stream_go_to(stream, taken.to);
    }
}

/* All whose turn it is, out of the segment (or NULL) and of what was kept. */
static void take_turns(struct tcp *tcp, struct tcp_connection *c, unsigned from,
                       const struct datagram *segment, uint32_t seq)
{
    struct tcp_direction *direction = &c->direction[from];
    struct tcp_turn turn;
    struct datagram latest; /* of the segments of which octets wait in the rest */
    const struct datagram *with = NULL;
    while (!c->is_tls && tcp_stream_take(&direction->stream, seq, segment, &turn)) {
        take_turn(tcp, c, from, &turn, with);
        if (direction->stream.rest_len > 0 && direction->stream.early) {
            latest = *later(turn.segment, with);
            with = &latest;
        } else {
            with = NULL;
        }
        tcp_stream_release(&tcp->room, &turn);
        step_over_taken(tcp, direction);
    }
}

void tcp_read_acknowledged(struct tcp_direction *direction, int64_t now_ns)
{
    const struct tcp_early *early = direction->stream.early;
    if (!early || !direction->is_acked || tcp_seq_behind(direction->acked, early->seq) < 0)
        direction->acked_ns = TCP_NEVER;
    else if (direction->acked_ns == TCP_NEVER)
        direction->acked_ns = now_ns;
}

int64_t tcp_read_deadline(const struct tcp_direction *direction)
{
    const struct tcp_early *early = direction->stream.early;
    if (!early)
        return INT64_MAX;
    int64_t since_ns = early->segment.time_ns;
    if (is_cut_here(direction))
        return since_ns;
    if (direction->progress_ns > since_ns)
        since_ns = direction->progress_ns;
    int64_t deadline_ns = tcp_time_add(since_ns, TCP_GAP_NS);
    if (direction->acked_ns != TCP_NEVER) {
        int64_t acked_ns = tcp_time_add(direction->acked_ns, TCP_ACKED_GAP_NS);
        deadline_ns = acked_ns < deadline_ns ? acked_ns : deadline_ns;
    }
    return deadline_ns;
}

/* Whoever says something far ahead makes a hole of what is yet to be said. */
static void remember_skipped(struct tcp_direction *direction, uint32_t from, uint32_t to)
{
    struct tcp_range *skipped = &direction->skipped;
    if (has_octets(&direction->taken) && tcp_seq_behind(to, direction->taken.from) > 0)
        to = direction->taken.from;
    if (has_octets(skipped) && to - skipped->from > TCP_WINDOW_MAX) {
        direction->left = skipped->from;
        direction->has_left = true;
        *skipped = (struct tcp_range){0};
    }
    skipped->from = has_octets(skipped) ? skipped->from : from;
    skipped->to = to;
    direction->taken = (struct tcp_range){0};
    direction->has_late = false;
}

/* The octets before `seq`, where `segment` begins, are given up. */
static void skip_to(struct tcp *tcp, struct tcp_direction *direction,
                    const struct datagram *segment, uint32_t seq)
{
    bool is_cut = is_cut_here(direction);
    tcp->stats.holes++;
    if (!is_cut && direction->is_acked && tcp_seq_behind(direction->acked, seq) >= 0) {
        tcp->stats.holes_acknowledged++;
        tcp->params.on_hole(tcp->params.context, segment);
    }
    lose_rest(tcp, direction);
    if (!is_cut)
        remember_skipped(direction, direction->stream.next, seq);
    tcp_stream_go_to(&direction->stream, seq);
}

void tcp_read_skip_hole(struct tcp *tcp, struct tcp_connection *c, unsigned from)
{
    struct tcp_direction *direction = &c->direction[from];
    const struct tcp_early *early = direction->stream.early;
    skip_to(tcp, direction, &early->segment, early->seq);
    int64_t acked_ns = direction->acked_ns;
    take_turns(tcp, c, from, NULL, 0);
    /* One behind it was acknowledged as long as that one, if it was. */
    direction->acked_ns = TCP_NEVER;
    tcp_read_acknowledged(direction, acked_ns);
}

void tcp_read_flush(struct tcp *tcp, struct tcp_connection *c)
{
    for (unsigned i = 0; i < 2; i++)
        while (c->direction[i].stream.early)
            tcp_read_skip_hole(tcp, c, i);
}

void tcp_read_drop(struct tcp *tcp, struct tcp_connection *c)
{
    for (int i = 0; i < 2; i++) {
        tcp_stream_drop(&c->direction[i].stream, &tcp->room);
        tcp_signalling_fini(&c->direction[i].signalling, &tcp->room);
    }
}

static void take_early(struct tcp *tcp, struct tcp_connection *c, unsigned from,
                       const struct datagram *segment, uint32_t seq)
{
    struct tcp_direction *direction = &c->direction[from];
    for (;;) {
        switch (tcp_stream_keep_early(&direction->stream, &tcp->room, seq, segment)) {
        case TCP_KEPT:
            tcp->stats.early++;
            tcp_read_acknowledged(direction, segment->time_ns);
            if (is_cut_here(direction))
                tcp_read_skip_hole(tcp, c, from);
            return;
        case TCP_KEPT_ALREADY:
            tcp->stats.repeated++;
            return;
        case TCP_KEPT_FULL:
            if (!direction->stream.early || tcp_seq_behind(seq, direction->stream.early->seq) < 0) {
                /* The first one behind the hole, and too large to wait. */
                skip_to(tcp, direction, segment, seq);
                take_turns(tcp, c, from, segment, seq);
                return;
            }
            tcp_read_skip_hole(tcp, c, from);
            if (!c->is_tls && tcp_seq_behind(seq, direction->stream.next) > 0)
                continue;
            take_turns(tcp, c, from, segment, seq);
            return;
        case TCP_KEPT_NO_ROOM:
            if (make_room(tcp))
                continue;
            tcp->stats.dropped_bytes += segment->payload.len;
            return;
        }
    }
}

bool tcp_read_stray(struct tcp_direction *direction, uint32_t seq, size_t len)
{
    bool is_second = direction->has_stray && direction->stray == seq;
    direction->has_stray = !is_second;
    direction->stray = seq + (uint32_t)len;
    return is_second;
}

/*
 * Far off the turn. True: the second one in a row, so that the stream has gone on there; or it goes
 * on where it was before it seemed to have done so.
 */
static bool is_jump(struct tcp *tcp, struct tcp_direction *direction, uint32_t seq, size_t len)
{
    bool is_jump =
        tcp_read_stray(direction, seq, len) || (direction->has_left && direction->left == seq);
    if (is_jump) {
        tcp->stats.holes++;
        lose_rest(tcp, direction);
        direction->left = direction->stream.next;
        direction->has_left = true;
        direction->has_stray = direction->has_late = false;
        direction->skipped = direction->taken = (struct tcp_range){0};
        tcp_stream_begin(&direction->stream, &tcp->room, seq);
        direction->acked_ns = TCP_NEVER;
    } else {
        tcp->stats.dropped_bytes += len;
    }
    return is_jump;
}

static bool is_within(const struct tcp_range *range, uint32_t seq, size_t len)
{
    return has_octets(range) && seq - range->from < range->to - range->from &&
           len <= range->to - seq;
}

/*
 * A segment that begins before its turn, in octets that were given up. Where a message begins, or
 * with the second one that goes on there, the turn is taken back: what came ahead was another's.
 */
static void take_back(struct tcp *tcp, struct tcp_direction *direction, uint32_t seq,
                      struct slice payload)
{
    struct tcp_stream *stream = &direction->stream;
    if (!is_within(&direction->skipped, seq, 1))
        return;
    bool goes_on = direction->has_late && direction->late == seq;
    direction->late = seq + (uint32_t)payload.len;
    direction->has_late = true;
    if (!goes_on && !tcp_signalling_begins_sip(payload))
        return;
    lose_rest(tcp, direction);
    direction->taken = (struct tcp_range){direction->skipped.to, stream->next};
    direction->skipped = (struct tcp_range){0};
    tcp_progress_go_back(direction, seq);
    tcp_stream_go_to(stream, seq);
}

/* SIP in clear where TLS was: that had never been this connection's. */
static void end_tls(struct tcp *tcp, struct tcp_connection *c)
{
    tcp_read_drop(tcp, c);
    for (int i = 0; i < 2; i++)
        c->direction[i].stream.has_begun = false;
    tcp_setup_forget_tls(&c->setup);
    c->is_tls = false;
}

void tcp_read_payload(struct tcp *tcp, struct tcp_connection *c, unsigned from,
                      const struct datagram *segment, uint32_t seq)
{
    struct tcp_direction *direction = &c->direction[from];
    struct tcp_stream *stream = &direction->stream;
    size_t len = segment->payload.len;
    if (c->is_tls && tcp_signalling_begins_sip(segment->payload))
        end_tls(tcp, c);
    if (c->is_tls) {
        read_tls(tcp, c, from, seq, segment->payload, segment->time_ns);
        return;
    }
    if (!stream->has_begun) {
        tcp_stream_begin(stream, &tcp->room, seq);
        direction->signalling.is_searching = true;
    }
    int64_t behind = tcp_seq_behind(seq, stream->next);
    if ((behind > TCP_WINDOW_MAX || behind < -TCP_WINDOW_MAX) && !is_jump(tcp, direction, seq, len))
        return;
    take_back(tcp, direction, seq, segment->payload);
    behind = tcp_seq_behind(seq, stream->next);
    if (is_within(&direction->taken, seq, len) || behind + (int64_t)len <= 0) {
        tcp->stats.repeated++;
    } else if (behind > 0) {
        take_early(tcp, c, from, segment, seq);
    } else {
        direction->progress_ns = segment->time_ns;
        take_turns(tcp, c, from, segment, seq);
        if (stream->early) {
            direction->acked_ns = TCP_NEVER;
            tcp_read_acknowledged(direction, segment->time_ns);
        }
    }
}
