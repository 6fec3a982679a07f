#include "media/stream_rtcp.h"

#include "rtp/rtp_source.h"

/* DLSR and DLRR count 1/65536 s; a delay may come out so much too short. */
#define TICK_NS INT64_C(15259)
/* Copies of a packet come sooner; the same time stamp later is a clock that stands still. */
#define COPY_NS INT64_C(1000000000)

void stream_rtcp_init(struct stream_rtcp *rtcp)
{
    *rtcp = (struct stream_rtcp){0};
}

/* --- delays */

/* In a ring of `size` that is not sorted: the oldest makes room. */
static void remember(uint32_t *middle, int64_t *at_ns, size_t size, uint32_t ntp_middle,
                     int64_t now_ns)
{
    size_t place = 0;
    if (ntp_middle == 0)
        return;
    for (size_t i = 0; i < size; i++) {
        if (middle[i] == ntp_middle) {
            if (now_ns - at_ns[i] >= COPY_NS)
                at_ns[i] = now_ns;
            return;
        }
        if (middle[place] != 0 && (middle[i] == 0 || at_ns[i] < at_ns[place]))
            place = i;
    }
    middle[place] = ntp_middle;
    at_ns[place] = now_ns;
}

void stream_rtcp_sender_report(struct stream_rtcp *rtcp, uint32_t ntp_middle, int64_t now_ns)
{
    remember(rtcp->sent, rtcp->sent_ns, STREAM_RTCP_SENT, ntp_middle, now_ns);
}

void stream_rtcp_reference(struct stream_rtcp *rtcp, uint32_t ntp_middle, int64_t now_ns)
{
    remember(rtcp->reference, rtcp->reference_ns, STREAM_RTCP_REFERENCES, ntp_middle, now_ns);
}

static int64_t held_ns(uint32_t held)
{
    return (int64_t)((uint64_t)held * UINT64_C(1000000000) / 65536);
}

/* The time since `asked` passed, less what the answerer held it. False: nothing new or nothing that
 * could be true. */
static bool measure_half(struct stream_rtcp_half *half, const uint32_t *middle,
                         const int64_t *at_ns, size_t size, uint32_t asked, uint32_t held,
                         int64_t now_ns)
{
    size_t i = 0;
    if (asked == 0 || held == 0 || held_ns(held) > STREAM_RTCP_HELD_MAX_NS)
        return false;
    if (half->asked == asked && half->held == held)
        return false;
    while (i < size && middle[i] != asked)
        i++;
    if (i == size)
        return false;
    int64_t delay_ns = now_ns - at_ns[i] - held_ns(held);
    if (delay_ns < -TICK_NS || delay_ns > STREAM_RTCP_DELAY_MAX_NS)
        return false;
    *half = (struct stream_rtcp_half){
        .at_ns = now_ns,
        .delay_ns = delay_ns > 0 ? delay_ns : 0,
        .asked = asked,
        .held = held,
    };
    return true;
}

static void add_loop(struct stream_rtcp_delays *delays, double delay_ms, bool is_by_xr)
{
    delays->is_by_xr |= is_by_xr;
    delays->sum_ms += delay_ms;
    if (delay_ms > delays->max_ms)
        delays->max_ms = delay_ms;
    delays->count++;
}

/* The later measured one, of either stream: both are the way to the same end and back. */
static const struct stream_rtcp_half *later_half(const struct stream_rtcp_half *a,
                                                 const struct stream_rtcp_half *b)
{
    return a->asked == 0 || (b->asked != 0 && b->at_ns > a->at_ns) ? b : a;
}

static bool is_fresh(const struct stream_rtcp_half *half, int64_t now_ns)
{
    return half->asked != 0 && now_ns - half->at_ns <= STREAM_RTCP_FRESH_NS;
}

static void close_loop(struct stream_rtcp *rtcp, struct stream_rtcp *reverse, int64_t now_ns)
{
    const struct stream_rtcp_half *receiver = &rtcp->to_receiver, *sender = &rtcp->to_sender;
    if (reverse) {
        receiver = later_half(receiver, &reverse->to_sender);
        sender = later_half(sender, &reverse->to_receiver);
    }
    if (!is_fresh(receiver, now_ns) || !is_fresh(sender, now_ns))
        return;
    double delay_ms = (double)(receiver->delay_ns + sender->delay_ns) / 1e6;
    bool is_by_xr = sender == &rtcp->to_sender || (reverse && receiver == &reverse->to_sender);
    add_loop(&rtcp->interval, delay_ms, is_by_xr);
    add_loop(&rtcp->life, delay_ms, is_by_xr);
    if (reverse) {
        add_loop(&reverse->interval, delay_ms, is_by_xr);
        add_loop(&reverse->life, delay_ms, is_by_xr);
    }
}

void stream_rtcp_dlrr(struct stream_rtcp *rtcp, struct stream_rtcp *reverse,
                      const struct rtcp_xr_dlrr *dlrr, int64_t now_ns)
{
    if (measure_half(&rtcp->to_sender, rtcp->reference, rtcp->reference_ns, STREAM_RTCP_REFERENCES,
                     dlrr->lrr, dlrr->dlrr, now_ns))
        close_loop(rtcp, reverse, now_ns);
}

static void add_told(struct stream_rtcp_delays *delays, double delay_ms)
{
    if (delays->told == UINT16_MAX)
        return;
    delays->told_sum_ms += delay_ms;
    delays->told++;
}

void stream_rtcp_voip(struct stream_rtcp *rtcp, const struct rtcp_xr_voip *voip)
{
    int64_t delay_ns = voip->round_trip_ms * INT64_C(1000000);
    if (delay_ns == 0 || delay_ns > STREAM_RTCP_DELAY_MAX_NS)
        return;
    add_told(&rtcp->interval, voip->round_trip_ms);
    add_told(&rtcp->life, voip->round_trip_ms);
}

/* --- losses */

/*
 * What was added since the report before, in which `passed` packets passed or were missing here.
 * Where the sequence or the reporter began anew, or what is said cannot be, there is nothing to
 * compare.
 */
static bool is_comparable(const struct stream_rtcp *rtcp, uint32_t reporter,
                          const struct rtcp_report_block *report, int64_t passed,
                          int64_t added_lost)
{
    int64_t moved = (int32_t)(report->highest_sequence - rtcp->highest_sequence);
    int64_t apart = moved > passed ? moved - passed : passed - moved;
    return reporter == rtcp->reporter && moved >= 0 && apart < RTP_MAX_DROPOUT &&
           added_lost <= moved && added_lost > -RTP_MAX_DROPOUT;
}

/* Of the first report, which counts from the stream's first packet. */
static bool is_from_start(const struct stream_rtcp_tap *tap, uint32_t lost, int64_t now_ns)
{
    return tap->started_ns != EVENT_NO_TIME && now_ns - tap->started_ns <= STREAM_RTCP_START_NS &&
           lost <= tap->packets + tap->lost;
}

static void take_losses(struct stream_rtcp *rtcp, uint32_t reporter,
                        const struct rtcp_report_block *report, const struct stream_rtcp_tap *tap,
                        int64_t now_ns)
{
    uint32_t lost = report->cumulative_lost > 0 ? (uint32_t)report->cumulative_lost : 0;
    /* Late packets fill holes: what is missing may become less, here and there. */
    int32_t added = (int32_t)(lost - rtcp->lost);
    int32_t tap_added = (int32_t)((uint32_t)tap->lost - rtcp->tap_lost);
    int64_t passed = (int64_t)((uint32_t)tap->packets - rtcp->tap_packets) + tap_added;
    if (rtcp->has_report ? is_comparable(rtcp, reporter, report, passed, added)
                         : is_from_start(tap, lost, now_ns)) {
        rtcp->has_span = rtcp->has_span_life = true;
        rtcp->lost_in_interval += added;
        rtcp->lost_after_tap += (int64_t)added - tap_added;
    }
    rtcp->has_report = true;
    rtcp->reporter = reporter;
    rtcp->highest_sequence = report->highest_sequence;
    rtcp->jitter = report->jitter;
    rtcp->lost = lost;
    rtcp->fraction_lost = report->fraction_lost;
    rtcp->tap_packets = (uint32_t)tap->packets;
    rtcp->tap_lost = (uint32_t)tap->lost;
}

void stream_rtcp_report(struct stream_rtcp *rtcp, struct stream_rtcp *reverse, uint32_t reporter,
                        const struct rtcp_report_block *report, const struct stream_rtcp_tap *tap,
                        int64_t now_ns)
{
    if (tap)
        take_losses(rtcp, reporter, report, tap, now_ns);
    if (measure_half(&rtcp->to_receiver, rtcp->sent, rtcp->sent_ns, STREAM_RTCP_SENT, report->lsr,
                     report->dlsr, now_ns))
        close_loop(rtcp, reverse, now_ns);
}

/* --- reading */

static void clear_figures(struct event_stream *figures)
{
    figures->rtt_ms = (struct event_figure){0};
    figures->has_latency = false;
    figures->has_far_end = false;
    figures->has_far_end_jitter = false;
    figures->has_lost_after_tap = false;
}

static void read_delays(const struct stream_rtcp_delays *delays, struct event_stream *figures)
{
    if (delays->count > 0) {
        figures->rtt_ms.is_known = true;
        figures->rtt_ms.mean = delays->sum_ms / delays->count;
        figures->rtt_ms.extreme = delays->max_ms;
        figures->has_latency = true;
        figures->latency_ms = figures->rtt_ms.mean / 2;
        figures->latency_source = delays->is_by_xr ? LATENCY_RTCP_XR : LATENCY_RTCP;
    } else if (delays->told > 0) {
        figures->has_latency = true;
        figures->latency_ms = delays->told_sum_ms / delays->told / 2;
        figures->latency_source = LATENCY_RTCP_XR;
    }
}

static void read_far_end(const struct stream_rtcp *rtcp, uint32_t clock_hz, uint64_t lost,
                         struct event_stream *figures)
{
    figures->has_far_end = true;
    figures->far_end_loss_ratio = rtcp->fraction_lost / 256.0;
    figures->far_end_lost = lost;
    if (clock_hz > 0) {
        figures->far_end_jitter_ms = rtcp->jitter * 1e3 / clock_hz;
        figures->has_far_end_jitter =
            figures->far_end_jitter_ms <= (double)STREAM_RTCP_DELAY_MAX_NS / 1e6;
    }
}

static uint64_t not_negative(int64_t count)
{
    return count > 0 ? (uint64_t)count : 0;
}

void stream_rtcp_read_interval(const struct stream_rtcp *rtcp, uint32_t clock_hz,
                               struct event_stream *figures)
{
    clear_figures(figures);
    if (!rtcp)
        return;
    read_delays(&rtcp->interval, figures);
    if (!rtcp->has_span)
        return;
    read_far_end(rtcp, clock_hz, not_negative(rtcp->lost_in_interval), figures);
    figures->has_lost_after_tap = true;
    figures->lost_after_tap = not_negative(rtcp->lost_after_tap - rtcp->lost_after_until);
}

void stream_rtcp_read_life(const struct stream_rtcp *rtcp, uint32_t clock_hz,
                           struct event_stream *figures)
{
    clear_figures(figures);
    if (!rtcp)
        return;
    read_delays(&rtcp->life, figures);
    if (rtcp->has_report)
        read_far_end(rtcp, clock_hz, rtcp->lost, figures);
    figures->has_lost_after_tap = rtcp->has_span_life;
    figures->lost_after_tap = not_negative(rtcp->lost_after_tap);
}

void stream_rtcp_next_interval(struct stream_rtcp *rtcp)
{
    rtcp->interval = (struct stream_rtcp_delays){0};
    rtcp->has_span = false;
    rtcp->lost_in_interval = 0;
    if (rtcp->lost_after_tap > rtcp->lost_after_until)
        rtcp->lost_after_until = rtcp->lost_after_tap;
}

void stream_rtcp_clock_step(struct stream_rtcp *rtcp, int64_t step_ns)
{
    for (size_t i = 0; i < STREAM_RTCP_SENT; i++)
        rtcp->sent_ns[i] += step_ns;
    for (size_t i = 0; i < STREAM_RTCP_REFERENCES; i++)
        rtcp->reference_ns[i] += step_ns;
    rtcp->to_receiver.at_ns += step_ns;
    rtcp->to_sender.at_ns += step_ns;
}
