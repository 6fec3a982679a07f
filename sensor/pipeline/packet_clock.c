#include "pipeline/packet_clock.h"

enum { AGREEING_MIN = 3 };

#define SECOND_NS INT64_C(1000000000)
/* Two links of one mirror differ by milliseconds; writers that buffer, by a few seconds. */
#define BACK_MAX_NS (10 * SECOND_NS)
/* A capture may rest over the holidays; a stamp from another decade is no stamp. */
#define AHEAD_MAX_NS (SECOND_NS * 24 * 3600 * 400)

/* Is b within [a - back, a + ahead]? Differences may not fit 64 bits, so none is taken. */
static bool is_near(int64_t a, int64_t b, int64_t back_ns, int64_t ahead_ns)
{
    int64_t low, high;
    if (__builtin_sub_overflow(a, back_ns, &low))
        low = INT64_MIN;
    if (__builtin_add_overflow(a, ahead_ns, &high))
        high = INT64_MAX;
    return b >= low && b <= high;
}

static bool confirms(struct packet_clock *clock, int64_t stamp_ns)
{
    bool agrees = clock->agreeing > 0 &&
                  is_near(clock->candidate_ns, stamp_ns, BACK_MAX_NS, AHEAD_MAX_NS) &&
                  (stamp_ns < clock->now_ns) == (clock->candidate_ns < clock->now_ns);
    clock->agreeing = agrees ? clock->agreeing + 1 : 1;
    clock->candidate_ns = stamp_ns;
    return clock->agreeing >= AGREEING_MIN;
}

void packet_clock_expect(struct packet_clock *clock, int64_t step_ns)
{
    if (!clock->is_running || __builtin_add_overflow(clock->expected_ns, step_ns, &step_ns))
        return;
    clock->expected_ns = step_ns;
}

int64_t packet_clock_take_expected(struct packet_clock *clock)
{
    int64_t step_ns = clock->expected_ns;
    clock->expected_ns = 0;
    if (step_ns == 0 || __builtin_add_overflow(clock->now_ns, step_ns, &clock->now_ns))
        return 0;
    clock->agreeing = 0;
    clock->steps++;
    return step_ns;
}

static uint64_t distance(int64_t a, int64_t b)
{
    return a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
}

/* Packets from before the step may still lie in the device's buffer. */
static bool is_behind_expected(const struct packet_clock *clock, int64_t stamp_ns)
{
    int64_t then_ns;
    return clock->expected_ns != 0 &&
           !__builtin_add_overflow(clock->now_ns, clock->expected_ns, &then_ns) &&
           distance(stamp_ns, then_ns) < distance(stamp_ns, clock->now_ns);
}

int64_t packet_clock_read(struct packet_clock *clock, int64_t stamp_ns, int64_t *step_ns)
{
    *step_ns = 0;
    if (packet_clock_ticks(clock, stamp_ns))
        return stamp_ns;
    if (!clock->is_running) {
        clock->is_running = true;
        clock->now_ns = stamp_ns;
    }
    if (is_behind_expected(clock, stamp_ns))
        *step_ns = packet_clock_take_expected(clock);
    if (is_near(clock->now_ns, stamp_ns, BACK_MAX_NS, AHEAD_MAX_NS)) {
        clock->agreeing = 0;
        if (stamp_ns > clock->now_ns)
            clock->now_ns = stamp_ns;
        return stamp_ns;
    }
    if (!confirms(clock, stamp_ns) || __builtin_sub_overflow(stamp_ns, clock->now_ns, step_ns)) {
        *step_ns = 0;
        clock->outliers++;
        return clock->now_ns;
    }
    clock->steps++;
    clock->agreeing = 0;
    clock->now_ns = stamp_ns;
    return stamp_ns;
}
