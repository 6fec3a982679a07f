#include "base/slab.h"

#include <errno.h>
#include <sys/mman.h>

int slab_init(struct slab *slab, size_t object_bytes, size_t capacity)
{
    object_bytes = (object_bytes + 15) / 16 * 16;
    *slab = (struct slab){.object_bytes = object_bytes, .capacity = capacity};
    void *base = mmap(NULL, object_bytes * capacity, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return -ENOMEM;
    slab->base = base;
    return 0;
}

void slab_fini(struct slab *slab)
{
    if (slab->base)
        munmap(slab->base, slab->object_bytes * slab->capacity);
    *slab = (struct slab){0};
}

void slab_use_huge_pages(struct slab *slab)
{
    /* Where the kernel has none, it is only slower. */
    (void)madvise(slab->base, slab->object_bytes * slab->capacity, MADV_HUGEPAGE);
}

void *slab_alloc(struct slab *slab)
{
    void *object = slab->free;
    if (object)
        slab->free = *(void **)object;
    else if (slab->touched < slab->capacity)
        object = slab->base + slab->object_bytes * slab->touched++;
    else
        return NULL;
    slab->used++;
    return object;
}

void slab_free(struct slab *slab, void *object)
{
    if (!object)
        return;
    *(void **)object = slab->free;
    slab->free = object;
    slab->used--;
}
