/*
 * messages: what the handlers of messages (invite_messages.c, other_messages.c) and calls.c share.
 * Internal to the folder.
 */
#ifndef SIPSPAN_CALL_MESSAGES_H
#define SIPSPAN_CALL_MESSAGES_H

#include "call/calls.h"

/* invite_messages.c */
/* scanner: what shows that one sent it; empty: nothing does. */
void calls_invite(struct calls *calls, const struct datagram *datagram, const struct sip_msg *msg,
                  struct slice scanner);
/* True where it answers a request that was seen, and could have reached its client. */
bool calls_invite_response(struct calls *calls, const struct datagram *datagram,
                           const struct sip_msg *msg);

/* other_messages.c */
void calls_other(struct calls *calls, const struct datagram *datagram, const struct sip_msg *msg);

/* Reads where the call stands now and sets its phase and its timer by that. */
void calls_settle(struct calls *calls, struct call *call);
/* Gives the histograms what is known by now. */
void calls_tell_delays(struct calls *calls, struct call *call);

/* A call that is met in its middle, by a request that only a dialog has. */
struct call *calls_join_late(struct calls *calls, const struct sip_msg *msg, int64_t now_ns);
/* A message of the call, with the time of its own packet. */
void calls_hear(struct call *call, bool is_caller, int64_t time_ns);
/*
 * A call that one request in a dialog made us believe in, and its answer shows that there is none:
 * 481, or 408 of a proxy that reached nobody.
 */
bool calls_is_refuted(const struct call *call, const struct sip_msg *msg);
/* The dialog that a message with both tags belongs to; made if it is new. NULL: there are too many.
 */
struct dialog *calls_dialog_of(struct calls *calls, struct call *call, bool from_caller,
                               const struct sip_msg *msg);
/* A request within a dialog: the INVITE that began it was answered, seen or not. */
void calls_infer_beginning(struct calls *calls, struct call *call, bool from_caller,
                           const struct datagram *datagram);

#endif
