/*
 * invite: one INVITE client transaction as it is seen from outside (RFC 3261 section 17.1.1, RFC
 * 6026, RFC 3581): its requests, their ladder, the responses that could have reached its client and
 * those that could not. Internal to the folder.
 */
#ifndef SIPSPAN_CALL_INVITE_H
#define SIPSPAN_CALL_INVITE_H

#include "call/calls.h"

/* RFC 3261 section 17.1.1.1, as it is configured. */
int64_t invite_t1_ns(const struct calls *calls);
/* Copies what the request says of itself into a transaction that was just added. */
void invite_describe(struct calls *calls, struct transaction *transaction,
                     const struct datagram *datagram, const struct sip_msg *msg);
/* The request passed: first time, again, or somewhere else on its way. */
void invite_sent(struct calls *calls, struct transaction *transaction,
                 const struct datagram *datagram, const struct sip_msg *msg);
/* The request, or the first response to it, passed: tells the other sensors. */
void invite_tell_sensors(struct calls *calls, const struct transaction *transaction,
                         enum calls_word word, const struct datagram *datagram,
                         const struct sip_msg *msg);
/* A copy of the request passed: it tells only where on the mirror. */
void invite_seen_at(struct calls *calls, struct transaction *transaction,
                    const struct datagram *datagram);
/* Timer B fired. True: only for the other sensors to be asked who saw it; it goes on. */
bool invite_asks_sensors(struct calls *calls, struct transaction *transaction, int64_t now_ns);
/* Timer B ran out: gives the event. */
void invite_timed_out(struct calls *calls, struct transaction *transaction, int64_t deadline_ns);
/* A response with its Call-ID or its Via rewritten passed: its client takes it for none of its. */
void invite_mangled(struct transaction *transaction, const struct datagram *datagram,
                    const struct sip_msg *msg, enum mangled what);
/* A response to it passed. False where it could not have reached its client, or only a part of it
 * did that is of no use to that (invite_partial.h). */
bool invite_responded(struct calls *calls, struct transaction *transaction,
                      const struct datagram *datagram, const struct sip_msg *msg);
/* Was it sent so often that nothing can have reached its client? */
bool invite_is_insisted_on(const struct transaction *transaction);
/* As invite_inferred, but no proof that the mirror misses responses: some phones cancel what nobody
 * answered. */
void invite_presumed(struct calls *calls, struct transaction *transaction);
/* What followed shows that it was answered, out of sight. */
void invite_inferred(struct calls *calls, struct transaction *transaction);
/*
 * The same for every transaction of the call with this CSeq that client sent to server. Where the
 * client has only one such, its server does not matter: an ACK of a 2xx may take another way.
 */
void invite_inferred_all(struct calls *calls, struct call *call, const struct ip_addr *client,
                         const struct ip_addr *server, uint32_t cseq);
/* The same for those that began the call, of any CSeq; so not for a re-INVITE. */
void invite_inferred_beginning(struct calls *calls, struct call *call, const struct ip_addr *client,
                               const struct ip_addr *server);

#endif
