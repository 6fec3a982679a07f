#include "http/exposition.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_TEXT_MAX = 32 };

const char *exposition_content_type(enum exposition_format format)
{
    return format == EXPOSITION_OPENMETRICS
               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
               : "text/plain; version=0.0.4; charset=utf-8";
}

/*
 * The fewest digits that read back as the same double, in the notation of Prometheus' own clients
 * and of OpenMetrics' canonical numbers: 0.0001, 100000, 1e+06. A series whose `le` is spelt
 * otherwise would be another series to those who have both.
 */
static void put_double(struct buffer *out, enum exposition_format format, double value)
{
    if (isnan(value) || isinf(value)) {
        buffer_puts(out, isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
        return;
    }
    char text[NUMBER_TEXT_MAX];
    int digits = 0;
    do
        snprintf(text, sizeof text, "%.*e", digits, value);
    while (strtod(text, NULL) != value && ++digits < 17);
    int exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
    if (exponent >= -4 && exponent < 6) {
        int decimals = digits > exponent ? digits - exponent : 0;
        if (decimals == 0 && format == EXPOSITION_OPENMETRICS)
            decimals = 1;
        snprintf(text, sizeof text, "%.*f", decimals, value);
    }
    buffer_puts(out, text);
}

/*
 * How many octets the UTF-8 character at `at` has (Unicode 15 table 3-7: no overlong forms, no
 * surrogates, nothing past U+10FFFF), with *valid false if it is none and they are to be replaced.
 */
static size_t utf8_char_len(const unsigned char *at, size_t left, bool *valid)
{
    size_t want = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    *valid = want == 1;
    if (*valid || at[0] < 0xc2 || at[0] > 0xf4)
        return 1;
    unsigned char low = at[0] == 0xe0 ? 0xa0 : at[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : 0xbf;
    for (size_t i = 1; i < want; i++) {
        if (i >= left || at[i] < low || at[i] > high)
            return i;
        low = 0x80;
        high = 0xbf;
    }
    *valid = true;
    return want;
}

/* In help of text 0.0.4 a quote stands for itself, everywhere else it is escaped. */
static void put_escaped(struct buffer *out, const char *text, bool quotes)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t left = strlen(text);
    while (left > 0) {
        bool valid;
        size_t len = utf8_char_len(at, left, &valid);
        if (!valid)
            buffer_puts(out, "\xef\xbf\xbd");
        else if (*at == '\n')
            buffer_puts(out, "\\n");
        else if (*at == '\\' || (*at == '"' && quotes))
            buffer_printf(out, "\\%c", *at);
        else
            buffer_put(out, (const char *)at, len);
        at += len;
        left -= len;
    }
}

/* What a sample's name has after that of its family in `desc`. */
static const char *sample_suffix(enum metric_type type)
{
    return type == METRIC_COUNTER ? "_total" : type == METRIC_INFO ? "_info" : "";
}

static const char *type_name(enum metric_type type, enum exposition_format format)
{
    switch (type) {
    case METRIC_COUNTER:
        return "counter";
    case METRIC_HISTOGRAM:
        return "histogram";
    case METRIC_INFO:
        return format == EXPOSITION_OPENMETRICS ? "info" : "gauge";
    case METRIC_GAUGE:
        break;
    }
    return "gauge";
}

static void put_metadata(struct buffer *out, enum exposition_format format,
                         const struct metric_desc *desc)
{
    bool openmetrics = format == EXPOSITION_OPENMETRICS;
    const char *suffix = openmetrics ? "" : sample_suffix(desc->type);
    buffer_printf(out, "# HELP %s%s ", desc->name, suffix);
    put_escaped(out, desc->help, openmetrics);
    buffer_printf(out, "\n# TYPE %s%s %s\n", desc->name, suffix, type_name(desc->type, format));
    if (openmetrics && desc->unit)
        buffer_printf(out, "# UNIT %s %s\n", desc->name, desc->unit);
}

/* `{name="value",...}`, nothing if there is no label. `le`, if not NULL, is the last. */
static void put_labels(struct buffer *out, enum exposition_format format,
                       const struct metric *series, const double *le)
{
    const struct metric_desc *desc = series->desc;
    char before = '{';
    for (unsigned i = 0; i < METRIC_LABELS_MAX && desc->labels[i]; i++) {
        buffer_printf(out, "%c%s=\"", before, desc->labels[i]);
        put_escaped(out, series->label_values[i], true);
        buffer_puts(out, "\"");
        before = ',';
    }
    if (le) {
        buffer_printf(out, "%cle=\"", before);
        put_double(out, format, *le);
        buffer_puts(out, "\"");
        before = ',';
    }
    if (before == ',')
        buffer_puts(out, "}");
}

static void put_histogram(struct buffer *out, enum exposition_format format,
                          const struct metric *series)
{
    const struct metric_desc *desc = series->desc;
    uint64_t count = 0;
    for (unsigned i = 0; i <= desc->bucket_count; i++) {
        double le = i < desc->bucket_count ? desc->buckets[i] : INFINITY;
        count += atomic_load_explicit(&series->bucket[i], memory_order_relaxed);
        buffer_printf(out, "%s_bucket", desc->name);
        put_labels(out, format, series, &le);
        buffer_printf(out, " %" PRIu64 "\n", count);
    }
    uint64_t bits = atomic_load_explicit(&series->sum, memory_order_relaxed);
    double sum;
    memcpy(&sum, &bits, sizeof sum);
    buffer_printf(out, "%s_sum", desc->name);
    put_labels(out, format, series, NULL);
    buffer_puts(out, " ");
    put_double(out, format, sum);
    buffer_printf(out, "\n%s_count", desc->name);
    put_labels(out, format, series, NULL);
    buffer_printf(out, " %" PRIu64 "\n", count);
}

static void put_series(struct buffer *out, enum exposition_format format,
                       const struct metric *series)
{
    enum metric_type type = series->desc->type;
    if (type == METRIC_HISTOGRAM) {
        put_histogram(out, format, series);
        return;
    }
    buffer_printf(out, "%s%s", series->desc->name, sample_suffix(type));
    put_labels(out, format, series, NULL);
    buffer_puts(out, " ");
    if (type == METRIC_GAUGE)
        put_double(out, format, metric_get(series));
    else
        buffer_printf(out, "%" PRIu64, type == METRIC_INFO ? 1 : metric_count(series));
    buffer_puts(out, "\n");
}

void exposition_put_metrics(struct buffer *out, enum exposition_format format,
                            const struct metrics *metrics)
{
    for (const struct metric_family *family = metrics->first; family; family = family->next) {
        if (!family->first)
            continue;
        put_metadata(out, format, family->desc);
        for (const struct metric *series = family->first; series; series = series->next)
            put_series(out, format, series);
    }
}

void exposition_put_value(struct buffer *out, enum exposition_format format,
                          const struct metric_desc *desc, double value)
{
    put_metadata(out, format, desc);
    buffer_printf(out, "%s%s ", desc->name, sample_suffix(desc->type));
    put_double(out, format, value);
    buffer_puts(out, "\n");
}

void exposition_put_end(struct buffer *out, enum exposition_format format)
{
    if (format == EXPOSITION_OPENMETRICS)
        buffer_puts(out, "# EOF\n");
}
