#include "config/file_parser.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void file_parser_error(struct file_parser *parser, const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    config_loader_error(parser->loader, "%s:%u: %s", parser->name, parser->item.line, message);
}

void file_parser_where(const struct file_parser *parser, const char *key,
                       char where[static FILE_WHERE_MAX])
{
    snprintf(where, FILE_WHERE_MAX, "%.400s:%u: %s", parser->name, parser->item.line, key);
}

int file_parser_next(struct file_parser *parser)
{
    if (config_loader_gave_up(parser->loader))
        return -E2BIG;
    int rc = yaml_reader_next(parser->reader, &parser->item);
    if (rc != 0) {
        const char *problem = yaml_reader_problem(parser->reader, &parser->item.line);
        file_parser_error(parser, "not valid YAML: %s", problem);
    }
    return rc;
}

int file_parser_skip(struct file_parser *parser)
{
    unsigned depth = 0;
    for (;;) {
        if (parser->item.kind == YAML_ITEM_LIST || parser->item.kind == YAML_ITEM_MAP)
            depth++;
        if (parser->item.kind == YAML_ITEM_LIST_END || parser->item.kind == YAML_ITEM_MAP_END)
            depth--;
        if (depth == 0)
            return 0;
        int rc = file_parser_next(parser);
        if (rc != 0)
            return rc;
    }
}

int file_parser_take_key(struct file_parser *parser, char key[static OPTION_QUOTE_MAX])
{
    if (parser->item.kind != YAML_ITEM_SCALAR) {
        file_parser_error(parser, "a list or map cannot be a key");
        return -EINVAL;
    }
    option_value_quote(parser->item.text, key);
    return 0;
}
