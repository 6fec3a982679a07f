/*
 * hep_message: what is read stays inside its octets, and what is written of it is read again as the
 * same.
 */
#include <stdlib.h>
#include <string.h>

#include "hep/hep_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct slice part, struct slice whole)
{
    if (part.len > 0 && (part.at < whole.at || part.at + part.len > whole.at + whole.len))
        abort();
}

static void check_written(const struct hep_message *message)
{
    static uint8_t out[HEP_LEN_MAX];
    struct hep_message again;
    size_t len = hep_write(message, out, sizeof out);
    if (len == 0) {
        /* Only what is too long for one message. */
        if (message->payload.len + HEP_OVERHEAD_MAX <= HEP_LEN_MAX)
            abort();
        return;
    }
    if (len > message->payload.len + HEP_OVERHEAD_MAX ||
        hep_read(slice_of((const char *)out, len), &again) != HEP_WHOLE)
        abort();
    struct slice id =
        message->correlation_id.len <= HEP_TEXT_MAX ? message->correlation_id : SLICE_NONE;
    if (!endpoint_eq(&again.src, &message->src) || !endpoint_eq(&again.dst, &message->dst) ||
        again.ip_protocol != message->ip_protocol || again.payload_type != message->payload_type ||
        again.vlan != message->vlan || again.capture_id != message->capture_id ||
        again.time_ns != message->time_ns || again.is_compressed || again.is_keepalive ||
        !slice_eq(again.key, slice_head(message->key, HEP_TEXT_MAX)) ||
        !slice_eq(again.node, slice_head(message->node, HEP_TEXT_MAX)) ||
        !slice_eq(again.correlation_id, id) || !slice_eq(again.payload, message->payload))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice octets = slice_of((const char *)data, size);
    struct hep_message message;
    size_t len = 0;
    enum hep_verdict frame = hep_frame(octets, &len);
    enum hep_verdict verdict = hep_read(octets, &message);
    if (verdict == HEP_SHORT || (frame != HEP_WHOLE && verdict != HEP_INVALID) ||
        (frame == HEP_WHOLE && len < HEP_HEADER_LEN))
        abort();
    if (verdict == HEP_INVALID)
        return 0;
    check_inside(message.payload, octets);
    check_inside(message.key, octets);
    check_inside(message.node, octets);
    check_inside(message.correlation_id, octets);
    if (verdict == HEP_WHOLE && !message.is_keepalive)
        check_written(&message);
    return 0;
}
