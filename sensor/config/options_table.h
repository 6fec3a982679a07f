/*
 * options_table: how the rows of the table of options are written. Internal to config; which
 * options there are is asked of options.h.
 */
#ifndef SIPSPAN_CONFIG_OPTIONS_TABLE_H
#define SIPSPAN_CONFIG_OPTIONS_TABLE_H

#include <stddef.h>

#include "config/config.h"
#include "config/options.h"

#define KIB(n)          ((uint64_t)(n) << 10)
#define MIB(n)          ((uint64_t)(n) << 20)
#define PERCENT(n)      ((uint64_t)(n)*10000U)
#define GIB(n)          ((uint64_t)(n) << 30)
#define TIB(n)          ((uint64_t)(n) << 40)
#define MILLISECONDS(n) ((uint64_t)(n)*1000000U)
#define SECONDS(n)      MILLISECONDS((n)*1000U)
#define MINUTES(n)      SECONDS((n)*60U)
#define HOURS(n)        MINUTES((n)*60U)

#define FIELD(name) .offset = offsetof(struct config, name)
#define ANYWHERE    (OPTION_IN_CLI | OPTION_IN_ENV | OPTION_IN_FILE)

/* A part of the table. */
struct options_part {
    const struct option_spec *row;
    size_t count;
};

extern const struct options_part options_of_capture; /* options_table.c */
extern const struct options_part options_of_export;  /* options_export.c */
extern const struct options_part options_of_others;  /* options_others.c */

#endif
