/*
 * hep_inflate: a payload that came compressed, all at once: gzip (RFC 1952), zlib (RFC 1950) or
 * bare deflate (RFC 1951). Private to capture/.
 */
#ifndef SIPSPAN_CAPTURE_HEP_INFLATE_H
#define SIPSPAN_CAPTURE_HEP_INFLATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct hep_inflate;

struct hep_inflate *hep_inflate_create(void); /* NULL when memory is out */
void hep_inflate_destroy(struct hep_inflate *inflate);

/* The octets made, at most `size`; 0: it is broken, empty or larger. */
size_t hep_inflate_all(struct hep_inflate *inflate, struct slice payload, uint8_t *out,
                       size_t size);

#endif
