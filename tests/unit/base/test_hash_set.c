#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash_set.h"

enum { LIMIT = 100000 };

static void test_counts_different_ones(void **state)
{
    struct hash_set set = {.max = LIMIT};
    (void)state;
    hash_set_fini(&set); /* empty: no memory */
    set.max = LIMIT;
    for (int round = 0; round < 3; round++)
        for (uint64_t i = 0; i < 10000; i++)
            hash_set_add(&set, i * 0x9e3779b97f4a7c15ULL);
    assert_int_equal(set.count, 10000);
    assert_false(set.is_full);
    hash_set_fini(&set);
    assert_int_equal(set.count, 0);
}

/* Hashes that fall on the same slot, and around the end of the table. */
static void test_collisions(void **state)
{
    struct hash_set set = {.max = LIMIT};
    (void)state;
    for (int round = 0; round < 2; round++)
        for (uint64_t i = 0; i < 500; i++) {
            hash_set_add(&set, i << 32 | 1023);
            assert_int_equal(set.count, round ? 500 : i + 1);
        }
    hash_set_fini(&set);
}

static void test_zero(void **state)
{
    struct hash_set set = {.max = LIMIT};
    (void)state;
    hash_set_add(&set, 0);
    hash_set_add(&set, 0);
    assert_int_equal(set.count, 1);
    hash_set_fini(&set);
}

static void test_limit(void **state)
{
    struct hash_set set = {.max = LIMIT};
    uint64_t i = 0;
    (void)state;
    for (; i < LIMIT; i++)
        hash_set_add(&set, i * 0x9e3779b97f4a7c15ULL + 1);
    assert_int_equal(set.count, LIMIT); /* exact up to its limit */
    assert_false(set.is_full);
    size_t slots = set.slots;
    for (; i < 2 * LIMIT; i++)
        hash_set_add(&set, i * 0x9e3779b97f4a7c15ULL + 1);
    assert_true(set.is_full);
    assert_int_equal(set.count, LIMIT);
    assert_int_equal(set.slots, slots);
    hash_set_fini(&set);
}

static void test_has(void **state)
{
    struct hash_set set = {.max = LIMIT};
    (void)state;
    assert_false(hash_set_has(&set, 0)); /* without a slot */
    hash_set_add(&set, UINT64_C(7) << 32 | 1023);
    assert_true(hash_set_has(&set, UINT64_C(7) << 32 | 1023));
    assert_false(hash_set_has(&set, UINT64_C(8) << 32 | 1023)); /* the same slot */
    assert_false(hash_set_has(&set, 0));
    hash_set_add(&set, 0);
    assert_true(hash_set_has(&set, 0));
    hash_set_fini(&set);
    assert_false(hash_set_has(&set, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_different_ones),
        cmocka_unit_test(test_collisions),
        cmocka_unit_test(test_zero),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
