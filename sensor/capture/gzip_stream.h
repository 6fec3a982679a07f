/*
 * gzip_stream: inflates gzip data (RFC 1952) piece by piece, of one member or several after one
 * another. Private to capture/.
 */
#ifndef SIPSPAN_CAPTURE_GZIP_STREAM_H
#define SIPSPAN_CAPTURE_GZIP_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gzip_stream;

enum gzip_status {
    GZIP_OUTPUT,  /* the output is full; call again with more room */
    GZIP_INPUT,   /* the input is used up */
    GZIP_CORRUPT, /* this is no gzip data, or its checksum is wrong */
    GZIP_MEMORY,
};

struct gzip_stream *gzip_stream_create(void); /* NULL when memory is out */
void gzip_stream_destroy(struct gzip_stream *stream);

/*
 * Inflates *in (of *in_len) to `out`; both are moved on by what was used, *written says what was
 * made, also along with GZIP_INPUT and GZIP_CORRUPT.
 */
enum gzip_status gzip_stream_inflate(struct gzip_stream *stream, const uint8_t **in, size_t *in_len,
                                     uint8_t *out, size_t out_len, size_t *written);

/* The input may end here: no member has begun that is not at its end. */
bool gzip_stream_is_complete(const struct gzip_stream *stream);

#endif
