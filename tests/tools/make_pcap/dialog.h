/*
 * dialog: what a scenario's calls and transactions are by now, so that a line only says what is
 * new.
 *
 * A request is made from its line, its call and, for a proxied copy, the request above it; a
 * response from the request that it answers. Everything is kept until dialogs_fini(): responses and
 * truth refer to it.
 */
#ifndef MAKE_PCAP_DIALOG_H
#define MAKE_PCAP_DIALOG_H

#include <stdbool.h>
#include <stdint.h>

#include "net/endpoint.h"
#include "spec.h"

struct host {
    char *name;
    struct endpoint at;
    struct spec defaults; /* for what it sends */
    uint16_t next_ip_id;
    bool hidden; /* what it sends is not mirrored */
};

/* One message, ready to be written; every string but via is set. */
struct message {
    const char *method; /* of a response: its CSeq's */
    int status;         /* 0: a request */
    const char *reason, *uri;
    const char *vias;                          /* values, top first, one a line */
    const char *from, *from_tag, *to, *to_tag; /* URIs; a tag may be NULL */
    const char *call_id;
    int64_t cseq;
    int64_t max_forwards;
    const char *contact;      /* NULL for none */
    const char *record_route; /* values, one a line; NULL for none */
    const char *body;         /* SDP; NULL for none */
    struct spec spec;         /* the rest: verbatim fields, spelling */
};

/* What of a transaction is in the capture, mirror copies left out. */
struct tally {
    uint64_t requests, responses, copies;
    int64_t first_ns, last_ns; /* of its requests */
    int64_t first_response_ns;
    int first_status, last_status; /* 0: none */
};

struct call {
    char *name;
    char *call_id;
    const struct host *caller, *callee; /* callee: who answered last, NULL until then */
    char *from, *from_tag, *to;
    char *to_tag;     /* of the newest response that had one, or NULL */
    int64_t cseq[2];  /* highest used by the caller, by anybody else */
    bool established; /* a 2xx to an INVITE was sent */
};

struct transaction {
    struct call *call;
    struct transaction *parent; /* the request above a proxied copy */
    const struct host *src, *dst, *writer;
    struct endpoint src_at; /* where it came from on the wire */
    char *label;
    uint64_t order;  /* newest: greatest */
    int last_status; /* of the responses sent, seen or not */
    bool rport;
    char *sent_by;
    struct message message;
    struct tally seen;
};

struct dialogs {
    const char *where; /* "file:line" of now, for what cannot be resolved */
    struct call **calls;
    struct transaction **transactions;
    unsigned call_count, transaction_count;
    uint64_t next_order;
    char **strings; /* everything that was made on the way */
    unsigned string_count;
};

void dialogs_fini(struct dialogs *d);

/* The ways in: both fill *out and return the transaction. What cannot be resolved ends the program.
 */
struct transaction *dialogs_request(struct dialogs *d, const struct spec *spec,
                                    const struct host *src, const struct host *dst,
                                    const struct host *as, const char *method, struct message *out);
struct transaction *dialogs_response(struct dialogs *d, const struct spec *spec,
                                     const struct host *src, const struct host *dst,
                                     const struct host *as, int status, struct message *out);

/* message.c: the octets on the wire. */
void message_write(const struct message *m, struct text *out);
/* sdp_text.c: an SDP body as spec says (sdp, codec, dir, ...), from a writer at this address. */
void message_write_sdp(const char *where, const struct spec *spec, const struct host *writer,
                       struct text *out);

#endif
