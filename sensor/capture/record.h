/*
 * record: what the parsers of the capture formats (pcap_file, pcapng_file) make of the octets at
 * the start of the next record. They are pure: they see what is there, and say what they need.
 * Private to capture/.
 */
#ifndef SIPSPAN_CAPTURE_RECORD_H
#define SIPSPAN_CAPTURE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/packet.h"

enum record_verdict {
    RECORD_PACKET,
    RECORD_OTHER,   /* nothing for the caller, `length` octets to be stepped over */
    RECORD_SHORT,   /* `need` octets must be there to go on */
    RECORD_CORRUPT, /* `problem` says why */
};

struct record {
    struct packet packet; /* its number is the caller's to give */
    size_t length;
    size_t need;
    char problem[160];
};

/* Stamps of the formats reach from 1970 to here (year 2106 of pcap, rounded up to a power of 2). */
#define RECORD_TIME_MAX_NS ((int64_t)1 << 62)

static inline uint16_t record_u16(const uint8_t *b, bool big_endian)
{
    if (big_endian)
        return (uint16_t)(b[0] << 8 | b[1]);
    return (uint16_t)(b[1] << 8 | b[0]);
}

static inline uint32_t record_u32(const uint8_t *b, bool big_endian)
{
    return big_endian ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3]
                      : (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
}

/*
 * Gives each interface of all files an index of its own. Those past the 65,535th share the last: a
 * file made of that many sections is still read.
 */
static inline uint16_t record_next_interface(uint16_t *next)
{
    return *next < UINT16_MAX ? (*next)++ : UINT16_MAX;
}

#endif
