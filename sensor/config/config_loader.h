/*
 * config_loader: puts the values of all sources together. Each is checked, wherever it comes from;
 * the one of the strongest source stays, in whatever order they come.
 *
 * Internal to config; one thread.
 */
#ifndef SIPSPAN_CONFIG_CONFIG_LOADER_H
#define SIPSPAN_CONFIG_CONFIG_LOADER_H

#include <stdbool.h>
#include <stdio.h>

#include "base/slice.h"
#include "config/config.h"
#include "config/options.h"

/* The weakest first. */
enum config_source {
    CONFIG_FROM_NOWHERE,
    CONFIG_FROM_DEFAULT,
    CONFIG_FROM_FILE,
    CONFIG_FROM_ENVIRONMENT,
    CONFIG_FROM_COMMAND_LINE,
};

enum { CONFIG_ERRORS_MAX = 20 };

struct config_loader {
    struct config *config;
    FILE *err;
    unsigned errors; /* printed so far; nothing is printed past CONFIG_ERRORS_MAX */
    enum config_source source[OPTIONS_MAX]; /* of the value that config holds */
};

/* One line to err. */
void config_loader_error(struct config_loader *loader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline bool config_loader_gave_up(const struct config_loader *loader)
{
    return loader->errors >= CONFIG_ERRORS_MAX;
}

/*
 * Checks one value, for a list one item more, and keeps it unless a stronger source has given
 * one. `where` begins the message about a wrong one: "FILE:LINE: key". 0, -EINVAL or -ENOMEM,
 * either printed.
 */
int config_loader_set(struct config_loader *loader, enum config_source source,
                      const struct option_spec *option, struct slice text, const char *where);
/* Frees what the option's field holds and makes it empty. */
void config_loader_clear(struct config *config, const struct option_spec *option);

#endif
