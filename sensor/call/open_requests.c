#include "call/open_requests.h"

#include <errno.h>
#include <stdlib.h>

enum {
    WAYS = 8,
    BUCKETS = 4096,   /* 32,768 requests: 1,000 a second for 32 s */
    TICK_SHIFT = 27,  /* a tick is 2^27 ns, about an eighth of a second */
    KEPT_TICKS = 480, /* 64 s: a response repeats no longer (RFC 3261 section 17.2.2) */
};

/*
 * So many responses wait for requests that the mirror shows a little later, and so many for what
 * holes of connections hold back: the server's acknowledgements let each go on after a moment.
 * Powers of two.
 */
enum { EARLY_DATAGRAMS = 16, EARLY_ON_STREAMS = 256 };

/* So much earlier than its request the mirror may stamp a response. */
#define EARLY_NS INT64_C(100000000)
/* That of a connection gets the stamp of the segment that completes it, which TCP may have had to
 * send again. */
#define EARLY_ON_STREAM_NS INT64_C(2000000000)

/* The lowest bits of a tag are the marks, without OPEN_REQUEST_SEEN. */
enum { MARK_BITS = 2, MARKS = (1 << MARK_BITS) - 1 };

/* ticks 0: free. */
struct open_requests_entry {
    uint32_t tag, ticks;
};

struct open_requests_bucket {
    _Alignas(64) struct open_requests_entry way[WAYS];
};

_Static_assert(sizeof(struct open_requests_bucket) == 64, "a bucket is a cache line");

static int ring_init(struct open_requests_ring *ring, unsigned size)
{
    *ring = (struct open_requests_ring){
        .size = size,
        .hash = calloc(size, sizeof *ring->hash),
        .early = calloc(size, sizeof *ring->early),
    };
    return ring->hash && ring->early ? 0 : -ENOMEM;
}

static void ring_fini(struct open_requests_ring *ring)
{
    free(ring->hash);
    free(ring->early);
    *ring = (struct open_requests_ring){0};
}

static void ring_forget(struct open_requests_ring *ring)
{
    memset(ring->hash, 0, ring->size * sizeof *ring->hash);
    ring->waiting = 0;
}

static struct open_requests_ring *ring_of(struct open_requests *requests, enum transport transport)
{
    return transport_is_reliable(transport) ? &requests->streams : &requests->datagrams;
}

int open_requests_init(struct open_requests *requests)
{
    size_t size = BUCKETS * sizeof(struct open_requests_bucket);
    *requests = (struct open_requests){
        .key = hash_key_random(),
        .bucket = aligned_alloc(sizeof(struct open_requests_bucket), size),
    };
    if (!requests->bucket || ring_init(&requests->datagrams, EARLY_DATAGRAMS) ||
        ring_init(&requests->streams, EARLY_ON_STREAMS)) {
        open_requests_fini(requests);
        return -ENOMEM;
    }
    memset(requests->bucket, 0, size);
    return 0;
}

void open_requests_fini(struct open_requests *requests)
{
    ring_fini(&requests->streams);
    ring_fini(&requests->datagrams);
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

static uint32_t or_one(uint32_t ticks)
{
    return ticks == 0 ? 1 : ticks;
}

/* They wrap. Never 0. */
static uint32_t ticks_of(int64_t time_ns)
{
    return or_one((uint32_t)((uint64_t)time_ns >> TICK_SHIFT));
}

void open_requests_wait(struct open_requests *requests, const struct datagram *datagram,
                        const struct sip_msg *msg, const struct peers_response *response)
{
    struct open_requests_ring *ring = ring_of(requests, datagram->transport);
    unsigned place = ring->next++ & (ring->size - 1);
    ring->waiting += ring->hash[place] == 0;
    ring->hash[place] = hash_of(requests, msg, &datagram->dst.ip, &datagram->src.ip) | 1;
    ring->early[place] = (struct open_requests_early){datagram->time_ns, *response};
}

const struct open_requests_early *open_requests_take_early(struct open_requests *requests,
                                                           const struct datagram *datagram,
                                                           const struct sip_msg *msg)
{
    struct open_requests_ring *ring = ring_of(requests, datagram->transport);
    int64_t patience_ns = ring == &requests->streams ? EARLY_ON_STREAM_NS : EARLY_NS;
    if (ring->waiting == 0)
        return NULL;
    uint64_t hash = hash_of(requests, msg, &datagram->src.ip, &datagram->dst.ip) | 1;
    for (unsigned i = 0; i < ring->size; i++) {
        unsigned place = (ring->next + i) & (ring->size - 1); /* the oldest first */
        if (ring->hash[place] != hash)
            continue;
        ring->hash[place] = 0;
        ring->waiting--;
        if (datagram->time_ns - ring->early[place].time_ns <= patience_ns)
            return &ring->early[place];
    }
    return NULL;
}

static uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32) & ~(uint32_t)MARKS;
}

static bool has_tag(const struct open_requests_entry *entry, uint32_t tag)
{
    return entry->ticks != 0 && (entry->tag & ~(uint32_t)MARKS) == tag;
}

static unsigned marks_of(const struct open_requests_entry *entry)
{
    return OPEN_REQUEST_SEEN | (entry->tag & MARKS) << 1;
}

static uint32_t read_marks(const struct sip_msg *msg)
{
    return (uint32_t)((msg->has_credentials ? OPEN_REQUEST_CREDENTIALS : 0) |
                      (msg->top_via.has_oc ? OPEN_REQUEST_OC : 0)) >>
           1;
}

unsigned open_requests_add(struct open_requests *requests, const struct datagram *datagram,
                           const struct sip_msg *msg)
{
    uint64_t hash = hash_of(requests, msg, &datagram->src.ip, &datagram->dst.ip);
    struct open_requests_entry *way = requests->bucket[hash % BUCKETS].way, *chosen = way;
    struct open_requests_entry entry = {tag_of(hash) | read_marks(msg),
                                        ticks_of(datagram->time_ns)};
    for (int i = 0; i < WAYS; i++) {
        bool is_it = has_tag(&way[i], tag_of(hash));
        if (is_it)
            entry.tag |= way[i].tag;
        if (is_it || way[i].ticks == 0) {
            chosen = &way[i];
            break;
        }
        if ((int32_t)(way[i].ticks - chosen->ticks) < 0)
            chosen = &way[i];
    }
    *chosen = entry;
    return marks_of(&entry);
}

unsigned open_requests_find(const struct open_requests *requests, const struct datagram *datagram,
                            const struct sip_msg *msg)
{
    uint64_t hash = hash_of(requests, msg, &datagram->dst.ip, &datagram->src.ip);
    const struct open_requests_entry *way = requests->bucket[hash % BUCKETS].way;
    uint32_t now = ticks_of(datagram->time_ns);
    for (int i = 0; i < WAYS; i++) {
        int32_t age = (int32_t)(now - way[i].ticks);
        if (has_tag(&way[i], tag_of(hash)) && age >= -1 && age <= KEPT_TICKS)
            return marks_of(&way[i]);
    }
    return 0;
}

void open_requests_clock_step(struct open_requests *requests, int64_t step_ns)
{
    uint32_t step = (uint32_t)((uint64_t)step_ns >> TICK_SHIFT);
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct open_requests_entry *way = requests->bucket[i].way, *end = way + WAYS;
             way < end; way++)
            if (way->ticks != 0)
                way->ticks = or_one(way->ticks + step);
    /* Nobody knows what time passed. */
    ring_forget(&requests->datagrams);
    ring_forget(&requests->streams);
}
