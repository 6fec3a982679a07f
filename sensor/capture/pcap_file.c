#include "capture/pcap_file.h"

#include <inttypes.h>
#include <stdio.h>

#include "capture/capture_backend.h"

enum {
    FILE_HEADER_LEN = 24,
    RECORD_HEADER_LEN = 16,
    MAJOR_VERSION = 2,
    AHEAD = 2048, /* about ten packets of voice: what is there is asked for in time */
    HEADERS = 80, /* of the record and of the packet, where their second half begins */
};

#define MAGIC_MICROSECONDS 0xa1b2c3d4u
#define MAGIC_NANOSECONDS  0xa1b23c4du

static bool find_order(const uint8_t magic[4], bool *big_endian, uint32_t *tick_ns)
{
    for (int big = 0; big < 2; big++) {
        uint32_t value = record_u32(magic, big);
        if (value != MAGIC_MICROSECONDS && value != MAGIC_NANOSECONDS)
            continue;
        *big_endian = big;
        *tick_ns = value == MAGIC_NANOSECONDS ? 1 : 1000;
        return true;
    }
    return false;
}

bool pcap_file_is_magic(const uint8_t magic[4])
{
    bool big_endian;
    uint32_t tick_ns;
    return find_order(magic, &big_endian, &tick_ns);
}

enum record_verdict pcap_file_start(struct pcap_file *file, const uint8_t *at, size_t left,
                                    uint16_t *next_interface, struct record *out)
{
    if (left < FILE_HEADER_LEN) {
        out->need = FILE_HEADER_LEN;
        return RECORD_SHORT;
    }
    if (!find_order(at, &file->big_endian, &file->tick_ns)) {
        snprintf(out->problem, sizeof out->problem, "no pcap header");
        return RECORD_CORRUPT;
    }
    unsigned major = record_u16(at + 4, file->big_endian);
    if (major != MAJOR_VERSION) {
        snprintf(out->problem, sizeof out->problem, "pcap version %u, where only 2 is known",
                 major);
        return RECORD_CORRUPT;
    }
    /* The upper 16 bits say whether frames end with a check sum: IP knows its own length. */
    file->link_type = capture_link_type(record_u32(at + 20, file->big_endian));
    file->interface = record_next_interface(next_interface);
    out->length = FILE_HEADER_LEN;
    return RECORD_OTHER;
}

/* A packet that is whole; false: the record is not, or is none. */
static inline bool take_packet(const struct pcap_file *file, bool big_endian, const uint8_t *at,
                               size_t left, struct packet *out)
{
    if (left < RECORD_HEADER_LEN)
        return false;
    uint32_t captured = record_u32(at + 8, big_endian);
    uint32_t wire = record_u32(at + 12, big_endian);
    if (captured > CAPTURE_PACKET_MAX || left - RECORD_HEADER_LEN < captured)
        return false;
    *out = (struct packet){
        .time_ns = (int64_t)record_u32(at, big_endian) * 1000000000 +
                   (int64_t)record_u32(at + 4, big_endian) * file->tick_ns,
        .bytes = at + RECORD_HEADER_LEN,
        .captured_len = captured,
        /* Some writers leave the length on the wire 0, or put the two in the other order. */
        .wire_len = wire > captured ? wire : captured,
        .link_type = file->link_type,
        .interface = file->interface,
    };
    return true;
}

enum record_verdict pcap_file_next(const struct pcap_file *file, const uint8_t *at, size_t left,
                                   struct record *out)
{
    if (take_packet(file, file->big_endian, at, left, &out->packet)) {
        out->length = RECORD_HEADER_LEN + (size_t)out->packet.captured_len;
        return RECORD_PACKET;
    }
    if (left < RECORD_HEADER_LEN) {
        out->need = RECORD_HEADER_LEN;
        return RECORD_SHORT;
    }
    uint32_t captured = record_u32(at + 8, file->big_endian);
    if (captured > CAPTURE_PACKET_MAX) {
        snprintf(out->problem, sizeof out->problem, "a packet of %" PRIu32 " octets (at most %d)",
                 captured, CAPTURE_PACKET_MAX);
        return RECORD_CORRUPT;
    }
    out->need = RECORD_HEADER_LEN + (size_t)captured;
    return RECORD_SHORT;
}

static inline unsigned take_packets(const struct pcap_file *file, bool big_endian,
                                    const uint8_t *at, size_t left, struct packet *out,
                                    unsigned max, size_t *length)
{
    unsigned count = 0;
    size_t len = 0;
    while (count < max && take_packet(file, big_endian, at + len, left - len, &out[count])) {
        if (left - len > AHEAD) {
            __builtin_prefetch(at + len + AHEAD);
            __builtin_prefetch(at + len + HEADERS);
        }
        len += RECORD_HEADER_LEN + (size_t)out[count++].captured_len;
    }
    *length = len;
    return count;
}

unsigned pcap_file_run(const struct pcap_file *file, const uint8_t *at, size_t left,
                       struct packet *out, unsigned max, size_t *length)
{
    /* One loop for each byte order, which then asks for it no more. */
    return file->big_endian ? take_packets(file, true, at, left, out, max, length)
                            : take_packets(file, false, at, left, out, max, length);
}
