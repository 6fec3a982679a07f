#include "spool/outbox.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "spool/checksum.h"
#include "spool/outbox_memory.h"

/*
 * What the putter writes and what the taker writes lie in different lines of the cache, and each
 * looks at the other's position only when its last view of it is used up.
 */
struct outbox {
    struct outbox_memory memory;
    int event_fd;
    uint64_t recovered;
    char pad0[OUTBOX_LINE];
    uint64_t tail_seen; /* the putter's */
    _Atomic uint64_t put, refused;
    char pad1[OUTBOX_LINE];
    uint64_t head_seen; /* the taker's */
};

static struct outbox *outbox_new(void)
{
    struct outbox *outbox = calloc(1, sizeof *outbox);
    if (!outbox)
        return NULL;
    outbox->memory.fd = -1;
    outbox->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (outbox->event_fd < 0) {
        free(outbox);
        return NULL;
    }
    return outbox;
}

struct outbox *outbox_create(size_t bytes)
{
    struct outbox *outbox = outbox_new();
    if (outbox && !outbox_memory_create(&outbox->memory, bytes)) {
        outbox_close(outbox);
        return NULL;
    }
    return outbox;
}

struct outbox *outbox_open(const char *name, size_t bytes, char *error, size_t len)
{
    struct outbox *outbox = outbox_new();
    if (!outbox) {
        snprintf(error, len, "outbox %s: %s", name, strerror(errno));
        return NULL;
    }
    if (!outbox_memory_open(&outbox->memory, name, bytes, &outbox->recovered, error, len)) {
        outbox_close(outbox);
        return NULL;
    }
    outbox->tail_seen = atomic_load(&outbox->memory.ring->tail);
    outbox->head_seen = outbox->tail_seen;
    return outbox;
}

void outbox_close(struct outbox *outbox)
{
    if (!outbox)
        return;
    outbox_memory_close(&outbox->memory);
    close(outbox->event_fd);
    free(outbox);
}

static inline struct outbox_head *head_at(const struct outbox *outbox, uint64_t at)
{
    const struct outbox_memory *memory = &outbox->memory;
    return (struct outbox_head *)(void *)(memory->octets + (at & (memory->ring->bytes - 1)));
}

/* How much the descriptor's count grows by a record, and by outbox_wake. */
#define RECORD_CAME UINT64_C(1)
#define WAKE        (UINT64_C(1) << 32)

static void signal_taker(struct outbox *outbox, uint64_t what)
{
    /* It fails only when the count is full, and then it is readable. */
    ssize_t written = write(outbox->event_fd, &what, sizeof what);
    (void)written;
}

void outbox_wake(struct outbox *outbox)
{
    signal_taker(outbox, WAKE);
}

/* Puts the record's octets and its head at a place that has room. */
static void write_record(struct outbox *outbox, uint64_t at, uint32_t len, const struct slice *part,
                         size_t parts)
{
    struct outbox_head *head = head_at(outbox, at);
    char *to = (char *)(head + 1);
    head->len = len;
    for (size_t i = 0; i < parts; i++) {
        if (part[i].len > 0)
            memcpy(to, part[i].at, part[i].len);
        to += part[i].len;
    }
    if (outbox->memory.fd >= 0)
        head->sum = checksum(outbox_sum(len), head + 1, len);
}

static void count_one(_Atomic uint64_t *counter) /* which one thread alone writes */
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

bool outbox_put(struct outbox *outbox, const struct slice *part, size_t parts)
{
    struct outbox_ring *ring = outbox->memory.ring;
    uint64_t len = 0;
    for (size_t i = 0; i < parts; i++)
        len += part[i].len;
    uint64_t at = atomic_load_explicit(&ring->head, memory_order_relaxed);
    uint64_t to_end = ring->bytes - (at & (ring->bytes - 1));
    uint64_t need = sizeof(struct outbox_head) + outbox_padded(len);
    uint64_t skip = need > to_end ? to_end : 0;
    if (at + skip + need - outbox->tail_seen > ring->bytes)
        outbox->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
    if (len > ring->bytes / 4 || at + skip + need - outbox->tail_seen > ring->bytes) {
        count_one(&outbox->refused);
        return false;
    }
    if (skip > 0)
        head_at(outbox, at)->len = (uint32_t)(skip - sizeof(struct outbox_head)) | OUTBOX_SKIP;
    write_record(outbox, at + skip, (uint32_t)len, part, parts);
    count_one(&outbox->put);
    /* In one order with what a taker that goes to sleep does: it sees the record, or is seen. */
    atomic_store(&ring->head, at + skip + need);
    if (atomic_load(&ring->taker_sleeps) && atomic_exchange(&ring->taker_sleeps, 0))
        signal_taker(outbox, RECORD_CAME);
    return true;
}

/* The record at *at, or the next one, and on to what follows it. */
static bool next_record(struct outbox *outbox, uint64_t *at, struct slice *record)
{
    struct outbox_ring *ring = outbox->memory.ring;
    for (;;) {
        if (*at == outbox->head_seen)
            outbox->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
        if (*at == outbox->head_seen)
            return false;
        const struct outbox_head *head = head_at(outbox, *at);
        uint32_t len = head->len & ~OUTBOX_SKIP;
        *at += sizeof *head + outbox_padded(len);
        if (!(head->len & OUTBOX_SKIP)) {
            *record = slice_of((const char *)(head + 1), len);
            return true;
        }
    }
}

bool outbox_peek_on(struct outbox *outbox, uint64_t *at, struct slice *record)
{
    uint64_t tail = atomic_load_explicit(&outbox->memory.ring->tail, memory_order_relaxed);
    uint64_t position = tail + *at;
    bool is_there = next_record(outbox, &position, record);
    *at = position - tail;
    return is_there;
}

bool outbox_peek(struct outbox *outbox, struct slice *record)
{
    uint64_t at = 0;
    return outbox_peek_on(outbox, &at, record);
}

void outbox_take(struct outbox *outbox, unsigned records)
{
    struct outbox_ring *ring = outbox->memory.ring;
    uint64_t at = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    struct slice record;
    while (records-- > 0 && next_record(outbox, &at, &record))
        continue;
    atomic_store_explicit(&ring->tail, at, memory_order_release);
}

static bool has_record(struct outbox *outbox)
{
    struct slice record;
    return outbox_peek(outbox, &record);
}

/* True: outbox_wake was among what made the descriptor readable, which it is no longer. */
static bool take_wakes(struct outbox *outbox)
{
    uint64_t wakes = 0;
    return read(outbox->event_fd, &wakes, sizeof wakes) > 0 && wakes >= WAKE;
}

static int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

/*
 * A putter may signal late, for a record that was taken already: then it sleeps on. A time below 0
 * has no end.
 */
bool outbox_wait(struct outbox *outbox, int timeout_ms)
{
    struct pollfd pollfd = {.fd = outbox->event_fd, .events = POLLIN};
    if (has_record(outbox))
        return true;
    for (int64_t left_ms = timeout_ms, began_ms = now_ms();;) {
        /* The flag first, then a look, both in the one order: see outbox_put. */
        atomic_store(&outbox->memory.ring->taker_sleeps, 1);
        bool is_woken = take_wakes(outbox);
        if (atomic_load(&outbox->memory.ring->head) != outbox->head_seen || is_woken ||
            left_ms == 0)
            return has_record(outbox);
        poll(&pollfd, 1, (int)left_ms);
        if (timeout_ms > 0) {
            left_ms = began_ms + timeout_ms - now_ms();
            left_ms = left_ms > 0 ? left_ms : 0;
        }
    }
}

int outbox_fd(struct outbox *outbox)
{
    return outbox->event_fd;
}

bool outbox_is_shared(const struct outbox *outbox)
{
    return outbox->memory.fd >= 0;
}

void outbox_stats(const struct outbox *outbox, struct outbox_stats *out)
{
    struct outbox_ring *ring = outbox->memory.ring;
    uint64_t tail = atomic_load(&ring->tail); /* first: it never passes the other */
    out->queued_bytes = atomic_load(&ring->head) - tail;
    out->put = atomic_load_explicit(&outbox->put, memory_order_relaxed);
    out->refused = atomic_load_explicit(&outbox->refused, memory_order_relaxed);
    out->recovered = outbox->recovered;
    out->damages = outbox->memory.damages;
}
