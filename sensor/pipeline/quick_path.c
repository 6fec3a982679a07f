#include "pipeline/quick_path.h"

#include "decode/plain.h"
#include "rtp/rtp_packet.h"

static inline bool has_dns_port(const uint8_t *ip)
{
    uint32_t ports = be32toh(plain_ports(ip));
    return dns_has_port((uint16_t)(ports >> 16), (uint16_t)ports);
}

bool quick_path_look(const struct pipeline *pipeline, const struct packet *packet,
                     struct packet_hint *hint)
{
    const uint8_t *ip = plain_ip_of(packet);
    if (!ip)
        return false;
    struct slice payload = plain_payload(ip);
    if (payload.len < COPIES_RTP_OCTETS || !rtp_looks_like(payload) || has_dns_port(ip))
        return false;
    hint->ip = ip;
    hint->is_rtp = true;
    hint->fingerprint = copies_fingerprint_plain(&pipeline->copies, ip);
    hint->number = streams_number_v4(pipeline->streams, plain_addresses(ip), plain_ports(ip),
                                     hash_half_word(payload.at + 8));
    return true;
}

void quick_path_show(struct pipeline *pipeline, const struct ip_addr *src, uint64_t number,
                     enum streams_verdict verdict, int64_t time_ns)
{
    calls_packet(&pipeline->calls, src, time_ns);
    int64_t streams_ns = streams_due_ns(pipeline->streams);
    int64_t calls_ns = calls_due_ns(&pipeline->calls); /* the stream may have been joined */
    int64_t due_ns = streams_ns < calls_ns ? streams_ns : calls_ns;
    if (due_ns < pipeline->due_ns)
        pipeline->due_ns = due_ns;
    if (verdict != STREAMS_NOT_BELIEVED)
        mirror_flow(pipeline->mirror, (uint32_t)number, verdict == STREAMS_MISSING, false, time_ns);
}

/* Apart: of a stream of 50 packets a second, one in three. */
static __attribute__((noinline)) void show(struct pipeline *pipeline,
                                           const struct packet_hint *hint,
                                           enum streams_verdict verdict, int64_t time_ns)
{
    struct ip_addr src = {.version = 4};
    /* Written in as wide a word as it is read. */
    uint64_t octets = htole64(le32toh(hash_half_word(hint->ip + 12)));
    memcpy(src.octets, &octets, sizeof octets);
    calls_move_clock(&pipeline->calls, time_ns);
    quick_path_show(pipeline, &src, hint->number, verdict, time_ns);
}

/* False: something about it is unusual. */
static inline bool take(struct pipeline *pipeline, const struct packet *packet,
                        const struct packet_hint *hint, int64_t now_ns)
{
    struct rtp_header header;
    int64_t time_ns = packet->time_ns;
    if (!hint->ip || time_ns >= pipeline->due_ns || !packet_clock_is_tick(now_ns, time_ns))
        return false;
    rtp_header_read(plain_payload(hint->ip), &header);
    if (!streams_expects(hint->found, hint->number, header.payload_type) ||
        !copies_add_plain(&pipeline->copies, hint->fingerprint, time_ns, plain_ttl(hint->ip)))
        return false;
    enum streams_verdict verdict =
        streams_rtp_expected(pipeline->streams, hint->found, &header, time_ns);
    if (verdict != STREAMS_NOTED)
        show(pipeline, hint, verdict, time_ns);
    return true;
}

unsigned quick_path_take(struct pipeline *pipeline, const struct packet *packet,
                         const struct packet_hint *hint, unsigned left)
{
    if (!packet_clock_is_steady(&pipeline->clock))
        return 0;
    int64_t now_ns = pipeline->clock.now_ns;
    uint64_t bytes = 0;
    unsigned count = 0;
    for (; count < left && packet[count].interface == packet->interface; count++) {
        if (!take(pipeline, &packet[count], &hint[count], now_ns))
            break;
        now_ns = packet[count].time_ns;
        bytes += packet[count].captured_len;
    }
    if (count == 0)
        return 0;
    packet_clock_tick(&pipeline->clock, now_ns);
    calls_move_clock(&pipeline->calls, now_ns);
    mirror_packets(pipeline->mirror, packet->interface, count);
    tally_rtp(&pipeline->tally, packet, count, bytes);
    return count;
}
