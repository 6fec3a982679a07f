#include "flow/tcp_connection.h"

/* How far beyond what is known to be sent anything is believed. Windows are told without their
 * scale (RFC 7323), which the SYN alone has: the largest without one. */
enum { AHEAD_MAX = 65535 };

static bool is_far(uint32_t seq, uint32_t expected)
{
    int64_t behind = tcp_seq_behind(seq, expected);
    return behind > TCP_WINDOW_MAX || behind < -TCP_WINDOW_MAX;
}

bool tcp_progress_is_implausible(const struct tcp_direction *direction, uint32_t seq)
{
    if (direction->has_sent)
        return is_far(seq, direction->sent);
    return direction->stream.has_begun && is_far(seq, direction->stream.next);
}

/* Behind the last octet of which it is known that it was sent. False: nothing is known. */
static bool find_end(const struct tcp_direction *direction, uint32_t *end)
{
    bool has_begun = direction->has_sent || direction->stream.has_begun;
    *end = direction->has_sent ? direction->sent : direction->stream.next;
    if (direction->has_fin && direction->fin == *end)
        ++*end;
    if (direction->is_acked && (!has_begun || tcp_seq_behind(direction->acked, *end) > 0))
        *end = direction->acked;
    return has_begun || direction->is_acked;
}

bool tcp_progress_may_reset(const struct tcp_direction *direction, uint32_t seq)
{
    uint32_t end;
    if (!direction->is_acked)
        return !tcp_progress_is_implausible(direction, seq);
    find_end(direction, &end);
    return tcp_seq_behind(seq, direction->acked) >= 0 && tcp_seq_behind(seq, end) <= AHEAD_MAX;
}

bool tcp_progress_may_end(const struct tcp_direction *direction, uint32_t seq)
{
    uint32_t end;
    if (!direction->is_acked)
        return !tcp_progress_is_implausible(direction, seq);
    find_end(direction, &end);
    /* A mirror may show the acknowledgement before it. */
    return tcp_seq_behind(seq, direction->acked) >= -AHEAD_MAX &&
           tcp_seq_behind(seq, end) <= AHEAD_MAX;
}

bool tcp_progress_is_in_flight(const struct tcp_direction *direction, uint32_t seq)
{
    return direction->has_sent && tcp_seq_behind(seq, direction->acked) >= 0 &&
           tcp_seq_behind(seq, direction->sent) < 0;
}

static void advance(struct tcp_direction *acknowledged, uint32_t ack, int64_t now_ns)
{
    acknowledged->acked = ack;
    acknowledged->is_acked = true;
    acknowledged->repeats = 0;
    uint8_t gone = 0;
    while (gone < acknowledged->marks && tcp_seq_behind(acknowledged->mark[gone].end, ack) <= 0)
        gone++;
    acknowledged->marks = (uint8_t)(acknowledged->marks - gone);
    memmove(acknowledged->mark, acknowledged->mark + gone,
            acknowledged->marks * sizeof acknowledged->mark[0]);
    tcp_read_acknowledged(acknowledged, now_ns);
}

/* Of octets that nobody saw. They may be the mirror's loss, or somebody else's invention: believed
 * as far as a second acknowledgement agrees. */
static void take_ahead(struct tcp_direction *acknowledged, uint32_t ack, int64_t now_ns)
{
    uint32_t believed = acknowledged->ahead;
    bool agrees = acknowledged->has_ahead && tcp_seq_behind(ack, believed) >= 0;
    acknowledged->ahead = ack;
    acknowledged->has_ahead = !agrees || ack != believed;
    if (agrees)
        advance(acknowledged, believed, now_ns);
}

void tcp_progress_acknowledge(struct tcp_direction *acknowledged, uint32_t ack, int64_t now_ns)
{
    uint32_t end;
    bool is_known = find_end(acknowledged, &end);
    int64_t beyond = is_known ? tcp_seq_behind(ack, end) : 0;
    if (beyond > AHEAD_MAX || beyond < -TCP_WINDOW_MAX)
        return;
    if (beyond > 0) {
        take_ahead(acknowledged, ack, now_ns);
        return;
    }
    acknowledged->has_ahead = false; /* the later one says less */
    if (!acknowledged->is_acked || tcp_seq_behind(ack, acknowledged->acked) > 0)
        advance(acknowledged, ack, now_ns);
}

void tcp_progress_send(struct tcp_direction *direction, bool is_tls, uint32_t seq, uint32_t len,
                       int64_t now_ns)
{
    uint32_t end = seq + len;
    if (!is_tls && (is_far(end, direction->stream.next) ||
                    tcp_seq_behind(seq, direction->stream.next) > AHEAD_MAX))
        return; /* a stray, or so far ahead that its turn must come first */
    if (!direction->has_sent || is_far(end, direction->sent)) {
        direction->has_sent = true;
        direction->sent = seq;
        direction->marks = 0;
        if (!direction->is_acked || is_far(seq, direction->acked))
            direction->acked = seq;
    }
    if (tcp_seq_behind(end, direction->sent) <= 0) {
        if (tcp_seq_behind(end, direction->acked) > 0 && direction->repeats < UINT8_MAX)
            direction->repeats++;
        return;
    }
    direction->sent = end;
    if (tcp_seq_behind(end, direction->acked) <= 0)
        return; /* the acknowledgement came before it */
    if (direction->marks < TCP_MARKS)
        direction->mark[direction->marks++].sent_ns = now_ns;
    direction->mark[direction->marks - 1].end = end;
    if (direction->has_ahead && tcp_seq_behind(end, direction->ahead) >= 0) {
        direction->has_ahead = false;
        advance(direction, direction->ahead, now_ns);
    }
}

void tcp_progress_go_back(struct tcp_direction *direction, uint32_t seq)
{
    if (!direction->has_sent || tcp_seq_behind(seq, direction->sent) >= 0)
        return;
    direction->sent = seq;
    direction->marks = 0;
}
