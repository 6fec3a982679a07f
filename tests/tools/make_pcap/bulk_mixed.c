#include "bulk_state.h"

/*
 * Calls that go well, or at least get a response, in other ways than a plain one: a script each.
 */

enum { T1_MS = 500, LATE_MIN_MS = 200, LATE_MAX_MS = 30000, MIXED_PERCENT = 50 };

enum pause { AT_ONCE, SOON, RINGING, ANSWERING, LONG_RINGING, AGAIN, TALKING, PAUSES };

/* In ms; TALKING is the call's own. */
static const struct {
    int64_t low, high;
} pauses[PAUSES] = {
    [AT_ONCE] = {1, 5},
    [SOON] = {5, 40},
    [RINGING] = {200, 2000},
    [ANSWERING] = {1000, 8000},
    [LONG_RINGING] = {20000, 30000},
    [AGAIN] = {T1_MS, T1_MS + 1},
};

/* One message, and how long after the one before. `set`: fields for it and all that follow. */
struct bulk_step {
    uint8_t what, pause;
    bool from_caller;
    struct {
        uint8_t field;
        char value;
    } set[3];
};

#define SET(...)                                                                                   \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define CALLER(what, pause, ...)                                                                   \
    {                                                                                              \
        BULK_##what, pause, true,                                                                  \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define GATEWAY(what, pause, ...)                                                                  \
    {                                                                                              \
        BULK_##what, pause, false,                                                                 \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define END                                                                                        \
    {                                                                                              \
        BULK_MESSAGE_COUNT, AT_ONCE, false,                                                        \
        {                                                                                          \
        }                                                                                          \
    }

static const struct bulk_step challenged[] = {
    CALLER(INVITE, AT_ONCE),
    GATEWAY(CHALLENGE, SOON),
    CALLER(ACK_FAILURE, SOON),
    CALLER(INVITE_AGAIN, AT_ONCE, SET(FIELD_BRANCH, '+'), SET(FIELD_CSEQ, '2'),
           SET(FIELD_BYE_CSEQ, '3')),
    GATEWAY(TRYING, SOON),
    GATEWAY(RINGING, RINGING),
    GATEWAY(OK, ANSWERING),
    CALLER(ACK, SOON),
    CALLER(BYE, TALKING),
    GATEWAY(BYE_OK, SOON),
    END,
};

/* Two telephones ring, both are picked up, and the second is hung up at once. */
static const struct bulk_step forked[] = {
    CALLER(INVITE, AT_ONCE),
    GATEWAY(TRYING, SOON),
    GATEWAY(RINGING, RINGING, SET(FIELD_TAG, 'b')),
    GATEWAY(RINGING, SOON, SET(FIELD_TAG, 'c')),
    GATEWAY(OK, ANSWERING, SET(FIELD_TAG, 'b')),
    CALLER(ACK, SOON),
    GATEWAY(OK, RINGING, SET(FIELD_TAG, 'c')),
    CALLER(ACK, SOON, SET(FIELD_BRANCH, '+')),
    CALLER(BYE, SOON),
    GATEWAY(BYE_OK, SOON),
    CALLER(BYE, TALKING, SET(FIELD_TAG, 'b'), SET(FIELD_BRANCH, '*'), SET(FIELD_BYE_CSEQ, '3')),
    GATEWAY(BYE_OK, SOON),
    END,
};

static const struct bulk_step cancelled[] = {
    CALLER(INVITE, AT_ONCE),   GATEWAY(TRYING, SOON),
    GATEWAY(RINGING, RINGING), CALLER(CANCEL, ANSWERING),
    GATEWAY(CANCEL_OK, SOON),  GATEWAY(TERMINATED, AT_ONCE),
    CALLER(ACK_FAILURE, SOON), END,
};

/* The first ACK is lost behind the sensor, so that the 486 comes again. */
static const struct bulk_step busy[] = {
    CALLER(INVITE, AT_ONCE),
    GATEWAY(TRYING, SOON),
    GATEWAY(BUSY, RINGING),
    CALLER(ACK_FAILURE, SOON),
    GATEWAY(BUSY, AGAIN),
    CALLER(ACK_FAILURE, SOON),
    END,
};

/* Rings for half a minute before anybody picks up; then its 200 comes twice. */
static const struct bulk_step slow[] = {
    CALLER(INVITE, AT_ONCE),
    GATEWAY(TRYING, SOON),
    GATEWAY(RINGING, LONG_RINGING),
    GATEWAY(OK, ANSWERING),
    CALLER(ACK, SOON),
    GATEWAY(OK, AGAIN),
    CALLER(ACK, SOON),
    CALLER(BYE, TALKING),
    GATEWAY(BYE_OK, SOON),
    END,
};

/* The first response is late, by up to 30 s, and the INVITE repeated until then. */
static const struct bulk_step late[] = {
    CALLER(INVITE, AT_ONCE),   GATEWAY(TRYING, AT_ONCE),
    GATEWAY(RINGING, RINGING), GATEWAY(OK, ANSWERING),
    CALLER(ACK, SOON),         CALLER(BYE, TALKING),
    GATEWAY(BYE_OK, SOON),     END,
};

void bulk_choose_script(struct bulk *b, struct call *call)
{
    const struct {
        const struct bulk_step *script;
        uint64_t *total;
    } scripts[] = {{challenged, &b->totals.answered}, {forked, &b->totals.answered},
                   {cancelled, &b->totals.cancelled}, {busy, &b->totals.failed},
                   {slow, &b->totals.answered},       {late, &b->totals.answered}};
    if (!prng_hits(&b->prng, MIXED_PERCENT)) {
        b->totals.answered++;
        return;
    }
    uint32_t chosen = prng_below(&b->prng, sizeof scripts / sizeof scripts[0]);
    call->script = scripts[chosen].script;
    (*scripts[chosen].total)++;
    if (call->script == late)
        call->late_ns = bulk_between(b, LATE_MIN_MS * (int64_t)MS, LATE_MAX_MS * (int64_t)MS);
}

static void set_fields(struct call *call, const struct bulk_step *step)
{
    for (unsigned i = 0; i < sizeof step->set / sizeof step->set[0]; i++)
        if (step->set[i].value)
            call->fields.text[step->set[i].field][0] = step->set[i].value;
}

/* Timer A: sent again after T1, 3 T1, 7 T1, ... as long as there is no response. */
static bool sends_again(struct bulk *b, struct call *call, int64_t time_ns, uint32_t slot)
{
    if (call->sent++ == 0)
        call->begun_ns = time_ns;
    int64_t again_ns = ((INT64_C(1) << call->sent) - 1) * T1_MS * MS;
    b->totals.struggling += call->sent == 3;
    if (again_ns >= call->late_ns)
        return false;
    bulk_push(b, call->begun_ns + again_ns, EVENT_SIGNAL, slot);
    return true;
}

void bulk_signal_mixed(struct bulk *b, int64_t time_ns, uint32_t slot)
{
    struct call *call = &b->calls[slot];
    const struct bulk_step *step = &call->script[call->step];
    set_fields(call, step);
    bulk_put_message(b, time_ns, call, (enum bulk_message)step->what, step->from_caller);
    if (step[1].what == BULK_MESSAGE_COUNT) {
        bulk_start_call(b, time_ns + bulk_between(b, MS, SECOND), slot);
        return;
    }
    if (step->what == BULK_INVITE && call->late_ns > 0) {
        if (sends_again(b, call, time_ns, slot))
            return;
        time_ns = call->begun_ns + call->late_ns;
    }
    int64_t low_ns = pauses[step[1].pause].low * MS, high_ns = pauses[step[1].pause].high * MS;
    if (step[1].pause == TALKING) {
        low_ns = b->hold_ns / 2;
        high_ns = b->hold_ns;
    }
    call->step++;
    bulk_push(b, time_ns + bulk_between(b, low_ns, high_ns), EVENT_SIGNAL, slot);
}
