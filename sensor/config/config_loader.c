#include "config/config_loader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config/option_value.h"

void config_loader_error(struct config_loader *loader, const char *format, ...)
{
    if (config_loader_gave_up(loader))
        return;
    loader->errors++;
    va_list args;
    va_start(args, format);
    vfprintf(loader->err, format, args);
    va_end(args);
    fputc('\n', loader->err);
    if (config_loader_gave_up(loader))
        fprintf(loader->err, "sipspan: these are the first %d errors; there may be more\n",
                CONFIG_ERRORS_MAX);
}

static void *field_of(struct config *config, const struct option_spec *option)
{
    return (char *)config + option->offset;
}

static void clear_list(struct string_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->item[i]);
    free(list->item);
    *list = (struct string_list){0};
}

void config_loader_clear(struct config *config, const struct option_spec *option)
{
    if (option->action != OPTION_SET)
        return;
    void *field = field_of(config, option);
    switch (option->type) {
    case OPTION_STRING:
    case OPTION_NAME:
    case OPTION_PATH:
    case OPTION_ADDRESS:
        free(*(char **)field);
        *(char **)field = NULL;
        break;
    case OPTION_LIST:
        clear_list(field);
        break;
    case OPTION_PORTS:
        ((struct port_list *)field)->count = 0;
        break;
    case OPTION_PEERS:
        free(config->peer);
        config->peer = NULL;
        config->peer_count = 0;
        break;
    case OPTION_BOOL:
        *(bool *)field = false;
        break;
    case OPTION_INTEGER:
    case OPTION_SIZE:
        *(uint64_t *)field = 0;
        break;
    case OPTION_DURATION:
        *(int64_t *)field = 0;
        break;
    case OPTION_SHARE:
        *(double *)field = 0;
        break;
    case OPTION_ENUM:
        *(int *)field = 0;
        break;
    case OPTION_FLAG:
        break;
    }
}

/* Takes value->string over if it succeeds. */
static int list_append(struct string_list *list, const struct option_value *value)
{
    char **grown = realloc(list->item, (list->count + 1) * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    grown[list->count] = value->string;
    list->item = grown;
    list->count++;
    return 0;
}

/* The same for an option's field, which was cleared. */
static int store(void *field, const struct option_spec *option, const struct option_value *value)
{
    switch (option->type) {
    case OPTION_STRING:
    case OPTION_NAME:
    case OPTION_PATH:
    case OPTION_ADDRESS:
        *(char **)field = value->string;
        break;
    case OPTION_LIST:
        return list_append(field, value);
    case OPTION_PORTS: {
        struct port_list *ports = field;
        ports->item[ports->count++] = (uint16_t)value->number;
        break;
    }
    case OPTION_BOOL:
        *(bool *)field = value->number != 0;
        break;
    case OPTION_INTEGER:
    case OPTION_SIZE:
        *(uint64_t *)field = value->number;
        break;
    case OPTION_DURATION:
        *(int64_t *)field = (int64_t)value->number;
        break;
    case OPTION_SHARE:
        *(double *)field = option_value_share(value);
        break;
    case OPTION_ENUM:
        *(int *)field = (int)value->number;
        break;
    case OPTION_FLAG:
    case OPTION_PEERS:
        break;
    }
    return 0;
}

static bool list_is_full(struct config_loader *loader, const struct option_spec *option)
{
    void *field = field_of(loader->config, option);
    size_t count = option->type == OPTION_LIST ? ((struct string_list *)field)->count
                                               : ((struct port_list *)field)->count;
    return count >= option->max;
}

static void report_invalid(struct config_loader *loader, const struct option_spec *option,
                           struct slice text, const char *where)
{
    char quoted[OPTION_QUOTE_MAX];
    char expected[OPTION_EXPECTED_MAX];
    option_value_expected(option, expected);
    if (option->is_secret)
        config_loader_error(loader, "%s: its value is not valid: expected %s", where, expected);
    else
        config_loader_error(loader, "%s: '%s' is not valid: expected %s", where,
                            option_value_quote(text, quoted), expected);
}

int config_loader_set(struct config_loader *loader, enum config_source source,
                      const struct option_spec *option, struct slice text, const char *where)
{
    enum config_source *holder = &loader->source[options_index(option)];
    struct option_value value;
    int rc = option_value_parse(option, text, &value);
    if (rc == -EINVAL) {
        report_invalid(loader, option, text, where);
        return rc;
    }
    if (rc != 0)
        goto fail;
    if (*holder > source) {
        free(value.string);
        return 0;
    }
    if (*holder < source || !option_is_list(option))
        config_loader_clear(loader->config, option);
    *holder = source;
    if (option_is_list(option) && list_is_full(loader, option)) {
        config_loader_error(loader, "%s: more than %u are given", where, (unsigned)option->max);
        free(value.string);
        return -EINVAL;
    }
    rc = store(field_of(loader->config, option), option, &value);
    if (rc != 0) {
        free(value.string);
        goto fail;
    }
    return 0;

fail:
    config_loader_error(loader, "%s: %s", where, strerror(-rc));
    return rc;
}
