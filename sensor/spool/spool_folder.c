#include "spool/spool_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/slice.h"
#include "spool/spool.h"
#include "spool/spool_segment.h"

static const char lock_name[] = "lock";
static const char segment_suffix[] = ".seg", unread_suffix[] = ".unread";

enum { NUMBER_DIGITS = 16 };

__attribute__((format(printf, 3, 4))) static bool fail(char *error, size_t len, const char *format,
                                                       ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error, len, format, args);
    va_end(args);
    return false;
}

/* The folder above it, too, where that is all that is missing. */
static bool make_folder(const char *path)
{
    char above[PATH_MAX];
    const char *end = strrchr(path, '/');
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return true;
    if (errno != ENOENT || !end || end == path || (size_t)(end - path) >= sizeof above)
        return false;
    snprintf(above, sizeof above, "%.*s", (int)(end - path), path);
    return mkdir(above, 0755) == 0 && mkdir(path, 0700) == 0;
}

/* Makes it and opens it. -1, and error filled. */
static int open_folder(const char *path, char *error, size_t len)
{
    if (!make_folder(path)) {
        int why = errno;
        fail(error, len,
             "spool folder %s cannot be made: %s; make %s, and give it to the user "
             "that sipspan runs as",
             path, strerror(why), why == ENOENT ? "the folder above it" : "it");
        return -1;
    }
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        fail(error, len, "spool folder %s cannot be opened: %s", path,
             errno == ENOTDIR || errno == ELOOP ? "it is no folder (a link is not followed)"
                                                : strerror(errno));
    return fd;
}

/* Of the lock that is open. False, and error filled: another has it. */
static bool take_lock(int lock_fd, int mode, const char *path, char *error, size_t len)
{
    char pid[16] = "";
    if (flock(lock_fd, mode | LOCK_NB) == 0)
        return true;
    if (errno != EWOULDBLOCK)
        return fail(error, len, "spool folder %s cannot be locked: %s", path, strerror(errno));
    ssize_t got = pread(lock_fd, pid, sizeof pid - 1, 0);
    size_t digits = strspn(pid, "0123456789");
    pid[got > 0 ? digits : 0] = 0;
    return fail(error, len,
                "another sipspan (pid %s) uses %s; stop it, or give this one another folder",
                pid[0] ? pid : "unknown", path);
}

static bool lock(struct spool_folder *folder, char *error, size_t len)
{
    char pid[16];
    folder->lock_fd =
        openat(folder->fd, lock_name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (folder->lock_fd < 0)
        return fail(error, len,
                    "spool folder %s cannot be written: %s: %s; it must belong to the user that "
                    "sipspan runs as",
                    folder->path, lock_name, strerror(errno));
    if (!take_lock(folder->lock_fd, LOCK_EX, folder->path, error, len))
        return false;
    int digits = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
    /* For people alone: the lock holds without it, as on a full disk. */
    if (ftruncate(folder->lock_fd, 0) != 0 || pwrite(folder->lock_fd, pid, (size_t)digits, 0) < 0)
        log_debug("%s/%s: %s", folder->path, lock_name, strerror(errno));
    return true;
}

bool spool_folder_open(struct spool_folder *folder, const char *path, char *error, size_t len)
{
    struct stat st;
    *folder = (struct spool_folder){.path = path, .lock_fd = -1};
    folder->fd = open_folder(path, error, len);
    if (folder->fd < 0)
        return false;
    if (!lock(folder, error, len)) {
        spool_folder_close(folder);
        return false;
    }
    if (fstat(folder->fd, &st) == 0 && (st.st_mode & S_IWOTH))
        log_warning("%s: every user may write in this folder: chmod 700", path);
    return true;
}

void spool_folder_close(struct spool_folder *folder)
{
    if (folder->lock_fd >= 0)
        close(folder->lock_fd);
    if (folder->fd >= 0)
        close(folder->fd);
    folder->fd = folder->lock_fd = -1;
}

const char *spool_folder_name(uint64_t first, char name[static SPOOL_NAME_MAX])
{
    snprintf(name, SPOOL_NAME_MAX, "%016" PRIx64 "%s", first, segment_suffix);
    return name;
}

/* "00000000000000ff.seg"; lower case alone, so that each number has one name, and none that numbers
 * never reach. */
static bool is_segment_name(const char *name, uint64_t *first)
{
    *first = 0;
    for (int i = 0; i < NUMBER_DIGITS; i++) {
        const char digits[] = "0123456789abcdef";
        const char *digit = name[i] ? strchr(digits, name[i]) : NULL;
        if (!digit)
            return false;
        *first = *first << 4 | (uint64_t)(digit - digits);
    }
    return *first > 0 && *first < SPOOL_NUMBER_MAX &&
           strcmp(name + NUMBER_DIGITS, segment_suffix) == 0;
}

static bool is_own_name(const char *name)
{
    uint64_t first;
    size_t len = strlen(name), suffix = sizeof unread_suffix - 1;
    return is_segment_name(name, &first) || strcmp(name, lock_name) == 0 ||
           strncmp(name, "confirmed", strlen("confirmed")) == 0 ||
           (len > suffix && strcmp(name + len - suffix, unread_suffix) == 0);
}

static int by_number(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* A stream of the folder's entries of its own. */
static DIR *entries_of(int fd)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
    if (!dir && copy >= 0)
        close(copy);
    return dir;
}

bool spool_folder_list(const struct spool_folder *folder, uint64_t **first, size_t *count,
                       char *error, size_t len)
{
    size_t capacity = 0;
    DIR *dir = entries_of(folder->fd);
    *first = NULL;
    *count = 0;
    if (!dir)
        return fail(error, len, "spool folder %s cannot be read: %s", folder->path,
                    strerror(errno));
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        uint64_t number;
        if (!is_segment_name(entry->d_name, &number))
            continue;
        if (*count == capacity) {
            capacity = capacity ? capacity * 2 : 64;
            uint64_t *more =
                capacity <= SPOOL_SEGMENTS_MAX ? realloc(*first, capacity * sizeof **first) : NULL;
            if (!more) {
                free(*first);
                closedir(dir);
                return fail(error, len, "spool folder %s has too many files", folder->path);
            }
            *first = more;
        }
        (*first)[(*count)++] = number;
    }
    closedir(dir);
    if (*count > 0)
        qsort(*first, *count, sizeof **first, by_number);
    return true;
}

int spool_folder_open_segment(const struct spool_folder *folder, uint64_t first, int flags)
{
    char name[SPOOL_NAME_MAX];
    struct stat st;
    int fd = openat(folder->fd, spool_folder_name(first, name),
                    flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
        close(fd);
        errno = EINVAL;
        fd = -1;
    }
    return fd;
}

void spool_folder_remove_segment(const struct spool_folder *folder, uint64_t first)
{
    char name[SPOOL_NAME_MAX];
    if (unlinkat(folder->fd, spool_folder_name(first, name), 0) != 0 && errno != ENOENT)
        log_limited(LOG_LEVEL_WARNING, "%s/%s cannot be removed: %s", folder->path, name,
                    strerror(errno));
}

static void set_aside(const struct spool_folder *folder, uint64_t first, const char *why)
{
    char name[SPOOL_NAME_MAX], aside[SPOOL_NAME_MAX];
    spool_folder_name(first, name);
    snprintf(aside, sizeof aside, "%016" PRIx64 "%s%s", first, segment_suffix, unread_suffix);
    if (renameat2(folder->fd, name, folder->fd, aside, RENAME_NOREPLACE) == 0)
        log_warning("%s/%s %s: set aside as %s, its events are not sent", folder->path, name, why,
                    aside);
    else
        log_warning("%s/%s %s: left alone (%s), its events are not sent", folder->path, name, why,
                    strerror(errno));
}

/* All of a file; NULL: no memory, or it cannot be read. */
static char *read_all(int fd, size_t size, size_t *got)
{
    char *octets = malloc(size + 1);
    for (*got = 0; octets && *got < size;) {
        ssize_t n = pread(fd, octets + *got, size - *got, (off_t)*got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            free(octets);
            return NULL;
        }
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return octets;
}

/* Reads the file's records into the index. False: no memory. */
static bool index_records(const struct spool_confirmed *confirmed, struct spool_scan *scan,
                          struct spool_index *index)
{
    struct spool_confirmed_segment known = spool_confirmed_find(confirmed, index->first);
    struct spool_segment_record record;
    while (spool_scan_next(scan, &record)) {
        uint32_t size = (uint32_t)(SPOOL_RECORD_HEAD + record.octets.len);
        struct spool_entry entry = {.offset = (uint32_t)scan->at - size,
                                    .size = size,
                                    .tag = spool_index_tag(record.key_hash)};
        if (!spool_index_add(index, record.number, entry, record.time_ns))
            return false;
        if (spool_confirmed_has(&known, index->count - 1))
            spool_index_confirm(index, index->count - 1);
    }
    spool_index_seal(index);
    return true;
}

/* What to do with a file that has no record that can be read. */
static enum spool_recovery discard(const struct spool_folder *folder, uint64_t first,
                                   enum spool_head head, size_t size, struct spool_recovered *out)
{
    out->next = first + size / SPOOL_RECORD_HEAD + 1; /* whoever reads it later finds no others */
    out->damages = 1;
    if (head == SPOOL_HEAD_VERSION) {
        set_aside(folder, first, "was written by another version of sipspan");
    } else if (head == SPOOL_HEAD_FOREIGN) {
        set_aside(folder, first, "is no spool file, or is damaged");
    } else {
        out->next = first;
        out->damages = size > 0 && size != SPOOL_SEGMENT_HEAD;
        spool_folder_remove_segment(folder, first);
    }
    return SPOOL_RECOVERY_NONE;
}

/* Of a file that was read. */
static enum spool_recovery recover(const struct spool_folder *folder,
                                   const struct spool_confirmed *confirmed, uint64_t limit,
                                   struct slice file, int fd, struct spool_index *index,
                                   struct spool_recovered *out)
{
    enum spool_head head = spool_segment_head(file);
    struct spool_scan scan;
    if (head == SPOOL_HEAD_VERSION)
        return discard(folder, index->first, head, file.len, out);
    spool_scan_begin(&scan, file, index->first, limit);
    if (!index_records(confirmed, &scan, index))
        return SPOOL_RECOVERY_FAILED;
    if (index->count == 0)
        return discard(folder, index->first, head, file.len, out);
    if (scan.damages > 0)
        log_warning("%s: a file of the spool was damaged or cut in %u places: what is whole is "
                    "sent (%" PRIu32 " events from number %" PRIu64 " on)",
                    folder->path, scan.damages, index->count, index->first);
    *out = (struct spool_recovered){
        .bytes = scan.at, .next = index->first + index->count, .damages = scan.damages};
    if (scan.at < file.len && ftruncate(fd, (off_t)scan.at) != 0)
        out->bytes = file.len; /* it is counted again with the next start */
    return SPOOL_RECOVERY_OK;
}

enum spool_recovery spool_folder_recover(const struct spool_folder *folder,
                                         const struct spool_confirmed *confirmed, uint64_t limit,
                                         struct spool_index *index, struct spool_recovered *out,
                                         char *error, size_t len)
{
    char name[SPOOL_NAME_MAX];
    struct stat st;
    size_t got;
    *out = (struct spool_recovered){.next = index->first + 1, .damages = 1};
    spool_folder_name(index->first, name);
    int fd = spool_folder_open_segment(folder, index->first, O_RDWR);
    if (fd < 0 && (errno == ELOOP || errno == EINVAL || errno == EISDIR || errno == ENXIO)) {
        log_warning("%s/%s is no file: left alone", folder->path, name);
        return SPOOL_RECOVERY_NONE;
    }
    if (fd < 0 || fstat(fd, &st) != 0) {
        snprintf(error, len,
                 "%s/%s cannot be opened: %s; the folder and its files must belong to the user "
                 "that sipspan runs as",
                 folder->path, name, strerror(errno));
        if (fd >= 0)
            close(fd);
        return SPOOL_RECOVERY_FAILED;
    }
    if (st.st_size > SPOOL_SEGMENT_MAX) {
        close(fd);
        set_aside(folder, index->first, "is too large to be a spool file");
        return SPOOL_RECOVERY_NONE;
    }
    char *octets = read_all(fd, (size_t)st.st_size, &got);
    enum spool_recovery result =
        octets ? recover(folder, confirmed, limit, slice_of(octets, got), fd, index, out)
               : SPOOL_RECOVERY_FAILED;
    if (result == SPOOL_RECOVERY_FAILED)
        snprintf(error, len, "%s/%s cannot be read: %s", folder->path, name, strerror(errno));
    free(octets);
    close(fd);
    return result;
}

/* May it be given to another user? Not a folder that is used for something else. */
static bool has_only_own(int fd)
{
    bool only_own = true;
    DIR *dir = entries_of(fd);
    if (!dir)
        return false;
    for (const struct dirent *entry; only_own && (entry = readdir(dir)) != NULL;)
        only_own = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
                   is_own_name(entry->d_name);
    closedir(dir);
    return only_own;
}

/* A file with another name elsewhere may be anything, and is not given away. 0 or errno. */
static int give_file(int dir_fd, const char *name, uid_t uid, gid_t gid)
{
    struct stat st;
    int error = 0, fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : errno;
    if (fstat(fd, &st) != 0 || (S_ISREG(st.st_mode) && st.st_nlink == 1 && st.st_uid != uid &&
                                fchownat(fd, "", uid, gid, AT_EMPTY_PATH) != 0))
        error = errno;
    close(fd);
    return error;
}

static int give_files(int fd, uid_t uid, gid_t gid)
{
    int error = 0;
    DIR *dir = entries_of(fd);
    if (!dir)
        return errno;
    for (const struct dirent *entry; !error && (entry = readdir(dir)) != NULL;)
        if (is_own_name(entry->d_name))
            error = give_file(fd, entry->d_name, uid, gid);
    closedir(dir);
    return error;
}

/* 0, or -errno and error filled. */
static int give_folder(int fd, const char *dir, uid_t uid, gid_t gid, char *error, size_t len)
{
    struct stat st;
    int failure = 0;
    if (fstat(fd, &st) != 0) {
        failure = errno;
    } else if (st.st_uid != uid && !has_only_own(fd)) {
        fail(error, len,
             "spool folder %s belongs to another user and has other files in it: name a folder for "
             "the spool alone, or chown it to the user that sipspan runs as",
             dir);
        return -EPERM;
    } else {
        /* The files first: once the folder is the user's, the names in it are as well. */
        failure = give_files(fd, uid, gid);
        if (!failure && st.st_uid != uid && fchown(fd, uid, gid) != 0)
            failure = errno;
    }
    if (failure)
        fail(error, len, "spool folder %s cannot be given to the user that sipspan runs as: %s",
             dir, strerror(failure));
    return -failure;
}

/* A folder that is in use is not given away from under whoever uses it. The lock is opened as it
 * is, to be read alone: what cannot be opened so is held by nobody. */
int spool_prepare(const char *dir, uid_t uid, gid_t gid, char *error, size_t len)
{
    int fd = open_folder(dir, error, len), rc = -EBUSY;
    if (fd < 0)
        return -EIO;
    int lock_fd = openat(fd, lock_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (lock_fd < 0 || take_lock(lock_fd, LOCK_SH, dir, error, len))
        rc = give_folder(fd, dir, uid, gid, error, len);
    if (lock_fd >= 0)
        close(lock_fd);
    close(fd);
    return rc;
}
