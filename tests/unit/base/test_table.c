#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/table.h"

static void test_insert_find_remove(void **state)
{
    enum { COUNT = 1000 };
    struct table table;
    struct table_node *node = calloc(COUNT, sizeof *node);
    (void)state;
    assert_non_null(node);
    assert_int_equal(table_init(&table), 0); /* it grows while they come */
    for (uint64_t i = 0; i < COUNT; i++)
        table_insert(&table, &node[i], i * 0x9e3779b97f4a7c15ULL);
    assert_int_equal(table.count, COUNT);
    for (uint64_t i = 0; i < COUNT; i++) {
        assert_ptr_equal(table_first(&table, i * 0x9e3779b97f4a7c15ULL), &node[i]);
        assert_null(table_next(&node[i]));
    }
    for (uint64_t i = 0; i < COUNT; i += 2)
        table_remove(&table, &node[i]);
    assert_int_equal(table.count, COUNT / 2);
    for (uint64_t i = 0; i < COUNT; i++)
        assert_ptr_equal(table_first(&table, i * 0x9e3779b97f4a7c15ULL), i % 2 ? &node[i] : NULL);
    table_fini(&table);
    free(node);
}

/* Hashes that differ by this share a bucket, however many buckets there are. */
#define SAME_BUCKET (UINT64_C(1) << 40)

/* Several of one hash are all found, and one of them is removed without the others. */
static void test_equal_hashes(void **state)
{
    struct table table;
    struct table_node node[4], other;
    (void)state;
    assert_int_equal(table_init(&table), 0);
    for (int i = 0; i < 4; i++) {
        table_insert(&table, &node[i], 7);
        if (i == 1)
            table_insert(&table, &other, 7 + SAME_BUCKET); /* between them */
    }
    table_remove(&table, &node[2]);
    unsigned seen = 0;
    for (struct table_node *at = table_first(&table, 7); at; at = table_next(at))
        seen |= 1u << (at - node);
    assert_int_equal(seen, 1u << 0 | 1u << 1 | 1u << 3);
    assert_ptr_equal(table_first(&table, 7 + SAME_BUCKET), &other);
    assert_null(table_next(&other));
    assert_null(table_first(&table, 7 + 2 * SAME_BUCKET));
    table_fini(&table);
}

/* However often the table has grown since. */
static void test_latest_comes_first(void **state)
{
    enum { COUNT = 600, EQUAL = 5 };
    (void)state;
    for (int is_dense = 0; is_dense < 2; is_dense++) {
        struct table table;
        struct table_node equal[EQUAL], *other = calloc(COUNT, sizeof *other);
        assert_non_null(other);
        assert_int_equal(is_dense ? table_init_dense(&table) : table_init(&table), 0);
        for (int i = 0; i < EQUAL; i++)
            table_insert(&table, &equal[i], 7);
        for (uint64_t i = 0; i < COUNT; i++)
            table_insert(&table, &other[i], (i + 1) * 0x9e3779b97f4a7c15ULL);
        assert_int_equal(table.mask + 1, is_dense ? 512 : 1024);
        struct table_node *at = table_first(&table, 7);
        for (int i = EQUAL; i-- > 0; at = table_next(at))
            assert_ptr_equal(at, &equal[i]);
        assert_null(at);
        table_fini(&table);
        free(other);
    }
}

static void test_edges(void **state)
{
    struct table table = {0};
    struct table_node node;
    (void)state;
    table_fini(&table);
    assert_int_equal(table_init(&table), 0);
    table_insert(&table, &node, UINT64_MAX);
    assert_ptr_equal(table_first(&table, UINT64_MAX), &node);
    table_fini(&table);
    table_fini(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_insert_find_remove),
        cmocka_unit_test(test_equal_hashes),
        cmocka_unit_test(test_latest_comes_first),
        cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
