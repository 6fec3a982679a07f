/*
 * dns_table: how look-ups are kept. Internal to dns_lookups (dns_lookups.c keeps them, dns_tie.c
 * finds those of a request).
 *
 * Those of one client about one name, services of it included ("_sip._udp.example.com" is about
 * "example.com"), are a chain under a 64-bit keyed hash that stands for client and name.
 */
#ifndef SIPSPAN_DNS_DNS_TABLE_H
#define SIPSPAN_DNS_DNS_TABLE_H

#include "base/hash.h"
#include "base/list.h"
#include "base/slab.h"
#include "base/table.h"
#include "dns/dns_lookups.h"

enum {
    DNS_NAME_KEPT = 128, /* longer ones are nobody's SIP domain */
    DNS_TRIES_KEPT = 4,
};

/* Times are modulo 2^64, and before the clock was set: see stepped_ns. */
struct dns_lookup {
    struct list in_order; /* of all, by the latest question */
    struct list in_chain; /* the same order */
    struct list in_wait;  /* nothing became of it so far; the same order */
    struct dns_chain *chain;
    uint64_t asked_ns, latest_ns;        /* the first and the latest question */
    uint64_t answered_ns;                /* if is_answered */
    uint64_t target[DNS_TARGETS_MAX];    /* hashes of the names that the answer leads to */
    uint64_t address[DNS_ADDRESSES_MAX]; /* hashes */
    uint32_t try[DNS_TRIES_KEPT]; /* hashes: what a response to one of the latest questions has */
    struct endpoint server;
    uint32_t tries;
    uint8_t type, rcode, targets, addresses;
    uint8_t targets_v4, targets_v6; /* as in dns_message.h */
    bool has_v4, has_v6;            /* of the addresses */
    bool is_answered, is_cut;
    bool is_counted; /* in the stats */
    char name[DNS_NAME_KEPT];
};

struct dns_chain {
    struct table_node node;
    struct list lookups; /* never empty */
};

/* A name server that was seen to respond. */
struct dns_server {
    struct table_node node;
    struct list in_order; /* by its latest response */
};

struct dns_lookups {
    struct table chains, servers;
    struct slab lookup_slab, chain_slab, server_slab;
    struct list order, waiting, server_order; /* the oldest first */
    struct hash_key key;
    uint64_t stepped_ns; /* by how much the clock was set; taken off every stamp */
    struct dns_lookups_stats stats;
};

static inline int64_t dns_since(uint64_t now_ns, uint64_t then_ns)
{
    return (int64_t)(now_ns - then_ns);
}

/* Of the name without the labels of a service. */
uint64_t dns_hash_name(const struct dns_lookups *lookups, struct slice name);
uint64_t dns_hash_ip(const struct dns_lookups *lookups, const struct ip_addr *ip);
/* NULL: there is none. */
struct dns_chain *dns_find_chain(const struct dns_lookups *lookups, const struct ip_addr *client,
                                 uint64_t name);
bool dns_was_heard(const struct dns_lookups *lookups, const struct ip_addr *server);

/* That there is no service of a kind is an answer, and a common one. */
static inline bool dns_is_failure(enum dns_type type, uint8_t rcode)
{
    return rcode != DNS_NOERROR && (type != DNS_TYPE_SRV || rcode != DNS_NXDOMAIN);
}

static inline bool dns_has_failed(const struct dns_lookup *lookup)
{
    return lookup->is_answered && dns_is_failure((enum dns_type)lookup->type, lookup->rcode);
}

#endif
