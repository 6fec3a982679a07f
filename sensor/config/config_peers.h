/*
 * config_peers: the key `peers`, a list of maps of a name, one or several addresses or networks,
 * and thresholds where they differ from those of all.
 *
 * Internal to config; one thread.
 */
#ifndef SIPSPAN_CONFIG_CONFIG_PEERS_H
#define SIPSPAN_CONFIG_CONFIG_PEERS_H

#include "config/file_parser.h"

/* The parser's item is the first of the value. As file_parser.h says. */
int config_peers_read(struct file_parser *parser, const struct option_spec *option);

#endif
