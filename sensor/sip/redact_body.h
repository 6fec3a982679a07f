/*
 * redact_body: the secrets within one body of a message, or one part of a body: SDP's keys, also
 * where the SDP is a string of something else (JSON), digits that a user dialled, passwords in
 * URIs. What sip_redact.h says of bodies is done here.
 */
#ifndef SIPSPAN_SIP_REDACT_BODY_H
#define SIPSPAN_SIP_REDACT_BODY_H

#include <stdbool.h>

#include "base/slice.h"

/* What the body under the headers read last is. */
struct redact_entity {
    bool is_multipart, is_message, is_cpim;
    bool is_digits, is_xml, is_sdp, is_encoded;
    struct slice boundary; /* of a multipart; empty if it has none */
};

/* The digits in XML: it goes by elements and attributes, which may span lines. */
void redact_xml(struct slice body);

/* One line of it, without its end. */
void redact_body_line(struct slice line, const struct redact_entity *entity);

/* What is secret after "WORD:", wherever in a line: inline keys, SDP attributes, URI passwords. */
void redact_colons(struct slice line);

#endif
