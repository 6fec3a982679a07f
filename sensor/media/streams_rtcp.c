/*
 * RTCP and key exchanges: which stream they are about.
 *
 * RTCP comes from the stream's own port, or the next one (RFC 3550 section 11); where one end's
 * ports are translated, the other end's still say which stream is meant.
 */
#include "media/stream_rtcp.h"
#include "media/streams_table.h"

/* So many packets on their way, or lost before the first one, are no sign of an earlier beginning.
 */
enum { SENT_BEFORE_MIN = 100 };

/* Of one datagram; a sender of voice reports on one or two sources. */
enum { ITEMS_MAX = 32 };

/* The endpoints that the RTP may have, whose RTCP this is. */
struct rtcp_way {
    struct endpoint from[2], to[2];
};

static void set_ends(struct endpoint end[2], const struct endpoint *seen)
{
    end[0] = end[1] = *seen;
    if (seen->port > 1)
        end[1].port--;
}

static void take_later(struct stream **best, struct stream *stream)
{
    if (stream && stream_is_told(stream) &&
        (!*best || stream->source.seen_ns > (*best)->source.seen_ns))
        *best = stream;
}

static bool is_between(const struct stream *stream, uint32_t ssrc, const struct endpoint *src,
                       const struct endpoint *dst)
{
    return stream->ssrc == ssrc && ip_eq(&stream->src.ip, &src->ip) &&
           ip_eq(&stream->dst.ip, &dst->ip);
}

/* The stream of this SSRC from `from` to `to`; where one end's port is translated, by the other's;
 * or NULL. */
static struct stream *find(const struct streams *streams, const struct endpoint from[2],
                           const struct endpoint to[2], uint32_t ssrc)
{
    struct stream *best = NULL;
    for (int i = 0; i < 4; i++)
        take_later(&best, streams_find(streams,
                                       streams_number_of(streams, &from[i / 2], &to[i % 2], ssrc)));
    for (int i = 0; i < 2 && !best; i++) {
        struct stream *at = streams_next_from(streams, &from[i], NULL);
        for (unsigned n = 0; at && n < STREAMS_WALK_MAX; n++) {
            take_later(&best, is_between(at, ssrc, &from[i], &to[i]) ? at : NULL);
            at = streams_next_from(streams, &from[i], at);
        }
        at = streams_next_to(streams, &to[i], NULL);
        for (unsigned n = 0; at && n < STREAMS_WALK_MAX; n++) {
            take_later(&best, is_between(at, ssrc, &from[i], &to[i]) ? at : NULL);
            at = streams_next_to(streams, &to[i], at);
        }
    }
    return best;
}

static struct stream_rtcp *rtcp_of(struct streams *streams, struct stream *stream)
{
    if (!stream->rtcp) {
        stream->rtcp = slab_alloc(&streams->rtcp); /* there is one for each stream */
        stream_rtcp_init(stream->rtcp);
    }
    return stream->rtcp;
}

static void take_sender_info(struct streams *streams, struct stream *stream,
                             const struct rtcp_sender_info *info, int64_t now_ns)
{
    uint32_t passed = rtp_source_expected(&stream->source, &stream->record);
    if (!stream->has_sender_report)
        stream->began_before = info->packets > passed + SENT_BEFORE_MIN;
    stream->has_sender_report = true;
    stream_rtcp_sender_report(rtcp_of(streams, stream), info->ntp_middle, now_ns);
}

static void take_report(struct streams *streams, const struct rtcp_way *way,
                        const struct rtcp_item *item, int64_t now_ns)
{
    struct stream *about = find(streams, way->to, way->from, item->report.ssrc);
    if (!about || about->is_srtp)
        return;
    struct stream *reverse = streams_reverse(streams, about);
    uint32_t expected = rtp_source_expected(&about->source, &about->record);
    struct stream_rtcp_tap tap = {
        .packets = about->source.received,
        .lost = expected - about->source.received,
        .started_ns = about->has_sender_report && !about->began_before ? about->record.first_ns
                                                                       : EVENT_NO_TIME,
    };
    /* Did the stream begin here? Its sender's first report will say; until then no loss is
     * compared, or what was lost before would count as lost behind this sensor. */
    bool is_to_come =
        !about->has_sender_report && now_ns - about->record.first_ns <= STREAM_RTCP_START_NS;
    stream_rtcp_report(rtcp_of(streams, about), reverse ? rtcp_of(streams, reverse) : NULL,
                       item->sender_ssrc, &item->report, is_to_come ? NULL : &tap, now_ns);
}

/* B tells its time: to every stream that goes to B. */
static void take_reference(struct streams *streams, const struct rtcp_way *way,
                           const struct rtcp_item *item, int64_t now_ns)
{
    for (int i = 0; i < 2; i++) {
        struct stream *at = streams_next_to(streams, &way->from[i], NULL);
        for (unsigned n = 0; at && n < STREAMS_WALK_MAX; n++) {
            if (ip_eq(&at->src.ip, &way->to[i].ip) && stream_is_told(at) && !at->is_srtp)
                stream_rtcp_reference(rtcp_of(streams, at), item->rrtr_ntp_middle, now_ns);
            at = streams_next_to(streams, &way->from[i], at);
        }
    }
}

static void take_item(struct streams *streams, const struct rtcp_way *way,
                      const struct rtcp_item *item, int64_t now_ns)
{
    struct stream *stream;
    switch (item->type) {
    case RTCP_SENDER_INFO:
        stream = find(streams, way->from, way->to, item->sender_ssrc);
        if (stream && !stream->is_srtp)
            take_sender_info(streams, stream, &item->sender_info, now_ns);
        break;
    case RTCP_REPORT_BLOCK:
        take_report(streams, way, item, now_ns);
        break;
    case RTCP_XR_RRTR:
        take_reference(streams, way, item, now_ns);
        break;
    case RTCP_XR_DLRR:
        stream = find(streams, way->from, way->to, item->sender_ssrc);
        if (stream && !stream->is_srtp) {
            struct stream *reverse = streams_reverse(streams, stream);
            stream_rtcp_dlrr(rtcp_of(streams, stream), reverse ? reverse->rtcp : NULL, &item->dlrr,
                             now_ns);
        }
        break;
    case RTCP_XR_VOIP:
        stream = find(streams, way->to, way->from, item->voip.ssrc);
        if (stream && !stream->is_srtp)
            stream_rtcp_voip(rtcp_of(streams, stream), &item->voip);
        break;
    case RTCP_BYE:
        break; /* what still comes after it is heard, too */
    }
}

void streams_rtcp(struct streams *streams, const struct datagram *datagram)
{
    struct rtcp_reader reader;
    struct rtcp_item item;
    struct rtcp_way way;
    if (!rtcp_reader_init(&reader, datagram->payload, datagram->truncated)) {
        streams->stats.rtcp_refused++;
        return;
    }
    streams->stats.rtcp++;
    set_ends(way.from, &datagram->src);
    set_ends(way.to, &datagram->dst);
    for (unsigned i = 0; i < ITEMS_MAX && rtcp_reader_next(&reader, &item); i++)
        take_item(streams, &way, &item, datagram->time_ns);
}

bool streams_read_rtcp(const struct streams *streams, const struct datagram *datagram,
                       struct slice *call_id)
{
    struct rtcp_reader reader;
    struct rtcp_item item;
    struct rtcp_way way;
    *call_id = SLICE_NONE;
    if (!rtcp_reader_init(&reader, datagram->payload, datagram->truncated))
        return false;
    set_ends(way.from, &datagram->src);
    set_ends(way.to, &datagram->dst);
    for (int i = 0; i < 2; i++)
        if (streams_has_keys(streams, &way.from[i], &way.to[i]))
            return false;
    for (unsigned i = 0; i < ITEMS_MAX && rtcp_reader_next(&reader, &item); i++) {
        /* About what its sender sends, or else what it receives. */
        uint32_t received = item.type == RTCP_REPORT_BLOCK ? item.report.ssrc
                            : item.type == RTCP_XR_VOIP    ? item.voip.ssrc
                                                           : item.sender_ssrc;
        const struct stream *stream = find(streams, way.from, way.to, item.sender_ssrc);
        if (!stream)
            stream = find(streams, way.to, way.from, received);
        if (stream && stream->is_srtp)
            return false;
        if (stream && stream->state == STREAM_JOINED && call_id->len == 0)
            *call_id = stream_call_id(stream);
    }
    return true;
}

/* --- keys */

/* Not keyed: what is remembered must be the same each time a capture is read. Who chooses pairs
 * that share a place makes them forgotten, and nothing slower. */
static uint64_t pair_of(const struct endpoint *a, const struct endpoint *b)
{
    static const struct hash_key open = {0};
    uint64_t sum = 0;
    const struct endpoint *end[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        uint64_t hash = hash_bytes(&open, end[i]->ip.octets, sizeof end[i]->ip.octets);
        sum += hash_chain(&open, hash, &end[i]->port, sizeof end[i]->port); /* either way */
    }
    return sum | 1;
}

bool streams_has_keys(const struct streams *streams, const struct endpoint *a,
                      const struct endpoint *b)
{
    uint64_t pair = pair_of(a, b);
    return streams->keying[(pair >> 1) % STREAMS_KEYINGS] == pair;
}

static void mark(const struct streams *streams, const struct endpoint *from,
                 const struct endpoint *to)
{
    struct stream *at = streams_next_from(streams, from, NULL);
    for (unsigned i = 0; at && i < STREAMS_WALK_MAX; i++, at = streams_next_from(streams, from, at))
        if (endpoint_eq(&at->dst, to))
            at->has_srtp = at->is_srtp = true;
}

void streams_saw_keying(struct streams *streams, const struct datagram *datagram)
{
    uint64_t pair = pair_of(&datagram->src, &datagram->dst);
    streams->keying[(pair >> 1) % STREAMS_KEYINGS] = pair;
    mark(streams, &datagram->src, &datagram->dst);
    mark(streams, &datagram->dst, &datagram->src);
}
