#include "event/format.h"

#include <string.h>

/* value < 100, as two digits. */
static char *put_two(unsigned value, char *to)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    memcpy(to, &pairs[(size_t)value * 2], 2);
    return to + 2;
}

/* value < 1000000, as six digits. */
static char *put_six(unsigned value, char *to)
{
    to = put_two(value / 10000, to);
    to = put_two(value / 100 % 100, to);
    return put_two(value % 100, to);
}

static unsigned digits_of(uint64_t value)
{
    unsigned digits = 1;
    for (; value >= 10000; value /= 10000)
        digits += 4;
    return digits + (value >= 10) + (value >= 100) + (value >= 1000);
}

char *format_unsigned(uint64_t value, char *to)
{
    char *end = to + digits_of(value);
    char *at = end;
    for (; value >= 100; value /= 100) {
        at -= 2;
        put_two((unsigned)(value % 100), at);
    }
    if (value >= 10)
        put_two((unsigned)value, to);
    else
        *to = (char)('0' + value);
    return end;
}

char *format_millionths(int64_t value, char *to)
{
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
    if (value < 0)
        *to++ = '-';
    char *point = format_unsigned(magnitude / 1000000, to);
    *point = '.';
    char *end = put_six((unsigned)(magnitude % 1000000), point + 1);
    while (end[-1] == '0' && end > point + 2)
        end--;
    return end;
}

static char *format_ipv4(const uint8_t octets[4], char *to)
{
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            *to++ = '.';
        to = format_unsigned(octets[i], to);
    }
    return to;
}

/* Lower case, without leading zeros. */
static char *format_group(unsigned group, char *to)
{
    for (int shift = group >= 0x1000  ? 12
                     : group >= 0x100 ? 8
                     : group >= 0x10  ? 4
                                      : 0;
         shift >= 0; shift -= 4)
        *to++ = "0123456789abcdef"[group >> shift & 15];
    return to;
}

/* The first of the longest runs of two or more zero groups, which "::" stands for. */
static int longest_zeros(const unsigned group[8], int *len)
{
    int best = 8;
    *len = 1;
    for (int i = 0, run = 0; i < 8; i++) {
        run = group[i] == 0 ? run + 1 : 0;
        if (run > *len) {
            *len = run;
            best = i + 1 - run;
        }
    }
    return best;
}

static char *format_ipv6(const uint8_t octets[16], char *to)
{
    unsigned group[8];
    for (size_t i = 0; i < 8; i++)
        group[i] = (unsigned)octets[2 * i] << 8 | octets[2 * i + 1];
    int zeros_len;
    int zeros = longest_zeros(group, &zeros_len);
    /* IPv4-mapped, and the IPv4-compatible of old. */
    bool holds_ipv4 = zeros == 0 && (zeros_len == 6 || (zeros_len == 5 && group[5] == 0xffff));
    for (int i = 0; i < 8; i++) {
        if (i == zeros) {
            *to++ = ':';
            i += zeros_len - 1;
            if (i == 7)
                *to++ = ':';
            continue;
        }
        if (i > 0)
            *to++ = ':';
        if (holds_ipv4 && i == 6)
            return format_ipv4(octets + 12, to);
        to = format_group(group[i], to);
    }
    return to;
}

char *format_ip(const struct ip_addr *ip, char *to)
{
    return ip->version == 6 ? format_ipv6(ip->octets, to) : format_ipv4(ip->octets, to);
}

/* "2026-01-31", of a day since 1970-01-01, in the proleptic Gregorian calendar. */
static char *put_date(int64_t day, char *to)
{
    /* Years that begin on the 1st of March end with the day that not all have. */
    const int64_t days_before_1970 = 719468; /* since 0000-03-01 */
    const unsigned era_days = 146097;        /* 400 years */
    unsigned since = (unsigned)(day + days_before_1970);
    unsigned era = since / era_days;
    unsigned of_era = since % era_days;
    unsigned year =
        (of_era - of_era / 1460 + of_era / 36524 - of_era / (era_days - 1)) / 365; /* of the era */
    unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * of_year + 2) / 153; /* 0: March */
    unsigned of_month = of_year - (153 * month + 2) / 5;
    year += era * 400 + (month >= 10);
    to = put_two(year / 100, to);
    to = put_two(year % 100, to);
    *to++ = '-';
    to = put_two(month < 10 ? month + 3 : month - 9, to);
    *to++ = '-';
    return put_two(of_month + 1, to);
}

const char *rfc3339_format(int64_t time_ns, char buf[static RFC3339_TEXT_MAX])
{
    const int64_t day_ns = INT64_C(86400000000000);
    int64_t day = time_ns / day_ns;
    int64_t of_day = time_ns % day_ns;
    if (of_day < 0) {
        day--;
        of_day += day_ns;
    }
    unsigned second = (unsigned)(of_day / 1000000000);
    char *to = put_date(day, buf);
    *to++ = 'T';
    to = put_two(second / 3600, to);
    *to++ = ':';
    to = put_two(second / 60 % 60, to);
    *to++ = ':';
    to = put_two(second % 60, to);
    *to++ = '.';
    to = put_six((unsigned)(of_day % 1000000000 / 1000), to);
    *to++ = 'Z';
    *to = 0;
    return buf;
}
