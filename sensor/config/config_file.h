/*
 * config_file: the configuration file. Strict: what is not an option, or not a value that it takes,
 * is an error with its line, and all errors are told, not the first alone.
 *
 * Internal to config; one thread.
 */
#ifndef SIPSPAN_CONFIG_CONFIG_FILE_H
#define SIPSPAN_CONFIG_CONFIG_FILE_H

#include "base/slice.h"
#include "config/config_loader.h"

enum { CONFIG_FILE_SIZE_MAX = 1 << 20 };

/* Both add to loader->errors what they print. */
void config_file_load(struct config_loader *loader, const char *path);
/* The same for text in memory; `name` is what messages call it. */
void config_file_parse(struct config_loader *loader, const char *name, struct slice text);

#endif
