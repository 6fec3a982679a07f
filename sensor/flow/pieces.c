#include "flow/pieces.h"

struct block {
    struct block *next;
    char octets[PIECES_BLOCK_BYTES - sizeof(struct block *)];
};

struct piece {
    struct piece *next;
    struct block *more; /* what does not fit below */
    uint32_t offset;
    uint16_t len;
    bool truncated;
    char octets[PIECES_BLOCK_BYTES - 2 * sizeof(void *) - 8];
};

_Static_assert(sizeof(struct block) == PIECES_BLOCK_BYTES, "blocks and pieces share a slab");
_Static_assert(sizeof(struct piece) == PIECES_BLOCK_BYTES, "blocks and pieces share a slab");

enum {
    IN_PIECE = sizeof((struct piece *)0)->octets,
    IN_BLOCK = sizeof((struct block *)0)->octets,
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t end_of(const struct piece *piece)
{
    return (size_t)piece->offset + piece->len;
}

/* Goes over a piece's octets, run by run. */
struct walk {
    const struct block *next;
    size_t left;
    struct slice run;
};

static struct walk walk_begin(const struct piece *piece)
{
    struct walk walk = {.next = piece->more, .left = piece->len};
    walk.run = slice_of(piece->octets, smaller(walk.left, IN_PIECE));
    walk.left -= walk.run.len;
    return walk;
}

static void walk_on(struct walk *walk)
{
    walk->run = SLICE_NONE;
    if (!walk->next)
        return;
    walk->run = slice_of(walk->next->octets, smaller(walk->left, IN_BLOCK));
    walk->left -= walk->run.len;
    walk->next = walk->next->next;
}

/* Are these the piece's octets from `from` on, counted from its beginning? */
static bool has_octets(const struct piece *piece, size_t from, struct slice octets)
{
    struct walk walk = walk_begin(piece);
    for (; octets.len > 0; walk_on(&walk)) {
        if (from >= walk.run.len) {
            from -= walk.run.len;
            continue;
        }
        size_t common = smaller(walk.run.len - from, octets.len);
        if (memcmp(walk.run.at + from, octets.at, common) != 0)
            return false;
        octets = slice_skip(octets, common);
        from = 0;
    }
    return true;
}

enum pieces_fit pieces_compare(const struct pieces *pieces, const struct span *span, bool strict)
{
    size_t end = span->offset + span->octets.len, covered = 0;
    bool is_repeat = false;
    for (const struct piece *piece = pieces->head; piece; piece = piece->next) {
        bool is_same = piece->offset == span->offset &&
                       (piece->len == span->octets.len || piece->truncated || span->truncated);
        is_repeat |= is_same && (strict || piece->len >= span->octets.len);
        size_t from = larger(piece->offset, span->offset), to = smaller(end_of(piece), end);
        if (from >= to)
            continue;
        struct slice common = slice_head(slice_skip(span->octets, from - span->offset), to - from);
        if ((strict && !is_same) || !has_octets(piece, from - piece->offset, common))
            return PIECES_CONTRADICTS;
        covered += to - from;
    }
    if (is_repeat || (covered > 0 && covered == span->octets.len))
        return PIECES_REPEATED;
    return PIECES_NEW;
}

static size_t blocks_for(size_t len)
{
    return len <= IN_PIECE ? 1 : 1 + (len - IN_PIECE + IN_BLOCK - 1) / IN_BLOCK;
}

/* A part of a span that has not come; all zeroes: none was looked for. */
struct part {
    struct piece *before; /* the piece that it goes behind; NULL: to the beginning */
    size_t at, to;
    bool begun;
};

/* An empty span, of which nothing was captured, has one part. */
static bool next_part(const struct pieces *pieces, const struct span *span, struct part *part)
{
    size_t end = span->offset + span->octets.len;
    size_t at = part->begun ? part->to : span->offset;
    struct piece *piece = part->before ? part->before->next : pieces->head;
    for (; piece && piece->offset <= at; piece = piece->next) {
        at = larger(at, end_of(piece));
        part->before = piece;
    }
    if (span->octets.len == 0 ? part->begun || at > end : at >= end)
        return false;
    part->at = at;
    part->to = piece ? smaller(end, piece->offset) : end;
    part->begun = true;
    return true;
}

size_t pieces_blocks(const struct pieces *pieces, const struct span *span)
{
    size_t blocks = 0;
    for (struct part part = {0}; next_part(pieces, span, &part);)
        blocks += blocks_for(part.to - part.at);
    return blocks;
}

static struct piece *make_piece(struct slab *slab, const struct span *span)
{
    struct piece *piece = slab_alloc(slab);
    piece->offset = (uint32_t)span->offset;
    piece->len = (uint16_t)span->octets.len;
    piece->truncated = span->truncated;
    struct slice rest = span->octets;
    size_t run = smaller(rest.len, IN_PIECE);
    if (run > 0)
        memcpy(piece->octets, rest.at, run);
    struct block **link = &piece->more;
    for (rest = slice_skip(rest, run); rest.len > 0; rest = slice_skip(rest, run)) {
        struct block *block = slab_alloc(slab);
        run = smaller(rest.len, IN_BLOCK);
        memcpy(block->octets, rest.at, run);
        *link = block;
        link = &block->next;
    }
    *link = NULL;
    return piece;
}

void pieces_insert(struct pieces *pieces, struct slab *slab, const struct span *span)
{
    for (struct part part = {0}; next_part(pieces, span, &part);) {
        struct slice octets = slice_skip(span->octets, part.at - span->offset);
        struct piece *piece = make_piece(
            slab, &(struct span){part.at, slice_head(octets, part.to - part.at), span->truncated});
        struct piece **link = part.before ? &part.before->next : &pieces->head;
        piece->next = *link;
        *link = piece;
        pieces->count++;
        pieces->octets += piece->len;
    }
}

void pieces_free(struct pieces *pieces, struct slab *slab)
{
    for (struct piece *piece = pieces->head, *next; piece; piece = next) {
        next = piece->next;
        for (struct block *block = piece->more, *after; block; block = after) {
            after = block->next;
            slab_free(slab, block);
        }
        slab_free(slab, piece);
    }
    *pieces = (struct pieces){0};
}

bool pieces_are_whole(const struct pieces *pieces)
{
    const struct piece *piece = pieces->head;
    if (!piece || piece->offset > 0)
        return false;
    for (; piece->next; piece = piece->next)
        if (piece->next->offset != end_of(piece) && !piece->truncated)
            return false;
    return true;
}

size_t pieces_copy(const struct pieces *pieces, char *to, bool *truncated)
{
    size_t at = 0;
    *truncated = false;
    for (const struct piece *piece = pieces->head; piece && piece->offset == at;
         piece = piece->next) {
        for (struct walk walk = walk_begin(piece); walk.run.len > 0; walk_on(&walk)) {
            memcpy(to + at, walk.run.at, walk.run.len);
            at += walk.run.len;
        }
        *truncated = piece->truncated;
    }
    return at;
}
