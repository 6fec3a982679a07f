#include "hep/hep_message.h"

#include <string.h>

#include "base/cursor.h"

enum { VENDOR_GENERIC = 0, CHUNK_HEADER_LEN = 6, FAMILY_IPV4 = 2, FAMILY_IPV6 = 10 };

/* Types of chunks of the generic vendor. */
enum {
    CHUNK_FAMILY = 0x01,
    CHUNK_PROTOCOL = 0x02,
    CHUNK_SRC_V4 = 0x03,
    CHUNK_DST_V4 = 0x04,
    CHUNK_SRC_V6 = 0x05,
    CHUNK_DST_V6 = 0x06,
    CHUNK_SRC_PORT = 0x07,
    CHUNK_DST_PORT = 0x08,
    CHUNK_SECONDS = 0x09,
    CHUNK_MICROSECONDS = 0x0a,
    CHUNK_PAYLOAD_TYPE = 0x0b,
    CHUNK_CAPTURE_ID = 0x0c,
    CHUNK_KEEPALIVE = 0x0d,
    CHUNK_KEY = 0x0e,
    CHUNK_PAYLOAD = 0x0f,
    CHUNK_COMPRESSED = 0x10,
    CHUNK_CORRELATION_ID = 0x11,
    CHUNK_VLAN = 0x12,
    CHUNK_NODE = 0x13,
    CHUNK_KNOWN = 0x14
};

/* Octets of what has a fixed size; 0: any. */
static const uint8_t chunk_len[CHUNK_KNOWN] = {
    [CHUNK_FAMILY] = 1,       [CHUNK_PROTOCOL] = 1,     [CHUNK_SRC_V4] = 4,
    [CHUNK_DST_V4] = 4,       [CHUNK_SRC_V6] = 16,      [CHUNK_DST_V6] = 16,
    [CHUNK_SRC_PORT] = 2,     [CHUNK_DST_PORT] = 2,     [CHUNK_SECONDS] = 4,
    [CHUNK_MICROSECONDS] = 4, [CHUNK_PAYLOAD_TYPE] = 1, [CHUNK_CAPTURE_ID] = 4,
    [CHUNK_KEEPALIVE] = 2,    [CHUNK_VLAN] = 2,
};

/* What was read so far; what comes together only at the end. */
struct reading {
    struct hep_message *message;
    struct ip_addr v4[2], v6[2]; /* src, dst */
    uint32_t seconds, microseconds;
    uint8_t family;
    bool has_type, has_keepalive;
};

static struct slice text_of(const struct cursor *value)
{
    return slice_of((const char *)value->at, value->left);
}

static void read_payload(struct hep_message *message, const struct cursor *value, bool compressed)
{
    message->payload = text_of(value);
    message->is_compressed = compressed;
}

/* `value` has the length that chunk_len asks for. */
static void read_chunk(struct reading *reading, uint16_t type, struct cursor *value)
{
    struct hep_message *message = reading->message;
    switch (type) {
    case CHUNK_FAMILY:
        reading->family = cursor_u8(value);
        break;
    case CHUNK_PROTOCOL:
        message->ip_protocol = cursor_u8(value);
        break;
    case CHUNK_SRC_V4:
    case CHUNK_DST_V4:
        reading->v4[type - CHUNK_SRC_V4] = ip_from_v4(value->at);
        break;
    case CHUNK_SRC_V6:
    case CHUNK_DST_V6:
        reading->v6[type - CHUNK_SRC_V6] = ip_from_v6(value->at);
        break;
    case CHUNK_SRC_PORT:
        message->src.port = cursor_u16(value);
        break;
    case CHUNK_DST_PORT:
        message->dst.port = cursor_u16(value);
        break;
    case CHUNK_SECONDS:
        reading->seconds = cursor_u32(value);
        break;
    case CHUNK_MICROSECONDS:
        reading->microseconds = cursor_u32(value);
        break;
    case CHUNK_PAYLOAD_TYPE:
        message->payload_type = cursor_u8(value);
        reading->has_type = true;
        break;
    case CHUNK_CAPTURE_ID:
        message->capture_id = cursor_u32(value);
        break;
    case CHUNK_KEEPALIVE:
        reading->has_keepalive = true;
        break;
    case CHUNK_KEY:
        message->key = text_of(value);
        break;
    case CHUNK_PAYLOAD:
    case CHUNK_COMPRESSED:
        read_payload(message, value, type == CHUNK_COMPRESSED);
        break;
    case CHUNK_CORRELATION_ID:
        message->correlation_id = text_of(value);
        break;
    case CHUNK_VLAN:
        message->vlan = cursor_u16(value);
        break;
    case CHUNK_NODE:
        message->node = text_of(value);
        break;
    default:
        break;
    }
}

static bool read_chunks(struct reading *reading, struct cursor *chunks)
{
    while (chunks->left > 0) {
        uint16_t vendor = cursor_u16(chunks);
        uint16_t type = cursor_u16(chunks);
        uint16_t len = cursor_u16(chunks);
        if (chunks->failed || len < CHUNK_HEADER_LEN)
            return false;
        struct cursor value = cursor_sub(chunks, len - (size_t)CHUNK_HEADER_LEN);
        if (value.failed)
            return false;
        if (vendor != VENDOR_GENERIC || type >= CHUNK_KNOWN)
            continue;
        if (chunk_len[type] != 0 && value.left != chunk_len[type])
            return false;
        read_chunk(reading, type, &value);
    }
    return true;
}

/* The pair of the family that was named; where that is not whole, the other one. */
static bool take_addresses(const struct reading *reading)
{
    struct hep_message *message = reading->message;
    bool is_v4 = reading->v4[0].version != 0 && reading->v4[1].version != 0;
    bool is_v6 = reading->v6[0].version != 0 && reading->v6[1].version != 0;
    if (!is_v4 && !is_v6)
        return false;
    const struct ip_addr *ip =
        is_v6 && (!is_v4 || reading->family == FAMILY_IPV6) ? reading->v6 : reading->v4;
    message->src.ip = ip[0];
    message->dst.ip = ip[1];
    return true;
}

enum hep_verdict hep_frame(struct slice octets, size_t *len)
{
    struct slice magic = slice_head(octets, 4);
    if (octets.len < HEP_HEADER_LEN) {
        bool may_be = slice_eq(magic, slice_head(SLICE("HEP3"), magic.len)) ||
                      slice_eq(magic, slice_head(SLICE("EEP3"), magic.len));
        return may_be ? HEP_SHORT : HEP_INVALID;
    }
    if (!slice_eq(magic, SLICE("HEP3")) && !slice_eq(magic, SLICE("EEP3")))
        return HEP_INVALID;
    struct cursor header = cursor_of(octets.at + magic.len, HEP_HEADER_LEN - magic.len);
    *len = cursor_u16(&header);
    return *len < HEP_HEADER_LEN ? HEP_INVALID : HEP_WHOLE;
}

enum hep_verdict hep_read(struct slice octets, struct hep_message *message)
{
    struct reading reading = {.message = message};
    size_t len;
    *message = (struct hep_message){0};
    if (hep_frame(octets, &len) != HEP_WHOLE || len != octets.len)
        return HEP_INVALID;
    struct cursor chunks = cursor_of(octets.at + HEP_HEADER_LEN, len - HEP_HEADER_LEN);
    if (!read_chunks(&reading, &chunks))
        return HEP_INVALID;
    /* No microsecond belongs to another second. */
    uint32_t us = reading.microseconds < 1000000 ? reading.microseconds : 999999;
    message->time_ns = (int64_t)reading.seconds * 1000000000 + (int64_t)us * 1000;
    bool has_addresses = take_addresses(&reading);
    message->is_keepalive = reading.has_keepalive && message->payload.len == 0;
    if (message->is_keepalive)
        return HEP_WHOLE;
    return has_addresses && reading.has_type && message->payload.len > 0 ? HEP_WHOLE : HEP_MISSING;
}

/* There is room for what is put: hep_write looked. */
struct writing {
    uint8_t *at;
};

static void put_u16(struct writing *writing, uint32_t value)
{
    *writing->at++ = (uint8_t)(value >> 8);
    *writing->at++ = (uint8_t)value;
}

static void put_octets(struct writing *writing, uint16_t type, const void *octets, size_t len)
{
    put_u16(writing, VENDOR_GENERIC);
    put_u16(writing, type);
    put_u16(writing, (uint32_t)(len + CHUNK_HEADER_LEN));
    if (len > 0)
        memcpy(writing->at, octets, len);
    writing->at += len;
}

static void put_number(struct writing *writing, uint16_t type, uint32_t value)
{
    const uint8_t octets[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16),
                               (uint8_t)(value >> 8), (uint8_t)value};
    put_octets(writing, type, octets + 4 - chunk_len[type], chunk_len[type]);
}

static void put_text(struct writing *writing, uint16_t type, struct slice text)
{
    if (text.len > 0)
        put_octets(writing, type, text.at, text.len);
}

static void put_addresses(struct writing *writing, const struct hep_message *message)
{
    bool is_v6 = message->src.ip.version == 6;
    uint16_t src = is_v6 ? CHUNK_SRC_V6 : CHUNK_SRC_V4, dst = is_v6 ? CHUNK_DST_V6 : CHUNK_DST_V4;
    put_number(writing, CHUNK_FAMILY, is_v6 ? FAMILY_IPV6 : FAMILY_IPV4);
    put_number(writing, CHUNK_PROTOCOL, message->ip_protocol);
    put_octets(writing, src, message->src.ip.octets, chunk_len[src]);
    put_octets(writing, dst, message->dst.ip.octets, chunk_len[dst]);
    put_number(writing, CHUNK_SRC_PORT, message->src.port);
    put_number(writing, CHUNK_DST_PORT, message->dst.port);
}

/* From 1970 to 2106, which is what 32 bits of seconds hold. */
static void put_time(struct writing *writing, int64_t time_ns)
{
    int64_t us = time_ns > 0 ? time_ns / 1000 : 0;
    bool is_late = us / 1000000 > UINT32_MAX;
    put_number(writing, CHUNK_SECONDS, is_late ? UINT32_MAX : (uint32_t)(us / 1000000));
    put_number(writing, CHUNK_MICROSECONDS, (uint32_t)(us % 1000000));
}

/* What comes before the payload's own octets. */
_Static_assert(HEP_OVERHEAD_MAX >=
                   HEP_HEADER_LEN + 18 * CHUNK_HEADER_LEN + 2 * 16 + 32 + 3 * HEP_TEXT_MAX,
               "all chunks but the payload fit");

size_t hep_write(const struct hep_message *message, uint8_t *out, size_t size)
{
    uint8_t version = message->src.ip.version;
    struct writing writing = {.at = out};
    if (size > HEP_LEN_MAX)
        size = HEP_LEN_MAX;
    if (message->dst.ip.version != version || (version != 4 && version != 6))
        return 0;
    uint8_t head[HEP_OVERHEAD_MAX];
    writing.at = head;
    memcpy(writing.at, "HEP3", 4);
    writing.at += HEP_HEADER_LEN;
    put_addresses(&writing, message);
    put_time(&writing, message->time_ns);
    put_number(&writing, CHUNK_PAYLOAD_TYPE, message->payload_type);
    put_number(&writing, CHUNK_CAPTURE_ID, message->capture_id);
    if (message->vlan != 0)
        put_number(&writing, CHUNK_VLAN, message->vlan);
    put_text(&writing, CHUNK_KEY, slice_head(message->key, HEP_TEXT_MAX));
    put_text(&writing, CHUNK_NODE, slice_head(message->node, HEP_TEXT_MAX));
    if (message->correlation_id.len <= HEP_TEXT_MAX)
        put_text(&writing, CHUNK_CORRELATION_ID, message->correlation_id);
    size_t head_len = (size_t)(writing.at - head);
    if (size < head_len + CHUNK_HEADER_LEN ||
        message->payload.len > size - head_len - CHUNK_HEADER_LEN)
        return 0;
    size_t len = head_len + CHUNK_HEADER_LEN + message->payload.len;
    head[4] = (uint8_t)(len >> 8);
    head[5] = (uint8_t)len;
    memcpy(out, head, head_len);
    writing.at = out + head_len;
    put_octets(&writing, CHUNK_PAYLOAD, message->payload.at, message->payload.len);
    return len;
}
