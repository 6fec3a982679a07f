/* The spool where something is wrong: with the disk, the folder, or what lies in it. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "spool_sample.h"

enum { LEN_MAX = 1000 };

#define MIB (UINT64_C(1) << 20)

/* Appends so many, numbered from `first` on. */
static void append(uint64_t first, uint64_t count)
{
    for (uint64_t n = first; n < first + count; n++)
        assert_int_equal(spool_append(sample.spool, sample_record(n, LEN_MAX), n), n);
}

/* All that waits; the numbers must be these, and each record what it was. Returns how many. */
static uint64_t expect(uint64_t first, uint64_t last)
{
    struct spool_record record;
    for (uint64_t n = first; n <= last; n++) {
        if (!spool_next(sample.spool, &record))
            fail_msg("record %llu is not given: %s", (unsigned long long)n,
                     spool_error(sample.spool));
        assert_int_equal(record.number, n);
        assert_int_equal(record.key_hash, n);
        assert_true(sample_is_record(record.octets, n, LEN_MAX));
    }
    return last + 1 - first;
}

static void expect_end(void)
{
    struct spool_record record;
    assert_false(spool_next(sample.spool, &record));
    assert_int_equal(spool_is_behind(sample.spool, 1), 0);
}

/* Ten records in a file of their own. */
static const char *leave_ten(void)
{
    static char path[512];
    sample_open(64 * MIB, 0);
    append(1, 10);
    sample_close();
    snprintf(path, sizeof path, "%s", sample_path("0000000000000001.seg"));
    return path;
}

static long size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

static void write_file(const char *path, const char *octets, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0 && write(fd, octets, len) == (ssize_t)len);
    close(fd);
}

static void change_octet(const char *path, long at, int with)
{
    char octet = 0;
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0 && pread(fd, &octet, 1, at) == 1);
    octet = (char)(octet ^ with);
    assert_int_equal(pwrite(fd, &octet, 1, at), 1);
    close(fd);
}

static long offset_of(uint64_t number) /* of a record of leave_ten */
{
    long at = 16;
    for (uint64_t n = 1; n < number; n++)
        at += 36 + (long)sample_record(n, LEN_MAX).len;
    return at;
}

static void test_life(void **state)
{
    struct stat st;
    (void)state;
    sample_open(64 * MIB, 0);
    append(1, 100);
    assert_int_equal(sample_stats().records, 100);
    expect(1, 100);
    expect_end();
    assert_true(spool_sync(sample.spool));
    for (uint64_t n = 1; n <= 60; n++)
        spool_confirm(sample.spool, n);
    sample_close();
    assert_true(stat(sample_path("0000000000000001.seg"), &st) == 0 && (st.st_mode & 0777) == 0600);
    assert_true(stat(sample_path("confirmed"), &st) == 0 && (st.st_mode & 0777) == 0600);
    sample_open(64 * MIB, 0);
    assert_int_equal(sample_stats().records, 40);
    assert_in_range(sample_stats().oldest_ns / 1000000000, time(NULL) - 60, time(NULL));
    append(101, 1);
    expect(61, 101);
    expect_end();
    for (uint64_t n = 61; n <= 101; n++)
        spool_confirm(sample.spool, n);
    assert_int_equal(sample_stats().records, 0);
    assert_int_equal(sample_stats().bytes, 0);
    assert_true(spool_write(sample.spool));
    assert_int_equal(sample_stats().oldest_ns, 0);
    sample_close();
    assert_int_equal(sample_files(".seg", NULL), 0);
    sample_open(64 * MIB, 0);
    append(102, 1); /* numbers go on when nothing is left */
}

/* A new one is given at once only where none of its key waits. */
static void test_directly(void **state)
{
    (void)state;
    sample_open(64 * MIB, 64 << 10);
    append(1, 1000);
    for (uint64_t key = 1; key <= 1000; key++)
        assert_true(spool_is_behind(sample.spool, key));
    unsigned behind = 0;
    for (uint64_t key = 1001; key <= 11000; key++)
        behind += spool_is_behind(sample.spool, key);
    assert_in_range(behind, 0, 100); /* and few that need not */
    append(1001, 3);
    spool_given(sample.spool, 1001);
    spool_given(sample.spool, 1003);
    assert_false(spool_is_behind(sample.spool, 1001));
    assert_true(spool_is_behind(sample.spool, 1002));
    expect(1, 1000);
    expect(1002, 1002);
    expect_end();
    spool_unread(sample.spool);
    assert_true(spool_is_behind(sample.spool, 1002));
    expect(1002, 1002);
    /* They failed, all of them: once more, in order. */
    spool_confirm(sample.spool, 2);
    spool_rewind(sample.spool);
    assert_true(spool_is_behind(sample.spool, 1001) && spool_is_behind(sample.spool, 1003));
    expect(1, 1);
    expect(3, 1003);
    expect_end();
}

static void *watch_stats(void *context)
{
    _Atomic bool *stop = context;
    uint64_t looks = 0;
    while (!*stop)
        looks += sample_stats().records <= 5000;
    return looks > 0 ? context : NULL;
}

static void test_stats_from_another_thread(void **state)
{
    _Atomic bool stop = false;
    pthread_t watcher;
    void *result;
    (void)state;
    sample_open(64 * MIB, 64 << 10);
    assert_int_equal(pthread_create(&watcher, NULL, watch_stats, &stop), 0);
    append(1, 5000);
    assert_true(spool_sync(sample.spool));
    expect(1, 5000);
    for (uint64_t n = 1; n <= 5000; n++)
        spool_confirm(sample.spool, n);
    assert_true(spool_sync(sample.spool));
    stop = true;
    pthread_join(watcher, &result);
    assert_ptr_equal(result, &stop);
}

static void test_too_large(void **state)
{
    static char octets[SPOOL_RECORD_MAX + 1];
    struct spool_record record;
    (void)state;
    sample_open(64 * MIB, 0);
    assert_int_equal(spool_append(sample.spool, slice_of(octets, sizeof octets), 1), 0);
    assert_non_null(strstr(spool_error(sample.spool), "too long"));
    for (uint64_t n = 1; n <= 20; n++)
        assert_int_equal(spool_append(sample.spool, slice_of(octets, SPOOL_RECORD_MAX), n), n);
    assert_int_equal(spool_append(sample.spool, SLICE_NONE, 1), 21);
    sample_close();
    sample_open(64 * MIB, 0);
    for (uint64_t n = 1; n <= 21; n++)
        assert_true(spool_next(sample.spool, &record) && record.number == n &&
                    record.octets.len == (n <= 20 ? SPOOL_RECORD_MAX : 0));
    sample_close();
    /* A small spool takes only what leaves room for others. */
    sample_open(64 << 10, 0);
    assert_int_equal(spool_append(sample.spool, slice_of(octets, 17000), 1), 0);
    assert_true(spool_append(sample.spool, slice_of(octets, 16000), 1) > 0);
}

/* --- What lies in the folder --- */

static void test_cut(void **state)
{
    const char *path = leave_ten();
    (void)state;
    for (uint64_t last = 10; last > 1; last--) { /* in each part of a record */
        long keep = offset_of(last) + (long)last * 7 % 40;
        assert_int_equal(truncate(path, keep), 0);
        sample_open(64 * MIB, 0);
        expect(1, last - 1);
        expect_end();
        assert_int_equal(sample_stats().dropped_damaged, keep > offset_of(last));
        assert_int_equal(size_of(path), offset_of(last)); /* said once, not at each start */
        sample_close();
    }
}

static void test_cut_in_the_head(void **state)
{
    const char *path = leave_ten();
    (void)state;
    for (long keep = 16; keep >= 0; keep -= 4) {
        write_file(path, "sipspool\0\0\0\1\0\0\0\0", (size_t)keep);
        sample_open(64 * MIB, 0);
        expect_end();
        assert_int_equal(sample_stats().dropped_damaged, keep > 0 && keep < 16);
        assert_int_equal(size_of(path), -1);
        sample_close();
    }
}

static void test_bit_flips(void **state)
{
    const char *path = leave_ten();
    (void)state;
    for (long at = offset_of(4); at < offset_of(5); at++) { /* each octet of the fourth */
        change_octet(path, at, 0x40);
        unlink(sample_path("confirmed")); /* where a lost record counts as done with */
        sample_open(64 * MIB, 0);
        assert_int_equal(sample_stats().records, 9);
        assert_int_equal(sample_stats().dropped_damaged, 1);
        expect(1, 3);
        expect(5, 10);
        expect_end();
        sample_close();
        change_octet(path, at, 0x40);
    }
    unlink(sample_path("confirmed"));
    sample_open(64 * MIB, 0);
    expect(1, 10);
}

static void test_several_damages(void **state)
{
    const char *path = leave_ten();
    (void)state;
    change_octet(path, 3, 1); /* the file's head */
    change_octet(path, offset_of(3) + 50, 1);
    change_octet(path, offset_of(7) + 5, 1);  /* a length */
    change_octet(path, offset_of(8) + 12, 1); /* a number */
    sample_open(64 * MIB, 0);
    assert_int_equal(sample_stats().dropped_damaged, 3);
    expect(1, 2);
    expect(4, 6);
    expect(9, 10);
    expect_end();
}

/* What was whole when it was opened may be damaged, or gone, when it is read. */
static void test_damaged_later(void **state)
{
    const char *path = leave_ten();
    (void)state;
    sample_open(64 * MIB, 0);
    change_octet(path, offset_of(4) + 40, 1);
    expect(1, 3);
    expect(5, 10);
    expect_end();
    assert_int_equal(sample_stats().dropped_damaged, 1);
    assert_int_equal(sample_stats().records, 9);
    sample_close();
    sample_open(64 * MIB, 0);
    append(11, 1);
    assert_int_equal(unlink(path), 0);
    expect(11, 11);
    expect_end();
    assert_int_equal(sample_stats().records, 1);
    assert_int_equal(sample_stats().dropped_damaged, 1 + 9); /* the flip, and the file's */
}

static void test_other_version(void **state)
{
    const char *path = leave_ten();
    long size = size_of(path);
    (void)state;
    change_octet(path, 11, 3); /* version 2 */
    sample_open(64 * MIB, 0);
    expect_end();
    assert_int_equal(sample_stats().dropped_damaged, 1);
    assert_int_equal(size_of(path), -1);
    assert_int_equal(size_of(sample_path("0000000000000001.seg.unread")), size);
    uint64_t number = spool_append(sample.spool, SLICE("new"), 1);
    assert_true(number > 10); /* it could be read later, beside this one */
    sample_close();
    sample_open(64 * MIB, 0); /* said once */
    assert_int_equal(sample_stats().dropped_damaged, 0);
    assert_int_equal(sample_stats().records, 1);
}

static void test_foreign_files(void **state)
{
    char text[100] = "nothing of ours";
    (void)state;
    leave_ten();
    write_file(sample_path("0000000000000100.seg"), text, sizeof text);
    write_file(sample_path("00000000000001FF.seg"), text, sizeof text);
    write_file(sample_path("ffffffffffffffff.seg"), text, sizeof text);
    write_file(sample_path("0000000000000000.seg"), text, sizeof text);
    write_file(sample_path("notes.txt"), text, sizeof text);
    write_file(sample_path("target"), text, sizeof text);
    assert_int_equal(symlink("target", sample_path("0000000000000200.seg")), 0);
    assert_int_equal(mkdir(sample_path("0000000000000300.seg"), 0700), 0);
    assert_int_equal(mkfifo(sample_path("0000000000000400.seg"), 0600), 0);
    write_file(sample_path("0000000000000500.seg"), text, sizeof text);
    assert_int_equal(truncate(sample_path("0000000000000500.seg"), 65 << 20), 0);
    sample_open(64 * MIB, 0);
    expect(1, 10);
    expect_end();
    assert_int_equal(sample_stats().dropped_damaged, 5);
    assert_int_equal(sample_stats().records, 10);
    assert_int_equal(sample_files(".unread", NULL), 2);
    sample_close();
    assert_int_equal(size_of(sample_path("target")), sizeof text);
    assert_int_equal(size_of(sample_path("notes.txt")), sizeof text);
    assert_int_equal(size_of(sample_path("ffffffffffffffff.seg")), sizeof text);
    assert_int_equal(size_of(sample_path("00000000000001FF.seg")), sizeof text);
    assert_int_equal(sample_files("0.seg", NULL), 4);
}

/* Two files that claim the same numbers: none is given twice, and numbers go on after both. */
static void test_overlapping_files(void **state)
{
    char octets[20000];
    const char *path = leave_ten();
    int fd = open(path, O_RDONLY);
    ssize_t len = read(fd, octets, sizeof octets);
    (void)state;
    close(fd);
    write_file(sample_path("0000000000000004.seg"), octets, (size_t)len);
    sample_open(64 * MIB, 0);
    expect(1, 10);
    expect_end();
    append(11, 1);
}

static void test_damaged_note(void **state)
{
    (void)state;
    for (int what = 0; what < 6; what++) {
        sample_open(64 * MIB, 0);
        uint64_t first = spool_append(sample.spool, SLICE("one"), 1);
        spool_append(sample.spool, SLICE("two"), 1);
        spool_confirm(sample.spool, first);
        sample_close();
        const char *path = sample_path("confirmed");
        if (what == 0)
            change_octet(path, 20, 1);
        else if (what == 1)
            assert_int_equal(truncate(path, 20), 0);
        else if (what == 2)
            assert_int_equal(truncate(path, 0), 0);
        else if (what == 3)
            assert_int_equal(truncate(path, 2 << 20), 0);
        else if (what == 4)
            assert_true(unlink(path) == 0 && mkdir(path, 0700) == 0);
        else
            assert_true(unlink(path) == 0 && symlink("lock", path) == 0);
        sample_open(64 * MIB, 0);
        if (sample_stats().records != 2 || sample_stats().dropped_damaged != 0)
            fail_msg("damage %d: %d records wait", what, (int)sample_stats().records);
        spool_confirm(sample.spool, first);
        spool_confirm(sample.spool, first + 1);
        assert_int_equal(spool_sync(sample.spool), what != 4); /* no file takes a folder's place */
        sample_close();
        if (what == 4)
            assert_int_equal(rmdir(path), 0);
    }
}

/* --- The folder --- */

static void test_one_process(void **state)
{
    char pid[32];
    (void)state;
    snprintf(pid, sizeof pid, "(pid %d)", (int)getpid());
    struct spool *first = sample_open(64 * MIB, 0);
    assert_null(sample_try_open(64 * MIB, 0));
    sample.spool = first;
    assert_non_null(strstr(sample.error, "another sipspan"));
    assert_non_null(strstr(sample.error, pid));
    assert_non_null(strstr(sample.error, sample.dir));
    sample_close();
    sample_open(64 * MIB, 0);
}

static void test_folder_is_made(void **state)
{
    struct stat st;
    char dir[128], deep[160], error[512];
    (void)state;
    snprintf(dir, sizeof dir, "%s/new", sample.dir);
    snprintf(deep, sizeof deep, "%s/no/such/new", sample.dir);
    struct spool *spool = spool_open(&(struct spool_params){.dir = deep}, error, sizeof error);
    assert_null(spool);
    assert_non_null(strstr(error, "make the folder above it"));
    spool = spool_open(&(struct spool_params){.dir = dir}, error, sizeof error);
    assert_non_null(spool);
    spool_close(spool);
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    snprintf(deep, sizeof deep, "%s/link", sample.dir);
    assert_int_equal(symlink("new", deep), 0);
    assert_null(spool_open(&(struct spool_params){.dir = deep}, error, sizeof error));
    assert_non_null(strstr(error, "it is no folder"));
    unlink(deep);
    snprintf(deep, sizeof deep, "%s/new/lock", sample.dir);
    assert_null(spool_open(&(struct spool_params){.dir = deep}, error, sizeof error));
    assert_non_null(strstr(error, "it is no folder"));
    snprintf(deep, sizeof deep, "%s/new/confirmed", sample.dir);
    unlink(deep);
    snprintf(deep, sizeof deep, "%s/new/lock", sample.dir);
    unlink(deep);
}

static void test_folder_above_is_made(void **state)
{
    static const char *const left[] = {"above/new/lock", "above/new/confirmed", "above/new",
                                       "above"};
    char path[128], error[512];
    (void)state;
    snprintf(path, sizeof path, "%s/above/new", sample.dir);
    spool_close(spool_open(&(struct spool_params){.dir = path}, error, sizeof error));
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", sample.dir, left[i]);
        assert_int_equal(remove(path), 0);
    }
}

/* In a child that is another user. */
static int as_nobody(bool (*what)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0 && what()
                  ? 0
                  : 1);
    waitpid(child, &status, 0);
    return status;
}

static bool opens_and_works(void)
{
    struct spool_record record;
    if (!sample_try_open(64 * MIB, 0))
        return false;
    bool ok = spool_next(sample.spool, &record) && record.number == 1 &&
              spool_append(sample.spool, SLICE("x"), 1) > 0 && spool_sync(sample.spool);
    sample_close();
    return ok;
}

static bool is_refused(void)
{
    return !sample_try_open(64 * MIB, 0) && strstr(sample.error, "must belong to the user");
}

static void test_given_to_a_user(void **state)
{
    struct stat st;
    (void)state;
    if (geteuid() != 0)
        skip();
    leave_ten(); /* an earlier run as root */
    assert_int_equal(chmod(sample.dir, 0777), 0);
    assert_int_equal(as_nobody(is_refused), 0);
    assert_int_equal(chmod(sample.dir, 0700), 0);
    assert_int_equal(spool_prepare(sample.dir, 65534, 65534, sample.error, sizeof sample.error), 0);
    assert_int_equal(as_nobody(opens_and_works), 0);
    assert_true(stat(sample.dir, &st) == 0 && st.st_uid == 65534);
    assert_int_equal(chown(sample.dir, 0, 0), 0);
    write_file(sample_path("precious"), "x", 1);
    assert_int_equal(spool_prepare(sample.dir, 65534, 65534, sample.error, sizeof sample.error),
                     -EPERM);
    assert_non_null(strstr(sample.error, "has other files in it"));
    assert_true(stat(sample.dir, &st) == 0 && st.st_uid == 0);
    /* A file that has another name elsewhere is not given away. */
    assert_int_equal(chown(sample.dir, 65534, 65534), 0);
    assert_int_equal(link(sample_path("precious"), sample_path("0000000000000999.seg")), 0);
    assert_int_equal(spool_prepare(sample.dir, 65534, 65534, sample.error, sizeof sample.error), 0);
    assert_true(stat(sample_path("precious"), &st) == 0 && st.st_uid == 0);
}

/* A second one, which is root before it is somebody else, changes nothing under the first. */
static void test_one_that_runs_keeps_its_folder(void **state)
{
    struct stat st;
    (void)state;
    sample_open(64 * MIB, 0);
    assert_int_equal(spool_prepare(sample.dir, 65534, 65534, sample.error, sizeof sample.error),
                     -EBUSY);
    assert_non_null(strstr(sample.error, "another sipspan (pid "));
    assert_true(stat(sample.dir, &st) == 0 && st.st_uid == geteuid());
    assert_true(stat(sample_path("lock"), &st) == 0 && st.st_uid == geteuid());
    sample_close();
    assert_int_equal(
        spool_prepare(sample.dir, geteuid(), getegid(), sample.error, sizeof sample.error), 0);
    sample_open(64 * MIB, 0); /* it holds no lock */
}

/* --- The disk --- */

/* A file system of its own, of a few hundred KiB, over the sample's folder. */
static bool mount_small(void)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return false;
    return mount("tmpfs", sample.dir, "tmpfs", 0, "size=600k,mode=700") == 0;
}

/* Takes all the room that is left. */
static void fill_disk(void)
{
    static const char octets[4096];
    int fd = open(sample_path("filler"), O_WRONLY | O_CREAT, 0600);
    while (write(fd, octets, sizeof octets) > 0)
        continue;
    close(fd);
}

static void wait_for_retry(void)
{
    usleep(150000);
}

static void check_full_disk(void)
{
    uint64_t last = 0, number;
    sample_open(64 * MIB, 128 << 10);
    while ((number = spool_append(sample.spool, sample_record(last + 1, LEN_MAX), last + 1)) > 0)
        last = number;
    assert_in_range(last, 500, 2000);
    assert_non_null(strstr(spool_error(sample.spool), "No space left on device"));
    assert_non_null(strstr(spool_error(sample.spool), sample.dir));
    assert_in_range(sample_stats().write_errors, 1, 3); /* it is not tried each time */
    for (int i = 0; i < 1000; i++)
        assert_int_equal(spool_append(sample.spool, SLICE("x"), 1), 0);
    assert_in_range(sample_stats().write_errors, 1, 3);
    assert_false(spool_write(sample.spool));
    /* Nothing that was taken is lost, and what is confirmed makes room by itself. */
    expect(1, last);
    expect_end();
    for (uint64_t n = 1; n <= last / 2; n++)
        spool_confirm(sample.spool, n);
    wait_for_retry();
    append(last + 1, 50);
    assert_true(spool_write(sample.spool));
    sample_close();
    sample_open(64 * MIB, 128 << 10);
    expect(last / 2 + 1, last + 50);
    expect_end();
    assert_int_equal(sample_stats().dropped_damaged, 0);
    assert_int_equal(sample_stats().dropped_full, 0);
}

/* Full from the beginning, as long as Kafka takes what comes: nothing is held up. */
static void check_full_disk_goes_on(void)
{
    fill_disk();
    sample_open(64 * MIB, 0);
    uint64_t n = 1, refused = 0;
    while (n < 3000) {
        struct spool_record record;
        uint64_t number = spool_append(sample.spool, sample_record(n, LEN_MAX), n);
        if (number == 0) { /* the caller has it; what is in the block is delivered meanwhile */
            assert_true(refused++ < 100);
            while (spool_next(sample.spool, &record)) {
                assert_true(sample_is_record(record.octets, record.number, LEN_MAX));
                spool_confirm(sample.spool, record.number);
            }
            assert_int_equal(sample_stats().records, 0);
            continue;
        }
        assert_int_equal(number, n);
        n++;
    }
    assert_true(refused > 2 && sample_stats().write_errors > 0);
    uint64_t waiting = sample_stats().records;
    assert_true(waiting > 0);
    assert_int_equal(unlink(sample_path("filler")), 0);
    wait_for_retry();
    assert_true(spool_write(sample.spool));
    sample_close();
    sample_open(64 * MIB, 0);
    expect(n - waiting, n - 1);
    expect_end();
}

/* A part of a block on a disk that was full is not taken for a record. */
static void check_killed_while_full(void)
{
    uint64_t last;
    fill_disk();
    assert_int_equal(truncate(sample_path("filler"), size_of(sample_path("filler")) - 100000), 0);
    pid_t child = fork();
    if (child == 0) {
        sample_open(64 * MIB, 0);
        for (last = 1; last <= 50; last++)
            spool_append(sample.spool, sample_record(last, LEN_MAX), last);
        sample_check(spool_write(sample.spool), "there is room for 50");
        while (spool_append(sample.spool, sample_record(last, LEN_MAX), last) > 0)
            last++;
        _exit(0);
    }
    waitpid(child, NULL, 0);
    sample_open(64 * MIB, 0);
    assert_true(sample_stats().records >= 50);
    assert_int_equal(sample_stats().dropped_damaged, 0);
    for (uint64_t n = 1; n <= 50; n++) {
        struct spool_record record;
        assert_true(spool_next(sample.spool, &record) && record.number == n);
    }
}

static void in_small_disk(void (*check)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        if (!mount_small())
            _exit(77);
        setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failure ends this process */
        check();
        sample_close();
        _exit(0);
    }
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(status, 0);
}

static void test_full_disk(void **state)
{
    (void)state;
    in_small_disk(check_full_disk);
}

static void test_full_disk_goes_on(void **state)
{
    (void)state;
    in_small_disk(check_full_disk_goes_on);
}

static void test_killed_while_full(void **state)
{
    (void)state;
    in_small_disk(check_killed_while_full);
}

/* No descriptor left is no reason to give up a record. */
static void test_no_descriptors(void **state)
{
    struct rlimit before, none;
    struct spool_record record;
    (void)state;
    leave_ten();
    sample_open(64 * MIB, 0);
    getrlimit(RLIMIT_NOFILE, &before);
    none = before;
    none.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &none);
    bool is_given = spool_next(sample.spool, &record);
    setrlimit(RLIMIT_NOFILE, &before);
    assert_false(is_given);
    assert_non_null(strstr(spool_error(sample.spool), "Too many open files"));
    assert_true(spool_is_behind(sample.spool, 1));
    expect(1, 10);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, sample_set_up, sample_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_life),
        TEST(test_directly),
        TEST(test_stats_from_another_thread),
        TEST(test_too_large),
        TEST(test_cut),
        TEST(test_cut_in_the_head),
        TEST(test_bit_flips),
        TEST(test_several_damages),
        TEST(test_damaged_later),
        TEST(test_other_version),
        TEST(test_foreign_files),
        TEST(test_overlapping_files),
        TEST(test_damaged_note),
        TEST(test_one_process),
        TEST(test_folder_is_made),
        TEST(test_folder_above_is_made),
        TEST(test_given_to_a_user),
        TEST(test_one_that_runs_keeps_its_folder),
        TEST(test_full_disk),
        TEST(test_full_disk_goes_on),
        TEST(test_killed_while_full),
        TEST(test_no_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
