/*
 * spool_folder: the folder of a spool: made, locked, its segment files listed and read. All that is
 * in it may be damaged or foreign: no link is followed, sizes are checked, what is none of ours is
 * left alone. Only for spool*.c.
 */
#ifndef SIPSPAN_SPOOL_SPOOL_FOLDER_H
#define SIPSPAN_SPOOL_SPOOL_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spool/spool_confirmed.h"
#include "spool/spool_index.h"

enum {
    SPOOL_NAME_MAX = 32,          /* "0123456789abcdef.seg.unread" */
    SPOOL_SEGMENT_MAX = 64 << 20, /* octets of a file */
    SPOOL_SEGMENTS_MAX = 1 << 17, /* files */
};

struct spool_folder {
    const char *path;
    int fd, lock_fd;
};

/* Makes it if need be, and locks it. False, and error filled: what is wrong and what to do. */
bool spool_folder_open(struct spool_folder *folder, const char *path, char *error, size_t len);
void spool_folder_close(struct spool_folder *folder);

const char *spool_folder_name(uint64_t first, char name[static SPOOL_NAME_MAX]);
/* The first numbers of the segments in growing order, to be freed; false, and error filled. */
bool spool_folder_list(const struct spool_folder *folder, uint64_t **first, size_t *count,
                       char *error, size_t len);
/* -1 and errno. Regular files only. */
int spool_folder_open_segment(const struct spool_folder *folder, uint64_t first, int flags);
void spool_folder_remove_segment(const struct spool_folder *folder, uint64_t first);

/*
 * Reads a segment whose numbers are below `limit` into an index that was begun. What is behind its
 * last whole record is cut off. SPOOL_RECOVERY_NONE: there is nothing in it that could be given,
 * and it was removed, or set aside as NAME.unread, and said.
 */
enum spool_recovery { SPOOL_RECOVERY_OK, SPOOL_RECOVERY_NONE, SPOOL_RECOVERY_FAILED };
struct spool_recovered {
    uint64_t bytes;   /* of the file */
    uint64_t next;    /* no record in it has this number or a higher one */
    unsigned damages; /* places that were no record; a file that was set aside is one */
};
enum spool_recovery spool_folder_recover(const struct spool_folder *folder,
                                         const struct spool_confirmed *confirmed, uint64_t limit,
                                         struct spool_index *index, struct spool_recovered *out,
                                         char *error, size_t len);

#endif
