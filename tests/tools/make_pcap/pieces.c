#include "pieces.h"

#include <string.h>

#include "text.h"

bool pieces_take_number(const char **at, int64_t max, int64_t *out)
{
    char digits[16];
    size_t len = strspn(*at, "0123456789abcdefxABCDEFX");
    if (len == 0 || len >= sizeof digits)
        return false;
    memcpy(digits, *at, len);
    digits[len] = '\0';
    *at += len;
    return text_to_int(digits, max, out) == 0;
}

static bool take_word(const char **at, const char *word)
{
    size_t len = strlen(word);
    if (strncmp(*at, word, len) != 0)
        return false;
    *at += len;
    return true;
}

const char *pieces_parse(const char **at, struct pieces *out)
{
    int64_t value;
    *out = (struct pieces){0};
    if (!pieces_take_number(at, UINT16_MAX, &value) || value == 0)
        return "pieces of 1 to 65535 octets are wanted";
    out->size = (uint32_t)value;
    while (take_word(at, "+")) {
        if (take_word(at, "reversed")) {
            out->reversed = true;
        } else if (take_word(at, "twice")) {
            out->twice = true;
        } else if (take_word(at, "overlap")) {
            out->overlap = true;
        } else if (take_word(at, "other")) {
            out->other = true;
        } else if (take_word(at, "gone=") && pieces_take_number(at, UINT16_MAX, &value)) {
            out->left_out = (uint32_t)value + 1;
        } else {
            return "pieces are N[+reversed][+twice][+overlap[+other]][+gone=INDEX]";
        }
    }
    if (out->other && !out->overlap)
        return "+other belongs to +overlap";
    if (out->overlap && out->size <= PIECES_EARLY)
        return "+overlap needs pieces of more than 8 octets";
    return NULL;
}

bool pieces_next(const struct pieces *p, size_t total, unsigned *n, struct piece *out)
{
    size_t count = (total + p->size - 1) / p->size, times = p->twice ? 2 : 1;
    for (; *n < count * times; (*n)++) {
        size_t index = p->reversed ? count - 1 - *n / times : *n / times;
        if (index + 1 == p->left_out)
            continue;
        size_t early = index > 0 && p->overlap ? PIECES_EARLY : 0;
        size_t end = (index + 1) * p->size;
        *out = (struct piece){.begin = index * p->size - early, .again = *n % times > 0};
        out->len = (end < total ? end : total) - out->begin;
        out->other = p->other ? early : 0;
        (*n)++;
        return true;
    }
    return false;
}
