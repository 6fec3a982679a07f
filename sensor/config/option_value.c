#include "config/option_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/endpoint.h"

/* The largest first; the one without a name is what a bare number means. */
struct unit {
    const char *name;
    uint64_t scale;
};

static const struct unit size_units[] = {
    {"TiB", 1ULL << 40}, {"GiB", 1ULL << 30}, {"MiB", 1ULL << 20}, {"KiB", 1ULL << 10}, {"", 1},
    {NULL, 0},
};
/* A bare number is refused: some would read it as seconds, others as milliseconds. */
static const struct unit duration_units[] = {
    {"h", 3600000000000}, {"m", 60000000000}, {"s", 1000000000}, {"ms", 1000000}, {NULL, 0},
};
static const struct unit no_units[] = {{"", 1}, {NULL, 0}};

static const struct unit *units_of(const struct option_spec *option)
{
    switch (option->type) {
    case OPTION_SIZE:
        return size_units;
    case OPTION_DURATION:
        return duration_units;
    case OPTION_INTEGER:
        return no_units;
    default:
        return NULL;
    }
}

static int parse_number(const struct option_spec *option, struct slice text, uint64_t *out)
{
    size_t digits = 0;
    while (digits < text.len && text.at[digits] >= '0' && text.at[digits] <= '9')
        digits++;
    struct slice name = slice_skip(text, digits);
    if (name.len > 1 && name.at[0] == ' ')
        name = slice_skip(name, 1);

    const struct unit *unit = units_of(option);
    while (unit->name && !slice_eq(name, slice_str(unit->name)))
        unit++;
    uint64_t number;
    if (!unit->name || !slice_to_u64(slice_head(text, digits), option->max / unit->scale, &number))
        return -EINVAL;
    number *= unit->scale;
    if (number < option->min || number > option->max)
        return -EINVAL;
    *out = number;
    return 0;
}

/* Digits of a fraction; what is finer than a millionth is refused rather than rounded. */
static int parse_decimals(struct slice text, unsigned decimals, uint64_t *out)
{
    uint64_t number = 0;
    if (text.len == 0 || text.len > decimals || !slice_to_u64(text, UINT64_MAX, &number))
        return -EINVAL;
    for (size_t i = text.len; i < decimals; i++)
        number *= 10;
    *out = number;
    return 0;
}

/*
 * "1%", "0.5%", "0.01", in millionths. A bare number is below 1: some would mean 100% by a 1,
 * others 1%.
 */
static int parse_share(const struct option_spec *option, struct slice text, uint64_t *out)
{
    bool is_percent = text.len > 0 && text.at[text.len - 1] == '%';
    unsigned decimals = is_percent ? 4 : 6;
    uint64_t scale = is_percent ? 10000 : 1000000;
    if (is_percent)
        text = slice_head(text, text.len - 1);
    if (is_percent && text.len > 1 && text.at[text.len - 1] == ' ')
        text = slice_head(text, text.len - 1);

    size_t dot = slice_find(text, '.');
    uint64_t whole, fraction = 0;
    if (!slice_to_u64(slice_head(text, dot), is_percent ? 100 : 0, &whole) ||
        (dot < text.len && parse_decimals(slice_skip(text, dot + 1), decimals, &fraction) != 0))
        return -EINVAL;
    uint64_t number = whole * scale + fraction;
    if (number < option->min || number > option->max)
        return -EINVAL;
    *out = number;
    return 0;
}

static int parse_port(struct slice text, uint64_t *out)
{
    return slice_to_u64(text, UINT16_MAX, out) && *out > 0 ? 0 : -EINVAL;
}

static int parse_bool(struct slice text, uint64_t *out)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (slice_ieq(text, slice_str(words[i]))) {
            *out = i % 2;
            return 0;
        }
    return -EINVAL;
}

static int parse_choice(const struct option_spec *option, struct slice text, uint64_t *out)
{
    for (size_t i = 0; option->choices[i]; i++)
        if (slice_eq(text, slice_str(option->choices[i]))) {
            *out = i;
            return 0;
        }
    return -EINVAL;
}

static int copy_string(struct slice text, char **out)
{
    char *copy = strndup(text.at, text.len);
    if (!copy)
        return -ENOMEM;
    *out = copy;
    return 0;
}

/* "ADDR:PORT" in the one spelling that endpoint_format gives; the brackets of IPv6 are not
 * optional. */
static int parse_address(struct slice text, char **out)
{
    if (slice_eq(text, SLICE("off")))
        return copy_string(SLICE(""), out);
    size_t colon = text.len;
    while (colon > 0 && text.at[colon - 1] != ':')
        colon--;
    if (colon == 0)
        return -EINVAL;
    struct slice host = slice_head(text, colon - 1);
    bool bracketed = host.len > 0 && host.at[0] == '[';
    struct endpoint endpoint;
    uint64_t port;
    if (!ip_parse(host, &endpoint.ip) || bracketed != (endpoint.ip.version == 6) ||
        !slice_to_u64(slice_skip(text, colon), UINT16_MAX, &port))
        return -EINVAL;
    endpoint.port = (uint16_t)port;
    char buf[ENDPOINT_TEXT_MAX];
    return copy_string(slice_str(endpoint_format(&endpoint, buf)), out);
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

static bool is_control(char c)
{
    return ((unsigned char)c < 0x20 && c != '\t' && c != '\n') || c == 0x7f;
}

static bool is_string(const struct option_spec *option, struct slice text)
{
    if (text.len == 0 || memchr(text.at, 0, text.len))
        return false;
    if (option->type == OPTION_PATH || option->type == OPTION_LIST)
        return true;
    if (text.len < option->min || text.len > option->max)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (option->type == OPTION_NAME ? !is_name_char(text.at[i]) : is_control(text.at[i]))
            return false;
    return true;
}

int option_value_parse(const struct option_spec *option, struct slice text,
                       struct option_value *out)
{
    struct option_value value = {0};
    int rc = -EINVAL;
    switch (option->type) {
    case OPTION_STRING:
    case OPTION_NAME:
    case OPTION_PATH:
    case OPTION_LIST:
        if (is_string(option, text))
            rc = copy_string(text, &value.string);
        break;
    case OPTION_ADDRESS:
        rc = parse_address(text, &value.string);
        break;
    case OPTION_PORTS:
        rc = parse_port(text, &value.number);
        break;
    case OPTION_BOOL:
        rc = parse_bool(text, &value.number);
        break;
    case OPTION_INTEGER:
    case OPTION_SIZE:
    case OPTION_DURATION:
        rc = parse_number(option, text, &value.number);
        break;
    case OPTION_SHARE:
        rc = parse_share(option, text, &value.number);
        break;
    case OPTION_ENUM:
        rc = parse_choice(option, text, &value.number);
        break;
    case OPTION_FLAG:
    case OPTION_PEERS:
        break;
    }
    if (rc == 0)
        *out = value;
    return rc;
}

/* In the largest unit that needs no fraction. */
static void format_number(const struct unit *unit, uint64_t number, char *buf, size_t size)
{
    while (number % unit->scale != 0 && unit[1].name)
        unit++;
    snprintf(buf, size, "%" PRIu64 "%s", number / unit->scale, unit->name);
}

const char *option_value_range(const struct option_spec *option,
                               char buf[static OPTION_EXPECTED_MAX])
{
    char min[32];
    char max[32];
    buf[0] = 0;
    if (option->type == OPTION_SHARE)
        snprintf(buf, OPTION_EXPECTED_MAX, "%g%% to %g%%", (double)option->min / 1e4,
                 (double)option->max / 1e4);
    const struct unit *units = units_of(option);
    if (!units)
        return buf;
    format_number(units, option->min, min, sizeof min);
    format_number(units, option->max, max, sizeof max);
    snprintf(buf, OPTION_EXPECTED_MAX, "%s to %s", min, max);
    return buf;
}

static void list_choices(const struct option_spec *option, char buf[static OPTION_EXPECTED_MAX])
{
    size_t len = 0;
    for (size_t i = 0; option->choices[i] && len < OPTION_EXPECTED_MAX; i++) {
        const char *before = i == 0 ? "" : option->choices[i + 1] ? ", " : " or ";
        int n = snprintf(buf + len, OPTION_EXPECTED_MAX - len, "%s%s", before, option->choices[i]);
        len += (size_t)n;
    }
}

const char *option_value_expected(const struct option_spec *option,
                                  char buf[static OPTION_EXPECTED_MAX])
{
    char range[OPTION_EXPECTED_MAX];
    option_value_range(option, range);
    buf[0] = 0;
    switch (option->type) {
    case OPTION_FLAG:
        break;
    case OPTION_STRING:
        snprintf(buf, OPTION_EXPECTED_MAX, "a text of %" PRIu64 " to %" PRIu64 " characters",
                 option->min, option->max);
        break;
    case OPTION_NAME:
        snprintf(buf, OPTION_EXPECTED_MAX,
                 "%" PRIu64 " to %" PRIu64 " letters, digits, '.', '_' or '-'", option->min,
                 option->max);
        break;
    case OPTION_PATH:
        snprintf(buf, OPTION_EXPECTED_MAX, "the name of a file");
        break;
    case OPTION_ADDRESS:
        snprintf(buf, OPTION_EXPECTED_MAX,
                 "an address and a port, as 127.0.0.1:9160 or [::1]:9160, or the word off");
        break;
    case OPTION_BOOL:
        snprintf(buf, OPTION_EXPECTED_MAX, "true or false");
        break;
    case OPTION_INTEGER:
        snprintf(buf, OPTION_EXPECTED_MAX, "a whole number from %.40s%s%s", range,
                 option->unit ? ", in " : "", option->unit ? option->unit : "");
        break;
    case OPTION_SIZE:
        snprintf(buf, OPTION_EXPECTED_MAX,
                 "a size from %.40s, in bytes or with KiB, MiB, GiB or TiB", range);
        break;
    case OPTION_DURATION:
        snprintf(buf, OPTION_EXPECTED_MAX,
                 "a time from %.40s, a whole number with its unit: ms, s, m or h", range);
        break;
    case OPTION_SHARE:
        snprintf(buf, OPTION_EXPECTED_MAX, "a share from %.40s, as 1%% or 0.01", range);
        break;
    case OPTION_LIST:
        snprintf(buf, OPTION_EXPECTED_MAX, "a name, or a list of up to %" PRIu64 " of them",
                 option->max);
        break;
    case OPTION_PORTS:
        snprintf(buf, OPTION_EXPECTED_MAX,
                 "a port from 1 to 65535, or a list of up to %" PRIu64 " of them", option->max);
        break;
    case OPTION_ENUM:
        list_choices(option, buf);
        break;
    case OPTION_PEERS:
        snprintf(buf, OPTION_EXPECTED_MAX,
                 "a list of name and address, with up to %" PRIu64 " addresses and networks",
                 option->max);
        break;
    }
    return buf;
}

const char *option_value_quote(struct slice text, char buf[static OPTION_QUOTE_MAX])
{
    size_t len = text.len < OPTION_QUOTE_MAX ? text.len : OPTION_QUOTE_MAX - sizeof "...";
    for (size_t i = 0; i < len; i++)
        buf[i] = text.at[i] >= 0x20 && text.at[i] < 0x7f ? text.at[i] : '?';
    buf[len] = 0;
    if (len < text.len)
        memcpy(buf + len, "...", sizeof "...");
    return buf;
}
