/*
 * rtp_holes: a sample of RTP streams, watched for missing sequence numbers (RFC 3550 section 5.1).
 *
 * No measurement of a stream: what it is for is to see that many flows miss packets at the same
 * moment, which no network path does to all of them, but a mirror port that is full does. So a
 * packet counts as missing when four later ones came, and a jump of more than 100 numbers, or one
 * after a pause, is a restart. A fixed table of a few thousand places, of which a stream may have
 * any of four; one that finds them all in use is not watched. Which streams those are is the same
 * each time a capture is read.
 * Thread: a worker's own.
 */
#ifndef SIPSPAN_FLOW_RTP_HOLES_H
#define SIPSPAN_FLOW_RTP_HOLES_H

#include "net/packet.h"

enum { RTP_HOLES_PLACES = 4096 };

struct rtp_holes {
    struct rtp_holes_place {
        uint32_t stream;  /* of addresses, ports and SSRC; 0: free */
        uint32_t seen_ms; /* of the packets' clock, modulo 2^32 */
        uint16_t sequence;
        uint8_t agreeing; /* packets in order so far: a stream is believed after a few */
        uint8_t seen;     /* bit i: the packet `sequence - i` */
    } place[RTP_HOLES_PLACES];
};

enum rtp_holes_verdict {
    RTP_HOLES_NOT_RTP,  /* or not watched, or not believed yet */
    RTP_HOLES_IN_ORDER, /* the next packet of its stream, or a late one */
    RTP_HOLES_MISSING   /* sequence numbers before it are missing; told once for each hole */
};

void rtp_holes_init(struct rtp_holes *holes);

/* A UDP packet that is no SIP. *flow: a number for its stream, if the verdict is not NOT_RTP. */
enum rtp_holes_verdict rtp_holes_look(struct rtp_holes *holes, const struct datagram *datagram,
                                      uint32_t *flow);

#endif
