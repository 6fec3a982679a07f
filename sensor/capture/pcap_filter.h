/*
 * pcap_filter: a BPF expression as tcpdump takes it, for packets of files, whatever their link
 * types. Compiled by libpcap once a link type, when the first packet of it comes. Private to
 * capture/.
 */
#ifndef SIPSPAN_CAPTURE_PCAP_FILTER_H
#define SIPSPAN_CAPTURE_PCAP_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "net/packet.h"

enum {
    PCAP_FILTER_LINK_TYPES_MAX = 64,
    PCAP_FILTER_ERROR_MAX = 300,
    PCAP_FILTER_CAVEAT_MAX = 1200,
};

struct pcap_filter;

/* `expression` outlives it. NULL when memory is out. */
struct pcap_filter *pcap_filter_create(const char *expression);
void pcap_filter_destroy(struct pcap_filter *filter);

/* Compiles it for a link type: 0, or -1 and `error` in libpcap's words. */
int pcap_filter_prepare(struct pcap_filter *filter, uint16_t link_type,
                        char error[PCAP_FILTER_ERROR_MAX]);

/* For a link type that pcap_filter_prepare has accepted. */
bool pcap_filter_matches(const struct pcap_filter *filter, const struct packet *packet);

/*
 * What people miss about an expression: a filter with "port" matches no fragments but the first,
 * and, unless it says "vlan", no tagged packets (live, the kernel takes the outer tag off, so only
 * those with two). True: `text` is a line for the operator, with a filter that does match them.
 */
bool pcap_filter_caveat(const char *expression, bool live,
                        char text[static PCAP_FILTER_CAVEAT_MAX]);

#endif
