/*
 * utf8: what of the octets from the wire is text.
 */
#ifndef SIPSPAN_EVENT_UTF8_H
#define SIPSPAN_EVENT_UTF8_H

#include <stddef.h>

/*
 * The length of the well-formed UTF-8 sequence (RFC 3629) at the start of `left` octets, one at
 * least; 0 if there is none. DEL counts as none: JSON lets it through, and terminals act on it.
 */
size_t utf8_sequence(const char *text, size_t left);

#endif
