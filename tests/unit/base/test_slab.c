#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/slab.h"

static void test_alloc_until_full(void **state)
{
    struct slab slab;
    unsigned char *object[5];
    (void)state;
    assert_int_equal(slab_init(&slab, 40, 5), 0);
    assert_int_equal(slab.object_bytes, 48);
    for (int i = 0; i < 5; i++) {
        object[i] = slab_alloc(&slab);
        assert_non_null(object[i]);
        assert_int_equal((uintptr_t)object[i] % 16, 0);
        memset(object[i], i, 40);
    }
    assert_int_equal(slab.used, 5);
    assert_null(slab_alloc(&slab));
    assert_int_equal(slab.used, 5);
    for (int i = 0; i < 5; i++) /* none overlaps another */
        for (int k = 0; k < 40; k++)
            assert_int_equal(object[i][k], i);
    slab_free(&slab, object[1]);
    slab_free(&slab, object[3]);
    assert_int_equal(slab.used, 3);
    void *a = slab_alloc(&slab), *b = slab_alloc(&slab);
    assert_true((a == object[1] && b == object[3]) || (a == object[3] && b == object[1]));
    assert_null(slab_alloc(&slab));
    assert_int_equal(slab.touched, 5);
    slab_fini(&slab);
}

/* What was never in use at once is never touched. */
static void test_reuse_before_growth(void **state)
{
    struct slab slab;
    (void)state;
    assert_int_equal(slab_init(&slab, 64, 1000), 0);
    for (int i = 0; i < 100; i++) {
        void *object = slab_alloc(&slab);
        slab_free(&slab, object);
    }
    assert_int_equal(slab.touched, 1);
    slab_fini(&slab);
}

/* Address space for far more than there is memory costs nothing. */
static void test_large_reservation(void **state)
{
    struct slab slab;
    (void)state;
    assert_int_equal(slab_init(&slab, 4096, (size_t)1 << 24), 0);
    assert_non_null(slab_alloc(&slab));
    slab_fini(&slab);
}

static void test_edges(void **state)
{
    struct slab slab = {0};
    (void)state;
    slab_fini(&slab); /* never initialised */
    assert_true(slab_init(&slab, 4096, SIZE_MAX / 8192) < 0);
    slab_fini(&slab);
    assert_int_equal(slab_init(&slab, 1, 1), 0);
    slab_free(&slab, NULL);
    assert_int_equal(slab.used, 0);
    slab_fini(&slab);
    slab_fini(&slab);
    assert_null(slab.base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloc_until_full),
        cmocka_unit_test(test_reuse_before_growth),
        cmocka_unit_test(test_large_reservation),
        cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
