#include "config/config_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_peers.h"
#include "config/file_parser.h"
#include "config/option_value.h"

static void report_unknown(struct file_parser *parser, const char *key)
{
    const struct option_spec *option = options_find(slice_str(key));
    if (option) {
        file_parser_error(parser, "'%s' is for the command line only", key);
        return;
    }
    option = options_nearest(slice_str(key), OPTION_IN_FILE);
    if (option)
        file_parser_error(parser, "unknown key '%s'; did you mean '%s'?", key, option->key);
    else
        file_parser_error(parser, "unknown key '%s'", key);
}

static int read_scalar(struct file_parser *parser, const struct option_spec *option)
{
    char where[FILE_WHERE_MAX];
    char expected[OPTION_EXPECTED_MAX];
    if (parser->item.kind != YAML_ITEM_SCALAR) {
        file_parser_error(parser, "%s: takes no list or map here: expected %s", option->key,
                          option_value_expected(option, expected));
        return file_parser_skip(parser);
    }
    file_parser_where(parser, option->key, where);
    int rc = config_loader_set(parser->loader, CONFIG_FROM_FILE, option, parser->item.text, where);
    return rc == -ENOMEM ? rc : 0;
}

static int read_list(struct file_parser *parser, const struct option_spec *option)
{
    if (parser->item.kind != YAML_ITEM_LIST)
        return read_scalar(parser, option);
    unsigned line = parser->item.line;
    size_t count = 0;
    for (;; count++) {
        int rc = file_parser_next(parser);
        if (rc != 0)
            return rc;
        if (parser->item.kind == YAML_ITEM_LIST_END)
            break;
        rc = read_scalar(parser, option);
        if (rc != 0)
            return rc;
    }
    parser->item.line = line;
    if (count == 0)
        file_parser_error(parser, "%s: the list is empty", option->key);
    return 0;
}

/* The item is the first of the value. */
static int read_value(struct file_parser *parser, const struct option_spec *option)
{
    switch (option->type) {
    case OPTION_LIST:
    case OPTION_PORTS:
        return read_list(parser, option);
    case OPTION_PEERS:
        return config_peers_read(parser, option);
    default:
        return read_scalar(parser, option);
    }
}

/* The item is the key; leaves with the value's last one. */
static int read_entry(struct file_parser *parser, unsigned given[OPTIONS_MAX])
{
    char key[OPTION_QUOTE_MAX];
    int rc = file_parser_take_key(parser, key);
    if (rc != 0)
        return rc;
    const struct option_spec *option = options_find(slice_str(key));
    if (!option || !(option->places & OPTION_IN_FILE)) {
        report_unknown(parser, key);
        option = NULL;
    } else if (given[options_index(option)]) {
        file_parser_error(parser, "%s: is given twice, first on line %u", key,
                          given[options_index(option)]);
        option = NULL;
    } else {
        given[options_index(option)] = parser->item.line;
    }
    rc = file_parser_next(parser);
    if (rc != 0)
        return rc;
    return option ? read_value(parser, option) : file_parser_skip(parser);
}

static void read_document(struct file_parser *parser)
{
    unsigned given[OPTIONS_MAX] = {0}; /* the line, 0: not yet */
    if (file_parser_next(parser) != 0 || parser->item.kind == YAML_ITEM_END)
        return;
    /* "---" and nothing more */
    bool empty = parser->item.kind == YAML_ITEM_SCALAR && parser->item.text.len == 0;
    if (!empty && parser->item.kind != YAML_ITEM_MAP) {
        file_parser_error(parser, "the file must hold lines of the form 'key: value'");
        return;
    }
    while (!empty) {
        if (file_parser_next(parser) != 0)
            return;
        if (parser->item.kind == YAML_ITEM_MAP_END)
            break;
        if (read_entry(parser, given) != 0)
            return;
    }
    /* What follows the first document is looked at, too. */
    (void)file_parser_next(parser);
}

void config_file_parse(struct config_loader *loader, const char *name, struct slice text)
{
    struct file_parser parser = {.loader = loader, .name = name};
    parser.reader = yaml_reader_create(text);
    if (parser.reader)
        read_document(&parser);
    else
        config_loader_error(loader, "%s: %s", name, strerror(ENOMEM));
    yaml_reader_destroy(parser.reader);
}

void config_file_load(struct config_loader *loader, const char *path)
{
    char *text = NULL;
    size_t len = 0;
    FILE *file = fopen(path, "re");
    if (!file)
        goto fail;
    text = malloc(CONFIG_FILE_SIZE_MAX + 1);
    if (!text)
        goto fail;
    len = fread(text, 1, CONFIG_FILE_SIZE_MAX + 1, file);
    if (ferror(file))
        goto fail;
    if (len > CONFIG_FILE_SIZE_MAX)
        config_loader_error(loader, "%s: larger than %d KiB: not a configuration file", path,
                            CONFIG_FILE_SIZE_MAX / 1024);
    else
        config_file_parse(loader, path, slice_of(text, len));
    goto out;

fail:
    config_loader_error(loader, "%s: cannot be read: %s", path, strerror(errno));
out:
    free(text);
    if (file)
        fclose(file);
}
