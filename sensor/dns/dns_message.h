/*
 * dns_message: what is needed of one DNS message (RFC 1035, RFC 2782, RFC 3403): its question, and
 * what it answers with. The only file that sees the C library's parser of DNS (arpa/nameser.h).
 *
 * Pure; every length is checked before it is read, and a name that points at itself ends. Names are
 * in lower case, without the last dot.
 */
#ifndef SIPSPAN_DNS_DNS_MESSAGE_H
#define SIPSPAN_DNS_DNS_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "net/endpoint.h"

enum {
    DNS_NAME_MAX = 256,    /* with the terminating NUL */
    DNS_ADDRESSES_MAX = 8, /* of one answer */
    DNS_TARGETS_MAX = 8,
};

enum dns_type { DNS_TYPE_OTHER, DNS_TYPE_A, DNS_TYPE_AAAA, DNS_TYPE_SRV, DNS_TYPE_NAPTR };

enum dns_rcode { DNS_NOERROR, DNS_NXDOMAIN = 3 }; /* those that are asked for by name here */

struct dns_message {
    uint16_t id;
    bool is_response;
    /* There is, or may be, more than stands below: TC (then it is asked for again over TCP), more
     * records than are kept here, or octets that are not there. */
    bool is_cut;
    uint8_t rcode;
    enum dns_type type;
    char name[DNS_NAME_MAX]; /* of the question */
    /* What the answer leads to: where SRV and NAPTR records point at, each name once. */
    char target[DNS_TARGETS_MAX][DNS_NAME_MAX];
    uint8_t targets;
    uint8_t targets_v4, targets_v6; /* a bit each: an address of target[i] is among those below */
    /* Of the A and AAAA records, and of additional ones that belong to a target. */
    struct ip_addr address[DNS_ADDRESSES_MAX];
    uint8_t addresses;
};

/* The question alone, and the header: the records are not looked at. As dns_message_read. */
bool dns_message_read_question(struct slice payload, struct dns_message *out);
/* False: it is no DNS message with one question of class IN; *out is not to be used. */
bool dns_message_read(struct slice payload, struct dns_message *out);

const char *dns_type_name(enum dns_type type); /* "SRV"; "other" */
const char *dns_rcode_name(uint8_t rcode);     /* "SERVFAIL", "NXDOMAIN"; "other" */

#endif
