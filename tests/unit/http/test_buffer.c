/*
 * buffer: grows as it is written, and stays failed once it could not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdint.h>

#include "http/buffer.h"

static void grows(void **state)
{
    (void)state;
    struct buffer b = {0};
    for (unsigned i = 0; i < 10000; i++) {
        buffer_printf(&b, "%05u", i);
        buffer_puts(&b, ":");
        buffer_put(&b, "x\n", 1);
    }
    assert_false(b.failed);
    assert_int_equal(b.len, 70000);
    assert_memory_equal(b.text, "00000:x00001:x", 14);
    assert_memory_equal(b.text + 69993, "09999:x", 7);
    buffer_fini(&b);
    assert_null(b.text);
    buffer_fini(&b);
}

static void stays_failed(void **state)
{
    (void)state;
    struct buffer b = {0};
    buffer_puts(&b, "kept");
    assert_null(buffer_reserve(&b, SIZE_MAX - 2));
    assert_true(b.failed);
    buffer_puts(&b, "dropped");
    buffer_printf(&b, "%s", "dropped");
    assert_true(b.failed);
    assert_int_equal(b.len, 4);
    buffer_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(grows), cmocka_unit_test(stays_failed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
