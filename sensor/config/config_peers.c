#include "config/config_peers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One element of the list, while it is read. Its networks are at the end of config->peer, as yet
 * nameless. */
struct peer_entry {
    unsigned line;
    size_t first;         /* index in config->peer of its first network */
    unsigned fields_seen; /* a bit for each of enum peer_field */
    char name[CONFIG_PEER_NAME_MAX + 1];
    struct quality_thresholds thresholds;
};

enum peer_field { PEER_NAME, PEER_ADDRESS, PEER_JITTER, PEER_LATENCY, PEER_LOSS, PEER_FIELD_COUNT };

/* The values of the thresholds are those of options. */
static const struct {
    const char *key, *option;
} peer_fields[PEER_FIELD_COUNT] = {
    [PEER_NAME] = {"name", NULL},
    [PEER_ADDRESS] = {"address", NULL},
    [PEER_JITTER] = {"jitter", "rtp_jitter_threshold"},
    [PEER_LATENCY] = {"latency", "rtp_latency_threshold"},
    [PEER_LOSS] = {"loss", "rtp_loss_threshold"},
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

static int read_threshold(struct file_parser *parser, enum peer_field field,
                          struct quality_thresholds *thresholds)
{
    char quoted[OPTION_QUOTE_MAX] = "";
    char expected[OPTION_EXPECTED_MAX];
    struct option_value value;
    const struct option_spec *option = options_find(slice_str(peer_fields[field].option));
    bool is_scalar = parser->item.kind == YAML_ITEM_SCALAR;
    if (!is_scalar || option_value_parse(option, parser->item.text, &value) != 0) {
        file_parser_error(parser, "peers: %s '%s' is not valid: expected %s",
                          peer_fields[field].key,
                          is_scalar ? option_value_quote(parser->item.text, quoted) : "",
                          option_value_expected(option, expected));
        return file_parser_skip(parser);
    }
    if (field == PEER_JITTER)
        thresholds->jitter_ms = (double)value.number / 1e6;
    else if (field == PEER_LATENCY)
        thresholds->latency_ms = (double)value.number / 1e6;
    else
        thresholds->loss_ratio = option_value_share(&value);
    return 0;
}

static int read_value(struct file_parser *parser, enum peer_field field, struct peer_entry *entry)
{
    switch (field) {
    case PEER_NAME:
        return read_name(parser, entry);
    case PEER_ADDRESS:
        return read_address(parser);
    case PEER_JITTER:
    case PEER_LATENCY:
    case PEER_LOSS:
        return read_threshold(parser, field, &entry->thresholds);
    case PEER_FIELD_COUNT:
        break;
    }
    return file_parser_skip(parser);
}

static enum peer_field field_of(const char *key)
{
    int field = 0;
    while (field < PEER_FIELD_COUNT && strcmp(key, peer_fields[field].key) != 0)
        field++;
    return (enum peer_field)field;
}

/* The item is the key; leaves with the value's last one. */
static int read_field(struct file_parser *parser, struct peer_entry *entry)
{
    char key[OPTION_QUOTE_MAX];
    int rc = file_parser_take_key(parser, key);
    if (rc != 0)
        return rc;
    enum peer_field field = field_of(key);
    bool is_skipped = field == PEER_FIELD_COUNT || entry->fields_seen >> field & 1;
    if (field == PEER_FIELD_COUNT)
        file_parser_error(parser,
                          "peers: unknown key '%s'; a peer has 'name' and 'address', and may have "
                          "'jitter', 'latency' and 'loss'",
                          key);
    else if (is_skipped)
        file_parser_error(parser, "peers: %s is given twice for one peer", key);
    entry->fields_seen |= 1U << field;
    rc = file_parser_next(parser);
    if (rc != 0)
        return rc;
    return is_skipped ? file_parser_skip(parser) : read_value(parser, field, entry);
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
    if (!(entry.fields_seen >> PEER_NAME & 1))
        file_parser_error(parser, "peers: this peer has no name");
    if (!(entry.fields_seen >> PEER_ADDRESS & 1))
        file_parser_error(parser, "peers: this peer has no address");
    for (size_t i = entry.first; i < config->peer_count; i++) {
        memcpy(config->peer[i].name, entry.name, sizeof entry.name);
        config->peer[i].thresholds = entry.thresholds;
    }
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
