/*
 * SipHash-1-3: vectors computed with an implementation in another language that gives the authors'
 * vectors for SipHash-2-4 and, for a key of zeroes, what Python's hash() of bytes gives; and what
 * is promised on top.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"

/* As in appendix A of "SipHash: a fast short-input PRF": key 00 01 … 0f, text 00 01 … */
static const struct hash_key paper_key = {0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};

static void test_reference_vectors(void **state)
{
    static const struct {
        size_t len;
        uint64_t hash;
    } vectors[] = {
        {15, 0xd320d86d2a519956ULL}, {0, 0xabac0158050fc4dcULL},  {1, 0xc9f49bf37d57ca93ULL},
        {2, 0x82cb9b024dc7d44dULL},  {7, 0xd3927d989bb11140ULL},  {8, 0x369095118d299a8eULL},
        {9, 0x25a48eb36c063de4ULL},  {16, 0xcc4fdd1a7d908b66ULL}, {17, 0x9cf2689063dbd80cULL},
        {31, 0x2370dd1f8c21d1bcULL}, {63, 0x9d199062b7bbb3a8ULL},
    };
    /* At each alignment: what is hashed lies anywhere in a packet. */
    uint8_t text[64 + 8];
    (void)state;
    for (size_t shift = 0; shift < 8; shift++) {
        for (size_t i = 0; i < 64; i++)
            text[shift + i] = (uint8_t)i;
        for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
            assert_true(hash_bytes(&paper_key, text + shift, vectors[i].len) == vectors[i].hash);
    }
}

static void test_other_keys(void **state)
{
    const struct hash_key zero = {0, 0}, odd = {UINT64_MAX, 1};
    char text[300];
    (void)state;
    assert_true(hash_bytes(&zero, "abc", 3) == 0xc03bc3a0042630f2ULL);
    memset(text, 'x', sizeof text); /* longer than the octet that holds the length */
    assert_true(hash_bytes(&odd, text, sizeof text) == 0x4af1140229ca7d2bULL);
}

static void test_chain(void **state)
{
    (void)state;
    const struct hash_key *key = &paper_key;
    uint64_t a_b = hash_chain(key, hash_chain(key, 0, "a", 1), "b", 1);
    assert_true(a_b == hash_chain(key, hash_chain(key, 0, "a", 1), "b", 1));
    assert_true(a_b != hash_chain(key, hash_chain(key, 0, "b", 1), "a", 1));
    /* Where one part ends and the next begins matters, also where one is empty. */
    assert_true(a_b != hash_chain(key, hash_chain(key, 0, "ab", 2), "", 0));
    assert_true(a_b != hash_chain(key, hash_chain(key, 0, "", 0), "ab", 2));
    assert_true(hash_chain(key, 0, "ab", 2) !=
                hash_chain(key, hash_chain(key, 0, "ab", 2), NULL, 0));
}

static void test_two(void **state)
{
    (void)state;
    const struct hash_key *key = &paper_key;
    struct hash_wide ab = hash_two(key, "ab", 2, "c", 1), bc = hash_two(key, "a", 1, "bc", 2);
    struct hash_wide same = hash_two(key, "ab", 2, "c", 1);
    assert_true(ab.low == same.low && ab.high == same.high);
    assert_true(ab.low != bc.low && ab.high != bc.high); /* where one part ends matters */
    assert_true(ab.low != ab.high);
    struct hash_wide none = hash_two(key, "abc", 3, NULL, 0);
    assert_true(none.low != ab.low && none.high != ab.high);
}

static void test_random_key(void **state)
{
    struct hash_key a = hash_key_random(), b = hash_key_random();
    (void)state;
    assert_memory_not_equal(&a, &b, sizeof a);
    assert_true(a.k0 != a.k1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_vectors),
        cmocka_unit_test(test_other_keys),
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_two),
        cmocka_unit_test(test_random_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
