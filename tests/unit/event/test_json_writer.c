/* JSON, octet for octet; and whatever text comes, a parser reads back what was meant. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "event/json_text.h"
#include "event/json_writer.h"

#define LIMIT ((size_t)1 << 20)

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static struct json_writer begun(void)
{
    struct json_writer w;
    json_writer_init(&w, LIMIT);
    json_begin_object(&w, NULL);
    return w;
}

/* Ends the object that begun() began; what is written must be exactly this and a newline. */
static void assert_written(struct json_writer *w, const char *want)
{
    json_end_object(w);
    json_end_line(w);
    assert_false(w->failed);
    assert_int_equal(w->text[w->len - 1], '\n');
    w->text[w->len - 1] = 0;
    assert_string_equal(w->text, want);
    assert_int_equal(w->len - 1, strlen(want));
    json_writer_fini(w);
}

static void assert_text(struct slice text, const char *want)
{
    struct json_writer w = begun();
    json_put_text(&w, "t", text);
    assert_written(&w, want);
}

static void test_nesting(void **state)
{
    (void)state;
    struct json_writer w = begun();
    assert_written(&w, "{}");
    w = begun();
    json_begin_array(&w, "empty");
    json_end_array(&w);
    json_begin_object(&w, "none");
    json_end_object(&w);
    assert_written(&w, "{\"empty\":[],\"none\":{}}");
    w = begun();
    json_put_bool(&w, "yes", true);
    json_begin_array(&w, "all");
    json_begin_object(&w, NULL);
    json_put_unsigned(&w, "n", 1);
    json_end_object(&w);
    json_begin_object(&w, NULL);
    json_begin_object(&w, "in");
    json_put_bool(&w, "no", false);
    json_end_object(&w);
    json_end_object(&w);
    json_end_array(&w);
    json_put_unsigned(&w, "last", UINT64_MAX);
    assert_written(&w, "{\"yes\":true,\"all\":[{\"n\":1},{\"in\":{\"no\":false}}],"
                       "\"last\":18446744073709551615}");
}

static void test_values(void **state)
{
    const uint8_t octets[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    struct ip_addr v4 = ip_from_v4((const uint8_t[4]){192, 0, 2, 255}), v6 = ip_from_v6(octets);
    (void)state;
    struct json_writer w = begun();
    json_put_ip(&w, "a", &v4);
    json_put_ip(&w, "b", &v6);
    json_put_time(&w, "c", INT64_C(1769860800123456789));
    json_put_hex32(&w, "d", 0x0234abcd);
    json_put_hex32(&w, "e", UINT32_MAX);
    json_put_millionths(&w, "f", INT64_C(32000000000));
    json_put_text(&w, "g", SLICE("sip:bob@[2001:db8::1]/;x"));
    json_put_text(&w, "h", SLICE_NONE);
    assert_written(&w, "{\"a\":\"192.0.2.255\",\"b\":\"2001:db8::1\","
                       "\"c\":\"2026-01-31T12:00:00.123456Z\",\"d\":\"0x0234abcd\","
                       "\"e\":\"0xffffffff\",\"f\":32000.0,"
                       "\"g\":\"sip:bob@[2001:db8::1]/;x\",\"h\":\"\"}");
}

/* RFC 8259 section 7: the two-character escapes, all other control characters, and no more. */
static void test_escapes_of_ascii(void **state)
{
    static const char *const short_escapes[128] = {
        ['\b'] = "\\b", ['\f'] = "\\f", ['\n'] = "\\n",  ['\r'] = "\\r",
        ['\t'] = "\\t", ['"'] = "\\\"", ['\\'] = "\\\\", [0x7f] = "\\uFFFD",
    };
    (void)state;
    for (int c = 0; c < 128; c++) {
        char plain[2] = {(char)c, 0}, escape[8], want[80];
        snprintf(escape, sizeof escape, "\\u%04X", (unsigned)c);
        const char *one = short_escapes[c] ? short_escapes[c] : c < 0x20 ? escape : plain;
        snprintf(want, sizeof want, "{\"t\":\"%s\"}", one);
        assert_text(slice_of(plain, 1), want);
        /* In each place of the eight octets that are looked at together. */
        for (size_t place = 0; place < 16; place++) {
            char text[] = "abcdefghijklmnop";
            text[place] = (char)c;
            snprintf(want, sizeof want, "{\"t\":\"%.*s%s%s\"}", (int)place, text, one,
                     text + place + 1);
            assert_text(slice_of(text, 16), want);
        }
    }
}

static void test_escapes_of_unicode(void **state)
{
    (void)state;
    assert_text(SLICE("J\xc3\xbcrgen"), "{\"t\":\"J\\u00FCrgen\"}");
    assert_text(SLICE("\xc2\x80\xdf\xbf"), "{\"t\":\"\\u0080\\u07FF\"}");
    assert_text(SLICE("\xe0\xa0\x80\xef\xbf\xbf"), "{\"t\":\"\\u0800\\uFFFF\"}");
    assert_text(SLICE("\xf0\x9d\x84\x9e"), "{\"t\":\"\\uD834\\uDD1E\"}"); /* the RFC's G clef */
    assert_text(SLICE("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
                "{\"t\":\"\\uD800\\uDC00\\uDBFF\\uDFFF\"}");
    /* What is not well-formed, octet by octet. */
    assert_text(SLICE("\xff|"), "{\"t\":\"\\uFFFD|\"}");
    assert_text(SLICE("\xc0\x80"), "{\"t\":\"\\uFFFD\\uFFFD\"}");
    assert_text(SLICE("\xed\xa0\x80"), "{\"t\":\"\\uFFFD\\uFFFD\\uFFFD\"}");
    assert_text(SLICE("\xf4\x90\x80\x80"), "{\"t\":\"\\uFFFD\\uFFFD\\uFFFD\\uFFFD\"}");
    assert_text(SLICE("a\xe2\x82"), "{\"t\":\"a\\uFFFD\\uFFFD\"}"); /* cut at its end */
}

/* Octets of all kinds, broken sequences among them: jansson reads back what json_text makes. */
static void test_any_octets(void **state)
{
    static const char *const bits[] = {"\xc3\xbc",   "\xe2\x82\xac", "\xf0\x9f\x93\x9e",
                                       "plain text", "\xed\xa0",     "\xf4\x90",
                                       "\"",         "\\",           "\x7f"};
    uint64_t random = 1;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        char text[64];
        size_t len = 0, end = next_random(&random) % 50;
        while (len < end) {
            uint64_t choice = next_random(&random) % 12;
            if (choice < 9) {
                memcpy(text + len, bits[choice], strlen(bits[choice]));
                len += strlen(bits[choice]);
            } else {
                text[len++] = (char)(next_random(&random) >> 56);
            }
        }
        struct json_writer w = begun();
        json_put_text(&w, "t", slice_of(text, len));
        json_end_object(&w);
        json_end_line(&w);
        assert_false(w.failed);
        for (size_t i = 0; i + 1 < w.len; i++)
            assert_in_range(w.text[i], 0x20, 0x7e);
        json_t *object = json_loadb(w.text, w.len, JSON_ALLOW_NUL, NULL);
        json_t *want = json_text(slice_of(text, len));
        assert_non_null(object);
        assert_true(json_equal(json_object_get(object, "t"), want));
        json_decref(object);
        json_decref(want);
        json_writer_fini(&w);
    }
}

static void assert_real(double value, const char *want)
{
    char text[80];
    struct json_writer w = begun();
    json_put_real(&w, "r", value);
    snprintf(text, sizeof text, "{\"r\":%s}", want);
    assert_written(&w, text);
}

static void assert_absent(double value)
{
    struct json_writer w = begun();
    json_put_real(&w, "r", value);
    assert_written(&w, "{}");
}

static void test_reals(void **state)
{
    (void)state;
    assert_real(0, "0.0");
    assert_real(-0.0, "0.0");
    assert_real(1, "1.0");
    assert_real(0.1, "0.1");
    assert_real(-0.1, "-0.1");
    assert_real(1.0 / 3, "0.333333");
    assert_real(2.0 / 3, "0.666667");
    assert_real(4.3712, "4.3712");
    assert_real(1e-7, "0.0"); /* and no exponent */
    assert_real(-1e-7, "0.0");
    assert_real(0.9999999, "1.0");
    assert_real(1e12, "1000000000000.0");
    assert_real(0x1p-7, "0.007812"); /* 0.0078125: a tie, to even */
    assert_real(3 * 0x1p-7, "0.023438");
    assert_real(8.9e12, "8900000000000.0");
    assert_absent(NAN);
    assert_absent(-NAN);
    assert_absent(INFINITY);
    assert_absent(-INFINITY);
    assert_absent(1e13);
    assert_absent(-1e300);
}

/* Against printf: the digits are the same, or the value lies too close to a tie to tell. */
static void test_reals_as_printf(void **state)
{
    uint64_t random = 2;
    (void)state;
    for (int i = 0; i < 200000; i++) {
        char want[64], got[64];
        double value = ldexp((double)(next_random(&random) >> 11), -10 - i % 60);
        if (i % 2)
            value = -value;
        struct json_writer w = begun();
        json_put_real(&w, "r", value);
        json_end_object(&w);
        json_end_line(&w);
        snprintf(got, sizeof got, "%.*s", (int)w.len - 7, w.text + 5);
        json_writer_fini(&w);
        int len = snprintf(want, sizeof want, "%.6f", value);
        while (want[len - 1] == '0' && want[len - 2] != '.')
            want[--len] = 0;
        if (strcmp(want, "-0.0") == 0)
            continue; /* there is no such zero */
        double from_tie = fabs(value) * 1e6 - floor(fabs(value) * 1e6) - 0.5;
        if (strcmp(want, got) != 0 && fabs(from_tie) > fabs(value) * 1e6 * 0x1p-52)
            fail_msg("%a: %s, not %s", value, got, want);
    }
}

/* The buffer grows to what is needed and stays; what does not fit leaves no trace. */
static void test_limit(void **state)
{
    struct json_writer w;
    static char long_text[9000];
    (void)state;
    memset(long_text, 'x', sizeof long_text);
    json_writer_init(&w, 10000);
    json_begin_object(&w, NULL);
    json_put_text(&w, "a", SLICE("kept"));
    json_end_object(&w);
    json_end_line(&w);
    size_t kept = w.len;
    for (int round = 0; round < 3; round++) {
        json_begin_object(&w, NULL);
        json_put_text(&w, "b", slice_of(long_text, 9000));
        assert_false(w.failed);
        json_put_text(&w, "c", slice_of(long_text, 9000));
        assert_true(w.failed);
        json_put_unsigned(&w, "small", 1); /* dropped, though it would fit */
        json_end_object(&w);
        json_end_line(&w);
        assert_true(w.failed);
        assert_true(w.capacity <= 10000);
        json_writer_cut(&w, kept);
        assert_false(w.failed);
    }
    assert_int_equal(w.len, strlen("{\"a\":\"kept\"}\n"));
    assert_memory_equal(w.text, "{\"a\":\"kept\"}\n", w.len);
    json_writer_cut(&w, 0);
    const char *text = w.text;
    json_begin_object(&w, NULL);
    json_put_text(&w, "d", slice_of(long_text, 9000));
    json_end_object(&w);
    json_end_line(&w);
    assert_false(w.failed);
    assert_ptr_equal(w.text, text); /* used again, not allocated again */
    json_writer_fini(&w);
    assert_null(w.text);
}

/* Escapes make text longer while it is written: at whatever octet the room ends, it is seen. */
static void test_every_limit(void **state)
{
    (void)state;
    for (size_t limit = 0; limit < 120; limit++) {
        struct json_writer w;
        json_writer_init(&w, limit);
        json_begin_object(&w, NULL);
        json_put_text(&w, "t", SLICE("ab\n\x01\xff\xf0\x9d\x84\x9e zz"));
        json_put_bool(&w, "b", true);
        json_begin_array(&w, "a");
        json_end_array(&w);
        json_end_object(&w);
        json_end_line(&w);
        assert_true(w.len <= limit);
        static const char want[] =
            "{\"t\":\"ab\\n\\u0001\\uFFFD\\uD834\\uDD1E zz\",\"b\":true,\"a\":[]}\n";
        if (limit >= sizeof want + 12)
            assert_false(w.failed);
        if (!w.failed) {
            assert_int_equal(w.len, sizeof want - 1);
            assert_memory_equal(w.text, want, sizeof want - 1);
        }
        json_writer_fini(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nesting),          cmocka_unit_test(test_values),
        cmocka_unit_test(test_escapes_of_ascii), cmocka_unit_test(test_escapes_of_unicode),
        cmocka_unit_test(test_any_octets),       cmocka_unit_test(test_reals),
        cmocka_unit_test(test_reals_as_printf),  cmocka_unit_test(test_limit),
        cmocka_unit_test(test_every_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
