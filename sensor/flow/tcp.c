#include "flow/tcp.h"

#include <stdlib.h>

#include "flow/tcp_connection.h"

/* A port pair so long quiet may be another connection's by now. */
#define REUSE_NS INT64_C(60000000000)

struct tcp *tcp_create(const struct tcp_params *params)
{
    struct tcp *tcp = malloc(sizeof *tcp);
    if (!tcp)
        return NULL;
    *tcp = (struct tcp){
        .params = *params,
        .key = hash_key_random(),
        .room.max = params->bytes_max,
        .scratch[0] = malloc((size_t)2 * WEBSOCKET_MESSAGE_MAX),
    };
    for (int i = 0; i < 2; i++) {
        list_init(&tcp->quiet[i]);
        list_init(&tcp->keepers[i]);
    }
    if (!tcp->scratch[0] || table_init(&tcp->table) ||
        slab_init(&tcp->slab, sizeof(struct tcp_connection), params->connections_max) ||
        timer_heap_init(&tcp->timers, params->connections_max)) {
        tcp_destroy(tcp);
        return NULL;
    }
    tcp->scratch[1] = tcp->scratch[0] + WEBSOCKET_MESSAGE_MAX;
    return tcp;
}

static void remove_connection(struct tcp *tcp, struct tcp_connection *c)
{
    tcp_read_drop(tcp, c);
    timer_heap_cancel(&tcp->timers, &c->timer);
    list_remove(&c->in_quiet);
    list_remove(&c->in_keepers);
    table_remove(&tcp->table, &c->node);
    slab_free(&tcp->slab, c);
}

void tcp_destroy(struct tcp *tcp)
{
    if (!tcp)
        return;
    for (int i = 0; i < 2; i++)
        while (!list_is_empty(&tcp->quiet[i]))
            remove_connection(tcp,
                              CONTAINER_OF(tcp->quiet[i].next, struct tcp_connection, in_quiet));
    timer_heap_fini(&tcp->timers);
    slab_fini(&tcp->slab);
    table_fini(&tcp->table);
    free(tcp->scratch[0]);
    free(tcp);
}

static size_t put_endpoint(uint8_t *to, const struct endpoint *e)
{
    memcpy(to, e->ip.octets, sizeof e->ip.octets);
    memcpy(to + sizeof e->ip.octets, &e->port, sizeof e->port);
    return sizeof e->ip.octets + sizeof e->port;
}

/* Of both ends, whichever comes first. */
static uint64_t pair_hash(const struct tcp *tcp, const struct endpoint *a, const struct endpoint *b)
{
    uint8_t key[2 * (sizeof a->ip.octets + sizeof a->port)];
    int order = memcmp(a->ip.octets, b->ip.octets, sizeof a->ip.octets);
    bool a_first = order != 0 ? order < 0 : a->port < b->port;
    size_t len = put_endpoint(key, a_first ? a : b);
    len += put_endpoint(key + len, a_first ? b : a);
    return hash_bytes(&tcp->key, key, len);
}

/* *from: which of its ends `src` is. */
static struct tcp_connection *find(const struct tcp *tcp, uint64_t hash, const struct endpoint *src,
                                   const struct endpoint *dst, unsigned *from)
{
    for (struct table_node *node = table_first(&tcp->table, hash); node; node = table_next(node)) {
        struct tcp_connection *c = CONTAINER_OF(node, struct tcp_connection, node);
        for (*from = 0; *from < 2; ++*from)
            if (endpoint_eq(src, &c->end[*from]) && endpoint_eq(dst, &c->end[!*from]))
                return c;
    }
    return NULL;
}

static const struct tcp_direction unheard = {
    .last_ns = TCP_NEVER,
    .progress_ns = TCP_NEVER,
    .acked_ns = TCP_NEVER,
};

/* What is known of a connection before its first segment. */
static void open_connection(struct tcp *tcp, struct tcp_connection *c, int64_t now_ns)
{
    c->direction[0] = c->direction[1] = unheard;
    tcp_setup_init(&c->setup, now_ns);
    c->last_ns = now_ns;
    c->ended_ns = TCP_NEVER;
    c->is_reset = c->has_message = c->is_tls = c->is_websocket = false;
    c->was_tls = c->was_websocket = c->is_protected = false;
    list_append(&tcp->quiet[0], &c->in_quiet);
    tcp->stats.connections++;
}

static struct tcp_connection *add(struct tcp *tcp, uint64_t hash, const struct datagram *segment)
{
    struct tcp_connection *c = slab_alloc(&tcp->slab);
    if (!c) {
        struct list *quietest =
            list_is_empty(&tcp->quiet[0]) ? tcp->quiet[1].next : tcp->quiet[0].next;
        struct tcp_connection *old = CONTAINER_OF(quietest, struct tcp_connection, in_quiet);
        tcp->current = old;
        tcp_read_flush(tcp, old);
        remove_connection(tcp, old);
        tcp->stats.evicted++;
        c = slab_alloc(&tcp->slab);
    }
    *c = (struct tcp_connection){.end = {segment->src, segment->dst}};
    list_init(&c->in_keepers);
    open_connection(tcp, c, segment->time_ns);
    table_insert(&tcp->table, &c->node, hash);
    return c;
}

/* Another connection on the same ports. */
static void reopen(struct tcp *tcp, struct tcp_connection *c, int64_t now_ns)
{
    tcp_read_flush(tcp, c);
    tcp_read_drop(tcp, c);
    list_remove(&c->in_quiet);
    list_remove(&c->in_keepers);
    open_connection(tcp, c, now_ns);
}

static void set_protected(struct tcp *tcp, struct tcp_connection *c, bool is_protected)
{
    if (c->is_protected == is_protected)
        return;
    c->is_protected = is_protected;
    list_remove(&c->in_quiet);
    list_append(&tcp->quiet[is_protected], &c->in_quiet);
}

void tcp_connection_fails(struct tcp *tcp, struct tcp_connection *c, enum tcp_failure_reason reason,
                          int64_t at_ns)
{
    const struct tcp_setup *setup = &c->setup;
    unsigned client = setup->client;
    bool is_told_at_once = reason == TCP_REFUSED || reason == TCP_TLS_ALERT;
    c->setup.is_over = c->setup.has_failed = true;
    if (!tcp->params.is_sip_server(tcp->params.context, &c->end[!client]))
        return;
    tcp->params.on_failure(tcp->params.context,
                           &(struct tcp_failure){
                               .client = c->end[client],
                               .server = c->end[!client],
                               .reason = reason,
                               .is_tls = setup->is_tls,
                               .server_was_heard = c->direction[!client].last_ns != TCP_NEVER,
                               .attempts = tcp_setup_attempts(setup, reason),
                               .first_ns = setup->first_ns,
                               .last_ns = is_told_at_once ? at_ns : c->last_ns,
                               .at_ns = at_ns,
                           });
}

/* Is it to be followed though nothing is known of it yet? */
static bool is_of_interest(const struct tcp *tcp, const struct datagram *segment)
{
    const struct tcp_params *params = &tcp->params;
    bool is_syn = segment->tcp.flags & TCP_SYN;
    if ((segment->tcp.flags & TCP_RST) || (!is_syn && segment->payload.len == 0))
        return false;
    return params->is_sip_server(params->context, &segment->dst) ||
           params->is_sip_server(params->context, &segment->src) ||
           (!is_syn && tcp_signalling_is_ours(segment->payload));
}

static void begin_direction(struct tcp *tcp, struct tcp_direction *direction, uint32_t seq)
{
    if (direction->stream.has_begun)
        return;
    tcp_stream_begin(&direction->stream, &tcp->room, seq);
    direction->signalling.is_beginning = true;
}

/* What came behind a SYN that is not the attempt's any more: nobody ever answered it. */
static void forget_payload(struct tcp *tcp, struct tcp_connection *c)
{
    tcp_read_drop(tcp, c);
    for (int i = 0; i < 2; i++) {
        int64_t last_ns = c->direction[i].last_ns;
        c->direction[i] = unheard;
        c->direction[i].last_ns = last_ns;
    }
    tcp_setup_forget_tls(&c->setup);
    if (c->has_message && !c->setup.has_failed)
        c->setup.is_over = false;
    c->has_message = c->is_tls = c->is_websocket = false;
    set_protected(tcp, c, false);
}

/* False: it is none of this connection. */
static bool take_syn(struct tcp *tcp, struct tcp_connection *c, unsigned from,
                     const struct datagram *segment)
{
    struct tcp_direction *direction = &c->direction[from];
    const uint32_t *next = direction->stream.has_begun ? &direction->stream.next : NULL;
    bool may_be_new = c->ended_ns != TCP_NEVER || (c->setup.is_over && !c->has_message) ||
                      segment->time_ns > tcp_time_add(c->last_ns, REUSE_NS);
    enum tcp_syn syn = tcp_setup_syn(&c->setup, from, segment, may_be_new, next);
    if (syn == TCP_SYN_NEW) {
        reopen(tcp, c, segment->time_ns);
        syn = tcp_setup_syn(&c->setup, from, segment, false, NULL);
    }
    if (syn == TCP_SYN_IGNORED)
        return false;
    if (syn == TCP_SYN_AGAIN)
        forget_payload(tcp, c);
    begin_direction(tcp, direction, segment->tcp.seq + 1);
    if (segment->tcp.flags & TCP_ACK) /* shows where the other end begins, too */
        begin_direction(tcp, &c->direction[!from], segment->tcp.ack);
    return true;
}

static void take_payload(struct tcp *tcp, struct tcp_connection *c, unsigned from,
                         const struct datagram *segment, uint32_t seq)
{
    struct tcp_direction *direction = &c->direction[from];
    uint32_t len = (uint32_t)segment->payload.len;
    tcp_read_payload(tcp, c, from, segment, seq);
    tcp_progress_send(direction, c->is_tls, seq, len, segment->time_ns);
}

/* A segment that is no SYN may still be of another connection on the same ports. */
static void take_other(struct tcp *tcp, struct tcp_connection *c, unsigned from,
                       const struct datagram *segment)
{
    struct tcp_direction *direction = &c->direction[from];
    uint32_t seq = segment->tcp.seq;
    if (c->ended_ns != TCP_NEVER && segment->payload.len > 0 &&
        tcp_progress_is_implausible(direction, seq)) {
        if (tcp_read_stray(direction, seq, segment->payload.len))
            reopen(tcp, c, segment->time_ns); /* its SYN was not in view */
    } else if (tcp_setup_segment(&c->setup, from, segment)) {
        uint32_t isn = c->setup.rival;
        reopen(tcp, c, segment->time_ns);
        c->setup.client = (uint8_t)!from;
        c->setup.isn = isn;
        c->setup.has_isn = c->setup.is_answered = true;
        begin_direction(tcp, &c->direction[!from], isn + 1);
    }
}

static void take_segment(struct tcp *tcp, struct tcp_connection *c, unsigned from,
                         const struct datagram *segment)
{
    const struct tcp_header *header = &segment->tcp;
    struct tcp_direction *direction = &c->direction[from];
    int64_t now_ns = segment->time_ns;
    bool is_reset = header->flags & TCP_RST, is_syn = !is_reset && (header->flags & TCP_SYN);
    bool is_taken = true;
    if (is_syn)
        is_taken = take_syn(tcp, c, from, segment);
    else
        take_other(tcp, c, from, segment);
    c->last_ns = direction->last_ns = now_ns;
    if (is_reset)
        tcp_end_reset(tcp, c, from, segment);
    if (is_reset || !is_taken)
        return;
    direction->has_spoken = true;
    if (!is_syn)
        tcp_end_reconsider(c, from, segment);
    if (header->flags & TCP_ACK)
        tcp_progress_acknowledge(&c->direction[!from], header->ack, now_ns);
    if (segment->payload.len > 0)
        take_payload(tcp, c, from, segment, header->seq + is_syn);
    uint32_t end = header->seq + (uint32_t)segment->payload.len;
    if ((header->flags & TCP_FIN) && !is_syn && tcp_progress_may_end(direction, end))
        tcp_end_fin(c, from, end, now_ns);
}

static int64_t earlier(int64_t a_ns, int64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

/* When it is forgotten, unless something comes. */
static int64_t gone_ns(const struct tcp_connection *c)
{
    return c->ended_ns != TCP_NEVER ? tcp_time_add(c->ended_ns, TCP_LINGER_NS)
                                    : tcp_time_add(c->last_ns, TCP_IDLE_NS);
}

/* Its places in the lists, and its timer. */
static void settle(struct tcp *tcp, struct tcp_connection *c)
{
    struct list *keepers = &tcp->keepers[c->is_protected];
    bool keeps = false;
    for (int i = 0; i < 2; i++)
        keeps |= tcp_stream_keeps(&c->direction[i].stream) || c->direction[i].signalling.gathering;
    list_remove(&c->in_keepers);
    if (keeps)
        list_append(keepers, &c->in_keepers);

    int64_t deadline_ns = earlier(gone_ns(c), tcp_setup_deadline(&c->setup, tcp->params.setup_ns));
    for (int i = 0; i < 2; i++)
        deadline_ns = earlier(deadline_ns, tcp_read_deadline(&c->direction[i]));
    timer_heap_set_by(&tcp->timers, &c->timer, deadline_ns);
}

bool tcp_segment(struct tcp *tcp, const struct datagram *segment)
{
    unsigned from = 0;
    uint64_t hash = pair_hash(tcp, &segment->src, &segment->dst);
    struct tcp_connection *c = find(tcp, hash, &segment->src, &segment->dst, &from);
    if (!c) {
        if (!is_of_interest(tcp, segment)) {
            tcp->stats.other++;
            return false;
        }
        c = add(tcp, hash, segment);
        from = 0;
    } else if (tcp->quiet[c->is_protected].prev != &c->in_quiet) {
        list_remove(&c->in_quiet);
        list_append(&tcp->quiet[c->is_protected], &c->in_quiet);
    }
    tcp->stats.segments++;
    tcp->current = c;
    take_segment(tcp, c, from, segment);
    tcp->current = NULL;
    if (c->has_message && c->direction[0].has_spoken && c->direction[1].has_spoken)
        set_protected(tcp, c, true);
    settle(tcp, c);
    return true;
}

void tcp_icmp(struct tcp *tcp, const struct icmp_error *error)
{
    unsigned from;
    uint64_t hash = pair_hash(tcp, &error->src, &error->dst);
    struct tcp_connection *c = find(tcp, hash, &error->src, &error->dst, &from);
    if (c && tcp_setup_is_refused_by_icmp(&c->setup, from, error))
        tcp_connection_fails(tcp, c, TCP_REFUSED, error->time_ns);
}

/* Something of it may be due. */
static void fire(struct tcp *tcp, struct tcp_connection *c, int64_t now_ns)
{
    tcp->current = c;
    for (unsigned i = 0; i < 2; i++)
        while (tcp_read_deadline(&c->direction[i]) <= now_ns)
            tcp_read_skip_hole(tcp, c, i);
    tcp->current = NULL;
    int64_t setup_ns = tcp_setup_deadline(&c->setup, tcp->params.setup_ns);
    if (setup_ns <= now_ns)
        tcp_connection_fails(tcp, c, tcp_setup_reason(&c->setup), setup_ns);
    if (gone_ns(c) <= now_ns)
        remove_connection(tcp, c);
    else
        settle(tcp, c);
}

int64_t tcp_due_ns(const struct tcp *tcp)
{
    return timer_heap_due(&tcp->timers);
}

void tcp_advance(struct tcp *tcp, int64_t now_ns)
{
    struct timer *timer;
    int64_t deadline_ns;
    now_ns = earlier(now_ns, INT64_MAX - 1); /* INT64_MAX is never due */
    while ((timer = timer_heap_pop(&tcp->timers, now_ns, &deadline_ns)))
        fire(tcp, CONTAINER_OF(timer, struct tcp_connection, timer), now_ns);
}

void tcp_finish(struct tcp *tcp)
{
    for (int i = 0; i < 2; i++)
        while (!list_is_empty(&tcp->keepers[i])) {
            struct tcp_connection *c =
                CONTAINER_OF(tcp->keepers[i].next, struct tcp_connection, in_keepers);
            tcp->current = c;
            tcp_read_flush(tcp, c);
            list_remove(&c->in_keepers);
        }
    tcp->current = NULL;
}

static void shift_connection(struct tcp_connection *c, int64_t step_ns)
{
    tcp_setup_clock_step(&c->setup, step_ns);
    c->last_ns = tcp_time_add(c->last_ns, step_ns);
    c->ended_ns = tcp_time_add(c->ended_ns, step_ns);
    c->reset_ns = tcp_time_add(c->reset_ns, step_ns);
    for (int i = 0; i < 2; i++) {
        struct tcp_direction *direction = &c->direction[i];
        direction->last_ns = tcp_time_add(direction->last_ns, step_ns);
        direction->progress_ns = tcp_time_add(direction->progress_ns, step_ns);
        direction->acked_ns = tcp_time_add(direction->acked_ns, step_ns);
        for (int mark = 0; mark < direction->marks; mark++)
            direction->mark[mark].sent_ns = tcp_time_add(direction->mark[mark].sent_ns, step_ns);
        for (struct tcp_early *early = direction->stream.early; early; early = early->next)
            early->segment.time_ns = tcp_time_add(early->segment.time_ns, step_ns);
    }
}

void tcp_clock_step(struct tcp *tcp, int64_t step_ns)
{
    for (int i = 0; i < 2; i++)
        for (struct list *node = tcp->quiet[i].next; node != &tcp->quiet[i]; node = node->next)
            shift_connection(CONTAINER_OF(node, struct tcp_connection, in_quiet), step_ns);
    timer_heap_shift(&tcp->timers, step_ns);
}

bool tcp_look(const struct tcp *tcp, const struct endpoint *from, const struct endpoint *to,
              struct tcp_state *state)
{
    unsigned i;
    const struct tcp_connection *c = find(tcp, pair_hash(tcp, from, to), from, to, &i);
    if (!c)
        return false;
    const struct tcp_direction *direction = &c->direction[i];
    int32_t left = direction->has_sent ? tcp_seq_behind(direction->sent, direction->acked) : 0;
    *state = (struct tcp_state){
        .is_reset = c->is_reset,
        .reset_ns = c->reset_ns,
        .reset_by = c->end[c->reset_by],
        .reset_is_certain = c->is_reset && c->reset_is_certain,
        .is_closed = c->ended_ns != TCP_NEVER,
        .unacknowledged = left > 0 ? (uint32_t)left : 0,
        .repeats = direction->repeats,
        .unacknowledged_since_ns = direction->marks > 0 ? direction->mark[0].sent_ns : TCP_NEVER,
        .last_from_peer_ns = c->direction[!i].last_ns,
    };
    return true;
}

bool tcp_is_in_flight(const struct tcp *tcp, const struct endpoint *from, const struct endpoint *to,
                      uint32_t seq)
{
    unsigned i;
    const struct tcp_connection *c = find(tcp, pair_hash(tcp, from, to), from, to, &i);
    return c && (tcp_progress_is_in_flight(&c->direction[i], seq) ||
                 tcp_setup_is_in_flight(&c->setup, i, seq));
}

void tcp_stats(const struct tcp *tcp, struct tcp_stats *stats)
{
    *stats = tcp->stats;
    stats->tracked = tcp->slab.used;
    stats->buffered_bytes = tcp->room.used;
}
