#include <string.h>

#include "bulk_state.h"

#define PACKET_NS INT64_C(20000000)
#define LATE_NS   INT64_C(5000000) /* of repeats and of what was overtaken, at most */
enum { PACKET_TICKS = 160, RTP_HEADER = 12 };

/* When packet i of a stream passes; it never overtakes, so `not_before` is the one before it. */
static int64_t media_time(struct bulk *b, const struct stream *s, uint32_t i, int64_t not_before)
{
    int64_t time_ns = s->begin_ns + i * PACKET_NS;
    if (b->options->jitter_ms > 0)
        time_ns += (int64_t)(prng_unit(&b->prng) * b->options->jitter_ms * MS);
    return time_ns > not_before ? time_ns : not_before + 1000;
}

void bulk_start_media(struct bulk *b, int64_t ack_ns, uint32_t slot)
{
    struct call *call = &b->calls[slot];
    for (uint32_t i = 0; i < 2; i++) {
        struct stream *s = &call->streams[i];
        *s = (struct stream){.begin_ns = ack_ns + bulk_between(b, MS, PACKET_NS),
                             .end_ns =
                                 call->bye_ns - (int64_t)(b->options->jitter_ms * MS) - PACKET_NS,
                             .ssrc = (uint32_t)prng_next(&b->prng)};
        if (s->begin_ns >= s->end_ns)
            continue;
        b->totals.streams++;
        bulk_push(b, media_time(b, s, 0, 0), EVENT_MEDIA, 2 * slot + i);
    }
}

/* Packet i of a stream into b->frame; its length. */
static size_t write_rtp(struct bulk *b, const struct call *call, uint32_t direction, uint32_t i)
{
    const struct stream *s = &call->streams[direction];
    struct frame f = {.link = FRAME_ETHERNET, .ttl = 64, .src = call->caller, .dst = call->gateway};
    f.src.port = call->caller_media;
    f.dst.port = call->gateway_media;
    if (direction == 1) {
        struct endpoint swap = f.src;
        f.src = f.dst;
        f.dst = swap;
    }
    f.ip_id = direction == 0 ? b->caller_ip_id[call->caller_index]++
                             : b->gateway_ip_id[call->gateway_index]++;
    uint8_t *rtp = b->frame + frame_udp_offset(&f);
    uint32_t seq = (s->ssrc >> 7) + i, ts = (s->ssrc << 3) + PACKET_TICKS * i;
    const uint8_t header[RTP_HEADER] = {0x80,
                                        i == 0 ? 0x80 : 0,
                                        (uint8_t)(seq >> 8),
                                        (uint8_t)seq,
                                        (uint8_t)(ts >> 24),
                                        (uint8_t)(ts >> 16),
                                        (uint8_t)(ts >> 8),
                                        (uint8_t)ts,
                                        (uint8_t)(s->ssrc >> 24),
                                        (uint8_t)(s->ssrc >> 16),
                                        (uint8_t)(s->ssrc >> 8),
                                        (uint8_t)s->ssrc};
    memcpy(rtp, header, sizeof header);
    memset(rtp + sizeof header, 0xd5 ^ (int)direction, RTP_LEN - sizeof header);
    return frame_finish_udp(&f, b->frame, RTP_LEN);
}

/* A repeat by the network: the same RTP in another IP packet, which a mirror copy is not. */
static void send_duplicate(struct bulk *b, int64_t time_ns, struct call *call, uint32_t direction)
{
    struct stream *s = &call->streams[direction];
    size_t len = write_rtp(b, call, direction, s->packet);
    s->sums.duplicates += bulk_put_late(b, time_ns + bulk_between(b, MS / 10, LATE_NS), len);
}

/* The one that was held back, right behind the one that overtook it. */
static void send_held(struct bulk *b, int64_t time_ns, struct call *call, uint32_t direction)
{
    struct stream *s = &call->streams[direction];
    size_t len = write_rtp(b, call, direction, s->held - 1);
    if (!bulk_put_late(b, time_ns + bulk_between(b, MS / 10, LATE_NS), len))
        s->sums.copies += bulk_put_frame(b, time_ns, len);
    s->sums.out_of_order++;
    s->held = 0;
}

static void end_stream(struct bulk *b, const struct call *call, uint32_t direction)
{
    const struct stream_sums *sums = &call->streams[direction].sums;
    struct stream_sums *all = &b->totals.rtp;
    all->packets += sums->packets;
    all->lost += sums->lost;
    all->duplicates += sums->duplicates;
    all->out_of_order += sums->out_of_order;
    all->copies += sums->copies;
    bulk_truth_stream(b, call, direction);
}

void bulk_send_media(struct bulk *b, int64_t time_ns, uint32_t index)
{
    struct call *call = &b->calls[index / 2];
    uint32_t direction = index % 2;
    struct stream *s = &call->streams[direction];
    uint32_t next = s->packet + 1, lost_next = 0;
    while (prng_hits(&b->prng, b->options->loss)) {
        next++;
        lost_next++;
    }
    bool goes_on = s->begin_ns + next * PACKET_NS < s->end_ns;
    s->sums.packets++;
    s->sums.lost += s->lost;
    if (goes_on && s->held == 0 && prng_hits(&b->prng, b->options->reorder)) {
        s->held = s->packet + 1;
    } else {
        s->sums.copies += bulk_put_frame(b, time_ns, write_rtp(b, call, direction, s->packet));
        if (s->held > 0)
            send_held(b, time_ns, call, direction);
        if (prng_hits(&b->prng, b->options->duplicates))
            send_duplicate(b, time_ns, call, direction);
    }
    /* Losses at a stream's end are no part of the truth: nobody could see them. */
    s->lost = lost_next;
    s->packet = next;
    if (goes_on)
        bulk_push(b, media_time(b, s, next, time_ns), EVENT_MEDIA, index);
    else
        end_stream(b, call, direction);
}
