#include "flow/tcp_setup.h"

#include "decode/ip.h"
#include "flow/tcp_stream.h"
#include "flow/tls.h"

enum { TLS_HEADER_LEN = 5, TLS_WARNING = 1 };

/* RFC 8446 section 6, RFC 5246 section 7.2: as warnings these end no handshake in failure. */
enum {
    CLOSE_NOTIFY = 0,
    USER_CANCELED = 90,
    NO_RENEGOTIATION = 100,
    UNRECOGNIZED_NAME = 112,
};

static bool is_near(uint32_t seq, uint32_t expected)
{
    int32_t behind = tcp_seq_behind(seq, expected);
    return behind >= -TCP_WINDOW_MAX && behind <= TCP_WINDOW_MAX;
}

/* Within a window behind the client's SYN. */
static bool follows_syn(const struct tcp_setup *setup, uint32_t seq)
{
    return setup->has_isn && seq - (setup->isn + 1) <= TCP_WINDOW_MAX;
}

/* Does this acknowledgement answer the SYN, and nothing else? */
static bool acknowledges_syn(const struct tcp_setup *setup, uint32_t ack)
{
    return setup->has_isn && ack - (setup->isn + 1) <= setup->syn_len;
}

void tcp_setup_init(struct tcp_setup *setup, int64_t now_ns)
{
    *setup = (struct tcp_setup){
        .first_ns = now_ns,
        .hello_ns = now_ns,
        .client = TCP_CLIENT_UNKNOWN,
    };
}

static void take_client(struct tcp_setup *setup, unsigned client, uint32_t isn)
{
    setup->client = (uint8_t)client;
    setup->isn = isn;
    setup->has_isn = true;
}

static void count_syn(struct tcp_setup *setup, const struct datagram *segment)
{
    setup->syns++;
    if (segment->payload.len > setup->syn_len)
        setup->syn_len = (uint16_t)segment->payload.len;
}

static enum tcp_syn take_syn_ack(struct tcp_setup *setup, unsigned from,
                                 const struct datagram *segment, bool may_be_new,
                                 const uint32_t *next)
{
    uint32_t isn = segment->tcp.ack - 1;
    if (setup->client == !from && acknowledges_syn(setup, segment->tcp.ack)) {
        setup->is_answered = true;
        return TCP_SYN_TAKEN;
    }
    if (may_be_new || (setup->has_rival && setup->client == !from && setup->rival == isn))
        return TCP_SYN_NEW;
    if (setup->has_isn || (next && !is_near(segment->tcp.seq, *next)))
        return TCP_SYN_IGNORED;
    take_client(setup, !from, isn); /* the SYN was not seen, or comes later */
    setup->is_answered = true;
    return TCP_SYN_TAKEN;
}

enum tcp_syn tcp_setup_syn(struct tcp_setup *setup, unsigned from, const struct datagram *segment,
                           bool may_be_new, const uint32_t *next)
{
    uint32_t seq = segment->tcp.seq;
    if (segment->tcp.flags & TCP_ACK)
        return take_syn_ack(setup, from, segment, may_be_new, next);
    if (setup->has_isn && setup->client == from && setup->isn == seq) {
        count_syn(setup, segment);
        return TCP_SYN_TAKEN;
    }
    if (may_be_new)
        return TCP_SYN_NEW;
    if (!setup->has_isn && (!next || is_near(seq, *next))) {
        /* The first packet; or a mirror that shows it late. */
        setup->is_answered |= next != NULL;
        take_client(setup, from, seq);
        count_syn(setup, segment);
        return TCP_SYN_TAKEN;
    }
    if (setup->has_isn && !setup->is_answered) {
        if (setup->client != from) { /* both ends open at once (RFC 9293 section 3.5) */
            setup->is_answered = true;
            return TCP_SYN_TAKEN;
        }
        take_client(setup, from, seq);
        count_syn(setup, segment);
        return TCP_SYN_AGAIN;
    }
    if (setup->client == from) {
        setup->rival = seq;
        setup->has_rival = true;
        setup->rival_is_far = next && !is_near(seq, *next);
    }
    return TCP_SYN_IGNORED;
}

bool tcp_setup_segment(struct tcp_setup *setup, unsigned from, const struct datagram *segment)
{
    const struct tcp_header *tcp = &segment->tcp;
    bool is_client = setup->client == from;
    if (tcp->flags & TCP_RST) {
        /* What a client sends to a SYN with ACK that it does not want (any more). */
        setup->is_answered |= is_client && setup->has_isn && tcp->seq == setup->isn + 1;
        return false;
    }
    if (setup->client == !from && (tcp->flags & TCP_ACK) && setup->has_rival &&
        setup->rival_is_far && tcp->ack - (setup->rival + 1) <= TCP_WINDOW_MAX)
        return true;
    if ((tcp->flags & TCP_ACK) && setup->client != TCP_CLIENT_UNKNOWN)
        setup->is_answered |= follows_syn(setup, is_client ? tcp->seq : tcp->ack);
    return false;
}

bool tcp_setup_is_refused_by(const struct tcp_setup *setup, unsigned from,
                             const struct datagram *segment)
{
    return setup->syns > 0 && !setup->is_answered && !setup->is_over && setup->client == !from &&
           (segment->tcp.flags & TCP_ACK) && acknowledges_syn(setup, segment->tcp.ack);
}

bool tcp_setup_is_in_flight(const struct tcp_setup *setup, unsigned from, uint32_t seq)
{
    return setup->syns > 0 && !setup->is_answered && setup->client == from && seq == setup->isn;
}

void tcp_setup_forget_tls(struct tcp_setup *setup)
{
    setup->is_tls = setup->tls_is_answered = false;
    setup->hellos = 0;
}

bool tcp_setup_is_refused_by_icmp(const struct tcp_setup *setup, unsigned from,
                                  const struct icmp_error *error)
{
    bool is_final = error->meaning == ICMP_PORT_UNREACHABLE ||
                    error->meaning == ICMP_ADMIN_PROHIBITED ||
                    error->meaning == ICMP_PROTOCOL_UNREACHABLE;
    return is_final && error->protocol == IP_PROTOCOL_TCP && error->has_ports && setup->syns > 0 &&
           !setup->is_answered && !setup->is_over && setup->client == from &&
           error->tcp_seq == setup->isn;
}

static bool ends_handshake(struct slice record, uint8_t alert)
{
    bool is_mild =
        alert == USER_CANCELED || alert == NO_RENEGOTIATION || alert == UNRECOGNIZED_NAME;
    return alert != CLOSE_NOTIFY && !(is_mild && record.at[TLS_HEADER_LEN] == TLS_WARNING);
}

static void take_hello(struct tcp_setup *setup, unsigned from, uint32_t seq, int64_t now_ns)
{
    if (setup->client == TCP_CLIENT_UNKNOWN)
        setup->client = (uint8_t)from;
    if (setup->client != from)
        return;
    if (setup->hellos > 0 && seq != setup->hello_seq) {
        setup->tls_is_answered = true; /* another one was asked for (RFC 8446 section 4.1.4) */
        return;
    }
    if (setup->hellos == 0)
        setup->hello_ns = now_ns;
    setup->hellos++;
    setup->hello_seq = seq;
}

/* Records that begin with the segment are looked at; one that began before it is in none. */
bool tcp_setup_tls(struct tcp_setup *setup, unsigned from, uint32_t seq, struct slice octets,
                   int64_t now_ns)
{
    setup->is_tls = true;
    if (octets.len > 0 && setup->client == !from)
        setup->tls_is_answered = true;
    while (octets.len > 0) {
        uint8_t alert;
        switch (tls_recognise(octets, &alert)) {
        case TLS_NONE:
            return false;
        case TLS_CLIENT_HELLO:
            take_hello(setup, from, seq, now_ns);
            break;
        case TLS_ALERT:
            if (ends_handshake(octets, alert))
                return !setup->is_over && setup->syns + setup->hellos > 0;
            break;
        case TLS_HANDSHAKE:
        case TLS_DATA:
            setup->tls_is_answered = true; /* whoever says it: the server has spoken */
            break;
        }
        size_t len = TLS_HEADER_LEN + ((size_t)(uint8_t)octets.at[3] << 8 | (uint8_t)octets.at[4]);
        octets = slice_skip(octets, len);
        seq += (uint32_t)len;
    }
    return false;
}

int64_t tcp_setup_deadline(const struct tcp_setup *setup, int64_t setup_ns)
{
    if (setup->is_over)
        return INT64_MAX;
    if (setup->syns > 0 && !setup->is_answered)
        return tcp_time_add(setup->first_ns, setup_ns);
    if (setup->hellos == 0 || setup->tls_is_answered)
        return INT64_MAX;
    /* A hello that came late, after many SYNs, is given half the time. */
    int64_t of_connection = tcp_time_add(setup->first_ns, setup_ns);
    int64_t of_hello = tcp_time_add(setup->hello_ns, setup_ns / 2);
    return of_connection > of_hello ? of_connection : of_hello;
}

enum tcp_failure_reason tcp_setup_reason(const struct tcp_setup *setup)
{
    return setup->syns > 0 && !setup->is_answered ? TCP_NO_ANSWER : TCP_TLS_SILENT;
}

uint32_t tcp_setup_attempts(const struct tcp_setup *setup, enum tcp_failure_reason reason)
{
    bool of_tls = reason == TCP_TLS_ALERT || reason == TCP_TLS_SILENT;
    return of_tls && setup->hellos > 0 ? setup->hellos : setup->syns;
}

void tcp_setup_clock_step(struct tcp_setup *setup, int64_t step_ns)
{
    setup->first_ns = tcp_time_add(setup->first_ns, step_ns);
    setup->hello_ns = tcp_time_add(setup->hello_ns, step_ns);
}
