#include "verdict/scanner.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/slab.h"
#include "base/table.h"
#include "verdict/scanner_marks.h"

/* So many users in so long. */
enum { USERS_MIN = 20 };
#define USERS_WITHIN_NS INT64_C(60000000000)
/* Whoever repeats a request has done so by then: twice the longest T1 that is believed. */
#define REPEATED_WITHIN_NS INT64_C(10000000000)
/* A source that was quiet for so long begins anew. */
#define QUIET_NS INT64_C(600000000000)

/* Of all sources one in so many may be one that was not accepted. */
enum { WATCHED_SHARE = 4 };

/* A source that was not accepted yet. */
struct watch {
    struct scanner_mark latest; /* what its latest request shows by itself */
    bool is_scanner;
    unsigned users;  /* of the round that is going on */
    int64_t full_ns; /* when there were USERS_MIN */
    struct watched_user {
        uint64_t user, call_id; /* hashes */
        int64_t at_ns;
    } user[USERS_MIN];
};

struct source {
    struct table_node node;
    struct list age; /* in scanners.age */
    struct ip_addr ip;
    bool is_told;        /* counted as a scanner */
    int64_t last_ns;     /* its latest request */
    struct watch *watch; /* NULL: it was accepted */
};

struct scanners {
    struct hash_key key;
    struct table table;
    struct slab sources, watches;
    struct list age[2]; /* those watched, those accepted; quietest first */
    size_t accepted, accepted_max;
    struct scanners_stats stats;
};

struct scanners *scanners_create(size_t sources_max)
{
    struct scanners *scanners = calloc(1, sizeof *scanners);
    size_t watches = sources_max / WATCHED_SHARE + 1;
    if (!scanners)
        return NULL;
    scanners->key = hash_key_random();
    scanners->accepted_max = sources_max - sources_max / WATCHED_SHARE + 1;
    for (int accepted = 0; accepted < 2; accepted++)
        list_init(&scanners->age[accepted]);
    if (table_init(&scanners->table) ||
        slab_init(&scanners->sources, sizeof(struct source), watches + scanners->accepted_max) ||
        slab_init(&scanners->watches, sizeof(struct watch), watches)) {
        scanners_destroy(scanners);
        return NULL;
    }
    return scanners;
}

void scanners_destroy(struct scanners *scanners)
{
    if (!scanners)
        return;
    slab_fini(&scanners->watches);
    slab_fini(&scanners->sources);
    table_fini(&scanners->table);
    free(scanners);
}

static uint64_t ip_hash(const struct scanners *scanners, const struct ip_addr *ip)
{
    return hash_bytes(&scanners->key, ip, sizeof *ip);
}

static struct source *find_source(const struct scanners *scanners, const struct ip_addr *ip,
                                  uint64_t hash)
{
    struct table_node *node = table_first(&scanners->table, hash);
    for (; node; node = table_next(node)) {
        struct source *source = CONTAINER_OF(node, struct source, node);
        if (ip_eq(&source->ip, ip))
            return source;
    }
    return NULL;
}

static void touch(struct scanners *scanners, struct source *source)
{
    list_remove(&source->age);
    list_append(&scanners->age[!source->watch], &source->age);
}

/* The quietest of those that are watched, or of the accepted ones; there is one. */
static void forget_quietest(struct scanners *scanners, bool accepted)
{
    struct source *source = CONTAINER_OF(scanners->age[accepted].next, struct source, age);
    list_remove(&source->age);
    table_remove(&scanners->table, &source->node);
    scanners->accepted -= accepted;
    slab_free(&scanners->watches, source->watch);
    slab_free(&scanners->sources, source);
}

/* There is room for as many as are watched and accepted together. */
static struct source *add_source(struct scanners *scanners, const struct ip_addr *ip, uint64_t hash,
                                 struct watch *watch)
{
    struct source *source = slab_alloc(&scanners->sources);
    *source = (struct source){.ip = *ip, .watch = watch};
    list_init(&source->age);
    table_insert(&scanners->table, &source->node, hash);
    return source;
}

static struct source *know_source(struct scanners *scanners, const struct ip_addr *ip)
{
    uint64_t hash = ip_hash(scanners, ip);
    struct source *source = find_source(scanners, ip, hash);
    if (!source) {
        struct watch *watch = slab_alloc(&scanners->watches);
        if (!watch) {
            forget_quietest(scanners, false);
            watch = slab_alloc(&scanners->watches);
        }
        *watch = (struct watch){.users = 0};
        source = add_source(scanners, ip, hash, watch);
    }
    touch(scanners, source);
    return source;
}

static int64_t age_of(int64_t at_ns, int64_t now_ns)
{
    int64_t age_ns;
    if (__builtin_sub_overflow(now_ns, at_ns, &age_ns))
        return now_ns > at_ns ? INT64_MAX : INT64_MIN;
    return age_ns;
}

static void tell(struct scanners *scanners, struct source *source)
{
    scanners->stats.sources += !source->is_told;
    source->is_told = true;
}

/* Was the round's last chance to repeat something missed? */
static void settle(struct scanners *scanners, struct source *source, int64_t now_ns)
{
    struct watch *watch = source->watch;
    if (watch->users < USERS_MIN || age_of(watch->full_ns, now_ns) < REPEATED_WITHIN_NS)
        return;
    watch->is_scanner = true;
    watch->users = 0;
    tell(scanners, source);
}

static void drop_old_users(struct watch *watch, int64_t now_ns)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < watch->users; i++)
        if (age_of(watch->user[i].at_ns, now_ns) <= USERS_WITHIN_NS)
            watch->user[kept++] = watch->user[i];
    watch->users = kept;
}

/* A request for this user; in a round of USERS_MIN that then are only looked at. */
static void watch_user(struct watch *watch, uint64_t user, uint64_t call_id, int64_t now_ns)
{
    for (unsigned i = 0; i < watch->users; i++) {
        struct watched_user *at = &watch->user[i];
        if (at->user != user)
            continue;
        if (at->call_id == call_id) { /* sent again: it wants an answer */
            watch->users = 0;
            watch->is_scanner = false;
        } else {
            at->call_id = call_id;
        }
        return;
    }
    if (watch->users == USERS_MIN)
        return;
    drop_old_users(watch, now_ns);
    watch->user[watch->users++] = (struct watched_user){user, call_id, now_ns};
    if (watch->users == USERS_MIN)
        watch->full_ns = now_ns;
}

static void watch_request(struct scanners *scanners, struct source *source,
                          const struct scanner_request *request, int64_t now_ns)
{
    struct watch *watch = source->watch;
    struct slice user = scanner_user(request->request_uri);
    if (age_of(source->last_ns, now_ns) > QUIET_NS) {
        watch->is_scanner = false;
        watch->users = 0;
    }
    settle(scanners, source, now_ns);
    source->last_ns = now_ns;
    if (request->is_options || user.len == 0 || transport_is_reliable(request->transport))
        return;
    watch_user(watch, hash_bytes(&scanners->key, user.at, user.len),
               hash_bytes(&scanners->key, request->call_id.at, request->call_id.len), now_ns);
}

struct slice scanners_request(struct scanners *scanners, const struct scanner_request *request,
                              int64_t now_ns)
{
    struct scanner_mark mark = scanner_mark_read(request);
    struct source *source = know_source(scanners, &request->src.ip);
    struct watch *watch = source->watch;
    if (watch) {
        watch_request(scanners, source, request, now_ns);
        watch->latest = mark;
        if (mark.words.len == 0 && watch->is_scanner)
            mark.words = SCANNERS_BEHAVIOUR;
    } else if (!mark.is_certain) {
        mark.words = SLICE_NONE;
    }
    if (mark.words.len > 0) {
        scanners->stats.requests++;
        tell(scanners, source);
    }
    return mark.words;
}

static struct slice behaviour_of(struct scanners *scanners, struct source *source, int64_t now_ns)
{
    if (!source || !source->watch || age_of(source->last_ns, now_ns) > QUIET_NS)
        return SLICE_NONE;
    settle(scanners, source, now_ns);
    return source->watch->is_scanner ? SCANNERS_BEHAVIOUR : SLICE_NONE;
}

struct slice scanners_response(struct scanners *scanners, const struct scanner_request *request,
                               bool is_accepted, int64_t now_ns)
{
    const struct ip_addr *client = &request->src.ip;
    struct scanner_mark mark = scanner_mark_read(request);
    if (mark.is_certain || (!is_accepted && scanners->stats.sources == 0))
        return mark.words;
    struct source *source = find_source(scanners, client, ip_hash(scanners, client));
    if (source && source->watch)
        mark = source->watch->latest;
    if (is_accepted && !mark.is_certain) {
        scanners_accepted(scanners, client, now_ns);
        return SLICE_NONE;
    }
    return mark.words.len > 0 ? mark.words : behaviour_of(scanners, source, now_ns);
}

void scanners_accepted(struct scanners *scanners, const struct ip_addr *src, int64_t now_ns)
{
    uint64_t hash = ip_hash(scanners, src);
    struct source *source = find_source(scanners, src, hash);
    if (!source || source->watch) {
        if (scanners->accepted == scanners->accepted_max)
            forget_quietest(scanners, true);
        scanners->accepted++;
        if (!source)
            source = add_source(scanners, src, hash, NULL);
        slab_free(&scanners->watches, source->watch);
        source->watch = NULL;
        source->last_ns = now_ns;
    }
    touch(scanners, source);
}

void scanners_insists(struct scanners *scanners, const struct ip_addr *src)
{
    struct source *source = find_source(scanners, src, ip_hash(scanners, src));
    if (source && source->watch) {
        source->watch->users = 0;
        source->watch->is_scanner = false;
    }
}

struct slice scanners_source(struct scanners *scanners, const struct ip_addr *src, int64_t now_ns)
{
    return behaviour_of(scanners, find_source(scanners, src, ip_hash(scanners, src)), now_ns);
}

const struct scanners_stats *scanners_stats(const struct scanners *scanners)
{
    return &scanners->stats;
}

static void shift(int64_t *time_ns, int64_t step_ns)
{
    if (__builtin_add_overflow(*time_ns, step_ns, time_ns))
        *time_ns = 0;
}

void scanners_clock_step(struct scanners *scanners, int64_t step_ns)
{
    for (int accepted = 0; accepted < 2; accepted++) {
        struct list *head = &scanners->age[accepted];
        for (struct list *node = head->next; node != head; node = node->next) {
            struct source *source = CONTAINER_OF(node, struct source, age);
            shift(&source->last_ns, step_ns);
            if (!source->watch)
                continue;
            shift(&source->watch->full_ns, step_ns);
            for (unsigned i = 0; i < source->watch->users; i++)
                shift(&source->watch->user[i].at_ns, step_ns);
        }
    }
}
