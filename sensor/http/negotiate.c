#include "http/negotiate.h"

enum { WEIGHT_MAX = 1000, SPECIFICITY_NAMED = 3, SPECIFICITY_VERSION = 4 };

/* One element of an Accept or Accept-Encoding header. */
struct range {
    struct slice name;
    struct slice version; /* of the parameter "version"; empty if there is none */
    unsigned weight;
};

/* Up to `separator`, or all of it; commas and semicolons in quoted strings separate nothing. */
static struct slice take_until(struct slice *text, char separator)
{
    bool quoted = false;
    size_t i = 0;
    for (; i < text->len && (quoted || text->at[i] != separator); i++) {
        if (text->at[i] == '"')
            quoted = !quoted;
        else if (quoted && text->at[i] == '\\')
            i++;
    }
    struct slice part = slice_head(*text, i);
    *text = slice_skip(*text, i + 1);
    return slice_trim(part);
}

/* "0.5", "1", ".5": in thousandths. What is no weight counts as "1" would: the range itself was
 * named. */
static unsigned parse_weight(struct slice text)
{
    size_t dot = slice_find(text, '.');
    struct slice decimals = slice_head(slice_skip(text, dot + 1), 3);
    uint64_t whole = 0;
    uint64_t part = 0;
    if ((dot > 0 && !slice_to_u64(slice_head(text, dot), 1, &whole)) ||
        (decimals.len > 0 && !slice_to_u64(decimals, 999, &part)) || text.len == 0)
        return WEIGHT_MAX;
    for (size_t i = decimals.len; i < 3; i++)
        part *= 10;
    return whole ? WEIGHT_MAX : (unsigned)part;
}

static bool next_range(struct slice *header, struct range *out)
{
    if (header->len == 0)
        return false;
    struct slice element = take_until(header, ',');
    *out = (struct range){.name = take_until(&element, ';'), .weight = WEIGHT_MAX};
    while (element.len > 0) {
        struct slice value = take_until(&element, ';');
        struct slice name = take_until(&value, '=');
        if (value.len >= 2 && value.at[0] == '"' && value.at[value.len - 1] == '"')
            value = slice_of(value.at + 1, value.len - 2);
        if (slice_ieq(name, SLICE("q")))
            out->weight = parse_weight(slice_trim(value));
        else if (slice_ieq(name, SLICE("version")))
            out->version = slice_trim(value);
    }
    return true;
}

static void prefer(struct preference *p, unsigned specificity, unsigned weight)
{
    if (specificity > p->specificity || (specificity == p->specificity && weight > p->weight))
        *p = (struct preference){specificity, weight};
}

/* A range that names the type, in the version that we have or in none. */
static void prefer_named(struct preference *p, const struct range *range, struct slice version)
{
    if (range->version.len == 0)
        prefer(p, SPECIFICITY_NAMED, range->weight);
    else if (slice_eq(range->version, version))
        prefer(p, SPECIFICITY_VERSION, range->weight);
}

void negotiate_add_accept(struct negotiation *n, struct slice value)
{
    struct range range;
    while (next_range(&value, &range)) {
        if (slice_ieq(range.name, SLICE("application/openmetrics-text")))
            prefer_named(&n->openmetrics, &range, SLICE("1.0.0"));
        else if (slice_ieq(range.name, SLICE("text/plain")))
            prefer_named(&n->text, &range, SLICE("0.0.4"));
        else if (slice_ieq(range.name, SLICE("text/*")))
            prefer(&n->text, 2, range.weight);
        else if (slice_eq(range.name, SLICE("*/*")))
            prefer(&n->text, 1, range.weight);
    }
}

void negotiate_add_accept_encoding(struct negotiation *n, struct slice value)
{
    struct range range;
    while (next_range(&value, &range)) {
        if (slice_ieq(range.name, SLICE("gzip")) || slice_ieq(range.name, SLICE("x-gzip")))
            prefer(&n->gzip, 2, range.weight);
        else if (slice_eq(range.name, SLICE("*")))
            prefer(&n->gzip, 1, range.weight);
    }
}

enum exposition_format negotiate_format(const struct negotiation *n)
{
    bool asked = n->openmetrics.weight > 0 && n->openmetrics.weight >= n->text.weight;
    return asked ? EXPOSITION_OPENMETRICS : EXPOSITION_TEXT;
}

bool negotiate_gzip(const struct negotiation *n)
{
    return n->gzip.weight > 0;
}
