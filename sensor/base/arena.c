#include "base/arena.h"

#include <errno.h>

struct arena_block {
    struct arena_block *next;
    uint16_t used, room;
    char text[];
};

enum {
    SMALL_ROOM = ARENA_SMALL_BYTES - offsetof(struct arena_block, text),
    LARGE_ROOM = ARENA_LARGE_BYTES - offsetof(struct arena_block, text),
};

_Static_assert((int)LARGE_ROOM >= (int)ARENA_STRING_MAX &&
                   (int)SMALL_ROOM >= (int)ARENA_SMALL_STRING_MAX,
               "every string has a block that it fits");

int arena_blocks_init(struct arena_blocks *blocks, size_t small, size_t large)
{
    *blocks = (struct arena_blocks){0};
    if (slab_init(&blocks->small, ARENA_SMALL_BYTES, small) ||
        slab_init(&blocks->large, ARENA_LARGE_BYTES, large)) {
        arena_blocks_fini(blocks);
        return -ENOMEM;
    }
    return 0;
}

void arena_blocks_fini(struct arena_blocks *blocks)
{
    slab_fini(&blocks->large);
    slab_fini(&blocks->small);
}

void arena_free(struct arena *arena, struct arena_blocks *blocks)
{
    while (arena->first) {
        struct arena_block *block = arena->first;
        arena->first = block->next;
        slab_free(block->room == SMALL_ROOM ? &blocks->small : &blocks->large, block);
    }
    arena->blocks = 0;
}

/* A block for a text that does not fit the first one. */
static struct arena_block *add_block(struct arena *arena, struct arena_blocks *blocks, size_t len)
{
    bool is_small = len <= ARENA_SMALL_STRING_MAX;
    struct arena_block *block = slab_alloc(is_small ? &blocks->small : &blocks->large);
    if (!block)
        return NULL;
    block->used = 0;
    block->room = is_small ? SMALL_ROOM : LARGE_ROOM;
    arena->blocks++;
    /* The one that is begun goes on being filled beside a large one. */
    struct arena_block **place = is_small || !arena->first ? &arena->first : &arena->first->next;
    block->next = *place;
    *place = block;
    return block;
}

static bool fits(const struct arena_block *block, struct slice text)
{
    return block && (size_t)block->room - block->used >= text.len;
}

bool arena_copy(struct arena *arena, struct arena_blocks *blocks, uint16_t max_blocks,
                struct slice text, struct slice *out)
{
    *out = SLICE_NONE;
    if (text.len == 0)
        return true;
    text = slice_head(text, ARENA_STRING_MAX);
    struct arena_block *block = arena->first;
    if (!fits(block, text) && blocks->large.used == blocks->large.capacity)
        text = slice_head(text, ARENA_SMALL_STRING_MAX);
    if (!fits(block, text) &&
        (arena->blocks >= max_blocks || !(block = add_block(arena, blocks, text.len))))
        return false;
    char *copy = block->text + block->used;
    memcpy(copy, text.at, text.len);
    block->used = (uint16_t)(block->used + text.len);
    *out = slice_of(copy, text.len);
    return true;
}
