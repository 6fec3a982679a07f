/*
 * label: MPLS (RFC 3032) with IP or an Ethernet pseudowire (RFC 4448) below the labels, PPPoE (RFC
 * 2516) and PPP (RFC 1661). Pure.
 *
 * MPLS does not say what follows the last label. An IP packet, a frame, and a frame behind a
 * control word are told apart by which of them is borne out by what is in it.
 */
#ifndef SIPSPAN_DECODE_LABEL_H
#define SIPSPAN_DECODE_LABEL_H

#include "decode/layer.h"

enum { MPLS_LABELS_MAX = 8 }; /* of one stack; a deeper one is malformed */

enum decode_verdict mpls_decode(struct layer *layer, struct datagram *out);
enum decode_verdict pppoe_decode(struct layer *layer, struct datagram *out);
enum decode_verdict ppp_decode(struct layer *layer);

#endif
