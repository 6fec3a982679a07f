/*
 * hep_link: a way to one HEP server, over UDP, TCP or TLS: its name, looked up anew for each
 * connection, the connection, and octets on it. Nothing blocks but the look-up of a name. Internal
 * to the folder; one thread.
 */
#ifndef SIPSPAN_EXPORT_HEP_LINK_H
#define SIPSPAN_EXPORT_HEP_LINK_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "export/tls_client.h"

enum hep_transport { HEP_OVER_UDP, HEP_OVER_TCP, HEP_OVER_TLS };

enum hep_link_state { HEP_LINK_DOWN, HEP_LINK_CONNECTING, HEP_LINK_HANDSHAKE, HEP_LINK_UP };

struct hep_link {
    enum hep_transport transport;
    enum hep_link_state state;
    char host[256], port[6];
    int fd;
    struct addrinfo *addresses, *address; /* of the name; the one that is tried */
    struct tls_client *tls;
    short wants; /* what poll should wait for */
    int64_t deadline_ms;
    char error[320]; /* why it is down */
};

/* "udp:HOST:PORT" and the like, see hep_sender.h. False, and error filled. */
bool hep_link_init(struct hep_link *link, const char *to, const char *ca_file, char *error,
                   size_t len);
void hep_link_fini(struct hep_link *link);

/* One that is down begins; one on its way goes on. now_ms: a clock that only goes on. */
void hep_link_advance(struct hep_link *link, int64_t now_ms);
/* Down, with what `error` says. */
void hep_link_close(struct hep_link *link);

/* Octets that went, 0 when none go now; negative: it is down. TCP and TLS. */
ssize_t hep_link_write(struct hep_link *link, const void *octets, size_t len);
/* Datagrams that went, or -errno; it stays as it is. UDP. */
int hep_link_send(struct hep_link *link, struct mmsghdr *datagram, unsigned count);
/* Reads and forgets. Where the other end closed it, it is down then; of UDP: 0, or -errno of what
 * was refused, and it stays as it is. */
int hep_link_drain(struct hep_link *link);

#endif
