#include "config/options.h"

#include <stdio.h>

#include "config/options_table.h"

static const struct options_part *const parts[] = {&options_of_capture, &options_of_export,
                                                   &options_of_others};

enum { PARTS = sizeof parts / sizeof parts[0] };

static const char *const group_titles[OPTION_GROUP_COUNT] = {
    [OPTION_GROUP_INPUT] = "Where packets come from",
    [OPTION_GROUP_OUTPUT] = "What comes out",
    [OPTION_GROUP_KAFKA] = "Events to Kafka",
    [OPTION_GROUP_SENSORS] = "Several sensors together, by Redis",
    [OPTION_GROUP_HEP] = "HEP, in and out",
    [OPTION_GROUP_CAPTURE] = "Live capture",
    [OPTION_GROUP_LIMITS] = "Limits and timers",
    [OPTION_GROUP_MEDIA] = "Media",
    [OPTION_GROUP_PEERS] = "In the configuration file only",
    [OPTION_GROUP_PROGRAM] = "The program itself",
};

size_t options_count(void)
{
    size_t count = 0;
    for (size_t i = 0; i < PARTS; i++)
        count += parts[i]->count;
    return count;
}

const struct option_spec *options_at(size_t index)
{
    size_t i = 0;
    for (; i < PARTS - 1 && index >= parts[i]->count; i++)
        index -= parts[i]->count;
    return &parts[i]->row[index];
}

size_t options_index(const struct option_spec *option)
{
    size_t index = 0;
    while (options_at(index) != option)
        index++;
    return index;
}

const struct option_spec *options_find(struct slice key)
{
    for (size_t i = 0; i < options_count(); i++)
        if (slice_eq(key, slice_str(options_at(i)->key)))
            return options_at(i);
    return NULL;
}

const char *options_flag(const struct option_spec *option, char buf[static OPTION_TEXT_MAX])
{
    snprintf(buf, OPTION_TEXT_MAX, "--%s", option->key);
    for (char *c = buf; *c; c++)
        if (*c == '_')
            *c = '-';
    return buf;
}

const char *options_variable(const struct option_spec *option, char buf[static OPTION_TEXT_MAX])
{
    snprintf(buf, OPTION_TEXT_MAX, "SIPSPAN_%s", option->key);
    for (char *c = buf; *c; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    return buf;
}

const char *options_metavar(const struct option_spec *option, char buf[static OPTION_TEXT_MAX])
{
    size_t len =
        (size_t)snprintf(buf, OPTION_TEXT_MAX, "%s", option->metavar ? option->metavar : "");
    for (size_t i = 0; option->choices && option->choices[i] && len < OPTION_TEXT_MAX; i++)
        len += (size_t)snprintf(buf + len, OPTION_TEXT_MAX - len, "%s%s", i == 0 ? "" : "|",
                                option->choices[i]);
    return buf;
}

const struct option_spec *options_find_variable(struct slice name)
{
    char variable[OPTION_TEXT_MAX];
    for (size_t i = 0; i < options_count(); i++) {
        const struct option_spec *option = options_at(i);
        if (option->places & OPTION_IN_ENV &&
            slice_eq(name, slice_skip(slice_str(options_variable(option, variable)), 8)))
            return option;
    }
    return NULL;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

/* Levenshtein's: insertions, deletions and replacements that make one of the other. */
static unsigned edit_distance(struct slice a, struct slice b)
{
    unsigned row[OPTION_TEXT_MAX + 1];
    for (unsigned j = 0; j <= b.len; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            unsigned replaced = diagonal + (a.at[i - 1] != b.at[j - 1]);
            diagonal = row[j];
            row[j] = min3(row[j] + 1, row[j - 1] + 1, replaced);
        }
    }
    return row[b.len];
}

const struct option_spec *options_nearest(struct slice typed, unsigned places)
{
    char key[OPTION_TEXT_MAX];
    if (typed.len == 0 || typed.len > sizeof key)
        return NULL;
    for (size_t i = 0; i < typed.len; i++)
        key[i] = typed.at[i] == '-' ? '_' : slice_lower_char(typed.at[i]);
    /* A third of it wrong is a slip of the fingers; more is another word. */
    unsigned least = typed.len <= 4 ? 1 : typed.len <= 6 ? 2 : (unsigned)typed.len / 3;
    const struct option_spec *nearest = NULL;
    for (size_t i = 0; i < options_count(); i++) {
        const struct option_spec *option = options_at(i);
        if (!(option->places & places))
            continue;
        unsigned distance = edit_distance(slice_of(key, typed.len), slice_str(option->key));
        if (distance < least || (distance == least && !nearest)) {
            least = distance;
            nearest = option;
        }
    }
    return nearest;
}

const char *options_group_title(enum option_group group)
{
    return group_titles[group];
}
