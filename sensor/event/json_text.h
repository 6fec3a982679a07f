/*
 * json_text: for who builds JSON with jansson (the report, not events): text from the wire, and how
 * it all is written.
 */
#ifndef SIPSPAN_EVENT_JSON_TEXT_H
#define SIPSPAN_EVENT_JSON_TEXT_H

#include "base/slice.h"

struct json_t;

/*
 * For json_dumps: on one line, the order of fields kept, and nothing but printable ASCII, so that
 * neither a terminal nor a reader of lines takes an octet from the wire for a command.
 */
#define JSON_TEXT_FLAGS                                                                            \
    (JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15))

/* A new string with text's octets; each that is not UTF-8, and DEL, becomes U+FFFD. */
struct json_t *json_text(struct slice text);

/* The version of jansson that is in use: "2.14". */
const char *json_text_library_version(void);

#endif
