/*
 * sdp_parser: what sdp.c (lines, session and media sections) and sdp_attribute.c (a=) share. Not
 * for others.
 */
#ifndef SIPSPAN_SDP_SDP_PARSER_H
#define SIPSPAN_SDP_SDP_PARSER_H

#include "sdp/sdp.h"

struct sdp_parser {
    struct sdp *out;
    struct sdp_media
        *media;      /* the section that lines belong to; NULL: the session, or see in_media */
    bool in_media;   /* with media NULL: a section too many, whose lines are left out */
    bool known_line; /* any of v=, o=, c=, m= */
    bool has_tab;    /* anywhere in the body */
    /* What the session says for all sections. */
    uint8_t direction;
    bool secure;
    bool ice;
};

/* The next word of *s, which is stepped over with the spaces and tabs before it; empty at the end.
 */
struct slice sdp_take_word(struct slice *s);

/* With the codec that RFC 3551 gives to a static type. */
void sdp_payload_init(struct sdp_payload *payload, uint8_t type);

void sdp_read_attribute(struct sdp_parser *p, struct slice text);

#endif
