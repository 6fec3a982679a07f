#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static struct arena_blocks blocks;

static int set_up(void **state)
{
    (void)state;
    return arena_blocks_init(&blocks, 4, 4);
}

static int tear_down(void **state)
{
    (void)state;
    arena_blocks_fini(&blocks);
    return 0;
}

static const struct arena_text before;

static size_t used(void)
{
    return blocks.small.used + blocks.large.used;
}

static void test_copies_last(void **state)
{
    struct arena arena = {0};
    const struct arena_text *copy[16];
    char text[16];
    (void)state;
    for (int i = 0; i < 16; i++) {
        memset(text, 'a' + i, sizeof text);
        assert_true(arena_copy(&arena, &blocks, 4, slice_of(text, (size_t)i + 1), &copy[i]));
    }
    memset(text, 0, sizeof text);
    assert_int_equal(arena_count(&arena), 1);
    for (int i = 0; i < 16; i++) {
        assert_int_equal(arena_slice(copy[i]).len, i + 1);
        for (size_t k = 0; k < arena_slice(copy[i]).len; k++)
            assert_int_equal(copy[i]->at[k], 'a' + i);
    }
    arena_free(&arena, &blocks);
    assert_int_equal(used(), 0);
}

static void test_empty_text_takes_nothing(void **state)
{
    struct arena arena = {0};
    const struct arena_text *copy = &before;
    (void)state;
    assert_true(arena_copy(&arena, &blocks, 4, SLICE_NONE, &copy));
    assert_null(copy);
    assert_int_equal(used(), 0);
}

static void test_long_text_is_cut(void **state)
{
    struct arena arena = {0};
    const struct arena_text *copy;
    char text[2 * ARENA_LARGE_BYTES];
    (void)state;
    memset(text, 'x', sizeof text);
    assert_true(arena_copy(&arena, &blocks, 4, slice_of(text, ARENA_STRING_MAX), &copy));
    assert_int_equal(arena_slice(copy).len, ARENA_STRING_MAX);
    assert_true(arena_copy(&arena, &blocks, 4, slice_of(text, sizeof text), &copy));
    assert_int_equal(arena_slice(copy).len, ARENA_STRING_MAX);
    assert_memory_equal(copy->at, text, ARENA_STRING_MAX);
    assert_int_equal(arena_count(&arena), 2);
    assert_int_equal(blocks.large.used, 2);
    arena_free(&arena, &blocks);
    assert_int_equal(used(), 0);
}

/* A long text gets a block of its own size; the short ones go on in theirs. */
static void test_long_among_short(void **state)
{
    struct arena arena = {0};
    const struct arena_text *copy[4];
    char text[ARENA_STRING_MAX];
    (void)state;
    memset(text, 'x', sizeof text);
    assert_true(arena_copy(&arena, &blocks, 9, SLICE("one"), &copy[0]));
    assert_true(arena_copy(&arena, &blocks, 9, slice_of(text, sizeof text), &copy[1]));
    assert_true(arena_copy(&arena, &blocks, 9, SLICE("two"), &copy[2]));
    assert_true(arena_copy(&arena, &blocks, 9, slice_of(text, ARENA_SMALL_BYTES), &copy[3]));
    assert_int_equal(blocks.small.used, 1);
    assert_int_equal(blocks.large.used, 2);
    assert_memory_equal(copy[0]->at, "one\3\0two", 8);
    assert_ptr_equal(copy[2]->at, copy[0]->at + 5);
    assert_memory_equal(copy[1]->at, text, sizeof text);
    assert_memory_equal(copy[3]->at, text, ARENA_SMALL_BYTES);
    arena_free(&arena, &blocks);
    assert_int_equal(used(), 0);
}

/* An arena's own share, and then what all have together. */
static void test_limits(void **state)
{
    struct arena one = {0}, two = {0};
    const struct arena_text *copy;
    char text[ARENA_SMALL_STRING_MAX];
    (void)state;
    memset(text, 'x', sizeof text);
    const struct slice full = slice_of(text, sizeof text);
    assert_true(arena_copy(&one, &blocks, 2, full, &copy));
    assert_true(arena_copy(&one, &blocks, 2, full, &copy));
    copy = &before;
    assert_false(arena_copy(&one, &blocks, 2, full, &copy));
    assert_null(copy);
    assert_true(arena_copy(&two, &blocks, 9, full, &copy));
    assert_true(arena_copy(&two, &blocks, 9, full, &copy));
    assert_false(arena_copy(&two, &blocks, 9, full, &copy));
    arena_free(&one, &blocks);
    assert_int_equal(arena_count(&one), 0);
    assert_true(arena_copy(&two, &blocks, 9, full, &copy));
    assert_int_equal(used(), 3);
    arena_free(&two, &blocks);
    arena_free(&two, &blocks);
    assert_int_equal(used(), 0);
}

/* Then long texts are cut: nobody has to make room for them. */
static void test_no_large_block_is_left(void **state)
{
    struct arena one = {0}, two = {0};
    const struct arena_text *copy;
    char text[ARENA_STRING_MAX];
    (void)state;
    memset(text, 'x', sizeof text);
    for (int i = 0; i < 4; i++)
        assert_true(arena_copy(&one, &blocks, 9, slice_of(text, sizeof text), &copy));
    assert_int_equal(blocks.large.used, 4);
    assert_true(arena_copy(&two, &blocks, 9, slice_of(text, sizeof text), &copy));
    assert_int_equal(arena_slice(copy).len, ARENA_SMALL_STRING_MAX);
    assert_int_equal(blocks.small.used, 1);
    arena_free(&one, &blocks);
    assert_true(arena_copy(&two, &blocks, 9, slice_of(text, sizeof text), &copy));
    assert_int_equal(arena_slice(copy).len, ARENA_STRING_MAX);
    arena_free(&two, &blocks);
    assert_int_equal(used(), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_copies_last),      TEST(test_empty_text_takes_nothing),
        TEST(test_long_text_is_cut), TEST(test_long_among_short),
        TEST(test_limits),           TEST(test_no_large_block_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
