#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static struct slab blocks;

static int set_up(void **state)
{
    (void)state;
    return slab_init(&blocks, sizeof(struct arena_block), 4);
}

static int tear_down(void **state)
{
    (void)state;
    slab_fini(&blocks);
    return 0;
}

static void test_copies_last(void **state)
{
    struct arena arena = {0};
    struct slice copy[20];
    char text[20];
    (void)state;
    for (int i = 0; i < 20; i++) {
        memset(text, 'a' + i, sizeof text);
        assert_true(arena_copy(&arena, &blocks, 4, slice_of(text, (size_t)i + 1), &copy[i]));
    }
    memset(text, 0, sizeof text);
    assert_int_equal(arena.blocks, 1);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(copy[i].len, i + 1);
        for (size_t k = 0; k < copy[i].len; k++)
            assert_int_equal(copy[i].at[k], 'a' + i);
    }
    arena_free(&arena, &blocks);
    assert_int_equal(blocks.used, 0);
}

static void test_empty_text_takes_nothing(void **state)
{
    struct arena arena = {0};
    struct slice copy = SLICE("before");
    (void)state;
    assert_true(arena_copy(&arena, &blocks, 4, SLICE_NONE, &copy));
    assert_int_equal(copy.len, 0);
    assert_int_equal(blocks.used, 0);
}

static void test_long_text_is_cut(void **state)
{
    struct arena arena = {0};
    struct slice copy;
    char text[2 * ARENA_BLOCK_BYTES];
    (void)state;
    memset(text, 'x', sizeof text);
    assert_true(arena_copy(&arena, &blocks, 4, slice_of(text, ARENA_STRING_MAX), &copy));
    assert_int_equal(copy.len, ARENA_STRING_MAX);
    assert_true(arena_copy(&arena, &blocks, 4, slice_of(text, sizeof text), &copy));
    assert_int_equal(copy.len, ARENA_STRING_MAX);
    assert_memory_equal(copy.at, text, ARENA_STRING_MAX);
    assert_int_equal(arena.blocks, 2);
    arena_free(&arena, &blocks);
}

/* An arena's own share, and then what all have together. */
static void test_limits(void **state)
{
    struct arena one = {0}, two = {0};
    struct slice copy;
    char text[ARENA_STRING_MAX];
    (void)state;
    memset(text, 'x', sizeof text);
    const struct slice full = slice_of(text, sizeof text);
    assert_true(arena_copy(&one, &blocks, 2, full, &copy));
    assert_true(arena_copy(&one, &blocks, 2, full, &copy));
    copy = SLICE("before");
    assert_false(arena_copy(&one, &blocks, 2, SLICE("y"), &copy));
    assert_int_equal(copy.len, 0);
    assert_true(arena_copy(&two, &blocks, 9, full, &copy));
    assert_true(arena_copy(&two, &blocks, 9, full, &copy));
    assert_false(arena_copy(&two, &blocks, 9, SLICE("y"), &copy));
    arena_free(&one, &blocks);
    assert_int_equal(one.blocks, 0);
    assert_true(arena_copy(&two, &blocks, 9, SLICE("y"), &copy));
    assert_int_equal(blocks.used, 3);
    arena_free(&two, &blocks);
    arena_free(&two, &blocks);
    assert_int_equal(blocks.used, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_copies_last),
        TEST(test_empty_text_takes_nothing),
        TEST(test_long_text_is_cut),
        TEST(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
