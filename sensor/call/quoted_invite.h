/*
 * quoted_invite: what an ICMP error's quote shows of an INVITE, however early it is cut off. Pure;
 * the slices point into the quote. Internal to the folder.
 */
#ifndef SIPSPAN_CALL_QUOTED_INVITE_H
#define SIPSPAN_CALL_QUOTED_INVITE_H

#include "sip/sip_msg.h"

enum quoted {
    QUOTED_NOTHING, /* too little to tell */
    QUOTED_OTHER,   /* another SIP message than an INVITE */
    QUOTED_INVITE,
};

struct quoted_invite {
    bool has_via, has_cseq; /* false: cut off, or not to be read */
    struct sip_via via;     /* the top one */
    struct slice call_id;   /* empty: cut off */
    uint32_t cseq;
};

/* What a UDP datagram begins with. Only lines of which the quote shows the end are taken. */
enum quoted quoted_invite_read(struct slice quote, struct quoted_invite *out);

#endif
