/*
 * A sequence of datagrams, SIP and RTP, through parser, calls, streams, verdict and JSON, as the
 * pipeline puts them together, with room for so few calls that it has to be made all the time.
 * After each datagram the tables must be in order.
 *
 * Input: an octet for the memory; then for each datagram two octets of time since the one before
 * (signed, in steps of 10 ms), one of addresses and ports, two of length, and its payload.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "call/calls.h"
#include "event_check.h"
#include "rtp/rtp_packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EVENTS_MAX = 4096, MEMORY_STEP = 8 * 1024, MEMORY_CHOICES = 8 };

#define MS       INT64_C(1000000)
#define EPOCH_NS (INT64_C(1767225600) * 1000 * MS)
#define STEP_NS  (10 * MS)
#define TIMER_B  (32000 * MS)
#define IDLE     (60000 * MS)
#define INTERVAL (1000 * MS)

/* The second octet of a datagram's head. */
enum {
    SRC_HOST = 0x03,
    DST_HOST = 0x0c,
    SRC_PORT = 0x10,
    DST_PORT = 0x20,
    IS_CUT = 0x40,
    NOT_SIP = 0x80
};

struct run {
    struct calls calls;
    struct streams *streams;
    struct codec_book codecs;
    char id[EVENTS_MAX][EVENT_ID_TEXT_MAX];
    size_t events;
};

static void check_unanswered(const struct invite_unanswered *e, const struct event *event)
{
    check(e->call_id.len > 0, "an unanswered INVITE has a Call-ID");
    check(e->transmissions >= 1, "it was sent");
    check(e->first_sent_ns <= e->last_sent_ns, "it was first sent first");
    check(e->waited_ns >= TIMER_B, "it waited for Timer B");
    check(event->time_ns == e->first_sent_ns + e->waited_ns, "the event comes with Timer B");
    check(e->src.endpoint.ip.version != 0 && e->dst.endpoint.ip.version != 0, "it has endpoints");
    check(e->cause.code < CAUSE_CODE_COUNT && e->cause.evidence_count <= EVENT_EVIDENCE_MAX,
          "its cause is one of ours");
    check(e->cause.summary[0] != 0 && e->cause.next_step[0] != 0, "its cause is explained");
}

static void check_ended(const struct call_ended *e)
{
    check(e->call_id.len > 0, "an ended call has a Call-ID");
    check(e->state < CALL_STATE_COUNT, "its state is one of ours");
    check(e->ended_ns != EVENT_NO_TIME, "an ended call has an end");
    check(e->duration_ns >= EVENT_NO_DURATION && e->first_response_ns >= EVENT_NO_DURATION &&
              e->post_dial_delay_ns >= EVENT_NO_DURATION,
          "no duration is negative");
    check((e->answered_ns == EVENT_NO_TIME) == (e->duration_ns == EVENT_NO_DURATION),
          "what was answered has a duration");
    check(e->final_status == 0 || (e->final_status >= 200 && e->final_status < 700),
          "a final status is final");
    check((e->started_ns == EVENT_NO_TIME) == (e->invite_transmissions == 0),
          "what was started was sent");
    check(e->state != CALL_STATE_UNANSWERED ||
              (e->final_status == 0 && e->answered_ns == EVENT_NO_TIME),
          "an unanswered call has no answer");
    check(!e->ack_missing || e->has_ack_missing, "an ACK is known to be missing");
}

static void check_silent(const struct one_way_audio *e, const struct event *event)
{
    check(e->call_id.len > 0, "a call with one direction has a Call-ID");
    check(e->src.endpoint.ip.version != 0 && e->dst.endpoint.ip.version != 0, "it has endpoints");
    check(e->answered_ns <= e->since_ns && e->since_ns + e->silent_ns == event->time_ns,
          "it is silent since then");
    check(e->heard_packets > 0, "the other direction is not");
    check(e->summary[0] != 0 && e->next_step[0] != 0, "it is explained");
}

static void receive(void *context, const struct event *event)
{
    struct run *run = context;
    check_json(event);
    if (event->type == EVENT_INVITE_UNANSWERED)
        check_unanswered(&event->invite_unanswered, event);
    else if (event->type == EVENT_ONE_WAY_AUDIO)
        check_silent(&event->one_way_audio, event);
    else if (event->type == EVENT_CALL_ENDED)
        check_ended(&event->call_ended);
    for (size_t i = 0; i < run->events; i++)
        check(memcmp(run->id[i], event->id, sizeof event->id) != 0, "a thing is told once");
    if (run->events < EVENTS_MAX)
        memcpy(run->id[run->events++], event->id, sizeof event->id);
}

static unsigned doubts(void *context, int64_t since_ns)
{
    (void)context;
    return (unsigned)since_ns % 4;
}

/* What the calls hold together; each must be in the slab's count. */
struct held {
    size_t calls, transactions, findings, dialogs, blocks, media, announcements, waiting,
        retransmitting;
};

static void count_transactions(const struct call *call, struct held *held)
{
    size_t count = 0, blocks = arena_count(&call->arena);
    for (struct list *node = call->transactions.next; node != &call->transactions;
         node = node->next) {
        const struct transaction *t = CONTAINER_OF(node, struct transaction, in_call);
        bool waits = t->timer_b.position > 0;
        check(t->call == call, "a transaction knows its call");
        check(!waits || (t->has_request && t->transmissions > 0), "what waits was sent");
        check(!waits || (t->first_response_ns == CALL_NO_TIME && t->timed_out_ns == CALL_NO_TIME),
              "what waits has no response");
        check(!waits || t->findings, "what waits has its findings");
        held->findings += t->findings != NULL;
        blocks += t->findings ? arena_count(&t->findings->arena) : 0;
        held->waiting += waits;
        held->retransmitting += waits && t->transmissions > 1;
        count++;
    }
    check(count == call->transaction_count && count <= CALL_TRANSACTIONS_MAX,
          "transactions are counted");
    check(blocks == call->blocks, "blocks are counted");
    held->transactions += count;
}

static void count_dialogs(const struct call *call, struct held *held)
{
    size_t count = 0;
    for (struct list *node = call->dialogs.next; node != &call->dialogs; node = node->next) {
        held->media += CONTAINER_OF(node, struct dialog, in_call)->media != NULL;
        count++;
    }
    check(count == call->dialog_count && count <= CALL_DIALOGS_MAX, "dialogs are counted");
    held->dialogs += count;
}

static void count_media(const struct call *call, struct held *held)
{
    size_t count = 0;
    int64_t first_ns = INT64_MIN;
    for (const struct media_announcement *at = call->announced; at; at = at->older) {
        check(at->call == call, "an announcement knows its call");
        count++;
    }
    check(count <= MEDIA_MAP_PER_CALL, "announcements are bounded");
    held->announcements += count;
    for (struct list *node = call->streams.next; node != &call->streams; node = node->next) {
        const struct stream *stream = CONTAINER_OF(node, struct stream, in_call);
        check(stream->call == call && stream->state == STREAM_JOINED, "a stream knows its call");
        check(stream->call_id == call->call_id, "and its Call-ID");
        check(stream->record.first_ns >= first_ns, "streams are in their order");
        first_ns = stream->record.first_ns;
    }
}

static void count_phase(const struct call_table *table, enum call_phase phase, struct held *held)
{
    size_t count = 0;
    for (struct list *node = table->phase[phase].next; node != &table->phase[phase];
         node = node->next) {
        struct call *call = CONTAINER_OF(node, struct call, in_phase);
        check(call->phase == phase, "a call is in the list of its phase");
        check(call->timer.position > 0, "every call has a timer");
        check(phase == PHASE_ENDED || call->call_id, "a call has its Call-ID");
        check(call->blocks <= CALL_ARENA_BLOCKS_MAX, "a call's texts are bounded");
        check(phase != PHASE_ENDED ||
                  (list_is_empty(&call->transactions) && list_is_empty(&call->dialogs) &&
                   call->blocks == 0 && list_is_empty(&call->streams) && !call->announced),
              "a call whose event is given holds nothing");
        held->blocks += call->blocks;
        held->media += call->media != NULL;
        count_transactions(call, held);
        count_dialogs(call, held);
        count_media(call, held);
        count++;
    }
    check(count == table->phase_count[phase], "the calls of a phase are counted");
    held->calls += count;
}

static void check_timers(const struct timer_heap *timers, const struct held *held)
{
    size_t of_calls = 0;
    for (size_t i = 1; i <= timers->count; i++) {
        const struct timer_entry *entry = &timers->entry[i];
        check(entry->timer->position == i, "a timer knows its place");
        check(i == 1 || timers->entry[i / 2].deadline_ns <= entry->deadline_ns,
              "timers are in order");
        of_calls += entry->timer->kind == TIMER_CALL;
    }
    check(of_calls == held->calls, "there is one timer a call");
    check(timers->count - of_calls == held->waiting, "there is one timer an INVITE that waits");
}

static void check_tables(const struct calls *calls)
{
    const struct call_table *table = &calls->table;
    struct held held = {0};
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        count_phase(table, (enum call_phase)phase, &held);
    check(held.calls == table->calls.used && held.calls == table->table.count, "calls are counted");
    check(held.transactions == table->transactions.used, "no transaction is lost");
    check(held.findings == table->findings.used, "no findings are lost");
    check(held.dialogs == table->dialogs.used, "no dialog is lost");
    check(held.blocks == table->blocks.small.used + table->blocks.large.used, "no text is lost");
    check(held.media == table->media.used, "no media is lost");
    check(held.announcements == calls->media_map.announcements.used &&
              held.announcements == calls->media_map.table.count,
          "no announcement is lost");
    check(held.waiting == table->waiting, "what waits is counted");
    check(held.retransmitting == table->retransmitting, "what is repeated is counted");
    check_timers(&table->timers, &held);
    const struct peers *peers = &calls->peers;
    check(peers->peer_table.count == peers->peer_slab.used, "peers are counted");
    check(peers->pair_table.count == peers->pair_slab.used, "pairs are counted");
}

static struct endpoint endpoint_of(unsigned host, bool other_port)
{
    static const uint8_t v4[3][4] = {{192, 0, 2, 10}, {198, 51, 100, 20}, {203, 0, 113, 5}};
    static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    return (struct endpoint){
        .ip = host < 3 ? ip_from_v4(v4[host]) : ip_from_v6(v6),
        .port = other_port ? 5062 : 5060,
    };
}

static void take_datagram(struct run *run, uint8_t how, int64_t time_ns, struct slice payload)
{
    struct datagram datagram = {
        .time_ns = time_ns,
        .src = endpoint_of(how & SRC_HOST, how & SRC_PORT),
        .dst = endpoint_of((how & DST_HOST) >> 2, how & DST_PORT),
        .payload = payload,
        .protocol = 17,
        .truncated = how & IS_CUT,
        .incomplete = (how & IS_CUT) && (how & SRC_PORT), /* fragments were lost */
    };
    static struct sip_msg msg;
    struct calls *calls = &run->calls;
    if (time_ns < calls->now_ns) /* what is late is told late */
        time_ns = calls->now_ns;
    streams_advance(run->streams, time_ns);
    check_tables(calls);
    calls_packet(calls, &datagram.src.ip, time_ns);
    check_tables(calls);
    const struct timer_heap *timers = &calls->table.timers;
    check(calls->now_ns > time_ns || timers->count == 0 || timers->entry[1].deadline_ns > time_ns,
          "nothing that is due waits");
    if (rtp_looks_like(payload)) {
        datagram.time_ns = time_ns;
        streams_rtp(run->streams, NULL, &datagram, streams_number(run->streams, &datagram));
        check_tables(calls);
        return;
    }
    if (how & NOT_SIP)
        return;
    enum sip_refusal refusal = sip_msg_parse(payload, datagram.truncated, &msg);
    if (refusal != SIP_ACCEPTED && refusal != SIP_SHORT_BODY)
        return;
    calls_message(calls, &datagram, &msg);
    check_tables(calls);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct run run;
    struct cursor in = cursor_of(data, size);
    if (codec_book_init(&run.codecs) != 0)
        abort();
    run.streams = streams_create(&(struct streams_params){
        .memory_bytes = MEMORY_STEP,
        .interval_ns = INTERVAL,
        .sensor_id = "fuzz",
        .codecs = &run.codecs,
        .joiner = {&run.calls.media_map, media_map_look, media_map_codec},
        .receive = receive,
        .doubts = doubts,
        .context = &run,
    });
    if (!run.streams)
        abort();
    struct calls_params params = {
        .streams = run.streams,
        .codecs = &run.codecs,
        .memory_bytes = MEMORY_STEP * (2 + cursor_u8(&in) % MEMORY_CHOICES),
        .timer_b_ns = TIMER_B,
        .idle_ns = IDLE,
        .sensor_id = "fuzz",
        .receive = receive,
        .context = &run,
    };
    run.events = 0;
    if (calls_init(&run.calls, &params) != 0)
        abort();
    int64_t time_ns = EPOCH_NS;
    while (in.left >= 5) {
        int16_t steps = (int16_t)cursor_u16(&in);
        uint8_t how = cursor_u8(&in);
        size_t length = cursor_u16(&in);
        length = length < in.left ? length : in.left;
        /* One ns more each time: no two datagrams have the same stamp, so no two calls the same id.
         */
        time_ns += steps * STEP_NS + 1;
        take_datagram(&run, how, time_ns, slice_of((const char *)cursor_take(&in, length), length));
    }
    streams_advance(run.streams, time_ns + 2 * TIMER_B);
    calls_advance(&run.calls, time_ns + 2 * TIMER_B);
    check_tables(&run.calls);
    calls_finish(&run.calls);
    check_tables(&run.calls);
    streams_finish(run.streams);
    check_tables(&run.calls);
    check(list_is_empty(&run.calls.table.phase[PHASE_CLOSING]), "at the end what ended is told");
    calls_fini(&run.calls);
    streams_destroy(run.streams);
    codec_book_fini(&run.codecs);
    return 0;
}
