#include "config/config_cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "config/option_value.h"

/* What getopt_long returns for the first row of the table; above every character. */
enum { LONG_BASE = 256 };

/* The table in getopt's terms. */
struct getopt_tables {
    char letters[2 * OPTIONS_MAX + 2];
    char names[OPTIONS_MAX][OPTION_TEXT_MAX];
    struct option longs[OPTIONS_MAX + 1];
};

static void fill_tables(struct getopt_tables *tables)
{
    char *letter = tables->letters;
    struct option *next = tables->longs;
    *letter++ = ':'; /* a missing argument is told from an unknown option */
    for (size_t i = 0; i < options_count(); i++) {
        const struct option_spec *option = options_at(i);
        bool takes_value = option->type != OPTION_FLAG;
        if (!(option->places & OPTION_IN_CLI))
            continue;
        *next++ = (struct option){
            .name = options_flag(option, tables->names[i]) + 2,
            .has_arg = takes_value ? required_argument : no_argument,
            .val = LONG_BASE + (int)i,
        };
        if (!option->letter)
            continue;
        *letter++ = option->letter;
        if (takes_value)
            *letter++ = ':';
    }
    *letter = 0;
    *next = (struct option){0};
}

/* Of what getopt_long returned or left in optopt; NULL if it is none of ours. */
static const struct option_spec *option_of(int value)
{
    if (value >= LONG_BASE)
        return options_at((size_t)(value - LONG_BASE));
    for (size_t i = 0; i < options_count(); i++)
        if (options_at(i)->letter && options_at(i)->letter == value)
            return options_at(i);
    return NULL;
}

static void report_unknown(struct config_loader *loader, const char *typed)
{
    char quoted[OPTION_QUOTE_MAX];
    char flag[OPTION_TEXT_MAX];
    struct slice name = slice_skip(slice_str(typed), 2);
    const struct option_spec *nearest;
    name = slice_head(name, slice_find(name, '='));
    nearest = options_nearest(name, OPTION_IN_CLI);
    option_value_quote(name, quoted);
    if (nearest)
        config_loader_error(loader, "sipspan: no option '--%s'; did you mean '%s'?", quoted,
                            options_flag(nearest, flag));
    else
        config_loader_error(loader, "sipspan: no option '--%s'", quoted);
}

/* What '?' (not an option, or a value for one that takes none) and ':' (no value) stand for. */
static int report_misuse(struct config_loader *loader, int result, const char *typed)
{
    char flag[OPTION_TEXT_MAX];
    char metavar[OPTION_TEXT_MAX];
    const struct option_spec *option = optopt ? option_of(optopt) : NULL;
    if (option && result == ':')
        config_loader_error(loader, "sipspan: %s: give a value: expected %s",
                            options_flag(option, flag), options_metavar(option, metavar));
    else if (option)
        config_loader_error(loader, "sipspan: %s takes no value", options_flag(option, flag));
    else if (optopt)
        config_loader_error(loader, "sipspan: no option '-%c'",
                            optopt >= 0x20 && optopt < 0x7f ? optopt : '?');
    else
        report_unknown(loader, typed);
    return -EINVAL;
}

static int take_value(struct config_loader *loader, const struct option_spec *option,
                      const char *value, struct config_cli *cli)
{
    char where[sizeof "sipspan: " + OPTION_TEXT_MAX] = "sipspan: ";
    options_flag(option, where + strlen(where));
    switch (option->action) {
    case OPTION_SET:
        return config_loader_set(loader, CONFIG_FROM_COMMAND_LINE, option, slice_str(value), where);
    case OPTION_CONFIG_FILE:
        cli->config_path = value;
        return 0;
    case OPTION_CHECK_CONFIG:
        cli->check = true;
        return 0;
    case OPTION_VERSION:
        cli->version = true;
        return 0;
    case OPTION_HELP:
        cli->help = true;
        return 0;
    }
    return -EINVAL;
}

/* The words after the options, joined by spaces, are one value. */
static int take_words(struct config_loader *loader, int count, char **words)
{
    size_t taker = 0;
    size_t size = 0;
    while (!(options_at(taker)->places & OPTION_IN_WORDS))
        taker++;
    const struct option_spec *option = options_at(taker);
    for (int i = 0; i < count; i++)
        size += strlen(words[i]) + 1;
    char *joined = malloc(size + 1);
    if (!joined) {
        config_loader_error(loader, "sipspan: %s", strerror(ENOMEM));
        return -ENOMEM;
    }
    char *end = joined;
    for (int i = 0; i < count; i++) {
        end = stpcpy(end, words[i]);
        *end++ = ' ';
    }
    char where[sizeof "sipspan: " + OPTION_TEXT_MAX];
    snprintf(where, sizeof where, "sipspan: %s", option->metavar);
    int rc = config_loader_set(loader, CONFIG_FROM_COMMAND_LINE, option, slice_of(joined, size - 1),
                               where);
    free(joined);
    return rc;
}

int config_cli_parse(struct config_loader *loader, int argc, char **argv, struct config_cli *cli)
{
    struct getopt_tables tables;
    fill_tables(&tables);
    *cli = (struct config_cli){0};
    optind = 0; /* glibc: begin anew */
    opterr = 0;
    int result;
    while ((result = getopt_long(argc, argv, tables.letters, tables.longs, NULL)) != -1) {
        if (result == '?' || result == ':')
            return report_misuse(loader, result, argv[optind - 1]);
        int rc = take_value(loader, option_of(result), optarg, cli);
        if (rc != 0)
            return rc;
        if (cli->help || cli->version)
            return 0;
    }
    return optind < argc ? take_words(loader, argc - optind, argv + optind) : 0;
}
