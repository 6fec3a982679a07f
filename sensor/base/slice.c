#include "base/slice.h"

/* As many digits never exceed 64 bits. */
enum { DIGITS_SAFE = 19 };

bool slice_ieq_same_len(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (a[i] != b[i] && slice_lower_char(a[i]) != slice_lower_char(b[i]))
            return false;
    return true;
}

bool slice_to_u64(struct slice s, uint64_t max, uint64_t *out)
{
    if (s.len == 0)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (uint8_t)s.at[i] - (unsigned)'0';
        if (digit > 9)
            return false;
        if (i >= DIGITS_SAFE && value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (value > max)
        return false;
    *out = value;
    return true;
}
