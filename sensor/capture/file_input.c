#include "capture/file_input.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/capture_backend.h"
#include "capture/gzip_stream.h"

enum { PACKED_SIZE = 256 << 10 };

static void set_name(struct file_input *in)
{
    size_t len = strlen(in->path);
    if (strcmp(in->path, "-") == 0)
        snprintf(in->name, sizeof in->name, "standard input");
    else if (len < sizeof in->name)
        memcpy(in->name, in->path, len + 1);
    else
        snprintf(in->name, sizeof in->name, "...%s", in->path + len - (sizeof in->name - 4));
}

static int open_fd(struct file_input *in, struct capture_error *error)
{
    struct stat st;
    bool standard_input = strcmp(in->path, "-") == 0;
    in->fd = standard_input ? STDIN_FILENO : open(in->path, O_RDONLY | O_CLOEXEC);
    if (in->fd < 0 || fstat(in->fd, &st) != 0) {
        capture_error_set(error, 2, "%s: cannot be opened: %s", in->name, strerror(errno));
        return -1;
    }
    if (S_ISDIR(st.st_mode)) {
        capture_error_set(error, 2, "%s: is a directory; name the capture files in it", in->name);
        return -1;
    }
    /* Standard input may be a file that somebody has read a part of. */
    in->regular = S_ISREG(st.st_mode) && !standard_input;
    in->size = in->regular ? (uint64_t)st.st_size : 0;
    in->consumed = 0;
    in->ended = false;
    return 0;
}

static void close_fd(struct file_input *in)
{
    if (in->fd > STDIN_FILENO)
        close(in->fd);
    in->fd = -1;
}

int file_input_open(struct file_input *in, const char *path, int stop_fd,
                    struct capture_error *error)
{
    *in = (struct file_input){.path = path, .fd = -1, .stop_fd = stop_fd};
    set_name(in);
    return open_fd(in, error);
}

static void free_buffers(struct file_input *in)
{
    gzip_stream_destroy(in->gzip);
    free(in->packed);
    free(in->window);
    in->gzip = NULL;
    in->packed = in->window = NULL;
    in->packed_at = in->packed_len = in->window_size = in->start = in->end = 0;
}

void file_input_fini(struct file_input *in)
{
    close_fd(in);
    free_buffers(in);
}

void file_input_park(struct file_input *in)
{
    uint64_t offset = file_input_offset(in);
    close_fd(in);
    free_buffers(in);
    in->window_offset = offset;
    in->consumed = 0;
}

/* Moves what is left to the front, and makes room for `need` octets in all. 0 or -ENOMEM. */
static int make_room(struct file_input *in, size_t need)
{
    size_t left = file_input_left(in);
    if (in->start > 0) {
        memmove(in->window, in->window + in->start, left);
        in->window_offset += in->start;
        in->start = 0;
        in->end = left;
    }
    size_t size = need > FILE_INPUT_WINDOW ? need : FILE_INPUT_WINDOW;
    if (in->window && in->window_size >= size)
        return 0;
    uint8_t *window = realloc(in->window, size);
    if (!window)
        return -ENOMEM;
    in->window = window;
    in->window_size = size;
    return 0;
}

/* A pipe may stay silent for hours: waits for it and for capture_stop alike. False: stopped. */
static bool wait_readable(const struct file_input *in)
{
    struct pollfd fds[] = {{.fd = in->stop_fd, .events = POLLIN}, {.fd = in->fd, .events = POLLIN}};
    while (poll(fds, 2, -1) < 0 && errno == EINTR)
        ;
    return fds[0].revents == 0;
}

static enum file_input_status read_block(struct file_input *in, uint8_t *out, size_t len,
                                         size_t *got, struct capture_error *error)
{
    *got = 0;
    for (;;) {
        if (!in->regular && !wait_readable(in))
            return FILE_INPUT_STOPPED;
        ssize_t n = read(in->fd, out, len);
        if (n > 0) {
            *got = (size_t)n;
            in->consumed += (uint64_t)n;
            return FILE_INPUT_OK;
        }
        if (n == 0) {
            in->ended = true;
            return FILE_INPUT_END;
        }
        if (errno == EINTR || errno == EAGAIN)
            continue;
        capture_error_set(error, 1, "%s: cannot be read at offset %" PRIu64 ": %s; %s", in->name,
                          in->consumed, strerror(errno), "what was before it has been read");
        return FILE_INPUT_FAILED;
    }
}

static enum file_input_status fill_plain(struct file_input *in, struct capture_error *error)
{
    size_t got;
    enum file_input_status status =
        read_block(in, in->window + in->end, in->window_size - in->end, &got, error);
    in->end += got;
    return status;
}

static enum file_input_status gzip_failed(struct file_input *in, enum gzip_status status,
                                          struct capture_error *error)
{
    uint64_t at = in->consumed - in->packed_len;
    if (status == GZIP_MEMORY)
        capture_error_set(error, 1, "%s: out of memory while inflating it", in->name);
    else if (status == GZIP_CORRUPT)
        capture_error_set(error, 1,
                          "%s: corrupt gzip data at offset %" PRIu64
                          " of the compressed file; what was before it has been read. Check it "
                          "with gzip -t, or copy it again",
                          in->name, at);
    else
        capture_error_set(error, 1,
                          "%s: the gzip data is cut off at offset %" PRIu64
                          " of the compressed file; what was before it has been read. Copy it "
                          "again, or wait until its writer has closed it",
                          in->name, at);
    return FILE_INPUT_FAILED;
}

/* Inflates until there is something new in the window, or the input ends. */
static enum file_input_status fill_gzip(struct file_input *in, struct capture_error *error)
{
    for (;;) {
        size_t written;
        const uint8_t *at = in->packed + in->packed_at;
        size_t len = in->packed_len;
        enum gzip_status status = gzip_stream_inflate(in->gzip, &at, &len, in->window + in->end,
                                                      in->window_size - in->end, &written);
        in->packed_at += in->packed_len - len;
        in->packed_len = len;
        in->end += written;
        if (written > 0)
            return FILE_INPUT_OK;
        if (status == GZIP_CORRUPT || status == GZIP_MEMORY)
            return gzip_failed(in, status, error);

        enum file_input_status read_status =
            read_block(in, in->packed, PACKED_SIZE, &in->packed_len, error);
        in->packed_at = 0;
        if (read_status == FILE_INPUT_END && !gzip_stream_is_complete(in->gzip))
            return gzip_failed(in, GZIP_INPUT, error);
        if (read_status != FILE_INPUT_OK)
            return read_status;
    }
}

/* The first octets are there: if they are gzip's (RFC 1952 section 2.3.1), inflates from here on.
 */
static enum file_input_status start_gzip(struct file_input *in, struct capture_error *error)
{
    in->gzip = gzip_stream_create();
    in->packed = malloc(PACKED_SIZE > in->end ? PACKED_SIZE : in->end);
    if (!in->gzip || !in->packed) {
        capture_error_set(error, 1, "%s: out of memory for its gzip data", in->name);
        return FILE_INPUT_FAILED;
    }
    memcpy(in->packed, in->window, in->end);
    in->packed_at = 0;
    in->packed_len = in->end;
    in->start = in->end = 0;
    return FILE_INPUT_OK;
}

static enum file_input_status start_reading(struct file_input *in, struct capture_error *error)
{
    in->start = in->end = 0;
    if (make_room(in, 0) != 0) {
        capture_error_set(error, 1, "%s: out of memory", in->name);
        return FILE_INPUT_FAILED;
    }
    enum file_input_status status = FILE_INPUT_OK;
    while (status == FILE_INPUT_OK && in->end < 2)
        status = fill_plain(in, error);
    if (status != FILE_INPUT_OK && status != FILE_INPUT_END)
        return status;
    if (in->end >= 2 && in->window[0] == 0x1f && in->window[1] == 0x8b)
        return start_gzip(in, error);
    return FILE_INPUT_OK;
}

static enum file_input_status fill_some(struct file_input *in, struct capture_error *error)
{
    if (in->gzip)
        return fill_gzip(in, error);
    return in->ended ? FILE_INPUT_END : fill_plain(in, error);
}

/* After parking: opens the file anew and goes to where it was. */
static enum file_input_status resume(struct file_input *in, struct capture_error *error)
{
    uint64_t offset = in->window_offset;
    in->window_offset = 0;
    if (open_fd(in, error) != 0)
        return FILE_INPUT_FAILED;
    enum file_input_status status = start_reading(in, error);
    while (status == FILE_INPUT_OK && in->window_offset + in->end < offset) {
        in->start = in->end;
        (void)make_room(in, 0); /* there is a window, and it only moves */
        status = fill_some(in, error);
    }
    if (status == FILE_INPUT_OK)
        in->start = (size_t)(offset - in->window_offset);
    return status;
}

enum file_input_status file_input_fill(struct file_input *in, size_t need,
                                       struct capture_error *error)
{
    enum file_input_status status = FILE_INPUT_OK;
    if (!in->window)
        status = in->fd < 0 ? resume(in, error) : start_reading(in, error);
    if (status == FILE_INPUT_OK && file_input_left(in) < need && make_room(in, need) != 0) {
        capture_error_set(error, 1, "%s: out of memory for a block of %zu octets", in->name, need);
        return FILE_INPUT_FAILED;
    }
    while (status == FILE_INPUT_OK && file_input_left(in) < need)
        status = fill_some(in, error);
    return status;
}
