#include "capture/hep_inflate.h"

#include <stdlib.h>

/* Without it next_in would have to point to octets that may be written. */
#define ZLIB_CONST
#include <zlib.h>

/* For inflateInit2: a gzip or a zlib header is looked for, or neither is there. */
enum { HEADER_ANY = MAX_WBITS + 32, HEADER_NONE = -MAX_WBITS };

struct hep_inflate {
    z_stream stream;
};

struct hep_inflate *hep_inflate_create(void)
{
    struct hep_inflate *inflate = calloc(1, sizeof *inflate);
    if (inflate && inflateInit2(&inflate->stream, HEADER_ANY) != Z_OK) {
        free(inflate);
        return NULL;
    }
    return inflate;
}

void hep_inflate_destroy(struct hep_inflate *inflate)
{
    if (inflate)
        inflateEnd(&inflate->stream);
    free(inflate);
}

static size_t try_header(z_stream *stream, int header, struct slice payload, uint8_t *out,
                         size_t size)
{
    if (inflateReset2(stream, header) != Z_OK)
        return 0;
    stream->next_in = (const Bytef *)payload.at;
    stream->avail_in = (uInt)payload.len;
    stream->next_out = out;
    stream->avail_out = (uInt)size;
    bool is_whole = inflate(stream, Z_FINISH) == Z_STREAM_END && stream->avail_in == 0;
    return is_whole ? size - stream->avail_out : 0;
}

size_t hep_inflate_all(struct hep_inflate *inflate, struct slice payload, uint8_t *out, size_t size)
{
    size_t len = try_header(&inflate->stream, HEADER_ANY, payload, out, size);
    return len > 0 ? len : try_header(&inflate->stream, HEADER_NONE, payload, out, size);
}
