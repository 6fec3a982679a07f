/* What is known in memory of a segment's records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"
#include "spool/spool_index.h"

#define S INT64_C(1000000000)

static struct spool_totals totals;
static struct spool_index index_;

static int set_up(void **state)
{
    (void)state;
    totals = (struct spool_totals){.bytes = 0};
    spool_index_init(&index_, 100, &totals);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    spool_index_fini(&index_);
    return 0;
}

static uint64_t key(uint64_t number)
{
    static const struct hash_key fixed = {1, 2};
    return hash_bytes(&fixed, &number, sizeof number);
}

static void add(uint64_t number, uint64_t key_hash)
{
    const struct spool_entry entry = {
        .offset = (uint32_t)(number * 10), .size = 10, .tag = spool_index_tag(key_hash)};
    assert_true(spool_index_add(&index_, number, entry, (int64_t)number * S));
}

static void test_places(void **state)
{
    (void)state;
    add(100, 1);
    add(103, 2); /* two were lost */
    assert_int_equal(index_.count, 4);
    assert_int_equal(totals.unconfirmed, 2);
    assert_int_equal(totals.bytes, 20);
    assert_true(spool_index_has(&index_, 101));
    assert_false(spool_index_has(&index_, 104) || spool_index_has(&index_, 99));
    assert_true(spool_index_is_confirmed(&index_, 1) && spool_index_is_confirmed(&index_, 2));
    assert_int_equal(spool_index_next(&index_), 0);
    spool_index_give(&index_, 0);
    assert_int_equal(spool_index_next(&index_), 3);
    spool_index_take_back(&index_, 0);
    spool_index_take_back(&index_, 1); /* what is confirmed never comes back */
    assert_int_equal(spool_index_next(&index_), 0);
    spool_index_confirm(&index_, 0);
    spool_index_confirm(&index_, 0);
    assert_int_equal(spool_index_oldest(&index_), 3);
    assert_int_equal(index_.entry[3].age_s, 3);
    assert_int_equal(totals.unconfirmed, 1);
    assert_int_equal(totals.ungiven, 1);
    assert_int_equal(totals.confirmations, 1);
    spool_index_give(&index_, 3);
    assert_int_equal(spool_index_next(&index_), 4);
    spool_index_rewind(&index_);
    assert_int_equal(spool_index_next(&index_), 3);
    spool_index_detach(&index_);
    assert_int_equal(totals.bytes + totals.unconfirmed + totals.ungiven, 0);
}

/* Never a false no; seldom a false yes, also where most records went out at once. */
static void test_keys(void **state)
{
    enum { RECORDS = 12000 };
    unsigned wrong = 0;
    (void)state;
    for (uint64_t i = 0; i < RECORDS; i++) {
        add(100 + i, key(i));
        if (i % 4)
            spool_index_give(&index_, (uint32_t)i);
    }
    for (uint64_t i = 0; i < RECORDS; i++) {
        bool waits = spool_index_may_wait(&index_, key(i));
        assert_true(waits || i % 4);
        wrong += waits && i % 4;
    }
    assert_in_range(wrong, 0, 20);
    /* After a rewind those that were given wait as well. */
    spool_index_rewind(&index_);
    for (uint64_t i = 0; i < RECORDS; i++)
        assert_true(spool_index_may_wait(&index_, key(i)));
    wrong = 0;
    for (uint64_t i = RECORDS; i < 11 * RECORDS; i++)
        wrong += spool_index_may_wait(&index_, key(i));
    assert_in_range(wrong, 0, RECORDS * 10 / 1000);
    spool_index_seal(&index_);
    for (uint64_t i = 0; i < RECORDS; i++) {
        assert_true(spool_index_may_wait(&index_, key(i)));
        spool_index_confirm(&index_, (uint32_t)i);
    }
    assert_false(spool_index_may_wait(&index_, key(0)));
    assert_null(index_.bloom);
}

/* One record waits long; all the others pass it, and are not held up by what is past. */
static void test_straggler(void **state)
{
    unsigned wrong = 0;
    (void)state;
    add(100, key(0));
    for (uint64_t i = 1; i < 20000; i++) {
        wrong += spool_index_may_wait(&index_, key(i % 100 + 1));
        add(100 + i, key(i % 100 + 1));
        spool_index_give(&index_, (uint32_t)i);
        assert_true(spool_index_may_wait(&index_, key(0)));
    }
    assert_in_range(wrong, 0, 0);
}

/* A record is given and taken back over and over, in any place. */
static void test_take_back(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 300; i++)
        add(100 + i, key(i));
    for (uint32_t i = 0; i < 300; i++)
        spool_index_give(&index_, i);
    assert_false(spool_index_may_wait(&index_, key(5)));
    for (uint32_t i = 300; i-- > 0;) {
        spool_index_take_back(&index_, i);
        assert_true(spool_index_may_wait(&index_, key(i)));
        assert_int_equal(spool_index_next(&index_), i);
    }
    add(400, key(400));
    for (uint64_t i = 0; i < 300; i++)
        assert_true(spool_index_may_wait(&index_, key(i)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_places, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_straggler, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_take_back, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
