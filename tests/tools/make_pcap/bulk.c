#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bulk_state.h"
#include "text.h"

/*
 * One heap holds the next event of every active call, of each of its two media streams, of every
 * late copy and of each kind of noise. A slot is a place for one call after another, so the heap's
 * size is fixed by the calls at a time, however many there are in all.
 */

void bulk_push(struct bulk *b, int64_t time_ns, enum event_kind kind, uint32_t index)
{
    uint32_t at = b->heap_len++;
    while (at > 0 && b->heap[(at - 1) / 4].time_ns > time_ns) {
        b->heap[at] = b->heap[(at - 1) / 4];
        at = (at - 1) / 4;
    }
    b->heap[at] = (struct event){.time_ns = time_ns, .kind = kind, .index = index};
}

static struct event heap_pop(struct bulk *b)
{
    struct event top = b->heap[0], last = b->heap[--b->heap_len];
    uint32_t at = 0;
    for (;;) {
        uint32_t child = 4 * at + 1, best = child;
        if (child >= b->heap_len)
            break;
        for (uint32_t i = child + 1; i < child + 4 && i < b->heap_len; i++)
            if (b->heap[i].time_ns < b->heap[best].time_ns)
                best = i;
        if (b->heap[best].time_ns >= last.time_ns)
            break;
        b->heap[at] = b->heap[best];
        at = best;
    }
    b->heap[at] = last;
    return top;
}

int64_t bulk_between(struct bulk *b, int64_t low_ns, int64_t high_ns)
{
    return low_ns + (int64_t)(prng_unit(&b->prng) * (double)(high_ns - low_ns));
}

struct endpoint bulk_endpoint(uint8_t a, uint8_t x, uint8_t y, uint8_t z, uint16_t port)
{
    const uint8_t octets[4] = {a, x, y, z};
    return (struct endpoint){.ip = ip_from_v4(octets), .port = port};
}

bool bulk_put_late(struct bulk *b, int64_t time_ns, size_t len)
{
    if (b->free_late_count == 0)
        return false;
    uint32_t slot = b->free_late[--b->free_late_count];
    memcpy(b->late[slot].bytes, b->frame, len);
    b->late[slot].len = (uint32_t)len;
    bulk_push(b, time_ns, EVENT_LATE, slot);
    return true;
}

bool bulk_put_frame(struct bulk *b, int64_t time_ns, size_t len)
{
    pcap_out_put(&b->out, time_ns, b->frame, len);
    bool copied = prng_hits(&b->prng, b->options->copies) &&
                  bulk_put_late(b, time_ns + bulk_between(b, MS / 10, 2 * MS), len);
    b->totals.copies += copied;
    return copied;
}

static struct frame signal_frame(struct bulk *b, const struct call *call, bool from_caller)
{
    struct frame f = {.link = FRAME_ETHERNET, .ttl = 64};
    f.src = from_caller ? call->caller : call->gateway;
    f.dst = from_caller ? call->gateway : call->caller;
    f.ip_id = from_caller ? b->caller_ip_id[call->caller_index]++
                          : b->gateway_ip_id[call->gateway_index]++;
    return f;
}

/* A segment whose payload lies in the frame already. */
static void put_segment(struct bulk *b, int64_t time_ns, struct call *call, bool from_caller,
                        unsigned flags, uint32_t len)
{
    struct frame f = signal_frame(b, call, from_caller);
    const struct frame_tcp tcp = {.flags = flags,
                                  .seq = call->seq[!from_caller],
                                  .ack = flags & TCP_ACK ? call->seq[from_caller] : 0};
    bulk_put_frame(b, time_ns, frame_finish_tcp(&f, b->frame, &tcp, len));
    call->seq[!from_caller] += len + (flags & (TCP_SYN | TCP_FIN) ? 1 : 0);
}

static void open_connection(struct bulk *b, int64_t time_ns, struct call *call)
{
    call->seq[0] = (uint32_t)b->started << 12;
    call->seq[1] = ~call->seq[0];
    put_segment(b, time_ns, call, true, TCP_SYN, 0);
    put_segment(b, time_ns, call, false, TCP_SYN | TCP_ACK, 0);
    put_segment(b, time_ns, call, true, TCP_ACK, 0);
}

static void close_connection(struct bulk *b, int64_t time_ns, struct call *call)
{
    put_segment(b, time_ns, call, true, TCP_FIN | TCP_ACK, 0);
    put_segment(b, time_ns, call, false, TCP_FIN | TCP_ACK, 0);
    put_segment(b, time_ns, call, true, TCP_ACK, 0);
}

void bulk_put_message(struct bulk *b, int64_t time_ns, struct call *call, enum bulk_message what,
                      bool from_caller)
{
    b->totals.messages[what]++;
    if (b->options->tcp) {
        const struct frame shape = {.link = FRAME_ETHERNET, .src = call->caller};
        uint32_t octets =
            bulk_render(&b->templates[what], &call->fields, b->frame + frame_tcp_offset(&shape));
        put_segment(b, time_ns, call, from_caller, TCP_PSH | TCP_ACK, octets);
        return;
    }
    struct frame f = signal_frame(b, call, from_caller);
    uint32_t len = bulk_render(&b->templates[what], &call->fields, b->frame + frame_udp_offset(&f));
    bulk_put_frame(b, time_ns, frame_finish_udp(&f, b->frame, len));
}

void bulk_start_call(struct bulk *b, int64_t time_ns, uint32_t slot)
{
    if (b->started == b->options->calls)
        return;
    struct call *call = &b->calls[slot];
    *call = (struct call){.unanswered = prng_hits(&b->prng, b->options->unanswered)};
    call->caller_index = (uint8_t)(slot % CALLERS);
    call->gateway_index =
        call->unanswered ? DEAD_GATEWAY : (uint8_t)((slot / CALLERS + slot) % GATEWAYS);
    uint16_t port = b->options->tcp ? (uint16_t)(1024 + b->started % 60000) : 5060;
    call->caller = bulk_endpoint(192, 0, 2, (uint8_t)(100 + call->caller_index), port);
    call->gateway = bulk_endpoint(198, 51, 100, (uint8_t)(100 + call->gateway_index), 5060);
    call->caller_media = (uint16_t)(10000 + 2 * (slot / CALLERS % 25000));
    call->gateway_media = (uint16_t)(10000 + 2 * (slot / GATEWAYS % 25000));
    struct endpoint caller_media = {.ip = call->caller.ip, .port = call->caller_media};
    struct endpoint gateway_media = {.ip = call->gateway.ip, .port = call->gateway_media};
    bulk_fill(&call->fields, ++b->started, &b->prng, &caller_media, &gateway_media);
    if (call->unanswered)
        b->totals.unanswered++;
    else if (b->options->mixed)
        bulk_choose_script(b, call);
    else
        b->totals.answered++;
    bulk_push(b, time_ns, EVENT_SIGNAL, slot);
}

/* The delay from one message to the next (RFC 3261 section 17.2.1: 100 within 200 ms). */
static int64_t step_delay(struct bulk *b, const struct call *call, int64_t now_ns)
{
    int64_t ring = b->hold_ns / 4 < 4 * SECOND ? b->hold_ns / 4 : 4 * SECOND;
    switch ((enum bulk_message)call->step) {
    case BULK_TRYING:
        return bulk_between(b, MS, 20 * MS);
    case BULK_RINGING:
        return bulk_between(b, ring / 20, ring / 4);
    case BULK_OK:
        return bulk_between(b, ring / 4, ring);
    case BULK_ACK:
        return bulk_between(b, 5 * MS, 40 * MS);
    case BULK_BYE:
        return call->bye_ns - now_ns;
    default:
        return bulk_between(b, 3 * MS, 30 * MS);
    }
}

static void signal_unanswered(struct bulk *b, int64_t time_ns, uint32_t slot)
{
    struct call *call = &b->calls[slot];
    if (call->step == LADDER_SENDS) {
        bulk_start_call(b, time_ns, slot);
        return;
    }
    if (b->options->tcp) { /* sent once, and acknowledged by the gateway's TCP alone */
        open_connection(b, time_ns, call);
        bulk_put_message(b, time_ns, call, BULK_INVITE, true);
        put_segment(b, time_ns, call, false, TCP_ACK, 0);
        call->step = LADDER_SENDS;
        bulk_push(b, time_ns + 32 * SECOND, EVENT_SIGNAL, slot);
        return;
    }
    bulk_put_message(b, time_ns, call, BULK_INVITE, true);
    int64_t gap = (SECOND / 2) << call->step++;
    bulk_push(b, time_ns + (call->step < LADDER_SENDS ? gap : SECOND / 2), EVENT_SIGNAL, slot);
}

static void signal_call(struct bulk *b, int64_t time_ns, uint32_t slot)
{
    struct call *call = &b->calls[slot];
    if (call->unanswered) {
        signal_unanswered(b, time_ns, slot);
        return;
    }
    if (call->script) {
        bulk_signal_mixed(b, time_ns, slot);
        return;
    }
    if (call->step > BULK_BYE_OK) {
        bulk_start_call(b, time_ns, slot);
        return;
    }
    enum bulk_message what = (enum bulk_message)call->step++;
    if (b->options->tcp && what == BULK_INVITE)
        open_connection(b, time_ns, call);
    bulk_put_message(b, time_ns, call, what,
                     what == BULK_INVITE || what == BULK_ACK || what == BULK_BYE);
    if (b->options->tcp && what == BULK_BYE_OK)
        close_connection(b, time_ns, call);
    if (what == BULK_ACK) {
        call->bye_ns = b->options->talk_ns > 0
                           ? time_ns + b->options->talk_ns
                           : time_ns + bulk_between(b, b->hold_ns / 2, b->hold_ns);
        if (b->options->rtp)
            bulk_start_media(b, time_ns, slot);
    }
    bulk_push(b, time_ns + step_delay(b, call, time_ns), EVENT_SIGNAL, slot);
}

static void send_late(struct bulk *b, int64_t time_ns, uint32_t slot)
{
    pcap_out_put(&b->out, time_ns, b->late[slot].bytes, b->late[slot].len);
    b->free_late[b->free_late_count++] = slot;
}

/* A keep-alive after the last Timer B, so that the capture's clock passes it. */
static void send_trailer(struct bulk *b)
{
    struct frame f = {.link = FRAME_ETHERNET, .ttl = 64};
    f.src = bulk_endpoint(192, 0, 2, 100, 5060);
    f.dst = bulk_endpoint(198, 51, 100, 100, 5060);
    f.ip_id = b->caller_ip_id[0]++;
    memcpy(b->frame + frame_udp_offset(&f), "\r\n\r\n", 4);
    pcap_out_put(&b->out, b->out.last_ns + 40 * SECOND, b->frame,
                 frame_finish_udp(&f, b->frame, 4));
    b->totals.other++;
}

static void start(struct bulk *b, uint32_t slots)
{
    const struct bulk_options *o = b->options;
    int64_t now = START_S * SECOND;
    b->hold_ns = o->talk_ns > 0 ? o->talk_ns : 30 * SECOND;
    if (o->cps > 0)
        b->hold_ns = (int64_t)((double)slots / o->cps * 1e9);
    if (b->hold_ns < SECOND)
        die("--concurrent and --cps: calls would be shorter than a second");
    for (uint32_t i = 0; i < slots; i++)
        bulk_start_call(b, now + b->hold_ns / slots * i, i);
    for (uint32_t kind = 0; kind < BULK_NOISES; kind++) {
        if (o->noise[kind] == 0)
            continue;
        uint64_t rounds = (o->calls + slots - 1) / slots;
        b->noise_gap_ns[kind] =
            (int64_t)((double)rounds * (double)b->hold_ns / (double)o->noise[kind]);
        bulk_push(b, now, EVENT_NOISE, kind);
    }
}

static void run(struct bulk *b)
{
    while (b->heap_len > 0) {
        struct event e = heap_pop(b);
        switch ((enum event_kind)e.kind) {
        case EVENT_SIGNAL:
            signal_call(b, e.time_ns, e.index);
            break;
        case EVENT_MEDIA:
            bulk_send_media(b, e.time_ns, e.index);
            break;
        case EVENT_LATE:
            send_late(b, e.time_ns, e.index);
            break;
        case EVENT_NOISE:
            bulk_send_noise(b, e.time_ns, (enum bulk_noise)e.index);
            break;
        }
    }
    if (b->totals.unanswered + b->totals.noise[BULK_INVITES] + b->totals.noise[BULK_HALF_OPEN] >
            0 ||
        b->options->mixed)
        send_trailer(b);
}

void bulk_run(const struct bulk_options *options)
{
    struct bulk *b = must_alloc(sizeof *b);
    uint32_t slots =
        options->calls < options->concurrent ? (uint32_t)options->calls : options->concurrent;
    b->options = options;
    b->prng.state = options->seed;
    b->calls = must_alloc(slots * sizeof *b->calls);
    b->heap = must_alloc((3 * (size_t)slots + LATE_MAX + BULK_NOISES) * sizeof *b->heap);
    b->late = must_alloc(LATE_MAX * sizeof *b->late);
    for (uint32_t i = 0; i < LATE_MAX; i++)
        b->free_late[b->free_late_count++] = i;
    bulk_compile(b->templates, options->tcp);
    bulk_truth_open(b);
    pcap_out_open(&b->out, options->out, FRAME_ETHERNET, options->microseconds, 0);
    start(b, slots);
    run(b);
    pcap_out_close(&b->out);
    bulk_truth_write(b, slots);
    free(b->late);
    free(b->heap);
    free(b->calls);
    free(b);
}
