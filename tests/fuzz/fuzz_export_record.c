/* Any octets as an event from a spool. The corpus: make_export_corpus.py. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "export/event_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "broken promise: %s\n", what);
    abort();
}

static const char *last_end;

/* Each octet of it is there, behind what came before. */
static void check_slice(struct slice whole, struct slice part)
{
    volatile char sum = 0;
    if (part.len == 0)
        return;
    check(part.at >= last_end && part.at + part.len <= whole.at + whole.len,
          "fields follow one another inside the record");
    for (size_t i = 0; i < part.len; i++)
        sum = (char)(sum + part.at[i]);
    last_end = part.at + part.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice octets = slice_of((const char *)data, size);
    struct event_record record;
    if (!event_record_read(octets, &record))
        return 0;
    check(record.family < FAMILY_COUNT && record.type <= EVENT_TYPE_COUNT, "enums are in range");
    check(record.type_name.len > 0 && record.id.len > 0 && record.source.len > 0 &&
              record.key.len > 0 && record.data.len > 0,
          "what every event has is there");
    last_end = octets.at;
    check_slice(octets, record.type_name);
    check_slice(octets, record.id);
    check_slice(octets, record.time);
    check_slice(octets, record.source);
    check_slice(octets, record.subject);
    check_slice(octets, record.dataschema);
    check_slice(octets, record.key);
    check_slice(octets, record.data);
    check(last_end == octets.at + octets.len, "the data are the rest");
    return 0;
}
