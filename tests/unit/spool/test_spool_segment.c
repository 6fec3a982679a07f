/* The format of the spool's files: the octets that later versions must read, and what is made of
 * those that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "spool/spool_segment.h"

static const char head[] = "sipspool\0\0\0\1\0\0\0";
static const char one[] = "\xffre\xfe"             /* magic */
                          "\0\0\0\5"               /* length */
                          "\0\0\0\0\0\0\1\2"       /* number 258 */
                          "\1\2\3\4\5\6\7\x08"     /* key */
                          "\0\0\0\0\x3b\x9a\xca\0" /* one second */
                          "\x7a\x4a\x21\x60"       /* CRC-32 */
                          "hello";

static void test_octets(void **state)
{
    char octets[SPOOL_RECORD_HEAD + 5];
    const struct spool_segment_record record = {.number = 258,
                                                .key_hash = 0x0102030405060708,
                                                .time_ns = 1000000000,
                                                .octets = SLICE("hello")};
    struct spool_segment_record got;
    (void)state;
    spool_segment_put(octets, &record);
    assert_memory_equal(octets, one, sizeof octets);
    assert_true(spool_segment_get(slice_of(one, sizeof one - 1), &got));
    assert_int_equal(got.number, 258);
    assert_int_equal(got.key_hash, 0x0102030405060708);
    assert_int_equal(got.time_ns, 1000000000);
    assert_true(slice_eq(got.octets, SLICE("hello")));
    assert_false(spool_segment_get(slice_of(one, sizeof one - 2), &got));
    char begin[SPOOL_SEGMENT_HEAD];
    spool_segment_put_head(begin);
    assert_int_equal(sizeof head, sizeof begin);
    assert_memory_equal(begin, head, sizeof begin);
}

static void test_heads(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof head; len++)
        assert_int_equal(spool_segment_head(slice_of(head, len)), SPOOL_HEAD_CUT);
    assert_int_equal(spool_segment_head(slice_of(head, sizeof head)), SPOOL_HEAD_OK);
    assert_int_equal(spool_segment_head(SLICE("sipspool\0\0\0\2\0\0\0\0")), SPOOL_HEAD_VERSION);
    assert_int_equal(spool_segment_head(SLICE("sipspoox\0\0\0\1\0\0\0\0")), SPOOL_HEAD_FOREIGN);
    assert_int_equal(spool_segment_head(SLICE("x")), SPOOL_HEAD_FOREIGN);
}

static size_t put(char *to, uint64_t number, const char *octets)
{
    const struct spool_segment_record record = {.number = number, .octets = slice_str(octets)};
    spool_segment_put(to, &record);
    return SPOOL_RECORD_HEAD + record.octets.len;
}

/* The numbers that are found. */
static const char *numbers_in(const char *octets, size_t len, uint64_t first, uint64_t limit,
                              unsigned damages)
{
    static char text[256];
    struct spool_scan scan;
    struct spool_segment_record record;
    char *copy = malloc(len + 1); /* of its own, for the sanitizers */
    size_t at = 0;
    assert_non_null(copy);
    memcpy(copy, octets, len);
    text[0] = 0;
    spool_scan_begin(&scan, slice_of(copy, len), first, limit);
    while (spool_scan_next(&scan, &record))
        at += (size_t)snprintf(text + at, sizeof text - at, "%llu ",
                               (unsigned long long)record.number);
    assert_int_equal(scan.damages, damages);
    free(copy);
    return text;
}

static void test_numbers(void **state)
{
    char file[1024];
    size_t len = SPOOL_SEGMENT_HEAD;
    (void)state;
    spool_segment_put_head(file);
    len += put(file + len, 10, "ten");
    len += put(file + len, 11, "eleven");
    len += put(file + len, 11, "eleven once more");
    len += put(file + len, 13, "thirteen");
    len += put(file + len, 12, "twelve");
    len += put(file + len, 15, "fifteen");
    assert_string_equal(numbers_in(file, len, 10, 100, 2), "10 11 13 15 ");
    assert_string_equal(numbers_in(file, len, 11, 100, 3), "11 13 15 ");
    assert_string_equal(numbers_in(file, len, 10, 13, 2), "10 11 12 ");
    assert_string_equal(numbers_in(file, len, 1, 13, 1), "");
    assert_string_equal(numbers_in(file, len, 100, 200, 1), "");
}

/* A record inside a damaged one: text from the wire cannot look like that, but a nested spool may.
 * What is between records is lost once, whatever it holds. */
static void test_damages(void **state)
{
    char file[4096];
    size_t len = SPOOL_SEGMENT_HEAD, second, third;
    (void)state;
    spool_segment_put_head(file);
    len += put(file + len, 1, "one");
    second = len;
    len += put(file + len, 2, "two");
    third = len;
    len += put(file + len, 3, "three");
    file[second + SPOOL_RECORD_HEAD] ^= 1;
    assert_string_equal(numbers_in(file, len, 1, 9, 1), "1 3 ");
    file[third + 4] = 1; /* its length leads out of the file */
    assert_string_equal(numbers_in(file, len, 1, 9, 1), "1 ");
    memset(file, 'x', SPOOL_SEGMENT_HEAD);
    assert_string_equal(numbers_in(file, len, 1, 9, 2), "1 ");
}

/* A file made to take long: at each octet what looks like a record of a MiB. It takes no longer
 * than some readings of the file. */
static void test_effort(void **state)
{
    enum { LEN = 8 << 20, EACH = SPOOL_RECORD_HEAD };
    char *file = calloc(1, LEN);
    struct timespec began, ended;
    (void)state;
    assert_non_null(file);
    spool_segment_put_head(file);
    for (size_t at = SPOOL_SEGMENT_HEAD; at + EACH < LEN; at += EACH) {
        put(file + at, 1, "");
        file[at + 5] = 0x10; /* so long that it never fits its checksum */
    }
    clock_gettime(CLOCK_MONOTONIC, &began);
    assert_string_equal(numbers_in(file, LEN, 1, 9, 1), "");
    clock_gettime(CLOCK_MONOTONIC, &ended);
    assert_in_range(ended.tv_sec - began.tv_sec, 0, 20); /* without a bound: minutes */
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_octets),  cmocka_unit_test(test_heads),
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_damages),
        cmocka_unit_test(test_effort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
