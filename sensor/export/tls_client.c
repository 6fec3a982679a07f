#include "export/tls_client.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "net/endpoint.h"

struct tls_client {
    SSL_CTX *context;
    SSL *connection; /* NULL: none */
    char error[256];
};

/* OpenSSL's reason for the latest failure of this thread. */
static const char *reason(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *text = code ? ERR_reason_error_string(code) : NULL;
    return text ? text : "TLS failed";
}

struct tls_client *tls_client_create(const char *ca_file, char *error, size_t len)
{
    struct tls_client *tls = calloc(1, sizeof *tls);
    ERR_clear_error();
    if (!tls || !(tls->context = SSL_CTX_new(TLS_client_method()))) {
        snprintf(error, len, "out of memory");
        free(tls);
        return NULL;
    }
    SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION);
    SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
    /* What was not written must be written again, from wherever it then lies. */
    SSL_CTX_set_mode(tls->context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    int is_loaded = ca_file ? SSL_CTX_load_verify_locations(tls->context, ca_file, NULL)
                            : SSL_CTX_set_default_verify_paths(tls->context);
    if (is_loaded != 1) {
        snprintf(error, len, "%s: no certificates can be read: %s",
                 ca_file ? ca_file : "the system's certificates", reason());
        tls_client_destroy(tls);
        return NULL;
    }
    return tls;
}

static void forget(struct tls_client *tls)
{
    SSL_free(tls->connection);
    tls->connection = NULL;
}

void tls_client_destroy(struct tls_client *tls)
{
    if (!tls)
        return;
    forget(tls);
    SSL_CTX_free(tls->context);
    free(tls);
}

/* Whom the certificate must name; a server of many names is told which one is meant. */
static bool set_host(SSL *connection, const char *host)
{
    char name[256]; /* OpenSSL's macro takes no const */
    struct ip_addr ip;
    if (ip_parse(slice_str(host), &ip))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(connection), host) == 1;
    snprintf(name, sizeof name, "%s", host);
    return SSL_set_tlsext_host_name(connection, name) == 1 && SSL_set1_host(connection, host) == 1;
}

bool tls_client_begin(struct tls_client *tls, int fd, const char *host)
{
    forget(tls);
    ERR_clear_error();
    tls->connection = SSL_new(tls->context);
    if (tls->connection && SSL_set_fd(tls->connection, fd) == 1 && set_host(tls->connection, host))
        return true;
    snprintf(tls->error, sizeof tls->error, "%s", reason());
    forget(tls);
    return false;
}

static enum tls_result fail(struct tls_client *tls, int code)
{
    long verified = SSL_get_verify_result(tls->connection);
    if (verified != X509_V_OK)
        snprintf(tls->error, sizeof tls->error, "its certificate is refused: %s",
                 X509_verify_cert_error_string(verified));
    else if (code == SSL_ERROR_SYSCALL && ERR_peek_last_error() == 0)
        snprintf(tls->error, sizeof tls->error, "%s",
                 errno != 0 ? strerror(errno) : "the connection was closed");
    else
        snprintf(tls->error, sizeof tls->error, "%s", reason());
    return TLS_FAILED;
}

static enum tls_result result_of(struct tls_client *tls, int returned)
{
    int code = SSL_get_error(tls->connection, returned);
    switch (code) {
    case SSL_ERROR_NONE:
        return TLS_DONE;
    case SSL_ERROR_WANT_READ:
        return TLS_WANTS_READ;
    case SSL_ERROR_WANT_WRITE:
        return TLS_WANTS_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_CLOSED;
    default:
        return fail(tls, code);
    }
}

enum tls_result tls_client_handshake(struct tls_client *tls)
{
    ERR_clear_error();
    errno = 0;
    return result_of(tls, SSL_connect(tls->connection));
}

enum tls_result tls_client_write(struct tls_client *tls, const void *octets, size_t len,
                                 size_t *written)
{
    ERR_clear_error();
    errno = 0;
    return result_of(tls, SSL_write_ex(tls->connection, octets, len, written));
}

enum tls_result tls_client_drain(struct tls_client *tls)
{
    char octets[512];
    size_t len;
    enum tls_result result;
    do {
        ERR_clear_error();
        errno = 0;
        result = result_of(tls, SSL_read_ex(tls->connection, octets, sizeof octets, &len));
    } while (result == TLS_DONE);
    return result;
}

void tls_client_end(struct tls_client *tls)
{
    ERR_clear_error();
    if (tls->connection && SSL_is_init_finished(tls->connection))
        (void)SSL_shutdown(tls->connection);
    forget(tls);
}

const char *tls_client_error(const struct tls_client *tls)
{
    return tls->error;
}
