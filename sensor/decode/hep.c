#include "decode/hep.h"

#include "decode/layer.h"
#include "hep/hep_message.h"

/*
 * For what has no IANA number, agents write what they like: 22 is TLS to Kamailio and OpenSIPS, and
 * any WebSocket to the former; to the latter that is 50. Others write what is below it, TCP.
 */
static enum transport transport_of(uint8_t protocol)
{
    switch (protocol) {
    case HEP_PROTOCOL_TCP:
        return TRANSPORT_TCP;
    case HEP_PROTOCOL_TLS:
        return TRANSPORT_TLS;
    case HEP_PROTOCOL_WS:
        return TRANSPORT_WS;
    case HEP_PROTOCOL_SCTP:
        return TRANSPORT_SCTP;
    default:
        return TRANSPORT_UDP;
    }
}

enum decode_verdict hep_decode(const struct packet *packet, struct datagram *out)
{
    struct hep_message message;
    struct slice octets = slice_of((const char *)packet->bytes, packet->captured_len);
    if (packet->captured_len < packet->wire_len)
        return DECODE_TRUNCATED;
    if (hep_read(octets, &message) != HEP_WHOLE || message.is_keepalive || message.is_compressed)
        return DECODE_MALFORMED;
    if (message.payload_type != HEP_PAYLOAD_SIP)
        return DECODE_NOT_IP;
    out->src = message.src;
    out->dst = message.dst;
    out->payload = message.payload;
    out->protocol = message.ip_protocol;
    out->transport = transport_of(message.ip_protocol);
    if (message.vlan != 0) {
        out->vlan[0] = message.vlan & 0x0fff;
        out->vlan_count = 1;
    }
    return DECODE_MESSAGE;
}
