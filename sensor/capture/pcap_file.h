/*
 * pcap_file: the classic capture format, in both byte orders, with stamps in µs or ns. Pure.
 *
 * (draft-ietf-opsawg-pcap: a header of 24 octets, then records of 16 octets and a packet each.)
 * Private to capture/.
 */
#ifndef SIPSPAN_CAPTURE_PCAP_FILE_H
#define SIPSPAN_CAPTURE_PCAP_FILE_H

#include "capture/record.h"

struct pcap_file {
    bool big_endian;
    uint32_t tick_ns; /* of the stamps' fraction */
    uint16_t link_type;
    uint16_t interface;
};

/* The first 4 octets are this format's. */
bool pcap_file_is_magic(const uint8_t magic[4]);

/* RECORD_OTHER: a header that is understood. */
enum record_verdict pcap_file_start(struct pcap_file *file, const uint8_t *at, size_t left,
                                    uint16_t *next_interface, struct record *out);

enum record_verdict pcap_file_next(const struct pcap_file *file, const uint8_t *at, size_t left,
                                   struct record *out);

/*
 * The same for as many packets in a row as are whole, at most `max`: how many, and *length, what
 * their records take. What follows them, or is wrong with it, pcap_file_next says.
 */
unsigned pcap_file_run(const struct pcap_file *file, const uint8_t *at, size_t left,
                       struct packet *out, unsigned max, size_t *length);

#endif
