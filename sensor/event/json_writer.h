/*
 * json_writer: JSON (RFC 8259) appended to a buffer that is kept and used again, so that in the
 * long run writing allocates nothing.
 *
 * Only printable ASCII comes out, on one line: neither a terminal nor a reader of lines takes an
 * octet from the wire for a command. What is put goes into the object begun last; each value there
 * has a key, a text of our own making that needs no escaping. Values in arrays have none (NULL):
 * objects, as far as events go.
 *
 * When the limit is reached or memory runs out `failed` is set, and what is put after is dropped:
 * write all of it and look once. One thread.
 */
#ifndef SIPSPAN_EVENT_JSON_WRITER_H
#define SIPSPAN_EVENT_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "net/endpoint.h"

struct json_writer {
    char *text; /* not NUL-terminated; NULL while nothing was put */
    size_t len, capacity;
    size_t limit; /* of len */
    bool failed;
};

/* Allocates nothing yet. */
void json_writer_init(struct json_writer *writer, size_t limit);
void json_writer_fini(struct json_writer *writer);
/* Back to an earlier len: what was put since is gone, and `failed` with it. */
void json_writer_cut(struct json_writer *writer, size_t len);

void json_begin_object(struct json_writer *writer, const char *key);
void json_end_object(struct json_writer *writer);
void json_begin_array(struct json_writer *writer, const char *key);
void json_end_array(struct json_writer *writer);
/* The outermost object is whole: a newline. */
void json_end_line(struct json_writer *writer);

/* As they are: for who keeps JSON in a format of its own, between octets that are none. They must
 * not be the writer's. */
void json_put_octets(struct json_writer *writer, struct slice octets);

/* Any octets; each that is not UTF-8, and DEL, becomes U+FFFD. */
void json_put_text(struct json_writer *writer, const char *key, struct slice text);
void json_put_unsigned(struct json_writer *writer, const char *key, uint64_t value);
void json_put_bool(struct json_writer *writer, const char *key, bool value);
/* With six decimals at most, none of them needless but one: always a real, never an exponent. */
void json_put_millionths(struct json_writer *writer, const char *key, int64_t value);
/* The same, rounded. What is not finite, or beyond 9e12, is not put: it can only be a mistake. */
void json_put_real(struct json_writer *writer, const char *key, double value);
/* RFC 3339, as rfc3339_format has it. */
void json_put_time(struct json_writer *writer, const char *key, int64_t time_ns);
/* Its version is 4 or 6. */
void json_put_ip(struct json_writer *writer, const char *key, const struct ip_addr *ip);
/* "0x1234abcd" */
void json_put_hex32(struct json_writer *writer, const char *key, uint32_t value);

#endif
