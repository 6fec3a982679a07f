/*
 * tls_client: TLS over a connected, non-blocking socket, as the client; the only file that sees
 * OpenSSL. TLS 1.2 at least; the server's certificate and its name (or address) are verified.
 *
 * One thread at a time.
 */
#ifndef SIPSPAN_EXPORT_TLS_CLIENT_H
#define SIPSPAN_EXPORT_TLS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct tls_client;

/* Trusts what is in ca_file (PEM), or NULL: what the system does. NULL, and error filled. */
struct tls_client *tls_client_create(const char *ca_file, char *error, size_t len);
void tls_client_destroy(struct tls_client *tls); /* NULL does nothing */

enum tls_result {
    TLS_DONE,
    TLS_WANTS_READ, /* again when the socket is readable */
    TLS_WANTS_WRITE,
    TLS_CLOSED, /* by the other end, in order */
    TLS_FAILED, /* tls_client_error says why */
};

/* A connection begins on this socket, which stays the caller's; the one before is forgotten. */
bool tls_client_begin(struct tls_client *tls, int fd, const char *host);
enum tls_result tls_client_handshake(struct tls_client *tls);
/* *written on TLS_DONE. After TLS_WANTS_… it must be given the same octets again. */
enum tls_result tls_client_write(struct tls_client *tls, const void *octets, size_t len,
                                 size_t *written);
/* Reads and forgets; TLS_WANTS_READ when there is no more. */
enum tls_result tls_client_drain(struct tls_client *tls);
/* Says goodbye, if that can be done at once. */
void tls_client_end(struct tls_client *tls);

const char *tls_client_error(const struct tls_client *tls);

#endif
