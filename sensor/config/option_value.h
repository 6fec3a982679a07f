/*
 * option_value: the text of an option's value, to and from what struct config holds.
 *
 * Pure functions but for the heap: any thread.
 */
#ifndef SIPSPAN_CONFIG_OPTION_VALUE_H
#define SIPSPAN_CONFIG_OPTION_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "config/options.h"

struct option_value {
    char
        *string; /* strings and one item of a list: from the heap, the caller frees it; else NULL */
    uint64_t number; /* everything else: bytes, ns, millionths, index of the choice, 0 or 1 */
};

enum { OPTION_EXPECTED_MAX = 128, OPTION_QUOTE_MAX = 64 };

/*
 * Understands one value, for a list one item. 0, -EINVAL (not what option_value_expected says;
 * out of its range too) or -ENOMEM; *out is set only with 0.
 */
int option_value_parse(const struct option_spec *option, struct slice text,
                       struct option_value *out);

/* Of an OPTION_SHARE, 0 to 1. */
static inline double option_value_share(const struct option_value *value)
{
    return (double)value->number / 1e6;
}

/* What the option takes: "a size from 32MiB to 1TiB (bytes, or with KiB, MiB, GiB or TiB)". Returns
 * buf. */
const char *option_value_expected(const struct option_spec *option,
                                  char buf[static OPTION_EXPECTED_MAX]);
/* "32MiB to 1TiB", "" for what has no range. Returns buf. */
const char *option_value_range(const struct option_spec *option,
                               char buf[static OPTION_EXPECTED_MAX]);

/* For messages: cut where it is long, and without what a terminal would act upon. Returns buf. */
const char *option_value_quote(struct slice text, char buf[static OPTION_QUOTE_MAX]);

#endif
