#include <stdlib.h>
#include <string.h>

#include "scenario_line.h"

/*
 * A line's packets are planned one after the other as their sender means them; then some change
 * places on the way, and what is left of them is written.
 */

enum {
    RTP_HEADER = 12,
    PAYLOAD_DEFAULT = 160,
    EVENT_TYPE = 101,
    EVENT_ENDS = 3, /* the end of an event is said three times, RFC 4733 section 2.5.1.4 */
    COMFORT_NOISE_TYPE = 13,
    SRTP_TAG = 10,
    CSRCS_MAX = 15,
    ENTRY_ROOM = 64,
    LONGEST = 2048, /* headers, extension and padding */
};

struct planned {
    int64_t index;
    uint32_t timestamp;
    uint16_t sequence, bytes, duration; /* duration: of an event */
    uint8_t type;
    bool marker, is_event, is_end;
};

/* What the packets from here on are like. */
struct sender {
    int64_t bytes, step, event_left, event_count;
    int64_t offset_ns, delay_ns;
    uint32_t timestamp, event_timestamp;
    uint16_t sequence;
    uint8_t type;
};

/* Whether "3,10-12,20-90/10" names this index. */
static bool is_listed(const struct line *l, const char *list, int64_t index)
{
    for (const char *at = list; at && *at;) {
        char *end;
        long long first = strtoll(at, &end, 10), last = first, every = 1;
        if (*end == '-' && end > at)
            last = strtoll(end + 1, &end, 10);
        if (*end == '/')
            every = strtoll(end + 1, &end, 10);
        if ((*end && *end != ',') || end == at || every < 1)
            scenario_fail(l->s, "%s: not like 3,10-12,20-90/10", list);
        if (index >= first && index <= last && (index - first) % every == 0)
            return true;
        at = *end ? end + 1 : end;
    }
    return false;
}

/* What "INDEX:VALUE,..." says of this index, in `entry`; false: nothing. */
static bool find_entry(const struct line *l, const char *list, int64_t index,
                       char entry[ENTRY_ROOM])
{
    for (const char *at = list; at && *at;) {
        char *end;
        long long found = strtoll(at, &end, 10);
        size_t len = strcspn(at, ",");
        if (*end != ':' || end == at || len >= ENTRY_ROOM)
            scenario_fail(l->s, "%s: not like 3:VALUE,10:VALUE", list);
        if (found == index) {
            snprintf(entry, ENTRY_ROOM, "%.*s", (int)(at + len - end - 1), end + 1);
            return true;
        }
        at += len + (at[len] == ',');
    }
    return false;
}

static int64_t number_in(const struct line *l, const char *text)
{
    int64_t value;
    if (text_to_int(text, UINT32_MAX, &value))
        scenario_fail(l->s, "%s: not a number up to 2^32-1", text);
    return value;
}

/* The number that the list gives to this index, or 0. */
static int64_t entry_number(const struct line *l, const char *list, int64_t index)
{
    char entry[ENTRY_ROOM];
    return find_entry(l, list, index, entry) ? number_in(l, entry) : 0;
}

/* "TYPE[:STEP[:BYTES]]". */
static void change_type(const struct line *l, struct sender *sender, char *entry)
{
    char *save = NULL;
    const char *type = strtok_r(entry, ":", &save), *step = strtok_r(NULL, ":", &save);
    const char *bytes = strtok_r(NULL, ":", &save);
    sender->type = (uint8_t)number_in(l, type ? type : "");
    if (step)
        sender->step = number_in(l, step);
    if (bytes)
        sender->bytes = number_in(l, bytes);
}

/* What happens at this packet; whether it begins a talkspurt. */
static bool move_on(const struct line *l, struct sender *sender, int64_t index)
{
    const struct spec *spec = l->spec;
    char entry[ENTRY_ROOM];
    int64_t silent = entry_number(l, spec->pause, index);
    sender->timestamp += (uint32_t)(silent * sender->step);
    sender->offset_ns += silent * or_else(spec->interval, 20000000);
    sender->sequence = (uint16_t)(sender->sequence + entry_number(l, spec->jump, index));
    sender->timestamp += (uint32_t)entry_number(l, spec->ts_jump, index);
    if (find_entry(l, spec->change, index, entry))
        change_type(l, sender, entry);
    if (find_entry(l, spec->delay, index, entry) && text_to_ns(entry, &sender->delay_ns))
        scenario_fail(l->s, "delay=%s: not a number of seconds", entry);
    int64_t event = entry_number(l, spec->events, index);
    if (event > 0) {
        if (event < EVENT_ENDS)
            scenario_fail(l->s, "events: of at least %d packets", EVENT_ENDS);
        sender->event_left = sender->event_count = event;
        sender->event_timestamp = sender->timestamp;
    }
    return silent > 0 || index == 0;
}

static struct planned plan_packet(const struct line *l, struct sender *sender, int64_t index)
{
    const struct spec *spec = l->spec;
    bool begins = move_on(l, sender, index);
    struct planned p = {.index = index,
                        .timestamp = sender->timestamp,
                        .sequence = sender->sequence,
                        .bytes = (uint16_t)sender->bytes,
                        .type = sender->type,
                        .marker = spec->marker ? false : begins};
    if (sender->event_left > 0) {
        int64_t sent = sender->event_count - sender->event_left--;
        int64_t longest = sender->event_count - EVENT_ENDS;
        p.is_event = true;
        p.is_end = sent >= longest;
        p.duration = (uint16_t)(((p.is_end ? longest : sent) + 1) * sender->step);
        p.bytes = 4;
        p.type = (uint8_t)or_else(spec->event_pt, EVENT_TYPE);
        p.timestamp = sender->event_timestamp;
        p.marker = p.marker || (!spec->marker && sent == 0);
    } else if (is_listed(l, spec->comfort_noise, index)) {
        p.type = COMFORT_NOISE_TYPE;
        p.bytes = 1;
    }
    if (spec->marker && strcmp(spec->marker, "-") != 0 && is_listed(l, spec->marker, index))
        p.marker = true;
    sender->timestamp += (uint32_t)sender->step;
    sender->sequence++;
    return p;
}

/* "INDEX:PLACES,...", one after the other. */
static void move_packets(const struct line *l, struct planned *plan, int64_t count)
{
    for (const char *at = l->spec->late; at && *at;) {
        char *end;
        long long index = strtoll(at, &end, 10), from = 0;
        long long places = *end == ':' ? strtoll(end + 1, &end, 10) : 0;
        while (from < count && plan[from].index != index)
            from++;
        if ((*end && *end != ',') || places < 1 || from + places >= count)
            scenario_fail(l->s, "late=%s: not like 3:1,10:2, or beyond the last", l->spec->late);
        struct planned moved = plan[from];
        memmove(plan + from, plan + from + 1, (size_t)places * sizeof *plan);
        plan[from + places] = moved;
        at = *end ? end + 1 : end;
    }
}

/* What is not the codec's: CSRCs and a header extension (RFC 3550 sections 5.1 and 5.3.1). */
static void add_header(const struct line *l, const struct planned *p, struct text *out)
{
    const struct spec *spec = l->spec;
    int64_t csrcs = or_else(spec->csrcs, 0), words = or_else(spec->extension, 0);
    if (csrcs > CSRCS_MAX || words * 4 > LONGEST / 2 || spec->padding > UINT8_MAX)
        scenario_fail(l->s, "csrcs, extension or padding: too many");
    unsigned first = 0x80U | (unsigned)csrcs | (spec->extension >= 0 ? 0x10 : 0) |
                     (spec->padding > 0 ? 0x20 : 0);
    text_put_u16(out, first << 8 | (p->marker ? 0x80U : 0) | p->type);
    text_put_u16(out, p->sequence);
    text_put_u32(out, p->timestamp);
    text_put_u32(out, (uint32_t)or_else(spec->ssrc, 0x1234abcd));
    for (int64_t i = 0; i < csrcs; i++)
        text_put_u32(out, 0xc5c50000 + (uint32_t)i);
    if (spec->extension >= 0) {
        text_put_u16(out, 0xbede);
        text_put_u16(out, (unsigned)words);
        for (int64_t i = 0; i < words; i++)
            text_put_u32(out, 0x10aa0000); /* an element of one octet, and padding (RFC 8285) */
    }
}

static void add_payload(const struct line *l, const struct planned *p, struct text *out)
{
    struct prng prng = {.state = (uint64_t)l->spec->ssrc << 16 | p->sequence};
    unsigned len = p->bytes + (l->spec->srtp ? SRTP_TAG : 0U);
    if (p->is_event && !l->spec->srtp) {
        text_put_u16(out, p->is_end ? 0x8a : 0x0a); /* event 0, its end, volume 10 */
        text_put_u16(out, p->duration);
        return;
    }
    for (unsigned i = 0; i < len; i++)
        text_put(out, &(uint8_t){l->spec->srtp ? (uint8_t)prng_next(&prng) : 0xd5}, 1);
    int64_t padding = or_else(l->spec->padding, 0);
    for (int64_t i = 1; i <= padding; i++)
        text_put(out, &(uint8_t){i == padding ? (uint8_t)padding : 0}, 1);
}

static void put_packet(struct line *l, const struct planned *p, int64_t time_ns)
{
    const struct spec *spec = l->spec;
    int64_t again_ns = time_ns + or_else(spec->again_after, 5000000);
    struct text bytes = {0};
    add_header(l, p, &bytes);
    add_payload(l, p, &bytes);
    line_put_udp(l, time_ns, bytes.at, bytes.len);
    if (is_listed(l, spec->doubled, p->index))
        line_put_udp_again(l, again_ns, bytes.at, bytes.len);
    if (is_listed(l, spec->twice, p->index))
        line_put_udp(l, again_ns, bytes.at, bytes.len);
    text_fini(&bytes);
}

void rtp_add(struct line *l)
{
    const struct spec *spec = l->spec;
    int64_t count = or_else(spec->count, 1), interval_ns = or_else(spec->interval, 20000000);
    struct sender sender = {.bytes = or_else(spec->bytes, PAYLOAD_DEFAULT),
                            .step = or_else(spec->step, 160),
                            .timestamp = (uint32_t)or_else(spec->ts, 0),
                            .sequence = (uint16_t)or_else(spec->seq, 1),
                            .type = (uint8_t)or_else(spec->pt, 0)};
    if (spec->src_port < 0)
        l->frame.src.port = MEDIA_PORT;
    if (spec->dst_port < 0)
        l->frame.dst.port = MEDIA_PORT;
    if (sender.bytes > UDP_PAYLOAD_MAX - LONGEST || count > SCENARIO_FRAMES_MAX)
        scenario_fail(l->s, "bytes or count: too many");
    struct planned *plan = must_alloc((size_t)count * sizeof *plan);
    int64_t *place_ns = must_alloc((size_t)count * sizeof *place_ns);
    for (int64_t i = 0; i < count; i++) {
        plan[i] = plan_packet(l, &sender, i);
        place_ns[i] = l->time_ns + sender.offset_ns + sender.delay_ns;
        sender.offset_ns += interval_ns;
    }
    move_packets(l, plan, count);
    for (int64_t i = 0; i < count; i++) {
        int64_t late_ns = i % 2 ? or_else(spec->alternate, 0) : 0;
        if (spec->jitter > 0)
            late_ns += (int64_t)(prng_unit(&l->s->prng) * (double)spec->jitter);
        if (!is_listed(l, spec->gone, plan[i].index))
            put_packet(l, &plan[i], place_ns[i] + late_ns);
    }
    free(place_ns);
    free(plan);
}
