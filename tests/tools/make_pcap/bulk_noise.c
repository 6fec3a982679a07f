#include <string.h>

#include "bulk_state.h"

/*
 * What costs a sensor state: every one from another stranger, to the gateways that have calls.
 */

enum { FRAGMENT_LEN = 240, HOLE_BEGIN = 200, HOLE_END = 300 };

/* The headers of a stranger's packet, and an INVITE's fields. */
static struct frame stranger(struct bulk *b, struct bulk_fields *fields, uint64_t number)
{
    static const uint8_t nets[3][3] = {{192, 0, 2}, {198, 51, 100}, {203, 0, 113}};
    uint32_t random = prng_below(&b->prng, 3 * 256);
    const uint8_t *net = nets[random / 256];
    struct endpoint gateway =
        bulk_endpoint(198, 51, 100, (uint8_t)(100 + prng_below(&b->prng, GATEWAYS)), 5060);
    struct frame f = {.link = FRAME_ETHERNET, .ttl = 51, .dst = gateway};
    f.src = bulk_endpoint(net[0], net[1], net[2], (uint8_t)random,
                          (uint16_t)(1024 + prng_below(&b->prng, 64000)));
    f.ip_id = (uint16_t)prng_next(&b->prng);
    bulk_fill(fields, number, &b->prng, NULL, &gateway);
    return f;
}

static void send_invite(struct bulk *b, int64_t time_ns, uint64_t number)
{
    struct bulk_fields fields;
    struct frame f = stranger(b, &fields, number);
    uint32_t len = bulk_render(&b->templates[BULK_FLOOD], &fields, b->frame + frame_udp_offset(&f));
    bulk_put_frame(b, time_ns, frame_finish_udp(&f, b->frame, len));
    b->totals.messages[BULK_FLOOD]++;
}

/* The first fragment of an INVITE of which no other comes. */
static void send_fragment(struct bulk *b, int64_t time_ns, uint64_t number)
{
    struct bulk_fields fields;
    struct frame f = stranger(b, &fields, number);
    size_t ip = frame_ip_offset(&f), udp = frame_udp_offset(&f) - 8;
    uint32_t len = bulk_render(&b->templates[BULK_FLOOD], &fields, b->frame + udp + 8);
    frame_finish_udp(&f, b->frame, len);
    b->frame[ip + 2] = (FRAGMENT_LEN + 20) >> 8;
    b->frame[ip + 3] = (FRAGMENT_LEN + 20) & 0xff;
    b->frame[ip + 6] = 0x20;
    frame_refresh_ip(b->frame + ip);
    bulk_put_frame(b, time_ns, udp + FRAGMENT_LEN);
}

static void send_half_open(struct bulk *b, int64_t time_ns, uint64_t number)
{
    struct bulk_fields fields;
    struct frame f = stranger(b, &fields, number);
    const struct frame_tcp tcp = {.flags = TCP_SYN, .seq = (uint32_t)prng_next(&b->prng)};
    bulk_put_frame(b, time_ns, frame_finish_tcp(&f, b->frame, &tcp, 0));
}

/* A connection with an INVITE, out of whose middle octets are missing for good. */
static void send_gap(struct bulk *b, int64_t time_ns, uint64_t number)
{
    struct bulk_fields fields;
    struct frame f = stranger(b, &fields, number);
    uint8_t text[BULK_MESSAGE_MAX];
    uint32_t len = bulk_render(&b->templates[BULK_FLOOD], &fields, text);
    struct frame_tcp tcp = {.flags = TCP_SYN, .seq = (uint32_t)prng_next(&b->prng)};
    bulk_put_frame(b, time_ns, frame_finish_tcp(&f, b->frame, &tcp, 0));
    const uint32_t parts[2][2] = {{0, HOLE_BEGIN}, {HOLE_END, len}};
    uint32_t first = tcp.seq + 1;
    for (unsigned i = 0; i < 2; i++) {
        uint32_t part_len = parts[i][1] - parts[i][0];
        tcp = (struct frame_tcp){.flags = TCP_PSH | TCP_ACK, .seq = first + parts[i][0], .ack = 1};
        f.ip_id++;
        memcpy(b->frame + frame_tcp_offset(&f), text + parts[i][0], part_len);
        bulk_put_frame(b, time_ns, frame_finish_tcp(&f, b->frame, &tcp, part_len));
    }
}

void bulk_send_noise(struct bulk *b, int64_t time_ns, enum bulk_noise kind)
{
    static void (*const send[BULK_NOISES])(struct bulk *, int64_t, uint64_t) = {
        [BULK_INVITES] = send_invite,
        [BULK_FRAGMENTS] = send_fragment,
        [BULK_HALF_OPEN] = send_half_open,
        [BULK_GAPS] = send_gap,
    };
    send[kind](b, time_ns, ++b->totals.noise[kind]);
    int64_t gap_ns = b->noise_gap_ns[kind];
    if (b->totals.noise[kind] < b->options->noise[kind])
        bulk_push(b, time_ns + bulk_between(b, gap_ns / 2, gap_ns * 3 / 2), EVENT_NOISE, kind);
}
