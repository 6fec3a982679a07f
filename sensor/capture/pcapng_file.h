/*
 * pcapng_file: the block format of Wireshark: several sections of either byte order, several
 * interfaces with their own link type and stamps. Pure but for the table of interfaces, which it
 * allocates.
 *
 * (draft-ietf-opsawg-pcapng.) Packets come from Enhanced, Simple and the obsolete Packet Blocks;
 * other blocks are stepped over. A Simple Packet Block has no stamp: it gets that of the packet
 * before it. Private to capture/.
 */
#ifndef SIPSPAN_CAPTURE_PCAPNG_FILE_H
#define SIPSPAN_CAPTURE_PCAPNG_FILE_H

#include "capture/record.h"

enum {
    PCAPNG_BLOCK_MAX = 16 << 20,  /* octets; as libpcap */
    PCAPNG_INTERFACES_MAX = 4096, /* of one section */
};

struct pcapng_interface {
    uint16_t link_type;
    uint16_t index;
    uint32_t snap_len; /* 0: none */
    uint32_t tick_ns;  /* 1 or 1000: a tick is as many ns; 0: see below */
    bool binary;       /* a second is 2^exponent ticks, otherwise 10^exponent */
    uint8_t exponent;
    int64_t offset_s;
};

struct pcapng_file {
    bool big_endian;
    uint16_t *next_interface;           /* see record_next_interface */
    struct pcapng_interface *interface; /* of the section */
    uint32_t interface_count, interface_size;
    int64_t last_time_ns;
};

/* The first 4 octets are this format's. */
bool pcapng_file_is_magic(const uint8_t magic[4]);

void pcapng_file_init(struct pcapng_file *file, uint16_t *next_interface);
void pcapng_file_fini(struct pcapng_file *file);

enum record_verdict pcapng_file_next(struct pcapng_file *file, const uint8_t *at, size_t left,
                                     struct record *out);

#endif
