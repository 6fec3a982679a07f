/*
 * wrap: what a packet is wrapped in on its way to the sensor, as a scenario says it.
 *
 *     wrap=vlan:9/vxlan:5        the outermost layer first, as it is on the wire
 *     wrap=gre:7+seq/mpls:100,200
 *     wrap=vxlan:5/frag:512+reversed
 *
 * A layer is NAME[:NUMBER[@NUMBER],...][+WORD]...; `make_pcap --keys` lists them. What
 * needs IP underneath gets a header of its own, from 203.0.113.240 to 203.0.113.250 (IPv6 with
 * +v6), each tunnel within it from the next addresses. Whatever carries Ethernet puts its content
 * into an Ethernet frame.
 */
#ifndef MAKE_PCAP_WRAP_H
#define MAKE_PCAP_WRAP_H

#include "frame.h"
#include "pieces.h"
#include "text.h"

enum { WRAP_LAYERS_MAX = 20, WRAP_NUMBERS_MAX = 8 };

struct wrap_layer {
    const struct wrap_kind *kind;
    unsigned words; /* bits, in the order of the table of words */
    uint32_t numbers[WRAP_NUMBERS_MAX];
    uint16_t qualifiers[WRAP_NUMBERS_MAX]; /* behind @; 0: not given */
    unsigned count;
    struct pieces pieces; /* of fragments */
};

struct wrap {
    struct wrap_layer layers[WRAP_LAYERS_MAX];
    unsigned count;
};

/* One packet on its way into the capture. */
struct wrap_job {
    const struct wrap *wrap;
    struct frame frame; /* the packet's own: link, VLAN tags, addresses; its IP id numbers its
                           IPv6 fragments */
    uint16_t *next_id;  /* IP ids of the tunnels */
    void (*take)(void *context, const uint8_t *frame, size_t len, size_t index);
    void *context; /* of take, which gets every frame that this becomes, index counting up */
    size_t taken;
};

/* NULL or what is wrong; NULL or "-" is no layer at all. */
const char *wrap_parse(const char *text, struct wrap *out);
/* `packet` begins with its IP header. NULL or what cannot be. */
const char *wrap_up(struct wrap_job *job, const uint8_t *packet, size_t len);

void wrap_print_layers(FILE *f);

#endif
