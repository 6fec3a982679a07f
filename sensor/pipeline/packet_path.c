#include "pipeline/packet_path.h"

#include <inttypes.h>

#include "base/log.h"
#include "decode/ip.h"
#include "event/connection_event.h"
#include "export/exporter.h"
#include "pipeline/hep_path.h"
#include "pipeline/quick_path.h"
#include "rtp/rtp_packet.h"

enum {
    PORT_SIP = 5060,
    PORT_SIPS = 5061,
};

/* Mirrors deliver the copies of a packet one right after the other. */
#define MIRROR_COPY_AGE_NS INT64_C(1000000)

static int64_t sooner(int64_t a_ns, int64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

void packet_path_event(void *context, const struct event *event)
{
    struct pipeline *pipeline = context;
    tally_event(&pipeline->tally, event);
    sensor_metrics_event(pipeline->metrics, event);
    if (pipeline->params.sink)
        sink_file_write(pipeline->params.sink, event);
    if (pipeline->params.hep)
        hep_feed_event(pipeline->params.hep, event);
    if (pipeline->params.exporter)
        exporter_write(pipeline->params.exporter, event);
}

bool packet_path_is_sip_server(void *context, const struct endpoint *endpoint)
{
    const struct pipeline *pipeline = context;
    if (endpoint->port == PORT_SIP || endpoint->port == PORT_SIPS)
        return true;
    for (size_t i = 0; i < pipeline->params.sip_port_count; i++)
        if (endpoint->port == pipeline->params.sip_ports[i])
            return true;
    return calls_is_sip_server(&pipeline->calls, endpoint);
}

static void take_message(struct pipeline *pipeline, const struct datagram *message,
                         const struct sip_msg *msg)
{
    pipeline->due_ns = INT64_MIN;
    tally_message(&pipeline->tally, msg, message->transport);
    calls_message(&pipeline->calls, message, msg);
    if (pipeline->params.hep)
        hep_feed_message(pipeline->params.hep, message);
}

/*
 * Can it be followed? Also a datagram that ends within its body: what becomes of its transaction is
 * seen by what follows. On a stream the octets that follow may be the body's or not.
 */
static bool is_followed(enum sip_refusal refusal, const struct datagram *message)
{
    return refusal == SIP_ACCEPTED ||
           (refusal == SIP_SHORT_BODY && !transport_is_reliable(message->transport));
}

static __attribute__((noinline)) void take_invite_copy(struct pipeline *pipeline,
                                                       const struct datagram *datagram)
{
    struct sip_msg msg; /* large, and on purpose not cleared */
    if (is_followed(sip_msg_parse(datagram->payload, datagram->truncated, &msg), datagram))
        calls_copy(&pipeline->calls, datagram, &msg);
}

/* Of an INVITE it matters where it was seen. */
static inline void note_place(struct pipeline *pipeline, const struct datagram *copy)
{
    if (slice_starts(copy->payload, SLICE("INVITE ")))
        take_invite_copy(pipeline, copy);
}

void packet_path_message(void *context, const struct datagram *message)
{
    struct pipeline *pipeline = context;
    struct sip_msg msg; /* large, and on purpose not cleared */
    if (pipeline->params.has_hep && hep_path_is_copy(pipeline, message, HEP_FROM_MIRROR)) {
        note_place(pipeline, message);
        return;
    }
    enum sip_refusal refusal = sip_msg_parse(message->payload, message->truncated, &msg);
    pipeline->tally.refused[refusal]++;
    if (is_followed(refusal, message))
        take_message(pipeline, message, &msg);
}

static __attribute__((noinline)) void take_hep(struct pipeline *pipeline, struct datagram *message)
{
    struct sip_msg msg; /* large, and on purpose not cleared */
    if (hep_path_is_copy(pipeline, message, HEP_FROM_OTHERS)) {
        note_place(pipeline, message);
        return;
    }
    calls_packet(&pipeline->calls, &message->src.ip, message->time_ns);
    enum sip_refusal refusal = sip_msg_parse(message->payload, false, &msg);
    pipeline->tally.refused[refusal]++;
    if (refusal == SIP_ACCEPTED || refusal == SIP_SHORT_BODY)
        hep_path_set_transport(message, &msg);
    if (is_followed(refusal, message))
        take_message(pipeline, message, &msg);
}

void packet_path_failure(void *context, const struct tcp_failure *failure)
{
    static const enum connection_failure reasons[] = {
        [TCP_REFUSED] = CONNECTION_REFUSED,
        [TCP_NO_ANSWER] = CONNECTION_NO_ANSWER,
        [TCP_TLS_ALERT] = CONNECTION_TLS_ALERT,
        [TCP_TLS_SILENT] = CONNECTION_TLS_SILENT,
    };
    _Static_assert(sizeof reasons / sizeof reasons[0] == TCP_FAILURE_COUNT, "each has its name");
    struct pipeline *pipeline = context;
    /* Where nothing ever came from the server, it may be the mirror that shows one direction. */
    const struct peer *host = peers_find_host(&pipeline->calls.peers, &failure->server.ip);
    bool was_heard = failure->reason == TCP_REFUSED || failure->reason == TCP_TLS_ALERT ||
                     failure->server_was_heard || (host && host->has_sent);
    struct connection_failed facts = {
        .transport = failure->is_tls ? TRANSPORT_TLS : TRANSPORT_TCP,
        .src = {.endpoint = failure->client},
        .dst = {.endpoint = failure->server},
        .reason = reasons[failure->reason],
        .confidence = was_heard               ? CONFIDENCE_HIGH
                      : failure->attempts > 1 ? CONFIDENCE_MEDIUM
                                              : CONFIDENCE_LOW,
        .attempts = failure->attempts,
        .first_ns = failure->first_ns,
        .last_ns = failure->last_ns,
    };
    struct event event;
    connection_event_make(&facts, failure->at_ns, pipeline->params.calls.sensor_id,
                          &pipeline->params.calls.names, &event);
    packet_path_event(pipeline, &event);
}

/* A number that tells flows apart; two of them may share one, and nobody can choose which. */
static uint32_t flow_number(const struct pipeline *pipeline, const struct datagram *datagram)
{
    const struct hash_key *key = &pipeline->flow_key;
    uint64_t hash = hash_bytes(key, &datagram->src, sizeof datagram->src);
    return (uint32_t)hash_chain(key, hash, &datagram->dst, sizeof datagram->dst);
}

void packet_path_hole(void *context, const struct datagram *segment)
{
    struct pipeline *pipeline = context;
    mirror_flow(pipeline->mirror, flow_number(pipeline, segment), true, true, segment->time_ns);
}

/* The headers of a SIP message may all be in its first fragment. */
void packet_path_incomplete(void *context, const struct defrag_incomplete *incomplete)
{
    struct pipeline *pipeline = context;
    struct datagram first, datagram;
    if (!incomplete->first)
        return;
    first = *incomplete->first;
    first.truncated = true; /* UDP's length is that of the whole */
    if (decode_reassembled(&first, first.payload, &datagram) != DECODE_UDP)
        return;
    datagram.incomplete = true;
    /* A piece that cannot be read is counted as what it is: a datagram that never came whole. */
    struct sip_msg msg;
    if (sip_msg_looks_like(datagram.payload) &&
        sip_msg_parse(datagram.payload, true, &msg) == SIP_ACCEPTED)
        take_message(pipeline, &datagram, &msg);
}

/* What many streams lose at once, or the sensor itself does, is no fault of any of them. */
unsigned packet_path_doubts(void *context, int64_t since_ns)
{
    const struct pipeline *pipeline = context;
    return (mirror_lost_since(pipeline->mirror, since_ns) ? STREAMS_DOUBT_LOSS : 0U) |
           (mirror_disordered_since(pipeline->mirror, since_ns) ? STREAMS_DOUBT_TIMES : 0U);
}

void packet_path_connection(void *context, const struct endpoint *client,
                            const struct endpoint *server, struct connection_facts *facts)
{
    const struct pipeline *pipeline = context;
    struct tcp_state state;
    if (!tcp_look(pipeline->tcp, client, server, &state))
        return;
    *facts = (struct connection_facts){
        .is_known = true,
        .is_reset = state.is_reset,
        .reset_ns = state.reset_ns,
        .reset_by = state.reset_by,
        .reset_is_certain = state.reset_is_certain,
        .unacknowledged = state.unacknowledged,
        .repeats = state.repeats,
        .unacknowledged_since_ns = state.unacknowledged_since_ns,
        .last_from_server_ns = state.last_from_peer_ns,
    };
}

void packet_path_dns(void *context, const struct ip_addr *client, struct slice host,
                     const struct ip_addr *dst, int64_t sent_ns, struct dns_facts *facts)
{
    const struct pipeline *pipeline = context;
    struct dns_tie tie;
    if (!dns_lookups_find(pipeline->dns, client, host, dst, sent_ns, &tie))
        return;
    *facts = (struct dns_facts){
        .is_known = true,
        .name = slice_str(tie.name),
        .type = dns_type_name(tie.type),
        .asked = tie.asked,
        .unanswered = tie.unanswered,
        .failed = tie.failed,
        .rcode = tie.failed > 0 ? dns_rcode_name(tie.rcode) : NULL,
        .delay_ns = tie.delay_ns,
        .is_elsewhere = tie.is_elsewhere,
        .server = tie.server,
    };
}

/* SIP begins with ASCII; RTP, which is nearly all, with the highest bit (RFC 3550 section 5.1). */
static inline bool is_text(struct slice payload)
{
    return payload.len > 0 && (payload.at[0] & 0x80) == 0;
}

/* What is to be known of it before its turn. */
static inline void look(const struct pipeline *pipeline, struct datagram *datagram,
                        enum decode_verdict verdict, struct packet_hint *hint)
{
    hint->ip = NULL;
    hint->datagram = datagram;
    hint->verdict = verdict;
    /* A quarter of all DNS messages begins as RTP does: with a random id. */
    hint->is_rtp = verdict == DECODE_UDP && rtp_looks_like(datagram->payload) &&
                   !dns_has_port(datagram->src.port, datagram->dst.port);
    if (decode_is_ip(verdict))
        hint->fingerprint = copies_fingerprint(&pipeline->copies, datagram, verdict);
    if (hint->is_rtp)
        hint->number = streams_number(pipeline->streams, datagram);
}

static inline void take_rtp(struct pipeline *pipeline, const struct datagram *datagram,
                            const struct packet_hint *hint)
{
    enum streams_verdict verdict =
        streams_rtp(pipeline->streams, hint->found, datagram, hint->number);
    pipeline->tally.udp_other++;
    if (verdict != STREAMS_NOTED) /* else its sender was heard of a moment ago */
        quick_path_show(pipeline, &datagram->src.ip, hint->number, verdict, datagram->time_ns);
}

/* What shares the ports of media (RFC 7983), and what is none of ours. */
static __attribute__((noinline)) void take_other_udp(struct pipeline *pipeline,
                                                     const struct datagram *datagram)
{
    if (dns_has_port(datagram->src.port, datagram->dst.port)) {
        dns_lookups_packet(pipeline->dns, datagram);
        udp_flows_packet(pipeline->udp_flows, datagram, NULL);
        return;
    }
    enum media_protocol protocol = media_protocol_of(datagram->payload, datagram->truncated);
    if (protocol == MEDIA_RTCP) {
        streams_rtcp(pipeline->streams, datagram);
        if (pipeline->params.hep)
            hep_feed_rtcp(pipeline->params.hep, pipeline->streams, datagram);
        return;
    }
    if (protocol == MEDIA_DTLS || protocol == MEDIA_ZRTP)
        streams_saw_keying(pipeline->streams, datagram);
    udp_flows_packet(pipeline->udp_flows, datagram,
                     protocol == MEDIA_OTHER ? NULL : media_protocol_name(protocol));
}

/* What is SIP is decided by looking at it, on any port. */
static inline void take_udp(struct pipeline *pipeline, const struct datagram *datagram)
{
    if (is_text(datagram->payload) && sip_msg_looks_like(datagram->payload)) {
        packet_path_message(pipeline, datagram);
        return;
    }
    pipeline->tally.udp_other++;
    if (datagram->payload.len > 0)
        take_other_udp(pipeline, datagram);
}

static __attribute__((noinline)) void take_icmp(struct pipeline *pipeline,
                                                const struct datagram *datagram)
{
    struct icmp_error error;
    pipeline->due_ns = INT64_MIN;
    if (!icmp_decode(datagram, &error))
        return;
    tally_icmp(&pipeline->tally, &error);
    if (error.protocol == IP_PROTOCOL_TCP) {
        /* Anybody can guess ports; what is quoted must be on its way (RFC 5927 section 4). */
        bool is_true = tcp_is_in_flight(pipeline->tcp, &error.src, &error.dst, error.tcp_seq);
        tcp_icmp(pipeline->tcp, &error);
        if (!is_true)
            return;
    }
    calls_icmp(&pipeline->calls, &error);
}

static __attribute__((noinline)) void take_tcp(struct pipeline *pipeline,
                                               const struct datagram *datagram)
{
    pipeline->due_ns = INT64_MIN;
    if (tcp_segment(pipeline->tcp, datagram))
        mirror_flow(pipeline->mirror, flow_number(pipeline, datagram), false, true,
                    datagram->time_ns);
}

_Static_assert(COPY_KIND_COUNT - 1 == MIRROR_COPY_KINDS, "the mirror counts each kind of copy");

/* True: it is a copy, which changes nothing but its count. */
static bool is_copy(struct pipeline *pipeline, const struct datagram *datagram,
                    uint64_t fingerprint)
{
    enum copy_kind kind = copies_check(&pipeline->copies, fingerprint, datagram);
    pipeline->copy_kind = kind;
    uint16_t vlan = datagram->vlan_count > 0 ? datagram->vlan[0] : MIRROR_NO_VLAN;
    mirror_packet(pipeline->mirror, kind, datagram->interface, vlan, datagram->truncated);
    return kind != COPY_NONE;
}

static void take(struct pipeline *pipeline, const struct datagram *datagram,
                 const struct packet_hint *hint);

/*
 * A tunnel's packet may be in fragments, and so may what it carries. The inner one is put together
 * from the outer one's octets, which the next call overwrites: hence the copy.
 */
static __attribute__((noinline)) void take_fragment(struct pipeline *pipeline,
                                                    const struct datagram *fragment)
{
    struct datagram first, datagram, inner;
    struct slice payload;
    pipeline->due_ns = INT64_MIN;
    if (!defrag_add(pipeline->defrag, fragment, &first, &payload))
        return;
    enum decode_verdict verdict = decode_reassembled(&first, payload, &datagram);
    if (verdict == DECODE_FRAGMENT) {
        memcpy(pipeline->nested, datagram.payload.at, datagram.payload.len);
        datagram.payload.at = pipeline->nested;
        if (!defrag_add(pipeline->defrag, &datagram, &first, &payload))
            return;
        verdict = decode_reassembled(&first, payload, &inner);
        datagram = inner;
    }
    if (!decode_is_ip(verdict) || verdict == DECODE_FRAGMENT)
        return;
    /* The other one may have come in one piece, or in other pieces. */
    struct packet_hint hint = {.found = NULL};
    look(pipeline, &datagram, verdict, &hint);
    if (copies_check(&pipeline->copies, hint.fingerprint, &datagram) == COPY_NONE)
        take(pipeline, &datagram, &hint);
    else
        pipeline->tally.copies_in_fragments++;
}

static void take(struct pipeline *pipeline, const struct datagram *datagram,
                 const struct packet_hint *hint)
{
    if (hint->is_rtp) {
        take_rtp(pipeline, datagram, hint);
        return;
    }
    calls_packet(&pipeline->calls, &datagram->src.ip, datagram->time_ns);
    if (hint->verdict == DECODE_UDP)
        take_udp(pipeline, datagram);
    else if (hint->verdict == DECODE_TCP)
        take_tcp(pipeline, datagram);
    else if (hint->verdict == DECODE_ICMP)
        take_icmp(pipeline, datagram);
    else if (hint->verdict == DECODE_FRAGMENT)
        take_fragment(pipeline, datagram);
}

/*
 * What is due by now, one deadline after the other over all rooms, so that none of them forgets
 * what another still asks for, and a long quiet time ends as a busy one would. Of one moment: what
 * comes late out of a stream or a fragment is older than what then runs out of time.
 */
static void fire(struct pipeline *pipeline, int64_t now_ns)
{
    int64_t due_ns;
    for (;;) {
        int64_t mirror_ns = mirror_due_ns(pipeline->mirror);
        due_ns = sooner(sooner(tcp_due_ns(pipeline->tcp), defrag_due_ns(pipeline->defrag)),
                        sooner(calls_due_ns(&pipeline->calls), mirror_ns));
        due_ns = sooner(due_ns, streams_due_ns(pipeline->streams));
        if (due_ns > now_ns)
            break;
        tcp_advance(pipeline->tcp, due_ns);
        defrag_advance(pipeline->defrag, due_ns);
        streams_advance(pipeline->streams, due_ns);
        calls_advance(&pipeline->calls, due_ns);
        if (due_ns >= mirror_ns)
            mirror_advance(pipeline->mirror, &pipeline->calls.peers, due_ns);
    }
    /* The next packet begins a window of the mirror, and with that another deadline. */
    pipeline->due_ns = mirror_due_ns(pipeline->mirror) == INT64_MAX ? INT64_MIN : due_ns;
}

void packet_path_advance(struct pipeline *pipeline, int64_t now_ns)
{
    if (now_ns >= pipeline->due_ns)
        fire(pipeline, now_ns);
    calls_move_clock(&pipeline->calls, now_ns);
}

void packet_path_clock_step(struct pipeline *pipeline, int64_t step_ns)
{
    log_limited(LOG_LEVEL_WARNING,
                "packet %" PRIu64 ": the clock of the packets was set by %+.1f s; verdicts on what "
                "waits now are of low confidence",
                pipeline->tally.packets + 1, (double)step_ns / 1e9);
    pipeline->due_ns = INT64_MIN;
    copies_clock_step(&pipeline->copies, step_ns);
    copies_clock_step(&pipeline->messages, step_ns);
    defrag_clock_step(pipeline->defrag, step_ns);
    tcp_clock_step(pipeline->tcp, step_ns);
    mirror_clock_step(pipeline->mirror, step_ns);
    streams_clock_step(pipeline->streams, step_ns);
    udp_flows_clock_step(pipeline->udp_flows, step_ns);
    dns_lookups_clock_step(pipeline->dns, step_ns);
    calls_clock_step(&pipeline->calls, step_ns);
}

/* The packet's time as the sensor takes it. Where its clock was set, everything moves first. */
static __attribute__((noinline)) int64_t read_odd_stamp(struct pipeline *pipeline, int64_t stamp_ns)
{
    int64_t step_ns;
    int64_t time_ns = packet_clock_read(&pipeline->clock, stamp_ns, &step_ns);
    if (step_ns != 0)
        packet_path_clock_step(pipeline, step_ns);
    return time_ns;
}

/* Then comes what is due by now, and then the packet. */
static inline int64_t read_clock(struct pipeline *pipeline, int64_t stamp_ns)
{
    int64_t time_ns = packet_clock_ticks(&pipeline->clock, stamp_ns)
                          ? stamp_ns
                          : read_odd_stamp(pipeline, stamp_ns);
    packet_path_advance(pipeline, pipeline->clock.now_ns);
    return time_ns;
}

/* A copy changes nothing but its count; the network may have doubled it, too. */
static void take_copy(struct pipeline *pipeline, const struct packet *packet,
                      const struct datagram *datagram, const struct packet_hint *hint)
{
    tally_copy(&pipeline->tally, packet);
    note_place(pipeline, datagram);
    if (hint->is_rtp)
        streams_rtp_copy(pipeline->streams, hint->found, hint->number,
                         pipeline->copy_kind == COPY_SAME &&
                             pipeline->copies.age_ns > MIRROR_COPY_AGE_NS);
}

static void take_packet(struct pipeline *pipeline, const struct packet *packet,
                        struct packet_hint *hint)
{
    struct datagram plain, *datagram = hint->datagram;
    if (hint->ip) {
        hint->verdict = decode_packet(packet, &plain);
        datagram = &plain;
    }
    datagram->time_ns = read_clock(pipeline, packet->time_ns);
    if (hint->verdict == DECODE_MESSAGE) {
        tally_packet(&pipeline->tally, packet, hint->verdict, datagram);
        take_hep(pipeline, datagram);
        return;
    }
    mirror_stamp(pipeline->mirror, datagram->time_ns, pipeline->clock.now_ns);
    if (!decode_is_ip(hint->verdict)) {
        tally_packet(&pipeline->tally, packet, hint->verdict, datagram);
    } else if (is_copy(pipeline, datagram, hint->fingerprint)) {
        take_copy(pipeline, packet, datagram, hint);
    } else {
        tally_packet(&pipeline->tally, packet, hint->verdict, datagram);
        take(pipeline, datagram, hint);
    }
}

/*
 * Several times over the batch: what needs memory that is not near (the payload's octets, the table
 * of copies, the streams) is asked for in one round, and has come by the next.
 */
void packet_path_take(struct pipeline *pipeline, const struct packet_batch *batch)
{
    struct datagram datagram[PACKET_BATCH_MAX];
    struct packet_hint hint[PACKET_BATCH_MAX];
    for (unsigned i = 0; i < batch->count; i++) {
        const struct packet *packet = &batch->packet[i];
        if (!quick_path_look(pipeline, packet, &hint[i]))
            look(pipeline, &datagram[i], decode_packet(packet, &datagram[i]), &hint[i]);
        if (hint[i].ip || decode_is_ip(hint[i].verdict))
            copies_prefetch(&pipeline->copies, hint[i].fingerprint);
        if (hint[i].is_rtp)
            streams_prefetch_slot(pipeline->streams, hint[i].number);
    }
    for (unsigned i = 0; i < batch->count; i++)
        if (hint[i].is_rtp)
            streams_prefetch_node(pipeline->streams, hint[i].number);
    for (unsigned i = 0; i < batch->count; i++)
        if (hint[i].is_rtp)
            hint[i].found = streams_find(pipeline->streams, hint[i].number);
    for (unsigned i = 0; i < batch->count; i++) {
        i += quick_path_take(pipeline, &batch->packet[i], &hint[i], batch->count - i);
        if (i < batch->count)
            take_packet(pipeline, &batch->packet[i], &hint[i]);
    }
}

void packet_path_finish(struct pipeline *pipeline)
{
    tcp_finish(pipeline->tcp);
    defrag_finish(pipeline->defrag);
    mirror_finish(pipeline->mirror, &pipeline->calls.peers, pipeline->clock.now_ns);
}
