/*
 * file_input: a window that moves over the octets of a capture file: plain or gzip (told by its
 * first octets, not by its name), a regular file, a pipe or standard input. Private to capture/.
 *
 * Plain files are read(2) in large blocks straight into the window; nothing is copied but the piece
 * of a record that a block's end has cut, which moves to the front. Filling the window invalidates
 * every pointer into it. Offsets are those of the inflated data.
 */
#ifndef SIPSPAN_CAPTURE_FILE_INPUT_H
#define SIPSPAN_CAPTURE_FILE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/capture.h"

enum {
    FILE_INPUT_WINDOW = 128 << 10, /* stays in a second-level cache; larger ones were no faster */
    FILE_INPUT_NAME_MAX = 256,
};

struct gzip_stream;

struct file_input {
    const char *path;               /* the caller's, as long as the input lives */
    char name[FILE_INPUT_NAME_MAX]; /* for messages: the path, of a long one its end */
    int fd;
    int stop_fd;             /* readable: give up waiting for a pipe */
    bool regular;            /* has a size and can be opened again */
    uint64_t size, consumed; /* octets of the file as it lies there, so compressed ones */
    uint8_t *window;
    size_t window_size, start, end;
    uint64_t window_offset;   /* of window[0] */
    struct gzip_stream *gzip; /* NULL: plain */
    uint8_t *packed;          /* of gzip: what was read and not yet inflated */
    size_t packed_at, packed_len;
    bool ended;
};

enum file_input_status {
    FILE_INPUT_OK,
    FILE_INPUT_END, /* the octets that are left are fewer */
    FILE_INPUT_STOPPED,
    FILE_INPUT_FAILED, /* *error says why; what was read before it is there */
};

/* 0, or -1 and *error. fini in every case. */
int file_input_open(struct file_input *in, const char *path, int stop_fd,
                    struct capture_error *error);
void file_input_fini(struct file_input *in);

/* Sees to it that `need` octets are there, if the file has them. */
enum file_input_status file_input_fill(struct file_input *in, size_t need,
                                       struct capture_error *error);

/*
 * Gives up file and window, keeping the place: so that a thousand files do not cost a thousand
 * windows. Regular files only. The next fill goes on from there.
 */
void file_input_park(struct file_input *in);

static inline const uint8_t *file_input_at(const struct file_input *in)
{
    return in->window + in->start;
}

static inline size_t file_input_left(const struct file_input *in)
{
    return in->end - in->start;
}

static inline uint64_t file_input_offset(const struct file_input *in)
{
    return in->window_offset + in->start;
}

#endif
