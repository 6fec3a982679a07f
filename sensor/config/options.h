/*
 * options: the one table of options.
 *
 * The configuration file's parser, the command line, the environment, the help text, the example
 * file and the man page are all made from it, so an option is added by adding its row (and its
 * field in config.h). The names of an option follow from its key: memory_limit is --memory-limit on
 * the command line and SIPSPAN_MEMORY_LIMIT in the environment.
 *
 * Constant data and pure functions: any thread.
 */
#ifndef SIPSPAN_CONFIG_OPTIONS_H
#define SIPSPAN_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum option_type {                  /* kept in struct config as */
                   OPTION_FLAG,     /* nothing: takes no value */
                   OPTION_STRING,   /* char *; min and max are its length */
                   OPTION_NAME,     /* char *: letters, digits, '.', '_' and '-' */
                   OPTION_PATH,     /* char * */
                   OPTION_ADDRESS,  /* char *: "ADDR:PORT", "" for "off" */
                   OPTION_BOOL,     /* bool */
                   OPTION_INTEGER,  /* uint64_t */
                   OPTION_SIZE,     /* uint64_t, bytes */
                   OPTION_DURATION, /* int64_t, ns */
                   OPTION_SHARE,    /* double, 0 to 1; min and max are millionths */
                   OPTION_LIST,     /* struct string_list; max is how many */
                   OPTION_PORTS,    /* struct port_list; max is how many */
                   OPTION_ENUM,     /* int: index in choices */
                   OPTION_PEERS,    /* peer, peer_count */
};

enum option_action {
    OPTION_SET, /* its value goes to its field of struct config */
    OPTION_CONFIG_FILE,
    OPTION_CHECK_CONFIG,
    OPTION_VERSION,
    OPTION_HELP,
};

/* Where an option may be given. */
enum option_place {
    OPTION_IN_CLI = 1,   /* as -x, --long-name */
    OPTION_IN_WORDS = 2, /* on the command line as the words after the options */
    OPTION_IN_ENV = 4,
    OPTION_IN_FILE = 8,
};

enum option_group {
    OPTION_GROUP_INPUT,
    OPTION_GROUP_OUTPUT,
    OPTION_GROUP_KAFKA,
    OPTION_GROUP_SENSORS,
    OPTION_GROUP_HEP,
    OPTION_GROUP_CAPTURE,
    OPTION_GROUP_LIMITS,
    OPTION_GROUP_MEDIA,
    OPTION_GROUP_PEERS,
    OPTION_GROUP_PROGRAM,
    OPTION_GROUP_COUNT,
};

struct option_spec {
    const char *key;
    char letter; /* of the short option, 0: none */
    enum option_type type;
    enum option_action action;
    enum option_group group;
    unsigned places; /* enum option_place, or-ed */
    bool is_secret;  /* no message repeats its value */
    uint64_t min;
    uint64_t max;
    const char *const *choices; /* of OPTION_ENUM, ended by NULL */
    const char *default_text;   /* as a user would write it; NULL: none, or found at run time */
    const char *default_note;   /* the default in words, where it is found at run time */
    const char *example;        /* a value for the example file where there is no default_text */
    const char *unit;           /* of OPTION_INTEGER; NULL: a plain number */
    const char *metavar;        /* NULL: no value, or one of choices */
    const char *text;           /* what it does: begins in lower case, no full stop */
    size_t offset;              /* of its field in struct config */
};

enum { OPTIONS_MAX = 64, OPTION_TEXT_MAX = 40 };

/* May it be given several times, with each value one item more? */
static inline bool option_is_list(const struct option_spec *option)
{
    return option->type == OPTION_LIST || option->type == OPTION_PORTS;
}

size_t options_count(void);
const struct option_spec *options_at(size_t index);
size_t options_index(const struct option_spec *option);

/* The option with this key, NULL if there is none. */
const struct option_spec *options_find(struct slice key);
/* The same for SIPSPAN_NAME without its prefix. */
const struct option_spec *options_find_variable(struct slice name);
/*
 * Of the options that may be given in one of `places`, the one whose key is nearest to what was
 * typed in any of these spellings (edit distance); NULL if none is near enough to be meant.
 */
const struct option_spec *options_nearest(struct slice typed, unsigned places);

/* "--memory-limit" and "SIPSPAN_MEMORY_LIMIT". Return buf. */
const char *options_flag(const struct option_spec *option, char buf[static OPTION_TEXT_MAX]);
const char *options_variable(const struct option_spec *option, char buf[static OPTION_TEXT_MAX]);

/* What stands for the value: "FILE", "text|json|none", "" where there is none. Returns buf. */
const char *options_metavar(const struct option_spec *option, char buf[static OPTION_TEXT_MAX]);

const char *options_group_title(enum option_group group);

#endif
