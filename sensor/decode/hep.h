/*
 * hep: a packet that is a whole HEP message (HEP_LINK), as capture/hep_input gives it. Pure.
 */
#ifndef SIPSPAN_DECODE_HEP_H
#define SIPSPAN_DECODE_HEP_H

#include "decode/decode.h"

enum { HEP_LINK = 0xffff }; /* as LINK_TYPE_HEP of capture/capture_backend.h */

/*
 * DECODE_MESSAGE with addresses, payload, VLAN and transport, the latter as far as the sender's
 * number tells streams apart; DECODE_NOT_IP where the payload is not SIP; DECODE_TRUNCATED,
 * DECODE_MALFORMED. *out has been cleared.
 */
enum decode_verdict hep_decode(const struct packet *packet, struct datagram *out);

#endif
