/* DNS messages, put together octet by octet as RFC 1035 section 4 says. */
#ifndef SIPSPAN_TESTS_UNIT_DNS_DNS_SAMPLE_H
#define SIPSPAN_TESTS_UNIT_DNS_DNS_SAMPLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/slice.h"

enum {
    SAMPLE_ROOM = 8192,
    FLAG_RESPONSE = 0x8000,
    FLAG_CUT = 0x0200,
    SERVFAIL = 2,
    NXDOMAIN = 3,
    A = 1,
    NS = 2,
    CNAME = 5,
    AAAA = 28,
    SRV = 33,
    NAPTR = 35,
    ANSWER = 6, /* where in the header records of a section are counted */
    AUTHORITY = 8,
    ADDITIONAL = 10,
    QUESTION_NAME = 12, /* where it begins */
};

struct sample {
    uint8_t octets[SAMPLE_ROOM];
    size_t len;
};

static inline void put(struct sample *s, const void *octets, size_t len)
{
    assert_true(s->len + len <= SAMPLE_ROOM);
    memcpy(s->octets + s->len, octets, len);
    s->len += len;
}

static inline void put_u16(struct sample *s, unsigned value)
{
    put(s, (uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

static inline void put_name(struct sample *s, const char *name)
{
    while (*name) {
        size_t len = strcspn(name, ".");
        put(s, &(uint8_t){(uint8_t)len}, 1);
        put(s, name, len);
        name += len + (name[len] == '.');
    }
    put(s, "", 1);
}

static inline struct sample sample_of(unsigned id, unsigned flags, const char *name, unsigned type)
{
    struct sample s = {.len = 0};
    put_u16(&s, id);
    put_u16(&s, flags);
    put_u16(&s, 1);
    put(&s, (uint8_t[6]){0}, 6);
    put_name(&s, name);
    put_u16(&s, type);
    put_u16(&s, 1);
    return s;
}

/* owner NULL: a pointer to the question's name. */
static inline void put_record(struct sample *s, unsigned section, const char *owner, unsigned type,
                              const struct sample *data)
{
    s->octets[section + 1]++;
    if (owner)
        put_name(s, owner);
    else
        put_u16(s, 0xc000 | QUESTION_NAME);
    put_u16(s, type);
    put_u16(s, 1);
    put(s, (uint8_t[4]){0, 0, 1, 44}, 4);
    put_u16(s, (unsigned)data->len);
    put(s, data->octets, data->len);
}

static inline void put_a(struct sample *s, unsigned section, const char *owner, unsigned last)
{
    struct sample data = {.len = 0};
    put(&data, (uint8_t[]){192, 0, 2, (uint8_t)last}, 4);
    put_record(s, section, owner, A, &data);
}

static inline void put_aaaa(struct sample *s, unsigned section, const char *owner, unsigned last)
{
    struct sample data = {.len = 0};
    put(&data, (uint8_t[16]){0x20, 0x01, 0x0d, 0xb8, [15] = (uint8_t)last}, 16);
    put_record(s, section, owner, AAAA, &data);
}

static inline void put_srv(struct sample *s, const char *target)
{
    struct sample data = {.len = 0};
    put(&data, (uint8_t[]){0, 10, 0, 100, 0x13, 0xc4}, 6);
    put_name(&data, target);
    put_record(s, ANSWER, NULL, SRV, &data);
}

static inline void put_naptr(struct sample *s, const char *replacement)
{
    struct sample data = {.len = 0};
    put(&data, "\0\12\0\62\1s\7SIP+D2U\0", 15);
    put_name(&data, replacement);
    put_record(s, ANSWER, NULL, NAPTR, &data);
}

static inline struct slice payload_of(const struct sample *s)
{
    return slice_of((const char *)s->octets, s->len);
}

#endif
