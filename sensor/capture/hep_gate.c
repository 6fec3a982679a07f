#include "capture/hep_gate.h"

#include "base/log.h"
#include "hep/hep_message.h"

/* In a time that tells nothing of how much of it is right. */
static bool is_key(struct slice given, struct slice key)
{
    unsigned difference = given.len != key.len;
    for (size_t i = 0; i < given.len; i++)
        difference |= (uint8_t)given.at[i] ^ (uint8_t)key.at[i % key.len];
    return difference == 0;
}

/* The same message with its payload as it was; what nobody reads any more is left out. */
static bool write_inflated(const struct hep_gate *gate, const struct hep_message *message,
                           struct slice *octets, uint8_t *room)
{
    uint8_t payload[HEP_LEN_MAX - HEP_OVERHEAD_MAX];
    struct hep_message plain = *message;
    size_t len = hep_inflate_all(gate->inflate, message->payload, payload, sizeof payload);
    if (len == 0)
        return false;
    plain.payload = slice_of((const char *)payload, len);
    plain.key = plain.node = plain.correlation_id = SLICE_NONE;
    octets->at = (const char *)room;
    octets->len = hep_write(&plain, room, HEP_LEN_MAX);
    return octets->len > 0;
}

static enum hep_result judge(const struct hep_gate *gate, struct slice *octets, uint8_t *room)
{
    struct hep_message message;
    enum hep_verdict verdict = hep_read(*octets, &message);
    if (verdict == HEP_INVALID)
        return HEP_MALFORMED;
    if (gate->key.len > 0 && !is_key(message.key, gate->key))
        return HEP_WRONG_KEY;
    if (verdict != HEP_WHOLE)
        return HEP_MALFORMED;
    if (message.is_keepalive)
        return HEP_KEEPALIVE;
    if (message.payload_type != HEP_PAYLOAD_SIP)
        return HEP_UNSUPPORTED;
    if (message.is_compressed && !write_inflated(gate, &message, octets, room))
        return HEP_UNREADABLE;
    return HEP_ACCEPTED;
}

static void say_refused(const struct endpoint *from, enum hep_result result)
{
    char text[ENDPOINT_TEXT_MAX];
    endpoint_format(from, text);
    if (result == HEP_WRONG_KEY)
        log_limited(LOG_LEVEL_WARNING,
                    "HEP from %s: its key is wrong or missing; set the sender's to hep_key", text);
    else if (result == HEP_MALFORMED)
        log_limited(LOG_LEVEL_WARNING,
                    "HEP from %s: not of version 3, or broken; set the sender to HEP version 3",
                    text);
    else if (result == HEP_UNREADABLE)
        log_limited(LOG_LEVEL_WARNING,
                    "HEP from %s: a compressed payload that is broken or too large", text);
}

enum hep_result hep_gate_pass(const struct hep_gate *gate, const struct endpoint *from,
                              struct slice *octets, uint8_t *room)
{
    enum hep_result result = judge(gate, octets, room);
    gate->stats->received[result]++;
    if (result != HEP_ACCEPTED)
        say_refused(from, result);
    return result;
}
