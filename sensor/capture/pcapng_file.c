#include "capture/pcapng_file.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "capture/capture_backend.h"

enum {
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET = 2, /* obsolete */
    BLOCK_SIMPLE_PACKET = 3,
    BLOCK_ENHANCED_PACKET = 6,
    BLOCK_HEADER_LEN = 8,
    BLOCK_MIN_LEN = 12,

    OPTION_END = 0,
    OPTION_TSRESOL = 9,
    OPTION_TSOFFSET = 14,

    TSRESOL_DEFAULT = 6,
    TSRESOL_DECIMAL_MAX = 19, /* 10^19 is the last power that 64 bits hold */
    TSRESOL_BINARY_MAX = 63,
};

#define BLOCK_SECTION    0x0a0d0d0au /* reads the same in both byte orders */
#define BYTE_ORDER_MAGIC 0x1a2b3c4du

__attribute__((format(printf, 2, 3))) static enum record_verdict corrupt(struct record *out,
                                                                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(out->problem, sizeof out->problem, format, args);
    va_end(args);
    return RECORD_CORRUPT;
}

bool pcapng_file_is_magic(const uint8_t magic[4])
{
    return record_u32(magic, true) == BLOCK_SECTION;
}

void pcapng_file_init(struct pcapng_file *file, uint16_t *next_interface)
{
    *file = (struct pcapng_file){.next_interface = next_interface};
}

void pcapng_file_fini(struct pcapng_file *file)
{
    free(file->interface);
    *file = (struct pcapng_file){0};
}

static enum record_verdict parse_section(struct pcapng_file *file, struct cursor body,
                                         struct record *out)
{
    cursor_skip(&body, 4); /* the byte order, known by now */
    const uint8_t *version = cursor_take(&body, 4);
    if (!version)
        return corrupt(out, "a section header that is too short");
    unsigned major = record_u16(version, file->big_endian);
    if (major != 1)
        return corrupt(out, "pcapng version %u, where only 1 is known", major);
    file->interface_count = 0; /* each section counts its own */
    return RECORD_OTHER;
}

static enum record_verdict set_resolution(struct pcapng_interface *interface, uint8_t value,
                                          struct record *out)
{
    interface->binary = value & 0x80;
    interface->exponent = value & 0x7f;
    if (interface->exponent > (interface->binary ? TSRESOL_BINARY_MAX : TSRESOL_DECIMAL_MAX))
        return corrupt(out, "an interface whose time stamps have an unknown resolution (0x%02x)",
                       value);
    interface->tick_ns = value == 6 ? 1000 : value == 9 ? 1 : 0;
    return RECORD_OTHER;
}

static enum record_verdict parse_interface_options(const struct pcapng_file *file,
                                                   struct pcapng_interface *interface,
                                                   struct cursor body, struct record *out)
{
    bool big_endian = file->big_endian;
    while (body.left >= 4) {
        const uint8_t *header = cursor_take(&body, 4);
        unsigned code = record_u16(header, big_endian);
        unsigned len = record_u16(header + 2, big_endian);
        if (code == OPTION_END)
            break;
        const uint8_t *value = cursor_take(&body, len);
        cursor_skip(&body, -len & 3u);
        if (body.failed)
            return corrupt(out, "an interface with an option past its block's end");
        if (code == OPTION_TSRESOL && len == 1 &&
            set_resolution(interface, value[0], out) == RECORD_CORRUPT)
            return RECORD_CORRUPT;
        if (code == OPTION_TSOFFSET && len == 8) {
            uint64_t first = record_u32(value, big_endian);
            uint64_t second = record_u32(value + 4, big_endian);
            uint64_t offset = big_endian ? first << 32 | second : second << 32 | first;
            interface->offset_s = (int64_t)offset;
        }
    }
    return RECORD_OTHER;
}

static enum record_verdict parse_interface(struct pcapng_file *file, struct cursor body,
                                           struct record *out)
{
    const uint8_t *fixed = cursor_take(&body, 8);
    if (!fixed)
        return corrupt(out, "an interface block that is too short");
    if (file->interface_count == PCAPNG_INTERFACES_MAX)
        return corrupt(out, "more than %d interfaces in a section", PCAPNG_INTERFACES_MAX);
    if (file->interface_count == file->interface_size) {
        uint32_t size = file->interface_size ? file->interface_size * 2 : 4;
        struct pcapng_interface *grown = realloc(file->interface, size * sizeof *grown);
        if (!grown)
            return corrupt(out, "out of memory for its interfaces");
        file->interface = grown;
        file->interface_size = size;
    }
    struct pcapng_interface *interface = &file->interface[file->interface_count];
    *interface = (struct pcapng_interface){
        .link_type = capture_link_type(record_u16(fixed, file->big_endian)),
        .snap_len = record_u32(fixed + 4, file->big_endian),
    };
    (void)set_resolution(interface, TSRESOL_DEFAULT, out);
    if (parse_interface_options(file, interface, body, out) == RECORD_CORRUPT)
        return RECORD_CORRUPT;
    interface->index = record_next_interface(file->next_interface);
    file->interface_count++;
    return RECORD_OTHER;
}

/* Ticks to ns since 1970, for any resolution; false if that is out of range. */
static bool find_time(const struct pcapng_interface *interface, uint64_t ticks, int64_t *time_ns)
{
    unsigned __int128 ns = (unsigned __int128)ticks * 1000000000u;
    if (interface->binary) {
        ns >>= interface->exponent;
    } else {
        uint64_t per_second = 1;
        for (unsigned i = 0; i < interface->exponent; i++)
            per_second *= 10;
        ns /= per_second;
    }
    __int128 time = (__int128)ns + (__int128)interface->offset_s * 1000000000;
    if (time < 0 || time > RECORD_TIME_MAX_NS)
        return false;
    *time_ns = (int64_t)time;
    return true;
}

static bool stamp_packet(const struct pcapng_interface *interface, uint32_t high, uint32_t low,
                         int64_t *time_ns)
{
    uint64_t ticks = (uint64_t)high << 32 | low;
    /* µs and ns without an offset are what there is in practice: no wide division for them. */
    if (interface->tick_ns > 0 && interface->offset_s == 0) {
        *time_ns = (int64_t)(ticks * interface->tick_ns);
        return ticks <= (uint64_t)RECORD_TIME_MAX_NS / interface->tick_ns;
    }
    return find_time(interface, ticks, time_ns);
}

/* The packet's octets are the next in `body`. */
static enum record_verdict give_packet(struct pcapng_file *file,
                                       const struct pcapng_interface *interface, struct cursor body,
                                       uint32_t captured, uint32_t wire, struct record *out)
{
    if (captured > CAPTURE_PACKET_MAX)
        return corrupt(out, "a packet of %" PRIu32 " octets (at most %d)", captured,
                       CAPTURE_PACKET_MAX);
    const uint8_t *bytes = cursor_take(&body, captured);
    if (!bytes)
        return corrupt(out, "a packet of %" PRIu32 " octets in a smaller block", captured);
    out->packet = (struct packet){
        .time_ns = file->last_time_ns,
        .bytes = bytes,
        .captured_len = captured,
        .wire_len = wire > captured ? wire : captured,
        .link_type = interface->link_type,
        .interface = interface->index,
    };
    return RECORD_PACKET;
}

/* Enhanced and obsolete Packet Blocks differ only in the width of the interface's number. */
static enum record_verdict parse_packet(struct pcapng_file *file, uint32_t type, struct cursor body,
                                        struct record *out)
{
    bool big_endian = file->big_endian;
    const uint8_t *fixed = cursor_take(&body, 20);
    if (!fixed)
        return corrupt(out, "a packet block that is too short");
    uint32_t id =
        type == BLOCK_PACKET ? record_u16(fixed, big_endian) : record_u32(fixed, big_endian);
    if (id >= file->interface_count)
        return corrupt(out, "a packet of interface %" PRIu32 ", which was not announced", id);
    const struct pcapng_interface *interface = &file->interface[id];
    if (!stamp_packet(interface, record_u32(fixed + 4, big_endian),
                      record_u32(fixed + 8, big_endian), &file->last_time_ns))
        return corrupt(out, "a packet whose time stamp is out of range");
    return give_packet(file, interface, body, record_u32(fixed + 12, big_endian),
                       record_u32(fixed + 16, big_endian), out);
}

static enum record_verdict parse_simple_packet(struct pcapng_file *file, struct cursor body,
                                               struct record *out)
{
    const uint8_t *fixed = cursor_take(&body, 4);
    if (!fixed)
        return corrupt(out, "a packet block that is too short");
    if (file->interface_count == 0)
        return corrupt(out, "a packet of interface 0, which was not announced");
    const struct pcapng_interface *interface = &file->interface[0];
    uint32_t wire = record_u32(fixed, file->big_endian);
    uint32_t captured = wire;
    if (interface->snap_len > 0 && captured > interface->snap_len)
        captured = interface->snap_len;
    return give_packet(file, interface, body, captured, wire, out);
}

static enum record_verdict parse_block(struct pcapng_file *file, uint32_t type, struct cursor body,
                                       struct record *out)
{
    switch (type) {
    case BLOCK_ENHANCED_PACKET:
    case BLOCK_PACKET:
        return parse_packet(file, type, body, out);
    case BLOCK_SIMPLE_PACKET:
        return parse_simple_packet(file, body, out);
    case BLOCK_INTERFACE:
        return parse_interface(file, body, out);
    case BLOCK_SECTION:
        return parse_section(file, body, out);
    default:
        return RECORD_OTHER;
    }
}

enum record_verdict pcapng_file_next(struct pcapng_file *file, const uint8_t *at, size_t left,
                                     struct record *out)
{
    if (left < BLOCK_MIN_LEN) {
        out->need = BLOCK_MIN_LEN;
        return RECORD_SHORT;
    }
    uint32_t type = record_u32(at, file->big_endian);
    bool big_endian = file->big_endian;
    if (type == BLOCK_SECTION) {
        /* A section may have another byte order than the one before it. */
        big_endian = record_u32(at + 8, true) == BYTE_ORDER_MAGIC;
        if (record_u32(at + 8, big_endian) != BYTE_ORDER_MAGIC)
            return corrupt(out, "a section header without its byte order");
    }
    uint32_t length = record_u32(at + 4, big_endian);
    if (length < BLOCK_MIN_LEN || length % 4 != 0 || length > PCAPNG_BLOCK_MAX)
        return corrupt(out, "a block of %" PRIu32 " octets (12 to %d, in steps of 4)", length,
                       PCAPNG_BLOCK_MAX);
    if (left < length) {
        out->need = length;
        return RECORD_SHORT;
    }
    if (record_u32(at + length - 4, big_endian) != length)
        return corrupt(out, "a block whose two lengths differ");
    file->big_endian = big_endian;
    out->length = length;
    struct cursor body = cursor_of(at + BLOCK_HEADER_LEN, length - BLOCK_MIN_LEN);
    return parse_block(file, type, body, out);
}
