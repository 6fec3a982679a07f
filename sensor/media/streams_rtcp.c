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

/* The latest of those streams with this SSRC that go between the two hosts. */
static void take_later(struct stream **best, struct stream *stream, uint32_t ssrc,
                       const struct endpoint *src, const struct endpoint *dst)
{
    bool fits = stream->ssrc == ssrc && ip_eq(&stream->src.ip, &src->ip) &&
                ip_eq(&stream->dst.ip, &dst->ip) && stream_is_told(stream);
    if (fits && (!*best || stream->source.seen_ns > (*best)->source.seen_ns))
        *best = stream;
}

/* The stream of this SSRC from `from` to `to`; or NULL. */
static struct stream *find(const struct streams *streams, const struct endpoint from[2],
                           const struct endpoint to[2], uint32_t ssrc)
{
    struct stream *best = NULL;
    for (int i = 0; i < 2; i++) {
        for (struct stream *at = streams_next_from(streams, &from[i], NULL); at;
             at = streams_next_from(streams, &from[i], at))
            take_later(&best, at, ssrc, &from[i], &to[i]);
        for (struct stream *at = streams_next_to(streams, &to[i], NULL); at;
             at = streams_next_to(streams, &to[i], at))
            take_later(&best, at, ssrc, &from[i], &to[i]);
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
    if (!stream->rtcp)
        stream->began_before = info->packets > passed + SENT_BEFORE_MIN;
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
        .started_ns = about->began_before ? EVENT_NO_TIME : about->record.first_ns,
    };
    stream_rtcp_report(rtcp_of(streams, about), reverse ? rtcp_of(streams, reverse) : NULL,
                       item->sender_ssrc, &item->report, &tap, now_ns);
}

/* B tells its time: to every stream that goes to B. */
static void take_reference(struct streams *streams, const struct rtcp_way *way,
                           const struct rtcp_item *item, int64_t now_ns)
{
    for (int i = 0; i < 2; i++)
        for (struct stream *at = streams_next_to(streams, &way->from[i], NULL); at;
             at = streams_next_to(streams, &way->from[i], at))
            if (ip_eq(&at->src.ip, &way->to[i].ip) && stream_is_told(at) && !at->is_srtp)
                stream_rtcp_reference(rtcp_of(streams, at), item->rrtr_ntp_middle, now_ns);
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
    while (rtcp_reader_next(&reader, &item))
        take_item(streams, &way, &item, datagram->time_ns);
}

/* --- keys */

/* The same for both directions. */
static uint64_t pair_of(const struct streams *streams, const struct endpoint *a,
                        const struct endpoint *b)
{
    return (streams_endpoint_hash(streams, a) ^ streams_endpoint_hash(streams, b)) | 1;
}

bool streams_has_keys(const struct streams *streams, const struct endpoint *a,
                      const struct endpoint *b)
{
    uint64_t pair = pair_of(streams, a, b);
    return streams->keying[pair % STREAMS_KEYINGS] == pair;
}

static void mark(const struct streams *streams, const struct endpoint *from,
                 const struct endpoint *to)
{
    for (struct stream *at = streams_next_from(streams, from, NULL); at;
         at = streams_next_from(streams, from, at))
        if (endpoint_eq(&at->dst, to))
            at->has_srtp = at->is_srtp = true;
}

void streams_saw_keying(struct streams *streams, const struct datagram *datagram)
{
    uint64_t pair = pair_of(streams, &datagram->src, &datagram->dst);
    streams->keying[pair % STREAMS_KEYINGS] = pair;
    mark(streams, &datagram->src, &datagram->dst);
    mark(streams, &datagram->dst, &datagram->src);
}
