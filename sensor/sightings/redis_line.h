/*
 * redis_line: one connection to Redis or Valkey, blocking, with time limits; the only file that
 * sees hiredis, of which it uses what 0.14 has. Commands are appended and go out together with the
 * first read of a reply; there is one reply for each, in their order. A reply is whole within a
 * second and has at most 64 KiB, or the connection counts as lost: whatever listens there, it
 * neither holds the thread nor fills the memory.
 */
#ifndef SIPSPAN_SIGHTINGS_REDIS_LINE_H
#define SIPSPAN_SIGHTINGS_REDIS_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct redis_line;

enum { REDIS_LINE_WORDS_MAX = 24, REDIS_LINE_ERROR_MAX = 160 };

/* NULL: "HOST:PORT", "[ADDRESS]:PORT" or "unix:PATH" that can be understood; else why not. */
const char *redis_line_check(const char *server);

/* Connects and logs in (user and password may be NULL). NULL, and error filled: it did not work. */
struct redis_line *redis_line_open(const char *server, const char *user, const char *password,
                                   char error[static REDIS_LINE_ERROR_MAX]);
void redis_line_close(struct redis_line *line); /* NULL does nothing */

/* The words of a command; any octets. */
void redis_line_send(struct redis_line *line, const struct slice *word, size_t words);

enum redis_line_type {
    REDIS_LINE_NOTHING, /* nil, and whatever else is none of these */
    REDIS_LINE_TEXT,
    REDIS_LINE_LIST,
    REDIS_LINE_REFUSED, /* text says why */
};

/* A view: lives until the next read. */
struct redis_line_reply {
    enum redis_line_type type;
    struct slice text;
    size_t count; /* of the list */
    const void *list;
};

/* False: the connection is lost, and error is filled. */
bool redis_line_read(struct redis_line *line, struct redis_line_reply *reply,
                     char error[static REDIS_LINE_ERROR_MAX]);
/* One of the list; empty where it is no text. */
struct slice redis_line_at(const struct redis_line_reply *reply, size_t index);

const char *redis_line_library_version(void);

#endif
