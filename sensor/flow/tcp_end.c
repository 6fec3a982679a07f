#include "flow/tcp_connection.h"

/* What was on its way when a connection ended has arrived by then. */
#define IN_FLIGHT_NS INT64_C(1000000000)

/* Does a segment, no RST, show that the connection has not ended? Somebody else pretended so. */
static bool goes_on(const struct tcp_connection *c, unsigned from, const struct datagram *segment)
{
    const struct tcp_direction *direction = &c->direction[from];
    uint32_t end = segment->tcp.seq + (uint32_t)segment->payload.len;
    bool is_late = segment->time_ns > tcp_time_add(c->ended_ns, IN_FLIGHT_NS);
    if (c->ended_ns == TCP_NEVER || tcp_progress_is_implausible(direction, segment->tcp.seq))
        return false;
    if (c->is_reset && c->reset_by == from && is_late && (segment->tcp.flags & TCP_ACK))
        return true; /* whoever reset it would say nothing but RST */
    if (segment->payload.len == 0)
        return false;
    return (c->is_reset && c->reset_by == from && tcp_seq_behind(end, c->reset_seq) > 0) ||
           (direction->has_fin && tcp_seq_behind(end, direction->fin) > 0) ||
           (is_late && direction->has_sent && tcp_seq_behind(end, direction->sent) > 0);
}

void tcp_end_reconsider(struct tcp_connection *c, unsigned from, const struct datagram *segment)
{
    if (!goes_on(c, from, segment))
        return;
    c->is_reset = c->direction[0].has_fin = c->direction[1].has_fin = false;
    c->ended_ns = TCP_NEVER;
}

void tcp_end_fin(struct tcp_connection *c, unsigned from, uint32_t seq, int64_t now_ns)
{
    if (!c->direction[from].has_fin)
        c->direction[from].fin = seq;
    c->direction[from].has_fin = true;
    if (c->direction[!from].has_fin && c->ended_ns == TCP_NEVER)
        c->ended_ns = now_ns;
}

void tcp_end_reset(struct tcp *tcp, struct tcp_connection *c, unsigned from,
                   const struct datagram *segment)
{
    bool is_certain = c->direction[from].is_acked;
    if (tcp_setup_is_refused_by(&c->setup, from, segment)) {
        is_certain = true;
        tcp_connection_fails(tcp, c, TCP_REFUSED, segment->time_ns);
    } else if (c->ended_ns != TCP_NEVER || (c->setup.syns > 0 && !c->setup.is_answered) ||
               !tcp_progress_may_reset(&c->direction[from], segment->tcp.seq)) {
        return;
    }
    c->is_reset = true;
    c->reset_is_certain = is_certain;
    c->reset_by = (uint8_t)from;
    c->reset_seq = segment->tcp.seq;
    c->reset_ns = c->ended_ns = segment->time_ns;
}
