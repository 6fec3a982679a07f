/*
 * arena: the copied strings of one long-lived object (a call), freed all at once with it.
 *
 * An arena is a chain of blocks of one size from a slab that all arenas share, so that memory
 * cannot fragment and has one limit. Strings longer than a block's room are cut.
 */
#ifndef SIPSPAN_BASE_ARENA_H
#define SIPSPAN_BASE_ARENA_H

#include <stdbool.h>

#include "base/slab.h"
#include "base/slice.h"

enum { ARENA_BLOCK_BYTES = 512, ARENA_STRING_MAX = ARENA_BLOCK_BYTES - 16 };

struct arena_block {
    struct arena_block *next;
    uint32_t used;
    char text[ARENA_BLOCK_BYTES - 16];
};

struct arena {
    struct arena_block *first;
    uint16_t blocks;
};

/* An empty arena is all zeroes. */
void arena_free(struct arena *arena, struct slab *blocks);

/*
 * Copies text (at most ARENA_STRING_MAX octets of it) into the arena. False, and *out empty, when
 * no block is left in the slab or this arena has max_blocks already; the caller may make room and
 * try again.
 */
bool arena_copy(struct arena *arena, struct slab *blocks, uint16_t max_blocks, struct slice text,
                struct slice *out);

#endif
