/*
 * stream: one RTP stream on its way: what becomes of each packet by its rule, and the account of
 * it.
 */
#ifndef FORWARDER_STREAM_H
#define FORWARDER_STREAM_H

#include "../make_pcap/prng.h"
#include "rule.h"
#include "udp.h"

struct stream {
    const struct rule *rule;
    int family; /* AF_INET, AF_INET6 */
    uint8_t src[16], dst[16];
    uint16_t src_port, dst_port;
    uint32_t ssrc;
    struct prng prng;
    uint64_t in, forwarded, dropped, lost, doubled, held, out_of_order;
    uint64_t dropped_last; /* since the latest that was not */
    uint64_t highest_out;  /* by the order of coming in, from 1; 0: none yet */
    int64_t last_due_ns;
    int64_t first_out_ns, last_out_ns;
    int64_t late_ns_max; /* sent after it was due */
    double delay_ns_sum;
    int64_t delay_ns_min, delay_ns_max;
};

void stream_begin(struct stream *stream, const struct rule *rule, const struct udp *udp,
                  uint64_t seed);
/* Is it this one's packet? */
bool stream_has(const struct stream *stream, const struct rule *rule, const struct udp *udp);
/* When a packet that came in now is to be sent; INT64_MIN: never. */
int64_t stream_decide(struct stream *stream, int64_t in_ns);
/* The packet that came in as the index-th, counted from 1, was sent. */
void stream_note_sent(struct stream *stream, uint64_t index, int64_t in_ns, int64_t due_ns,
                      int64_t at_ns);
/* One JSON object on standard output. */
void stream_write(const struct stream *stream);

#endif
