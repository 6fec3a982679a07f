#include "pipeline/hep_feed.h"

#include <stdlib.h>

#include "event/json_writer.h"
#include "rtp/rtcp_packet.h"
#include "sip/sip_msg.h"
#include "sip/sip_redact.h"

enum {
    JSON_MAX = 32768,
    REPORTS_MAX = 31, /* of one packet; a datagram with more of them is none of voice's */
    ITEMS_MAX = 64,
};

/* What heplify calls a packet by. */
enum { RTCP_TYPE_SR = 200, RTCP_TYPE_RR = 201, RTCP_TYPE_XR = 207, XR_BLOCK_VOIP = 7 };

struct hep_feed {
    struct hep_sender *sender;
    struct json_writer json;
    char message[SIP_MESSAGE_MAX];
};

struct hep_feed *hep_feed_create(struct hep_sender *sender)
{
    struct hep_feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return NULL;
    feed->sender = sender;
    json_writer_init(&feed->json, JSON_MAX);
    return feed;
}

void hep_feed_destroy(struct hep_feed *feed)
{
    if (!feed)
        return;
    json_writer_fini(&feed->json);
    free(feed);
}

/* TLS and WebSocket have no number in IP; these are what capture agents agreed on. */
static uint8_t protocol_of(enum transport transport)
{
    static const uint8_t protocol[TRANSPORT_COUNT] = {
        [TRANSPORT_UDP] = HEP_PROTOCOL_UDP, [TRANSPORT_TCP] = HEP_PROTOCOL_TCP,
        [TRANSPORT_TLS] = HEP_PROTOCOL_TLS, [TRANSPORT_WS] = HEP_PROTOCOL_WS,
        [TRANSPORT_WSS] = HEP_PROTOCOL_WS,  [TRANSPORT_SCTP] = HEP_PROTOCOL_SCTP,
    };
    return protocol[transport];
}

static struct hep_message of_datagram(const struct datagram *datagram)
{
    return (struct hep_message){
        .src = datagram->src,
        .dst = datagram->dst,
        .ip_protocol = HEP_PROTOCOL_UDP,
        .vlan = datagram->vlan_count > 0 ? datagram->vlan[0] : 0,
        .time_ns = datagram->time_ns,
    };
}

void hep_feed_message(struct hep_feed *feed, const struct datagram *message)
{
    struct slice text = slice_head(message->payload, sizeof feed->message);
    memcpy(feed->message, text.at, text.len);
    sip_redact(feed->message, text.len);
    struct hep_message hep = of_datagram(message);
    hep.ip_protocol = protocol_of(message->transport);
    hep.payload_type = HEP_PAYLOAD_SIP;
    hep.payload = slice_of(feed->message, text.len);
    hep_sender_put(feed->sender, &hep);
}

/* What was written, without the end of its line. */
static void put_json(struct hep_feed *feed, struct hep_message *hep, enum hep_payload type)
{
    json_end_line(&feed->json);
    hep->payload_type = (uint8_t)type;
    hep->payload = slice_trim(slice_of(feed->json.text, feed->json.len));
    if (!feed->json.failed)
        hep_sender_put(feed->sender, hep);
}

/* --- RTCP */

struct rtcp_figures {
    struct rtcp_sender_info info;
    struct rtcp_report_block report[REPORTS_MAX];
    unsigned reports;
    struct rtcp_xr_voip voip;
    bool has_voip;
    uint32_t ssrc, sdes_ssrc;
    unsigned type; /* 0: nothing in it */
};

static void note_item(struct rtcp_figures *figures, const struct rtcp_item *item)
{
    if (item->type == RTCP_SENDER_INFO) {
        figures->info = item->sender_info;
        figures->type = RTCP_TYPE_SR;
    } else if (item->type == RTCP_REPORT_BLOCK && figures->reports < REPORTS_MAX) {
        figures->report[figures->reports++] = item->report;
        if (figures->type != RTCP_TYPE_SR)
            figures->type = RTCP_TYPE_RR;
    } else if (item->type == RTCP_XR_VOIP) {
        figures->voip = item->voip;
        figures->has_voip = true;
        if (figures->type == 0)
            figures->type = RTCP_TYPE_XR;
    } else {
        return;
    }
    figures->ssrc = item->sender_ssrc;
}

static void write_sender_info(struct json_writer *json, const struct rtcp_sender_info *info)
{
    json_begin_object(json, "sender_information");
    json_put_unsigned(json, "ntp_timestamp_sec", info->ntp_seconds);
    json_put_unsigned(json, "ntp_timestamp_usec", info->ntp_fraction); /* so it is, by that name */
    json_put_unsigned(json, "rtp_timestamp", info->rtp_timestamp);
    json_put_unsigned(json, "packets", info->packets);
    json_put_unsigned(json, "octets", info->octets);
    json_end_object(json);
}

static void write_report(struct json_writer *json, const struct rtcp_report_block *report)
{
    json_begin_object(json, NULL);
    json_put_unsigned(json, "source_ssrc", report->ssrc);
    json_put_unsigned(json, "fraction_lost", report->fraction_lost);
    json_put_unsigned(json, "packets_lost", (uint32_t)report->cumulative_lost & 0xffffff);
    json_put_unsigned(json, "highest_seq_no", report->highest_sequence);
    json_put_unsigned(json, "ia_jitter", report->jitter);
    json_put_unsigned(json, "lsr", report->lsr);
    json_put_unsigned(json, "dlsr", report->dlsr);
    json_end_object(json);
}

static void write_voip(struct json_writer *json, const struct rtcp_xr_voip *voip, bool is_there)
{
    json_begin_object(json, "report_blocks_xr");
    json_put_unsigned(json, "type", is_there ? XR_BLOCK_VOIP : 0);
    json_put_unsigned(json, "id", voip->ssrc);
    json_put_unsigned(json, "fraction_lost", voip->loss_rate);
    json_put_unsigned(json, "fraction_discard", voip->discard_rate);
    json_put_unsigned(json, "burst_density", voip->burst_density);
    json_put_unsigned(json, "gap_density", voip->gap_density);
    json_put_unsigned(json, "burst_duration", voip->burst_duration_ms);
    json_put_unsigned(json, "gap_duration", voip->gap_duration_ms);
    json_put_unsigned(json, "round_trip_delay", voip->round_trip_ms);
    json_put_unsigned(json, "end_system_delay", voip->end_system_ms);
    json_end_object(json);
}

/* All of it each time, zeros where there is nothing: who reads it expects that shape. */
static void write_rtcp(struct json_writer *json, const struct rtcp_figures *figures)
{
    json_begin_object(json, NULL);
    write_sender_info(json, &figures->info);
    json_put_unsigned(json, "ssrc", figures->ssrc);
    json_put_unsigned(json, "type", figures->type);
    json_put_unsigned(json, "report_count", figures->reports);
    json_begin_array(json, "report_blocks");
    for (unsigned i = 0; i < figures->reports; i++)
        write_report(json, &figures->report[i]);
    json_end_array(json);
    write_voip(json, &figures->voip, figures->has_voip);
    json_put_unsigned(json, "sdes_ssrc", figures->sdes_ssrc);
    json_end_object(json);
}

void hep_feed_rtcp(struct hep_feed *feed, const struct streams *streams,
                   const struct datagram *datagram)
{
    struct rtcp_figures figures = {.type = 0};
    struct rtcp_reader reader;
    struct rtcp_item item;
    struct hep_message hep = of_datagram(datagram);
    if (!streams_read_rtcp(streams, datagram, &hep.correlation_id) ||
        !rtcp_reader_init(&reader, datagram->payload, datagram->truncated))
        return;
    for (unsigned i = 0; i < ITEMS_MAX && rtcp_reader_next(&reader, &item); i++)
        note_item(&figures, &item);
    if (figures.type == 0)
        return;
    figures.sdes_ssrc = reader.sdes_ssrc;
    json_writer_cut(&feed->json, 0);
    write_rtcp(&feed->json, &figures);
    put_json(feed, &hep, HEP_PAYLOAD_RTCP_JSON);
}

/* --- the quality of a stream */

static void put_endpoint(struct json_writer *json, const char *ip_key, const char *port_key,
                         const struct endpoint *endpoint)
{
    json_put_ip(json, ip_key, &endpoint->ip);
    json_put_unsigned(json, port_key, endpoint->port);
}

static void put_figures(struct json_writer *json, const struct event_stream *stream)
{
    if (stream->packets > 1) /* ms from one packet to the next, on average */
        json_put_real(json, "DELTA",
                      (double)(stream->ended_ns - stream->started_ns) / 1e6 /
                          (double)(stream->packets - 1));
    if (stream->jitter_ms.is_known) {
        json_put_real(json, "JITTER", stream->jitter_ms.mean);
        json_put_real(json, "MEAN_JITTER", stream->jitter_ms.mean);
        json_put_real(json, "MAX_JITTER", stream->jitter_ms.extreme);
    }
    if (stream->mos.is_known) {
        json_put_real(json, "MOS", stream->mos.mean);
        json_put_real(json, "MEAN_MOS", stream->mos.mean);
        json_put_real(json, "MIN_MOS", stream->mos.extreme);
    }
    json_put_unsigned(json, "PACKET_LOSS", stream->lost);
    json_put_unsigned(json, "TOTAL_PK", stream->packets);
    json_put_unsigned(json, "EXPECTED_PK", stream->expected);
    json_put_unsigned(json, "OUT_ORDER", stream->out_of_order);
    if (stream->rtt_ms.is_known)
        json_put_real(json, "RTT", stream->rtt_ms.mean);
    if (stream->has_latency)
        json_put_real(json, "LATENCY", stream->latency_ms);
}

static void write_report_of_stream(struct json_writer *json, const struct rtp_report *report)
{
    const struct event_stream *stream = &report->stream;
    json_begin_object(json, NULL);
    if (report->call_id.len > 0) {
        json_put_text(json, "CORRELATION_ID", report->call_id);
        json_put_text(json, "RTP_SIP_CALL_ID", report->call_id);
    }
    json_put_text(json, "TYPE", report->final ? SLICE("FINAL") : SLICE("PERIODIC"));
    json_put_real(json, "REPORT_START", (double)report->since_ns / 1e9);
    json_put_real(json, "REPORT_END", (double)stream->ended_ns / 1e9);
    put_endpoint(json, "SRC_IP", "SRC_PORT", &stream->src.endpoint);
    put_endpoint(json, "DST_IP", "DST_PORT", &stream->dst.endpoint);
    json_put_hex32(json, "SSRC", stream->ssrc);
    json_put_unsigned(json, "CODEC_PT", stream->payload_type);
    if (stream->codec)
        json_put_text(json, "CODEC_NAME", slice_str(stream->codec));
    if (stream->clock_hz > 0)
        json_put_unsigned(json, "CLOCK", stream->clock_hz);
    put_figures(json, stream);
    json_end_object(json);
}

void hep_feed_event(struct hep_feed *feed, const struct event *event)
{
    if (event->type != EVENT_RTP_REPORT)
        return;
    const struct rtp_report *report = &event->rtp_report;
    struct hep_message hep = {
        .src = report->stream.src.endpoint,
        .dst = report->stream.dst.endpoint,
        .ip_protocol = HEP_PROTOCOL_UDP,
        .time_ns = event->time_ns,
        .correlation_id = report->call_id,
    };
    json_writer_cut(&feed->json, 0);
    write_report_of_stream(&feed->json, report);
    put_json(feed, &hep, HEP_PAYLOAD_MOS_FULL);
}
