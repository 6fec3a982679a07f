#include "capture/gzip_stream.h"

#include <limits.h>
#include <stdlib.h>
#define ZLIB_CONST /* so that its input is const */
#include <zlib.h>

enum { GZIP_WINDOW_BITS = 15 + 16 }; /* zlib: 16 means a gzip wrapper and no other */

struct gzip_stream {
    z_stream z;
    bool between; /* members: the last one has ended */
};

struct gzip_stream *gzip_stream_create(void)
{
    struct gzip_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return NULL;
    if (inflateInit2(&stream->z, GZIP_WINDOW_BITS) != Z_OK) {
        free(stream);
        return NULL;
    }
    return stream;
}

void gzip_stream_destroy(struct gzip_stream *stream)
{
    if (!stream)
        return;
    inflateEnd(&stream->z);
    free(stream);
}

/* Steps over the zeros that a tape or a block device leaves after the last member. */
static void skip_padding(const uint8_t **in, size_t *in_len)
{
    while (*in_len > 0 && **in == 0) {
        (*in)++;
        (*in_len)--;
    }
}

enum gzip_status gzip_stream_inflate(struct gzip_stream *stream, const uint8_t **in, size_t *in_len,
                                     uint8_t *out, size_t out_len, size_t *written)
{
    z_stream *z = &stream->z;
    *written = 0;
    while (*written < out_len) {
        if (stream->between) {
            skip_padding(in, in_len);
            if (*in_len > 0 && inflateReset(z) == Z_OK)
                stream->between = false;
        }
        if (*in_len == 0)
            return GZIP_INPUT;
        z->next_in = *in;
        z->avail_in = (uInt)(*in_len < UINT_MAX ? *in_len : UINT_MAX);
        z->next_out = out + *written;
        z->avail_out = (uInt)(out_len - *written < UINT_MAX ? out_len - *written : UINT_MAX);
        uInt in_before = z->avail_in, out_before = z->avail_out;
        int rc = inflate(z, Z_NO_FLUSH);
        *in += in_before - z->avail_in;
        *in_len -= in_before - z->avail_in;
        *written += out_before - z->avail_out;
        if (rc == Z_STREAM_END)
            stream->between = true;
        else if (rc == Z_MEM_ERROR)
            return GZIP_MEMORY;
        else if (rc != Z_OK && rc != Z_BUF_ERROR)
            return GZIP_CORRUPT;
    }
    return GZIP_OUTPUT;
}

bool gzip_stream_is_complete(const struct gzip_stream *stream)
{
    return stream->between;
}
