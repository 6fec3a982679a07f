#include "call/open_requests.h"

#include <errno.h>
#include <stdlib.h>

enum {
    WAYS = 8,
    BUCKETS = 4096,   /* 32,768 requests: 1,000 a second for 32 s */
    TICK_SHIFT = 27,  /* a tick is 2^27 ns, about an eighth of a second */
    KEPT_TICKS = 480, /* 64 s: a response repeats no longer (RFC 3261 section 17.2.2) */
};

/* So much earlier than its request the mirror may show a response. */
#define EARLY_NS INT64_C(100000000)

/* ticks 0: free. */
struct open_requests_entry {
    uint32_t tag, ticks;
};

struct open_requests_bucket {
    _Alignas(64) struct open_requests_entry way[WAYS];
};

_Static_assert(sizeof(struct open_requests_bucket) == 64, "a bucket is a cache line");

int open_requests_init(struct open_requests *requests)
{
    size_t size = BUCKETS * sizeof(struct open_requests_bucket);
    *requests = (struct open_requests){
        .key = hash_key_random(),
        .bucket = aligned_alloc(sizeof(struct open_requests_bucket), size),
    };
    if (!requests->bucket)
        return -ENOMEM;
    memset(requests->bucket, 0, size);
    return 0;
}

void open_requests_fini(struct open_requests *requests)
{
    free(requests->bucket);
    requests->bucket = NULL;
}

static uint64_t hash_of(const struct open_requests *requests, const struct sip_msg *msg,
                        const struct ip_addr *client, const struct ip_addr *server)
{
    const struct hash_key *key = &requests->key;
    struct slice branch = msg->top_via.branch;
    const uint32_t numbers[2] = {msg->cseq, (uint32_t)msg->method};
    uint8_t hosts[2 * sizeof client->octets + sizeof numbers];
    memcpy(hosts, client->octets, sizeof client->octets);
    memcpy(hosts + sizeof client->octets, server->octets, sizeof server->octets);
    memcpy(hosts + 2 * sizeof client->octets, numbers, sizeof numbers);
    return hash_chain(key, hash_bytes(key, hosts, sizeof hosts), branch.at, branch.len);
}

/* Never 0. */
static uint32_t ticks_of(int64_t time_ns)
{
    return (uint32_t)((uint64_t)time_ns >> TICK_SHIFT) | 1;
}

/* Taken out of those that wait. */
static const struct open_requests_early *take_early(struct open_requests *requests, uint64_t hash,
                                                    int64_t now_ns)
{
    for (unsigned i = 0; requests->early_count > 0 && i < OPEN_REQUESTS_EARLY; i++) {
        struct open_requests_early *early = &requests->early[i];
        if (early->hash != hash)
            continue;
        early->hash = 0;
        requests->early_count--;
        return now_ns - early->time_ns <= EARLY_NS ? early : NULL;
    }
    return NULL;
}

void open_requests_wait(struct open_requests *requests, const struct datagram *datagram,
                        const struct sip_msg *msg, const struct peers_response *response)
{
    struct open_requests_early *early =
        &requests->early[requests->next_early++ % OPEN_REQUESTS_EARLY];
    requests->early_count += early->hash == 0;
    *early = (struct open_requests_early){
        .hash = hash_of(requests, msg, &datagram->dst.ip, &datagram->src.ip) | 1,
        .time_ns = datagram->time_ns,
        .response = *response,
    };
}

const struct open_requests_early *open_requests_add(struct open_requests *requests,
                                                    const struct datagram *datagram,
                                                    const struct sip_msg *msg)
{
    uint64_t hash = hash_of(requests, msg, &datagram->src.ip, &datagram->dst.ip);
    struct open_requests_entry *way = requests->bucket[hash % BUCKETS].way, *chosen = way;
    const struct open_requests_entry entry = {(uint32_t)(hash >> 32), ticks_of(datagram->time_ns)};
    for (int i = 0; i < WAYS; i++) {
        if (way[i].ticks == 0 || way[i].tag == entry.tag) {
            chosen = &way[i];
            break;
        }
        if ((int32_t)(way[i].ticks - chosen->ticks) < 0)
            chosen = &way[i];
    }
    *chosen = entry;
    return take_early(requests, hash | 1, datagram->time_ns);
}

bool open_requests_has(const struct open_requests *requests, const struct datagram *datagram,
                       const struct sip_msg *msg)
{
    uint64_t hash = hash_of(requests, msg, &datagram->dst.ip, &datagram->src.ip);
    const struct open_requests_entry *way = requests->bucket[hash % BUCKETS].way;
    uint32_t now = ticks_of(datagram->time_ns);
    for (int i = 0; i < WAYS; i++) {
        int32_t age = (int32_t)(now - way[i].ticks);
        if (way[i].ticks != 0 && way[i].tag == (uint32_t)(hash >> 32) && age >= -1 &&
            age <= KEPT_TICKS)
            return true;
    }
    return false;
}

void open_requests_clock_step(struct open_requests *requests, int64_t step_ns)
{
    for (size_t i = 0; i < BUCKETS; i++)
        for (int k = 0; k < WAYS; k++)
            if (requests->bucket[i].way[k].ticks != 0)
                requests->bucket[i].way[k].ticks =
                    (requests->bucket[i].way[k].ticks + ticks_of(step_ns)) | 1;
    for (unsigned i = 0; i < OPEN_REQUESTS_EARLY; i++)
        requests->early[i].hash = 0; /* nobody knows what time passed */
    requests->early_count = 0;
}
