/*
 * timer_heap: deadlines on the packets' own clock, fired exactly in their order.
 *
 * A binary heap rather than a wheel: what is due is due to the nanosecond and comes in one order
 * (deadline, then the order of setting), so that the events of a capture do not depend on how fast
 * it is read. A few hundred thousand timers cost some 100 ns a change, and a call changes them a
 * handful of times.
 */
#ifndef SIPSPAN_BASE_TIMER_HEAP_H
#define SIPSPAN_BASE_TIMER_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Part of the object that waits. All zeroes: not set. */
struct timer {
    uint32_t position; /* in the heap, 1-based; 0: not set */
    uint8_t kind;      /* the owner's own */
};

struct timer_entry {
    int64_t deadline_ns;
    uint64_t order;
    struct timer *timer;
};

struct timer_heap {
    struct timer_entry *entry; /* 1-based */
    size_t count, capacity;
    uint64_t next_order;
};

/* 0 or -ENOMEM. capacity: timers set at once, fewer than 2^32; the memory is touched only as far as
 * it is used. */
int timer_heap_init(struct timer_heap *heap, size_t capacity);
void timer_heap_fini(struct timer_heap *heap);

/* Sets or moves a timer. The owner keeps the number of its timers within the capacity. */
void timer_heap_set(struct timer_heap *heap, struct timer *timer, int64_t deadline_ns);
/*
 * Sees to it that the timer fires at deadline_ns at the latest. One that is set to fire earlier
 * stays so: its owner looks then and sets it anew. Saves moving it with every packet.
 */
void timer_heap_set_by(struct timer_heap *heap, struct timer *timer, int64_t deadline_ns);
void timer_heap_cancel(struct timer_heap *heap, struct timer *timer); /* not set: nothing */

/* Moves every deadline by the same, as the clock was. */
void timer_heap_shift(struct timer_heap *heap, int64_t step_ns);

/* The first deadline; INT64_MAX: no timer is set. */
static inline int64_t timer_heap_due(const struct timer_heap *heap)
{
    return heap->count > 0 ? heap->entry[1].deadline_ns : INT64_MAX;
}

/* Takes out the first timer that is due at now_ns (deadline <= now); NULL if none is. */
struct timer *timer_heap_pop(struct timer_heap *heap, int64_t now_ns, int64_t *deadline_ns);

#endif
