#include "pipeline/hep_path.h"

/* Messages of a copy window at 200,000 a second. */
enum { MESSAGES_REMEMBERED = 1 << 14 };

int hep_path_init(struct pipeline *pipeline)
{
    if (!pipeline->params.has_hep)
        return 0;
    return copies_init(&pipeline->messages, MESSAGES_REMEMBERED, pipeline->params.copy_window_ns);
}

void hep_path_fini(struct pipeline *pipeline)
{
    copies_fini(&pipeline->messages);
}

/* The table tells by the TTL that two are not of one origin. */
bool hep_path_is_copy(struct pipeline *pipeline, const struct datagram *message,
                      enum hep_origin origin)
{
    const struct datagram seen = {
        .time_ns = message->time_ns,
        .src = message->src,
        .dst = message->dst,
        .payload = message->payload,
        .ttl = (uint8_t)origin,
    };
    uint64_t fingerprint = copies_fingerprint(&pipeline->messages, &seen, DECODE_MESSAGE);
    enum copy_kind kind = copies_check(&pipeline->messages, fingerprint, &seen);
    bool is_copy = kind != COPY_NONE && (origin == HEP_FROM_OTHERS || kind == COPY_ROUTED);
    pipeline->tally.hep_copies += is_copy;
    return is_copy;
}

static bool is_stream(enum transport transport)
{
    return transport != TRANSPORT_UDP && transport != TRANSPORT_SCTP;
}

void hep_path_set_transport(struct datagram *message, const struct sip_msg *msg)
{
    enum transport named;
    if (is_stream(message->transport) && transport_find(msg->top_via.transport, &named) &&
        is_stream(named))
        message->transport = named;
}
