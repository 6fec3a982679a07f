#include "base/timer_heap.h"

#include <errno.h>
#include <stdlib.h>

int timer_heap_init(struct timer_heap *heap, size_t capacity)
{
    *heap = (struct timer_heap){.capacity = capacity};
    if (capacity < UINT32_MAX)
        heap->entry = calloc(capacity + 1, sizeof *heap->entry);
    return heap->entry ? 0 : -ENOMEM;
}

void timer_heap_fini(struct timer_heap *heap)
{
    free(heap->entry);
    *heap = (struct timer_heap){0};
}

static bool is_before(const struct timer_entry *a, const struct timer_entry *b)
{
    return a->deadline_ns != b->deadline_ns ? a->deadline_ns < b->deadline_ns : a->order < b->order;
}

static void put(struct timer_heap *heap, size_t at, struct timer_entry entry)
{
    heap->entry[at] = entry;
    entry.timer->position = (uint32_t)at;
}

static void sift_up(struct timer_heap *heap, size_t at, struct timer_entry entry)
{
    for (; at > 1 && is_before(&entry, &heap->entry[at / 2]); at /= 2)
        put(heap, at, heap->entry[at / 2]);
    put(heap, at, entry);
}

static void sift_down(struct timer_heap *heap, size_t at, struct timer_entry entry)
{
    for (size_t child; (child = 2 * at) <= heap->count; at = child) {
        if (child < heap->count && is_before(&heap->entry[child + 1], &heap->entry[child]))
            child++;
        if (!is_before(&heap->entry[child], &entry))
            break;
        put(heap, at, heap->entry[child]);
    }
    put(heap, at, entry);
}

static void place(struct timer_heap *heap, size_t at, struct timer_entry entry)
{
    if (at > 1 && is_before(&entry, &heap->entry[at / 2]))
        sift_up(heap, at, entry);
    else
        sift_down(heap, at, entry);
}

void timer_heap_set(struct timer_heap *heap, struct timer *timer, int64_t deadline_ns)
{
    size_t at = timer->position;
    if (at == 0) {
        if (heap->count == heap->capacity)
            abort(); /* the owner's slabs are smaller than the heap it made for them */
        at = ++heap->count;
    }
    place(heap, at, (struct timer_entry){deadline_ns, heap->next_order++, timer});
}

void timer_heap_set_by(struct timer_heap *heap, struct timer *timer, int64_t deadline_ns)
{
    if (timer->position == 0 || heap->entry[timer->position].deadline_ns > deadline_ns)
        timer_heap_set(heap, timer, deadline_ns);
}

void timer_heap_cancel(struct timer_heap *heap, struct timer *timer)
{
    size_t at = timer->position;
    if (at == 0)
        return;
    timer->position = 0;
    struct timer_entry last = heap->entry[heap->count--];
    if (last.timer != timer)
        place(heap, at, last);
}

void timer_heap_shift(struct timer_heap *heap, int64_t step_ns)
{
    for (size_t i = 1; i <= heap->count; i++) {
        int64_t *deadline_ns = &heap->entry[i].deadline_ns;
        if (__builtin_add_overflow(*deadline_ns, step_ns, deadline_ns))
            *deadline_ns = step_ns < 0 ? INT64_MIN : INT64_MAX;
    }
}

struct timer *timer_heap_pop(struct timer_heap *heap, int64_t now_ns, int64_t *deadline_ns)
{
    if (heap->count == 0 || heap->entry[1].deadline_ns > now_ns)
        return NULL;
    struct timer *timer = heap->entry[1].timer;
    *deadline_ns = heap->entry[1].deadline_ns;
    timer_heap_cancel(heap, timer);
    return timer;
}
