#include "rtp/rtcp_packet.h"

enum { VERSION = 2, PADDED = 0x20, COUNT = 0x1f, HEADER_LEN = 4 };

/* RFC 3550 section 12.1, RFC 4585 section 6.1, RFC 3611 section 2. */
enum {
    TYPE_LOWEST = 192, /* RFC 5761 section 4: below and above it would be RTP */
    TYPE_SR = 200,
    TYPE_RR = 201,
    TYPE_SDES = 202,
    TYPE_BYE = 203,
    TYPE_APP = 204,
    TYPE_RTPFB = 205,
    TYPE_PSFB = 206,
    TYPE_XR = 207,
    TYPE_HIGHEST = 223
};

enum {
    SSRC_LEN = 4,
    SENDER_INFO_LEN = 20,
    REPORT_BLOCK_LEN = 24,
    APP_LEN = 8,      /* SSRC and name */
    FEEDBACK_LEN = 8, /* SSRCs of its sender and of the media */
};

/* RFC 3611 section 4. */
enum {
    BLOCK_NONE = 0, /* reserved: no block is being read */
    BLOCK_RRTR = 4,
    BLOCK_DLRR = 5,
    BLOCK_VOIP = 7,
    DLRR_LEN = 12 /* of a sub-block */
};

struct packet_header {
    uint8_t type, count;
    bool is_padded;
    size_t len; /* of what follows the header */
};

static bool read_header(struct cursor *c, struct packet_header *header)
{
    uint8_t first = cursor_u8(c);
    header->type = cursor_u8(c);
    header->len = (size_t)cursor_u16(c) * 4;
    header->count = first & COUNT;
    header->is_padded = first & PADDED;
    return !c->failed && first >> 6 == VERSION && header->type >= TYPE_LOWEST &&
           header->type <= TYPE_HIGHEST;
}

/* What a packet must hold to be what it says. */
static size_t least_len(const struct packet_header *header)
{
    switch (header->type) {
    case TYPE_SR:
        return SSRC_LEN + SENDER_INFO_LEN + (size_t)header->count * REPORT_BLOCK_LEN;
    case TYPE_RR:
        return SSRC_LEN + (size_t)header->count * REPORT_BLOCK_LEN;
    case TYPE_SDES:
    case TYPE_BYE:
        return (size_t)header->count * SSRC_LEN;
    case TYPE_APP:
        return APP_LEN;
    case TYPE_RTPFB:
    case TYPE_PSFB:
        return FEEDBACK_LEN;
    case TYPE_XR:
        return SSRC_LEN;
    default:
        return 0;
    }
}

/* The octets of padding at the end of a packet's body, their count in the last; 0: no padding can
 * be like that. */
static size_t padding_len(struct cursor body)
{
    size_t padding = body.left > 0 ? body.at[body.left - 1] : 0;
    return padding % 4 == 0 && padding <= body.left ? padding : 0;
}

/*
 * The body of one packet. Padding stands behind the last packet of a datagram only (RFC 3550
 * section 6.4.1), which also has to have room for it.
 */
static bool check_body(const struct packet_header *header, struct cursor body, bool is_last,
                       size_t *padding)
{
    *padding = 0;
    if (header->is_padded) {
        *padding = padding_len(body);
        if (!is_last || *padding == 0)
            return false;
    }
    return header->len - *padding >= least_len(header);
}

/* Without the one to three octets of 0 that some put behind the last packet. */
static size_t without_surplus(struct slice payload)
{
    size_t len = payload.len;
    while (len % 4 != 0 && payload.at[len - 1] == 0)
        len--;
    return len;
}

bool rtcp_reader_init(struct rtcp_reader *reader, struct slice payload, bool is_truncated)
{
    size_t len = is_truncated ? payload.len : without_surplus(payload);
    *reader = (struct rtcp_reader){.packets = cursor_of(payload.at, len)};
    struct cursor c = reader->packets;
    bool is_first = true;
    do {
        struct packet_header header;
        if (is_truncated && !is_first && c.left < HEADER_LEN)
            return true;
        if (!read_header(&c, &header))
            return false;
        /* RFC 5506 lets any type be first; what nobody sends alone is more likely no RTCP at all.
         */
        if (is_first && (header.type < TYPE_SR || header.type > TYPE_XR))
            return false;
        if (header.len > c.left)
            return is_truncated && header.len >= least_len(&header);
        struct cursor body = cursor_sub(&c, header.len);
        size_t padding;
        if (!check_body(&header, body, c.left == 0, &padding))
            return false;
        reader->packets.left -= padding;
        is_first = false;
    } while (c.left > 0);
    return true;
}

static uint32_t read_ntp_middle(struct cursor *c)
{
    uint32_t seconds = cursor_u32(c);
    return seconds << 16 | cursor_u32(c) >> 16;
}

static bool next_sender_info(struct rtcp_reader *reader, struct rtcp_item *item)
{
    struct cursor *c = &reader->body;
    item->type = RTCP_SENDER_INFO;
    item->sender_info.ntp_seconds = cursor_u32(c);
    item->sender_info.ntp_fraction = cursor_u32(c);
    item->sender_info.ntp_middle =
        item->sender_info.ntp_seconds << 16 | item->sender_info.ntp_fraction >> 16;
    item->sender_info.rtp_timestamp = cursor_u32(c);
    item->sender_info.packets = cursor_u32(c);
    item->sender_info.octets = cursor_u32(c);
    reader->packet_type = TYPE_RR; /* which the rest of an SR is like */
    return !c->failed;
}

static bool next_report(struct rtcp_reader *reader, struct rtcp_item *item)
{
    struct cursor *c = &reader->body;
    if (reader->count == 0)
        return false;
    reader->count--;
    item->type = RTCP_REPORT_BLOCK;
    item->report.ssrc = cursor_u32(c);
    uint32_t lost = cursor_u32(c);
    item->report.fraction_lost = (uint8_t)(lost >> 24);
    lost &= 0xffffff;
    item->report.cumulative_lost = (int32_t)lost - (lost & 0x800000 ? 0x1000000 : 0);
    item->report.highest_sequence = cursor_u32(c);
    item->report.jitter = cursor_u32(c);
    item->report.lsr = cursor_u32(c);
    item->report.dlsr = cursor_u32(c);
    return !c->failed;
}

static bool next_bye(struct rtcp_reader *reader, struct rtcp_item *item)
{
    if (reader->count == 0)
        return false;
    reader->count--;
    item->type = RTCP_BYE;
    item->sender_ssrc = cursor_u32(&reader->body);
    return !reader->body.failed;
}

static bool next_dlrr(struct rtcp_reader *reader, struct rtcp_item *item)
{
    struct cursor *c = &reader->block;
    if (c->left < DLRR_LEN)
        return false;
    item->type = RTCP_XR_DLRR;
    item->dlrr.ssrc = cursor_u32(c);
    item->dlrr.lrr = cursor_u32(c);
    item->dlrr.dlrr = cursor_u32(c);
    return true;
}

static bool read_voip(struct cursor *c, struct rtcp_xr_voip *voip)
{
    voip->ssrc = cursor_u32(c);
    voip->loss_rate = cursor_u8(c);
    voip->discard_rate = cursor_u8(c);
    voip->burst_density = cursor_u8(c);
    voip->gap_density = cursor_u8(c);
    voip->burst_duration_ms = cursor_u16(c);
    voip->gap_duration_ms = cursor_u16(c);
    voip->round_trip_ms = cursor_u16(c);
    voip->end_system_ms = cursor_u16(c);
    voip->signal_level = (int8_t)cursor_u8(c);
    voip->noise_level = (int8_t)cursor_u8(c);
    voip->rerl = cursor_u8(c);
    voip->gmin = cursor_u8(c);
    voip->r_factor = cursor_u8(c);
    voip->external_r_factor = cursor_u8(c);
    voip->mos_lq = cursor_u8(c);
    voip->mos_cq = cursor_u8(c);
    voip->rx_config = cursor_u8(c);
    cursor_skip(c, 1);
    voip->jitter_buffer_nominal_ms = cursor_u16(c);
    voip->jitter_buffer_max_ms = cursor_u16(c);
    voip->jitter_buffer_absolute_max_ms = cursor_u16(c);
    return !c->failed;
}

/* The block that has been opened; DLRR gives its sub-blocks one by one. */
static bool next_of_block(struct rtcp_reader *reader, struct rtcp_item *item)
{
    uint8_t type = reader->block_type;
    if (type == BLOCK_DLRR)
        return next_dlrr(reader, item);
    reader->block_type = BLOCK_NONE;
    if (type == BLOCK_RRTR) {
        item->type = RTCP_XR_RRTR;
        item->rrtr_ntp_middle = read_ntp_middle(&reader->block);
        return !reader->block.failed;
    }
    if (type == BLOCK_VOIP) {
        item->type = RTCP_XR_VOIP;
        return read_voip(&reader->block, &item->voip);
    }
    return false;
}

/* Blocks follow one another; the first that goes beyond its packet ends it. */
static bool next_block_item(struct rtcp_reader *reader, struct rtcp_item *item)
{
    struct cursor *c = &reader->body;
    while (!next_of_block(reader, item)) {
        reader->block_type = cursor_u8(c);
        cursor_skip(c, 1);
        size_t len = (size_t)cursor_u16(c) * 4;
        reader->block = cursor_sub(c, len);
        if (c->failed)
            return false;
    }
    return true;
}

static bool next_of_packet(struct rtcp_reader *reader, struct rtcp_item *item)
{
    item->sender_ssrc = reader->sender_ssrc;
    switch (reader->packet_type) {
    case TYPE_SR:
        return next_sender_info(reader, item);
    case TYPE_RR:
        return next_report(reader, item);
    case TYPE_BYE:
        return next_bye(reader, item);
    case TYPE_XR:
        return next_block_item(reader, item);
    default:
        return false;
    }
}

/* The last packet is shorter than it says where its padding is left out, or a snap length cut it.
 */
static bool open_packet(struct rtcp_reader *reader)
{
    struct cursor *c = &reader->packets;
    struct packet_header header;
    if (c->left < HEADER_LEN || !read_header(c, &header))
        return false;
    reader->body = cursor_sub(c, header.len < c->left ? header.len : c->left);
    reader->packet_type = header.type;
    reader->count = header.count;
    reader->block_type = BLOCK_NONE;
    if (header.type == TYPE_SR || header.type == TYPE_RR || header.type == TYPE_XR)
        reader->sender_ssrc = cursor_u32(&reader->body);
    if (header.type == TYPE_SDES && header.count > 0 && reader->sdes_ssrc == 0)
        reader->sdes_ssrc = cursor_u32(&reader->body);
    return true;
}

bool rtcp_reader_next(struct rtcp_reader *reader, struct rtcp_item *item)
{
    while (!next_of_packet(reader, item))
        if (!open_packet(reader))
            return false;
    return true;
}
