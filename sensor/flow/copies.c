#include "flow/copies.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/hash.h"
#include "decode/plain.h"

enum {
    WAYS = 4,
    BUCKET_BYTES = 64, /* one line of the processor's cache */
    LARGE_PAGE_BYTES = 2 << 20,
    TICK_SHIFT = 14, /* a tick is 2^14 ns: 16 us */
};

/* The first packet of its kind. */
struct copies_entry {
    uint64_t fingerprint; /* 0: free */
    uint32_t ticks;       /* modulo 2^32: 19 hours */
    uint16_t envelope;    /* a hash of it */
    uint8_t ttl;
    uint8_t tunnel_depth;
};

struct copies_bucket {
    struct copies_entry entry[WAYS];
};

_Static_assert(sizeof(struct copies_bucket) == BUCKET_BYTES, "a bucket is a line of the cache");

static inline uint32_t ticks_of(uint64_t time_ns)
{
    return (uint32_t)(time_ns >> TICK_SHIFT);
}

int copies_init(struct copies *copies, size_t packets, int64_t window_ns)
{
    size_t buckets = 1;
    while (buckets <= packets / WAYS / 2)
        buckets *= 2;
    if (window_ns > COPIES_WINDOW_MAX_NS)
        window_ns = COPIES_WINDOW_MAX_NS;
    struct hash_key first = hash_key_random(), second = hash_key_random();
    *copies = (struct copies){
        .key = {first.k0, first.k1, second.k0, second.k1},
        .mask = buckets - 1,
        .window_ticks =
            ticks_of((uint64_t)window_ns) + 1, /* rounded up: what is within it is found */
    };
    size_t bytes = buckets * BUCKET_BYTES;
    copies->bucket =
        aligned_alloc(bytes < LARGE_PAGE_BYTES ? BUCKET_BYTES : LARGE_PAGE_BYTES, bytes);
    if (!copies->bucket)
        return -ENOMEM;
    /* Every packet goes anywhere in it: large pages, where there are any, save a thousand faults.
     */
    (void)madvise(copies->bucket, bytes, MADV_HUGEPAGE);
    memset(copies->bucket, 0, bytes);
    return 0;
}

void copies_fini(struct copies *copies)
{
    free(copies->bucket);
    *copies = (struct copies){0};
}

/*
 * The hash: each step takes 16 octets, hides them behind a key, multiplies their halves and folds
 * the product (hash_fold). Two lanes, so that one multiplication need not wait for the
 * other. Who does not know the key cannot find two inputs that meet.
 */
struct lanes {
    uint64_t a, b;
};

static inline uint64_t close_lanes(const uint64_t key[4], struct lanes lanes)
{
    return hash_fold(lanes.a ^ key[2], lanes.b ^ key[3]) | 1; /* 0 is what a free place holds */
}

/* Fewer than 16 octets. The length is hashed elsewhere, so that octets may be taken twice. */
static inline void mix_short(const uint64_t key[4], struct lanes *lanes, const char *at, size_t len)
{
    uint64_t head = 0, tail = 0;
    if (len >= 8) {
        head = hash_word(at);
        tail = hash_word(at + len - 8);
    } else if (len >= 4) {
        head = hash_half_word(at);
        tail = hash_half_word(at + len - 4);
    } else if (len > 0) {
        head = (uint8_t)at[0];
        tail = (uint64_t)(uint8_t)at[len / 2] << 8 | (uint8_t)at[len - 1];
    }
    lanes->b = hash_fold(head ^ key[1], tail ^ lanes->b);
}

static inline void mix_octets(const uint64_t key[4], struct lanes *lanes, const char *at,
                              size_t len)
{
    if (len < 16) {
        mix_short(key, lanes, at, len);
        return;
    }
    size_t left = len;
    uint64_t a = lanes->a, b = lanes->b;
    for (; left > 32; at += 32, left -= 32) {
        a = hash_fold(hash_word(at) ^ key[0], hash_word(at + 8) ^ a);
        b = hash_fold(hash_word(at + 16) ^ key[1], hash_word(at + 24) ^ b);
    }
    if (left > 16)
        a = hash_fold(hash_word(at) ^ key[0], hash_word(at + 8) ^ a);
    /* The last 16, some of them perhaps a second time. */
    const char *end = at + left;
    lanes->a = a;
    lanes->b = hash_fold(hash_word(end - 16) ^ key[1], hash_word(end - 8) ^ b);
}

/* Source and destination as they lie in the packet. */
static inline uint64_t both_v4(const struct datagram *datagram)
{
    char octets[8];
    memcpy(octets, datagram->src.ip.octets, 4);
    memcpy(octets + 4, datagram->dst.ip.octets, 4);
    return hash_word(octets);
}

/* Addresses, ports, id, and what else is in the headers that no way through a network changes. */
static inline struct lanes mix_headers(const uint64_t key[4], const struct datagram *datagram,
                                       enum decode_verdict verdict)
{
    const struct ip_addr *src = &datagram->src.ip, *dst = &datagram->dst.ip;
    bool is_fragment = verdict == DECODE_FRAGMENT;
    uint64_t what = (uint64_t)datagram->src.port << 48 | (uint64_t)datagram->dst.port << 32 |
                    (uint64_t)datagram->ip_id << 16 | (uint64_t)datagram->protocol << 8 |
                    (uint64_t)is_fragment << 7 | src->version;
    uint64_t place = 0, size = (uint64_t)datagram->payload.len << 32;
    if (verdict == DECODE_TCP) {
        place = (uint64_t)datagram->tcp.seq << 32 | datagram->tcp.ack;
        size |= (uint64_t)datagram->tcp.window << 8 | datagram->tcp.flags;
    } else if (is_fragment) {
        place = (uint64_t)datagram->fragment.id << 32 | (uint64_t)datagram->fragment.offset << 1 |
                datagram->fragment.more;
    }
    struct lanes lanes = {.b = hash_fold(place ^ key[2], size ^ key[3])};
    if (src->version == 4) {
        lanes.a = hash_fold(both_v4(datagram) ^ key[0], what ^ key[1]);
        return lanes;
    }
    lanes.a = hash_fold(hash_word(src->octets) ^ key[0], what ^ key[1]);
    lanes.a = hash_fold(hash_word(src->octets + 8) ^ key[2], hash_word(dst->octets) ^ lanes.a);
    lanes.b = hash_fold(hash_word(dst->octets + 8) ^ key[3], lanes.b);
    return lanes;
}

/* The version of RTP (RFC 3550 section 5.1), with which no text begins. */
static inline bool is_rtp(const struct datagram *datagram, enum decode_verdict verdict)
{
    return verdict == DECODE_UDP && datagram->payload.len >= COPIES_RTP_OCTETS &&
           (datagram->payload.at[0] & 0xc0) == 0x80;
}

/* Nearly all packets, so in as few steps as will do. No other packet is hashed this way. */
static inline uint64_t fingerprint_rtp_v4(const uint64_t key[4], uint64_t addresses, uint32_t ports,
                                          uint16_t ip_id, struct slice payload)
{
    const char *at = payload.at;
    uint64_t what = (uint64_t)ports << 32 | (uint64_t)ip_id << 16 | (uint16_t)payload.len;
    uint64_t headers = hash_fold(addresses ^ key[0], what ^ key[1]);
    return close_lanes(
        key,
        (struct lanes){.a = hash_fold(hash_word(at) ^ key[0], hash_word(at + 8) ^ headers),
                       .b = hash_fold(hash_word(at + 16) ^ key[2], hash_word(at + 24) ^ key[3])});
}

static __attribute__((noinline)) uint64_t fingerprint_other(const uint64_t key[4],
                                                            const struct datagram *datagram,
                                                            enum decode_verdict verdict)
{
    struct lanes lanes = mix_headers(key, datagram, verdict);
    size_t len = is_rtp(datagram, verdict) ? COPIES_RTP_OCTETS : datagram->payload.len;
    mix_octets(key, &lanes, datagram->payload.at, len);
    return close_lanes(key, lanes);
}

uint64_t copies_fingerprint(const struct copies *copies, const struct datagram *datagram,
                            enum decode_verdict verdict)
{
    if (!is_rtp(datagram, verdict) || datagram->src.ip.version != 4)
        return fingerprint_other(copies->key, datagram, verdict);
    uint16_t ports[2] = {htobe16(datagram->src.port), htobe16(datagram->dst.port)};
    return fingerprint_rtp_v4(copies->key, both_v4(datagram), hash_half_word(ports),
                              datagram->ip_id, datagram->payload);
}

uint64_t copies_fingerprint_plain(const struct copies *copies, const uint8_t *ip)
{
    return fingerprint_rtp_v4(copies->key, plain_addresses(ip), plain_ports(ip), plain_ip_id(ip),
                              plain_payload(ip));
}

/* By other bits than the lowest, which is always set. */
static inline struct copies_bucket *bucket_of(const struct copies *copies, uint64_t fingerprint)
{
    return &copies->bucket[fingerprint >> 16 & copies->mask];
}

void copies_prefetch(const struct copies *copies, uint64_t fingerprint)
{
    __builtin_prefetch(bucket_of(copies, fingerprint), 1);
}

/* Either way: the mirror may deliver the later packet first. */
static inline uint32_t ticks_between(uint32_t x, uint32_t y)
{
    uint32_t forward = x - y, back = y - x;
    return forward < back ? forward : back;
}

static inline uint16_t envelope_mark(uint32_t envelope)
{
    return (uint16_t)(envelope * 0x9e3779b1U >> 16);
}

static enum copy_kind kind_of(const struct copies_entry *first, const struct datagram *datagram)
{
    if (first->tunnel_depth != datagram->tunnel_depth)
        return COPY_TUNNEL;
    if (first->ttl != datagram->ttl)
        return COPY_ROUTED;
    return first->envelope != envelope_mark(datagram->envelope) ? COPY_VLAN : COPY_SAME;
}

/* As the latest of its bucket; what was in the way `place` makes room for it. */
static inline void remember(struct copies_entry *entry, int place, struct copies_entry latest)
{
    for (; place > 0; place--)
        entry[place] = entry[place - 1];
    entry[0] = latest;
}

/* Apart, as it is rare: with a number of entries to be moved that is not known. */
static __attribute__((noinline)) void remember_again(struct copies_entry *entry, int place,
                                                     struct copies_entry latest)
{
    remember(entry, place, latest);
}

/* The first of its kind, where none of the bucket has its fingerprint. */
static inline void remember_first(struct copies *copies, struct copies_entry *entry,
                                  struct copies_entry latest)
{
    const struct copies_entry *last = &entry[WAYS - 1]; /* the one that came first */
    copies->overruns +=
        last->fingerprint != 0 && ticks_between(latest.ticks, last->ticks) <= copies->window_ticks;
    remember(entry, WAYS - 1, latest);
}

static inline uint32_t ticks_at(const struct copies *copies, int64_t time_ns)
{
    return ticks_of((uint64_t)time_ns - copies->stepped_ns);
}

enum copy_kind copies_check(struct copies *copies, uint64_t fingerprint,
                            const struct datagram *datagram)
{
    struct copies_entry *entry = bucket_of(copies, fingerprint)->entry;
    struct copies_entry latest = {
        .fingerprint = fingerprint,
        .ticks = ticks_at(copies, datagram->time_ns),
        .envelope = envelope_mark(datagram->envelope),
        .ttl = datagram->ttl,
        .tunnel_depth = datagram->tunnel_depth,
    };
    for (int way = 0; way < WAYS; way++) {
        if (entry[way].fingerprint != fingerprint)
            continue;
        uint32_t age = ticks_between(latest.ticks, entry[way].ticks);
        if (age <= copies->window_ticks) { /* the window counts from the first */
            copies->age_ns = (int64_t)age << TICK_SHIFT;
            return kind_of(&entry[way], datagram);
        }
        remember_again(entry, way, latest);
        return COPY_NONE;
    }
    remember_first(copies, entry, latest);
    return COPY_NONE;
}

bool copies_add_plain(struct copies *copies, uint64_t fingerprint, int64_t time_ns, uint8_t ttl)
{
    struct copies_entry *entry = bucket_of(copies, fingerprint)->entry;
    for (int way = 0; way < WAYS; way++)
        if (entry[way].fingerprint == fingerprint)
            return false;
    remember_first(copies, entry,
                   (struct copies_entry){.fingerprint = fingerprint,
                                         .ticks = ticks_at(copies, time_ns),
                                         .envelope = envelope_mark(0),
                                         .ttl = ttl});
    return true;
}

void copies_clock_step(struct copies *copies, int64_t step_ns)
{
    copies->stepped_ns += (uint64_t)step_ns;
}

const char *copy_kind_name(enum copy_kind kind)
{
    switch (kind) {
    case COPY_NONE:
        return "none";
    case COPY_SAME:
        return "same";
    case COPY_VLAN:
        return "vlan";
    case COPY_ROUTED:
        return "routed";
    case COPY_TUNNEL:
        return "tunnel";
    case COPY_KIND_COUNT:
        break;
    }
    return "unknown";
}
