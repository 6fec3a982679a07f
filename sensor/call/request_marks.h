/*
 * request_marks: what an INVITE's own text shows of the way it came: private addresses where a peer
 * across the network needs public ones, what SIP ALGs leave behind, and where a response to it is
 * to go. Pure. Internal to the folder.
 */
#ifndef SIPSPAN_CALL_REQUEST_MARKS_H
#define SIPSPAN_CALL_REQUEST_MARKS_H

#include "net/packet.h"
#include "sip/sip_msg.h"
#include "verdict/unanswered.h"

/* Private addresses are no mark of a request that comes from a private one itself. */
void request_marks_read(const struct datagram *datagram, const struct sip_msg *msg,
                        struct request_facts *facts);

/* The same request passed once more, maybe elsewhere. */
void request_marks_read_again(const struct datagram *datagram, const struct sip_msg *msg,
                              struct request_facts *facts);

/*
 * Where a server sends its responses over UDP (RFC 3261 section 18.2.2, RFC 3581 section 4):
 * maddr, else the address that the request came from, with the port that it came from if rport was
 * asked for, else with that of sent-by. ip.version 0: to a name in maddr.
 */
struct endpoint request_marks_response_target(const struct endpoint *src,
                                              const struct sip_via *via);

#endif
