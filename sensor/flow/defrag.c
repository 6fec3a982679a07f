#include "flow/defrag.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/slab.h"
#include "base/table.h"
#include "flow/pieces.h"

/* Buckets of the table for each datagram, at worst: rounded up, and the old ones while it grows. */
enum { BUCKETS_EACH = 3 };

/* Of whom fragments are, without gaps, to be hashed. */
struct key {
    uint8_t src[16], dst[16];
    uint32_t id;
    uint8_t version;
    uint8_t protocol; /* IPv4; IPv6 has its own ids for all (RFC 8200 section 4.5) */
    uint8_t none[2];
};

enum state {
    WAITING, /* for more fragments */
    DONE,    /* put together; kept to know repeats */
    DROPPED, /* contradicted itself; kept to ignore the rest */
    STATES
};

struct entry {
    struct table_node node;
    struct list in_state; /* the oldest first */
    int64_t deadline_ns;
    int64_t first_ns, last_ns;
    struct key key;
    struct pieces pieces;
    struct datagram first; /* without its payload */
    uint32_t more_end;     /* of the fragments but the last one */
    uint32_t total;        /* 0: not known */
    uint8_t protocol;
    uint8_t state;
    bool has_first;
    bool has_last; /* without a total if that was truncated */
    bool is_cut;   /* a fragment was truncated */
};

struct defrag {
    struct defrag_params params;
    struct hash_key key;
    struct table table;
    struct slab entries, blocks;
    struct list states[STATES];
    struct defrag_stats stats;
    char whole[PIECES_OCTETS_MAX]; /* what the caller was given */
    char told[PIECES_OCTETS_MAX];  /* what on_incomplete is given */
};

static int64_t add_ns(int64_t time_ns, int64_t step_ns)
{
    int64_t sum;
    if (__builtin_add_overflow(time_ns, step_ns, &sum))
        return step_ns < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

static size_t at_least_1(size_t n)
{
    return n > 0 ? n : 1;
}

struct defrag *defrag_create(const struct defrag_params *params)
{
    struct defrag *defrag = calloc(1, sizeof *defrag);
    if (!defrag)
        return NULL;
    size_t bytes = params->bytes_max > sizeof *defrag ? params->bytes_max - sizeof *defrag : 0;
    size_t each = sizeof(struct entry) + BUCKETS_EACH * sizeof(void *);
    size_t entries = bytes / 2 / each;
    entries = at_least_1(entries < params->datagrams_max ? entries : params->datagrams_max);
    size_t left = bytes > entries * each ? bytes - entries * each : 0;
    defrag->params = *params;
    defrag->key = hash_key_random();
    for (int state = 0; state < STATES; state++)
        list_init(&defrag->states[state]);
    if (table_init(&defrag->table) != 0 ||
        slab_init(&defrag->entries, sizeof(struct entry), entries) != 0 ||
        slab_init(&defrag->blocks, PIECES_BLOCK_BYTES, at_least_1(left / PIECES_BLOCK_BYTES)) !=
            0) {
        defrag_destroy(defrag);
        return NULL;
    }
    return defrag;
}

void defrag_destroy(struct defrag *defrag)
{
    if (!defrag)
        return;
    table_fini(&defrag->table);
    slab_fini(&defrag->entries);
    slab_fini(&defrag->blocks);
    free(defrag);
}

static void set_state(struct defrag *defrag, struct entry *entry, enum state state,
                      int64_t deadline_ns)
{
    entry->state = (uint8_t)state;
    entry->deadline_ns = deadline_ns;
    list_remove(&entry->in_state);
    list_append(&defrag->states[state], &entry->in_state);
}

static void forget(struct defrag *defrag, struct entry *entry)
{
    if (entry->state == WAITING)
        defrag->stats.waiting--;
    pieces_free(&entry->pieces, &defrag->blocks);
    table_remove(&defrag->table, &entry->node);
    list_remove(&entry->in_state);
    slab_free(&defrag->entries, entry);
}

static struct ip_addr address_of(const uint8_t octets[16], uint8_t version)
{
    return version == 4 ? ip_from_v4(octets) : ip_from_v6(octets);
}

/* Tells what is known of one that will never be whole, and forgets it. */
static void give_up(struct defrag *defrag, struct entry *entry)
{
    if (defrag->params.on_incomplete) {
        struct defrag_incomplete incomplete = {
            .src = address_of(entry->key.src, entry->key.version),
            .dst = address_of(entry->key.dst, entry->key.version),
            .protocol = entry->protocol,
            .first_ns = entry->first_ns,
            .last_ns = entry->last_ns,
            .octets = entry->pieces.octets,
            .total = entry->total,
        };
        if (entry->has_first) {
            size_t len = pieces_copy(&entry->pieces, defrag->told, &entry->first.truncated);
            entry->first.payload = slice_of(defrag->told, len);
            incomplete.first = &entry->first;
        }
        defrag->params.on_incomplete(defrag->params.context, &incomplete);
    }
    forget(defrag, entry);
}

static struct entry *oldest(const struct defrag *defrag, enum state state)
{
    const struct list *list = &defrag->states[state];
    return list_is_empty(list) ? NULL : CONTAINER_OF(list->next, struct entry, in_state);
}

/* Makes room by what is missed least. One dropped has no blocks to give. False: nothing is left. */
static bool evict(struct defrag *defrag, bool for_entry)
{
    struct entry *entry = oldest(defrag, DONE);
    if (!entry && for_entry)
        entry = oldest(defrag, DROPPED);
    if (entry) {
        forget(defrag, entry);
        return true;
    }
    entry = oldest(defrag, WAITING);
    if (!entry)
        return false;
    defrag->stats.evicted++;
    give_up(defrag, entry);
    return true;
}

int64_t defrag_due_ns(const struct defrag *defrag)
{
    int64_t due_ns = INT64_MAX;
    for (int state = 0; state < STATES; state++) {
        const struct list *first = defrag->states[state].next;
        if (first == &defrag->states[state])
            continue;
        int64_t deadline_ns = oldest(defrag, (enum state)state)->deadline_ns;
        due_ns = deadline_ns < due_ns ? deadline_ns : due_ns;
    }
    return due_ns;
}

void defrag_advance(struct defrag *defrag, int64_t now_ns)
{
    struct entry *entry;
    while ((entry = oldest(defrag, DONE)) && entry->deadline_ns <= now_ns)
        forget(defrag, entry);
    while ((entry = oldest(defrag, DROPPED)) && entry->deadline_ns <= now_ns)
        forget(defrag, entry);
    while ((entry = oldest(defrag, WAITING)) && entry->deadline_ns <= now_ns) {
        defrag->stats.timed_out++;
        give_up(defrag, entry);
    }
}

void defrag_finish(struct defrag *defrag)
{
    defrag_advance(defrag, INT64_MAX);
}

void defrag_clock_step(struct defrag *defrag, int64_t step_ns)
{
    for (int state = 0; state < STATES; state++) {
        struct list *list = &defrag->states[state];
        for (struct list *at = list->next; at != list; at = at->next) {
            struct entry *entry = CONTAINER_OF(at, struct entry, in_state);
            entry->deadline_ns = add_ns(entry->deadline_ns, step_ns);
            entry->first_ns = add_ns(entry->first_ns, step_ns);
            entry->last_ns = add_ns(entry->last_ns, step_ns);
            entry->first.time_ns = add_ns(entry->first.time_ns, step_ns);
        }
    }
}

void defrag_stats(const struct defrag *defrag, struct defrag_stats *stats)
{
    *stats = defrag->stats;
    stats->bytes = defrag->entries.used * defrag->entries.object_bytes +
                   defrag->blocks.used * defrag->blocks.object_bytes;
}

/* A truncated fragment's length is not known: only what is there can be looked at. */
static bool is_possible(const struct datagram *fragment)
{
    size_t len = fragment->payload.len;
    if (fragment->fragment.offset + len > PIECES_OCTETS_MAX)
        return false;
    return fragment->truncated || (len > 0 && !(fragment->fragment.more && len % 8 != 0));
}

static struct key key_of(const struct datagram *fragment)
{
    struct key key;
    memset(&key, 0, sizeof key);
    memcpy(key.src, fragment->src.ip.octets, sizeof key.src);
    memcpy(key.dst, fragment->dst.ip.octets, sizeof key.dst);
    key.id = fragment->fragment.id;
    key.version = fragment->src.ip.version;
    key.protocol = key.version == 4 ? fragment->protocol : 0;
    return key;
}

static struct entry *find(const struct defrag *defrag, const struct key *key, uint64_t hash)
{
    struct table_node *node = table_first(&defrag->table, hash);
    for (; node; node = table_next(node)) {
        struct entry *entry = CONTAINER_OF(node, struct entry, node);
        if (memcmp(&entry->key, key, sizeof *key) == 0)
            return entry;
    }
    return NULL;
}

static struct entry *make_entry(struct defrag *defrag, const struct key *key, uint64_t hash,
                                const struct datagram *fragment)
{
    struct entry *entry;
    while (!(entry = slab_alloc(&defrag->entries)))
        if (!evict(defrag, true))
            return NULL;
    *entry = (struct entry){
        .first_ns = fragment->time_ns,
        .last_ns = fragment->time_ns,
        .key = *key,
        .protocol = fragment->protocol,
    };
    table_insert(&defrag->table, &entry->node, hash);
    list_init(&entry->in_state);
    set_state(defrag, entry, WAITING, add_ns(fragment->time_ns, defrag->params.timeout_ns));
    defrag->stats.waiting++;
    return entry;
}

/* RFC 5722 section 4. */
static void drop(struct defrag *defrag, struct entry *entry, int64_t now_ns)
{
    defrag->stats.overlapping++;
    defrag->stats.waiting--;
    pieces_free(&entry->pieces, &defrag->blocks);
    set_state(defrag, entry, DROPPED, add_ns(now_ns, defrag->params.timeout_ns));
}

/* A fragment of a datagram that is whole already. True: it tells nothing new. */
static bool is_late(struct defrag *defrag, const struct entry *entry, const struct span *span,
                    bool strict)
{
    enum pieces_fit fit = pieces_compare(&entry->pieces, span, strict);
    if (fit == PIECES_REPEATED)
        defrag->stats.repeated++;
    /* Where it was cut, it went without those that are not in view. */
    else if (fit == PIECES_NEW && entry->is_cut && span->offset > 0)
        defrag->stats.fragments++;
    else
        return false;
    return true;
}

/* Would the end that the last fragment sets lie before octets of the datagram? */
static bool contradicts_end(const struct entry *entry, const struct ip_fragment *fragment,
                            const struct span *span)
{
    uint32_t end = (uint32_t)(span->offset + span->octets.len);
    if (fragment->more)
        return entry->total > 0 && end >= entry->total;
    if (entry->total > 0)
        return span->truncated ? end > entry->total : end != entry->total;
    return !span->truncated && entry->more_end >= end;
}

/* True: there is room for the span. False: the entry itself had to make room. */
static bool make_room(struct defrag *defrag, const struct entry *entry, const struct span *span)
{
    size_t blocks = pieces_blocks(&entry->pieces, span);
    while (defrag->blocks.capacity - defrag->blocks.used < blocks) {
        bool is_itself = oldest(defrag, DONE) == NULL && oldest(defrag, WAITING) == entry;
        if (!evict(defrag, false) || is_itself)
            return false;
    }
    return true;
}

static void take(struct defrag *defrag, struct entry *entry, const struct datagram *fragment,
                 const struct span *span)
{
    uint32_t end = (uint32_t)(span->offset + span->octets.len);
    defrag->stats.fragments++;
    pieces_insert(&entry->pieces, &defrag->blocks, span);
    entry->is_cut |= span->truncated;
    if (fragment->fragment.more) {
        entry->more_end = end > entry->more_end ? end : entry->more_end;
    } else {
        entry->has_last = true;
        if (!span->truncated)
            entry->total = end;
    }
    if (span->offset == 0 && !entry->has_first) {
        entry->has_first = true;
        entry->first = *fragment;
        entry->first.payload = SLICE_NONE;
        entry->protocol = fragment->protocol;
    }
}

static bool is_whole(const struct entry *entry)
{
    if (!entry->has_first || !entry->has_last)
        return false;
    return entry->is_cut ? pieces_are_whole(&entry->pieces) : entry->pieces.octets == entry->total;
}

static void finish(struct defrag *defrag, struct entry *entry, const struct datagram *fragment,
                   struct datagram *first, struct slice *payload)
{
    *first = entry->first;
    first->time_ns = fragment->time_ns;
    first->packet_number = fragment->packet_number;
    *payload =
        slice_of(defrag->whole, pieces_copy(&entry->pieces, defrag->whole, &first->truncated));
    first->payload = *payload;
    defrag->stats.reassembled++;
    defrag->stats.waiting--;
    set_state(defrag, entry, DONE, add_ns(fragment->time_ns, DEFRAG_REPEAT_NS));
}

/* The entry that a fragment belongs to; NULL: to none, it is counted. */
static struct entry *entry_for(struct defrag *defrag, const struct datagram *fragment,
                               const struct span *span, bool strict)
{
    struct key key = key_of(fragment);
    uint64_t hash = hash_bytes(&defrag->key, &key, sizeof key);
    struct entry *entry = find(defrag, &key, hash);
    if (entry && entry->state == DROPPED) {
        defrag->stats.refused++;
        return NULL;
    }
    if (entry && entry->state == DONE) {
        if (is_late(defrag, entry, span, strict))
            return NULL;
        forget(defrag, entry);
        entry = NULL;
    }
    return entry ? entry : make_entry(defrag, &key, hash, fragment);
}

bool defrag_add(struct defrag *defrag, const struct datagram *fragment, struct datagram *first,
                struct slice *payload)
{
    defrag_advance(defrag, fragment->time_ns);
    if (!is_possible(fragment)) {
        defrag->stats.refused++;
        return false;
    }
    bool strict = fragment->src.ip.version == 6;
    struct span span = {fragment->fragment.offset, fragment->payload, fragment->truncated};
    struct entry *entry = entry_for(defrag, fragment, &span, strict);
    if (!entry)
        return false;
    entry->first_ns = fragment->time_ns < entry->first_ns ? fragment->time_ns : entry->first_ns;
    entry->last_ns = fragment->time_ns > entry->last_ns ? fragment->time_ns : entry->last_ns;

    enum pieces_fit fit = pieces_compare(&entry->pieces, &span, strict);
    if (fit == PIECES_CONTRADICTS || contradicts_end(entry, &fragment->fragment, &span)) {
        drop(defrag, entry, fragment->time_ns);
        return false;
    }
    if (fit == PIECES_REPEATED) {
        defrag->stats.repeated++;
        return false;
    }
    if (entry->pieces.count >= DEFRAG_FRAGMENTS_MAX) {
        defrag->stats.refused++;
        return false;
    }
    if (!make_room(defrag, entry, &span))
        return false;
    take(defrag, entry, fragment, &span);
    if (!is_whole(entry))
        return false;
    finish(defrag, entry, fragment, first, payload);
    return true;
}
