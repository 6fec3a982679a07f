/*
 * pcap_out: a pcap file, written in large blocks and in the host's byte order.
 */
#ifndef MAKE_PCAP_PCAP_OUT_H
#define MAKE_PCAP_PCAP_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PCAP_OUT_BLOCK = 1 << 20 };

struct pcap_out {
    int fd;
    const char *path;
    bool microseconds; /* else nanoseconds */
    uint32_t snap;     /* octets kept of a packet */
    uint64_t packets;
    uint64_t octets; /* of packets as they were on the wire */
    int64_t first_ns, last_ns;
    size_t used;
    uint8_t *block;
};

/* "-" is standard output. Ends the program when the file cannot be made or written. */
void pcap_out_open(struct pcap_out *out, const char *path, uint32_t link_type, bool microseconds,
                   uint32_t snap);
/* One packet; times must not go back. */
void pcap_out_put(struct pcap_out *out, int64_t time_ns, const uint8_t *frame, size_t len);
void pcap_out_close(struct pcap_out *out);

#endif
