#include "base/arena.h"

_Static_assert(sizeof(struct arena_block) == ARENA_BLOCK_BYTES,
               "a block is as large as its name says");

void arena_free(struct arena *arena, struct slab *blocks)
{
    while (arena->first) {
        struct arena_block *block = arena->first;
        arena->first = block->next;
        slab_free(blocks, block);
    }
    arena->blocks = 0;
}

bool arena_copy(struct arena *arena, struct slab *blocks, uint16_t max_blocks, struct slice text,
                struct slice *out)
{
    *out = SLICE_NONE;
    if (text.len == 0)
        return true;
    text = slice_head(text, ARENA_STRING_MAX);
    struct arena_block *block = arena->first;
    if (!block || sizeof block->text - block->used < text.len) {
        if (arena->blocks >= max_blocks || !(block = slab_alloc(blocks)))
            return false;
        block->next = arena->first;
        block->used = 0;
        arena->first = block;
        arena->blocks++;
    }
    char *copy = block->text + block->used;
    memcpy(copy, text.at, text.len);
    block->used += (uint32_t)text.len;
    *out = slice_of(copy, text.len);
    return true;
}
