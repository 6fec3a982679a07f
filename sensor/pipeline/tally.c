#include "pipeline/tally.h"

#include <errno.h>
#include <stdlib.h>

int tally_init(struct tally *tally, size_t call_ids_max)
{
    *tally = (struct tally){
        .first_ns = EVENT_NO_TIME,
        .last_ns = EVENT_NO_TIME,
        .call_id_key = hash_key_random(),
        .call_ids.max = call_ids_max,
    };
    /* Not touched before it is used: calloc of this size comes straight from the kernel. */
    tally->destination = calloc(TALLY_DESTINATIONS_MAX, sizeof *tally->destination);
    tally->failing = calloc(TALLY_FAILING_MAX, sizeof *tally->failing);
    if (media_tally_init(&tally->media) == 0 && tally->destination && tally->failing)
        return 0;
    tally_fini(tally);
    return -ENOMEM;
}

void tally_fini(struct tally *tally)
{
    hash_set_fini(&tally->call_ids);
    free(tally->destination);
    free(tally->failing);
    media_tally_fini(&tally->media);
}

static inline void add_time(struct tally *tally, int64_t time_ns)
{
    if (tally->packets == 0)
        tally->first_ns = tally->last_ns = time_ns;
    else if (time_ns > tally->last_ns)
        tally->last_ns = time_ns;
    else if (time_ns < tally->first_ns)
        tally->first_ns = time_ns;
}

static inline void add_packet(struct tally *tally, const struct packet *packet)
{
    add_time(tally, packet->time_ns);
    tally->packets++;
    tally->bytes += packet->captured_len;
}

void tally_packet(struct tally *tally, const struct packet *packet, enum decode_verdict verdict,
                  const struct datagram *datagram)
{
    add_packet(tally, packet);
    tally->decoded[verdict]++;
    if (decode_is_ip(verdict))
        tally->tunnels[datagram->tunnel]++;
}

void tally_rtp(struct tally *tally, const struct packet *packet, unsigned count, uint64_t bytes)
{
    add_time(tally, packet[0].time_ns);
    tally->packets += count;
    add_time(tally, packet[count - 1].time_ns);
    tally->bytes += bytes;
    tally->decoded[DECODE_UDP] += count;
    tally->tunnels[TUNNEL_NONE] += count;
    tally->udp_other += count;
}

void tally_copy(struct tally *tally, const struct packet *packet)
{
    add_packet(tally, packet);
    tally->copies++;
}

void tally_icmp(struct tally *tally, const struct icmp_error *error)
{
    tally->icmp_errors[error->meaning]++;
}

void tally_message(struct tally *tally, const struct sip_msg *msg, enum transport transport)
{
    tally->messages[transport]++;
    if (msg->is_request)
        tally->requests[msg->method]++;
    else
        tally->responses[msg->method][msg->status / 100]++;
    for (uint32_t left = msg->defects; left != 0; left &= left - 1)
        tally->defects[__builtin_ctz(left)]++;
    hash_set_add(&tally->call_ids,
                 hash_bytes(&tally->call_id_key, msg->call_id.at, msg->call_id.len));
}

/* Those where somebody insists first: a scan does not bury the trunk that died. Then the number. */
static int compare_weights(const struct tally_destination *x, const struct tally_destination *y)
{
    if (tally_insists(x) != tally_insists(y))
        return tally_insists(x) ? -1 : 1;
    return (x->invites < y->invites) - (x->invites > y->invites);
}

/* So that a thousand destinations with one INVITE each cannot hide the one with fifty. */
static struct tally_destination *give_up_smallest(struct tally *tally)
{
    struct tally_destination *smallest = &tally->destination[0];
    for (size_t i = 1; i < tally->destinations; i++)
        if (compare_weights(&tally->destination[i], smallest) > 0)
            smallest = &tally->destination[i];
    tally->other_destinations_invites += smallest->invites;
    tally->other_destinations_insist |= tally_insists(smallest);
    return smallest;
}

static struct tally_destination *find_destination(struct tally *tally,
                                                  const struct invite_unanswered *event)
{
    for (size_t i = 0; i < tally->destinations; i++) {
        struct tally_destination *at = &tally->destination[i];
        if (endpoint_eq(&at->dst, &event->dst.endpoint) && at->transport == event->transport)
            return at;
    }
    struct tally_destination *destination = tally->destinations < TALLY_DESTINATIONS_MAX
                                                ? &tally->destination[tally->destinations++]
                                                : give_up_smallest(tally);
    *destination = (struct tally_destination){
        .dst = event->dst.endpoint,
        .name = event->dst.name,
        .transport = event->transport,
        .transmissions_min = UINT32_MAX,
        .first_ns = event->first_sent_ns,
        .last_ns = event->first_sent_ns,
    };
    return destination;
}

static void take_example(struct tally_destination *destination,
                         const struct invite_unanswered *event)
{
    destination->cause = event->cause;
    kept_text(destination->call_id, event->call_id);
    kept_text(destination->from_uri, event->from_uri);
    kept_text(destination->to_uri, event->to_uri);
}

/* Remembers at most `max` different ones. */
static void add_caller(struct ip_addr *callers, unsigned *count, unsigned max,
                       const struct ip_addr *caller)
{
    for (unsigned i = 0; i < *count; i++)
        if (ip_eq(&callers[i], caller))
            return;
    if (*count < max)
        callers[(*count)++] = *caller;
}

/* One error from the network tells more than any number of guesses. */
static bool is_better_example(const struct tally_destination *destination,
                              const struct invite_unanswered *event)
{
    if (event->cause.confidence != destination->cause.confidence)
        return event->cause.confidence > destination->cause.confidence;
    return destination->causes[event->cause.code] > destination->causes[destination->cause.code];
}

static void add_unanswered(struct tally *tally, const struct invite_unanswered *event)
{
    tally->unanswered++;
    tally->unanswered_over[event->transport]++;
    tally->causes[event->cause.code]++;
    if (event->scanner.len > 0) {
        tally->of_scanners++;
        tally->causes_of_scanners[event->cause.code]++;
        return;
    }
    struct tally_destination *destination = find_destination(tally, event);
    destination->invites++;
    destination->causes[event->cause.code]++;
    destination->transmissions += event->transmissions;
    if (event->transmissions < destination->transmissions_min)
        destination->transmissions_min = event->transmissions;
    if (event->transmissions > destination->transmissions_max)
        destination->transmissions_max = event->transmissions;
    if (event->first_sent_ns < destination->first_ns)
        destination->first_ns = event->first_sent_ns;
    if (event->last_sent_ns > destination->last_ns)
        destination->last_ns = event->last_sent_ns;
    add_caller(destination->caller, &destination->callers, TALLY_CALLERS_MAX,
               &event->src.endpoint.ip);
    if (destination->invites == 1 || is_better_example(destination, event))
        take_example(destination, event);
}

static void add_ended(struct tally *tally, const struct call_ended *event)
{
    if (event->is_of_scanner) {
        tally->calls_of_scanners[event->state]++;
        return;
    }
    tally->calls[event->state][event->final_status]++;
    tally->ack_missing += event->ack_missing;
    if (event->first_response_ns != EVENT_NO_DURATION)
        spread_add(&tally->first_response_us, (uint64_t)event->first_response_ns / 1000);
    if (event->post_dial_delay_ns != EVENT_NO_DURATION)
        spread_add(&tally->post_dial_delay_us, (uint64_t)event->post_dial_delay_ns / 1000);
}

static struct tally_failing *give_up_smallest_failing(struct tally *tally)
{
    struct tally_failing *smallest = &tally->failing[0];
    for (size_t i = 1; i < tally->failing_destinations; i++)
        if (tally->failing[i].connections < smallest->connections)
            smallest = &tally->failing[i];
    tally->other_failing_connections += smallest->connections;
    return smallest;
}

static struct tally_failing *find_failing(struct tally *tally,
                                          const struct connection_failed *event)
{
    for (size_t i = 0; i < tally->failing_destinations; i++) {
        struct tally_failing *at = &tally->failing[i];
        if (endpoint_eq(&at->dst, &event->dst.endpoint) && at->transport == event->transport)
            return at;
    }
    struct tally_failing *failing = tally->failing_destinations < TALLY_FAILING_MAX
                                        ? &tally->failing[tally->failing_destinations++]
                                        : give_up_smallest_failing(tally);
    *failing = (struct tally_failing){
        .dst = event->dst.endpoint,
        .name = event->dst.name,
        .transport = event->transport,
        .first_ns = event->first_ns,
        .last_ns = event->last_ns,
    };
    return failing;
}

static void add_failed(struct tally *tally, const struct connection_failed *event)
{
    tally->connections_failed[event->reason]++;
    struct tally_failing *failing = find_failing(tally, event);
    failing->connections++;
    failing->attempts += event->attempts;
    if (event->reason == CONNECTION_TLS_ALERT || event->reason == CONNECTION_TLS_SILENT)
        failing->hellos += event->attempts;
    failing->reasons[event->reason]++;
    failing->doubted += event->confidence != CONFIDENCE_HIGH;
    if (event->first_ns < failing->first_ns)
        failing->first_ns = event->first_ns;
    if (event->last_ns > failing->last_ns)
        failing->last_ns = event->last_ns;
    add_caller(failing->caller, &failing->callers, TALLY_FAILING_CALLERS_MAX,
               &event->src.endpoint.ip);
}

static void add_degraded(struct tally_mirror *mirror, const struct mirror_degraded *event)
{
    if (mirror->events++ == 0 || event->value > mirror->worst.value)
        mirror->worst = *event;
}

void tally_event(struct tally *tally, const struct event *event)
{
    switch (event->type) {
    case EVENT_INVITE_UNANSWERED:
        add_unanswered(tally, &event->invite_unanswered);
        break;
    case EVENT_INVITE_STRUGGLING:
        tally->struggling++;
        break;
    case EVENT_CALL_ENDED:
        add_ended(tally, &event->call_ended);
        media_tally_event(&tally->media, event);
        break;
    case EVENT_CONNECTION_FAILED:
        add_failed(tally, &event->connection_failed);
        break;
    case EVENT_MIRROR_DEGRADED:
        add_degraded(&tally->mirror[event->mirror_degraded.problem], &event->mirror_degraded);
        break;
    case EVENT_RTP_REPORT:
    case EVENT_RTP_DEGRADED:
    case EVENT_RTP_RECOVERED:
    case EVENT_ONE_WAY_AUDIO:
        media_tally_event(&tally->media, event);
        break;
    case EVENT_TYPE_COUNT:
        break;
    }
}

static struct tally_pending *find_pending(struct tally *tally, const struct endpoint *dst)
{
    for (size_t i = 0; i < tally->pending_destinations; i++)
        if (endpoint_eq(&tally->pending_to[i].dst, dst))
            return &tally->pending_to[i];
    if (tally->pending_destinations == TALLY_PENDING_MAX)
        return NULL;
    struct tally_pending *pending = &tally->pending_to[tally->pending_destinations++];
    *pending = (struct tally_pending){.dst = *dst};
    return pending;
}

void tally_waiting(struct tally *tally, const struct endpoint *dst, const char *name,
                   uint32_t transmissions, int64_t waited_ns)
{
    tally->pending++;
    struct tally_pending *pending = find_pending(tally, dst);
    if (!pending)
        return;
    pending->name = name;
    pending->invites++;
    if (transmissions > pending->transmissions_max)
        pending->transmissions_max = transmissions;
    if (waited_ns > pending->waited_ns)
        pending->waited_ns = waited_ns;
}

/* The worst first; of two that are as bad, the one that was first. */
static int compare_destinations(const void *a, const void *b)
{
    const struct tally_destination *x = a, *y = b;
    int order = compare_weights(x, y);
    return order != 0 ? order : (x->first_ns > y->first_ns) - (x->first_ns < y->first_ns);
}

static int compare_failing(const void *a, const void *b)
{
    const struct tally_failing *x = a, *y = b;
    if (x->connections != y->connections)
        return x->connections > y->connections ? -1 : 1;
    return (x->first_ns > y->first_ns) - (x->first_ns < y->first_ns);
}

/* Of two with as many, the one that waits longer. */
static int compare_pending(const void *a, const void *b)
{
    const struct tally_pending *x = a, *y = b;
    if (x->invites != y->invites)
        return x->invites > y->invites ? -1 : 1;
    return (x->waited_ns < y->waited_ns) - (x->waited_ns > y->waited_ns);
}

void tally_sort(struct tally *tally)
{
    qsort(tally->destination, tally->destinations, sizeof *tally->destination,
          compare_destinations);
    qsort(tally->failing, tally->failing_destinations, sizeof *tally->failing, compare_failing);
    qsort(tally->pending_to, tally->pending_destinations, sizeof *tally->pending_to,
          compare_pending);
    media_tally_sort(&tally->media);
}

uint64_t tally_requests(const struct tally *tally)
{
    uint64_t sum = 0;
    for (int method = 0; method < SIP_METHOD_COUNT; method++)
        sum += tally->requests[method];
    return sum;
}

uint64_t tally_responses(const struct tally *tally)
{
    uint64_t sum = 0;
    for (int method = 0; method < SIP_METHOD_COUNT; method++)
        for (int class = 1; class <= 6; class ++)
            sum += tally->responses[method][class];
    return sum;
}

uint64_t tally_calls(const struct tally *tally, enum call_state state)
{
    uint64_t sum = 0;
    for (int status = 0; status < TALLY_STATUS_MAX; status++)
        sum += tally->calls[state][status];
    return sum;
}

uint64_t tally_calls_of_scanners(const struct tally *tally)
{
    uint64_t sum = 0;
    for (int state = 0; state < CALL_STATE_COUNT; state++)
        sum += tally->calls_of_scanners[state];
    return sum;
}

uint64_t tally_connections_failed(const struct tally *tally)
{
    uint64_t sum = 0;
    for (int reason = 0; reason < CONNECTION_FAILURE_COUNT; reason++)
        sum += tally->connections_failed[reason];
    return sum;
}
