#include "call/icmp_ties.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include "call/quoted_invite.h"
#include "decode/ip.h"

enum {
    UDP_HEADER_BYTES = 8,
    ERROR_BUCKETS = 64,
    ERROR_WAYS = 4,
};

/* Spoofed errors are many, true ones come at once. */
#define ERROR_AGE_MAX_NS INT64_C(5000000000)
/* A mirror may show the error before what caused it. */
#define DISORDER_NS INT64_C(50000000)

/* What was said of a connection. */
struct connection_error {
    uint64_t key;
    struct icmp_facts facts; /* count 0: empty */
};

int icmp_ties_init(struct icmp_ties *ties, uint64_t bytes, int64_t timer_b_ns,
                   const struct call_table *table)
{
    *ties = (struct icmp_ties){
        .connection_error =
            calloc((size_t)ERROR_BUCKETS * ERROR_WAYS, sizeof(struct connection_error)),
        .timer_b_ns = timer_b_ns,
    };
    if (!ties->connection_error || sendings_init(&ties->sendings, bytes, &table->transactions)) {
        icmp_ties_fini(ties);
        return -ENOMEM;
    }
    return 0;
}

void icmp_ties_fini(struct icmp_ties *ties)
{
    sendings_fini(&ties->sendings);
    free(ties->connection_error);
    ties->connection_error = NULL;
}

/* RFC 1071: words of any width can be added, and the order of octets matters only at the end. */
static uint32_t sum_octets(struct slice octets)
{
    uint64_t sum[2] = {0, 0}, word;
    size_t i = 0;
    for (; i + sizeof word <= octets.len; i += sizeof word) {
        memcpy(&word, octets.at + i, sizeof word);
        sum[0] += word & UINT32_MAX;
        sum[1] += word >> 32;
    }
    word = 0;
    if (i < octets.len) /* padded with zeroes */
        memcpy(&word, octets.at + i, octets.len - i);
    sum[0] += sum[1] + (word & UINT32_MAX) + (word >> 32);
    while (sum[0] >> 16)
        sum[0] = (sum[0] & 0xffff) + (sum[0] >> 16);
    return be16toh((uint16_t)sum[0]);
}

/*
 * RFC 768, RFC 8200 section 8.1: what the checksum of this datagram was on the wire. Counted, not
 * read: where the sender itself is captured, its network card has yet to write it.
 */
static uint16_t udp_checksum(const struct datagram *datagram)
{
    uint32_t length = (uint32_t)(datagram->payload.len + UDP_HEADER_BYTES);
    uint32_t sum = sum_octets(slice_of((const char *)datagram->src.ip.octets, 16)) +
                   sum_octets(slice_of((const char *)datagram->dst.ip.octets, 16)) +
                   sum_octets(datagram->payload) + IP_PROTOCOL_UDP + 2 * length +
                   datagram->src.port + datagram->dst.port;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff ? 0xffff : (uint16_t)~sum;
}

static uint64_t connection_key(const struct icmp_ties *ties, const struct endpoint *client,
                               const struct endpoint *server)
{
    return sendings_key(&ties->sendings, &(struct sending_packet){.src = *client, .dst = *server});
}

/* The key of what an error quotes of this datagram's headers; false: its length is not known. */
static bool headers_key(const struct icmp_ties *ties, const struct datagram *datagram,
                        uint64_t *key)
{
    if (datagram->truncated || datagram->incomplete)
        return false;
    bool is_checksum = !datagram->has_ip_id || datagram->ip_id == 0;
    const struct sending_packet packet = {
        .src = datagram->src,
        .dst = datagram->dst,
        .udp_len = (uint16_t)(datagram->payload.len + UDP_HEADER_BYTES),
        .mark = is_checksum ? udp_checksum(datagram) : datagram->ip_id,
        .is_checksum = is_checksum,
    };
    *key = sendings_key(&ties->sendings, &packet);
    return true;
}

void icmp_ties_sent(struct icmp_ties *ties, struct transaction *t, const struct datagram *datagram)
{
    struct sendings *sendings = &ties->sendings;
    uint64_t key;
    if (transport_is_reliable(datagram->transport)) {
        key = connection_key(ties, &datagram->src, &datagram->dst);
        sendings_add(sendings, key, t, datagram->time_ns);
        return;
    }
    sendings_prefetch(sendings, t->via_hash);
    bool has_key = headers_key(ties, datagram, &key);
    if (has_key)
        sendings_prefetch(sendings, key);
    sendings_add(sendings, t->via_hash, t, datagram->time_ns);
    if (has_key)
        sendings_add(sendings, key, t, datagram->time_ns);
}

static void note(struct icmp_facts *facts, const struct icmp_error *error)
{
    if (facts->count == 0)
        *facts = (struct icmp_facts){
            .first_ns = error->time_ns,
            .last_ns = error->time_ns,
            .sender = error->sender,
            .type = error->type,
            .code = error->code,
            .is_v6 = error->is_v6,
            .meaning = error->meaning,
            .mtu = error->mtu,
        };
    facts->count++;
    if (error->time_ns > facts->last_ns)
        facts->last_ns = error->time_ns;
}

static bool is_of_datagrams(const struct transaction *t)
{
    return t->has_request && !transport_is_reliable(t->transport);
}

/* What a quote shows of the message. */
struct shown {
    uint64_t via_hash;
    struct quoted_invite invite;
};

static bool fits_message(const struct transaction *t, const void *context)
{
    const struct shown *shown = context;
    const struct quoted_invite *invite = &shown->invite;
    return is_of_datagrams(t) && t->via_hash == shown->via_hash &&
           (!invite->has_cseq || invite->cseq == t->cseq) &&
           (invite->call_id.len == 0 || slice_eq(invite->call_id, arena_slice(t->call->call_id)));
}

static struct transaction *find_by_message(const struct icmp_ties *ties, const struct shown *shown)
{
    const struct sendings_query query = {
        .key = shown->via_hash, .at_any_time = true, .fits = fits_message, .context = shown};
    return sendings_find(&ties->sendings, &query);
}

struct transaction *icmp_ties_find(const struct icmp_ties *ties, uint64_t via_hash, uint32_t cseq)
{
    return find_by_message(
        ties, &(struct shown){.via_hash = via_hash, .invite = {.has_cseq = true, .cseq = cseq}});
}

static bool fits_headers(const struct transaction *t, const void *context)
{
    const struct icmp_error *error = context;
    return is_of_datagrams(t) &&
           (ip_eq(&t->src.ip, &error->src.ip) || ip_eq(&t->other_src, &error->src.ip));
}

static struct transaction *find_by_headers(const struct icmp_ties *ties,
                                           const struct icmp_error *error)
{
    bool is_checksum = !error->has_ip_id || error->ip_id == 0;
    if (is_checksum && error->udp_checksum == 0)
        return NULL; /* none was sent */
    const struct sending_packet packet = {
        .src = error->src,
        .dst = error->dst,
        .udp_len = error->udp_len,
        .mark = is_checksum ? error->udp_checksum : error->ip_id,
        .is_checksum = is_checksum,
    };
    const struct sendings_query query = {
        .key = sendings_key(&ties->sendings, &packet),
        .from_ns = error->time_ns - ERROR_AGE_MAX_NS,
        .until_ns = error->time_ns + DISORDER_NS,
        .fits = fits_headers,
        .context = error,
    };
    return sendings_find(&ties->sendings, &query);
}

static bool tie_datagram(struct icmp_ties *ties, const struct icmp_error *error,
                         const struct call_table *table)
{
    struct shown shown;
    const struct quoted_invite *invite = &shown.invite;
    struct transaction *t;
    if (quoted_invite_read(error->payload, &shown.invite) == QUOTED_OTHER)
        return false;
    /* A branch of RFC 2543 is no identifier. */
    bool is_named = invite->has_via &&
                    (invite->via.has_cookie || (invite->call_id.len > 0 && invite->has_cseq));
    if (is_named) {
        shown.via_hash = call_table_via_hash(table, &invite->via);
        t = find_by_message(ties, &shown);
    } else {
        t = find_by_headers(ties, error);
    }
    if (t && t->findings)
        note(&t->findings->icmp, error);
    return t != NULL;
}

/* The errors of a connection; NULL: none. */
static struct connection_error *find_error(const struct icmp_ties *ties, uint64_t key)
{
    struct connection_error *bucket = &ties->connection_error[key % ERROR_BUCKETS * ERROR_WAYS];
    for (struct connection_error *at = bucket; at < bucket + ERROR_WAYS; at++)
        if (at->facts.count > 0 && at->key == key)
            return at;
    return NULL;
}

/* A place for a connection's errors; where all are taken, that of the one quiet longest. */
static struct connection_error *new_error(const struct icmp_ties *ties, uint64_t key)
{
    struct connection_error *bucket = &ties->connection_error[key % ERROR_BUCKETS * ERROR_WAYS];
    struct connection_error *place = bucket;
    for (struct connection_error *at = bucket; at < bucket + ERROR_WAYS; at++) {
        if (at->facts.count == 0) {
            place = at;
            break;
        }
        if (at->facts.last_ns < place->facts.last_ns)
            place = at;
    }
    *place = (struct connection_error){.key = key};
    return place;
}

static bool fits_connection(const struct transaction *t, const void *context)
{
    const struct icmp_error *error = context;
    return t->has_request && transport_is_reliable(t->transport) &&
           (ip_eq(&t->src.ip, &error->src.ip) || ip_eq(&t->other_src, &error->src.ip));
}

static bool tie_connection(struct icmp_ties *ties, const struct icmp_error *error)
{
    uint64_t key = connection_key(ties, &error->src, &error->dst);
    const struct sendings_query query = {
        .key = key,
        .from_ns = error->time_ns - ties->timer_b_ns,
        .until_ns = error->time_ns + DISORDER_NS,
        .fits = fits_connection,
        .context = error,
    };
    if (!sendings_has(&ties->sendings, &query))
        return false;
    struct connection_error *known = find_error(ties, key);
    note(&(known ? known : new_error(ties, key))->facts, error);
    return true;
}

bool icmp_ties_error(struct icmp_ties *ties, const struct icmp_error *error,
                     const struct call_table *table)
{
    /* Nobody who had the packet tells another than its sender. */
    if (!error->has_ports || !ip_eq(&error->told, &error->src.ip))
        return false;
    if (error->protocol == IP_PROTOCOL_UDP)
        return tie_datagram(ties, error, table);
    return error->protocol == IP_PROTOCOL_TCP && tie_connection(ties, error);
}

void icmp_ties_read(const struct icmp_ties *ties, const struct transaction *t,
                    struct icmp_facts *facts)
{
    *facts = t->findings ? t->findings->icmp : (struct icmp_facts){0};
    if (!transport_is_reliable(t->transport))
        return;
    const struct connection_error *error = find_error(ties, connection_key(ties, &t->src, &t->dst));
    if (!error || error->facts.last_ns < t->first_sent_ns)
        return;
    *facts = error->facts;
    if (facts->first_ns < t->first_sent_ns) { /* of what the connection carried before */
        facts->first_ns = facts->last_ns;
        facts->count = 1;
    }
}

static void shift(int64_t *time_ns, int64_t step_ns)
{
    if (__builtin_add_overflow(*time_ns, step_ns, time_ns))
        *time_ns = 0;
}

void icmp_ties_clock_step(struct icmp_ties *ties, int64_t step_ns)
{
    sendings_clock_step(&ties->sendings, step_ns);
    for (size_t i = 0; i < (size_t)ERROR_BUCKETS * ERROR_WAYS; i++) {
        shift(&ties->connection_error[i].facts.first_ns, step_ns);
        shift(&ties->connection_error[i].facts.last_ns, step_ns);
    }
}
