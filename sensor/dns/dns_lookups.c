#include "dns/dns_lookups.h"

#include <stdlib.h>

#include "dns/dns_table.h"

enum {
    SERVERS_MAX = 1024,
    INDEX_BYTES = 16, /* of a table, an object */
    LATEST = 64,      /* of a chain, in which a response finds its question */
    TRY_BYTES = 16 + 1 + 3 * 2,
};

/* Asked again after so long, it is another look-up. */
#define RETRY_NS INT64_C(10000000000)

struct dns_lookups *dns_lookups_create(uint64_t memory_bytes)
{
    struct dns_lookups *lookups = calloc(1, sizeof *lookups);
    if (!lookups)
        return NULL;
    size_t each = sizeof(struct dns_lookup) + sizeof(struct dns_chain) + INDEX_BYTES;
    size_t most = memory_bytes / each + 1;
    lookups->key = hash_key_random();
    list_init(&lookups->order);
    list_init(&lookups->waiting);
    list_init(&lookups->server_order);
    if (table_init(&lookups->chains) || table_init(&lookups->servers) ||
        slab_init(&lookups->lookup_slab, sizeof(struct dns_lookup), most) ||
        slab_init(&lookups->chain_slab, sizeof(struct dns_chain), most) ||
        slab_init(&lookups->server_slab, sizeof(struct dns_server), SERVERS_MAX)) {
        dns_lookups_destroy(lookups);
        return NULL;
    }
    return lookups;
}

void dns_lookups_destroy(struct dns_lookups *lookups)
{
    if (!lookups)
        return;
    slab_fini(&lookups->server_slab);
    slab_fini(&lookups->chain_slab);
    slab_fini(&lookups->lookup_slab);
    table_fini(&lookups->servers);
    table_fini(&lookups->chains);
    free(lookups);
}

uint64_t dns_hash_name(const struct dns_lookups *lookups, struct slice name)
{
    while (name.len > 0 && name.at[0] == '_')
        name = slice_skip(name, slice_find(name, '.') + 1);
    return hash_bytes(&lookups->key, name.at, name.len);
}

uint64_t dns_hash_ip(const struct dns_lookups *lookups, const struct ip_addr *ip)
{
    return hash_chain(&lookups->key, ip->version, ip->octets, sizeof ip->octets);
}

static uint64_t hash_chain_of(const struct dns_lookups *lookups, const struct ip_addr *client,
                              uint64_t name)
{
    return hash_chain(&lookups->key, name ^ client->version, client->octets, sizeof client->octets);
}

struct dns_chain *dns_find_chain(const struct dns_lookups *lookups, const struct ip_addr *client,
                                 uint64_t name)
{
    struct table_node *node = table_first(&lookups->chains, hash_chain_of(lookups, client, name));
    return node ? CONTAINER_OF(node, struct dns_chain, node) : NULL;
}

static struct dns_server *find_server(const struct dns_lookups *lookups, const struct ip_addr *ip)
{
    struct table_node *node = table_first(&lookups->servers, dns_hash_ip(lookups, ip));
    return node ? CONTAINER_OF(node, struct dns_server, node) : NULL;
}

bool dns_was_heard(const struct dns_lookups *lookups, const struct ip_addr *server)
{
    return find_server(lookups, server);
}

static void heard_from(struct dns_lookups *lookups, const struct ip_addr *ip)
{
    struct dns_server *server = find_server(lookups, ip);
    if (!server && lookups->server_slab.used == lookups->server_slab.capacity) {
        struct dns_server *oldest =
            CONTAINER_OF(lookups->server_order.next, struct dns_server, in_order);
        list_remove(&oldest->in_order);
        table_remove(&lookups->servers, &oldest->node);
        slab_free(&lookups->server_slab, oldest);
    }
    if (!server) {
        server = slab_alloc(&lookups->server_slab);
        list_init(&server->in_order);
        table_insert(&lookups->servers, &server->node, dns_hash_ip(lookups, ip));
    }
    list_remove(&server->in_order);
    list_append(&lookups->server_order, &server->in_order);
}

static void forget(struct dns_lookups *lookups, struct dns_lookup *lookup)
{
    struct dns_chain *chain = lookup->chain;
    list_remove(&lookup->in_order);
    list_remove(&lookup->in_wait);
    list_remove(&lookup->in_chain);
    if (list_is_empty(&chain->lookups)) {
        table_remove(&lookups->chains, &chain->node);
        slab_free(&lookups->chain_slab, chain);
    }
    slab_free(&lookups->lookup_slab, lookup);
}

static struct dns_lookup *oldest(const struct dns_lookups *lookups)
{
    return CONTAINER_OF(lookups->order.next, struct dns_lookup, in_order);
}

/* Two for each one that comes, so that old ones do not stay. */
static void make_room(struct dns_lookups *lookups, uint64_t now_ns)
{
    for (int i = 0; i < 2 && !list_is_empty(&lookups->order) &&
                    dns_since(now_ns, oldest(lookups)->latest_ns) > DNS_LOOKUPS_KEPT_NS;
         i++)
        forget(lookups, oldest(lookups));
    if (lookups->lookup_slab.used == lookups->lookup_slab.capacity)
        forget(lookups, oldest(lookups));
}

/* What a response to the question has: who asked whom, from which port, by which id. */
static uint32_t hash_try(const struct dns_lookups *lookups, const struct endpoint *client,
                         const struct endpoint *server, uint16_t id)
{
    uint8_t octets[TRY_BYTES];
    memcpy(octets, server->ip.octets, 16);
    octets[16] = server->ip.version;
    memcpy(octets + 17, &server->port, 2);
    memcpy(octets + 19, &client->port, 2);
    memcpy(octets + 21, &id, 2);
    return (uint32_t)hash_bytes(&lookups->key, octets, sizeof octets);
}

static bool has_try(const struct dns_lookup *lookup, uint32_t try)
{
    for (unsigned i = 0; i < DNS_TRIES_KEPT && i < lookup->tries; i++)
        if (lookup->try[i] == try)
            return true;
    return false;
}

/* The latest of its question that has this try or, without one, that still waits. */
static struct dns_lookup *find_lookup(const struct dns_chain *chain, const struct dns_message *m,
                                      const uint32_t *try)
{
    unsigned steps = 0;
    for (struct list *at = chain->lookups.prev; at != &chain->lookups && steps < LATEST;
         at = at->prev, steps++) {
        struct dns_lookup *lookup = CONTAINER_OF(at, struct dns_lookup, in_chain);
        if (lookup->type == m->type && (try ? has_try(lookup, *try) : !lookup->is_answered) &&
            strcmp(lookup->name, m->name) == 0)
            return lookup;
    }
    return NULL;
}

static struct dns_lookup *begin(struct dns_lookups *lookups, const struct ip_addr *client,
                                const struct dns_message *m, uint64_t name, uint64_t now_ns)
{
    make_room(lookups, now_ns);
    struct dns_chain *chain = dns_find_chain(lookups, client, name);
    if (!chain) {
        chain = slab_alloc(&lookups->chain_slab); /* there are as many as look-ups */
        list_init(&chain->lookups);
        table_insert(&lookups->chains, &chain->node, hash_chain_of(lookups, client, name));
    }
    struct dns_lookup *lookup = slab_alloc(&lookups->lookup_slab);
    *lookup = (struct dns_lookup){
        .chain = chain, .asked_ns = now_ns, .latest_ns = now_ns, .type = (uint8_t)m->type};
    memcpy(lookup->name, m->name, strlen(m->name));
    list_init(&lookup->in_order);
    list_init(&lookup->in_chain);
    list_init(&lookup->in_wait);
    return lookup;
}

static void move_to_end(struct list *head, struct list *node)
{
    list_remove(node);
    list_append(head, node);
}

static void take_question(struct dns_lookups *lookups, const struct datagram *datagram,
                          const struct dns_message *m, uint64_t now_ns)
{
    const struct ip_addr *client = &datagram->src.ip;
    uint64_t name = dns_hash_name(lookups, slice_str(m->name));
    struct dns_chain *chain = dns_find_chain(lookups, client, name);
    struct dns_lookup *lookup = chain ? find_lookup(chain, m, NULL) : NULL;
    if (!lookup || dns_since(now_ns, lookup->latest_ns) > RETRY_NS)
        lookup = begin(lookups, client, m, name, now_ns);
    if (dns_since(now_ns, lookup->latest_ns) > 0)
        lookup->latest_ns = now_ns;
    lookup->server = datagram->dst;
    lookup->try[lookup->tries++ % DNS_TRIES_KEPT] =
        hash_try(lookups, &datagram->src, &datagram->dst, m->id);
    move_to_end(&lookups->order, &lookup->in_order);
    move_to_end(&lookup->chain->lookups, &lookup->in_chain);
    if (!lookup->is_counted)
        move_to_end(&lookups->waiting, &lookup->in_wait);
}

static void keep_answer(const struct dns_lookups *lookups, struct dns_lookup *lookup,
                        const struct dns_message *m)
{
    lookup->rcode = m->rcode;
    lookup->is_cut = m->is_cut;
    lookup->targets = m->targets;
    lookup->targets_v4 = m->targets_v4;
    lookup->targets_v6 = m->targets_v6;
    lookup->addresses = m->addresses;
    for (unsigned i = 0; i < m->targets; i++)
        lookup->target[i] = dns_hash_name(lookups, slice_str(m->target[i]));
    for (unsigned i = 0; i < m->addresses; i++) {
        lookup->address[i] = dns_hash_ip(lookups, &m->address[i]);
        lookup->has_v4 = lookup->has_v4 || m->address[i].version == 4;
        lookup->has_v6 = lookup->has_v6 || m->address[i].version == 6;
    }
}

/*
 * Of several servers that were asked at once, the first that has an answer counts. Its records are
 * read only where somebody asked for them. m: its question.
 */
static void take_response(struct dns_lookups *lookups, const struct datagram *datagram,
                          struct dns_message *m, uint64_t now_ns)
{
    uint64_t name = dns_hash_name(lookups, slice_str(m->name));
    uint32_t try = hash_try(lookups, &datagram->dst, &datagram->src, m->id);
    struct dns_chain *chain = dns_find_chain(lookups, &datagram->dst.ip, name);
    struct dns_lookup *lookup = chain ? find_lookup(chain, m, &try) : NULL;
    if (!lookup)
        return;
    heard_from(lookups, &datagram->src.ip);
    if ((lookup->is_answered && !dns_has_failed(lookup)) || !dns_message_read(datagram->payload, m))
        return;
    lookup->is_answered = true;
    lookup->answered_ns = dns_since(now_ns, lookup->asked_ns) > 0 ? now_ns : lookup->asked_ns;
    lookup->server = datagram->src;
    keep_answer(lookups, lookup, m);
    list_remove(&lookup->in_wait);
    if (lookup->is_counted)
        return;
    lookup->is_counted = true;
    if (dns_has_failed(lookup))
        lookups->stats.failed++;
    else
        lookups->stats.answered++;
}

static void notice_unanswered(struct dns_lookups *lookups, uint64_t now_ns)
{
    while (!list_is_empty(&lookups->waiting)) {
        struct dns_lookup *first = CONTAINER_OF(lookups->waiting.next, struct dns_lookup, in_wait);
        if (dns_since(now_ns, first->latest_ns) <= DNS_LOOKUPS_WAIT_NS)
            return;
        list_remove(&first->in_wait);
        if (dns_was_heard(lookups, &first->server.ip)) {
            first->is_counted = true;
            lookups->stats.unanswered++;
        }
    }
}

static bool is_for_sip(const struct dns_message *m)
{
    struct slice name = slice_str(m->name);
    if (m->type == DNS_TYPE_OTHER || name.len == 0 || name.len >= DNS_NAME_KEPT)
        return false;
    return m->type != DNS_TYPE_SRV || slice_starts(name, SLICE("_sip._")) ||
           slice_starts(name, SLICE("_sips._"));
}

void dns_lookups_packet(struct dns_lookups *lookups, const struct datagram *datagram)
{
    struct dns_message m; /* large, and on purpose not cleared */
    uint64_t now_ns = (uint64_t)datagram->time_ns - lookups->stepped_ns;
    notice_unanswered(lookups, now_ns);
    if (!dns_message_read_question(datagram->payload, &m) || !is_for_sip(&m))
        return;
    if (m.is_response)
        take_response(lookups, datagram, &m, now_ns);
    else if (datagram->dst.port == DNS_PORT)
        take_question(lookups, datagram, &m, now_ns);
}

const struct dns_lookups_stats *dns_lookups_stats(const struct dns_lookups *lookups)
{
    return &lookups->stats;
}

size_t dns_lookups_tracked(const struct dns_lookups *lookups)
{
    return lookups->lookup_slab.used;
}

size_t dns_lookups_max(const struct dns_lookups *lookups)
{
    return lookups->lookup_slab.capacity;
}

void dns_lookups_clock_step(struct dns_lookups *lookups, int64_t step_ns)
{
    lookups->stepped_ns += (uint64_t)step_ns;
}
