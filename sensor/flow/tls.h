/*
 * tls: recognises TLS at the start of a stream, no more (RFC 8446 section 5.1, RFC 5246 section
 * 6.2): a client hello, what a server sends back, an alert before the handshake ended. Nothing in
 * it is read. Pure.
 */
#ifndef SIPSPAN_FLOW_TLS_H
#define SIPSPAN_FLOW_TLS_H

#include <stdint.h>

#include "base/slice.h"

enum tls_record {
    TLS_NONE, /* not TLS, or too short to tell */
    TLS_CLIENT_HELLO,
    TLS_HANDSHAKE, /* any other of the handshake, a server hello first of all; change cipher spec */
    TLS_ALERT,     /* in clear: *alert is its description */
    TLS_DATA,      /* application data, encrypted handshake, encrypted alert */
};

/*
 * What the record at the start of `stream` is. Its header is 5 octets; a handshake takes 6 and an
 * alert 7 to be told.
 */
enum tls_record tls_recognise(struct slice stream, uint8_t *alert);

#endif
