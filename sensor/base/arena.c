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
    TEXT_BYTES = offsetof(struct arena_text, at), /* besides its octets */
};

_Static_assert(LARGE_ROOM >= TEXT_BYTES + (int)ARENA_STRING_MAX &&
                   SMALL_ROOM >= TEXT_BYTES + (int)ARENA_SMALL_STRING_MAX,
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
}

unsigned arena_count(const struct arena *arena)
{
    unsigned count = 0;
    for (const struct arena_block *block = arena->first; block; block = block->next)
        count++;
    return count;
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
    /* The one that is begun goes on being filled beside a large one. */
    struct arena_block **place = is_small || !arena->first ? &arena->first : &arena->first->next;
    block->next = *place;
    *place = block;
    return block;
}

static bool fits(const struct arena_block *block, struct slice text)
{
    return block && (size_t)block->room - block->used >= TEXT_BYTES + text.len;
}

bool arena_copy(struct arena *arena, struct arena_blocks *blocks, uint16_t max_blocks,
                struct slice text, const struct arena_text **out)
{
    *out = NULL;
    if (text.len == 0)
        return true;
    text = slice_head(text, ARENA_STRING_MAX);
    struct arena_block *block = arena->first;
    if (!fits(block, text) && blocks->large.used == blocks->large.capacity)
        text = slice_head(text, ARENA_SMALL_STRING_MAX);
    if (!fits(block, text) &&
        (arena_count(arena) >= max_blocks || !(block = add_block(arena, blocks, text.len))))
        return false;
    struct arena_text *copy = (struct arena_text *)(block->text + block->used);
    copy->len[0] = (uint8_t)text.len;
    copy->len[1] = (uint8_t)(text.len >> 8);
    memcpy(copy->at, text.at, text.len);
    block->used = (uint16_t)(block->used + TEXT_BYTES + text.len);
    *out = copy;
    return true;
}
