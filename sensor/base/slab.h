/*
 * slab: objects of one size, at most so many, from one reserved piece of address space.
 *
 * The space is reserved at start and touched only as far as objects were ever in use at once, so a
 * large limit costs nothing until it is needed. Full means NULL: the owner evicts something and
 * tries again.
 */
#ifndef SIPSPAN_BASE_SLAB_H
#define SIPSPAN_BASE_SLAB_H

#include <stddef.h>
#include <stdint.h>

struct slab {
    uint8_t *base;
    void *free; /* singly linked through the first word of each free object */
    size_t object_bytes;
    size_t capacity;
    size_t touched; /* objects ever handed out */
    size_t used;
};

/* 0 or -ENOMEM. object_bytes is rounded up to a multiple of 16. */
int slab_init(struct slab *slab, size_t object_bytes, size_t capacity);
void slab_fini(struct slab *slab);
/* For one whose objects are looked at in any order, packet by packet: fewer pages to be found. It
 * then takes memory 2 MiB at a time. */
void slab_use_huge_pages(struct slab *slab);

/* Not cleared. NULL when all are in use. */
void *slab_alloc(struct slab *slab);
void slab_free(struct slab *slab, void *object); /* NULL does nothing */

#endif
