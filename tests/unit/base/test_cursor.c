/* cursor: reads what is there, in network order; fails once and for all at the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cursor.h"

/* Octets 0x81, 0x82, … in memory of exactly that size. */
static uint8_t *octets(size_t n)
{
    uint8_t *bytes = malloc(n > 0 ? n : 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(0x81 + i);
    return bytes;
}

static void test_reads_network_order(void **state)
{
    (void)state;
    uint8_t *bytes = octets(9);
    struct cursor c = cursor_of(bytes, 9);
    assert_int_equal(cursor_u8(&c), 0x81);
    assert_int_equal(cursor_u16(&c), 0x8283);
    assert_true(cursor_u32(&c) == UINT32_C(0x84858687));
    assert_int_equal(c.left, 2);
    assert_ptr_equal(cursor_take(&c, 2), bytes + 7);
    assert_int_equal(c.left, 0);
    assert_false(c.failed);
    free(bytes);
}

static void test_short_reads_move_nothing(void **state)
{
    (void)state;
    for (size_t n = 0; n < 4; n++) {
        uint8_t *bytes = octets(n);
        struct cursor c = cursor_of(bytes, n);
        assert_int_equal(cursor_u32(&c), 0);
        assert_true(c.failed);
        assert_ptr_equal(c.at, bytes);
        assert_int_equal(c.left, n);
        c = cursor_of(bytes, n);
        assert_int_equal(cursor_u16(&c), n < 2 ? 0 : 0x8182);
        assert_int_equal(c.failed, n < 2);
        c = cursor_of(bytes, n);
        assert_int_equal(cursor_u8(&c), n < 1 ? 0 : 0x81);
        assert_int_equal(c.failed, n < 1);
        free(bytes);
    }
}

static void test_failure_sticks(void **state)
{
    (void)state;
    uint8_t *bytes = octets(3);
    struct cursor c = cursor_of(bytes, 3);
    cursor_skip(&c, 4);
    assert_true(c.failed);
    assert_int_equal(c.left, 3);
    assert_int_equal(cursor_u8(&c), 0);
    assert_int_equal(cursor_u16(&c), 0);
    assert_null(cursor_take(&c, 0));
    assert_true(cursor_sub(&c, 1).failed);
    assert_ptr_equal(c.at, bytes);
    free(bytes);
}

static void test_lengths_do_not_wrap(void **state)
{
    (void)state;
    uint8_t *bytes = octets(3);
    struct cursor c = cursor_of(bytes, 3);
    cursor_skip(&c, 1);
    assert_null(cursor_take(&c, SIZE_MAX));
    assert_true(c.failed);
    assert_int_equal(c.left, 2);
    free(bytes);
}

static void test_sub_cursor_is_bounded(void **state)
{
    (void)state;
    uint8_t *bytes = octets(6);
    struct cursor c = cursor_of(bytes, 6);
    cursor_skip(&c, 1);
    struct cursor sub = cursor_sub(&c, 3);
    assert_int_equal(sub.left, 3);
    assert_ptr_equal(sub.at, bytes + 1);
    assert_int_equal(c.left, 2);
    assert_int_equal(cursor_u32(&sub), 0);
    assert_true(sub.failed);
    assert_false(c.failed);
    assert_int_equal(cursor_u16(&c), 0x8586);

    sub = cursor_sub(&c, 0);
    assert_false(sub.failed || c.failed);
    assert_int_equal(sub.left, 0);
    sub = cursor_sub(&c, 1);
    assert_true(sub.failed && c.failed);
    assert_int_equal(cursor_u8(&sub), 0);
    free(bytes);
}

static void test_nothing(void **state)
{
    (void)state;
    struct cursor c = cursor_of(NULL, 0);
    assert_int_equal(cursor_u8(&c), 0);
    assert_true(c.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_network_order),
        cmocka_unit_test(test_short_reads_move_nothing),
        cmocka_unit_test(test_failure_sticks),
        cmocka_unit_test(test_lengths_do_not_wrap),
        cmocka_unit_test(test_sub_cursor_is_bounded),
        cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
