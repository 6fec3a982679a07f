/* For the fuzz targets that give events: what holds of each of them, whatever came in. */
#ifndef SIPSPAN_TESTS_EVENT_CHECK_H
#define SIPSPAN_TESTS_EVENT_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#include "event/event_json.h"
#include "sip/sip_lex.h"

static inline void check(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "broken promise: %s\n", what);
    abort();
}

static inline void check_json(const struct event *event)
{
    char *line = event_json_structured(event, "fuzz");
    check(line != NULL, "an event can be written");
    struct slice text = slice_str(line);
    check((sip_octets_check(text) & (SIP_OCTETS_NON_UTF8 | SIP_OCTETS_NUL)) == 0,
          "JSON is UTF-8 without NUL");
    for (size_t i = 0; i < text.len; i++)
        check((uint8_t)text.at[i] >= 0x20, "an event is one line without control characters");
    check(text.len > 2 && text.at[0] == '{' && text.at[text.len - 1] == '}', "JSON is an object");
    free(line);
}

#endif
