/* The index of recent sendings: what it finds, what it forgets, what it must not mix up. */
#include "call_bench.h"

#include "call/sendings.h"

enum { SENDING_BYTES = 16, WAYS = 4 };

/* As a slab lays them out. */
static union {
    _Alignas(16) struct transaction t;
} transactions[16];
static const struct slab slab = {.base = (void *)transactions};

static struct sendings new_sendings(uint64_t bytes)
{
    struct sendings sendings;
    assert_int_equal(sendings_init(&sendings, bytes, &slab), 0);
    for (size_t i = 0; i < sizeof transactions / sizeof transactions[0]; i++)
        transactions[i].t = (struct transaction){.born = (uint32_t)i + 1};
    return sendings;
}

static bool any(const struct transaction *t, const void *context)
{
    (void)t;
    (void)context;
    return true;
}

static struct transaction *find(const struct sendings *sendings, uint64_t key)
{
    const struct sendings_query query = {.key = key, .at_any_time = true, .fits = any};
    return sendings_find(sendings, &query);
}

static struct transaction *find_between(const struct sendings *sendings, uint64_t key,
                                        int64_t from_ms, int64_t until_ms)
{
    const struct sendings_query query = {
        .key = key, .from_ns = AT(from_ms), .until_ns = AT(until_ms), .fits = any};
    assert_int_equal(sendings_has(sendings, &query), sendings_find(sendings, &query) != NULL);
    return sendings_find(sendings, &query);
}

static void test_find(void **state)
{
    struct sendings sendings = new_sendings(4096);
    (void)state;
    assert_null(find(&sendings, 7));
    sendings_add(&sendings, 7, &transactions[3].t, AT(1000));
    assert_ptr_equal(find(&sendings, 7), &transactions[3].t);
    assert_null(find(&sendings, 8));
    assert_null(find(&sendings, 7 | UINT64_C(1) << 32)); /* the same bucket */
    assert_null(find_between(&sendings, 7, 1003, 2000));
    assert_null(find_between(&sendings, 7, 0, 997));
    assert_ptr_equal(find_between(&sendings, 7, 1000, 1000), &transactions[3].t);
    /* Again: its time moves. */
    sendings_add(&sendings, 7, &transactions[3].t, AT(2000));
    assert_null(find_between(&sendings, 7, 0, 1500));
    assert_ptr_equal(find_between(&sendings, 7, 1500, 2500), &transactions[3].t);
    sendings_clock_step(&sendings, -86400000 * MS);
    assert_ptr_equal(find_between(&sendings, 7, 2000 - 86400000 - 2, 2000 - 86400000 + 2),
                     &transactions[3].t);
    sendings_fini(&sendings);
}

static bool is_second(const struct transaction *t, const void *context)
{
    assert_ptr_equal(context, &slab);
    return t == &transactions[1].t;
}

static void test_two_under_one_key_are_none(void **state)
{
    struct sendings sendings = new_sendings(4096);
    struct sendings_query query = {.key = 7, .at_any_time = true, .fits = any};
    (void)state;
    sendings_add(&sendings, 7, &transactions[0].t, AT(100));
    sendings_add(&sendings, 7, &transactions[1].t, AT(100));
    assert_null(sendings_find(&sendings, &query));
    assert_true(sendings_has(&sendings, &query));
    query.fits = is_second;
    query.context = &slab;
    assert_ptr_equal(sendings_find(&sendings, &query), &transactions[1].t);
    sendings_fini(&sendings);
}

/* The memory of a transaction that is gone may be another one's by now. */
static void test_gone(void **state)
{
    struct sendings sendings = new_sendings(4096);
    (void)state;
    sendings_add(&sendings, 7, &transactions[0].t, AT(100));
    transactions[0].t.born = 0;
    assert_null(find(&sendings, 7));
    transactions[0].t.born = 99999;
    assert_null(find(&sendings, 7));
    sendings_fini(&sendings);
}

/* A full bucket forgets the oldest; a single bucket is the least there is. */
static void test_oldest_gives_way(void **state)
{
    struct sendings sendings = new_sendings(0);
    (void)state;
    assert_int_equal(sendings.bucket_mask, 0);
    static const int64_t times[WAYS] = {30, 10, 40, 20};
    for (unsigned i = 0; i < WAYS; i++)
        sendings_add(&sendings, (uint64_t)i << 32, &transactions[i].t, AT(times[i]));
    sendings_add(&sendings, UINT64_C(9) << 32, &transactions[9].t, AT(50));
    assert_null(find(&sendings, UINT64_C(1) << 32));
    for (unsigned i = 0; i < WAYS; i++)
        if (i != 1)
            assert_ptr_equal(find(&sendings, (uint64_t)i << 32), &transactions[i].t);
    assert_ptr_equal(find(&sendings, UINT64_C(9) << 32), &transactions[9].t);
    sendings_fini(&sendings);
}

static void test_bounded(void **state)
{
    (void)state;
    for (uint64_t bytes = 1; bytes != 0; bytes = bytes << 3) {
        struct sendings sendings = new_sendings(bytes);
        uint64_t entries = (sendings.bucket_mask + 1) * WAYS;
        assert_true(entries <= 32768);
        assert_true(entries == WAYS || entries * SENDING_BYTES <= bytes);
        sendings_fini(&sendings);
    }
}

/* Each part of what identifies a packet matters. */
static void test_keys_differ(void **state)
{
    struct sendings sendings = new_sendings(4096);
    const struct sending_packet base = {endpoint_of(ALICE), endpoint_of(GW), 508, 4711, false};
    struct sending_packet other[9];
    (void)state;
    for (size_t i = 0; i < 9; i++)
        other[i] = base;
    other[1].src.ip.octets[3]++;
    other[2].src.port++;
    other[3].dst.ip.octets[3]++;
    other[4].dst.port++;
    other[5].udp_len++;
    other[6].mark++;
    other[7].is_checksum = true;
    other[8].src = base.dst;
    other[8].dst = base.src;
    uint64_t key = sendings_key(&sendings, &base);
    assert_int_equal(sendings_key(&sendings, &other[0]), key);
    for (size_t i = 1; i < 9; i++)
        assert_int_not_equal(sendings_key(&sendings, &other[i]), key);
    sendings_fini(&sendings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),    cmocka_unit_test(test_two_under_one_key_are_none),
        cmocka_unit_test(test_gone),    cmocka_unit_test(test_oldest_gives_way),
        cmocka_unit_test(test_bounded), cmocka_unit_test(test_keys_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
