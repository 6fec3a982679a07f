/* What lies in Redis, as text and back. Others wrote it: it is looked at as what comes from the
 * wire. */
#include <inttypes.h>
#include <stdio.h>

#include "sightings/sightings_fitness.h"

static const struct {
    const char *name;
    size_t offset;
} fields[SIGHTINGS_BEAT_FIELDS] = {
    {"up", offsetof(struct sightings_beat, up_ns)},
    {"done", offsetof(struct sightings_beat, done_ns)},
    {"packet", offsetof(struct sightings_beat, packet_ns)},
    {"lost", offsetof(struct sightings_beat, lost_ns)},
    {"offset", offsetof(struct sightings_beat, offset_ns)},
};

/* So far from the ends that sums and differences stay in. */
#define MICROS_MAX (INT64_MAX / 4000)

enum { FIELD_UP = 0, FIELD_OFFSET = 4 };

static bool read_micros(struct slice text, int64_t *time_ns)
{
    uint64_t micros;
    bool is_negative = text.len > 0 && text.at[0] == '-';
    if (!slice_to_u64(slice_skip(text, is_negative), MICROS_MAX, &micros))
        return false;
    *time_ns = (is_negative ? -(int64_t)micros : (int64_t)micros) * 1000;
    return true;
}

void sightings_beat_format(const struct sightings_beat *beat, struct sightings_beat_text *text)
{
    for (unsigned i = 0; i < SIGHTINGS_BEAT_FIELDS; i++) {
        int64_t value_ns;
        memcpy(&value_ns, (const char *)beat + fields[i].offset, sizeof value_ns);
        bool is_known = i == FIELD_OFFSET ? beat->has_offset : value_ns != SIGHTINGS_NEVER;
        text->field[i].name = fields[i].name;
        text->field[i].value[0] = '\0';
        if (is_known)
            snprintf(text->field[i].value, sizeof text->field[i].value, "%" PRId64,
                     value_ns / 1000);
    }
}

void sightings_beat_init(struct sightings_beat *beat)
{
    *beat = (struct sightings_beat){
        .up_ns = SIGHTINGS_NEVER,
        .done_ns = SIGHTINGS_NEVER,
        .packet_ns = SIGHTINGS_NEVER,
        .lost_ns = SIGHTINGS_NEVER,
    };
}

void sightings_beat_read(struct sightings_beat *beat, struct slice name, struct slice value)
{
    int64_t value_ns;
    if (!read_micros(value, &value_ns))
        return;
    for (unsigned i = 0; i < SIGHTINGS_BEAT_FIELDS; i++) {
        if (!slice_eq(name, slice_str(fields[i].name)))
            continue;
        memcpy((char *)beat + fields[i].offset, &value_ns, sizeof value_ns);
        beat->is_there |= i == FIELD_UP;
        beat->has_offset |= i == FIELD_OFFSET;
    }
}

void sightings_times_init(struct sightings_times at[static SIGHTINGS_POINTS_MAX])
{
    for (unsigned i = 0; i < SIGHTINGS_POINTS_MAX; i++)
        at[i] = (struct sightings_times){SIGHTINGS_NEVER, SIGHTINGS_NEVER, false};
}

void sightings_times_read(struct sightings_times at[static SIGHTINGS_POINTS_MAX],
                          const char *const *path, size_t path_len, struct slice name,
                          struct slice value)
{
    int64_t time_ns;
    if (name.len < 3 || !read_micros(value, &time_ns))
        return;
    struct slice point = slice_head(name, name.len - 2);
    struct slice what = slice_skip(name, name.len - 2);
    for (size_t i = 0; i < path_len; i++) {
        if (!slice_eq(point, slice_str(path[i])))
            continue;
        if (slice_eq(what, SLICE(":q")))
            at[i].request_ns = time_ns;
        else if (slice_eq(what, SLICE(":r")))
            at[i].response_ns = time_ns;
    }
}
