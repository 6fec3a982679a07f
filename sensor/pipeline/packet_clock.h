/*
 * packet_clock: the sensor's time, from the packets' stamps, where these jump.
 *
 * Stamps are taken as they are while they go forward, or back by no more than mirrors mix packets
 * up. A packet far in the past, or more than a year ahead, is an outlier: it gets the time of the
 * packet before it. Several in a row that agree with each other are a clock that was set: the
 * caller then moves everything that it remembers by the same step, so that what waits goes on
 * waiting. A quiet week in a capture is no step: time has passed.
 *
 * Plain data; one thread.
 */
#ifndef SIPSPAN_PIPELINE_PACKET_CLOCK_H
#define SIPSPAN_PIPELINE_PACKET_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define PACKET_CLOCK_TICK_MAX_NS UINT64_C(10000000000)

/* All zeroes: no packet yet. */
struct packet_clock {
    bool is_running;
    int64_t now_ns;
    int64_t candidate_ns; /* the latest outlier */
    unsigned agreeing;    /* outliers in a row that agree with it */
    int64_t expected_ns;  /* the step that is known to come; 0: none */
    uint64_t outliers;    /* packets whose stamp was not taken */
    uint64_t steps;       /* times that the clock was set */
};

/*
 * The time of a packet with this stamp. *step_ns is 0, or what is to be added to every time that is
 * remembered, now_ns included, before this packet is looked at.
 */
int64_t packet_clock_read(struct packet_clock *clock, int64_t stamp_ns, int64_t *step_ns);

/* Nothing goes on but time. */
static inline bool packet_clock_is_steady(const struct packet_clock *clock)
{
    return clock->is_running && clock->expected_ns == 0;
}

/* The stamp of nearly all packets: a little later than the one before. */
static inline bool packet_clock_is_tick(int64_t now_ns, int64_t stamp_ns)
{
    return (uint64_t)stamp_ns - (uint64_t)now_ns <= PACKET_CLOCK_TICK_MAX_NS; /* nor backwards */
}

/* A steady clock takes such a stamp, or the last of many in a row, as packet_clock_read would. */
static inline void packet_clock_tick(struct packet_clock *clock, int64_t stamp_ns)
{
    clock->agreeing = 0;
    clock->now_ns = stamp_ns;
}

/* The same where it is one. False: nothing was done. */
static inline bool packet_clock_ticks(struct packet_clock *clock, int64_t stamp_ns)
{
    if (!packet_clock_is_steady(clock) || !packet_clock_is_tick(clock->now_ns, stamp_ns))
        return false;
    packet_clock_tick(clock, stamp_ns);
    return true;
}

/*
 * Live: this machine's clock was set by step_ns a moment ago, as its monotonic clock shows, so the
 * packets' stamps will step by as much. In a capture nobody says so, and a quiet hour looks the
 * same.
 */
void packet_clock_expect(struct packet_clock *clock, int64_t step_ns);
/* No packet comes that would show it: takes the expected step, which is to be added as above. */
int64_t packet_clock_take_expected(struct packet_clock *clock);

#endif
