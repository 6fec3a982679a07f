/*
 * config_docs: what users read about the options, printed from their table; config.h has the rest
 * of it.
 */
#ifndef SIPSPAN_CONFIG_CONFIG_DOCS_H
#define SIPSPAN_CONFIG_CONFIG_DOCS_H

#include <stdio.h>

/* What --help says, 80 columns wide. */
void config_print_help(FILE *out);

#endif
