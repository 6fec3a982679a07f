#include "flow/udp_flows.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/slab.h"
#include "base/table.h"
#include "flow/classify.h"

enum {
    KEY_BYTES_MAX = 2 * (16 + 2),
    UNKNOWN = 0,
    OTHER = UDP_FLOWS_LABELS_MAX - 1,
};

/* The list of flows is in order of their latest packets to within this. */
#define ORDER_NS  INT64_C(1000000000)
#define SECOND_NS INT64_C(1000000000)

/* Both endpoints, the lower one first, so that both directions have the same. */
struct flow_key {
    uint8_t len;
    uint8_t octets[KEY_BYTES_MAX];
};

/* What each packet needs comes first: for IPv4 a line of the processor's cache. */
struct udp_flow {
    struct table_node node;
    uint64_t latest_ns, moved_ns; /* moved_ns: latest_ns when it was put at the end of the order */
    uint32_t counted;             /* the labels under which it counts, a bit each */
    uint8_t label;                /* of the packets that have no kind of their own */
    uint8_t looked_packets;       /* of these, while nDPI looks */
    bool is_settled;              /* nDPI has looked enough, or never will */
    struct flow_key key;
    struct classify_flow *look; /* NULL: nDPI does not look at it */
    struct list in_look;        /* while it does */
    struct list in_order;
};

struct udp_flows {
    struct table table;
    struct slab slab;
    struct list order; /* the quietest first */
    struct list looks; /* the longest first */
    struct classify *classify;
    struct hash_key hash_key;
    uint64_t stepped_ns;     /* by how much the clock was set; taken off every stamp */
    uint64_t looks_since_ns; /* when `looks_done` began to be counted */
    unsigned looks_done;
    struct udp_flows_label label[UDP_FLOWS_LABELS_MAX];
    unsigned labels; /* in use, without OTHER */
};

_Static_assert(UDP_FLOWS_LABELS_MAX <= 32, "counted has a bit for each label");

struct udp_flows *udp_flows_create(size_t flows_max)
{
    struct udp_flows *flows = calloc(1, sizeof *flows);
    if (!flows)
        return NULL;
    flows->hash_key = hash_key_random();
    flows->classify = classify_create(flows_max);
    list_init(&flows->order);
    list_init(&flows->looks);
    memcpy(flows->label[UNKNOWN].name, "unknown", sizeof "unknown");
    memcpy(flows->label[OTHER].name, "other", sizeof "other");
    flows->labels = 1;
    if (!flows->classify || table_init(&flows->table) ||
        slab_init(&flows->slab, sizeof(struct udp_flow), flows_max)) {
        udp_flows_destroy(flows);
        return NULL;
    }
    return flows;
}

/* nDPI looks at it no longer, or never. */
static void settle(struct udp_flows *flows, struct udp_flow *flow)
{
    flow->is_settled = true;
    if (!flow->look)
        return;
    classify_end(flows->classify, flow->look);
    flow->look = NULL;
    list_remove(&flow->in_look);
}

static void forget(struct udp_flows *flows, struct udp_flow *flow)
{
    settle(flows, flow);
    list_remove(&flow->in_order);
    table_remove(&flows->table, &flow->node);
    slab_free(&flows->slab, flow);
}

static struct udp_flow *quietest(const struct udp_flows *flows)
{
    return CONTAINER_OF(flows->order.next, struct udp_flow, in_order);
}

void udp_flows_destroy(struct udp_flows *flows)
{
    if (!flows)
        return;
    while (flows->slab.used > 0)
        forget(flows, quietest(flows));
    classify_destroy(flows->classify);
    table_fini(&flows->table);
    slab_fini(&flows->slab);
    free(flows);
}

static inline uint64_t v4_number(const struct endpoint *endpoint)
{
    uint32_t address;
    memcpy(&address, endpoint->ip.octets, sizeof address);
    return (uint64_t)address << 16 | endpoint->port;
}

static inline void make_key_v4(const struct datagram *datagram, struct flow_key *key)
{
    uint64_t src = v4_number(&datagram->src), dst = v4_number(&datagram->dst);
    uint64_t low = src < dst ? src : dst, high = src < dst ? dst : src;
    uint64_t addresses = low >> 16 << 32 | high >> 16;
    uint32_t ports = (uint32_t)(low & 0xffff) << 16 | (uint32_t)(high & 0xffff);
    key->len = sizeof addresses + sizeof ports;
    memcpy(key->octets, &addresses, sizeof addresses);
    memcpy(key->octets + sizeof addresses, &ports, sizeof ports);
}

static void make_key_v6(const struct datagram *datagram, struct flow_key *key)
{
    const struct endpoint *low = &datagram->src, *high = &datagram->dst;
    int order = memcmp(low->ip.octets, high->ip.octets, sizeof low->ip.octets);
    if (order > 0 || (order == 0 && low->port > high->port)) {
        low = &datagram->dst;
        high = &datagram->src;
    }
    key->len = KEY_BYTES_MAX;
    memcpy(key->octets, low->ip.octets, 16);
    memcpy(key->octets + 16, high->ip.octets, 16);
    memcpy(key->octets + 32, &low->port, 2);
    memcpy(key->octets + 34, &high->port, 2);
}

static inline void make_key(const struct datagram *datagram, struct flow_key *key)
{
    if (datagram->src.ip.version == 4)
        make_key_v4(datagram, key);
    else
        make_key_v6(datagram, key);
}

static struct udp_flow *find(const struct udp_flows *flows, const struct flow_key *key,
                             uint64_t hash)
{
    struct table_node *node = table_first(&flows->table, hash);
    for (; node; node = table_next(node)) {
        struct udp_flow *flow = CONTAINER_OF(node, struct udp_flow, node);
        if (flow->key.len == key->len && memcmp(flow->key.octets, key->octets, key->len) == 0)
            return flow;
    }
    return NULL;
}

/* Times are modulo 2^64: a capture may set its clock ahead as often as it likes. */
static int64_t ns_since(uint64_t now_ns, uint64_t then_ns)
{
    return (int64_t)(now_ns - then_ns);
}

static bool is_idle(const struct udp_flow *flow, uint64_t now_ns)
{
    return ns_since(now_ns, flow->latest_ns) > UDP_FLOWS_IDLE_NS;
}

/* Two for each one that comes, so that those that are over do not stay. */
static struct udp_flow *begin(struct udp_flows *flows, const struct flow_key *key, uint64_t hash,
                              uint64_t now_ns)
{
    for (int i = 0; i < 2 && flows->slab.used > 0 && is_idle(quietest(flows), now_ns); i++)
        forget(flows, quietest(flows));
    if (flows->slab.used == flows->slab.capacity)
        forget(flows, quietest(flows));
    struct udp_flow *flow = slab_alloc(&flows->slab);
    *flow = (struct udp_flow){.latest_ns = now_ns, .moved_ns = now_ns, .key = *key};
    list_init(&flow->in_look);
    list_append(&flows->order, &flow->in_order);
    table_insert(&flows->table, &flow->node, hash);
    return flow;
}

/* By more than ORDER_NS: a busy flow is moved once a second, not with each packet. */
static void move_to_end(struct udp_flows *flows, struct udp_flow *flow)
{
    flow->moved_ns = flow->latest_ns;
    list_remove(&flow->in_order);
    list_append(&flows->order, &flow->in_order);
}

static struct udp_flow *flow_of(struct udp_flows *flows, const struct datagram *datagram,
                                uint64_t now_ns)
{
    struct flow_key key;
    make_key(datagram, &key);
    uint64_t hash = hash_bytes(&flows->hash_key, key.octets, key.len);
    struct udp_flow *flow = find(flows, &key, hash);
    if (flow && is_idle(flow, now_ns)) {
        forget(flows, flow);
        flow = NULL;
    }
    if (!flow)
        return begin(flows, &key, hash, now_ns);
    if (ns_since(now_ns, flow->latest_ns) > 0)
        flow->latest_ns = now_ns;
    if (ns_since(flow->latest_ns, flow->moved_ns) > ORDER_NS)
        move_to_end(flows, flow);
    return flow;
}

static uint8_t label_of(struct udp_flows *flows, const char *name)
{
    for (unsigned i = 0; i < flows->labels; i++)
        if (strncmp(flows->label[i].name, name, UDP_FLOWS_LABEL_TEXT_MAX - 1) == 0)
            return (uint8_t)i;
    if (flows->labels == OTHER)
        return OTHER;
    size_t len = strnlen(name, UDP_FLOWS_LABEL_TEXT_MAX - 1);
    memcpy(flows->label[flows->labels].name, name, len);
    return (uint8_t)flows->labels++;
}

static void count(struct udp_flows *flows, struct udp_flow *flow, uint8_t label)
{
    uint32_t bit = 1U << label;
    flows->label[label].packets++;
    flows->label[label].flows += !(flow->counted & bit);
    flow->counted |= bit;
}

/* What was unknown until now is known. */
static void give_label(struct udp_flows *flows, struct udp_flow *flow, uint8_t label)
{
    struct udp_flows_label *unknown = &flows->label[UNKNOWN], *known = &flows->label[label];
    unknown->packets -= flow->looked_packets;
    known->packets += flow->looked_packets;
    unknown->flows -= flow->counted & 1U;
    known->flows += !(flow->counted >> label & 1U);
    flow->counted = (flow->counted & ~1U) | 1U << label;
    flow->label = label;
}

/* Of each second of the packets' clock, so that the same packets are looked at each time. */
static bool may_look(struct udp_flows *flows, uint64_t now_ns)
{
    int64_t age_ns = ns_since(now_ns, flows->looks_since_ns);
    if (age_ns < 0 || age_ns >= SECOND_NS) {
        flows->looks_since_ns = now_ns;
        flows->looks_done = 0;
    }
    if (flows->looks_done == UDP_FLOWS_LOOKS_PER_S)
        return false;
    flows->looks_done++;
    return true;
}

/* False: nDPI did not start. */
static bool begin_look(struct udp_flows *flows, struct udp_flow *flow)
{
    flow->look = classify_begin(flows->classify);
    if (!flow->look && !list_is_empty(&flows->looks)) {
        settle(flows, CONTAINER_OF(flows->looks.next, struct udp_flow, in_look));
        flow->look = classify_begin(flows->classify);
    }
    if (flow->look)
        list_append(&flows->looks, &flow->in_look);
    return flow->look;
}

/* After it was counted. */
static void look(struct udp_flows *flows, struct udp_flow *flow, const struct datagram *datagram,
                 uint64_t now_ns)
{
    if (!may_look(flows, now_ns) || (!flow->look && !begin_look(flows, flow))) {
        settle(flows, flow);
        return;
    }
    flow->looked_packets++;
    uint16_t protocol = classify_packet(flows->classify, flow->look, datagram);
    if (protocol != 0)
        give_label(flows, flow, label_of(flows, classify_name(flows->classify, protocol)));
    if (protocol != 0 || flow->looked_packets == CLASSIFY_PACKETS_MAX)
        settle(flows, flow);
}

void udp_flows_packet(struct udp_flows *flows, const struct datagram *datagram, const char *kind)
{
    uint64_t now_ns = (uint64_t)datagram->time_ns - flows->stepped_ns;
    struct udp_flow *flow = flow_of(flows, datagram, now_ns);
    count(flows, flow, kind ? label_of(flows, kind) : flow->label);
    if (!kind && !flow->is_settled)
        look(flows, flow, datagram, now_ns);
}

static bool is_before(const struct udp_flows_label *a, const struct udp_flows_label *b)
{
    return a->packets != b->packets ? a->packets > b->packets : strcmp(a->name, b->name) < 0;
}

size_t udp_flows_labels(const struct udp_flows *flows, struct udp_flows_label *label, size_t max)
{
    size_t found = 0;
    for (unsigned i = 0; i < UDP_FLOWS_LABELS_MAX; i++) {
        const struct udp_flows_label *next = &flows->label[i];
        size_t place = found;
        if (next->packets == 0)
            continue;
        while (place > 0 && is_before(next, &label[place - 1]))
            place--;
        if (place == max)
            continue;
        found += found < max;
        memmove(&label[place + 1], &label[place], (found - 1 - place) * sizeof *label);
        label[place] = *next;
    }
    return found;
}

size_t udp_flows_tracked(const struct udp_flows *flows)
{
    return flows->slab.used;
}

void udp_flows_clock_step(struct udp_flows *flows, int64_t step_ns)
{
    flows->stepped_ns += (uint64_t)step_ns;
}
