#include "spool/spool_confirmed.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/checksum.h"

/*
 * The head, then for each segment its first number, the number of bits and the bits in words of 64,
 * all in network byte order. The checksum is of all that follows it.
 */
struct file_head {
    char magic[8];
    uint32_t sum;
    uint32_t version;
    uint64_t low, next;
};

struct segment_head {
    uint64_t first, bits;
};

static const char file_magic[8] = "sipsconf";
static const char file_name[] = "confirmed", new_name[] = "confirmed.new";

enum { FILE_VERSION = 1, SEGMENTS_BYTES_MAX = 1 << 20 };

static uint32_t sum_of(const struct file_head *head, const char *octets, size_t len)
{
    const size_t from = offsetof(struct file_head, version);
    return checksum(checksum(0, (const char *)head + from, sizeof *head - from), octets, len);
}

/* The octets of the file, to be freed; NULL: none, or too many. */
static char *read_file(int fd, size_t *len)
{
    const size_t max = sizeof(struct file_head) + SEGMENTS_BYTES_MAX;
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size < 0 || (size_t)st.st_size > max)
        return NULL;
    char *octets = malloc((size_t)st.st_size + 1);
    ssize_t got = octets ? pread(fd, octets, (size_t)st.st_size, 0) : -1;
    if (got < 0) {
        free(octets);
        return NULL;
    }
    *len = (size_t)got;
    return octets;
}

static bool parse(struct spool_confirmed *confirmed, char *octets, size_t len)
{
    struct file_head head;
    if (len < sizeof head)
        return false;
    memcpy(&head, octets, sizeof head);
    len -= sizeof head;
    if (memcmp(head.magic, file_magic, sizeof head.magic) != 0 ||
        be32toh(head.version) != FILE_VERSION ||
        be32toh(head.sum) != sum_of(&head, octets + sizeof head, len) || head.next == 0 ||
        be64toh(head.next) > SPOOL_NUMBER_MAX)
        return false;
    memmove(octets, octets + sizeof head, len);
    *confirmed = (struct spool_confirmed){
        .low = be64toh(head.low), .next = be64toh(head.next), .octets = octets, .len = len};
    return true;
}

bool spool_confirmed_load(struct spool_confirmed *confirmed, int dir_fd, bool *damaged)
{
    size_t len = 0;
    *confirmed = (struct spool_confirmed){.next = 1};
    *damaged = false;
    int fd = openat(dir_fd, file_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        *damaged = errno != ENOENT;
        return false;
    }
    char *octets = read_file(fd, &len);
    close(fd);
    if (octets && parse(confirmed, octets, len))
        return true;
    free(octets);
    *damaged = true;
    return false;
}

void spool_confirmed_fini(struct spool_confirmed *confirmed)
{
    free(confirmed->octets);
    confirmed->octets = NULL;
}

static uint64_t words_of(uint64_t bits)
{
    return bits / 64 + (bits % 64 > 0);
}

struct spool_confirmed_segment spool_confirmed_find(const struct spool_confirmed *confirmed,
                                                    uint64_t first)
{
    struct spool_confirmed_segment found = {
        .low = confirmed->low > first ? confirmed->low - first : 0,
    };
    struct segment_head head;
    for (size_t at = 0; confirmed->len - at >= sizeof head;) {
        memcpy(&head, confirmed->octets + at, sizeof head);
        at += sizeof head;
        uint64_t bits = be64toh(head.bits), words = words_of(bits);
        if (words > (confirmed->len - at) / sizeof words)
            break;
        if (be64toh(head.first) == first) {
            found.words = confirmed->octets + at;
            found.bits = bits;
            break;
        }
        at += words * sizeof words;
    }
    return found;
}

bool spool_confirmed_has(const struct spool_confirmed_segment *segment, uint64_t place)
{
    uint64_t word;
    if (place < segment->low)
        return true;
    if (place >= segment->bits)
        return false;
    memcpy(&word, segment->words + place / 64 * sizeof word, sizeof word);
    return be64toh(word) >> (place % 64) & 1;
}

void spool_confirmed_add(struct spool_confirmed *confirmed, uint64_t first, uint32_t count,
                         const uint64_t *bits)
{
    struct segment_head head = {htobe64(first), htobe64(count)};
    uint64_t words = words_of(count);
    size_t more = sizeof head + words * sizeof *bits;
    if (more > SEGMENTS_BYTES_MAX - confirmed->len)
        return;
    char *octets = realloc(confirmed->octets, confirmed->len + more);
    if (!octets)
        return;
    confirmed->octets = octets;
    octets += confirmed->len;
    confirmed->len += more;
    memcpy(octets, &head, sizeof head);
    for (uint64_t i = 0; i < words; i++) {
        uint64_t word = htobe64(bits[i]);
        memcpy(octets + sizeof head + i * sizeof word, &word, sizeof word);
    }
}

static int write_all(int fd, const char *octets, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, octets, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        octets += n;
        len -= (size_t)n;
    }
    return 0;
}

int spool_confirmed_save(const struct spool_confirmed *confirmed, int dir_fd)
{
    struct file_head head = {.version = htobe32(FILE_VERSION),
                             .low = htobe64(confirmed->low),
                             .next = htobe64(confirmed->next)};
    memcpy(head.magic, file_magic, sizeof head.magic);
    head.sum = htobe32(sum_of(&head, confirmed->octets, confirmed->len));
    /* What another process left half written, or is none of ours, makes room. */
    if (unlinkat(dir_fd, new_name, 0) != 0 && errno != ENOENT)
        return -errno;
    int fd = openat(dir_fd, new_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int rc = write_all(fd, (const char *)&head, sizeof head);
    if (rc == 0)
        rc = write_all(fd, confirmed->octets, confirmed->len);
    close(fd);
    if (rc == 0 && renameat(dir_fd, new_name, dir_fd, file_name) != 0)
        rc = -errno;
    if (rc != 0)
        unlinkat(dir_fd, new_name, 0);
    return rc;
}
