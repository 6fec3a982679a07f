#include "stream.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static size_t address_bytes(const struct udp *udp)
{
    return udp->family == AF_INET ? 4 : 16;
}

void stream_begin(struct stream *stream, const struct rule *rule, const struct udp *udp,
                  uint64_t seed)
{
    *stream = (struct stream){
        .rule = rule,
        .family = udp->family,
        .src_port = udp->src_port,
        .dst_port = udp->dst_port,
        .ssrc = udp_ssrc(udp),
        .prng.state = seed + (uint64_t)rule->side * 65536 + udp->dst_port,
    };
    memcpy(stream->src, udp->src, address_bytes(udp));
    memcpy(stream->dst, udp->dst, address_bytes(udp));
}

bool stream_has(const struct stream *stream, const struct rule *rule, const struct udp *udp)
{
    return stream->ssrc == udp_ssrc(udp) && stream->src_port == udp->src_port &&
           stream->dst_port == udp->dst_port && stream->rule == rule &&
           memcmp(stream->src, udp->src, address_bytes(udp)) == 0 &&
           memcmp(stream->dst, udp->dst, address_bytes(udp)) == 0;
}

int64_t stream_decide(struct stream *stream, int64_t in_ns)
{
    const struct rule *rule = stream->rule;
    bool drops = prng_hits(&stream->prng, rule->loss);
    int64_t due_ns = in_ns + rule->delay_ns;
    stream->in++;
    if (drops || (rule->drop_every && stream->in % rule->drop_every == 0)) {
        stream->dropped++;
        stream->dropped_last += stream->forwarded > 0;
        return INT64_MIN;
    }
    stream->forwarded++;
    stream->lost += stream->dropped_last;
    stream->dropped_last = 0;
    if (rule->jitter_ns)
        due_ns += (int64_t)(prng_unit(&stream->prng) * (double)rule->jitter_ns);
    if (rule->hold_every && stream->in % rule->hold_every == 0) {
        stream->held++;
        return due_ns + rule->hold_ns;
    }
    if (rule->in_order && due_ns < stream->last_due_ns)
        due_ns = stream->last_due_ns;
    stream->last_due_ns = due_ns;
    return due_ns;
}

void stream_note_sent(struct stream *stream, uint64_t index, int64_t in_ns, int64_t due_ns,
                      int64_t at_ns)
{
    int64_t delay_ns = at_ns - in_ns;
    if (stream->highest_out == 0) {
        stream->first_out_ns = at_ns;
        stream->delay_ns_min = delay_ns;
    }
    if (index < stream->highest_out)
        stream->out_of_order++;
    else
        stream->highest_out = index;
    stream->last_out_ns = at_ns;
    stream->delay_ns_sum += (double)delay_ns;
    if (delay_ns < stream->delay_ns_min)
        stream->delay_ns_min = delay_ns;
    if (delay_ns > stream->delay_ns_max)
        stream->delay_ns_max = delay_ns;
    if (at_ns - due_ns > stream->late_ns_max)
        stream->late_ns_max = at_ns - due_ns;
}

void stream_write(const struct stream *s)
{
    char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
    double sent = s->forwarded ? (double)s->forwarded : 1;
    inet_ntop(s->family, s->src, src, sizeof src);
    inet_ntop(s->family, s->dst, dst, sizeof dst);
    printf("{\"from\": \"%c\", \"src\": {\"ip\": \"%s\", \"port\": %u},"
           " \"dst\": {\"ip\": \"%s\", \"port\": %u}, \"ssrc\": \"0x%08" PRIx32 "\",",
           s->rule->side ? 'b' : 'a', src, s->src_port, dst, s->dst_port, s->ssrc);
    printf(" \"in\": %" PRIu64 ", \"forwarded\": %" PRIu64 ", \"dropped\": %" PRIu64
           ", \"lost\": %" PRIu64 ", \"doubled\": %" PRIu64 ", \"held\": %" PRIu64
           ", \"out_of_order\": %" PRIu64 ",",
           s->in, s->forwarded, s->dropped, s->lost, s->doubled, s->held, s->out_of_order);
    printf(" \"first_out_s\": %.9f, \"last_out_s\": %.9f, \"late_ms_max\": %.3f,"
           " \"delay_ms\": {\"min\": %.3f, \"mean\": %.3f, \"max\": %.3f}}\n",
           (double)s->first_out_ns / 1e9, (double)s->last_out_ns / 1e9,
           (double)s->late_ns_max / 1e6, (double)s->delay_ns_min / 1e6,
           s->delay_ns_sum / sent / 1e6, (double)s->delay_ns_max / 1e6);
}
