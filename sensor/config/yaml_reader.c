#include "config/yaml_reader.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

enum { DEPTH_MAX = 8 };

struct yaml_reader {
    yaml_parser_t parser;
    yaml_event_t event;
    struct slice input;
    unsigned depth;
    bool holds_event;
    bool saw_document;
    bool ended;
    unsigned problem_line;
    char problem[256]; /* empty: none yet */
};

struct yaml_reader *yaml_reader_create(struct slice input)
{
    struct yaml_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return NULL;
    if (!yaml_parser_initialize(&reader->parser)) {
        free(reader);
        return NULL;
    }
    reader->input = input;
    yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader->parser, (const unsigned char *)(input.at ? input.at : ""),
                                 input.len);
    return reader;
}

static void drop_event(struct yaml_reader *reader)
{
    if (reader->holds_event)
        yaml_event_delete(&reader->event);
    reader->holds_event = false;
}

void yaml_reader_destroy(struct yaml_reader *reader)
{
    if (!reader)
        return;
    drop_event(reader);
    yaml_parser_delete(&reader->parser);
    free(reader);
}

static unsigned line_of_offset(struct slice input, size_t offset)
{
    unsigned line = 1;
    for (size_t i = 0; i < offset && i < input.len; i++)
        line += input.at[i] == '\n';
    return line;
}

static int refuse(struct yaml_reader *reader, size_t line, const char *problem)
{
    reader->problem_line = (unsigned)line;
    snprintf(reader->problem, sizeof reader->problem, "%s", problem);
    return -EINVAL;
}

static int refuse_syntax(struct yaml_reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    const char *problem = parser->problem ? parser->problem : "out of memory";
    /* What is not UTF-8 has an offset only. */
    if (parser->error == YAML_READER_ERROR)
        return refuse(reader, line_of_offset(reader->input, parser->problem_offset), problem);
    refuse(reader, parser->problem_mark.line + 1, problem);
    if (parser->context)
        snprintf(reader->problem, sizeof reader->problem, "%s, %s", problem, parser->context);
    return -EINVAL;
}

/* Sets the item's kind from the event; *wanted is false for events that are of no interest. */
static int take_event(struct yaml_reader *reader, struct yaml_item *item, bool *wanted)
{
    const yaml_event_t *event = &reader->event;
    const unsigned char *anchor = NULL;
    const unsigned char *tag = NULL;
    size_t line = event->start_mark.line + 1;
    *wanted = true;
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (reader->saw_document)
            return refuse(reader, line, "a second document begins here, only one is taken");
        reader->saw_document = true;
        *wanted = false;
        return 0;
    case YAML_STREAM_END_EVENT:
        reader->ended = true;
        item->kind = YAML_ITEM_END;
        break;
    case YAML_ALIAS_EVENT:
        return refuse(reader, line, "aliases (*name) are not taken");
    case YAML_SCALAR_EVENT:
        item->kind = YAML_ITEM_SCALAR;
        item->text = slice_of((const char *)event->data.scalar.value, event->data.scalar.length);
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        item->kind = YAML_ITEM_LIST;
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        reader->depth++;
        break;
    case YAML_MAPPING_START_EVENT:
        item->kind = YAML_ITEM_MAP;
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        reader->depth++;
        break;
    case YAML_SEQUENCE_END_EVENT:
        item->kind = YAML_ITEM_LIST_END;
        reader->depth--;
        break;
    case YAML_MAPPING_END_EVENT:
        item->kind = YAML_ITEM_MAP_END;
        reader->depth--;
        break;
    default:
        *wanted = false;
        return 0;
    }
    item->line = (unsigned)line;
    if (anchor)
        return refuse(reader, line, "anchors (&name) are not taken");
    if (tag)
        return refuse(reader, line, "tags (!name) are not taken");
    if (reader->depth > DEPTH_MAX)
        return refuse(reader, line, "lists and maps are nested too deeply");
    return 0;
}

int yaml_reader_next(struct yaml_reader *reader, struct yaml_item *item)
{
    *item = (struct yaml_item){.kind = YAML_ITEM_END};
    if (reader->problem[0])
        return -EINVAL;
    bool wanted = reader->ended;
    while (!wanted) {
        drop_event(reader);
        if (!yaml_parser_parse(&reader->parser, &reader->event))
            return refuse_syntax(reader);
        reader->holds_event = true;
        int rc = take_event(reader, item, &wanted);
        if (rc != 0)
            return rc;
    }
    return 0;
}

const char *yaml_reader_problem(const struct yaml_reader *reader, unsigned *line)
{
    *line = reader->problem_line;
    return reader->problem;
}
