/* slice: each function on ordinary, empty and absent text, in memory exactly as large as the text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/slice.h"

static void assert_slice(struct slice s, const char *text)
{
    if (!slice_eq(s, slice_str(text)))
        fail_msg("\"%.*s\" is not \"%s\"", SLICE_ARGS(s), text);
}

/* A copy without a terminating NUL, so that a sanitizer sees a step past its end. */
static struct slice exact(const char *text)
{
    size_t len = strlen(text);
    char *at = malloc(len > 0 ? len : 1);
    assert_non_null(at);
    memcpy(at, text, len);
    return slice_of(at, len);
}

static void release(struct slice s)
{
    char *at;
    memcpy(&at, &s.at, sizeof at);
    free(at);
}

static void test_making(void **state)
{
    (void)state;
    assert_int_equal(SLICE("abc").len, 3);
    assert_int_equal(SLICE("").len, 0);
    assert_int_equal(SLICE("a\0b").len, 3);
    assert_int_equal(slice_str(NULL).len, 0);
    assert_slice(slice_str("abc"), "abc");
    assert_slice(SLICE_NONE, "");
    char text[8];
    assert_int_equal(snprintf(text, sizeof text, "%.*s", SLICE_ARGS(SLICE_NONE)), 0);
    assert_int_equal(snprintf(text, sizeof text, "%.*s", SLICE_ARGS(slice_of("abc", 2))), 2);
    assert_string_equal(text, "ab");
}

static void test_equality(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool equal, equal_but_case;
    } rows[] = {
        {"", "", true, true},
        {"abc", "abc", true, true},
        {"abc", "ABC", false, true},
        {"abc", "abd", false, false},
        {"abc", "ab", false, false},
        {"", "a", false, false},
        {"@[`{", "`{@[", false, false}, /* what differs from another by 0x20 and is no letter */
        {"a-Z_9", "A-z_9", false, true},
        {"\xc4", "\xe4", false, false},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct slice a = exact(rows[i].a), b = exact(rows[i].b);
        assert_int_equal(slice_eq(a, b), rows[i].equal);
        assert_int_equal(slice_eq(b, a), rows[i].equal);
        assert_int_equal(slice_ieq(a, b), rows[i].equal_but_case);
        assert_int_equal(slice_ieq(b, a), rows[i].equal_but_case);
        release(a);
        release(b);
    }
    assert_true(slice_eq(SLICE_NONE, SLICE("")));
    assert_true(slice_ieq(SLICE_NONE, SLICE("")));
    assert_false(slice_eq(SLICE("a\0b"), SLICE("a\0c")));
    for (int c = 0; c < 256; c++) {
        char lower = slice_lower_char((char)c);
        assert_int_equal(lower, c >= 'A' && c <= 'Z' ? (char)(c + 32) : (char)c);
    }
}

static void test_starts(void **state)
{
    (void)state;
    struct slice s = exact("Content");
    assert_true(slice_starts(s, SLICE("")));
    assert_true(slice_starts(s, SLICE("Cont")));
    assert_true(slice_starts(s, SLICE("Content")));
    assert_false(slice_starts(s, SLICE("cont")));
    assert_false(slice_starts(s, SLICE("Contents")));
    assert_true(slice_istarts(s, SLICE("cONT")));
    assert_false(slice_istarts(s, SLICE("contents")));
    assert_false(slice_istarts(s, SLICE("ontent")));
    release(s);
    assert_true(slice_starts(SLICE_NONE, SLICE("")));
    assert_false(slice_istarts(SLICE_NONE, SLICE("a")));
}

static void test_skip_and_head(void **state)
{
    (void)state;
    struct slice s = exact("abc");
    assert_slice(slice_skip(s, 0), "abc");
    assert_slice(slice_skip(s, 2), "c");
    assert_slice(slice_skip(s, 3), "");
    assert_slice(slice_skip(s, SIZE_MAX), "");
    /* The empty rest is at the end, not somewhere behind it. */
    assert_ptr_equal(slice_skip(s, 4).at, s.at + 3);
    assert_slice(slice_head(s, 0), "");
    assert_slice(slice_head(s, 2), "ab");
    assert_slice(slice_head(s, 3), "abc");
    assert_slice(slice_head(s, SIZE_MAX), "abc");
    release(s);
    assert_slice(slice_skip(SLICE_NONE, 1), "");
    assert_slice(slice_head(SLICE_NONE, 1), "");
}

static void test_find(void **state)
{
    (void)state;
    struct slice s = exact("a:b:c");
    assert_int_equal(slice_find(s, ':'), 1);
    assert_int_equal(slice_find(s, 'c'), 4);
    assert_int_equal(slice_find(s, 'x'), 5);
    assert_int_equal(slice_find(s, '\0'), 5);
    release(s);
    assert_int_equal(slice_find(SLICE("a\0b"), '\0'), 1);
    assert_int_equal(slice_find(SLICE("a\xff"), '\xff'), 1);
    assert_int_equal(slice_find(SLICE_NONE, 'a'), 0);
}

static void test_trim(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", ""},          {" ", ""},          {" \t\r\n", ""}, {"a", "a"},
        {" a b\t", "a b"}, {"\r\na\r\n", "a"}, {"a\v", "a\v"}, /* only what a header may have around
                                                                  its value */
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct slice s = exact(rows[i][0]);
        assert_slice(slice_trim(s), rows[i][1]);
        release(s);
    }
    assert_slice(slice_trim(SLICE_NONE), "");
}

static void test_to_u64(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t max;
        bool ok;
        uint64_t value;
    } rows[] = {
        {"0", 0, true, 0},
        {"1", 0, false, 0},
        {"007", 7, true, 7},
        {"65535", 65535, true, 65535},
        {"65536", 65535, false, 0},
        {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, false, 0},
        {"18446744073709551617", 65535, false, 0}, /* 1 if it wrapped */
        {"36893488147419103232", UINT64_MAX, false, 0},
        {"99999999999999999999999999", UINT64_MAX, false, 0},
        {"00000000000000000000000000000000000001", 1, true, 1},
        {"", 9, false, 0},
        {"+1", 9, false, 0},
        {"-1", UINT64_MAX, false, 0},
        {" 1", 9, false, 0},
        {"1 ", 9, false, 0},
        {"1a", 99, false, 0},
        {"0x1", 99, false, 0},
        {"/", 99, false, 0},
        {":", 99, false, 0},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct slice s = exact(rows[i].text);
        uint64_t value = 42;
        assert_int_equal(slice_to_u64(s, rows[i].max, &value), rows[i].ok);
        assert_true(value == (rows[i].ok ? rows[i].value : 42));
        release(s);
    }
    uint64_t value;
    assert_false(slice_to_u64(SLICE_NONE, 9, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_making), cmocka_unit_test(test_equality),
        cmocka_unit_test(test_starts), cmocka_unit_test(test_skip_and_head),
        cmocka_unit_test(test_find),   cmocka_unit_test(test_trim),
        cmocka_unit_test(test_to_u64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
