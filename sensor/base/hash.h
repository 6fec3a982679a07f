/*
 * hash: SipHash-1-3 (Aumasson and Bernstein, 2012, with the rounds that the tables of Python and
 * Rust use), a keyed hash for tables whose keys come from the wire.
 *
 * With a random key of each start nobody outside can make keys that collide. With a fixed key it
 * gives names that are the same in every run (event ids).
 */
#ifndef SIPSPAN_BASE_HASH_H
#define SIPSPAN_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct hash_key {
    uint64_t k0, k1;
};

/* 128 bits of hash: enough to be what it is a hash of. */
struct hash_wide {
    uint64_t low, high;
};

/* A fresh key from the kernel's random numbers. */
struct hash_key hash_key_random(void);

uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t len);

/* The hash of a sequence of parts, each with its length: hash_chain(key, hash_chain(key, 0, a), b).
 */
uint64_t hash_chain(const struct hash_key *key, uint64_t before, const void *bytes, size_t len);

/* Octets as the word that they are on this machine. */
static inline uint64_t hash_word(const void *octets)
{
    uint64_t word;
    memcpy(&word, octets, sizeof word);
    return word;
}

static inline uint32_t hash_half_word(const void *octets)
{
    uint32_t word;
    memcpy(&word, octets, sizeof word);
    return word;
}

/*
 * One step of a faster keyed hash, for what every packet needs: two words, each hidden behind a
 * secret one (x ^ key), are multiplied and the 128 bits of the product folded into 64.
 */
static inline uint64_t hash_fold(uint64_t x, uint64_t y)
{
    unsigned __int128 product = (unsigned __int128)x * y;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The wide hash of two parts, as of one sequence in which the parts cannot run into one another. */
struct hash_wide hash_two(const struct hash_key *key, const void *first, size_t first_len,
                          const void *second, size_t second_len);

#endif
