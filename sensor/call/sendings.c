#include "call/sendings.h"

#include <errno.h>
#include <stdlib.h>

enum {
    WAYS = 4,           /* entries of a bucket */
    BUCKETS_MAX = 8192, /* two entries for each INVITE: 3,200 of them a second for 5 s */
    TICK_SHIFT = 20,    /* a tick is 2^20 ns, about a millisecond */
    PLACE_SHIFT = 4,    /* the objects of a slab are aligned to 16 octets */
};

struct sending {
    uint32_t tag;   /* the upper bits of the key */
    uint32_t born;  /* the lower bits of the transaction's; 0: empty */
    uint32_t place; /* of the transaction in its slab */
    uint32_t ticks; /* when; wraps after 52 days */
};

struct sendings_bucket {
    _Alignas(64) struct sending way[WAYS];
};

_Static_assert(sizeof(struct sendings_bucket) == 64, "a bucket is a cache line");

int sendings_init(struct sendings *sendings, uint64_t bytes, const struct slab *transactions)
{
    size_t buckets = 1;
    while (buckets * 2 * sizeof(struct sendings_bucket) <= bytes && buckets < BUCKETS_MAX)
        buckets *= 2;
    size_t size = buckets * sizeof(struct sendings_bucket);
    *sendings = (struct sendings){
        .key = hash_key_random(),
        .bucket = aligned_alloc(sizeof(struct sendings_bucket), size),
        .bucket_mask = buckets - 1,
        .transactions = transactions,
    };
    if (!sendings->bucket)
        return -ENOMEM;
    memset(sendings->bucket, 0, size);
    return 0;
}

void sendings_fini(struct sendings *sendings)
{
    free(sendings->bucket);
    *sendings = (struct sendings){0};
}

uint64_t sendings_key(const struct sendings *sendings, const struct sending_packet *packet)
{
    const struct endpoint *src = &packet->src, *dst = &packet->dst;
    const uint16_t numbers[4] = {src->port, dst->port, packet->udp_len, packet->mark};
    uint8_t text[42];
    memcpy(text, src->ip.octets, 16);
    memcpy(text + 16, dst->ip.octets, 16);
    memcpy(text + 32, numbers, sizeof numbers);
    text[40] = src->ip.version;
    text[41] = packet->is_checksum;
    return hash_bytes(&sendings->key, text, sizeof text);
}

static struct sendings_bucket *bucket_of(const struct sendings *sendings, uint64_t key)
{
    return &sendings->bucket[key & sendings->bucket_mask];
}

void sendings_prefetch(const struct sendings *sendings, uint64_t key)
{
    __builtin_prefetch(bucket_of(sendings, key), 1);
}

static uint32_t ticks_of(int64_t time_ns)
{
    return (uint32_t)((uint64_t)time_ns >> TICK_SHIFT);
}

static bool is_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

static struct transaction *transaction_of(const struct sendings *sendings,
                                          const struct sending *sending)
{
    void *at = (char *)sendings->transactions->base + ((size_t)sending->place << PLACE_SHIFT);
    return at;
}

void sendings_add(struct sendings *sendings, uint64_t key, const struct transaction *transaction,
                  int64_t now_ns)
{
    struct sending *way = bucket_of(sendings, key)->way, *chosen = way;
    const struct sending sending = {
        .tag = (uint32_t)(key >> 32),
        .born = transaction->born,
        .place = (uint32_t)((size_t)((const char *)transaction -
                                     (const char *)sendings->transactions->base) >>
                            PLACE_SHIFT),
        .ticks = ticks_of(now_ns),
    };
    for (int i = 0; i < WAYS; i++) {
        if (way[i].born == 0 || (way[i].tag == sending.tag && way[i].born == sending.born)) {
            chosen = &way[i];
            break;
        }
        if (is_before(way[i].ticks, chosen->ticks))
            chosen = &way[i];
    }
    *chosen = sending;
}

/* The transaction, where it is one that is meant. */
static struct transaction *look_at(const struct sendings *sendings, const struct sending *sending,
                                   const struct sendings_query *query)
{
    if (sending->born == 0 || sending->tag != (uint32_t)(query->key >> 32))
        return NULL;
    if (!query->at_any_time && (is_before(sending->ticks, ticks_of(query->from_ns)) ||
                                is_before(ticks_of(query->until_ns), sending->ticks)))
        return NULL;
    struct transaction *transaction = transaction_of(sendings, sending);
    bool is_it = transaction->born == sending->born;
    return is_it && query->fits(transaction, query->context) ? transaction : NULL;
}

struct transaction *sendings_find(const struct sendings *sendings,
                                  const struct sendings_query *query)
{
    const struct sendings_bucket *bucket = bucket_of(sendings, query->key);
    struct transaction *only = NULL;
    for (int i = 0; i < WAYS; i++) {
        struct transaction *found = look_at(sendings, &bucket->way[i], query);
        if (found && only && found != only)
            return NULL;
        only = found ? found : only;
    }
    return only;
}

bool sendings_has(const struct sendings *sendings, const struct sendings_query *query)
{
    const struct sendings_bucket *bucket = bucket_of(sendings, query->key);
    for (int i = 0; i < WAYS; i++)
        if (look_at(sendings, &bucket->way[i], query))
            return true;
    return false;
}

void sendings_clock_step(struct sendings *sendings, int64_t step_ns)
{
    for (size_t i = 0; i <= sendings->bucket_mask; i++)
        for (int k = 0; k < WAYS; k++)
            sendings->bucket[i].way[k].ticks += ticks_of(step_ns);
}
