/*
 * table: a hash table whose nodes are part of the objects in it; chained.
 *
 * The caller hashes (hash.h, with a random key) and compares; several objects may have one hash,
 * and are found from the latest inserted to the first. The buckets double as objects come, so that
 * a table that could hold a million things but holds a thousand stays in the processor's cache.
 * When memory for more buckets is out, the chains grow instead.
 */
#ifndef SIPSPAN_BASE_TABLE_H
#define SIPSPAN_BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_node {
    struct table_node *next;
    uint64_t hash;
};

struct table {
    struct table_node **bucket;
    size_t mask;
    size_t count;
    bool is_dense; /* two objects a bucket, else one */
};

/* 0 or -ENOMEM. */
int table_init(struct table *table);
/* For one that packets do not look into: half the buckets. */
int table_init_dense(struct table *table);
void table_fini(struct table *table);

void table_insert(struct table *table, struct table_node *node, uint64_t hash);
void table_remove(struct table *table, struct table_node *node);

/* The next object after `node` with node's hash; NULL at the end. */
static inline struct table_node *table_next(const struct table_node *node)
{
    uint64_t hash = node->hash;
    struct table_node *next = node->next;
    while (next && next->hash != hash)
        next = next->next;
    return next;
}

/* The first object with this hash, or NULL. */
static inline struct table_node *table_first(const struct table *table, uint64_t hash)
{
    struct table_node *node = table->bucket[hash & table->mask];
    return !node || node->hash == hash ? node : table_next(&(struct table_node){node, hash});
}

#endif
