#include "call/media_map.h"

#include <errno.h>
#include <stdlib.h>

#include "call/media_announcements.h"

enum {
    PAIRS_MAX = 4,    /* of consecutive ports in one m= section */
    ANSWERS_MAX = 64, /* streams that are looked at for one that answers another, the latest */
};

enum { LONG_LIST_BYTES = MEDIA_MAP_PAYLOADS_MAX * sizeof(struct media_map_payload) };

size_t media_map_bytes_each(void)
{
    return sizeof(struct media_announcement) + LONG_LIST_BYTES / MEDIA_MAP_PER_LONG_LIST +
           sizeof(void *);
}

int media_map_init(struct media_map *map, size_t announcements, struct streams *streams,
                   struct codec_book *codecs)
{
    *map = (struct media_map){.key = hash_key_random()};
    if (!streams || !codecs)
        return 0;
    map->hosts = calloc(MEDIA_MAP_HOSTS, sizeof *map->hosts);
    if (!map->hosts || table_init_dense(&map->table) ||
        slab_init(&map->announcements, sizeof(struct media_announcement), announcements) ||
        slab_init(&map->payloads, LONG_LIST_BYTES, announcements / MEDIA_MAP_PER_LONG_LIST + 1)) {
        media_map_fini(map);
        return -ENOMEM;
    }
    map->streams = streams;
    map->codecs = codecs;
    return 0;
}

void media_map_fini(struct media_map *map)
{
    slab_fini(&map->payloads);
    slab_fini(&map->announcements);
    table_fini(&map->table);
    free(map->hosts);
    *map = (struct media_map){0};
}

/* Places are not keyed: what is known of a host must be the same each time a capture is read. */
struct media_host *media_map_host(struct media_map *map, const struct ip_addr *ip)
{
    static const struct hash_key open = {0};
    uint64_t hash = hash_bytes(&open, ip->octets, sizeof ip->octets);
    struct media_host *host = &map->hosts[hash % MEDIA_MAP_HOSTS];
    if (!ip_eq(&host->ip, ip))
        *host = (struct media_host){.ip = *ip};
    return host;
}

uint32_t media_map_dialog(const struct dialog *dialog)
{
    return dialog ? (uint32_t)dialog->tag_hash | 1 : 0;
}

static bool is_later(uint32_t moment, uint32_t than)
{
    return (int32_t)(moment - than) > 0;
}

/* Of one call, the latest first. */
#define EACH_ANNOUNCEMENT(at, call)                                                                \
    struct media_announcement *at = (call)->announced;                                             \
    at;                                                                                            \
    at = at->older

static struct media_announcement *find_in_call(const struct call *call,
                                               const struct endpoint *endpoint)
{
    for (EACH_ANNOUNCEMENT(at, call))
        if (endpoint_eq(&at->rtp, endpoint))
            return at;
    return NULL;
}

const struct media_announcement *media_map_find(const struct call *call,
                                                const struct dialog *dialog, bool from_callee,
                                                uint16_t port)
{
    const struct media_announcement *other_dialog = NULL;
    for (EACH_ANNOUNCEMENT(at, call)) {
        if (at->from_callee != from_callee || (port != 0 && at->rtp.port != port))
            continue;
        if (at->dialog == media_map_dialog(dialog))
            return at;
        if (at->dialog == 0 && !other_dialog)
            other_dialog = at;
    }
    return other_dialog;
}

/* CODEC_NONE: it does not name this payload type, or a codec that is not known. */
static uint16_t codec_in(const struct media_announcement *announcement, uint8_t type,
                         bool *is_named)
{
    const struct media_map_payload *payload = media_map_payloads(announcement);
    for (unsigned i = 0; i < announcement->payload_count; i++)
        if (payload[i].type == type) {
            *is_named = true;
            return payload[i].codec;
        }
    return CODEC_NONE;
}

/* The codec that this call's descriptions give to a payload type between these two. */
static uint16_t codec_of(const struct call *call, const struct endpoint *src,
                         const struct endpoint *dst, uint8_t type, bool *is_named)
{
    const struct endpoint *const ends[] = {dst, src};
    uint16_t codec;
    *is_named = false;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        const struct media_announcement *announcement = find_in_call(call, ends[i]);
        if (announcement && (codec = codec_in(announcement, type, is_named)) != CODEC_NONE)
            return codec;
    }
    for (EACH_ANNOUNCEMENT(at, call))
        if ((codec = codec_in(at, type, is_named)) != CODEC_NONE)
            return codec;
    return CODEC_NONE;
}

uint16_t media_map_codec(void *context, const struct stream *stream, uint8_t payload_type)
{
    bool is_named;
    (void)context;
    if (!stream->call)
        return CODEC_NONE;
    return codec_of(stream->call, &stream->src, &stream->dst, payload_type, &is_named);
}

/* By what the two ends announced: an offer may leave the choice to the answer (RFC 8643). */
static void note_encryption(const struct call *call, struct stream *stream)
{
    const struct media_announcement *dst = find_in_call(call, &stream->dst);
    const struct media_announcement *src = find_in_call(call, &stream->src);
    if (!dst && !src)
        return;
    stream->has_srtp = true;
    stream->is_srtp = (!dst || dst->is_secure) && (!src || src->is_secure);
}

static void join(struct media_map *map, struct stream *stream, struct call *call, bool from_callee)
{
    struct list *before = call->streams.prev;
    while (before != &call->streams && stream_at(before)->record.first_ns > stream->record.first_ns)
        before = before->prev;
    streams_join(map->streams, stream, call, call->call_id, from_callee);
    list_append(before->next, &stream->in_call); /* to append to a node is to come before it */
    note_encryption(call, stream);
    media_map_host(map, &stream->src.ip)->is_heard = true;
    if (map->joined)
        map->joined(map->context, call);
}

/* Does it go to exactly where the other one comes from, and come from the host that this one goes
 * to, from whatever port? */
static bool answers(const struct stream *stream, const struct stream *other)
{
    return endpoint_eq(&stream->dst, &other->src) && ip_eq(&stream->src.ip, &other->dst.ip);
}

struct answered {
    struct media_map *map;
    const struct stream *stream; /* of a call */
};

static void join_answer(void *context, struct stream *stream)
{
    const struct answered *answered = context;
    const struct stream *other = answered->stream;
    if (answers(stream, other))
        join(answered->map, stream, other->call, !other->from_callee);
}

/* It, and what answered it before anybody knew of what call it is. What answers those in turn is
 * left alone: forged ones make chains of any length. */
static void join_both_ways(struct media_map *map, struct stream *stream, struct call *call,
                           bool from_callee)
{
    join(map, stream, call, from_callee);
    streams_each_alone(map->streams, &stream->src, join_answer, &(struct answered){map, stream});
}

/* Which side sends it, where one end of it was announced and says this? Between two that answer one
 * another both cannot be right, and the one that is of the call already stays as it is. */
static bool is_from_callee(const struct call *call, const struct stream *stream,
                           const struct endpoint *other_end, bool is_said)
{
    if (find_in_call(call, other_end))
        return is_said;
    struct list *node = call->streams.prev;
    for (unsigned i = 0; node != &call->streams && i < ANSWERS_MAX; i++, node = node->prev) {
        const struct stream *at = stream_at(node);
        if (answers(stream, at) || answers(at, stream))
            return !at->from_callee;
    }
    return is_said;
}

/* How well an announcement of one end fits the stream, or another stream does: more of these bits,
 * the higher ones first. Proven is a call that both sides speak in: anybody can send an INVITE that
 * nobody answers. */
enum { FITS = 1, KNOWS_OTHER_END = 2, IS_PROVEN = 4, IS_OPEN = 8, IS_EXACT = 16 };

static int fitness(const struct media_announcement *announcement, const struct endpoint *other_end)
{
    const struct call *call = announcement->call;
    return FITS + (call->phase != PHASE_CLOSING ? IS_OPEN : 0) +
           (call->heard == HEARD_BOTH ? IS_PROVEN : 0) +
           (find_in_call(call, other_end) ? KNOWS_OTHER_END : 0);
}

/* The announcement of this end that the stream is meant by; NULL: there is none. With `type`, only
 * of calls that name this payload type. */
static const struct media_announcement *best_of(const struct media_map *map,
                                                const struct endpoint *end,
                                                const struct endpoint *other_end,
                                                const uint8_t *type)
{
    const struct media_announcement *best = NULL;
    int best_fitness = 0;
    struct table_node *node = media_announcements_at(map, end);
    for (unsigned i = 0; node && i < MEDIA_MAP_WALK_MAX; i++, node = table_next(node)) {
        const struct media_announcement *at = CONTAINER_OF(node, struct media_announcement, node);
        bool is_named = true;
        if (!endpoint_eq(&at->rtp, end))
            continue;
        if (type)
            codec_of(at->call, end, other_end, *type, &is_named);
        int fits = is_named ? fitness(at, other_end) : 0;
        if (fits > best_fitness ||
            (fits > 0 && fits == best_fitness && is_later(at->moment, best->moment))) {
            best = at;
            best_fitness = fits;
        }
    }
    return best;
}

/* The stream of a call that this one answers: rather between the very same endpoints, then of a
 * call that has not ended, then the latest to send; NULL: there is none. */
static const struct stream *find_answered(const struct media_map *map, const struct stream *stream)
{
    const struct stream *best = NULL, *at = streams_next_from(map->streams, &stream->dst, NULL);
    int best_fitness = 0;
    for (unsigned i = 0; at && i < ANSWERS_MAX; i++) {
        if (at->call && answers(stream, at)) {
            int fits = FITS + (at->call->phase != PHASE_CLOSING ? IS_OPEN : 0) +
                       (endpoint_eq(&at->dst, &stream->src) ? IS_EXACT : 0);
            if (fits > best_fitness ||
                (fits == best_fitness && at->source.seen_ns > best->source.seen_ns)) {
                best = at;
                best_fitness = fits;
            }
        }
        at = streams_next_from(map->streams, &stream->dst, at);
    }
    return best;
}

void media_map_look(void *context, struct stream *stream)
{
    struct media_map *map = context;
    const struct endpoint *src = &stream->src, *dst = &stream->dst;
    const struct media_announcement *found;
    const struct stream *answered;
    if (!map->streams)
        return;
    if ((found = best_of(map, dst, src, NULL)) != NULL)
        join_both_ways(map, stream, found->call,
                       is_from_callee(found->call, stream, src, !found->from_callee));
    else if ((found = best_of(map, src, dst, &stream->source.payload_type)) != NULL)
        join_both_ways(map, stream, found->call,
                       is_from_callee(found->call, stream, dst, found->from_callee));
    else if ((answered = find_answered(map, stream)) != NULL)
        join_both_ways(map, stream, answered->call, !answered->from_callee);
}

/* True: the call's streams may be of other codecs now. */
static bool announce_endpoint(struct media_map *map, struct call *call, const struct dialog *dialog,
                              bool from_callee, const struct sdp_media *media,
                              const struct endpoint *rtp)
{
    struct media_announcement *announcement = media_announcements_take(map, call, rtp);
    if (!announcement) {
        map->left_out++;
        return false;
    }
    announcement->moment = ++map->next_moment;
    announcement->dialog = media_map_dialog(dialog);
    announcement->from_callee = from_callee;
    announcement->is_secure = media->secure;
    return media_announcements_set_payloads(map, announcement, media);
}

/* The endpoints of a description, one after the other. */
struct place {
    unsigned media, pair; /* where to look from */
    struct endpoint rtp;
};

/* The next one; NULL: that was the last. */
static const struct sdp_media *next_endpoint(const struct sdp *sdp, struct place *place)
{
    for (; place->media < sdp->media_count; place->media++, place->pair = 0) {
        const struct sdp_media *media = &sdp->media[place->media];
        unsigned port = media->rtp.port + 2 * place->pair; /* RTCP has the odd ones between */
        if (!media->is_rtp || media->disabled || media->broken || media->zero_address ||
            media->rtp.ip.version == 0 || media->rtp.port == 0 ||
            place->pair >= media->port_count || place->pair >= PAIRS_MAX || port > UINT16_MAX)
            continue;
        place->rtp = (struct endpoint){media->rtp.ip, (uint16_t)port};
        place->pair++;
        return media;
    }
    return NULL;
}

void media_map_announce(struct media_map *map, struct call *call, const struct dialog *dialog,
                        bool from_callee, const struct sdp *sdp)
{
    const struct sdp_media *media;
    bool is_changed = false;
    if (!map->streams || call->is_told)
        return;
    for (struct place at = {0}; (media = next_endpoint(sdp, &at)) != NULL;)
        is_changed |= announce_endpoint(map, call, dialog, from_callee, media, &at.rtp);
    for (EACH_STREAM(node, call)) {
        note_encryption(call, stream_at(node));
        if (is_changed)
            streams_relearn(map->streams, stream_at(node));
    }
    for (struct place at = {0}; next_endpoint(sdp, &at) != NULL;)
        streams_each_alone(map->streams, &at.rtp, media_map_look, map);
}

void media_map_conclude(struct media_map *map, struct call *call)
{
    for (EACH_STREAM(node, call))
        streams_conclude(map->streams, stream_at(node));
}

void media_map_forget(struct media_map *map, struct call *call)
{
    if (!map->streams)
        return;
    while (!list_is_empty(&call->streams)) {
        struct stream *stream = stream_at(call->streams.next);
        list_remove(&stream->in_call);
        if (stream->is_concluded)
            streams_end(map->streams, stream);
        else
            streams_part(map->streams, stream);
    }
    media_announcements_forget(map, call);
}

int64_t media_map_last_ns(const struct call *call)
{
    int64_t last_ns = CALL_NO_TIME;
    for (EACH_STREAM(node, call))
        if (stream_at(node)->source.seen_ns > last_ns)
            last_ns = stream_at(node)->source.seen_ns;
    return last_ns;
}
