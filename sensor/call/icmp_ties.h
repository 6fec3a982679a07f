/*
 * icmp_ties: which INVITE an ICMP error is about. Internal to the folder.
 *
 * Of UDP the quote must show the request's own top Via (and Call-ID and CSeq as far as they are
 * quoted) or, where it is too short for that, the addresses, ports, UDP length and IP id of a
 * sending of the last 5 s; hosts that send no IP id are told by the UDP checksum. What does not
 * fit, or fits two, is tied to none. Of TCP the quoted connection must have carried an INVITE; its
 * errors are remembered by connection, for all INVITEs on it.
 *
 * Bounded: see sendings.h; the errors of 256 connections.
 */
#ifndef SIPSPAN_CALL_ICMP_TIES_H
#define SIPSPAN_CALL_ICMP_TIES_H

#include "call/call_table.h"
#include "call/sendings.h"
#include "decode/icmp.h"

struct icmp_ties {
    struct sendings sendings;
    struct connection_error *connection_error;
    int64_t timer_b_ns; /* an INVITE of so long ago may still wait */
};

/* 0 or -ENOMEM. */
int icmp_ties_init(struct icmp_ties *ties, uint64_t bytes, int64_t timer_b_ns,
                   const struct call_table *table);
void icmp_ties_fini(struct icmp_ties *ties);

/* An INVITE passed; the datagram is as it was on the wire. */
void icmp_ties_sent(struct icmp_ties *ties, struct transaction *transaction,
                    const struct datagram *datagram);
/* The INVITE that was sent with this top Via, of whatever call; NULL: none, or none that is sure.
 */
struct transaction *icmp_ties_find(const struct icmp_ties *ties, uint64_t via_hash, uint32_t cseq);
/* An error. True: it is about an INVITE in view, and was noted. */
bool icmp_ties_error(struct icmp_ties *ties, const struct icmp_error *error,
                     const struct call_table *table);
/* All that is known of errors about this transaction. */
void icmp_ties_read(const struct icmp_ties *ties, const struct transaction *transaction,
                    struct icmp_facts *facts);
void icmp_ties_clock_step(struct icmp_ties *ties, int64_t step_ns);

#endif
