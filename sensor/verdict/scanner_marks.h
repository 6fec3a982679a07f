/*
 * scanner_marks: what one request shows by itself of the program that made it. Pure. Internal to
 * scanner.
 */
#ifndef SIPSPAN_VERDICT_SCANNER_MARKS_H
#define SIPSPAN_VERDICT_SCANNER_MARKS_H

#include "verdict/scanner.h"

struct scanner_mark {
    struct slice words; /* static; empty: it shows nothing */
    bool is_certain;    /* no honest program looks like this */
};

struct scanner_mark scanner_mark_read(const struct scanner_request *request);

/* The user part of a URI, of a tel URI the number; empty if it has none. */
struct slice scanner_user(struct slice uri);

#endif
