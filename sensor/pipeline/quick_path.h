/*
 * quick_path: the way of nearly all packets: plain (decode/plain.h) RTP of a stream that is known
 * and in no odd state, a little later than the packet before, no copy. They are read where they lie
 * and counted together. A packet about which anything is unusual is left to packet_path, untouched;
 * there it would have become of every packet what becomes of it here. Internal to the folder.
 */
#ifndef SIPSPAN_PIPELINE_QUICK_PATH_H
#define SIPSPAN_PIPELINE_QUICK_PATH_H

#include "pipeline/pipeline.h"

/* What is known of a packet before its turn comes, so that its memory can be asked for in time. */
struct packet_hint {
    const uint8_t *ip;         /* header of a plain packet of RTP; NULL: decoded, and not one */
    struct datagram *datagram; /* unless it is plain RTP */
    uint64_t fingerprint;      /* of an IP packet */
    uint64_t number;           /* of RTP: its stream */
    struct stream *found;
    enum decode_verdict verdict; /* unless it is plain RTP */
    bool is_rtp;
};

/* False: it is no plain packet of RTP, and nothing was touched. */
bool quick_path_look(const struct pipeline *pipeline, const struct packet *packet,
                     struct packet_hint *hint);

/* Takes of `left` packets those up to the one that is for packet_path: how many. */
unsigned quick_path_take(struct pipeline *pipeline, const struct packet *packet,
                         const struct packet_hint *hint, unsigned left);

/* RTP that was taken: what it shows of the mirror. The pipeline's clock stands at time_ns. */
void quick_path_show(struct pipeline *pipeline, const struct ip_addr *src, uint64_t number,
                     enum streams_verdict verdict, int64_t time_ns);

#endif
