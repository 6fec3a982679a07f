/* For the fuzz targets that give events: what holds of each of them, whatever came in. */
#ifndef SIPSPAN_TESTS_EVENT_CHECK_H
#define SIPSPAN_TESTS_EVENT_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#include "event/event_json.h"

static inline void check(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "broken promise: %s\n", what);
    abort();
}

static inline void check_json(const struct event *event)
{
    struct json_writer writer;
    json_writer_init(&writer, 1 << 24);
    event_json_put_line(&writer, event, "fuzz");
    check(!writer.failed, "an event can be written");
    check(writer.len > 3 && writer.text[writer.len - 1] == '\n', "an event is a line");
    struct slice text = slice_of(writer.text, writer.len - 1);
    for (size_t i = 0; i < text.len; i++)
        check(text.at[i] >= ' ' && text.at[i] < 0x7f, "an event is printable ASCII on one line");
    check(text.at[0] == '{' && text.at[text.len - 1] == '}', "JSON is an object");
    json_writer_fini(&writer);
}

#endif
