/*
 * report_media: what the report says of the media: how many streams were bad and why, the worst of
 * them, calls heard in one direction only, and what else there is on UDP. Internal to the report.
 */
#ifndef SIPSPAN_PIPELINE_REPORT_MEDIA_H
#define SIPSPAN_PIPELINE_REPORT_MEDIA_H

#include <stdio.h>

#include "pipeline/report_sections.h"

struct json_t;

/* Each prints nothing where there is nothing to say. */
void report_media_print(const struct media_tally *media, FILE *out);
void report_other_udp_print(const struct report_figures *figures, FILE *out);

/* New objects: "media", and the array "other_udp". */
struct json_t *report_media_json(const struct media_tally *media);
struct json_t *report_other_udp_json(const struct report_figures *figures);

#endif
