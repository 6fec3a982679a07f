/*
 * The clock of the packets was set: every time that calls remember moves with it, so that what
 * waits goes on waiting and what is told has the new clock's times.
 */
#include "call/calls.h"

static void shift(int64_t *time_ns, int64_t step_ns)
{
    if (*time_ns != CALL_NO_TIME && __builtin_add_overflow(*time_ns, step_ns, time_ns))
        *time_ns = CALL_NO_TIME;
}

static void shift_each(int64_t *const times[], size_t count, int64_t step_ns)
{
    for (size_t i = 0; i < count; i++)
        shift(times[i], step_ns);
}

static void shift_findings(struct findings *findings, int64_t step_ns)
{
    int64_t *const times[] = {&findings->last_sent_ns,     &findings->stray.last_ns,
                              &findings->mangled.last_ns,  &findings->partial.last_ns,
                              &findings->partial_since_ns, &findings->icmp.first_ns,
                              &findings->icmp.last_ns};
    shift_each(times, sizeof times / sizeof times[0], step_ns);
}

static void shift_transaction(struct transaction *t, int64_t step_ns)
{
    int64_t *const times[] = {&t->first_sent_ns, &t->first_response_ns, &t->ringing_ns,
                              &t->final_ns,      &t->last_response_ns,  &t->timed_out_ns,
                              &t->cancel_ns,     &t->failure_ack_ns};
    shift_each(times, sizeof times / sizeof times[0], step_ns);
    if (t->findings)
        shift_findings(t->findings, step_ns);
}

static void shift_media(struct offer_answer *media, int64_t step_ns)
{
    if (media && media->agreed_ns != 0 &&
        __builtin_add_overflow(media->agreed_ns, step_ns, &media->agreed_ns))
        media->agreed_ns = 0;
}

static void shift_call(struct call *call, int64_t step_ns)
{
    shift(&call->first_seen_ns, step_ns);
    shift(&call->last_seen_ns, step_ns);
    shift(&call->audio_ns, step_ns);
    shift_media(call->media, step_ns);
    for (EACH_TRANSACTION(node, call))
        shift_transaction(transaction_at(node), step_ns);
    for (EACH_DIALOG(node, call)) {
        struct dialog *dialog = dialog_at(node);
        shift(&dialog->answered_ns, step_ns);
        shift(&dialog->ack_ns, step_ns);
        shift(&dialog->bye_ns, step_ns);
        shift_media(dialog->media, step_ns);
    }
}

void calls_clock_step(struct calls *calls, int64_t step_ns)
{
    struct call_table *table = &calls->table;
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        for (struct list *node = table->phase[phase].next; node != &table->phase[phase];
             node = node->next)
            shift_call(CONTAINER_OF(node, struct call, in_phase), step_ns);
    timer_heap_shift(&table->timers, step_ns);
    peers_clock_step(&calls->peers, step_ns);
    scanners_clock_step(calls->scanners, step_ns);
    icmp_ties_clock_step(&calls->icmp_ties, step_ns);
    open_requests_clock_step(&calls->open_requests, step_ns);
    shift(&calls->now_ns, step_ns);
    shift(&calls->watching_since_ns, step_ns);
    calls_lost_packets(calls); /* how much time passed in truth, nobody knows */
}
