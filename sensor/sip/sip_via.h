/*
 * sip_via: the values of Via header lines (RFC 3261 sections 20.42 and 25.1, RFC 3581 section 3).
 *
 * Pure; the slices of a sip_via point into the header value.
 */
#ifndef SIPSPAN_SIP_SIP_VIA_H
#define SIPSPAN_SIP_SIP_VIA_H

#include "sip/sip_msg.h"

enum sip_via_result {
    SIP_VIA_NONE,  /* no more in this header value */
    SIP_VIA_READ,  /* *via is filled */
    SIP_VIA_BROKEN /* no protocol, host or port could be read; stepped over */
};

/*
 * Reads the value at `*offset` of a header value that may hold several, and moves `*offset` behind
 * it and its comma. Tolerated: empty values (stepped over), parameters that cannot be read (left
 * out); then SIP_DEFECT_BAD_VALUE and SIP_DEFECT_UNTERMINATED_QUOTE are added to *defects.
 */
enum sip_via_result sip_via_next(struct slice value, size_t *offset, struct sip_via *via,
                                 uint32_t *defects);

#endif
