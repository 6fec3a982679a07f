/*
 * table: a hash table whose nodes are part of the objects in it; chained, of a fixed number of buckets.
 *
 * The caller hashes (hash.h, with a random key) and compares; several objects may have one hash.
 */
#ifndef SIPSPAN_BASE_TABLE_H
#define SIPSPAN_BASE_TABLE_H

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
};

/* As many buckets as objects are expected at most, rounded up to a power of two. 0 or -ENOMEM. */
int table_init(struct table *table, size_t capacity);
void table_fini(struct table *table);

void table_insert(struct table *table, struct table_node *node, uint64_t hash);
void table_remove(struct table *table, struct table_node *node);

/* The first object with this hash, and the next one after `node` with node's hash; NULL at the end. */
struct table_node *table_first(const struct table *table, uint64_t hash);
struct table_node *table_next(const struct table_node *node);

#endif
