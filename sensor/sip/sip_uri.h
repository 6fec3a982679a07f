/*
 * sip_uri: SIP, SIPS and tel URIs (RFC 3261 section 19.1, RFC 3966) and name-addr values, as views.
 * Pure. The URI part of a From, To or Contact is found here, with display names, quotes and
 * brackets.
 */
#ifndef SIPSPAN_SIP_SIP_URI_H
#define SIPSPAN_SIP_SIP_URI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct sip_uri {
    struct slice scheme; /* "sip", as written */
    struct slice user;   /* without password; of tel: the number */
    struct slice host;   /* IPv6 with its brackets; empty for tel */
    uint16_t port;       /* 0 if not given */
    struct slice plain;  /* as sip_uri_plain() gives it; also of a URI that cannot be read */
};

/* A name-addr or addr-spec with its header parameters (RFC 3261 section 20.10, 20.20, 20.39). */
struct sip_name_addr {
    struct slice display_name; /* as written, quotes included; maybe empty */
    struct slice uri;    /* whole, as it stands between the angle brackets, or the bare addr-spec */
    struct slice params; /* header parameters after it, from the first ';' on; maybe empty */
    bool bare;           /* without angle brackets: what follows a ';' belongs to the header */
};

/*
 * False where scheme, host or port cannot be read, or characters stand in it that no URI has. Of a
 * scheme that is not known only the scheme is read.
 */
bool sip_uri_parse(struct slice text, struct sip_uri *out);

/* sip, sips or tel. */
bool sip_uri_scheme_is_known(const struct sip_uri *uri);

/*
 * The URI without parameters, headers and surrounding white space: "sip:user@[2001:db8::1]:5060".
 * For a scheme that is not known, everything up to the first ';' or '?'.
 */
struct slice sip_uri_plain(struct slice uri);

/* False where there is no URI in it (unterminated quote or bracket, or nothing). */
bool sip_name_addr_parse(struct slice value, struct sip_name_addr *out);

/*
 * The value of a parameter in ";a=b;c" (name compared without case, white space around ; and =
 * tolerated, a quoted value without its quotes). False if it is not there; *value is empty for a
 * parameter without a value.
 */
bool sip_param(struct slice params, struct slice name, struct slice *value);

#endif
