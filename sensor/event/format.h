/*
 * format: numbers, times and addresses as text, without printf: a sensor gives events by the
 * thousand each second. Pure.
 *
 * A format_* function writes at `to`, which has room for FORMAT_MAX octets, no NUL, and returns the
 * end of what it wrote.
 */
#ifndef SIPSPAN_EVENT_FORMAT_H
#define SIPSPAN_EVENT_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "net/endpoint.h"

enum {
    FORMAT_MAX = 46,
    RFC3339_TEXT_LEN = 27, /* of every time that fits 64 bits of ns */
    RFC3339_TEXT_MAX = 32,
};

char *format_unsigned(uint64_t value, char *to);
/* Of 32000000000 "32000.0", of 1 "0.000001": one to six decimals. */
char *format_millionths(int64_t value, char *to);
/* RFC 5952 for IPv6; the version is 4 or 6. */
char *format_ip(const struct ip_addr *ip, char *to);

/* "2026-01-31T12:00:00.123456Z", NUL-terminated; the time is rounded down. Returns buf. */
const char *rfc3339_format(int64_t time_ns, char buf[static RFC3339_TEXT_MAX]);

#endif
