/*
 * report_page: text on a page of 80 columns: lines broken at spaces, numbers in groups of three.
 * Internal to the report.
 */
#ifndef SIPSPAN_PIPELINE_REPORT_PAGE_H
#define SIPSPAN_PIPELINE_REPORT_PAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Prints prefix and then text, whose further lines are indented by `indent`. Lines break at spaces,
 * of which several count as one; a word that is longer than a line is broken where it must.
 */
void report_page_print(FILE *out, const char *prefix, int indent, const char *text);

/* A count and what it counts: a row of a table. */
void report_page_row(FILE *out, uint64_t count, const char *what);

/* The same with what it counts in one of two forms, then `rest`. None where the count is 0. */
void report_page_row_of(FILE *out, uint64_t count, const char *one, const char *many,
                        const char *rest);

/* "12:00:59", or with the day before it; UTC. */
void report_page_time(int64_t time_ns, bool with_date, char *buf, size_t len);

static inline const char *report_page_plural(uint64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}

/* "1,234,567"; good until the eighth call after it by the same thread. */
const char *report_page_count(uint64_t count);

#endif
