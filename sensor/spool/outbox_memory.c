#include "spool/outbox_memory.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/checksum.h"

static const char ring_magic[8] = "sipsout1";

#define RING_BYTES_MIN (UINT64_C(1) << 12)
#define RING_BYTES_MAX (UINT64_C(1) << 31)

uint32_t outbox_sum(uint32_t len)
{
    return checksum(0, &len, sizeof len);
}

static uint64_t ring_bytes_for(size_t bytes)
{
    uint64_t ring = RING_BYTES_MIN;
    while (ring < bytes && ring < RING_BYTES_MAX)
        ring *= 2;
    return ring;
}

static bool map(struct outbox_memory *memory, uint64_t bytes, int flags)
{
    size_t mapped = OUTBOX_HEAD_BYTES + (size_t)bytes;
    void *at = mmap(NULL, mapped, PROT_READ | PROT_WRITE, flags, memory->fd, 0);
    if (at == MAP_FAILED)
        return false;
    memory->ring = at;
    memory->octets = (char *)at + OUTBOX_HEAD_BYTES;
    memory->mapped = mapped;
    return true;
}

static void unmap(struct outbox_memory *memory)
{
    if (memory->ring)
        munmap(memory->ring, memory->mapped);
    memory->ring = NULL;
}

/* The magic comes last: without it the rest may be half made. */
static void begin_ring(struct outbox_ring *ring, uint64_t bytes)
{
    ring->bytes = bytes;
    atomic_store(&ring->head, 0);
    atomic_store(&ring->tail, 0);
    atomic_store(&ring->taker_sleeps, 1);
    atomic_thread_fence(memory_order_release);
    memcpy(ring->magic, ring_magic, sizeof ring->magic);
}

bool outbox_memory_create(struct outbox_memory *memory, size_t bytes)
{
    uint64_t ring = ring_bytes_for(bytes);
    *memory = (struct outbox_memory){.fd = -1};
    if (!map(memory, ring, MAP_PRIVATE | MAP_ANONYMOUS))
        return false;
    begin_ring(memory->ring, ring);
    return true;
}

/*
 * Goes through what a process before this one left. What is no record is made to be skipped, or,
 * where even its length cannot be, the end. Returns the number of records; *damaged: octets that
 * are lost.
 */
static uint64_t recover_records(struct outbox_memory *memory, uint64_t *damaged)
{
    struct outbox_ring *ring = memory->ring;
    uint64_t at = atomic_load(&ring->tail), end = atomic_load(&ring->head), records = 0;
    uint64_t last_end = at;
    *damaged = 0;
    while (at < end) {
        uint64_t offset = at & (ring->bytes - 1);
        uint64_t room = end - at < ring->bytes - offset ? end - at : ring->bytes - offset;
        struct outbox_head *head = (struct outbox_head *)(void *)(memory->octets + offset);
        uint64_t len = head->len & ~OUTBOX_SKIP, whole = sizeof *head + outbox_padded(len);
        if (whole > room) {
            *damaged += end - at;
            memory->damages++;
            break;
        }
        at += whole;
        if (head->len & OUTBOX_SKIP)
            continue;
        if (checksum(outbox_sum(head->len), head + 1, len) == head->sum) {
            records++;
            last_end = at;
        } else {
            *damaged += len;
            memory->damages++;
            head->len = (uint32_t)outbox_padded(len) | OUTBOX_SKIP;
        }
    }
    atomic_store(&ring->head, last_end);
    return records;
}

static bool is_ring(const struct outbox_memory *memory)
{
    const struct outbox_ring *ring = memory->ring;
    uint64_t bytes = memory->mapped - OUTBOX_HEAD_BYTES;
    uint64_t head = atomic_load(&ring->head), tail = atomic_load(&ring->tail);
    return memcmp(ring->magic, ring_magic, sizeof ring_magic) == 0 && ring->bytes == bytes &&
           (bytes & (bytes - 1)) == 0 && tail <= head && head - tail <= bytes && head % 8 == 0 &&
           tail % 8 == 0;
}

/* Is anything written in it? What is not was killed before it began. */
static bool is_blank(const struct outbox_ring *ring)
{
    static const char none[sizeof ring->magic];
    return memcmp(ring->magic, none, sizeof none) == 0;
}

/* True: there are records, and it stays as it is. Otherwise it is not mapped. */
static bool take_leftover(struct outbox_memory *memory, off_t size, uint64_t *recovered,
                          char *error, size_t len)
{
    uint64_t bytes = (uint64_t)size - OUTBOX_HEAD_BYTES, damaged = 0;
    *recovered = 0;
    if (size == 0)
        return false;
    if (size < OUTBOX_HEAD_BYTES || bytes < RING_BYTES_MIN || bytes > RING_BYTES_MAX ||
        posix_fallocate(memory->fd, 0, size) != 0 || !map(memory, bytes, MAP_SHARED)) {
        snprintf(error, len, "%s: a leftover of another format is begun anew", memory->name);
        memory->damages++;
        return false;
    }
    if (is_ring(memory)) {
        *recovered = recover_records(memory, &damaged);
        if (damaged > 0)
            snprintf(error, len, "%s: %llu octets of a leftover were damaged, and are lost",
                     memory->name, (unsigned long long)damaged);
        if (*recovered > 0) {
            atomic_store(&memory->ring->taker_sleeps, 1);
            return true;
        }
    } else if (!is_blank(memory->ring)) {
        snprintf(error, len, "%s: a leftover of another format, or damaged, is begun anew",
                 memory->name);
        memory->damages++;
    }
    unmap(memory);
    return false;
}

static bool has_good_name(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > OUTBOX_NAME_MAX - sizeof "/sipspan-")
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("._-", name[i]))
            return false;
    return true;
}

/* Opens and locks; a name that its last owner removed meanwhile is made again. 0 or errno. */
static int open_locked(struct outbox_memory *memory, struct stat *st)
{
    for (int attempt = 0; attempt < 100; attempt++) {
        memory->fd = shm_open(memory->name, O_RDWR | O_CREAT, 0600);
        if (memory->fd < 0)
            return errno;
        if (flock(memory->fd, LOCK_EX | LOCK_NB) != 0 || fstat(memory->fd, st) != 0) {
            int error = errno;
            close(memory->fd);
            return error;
        }
        if (st->st_nlink > 0)
            return 0;
        close(memory->fd);
    }
    return EBUSY;
}

static bool fail(struct outbox_memory *memory, char *error, size_t len, const char *why)
{
    snprintf(error, len, "%s in /dev/shm: %s", memory->name + 1, why);
    unmap(memory);
    if (memory->fd >= 0)
        close(memory->fd);
    memory->fd = -1;
    return false;
}

bool outbox_memory_open(struct outbox_memory *memory, const char *name, size_t bytes,
                        uint64_t *recovered, char *error, size_t len)
{
    struct stat st = {.st_nlink = 0};
    uint64_t ring = ring_bytes_for(bytes);
    *memory = (struct outbox_memory){.fd = -1};
    error[0] = 0;
    if (!has_good_name(name)) {
        snprintf(error, len, "outbox \"%s\": a name has letters, digits, '.', '-' and '_'", name);
        return false;
    }
    snprintf(memory->name, sizeof memory->name, "/sipspan-%s", name);
    int failure = open_locked(memory, &st);
    if (failure != 0) {
        memory->fd = -1;
        return fail(memory, error, len,
                    failure == EWOULDBLOCK ? "another process uses it" : strerror(failure));
    }
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid())
        return fail(memory, error, len, "it belongs to another user; remove it");
    if ((st.st_mode & 077) != 0 && fchmod(memory->fd, 0600) != 0)
        return fail(memory, error, len, strerror(errno));
    if (take_leftover(memory, st.st_size, recovered, error, len))
        return true;
    /* All of it is asked for now, so that no write is answered with SIGBUS later. */
    off_t size = (off_t)(OUTBOX_HEAD_BYTES + ring);
    if (ftruncate(memory->fd, 0) != 0)
        return fail(memory, error, len, strerror(errno));
    failure = posix_fallocate(memory->fd, 0, size);
    if (failure != 0 || !map(memory, ring, MAP_SHARED)) {
        failure = failure ? failure : errno;
        shm_unlink(memory->name);
        return fail(memory, error, len, strerror(failure));
    }
    begin_ring(memory->ring, ring);
    return true;
}

void outbox_memory_close(struct outbox_memory *memory)
{
    bool is_empty =
        memory->ring && atomic_load(&memory->ring->head) == atomic_load(&memory->ring->tail);
    unmap(memory);
    if (memory->fd < 0)
        return;
    /* Who is another user by now cannot remove the name, but give the memory back. */
    int rc = is_empty && shm_unlink(memory->name) != 0 ? ftruncate(memory->fd, 0) : 0;
    (void)rc;
    close(memory->fd);
    memory->fd = -1;
}
