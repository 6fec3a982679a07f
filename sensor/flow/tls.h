/*
 * tls: recognises TLS at the start of a stream, no more (RFC 8446 section 5.1): a client hello,
 * what a server sends back, an alert before the handshake ended. Nothing in it is read. Pure.
 */
#ifndef SIPSPAN_FLOW_TLS_H
#define SIPSPAN_FLOW_TLS_H

#include <stdint.h>

#include "base/slice.h"

enum tls_record {
    TLS_NONE, /* not TLS */
    TLS_CLIENT_HELLO,
    TLS_HANDSHAKE, /* any other of the handshake, a server hello first of all; change cipher spec */
    TLS_ALERT,     /* in clear: *alert is its description */
    TLS_DATA,      /* application data, encrypted handshake */
};

/* What the record at the start of `stream` is. Five octets tell; fewer are TLS_NONE. */
enum tls_record tls_recognise(struct slice stream, uint8_t *alert);

#endif
