#include "call/calls.h"

#include <errno.h>

#include "call/call_events.h"
#include "call/call_outcome.h"
#include "call/invite.h"
#include "call/messages.h"
#include "call/one_way_audio.h"

/* Peers, pairs and scanners get one part in eight of the memory (of that scanners one in 16), what
 * SDP announced the same where media are followed, recent sendings at most one in 64. */
enum {
    PEER_MEMORY_SHARE = 8,
    SCANNER_MEMORY_SHARE = 16,
    MEDIA_MEMORY_SHARE = 8,
    SENDINGS_MEMORY_SHARE = 64,
};

/* So much older than its packet's own moment is a message that was kept back: it waited for others.
 */
#define KEPT_BACK_NS INT64_C(50000000)

static void close_early(void *context, struct call *call);
static void media_began(void *context, struct call *call);

int calls_init(struct calls *calls, const struct calls_params *params)
{
    *calls = (struct calls){
        .params = *params,
        .watching_since_ns = CALL_NO_TIME,
        .now_ns = CALL_NO_TIME,
        .lost_packet_ns = CALL_NO_TIME,
    };
    uint64_t bytes = params->memory_bytes;
    uint64_t peer_bytes = bytes / PEER_MEMORY_SHARE;
    uint64_t media_bytes = params->streams ? bytes / MEDIA_MEMORY_SHARE : 0;
    uint64_t sendings_bytes = bytes / SENDINGS_MEMORY_SHARE;
    uint64_t scanner_bytes = peer_bytes / SCANNER_MEMORY_SHARE;
    size_t pairs = (peer_bytes - scanner_bytes) / PEERS_PAIR_BYTES;
    size_t announcements = media_bytes / media_map_bytes_each();
    if (call_table_init(&calls->table, bytes - peer_bytes - media_bytes - sendings_bytes) ||
        peers_init(&calls->peers, PEERS_PER_PAIR * pairs, pairs) ||
        !(calls->scanners = scanners_create(scanner_bytes / SCANNERS_SOURCE_BYTES)) ||
        open_requests_init(&calls->open_requests) ||
        media_map_init(&calls->media_map, announcements, params->streams, params->codecs) ||
        icmp_ties_init(&calls->icmp_ties, sendings_bytes, params->timer_b_ns, &calls->table)) {
        calls_fini(calls);
        return -ENOMEM;
    }
    calls->media_map.joined = media_began;
    calls->media_map.context = calls;
    calls->places.names = params->interface_names;
    calls->places.name_count = params->interface_name_count;
    calls->table.media_map = &calls->media_map;
    calls->table.close_early = close_early;
    calls->table.context = calls;
    return 0;
}

void calls_fini(struct calls *calls)
{
    icmp_ties_fini(&calls->icmp_ties);
    open_requests_fini(&calls->open_requests);
    media_map_fini(&calls->media_map);
    scanners_destroy(calls->scanners);
    peers_fini(&calls->peers);
    call_table_fini(&calls->table);
}

/* Late requests have come by now: those that have not were never in view. */
static void note_unasked(struct calls *calls, const struct call *call)
{
    for (EACH_TRANSACTION(node, call)) {
        const struct transaction *t = transaction_at(node);
        if (!t->has_request && t->first_response_ns != CALL_NO_TIME)
            peers_inferred_request(&calls->peers, &t->src.ip, &t->dst.ip);
    }
}

static void close_early(void *context, struct call *call)
{
    struct calls *calls = context;
    struct call_outcome outcome;
    call_outcome_read(call, calls->params.timer_b_ns, calls->now_ns, &outcome);
    note_unasked(calls, call);
    call_events_ended(calls, call, &outcome);
}

/* What the histograms get as soon as it is known, not when the call ends an hour later. */
void calls_tell_delays(struct calls *calls, struct call *call)
{
    const struct calls_params *params = &calls->params;
    int64_t delay_ns;
    if (call->is_of_scanner)
        return;
    if (params->first_response_seconds && !call->first_response_told &&
        (delay_ns = call_first_response_delay(call)) != EVENT_NO_DURATION) {
        metric_observe(params->first_response_seconds, (double)delay_ns / 1e9);
        call->first_response_told = true;
    }
    if (params->post_dial_delay_seconds && !call->post_dial_delay_told &&
        (delay_ns = call_post_dial_delay(call)) != EVENT_NO_DURATION) {
        metric_observe(params->post_dial_delay_seconds, (double)delay_ns / 1e9);
        call->post_dial_delay_told = true;
    }
}

/* The latest packet of the call, its media's included. */
static int64_t last_packet(const struct call *call)
{
    int64_t media_ns = media_map_last_ns(call);
    return media_ns > call->last_seen_ns ? media_ns : call->last_seen_ns;
}

/* How long it may be quiet. Media that were moved out of view, and not seen since, say nothing. */
static int64_t patience(const struct calls *calls, const struct call *call)
{
    int64_t media_ns = media_map_last_ns(call), idle_ns = calls->params.idle_ns;
    if (media_ns == CALL_NO_TIME || call->phase != PHASE_UP || idle_ns <= CALL_MEDIA_IDLE_NS)
        return idle_ns;
    const struct dialog *dialog = call_answered_dialog(call);
    const struct offer_answer *media = dialog ? dialog->media : NULL;
    if ((dialog && media_ns < dialog->answered_ns) ||
        (media && (offer_answer_on_hold(media) || media_ns < offer_answer_agreed(media))))
        return idle_ns;
    return CALL_MEDIA_IDLE_NS;
}

/* When to look at a call that has not ended, if nothing comes. */
static int64_t next_look(const struct calls *calls, const struct call *call)
{
    int64_t due_ns = last_packet(call) + patience(calls, call);
    if (list_is_empty(&call->streams) || call->phase != PHASE_UP)
        return due_ns;
    /* Media may stop without a message. */
    if (due_ns > calls->now_ns + CALL_MEDIA_IDLE_NS)
        due_ns = calls->now_ns + CALL_MEDIA_IDLE_NS;
    int64_t audio_ns = one_way_audio_due(calls, call);
    return audio_ns < due_ns ? audio_ns : due_ns;
}

/* Without media in view nobody looks at a call before it was quiet for long. */
static void media_began(void *context, struct call *call)
{
    struct calls *calls = context;
    if (call->phase == PHASE_UP)
        timer_heap_set_by(&calls->table.timers, &call->timer, next_look(calls, call));
}

void calls_settle(struct calls *calls, struct call *call)
{
    if (call->is_told)
        return;
    struct call_outcome outcome;
    call_outcome_read(call, calls->params.timer_b_ns, calls->now_ns, &outcome);
    if (outcome.phase == PHASE_UP) {
        slab_free(&calls->table.media, call->media);
        call->media = NULL;
    }
    call_table_set_phase(&calls->table, call, outcome.phase);
    int64_t deadline_ns = outcome.phase == PHASE_CLOSING ? outcome.ended_ns + outcome.settle_ns
                          : outcome.look_again_ns != CALL_NO_TIME ? outcome.look_again_ns
                                                                  : next_look(calls, call);
    timer_heap_set_by(&calls->table.timers, &call->timer, deadline_ns);
}

/*
 * Gives a call's event and keeps only what recognises late messages of it; but first each of its
 * INVITEs that still waits gets its Timer B.
 */
static void close_call(struct calls *calls, struct call *call, const struct call_outcome *outcome)
{
    if (!call->is_told) {
        note_unasked(calls, call);
        call_events_ended(calls, call, outcome);
    }
    call->is_told = true;
    int64_t late_ns = calls->now_ns + calls->params.timer_b_ns + CALL_T4_NS;
    timer_heap_set(&calls->table.timers, &call->timer, late_ns);
    if (call_waiting(call) > 0)
        call_table_set_phase(&calls->table, call, PHASE_CLOSING);
    else
        call_table_retire(&calls->table, call);
}

static void lose_call(struct calls *calls, struct call *call)
{
    struct call_outcome outcome;
    call_outcome_read(call, calls->params.timer_b_ns, calls->now_ns, &outcome);
    outcome.state = CALL_STATE_LOST;
    outcome.ended_ns = last_packet(call);
    outcome.settle_ns = patience(calls, call);
    outcome.ended_by = ENDED_BY_TIMEOUT;
    close_call(calls, call, &outcome);
}

static void call_timer_fired(struct calls *calls, struct call *call)
{
    if (call->phase == PHASE_ENDED) {
        call_table_remove(&calls->table, call);
        return;
    }
    if (call->is_told) {
        close_call(calls, call, NULL);
        return;
    }
    struct call_outcome outcome;
    call_outcome_read(call, calls->params.timer_b_ns, calls->now_ns, &outcome);
    bool is_idle = last_packet(call) + patience(calls, call) <= calls->now_ns;
    if (outcome.phase == PHASE_CLOSING && outcome.ended_ns + outcome.settle_ns <= calls->now_ns) {
        close_call(calls, call, &outcome);
    } else if (outcome.phase != PHASE_CLOSING && is_idle) {
        if (outcome.phase == PHASE_UP) {
            lose_call(calls, call);
        } else {
            calls->expired++;
            call_table_remove(&calls->table, call);
        }
    } else if (outcome.phase == PHASE_UP && call->phase == PHASE_UP) {
        /* It keeps its place among those that are up: nothing of it was heard. */
        one_way_audio_look(calls, call);
        timer_heap_set(&calls->table.timers, &call->timer, next_look(calls, call));
    } else {
        calls_settle(calls, call);
    }
}

static void timer_b_fired(struct calls *calls, struct transaction *t, int64_t deadline_ns)
{
    if (invite_asks_sensors(calls, t, deadline_ns))
        return;
    invite_timed_out(calls, t, deadline_ns);
    if (t->call->is_told)
        close_call(calls, t->call, NULL);
    else
        calls_settle(calls, t->call);
}

int64_t calls_due_ns(const struct calls *calls)
{
    return timer_heap_due(&calls->table.timers);
}

void calls_advance(struct calls *calls, int64_t now_ns)
{
    struct timer *timer;
    int64_t deadline_ns;
    if (calls->now_ns != CALL_NO_TIME && now_ns < calls->now_ns)
        return;
    while ((timer = timer_heap_pop(&calls->table.timers, now_ns, &deadline_ns)) != NULL) {
        /* A timer sees the time at which it is due, however long nothing came after it. */
        calls->now_ns = deadline_ns > calls->now_ns ? deadline_ns : calls->now_ns;
        if (timer->kind == TIMER_CALL) {
            call_timer_fired(calls, CONTAINER_OF(timer, struct call, timer));
        } else {
            struct transaction *t = CONTAINER_OF(timer, struct transaction, timer_b);
            call_table_wait_is_over(&calls->table, t);
            timer_b_fired(calls, t, deadline_ns);
        }
    }
    calls->now_ns = now_ns;
}

void calls_packet(struct calls *calls, const struct ip_addr *src, int64_t time_ns)
{
    if (calls->watching_since_ns == CALL_NO_TIME)
        calls->watching_since_ns = time_ns;
    if (time_ns > calls->now_ns)
        calls_advance(calls, time_ns);
    peers_saw_packet(&calls->peers, src, calls->now_ns);
}

bool calls_icmp(struct calls *calls, const struct icmp_error *error)
{
    bool tied = icmp_ties_error(&calls->icmp_ties, error, &calls->table);
    calls->icmp_tied += tied;
    return tied;
}

bool calls_is_sip_server(const struct calls *calls, const struct endpoint *endpoint)
{
    const struct peer *peer = peers_find_endpoint(&calls->peers, endpoint);
    return peer && peer->was_asked && peer->has_answered; /* one forged packet is not enough */
}

void calls_lost_packets(struct calls *calls)
{
    calls->lost_packet_ns = calls->now_ns;
}

void calls_each_waiting(struct calls *calls,
                        void (*look)(void *context, const struct transaction *transaction),
                        void *context)
{
    for (int phase = PHASE_UNPROVEN; phase < PHASE_COUNT; phase++) {
        struct list *head = &calls->table.phase[phase];
        for (struct list *at = head->next; at != head; at = at->next) {
            struct call *call = CONTAINER_OF(at, struct call, in_phase);
            for (EACH_TRANSACTION(node, call))
                if (transaction_at(node)->timer_b.position > 0)
                    look(context, transaction_at(node));
        }
    }
}

void calls_finish(struct calls *calls)
{
    struct list *closing = &calls->table.phase[PHASE_CLOSING];
    while (!list_is_empty(closing)) {
        struct call *call = CONTAINER_OF(closing->next, struct call, in_phase);
        if (!call->is_told)
            close_early(calls, call);
        call_table_retire(&calls->table, call);
    }
}

struct call *calls_join_late(struct calls *calls, const struct sip_msg *msg, int64_t now_ns)
{
    struct call *call = call_table_add(&calls->table, msg->call_id, msg->from_tag, now_ns);
    struct dialog *dialog =
        call_table_dialog(&calls->table, call, call_table_tag_hash(&calls->table, msg->to_tag));
    if (dialog)
        dialog->is_confirmed_unseen = true;
    call->is_direction_unknown = true;
    calls->joined_late++;
    return call;
}

void calls_hear(struct call *call, bool is_caller, int64_t time_ns)
{
    if (time_ns > call->last_seen_ns)
        call->last_seen_ns = time_ns;
    if (time_ns < call->first_seen_ns)
        call->first_seen_ns = time_ns;
    call->heard |= is_caller ? HEARD_CALLER : HEARD_CALLEE;
}

bool calls_is_refuted(const struct call *call, const struct sip_msg *msg)
{
    return call->is_direction_unknown && call->heard != HEARD_BOTH && !msg->is_request &&
           (msg->status == 481 || msg->status == 408);
}

struct dialog *calls_dialog_of(struct calls *calls, struct call *call, bool from_caller,
                               const struct sip_msg *msg)
{
    struct slice tag = from_caller ? msg->to_tag : msg->from_tag;
    return call_table_dialog(&calls->table, call, call_table_tag_hash(&calls->table, tag));
}

void calls_infer_beginning(struct calls *calls, struct call *call, bool from_caller,
                           const struct datagram *datagram)
{
    const struct ip_addr *client = from_caller ? &datagram->src.ip : &datagram->dst.ip;
    const struct ip_addr *server = from_caller ? &datagram->dst.ip : &datagram->src.ip;
    invite_inferred_beginning(calls, call, client, server);
}

/* What a scanner shows itself by in its request, or in the response to it. */
static struct scanner_request scanner_request_of(const struct datagram *datagram,
                                                 const struct sip_msg *msg)
{
    bool is_request = msg->is_request;
    return (struct scanner_request){
        .src = is_request ? datagram->src : datagram->dst,
        .dst = is_request ? datagram->dst : datagram->src,
        .transport = datagram->transport,
        .is_options = msg->method == SIP_OPTIONS,
        .user_agent = is_request ? msg->user_agent : SLICE_NONE,
        .from = msg->from,
        .from_uri = msg->from_uri,
        .from_tag = msg->from_tag,
        .call_id = msg->call_id,
        .request_uri = is_request ? msg->request_uri : SLICE_NONE,
    };
}

/* What scanners send. */
static bool is_for_scanners(const struct sip_msg *msg)
{
    return msg->method == SIP_INVITE || msg->method == SIP_REGISTER || msg->method == SIP_OPTIONS;
}

/* What a response says counts by what its request showed. */
static void weigh_response(struct peers_response *response, unsigned request_marks)
{
    response->to_credentials = request_marks & OPEN_REQUEST_CREDENTIALS;
    response->has_oc &= request_marks != 0 && !(request_marks & OPEN_REQUEST_OC);
}

static void take_request(struct calls *calls, const struct datagram *datagram,
                         const struct sip_msg *msg)
{
    struct slice scanner = SLICE_NONE;
    if (!msg->has_to_tag && is_for_scanners(msg)) {
        struct scanner_request request = scanner_request_of(datagram, msg);
        scanner = scanners_request(calls->scanners, &request, datagram->time_ns);
    }
    peers_saw_request(&calls->peers, &datagram->src, &datagram->dst, datagram->time_ns);
    if (msg->method == SIP_INVITE)
        calls_invite(calls, datagram, msg, scanner);
    else
        calls_other(calls, datagram, msg);
    if (msg->method == SIP_ACK)
        return;
    unsigned marks = open_requests_add(&calls->open_requests, datagram, msg);
    const struct open_requests_early *early;
    while ((early = open_requests_take_early(&calls->open_requests, datagram, msg)) != NULL) {
        struct peers_response response = early->response;
        weigh_response(&response, marks);
        peers_believe_response(&calls->peers, &response, early->time_ns);
    }
}

/* Does it answer a scanner? What is accepted shows that its client is none. */
static bool is_of_scanner(struct calls *calls, const struct datagram *datagram,
                          const struct sip_msg *msg, bool answers)
{
    if (!is_for_scanners(msg))
        return false;
    struct scanner_request request = scanner_request_of(datagram, msg);
    bool is_ringing = msg->method == SIP_INVITE && msg->status > 100 && msg->status < 200;
    bool is_accepted = answers && (is_ringing || (msg->status >= 200 && msg->status < 300));
    return scanners_response(calls->scanners, &request, is_accepted, datagram->time_ns).len > 0;
}

/* RFC 3261 section 20.33: seconds, and maybe a comment and parameters. 0: not said. */
static uint32_t retry_after(const struct sip_msg *msg)
{
    struct slice value = sip_msg_header(msg, SIP_HEADER_RETRY_AFTER);
    uint64_t seconds = 0;
    size_t digits = 0;
    while (digits < value.len && value.at[digits] >= '0' && value.at[digits] <= '9')
        digits++;
    (void)slice_to_u64(slice_head(value, digits), UINT32_MAX, &seconds);
    return (uint32_t)seconds;
}

static void take_response(struct calls *calls, const struct datagram *datagram,
                          const struct sip_msg *msg)
{
    unsigned marks = open_requests_find(&calls->open_requests, datagram, msg);
    bool answers; /* what was asked */
    if (msg->method == SIP_INVITE) {
        answers = calls_invite_response(calls, datagram, msg);
    } else {
        answers = marks != 0;
        calls_other(calls, datagram, msg);
    }
    struct peers_response response = {
        .src = datagram->src,
        .dst = datagram->dst,
        .transport = datagram->transport,
        .status = msg->status,
        .method = sip_method_name(msg->method),
        .request_hash = call_table_via_hash(&calls->table, &msg->top_via),
        .is_register = msg->method == SIP_REGISTER,
        .is_options = msg->method == SIP_OPTIONS,
        .answers = answers,
        .is_of_scanner = is_of_scanner(calls, datagram, msg, answers),
        .retry_after_s = msg->status == 503 ? retry_after(msg) : 0,
        .has_oc = msg->top_via.has_oc,
        .oc_percent = msg->top_via.oc_percent,
        .oc_validity_ms = msg->top_via.oc_validity_ms,
    };
    if (!answers && marks == 0)
        open_requests_wait(&calls->open_requests, datagram, msg, &response);
    weigh_response(&response, marks);
    peers_saw_response(&calls->peers, &response, datagram->time_ns);
}

static void take_message(struct calls *calls, const struct datagram *datagram,
                         const struct sip_msg *msg)
{
    const struct endpoint *server = msg->is_request ? &datagram->dst : &datagram->src;
    if (calls->now_ns - datagram->time_ns > KEPT_BACK_NS)
        peers_know(&calls->peers, server, calls->now_ns);
    if (msg->is_request)
        take_request(calls, datagram, msg);
    else
        take_response(calls, datagram, msg);
}

void calls_message(struct calls *calls, const struct datagram *datagram, const struct sip_msg *msg)
{
    take_message(calls, datagram, msg);
    calls_advance(calls, calls->now_ns); /* what it started long ago may be over */
}
