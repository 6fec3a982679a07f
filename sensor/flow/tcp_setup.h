/*
 * tcp_setup: how the setup of a connection went, TCP's (RFC 9293 section 3.5) and TLS's above it:
 * who asked, how often, whether anything shows that it was answered, and how it failed. Pure facts
 * of one connection.
 *
 * A mirror may show one direction only: an answer is also shown by what only an answered client
 * sends.
 */
#ifndef SIPSPAN_FLOW_TCP_SETUP_H
#define SIPSPAN_FLOW_TCP_SETUP_H

#include "flow/tcp.h"

enum { TCP_CLIENT_UNKNOWN = 2 };

/* How far from the expected one a sequence number is believed: beyond the windows in use. */
enum { TCP_WINDOW_MAX = 1 << 20 };

/* For hostile stamps, too: what cannot be added is not. Never stays so. */
#define TCP_NEVER INT64_MIN
static inline int64_t tcp_time_add(int64_t time_ns, int64_t step_ns)
{
    int64_t sum;
    if (time_ns == TCP_NEVER || __builtin_add_overflow(time_ns, step_ns, &sum))
        return time_ns;
    return sum;
}

struct tcp_setup {
    int64_t first_ns; /* of the connection's packets */
    int64_t hello_ns; /* the first client hello */
    uint32_t isn;     /* the client's initial sequence number */
    uint32_t rival;   /* that of a SYN on a connection that is up: a new one, if it is answered */
    uint32_t syns, hellos;
    uint32_t hello_seq;
    uint16_t syn_len; /* octets on the SYN */
    uint8_t client;   /* index of the direction, or TCP_CLIENT_UNKNOWN */
    bool has_isn, has_rival;
    bool rival_is_far; /* no acknowledgement of the connection that is up can be mistaken for its */
    bool is_answered;
    bool is_tls, tls_is_answered;
    bool is_over;    /* told, or a message passed: there is nothing more to tell */
    bool has_failed; /* and that was told */
};

enum tcp_syn {
    TCP_SYN_TAKEN,
    TCP_SYN_AGAIN,  /* the same attempt with another sequence number */
    TCP_SYN_NEW,    /* of another connection on the same ports: start anew, and give it again */
    TCP_SYN_IGNORED /* impossible here, or another connection if it is answered */
};

void tcp_setup_init(struct tcp_setup *setup, int64_t now_ns);

/*
 * A SYN, with or without ACK, from direction `from`. may_be_new: the connection has ended or is
 * quiet. next: the sequence number expected from there, NULL if none is.
 */
enum tcp_syn tcp_setup_syn(struct tcp_setup *setup, unsigned from, const struct datagram *segment,
                           bool may_be_new, const uint32_t *next);
/* Any segment but a SYN: may show an answer. True: the other end acknowledges the rival (its client
 * alone may be anybody); start anew with that. */
bool tcp_setup_segment(struct tcp_setup *setup, unsigned from, const struct datagram *segment);

/* RST: did it refuse the attempt? */
bool tcp_setup_is_refused_by(const struct tcp_setup *setup, unsigned from,
                             const struct datagram *segment);
/* Is this the number of a SYN that nobody has answered? */
bool tcp_setup_is_in_flight(const struct tcp_setup *setup, unsigned from, uint32_t seq);
/* What seemed to be TLS is another's. */
void tcp_setup_forget_tls(struct tcp_setup *setup);
/* ICMP, quoting direction `from`. */
bool tcp_setup_is_refused_by_icmp(const struct tcp_setup *setup, unsigned from,
                                  const struct icmp_error *error);
/* Octets of a TLS connection, `seq` that of their first. True: an alert that ends the handshake. */
bool tcp_setup_tls(struct tcp_setup *setup, unsigned from, uint32_t seq, struct slice octets,
                   int64_t now_ns);

/* When the attempt has failed, unless it is answered; INT64_MAX: it cannot any more. */
int64_t tcp_setup_deadline(const struct tcp_setup *setup, int64_t setup_ns);
/* At the deadline. */
enum tcp_failure_reason tcp_setup_reason(const struct tcp_setup *setup);
/* What is to be told counts: hellos, or SYNs. */
uint32_t tcp_setup_attempts(const struct tcp_setup *setup, enum tcp_failure_reason reason);
void tcp_setup_clock_step(struct tcp_setup *setup, int64_t step_ns);

#endif
