/*
 * ip: from an IP packet to what it carries: IPv4 with options (RFC 791), IPv6 with extension
 * headers (RFC 8200), the IP authentication header (RFC 4302). Pure.
 *
 * At most 8 extension headers of together 512 octets are followed; a longer chain is malformed.
 */
#ifndef SIPSPAN_DECODE_IP_H
#define SIPSPAN_DECODE_IP_H

#include "decode/link.h"

enum { IP_PROTOCOL_UDP = 17 };

/*
 * `layer` begins at the IP header. `version` 4 or 6 is what the link layer says, 0: it does not.
 * DECODE_OTHER_IP: a whole packet, `layer` is what it carries. Addresses, ttl, protocol and IP id
 * in *out are set with that and with DECODE_FRAGMENT.
 */
enum decode_verdict ip_decode(struct layer *layer, unsigned version, struct datagram *out);

#endif
