/* The ring between two threads: in order, whole, never waiting; and what a killed process left. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "spool/outbox.h"
#include "spool/outbox_memory.h"

enum { RING = 1 << 16 };

static char name[64], shm_name[80], error[256];

static int set_up(void **state)
{
    (void)state;
    snprintf(name, sizeof name, "unit-%d", (int)getpid());
    snprintf(shm_name, sizeof shm_name, "/sipspan-%s", name);
    shm_unlink(shm_name);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    shm_unlink(shm_name);
    return 0;
}

static struct outbox *open_named(void)
{
    struct outbox *outbox = outbox_open(name, RING, error, sizeof error);
    if (!outbox)
        fail_msg("%s", error);
    return outbox;
}

static bool put_text(struct outbox *outbox, const char *text)
{
    struct slice part = slice_str(text);
    return outbox_put(outbox, &part, 1);
}

static void assert_peek(struct outbox *outbox, const char *text)
{
    struct slice record;
    if (!outbox_peek(outbox, &record) || !slice_eq(record, slice_str(text)))
        fail_msg("the oldest record is not \"%s\"", text);
}

/* A record that tells its number, as long as the number wants it. */
static size_t make_record(uint32_t number, char *to)
{
    size_t len = 4 + number * UINT32_C(2654435761) % 1500;
    memcpy(to, &number, 4);
    for (size_t i = 4; i < len; i++)
        to[i] = (char)(number + i);
    return len;
}

static bool put_number(struct outbox *outbox, uint32_t number)
{
    char octets[2048];
    size_t len = make_record(number, octets), cut = len / 3;
    struct slice part[] = {slice_of(octets, cut), SLICE_NONE, slice_of(octets + cut, len - cut)};
    return outbox_put(outbox, part, 3);
}

static void assert_number(struct slice record, uint32_t number)
{
    char octets[2048];
    size_t len = make_record(number, octets);
    if (!slice_eq(record, slice_of(octets, len)))
        fail_msg("record %u is not what was put", number);
    assert_int_equal((uintptr_t)record.at % 8, 0);
}

static void test_in_order(void **state)
{
    struct outbox *outbox = outbox_create(RING);
    struct slice record;
    uint64_t at = 0;
    (void)state;
    assert_false(outbox_peek(outbox, &record));
    assert_true(put_text(outbox, "one"));
    assert_true(put_text(outbox, ""));
    assert_true(put_text(outbox, "three"));
    assert_peek(outbox, "one");
    assert_true(outbox_peek_on(outbox, &at, &record) && slice_eq(record, SLICE("one")));
    assert_true(outbox_peek_on(outbox, &at, &record) && record.len == 0);
    assert_true(outbox_peek_on(outbox, &at, &record) && slice_eq(record, SLICE("three")));
    assert_false(outbox_peek_on(outbox, &at, &record));
    assert_true(put_text(outbox, "four"));
    assert_true(outbox_peek_on(outbox, &at, &record) && slice_eq(record, SLICE("four")));
    outbox_take(outbox, 2);
    assert_peek(outbox, "three");
    outbox_take(outbox, 100);
    assert_false(outbox_peek(outbox, &record));
    outbox_close(outbox);
}

/* Full means that the new one is left out; nothing of it shows, and the count is right. */
static void test_full(void **state)
{
    struct outbox *outbox = outbox_create(RING);
    struct outbox_stats stats;
    struct slice record;
    uint32_t put = 0, taken = 0, refused = 0;
    (void)state;
    for (int round = 0; round < 50; round++) {
        while (put_number(outbox, put))
            put++;
        refused++;
        outbox_stats(outbox, &stats);
        assert_int_equal(stats.put, put);
        assert_int_equal(stats.refused, refused);
        assert_in_range(stats.queued_bytes, RING - RING / 16, RING);
        for (uint32_t n = put - taken > 7 ? 7 + (uint32_t)round : 0; n > 0 && taken < put; n--) {
            assert_true(outbox_peek(outbox, &record));
            assert_number(record, taken++);
            outbox_take(outbox, 1);
        }
    }
    for (; taken < put; outbox_take(outbox, 1)) {
        assert_true(outbox_peek(outbox, &record));
        assert_number(record, taken++);
    }
    outbox_stats(outbox, &stats);
    assert_int_equal(stats.queued_bytes, 0);
    outbox_close(outbox);
}

static void test_largest(void **state)
{
    struct outbox *outbox = outbox_create(RING);
    static char octets[RING];
    struct slice part = slice_of(octets, RING / 4), record;
    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_true(outbox_put(outbox, &part, 1));
        assert_true(outbox_put(outbox, &part, 1));
        assert_true(outbox_peek(outbox, &record) && record.len == part.len);
        outbox_take(outbox, 2);
        assert_true(put_text(outbox, "odd"));
        outbox_take(outbox, 1);
    }
    part.len++;
    assert_false(outbox_put(outbox, &part, 1));
    outbox_close(outbox);
}

enum { THREADED = 50000 };

static void *put_all(void *context)
{
    struct outbox *outbox = context;
    for (uint32_t i = 0; i < THREADED;)
        if (put_number(outbox, i))
            i++;
        else
            sched_yield();
    return NULL;
}

static void take_all(struct outbox *outbox)
{
    uint32_t taken = 0;
    pthread_t putter;
    assert_int_equal(pthread_create(&putter, NULL, put_all, outbox), 0);
    while (taken < THREADED) {
        struct slice record;
        uint64_t at = 0;
        unsigned seen = 0;
        if (!outbox_wait(outbox, 10000))
            fail_msg("the taker slept through record %u", taken);
        for (; seen < 1 + taken % 5 && outbox_peek_on(outbox, &at, &record); seen++)
            assert_number(record, taken++);
        outbox_take(outbox, seen);
    }
    pthread_join(putter, NULL);
    outbox_close(outbox);
}

static void test_two_threads(void **state)
{
    (void)state;
    take_all(outbox_create(RING));
    take_all(open_named());
}

static int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void *wake_later(void *context)
{
    usleep(50000);
    outbox_wake(context);
    return NULL;
}

static void *put_later(void *context)
{
    usleep(50000);
    put_text(context, "late");
    return NULL;
}

static void test_waiting(void **state)
{
    struct outbox *outbox = outbox_create(RING);
    pthread_t thread;
    (void)state;
    int64_t began = now_ms();
    assert_false(outbox_wait(outbox, 30));
    assert_in_range(now_ms() - began, 29, 5000);
    pthread_create(&thread, NULL, wake_later, outbox);
    began = now_ms();
    assert_false(outbox_wait(outbox, 60000));
    assert_in_range(now_ms() - began, 0, 30000);
    pthread_join(thread, NULL);
    outbox_wake(outbox); /* while nobody sleeps: the next sleep is short */
    assert_false(outbox_wait(outbox, 60000));
    pthread_create(&thread, NULL, put_later, outbox);
    assert_true(outbox_wait(outbox, 60000));
    assert_peek(outbox, "late");
    pthread_join(thread, NULL);
    outbox_close(outbox);
}

static bool is_readable(struct outbox *outbox)
{
    struct pollfd pollfd = {.fd = outbox_fd(outbox), .events = POLLIN};
    return poll(&pollfd, 1, 0) == 1;
}

static void test_descriptor(void **state)
{
    struct outbox *outbox = outbox_create(RING);
    (void)state;
    assert_false(outbox_wait(outbox, 0));
    assert_false(is_readable(outbox));
    assert_true(put_text(outbox, "a"));
    assert_true(is_readable(outbox));
    assert_true(put_text(outbox, "b"));
    outbox_take(outbox, 2);
    assert_false(outbox_wait(outbox, 0));
    assert_false(is_readable(outbox));
    outbox_wake(outbox);
    assert_true(is_readable(outbox));
    assert_false(outbox_wait(outbox, 0));
    assert_false(is_readable(outbox));
    outbox_close(outbox);
}

/* --- By name --- */

static bool name_exists(void)
{
    int fd = shm_open(shm_name, O_RDONLY, 0);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void test_name_goes_when_empty(void **state)
{
    struct outbox_stats stats;
    struct outbox *outbox = open_named();
    (void)state;
    assert_string_equal(error, "");
    assert_true(put_text(outbox, "one"));
    outbox_close(outbox);
    assert_true(name_exists());
    outbox = open_named();
    outbox_stats(outbox, &stats);
    assert_int_equal(stats.recovered, 1);
    assert_peek(outbox, "one");
    outbox_take(outbox, 1);
    outbox_close(outbox);
    assert_false(name_exists());
}

static void test_one_process(void **state)
{
    struct outbox *outbox = open_named();
    (void)state;
    assert_null(outbox_open(name, RING, error, sizeof error));
    assert_non_null(strstr(error, "another process uses it"));
    outbox_close(outbox);
    assert_null(outbox_open("../x", RING, error, sizeof error));
    assert_null(outbox_open("", RING, error, sizeof error));
    assert_non_null(strstr(error, "a name has"));
}

static void test_permissions(void **state)
{
    struct stat st;
    struct outbox *outbox = open_named();
    int fd = shm_open(shm_name, O_RDWR, 0);
    (void)state;
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_blocks * 512 >= RING, 1); /* all of it is there: no SIGBUS */
    close(fd);
    outbox_close(outbox);
    if (geteuid() != 0)
        skip();
    fd = shm_open(shm_name, O_RDWR | O_CREAT, 0600);
    assert_int_equal(fchown(fd, 65534, 65534), 0);
    close(fd);
    assert_null(outbox_open(name, RING, error, sizeof error));
}

/* Puts numbers until it is killed; the reader of the pipe knows of each that was put. */
static void put_until_killed(int told)
{
    struct outbox *outbox = outbox_open(name, 1 << 22, error, sizeof error);
    struct slice record;
    uint32_t number = 0;
    while (outbox && outbox_peek(outbox, &record))
        outbox_take(outbox, 1);
    while (outbox && put_number(outbox, number)) {
        if (write(told, &number, 4) != 4)
            break;
        number++;
    }
    pause();
}

static void test_killed(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        int ends[2];
        uint32_t number, told = 0, found = 0;
        struct slice record;
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
            put_until_killed(ends[1]);
            _exit(0);
        }
        close(ends[1]);
        usleep((useconds_t)(1000 + rand() % 15000));
        kill(child, SIGKILL);
        while (read(ends[0], &number, 4) == 4)
            told++;
        waitpid(child, NULL, 0);
        close(ends[0]);
        struct outbox *outbox = open_named();
        assert_string_equal(error, "");
        for (; outbox_peek(outbox, &record); outbox_take(outbox, 1))
            assert_number(record, found++);
        /* The last one may have been put and not told. */
        assert_in_range(found, told, told + 1);
        outbox_close(outbox);
    }
}

/* What is left in shared memory, to be changed before it is opened again. */
static struct outbox_memory leave(unsigned records, struct outbox_ring **ring)
{
    struct outbox *outbox = open_named();
    struct outbox_memory memory = {.fd = -1};
    for (uint32_t i = 0; i < records; i++)
        assert_true(put_number(outbox, i));
    outbox_close(outbox);
    memory.fd = shm_open(shm_name, O_RDWR, 0);
    memory.mapped = OUTBOX_HEAD_BYTES + RING;
    memory.ring = mmap(NULL, memory.mapped, PROT_READ | PROT_WRITE, MAP_SHARED, memory.fd, 0);
    assert_ptr_not_equal(memory.ring, MAP_FAILED);
    memory.octets = (char *)memory.ring + OUTBOX_HEAD_BYTES;
    *ring = memory.ring;
    return memory;
}

static void let_go(struct outbox_memory *memory)
{
    munmap(memory->ring, memory->mapped);
    close(memory->fd);
}

static unsigned take_numbers(struct outbox *outbox, uint32_t *first)
{
    unsigned count = 0;
    struct slice record;
    for (; outbox_peek(outbox, &record); outbox_take(outbox, 1)) {
        uint32_t number;
        memcpy(&number, record.at, 4);
        assert_number(record, number);
        if (count++ == 0)
            *first = number;
    }
    return count;
}

static void test_damaged_record(void **state)
{
    struct outbox_ring *ring;
    struct outbox_stats stats;
    uint32_t first = 99;
    struct outbox_memory memory = leave(10, &ring);
    (void)state;
    memory.octets[sizeof(struct outbox_head) + 2] ^= 1; /* in the first record */
    let_go(&memory);
    struct outbox *outbox = open_named();
    assert_non_null(strstr(error, "damaged"));
    outbox_stats(outbox, &stats);
    assert_int_equal(stats.damages, 1);
    assert_int_equal(stats.recovered, 9);
    assert_int_equal(take_numbers(outbox, &first), 9);
    assert_int_equal(first, 1);
    assert_true(put_text(outbox, "goes on"));
    assert_peek(outbox, "goes on");
    outbox_take(outbox, 1);
    outbox_close(outbox);
    assert_false(name_exists());
}

static void test_damaged_length(void **state)
{
    struct outbox_ring *ring;
    uint32_t first = 99;
    struct outbox_memory memory = leave(10, &ring);
    (void)state;
    struct outbox_head *head = (struct outbox_head *)(void *)memory.octets;
    head = (struct outbox_head *)(void *)(memory.octets + sizeof *head + outbox_padded(head->len));
    head->len = 0x7fffffff;
    let_go(&memory);
    struct outbox *outbox = open_named();
    assert_int_equal(take_numbers(outbox, &first), 1);
    assert_int_equal(first, 0);
    outbox_close(outbox);
}

/* No record goes over the ring's end: what says so is none, whatever follows. */
static void test_damaged_at_the_end(void **state)
{
    struct outbox_ring *ring;
    uint32_t first;
    struct outbox_memory memory = leave(1, &ring);
    uint64_t whole = atomic_load(&ring->head), tail = RING - 16;
    (void)state;
    memmove(memory.octets + 16, memory.octets, whole);
    memcpy(memory.octets + tail, &(struct outbox_head){.len = 24}, sizeof(struct outbox_head));
    atomic_store(&ring->tail, tail);
    atomic_store(&ring->head, tail + 32 + whole);
    let_go(&memory);
    struct outbox *outbox = open_named();
    assert_true(strlen(error) > 0);
    assert_int_equal(take_numbers(outbox, &first), 0);
    outbox_close(outbox);
}

static void test_damaged_heads(void **state)
{
    (void)state;
    for (int what = 0; what < 7; what++) {
        struct outbox_ring *ring;
        struct outbox_memory memory = leave(3, &ring);
        if (what == 0)
            ring->magic[7]++;
        else if (what == 1)
            ring->bytes *= 2;
        else if (what == 2)
            atomic_store(&ring->head, UINT64_MAX - 7);
        else if (what == 3)
            atomic_store(&ring->tail, atomic_load(&ring->head) + 8);
        else if (what == 4)
            atomic_store(&ring->tail, 3);
        else if (what == 5)
            assert_int_equal(ftruncate(memory.fd, 100), 0);
        else
            assert_int_equal(ftruncate(memory.fd, OUTBOX_HEAD_BYTES + RING + 4096), 0);
        let_go(&memory);
        struct outbox *outbox = open_named();
        struct slice record;
        if (strlen(error) == 0)
            fail_msg("damage %d was not said", what);
        assert_false(outbox_peek(outbox, &record));
        assert_true(put_text(outbox, "x"));
        assert_peek(outbox, "x");
        outbox_take(outbox, 1);
        outbox_close(outbox);
    }
}

/* Any octets at all where the records lie. */
static void test_random_damage(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 200; seed++) {
        struct outbox_ring *ring;
        uint32_t first;
        struct outbox_memory memory = leave(40, &ring);
        srand(seed);
        for (int flips = rand() % 30; flips >= 0; flips--)
            memory.octets[rand() % RING] = (char)rand();
        let_go(&memory);
        struct outbox *outbox = open_named();
        assert_in_range(take_numbers(outbox, &first), 0, 40);
        outbox_close(outbox);
    }
}

/* Records that wait are not thrown away because the size was configured anew. */
static void test_another_size(void **state)
{
    uint32_t first;
    struct outbox_ring *ring;
    struct outbox_memory memory = leave(5, &ring);
    (void)state;
    let_go(&memory);
    struct outbox *outbox = outbox_open(name, 4 * RING, error, sizeof error);
    assert_non_null(outbox);
    assert_string_equal(error, "");
    assert_int_equal(take_numbers(outbox, &first), 5);
    outbox_close(outbox);
    outbox = outbox_open(name, 4 * RING, error, sizeof error);
    static char octets[RING];
    struct slice part = slice_of(octets, RING);
    assert_true(outbox_put(outbox, &part, 1));
    outbox_take(outbox, 1);
    outbox_close(outbox);
}

/* As root opens it and becomes another user: it works on, and what it cannot remove it empties. */
static void test_after_privileges(void **state)
{
    int status;
    struct stat st;
    (void)state;
    if (geteuid() != 0)
        skip();
    pid_t child = fork();
    if (child == 0) {
        struct outbox *outbox = outbox_open(name, RING, error, sizeof error);
        bool ok = outbox && setresgid(65534, 65534, 65534) == 0 &&
                  setresuid(65534, 65534, 65534) == 0 && put_text(outbox, "one");
        outbox_take(outbox, 1);
        outbox_close(outbox);
        _exit(ok ? 0 : 1);
    }
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    int fd = shm_open(shm_name, O_RDWR, 0);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    assert_int_equal(st.st_size, 0);
    close(fd);
    struct outbox *outbox = open_named();
    assert_string_equal(error, "");
    outbox_close(outbox);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_in_order),
        TEST(test_full),
        TEST(test_largest),
        TEST(test_two_threads),
        TEST(test_waiting),
        TEST(test_descriptor),
        TEST(test_name_goes_when_empty),
        TEST(test_one_process),
        TEST(test_permissions),
        TEST(test_killed),
        TEST(test_damaged_record),
        TEST(test_damaged_length),
        TEST(test_damaged_at_the_end),
        TEST(test_damaged_heads),
        TEST(test_random_damage),
        TEST(test_another_size),
        TEST(test_after_privileges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
