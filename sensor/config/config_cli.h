/*
 * config_cli: the command line, as getopt_long(3) reads it, from the table of options.
 *
 * Internal to config; one thread: getopt's state is the process's.
 */
#ifndef SIPSPAN_CONFIG_CONFIG_CLI_H
#define SIPSPAN_CONFIG_CONFIG_CLI_H

#include <stdbool.h>

#include "config/config_loader.h"

/* What is asked for besides values. */
struct config_cli {
    const char *config_path; /* points into argv; NULL: none */
    bool check;
    bool version;
    bool help;
};

/*
 * 0, or a negative value with the first thing that is wrong told. Stops at --help and --version.
 * Sorts argv: options first.
 */
int config_cli_parse(struct config_loader *loader, int argc, char **argv, struct config_cli *cli);

#endif
