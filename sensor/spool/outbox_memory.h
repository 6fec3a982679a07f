/*
 * outbox_memory: where an outbox lies: in this process's own memory, or by name in memory that
 * outlives it, locked, checked and with what is left of its records. Only for outbox.c.
 */
#ifndef SIPSPAN_SPOOL_OUTBOX_MEMORY_H
#define SIPSPAN_SPOOL_OUTBOX_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    OUTBOX_NAME_MAX = 128,
    OUTBOX_HEAD_BYTES = 4096, /* before the ring, a page */
    OUTBOX_LINE = 64,         /* of the cache */
};

/*
 * The beginning of the memory. Positions only grow; the octet of one is ring[position % bytes].
 * The putter alone moves `head`, once a record is whole, and the taker `tail`.
 */
struct outbox_ring {
    char magic[8];
    uint64_t bytes; /* of the ring, a power of two */
    char pad0[OUTBOX_LINE - 16];
    _Atomic uint64_t head;
    char pad1[OUTBOX_LINE - 8];
    _Atomic uint64_t tail;
    char pad2[OUTBOX_LINE - 8];
    _Atomic uint32_t taker_sleeps; /* or is about to: whoever puts wakes it */
};

/* Before each record; the next one follows at a multiple of 8. Never cut by the ring's end. */
struct outbox_head {
    uint32_t len; /* of the record; with OUTBOX_SKIP set: so many octets follow that are none */
    uint32_t sum; /* of len and the record, where the memory outlives the process */
};
#define OUTBOX_SKIP UINT32_C(0x80000000)

struct outbox_memory {
    struct outbox_ring *ring; /* NULL: not open */
    char *octets;             /* ring->bytes of them */
    size_t mapped;
    uint64_t damages;               /* of a leftover: times that octets were no record */
    int fd;                         /* of shared memory, which holds the lock; -1: own memory */
    char name[OUTBOX_NAME_MAX + 1]; /* of shared memory: "/sipspan-NAME" */
};

bool outbox_memory_create(struct outbox_memory *memory, size_t bytes);
/* As outbox_open; *recovered: records that are there. */
bool outbox_memory_open(struct outbox_memory *memory, const char *name, size_t bytes,
                        uint64_t *recovered, char *error, size_t len);
/* Nobody will open it again if it is empty. */
void outbox_memory_close(struct outbox_memory *memory);

uint32_t outbox_sum(uint32_t len); /* of a record's length; checksum() adds its octets */

static inline uint64_t outbox_padded(uint64_t len)
{
    return (len + 7) & ~UINT64_C(7);
}

#endif
