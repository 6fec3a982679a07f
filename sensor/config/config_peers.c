#include "config/config_peers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One element of the list, while it is read. Its networks are at the end of config->peer, as yet
 * nameless. */
struct peer_entry {
    unsigned line;
    size_t first; /* index in config->peer of its first network */
    bool has_name;
    bool has_address;
    char name[CONFIG_PEER_NAME_MAX + 1];
};

static bool is_peer_name(struct slice text)
{
    if (text.len == 0 || text.len > CONFIG_PEER_NAME_MAX || slice_trim(text).len != text.len)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != ' ' && c != '.' && c != '_' && c != '-')
            return false;
    }
    return true;
}

static int read_name(struct file_parser *parser, struct peer_entry *entry)
{
    char quoted[OPTION_QUOTE_MAX] = "";
    struct slice text = parser->item.text;
    if (parser->item.kind == YAML_ITEM_SCALAR && is_peer_name(text)) {
        memcpy(entry->name, text.at, text.len);
        entry->name[text.len] = 0;
        return 0;
    }
    file_parser_error(parser,
                      "peers: name '%s' is not valid: expected 1 to %d letters, digits, spaces "
                      "inside, '.', '_' or '-'",
                      option_value_quote(text, quoted), CONFIG_PEER_NAME_MAX);
    return file_parser_skip(parser);
}

static bool same_net(const struct ip_net *a, const struct ip_net *b)
{
    return a->prefix == b->prefix && ip_eq(&a->ip, &b->ip);
}

static int add_net(struct file_parser *parser, const struct ip_net *net, const char *text)
{
    struct config *config = parser->loader->config;
    /* Which of the two names would an endpoint get? */
    for (size_t i = 0; i < config->peer_count; i++)
        if (same_net(&config->peer[i].net, net)) {
            file_parser_error(parser, "peers: address '%s' is given twice", text);
            return 0;
        }
    if (config->peer_count == CONFIG_PEERS_MAX) {
        file_parser_error(parser, "peers: more than %d addresses and networks", CONFIG_PEERS_MAX);
        return -E2BIG;
    }
    struct config_peer *grown = realloc(config->peer, (config->peer_count + 1) * sizeof *grown);
    if (!grown) {
        file_parser_error(parser, "peers: %s", strerror(ENOMEM));
        return -ENOMEM;
    }
    grown[config->peer_count] = (struct config_peer){.net = *net};
    config->peer = grown;
    config->peer_count++;
    return 0;
}

static int read_net(struct file_parser *parser)
{
    char quoted[OPTION_QUOTE_MAX];
    struct ip_net net;
    struct slice text = parser->item.text;
    option_value_quote(text, quoted);
    if (parser->item.kind == YAML_ITEM_SCALAR && ip_net_parse(text, &net))
        return add_net(parser, &net, quoted);
    file_parser_error(parser,
                      "peers: address '%s' is not valid: expected an IP address or a network such "
                      "as 192.0.2.0/24, with no bits set past its prefix",
                      quoted);
    return file_parser_skip(parser);
}

static int read_address(struct file_parser *parser)
{
    if (parser->item.kind != YAML_ITEM_LIST)
        return read_net(parser);
    unsigned line = parser->item.line;
    size_t count = 0;
    for (;; count++) {
        int rc = file_parser_next(parser);
        if (rc != 0)
            return rc;
        if (parser->item.kind == YAML_ITEM_LIST_END)
            break;
        rc = read_net(parser);
        if (rc != 0)
            return rc;
    }
    parser->item.line = line;
    if (count == 0)
        file_parser_error(parser, "peers: the list of addresses is empty");
    return 0;
}

/* The item is the key; leaves with the value's last one. */
static int read_field(struct file_parser *parser, struct peer_entry *entry)
{
    char key[OPTION_QUOTE_MAX];
    int rc = file_parser_take_key(parser, key);
    if (rc != 0)
        return rc;
    bool is_name = strcmp(key, "name") == 0;
    bool is_address = strcmp(key, "address") == 0;
    bool again = (is_name && entry->has_name) || (is_address && entry->has_address);
    entry->has_name |= is_name;
    entry->has_address |= is_address;
    if (again)
        file_parser_error(parser, "peers: %s is given twice for one peer", key);
    if (!is_name && !is_address)
        file_parser_error(parser, "peers: unknown key '%s'; a peer has 'name' and 'address'", key);
    rc = file_parser_next(parser);
    if (rc != 0)
        return rc;
    if (again || (!is_name && !is_address))
        return file_parser_skip(parser);
    return is_name ? read_name(parser, entry) : read_address(parser);
}

static int read_entry(struct file_parser *parser)
{
    struct config *config = parser->loader->config;
    struct peer_entry entry = {.line = parser->item.line, .first = config->peer_count};
    if (parser->item.kind != YAML_ITEM_MAP) {
        file_parser_error(parser,
                          "peers: expected a peer as {name: trunk-a, address: 192.0.2.0/24}");
        return file_parser_skip(parser);
    }
    for (;;) {
        int rc = file_parser_next(parser);
        if (rc != 0)
            return rc;
        if (parser->item.kind == YAML_ITEM_MAP_END)
            break;
        rc = read_field(parser, &entry);
        if (rc != 0)
            return rc;
    }
    parser->item.line = entry.line;
    if (!entry.has_name)
        file_parser_error(parser, "peers: this peer has no name");
    if (!entry.has_address)
        file_parser_error(parser, "peers: this peer has no address");
    for (size_t i = entry.first; i < config->peer_count; i++)
        memcpy(config->peer[i].name, entry.name, sizeof entry.name);
    return 0;
}

int config_peers_read(struct file_parser *parser, const struct option_spec *option)
{
    if (parser->item.kind != YAML_ITEM_LIST) {
        char expected[OPTION_EXPECTED_MAX];
        file_parser_error(parser, "%s: expected %s", option->key,
                          option_value_expected(option, expected));
        return file_parser_skip(parser);
    }
    for (;;) {
        int rc = file_parser_next(parser);
        if (rc != 0 || parser->item.kind == YAML_ITEM_LIST_END)
            return rc;
        rc = read_entry(parser);
        if (rc != 0)
            return rc;
    }
}
