#include "call/one_way_audio.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "event/event_id.h"

/* So much of the silence the other direction may have been silent, too. */
#define SLACK_NS INT64_C(1000000000)

/* At a call's end: what it must have had for its silence to mean something. */
#define SHORT_CALL_MIN_NS INT64_C(1000000000)

enum {
    SHORT_CALL_PACKETS_MIN = 50,
    SILENTS_MAX = 3,  /* calls; a host that was never heard in so many may be out of the mirror */
    OPPOSED_MAX = 64, /* streams, the latest: more of a call are forged */
};

/* One direction: what this side sends. */
struct direction {
    bool is_expected;
    bool has_pauses;
    uint64_t packets;
    int64_t last_ns;             /* CALL_NO_TIME: never */
    const struct stream *latest; /* to send; NULL: none */
};

struct view {
    const struct call *call;
    const struct dialog *dialog;
    unsigned audio;                /* its m= line */
    int64_t start_ns;              /* no silence counts before it */
    struct direction direction[2]; /* by enum offer_answer_side, of the sender */
};

static enum offer_answer_side other(enum offer_answer_side side)
{
    return side == SIDE_CALLER ? SIDE_CALLEE : SIDE_CALLER;
}

static bool is_sound(const struct calls *calls, const struct stream *stream)
{
    return codec_at(calls->media_map.codecs, stream->codec)->kind != CODEC_VIDEO;
}

/* Is it silent now and then, by itself? A pause over the moment at which the media were last agreed
 * on was a hold. */
static bool has_pauses(const struct stream *stream, int64_t start_ns)
{
    const struct rtp_oddities *odd = rtp_record_odd(&stream->record);
    bool was_hold = odd->pause_from_ns < start_ns && odd->pause_until_ns >= start_ns;
    return stream->source.flags & RTP_SENDS_NOISE ||
           (stream->source.flags & RTP_PAUSES && !was_hold);
}

static void add_stream(const struct calls *calls, const struct stream *stream, struct view *view)
{
    struct direction *direction = &view->direction[stream->from_callee ? SIDE_CALLEE : SIDE_CALLER];
    if (!is_sound(calls, stream))
        return;
    direction->packets += stream->source.received;
    direction->has_pauses |= has_pauses(stream, view->start_ns);
    if (!direction->latest || stream->source.seen_ns > direction->last_ns) {
        direction->latest = stream;
        direction->last_ns = stream->source.seen_ns;
    }
}

/* False: there is nothing to be expected of this call now. */
static bool read_view(const struct calls *calls, const struct call *call, struct view *view)
{
    *view = (struct view){.call = call, .dialog = call_answered_dialog(call)};
    const struct offer_answer *media = view->dialog ? view->dialog->media : NULL;
    int audio = media ? offer_answer_audio(media) : -1;
    if (!calls->media_map.streams || audio < 0 || offer_answer_on_hold(media))
        return false;
    view->audio = (unsigned)audio;
    view->start_ns = view->dialog->answered_ns;
    if (offer_answer_agreed(media) > view->start_ns)
        view->start_ns = offer_answer_agreed(media);
    for (unsigned side = 0; side < 2; side++) {
        view->direction[side].is_expected = offer_answer_sends(media, side, view->audio);
        view->direction[side].last_ns = CALL_NO_TIME;
    }
    for (EACH_STREAM(node, call))
        add_stream(calls, stream_at(node), view);
    return true;
}

static int64_t later(int64_t a_ns, int64_t b_ns)
{
    return a_ns > b_ns ? a_ns : b_ns;
}

static int64_t silent_since(const struct view *view, enum offer_answer_side side)
{
    return later(view->direction[side].last_ns, view->start_ns);
}

/* Since when the side is silent while the other one is heard. */
static int64_t missed_since(const struct view *view, enum offer_answer_side side)
{
    int64_t since_ns = later(silent_since(view, side), view->call->audio_ns);
    int64_t heard_ns = INT64_MAX;
    for (EACH_STREAM(node, view->call)) {
        const struct stream *stream = stream_at(node);
        bool is_other = stream->from_callee == (side == SIDE_CALLER);
        if (is_other && stream->source.seen_ns > since_ns && stream->record.first_ns < heard_ns)
            heard_ns = stream->record.first_ns;
    }
    return heard_ns == INT64_MAX ? since_ns : later(since_ns, heard_ns - SLACK_NS);
}

int64_t one_way_audio_due(const struct calls *calls, const struct call *call)
{
    struct view view;
    int64_t due_ns = INT64_MAX;
    if (!read_view(calls, call, &view))
        return due_ns;
    for (unsigned side = 0; side < 2; side++) {
        int64_t look_ns = missed_since(&view, side) + ONE_WAY_SILENCE_NS;
        if (look_ns <= calls->now_ns)
            look_ns = calls->now_ns + ONE_WAY_SILENCE_NS; /* looked at already */
        if (view.direction[side].is_expected && look_ns < due_ns)
            due_ns = look_ns;
    }
    return due_ns;
}

/* Where the side's SIP came from; version 0: none was seen. */
static struct ip_addr sip_address(const struct call *call, enum offer_answer_side side)
{
    const struct transaction *first = call_first_transaction(call), *last = NULL;
    if (side == SIDE_CALLER)
        return first && first->has_request ? first->src.ip : (struct ip_addr){0};
    for (EACH_TRANSACTION(node, call)) {
        const struct transaction *t = transaction_at(node);
        if (!t->is_reinvite && t->first_response_ns != CALL_NO_TIME &&
            (!last || t->via_count > last->via_count))
            last = t;
    }
    return last ? last->dst.ip : (struct ip_addr){0};
}

/* What the side said of its sound; of the call's first offer, where this dialog has none of it. */
static const struct media_announcement *announced_by(const struct view *view,
                                                     enum offer_answer_side side)
{
    uint16_t port = 0;
    const struct offer_answer_description *said = offer_answer_current(view->dialog->media, side);
    if (!said)
        said = offer_answer_proposed(view->dialog->media, side);
    if (said && view->audio < said->media_count)
        port = said->media[view->audio].port;
    return media_map_find(view->call, view->dialog, side == SIDE_CALLEE, port);
}

/* Who should send, and where to: as it was seen, if that is still so, else as SDP says. */
static void find_endpoints(const struct view *view, enum offer_answer_side side,
                           struct one_way_audio *data)
{
    const struct stream *seen = view->direction[side].latest;
    const struct media_announcement *src = announced_by(view, side);
    const struct media_announcement *dst = announced_by(view, other(side));
    if (seen && (!dst || endpoint_eq(&dst->rtp, &seen->dst))) {
        data->src.endpoint = seen->src;
        data->dst.endpoint = seen->dst;
        return;
    }
    if (src)
        data->src.endpoint = src->rtp;
    else if (seen)
        data->src.endpoint = seen->src;
    if (dst)
        data->dst.endpoint = dst->rtp;
}

static bool is_within_host(const struct endpoint *src, const struct endpoint *dst)
{
    return ip_eq(&src->ip, &dst->ip);
}

static bool is_opposite(const struct stream *a, const struct stream *b)
{
    return ip_eq(&a->src.ip, &b->dst.ip) && ip_eq(&a->dst.ip, &b->src.ip) &&
           !is_within_host(&a->src, &a->dst);
}

/* Did sound go both ways between two hosts since then? */
static bool is_heard_both_ways(const struct calls *calls, const struct call *call, int64_t since_ns)
{
    const struct stream *heard[OPPOSED_MAX];
    size_t count = 0;
    for (struct list *at = call->streams.prev; at != &call->streams && count < OPPOSED_MAX;
         at = at->prev) {
        const struct stream *stream = stream_at(at);
        if (!is_sound(calls, stream) || stream->source.seen_ns <= since_ns)
            continue;
        for (size_t i = 0; i < count; i++)
            if (is_opposite(heard[i], stream))
                return true;
        heard[count++] = stream;
    }
    return false;
}

/*
 * Is it not known who is who? Then both directions may be there and only be taken for one: sound
 * goes both ways between two hosts, or the silent one would talk to itself, while the other is sent
 * across a network. SDP names false addresses where NATs and relays rewrite it.
 */
static bool is_confused(const struct calls *calls, const struct view *view,
                        enum offer_answer_side side, const struct one_way_audio *data)
{
    const struct stream *heard = view->direction[other(side)].latest;
    if (is_heard_both_ways(calls, view->call, data->since_ns))
        return true;
    return is_within_host(&data->src.endpoint, &data->dst.endpoint) &&
           !(heard && is_within_host(&heard->src, &heard->dst));
}

/* Were packets lost by the sensor or its mirror since then? */
static bool is_doubted(const struct calls *calls, int64_t since_ns)
{
    const struct calls_params *params = &calls->params;
    return (calls->lost_packet_ns != CALL_NO_TIME && calls->lost_packet_ns >= since_ns) ||
           (params->doubts && params->doubts(params->context, since_ns) & STREAMS_DOUBT_LOSS);
}

/* Is the sender known to be in the sensor's sight, and how well? False: it is not. */
static bool find_confidence(struct calls *calls, const struct view *view,
                            enum offer_answer_side side, struct one_way_audio *data)
{
    const struct ip_addr *ip = &data->src.endpoint.ip;
    if (ip->version == 0 || data->dst.endpoint.ip.version == 0)
        return false;
    struct media_host *host = media_map_host(&calls->media_map, ip);
    struct ip_addr sip_ip = sip_address(view->call, side);
    const struct peer *peer = peers_find_host(&calls->peers, ip);
    if (view->direction[side].latest || host->is_heard)
        data->confidence = CONFIDENCE_HIGH;
    else if ((peer && peer->has_sent) ||
             (sip_ip.version != 0 && (ip_eq(&sip_ip, ip) || ip_is_private(ip))))
        data->confidence = host->silents < SILENTS_MAX ? CONFIDENCE_MEDIUM : CONFIDENCE_LOW;
    else
        return false;
    if (!host->is_heard && host->silents < UINT8_MAX)
        host->silents++;
    if (is_doubted(calls, data->since_ns))
        data->confidence = CONFIDENCE_LOW;
    return true;
}

__attribute__((format(printf, 2, 3))) static void say(char *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(text, EVENT_SUMMARY_MAX, format, args);
    va_end(args);
}

enum { NAMED_TEXT_MAX = ENDPOINT_TEXT_MAX + 80 };

static const char *name_endpoint(const struct named_endpoint *who, char buf[static NAMED_TEXT_MAX])
{
    char text[ENDPOINT_TEXT_MAX];
    endpoint_format(&who->endpoint, text);
    if (who->name)
        snprintf(buf, NAMED_TEXT_MAX, "%s (%s)", who->name, text);
    else
        snprintf(buf, NAMED_TEXT_MAX, "%s", text);
    return buf;
}

/* Do the two descriptions name no codec for sound that both know? */
static bool has_no_common_codec(const struct calls *calls, const struct media_announcement *a,
                                const struct media_announcement *b)
{
    if (!a || !b || a->payload_count == 0 || b->payload_count == 0)
        return false;
    for (unsigned i = 0; i < a->payload_count; i++)
        for (unsigned j = 0; j < b->payload_count; j++) {
            uint16_t codec = media_map_payloads(a)[i].codec;
            if (codec == CODEC_NONE || media_map_payloads(b)[j].codec == CODEC_NONE)
                return false; /* who knows */
            if (codec == media_map_payloads(b)[j].codec &&
                codec_at(calls->media_map.codecs, codec)->kind == CODEC_AUDIO)
                return false;
        }
    return true;
}

static void advise(const struct calls *calls, const struct view *view, enum offer_answer_side side,
                   struct one_way_audio *data, const char *src, const char *dst)
{
    char ip[IP_TEXT_MAX];
    ip_format(&data->src.endpoint.ip, ip);
    if (!data->is_silent_from_start)
        say(data->next_step,
            "Capture at %s: does it still send? If it does, look for what lies between it and the "
            "sensor (a firewall or NAT that forgot the flow, a route that changed); if not, for a "
            "re-INVITE it took for hold, or a muted microphone that sends no RTP.",
            src);
    else if (ip_is_private(&data->dst.endpoint.ip) && !ip_is_private(&data->src.endpoint.ip))
        say(data->next_step,
            "%s is told to send to the private address %s, which cannot be reached from outside "
            "its network: mend the SDP of the %s (STUN, the NAT settings of its PBX or SBC, a "
            "router's SIP ALG), or relay the media.",
            src, dst, side == SIDE_CALLER ? "callee" : "caller");
    else if (has_no_common_codec(calls, announced_by(view, side), announced_by(view, other(side))))
        say(data->next_step,
            "The two sides name no codec in common: give %s and %s one, or transcode between them.",
            src, dst);
    else
        say(data->next_step,
            "Capture at %s (tcpdump -ni any udp port %u): if it sends, a firewall or NAT on the "
            "way drops its RTP; if not, look there for why (codec, SRTP keys, the answer or its "
            "ACK that never came). Check, too, that the mirror copies what %s sends.",
            src, data->src.endpoint.port, ip);
}

static void explain(const struct calls *calls, const struct view *view, enum offer_answer_side side,
                    struct one_way_audio *data)
{
    char src[NAMED_TEXT_MAX], dst[NAMED_TEXT_MAX], before[64] = "";
    name_endpoint(&data->src, src);
    name_endpoint(&data->dst, dst);
    if (!data->is_silent_from_start)
        snprintf(before, sizeof before, ", after %" PRIu64 " packet%s",
                 view->direction[side].packets, view->direction[side].packets == 1 ? "" : "s");
    say(data->summary,
        "No RTP from the %s at %s to %s for %.1f s%s%s, while the other direction was heard "
        "(%" PRIu64 " packets): the %s hears nothing.%s",
        side == SIDE_CALLER ? "caller" : "callee", src, dst, (double)data->silent_ns / 1e9,
        data->since_ns == data->answered_ns ? " since the answer" : "", before, data->heard_packets,
        side == SIDE_CALLER ? "callee" : "caller",
        data->confidence == CONFIDENCE_LOW
            ? " The sensor may have missed packets: it is not certain."
            : "");
    advise(calls, view, side, data, src, dst);
}

static uint32_t packets_mark(const struct direction *direction)
{
    return (uint32_t)direction->packets + 1;
}

static void tell(struct calls *calls, struct call *call, const struct view *view,
                 enum offer_answer_side side, int64_t now_ns)
{
    struct event event = {.type = EVENT_ONE_WAY_AUDIO, .time_ns = now_ns};
    struct one_way_audio *data = &event.one_way_audio;
    *data = (struct one_way_audio){
        .call_id = arena_slice(call->call_id),
        .from_uri = arena_slice(call->from_uri),
        .to_uri = arena_slice(call->to_uri),
        .is_from_caller = side == SIDE_CALLER,
        .is_silent_from_start = !view->direction[side].latest,
        .answered_ns = view->dialog->answered_ns,
        .since_ns = silent_since(view, side),
        .heard_packets = view->direction[other(side)].packets,
    };
    data->silent_ns = now_ns - data->since_ns;
    find_endpoints(view, side, data);
    if (is_confused(calls, view, side, data) || !find_confidence(calls, view, side, data))
        return;
    data->src.name = peer_names_find(&calls->params.names, &data->src.endpoint.ip);
    data->dst.name = peer_names_find(&calls->params.names, &data->dst.endpoint.ip);
    explain(calls, view, side, data);
    const struct event_id_part parts[] = {
        event_id_text(slice_str(calls->params.sensor_id)),
        event_id_text(slice_str(event_type_name(event.type))),
        event_id_text(arena_slice(call->call_id)),
        event_id_text(arena_slice(call->from_tag)),
        {&data->is_from_caller, sizeof data->is_from_caller},
        {&data->since_ns, sizeof data->since_ns},
    };
    event_set_id(&event, parts, sizeof parts / sizeof parts[0]);
    call->told_silent[side] = packets_mark(&view->direction[side]);
    calls->one_way_audio++;
    calls->params.receive(calls->params.context, &event);
}

/* May its silence be told of at all, and was it not yet? */
static bool is_suspect(const struct view *view, enum offer_answer_side side)
{
    const struct direction *direction = &view->direction[side];
    return direction->is_expected && !(direction->has_pauses && direction->latest) &&
           view->call->told_silent[side] != packets_mark(direction);
}

/* Silence of one counts only from when the other is heard again. */
static void note_quiet(const struct calls *calls, struct call *call, const struct view *view)
{
    int64_t last_ns =
        later(view->direction[SIDE_CALLER].last_ns, view->direction[SIDE_CALLEE].last_ns);
    bool is_quiet = last_ns < calls->now_ns - SLACK_NS;
    if (is_quiet || call->was_quiet)
        call->audio_ns = calls->now_ns;
    call->was_quiet = is_quiet;
}

void one_way_audio_look(struct calls *calls, struct call *call)
{
    struct view view;
    if (!read_view(calls, call, &view))
        return;
    note_quiet(calls, call, &view);
    for (unsigned side = 0; side < 2; side++)
        if (is_suspect(&view, side) &&
            calls->now_ns - missed_since(&view, side) >= ONE_WAY_SILENCE_NS)
            tell(calls, call, &view, side, calls->now_ns);
}

void one_way_audio_at_end(struct calls *calls, struct call *call,
                          const struct call_outcome *outcome)
{
    struct view view;
    if (!read_view(calls, call, &view))
        return;
    int64_t answered_ns = view.dialog->answered_ns;
    if (outcome->ended_ns - answered_ns < SHORT_CALL_MIN_NS)
        return;
    for (unsigned side = 0; side < 2; side++) {
        const struct direction *heard = &view.direction[other(side)];
        if (is_suspect(&view, side) && view.direction[side].last_ns < answered_ns &&
            heard->last_ns > answered_ns && heard->packets >= SHORT_CALL_PACKETS_MIN)
            tell(calls, call, &view, side, outcome->ended_ns);
    }
}
