#include "rule.h"

#include <stdlib.h>
#include <string.h>

#define NS_PER_MS 1e6

static bool take_ports(struct rule *rule, const char *word)
{
    char *end;
    unsigned long low = strtoul(word, &end, 10);
    if (*end != '-')
        return false;
    unsigned long high = strtoul(end + 1, &end, 10);
    if (*end || low > high || high > UINT16_MAX)
        return false;
    rule->port_low = (uint16_t)low;
    rule->port_high = (uint16_t)high;
    return true;
}

static bool take_setting(struct rule *rule, char *word)
{
    char *value = strchr(word, '='), *end;
    if (!value) {
        rule->in_order = strcmp(word, "ordered") == 0;
        return rule->in_order;
    }
    *value++ = 0;
    double number = strtod(value, &end);
    if (end == value || *end || !(number >= 0 && number <= 1e6))
        return false;
    const struct {
        const char *name;
        int64_t *ms;
        double *percent;
        uint64_t *count;
    } settings[] = {
        {"delay", &rule->delay_ns, NULL, NULL},
        {"jitter", &rule->jitter_ns, NULL, NULL},
        {"copy", &rule->copy_ns, NULL, NULL},
        {"hold", &rule->hold_ns, NULL, NULL},
        {"loss", NULL, &rule->loss, NULL},
        {"double", NULL, &rule->doubled, NULL},
        {"drop_every", NULL, NULL, &rule->drop_every},
        {"hold_every", NULL, NULL, &rule->hold_every},
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        if (strcmp(word, settings[i].name) != 0)
            continue;
        if (settings[i].ms)
            *settings[i].ms = (int64_t)(number * NS_PER_MS);
        else if (settings[i].percent)
            *settings[i].percent = number;
        else
            *settings[i].count = (uint64_t)number;
        return true;
    }
    return false;
}

bool rule_read(struct rule *rule, char *text)
{
    char *word = strsep(&text, ",");
    rule->side = word[0] == 'b';
    if (strcmp(word, "a") != 0 && strcmp(word, "b") != 0)
        return false;
    if (!text || !take_ports(rule, strsep(&text, ",")))
        return false;
    while (text)
        if (!take_setting(rule, strsep(&text, ",")))
            return false;
    return true;
}
