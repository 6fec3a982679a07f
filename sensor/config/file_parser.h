/*
 * file_parser: walks over the items of the configuration file and tells its errors with file and
 * line.
 *
 * Every function that reads returns 0, or a negative value when reading must stop: the text is
 * broken, or there were errors enough; it was told then. Internal to config; one thread.
 */
#ifndef SIPSPAN_CONFIG_FILE_PARSER_H
#define SIPSPAN_CONFIG_FILE_PARSER_H

#include "config/config_loader.h"
#include "config/option_value.h"
#include "config/yaml_reader.h"

struct file_parser {
    struct config_loader *loader;
    const char *name; /* of the file */
    struct yaml_reader *reader;
    struct yaml_item item; /* the last one read */
};

enum { FILE_WHERE_MAX = 512 };

/* "FILE:LINE: " and the message, for the item at hand. */
void file_parser_error(struct file_parser *parser, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "FILE:LINE: key", as config_loader_set wants it. */
void file_parser_where(const struct file_parser *parser, const char *key,
                       char where[static FILE_WHERE_MAX]);

int file_parser_next(struct file_parser *parser);
/* To the end of the list or map that the item begins; nothing to do for a scalar. */
int file_parser_skip(struct file_parser *parser);
/* The item must be a key; copied, since the item's text goes when the value is read. */
int file_parser_take_key(struct file_parser *parser, char key[static OPTION_QUOTE_MAX]);

#endif
