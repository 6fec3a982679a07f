/*
 * yaml_reader: a YAML document as a row of items, and the only file that sees libyaml.
 *
 * Takes the part of YAML that a configuration needs: lists, maps and scalars, in one document.
 * Anchors and aliases (a few lines of which can stand for gigabytes), tags and deep nesting are
 * refused.
 *
 * One thread at a time.
 */
#ifndef SIPSPAN_CONFIG_YAML_READER_H
#define SIPSPAN_CONFIG_YAML_READER_H

#include "base/slice.h"

enum yaml_item_kind {
    YAML_ITEM_END, /* of the input; comes again and again */
    YAML_ITEM_SCALAR,
    YAML_ITEM_LIST,
    YAML_ITEM_LIST_END,
    YAML_ITEM_MAP,
    YAML_ITEM_MAP_END,
};

struct yaml_item {
    enum yaml_item_kind kind;
    unsigned line;     /* from 1 */
    struct slice text; /* of a scalar; until the next item is read */
};

struct yaml_reader;

/* `input` must outlive the reader. NULL: no memory. */
struct yaml_reader *yaml_reader_create(struct slice input);
void yaml_reader_destroy(struct yaml_reader *reader);

/*
 * 0 or -EINVAL: the input is not what is taken here; yaml_reader_problem then says why, and every
 * further call returns the same.
 */
int yaml_reader_next(struct yaml_reader *reader, struct yaml_item *item);
/* Until the reader is destroyed. */
const char *yaml_reader_problem(const struct yaml_reader *reader, unsigned *line);

#endif
