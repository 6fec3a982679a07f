/*
 * negotiate: which form of a page a request's Accept and Accept-Encoding ask for (RFC 9110
 * section 12.5).
 *
 * Starts as all zero bytes; each header line of a name is added on its own, as a request may have
 * several. Any text is taken: what cannot be understood asks for nothing. No state but the struct.
 */
#ifndef SIPSPAN_HTTP_NEGOTIATE_H
#define SIPSPAN_HTTP_NEGOTIATE_H

#include "base/slice.h"
#include "http/exposition.h"

/* How well something is asked for: by the most specific range that matches it. */
struct preference {
    unsigned specificity; /* 0: no range matched */
    unsigned weight;      /* its q, in thousandths */
};

struct negotiation {
    struct preference text, openmetrics, gzip;
};

void negotiate_add_accept(struct negotiation *n, struct slice value);
void negotiate_add_accept_encoding(struct negotiation *n, struct slice value);

/* OpenMetrics only where it is named, and not liked less than text; else text, come what may. */
enum exposition_format negotiate_format(const struct negotiation *n);
bool negotiate_gzip(const struct negotiation *n);

#endif
