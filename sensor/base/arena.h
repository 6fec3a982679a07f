/*
 * arena: the copied strings of one long-lived object (a call), freed all at once with it.
 *
 * A text that is kept is told by a pointer alone: most objects have many.
 *
 * An arena is a chain of blocks from two slabs that all arenas share, so that memory cannot
 * fragment and has one limit: small ones, of which most objects need one, and large ones for what
 * fits no small one. Strings longer than a large block's room are cut; where no large block is
 * left, to a small one's: room is made for small blocks only, of which every arena in use has one.
 */
#ifndef SIPSPAN_BASE_ARENA_H
#define SIPSPAN_BASE_ARENA_H

#include <stdbool.h>

#include "base/slab.h"
#include "base/slice.h"

enum {
    ARENA_SMALL_BYTES = 192,
    ARENA_LARGE_BYTES = 512,
    ARENA_STRING_MAX = ARENA_LARGE_BYTES - 16,
    ARENA_SMALL_STRING_MAX = ARENA_SMALL_BYTES - 16,
};

struct arena_blocks {
    struct slab small, large;
};

/* How many of each. 0 or -ENOMEM. */
int arena_blocks_init(struct arena_blocks *blocks, size_t small, size_t large);
void arena_blocks_fini(struct arena_blocks *blocks);

/* An empty arena is all zeroes. */
struct arena {
    struct arena_block *first;
};

struct arena_text {
    uint8_t len[2]; /* the lower octet first */
    char at[];
};

/* NULL is an empty text. */
static inline struct slice arena_slice(const struct arena_text *text)
{
    return text ? slice_of(text->at, text->len[0] | (size_t)text->len[1] << 8) : SLICE_NONE;
}

unsigned arena_count(const struct arena *arena); /* its blocks */
void arena_free(struct arena *arena, struct arena_blocks *blocks);

/*
 * Copies text (at most ARENA_STRING_MAX octets of it) into the arena. False, and *out NULL, when
 * no small block is left or this arena has max_blocks already; the caller may make room
 * and try again.
 */
bool arena_copy(struct arena *arena, struct arena_blocks *blocks, uint16_t max_blocks,
                struct slice text, const struct arena_text **out);

#endif
