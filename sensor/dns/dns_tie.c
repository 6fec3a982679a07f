#include "dns/dns_table.h"

/*
 * The names that a request may have come to: its own, and those that answers lead to (NAPTR to SRV
 * to addresses). What is known of each is found by client and name; a look-up is a service's if its
 * name has such labels.
 */
enum {
    NAMES_MAX = 16,
    PICKED_MAX = 64, /* look-ups that a request is tied to */
    STEPS_MAX = 512, /* look-ups that are gone through for it, the latest first */
};

/* Resolvers ask for the next name at once. */
#define FOLLOWS_NS INT64_C(1000000000)

struct search {
    const struct dns_lookups *lookups;
    const struct ip_addr *client, *dst;
    uint64_t sent_ns;
    uint64_t name[NAMES_MAX];
    bool is_resolved[NAMES_MAX]; /* all that it leads to, as far as dst's family goes */
    unsigned names, steps;
    const struct dns_lookup *picked[PICKED_MAX];
    unsigned picked_count;
    bool has_addresses; /* of dst's family, in what is picked */
    bool has_dst;
    bool is_partial; /* there were more names, addresses or look-ups */
};

static unsigned add_name(struct search *search, uint64_t name)
{
    unsigned i = 0;
    while (i < search->names && search->name[i] != name)
        i++;
    if (i == NAMES_MAX)
        search->is_partial = true;
    else if (i == search->names)
        search->name[search->names++] = name;
    return i;
}

static bool was_answered(const struct search *search, const struct dns_lookup *lookup)
{
    return lookup->is_answered && dns_since(search->sent_ns, lookup->answered_ns) >= 0;
}

/* When the client had what it asked for, or waited for it no longer. */
static uint64_t end_of(const struct search *search, const struct dns_lookup *lookup)
{
    uint64_t end_ns = was_answered(search, lookup) ? lookup->answered_ns
                                                   : lookup->latest_ns + DNS_LOOKUPS_WAIT_NS;
    return dns_since(search->sent_ns, end_ns) > 0 ? end_ns : search->sent_ns;
}

static void take_answer(struct search *search, const struct dns_lookup *lookup, unsigned name)
{
    bool is_v4 = search->dst->version == 4;
    uint64_t dst = dns_hash_ip(search->lookups, search->dst);
    uint8_t resolved = is_v4 ? lookup->targets_v4 : lookup->targets_v6;
    search->is_partial = search->is_partial || lookup->is_cut;
    for (unsigned i = 0; i < lookup->addresses; i++)
        search->has_dst = search->has_dst || lookup->address[i] == dst;
    for (unsigned i = 0; i < lookup->targets; i++) {
        unsigned target = add_name(search, lookup->target[i]);
        if (target < NAMES_MAX && resolved >> i & 1)
            search->is_resolved[target] = true;
    }
    bool is_addresses = lookup->type == (is_v4 ? DNS_TYPE_A : DNS_TYPE_AAAA);
    if (lookup->targets > 0 || (is_addresses && !dns_has_failed(lookup)))
        search->is_resolved[name] = true;
}

static void take_lookup(struct search *search, const struct dns_lookup *lookup, unsigned name)
{
    const struct dns_lookups *lookups = search->lookups;
    bool is_answered = was_answered(search, lookup);
    if (dns_since(search->sent_ns, lookup->asked_ns) < 0 ||
        (!lookup->is_answered && !dns_was_heard(lookups, &lookup->server.ip)))
        return;
    if (is_answered)
        take_answer(search, lookup, name);
    uint64_t last_ns = is_answered ? lookup->answered_ns : lookup->latest_ns;
    if (dns_since(search->sent_ns, last_ns) > DNS_LOOKUPS_TIE_NS)
        return;
    if (search->picked_count == PICKED_MAX) {
        search->is_partial = true;
        return;
    }
    search->picked[search->picked_count++] = lookup;
    if (is_answered && (search->dst->version == 4 ? lookup->has_v4 : lookup->has_v6))
        search->has_addresses = true;
}

static void take_name(struct search *search, unsigned name)
{
    const struct dns_chain *chain =
        dns_find_chain(search->lookups, search->client, search->name[name]);
    if (!chain)
        return;
    for (struct list *at = chain->lookups.prev; at != &chain->lookups; at = at->prev) {
        const struct dns_lookup *lookup = CONTAINER_OF(at, struct dns_lookup, in_chain);
        if (dns_since(search->sent_ns, lookup->latest_ns) > DNS_LOOKUPS_KEPT_NS)
            return;
        if (search->steps == STEPS_MAX) {
            search->is_partial = true;
            return;
        }
        search->steps++;
        take_lookup(search, lookup, name);
    }
}

/* It did not get what it wanted, but asked again later and got it. */
static bool was_healed(const struct search *search, const struct dns_lookup *lookup)
{
    for (unsigned i = 0; i < search->picked_count; i++) {
        const struct dns_lookup *other = search->picked[i];
        if (was_answered(search, other) && !dns_has_failed(other) &&
            dns_since(other->asked_ns, lookup->asked_ns) >= 0 && other->type == lookup->type &&
            strcmp(other->name, lookup->name) == 0)
            return true;
    }
    return false;
}

/* An answer that only came after the request is no failure; it was waited for until then. */
static int badness_of(const struct search *search, const struct dns_lookup *lookup)
{
    if ((lookup->is_answered && !dns_has_failed(lookup)) || was_healed(search, lookup))
        return 0;
    return lookup->is_answered ? 1 : 2;
}

static void count(const struct search *search, struct dns_tie *tie)
{
    const struct dns_lookup *worst = NULL, *failure = NULL;
    int worst_badness = -1;
    int64_t worst_ns = 0;
    for (unsigned i = 0; i < search->picked_count; i++) {
        const struct dns_lookup *lookup = search->picked[i];
        int badness = badness_of(search, lookup);
        int64_t took_ns = dns_since(end_of(search, lookup), lookup->asked_ns);
        tie->asked += badness == 2 ? lookup->tries : 1;
        tie->unanswered += badness == 2 ? lookup->tries : 0;
        tie->failed += badness == 1;
        if (badness == 1 && (!failure || dns_since(lookup->answered_ns, failure->answered_ns) > 0))
            failure = lookup;
        if (badness > worst_badness || (badness == worst_badness && took_ns > worst_ns)) {
            worst = lookup;
            worst_badness = badness;
            worst_ns = took_ns;
        }
    }
    tie->rcode = failure ? failure->rcode : DNS_NOERROR;
    tie->name = worst->name;
    tie->type = (enum dns_type)worst->type;
    tie->server = worst->server;
}

/* What ended last, with what it followed upon; an older look-up for another request is not in it.
 */
static int64_t delay_of(const struct search *search)
{
    uint64_t begin_ns = 0, end_ns = 0;
    for (unsigned i = 0; i < search->picked_count; i++) {
        uint64_t lookup_end_ns = end_of(search, search->picked[i]);
        if (i > 0 && dns_since(lookup_end_ns, end_ns) <= 0)
            continue;
        end_ns = lookup_end_ns;
        begin_ns = search->picked[i]->asked_ns;
    }
    for (bool has_moved = true; has_moved;) {
        has_moved = false;
        for (unsigned i = 0; i < search->picked_count; i++) {
            const struct dns_lookup *lookup = search->picked[i];
            if (dns_since(begin_ns, lookup->asked_ns) > 0 &&
                dns_since(begin_ns, end_of(search, lookup)) <= FOLLOWS_NS) {
                begin_ns = lookup->asked_ns;
                has_moved = true;
            }
        }
    }
    return dns_since(end_ns, begin_ns);
}

/* A name of which nothing is known may have been in the client's cache. */
static bool is_elsewhere(const struct search *search)
{
    for (unsigned i = 0; i < search->names; i++)
        if (!search->is_resolved[i])
            return false;
    return search->has_addresses && !search->has_dst && !search->is_partial;
}

/* In lower case, without a port and the last dot. Empty: it is no name. */
static struct slice read_host(struct slice host, char room[static DNS_NAME_KEPT])
{
    struct ip_addr ip;
    if (ip_parse(host, &ip))
        return SLICE_NONE;
    host = slice_head(host, slice_find(host, ':'));
    if (host.len > 0 && host.at[host.len - 1] == '.')
        host.len--;
    if (host.len >= DNS_NAME_KEPT || ip_parse(host, &ip))
        return SLICE_NONE;
    for (size_t i = 0; i < host.len; i++)
        room[i] = slice_lower_char(host.at[i]);
    return slice_of(room, host.len);
}

bool dns_lookups_find(const struct dns_lookups *lookups, const struct ip_addr *client,
                      struct slice host, const struct ip_addr *dst, int64_t sent_ns,
                      struct dns_tie *tie)
{
    char room[DNS_NAME_KEPT];
    struct search search = {.lookups = lookups,
                            .client = client,
                            .dst = dst,
                            .sent_ns = (uint64_t)sent_ns - lookups->stepped_ns};
    struct slice name = read_host(host, room);
    if (name.len == 0)
        return false;
    (void)add_name(&search, dns_hash_name(lookups, name));
    for (unsigned i = 0; i < search.names; i++)
        take_name(&search, i);
    if (search.picked_count == 0)
        return false;
    *tie = (struct dns_tie){.delay_ns = delay_of(&search), .is_elsewhere = is_elsewhere(&search)};
    count(&search, tie);
    return true;
}
