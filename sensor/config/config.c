#include "config/config.h"

#include <inttypes.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config_cli.h"
#include "config/config_docs.h"
#include "config/config_file.h"
#include "config/config_loader.h"
#include "config/option_value.h"

static const char env_prefix[] = "SIPSPAN_";

void config_fini(struct config *config)
{
    for (size_t i = 0; i < options_count(); i++)
        config_loader_clear(config, options_at(i));
}

static void load_defaults(struct config_loader *loader)
{
    for (size_t i = 0; i < options_count(); i++) {
        const struct option_spec *option = options_at(i);
        if (option->default_text)
            config_loader_set(loader, CONFIG_FROM_DEFAULT, option, slice_str(option->default_text),
                              option->key);
    }
}

/* A host's name may hold what a sensor's may not. */
static void load_sensor_id(struct config_loader *loader)
{
    const struct option_spec *option = options_find(SLICE("sensor_id"));
    struct option_value value;
    char name[65] = "";
    if (loader->config->sensor_id)
        return;
    gethostname(name, sizeof name - 1);
    for (char *c = name; *c; c++)
        if (option_value_parse(option, slice_of(c, 1), &value) == 0)
            free(value.string);
        else
            *c = '-';
    config_loader_set(loader, CONFIG_FROM_DEFAULT, option, slice_str(name[0] ? name : "sensor"),
                      option->key);
}

/* Others name variables so, too (a service called sipspan in Kubernetes, say): no reason to fail.
 */
static void warn_unknown_variable(struct config_loader *loader, struct slice name)
{
    char quoted[OPTION_QUOTE_MAX];
    char variable[OPTION_TEXT_MAX];
    struct slice typed = slice_skip(name, sizeof env_prefix - 1);
    const struct option_spec *nearest = options_nearest(typed, OPTION_IN_ENV);
    option_value_quote(name, quoted);
    if (nearest)
        fprintf(loader->err, "sipspan: %s in the environment is ignored; did you mean %s?\n",
                quoted, options_variable(nearest, variable));
    else
        fprintf(loader->err, "sipspan: %s in the environment is ignored: no such option\n", quoted);
}

static void load_variable(struct config_loader *loader, struct slice name, struct slice value)
{
    char where[sizeof "sipspan: " + OPTION_TEXT_MAX] = "sipspan: ";
    const struct option_spec *option =
        options_find_variable(slice_skip(name, sizeof env_prefix - 1));
    if (!option) {
        warn_unknown_variable(loader, name);
        return;
    }
    options_variable(option, where + strlen(where));
    /* Empty is as good as not set: composed environments cannot always leave a variable out. */
    while (value.len > 0) {
        size_t end = option_is_list(option) ? slice_find(value, ',') : value.len;
        if (config_loader_set(loader, CONFIG_FROM_ENVIRONMENT, option, slice_head(value, end),
                              where) != 0)
            return;
        value = slice_skip(value, end + 1);
    }
}

static void load_environment(struct config_loader *loader, char **env)
{
    for (; env && *env; env++) {
        struct slice entry = slice_str(*env);
        size_t equals = slice_find(entry, '=');
        if (slice_starts(entry, slice_str(env_prefix)))
            load_variable(loader, slice_head(entry, equals), slice_skip(entry, equals + 1));
    }
}

/*
 * Files and what is live exclude one another. Where both are given, those of the stronger source
 * stay: -r on the command line reads a capture with the configuration of a live sensor.
 */
static void settle_source(struct config_loader *loader, const struct option_spec *live,
                          const char *path)
{
    const struct option_spec *read = options_find(SLICE("read"));
    enum config_source from_read = loader->source[options_index(read)];
    enum config_source from_live = loader->source[options_index(live)];
    char flag[OPTION_TEXT_MAX];
    if (from_read == CONFIG_FROM_NOWHERE || from_live == CONFIG_FROM_NOWHERE)
        return;
    if (from_read > from_live)
        config_loader_clear(loader->config, live);
    else if (from_live > from_read)
        config_loader_clear(loader->config, read);
    else
        config_loader_error(loader,
                            "%s: -r (read) and %s exclude one another: read captures or "
                            "capture live",
                            from_read == CONFIG_FROM_FILE ? path : "sipspan",
                            live->letter ? "-i (interface)" : options_flag(live, flag));
}

static void settle_input(struct config_loader *loader, const char *path)
{
    settle_source(loader, options_find(SLICE("interface")), path);
    settle_source(loader, options_find(SLICE("hep")), path);
}

static void print_version(FILE *out, struct slice text)
{
    bool ended = text.len > 0 && text.at[text.len - 1] == '\n';
    fprintf(out, "%.*s%s", SLICE_ARGS(text), ended ? "" : "\n");
}

const char *config_kafka_compression(const struct config *config)
{
    return options_find(SLICE("kafka_compression"))->choices[config->kafka_compression];
}

/* The program itself, its report, the server, and nDPI with 6 MiB; so much at least for tables. */
#define FIXED_BYTES      (UINT64_C(28) << 20)
#define TABLES_MIN_BYTES (UINT64_C(20) << 20)
/* Events on their way to Kafka, in the outbox and in librdkafka; and where each lies in the spool,
 * one part of it in so many. */
#define KAFKA_BYTES      (UINT64_C(64) << 20)
#define SPOOL_INDEX_PART 24
/* What waits for Redis, what it answered, and what was learned of destinations. */
#define SIGHTINGS_BYTES (UINT64_C(8) << 20)
/* What waits to be sent as HEP, and what comes as HEP until it was looked at. */
#define HEP_OUT_BYTES (UINT64_C(9) << 20)
#define HEP_IN_BYTES  (UINT64_C(16) << 20)

uint64_t config_fixed_memory(const struct config *config)
{
    uint64_t bytes = FIXED_BYTES + config->buffer_bytes * config->interface.count;
    if (config->kafka.count > 0)
        bytes += KAFKA_BYTES + config->spool_limit / SPOOL_INDEX_PART;
    if (config->redis)
        bytes += SIGHTINGS_BYTES;
    if (config->hep_to)
        bytes += HEP_OUT_BYTES;
    if (config->hep.count > 0)
        bytes += HEP_IN_BYTES;
    return bytes;
}

static void check_memory(struct config_loader *loader)
{
    const struct config *config = loader->config;
    uint64_t needed = config_fixed_memory(config) + TABLES_MIN_BYTES;
    if (config->memory_limit < needed)
        config_loader_error(
            loader,
            "memory_limit: %" PRIu64 " MiB is too small for %zu device(s) with a "
            "buffer of %" PRIu64 " MiB each%s: give %" PRIu64 " MiB at least, or lower buffer%s",
            config->memory_limit >> 20, config->interface.count, config->buffer_bytes >> 20,
            config->kafka.count > 0 ? ", Kafka and its spool" : "", (needed + (1 << 20) - 1) >> 20,
            config->kafka.count > 0 ? " or spool_limit" : "");
}

static bool is_on_path(const struct config *config)
{
    for (size_t i = 0; config->sensor_point && i < config->sensor_path.count; i++)
        if (strcmp(config->sensor_path.item[i], config->sensor_point) == 0)
            return true;
    return false;
}

/* A capture is to give the same events whenever it is read. */
static void check_sensors(struct config_loader *loader)
{
    const struct config *config = loader->config;
    if (!config->redis)
        return;
    if (config->read.count > 0)
        config_loader_error(loader, "redis: it is for live capture (-i): a capture (-r) gives the "
                                    "same events whenever it is read; leave it out");
    if (!config->redis_secret)
        config_loader_error(loader, "redis: it needs redis_secret, in the configuration file or in "
                                    "SIPSPAN_REDIS_SECRET");
    if (config->sensor_path.count < 2 || !is_on_path(config))
        config_loader_error(loader, "redis: it needs sensor_path, with two points at least, and "
                                    "sensor_point, which is one of them");
}

/* What is needed to run but not to be valid. */
static void require_input(struct config_loader *loader)
{
    const struct config *config = loader->config;
    if (config->read.count == 0 && config->interface.count == 0 && config->hep.count == 0)
        config_loader_error(
            loader, "sipspan: nothing to look at: give -r FILE to read a capture, or -i DEV "
                    "to capture live, or --hep ADDR:PORT to be sent HEP");
}

/* All that is wrong is told, whatever source it comes from. */
static void load_sources(struct config_loader *loader, const struct config_cli *cli, char **env)
{
    load_environment(loader, env);
    if (cli->config_path)
        config_file_load(loader, cli->config_path);
    load_defaults(loader);
    load_sensor_id(loader);
}

enum config_action config_load(struct config *config, int argc, char **argv, char **env,
                               const char *version_text, FILE *out, FILE *err)
{
    struct config_loader loader = {.config = config, .err = err};
    struct config_cli cli;
    memset(config, 0, sizeof *config);
    if (config_cli_parse(&loader, argc, argv, &cli) != 0)
        goto usage;
    if (cli.help)
        config_print_help(out);
    else if (cli.version)
        print_version(out, slice_str(version_text));
    if (cli.help || cli.version)
        return CONFIG_EXIT_OK;

    load_sources(&loader, &cli, env);
    if (loader.errors > 0)
        return CONFIG_EXIT_USAGE;
    settle_input(&loader, cli.config_path);
    check_memory(&loader);
    check_sensors(&loader);
    if (!cli.check)
        require_input(&loader);
    if (loader.errors > 0)
        goto usage;
    if (!cli.check)
        return CONFIG_RUN;
    fprintf(out, "%s%sconfiguration is good\n", cli.config_path ? cli.config_path : "",
            cli.config_path ? ": " : "");
    return CONFIG_EXIT_OK;

usage:
    fputs("try 'sipspan --help'\n", err);
    return CONFIG_EXIT_USAGE;
}
