/*
 * hash_set: how many different things there were, by their 64-bit hashes. Exact up to its limit,
 * then it stops growing and says so. An empty set, all zeroes but its limit, takes no memory.
 */
#ifndef SIPSPAN_BASE_HASH_SET_H
#define SIPSPAN_BASE_HASH_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hash_set {
    uint64_t *slot; /* open addressing; 0 is free */
    size_t slots, count;
    size_t max;   /* set by the owner */
    bool is_full; /* there may be more than count */
};

void hash_set_add(struct hash_set *set, uint64_t hash);
bool hash_set_has(const struct hash_set *set, uint64_t hash);
void hash_set_fini(struct hash_set *set);

#endif
