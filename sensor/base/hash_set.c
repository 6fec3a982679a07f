#include "base/hash_set.h"

#include <stdlib.h>

enum { FIRST_SLOTS = 1024 };

/* The slot that holds hash, or the free one where it belongs. */
static uint64_t *find_slot(uint64_t *slot, size_t slots, uint64_t hash)
{
    size_t at = hash & (slots - 1);
    while (slot[at] != 0 && slot[at] != hash)
        at = (at + 1) & (slots - 1);
    return &slot[at];
}

static bool grow(struct hash_set *set)
{
    size_t slots = set->slots ? 2 * set->slots : FIRST_SLOTS;
    uint64_t *slot = calloc(slots, sizeof *slot);
    if (!slot)
        return false;
    for (size_t i = 0; i < set->slots; i++)
        if (set->slot[i] != 0)
            *find_slot(slot, slots, set->slot[i]) = set->slot[i];
    free(set->slot);
    set->slot = slot;
    set->slots = slots;
    return true;
}

void hash_set_add(struct hash_set *set, uint64_t hash)
{
    hash += hash == 0; /* 0 marks a free slot */
    if (set->is_full || (set->slots > 0 && *find_slot(set->slot, set->slots, hash) == hash))
        return;
    if (set->count >= set->max || (2 * (set->count + 1) > set->slots && !grow(set))) {
        set->is_full = true;
        return;
    }
    *find_slot(set->slot, set->slots, hash) = hash;
    set->count++;
}

bool hash_set_has(const struct hash_set *set, uint64_t hash)
{
    hash += hash == 0;
    return set->slots > 0 && *find_slot(set->slot, set->slots, hash) == hash;
}

void hash_set_fini(struct hash_set *set)
{
    free(set->slot);
    *set = (struct hash_set){0};
}
