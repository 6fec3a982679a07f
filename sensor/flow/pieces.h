/*
 * pieces: the octets of one datagram that have come, by their place in it, in blocks of a slab.
 * Internal to the folder. No two pieces hold the same octet.
 */
#ifndef SIPSPAN_FLOW_PIECES_H
#define SIPSPAN_FLOW_PIECES_H

#include <stdint.h>

#include "base/slab.h"
#include "base/slice.h"

enum { PIECES_BLOCK_BYTES = 512, PIECES_OCTETS_MAX = 65535 };

struct piece;

/* All zeroes: none has come. */
struct pieces {
    struct piece *head; /* the smallest offset first */
    uint32_t count;
    uint32_t octets;
};

/* Octets and where they belong. */
struct span {
    size_t offset;
    struct slice octets;
    bool truncated; /* more should follow than is there */
};

enum pieces_fit {
    PIECES_NEW,        /* some of it, or all, has not come yet, and the rest is the same */
    PIECES_REPEATED,   /* all of it is there */
    PIECES_CONTRADICTS /* other octets are there */
};

/* `strict`: an overlap that is no repeat of one whole piece contradicts, too. */
enum pieces_fit pieces_compare(const struct pieces *pieces, const struct span *span, bool strict);

/* The blocks that pieces_insert takes. */
size_t pieces_blocks(const struct pieces *pieces, const struct span *span);
/* What of a span is new; pieces_compare said PIECES_NEW, and the slab has the blocks. */
void pieces_insert(struct pieces *pieces, struct slab *slab, const struct span *span);
void pieces_free(struct pieces *pieces, struct slab *slab);

/* Are all octets there but those that truncated pieces lack? The last piece ends the datagram. */
bool pieces_are_whole(const struct pieces *pieces);
/* Copies the octets up to the first that is missing. *truncated: a truncated piece ends there. */
size_t pieces_copy(const struct pieces *pieces, char *to, bool *truncated);

#endif
