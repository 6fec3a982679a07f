/*
 * wrap_layer: the layers that wrap.h speaks of, each a function that puts one around a parcel.
 */
#ifndef MAKE_PCAP_WRAP_LAYER_H
#define MAKE_PCAP_WRAP_LAYER_H

#include "wrap.h"

/* The +WORDS of layers; their names are in wrap.c, in this order. */
enum wrap_word {
    WORD_V6 = 1 << 0,
    WORD_IP = 1 << 1,
    WORD_ETHERNET = 1 << 2,
    WORD_CHECKSUM = 1 << 3,
    WORD_SEQUENCE = 1 << 4,
    WORD_ROUTING = 1 << 5,
    WORD_CONTROL = 1 << 6,
    WORD_ZERO = 1 << 7,
    WORD_SUBHEADER = 1 << 8,
    WORD_OPTIONS = 1 << 9,
    WORD_PDU = 1 << 10,
};

enum { ETHERNET = 0, MPLS = 0x8847, PPPOE = 0x8864 }; /* what `type` may be beside IP */

/* A packet as far as it is wrapped up. */
struct parcel {
    struct text bytes;
    unsigned type;      /* ethertype, or ETHERNET: a whole frame */
    struct frame outer; /* the outermost IP header's, which the link's addresses come from */
    unsigned depth;     /* IP headers added */
};

typedef const char *wrap_function(struct wrap_job *job, const struct wrap_layer *layer,
                                  struct parcel *p);

struct wrap_kind {
    const char *name, *about;
    unsigned least, most, words;
    wrap_function *put; /* NULL: into fragments */
};

extern const struct wrap_kind wrap_kinds[];
extern const unsigned wrap_kind_count;

void parcel_prepend(struct parcel *p, struct text *header);
bool parcel_is_ip(const struct parcel *p);
/* Puts a header between IP's and what follows; its first octet becomes the next header's number. */
void parcel_insert(struct parcel *p, uint8_t protocol, const uint8_t *header, size_t len);

#endif
