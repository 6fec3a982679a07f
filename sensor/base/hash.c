#include "base/hash.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct hash_key hash_key_random(void)
{
    struct hash_key key;
    if (getrandom(&key, sizeof key, 0) != (ssize_t)sizeof key)
        abort(); /* 16 octets cannot fail once the kernel has seeded its pool */
    return key;
}

static inline uint64_t rotl(uint64_t x, int n)
{
    return x << n | x >> (64 - n);
}

struct sip_state {
    uint64_t v0, v1, v2, v3;
};

static inline void sip_round(struct sip_state *s)
{
    s->v0 += s->v1;
    s->v1 = rotl(s->v1, 13) ^ s->v0;
    s->v0 = rotl(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotl(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotl(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotl(s->v1, 17) ^ s->v2;
    s->v2 = rotl(s->v2, 32);
}

static inline void sip_word(struct sip_state *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

static inline struct sip_state sip_begin(const struct hash_key *key)
{
    return (struct sip_state){
        key->k0 ^ 0x736f6d6570736575ULL,
        key->k1 ^ 0x646f72616e646f6dULL,
        key->k0 ^ 0x6c7967656e657261ULL,
        key->k1 ^ 0x7465646279746573ULL,
    };
}

/* All octets, and their number in the last word. */
static inline void sip_octets(struct sip_state *s, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    size_t left = len;
    for (; left >= 8; at += 8, left -= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        sip_word(s, le64toh(word));
    }
    uint64_t last = (uint64_t)len << 56;
    for (size_t i = 0; i < left; i++)
        last |= (uint64_t)at[i] << 8 * i;
    sip_word(s, last);
}

static inline uint64_t sip_end(struct sip_state *s, uint64_t mark)
{
    s->v2 ^= mark;
    for (int i = 0; i < 3; i++)
        sip_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t len)
{
    struct sip_state s = sip_begin(key);
    sip_octets(&s, bytes, len);
    return sip_end(&s, 0xff);
}

uint64_t hash_chain(const struct hash_key *key, uint64_t before, const void *bytes, size_t len)
{
    struct hash_key chained = {key->k0 ^ before, key->k1 + before};
    return hash_bytes(&chained, bytes, len);
}

/* The second half as in SipHash's 128-bit form: other marks, and rounds of its own. */
struct hash_wide hash_two(const struct hash_key *key, const void *first, size_t first_len,
                          const void *second, size_t second_len)
{
    struct sip_state s = sip_begin(key);
    s.v1 ^= 0xee;
    sip_octets(&s, first, first_len);
    sip_octets(&s, second, second_len);
    struct hash_wide hash = {.low = sip_end(&s, 0xee)};
    s.v1 ^= 0xdd;
    hash.high = sip_end(&s, 0);
    return hash;
}
