/*
 * report: what was found, at the end of reading: for people (80 columns, what failed first) or as
 * one JSON object with all of it.
 */
#ifndef SIPSPAN_PIPELINE_REPORT_H
#define SIPSPAN_PIPELINE_REPORT_H

#include <stdio.h>

#include "pipeline/pipeline.h"

struct report_source {
    const struct pipeline *pipeline;
    const char *const *inputs; /* file names */
    size_t input_count;
    const char *sensor_id;
    const char *error; /* why reading ended badly, or NULL */
};

void report_print_text(const struct report_source *source, FILE *out);
/* One line. False when memory is out. */
bool report_print_json(const struct report_source *source, FILE *out);

/* In words: "no colon in a header line". For people. */
const char *report_refusal_text(enum sip_refusal refusal);

#endif
