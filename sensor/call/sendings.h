/*
 * sendings: finds the INVITE transaction of a packet that is only known by its headers, as an ICMP
 * error quotes it. Internal to the folder.
 *
 * A hash table of fixed size; a bucket is one line of the processor's cache, and its oldest entry
 * gives way: a flood makes it forget sooner, nothing else. Keys are keyed hashes, of which an entry
 * keeps 32 bits beside its place: who asks checks what is found. An entry does not keep its
 * transaction: one that is gone is recognised by `born`. Thread: the correlator's.
 */
#ifndef SIPSPAN_CALL_SENDINGS_H
#define SIPSPAN_CALL_SENDINGS_H

#include "base/hash.h"
#include "base/slab.h"
#include "call/call.h"

struct sendings {
    struct hash_key key;
    struct sendings_bucket *bucket;
    size_t bucket_mask;
    const struct slab *transactions; /* of which every transaction is */
};

/* At most `bytes`, and never more than is of use. 0 or -ENOMEM. */
int sendings_init(struct sendings *sendings, uint64_t bytes, const struct slab *transactions);
void sendings_fini(struct sendings *sendings);

/* What is looked for is a hash of: */
struct sending_packet {
    struct endpoint src, dst;
    uint16_t udp_len; /* 0: a connection, of which the rest is not known either */
    uint16_t mark;    /* IP id, or the UDP checksum where there is no IP id */
    bool is_checksum;
};
uint64_t sendings_key(const struct sendings *sendings, const struct sending_packet *packet);

/* Brings the place of a key near that is about to be used. */
void sendings_prefetch(const struct sendings *sendings, uint64_t key);
/* Remembers that the transaction was seen under this key. */
void sendings_add(struct sendings *sendings, uint64_t key, const struct transaction *transaction,
                  int64_t now_ns);

/* Which sendings are meant: none older, none younger, to the millisecond, and what `fits` says of
 * their transactions. */
struct sendings_query {
    uint64_t key;
    bool at_any_time; /* the next two do not matter */
    int64_t from_ns, until_ns;
    bool (*fits)(const struct transaction *transaction, const void *context);
    const void *context;
};

/* The one transaction that is meant. NULL: none is, or more than one. */
struct transaction *sendings_find(const struct sendings *sendings,
                                  const struct sendings_query *query);
/* Is any? */
bool sendings_has(const struct sendings *sendings, const struct sendings_query *query);
void sendings_clock_step(struct sendings *sendings, int64_t step_ns);

#endif
